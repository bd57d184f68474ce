/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Senders: as many packets or connections as asked, every failure of the kernel's counted. */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FLOWS = 250000, MAX_THREADS = 64, MAX_PAYLOAD = 65507 };

struct sender {
	int protocol; /* IP's number; not TCP's or UDP's: a raw socket */
	struct sockaddr_in from, to;
	bool has_from;
	unsigned long per_flow, flows, rate, size, threads, segment;
	uint32_t mark;
	int wait_ms;
	char *payload;
	int *fds;
	atomic_ulong sent, errors, replies;
	atomic_int last_errno;
};

struct share {
	struct sender *s;
	unsigned long number;
};

static void count_error(struct sender *s, int error)
{
	atomic_fetch_add(&s->errors, 1);
	atomic_store(&s->last_errno, error);
}

static int open_flow(struct sender *s, unsigned long flow)
{
	bool udp = s->protocol == IPPROTO_UDP;
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC, s->protocol);
	struct sockaddr_in from = s->from;

	if (fd < 0) {
		perror("traffic send: socket");
		exit(1);
	}
	if (from.sin_port)
		from.sin_port = htons((uint16_t)(ntohs(from.sin_port) + flow));
	if (s->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &s->mark, sizeof(s->mark)) < 0) {
		perror("traffic send: SO_MARK");
		exit(1);
	}
	if (s->segment &&
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &(int){(int)s->segment}, sizeof(int)) < 0) {
		perror("traffic send: UDP_SEGMENT");
		exit(1);
	}
	if ((s->has_from && bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0) ||
	    connect(fd, (struct sockaddr *)&s->to, sizeof(s->to)) < 0) {
		perror("traffic send");
		exit(1);
	}
	return fd;
}

static void pace(const struct sender *s, uint64_t start_ns, unsigned long done)
{
	uint64_t due_ns, now_ns;

	if (!s->rate)
		return;
	due_ns = start_ns + done * s->threads * 1000000000u / s->rate;
	now_ns = traffic_now_ns();
	if (due_ns > now_ns + 50000) {
		struct timespec t = {.tv_sec = (time_t)((due_ns - now_ns) / 1000000000u),
				     .tv_nsec = (long)((due_ns - now_ns) % 1000000000u)};

		nanosleep(&t, NULL);
	}
}

static void send_packet(struct sender *s, unsigned long flow, uint16_t sequence)
{
	char *payload = s->payload;
	char echo[MAX_PAYLOAD];

	if (s->protocol == IPPROTO_ICMP) {
		struct icmphdr h = {.type = ICMP_ECHO,
				    .un.echo.id = htons((uint16_t)flow),
				    .un.echo.sequence = htons(sequence)};
		uint32_t sum = 0;

		memcpy(echo, &h, sizeof(h));
		memcpy(echo + sizeof(h), payload, s->size - sizeof(h));
		for (unsigned long i = 0; i + 1 < s->size; i += 2)
			sum += (uint32_t)(uint8_t)echo[i] << 8 | (uint8_t)echo[i + 1];
		if (s->size & 1)
			sum += (uint32_t)(uint8_t)echo[s->size - 1] << 8;
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		h.checksum = htons((uint16_t)~sum);
		memcpy(echo, &h, sizeof(h));
		payload = echo;
	}
	if (send(s->fds[flow], payload, s->size, 0) == (ssize_t)s->size)
		atomic_fetch_add(&s->sent, 1);
	else
		count_error(s, errno);
}

static void *send_share(void *closure)
{
	struct share *share = closure;
	struct sender *s = share->s;
	uint64_t start_ns = traffic_now_ns();
	unsigned long total = s->flows * s->per_flow, done = 0;

	for (unsigned long i = share->number; i < total; i += s->threads) {
		pace(s, start_ns, done++);
		send_packet(s, i % s->flows, (uint16_t)(i / s->flows));
	}
	return NULL;
}

static void count_replies(struct sender *s)
{
	unsigned long expected = atomic_load(&s->sent);
	int turns = s->wait_ms; /* see traffic_wait */
	char buffer[65536];

	while (atomic_load(&s->replies) < expected && turns > 0) {
		bool any = false;

		for (unsigned long i = 0; i < s->flows; i++) {
			while (recv(s->fds[i], buffer, sizeof(buffer), MSG_DONTWAIT) >= 0) {
				atomic_fetch_add(&s->replies, 1);
				any = true;
			}
			if (errno != EAGAIN)
				atomic_store(&s->last_errno, errno);
		}
		if (!any) {
			poll(NULL, 0, 1);
			turns--;
		}
	}
}

