/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_NSGD_CONFINE_H
#define NSG_NSGD_CONFINE_H

/*
 * Two filters of system calls. Those that only an intruder would make (running a program, tracing,
 * mounting, loading code, memory that is written and executed) end the process. Builds without
 * libseccomp, or with sanitizers, which need more, have none.
 */

/* Before a document is read: these calls end the process, except that code can still be loaded, which
 * looking up names may need. -errno. */
int confine_start(void);

/*
 * For a started nsgd: calls other than those that it needs fail with EPERM. *ret_fd has the filter, -1
 * if there is none. Before anything is in the kernel: libseccomp does not survive a failed allocation.
 * -errno.
 */
int confine_prepare(int *ret_fd);

/* Applies it to the process, all its threads included. -errno. */
int confine(int fd);

#endif
