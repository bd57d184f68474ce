/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct sockaddr_in traffic_address(const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char ip[INET_ADDRSTRLEN + 1] = "";
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n < sizeof(ip))
		memcpy(ip, text, n);
	if (inet_pton(AF_INET, ip, &address.sin_addr) != 1) {
		fprintf(stderr, "traffic: %s is not an address\n", text);
		exit(2);
	}
	if (colon)
		address.sin_port = htons((uint16_t)traffic_number(colon + 1, 65535));
	return address;
}

unsigned long traffic_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 0);
	if (errno || end == text || *end || n > max) {
		fprintf(stderr, "traffic: %s is not a number up to %lu\n", text, max);
		exit(2);
	}
	return n;
}

uint64_t traffic_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void traffic_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int traffic_wait(int fd, short events, int *timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r = 0;

	while (r == 0 && *timeout_ms > 0) {
		r = poll(&p, 1, 1);
		*timeout_ms -= r == 0;
	}
	return r;
}

int traffic_connect(const struct sockaddr_in *from, const struct sockaddr_in *to, uint32_t mark,
		    int timeout_ms)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if ((mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) ||
	    (from && bind(fd, (const struct sockaddr *)from, sizeof(*from)) < 0))
		goto fail;
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		if (errno != EINPROGRESS)
			goto fail;
		if (traffic_wait(fd, POLLOUT, &timeout_ms) == 0) {
			errno = ETIMEDOUT;
			goto fail;
		}
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
			goto fail;
		if (error) {
			errno = error;
			goto fail;
		}
	}
	return fd;
fail:
	error = errno;
	close(fd);
	return -error;
}

long traffic_read(int fd, char *buffer, unsigned long n, int timeout_ms)
{
	unsigned long got = 0;

	while (got < n) {
		ssize_t r;

		if (traffic_wait(fd, POLLIN, &timeout_ms) == 0)
			break;
		r = read(fd, buffer + got, n - got);
		if (r < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (unsigned long)r;
	}
	return (long)got;
}

/* A line on standard input goes to the peer; what comes back within a second is told. */
int traffic_hold(int argc, char **argv)
{
	struct sockaddr_in from, to;
	char line[1024], back[1024];
	int fd;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: traffic hold IP:PORT [FROM[:PORT]]\n");
		return 2;
	}
	to = traffic_address(argv[1]);
	if (argc == 3)
		from = traffic_address(argv[2]);
	fd = traffic_connect(argc == 3 ? &from : NULL, &to, 0, 2000);
	if (fd < 0) {
		printf("failed %s\n", strerrorname_np(-fd));
		return 1;
	}
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long n = strlen(line);
		long got = -1;

		if (write(fd, line, n) == (ssize_t)n)
			got = traffic_read(fd, back, n, 1000);
		printf("%s %s", got == (long)n && !memcmp(line, back, n) ? "echo" : "lost", line);
	}
	close(fd);
	return 0;
}

/* What a service tells its manager (sd_notify(3)), a line each. */
int traffic_notify(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char message[4096];

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: traffic notify SOCKET\n");
		return 2;
	}
	memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 1;
	}
	puts("ready");
	for (;;) {
		char control[CMSG_SPACE(64 * sizeof(int))];
		struct iovec iov = {message, sizeof(message) - 1};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return 1;
		message[n] = '\0';
		printf("%s%s", message, n && message[n - 1] == '\n' ? "" : "\n");
	}
}

/* One thread of a program stands still until this process ends; its others go on. */
int traffic_freeze(int argc, char **argv)
{
	pid_t tid;

	if (argc != 2) {
		fprintf(stderr, "usage: traffic freeze THREAD-ID\n");
		return 2;
	}
	tid = (pid_t)traffic_number(argv[1], INT32_MAX);
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 || waitpid(tid, NULL, __WALL) != tid) {
		perror("traffic freeze");
		return 1;
	}
	puts("ready");
	for (;;)
		pause();
}

static const struct {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
    {"send", "PROTO IP[:PORT]: packets or connections, counted", traffic_send},
    {"serve", "tcp:PORT|udp:PORT|sink:PORT ...: echoes and counts (SIGUSR1 prints)", traffic_serve},
    {"sniff", "[IF]: a line for every IPv4 packet that comes or goes", traffic_sniff},
    {"hold", "IP:PORT [FROM]: a connection that stays, driven by standard input", traffic_hold},
    {"pump", "PPS FROM IP:FIRST-PORT: datagrams of many flows until SIGTERM", traffic_pump},
    {"latency", "IP:PORT|SOCKET MS: first packets or requests, timed until SIGTERM",
     traffic_latency},
    {"follow", "IP:PORT COMMAND...: the time until the destination answers", traffic_follow},
    {"notify", "SOCKET: prints what a daemon tells its service manager", traffic_notify},
    {"freeze", "THREAD-ID: stops one thread until this process ends", traffic_freeze},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(stderr, "traffic %s %s\n", verbs[i].name, verbs[i].help);
	return 2;
}
