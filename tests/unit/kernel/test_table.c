/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table: as nft text for the layouts that differ (tests/unit/kernel/ruleset), and in every
 * layout that conf can ask for, which the kernel takes twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/chains.h"
#include "kernel/sets.h"
#include "kernel/table.h"
#include "support/kernel_conf.h"
#include "support/netns.h"
#include "support/nft_text.h"
#include "util/clock.h"
#include "util/macro.h"

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
	/* only in golden files */
	NATIVE = 512,
	CGROUPS = 1024,
	TUNNEL = 2048,
	DOWN_ACCEPT = 4096,
	IP6 = 8192, /* the table ip6 instead */
	IP6_PASSES = 16384,
	NO_REJECT = 32768,
	TRACED = 65536,
};

struct fixture {
	struct nsg_conf conf;
	struct nsg_kernel k;
	struct nsg_prefix excludes[2];
	struct nsg_prefix6 excludes6[3];
	const char *interfaces[2];
	uint32_t users[2];
	struct nsg_path paths[2];
	struct nsg_link links[2];
	uint32_t gateways[1];
	const char *cgroup_paths[2];
	struct nsg_cgroup cgroups[2];
};

/* Every packet; every UDP datagram. */
static const struct nsg_packet_filters traced = {
    .n = 2,
    .v = {{.n = 0},
	  {.n = 4,
	   .program = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, 9},
		       {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, IPPROTO_UDP},
		       {BPF_RET | BPF_K, 0, 0, 65535},
		       {BPF_RET | BPF_K, 0, 0, 0}}}},
};

static void arrange(struct fixture *f, int layout)
{
	struct nsg_kernel *k = &f->k;

	*f = (struct fixture){
	    .conf = KERNEL_CONF,
	    .excludes = {{NSG_IP4(10, 9, 0, 0), 16}, {NSG_IP4(10, 9, 1, 0), 24}},
	    .excludes6 = {{{0x20, 1, 0xd, 0xb8}, 32},
			  {{0x20, 1, 0xd, 0xb8, 0, 1}, 48},
			  {{0x20, 1, 0xd, 0xb8}, 32}},
	    .interfaces = {"guest0", "guest1"},
	    .users = {33, 1000},
	    .paths = {{.up = true, .ifindex = 11}, {.up = true, .ifindex = 12}},
	    .links = {{.ifindex = 11, .name = "eth0", .up = true},
		      {.ifindex = 12,
		       .name = "vxlan0",
		       .up = true,
		       .tunnel = {IPPROTO_UDP, 4789, true, NSG_IP4(192, 0, 2, 1)}}},
	    .gateways = {NSG_IP4(192, 0, 2, 254)},
	    .cgroup_paths = {"system.slice", "app.slice/app.service/worker"},
	    .cgroups = {{.level = 1}, {.level = 3}},
	};
	f->conf.hook_output = layout & OUTPUT;
	f->conf.hook_prerouting = layout & PREROUTING;
	f->conf.interfaces = (struct nsg_conf_strings){f->interfaces, 2};
	f->conf.excludes = f->excludes;
	f->conf.n_excludes = layout & EXCLUDES ? 2 : 0;
	f->conf.excludes6 = f->excludes6;
	f->conf.n_excludes6 = layout & EXCLUDES ? 3 : 0;
	f->conf.offload = !(layout & NO_OFFLOAD);
	f->conf.denied_seconds = layout & NOT_REMEMBERED ? 0 : 2;
	f->conf.audit = layout & AUDIT;
	f->conf.has_snat_vnet = f->conf.has_snat_internet = layout & SNAT;
	k->conf = &f->conf;
	f->conf.down_accept = layout & DOWN_ACCEPT;
	if (layout & TUNNEL) {
		k->links.links.v = f->links;
		k->links.links.n = 2;
	}
	if (layout & CGROUPS) {
		f->conf.cgroups = (struct nsg_conf_strings){f->cgroup_paths, 2};
		k->cgroups = (struct nsg_cgroups){.v = f->cgroups, .n = 2, .inotify_fd = -1};
	}
	k->gateways.hosts.v = f->gateways;
	k->gateways.hosts.n = 1;
	k->users = f->users;
	k->n_users = layout & USERS ? 2 : 0;
	assert_int_equal(nsg_marks_init(f->conf.mark_mask, &k->marks), 0);
	assert_int_equal(nsg_hops_init(&k->hops, &f->conf, &k->marks), 0);
	k->hops.v[1] = (struct nsg_hop){.used = true,
					.paths = f->paths,
					.n_paths = 2,
					.has_snat = true,
					.snat_host = NSG_IP4(10, 0, 0, 4)};
	k->hops.v[2] =
	    (struct nsg_hop){.used = true, .has_snat = true, .snat_host = NSG_IP4(10, 0, 0, 5)};
	f->conf.snat_internet_host = NSG_IP4(10, 0, 0, 5);
	k->table = (struct nsg_table_state){
	    .native_queue = layout & NATIVE,
	    .kernel_sockets = true,
	    .has_ip6 = layout & IP6,
	    .ip6_reject = !(layout & NO_REJECT),
	    .policy_refuses_ip6 = !(layout & IP6_PASSES),
	    .n_queues = 4,
	    .silent_queue = 65535,
	    .route_all = layout & ROUTE_ALL,
	    .flow_minutes = 4,
	    .started_ns = nsg_clock_ns(CLOCK_BOOTTIME),
	};
	if (layout & TRACED)
		k->filters = traced;
}

