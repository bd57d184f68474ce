/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/policy_build.h"

#define HERE TEST_NETWORK "virtualNetworks/vnet-app/subnets/snet-int"

struct pair {
	struct policy_build *before, *after;
};

static struct policy_build *make(void)
{
	struct policy_build *b = policy_build_new();

	b->options.profile = nsg_profile_find("current");
	policy_build_usual(b);
	policy_build_site(b, "app", HERE)->plan_id = TEST_WEB "serverfarms/plan";
	policy_build_plan(b, "plan", "Standard", "");
	return b;
}

static int setup(void **state)
{
	static struct pair p;

	p = (struct pair){make(), make()};
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	policy_build_free(p->before);
	policy_build_free(p->after);
	return 0;
}

/* Both load; whether the one may follow the other. */
static int follow(struct pair *p)
{
	assert_int_equal(policy_build_make(p->before), 0);
	assert_int_equal(policy_build_make(p->after), 0);
	return nsg_effective_may_follow(p->before->e, p->after->e, &p->after->diag);
}

static void rules_and_routes_may_change(void **state)
{
	struct pair *p = *state;

	policy_build_nsg(p->after, "nsg");
	policy_build_table(p->after, "rt");
	policy_build_peering(p->after, &p->after->p->vnets[0], "p", "far", "10.1.0.0/16");
	assert_int_equal(follow(p), 0);
}

static void the_range_is_fixed_while_the_integration_stands(void **state)
{
	struct pair *p = *state;
	struct nsg_subnet *s = &p->after->p->vnets[0].subnets[0];

	s->prefixes.v[0].len = 25;
	assert_int_equal(follow(p), -EINVAL);
	assert_true(policy_build_told(p->after, NSG_ERROR, NULL, "remove the integration first"));
	p->after->p->sites[0].subnet_id = "";
	assert_int_equal(follow(p), 0);
	p->before->p->sites[0].subnet_id = "";
	p->after->p->sites[0].subnet_id = HERE;
	assert_int_equal(follow(p), 0);
}

static void the_network_stays(void **state)
{
	struct pair *p = *state;

	policy_build_subnet(p->after, policy_build_vnet(p->after, "other", "10.7.0.0/16"), "s",
			    "10.7.0.0/24");
	p->after->options.subnet = "other/s";
	assert_int_equal(follow(p), 0);
	p->after->p->vnets[0].id = TEST_NETWORK "virtualNetworks/renamed";
	p->after->p->vnets[0].name = "renamed";
	assert_int_equal(follow(p), -EINVAL);
	assert_true(policy_build_told(p->after, NSG_ERROR, NULL, "vnet-app is gone"));
}

static void the_subnet_stays(void **state)
{
	struct pair *p = *state;

	policy_build_subnet(p->after, &p->after->p->vnets[0], "s", "10.0.7.0/24");
	p->after->options.subnet = "s";
	p->after->p->vnets[0].subnets[0].name = "renamed";
	p->after->p->vnets[0].subnets[0].id = "";
	assert_int_equal(follow(p), -EINVAL);
	assert_true(policy_build_told(p->after, NSG_ERROR, NULL, "snet-int is gone"));
}

static void nobody_moves_to_another_subscription(void **state)
{
	struct pair *p = *state;
	struct nsg_policy *q = p->after->p;

	q->sites[0].id = "/subscriptions/T/resourceGroups/g/providers/Microsoft.Web/sites/app";
	assert_int_equal(follow(p), -EINVAL);
	assert_true(policy_build_told(p->after, NSG_ERROR, NULL, "app app has moved"));
	q->sites[0].id = p->before->p->sites[0].id;
	q->plans[0].id =
	    "/subscriptions/T/resourceGroups/g/providers/Microsoft.Web/serverfarms/plan";
	assert_int_equal(follow(p), -EINVAL);
	assert_true(policy_build_told(p->after, NSG_ERROR, NULL, "plan plan has moved"));
	q->plans[0].id = p->before->p->plans[0].id;
	assert_int_equal(follow(p), 0);
	q->vnets[0].id = "/subscriptions/T/resourceGroups/g/providers/Microsoft.Network/"
			 "virtualNetworks/vnet-app";
	q->vnets[0].subnets[0].id =
	    policy_build_printf(p->after, "%s/subnets/snet-int", q->vnets[0].id);
	q->sites[0].subnet_id = q->vnets[0].subnets[0].id;
	assert_int_equal(follow(p), -EINVAL);
	assert_true(policy_build_told(p->after, NSG_ERROR, NULL, "vnet-app has moved"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(rules_and_routes_may_change),
	    TEST(the_range_is_fixed_while_the_integration_stands),
	    TEST(the_network_stays),
	    TEST(the_subnet_stays),
	    TEST(nobody_moves_to_another_subscription),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
