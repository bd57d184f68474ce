/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "generate_priv.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/vec.h"

uint32_t rng_next(struct rng *r)
{
	/* splitmix64 */
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((uint64_t)rng_next(r) * n >> 32);
}

int rng_percent(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

/* Nested and neighbouring prefixes around every boundary in the semantics. */
const char *const generate_pool[GENERATE_POOL] = {
    "0.0.0.0/0",	  "10.0.0.0/8",	      "10.0.0.0/16",	  "10.0.0.0/15",
    "10.0.1.0/24",	  "10.0.1.0/26",      "10.0.2.0/24",	  "10.0.2.5/32",
    "10.0.2.0/29",	  "10.0.2.6",	      "10.0.3.0/24",	  "10.1.0.0/16",
    "10.1.5.0/24",	  "10.1.2.5/32",      "10.2.0.0/16",	  "10.20.0.0/16",
    "10.20.4.0/22",	  "10.128.0.0/9",     "172.16.0.0/12",	  "172.16.5.0/24",
    "172.31.0.0/16",	  "172.20.0.0/16",    "192.168.0.0/16",	  "192.168.1.0/24",
    "192.168.255.255/32", "100.64.0.0/10",    "100.64.1.0/24",	  "100.127.255.0/24",
    "203.0.113.0/24",	  "203.0.113.128/25", "198.51.100.0/24",  "198.51.100.7/32",
    "20.60.0.0/16",	  "20.60.1.0/24",     "20.60.1.128/25",	  "20.61.0.0/16",
    "20.0.0.0/8",	  "40.112.0.0/13",    "8.8.8.8/32",	  "128.0.0.0/1",
    "0.0.0.0/1",	  "224.0.0.0/4",      "168.63.129.16/32", "169.254.0.0/16",
    "169.254.169.254/32", "127.0.0.0/8",      "64.0.0.0/2",	  "255.255.255.255/32",
    "172.0.0.0/8",	  "192.0.0.0/8",
};

/* Read and left out of everything. */
const char *const generate_pool6[] = {"::/0", "2001:db8::/32", "2603:1030:20e::/48"};

const char *const generate_tag_names[GENERATE_TAGS] = {
    "Storage",		"Storage.WestEurope", "Storage.NorthEurope",   "Sql",
    "Sql.WestEurope",	"AzureCloud",	      "AzureCloud.westeurope", "AzureCosmosDB",
    "Storage.Northwind"};

/* Most of Azure's shapes are tested elsewhere; here each object is nested or flat by chance. */
json_t *generate_shape(struct rng *r, json_t *head, json_t *properties)
{
	if (rng_percent(r, 50)) {
		json_object_set_new(head, "properties", properties);
	} else {
		json_object_update(head, properties);
		json_decref(properties);
	}
	return head;
}

json_t *generate_id(const char *format, const char *name)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "%s%s", format, name);
	return json_string(text);
}

json_t *generate_reference(json_t *id)
{
	return json_pack("{s:o}", "id", id);
}

void generate_save(const char *directory, const char *name, json_t *value)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (json_dump_file(value, path, JSON_INDENT(1)))
		abort();
	json_decref(value);
}

void generate_remove(const char *directory)
{
	DIR *d = opendir(directory);
	const struct dirent *e;

	if (!d)
		abort();
	while ((e = readdir(d)))
		if (strstr(e->d_name, ".json") && unlinkat(dirfd(d), e->d_name, 0))
			abort();
	(void)closedir(d);
}

static void draw_options(struct rng *r, struct nsg_options *o)
{
	static const enum nsg_platform platforms[] = {NSG_PLATFORM_FROM_SITE,
						      NSG_PLATFORM_FROM_SITE, NSG_PLATFORM_WINDOWS,
						      NSG_PLATFORM_LINUX};
	static const enum nsg_tristate switches[] = {NSG_UNSET, NSG_UNSET, NSG_TRUE, NSG_TRUE,
						     NSG_FALSE};

	*o = (struct nsg_options){
	    .profile = nsg_profile_find(rng_percent(r, 50) ? "2020-04" : "current"),
	    .platform = PICK(r, platforms),
	    .route_all = PICK(r, switches),
	    .endpoint_lab = rng_percent(r, 40),
	};
}

