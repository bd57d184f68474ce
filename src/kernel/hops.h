/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers of next hops in the mark, and the paths by which this host reaches them.
 *
 * A number belongs to a hop's key, (type, addresses), while the live image or the one being
 * prepared uses it. A freed number is reused last: the mark of a connection may still have it.
 */
#ifndef NSG_KERNEL_HOPS_H
#define NSG_KERNEL_HOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "classify/image.h"
#include "conf/conf.h"
#include "conf/marks.h"
#include "kernel/links.h"
#include "util/diag.h"
#include "util/limits.h"

/* A gateway, a device, or both. */
struct nsg_path {
	bool has_via;
	uint32_t via_host;
	char dev[IF_NAMESIZE]; /* "": the device of the kernel's route to the gateway */
	/* as last resolved: */
	bool up;
	uint32_t ifindex;     /* valid if up */
	enum nsg_reach reach; /* why not, if not up */
	uint32_t behind_host; /* NSG_REACH_BEHIND: the gateway in between */
};

struct nsg_hop {
	bool used;	 /* the number is taken */
	bool live, next; /* by the image in force, by the one being prepared */
	/* the key */
	uint8_t type;	      /* enum nsg_hop_type */
	uint32_t *addrs_host; /* appliances; sorted */
	uint32_t n_addrs;

	struct nsg_path *paths;
	uint32_t n_paths;
	/* The gateway without a [nexthop] section: */
	uint32_t lookup; /* [bgp] table, which routes its packets; its paths are the interfaces of
			  * that table's routes. 0: none */
	bool unknown;	 /* nothing says how this host reaches it: its packets are dropped */
	bool has_snat;
	uint32_t snat_host;

	bool up;	       /* at least one path is */
	bool was_up, reported; /* as of the last report */
	bool foreign_change;   /* its table was changed by another program */
	bool applied_change;   /* its table has just been corrected by nsgd */
	bool inherited;	       /* `packets` was not read yet, but counted by an earlier process */
	uint64_t packets;      /* sent to it, when last read */
	uint64_t lost;	       /* of these, sent while it was down */
};

/* Without a table a hop is routed by the host, and is numbered for [snat] only. */
static inline bool nsg_hop_has_table(const struct nsg_hop *hop)
{
	return hop->n_paths || hop->lookup || hop->unknown;
}

struct nsg_hops {
	const struct nsg_conf *conf;
	const struct nsg_marks *marks;
	struct nsg_hop *v; /* by number; v[0] is never used */
	uint32_t max;	   /* the largest number */
	uint32_t last;	   /* the number given last */
};

/* -ENOMEM. conf and marks must outlive it. */
int nsg_hops_init(struct nsg_hops *h, const struct nsg_conf *conf, const struct nsg_marks *marks);
void nsg_hops_done(struct nsg_hops *h);

/*
 * A number for each of the image's hops, for which ret_number has room. Reserves nothing: the
 * result is the same until numbers are committed. Errors are diagnostics: -EINVAL.
 */
int nsg_hops_number(const struct nsg_hops *h, const struct nsg_image *image, struct nsg_diag *diag,
		    uint16_t *ret_number);

/* Takes the numbers for the image being prepared (`next`). On failure nothing new is taken. */
int nsg_hops_commit(struct nsg_hops *h, const struct nsg_image *image, const uint16_t *number,
		    uint32_t n);
/* Takes the number for a hop of an image that another process had in force. addrs_host is sorted.
 * -EINVAL: it is taken, or conf has no path to the hop. */
int nsg_hops_restore(struct nsg_hops *h, uint32_t number, uint8_t type, const uint32_t *addrs_host,
		     uint32_t n_addrs);
/* The prepared image is in force. */
void nsg_hops_swap(struct nsg_hops *h);
/* The number can be freed: neither image uses it. */
bool nsg_hops_is_idle(const struct nsg_hop *hop);
void nsg_hops_free_number(struct nsg_hops *h, uint32_t number);

/* The image's hop with that index, its paths not resolved. -ENOMEM. */
int nsg_hop_of(const struct nsg_conf *conf, const struct nsg_image *image, uint32_t index,
	       struct nsg_hop *ret);
/* The interfaces that its looked-up table leads to, instead of those before. -ENOMEM. */
int nsg_hop_set_links(struct nsg_hop *hop, const struct nsg_links *links, const uint32_t *ifindexes,
		      size_t n);
/* Looks up every path: up, ifindex, reach; and whether the hop is up. */
void nsg_hop_resolve(struct nsg_hop *hop, struct nsg_nl *nl, const struct nsg_links *links);
void nsg_hop_done(struct nsg_hop *hop);

#endif
