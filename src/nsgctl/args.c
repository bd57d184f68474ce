/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "nsgctl/nsgctl.h"
#include "util/limits.h"

/* Longer words are not corrected. */
#define MAX_WORD 64
/* A larger COLUMNS is not a terminal's. */
#define MAX_TERMINAL_COLUMNS 10000

int nsgctl_fail(int status, const char *format, ...)
{
	va_list args;

	fputs("nsgctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

int nsgctl_out_of_memory(void)
{
	return nsgctl_fail(NSG_EXIT_FAILED, "out of memory");
}

int nsgctl_number(const char *option, const char *text, unsigned long least, unsigned long most,
		  unsigned long *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < least || n > most)
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "--%s must be a number from %lu to %lu, not \"%s\"", option,
				   least, most, text);
	*ret = n;
	return 0;
}

/* ---- spelling ------------------------------------------------------------------------------- */

/* The number of letters to insert, delete, change, or swap with the next. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][MAX_WORD + 1];
	size_t n = strlen(b);

	if (strlen(a) > MAX_WORD || n > MAX_WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		rows[0][j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[strlen(a) % 3][n];
}

const char *nsgctl_closest(const char *s, const char *const *words, size_t n)
{
	const char *closest = NULL;
	size_t best = strlen(s) / 3 + 1; /* one letter may be wrong, and a third of them */

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(s, words[i]);

		if (d <= best && (!closest || d < best)) {
			best = d;
			closest = words[i];
		}
	}
	return closest;
}

/* ---- options -------------------------------------------------------------------------------- */

struct words {
	const char *v[64];
	size_t n;
};

static void add_names(const struct nsgctl_option *options, struct words *words)
{
	for (; options && options->help; options++)
		if (options->name && words->n < 64)
			words->v[words->n++] = options->name;
}

static const struct nsgctl_option *find_in(const struct nsgctl_option *options, const char *name,
					   size_t n)
{
	for (; options && options->help; options++)
		if (options->name && strlen(options->name) == n &&
		    strncmp(options->name, name, n) == 0)
			return options;
	return NULL;
}

static const struct nsgctl_option *find_letter_in(const struct nsgctl_option *options, char letter)
{
	for (; options && options->help; options++)
		if (options->letter == letter)
			return options;
	return NULL;
}

/* An option of the verb hides a global one of the same name. */
static const struct nsgctl_option *find_long(const struct nsgctl *ctl, const char *name, size_t n)
{
	const struct nsgctl_option *own = ctl->verb ? find_in(ctl->verb->options, name, n) : NULL;

	return own ? own : find_in(nsgctl_options, name, n);
}

static const struct nsgctl_option *find_letter(const struct nsgctl *ctl, char letter)
{
	const struct nsgctl_option *own =
	    ctl->verb ? find_letter_in(ctl->verb->options, letter) : NULL;

	return own ? own : find_letter_in(nsgctl_options, letter);
}

static bool is_one_of(const char *value, const char *values)
{
	size_t n = strlen(value);

	while (*values) {
		size_t length = strcspn(values, "|");

		if (n == length && strncmp(values, value, n) == 0)
			return true;
		values += length + (values[length] == '|');
	}
	return false;
}

static int set(struct nsgctl *ctl, const struct nsgctl_option *option, const char *value)
{
	char *field = (char *)ctl + option->offset;

	if (!option->argument) {
		*(bool *)field = true;
		return 0;
	}
	*(const char **)field = value;
	return 0;
}

/* Called when the verb is known, because its option may take more values than the global one of
 * the same name. */
static int check_values(const struct nsgctl *ctl, const struct nsgctl_option *options, FILE *err)
{
	for (; options && options->help; options++) {
		const char *value;
		const struct nsgctl_option *option;

		if (!options->argument || !options->name)
			continue;
		value = *(const char *const *)((const char *)ctl + options->offset);
		option = find_long(ctl, options->name, strlen(options->name));
		if (!value || !option->values || is_one_of(value, option->values))
			continue;
		fprintf(err, "nsgctl: --%s must be %s, not \"%s\"\n", option->name, option->values,
			value);
		return NSG_EXIT_USAGE;
	}
	return 0;
}

