/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/server_priv.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nsgd/packet_filter.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/macro.h"

#define SOCKET_GROUP "nsgd"
#define READ_BYTES 65536
/* Lines of the history that are sent in one turn. */
#define HISTORY_LINES 512

/* ---- one connection -------------------------------------------------------------------------- */

static void connection_free(struct connection *c)
{
	struct server *s = c->server;
	struct connection **p = &s->connections;
	bool traced = c->trace, filtered = c->filter;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	s->n_connections--;
	sd_event_source_disable_unref(c->io);
	(void)close(c->fd);
	nsg_frames_done(&c->frames);
	nsg_vec_done(&c->out);
	if (c->stream)
		c->stream->free(c->stream);
	free(c->filter);
	free(c);
	if (traced)
		s->ops->trace_changed(s->closure);
	if (filtered)
		(void)s->ops->filters_changed(s->closure, NULL);
}

int connection_append(struct connection *c, const char *data, size_t n)
{
	int r;

	if (c->sent > c->out.n / 2) {
		memmove(c->out.v, c->out.v + c->sent, c->out.n - c->sent);
		c->out.n -= c->sent;
		c->sent = 0;
	}
	r = nsg_vec_reserve(&c->out, n);
	if (r < 0)
		return r;
	memcpy(c->out.v + c->out.n, data, n);
	c->out.n += n;
	return 0;
}

static int send_item(void *closure, json_t *item)
{
	struct connection *c = closure;
	cleanup_free char *line = NULL;
	size_t n;
	int r = nsg_control_data_line(item, &line, &n);

	return r < 0 ? r : connection_append(c, line, n);
}

static int send_exit(struct connection *c, enum nsg_exit status, const struct nsg_diag *diag)
{
	cleanup_free char *line = NULL;
	size_t n;
	int r = nsg_control_exit_line(status, diag, &line, &n);

	/* The diagnostics do not fit a frame: the status is more important. */
	if (r == -EMSGSIZE)
		r = nsg_control_exit_line(status, NULL, &line, &n);
	return r < 0 ? r : connection_append(c, line, n);
}

/* The next lines of the history and, after the last one, the exit. */
static int put_history(struct connection *c)
{
	const struct history *h = c->server->kept;
	const char *line;
	size_t n;
	int r = 0;

	for (int i = 0; r == 0 && i < HISTORY_LINES && c->history < c->history_end; i++) {
		if (!history_next(h, c->dropped_only, &c->history, &line, &n) ||
		    c->history > c->history_end)
			c->history = c->history_end;
		else
			r = connection_append(c, line, n);
	}
	if (r == 0 && c->history == c->history_end)
		r = send_exit(c, NSG_EXIT_DONE, NULL);
	return r;
}

static int put_stream(struct connection *c)
{
	struct server_stream *stream = c->stream;
	int r = stream->next(stream, send_item, c);

	if (r == 0)
		return 0;
	c->stream = NULL;
	stream->free(stream);
	return send_exit(c, r < 0 ? nsg_exit_from(r) : NSG_EXIT_DONE, NULL);
}

static bool is_in_pieces(const struct connection *c)
{
	return c->stream || c->history < c->history_end;
}

/* Sends what can be sent now; false when the connection is to be closed. */
static bool flush(struct connection *c)
{
	while (c->sent < c->out.n) {
		ssize_t n = send(c->fd, c->out.v + c->sent, c->out.n - c->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		c->sent += (size_t)n;
		c->active_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	}
	if (c->sent == c->out.n) {
		nsg_vec_done(&c->out);
		c->sent = 0;
		if (c->closing ||
		    (is_in_pieces(c) && (c->stream ? put_stream(c) : put_history(c)) < 0))
			return false;
	}
	/* While a reply is unsent no further request is read: this bounds the memory of a client.
	 * Requests already received are answered as soon as a reply can be sent. */
	if (c->reload)
		(void)sd_event_source_set_io_events(c->io, 0);
	else
		(void)sd_event_source_set_io_events(
		    c->io, c->out.n || c->more || is_in_pieces(c) ? EPOLLOUT : EPOLLIN);
	return true;
}

void connection_flush(struct connection *c)
{
	if (flush(c))
		return;
	c->closing = true;
	(void)shutdown(c->fd, SHUT_RDWR);
}

static int refuse(struct connection *c, enum nsg_exit status, const char *why)
{
	struct nsg_diag diag = {0};
	int r;

	(void)nsg_diag_add(&diag, NSG_ERROR, NULL, NULL, "%s", why);
	r = send_exit(c, status, &diag);
	nsg_diag_done(&diag);
	c->closing = true;
	return r;
}

static size_t count_filters(const struct server *s)
{
	size_t n = 0;

	for (const struct connection *c = s->connections; c; c = c->next)
		n += c->filter != NULL;
	return n;
}

static int filter_packets(struct connection *c, const json_t *args, struct nsg_diag *diag)
{
	struct nsg_packet_filter *filter = calloc(1, sizeof(*filter));
	struct server *s = c->server;
	int r;

	if (!filter)
		return -ENOMEM;
	c->filter = filter;
	if (count_filters(s) > NSG_MAX_PACKET_FILTERS) {
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "there are already %u traces with --all-packets",
				   NSG_MAX_PACKET_FILTERS);
		r = -EBUSY;
	} else if (packet_filter_read(json_object_get(args, "program"), filter) < 0) {
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "a program must be up to %u instructions [code, jt, jf, k]",
				   NSG_MAX_FILTER_PROGRAM);
		r = -EINVAL;
	} else {
		r = s->ops->filters_changed(s->closure, diag);
	}
	if (r == 0)
		return 0;
	free(filter);
	c->filter = NULL;
	return r;
}

