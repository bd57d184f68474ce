/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include "azure/reader_priv.h"
#include "util/macro.h"

#define RULES "Microsoft.Network/networkSecurityGroups/securityRules"

static const struct {
	const char *text, *type, *id, *name, *parent;
} identities[] = {
    {"{'id':'" NETWORK_ID "routeTables/t','name':'t'}", "Microsoft.Network/routeTables",
     NETWORK_ID "routeTables/t", "t", ""},
    {"{'id':'" NETWORK_ID "routeTables/t'}", "Microsoft.Network/routeTables",
     NETWORK_ID "routeTables/t", "t", ""},
    {"{'name':'t'}", "Microsoft.Network/routeTables", "Microsoft.Network/routeTables/t", "t", ""},
    {"{}", "Microsoft.Network/routeTables", "", "", ""},
    {"{'name':'n/r'}", RULES, "Microsoft.Network/networkSecurityGroups/n/securityRules/r", "r",
     "Microsoft.Network/networkSecurityGroups/n"},
    {"{'name':'r'}", RULES, "", "r", ""},
    {"{'id':'" NETWORK_ID "networkSecurityGroups/n/securityRules/r','name':'r'}", RULES,
     NETWORK_ID "networkSecurityGroups/n/securityRules/r", "r",
     NETWORK_ID "networkSecurityGroups/n"},
    {"{'name':'a/b'}", "Microsoft.Web/sites/slots", "Microsoft.Web/sites/a/slots/b", "b",
     "Microsoft.Web/sites/a"},
    {"{'name':'a/b/c/d'}", "Microsoft.Web/sites", "", "d", ""},
    {"{'id':'odd','name':'r'}", RULES, "odd", "r", ""},
};

static void a_resource_is_known_by_id_or_by_type_and_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(identities); i++) {
		cleanup_free char *text = to_json(identities[i].text);
		cleanup_json json_t *value = json_loads(text, 0, NULL);
		struct nsg_arena arena = {0};
		struct nsg_diag diag = {0};
		struct nsg_sink s = {.arena = &arena, .diag = &diag};
		struct nsg_root root = {.pointer = ""};
		struct nsg_node n = nsg_node_root(&root, value);
		struct nsg_identity who = nsg_read_identity(&s, &n, identities[i].type);

		assert_string_equal(who.id, identities[i].id);
		assert_string_equal(who.name, identities[i].name);
		assert_string_equal(who.parent, identities[i].parent);
		nsg_arena_done(&arena);
	}
}

static const struct {
	const char *id, *type;
} types[] = {
    {NETWORK_ID "routeTables/t", "Microsoft.Network/routeTables"},
    {NETWORK_ID "networkSecurityGroups/n/securityRules/r", RULES},
    {NETWORK_ID "routeTables/", "Microsoft.Network/routeTables"},
    {NETWORK_ID "routeTables", ""},
    {ID_HEAD "Microsoft.Web/sites/a/providers/Microsoft.Network/routeTables/t",
     "Microsoft.Network/routeTables"},
    {"/subscriptions/s", ""},
    {"", ""},
    {"/providers/", ""},
    {"/providers//", ""},
};

static void an_id_spells_its_type(void **state)
{
	struct nsg_arena arena = {0};
	struct nsg_sink s = {.arena = &arena};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(types); i++)
		assert_string_equal(nsg_id_type(&s, types[i].id), types[i].type);
	nsg_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_resource_is_known_by_id_or_by_type_and_name),
	    cmocka_unit_test(an_id_spells_its_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
