/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verbs answer, for a person: JSON items become tables and text. The same items go out as
 * JSON untouched, so that no form knows more than another. Control characters of names are escaped:
 * a policy never speaks to the terminal.
 */
#ifndef NSG_EXPLAIN_RENDER_H
#define NSG_EXPLAIN_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* The item of a verb that answers once: explain's story, the az tables, or any JSON value. */
void nsg_render(const char *verb, const json_t *item, bool color, FILE *out);

/* Decisions as they come, one a line: explain --batch, trace, replay. The header first, once.
 * `packets`: with packet, time and direction instead of id. */
void nsg_render_decision_header(bool packets, FILE *out);
void nsg_render_decision(const json_t *item, bool packets, bool color, FILE *out);

#endif
