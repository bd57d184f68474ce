/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"
#include "util/macro.h"

#include <sys/stat.h>

#define SITE_ID ID_HEAD "Microsoft.Web/sites/"

static void a_site_is_read_whole(void **state)
{
	cleanup_loaded struct loaded l = load(
	    "{'name':'app','id':'" SITE_ID "app','type':'Microsoft.Web/sites','location':"
	    "'West Europe','properties':{'virtualNetworkSubnetId':'s','serverFarmId':'p',"
	    "'reserved':true,'vnetRouteAllEnabled':false,'outboundVnetRouting':{'allTraffic':false,"
	    "'applicationTraffic':true,'imagePullTraffic':false},'outboundIpAddresses':"
	    "'192.0.2.1,bad,192.0.2.2','siteConfig':{'vnetRouteAllEnabled':true,'appSettings':"
	    "[{'name':'SECRET','value':'hunter2'},{'name':'website_vnet_route_all','value':'1'}]}}"
	    "}");
	const struct nsg_site *s;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_sites, 1);
	s = &l.policy->sites[0];
	assert_string_equal(s->name, "app");
	assert_string_equal(s->location, "West Europe");
	assert_string_equal(s->plan_id, "p");
	assert_string_equal(s->subnet_id, "s");
	assert_int_equal(s->is_linux, NSG_TRUE);
	assert_int_equal(s->route_all[NSG_CONFIG_ROUTE_ALL].value, NSG_TRUE);
	assert_string_equal(s->route_all[NSG_CONFIG_ROUTE_ALL].place.pointer,
			    "/properties/siteConfig/vnetRouteAllEnabled");
	assert_int_equal(s->route_all[NSG_SITE_ROUTING].value, NSG_TRUE);
	assert_int_equal(s->n_outbound, 2);
	assert_int_equal(s->outbound_host[1], NSG_IP4(192, 0, 2, 2));
	assert_int_equal(l.policy->n_app_settings, 1);
	assert_int_equal(l.policy->app_settings[0].value, NSG_ROUTE_ALL_ON);
	assert_string_equal(l.policy->app_settings[0].site_id, SITE_ID "app");
}

static void what_a_site_does_not_say_is_unknown(void **state)
{
	cleanup_loaded struct loaded l = load("{'name':'app','appServicePlanId':'p'}");
	const struct nsg_site *s;

	(void)state;
	assert_int_equal(l.policy->n_sites, 1);
	s = &l.policy->sites[0];
	assert_string_equal(s->plan_id, "p");
	assert_int_equal(s->is_linux, NSG_UNSET);
	for (size_t i = 0; i < NSG_ROUTE_ALL_KEYS; i++)
		assert_int_equal(s->route_all[i].value, NSG_UNSET);
	assert_string_equal(s->subnet_id, "");
}

static const struct {
	const char *text;
	int value; /* -1: no setting */
	const char *want;
} settings[] = {
    {"[{'name':'WEBSITE_VNET_ROUTE_ALL','slotSetting':false,'value':'1'}]", NSG_ROUTE_ALL_ON, ""},
    {"[{'name':'Website_Vnet_Route_All','value':'0'}]", NSG_ROUTE_ALL_OFF, ""},
    {"[{'name':'WEBSITE_VNET_ROUTE_ALL','value':null}]", NSG_ROUTE_ALL_EMPTY, ""},
    {"[{'name':'WEBSITE_VNET_ROUTE_ALL','value':''}]", NSG_ROUTE_ALL_EMPTY, ""},
    {"[{'name':'WEBSITE_VNET_ROUTE_ALL','value':'hunter2'}]", NSG_ROUTE_ALL_OTHER,
     "1:43: warning: WEBSITE_VNET_ROUTE_ALL is neither the string 1 nor 0: it is treated as off"},
    {"[{'name':'WEBSITE_VNET_ROUTE_ALL','value':1}]", NSG_ROUTE_ALL_OTHER,
     "1:43: warning: WEBSITE_VNET_ROUTE_ALL is neither the string 1 nor 0: it is treated as off"},
    {"[{'name':'OTHER','value':'hunter2'},{'name':'THIRD','value':{'hunter2':1}}]", -1, ""},
    {"{'name':'app/appsettings','type':'Microsoft.Web/sites/config','properties':"
     "{'SECRET':'hunter2','WEBSITE_VNET_ROUTE_ALL':'1'}}",
     NSG_ROUTE_ALL_ON, ""},
    {"{'id':'" SITE_ID "app/config/appsettings','name':'appsettings','properties':"
     "{'website_vnet_route_all':'1'}}",
     NSG_ROUTE_ALL_ON, ""},
    {"{'name':'web','type':'Microsoft.Web/sites/config','properties':{'appSettings':"
     "[{'name':'WEBSITE_VNET_ROUTE_ALL','value':'1'}]}}",
     NSG_ROUTE_ALL_ON, ""},
};

