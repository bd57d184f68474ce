/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source or destination of a rule: addresses, one tag, or application security groups. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "util/limits.h"

#define CODE_PREFIX "SecurityRuleInvalidAddressPrefix"
#define CODE_LIST "SecurityRuleParameterContainsUnsupportedValue"

enum element_kind {
	ELEMENT_ANY, /* `*` or Any */
	ELEMENT_IP4,
	ELEMENT_IP6,
	ELEMENT_TAG,
};

struct element {
	enum element_kind kind;
	const char *text;
	struct nsg_prefix prefix; /* of ELEMENT_ANY: everything */
};

struct elements {
	struct element *v;
	size_t n;
};

/* The spellings of the classic deployment model (service-tags-overview). */
static const char *modern_tag(const char *text)
{
	static const char *const old[][2] = {
	    {"VIRTUAL_NETWORK", "VirtualNetwork"},
	    {"INTERNET", "Internet"},
	    {"AZURE_LOADBALANCER", "AzureLoadBalancer"},
	};

	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		if (!strcasecmp(text, old[i][0]))
			return old[i][1];
	}
	return text;
}

/* False when absent or wrong. */
static bool read_element(struct nsg_sink *s, const struct nsg_node *n, const char *name,
			 struct element *ret)
{
	bool masked = false;

	*ret = (struct element){.text = nsg_read_string(s, n)};
	if (!*ret->text)
		return false;
	if (!strcmp(ret->text, "*") || !strcasecmp(ret->text, "Any")) {
		ret->kind = ELEMENT_ANY;
		return true;
	}
	switch (nsg_prefix_parse(ret->text, &ret->prefix, &masked)) {
	case NSG_PREFIX_IP4:
		ret->kind = ELEMENT_IP4;
		if (masked)
			nsg_report_masked(s, n, ret->text, ret->prefix);
		return true;
	case NSG_PREFIX_IP6:
		ret->kind = ELEMENT_IP6;
		return true;
	default:
		break;
	}
	if (nsg_is_tag_name(ret->text)) {
		ret->kind = ELEMENT_TAG;
		ret->text = modern_tag(ret->text);
		return true;
	}
	nsg_node_report(s, n, NSG_ERROR, CODE_PREFIX,
			"rule '" NSG_QUOTE "': '" NSG_QUOTE
			"' is not a valid address prefix or service tag",
			name, ret->text);
	return false;
}

/* A tag or `*` belongs in the singular field (azurerm #5617); alone in a list it is seen in the
 * wild and means what it says. */
static void check_list(struct nsg_sink *s, const struct nsg_node *n, const char *name,
		       const struct element *e, size_t size)
{
	if (e->kind != ELEMENT_TAG && e->kind != ELEMENT_ANY)
		return;
	if (size == 1)
		nsg_node_report(s, n, NSG_WARNING, NULL,
				"rule '" NSG_QUOTE "': '" NSG_QUOTE
				"' belongs in the singular field, not in a list",
				name, e->text);
	else
		nsg_node_report(s, n, NSG_ERROR, CODE_LIST,
				"rule '" NSG_QUOTE "': '" NSG_QUOTE
				"' cannot be in a list with other addresses",
				name, e->text);
}

static struct elements read_list(struct nsg_sink *s, const struct nsg_node *n, const char *name)
{
	size_t size = nsg_read_array(s, n), filled = 0;
	struct elements list = {0};

	if (size > NSG_MAX_FIELD_PREFIXES) {
		nsg_node_report(s, n, NSG_ERROR, NULL,
				"rule '" NSG_QUOTE "': %zu addresses; Azure allows %u", name, size,
				NSG_MAX_FIELD_PREFIXES);
		return list;
	}
	list.v = nsg_sink_array(s, size, sizeof(*list.v));
	for (size_t i = 0; i < size; i++)
		filled += nsg_node_at(n, i).value != NULL;
	for (size_t i = 0; i < size && list.v; i++) {
		struct nsg_node element = nsg_node_at(n, i);

		if (!read_element(s, &element, name, &list.v[list.n]))
			continue;
		check_list(s, &element, name, &list.v[list.n], filled);
		list.n++;
	}
	return list;
}

