/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole layer in a namespace of its own: what it creates, repairs and removes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "kernel/kernel_priv.h"
#include "support/connections.h"
#include "support/fake_image.h"
#include "support/kernel_conf.h"
#include "support/netns.h"
#include "util/macro.h"

#define NVA1 NSG_IP4(10, 0, 100, 4)
#define NVA2 NSG_IP4(10, 0, 101, 4)
#define NVA3 NSG_IP4(10, 0, 101, 5)
#define FOREIGN 0x40000007u

static const struct fake_hop hops_a[] = {
    {.type = NSG_HOP_VNET_LOCAL}, FAKE_APPLIANCE(NVA1), FAKE_APPLIANCE(NVA2)};
static const struct fake_hop hops_b[] = {
    {.type = NSG_HOP_VNET_LOCAL}, FAKE_APPLIANCE(NVA3), FAKE_APPLIANCE(NVA1)};

struct fixture {
	struct nsg_conf conf;
	struct nsg_kernel *k;
	struct nsg_image *a, *b;
	struct nsg_hop_numbers numbers;
	struct nsg_diag diag;
	char *before; /* the namespace's state */
};

static bool begin(struct fixture *f)
{
	*f = (struct fixture){.conf = KERNEL_CONF};
	if (!netns_enter())
		return false;
	assert_int_equal(
	    netns_run("ip link add a0 type veth peer name a1;"
		      "ip link add b0 type veth peer name b1;"
		      "ip address add 10.0.100.1/24 dev a0;"
		      "ip address add 10.0.101.1/24 dev b0;"
		      "for i in a0 a1 b0 b1; do ip link set $i up; done;"
		      "ip rule add pref 20000 fwmark 1 lookup 9;"
		      "ip route add default via 10.0.100.254;"
		      "ip route add default via 10.0.101.9 table 9 proto 110;"
		      "nft 'add table ip foreign; add chain ip foreign c { type filter "
		      "hook output priority 0; }'"),
	    0);
	f->before = netns_state();
	f->a = fake_image(hops_a, 3);
	f->b = fake_image(hops_b, 3);
	assert_int_equal(nsg_kernel_open(&f->conf, &f->diag, &f->k), 0);
	return true;
}

static void end(struct fixture *f)
{
	nsg_kernel_free(f->k);
	nsg_image_free(f->a);
	nsg_image_free(f->b);
	free(f->numbers.number);
	free(f->before);
	nsg_diag_done(&f->diag);
}

static void plan(struct fixture *f, const struct nsg_image *image)
{
	free(f->numbers.number);
	f->numbers.number = NULL;
	assert_int_equal(nsg_kernel_plan(f->k, image, false, &f->diag, &f->numbers), 0);
}

static void start(struct fixture *f)
{
	plan(f, f->a);
	assert_int_equal(nsg_kernel_start(f->k, f->a, &f->numbers, 0, 1, &f->diag), 0);
}

static void reload(struct fixture *f, const struct nsg_image *image, uint32_t generation,
		   enum nsg_forget forget)
{
	plan(f, image);
	assert_int_equal(nsg_kernel_prepare(f->k, image, &f->numbers, generation, &f->diag), 0);
	assert_int_equal(nsg_kernel_swap(f->k, generation, forget, &f->diag), 0);
	assert_int_equal(nsg_kernel_retire(f->k, &f->diag), 0);
}

static void cleanup_is_complete(struct fixture *f)
{
	char *after;

	assert_int_equal(nsg_kernel_cleanup(f->k, &f->diag), 0);
	after = netns_state();
	assert_string_equal(f->before, after);
	free(after);
}

/* Processes notifications until none is pending. */
static int process(struct fixture *f)
{
	struct pollfd p = {.fd = nsg_kernel_fd(f->k), .events = POLLIN};
	int repairs = 0;

	while (poll(&p, 1, 50) > 0) {
		int r = nsg_kernel_process(f->k, &f->diag);

		assert_true(r >= 0);
		repairs += r;
	}
	return repairs;
}

static bool reported(struct fixture *f, const char *text)
{
	for (size_t i = 0; i < f->diag.n; i++)
		if (strstr(f->diag.v[i].text, text))
			return true;
	return false;
}

