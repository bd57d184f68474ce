/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets with unusual options, connections closed and opened again, and queues taken over. */
#include "hostile.h"

#include <errno.h>
#include <getopt.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif
#ifndef AF_SMC
#define AF_SMC 43
#endif

struct options {
	const char *device, *route; /* SO_BINDTODEVICE; the device of IP_PKTINFO */
	const char *unicast;	    /* IP_UNICAST_IF */
	const char *ip_options;	    /* hexadecimal */
	uint32_t mark;
	bool transparent, multipath, smc, fast_open, reset;
	int wait_ms;
};

static void set(int fd, int level, int name, const void *value, size_t size)
{
	if (setsockopt(fd, level, name, value, (socklen_t)size) < 0)
		fail("hostile: setsockopt");
}

static int open_socket(const struct options *o, bool tcp, const struct endpoint *src)
{
	int family = src->any.sa_family, protocol = o->multipath ? IPPROTO_MPTCP : 0, fd;
	uint32_t index;

	if (o->smc) {
		protocol = family == AF_INET6;
		family = AF_SMC;
	}
	fd = socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    protocol);
	if (fd < 0)
		fail("hostile: socket");
	if (o->smc)
		return fd;
	set(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (!tcp)
		set(fd, SOL_SOCKET, SO_BROADCAST, &(int){1}, sizeof(int));
	if (o->mark)
		set(fd, SOL_SOCKET, SO_MARK, &o->mark, sizeof(o->mark));
	if (o->device)
		set(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device, strlen(o->device));
	if (o->transparent && family == AF_INET)
		set(fd, IPPROTO_IP, IP_TRANSPARENT, &(int){1}, sizeof(int));
	if (o->transparent && family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &(int){1}, sizeof(int));
	if (o->unicast) {
		index = htonl(if_nametoindex(o->unicast));
		set(fd, IPPROTO_IP, IP_UNICAST_IF, &index, sizeof(index));
	}
	if (o->ip_options) {
		uint8_t bytes[40];
		size_t n = 0;

		for (const char *p = o->ip_options; *p && n < sizeof(bytes); p += 2) {
			char byte[3] = {p[0], p[1]};

			bytes[n++] = (uint8_t)strtoul(byte, NULL, 16);
		}
		set(fd, IPPROTO_IP, IP_OPTIONS, bytes, n);
	}
	return fd;
}

static void bind_to(int fd, const struct endpoint *src)
{
	if (bind(fd, &src->any, endpoint_size(src)) < 0)
		fail("hostile: bind");
}

/* poll(2) in turns of a millisecond, which take longer on a busy machine. */
static int wait_for(int fd, short events, int turns)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r = 0;

	while (r == 0 && turns-- > 0)
		r = poll(&p, 1, 1);
	return r;
}