static bool same_ip6(const char *a, const char *b)
{
	static const char whole[] = "/128";
	const char *la = strchr(a, '/'), *lb = strchr(b, '/');
	char text[INET6_ADDRSTRLEN];
	unsigned char xa[16], xb[16];
	size_t na = la ? (size_t)(la - a) : strlen(a), nb = lb ? (size_t)(lb - b) : strlen(b);

	if (strcmp(la ? la : whole, lb ? lb : whole) || na >= sizeof(text) || nb >= sizeof(text))
		return false;
	memcpy(text, a, na);
	text[na] = '\0';
	if (inet_pton(AF_INET6, text, xa) != 1)
		return false;
	memcpy(text, b, nb);
	text[nb] = '\0';
	return inet_pton(AF_INET6, text, xb) == 1 && !memcmp(xa, xb, sizeof(xa));
}

static struct nsg_prefixes to_prefixes(struct nsg_sink *s, const struct elements *list)
{
	struct nsg_prefixes p = {.v = nsg_sink_array(s, list->n, sizeof(*p.v))};

	for (size_t i = 0; i < list->n && p.v; i++) {
		if (list->v[i].kind == ELEMENT_IP6)
			p.n_ip6++;
		else if (list->v[i].kind != ELEMENT_TAG)
			p.v[p.n++] = list->v[i].prefix;
	}
	return p;
}

/* Whether the singular field and the list are one set of addresses. */
static bool is_set(struct nsg_sink *s, const struct element *one, const struct elements *list)
{
	struct nsg_prefixes single = {.v = (struct nsg_prefix[]){one->prefix}, .n = 1}, many;

	for (size_t i = 0; i < list->n; i++) {
		const struct element *e = &list->v[i];

		if ((one->kind == ELEMENT_TAG) != (e->kind == ELEMENT_TAG) ||
		    (one->kind == ELEMENT_IP6) != (e->kind == ELEMENT_IP6))
			return false;
		if (e->kind == ELEMENT_TAG && strcasecmp(one->text, e->text))
			return false;
		if (e->kind == ELEMENT_IP6 && !same_ip6(one->text, e->text))
			return false;
	}
	if (one->kind == ELEMENT_TAG || one->kind == ELEMENT_IP6)
		return true;
	many = to_prefixes(s, list);
	return nsg_same_addresses(s, &single, &many);
}

static void settle(struct nsg_sink *s, const struct elements *list, struct nsg_address *a)
{
	const struct element *first = list->n ? &list->v[0] : NULL;

	if (list->n == 1 && first->kind == ELEMENT_TAG) {
		a->kind = NSG_ADDRESS_TAG;
		a->tag = first->text;
	} else if (list->n == 1 && first->kind != ELEMENT_IP6 && !first->prefix.len) {
		a->kind = NSG_ADDRESS_ANY;
	} else {
		a->kind = NSG_ADDRESS_PREFIXES;
		a->prefixes = to_prefixes(s, list);
	}
}

