/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/route_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* ---- lists of next hops --------------------------------------------------------------------- */

struct list_key {
	const uint32_t *addrs_host;
	uint32_t n;
};

static bool is_list(const void *array, uint32_t i, const void *key)
{
	const struct nsg_hop_lists *l = array;
	const struct list_key *k = key;
	const struct nsg_live_hops *list = &l->lists.v[i];

	return list->n == k->n && (!k->n || !memcmp(l->addrs_host.v + list->first, k->addrs_host,
						    k->n * sizeof(*k->addrs_host)));
}

int nsg_hop_lists_add(struct nsg_hop_lists *l, const uint32_t *addrs_host, uint32_t n,
		      uint32_t *ret)
{
	const struct list_key key = {addrs_host, n};
	struct nsg_live_hops list = {(uint32_t)l->addrs_host.n, n};
	uint64_t hash = n;
	uint32_t i;
	int r;

	for (i = 0; i < n; i++)
		hash = nsg_hash_u64(hash ^ addrs_host[i]);
	i = nsg_hash_find(&l->index, hash, is_list, l, &key);
	if (i == NSG_HASH_NONE) {
		r = nsg_vec_reserve(&l->addrs_host, n);
		if (r < 0)
			return r;
		r = nsg_vec_push(&l->lists, list);
		if (r < 0)
			return r;
		i = (uint32_t)l->lists.n - 1;
		r = nsg_hash_add(&l->index, hash, i);
		if (r < 0) {
			l->lists.n--;
			return r;
		}
		if (n)
			memcpy(l->addrs_host.v + list.first, addrs_host, n * sizeof(*addrs_host));
		l->addrs_host.n += n;
	}
	*ret = i;
	return 0;
}

void nsg_hop_lists_done(struct nsg_hop_lists *l)
{
	nsg_vec_done(&l->addrs_host);
	nsg_vec_done(&l->lists);
	nsg_hash_done(&l->index);
}

/* ---- order ---------------------------------------------------------------------------------- */

static int compare_routes(const struct nsg_live_route *a, const struct nsg_live_route *b)
{
	if (a->addr_host != b->addr_host)
		return NSG_CMP(a->addr_host, b->addr_host);
	if (a->len != b->len)
		return NSG_CMP(a->len, b->len);
	return NSG_CMP(a->metric, b->metric);
}

/* since_s is the order of arrival. */
static int compare_changes(const void *a, const void *b)
{
	const struct nsg_route_change *x = a, *y = b;
	int r = compare_routes(&x->route, &y->route);

	return r ? r : NSG_CMP(x->route.since_s, y->route.since_s);
}

/* Sorts, and keeps one change of each route: the last one, or the first one of a whole table. A dump of
 * the kernel is in order of addresses, so that only the routes of one address have to be sorted. */
static void sort_changes(struct nsg_route_changes *c, bool whole)
{
	struct nsg_route_change *v = c->changes.v;
	size_t n = c->changes.n, m = 0;
	bool ascending = true;

	for (size_t i = 0; i < n; i++) {
		v[i].route.since_s = (uint32_t)i;
		ascending &= !i || v[i - 1].route.addr_host <= v[i].route.addr_host;
	}
	if (!ascending)
		qsort(v, n, sizeof(*v), compare_changes);
	for (size_t i = 0, next; ascending && i < n; i = next) {
		for (next = i + 1; next < n; next++)
			if (v[next].route.addr_host != v[i].route.addr_host)
				break;
		if (next - i > 1)
			qsort(v + i, next - i, sizeof(*v), compare_changes);
	}
	for (size_t i = 0; i < n; i++) {
		bool again = m && !compare_routes(&v[m - 1].route, &v[i].route);

		if (again && whole)
			continue;
		m -= again;
		v[m++] = v[i];
	}
	c->changes.n = m;
}

void nsg_route_changes_done(struct nsg_route_changes *c)
{
	nsg_vec_done(&c->changes);
}

