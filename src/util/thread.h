/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_UTIL_THREAD_H
#define NSG_UTIL_THREAD_H

#include <pthread.h>

/* Starts a thread that handles no signals: these are the main thread's. The name has at most 15
 * characters. -errno. */
int nsg_thread_start(pthread_t *thread, const char *name, void *(*run)(void *data), void *data);

#endif
