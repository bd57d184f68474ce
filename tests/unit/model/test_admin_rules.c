/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/decide.h"
#include "support/policy_build.h"
#include "util/limits.h"
#include "util/macro.h"

static struct nsg_admin_rule rules[NSG_MAX_ADMIN_RULES + 1];

/* 10.0.1.0/26 with an NSG that denies tcp/22 and has the tag Storage. */
static int setup(void **state)
{
	struct policy_build *b = policy_build_new();
	struct nsg_nsg *g;

	policy_build_usual(b);
	g = policy_build_nsg(b, "nsg");
	policy_build_rule(b, g, "no-ssh", 100, NSG_DENY, "*", "*", "*", "22");
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "10.9.0.0/24");
	b->options.profile = nsg_profile_find("current");
	b->p->admin_rules = rules;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	policy_build_free(*state);
	return 0;
}

/* The fields are read as those of an NSG's rule, from a group that is then emptied. */
static struct nsg_admin_rule *add(struct policy_build *b, const char *name, unsigned int priority,
				  enum nsg_access access, const char *dst, const char *ports)
{
	struct nsg_nsg *g = &b->p->nsgs[0];
	struct nsg_admin_rule *rule = &rules[b->p->n_admin_rules++];

	*rule = (struct nsg_admin_rule){
	    .rule = *policy_build_rule(b, g, name, priority, access, "*", "*", dst, ports)};
	rule->rule.is_admin = true;
	g->n_rules--;
	return rule;
}

static struct nsg_trial decide(const struct policy_build *b, const char *dst, uint16_t port)
{
	struct nsg_key key = {.src_host = NSG_IP4(10, 0, 1, 4),
			      .protocol = 6,
			      .sport_host = 50000,
			      .dport_host = port};
	struct nsg_trial t;

	assert_int_equal(nsg_ip4_parse(dst, &key.dst_host), 0);
	assert_int_equal(nsg_trial_run(b->e, &key, &t), 0);
	return t;
}

static void the_first_rule_by_priority_decides_or_lets_the_nsg(void **state)
{
	static const struct {
		uint16_t port;
		const char *admin; /* NULL: none */
		bool nsg;
		enum nsg_reason reason;
	} t[] = {
	    {22, "pass", true, NSG_REASON_NSG_DENY},
	    {23, "block", false, NSG_REASON_ADMIN_DENY},
	    {24, "force", false, NSG_REASON_ALLOWED},
	    {25, NULL, true, NSG_REASON_ALLOWED},
	};
	struct policy_build *b = *state;

	add(b, "late", 30, NSG_DENY, "*", "22-24");
	add(b, "pass", 20, NSG_ALLOW, "*", "22");
	add(b, "block", 10, NSG_DENY, "*", "23");
	add(b, "force", 11, NSG_ALWAYS_ALLOW, "*", "24");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_admin_rules, 4);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		struct nsg_trial trial = decide(b, "10.0.2.4", t[i].port);

		assert_int_equal(trial.admin != NULL, t[i].admin != NULL);
		if (trial.admin)
			assert_string_equal(trial.admin->rule->name, t[i].admin);
		assert_int_equal(trial.nsg_evaluated, t[i].nsg);
		assert_int_equal(trial.reason, t[i].reason);
		assert_non_null(trial.row);
		nsg_trial_done(&trial);
	}
}

static void always_allow_passes_the_nsg_but_not_the_route(void **state)
{
	struct policy_build *b = *state;
	struct nsg_route_table *t = policy_build_table(b, "table");
	struct nsg_trial trial;

	policy_build_route(b, t, "hole", "10.5.0.0/16", NSG_HOP_NONE, "");
	add(b, "force", 1, NSG_ALWAYS_ALLOW, "*", "22");
	assert_int_equal(policy_build_make(b), 0);
	trial = decide(b, "10.5.0.1", 22);
	assert_int_equal(trial.reason, NSG_REASON_ROUTE_NONE);
	nsg_trial_done(&trial);
}