static void a_start_and_a_cleanup_leave_the_namespace_as_it_was(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	assert_int_equal(f.numbers.number[1], 0);
	assert_int_equal(f.numbers.number[2], 1);
	assert_int_equal(f.numbers.number[3], 2);
	assert_true(netns_shows("ip route show table 21001", "default via 10.0.100.4 dev a0"));
	assert_true(netns_shows("ip route show table 21002", "default via 10.0.101.4 dev b0"));
	assert_true(netns_shows("ip rule", "lookup 21002"));
	assert_true(netns_shows("nft list set ip unit paths", "0x00010000 . \"a0\""));
	assert_int_equal(f.diag.n, 0);
	assert_int_equal(process(&f), 0);
	cleanup_is_complete(&f);
	/* and again, when nothing is there */
	cleanup_is_complete(&f);
	end(&f);
}

static void a_plan_changes_nothing(void **state)
{
	struct fixture f;
	char *after;

	(void)state;
	if (!begin(&f))
		skip();
	plan(&f, f.a);
	plan(&f, f.b);
	after = netns_state();
	assert_string_equal(f.before, after);
	free(after);
	end(&f);
}

static void a_plan_reports_what_cannot_be_reached(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(netns_run("ip link set b0 down; ip route del default"), 0);
	plan(&f, f.a);
	assert_int_equal(f.diag.n_warnings, 1);
	assert_true(
	    reported(&f, "next hop VirtualAppliance 10.0.101.4 cannot be reached: this host has "
			 "no route to 10.0.101.4"));
	assert_int_equal(nsg_kernel_plan(f.k, f.a, true, &f.diag, &f.numbers), -EINVAL);
	assert_int_equal(f.diag.n_errors, 1);
	end(&f);
}

static void a_second_start_replaces_what_the_first_left(void **state)
{
	struct nsg_conf other = KERNEL_CONF;
	struct nsg_kernel *first;
	struct fixture f;
	bool connections;

	(void)state;
	if (!begin(&f))
		skip();
	connections = connections_add(0, false, FOREIGN | 0x08010000) == 0;
	start(&f);
	/* killed: nothing is removed */
	first = f.k;
	assert_int_equal(nsg_kernel_open(&other, &f.diag, &f.k), 0);
	start(&f);
	nsg_kernel_free(first);
	if (connections) {
		uint32_t mark;

		connections_marks(&mark, 1);
		assert_int_equal(mark, FOREIGN);
	}
	cleanup_is_complete(&f);
	end(&f);
}

static void a_reload_keeps_numbers_and_drops_what_nobody_uses(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	plan(&f, f.b);
	assert_int_equal(f.numbers.number[2], 3);
	assert_int_equal(f.numbers.number[3], 1); /* NVA1, as before */
	assert_int_equal(nsg_kernel_prepare(f.k, f.b, &f.numbers, 1, &f.diag), 0);
	/* both are there, the old generation is in force */
	assert_true(netns_shows("ip rule", "lookup 21002"));
	assert_true(netns_shows("ip rule", "lookup 21003"));
	assert_true(netns_shows("nft list map ip unit hops", "\"hop2\""));
	assert_true(netns_shows("nft list map ip unit hops", "\"hop3\""));
	assert_true(netns_shows("nft list set ip unit gen", "0x08000000"));
	assert_int_equal(nsg_kernel_swap(f.k, 1, NSG_FORGET_NOTHING, &f.diag), 0);
	assert_true(netns_shows("nft list set ip unit gen", "0x0a000000"));
	assert_int_equal(nsg_kernel_retire(f.k, &f.diag), 0);
	assert_false(netns_shows("ip rule", "lookup 21002"));
	assert_false(netns_shows("ip route show table all", "table 21002"));
	assert_false(netns_shows("nft list table ip unit", "hop2"));
	assert_true(netns_shows("ip route show table 21003", "default via 10.0.101.5 dev b0"));
	assert_int_equal(process(&f), 0);
	cleanup_is_complete(&f);
	end(&f);
}

static void a_reload_that_was_given_up_can_be_taken_back(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	plan(&f, f.b);
	assert_int_equal(nsg_kernel_prepare(f.k, f.b, &f.numbers, 1, &f.diag), 0);
	assert_int_equal(nsg_kernel_retire(f.k, &f.diag), 0);
	assert_false(netns_shows("ip rule", "lookup 21003"));
	assert_true(netns_shows("ip rule", "lookup 21002"));
	/* a swap without a preparation is refused */
	assert_int_equal(nsg_kernel_swap(f.k, 1, NSG_FORGET_NOTHING, &f.diag), -EINVAL);
	reload(&f, f.b, 1, NSG_FORGET_NOTHING);
	cleanup_is_complete(&f);
	end(&f);
}