static void *connect_share(void *closure)
{
	struct share *share = closure;
	struct sender *s = share->s;
	unsigned long total = s->flows * s->per_flow;

	for (unsigned long i = share->number; i < total; i += s->threads) {
		struct sockaddr_in from = s->from;
		char back[1024];
		size_t echoed = s->size < sizeof(back) ? s->size : sizeof(back);
		unsigned long at = 0;
		int fd;

		if (from.sin_port)
			from.sin_port = htons((uint16_t)(ntohs(from.sin_port) + i));
		fd = traffic_connect(s->has_from ? &from : NULL, &s->to, s->mark, s->wait_ms);
		if (fd < 0) {
			count_error(s, -fd);
			continue;
		}
		atomic_fetch_add(&s->sent, 1);
		while (at < s->size) {
			size_t piece = s->size - at < MAX_PAYLOAD ? s->size - at : MAX_PAYLOAD;
			ssize_t n = send(fd, s->payload, piece, MSG_NOSIGNAL);
			int turns = s->wait_ms;

			if (n < 0 && errno == EAGAIN && traffic_wait(fd, POLLOUT, &turns) == 1)
				continue;
			if (n < 0)
				break;
			at += (unsigned long)n;
		}
		if (at == s->size && s->size > sizeof(back)) {
			/* Bulk: the peer has read all when it answers our end with its own. */
			shutdown(fd, SHUT_WR);
			while (traffic_read(fd, back, sizeof(back), s->wait_ms) > 0)
				;
			atomic_fetch_add(&s->replies, 1);
		} else if (at == s->size &&
			   traffic_read(fd, back, echoed, s->wait_ms) == (long)echoed) {
			atomic_fetch_add(&s->replies, 1);
		}
		close(fd);
	}
	return NULL;
}

static int protocol_number(const char *name)
{
	if (!strcmp(name, "tcp"))
		return IPPROTO_TCP;
	if (!strcmp(name, "udp"))
		return IPPROTO_UDP;
	if (!strcmp(name, "icmp"))
		return IPPROTO_ICMP;
	return (int)traffic_number(name, 255);
}

static void parse(struct sender *s, int argc, char **argv)
{
	const char *token = "nsgd";
	size_t n, room;
	int c;

	while ((c = getopt(argc, argv, "f:G:j:l:m:n:r:s:t:w:")) >= 0) {
		switch (c) {
		case 'f':
			s->flows = traffic_number(optarg, MAX_FLOWS);
			break;
		case 'G':
			s->segment = traffic_number(optarg, 65535);
			break;
		case 'j':
			s->threads = traffic_number(optarg, MAX_THREADS);
			break;
		case 'l':
			s->size = traffic_number(optarg, 1ul << 40);
			break;
		case 'm':
			s->mark = (uint32_t)traffic_number(optarg, UINT32_MAX);
			break;
		case 'n':
			s->per_flow = traffic_number(optarg, 1ul << 40);
			break;
		case 'r':
			s->rate = traffic_number(optarg, 1ul << 30);
			break;
		case 's':
			s->from = traffic_address(optarg);
			s->has_from = true;
			break;
		case 't':
			token = optarg;
			break;
		case 'w':
			s->wait_ms = (int)traffic_number(optarg, 600000);
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2 || !s->flows || !s->threads) {
		fprintf(stderr,
			"usage: traffic send [-f FLOWS] [-n PACKETS-PER-FLOW] [-l SIZE]\n"
			"	[-r PPS] [-j THREADS] [-s FROM[:PORT]] [-t TEXT] [-m MARK]\n"
			"	[-G UDP-SEGMENT] [-w WAIT-FOR-REPLIES-MS] PROTO IP[:PORT]\n");
		exit(2);
	}
	s->protocol = protocol_number(argv[optind]);
	s->to = traffic_address(argv[optind + 1]);
	n = strlen(token);
	if (!s->size)
		s->size = n + (s->protocol == IPPROTO_ICMP ? sizeof(struct icmphdr) : 0);
	if (s->protocol == IPPROTO_ICMP && s->size < sizeof(struct icmphdr))
		s->size = sizeof(struct icmphdr);
	if (s->protocol != IPPROTO_TCP && s->size > MAX_PAYLOAD)
		s->size = MAX_PAYLOAD;
	room = s->size > n ? s->size : n;
	if (room > MAX_PAYLOAD)
		room = MAX_PAYLOAD;
	s->payload = malloc(room);
	if (!s->payload)
		exit(1);
	memset(s->payload, ' ', room);
	memcpy(s->payload, token, n < room ? n : room);
}

int traffic_send(int argc, char **argv)
{
	static struct sender s = {.per_flow = 1, .flows = 1, .threads = 1};
	pthread_t threads[MAX_THREADS];
	struct share shares[MAX_THREADS];
	uint64_t start_ns;
	int error;

	parse(&s, argc, argv);
	traffic_raise_files();
	if (s.protocol == IPPROTO_TCP) {
		s.wait_ms = s.wait_ms ? s.wait_ms : 1000;
	} else {
		s.fds = calloc(s.flows, sizeof(*s.fds));
		if (!s.fds)
			return 1;
		for (unsigned long i = 0; i < s.flows; i++)
			s.fds[i] = open_flow(&s, i);
	}
	start_ns = traffic_now_ns();
	for (unsigned long i = 0; i < s.threads; i++) {
		shares[i] = (struct share){&s, i};
		if (pthread_create(&threads[i], NULL,
				   s.protocol == IPPROTO_TCP ? connect_share : send_share,
				   &shares[i]))
			return 1;
	}
	for (unsigned long i = 0; i < s.threads; i++)
		pthread_join(threads[i], NULL);
	start_ns = traffic_now_ns() - start_ns;
	if (s.protocol != IPPROTO_TCP && s.wait_ms)
		count_replies(&s);
	error = atomic_load(&s.last_errno);
	printf("sent=%lu errors=%lu replies=%lu ms=%lu errno=%s\n", atomic_load(&s.sent),
	       atomic_load(&s.errors), atomic_load(&s.replies),
	       (unsigned long)(start_ns / 1000000u), error ? strerrorname_np(error) : "0");
	free(s.payload);
	free(s.fds);
	return atomic_load(&s.errors) || (s.wait_ms && !atomic_load(&s.replies));
}
