/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table in every layout that conf can ask for: the kernel takes it, twice, and nft lists it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/nft_table.h"
#include "support/kernel_conf.h"
#include "support/netns.h"

enum layout {
	OUTPUT = 1,
	PREROUTING = 2,
	USERS = 4,
	EXCLUDES = 8,
	NO_OFFLOAD = 16,
	NOT_REMEMBERED = 32,
	AUDIT = 64,
	SNAT = 128,
	ROUTE_ALL = 256,
	LAYOUTS = 512,
};

struct fixture {
	struct nsg_conf conf;
	struct nsg_kernel k;
	struct nsg_prefix excludes[2];
	const char *interfaces[2];
	uint32_t users[2];
	struct nsg_leg legs[2];
};

static void arrange(struct fixture *f, int layout)
{
	struct timespec now;
	struct nsg_kernel *k = &f->k;

	*f = (struct fixture){
	    .conf = KERNEL_CONF,
	    .excludes = {{NSG_IP4(10, 9, 0, 0), 16}, {NSG_IP4(10, 9, 1, 0), 24}},
	    .interfaces = {"guest0", "guest1"},
	    .users = {33, 1000},
	    .legs = {{.up = true, .ifindex = 1}, {.up = true, .ifindex = 2}},
	};
	f->conf.hook_output = layout & OUTPUT;
	f->conf.hook_prerouting = layout & PREROUTING;
	f->conf.interfaces = (struct nsg_conf_strings){f->interfaces, 2};
	f->conf.excludes = f->excludes;
	f->conf.n_excludes = layout & EXCLUDES ? 2 : 0;
	f->conf.offload = !(layout & NO_OFFLOAD);
	f->conf.denied_seconds = layout & NOT_REMEMBERED ? 0 : 2;
	f->conf.audit = layout & AUDIT;
	f->conf.has_snat_vnet = f->conf.has_snat_internet = layout & SNAT;
	k->conf = &f->conf;
	k->users = f->users;
	k->n_users = layout & USERS ? 2 : 0;
	assert_int_equal(nsg_marks_init(f->conf.mark_mask, &k->marks), 0);
	assert_int_equal(nsg_hops_init(&k->hops, &f->conf, &k->marks), 0);
	k->hops.v[1] =
	    (struct nsg_hop){.used = true, .legs = f->legs, .n_legs = 2, .has_snat = true};
	k->hops.v[2] = (struct nsg_hop){.used = true, .has_snat = true};
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	k->table = (struct nsg_table_state){
	    .n_queues = 4,
	    .silent_queue = 65535,
	    .route_all = layout & ROUTE_ALL,
	    .flow_minutes = 4,
	    .started_ns = (uint64_t)now.tv_sec * 1000000000u,
	};
}

static void drop(struct fixture *f)
{
	/* the legs are the fixture's */
	f->k.hops.v[1].legs = NULL;
	nsg_hops_done(&f->k.hops);
}

typedef void (*part)(struct nsg_nft_batch *b, const struct nsg_kernel *k);

static bool put(struct nsg_nl *nl, const struct nsg_kernel *k, part p)
{
	struct nsg_diag diag = {0};
	struct nsg_nft_batch b;
	int r;

	nsg_nft_batch_begin(&b, "unit");
	p(&b, k);
	r = nsg_nft_batch_send(&b, nl, "test", &diag);
	if (r < 0)
		print_message("%s\n", diag.n ? diag.v[0].text : "?");
	nsg_diag_done(&diag);
	nsg_nft_batch_done(&b);
	return r >= 0;
}

static void delete (struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	(void)k;
	nsg_table_delete(b);
}

static char *listing(void)
{
	/* how long `young` still is differs between two lists */
	return netns_output("nft -s list table ip unit 2>/dev/null | sed 's/timeout [0-9a-z]* "
			    "expires.*//; s/tcp timeout .*//'");
}

static bool has(const char *list, const char *text)
{
	return strstr(list, text) != NULL;
}

