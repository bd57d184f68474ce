/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of live routes on the kernel's own tables, changed by ip(8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "kernel/live_routes.h"
#include "support/kernel_conf.h"
#include "support/netns.h"

struct fixture {
	struct nsg_conf conf;
	struct nsg_diag diag;
	struct nsg_live *live;
	struct nsg_route_set *set;
	struct nsg_route_diff diff;
};

static void publish(struct fixture *f)
{
	struct nsg_route_set *set;

	while (nsg_live_drain(f->live) == -EINTR)
		continue;
	assert_int_equal(nsg_live_publish(f->live, &f->diff, &set), 0);
	nsg_route_set_unref(f->set);
	f->set = set;
}

static bool begin(struct fixture *f)
{
	*f = (struct fixture){.conf = KERNEL_CONF};
	f->conf.bgp_table = 100;
	f->conf.bgp_protocols[RTPROT_BIRD] = true;
	if (!netns_enter())
		return false;
	assert_int_equal(netns_run("ip link add a0 type veth peer name a1;"
				   "ip address add 10.0.100.1/24 dev a0;"
				   "ip link set a0 up; ip link set a1 up"),
			 0);
	assert_int_equal(nsg_live_open(&f->conf, NULL, &f->diag, &f->live), 0);
	publish(f);
	assert_int_equal(f->set->n, 0);
	return true;
}

static void end(struct fixture *f)
{
	nsg_route_set_unref(f->set);
	nsg_live_free(f->live);
	nsg_diag_done(&f->diag);
}

/* ip route ARGUMENTS in table 100. */
static void ip_route(const char *arguments)
{
	assert_int_equal(netns_run("ip route %s table 100", arguments), 0);
}

/* "10.1.0.0/16 10.0.100.2 10.0.100.3, ..." */
static const char *listing(const struct fixture *f)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < f->set->n; i++) {
		char prefix[NSG_PREFIX_TEXT], hop[NSG_IP4_TEXT];
		uint32_t n;
		const uint32_t *addrs_host = nsg_live_hops(f->set, &f->set->v[i], &n);

		nsg_prefix_format(nsg_live_prefix(&f->set->v[i]), prefix);
		strcat(strcat(text, i ? ", " : ""), prefix);
		for (uint32_t j = 0; j < n; j++) {
			nsg_ip4_format(addrs_host[j], hop);
			strcat(strcat(text, " "), hop);
		}
	}
	return text;
}

static void routes_are_followed_as_they_come_and_go(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	ip_route("add 10.1.0.0/16 via 10.0.100.2 proto bird");
	assert_int_equal(netns_run("ip route add default table 100 proto bird nexthop via "
				   "10.0.100.2 nexthop via 10.0.100.3"),
			 0);
	ip_route("add 10.2.0.0/16 dev a0 proto bird");
	publish(&f);
	assert_string_equal(listing(&f),
			    "0.0.0.0/0 10.0.100.2 10.0.100.3, 10.1.0.0/16 10.0.100.2, 10.2.0.0/16");
	assert_int_equal(f.diff.added, 3);
	ip_route("replace 10.1.0.0/16 via 10.0.100.9 proto bird");
	ip_route("del default proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.9, 10.2.0.0/16");
	assert_int_equal(f.diff.removed, 1);
	assert_int_equal(f.diff.changed, 1);
	assert_false(nsg_live_has_changed(f.live));
	end(&f);
}

