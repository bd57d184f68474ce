/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes that no packet takes, and packets whose route is contested: every piece of the address
 * space is routed according to the policy and with the other endpoint precedence.
 */
#include "lint/lint_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "model/phrase.h"
#include "model/pieces.h"
#include "model/ranges.h"
#include "model/select.h"
#include "util/cleanup.h"

/* How a UDR is used. */
struct use {
	bool entered, taken;
	bool only_rfc1918;	     /* of the addresses that enter */
	const struct nsg_row *rival; /* the first row that was preferred to it */
	enum nsg_row_fate fate;	     /* and why */
};

struct watch {
	const struct nsg_effective *e;
	struct nsg_effective other; /* the same with the other endpoint precedence */
	struct use *uses;	    /* of the table's routes */
	enum nsg_row_fate *fates;
	/* The first piece that is disputed, and its two routes. */
	struct dispute {
		const struct nsg_row *now, *then;
		struct nsg_range piece;
	} precedence, private, none_172;
};

static void watch_done(struct watch *w)
{
	free(w->uses);
	free(w->fates);
}

#define cleanup_watch __attribute__((cleanup(watch_done)))

/* ---- the walk -------------------------------------------------------------------------------- */

static void note_use(struct watch *w, enum nsg_gate gate, const struct nsg_row *const *covering,
		     size_t n, const struct nsg_row *best)
{
	for (size_t i = 0; i < n; i++) {
		const struct nsg_row *r = covering[i];
		struct use *u;

		if (!r->route)
			continue;
		u = &w->uses[r->route - w->e->route_table->routes];
		u->only_rfc1918 = (!u->entered || u->only_rfc1918) && gate == NSG_GATE_RFC1918;
		u->entered = true;
		u->taken |= r == best;
		if (!u->rival && r != best) {
			u->rival = best;
			u->fate = w->fates[i];
		}
	}
}

static void note_dispute(struct dispute *d, struct nsg_range piece, const struct nsg_row *now,
			 const struct nsg_row *then)
{
	if (!d->now)
		*d = (struct dispute){now, then, piece};
}

/* Compares a private endpoint with the longest UDR by the rule of each profile, unless a service
 * endpoint decides. */
static void note_private(struct watch *w, struct nsg_range piece,
			 const struct nsg_row *const *covering, size_t n, const struct nsg_row *now)
{
	const struct nsg_row *endpoint = NULL, *user = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct nsg_row *r = covering[i];

		if (r->source == NSG_SOURCE_USER &&
		    (!user || r->prefix.len > user->prefix.len ||
		     (r->prefix.len == user->prefix.len && r->rank < user->rank)))
			user = r;
		else if (r->source == NSG_SOURCE_DEFAULT &&
			 r->hop_type == NSG_HOP_INTERFACE_ENDPOINT &&
			 (!endpoint || r->rank < endpoint->rank))
			endpoint = r;
	}
	if (!endpoint || !user || (now != endpoint && now != user))
		return;
	if ((user->prefix.len >= endpoint->beats_udr_shorter_than) !=
	    (user->prefix.len >= endpoint->beats_udr_otherwise))
		note_dispute(&w->private, piece, now, now == endpoint ? user : endpoint);
}

/* Whether some packet to the piece may be allowed. Protocols and ports are not compared, except
 * that a denial of everything ends the search. */
static bool may_be_allowed(const struct nsg_effective *e, struct nsg_range piece)
{
	for (size_t i = 0; i < e->n_rules; i++) {
		const struct nsg_effective_rule *r = &e->rules[i];

		if (r->rule->access == NSG_ALLOW && nsg_ranges_overlap(r->dst.ranges, piece))
			return true;
		if (r->rule->access == NSG_DENY && r->rule->protocol == NSG_PROTOCOL_ANY &&
		    r->rule->src.kind == NSG_ADDRESS_ANY && r->n_dst_ports == 1 &&
		    !r->dst_ports[0].lo && r->dst_ports[0].hi == 65535 && r->n_src_ports == 1 &&
		    !r->src_ports[0].lo && r->src_ports[0].hi == 65535 &&
		    nsg_ranges_hold(r->dst.ranges, piece))
			return false;
	}
	return !e->nsg;
}