static void check(const char *list, int layout)
{
	const bool enforce = !(layout & AUDIT), offload = enforce && !(layout & NO_OFFLOAD);

	assert_int_equal(has(list, "chain output {"), !!(layout & OUTPUT));
	assert_int_equal(has(list, "chain prerouting {"), !!(layout & PREROUTING));
	assert_int_equal(has(list, "chain remember {"), enforce && layout & OUTPUT);
	assert_int_equal(has(list, "chain remember_pre {"), enforce && layout & PREROUTING);
	assert_int_equal(has(list, "chain guard {"), enforce);
	assert_int_equal(has(list, "chain snat {"), enforce && layout & SNAT);
	assert_int_equal(has(list, "set denied {"), offload && !(layout & NOT_REMEMBERED));
	assert_int_equal(has(list, "meta skuid @users"), layout & OUTPUT && layout & USERS);
	assert_int_equal(has(list, "ip daddr @excluded"), !!(layout & EXCLUDES));
	assert_true(has(list, "queue num 0-3"));
	/* nothing is marked or dropped in audit mode */
	assert_int_equal(has(list, "mark set"), enforce);
	assert_int_equal(has(list, "65535"), enforce);
	assert_int_equal(has(list, "ct timeout set"), enforce);
	assert_int_equal(has(list, "counter name \"multicast\" queue num 65535"),
			 enforce && layout & ROUTE_ALL);
}

static void test_every_layout_loads_twice_and_is_listed(void **state)
{
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (int layout = 0; layout < LAYOUTS; layout++) {
		char *once, *twice;
		struct fixture f;

		/* the rest of conf alone and in pairs */
		if (!(layout & (OUTPUT | PREROUTING)) ||
		    __builtin_popcount((unsigned int)layout / USERS) > 2)
			continue;
		arrange(&f, layout);
		assert_true(put(&nl, &f.k, nsg_table_put_anew));
		once = listing();
		assert_true(put(&nl, &f.k, nsg_table_put));
		twice = listing();
		assert_non_null(once);
		assert_string_equal(once, twice);
		check(once, layout);
		free(once);
		free(twice);
		drop(&f);
	}
	nsg_nl_close(&nl);
}

static void test_deleting_takes_all_of_it_and_needs_nothing_to_be_there(void **state)
{
	struct nsg_nl nl;
	struct fixture f;
	char *before, *after;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	assert_int_equal(netns_run("nft 'add table ip unit2; add table ip6 unit'"), 0);
	before = netns_state();
	arrange(&f, OUTPUT | SNAT | EXCLUDES);
	assert_true(put(&nl, &f.k, nsg_table_put_anew));
	assert_true(put(&nl, &f.k, delete));
	after = netns_state();
	assert_string_equal(before, after);
	assert_true(put(&nl, &f.k, delete));
	free(before);
	free(after);
	drop(&f);
	nsg_nl_close(&nl);
}

static void test_the_generation_is_one_element_beside_the_older_ones(void **state)
{
	struct nsg_nl nl;
	struct fixture f;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT);
	assert_true(put(&nl, &f.k, nsg_table_put_anew));
	assert_true(netns_shows("nft list set ip unit gen", "{ 0x06000000, 0x08000000 }"));
	f.k.table.generation = 3;
	assert_true(put(&nl, &f.k, nsg_table_put));
	assert_true(netns_shows("nft list set ip unit gen", "{ 0x06000000, 0x0e000000 }"));
	f.conf.offload = false;
	assert_true(put(&nl, &f.k, nsg_table_put_anew));
	assert_true(netns_shows("nft list set ip unit gen", "{ 0x06000000 }"));
	drop(&f);
	nsg_nl_close(&nl);
}

static void test_the_window_for_older_connections_closes(void **state)
{
	struct nsg_nl nl;
	struct fixture f;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT);
	assert_true(put(&nl, &f.k, nsg_table_put_anew));
	assert_true(netns_shows("nft list set ip unit young", "tcp timeout"));
	f.k.table.started_ns -= 100 * 1000000000ull;
	assert_true(put(&nl, &f.k, nsg_table_put));
	assert_true(netns_shows("nft list set ip unit young", "tcp timeout 2m1"));
	f.k.table.started_ns -= 200 * 1000000000ull;
	assert_true(put(&nl, &f.k, nsg_table_put));
	assert_false(netns_shows("nft list set ip unit young", "tcp"));
	drop(&f);
	nsg_nl_close(&nl);
}

static void put_hop_3(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_table_put_hop(b, k, 3);
}

static void remove_hop_3(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_table_remove_hop(b, k, 3);
}

