/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The app's resources: settings, sites and their configuration, integrations, plans.
 *
 * App settings hold secrets. Only those of NSG_APP_SETTINGS are read; no message quotes the value of
 * a setting or the name of any other one, not even of an invalid one.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "azure/reader_priv.h"
#include "util/limits.h"

#define TYPE_SITE "Microsoft.Web/sites"

static const char *const setting_names[] = {
#define NAME(name) name,
    NSG_APP_SETTINGS(NAME)
#undef NAME
};

/* ---- app settings -------------------------------------------------------------------------- */

static void warn_if_readable_by_all(struct nsg_reader *r, const struct nsg_node *n)
{
	const struct nsg_source *source = n->root->source;
	struct nsg_root whole = {.source = source, .value = n->root->value, .pointer = ""};
	struct nsg_node root = {.root = &whole};

	if (!(source->file.mode & S_IROTH) || r->secrets_warned == source)
		return;
	r->secrets_warned = source;
	nsg_node_report(&r->sink, &root, NSG_WARNING, NULL,
			"app settings are readable by every user of this host; run chmod o-r");
}

static bool read_route_all(struct nsg_reader *r, const struct nsg_node *value,
			   struct nsg_app_setting *setting)
{
	const char *text = json_string_value(value->value);

	if (!value->value)
		setting->value = NSG_ROUTE_ALL_EMPTY;
	else if (text && !strcmp(text, "1"))
		setting->value = NSG_ROUTE_ALL_ON;
	else if (text && !strcmp(text, "0"))
		setting->value = NSG_ROUTE_ALL_OFF;
	else
		setting->value = NSG_ROUTE_ALL_OTHER;
	if (setting->value == NSG_ROUTE_ALL_OTHER)
		nsg_node_report(&r->sink, value, NSG_WARNING, NULL,
				"%s is neither the string 1 nor 0: it is treated as off",
				setting->name);
	return true;
}

static bool read_dns_server(struct nsg_reader *r, const struct nsg_node *value,
			    struct nsg_app_setting *setting)
{
	const char *text = json_string_value(value->value);
	struct in6_addr address;
	char canonical[INET6_ADDRSTRLEN];
	int family = text && strchr(text, ':') ? AF_INET6 : AF_INET;

	if (!value->value)
		return false;
	if (!text || inet_pton(family, text, &address) != 1 ||
	    !inet_ntop(family, &address, canonical, sizeof(canonical))) {
		nsg_node_report(&r->sink, value, NSG_WARNING, NULL,
				"%s must be an IPv4 or IPv6 address: it is not used",
				setting->name);
		return false;
	}
	setting->server = nsg_sink_printf(&r->sink, "%s", canonical);
	return true;
}

static void add_setting(struct nsg_reader *r, const struct nsg_node *value, const char *site_id,
			enum nsg_app_setting_key key)
{
	struct nsg_app_setting setting = {
	    .key = key,
	    .name = setting_names[key],
	    .site_id = site_id,
	    .server = "",
	    .place = nsg_node_place(&r->sink, value),
	};
	struct nsg_identity who = {.id = "", .name = "", .parent = site_id, .within = ""};
	void *data;

	if (!(key == NSG_SETTING_ROUTE_ALL ? read_route_all : read_dns_server)(r, value, &setting))
		return;
	data = nsg_arena_copy(r->sink.arena, &setting, sizeof(setting));
	if (data)
		nsg_collect_add(r, value, &nsg_kind_setting, &who, data);
	else
		r->sink.no_memory = true;
}

static void read_setting(struct nsg_reader *r, const struct nsg_node *n, const char *site_id)
{
	struct nsg_node name = nsg_node_get(n, "name"), value = nsg_node_get(n, "value");
	const char *text = json_string_value(name.value);

	warn_if_readable_by_all(r, n);
	for (size_t i = 0; text && i < NSG_ARRAY_SIZE(setting_names); i++)
		if (!strcasecmp(text, setting_names[i]))
			add_setting(r, &value, site_id, i);
}

static void read_app_setting(struct nsg_reader *r, const struct nsg_node *n)
{
	read_setting(r, n, "");
}

/* A setting of a site without a document applies to every site. */
static void apply_to_all(void *data)
{
	struct nsg_app_setting *setting = data;

	setting->site_id = "";
}