bool nsg_read_rule_address(struct nsg_reader *r, const struct nsg_field *f,
			   const struct nsg_node *n, void *to)
{
	struct nsg_sink *s = &r->sink;
	const char *name = ((const struct nsg_rule *)to)->name;
	struct nsg_address *a = nsg_field_at(f, to);
	struct nsg_node one = nsg_node_get(n, f->key), many = nsg_node_get(n, f->other);
	struct nsg_node asgs = nsg_node_get(n, f->groups);
	struct elements list;
	struct element single;
	bool has_single;

	*a = (struct nsg_address){.tag = "", .asgs = nsg_read_ids(s, &asgs)};
	list = read_list(s, &many, name);
	has_single = read_element(s, &one, name, &single);
	a->place = nsg_node_place(s, many.value ? &many : one.value ? &one : &asgs);
	if (!one.value && !many.value && !a->asgs.n)
		nsg_node_report(s, n, NSG_ERROR, "SecurityRuleParametersMissing",
				"rule '" NSG_QUOTE "': none of %s, %s and %s", name, f->key,
				f->other, f->groups);
	if (a->asgs.n && (one.value || many.value))
		nsg_node_report(s, many.value ? &many : &one, NSG_ERROR, NULL,
				"rule '" NSG_QUOTE "': both addresses and %s are set", name,
				f->groups);
	if (has_single && list.n && !is_set(s, &single, &list))
		nsg_node_report(s, &one, NSG_ERROR, NULL,
				"rule '" NSG_QUOTE "': %s and %s are set and differ", name, f->key,
				f->other);
	if (has_single && !list.n)
		list = (struct elements){.v = &single, .n = 1};
	if (a->asgs.n)
		a->kind = NSG_ADDRESS_ASGS;
	else
		settle(s, &list, a);
	return true;
}

/* ---- security admin rules ------------------------------------------------------------------- */

/* False when absent, wrong, or a network group, whose members no document lists. */
static bool read_admin_element(struct nsg_sink *s, const struct nsg_node *n, const char *name,
			       struct element *ret)
{
	struct nsg_node prefix = nsg_node_get(n, "addressPrefix");

	if (strcasecmp(nsg_read_member(s, n, "addressPrefixType"), "NetworkGroup"))
		return read_element(s, &prefix, name, ret);
	nsg_node_report(s, n, NSG_ERROR, NULL,
			"rule '" NSG_QUOTE "': network group '" NSG_QUOTE
			"': its members are not known; run: az network manager "
			"list-effective-security-admin-rule --vnet VNET -g GROUP",
			name, nsg_id_name(nsg_read_string(s, &prefix)));
	return false;
}

static struct nsg_strings to_tags(struct nsg_sink *s, const struct elements *list)
{
	struct nsg_strings tags = {.v = nsg_sink_array(s, list->n, sizeof(*tags.v))};

	for (size_t i = 0; i < list->n && tags.v; i++)
		if (list->v[i].kind == ELEMENT_TAG)
			tags.v[tags.n++] = list->v[i].text;
	return tags;
}

static bool has_everything(const struct elements *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].kind == ELEMENT_ANY ||
		    (list->v[i].kind == ELEMENT_IP4 && !list->v[i].prefix.len))
			return true;
	return !list->n;
}

bool nsg_read_admin_address(struct nsg_reader *r, const struct nsg_field *f,
			    const struct nsg_node *n, void *to)
{
	struct nsg_sink *s = &r->sink;
	const char *name = ((const struct nsg_rule *)to)->name;
	struct nsg_node many = nsg_node_get(n, f->key);
	size_t size = nsg_read_array(s, &many);
	struct elements list = {.v = nsg_sink_array(s, size, sizeof(*list.v))};
	struct nsg_address *a = nsg_field_at(f, to);

	*a = (struct nsg_address){.tag = "", .place = nsg_node_place(s, &many)};
	for (size_t i = 0; i < size && list.v; i++) {
		struct nsg_node element = nsg_node_at(&many, i);

		if (element.value && nsg_read_object(s, &element))
			list.n += read_admin_element(s, &element, name, &list.v[list.n]);
	}
	if (has_everything(&list)) {
		a->kind = NSG_ADDRESS_ANY;
		return true;
	}
	a->tags = to_tags(s, &list);
	if (a->tags.n && list.n > 1) {
		a->kind = NSG_ADDRESS_MIXED;
		a->prefixes = to_prefixes(s, &list);
		return true;
	}
	a->tags = (struct nsg_strings){0};
	settle(s, &list, a);
	return true;
}
