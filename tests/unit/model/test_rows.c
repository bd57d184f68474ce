/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/gate.h"
#include "model/pieces.h"
#include "model/select.h"
#include "support/policy_build.h"

static int setup(void **state)
{
	struct policy_build *b = policy_build_new();

	policy_build_usual(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

/* The rows as lines: type, prefix, and `!` for Invalid; those that are gone or hidden are left
 * out. */
static const char *listing(struct policy_build *b)
{
	static char text[4096];

	assert_int_equal(policy_build_make(b), 0);
	text[0] = '\0';
	for (size_t i = 0; i < b->e->n_rows; i++) {
		const struct nsg_row *r = &b->e->rows[i];
		char prefix[NSG_PREFIX_TEXT];

		if (r->state == NSG_ROW_GONE || r->state == NSG_ROW_HIDDEN)
			continue;
		nsg_prefix_format(r->prefix, prefix);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s\n",
			       r->state == NSG_ROW_INVALID ? "!" : "",
			       nsg_hop_type_name(r->hop_type), prefix);
	}
	return text;
}

#define NONE_ROWS "None 10.0.0.0/8\nNone 192.168.0.0/16\nNone 100.64.0.0/10\n"

static void the_default_rows_are_azures(void **state)
{
	struct policy_build *b = *state;

	assert_string_equal(listing(b), "VnetLocal 10.0.0.0/16\nInternet 0.0.0.0/0\n" NONE_ROWS);
	b->options.profile = nsg_profile_find("current");
	assert_non_null(strstr(listing(b), "None 172.16.0.0/12\n"));
	assert_int_equal(b->e->n_rows, 2 + 21);
}

static void rows_stand_in_azures_order(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = &b->p->vnets[0];
	struct nsg_tag_document *d = policy_build_tags(b);
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_route(b, t, "u", "10.9.0.0/16", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_tag(b, d, "Storage", "", "20.0.0.0/24");
	policy_build_endpoint(b, &v->subnets[0], "Microsoft.Storage", "");
	policy_build_bgp(b, "10.20.0.0/16", "10.0.0.1");
	policy_build_peering(b, v, "peer", "far", "10.1.0.0/16");
	policy_build_private(b, "pe", TEST_NETWORK "virtualNetworks/vnet-app/subnets/x",
			     "10.0.2.5");
	assert_string_equal(listing(b),
			    "VnetLocal 10.0.0.0/16\nVNetPeering 10.1.0.0/16\n"
			    "VirtualNetworkServiceEndpoint 20.0.0.0/24\n"
			    "VirtualNetworkGateway 10.20.0.0/16\nInternet 0.0.0.0/0\n" NONE_ROWS
			    "InterfaceEndpoint 10.0.2.5/32\nVirtualAppliance 10.9.0.0/16\n");
}

static void a_range_removes_the_none_row_it_holds(void **state)
{
	struct policy_build *b = *state;

	policy_build_subnet(b, policy_build_vnet(b, "w", "100.0.0.0/8 192.168.0.0/16 10.1.0.0/16"),
			    "s", "100.0.0.0/24");
	b->options.subnet = "w/s";
	assert_string_equal(listing(b),
			    "VnetLocal 100.0.0.0/8\nVnetLocal 192.168.0.0/16\n"
			    "VnetLocal 10.1.0.0/16\nInternet 0.0.0.0/0\nNone 10.0.0.0/8\n");
}

static void a_route_removes_the_none_row_of_its_prefix(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_route(b, t, "u", "10.0.0.0/8", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_bgp(b, "192.168.0.0/16", "");
	assert_string_equal(
	    listing(b), "VnetLocal 10.0.0.0/16\nVirtualNetworkGateway 192.168.0.0/16\n"
			"Internet 0.0.0.0/0\nNone 100.64.0.0/10\nVirtualAppliance 10.0.0.0/8\n");
}

static void a_default_route_takes_all_none_rows(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");
	struct nsg_route *r =
	    policy_build_route(b, t, "u", "0.0.0.0/0", NSG_HOP_APPLIANCE, "10.0.0.4");
	static const enum nsg_hop_type takers[] = {NSG_HOP_APPLIANCE, NSG_HOP_GATEWAY,
						   NSG_HOP_VNET_LOCAL};

	for (size_t i = 0; i < 3; i++) {
		char expected[200];

		r->hop_type = takers[i];
		(void)snprintf(expected, sizeof(expected),
			       "VnetLocal 10.0.0.0/16\n!Internet 0.0.0.0/0\n%s 0.0.0.0/0\n",
			       nsg_hop_type_name(takers[i]));
		assert_string_equal(listing(b), expected);
	}
	r->hop_type = NSG_HOP_NONE;
	assert_string_equal(listing(b), "VnetLocal 10.0.0.0/16\n!Internet 0.0.0.0/0\n" NONE_ROWS
					"None 0.0.0.0/0\n");
	r->hop_type = NSG_HOP_INTERNET;
	assert_string_equal(listing(b), "VnetLocal 10.0.0.0/16\n!Internet 0.0.0.0/0\n" NONE_ROWS
					"Internet 0.0.0.0/0\n");
	/* BGP takes them only while no user route holds 0.0.0.0/0, the Internet row always. */
	policy_build_bgp(b, "0.0.0.0/0", "10.0.0.1");
	assert_string_equal(listing(b),
			    "VnetLocal 10.0.0.0/16\n!VirtualNetworkGateway 0.0.0.0/0\n" NONE_ROWS
			    "Internet 0.0.0.0/0\n");
	t->n_routes = 0;
	assert_string_equal(listing(b), "VnetLocal 10.0.0.0/16\nVirtualNetworkGateway 0.0.0.0/0\n");
	t->disable_bgp = true;
	assert_string_equal(listing(b), "VnetLocal 10.0.0.0/16\nInternet 0.0.0.0/0\n" NONE_ROWS);
}

static void displaced_rows_stay_as_invalid(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_peering(b, &b->p->vnets[0], "peer", "far", "10.1.0.0/16");
	policy_build_bgp(b, "10.20.0.0/16", "");
	policy_build_bgp(b, "10.0.9.0/24", "");
	policy_build_route(b, t, "a", "10.0.0.0/16", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_route(b, t, "b", "10.1.0.0/16", NSG_HOP_NONE, "");
	policy_build_route(b, t, "c", "10.20.0.0/16", NSG_HOP_NONE, "");
	assert_string_equal(listing(b),
			    "!VnetLocal 10.0.0.0/16\n!VNetPeering 10.1.0.0/16\n"
			    "!VirtualNetworkGateway 10.20.0.0/16\n"
			    "Internet 0.0.0.0/0\n" NONE_ROWS
			    "VirtualAppliance 10.0.0.0/16\nNone 10.1.0.0/16\nNone 10.20.0.0/16\n");
}

static void a_global_peer_is_unreachable_in_2020(void **state)
{
	struct policy_build *b = *state;

	policy_build_peering(b, &b->p->vnets[0], "peer", "far", "10.1.0.0/16");
	policy_build_vnet(b, "far", "10.1.0.0/16")->location = "East US";
	policy_build_private(b, "pe", TEST_NETWORK "virtualNetworks/far/subnets/x", "10.1.2.5");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rows[1].hop_type, NSG_HOP_VNET_GLOBAL_PEERING);
	assert_true(b->e->rows[1].unreachable);
	assert_null(strstr(listing(b), "InterfaceEndpoint"));
	b->options.profile = nsg_profile_find("current");
	assert_non_null(strstr(listing(b), "InterfaceEndpoint 10.1.2.5/32"));
	assert_int_equal(b->e->rows[1].hop_type, NSG_HOP_VNET_GLOBAL_PEERING);
	assert_false(b->e->rows[1].unreachable);
}

static void routes_with_tags_rank_by_kind_then_order(void **state)
{
	static const char *const order[] = {"explicit", "region",  "top",
					    "top2",	"cloud.r", "cloud"};
	struct policy_build *b = *state;
	struct nsg_tag_document *d = policy_build_tags(b);
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_tag(b, d, "AzureCloud", "", "20.0.0.0/24 21.0.0.0/24");
	policy_build_tag(b, d, "AzureCloud.westeurope", "westeurope", "20.0.0.0/24");
	policy_build_tag(b, d, "Storage", "", "20.0.0.0/24");
	policy_build_tag(b, d, "Sql", "", "20.0.0.0/24");
	policy_build_tag(b, d, "Storage.WestEurope", "westeurope", "20.0.0.0/24 2001:db8::/32");
	policy_build_route(b, t, "cloud", "azurecloud", NSG_HOP_APPLIANCE, "10.0.0.1");
	policy_build_route(b, t, "cloud.r", "AZURECLOUD.westeurope", NSG_HOP_APPLIANCE, "10.0.0.2");
	policy_build_route(b, t, "top", "Storage", NSG_HOP_APPLIANCE, "10.0.0.3");
	policy_build_route(b, t, "top2", "Sql", NSG_HOP_APPLIANCE, "10.0.0.3");
	policy_build_route(b, t, "region", "storage.westeurope", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_route(b, t, "explicit", "20.0.0.0/24", NSG_HOP_APPLIANCE, "10.0.0.5");
	policy_build_route(b, t, "six", "2001:db8::/32", NSG_HOP_APPLIANCE, "10.0.0.5");
	assert_int_equal(policy_build_make(b), 0);
	for (size_t k = 0, floor = 0; k < 6; k++) {
		const struct nsg_row *best = NULL;

		for (size_t i = 0; i < b->e->n_rows; i++) {
			const struct nsg_row *r = &b->e->rows[i];

			if (r->source != NSG_SOURCE_USER || r->prefix.addr_host >> 24 != 20 ||
			    r->rank < floor)
				continue;
			if (!best || r->rank < best->rank)
				best = r;
		}
		assert_non_null(best);
		assert_string_equal(best->name, order[k]);
		floor = best->rank + 1;
	}
}

static void ranks_are_unique_in_a_source(void **state)
{
	struct policy_build *b = *state;

	routes_with_tags_rank_by_kind_then_order(state);
	for (size_t i = 0; i < b->e->n_rows; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(b->e->rows[i].source == b->e->rows[j].source &&
				     b->e->rows[i].rank == b->e->rows[j].rank);
}

static void a_prefix_of_two_tags_of_a_service_is_one_row(void **state)
{
	struct policy_build *b = *state;
	struct nsg_subnet *s = &b->p->vnets[0].subnets[0];
	struct nsg_tag_document *d = policy_build_tags(b);

	policy_build_tag(b, d, "Storage", "", "20.0.0.0/24 20.0.1.0/24");
	policy_build_tag(b, d, "Storage.WestEurope", "westeurope", "20.0.1.0/24");
	policy_build_tag(b, d, "Sql", "", "20.0.1.0/24");
	policy_build_endpoint(b, s, "Microsoft.Storage", "westeurope");
	policy_build_endpoint(b, s, "Microsoft.Storage.Global", "*");
	policy_build_endpoint(b, s, "Microsoft.Sql", "");
	assert_string_equal(
	    listing(b),
	    "VnetLocal 10.0.0.0/16\nVirtualNetworkServiceEndpoint 20.0.1.0/24\n"
	    "VirtualNetworkServiceEndpoint 20.0.0.0/24\n"
	    "!VirtualNetworkServiceEndpoint 20.0.1.0/24\nInternet 0.0.0.0/0\n" NONE_ROWS);
	assert_string_equal(b->e->rows[1].tag, "Storage.WestEurope");
	assert_string_equal(b->e->rows[2].tag, "Storage");
	assert_string_equal(b->e->rows[3].tag, "Sql");
}

static void the_gateway_is_used_where_it_can_be(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");

	policy_build_bgp(b, "10.0.9.0/24", "");
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->uses_gateway);
	policy_build_bgp(b, "50.0.0.0/8", "");
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->uses_gateway);
	b->options.route_all = NSG_TRUE;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->uses_gateway);
	policy_build_route(b, t, "u", "50.0.0.0/8", NSG_HOP_NONE, "");
	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->uses_gateway);
	policy_build_route(b, t, "g", "10.9.0.0/16", NSG_HOP_GATEWAY, "");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->uses_gateway);
	assert_true(policy_build_told(b, NSG_NOTICE, NULL, "needs a route back"));
}

