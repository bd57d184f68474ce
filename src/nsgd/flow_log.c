/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/flow_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/flows.h"
#include "nsgd/flow_writer.h"
#include "nsgd/log.h"
#include "observe/flow_origin.h"
#include "observe/flow_table.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/vec.h"

#define BLOCK_USEC 60000000u
#define MS_NS 1000000u
/* The prefix and Azure's longest name of a rule; longer ones are cut. */
#define RULE_BYTES 128
/* Azure's word where no rule decided. */
#define UNSPECIFIED "unspecified"

struct flow_log {
	struct instance *in;
	struct nsg_marks marks;
	struct nsg_flow_watch *watch;
	struct nsg_flow_dump *dump; /* NULL: no look is under way */
	struct nsg_flow_table *table;
	struct nsg_flow_block *block;
	struct flow_writer *writer;
	sd_event_source *events, *minute, *step;
	uint64_t block_ns; /* wall clock: when the block was begun */
	bool look;	   /* the kernel reported less than happened */
	/* Flows that were denied in this minute: their packets that are sent again have no tuple. */
	NSG_VEC(struct nsg_key) denied;
	struct nsg_hash by_key;
	uint64_t lost; /* tuples */
};

static uint64_t now_ms(void)
{
	return nsg_clock_ns(CLOCK_REALTIME) / MS_NS;
}

static void count(struct flow_log *f, int r)
{
	if (r < 0 && !f->lost++)
		log_warning("the flow log is incomplete: %s",
			    r == -ENOBUFS ? "there are too many flows" : strerror(-r));
}

/* ---- rules ----------------------------------------------------------------------------------- */

static struct nsg_flow_rule name_rule(const struct nsg_image *image, const struct nsg_decision *d,
				      char buffer[RULE_BYTES])
{
	struct nsg_flow_rule rule = {.name = buffer};

	(void)snprintf(buffer, RULE_BYTES, UNSPECIFIED);
	if (d->reason == NSG_REASON_ROUTE_NONE || d->reason == NSG_REASON_ROUTE_UNREACHABLE ||
	    d->reason == NSG_REASON_NOT_CARRIED) {
		/* Azure has no name for what is not a rule's denial. */
		(void)snprintf(buffer, RULE_BYTES, "PlatformRule_%s", nsg_reason_name(d->reason));
	} else if (d->rule != NSG_RULE_NONE && d->rule != NSG_RULE_NO_NSG) {
		struct nsg_image_rule r = nsg_image_rule(image, d->rule);

		rule.by_nsg = true;
		(void)snprintf(buffer, RULE_BYTES, "%s_%s",
			       r.is_default ? "DefaultRule" : "UserRule", r.name);
	} else if (d->admin) {
		struct nsg_image_rule r =
		    nsg_image_rule(nsg_image_admin(image), (uint16_t)(d->admin - 1));

		(void)snprintf(buffer, RULE_BYTES, "%s", r.name);
	}
	return rule;
}

/* ---- allowed flows --------------------------------------------------------------------------- */

static struct nsg_logged_flow flow_of(const struct flow_log *f, const struct nsg_kernel_flow *k)
{
	return (struct nsg_logged_flow){
	    .id = k->id,
	    .key = {.src_host = k->src_host,
		    .dst_host = k->dst_host,
		    .sport_host = k->sport_host,
		    .dport_host = k->dport_host,
		    .protocol = k->protocol},
	    .source_host = f->in->policy->engine.src_host,
	    .counts = {k->packets[0], k->bytes[0], k->packets[1], k->bytes[1]},
	};
}

/* The kernel remembers no rule: the policy in force tells it again, unless it would deny what an
 * earlier one allowed. Flows that do not enter the virtual network are in no log of it. */
static void begin(struct flow_log *f, const struct nsg_logged_flow *flow, uint64_t time_ms,
		  bool is_new)
{
	const struct nsg_image *image = f->in->policy->engine.image;
	struct nsg_flow_rule rule = {.name = UNSPECIFIED};
	struct nsg_key key = flow->key;
	char buffer[RULE_BYTES];
	struct nsg_decision d;

	key.src_host = flow->source_host;
	d = nsg_classify(image, &key);
	if (d.gate == NSG_GATE_BYPASS || d.gate == NSG_GATE_PLATFORM)
		return;
	if (d.verdict == NSG_VERDICT_ACCEPT)
		rule = name_rule(image, &d, buffer);
	count(f, nsg_flow_table_add(f->table, flow, &rule, time_ms, is_new, f->block));
}

/* Begins it if this is the first that is seen of it. False: it is not logged. */
static bool is_logged(struct flow_log *f, const struct nsg_kernel_flow *k,
		      const struct nsg_logged_flow *flow)
{
	if (!nsg_flow_table_has(f->table, flow))
		begin(f, flow, k->start_ns ? k->start_ns / MS_NS : now_ms(), true);
	return nsg_flow_table_has(f->table, flow);
}

