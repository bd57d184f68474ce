/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completions of shells, from the tables of verbs and options. What an argument can be follows from
 * its name there: DIR is a directory; FILE, PATH, TEMPLATE and OUT are files; NAME of --instance is a
 * socket in the control directory; other words only if the table has their values.
 */
#include <string.h>

#include "nsgctl/nsgctl.h"
#include "util/macro.h"

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_ANY,
	ARGUMENT_FILE,
	ARGUMENT_DIRECTORY,
	ARGUMENT_INSTANCE,
	ARGUMENT_VERB,
	ARGUMENT_VALUES,
};

static enum argument argument_of(const char *name)
{
	static const struct {
		const char *prefix;
		enum argument argument;
	} kinds[] = {
	    {"DIR", ARGUMENT_DIRECTORY}, {"FILE", ARGUMENT_FILE}, {"TEMPLATE", ARGUMENT_FILE},
	    {"PATH", ARGUMENT_FILE},	 {"OUT", ARGUMENT_FILE},  {"VERB", ARGUMENT_VERB},
	};

	name += *name == '[';
	for (size_t i = 0; i < NSG_ARRAY_SIZE(kinds); i++)
		if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].argument;
	return ARGUMENT_ANY;
}

static enum argument option_argument(const struct nsgctl_option *o)
{
	if (!o->argument)
		return ARGUMENT_NONE;
	if (o->values)
		return ARGUMENT_VALUES;
	return o->letter == 'i' ? ARGUMENT_INSTANCE : argument_of(o->argument);
}

static enum argument operand_argument(const struct nsgctl_verb *v, const char **ret_values)
{
	*ret_values = strchr(v->operands, '|') ? v->operands : NULL;
	if (!*v->operands)
		return ARGUMENT_NONE;
	return *ret_values ? ARGUMENT_VALUES : argument_of(v->operands);
}

/* "a|b" as "a b". */
static void put_values(const char *values, FILE *out)
{
	for (; *values; values++)
		fputc(*values == '|' ? ' ' : *values, out);
}

static void put_verbs(FILE *out)
{
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++)
		fprintf(out, "%s%s", v == nsgctl_verbs ? "" : " ", v->name);
}

/* Text in single quotes of a shell, with `escaped` for each of them in it. */
static void put_quoted(const char *text, const char *escaped, FILE *out)
{
	fputc('\'', out);
	for (; *text; text++)
		if (*text == '\'')
			fputs(escaped, out);
		else
			fputc(*text, out);
	fputc('\'', out);
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void put_bash_names(const struct nsgctl_option *options, FILE *out)
{
	for (const struct nsgctl_option *o = options; o && o->help; o++) {
		if (o->letter)
			fprintf(out, " -%c", o->letter);
		if (o->name)
			fprintf(out, " --%s", o->name);
	}
}

static void put_bash_argument(enum argument argument, const char *values, FILE *out)
{
	switch (argument) {
	case ARGUMENT_FILE:
		fputs("_nsgctl_words -f", out);
		break;
	case ARGUMENT_DIRECTORY:
		fputs("_nsgctl_words -d", out);
		break;
	case ARGUMENT_INSTANCE:
		fputs("_nsgctl_words -W \"$(_nsgctl_instances)\"", out);
		break;
	case ARGUMENT_VERB:
		fputs("_nsgctl_words -W \"$verbs\"", out);
		break;
	case ARGUMENT_VALUES:
		fputs("_nsgctl_words -W \"", out);
		put_values(values, out);
		fputc('"', out);
		break;
	case ARGUMENT_NONE:
	case ARGUMENT_ANY:
		fputc(':', out);
	}
}

/* Arms of a case over "VERB OPTION": those of verbs come first. */
static void put_bash_arms(const char *verb, const struct nsgctl_option *options, FILE *out)
{
	for (const struct nsgctl_option *o = options; o && o->help; o++) {
		enum argument argument = option_argument(o);

		if (argument == ARGUMENT_NONE)
			continue;
		fputs("\t", out);
		if (o->letter)
			fprintf(out, "%s\" -%c\"", verb, o->letter);
		if (o->name)
			fprintf(out, "%s%s\" --%s\"", o->letter ? " | " : "", verb, o->name);
		fputs(") ", out);
		put_bash_argument(argument, o->values, out);
		fputs("; return ;;\n", out);
	}
}

static void put_bash(FILE *out)
{
	fputs("# bash completion for nsgctl, written by: nsgctl completion bash\n\n"
	      "_nsgctl_words()\n{\n"
	      "\tmapfile -t COMPREPLY < <(compgen \"$@\" -- \"$cur\")\n}\n\n"
	      "_nsgctl_instances()\n{\n\tlocal i\n"
	      "\tfor i in " NSG_CONTROL_DIRECTORY "/*.sock; do\n"
	      "\t\t[[ -S $i ]] && basename \"$i\" .sock\n\tdone\n}\n\n"
	      "_nsgctl()\n{\n\tlocal cur prev words cword verb='' own='' i\n"
	      "\t_init_completion -n =: 2>/dev/null || {\n"
	      "\t\tcur=${COMP_WORDS[COMP_CWORD]}\n\t\tprev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\t\twords=(\"${COMP_WORDS[@]}\")\n\t\tcword=$COMP_CWORD\n\t}\n\tlocal verbs=\"",
	      out);
	put_verbs(out);
	fputs("\"\n\tlocal global=\"", out);
	put_bash_names(nsgctl_options, out);
	fputs("\"\n\n\tfor ((i = 1; i < cword; i++)); do\n\t\tcase \" $verbs \" in\n"
	      "\t\t*\" ${words[i]} \"*) verb=${words[i]}; break ;;\n\t\tesac\n\tdone\n"
	      "\tcase \"$verb $prev\" in\n",
	      out);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++)
		put_bash_arms(v->name, v->options, out);
	put_bash_arms("*", nsgctl_options, out);
	fputs("\tesac\n\tcase $verb in\n", out);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		const char *values;
		enum argument argument = operand_argument(v, &values);

		fprintf(out, "\t%s)\n\t\town=\"", v->name);
		put_bash_names(v->options, out);
		fputs("\"\n", out);
		if (argument != ARGUMENT_NONE) {
			fputs("\t\t[[ $cur == -* ]] || { ", out);
			put_bash_argument(argument, values, out);
			fputs("; return; }\n", out);
		}
		fputs("\t\t;;\n", out);
	}
	fputs("\t'') [[ $cur == -* ]] || own=$verbs ;;\n\tesac\n"
	      "\t[[ $cur != -* && -z $verb ]] || own=\"$own $global\"\n"
	      "\t_nsgctl_words -W \"$own\"\n}\n\n"
	      "complete -o filenames -F _nsgctl nsgctl\n",
	      out);
}

