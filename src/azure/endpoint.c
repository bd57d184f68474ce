/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private endpoints, network interfaces, application security groups. */
#include "azure/reader_priv.h"
#include "util/limits.h"

/* ---- private endpoints ---------------------------------------------------------------------- */

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

/* Of customDnsConfigs and its own ipConfigurations. */
static bool read_addresses(struct nsg_reader *r, const struct nsg_field *f,
			   const struct nsg_node *n, void *to)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_private_endpoint *e = to;
	struct nsg_node dns = nsg_node_get(n, f->key);
	struct nsg_node configurations = nsg_node_get(n, f->other);
	size_t n_dns = nsg_read_array(s, &dns);
	size_t n_configurations = nsg_read_array(s, &configurations), room = n_configurations;

	for (size_t i = 0; i < n_dns; i++) {
		struct nsg_node config = nsg_node_at(&dns, i);

		room += json_array_size(nsg_node_get(&config, "ipAddresses").value);
	}
	if (room > NSG_MAX_ENDPOINT_ADDRESSES) {
		nsg_node_report(s, n, NSG_ERROR, NULL,
				"private endpoint '" NSG_QUOTE
				"' has %zu addresses; at most %u are read",
				e->name, room, NSG_MAX_ENDPOINT_ADDRESSES);
		return false;
	}
	e->addrs_host = nsg_sink_array(s, room, sizeof(*e->addrs_host));
	for (size_t i = 0; i < n_dns; i++) {
		struct nsg_node config = nsg_node_at(&dns, i);
		struct nsg_node list = nsg_node_get(&config, "ipAddresses");
		size_t size = nsg_read_array(s, &list);

		for (size_t j = 0; j < size; j++) {
			struct nsg_node address = nsg_node_at(&list, j);

			add_address(s, e, &address);
		}
	}
	for (size_t i = 0; i < n_configurations; i++) {
		struct nsg_node config = nsg_node_at(&configurations, i);
		struct nsg_node address = nsg_node_get(&config, "privateIPAddress");

		add_address(s, e, &address);
	}
	return true;
}

static const struct nsg_field private_endpoint_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_private_endpoint, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_private_endpoint, id)},
    {NULL, FIELD_PLACE, AT(nsg_private_endpoint, place)},
    {"subnet", FIELD_REF, AT(nsg_private_endpoint, subnet_id)},
    {"networkInterfaces", FIELD_IDS, AT(nsg_private_endpoint, nic_ids)},
    {"privateLinkServiceConnections", FIELD_TEXTS, AT(nsg_private_endpoint, service_ids),
     .each = "privateLinkServiceId"},
    {"customDnsConfigs", FIELD_NUMBERS, NUMBERS(nsg_private_endpoint, addrs_host, n_addrs),
     .other = "ipConfigurations", .read = read_addresses},
};

static const struct nsg_fields private_endpoint_fields = {
    .word = "private endpoint",
    FIELDS(private_endpoint_lines, nsg_private_endpoint),
};

static bool looks_like_private_endpoint(const struct nsg_node *n)
{
	return NSG_COUNT_KEYS(n, "privateLinkServiceConnections",
			      "manualPrivateLinkServiceConnections", "customDnsConfigs");
}

const struct nsg_kind nsg_kind_private_endpoint = {
    .looks = looks_like_private_endpoint,
    .fields = &private_endpoint_fields,
    IN_POLICY(private_endpoints),
};

/* ---- network interfaces --------------------------------------------------------------------- */

static bool read_configuration_address(struct nsg_reader *r, const struct nsg_field *f,
				       const struct nsg_node *n, void *to)
{
	struct nsg_node address = nsg_node_get(n, f->key);
	struct nsg_ip_configuration *configuration = to;

	configuration->has_addr = nsg_read_address(&r->sink, &address, &configuration->addr_host);
	return true;
}

static const struct nsg_field configuration_lines[] = {
    {"privateIPAddress", FIELD_BYTES, AT(nsg_ip_configuration, addr_host),
     .read = read_configuration_address},
    {NULL, FIELD_BYTES, AT(nsg_ip_configuration, has_addr)},
    {"subnet", FIELD_REF, AT(nsg_ip_configuration, subnet_id)},
    {"applicationSecurityGroups", FIELD_IDS, AT(nsg_ip_configuration, asgs)},
};

static const struct nsg_fields configuration_fields = {
    FIELDS(configuration_lines, nsg_ip_configuration),
    .in_order = true,
};

static const struct nsg_field nic_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_nic, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_nic, id)},
    {NULL, FIELD_PLACE, AT(nsg_nic, place)},
    {"privateEndpoint", FIELD_REF, AT(nsg_nic, private_endpoint_id)},
    {"ipConfigurations", FIELD_ARRAY, LIST(nsg_nic, configurations), .of = &configuration_fields},
};

static const struct nsg_fields nic_fields = {
    .word = "network interface",
    FIELDS(nic_lines, nsg_nic),
};

static bool looks_like_nic(const struct nsg_node *n)
{
	return json_is_array(nsg_node_get(n, "ipConfigurations").value) &&
	       NSG_COUNT_KEYS(n, "macAddress", "enableIPForwarding", "dnsSettings", "nicType",
			      "hostedWorkloads", "tapConfigurations", "privateEndpoint");
}

const struct nsg_kind nsg_kind_nic = {
    .looks = looks_like_nic,
    .fields = &nic_fields,
    IN_POLICY(nics),
};

/* ---- application security groups ------------------------------------------------------------ */

static const struct nsg_field asg_lines[] = {
    {NULL, FIELD_OWN_NAME, AT(nsg_asg, name)},
    {NULL, FIELD_TEXT, AT(nsg_asg, name)},
    {NULL, FIELD_OWN_ID, AT(nsg_asg, id)},
    {NULL, FIELD_PLACE, AT(nsg_asg, place)},
};

static const struct nsg_fields asg_fields = {
    .word = "application security group",
    FIELDS(asg_lines, nsg_asg),
};

const struct nsg_kind nsg_kind_asg = {
    .fields = &asg_fields,
    IN_POLICY(asgs),
};
