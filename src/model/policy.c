/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource ids, freeing a policy. */
#include "model/policy.h"

#include "util/macro.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_full(const char *id)
{
	return !strncasecmp(id, "/subscriptions/", sizeof("/subscriptions/") - 1);
}

/* The segment that ends at *end, which moves before it; its length is 0 when there is none left. */
static const char *last_segment(const char *id, const char **end, size_t *ret_len)
{
	const char *e = *end, *s;

	while (e > id && e[-1] == '/')
		e--;
	for (s = e; s > id && s[-1] != '/'; s--)
		;
	*end = s;
	*ret_len = (size_t)(e - s);
	return s;
}

/* Type and name follow `providers`: Microsoft.Network/virtualNetworks/V/subnets/S. The part that
 * both ids have must be equal. */
static bool tails_equal(const char *a, const char *b)
{
	static const char providers[] = "providers";
	const char *ea = a + strlen(a), *eb = b + strlen(b);

	for (;;) {
		size_t na, nb;
		const char *sa = last_segment(a, &ea, &na), *sb = last_segment(b, &eb, &nb);

		if (!na || !nb)
			return true;
		if (na == sizeof(providers) - 1 && !strncasecmp(sa, providers, na))
			return true;
		if (nb == sizeof(providers) - 1 && !strncasecmp(sb, providers, nb))
			return true;
		if (na != nb || strncasecmp(sa, sb, na))
			return false;
	}
}

bool nsg_id_equal(const char *a, const char *b)
{
	if (!*a || !*b)
		return false;
	if (is_full(a) && is_full(b))
		return !strcasecmp(a, b);
	return tails_equal(a, b);
}

const char *nsg_id_name(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash ? slash + 1 : id;
}

const char *nsg_id_subscription(const char *id, size_t *ret_len)
{
	static const char head[] = "/subscriptions/";
	const char *s;

	*ret_len = 0;
	if (strncasecmp(id, head, sizeof(head) - 1))
		return "";
	s = id + sizeof(head) - 1;
	*ret_len = strcspn(s, "/");
	return s;
}

void nsg_policy_forget_sources(struct nsg_policy *p)
{
	nsg_sources_wipe(&p->sources);
	for (size_t i = 0; i < p->shared.n; i++)
		nsg_shared_wipe(p->shared.v[i]);
}

struct nsg_policy *nsg_policy_hold(struct nsg_policy *p)
{
	atomic_fetch_add(&p->more_holders, 1);
	return p;
}

struct nsg_policy *nsg_policy_free(struct nsg_policy *p)
{
	if (!p || atomic_fetch_sub(&p->more_holders, 1))
		return NULL;
	nsg_shared_list_done(&p->shared);
	nsg_sources_done(&p->sources);
	nsg_arena_done(&p->arena);
	free(p);
	return NULL;
}

const struct nsg_place *nsg_place_of(const struct nsg_policy *p, const struct nsg_place *place)
{
	return p->sources.n && place->source ? place : NULL;
}

/* ---- resource ids by their last segment ---------------------------------------------------- */

static int compare_entry(const void *a, const void *b)
{
	const struct nsg_id_entry *x = a, *y = b;
	int r = strcasecmp(nsg_id_name(x->id), nsg_id_name(y->id));

	return r ? r : NSG_CMP(x->i, y->i);
}

void nsg_ids_sort(struct nsg_id_entry *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), compare_entry);
}

const struct nsg_id_entry *nsg_ids_next(const struct nsg_id_entry *v, size_t n, const char *id,
					const struct nsg_id_entry *last)
{
	const char *name = nsg_id_name(id);
	size_t lo = 0, hi = n;

	if (last) {
		lo = (size_t)(last - v) + 1;
	} else {
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (strcasecmp(nsg_id_name(v[mid].id), name) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
	}
	for (; lo < n && !strcasecmp(nsg_id_name(v[lo].id), name); lo++)
		if (nsg_id_equal(v[lo].id, id))
			return &v[lo];
	return NULL;
}
