/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hash tables: flows by their ends in either order, fragments by the four fields of RFC 791.
 * Entries are also on a list, most recently seen first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "flow/track.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/names.h"

#define FRAGMENT_SECONDS 30 /* Linux's net.ipv4.ipfrag_time */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* The two ends; of a flow, the one with the smaller (address, port) first. */
struct tuple {
	uint32_t addr[2];
	uint16_t port[2];
	uint16_t protocol;
	uint16_t id; /* ICMP's, or a fragment's */
};

struct entry {
	struct tuple tuple;
	struct entry *chain; /* of the bucket */
	struct entry *newer, *older;
	uint64_t seen_ns;
	void *data;
	bool swapped; /* the first packet went from end 1 to end 0 */
};

struct table {
	struct entry **buckets;
	size_t n_buckets, n, max;
	struct entry *newest, *oldest;
	uint64_t timeout_ns;
};

struct nsg_tracker {
	struct table flows, fragments;
	uint64_t seed; /* keeps a hostile capture from choosing one bucket for all its flows */
	uint64_t now_ns;
};

/* ---- a table -------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t seed, const struct tuple *t)
{
	uint64_t words[2];
	uint64_t h = seed;

	_Static_assert(sizeof(*t) == sizeof(words), "no padding to hash");
	memcpy(words, t, sizeof(words));
	for (size_t i = 0; i < 2; i++) {
		h ^= words[i];
		h *= 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
		h += seed;
	}
	return h * 0xff51afd7ed558ccdu >> 20;
}

static bool same(const struct tuple *a, const struct tuple *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct entry **slot(const struct table *t, uint64_t seed, const struct tuple *tuple)
{
	struct entry **at = &t->buckets[hash(seed, tuple) % t->n_buckets];

	while (*at && !same(&(*at)->tuple, tuple))
		at = &(*at)->chain;
	return at;
}

static void unlist(struct table *t, struct entry *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		t->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		t->oldest = e->newer;
}

static void list_newest(struct table *t, struct entry *e)
{
	e->newer = NULL;
	e->older = t->newest;
	if (t->newest)
		t->newest->newer = e;
	else
		t->oldest = e;
	t->newest = e;
}

static void drop(struct table *t, uint64_t seed, struct entry *e)
{
	struct entry **at = slot(t, seed, &e->tuple);

	*at = e->chain;
	unlist(t, e);
	t->n--;
	free(e);
}

static struct entry *find(struct table *t, uint64_t seed, const struct tuple *tuple,
			  uint64_t now_ns)
{
	struct entry *e;

	while (t->oldest && now_ns - t->oldest->seen_ns > t->timeout_ns)
		drop(t, seed, t->oldest);
	e = *slot(t, seed, tuple);
	if (!e)
		return NULL;
	e->seen_ns = now_ns;
	unlist(t, e);
	list_newest(t, e);
	return e;
}

static struct entry *add(struct table *t, uint64_t seed, const struct tuple *tuple, uint64_t now_ns)
{
	struct entry *e = calloc(1, sizeof(*e));
	struct entry **at;

	if (!e)
		return NULL;
	if (t->n == t->max)
		drop(t, seed, t->oldest);
	e->tuple = *tuple;
	e->seen_ns = now_ns;
	at = slot(t, seed, tuple);
	*at = e;
	list_newest(t, e);
	t->n++;
	return e;
}

static int table_init(struct table *t, size_t max, uint64_t timeout_ns)
{
	t->buckets = calloc(max, sizeof(struct entry *));
	t->n_buckets = t->max = max;
	t->timeout_ns = timeout_ns;
	return t->buckets ? 0 : -ENOMEM;
}

static void table_done(struct table *t)
{
	struct entry *older;

	for (struct entry *e = t->newest; e; e = older) {
		older = e->older;
		free(e);
	}
	free(t->buckets);
}

/* ---- tuples --------------------------------------------------------------------------------- */

/* One tuple for both directions of a flow; *ret_swapped: the packet goes from end 1 to end 0. */
static struct tuple flow_tuple(const struct nsg_key *key, uint16_t icmp_id, bool *ret_swapped)
{
	bool swap = key->src_host > key->dst_host ||
		    (key->src_host == key->dst_host && key->sport_host > key->dport_host);
	struct tuple t = {
	    .addr = {swap ? key->dst_host : key->src_host, swap ? key->src_host : key->dst_host},
	    .port = {swap ? key->dport_host : key->sport_host,
		     swap ? key->sport_host : key->dport_host},
	    .protocol = key->protocol,
	    .id = icmp_id,
	};