static const struct nsg_fields setting_fields = {
    .word = "app setting",
    .size = sizeof(struct nsg_app_setting),
};

/* {"name": ..., "slotSetting": ..., "value": ...}. Many things have a name and a value: without
 * slotSetting these must be all. */
static bool looks_like_setting(const struct nsg_node *n)
{
	return json_is_string(nsg_member(n->value, "name")) && nsg_member(n->value, "value") &&
	       (nsg_member(n->value, "slotSetting") || json_object_size(n->value) == 2);
}

const struct nsg_kind nsg_kind_setting = {
    .looks = looks_like_setting,
    .read = read_app_setting,
    .fields = &setting_fields,
    IN_POLICY(app_settings),
    .parent = &nsg_kind_site,
    .orphan = apply_to_all,
};

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
	warn_if_readable_by_all(r, object);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(setting_names); i++) {
		struct nsg_node value = nsg_node_own(object, setting_names[i]);

		if (value.value)
			add_setting(r, &value, site_id, i);
	}
}

/* ---- sites --------------------------------------------------------------------------------- */

static enum nsg_tristate either(enum nsg_tristate a, enum nsg_tristate b)
{
	if (a == NSG_TRUE || b == NSG_TRUE)
		return NSG_TRUE;
	return a == NSG_UNSET ? b : a;
}

static struct nsg_switch read_switch(struct nsg_sink *s, const struct nsg_node *n, const char *key)
{
	struct nsg_node value = nsg_node_get(n, key);

	return (struct nsg_switch){nsg_read_bool(s, n, key), nsg_node_place(s, &value)};
}

/* Those about image pulls, content shares and backups are the platform's own traffic. */
static void notice_other_traffic(struct nsg_sink *s, const struct nsg_node *routing)
{
	const char *key;
	json_t *value;

	json_object_foreach(routing->value, key, value)
	{
		struct nsg_node member = nsg_node_own(routing, key);

		if (json_is_true(value) && strcasecmp(key, "allTraffic") &&
		    strcasecmp(key, "applicationTraffic"))
			nsg_node_report(s, &member, NSG_NOTICE, NULL,
					"not used: this is about the platform's own traffic, not "
					"the app's");
	}
}

/* {"allTraffic": ..., "applicationTraffic": ..., ...} */
static struct nsg_switch read_routing(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_node routing = nsg_node_get(n, "outboundVnetRouting");
	struct nsg_switch all = {NSG_UNSET, nsg_node_place(s, &routing)}, application;

	if (!nsg_read_object(s, &routing))
		return all;
	notice_other_traffic(s, &routing);
	all = read_switch(s, &routing, "allTraffic");
	application = read_switch(s, &routing, "applicationTraffic");
	return all.value == NSG_UNSET || application.value == NSG_TRUE ? application : all;
}

/* The switches that a site and its siteConfig both may have: `at` is the first of the two. */
static void read_switches(struct nsg_sink *s, const struct nsg_node *n, struct nsg_switch *at)
{
	at[0] = read_switch(s, n, "vnetRouteAllEnabled");
	at[1] = read_routing(s, n);
}

/* The version is that of the template that declares the resource; az prints none. */
static bool is_newer(const struct nsg_node *n)
{
	const char *version = json_string_value(nsg_node_own(n, "apiVersion").value);

	return version && strcmp(version, "2024-11-01") >= 0;
}

/* "192.0.2.1,192.0.2.2"; informational only, so anything but an IPv4 address is left out. */
static bool read_outbound(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			  void *to)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_site *site = to;
	const char *text = nsg_read_member(s, n, f->key);
	size_t pieces = 1;

	if (!*text)
		return true;
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
	return true;
}

static bool read_site_switches(struct nsg_reader *r, const struct nsg_field *f,
			       const struct nsg_node *n, void *to)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_node config = nsg_node_get(n, f->other), settings;
	struct nsg_site *site = to;

	for (size_t i = 0; i < NSG_ROUTE_ALL_KEYS; i++)
		site->route_all[i].value = NSG_UNSET;
	read_switches(s, n, &site->route_all[NSG_SITE_ROUTE_ALL]);
	if (!nsg_read_object(s, &config))
		return true;
	read_switches(s, &config, &site->route_all[NSG_CONFIG_ROUTE_ALL]);
	site->config_is_newer = is_newer(n);
	settings = nsg_node_get(&config, "appSettings");
	read_settings(r, &settings, site->id);
	return true;
}

