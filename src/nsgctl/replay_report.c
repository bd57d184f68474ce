/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The closing tables. Flows are summed up when they are over, so that a packet costs three
 * additions; memory is bounded whatever the capture holds. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "explain/table.h"
#include "nsgctl/replay_priv.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/text.h"

#define NO_OUTCOME UINT32_MAX

/* ---- sums ----------------------------------------------------------------------------------- */

static void add_to_outcome(struct nsgctl_outcome *o, uint64_t flows, uint64_t packets,
			   uint64_t bytes, uint64_t first_packet)
{
	o->flows += flows;
	o->packets += packets;
	o->bytes += bytes;
	if (!o->first_packet || first_packet < o->first_packet)
		o->first_packet = first_packet;
}

void replay_count(struct replay *r, const struct replay_packet *p, struct nsg_track_data *flow)
{
	r->n_bytes += p->length;
	if (flow) {
		flow->packets++;
		flow->bytes += p->length;
		return;
	}
	add_to_outcome(&r->outcomes.v.v[p->outcome], 0, 1, p->length, p->frame.number);
}

static struct replay_top top_of(const struct nsg_track_flow *flow, uint64_t weight)
{
	struct replay_top top = {.flow = *flow, .data = *flow->data, .flows = 1, .weight = weight};

	top.flow.data = NULL;
	return top;
}

/* Takes the place of the smallest. */
static void keep_if_large(struct replay *r, const struct nsg_track_flow *flow)
{
	size_t smallest = 0;

	if (r->n_largest < REPLAY_TOP) {
		r->largest[r->n_largest++] = top_of(flow, flow->data->bytes);
		return;
	}
	for (size_t i = 1; i < REPLAY_TOP; i++)
		if (r->largest[i].weight < r->largest[smallest].weight)
			smallest = i;
	if (flow->data->bytes > r->largest[smallest].weight)
		r->largest[smallest] = top_of(flow, flow->data->bytes);
}

static bool is_same_destination(const struct replay_top *t, const struct nsg_track_flow *flow)
{
	return t->data.outcome == flow->data->outcome && t->flow.is_ip6 == flow->is_ip6 &&
	       t->flow.key.dst_host == flow->key.dst_host &&
	       t->flow.key.dport_host == flow->key.dport_host &&
	       t->flow.key.protocol == flow->key.protocol &&
	       memcmp(t->flow.dst6, flow->dst6, sizeof(flow->dst6)) == 0;
}

static uint64_t hash_destination(const struct nsg_track_flow *flow)
{
	uint64_t words[2], h;

	memcpy(words, flow->dst6, sizeof(words));
	h = (flow->key.dst_host ^ words[0] ^ words[1] << 1) * 0x9e3779b97f4a7c15u;
	h ^= ((uint64_t)flow->key.dport_host << 40 | (uint64_t)flow->key.protocol << 32 |
	      flow->data->outcome) *
	     0xff51afd7ed558ccdu;
	return h ^ h >> 29;
}

static void count_denied(struct replay *r, const struct nsg_track_flow *flow)
{
	struct replay_denied *d = &r->denied;
	uint32_t *slot = NULL;
	struct replay_top *t;

	if (!d->slots) {
		d->n_slots = 2 * NSG_MAX_REPLAY_DESTINATIONS;
		d->slots = calloc(d->n_slots, sizeof(*d->slots));
	}
	for (uint64_t h = hash_destination(flow); d->slots; h++) {
		slot = &d->slots[h & (d->n_slots - 1)];
		if (!*slot || is_same_destination(&d->v.v[*slot - 1], flow))
			break;
	}
	if (!slot || (!*slot && (d->v.n == NSG_MAX_REPLAY_DESTINATIONS ||
				 nsg_vec_push(&d->v, top_of(flow, flow->data->packets)) < 0))) {
		d->other_packets += flow->data->packets;
		return;
	}
	if (!*slot) {
		*slot = (uint32_t)d->v.n;
		return;
	}
	t = &d->v.v[*slot - 1];
	t->flows++;
	t->weight += flow->data->packets;
	t->data.packets += flow->data->packets;
	t->data.bytes += flow->data->bytes;
	if (flow->data->first_packet < t->data.first_packet)
		t->data.first_packet = flow->data->first_packet;
}

