/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a JSON value is: by its resource type, else by its id's, else by its keys (interfaces.md
 * section 1), never by its file's name; and through the wrappings that tools put around resources.
 */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "azure/kind_priv.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* ---- by keys ------------------------------------------------------------------------------- */

static bool is_array(const struct nsg_node *n, const char *key)
{
	return json_is_array(nsg_node_get(n, key).value);
}

static size_t count_keys(const struct nsg_node *n, const char *const keys[])
{
	size_t found = 0;

	for (; *keys; keys++)
		found += nsg_node_has(n, *keys);
	return found;
}

#define COUNT_KEYS(n, ...) count_keys(n, (const char *const[]){__VA_ARGS__, NULL})

static bool looks_like_tags(const struct nsg_node *n)
{
	return json_is_array(nsg_member(n->value, "values")) &&
	       COUNT_KEYS(n, "cloud", "changeNumber");
}

static bool looks_like_vnet(const struct nsg_node *n)
{
	return nsg_node_has(n, "addressSpace");
}

/* An NSG may be empty, so that the keys alone count. */
static bool looks_like_nsg(const struct nsg_node *n)
{
	json_t *inner = nsg_member(n->value, "properties");

	return nsg_member(n->value, "securityRules") || nsg_member(inner, "securityRules");
}

/* Three fields of a rule: one with a field missing is still told as what it is. */
static bool looks_like_rule(const struct nsg_node *n)
{
	return COUNT_KEYS(n, "priority", "access", "direction", "protocol", "sourceAddressPrefix",
			  "sourceAddressPrefixes", "destinationAddressPrefix",
			  "destinationAddressPrefixes", "sourcePortRange", "sourcePortRanges",
			  "destinationPortRange", "destinationPortRanges") > 2;
}

static bool looks_like_integration(const struct nsg_node *n)
{
	return COUNT_KEYS(n, "vnetResourceId", "subnetResourceId", "swiftSupported");
}

static bool looks_like_table(const struct nsg_node *n)
{
	json_t *inner = nsg_member(n->value, "properties");

	return nsg_member(n->value, "routes") || nsg_member(inner, "routes") ||
	       nsg_node_has(n, "disableBgpRoutePropagation");
}

static bool looks_like_effective_route(const struct nsg_node *n)
{
	return nsg_node_has(n, "nextHopType") && COUNT_KEYS(n, "source", "state");
}

static bool looks_like_route(const struct nsg_node *n)
{
	return COUNT_KEYS(n, "nextHopType", "addressPrefix") == 2;
}

static bool looks_like_learned_route(const struct nsg_node *n)
{
	return nsg_node_has(n, "network") &&
	       COUNT_KEYS(n, "origin", "nextHop", "sourcePeer", "asPath", "localAddress");
}

static bool looks_like_route_server(const struct nsg_node *n)
{
	static const char role[] = "RouteServiceRole_IN_";
	const char *key;
	json_t *unused;

	json_object_foreach(n->value, key, unused)
	{
		if (!strncasecmp(key, role, sizeof(role) - 1))
			return true;
	}
	return false;
}

static bool looks_like_plan(const struct nsg_node *n)
{
	return nsg_node_has(n, "sku") &&
	       COUNT_KEYS(n, "numberOfSites", "numberOfWorkers", "maximumNumberOfWorkers",
			  "workerTierName", "maximumElasticWorkerCount");
}

static bool looks_like_site(const struct nsg_node *n)
{
	return COUNT_KEYS(n, "virtualNetworkSubnetId", "outboundVnetRouting", "siteConfig",
			  "serverFarmId", "appServicePlanId", "defaultHostName");
}

static bool looks_like_site_config(const struct nsg_node *n)
{
	return nsg_node_has(n, "vnetRouteAllEnabled");
}

static bool looks_like_private_endpoint(const struct nsg_node *n)
{
	return COUNT_KEYS(n, "privateLinkServiceConnections", "manualPrivateLinkServiceConnections",
			  "customDnsConfigs");
}

static bool looks_like_nic(const struct nsg_node *n)
{
	return is_array(n, "ipConfigurations") &&
	       COUNT_KEYS(n, "macAddress", "enableIPForwarding", "dnsSettings", "nicType",
			  "hostedWorkloads", "tapConfigurations", "privateEndpoint");
}

static bool looks_like_peering(const struct nsg_node *n)
{
	return nsg_node_has(n, "remoteVirtualNetwork");
}

