/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_NSGD_CONFINE_H
#define NSG_NSGD_CONFINE_H

/*
 * A filter that leaves a process the system calls that a started nsgd needs. Those that only an
 * intruder would make (running a program, tracing, mounting, loading code, memory that is written
 * and executed) end the process; others fail with EPERM. *ret_fd has it, -1 where the build has no
 * libseccomp, or sanitizers, which need more. Before anything is in the kernel: libseccomp does not
 * survive a failed allocation. -errno.
 */
int confine_prepare(int *ret_fd);

/* Applies it to the process, all its threads included. -errno. */
int confine(int fd);

#endif