void replay_flow_ended(void *closure, const struct nsg_track_flow *flow)
{
	struct replay *r = closure;
	struct nsg_track_data data = *flow->data;
	struct nsg_track_flow shown = *flow;

	/* a flow that began before the capture, of which only the other side's packets were seen */
	if (data.outcome == NO_OUTCOME &&
	    nsgctl_outcome_undecided(&r->outcomes, NSG_GATE_BYPASS, NSG_REASON_BYPASS,
				     &data.outcome) != 0)
		return;
	shown.data = &data;
	if (data.kind == REPLAY_OUT && !flow->is_ip6)
		shown.key.src_host = data.src_host;
	add_to_outcome(&r->outcomes.v.v[data.outcome], 1, data.packets, data.bytes,
		       data.first_packet);
	keep_if_large(r, &shown);
	if (r->outcomes.v.v[data.outcome].verdict == NSG_VERDICT_DROP)
		count_denied(r, &shown);
}

/* ---- tables --------------------------------------------------------------------------------- */

void replay_format_end(const struct nsg_track_flow *flow, bool dst, char out[static 64])
{
	uint16_t port = dst ? flow->key.dport_host : flow->key.sport_host;
	char text[INET6_ADDRSTRLEN] = "";

	if (flow->is_ip6)
		(void)inet_ntop(AF_INET6, dst ? flow->dst6 : flow->src6, text, sizeof(text));
	else
		nsg_ip4_format(dst ? flow->key.dst_host : flow->key.src_host, text);
	if (!nsg_protocol_has_ports(flow->key.protocol))
		(void)snprintf(out, 64, "%s", text);
	else
		(void)snprintf(out, 64, flow->is_ip6 ? "[%s]:%u" : "%s:%u", text, port);
}

static json_t *protocol_json(const struct nsg_track_flow *flow)
{
	const char *name = nsg_protocol_name(flow->key.protocol);

	return name ? json_string(name) : json_integer(flow->key.protocol);
}

static json_t *row_of(const struct replay *r, const struct replay_top *t)
{
	const struct nsgctl_outcome *o = &r->outcomes.v.v[t->data.outcome];
	const char *rule = nsgctl_outcome_text(&r->outcomes, o->rule);
	char src[64], dst[64];

	replay_format_end(&t->flow, false, src);
	replay_format_end(&t->flow, true, dst);
	return NSG_JSON_OBJECT(PAIR_J("protocol", protocol_json(&t->flow)), PAIR_S("src", src),
			       PAIR_S("dst", dst), PAIR_S("verdict", nsg_verdict_name(o->verdict)),
			       PAIR_S("reason", o->reason), PAIR_S("rule", *rule ? rule : NULL),
			       PAIR_I("flows", t->flows), PAIR_I("packets", t->data.packets),
			       PAIR_I("bytes", t->data.bytes),
			       PAIR_I("first", t->data.first_packet));
}

static int by_weight(const void *a, const void *b)
{
	const struct replay_top *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return x->data.first_packet < y->data.first_packet ? -1 : 1;
}

int replay_put_table(const struct replay *r, const char *title, json_t *rows,
		     const struct nsg_column *columns, size_t n)
{
	if (!rows)
		return nsgctl_out_of_memory();
	printf("\n%s\n\n", title);
	nsg_table(stdout, rows, columns, n, 2, &r->ctl->term);
	return 0;
}

static json_t *top_rows(const struct replay *r, struct replay_top *v, size_t n)
{
	json_t *rows = json_array();

	if (n)
		qsort(v, n, sizeof(*v), by_weight);
	for (size_t i = 0; i < n && i < REPLAY_TOP; i++)
		if (json_array_append_new(rows, row_of(r, &v[i])) < 0) {
			json_decref(rows);
			return NULL;
		}
	return rows;
}

static int put_flows(struct replay *r)
{
	static const struct nsg_column columns[] = {
	    {"PROTO", "protocol"}, {"SOURCE", "src"},	      {"DESTINATION", "dst"},
	    {"REASON", "reason"},  {"RULE OR ROUTE", "rule"}, {"PACKETS", "packets"},
	    {"BYTES", "bytes"},	   {"FIRST", "first"},
	};
	cleanup_json json_t *rows = top_rows(r, r->largest, r->n_largest);
	char title[64];

	(void)snprintf(title, sizeof(title),
		       r->n_largest < REPLAY_TOP ? "Flows, by bytes" : "The %d largest flows",
		       REPLAY_TOP);
	return replay_put_table(r, title, rows, columns, NSG_ARRAY_SIZE(columns));
}

