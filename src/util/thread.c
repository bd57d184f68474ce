/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/thread.h"

#include <signal.h>

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