static bool looks_like_subnet(const struct nsg_node *n)
{
	return COUNT_KEYS(n, "addressPrefix", "addressPrefixes") &&
	       COUNT_KEYS(n, "delegations", "serviceEndpoints", "networkSecurityGroup",
			  "routeTable", "privateEndpointNetworkPolicies");
}

/* {"name": ..., "slotSetting": ..., "value": ...}; without slotSetting, that many things have, it
 * must be all there is. */
static bool looks_like_setting(const struct nsg_node *n)
{
	return json_is_string(nsg_member(n->value, "name")) && nsg_member(n->value, "value") &&
	       (nsg_member(n->value, "slotSetting") || json_object_size(n->value) == 2);
}

/* ---- the table ------------------------------------------------------------------------------ */

#define NETWORK "Microsoft.Network/"
#define WEB "Microsoft.Web/"

/* The order is that of recognition by keys: the telling ones first. */
static const struct kind {
	const char *type; /* NULL: Azure gives it none */
	bool (*looks)(const struct nsg_node *n);
	void (*read)(struct nsg_reader *r, const struct nsg_node *n);
} kinds[] = {
    {NETWORK "serviceTags", looks_like_tags, nsg_read_tags},
    {NULL, looks_like_route_server, nsg_read_route_server},
    {NULL, looks_like_setting, nsg_read_app_setting},
    {NETWORK "privateEndpoints", looks_like_private_endpoint, nsg_read_private_endpoint},
    {NETWORK "networkInterfaces", looks_like_nic, nsg_read_nic},
    {NETWORK "virtualNetworks", looks_like_vnet, nsg_read_vnet},
    {"Microsoft.ClassicNetwork/virtualNetworks", NULL, nsg_read_classic_vnet},
    {NETWORK "virtualNetworks/virtualNetworkPeerings", looks_like_peering, nsg_read_loose_peering},
    {NETWORK "networkSecurityGroups", looks_like_nsg, nsg_read_nsg},
    {NETWORK "networkSecurityGroups/securityRules", looks_like_rule, nsg_read_loose_rule},
    {NETWORK "networkSecurityGroups/defaultSecurityRules", NULL, nsg_read_loose_default_rule},
    {WEB "sites/virtualNetworkConnections", looks_like_integration, nsg_read_integration},
    {WEB "sites/slots/virtualNetworkConnections", NULL, nsg_read_integration},
    {WEB "sites/networkConfig", NULL, nsg_read_integration},
    {WEB "sites/slots/networkConfig", NULL, nsg_read_integration},
    {NULL, looks_like_effective_route, nsg_read_effective_route},
    {NETWORK "routeTables/routes", looks_like_route, nsg_read_loose_route},
    {NETWORK "routeTables", looks_like_table, nsg_read_route_table},
    {NULL, looks_like_learned_route, nsg_read_learned_route},
    {WEB "serverfarms", looks_like_plan, nsg_read_plan},
    {WEB "sites", looks_like_site, nsg_read_site},
    {WEB "sites/slots", NULL, nsg_read_site},
    {WEB "sites/config", looks_like_site_config, nsg_read_site_config},
    {WEB "sites/slots/config", NULL, nsg_read_site_config},
    {NETWORK "virtualNetworks/subnets", looks_like_subnet, nsg_read_loose_subnet},
    {NETWORK "applicationSecurityGroups", NULL, nsg_read_asg},
};

static const struct kind *by_type(const char *type)
{
	for (size_t i = 0; *type && i < NSG_ARRAY_SIZE(kinds); i++) {
		if (kinds[i].type && !strcasecmp(kinds[i].type, type))
			return &kinds[i];
	}
	return NULL;
}

static const struct kind *by_keys(const struct nsg_node *n)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(kinds); i++) {
		if (kinds[i].looks && kinds[i].looks(n))
			return &kinds[i];
	}
	return NULL;
}

/* A member's string without a complaint when it is none: some kinds have a `type` of their own. */
static const char *peek(const struct nsg_node *n, const char *key)
{
	const char *text = json_string_value(nsg_node_own(n, key).value);

	return text ? text : "";
}

/* NULL: none that is known. */
static const struct kind *tell(struct nsg_reader *r, const struct nsg_node *n)
{
	const char *type = peek(n, "type"), *id = peek(n, "id");
	const struct kind *kind = by_type(type);

	if (kind || strchr(type, '/'))
		return kind;
	kind = nsg_id_is_full(id) ? by_type(nsg_id_type(&r->sink, id)) : NULL;
	return kind ? kind : by_keys(n);
}

