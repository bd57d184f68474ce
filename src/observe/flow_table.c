/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/flow_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/limits.h"

#define CONTINUE_MS (5u * 60u * 1000u)
#define BUCKETS_LEAST 256u

struct known {
	struct known *next;
	struct nsg_logged_flow flow; /* counts: as last seen */
	struct nsg_flow_counts reported;
	uint64_t reported_ms;
	bool by_nsg, looked_at;
	char rule[];
};

/* Chained, since flows are removed. */
struct nsg_flow_table {
	struct known **buckets;
	uint32_t n_buckets, n; /* n_buckets is a power of two */
};

static uint32_t bucket_of(const struct nsg_flow_table *t, const struct nsg_logged_flow *f)
{
	uint64_t ends = (uint64_t)f->key.src_host << 32 | f->key.dst_host;
	uint64_t rest =
	    (uint64_t)f->key.sport_host << 32 | (uint64_t)f->key.dport_host << 16 | f->key.protocol;

	return (uint32_t)nsg_hash_u64(nsg_hash_u64(ends) + rest + f->id) & (t->n_buckets - 1);
}

static struct known **find(const struct nsg_flow_table *t, const struct nsg_logged_flow *f)
{
	struct known **at = &t->buckets[bucket_of(t, f)];

	while (*at &&
	       ((*at)->flow.id != f->id || memcmp(&(*at)->flow.key, &f->key, sizeof(f->key)) != 0))
		at = &(*at)->next;
	return at;
}

struct nsg_flow_table *nsg_flow_table_new(void)
{
	struct nsg_flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->n_buckets = BUCKETS_LEAST;
	t->buckets = calloc(t->n_buckets, sizeof(struct known *));
	return t->buckets ? t : nsg_flow_table_free(t);
}

uint32_t nsg_flow_table_size(const struct nsg_flow_table *t)
{
	return t->n;
}

bool nsg_flow_table_has(const struct nsg_flow_table *t, const struct nsg_logged_flow *flow)
{
	return *find(t, flow);
}

/* Without memory the chains only grow longer. */
static void grow(struct nsg_flow_table *t)
{
	struct nsg_flow_table larger = {.n_buckets = 2 * t->n_buckets, .n = t->n};

	larger.buckets = calloc(larger.n_buckets, sizeof(struct known *));
	if (!larger.buckets)
		return;
	for (uint32_t i = 0; i < t->n_buckets; i++) {
		struct known *k = t->buckets[i], *next;

		for (; k; k = next) {
			struct known **head = &larger.buckets[bucket_of(&larger, &k->flow)];

			next = k->next;
			k->next = *head;
			*head = k;
		}
	}
	free(t->buckets);
	*t = larger;
}

/* Counters that went back are those of a connection that was reset: they count from 0. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static int report(struct known *k, enum nsg_flow_state state, uint64_t now_ms,
		  struct nsg_flow_block *block)
{
	const struct nsg_flow_counts *now = &k->flow.counts, *before = &k->reported;
	struct nsg_flow_tuple tuple = {.time_ms = now_ms, .key = k->flow.key, .state = state};

	tuple.key.src_host = k->flow.source_host;
	if (state != NSG_FLOW_BEGIN)
		tuple.counts = (struct nsg_flow_counts){
		    .packets_sent = grown(now->packets_sent, before->packets_sent),
		    .bytes_sent = grown(now->bytes_sent, before->bytes_sent),
		    .packets_received = grown(now->packets_received, before->packets_received),
		    .bytes_received = grown(now->bytes_received, before->bytes_received),
		};
	k->reported_ms = now_ms;
	if (state != NSG_FLOW_BEGIN)
		k->reported = *now;
	return nsg_flow_block_add(block, k->by_nsg, k->rule, &tuple);
}

int nsg_flow_table_add(struct nsg_flow_table *t, const struct nsg_logged_flow *flow,
		       const struct nsg_flow_rule *rule, uint64_t now_ms, bool begins,
		       struct nsg_flow_block *block)
{
	size_t n = strlen(rule->name) + 1;
	struct known *k, **head;

	if (t->n == NSG_MAX_LOGGED_FLOWS)
		return -ENOBUFS;
	k = malloc(sizeof(*k) + n);
	if (!k)
		return -ENOMEM;
	if (t->n >= t->n_buckets)
		grow(t);
	*k = (struct known){
	    .flow = *flow, .by_nsg = rule->by_nsg, .looked_at = true, .reported_ms = now_ms};
	memcpy(k->rule, rule->name, n);
	head = &t->buckets[bucket_of(t, flow)];
	k->next = *head;
	*head = k;
	t->n++;
	if (begins)
		return report(k, NSG_FLOW_BEGIN, now_ms, block);
	k->reported = flow->counts;
	return 0;
}

static bool is_due(const struct known *k, uint64_t now_ms)
{
	return now_ms >= k->reported_ms + CONTINUE_MS;
}

int nsg_flow_table_seen(struct nsg_flow_table *t, const struct nsg_logged_flow *flow,
			uint64_t now_ms, struct nsg_flow_block *block)
{
	struct known *k = *find(t, flow);

	if (!k)
		return -ENOENT;
	k->looked_at = true;
	k->flow.counts = flow->counts;
	return is_due(k, now_ms) ? report(k, NSG_FLOW_CONTINUE, now_ms, block) : 0;
}

static int end(struct nsg_flow_table *t, struct known **at, uint64_t now_ms,
	       struct nsg_flow_block *block)
{
	struct known *k = *at;
	int r = report(k, NSG_FLOW_END, now_ms, block);

	*at = k->next;
	free(k);
	t->n--;
	return r;
}

int nsg_flow_table_ended(struct nsg_flow_table *t, const struct nsg_logged_flow *flow,
			 uint64_t now_ms, struct nsg_flow_block *block)
{
	struct known **at = find(t, flow);

	if (!*at)
		return -ENOENT;
	(*at)->flow.counts = flow->counts;
	return end(t, at, now_ms, block);
}

void nsg_flow_table_begin_look(struct nsg_flow_table *t)
{
	for (uint32_t i = 0; i < t->n_buckets; i++)
		for (struct known *k = t->buckets[i]; k; k = k->next)
			k->looked_at = false;
}

int nsg_flow_table_end_look(struct nsg_flow_table *t, uint64_t now_ms, struct nsg_flow_block *block)
{
	int first = 0;

	for (uint32_t i = 0; i < t->n_buckets; i++) {
		struct known **at = &t->buckets[i];

		while (*at) {
			int r = 0;

			if ((*at)->looked_at)
				at = &(*at)->next;
			else
				r = end(t, at, now_ms, block);
			first = first ? first : r;
		}
	}
	return first;
}

bool nsg_flow_table_is_due(const struct nsg_flow_table *t, uint64_t now_ms)
{
	for (uint32_t i = 0; i < t->n_buckets; i++)
		for (const struct known *k = t->buckets[i]; k; k = k->next)
			if (is_due(k, now_ms))
				return true;
	return false;
}

struct nsg_flow_table *nsg_flow_table_free(struct nsg_flow_table *t)
{
	for (uint32_t i = 0; t && t->buckets && i < t->n_buckets; i++)
		while (t->buckets[i]) {
			struct known *k = t->buckets[i];

			t->buckets[i] = k->next;
			free(k);
		}
	if (t)
		free(t->buckets);
	free(t);
	return NULL;
}
