/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network namespace for the test, deleted with the process. */
#ifndef NSG_TESTS_SUPPORT_NETNS_H
#define NSG_TESTS_SUPPORT_NETNS_H

#include <stdbool.h>
#include <stddef.h>

#define NETNS_SKIP 77

/* Enters a new namespace, with lo up. False: not permitted. */
bool netns_enter(void);
/* Runs a command of the shell; its exit status. */
int netns_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Its output, malloc'ed; NULL when it failed. */
char *netns_output(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether the output of a command has the text. */
bool netns_shows(const char *command, const char *text);
/* Rules, routes, tables and sets of the namespace, without counters; malloc'ed. */
char *netns_state(void);

#endif
