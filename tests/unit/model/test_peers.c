/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static size_t count(const struct policy_build *b, enum nsg_hop_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < b->e->n_rows; i++)
		n += b->e->rows[i].hop_type == type && b->e->rows[i].source == NSG_SOURCE_DEFAULT;
	return n;
}

static void only_a_connected_peering_is_used(void **state)
{
	static const struct {
		const char *state;
		enum nsg_tristate access;
		size_t n;
		bool in_tag;
	} t[] = {
	    {"Connected", NSG_TRUE, 1, true},
	    {"connected", NSG_UNSET, 1, true},
	    {"", NSG_TRUE, 1, true},
	    {"Initiated", NSG_TRUE, 0, false},
	    {"Disconnected", NSG_UNSET, 0, false},
	    {"Connected", NSG_FALSE, 1, false},
	};
	struct policy_build *b = *state;
	struct nsg_peering *p = policy_build_peering(b, &b->p->vnets[0], "p", "far", "20.1.0.0/16");

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		p->state = t[i].state;
		p->allow_access = t[i].access;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(count(b, NSG_HOP_VNET_PEERING), t[i].n);
		assert_int_equal(
		    nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(20, 1, 0, 1)),
		    t[i].in_tag);
		assert_int_equal(nsg_ranges_contain(&b->e->internet_ranges, NSG_IP4(20, 1, 0, 1)),
				 !t[i].n);
	}
}

static void ranges_come_from_the_first_that_has_them(void **state)
{
	struct policy_build *b = *state;
	struct nsg_peering *p = policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");

	p->remote_vnet_space = p->remote_space;
	assert_int_equal(policy_build_make(b), 0);
	assert_false(policy_build_told(b, NSG_WARNING, NULL, "differ"));
	p->remote_vnet_space = policy_build_vnet(b, "other", "10.9.0.0/16")->space;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "differ"));
	assert_int_equal(b->e->rows[1].prefix.addr_host, NSG_IP4(10, 1, 0, 0));
	p->remote_space.n = 0;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rows[1].prefix.addr_host, NSG_IP4(10, 9, 0, 0));
	p->remote_vnet_space.n = 0;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "the peer's ranges are unknown"));
	policy_build_vnet(b, "far", "10.7.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rows[1].prefix.addr_host, NSG_IP4(10, 7, 0, 0));
}

static void other_regions_make_it_global(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *far;

	policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 1);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "regions"));
	far = policy_build_vnet(b, "far", "10.1.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "regions"));
	far->location = "West Europe";
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 1);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	far->location = "northeurope";
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_GLOBAL_PEERING), 1);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	far->location = "";
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
}

static void peering_is_not_transitive(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *hub;

	policy_build_peering(b, &b->p->vnets[0], "p", "hub", "10.1.0.0/16");
	hub = policy_build_vnet(b, "hub", "10.1.0.0/16");
	policy_build_peering(b, hub, "q", "spoke", "10.2.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 1);
}

static struct nsg_strings names(struct policy_build *b, const char *name)
{
	const char **v = nsg_arena_array(&b->p->arena, 1, sizeof(*v));

	assert_non_null(v);
	v[0] = name;
	return (struct nsg_strings){v, 1};
}

static void subnet_peering_takes_the_named_subnets(void **state)
{
	struct policy_build *b = *state;
	struct nsg_peering *p = policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");
	struct nsg_vnet *far;

	b->options.profile = nsg_profile_find("current");
	p->complete = NSG_FALSE;
	p->remote_subnets = names(b, "DATA");
	/* without a document remoteAddressSpace is all there is */
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rows[1].prefix.len, 16);
	far = policy_build_vnet(b, "far", "10.1.0.0/16");
	policy_build_subnet(b, far, "data", "10.1.3.0/24");
	policy_build_subnet(b, far, "rest", "10.1.4.0/24");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 1);
	assert_int_equal(b->e->rows[1].prefix.addr_host, NSG_IP4(10, 1, 3, 0));
	assert_false(b->e->rows[1].unreachable);
	p->local_subnets = names(b, "another");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->rows[1].unreachable);
	p->local_subnets = names(b, b->p->vnets[0].subnets[0].name);
	p->remote_subnets.n = 0;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 2);
	assert_false(b->e->rows[1].unreachable);
	p->only_ip6 = NSG_TRUE;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_VNET_PEERING), 0);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 0);
	/* The peer's ranges are not the Internet all the same. */
	assert_true(nsg_ranges_contain(&b->e->networks, NSG_IP4(10, 1, 3, 1)));
	assert_false(nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(10, 1, 3, 1)));
	p->only_ip6 = NSG_UNSET;
	p->remote_subnets = names(b, "missing");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "remote subnet missing"));
	b->options.profile = nsg_profile_find("2020-04");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "subnet peering is ignored"));
	assert_int_equal(b->e->rows[1].prefix.len, 16);
}

