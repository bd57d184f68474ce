/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateway routes: learned routes, effective route tables, static routes. */
#include "generate_priv.h"

/* Few, so that lists have prefixes in common; some are ranges of the network or of peers. */
static const char *const prefixes[] = {
    "10.20.0.0/16",    "10.20.4.0/22",	  "10.2.0.0/16",  "10.50.0.0/16", "172.31.0.0/16",
    "198.51.100.0/24", "172.16.200.0/24", "10.0.3.0/24",  "10.1.0.0/16",  "10.1.5.0/24",
    "100.64.1.0/24",   "20.60.1.0/24",	  "10.128.0.0/9", "10.0.0.0/16",  "172.16.0.0/12",
};

static const char *network(struct rng *r)
{
	if (rng_percent(r, 4))
		return PICK(r, generate_pool6);
	if (rng_percent(r, 5))
		return "0.0.0.0/0";
	return rng_percent(r, 70) ? PICK(r, prefixes) : PICK(r, generate_pool);
}

static json_t *learned_route(struct rng *r)
{
	static const char *const paths[] = {"65010", "65010", "65010-65020", "65001-65001-65001",
					    "65010-65010"};
	/* a gateway's, a route server's by its subnet, those of a peer, one that is nowhere */
	static const char *const locals[] = {"10.0.255.4", "10.0.255.4", "10.0.255.5",
					     "10.0.254.4", "10.1.255.4", "10.1.254.4",
					     "10.1.255.4", "198.18.77.4"};
	static const char *const hops[] = {"192.168.1.1", "10.0.100.8", "10.0.100.9", NULL};
	static const char *const origins[] = {"EBgp", "EBgp", "EBgp",	 "EBgp",
					      "IBgp", "IBgp", "Network", "Network"};
	const char *origin = PICK(r, origins), *local = PICK(r, locals), *hop = PICK(r, hops),
		   *peer = "10.0.255.6";

	/* advertised */
	if (rng_percent(r, 6)) {
		hop = local;
		peer = NULL;
	}
	return json_pack("{s:s,s:s?,s:s,s:s,s:s?,s:s,s:i}", "network", network(r), "nextHop", hop,
			 "localAddress", local, "origin", origin, "sourcePeer", peer, "asPath",
			 *origin == 'N' ? "" : PICK(r, paths), "weight", 32768);
}

static json_t *learned_routes(struct rng *r)
{
	uint32_t n = 1 + rng_below(r, 9);
	json_t *list = json_array();

	while (n--)
		json_array_append_new(list, learned_route(r));
	return list;
}

static json_t *effective_routes(struct rng *r)
{
	static const char *const states[] = {"Active", "Active", "Invalid"};
	uint32_t n = 1 + rng_below(r, 4);
	json_t *list = json_pack("[{s:n,s:s,s:s,s:[s],s:[],s:s}]", "name", "source", "Default",
				 "state", "Active", "addressPrefix", "10.77.0.0/16",
				 "nextHopIpAddress", "nextHopType", "VnetLocal");

	while (n--)
		json_array_append_new(list,
				      json_pack("{s:n,s:s,s:s,s:[s],s:[s],s:s}", "name", "source",
						"VirtualNetworkGateway", "state", PICK(r, states),
						"addressPrefix", network(r), "nextHopIpAddress",
						rng_percent(r, 50) ? "10.0.255.4" : "10.0.255.7",
						"nextHopType", "VirtualNetworkGateway"));
	return json_pack("{s:o}", "value", list);
}

static json_t *local_gateway(struct rng *r)
{
	return generate_shape(r,
			      json_pack("{s:s,s:o,s:s}", "name", "lng", "id",
					generate_id(NETWORK "localNetworkGateways/", "lng"), "type",
					"Microsoft.Network/localNetworkGateways"),
			      json_pack("{s:s,s:{s:[ss]}}", "gatewayIpAddress", "203.0.113.77",
					"localNetworkAddressSpace", "addressPrefixes",
					PICK(r, prefixes), network(r)));
}

static json_t *gateway(struct rng *r)
{
	return generate_shape(
	    r,
	    json_pack("{s:s,s:o,s:s}", "name", "vgw", "id",
		      generate_id(NETWORK "virtualNetworkGateways/", "vgw"), "type",
		      "Microsoft.Network/virtualNetworkGateways"),
	    json_pack("{s:s,s:{s:{s:[s]}}}", "gatewayType", "Vpn", "vpnClientConfiguration",
		      "vpnClientAddressPool", "addressPrefixes",
		      rng_percent(r, 70) ? "172.16.200.0/24" : "198.51.100.0/24"));
}

void generate_gateways(struct rng *r, const char *directory)
{
	if (rng_percent(r, 45))
		generate_save(directory, "bgp.json",
			      json_pack("{s:o}", "value", learned_routes(r)));
	if (rng_percent(r, 20))
		generate_save(directory, rng_percent(r, 50) ? "a-server.json" : "server.json",
			      json_pack("{s:o,s:o,s:n}", "RouteServiceRole_IN_0", learned_routes(r),
					"RouteServiceRole_IN_1", learned_routes(r), "value"));
	if (rng_percent(r, 15))
		generate_save(directory, rng_percent(r, 50) ? "a-effective.json" : "effective.json",
			      effective_routes(r));
	if (rng_percent(r, 15))
		generate_save(directory, "local-gateway.json", local_gateway(r));
	if (rng_percent(r, 15))
		generate_save(directory, "gateway.json", gateway(r));
}