static int start_trace(struct connection *c, const json_t *args, struct nsg_diag *diag)
{
	const struct server *s = c->server;

	if (json_is_true(json_object_get(args, "allPackets")) && !c->filter) {
		int r = filter_packets(c, args, diag);

		if (r < 0)
			return r;
	}
	c->trace = true;
	c->payload = json_is_true(json_object_get(args, "payload"));
	c->policy = json_is_true(json_object_get(args, "policy"));
	c->dropped_only = json_is_true(json_object_get(args, "dropped"));
	s->ops->trace_changed(s->closure);
	return 0;
}

static int start_history(struct connection *c, const json_t *args)
{
	c->dropped_only = json_is_true(json_object_get(args, "dropped"));
	c->history = 0;
	c->history_end = history_end(c->server->kept);
	return c->history_end ? put_history(c) : send_exit(c, NSG_EXIT_DONE, NULL);
}

static int answer(struct connection *c, const json_t *request)
{
	const struct server *s = c->server;
	const char *verb = json_string_value(json_object_get(request, "verb"));
	const json_t *args = json_object_get(request, "args");
	struct nsg_diag diag = {0};
	enum nsg_exit status = NSG_EXIT_USAGE;
	int r;

	if (json_integer_value(json_object_get(request, "version")) != NSG_CONTROL_VERSION)
		(void)nsg_diag_add(&diag, NSG_ERROR, NULL, NULL,
				   "unsupported version of the control protocol: this nsgd has %d",
				   NSG_CONTROL_VERSION);
	else if (!verb || (args && !json_is_object(args) && !json_is_null(args)))
		(void)nsg_diag_add(&diag, NSG_ERROR, NULL, NULL,
				   "a request must be {\"version\":…,\"verb\":\"…\",\"args\":{…}}");
	else if (strcmp(verb, "trace") == 0) {
		r = start_trace(c, args, &diag);
		if (r == 0)
			return 0;
		status = r == -EINVAL ? NSG_EXIT_USAGE : nsg_exit_from(r);
	} else if (strcmp(verb, "history") == 0) {
		return start_history(c, args);
	} else if (strcmp(verb, "flows") == 0 || strcmp(verb, "effective-routes") == 0) {
		r = s->ops->stream(s->closure, verb, &diag, &c->stream);
		if (r == 0)
			return 0;
		status = nsg_exit_from(r);
	} else if (strcmp(verb, "reload") == 0) {
		c->reload = s->ops->reload(s->closure);
		return 0;
	} else
		status = s->ops->answer(s->closure, verb, args, send_item, c, &diag);
	r = send_exit(c, status, &diag);
	nsg_diag_done(&diag);
	return r;
}

/* Answers the next whole request: one per turn of the event loop, so that a client that sends a
 * thousand does not delay the others or the watchdog. */
static bool answer_next(struct connection *c)
{
	cleanup_json json_t *request = NULL;
	int r = nsg_frames_pop(&c->frames, &request);

	c->more = r > 0;
	if (r > 0) {
		c->active_ns = nsg_clock_ns(CLOCK_MONOTONIC);
		r = answer(c, request);
	}
	return r == -EBADMSG
		   ? refuse(c, NSG_EXIT_USAGE, "a request must be one JSON object on a line") == 0
		   : r >= 0;
}

static bool receive(struct connection *c)
{
	char bytes[READ_BYTES];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	r = nsg_frames_push(&c->frames, bytes, (size_t)n);
	if (r == -EMSGSIZE)
		return refuse(c, NSG_EXIT_USAGE, "the request is too large") == 0;
	return r == 0 && answer_next(c);
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct connection *c = data;
	bool alive = true;
	bool busy = c->closing || c->reload || is_in_pieces(c);

	(void)source;
	(void)fd;
	if (c->more && !c->out.n && !busy)
		alive = answer_next(c);
	else if (revents & EPOLLIN && !c->more && !busy)
		alive = receive(c);
	/* EPOLLERR: the client closed without reading everything; nothing can be sent any more. */
	if (revents & EPOLLERR || (revents & EPOLLHUP && !(revents & (EPOLLIN | EPOLLOUT))))
		alive = false;
	if (!alive || !flush(c))
		connection_free(c);
	return 0;
}

