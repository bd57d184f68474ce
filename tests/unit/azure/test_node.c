/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include "azure/node_priv.h"

struct fixture {
	struct nsg_arena arena;
	struct nsg_diag diag;
	struct nsg_sink sink;
	struct nsg_sources sources;
	const struct nsg_source *source;
	struct nsg_root root;
	struct nsg_node node;
	json_t *value;
};

static void begin(struct fixture *f, const char *text)
{
	char *json = to_json(text);

	memset(f, 0, sizeof(*f));
	f->sink = (struct nsg_sink){.arena = &f->arena, .diag = &f->diag};
	f->value = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(f->value);
	assert_int_equal(nsg_sources_add(&f->sources, "d.json", &json, strlen(json), &f->source),
			 0);
	f->root = (struct nsg_root){.source = f->source, .pointer = ""};
	f->node = nsg_node_root(&f->root, f->value);
}

static void end(struct fixture *f)
{
	json_decref(f->value);
	nsg_arena_done(&f->arena);
	nsg_diag_done(&f->diag);
	nsg_sources_done(&f->sources);
}

static void properties_count_unless_they_are_empty(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "{'a':'out','b':'out','c':'out','d':'out','e':'out',"
		  "'properties':{'a':'in','b':'','c':[],'d':null}}");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "a"), "in");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "b"), "out");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "c"), "out");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "d"), "out");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "e"), "out");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "f"), "");
	assert_int_equal(f.diag.n, 0);
	end(&f);
}

static void keys_are_found_in_any_case_and_exactly_first(void **state)
{
	struct fixture f;
	struct nsg_node found;

	(void)state;
	begin(&f, "{'privateIPAddress':'x','Name':'other','name':'exact'}");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "privateIpAddress"), "x");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "name"), "exact");
	found = nsg_node_get(&f.node, "PRIVATEIPADDRESS");
	assert_string_equal(nsg_node_place(&f.sink, &found).pointer, "/privateIPAddress");
	end(&f);
}

static void properties_are_found_in_any_case(void **state)
{
	struct fixture f;
	struct nsg_node found;

	(void)state;
	begin(&f, "{'name':'out','Properties':{'Name':'in'}}");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "name"), "in");
	found = nsg_node_get(&f.node, "name");
	assert_string_equal(nsg_node_place(&f.sink, &found).pointer, "/Properties/Name");
	end(&f);
}

static void a_way_is_a_json_pointer(void **state)
{
	struct nsg_node list, element, inner;
	struct fixture f;

	(void)state;
	begin(&f, "{'properties':{'a/b~':[{},\n{'x':1}]}}");
	list = nsg_node_get(&f.node, "a/b~");
	element = nsg_node_at(&list, 1);
	inner = nsg_node_get(&element, "x");
	assert_string_equal(nsg_node_place(&f.sink, &inner).pointer, "/properties/a~1b~0/1/x");
	assert_string_equal(nsg_node_place(&f.sink, &f.node).pointer, "");
	nsg_node_report(&f.sink, &inner, NSG_ERROR, "Code", "wrong: %d", 7);
	assert_said("place", &f.diag, "2:6: error: wrong: 7 [Code]");
	assert_string_equal(f.diag.v[0].pointer, "/properties/a~1b~0/1/x");
	end(&f);
}

static void blanks_around_a_string_are_not_read(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "{'a':' \\t x y \\n','b':'  '}");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "a"), "x y");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "b"), "");
	end(&f);
}

static void a_value_of_the_wrong_type_is_an_error_and_absent(void **state)
{
	struct nsg_node n;
	struct fixture f;
	uint64_t number = 5;

	(void)state;
	begin(&f, "{'s':1,'b':'maybe','i':'x','a':{},'o':[1],'big':70000,'neg':-1,'ids':[1]}");
	assert_string_equal(nsg_read_member(&f.sink, &f.node, "s"), "");
	assert_int_equal(nsg_read_bool(&f.sink, &f.node, "b"), NSG_UNSET);
	n = nsg_node_get(&f.node, "i");
	assert_false(nsg_read_number(&f.sink, &n, 10, &number));
	n = nsg_node_get(&f.node, "a");
	assert_int_equal(nsg_read_array(&f.sink, &n), 0);
	assert_string_equal(nsg_read_ref(&f.sink, &f.node, "o"), "");
	n = nsg_node_get(&f.node, "big");
	assert_false(nsg_read_number(&f.sink, &n, 65535, &number));
	n = nsg_node_get(&f.node, "neg");
	assert_false(nsg_read_number(&f.sink, &n, 65535, &number));
	n = nsg_node_get(&f.node, "ids");
	assert_int_equal(nsg_read_ids(&f.sink, &n).n, 0);
	assert_int_equal(number, 5);
	assert_said("types", &f.diag,
		    "1:6: error: s must be a string\n"
		    "1:12: error: b must be true or false\n"
		    "1:24: error: this must be a number from 0 to 10\n"
		    "1:32: error: a must be an array\n"
		    "1:39: error: o must be an object\n"
		    "1:49: error: 70000 is not a number from 0 to 65535\n"
		    "1:61: error: -1 is not a number from 0 to 65535\n"
		    "1:71: error: this must be an object");
	end(&f);
}

static void numbers_and_flags_may_be_strings(void **state)
{
	struct nsg_node n;
	struct fixture f;
	uint64_t number = 0;

	(void)state;
	begin(&f, "{'i':' 42 ','t':'TRUE','f':'false','u':null}");
	n = nsg_node_get(&f.node, "i");
	assert_true(nsg_read_number(&f.sink, &n, 42, &number));
	assert_int_equal(number, 42);
	assert_int_equal(nsg_read_bool(&f.sink, &f.node, "t"), NSG_TRUE);
	assert_int_equal(nsg_read_bool(&f.sink, &f.node, "f"), NSG_FALSE);
	assert_int_equal(nsg_read_bool(&f.sink, &f.node, "u"), NSG_UNSET);
	assert_int_equal(f.diag.n, 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(properties_count_unless_they_are_empty),
	    cmocka_unit_test(keys_are_found_in_any_case_and_exactly_first),
	    cmocka_unit_test(properties_are_found_in_any_case),
	    cmocka_unit_test(a_way_is_a_json_pointer),
	    cmocka_unit_test(blanks_around_a_string_are_not_read),
	    cmocka_unit_test(a_value_of_the_wrong_type_is_an_error_and_absent),
	    cmocka_unit_test(numbers_and_flags_may_be_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
