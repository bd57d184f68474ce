/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/live.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "kernel/live_routes.h"
#include "nsgd/log.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/thread.h"

/* A change waits this long for others, and if there was a set before, until the period from that one is
 * over: one change is in force soon, and of a storm of them there are at most 20 sets a second. */
#define COALESCE_NS (5 * (uint64_t)NSG_NS_PER_MSEC)
#define PERIOD_NS (50 * (uint64_t)NSG_NS_PER_MSEC)
/* Before a table that could not be read is read again. */
#define RETRY_NS (10 * (uint64_t)NSG_NS_PER_SEC)
/* Lines about changes in a period; further changes are summed. */
#define LOG_LINES 20u
#define LOG_PERIOD_NS (10 * (uint64_t)NSG_NS_PER_SEC)

/* What the thread has found, for the main thread. */
struct news {
	struct nsg_route_set *set; /* NULL: no other set since */
	struct nsg_route_diff diff;
	uint32_t *links;
	size_t n_links;
	uint64_t ignored[NSG_LIVE_IGNORED_MAX];
	uint64_t first_ns; /* when the first of its changes arrived; 0: none */
	uint64_t readings;
	uint64_t losses;
	int error;
};

struct live {
	const struct nsg_conf *conf;
	struct nsg_live *reader; /* the thread's, once it runs */
	pthread_t thread;
	bool has_thread;
	int stop_fd, news_fd;
	pthread_mutex_t lock; /* of `news` */
	struct news news;

	/* Of the main thread. */
	sd_event_source *source;
	struct nsg_kernel *kernel; /* NULL: not attached yet */
	uint32_t *links;
	size_t n_links;
	void (*changed)(void *closure);
	void *closure;
	struct nsg_route_set *newest, *loading, *in_force;
	bool refused;			/* newest could not be loaded */
	bool is_stale;			/* the table could not be read since newest */
	uint64_t newest_ns, loading_ns; /* CLOCK_MONOTONIC: their first change; 0: none */
	uint64_t changed_time_ns;	/* CLOCK_REALTIME: the last change in force */
	uint64_t last_delay_ns, longest_delay_ns;
	struct nsg_route_diff total, unlogged; /* only their counts */
	uint64_t logged_ns;		       /* the start of the period of the log */
	uint32_t lines;
	uint64_t readings, losses, ignored[NSG_LIVE_IGNORED_MAX];
	char alarm[192];
};

/* ---- the thread ----------------------------------------------------------------------------- */

static void add_diff(struct nsg_route_diff *to, const struct nsg_route_diff *d)
{
	to->added += d->added;
	to->removed += d->removed;
	to->changed += d->changed;
	for (size_t i = 0; i < d->n_samples && to->n_samples < NSG_ROUTE_SAMPLES; i++)
		to->samples[to->n_samples++] = d->samples[i];
}

static int copy_links(struct news *n, const struct nsg_live *reader)
{
	size_t count;
	const uint32_t *links = nsg_live_links(reader, &count);
	uint32_t *copy = malloc((count + 1) * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, links, count * sizeof(*copy));
	free(n->links);
	n->links = copy;
	n->n_links = count;
	return 0;
}

/* Makes a set of what has changed since first_ns. */
static int publish(struct live *l, uint64_t first_ns)
{
	const bool reading = nsg_live_must_read(l->reader);
	struct nsg_route_set *set = NULL;
	struct nsg_route_diff diff;
	struct news *n = &l->news;
	int r;

	r = nsg_live_publish(l->reader, &diff, &set);
	(void)pthread_mutex_lock(&l->lock);
	n->readings += reading;
	n->losses = nsg_live_losses(l->reader);
	if (r >= 0)
		r = copy_links(n, l->reader);
	n->error = r;
	if (r >= 0) {
		nsg_route_set_unref(n->set);
		n->set = TAKE_PTR(set);
		add_diff(&n->diff, &diff);
		memcpy(n->ignored, nsg_live_ignored(l->reader), sizeof(n->ignored));
		n->first_ns = n->first_ns ? n->first_ns : first_ns;
	}
	(void)pthread_mutex_unlock(&l->lock);
	nsg_route_set_unref(set);
	(void)eventfd_write(l->news_fd, 1);
	return r;
}

/* Packets over an interface that no route had before are dropped until the main thread knows. */
static bool has_new_link(const struct live *l, size_t *n_known)
{
	size_t before = *n_known;

	(void)nsg_live_links(l->reader, n_known);
	return *n_known > before;
}

