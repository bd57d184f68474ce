/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fib_rules.h>

#include "kernel/rules.h"
#include "support/kernel_conf.h"
#include "support/netns.h"

struct fixture {
	struct nsg_conf conf;
	struct nsg_marks marks;
	struct nsg_hops hops;
};

static void begin(struct fixture *f, uint32_t mask)
{
	*f = (struct fixture){.conf = KERNEL_CONF};
	f->conf.mark_mask = mask;
	assert_int_equal(nsg_marks_init(mask, &f->marks), 0);
	assert_int_equal(nsg_hops_init(&f->hops, &f->conf, &f->marks), 0);
}

static void end(struct fixture *f)
{
	nsg_hops_done(&f->hops);
}

static void use(struct fixture *f, uint32_t number, bool has_table)
{
	f->hops.v[number].used = true;
	f->hops.v[number].paths = calloc(1, sizeof(*f->hops.v[number].paths));
	f->hops.v[number].n_paths = has_table;
}

#define NO_TABLE 0

/*
 * What the kernel does with a mark (fib_rules_lookup): rules in ascending order, a goto to the
 * first rule with that preference, a lookup that finds a route ends it. Counts the rules looked at.
 */
static uint32_t walk(const struct nsg_rules *r, uint32_t mark, uint32_t *looked_at)
{
	uint64_t from = 0;

	*looked_at = 0;
	for (;;) {
		const struct nsg_rule *next = NULL;

		for (size_t i = 0; i < r->rules.n; i++) {
			const struct nsg_rule *rule = &r->rules.v[i];

			if (rule->pref >= from && (!next || rule->pref < next->pref))
				next = rule;
		}
		if (!next)
			return NO_TABLE;
		from = (uint64_t)next->pref + 1;
		(*looked_at)++;
		if ((mark ^ next->mark) & next->mask)
			continue;
		if (next->action == FR_ACT_TO_TBL)
			return next->table;
		if (next->action != FR_ACT_GOTO)
			continue;
		assert_true(next->target > next->pref);
		for (size_t i = 0; i < r->rules.n; i++)
			if (r->rules.v[i].pref == next->target)
				from = next->target;
		assert_int_equal(from, next->target);
	}
}

static void the_gateways_packets_ask_the_live_table_first(void **state)
{
	struct nsg_rules rules = {0};
	struct fixture f;
	uint32_t looked_at;

	(void)state;
	begin(&f, 0x0fff0000);
	use(&f, 3, true);
	use(&f, 40, false);
	f.hops.v[40].lookup = 100;
	assert_int_equal(nsg_rules_desired(&f.hops, &rules), 0);
	assert_int_equal(walk(&rules, 3u << f.marks.hop_shift, &looked_at), f.conf.table_base + 3);
	assert_int_equal(walk(&rules, 40u << f.marks.hop_shift, &looked_at), 100);
	assert_int_equal(looked_at, 2);
	/* what that table does not route goes on to the hop's own, which has a blackhole */
	for (size_t i = 0; i < rules.rules.n; i++)
		if (rules.rules.v[i].table == 100)
			rules.rules.v[i].action = FR_ACT_NOP;
	assert_int_equal(walk(&rules, 40u << f.marks.hop_shift, &looked_at),
			 f.conf.table_base + 40);
	nsg_rules_done(&rules);
	end(&f);
}

static void every_number_finds_its_table_and_no_other_mark_does(void **state)
{
	static const uint32_t masks[] = {0x0fff0000, 0x00000fff, 0xfff00000,
					 0x0000003f, 0xfc000000, 0x0001ff80};

	(void)state;
	for (size_t m = 0; m < 6; m++) {
		for (uint32_t step = 1; step < 40; step += 7) {
			struct nsg_rules rules = {0};
			struct fixture f;
			uint32_t looked_at;

			begin(&f, masks[m]);
			for (uint32_t n = 1; n <= f.hops.max; n += step)
				use(&f, n, true);
			assert_int_equal(nsg_rules_desired(&f.hops, &rules), 0);
			for (uint32_t n = 0; n <= f.hops.max + 1; n++) {
				bool used = n && n <= f.hops.max && f.hops.v[n].used;
				/* foreign bits all set */
				uint32_t mark = n << f.marks.hop_shift | ~f.marks.mask;

				assert_int_equal(walk(&rules, mark, &looked_at),
						 used ? f.conf.table_base + n : NO_TABLE);
				/* blocks, their gotos, and one block of the tree at most */
				assert_true(looked_at <= 1 + 16 + 2 + NSG_RULES_BLOCK + 2);
			}
			assert_int_equal(walk(&rules, ~f.marks.hop, &looked_at), NO_TABLE);
			assert_int_equal(looked_at, 2); /* and the end's marker */
			nsg_rules_done(&rules);
			end(&f);
		}
	}
}

