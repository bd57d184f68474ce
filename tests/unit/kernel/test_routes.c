/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/routes.h"
#include "support/fake_image.h"
#include "support/kernel_conf.h"
#include "support/netns.h"

struct fixture {
	struct nsg_conf conf;
	struct nsg_marks marks;
	struct nsg_hops hops;
	struct nsg_links links;
	struct nsg_diag diag;
	struct nsg_nl nl;
	bool all;
};

static void lab(void)
{
	assert_int_equal(netns_run("ip link add a0 type veth peer name a1;"
				   "ip link add b0 type veth peer name b1;"
				   "ip address add 10.0.100.1/24 dev a0;"
				   "ip address add 10.0.101.1/24 dev b0;"
				   "ip link set a0 up; ip link set a1 up;"
				   "ip link set b0 up; ip link set b1 up;"
				   "ip route add default via 10.0.100.254"),
			 0);
}

static bool begin(struct fixture *f, const struct fake_hop *hops, uint32_t n)
{
	struct nsg_image *image = fake_image(hops, n);
	uint16_t number[8];

	*f = (struct fixture){.conf = KERNEL_CONF};
	if (!netns_enter())
		return false;
	lab();
	assert_int_equal(nsg_nl_open(NETLINK_ROUTE, &f->nl), 0);
	assert_int_equal(nsg_marks_init(f->conf.mark_mask, &f->marks), 0);
	assert_int_equal(nsg_hops_init(&f->hops, &f->conf, &f->marks), 0);
	assert_int_equal(nsg_hops_number(&f->hops, image, &f->diag, number), 0);
	assert_int_equal(nsg_hops_commit(&f->hops, image, number, n + 1), 0);
	nsg_hops_swap(&f->hops);
	nsg_image_free(image);
	return true;
}

static void apply(struct fixture *f)
{
	assert_int_equal(nsg_links_read(&f->nl, &f->links), 0);
	for (uint32_t n = 1; n <= f->hops.max; n++)
		if (f->hops.v[n].used)
			nsg_hop_resolve(&f->hops.v[n], &f->nl, &f->links);
	assert_int_equal(nsg_routes_apply(&f->nl, &f->hops, f->all, &f->diag), 0);
	assert_int_equal(f->diag.n, 0);
}

static void end(struct fixture *f)
{
	nsg_hops_done(&f->hops);
	nsg_links_done(&f->links);
	nsg_diag_done(&f->diag);
	nsg_nl_close(&f->nl);
}

static bool table_is(int table, const char *want)
{
	char *is =
	    netns_output("ip route show table %d | sed 's/ *$//; s/^\\t/ /' | tr -s ' '", table);
	bool same = is && !strcmp(is, want);

	if (!same)
		print_message("table %d:\n%s", table, is ? is : "(none)\n");
	free(is);
	return same;
}

#define DOWN "blackhole default proto 110 metric 4294967295\n"

static void a_table_is_a_default_and_a_blackhole_behind_it(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NSG_IP4(10, 0, 100, 4))};
	struct fixture f;

	(void)state;
	if (!begin(&f, hops, 1))
		skip();
	apply(&f);
	assert_true(f.hops.v[1].applied_change);
	assert_true(table_is(21001, "default via 10.0.100.4 dev a0 proto 110\n" DOWN));
	apply(&f);
	assert_false(f.hops.v[1].applied_change);
	end(&f);
}

static void a_link_that_goes_leaves_the_blackhole_and_comes_back(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NSG_IP4(10, 0, 100, 4))};
	struct fixture f;

	(void)state;
	if (!begin(&f, hops, 1))
		skip();
	assert_int_equal(netns_run("ip route del default"), 0);
	apply(&f);
	assert_int_equal(netns_run("ip link set a0 down"), 0);
	apply(&f);
	assert_false(f.hops.v[1].up);
	assert_int_equal(f.hops.v[1].paths[0].reach, NSG_REACH_NO_ROUTE);
	assert_true(table_is(21001, DOWN));
	assert_int_equal(netns_run("ip link set a0 up"), 0);
	apply(&f);
	assert_true(f.hops.v[1].up);
	assert_true(table_is(21001, "default via 10.0.100.4 dev a0 proto 110\n" DOWN));
	/* without carrier packets would die in the device: down too */
	assert_int_equal(netns_run("ip link set a1 down"), 0);
	apply(&f);
	assert_false(f.hops.v[1].up);
	assert_int_equal(f.hops.v[1].paths[0].reach, NSG_REACH_DOWN);
	assert_true(table_is(21001, DOWN));
	end(&f);
}

