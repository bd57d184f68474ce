/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules share tags, and with them sets of thousands of prefixes: each distinct set is swept once,
 * for all rules that have it.
 */
#include "compile/parts.h"

#include <errno.h>
#include <string.h>

int nsg_field_init(struct nsg_field *f, size_t n_rules)
{
	size_t room = n_rules + 1;

	*f = (struct nsg_field){.room = room};
	f->lists = calloc(room, sizeof(*f->lists));
	f->hashes = calloc(room, sizeof(*f->hashes));
	f->masks = aligned_alloc(NSG_IMAGE_ALIGN, room * sizeof(*f->masks));
	f->list_of_rule = calloc(room, sizeof(*f->list_of_rule));
	f->owned = calloc(room, sizeof(*f->owned));
	if (!f->lists || !f->hashes || !f->masks || !f->list_of_rule || !f->owned)
		return -ENOMEM;
	memset(f->masks, 0, room * sizeof(*f->masks));
	return 0;
}

static uint64_t content_hash(const struct nsg_ranges *r)
{
	uint64_t h = r->n;

	for (size_t i = 0; i < r->n; i++)
		h = nsg_mix(h, (uint64_t)r->v[i].hi << 32 | r->v[i].lo);
	return h;
}

static bool same_content(const struct nsg_ranges *a, const struct nsg_ranges *b)
{
	return a->n == b->n && (a->v == b->v || !a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

void nsg_field_add(struct nsg_field *f, size_t rule, const struct nsg_ranges *values)
{
	uint64_t hash;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (values->n && f->lists[i].v == values->v && f->lists[i].n == values->n)
			break;
	if (i == f->n) {
		hash = content_hash(values);
		for (i = 0; i < f->n; i++)
			if (f->hashes[i] == hash && same_content(&f->lists[i], values))
				break;
		if (i == f->n) {
			f->lists[i] = *values;
			f->hashes[i] = hash;
			f->n++;
		}
	}
	f->list_of_rule[rule] = (uint32_t)i;
	nsg_row_set(&f->masks[i], (unsigned int)rule + NSG_BIT_RULES);
}

int nsg_field_add_ports(struct nsg_field *f, size_t rule, const struct nsg_port_range *ports,
			size_t n)
{
	struct nsg_ranges values = {.n = n};
	size_t before = f->n;

	values.v = malloc((n ? n : 1) * sizeof(*values.v));
	if (!values.v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		values.v[i] = (struct nsg_range){.lo = ports[i].lo, .hi = ports[i].hi};
	nsg_field_add(f, rule, &values);
	if (f->n == before)
		free(values.v);
	else
		f->owned[f->n_owned++] = values.v;
	return 0;
}

void nsg_field_done(struct nsg_field *f)
{
	for (size_t i = 0; i < f->n_owned; i++)
		free(f->owned[i]);
	free(f->owned);
	free(f->lists);
	free(f->hashes);
	free(f->masks);
	free(f->list_of_rule);
	*f = (struct nsg_field){0};
}
