/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/decide.h"

#include <errno.h>
#include <stdlib.h>

#include "model/gate.h"

static void find_gate(const struct nsg_effective *e, const struct nsg_key *key,
		      struct nsg_trial *trial)
{
	trial->gate = trial->enters_by = nsg_gate_entrance(e, key->dst_host);
	if (!nsg_gate_enters(trial->gate))
		return;
	trial->not_carried = nsg_not_carried(key->protocol, key->sport_host, key->dst_host);
	if (trial->not_carried)
		trial->gate = NSG_GATE_NOT_CARRIED;
}

static bool ports_match(const struct nsg_port_range *v, size_t n, const struct nsg_key *key,
			uint16_t port)
{
	for (size_t i = 0; i < n && nsg_protocol_has_ports(key->protocol); i++)
		if (v[i].lo <= port && port <= v[i].hi)
			return true;
	return false;
}

/* Platform tags match their own address and nothing else; nothing else matches it. */
static bool destination_matches(const struct nsg_effective_address *dst, const struct nsg_key *key,
				enum nsg_gate gate)
{
	bool dns = key->dst_host == NSG_IP_PLATFORM_DNS;

	if (gate != NSG_GATE_PLATFORM)
		return dst->kind == NSG_MATCH_RANGES &&
		       nsg_ranges_contain(dst->ranges, key->dst_host);
	if (!dns)
		return dst->kind == NSG_MATCH_PLATFORM_IMDS;
	return dst->kind == NSG_MATCH_PLATFORM_DNS && key->dport_host == 53;
}

static struct nsg_tried_rule try_rule(const struct nsg_effective_rule *rule,
				      const struct nsg_key *key, enum nsg_gate gate)
{
	uint16_t protocol = rule->rule->protocol;
	struct nsg_rule_match m = {
	    .protocol = protocol == NSG_PROTOCOL_ANY || protocol == key->protocol,
	    .source = rule->src.kind == NSG_MATCH_RANGES &&
		      nsg_ranges_contain(rule->src.ranges, key->src_host),
	    .source_ports = ports_match(rule->src_ports, rule->n_src_ports, key, key->sport_host),
	    .destination = destination_matches(&rule->dst, key, gate),
	    .destination_ports =
		ports_match(rule->dst_ports, rule->n_dst_ports, key, key->dport_host),
	};

	return (struct nsg_tried_rule){
	    .rule = rule,
	    .match = m,
	    .matched =
		m.protocol && m.source && m.source_ports && m.destination && m.destination_ports,
	};
}

/* They apply where the NSG would, except to the platform. */
static int find_admin_rule(const struct nsg_effective *e, const struct nsg_key *key,
			   struct nsg_trial *trial)
{
	if (!e->n_admin_rules || !nsg_gate_evaluates_nsg(e->profile, trial->gate))
		return 0;
	trial->admin_rules = calloc(e->n_admin_rules, sizeof(*trial->admin_rules));
	if (!trial->admin_rules)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_admin_rules && !trial->admin; i++) {
		struct nsg_tried_rule *tried = &trial->admin_rules[trial->n_admin_rules++];

		*tried = try_rule(&e->admin_rules[i], key, trial->gate);
		if (tried->matched)
			trial->admin = tried->rule;
	}
	return 0;
}

static bool admin_decides(const struct nsg_trial *trial, enum nsg_access access)
{
	return trial->admin && trial->admin->rule->access == access;
}

static int find_rule(const struct nsg_effective *e, const struct nsg_key *key,
		     struct nsg_trial *trial)
{
	trial->nsg_evaluated = trial->gate == NSG_GATE_PLATFORM
				   ? e->nsg != NULL
				   : nsg_gate_evaluates_nsg(e->profile, trial->gate);
	trial->has_nsg = e->nsg != NULL;
	if (admin_decides(trial, NSG_DENY) || admin_decides(trial, NSG_ALWAYS_ALLOW))
		trial->nsg_evaluated = false;
	if (!trial->nsg_evaluated || !e->n_rules)
		return 0;
	trial->rules = calloc(e->n_rules, sizeof(*trial->rules));
	if (!trial->rules)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_rules && !trial->rule; i++) {
		const struct nsg_effective_rule *rule = &e->rules[i];

		/* Only platform tags match platform addresses. */
		if (trial->gate == NSG_GATE_PLATFORM && rule->dst.kind == NSG_MATCH_RANGES)
			continue;
		trial->rules[trial->n_rules] = try_rule(rule, key, trial->gate);
		if (trial->rules[trial->n_rules++].matched)
			trial->rule = rule;
	}
	return 0;
}

