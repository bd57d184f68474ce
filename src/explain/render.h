/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the answers of the verbs as tables and text. JSON output prints the same items unchanged,
 * so every form has the same content. Control characters in names are escaped.
 */
#ifndef NSG_EXPLAIN_RENDER_H
#define NSG_EXPLAIN_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* The item of a verb with one answer: explain's story, the az tables, or any JSON value. */
void nsg_render(const char *verb, const json_t *item, bool color, FILE *out);

/* Decisions, one per line: explain --batch, trace, replay. The header is printed once, before them.
 * With `packets`, the columns packet, time and direction replace id. */
void nsg_render_decision_header(bool packets, FILE *out);
void nsg_render_decision(const json_t *item, bool packets, bool color, FILE *out);

#endif
