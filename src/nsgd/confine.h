/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_NSGD_CONFINE_H
#define NSG_NSGD_CONFINE_H

/*
 * Leaves the process, all its threads included, the system calls that a started nsgd needs. Those
 * that only an intruder would make (running a program, tracing, mounting, loading code, memory
 * that is written and executed) end the process; others fail with EPERM. Call it once, after the
 * start. 0 also where the build has no libseccomp, or sanitizers, which need more. -errno.
 */
int confine(void);

#endif