static void priorities_stay_in_the_span_and_are_used_once(void **state)
{
	bool seen[NSG_RULES_SPAN] = {false};
	struct nsg_rules rules = {0};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	for (uint32_t n = 1; n <= f.hops.max; n++)
		use(&f, n, true);
	assert_int_equal(nsg_rules_desired(&f.hops, &rules), 0);
	for (size_t i = 0; i < rules.rules.n; i++) {
		uint32_t at = rules.rules.v[i].pref - f.conf.rule_priority;

		assert_true(at < NSG_RULES_SPAN);
		assert_false(seen[at]);
		seen[at] = true;
		/* targets are added before what goes to them */
		assert_true(!i || rules.rules.v[i].pref < rules.rules.v[i - 1].pref);
	}
	nsg_rules_done(&rules);
	end(&f);
}

static void without_tables_there_are_no_rules(void **state)
{
	struct nsg_rules rules = {0};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	use(&f, 3, false); /* numbered for [snat] only */
	assert_int_equal(nsg_rules_desired(&f.hops, &rules), 0);
	assert_int_equal(rules.rules.n, 0);
	nsg_rules_done(&rules);
	end(&f);
}

static uint32_t restore(struct fixture *f, struct nsg_nl *nl)
{
	struct nsg_diag diag = {0};
	uint32_t changed = 0;

	assert_int_equal(nsg_rules_apply(nl, &f->hops, &diag, &changed), 0);
	assert_int_equal(diag.n, 0);
	nsg_diag_done(&diag);
	return changed;
}

static void the_kernel_gets_what_is_missing_and_loses_what_is_stray(void **state)
{
	char *before, *after;
	struct fixture f;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_ROUTE, &nl), 0);
	assert_int_equal(netns_run("ip rule add pref 20999 fwmark 1 lookup 5;"
				   "ip rule add pref 22000 to 10.1.0.0/16 lookup 6"),
			 0);
	before = netns_output("ip rule");
	begin(&f, 0x0fff0000);
	use(&f, 1, true);
	use(&f, 40, true);
	/* the end, the first; two blocks with a marker, an end, a goto and a rule each */
	assert_int_equal(restore(&f, &nl), 2 + 2 * 4);
	assert_int_equal(restore(&f, &nl), 0);
	assert_true(netns_shows("ip rule", "fwmark 0x10000/0x1ff0000 lookup 21001 proto 110"));
	assert_true(netns_shows("ip rule", "fwmark 0x280000/0x1ff0000 lookup 21040 proto 110"));
	assert_false(netns_shows("ip rule", "unresolved"));
	/* another program deletes one and changes another */
	assert_int_equal(netns_run("ip rule del pref 21022 && ip rule del pref 21054 &&"
				   "ip rule add pref 21055 nop proto 110"),
			 0);
	assert_int_equal(restore(&f, &nl), 3);
	assert_int_equal(restore(&f, &nl), 0);
	assert_false(netns_shows("ip rule", "unresolved"));
	f.hops.v[1].used = f.hops.v[40].used = false;
	assert_int_equal(restore(&f, &nl), 10);
	after = netns_output("ip rule");
	assert_string_equal(before, after);
	free(before);
	free(after);
	f.hops.v[1].used = f.hops.v[40].used = true;
	end(&f);
	nsg_nl_close(&nl);
}

static void rules_of_others_between_ours_are_told(void **state)
{
	struct nsg_rules ours = {0}, foreign = {0};
	struct fixture f;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_ROUTE, &nl), 0);
	begin(&f, 0x0fff0000);
	assert_int_equal(
	    netns_run("ip rule add pref 21005 fwmark 1 lookup 5;" /* no protocol */
		      "ip rule add pref 21006 fwmark 0x10/0xf0 lookup 5 proto 110;"
		      "ip rule add pref 21007 fwmark 0x10000/0xf0000 lookup 5 proto 110;"
		      "ip rule add pref 20999 nop proto 110;"
		      "ip rule add pref 21565 nop proto 110"),
	    0);
	assert_int_equal(nsg_rules_read(&nl, &f.conf, &ours, &foreign), 0);
	assert_int_equal(ours.rules.n, 1);
	assert_int_equal(ours.rules.v[0].pref, 21007);
	assert_int_equal(foreign.rules.n, 2);
	assert_int_equal(foreign.rules.v[0].pref, 21005);
	assert_int_equal(foreign.rules.v[1].pref, 21006); /* another instance's mask */
	nsg_rules_done(&ours);
	nsg_rules_done(&foreign);
	end(&f);
	nsg_nl_close(&nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_gateways_packets_ask_the_live_table_first),
	    cmocka_unit_test(every_number_finds_its_table_and_no_other_mark_does),
	    cmocka_unit_test(priorities_stay_in_the_span_and_are_used_once),
	    cmocka_unit_test(without_tables_there_are_no_rules),
	    cmocka_unit_test(the_kernel_gets_what_is_missing_and_loses_what_is_stray),
	    cmocka_unit_test(rules_of_others_between_ours_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
