/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "kernel/attr.h"
#include "util/macro.h"

/* linux/if.h and net/if.h cannot be included together. */
#define LINK_LOWER_UP 0x10000u

/*
 * Kinds of links whose outer packet keeps the socket of the inner one, and looks like a packet of
 * the app. (WireGuard and tun release the socket: their outer packets have none, or the tunnel's.)
 */
static const struct {
	const char *kind;
	uint8_t protocol;
	uint16_t remote_attr, port_attr; /* 0: none */
	uint16_t default_port;
} tunnels[] = {
    {"vxlan", IPPROTO_UDP, IFLA_VXLAN_GROUP, IFLA_VXLAN_PORT, 8472},
    {"geneve", IPPROTO_UDP, IFLA_GENEVE_REMOTE, IFLA_GENEVE_PORT, 6081},
    {"gre", IPPROTO_GRE, IFLA_GRE_REMOTE, 0, 0},
    {"gretap", IPPROTO_GRE, IFLA_GRE_REMOTE, 0, 0},
    {"erspan", IPPROTO_GRE, IFLA_GRE_REMOTE, 0, 0},
    {"ipip", IPPROTO_IPIP, IFLA_IPTUN_REMOTE, 0, 0},
    {"sit", IPPROTO_IPV6, IFLA_IPTUN_REMOTE, 0, 0},
    {"vti", IPPROTO_ESP, IFLA_VTI_REMOTE, 0, 0},
    {"xfrm", IPPROTO_ESP, 0, 0, 0},
};

struct kind_attrs {
	const char *kind;
	struct nsg_bytes data;
};

static struct nsg_tunnel tunnel_of(struct nsg_bytes linkinfo)
{
	static const struct nsg_attr info_policy[] = {
	    NSG_ATTR_REQUIRED(IFLA_INFO_KIND, STRING, struct kind_attrs, kind),
	    NSG_ATTR(IFLA_INFO_DATA, BYTES, struct kind_attrs, data),
	};
	struct kind_attrs info = {0};
	struct nsg_tunnel t = {0};

	if (nsg_attr_parse_bytes(linkinfo, info_policy, NSG_ARRAY_SIZE(info_policy), &info) < 0)
		return t;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(tunnels); i++) {
		const struct nsg_attr policy[] = {
		    NSG_ATTR(tunnels[i].remote_attr, BE32, struct nsg_tunnel, remote_host),
		    NSG_ATTR(tunnels[i].port_attr, BE16, struct nsg_tunnel, port),
		};

		if (strcmp(info.kind, tunnels[i].kind))
			continue;
		t.protocol = tunnels[i].protocol;
		t.port = tunnels[i].default_port;
		(void)nsg_attr_parse_bytes(info.data, policy, NSG_ARRAY_SIZE(policy), &t);
		t.has_remote = t.remote_host != 0;
		break;
	}
	return t;
}

struct link_attrs {
	const char *name;
	uint32_t lower, master;
	struct nsg_bytes info, other_namespace;
};

static int take_link(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR_REQUIRED(IFLA_IFNAME, STRING, struct link_attrs, name),
	    NSG_ATTR(IFLA_LINK, U32, struct link_attrs, lower),
	    NSG_ATTR(IFLA_MASTER, U32, struct link_attrs, master),
	    NSG_ATTR(IFLA_LINKINFO, BYTES, struct link_attrs, info),
	    NSG_ATTR(IFLA_LINK_NETNSID, BYTES, struct link_attrs, other_namespace),
	};
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nsg_links *l = arg;
	struct link_attrs a = {0};
	struct nsg_link link = {0};

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    nsg_attr_parse(nlh, sizeof(*ifi), policy, NSG_ARRAY_SIZE(policy), &a) < 0 ||
	    strlen(a.name) >= sizeof(link.name))
		return 0;
	memcpy(link.name, a.name, strlen(a.name) + 1);
	link.ifindex = (uint32_t)ifi->ifi_index;
	link.up = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & LINK_LOWER_UP);
	link.tunnel = tunnel_of(a.info);
	/* the lower link's index is one of the other namespace */
	link.lower = a.other_namespace.size ? 0 : a.lower;
	link.master = a.master;
	return nsg_vec_push(&l->links, link);
}

static void reset_links(void *arg)
{
	((struct nsg_links *)arg)->links.n = 0;
}

int nsg_links_read(struct nsg_nl *nl, struct nsg_links *ret)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nsg_links links = {0};
	int r;

	nlh->nlmsg_type = RTM_GETLINK;
	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	r = nsg_nl_dump(nl, nlh, take_link, reset_links, &links);
	if (r < 0) {
		nsg_links_done(&links);
		return r;
	}
	nsg_links_done(ret);
	*ret = links;
	return 0;
}

