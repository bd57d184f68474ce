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
	policy_build_nsg(b, "nsg");
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24 20.0.2.0/24");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

static struct nsg_rule *rule(struct policy_build *b, const char *name, unsigned int priority,
			     const char *src, const char *dst)
{
	return policy_build_rule(b, &b->p->nsgs[0], name, priority, NSG_ALLOW, "*", src, dst, "*");
}

/* ---- validation --------------------------------------------------------------------------- */

static void a_priority_is_unique(void **state)
{
	struct policy_build *b = *state;

	rule(b, "one", 100, "*", "*");
	rule(b, "two", 101, "*", "*");
	assert_int_equal(policy_build_make(b), 0);
	rule(b, "three", 100, "*", "*");
	rule(b, "four", 100, "*", "*");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(policy_build_count(b, NSG_ERROR), 2);
	assert_true(policy_build_told(b, NSG_ERROR, "SecurityRuleConflict", "one and three"));
	assert_true(policy_build_told(b, NSG_ERROR, "SecurityRuleConflict", "one and four"));
}

static void a_name_is_unique(void **state)
{
	struct policy_build *b = *state;

	rule(b, "same", 100, "*", "*");
	rule(b, "SAME", 101, "*", "*");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, "SecurityRuleConflict", "SAME"));
	b->p->nsgs[0].rules[1].name = "AllowVnetOutBound";
	assert_int_equal(policy_build_make(b), 0);
}

static void every_nsg_is_checked(void **state)
{
	struct policy_build *b = *state;
	struct nsg_nsg *g = policy_build_nsg(b, "other");

	b->p->vnets[0].subnets[0].nsg_id = b->p->nsgs[0].id;
	policy_build_rule(b, g, "r", 100, NSG_DENY, "*", "*", "Storge", "*");
	policy_build_rule(b, g, "s", 100, NSG_DENY, "*", "10.0.0.0/8 10.1.0.0/16", "*", "*");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_int_equal(policy_build_count(b, NSG_ERROR), 3);
}

static void prefixes_of_a_list_must_not_overlap(void **state)
{
	static const struct {
		const char *list;
		size_t n_errors;
	} t[] = {
	    {"10.0.0.0/8 11.0.0.0/8", 0},
	    {"10.0.0.0/16 10.0.0.0/8", 1},
	    {"10.0.0.0/8 10.1.0.0/16 10.2.0.0/16 10.1.1.0/24", 3},
	    {"10.1.0.0/16 10.1.0.0/16", 1},
	    {"10.0.0.0/9 10.128.0.0/9", 0},
	    {"0.0.0.0/0 10.0.0.0/8", 1},
	};
	struct policy_build *b = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		b->p->nsgs[0].n_rules = 0;
		rule(b, "r", 100, "*", t[i].list);
		assert_int_equal(policy_build_make(b), t[i].n_errors ? -EINVAL : 0);
		assert_int_equal(policy_build_count(b, NSG_ERROR), t[i].n_errors);
	}
	assert_true(policy_build_told(b, NSG_ERROR, "OverlappingSubnetsNotPermittedInSecurityRule",
				      "0.0.0.0/0 and 10.0.0.0/8"));
}

static void an_unknown_group_is_an_error_as_a_destination(void **state)
{
	struct policy_build *b = *state;
	struct nsg_rule *r = rule(b, "r", 100, "asg:nobody", "*");

	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "nobody"));
	r->dst = r->src;
	r->src.kind = NSG_ADDRESS_ANY;
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "nobody"));
	b->p->incomplete = true;
	assert_int_equal(policy_build_make(b), 0);
	b->p->incomplete = false;
	policy_build_asg(b, "NOBODY");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rules[0].dst.ranges->n, 0);
}

