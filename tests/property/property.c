/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The naive evaluator against load + effective + compile + classify, on random policies and flows.
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
#include <unistd.h>

#include "azure/load.h"
#include "classify/classify.h"
#include "compile/compile.h"
#include "generate.h"
#include "naive.h"
#include "util/cleanup.h"

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

static bool agrees(const struct naive_answer *a, const struct nsg_image *image,
		   const struct nsg_decision *d)
{
	return d->gate == a->gate && d->verdict == a->verdict && d->reason == a->reason &&
	       nsg_agrees(a, image, d) && route_agrees(a, image, d) && hop_agrees(a, image, d);
}

static void print_naive(const struct naive_answer *a)
{
	char prefix[NSG_PREFIX_TEXT] = "-";

	if (a->has_route)
		nsg_prefix_format(a->prefix, prefix);
	fprintf(stderr, "  naive:      %s, rule %s %u, route %s %s %s %s (%zu hops), %s %s\n",
		nsg_gate_name(a->gate), a->has_nsg ? (a->rule ? a->rule : "(no NSG)") : "-",
		a->priority, prefix, a->has_route ? nsg_route_source_name(a->source) : "-",
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
	fprintf(stderr, "  classifier: %s, rule %s, route %s %s %s %s (%u hops) hop %u, %s %s\n",
		nsg_gate_name(d->gate), rule, prefix, nsg_route_source_name(route.source),
		route.name ? route.name : "-", nsg_hop_type_name(route.hop_type), route.n_hops,
		d->hop, nsg_verdict_name(d->verdict), nsg_reason_name(d->reason));
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

struct policy {
	struct nsg_policy *policy;
	struct nsg_effective *effective;
	struct nsg_image *image;
};

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
	naive_free(naive);
	return differences;
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
		if (compare(&p, &options, BUG_NONE, keys, decisions, run->flows, &counts)) {
			fprintf(stderr, "in policy %lu of seed %llu\n", i,
				(unsigned long long)run->seed);
			policy_done(&p);
			return 1;
		}
		/* The bugs need no more than a tenth of the policies each to be noticed. */
		for (int bug = 1; bug < BUG_MAX; bug++)
			if (!found[bug] && i % 10 == (unsigned long)bug % 10)
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