static void drop(struct fixture *f)
{
	/* the paths are the fixture's */
	f->k.hops.v[1].paths = NULL;
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

static char *listing(void)
{
	/* the remaining time in `young` differs between two lists */
	return netns_output("nft -s list table ip unit 2>/dev/null | sed 's/timeout [0-9a-z]* "
			    "expires.*//; s/tcp timeout .*//'");
}

/* --- golden files ---------------------------------------------------------------------------- */

/* The comment of each file describes the layout. */
static const struct {
	const char *file;
	int layout;
} goldens[] = {
    {"output", OUTPUT},
    {"output-native", OUTPUT | NATIVE},
    {"prerouting", PREROUTING},
    {"selectors", OUTPUT | PREROUTING | USERS | CGROUPS | EXCLUDES},
    {"tunnel", OUTPUT | TUNNEL},
    {"snat", OUTPUT | SNAT},
    {"no-offload", OUTPUT | NO_OFFLOAD},
    {"route-all", OUTPUT | ROUTE_ALL | NOT_REMEMBERED},
    {"traced", OUTPUT | PREROUTING | TRACED},
    {"daemon-down-accept", OUTPUT | DOWN_ACCEPT},
    {"audit", OUTPUT | PREROUTING | AUDIT},
    {"ip6", OUTPUT | PREROUTING | USERS | CGROUPS | EXCLUDES | IP6},
    {"ip6-output", OUTPUT | IP6},
    {"ip6-audit", OUTPUT | PREROUTING | AUDIT | IP6},
    {"ip6-passes", OUTPUT | PREROUTING | EXCLUDES | IP6 | IP6_PASSES},
    {"ip6-no-reject", OUTPUT | IP6 | NO_REJECT},
};

static char *text_of(const struct nsg_kernel *k, bool ip6)
{
	struct nsg_nft_batch b;
	char *text;

	nsg_nft_batch_begin(&b, "unit");
	nsg_table_desired_anew(&b, k);
	text = nft_text(&b, ip6);
	nsg_nft_batch_done(&b);
	return text;
}

static char *golden(const char *file)
{
	return netns_output("sed '/^#/d' " NSG_RULESETS "/%s.nft", file);
}

/* A difference is shown, and left as FILE.nft.new to take over or to reject. */
static bool is_same(const char *expected, const char *text, const char *file)
{
	char name[64], command[128];
	FILE *f;

	if (expected && text && !strcmp(expected, text))
		return true;
	(void)snprintf(name, sizeof(name), "%s.nft.new", file);
	f = fopen(name, "we");
	assert_non_null(f);
	(void)fputs(text ? text : "", f);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(command, sizeof(command), "diff -u - %s >&2", name);
	f = popen(command, "we");
	assert_non_null(f);
	(void)fputs(expected ? expected : "", f);
	(void)pclose(f);
	return false;
}

static void every_golden_layout_is_its_file(void **state)
{
	int different = 0;

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(goldens); i++) {
		char *text, *expected;
		struct fixture f;

		arrange(&f, goldens[i].layout);
		text = text_of(&f.k, goldens[i].layout & IP6);
		expected = golden(goldens[i].file);
		different += !is_same(expected, text, goldens[i].file);
		free(text);
		free(expected);
		drop(&f);
	}
	assert_int_equal(different, 0);
}

