/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

static void a_document_is_read_whole(void **state)
{
	cleanup_loaded struct loaded l = load(
	    "{'changeNumber':329,'cloud':'Public','values':[{'name':'Storage.WestUS','id':"
	    "'Storage.WestUS','properties':{'changeNumber':46,'region':'westus','platform':"
	    "'Azure','addressPrefixes':['13.1.2.0/24','2603:1050:403::/48',' 13.1.3.0/24 ',"
	    "'13.1.4.1/32']}},{'name':'Empty','properties':{'region':'','addressPrefixes':[]}}]}");
	const struct nsg_tag_document *d;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_tag_documents, 1);
	d = &l.policy->tag_documents[0];
	assert_string_equal(d->cloud, "Public");
	assert_true(d->has_change_number);
	assert_int_equal(d->change_number, 329);
	assert_int_equal(d->n_tags, 2);
	assert_string_equal(d->tags[0].name, "Storage.WestUS");
	assert_string_equal(d->tags[0].region, "westus");
	assert_int_equal(d->tags[0].prefixes.n, 3);
	assert_int_equal(d->tags[0].prefixes.n_ip6, 1);
	assert_int_equal(d->tags[0].prefixes.v[1].addr_host, NSG_IP4(13, 1, 3, 0));
	assert_int_equal(d->tags[0].prefixes.v[2].len, 32);
	assert_string_equal(d->tags[1].region, "");
	assert_int_equal(d->tags[1].prefixes.n, 0);
}

static void the_list_of_az_has_a_string_for_its_number(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{'changeNumber':'63','cloud':'AzureCloud','name':'Public','type':"
		 "'Microsoft.Network/serviceTags','values':[{'name':'Sql','properties':"
		 "{'addressPrefixes':['1.2.3.4/32']}}],'nextLink':null}");
	cleanup_loaded struct loaded none = load("{'cloud':'Public','values':[{'name':'x'}]}");

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->tag_documents[0].change_number, 63);
	assert_int_equal(l.policy->tag_documents[0].tags[0].prefixes.n, 1);
	assert_false(none.policy->tag_documents[0].has_change_number);
}

static const struct saying sayings[] = {
    {"a wrong prefix",
     "{'cloud':'Public','values':[{'name':'x','properties':{'addressPrefixes':\n['1.2.3.4',"
     "'1.2.3.4/33']}}]}",
     "2:12: error: '1.2.3.4/33' is not a valid address prefix"},
    {"a prefix of another type",
     "{'cloud':'Public','values':[{'name':'x','properties':{'addressPrefixes':\n[7]}}]}",
     "2:2: error: this must be a string"},
    {"a tag without a name", "{'cloud':'Public','values':[{'properties':{}}]}",
     "1:29: error: a service tag has no name"},
    {"a tag of another type", "{'cloud':'Public','values':['x']}",
     "1:29: error: this must be an object"},
    {"host bits are told once",
     "{'cloud':'Public','values':[{'name':'x','properties':{'addressPrefixes':['1.0.0.0/8']}},"
     "\n{'name':'y','properties':{'addressPrefixes':['1.2.3.4/8','1.2.3.5/31']}}]}",
     "2:1: warning: 2 prefixes of service tags have host bits set: the first is read as "
     "1.0.0.0/8"},
    {"a change number that is none",
     "{'cloud':'Public','changeNumber':'new','values':[{'name':'x'}]}",
     "1:34: error: this must be a number from 0 to 576460752303423487"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_document_is_read_whole),
	    cmocka_unit_test(the_list_of_az_has_a_string_for_its_number),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
