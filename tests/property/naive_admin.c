/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Security admin rules. */
#include "naive_priv.h"

/* Rules are of one array, in document order. */
static int by_priority(const void *a, const void *b)
{
	const struct nsg_rule *const *x = a, *const *y = b;

	if ((*x)->priority != (*y)->priority)
		return (int)(*x)->priority - (int)(*y)->priority;
	return *x < *y ? -1 : 1;
}

static void swap_equals(struct naive *n)
{
	for (size_t i = 1; i < n->n_admin; i++)
		if (n->admin[i - 1]->priority == n->admin[i]->priority) {
			const struct nsg_rule *first = n->admin[i - 1];

			n->admin[i - 1] = n->admin[i];
			n->admin[i] = first;
		}
}

void naive_build_admin(struct naive *n)
{
	const struct nsg_policy *p = n->policy;

	n->admin = calloc(p->n_admin_rules + 1, sizeof(*n->admin));
	if (!n->admin)
		abort();
	for (size_t i = 0; i < p->n_admin_rules; i++)
		if (!p->admin_rules[i].is_inbound || n->bug == BUG_ADMIN_INBOUND)
			n->admin[n->n_admin++] = &p->admin_rules[i].rule;
	if (n->bug != BUG_ADMIN_IN_DOCUMENT_ORDER)
		qsort(n->admin, n->n_admin, sizeof(*n->admin), by_priority);
	if (n->bug == BUG_ADMIN_LATER_OF_EQUALS)
		swap_equals(n);
}

static bool matches(const struct naive *n, const struct nsg_rule *r, const struct nsg_key *key,
		    uint64_t *events)
{
	/* of an inbound rule only the name is read */
	if (n->bug == BUG_ADMIN_INBOUND && !r->n_dst_ports)
		return true;
	if (n->bug == BUG_ADMIN_EMPTY_IS_NOTHING && r->dst.kind == NSG_ADDRESS_ANY)
		return false;
	return naive_rule_matches(n, r, key, false, events);
}

const struct nsg_rule *naive_admin_rule(const struct naive *n, const struct nsg_key *key,
					uint64_t *events)
{
	if (n->bug == BUG_ADMIN_IGNORED || (n->bug == BUG_ADMIN_NEEDS_NSG && !n->nsg))
		return NULL;
	for (size_t i = 0; i < n->n_admin; i++) {
		if (!matches(n, n->admin[i], key, events))
			continue;
		if (n->current || n->bug == BUG_ADMIN_2020)
			return n->admin[i];
		events[EVENT_ADMIN_2020]++;
		return NULL;
	}
	events[EVENT_ADMIN_NO_MATCH] += n->current && n->n_admin;
	return NULL;
}