void generate_policy(struct rng *r, const char *directory, struct nsg_options *ret_options)
{
	struct generate_parts has = {
	    .tags = rng_percent(r, 85), .nsg = rng_percent(r, 92), .table = rng_percent(r, 85)};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(generate_peers); i++)
		has.peer[i] = rng_percent(r, 30);
	generate_remove(directory);
	draw_options(r, ret_options);
	has.flex = !strcmp(ret_options->profile->name, "current") && rng_percent(r, 10);
	generate_save(directory, "vnet.json", generate_vnet(r, &has));
	if (has.nsg)
		generate_save(directory, "nsg.json", generate_nsg(r, has.tags));
	if (rng_percent(r, 35))
		generate_save(directory, "admin.json", generate_admin(r, has.tags));
	if (has.table)
		generate_save(directory, "rt.json", generate_table(r, has.tags));
	if (has.tags)
		generate_save(directory, "tags.json", generate_tags(r, 300));
	if (has.tags && rng_percent(r, 20))
		generate_save(directory, "tags-more.json",
			      generate_tags(r, 299 + (int)rng_below(r, 3)));
	generate_gateways(r, directory);
	if (rng_percent(r, 15))
		generate_save(directory, "mesh.json", generate_mesh(r));
	for (size_t i = 0; i < NSG_ARRAY_SIZE(generate_peers); i++) {
		char name[40];

		if (!has.peer[i])
			continue;
		(void)snprintf(name, sizeof(name), "%s.json", generate_peers[i].name);
		if (rng_percent(r, 80))
			generate_save(directory, name, generate_peer(r, i));
		(void)snprintf(name, sizeof(name), "pe-%s", generate_peers[i].name);
		if (rng_percent(r, 60))
			generate_endpoint(r, directory, name, generate_peers[i].name,
					  generate_peers[i].endpoint);
	}
	if (rng_percent(r, 50))
		generate_endpoint(r, directory, "pe-a", "vnet-app", "10.0.2.5");
	if (rng_percent(r, 30))
		generate_endpoint(r, directory, "pe-b", "vnet-app", "10.0.2.6");
	/* Every group that a rule may name has a member. */
	generate_save(directory, "nic-1.json", generate_nic(r, "nic-1", "10.0.3.4", "asg-db"));
	generate_save(directory, "nic-2.json", generate_nic(r, "nic-2", "10.0.3.5", "asg-web"));
	if (has.flex || rng_percent(r, 60))
		generate_save(directory, "site.json", generate_site(r, has.flex));
	if (has.flex || rng_percent(r, 40))
		generate_save(directory, "plan.json", generate_plan(has.flex));
	if (rng_percent(r, 30)) {
		generate_save(directory, "site-other.json", generate_other_site(r));
		ret_options->subnet = GENERATED_SUBNET;
	}
	if (rng_percent(r, 50))
		generate_save(directory, "settings.json",
			      json_pack("[{s:s,s:s},{s:s,s:s}]", "name", "A", "value", "b", "name",
					rng_percent(r, 50) ? "WEBSITE_VNET_ROUTE_ALL"
							   : "website_vnet_route_all",
					"value", rng_percent(r, 50) ? "1" : "0"));
}

/* ---- flows ---------------------------------------------------------------------------------- */

struct edges {
	NSG_VEC(uint32_t) addrs;
	NSG_VEC(uint16_t) ports;
};

static void add_edge(struct edges *e, struct nsg_prefix p)
{
	const uint32_t edge[] = {p.addr_host - 1,    p.addr_host,
				 p.addr_host + 1,    nsg_prefix_last(p) - 1,
				 nsg_prefix_last(p), nsg_prefix_last(p) + 1};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(edge); i++)
		if (nsg_vec_push(&e->addrs, edge[i]))
			abort();
}

static void add_edges(struct edges *e, const struct nsg_prefixes *p)
{
	for (size_t i = 0; i < p->n; i++)
		add_edge(e, p->v[i]);
}