/* ---- zsh ------------------------------------------------------------------------------------ */

static void put_zsh_action(enum argument argument, const char *values, FILE *out)
{
	switch (argument) {
	case ARGUMENT_FILE:
		fputs("_files", out);
		break;
	case ARGUMENT_DIRECTORY:
		fputs("_files -/", out);
		break;
	case ARGUMENT_INSTANCE:
		fputs("(" NSG_CONTROL_DIRECTORY "/*.sock(N:t:r))", out);
		break;
	case ARGUMENT_VERB:
		fputc('(', out);
		put_verbs(out);
		fputc(')', out);
		break;
	case ARGUMENT_VALUES:
		fputc('(', out);
		put_values(values, out);
		fputc(')', out);
		break;
	case ARGUMENT_NONE:
	case ARGUMENT_ANY:
		fputc(' ', out);
	}
}

/* _arguments ends a description at "]" and an option's part at ":". */
static void put_zsh_help(const char *help, FILE *out)
{
	for (; *help; help++) {
		if (strchr("[]:\\", *help))
			fputc('\\', out);
		fputs(*help == '\'' ? "'\\''" : (char[]){*help, '\0'}, out);
	}
}

static void put_zsh_option(const struct nsgctl_option *o, const char *name, FILE *out)
{
	fprintf(out, "\t\t'%s[", name);
	put_zsh_help(o->help, out);
	fputc(']', out);
	if (o->argument) {
		fprintf(out, ":%s:", o->name ? o->name : "argument");
		put_zsh_action(option_argument(o), o->values, out);
	}
	fputs("'\n", out);
}

static void put_zsh_options(const struct nsgctl_option *options, FILE *out)
{
	for (const struct nsgctl_option *o = options; o && o->help; o++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "-%c", o->letter);
		if (o->letter)
			put_zsh_option(o, name, out);
		(void)snprintf(name, sizeof(name), "--%s%s", o->name, o->argument ? "=" : "");
		if (o->name)
			put_zsh_option(o, name, out);
	}
}