/* 0 or errno of the connection. */
static int connect_to(int fd, const struct endpoint *dst, int wait_ms)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (connect(fd, &dst->any, endpoint_size(dst)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (wait_for(fd, POLLOUT, wait_ms) == 0)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int send_datagram(int fd, const struct options *o, const struct endpoint *dst,
			 const char *text)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = "";
	struct endpoint to = *dst;
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	struct msghdr m = {
	    .msg_name = &to, .msg_namelen = endpoint_size(dst), .msg_iov = &iov, .msg_iovlen = 1};

	if (o->route) {
		struct in_pktinfo info = {.ipi_ifindex = (int)if_nametoindex(o->route)};
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
	return sendmsg(fd, &m, 0) < 0 ? errno : 0;
}

static int answer(int fd, int wait_ms)
{
	char back[64];
	ssize_t n;

	if (wait_for(fd, POLLIN, wait_ms) == 0)
		return ETIMEDOUT;
	n = recv(fd, back, sizeof(back), MSG_DONTWAIT);
	return n > 0 ? 0 : n == 0 ? ECONNRESET : errno;
}

static void reset(int fd)
{
	set(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	close(fd);
}

static long us_between(const struct timespec *from, const struct timespec *to)
{
	return (to->tv_sec - from->tv_sec) * 1000000 + (to->tv_nsec - from->tv_nsec) / 1000;
}

/* Prints how connecting (or sending) ended, its time, whether an answer came, and when. */
int hostile_open(int argc, char **argv)
{
	struct options o = {.wait_ms = 200};
	struct timespec start, end, last;
	struct endpoint src, dst;
	const char *text = "hostile";
	bool tcp;
	int c, fd, error, times = 1, answered = ETIMEDOUT;

	while ((c = getopt(argc, argv, "d:fi:m:Mn:o:Rst:Tu:w:")) >= 0) {
		switch (c) {
		case 'd':
			o.device = optarg;
			break;
		case 'f':
			o.fast_open = true;
			break;
		case 'i':
			o.route = optarg;
			break;
		case 'm':
			o.mark = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'M':
			o.multipath = true;
			break;
		case 'n':
			times = atoi(optarg);
			break;
		case 'o':
			o.ip_options = optarg;
			break;
		case 'R':
			o.reset = true;
			break;
		case 's':
			o.smc = true;
			break;
		case 't':
			text = optarg;
			break;
		case 'T':
			o.transparent = true;
			break;
		case 'u':
			o.unicast = optarg;
			break;
		case 'w':
			o.wait_ms = atoi(optarg);
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 3) {
		fprintf(stderr, "usage: hostile open [-f] [-M] [-R] [-s] [-T] [-d BIND-TO-DEVICE] "
				"[-i PKTINFO-DEVICE] [-u UNICAST-DEVICE] [-m MARK]\n"
				"	[-o IP-OPTIONS-HEX] [-t TEXT] [-n TIMES] [-w MS]\n"
				"	tcp|udp SRC[:PORT] "
				"DST[:PORT]\n");
		return 2;
	}
	tcp = !strcmp(argv[optind], "tcp");
	src = endpoint_parse(argv[optind + 1]);
	dst = endpoint_parse(argv[optind + 2]);
	fd = open_socket(&o, tcp, &src);
	bind_to(fd, &src);
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (tcp && o.fast_open) {
		ssize_t n =
		    sendto(fd, text, strlen(text), MSG_FASTOPEN, &dst.any, endpoint_size(&dst));

		error = n < 0 ? errno : 0;
		if (error == EINPROGRESS) { /* no cookie yet: a SYN without the text */
			o.fast_open = false;
			error = wait_for(fd, POLLOUT, o.wait_ms) == 1 ? 0 : ETIMEDOUT;
		}
	} else if (tcp) {
		error = connect_to(fd, &dst, o.wait_ms);
	} else {
		error = o.route ? 0 : connect_to(fd, &dst, o.wait_ms);
		if (!error)
			error = send_datagram(fd, &o, &dst, text);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	for (int i = 0; !error && i < times; i++) {
		if (tcp && !o.fast_open && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			error = errno;
		else
			answered = answer(fd, o.wait_ms);
	}
	clock_gettime(CLOCK_MONOTONIC, &last);
	printf("%s answer=%s after=%ld us=%ld\n", error ? strerrorname_np(error) : "ok",
	       answered ? strerrorname_np(answered) : "yes", us_between(&end, &last),
	       us_between(&start, &end));
	if (o.reset)
		reset(fd);
	return 0;
}

/*
 * A connection from a port; at a line on standard input it ends as HOW says, and another is tried from the
 * same port. HOW: peer-reset, peer-fin, own-reset, own-fin.
 */
int hostile_again(int argc, char **argv)
{
	const struct options o = {.wait_ms = 300};
	struct endpoint src, dst;
	const char *how;
	char line[64];
	int fd, error;

	if (argc != 4) {
		fprintf(stderr, "usage: hostile again HOW SRC:PORT DST:PORT\n");
		return 2;
	}
	how = argv[1];
	src = endpoint_parse(argv[2]);
	dst = endpoint_parse(argv[3]);
	fd = open_socket(&o, true, &src);
	bind_to(fd, &src);
	error = connect_to(fd, &dst, 2000);
	if (!error && (send(fd, "hello", 5, MSG_NOSIGNAL) < 0 || answer(fd, 2000)))
		error = EIO;
	if (error) {
		printf("failed %s\n", strerrorname_np(error));
		return 1;
	}
	puts("ready");
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	if (send(fd, "still", 5, MSG_NOSIGNAL) == 5)
		(void)answer(fd, 300);
	if (!strncmp(how, "peer", 4)) {
		(void)send(fd, how, strlen(how), MSG_NOSIGNAL);
		(void)answer(fd, 300);
	}
	if (!strcmp(how, "own-reset"))
		reset(fd);
	else
		close(fd);
	fd = open_socket(&o, true, &src);
	bind_to(fd, &src);
	error = connect_to(fd, &dst, o.wait_ms);
	if (!error && (send(fd, "again", 5, MSG_NOSIGNAL) < 0 || answer(fd, o.wait_ms)))
		error = EIO;
	printf("again %s\n", error ? strerrorname_np(error) : "CONNECTED");
	return 0;
}

enum { MAX_SERVED = 256 };

/* Echoes; "peer-reset" and "peer-fin" end the connection so. With -p: MPTCP; with -t: a transparent proxy. */
int hostile_serve(int argc, char **argv)
{
	struct pollfd fds[MAX_SERVED];
	struct options o = {0};
	nfds_t n = 0;
	int listeners, c;

	while ((c = getopt(argc, argv, "pt")) >= 0) {
		o.multipath |= c == 'p';
		o.transparent |= c == 't';
	}
	for (int i = optind; i < argc; i++) {
		const struct endpoint e = endpoint_parse(argv[i]);

		fds[n] = (struct pollfd){.fd = open_socket(&o, true, &e), .events = POLLIN};
		(void)setsockopt(fds[n].fd, IPPROTO_TCP, TCP_FASTOPEN, &(int){16}, sizeof(int));
		bind_to(fds[n].fd, &e);
		if (listen(fds[n++].fd, 64) < 0)
			fail("hostile: listen");
	}
	listeners = (int)n;
	puts("ready");
	for (;;) {
		if (poll(fds, n, -1) < 0)
			fail("hostile: poll");
		for (nfds_t i = 0; i < n; i++) {
			char buffer[1024];
			ssize_t size;

			if (!fds[i].revents)
				continue;
			if (i < (nfds_t)listeners) {
				c = accept(fds[i].fd, NULL, NULL);
				if (c >= 0 && n < MAX_SERVED)
					fds[n++] = (struct pollfd){.fd = c, .events = POLLIN};
				continue;
			}
			size = recv(fds[i].fd, buffer, sizeof(buffer) - 1, MSG_DONTWAIT);
			if (size > 0) {
				buffer[size] = '\0';
				if (!strncmp(buffer, "peer-", 5)) {
					if (!strcmp(buffer, "peer-reset"))
						reset(fds[i].fd);
					else
						close(fds[i].fd);
					fds[i] = fds[--n];
				} else {
					(void)send(fds[i].fd, buffer, (size_t)size, MSG_NOSIGNAL);
				}
			} else if (size == 0 || errno != EAGAIN) {
				close(fds[i].fd);
				fds[i] = fds[--n];
			}
		}
	}
}

static struct nlmsghdr *queue_message(char *buffer, uint16_t type, uint16_t queue, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *g;

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	memset(g, 0, sizeof(*g));
	g->res_id = htons(queue);
	return h;
}

/* 0 or errno of the kernel's answer. */
static int transact(struct mnl_socket *nl, struct nlmsghdr *h)
{
	char buffer[4096];
	const struct nlmsghdr *reply = (const void *)buffer;

	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0 ||
	    mnl_socket_recvfrom(nl, buffer, sizeof(buffer)) < 0)
		return errno;
	if (reply->nlmsg_type != NLMSG_ERROR)
		return EPROTO;
	return -((const struct nlmsgerr *)mnl_nlmsg_get_payload(reply))->error;
}

static int bind_queue(struct mnl_socket *nl, uint16_t queue)
{
	const struct nfqnl_msg_config_cmd cmd = {.command = NFQNL_CFG_CMD_BIND};
	const struct nfqnl_msg_config_params params = {.copy_mode = NFQNL_COPY_META};
	char buffer[512];
	struct nlmsghdr *h = queue_message(buffer, NFQNL_MSG_CONFIG, queue, NLM_F_ACK);
	int error;

	mnl_attr_put(h, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	error = transact(nl, h);
	if (error)
		return error;
	h = queue_message(buffer, NFQNL_MSG_CONFIG, queue, NLM_F_ACK);
	mnl_attr_put(h, NFQA_CFG_PARAMS, sizeof(params), &params);
	return transact(nl, h);
}

static int let_pass(const struct nlmsghdr *h, void *closure)
{
	const struct nfqnl_msg_verdict_hdr accept = {.verdict = htonl(NF_ACCEPT)};
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	struct mnl_socket *nl = closure;
	struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(*g))
	{
		const struct nfqnl_msg_packet_hdr *p = mnl_attr_get_payload(a);
		struct nfqnl_msg_verdict_hdr verdict = accept;
		char buffer[512];
		struct nlmsghdr *v;

		if (mnl_attr_get_type(a) != NFQA_PACKET_HDR)
			continue;
		verdict.id = p->packet_id;
		v = queue_message(buffer, NFQNL_MSG_VERDICT, ntohs(g->res_id), 0);
		mnl_attr_put(v, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
		(void)mnl_socket_sendto(nl, v, v->nlmsg_len);
	}
	return MNL_CB_OK;
}

/* Prints "bound QUEUE" or "refused QUEUE ERRNO" for each, then accepts every packet that it gets. */
int hostile_steal(int argc, char **argv)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	char buffer[65536];
	ssize_t n;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		fail(argv[0]);
	for (int i = 1; i < argc; i++) {
		int error = bind_queue(nl, (uint16_t)atoi(argv[i]));

		printf("%s %s %s\n", error ? "refused" : "bound", argv[i],
		       error ? strerrorname_np(error) : "");
	}
	puts("ready");
	while ((n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer))) >= 0)
		(void)mnl_cb_run(buffer, (size_t)n, 0, mnl_socket_get_portid(nl), let_pass, nl);
	return 0;
}