static void add_ports(struct edges *e, const struct nsg_port_range *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint16_t edge[] = {(uint16_t)(v[i].lo - 1), v[i].lo, v[i].hi,
					 (uint16_t)(v[i].hi + 1)};

		for (size_t k = 0; k < NSG_ARRAY_SIZE(edge); k++)
			if (nsg_vec_push(&e->ports, edge[k]))
				abort();
	}
}

static void collect(struct edges *e, const struct nsg_policy *p)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(generate_pool); i++) {
		struct nsg_prefix prefix;
		bool masked;

		(void)nsg_prefix_parse(generate_pool[i], &prefix, &masked);
		add_edge(e, prefix);
	}
	for (size_t i = 0; i < p->n_vnets; i++) {
		add_edges(e, &p->vnets[i].space);
		for (size_t k = 0; k < p->vnets[i].n_subnets; k++)
			add_edges(e, &p->vnets[i].subnets[k].prefixes);
	}
	for (size_t i = 0; i < p->n_nsgs; i++)
		for (size_t k = 0; k < p->nsgs[i].n_rules; k++) {
			const struct nsg_rule *rule = &p->nsgs[i].rules[k];

			add_edges(e, &rule->src.prefixes);
			add_edges(e, &rule->dst.prefixes);
			add_ports(e, rule->src_ports, rule->n_src_ports);
			add_ports(e, rule->dst_ports, rule->n_dst_ports);
		}
	for (size_t i = 0; i < p->n_admin_rules; i++) {
		const struct nsg_rule *rule = &p->admin_rules[i].rule;

		add_edges(e, &rule->dst.prefixes);
		add_ports(e, rule->dst_ports, rule->n_dst_ports);
	}
	for (size_t i = 0; i < p->n_bgp_routes; i++)
		add_edge(e, p->bgp_routes[i].prefix);
	for (size_t i = 0; i < p->n_meshes; i++)
		add_edges(e, &p->meshes[i].ranges);
	for (size_t i = 0; i < p->n_gateways; i++)
		add_edges(e, &p->gateways[i].prefixes);
	for (size_t i = 0; i < p->n_tag_documents; i++)
		for (size_t k = 0; k < p->tag_documents[i].n_tags; k++)
			add_edges(e, &p->tag_documents[i].tags[k].prefixes);
	for (size_t i = 0; i < p->n_private_endpoints; i++)
		for (size_t k = 0; k < p->private_endpoints[i].n_addrs; k++)
			add_edge(e, (struct nsg_prefix){p->private_endpoints[i].addrs_host[k], 32});
	for (size_t i = 0; i < p->n_nics; i++)
		for (size_t k = 0; k < p->nics[i].n_configurations; k++)
			add_edge(e,
				 (struct nsg_prefix){p->nics[i].configurations[k].addr_host, 32});
	add_ports(e, &(struct nsg_port_range){53, 53}, 1);
	add_ports(e, &(struct nsg_port_range){65330, 65330}, 1);
}

void generate_flows(struct rng *r, const struct nsg_policy *policy, struct nsg_key *keys, size_t n)
{
	static const uint8_t protocols[] = {6, 6, 6, 17, 17, 17, 1, 50, 51, 47, 0, 255};
	struct edges e = {0};

	collect(&e, policy);
	for (size_t i = 0; i < n; i++) {
		struct nsg_key k = {.protocol = PICK(r, protocols)};

		k.src_host = rng_percent(r, 80) ? NSG_IP4(10, 0, 1, 4) + rng_below(r, 30)
						: e.addrs.v[rng_below(r, (uint32_t)e.addrs.n)];
		k.dst_host =
		    rng_percent(r, 95) ? e.addrs.v[rng_below(r, (uint32_t)e.addrs.n)] : rng_next(r);
		if (rng_percent(r, 4))
			k.dst_host =
			    rng_percent(r, 60) ? NSG_IP_PLATFORM_DNS : NSG_IP_PLATFORM_IMDS;
		if (nsg_protocol_has_ports(k.protocol)) {
			k.sport_host = rng_percent(r, 60)
					   ? 50000
					   : e.ports.v[rng_below(r, (uint32_t)e.ports.n)];
			k.dport_host = e.ports.v[rng_below(r, (uint32_t)e.ports.n)];
		}
		keys[i] = k;
	}
	nsg_vec_done(&e.addrs);
	nsg_vec_done(&e.ports);
}