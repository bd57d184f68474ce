/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "azure/commands.h"
#include "explain/explain.h"
#include "explain/render.h"
#include "explain/table.h"
#include "lint/lint.h"
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"
#include "util/text.h"

static int print_records(const struct nsgctl *ctl, const struct nsg_diag *diag)
{
	cleanup_json json_t *records = json_array();

	for (size_t i = 0; i < diag->n; i++)
		if (json_array_append_new(records, nsg_diag_json(&diag->v[i])) < 0)
			return nsgctl_out_of_memory();
	if (ctl->form == NSGCTL_JSON)
		return nsgctl_print(ctl, "check", records);
	for (size_t i = 0; i < json_array_size(records); i++)
		if (nsgctl_print_line(json_array_get(records, i)) < 0)
			return nsgctl_out_of_memory();
	return 0;
}

static void print_name(const char *what, const char *name)
{
	fputs(what, stdout);
	nsg_text(stdout, name, 0);
}

static void print_summary(const char *directory, const struct nsg_diag *diag,
			  const struct nsg_effective *e, bool valid)
{
	size_t warnings = diag->n_warnings + diag->n_lint_warnings;

	printf("%s: %s: %zu error%s, %zu warning%s\n", directory, valid ? "valid" : "not valid",
	       diag->n_errors, nsg_text_plural(diag->n_errors), warnings,
	       nsg_text_plural(warnings));
	if (!e)
		return;
	print_name("virtual network ", e->vnet->name);
	print_name(", subnet ", e->subnet->name);
	print_name(e->nsg ? ", NSG " : ", no NSG", e->nsg ? e->nsg->name : "");
	print_name(e->route_table ? ", route table " : ", no route table",
		   e->route_table ? e->route_table->name : "");
	printf(", route-all %s, profile %s, %s\n", e->route_all ? "on" : "off", e->profile->name,
	       e->is_linux ? "linux" : "windows");
}

static int print_policy(const struct nsgctl *ctl, const struct nsg_snapshot *s)
{
	cleanup_json json_t *policy = nsg_explain_policy(s->effective, s->image);

	if (!policy)
		return nsgctl_out_of_memory();
	nsg_render("check", policy, &ctl->term, stdout);
	return 0;
}

static void print_commands(void)
{
	puts("\nTo fill the directory, edit the first of these lines and run all of them in the "
	     "directory,\nin a shell that is logged in (az login):\n");
	for (const char *const *command = nsg_commands; *command; command++)
		puts(*command);
	puts("\nTo add the routes that a gateway has learned, also run:\n\n"
	     "az network vnet-gateway list-learned-routes -g GROUP -n GATEWAY > learned.json\n");
}

static int print_counts(const struct nsg_load_counts *counts)
{
	cleanup_free char *line = nsg_load_counts_text(counts);

	if (!line)
		return nsgctl_out_of_memory();
	if (counts->no_vnet)
		print_commands();
	puts(line);
	return 0;
}

int nsgctl_check(struct nsgctl *ctl)
{
	const char *directory = ctl->n_operands ? ctl->operands[0] : ctl->policy;
	struct nsg_load_counts counts = {.n_read = {0}};
	struct nsg_snapshot *snapshot = NULL;
	struct nsg_diag diag = {0};
	/* Text even in a pipe, like the messages of a compiler. */
	bool text = !ctl->output || ctl->form == NSGCTL_TABLE;
	int status, printed = 0;

	if (ctl->n_operands && ctl->policy)
		return nsgctl_fail(NSG_EXIT_USAGE, "check takes one directory: -p %s or %s",
				   ctl->policy, directory);
	if (!directory)
		directory = NSG_SYSCONFDIR "/policy";

	status = nsgctl_load(ctl, directory, &counts, &diag, &snapshot);
	if (!status && nsg_lint(snapshot->effective, &diag) < 0)
		status = nsgctl_out_of_memory();
	if (!status && ctl->strict && diag.n_warnings + diag.n_lint_warnings)
		status = NSG_EXIT_POLICY;

	if (text) {
		nsgctl_print_diag(&diag, stdout);
		print_summary(directory, &diag, snapshot ? snapshot->effective : NULL, !status);
	} else {
		printed = print_records(ctl, &diag);
	}
	if (!printed && text && ctl->verbose && snapshot)
		printed = print_policy(ctl, snapshot);
	if (!printed && text)
		printed = print_counts(&counts);
	nsg_snapshot_free(snapshot);
	nsg_diag_done(&diag);
	return printed ? printed : status;
}
