/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "engine/message.h"
#include "util/cleanup.h"
#include "util/limits.h"

/* The default of about 200 KB holds 256 small packets; this holds a second at 50,000 a second. */
#define RECEIVE_BUFFER_BYTES (64 << 20)
#define SEND_BUFFER_BYTES (1 << 20)
#define PROC_PATH "/proc/self/net/netfilter/nfnetlink_queue"

struct request {
	char buffer[256];
	struct nlmsghdr *header;
};

static void request_begin(struct request *r, uint16_t number)
{
	static uint32_t sequence;

	r->header = nfq_nlmsg_put(r->buffer, NFQNL_MSG_CONFIG, number);
	r->header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	r->header->nlmsg_seq = ++sequence;
}

/*
 * Sends and waits for the acknowledgement. Another program's rules may queue packets here already;
 * one that arrives in between is dropped, as there is no worker yet.
 */
static int request_do(int fd, struct request *r, uint16_t number)
{
	uint8_t answer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));

	if (send(fd, r->header, r->header->nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);
		const struct nlmsghdr *h = (const void *)answer;
		const uint8_t *data = answer;
		struct nsg_message m;
		enum nsg_message_kind kind;
		size_t size;

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		size = (size_t)n;
		kind = nsg_message_next(&data, &size, &m);
		if (kind == NSG_MESSAGE_ERROR && h->nlmsg_seq == r->header->nlmsg_seq)
			return m.error;
		if (kind == NSG_MESSAGE_PACKET || kind == NSG_MESSAGE_BAD) {
			struct nsg_queue_verdict drop = {.id = m.id};
			uint8_t verdict[NSG_VERDICT_BYTES];

			(void)send(fd, verdict, nsg_verdict_put(verdict, number, &drop, true), 0);
		}
	}
}

static int command(int fd, uint16_t number, uint8_t cmd)
{
	struct request r;

	request_begin(&r, number);
	nfq_nlmsg_cfg_put_cmd(r.header, AF_INET, cmd);
	return request_do(fd, &r, number);
}

/* Each flag separately: the kernel rejects the whole message for one unknown bit. */
static int set_flag(int fd, uint16_t number, uint32_t flag)
{
	struct request r;

	request_begin(&r, number);
	mnl_attr_put_u32(r.header, NFQA_CFG_FLAGS, htonl(flag));
	mnl_attr_put_u32(r.header, NFQA_CFG_MASK, htonl(flag));
	return request_do(fd, &r, number);
}

static int set_length(int fd, uint16_t number, uint32_t length)
{
	struct request r;

	request_begin(&r, number);
	nfq_nlmsg_cfg_put_qmaxlen(r.header, length);
	return request_do(fd, &r, number);
}

static int set_copy(int fd, uint16_t number)
{
	struct request r;

	request_begin(&r, number);
	nfq_nlmsg_cfg_put_params(r.header, NFQNL_COPY_PACKET, NSG_COPY_BYTES);
	return request_do(fd, &r, number);
}

static int explain_bind(int r, uint16_t number, struct nsg_diag *diag)
{
	switch (r) {
	case -EPERM:
	case -EBUSY:
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "queue %u is taken by another program in this network namespace "
				   "(see " PROC_PATH "; set [queue] first to use another one)",
				   number);
		return -EADDRINUSE;
	default:
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "cannot bind queue %u: %s", number,
				   strerror(-r));
		return r;
	}
}

/* The kernel returns EPERM for missing privileges as well as for a queue that is in use. PF_BIND,
 * which names no queue and has had no effect for ten years, tells the two apart. */
static int probe(int fd, struct nsg_diag *diag)
{
	int r = command(fd, 0, NFQNL_CFG_CMD_PF_BIND);

	if (!r)
		return 0;
	if (r == -EPERM) {
		(void)nsg_diag_add(
		    diag, NSG_ERROR, NULL, NULL,
		    "not permitted to bind a packet queue: CAP_NET_ADMIN is missing");
		return r;
	}
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
			   "the kernel has no packet queues (nfnetlink_queue): %s", strerror(-r));
	return -EPROTONOSUPPORT;
}

