/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long others wait: for the decision on a first packet, for the event loop, for a route. */
#include "traffic.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000ull
enum { MAX_TRIPS = 1000000, PATIENCE_MS = 1000 };

/* Answered by the daemon from its event loop, without looking anything up. */
static const char request[] = "{\"version\":1,\"verb\":\"latency\"}\n";

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(uint64_t *ns, size_t n, size_t lost)
{
	qsort(ns, n, sizeof(*ns), compare);
	printf("trips=%zu lost=%zu", n, lost);
	if (n)
		printf(" median_us=%.1f p99_us=%.1f max_us=%.1f", (double)ns[n / 2] / 1e3,
		       (double)ns[n * 99 / 100] / 1e3, (double)ns[n - 1] / 1e3);
	printf("\n");
}

static bool wait_for(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static int open_datagrams(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		perror("traffic latency: socket");
		exit(1);
	}
	return fd;
}

/* The first datagram of a flow and its echo. */
static bool trip(const struct sockaddr_in *to)
{
	int fd = open_datagrams(to);
	char byte = 0;
	bool back = send(fd, &byte, 1, 0) == 1 && wait_for(fd, PATIENCE_MS);

	close(fd);
	return back;
}

static bool ask(int fd)
{
	char reply[4096];
	ssize_t n;

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
		return false;
	do
		n = wait_for(fd, 60 * PATIENCE_MS) ? recv(fd, reply, sizeof(reply), 0) : -1;
	while (n > 0 && reply[n - 1] != '\n');
	return n > 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

int traffic_latency(int argc, char **argv)
{
	const bool control = argc > 2 && argv[1][0] == '/';
	uint64_t *ns = calloc(MAX_TRIPS, sizeof(*ns)), next_ns = traffic_now_ns(), interval_ns;
	struct sockaddr_in to = {0};
	size_t n = 0, lost = 0;
	int fd = -1;

	if (argc != 3 || !ns) {
		fprintf(stderr, "usage: traffic latency IP:PORT|SOCKET INTERVAL-MS\n");
		return 2;
	}
	if (control)
		fd = connect_to(argv[1]);
	else
		to = traffic_address(argv[1]);
	interval_ns = traffic_number(argv[2], 60000) * NS_PER_MS;
	(void)signal(SIGTERM, end);
	puts("ready");
	while (!ended && n < MAX_TRIPS) {
		uint64_t start_ns = traffic_now_ns(), now_ns;
		bool back = control ? ask(fd) : trip(&to);

		now_ns = traffic_now_ns();
		if (back)
			ns[n++] = now_ns - start_ns;
		else if (!ended)
			lost++;
		next_ns = now_ns > next_ns + interval_ns ? now_ns : next_ns + interval_ns;
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
				      &(struct timespec){(time_t)(next_ns / 1000000000u),
							 (long)(next_ns % 1000000000u)},
				      NULL);
	}
	print(ns, n, lost);
	free(ns);
	return 0;
}

/* Runs the command, which makes a destination reachable, and sends datagrams of new flows to it until
 * one is answered. */
int traffic_follow(int argc, char **argv)
{
	uint64_t start_ns = traffic_now_ns();
	struct sockaddr_in to;
	struct pollfd *p;
	const size_t limit = 15000; /* sockets, and milliseconds */
	size_t n = 0;
	bool back = false;
	char byte = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: traffic follow IP:PORT COMMAND...\n");
		return 2;
	}
	to = traffic_address(argv[1]);
	p = calloc(limit, sizeof(*p));
	traffic_raise_files();
	if (!p)
		return 1;
	if (fork() == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	for (; !back && n < limit; n++) {
		p[n] = (struct pollfd){.fd = open_datagrams(&to), .events = POLLIN};
		(void)send(p[n].fd, &byte, 1, 0);
		(void)poll(p, n + 1, 1);
		for (size_t i = 0; i <= n; i++)
			back |= p[i].revents & POLLIN;
	}
	printf("followed_us=%.1f\n", back ? (double)(traffic_now_ns() - start_ns) / 1e3 : -1.0);
	(void)wait(NULL);
	free(p);
	return back ? 0 : 1;
}