static void put_zsh(FILE *out)
{
	fputs("#compdef nsgctl\n# zsh completion for nsgctl, written by: nsgctl completion zsh\n\n"
	      "_nsgctl()\n{\n\tlocal -a global own verbs\n\tlocal verb w\n\tverbs=(\n",
	      out);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		fprintf(out, "\t\t'%s:", v->name);
		put_zsh_help(v->help, out);
		fputs("'\n", out);
	}
	fputs("\t)\n\tglobal=(\n", out);
	put_zsh_options(nsgctl_options, out);
	fputs("\t)\n\tfor w in ${words[2,CURRENT-1]}; do\n"
	      "\t\t(( ${verbs[(I)$w:*]} )) && { verb=$w; break; }\n\tdone\n\tcase $verb in\n",
	      out);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		const char *values;
		enum argument argument = operand_argument(v, &values);

		fprintf(out, "\t%s) own=(\n", v->name);
		put_zsh_options(v->options, out);
		if (argument != ARGUMENT_NONE) {
			fputs("\t\t'2:argument:", out);
			put_zsh_action(argument, values, out);
			fputs("'\n", out);
		}
		fputs("\t\t) ;;\n", out);
	}
	fputs("\tesac\n\tif [[ -n $verb ]]; then\n"
	      "\t\t_arguments -S '1: :( )' $own $global\n\telse\n"
	      "\t\t_arguments -S $global '1:verb:{_describe verb verbs}'\n\tfi\n}\n\n"
	      "_nsgctl \"$@\"\n",
	      out);
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void put_fish_argument(enum argument argument, const char *values, FILE *out)
{
	switch (argument) {
	case ARGUMENT_FILE:
		fputs(" -rF", out);
		break;
	case ARGUMENT_DIRECTORY:
		fputs(" -xa '(__fish_complete_directories)'", out);
		break;
	case ARGUMENT_INSTANCE:
		fputs(" -xa '(path basename -E " NSG_CONTROL_DIRECTORY "/*.sock)'", out);
		break;
	case ARGUMENT_VERB:
		fputs(" -xa '", out);
		put_verbs(out);
		fputc('\'', out);
		break;
	case ARGUMENT_VALUES:
		fputs(" -xa '", out);
		put_values(values, out);
		fputc('\'', out);
		break;
	case ARGUMENT_ANY:
		fputs(" -x", out);
		break;
	case ARGUMENT_NONE:
		break;
	}
}

static void put_fish_options(const char *condition, const struct nsgctl_option *options, FILE *out)
{
	for (const struct nsgctl_option *o = options; o && o->help; o++) {
		fprintf(out, "complete -c nsgctl%s", condition);
		if (o->letter)
			fprintf(out, " -s %c", o->letter);
		if (o->name)
			fprintf(out, " -l %s", o->name);
		put_fish_argument(option_argument(o), o->values, out);
		fputs(" -d ", out);
		put_quoted(o->help, "\\'", out);
		fputc('\n', out);
	}
}

static void put_fish(FILE *out)
{
	fputs("# fish completion for nsgctl, written by: nsgctl completion fish\n\n"
	      "complete -c nsgctl -f\n",
	      out);
	put_fish_options("", nsgctl_options, out);
	for (const struct nsgctl_verb *v = nsgctl_verbs; v->name; v++) {
		char condition[96];
		const char *values;
		enum argument argument = operand_argument(v, &values);

		fprintf(out, "complete -c nsgctl -n __fish_use_subcommand -a %s -d ", v->name);
		put_quoted(v->help, "\\'", out);
		fputc('\n', out);
		(void)snprintf(condition, sizeof(condition), " -n '__fish_seen_subcommand_from %s'",
			       v->name);
		put_fish_options(condition, v->options, out);
		if (argument == ARGUMENT_NONE)
			continue;
		fprintf(out, "complete -c nsgctl%s%s", condition,
			argument == ARGUMENT_FILE ? " -F" : "");
		if (argument != ARGUMENT_FILE)
			put_fish_argument(argument, values, out);
		fputc('\n', out);
	}
}

static const struct {
	const char *shell;
	void (*put)(FILE *out);
} shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

int nsgctl_completion_put(const char *shell, FILE *out)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(shells); i++) {
		if (strcmp(shells[i].shell, shell) == 0) {
			shells[i].put(out);
			return 0;
		}
	}
	return -ENOENT;
}

int nsgctl_completion(struct nsgctl *ctl)
{
	if (nsgctl_completion_put(ctl->operands[0], stdout) < 0)
		return nsgctl_fail(NSG_EXIT_USAGE, "completion: \"%s\" is not bash, zsh or fish",
				   ctl->operands[0]);
	return NSG_EXIT_DONE;
}
