/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/policy.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define V1 "/subscriptions/S/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"

static void ids_compare_whole_or_by_type_and_name(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} t[] = {
	    {V1, V1, true},
	    {V1, "/SUBSCRIPTIONS/s/RESOURCEGROUPS/G/providers/microsoft.network/VIRTUALNETWORKS/V",
	     true},
	    {V1, "/subscriptions/T/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v",
	     false},
	    {V1, "/subscriptions/S/resourceGroups/h/providers/Microsoft.Network/virtualNetworks/v",
	     false},
	    {V1, "virtualNetworks/v", true},
	    {V1, "Microsoft.Network/virtualNetworks/v", true},
	    {V1, "Microsoft.ClassicNetwork/virtualNetworks/v", false},
	    {V1, "routeTables/v", false},
	    {V1, "V", true},
	    {V1, "w", false},
	    {V1 "/subnets/s", "virtualNetworks/v/subnets/s", true},
	    {V1 "/subnets/s", "virtualNetworks/w/subnets/s", false},
	    {V1 "/subnets/s", V1, false},
	    {"resourceGroups/a/providers/Microsoft.Network/virtualNetworks/v",
	     "resourceGroups/b/providers/Microsoft.Network/virtualNetworks/v", true},
	    {"", "", false},
	    {V1, "", false},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		assert_int_equal(nsg_id_equal(t[i].a, t[i].b), t[i].equal);
		assert_int_equal(nsg_id_equal(t[i].b, t[i].a), t[i].equal);
	}
}

static void an_id_has_a_name_and_a_subscription(void **state)
{
	size_t n;

	(void)state;
	assert_string_equal(nsg_id_name(V1), "v");
	assert_string_equal(nsg_id_name("bare"), "bare");
	assert_memory_equal(nsg_id_subscription(V1, &n), "S", 1);
	assert_int_equal(n, 1);
	assert_string_equal(nsg_id_subscription("virtualNetworks/v", &n), "");
	assert_int_equal(n, 0);
	(void)nsg_id_subscription("/subscriptions/", &n);
	assert_int_equal(n, 0);
}

static void all_entries_of_a_resource_are_found(void **state)
{
	static struct nsg_id_entry e[] = {
	    {"/subscriptions/S/x/asg/web", 0},
	    {"asg/db", 1},
	    {"ASG/WEB", 2},
	    {"other/web", 3},
	    {"web", 4},
	};
	const struct nsg_id_entry *x = NULL;
	unsigned int found = 0;

	(void)state;
	nsg_ids_sort(e, NSG_ARRAY_SIZE(e));
	while ((x = nsg_ids_next(e, NSG_ARRAY_SIZE(e), "asg/Web", x)))
		found |= 1u << x->i;
	assert_int_equal(found, 1u << 0 | 1u << 2 | 1u << 4);
	assert_null(nsg_ids_next(e, NSG_ARRAY_SIZE(e), "asg/zzz", NULL));
	assert_null(nsg_ids_next(e, 0, "asg/web", NULL));
}

static void nothing_is_freed_once(void **state)
{
	(void)state;
	assert_null(nsg_policy_free(NULL));
	assert_null(nsg_policy_free(calloc(1, sizeof(struct nsg_policy))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_compare_whole_or_by_type_and_name),
	    cmocka_unit_test(an_id_has_a_name_and_a_subscription),
	    cmocka_unit_test(all_entries_of_a_resource_are_found),
	    cmocka_unit_test(nothing_is_freed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