/* ---- shapes -------------------------------------------------------------------------------- */

static void read_value(struct nsg_reader *r, const struct nsg_node *n);

static void say_unknown(struct nsg_reader *r, const struct nsg_node *n)
{
	r->policy->incomplete = true;
	nsg_say_unknown(&r->sink, n);
}

static void check_properties(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_node properties = nsg_node_own(n, "properties");

	(void)nsg_read_object(&r->sink, &properties);
}

static void read_kind(struct nsg_reader *r, const struct nsg_node *n, const struct kind *kind)
{
	check_properties(r, n);
	kind->read(r, n);
}

static void read_array(struct nsg_reader *r, const struct nsg_node *n)
{
	size_t outer = r->list, list = ++r->n_lists;

	for (size_t i = 0; i < json_array_size(n->value); i++) {
		struct nsg_node element = nsg_node_at(n, i);

		r->list = list;
		if (element.value)
			read_value(r, &element);
	}
	r->list = outer;
}

/* The body of a REST specification's example. */
static void read_responses(struct nsg_reader *r, const struct nsg_node *responses)
{
	static const char *const codes[] = {"200", "201"};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(codes); i++) {
		struct nsg_node answer = nsg_node_own(responses, codes[i]);
		struct nsg_node body = nsg_node_own(&answer, "body");

		if (!body.value)
			continue;
		read_value(r, &body);
		return;
	}
	nsg_node_say(&r->sink, responses, NSG_NOTICE, NULL, "an example without a body: skipped");
}

void nsg_warn_of_more(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_node next = nsg_node_own(n, "nextLink");

	if (next.value)
		nsg_node_say(s, &next, NSG_WARNING, NULL,
			     "this is one page of a longer list: the rest is not here");
}

/* {"value": [...], "nextLink": ...} */
static void read_page(struct nsg_reader *r, const struct nsg_node *n, const struct nsg_node *value)
{
	nsg_warn_of_more(&r->sink, n);
	if (value->value)
		read_value(r, value);
}

/* {"value": ...}; an empty one must not stand for a document of another kind. */
static bool is_page(const struct nsg_node *n)
{
	struct nsg_node value = nsg_node_own(n, "value");
	size_t known = 1 + (nsg_member(n->value, "nextLink") != NULL);

	if (!nsg_member(n->value, "value") || nsg_node_own(n, "type").value)
		return false;
	return value.value ? json_is_array(value.value) || json_is_object(value.value)
			   : json_object_size(n->value) == known;
}

/* {"NewNSG": {...}}: what `az ... create` prints around some resources. What is inside must be
 * known: the key could be the name of a setting, and no way through it may be told. */
static bool is_new(struct nsg_reader *r, const struct nsg_node *n, struct nsg_node *ret_inner)
{
	const char *key = json_object_iter_key(json_object_iter(n->value));

	if (json_object_size(n->value) != 1 || strncasecmp(key, "new", strlen("new")))
		return false;
	*ret_inner = nsg_node_own(n, key);
	return json_is_object(ret_inner->value) && tell(r, ret_inner);
}

static void read_object(struct nsg_reader *r, const struct nsg_node *n)
{
	const struct kind *kind = tell(r, n);
	struct nsg_node inner;

	if (kind) {
		read_kind(r, n, kind);
		return;
	}
	if (is_page(n)) {
		inner = nsg_node_own(n, "value");
		read_page(r, n, &inner);
		return;
	}
	inner = nsg_node_own(n, "responses");
	if (json_is_object(inner.value)) {
		read_responses(r, &inner);
		return;
	}
	if (is_new(r, n, &inner)) {
		read_value(r, &inner);
		return;
	}
	say_unknown(r, n);
}

static void read_value(struct nsg_reader *r, const struct nsg_node *n)
{
	if (json_is_object(n->value))
		read_object(r, n);
	else if (json_is_array(n->value))
		read_array(r, n);
	else
		say_unknown(r, n);
}

void nsg_reader_document(struct nsg_reader *r, const struct nsg_root *root, json_t *value)
{
	struct nsg_node n = nsg_node_root(root, value);

	r->list = ++r->n_lists;
	if (n.value)
		read_value(r, &n);
}

bool nsg_reader_knows(const char *type)
{
	return by_type(type);
}

void nsg_reader_resource(struct nsg_reader *r, const struct nsg_node *n, const char *type)
{
	const struct kind *kind = by_type(type);

	if (kind)
		read_kind(r, n, kind);
}
