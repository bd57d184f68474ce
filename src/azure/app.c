/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What belongs to the app: settings, sites and their configuration, integrations, plans.
 *
 * App settings hold secrets. Only WEBSITE_VNET_ROUTE_ALL is looked at; nothing here quotes the name
 * or value of any setting, not even of a wrong one.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "azure/reader_priv.h"

#define TYPE_SITE "Microsoft.Web/sites"
#define ROUTE_ALL "WEBSITE_VNET_ROUTE_ALL"

/* ---- app settings -------------------------------------------------------------------------- */

static void warn_if_readable_by_all(struct nsg_reader *r, const struct nsg_node *n)
{
	const struct nsg_source *source = n->root->source;
	struct nsg_root whole = {.source = source, .value = n->root->value, .pointer = ""};
	struct nsg_node root = {.root = &whole};

	if (!(source->file.mode & S_IROTH) || r->secrets_warned == source)
		return;
	r->secrets_warned = source;
	nsg_node_say(&r->sink, &root, NSG_WARNING, NULL,
		     "app settings that every user of this host can read (chmod o-r)");
}

static void add_route_all(struct nsg_reader *r, const struct nsg_node *value, const char *site_id)
{
	struct nsg_route_all_setting setting = {
	    .site_id = site_id,
	    .place = nsg_node_place(&r->sink, value),
	};
	const char *text = json_string_value(value->value);

	if (!value->value)
		setting.value = NSG_ROUTE_ALL_EMPTY;
	else if (text && !strcmp(text, "1"))
		setting.value = NSG_ROUTE_ALL_ON;
	else if (text && !strcmp(text, "0"))
		setting.value = NSG_ROUTE_ALL_OFF;
	else
		setting.value = NSG_ROUTE_ALL_OTHER;
	if (setting.value == NSG_ROUTE_ALL_OTHER)
		nsg_node_say(&r->sink, value, NSG_WARNING, NULL,
			     ROUTE_ALL " is neither the string 1 nor 0: it counts as off");
	nsg_sink_push(&r->sink, &r->route_all_settings, setting);
}

static void read_setting(struct nsg_reader *r, const struct nsg_node *n, const char *site_id)
{
	struct nsg_node name = nsg_node_get(n, "name"), value = nsg_node_get(n, "value");

	warn_if_readable_by_all(r, n);
	if (json_is_string(name.value) && !strcasecmp(json_string_value(name.value), ROUTE_ALL))
		add_route_all(r, &value, site_id);
}

void nsg_read_app_setting(struct nsg_reader *r, const struct nsg_node *n)
{
	read_setting(r, n, "");
}

/* [{"name": ..., "value": ...}] as in siteConfig */
static void read_settings(struct nsg_reader *r, const struct nsg_node *list, const char *site_id)
{
	size_t size = nsg_read_array(&r->sink, list);

	for (size_t i = 0; i < size; i++) {
		struct nsg_node n = nsg_node_at(list, i);

		if (json_is_object(n.value))
			read_setting(r, &n, site_id);
	}
}

/* {"KEY": "value"} as in sites/config appsettings */
static void read_settings_object(struct nsg_reader *r, const struct nsg_node *object,
				 const char *site_id)
{
	struct nsg_node value = nsg_node_own(object, ROUTE_ALL);

	warn_if_readable_by_all(r, object);
	if (value.value)
		add_route_all(r, &value, site_id);
}

/* ---- sites --------------------------------------------------------------------------------- */

static enum nsg_tristate either(enum nsg_tristate a, enum nsg_tristate b)
{
	if (a == NSG_TRUE || b == NSG_TRUE)
		return NSG_TRUE;
	return a == NSG_UNSET ? b : a;
}

/* The switches that a site and its siteConfig may both have. */
static void read_switches(struct nsg_sink *s, const struct nsg_node *n, struct nsg_site *site)
{
	struct nsg_node routing = nsg_node_get(n, "outboundVnetRouting");
	struct nsg_node all = nsg_node_get(n, "vnetRouteAllEnabled");
	enum nsg_tristate route_all = nsg_read_bool(s, n, "vnetRouteAllEnabled");

	if (all.value && (!site->route_all_place.source || route_all == NSG_TRUE))
		site->route_all_place = nsg_node_place(s, &all);
	site->route_all = either(site->route_all, route_all);
	if (!nsg_read_object(s, &routing))
		return;
	if (!site->route_all_place.source)
		site->route_all_place = nsg_node_place(s, &routing);
	site->all_traffic = either(site->all_traffic, nsg_read_bool(s, &routing, "allTraffic"));
	site->application_traffic =
	    either(site->application_traffic, nsg_read_bool(s, &routing, "applicationTraffic"));
}

/* "192.0.2.1,192.0.2.2"; for people only, so that what is no IPv4 address is left out. */
static void read_outbound(struct nsg_sink *s, const struct nsg_node *n, struct nsg_site *site)
{
	const char *text = nsg_read_member(s, n, "outboundIpAddresses");
	size_t pieces = 1;

	if (!*text)
		return;
	for (const char *p = text; *p; p++)
		pieces += *p == ',';
	site->outbound_host = nsg_sink_array(s, pieces, sizeof(*site->outbound_host));
	while (*text && site->outbound_host) {
		size_t len = strcspn(text, ",");
		char address[NSG_IP4_TEXT];

		if (len < sizeof(address)) {
			memcpy(address, text, len);
			address[len] = '\0';
			if (!nsg_ip4_parse(address, &site->outbound_host[site->n_outbound]))
				site->n_outbound++;
		}
		text += len + (text[len] == ',');
	}
}

