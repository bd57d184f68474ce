/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/flow_block.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/ip.h"
#include "util/limits.h"
#include "util/text.h"
#include "util/vec.h"

/* The tuples of one rule, as the text within the brackets of a JSON array. */
struct group {
	char *rule;
	bool by_nsg;
	NSG_VEC(char) tuples;
};

struct nsg_flow_block {
	bool nsg_format;
	NSG_VEC(struct group) groups;
	struct nsg_hash by_rule;
	size_t bytes;
};

struct nsg_flow_block *nsg_flow_block_new(bool nsg_format)
{
	struct nsg_flow_block *b = calloc(1, sizeof(*b));

	if (b)
		b->nsg_format = nsg_format;
	return b;
}

static void clear(struct nsg_flow_block *b)
{
	for (size_t i = 0; i < b->groups.n; i++) {
		free(b->groups.v[i].rule);
		nsg_vec_done(&b->groups.v[i].tuples);
	}
	nsg_vec_done(&b->groups);
	nsg_hash_done(&b->by_rule);
	b->bytes = 0;
}

struct nsg_flow_block *nsg_flow_block_free(struct nsg_flow_block *b)
{
	if (b)
		clear(b);
	free(b);
	return NULL;
}

bool nsg_flow_block_is_empty(const struct nsg_flow_block *b)
{
	return !b->groups.n;
}

/* ---- tuples ---------------------------------------------------------------------------------- */

/* Seconds, T or U, a decision and a state; no counters where there are none. */
static int put_version_2(char *out, size_t size, const struct nsg_flow_tuple *t, const char *flow)
{
	const struct nsg_flow_counts *c = &t->counts;
	char protocol = t->key.protocol == IPPROTO_TCP ? 'T' : 'U';
	int n = snprintf(out, size, "%" PRIu64 ",%s,%c,O,%c,%c,", t->time_ms / 1000, flow, protocol,
			 t->state == NSG_FLOW_DENY ? 'D' : 'A',
			 t->state == NSG_FLOW_CONTINUE ? 'C'
			 : t->state == NSG_FLOW_END    ? 'E'
						       : 'B');

	if (t->state == NSG_FLOW_BEGIN || t->state == NSG_FLOW_DENY)
		return n + snprintf(out + n, size - (size_t)n, ",,,");
	return n + snprintf(out + n, size - (size_t)n,
			    "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, c->packets_sent,
			    c->bytes_sent, c->packets_received, c->bytes_received);
}

/* Milliseconds, the protocol's number, one state; NX: not encrypted. */
static int put_version_4(char *out, size_t size, const struct nsg_flow_tuple *t, const char *flow)
{
	const struct nsg_flow_counts *c = &t->counts;

	return snprintf(out, size,
			"%" PRIu64 ",%s,%u,O,%c,NX,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
			t->time_ms, flow, t->key.protocol, "BCED"[t->state], c -> packets_sent,
			c -> bytes_sent, c -> packets_received, c -> bytes_received);
}

/* Returns its length. */
static size_t put_tuple(const struct nsg_flow_block *b, const struct nsg_flow_tuple *t, char *out,
			size_t size)
{
	char src[NSG_IP4_TEXT], dst[NSG_IP4_TEXT], flow[64];

	nsg_ip4_format(t->key.src_host, src);
	nsg_ip4_format(t->key.dst_host, dst);
	(void)snprintf(flow, sizeof(flow), "%s,%s,%u,%u", src, dst, t->key.sport_host,
		       t->key.dport_host);
	return (size_t)(b->nsg_format ? put_version_2(out, size, t, flow)
				      : put_version_4(out, size, t, flow));
}

/* ---- groups ---------------------------------------------------------------------------------- */

struct wanted {
	const char *rule;
	bool by_nsg;
};

static bool is_wanted(const void *groups, uint32_t i, const void *key)
{
	const struct group *g = (const struct group *)groups + i;
	const struct wanted *w = key;

	return g->by_nsg == w->by_nsg && !strcmp(g->rule, w->rule);
}

static int find_group(struct nsg_flow_block *b, bool by_nsg, const char *rule, struct group **ret)
{
	const struct wanted wanted = {rule, by_nsg};
	uint64_t hash = nsg_hash_name(rule);
	uint32_t i = nsg_hash_find(&b->by_rule, hash, is_wanted, b->groups.v, &wanted);
	struct group g = {.by_nsg = by_nsg};
	int r;

	if (i == NSG_HASH_NONE) {
		g.rule = strdup(rule);
		if (!g.rule)
			return -ENOMEM;
		i = (uint32_t)b->groups.n;
		r = nsg_vec_push(&b->groups, g);
		if (r < 0) {
			free(g.rule);
			return r;
		}
		r = nsg_hash_add(&b->by_rule, hash, i);
		if (r < 0)
			return r;
	}
	*ret = &b->groups.v[i];
	return 0;
}

