/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The naive evaluator against load + effective + compile + classify, on random policies and flows,
 * and its list of effective routes against the model's. effective-routes against show-next-hop; the
 * instruction sets against each other.
 *
 *   property [-n POLICIES] [-f FLOWS] [-s SEED] [-d DIRECTORY]
 *
 * Ends with 1 at the first difference (the policy stays in DIRECTORY when -d names one), when a
 * kind of decision never occurred, or when a planted bug was not noticed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <jansson.h>

#include "azure/load.h"
#include "classify/classify.h"
#include "classify/simd_priv.h"
#include "compile/compile.h"
#include "explain/explain.h"
#include "generate.h"
#include "naive.h"
#include "util/cleanup.h"
#include "util/macro.h"

static const char *const bug_names[BUG_MAX] = {
    [BUG_FIRST_IN_DOCUMENT] = "rules tried in document order",
    [BUG_PORTLESS_MATCH] = "packets without ports match every port field",
    [BUG_BGP_BEATS_PEERING] = "a longer BGP route beats VNet and peering",
    [BUG_UDR_BEATS_ENDPOINT] = "UDRs stay beside a service endpoint",
    [BUG_NONE_ROWS_STAY] = "None rows stay under a 0/0 UDR",
    [BUG_UDR_NOT_IN_TAG] = "VirtualNetwork without UDR prefixes",
    [BUG_INTERNET_WITHOUT_PUBLIC_BGP] = "Internet without public BGP prefixes",
    [BUG_SHORTEST_PREFIX_ON_TIE] = "Default beats User on equal length",
    [BUG_ROUTE_NONE_FIRST] = "route-none outranks nsg-deny",
    [BUG_GLOBAL_REACHABLE] = "global peering reachable in 2020-04",
    [BUG_LINUX_ROUTE_ALL] = "linux in 2020-04 obeys route-all",
    [BUG_LATER_IN_TABLE] = "of UDRs of one kind the later in the table wins",
    [BUG_DNS_ENTERS] = "168.63.129.16 is not the platform's",
    [BUG_IMDS_ENTERS] = "169.254.169.254 is not the platform's",
    [BUG_LOOPBACK_ENTERS] = "loopback enters with route-all on",
    [BUG_LINK_LOCAL_ENTERS] = "link-local enters with route-all on",
    [BUG_172_16_ONLY] = "RFC 1918 is 172.16.0.0/16",
    [BUG_192_168_BYPASSES] = "192.168.0.0/16 is not RFC 1918",
    [BUG_ENDPOINTS_DO_NOT_ENTER] = "service endpoints bypass the network",
    [BUG_ENDPOINT_FIRST] = "a service endpoint goes before route-all",
    [BUG_LINUX_ENDPOINTS] = "linux in 2020-04 has service endpoints",
    [BUG_PROTOCOLS_CARRIED] = "every protocol is carried",
    [BUG_ICMP_CARRIED] = "ICMP, ESP and AH are carried",
    [BUG_MULTICAST_CARRIED] = "multicast is carried",
    [BUG_BROADCAST_CARRIED] = "broadcast is carried",
    [BUG_RESERVED_PORT_CARRIED] = "UDP source port 65330 is carried",
    [BUG_BYPASS_NOT_CARRIED] = "what bypasses has to be carried",
    [BUG_PERIMETER_IGNORED] = "a perimeter does not turn route-all on",
    [BUG_PERIMETER_2020] = "in 2020-04 a perimeter turns route-all on",
    [BUG_PERIMETER_OVER_OPTION] = "a perimeter wins over the route-all option",
    [BUG_FLEX_IGNORED] = "Flex Consumption does not turn route-all on",
    [BUG_MANAGED_IGNORED] = "a plan does not name its sites' subnet",
    [BUG_MANAGED_2020] = "in 2020-04 a plan names its sites' subnet",
    [BUG_ADMIN_IGNORED] = "there are no admin rules",
    [BUG_ADMIN_2020] = "2020-04 has admin rules",
    [BUG_ADMIN_IN_DOCUMENT_ORDER] = "admin rules tried in document order",
    [BUG_ADMIN_LATER_OF_EQUALS] = "of admin rules of one priority the later decides",
    [BUG_ADMIN_INBOUND] = "inbound admin rules decide",
    [BUG_ADMIN_ALWAYS_ALLOW_GOES_ON] = "AlwaysAllow asks the NSG",
    [BUG_ADMIN_ALLOW_IS_FINAL] = "an admin rule's Allow does not ask the NSG",
    [BUG_ADMIN_DENY_AFTER_ROUTE] = "route-none outranks admin-deny",
    [BUG_ADMIN_KEEPS_NSG] = "an admin rule's Deny asks the NSG",
    [BUG_ADMIN_EMPTY_IS_NOTHING] = "an empty list of an admin rule is nothing",
    [BUG_ADMIN_TAGS_IGNORED] = "tags mixed with prefixes do not match",
    [BUG_ADMIN_NEEDS_NSG] = "admin rules need an NSG",
    [BUG_ADMIN_ON_PLATFORM] = "admin rules apply to the platform's addresses",
    [BUG_LIST_DISPLACED_ACTIVE] = "effective-routes: a displaced row is Active",
    [BUG_LIST_ALL_BGP] = "effective-routes: gateway rows inside networks are listed",
    [BUG_LIST_INTERNET] = "effective-routes: Internet is listed under BGP's 0/0",
    [BUG_NONE_ROWS_2020] = "current has the None rows of 2020-04",
    [BUG_HOLES_2020] = "Internet of current has the holes of 2020-04",
    [BUG_NONE_UNDER_NONE] = "a 0/0 UDR to None takes the None rows away",
    [BUG_DISPLACED_BEFOREHAND] = "a UDR's system row is gone also where the UDR is struck",
    [BUG_POLICIES_FOR_EXACT_UDR] = "a /32 UDR beats an endpoint only by policies",
    [BUG_NO_ACCESS_NO_PEER] = "a peer without access is not connected",
    [BUG_NO_ACCESS_IN_TAG] = "a peer without access is in VirtualNetwork",
    [BUG_NO_ACCESS_IN_INTERNET] = "a peer without access is in Internet",
    [BUG_SUBNET_PEERING_IGNORED] = "subnet peering joins all subnets",
    [BUG_SUBNET_PEERING_2020] = "2020-04 has subnet peering",
    [BUG_REMOTE_SUBNETS_ALL] = "all remote subnets take part in a subnet peering",
    [BUG_LOCAL_SUBNET_REACHES] = "all local subnets take part in a subnet peering",
    [BUG_ONLY_IP6_ROWS] = "IPv6 peering has IPv4 rows",
    [BUG_ENDPOINT_OF_ANY_SUBNET] = "private endpoints outside a subnet peering have rows",
    [BUG_PEERING_ROUTES_STAY] = "disablePeeringRoute removes nothing",
    [BUG_PEERING_ROUTES_2020] = "2020-04 has disablePeeringRoute",
    [BUG_PEERING_ROUTES_TAKE_TAG] = "disablePeeringRoute takes peers out of VirtualNetwork",
    [BUG_MESH_IGNORED] = "a mesh has no rows",
    [BUG_MESH_NOT_IN_TAG] = "a mesh is not in VirtualNetwork",
    [BUG_MESH_IS_PEERING] = "a mesh is a peering without remote gateways",
    [BUG_GATEWAY_ALWAYS] = "routes are learned without a gateway",
    [BUG_STATIC_ALWAYS] = "static gateway routes are used without a gateway",
    [BUG_EFFECTIVE_NEEDS_GATEWAY] = "an effective route table's rows need a gateway",
    [BUG_VPN_NEXT_HOP] = "a VPN gateway's routes have its peers as next hops",
    [BUG_SERVER_LOCAL] = "a route server's routes have itself as next hop",
    [BUG_IBGP_ALWAYS] = "IBgp is used when another origin has the prefix",
    [BUG_NETWORK_ALWAYS] = "origin Network is used inside known ranges",
    [BUG_NETWORK_NEVER] = "origin Network is never used",
    [BUG_LONGER_PATHS] = "longer paths are used too",
    [BUG_PROPAGATION_LEAVES_STATIC] = "propagation off leaves static gateway routes",
    [BUG_PROPAGATION_LEAVES_EFFECTIVE] = "propagation off leaves rows of effective routes",
};

