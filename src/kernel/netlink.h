/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink exchanges: a request with its acknowledgement, a dump, a batch, notifications. The
 * transport can be replaced, so that tests can script rare answers of the kernel.
 */
#ifndef NSG_KERNEL_NETLINK_H
#define NSG_KERNEL_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/netlink.h>

/* A dump's datagram is at most 32 KiB (netlink_dump), a single message of ours far smaller. */
#define NSG_NL_BUFFER_BYTES (64u << 10)
/* Give up after this many interrupted dumps. */
#define NSG_NL_TRIES 8

/* Like send(2) and recv(2). */
struct nl_transport {
	ssize_t (*send)(void *ctx, const void *data, size_t size);
	ssize_t (*recv)(void *ctx, void *data, size_t size, int flags);
	void *ctx;
};

struct nsg_nl {
	struct nl_transport transport;
	int fd; /* -1: none (scripted) */
	uint32_t portid, seq;
	char *buffer;	   /* NSG_NL_BUFFER_BYTES */
	char message[160]; /* the kernel's message about the last error, or "" */
};

/* Called for each message; a negative return value ends the exchange and is returned. */
typedef int (*nsg_nl_each)(const struct nlmsghdr *nlh, void *arg);

/* A socket of that protocol, blocking with a time limit, extended acknowledgements on. -errno. */
int nsg_nl_open(int protocol, struct nsg_nl *ret);
/* The same over a scripted transport. -ENOMEM. */
int nsg_nl_open_transport(const struct nl_transport *transport, uint32_t portid,
			  struct nsg_nl *ret);
/* Replaces the socket by that of a process that has died, and discards what it had not read. Takes fd
 * on success. -errno. */
int nsg_nl_take_over(struct nsg_nl *nl, int fd);
/* Joins a multicast group. */
int nsg_nl_subscribe(struct nsg_nl *nl, unsigned int group);
/* A larger buffer for bursts of notifications; the default is kept where that is not permitted. */
void nsg_nl_set_receive_buffer(struct nsg_nl *nl, int bytes);
/* Notifications of routes of one table: `only` these, or all but these. Other notifications pass.
 * A hint: what the kernel does not filter the reader has to. */
void nsg_nl_filter_routes(struct nsg_nl *nl, uint32_t table, bool only);
void nsg_nl_close(struct nsg_nl *nl);

/*
 * Sends the request, with flags REQUEST and ACK and the next sequence number, and calls `each` (may
 * be NULL) for every answer before the acknowledgement. The kernel's error, or -errno.
 */
int nsg_nl_request(struct nsg_nl *nl, struct nlmsghdr *nlh, nsg_nl_each each, void *arg);

/*
 * A dump. When the kernel reports that it was interrupted, or messages were lost, `reset` discards
 * what `each` has collected and the dump is requested again. -EAGAIN after NSG_NL_TRIES.
 */
int nsg_nl_dump(struct nsg_nl *nl, struct nlmsghdr *nlh, nsg_nl_each each, void (*reset)(void *arg),
		void *arg);

/*
 * The same in steps, for dumps that are as long as the host is busy: each call of the second takes
 * one datagram, which the kernel has made. 0: there is more; 1: that was all. An interrupted dump is
 * not repeated.
 */
int nsg_nl_dump_begin(struct nsg_nl *nl, struct nlmsghdr *nlh);
int nsg_nl_dump_more(struct nsg_nl *nl, nsg_nl_each each, void *arg);

/* The kernel's answer to a batch. */
struct nsg_nl_answer {
	int error;    /* the first one, 0: none; nl->message is the kernel's text about it */
	uint32_t seq; /* of the message it is about */
	size_t n_errors;
	bool acked; /* the last message was acknowledged */
};

/*
 * Sends the messages with sequence numbers first_seq to last_seq and reads the answers, which have
 * all arrived when the send returns. `ignore`: an error that is not reported, 0: none. -errno when
 * sending or receiving failed.
 */
int nsg_nl_batch(struct nsg_nl *nl, const void *data, size_t size, uint32_t first_seq,
		 uint32_t last_seq, int ignore, struct nsg_nl_answer *ret);

/*
 * Calls `each` for all pending notifications. -ENOBUFS when some were lost, after those that were
 * not; else 0 or what `each` returned.
 */
int nsg_nl_drain(struct nsg_nl *nl, nsg_nl_each each, void *arg);

#endif