int nsg_flow_block_add(struct nsg_flow_block *b, bool by_nsg, const char *rule,
		       const struct nsg_flow_tuple *tuple)
{
	struct group *g = NULL;
	char text[192];
	size_t n;
	int r;

	/* version 2 has no others */
	if (b->nsg_format && tuple->key.protocol != IPPROTO_TCP &&
	    tuple->key.protocol != IPPROTO_UDP)
		return 0;
	text[0] = ',';
	text[1] = '"';
	n = 2 + put_tuple(b, tuple, text + 2, sizeof(text) - 3);
	text[n++] = '"';
	if (b->bytes + n > NSG_MAX_FLOW_BLOCK_BYTES)
		return -ENOBUFS;
	r = find_group(b, by_nsg, rule, &g);
	if (r < 0)
		return r;
	r = nsg_vec_reserve(&g->tuples, n);
	if (r < 0)
		return r;
	memcpy(g->tuples.v + g->tuples.n, text, n);
	g->tuples.n += n;
	b->bytes += n;
	return 0;
}

/* ---- records --------------------------------------------------------------------------------- */

static void put_string(FILE *out, const char *key, const char *value)
{
	cleanup_json json_t *string = json_string(value);

	fprintf(out, "\"%s\":", key);
	if (!string || json_dumpf(string, out, JSON_ENCODE_ANY) < 0)
		fputs("\"\"", out);
}

static void put_tuples(FILE *out, const struct group *g)
{
	/* without the first comma */
	fputs(",\"flowTuples\":[", out);
	if (g->tuples.n)
		(void)fwrite(g->tuples.v + 1, 1, g->tuples.n - 1, out);
	fputc(']', out);
}

static void put_groups(FILE *out, const struct nsg_flow_block *b, bool by_nsg)
{
	const char *comma = "";

	for (size_t i = 0; i < b->groups.n; i++) {
		if (b->groups.v[i].by_nsg != by_nsg)
			continue;
		fprintf(out, "%s{", comma);
		put_string(out, "rule", b->groups.v[i].rule);
		put_tuples(out, &b->groups.v[i]);
		fputc('}', out);
		comma = ",";
	}
}

static bool has_groups(const struct nsg_flow_block *b, bool by_nsg)
{
	for (size_t i = 0; i < b->groups.n; i++)
		if (b->groups.v[i].by_nsg == by_nsg)
			return true;
	return false;
}

static void put_vnet_record(FILE *out, const struct nsg_flow_block *b,
			    const struct nsg_flow_origin *o)
{
	const char *comma = "";

	fputs(",\"flowLogVersion\":4,", out);
	put_string(out, "flowLogGUID", o->log_guid);
	fputc(',', out);
	put_string(out, "macAddress", o->mac);
	fputs(",\"category\":\"FlowLogFlowEvent\",", out);
	put_string(out, "flowLogResourceID", o->log_id);
	fputc(',', out);
	put_string(out, "targetResourceID", o->vnet_id);
	fputs(",\"operationName\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[", out);
	for (int by_nsg = 1; by_nsg >= 0; by_nsg--) {
		if (!has_groups(b, by_nsg))
			continue;
		fprintf(out, "%s{", comma);
		put_string(out, "aclID", by_nsg && *o->nsg_id ? o->nsg_id : "unspecified");
		fputs(",\"flowGroups\":[", out);
		put_groups(out, b, by_nsg);
		fputs("]}", out);
		comma = ",";
	}
	fputs("]}", out);
}

static void put_nsg_record(FILE *out, const struct nsg_flow_block *b,
			   const struct nsg_flow_origin *o)
{
	fputc(',', out);
	put_string(out, "systemId", o->log_guid);
	fputc(',', out);
	put_string(out, "macAddress", o->mac);
	fputs(",\"category\":\"NetworkSecurityGroupFlowEvent\",", out);
	put_string(out, "resourceId", o->nsg_id);
	fputs(",\"operationName\":\"NetworkSecurityGroupFlowEvents\",\"properties\":{\"Version\":2,"
	      "\"flows\":[",
	      out);
	for (size_t i = 0; i < b->groups.n; i++) {
		fputs(i ? ",{" : "{", out);
		put_string(out, "rule", b->groups.v[i].rule);
		fputs(",\"flows\":[{", out);
		put_string(out, "mac", o->mac);
		put_tuples(out, &b->groups.v[i]);
		fputs("}]}", out);
	}
	fputs("]}", out);
}

/* As Azure writes it, with a tenth of a microsecond. */
static void put_time(FILE *out, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / NSG_NS_PER_SEC);
	char text[32] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(out, "\"time\":\"%s.%07uZ\"", text, (unsigned int)(time_ns % NSG_NS_PER_SEC / 100));
}

char *nsg_flow_block_take(struct nsg_flow_block *b, const struct nsg_flow_origin *origin,
			  uint64_t time_ns)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputc('{', out);
	put_time(out, time_ns);
	if (b->nsg_format)
		put_nsg_record(out, b, origin);
	else
		put_vnet_record(out, b, origin);
	fputc('}', out);
	if (!nsg_text_end(out, &text)) {
		free(text);
		return NULL;
	}
	clear(b);
	return text;
}