static void a_preparation_that_fails_leaves_the_old_policy_whole(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	plan(&f, f.b);
	/* another program uses the table of the new hop since */
	assert_int_equal(netns_run("ip route add default via 10.0.101.9 table 21003"), 0);
	assert_int_equal(nsg_kernel_prepare(f.k, f.b, &f.numbers, 1, &f.diag), -EEXIST);
	assert_true(reported(&f, "21003"));
	assert_false(netns_shows("ip rule", "lookup 21003"));
	assert_true(netns_shows("ip rule", "lookup 21002"));
	assert_false(netns_shows("nft list table ip unit", "hop3"));
	assert_int_equal(netns_run("ip route del default table 21003"), 0);
	reload(&f, f.b, 1, NSG_FORGET_NOTHING);
	cleanup_is_complete(&f);
	end(&f);
}

static void a_reload_that_finds_no_table_makes_it_whole(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	/* the notifications are not read in between */
	assert_int_equal(netns_run("nft delete table ip unit"), 0);
	reload(&f, f.b, 1, NSG_FORGET_NOTHING);
	assert_true(netns_shows("nft list set ip unit gen", "0x0a000000"));
	assert_true(netns_shows("nft list table ip unit", "hop3"));
	plan(&f, f.a);
	assert_int_equal(nsg_kernel_prepare(f.k, f.a, &f.numbers, 2, &f.diag), 0);
	assert_int_equal(netns_run("nft delete table ip unit"), 0);
	assert_int_equal(nsg_kernel_swap(f.k, 2, NSG_FORGET_DECISIONS, &f.diag), 0);
	assert_true(netns_shows("nft list set ip unit gen", "0x0c000000"));
	assert_int_equal(nsg_kernel_retire(f.k, &f.diag), 0);
	assert_int_equal(nsg_kernel_process(f.k, &f.diag), 1);
	assert_true(netns_shows("nft list set ip unit gen", "0x0c000000"));
	cleanup_is_complete(&f);
	end(&f);
}

static uint32_t next_generation(struct fixture *f)
{
	uint32_t generation = UINT32_MAX;

	assert_int_equal(
	    nsg_kernel_new_generation(f->k, nsg_kernel_standing(f->k), true, &f->diag, &generation),
	    0);
	return generation;
}

static void sweep(struct fixture *f)
{
	struct pollfd p = {.fd = nsg_kernel_fd(f->k), .events = POLLIN};

	nsg_kernel_sweep(f->k);
	while (f->k->sweep.running) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		assert_int_equal(nsg_kernel_process(f->k, &f->diag), 0);
	}
}

