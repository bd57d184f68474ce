/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private endpoints, network interfaces, application security groups. */
#include <string.h>

#include "azure/reader_priv.h"
#include "util/limits.h"

static void add_address(struct nsg_sink *s, struct nsg_private_endpoint *e,
			const struct nsg_node *n)
{
	uint32_t addr_host;

	if (!e->addrs_host || !nsg_read_address(s, n, &addr_host))
		return;
	for (size_t i = 0; i < e->n_addrs; i++) {
		if (e->addrs_host[i] == addr_host)
			return;
	}
	e->addrs_host[e->n_addrs++] = addr_host;
}

void nsg_read_private_endpoint(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_identity who = nsg_read_identity(s, n, "Microsoft.Network/privateEndpoints");
	struct nsg_node nics = nsg_node_get(n, "networkInterfaces");
	struct nsg_node dns = nsg_node_get(n, "customDnsConfigs");
	struct nsg_node configurations = nsg_node_get(n, "ipConfigurations");
	size_t n_dns = nsg_read_array(s, &dns);
	size_t n_configurations = nsg_read_array(s, &configurations), room = n_configurations;
	struct nsg_private_endpoint e = {
	    .id = who.id,
	    .name = who.name,
	    .subnet_id = nsg_read_ref(s, n, "subnet"),
	    .nic_ids = nsg_read_ids(s, &nics),
	    .place = nsg_node_place(s, n),
	};

	for (size_t i = 0; i < n_dns; i++) {
		struct nsg_node config = nsg_node_at(&dns, i);

		room += json_array_size(nsg_node_get(&config, "ipAddresses").value);
	}
	if (room > NSG_MAX_ENDPOINT_ADDRESSES) {
		nsg_node_say(s, n, NSG_ERROR, NULL,
			     "private endpoint '" NSG_QUOTE
			     "' has %zu addresses; at most %u are read",
			     who.name, room, NSG_MAX_ENDPOINT_ADDRESSES);
		return;
	}
	e.addrs_host = nsg_sink_array(s, room, sizeof(*e.addrs_host));
	for (size_t i = 0; i < n_dns; i++) {
		struct nsg_node config = nsg_node_at(&dns, i);
		struct nsg_node list = nsg_node_get(&config, "ipAddresses");
		size_t size = nsg_read_array(s, &list);

		for (size_t j = 0; j < size; j++) {
			struct nsg_node address = nsg_node_at(&list, j);

			add_address(s, &e, &address);
		}
	}
	for (size_t i = 0; i < n_configurations; i++) {
		struct nsg_node config = nsg_node_at(&configurations, i);
		struct nsg_node address = nsg_node_get(&config, "privateIPAddress");

		add_address(s, &e, &address);
	}
	nsg_sink_push(s, &r->private_endpoints, e);
}

static void read_configuration(struct nsg_sink *s, const struct nsg_node *n,
			       struct nsg_ip_configuration *to)
{
	struct nsg_node address = nsg_node_get(n, "privateIPAddress");
	struct nsg_node groups = nsg_node_get(n, "applicationSecurityGroups");

	to->has_addr = nsg_read_address(s, &address, &to->addr_host);
	to->subnet_id = nsg_read_ref(s, n, "subnet");
	to->asgs = nsg_read_ids(s, &groups);
}

void nsg_read_nic(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_identity who = nsg_read_identity(s, n, "Microsoft.Network/networkInterfaces");
	struct nsg_node list = nsg_node_get(n, "ipConfigurations");
	size_t size = nsg_read_array(s, &list);
	struct nsg_nic nic = {
	    .id = who.id,
	    .name = who.name,
	    .private_endpoint_id = nsg_read_ref(s, n, "privateEndpoint"),
	    .configurations = nsg_sink_array(s, size, sizeof(*nic.configurations)),
	    .place = nsg_node_place(s, n),
	};

	for (size_t i = 0; i < size && nic.configurations; i++) {
		struct nsg_node configuration = nsg_node_at(&list, i);

		if (nsg_read_object(s, &configuration))
			read_configuration(s, &configuration,
					   &nic.configurations[nic.n_configurations++]);
	}
	nsg_sink_push(s, &r->nics, nic);
}

void nsg_read_asg(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who =
	    nsg_read_identity(&r->sink, n, "Microsoft.Network/applicationSecurityGroups");
	struct nsg_asg asg = {.id = who.id, .name = who.name, .place = nsg_node_place(&r->sink, n)};

	nsg_sink_push(&r->sink, &r->asgs, asg);
}
