/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/gate.h"
#include "support/policy_build.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* The gate, address by address. */
static void the_gate_depends_on_the_switches(void **state)
{
	static const struct {
		uint32_t addr;
		enum nsg_gate off, on;
	} t[] = {
	    {NSG_IP_PLATFORM_DNS, NSG_GATE_PLATFORM, NSG_GATE_PLATFORM},
	    {NSG_IP_PLATFORM_IMDS, NSG_GATE_PLATFORM, NSG_GATE_PLATFORM},
	    {NSG_IP4(127, 0, 0, 1), NSG_GATE_BYPASS, NSG_GATE_BYPASS},
	    {NSG_IP4(169, 253, 255, 255), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(169, 254, 129, 2), NSG_GATE_BYPASS, NSG_GATE_BYPASS},
	    {NSG_IP4(169, 254, 255, 255), NSG_GATE_BYPASS, NSG_GATE_BYPASS},
	    {NSG_IP4(169, 255, 0, 0), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(9, 255, 255, 255), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(10, 0, 0, 0), NSG_GATE_RFC1918, NSG_GATE_RFC1918},
	    {NSG_IP4(10, 255, 255, 255), NSG_GATE_RFC1918, NSG_GATE_RFC1918},
	    {NSG_IP4(11, 0, 0, 0), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(172, 15, 255, 255), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(172, 16, 0, 0), NSG_GATE_RFC1918, NSG_GATE_RFC1918},
	    {NSG_IP4(172, 31, 255, 255), NSG_GATE_RFC1918, NSG_GATE_RFC1918},
	    {NSG_IP4(172, 32, 0, 0), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(192, 168, 255, 255), NSG_GATE_RFC1918, NSG_GATE_RFC1918},
	    {NSG_IP4(192, 169, 0, 0), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(20, 0, 0, 255), NSG_GATE_SERVICE_ENDPOINT, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(20, 0, 1, 0), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(223, 255, 255, 255), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {NSG_IP4(224, 0, 0, 1), NSG_GATE_BYPASS, NSG_GATE_NOT_CARRIED},
	    {NSG_IP4(239, 255, 255, 255), NSG_GATE_BYPASS, NSG_GATE_NOT_CARRIED},
	    {NSG_IP4(240, 0, 0, 0), NSG_GATE_BYPASS, NSG_GATE_ROUTE_ALL},
	    {UINT32_MAX, NSG_GATE_BYPASS, NSG_GATE_NOT_CARRIED},
	};
	struct policy_build *b = policy_build_new();

	(void)state;
	policy_build_usual(b);
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		b->options.route_all = NSG_FALSE;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_gate_of(b->e, t[i].addr), t[i].off);
		b->options.route_all = NSG_TRUE;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_gate_of(b->e, t[i].addr), t[i].on);
	}
	policy_build_free(b);
}

/* Every piece has one gate at both ends and in the middle, neighbours differ, none is missing. */
static void the_boundaries_are_where_the_gate_changes(void **state)
{
	struct policy_build *b = policy_build_new();

	(void)state;
	policy_build_usual(b);
	policy_build_tag(b, policy_build_tags(b), "Storage", "",
			 "20.0.0.0/24 168.63.129.0/24 223.255.255.0/24 224.0.0.0/24 10.1.0.0/16 "
			 "255.255.255.254/31");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	for (int on = 0; on < 2; on++) {
		struct nsg_gates g;
		uint32_t first = 0;

		b->options.route_all = on ? NSG_TRUE : NSG_FALSE;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_gates_new(b->e, &g), 0);
		assert_int_equal(g.v[g.n - 1].last, UINT32_MAX);
		for (size_t i = 0; i < g.n; i++) {
			assert_true(g.v[i].last >= first);
			assert_int_equal(nsg_gate_of(b->e, first), g.v[i].gate);
			assert_int_equal(nsg_gate_of(b->e, first + (g.v[i].last - first) / 2),
					 g.v[i].gate);
			assert_int_equal(nsg_gate_of(b->e, g.v[i].last), g.v[i].gate);
			assert_true(!i || g.v[i - 1].gate != g.v[i].gate);
			first = g.v[i].last + 1;
		}
		nsg_gates_done(&g);
	}
	policy_build_free(b);
}

static void what_the_network_carries(void **state)
{
	const uint32_t host = NSG_IP4(10, 0, 0, 4);

	(void)state;
	for (unsigned int p = 0; p < 256; p++)
		assert_int_equal(!nsg_not_carried((uint8_t)p, 0, host), p == 6 || p == 17);
	assert_non_null(nsg_not_carried(NSG_PROTOCOL_UDP, 65330, host));
	assert_null(nsg_not_carried(NSG_PROTOCOL_UDP, 65331, host));
	assert_null(nsg_not_carried(NSG_PROTOCOL_TCP, 65330, host));
	assert_non_null(nsg_not_carried(NSG_PROTOCOL_TCP, 1, NSG_IP4(224, 0, 0, 0)));
	assert_non_null(nsg_not_carried(NSG_PROTOCOL_TCP, 1, UINT32_MAX));
	assert_null(nsg_not_carried(NSG_PROTOCOL_TCP, 1, UINT32_MAX - 1));
}

/* Against the gate, asked for each edge of the answer and its neighbours. */
static void what_an_nsg_judges_is_what_enters(void **state)
{
	static const char *const profiles[] = {"2020-04", "current"};
	struct policy_build *b = policy_build_new();

	(void)state;
	policy_build_usual(b);
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24 168.63.129.0/24");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	for (int i = 0; i < 4; i++) {
		struct nsg_ranges r = {0};

		b->options.profile = nsg_profile_find(profiles[i / 2]);
		b->options.route_all = i % 2 ? NSG_TRUE : NSG_FALSE;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_gate_evaluated_ranges(b->e, &r), 0);
		assert_true(r.n > 2);
		for (size_t k = 0; k < 4 * r.n; k++) {
			const uint32_t edges[] = {r.v[k / 4].lo, r.v[k / 4].lo - 1, r.v[k / 4].hi,
						  r.v[k / 4].hi + 1};
			enum nsg_gate g = nsg_gate_of(b->e, edges[k % 4]);
			bool enters = g == NSG_GATE_RFC1918 || g == NSG_GATE_ROUTE_ALL ||
				      (g == NSG_GATE_SERVICE_ENDPOINT && i / 2);

			assert_int_equal(nsg_ranges_contain(&r, edges[k % 4]), enters);
		}
		nsg_ranges_done(&r);
	}
	policy_build_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_gate_depends_on_the_switches),
	    cmocka_unit_test(the_boundaries_are_where_the_gate_changes),
	    cmocka_unit_test(what_the_network_carries),
	    cmocka_unit_test(what_an_nsg_judges_is_what_enters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