static const char *first_of(const char *a, const char *b)
{
	return *a ? a : b;
}

void nsg_read_site(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_identity who = nsg_read_identity(s, n, TYPE_SITE);
	struct nsg_node subnet = nsg_node_get(n, "virtualNetworkSubnetId");
	struct nsg_node config = nsg_node_get(n, "siteConfig"), settings;
	struct nsg_site site = {
	    .id = who.id,
	    .name = who.name,
	    .location = nsg_read_member(s, n, "location"),
	    .plan_id = first_of(nsg_read_member(s, n, "serverFarmId"),
				nsg_read_member(s, n, "appServicePlanId")),
	    .subnet_id = nsg_read_string(s, &subnet),
	    .is_linux = nsg_read_bool(s, n, "reserved"),
	    .route_all = NSG_UNSET,
	    .all_traffic = NSG_UNSET,
	    .application_traffic = NSG_UNSET,
	    .place = nsg_node_place(s, n),
	    .subnet_place = nsg_node_place(s, &subnet),
	};

	read_switches(s, n, &site);
	if (nsg_read_object(s, &config)) {
		read_switches(s, &config, &site);
		settings = nsg_node_get(&config, "appSettings");
		read_settings(r, &settings, site.id);
	}
	if (!site.route_all_place.source)
		site.route_all_place = site.place;
	read_outbound(s, n, &site);
	nsg_sink_push(s, &r->sites, site);
}

/* Some answers carry the id of the site itself. */
static struct nsg_identity read_config_identity(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_identity who = nsg_read_identity(s, n, TYPE_SITE "/config");
	const char *type = nsg_id_type(s, who.id);

	if (!strcasecmp(type, TYPE_SITE) || !strcasecmp(type, TYPE_SITE "/slots"))
		who.parent = who.id;
	return who;
}

/* sites/config: `appsettings` is an object of settings, `web` has the switches; az names both after
 * the site, so that the keys decide. The others (authsettings, connectionstrings) are not ours. */
void nsg_read_site_config(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_identity who = read_config_identity(s, n);
	struct nsg_node inner = nsg_node_own(n, "properties");
	struct nsg_node settings = nsg_node_get(n, "appSettings");
	struct nsg_site site = {
	    .id = who.parent,
	    .name = nsg_id_name(who.parent),
	    .location = "",
	    .plan_id = "",
	    .subnet_id = "",
	    .is_linux = NSG_UNSET,
	    .route_all = NSG_UNSET,
	    .all_traffic = NSG_UNSET,
	    .application_traffic = NSG_UNSET,
	    .place = nsg_node_place(s, n),
	};

	if (!strcasecmp(who.name, "appsettings") && nsg_read_object(s, &inner)) {
		read_settings_object(r, &inner, who.parent);
		return;
	}
	read_settings(r, &settings, who.parent);
	read_switches(s, n, &site);
	if (site.route_all != NSG_UNSET || site.all_traffic != NSG_UNSET ||
	    site.application_traffic != NSG_UNSET)
		nsg_sink_push(s, &r->site_configs, site);
	else if (!settings.value)
		nsg_node_say(s, n, NSG_NOTICE, NULL,
			     "a site's configuration without a switch of its routing: skipped");
}

/* ---- integrations and plans ---------------------------------------------------------------- */

/* az webapp vnet-integration list: `vnetResourceId` is the subnet's id, or in older answers the
 * network's. sites/networkConfig: `subnetResourceId`. */
void nsg_read_integration(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_identity who = nsg_read_identity(s, n, TYPE_SITE "/virtualNetworkConnections");
	const char *target = first_of(nsg_read_member(s, n, "subnetResourceId"),
				      nsg_read_member(s, n, "vnetResourceId"));
	bool is_subnet = strcasestr(target, "/subnets/");
	struct nsg_loose_integration loose = {
	    .id = who.made ? "" : who.id,
	    .integration =
		{
		    .name = who.name,
		    .subnet_id = is_subnet ? target : "",
		    .vnet_id = is_subnet ? "" : target,
		    .site_id = who.parent,
		    .is_swift = either(nsg_read_bool(s, n, "isSwift"),
				       nsg_read_bool(s, n, "swiftSupported")),
		    .place = nsg_node_place(s, n),
		},
	};

	/* a site without an integration has an empty networkConfig */
	if (*target)
		nsg_sink_push(s, &r->integrations, loose);
}

void nsg_read_plan(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_identity who = nsg_read_identity(s, n, "Microsoft.Web/serverfarms");
	struct nsg_node sku = nsg_node_get(n, "sku");
	struct nsg_node capacity = nsg_node_get(&sku, "capacity");
	struct nsg_node workers = nsg_node_get(n, "numberOfWorkers");
	struct nsg_plan plan = {
	    .id = who.id,
	    .name = who.name,
	    .location = nsg_read_member(s, n, "location"),
	    .tier = nsg_read_member(s, &sku, "tier"),
	    .sku = nsg_read_member(s, &sku, "name"),
	    .is_linux = nsg_read_bool(s, n, "reserved"),
	    .place = nsg_node_place(s, n),
	    .sku_place = nsg_node_place(s, &sku),
	};
	uint64_t instances = 0;

	(void)nsg_read_object(s, &sku);
	if (nsg_read_number(s, &capacity, 1000000, &instances) && instances)
		plan.instances = (uint32_t)instances;
	else if (nsg_read_number(s, &workers, 1000000, &instances))
		plan.instances = (uint32_t)instances;
	nsg_sink_push(s, &r->plans, plan);
}
