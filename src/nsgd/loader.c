/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/loader.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/limits.h"
#include "util/thread.h"

/* A stop does not wait longer: at a restart the next nsgd waits for the end of this one. */
#define STOP_TIMEOUT_MS 200

struct loader {
	loader_done_fn *done;
	void *closure;
	sd_event_source *source;
	int fd; /* an eventfd: the thread has ended */
	pthread_t thread;
	bool running;
	struct load load;
	_Atomic uint64_t deadline_ns; /* of the load; 0: it is to end */
	/* Of the thread until it has ended. */
	int result;
	struct policy *made;
};

static void *run(void *data)
{
	struct loader *l = data;

	l->result = policy_load(&l->load, &l->made);
	(void)eventfd_write(l->fd, 1);
	return NULL;
}

static struct policy *join(struct loader *l)
{
	struct policy *made;

	(void)pthread_join(l->thread, NULL);
	l->running = false;
	made = l->made;
	l->made = NULL;
	return made;
}

static int on_ended(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct loader *l = data;
	struct policy *made;
	eventfd_t ends;

	(void)source;
	(void)revents;
	(void)eventfd_read(fd, &ends);
	made = join(l);
	l->done(l->closure, l->result, made);
	return 0;
}

int loader_new(sd_event *event, loader_done_fn *done, void *closure, struct loader **ret)
{
	struct loader *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->done = done;
	l->closure = closure;
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = l->fd < 0 ? -errno : sd_event_add_io(event, &l->source, l->fd, EPOLLIN, on_ended, l);
	if (r < 0) {
		(void)loader_stop(l);
		return r;
	}
	*ret = l;
	return 0;
}

int loader_start(struct loader *l, const struct load *load)
{
	int r;

	if (l->running)
		return -EBUSY;
	l->load = *load;
	l->load.deadline_ns = &l->deadline_ns;
	atomic_store_explicit(&l->deadline_ns,
			      nsg_clock_ns(CLOCK_MONOTONIC) +
				  (uint64_t)NSG_MAX_LOAD_SECONDS * NSG_NS_PER_SEC,
			      memory_order_relaxed);
	r = nsg_thread_start(&l->thread, "nsgd-load", run, l);
	l->running = r >= 0;
	return r;
}

static void *trim(void *running)
{
	(void)malloc_trim(0);
	atomic_store((atomic_bool *)running, false);
	return NULL;
}

void loader_trim(void)
{
	static atomic_bool running;
	pthread_t thread;

	if (atomic_exchange(&running, true))
		return;
	if (nsg_thread_start(&thread, "nsgd-trim", trim, &running) >= 0)
		(void)pthread_detach(thread);
	else
		atomic_store(&running, false);
}

bool loader_stop(struct loader *l)
{
	struct pollfd end;

	if (!l)
		return true;
	atomic_store_explicit(&l->deadline_ns, 0, memory_order_relaxed);
	end = (struct pollfd){.fd = l->fd, .events = POLLIN};
	if (l->running && poll(&end, 1, STOP_TIMEOUT_MS) <= 0)
		return false;
	if (l->running)
		policy_unref(join(l));
	sd_event_source_disable_unref(l->source);
	if (l->fd >= 0)
		(void)close(l->fd);
	free(l);
	return true;
}
