/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "explain/render.h"
#include "nsgctl/filter.h"
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"

struct trace {
	const struct nsgctl *ctl;
	struct nsgctl_filter filter;
};

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t trace_fd = -1;

/* Ends the talk: the reader sees the connection closed. */
static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
	(void)shutdown((int)trace_fd, SHUT_RDWR);
}

static int print_decision(void *closure, json_t *item)
{
	struct trace *t = closure;

	if (!nsgctl_filter_passes(&t->filter, item))
		return 0;
	if (t->ctl->form == NSGCTL_TABLE)
		nsg_render_decision(item, true, t->ctl->color, stdout);
	else if (nsgctl_print_line(item) < 0)
		return NSG_EXIT_FAILED;
	return fflush(stdout) == 0 ? 0 : NSG_EXIT_FAILED;
}

int nsgctl_trace(struct nsgctl *ctl)
{
	__attribute__((cleanup(nsgctl_session_close))) struct nsgctl_session session = { .fd = -1 };
	cleanup_json json_t *args = json_pack("{sb}", "payload", 0);
	const struct sigaction action = { .sa_handler = interrupt };
	struct trace trace = { .ctl = ctl };
	const char *why;
	char part[128];
	int status;

	if (ctl->filter && nsgctl_filter_parse(ctl->filter, &trace.filter, &why, part) < 0)
		return nsgctl_fail(NSG_EXIT_USAGE, "--filter: \"%s\" %s", part, why);
	status = nsgctl_session_open(ctl, &session);
	if (status)
		return status;
	session.interrupted = &interrupted;
	trace_fd = session.fd;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	if (ctl->form == NSGCTL_TABLE)
		nsg_render_decision_header(true, stdout);
	return nsgctl_session_ask(&session, "trace", args, print_decision, &trace);
}