/*
 * Both lists are without what nft cannot read or the kernel may not have. nft translates xt targets
 * (CONNMARK wrongly); `queue` is also the name of a chain, and a keyword; the owner flag would take
 * the golden table away together with nft.
 */
#define LIST                                                                                       \
	"nft -s list table %s %s 2>/dev/null | sed '/flags owner/d; s/^table %s %s .*/table/; "    \
	"/^$/d; /ip daddr \\. 0/d; "                                                               \
	"s/timeout [0-9a-z]* expires [0-9a-z]*/timeout/; s/tcp timeout [0-9a-z]*/tcp timeout/; "   \
	"s/xt target \"[A-Z]*\"/notrack/g; s/ct mark set ct mark and 0x[0-9a-f]*/notrack/g; "      \
	"s/socket cgroupv2 level 1 != 0/notrack/; s/xt match \"*bpf\"*/notrack/; "                 \
	"s/queue num [0-9-]*\\( bypass\\)*/notrack/; s/ queue_it/ queue/'"
/* What nft cannot read of a golden file is left out, or becomes a statement that it can. */
#define READABLE                                                                                   \
	"/ip daddr \\. 0/d; s/xt CONNMARK [a-z]* 0x[0-9a-f]*/notrack/g; "                          \
	"s/socket cgroupv2 level 1 != 0/notrack/; s/xt bpf \"[^\"]*\"/notrack/; "                  \
	"s/xt NFQUEUE num [0-9-]*\\( bypass\\)*/notrack/; "                                        \
	"s/queue num [0-9-]*\\( bypass\\)*/notrack/; "                                             \
	"s/\\(goto\\|chain\\) queue/\\1 queue_it/' " NSG_RULESETS
#define LOAD                                                                                       \
	"sed '/flags owner/d; s/^table \\(ip6*\\) unit/table \\1 golden/; " READABLE               \
	"/%s.nft | nft -f -"

static void nft_reads_a_golden_file_as_what_is_loaded(void **state)
{
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(goldens); i++) {
		const char *family;
		char *ours, *theirs;
		struct fixture f;

		/* the other expression may not be there, and is put away below in any case */
		arrange(&f, goldens[i].layout & ~NATIVE);
		assert_true(put(&nl, &f.k, nsg_table_desired_anew));
		family = goldens[i].layout & IP6 ? "ip6" : "ip";
		ours = netns_output(LIST, family, "unit", family, "unit");
		assert_int_equal(netns_run(LOAD, goldens[i].file), 0);
		theirs = netns_output(LIST, family, "golden", family, "golden");
		assert_true(is_same(theirs, ours, "listed"));
		assert_int_equal(netns_run("nft delete table %s golden", family), 0);
		free(ours);
		free(theirs);
		drop(&f);
	}
	nsg_nl_close(&nl);
}

/* --- loading --------------------------------------------------------------------------------- */

static void every_layout_loads_twice_and_with_a_trace(void **state)
{
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (int layout = 0; layout < LAYOUTS; layout++) {
		char *once, *twice, *after;
		struct fixture f;

		/* the rest of conf alone and in pairs */
		if (!(layout & (OUTPUT | PREROUTING)) ||
		    __builtin_popcount((unsigned int)layout / USERS) > 2)
			continue;
		arrange(&f, layout);
		assert_true(put(&nl, &f.k, nsg_table_desired_anew));
		once = listing();
		assert_true(put(&nl, &f.k, nsg_table_desired));
		twice = listing();
		assert_non_null(once);
		assert_string_equal(once, twice);
		f.k.filters = traced;
		assert_true(put(&nl, &f.k, nsg_chains_put_filtered));
		f.k.filters.n = 0;
		assert_true(put(&nl, &f.k, nsg_chains_put_filtered));
		after = listing();
		assert_string_equal(once, after);
		free(once);
		free(twice);
		free(after);
		drop(&f);
	}
	nsg_nl_close(&nl);
}

