/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --watch: the same question once a second, until interrupted. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "nsgctl/nsgctl.h"

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t daemon_fd = -1;

/* A wait for the daemon ends, too. */
static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
	(void)shutdown((int)daemon_fd, SHUT_RDWR);
}

void nsgctl_interruptible(struct nsgctl_session *session)
{
	const struct sigaction action = {.sa_handler = interrupt};

	daemon_fd = session->fd;
	session->interrupted = &interrupted;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGALRM, &action, NULL); /* --for */
}

void nsgctl_watch_begin(const struct nsgctl *ctl, struct nsgctl_session *session)
{
	if (ctl->watch)
		nsgctl_interruptible(session);
}

bool nsgctl_watch_clear(const struct nsgctl *ctl)
{
	const char *type = getenv("TERM");

	if (interrupted)
		return false;
	/* ECMA-48: cursor to the top left, erase what follows */
	if (ctl->watch && ctl->form == NSGCTL_TABLE && isatty(STDOUT_FILENO) && type &&
	    strcmp(type, "dumb") != 0)
		fputs("\033[H\033[J", stdout);
	return true;
}

bool nsgctl_watch_wait(const struct nsgctl *ctl)
{
	const struct timespec second = {.tv_sec = 1};

	if (!ctl->watch || interrupted || fflush(stdout) != 0)
		return false;
	(void)nanosleep(&second, NULL);
	return !interrupted;
}
