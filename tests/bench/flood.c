/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sender that does nothing else: UDP packets as fast as one core makes them, or round trips.
 *
 *	flood CPU SECONDS FLOWS ADDRESS:PORT [SIZE [OTHERS [MOST]]]
 *	                                               FLOWS sockets in turn; 0: a new socket each time
 *	flood CPU SECONDS ping ADDRESS:PORT            the far end echoes: one at a time
 *	flood CPU SECONDS first|first-other ADDRESS:PORT
 *	                                               the same, each from a new socket; to other addresses
 *	flood CPU SECONDS distance CPU                 a cache line, back and forth between two cores
 *
 * Other addresses are 10.230.0.1 and on, each used once. OTHERS in a hundred of new sockets send to
 * them; at most MOST packets are sent. A new socket has a tuple that none before had.
 *
 * Above MAX_SOCKETS flows each socket sends to several ports in turn. SIZE counts the headers; above
 * MAX_FRAME the kernel gets it in one piece and cuts it as late as it can (GSO).
 *
 * Prints "sent=N errors=N seconds=S cpu_us=N", for ping "round_trips=N median_ns=N", for distance
 * the nanoseconds of a round trip.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include "util/clock.h"
#include "util/macro.h"

#define UDP_AND_IP 28
#define MAX_FRAME 1500
#define MAX_SOCKETS 10000 /* of descriptors and ephemeral ports there are more everywhere */
#define MAX_FLOWS 200000
#define MAX_ROUND_TRIPS 2000000
#define LOOK_EVERY 64

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_flow(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = 8 << 20;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("socket");
	/* What waits in the queue is the socket's: the queue, not the socket, is to be the limit.
	 */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return NSG_CMP(x, y);
}

static int open_patient(const struct sockaddr_in *to)
{
	const struct timeval patience = {.tv_sec = 1};
	int fd = open_flow(to);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static struct sockaddr_in next_other(const struct sockaddr_in *to)
{
	static uint32_t others_host = 0x0ae60001; /* 10.230.0.1 */
	struct sockaddr_in other = *to;

	other.sin_addr.s_addr = htonl(others_host++);
	return other;
}

static void ping(const struct sockaddr_in *to, uint64_t end_ns, bool anew, bool others)
{
	uint64_t *times = calloc(MAX_ROUND_TRIPS, sizeof(*times));
	int fd = open_patient(to);
	size_t n = 0;
	char byte = 0;

	if (!times)
		die("memory");
	while (nsg_clock_ns(CLOCK_MONOTONIC) < end_ns && n < MAX_ROUND_TRIPS) {
		uint64_t start_ns;

		if (anew) {
			const struct sockaddr_in next = others ? next_other(to) : *to;

			(void)close(fd);
			fd = open_patient(&next);
		}
		start_ns = nsg_clock_ns(CLOCK_MONOTONIC);
		if (send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1)
			times[n++] = nsg_clock_ns(CLOCK_MONOTONIC) - start_ns;
	}
	qsort(times, n, sizeof(*times), compare);
	(void)printf("round_trips=%zu median_ns=%llu\n", n,
		     n ? (unsigned long long)times[n / 2] : 0ull);
	(void)close(fd);
	free(times);
}

/* A descriptor each: more than a process usually has. */
static void allow_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		die("RLIMIT_NOFILE");
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		die("RLIMIT_NOFILE");
}

static int open_flow_of_size(const struct sockaddr_in *to, size_t size)
{
	int fd = open_flow(to), segment = MAX_FRAME - UDP_AND_IP;

	if (size > (size_t)segment &&
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
		die("UDP_SEGMENT");
	return fd;
}

/* Of new sockets. */
struct mix {
	unsigned int others; /* in a hundred */
	uint64_t most;
};

/* The ports of a host come round before a second has passed: more than one destination port, of as
 * many as the sink counts. */
#define SOURCE_PORTS 60000u
#define DESTINATION_PORTS 20u

static int open_new(const struct sockaddr_in *to, const struct mix *mix, uint64_t i)
{
	const bool other = i * 37 % 100 < mix->others; /* evenly: 37 is prime to 100 */
	struct sockaddr_in next = other ? next_other(to) : *to;
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)(2000 + i % SOURCE_PORTS))};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!other)
		next.sin_port =
		    htons((uint16_t)(ntohs(to->sin_port) + i / SOURCE_PORTS % DESTINATION_PORTS));
	/* a port that is taken: any other */
	if (fd < 0 ||
	    (bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0 && errno != EADDRINUSE) ||
	    connect(fd, (const struct sockaddr *)&next, sizeof(next)) < 0)
		die("socket");
	return fd;
}

