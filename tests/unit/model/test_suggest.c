/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/effective_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

static struct nsg_tag tags[] = {
    {.name = "Storage", .region = ""},
    {.name = "Storage.WestEurope", .region = "westeurope"},
    {.name = "Storage.NorthEurope", .region = "northeurope"},
    {.name = "Sql", .region = ""},
    {.name = "Sql.WestEurope", .region = "westeurope"},
    {.name = "AzureKeyVault", .region = ""},
};
static const struct nsg_tag_document document = {.cloud = "", .tags = tags, .n_tags = 6};

static void the_closest_comes_first(void **state)
{
	static const struct {
		const char *name, *first; /* NULL: nothing is close */
	} t[] = {
	    {"Strage", "Storage"},
	    {"Storage.WestEuorpe", "Storage.WestEurope"},
	    {"storage.west europe", "Storage.WestEurope"},
	    {"Storage-WestEurope", "Storage.WestEurope"},
	    {"Storage.NorthEurop", "Storage.NorthEurope"},
	    {"KeyVault", NULL},
	    {"AzureKeyVaults", "AzureKeyVault"},
	    {"Sq", "Sql"},
	    {"VirtualNetwrok", "VirtualNetwork"},
	    {"Azure Load Balancer", "AzureLoadBalancer"},
	    {"Storage.Mars", "Storage"},
	    {"Qwertyuiop", NULL},
	    {"", NULL},
	    {"...", NULL},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(t); i++) {
		const char *found[NSG_MAX_SUGGESTIONS];
		size_t n = nsg_suggest(t[i].name, &document, found);

		assert_int_equal(n > 0, t[i].first != NULL);
		if (n)
			assert_string_equal(found[0], t[i].first);
	}
}

static void a_name_without_end_is_close_to_nothing(void **state)
{
	char name[5000];
	const char *found[NSG_MAX_SUGGESTIONS];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(nsg_suggest(name, &document, found), 0);
	assert_int_equal(nsg_suggest("Strage", NULL, found), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_closest_comes_first),
	    cmocka_unit_test(a_name_without_end_is_close_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