static int unknown_long(const struct nsgctl *ctl, const char *word, const char *name, FILE *err)
{
	struct words words = {0};
	const char *closest;

	if (ctl->verb)
		add_names(ctl->verb->options, &words);
	add_names(nsgctl_options, &words);
	closest = nsgctl_closest(name, words.v, words.n);
	fprintf(err, "nsgctl: unknown option %s", word);
	if (closest)
		fprintf(err, ": did you mean --%s?", closest);
	fprintf(err, "\nTry: nsgctl%s%s -h\n", ctl->verb ? " " : "",
		ctl->verb ? ctl->verb->name : "");
	return NSG_EXIT_USAGE;
}

static int no_argument(const char *word, const struct nsgctl_option *option, FILE *err)
{
	fprintf(err, "nsgctl: %s requires %s\n", word, option->argument);
	return NSG_EXIT_USAGE;
}

/* "--name", "--name=value", "--name value". Moves *at past it. */
static int take_long(struct nsgctl *ctl, int argc, char *const *argv, int *at, FILE *err)
{
	const char *word = argv[*at];
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
	const struct nsgctl_option *option = find_long(ctl, word + 2, n);
	char name[MAX_WORD];

	if (!option) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)(n < MAX_WORD ? n : MAX_WORD - 1),
			       word + 2);
		return unknown_long(ctl, word, name, err);
	}
	(*at)++;
	if (!option->argument) {
		if (!equals)
			return set(ctl, option, NULL);
		fprintf(err, "nsgctl: --%s takes no value\n", option->name);
		return NSG_EXIT_USAGE;
	}
	if (equals)
		return set(ctl, option, equals + 1);
	if (*at == argc)
		return no_argument(word, option, err);
	return set(ctl, option, argv[(*at)++]);
}

/* "-v", "-vh", "-oFORM", "-o FORM". */
static int take_letters(struct nsgctl *ctl, int argc, char *const *argv, int *at, FILE *err)
{
	const char *word = argv[(*at)++];

	for (const char *letter = word + 1; *letter; letter++) {
		const struct nsgctl_option *option = find_letter(ctl, *letter);
		int r;

		if (!option)
			return unknown_long(ctl, word, word + 1, err);
		if (option->argument) {
			if (letter[1])
				return set(ctl, option, letter + 1);
			if (*at == argc)
				return no_argument(word, option, err);
			return set(ctl, option, argv[(*at)++]);
		}
		r = set(ctl, option, NULL);
		if (r)
			return r;
	}
	return 0;
}

/* ---- verbs ---------------------------------------------------------------------------------- */

const struct nsgctl_verb *nsgctl_verb_find(const char *name, FILE *err)
{
	struct words words = {0};
	const char *closest;

	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		if (strcmp(v->name, name) == 0)
			return v;
		words.v[words.n++] = v->name;
	}
	closest = nsgctl_closest(name, words.v, words.n);
	fprintf(err, "nsgctl: unknown verb %s", name);
	if (closest)
		fprintf(err, ": did you mean %s?", closest);
	fputs("\nTry: nsgctl -h\n", err);
	return NULL;
}

static int take_verb(struct nsgctl *ctl, const char *word, FILE *err)
{
	ctl->verb = nsgctl_verb_find(word, err);
	return ctl->verb ? 0 : NSG_EXIT_USAGE;
}

static int take_operand(struct nsgctl *ctl, const char *word, FILE *err)
{
	if (ctl->n_operands == ctl->verb->max_operands) {
		fprintf(err, "nsgctl: %s: unexpected argument \"%s\"\nTry: nsgctl %s -h\n",
			ctl->verb->name, word, ctl->verb->name);
		return NSG_EXIT_USAGE;
	}
	ctl->operands[ctl->n_operands++] = word;
	return 0;
}