static int timeout_ms(uint64_t due_ns)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	if (!due_ns)
		return -1;
	return due_ns <= now_ns ? 0 : (int)((due_ns - now_ns) / NSG_NS_PER_MSEC) + 1;
}

/* When the change that arrived at first_ns is due. What makes a reading necessary, such as a link that
 * goes down, comes with more of its kind. */
static uint64_t due_after(const struct live *l, uint64_t first_ns, uint64_t last_ns)
{
	const uint64_t due_ns =
	    first_ns + (nsg_live_must_read(l->reader) ? PERIOD_NS : COALESCE_NS);

	return due_ns > last_ns + PERIOD_NS ? due_ns : last_ns + PERIOD_NS;
}

static void *run(void *data)
{
	struct live *l = data;
	struct pollfd fds[] = {{.fd = nsg_live_fd(l->reader), .events = POLLIN},
			       {.fd = l->stop_fd, .events = POLLIN}};
	uint64_t first_ns = 0, due_ns = 0, last_ns = 0, next_read_ns = 0;
	size_t n_links;

	(void)nsg_live_links(l->reader, &n_links);
	while (!fds[1].revents) {
		uint64_t now_ns;

		(void)poll(fds, NSG_ARRAY_SIZE(fds), timeout_ms(due_ns));
		if (fds[0].revents)
			(void)nsg_live_drain(l->reader);
		now_ns = nsg_clock_ns(CLOCK_MONOTONIC);
		if (!first_ns && nsg_live_has_changed(l->reader))
			first_ns = now_ns;
		due_ns = first_ns ? due_after(l, first_ns, last_ns) : 0;
		if (has_new_link(l, &n_links))
			due_ns = now_ns;
		if (due_ns && nsg_live_must_read(l->reader) && due_ns < next_read_ns)
			due_ns = next_read_ns;
		if (!due_ns || due_ns > now_ns)
			continue;
		if (nsg_live_must_read(l->reader)) {
			/* readings take at most a third of a processor */
			int r = publish(l, first_ns);
			uint64_t end_ns = nsg_clock_ns(CLOCK_MONOTONIC);

			next_read_ns = end_ns + (r < 0 ? RETRY_NS : 2 * (end_ns - now_ns));
		} else {
			(void)publish(l, first_ns);
		}
		first_ns = due_ns = 0;
		last_ns = now_ns;
		(void)nsg_live_links(l->reader, &n_links);
	}
	return NULL;
}

/* ---- the log -------------------------------------------------------------------------------- */

static void log_route(const struct live *l, int how, struct nsg_prefix prefix)
{
	const struct nsg_live_route *route = nsg_route_set_find(l->newest, prefix);
	char text[NSG_PREFIX_TEXT], hops[160] = "", hop[NSG_IP4_TEXT];
	const uint32_t *addrs_host = NULL;
	uint32_t n = 0;

	if (route)
		addrs_host = nsg_live_hops(l->newest, route, &n);
	for (uint32_t i = 0; i < n && strlen(hops) + NSG_IP4_TEXT + 4 < sizeof(hops); i++) {
		nsg_ip4_format(addrs_host[i], hop);
		(void)snprintf(hops + strlen(hops), sizeof(hops) - strlen(hops), "%s%s",
			       i ? ", " : " via ", hop);
	}
	nsg_prefix_format(prefix, text);
	log_info("route %s%s was %s", text, hops,
		 how == NSG_ROUTE_ADDED	    ? "announced"
		 : how == NSG_ROUTE_REMOVED ? "withdrawn"
					    : "changed");
}

static uint64_t count(const struct nsg_route_diff *d)
{
	return d->added + d->removed + d->changed;
}

static void log_sum(struct live *l)
{
	const struct nsg_route_diff *d = &l->unlogged;

	if (count(d))
		log_info("routes: %" PRIu64 " announced, %" PRIu64 " withdrawn, %" PRIu64
			 " changed; %zu in table %u",
			 d->added, d->removed, d->changed, l->newest->n_prefixes,
			 l->conf->bgp_table);
	l->unlogged = (struct nsg_route_diff){.n_samples = 0};
}