/* The first route that does not come before the key. */
static size_t lower_bound(const struct nsg_route_set *s, const struct nsg_live_route *key)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare_routes(&s->v[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* ---- the next set --------------------------------------------------------------------------- */

struct merge {
	const struct nsg_route_set *before;
	struct nsg_route_set *set;
	const struct nsg_hop_lists *lists;
	struct nsg_route_diff diff;
	uint32_t now_s;
	size_t max;
};

static void note(struct merge *m, int how, const struct nsg_live_route *r)
{
	struct nsg_route_diff *d = &m->diff;

	*(how == NSG_ROUTE_ADDED     ? &d->added
	  : how == NSG_ROUTE_REMOVED ? &d->removed
				     : &d->changed) += 1;
	if (d->n_samples == NSG_ROUTE_SAMPLES)
		return;
	d->samples[d->n_samples].how = how;
	d->samples[d->n_samples++].prefix = nsg_live_prefix(r);
}

static int append(struct merge *m, const struct nsg_live_route *r, size_t n)
{
	struct nsg_route_set *s = m->set;

	if (s->n + n > m->max)
		return -E2BIG;
	memcpy(&s->v[s->n], r, n * sizeof(*r));
	s->n += n;
	return 0;
}

/* The two may number their lists differently. */
static bool same_hops(const struct merge *m, const struct nsg_live_route *before,
		      const struct nsg_live_route *now)
{
	const struct nsg_live_hops *list = &m->lists->lists.v[now->list];
	uint32_t n;
	const uint32_t *addrs_host = nsg_live_hops(m->before, before, &n);

	return n == list->n && (!n || !memcmp(addrs_host, m->lists->addrs_host.v + list->first,
					      n * sizeof(*addrs_host)));
}

static int take_change(struct merge *m, const struct nsg_live_route *before,
		       const struct nsg_route_change *c)
{
	struct nsg_live_route r = c->route;

	if (c->removed) {
		if (before)
			note(m, NSG_ROUTE_REMOVED, before);
		return 0;
	}
	r.since_s = before ? before->since_s : m->now_s;
	if (!before)
		note(m, NSG_ROUTE_ADDED, &r);
	else if (!same_hops(m, before, &r))
		note(m, NSG_ROUTE_CHANGED, &r);
	return append(m, &r, 1);
}

/* Most routes of a large set are copied at once, up to the next change. */
static int merge(struct merge *m, const struct nsg_route_changes *changes, bool whole)
{
	const struct nsg_route_change *v = changes->changes.v;
	const size_t n = changes->changes.n, n_before = m->before ? m->before->n : 0;
	int r = 0;

	for (size_t i = 0, j = 0; !r && (i < n_before || j < n);) {
		const struct nsg_live_route *before = i < n_before ? &m->before->v[i] : NULL;
		int order = !before ? 1 : j == n ? -1 : compare_routes(before, &v[j].route);

		size_t step = 1;

		if (order < 0 && whole) {
			note(m, NSG_ROUTE_REMOVED, before);
		} else if (order < 0) {
			step = (j < n ? lower_bound(m->before, &v[j].route) : n_before) - i;
			r = append(m, before, step);
		} else {
			r = take_change(m, order ? NULL : before, &v[j]);
		}
		i += order <= 0 ? step : 0;
		j += order >= 0;
	}
	return r;
}

static size_t count_prefixes(const struct nsg_route_set *s)
{
	size_t n = s->n != 0;

	for (size_t i = 1; i < s->n; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): merge() filled it */
		n += s->v[i - 1].addr_host != s->v[i].addr_host || s->v[i - 1].len != s->v[i].len;
	return n;
}

static int copy_lists(struct nsg_route_set *s, const struct nsg_hop_lists *l)
{
	s->addrs_host = malloc((l->addrs_host.n + 1) * sizeof(*s->addrs_host));
	s->lists = malloc((l->lists.n + 1) * sizeof(*s->lists));
	if (!s->addrs_host || !s->lists)
		return -ENOMEM;
	if (l->addrs_host.n)
		memcpy(s->addrs_host, l->addrs_host.v, l->addrs_host.n * sizeof(*s->addrs_host));
	if (l->lists.n)
		memcpy(s->lists, l->lists.v, l->lists.n * sizeof(*s->lists));
	s->n_addrs = l->addrs_host.n;
	s->n_lists = (uint32_t)l->lists.n;
	return 0;
}

int nsg_route_set_new(const struct nsg_route_set *before, struct nsg_route_changes *changes,
		      bool whole, const struct nsg_hop_lists *lists, uint32_t now_s, size_t max,
		      struct nsg_route_diff *ret_diff, struct nsg_route_set **ret)
{
	cleanup_route_set struct nsg_route_set *s = calloc(1, sizeof(*s));
	struct merge m = {.before = before, .set = s, .lists = lists, .now_s = now_s, .max = max};
	size_t room;
	int r;

	if (!s)
		return -ENOMEM;
	atomic_init(&s->references, 1);
	sort_changes(changes, whole);
	room = changes->changes.n + (before && !whole ? before->n : 0);
	s->v = malloc((room + 1) * sizeof(*s->v));
	if (!s->v)
		return -ENOMEM;
	r = copy_lists(s, lists);
	if (r < 0)
		return r;
	r = merge(&m, changes, whole);
	if (r < 0)
		return r;
	s->n_prefixes = count_prefixes(s);
	*ret_diff = m.diff;
	*ret = TAKE_PTR(s);
	return 0;
}

struct nsg_route_set *nsg_route_set_ref(struct nsg_route_set *s)
{
	if (s)
		atomic_fetch_add(&s->references, 1);
	return s;
}

struct nsg_route_set *nsg_route_set_unref(struct nsg_route_set *s)
{
	if (s && atomic_fetch_sub(&s->references, 1) == 1) {
		free(s->v);
		free(s->addrs_host);
		free(s->lists);
		free(s);
	}
	return NULL;
}

const struct nsg_live_route *nsg_route_set_find(const struct nsg_route_set *s,
						struct nsg_prefix prefix)
{
	const struct nsg_live_route key = {.addr_host = prefix.addr_host, .len = prefix.len};
	size_t i = s ? lower_bound(s, &key) : 0;

	if (!s || i == s->n || !nsg_prefix_equal(nsg_live_prefix(&s->v[i]), prefix))
		return NULL;
	return &s->v[i];
}

size_t nsg_route_set_from(const struct nsg_route_set *s, uint32_t addr_host)
{
	return lower_bound(s, &(struct nsg_live_route){.addr_host = addr_host});
}

int nsg_route_set_ranges(const struct nsg_route_set *s, struct nsg_ranges *ret)
{
	struct nsg_range *v = malloc((s->n_prefixes + 1) * sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const struct nsg_prefix p = nsg_live_prefix(&s->v[i]);
		const uint32_t last = nsg_prefix_last(p);

		if (!n || (v[n - 1].hi != UINT32_MAX && p.addr_host > v[n - 1].hi + 1))
			v[n++] = (struct nsg_range){p.addr_host, last};
		else if (last > v[n - 1].hi)
			v[n - 1].hi = last;
	}
	*ret = (struct nsg_ranges){.v = v, .n = n};
	return 0;
}