struct counts {
	uint64_t gates[NSG_GATE_MAX], reasons[NSG_REASON_MAX], hops[NSG_HOP_MAX],
	    sources[NSG_SOURCE_MAX], events[EVENT_MAX], flows;
};

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool nsg_agrees(const struct naive_answer *a, const struct nsg_image *image,
		       const struct nsg_decision *d)
{
	struct nsg_image_rule rule;

	if (!a->has_nsg || d->rule == NSG_RULE_NONE)
		return !a->has_nsg && d->rule == NSG_RULE_NONE;
	if (!a->rule || d->rule == NSG_RULE_NO_NSG)
		return !a->rule && d->rule == NSG_RULE_NO_NSG && a->access == NSG_ALLOW;
	rule = nsg_image_rule(image, d->rule);
	return !strcmp(rule.name, a->rule) && rule.priority == a->priority &&
	       rule.access == a->access && rule.is_default == a->rule_is_default;
}

static bool route_agrees(const struct naive_answer *a, const struct nsg_image *image,
			 const struct nsg_decision *d)
{
	struct nsg_image_route route;

	if (!a->has_route || d->route == NSG_ROUTE_NONE)
		return !a->has_route && d->route == NSG_ROUTE_NONE;
	route = nsg_image_route(image, d->route);
	return nsg_prefix_equal(route.prefix, a->prefix) && route.source == a->source &&
	       route.hop_type == a->hop_type && same_string(route.name, a->route_name) &&
	       route.n_hops == a->n_hops &&
	       (!a->n_hops || !memcmp(route.hops_host, a->hops, a->n_hops * sizeof(*a->hops)));
}