static void flood(const struct sockaddr_in *to, double seconds, size_t flows, size_t size,
		  const struct mix *mix)
{
	const size_t sockets = flows < MAX_SOCKETS ? flows : MAX_SOCKETS;
	int *fds = calloc(sockets ? sockets : 1, sizeof(*fds));
	char *payload = calloc(1, size ? size : 1);
	uint64_t start_ns, end_ns, sent = 0, errors = 0;
	struct rusage r;

	if (!fds || !payload)
		die("memory");
	allow_descriptors();
	for (size_t i = 0; i < sockets; i++)
		fds[i] = open_flow_of_size(to, size);
	start_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	end_ns = start_ns + (uint64_t)(seconds * 1e9);
	for (uint64_t i = 0;
	     i < mix->most && (i % LOOK_EVERY || nsg_clock_ns(CLOCK_MONOTONIC) < end_ns); i++) {
		size_t flow = flows ? i % flows : 0;
		int fd = flows ? fds[flow % sockets] : open_new(to, mix, i);
		struct sockaddr_in port = *to;
		ssize_t n;

		port.sin_port = htons((uint16_t)(ntohs(to->sin_port) + flow / MAX_SOCKETS));
		n = flow < MAX_SOCKETS ? send(fd, payload, size, 0)
				       : sendto(fd, payload, size, 0,
						(const struct sockaddr *)&port, sizeof(port));
		if (n < 0)
			errors++;
		else
			sent++;
		if (!flows)
			(void)close(fd);
	}
	(void)getrusage(RUSAGE_SELF, &r);
	(void)printf("sent=%llu errors=%llu seconds=%.6f cpu_us=%llu\n", (unsigned long long)sent,
		     (unsigned long long)errors,
		     (double)(nsg_clock_ns(CLOCK_MONOTONIC) - start_ns) / 1e9,
		     (unsigned long long)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
			 (unsigned long long)(r.ru_utime.tv_usec + r.ru_stime.tv_usec));
	free(payload);
	free(fds);
}

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		die("affinity");
}

static _Atomic uint64_t line __attribute__((aligned(64)));
static _Atomic int over;

/* Odd numbers are answered by the next even one. */
static void *answer(void *cpu)
{
	pin(*(int *)cpu);
	while (!atomic_load(&over)) {
		uint64_t n = atomic_load(&line);

		if (n & 1)
			atomic_store(&line, n + 1);
	}
	return NULL;
}

static void distance(int cpu, uint64_t end_ns)
{
	uint64_t start_ns = nsg_clock_ns(CLOCK_MONOTONIC), rounds = 0;
	pthread_t thread;

	if (pthread_create(&thread, NULL, answer, &cpu))
		die("thread");
	for (; rounds % LOOK_EVERY || nsg_clock_ns(CLOCK_MONOTONIC) < end_ns; rounds++) {
		uint64_t n = atomic_load(&line) + 1;

		atomic_store(&line, n);
		while (atomic_load(&line) == n)
			;
	}
	(void)printf("%.0f\n", (double)(nsg_clock_ns(CLOCK_MONOTONIC) - start_ns) / (double)rounds);
	atomic_store(&over, 1);
	(void)pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint64_t end_ns;
	double seconds;
	char *colon;

	if (argc < 5) {
		(void)fprintf(stderr,
			      "usage: flood CPU SECONDS FLOWS|ping|first|first-other|distance "
			      "ADDRESS:PORT|CPU [SIZE [OTHERS [MOST]]]\n");
		return 2;
	}
	pin(atoi(argv[1]));
	seconds = atof(argv[2]);
	end_ns = nsg_clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	if (strcmp(argv[3], "distance") == 0) {
		distance(atoi(argv[4]), end_ns);
		return 0;
	}
	colon = strchr(argv[4], ':');
	if (colon)
		*colon = '\0';
	to.sin_port = htons((uint16_t)atoi(colon ? colon + 1 : "9"));
	if (inet_pton(AF_INET, argv[4], &to.sin_addr) != 1)
		return 2;
	if (strcmp(argv[3], "ping") == 0) {
		ping(&to, end_ns, false, false);
	} else if (strcmp(argv[3], "first") == 0) {
		ping(&to, end_ns, true, false);
	} else if (strcmp(argv[3], "first-other") == 0) {
		ping(&to, end_ns, true, true);
	} else {
		const struct mix mix = {
		    .others = argc > 6 ? (unsigned int)atoi(argv[6]) : 0,
		    .most = argc > 7 ? strtoull(argv[7], NULL, 0) : UINT64_MAX,
		};
		size_t flows = strtoul(argv[3], NULL, 0);
		size_t size = argc > 5 ? strtoul(argv[5], NULL, 0) : 64;

		flood(&to, seconds, flows < MAX_FLOWS ? flows : MAX_FLOWS,
		      size > UDP_AND_IP ? size - UDP_AND_IP : 0, &mix);
	}
	return 0;
}
