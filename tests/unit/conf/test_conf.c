/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "util/cleanup.h"
#include "util/macro.h"

static char path[] = "/tmp/nsgd-test-conf-XXXXXX";

static int load(const char *text, struct nsg_diag *diag, struct nsg_conf **ret)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return nsg_conf_load(path, false, diag, ret);
}

static void an_empty_file_gives_the_defaults(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;

	(void)state;
	assert_int_equal(load("", &diag, &c), 0);
	assert_string_equal(c->instance, "nsgd");
	assert_string_equal(c->profile, "2020-04");
	assert_true(c->hook_output && !c->hook_prerouting && c->offload && c->watch && !c->audit);
	assert_int_equal(c->mark_mask, 0x0fff0000);
	assert_int_equal(c->table_base, 21000);
	assert_true(c->answers);
	assert_int_equal(c->answers_seconds, 60);
	assert_int_equal(c->denied_seconds, 2);
	assert_int_equal(c->queue_length, 32768);
	assert_int_equal(c->log_decisions, NSG_LOG_DENIED);
	c = nsg_conf_free(c);
	assert_int_equal(nsg_conf_load("/nonexistent/nsgd.conf", true, &diag, &c), 0);
	nsg_conf_free(c);
	assert_int_equal(diag.n, 0);
}

static void live_routes_are_those_of_the_listed_protocols(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;

	(void)state;
	assert_int_equal(load("[bgp]\ntable = main\nprotocol = bird, 186\n  zebra\n", &diag, &c),
			 0);
	assert_int_equal(c->bgp_table, 254);
	assert_true(nsg_conf_takes_protocol(c, 12) && nsg_conf_takes_protocol(c, 186) &&
		    nsg_conf_takes_protocol(c, 11));
	assert_false(nsg_conf_takes_protocol(c, 4));
	nsg_conf_free(c);
	assert_int_equal(load("[bgp]\ntable = 100\n", &diag, &c), 0);
	assert_true(nsg_conf_takes_protocol(c, 4));
	nsg_conf_free(c);
	assert_int_equal(diag.n, 0);
}