/* An accepted packet's hop is its route's; every other's is the host's own. */
static bool hop_agrees(const struct naive_answer *a, const struct nsg_image *image,
		       const struct nsg_decision *d)
{
	struct nsg_image_hop hop;

	if (!a->has_route || a->verdict == NSG_VERDICT_DROP)
		return d->hop == 0;
	hop = nsg_image_hop(image, d->hop);
	return d->hop != 0 && hop.type == a->hop_type &&
	       (hop.type != NSG_HOP_APPLIANCE ||
		(hop.n_addrs == a->n_hops &&
		 !memcmp(hop.addrs_host, a->hops, a->n_hops * sizeof(*a->hops))));
}

static bool admin_agrees(const struct naive_answer *a, const struct nsg_image *image,
			 const struct nsg_decision *d)
{
	struct nsg_image_rule rule;

	if (!a->admin || !d->admin)
		return !a->admin && !d->admin;
	rule = nsg_image_rule(nsg_image_admin(image), d->admin - 1u);
	return !strcmp(rule.name, a->admin) && rule.priority == a->admin_priority &&
	       rule.access == a->admin_access;
}

static bool agrees(const struct naive_answer *a, const struct nsg_image *image,
		   const struct nsg_decision *d)
{
	return d->gate == a->gate && d->verdict == a->verdict && d->reason == a->reason &&
	       admin_agrees(a, image, d) && nsg_agrees(a, image, d) && route_agrees(a, image, d) &&
	       hop_agrees(a, image, d);
}

struct policy {
	struct nsg_policy *policy;
	struct nsg_effective *effective;
	struct nsg_image *image;
};