static void a_private_endpoint_behind_it_is_in_a_named_subnet(void **state)
{
	struct policy_build *b = *state;
	struct nsg_peering *p = policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");
	struct nsg_vnet *far = policy_build_vnet(b, "far", "10.1.0.0/16");

	b->options.profile = nsg_profile_find("current");
	policy_build_subnet(b, far, "data", "10.1.3.0/24");
	policy_build_subnet(b, far, "rest", "10.1.4.0/24");
	policy_build_private(b, "in", TEST_NETWORK "virtualNetworks/far/subnets/data", "10.1.3.5");
	policy_build_private(b, "out", TEST_NETWORK "virtualNetworks/far/subnets/rest", "10.1.4.5");
	p->complete = NSG_FALSE;
	p->remote_subnets = names(b, "data");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_INTERFACE_ENDPOINT), 1);
	p->local_subnets = names(b, "another");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(count(b, NSG_HOP_INTERFACE_ENDPOINT), 0);
}

static void ranges_may_not_overlap(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *v = &b->p->vnets[0];
	struct nsg_peering *p = policy_build_peering(b, v, "p", "far", "10.1.0.0/16 10.3.0.0/16");
	struct nsg_peering *q = policy_build_peering(b, v, "q", "near", "10.2.0.0/15 10.3.7.0/24");

	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(b->diag.n_errors, 1);
	assert_true(policy_build_told(b, NSG_ERROR, "VnetAddressSpacesOverlap", "peering q"));
	q->complete = NSG_FALSE;
	assert_int_equal(policy_build_make(b), 0);
	q->complete = NSG_TRUE;
	q->state = "Disconnected";
	assert_int_equal(policy_build_make(b), 0);
	p->remote_space.v[1].addr_host = NSG_IP4(10, 0, 0, 0);
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, "VnetAddressSpacesOverlap", "vnet-app"));
}

/* Like a regional peer, whatever the profile; the ranges once, and they may overlap a peer's. */
static void a_mesh_is_like_a_peer(void **state)
{
	static struct nsg_prefix ranges[] = {
	    {NSG_IP4(10, 9, 0, 0), 16}, {NSG_IP4(10, 8, 0, 0), 16}, {NSG_IP4(10, 9, 0, 0), 16}};
	static struct nsg_mesh meshes[] = {{.ranges = {ranges, 2, 0}},
					   {.ranges = {ranges + 2, 1, 0}}};
	static const char *const profiles[] = {"2020-04", "current"};
	struct policy_build *b = *state;

	policy_build_peering(b, &b->p->vnets[0], "to-hub", "hub", "10.8.0.0/24");
	b->p->meshes = meshes;
	b->p->n_meshes = 2;
	for (size_t i = 0; i < 2; i++) {
		size_t n = 0;

		b->options.profile = nsg_profile_find(profiles[i]);
		assert_int_equal(policy_build_make(b), 0);
		for (size_t j = 0; j < b->e->n_rows; j++)
			if (b->e->rows[j].hop_type == NSG_HOP_VNET_PEERING &&
			    b->e->rows[j].prefix.len == 16) {
				assert_false(b->e->rows[j].unreachable);
				n++;
			}
		assert_int_equal(n, 2);
		assert_true(
		    nsg_ranges_contain(&b->e->virtual_network_ranges, NSG_IP4(10, 9, 1, 1)));
		assert_false(nsg_ranges_contain(&b->e->internet_ranges, NSG_IP4(10, 9, 1, 1)));
	}
}

static void a_mesh_without_ranges_is_reported(void **state)
{
	static struct nsg_mesh mesh;
	struct policy_build *b = *state;

	b->p->meshes = &mesh;
	b->p->n_meshes = 1;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "show-effective-route-table"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(only_a_connected_peering_is_used),
	    TEST(ranges_come_from_the_first_that_has_them),
	    TEST(other_regions_make_it_global),
	    TEST(peering_is_not_transitive),
	    TEST(subnet_peering_takes_the_named_subnets),
	    TEST(a_private_endpoint_behind_it_is_in_a_named_subnet),
	    TEST(ranges_may_not_overlap),
	    TEST(a_mesh_is_like_a_peer),
	    TEST(a_mesh_without_ranges_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
