/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Echo servers that count what they got: one thread, epoll, replies from the address asked. */
#include "traffic.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind {
	SIGNALS,
	UDP,  /* echoes */
	SINK, /* UDP, counts only */
	LISTENER,
	STREAM,
};

struct server {
	int epoll;
	unsigned long datagrams, datagram_bytes, streams, stream_bytes;
	char buffer[65536];
};

static void watch(struct server *s, int fd, enum kind kind)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)kind << 32 | (uint32_t)fd};

	if (fd < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		perror("traffic serve");
		exit(1);
	}
}

static void open_port(struct server *s, const char *text)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool tcp = n == 3 && !memcmp(text, "tcp", 3), sink = n == 4 && !memcmp(text, "sink", 4);
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd;

	if (!tcp && !sink && !(n == 3 && !memcmp(text, "udp", 3))) {
		fprintf(stderr, "traffic serve: %s is not tcp:PORT, udp:PORT or sink:PORT\n", text);
		exit(2);
	}
	address.sin_port = htons((uint16_t)traffic_number(colon + 1, 65535));
	fd = socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (!tcp) {
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){1}, sizeof(int));
		/* The test counts what the network delivered, not what this buffer held. */
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){64 << 20}, sizeof(int)) < 0)
			(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){64 << 20}, sizeof(int));
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (tcp && listen(fd, 4096) < 0)) {
		perror(text);
		exit(1);
	}
	watch(s, fd, tcp ? LISTENER : sink ? SINK : UDP);
}

static void receive_datagrams(struct server *s, int fd, bool echo)
{
	for (int i = 0; i < 256; i++) {
		char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct sockaddr_in peer;
		struct iovec iov = {s->buffer, sizeof(s->buffer)};
		struct msghdr m = {.msg_name = &peer,
				   .msg_namelen = sizeof(peer),
				   .msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		struct cmsghdr *c;
		ssize_t n = recvmsg(fd, &m, 0);

		if (n < 0)
			return;
		s->datagrams++;
		s->datagram_bytes += (unsigned long)n;
		if (!echo)
			continue;
		c = CMSG_FIRSTHDR(&m);
		if (c && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			info.ipi_spec_dst = info.ipi_addr;
			info.ipi_ifindex = 0;
			memcpy(CMSG_DATA(c), &info, sizeof(info));
		}
		iov.iov_len = (size_t)n;
		(void)sendmsg(fd, &m, 0);
	}
}

static void receive_stream(struct server *s, int fd)
{
	ssize_t n = read(fd, s->buffer, sizeof(s->buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	s->stream_bytes += (unsigned long)n;
	/* Short lines are echoed; a bulk sender reads nothing until it has sent all. */
	if (n <= 1024 && write(fd, s->buffer, (size_t)n) < 0)
		close(fd);
}

static void accept_stream(struct server *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		s->streams++;
		watch(s, fd, STREAM);
	}
}

int traffic_serve(int argc, char **argv)
{
	static struct server s;
	sigset_t signals;

	traffic_raise_files();
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 1; i < argc; i++)
		open_port(&s, argv[i]);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	watch(&s, signalfd(-1, &signals, SFD_CLOEXEC), SIGNALS);
	puts("ready");
	for (;;) {
		struct epoll_event e[64];
		int n = epoll_wait(s.epoll, e, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = (int)(uint32_t)e[i].data.u64;
			struct signalfd_siginfo info;

			switch ((enum kind)(e[i].data.u64 >> 32)) {
			case SIGNALS:
				if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
					printf("counts datagrams=%lu bytes=%lu streams=%lu "
					       "stream_bytes=%lu\n",
					       s.datagrams, s.datagram_bytes, s.streams,
					       s.stream_bytes);
				break;
			case UDP:
			case SINK:
				receive_datagrams(&s, fd, e[i].data.u64 >> 32 == UDP);
				break;
			case LISTENER:
				accept_stream(&s, fd);
				break;
			case STREAM:
				receive_stream(&s, fd);
				break;
			}
		}
	}
}
