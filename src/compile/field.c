/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules share tags, and with them sets of thousands of prefixes: each distinct set is swept once,
 * for all rules that have it.
 */
#include "compile/parts.h"

#include <errno.h>
#include <string.h>

/* Both tables have room for twice the lists, and no more than NSG_ROW_BITS lists come. */
#define SLOTS (2 * NSG_ROW_BITS)

int nsg_field_init(struct nsg_field *f, size_t n_rules)
{
	size_t room = n_rules + 1;

	*f = (struct nsg_field){.room = room};
	f->lists = calloc(room, sizeof(*f->lists));
	f->hashes = calloc(room, sizeof(*f->hashes));
	f->masks = aligned_alloc(NSG_IMAGE_ALIGN, room * sizeof(*f->masks));
	f->list_of_rule = calloc(room, sizeof(*f->list_of_rule));
	f->owned = calloc(room, sizeof(*f->owned));
	f->by_pointer = calloc(SLOTS, sizeof(*f->by_pointer));
	f->by_content = calloc(SLOTS, sizeof(*f->by_content));
	if (!f->lists || !f->hashes || !f->masks || !f->list_of_rule || !f->owned ||
	    !f->by_pointer || !f->by_content)
		return -ENOMEM;
	memset(f->masks, 0, room * sizeof(*f->masks));
	return 0;
}

/* Four chains side by side: one alone waits for its multiplications. */
static uint64_t content_hash(const struct nsg_ranges *r)
{
	uint64_t h[4] = {r->n, 1, 2, 3};

	for (size_t i = 0; i < r->n; i++)
		h[i % 4] = nsg_mix(h[i % 4], (uint64_t)r->v[i].hi << 32 | r->v[i].lo);
	return nsg_mix(nsg_mix(nsg_mix(h[0], h[1]), h[2]), h[3]);
}

static bool same_content(const struct nsg_ranges *a, const struct nsg_ranges *b)
{
	return a->n == b->n && (a->v == b->v || !a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

/* The slot of the list with that content, or the empty one where it belongs. */
static uint16_t *find_content(const struct nsg_field *f, const struct nsg_ranges *values,
			      uint64_t hash)
{
	size_t at = hash % SLOTS;

	while (f->by_content[at] && (f->hashes[f->by_content[at] - 1] != hash ||
				     !same_content(&f->lists[f->by_content[at] - 1], values)))
		at = (at + 1) % SLOTS;
	return &f->by_content[at];
}

/* The same of the array it stands in: equal pointers need no look at the content. */
static struct nsg_field_pointer *find_pointer(const struct nsg_field *f,
					      const struct nsg_ranges *values)
{
	size_t at = nsg_mix(values->n, (uintptr_t)values->v) % SLOTS;

	while (f->by_pointer[at].used &&
	       (f->by_pointer[at].v != values->v || f->by_pointer[at].n != values->n))
		at = (at + 1) % SLOTS;
	return &f->by_pointer[at];
}

/* The number of the list with that content, a new one if need be. */
static uint16_t intern(struct nsg_field *f, const struct nsg_ranges *values)
{
	uint64_t hash = content_hash(values);
	uint16_t *slot = find_content(f, values, hash);

	if (!*slot) {
		f->lists[f->n] = *values;
		f->hashes[f->n] = hash;
		*slot = (uint16_t)++f->n;
	}
	return *slot - 1;
}

static void give(struct nsg_field *f, size_t rule, uint16_t list)
{
	f->list_of_rule[rule] = list;
	nsg_row_set(&f->masks[list], (unsigned int)rule + NSG_BIT_RULES);
}

void nsg_field_add(struct nsg_field *f, size_t rule, const struct nsg_ranges *values)
{
	struct nsg_field_pointer *p = find_pointer(f, values);

	if (!p->used)
		*p = (struct nsg_field_pointer){values->v, values->n, intern(f, values), true};
	give(f, rule, p->list);
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
	give(f, rule, intern(f, &values));
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
	free(f->by_pointer);
	free(f->by_content);
	*f = (struct nsg_field){0};
}
