/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules share tags with thousands of prefixes: each distinct set is swept once, for all its rules.
 */
#include "compile/compile_priv.h"

#include <errno.h>
#include <string.h>

#include "model/ranges.h"
#include "util/cleanup.h"
#include "util/vec.h"

int nsg_field_init(struct nsg_field *f, size_t n_rules)
{
	size_t room = n_rules + 1;

	*f = (struct nsg_field){
	    .lists = calloc(room, sizeof(*f->lists)),
	    .hashes = calloc(room, sizeof(*f->hashes)),
	    .masks = aligned_alloc(NSG_BITS_ALIGN, room * sizeof(*f->masks)),
	    .list_of_rule = calloc(room, sizeof(*f->list_of_rule)),
	    .owned = calloc(room, sizeof(*f->owned)),
	    .pointers = calloc(room, sizeof(*f->pointers)),
	};
	if (!f->lists || !f->hashes || !f->masks || !f->list_of_rule || !f->owned || !f->pointers)
		return -ENOMEM;
	memset(f->masks, 0, room * sizeof(*f->masks));
	return 0;
}

/* Four independent chains hide the latency of the multiplications. */
static uint64_t content_hash(const struct nsg_ranges *r)
{
	uint64_t h[4] = {r->n, 1, 2, 3};

	for (size_t i = 0; i < r->n; i++)
		h[i % 4] = nsg_mix(h[i % 4], (uint64_t)r->v[i].hi << 32 | r->v[i].lo);
	return nsg_mix(nsg_mix(nsg_mix(h[0], h[1]), h[2]), h[3]);
}

static bool has_content(const void *lists, uint32_t i, const void *values)
{
	const struct nsg_ranges *a = (const struct nsg_ranges *)lists + i, *b = values;

	return a->n == b->n && (a->v == b->v || !a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

static bool has_pointer(const void *pointers, uint32_t i, const void *values)
{
	return ((const struct nsg_field_pointer *)pointers)[i].values == values;
}

/* The number of the list with that content, which is added if it is new. */
static int intern(struct nsg_field *f, const struct nsg_ranges *values, uint32_t *ret)
{
	uint64_t hash = content_hash(values);
	uint32_t list = nsg_hash_find(&f->by_content, hash, has_content, f->lists, values);

	if (list == NSG_HASH_NONE) {
		int r;

		list = (uint32_t)f->n;
		r = nsg_hash_add(&f->by_content, hash, list);
		if (r < 0)
			return r;
		f->lists[f->n] = *values;
		f->hashes[f->n++] = hash;
	}
	*ret = list;
	return 0;
}

static void give(struct nsg_field *f, size_t rule, uint32_t list)
{
	f->list_of_rule[rule] = list;
	nsg_bits_set(&f->masks[list], (unsigned int)rule + NSG_BIT_RULES);
}

/* A pointer that was seen before has the same content. */
int nsg_field_add(struct nsg_field *f, size_t rule, const struct nsg_ranges *values)
{
	uint64_t hash = nsg_hash_u64((uintptr_t)values);
	uint32_t i = nsg_hash_find(&f->by_pointer, hash, has_pointer, f->pointers, values);

	if (i == NSG_HASH_NONE) {
		int r;

		i = (uint32_t)f->n_pointers;
		r = intern(f, values, &f->pointers[i].list);
		if (r < 0)
			return r;
		r = nsg_hash_add(&f->by_pointer, hash, i);
		if (r < 0)
			return r;
		f->pointers[f->n_pointers++].values = values;
	}
	give(f, rule, f->pointers[i].list);
	return 0;
}

int nsg_field_add_ports(struct nsg_field *f, size_t rule, const struct nsg_port_range *ports,
			size_t n)
{
	cleanup_free struct nsg_range *v = malloc((n ? n : 1) * sizeof(*v));
	const struct nsg_ranges values = {.v = v, .n = n};
	size_t before = f->n;
	uint32_t list;
	int r;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct nsg_range){.lo = ports[i].lo, .hi = ports[i].hi};
	r = intern(f, &values, &list);
	if (r < 0)
		return r;
	if (f->n > before)
		f->owned[f->n_owned++] = TAKE_PTR(v);
	give(f, rule, list);
	return 0;
}

static int cut(const struct nsg_ranges *list, const struct nsg_ranges *windows,
	       struct nsg_ranges *ret)
{
	NSG_VEC(struct nsg_range) kept = {0};

	for (size_t w = 0; w < windows->n; w++) {
		const struct nsg_range window = windows->v[w];

		for (size_t i = nsg_ranges_from(list, window.lo);
		     i < list->n && list->v[i].lo <= window.hi; i++) {
			const struct nsg_range r = list->v[i];
			const struct nsg_range part = {r.lo > window.lo ? r.lo : window.lo,
						       r.hi < window.hi ? r.hi : window.hi};

			if (nsg_vec_push(&kept, part) < 0) {
				nsg_vec_done(&kept);
				return -ENOMEM;
			}
		}
	}
	*ret = (struct nsg_ranges){.v = kept.v, .n = kept.n};
	return 0;
}

int nsg_field_cut(struct nsg_field *f, const struct nsg_ranges *windows)
{
	for (size_t i = 0; i < f->n; i++) {
		int r = cut(&f->lists[i], windows, &f->lists[i]);

		if (r < 0)
			return r;
		f->owned[f->n_owned++] = f->lists[i].v;
	}
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
	free(f->pointers);
	nsg_hash_done(&f->by_pointer);
	nsg_hash_done(&f->by_content);
	*f = (struct nsg_field){0};
}
