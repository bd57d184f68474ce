/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/loader.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/thread.h"

/* For a load when nsgd stops: during a restart, the next nsgd waits for this one to end. */
#define STOP_TIMEOUT_MS 200
/* Threads that were abandoned and have not ended. */
#define MAX_LEFT 4

struct job {
	struct loader *loader;
	struct job *next; /* of the abandoned ones */
	struct load load; /* its references are the job's */
	char *directory, *subnet;
	struct nsg_conf *conf; /* read again; the thread's until the directory has answered */
	bool opened;
	struct nsg_diag diag;
	sd_event_source *source;
	int fd; /* eventfd, written when the directory answers and when the thread ends */
	pthread_t thread;
	sem_t go;		      /* the documents may be read */
	_Atomic uint64_t deadline_ns; /* of the load; 0: end now */
	atomic_bool ended;
	/* Owned by the thread until it has ended. */
	int result;
	struct policy *made;
};

struct loader {
	sd_event *event;
	const struct loader_ops *ops;
	void *closure;
	uint64_t patience_usec;
	sd_event_source *patience;
	struct job *job; /* NULL: none runs */
	struct job *left;
	unsigned int n_left;
};

/* ---- a job ----------------------------------------------------------------------------------- */

static struct job *job_free(struct job *j)
{
	if (!j)
		return NULL;
	sd_event_source_disable_unref(j->source);
	if (j->fd >= 0)
		(void)close(j->fd);
	nsg_conf_free(j->conf);
	free(j->directory);
	free(j->subnet);
	policy_unref(j->load.before);
	policy_unref(j->made);
	nsg_route_set_unref(j->load.options.live);
	nsg_diag_done(&j->diag);
	(void)sem_destroy(&j->go);
	free(j);
	return NULL;
}

static int copy_names(struct job *j, const char *directory, const char *subnet)
{
	j->load.directory = j->directory = strdup(directory);
	j->load.options.subnet = j->subnet = subnet ? strdup(subnet) : NULL;
	return j->directory && (j->subnet || !subnet) ? 0 : -ENOMEM;
}

static int job_copy(struct job *j, const struct load *load)
{
	j->load = *load;
	j->load.deadline_ns = &j->deadline_ns;
	nsg_route_set_ref(load->options.live);
	if (load->before)
		nsg_engine_policy_ref(&load->before->engine);
	return load->conf_path ? 0 : copy_names(j, load->directory, load->options.subnet);
}

/* In the thread. */
static int read_conf(struct job *j)
{
	struct nsg_route_set *live = j->load.options.live;
	struct load source;
	int r = nsg_conf_load(j->load.conf_path, j->load.conf_may_be_absent, &j->diag, &j->conf);

	if (r < 0)
		return r;
	source = policy_source(j->conf);
	j->load.options = source.options;
	j->load.options.live = live;
	return copy_names(j, source.directory, source.options.subnet);
}

static void job_end_soon(struct job *j)
{
	atomic_store_explicit(&j->deadline_ns, 0, memory_order_relaxed);
	(void)sem_post(&j->go);
}

static int load(struct job *j)
{
	int r = j->load.conf_path ? read_conf(j) : 0;

	if (r < 0)
		return r;
	if (!j->load.routes_only) {
		(void)access(j->load.directory, R_OK);
		(void)eventfd_write(j->fd, 1);
		while (sem_wait(&j->go) < 0)
			;
	}
	return policy_load(&j->load, &j->diag, &j->made);
}

static void *run(void *data)
{
	struct job *j = data;

	j->result = load(j);
	atomic_store(&j->ended, true);
	(void)eventfd_write(j->fd, 1);
	return NULL;
}

/* ---- the event loop -------------------------------------------------------------------------- */

static void finish(struct job *j)
{
	struct loader *l = j->loader;
	struct policy *made = TAKE_PTR(j->made);
	struct nsg_diag diag = j->diag;
	int r = j->result < 0 && diag.n_errors ? -EINVAL : j->result;

	(void)pthread_join(j->thread, NULL);
	l->job = NULL;
	(void)sd_event_source_set_enabled(l->patience, SD_EVENT_OFF);
	j->diag = (struct nsg_diag){0};
	job_free(j);
	l->ops->done(l->closure, r, made, &diag);
}