static bool is_internet(const struct nsg_row *r)
{
	return r->source == NSG_SOURCE_DEFAULT && r->hop_type == NSG_HOP_INTERNET;
}

static bool has_none_row_172(const struct nsg_profile *p)
{
	for (size_t i = 0; i < p->n_none_rows; i++)
		if (p->none_rows[i].addr_host == NSG_IP4(172, 16, 0, 0))
			return true;
	return false;
}

static int visit(void *data, struct nsg_range piece, enum nsg_gate gate,
		 const struct nsg_row *const *covering, size_t n)
{
	struct watch *w = data;
	const struct nsg_row *now = nsg_rows_judge(w->e, gate, covering, n, w->fates);
	const struct nsg_row *then = nsg_rows_select(&w->other, gate, covering, n);

	note_use(w, gate, covering, n, now);
	if (now != then)
		note_dispute(&w->precedence, piece, now, then);
	if (piece.lo == piece.hi)
		note_private(w, piece, covering, n, now);
	if (!has_none_row_172(w->e->profile) && piece.lo >> 20 == 0xac1 && is_internet(now) &&
	    !w->none_172.now && may_be_allowed(w->e, piece))
		note_dispute(&w->none_172, piece, now, NULL);
	return 0;
}

/* ---- reports --------------------------------------------------------------------------------- */

static void add_row(struct nsg_phrase_list *text, const struct nsg_row *r)
{
	char prefix[NSG_PREFIX_TEXT];

	nsg_prefix_format(r->prefix, prefix);
	nsg_phrase_add(text, "%s %s%s%s", nsg_hop_type_name(r->hop_type), prefix,
		       r->name || r->detail ? " of " : "",
		       r->name	   ? r->name
		       : r->detail ? r->detail
				   : "");
}

static const char *row_text(struct nsg_phrase_list *text, const struct nsg_row *r)
{
	add_row(text, r);
	return nsg_phrase_end(text);
}

static void report_use(const struct nsg_effective *e, const struct nsg_route *r,
		       const struct use *u, struct nsg_diag *diag)
{
	const struct nsg_place *place = nsg_place_of(e->policy, &r->place);
	const struct nsg_tag *tag = r->tag ? nsg_effective_tag_find(e, r->tag) : NULL;
	struct nsg_phrase_list text = {0};

	if (r->is_ip6)
		return;
	if (tag && !tag->prefixes.n)
		(void)nsg_diag_lint(diag, NSG_WARNING, place, "RouteNeverUsed",
				    "route %s is never used: %s has no IPv4 address", r->name,
				    r->tag);
	else if (!u->entered && e->route_all)
		(void)nsg_diag_lint(diag, NSG_WARNING, place, "RouteNeverUsed",
				    "route %s is never used: its destinations are Azure's platform "
				    "or not carried by a virtual network, so no route is looked up",
				    r->name);
	else if (!u->entered)
		(void)nsg_diag_lint(diag, NSG_WARNING, place, "GateClosed",
				    "route %s is never used: no traffic to its destinations enters "
				    "the virtual network, because route-all is off (%s)",
				    r->name, e->route_all_by);
	else if (!u->taken)
		(void)nsg_diag_lint(diag, NSG_WARNING, place, "RouteNeverUsed",
				    "route %s is never used: wherever it applies another route is "
				    "preferred, e.g. %s (%s)",
				    r->name, row_text(&text, u->rival), nsg_row_fate_text(u->fate));
	else if (!r->tag && !r->prefix.len && u->only_rfc1918 && !e->route_all)
		(void)nsg_diag_lint(
		    diag, NSG_NOTICE, place, "GateClosed",
		    "route %s applies to RFC 1918 destinations only: route-all is off (%s)",
		    r->name, e->route_all_by);
}

