/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a stream, with a cap on their length. */
#ifndef NSG_NSGCTL_LINES_H
#define NSG_NSGCTL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct nsgctl_lines {
	FILE *in;
	size_t cap;
	char *line; /* cap + 1 bytes */
	size_t n;
	bool began;
};

/* -ENOMEM. */
int nsgctl_lines_begin(struct nsgctl_lines *l, FILE *in, size_t cap);
/* Whether there is a line: l->line, l->n bytes without the newline. A line longer than the cap is
 * cut after cap + 1 bytes. A UTF-8 byte order mark at the beginning of the stream is dropped. */
bool nsgctl_lines_next(struct nsgctl_lines *l);
void nsgctl_lines_done(struct nsgctl_lines *l);

#endif