/* `reserved` is Azure's name for Linux; `kind` is "app,linux", "functionapp,linux,container". */
static bool read_linux(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
		       void *to)
{
	enum nsg_tristate *is_linux = nsg_field_at(f, to);

	*is_linux = nsg_read_bool(&r->sink, n, f->key);
	if (*is_linux == NSG_UNSET && strcasestr(nsg_read_member(&r->sink, n, f->other), "linux"))
		*is_linux = NSG_TRUE;
	return true;
}

static bool read_container(struct nsg_reader *r, const struct nsg_field *f,
			   const struct nsg_node *n, void *to)
{
	bool *is_container = nsg_field_at(f, to);

	*is_container = nsg_read_bool(&r->sink, n, f->key) == NSG_TRUE ||
			nsg_read_bool(&r->sink, n, f->other) == NSG_TRUE;
	return true;
}

static bool read_perimeter(struct nsg_reader *r, const struct nsg_field *f,
			   const struct nsg_node *n, void *to)
{
	bool *by_perimeter = nsg_field_at(f, to);

	*by_perimeter = !strcasecmp(nsg_read_member(&r->sink, n, f->key), "SecuredByPerimeter");
	return true;
}

static const struct nsg_field site_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_site, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_site, id)},
    {NULL, FIELD_PLACE, AT(nsg_site, place)},
    {"location", FIELD_LOCATION, AT(nsg_site, location)},
    {"serverFarmId", FIELD_ID, AT(nsg_site, plan_id), .other = "appServicePlanId"},
    {"virtualNetworkSubnetId", FIELD_ID, AT(nsg_site, subnet_id)},
    {"virtualNetworkSubnetId", FIELD_PLACE, AT(nsg_site, subnet_place)},
    {"sku", FIELD_TEXT, AT(nsg_site, sku)},
    {"reserved", FIELD_BYTES, AT(nsg_site, is_linux), .other = "kind", .read = read_linux},
    {"isXenon", FIELD_BYTES, AT(nsg_site, windows_container), .other = "hyperV",
     .read = read_container},
    {"publicNetworkAccess", FIELD_BYTES, AT(nsg_site, by_perimeter), .read = read_perimeter},
    {"vnetRouteAllEnabled", FIELD_BYTES, AT(nsg_site, route_all[NSG_SITE_ROUTE_ALL].value),
     .other = "siteConfig", .read = read_site_switches},
    {NULL, FIELD_BYTES, AT(nsg_site, route_all[NSG_SITE_ROUTING].value)},
    {NULL, FIELD_BYTES, AT(nsg_site, route_all[NSG_CONFIG_ROUTE_ALL].value)},
    {NULL, FIELD_BYTES, AT(nsg_site, route_all[NSG_CONFIG_ROUTING].value)},
    {"outboundIpAddresses", FIELD_OTHER, AT(nsg_site, outbound_host), .read = read_outbound},
};

static const struct nsg_fields site_fields = {
    .word = "site",
    FIELDS(site_lines, nsg_site),
};

static bool looks_like_site(const struct nsg_node *n)
{
	return NSG_COUNT_KEYS(n, "virtualNetworkSubnetId", "outboundVnetRouting", "siteConfig",
			      "serverFarmId", "appServicePlanId", "defaultHostName");
}

const struct nsg_kind nsg_kind_site = {
    .looks = looks_like_site,
    .fields = &site_fields,
    .content = {"virtualNetworkSubnetId", "vnetRouteAllEnabled", "outboundVnetRouting",
		"siteConfig", "serverFarmId", "appServicePlanId", "reserved", "publicNetworkAccess",
		"defaultHostName"},
    .show = "az webapp show",
    IN_POLICY(sites),
};

/* ---- sites/config --------------------------------------------------------------------------- */

/* Some answers have the id of the site itself. */
static struct nsg_identity read_config_identity(struct nsg_sink *s, const struct nsg_node *n)
{
	struct nsg_identity who = nsg_read_identity(s, n, TYPE_SITE "/config");
	const char *type = nsg_id_type(s, who.id);

	if (!strcasecmp(type, TYPE_SITE) || !strcasecmp(type, TYPE_SITE "/slots"))
		who.parent = who.id;
	return who;
}