static void other_tables_protocols_and_types_are_not_used(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(netns_run("ip route add 10.1.0.0/16 via 10.0.100.2 proto bird;"
				   "ip route add 10.1.0.0/16 via 10.0.100.2 proto bird table 101"),
			 0);
	ip_route("add 10.2.0.0/16 via 10.0.100.2 proto static");
	ip_route("add blackhole 10.3.0.0/16 proto bird");
	ip_route("add unreachable 10.5.0.0/16 proto bird");
	ip_route("add prohibit 10.6.0.0/16 proto bird");
	ip_route("add throw 10.7.0.0/16 proto bird");
	ip_route("add multicast 239.1.0.0/16 dev a0 proto bird");
	ip_route("add broadcast 10.8.0.255 dev a0 proto bird");
	ip_route("add 10.4.0.0/16 via 10.0.100.2 tos 0x10 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "");
	assert_int_equal(nsg_live_ignored(f.live)[NSG_LIVE_PROTOCOL], 1);
	assert_int_equal(nsg_live_ignored(f.live)[NSG_LIVE_TYPE], 6);
	assert_int_equal(nsg_live_ignored(f.live)[NSG_LIVE_TOS], 1);
	/* neither are they by a reading */
	nsg_live_free(f.live);
	assert_int_equal(nsg_live_open(&f.conf, NULL, &f.diag, &f.live), 0);
	publish(&f);
	assert_string_equal(listing(&f), "");
	assert_int_equal(nsg_live_ignored(f.live)[NSG_LIVE_PROTOCOL], 1);
	assert_int_equal(nsg_live_ignored(f.live)[NSG_LIVE_TYPE], 6);
	end(&f);
}

static void a_route_replaced_by_another_program_is_gone(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	ip_route("add 10.1.0.0/16 via 10.0.100.2 proto bird");
	ip_route("add 10.2.0.0/16 via 10.0.100.2 proto bird");
	publish(&f);
	ip_route("replace 10.1.0.0/16 via 10.0.100.3 proto static");
	ip_route("replace unreachable 10.2.0.0/16 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "");
	assert_int_equal(f.diff.removed, 2);
	end(&f);
}

static void equal_routes_of_two_programs_are_told_apart_by_a_reading(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	ip_route("add 10.1.0.0/16 via 10.0.100.2 proto bird");
	publish(&f);
	ip_route("append 10.1.0.0/16 via 10.0.100.3 proto bird");
	while (nsg_live_drain(f.live) == -EINTR)
		continue;
	assert_true(nsg_live_must_read(f.live));
	publish(&f);
	/* the one that the kernel uses */
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.2");
	ip_route("del 10.1.0.0/16 via 10.0.100.2 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.3");
	ip_route("prepend 10.1.0.0/16 via 10.0.100.4 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.4");
	ip_route("del 10.1.0.0/16 via 10.0.100.4 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.3");
	/* of a program whose routes are not used */
	ip_route("prepend 10.1.0.0/16 via 10.0.100.5 proto static");
	ip_route("del 10.1.0.0/16 via 10.0.100.5 proto static");
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.3");
	ip_route("replace 10.1.0.0/16 via 10.0.100.6 proto bird");
	publish(&f);
	assert_false(nsg_live_must_read(f.live));
	end(&f);
}

static void routes_that_go_with_their_link_are_missed(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	ip_route("add 10.1.0.0/16 via 10.0.100.2 proto bird");
	publish(&f);
	assert_int_equal(netns_run("ip link set lo down; ip link set lo up"), 0);
	while (nsg_live_drain(f.live) == -EINTR)
		continue;
	/* the addresses of lo: one reading too many */
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.2");
	assert_int_equal(netns_run("ip link set a0 down"), 0);
	publish(&f);
	assert_string_equal(listing(&f), "");
	assert_int_equal(f.diff.removed, 1);
	end(&f);
}

static void next_hop_objects_are_followed(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	if (netns_run("ip nexthop add id 7 via 10.0.100.2 dev a0") != 0) {
		end(&f);
		skip();
	}
	ip_route("add 10.1.0.0/16 nhid 7 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.2");
	assert_int_equal(netns_run("ip nexthop replace id 7 via 10.0.100.3 dev a0"), 0);
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.3");
	assert_int_equal(netns_run("ip nexthop del id 7"), 0);
	publish(&f);
	assert_string_equal(listing(&f), "");
	/* without its interface and gateway a route is not used */
	assert_int_equal(netns_run("echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode;"
				   "ip nexthop add id 7 via 10.0.100.2 dev a0"),
			 0);
	ip_route("add 10.1.0.0/16 nhid 7 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "");
	assert_int_equal(nsg_live_ignored(f.live)[NSG_LIVE_OBJECT], 1);
	end(&f);
}

static void paths_over_links_that_are_down_are_not_listed(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(netns_run("ip link add b0 type veth peer name b1;"
				   "ip address add 10.0.101.1/24 dev b0;"
				   "ip link set b0 up; ip link set b1 up"),
			 0);
	assert_int_equal(netns_run("ip route add 10.1.0.0/16 table 100 proto bird nexthop via "
				   "10.0.100.2 nexthop via 10.0.101.2"),
			 0);
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.2 10.0.101.2");
	assert_int_equal(netns_run("ip link set b0 down"), 0);
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.2");
	assert_int_equal(f.diff.changed, 1);
	assert_int_equal(netns_run("ip link set a0 down"), 0);
	publish(&f);
	assert_int_equal(f.set->n, 0);
	assert_int_equal(f.diff.removed, 1);
	end(&f);
}

/* Routes have no address to list, but are used. */
static void gateways_of_ipv6_are_used(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	(void)netns_run("echo 0 >/proc/sys/net/ipv6/conf/a0/disable_ipv6");
	if (netns_run("ip route add 10.1.0.0/16 via inet6 fe80::1 dev a0 proto bird table 100")) {
		end(&f);
		skip();
	}
	assert_int_equal(netns_run("ip route add 10.2.0.0/16 table 100 proto bird nexthop via "
				   "inet6 fe80::1 dev a0 nexthop via 10.0.100.2"),
			 0);
	ip_route("add 10.3.0.0/16 dev a0 proto bird");
	publish(&f);
	assert_string_equal(listing(&f), "10.1.0.0/16, 10.2.0.0/16 10.0.100.2, 10.3.0.0/16");
	end(&f);
}

static void every_protocol_is_used_without_a_list(void **state)
{
	struct fixture f;
	size_t n;

	(void)state;
	if (!begin(&f))
		skip();
	f.conf.bgp_any_protocol = true;
	ip_route("add 10.2.0.0/16 via 10.0.100.2 proto 186");
	ip_route("add 10.3.0.0/16 via 10.0.100.2 proto static metric 5");
	ip_route("add 10.3.0.0/16 via 10.0.100.4 proto static metric 4");
	publish(&f);
	assert_string_equal(listing(&f), "10.2.0.0/16 10.0.100.2, 10.3.0.0/16 10.0.100.4, "
					 "10.3.0.0/16 10.0.100.2");
	assert_int_equal(f.set->n_prefixes, 2);
	(void)nsg_live_links(f.live, &n);
	assert_int_equal(n, 1);
	end(&f);
}

static void lost_notifications_are_made_up_for(void **state)
{
	struct fixture f;
	const int tiny = 1;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(
	    setsockopt(nsg_live_fd(f.live), SOL_SOCKET, SO_RCVBUFFORCE, &tiny, sizeof(tiny)) < 0
		? setsockopt(nsg_live_fd(f.live), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny))
		: 0,
	    0);
	assert_int_equal(netns_run("for i in $(seq 250); do echo route add 10.1.$i.0/24 via "
				   "10.0.100.2 proto bird table 100; done | ip -batch -"),
			 0);
	while (nsg_live_drain(f.live) == -EINTR)
		continue;
	assert_true(nsg_live_must_read(f.live));
	assert_int_equal(nsg_live_losses(f.live), 1);
	publish(&f);
	assert_int_equal(f.set->n, 250);
	end(&f);
}

/* A program that gives one route ever other next hops. */
static void next_hops_that_no_route_has_are_forgotten(void **state)
{
	struct fixture f;

	(void)state;
	if (!begin(&f))
		skip();
	assert_int_equal(netns_run("for i in $(seq 2 70); do for j in $(seq 2 70); do "
				   "[ $i = $j ] || echo route replace 10.1.0.0/16 table 100 "
				   "proto bird nexthop via 10.0.100.$i nexthop via 10.0.100.$j; "
				   "done; done | ip -batch -"),
			 0);
	publish(&f);
	assert_true(nsg_live_must_read(f.live));
	publish(&f);
	assert_false(nsg_live_has_changed(f.live));
	assert_int_equal(f.set->n_lists, 1);
	assert_string_equal(listing(&f), "10.1.0.0/16 10.0.100.70 10.0.100.69");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(routes_are_followed_as_they_come_and_go),
	    cmocka_unit_test(other_tables_protocols_and_types_are_not_used),
	    cmocka_unit_test(a_route_replaced_by_another_program_is_gone),
	    cmocka_unit_test(equal_routes_of_two_programs_are_told_apart_by_a_reading),
	    cmocka_unit_test(routes_that_go_with_their_link_are_missed),
	    cmocka_unit_test(next_hop_objects_are_followed),
	    cmocka_unit_test(paths_over_links_that_are_down_are_not_listed),
	    cmocka_unit_test(gateways_of_ipv6_are_used),
	    cmocka_unit_test(every_protocol_is_used_without_a_list),
	    cmocka_unit_test(lost_notifications_are_made_up_for),
	    cmocka_unit_test(next_hops_that_no_route_has_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
