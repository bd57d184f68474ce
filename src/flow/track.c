/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hash tables: flows by their ends in either order, fragments by the four fields of RFC 791.
 * Entries are in one array that grows up to the bound, linked by index in the chain of their
 * bucket. Index 0 is no entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "flow/track.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/names.h"

#define FRAGMENT_SECONDS 30 /* Linux's net.ipv4.ipfrag_time */
#define FIRST_ROOM 1024u    /* a power of two */
#define LARGE_PAGE ((size_t)2 << 20)

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* In the protocol of a tuple: IPv6. */
#define IP6 0x100u

struct entry {
	struct nsg_track_tuple tuple;
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
	uint64_t seed[4]; /* keeps a hostile capture from choosing one bucket for all its flows */
	void (*ended)(void *closure, const struct nsg_track_flow *flow);
	void *closure;
};

/* ---- a table -------------------------------------------------------------------------------- */

static uint64_t multiply(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash(const uint64_t seed[static 4], const struct nsg_track_tuple *t)
{
	uint64_t h = multiply(t->addr[0][0] ^ seed[0], t->addr[1][0] ^ seed[1]) ^
		     multiply(t->addr[0][1] ^ seed[2], t->addr[1][1] ^ seed[3]);

	return multiply(h ^ t->rest, seed[3] | 1);
}

static bool is_same(const struct nsg_track_tuple *a, const struct nsg_track_tuple *b)
{
	return !((a->addr[0][0] ^ b->addr[0][0]) | (a->addr[0][1] ^ b->addr[0][1]) |
		 (a->addr[1][0] ^ b->addr[1][0]) | (a->addr[1][1] ^ b->addr[1][1]) |
		 (a->rest ^ b->rest));
}

static uint32_t *bucket(const struct table *t, uint64_t h)
{
	return &t->buckets[h & (2 * t->room - 1)];
}

/* NULL: not there. */
static struct entry *look_up(const struct table *t, uint64_t h, const struct nsg_track_tuple *tuple)
{
	uint32_t i = *bucket(t, h);

	while (i && !is_same(&t->entries[i].tuple, tuple))
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

/* A large table in large pages: with small ones most packets would wait for the address of a page. */
static void *allocate(size_t n)
{
	void *p;

	if (n < LARGE_PAGE)
		return malloc(n);
	p = aligned_alloc(LARGE_PAGE, (n + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE);
	if (p)
		(void)madvise(p, n, MADV_HUGEPAGE);
	return p;
}

static void chain_all(struct table *t, const uint64_t *seed)
{
	memset(t->buckets, 0, 2 * (size_t)t->room * sizeof(*t->buckets));
	for (uint32_t i = 1; i <= t->n; i++) {
		uint32_t *at = bucket(t, hash(seed, &t->entries[i].tuple));

		t->entries[i].chain = *at;
		*at = i;
	}
}

static int set_room(struct table *t, const uint64_t *seed, uint32_t room)
{
	struct entry *entries = allocate((room + (size_t)1) * sizeof(*entries));
	uint32_t *buckets = allocate(2 * (size_t)room * sizeof(*buckets));

	if (!entries || !buckets) {
		free(entries);
		free(buckets);
		return -ENOMEM;
	}
	if (t->n)
		memcpy(entries, t->entries, (t->n + (size_t)1) * sizeof(*entries));
	free(t->entries);
	free(t->buckets);
	t->entries = entries;
	t->buckets = buckets;
	t->room = room;
	chain_all(t, seed);
	return 0;
}

/* Takes an entry out of the table that was not seen for a while: the clock algorithm, which costs a
 * packet one store where a list of all entries in order would cost it three cache misses. */
static struct entry *evict(struct table *t, const uint64_t *seed)
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
static struct entry *add(struct table *t, const uint64_t *seed, struct entry *evicted,
			 const struct nsg_track_tuple *tuple, uint64_t time_ns)
{
	struct entry *e = evicted;
	uint32_t *at;

	if (!e) {
		if (t->n == t->room && set_room(t, seed, t->room * 2) < 0)
			return NULL;
		e = &t->entries[++t->n];
	}
	at = bucket(t, hash(seed, tuple));
	*e = (struct entry){.tuple = *tuple, .seen_ns = time_ns, .chain = *at, .recent = true};
	*at = (uint32_t)(e - t->entries);
	return e;
}

static int table_init(struct table *t, const uint64_t *seed, uint32_t max, uint64_t timeout_ns)
{
	t->max = max;
	t->timeout_ns = timeout_ns;
	return set_room(t, seed, FIRST_ROOM);
}

static void table_done(struct table *t)
{
	free(t->entries);
	free(t->buckets);
}

/* ---- tuples --------------------------------------------------------------------------------- */

static uint64_t rest_of(uint16_t port0, uint16_t port1, unsigned int protocol, uint16_t id)
{
	return (uint64_t)port0 | (uint64_t)port1 << 16 | (uint64_t)protocol << 32 |
	       (uint64_t)id << 48;
}

/* Without a branch: which end is the smaller cannot be predicted. */
static inline struct nsg_track_tuple ip4_tuple(const struct nsg_key *key, uint16_t icmp_id,
					       bool *ret_swapped)
{
	uint64_t src = (uint64_t)key->src_host << 16 | key->sport_host;
	uint64_t dst = (uint64_t)key->dst_host << 16 | key->dport_host;
	uint64_t low = src > dst ? dst : src, high = src > dst ? src : dst;

	*ret_swapped = src > dst;
	return (struct nsg_track_tuple){
	    .addr = {{low >> 16}, {high >> 16}},
	    .rest = rest_of((uint16_t)low, (uint16_t)high, key->protocol, icmp_id),
	};
}

static struct nsg_track_tuple ip6_tuple(const struct nsg_track_view *v, bool *ret_swapped)
{
	uint16_t sport = v->key.sport_host, dport = v->key.dport_host;
	int order = memcmp(v->src6, v->dst6, sizeof(v->src6));
	bool swap = order ? order > 0 : sport > dport;
	struct nsg_track_tuple t = {.rest = rest_of(swap ? dport : sport, swap ? sport : dport,
						    v->key.protocol | IP6, v->icmp_id)};

	memcpy(t.addr[swap], v->src6, sizeof(v->src6));
	memcpy(t.addr[!swap], v->dst6, sizeof(v->dst6));
	*ret_swapped = swap;
	return t;
}

static struct nsg_track_tuple flow_tuple(const struct nsg_track_view *v, bool *ret_swapped)
{
	return v->is_ip6 ? ip6_tuple(v, ret_swapped) : ip4_tuple(&v->key, v->icmp_id, ret_swapped);
}

static struct nsg_track_tuple fragment_tuple(const struct nsg_track_view *v)
{
	return (struct nsg_track_tuple){
	    .addr = {{v->key.src_host}, {v->key.dst_host}},
	    .rest = rest_of(0, 0, v->key.protocol, v->ip_id),
	};
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
	if (getrandom(t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed[0] = t->seed[1] = (uintptr_t)t;
	if (table_init(&t->flows, t->seed, max_flows,
		       (uint64_t)flow_timeout_minutes * 60 * NSG_NS_PER_SEC) < 0 ||
	    table_init(&t->fragments, t->seed, NSG_MAX_TRACKED_FRAGMENTS,
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
	const struct nsg_track_tuple *tuple = &e->tuple;
	bool src = e->swapped;
	struct nsg_track_flow flow = {
	    .key = {.sport_host = (uint16_t)(tuple->rest >> (src ? 16 : 0)),
		    .dport_host = (uint16_t)(tuple->rest >> (src ? 0 : 16)),
		    .protocol = (uint8_t)(tuple->rest >> 32)},
	    .is_ip6 = tuple->rest >> 32 & IP6,
	    .data = &e->data,
	};

	if (!t->ended)
		return;
	if (flow.is_ip6) {
		memcpy(flow.src6, tuple->addr[src], sizeof(flow.src6));
		memcpy(flow.dst6, tuple->addr[!src], sizeof(flow.dst6));
	} else {
		flow.key.src_host = (uint32_t)tuple->addr[src][0];
		flow.key.dst_host = (uint32_t)tuple->addr[!src][0];
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

static void find_place(const struct nsg_tracker *t, const struct nsg_track_view *v,
		       struct nsg_track_place *ret)
{
	struct nsg_track_tuple tuple = flow_tuple(v, &ret->swapped);

	ret->tuple = tuple;
	ret->hash = hash(t->seed, &tuple) | 1ull << 63; /* a bit that no bucket depends on: not 0 */
}

void nsg_tracker_prefetch(const struct nsg_tracker *t, struct nsg_track_view *v)
{
	find_place(t, v, &v->place);
	__builtin_prefetch(bucket(&t->flows, v->place.hash));
}

void nsg_tracker_prefetch_entry(const struct nsg_tracker *t, const struct nsg_track_view *v)
{
	const struct entry *e = &t->flows.entries[*bucket(&t->flows, v->place.hash)];

	__builtin_prefetch(e, 1);
	__builtin_prefetch((const char *)(e + 1) - 1, 1);
}

static int see_new(struct nsg_tracker *t, const struct nsg_track_place *p, bool tcp, bool midstream,
		   uint64_t time_ns, struct nsg_track_data **ret_data)
{
	struct entry *e = NULL;

	if (is_full(&t->flows)) {
		e = evict(&t->flows, t->seed);
		end_flow(t, e);
	}
	e = add(&t->flows, t->seed, e, &p->tuple, time_ns);
	if (!e)
		return -ENOMEM;
	e->swapped = p->swapped;
	e->midstream = midstream && !t->flows.evicted;
	e->opening = tcp && !midstream;
	*ret_data = &e->data;
	return e->midstream ? NSG_TRACK_MIDSTREAM : NSG_TRACK_FIRST;
}

static int see_flow(struct nsg_tracker *t, const struct nsg_track_view *v, uint64_t time_ns,
		    struct nsg_track_data **ret_data)
{
	const struct nsg_track_place *p = &v->place;
	bool tcp = v->key.protocol == NSG_PROTOCOL_TCP;
	struct nsg_track_place made;
	struct entry *e;
	int role;

	if (!p->hash) {
		find_place(t, v, &made);
		p = &made;
	}
	e = look_up(&t->flows, p->hash, &p->tuple);
	if (!e)
		return see_new(t, p, tcp, !opens(v), time_ns, ret_data);
	role = e->swapped == p->swapped ? NSG_TRACK_LATER : NSG_TRACK_REPLY;
	if (begins_again(&t->flows, e, v, p->swapped, time_ns)) {
		if (!e->opening || e->swapped != p->swapped) {
			end_flow(t, e);
			e->data = (struct nsg_track_data){0};
		}
		e->swapped = p->swapped;
		e->midstream = false;
		e->opening = tcp;
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
	struct nsg_track_tuple tuple = ip4_tuple(&v->inner, v->inner_icmp_id, &swapped);
	struct entry *e = look_up(&t->flows, hash(t->seed, &tuple), &tuple);

	if (!e)
		return see_flow(t, v, time_ns, ret_data);
	*ret_data = &e->data;
	return NSG_TRACK_REPLY;
}

static struct entry *find_fragment(struct nsg_tracker *t, const struct nsg_track_view *v,
				   uint64_t time_ns)
{
	struct nsg_track_tuple tuple = fragment_tuple(v);
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
	struct nsg_track_tuple tuple = fragment_tuple(v);
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
