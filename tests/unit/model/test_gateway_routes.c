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

#include "support/policy_build.h"
#include "util/limits.h"

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

static const struct nsg_row *live_row(const struct policy_build *b, size_t k)
{
	static struct nsg_row row;
	const struct nsg_row *found = NULL;
	enum nsg_row_state *states;

	assert_int_equal(nsg_effective_live_states(b->e, &states), 0);
	for (size_t i = 0; !found && b->e->live && i < b->e->live->n; i++)
		if (states[i] != NSG_ROW_GONE && !k--) {
			assert_true(nsg_effective_live_row(b->e, i, &row));
			row.state = states[i];
			found = &row;
		}
	free(states);
	return found;
}

/* Those of documents, then live ones. */
static const struct nsg_row *gateway_row(const struct policy_build *b, size_t k)
{
	for (size_t i = 0; i < b->e->n_rows; i++)
		if (b->e->rows[i].source == NSG_SOURCE_GATEWAY && !k--)
			return &b->e->rows[i];
	return live_row(b, k);
}

static void gateway_routes_of_a_prefix_are_one(void **state)
{
	struct policy_build *b = *state;

	policy_build_bgp(b, "10.20.0.0/16", "10.0.0.5 10.0.0.4");
	policy_build_bgp(b, "10.10.0.0/16", "10.0.0.9");
	policy_build_bgp(b, "10.20.0.0/16", "10.0.0.4 10.0.0.3 10.0.0.5");
	assert_int_equal(policy_build_make(b), 0);
	assert_null(gateway_row(b, 2));
	assert_int_equal(gateway_row(b, 0)->prefix.addr_host, NSG_IP4(10, 20, 0, 0));
	assert_int_equal(gateway_row(b, 1)->prefix.addr_host, NSG_IP4(10, 10, 0, 0));
	assert_int_equal(gateway_row(b, 0)->n_hops, 3);
	assert_int_equal(gateway_row(b, 0)->hops_host[0], NSG_IP4(10, 0, 0, 5));
	assert_int_equal(gateway_row(b, 0)->hops_host[1], NSG_IP4(10, 0, 0, 4));
	assert_int_equal(gateway_row(b, 0)->hops_host[2], NSG_IP4(10, 0, 0, 3));
}

static void propagation_off_leaves_none(void **state)
{
	struct policy_build *b = *state;

	policy_build_bgp(b, "10.20.0.0/16", "10.0.0.5");
	policy_build_table(b, "rt")->disable_bgp = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_null(gateway_row(b, 0));
	assert_false(nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(10, 20, 0, 1)));
}

/* The gateway rows as text: prefix and next hops. */
static const char *listing(struct policy_build *b)
{
	static char text[4096];
	const struct nsg_row *r;

	assert_int_equal(policy_build_make(b), 0);
	text[0] = '\0';
	for (size_t k = 0; (r = gateway_row(b, k)); k++) {
		char prefix[NSG_PREFIX_TEXT], hop[NSG_IP4_TEXT];

		nsg_prefix_format(r->prefix, prefix);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       k ? "; " : "", prefix);
		for (size_t i = 0; i < r->n_hops; i++) {
			nsg_ip4_format(r->hops_host[i], hop);
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
				       hop);
		}
	}
	return text;
}

static void a_gateway_has_its_own_address_a_route_server_its_peers(void **state)
{
	struct policy_build *b = *state;

	policy_build_subnet(b, &b->p->vnets[0], "RouteServerSubnet", "10.0.200.0/26");
	policy_build_learned(b, "50.1.0.0/16", "10.0.255.4", "192.168.1.1");
	policy_build_learned(b, "50.2.0.0/16", "10.0.200.4", "10.0.9.8");
	policy_build_learned(b, "50.3.0.0/16", "10.77.0.4", "10.77.9.8");
	policy_build_learned(b, "50.4.0.0/16", "10.77.0.4", "");
	policy_build_learned(b, "50.5.0.0/16", "10.0.255.4", "10.0.9.8")->list =
	    NSG_LIST_ROUTE_SERVER;
	policy_build_learned(b, "50.6.0.0/16", "", "10.0.9.8");
	assert_string_equal(listing(b), "50.1.0.0/16 10.0.255.4; 50.2.0.0/16 10.0.9.8; "
					"50.3.0.0/16 10.77.9.8; 50.4.0.0/16 10.77.0.4; "
					"50.5.0.0/16 10.0.9.8; 50.6.0.0/16");
}

static void the_shortest_paths_are_used(void **state)
{
	struct policy_build *b = *state;

	policy_build_learned(b, "50.1.0.0/16", "10.0.255.4", "")->path_length = 3;
	policy_build_learned(b, "50.1.0.0/16", "10.0.255.5", "")->path_length = 2;
	policy_build_learned(b, "50.1.0.0/16", "10.0.255.6", "")->path_length = 2;
	policy_build_bgp(b, "50.1.0.0/16", "10.0.255.7");
	policy_build_gateway(b, "lng", "50.2.0.0/16 50.1.0.0/16");
	assert_string_equal(listing(b),
			    "50.1.0.0/16 10.0.255.5 10.0.255.6 10.0.255.7; 50.2.0.0/16");
}

