/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain/words_priv.h"
#include "util/cleanup.h"

/* As many as fit a line of a terminal. */
#define MAX_LISTED 6

json_t *nsg_address_json(uint32_t addr_host)
{
	char text[NSG_IP4_TEXT];

	nsg_ip4_format(addr_host, text);
	return json_string(text);
}

json_t *nsg_addresses_json(const uint32_t *addrs_host, size_t n)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, nsg_address_json(addrs_host[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

json_t *nsg_prefix_json(struct nsg_prefix prefix)
{
	char text[NSG_PREFIX_TEXT];

	nsg_prefix_format(prefix, text);
	return json_string(text);
}

json_t *nsg_rule_words(const struct nsg_rule *rule)
{
	return rule->is_admin ? json_string(rule->name)
			      : nsg_rule_name_json(rule->is_default, rule->name);
}

json_t *nsg_rule_name_json(bool is_default, const char *name)
{
	return json_sprintf("%s/%s", is_default ? "defaultSecurityRules" : "securityRules", name);
}

/* "a, b, c", up to MAX_LISTED elements. */
struct list {
	FILE *out;
	char *text;
	size_t size, n;
};

static void list_cleanup(struct list *l)
{
	if (l->out)
		(void)fclose(l->out);
	free(l->text);
}

#define cleanup_list __attribute__((cleanup(list_cleanup)))

static bool list_begin(struct list *l)
{
	l->out = open_memstream(&l->text, &l->size);
	return l->out != NULL;
}

static void list_add(struct list *l, const char *s)
{
	if (l->n < MAX_LISTED)
		fprintf(l->out, "%s%s", l->n ? ", " : "", s);
	l->n++;
}

static json_t *list_end(struct list *l)
{
	int failed;

	if (l->n > MAX_LISTED)
		fprintf(l->out, ", and %zu more", l->n - MAX_LISTED);
	failed = fclose(l->out);
	l->out = NULL;
	return failed ? NULL : json_string(l->text);
}

static json_t *prefixes_words(const struct nsg_prefixes *prefixes)
{
	cleanup_list struct list list = {0};
	char text[NSG_PREFIX_TEXT];

	if (!prefixes->n)
		return json_string("IPv6 addresses");
	if (!list_begin(&list))
		return NULL;
	for (size_t i = 0; i < prefixes->n; i++) {
		nsg_prefix_format(prefixes->v[i], text);
		list_add(&list, text);
	}
	return list_end(&list);
}

static json_t *mixed_words(const struct nsg_address *address)
{
	cleanup_list struct list list = {0};
	char text[NSG_PREFIX_TEXT];

	if (!list_begin(&list))
		return NULL;
	for (size_t i = 0; i < address->tags.n; i++)
		list_add(&list, address->tags.v[i]);
	for (size_t i = 0; i < address->prefixes.n; i++) {
		nsg_prefix_format(address->prefixes.v[i], text);
		list_add(&list, text);
	}
	return list_end(&list);
}

static json_t *asgs_words(const struct nsg_strings *asgs)
{
	cleanup_list struct list list = {0};

	if (!list_begin(&list))
		return NULL;
	for (size_t i = 0; i < asgs->n; i++)
		list_add(&list, nsg_id_name(asgs->v[i]));
	return list_end(&list);
}

json_t *nsg_address_words(const struct nsg_address *address)
{
	switch (address->kind) {
	case NSG_ADDRESS_ANY:
		return json_string("*");
	case NSG_ADDRESS_TAG:
		return json_string(address->tag);
	case NSG_ADDRESS_ASGS:
		return asgs_words(&address->asgs);
	case NSG_ADDRESS_MIXED:
		return mixed_words(address);
	case NSG_ADDRESS_PREFIXES:
		break;
	}
	return prefixes_words(&address->prefixes);
}

json_t *nsg_ports_words(const struct nsg_port_range *v, size_t n)
{
	cleanup_list struct list list = {0};
	char text[16];

	if (n == 1 && v[0].lo == 0 && v[0].hi == 65535)
		return json_string("*");
	if (!list_begin(&list))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (v[i].lo == v[i].hi)
			(void)snprintf(text, sizeof(text), "%u", (unsigned int)v[i].lo);
		else
			(void)snprintf(text, sizeof(text), "%u-%u", (unsigned int)v[i].lo,
				       (unsigned int)v[i].hi);
		list_add(&list, text);
	}
	return list_end(&list);
}

json_t *nsg_protocol_words(unsigned int protocol)
{
	const char *name = nsg_protocol_name(protocol);

	if (protocol == NSG_PROTOCOL_ANY)
		return json_string("*");
	return name ? json_string(name) : json_sprintf("%u", protocol);
}

const struct nsg_tag_member *nsg_virtual_network_member(const struct nsg_effective *e,
							struct nsg_prefix prefix)
{
	static const struct nsg_tag_member live = {.origin = NSG_ORIGIN_BGP, .name = ""};

	for (size_t i = 0; i < e->n_virtual_network; i++)
		if (nsg_prefix_equal(e->virtual_network[i].prefix, prefix))
			return &e->virtual_network[i];
	return nsg_route_set_find(e->live, prefix) ? &live : NULL;
}

json_t *nsg_origin_words(const struct nsg_effective *e, const struct nsg_tag_member *member)
{
	const char *name = member->name && *member->name ? member->name : "";

	switch (member->origin) {
	case NSG_ORIGIN_VNET:
		return json_sprintf("virtual network %s", e->vnet->name);
	case NSG_ORIGIN_PEER:
		return json_sprintf("peering %s", name);
	case NSG_ORIGIN_BGP:
		return json_string("BGP route");
	case NSG_ORIGIN_UDR:
		return json_sprintf("user route %s", name);
	case NSG_ORIGIN_PLATFORM:
		break;
	}
	return json_string("Azure's platform");
}