static void on_flow(const struct nsg_kernel_flow *k, bool has_ended, void *data)
{
	struct flow_log *f = data;
	const struct nsg_logged_flow flow = flow_of(f, k);

	if (is_logged(f, k, &flow) && has_ended)
		count(f, nsg_flow_table_ended(f->table, &flow, now_ms(), f->block));
}

static void read_events(struct flow_log *f)
{
	if (nsg_flow_watch_read(f->watch, on_flow, f) < 0)
		f->look = true;
}

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	(void)source;
	(void)fd;
	(void)revents;
	read_events(data);
	return 0;
}

/* ---- looks at all flows ---------------------------------------------------------------------- */

static int found(const struct nsg_kernel_flow *k, void *data)
{
	struct flow_log *f = data;
	const struct nsg_logged_flow flow = flow_of(f, k);

	if (is_logged(f, k, &flow))
		count(f, nsg_flow_table_seen(f->table, &flow, now_ms(), f->block));
	return 0;
}

/* Flows from before this log have begun in no file of it. */
static int found_earlier(const struct nsg_kernel_flow *k, void *data)
{
	struct flow_log *f = data;
	const struct nsg_logged_flow flow = flow_of(f, k);

	if (!nsg_flow_table_has(f->table, &flow))
		begin(f, &flow, now_ms(), false);
	return 0;
}

/* Before the event loop runs. */
static void look_at_earlier(struct flow_log *f)
{
	int r = nsg_flow_dump_new(&f->marks, &f->dump);

	while (!r)
		r = nsg_flow_dump_next(f->dump, found_earlier, f);
	f->look = r < 0;
	f->dump = nsg_flow_dump_free(f->dump);
}

/* Counters of what goes on, and what the kernel did not report: begins to read all flows, some at a
 * time. False when there is no need. */
static bool begin_look(struct flow_log *f)
{
	if (!f->look && !nsg_flow_table_is_due(f->table, now_ms()))
		return false;
	f->look = true;
	if (f->dump || nsg_flow_dump_new(&f->marks, &f->dump) < 0)
		return false;
	nsg_flow_table_begin_look(f->table);
	return sd_event_source_set_enabled(f->step, SD_EVENT_ON) >= 0;
}

/* ---- denied flows ---------------------------------------------------------------------------- */

static bool is_key(const void *keys, uint32_t i, const void *key)
{
	return !memcmp((const struct nsg_key *)keys + i, key, sizeof(struct nsg_key));
}

static uint64_t hash_of(const struct nsg_key *k)
{
	return nsg_hash_u64(
	    nsg_hash_u64((uint64_t)k->src_host << 32 | k->dst_host) +
	    ((uint64_t)k->sport_host << 32 | (uint64_t)k->dport_host << 16 | k->protocol));
}

static bool is_denied_again(struct flow_log *f, const struct nsg_key *key)
{
	uint64_t hash = hash_of(key);
	uint32_t n = (uint32_t)f->denied.n;

	if (nsg_hash_find(&f->by_key, hash, is_key, f->denied.v, key) != NSG_HASH_NONE)
		return true;
	/* The block is full long before; the ring of a scan must not fill the memory instead. */
	if (n >= NSG_MAX_LOGGED_FLOWS)
		return false;
	/* without memory a tuple may be there twice */
	if (!nsg_vec_push(&f->denied, *key) && nsg_hash_add(&f->by_key, hash, n) < 0)
		f->denied.n = n;
	return false;
}

void flow_log_take(struct flow_log *f, const struct nsg_trace_record *record)
{
	const struct nsg_decision *d = &record->decision;
	char buffer[RULE_BYTES];
	struct nsg_flow_rule rule;
	struct nsg_flow_tuple tuple;

	/* the reasons after these are of packets, not of flows */
	if (!f || d->verdict != NSG_VERDICT_DROP || d->reason > NSG_REASON_NOT_CARRIED ||
	    record->direction != NSG_DIRECTION_EGRESS || is_denied_again(f, &record->key))
		return;
	rule = name_rule(record->image, d, buffer);
	tuple = (struct nsg_flow_tuple){
	    .time_ms = record->time_ns / MS_NS, .key = record->key, .state = NSG_FLOW_DENY};
	count(f, nsg_flow_block_add(f->block, rule.by_nsg, rule.name, &tuple));
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static int names_of(const struct flow_log *f, struct nsg_flow_names *ret)
{
	const struct nsg_effective *e = f->in->policy->snapshot->effective;
	const struct nsg_flow_source source = {
	    .nsg_format = f->in->conf_start->flow_log_nsg,
	    .vnet_id = e->vnet->id,
	    .vnet_name = e->vnet->name,
	    .location = e->vnet->location,
	    .nsg_id = e->nsg ? e->nsg->id : "",
	    .nsg_name = e->nsg				  ? e->nsg->name
			: f->in->conf_start->flow_log_nsg ? "none"
							  : "",
	    .addr_host = f->in->policy->engine.src_host,
	};

	return nsg_flow_names_init(&source, ret);
}

static void write_block(struct flow_log *f)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_REALTIME);
	struct nsg_flow_names names;
	char *path, *record;

	if (!nsg_flow_block_is_empty(f->block) && !names_of(f, &names)) {
		path = nsg_flow_names_path(&names, f->block_ns);
		record = nsg_flow_block_take(f->block, &names.origin, now_ns);
		flow_writer_give(f->writer, path, record);
		nsg_flow_names_done(&names);
	}
	f->block_ns = now_ns;
	nsg_vec_done(&f->denied);
	nsg_hash_done(&f->by_key);
}