static void a_rule_has_prefixes_of_one_family(void **state)
{
	struct policy_build *b = policy_build_new();
	struct nsg_nsg *g;

	(void)state;
	policy_build_usual(b);
	g = policy_build_nsg(b, "nsg");
	policy_build_rule(b, g, "r", 100, NSG_DENY, "*", "2001:db8::/32", "2001:db8::/32", "*");
	assert_int_equal(policy_build_make(b), 0);
	g->n_rules = 0;
	policy_build_rule(b, g, "r", 100, NSG_DENY, "*", "10.0.0.0/8", "2001:db8::/32", "*");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(
	    b, NSG_ERROR, "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies", "r"));
	policy_build_free(b);
}

/* ---- what they become --------------------------------------------------------------------- */

static void missing_defaults_are_made(void **state)
{
	struct policy_build *b = *state;
	struct nsg_rule *r;

	rule(b, "late", 4096, "*", "*");
	rule(b, "early", 100, "*", "*");
	r = rule(b, "AllowInternetOutBound", 65001, "*", "Storage");
	r->is_default = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_rules, 5);
	assert_string_equal(b->e->rules[0].rule->name, "early");
	assert_string_equal(b->e->rules[1].rule->name, "late");
	assert_string_equal(b->e->rules[2].rule->name, "AllowVnetOutBound");
	assert_int_equal(b->e->rules[2].rule->priority, 65000);
	assert_ptr_equal(b->e->rules[2].src.ranges, &b->e->virtual_network_ranges);
	assert_ptr_equal(b->e->rules[2].dst.ranges, &b->e->virtual_network_ranges);
	assert_ptr_equal(b->e->rules[3].rule, r);
	assert_int_equal(b->e->rules[3].dst.ranges->n, 2);
	assert_string_equal(b->e->rules[4].rule->name, "DenyAllOutBound");
	assert_int_equal(b->e->rules[4].rule->access, NSG_DENY);
	assert_int_equal(b->e->rules[4].rule->protocol, NSG_PROTOCOL_ANY);
	assert_int_equal(b->e->rules[4].n_dst_ports, 1);
	assert_int_equal(b->e->rules[4].dst_ports[0].hi, 65535);
	r->is_default = false;
	r->priority = 300;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_rules, 6);
	assert_ptr_equal(b->e->rules[4].dst.ranges, &b->e->internet_ranges);
}

static void without_an_nsg_there_are_no_rules(void **state)
{
	struct policy_build *b = *state;

	b->p->n_nsgs = 0;
	assert_int_equal(policy_build_make(b), 0);
	assert_null(b->e->nsg);
	assert_int_equal(b->e->n_rules, 0);
}

static void equal_tags_share_their_addresses(void **state)
{
	struct policy_build *b = *state;

	rule(b, "one", 100, "VIRTUAL_NETWORK", "Storage");
	rule(b, "two", 101, "virtualnetwork", "STORAGE");
	rule(b, "three", 102, "AzureLoadBalancer", "20.0.0.0/24 20.0.2.0/24");
	assert_int_equal(policy_build_make(b), 0);
	assert_ptr_equal(b->e->rules[0].dst.ranges, b->e->rules[1].dst.ranges);
	assert_ptr_equal(b->e->rules[0].src.ranges, &b->e->virtual_network_ranges);
	assert_ptr_equal(b->e->rules[1].src.ranges, &b->e->virtual_network_ranges);
	assert_int_equal(b->e->rules[2].src.ranges->n, 1);
	assert_int_equal(b->e->rules[2].src.ranges->v[0].lo, NSG_IP_PLATFORM_DNS);
	assert_int_equal(b->e->rules[2].dst.ranges->n, 2);
	assert_int_equal(b->e->rules[2].dst.ranges->v[1].hi, NSG_IP4(20, 0, 2, 255));
}

