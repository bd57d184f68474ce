/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routes that a routing daemon keeps in a table of the kernel ([bgp] table): read whole, then
 * followed by notifications. Used by one thread; the sets that it makes are shared.
 *
 * Used are IPv4 unicast routes of the listed protocols, with any next hops: encapsulations and next
 * hop objects too, since the kernel's own table routes the packets. Others are counted.
 */
#ifndef NSG_KERNEL_LIVE_ROUTES_H
#define NSG_KERNEL_LIVE_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "kernel/netlink.h"
#include "util/diag.h"
#include "util/route_set.h"

/* Why a route of the table is not used. */
enum nsg_live_ignored {
	NSG_LIVE_PROTOCOL, /* not listed in [bgp] protocol */
	NSG_LIVE_TYPE,	   /* blackhole, unreachable, prohibit, throw, local, multicast, ... */
	NSG_LIVE_TOS,	   /* matches only packets with a type of service */
	NSG_LIVE_OBJECT, /* its next hop object is not reported: net.ipv4.nexthop_compat_mode is 0 */
	NSG_LIVE_MALFORMED, /* a message that is not valid */
	NSG_LIVE_IGNORED_MAX,
};

struct nsg_live;

/* Opens the sockets and subscribes; the table has not been read yet. A failure is a diagnostic.
 * conf, which must outlive it, has a [bgp] table. `transport` takes the place of the kernel; NULL:
 * the kernel. */
int nsg_live_open(const struct nsg_conf *conf, const struct nl_transport *transport,
		  struct nsg_diag *diag, struct nsg_live **ret);
/* NULL is fine; returns NULL. */
struct nsg_live *nsg_live_free(struct nsg_live *l);

/* To poll for notifications. */
int nsg_live_fd(const struct nsg_live *l);
/* Takes pending notifications, at most some thousands at a time. -errno. */
int nsg_live_drain(struct nsg_live *l);
/* Whether the table has to be read whole, or has changed, since the last set. */
bool nsg_live_must_read(const struct nsg_live *l);
bool nsg_live_has_changed(const struct nsg_live *l);

/*
 * Makes the present set, after reading the whole table if that is necessary, and how it differs from
 * the previous one. -E2BIG: more than NSG_MAX_BGP_ROUTES; -ENOMEM, -errno. After an error the
 * table must be read.
 */
int nsg_live_publish(struct nsg_live *l, struct nsg_route_diff *ret_diff,
		     struct nsg_route_set **ret);

/* The interfaces that its routes lead to or led to, *ret_n in number: valid until the next call. */
const uint32_t *nsg_live_links(const struct nsg_live *l, size_t *ret_n);
/* Routes of the table that were seen and not used, by nsg_live_ignored: of the last whole reading
 * and the notifications since. */
const uint64_t *nsg_live_ignored(const struct nsg_live *l);
/* How often notifications were lost, each of which a reading makes up for. */
uint64_t nsg_live_losses(const struct nsg_live *l);

#endif
