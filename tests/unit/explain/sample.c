/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/explain/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"

#define ID "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/"
#define VNET_ID ID "virtualNetworks/vnet-app"
#define SUBNET_ID VNET_ID "/subnets/snet-int"
#define PREFIXES(v)                                                                                \
	{                                                                                          \
		(v), sizeof(v) / sizeof((v)[0]), 0                                                 \
	}

static struct nsg_prefix vnet_space[] = {{NSG_IP4(10, 0, 0, 0), 16}};
static struct nsg_prefix subnet_space[] = {{NSG_IP4(10, 0, 1, 0), 26}};
static struct nsg_prefix peer_space[] = {{NSG_IP4(10, 8, 0, 0), 16}};
static struct nsg_prefix dns_servers[] = {{NSG_IP4(8, 8, 8, 8), 32}, {NSG_IP4(8, 8, 4, 4), 32}};
static struct nsg_prefix sql_space[] = {{NSG_IP4(20, 1, 0, 0), 16}, {NSG_IP4(20, 3, 0, 0), 24}};
static struct nsg_prefix storage_space[] = {{NSG_IP4(20, 2, 0, 0), 16}, {NSG_IP4(20, 4, 0, 0), 16}};

static struct nsg_port_range every_port[] = {{0, 65535}};
static struct nsg_port_range dns_port[] = {{53, 53}};
static struct nsg_port_range sql_ports[] = {{11000, 11999}, {1433, 1433}};

static struct nsg_rule rules[] = {
    {.name = "deny-dns",
     .priority = 100,
     .access = NSG_DENY,
     .protocol = NSG_PROTOCOL_UDP,
     .src = {.kind = NSG_ADDRESS_ANY, .tag = ""},
     .dst = {.kind = NSG_ADDRESS_PREFIXES, .prefixes = PREFIXES(dns_servers), .tag = ""},
     .src_ports = every_port,
     .n_src_ports = 1,
     .dst_ports = dns_port,
     .n_dst_ports = 1},
    {.name = "sql-ok",
     .priority = 200,
     .access = NSG_ALLOW,
     .protocol = NSG_PROTOCOL_TCP,
     .src = {.kind = NSG_ADDRESS_TAG, .tag = "VirtualNetwork"},
     .dst = {.kind = NSG_ADDRESS_TAG, .tag = "Sql"},
     .src_ports = every_port,
     .n_src_ports = 1,
     .dst_ports = sql_ports,
     .n_dst_ports = 2},
};
static struct nsg_nsg nsg = {
    .id = ID "networkSecurityGroups/nsg-int", .name = "nsg-int", .rules = rules, .n_rules = 2};

#define ADMIN(NAME, PRIORITY, ACCESS, DST)                                                         \
	{                                                                                          \
		.id = ID "networkManagers/m/securityAdminConfigurations/c/ruleCollections/k/"      \
			 "rules/" NAME,                                                            \
		.rule = {                                                                          \
		    .name = (NAME),                                                                \
		    .priority = (PRIORITY),                                                        \
		    .access = (ACCESS),                                                            \
		    .is_admin = true,                                                              \
		    .protocol = NSG_PROTOCOL_TCP,                                                  \
		    .src = {.kind = NSG_ADDRESS_ANY, .tag = ""},                                   \
		    .dst = DST,                                                                    \
		    .src_ports = every_port,                                                       \
		    .n_src_ports = 1,                                                              \
		    .dst_ports = sql_ports,                                                        \
		    .n_dst_ports = 2,                                                              \
		},                                                                                 \
	}
#define MIXED                                                                                      \
	{                                                                                          \
		.kind = NSG_ADDRESS_MIXED, .tag = "", .prefixes = PREFIXES(peer_space), .tags = {  \
			admin_tags,                                                                \
			1                                                                          \
		}                                                                                  \
	}
#define TO_DNS                                                                                     \
	{                                                                                          \
		.kind = NSG_ADDRESS_PREFIXES, .tag = "", .prefixes = PREFIXES(dns_servers)         \
	}

static const char *admin_tags[] = {"Storage"};
static struct nsg_admin_rule admin_rules[] = {
    ADMIN("force", 1, NSG_ALWAYS_ALLOW, TO_DNS),
    ADMIN("block", 2, NSG_DENY, MIXED),
};

