/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of all NSGs; the subnet's rules with their addresses. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/vec.h"

struct members {
	struct nsg_id_entry *v; /* groups' ids; i is the address */
	size_t n, room;
};

/* Shared by the checks of all NSGs. */
struct shelf {
	struct nsg_build *b;
	struct members members; /* of application security groups */
	struct nsg_id_entry *groups;
	size_t n_groups;
};

static void shelf_done(struct shelf *s)
{
	nsg_vec_done(&s->members);
	free(s->groups);
}

#define cleanup_shelf __attribute__((cleanup(shelf_done)))

static int shelf_init(struct shelf *s, struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	int r;

	s->b = b;
	for (size_t i = 0; i < p->n_nics; i++)
		for (size_t j = 0; j < p->nics[i].n_configurations; j++) {
			const struct nsg_ip_configuration *c = &p->nics[i].configurations[j];

			for (size_t k = 0; k < c->asgs.n; k++) {
				r = nsg_vec_push(
				    &s->members,
				    ((struct nsg_id_entry){c->asgs.v[k],
							   c->has_addr ? c->addr_host : SIZE_MAX}));
				if (r < 0)
					return r;
			}
		}
	nsg_ids_sort(s->members.v, s->members.n);
	s->groups = calloc(p->n_asgs + 1, sizeof(*s->groups));
	if (!s->groups)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_asgs; i++)
		s->groups[s->n_groups++] =
		    (struct nsg_id_entry){*p->asgs[i].id ? p->asgs[i].id : p->asgs[i].name, i};
	nsg_ids_sort(s->groups, s->n_groups);
	return 0;
}

/* ---- validation --------------------------------------------------------------------------- */

static int compare_priority(const void *a, const void *b)
{
	const struct nsg_rule *x = *(const struct nsg_rule *const *)a;
	const struct nsg_rule *y = *(const struct nsg_rule *const *)b;

	if (x->priority != y->priority)
		return NSG_CMP(x->priority, y->priority);
	return NSG_CMP(x, y);
}

static int compare_name(const void *a, const void *b)
{
	const struct nsg_rule *x = *(const struct nsg_rule *const *)a;
	const struct nsg_rule *y = *(const struct nsg_rule *const *)b;
	int r = strcasecmp(x->name, y->name);

	if (!r && x->is_default != y->is_default)
		r = x->is_default ? 1 : -1;
	return r ? r : NSG_CMP(x, y);
}

static int check_unique(struct nsg_build *b, const struct nsg_nsg *g)
{
	cleanup_free const struct nsg_rule **v = calloc(g->n_rules + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_rules; i++)
		v[i] = &g->rules[i];
	qsort(v, g->n_rules, sizeof(*v), compare_priority);
	for (size_t i = 1, first = 0; i < g->n_rules; i++) {
		/* Unreadable values are 0 and ""; their reader reported them. */
		if (v[i]->priority && v[i]->priority == v[first]->priority)
			(void)nsg_diag_add(
			    b->diag, NSG_ERROR, &v[i]->priority_place, "SecurityRuleConflict",
			    "rules %s and %s of NSG %s both have priority %u outbound",
			    v[first]->name, v[i]->name, g->name, v[i]->priority);
		else
			first = i;
	}
	qsort(v, g->n_rules, sizeof(*v), compare_name);
	for (size_t i = 1; i < g->n_rules; i++)
		if (*v[i]->name && !strcasecmp(v[i]->name, v[i - 1]->name) &&
		    v[i]->is_default == v[i - 1]->is_default)
			(void)nsg_diag_add(b->diag, NSG_ERROR, &v[i]->place, "SecurityRuleConflict",
					   "two outbound rules of NSG %s have the same name, %s",
					   g->name, v[i]->name);
	return 0;
}

static int check_prefixes(struct nsg_build *b, const struct nsg_rule *r,
			  const struct nsg_address *a, const char *side)
{
	cleanup_free struct nsg_prefix *v = NULL;
	char outer[NSG_PREFIX_TEXT], inner[NSG_PREFIX_TEXT];

	if (a->prefixes.n + a->prefixes.n_ip6 > NSG_MAX_FIELD_PREFIXES)
		(void)nsg_diag_add(b->diag, NSG_ERROR, &a->place, NULL,
				   "rule %s: %zu %s prefixes, Azure allows %u", r->name,
				   a->prefixes.n + a->prefixes.n_ip6, side, NSG_MAX_FIELD_PREFIXES);
	if (a->prefixes.n < 2)
		return 0;
	v = calloc(a->prefixes.n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	memcpy(v, a->prefixes.v, a->prefixes.n * sizeof(*v));
	qsort(v, a->prefixes.n, sizeof(*v), nsg_prefix_compare);
	/* In this order a prefix inside another one is inside the last outermost one. */
	for (size_t i = 1, last = 0; i < a->prefixes.n; i++) {
		if (!nsg_prefix_covers(v[last], v[i])) {
			last = i;
			continue;
		}
		nsg_prefix_format(v[last], outer);
		nsg_prefix_format(v[i], inner);
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &a->place, "OverlappingSubnetsNotPermittedInSecurityRule",
		    "rule %s: %s prefixes %s and %s overlap", r->name, side, outer, inner);
	}
	return 0;
}

