/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last decisions, as the lines that clients get: NSG_MAX_HISTORY dropped ones and as many
 * accepted ones, so that a denial is not displaced by what is allowed. Every decision that reaches
 * the main thread is kept: those that the log or a tracer needs, and always those that drop.
 */
#ifndef NSG_NSGD_HISTORY_H
#define NSG_NSGD_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

/* NULL when out of memory. */
struct history *history_new(void);
/* Copies the text. Without memory for it, the decision is not kept. */
void history_add(struct history *h, bool dropped, const char *text, size_t n);
/* The oldest line from that number on, and moves the number past it; false when there is none. The
 * text is valid until the next history_add(). */
bool history_next(const struct history *h, bool dropped_only, uint64_t *number, const char **ret,
		  size_t *ret_n);
/* The number of the line that comes next. */
uint64_t history_end(const struct history *h);
/* NULL is fine; returns NULL. */
struct history *history_free(struct history *h);

#endif
