/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service manager is doing with the unit of this process. */
#ifndef NSG_NSGD_JOB_H
#define NSG_NSGD_JOB_H

#include <stdint.h>

enum job {
	JOB_UNKNOWN, /* no service manager, or no answer within five seconds */
	JOB_NONE,    /* e.g. a signal of an administrator */
	JOB_RESTART, /* a start follows: restart, try-restart */
	JOB_STOP,    /* no start follows */
	JOB_OTHER,   /* a start until READY, also after a crash or in a restart; a reload */
};

/* ret_stored: how many descriptors the manager holds for the unit (0: unknown). Needs no privileges. */
enum job job_ask(uint32_t *ret_stored);

#endif
