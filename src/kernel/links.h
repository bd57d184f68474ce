/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's links, addresses and routes: queries only. */
#ifndef NSG_KERNEL_LINKS_H
#define NSG_KERNEL_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/netlink.h"
#include "util/ip.h"
#include "util/vec.h"

/* How to recognise the outer packets of a tunnel device. */
struct nsg_tunnel {
	uint8_t protocol; /* 0: not a tunnel, or one without the inner packet's socket */
	uint16_t port;	  /* of UDP, 0: none */
	bool has_remote;
	uint32_t remote_host;
};

struct nsg_link {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool up; /* set up, and has carrier */
	struct nsg_tunnel tunnel;
	/* The link below (of a VLAN) and the one it is a port of (a bridge); 0: none in this
	 * namespace. */
	uint32_t lower, master;
};

struct nsg_links {
	NSG_VEC(struct nsg_link) links;
};

/* All links. -errno. */
int nsg_links_read(struct nsg_nl *nl, struct nsg_links *ret);
void nsg_links_done(struct nsg_links *l);
/* Whether packets sent to the link `ifindex` may enter the tunnel: the tunnel is that link, below
 * it, or a port of it. */
bool nsg_links_lead_into(const struct nsg_links *l, uint32_t ifindex,
			 const struct nsg_link *tunnel);
/* NULL: no link has that name or index. */
const struct nsg_link *nsg_links_by_name(const struct nsg_links *l, const char *name);
const struct nsg_link *nsg_links_by_index(const struct nsg_links *l, uint32_t ifindex);

/* Whether packets can be sent to a next hop, and if not, why. */
enum nsg_reach {
	NSG_REACH_OK,
	NSG_REACH_NO_DEVICE, /* no link of that name */
	NSG_REACH_DOWN,	     /* the link is down, or has no carrier */
	NSG_REACH_NO_ROUTE,
	NSG_REACH_LOCAL,  /* an address of this host */
	NSG_REACH_BEHIND, /* not on a link: behind another gateway */
};

/* Looks up the route to a gateway as for the host's own packets. *ret_ifindex if NSG_REACH_OK,
 * *ret_behind_host if NSG_REACH_BEHIND. */
enum nsg_reach nsg_links_reach(struct nsg_nl *nl, const struct nsg_links *l, uint32_t addr_host,
			       uint32_t *ret_ifindex, uint32_t *ret_behind_host);

/* The host's first address inside any of the prefixes. -ENOENT, -errno. */
int nsg_links_address(struct nsg_nl *nl, const struct nsg_prefix *prefixes, size_t n,
		      uint32_t *ret_host);

#endif
