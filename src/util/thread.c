/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/thread.h"

#include <signal.h>
#include <time.h>

#include "util/clock.h"

int nsg_thread_start(pthread_t *thread, const char *name, void *(*run)(void *data), void *data)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, run, data);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	(void)pthread_setname_np(*thread, name);
	return 0;
}

bool nsg_thread_join_within(pthread_t thread, pthread_mutex_t *lock, pthread_cond_t *done,
			    const bool *ended, uint64_t timeout_ns)
{
	const struct timespec until = nsg_ns_timespec(nsg_clock_ns(CLOCK_MONOTONIC) + timeout_ns);
	bool in_time;
	int r = 0;

	(void)pthread_mutex_lock(lock);
	while (!*ended && !r)
		r = pthread_cond_clockwait(done, lock, CLOCK_MONOTONIC, &until);
	in_time = *ended;
	(void)pthread_mutex_unlock(lock);
	if (in_time)
		(void)pthread_join(thread, NULL);
	return in_time;
}
