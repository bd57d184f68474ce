/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

/* i is the low bits of the source address, 10.64.0.0 + i. */
#define BASE 0x0a400000u

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		abort();
	return s;
}

static void describe(struct nf_conntrack *ct, uint32_t i, bool tcp, uint32_t mark)
{
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(BASE + i));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0x0a000204));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, tcp ? IPPROTO_TCP : IPPROTO_UDP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(1000));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(443));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 600);
	nfct_set_attr_u32(ct, ATTR_MARK, mark);
	if (tcp)
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
}

int connections_add(uint32_t i, bool tcp, uint32_t mark)
{
	char buffer[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	/* one of the namespace that the process is in now */
	struct mnl_socket *s = open_socket();
	struct nf_conntrack *ct = nfct_new();
	struct nfgenmsg *nfg;
	ssize_t n;
	int r;

	if (!ct)
		abort();
	describe(ct, i, tcp, mark);
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	nlh->nlmsg_seq = i;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	nfct_nlmsg_build(nlh, ct);
	nfct_destroy(ct);
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		abort();
	n = mnl_socket_recvfrom(s, buffer, sizeof(buffer));
	r = n < 0 ? -1 : mnl_cb_run(buffer, (size_t)n, i, mnl_socket_get_portid(s), NULL, NULL);
	r = r < 0 ? -errno : 0;
	mnl_socket_close(s);
	return r;
}

struct reading {
	uint32_t *marks, n;
};

static int take_entry(const struct nlmsghdr *nlh, void *data)
{
	struct nf_conntrack *ct = nfct_new();
	struct reading *reading = data;
	uint32_t i;

	if (!ct)
		abort();
	if (nfct_nlmsg_parse(nlh, ct) >= 0) {
		i = ntohl(nfct_get_attr_u32(ct, ATTR_IPV4_SRC)) - BASE;
		if (i < reading->n)
			reading->marks[i] = nfct_get_attr_u32(ct, ATTR_MARK);
	}
	nfct_destroy(ct);
	return MNL_CB_OK;
}

void connections_marks(uint32_t *ret, uint32_t n)
{
	char buffer[1 << 16];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *s = open_socket();
	struct reading reading = {ret, n};
	struct nfgenmsg *nfg;
	ssize_t size;

	for (uint32_t i = 0; i < n; i++)
		ret[i] = CONNECTIONS_NONE;
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		abort();
	do
		size = mnl_socket_recvfrom(s, buffer, sizeof(buffer));
	while (size > 0 && mnl_cb_run(buffer, (size_t)size, 1, mnl_socket_get_portid(s), take_entry,
				      &reading) > 0);
	mnl_socket_close(s);
}
