/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Destinations that an NSG gets to see. */
#include "model/lint_priv.h"

#include <errno.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* Never judged by address: loopback, multicast and broadcast, the platform's two addresses. */
static struct nsg_range outside_ranges[] = {
    {NSG_IP4(127, 0, 0, 0), NSG_IP4(127, 255, 255, 255)},
    {NSG_IP_PLATFORM_DNS, NSG_IP_PLATFORM_DNS},
    {NSG_IP_PLATFORM_IMDS, NSG_IP_PLATFORM_IMDS},
    {NSG_IP4(224, 0, 0, 0), NSG_IP4(239, 255, 255, 255)},
    {UINT32_MAX, UINT32_MAX},
};
static const struct nsg_ranges outside = {.v = outside_ranges, .n = NSG_ARRAY_SIZE(outside_ranges)};

static struct nsg_range private_ranges[] = {
    {NSG_IP4(10, 0, 0, 0), NSG_IP4(10, 255, 255, 255)},
    {NSG_IP4(172, 16, 0, 0), NSG_IP4(172, 31, 255, 255)},
    {NSG_IP4(192, 168, 0, 0), NSG_IP4(192, 168, 255, 255)},
};
static const struct nsg_ranges rfc1918 = {.v = private_ranges, .n = NSG_ARRAY_SIZE(private_ranges)};

int nsg_carried_ranges(struct nsg_ranges *ret)
{
	return nsg_ranges_subtract(&nsg_ranges_everything, &outside, ret);
}

int nsg_judged_ranges(const struct nsg_effective *e, struct nsg_ranges *ret)
{
	struct nsg_ranges all cleanup_ranges = {0};
	int r;

	if (e->route_all)
		return nsg_carried_ranges(ret);
	if (!e->profile->endpoint_traffic_nsg)
		return nsg_ranges_subtract(&rfc1918, &outside, ret);
	r = nsg_ranges_union(&rfc1918, &e->endpoints, &all);
	return r ? r : nsg_ranges_subtract(&all, &outside, ret);
}
