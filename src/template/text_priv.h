/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing text. Zero-initialise it, and free it with nsg_text_done. Every byte added is paid for.
 * A character is a Unicode code point.
 */
#ifndef NSG_TEMPLATE_TEXT_PRIV_H
#define NSG_TEMPLATE_TEXT_PRIV_H

#include <stdlib.h>

#include "template/eval_priv.h"

struct nsg_text {
	char *v;
	size_t n, room;
};

#define cleanup_text __attribute__((cleanup(nsg_text_done)))

static inline void nsg_text_done(struct nsg_text *t)
{
	free(t->v);
}

/* The text so far. */
static inline const char *nsg_text_get(const struct nsg_text *t)
{
	return t->v ? t->v : "";
}

int nsg_text_add(struct nsg_eval *ev, struct nsg_text *t, const char *s);
int nsg_text_add_bytes(struct nsg_eval *ev, struct nsg_text *t, const char *s, size_t n);
int nsg_text_add_format(struct nsg_eval *ev, struct nsg_text *t, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The value as string() converts it. */
int nsg_text_add_value(struct nsg_eval *ev, struct nsg_text *t, json_t *value);
int nsg_text_give(const struct nsg_text *t, json_t **ret);

int64_t nsg_text_characters(const char *s);
/* The number of bytes of the first `characters` characters, or of all if there are fewer. */
size_t nsg_text_prefix(const char *s, int64_t characters);

#endif