static void log_changes(struct live *l, const struct nsg_route_diff *d)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	if (now_ns - l->logged_ns >= LOG_PERIOD_NS) {
		log_sum(l);
		l->logged_ns = now_ns;
		l->lines = 0;
	}
	if (count(d) > d->n_samples || l->lines + d->n_samples > LOG_LINES) {
		add_diff(&l->unlogged, d);
		if (l->lines++ < LOG_LINES)
			log_sum(l);
		return;
	}
	for (size_t i = 0; i < d->n_samples; i++)
		log_route(l, (int)d->samples[i].how, d->samples[i].prefix);
	l->lines += (uint32_t)d->n_samples;
}

void live_flush_log(struct live *l)
{
	if (l && nsg_clock_ns(CLOCK_MONOTONIC) - l->logged_ns >= LOG_PERIOD_NS)
		log_sum(l);
}

/* ---- the main thread ------------------------------------------------------------------------ */

static void set_alarm(struct live *l, const char *error)
{
	if (error)
		(void)snprintf(l->alarm, sizeof(l->alarm),
			       "the current routes of table %u are not used: %s; the previous "
			       "routes stay in force",
			       l->conf->bgp_table, error);
	else
		l->alarm[0] = '\0';
}

static const char *text_of(int error)
{
	static char text[64];

	(void)snprintf(text, sizeof(text), "there are more than %u", NSG_MAX_BGP_ROUTES);
	return error == -E2BIG ? text : strerror(-error);
}

static struct news take_news(struct live *l)
{
	struct news news;

	(void)pthread_mutex_lock(&l->lock);
	news = l->news;
	l->news = (struct news){.readings = news.readings, .losses = news.losses};
	(void)pthread_mutex_unlock(&l->lock);
	return news;
}

/* Whether there is another set. */
static bool take(struct live *l)
{
	struct news news = take_news(l);
	const bool changed = count(&news.diff);
	int r;

	l->readings = news.readings;
	if (news.losses > l->losses)
		log_notice("notifications about table %u were lost: it was read again",
			   l->conf->bgp_table);
	l->losses = news.losses;
	l->is_stale = news.error < 0;
	if (news.error < 0)
		set_alarm(l, text_of(news.error));
	if (!news.set)
		return false;
	/* the routes that were refused are still there when a reading finds nothing else */
	l->refused &= !changed;
	if (news.error >= 0 && !l->refused)
		set_alarm(l, NULL);
	free(l->links);
	l->links = news.links;
	l->n_links = news.n_links;
	r = live_attach(l, l->kernel);
	if (r < 0)
		set_alarm(l, text_of(r));
	memcpy(l->ignored, news.ignored, sizeof(l->ignored));
	if (!changed && l->newest) {
		nsg_route_set_unref(news.set);
		return false;
	}
	nsg_route_set_unref(l->newest);
	l->newest = news.set;
	l->newest_ns = l->newest_ns ? l->newest_ns : news.first_ns;
	add_diff(&l->total, &news.diff);
	log_changes(l, &news.diff);
	return true;
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct live *l = data;
	eventfd_t ignored;

	(void)source;
	(void)revents;
	(void)eventfd_read(fd, &ignored);
	if (take(l))
		l->changed(l->closure);
	return 0;
}

struct nsg_route_set *live_begin_load(struct live *l)
{
	if (!l)
		return NULL;
	nsg_route_set_unref(l->loading);
	l->loading = nsg_route_set_ref(l->refused ? l->in_force : l->newest);
	l->loading_ns = l->newest_ns;
	l->newest_ns = 0;
	return l->loading;
}

void live_loaded(struct live *l, bool in_force, const char *error)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	if (!l)
		return;
	if (in_force) {
		nsg_route_set_unref(l->in_force);
		l->in_force = TAKE_PTR(l->loading);
	}
	if (in_force && l->loading_ns) {
		l->last_delay_ns = now_ns - l->loading_ns;
		if (l->last_delay_ns > l->longest_delay_ns)
			l->longest_delay_ns = l->last_delay_ns;
		l->changed_time_ns = nsg_clock_ns(CLOCK_REALTIME);
	}
	if (error)
		set_alarm(l, error);
	else if (in_force && l->in_force == l->newest && !l->is_stale)
		set_alarm(l, NULL);
	l->refused |= error && l->loading == l->newest;
	l->loading = nsg_route_set_unref(l->loading);
	l->loading_ns = 0;
}

bool live_retry(struct live *l)
{
	bool refused = l && l->refused;

	if (refused)
		l->refused = false;
	return refused;
}