static void test_hops_come_and_go(void **state)
{
	struct nsg_nl nl;
	struct fixture f;
	char *before, *after;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (int n_legs = 0; n_legs < 2; n_legs++) {
		arrange(&f, OUTPUT | SNAT);
		assert_true(put(&nl, &f.k, nsg_table_put_anew));
		before = listing();
		f.k.hops.v[3] =
		    (struct nsg_hop){.used = true, .has_snat = true, .n_legs = (uint32_t)n_legs};
		assert_true(put(&nl, &f.k, put_hop_3));
		assert_true(netns_shows("nft list map ip unit hops", "0x00030000 : \"hop3\""));
		assert_true(netns_shows("nft list map ip unit sources", "0x00030000 : 0.0.0.0"));
		assert_int_equal(netns_shows("nft list set ip unit host_routed", "0x00030000"),
				 !n_legs);
		assert_true(put(&nl, &f.k, remove_hop_3));
		after = listing();
		assert_string_equal(before, after);
		free(before);
		free(after);
		drop(&f);
	}
	nsg_nl_close(&nl);
}

static void put_policy(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_table_put_policy(b, k, 4);
}

static void
test_a_reload_changes_generation_multicast_and_timeouts_and_forgets_the_denied(void **state)
{
	struct nsg_nl nl;
	struct fixture f;
	char *changed, *anew;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT);
	assert_true(put(&nl, &f.k, nsg_table_put_anew));
	assert_int_equal(
	    netns_run("nft 'add element ip unit denied { tcp . 1.1.1.1 . 1 . 2.2.2.2 . 2 "
		      "timeout 1m }'"),
	    0);
	f.k.table.generation = 1;
	f.k.table.route_all = true;
	f.k.table.flow_minutes = 9;
	assert_true(put(&nl, &f.k, put_policy));
	/* Nobody uses the old timeouts any more, and they stay: the kernel drops what is queued with
	 * one that goes. */
	assert_int_equal(netns_run("nft 'delete ct timeout ip unit tcp_4m; "
				   "delete ct timeout ip unit udp_4m'"),
			 0);
	changed = listing();
	assert_true(put(&nl, &f.k, nsg_table_put_anew));
	anew = listing();
	/* as if it had begun so */
	assert_string_equal(changed, anew);
	free(changed);
	free(anew);
	drop(&f);
	nsg_nl_close(&nl);
}

static void test_neutralised_nothing_reaches_the_queue_and_every_hook_stays(void **state)
{
	struct nsg_nl nl;
	struct fixture f;
	char *list;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT | PREROUTING);
	assert_true(put(&nl, &f.k, nsg_table_put_anew));
	assert_true(put(&nl, &f.k, nsg_table_neutralise));
	list = netns_output("nft list chain ip unit output; nft list chain ip unit prerouting");
	assert_true(has(list, "hook output"));
	assert_true(has(list, "hook prerouting"));
	assert_false(has(list, "goto"));
	assert_false(has(list, "jump"));
	free(list);
	/* what was queued before is still remembered */
	assert_true(netns_shows("nft list chain ip unit remember", "goto save"));
	drop(&f);
	nsg_nl_close(&nl);
}

static void test_probing_leaves_nothing(void **state)
{
	struct nsg_nft_batch b;
	struct nsg_marks marks;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	assert_int_equal(nsg_marks_init(0x0fff0000, &marks), 0);
	for (int native = 0; native < 2; native++) {
		nsg_nft_batch_begin(&b, "probe");
		nsg_table_probe(&b, &marks, native);
		/* one of the two works on every kernel that nsgd runs on */
		(void)nsg_nft_batch_send(&b, &nl, "test", NULL);
		nsg_nft_batch_done(&b);
		assert_false(netns_shows("nft list tables", "probe"));
	}
	nsg_nl_close(&nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_layout_loads_twice_and_is_listed),
	    cmocka_unit_test(test_deleting_takes_all_of_it_and_needs_nothing_to_be_there),
	    cmocka_unit_test(test_the_generation_is_one_element_beside_the_older_ones),
	    cmocka_unit_test(test_the_window_for_older_connections_closes),
	    cmocka_unit_test(test_hops_come_and_go),
	    cmocka_unit_test(
		test_a_reload_changes_generation_multicast_and_timeouts_and_forgets_the_denied),
	    cmocka_unit_test(test_neutralised_nothing_reaches_the_queue_and_every_hook_stays),
	    cmocka_unit_test(test_probing_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
