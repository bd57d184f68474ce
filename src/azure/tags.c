/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service tag document: some 3,000 tags with 90,000 prefixes. It is most of a policy's bytes,
 * so its prefixes are read in one tight loop, without a node each.
 */
#include <string.h>

#include "azure/reader_priv.h"
#include "util/ip.h"

struct masked {
	size_t n;
	struct nsg_prefix first;
	size_t tag;
};

static void read_prefixes(struct nsg_sink *s, const struct nsg_node *list, struct nsg_prefixes *to,
			  struct masked *masked)
{
	size_t size = nsg_read_array(s, list);

	to->v = nsg_sink_array(s, size, sizeof(*to->v));
	for (size_t i = 0; i < size && to->v; i++) {
		const char *text = json_string_value(json_array_get(list->value, i));
		bool has_host_bits = false;

		switch (text ? nsg_prefix_parse(text, &to->v[to->n], &has_host_bits)
			     : NSG_PREFIX_INVALID) {
		case NSG_PREFIX_IP4:
			if (has_host_bits && !masked->n++)
				masked->first = to->v[to->n];
			to->n++;
			break;
		case NSG_PREFIX_IP6:
			to->n_ip6++;
			break;
		default: {
			/* read again by the slow reader, which accepts blanks around it and reports
			 * errors */
			struct nsg_node element = nsg_node_at(list, i);
			bool is_ip6;

			if (!nsg_read_prefix(s, &element, &to->v[to->n], &is_ip6))
				break;
			to->n += !is_ip6;
			to->n_ip6 += is_ip6;
		}
		}
	}
}

static void read_tag(struct nsg_sink *s, const struct nsg_node *n, struct nsg_tag *to,
		     struct masked *masked)
{
	struct nsg_node list = nsg_node_get(n, "addressPrefixes");

	to->name = nsg_read_member(s, n, "name");
	to->region = nsg_read_member(s, n, "region");
	if (!*to->name)
		nsg_node_report(s, n, NSG_ERROR, NULL, "a service tag has no name");
	read_prefixes(s, &list, &to->prefixes, masked);
}

static bool read_values(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			void *to)
{
	struct nsg_sink *s = &r->sink;
	struct nsg_tag_document *document = to;
	struct nsg_node list = nsg_node_get(n, f->key);
	size_t size = nsg_read_array(s, &list);
	struct masked masked = {0};
	char first[NSG_PREFIX_TEXT];

	document->tags = nsg_sink_array(s, size, sizeof(*document->tags));
	for (size_t i = 0; i < size && document->tags; i++) {
		struct nsg_node tag = nsg_node_at(&list, i);
		size_t before = masked.n;

		if (!nsg_read_object(s, &tag))
			continue;
		read_tag(s, &tag, &document->tags[document->n_tags++], &masked);
		if (!before && masked.n)
			masked.tag = i;
	}
	if (masked.n) {
		struct nsg_node tag = nsg_node_at(&list, masked.tag);

		/* one warning for all: to locate each would scan the text again */
		nsg_prefix_format(masked.first, first);
		nsg_node_report(
		    s, &tag, NSG_WARNING, NULL,
		    "%zu prefixes of service tags have host bits set: the first is read "
		    "as %s",
		    masked.n, first);
	}
	return true;
}

static bool read_change_number(struct nsg_reader *r, const struct nsg_field *f,
			       const struct nsg_node *n, void *to)
{
	struct nsg_tag_document *document = to;
	struct nsg_node number = nsg_node_get(n, f->key);

	nsg_warn_of_next_page(&r->sink, n);
	document->has_change_number =
	    nsg_read_number(&r->sink, &number, INT64_MAX / 16, &document->change_number);
	return true;
}

static const struct nsg_field document_lines[] = {
    {NULL, FIELD_PLACE, AT(nsg_tag_document, place)},
    {"cloud", FIELD_TEXT, AT(nsg_tag_document, cloud)},
    {"changeNumber", FIELD_OTHER, AT(nsg_tag_document, change_number), .read = read_change_number},
    {"values", FIELD_OTHER, AT(nsg_tag_document, tags), .read = read_values},
};

static const struct nsg_fields document_fields = {
    .word = "service tag document",
    FIELDS(document_lines, nsg_tag_document),
};

/* Documents are not joined: the model decides which one is used. */
static void collect_document(struct nsg_reader *r, const struct nsg_node *n)
{
	struct nsg_identity who = {.id = "", .name = "", .parent = "", .within = ""};

	nsg_collect_as(r, n, &nsg_kind_tags, &who);
}

static bool looks_like_tags(const struct nsg_node *n)
{
	return json_is_array(nsg_member(n->value, "values")) &&
	       NSG_COUNT_KEYS(n, "cloud", "changeNumber");
}

const struct nsg_kind nsg_kind_tags = {
    .looks = looks_like_tags,
    .read = collect_document,
    .fields = &document_fields,
    IN_POLICY(tag_documents),
};
