/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/phrase.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room that is kept for "and N more". */
#define TAIL 40

void nsg_phrase_add(struct nsg_phrase_list *l, const char *format, ...)
{
	char item[160];
	size_t size;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(item, sizeof(item), format, args);
	va_end(args);
	size = strlen(item);
	if (l->n_left || l->length + size + 2 + TAIL > sizeof(l->text)) {
		l->n_left++;
		return;
	}
	if (l->n++) {
		memcpy(l->text + l->length, ", ", 2);
		l->length += 2;
	}
	memcpy(l->text + l->length, item, size + 1);
	l->length += size;
}

const char *nsg_phrase_end(struct nsg_phrase_list *l)
{
	if (l->n_left)
		(void)snprintf(l->text + l->length, sizeof(l->text) - l->length, " and %zu more",
			       l->n_left);
	return l->text;
}

bool nsg_text_loosely_equal(const char *a, const char *b)
{
	for (;;) {
		while (isspace((unsigned char)*a))
			a++;
		while (isspace((unsigned char)*b))
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}