static void marks_are(const uint32_t *expected, uint32_t n)
{
	uint32_t marks[8];

	connections_marks(marks, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(marks[i], expected[i]);
}

static void marks_of_older_policies_are_rewritten_after_a_reload(void **state)
{
	/* host's, preexisting, then those of generations 0, 1, 2 */
	uint32_t marks[6] = {FOREIGN, FOREIGN | 0x06000000, FOREIGN | 0x08010000,
			     FOREIGN | 0x0a020000, FOREIGN | 0x0c030000};
	struct fixture f;

	(void)state;
	if (!begin(&f) || connections_add(0, false, marks[0]) < 0)
		skip();
	start(&f);
	assert_int_equal(connections_add(1, true, marks[1]), 0);
	assert_int_equal(connections_add(2, false, marks[2]), 0);
	assert_int_equal(next_generation(&f), 1);
	reload(&f, f.b, 1, NSG_FORGET_NOTHING);
	assert_int_equal(connections_add(3, true, marks[3]), 0);
	sweep(&f);
	marks_are(marks, 4); /* there is but one older policy */
	assert_int_equal(next_generation(&f), 2);
	reload(&f, f.a, 2, NSG_FORGET_NOTHING);
	assert_int_equal(connections_add(4, false, marks[4]), 0);
	marks_are(marks, 5);
	sweep(&f);
	marks[3] = FOREIGN | 0x08020000; /* that of 1 has the number 0, and its next hop */
	marks_are(marks, 5);
	assert_int_equal(nsg_kernel_standing(f.k), 1 << 0 | 1 << 2);
	/* the decisions of older policies do not stand: only the marks of the new one stay */
	assert_int_equal(next_generation(&f), 1);
	reload(&f, f.b, 1, NSG_FORGET_DECISIONS);
	marks[5] = FOREIGN | 0x0a030000;
	assert_int_equal(connections_add(5, false, marks[5]), 0);
	sweep(&f);
	marks[2] = marks[3] = marks[4] = FOREIGN;
	marks_are(marks, 6);
	assert_int_equal(nsg_kernel_standing(f.k), 1 << 1);
	assert_int_equal(f.diag.n, 0);
	cleanup_is_complete(&f);
	end(&f);
}

/* Workers may have marked connections before the reload was given up. */
static void a_generation_that_was_tried_is_swept_before_it_is_given_again(void **state)
{
	const uint32_t marks[] = {FOREIGN | 0x08010000, FOREIGN | 0x0a010000, FOREIGN | 0x0c010000,
				  FOREIGN | 0x0e010000};
	const uint32_t swept[] = {marks[0], FOREIGN, FOREIGN, FOREIGN};
	struct fixture f;
	uint32_t generation;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	if (connections_add(0, false, marks[0]) < 0)
		skip();
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(connections_add(i, false, marks[i]), 0);
	for (uint32_t i = 1; i < 4; i++) {
		assert_int_equal(next_generation(&f), i);
		plan(&f, f.b);
		assert_int_equal(nsg_kernel_prepare(f.k, f.b, &f.numbers, i, &f.diag), 0);
		assert_int_equal(nsg_kernel_retire(f.k, &f.diag), 0);
	}
	assert_int_equal(nsg_kernel_standing(f.k), 1 << 0);
	/* not while a worker may still write one */
	assert_int_equal(nsg_kernel_new_generation(f.k, 0, false, &f.diag, &generation), -EBUSY);
	assert_non_null(strstr(f.diag.v[f.diag.n - 1].text, "a worker still uses"));
	marks_are(marks, 4);
	/* no thread: in the call */
	assert_int_equal(next_generation(&f), 1);
	marks_are(swept, 4);
	cleanup_is_complete(&f);
	end(&f);
}

static void what_other_programs_change_is_repaired_and_counted(void **state)
{
	static const struct {
		const char *command, *reported;
		int repairs;
	} rows[] = {
	    {"ip rule del pref 21022", "1 of nsgd's ip rules were modified", 1},
	    {"ip rule flush; ip rule add pref 32766 lookup main; ip rule add pref 32767 lookup "
	     "default; ip rule add pref 20000 fwmark 1 lookup 9",
	     "of nsgd's ip rules", 8},
	    {"ip route flush table 21001", "routing table 21001 was modified by another program",
	     1},
	    {"ip route replace default via 10.0.101.77 table 21001 proto 110",
	     "routing table 21001 was modified by another program", 1},
	    {"nft flush ruleset; nft 'add table ip foreign; add chain ip foreign c { type filter "
	     "hook output priority 0; }'",
	     "table ip unit was modified by another program", 1},
	    {"nft delete table ip6 unit", "table ip6 unit was modified by another program", 1},
	    {"nft delete table ip unit", "table ip unit was modified by another program", 1},
	    {"nft flush chain ip unit output", "table ip unit was modified by another program", 1},
	    {"nft add rule ip unit capture accept", "table ip unit was modified by another program",
	     1},
	    /* a set of another type cannot be repaired in place */
	    {"nft 'delete table ip unit; add table ip unit; add set ip unit gen { type ipv4_addr; "
	     "}'",
	     "table ip unit was modified by another program", 1},
	};
	struct fixture f;
	char *whole;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	assert_int_equal(process(&f), 0);
	whole = netns_output("ip rule; ip route show table all | sort;"
			     "nft -s list ruleset | sed 's/tcp timeout.*//'");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *repaired;

		nsg_diag_done(&f.diag);
		f.diag = (struct nsg_diag){0};
		assert_int_equal(netns_run("%s", rows[i].command), 0);
		assert_in_range(process(&f), 1, rows[i].repairs);
		assert_true(reported(&f, rows[i].reported));
		assert_int_equal(f.diag.n_errors, 0);
		repaired =
		    netns_output("ip rule; ip route show table all | sort; nft -s list table ip "
				 "foreign; nft -s list ruleset | sed 's/tcp timeout.*//'");
		/* tables of other programs may have moved in the list */
		for (const char *line = whole; *line; line += strcspn(line, "\n") + 1) {
			char text[512];

			(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
			if (!strstr(repaired, text))
				print_message("after %s: no %s\n", rows[i].command, text);
			assert_non_null(strstr(repaired, text));
		}
		free(repaired);
	}
	assert_true(f.k->repairs >= 10);
	free(whole);
	end(&f);
}

static void changes_of_other_objects_are_not_repaired(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	assert_int_equal(process(&f), 0);
	assert_int_equal(netns_run("ip rule add pref 100 fwmark 9 lookup 9; ip rule del pref 100;"
				   "ip route add 10.99.0.0/16 via 10.0.100.9;"
				   "ip route del 10.99.0.0/16;"
				   "nft add rule ip foreign c counter; nft delete table ip foreign;"
				   "ip link set a1 mtu 1400"),
			 0);
	assert_int_equal(process(&f), 0);
	assert_int_equal(f.diag.n, 0);
	end(&f);
}

static void a_link_that_goes_takes_its_hop_down_and_up_again(void **state)
{
	struct fixture f;
	json_t *status;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	assert_int_equal(process(&f), 0);
	assert_int_equal(netns_run("ip link set a1 down"), 0);
	assert_int_equal(process(&f), 0); /* not a repair */
	assert_true(
	    reported(&f, "next hop VirtualAppliance 10.0.100.4 is down, its packets are dropped"));
	assert_false(netns_shows("ip route show table 21001", "via"));
	assert_true(netns_shows("ip route show table 21001", "blackhole"));
	assert_false(netns_shows("nft list set ip unit paths", "0x00010000"));
	status = nsg_kernel_status(f.k);
	assert_false(json_boolean_value(
	    json_object_get(json_array_get(json_object_get(status, "hops"), 0), "up")));
	assert_true(json_boolean_value(
	    json_object_get(json_array_get(json_object_get(status, "hops"), 1), "up")));
	json_decref(status);
	assert_int_equal(netns_run("ip link set a1 up"), 0);
	assert_int_equal(process(&f), 0);
	assert_true(reported(&f, "next hop VirtualAppliance 10.0.100.4 is up"));
	assert_true(netns_shows("ip route show table 21001", "via 10.0.100.4"));
	assert_true(netns_shows("nft list set ip unit paths", "0x00010000 . \"a0\""));
	/* a device that vanishes and comes back under its name */
	assert_int_equal(netns_run("ip link del b0"), 0);
	assert_int_equal(process(&f), 0);
	assert_true(reported(&f, "10.0.101.4 is down"));
	assert_int_equal(netns_run("ip link add b0 type veth peer name b1; ip link set b1 up;"
				   "ip address add 10.0.101.1/24 dev b0; ip link set b0 up"),
			 0);
	assert_int_equal(process(&f), 0);
	assert_true(netns_shows("ip route show table 21002", "via 10.0.101.4 dev b0"));
	assert_int_equal(nsg_kernel_cleanup(f.k, &f.diag), 0);
	end(&f);
}

static void neutralised_nothing_is_repaired(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	assert_int_equal(nsg_kernel_neutralise(f.k, &f.diag), 0);
	assert_int_equal(netns_run("nft delete table ip unit"), 0);
	assert_int_equal(process(&f), 0);
	assert_false(netns_shows("nft list tables", "table ip unit"));
	/* also when the table is gone already */
	assert_int_equal(nsg_kernel_neutralise(f.k, &f.diag), 0);
	cleanup_is_complete(&f);
	end(&f);
}

static void a_start_that_fails_leaves_nothing(void **state)
{
	static const struct {
		const char *command, *reported;
	} rows[] = {
	    {"ip rule add pref 21050 fwmark 1 lookup 9", "21050"},
	    {"ip rule del pref 21050; ip route add default via 10.0.100.9 table 21002", "21002"},
	};
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	plan(&f, f.a);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *before, *after;

		assert_int_equal(netns_run("%s", rows[i].command), 0);
		before = netns_state();
		assert_int_equal(nsg_kernel_start(f.k, f.a, &f.numbers, 0, 1, &f.diag), -EEXIST);
		after = netns_state();
		assert_string_equal(before, after);
		assert_true(reported(&f, rows[i].reported));
		free(before);
		free(after);
	}
	end(&f);
}

