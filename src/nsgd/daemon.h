/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The actions of the program nsgd. All log their errors. */
#ifndef NSG_NSGD_DAEMON_H
#define NSG_NSGD_DAEMON_H

#include <stdbool.h>

#include "control/control.h"

/* Runs until a signal ends it, then removes everything from the kernel. A failed start leaves
 * nothing there either. */
enum nsg_exit daemon_run(const char *conf_path, bool conf_may_be_absent);
/* `nsgd --check`: loads everything and looks for the next hops, changes nothing. */
enum nsg_exit daemon_check(const char *conf_path, bool conf_may_be_absent);
/* `nsgd --cleanup`: removes what a crashed nsgd left in the kernel. */
enum nsg_exit daemon_cleanup(const char *conf_path, bool conf_may_be_absent);

#endif