static bool has_gateway_row(const struct nsg_trial *trial, struct nsg_prefix p)
{
	for (size_t i = 0; i < trial->n_rows; i++)
		if (trial->rows[i]->source == NSG_SOURCE_GATEWAY &&
		    nsg_prefix_equal(trial->rows[i]->prefix, p))
			return true;
	return false;
}

/* A document's row of the same prefix has the live route's next hops. */
static void add_live_rows(const struct nsg_effective *e, uint32_t dst_host, struct nsg_trial *trial)
{
	for (uint8_t len = 0; e->live && len <= 32; len++) {
		const struct nsg_prefix p = {dst_host & nsg_prefix_mask(len), len};
		const struct nsg_live_route *route = nsg_route_set_find(e->live, p);
		struct nsg_row *row = &trial->live_rows[len];

		if (!route || has_gateway_row(trial, p))
			continue;
		if (nsg_effective_live_row(e, (size_t)(route - e->live->v), row))
			trial->rows[trial->n_rows++] = row;
	}
}

static int find_row(const struct nsg_effective *e, uint32_t dst_host, struct nsg_trial *trial)
{
	size_t n = 33;

	if (!nsg_gate_enters(trial->gate))
		return 0;
	for (size_t i = 0; i < e->n_rows; i++)
		n += nsg_prefix_contains(e->rows[i].prefix, dst_host);
	trial->rows = calloc(n, sizeof(const struct nsg_row *));
	trial->fates = calloc(n, sizeof(*trial->fates));
	trial->live_rows = calloc(33, sizeof(*trial->live_rows));
	if (!trial->rows || !trial->fates || !trial->live_rows)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_rows; i++)
		if (nsg_prefix_contains(e->rows[i].prefix, dst_host))
			trial->rows[trial->n_rows++] = &e->rows[i];
	add_live_rows(e, dst_host, trial);
	trial->row = nsg_rows_judge(e, trial->gate, trial->rows, trial->n_rows, trial->fates);
	return 0;
}

static enum nsg_reason reason_of(const struct nsg_trial *trial)
{
	if (trial->gate == NSG_GATE_BYPASS)
		return NSG_REASON_BYPASS;
	if (trial->gate == NSG_GATE_NOT_CARRIED)
		return NSG_REASON_NOT_CARRIED;
	if (admin_decides(trial, NSG_DENY))
		return NSG_REASON_ADMIN_DENY;
	if (trial->rule && trial->rule->rule->access == NSG_DENY)
		return NSG_REASON_NSG_DENY;
	if (trial->gate == NSG_GATE_PLATFORM)
		return NSG_REASON_PLATFORM;
	/* No match is a denial, even if the document's last rule is not Azure's default. */
	if (trial->nsg_evaluated && trial->has_nsg && !trial->rule)
		return NSG_REASON_NSG_DENY;
	if (!trial->row || trial->row->hop_type == NSG_HOP_NONE)
		return NSG_REASON_ROUTE_NONE;
	return trial->row->unreachable ? NSG_REASON_ROUTE_UNREACHABLE : NSG_REASON_ALLOWED;
}

int nsg_trial_run(const struct nsg_effective *e, const struct nsg_key *key, struct nsg_trial *ret)
{
	cleanup_trial struct nsg_trial trial = {0};
	int r;

	find_gate(e, key, &trial);
	r = find_admin_rule(e, key, &trial);
	if (r < 0)
		return r;
	r = find_rule(e, key, &trial);
	if (r < 0)
		return r;
	r = find_row(e, key->dst_host, &trial);
	if (r < 0)
		return r;
	trial.reason = reason_of(&trial);
	trial.verdict = trial.reason == NSG_REASON_ALLOWED || trial.reason == NSG_REASON_BYPASS ||
				trial.reason == NSG_REASON_PLATFORM
			    ? NSG_VERDICT_ACCEPT
			    : NSG_VERDICT_DROP;
	*ret = trial;
	trial = (struct nsg_trial){0};
	return 0;
}

void nsg_trial_done(struct nsg_trial *trial)
{
	free(trial->admin_rules);
	free(trial->rules);
	free(trial->rows);
	free(trial->live_rows);
	free(trial->fates);
	*trial = (struct nsg_trial){0};
}
