/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages about this host: why a next hop is down, which settings interfere. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernel_priv.h"
#include "util/cleanup.h"
#include "util/ip.h"
#include "util/macro.h"
#include "util/names.h"

int nsg_kernel_complain(struct nsg_diag *diag, int error, const char *what)
{
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "%s: %s", what, strerror(-error));
	return error;
}

void nsg_kernel_name_hop(const struct nsg_hop *hop, char *out, size_t size)
{
	const char *type = nsg_hop_type_name((enum nsg_hop_type)hop->type);
	size_t at = (size_t)snprintf(out, size, "%s", type ? type : "?");

	for (uint32_t i = 0; i < hop->n_addrs && at < size; i++) {
		char ip[NSG_IP4_TEXT];

		nsg_ip4_format(hop->addrs_host[i], ip);
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? "," : " ", ip);
	}
}

void nsg_kernel_explain_path(const struct nsg_hop *hop, const struct nsg_path *path, char *out,
			     size_t size)
{
	char via[NSG_IP4_TEXT] = "", behind[NSG_IP4_TEXT];

	if (path->has_via)
		nsg_ip4_format(path->via_host, via);
	nsg_ip4_format(path->behind_host, behind);
	switch (path->reach) {
	case NSG_REACH_OK:
		(void)snprintf(out, size, "up");
		return;
	case NSG_REACH_NO_DEVICE:
		(void)snprintf(out, size, "no device %s", path->dev);
		return;
	case NSG_REACH_DOWN:
		(void)snprintf(out, size, "%s%s is down or has no carrier",
			       path->dev[0] ? "device " : "the link to ",
			       path->dev[0] ? path->dev : via);
		return;
	case NSG_REACH_NO_ROUTE:
		(void)snprintf(out, size, "this host has no route to %s", via);
		return;
	case NSG_REACH_LOCAL:
		(void)snprintf(out, size, "%s is an address of this host", via);
		return;
	case NSG_REACH_BEHIND:
		(void)snprintf(
		    out, size,
		    "%s is not on a link of this host but behind %s; set via and dev in a "
		    "[nexthop \"%s\"] section",
		    via, behind,
		    hop->type == NSG_HOP_APPLIANCE
			? via
			: nsg_hop_type_name((enum nsg_hop_type)hop->type));
		return;
	}
}

/* net.ipv4.conf.DEV.KEY of this namespace; -1 when it cannot be read */
static int setting(const char *dev, const char *key)
{
	cleanup_fclose FILE *f = NULL;
	char path[128];
	int value;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", dev, key);
	f = fopen(path, "re");
	return f && fscanf(f, "%d", &value) == 1 ? value : -1;
}

static void check_return_path(const char *dev, struct nsg_diag *diag)
{
	int all = setting("all", "rp_filter"), own = setting(dev, "rp_filter");

	/* the kernel uses the larger of the two; 1 is strict, 2 loose (ip-sysctl) */
	if ((all > own ? all : own) != 1)
		return;
	(void)nsg_diag_add(
	    diag, NSG_WARNING, NULL, NULL,
	    "replies that arrive on %s would be dropped by strict reverse path filtering; "
	    "set net.ipv4.conf.%s.rp_filter=2",
	    dev, dev);
}

static void check_forwarding(const struct nsg_conf *conf, struct nsg_diag *diag)
{
	for (size_t i = 0; i < conf->interfaces.n; i++)
		if (setting(conf->interfaces.v[i], "forwarding") == 0)
			(void)nsg_diag_add(
			    diag, NSG_WARNING, NULL, NULL,
			    "packets from %s are captured but not forwarded; set "
			    "net.ipv4.conf.%s.forwarding=1 (or net.ipv4.ip_forward=1)",
			    conf->interfaces.v[i], conf->interfaces.v[i]);
}

void nsg_kernel_check_families(const struct nsg_kernel *k, const char *protocols,
			       struct nsg_diag *diag)
{
	static const struct {
		const char *name, *module, *how;
	} families[] = {
	    {"RXRPC", "rxrpc", "AF_RXRPC sends from UDP sockets of the kernel"},
	    {"RDS", "rds", "AF_RDS sends from connections of the kernel's own threads, or by RDMA"},
	    {"SMC", "smc", "AF_SMC moves data from its TCP connection to RDMA"},
	};
	cleanup_fclose FILE *f = NULL;
	char line[256], name[32];

	if (!k->conf->hook_output)
		return;
	if (!k->table.kernel_sockets)
		(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
				   "the kernel cannot match the control group of a socket "
				   "(nft_socket): connections that it opens for a process, such as "
				   "subflows of MPTCP, are not captured");
	f = fopen(protocols, "re");
	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < NSG_ARRAY_SIZE(families); i++)
			if (sscanf(line, "%31s", name) == 1 && !strcmp(name, families[i].name))
				(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
						   "the module %s is loaded: %s, which cannot be "
						   "captured; nsgd(8) describes how to block it",
						   families[i].module, families[i].how);
}

/* New flows a second that the connection table should hold for one flow timeout. */
#define FLOWS_PER_SECOND 1000u

void nsg_kernel_check_connections(const char *max, uint32_t flow_minutes, struct nsg_diag *diag)
{
	const uint64_t wanted = (uint64_t)FLOWS_PER_SECOND * 60 * flow_minutes;
	cleanup_fclose FILE *f = fopen(max, "re");
	uint64_t most;

	if (!f || fscanf(f, "%" SCNu64, &most) != 1 || most >= wanted)
		return;
	(void)nsg_diag_add(diag, NSG_NOTICE, NULL, NULL,
			   "the connection table is full at %" PRIu64
			   " new flows per second, since idle flows are kept for %u minutes; set "
			   "net.netfilter.nf_conntrack_max to %" PRIu64 " for %u per second",
			   most / (60 * flow_minutes), flow_minutes, wanted, FLOWS_PER_SECOND);
}

void nsg_kernel_check_host(const struct nsg_kernel *k, const struct nsg_hop *hops, uint32_t n,
			   struct nsg_diag *diag)
{
	if (k->conf->hook_prerouting)
		check_forwarding(k->conf, diag);
	for (size_t i = 0; !k->conf->audit && i < k->links.links.n; i++) {
		const struct nsg_link *link = &k->links.links.v[i];
		bool used = false;

		for (uint32_t j = 0; j < n; j++)
			for (uint32_t path = 0; path < hops[j].n_paths; path++)
				used |= hops[j].paths[path].up &&
					hops[j].paths[path].ifindex == link->ifindex;
		if (used)
			check_return_path(link->name, diag);
	}
}
