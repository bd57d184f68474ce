/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint/lint.h"
#include "support/policy_build.h"
#include "util/macro.h"

struct line {
	unsigned int priority; /* of an admin rule; 0: no more */
	enum nsg_access access;
	const char *protocol, *src, *dst, *ports;
};

static const struct {
	const char *fact;
	struct line admin[3];
	enum nsg_access
	    access;	  /* of the NSG's rule: tcp from 10.0.1.0/26 to 10.0.2.0/24, port 443 */
	const char *text; /* NULL: no remark */
} cases[] = {
    {"all of it is denied",
     {{5, NSG_DENY, "*", "*", "10.0.0.0/16", "400-500"}},
     NSG_ALLOW,
     "never allows anything: security admin rule a (5)"},
    {"all of it is always allowed",
     {{5, NSG_ALWAYS_ALLOW, "Tcp", "*", "*", "*"}},
     NSG_DENY,
     "never denies anything: security admin rule a (5)"},
    {"a part is denied", {{5, NSG_DENY, "*", "*", "10.0.2.0/25", "*"}}, NSG_ALLOW, NULL},
    {"another protocol", {{5, NSG_DENY, "Udp", "*", "*", "*"}}, NSG_ALLOW, NULL},
    {"other ports", {{5, NSG_DENY, "*", "*", "*", "444-500"}}, NSG_ALLOW, NULL},
    {"other sources", {{5, NSG_DENY, "*", "10.9.0.0/16", "*", "*"}}, NSG_ALLOW, NULL},
    {"both deny", {{5, NSG_DENY, "*", "*", "*", "*"}}, NSG_DENY, NULL},
    {"an earlier rule lets a part pass",
     {{5, NSG_DENY, "*", "*", "*", "*"}, {4, NSG_ALLOW, "*", "*", "10.0.2.7/32", "*"}},
     NSG_ALLOW,
     NULL},
    {"two divide the destinations",
     {{5, NSG_DENY, "*", "*", "10.0.2.0/25", "*"}, {6, NSG_DENY, "*", "*", "10.0.2.128/25", "*"}},
     NSG_ALLOW,
     "never allows anything: security admin rule a (5) and others deny all of it"},
    {"two leave an address between them",
     {{5, NSG_DENY, "*", "*", "10.0.2.0/25", "*"}, {6, NSG_DENY, "*", "*", "10.0.2.129/32", "*"}},
     NSG_ALLOW,
     NULL},
    {"another part is always allowed, a part of it",
     {{5, NSG_ALWAYS_ALLOW, "*", "*", "10.0.2.0/25", "*"},
      {6, NSG_ALWAYS_ALLOW, "Udp", "*", "10.0.2.128/25", "*"}},
     NSG_DENY,
     NULL},
    {"an earlier rule denies a part by its port, a later one all",
     {{5, NSG_DENY, "*", "*", "10.0.2.0/25", "440-450"},
      {4, NSG_DENY, "*", "10.0.1.4/32", "*", "*"}},
     NSG_ALLOW,
     NULL},
    {"what an earlier rule denies, a later one cannot allow",
     {{5, NSG_DENY, "*", "*", "10.0.2.0/24", "*"}, {6, NSG_ALLOW, "*", "*", "*", "*"}},
     NSG_ALLOW,
     "security admin rule a (5) denies all of it"},
    {"a part is denied twice, then all",
     {{4, NSG_DENY, "*", "10.0.1.4/32", "*", "*"}, {5, NSG_DENY, "Tcp", "*", "*", "*"}},
     NSG_ALLOW,
     "security admin rule a (5) denies all of it"},
    {"an earlier rule about other packets",
     {{5, NSG_DENY, "*", "*", "*", "*"}, {4, NSG_ALLOW, "*", "*", "10.0.3.0/24", "*"}},
     NSG_ALLOW,
     "never allows anything"},
};

static void what_an_admin_rule_takes_is_reported(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		struct policy_build *b = policy_build_new();
		struct nsg_admin_rule admin[3];
		struct nsg_nsg *g;

		policy_build_usual(b);
		g = policy_build_nsg(b, "nsg");
		b->options.profile = nsg_profile_find("current");
		b->p->admin_rules = admin;
		for (const struct line *l = cases[i].admin; l->priority; l++) {
			struct nsg_admin_rule *a = &admin[b->p->n_admin_rules++];

			*a = (struct nsg_admin_rule){
			    .rule = *policy_build_rule(b, g, "a", l->priority, l->access,
						       l->protocol, l->src, l->dst, l->ports)};
			a->rule.is_admin = true;
			g->n_rules--;
		}
		policy_build_rule(b, g, "r", 100, cases[i].access, "Tcp", "10.0.1.0/26",
				  "10.0.2.0/24", "443");
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_lint(b->e, &b->diag), 0);
		if (policy_build_told(b, NSG_WARNING, "AdminRuleDecides",
				      cases[i].text ? cases[i].text : "") != !!cases[i].text)
			fail_msg("%s", cases[i].fact);
		policy_build_free(b);
	}
}

/* The protocols that the integration does not carry are left out. */
static void tcp_and_udp_are_all(void **state)
{
	struct policy_build *b = policy_build_new();
	struct nsg_admin_rule admin[2];
	struct nsg_nsg *g;

	(void)state;
	policy_build_usual(b);
	g = policy_build_nsg(b, "nsg");
	b->p->admin_rules = admin;
	for (size_t i = 0; i < 2; i++) {
		admin[i] = (struct nsg_admin_rule){
		    .rule = *policy_build_rule(b, g, i ? "udp" : "tcp", (unsigned int)i + 7,
					       NSG_DENY, i ? "Udp" : "Tcp", "*", "*", "*")};
		admin[i].rule.is_admin = true;
	}
	g->n_rules = 0;
	policy_build_rule(b, g, "any", 100, NSG_ALLOW, "*", "*", "10.0.2.0/24", "443");
	policy_build_rule(b, g, "icmp", 101, NSG_ALLOW, "Icmp", "*", "10.0.3.0/24", "*");
	b->options.profile = nsg_profile_find("current");
	b->p->n_admin_rules = 1;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_lint(b->e, &b->diag), 0);
	assert_false(policy_build_told(b, NSG_WARNING, "AdminRuleDecides", ""));
	b->p->n_admin_rules = 2;
	assert_int_equal(policy_build_make(b), 0);
	assert_int_equal(nsg_lint(b->e, &b->diag), 0);
	assert_true(policy_build_told(b, NSG_WARNING, "AdminRuleDecides",
				      "rule any (100) never allows anything: security admin rule "
				      "tcp (7) and others deny"));
	assert_false(policy_build_told(b, NSG_WARNING, "AdminRuleDecides", "icmp"));
	policy_build_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_an_admin_rule_takes_is_reported),
	    cmocka_unit_test(tcp_and_udp_are_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