static uint32_t appliances[] = {NSG_IP4(10, 0, 9, 6), NSG_IP4(10, 0, 9, 5)};
static struct nsg_route routes[] = {
    {.name = "to-nva",
     .prefix = {NSG_IP4(10, 1, 0, 0), 16},
     .hop_type = NSG_HOP_APPLIANCE,
     .ecmp = true,
     .hops_host = appliances,
     .n_hops = 2},
    {.name = "storage", .tag = "Storage", .hop_type = NSG_HOP_INTERNET},
};
static struct nsg_route_table table = {
    .id = ID "routeTables/rt-int", .name = "rt-int", .routes = routes, .n_routes = 2};

static const char *delegation[] = {"Microsoft.Web/serverFarms"};
static struct nsg_service_endpoint endpoints[] = {{.service = "Microsoft.Sql"}};
static struct nsg_subnet subnets[] = {
    {.id = SUBNET_ID,
     .name = "snet-int",
     .prefixes = PREFIXES(subnet_space),
     .nsg_id = ID "networkSecurityGroups/nsg-int",
     .route_table_id = ID "routeTables/rt-int",
     .endpoints = endpoints,
     .n_endpoints = 1,
     .delegations = {delegation, 1},
     .endpoint_policies = ""},
};
static struct nsg_peering peerings[] = {
    {.name = "to-hub",
     .remote_id = ID "virtualNetworks/vnet-hub",
     .state = "Connected",
     .allow_access = NSG_TRUE,
     .remote_space = PREFIXES(peer_space)},
};
static struct nsg_vnet vnets[] = {
    {.id = VNET_ID,
     .name = "vnet-app",
     .location = "westeurope",
     .space = PREFIXES(vnet_space),
     .subnets = subnets,
     .n_subnets = 1,
     .peerings = peerings,
     .n_peerings = 1},
};

static struct nsg_tag tags[] = {
    {.name = "Sql", .region = "", .prefixes = PREFIXES(sql_space)},
    {.name = "Storage", .region = "", .prefixes = PREFIXES(storage_space)},
};
static struct nsg_tag_document documents[] = {{.cloud = "Public", .tags = tags, .n_tags = 2}};

static uint32_t outbound[] = {NSG_IP4(40, 1, 1, 1), NSG_IP4(40, 1, 1, 2)};
static struct nsg_site sites[] = {
    {.id = ID "sites/app",
     .name = "app",
     .location = "westeurope",
     .plan_id = "",
     .subnet_id = SUBNET_ID,
     .is_linux = NSG_FALSE,
     .sku = "",
     .route_all = {{NSG_UNSET}, {NSG_UNSET}, {NSG_UNSET}, {NSG_UNSET}},
     .outbound_host = outbound,
     .n_outbound = 2},
};

static struct nsg_policy policy = {
    .directory = "sample",
    .vnets = vnets,
    .nsgs = &nsg,
    .route_tables = &table,
    .tag_documents = documents,
    .sites = sites,
    .n_vnets = 1,
    .n_nsgs = 1,
    .n_route_tables = 1,
    .n_tag_documents = 1,
    .n_sites = 1,
};

static struct sample make(bool route_all, const char *profile)
{
	const struct nsg_options options = {
	    .profile = nsg_profile_find(profile),
	    .route_all = route_all ? NSG_TRUE : NSG_FALSE,
	};
	struct nsg_diag diag = {0};
	struct sample s = {0};

	if (nsg_effective_new(&policy, &options, &diag, &s.effective) < 0 ||
	    nsg_compile(s.effective, NULL, &diag, &s.image) < 0) {
		for (size_t i = 0; i < diag.n; i++) {
			nsg_diag_print(&diag.v[i], stderr);
			fputc('\n', stderr);
		}
		abort();
	}
	nsg_diag_done(&diag);
	return s;
}

struct sample sample_new(bool route_all)
{
	return make(route_all, "2020-04");
}

struct sample sample_new_with_admin_rules(void)
{
	struct sample s;

	policy.admin_rules = admin_rules;
	policy.n_admin_rules = 2;
	s = make(true, "current");
	policy.n_admin_rules = 0;
	return s;
}

void sample_free(struct sample *s)
{
	s->image = nsg_image_free(s->image);
	s->effective = nsg_effective_free(s->effective);
	nsg_arena_done(&policy.arena);
}

struct nsg_key sample_key(uint8_t protocol, uint32_t dst_host, uint16_t dport)
{
	bool ports = nsg_protocol_has_ports(protocol);

	return (struct nsg_key){
	    .src_host = NSG_IP4(10, 0, 1, 4),
	    .dst_host = dst_host,
	    .sport_host = ports ? 50000 : 0,
	    .dport_host = ports ? dport : 0,
	    .protocol = protocol,
	};
}