/* ---- the list of effective routes ----------------------------------------------------------- */

static bool is_row(const struct naive_listed *l, const struct nsg_row *r)
{
	return nsg_prefix_equal(l->prefix, r->prefix) && l->source == r->source &&
	       l->hop_type == r->hop_type && same_string(l->name, r->name);
}

static bool is_listed(const struct nsg_row *r)
{
	return r->state == NSG_ROW_ACTIVE || r->state == NSG_ROW_INVALID;
}

/* Two rows may differ in nothing but their tag: then one that is Active stands for both. */
static bool is_in_list(const struct naive_listed *list, size_t n, const struct nsg_row *r)
{
	bool found = false, active = false;

	for (size_t i = 0; i < n; i++)
		if (is_row(&list[i], r)) {
			found = true;
			active |= list[i].active;
		}
	return found && (active || r->state == NSG_ROW_INVALID);
}

static bool is_in_rows(const struct nsg_effective *e, const struct naive_listed *l)
{
	bool found = false, active = false;

	for (size_t i = 0; i < e->n_rows; i++)
		if (is_listed(&e->rows[i]) && is_row(l, &e->rows[i])) {
			found = true;
			active |= e->rows[i].state == NSG_ROW_ACTIVE;
		}
	return found && (active || !l->active);
}

static void print_row(const char *what, struct nsg_prefix prefix, enum nsg_route_source source,
		      enum nsg_hop_type type, const char *name, const char *state)
{
	char text[NSG_PREFIX_TEXT];

	nsg_prefix_format(prefix, text);
	fprintf(stderr, "  %s: %s %s %s %s %s\n", what, text, nsg_route_source_name(source),
		nsg_hop_type_name(type), name ? name : "-", state);
}

/* Rows listed by one of the two only, or in another state. */
static uint64_t compare_lists(const struct naive *naive, const struct nsg_effective *e,
			      enum naive_bug bug)
{
	cleanup_free struct naive_listed *list = NULL;
	const size_t n = naive_list(naive, &list);
	uint64_t differences = 0;

	for (size_t i = 0; i < e->n_rows; i++) {
		const struct nsg_row *r = &e->rows[i];

		if (!is_listed(r) || is_in_list(list, n, r))
			continue;
		if (!bug && !differences)
			print_row("only nsgd lists", r->prefix, r->source, r->hop_type, r->name,
				  r->state == NSG_ROW_ACTIVE ? "Active" : "Invalid");
		differences++;
	}
	for (size_t i = 0; i < n; i++) {
		if (is_in_rows(e, &list[i]))
			continue;
		if (!bug && !differences)
			print_row("only naive lists", list[i].prefix, list[i].source,
				  list[i].hop_type, list[i].name,
				  list[i].active ? "Active" : "Invalid");
		differences++;
	}
	return differences;
}

static bool has_string(const json_t *list, const char *text)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) if (!strcmp(json_string_value(v), text)) return true;
	return false;
}

/* Whether effective-routes has an Active entry of that prefix and next hop. */
static bool list_names(const json_t *routes, const char *prefix, const char *type)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(routes, "value"), i, entry)
	{
		if (!strcmp(json_string_value(json_object_get(entry, "state")), "Active") &&
		    !strcasecmp(json_string_value(json_object_get(entry, "nextHopType")), type) &&
		    has_string(json_object_get(entry, "addressPrefix"), prefix))
			return true;
	}
	return false;
}

/* show-next-hop and effective-routes never disagree. */
static bool next_hop_is_listed(const struct policy *p, const json_t *routes,
			       const struct nsg_key *key, const struct nsg_decision *d)
{
	cleanup_json json_t *hop = NULL;
	struct nsg_image_route route;
	char prefix[NSG_PREFIX_TEXT];
	const char *type;

	if (d->route == NSG_ROUTE_NONE)
		return true;
	if (nsg_explain_next_hop(p->effective, p->image, key, &hop))
		return false;
	route = nsg_image_route(p->image, d->route);
	nsg_prefix_format(route.prefix, prefix);
	type = json_string_value(json_object_get(hop, "nextHopType"));
	if (!strcmp(type, "PrivateEndpoint"))
		type = "InterfaceEndpoint";
	return list_names(routes, prefix, type);
}

