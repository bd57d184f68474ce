/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/render.h"
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"
#include "util/json.h"

int nsgctl_print_line(const json_t *item)
{
	cleanup_free char *line = nsg_json_line(item);

	if (!line)
		return -ENOMEM;
	puts(line);
	return 0;
}

int nsgctl_print(const struct nsgctl *ctl, const char *verb, const json_t *item)
{
	if (ctl->form == NSGCTL_TABLE) {
		nsg_render(verb, item, &ctl->term, stdout);
		return 0;
	}
	if (ctl->form == NSGCTL_JSONL)
		return nsgctl_print_line(item) < 0 ? NSG_EXIT_FAILED : 0;
	if (json_dumpf(item, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) < 0)
		return NSG_EXIT_FAILED;
	putchar('\n');
	return 0;
}

void nsgctl_print_diag(const struct nsg_diag *diag, FILE *out)
{
	for (size_t i = 0; i < diag->n; i++) {
		nsg_diag_print(&diag->v[i], out);
		fputc('\n', out);
	}
	if (diag->n_dropped)
		fprintf(out, "and %zu more\n", diag->n_dropped);
}

void nsgctl_report_missed(unsigned long long n)
{
	fprintf(stderr,
		"nsgctl: %llu decision%s missed: they were made faster than they were read\n", n,
		n == 1 ? " was" : "s were");
}

int nsgctl_finish(int status)
{
	int failed = ferror(stdout);

	if (fflush(stdout) != 0)
		failed = errno;
	if (!failed)
		return status;
	return nsgctl_fail(status ? status : NSG_EXIT_FAILED, "cannot write: %s",
			   failed > 1 ? strerror(failed) : "output error");
}