static void names_are_read_beside_errors_and_never_guessed(void **state)
{
	static const struct {
		const char *text;
		int r;
	} cases[] = {
	    {"[route]\ntable-base = 30000\n[log]\nlevel = loud\n", 0},
	    {"[route]\ntable-base = 30000\n[queue]\nlenght = 3\n", 0},
	    {"[route]\ntable-base = 30000\n[nexthop \"moon\"]\nvia = 1.2.3\n", 0},
	    {"[route]\ntable-base = 30000\n[capture]\nhook = prerouting\n", 0},
	    {"[route]\ntabel-base = 30000\n", -EINVAL},
	    {"[route]\ntable-base = many\n", -EINVAL},
	    {"[nsgd]\nmode = maybe\n", -EINVAL},
	    {"[rout]\ntable-base = 30000\n", -EINVAL},
	    {"[log]\nlevel = info\n[route\ntable-base = 30000\n", -EINVAL},
	    {"[log]\nlevel = info\n [route]\ntable-base = 30000\n", -EINVAL},
	    {"[log]\nlevel = info\n[]\ntable-base = 30000\n", -EINVAL},
	    {"[log]\nlevel\n", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		struct nsg_diag diag = {0};
		struct nsg_conf *c = NULL;

		print_message("case %zu\n", i);
		assert_int_equal(load(cases[i].text, &diag, &c), -EINVAL);
		assert_int_equal(nsg_conf_load_names(path, false, &diag, &c), cases[i].r);
		assert_true(diag.n_errors >= 2);
		if (c)
			assert_int_equal(c->table_base, 30000);
		nsg_conf_free(c);
		nsg_diag_done(&diag);
	}
}

static void every_key_reaches_its_field(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;
	int r =
	    load("[nsgd]\ninstance = lab-1\nmode = audit\n"
		 "[subnet]\npolicy = /p\nsubnet = vnet/snet\nprofile = current\nplatform = linux\n"
		 "endpoint-precedence = lab\nwatch = no\naddress = 10.0.1.4\n"
		 "[capture]\nhook = both\ninterfaces = eth0, br-lan\nusers = www-data\n  1000\n"
		 "exclude = 10.9.0.0/16,192.0.2.1\n  198.51.100.0/24 2001:db8:9::/48\n"
		 "ipv6 = refuse\n"
		 "[queue]\nfirst = 7\nworkers = 3\nlength = 1024\noverflow = accept\n"
		 "daemon-down = accept\n[offload]\nestablished = no\nanswers = no\n"
		 "answers-seconds = 3600\ndenied-seconds = 0\n"
		 "[route]\nmark-mask = 0xff\ntable-base = 300\nrule-priority = 5\n"
		 "[nexthop \"VirtualNetworkGateway\"]\nvia = 192.168.50.1\ndev = wg0\n"
		 "[nexthop \"10.0.100.4\"]\ndev = vxlan0\n"
		 "[snat]\nvnet = 10.0.1.4\ninternet = 203.0.113.1\n"
		 "[log]\nlevel = debug ; comment\ndecisions = all\n",
		 &diag, &c);

	(void)state;
	for (size_t i = 0; i < diag.n; i++)
		print_message("%s\n", diag.v[i].text);
	assert_int_equal(r, 0);
	assert_string_equal(c->instance, "lab-1");
	assert_true(c->audit && c->endpoint_lab && !c->watch && c->has_address);
	assert_string_equal(c->policy, "/p");
	assert_string_equal(c->subnet, "vnet/snet");
	assert_string_equal(c->platform, "linux");
	assert_int_equal(c->address_host, 0x0a000104);
	assert_true(c->hook_output && c->hook_prerouting);
	assert_int_equal(c->interfaces.n, 2);
	assert_string_equal(c->interfaces.v[1], "br-lan");
	assert_int_equal(c->users.n, 2);
	assert_string_equal(c->users.v[1], "1000");
	assert_int_equal(c->n_excludes, 3);
	assert_int_equal(c->excludes[2].addr_host, 0xc6336400);
	assert_int_equal(c->excludes[1].len, 32);
	assert_int_equal(c->n_excludes6, 1);
	assert_int_equal(c->excludes6[0].addr[5], 9);
	assert_int_equal(c->excludes6[0].len, 48);
	assert_int_equal(c->ip6, NSG_IP6_REFUSE);
	assert_int_equal(c->queue_first, 7);
	assert_int_equal(c->workers, 3);
	assert_true(c->overflow_accept && c->down_accept && !c->offload && !c->answers);
	assert_int_equal(c->answers_seconds, 3600);
	assert_int_equal(c->mark_mask, 0xff);
	assert_int_equal(c->n_nexthops, 2);
	assert_int_equal(c->nexthops[0].type, NSG_HOP_GATEWAY);
	assert_true(c->nexthops[0].has_via && !c->nexthops[0].is_ip);
	assert_string_equal(c->nexthops[1].dev, "vxlan0");
	assert_true(c->nexthops[1].is_ip && !c->nexthops[1].has_via);
	assert_true(c->has_snat_vnet && c->has_snat_internet);
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_int_equal(c->log_decisions, NSG_LOG_ALL);
	assert_int_equal(nsg_conf_line(c, "route", "mark-mask"), 32);
	nsg_conf_free(c);
	nsg_diag_done(&diag);
}

static void bad_lines_are_errors_at_their_line(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *says;
	} cases[] = {
	    {"[nsgd]\n\ncolour = red\n", 3, "unknown key \"colour\""},
	    {"[nsg]\nmode = audit\n", 1, "unknown section [nsg]"},
	    {"[nsgd]\n[weather]\n", 2, "unknown section [weather]"},
	    {"[nexthop vm]\n", 1, "unknown section [nexthop vm]"},
	    {"mode = audit\n", 1, "unknown section []"},
	    {"[nsgd]\nmode = audit\nmode = audit\n", 3, "twice"},
	    {"[nsgd]\nmode = audit\n instance = x\n", 3, "indented"},
	    {"[nsgd]\nmode = maybe\n", 2, "enforce or audit"},
	    {"[nsgd]\ninstance = a b\n", 2, "instance name"},
	    {"[nsgd]\ninstance = ../../x\n", 2, "instance name"},
	    {"[nsgd]\nfoo\n", 2, "expected a section"},
	    {"[subnet]\naddress = 10.0.1\n", 2, "IPv4"},
	    {"[subnet]\nprofile = 2021\n", 2, "2020-04"},
	    {"[capture]\nhook = prerouting\n", 2, "interfaces"},
	    {"[capture]\ninterfaces = eth0\n", 2, "prerouting"},
	    {"[capture]\nexclude = 10.0.0.1/8\n", 2, "prefix"},
	    {"[capture]\nexclude = 2001:db8::1/64\n", 2, "prefix"},
	    {"[capture]\nexclude = 2001:db8::/129\n", 2, "prefix"},
	    {"[capture]\nipv6 = drop\n", 2, "profile, refuse or pass"},
	    {"[queue]\nfirst = 65535\n", 2, "queue number"},
	    {"[queue]\nfirst = 65530\nworkers = 8\n", 2, "65534"},
	    {"[queue]\nworkers = 0\n", 2, "64"},
	    {"[queue]\nlength = -5\n", 2, "64 to 1048576"},
	    {"[route]\nmark-mask = 0xf0f00000\n", 2, "adjacent"},
	    {"[route]\nmark-mask = 0x1f\n", 2, "adjacent"},
	    {"[route]\ntable-base = 255\n", 2, "256"},
	    {"[nexthop \"Nowhere\"]\nvia = 10.0.0.1\n", 1, "next hop type"},
	    {"[nexthop \"10.0.0.4\"]\ncolour = red\ndev = x\n", 2, "unknown key"},
	    {"[nexthop \"10.0.0.4\"]\ndev = x\n[nsgd]\nmode=audit\n[nexthop \"10.0.0.4\"]\ndev=y\n",
	     5, "duplicate"},
	    {"[queue] workers = 0\n", 1, "unexpected text"},
	    {"[nsgd] x\n", 1, "unexpected text"},
	    {"[nsgd]\rmode = audit\r", 1, "carriage return"},
	    {"[nsgd]\nmode = audit\n [queue]\n", 3, "indented section"},
	    {"[nexthop \"Internet\"]\n[nsgd]\n", 1, "needs via or dev"},
	    {"[nexthop \"10.0.0.4\"]\ndev = %s/../x\n", 2, "interface name"},
	    {"[capture]\ncgroups = ../../etc\n", 2, "cgroup"},
	    {"[capture]\ncgroups = /\n", 2, "cgroup"},
	    {"[flow-log]\ndirectory = x\n", 2, "absolute path"},
	    {"[flow-log]\nformat = v4\n", 2, "vnet or nsg"},
	    {"[metrics]\ntextfile = nsgd.prom\n", 2, "absolute path that ends in .prom"},
	    {"[metrics]\ntextfile = /x/nsgd.txt\n", 2, "absolute path that ends in .prom"},
	    {"[bgp]\ntable = 255\n", 2, "a routing table other than local"},
	    {"[bgp]\ntable = bird\n", 2, "routing table"},
	    {"[bgp]\ntable = main\n", 2, "requires protocol"},
	    {"[bgp]\nprotocol = bird\n", 2, "requires table"},
	    {"[bgp]\ntable = 100\nprotocol = bird, quagga\n", 3, "rtnetlink"},
	    {"[bgp]\ntable = 100\nprotocol = 256\n", 3, "rtnetlink"},
	    {"[bgp]\ntable = 21510\n", 2, "table-base"},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		struct nsg_diag diag = {0};
		struct nsg_conf *c = NULL;

		print_message("case %zu: %s\n", i, cases[i].says);
		assert_int_equal(load(cases[i].text, &diag, &c), -EINVAL);
		assert_null(c);
		assert_int_equal(diag.n_errors, 1);
		assert_int_equal(diag.v[0].line, cases[i].line);
		assert_non_null(strstr(diag.v[0].text, cases[i].says));
		nsg_diag_done(&diag);
	}
}

