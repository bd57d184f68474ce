/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/cleanup.h"
#include "util/macro.h"

static const struct {
	const char *text, *want;
} counts[] = {
    {"[]", "read nothing"},
    {"{'value':[]}", "read nothing"},
    {"{'x':1}", "read nothing; 1 refused"},
    {"1", "read nothing; 1 refused"},
    {"[1,{'x':1}]", "read nothing; 1 refused"},
    {"{'securityRules':[]}", "read 1 NSG"},
    {"[{'type':'Microsoft.Network/networkSecurityGroups','name':'a','securityRules':[]},"
     "{'type':'Microsoft.Network/networkSecurityGroups','name':'b'},"
     "{'type':'Microsoft.Cache/Redis'},{'type':'Microsoft.Cache/Redis'}]",
     "read 1 NSG; 2 resources of no use skipped; 1 refused"},
    {"{'value':[{'name':'r','addressPrefix':'10.0.0.0/8','nextHopType':'None'},"
     "{'name':'q','addressPrefix':'11.0.0.0/8','nextHopType':'None'}]}",
     "read 1 route list"},
    {"[{'name':'A','value':'1','slotSetting':false},{'name':'B','value':'1','slotSetting':false}]",
     "read 1 app setting list"},
    {"{'contentVersion':'1','resources':[{'type':'Microsoft.Network/networkSecurityGroups',"
     "'name':'a'},{'type':'Microsoft.Network/routeTables','name':'t','resources':[{'type':'routes',"
     "'name':'r','properties':{'addressPrefix':'10.0.0.0/8','nextHopType':'None'}}]},"
     "{'type':'Microsoft.Cache/Redis','name':'r'}]}",
     "read 1 NSG, 1 route, 1 route table; 1 resource of no use skipped"},
    {"{'contentVersion':'1','resources':[{'type':'Microsoft.Network/networkSecurityGroups',"
     "'name':'[parameters()]'}]}",
     "read nothing; 1 refused"},
};

static void each_resource_is_counted_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(counts); i++) {
		struct nsg_load_counts c = {.n_read = {0}};
		const struct nsg_load_options options = {.counts = &c};
		struct loaded l = load_with(counts[i].text, &options);
		cleanup_free char *text = nsg_load_counts_text(&c);

		assert_string_equal(text, counts[i].want);
		unload(&l);
	}
}

static void words_have_plurals(void **state)
{
	cleanup_free char *text =
	    nsg_load_counts_text(&(struct nsg_load_counts){.n_parameters = 2, .n_skipped = 1});

	(void)state;
	assert_string_equal(text, "read 2 parameters documents; 1 resource of no use skipped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_resource_is_counted_once),
	    cmocka_unit_test(words_have_plurals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
