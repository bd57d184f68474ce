/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port fields of a rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "azure/reader_priv.h"
#include "util/limits.h"
#include "util/macro.h"

#define CODE_PORTS "SecurityRuleInvalidPortRange"

static const char *parse_port(const char *p, unsigned int *ret)
{
	unsigned int port = 0;
	const char *start = p;

	while (*p >= '0' && *p <= '9') {
		port = port * 10 + (unsigned int)(*p++ - '0');
		if (port > 65535)
			return NULL;
	}
	*ret = port;
	return p == start ? NULL : p;
}

/* N, N-M or `*` */
static bool parse_ports(const char *text, struct nsg_port_range *ret)
{
	unsigned int lo = 0, hi;

	if (!strcmp(text, "*")) {
		*ret = (struct nsg_port_range){0, 65535};
		return true;
	}
	text = parse_port(text, &lo);
	hi = lo;
	if (text && *text == '-')
		text = parse_port(text + 1, &hi);
	if (!text || *text || hi < lo)
		return false;
	*ret = (struct nsg_port_range){(uint16_t)lo, (uint16_t)hi};
	return true;
}

/* False when absent or wrong. */
static bool read_ports(struct nsg_sink *s, const struct nsg_node *n, const char *name,
		       struct nsg_port_range *ret)
{
	char digits[24];
	const char *text = digits;

	/* az and ARM write strings, people write numbers */
	if (json_is_integer(n->value))
		(void)snprintf(digits, sizeof(digits), "%lld",
			       (long long)json_integer_value(n->value));
	else
		text = nsg_read_string(s, n);
	if (!*text)
		return false;
	if (parse_ports(text, ret))
		return true;
	nsg_node_report(s, n, NSG_ERROR, CODE_PORTS,
			"rule '" NSG_QUOTE "': '" NSG_QUOTE
			"' is not a port (0-65535), a range of ports or *",
			name, text);
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct nsg_port_range *x = a, *y = b;

	return NSG_CMP(x->lo, y->lo);
}

/* Merges in place; returns the number left. */
static size_t merge(struct nsg_port_range *v, size_t n)
{
	size_t kept = 0;

	qsort(v, n, sizeof(*v), by_start);
	for (size_t i = 0; i < n; i++) {
		if (kept && v[i].lo <= v[kept - 1].hi + 1) {
			if (v[i].hi > v[kept - 1].hi)
				v[kept - 1].hi = v[i].hi;
		} else {
			v[kept++] = v[i];
		}
	}
	return kept;
}

static bool is_set(struct nsg_sink *s, struct nsg_port_range one, const struct nsg_port_range *v,
		   size_t n)
{
	struct nsg_port_range *copy = nsg_sink_array(s, n, sizeof(*copy));

	if (!copy)
		return true;
	memcpy(copy, v, n * sizeof(*v));
	return merge(copy, n) == 1 && copy->lo == one.lo && copy->hi == one.hi;
}

bool nsg_read_rule_ports(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			 void *to)
{
	struct nsg_sink *s = &r->sink;
	const char *name = ((const struct nsg_rule *)to)->name;
	struct nsg_node one = nsg_node_get(n, f->key), many = nsg_node_get(n, f->other);
	size_t size = nsg_read_array(s, &many), *count = nsg_field_count(f, to);
	struct nsg_port_range *v = nsg_sink_array(s, size + 1, sizeof(*v)), single;
	bool has_single = read_ports(s, &one, name, &single);

	*(struct nsg_port_range **)nsg_field_at(f, to) = v;
	if (size > NSG_MAX_FIELD_PREFIXES) {
		nsg_node_report(s, &many, NSG_ERROR, NULL,
				"rule '" NSG_QUOTE "': %zu port ranges; Azure allows %u", name,
				size, NSG_MAX_FIELD_PREFIXES);
		return true;
	}
	if (!v)
		return true;
	for (size_t i = 0; i < size; i++) {
		struct nsg_node element = nsg_node_at(&many, i);

		*count += read_ports(s, &element, name, &v[*count]);
	}
	if (has_single && *count && !is_set(s, single, v, *count))
		nsg_node_report(s, &one, NSG_ERROR, NULL,
				"rule '" NSG_QUOTE "': %s and %s are set and differ", name, f->key,
				f->other);
	if (has_single && !*count)
		v[(*count)++] = single;
	if (!one.value && !many.value)
		nsg_node_report(s, n, NSG_ERROR, "SecurityRuleParametersMissing",
				"rule '" NSG_QUOTE "': neither %s nor %s", name, f->key, f->other);
	return true;
}