static void check_groups(struct shelf *s, const struct nsg_rule *r, const struct nsg_address *a,
			 bool is_src)
{
	/* A document that could not be read may hold the groups. */
	for (size_t i = 0; i < a->asgs.n && !s->b->policy->incomplete; i++) {
		const char *id = a->asgs.v[i];

		if (nsg_ids_next(s->members.v, s->members.n, id, NULL) ||
		    nsg_ids_next(s->groups, s->n_groups, id, NULL))
			continue;
		(void)nsg_diag_add(s->b->diag, is_src ? NSG_WARNING : NSG_ERROR, &a->place, NULL,
				   "rule %s: application security group %s is not in any document; "
				   "run: az network nic list > nics.json",
				   r->name, nsg_id_name(id));
	}
}

void nsg_check_rule_tag(struct nsg_build *b, const struct nsg_rule *r, const struct nsg_address *a,
			const char *tag, const char *side)
{
	enum nsg_tag_kind kind = nsg_tag_kind_of(tag);
	char what[64];

	if (kind == NSG_TAG_PLATFORM_LKM)
		(void)nsg_diag_add(
		    b->diag, NSG_WARNING, &a->place, NULL,
		    "rule %s: AzurePlatformLKM has no addresses here: the rule never "
		    "matches",
		    r->name);
	if (kind != NSG_TAG_OF_DOCUMENT || nsg_effective_tag_find(b->e, tag))
		return;
	(void)snprintf(what, sizeof(what), "%sAddressPrefix", side);
	(void)nsg_tag_unknown(b, &a->place, "SecurityRuleInvalidAddressPrefix", what, tag);
}

static int check_address(struct shelf *s, const struct nsg_rule *r, bool is_src)
{
	const struct nsg_address *a = is_src ? &r->src : &r->dst;
	const char *side = is_src ? "source" : "destination";

	switch (a->kind) {
	case NSG_ADDRESS_ANY:
		return 0;
	case NSG_ADDRESS_PREFIXES:
		return check_prefixes(s->b, r, a, side);
	case NSG_ADDRESS_TAG:
		nsg_check_rule_tag(s->b, r, a, a->tag, side);
		return 0;
	case NSG_ADDRESS_ASGS:
		check_groups(s, r, a, is_src);
		return 0;
	case NSG_ADDRESS_MIXED:
		break;
	}
	return 0;
}

static void check_families(struct nsg_build *b, const struct nsg_rule *r)
{
	if ((r->src.prefixes.n || r->dst.prefixes.n) &&
	    (r->src.prefixes.n_ip6 || r->dst.prefixes.n_ip6))
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &r->place,
		    "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies",
		    "rule %s has IPv4 and IPv6 prefixes", r->name);
}

static int check_nsg(struct shelf *s, const struct nsg_nsg *g)
{
	int r;

	for (size_t i = 0; i < g->n_rules; i++) {
		check_families(s->b, &g->rules[i]);
		r = check_address(s, &g->rules[i], true);
		if (r < 0)
			return r;
		r = check_address(s, &g->rules[i], false);
		if (r < 0)
			return r;
	}
	return check_unique(s->b, g);
}

/* ---- the subnet's rules ------------------------------------------------------------------- */

static struct nsg_range load_balancer_range[] = {{NSG_IP_PLATFORM_DNS, NSG_IP_PLATFORM_DNS}};
static const struct nsg_ranges load_balancer = {.v = load_balancer_range, .n = 1};

static int resolve_tag(struct nsg_build *b, const char *name, bool is_src,
		       struct nsg_effective_address *ret)
{
	struct nsg_effective *e = b->e;
	const struct nsg_tag *tag;

	switch (nsg_tag_kind_of(name)) {
	case NSG_TAG_VIRTUAL_NETWORK:
		ret->ranges = &e->virtual_network_ranges;
		return 0;
	case NSG_TAG_INTERNET:
		ret->ranges = &e->internet_ranges;
		return 0;
	case NSG_TAG_LOAD_BALANCER:
		ret->ranges = &load_balancer;
		return 0;
	case NSG_TAG_PLATFORM_DNS:
		ret->kind = is_src ? NSG_MATCH_RANGES : NSG_MATCH_PLATFORM_DNS;
		return 0;
	case NSG_TAG_PLATFORM_IMDS:
		ret->kind = is_src ? NSG_MATCH_RANGES : NSG_MATCH_PLATFORM_IMDS;
		return 0;
	case NSG_TAG_PLATFORM_LKM:
		return 0;
	case NSG_TAG_OF_DOCUMENT:
		tag = nsg_effective_tag_find(e, name);
		return tag ? nsg_tag_ranges(e, tag, &ret->ranges) : 0;
	}
	return 0;
}

