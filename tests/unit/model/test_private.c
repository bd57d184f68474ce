/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/policy_build.h"

#define SUBNET(V) TEST_NETWORK "virtualNetworks/" V "/subnets/snet-pe"

static int setup(void **state)
{
	struct policy_build *b = policy_build_new();

	policy_build_subnet(b, policy_build_usual(b), "snet-pe", "10.0.2.0/24");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

/* The k-th private endpoint row, or NULL. */
static const struct nsg_row *row(const struct policy_build *b, size_t k)
{
	for (size_t i = 0; i < b->e->n_rows; i++)
		if (b->e->rows[i].hop_type == NSG_HOP_INTERFACE_ENDPOINT && !k--)
			return &b->e->rows[i];
	return NULL;
}

static void addresses_come_from_nics_and_from_itself_once(void **state)
{
	struct policy_build *b = *state;
	struct nsg_private_endpoint *pe =
	    policy_build_private(b, "pe", SUBNET("vnet-app"), "10.0.2.6 10.0.2.4");
	struct nsg_nic *mine;

	policy_build_nic(b, "named", SUBNET("vnet-app"), "10.0.2.4", "");
	mine = policy_build_nic(b, "names", SUBNET("vnet-app"), "10.0.2.5", "");
	policy_build_nic(b, "neither", SUBNET("vnet-app"), "10.0.2.9", "");
	pe->nic_ids = policy_build_strings(b, TEST_NETWORK "networkInterfaces/NAMED");
	mine->private_endpoint_id = pe->id;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(row(b, 0)->prefix.addr_host, NSG_IP4(10, 0, 2, 4));
	assert_int_equal(row(b, 1)->prefix.addr_host, NSG_IP4(10, 0, 2, 5));
	assert_int_equal(row(b, 2)->prefix.addr_host, NSG_IP4(10, 0, 2, 6));
	assert_null(row(b, 3));
	assert_string_equal(row(b, 0)->detail, "pe");
}

static void without_an_address_it_has_no_row(void **state)
{
	struct policy_build *b = *state;

	policy_build_private(b, "pe", SUBNET("vnet-app"), "");
	assert_int_equal(policy_build_make(b), 0);
	assert_null(row(b, 0));
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "its address is not in any document"));
}

static void it_must_be_here_or_in_a_direct_peer(void **state)
{
	struct policy_build *b = *state;
	struct nsg_peering *p;

	policy_build_private(b, "here", SUBNET("vnet-app"), "10.0.2.4");
	policy_build_private(b, "peer", SUBNET("far"), "10.1.2.4");
	policy_build_private(b, "nowhere", SUBNET("other"), "10.9.2.4");
	policy_build_private(b, "lost", SUBNET("other"), "");
	p = policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(row(b, 0)->detail, "here");
	assert_string_equal(row(b, 1)->detail, "peer");
	assert_null(row(b, 2));
	assert_false(policy_build_told(b, NSG_WARNING, NULL, "lost"));
	p->state = "Disconnected";
	assert_int_equal(policy_build_make(b), 0);
	assert_null(row(b, 1));
}

static void without_a_subnet_the_address_says_where_it_is(void **state)
{
	struct policy_build *b = *state;

	policy_build_private(b, "here", "", "10.0.2.4");
	policy_build_private(b, "nowhere", "", "10.9.2.4");
	assert_int_equal(policy_build_make(b), 0);
	assert_string_equal(row(b, 0)->detail, "here");
	assert_null(row(b, 1));
}

static void network_policies_set_what_it_beats(void **state)
{
	static const struct {
		const char *policies;
		unsigned int beats;
	} t[] = {
	    {"Enabled", 16}, {"RouteTableEnabled", 16},		  {"enabled", 16}, {"Disabled", 32},
	    {"", 32},	     {"NetworkSecurityGroupEnabled", 32},
	};
	struct policy_build *b = *state;
	struct nsg_subnet *s = &b->p->vnets[0].subnets[1];

	policy_build_private(b, "pe", SUBNET("vnet-app"), "10.0.2.4");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s->endpoint_policies = t[i].policies;
		b->options.profile = nsg_profile_find("2020-04");
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(row(b, 0)->beats_udr_shorter_than, 32);
		b->options.profile = nsg_profile_find("current");
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(row(b, 0)->beats_udr_shorter_than, t[i].beats);
	}
}

static void a_peers_range_and_policies_are_its_documents(void **state)
{
	struct policy_build *b = *state;
	struct nsg_vnet *far;

	b->options.profile = nsg_profile_find("current");
	policy_build_private(b, "pe", SUBNET("far"), "10.1.2.4");
	policy_build_peering(b, &b->p->vnets[0], "p", "far", "10.1.0.0/16");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(row(b, 0)->beats_udr_shorter_than, 32);
	far = policy_build_vnet(b, "far", "10.1.0.0/20 10.1.16.0/20");
	policy_build_subnet(b, far, "snet-pe", "10.1.2.0/24")->endpoint_policies = "Enabled";
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(row(b, 0)->beats_udr_shorter_than, 20);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(addresses_come_from_nics_and_from_itself_once),
	    TEST(without_an_address_it_has_no_row),
	    TEST(it_must_be_here_or_in_a_direct_peer),
	    TEST(without_a_subnet_the_address_says_where_it_is),
	    TEST(network_policies_set_what_it_beats),
	    TEST(a_peers_range_and_policies_are_its_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