static void an_address_that_goes_takes_its_gateway_down(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NSG_IP4(10, 0, 100, 4))};
	struct fixture f;

	(void)state;
	if (!begin(&f, hops, 1))
		skip();
	assert_int_equal(netns_run("ip route replace default via 10.0.101.254"), 0);
	apply(&f);
	assert_true(f.hops.v[1].up);
	assert_int_equal(netns_run("ip address del 10.0.100.1/24 dev a0"), 0);
	apply(&f);
	assert_false(f.hops.v[1].up);
	assert_int_equal(f.hops.v[1].paths[0].reach, NSG_REACH_BEHIND);
	assert_int_equal(f.hops.v[1].paths[0].behind_host, NSG_IP4(10, 0, 101, 254));
	assert_true(table_is(21001, DOWN));
	end(&f);
}

static void a_device_of_a_section_needs_no_route_to_the_gateway(void **state)
{
	const struct fake_hop hops[] = {{.type = NSG_HOP_GATEWAY}};
	struct nsg_conf_nexthop section = {.type = NSG_HOP_GATEWAY,
					   .has_via = true,
					   .via_host = NSG_IP4(192, 168, 50, 1),
					   .dev = "b0"};
	struct nsg_image *image = fake_image(hops, 1);
	uint16_t number[2];
	struct fixture f;

	(void)state;
	if (!begin(&f, NULL, 0))
		skip();
	f.conf.nexthops = &section;
	f.conf.n_nexthops = 1;
	assert_int_equal(nsg_hops_number(&f.hops, image, &f.diag, number), 0);
	assert_int_equal(nsg_hops_commit(&f.hops, image, number, 2), 0);
	apply(&f);
	assert_true(table_is(21001, "default via 192.168.50.1 dev b0 proto 110 onlink\n" DOWN));
	assert_int_equal(netns_run("ip link del b0"), 0);
	apply(&f);
	assert_int_equal(f.hops.v[1].paths[0].reach, NSG_REACH_NO_DEVICE);
	assert_true(table_is(21001, DOWN));
	nsg_image_free(image);
	end(&f);
}

static void a_device_alone_is_a_way(void **state)
{
	const struct fake_hop hops[] = {{.type = NSG_HOP_GATEWAY}};
	struct nsg_conf_nexthop section = {.type = NSG_HOP_GATEWAY, .dev = "b0"};
	struct nsg_image *image = fake_image(hops, 1);
	uint16_t number[2];
	struct fixture f;

	(void)state;
	if (!begin(&f, NULL, 0))
		skip();
	f.conf.nexthops = &section;
	f.conf.n_nexthops = 1;
	assert_int_equal(nsg_hops_number(&f.hops, image, &f.diag, number), 0);
	assert_int_equal(nsg_hops_commit(&f.hops, image, number, 2), 0);
	apply(&f);
	assert_true(table_is(21001, "default dev b0 proto 110 scope link\n" DOWN));
	nsg_image_free(image);
	end(&f);
}

