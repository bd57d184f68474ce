/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The best that a packet daemon can do: recvmmsg(64), one send, every packet the same verdict, and
 * nothing is looked at. What nsgd is measured against.
 *
 *	null_engine QUEUE accept|drop|MARK [one]
 *
 * MARK: accepted with this mark, as an engine does that has the kernel remember. `one`: instead by
 * libnetfilter_queue's handle interface, one packet and one verdict at a time. On SIGTERM it prints
 * "packets=N cpu_us=N".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#define BATCH 64
#define DATAGRAM_BYTES 1024
#define COPY_BYTES 256
#define QUEUE_LENGTH 32768
#define BUFFER_BYTES (64 << 20)

static volatile sig_atomic_t ended;
static uint64_t packets;
static uint32_t verdict = NF_ACCEPT, mark;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void report(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	(void)printf("packets=%llu cpu_us=%llu\n", (unsigned long long)packets,
		     (unsigned long long)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
			 (unsigned long long)(r.ru_utime.tv_usec + r.ru_stime.tv_usec));
}

static void ask(struct mnl_socket *nl, struct nlmsghdr *h)
{
	uint8_t answer[8192];
	ssize_t n;

	h->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		die("send");
	n = mnl_socket_recvfrom(nl, answer, sizeof(answer));
	if (n < 0 || mnl_cb_run(answer, (size_t)n, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		die("configuration");
}

static struct mnl_socket *bind_queue(uint16_t number)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	int one = 1, size = BUFFER_BYTES;
	char buffer[256];
	struct nlmsghdr *h;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink");
	h = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_cmd(h, AF_INET, NFQNL_CFG_CMD_BIND);
	ask(nl, h);
	h = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_qmaxlen(h, QUEUE_LENGTH);
	ask(nl, h);
	h = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, number);
	mnl_attr_put_u32(h, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(h, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	ask(nl, h);
	h = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_params(h, NFQNL_COPY_PACKET, COPY_BYTES);
	ask(nl, h);
	(void)mnl_socket_setsockopt(nl, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	(void)setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return nl;
}

static struct nlmsghdr *put_verdict(char *buffer, uint16_t number, int type)
{
	struct nlmsghdr *h = nfq_nlmsg_put(buffer, type, number);

	nfq_nlmsg_verdict_put(h, 0, (int)verdict);
	if (mark)
		nfq_nlmsg_verdict_put_mark(h, mark);
	return h;
}

/* The id of the batch's last packet is all that is needed: 16 bytes of header, 4 of nfgenmsg and 4
 * of the first attribute come before it, in messages and in verdicts (there behind the verdict). */
static void run_batched(uint16_t number)
{
	static uint8_t datagrams[BATCH][DATAGRAM_BYTES] __attribute__((aligned(64)));
	struct mnl_socket *nl = bind_queue(number);
	struct mmsghdr headers[BATCH] = {0};
	struct iovec vectors[BATCH];
	struct pollfd p = {.fd = mnl_socket_get_fd(nl), .events = POLLIN};
	char buffer[256];
	struct nlmsghdr *h = put_verdict(buffer, number, NFQNL_MSG_VERDICT_BATCH);

	for (size_t i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){datagrams[i], DATAGRAM_BYTES};
		headers[i].msg_hdr.msg_iov = &vectors[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	while (!ended) {
		int n = recvmmsg(p.fd, headers, BATCH, MSG_DONTWAIT, NULL);

		if (n <= 0) {
			(void)poll(&p, 1, -1);
			continue;
		}
		packets += (uint64_t)n;
		memcpy(buffer + 28, datagrams[n - 1] + 24, sizeof(uint32_t));
		(void)send(p.fd, h, h->nlmsg_len, 0);
	}
	mnl_socket_close(nl);
}

static int give(struct nfq_q_handle *q, struct nfgenmsg *m, struct nfq_data *data, void *closure)
{
	struct nfqnl_msg_packet_hdr *h = nfq_get_msg_packet_hdr(data);

	(void)m;
	(void)closure;
	packets++;
	return mark ? nfq_set_verdict2(q, ntohl(h->packet_id), verdict, mark, 0, NULL)
		    : nfq_set_verdict(q, ntohl(h->packet_id), verdict, 0, NULL);
}

static void run_one_by_one(uint16_t number)
{
	struct nfq_handle *h = nfq_open();
	struct nfq_q_handle *q = h ? nfq_create_queue(h, number, give, NULL) : NULL;
	char buffer[4096] __attribute__((aligned(8)));

	if (!q || nfq_set_mode(q, NFQNL_COPY_PACKET, COPY_BYTES) < 0)
		die("queue");
	(void)nfq_set_queue_maxlen(q, QUEUE_LENGTH);
	(void)nfnl_rcvbufsiz(nfq_nfnlh(h), BUFFER_BYTES);
	(void)puts("ready");
	(void)fflush(stdout);
	while (!ended) {
		ssize_t n = recv(nfq_fd(h), buffer, sizeof(buffer), 0);

		if (n > 0)
			(void)nfq_handle_packet(h, buffer, (int)n);
	}
	(void)nfq_destroy_queue(q);
	(void)nfq_close(h);
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = end};
	uint16_t number;

	if (argc < 3 || argc > 4) {
		(void)fprintf(stderr, "usage: null_engine QUEUE accept|drop|MARK [one]\n");
		return 2;
	}
	number = (uint16_t)strtoul(argv[1], NULL, 0);
	if (strcmp(argv[2], "drop") == 0)
		verdict = NF_DROP;
	else if (strcmp(argv[2], "accept") != 0)
		mark = (uint32_t)strtoul(argv[2], NULL, 0);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	if (argc == 4)
		run_one_by_one(number);
	else
		run_batched(number);
	report();
	return 0;
}