static void what_does_not_enter_is_not_evaluated(void **state)
{
	struct policy_build *b = *state;
	struct nsg_trial trial;

	add(b, "block", 1, NSG_DENY, "*", "*");
	assert_int_equal(policy_build_make(b), 0);
	trial = decide(b, "8.8.8.8", 443);
	assert_null(trial.admin);
	assert_int_equal(trial.reason, NSG_REASON_BYPASS);
	nsg_trial_done(&trial);
	trial = decide(b, "168.63.129.16", 53);
	assert_null(trial.admin);
	assert_int_equal(trial.reason, NSG_REASON_PLATFORM);
	nsg_trial_done(&trial);
}

static void an_address_may_mix_prefixes_and_tags(void **state)
{
	static const char *tags[2];
	struct policy_build *b = *state;
	struct nsg_admin_rule *rule = add(b, "block", 1, NSG_DENY, "10.8.0.0/24 10.8.0.0/16", "*");
	struct nsg_trial trial;

	tags[0] = "Storage";
	tags[1] = "AzurePlatformDNS";
	rule->rule.dst.kind = NSG_ADDRESS_MIXED;
	rule->rule.dst.tags = (struct nsg_strings){.v = tags, .n = 2};
	assert_int_equal(policy_build_make(b), 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "AzurePlatformDNS"));
	trial = decide(b, "10.9.0.255", 1);
	assert_int_equal(trial.reason, NSG_REASON_ADMIN_DENY);
	nsg_trial_done(&trial);
	trial = decide(b, "10.8.1.0", 1);
	assert_int_equal(trial.reason, NSG_REASON_ADMIN_DENY);
	nsg_trial_done(&trial);
	trial = decide(b, "10.10.0.0", 1);
	assert_null(trial.admin);
	nsg_trial_done(&trial);
	tags[0] = "Storge";
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, "SecurityRuleInvalidAddressPrefix", "Storge"));
}

static void equal_priorities_are_in_document_order(void **state)
{
	struct policy_build *b = *state;
	struct nsg_trial trial;

	add(b, "b", 7, NSG_ALWAYS_ALLOW, "*", "*");
	add(b, "a", 7, NSG_DENY, "*", "*");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(policy_build_count(b, NSG_WARNING), 1);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "b and a both have priority 7"));
	trial = decide(b, "10.0.2.4", 22);
	assert_string_equal(trial.admin->rule->name, "b");
	nsg_trial_done(&trial);
}

static void an_inbound_rule_has_no_effect(void **state)
{
	struct policy_build *b = *state;

	add(b, "in", 1, NSG_DENY, "*", "*")->is_inbound = true;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_admin_rules, 0);
	assert_true(
	    policy_build_told(b, NSG_NOTICE, NULL, "1 inbound security admin rule without"));
}

static void the_feature_of_2020_has_none(void **state)
{
	struct policy_build *b = *state;

	add(b, "block", 1, NSG_DENY, "Storge", "*");
	b->options.profile = nsg_profile_find("2020-04");
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(b->e->n_admin_rules, 0);
	assert_true(policy_build_told(b, NSG_WARNING, NULL, "1 security admin rule ignored"));
}

static void too_many_are_an_error(void **state)
{
	struct policy_build *b = *state;

	for (size_t i = 0; i < NSG_MAX_ADMIN_RULES; i++)
		add(b, "r", (unsigned int)i + 1, NSG_DENY, "*", "*");
	assert_int_equal(policy_build_make(b), 0);
	add(b, "r", 4096, NSG_DENY, "*", "*");
	assert_int_equal(policy_build_make(b), -EINVAL);
	assert_true(policy_build_told(b, NSG_ERROR, NULL, "1001 outbound security admin rules"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_rule_by_priority_decides_or_lets_the_nsg),
	    TEST(always_allow_passes_the_nsg_but_not_the_route),
	    TEST(what_does_not_enter_is_not_evaluated),
	    TEST(an_address_may_mix_prefixes_and_tags),
	    TEST(equal_priorities_are_in_document_order),
	    TEST(an_inbound_rule_has_no_effect),
	    TEST(the_feature_of_2020_has_none),
	    TEST(too_many_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