/* Exceeding the system's limit requires CAP_NET_ADMIN in the initial user namespace. */
static void set_buffers(int fd, uint16_t number, struct nsg_diag *diag, uint32_t *ret_receive_bytes)
{
	int receive = RECEIVE_BUFFER_BYTES, transmit = SEND_BUFFER_BYTES, real = 0;
	socklen_t size = sizeof(real);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof(receive)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &transmit, sizeof(transmit)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &transmit, sizeof(transmit));
	(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &real, &size);
	*ret_receive_bytes = (uint32_t)real;
	if (real < receive)
		(void)nsg_diag_add(diag, NSG_NOTICE, NULL, NULL,
				   "queue %u: the kernel grants a receive buffer of %d bytes only, "
				   "a burst may overflow it (net.core.rmem_max)",
				   number, real);
}

static int open_socket(int *ret)
{
	cleanup_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int one = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	/* The kernel counts overflows per queue; ENOBUFS would only cost a system call when time is
	 * short. Acknowledgements need not quote the request. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	*ret = TAKE_FD(fd);
	return 0;
}

static int open_queue(const struct nsg_engine_options *options, uint16_t number,
		      struct nsg_diag *diag, struct nsg_queue *ret)
{
	cleanup_close int fd = -1;
	struct nsg_queue q = {0};
	int r;

	r = open_socket(&fd);
	if (r < 0) {
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "cannot open a netfilter netlink socket: %s", strerror(-r));
		return r;
	}
	r = probe(fd, diag);
	if (r < 0)
		return r;
	r = command(fd, number, NFQNL_CFG_CMD_BIND);
	if (r < 0)
		return explain_bind(r, number, diag);
	r = set_length(fd, number, options->queue_length);
	if (r < 0)
		(void)nsg_diag_add(diag, NSG_NOTICE, NULL, NULL,
				   "queue %u: the kernel keeps its own queue length: %s", number,
				   strerror(-r));
	q.gso = set_flag(fd, number, NFQA_CFG_F_GSO) == 0;
	if (!q.gso)
		(void)nsg_diag_add(diag, NSG_NOTICE, NULL, NULL,
				   "queue %u: the kernel splits large packets before queueing",
				   number);
	/* for records: the sender of a packet of this host */
	(void)set_flag(fd, number, NFQA_CFG_F_UID_GID);
	if (options->overflow_accept) {
		q.fail_open = set_flag(fd, number, NFQA_CFG_F_FAIL_OPEN) == 0;
		if (!q.fail_open)
			(void)nsg_diag_add(
			    diag, NSG_WARNING, NULL, NULL,
			    "queue %u: the kernel does not support overflow = accept; "
			    "packets are dropped when the queue is full",
			    number);
	}
	set_buffers(fd, number, diag, &q.receive_buffer_bytes);
	/* Last, because packets arrive from here on. */
	r = set_copy(fd, number);
	if (r < 0)
		return explain_bind(r, number, diag);
	q.fd = TAKE_FD(fd);
	*ret = q;
	return 0;
}

/* Not acknowledged: the answer would arrive among the packets. The kernel has granted the same to the
 * process before. */