/* `appsettings` is an object of settings, `web` has the switches; az names both after the site, so
 * the keys decide. Others (authsettings, connectionstrings) are not used. */
static void collect_config(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who = read_config_identity(&r->sink, n);
	struct nsg_node inner = nsg_node_own(n, "properties");
	struct nsg_node settings = nsg_node_get(n, "appSettings");

	if (!strcasecmp(who.name, "appsettings") && nsg_read_object(&r->sink, &inner)) {
		read_settings_object(r, &inner, who.parent);
		return;
	}
	read_settings(r, &settings, who.parent);
	/* it is a site's, or in place of a site that has no document */
	who.id = who.parent;
	who.name = nsg_id_name(who.parent);
	nsg_collect_as(r, n, &nsg_kind_site_config, &who);
}

static bool check_config(struct nsg_reader *r, const struct nsg_node *n, void *to)
{
	struct nsg_site *site = to;
	struct nsg_switch *config = &site->route_all[NSG_CONFIG_ROUTE_ALL];

	site->location = site->plan_id = site->subnet_id = site->sku = "";
	site->is_linux = NSG_UNSET;
	for (size_t i = 0; i < NSG_ROUTE_ALL_KEYS; i++)
		site->route_all[i].value = NSG_UNSET;
	read_switches(&r->sink, n, config);
	site->config_is_newer = is_newer(n);
	if (config[0].value != NSG_UNSET || config[1].value != NSG_UNSET)
		return true;
	if (!nsg_node_has(n, "appSettings"))
		nsg_node_report(&r->sink, n, NSG_NOTICE, NULL,
				"the site configuration has no routing setting: skipped");
	return false;
}

/* A document of the configuration that differs from the site's own siteConfig. */
static void report_contested(struct nsg_sink *s, const char *name, const struct nsg_switch *child)
{
	(void)nsg_diag_add(s->diag, NSG_WARNING, &child->place, "Contested",
			   "this configuration and the siteConfig of site '" NSG_QUOTE
			   "' disagree about route-all: it is on; --route-all overrides both",
			   name);
}

static bool take_switches(struct nsg_sink *s, void *parent, const void *child)
{
	const struct nsg_site *config = child;
	struct nsg_site *site = parent;

	for (size_t i = NSG_CONFIG_ROUTE_ALL; i < NSG_ROUTE_ALL_KEYS; i++) {
		const struct nsg_switch *from = &config->route_all[i];
		struct nsg_switch *to = &site->route_all[i];

		if (from->value == NSG_UNSET || from->value == to->value)
			continue;
		if (to->value != NSG_UNSET)
			report_contested(s, site->name, from);
		if (to->value != NSG_TRUE)
			*to = *from;
	}
	site->config_is_newer |= config->config_is_newer;
	return true;
}

static const struct nsg_field config_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_site, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_site, id)},
    {NULL, FIELD_PLACE, AT(nsg_site, place)},
};

static const struct nsg_fields config_fields = {
    .word = "site configuration",
    FIELDS(config_lines, nsg_site),
    .check = check_config,
};

static bool looks_like_config(const struct nsg_node *n)
{
	return nsg_node_has(n, "vnetRouteAllEnabled");
}

const struct nsg_kind nsg_kind_site_config = {
    .looks = looks_like_config,
    .read = collect_config,
    .fields = &config_fields,
    IN_POLICY(sites),
    .parent = &nsg_kind_site,
    .adopt = take_switches,
};

/* ---- integrations --------------------------------------------------------------------------- */

/* az webapp vnet-integration list: `vnetResourceId` is the subnet's id, or in older answers the
 * network's. sites/networkConfig: `subnetResourceId`; empty for a site without an integration. */
static bool read_target(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			void *to)
{
	const char *subnet = nsg_read_member(&r->sink, n, f->key);
	const char *vnet = nsg_read_member(&r->sink, n, f->other);
	const char *target = *subnet ? subnet : vnet;
	bool is_subnet = strcasestr(target, "/subnets/");
	struct nsg_integration *integration = to;

	integration->subnet_id = is_subnet ? target : "";
	integration->vnet_id = is_subnet ? "" : target;
	return *target;
}

static bool read_swift(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
		       void *to)
{
	struct nsg_integration *integration = to;

	integration->is_swift =
	    either(nsg_read_bool(&r->sink, n, f->key), nsg_read_bool(&r->sink, n, f->other));
	return true;
}