/* ---- instruction sets ----------------------------------------------------------------------- */

/* Each instruction set gives what the portable code gives. */
static bool paths_agree(const struct nsg_image *image, const struct nsg_key *keys, size_t n)
{
	static const nsg_simd_batch paths[] = {
	    nsg_simd_portable,
#ifdef __x86_64__
	    nsg_simd_avx2,
	    nsg_simd_avx512,
#endif
	};
	cleanup_free struct nsg_decision *want = calloc(n, sizeof(*want));
	cleanup_free struct nsg_decision *got = calloc(n, sizeof(*got));
	size_t n_paths = NSG_ARRAY_SIZE(paths);

	if (!want || !got)
		return false;
#ifdef __x86_64__
	n_paths -= !__builtin_cpu_supports("avx512f");
	n_paths -= !__builtin_cpu_supports("avx2");
#endif
	nsg_simd_portable(image, NULL, keys, n, want);
	for (size_t i = 1; i < n_paths; i++) {
		paths[i](image, NULL, keys, n, got);
		if (memcmp(got, want, n * sizeof(*got)))
			return false;
	}
	return true;
}

static bool classifiers_agree(const struct nsg_image *image, const struct nsg_key *keys, size_t n,
			      const struct nsg_decision *decisions)
{
	const struct nsg_image *admin = nsg_image_admin(image);

	for (size_t i = 0; i < n; i++) {
		const struct nsg_decision d = nsg_classify(image, &keys[i]);

		if (memcmp(&d, &decisions[i], sizeof(d)))
			return false;
	}
	return paths_agree(image, keys, n) && (!admin || paths_agree(admin, keys, n));
}

static void print_naive(const struct naive_answer *a)
{
	char prefix[NSG_PREFIX_TEXT] = "-";

	if (a->has_route)
		nsg_prefix_format(a->prefix, prefix);
	fprintf(
	    stderr,
	    "  naive:      %s, admin rule %s, rule %s %u, route %s %s %s %s (%zu hops), %s %s\n",
	    nsg_gate_name(a->gate), a->admin ? a->admin : "-",
	    a->has_nsg ? (a->rule ? a->rule : "(no NSG)") : "-", a->priority, prefix,
	    a->has_route ? nsg_route_source_name(a->source) : "-",
	    a->route_name ? a->route_name : "-",
	    a->has_route ? nsg_hop_type_name(a->hop_type) : "-", a->n_hops,
	    nsg_verdict_name(a->verdict), nsg_reason_name(a->reason));
}

static void print_decision(const struct nsg_image *image, const struct nsg_decision *d)
{
	char prefix[NSG_PREFIX_TEXT] = "-";
	const char *rule = d->rule == NSG_RULE_NONE	? "-"
			   : d->rule == NSG_RULE_NO_NSG ? "(no NSG)"
							: nsg_image_rule(image, d->rule).name;
	struct nsg_image_route route = {0};

	if (d->route != NSG_ROUTE_NONE) {
		route = nsg_image_route(image, d->route);
		nsg_prefix_format(route.prefix, prefix);
	}
	fprintf(
	    stderr,
	    "  classifier: %s, admin rule %s, rule %s, route %s %s %s %s (%u hops) hop %u, %s %s\n",
	    nsg_gate_name(d->gate),
	    d->admin ? nsg_image_rule(nsg_image_admin(image), d->admin - 1u).name : "-", rule,
	    prefix, nsg_route_source_name(route.source), route.name ? route.name : "-",
	    nsg_hop_type_name(route.hop_type), route.n_hops, d->hop, nsg_verdict_name(d->verdict),
	    nsg_reason_name(d->reason));
}

