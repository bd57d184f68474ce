/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/keep_priv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/kinds.h"
#include "util/cleanup.h"
#include "util/macro.h"

struct nsg_keep {
	const char *key;
	const struct nsg_keep *below; /* NULL: all of it */
};

#define SETTING(name) {name, NULL},

/* app settings as a list of {name, value} */
static const struct nsg_keep setting_list[] = {NSG_APP_SETTINGS(SETTING){NULL, NULL}};

static const struct nsg_keep settings[] = {NSG_APP_SETTINGS(SETTING){NULL, NULL}};

static const struct nsg_keep site_config[] = {
    {"appSettings", setting_list},
    {"outboundVnetRouting", NULL},
    {"vnetName", NULL},
    {"vnetRouteAllEnabled", NULL},
    {NULL, NULL},
};

static const struct nsg_keep site_properties[] = {
    {"hyperV", NULL},
    {"isXenon", NULL},
    {"outboundIpAddresses", NULL},
    {"outboundVnetRouting", NULL},
    {"possibleOutboundIpAddresses", NULL},
    {"publicNetworkAccess", NULL},
    {"reserved", NULL},
    {"serverFarmId", NULL},
    {"siteConfig", site_config},
    {"sku", NULL},
    {"virtualNetworkSubnetId", NULL},
    {"vnetRouteAllEnabled", NULL},
    {NULL, NULL},
};

#define RESOURCE_KEYS                                                                              \
	{"apiVersion", NULL}, {"id", NULL}, {"kind", NULL},                                        \
	{                                                                                          \
		"location", NULL                                                                   \
	}

static const struct nsg_keep site[] = {
    RESOURCE_KEYS,
    {"properties", site_properties},
    {NULL, NULL},
};

static const struct nsg_keep config_web[] = {
    RESOURCE_KEYS,
    {"properties", site_config},
    {NULL, NULL},
};

static const struct nsg_keep config_settings[] = {
    RESOURCE_KEYS,
    {"properties", settings},
    {NULL, NULL},
};

/* Of gateways the address ranges: other members hold keys and what is known only after deployment. */
static const struct nsg_keep local_gateway_properties[] = {
    {"localNetworkAddressSpace", NULL},
    {NULL, NULL},
};

static const struct nsg_keep local_gateway[] = {
    RESOURCE_KEYS,
    {"properties", local_gateway_properties},
    {NULL, NULL},
};

static const struct nsg_keep vpn_clients[] = {
    {"vpnClientAddressPool", NULL},
    {NULL, NULL},
};

static const struct nsg_keep gateway_properties[] = {
    {"gatewayType", NULL},
    {"vpnClientConfiguration", vpn_clients},
    {"vpnType", NULL},
    {NULL, NULL},
};

static const struct nsg_keep gateway[] = {
    RESOURCE_KEYS,
    {"properties", gateway_properties},
    {NULL, NULL},
};

static const struct {
	const char *type, *name; /* name: the last part, NULL: any */
	const struct nsg_keep *keep;
} kinds[] = {
    {"Microsoft.Network/localNetworkGateways", NULL, local_gateway},
    {"Microsoft.Network/virtualNetworkGateways", NULL, gateway},
    {"Microsoft.Web/sites", NULL, site},
    {"Microsoft.Web/sites/config", "web", config_web},
    {"Microsoft.Web/sites/config", "appsettings", config_settings},
    {"Microsoft.Web/sites/slots", NULL, site},
    {"Microsoft.Web/sites/slots/config", "web", config_web},
    {"Microsoft.Web/sites/slots/config", "appsettings", config_settings},
};

bool nsg_keep_is_config(const char *type)
{
	return !strcasecmp(type, "Microsoft.Web/sites/config") ||
	       !strcasecmp(type, "Microsoft.Web/sites/slots/config");
}

const struct nsg_keep *nsg_keep_find(const char *type, const char *name)
{
	const char *last = strrchr(name, '/');

	last = last ? last + 1 : name;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(kinds); i++) {
		if (!strcasecmp(type, kinds[i].type) &&
		    (!kinds[i].name || !strcasecmp(last, kinds[i].name)))
			return kinds[i].keep;
	}
	return NULL;
}

bool nsg_keep_nothing(const char *type, const char *name)
{
	return nsg_keep_is_config(type) && !nsg_keep_find(type, name);
}

/* Whether the setting is one of setting_list. */
static int keep_setting(struct nsg_eval *ev, json_t *setting, bool *ret)
{
	cleanup_json json_t *name = NULL;
	json_t *raw = nsg_eval_member(setting, "name");
	int r = raw ? nsg_tree_value(ev, raw, &name) : -EINVAL;

	*ret = false;
	for (const struct nsg_keep *k = setting_list; !r && json_is_string(name) && k->key; k++)
		*ret |= !strcasecmp(json_string_value(name), k->key);
	return r == -ENOMEM ? r : 0;
}

static int keep_list(struct nsg_eval *ev, json_t *list, json_t **ret)
{
	cleanup_json json_t *result = json_array();
	json_t *each;
	size_t i;

	if (!result)
		return -ENOMEM;
	json_array_foreach(list, i, each)
	{
		bool keep = false;
		int r = keep_setting(ev, each, &keep);

		if (r < 0)
			return r;
		r = keep ? nsg_eval_append(result, json_incref(each)) : 0;
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(result);
	return 0;
}

static int keep_member(struct nsg_eval *ev, const struct nsg_keep *keep, const char *key,
		       json_t *value, json_t *object)
{
	json_t *kept = NULL;
	int r;

	/* names that are expressions, and loops, are filtered after evaluation */
	if (nsg_expr_is(key) || nsg_tree_is_copy(key, value))
		return nsg_eval_set(object, key, json_incref(value));
	for (; keep->key; keep++) {
		if (strcasecmp(key, keep->key) != 0)
			continue;
		r = keep->below ? nsg_keep_apply(ev, keep->below, value, &kept)
				: nsg_eval_give(json_incref(value), &kept);
		if (r < 0)
			return r;
		return nsg_eval_set(object, keep->key, kept);
	}
	return 0;
}

int nsg_keep_apply(struct nsg_eval *ev, const struct nsg_keep *keep, json_t *value, json_t **ret)
{
	cleanup_json json_t *result = NULL;
	const char *key;
	json_t *each;

	if (json_is_array(value) && keep == setting_list)
		return keep_list(ev, value, ret);
	if (!json_is_object(value))
		return nsg_eval_give(json_incref(value), ret);
	result = json_object();
	if (!result)
		return -ENOMEM;
	json_object_foreach(value, key, each)
	{
		int r = keep_member(ev, keep, key, each, result);

		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(result);
	return 0;
}
