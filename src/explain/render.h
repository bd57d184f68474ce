/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the answers of the verbs as tables and text. JSON output prints the same items unchanged,
 * so every form has the same content. Control characters in names are escaped.
 */
#ifndef NSG_EXPLAIN_RENDER_H
#define NSG_EXPLAIN_RENDER_H

#include <stdio.h>

#include <jansson.h>

#include "explain/table.h"

/* The item of a verb with one answer: explain's story, the az tables, or any JSON value. */
void nsg_render(const char *verb, const json_t *item, const struct nsg_term *term, FILE *out);

#endif