/* The tables of earlier versions, as their golden files had them. */
static const char *const older[] = {
    "output",
    "prerouting",
    "selectors",
    "snat",
    "tunnel",
    "no-offload",
    "audit",
    "output-before-answers",
    "prerouting-before-answers",
    "selectors-before-answers",
    "snat-before-answers",
    "tunnel-before-answers",
    "no-offload-before-answers",
    "audit-before-answers",
    "output-before-takeover",
    "prerouting-before-takeover",
    "snat-before-takeover",
    "audit-before-takeover",
};

static void the_table_of_an_earlier_version_is_taken_over(void **state)
{
	char *fresh, *taken;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(older); i++) {
		struct fixture f;

		arrange(&f, OUTPUT | PREROUTING | EXCLUDES);
		f.k.nft = nl;
		assert_true(put(&nl, &f.k, nsg_table_desired_anew));
		fresh = listing();
		assert_int_equal(nsg_table_clear(&f.k, NULL), 0);
		assert_int_equal(netns_run("sed '" READABLE "/older/%s.nft | nft -f -", older[i]),
				 0);
		assert_int_equal(nsg_table_apply(&f.k, true, NULL), 0);
		taken = listing();
		assert_string_equal(fresh, taken);
		free(fresh);
		free(taken);
		drop(&f);
	}
	nsg_nl_close(&nl);
}

/* Handles of the table and of its chains with a hook, one a line. */
#define HOOKS                                                                                      \
	"nft -a list table ip unit | awk '/^table/ { print \"table\", $NF } "                      \
	"/^\tchain/ { handle = $NF } / hook / { print \"chain\", handle }'"
/* The chains and their rules without those that are left of another layout. */
#define CHAINS                                                                                     \
	"for f in ip ip6; do nft -s list table $f unit | sed -n '/chain old-/,/^\t}/d; "           \
	"/chain/,/^\t}/p'; "                                                                       \
	"done"

/* Whether each line of `some` is one of `all`. Changes some. */
static bool has_lines(const char *all, char *some)
{
	char *save = NULL;

	for (char *line = strtok_r(some, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *at = strstr(all, line);

		while (at && at[strlen(line)] != '\n')
			at = strstr(at + 1, line);
		if (!at)
			return false;
	}
	return true;
}

/* Of every layout, from every layout: no hook is deleted, and the rules are those of a fresh table. */
static void a_table_is_replaced_without_deleting_a_hook(void **state)
{
	static const int layouts[] = {OUTPUT | IP6, OUTPUT | PREROUTING | EXCLUDES | IP6};
	char *fresh, *replaced, *before, *after;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (size_t i = 0; i < 2 * (NSG_ARRAY_SIZE(older) + NSG_ARRAY_SIZE(goldens)); i++) {
		const size_t n = i / 2;
		const bool old = n < NSG_ARRAY_SIZE(older);
		const char *file = old ? older[n] : goldens[n - NSG_ARRAY_SIZE(older)].file;
		struct fixture f;

		arrange(&f, layouts[i % 2]);
		f.k.nft = nl;
		assert_true(put(&nl, &f.k, nsg_table_desired_anew));
		fresh = netns_output(CHAINS);
		assert_int_equal(nsg_table_clear(&f.k, NULL), 0);
		assert_int_equal(netns_run("sed '/flags owner/d; " READABLE "%s/%s.nft | nft -f -",
					   old ? "/older" : "", file),
				 0);
		/* a golden file of family ip6 has no other table */
		assert_int_equal(netns_run("nft add table ip unit"), 0);
		before = netns_output(HOOKS);
		assert_non_null(before);
		/* the set and the chain are compatible with it; of the chain `queue` see READABLE */
		assert_int_equal(nsg_table_silence(&f.k), 0);
		assert_int_equal(nsg_table_replace(&f.k, NULL), 0);
		replaced = netns_output(CHAINS);
		assert_true(is_same(replaced, fresh, file));
		after = netns_output(HOOKS);
		assert_true(has_lines(after, before));
		free(fresh);
		free(replaced);
		free(before);
		free(after);
		assert_int_equal(nsg_table_clear(&f.k, NULL), 0);
		drop(&f);
	}
	nsg_nl_close(&nl);
}

static void a_silenced_table_queues_and_answers_nothing(void **state)
{
	static const int layouts[] = {OUTPUT, OUTPUT | PREROUTING | SNAT, AUDIT};
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(layouts); i++) {
		struct fixture f;

		arrange(&f, layouts[i]);
		f.k.nft = nl;
		assert_true(put(&nl, &f.k, nsg_table_desired_anew));
		assert_int_equal(netns_shows("nft list set ip unit young", "tcp timeout"),
				 layouts[i] != AUDIT);
		assert_int_equal(nsg_table_silence(&f.k), 0);
		assert_true(
		    netns_shows("nft list table ip unit | sed -n '/chain queue/,/}/p'", "65535"));
		assert_false(netns_shows("nft list table ip unit", "name \"queued\""));
		assert_false(netns_shows("nft list set ip unit gen", "elements"));
		assert_false(netns_shows("nft list set ip unit young", "elements"));
		assert_false(netns_shows("nft list chain ip unit answer", "goto"));
		assert_int_equal(nsg_table_clear(&f.k, NULL), 0);
		/* none is there */
		assert_int_equal(nsg_table_silence(&f.k), 0);
		drop(&f);
	}
	nsg_nl_close(&nl);
}

