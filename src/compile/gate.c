/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate of every destination (semantics.md section 1): static for a given policy. */
#include "compile/parts.h"

#include <errno.h>
#include <string.h>

/* The pieces of the address space that the gate itself tells apart: first addresses. */
static const uint32_t fixed_boundaries[] = {
    0,
    NSG_IP4(10, 0, 0, 0),
    NSG_IP4(11, 0, 0, 0),
    NSG_IP4(127, 0, 0, 0),
    NSG_IP4(128, 0, 0, 0),
    NSG_IP_PLATFORM_DNS,
    NSG_IP_PLATFORM_DNS + 1,
    NSG_IP_PLATFORM_IMDS,
    NSG_IP_PLATFORM_IMDS + 1,
    NSG_IP4(172, 16, 0, 0),
    NSG_IP4(172, 32, 0, 0),
    NSG_IP4(192, 168, 0, 0),
    NSG_IP4(192, 169, 0, 0),
    NSG_IP4(224, 0, 0, 0),
    NSG_IP4(240, 0, 0, 0),
    NSG_IP4(255, 255, 255, 255),
};

static bool route_all_counts(const struct nsg_effective *e)
{
	return e->route_all && !(e->is_linux && e->profile->linux_only_rfc1918);
}

static bool endpoints_count(const struct nsg_effective *e)
{
	return !(e->is_linux && e->profile->linux_only_rfc1918);
}

static enum nsg_place_kind place_of(const struct nsg_effective *e, uint32_t addr_host)
{
	enum nsg_place_kind kind;

	if (addr_host == NSG_IP_PLATFORM_DNS)
		return NSG_PLACE_DNS;
	if (addr_host == NSG_IP_PLATFORM_IMDS)
		return NSG_PLACE_IMDS;
	if (addr_host >> 24 == 127)
		return NSG_PLACE_BYPASS;
	if (nsg_ip_is_rfc1918(addr_host))
		return NSG_PLACE_RFC1918;
	if (route_all_counts(e))
		kind = NSG_PLACE_ROUTE_ALL;
	else if (endpoints_count(e) && nsg_ranges_contain(&e->endpoints, addr_host))
		kind = NSG_PLACE_ENDPOINT;
	else
		return NSG_PLACE_BYPASS;
	if (addr_host >> 28 == 14 || addr_host == UINT32_MAX)
		return NSG_PLACE_NOT_CARRIED;
	return kind;
}

int nsg_gate_partition(const struct nsg_effective *e, struct nsg_partition *ret)
{
	struct nsg_partition p = {0};
	size_t n_fixed = sizeof(fixed_boundaries) / sizeof(fixed_boundaries[0]);
	size_t n = 0;
	uint64_t *firsts = malloc((n_fixed + 2 * e->endpoints.n) * 2 * sizeof(*firsts));
	int r = 0;

	if (!firsts)
		return -ENOMEM;
	for (size_t i = 0; i < n_fixed; i++)
		firsts[n++] = (uint64_t)fixed_boundaries[i] << 32;
	for (size_t i = 0; i < e->endpoints.n; i++) {
		firsts[n++] = (uint64_t)e->endpoints.v[i].lo << 32;
		if (e->endpoints.v[i].hi != UINT32_MAX)
			firsts[n++] = (uint64_t)(e->endpoints.v[i].hi + 1) << 32;
	}
	nsg_sort_upper(firsts, firsts + n, n);
	for (size_t i = 0; i < n && !r; i++) {
		if (i + 1 < n && firsts[i + 1] == firsts[i])
			continue;
		r = nsg_partition_push(&p,
				       i + 1 < n ? (uint32_t)(firsts[i + 1] >> 32) - 1 : UINT32_MAX,
				       place_of(e, (uint32_t)(firsts[i] >> 32)));
	}
	free(firsts);
	if (r) {
		nsg_partition_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}

uint64_t nsg_gate_hash(const struct nsg_effective *e)
{
	uint64_t h = nsg_mix(0, (uint64_t)route_all_counts(e) | (uint64_t)endpoints_count(e) << 1 |
				    (uint64_t)e->profile->endpoint_traffic_nsg << 2 |
				    (uint64_t)e->profile->endpoint_traffic_routes << 3);

	for (size_t i = 0; i < e->endpoints.n; i++)
		h = nsg_mix(h, (uint64_t)e->endpoints.v[i].hi << 32 | e->endpoints.v[i].lo);
	return h;
}
