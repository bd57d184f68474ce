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

/* linux/if.h and net/if.h cannot be included together. */
#define LINK_LOWER_UP 0x10000u

struct attrs {
	const struct nlattr **v;
	unsigned int max;
};

static int take_attr(const struct nlattr *attr, void *data)
{
	struct attrs *a = data;

	if (mnl_attr_get_type(attr) <= a->max)
		a->v[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint32_t addr_of(const struct nlattr *attr)
{
	uint32_t be = 0;

	if (attr && mnl_attr_get_payload_len(attr) == sizeof(be))
		memcpy(&be, mnl_attr_get_payload(attr), sizeof(be));
	return ntohl(be);
}

static uint32_t u32_of(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? mnl_attr_get_u32(attr)
									  : 0;
}

/*
 * Kinds of links that send the packet they were given on inside another, with the inner packet's
 * socket: its outer packet would look like the app's. (WireGuard and tun give up the socket; their
 * outer packets belong to no process, or to the tunnel's own.)
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

static struct nsg_tunnel tunnel_of(const struct nlattr *linkinfo)
{
	const struct nlattr *info[IFLA_INFO_MAX + 1] = {0};
	const struct nlattr *data[64] = {0};
	struct attrs info_attrs = {info, IFLA_INFO_MAX}, data_attrs = {data, 63};
	struct nsg_tunnel t = {0};

	if (!linkinfo || mnl_attr_parse_nested(linkinfo, take_attr, &info_attrs) < 0 ||
	    !info[IFLA_INFO_KIND] || mnl_attr_validate(info[IFLA_INFO_KIND], MNL_TYPE_STRING) < 0)
		return t;
	if (info[IFLA_INFO_DATA])
		(void)mnl_attr_parse_nested(info[IFLA_INFO_DATA], take_attr, &data_attrs);
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		const struct nlattr *port = data[tunnels[i].port_attr];

		if (strncmp(mnl_attr_get_payload(info[IFLA_INFO_KIND]), tunnels[i].kind,
			    mnl_attr_get_payload_len(info[IFLA_INFO_KIND])))
			continue;
		t.protocol = tunnels[i].protocol;
		t.port = tunnels[i].default_port;
		if (tunnels[i].port_attr && port && mnl_attr_get_payload_len(port) == 2)
			t.port = ntohs(mnl_attr_get_u16(port));
		if (tunnels[i].remote_attr)
			t.remote_host = addr_of(data[tunnels[i].remote_attr]);
		t.has_remote = t.remote_host != 0;
		break;
	}
	return t;
}

static int take_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *v[IFLA_MAX + 1] = {0};
	struct attrs attrs = {v, IFLA_MAX};
	struct nsg_links *l = arg;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nsg_link link = {0};
	size_t size;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi) ||
	    mnl_attr_parse(nlh, sizeof(*ifi), take_attr, &attrs) < 0 || !v[IFLA_IFNAME])
		return 0;
	link.ifindex = (uint32_t)ifi->ifi_index;
	link.up = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & LINK_LOWER_UP);
	size = mnl_attr_get_payload_len(v[IFLA_IFNAME]);
	if (size > sizeof(link.name))
		return 0;
	memcpy(link.name, mnl_attr_get_payload(v[IFLA_IFNAME]), size);
	link.name[sizeof(link.name) - 1] = '\0';
	link.tunnel = tunnel_of(v[IFLA_LINKINFO]);
	/* with a namespace's id the index is of there */
	link.lower = v[IFLA_LINK_NETNSID] ? 0 : u32_of(v[IFLA_LINK]);
	link.master = u32_of(v[IFLA_MASTER]);
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

/* Links on links on links: more than anybody stacks, and an end where they form a circle. */
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
	const struct nlattr *v[RTA_MAX + 1] = {0};
	struct attrs attrs = {v, RTA_MAX};
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct lookup *lookup = arg;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    mnl_attr_parse(nlh, sizeof(*rtm), take_attr, &attrs) < 0)
		return 0;
	lookup->found = true;
	lookup->type = rtm->rtm_type;
	lookup->ifindex = u32_of(v[RTA_OIF]);
	lookup->gateway_host = addr_of(v[RTA_GATEWAY]);
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

static int take_address(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *v[IFA_MAX + 1] = {0};
	struct attrs attrs = {v, IFA_MAX};
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address_search *search = arg;
	uint32_t addr;

	if (search->found || nlh->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa) || ifa->ifa_family != AF_INET ||
	    mnl_attr_parse(nlh, sizeof(*ifa), take_attr, &attrs) < 0)
		return 0;
	/* IFA_ADDRESS is the far end's on a point-to-point link */
	addr = addr_of(v[IFA_LOCAL] ? v[IFA_LOCAL] : v[IFA_ADDRESS]);
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