static void finish_left(struct job *j)
{
	struct job **p = &j->loader->left;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	j->loader->n_left--;
	(void)pthread_join(j->thread, NULL);
	job_free(j);
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct job *j = data;
	struct loader *l = j->loader;
	eventfd_t news;

	(void)source;
	(void)revents;
	(void)eventfd_read(fd, &news);
	if (atomic_load(&j->ended)) {
		if (j == l->job)
			finish(j);
		else
			finish_left(j);
	} else if (j == l->job) {
		j->opened = true;
		l->ops->opened(l->closure, TAKE_PTR(j->conf));
		(void)sem_post(&j->go);
	}
	return 0;
}

static int on_patience(sd_event_source *source, uint64_t usec, void *data)
{
	struct loader *l = data;
	struct job *j = TAKE_PTR(l->job);
	struct nsg_diag diag = {0};

	(void)source;
	(void)usec;
	job_end_soon(j);
	j->next = l->left;
	l->left = j;
	l->n_left++;
	(void)nsg_diag_add(&diag, NSG_ERROR, NULL, NULL,
			   "%s could not be loaded within %u s: the file system does not answer",
			   j->load.conf_path && !j->opened ? j->load.conf_path : j->directory,
			   (unsigned int)(l->patience_usec / 1000000u));
	l->ops->done(l->closure, -ETIMEDOUT, NULL, &diag);
	return 0;
}

static int job_start(struct loader *l, struct job *j)
{
	int r = sd_event_add_io(l->event, &j->source, j->fd, EPOLLIN, on_news, j);

	if (r < 0)
		return r;
	r = sd_event_source_set_time_relative(l->patience, l->patience_usec);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(l->patience, SD_EVENT_ONESHOT);
	if (r < 0)
		return r;
	return nsg_thread_start(&j->thread, "nsgd-load", run, j);
}

int loader_start(struct loader *l, const struct load *load, struct nsg_diag *diag)
{
	struct job *j;
	int r;

	if (l->job || l->n_left == MAX_LEFT)
		return -EBUSY;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->loader = l;
	(void)sem_init(&j->go, 0, 0);
	j->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = j->fd < 0 ? -errno : job_copy(j, load);
	atomic_store_explicit(&j->deadline_ns,
			      nsg_clock_ns(CLOCK_MONOTONIC) +
				  (uint64_t)NSG_MAX_LOAD_SECONDS * NSG_NS_PER_SEC,
			      memory_order_relaxed);
	j->diag = *diag;
	if (r >= 0)
		r = job_start(l, j);
	if (r < 0) {
		(void)sd_event_source_set_enabled(l->patience, SD_EVENT_OFF);
		j->diag = (struct nsg_diag){0};
		job_free(j);
		return r;
	}
	*diag = (struct nsg_diag){0};
	l->job = j;
	return 0;
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

/* ---- begin and end --------------------------------------------------------------------------- */

int loader_new(sd_event *event, uint64_t patience_usec, const struct loader_ops *ops, void *closure,
	       struct loader **ret)
{
	struct loader *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct loader){.event = sd_event_ref(event),
			     .ops = ops,
			     .closure = closure,
			     .patience_usec = patience_usec};
	r = sd_event_add_time(event, &l->patience, CLOCK_MONOTONIC, UINT64_MAX, 1, on_patience, l);
	if (r >= 0)
		r = sd_event_source_set_enabled(l->patience, SD_EVENT_OFF);
	if (r < 0) {
		(void)loader_stop(l);
		return r;
	}
	*ret = l;
	return 0;
}

static bool ends(struct job *j)
{
	struct pollfd news = {.fd = j->fd, .events = POLLIN};
	eventfd_t n;

	job_end_soon(j);
	while (!atomic_load(&j->ended)) {
		if (poll(&news, 1, STOP_TIMEOUT_MS) <= 0)
			return false;
		(void)eventfd_read(j->fd, &n);
	}
	(void)pthread_join(j->thread, NULL);
	return true;
}

bool loader_stop(struct loader *l)
{
	if (!l)
		return true;
	if (l->left || (l->job && !ends(l->job)))
		return false;
	job_free(l->job);
	sd_event_source_disable_unref(l->patience);
	sd_event_unref(l->event);
	free(l);
	return true;
}
