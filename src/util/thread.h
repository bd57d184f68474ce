/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_UTIL_THREAD_H
#define NSG_UTIL_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts a thread that handles no signals: these are the main thread's. The name has at most 15
 * characters. -errno. */
int nsg_thread_start(pthread_t *thread, const char *name, void *(*run)(void *data), void *data);

/* Joins a thread that sets *ended under the lock, and signals `done`, as its last act. False: it has
 * not done so within timeout_ns, and goes on. */
bool nsg_thread_join_within(pthread_t thread, pthread_mutex_t *lock, pthread_cond_t *done,
			    const bool *ended, uint64_t timeout_ns);

#endif