static void a_line_of_5000_characters_is_an_error_and_not_cut(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;
	cleanup_free char *text = malloc(5100);

	(void)state;
	strcpy(text, "[subnet]\npolicy = /");
	memset(text + strlen(text), 'x', 5000);
	strcpy(text + 5019, "\n");
	assert_int_equal(load(text, &diag, &c), -EINVAL);
	assert_int_equal(diag.v[0].line, 2);
	assert_non_null(strstr(diag.v[0].text, "longer"));
	nsg_diag_done(&diag);
}

static void a_fifo_is_refused_and_not_waited_for(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(nsg_conf_load(path, false, &diag, &c), -EINVAL);
	assert_non_null(strstr(diag.v[0].text, "regular"));
	assert_int_equal(unlink(path), 0);
	nsg_diag_done(&diag);
}

static void crlf_and_comments_behind_a_section_are_read(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;

	(void)state;
	assert_int_equal(load("[nsgd] ; the daemon\r\nmode = audit\r\n", &diag, &c), 0);
	assert_true(c->audit);
	nsg_conf_free(c);
}

static void a_missing_file_and_a_directory_are_told(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;

	(void)state;
	assert_int_equal(nsg_conf_load("/nonexistent/nsgd.conf", false, &diag, &c), -ENOENT);
	assert_int_equal(nsg_conf_load("/tmp", false, &diag, &c), -EINVAL);
	assert_int_equal(diag.n_errors, 2);
	nsg_diag_done(&diag);
}

static void keys_that_need_a_restart_are_named(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *a = NULL, *b = NULL;
	char out[200];

	(void)state;
	assert_int_equal(load("[queue]\nfirst = 1\n[log]\nlevel = info\n", &diag, &a), 0);
	assert_int_equal(
	    load("[queue]\nfirst = 2\n[log]\nlevel = error\n[route]\ntable-base = 900\n", &diag,
		 &b),
	    0);
	nsg_conf_restart_keys(a, b, out, sizeof(out));
	assert_string_equal(out, "queue.first, route.table-base");
	nsg_conf_restart_keys(a, a, out, sizeof(out));
	assert_string_equal(out, "");
	nsg_conf_restart_keys(a, b, out, 8);
	assert_true(strlen(out) < 8);
	nsg_conf_free(a);
	nsg_conf_free(b);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_file_gives_the_defaults),
	    cmocka_unit_test(live_routes_are_those_of_the_listed_protocols),
	    cmocka_unit_test(names_are_read_beside_errors_and_never_guessed),
	    cmocka_unit_test(every_key_reaches_its_field),
	    cmocka_unit_test(bad_lines_are_errors_at_their_line),
	    cmocka_unit_test(a_line_of_5000_characters_is_an_error_and_not_cut),
	    cmocka_unit_test(crlf_and_comments_behind_a_section_are_read),
	    cmocka_unit_test(a_missing_file_and_a_directory_are_told),
	    cmocka_unit_test(a_fifo_is_refused_and_not_waited_for),
	    cmocka_unit_test(keys_that_need_a_restart_are_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