static void platform_tags_match_only_as_destinations(void **state)
{
	struct policy_build *b = *state;

	rule(b, "dns", 100, "AzurePlatformIMDS", "AzurePlatformDNS");
	rule(b, "imds", 101, "*", "azureplatformimds");
	rule(b, "lkm", 102, "*", "AzurePlatformLKM");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rules[0].src.kind, NSG_MATCH_RANGES);
	assert_int_equal(b->e->rules[0].src.ranges->n, 0);
	assert_int_equal(b->e->rules[0].dst.kind, NSG_MATCH_PLATFORM_DNS);
	assert_int_equal(b->e->rules[0].dst.ranges->n, 0);
	assert_int_equal(b->e->rules[1].dst.kind, NSG_MATCH_PLATFORM_IMDS);
	assert_int_equal(b->e->rules[2].dst.kind, NSG_MATCH_RANGES);
	assert_int_equal(b->e->rules[2].dst.ranges->n, 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "AzurePlatformLKM"));
}

static void a_group_is_its_members_addresses(void **state)
{
	struct policy_build *b = *state;

	policy_build_nic(b, "one", "", "10.0.5.4", "web");
	policy_build_nic(b, "two", "", "10.0.5.5", "WEB db");
	policy_build_nic(b, "three", "", "10.0.5.9", "db");
	policy_build_nic(b, "four", "", "", "web");
	rule(b, "to", 100, "*", "asg:Web");
	rule(b, "from", 101, "asg:web", "*");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rules[0].dst.ranges->n, 1);
	assert_int_equal(b->e->rules[0].dst.ranges->v[0].lo, NSG_IP4(10, 0, 5, 4));
	assert_int_equal(b->e->rules[0].dst.ranges->v[0].hi, NSG_IP4(10, 0, 5, 5));
	assert_int_equal(b->e->rules[1].src.ranges->n, 0);
}

static void ports_are_merged(void **state)
{
	struct policy_build *b = *state;
	struct nsg_rule *r = policy_build_rule(b, &b->p->nsgs[0], "r", 100, NSG_ALLOW, "tcp", "*",
					       "*", "443 80-90 85-100 101 0-10 65535");

	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rules[0].n_dst_ports, 4);
	assert_int_equal(b->e->rules[0].dst_ports[0].hi, 10);
	assert_int_equal(b->e->rules[0].dst_ports[1].lo, 80);
	assert_int_equal(b->e->rules[0].dst_ports[1].hi, 101);
	assert_int_equal(b->e->rules[0].dst_ports[3].lo, 65535);
	r->dst_ports = (struct nsg_port_range[]){{100, 65535}, {0, 99}};
	r->n_dst_ports = 2;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->rules[0].n_dst_ports, 1);
	assert_int_equal(b->e->rules[0].dst_ports[0].lo, 0);
	assert_int_equal(b->e->rules[0].dst_ports[0].hi, 65535);
}

static void flush_and_timeout_come_from_their_documents(void **state)
{
	struct policy_build *b = *state;

	assert_int_equal(policy_build_make(b), 0);
	assert_false(b->e->flush_connection);
	assert_int_equal(b->e->flow_timeout_minutes, 4);
	b->p->nsgs[0].flush_connection = true;
	b->p->vnets[0].flow_timeout_minutes = 30;
	assert_int_equal(policy_build_make(b), 0);
	assert_true(b->e->flush_connection);
	assert_int_equal(b->e->flow_timeout_minutes, 30);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_priority_is_unique),
	    TEST(a_name_is_unique),
	    TEST(every_nsg_is_checked),
	    TEST(prefixes_of_a_list_must_not_overlap),
	    TEST(an_unknown_group_is_an_error_as_a_destination),
	    TEST(a_rule_has_prefixes_of_one_family),
	    TEST(missing_defaults_are_made),
	    TEST(without_an_nsg_there_are_no_rules),
	    TEST(equal_tags_share_their_addresses),
	    TEST(platform_tags_match_only_as_destinations),
	    TEST(a_group_is_its_members_addresses),
	    TEST(ports_are_merged),
	    TEST(flush_and_timeout_come_from_their_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