static void ibgp_is_used_where_nothing_else_has_the_prefix(void **state)
{
	struct policy_build *b = *state;

	policy_build_learned(b, "50.1.0.0/16", "10.0.255.5", "")->origin = NSG_BGP_IBGP;
	policy_build_learned(b, "50.2.0.0/16", "10.0.255.5", "")->origin = NSG_BGP_IBGP;
	policy_build_learned(b, "50.2.0.0/16", "10.0.255.4", "")->path_length = 4;
	policy_build_learned(b, "10.0.9.0/24", "10.0.255.5", "")->origin = NSG_BGP_IBGP;
	policy_build_learned(b, "10.0.9.0/24", "10.0.255.4", "")->origin = NSG_BGP_NETWORK;
	assert_string_equal(listing(b), "50.1.0.0/16 10.0.255.5; 50.2.0.0/16 10.0.255.4");
}

static void only_a_network_with_a_gateway_learns(void **state)
{
	struct policy_build *b = *state;
	struct nsg_peering *p = policy_build_peering(b, &b->p->vnets[0], "p", "hub", "10.1.0.0/16");

	policy_build_learned(b, "50.1.0.0/16", "10.0.255.4", "");
	policy_build_gateway(b, "lng", "50.2.0.0/16");
	policy_build_bgp(b, "50.3.0.0/16", "10.1.255.4");
	assert_string_equal(listing(b), "50.3.0.0/16 10.1.255.4");
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "gateway routes are not used"));
	p->use_remote_gateways = NSG_TRUE;
	assert_string_equal(listing(b),
			    "50.1.0.0/16 10.0.255.4; 50.3.0.0/16 10.1.255.4; 50.2.0.0/16");
	p->state = "Disconnected";
	assert_string_equal(listing(b),
			    "50.1.0.0/16 10.0.255.4; 50.3.0.0/16 10.1.255.4; 50.2.0.0/16");
	p->state = "Connected";
	p->use_remote_gateways = NSG_FALSE;
	policy_build_subnet(b, &b->p->vnets[0], "gatewaysubnet", "10.0.255.0/27");
	assert_string_equal(listing(b),
			    "50.1.0.0/16 10.0.255.4; 50.3.0.0/16 10.1.255.4; 50.2.0.0/16");
}

static void a_mesh_is_no_peering(void **state)
{
	static struct nsg_prefix range = {NSG_IP4(10, 9, 0, 0), 16};
	static struct nsg_mesh mesh = {.ranges = {&range, 1, 0}};
	struct policy_build *b = *state;

	policy_build_learned(b, "10.20.0.0/16", "10.0.255.4", "192.168.1.1");
	b->p->meshes = &mesh;
	b->p->n_meshes = 1;
	assert_string_equal(listing(b), "10.20.0.0/16 10.0.255.4");
}

static void the_gateways_own_networks_are_no_routes(void **state)
{
	struct policy_build *b = *state;
	struct nsg_peering *p = policy_build_peering(b, &b->p->vnets[0], "p", "hub", "10.1.0.0/16");
	static const char *const networks[] = {"10.1.0.0/16", "10.1.3.0/24", "10.2.0.0/16",
					       "172.16.5.0/24", "10.0.0.0/8"};
	struct nsg_vnet *hub;

	p->use_remote_gateways = NSG_TRUE;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		policy_build_learned(b, networks[i], "10.1.255.4", "")->origin = NSG_BGP_NETWORK;
	assert_string_equal(listing(b), "");
	assert_true(policy_build_told(b, NSG_NOTICE, NULL, "origin Network are not used"));
	hub = policy_build_vnet(b, "hub", "10.1.0.0/16");
	policy_build_peering(b, hub, "q", "spoke", "10.2.0.0/16");
	assert_string_equal(listing(b), "172.16.5.0/24 10.1.255.4; 10.0.0.0/8 10.1.255.4");
	assert_false(policy_build_told(b, NSG_NOTICE, NULL, "origin Network are not used"));
}

static void gateway_routes_are_bounded_once_merged(void **state)
{
	struct policy_build *b = *state;
	struct nsg_prefixes *p;

	policy_build_gateway(b, "lng", "50.1.0.0/16");
	p = &b->p->gateways[0].prefixes;
	p->n = 2 * (NSG_MAX_BGP_ROUTES + 1);
	p->v = calloc(p->n, sizeof(*p->v));
	assert_non_null(p->v);
	for (size_t i = 0; i < p->n; i++)
		p->v[i] = (struct nsg_prefix){(uint32_t)(50u << 24) + (uint32_t)(i / 2) * 2, 32};
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(b->diag.n_errors, 1);
	free(p->v);
	p->n = 0;
}