static void route_all_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(settings); i++) {
		cleanup_loaded struct loaded l = load(settings[i].text);

		assert_said(settings[i].text, &l.diag, settings[i].want);
		assert_int_equal(l.policy->n_app_settings, settings[i].value >= 0);
		if (settings[i].value < 0)
			continue;
		assert_int_equal(l.policy->app_settings[0].value, settings[i].value);
		/* without the site's document it speaks for every site */
		assert_string_equal(l.policy->app_settings[0].site_id, "");
	}
}

static const struct {
	const char *text;
	const char *server, *name; /* NULL: no setting */
	const char *want;
} servers[] = {
    {"[{'name':'WEBSITE_DNS_SERVER','slotSetting':false,'value':'10.0.0.4'}]", "10.0.0.4",
     "WEBSITE_DNS_SERVER", ""},
    {"[{'name':'website_dns_alt_server','value':'FD00:0::4'}]", "fd00::4", "WEBSITE_DNS_ALT_SERVER",
     ""},
    {"{'name':'app/appsettings','type':'Microsoft.Web/sites/config','properties':"
     "{'SECRET':'hunter2','WEBSITE_DNS_SERVER':'168.63.129.16'}}",
     "168.63.129.16", "WEBSITE_DNS_SERVER", ""},
    {"{'name':'web','type':'Microsoft.Web/sites/config','properties':{'appSettings':"
     "[{'name':'WEBSITE_DNS_ALT_SERVER','value':'10.0.0.5'}]}}",
     "10.0.0.5", "WEBSITE_DNS_ALT_SERVER", ""},
    {"[{'name':'WEBSITE_DNS_SERVER','value':''}]", NULL, NULL, ""},
    {"[{'name':'WEBSITE_DNS_SERVER','value':null}]", NULL, NULL, ""},
    {"[{'name':'WEBSITE_DNS_SERVER','value':'hunter2'}]", NULL, NULL,
     "1:39: warning: WEBSITE_DNS_SERVER must be an IPv4 or IPv6 address: it is not used"},
    {"[{'name':'WEBSITE_DNS_SERVER','value':'10.0.0.4,10.0.0.5'}]", NULL, NULL,
     "1:39: warning: WEBSITE_DNS_SERVER must be an IPv4 or IPv6 address: it is not used"},
    {"[{'name':'WEBSITE_DNS_SERVER','value':'fe80::1%eth0'}]", NULL, NULL,
     "1:39: warning: WEBSITE_DNS_SERVER must be an IPv4 or IPv6 address: it is not used"},
    {"{'name':'app/appsettings','type':'Microsoft.Web/sites/config','properties':"
     "{'WEBSITE_DNS_ALT_SERVER':{'hunter1':'hunter2'}}}",
     NULL, NULL,
     "1:102: warning: WEBSITE_DNS_ALT_SERVER must be an IPv4 or IPv6 address: it is not used"},
};

static void dns_servers_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(servers); i++) {
		cleanup_loaded struct loaded l = load(servers[i].text);

		assert_said(servers[i].text, &l.diag, servers[i].want);
		assert_int_equal(l.policy->n_app_settings, !!servers[i].server);
		if (!servers[i].server)
			continue;
		assert_string_equal(l.policy->app_settings[0].server, servers[i].server);
		assert_string_equal(l.policy->app_settings[0].name, servers[i].name);
	}
}