static int keep_ranges(struct nsg_build *b, struct nsg_ranges *made,
		       struct nsg_effective_address *ret)
{
	struct nsg_ranges *kept = nsg_arena_alloc(&b->e->arena, sizeof(*kept));

	if (!kept || nsg_ranges_take(&b->e->arena, made, kept))
		return -ENOMEM;
	ret->ranges = kept;
	return 0;
}

struct hits {
	struct nsg_range *v;
	size_t n, room;
};

static void hits_done(struct hits *h)
{
	nsg_vec_done(h);
}

#define cleanup_hits __attribute__((cleanup(hits_done)))

/* The groups' members; a group without any is the empty set. */
static int resolve_groups(struct shelf *s, const struct nsg_address *a,
			  struct nsg_effective_address *ret)
{
	cleanup_ranges struct nsg_ranges made = {0};
	cleanup_hits struct hits hits = {0};
	int r;

	for (size_t i = 0; i < a->asgs.n; i++) {
		const struct nsg_id_entry *x = NULL;

		while ((x = nsg_ids_next(s->members.v, s->members.n, a->asgs.v[i], x))) {
			if (x->i == SIZE_MAX)
				continue;
			r = nsg_vec_push(&hits,
					 ((struct nsg_range){(uint32_t)x->i, (uint32_t)x->i}));
			if (r < 0)
				return r;
		}
	}
	r = nsg_ranges_from_ranges(hits.v, hits.n, &made);
	if (r < 0)
		return r;
	return keep_ranges(s->b, &made, ret);
}