/* ---- the socket ------------------------------------------------------------------------------ */

/* A tracer and a client that waits for a reload have nothing to send; what a tracer does not read in
 * time is counted as lost. */
static bool is_idle(const struct connection *c, uint64_t now_ns)
{
	return !c->trace && !c->reload &&
	       now_ns - c->active_ns >= c->server->ops->idle_usec * 1000u;
}

static int arm_idle(struct server *s)
{
	int r = sd_event_source_set_time_relative(s->idle, s->ops->idle_usec / 4);

	return r < 0 ? r : sd_event_source_set_enabled(s->idle, SD_EVENT_ONESHOT);
}

static int on_idle(sd_event_source *source, uint64_t usec, void *data)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	struct server *s = data;

	(void)source;
	(void)usec;
	for (struct connection *c = s->connections, *next; c; c = next) {
		next = c->next;
		if (is_idle(c, now_ns))
			connection_free(c);
	}
	return s->connections ? arm_idle(s) : 0;
}

static int connection_new(struct server *s, int *fd, struct connection **ret)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = sd_event_add_io(s->event, &c->io, *fd, EPOLLIN, on_connection, c);
	if (r < 0) {
		free(c);
		return r;
	}
	c->server = s;
	c->fd = TAKE_FD(*fd);
	c->active_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	c->next = s->connections;
	s->connections = c;
	if (!s->n_connections++)
		(void)arm_idle(s);
	*ret = c;
	return 0;
}

static bool is_privileged(uid_t user)
{
	return user == 0 || user == geteuid();
}

/* With c among the connections. */
static bool is_too_many(const struct server *s, const struct connection *c)
{
	size_t n = 0;

	if (is_privileged(c->user))
		return s->n_connections > NSG_MAX_CONTROL_CLIENTS;
	for (const struct connection *other = s->connections; other; other = other->next)
		n += other->user == c->user;
	return n > NSG_MAX_CONTROL_CLIENTS_OF_USER ||
	       s->n_connections > NSG_MAX_CONTROL_CLIENTS - NSG_CONTROL_CLIENTS_OF_ROOT;
}

static int on_client(sd_event_source *source, int listen_fd, uint32_t revents, void *data)
{
	cleanup_close int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct server *s = data;
	struct connection *c;
	int r = 0;

	(void)source;
	(void)revents;
	if (fd < 0 || connection_new(s, &fd, &c) < 0)
		return 0;
	if (nsg_control_check_peer(c->fd, s->group, &c->user) < 0)
		r = refuse(c, NSG_EXIT_NOT_PERMITTED,
			   "not permitted: only root and members of group " SOCKET_GROUP
			   " can use this control socket");
	else if (is_too_many(s, c))
		r = refuse(c, NSG_EXIT_FAILED, "too many clients");
	if (r < 0 || !flush(c))
		connection_free(c);
	return 0;
}

int server_new(sd_event *event, const char *path, const struct server_ops *ops, void *closure,
	       struct nsg_diag *diag, struct server **ret)
{
	const struct group *group = getgrnam(SOCKET_GROUP);
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->ops = ops;
	s->closure = closure;
	s->kept = history_new();
	s->group = group ? group->gr_gid : (gid_t)-1;
	if (!s->kept) {
		s->fd = -1;
		server_free(s);
		return -ENOMEM;
	}
	s->fd = nsg_control_listen(path, group ? SOCKET_GROUP : NULL, diag);
	if (s->fd < 0) {
		int r = s->fd;

		server_free(s);
		return r;
	}
	s->path = strdup(path);
	if (!s->path) {
		(void)unlink(path);
		server_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

int server_start(struct server *s)
{
	int r = sd_event_add_time(s->event, &s->idle, CLOCK_MONOTONIC, UINT64_MAX, 1, on_idle, s);

	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
	if (r < 0)
		return r;
	return sd_event_add_io(s->event, &s->io, s->fd, EPOLLIN, on_client, s);
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	while (s->connections)
		connection_free(s->connections);
	sd_event_source_disable_unref(s->io);
	sd_event_source_disable_unref(s->idle);
	if (s->path)
		(void)unlink(s->path);
	if (s->fd >= 0)
		(void)close(s->fd);
	sd_event_unref(s->event);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(s->lines); i++)
		nsg_line_done(&s->lines[i]);
	history_free(s->kept);
	free(s->path);
	free(s);
	return NULL;
}

void server_reloaded(struct server *s, uint64_t number, enum nsg_exit status, json_t *done,
		     const struct nsg_diag *diag)
{
	for (struct connection *c = s->connections; c; c = c->next) {
		if (c->reload != number)
			continue;
		c->reload = 0;
		c->closing |= (done && send_item(c, done) < 0) || send_exit(c, status, diag) < 0;
		connection_flush(c);
	}
}
