/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The actions of the program nsgd. All log their errors. */
#ifndef NSG_NSGD_DAEMON_H
#define NSG_NSGD_DAEMON_H

#include <stdbool.h>

#include "control/control.h"

/* The exit status of a daemon whose configuration or policy has errors: a service manager need not
 * try again before they are changed. EX_CONFIG of sysexits.h, which systemd names too. */
#define DAEMON_EXIT_CONFIG 78

/* Runs until a signal ends it, then removes everything from the kernel. A failed start leaves
 * nothing there either. Returns an enum nsg_exit, but DAEMON_EXIT_CONFIG in place of
 * NSG_EXIT_POLICY. */
int daemon_run(const char *conf_path, bool conf_may_be_absent);
/* `nsgd --check`: loads everything and looks for the next hops, changes nothing. */
enum nsg_exit daemon_check(const char *conf_path, bool conf_may_be_absent);
/* `nsgd --cleanup`: removes what a crashed nsgd left in the kernel. After a daemon that ended with
 * DAEMON_EXIT_CONFIG (systemd sets $EXIT_STATUS), errors of the configuration are not logged again,
 * and it ends with the same status. Otherwise it returns an enum nsg_exit. */
int daemon_cleanup(const char *conf_path, bool conf_may_be_absent);

#endif
