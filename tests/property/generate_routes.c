/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Route tables. */
#include "generate_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static bool json_list_has(json_t *list, const char *text)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v) if (!strcmp(json_string_value(v), text)) return true;
	return false;
}

static json_t *udr(struct rng *r, const char *name, const char *prefix)
{
	static const char *const types[] = {
	    "VirtualAppliance", "VirtualAppliance", "VirtualAppliance",	    "Internet", "None",
	    "VnetLocal",	"VNetLocal",	    "VirtualNetworkGateway"};
	static const char *const hops[] = {"10.0.100.4", "10.0.100.5", "10.1.0.4"};
	const char *type = PICK(r, types);
	json_t *route = json_pack("{s:s}", "addressPrefix", prefix);

	if (rng_percent(r, 8)) {
		json_object_set_new(route, "nextHopType", json_string("VirtualApplianceEcmp"));
		json_object_set_new(
		    route, "nextHop",
		    json_pack("{s:[ss]}", "nextHopIpAddresses", "10.0.100.4", "10.0.100.5"));
	} else {
		json_object_set_new(route, "nextHopType", json_string(type));
		if (!strcmp(type, "VirtualAppliance"))
			json_object_set_new(route, "nextHopIpAddress", json_string(PICK(r, hops)));
	}
	return generate_shape(r, json_pack("{s:s}", "name", name), route);
}

json_t *generate_table(struct rng *r, bool has_tags)
{
	uint32_t n = rng_below(r, 14);
	json_t *routes = json_array();
	cleanup_json json_t *used = json_array();

	for (uint32_t i = 0; i < n; i++) {
		char name[20];
		const char *prefix = has_tags && rng_percent(r, 40) ? PICK(r, generate_tag_names)
								    : PICK(r, generate_pool);

		if (!i && rng_percent(r, 25))
			prefix = "0.0.0.0/0";
		else if (rng_percent(r, 4))
			prefix = PICK(r, generate_pool6);
		if (json_list_has(used, prefix))
			continue;
		json_array_append_new(used, json_string(prefix));
		(void)snprintf(name, sizeof(name), "u%u", i);
		json_array_append_new(routes, udr(r, name, prefix));
	}
	return generate_shape(r,
			      json_pack("{s:s,s:o,s:s,s:s}", "name", "rt-int", "id",
					generate_id(NETWORK "routeTables/", "rt-int"), "type",
					"Microsoft.Network/routeTables", "location", "westeurope"),
			      json_pack("{s:b,s:s,s:o}", "disableBgpRoutePropagation",
					rng_percent(r, 15), "disablePeeringRoute",
					rng_percent(r, 25) ? "All" : "None", "routes", routes));
}