static int put_denied(struct replay *r)
{
	static const struct nsg_column columns[] = {
	    {"PROTO", "protocol"},     {"DESTINATION", "dst"}, {"REASON", "reason"},
	    {"RULE OR ROUTE", "rule"}, {"FLOWS", "flows"},     {"PACKETS", "packets"},
	    {"BYTES", "bytes"},	       {"FIRST", "first"},
	};
	cleanup_json json_t *rows = NULL;
	int status;

	if (!r->denied.v.n)
		return 0;
	rows = top_rows(r, r->denied.v.v, r->denied.v.n);
	status = replay_put_table(r, "Denied destinations, by packets", rows, columns,
				  NSG_ARRAY_SIZE(columns));
	if (!status && r->denied.other_packets)
		printf("  and %" PRIu64 " packets to other destinations\n",
		       r->denied.other_packets);
	return status;
}

static void add(const json_t *row, const char *key, uint64_t n)
{
	json_t *sum = json_object_get(row, key);

	(void)json_integer_set(sum, json_integer_value(sum) + (json_int_t)n);
}

/* Outcomes of one rule and reason differ by their route. */
static int put_rules(struct replay *r)
{
	static const struct nsg_column columns[] = {
	    {"RULE OR ROUTE", "rule"}, {"VERDICT", "verdict"}, {"REASON", "reason"},
	    {"FLOWS", "flows"},	       {"PACKETS", "packets"}, {"BYTES", "bytes"},
	    {"FIRST", "first"},
	};
	cleanup_json json_t *by_rule = json_object(), *rows = json_array();

	for (size_t i = 0; i < r->outcomes.v.n; i++) {
		const struct nsgctl_outcome *o = &r->outcomes.v.v[i];
		const char *rule = nsgctl_outcome_text(&r->outcomes, o->rule);
		char key[320];
		json_t *row;

		if (!o->packets)
			continue;
		(void)snprintf(key, sizeof(key), "%s %s", o->reason, rule);
		row = json_object_get(by_rule, key);
		if (!row) {
			row = NSG_JSON_OBJECT(PAIR_S("rule", *rule ? rule : NULL),
					      PAIR_S("verdict", nsg_verdict_name(o->verdict)),
					      PAIR_S("reason", o->reason), PAIR_I("flows", 0),
					      PAIR_I("packets", 0), PAIR_I("bytes", 0),
					      PAIR_I("first", o->first_packet));
			if (json_array_append(rows, row) < 0 ||
			    json_object_set_new(by_rule, key, row) < 0)
				return nsgctl_out_of_memory();
		}
		add(row, "flows", o->flows);
		add(row, "packets", o->packets);
		add(row, "bytes", o->bytes);
		if ((json_int_t)o->first_packet < json_integer_value(json_object_get(row, "first")))
			(void)json_integer_set(json_object_get(row, "first"),
					       (json_int_t)o->first_packet);
	}
	return replay_put_table(r, "Rules and routes that decided", rows, columns,
				NSG_ARRAY_SIZE(columns));
}

int replay_report(struct replay *r)
{
	uint64_t flows = 0, denied_flows = 0, denied_packets = 0;
	int status;

	nsg_tracker_end(r->tracker);
	for (size_t i = 0; i < r->outcomes.v.n; i++) {
		const struct nsgctl_outcome *o = &r->outcomes.v.v[i];

		flows += o->flows;
		if (o->verdict == NSG_VERDICT_DROP) {
			denied_flows += o->flows;
			denied_packets += o->packets;
		}
	}
	printf("%" PRIu64 " packet%s, %" PRIu64 " bytes of IP, %" PRIu64
	       " flow%s; dropped: %" PRIu64 " packet%s, %" PRIu64 " flow%s\n",
	       r->n_packets, nsg_text_plural(r->n_packets), r->n_bytes, flows,
	       nsg_text_plural(flows), denied_packets, nsg_text_plural(denied_packets),
	       denied_flows, nsg_text_plural(denied_flows));
	if (r->n_packets == r->n_other + r->n_unsupported)
		return 0;
	status = put_flows(r);
	if (!status)
		status = put_rules(r);
	if (!status)
		status = put_denied(r);
	return status;
}

void replay_report_done(struct replay *r)
{
	nsg_vec_done(&r->denied.v);
	free(r->denied.slots);
}