static int configure_again(const struct nsg_engine_options *options, uint16_t number, int fd)
{
	struct request r;

	request_begin(&r, number);
	r.header->nlmsg_flags = NLM_F_REQUEST;
	nfq_nlmsg_cfg_put_params(r.header, NFQNL_COPY_PACKET, NSG_COPY_BYTES);
	nfq_nlmsg_cfg_put_qmaxlen(r.header, options->queue_length);
	mnl_attr_put_u32(r.header, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	mnl_attr_put_u32(
	    r.header, NFQA_CFG_FLAGS,
	    htonl(NFQA_CFG_F_GSO | (options->overflow_accept ? NFQA_CFG_F_FAIL_OPEN : 0)));
	return send(fd, r.header, r.header->nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The id of the oldest packet whose message was not received; 0: all were. */
static uint32_t oldest_unread(int fd)
{
	uint8_t datagram[8192] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		ssize_t n = recv(fd, datagram, sizeof(datagram), MSG_PEEK | MSG_DONTWAIT);
		const uint8_t *data = datagram;
		struct nsg_message m;
		enum nsg_message_kind kind;
		size_t size;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		size = (size_t)n;
		kind = nsg_message_next(&data, &size, &m);
		if (kind == NSG_MESSAGE_PACKET || kind == NSG_MESSAGE_BAD)
			return m.id;
		/* e.g. the error of a verdict that came too late */
		(void)recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);
	}
}

/* -ENOENT: the socket does not own the queue. It stays the caller's on failure. */
static int take_over(const struct nsg_engine_options *options, uint16_t number, int fd,
		     struct nsg_diag *diag, struct nsg_queue *ret)
{
	struct nsg_queue q = {.fd = fd, .gso = true, .fail_open = options->overflow_accept};
	struct nsg_queue_verdict settled = {.accept = options->down_accept};
	struct sockaddr_nl self = {0};
	socklen_t size = sizeof(self);
	uint8_t verdict[NSG_VERDICT_BYTES];
	struct nsg_queue_state state = {0};
	uint32_t unread;
	int r;

	r = nsg_queue_read_proc(number, 1, &state);
	if (r < 0)
		return r;
	if (getsockname(fd, (struct sockaddr *)&self, &size) < 0)
		return -errno;
	if (self.nl_pid != state.portid)
		return -ENOENT;
	/* The kernel numbers a packet, queues it and sends its message under the lock of the queue, which
	 * this takes: when it returns, the messages of all packets up to the last id have been sent. */
	r = configure_again(options, number, fd);
	if (r < 0)
		return r;
	unread = oldest_unread(fd);
	settled.id = unread ? unread - 1 : state.last_id;
	if (settled.id &&
	    send(fd, verdict, nsg_verdict_put(verdict, number, &settled, true), 0) < 0)
		return -errno;
	set_buffers(fd, number, diag, &q.receive_buffer_bytes);
	*ret = q;
	return 0;
}

int nsg_queue_get(const struct nsg_engine_options *options, uint16_t number,
		  struct nsg_engine_socket *sockets, uint32_t n, struct nsg_diag *diag,
		  struct nsg_queue *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		if (sockets[i].fd < 0 || sockets[i].queue != number ||
		    take_over(options, number, sockets[i].fd, diag, ret) < 0)
			continue;
		sockets[i].fd = -1;
		return 0;
	}
	return open_queue(options, number, diag, ret);
}

void nsg_queue_unbind(int fd, uint16_t number)
{
	struct request r;

	request_begin(&r, number);
	r.header->nlmsg_flags = NLM_F_REQUEST;
	nfq_nlmsg_cfg_put_cmd(r.header, AF_INET, NFQNL_CFG_CMD_UNBIND);
	(void)send(fd, r.header, r.header->nlmsg_len, 0);
}

int nsg_queue_read_proc(uint16_t first, uint32_t n, struct nsg_queue_state *ret)
{
	cleanup_fclose FILE *f = fopen(PROC_PATH, "re");
	struct nsg_queue_state s;
	unsigned int number;
	int64_t portid;
	char line[256];

	if (!f)
		return -errno;
	memset(ret, 0, n * sizeof(*ret));
	/* number, port id (signed in some kernels), queued, copy mode, copy range, dropped: full,
	 * dropped: buffer, last id */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line,
			   "%u %" SCNd64 " %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu32,
			   &number, &portid, &s.queued, &s.dropped_full, &s.dropped_buffer,
			   &s.last_id) != 6)
			continue;
		s.portid = (uint32_t)portid;
		if (number >= first && number - first < n)
			ret[number - first] = s;
	}
	return 0;
}

int nsg_queue_of(int fd)
{
	cleanup_fclose FILE *f = fopen(PROC_PATH, "re");
	struct sockaddr_nl self = {0};
	socklen_t size = sizeof(self);
	unsigned int number;
	int64_t portid;
	char line[256];

	if (!f || getsockname(fd, (struct sockaddr *)&self, &size) < 0)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%u %" SCNd64, &number, &portid) == 2 &&
		    (uint32_t)portid == self.nl_pid)
			return (int)number;
	return -ENOENT;
}