static const char *const secrets[] = {
    "[{'name':'hunter1','slotSetting':false,'value':'hunter2'}]",
    "{'hunter1':'hunter2'}",
    "{'hunter1':{'hunter2':'hunter3'}}",
    "{'properties':{'hunter1':'hunter2'}}",
    "{'IsEncrypted':false,'Values':{'hunter1':'hunter2'}}",
    "[{'name':'hunter1','value':'hunter2','extra':1}]",
    "{'type':'hunter1/hunter2'}",
    "{'type':'Microsoft.Web/hunter 1'}",
    "[{'name':'hunter1','value':'hunter2'},'hunter3',7]",
    "{'name':'app/appsettings','type':'Microsoft.Web/sites/config','properties':'hunter2'}",
    "{'name':'app/appsettings','type':'Microsoft.Web/sites/config','properties':"
    "{'WEBSITE_VNET_ROUTE_ALL':{'hunter1':'hunter2'},'hunter1':7}}",
    "[{'name':'WEBSITE_DNS_SERVER','value':'hunter2'},{'name':'WEBSITE_DNS_SERVER_hunter',"
    "'value':'10.0.0.4'}]",
    "{'WEBSITE_DNS_SERVER':'10.0.0.4','hunter1':'hunter2'}",
    "{'name':'app/authsettings','type':'Microsoft.Web/sites/config','properties':"
    "{'clientSecret':'hunter2'}}",
    "{'name':'a','siteConfig':{'appSettings':{'hunter1':'hunter2'}}}",
    "{'name':'a','siteConfig':{'appSettings':['hunter1',{'name':7,'value':'hunter2'}]}}",
    "[{'name':'hunter1','value':'hunter2'",
    "[{'name':'hunter1','name':'hunter2'}]",
    "[{'name':'hunter1','value':hunter2}]",
    "{'newhunter':{'hunter2':'hunter3'}}",
    "{'contentVersion':'1','resources':[{'type':'Microsoft.Web/sites/config','name':"
    "'a/appsettings','properties':{'hunter1':'[hunter2]'}}]}",
    "{'contentVersion':'1','resources':[{'type':'Microsoft.Web/sites','name':'a','properties':"
    "{'x':1},'resources':[{'type':'config','name':'appsettings','properties':"
    "{'hunter1':'[hunter2]'}}]}]}",
};

/* The policy's memory is looked through as well: nothing of a setting is kept. */
static void no_secret_is_kept_or_quoted(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(secrets); i++) {
		cleanup_loaded struct loaded l = load(secrets[i]);
		cleanup_free char *text = said(&l.diag);

		if (strstr(text, "hunter"))
			fail_msg("%s: %s", secrets[i], text);
		for (size_t j = 0; j < l.diag.n; j++)
			assert_true(!l.diag.v[j].pointer || !strstr(l.diag.v[j].pointer, "hunter"));
		for (size_t j = 0; l.policy && j < l.policy->n_app_settings; j++)
			assert_null(strstr(l.policy->app_settings[j].place.pointer, "hunter"));
	}
}

static void settings_that_all_can_read_are_a_warning(void **state)
{
	static const struct {
		unsigned int mode;
		size_t n_warnings;
	} modes[] = {{0600, 0}, {0640, 0}, {0644, 1}, {0604, 1}};
	char dir[] = "/tmp/nsg-app-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/settings.json", dir);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(modes); i++) {
		cleanup_free char *json =
		    to_json("[{'name':'A','value':'1'},{'name':'B','value':'2'}]"
			    "{'name':'v','addressSpace':{'addressPrefixes':['10.0.0.0/16']}}");
		struct nsg_policy *policy = NULL;
		struct nsg_diag diag = {0};
		FILE *out = fopen(path, "w");

		assert_non_null(out);
		fputs(json, out);
		assert_int_equal(fclose(out), 0);
		assert_int_equal(chmod(path, modes[i].mode), 0);
		assert_int_equal(nsg_policy_load(dir, NULL, NULL, &diag, &policy), 0);
		assert_int_equal(diag.n_warnings, modes[i].n_warnings);
		if (diag.n)
			assert_string_equal(
			    diag.v[0].text,
			    "app settings are readable by every user of this host; run chmod o-r");
		nsg_policy_free(policy);
		nsg_diag_done(&diag);
	}
	unlink(path);
	rmdir(dir);
}