static const struct nsg_field integration_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_integration, name)},
    {NULL, FIELD_TEXT, AT(nsg_integration, name)},
    {NULL, FIELD_OWN_PARENT, AT(nsg_integration, site_id)},
    {NULL, FIELD_PLACE, AT(nsg_integration, place)},
    {"subnetResourceId", FIELD_ID, AT(nsg_integration, subnet_id), .other = "vnetResourceId",
     .read = read_target},
    {NULL, FIELD_ID, AT(nsg_integration, vnet_id)},
    {"isSwift", FIELD_BYTES, AT(nsg_integration, is_swift), .other = "swiftSupported",
     .read = read_swift},
};

static const struct nsg_fields integration_fields = {
    .word = "integration",
    FIELDS(integration_lines, nsg_integration),
};

static bool looks_like_integration(const struct nsg_node *n)
{
	return NSG_COUNT_KEYS(n, "vnetResourceId", "subnetResourceId", "swiftSupported");
}

const struct nsg_kind nsg_kind_integration = {
    .looks = looks_like_integration,
    .fields = &integration_fields,
    IN_POLICY(integrations),
    .max = NSG_MAX_INTEGRATIONS,
    .equal_by_content = true,
};

/* ---- plans ---------------------------------------------------------------------------------- */

/* {"name": ..., "tier": ...}; templates of 2015 write the SKU's name alone. */
static bool read_sku(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
		     void *to)
{
	struct nsg_node sku = nsg_node_get(n, f->key);
	struct nsg_plan *plan = to;

	plan->is_listed = n->up && !n->key && !n->root->in_template;
	if (json_is_string(sku.value)) {
		plan->sku = nsg_read_string(&r->sink, &sku);
		plan->tier = "";
		return true;
	}
	(void)nsg_read_object(&r->sink, &sku);
	plan->sku = nsg_read_member(&r->sink, &sku, "name");
	plan->tier = nsg_read_member(&r->sink, &sku, "tier");
	return true;
}

static bool read_instances(struct nsg_reader *r, const struct nsg_field *f,
			   const struct nsg_node *n, void *to)
{
	struct nsg_node sku = nsg_node_get(n, "sku");
	struct nsg_node capacity = nsg_node_get(&sku, "capacity");
	struct nsg_node workers = nsg_node_get(n, f->key);
	struct nsg_plan *plan = to;
	uint64_t instances = 0;

	if ((nsg_read_number(&r->sink, &capacity, 1000000, &instances) && instances) ||
	    nsg_read_number(&r->sink, &workers, 1000000, &instances))
		plan->instances = (uint32_t)instances;
	return true;
}

static const struct nsg_field plan_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_plan, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_plan, id)},
    {NULL, FIELD_PLACE, AT(nsg_plan, place)},
    {"location", FIELD_LOCATION, AT(nsg_plan, location)},
    {"sku", FIELD_TEXT, AT(nsg_plan, sku), .read = read_sku},
    {NULL, FIELD_TEXT, AT(nsg_plan, tier)},
    {"sku", FIELD_PLACE, AT(nsg_plan, sku_place)},
    {"virtualNetworkSubnetId", FIELD_ID, AT(nsg_plan, subnet_id), .in = "network"},
    {"network", FIELD_PLACE, AT(nsg_plan, subnet_place)},
    {"numberOfWorkers", FIELD_BYTES, AT(nsg_plan, instances), .read = read_instances},
    {"reserved", FIELD_BYTES, AT(nsg_plan, is_linux), .other = "kind", .read = read_linux},
    {"isXenon", FIELD_BYTES, AT(nsg_plan, windows_container), .other = "hyperV",
     .read = read_container},
};

static const struct nsg_fields plan_fields = {
    .word = "plan",
    FIELDS(plan_lines, nsg_plan),
};

static bool looks_like_plan(const struct nsg_node *n)
{
	return nsg_node_has(n, "sku") &&
	       NSG_COUNT_KEYS(n, "numberOfSites", "numberOfWorkers", "maximumNumberOfWorkers",
			      "workerTierName", "maximumElasticWorkerCount");
}

const struct nsg_kind nsg_kind_plan = {
    .looks = looks_like_plan,
    .fields = &plan_fields,
    IN_POLICY(plans),
};
