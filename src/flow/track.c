/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hash tables: flows by their ends in either order, fragments by the four fields of RFC 791.
 * Entries are in one array that grows up to the bound, linked by index in the chain of their
 * bucket. Index 0 is no entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "flow/track.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/names.h"

#define FRAGMENT_SECONDS 30 /* Linux's net.ipv4.ipfrag_time */
#define FIRST_ROOM 1024u    /* a power of two */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* The two ends; of a flow, the smaller (address, port) first. An IPv4 address is the first word. */
struct tuple {
	uint32_t addr[2][4];
	uint16_t port[2];
	uint16_t protocol; /* and 0x100 for IPv6 */
	uint16_t id;	   /* ICMP's, or a fragment's */
};

#define IP6 0x100u

struct entry {
	struct tuple tuple;
	uint64_t seen_ns;
	uint32_t chain;
	bool recent;	/* seen since the hand passed */
	bool swapped;	/* the first packet went from end 1 to end 0 */
	bool midstream; /* it began before the capture */
	bool opening;	/* nothing but its SYN, perhaps retransmitted */
	struct nsg_track_data data;
};

struct table {
	struct entry *entries; /* n + 1 of room are used */
	uint32_t *buckets;     /* twice room of them: short chains */
	uint32_t n, room, max;
	uint32_t hand; /* the entry that is looked at next when one must go */
	uint64_t timeout_ns, evicted;
};

struct nsg_tracker {
	struct table flows, fragments;
	uint64_t seed; /* keeps a hostile capture from choosing one bucket for all its flows */
	void (*ended)(void *closure, const struct nsg_track_flow *flow);
	void *closure;
};

/* ---- a table -------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t seed, const struct tuple *t)
{
	uint64_t words[5];
	uint64_t h = seed;

	_Static_assert(sizeof(*t) == sizeof(words), "no padding to hash");
	memcpy(words, t, sizeof(words));
	for (size_t i = 0; i < 5; i++) {
		h ^= words[i];
		h *= 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
		h += seed;
	}
	return h * 0xff51afd7ed558ccdu >> 20;
}

static uint32_t *bucket(const struct table *t, uint64_t h)
{
	return &t->buckets[h & (2 * t->room - 1)];
}

/* NULL: not there. */
static struct entry *look_up(const struct table *t, uint64_t h, const struct tuple *tuple)
{
	uint32_t i = *bucket(t, h);

	while (i && memcmp(&t->entries[i].tuple, tuple, sizeof(*tuple)) != 0)
		i = t->entries[i].chain;
	return i ? &t->entries[i] : NULL;
}

static void touch(struct entry *e, uint64_t time_ns)
{
	if (time_ns > e->seen_ns) /* captures of several interfaces are not strictly in order */
		e->seen_ns = time_ns;
	e->recent = true;
}

static bool is_idle(const struct table *t, const struct entry *e, uint64_t time_ns)
{
	return time_ns > e->seen_ns && time_ns - e->seen_ns > t->timeout_ns;
}