/* Options that affect how a directory is read do not apply to a daemon, which has its own. */
static int check_shaping(const struct nsgctl *ctl, FILE *err)
{
	const char *base = (const char *)ctl;

	if (ctl->policy || !(ctl->verb->works & NSGCTL_LIVE))
		return 0;
	for (const struct nsgctl_option *o = nsgctl_options; o->help; o++) {
		bool given = o->argument ? *(const char *const *)(base + o->offset) != NULL
					 : *(const bool *)(base + o->offset);

		if (!o->shapes_policy || !given)
			continue;
		fprintf(err, "nsgctl: --%s applies to a policy directory: use it with -p DIR\n",
			o->name);
		return NSG_EXIT_USAGE;
	}
	return 0;
}

static int check_works(const struct nsgctl *ctl, FILE *err)
{
	if (ctl->policy && ctl->verb->works == NSGCTL_LIVE) {
		fprintf(err, "nsgctl: %s queries a running nsgd and cannot be used with -p\n",
			ctl->verb->name);
		return NSG_EXIT_USAGE;
	}
	if ((ctl->socket || ctl->instance) && (ctl->verb->works == NSGCTL_OFFLINE || ctl->policy)) {
		fputs("nsgctl: -s and -i select a running nsgd, which is not queried here\n", err);
		return NSG_EXIT_USAGE;
	}
	if (ctl->socket && ctl->instance) {
		fputs("nsgctl: -s and -i cannot be used together\n", err);
		return NSG_EXIT_USAGE;
	}
	if (ctl->instance && (strlen(ctl->instance) > NSG_MAX_INSTANCE_LENGTH || !*ctl->instance ||
			      strchr(ctl->instance, '/'))) {
		fprintf(err, "nsgctl: \"%s\" is not a valid instance name\n", ctl->instance);
		return NSG_EXIT_USAGE;
	}
	return check_shaping(ctl, err);
}

/* COLUMNS wins over what the terminal says (environ(7)). */
static size_t columns_of(int fd)
{
	const char *text = getenv("COLUMNS");
	unsigned long columns = text ? strtoul(text, NULL, 10) : 0;
	struct winsize size;

	if (columns)
		return columns < MAX_TERMINAL_COLUMNS ? columns : MAX_TERMINAL_COLUMNS;
	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static bool is_colored(const struct nsgctl *ctl, bool terminal)
{
	const char *no_color = getenv("NO_COLOR"), *type = getenv("TERM");

	if (ctl->color && strcmp(ctl->color, "auto") != 0)
		return strcmp(ctl->color, "always") == 0;
	/* no-color.org: set and not empty */
	return terminal && !(no_color && *no_color) && type && strcmp(type, "dumb") != 0;
}

static void choose_form(struct nsgctl *ctl)
{
	bool terminal = isatty(STDOUT_FILENO);

	if (!ctl->output)
		ctl->form = terminal ? NSGCTL_TABLE : NSGCTL_JSON;
	else if (strcmp(ctl->output, "table") == 0)
		ctl->form = NSGCTL_TABLE;
	else
		ctl->form = strcmp(ctl->output, "jsonl") == 0 ? NSGCTL_JSONL : NSGCTL_JSON;
	ctl->term = (struct nsg_term){.color = is_colored(ctl, terminal),
				      .columns = columns_of(STDOUT_FILENO)};
}

int nsgctl_parse(int argc, char *const *argv, struct nsgctl *ret, FILE *err)
{
	struct nsgctl ctl = {0};
	bool operands_only = false;
	int r;

	for (int at = 1; at < argc;) {
		const char *word = argv[at];

		if (!operands_only && strcmp(word, "--") == 0) {
			operands_only = true;
			at++;
			continue;
		}
		if (operands_only || word[0] != '-' || !word[1]) {
			r = ctl.verb ? take_operand(&ctl, word, err) : take_verb(&ctl, word, err);
			at++;
		} else if (word[1] == '-') {
			r = take_long(&ctl, argc, argv, &at, err);
		} else {
			r = take_letters(&ctl, argc, argv, &at, err);
		}
		if (r)
			return r;
	}
	choose_form(&ctl);
	*ret = ctl;
	if (ctl.help || ctl.version)
		return 0;
	if (!ctl.verb) {
		nsgctl_help(NULL, err);
		return NSG_EXIT_USAGE;
	}
	r = check_values(&ctl, nsgctl_options, err);
	if (!r)
		r = check_values(&ctl, ctl.verb->options, err);
	if (r)
		return r;
	if (ctl.n_operands < ctl.verb->min_operands) {
		fprintf(err, "nsgctl: %s requires %s\n", ctl.verb->name, ctl.verb->operands);
		return NSG_EXIT_USAGE;
	}
	return check_works(&ctl, err);
}

/* ---- help ----------------------------------------------------------------------------------- */

static void put_option(const struct nsgctl_option *o, FILE *out)
{
	char letter[] = {'-', o->letter, '\0'};
	char words[96];

	(void)snprintf(words, sizeof(words), "%s%s%s%s%s%s", o->letter ? letter : "",
		       o->letter && o->name ? ", " : "", o->name ? "--" : "",
		       o->name ? o->name : "", o->argument ? " " : "",
		       o->argument ? o->argument : "");
	fprintf(out, "  %-32s %s\n", words, o->help);
}

/* Whether the verb, unless NULL, accepts the global option; see check_works(). */
static bool has_global(const struct nsgctl_verb *verb, const struct nsgctl_option *o)
{
	if (!verb)
		return true;
	if ((o->letter && find_letter_in(verb->options, o->letter)) ||
	    (o->name && find_in(verb->options, o->name, strlen(o->name))))
		return false;
	if (o->shapes_policy || o->offset == offsetof(struct nsgctl, policy))
		return verb->works != NSGCTL_LIVE;
	if (o->offset == offsetof(struct nsgctl, instance) ||
	    o->offset == offsetof(struct nsgctl, socket))
		return verb->works != NSGCTL_OFFLINE;
	return true;
}

static void put_global_options(const struct nsgctl_verb *verb, FILE *out)
{
	for (const struct nsgctl_option *o = nsgctl_options; o->help; o++)
		if (has_global(verb, o))
			put_option(o, out);
}

static void put_verbs(FILE *out)
{
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++)
		fprintf(out, "  %-18s %s\n", v->name, v->help);
}

