/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nsgctl against something that listens on the daemon's socket and is not nsgd. The first line is
 * the command line, its words apart by one blank; the rest is what the other side sends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_WORDS 24

struct reply {
	const uint8_t *data;
	size_t size;
	pthread_t client;
	atomic_bool done; /* the next connection is the last */
};

static char directory[] = "/tmp/nsgd-fuzz-XXXXXX";
static char socket_path[sizeof(directory) + 16], write_path[sizeof(directory) + 16];
static int listener = -1;
static FILE *null;

static void clean_up(void)
{
	(void)unlink(socket_path);
	(void)unlink(write_path);
	(void)rmdir(directory);
}

static void set_up(void)
{
	struct nsg_diag diag = {0};

	if (!mkdtemp(directory))
		abort();
	(void)snprintf(socket_path, sizeof(socket_path), "%s/sock", directory);
	(void)snprintf(write_path, sizeof(write_path), "%s/capture", directory);
	(void)atexit(clean_up);
	listener = nsg_control_listen(socket_path, NULL, &diag);
	null = fopen("/dev/null", "we");
	if (listener < 0 || fcntl(listener, F_SETFL, 0) < 0 || !null)
		abort();
}

/* Says what it says, and hangs up. A trace would wait for another daemon: it is interrupted. */
static void answer(const struct reply *reply, int fd)
{
	static const char trace[] = "\"trace\"";
	char request[4096];
	bool traces = false;
	ssize_t n = 1;

	for (size_t sent = 0; n > 0 && sent < reply->size; sent += (size_t)n)
		n = send(fd, reply->data + sent, reply->size - sent, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	while ((n = recv(fd, request, sizeof(request), 0)) > 0)
		traces |= memmem(request, (size_t)n, trace, sizeof(trace) - 1) != NULL;
	if (traces)
		(void)pthread_kill(reply->client, SIGINT);
}

static void *serve(void *closure)
{
	struct reply *reply = closure;
	bool done = false;

	while (!done) {
		cleanup_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		done = atomic_load(&reply->done) || fd < 0;
		if (!done)
			answer(reply, fd);
	}
	return NULL;
}

/* Verbs that ask a daemon, and no file of the fuzzer's choice. */
static bool may_run(struct nsgctl *ctl)
{
	if (ctl->help || ctl->version || ctl->policy || ctl->batch || ctl->watch || ctl->duration ||
	    ctl->n_operands || !(ctl->verb->works & NSGCTL_LIVE) || ctl->verb->run == nsgctl_replay)
		return false;
	ctl->socket = socket_path;
	ctl->instance = NULL;
	if (ctl->write)
		ctl->write = write_path;
	return true;
}

static void run(struct nsgctl *ctl, const uint8_t *data, size_t size)
{
	struct reply reply = {.data = data, .size = size, .client = pthread_self()};
	pthread_t server;
	int fd;

	if (pthread_create(&server, NULL, serve, &reply) != 0)
		abort();
	ctl->term.color = true;
	if (ctl->verb->run(ctl) < NSG_EXIT_DONE)
		abort();
	/* A verb that refused its options never called: nobody shall wait for it. */
	atomic_store(&reply.done, true);
	fd = nsg_control_connect(socket_path);
	if (fd >= 0)
		(void)close(fd);
	(void)pthread_join(server, NULL);
}

static int cut_words(char *line, char *words[static MAX_WORDS])
{
	static char name[] = "nsgctl";
	int n = 0;

	words[n++] = name;
	for (char *word; n < MAX_WORDS && (word = strsep(&line, " "));)
		words[n++] = word;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	FILE *const terminal = stdout, *const errors = stderr;
	cleanup_free char *line = NULL;
	char *words[MAX_WORDS];
	struct nsgctl ctl;

	if (!null)
		set_up();
	if (!end)
		return 0;
	line = strndup((const char *)data, (size_t)(end - data));
	if (!line)
		return 0;
	stdout = stderr = null;
	if (!nsgctl_parse(cut_words(line, words), words, &ctl, null) && may_run(&ctl))
		run(&ctl, end + 1, size - (size_t)(end + 1 - data));
	stdout = terminal;
	stderr = errors;
	return 0;
}