/* Live routes, in order: "PREFIX HOP..." each. They live as long as the build. */
static void add_live(struct policy_build *b, const char *const *routes, size_t n)
{
	struct nsg_route_changes changes = {0};
	struct nsg_hop_lists lists = {0};
	struct nsg_route_diff diff;

	for (size_t i = 0; i < n; i++) {
		char text[128], *rest = text, *word;
		struct nsg_route_change c = {.removed = false};
		uint32_t hops_host[4], n_hops = 0;
		struct nsg_prefix p;
		bool masked;

		strcpy(text, routes[i]);
		assert_int_equal(nsg_prefix_parse(strsep(&rest, " "), &p, &masked), NSG_PREFIX_IP4);
		while ((word = strsep(&rest, " ")))
			assert_int_equal(nsg_ip4_parse(word, &hops_host[n_hops++]), 0);
		c.route.addr_host = p.addr_host;
		c.route.len = p.len;
		assert_int_equal(nsg_hop_lists_add(&lists, hops_host, n_hops, &c.route.list), 0);
		assert_int_equal(nsg_vec_push(&changes.changes, c), 0);
	}
	nsg_route_set_unref(b->options.live);
	assert_int_equal(
	    nsg_route_set_new(NULL, &changes, true, &lists, 1, n, &diff, &b->options.live), 0);
	nsg_route_changes_done(&changes);
	nsg_hop_lists_done(&lists);
}

#define LIVE(b, ...)                                                                               \
	add_live(b, (const char *const[]){__VA_ARGS__},                                            \
		 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void live_routes_and_documents_are_one_set(void **state)
{
	struct policy_build *b = *state;

	policy_build_bgp(b, "50.9.0.0/16", "10.0.255.7");
	policy_build_bgp(b, "50.2.0.0/16", "10.0.255.7");
	LIVE(b, "50.2.0.0/16 10.255.0.2 10.0.255.7", "50.1.0.0/16 10.255.0.2", "50.3.0.0/16");
	assert_string_equal(listing(b),
			    "50.9.0.0/16 10.0.255.7; 50.2.0.0/16 10.0.255.7 10.255.0.2; "
			    "50.1.0.0/16 10.255.0.2; 50.3.0.0/16");
	assert_true(nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(50, 3, 0, 1)));
	/* one document's route is not live */
	assert_int_equal(b->diag.n, 1);
	assert_non_null(strstr(b->diag.v[0].text, "50.9.0.0/16"));
	nsg_route_set_unref(b->options.live);
}

static void live_routes_need_a_gateway_and_propagation(void **state)
{
	struct policy_build *b = *state;

	LIVE(b, "50.1.0.0/16 10.255.0.2");
	policy_build_peering(b, &b->p->vnets[0], "to-hub", "hub", "10.9.0.0/16");
	assert_string_equal(listing(b), "");
	assert_non_null(strstr(b->diag.v[b->diag.n - 1].text, "live gateway routes are not used"));
	policy_build_subnet(b, &b->p->vnets[0], "GatewaySubnet", "10.0.255.0/27");
	assert_string_equal(listing(b), "50.1.0.0/16 10.255.0.2");
	policy_build_table(b, "rt")->disable_bgp = true;
	assert_string_equal(listing(b), "");
	nsg_route_set_unref(b->options.live);
}

static void a_live_default_route_takes_the_none_rows(void **state)
{
	struct policy_build *b = *state;
	bool none = false;

	LIVE(b, "0.0.0.0/0 10.255.0.2", "10.0.77.0/24 10.255.0.2");
	assert_int_equal(policy_build_make(b), 0);
	for (size_t i = 0; i < b->e->n_rows; i++)
		none |=
		    b->e->rows[i].hop_type == NSG_HOP_NONE && b->e->rows[i].state != NSG_ROW_GONE;
	assert_false(none);
	/* inside the network's own range it is not listed */
	assert_int_equal(gateway_row(b, 1)->state, NSG_ROW_HIDDEN);
	nsg_route_set_unref(b->options.live);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(live_routes_and_documents_are_one_set, setup, teardown),
	    cmocka_unit_test_setup_teardown(live_routes_need_a_gateway_and_propagation, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(a_live_default_route_takes_the_none_rows, setup,
					    teardown),
	    TEST(gateway_routes_of_a_prefix_are_one),
	    TEST(propagation_off_leaves_none),
	    TEST(a_gateway_has_its_own_address_a_route_server_its_peers),
	    TEST(the_shortest_paths_are_used),
	    TEST(ibgp_is_used_where_nothing_else_has_the_prefix),
	    TEST(only_a_network_with_a_gateway_learns),
	    TEST(a_mesh_is_no_peering),
	    TEST(the_gateways_own_networks_are_no_routes),
	    TEST(gateway_routes_are_bounded_once_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