/* Azure accepts such an address and drops the traffic. */
static void report_lost_appliance(const struct nsg_effective *e, const struct nsg_route *r,
				  struct nsg_diag *diag)
{
	for (size_t i = 0; r->hop_type == NSG_HOP_APPLIANCE && i < r->n_hops; i++) {
		char hop[NSG_IP4_TEXT];

		if (nsg_ranges_contain(&e->networks, r->hops_host[i]))
			continue;
		nsg_ip4_format(r->hops_host[i], hop);
		(void)nsg_diag_lint(diag, NSG_WARNING, nsg_place_of(e->policy, &r->place),
				    "ApplianceOutside",
				    "route %s: neither the virtual network nor a connected peer "
				    "holds its next hop %s, so Azure drops the traffic",
				    r->name, hop);
	}
}

static void report_dispute(const struct nsg_effective *e, const struct dispute *d,
			   struct nsg_diag *diag, const char *what, const char *now,
			   const char *then)
{
	const struct nsg_route *route = d->now->route ? d->now->route
					: d->then     ? d->then->route
						      : NULL;
	const struct nsg_place *place = route ? &route->place : &e->subnet->place;
	struct nsg_phrase_list first = {0}, second = {0};
	char lo[NSG_IP4_TEXT];

	nsg_ip4_format(d->piece.lo, lo);
	(void)nsg_diag_lint(diag, NSG_NOTICE, nsg_place_of(e->policy, place), "Contested",
			    "%s: %s takes %s (%s)%s%s%s", what, lo, row_text(&first, d->now), now,
			    then, d->then ? " " : "", d->then ? row_text(&second, d->then) : "");
}

static void report_disputes(const struct watch *w, struct nsg_diag *diag)
{
	static const char today[] = "today: a route at least as long as the network's range is "
				    "preferred where the endpoint's subnet has network policies",
			  in_2020[] = "2020-04: only a /32 route is preferred to the endpoint";
	const struct nsg_effective *e = w->e;

	if (w->precedence.now)
		report_dispute(e, &w->precedence, diag, "service endpoint against user route",
			       e->endpoint_lab ? "endpoint-precedence lab, as users measured"
					       : "endpoint-precedence doc, as Microsoft documents",
			       e->endpoint_lab ? "; Microsoft's page says" : "; users measured");
	if (w->private.now)
		report_dispute(
		    e, &w->private, diag, "private endpoint against user route",
		    e->profile->endpoint_policies ? today : in_2020,
		    e->profile->endpoint_policies
			? "; in 2020 only a /32 route was preferred to the endpoint:"
			: "; today this depends on the network policies of the endpoint's subnet:");
	if (w->none_172.now)
		report_dispute(e, &w->none_172, diag, "unallocated addresses of 172.16.0.0/12",
			       "2020-04 has no None route for them",
			       "; today they are dropped by a None route");
}

int nsg_lint_routes(const struct nsg_effective *e, struct nsg_diag *diag)
{
	const struct nsg_route_table *t = e->route_table;
	cleanup_watch struct watch w = {.e = e, .other = *e};
	cleanup_gates struct nsg_gates gates = {0};
	int r;

	w.other.endpoint_lab = !e->endpoint_lab;
	w.uses = calloc((t ? t->n_routes : 0) + 1, sizeof(*w.uses));
	w.fates = calloc(e->n_rows + 1, sizeof(*w.fates));
	if (!w.uses || !w.fates)
		return -ENOMEM;
	r = nsg_gates_new(e, &gates);
	if (r < 0)
		return r;
	r = nsg_rows_walk(e, &gates, visit, &w);
	if (r)
		return r;
	for (size_t i = 0; t && i < t->n_routes; i++) {
		report_use(e, &t->routes[i], &w.uses[i], diag);
		report_lost_appliance(e, &t->routes[i], diag);
	}
	report_disputes(&w, diag);
	return 0;
}
