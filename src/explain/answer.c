/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/flow.h"
#include "explain/words_priv.h"
#include "model/gate.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/macro.h"

struct asker {
	const struct nsg_effective *e;
	const struct nsg_image *image;
	const json_t *args;
	int (*data)(void *closure, json_t *item);
	void *closure;
	struct nsg_diag *diag;
};

static int give(const struct asker *a, json_t *item)
{
	int r = a->data(a->closure, item);

	json_decref(item);
	return r;
}

static int bad_flow(const struct asker *a, const char *why)
{
	return nsg_diag_add(a->diag, NSG_ERROR, NULL, NULL, "invalid flow: %s", why);
}

static int read_flow(const struct asker *a, const json_t *object, struct nsg_flow *ret)
{
	const char *why;

	return nsg_flow_read(object, ret, &why) < 0 ? bad_flow(a, why) : 0;
}

static int read_key(const struct asker *a, struct nsg_key *ret)
{
	struct nsg_flow flow;
	int r = read_flow(a, json_object_get(a->args, "flow"), &flow);

	if (r < 0)
		return r;
	if (flow.is_ip6)
		return nsg_diag_add(
		    a->diag, NSG_ERROR, NULL, NULL,
		    "IPv6 never enters an integration VNet: neither NSG nor routes apply");
	*ret = flow.key;
	return 0;
}

static const char *ip6_words(const struct nsg_effective *e, enum nsg_gate gate)
{
	if (gate == NSG_GATE_NOT_CARRIED)
		return "the integration has no IPv6, and the packet would evade the NSG: it is "
		       "refused";
	return nsg_gate_refuses_ip6(e)
		   ? "loopback, link-local and multicast destinations are not the integration's"
		   : "IPv6 packets do not enter an integration VNet, and route-all is off: they "
		     "pass";
}

/* IPv6 has a decision, but no rules or routes to report. */
static int explain_ip6(const struct asker *a, const struct nsg_flow *flow)
{
	enum nsg_gate gate = nsg_gate_of_ip6(a->e, flow->dst6);
	bool refused = gate == NSG_GATE_NOT_CARRIED;
	json_t *story = NSG_JSON_OBJECT(
	    PAIR_J("gate",
		   NSG_JSON_OBJECT(PAIR_B("enters", false), PAIR_S("text", ip6_words(a->e, gate)))),
	    PAIR_J("tags", json_array()),
	    PAIR_S("nsg", "not evaluated: the packet does not enter the VNet"),
	    PAIR_J("rules", json_array()), PAIR_J("routes", json_array()), PAIR_N("nextHop"),
	    PAIR_J("farEnd",
		   NSG_JSON_OBJECT(PAIR_S("source", refused ? "none" : "outbound"),
				   PAIR_J("addresses", json_array()),
				   PAIR_S("text", refused ? "the packet does not arrive"
							  : "an IPv6 address of the app"))),
	    PAIR_J("notices", json_array()));
	json_t *item = NULL;
	int r = nsg_flow_decide(a->e, a->image, flow, NULL, &item);

	if (r < 0) {
		json_decref(story);
		return r;
	}
	r = NSG_JSON_ADD(item, PAIR_J("story", story));
	if (r < 0) {
		json_decref(item);
		return r;
	}
	return give(a, item);
}

static int explain_one(const struct asker *a, const json_t *object)
{
	json_t *id = json_object_get(object, "id"), *item;
	struct nsg_flow flow;
	int r = read_flow(a, object, &flow);

	if (r < 0)
		return r;
	r = nsg_flow_decide(a->e, a->image, &flow, json_is_string(id) ? id : NULL, &item);
	if (r < 0)
		return r;
	return give(a, item);
}

static int explain_many(const struct asker *a, const json_t *flows)
{
	const json_t *object;
	size_t i;

	if (json_array_size(flows) > NSG_MAX_CONTROL_FLOWS)
		return nsg_diag_add(a->diag, NSG_ERROR, NULL, NULL,
				    "more than %u flows in a request", NSG_MAX_CONTROL_FLOWS);
	json_array_foreach(flows, i, object)
	{
		int r = explain_one(a, object);

		if (r)
			return r;
	}
	return 0;
}

static int explain(const struct asker *a)
{
	const char *output = json_string_value(json_object_get(a->args, "output"));
	const json_t *flows = json_object_get(a->args, "flows");
	struct nsg_flow flow;
	json_t *item;
	int r;

	if (json_is_array(flows))
		return explain_many(a, flows);
	r = read_flow(a, json_object_get(a->args, "flow"), &flow);
	if (r < 0)
		return r;
	if (flow.is_ip6)
		return explain_ip6(a, &flow);
	if (output && strcmp(output, "azure") == 0)
		r = nsg_explain_azure(a->e, a->image, &flow.key, a->diag, &item);
	else
		r = nsg_explain_flow(a->e, a->image, &flow.key, a->diag, &item);
	if (r < 0)
		return r;
	return give(a, item);
}

