/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink conversations: one request with its acknowledgement, a dump, a batch, notifications. The
 * transport is a seam, so that tests script what a kernel does only now and then.
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
/* A dump that is disturbed so often will be disturbed again. */
#define NSG_NL_TRIES 8

/* As send(2) and recv(2). */
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
	char message[160]; /* the kernel's own words about the last error, "" when it had none */
};

/* One message; a negative return ends the conversation with it. */
typedef int (*nsg_nl_each)(const struct nlmsghdr *nlh, void *arg);

/* A socket of that protocol, blocking with a time limit, extended acknowledgements on. -errno. */
int nsg_nl_open(int protocol, struct nsg_nl *ret);
/* The same over a scripted transport. -ENOMEM. */
int nsg_nl_open_transport(const struct nl_transport *transport, uint32_t portid,
			  struct nsg_nl *ret);
/* Joins a multicast group. */
int nsg_nl_subscribe(struct nsg_nl *nl, unsigned int group);
void nsg_nl_close(struct nsg_nl *nl);

/*
 * Sends the request (flags REQUEST and ACK are added, the sequence number set) and hands every
 * answer before the acknowledgement to `each` (may be NULL). The kernel's error, or -errno.
 */
int nsg_nl_request(struct nsg_nl *nl, struct nlmsghdr *nlh, nsg_nl_each each, void *arg);

/*
 * A dump. When the kernel says that it was disturbed, or messages were lost, `reset` forgets what
 * `each` has collected and the dump is asked for again. -EAGAIN after NSG_NL_TRIES.
 */
int nsg_nl_dump(struct nsg_nl *nl, struct nlmsghdr *nlh, nsg_nl_each each, void (*reset)(void *arg),
		void *arg);

/* What the kernel answered to a batch. */
struct nsg_nl_answer {
	int error;    /* the first one, 0: none; nl->message has the kernel's words about it */
	uint32_t seq; /* of the message it is about */
	size_t n_errors;
	bool acked; /* the last message was acknowledged */
};

/*
 * Sends messages numbered first_seq to last_seq and takes all that the kernel has answered when the
 * send returns. `ignore`: an error that does not count, 0: none. -errno when the conversation
 * itself failed.
 */
int nsg_nl_batch(struct nsg_nl *nl, const void *data, size_t size, uint32_t first_seq,
		 uint32_t last_seq, int ignore, struct nsg_nl_answer *ret);

/*
 * Takes all notifications that wait. -ENOBUFS when some were lost (all that were there have been
 * handed over), else 0 or what `each` returned.
 */
int nsg_nl_drain(struct nsg_nl *nl, nsg_nl_each each, void *arg);

#endif