static void print_difference(const struct nsg_options *o, const struct nsg_key *k,
			     const struct naive_answer *a, const struct nsg_image *image,
			     const struct nsg_decision *d)
{
	char src[NSG_IP4_TEXT], dst[NSG_IP4_TEXT];

	nsg_ip4_format(k->src_host, src);
	nsg_ip4_format(k->dst_host, dst);
	fprintf(
	    stderr,
	    "difference: protocol %u %s:%u -> %s:%u, profile %s platform %d route-all %d lab %d\n",
	    k->protocol, src, k->sport_host, dst, k->dport_host, o->profile->name, o->platform,
	    o->route_all, o->endpoint_lab);
	print_naive(a);
	print_decision(image, d);
}

static void policy_done(struct policy *p)
{
	(void)nsg_image_free(p->image);
	(void)nsg_effective_free(p->effective);
	(void)nsg_policy_free(p->policy);
}

static int policy_load(const char *directory, const struct nsg_options *options, struct policy *ret)
{
	static const struct nsg_load_options load = {0};
	struct nsg_diag diag = {0};
	int r = nsg_policy_load(directory, &load, NULL, &diag, &ret->policy);

	if (!r)
		r = nsg_effective_new(ret->policy, options, &diag, &ret->effective);
	if (!r)
		r = nsg_compile(ret->effective, NULL, &diag, &ret->image);
	for (size_t i = 0; r && i < diag.n; i++) {
		nsg_diag_print(&diag.v[i], stderr);
		fputc('\n', stderr);
	}
	nsg_diag_done(&diag);
	return r;
}

/* Differences found; stops at the first when there is no planted bug. */
static uint64_t compare(const struct policy *p, const struct nsg_options *options,
			enum naive_bug bug, const struct nsg_key *keys,
			const struct nsg_decision *decisions, size_t n, struct counts *counts)
{
	struct naive *naive = naive_new(p->policy, options, GENERATED_SUBNET, bug);
	uint64_t differences = 0;

	for (size_t i = 0; i < n && !differences; i++) {
		struct naive_answer a = naive_decide(naive, &keys[i], counts->events);

		counts->flows++;
		counts->gates[a.gate]++;
		counts->reasons[a.reason]++;
		if (a.has_route) {
			counts->hops[a.hop_type]++;
			counts->sources[a.source]++;
		}
		if (agrees(&a, p->image, &decisions[i]))
			continue;
		differences++;
		if (!bug)
			print_difference(options, &keys[i], &a, p->image, &decisions[i]);
	}
	if (!differences)
		differences = compare_lists(naive, p->effective, bug);
	naive_free(naive);
	return differences;
}

/* What needs no second opinion; a tenth of the flows is enough for show-next-hop. */
static bool agrees_with_itself(const struct policy *p, const struct nsg_key *keys,
			       const struct nsg_decision *decisions, size_t n)
{
	cleanup_route_cursor struct nsg_route_cursor cursor = {.e = p->effective};
	cleanup_json json_t *routes = NULL;

	if (!classifiers_agree(p->image, keys, n, decisions)) {
		fprintf(stderr, "two ways to classify differ\n");
		return false;
	}
	if (nsg_explain_routes_next(&cursor, SIZE_MAX, &routes))
		return false;
	for (size_t i = 0; i < n; i += 10)
		if (!next_hop_is_listed(p, routes, &keys[i], &decisions[i])) {
			char dst[NSG_IP4_TEXT];

			nsg_ip4_format(keys[i].dst_host, dst);
			fprintf(stderr, "show-next-hop and effective-routes differ about %s\n",
				dst);
			return false;
		}
	return true;
}

static unsigned int print_count(const char *kind, const char *name, uint64_t count)
{
	printf("  %-12s %-55s %10llu%s\n", kind, name, (unsigned long long)count,
	       count ? "" : "   NEVER");
	return !count;
}