void nsgctl_help(const struct nsgctl_verb *verb, FILE *out)
{
	static const char *const works[] = {
	    [NSGCTL_OFFLINE] = "Does not need a running nsgd.",
	    [NSGCTL_LIVE] = "Queries a running nsgd.",
	    [NSGCTL_BOTH] =
		"Reads a policy directory with -p DIR, otherwise queries a running nsgd.",
	};

	if (!verb) {
		fputs("Usage: nsgctl [OPTION]... VERB [ARGUMENT]...\n\n"
		      "Shows what an Azure App Service integration subnet does with packets, and "
		      "why.\n"
		      "\nVerbs (see nsgctl help VERB):\n",
		      out);
		put_verbs(out);
	} else {
		fprintf(out, "Usage: nsgctl %s%s%s%s\n\n%s.\n%s\n", verb->name,
			*verb->operands ? " " : "", verb->operands, " [OPTION]...", verb->help,
			works[verb->works]);
		if (verb->more)
			fprintf(out, "\n%s", verb->more);
		if (verb->options) {
			fputs("\nOptions:\n", out);
			for (const struct nsgctl_option *o = verb->options; o->help; o++)
				put_option(o, out);
		}
	}
	fputs("\nGlobal options:\n", out);
	put_global_options(verb, out);
	if (!verb)
		fputs(
		    "\nExit status: 0 success, 1 failure, 2 usage error, 3 errors in the policy, 4 "
		    "no daemon,\n5 permission denied. See nsgctl(1).\n",
		    out);
}

int nsgctl_help_verb(struct nsgctl *ctl)
{
	const struct nsgctl_verb *verb = NULL;

	if (ctl->n_operands) {
		verb = nsgctl_verb_find(ctl->operands[0], stderr);
		if (!verb)
			return NSG_EXIT_USAGE;
	}
	nsgctl_help(verb, stdout);
	return NSG_EXIT_DONE;
}