const char *live_alarm(const struct live *l)
{
	return l ? l->alarm : "";
}

static json_t *protocols(const struct nsg_conf *c)
{
	json_t *array = json_array();

	for (int i = 0; i < 256; i++)
		if (c->bgp_protocols[i])
			(void)json_array_append_new(array, json_integer(i));
	return array;
}

json_t *live_status(const struct live *l)
{
	if (!l)
		return json_null();
	return NSG_JSON_OBJECT(
	    PAIR_I("table", l->conf->bgp_table), PAIR_J("protocols", protocols(l->conf)),
	    PAIR_I("routes", l->newest->n_prefixes),
	    PAIR_I("inForce", l->in_force ? l->in_force->n_prefixes : 0),
	    PAIR_I("announced", l->total.added), PAIR_I("withdrawn", l->total.removed),
	    PAIR_I("changed", l->total.changed), PAIR_I("readings", l->readings),
	    PAIR_I("losses", l->losses),
	    PAIR_J("lastChangeTimeNs",
		   l->changed_time_ns ? json_integer((json_int_t)l->changed_time_ns) : json_null()),
	    PAIR_I("lastChangeToDecisionNs", l->last_delay_ns),
	    PAIR_I("longestChangeToDecisionNs", l->longest_delay_ns),
	    PAIR_J("notUsed",
		   NSG_JSON_OBJECT(PAIR_I("otherProtocols", l->ignored[NSG_LIVE_PROTOCOL]),
				   PAIR_I("otherTypes", l->ignored[NSG_LIVE_TYPE]),
				   PAIR_I("typeOfService", l->ignored[NSG_LIVE_TOS]),
				   PAIR_I("nextHopObjects", l->ignored[NSG_LIVE_OBJECT]),
				   PAIR_I("malformed", l->ignored[NSG_LIVE_MALFORMED]))),
	    PAIR_S("alarm", *l->alarm ? l->alarm : NULL));
}

int live_new(const struct nsg_conf *conf, struct nsg_diag *diag, struct live **ret)
{
	struct live *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->conf = conf;
	(void)pthread_mutex_init(&l->lock, NULL);
	l->stop_fd = eventfd(0, EFD_CLOEXEC);
	l->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = l->stop_fd < 0 || l->news_fd < 0 ? -errno : nsg_live_open(conf, NULL, diag, &l->reader);
	if (r >= 0) {
		r = publish(l, 0);
		if (r < 0)
			(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
					   "cannot use the routes of table %u: %s", conf->bgp_table,
					   text_of(r));
	}
	if (r < 0) {
		live_free(l);
		return r;
	}
	(void)take(l);
	l->unlogged = l->total = (struct nsg_route_diff){.n_samples = 0};
	*ret = l;
	return 0;
}

int live_attach(struct live *l, struct nsg_kernel *kernel)
{
	struct nsg_diag diag = {0};
	int r;

	if (!l || !kernel)
		return 0;
	l->kernel = kernel;
	r = nsg_kernel_set_live_links(kernel, l->links, l->n_links, &diag);
	log_diag(&diag);
	nsg_diag_done(&diag);
	return r;
}

int live_follow(struct live *l, sd_event *event, void (*changed)(void *closure), void *closure)
{
	int r;

	if (!l)
		return 0;
	l->changed = changed;
	l->closure = closure;
	r = sd_event_add_io(event, &l->source, l->news_fd, EPOLLIN, on_news, l);
	if (r < 0)
		return r;
	r = nsg_thread_start(&l->thread, "nsgd-live", run, l);
	if (r < 0)
		return r;
	l->has_thread = true;
	return 0;
}

struct live *live_free(struct live *l)
{
	if (!l)
		return NULL;
	if (l->has_thread) {
		(void)eventfd_write(l->stop_fd, 1);
		(void)pthread_join(l->thread, NULL);
	}
	sd_event_source_disable_unref(l->source);
	nsg_live_free(l->reader);
	nsg_route_set_unref(l->news.set);
	free(l->news.links);
	free(l->links);
	nsg_route_set_unref(l->newest);
	nsg_route_set_unref(l->loading);
	nsg_route_set_unref(l->in_force);
	if (l->stop_fd >= 0)
		(void)close(l->stop_fd);
	if (l->news_fd >= 0)
		(void)close(l->news_fd);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}