static int grow(struct table *t, uint64_t seed)
{
	uint32_t room = t->room * 2;
	struct entry *entries = realloc(t->entries, (room + 1) * sizeof(*entries));
	uint32_t *buckets;

	if (!entries)
		return -ENOMEM;
	t->entries = entries;
	buckets = calloc(2 * (size_t)room, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(t->buckets);
	t->buckets = buckets;
	t->room = room;
	for (uint32_t i = 1; i <= t->n; i++) {
		uint32_t *at = bucket(t, hash(seed, &entries[i].tuple));

		entries[i].chain = *at;
		*at = i;
	}
	return 0;
}

/* Takes an entry out of the table that was not seen for a while: the clock algorithm, which costs a
 * packet one store where a list of all entries in order would cost it three cache misses. */
static struct entry *evict(struct table *t, uint64_t seed)
{
	struct entry *e;
	uint32_t *at;

	for (;;) {
		t->hand = t->hand == t->n ? 1 : t->hand + 1;
		e = &t->entries[t->hand];
		if (!e->recent)
			break;
		e->recent = false;
	}
	at = bucket(t, hash(seed, &e->tuple));
	while (*at != t->hand)
		at = &t->entries[*at].chain;
	*at = e->chain;
	t->evicted++;
	return e;
}

static bool is_full(const struct table *t)
{
	return t->n == t->max;
}

/* The table is not full, or `evicted` is an entry that was taken out. */
static struct entry *add(struct table *t, uint64_t seed, struct entry *evicted,
			 const struct tuple *tuple, uint64_t time_ns)
{
	struct entry *e = evicted;
	uint32_t *at;

	if (!e) {
		if (t->n == t->room && grow(t, seed) < 0)
			return NULL;
		e = &t->entries[++t->n];
	}
	at = bucket(t, hash(seed, tuple));
	*e = (struct entry){.tuple = *tuple, .seen_ns = time_ns, .chain = *at, .recent = true};
	*at = (uint32_t)(e - t->entries);
	return e;
}

static int table_init(struct table *t, uint32_t max, uint64_t timeout_ns)
{
	t->room = FIRST_ROOM;
	t->max = max;
	t->timeout_ns = timeout_ns;
	t->entries = calloc(t->room + 1, sizeof(*t->entries));
	t->buckets = calloc(2 * (size_t)t->room, sizeof(*t->buckets));
	return t->entries && t->buckets ? 0 : -ENOMEM;
}

static void table_done(struct table *t)
{
	free(t->entries);
	free(t->buckets);
}

/* ---- tuples --------------------------------------------------------------------------------- */

/* One tuple for both directions of a flow; *ret_swapped: the packet goes from end 1 to end 0. */
static struct tuple ip4_tuple(const struct nsg_key *key, uint16_t icmp_id, bool *ret_swapped)
{
	bool swap = key->src_host > key->dst_host ||
		    (key->src_host == key->dst_host && key->sport_host > key->dport_host);
	struct tuple t = {
	    .port = {swap ? key->dport_host : key->sport_host,
		     swap ? key->sport_host : key->dport_host},
	    .protocol = key->protocol,
	    .id = icmp_id,
	};

	t.addr[0][0] = swap ? key->dst_host : key->src_host;
	t.addr[1][0] = swap ? key->src_host : key->dst_host;
	*ret_swapped = swap;
	return t;
}

static struct tuple flow_tuple(const struct nsg_track_view *v, bool *ret_swapped)
{
	int order = v->is_ip6 ? memcmp(v->src6, v->dst6, sizeof(v->src6)) : 0;
	struct tuple t;

	if (!v->is_ip6)
		return ip4_tuple(&v->key, v->icmp_id, ret_swapped);
	t = ip4_tuple(&v->key, v->icmp_id, ret_swapped);
	if (order) {
		*ret_swapped = order > 0;
		t.port[order > 0] = v->key.sport_host;
		t.port[order < 0] = v->key.dport_host;
	}
	memcpy(t.addr[*ret_swapped], v->src6, sizeof(v->src6));
	memcpy(t.addr[!*ret_swapped], v->dst6, sizeof(v->dst6));
	t.protocol |= IP6;
	return t;
}

static struct tuple fragment_tuple(const struct nsg_track_view *v)
{
	struct tuple t = {.protocol = v->key.protocol, .id = v->ip_id};

	t.addr[0][0] = v->key.src_host;
	t.addr[1][0] = v->key.dst_host;
	return t;
}

/* ---- the tracker ---------------------------------------------------------------------------- */

struct nsg_tracker *nsg_tracker_new(uint32_t flow_timeout_minutes, uint32_t max_flows,
				    void (*ended)(void *closure, const struct nsg_track_flow *flow),
				    void *closure)
{
	struct nsg_tracker *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ended = ended;
	t->closure = closure;
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uintptr_t)t;
	if (table_init(&t->flows, max_flows, (uint64_t)flow_timeout_minutes * 60 * NSG_NS_PER_SEC) <
		0 ||
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

static void end_flow(const struct nsg_tracker *t, const struct entry *e)
{
	const struct tuple *tuple = &e->tuple;
	bool src = e->swapped;
	struct nsg_track_flow flow = {
	    .key = {.sport_host = tuple->port[src],
		    .dport_host = tuple->port[!src],
		    .protocol = (uint8_t)tuple->protocol},
	    .is_ip6 = tuple->protocol & IP6,
	    .data = &e->data,
	};

	if (!t->ended)
		return;
	if (flow.is_ip6) {
		memcpy(flow.src6, tuple->addr[src], sizeof(flow.src6));
		memcpy(flow.dst6, tuple->addr[!src], sizeof(flow.dst6));
	} else {
		flow.key.src_host = tuple->addr[src][0];
		flow.key.dst_host = tuple->addr[!src][0];
	}
	t->ended(t->closure, &flow);
}

void nsg_tracker_end(struct nsg_tracker *t)
{
	for (uint32_t i = 1; i <= t->flows.n; i++)
		end_flow(t, &t->flows.entries[i]);
}

uint64_t nsg_tracker_evicted(const struct nsg_tracker *t)
{
	return t->flows.evicted;
}

static bool opens(const struct nsg_track_view *v)
{
	return v->key.protocol != NSG_PROTOCOL_TCP ||
	       (v->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/* A bare SYN begins a flow, whatever was decided on its tuple before. So does a packet after the
 * timeout, but not of a flow older than the capture, and not the answer to a TCP flow. */
static bool begins_again(const struct table *t, const struct entry *e,
			 const struct nsg_track_view *v, bool swapped, uint64_t time_ns)
{
	if (v->key.protocol == NSG_PROTOCOL_TCP && opens(v))
		return true;
	if (!is_idle(t, e, time_ns))
		return false;
	return v->key.protocol != NSG_PROTOCOL_TCP || (!e->midstream && e->swapped == swapped);
}

static int see_new(struct nsg_tracker *t, const struct tuple *tuple, bool swapped, bool midstream,
		   uint64_t time_ns, struct nsg_track_data **ret_data)
{
	struct entry *e = NULL;

	if (is_full(&t->flows)) {
		e = evict(&t->flows, t->seed);
		end_flow(t, e);
	}
	e = add(&t->flows, t->seed, e, tuple, time_ns);
	if (!e)
		return -ENOMEM;
	e->swapped = swapped;
	e->midstream = midstream && !t->flows.evicted;
	e->opening = tuple->protocol == NSG_PROTOCOL_TCP && !midstream;
	*ret_data = &e->data;
	return e->midstream ? NSG_TRACK_MIDSTREAM : NSG_TRACK_FIRST;
}

void nsg_tracker_prefetch(const struct nsg_tracker *t, struct nsg_track_view *v)
{
	bool swapped;
	struct tuple tuple = flow_tuple(v, &swapped);

	v->hash = hash(t->seed, &tuple);
	__builtin_prefetch(bucket(&t->flows, v->hash));
}

void nsg_tracker_prefetch_entry(const struct nsg_tracker *t, const struct nsg_track_view *v)
{
	const struct entry *e = &t->flows.entries[*bucket(&t->flows, v->hash)];

	__builtin_prefetch(e, 1);
	__builtin_prefetch((const char *)(e + 1) - 1, 1);
}

static int see_flow(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		    struct nsg_track_data **ret_data)
{
	bool swapped;
	struct tuple tuple = flow_tuple(v, &swapped);
	struct entry *e = look_up(&t->flows, v->hash ? v->hash : hash(t->seed, &tuple), &tuple);
	int role;

	if (!e)
		return see_new(t, &tuple, swapped, !opens(v), time_ns, ret_data);
	role = e->swapped == swapped ? NSG_TRACK_LATER : NSG_TRACK_REPLY;
	if (begins_again(&t->flows, e, v, swapped, time_ns)) {
		if (!e->opening || e->swapped != swapped) {
			end_flow(t, e);
			e->data = (struct nsg_track_data){0};
		}
		e->swapped = swapped;
		e->midstream = false;
		e->opening = v->key.protocol == NSG_PROTOCOL_TCP;
		role = NSG_TRACK_FIRST;
	} else {
		e->opening = false;
	}
	touch(e, time_ns);
	*ret_data = &e->data;
	return role;
}

static int see_error(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		     struct nsg_track_data **ret_data)
{
	bool swapped;
	struct tuple tuple = ip4_tuple(&v->inner, v->inner_icmp_id, &swapped);
	struct entry *e = look_up(&t->flows, hash(t->seed, &tuple), &tuple);

	if (!e)
		return see_flow(t, v, time_ns, ret_data);
	*ret_data = &e->data;
	return NSG_TRACK_REPLY;
}

static struct entry *find_fragment(struct nsg_tracker *t, const struct nsg_track_view *v,
				   uint64_t time_ns)
{
	struct tuple tuple = fragment_tuple(v);
	struct entry *e = look_up(&t->fragments, hash(t->seed, &tuple), &tuple);

	return e && !is_idle(&t->fragments, e, time_ns) ? e : NULL;
}

int nsg_tracker_see(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		    struct nsg_track_data **ret_data)
{
	struct entry *e;

	*ret_data = NULL;
	if (!v->later_fragment)
		return v->icmp_error ? see_error(t, v, time_ns, ret_data)
				     : see_flow(t, v, time_ns, ret_data);
	e = find_fragment(t, v, time_ns);
	if (!e)
		return NSG_TRACK_ORPHAN;
	touch(e, time_ns);
	*ret_data = &e->data;
	return NSG_TRACK_FRAGMENT;
}

int nsg_tracker_remember_fragment(struct nsg_tracker *t, const struct nsg_track_view *v,
				  uint64_t time_ns, const struct nsg_track_data *data)
{
	struct tuple tuple = fragment_tuple(v);
	struct entry *e = look_up(&t->fragments, hash(t->seed, &tuple), &tuple);

	if (!e)
		e = add(&t->fragments, t->seed,
			is_full(&t->fragments) ? evict(&t->fragments, t->seed) : NULL, &tuple,
			time_ns);
	if (!e)
		return -ENOMEM;
	touch(e, time_ns);
	e->data = *data;
	return 0;
}
