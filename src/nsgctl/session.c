/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "explain/explain.h"
#include "nsgctl/command.h"
#include "nsgctl/nsgctl.h"
#include "template/template.h"
#include "util/cleanup.h"
#include "util/json.h"

#define DEFAULT_INSTANCE "nsgd"
/* A minute: a restart takes less, even with the largest policy. */
#define REOPEN_PAUSE_NS 100000000
#define REOPEN_TRIES 600

/* ---- a directory ---------------------------------------------------------------------------- */

static struct nsg_options effective_options(const struct nsgctl *ctl)
{
	struct nsg_options o = {
	    .subnet = ctl->subnet,
	    .profile = nsg_profile_find(ctl->profile ? ctl->profile : "2020-04"),
	    .route_all = NSG_UNSET,
	    .endpoint_lab =
		ctl->endpoint_precedence && strcmp(ctl->endpoint_precedence, "lab") == 0,
	};

	if (ctl->platform)
		o.platform =
		    strcmp(ctl->platform, "linux") == 0 ? NSG_PLATFORM_LINUX : NSG_PLATFORM_WINDOWS;
	if (ctl->route_all)
		o.route_all = strcmp(ctl->route_all, "on") == 0 ? NSG_TRUE : NSG_FALSE;
	return o;
}

static int load_status(int r)
{
	switch (r) {
	case 0:
		return NSG_EXIT_DONE;
	case -EACCES:
	case -EPERM:
		return NSG_EXIT_NOT_PERMITTED;
	case -ENOMEM:
		return nsgctl_out_of_memory();
	default:
		return NSG_EXIT_POLICY;
	}
}

int nsgctl_load(const struct nsgctl *ctl, const char *directory, struct nsg_load_counts *counts,
		struct nsg_diag *diag, struct nsg_snapshot **ret)
{
	const struct nsg_snapshot_options options = {
	    .load = {.flatten = nsg_template_evaluate,
		     .parameters_path = ctl->parameters,
		     .counts = counts},
	    .effective = effective_options(ctl),
	};

	return load_status(nsg_snapshot_load(directory, &options, NULL, diag, ret));
}

static int open_directory(struct nsgctl_session *s)
{
	struct nsg_diag diag = {0};
	int status = nsgctl_load(s->ctl, s->ctl->policy, NULL, &diag, &s->snapshot);

	nsgctl_print_diag(&diag, stderr);
	if (!status && s->ctl->strict && diag.n_warnings) {
		status = nsgctl_fail(NSG_EXIT_POLICY, "--strict: warnings are treated as errors");
	}
	nsg_diag_done(&diag);
	return status;
}

static int ask_directory(struct nsgctl_session *s, const char *verb, json_t *args,
			 int (*data)(void *closure, json_t *item), void *closure)
{
	struct nsg_diag diag = {0};
	int r = nsg_explain_answer(s->snapshot->effective, s->snapshot->image, verb, args, data,
				   closure, &diag);

	nsgctl_print_diag(&diag, stderr);
	nsg_diag_done(&diag);
	if (r == -ENOMEM)
		return nsgctl_out_of_memory();
	return r < 0 ? NSG_EXIT_FAILED : r;
}

/* ---- a daemon ------------------------------------------------------------------------------- */

static int talk_status(const struct nsgctl_session *s, int r)
{
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
		return nsgctl_fail(NSG_EXIT_NO_DAEMON, "no nsgd is running at %s%s", s->path,
				   s->ctl->verb->works & NSGCTL_OFFLINE
				       ? " (use -p DIR to read a policy directory)"
				       : "");
	case -EACCES:
	case -EPERM:
		return nsgctl_fail(
		    NSG_EXIT_NOT_PERMITTED,
		    "permission denied: %s can be used by root and the socket's group", s->path);
	case -ECONNRESET:
	case -EPIPE:
		return nsgctl_fail(NSG_EXIT_NO_DAEMON, "nsgd at %s closed the connection", s->path);
	case -EBADMSG:
		return nsgctl_fail(NSG_EXIT_FAILED, "%s: invalid reply: not the protocol of nsgd",
				   s->path);
	default:
		return nsgctl_fail(NSG_EXIT_FAILED, "%s: %s", s->path, strerror(-r));
	}
}

static int open_daemon(struct nsgctl_session *s)
{
	const char *instance = s->ctl->instance ? s->ctl->instance : DEFAULT_INSTANCE;
	int n;

	n = s->ctl->socket
		? snprintf(s->path, sizeof(s->path), "%s", s->ctl->socket)
		: snprintf(s->path, sizeof(s->path), NSG_CONTROL_DIRECTORY "/%s.sock", instance);
	if (n < 0 || (size_t)n >= sizeof(s->path))
		return nsgctl_fail(NSG_EXIT_USAGE, "the path of the socket is too long");
	s->fd = nsg_control_connect(s->path);
	return s->fd < 0 ? talk_status(s, s->fd) : 0;
}

