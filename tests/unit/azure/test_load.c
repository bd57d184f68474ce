/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <sys/stat.h>

struct fixture {
	char dir[32];
	struct nsg_diag diag;
	struct nsg_policy *policy;
	int result;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/tmp/nsg-load-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
}

static void put_bytes(const struct fixture *f, const char *name, const void *data, size_t size)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	cleanup_free char *json = to_json(text);

	put_bytes(f, name, json, strlen(json));
}

static void load_dir(struct fixture *f)
{
	f->policy = nsg_policy_free(f->policy);
	nsg_diag_done(&f->diag);
	f->result = nsg_policy_load(f->dir, NULL, NULL, &f->diag, &f->policy);
}

static void end(struct fixture *f)
{
	char command[64];

	nsg_policy_free(f->policy);
	nsg_diag_done(&f->diag);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	assert_int_equal(system(command), 0);
}

static const char vnet[] = "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/16']}}";

static void assert_error(const struct fixture *f, size_t i, const char *name, const char *text)
{
	char path[128];

	assert_int_equal(f->result, -EINVAL);
	assert_null(f->policy);
	assert_true(i < f->diag.n);
	snprintf(path, sizeof(path), "%s%s%s", f->dir, *name ? "/" : "", name);
	assert_string_equal(f->diag.v[i].file, path);
	if (!strstr(f->diag.v[i].text, text))
		fail_msg("%s", f->diag.v[i].text);
}

static void files_are_read_in_byte_order(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "b.json", "{'name':'second','securityRules':[]}");
	put(&f, "a.json", vnet);
	put(&f, "B.json", "{'name':'first','securityRules':[]}");
	put(&f, "c.txt", "no");
	put(&f, ".hidden.json", "no");
	put(&f, "json", "no");
	load_dir(&f);
	assert_int_equal(f.result, 0);
	assert_int_equal(f.diag.n, 0);
	assert_int_equal(f.policy->n_nsgs, 2);
	assert_string_equal(f.policy->nsgs[0].name, "first");
	assert_string_equal(f.policy->nsgs[1].name, "second");
	assert_string_equal(f.policy->directory, f.dir);
	assert_string_equal(f.policy->nsgs[0].place.source->path + strlen(f.dir), "/B.json");
	assert_false(f.policy->incomplete);
	end(&f);
}

static void a_directory_that_lacks_something_names_the_commands(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	load_dir(&f);
	assert_error(&f, 0, "", "the directory has no *.json document");
	assert_error(&f, 0, "", "az network vnet show -g GROUP -n VNET > vnet.json");
	assert_int_equal(f.diag.v[0].line, 0);
	put(&f, "nsg.json", "{'name':'n','securityRules':[]}");
	load_dir(&f);
	assert_error(&f, 0, "", "the directory has no document of a virtual network");
	assert_error(&f, 0, "", "az network vnet show -g GROUP -n VNET > vnet.json");
	end(&f);
}

static void a_missing_directory_is_an_error(void **state)
{
	struct nsg_diag diag = {0};
	struct nsg_policy *policy = NULL;

	(void)state;
	assert_int_equal(nsg_policy_load("/nonexistent/x", NULL, NULL, &diag, &policy), -ENOENT);
	assert_string_equal(diag.v[0].file, "/nonexistent/x");
	assert_string_equal(diag.v[0].text,
			    "the directory cannot be read: No such file or directory; create it "
			    "and run: az network vnet show -g GROUP -n VNET > vnet.json (nsgctl "
			    "check lists all commands)");
	assert_null(policy);
	nsg_diag_done(&diag);
}

static void every_bad_file_is_named_and_nothing_is_half_loaded(void **state)
{
	size_t deep = 100000;
	cleanup_free char *brackets = malloc(deep);
	struct fixture f;
	char path[64];

	(void)state;
	assert_non_null(brackets);
	memset(brackets, '[', deep);
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "b.json", "");
	put(&f, "c.json", "{ oops");
	put(&f, "d.json", "[{'name':'x'");
	put(&f, "e.json", "{'a':1,'a':2}");
	put_bytes(&f, "f.json", brackets, deep);
	put_bytes(&f, "g.json", "[\"\xe4\"]", 5);
	put(&f, "h.json", "x");
	snprintf(path, sizeof(path), "%s/h.json", f.dir);
	assert_int_equal(truncate(path, 64 * 1024 * 1024 + 1), 0);
	snprintf(path, sizeof(path), "%s/i.json", f.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put(&f, "j.json", "7");
	snprintf(path, sizeof(path), "%s/k.json", f.dir);
	assert_int_equal(symlink("nowhere", path), 0);
	load_dir(&f);
	assert_int_equal(f.diag.n, 10);
	assert_error(&f, 0, "b.json", "the file is empty");
	assert_error(&f, 1, "c.json", "not JSON");
	assert_error(&f, 2, "d.json", "ends too early");
	assert_error(&f, 3, "e.json", "duplicate key");
	assert_error(&f, 4, "f.json", "512 levels");
	assert_error(&f, 5, "g.json", "not UTF-8");
	assert_error(&f, 6, "h.json", "larger than 64 MiB");
	assert_error(&f, 7, "i.json", "not a regular file");
	assert_error(&f, 8, "j.json", "unknown document");
	assert_error(&f, 9, "k.json", "No such file");
	end(&f);
}