static const struct {
	const char *text, *subnet_id, *vnet_id, *site_id;
	int is_swift;
} integrations[] = {
    {"[{'name':'x','id':'" SITE_ID "app/virtualNetworkConnections/x','vnetResourceId':'" NETWORK_ID
     "virtualNetworks/v/subnets/s','isSwift':true}]",
     NETWORK_ID "virtualNetworks/v/subnets/s", "", SITE_ID "app", NSG_TRUE},
    {"[{'name':'x','vnetResourceId':'" NETWORK_ID "virtualNetworks/v','isSwift':null,"
     "'routes':null}]",
     "", NETWORK_ID "virtualNetworks/v", "", NSG_UNSET},
    {"{'name':'app/virtualNetwork','type':'Microsoft.Web/sites/networkConfig','properties':"
     "{'subnetResourceId':'a/subnets/s','swiftSupported':true}}",
     "a/subnets/s", "", "Microsoft.Web/sites/app", NSG_TRUE},
    {"{'id':'" SITE_ID "app/networkConfig/virtualNetwork','name':'virtualNetwork','properties':"
     "{'subnetResourceId':'a/subnets/s','isSwift':false}}",
     "a/subnets/s", "", SITE_ID "app", NSG_FALSE},
};

static void an_integration_names_subnet_or_network(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(integrations); i++) {
		cleanup_loaded struct loaded l = load(integrations[i].text);
		const struct nsg_integration *n;

		assert_said(integrations[i].text, &l.diag, "");
		assert_int_equal(l.policy->n_integrations, 1);
		n = &l.policy->integrations[0];
		assert_string_equal(n->subnet_id, integrations[i].subnet_id);
		assert_string_equal(n->vnet_id, integrations[i].vnet_id);
		assert_string_equal(n->site_id, integrations[i].site_id);
		assert_int_equal(n->is_swift, integrations[i].is_swift);
	}
}

static void an_empty_integration_is_none(void **state)
{
	cleanup_loaded struct loaded l =
	    load("{'name':'app/virtualNetwork','type':'Microsoft.Web/sites/networkConfig',"
		 "'properties':{'subnetResourceId':null,'swiftSupported':true}}");

	(void)state;
	assert_int_equal(l.result, 0);
	assert_int_equal(l.policy->n_integrations, 0);
}

static void a_plan_is_read_whole(void **state)
{
	cleanup_loaded struct loaded l =
	    load("[{'name':'p','location':'westeurope','numberOfWorkers':7,'reserved':true,'sku':"
		 "{'name':'P1v2','tier':'PremiumV2','capacity':3}},{'name':'q','sku':{'name':'S1',"
		 "'capacity':null},'properties':{'numberOfWorkers':2}}]");
	const struct nsg_plan *p;

	(void)state;
	assert_said("nothing", &l.diag, "");
	assert_int_equal(l.policy->n_plans, 2);
	p = &l.policy->plans[0];
	assert_string_equal(p->tier, "PremiumV2");
	assert_string_equal(p->sku, "P1v2");
	assert_int_equal(p->instances, 3);
	assert_int_equal(p->is_linux, NSG_TRUE);
	assert_string_equal(p->sku_place.pointer, "/0/sku");
	assert_int_equal(l.policy->plans[1].instances, 2);
}

static const struct saying sayings[] = {
    {"a switch of the wrong type", "{'name':'a','siteConfig':{'vnetRouteAllEnabled':'perhaps'}}",
     "1:49: error: vnetRouteAllEnabled must be true or false"},
    {"a configuration without a switch",
     "{'name':'a/web','type':'Microsoft.Web/sites/config','properties':{'x':1}}",
     "1:1: notice: the site configuration has no routing setting: skipped"},
    {"instances that are no number",
     "{'name':'p','type':'Microsoft.Web/serverfarms','sku':{'capacity':'many'}}",
     "1:66: error: this must be a number from 0 to 1000000"},
    {"an SKU that is no object", "{'name':'p','type':'Microsoft.Web/serverfarms','sku':1}",
     "1:54: error: sku must be an object"},
};

static void each_fault_has_its_message_and_place(void **state)
{
	(void)state;
	check_sayings(sayings, NSG_ARRAY_SIZE(sayings));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_site_is_read_whole),
	    cmocka_unit_test(what_a_site_does_not_say_is_unknown),
	    cmocka_unit_test(route_all_is_kept),
	    cmocka_unit_test(dns_servers_are_kept),
	    cmocka_unit_test(no_secret_is_kept_or_quoted),
	    cmocka_unit_test(settings_that_all_can_read_are_a_warning),
	    cmocka_unit_test(an_integration_names_subnet_or_network),
	    cmocka_unit_test(an_empty_integration_is_none),
	    cmocka_unit_test(a_plan_is_read_whole),
	    cmocka_unit_test(each_fault_has_its_message_and_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