/* The state of the row with that prefix and next hop type. */
static enum nsg_row_state state_of(const struct policy_build *b, const char *prefix,
				   enum nsg_hop_type type)
{
	for (size_t i = 0; i < b->e->n_rows; i++) {
		char text[NSG_PREFIX_TEXT];

		nsg_prefix_format(b->e->rows[i].prefix, text);
		if (!strcmp(text, prefix) && b->e->rows[i].hop_type == type)
			return b->e->rows[i].state;
	}
	return NSG_ROW_GONE;
}

static void a_row_is_active_where_nothing_strikes_it(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "rt");
	struct nsg_tag_document *d = policy_build_tags(b);

	policy_build_tag(b, d, "Storage", "", "20.0.0.0/16");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	policy_build_private(b, "pe", TEST_NETWORK "virtualNetworks/vnet-app/subnets/x",
			     "10.0.2.5");
	policy_build_private(b, "pe2", TEST_NETWORK "virtualNetworks/vnet-app/subnets/x",
			     "10.0.2.6");
	policy_build_route(b, t, "half", "20.0.0.0/15", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_route(b, t, "inside", "20.0.7.0/24", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_route(b, t, "host", "10.0.2.5/32", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_route(b, t, "long", "10.0.2.6/31", NSG_HOP_APPLIANCE, "10.0.0.4");
	policy_build_bgp(b, "20.0.9.0/24", "");
	policy_build_bgp(b, "10.0.9.0/24", "");
	assert_int_equal(policy_build_make(b), 0);
	/* a service endpoint strikes user routes and BGP wherever it is */
	assert_int_equal(state_of(b, "20.0.0.0/15", NSG_HOP_APPLIANCE), NSG_ROW_ACTIVE);
	assert_int_equal(state_of(b, "20.0.7.0/24", NSG_HOP_APPLIANCE), NSG_ROW_INVALID);
	assert_int_equal(state_of(b, "20.0.9.0/24", NSG_HOP_GATEWAY), NSG_ROW_INVALID);
	/* inside the network Azure does not even list a gateway's route */
	assert_int_equal(state_of(b, "10.0.9.0/24", NSG_HOP_GATEWAY), NSG_ROW_HIDDEN);
	assert_int_equal(state_of(b, "10.0.2.5/32", NSG_HOP_INTERFACE_ENDPOINT), NSG_ROW_INVALID);
	assert_int_equal(state_of(b, "10.0.2.5/32", NSG_HOP_APPLIANCE), NSG_ROW_ACTIVE);
	assert_int_equal(state_of(b, "10.0.2.6/32", NSG_HOP_INTERFACE_ENDPOINT), NSG_ROW_ACTIVE);
	/* its other address is not an endpoint's */
	assert_int_equal(state_of(b, "10.0.2.6/31", NSG_HOP_APPLIANCE), NSG_ROW_ACTIVE);
}

static int check_selected(void *data, struct nsg_range piece, enum nsg_gate gate,
			  const struct nsg_row *const *covering, size_t n)
{
	const struct nsg_row *r = nsg_rows_select(data, gate, covering, n);

	(void)piece;
	assert_non_null(r);
	assert_int_equal(r->state, NSG_ROW_ACTIVE);
	return 0;
}

/* What show-next-hop names, effective-routes lists as Active: random routes from a small pool, so
 * that they meet each other in each way. */
static void the_selected_row_is_always_active(void **state)
{
	static const char *const pool[] = {"0.0.0.0/0",	    "10.0.0.0/8",  "10.0.0.0/16",
					   "10.0.2.0/24",   "10.0.2.5/32", "10.1.0.0/16",
					   "20.0.0.0/16",   "20.0.1.0/24", "192.168.0.0/16",
					   "20.0.1.128/25", "10.1.2.0/24", "50.0.0.0/8"};
	static const enum nsg_hop_type types[] = {NSG_HOP_APPLIANCE, NSG_HOP_INTERNET, NSG_HOP_NONE,
						  NSG_HOP_VNET_LOCAL};
	const size_t n_pool = sizeof(pool) / sizeof(pool[0]);

	(void)state;
	srandom(1);
	for (int i = 0; i < 300; i++) {
		struct policy_build *b = policy_build_new();
		struct nsg_route_table *t;
		struct nsg_tag_document *d;
		cleanup_gates struct nsg_gates gates = {0};
		const long taken = random();

		policy_build_usual(b);
		t = policy_build_table(b, "rt");
		d = policy_build_tags(b);
		policy_build_tag(b, d, "Storage", "", "20.0.0.0/16 20.0.1.0/24");
		if (random() % 2)
			policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage",
					      "");
		policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16 20.0.0.0/16");
		policy_build_private(b, "pe", TEST_NETWORK "virtualNetworks/vnet-app/subnets/x",
				     "10.0.2.5");
		for (size_t k = 0; k < n_pool; k++)
			if (taken >> k & 1)
				policy_build_route(b, t, pool[k], pool[k], types[random() % 4], "");
		for (size_t k = 0; k < n_pool; k++)
			if (random() % 3 == 0)
				policy_build_bgp(b, pool[k], "");
		b->options.profile = nsg_profile_find(random() % 2 ? "current" : "2020-04");
		b->options.route_all = random() % 2 ? NSG_TRUE : NSG_FALSE;
		b->options.endpoint_lab = random() % 2;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_gates_new(b->e, &gates), 0);
		assert_int_equal(nsg_rows_walk(b->e, &gates, check_selected, b->e), 0);
		policy_build_free(b);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_default_rows_are_azures),
	    TEST(rows_stand_in_azures_order),
	    TEST(a_range_removes_the_none_row_it_holds),
	    TEST(a_route_removes_the_none_row_of_its_prefix),
	    TEST(a_default_route_takes_all_none_rows),
	    TEST(displaced_rows_stay_as_invalid),
	    TEST(a_global_peer_is_unreachable_in_2020),
	    TEST(routes_with_tags_rank_by_kind_then_order),
	    TEST(ranks_are_unique_in_a_source),
	    TEST(a_prefix_of_two_tags_of_a_service_is_one_row),
	    TEST(the_gateway_is_used_where_it_can_be),
	    TEST(a_row_is_active_where_nothing_strikes_it),
	    cmocka_unit_test(the_selected_row_is_always_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