	*ret_swapped = swap;
	return t;
}

static struct tuple fragment_tuple(const struct nsg_track_view *v)
{
	return (struct tuple){
	    .addr = {v->key.src_host, v->key.dst_host},
	    .protocol = v->key.protocol,
	    .id = v->ip_id,
	};
}

/* ---- the tracker ---------------------------------------------------------------------------- */

struct nsg_tracker *nsg_tracker_new(uint32_t flow_timeout_minutes)
{
	struct nsg_tracker *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uintptr_t)t;
	if (table_init(&t->flows, NSG_MAX_TRACKED_FLOWS,
		       (uint64_t)flow_timeout_minutes * 60 * NSG_NS_PER_SEC) < 0 ||
	    table_init(&t->fragments, NSG_MAX_TRACKED_FRAGMENTS,
		       (uint64_t)FRAGMENT_SECONDS * NSG_NS_PER_SEC) < 0)
		return nsg_tracker_free(t);
	return t;
}

struct nsg_tracker *nsg_tracker_free(struct nsg_tracker *t)
{
	if (!t)
		return NULL;
	table_done(&t->flows);
	table_done(&t->fragments);
	free(t);
	return NULL;
}

static bool opens(const struct nsg_track_view *v)
{
	return v->key.protocol != NSG_PROTOCOL_TCP ||
	       (v->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

static int see_flow(struct nsg_tracker *t, const struct nsg_track_view *v, void ***ret_data)
{
	bool swapped;
	struct tuple tuple = flow_tuple(&v->key, v->icmp_id, &swapped);
	struct entry *e = find(&t->flows, t->seed, &tuple, t->now_ns);

	/* A bare SYN begins a flow, whatever was decided on its tuple before. */
	if (e && v->key.protocol == NSG_PROTOCOL_TCP && opens(v)) {
		drop(&t->flows, t->seed, e);
		e = NULL;
	}
	if (e) {
		*ret_data = &e->data;
		return e->swapped == swapped ? NSG_TRACK_LATER : NSG_TRACK_REPLY;
	}
	if (!opens(v))
		return NSG_TRACK_MIDSTREAM;
	e = add(&t->flows, t->seed, &tuple, t->now_ns);
	if (!e)
		return -ENOMEM;
	e->swapped = swapped;
	*ret_data = &e->data;
	return NSG_TRACK_FIRST;
}

static int see_error(struct nsg_tracker *t, const struct nsg_track_view *v, void ***ret_data)
{
	bool swapped;
	struct tuple tuple = flow_tuple(&v->inner, v->inner_icmp_id, &swapped);
	struct entry *e = *slot(&t->flows, t->seed, &tuple);

	if (!e)
		return see_flow(t, v, ret_data);
	*ret_data = &e->data;
	return NSG_TRACK_REPLY;
}

int nsg_tracker_see(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		    void ***ret_data)
{
	struct tuple tuple;
	struct entry *e;

	*ret_data = NULL;
	if (time_ns > t->now_ns) /* captures of several interfaces are not strictly in order */
		t->now_ns = time_ns;
	if (v->later_fragment) {
		tuple = fragment_tuple(v);
		e = find(&t->fragments, t->seed, &tuple, t->now_ns);
		if (!e)
			return NSG_TRACK_ORPHAN;
		*ret_data = &e->data;
		return NSG_TRACK_FRAGMENT;
	}
	return v->icmp_error ? see_error(t, v, ret_data) : see_flow(t, v, ret_data);
}

void nsg_tracker_forget(struct nsg_tracker *t, const struct nsg_track_view *v)
{
	bool swapped;
	struct tuple tuple = flow_tuple(&v->key, v->icmp_id, &swapped);
	struct entry *e = *slot(&t->flows, t->seed, &tuple);

	if (e)
		drop(&t->flows, t->seed, e);
}

int nsg_tracker_remember_fragment(struct nsg_tracker *t, const struct nsg_track_view *v,
				  uint64_t time_ns, void *data)
{
	struct tuple tuple = fragment_tuple(v);
	uint64_t now_ns = time_ns > t->now_ns ? time_ns : t->now_ns;
	struct entry *e = find(&t->fragments, t->seed, &tuple, now_ns);

	if (!e)
		e = add(&t->fragments, t->seed, &tuple, now_ns);
	if (!e)
		return -ENOMEM;
	e->data = data;
	return 0;
}
