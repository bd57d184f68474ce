/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers for the texts of diagnostics. */
#ifndef NSG_MODEL_PHRASE_H
#define NSG_MODEL_PHRASE_H

#include <stdbool.h>
#include <stddef.h>

/* A list of names for a message: as many as fit, then the number of the others. */
struct nsg_phrase_list {
	char text[400];
	size_t length, n, n_left;
};

void nsg_phrase_add(struct nsg_phrase_list *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The text, ending in "and N more" if some did not fit. */
const char *nsg_phrase_end(struct nsg_phrase_list *l);

/* Names that differ only in case and blanks are equal ("West Europe", westeurope). */
bool nsg_text_loosely_equal(const char *a, const char *b);

#endif