/* At the start of the next minute of the wall clock. */
static uint64_t until_next_minute(void)
{
	return BLOCK_USEC - nsg_clock_ns(CLOCK_REALTIME) / 1000u % BLOCK_USEC;
}

/* One datagram of a look; after the last one the block is written. */
static int on_step(sd_event_source *source, void *data)
{
	struct flow_log *f = data;
	int r = nsg_flow_dump_next(f->dump, found, f);

	if (!r)
		return 0;
	f->look = r < 0;
	f->dump = nsg_flow_dump_free(f->dump);
	if (r > 0)
		count(f, nsg_flow_table_end_look(f->table, now_ms(), f->block));
	write_block(f);
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int on_minute(sd_event_source *source, uint64_t usec, void *data)
{
	struct flow_log *f = data;
	int r;

	(void)usec;
	if (!begin_look(f))
		write_block(f);
	r = sd_event_source_set_time_relative(source, until_next_minute());
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* After what cannot wait, like trace records. */
static int add_sources(struct flow_log *f, sd_event *event)
{
	int r;

	r = sd_event_add_io(event, &f->events, nsg_flow_watch_fd(f->watch), EPOLLIN, on_events, f);
	if (r < 0)
		return r;
	r = sd_event_source_set_priority(f->events, SD_EVENT_PRIORITY_IDLE);
	if (r < 0)
		return r;
	r = sd_event_add_defer(event, &f->step, on_step, f);
	if (r < 0)
		return r;
	r = sd_event_source_set_priority(f->step, SD_EVENT_PRIORITY_IDLE);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(f->step, SD_EVENT_OFF);
	if (r < 0)
		return r;
	return sd_event_add_time_relative(event, &f->minute, CLOCK_MONOTONIC, until_next_minute(),
					  0, on_minute, f);
}

static int open_log(struct flow_log *f, sd_event *event)
{
	int r;

	f->table = nsg_flow_table_new();
	f->block = nsg_flow_block_new(f->in->conf_start->flow_log_nsg);
	if (!f->table || !f->block)
		return -ENOMEM;
	r = nsg_marks_init(f->in->conf_start->mark_mask, &f->marks);
	if (r < 0)
		return r;
	r = nsg_flow_watch_new(&f->marks, &f->watch);
	if (r < 0)
		return r;
	r = flow_writer_new(event, f->in->conf_start->flow_log_directory, &f->writer);
	if (r < 0)
		return r;
	look_at_earlier(f);
	return add_sources(f, event);
}

int flow_log_new(sd_event *event, struct instance *in, struct flow_log **ret)
{
	struct flow_log *f;
	int r;

	*ret = NULL;
	if (!in->conf_start->flow_log_directory)
		return 0;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->in = in;
	f->block_ns = nsg_clock_ns(CLOCK_REALTIME);
	r = open_log(f, event);
	if (r < 0) {
		log_error("cannot start the flow log: %s", strerror(-r));
		(void)flow_log_free(f);
		return r;
	}
	if (access(in->conf_start->flow_log_directory, W_OK | X_OK) < 0)
		log_warning("the flow log in %s cannot be written: %s",
			    in->conf_start->flow_log_directory, strerror(errno));
	*ret = f;
	return 0;
}

json_t *flow_log_json(struct flow_log *f)
{
	if (!f)
		return json_null();
	return NSG_JSON_OBJECT(PAIR_S("directory", f->in->conf_start->flow_log_directory),
			       PAIR_I("flows", nsg_flow_table_size(f->table)),
			       PAIR_I("lost", f->lost),
			       PAIR_I("blocksLost", flow_writer_lost(f->writer)));
}

struct flow_log *flow_log_free(struct flow_log *f)
{
	if (!f)
		return NULL;
	if (f->writer) {
		read_events(f);
		write_block(f);
	}
	sd_event_source_disable_unref(f->events);
	sd_event_source_disable_unref(f->minute);
	sd_event_source_disable_unref(f->step);
	(void)flow_writer_free(f->writer);
	(void)nsg_flow_watch_free(f->watch);
	(void)nsg_flow_dump_free(f->dump);
	(void)nsg_flow_table_free(f->table);
	(void)nsg_flow_block_free(f->block);
	nsg_vec_done(&f->denied);
	nsg_hash_done(&f->by_key);
	free(f);
	return NULL;
}