bool nsgctl_session_follow(struct nsgctl_session *s)
{
	const struct timespec pause = {.tv_nsec = REOPEN_PAUSE_NS};

	(void)close(s->fd);
	s->fd = -1;
	for (int i = 0; i < REOPEN_TRIES && !*s->interrupted; i++) {
		/* first: one that closes every connection would be asked without a pause */
		(void)nanosleep(&pause, NULL);
		if (!*s->interrupted)
			s->fd = nsg_control_connect(s->path);
		if (s->fd >= 0)
			return true;
	}
	return false;
}

/* nsgd disconnects a client that has asked nothing for a minute, e.g. because its own input waits. */
static int reopen_daemon(struct nsgctl_session *s)
{
	char byte;

	if (recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
		return 0;
	(void)close(s->fd);
	s->fd = -1;
	return open_daemon(s);
}

/* Distinguishes a result of the callback from an error of the connection. */
struct relay {
	int (*data)(void *closure, json_t *item);
	void *closure;
	bool ended;
};

static int relay(void *closure, json_t *item)
{
	struct relay *relay = closure;
	int r = relay->data(relay->closure, item);

	relay->ended = r != 0;
	return r;
}

/* The exit status after a request that returned r. */
static int end_talk(const struct nsgctl_session *s, int r, bool ended, int status,
		    struct nsg_diag *diag)
{
	nsgctl_print_diag(diag, stderr);
	nsg_diag_done(diag);
	if (ended)
		return r < 0 ? NSG_EXIT_FAILED : r;
	if (r < 0 && s->interrupted && *s->interrupted)
		return NSG_EXIT_DONE;
	if (s->follows && (r == -ECONNRESET || r == -EPIPE))
		return NSGCTL_SESSION_ENDED;
	return r < 0 ? talk_status(s, r) : status;
}

static int ask_daemon(struct nsgctl_session *s, const char *verb, json_t *args,
		      int (*data)(void *closure, json_t *item), void *closure)
{
	struct relay through = {.data = data, .closure = closure};
	struct nsg_diag diag = {0};
	int status = reopen_daemon(s);
	int r;

	if (status)
		return status;
	r = nsg_control_call(s->fd, verb, args, relay, &through, &diag, &status);
	return end_talk(s, r, through.ended, status, &diag);
}

struct passing {
	bool failed;
};

/* Whether the item is {"lost":N}. It has no NUL. */
static bool reads_missed(const char *item, size_t n, unsigned long long *ret)
{
	static const char key[] = "{\"lost\":";
	char number[24];

	if (n < sizeof(key) || n > sizeof(key) + sizeof(number) - 2 ||
	    memcmp(item, key, sizeof(key) - 1) != 0)
		return false;
	(void)snprintf(number, sizeof(number), "%.*s", (int)(n - sizeof(key)),
		       item + sizeof(key) - 1);
	*ret = strtoull(number, NULL, 10);
	return true;
}

/* nsgd looks up the sockets of some hundred packets a second at most. */
#define SOCKET_KEY ",\"socket\":"

static int pass_with_command(struct passing *p, const char *item, size_t n)
{
	cleanup_json json_t *decision = nsg_json_load(item, n, JSON_REJECT_DUPLICATES, NULL);

	p->failed =
	    !decision || nsgctl_command_add(decision) < 0 || nsgctl_print_line(decision) < 0;
	return p->failed ? NSG_EXIT_FAILED : 0;
}

/* Flushes only when no more items have arrived, which saves a system call per line. */
static int pass(void *closure, const char *item, size_t n)
{
	struct passing *p = closure;
	unsigned long long missed;
	bool ok;

	if (item && reads_missed(item, n, &missed)) {
		nsgctl_report_missed(missed);
		return 0;
	}
	if (item && memmem(item, n, SOCKET_KEY, sizeof(SOCKET_KEY) - 1))
		return pass_with_command(p, item, n);
	ok = item ? fwrite(item, n, 1, stdout) == 1 && putc('\n', stdout) != EOF
		  : fflush(stdout) == 0;

	p->failed = !ok;
	return ok ? 0 : NSG_EXIT_FAILED;
}

/* ---- either --------------------------------------------------------------------------------- */

int nsgctl_session_open(const struct nsgctl *ctl, struct nsgctl_session *ret)
{
	*ret = (struct nsgctl_session){.ctl = ctl, .live = !ctl->policy, .fd = -1};
	return ret->live ? open_daemon(ret) : open_directory(ret);
}

int nsgctl_session_pass(struct nsgctl_session *s, const char *verb, json_t *args)
{
	struct passing passing = {0};
	struct nsg_diag diag = {0};
	int status = NSG_EXIT_FAILED;
	int r = nsg_control_pass(s->fd, verb, args, pass, &passing, &diag, &status);

	return end_talk(s, r, passing.failed, status, &diag);
}

int nsgctl_session_ask(struct nsgctl_session *s, const char *verb, json_t *args,
		       int (*data)(void *closure, json_t *item), void *closure)
{
	return s->live ? ask_daemon(s, verb, args, data, closure)
		       : ask_directory(s, verb, args, data, closure);
}

void nsgctl_session_close(struct nsgctl_session *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	s->snapshot = nsg_snapshot_free(s->snapshot);
}
