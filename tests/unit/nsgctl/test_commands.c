/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The man page and the completion know every verb and option that the tables have, and no other. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nsgctl/nsgctl.h"

static char *man, *man_conf, *completion, *conf;

static char *read_all(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (!in || !text)
		return NULL;
	if (!fread(text, 1, (1 << 20) - 1, in))
		text[0] = '\0';
	(void)fclose(in);
	return text;
}

static char *completion_of(const char *shell)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(nsgctl_completion_put(shell, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static int read_files(void **state)
{
	(void)state;
	man = read_all(NSG_SOURCE "/man/nsgctl.1");
	man_conf = read_all(NSG_SOURCE "/man/nsgd.conf.5");
	completion = completion_of("bash");
	conf = read_all(NSG_SOURCE "/src/conf/conf.c");
	return man && man_conf && completion && conf ? 0 : -1;
}

static int free_files(void **state)
{
	(void)state;
	free(man);
	free(man_conf);
	free(completion);
	free(conf);
	return 0;
}

/* Whether the word stands in the text, not as a part of a longer one. */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
		char before = at == text ? ' ' : at[-1];
		char after = at[n];

		if (!isalnum((unsigned char)before) && before != '-' &&
		    !isalnum((unsigned char)after) && after != '-')
			return true;
	}
	return false;
}

/* In mdoc a long option is "Fl -name", a short one "Fl x". */
static void assert_documented(const struct nsgctl_option *o, const char *where)
{
	char word[64];

	if (o->name) {
		(void)snprintf(word, sizeof(word), "Fl -%s", o->name);
		if (!strstr(man, word))
			fail_msg("nsgctl(1) lacks --%s of %s", o->name, where);
		(void)snprintf(word, sizeof(word), "--%s", o->name);
		if (!has_word(completion, word))
			fail_msg("the completion lacks --%s of %s", o->name, where);
	}
	if (o->letter) {
		(void)snprintf(word, sizeof(word), "Fl %c", o->letter);
		if (!has_word(man, word))
			fail_msg("nsgctl(1) lacks -%c of %s", o->letter, where);
		(void)snprintf(word, sizeof(word), "-%c", o->letter);
		if (!has_word(completion, word))
			fail_msg("the completion lacks -%c of %s", o->letter, where);
	}
}

static void man_page_and_completion_name_everything(void **state)
{
	(void)state;
	for (const struct nsgctl_option *o = nsgctl_options; o->help; o++)
		assert_documented(o, "all verbs");
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		char word[64];

		(void)snprintf(word, sizeof(word), "Cm %s", v->name);
		if (!has_word(man, word))
			fail_msg("nsgctl(1) lacks the verb %s", v->name);
		if (!has_word(completion, v->name))
			fail_msg("the completion lacks the verb %s", v->name);
		for (const struct nsgctl_option *o = v->options; o && o->help; o++)
			assert_documented(o, v->name);
	}
}

static bool is_option(const char *name)
{
	for (const struct nsgctl_option *o = nsgctl_options; o->help; o++)
		if (o->name && strcmp(o->name, name) == 0)
			return true;
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++)
		for (const struct nsgctl_option *o = v->options; o && o->help; o++)
			if (o->name && strcmp(o->name, name) == 0)
				return true;
	return false;
}

/* Every word that begins with `mark` names an option. */
static void assert_all_known(const char *text, const char *mark, const char *what)
{
	for (const char *at = strstr(text, mark); at; at = strstr(at + 1, mark)) {
		const char *begin = at + strlen(mark);
		size_t n = 0;
		char name[64];

		while (isalnum((unsigned char)begin[n]) || begin[n] == '-')
			n++;
		if (!n)
			continue; /* a bare "--" */
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, begin);
		if (!is_option(name))
			fail_msg("%s has --%s, which nsgctl does not know", what, name);
	}
}

/* On the lines .Dl of EXAMPLES, in whatever place the options leave. */
static void man_page_has_an_example_of_every_verb(void **state)
{
	const char *examples = strstr(man, ".Sh EXAMPLES");

	(void)state;
	assert_non_null(examples);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		bool found = false;

		for (const char *line = examples; *line && !found;
		     line += strcspn(line, "\n") + 1) {
			char text[256];

			(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
			found = strncmp(text, ".Dl ", 4) == 0 && strstr(text, "nsgctl ") &&
				has_word(text, v->name);
		}
		if (!found)
			fail_msg("EXAMPLES of nsgctl(1) lack %s", v->name);
	}
}

static void man_page_and_completion_name_nothing_else(void **state)
{
	(void)state;
	assert_all_known(man, "Fl -", "nsgctl(1)");
	assert_all_known(completion, "--", "the completion");
}

/* The table of src/conf/conf.c has a row {"section", "key", a key; an asterisk is its restart. */
static void nsgd_conf_5_has_every_key(void **state)
{
	size_t n = 0;

	(void)state;
	for (const char *at = strstr(conf, "{\""); at; at = strstr(at + 1, "{\"")) {
		char section[32], key[32], word[64], row[256];

		if (sscanf(at, "{\"%31[a-z-]\", \"%31[a-z0-9-]\"", section, key) != 2)
			continue;
		(void)snprintf(row, sizeof(row), "%.*s", (int)strcspn(at, "}"), at);
		(void)snprintf(word, sizeof(word), "It Va %s%s\n", key,
			       strstr(row, ".restart = true") || strstr(row, "true, true") ? " No *"
											   : "");
		if (!strstr(man_conf, word))
			fail_msg("nsgd.conf(5) lacks [%s] %s, or its asterisk", section, key);
		(void)snprintf(word, sizeof(word), ".Ss Section %s\n", section);
		assert_non_null(strstr(man_conf, word));
		n++;
	}
	assert_true(n > 20);
}

static void tables_are_whole(void **state)
{
	(void)state;
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		assert_non_null(v->run);
		assert_non_null(v->operands);
		assert_non_null(v->help);
		assert_int_not_equal(v->works, 0);
		assert_true(v->max_operands <= NSGCTL_MAX_OPERANDS);
		assert_true(v->min_operands <= v->max_operands);
		assert_int_equal(v->max_operands != 0, *v->operands != '\0');
		for (const struct nsgctl_verb *w = v + 1; w->name; w++)
			assert_string_not_equal(v->name, w->name);
	}
}

static void help_names_every_verb_and_option(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	nsgctl_help(NULL, out);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++)
		nsgctl_help(v, out);
	assert_int_equal(fclose(out), 0);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++)
		assert_true(has_word(text, v->name));
	for (const struct nsgctl_option *o = nsgctl_options; o->help; o++)
		assert_non_null(strstr(text, o->help));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 110);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables_are_whole),
	    cmocka_unit_test(help_names_every_verb_and_option),
	    cmocka_unit_test(man_page_and_completion_name_everything),
	    cmocka_unit_test(man_page_has_an_example_of_every_verb),
	    cmocka_unit_test(man_page_and_completion_name_nothing_else),
	    cmocka_unit_test(nsgd_conf_5_has_every_key),
	};

	return cmocka_run_group_tests(tests, read_files, free_files);
}
