/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/fake_netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

static ssize_t fake_send(void *ctx, const void *data, size_t size)
{
	struct fake_netlink *f = ctx;
	size_t i = f->n_sends++;

	if (i < 4 && f->send_errors[i]) {
		errno = f->send_errors[i];
		return -1;
	}
	f->sent_size = size < sizeof(f->sent) ? size : sizeof(f->sent);
	memcpy(f->sent, data, f->sent_size);
	f->seq = ((const struct nlmsghdr *)f->sent)->nlmsg_seq;
	return (ssize_t)(size - f->send_short);
}

static ssize_t fake_recv(void *ctx, void *data, size_t size, int flags)
{
	struct fake_netlink *f = ctx;
	struct fake_step *step;
	struct nlmsghdr *nlh;
	int left;

	(void)flags;
	/* a script that has ended is a socket with nothing to read */
	if (f->at == f->n) {
		errno = EAGAIN;
		return -1;
	}
	step = &f->steps[f->at++];
	if (step->error) {
		errno = step->error;
		return -1;
	}
	left = (int)step->size;
	for (nlh = (void *)step->data; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		nlh->nlmsg_seq += f->seq;
	memcpy(data, step->data, step->size < size ? step->size : size);
	return (ssize_t)step->size;
}

void fake_netlink_open(struct fake_netlink *f, struct nsg_nl *nl)
{
	const struct nl_transport transport = {fake_send, fake_recv, f};

	if (nsg_nl_open_transport(&transport, FAKE_PORTID, nl) < 0)
		abort();
}

static struct fake_step *add_step(struct fake_netlink *f)
{
	if (f->n == FAKE_STEPS)
		abort();
	return &f->steps[f->n++];
}

void fake_says_errno(struct fake_netlink *f, int error)
{
	add_step(f)->error = error;
}

void fake_datagram(struct fake_netlink *f)
{
	(void)add_step(f);
}

void fake_message(struct fake_netlink *f, uint16_t type, uint16_t flags, uint32_t portid,
		  int seq_offset, const void *payload, size_t size)
{
	struct fake_step *step = &f->steps[f->n - 1];
	struct nlmsghdr *nlh = (void *)(step->data + step->size);

	if (step->size + NLMSG_SPACE(size) > sizeof(step->data))
		abort();
	nlh->nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_pid = portid;
	nlh->nlmsg_seq = (uint32_t)seq_offset;
	if (size)
		memcpy(NLMSG_DATA(nlh), payload, size);
	step->size += NLMSG_SPACE(size);
}

void fake_error(struct fake_netlink *f, int seq_offset, int error, const char *words)
{
	char payload[256] = {0};
	struct nlmsgerr e = {.error = error};
	size_t size = sizeof(e);

	memcpy(payload, &e, sizeof(e));
	if (words) {
		struct nlattr attr = {.nla_type = NLMSGERR_ATTR_MSG};

		attr.nla_len = (uint16_t)(sizeof(attr) + strlen(words) + 1);
		memcpy(payload + size, &attr, sizeof(attr));
		memcpy(payload + size + sizeof(attr), words, strlen(words) + 1);
		size += NLMSG_ALIGN(attr.nla_len);
	}
	fake_message(f, NLMSG_ERROR, (uint16_t)(NLM_F_CAPPED | (words ? NLM_F_ACK_TLVS : 0)),
		     FAKE_PORTID, seq_offset, payload, size);
}

void fake_done(struct fake_netlink *f, uint16_t flags, int status)
{
	fake_message(f, NLMSG_DONE, (uint16_t)(flags | NLM_F_MULTI), FAKE_PORTID, 0, &status,
		     sizeof(status));
}
