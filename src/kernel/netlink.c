/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netlink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "kernel/attr.h"
#include "kernel/netlink_socket.h"
#include "util/cleanup.h"
#include "util/macro.h"

int nsg_nl_open_transport(const struct nl_transport *transport, uint32_t portid, struct nsg_nl *ret)
{
	char *buffer = malloc(NSG_NL_BUFFER_BYTES);

	if (!buffer)
		return -ENOMEM;
	*ret = (struct nsg_nl){
	    .transport = *transport,
	    .fd = -1,
	    .portid = portid,
	    .buffer = buffer,
	};
	return 0;
}

int nsg_nl_open(int protocol, struct nsg_nl *ret)
{
	const struct nl_transport transport = {.send = nsg_nl_socket_send,
					       .recv = nsg_nl_socket_recv};
	cleanup_close int fd = -1;
	uint32_t portid = 0;
	int r;

	r = nsg_nl_socket_make(protocol, &fd, &portid);
	if (r < 0)
		return r;
	r = nsg_nl_open_transport(&transport, portid, ret);
	if (r < 0)
		return r;
	ret->fd = TAKE_FD(fd);
	/* ctx is set at each use: the struct may be moved by its owner */
	return 0;
}

int nsg_nl_subscribe(struct nsg_nl *nl, unsigned int group)
{
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

void nsg_nl_set_receive_buffer(struct nsg_nl *nl, int bytes)
{
	nsg_nl_socket_set_receive_buffer(nl->fd, bytes);
}

void nsg_nl_filter_routes(struct nsg_nl *nl, uint32_t table, bool only)
{
	nsg_nl_socket_filter_routes(nl->fd, table, only);
}

void nsg_nl_close(struct nsg_nl *nl)
{
	if (nl->fd >= 0)
		(void)close(nl->fd);
	free(nl->buffer);
	*nl = (struct nsg_nl){.fd = -1};
}

static int nl_send(struct nsg_nl *nl, const void *data, size_t size)
{
	void *ctx = nl->fd >= 0 ? &nl->fd : nl->transport.ctx;
	ssize_t n;

	nl->message[0] = '\0';
	do
		n = nl->transport.send(ctx, data, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

/* One datagram into nl->buffer: its length, or -errno; -ENOBUFS when it did not fit. */
static int nl_receive(struct nsg_nl *nl, int flags)
{
	void *ctx = nl->fd >= 0 ? &nl->fd : nl->transport.ctx;
	ssize_t n;

	do
		n = nl->transport.recv(ctx, nl->buffer, NSG_NL_BUFFER_BYTES, flags | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > (ssize_t)NSG_NL_BUFFER_BYTES ? -ENOBUFS : (int)n;
}

int nsg_nl_take_over(struct nsg_nl *nl, int fd)
{
	const int own = nl->fd;
	uint32_t portid;
	int r = nsg_nl_socket_configure(fd, &portid);

	if (r < 0)
		return r;
	nl->fd = fd;
	do
		r = nl_receive(nl, MSG_DONTWAIT);
	while (r >= 0 || r == -ENOBUFS);
	if (r != -EAGAIN) {
		nl->fd = own;
		return r;
	}
	(void)close(own);
	nl->portid = portid;
	return 0;
}

/* mnl_nlmsg_ok treats a length of 2^31 or more as negative and accepts it. */
static bool is_whole(const struct nlmsghdr *nlh, int left)
{
	return left >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (uint32_t)left;
}

/* A status as -errno: the kernel's are from -4095 to 0. */
static int errno_of(int status)
{
	return status < -4095 || status > 0 ? -EBADMSG : status;
}

/* The error of an NLMSG_ERROR. `words`: keeps the kernel's message. */
static int error_of(struct nsg_nl *nl, const struct nlmsghdr *nlh, bool words)
{
	static const struct nsg_attr policy[] = {{NLMSGERR_ATTR_MSG, true, NSG_ATTR_STRING, 0}};
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*e);
	const char *text;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return -EBADMSG;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && e->error && e->msg.nlmsg_len >= sizeof(e->msg))
		offset += MNL_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	if (words && (nlh->nlmsg_flags & NLM_F_ACK_TLVS) &&
	    nsg_attr_parse(nlh, offset, policy, 1, &text) >= 0)
		(void)snprintf(nl->message, sizeof(nl->message), "%s", text);
	return errno_of(e->error);
}

static bool is_ours(const struct nsg_nl *nl, const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_seq == nl->seq &&
	       (!nlh->nlmsg_pid || !nl->portid || nlh->nlmsg_pid == nl->portid);
}

/* Calls `each` for the messages of a datagram. 0: more to come; 1: acknowledged; < 0: error. */
static int take_answer(struct nsg_nl *nl, int size, nsg_nl_each each, void *arg)
{
	const struct nlmsghdr *nlh = (const void *)nl->buffer;
	int r;

	for (; is_whole(nlh, size); nlh = mnl_nlmsg_next(nlh, &size)) {
		/* an answer to an earlier request that timed out */
		if (!is_ours(nl, nlh))
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			r = error_of(nl, nlh, true);
			return r ? r : 1;
		}
		r = each ? each(nlh, arg) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int nsg_nl_request(struct nsg_nl *nl, struct nlmsghdr *nlh, nsg_nl_each each, void *arg)
{
	int r;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++nl->seq;
	r = nl_send(nl, nlh, nlh->nlmsg_len);
	if (r < 0)
		return r;
	for (;;) {
		r = nl_receive(nl, 0);
		if (r < 0)
			return r == -EAGAIN ? -ETIMEDOUT : r;
		r = take_answer(nl, r, each, arg);
		if (r)
			return r < 0 ? r : 0;
	}
}

/* 0: more to come; 1: done; -ERESTART: interrupted; other < 0: error. */
static int take_dump(struct nsg_nl *nl, int size, nsg_nl_each each, void *arg, bool *interrupted)
{
	const struct nlmsghdr *nlh = (const void *)nl->buffer;
	int r;

	for (; is_whole(nlh, size); nlh = mnl_nlmsg_next(nlh, &size)) {
		if (!is_ours(nl, nlh))
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			r = error_of(nl, nlh, true);
			return r ? r : 1;
		}
		if (nlh->nlmsg_type == NLMSG_DONE) {
			int status = 0;

			if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(status))
				memcpy(&status, mnl_nlmsg_get_payload(nlh), sizeof(status));
			if (status < 0)
				return errno_of(status);
			return *interrupted ? -ERESTART : 1;
		}
		r = each(nlh, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

int nsg_nl_dump_begin(struct nsg_nl *nl, struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++nl->seq;
	return nl_send(nl, nlh, nlh->nlmsg_len);
}

static int dump_more(struct nsg_nl *nl, nsg_nl_each each, void *arg, bool *interrupted)
{
	int r = nl_receive(nl, 0);

	if (r < 0)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	return take_dump(nl, r, each, arg, interrupted);
}

int nsg_nl_dump_more(struct nsg_nl *nl, nsg_nl_each each, void *arg)
{
	bool interrupted = false;
	int r = dump_more(nl, each, arg, &interrupted);

	return r == -ERESTART ? 1 : r;
}

static int dump_once(struct nsg_nl *nl, struct nlmsghdr *nlh, nsg_nl_each each, void *arg)
{
	bool interrupted = false;
	int r = nsg_nl_dump_begin(nl, nlh);

	while (r == 0)
		r = dump_more(nl, each, arg, &interrupted);
	return r < 0 ? r : 0;
}

int nsg_nl_dump(struct nsg_nl *nl, struct nlmsghdr *nlh, nsg_nl_each each, void (*reset)(void *arg),
		void *arg)
{
	int r = -EAGAIN;

	for (int i = 0; i < NSG_NL_TRIES; i++) {
		reset(arg);
		r = dump_once(nl, nlh, each, arg);
		/* EBUSY: the interrupted dump is still running on this socket */
		if (r != -ERESTART && r != -ENOBUFS && r != -EBUSY)
			return r;
		while (nl_receive(nl, MSG_DONTWAIT) >= 0)
			;
	}
	return -EAGAIN;
}

static void take_batch_answer(struct nsg_nl *nl, int size, uint32_t first_seq, uint32_t last_seq,
			      int ignore, struct nsg_nl_answer *answer)
{
	const struct nlmsghdr *nlh = (const void *)nl->buffer;
	int e;

	for (; is_whole(nlh, size); nlh = mnl_nlmsg_next(nlh, &size)) {
		if (nlh->nlmsg_type != NLMSG_ERROR ||
		    nlh->nlmsg_seq - first_seq > last_seq - first_seq)
			continue;
		e = error_of(nl, nlh, !answer->error);
		if (!e && nlh->nlmsg_seq == last_seq)
			answer->acked = true;
		if (!e || e == ignore)
			continue;
		if (!answer->n_errors++) {
			answer->error = e;
			answer->seq = nlh->nlmsg_seq;
		}
	}
}

int nsg_nl_batch(struct nsg_nl *nl, const void *data, size_t size, uint32_t first_seq,
		 uint32_t last_seq, int ignore, struct nsg_nl_answer *ret)
{
	struct nsg_nl_answer answer = {0};
	int r;

	r = nl_send(nl, data, size);
	if (r < 0)
		return r;
	while ((r = nl_receive(nl, MSG_DONTWAIT)) != -EAGAIN) {
		if (r < 0)
			return r;
		take_batch_answer(nl, r, first_seq, last_seq, ignore, &answer);
	}
	*ret = answer;
	return 0;
}

int nsg_nl_drain(struct nsg_nl *nl, nsg_nl_each each, void *arg)
{
	int lost = 0, r;

	while ((r = nl_receive(nl, MSG_DONTWAIT)) != -EAGAIN) {
		const struct nlmsghdr *nlh = (const void *)nl->buffer;
		int left = r;

		if (r == -ENOBUFS) {
			lost = r;
			continue;
		}
		if (r < 0)
			return r;
		for (; is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			r = each(nlh, arg);
			if (r < 0)
				return r;
		}
	}
	return lost;
}
