/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages go to the journal when standard error is connected to it, else to standard error. The
 * caller never waits for either: see log_writer.h. Main thread only. */
#ifndef NSG_NSGD_LOG_H
#define NSG_NSGD_LOG_H

#include <stdint.h>
#include <syslog.h>

#include "observe/ring.h"
#include "util/diag.h"

/* Until it is called the level is info and there is no instance. `instance` is copied. */
void log_open(const char *instance, int level);

/* Waits a moment until all is written. Before the process exits. */
void log_close(void);

void log_message(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Logs every record at its own severity. */
void log_diag(const struct nsg_diag *diag);
/* One decision as a line of text. Above a rate limit decisions are counted instead. */
void log_decision(const struct nsg_trace_record *r);
/* A denied destination whose next n packets the kernel dropped by itself: the record has its key,
 * without a source port, and the decision. The same rate limit. */
void log_repeats(const struct nsg_trace_record *r, uint64_t n);

#define log_error(...) log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)

#endif