static int add_ranges(struct hits *h, const struct nsg_ranges *ranges)
{
	for (size_t i = 0; i < ranges->n; i++) {
		int r = nsg_vec_push(h, ranges->v[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The addresses of prefixes and tags together. */
static int resolve_mixed(struct nsg_build *b, const struct nsg_address *a,
			 struct nsg_effective_address *ret)
{
	cleanup_ranges struct nsg_ranges made = {0};
	cleanup_hits struct hits hits = {0};
	int r;

	r = nsg_ranges_from_prefixes(a->prefixes.v, a->prefixes.n, &made);
	if (r < 0)
		return r;
	r = add_ranges(&hits, &made);
	if (r < 0)
		return r;
	nsg_ranges_done(&made);
	made = (struct nsg_ranges){0};
	for (size_t i = 0; i < a->tags.n; i++) {
		struct nsg_effective_address one = {.ranges = &nsg_ranges_nothing};

		r = resolve_tag(b, a->tags.v[i], true, &one);
		if (r < 0)
			return r;
		r = add_ranges(&hits, one.ranges);
		if (r < 0)
			return r;
	}
	r = nsg_ranges_from_ranges(hits.v, hits.n, &made);
	if (r < 0)
		return r;
	return keep_ranges(b, &made, ret);
}

static int resolve(struct shelf *s, const struct nsg_address *a, bool is_src,
		   struct nsg_effective_address *ret)
{
	cleanup_ranges struct nsg_ranges made = {0};
	int r;

	*ret =
	    (struct nsg_effective_address){.ranges = &nsg_ranges_nothing, .kind = NSG_MATCH_RANGES};
	switch (a->kind) {
	case NSG_ADDRESS_ANY:
		ret->ranges = &nsg_ranges_everything;
		return 0;
	case NSG_ADDRESS_PREFIXES:
		r = nsg_ranges_from_prefixes(a->prefixes.v, a->prefixes.n, &made);
		if (r < 0)
			return r;
		return keep_ranges(s->b, &made, ret);
	case NSG_ADDRESS_TAG:
		return resolve_tag(s->b, a->tag, is_src, ret);
	case NSG_ADDRESS_ASGS:
		/* The app's interface does not belong to the customer, so it cannot be in a group.
		 */
		return is_src ? 0 : resolve_groups(s, a, ret);
	case NSG_ADDRESS_MIXED:
		return resolve_mixed(s->b, a, ret);
	}
	return 0;
}

static int compare_ports(const void *a, const void *b)
{
	const struct nsg_port_range *x = a, *y = b;

	return (int)x->lo - (int)y->lo;
}

static int merge_ports(struct nsg_build *b, const struct nsg_port_range *v, size_t n,
		       const struct nsg_port_range **ret, size_t *ret_n)
{
	struct nsg_port_range *w = nsg_arena_copy(&b->e->arena, v, n * sizeof(*w));
	size_t m = 0;

	if (!w && n)
		return -ENOMEM;
	if (n)
		qsort(w, n, sizeof(*w), compare_ports);
	for (size_t i = 0; i < n; i++) {
		if (!m || w[i].lo > (uint32_t)w[m - 1].hi + 1)
			w[m++] = w[i];
		else if (w[i].hi > w[m - 1].hi)
			w[m - 1].hi = w[i].hi;
	}
	*ret = w;
	*ret_n = m;
	return 0;
}

static int derive(struct shelf *s, const struct nsg_rule *rule, struct nsg_effective_rule *ret)
{
	int r;

	ret->rule = rule;
	r = resolve(s, &rule->src, true, &ret->src);
	if (r < 0)
		return r;
	/* Like sources, admin rules never match through a platform tag. */
	r = resolve(s, &rule->dst, rule->is_admin, &ret->dst);
	if (r < 0)
		return r;
	r = merge_ports(s->b, rule->src_ports, rule->n_src_ports, &ret->src_ports,
			&ret->n_src_ports);
	if (r < 0)
		return r;
	return merge_ports(s->b, rule->dst_ports, rule->n_dst_ports, &ret->dst_ports,
			   &ret->n_dst_ports);
}

int nsg_derive_admin_rule(struct nsg_build *b, const struct nsg_rule *rule,
			  struct nsg_effective_rule *ret)
{
	struct shelf no_groups = {.b = b};

	return derive(&no_groups, rule, ret);
}

static int add_rule(struct shelf *s, const struct nsg_rule *rule)
{
	struct nsg_effective *e = s->b->e;

	return derive(s, rule, &e->rules[e->n_rules++]);
}

/* The rules of a new NSG (azure-rest-api-specs, NetworkSecurityGroupGet). */
static struct nsg_port_range all_ports[] = {{0, 65535}};

#define DEFAULT_RULE(NAME, PRIORITY, ACCESS, SRC, DST)                                             \
	{                                                                                          \
		.name = (NAME), .priority = (PRIORITY), .access = (ACCESS), .is_default = true,    \
		.protocol = NSG_PROTOCOL_ANY, .src = SRC, .dst = DST, .src_ports = all_ports,      \
		.dst_ports = all_ports, .n_src_ports = 1, .n_dst_ports = 1                         \
	}
#define ANY                                                                                        \
	{                                                                                          \
		.kind = NSG_ADDRESS_ANY, .tag = ""                                                 \
	}
#define TAG(NAME)                                                                                  \
	{                                                                                          \
		.kind = NSG_ADDRESS_TAG, .tag = (NAME)                                             \
	}

static const struct nsg_rule defaults[] = {
    DEFAULT_RULE("AllowVnetOutBound", 65000, NSG_ALLOW, TAG("VirtualNetwork"),
		 TAG("VirtualNetwork")),
    DEFAULT_RULE("AllowInternetOutBound", 65001, NSG_ALLOW, ANY, TAG("Internet")),
    DEFAULT_RULE("DenyAllOutBound", 65500, NSG_DENY, ANY, ANY),
};

static bool has_default(const struct nsg_nsg *g, const struct nsg_rule *d)
{
	for (size_t i = 0; i < g->n_rules; i++)
		if (g->rules[i].is_default &&
		    (g->rules[i].priority == d->priority || !strcasecmp(g->rules[i].name, d->name)))
			return true;
	return false;
}

static int compare_effective(const void *a, const void *b)
{
	const struct nsg_effective_rule *x = a, *y = b;

	return (int)x->rule->priority - (int)y->rule->priority;
}

static int add_rules(struct shelf *s)
{
	struct nsg_effective *e = s->b->e;
	const struct nsg_nsg *g = e->nsg;
	int r;

	e->rules =
	    nsg_arena_array(&e->arena, g->n_rules + NSG_ARRAY_SIZE(defaults), sizeof(*e->rules));
	if (!e->rules)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_rules; i++) {
		r = add_rule(s, &g->rules[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(defaults); i++) {
		if (has_default(g, &defaults[i]))
			continue;
		r = add_rule(s, &defaults[i]);
		if (r < 0)
			return r;
	}
	qsort(e->rules, e->n_rules, sizeof(*e->rules), compare_effective);
	return 0;
}

int nsg_build_rules(struct nsg_build *b)
{
	const struct nsg_policy *p = b->policy;
	cleanup_shelf struct shelf s = {0};
	int r;

	r = shelf_init(&s, b);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_nsgs; i++) {
		r = check_nsg(&s, &p->nsgs[i]);
		if (r < 0)
			return r;
	}
	return b->e->nsg ? add_rules(&s) : 0;
}
