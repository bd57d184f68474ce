/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nsgctl/nsgctl.h"

#define MAX_WORDS 16

struct parsed {
	char words[256];
	int status;
	struct nsgctl ctl;
	char *said;
};

/* A command line of words with single blanks between; free said. */
static struct parsed *parse(const char *line)
{
	static struct parsed p;
	char *argv[MAX_WORDS + 1];
	int argc = 0;
	size_t size;
	FILE *err;

	free(p.said);
	p = (struct parsed){0};
	err = open_memstream(&p.said, &size);
	(void)snprintf(p.words, sizeof(p.words), "nsgctl %s", line);
	for (char *w = strtok(p.words, " "); w && argc < MAX_WORDS; w = strtok(NULL, " "))
		argv[argc++] = w;
	p.status = nsgctl_parse(argc, argv, &p.ctl, err);
	assert_int_equal(fclose(err), 0);
	return &p;
}

static void options_stand_before_and_after_the_verb(void **state)
{
	static const char *const lines[] = {
	    "-p dir --profile current explain --protocol tcp -o jsonl -v",
	    "explain --protocol=tcp --profile=current -vp dir -ojsonl",
	    "--output=jsonl --policy=dir explain -v --profile current --protocol tcp",
	    "explain -v -p nothing --policy dir --profile current --protocol tcp --output jsonl",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct parsed *p = parse(lines[i]);

		assert_int_equal(p->status, 0);
		assert_string_equal(p->ctl.verb->name, "explain");
		assert_string_equal(p->ctl.policy, "dir");
		assert_string_equal(p->ctl.profile, "current");
		assert_string_equal(p->ctl.protocol, "tcp");
		assert_int_equal(p->ctl.form, NSGCTL_JSONL);
		assert_true(p->ctl.verbose);
	}
}

static void operands_are_what_is_left(void **state)
{
	struct parsed *p = parse("check dir");

	(void)state;
	assert_int_equal(p->status, 0);
	assert_int_equal(p->ctl.n_operands, 1);
	assert_string_equal(p->ctl.operands[0], "dir");
	p = parse("check -- -odd");
	assert_int_equal(p->status, 0);
	assert_string_equal(p->ctl.operands[0], "-odd");
	p = parse("explain --batch -");
	assert_string_equal(p->ctl.batch, "-");
}

static void a_verbs_own_option_goes_before_the_global_one(void **state)
{
	struct parsed *p = parse("flatten t.json -o dir --output json");

	(void)state;
	assert_int_equal(p->status, 0);
	assert_string_equal(p->ctl.directory, "dir");
	assert_int_equal(p->ctl.form, NSGCTL_JSON);
	p = parse("explain -o azure");
	assert_int_equal(p->status, 0);
	assert_string_equal(p->ctl.output, "azure");
	p = parse("-o azure explain");
	assert_int_equal(p->status, 0);
	p = parse("--output=azure status");
	assert_int_equal(p->status, NSG_EXIT_USAGE);
	p = parse("status -o azure");
	assert_int_equal(p->status, NSG_EXIT_USAGE);
}

static void what_cannot_be_is_said_and_is_a_usage_error(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
	    {"", "Usage:"},
	    {"-v", "Usage:"},
	    {"chekc", "did you mean check?"},
	    {"explian", "did you mean explain?"},
	    {"frobnicate", "unknown verb frobnicate\n"},
	    {"check --stric", "did you mean --strict?"},
	    {"explain --protcol tcp", "did you mean --protocol?"},
	    {"check --xyzzy", "unknown option --xyzzy\n"},
	    {"check -x", "unknown option -x"},
	    {"check --strict=yes", "takes no value"},
	    {"check -p", "-p requires DIR"},
	    {"check --profile", "--profile requires NAME"},
	    {"--profile 2021 check", "--profile must be 2020-04|current, not \"2021\""},
	    {"--route-all 1 check", "must be on|off"},
	    {"-o yaml check", "must be table|json|jsonl"},
	    {"check a b", "unexpected argument \"b\""},
	    {"status now", "unexpected argument"},
	    {"flatten", "requires TEMPLATE"},
	    {"status -p dir", "cannot be used with -p"},
	    {"explain --profile current", "-p DIR"},
	    {"explain --strict", "-p DIR"},
	    {"check -i nsgd", "not queried here"},
	    {"explain -p dir -s sock", "not queried here"},
	    {"status -i a -s b", "cannot be used together"},
	    {"status -i ../x", "not a valid instance name"},
	    {"status -i sixteen-letters-", "not a valid instance name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed *p = parse(cases[i].line);

		if (p->status != NSG_EXIT_USAGE || !strstr(p->said, cases[i].part))
			fail_msg("\"%s\": status %d: %s", cases[i].line, p->status, p->said);
	}
}

static void help_and_version_need_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(parse("-h")->status, 0);
	assert_int_equal(parse("-V")->status, 0);
	assert_int_equal(parse("flatten -h")->status, 0);
	assert_int_equal(parse("status -p dir --help")->status, 0);
	assert_true(parse("status --help")->ctl.help);
	assert_true(parse("--version")->ctl.version);
}

static void shaping_options_are_for_directories(void **state)
{
	(void)state;
	assert_int_equal(parse("-p dir explain --strict --subnet s --parameters f")->status, 0);
	assert_int_equal(parse("check --strict --subnet s --route-all on --platform linux")->status,
			 0);
	assert_int_equal(parse("reload")->status, 0);
}

static void elsewhere_than_on_a_terminal_output_is_json(void **state)
{
	struct parsed *p = parse("status");

	(void)state;
	assert_int_equal(p->ctl.form, NSGCTL_JSON);
	assert_false(p->ctl.color);
	assert_int_equal(parse("-o table status")->ctl.form, NSGCTL_TABLE);
}

static void closest_word_is_near_or_none(void **state)
{
	static const char *const words[] = {"check", "explain", "status", "stats"};
	char huge[300];

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_string_equal(nsgctl_closest("chekc", words, 4), "check");
	assert_string_equal(nsgctl_closest("statu", words, 4), "status");
	assert_string_equal(nsgctl_closest("stat", words, 4), "stats");
	assert_null(nsgctl_closest("zzzz", words, 4));
	assert_null(nsgctl_closest(huge, words, 4));
	assert_null(nsgctl_closest("check", words, 0));
	free(parse("-h")->said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_stand_before_and_after_the_verb),
	    cmocka_unit_test(operands_are_what_is_left),
	    cmocka_unit_test(a_verbs_own_option_goes_before_the_global_one),
	    cmocka_unit_test(what_cannot_be_is_said_and_is_a_usage_error),
	    cmocka_unit_test(help_and_version_need_nothing_else),
	    cmocka_unit_test(shaping_options_are_for_directories),
	    cmocka_unit_test(elsewhere_than_on_a_terminal_output_is_json),
	    cmocka_unit_test(closest_word_is_near_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