static void more_files_than_the_bound_are_an_error(void **state)
{
	struct fixture f;
	char name[32];

	(void)state;
	begin(&f);
	for (int i = 0; i < 10001; i++) {
		snprintf(name, sizeof(name), "%d.json", i);
		put(&f, name, "");
	}
	load_dir(&f);
	assert_error(&f, 0, "", "10001 documents: at most 10000 are read");
	assert_int_equal(f.diag.n, 1);
	end(&f);
}

static void more_bytes_than_the_bound_are_an_error(void **state)
{
	struct fixture f;
	char name[32], path[64];

	(void)state;
	begin(&f);
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%d.json", i);
		put(&f, name, "");
		snprintf(path, sizeof(path), "%s/%s", f.dir, name);
		assert_int_equal(truncate(path, 64 * 1024 * 1024), 0);
	}
	load_dir(&f);
	/* those before were read, the last is not */
	assert_int_equal(f.diag.n, 5);
	assert_error(&f, 3, "3.json", "a NUL byte");
	assert_error(&f, 4, "", "the documents have more than 256 MiB in total");
	end(&f);
}

static void more_values_than_the_bound_are_an_error(void **state)
{
	static const size_t n = 4000000;
	cleanup_free char *text = malloc(2 * n + 1);
	struct fixture f;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i, "1,", 2);
	begin(&f);
	put_bytes(&f, "a.json", text, 2 * n);
	text[2 * n] = '1';
	put_bytes(&f, "b.json", text, 2 * n + 1);
	put(&f, "c.json", vnet);
	load_dir(&f);
	assert_int_equal(f.diag.n, 2);
	assert_error(&f, 0, "a.json", "not JSON");
	assert_error(&f, 1, "", "the documents have more than 8 million JSON values in total");
	end(&f);
}

static void no_document_is_begun_after_the_deadline(void **state)
{
	static const _Atomic uint64_t past = 1;
	struct nsg_load_options options = {.deadline_ns = &past};
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "b.json", "{");
	f.result = nsg_policy_load(f.dir, &options, NULL, &f.diag, &f.policy);
	assert_int_equal(f.diag.n, 1);
	assert_error(&f, 0, "", "reading the documents took too long");
	end(&f);
}

static void what_could_be_read_is_there_to_be_looked_through(void **state)
{
	struct nsg_load_options options = {.partial = true};
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "b.json", "{");
	/* its network may be in b.json */
	put(&f, "c.json",
	    "{'id':'" NETWORK_ID "virtualNetworks/w/subnets/s','addressPrefix':"
	    "'10.9.0.0/24','delegations':[]}");
	f.result = nsg_policy_load(f.dir, &options, NULL, &f.diag, &f.policy);
	assert_int_equal(f.result, -EINVAL);
	assert_non_null(f.policy);
	assert_true(f.policy->incomplete);
	assert_int_equal(f.policy->n_vnets, 1);
	assert_int_equal(f.diag.n, 1);
	end(&f);
}

static void one_id_in_two_files_is_an_error(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "a.json", vnet);
	put(&f, "b.json", "{'name':'n','securityRules':[]}");
	put(&f, "c.json", "\n{'name':'n','securityRules':[],'flushConnection':true}");
	load_dir(&f);
	assert_error(&f, 0, "c.json", "NSG 'n' is also at ");
	assert_error(&f, 0, "c.json", "/b.json:1:1, with different content");
	assert_int_equal(f.diag.v[0].line, 2);
	end(&f);
}

static void utf16_is_read(void **state)
{
	struct fixture f;
	cleanup_free char *json = to_json(vnet);
	char wide[256] = "\xff\xfe";
	size_t n = 2;

	(void)state;
	begin(&f);
	for (const char *p = json; *p; p++) {
		wide[n++] = *p;
		wide[n++] = '\0';
	}
	put_bytes(&f, "a.json", wide, n);
	load_dir(&f);
	assert_int_equal(f.result, 0);
	assert_int_equal(f.policy->n_vnets, 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_are_read_in_byte_order),
	    cmocka_unit_test(a_directory_that_lacks_something_names_the_commands),
	    cmocka_unit_test(a_missing_directory_is_an_error),
	    cmocka_unit_test(every_bad_file_is_named_and_nothing_is_half_loaded),
	    cmocka_unit_test(more_files_than_the_bound_are_an_error),
	    cmocka_unit_test(more_bytes_than_the_bound_are_an_error),
	    cmocka_unit_test(more_values_than_the_bound_are_an_error),
	    cmocka_unit_test(no_document_is_begun_after_the_deadline),
	    cmocka_unit_test(what_could_be_read_is_there_to_be_looked_through),
	    cmocka_unit_test(one_id_in_two_files_is_an_error),
	    cmocka_unit_test(utf16_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