void nsg_links_done(struct nsg_links *l)
{
	nsg_vec_done(&l->links);
}

const struct nsg_link *nsg_links_by_name(const struct nsg_links *l, const char *name)
{
	for (size_t i = 0; i < l->links.n; i++)
		if (!strcmp(l->links.v[i].name, name))
			return &l->links.v[i];
	return NULL;
}

const struct nsg_link *nsg_links_by_index(const struct nsg_links *l, uint32_t ifindex)
{
	for (size_t i = 0; i < l->links.n; i++)
		if (l->links.v[i].ifindex == ifindex)
			return &l->links.v[i];
	return NULL;
}

/* More links on top of each other than are used in practice; ends a loop of links. */
#define MAX_STACKED 8

bool nsg_links_lead_into(const struct nsg_links *l, uint32_t ifindex, const struct nsg_link *tunnel)
{
	for (int i = 0; ifindex && i < MAX_STACKED; i++) {
		const struct nsg_link *link = nsg_links_by_index(l, ifindex);

		if (!link)
			return false;
		if (ifindex == tunnel->ifindex || ifindex == tunnel->master)
			return true;
		ifindex = link->lower;
	}
	return false;
}

struct lookup {
	bool found;
	uint8_t type; /* RTN_* */
	uint32_t ifindex, gateway_host;
};

static int take_lookup(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR(RTA_OIF, U32, struct lookup, ifindex),
	    NSG_ATTR(RTA_GATEWAY, BE32, struct lookup, gateway_host),
	};
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct lookup lookup = {.found = true};

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    nsg_attr_parse(nlh, sizeof(*rtm), policy, NSG_ARRAY_SIZE(policy), &lookup) < 0)
		return 0;
	lookup.type = rtm->rtm_type;
	*(struct lookup *)arg = lookup;
	return 0;
}

enum nsg_reach nsg_links_reach(struct nsg_nl *nl, const struct nsg_links *l, uint32_t addr_host,
			       uint32_t *ret_ifindex, uint32_t *ret_behind_host)
{
	char buffer[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	const struct nsg_link *link;
	struct rtmsg *rtm;
	struct lookup lookup = {0};

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	mnl_attr_put_u32(nlh, RTA_DST, htonl(addr_host));
	if (nsg_nl_request(nl, nlh, take_lookup, &lookup) < 0 || !lookup.found)
		return NSG_REACH_NO_ROUTE;
	if (lookup.type == RTN_LOCAL)
		return NSG_REACH_LOCAL;
	if (lookup.type != RTN_UNICAST)
		return NSG_REACH_NO_ROUTE;
	if (lookup.gateway_host) {
		*ret_behind_host = lookup.gateway_host;
		return NSG_REACH_BEHIND;
	}
	link = nsg_links_by_index(l, lookup.ifindex);
	if (!link || !link->up)
		return NSG_REACH_DOWN;
	*ret_ifindex = lookup.ifindex;
	return NSG_REACH_OK;
}

struct address_search {
	const struct nsg_prefix *prefixes;
	size_t n;
	bool found;
	uint32_t addr_host;
};

struct address_attrs {
	uint32_t address_host, local_host;
};

static int take_address(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR(IFA_ADDRESS, BE32, struct address_attrs, address_host),
	    NSG_ATTR(IFA_LOCAL, BE32, struct address_attrs, local_host),
	};
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address_search *search = arg;
	struct address_attrs a = {0};
	uint32_t addr;

	if (search->found || nlh->nlmsg_type != RTM_NEWADDR ||
	    nsg_attr_parse(nlh, sizeof(*ifa), policy, NSG_ARRAY_SIZE(policy), &a) < 0 ||
	    ifa->ifa_family != AF_INET)
		return 0;
	/* on a point-to-point link IFA_ADDRESS is the far end's */
	addr = a.local_host ? a.local_host : a.address_host;
	for (size_t i = 0; i < search->n && !search->found; i++) {
		search->found = nsg_prefix_contains(search->prefixes[i], addr);
		search->addr_host = addr;
	}
	return 0;
}

static void reset_address(void *arg)
{
	((struct address_search *)arg)->found = false;
}

int nsg_links_address(struct nsg_nl *nl, const struct nsg_prefix *prefixes, size_t n,
		      uint32_t *ret_host)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct address_search search = {.prefixes = prefixes, .n = n};
	struct ifaddrmsg *ifa;
	int r;

	nlh->nlmsg_type = RTM_GETADDR;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	r = nsg_nl_dump(nl, nlh, take_address, reset_address, &search);
	if (r < 0)
		return r;
	if (!search.found)
		return -ENOENT;
	*ret_host = search.addr_host;
	return 0;
}