static void deleting_takes_all_of_it_and_needs_nothing_to_be_there(void **state)
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
	f.k.nft = nl;
	assert_int_equal(nsg_table_apply(&f.k, true, NULL), 0);
	assert_int_equal(nsg_table_clear(&f.k, NULL), 0);
	after = netns_state();
	assert_string_equal(before, after);
	assert_int_equal(nsg_table_clear(&f.k, NULL), 0);
	free(before);
	free(after);
	drop(&f);
	nsg_nl_close(&nl);
}

static void the_generation_is_one_element_in_each_of_two_sets(void **state)
{
	struct nsg_nl nl;
	struct fixture f;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT);
	assert_true(put(&nl, &f.k, nsg_table_desired_anew));
	assert_true(netns_shows("nft list set ip unit gen", "{ 0x08000000 }"));
	assert_true(netns_shows("nft list set ip unit gone", "{ 0x01ff0000 }"));
	f.k.table.generation = 3;
	assert_true(put(&nl, &f.k, nsg_table_desired));
	assert_true(netns_shows("nft list set ip unit gen", "{ 0x0e000000 }"));
	assert_true(netns_shows("nft list set ip unit gone", "{ 0x07ff0000 }"));
	f.conf.offload = false;
	assert_true(put(&nl, &f.k, nsg_table_desired_anew));
	assert_false(netns_shows("nft list table ip unit", "set gen"));
	assert_false(netns_shows("nft list table ip unit", "set gone"));
	drop(&f);
	nsg_nl_close(&nl);
}

static void the_window_for_older_connections_closes(void **state)
{
	struct nsg_nl nl;
	struct fixture f;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT);
	assert_true(put(&nl, &f.k, nsg_table_desired_anew));
	assert_true(netns_shows("nft list set ip unit young", "tcp timeout"));
	f.k.table.started_ns -= 100 * 1000000000ull;
	assert_true(put(&nl, &f.k, nsg_table_desired));
	assert_true(netns_shows("nft list set ip unit young", "tcp timeout 2m1"));
	f.k.table.gap = true;
	assert_true(put(&nl, &f.k, nsg_table_desired));
	assert_false(netns_shows("nft list set ip unit young", "elements"));
	f.k.table.gap = false;
	f.k.table.started_ns -= 200 * 1000000000ull;
	assert_true(put(&nl, &f.k, nsg_table_desired));
	assert_false(netns_shows("nft list set ip unit young", "elements"));
	drop(&f);
	nsg_nl_close(&nl);
}

static void put_hop_3(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_sets_add_hop(b, k, 3);
}

static void remove_hop_3(struct nsg_nft_batch *b, const struct nsg_kernel *k)
{
	nsg_sets_remove_hop(b, k, 3);
}