static int test_ip_flow(const struct asker *a)
{
	struct nsg_key key;
	json_t *item;
	int r = read_key(a, &key);

	if (r < 0)
		return r;
	r = nsg_explain_test_ip_flow(a->image, &key, &item);
	if (r < 0)
		return r;
	return give(a, item);
}

static int show_next_hop(const struct asker *a)
{
	struct nsg_key key;
	json_t *item = NULL;
	enum nsg_gate gate;
	int r = read_key(a, &key);

	if (r < 0)
		return r;
	r = nsg_explain_next_hop(a->e, a->image, &key, &item);
	if (r < 0)
		return r;
	gate = (enum nsg_gate)nsg_classify(a->image, &key).gate;
	if (gate == NSG_GATE_BYPASS || gate == NSG_GATE_PLATFORM)
		(void)nsg_diag_add(
		    a->diag, NSG_NOTICE, NULL, NULL,
		    "gate %s: the app's packets do not enter the VNet, so the subnet's "
		    "routes do not apply",
		    nsg_gate_name(gate));
	return give(a, item);
}

static int effective_nsg(const struct asker *a)
{
	json_t *item;
	int r = nsg_explain_effective_nsg(a->e, &item);

	if (r < 0)
		return r;
	return give(a, item);
}

static int effective_routes(const struct asker *a)
{
	cleanup_route_cursor struct nsg_route_cursor cursor = {.e = a->e};
	json_t *item;
	int r = nsg_explain_routes_next(&cursor, SIZE_MAX, &item);

	if (r < 0)
		return r;
	return give(a, item);
}

int nsg_explain_answer(const struct nsg_effective *e, const struct nsg_image *image,
		       const char *verb, const json_t *args,
		       int (*data)(void *closure, json_t *item), void *closure,
		       struct nsg_diag *diag)
{
	static const struct {
		const char *verb;
		int (*answer)(const struct asker *a);
	} verbs[] = {
	    {"explain", explain},
	    {"test-ip-flow", test_ip_flow},
	    {"show-next-hop", show_next_hop},
	    {"effective-nsg", effective_nsg},
	    {"effective-routes", effective_routes},
	};
	const struct asker asker = {e, image, args, data, closure, diag};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].verb, verb) == 0)
			return verbs[i].answer(&asker);
	return -ENOENT;
}

static json_t *image_json(const struct nsg_image *image)
{
	const struct nsg_image_info info = nsg_image_info(image);

	return NSG_JSON_OBJECT(
	    PAIR_I("bytes", info.size_bytes), PAIR_I("compileMicroseconds", info.compile_ns / 1000),
	    PAIR_I("rules", info.n_rules), PAIR_I("routes", info.n_routes),
	    PAIR_I("nextHops", info.n_hops), PAIR_I("sourceClasses", info.src_classes),
	    PAIR_I("destinationClasses", info.dst_classes), PAIR_I("portClasses", info.l4_classes),
	    PAIR_I("destinationSegments", info.dst_segments));
}

/* What decides, in sixteen digits: policies with one hash decide every flow the same. */
static void policy_hash(const struct nsg_image *image, char out[17])
{
	const struct nsg_image_info info = nsg_image_info(image);
	uint64_t hash = info.nsg_hash;

	hash = (hash ^ info.route_hash) * 0x100000001b3u;
	hash = (hash ^ info.gate_hash) * 0x100000001b3u;
	(void)snprintf(out, 17, "%016llx", (unsigned long long)hash);
}

/* What set something; "" when nothing did. */
static const char *set_by(const char *by)
{
	return by ? by : "";
}

json_t *nsg_explain_policy(const struct nsg_effective *e, const struct nsg_image *image)
{
	cleanup_json json_t *prefixes = json_array();
	char hash[17];

	policy_hash(image, hash);
	for (size_t i = 0; i < e->subnet->prefixes.n; i++)
		if (json_array_append_new(prefixes, nsg_prefix_json(e->subnet->prefixes.v[i])) < 0)
			return NULL;
	return NSG_JSON_OBJECT(
	    PAIR_S("vnet", e->vnet->name), PAIR_S("subnet", e->subnet->name),
	    PAIR_J("subnetPrefixes", TAKE_PTR(prefixes)), PAIR_S("subnetBy", set_by(e->subnet_by)),
	    PAIR_S("nsg", e->nsg ? e->nsg->name : NULL), PAIR_S("nsgBy", set_by(e->nsg_by)),
	    PAIR_S("routeTable", e->route_table ? e->route_table->name : NULL),
	    PAIR_S("routeTableBy", set_by(e->route_table_by)),
	    PAIR_I("adminRules", e->n_admin_rules), PAIR_S("profile", e->profile->name),
	    PAIR_S("platform", e->is_linux ? "linux" : "windows"),
	    PAIR_S("platformBy", set_by(e->platform_by)),
	    PAIR_S("endpointPrecedence", e->endpoint_lab ? "lab" : "doc"),
	    PAIR_B("routeAll", e->route_all), PAIR_S("routeAllBy", set_by(e->route_all_by)),
	    PAIR_I("flowTimeoutInMinutes", e->flow_timeout_minutes), PAIR_S("hash", hash),
	    PAIR_J("image", image_json(image)));
}
