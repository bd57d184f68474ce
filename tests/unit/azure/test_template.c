/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#define SCHEMA "'$schema':'https://x/deploymentTemplate.json#','contentVersion':'1.0.0.0'"
#define SPACE "'addressSpace':{'addressPrefixes':['10.0.0.0/16']}"
#define VNET "'type':'Microsoft.Network/virtualNetworks','name':'v'"
#define FLATTEN                                                                                    \
	"a template with expressions must be evaluated first; run: nsgctl flatten TEMPLATE -o DIR"

#define FLATTEN_LOOPS                                                                              \
	"a template with copy loops must be evaluated first; run: nsgctl flatten TEMPLATE -o DIR"

static void resources_and_their_children_are_read(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{" SCHEMA ",'resources':[{" VNET ",'properties':{" SPACE "},'resources':[{'type':"
		 "'subnets','name':'s','properties':{'addressPrefix':'10.0.0.0/24'}}]},"
		 "{'type':'Microsoft.Network/virtualNetworks/subnets','name':'v/t','properties':"
		 "{'addressPrefix':'10.0.1.0/24'}},"
		 "{'type':'Microsoft.Network/networkSecurityGroups','name':'n','resources':["
		 "{'type':'Microsoft.Network/networkSecurityGroups/securityRules','name':'n/q',"
		 "'properties':{'direction':'Inbound'}}]},"
		 "{'type':'Microsoft.Network/networkSecurityGroups/securityRules','name':'n/r',"
		 "'properties':{'direction':'Inbound'}},"
		 "\n{'type':'Microsoft.Network/routeTables','name':'x','condition':false},"
		 "\n{'type':'Microsoft.Network/routeTables','name':'x','condition':'False'},"
		 "{'type':'Microsoft.Network/routeTables','name':'y','existing':true},"
		 "{'type':'Microsoft.Resources/deployments','name':'d','properties':{'template':"
		 "{'resources':[{'type':'Microsoft.Network/routeTables','name':'t'}]}}}]}");
	const struct nsg_policy *p = l.policy;

	(void)state;
	assert_said("false conditions", &l.diag,
		    "2:1: notice: the condition is false: skipped\n"
		    "3:1: notice: the condition is false: skipped");
	assert_int_equal(p->n_vnets, 1);
	assert_int_equal(p->vnets[0].n_subnets, 2);
	assert_string_equal(p->vnets[0].subnets[0].name, "s");
	assert_string_equal(p->vnets[0].subnets[1].name, "t");
	assert_string_equal(p->vnets[0].subnets[0].place.pointer, "/resources/0/resources/0");
	assert_int_equal(p->n_nsgs, 1);
	assert_int_equal(p->nsgs[0].n_inbound, 2);
	assert_int_equal(p->n_route_tables, 1);
	assert_string_equal(p->route_tables[0].name, "t");
}

static void resources_may_have_symbolic_names(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{" SCHEMA ",'languageVersion':'2.0','resources':{'net':{" VNET
		 ",'properties':{" SPACE "}}}}");

	(void)state;
	assert_int_equal(l.policy->n_vnets, 1);
	assert_string_equal(l.policy->vnets[0].place.pointer, "/resources/net");
}

static const struct saying sayings[] = {
    {"types without use are told once",
     "{" SCHEMA ",'resources':[\n{'type':'Microsoft.Compute/disks','name':'a'},\n{'type':"
     "'microsoft.compute/DISKS','name':'b'},\n{'type':'Microsoft.X/y','name':'c'}]}",
     "2:1: notice: resources of type Microsoft.Compute/disks are not used: skipped\n"
     "4:1: notice: resources of type Microsoft.X/y are not used: skipped"},
    {"an expression", "{" SCHEMA ",'resources':[{" VNET ",\n'location':'[x()]'}]}",
     "2:12: error: " FLATTEN},
    {"a bracket that stands for itself is to be evaluated too",
     "{" SCHEMA ",'resources':[{" VNET ",\n'name2':'[[x]'}]}", "2:9: error: " FLATTEN},
    {"a property that an expression names",
     "{" SCHEMA ",'resources':[{" VNET ",'properties':{\n'[x()]':1}}]}", "2:9: error: " FLATTEN},
    {"a resource's loop", "{" SCHEMA ",'resources':[{" VNET ",\n'copy':{'name':'c','count':0}}]}",
     "2:8: error: " FLATTEN_LOOPS},
    {"a loop that makes a property",
     "{" SCHEMA ",'resources':[{" VNET ",'properties':{\n'copy':[{'name':'subnets','count':1,"
     "'input':{}}]}}]}",
     "2:8: error: " FLATTEN_LOOPS},
    {"what is named copy and is no loop",
     "{" SCHEMA ",'resources':[{" VNET
     ",'tags':{'copy':'x'},'properties':{'copy':{'name':'x'}," SPACE "}}]}",
     ""},
    {"a linked template",
     "{" SCHEMA ",'resources':[{'type':'Microsoft.Resources/deployments','name':'d','properties':{"
     "\n'templateLink':{'uri':'https://x'}}}]}",
     "2:16: error: a linked template is not read; build one template that holds it"},
    {"a linked template whose condition is false",
     "{" SCHEMA ",'resources':[{'type':'Microsoft.Resources/deployments','name':'d','condition':"
     "false,'properties':{'templateLink':{'uri':'https://x'}}}]}",
     "1:89: notice: the condition is false: skipped"},
    {"a deployment of nothing",
     "{" SCHEMA ",'resources':[\n{'type':'Microsoft.Resources/deployments','name':'d'}]}",
     "2:1: error: the deployment has no template"},
    {"resources that are no list",
     "{" SCHEMA ",'resources':[{'type':'Microsoft.Resources/deployments','name':'d','properties':{"
     "'template':{\n'resources':5}}}]}",
     "2:13: error: the resources of a template must be an array or an object"},
    {"a child of what exists elsewhere",
     "{" SCHEMA ",'resources':{'a':{'type':'Microsoft.Network/routeTables','name':'t','existing':"
     "true,'resources':{'b':\n{'type':'routes','name':'r','addressPrefix':'10.0.0.0/8',"
     "'nextHopType':'None'}}}}}",
     "2:1: error: route 'r' belongs to the route table 't', which has no document"},
    {"a resource without a name",
     "{" SCHEMA ",'resources':[\n{'type':'Microsoft.Network/routeTables'}]}",
     "2:1: error: a resource has no name"},
    {"a name that is empty",
     "{" SCHEMA ",'resources':[{'type':'Microsoft.Network/virtualNetworks',"
     "'name':'','properties':{" SPACE "}}]}",
     ""},
    {"a name of too many parts",
     "{" SCHEMA ",'resources':[\n{'type':'Microsoft.Network/routeTables','name':'a/b'}]}",
     "2:1: error: the name of a resource of type Microsoft.Network/routeTables has 1 part, and "
     "this "
     "has 2"},
    {"brackets inside are none",
     "{" SCHEMA ",'resources':[{" VNET ",'tags':{'a':'x[y]'},'properties':{" SPACE "}}]}", ""},
    {"expressions outside of resources do not matter",
     "{" SCHEMA ",'variables':{'x':'[y()]'},'outputs':{'o':'[z()]'},'resources':[]}", ""},
    {"a child without its parent",
     "{" SCHEMA ",'resources':[\n{'type':'Microsoft.Network/networkSecurityGroups/securityRules',"
     "'name':'n/r','properties':{'direction':'Inbound'}}]}",
     "2:1: error: rule 'r' belongs to the NSG 'n', which has no document"},
    {"a child that does not name its parent",
     "{" SCHEMA ",'resources':[\n{'type':'Microsoft.Network/networkSecurityGroups/securityRules',"
     "'name':'r','properties':{'direction':'Inbound'}}]}",
     "2:1: error: rule 'r' does not name its NSG"},
    {"a resource without a type", "{" SCHEMA ",'resources':[\n{'name':'n'}]}",
     "2:1: error: a resource has no type"},
    {"a resource that is none", "{" SCHEMA ",'resources':[\n'n']}",
     "2:1: error: this must be an object"},
    {"parameters alone are nothing",
     "{'$schema':'https://x/deploymentParameters.json#','parameters':{'a':{'value':1}}}", ""},
    {"parameters without a schema", "{'contentVersion':'1','parameters':{'a':{'value':1}}}", ""},
    {"parameters without a frame", "{'parameters':{'a':{'value':1}}}", ""},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

/* ---- the hook ------------------------------------------------------------------------------- */

static char *seen_parameters;

static int flatten_one(json_t *template, json_t *parameters, const struct nsg_place *where,
		       struct nsg_diag *diag, struct nsg_flat_resource **ret, size_t *ret_n)
{
	struct nsg_flat_resource *flat = calloc(2, sizeof(*flat));

	(void)diag;
	assert_non_null(flat);
	assert_true(json_is_array(json_object_get(template, "resources")));
	assert_int_equal(where->value, 0);
	free(seen_parameters);
	seen_parameters = parameters ? nsg_json_line(parameters) : strdup("none");
	flat[0].resource =
	    json_pack("{s:s,s:s,s:{s:[s]}}", "type", "Microsoft.Network/virtualNetworks", "name",
		      "v", "addressSpace", "addressPrefixes", "10.0.0.0/16");
	flat[0].pointer = strdup("/resources/0");
	flat[1].resource =
	    json_pack("{s:s,s:s,s:s}", "type", "Microsoft.Network/virtualNetworks/subnets", "name",
		      "v/s", "addressPrefix", "10.0.0.0/33");
	flat[1].pointer = strdup("/resources/1");
	*ret = flat;
	*ret_n = 2;
	return 0;
}

static void what_the_hook_makes_is_read_at_its_place(void **state)
{
	struct nsg_load_options options = {.flatten = flatten_one};
	cleanup_loaded struct loaded l = load_with(
	    "{" SCHEMA ",'resources':[{'name':'[a()]'},\n{'x':1,'addressPrefix':'[b()]'}]}",
	    &options);

	(void)state;
	assert_said("flattened", &l.diag,
		    "2:24: error: '10.0.0.0/33' is not a valid address prefix\n"
		    "2:1: error: subnet 's' has no address prefix");
	assert_int_equal(l.policy->n_vnets, 1);
	assert_string_equal(l.policy->vnets[0].subnets[0].place.pointer, "/resources/1");
	assert_string_equal(seen_parameters, "none");
}

static void without_expressions_the_hook_is_not_asked(void **state)
{
	struct nsg_load_options options = {.flatten = flatten_one};
	cleanup_loaded struct loaded l =
	    load_with("{" SCHEMA ",'resources':[{'type':'Microsoft.Network/routeTables',"
		      "'name':'t'}]}",
		      &options);

	(void)state;
	assert_int_equal(l.policy->n_vnets, 0);
	assert_int_equal(l.policy->n_route_tables, 1);
}

static int refuse(json_t *template, json_t *parameters, const struct nsg_place *where,
		  struct nsg_diag *diag, struct nsg_flat_resource **ret, size_t *ret_n)
{
	(void)template;
	(void)parameters;
	(void)ret;
	(void)ret_n;
	return nsg_diag_add(diag, NSG_ERROR, where, NULL, "no");
}

static void what_the_hook_refuses_is_an_error(void **state)
{
	struct nsg_load_options options = {.flatten = refuse};
	cleanup_loaded struct loaded l =
	    load_with("{" SCHEMA ",'resources':[{'name':'[a()]'}]}", &options);

	(void)state;
	assert_said("refused", &l.diag, "1:1: error: no");
}

/* ---- parameters ----------------------------------------------------------------------------- */

static const char template_text[] = "{" SCHEMA ",'resources':[{'name':'[a()]'}]}";
static const char parameters_text[] =
    "{'$schema':'x/deploymentParameters.json','parameters':{'a':{'value':1},'b':{'value':2}}}";

static void write_file(const char *dir, const char *name, const char *text)
{
	cleanup_free char *json = to_json(text);
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(json, out);
	assert_int_equal(fclose(out), 0);
}

static const struct {
	const char *fact, *template, *parameters, *other, *option, *want;
} choices[] = {
    {"X.parameters.json for X.json", "x.json", "x.parameters.json", "z.json", NULL,
     "{\"parameters\":{\"a\":{\"value\":1},\"b\":{\"value\":2}}}"},
    {"the only one for the only template", "x.json", "a.json", NULL, NULL,
     "{\"parameters\":{\"a\":{\"value\":1},\"b\":{\"value\":2}}}"},
    {"none for one of two templates", "x.json", "a.json", "z.json", NULL, "none"},
    {"the option wins", "x.json", "x.parameters.json", NULL,
     "{'parameters':{'b':{'value':3},'c':{'value':4}}}",
     "{\"parameters\":{\"a\":{\"value\":1},\"b\":{\"value\":3},\"c\":{\"value\":4}}}"},
    {"the option alone, without its wrapping", "x.json", NULL, NULL, "{'c':{'value':4}}",
     "{\"parameters\":{\"c\":{\"value\":4}}}"},
};

static void parameters_find_their_template(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(choices); i++) {
		char dir[] = "/tmp/nsg-template-XXXXXX", option[64], command[64];
		struct nsg_load_options options = {.flatten = flatten_one, .partial = true};
		struct nsg_policy *policy = NULL;
		struct nsg_diag diag = {0};

		assert_non_null(mkdtemp(dir));
		snprintf(option, sizeof(option), "%s/option", dir);
		write_file(dir, choices[i].template, template_text);
		if (choices[i].parameters)
			write_file(dir, choices[i].parameters, parameters_text);
		if (choices[i].other)
			write_file(dir, choices[i].other, "{" SCHEMA ",'resources':[]}");
		if (choices[i].option) {
			write_file(dir, "option", choices[i].option);
			options.parameters_path = option;
		}
		(void)nsg_policy_load(dir, &options, NULL, &diag, &policy);
		if (strcmp(seen_parameters, choices[i].want))
			fail_msg("%s: %s", choices[i].fact, seen_parameters);
		nsg_policy_free(policy);
		nsg_diag_done(&diag);
		snprintf(command, sizeof(command), "rm -r %s", dir);
		assert_int_equal(system(command), 0);
	}
}

static void an_option_that_is_no_object_is_an_error(void **state)
{
	char dir[] = "/tmp/nsg-template-XXXXXX", path[64];
	struct nsg_load_options options = {.flatten = flatten_one, .parameters_path = path};
	struct nsg_policy *policy = NULL;
	struct nsg_diag diag = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/v.json", dir);
	write_file(dir, "v.json", "[{" SPACE "}]");
	assert_int_equal(nsg_policy_load(dir, &options, NULL, &diag, &policy), -EINVAL);
	assert_said("option", &diag, "1:1: error: the parameters must be an object");
	nsg_diag_done(&diag);
	unlink(path);
	assert_int_equal(nsg_policy_load(dir, &options, NULL, &diag, &policy), -EINVAL);
	assert_string_equal(diag.v[0].text, strerror(ENOENT));
	nsg_diag_done(&diag);
	rmdir(dir);
}

static int forget(void **state)
{
	(void)state;
	free(seen_parameters);
	seen_parameters = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resources_and_their_children_are_read),
	    cmocka_unit_test(resources_may_have_symbolic_names),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	    cmocka_unit_test(what_the_hook_makes_is_read_at_its_place),
	    cmocka_unit_test(without_expressions_the_hook_is_not_asked),
	    cmocka_unit_test(what_the_hook_refuses_is_an_error),
	    cmocka_unit_test(parameters_find_their_template),
	    cmocka_unit_test(an_option_that_is_no_object_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
