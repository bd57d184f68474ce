/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages go to the journal when standard error is connected to it, else to standard error. The
 * caller never waits for either: see log_writer.h. Main thread only. */
#ifndef NSG_NSGD_LOG_H
#define NSG_NSGD_LOG_H

#include <stdbool.h>
#include <syslog.h>

#include "util/diag.h"

/* Until it is called the level is info and there is no instance. `instance` is copied. */
void log_open(const char *instance, int level);

/* Waits a moment until all is written. Before the process exits. */
void log_close(void);

void log_message(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Logs every record at its own severity. */
void log_diag(const struct nsg_diag *diag);
/* Whether messages of this level are logged. */
bool log_wants(int level);
/* One of many messages, with fields for the journal: "KEY=value" on a line each. */
void log_with_fields(int level, const char *text, const char *fields);

#define log_error(...) log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)

#endif