static void equal_cost_legs_that_are_up_share(void **state)
{
	const struct fake_hop hops[] = {
	    {NSG_HOP_APPLIANCE, {NSG_IP4(10, 0, 100, 4), NSG_IP4(10, 0, 101, 4)}, 2}};
	struct fixture f;

	(void)state;
	if (!begin(&f, hops, 1))
		skip();
	apply(&f);
	assert_true(table_is(21001, "default proto 110\n"
				    " nexthop via 10.0.100.4 dev a0 weight 1\n"
				    " nexthop via 10.0.101.4 dev b0 weight 1\n" DOWN));
	apply(&f);
	assert_false(f.hops.v[1].applied_change);
	assert_int_equal(netns_run("ip link set b1 down"), 0);
	apply(&f);
	assert_true(f.hops.v[1].up);
	assert_false(f.hops.v[1].paths[1].up);
	assert_true(table_is(21001, "default via 10.0.100.4 dev a0 proto 110\n" DOWN));
	assert_int_equal(netns_run("ip link set b1 up"), 0);
	apply(&f);
	assert_true(table_is(21001, "default proto 110\n"
				    " nexthop via 10.0.100.4 dev a0 weight 1\n"
				    " nexthop via 10.0.101.4 dev b0 weight 1\n" DOWN));
	end(&f);
}

static void an_address_of_this_host_is_no_next_hop(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NSG_IP4(10, 0, 100, 1))};
	struct fixture f;

	(void)state;
	if (!begin(&f, hops, 1))
		skip();
	apply(&f);
	assert_int_equal(f.hops.v[1].paths[0].reach, NSG_REACH_LOCAL);
	assert_true(table_is(21001, DOWN));
	end(&f);
}

static void routes_of_ours_that_should_not_be_there_go(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NSG_IP4(10, 0, 100, 4))};
	struct fixture f;

	(void)state;
	if (!begin(&f, hops, 1))
		skip();
	f.all = true;
	/* of a dead predecessor, and in a table that is not ours */
	assert_int_equal(netns_run("ip route add default via 10.0.101.9 table 21001 proto 110;"
				   "ip route add 10.5.0.0/16 via 10.0.101.9 table 21001 proto 110;"
				   "ip route add default via 10.0.101.9 table 21007 proto 110;"
				   "ip route add default via 10.0.101.9 table 20999 proto 110;"
				   "ip route add 10.6.0.0/16 via 10.0.101.9 table 21007"),
			 0);
	apply(&f);
	assert_true(table_is(21001, "default via 10.0.100.4 dev a0 proto 110\n" DOWN));
	assert_true(table_is(21007, "10.6.0.0/16 via 10.0.101.9 dev b0\n"));
	assert_true(table_is(20999, "default via 10.0.101.9 dev b0 proto 110\n"));
	assert_int_equal(nsg_routes_clear(&f.nl, &f.conf, f.hops.max, &f.diag), 0);
	assert_true(netns_shows("ip route show table 21001 2>&1 | wc -l", "0"));
	assert_true(table_is(21007, "10.6.0.0/16 via 10.0.101.9 dev b0\n"));
	end(&f);
}

static void a_table_with_routes_of_another_program_is_refused(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NSG_IP4(10, 0, 100, 4))};
	struct fixture f;

	(void)state;
	if (!begin(&f, hops, 1))
		skip();
	assert_int_equal(nsg_routes_check_foreign(&f.nl, &f.hops, &f.diag), 0);
	assert_int_equal(netns_run("ip route add 10.6.0.0/16 via 10.0.101.9 table 21001"), 0);
	assert_int_equal(nsg_routes_check_foreign(&f.nl, &f.hops, &f.diag), -EEXIST);
	assert_non_null(strstr(f.diag.v[0].text, "21001"));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_table_is_a_default_and_a_blackhole_behind_it),
	    cmocka_unit_test(a_link_that_goes_leaves_the_blackhole_and_comes_back),
	    cmocka_unit_test(an_address_that_goes_takes_its_gateway_down),
	    cmocka_unit_test(a_device_of_a_section_needs_no_route_to_the_gateway),
	    cmocka_unit_test(a_device_alone_is_a_way),
	    cmocka_unit_test(equal_cost_legs_that_are_up_share),
	    cmocka_unit_test(an_address_of_this_host_is_no_next_hop),
	    cmocka_unit_test(routes_of_ours_that_should_not_be_there_go),
	    cmocka_unit_test(a_table_with_routes_of_another_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
