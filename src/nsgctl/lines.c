/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nsgctl/lines.h"

int nsgctl_lines_begin(struct nsgctl_lines *l, FILE *in, size_t cap)
{
	char *line = malloc(cap + 1);

	if (!line)
		return -ENOMEM;
	*l = (struct nsgctl_lines){.in = in, .cap = cap, .line = line};
	return 0;
}

bool nsgctl_lines_next(struct nsgctl_lines *l)
{
	int c;

	l->n = 0;
	while ((c = getc_unlocked(l->in)) != EOF && c != '\n')
		if (l->n <= l->cap)
			l->line[l->n++] = (char)c;
	if (c == EOF && !l->n)
		return false;
	if (!l->began && l->n >= 3 && memcmp(l->line, "\xef\xbb\xbf", 3) == 0) {
		l->n -= 3;
		memmove(l->line, l->line + 3, l->n);
	}
	l->began = true;
	return true;
}

void nsgctl_lines_done(struct nsgctl_lines *l)
{
	free(l->line);
	*l = (struct nsgctl_lines){0};
}