static void hops_come_and_go(void **state)
{
	struct nsg_nl nl;
	struct fixture f;
	char *before, *after;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	for (int n_paths = 0; n_paths < 2; n_paths++) {
		arrange(&f, OUTPUT | SNAT);
		assert_true(put(&nl, &f.k, nsg_table_desired_anew));
		before = listing();
		f.k.hops.v[3] =
		    (struct nsg_hop){.used = true, .has_snat = true, .n_paths = (uint32_t)n_paths};
		assert_true(put(&nl, &f.k, put_hop_3));
		assert_true(netns_shows("nft list map ip unit hops", "0x00030000 : \"hop3\""));
		assert_true(netns_shows("nft list map ip unit sources", "0x00030000 : 0.0.0.0"));
		assert_int_equal(netns_shows("nft list set ip unit host_routed", "0x00030000"),
				 !n_paths);
		assert_true(put(&nl, &f.k, remove_hop_3));
		after = listing();
		assert_string_equal(before, after);
		free(before);
		free(after);
		drop(&f);
	}
	nsg_nl_close(&nl);
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
	assert_true(put(&nl, &f.k, nsg_table_desired_anew));
	assert_int_equal(
	    netns_run("nft 'add element ip unit denied { tcp . 1.1.1.1 . 1 . 2.2.2.2 . 2 "
		      "timeout 1m }'"),
	    0);
	f.k.table.generation = 1;
	f.k.table.route_all = true;
	f.k.table.flow_minutes = 9;
	assert_true(put(&nl, &f.k, nsg_table_put_policy));
	/* Nobody uses the old timeouts any more, and they stay: the kernel drops what is queued with
	 * one that goes. */
	assert_int_equal(netns_run("nft 'delete ct timeout ip unit tcp_4m; "
				   "delete ct timeout ip unit udp_4m'"),
			 0);
	changed = listing();
	assert_true(put(&nl, &f.k, nsg_table_desired_anew));
	anew = listing();
	/* as if it had begun so */
	assert_string_equal(changed, anew);
	free(changed);
	free(anew);
	drop(&f);
	nsg_nl_close(&nl);
}

static void neutralised_nothing_reaches_the_queue_and_every_hook_stays(void **state)
{
	struct nsg_nl nl;
	struct fixture f;
	char *list;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT | PREROUTING);
	assert_true(put(&nl, &f.k, nsg_table_desired_anew));
	assert_true(put(&nl, &f.k, nsg_chains_neutralise));
	list = netns_output("nft list chain ip unit output; nft list chain ip unit prerouting");
	assert_non_null(strstr(list, "hook output"));
	assert_non_null(strstr(list, "hook prerouting"));
	assert_null(strstr(list, "goto"));
	assert_null(strstr(list, "jump"));
	free(list);
	/* what was queued before is still remembered */
	assert_true(netns_shows("nft list chain ip unit remember", "goto save"));
	drop(&f);
	nsg_nl_close(&nl);
}

static void one_queue_expression_is_found_and_probing_leaves_nothing(void **state)
{
	struct nsg_nl nl;
	struct fixture f;
	bool found = false;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	arrange(&f, OUTPUT);
	f.k.nft = nl;
	for (int native = 0; native < 2; native++) {
		found |= nsg_table_probe(&f.k, native) == 0;
		assert_false(netns_shows("nft list tables", "probe"));
	}
	assert_true(found);
	drop(&f);
	nsg_nl_close(&nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_golden_layout_is_its_file),
	    cmocka_unit_test(nft_reads_a_golden_file_as_what_is_loaded),
	    cmocka_unit_test(every_layout_loads_twice_and_with_a_trace),
	    cmocka_unit_test(the_table_of_an_earlier_version_is_taken_over),
	    cmocka_unit_test(a_table_is_replaced_without_deleting_a_hook),
	    cmocka_unit_test(a_silenced_table_queues_and_answers_nothing),
	    cmocka_unit_test(deleting_takes_all_of_it_and_needs_nothing_to_be_there),
	    cmocka_unit_test(the_generation_is_one_element_in_each_of_two_sets),
	    cmocka_unit_test(the_window_for_older_connections_closes),
	    cmocka_unit_test(hops_come_and_go),
	    cmocka_unit_test(
		test_a_reload_changes_generation_multicast_and_timeouts_and_forgets_the_denied),
	    cmocka_unit_test(neutralised_nothing_reaches_the_queue_and_every_hook_stays),
	    cmocka_unit_test(one_queue_expression_is_found_and_probing_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