static void a_table_that_another_process_owns_is_left_alone(void **state)
{
	struct nsg_conf other = KERNEL_CONF;
	struct nsg_kernel *second = NULL;
	struct nsg_hop_numbers numbers = {0};
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	f.conf.down_accept = true;
	start(&f);
	assert_int_equal(nsg_kernel_open(&other, &f.diag, &second), 0);
	assert_int_equal(nsg_kernel_plan(second, f.a, false, &f.diag, &numbers), 0);
	assert_int_equal(nsg_kernel_start(second, f.a, &numbers, 0, 1, &f.diag), -EPERM);
	assert_true(reported(&f, "another process owns the table"));
	free(numbers.number);
	nsg_kernel_free(second);
	assert_true(netns_shows("nft list table ip unit", "chain output"));
	/* deleted with its owner */
	f.k = nsg_kernel_free(f.k);
	assert_false(netns_shows("nft list tables", "unit"));
	end(&f);
}

/* Milliseconds until there is something to process; -1: not within two seconds. */
static int waits(struct fixture *f)
{
	struct pollfd p = {.fd = nsg_kernel_fd(f->k), .events = POLLIN};
	struct timespec from, to;

	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	if (poll(&p, 1, 2000) != 1)
		return -1;
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	return (int)((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
}

static void a_repair_that_failed_is_tried_again_whatever_comes(void **state)
{
	struct nsg_conf other = KERNEL_CONF;
	struct nsg_kernel *second = NULL;
	struct nsg_hop_numbers numbers = {0};
	struct fixture f;
	int r = 0;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	process(&f);
	/* an owned table of another process in the place of ours */
	assert_int_equal(netns_run("nft delete table ip unit"), 0);
	other.down_accept = true;
	other.rule_priority = 25000;
	other.table_base = 25000;
	assert_int_equal(nsg_kernel_open(&other, &f.diag, &second), 0);
	assert_int_equal(nsg_kernel_plan(second, f.a, false, &f.diag, &numbers), 0);
	assert_int_equal(nsg_kernel_start(second, f.a, &numbers, 0, 1, &f.diag), 0);
	while (r >= 0 && waits(&f) >= 0)
		r = nsg_kernel_process(f.k, &f.diag);
	assert_int_equal(r, -EPERM);
	/* an unrelated change does not stop the retries */
	assert_int_equal(netns_run("nft 'add table ip other; delete table ip other'"), 0);
	for (r = 0; r >= 0;) {
		assert_int_not_equal(waits(&f), -1);
		r = nsg_kernel_process(f.k, &f.diag);
	}
	assert_int_equal(r, -EPERM);
	free(numbers.number);
	assert_int_equal(nsg_kernel_cleanup(second, &f.diag), 0);
	nsg_kernel_free(second);
	process(&f);
	assert_true(netns_shows("nft list table ip unit", "chain output"));
	cleanup_is_complete(&f);
	end(&f);
}

static void repairs_that_are_reverted_are_slowed_down(void **state)
{
	struct fixture f;
	int quick = 0, r;

	(void)state;
	if (!begin(&f))
		skip();
	start(&f);
	process(&f);
	for (r = 1; r > 0 && quick < 100; quick += r) {
		assert_int_equal(netns_run("ip rule del pref 21000"), 0);
		assert_int_not_equal(waits(&f), -1);
		r = nsg_kernel_process(f.k, &f.diag);
	}
	assert_true(quick >= 10 && quick < 100);
	assert_true(reported(&f, "keeps reverting repairs"));
	/* and still the last repair is made, within a second, and counted */
	assert_in_range(waits(&f), 0, 900);
	assert_int_equal(nsg_kernel_process(f.k, &f.diag), 1);
	assert_true(netns_shows("ip rule", "21000:"));
	cleanup_is_complete(&f);
	end(&f);
}

static void in_audit_mode_there_is_a_table_and_nothing_else(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	f.conf.audit = true;
	start(&f);
	assert_false(netns_shows("ip rule", "lookup 21"));
	assert_false(netns_shows("ip route show table all", "table 21"));
	assert_true(netns_shows("nft list table ip unit", "queue num 0"));
	assert_int_equal(
	    netns_run("nft flush ruleset; nft 'add table ip foreign; add chain ip foreign "
		      "c { type filter hook output priority 0; }'"),
	    0);
	assert_int_equal(process(&f), 1);
	reload(&f, f.b, 1, NSG_FORGET_DECISIONS);
	assert_false(netns_shows("ip rule", "lookup 21"));
	cleanup_is_complete(&f);
	end(&f);
}

static void numbers_that_do_not_fit_are_refused_at_once(void **state)
{
	static const struct {
		uint32_t mask, table_base, rule_priority;
		const char *reported;
	} rows[] = {
	    {0x0f0f0000, 21000, 21000, "mark-mask"},
	    {0x0fff0000, 100, 21000, "table-base"},
	    {0x0fff0000, UINT32_MAX - 5, 21000, "table-base"},
	    {0x0fff0000, 21000, 32700, "rule-priority"},
	    {0x0fff0000, 21000, 0, "rule-priority"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nsg_conf conf = KERNEL_CONF;
		struct nsg_diag diag = {0};
		struct nsg_kernel *k = NULL;

		conf.mark_mask = rows[i].mask;
		conf.table_base = rows[i].table_base;
		conf.rule_priority = rows[i].rule_priority;
		assert_int_equal(nsg_kernel_open(&conf, &diag, &k), -EINVAL);
		assert_null(k);
		assert_int_equal(diag.n_errors, 1);
		assert_non_null(strstr(diag.v[0].text, rows[i].reported));
		nsg_diag_done(&diag);
	}
}

static void users_are_names_or_numbers(void **state)
{
	const char *good[] = {"root", "0", "77"}, *bad[] = {"nobody-of-that-name"};
	struct nsg_conf conf = KERNEL_CONF;
	struct nsg_diag diag = {0};
	struct nsg_kernel *k = NULL;

	(void)state;
	if (!netns_enter())
		skip();
	conf.users = (struct nsg_conf_strings){good, 3};
	assert_int_equal(nsg_kernel_open(&conf, &diag, &k), 0);
	assert_int_equal(k->n_users, 2);
	assert_int_equal(k->users[0], 0);
	assert_int_equal(k->users[1], 77);
	k = nsg_kernel_free(k);
	conf.users = (struct nsg_conf_strings){bad, 1};
	assert_int_equal(nsg_kernel_open(&conf, &diag, &k), -EINVAL);
	assert_non_null(strstr(diag.v[0].text, "nobody-of-that-name"));
	nsg_diag_done(&diag);
}

static void without_cap_net_admin_the_error_names_it(void **state)
{
	struct nsg_conf conf = KERNEL_CONF;
	struct nsg_diag diag = {0};
	struct nsg_kernel *k = NULL;
	int status;
	pid_t pid;

	(void)state;
	if (getuid())
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int r = setuid(65534) ? 0 : nsg_kernel_open(&conf, &diag, &k);

		_exit(r == -EPERM && diag.n_errors == 1 && strstr(diag.v[0].text, "CAP_NET_ADMIN")
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_cap_net_admin_the_error_names_it),
	    cmocka_unit_test(a_start_and_a_cleanup_leave_the_namespace_as_it_was),
	    cmocka_unit_test(a_plan_changes_nothing),
	    cmocka_unit_test(a_plan_reports_what_cannot_be_reached),
	    cmocka_unit_test(a_second_start_replaces_what_the_first_left),
	    cmocka_unit_test(a_reload_keeps_numbers_and_drops_what_nobody_uses),
	    cmocka_unit_test(a_reload_that_was_given_up_can_be_taken_back),
	    cmocka_unit_test(a_preparation_that_fails_leaves_the_old_policy_whole),
	    cmocka_unit_test(a_reload_that_finds_no_table_makes_it_whole),
	    cmocka_unit_test(marks_of_older_policies_are_rewritten_after_a_reload),
	    cmocka_unit_test(a_generation_that_was_tried_is_swept_before_it_is_given_again),
	    cmocka_unit_test(what_other_programs_change_is_repaired_and_counted),
	    cmocka_unit_test(changes_of_other_objects_are_not_repaired),
	    cmocka_unit_test(a_link_that_goes_takes_its_hop_down_and_up_again),
	    cmocka_unit_test(neutralised_nothing_is_repaired),
	    cmocka_unit_test(a_start_that_fails_leaves_nothing),
	    cmocka_unit_test(a_table_that_another_process_owns_is_left_alone),
	    cmocka_unit_test(a_repair_that_failed_is_tried_again_whatever_comes),
	    cmocka_unit_test(repairs_that_are_reverted_are_slowed_down),
	    cmocka_unit_test(in_audit_mode_there_is_a_table_and_nothing_else),
	    cmocka_unit_test(numbers_that_do_not_fit_are_refused_at_once),
	    cmocka_unit_test(users_are_names_or_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
