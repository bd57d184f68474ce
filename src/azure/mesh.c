/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Meshes of a virtual network manager: rows of next hop ConnectedGroup, which have the ranges, and
 * connectivity configurations, which have none. */
#include <strings.h>

#include "azure/reader_priv.h"

static const struct nsg_field lines[] = {
    {NULL, FIELD_PREFIXES, AT(nsg_mesh, ranges)},
    {NULL, FIELD_PLACE, AT(nsg_mesh, place)},
};

static const struct nsg_fields fields = {.word = "mesh", FIELDS(lines, nsg_mesh)};

static void add(struct nsg_reader *r, const struct nsg_node *n, struct nsg_prefixes ranges)
{
	const struct nsg_identity nobody = {.id = "", .name = "", .parent = "", .within = ""};
	struct nsg_mesh *mesh = nsg_sink_array(&r->sink, 1, sizeof(*mesh));

	if (!mesh)
		return;
	*mesh = (struct nsg_mesh){.ranges = ranges, .place = nsg_node_place(&r->sink, n)};
	nsg_collect_add(r, n, &nsg_kind_mesh, &nobody, mesh);
}

static void read_row(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_node prefixes = nsg_node_get(n, "addressPrefix");
	struct nsg_prefixes one = {.v = nsg_sink_array(&r->sink, 1, sizeof(*one.v))};
	bool is_ip6 = false;

	if (json_is_array(prefixes.value) || !prefixes.value) {
		add(r, n, nsg_read_prefixes(&r->sink, &prefixes));
		return;
	}
	if (!one.v || !nsg_read_prefix(&r->sink, &prefixes, one.v, &is_ip6))
		return;
	one.n = !is_ip6;
	one.n_ip6 = is_ip6;
	add(r, n, one);
}

/* A hub's spokes may be connected directly too. */
static bool connects_directly(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_node groups = nsg_node_get(n, "appliesToGroups");
	size_t size = nsg_read_array(&r->sink, &groups);

	if (!strcasecmp(nsg_read_member(&r->sink, n, "connectivityTopology"), "Mesh"))
		return true;
	for (size_t i = 0; i < size; i++) {
		struct nsg_node group = nsg_node_at(&groups, i);

		if (nsg_read_object(&r->sink, &group) &&
		    !strcasecmp(nsg_read_member(&r->sink, &group, "groupConnectivity"),
				"DirectlyConnected"))
			return true;
	}
	return false;
}

static void read_mesh(struct nsg_reader *r, const struct nsg_node *n)
{
	if (nsg_node_has(n, "nextHopType"))
		read_row(r, n);
	else if (connects_directly(r, n))
		add(r, n, (struct nsg_prefixes){0});
	else
		nsg_node_report(&r->sink, n, NSG_NOTICE, NULL,
				"a connectivity configuration without a mesh is not used: the "
				"peerings it made are those of the virtual network");
}

static bool looks_like_mesh(const struct nsg_node *n)
{
	const char *hop = json_string_value(nsg_node_get(n, "nextHopType").value);

	return nsg_node_has(n, "connectivityTopology") ||
	       (hop && !strcasecmp(hop, "ConnectedGroup"));
}

const struct nsg_kind nsg_kind_mesh = {
    .looks = looks_like_mesh,
    .read = read_mesh,
    .fields = &fields,
    IN_POLICY(meshes),
    .document_only = true,
};
