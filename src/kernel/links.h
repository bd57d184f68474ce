/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel knows of links, addresses and routes: queries only. */
#ifndef NSG_KERNEL_LINKS_H
#define NSG_KERNEL_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/netlink.h"
#include "util/ip.h"
#include "util/vec.h"

/* The outer packets of a tunnel device: protocol, and port and far end where it has them. */
struct nsg_tunnel {
	uint8_t protocol; /* 0: no tunnel that re-sends the packet it was given */
	uint16_t port;	  /* of UDP, 0: none */
	bool has_remote;
	uint32_t remote_host;
};

struct nsg_link {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool up; /* administratively, and its carrier */
	struct nsg_tunnel tunnel;
	/* What it is made on (a VLAN's link) and what it is a port of (a bridge); 0: nothing here.
	 */
	uint32_t lower, master;
};

struct nsg_links {
	NSG_VEC(struct nsg_link) links;
};

/* All links. -errno. */
int nsg_links_read(struct nsg_nl *nl, struct nsg_links *ret);
void nsg_links_done(struct nsg_links *l);
/* Whether packets that are given to the link `ifindex` may go on into the tunnel: it is that link,
 * lies under it, or is a port of it. */
bool nsg_links_lead_into(const struct nsg_links *l, uint32_t ifindex,
			 const struct nsg_link *tunnel);
/* NULL: none of that name, or index. */
const struct nsg_link *nsg_links_by_name(const struct nsg_links *l, const char *name);
const struct nsg_link *nsg_links_by_index(const struct nsg_links *l, uint32_t ifindex);

/* Can packets be sent to it. */
enum nsg_reach {
	NSG_REACH_OK,
	NSG_REACH_NO_DEVICE, /* no link of that name */
	NSG_REACH_DOWN,	     /* the link is down, or has no carrier */
	NSG_REACH_NO_ROUTE,
	NSG_REACH_LOCAL,  /* an address of this host */
	NSG_REACH_BEHIND, /* not on a link: behind another gateway */
};

/* Looks a gateway's address up as the host's own packets are. *ret_ifindex if NSG_REACH_OK,
 * *ret_behind_host if NSG_REACH_BEHIND. */
enum nsg_reach nsg_links_reach(struct nsg_nl *nl, const struct nsg_links *l, uint32_t addr_host,
			       uint32_t *ret_ifindex, uint32_t *ret_behind_host);

/* The host's first address inside any of the prefixes. -ENOENT, -errno. */
int nsg_links_address(struct nsg_nl *nl, const struct nsg_prefix *prefixes, size_t n,
		      uint32_t *ret_host);

#endif
