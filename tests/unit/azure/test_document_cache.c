/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <time.h>

struct fixture {
	char dir[32];
	struct nsg_diag diag;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/tmp/nsg-cache-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
}

static void end(struct fixture *f)
{
	char command[64];

	nsg_diag_done(&f->diag);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	assert_int_equal(system(command), 0);
}

/* Blanks make it large enough to be worth keeping. */
static void put(const struct fixture *f, const char *name, const char *text)
{
	cleanup_free char *json = to_json(text);
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "%s\n%70000s\n", json, "");
	assert_int_equal(fclose(out), 0);
}

/* Until a change of the files shows in their time stamps. */
static void settle(void)
{
	struct timespec t = {.tv_nsec = 150000000};

	assert_int_equal(nanosleep(&t, NULL), 0);
}

static struct nsg_policy *load_after(struct fixture *f, const struct nsg_policy *before)
{
	struct nsg_policy *policy = NULL;

	nsg_diag_done(&f->diag);
	(void)nsg_policy_load(f->dir, NULL, before, &f->diag, &policy);
	return policy;
}

static const char vnet[] = "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/16']}}";
static const char tags[] = "{'cloud':'Public','values':[{'name':'x','properties':"
			   "{'addressPrefixes':['1.2.3.0/24']}}]}";

static void an_unchanged_document_is_not_parsed_again(void **state)
{
	struct nsg_policy *a, *b, *c;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "tags.json", tags);
	settle();
	a = load_after(&f, NULL);
	assert_non_null(a);
	nsg_policy_forget_sources(a);
	put(&f, "a.json", "{'name':'w','addressSpace':{'addressPrefixes':['10.0.0.0/16']}}");
	b = load_after(&f, a);
	assert_non_null(b);
	assert_ptr_equal(a->tag_documents[0].tags, b->tag_documents[0].tags);
	assert_string_equal(b->vnets[0].name, "w");
	assert_string_equal(a->vnets[0].name, "v");
	/* the one loaded later outlives the one it took it from */
	nsg_policy_free(a);
	assert_int_equal(b->tag_documents[0].tags[0].prefixes.v[0].len, 24);
	c = load_after(&f, b);
	assert_ptr_equal(b->tag_documents[0].tags, c->tag_documents[0].tags);
	nsg_policy_free(c);
	assert_string_equal(b->tag_documents[0].tags[0].name, "x");
	nsg_policy_free(b);
	end(&f);
}

static void a_changed_document_is_parsed(void **state)
{
	struct nsg_policy *a, *b;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "tags.json", tags);
	settle();
	a = load_after(&f, NULL);
	put(&f, "tags.json",
	    "{'cloud':'Public','values':[{'name':'y','properties':"
	    "{'addressPrefixes':['1.2.3.0/24']}}]}");
	b = load_after(&f, a);
	assert_string_equal(b->tag_documents[0].tags[0].name, "y");
	nsg_policy_free(a);
	nsg_policy_free(b);
	end(&f);
}

static void one_that_changed_just_now_is_parsed(void **state)
{
	struct nsg_policy *a, *b;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "tags.json", tags);
	a = load_after(&f, NULL);
	b = load_after(&f, a);
	assert_ptr_not_equal(a->tag_documents[0].tags, b->tag_documents[0].tags);
	nsg_policy_free(a);
	nsg_policy_free(b);
	end(&f);
}

static void a_warning_is_given_again(void **state)
{
	struct nsg_policy *a, *b;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.9/16']}}");
	settle();
	a = load_after(&f, NULL);
	assert_int_equal(f.diag.n_warnings, 1);
	b = load_after(&f, a);
	assert_int_equal(f.diag.n_warnings, 1);
	nsg_policy_free(a);
	nsg_policy_free(b);
	end(&f);
}

#define RULE(name)                                                                                 \
	"{'name':'" name "','priority':100,'access':'Deny','protocol':'*','direction':'Outbound'," \
	"'sourceAddressPrefix':'*','destinationAddressPrefix':'*','sourcePortRange':'*',"          \
	"'destinationPortRange':'*'}"

static void lists_stay_apart(void **state)
{
	struct nsg_policy *a, *b;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "b.json", "[" RULE("p") "][" RULE("q") "]");
	settle();
	a = load_after(&f, NULL);
	assert_int_equal(a->n_nsgs, 2);
	put(&f, "0.json", "[" RULE("r") "][" RULE("s") "]");
	put(&f, "z.json", "[" RULE("t") "]");
	b = load_after(&f, a);
	assert_int_equal(b->n_nsgs, 5);
	nsg_policy_free(a);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(b->nsgs[i].n_rules, 1);
		assert_int_equal(b->nsgs[i].rules[0].name[0], "rspqt"[i]);
	}
	nsg_policy_free(b);
	end(&f);
}

static void its_text_is_there_while_it_is_loaded(void **state)
{
	struct nsg_policy *a, *b;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "b.json", "\n {'name':'n','securityRules':[]}");
	settle();
	a = load_after(&f, NULL);
	nsg_policy_forget_sources(a);
	for (size_t i = 0; i < a->shared.n; i++)
		assert_null(a->shared.v[i]->source.text);
	put(&f, "0.json", "{'name':'n','securityRules':[],'flushConnection':true}");
	b = load_after(&f, a);
	assert_null(b);
	assert_int_equal(f.diag.n_errors, 1);
	assert_int_equal(f.diag.v[0].line, 2);
	assert_int_equal(f.diag.v[0].column, 2);
	/* a load that failed leaves no text behind */
	for (size_t i = 0; i < a->shared.n; i++)
		assert_null(a->shared.v[i]->source.text);
	nsg_policy_free(a);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_unchanged_document_is_not_parsed_again),
	    cmocka_unit_test(a_changed_document_is_parsed),
	    cmocka_unit_test(one_that_changed_just_now_is_parsed),
	    cmocka_unit_test(a_warning_is_given_again),
	    cmocka_unit_test(lists_stay_apart),
	    cmocka_unit_test(its_text_is_there_while_it_is_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
