/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes lines to the journal or to standard error, in a thread of its own: both may take any time,
 * because the program that reads them is stopped or a disk is slow. Lines wait for it in a queue;
 * those that find it full, or that cannot be written, are counted, and the number is written later.
 */
#ifndef NSG_NSGD_LOG_WRITER_H
#define NSG_NSGD_LOG_WRITER_H

#include <stdbool.h>

struct log_line {
	int level;
	bool journal;
	bool is_minor;	      /* one of many: only half of the queue is for these */
	const char *instance; /* copied, as is the text */
	const char *text;
	const char *fields; /* of the journal: "KEY=value" on a line each; "" for none */
};

void log_writer_put(const struct log_line *line);

/* Waits a second, at most, until all is written. */
void log_writer_flush(void);

#endif
