/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/policy_build.h"
#include "util/cleanup.h"
#include "util/macro.h"

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

static bool enters(const struct policy_build *b, const char *addr)
{
	uint32_t a = 0;

	assert_int_equal(nsg_ip4_parse(addr, &a), 0);
	return nsg_ranges_contain(&b->e->endpoints, a);
}

static void each_service_has_its_tag(void **state)
{
	static const struct {
		const char *service, *tag;
	} t[] = {
	    {"Microsoft.Storage", "Storage"},
	    {"Microsoft.Storage.Global", "Storage"},
	    {"microsoft.sql", "Sql"},
	    {"Microsoft.AzureCosmosDB", "AzureCosmosDB"},
	    {"Microsoft.KeyVault", "AzureKeyVault"},
	    {"Microsoft.ServiceBus", "ServiceBus"},
	    {"Microsoft.EventHub", "EventHub"},
	    {"Microsoft.Web", "AppService"},
	    {"Microsoft.CognitiveServices", "CognitiveServicesManagement"},
	    {"Microsoft.ContainerRegistry", "AzureContainerRegistry"},
	    {"Microsoft.AzureActiveDirectory", "AzureActiveDirectory"},
	};
	struct policy_build *b = *state;
	struct nsg_subnet *s = &b->p->vnets[0].subnets[0];
	struct nsg_tag_document *d = policy_build_tags(b);

	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		d->n_tags = 0;
		s->n_endpoints = 0;
		policy_build_endpoint(b, s, t[i].service, "");
		assert_int_equal(policy_build_make(b), -EINVAL);
		assert_true(policy_build_told(b, NSG_ERROR, NULL, "az network list-service-tags"));
		policy_build_tag(b, d, t[i].tag, "", "20.0.0.0/24");
		assert_int_equal(policy_build_make(b), 0);
		assert_true(enters(b, "20.0.0.9"));
	}
	s->n_endpoints = 0;
	policy_build_endpoint(b, s, "Microsoft.Tea", "");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "Microsoft.Tea"));
	assert_int_equal(b->e->endpoints.n, 0);
}

static void locations_are_found_by_name_then_by_region(void **state)
{
	struct policy_build *b = *state;
	struct nsg_subnet *s = &b->p->vnets[0].subnets[0];
	struct nsg_tag_document *d = policy_build_tags(b);

	policy_build_tag(b, d, "Storage", "", "20.0.0.0/16");
	policy_build_tag(b, d, "Sql.NorwayEast", "norwaye", "90.0.0.0/24");
	policy_build_tag(b, d, "Storage.WestEurope", "westeurope", "20.0.1.0/24");
	policy_build_tag(b, d, "Storage.NorwayEast", "norwaye", "20.0.2.0/24");
	policy_build_endpoint(b, s, "Microsoft.Storage", "westeurope norwaye");
	assert_int_equal(policy_build_make(b), 0);
	assert_true(enters(b, "20.0.1.1"));
	assert_true(enters(b, "20.0.2.1"));
	assert_false(enters(b, "20.0.3.1"));
	assert_false(enters(b, "90.0.0.1"));
	s->endpoints[0].locations.v[0] = "West Europe";
	s->endpoints[0].locations.v[1] = "NorwayEast";
	assert_int_equal(policy_build_make(b), 0);
	assert_true(enters(b, "20.0.1.1"));
	assert_true(enters(b, "20.0.2.1"));
	assert_false(enters(b, "20.0.3.1"));
	assert_int_equal(policy_build_count(b, NSG_NOTICE), 0);
	s->endpoints[0].locations.v[1] = "mars";
	assert_int_equal(policy_build_make(b), 0);
	assert_true(enters(b, "20.0.3.1"));
	assert_true(policy_build_told(b, NSG_NOTICE, NULL, "Storage.mars"));
	s->endpoints[0].locations.v[1] = "*";
	assert_int_equal(policy_build_make(b), 0);
	assert_true(enters(b, "20.0.3.1"));
	assert_int_equal(policy_build_count(b, NSG_NOTICE), 0);
}

static void linux_in_2020_has_no_such_gate(void **state)
{
	struct policy_build *b = *state;

	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/16");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	b->options.platform = NSG_PLATFORM_LINUX;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->endpoints.n, 0);
	b->options.profile = nsg_profile_find("current");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->endpoints.n, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(each_service_has_its_tag),
	    TEST(locations_are_found_by_name_then_by_region),
	    TEST(linux_in_2020_has_no_such_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
