/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and prefixes as documents write them. */
#include <string.h>

#include "azure/reader_priv.h"
#include "util/ip.h"

bool nsg_is_tag_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789._-";

	return strspn(text, letters) && text[strspn(text, others)] == '\0';
}

void nsg_report_masked(struct nsg_sink *s, const struct nsg_node *n, const char *text,
		       struct nsg_prefix p)
{
	char masked[NSG_PREFIX_TEXT];

	nsg_prefix_format(p, masked);
	nsg_node_report(s, n, NSG_WARNING, NULL, NSG_QUOTE " has host bits set: read as %s", text,
			masked);
}

bool nsg_read_prefix(struct nsg_sink *s, const struct nsg_node *n, struct nsg_prefix *ret,
		     bool *ret_is_ip6)
{
	const char *text = nsg_read_string(s, n);
	enum nsg_prefix_kind kind;
	bool masked;

	if (!*text)
		return false;
	kind = nsg_prefix_parse(text, ret, &masked);
	if (kind == NSG_PREFIX_INVALID) {
		nsg_node_report(s, n, NSG_ERROR, NULL,
				"'" NSG_QUOTE "' is not a valid address prefix", text);
		return false;
	}
	*ret_is_ip6 = kind == NSG_PREFIX_IP6;
	if (kind == NSG_PREFIX_IP4 && masked)
		nsg_report_masked(s, n, text, *ret);
	return true;
}

static void add_prefix(struct nsg_sink *s, const struct nsg_node *n, struct nsg_prefixes *to)
{
	struct nsg_prefix p;
	bool is_ip6;

	if (!nsg_read_prefix(s, n, &p, &is_ip6))
		return;
	if (is_ip6)
		to->n_ip6++;
	else
		to->v[to->n++] = p;
}

struct nsg_prefixes nsg_read_prefixes(struct nsg_sink *s, const struct nsg_node *n)
{
	size_t size = nsg_read_array(s, n);
	struct nsg_prefixes list = {.v = nsg_sink_array(s, size, sizeof(*list.v))};

	for (size_t i = 0; i < size && list.v; i++) {
		struct nsg_node element = nsg_node_at(n, i);

		add_prefix(s, &element, &list);
	}
	return list;
}

bool nsg_same_addresses(struct nsg_sink *s, const struct nsg_prefixes *a,
			const struct nsg_prefixes *b)
{
	struct nsg_ranges ra = {0}, rb = {0};
	bool same;

	if (nsg_ranges_from_prefixes(a->v, a->n, &ra) < 0 ||
	    nsg_ranges_from_prefixes(b->v, b->n, &rb) < 0)
		s->no_memory = true;
	same = ra.n == rb.n && (!ra.n || !memcmp(ra.v, rb.v, ra.n * sizeof(*ra.v)));
	nsg_ranges_done(&ra);
	nsg_ranges_done(&rb);
	return same;
}

struct nsg_prefixes nsg_read_prefix_members(struct nsg_sink *s, const struct nsg_node *n,
					    const char *singular, const char *plural)
{
	struct nsg_node one = nsg_node_get(n, singular), many = nsg_node_get(n, plural);
	struct nsg_prefixes single = {.v = nsg_sink_array(s, 1, sizeof(*single.v))};
	struct nsg_prefixes list;

	if (one.value && single.v)
		add_prefix(s, &one, &single);
	list = nsg_read_prefixes(s, &many);
	if (!list.n && !list.n_ip6)
		return single;
	if ((single.n || single.n_ip6) &&
	    (!nsg_same_addresses(s, &single, &list) || !single.n_ip6 != !list.n_ip6))
		nsg_node_report(s, &one, NSG_ERROR, NULL, "%s and %s are set and differ", singular,
				plural);
	return list;
}

bool nsg_read_address(struct nsg_sink *s, const struct nsg_node *n, uint32_t *ret_host)
{
	const char *text = nsg_read_string(s, n);
	struct nsg_prefix unused;
	bool masked;

	if (!*text)
		return false;
	if (!nsg_ip4_parse(text, ret_host))
		return true;
	if (nsg_prefix_parse(text, &unused, &masked) != NSG_PREFIX_IP6)
		nsg_node_report(s, n, NSG_ERROR, NULL, "'" NSG_QUOTE "' is not a valid address",
				text);
	return false;
}