/* How often each thing decided; a zero fails. Reasons of packets, not of flows, are left out. */
static unsigned int report(const struct counts *c)
{
	unsigned int zeros = 0;

	for (size_t i = NSG_GATE_BYPASS; i < NSG_GATE_MAX; i++)
		zeros += print_count("gate", nsg_gate_name(i), c->gates[i]);
	for (size_t i = 0; i <= NSG_REASON_NOT_CARRIED; i++)
		zeros += print_count("reason", nsg_reason_name(i), c->reasons[i]);
	for (size_t i = 0; i < NSG_HOP_MAX; i++)
		zeros += print_count("next hop", nsg_hop_type_name(i), c->hops[i]);
	for (size_t i = 0; i < NSG_SOURCE_MAX; i++)
		zeros += print_count("source", nsg_route_source_name(i), c->sources[i]);
	for (size_t i = 0; i < EVENT_MAX; i++)
		zeros += print_count("event", naive_event_names[i], c->events[i]);
	return zeros;
}

struct run {
	unsigned long policies, flows;
	uint64_t seed;
	const char *directory;
};

static int run(const struct run *run)
{
	cleanup_free struct nsg_key *keys = calloc(run->flows, sizeof(*keys));
	cleanup_free struct nsg_decision *decisions = calloc(run->flows, sizeof(*decisions));
	uint64_t found[BUG_MAX] = {0};
	struct counts counts = {0}, ignored = {0};
	unsigned int failures = 0;

	if (!keys || !decisions)
		return 1;
	for (unsigned long i = 0; i < run->policies; i++) {
		struct rng rng = {run->seed + i * 1000003};
		struct nsg_options options;
		struct policy p = {0};

		generate_policy(&rng, run->directory, &options);
		if (policy_load(run->directory, &options, &p)) {
			fprintf(stderr, "policy %lu of seed %llu does not load\n", i,
				(unsigned long long)run->seed);
			policy_done(&p);
			return 1;
		}
		generate_flows(&rng, p.policy, keys, run->flows);
		nsg_classify_batch(p.image, NULL, keys, run->flows, decisions);
		if (compare(&p, &options, BUG_NONE, keys, decisions, run->flows, &counts) ||
		    !agrees_with_itself(&p, keys, decisions, run->flows)) {
			fprintf(stderr, "in policy %lu of seed %llu\n", i,
				(unsigned long long)run->seed);
			policy_done(&p);
			return 1;
		}
		for (int bug = 1; bug < BUG_MAX; bug++)
			if (!found[bug])
				found[bug] += compare(&p, &options, (enum naive_bug)bug, keys,
						      decisions, run->flows, &ignored);
		policy_done(&p);
	}
	printf("%lu policies, %llu flows, seed %llu, no difference\n", run->policies,
	       (unsigned long long)counts.flows, (unsigned long long)run->seed);
	failures = report(&counts);
	for (int bug = 1; bug < BUG_MAX; bug++)
		failures += print_count("planted bug", bug_names[bug], found[bug]);
	return failures != 0;
}

int main(int argc, char **argv)
{
	struct run r = {.policies = 2000, .flows = 500, .seed = 1};
	char temporary[] = "/tmp/nsgd-property-XXXXXX";
	int option, status;

	while ((option = getopt(argc, argv, "n:f:s:d:")) != -1)
		switch (option) {
		case 'n':
			r.policies = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			r.flows = strtoul(optarg, NULL, 10);
			break;
		case 's':
			r.seed = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			r.directory = optarg;
			break;
		default:
			return 2;
		}
	if (!r.directory && !mkdtemp(temporary))
		return 1;
	if (!r.directory)
		r.directory = temporary;
	status = run(&r);
	if (r.directory == temporary) {
		generate_remove(temporary);
		(void)rmdir(temporary);
	}
	return status;
}
