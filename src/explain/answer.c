/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/flow.h"
#include "explain/words.h"
#include "util/cleanup.h"
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

static int read_flow(const struct asker *a, const json_t *object, struct nsg_flow *ret)
{
	const char *why;

	if (nsg_flow_read(object, ret, &why) < 0)
		return nsg_diag_add(a->diag, NSG_ERROR, NULL, NULL, "bad flow: %s", why);
	return 0;
}

static int read_key(const struct asker *a, struct nsg_key *ret)
{
	struct nsg_flow flow;
	int r = read_flow(a, json_object_get(a->args, "flow"), &flow);

	if (!r && flow.is_ip6)
		r = nsg_diag_add(
		    a->diag, NSG_ERROR, NULL, NULL,
		    "IPv6 never enters an integration VNet: neither NSG nor routes apply");
	if (!r)
		*ret = flow.key;
	return r;
}

/* The decision is all there is to tell of IPv6. */
static int explain_ip6(const struct asker *a, const struct nsg_flow *flow)
{
	json_t *story, *item;
	int r = nsg_flow_decide(a->image, flow, NULL, &item);

	if (r < 0)
		return r;
	story = json_pack("{s{sbss}s[]sss[]s[]sns{s[]ssss}s[]}", "gate", "enters", 0, "text",
			  "an integration VNet has no IPv6: the packet leaves by the app's own way",
			  "tags", "nsg", "not evaluated: the packet is not in the VNet", "rules",
			  "routes", "nextHop", "farEnd", "addresses", "source", "outbound", "text",
			  "the app's own IPv6 address", "notices");
	if (nsg_put(item, "story", story) < 0) {
		json_decref(item);
		return -ENOMEM;
	}
	return give(a, item);
}

static int explain_many(const struct asker *a, const json_t *flows)
{
	const json_t *object;
	size_t i;

	json_array_foreach(flows, i, object)
	{
		json_t *id = json_object_get(object, "id");
		struct nsg_flow flow;
		json_t *item;
		int r = read_flow(a, object, &flow);

		if (!r)
			r = nsg_flow_decide(a->image, &flow, json_is_string(id) ? id : NULL, &item);
		if (!r)
			r = give(a, item);
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
	return r < 0 ? r : give(a, item);
}

static int test_ip_flow(const struct asker *a)
{
	struct nsg_key key;
	json_t *item;
	int r = read_key(a, &key);

	if (!r)
		r = nsg_explain_test_ip_flow(a->e, a->image, &key, &item);
	return r ? r : give(a, item);
}

static int show_next_hop(const struct asker *a)
{
	struct nsg_key key;
	json_t *item;
	enum nsg_gate gate;
	int r = read_key(a, &key);

	if (!r)
		r = nsg_explain_next_hop(a->e, a->image, &key, &item);
	if (r < 0)
		return r;
	gate = (enum nsg_gate)nsg_classify(a->image, &key).gate;
	if (gate == NSG_GATE_BYPASS || gate == NSG_GATE_PLATFORM)
		(void)nsg_diag_add(
		    a->diag, NSG_NOTICE, NULL, NULL,
		    "gate %s: the app's packet does not enter the VNet, and the subnet's "
		    "routes are not looked at",
		    nsg_gate_name(gate));
	return give(a, item);
}

static int effective_nsg(const struct asker *a)
{
	json_t *item;
	int r = nsg_explain_effective_nsg(a->e, &item);

	return r < 0 ? r : give(a, item);
}

static int effective_routes(const struct asker *a)
{
	json_t *item;
	int r = nsg_explain_effective_routes(a->e, &item);

	return r < 0 ? r : give(a, item);
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

	return json_pack("{sIsIsIsIsIsIsIsIsI}", "bytes", (json_int_t)info.size_bytes,
			 "compileMicroseconds", (json_int_t)(info.compile_ns / 1000), "rules",
			 (json_int_t)info.n_rules, "routes", (json_int_t)info.n_routes, "nextHops",
			 (json_int_t)info.n_hops, "sourceClasses", (json_int_t)info.src_classes,
			 "destinationClasses", (json_int_t)info.dst_classes, "portClasses",
			 (json_int_t)info.l4_classes, "destinationSegments",
			 (json_int_t)info.dst_segments);
}

static const char *said(const char *by)
{
	return by ? by : "";
}

json_t *nsg_explain_policy(const struct nsg_effective *e, const struct nsg_image *image)
{
	cleanup_json json_t *prefixes = json_array();
	cleanup_json json_t *policy = NULL;

	for (size_t i = 0; i < e->subnet->prefixes.n; i++)
		if (json_array_append_new(prefixes, nsg_prefix_json(e->subnet->prefixes.v[i])) < 0)
			return NULL;
	policy = json_pack("{sssssOss}", "vnet", e->vnet->name, "subnet", e->subnet->name,
			   "subnetPrefixes", prefixes, "subnetBy", said(e->subnet_by));
	if (nsg_put(policy, "nsg", nsg_string_or_null(e->nsg ? e->nsg->name : NULL)) < 0 ||
	    nsg_put(policy, "nsgBy", json_string(said(e->nsg_by))) < 0 ||
	    nsg_put(policy, "routeTable",
		    nsg_string_or_null(e->route_table ? e->route_table->name : NULL)) < 0 ||
	    nsg_put(policy, "routeTableBy", json_string(said(e->route_table_by))) < 0 ||
	    nsg_put(policy, "profile", json_string(e->profile->name)) < 0 ||
	    nsg_put(policy, "platform", json_string(e->is_linux ? "linux" : "windows")) < 0 ||
	    nsg_put(policy, "platformBy", json_string(said(e->platform_by))) < 0 ||
	    nsg_put(policy, "endpointPrecedence", json_string(e->endpoint_lab ? "lab" : "doc")) <
		0 ||
	    nsg_put(policy, "routeAll", json_boolean(e->route_all)) < 0 ||
	    nsg_put(policy, "routeAllBy", json_string(said(e->route_all_by))) < 0 ||
	    nsg_put(policy, "flowTimeoutInMinutes", json_integer(e->flow_timeout_minutes)) < 0 ||
	    nsg_put(policy, "image", image_json(image)) < 0)
		return NULL;
	return TAKE_PTR(policy);
}
