/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's clients that trace. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "nsgd/server_priv.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/limits.h"

/* Unsent trace bytes of a slow client; above this it misses records. */
#define TRACE_BACKLOG_BYTES (4u << 20)

void server_packet_filters(const struct server *s, struct nsg_packet_filters *ret)
{
	ret->n = 0;
	for (const struct connection *c = s->connections; c && ret->n < NSG_MAX_PACKET_FILTERS;
	     c = c->next)
		if (c->filter)
			ret->v[ret->n++] = *c->filter;
}

uint64_t server_trace_lost(const struct server *s)
{
	return s->trace_lost;
}

bool server_wants_trace(const struct server *s)
{
	for (const struct connection *c = s->connections; c; c = c->next)
		if (c->trace)
			return true;
	return false;
}

bool server_wants_payload(const struct server *s)
{
	for (const struct connection *c = s->connections; c; c = c->next)
		if (c->trace && c->payload)
			return true;
	return false;
}

static bool line_of(struct nsg_line *l, const struct nsg_trace_record *record,
		    const struct nsg_line_origin *origin, bool payload)
{
	return nsg_line_record(l, record, origin, payload, "{\"data\":", "}\n") == 0 &&
	       l->text.n <= NSG_MAX_CONTROL_FRAME_BYTES;
}

static bool is_full(const struct connection *c)
{
	return c->out.n - c->sent > TRACE_BACKLOG_BYTES;
}

/* How many decisions the client missed since the one before. */
static int put_lost(struct connection *c)
{
	char line[64];
	int n, r;

	if (!c->lost || is_full(c))
		return 0;
	n = snprintf(line, sizeof(line), "{\"data\":{\"lost\":%" PRIu64 "}}\n", c->lost);
	r = connection_append(c, line, (size_t)n);
	if (r == 0)
		c->lost = 0;
	return r;
}

static bool same_policy(const struct nsg_image_info *a, const struct nsg_image_info *b)
{
	return a->nsg_hash == b->nsg_hash && a->route_hash == b->route_hash &&
	       a->gate_hash == b->gate_hash;
}

/* Before the first decision of another policy: {"policy":…}. */
static int put_policy(struct connection *c, const struct nsg_image *image)
{
	struct nsg_image_info info = nsg_image_info(image);
	cleanup_json json_t *item = NULL;
	cleanup_free char *line = NULL;
	json_t *policy;
	size_t n;
	int r;

	if (same_policy(&info, &c->decided_by))
		return 0;
	policy = c->server->ops->policy(c->server->closure, image);
	if (!policy)
		return 0;
	item = NSG_JSON_OBJECT(PAIR_J("policy", policy));
	r = item ? nsg_control_data_line(item, &line, &n) : -ENOMEM;
	if (r == 0)
		r = connection_append(c, line, n);
	if (r == 0)
		c->decided_by = info;
	return r;
}

void server_trace(struct server *s, const struct nsg_trace_record *record,
		  const struct nsg_line_origin *origin)
{
	bool dropped = record->decision.verdict == NSG_VERDICT_DROP;
	bool made[2] = {line_of(&s->lines[0], record, origin, false), false};

	if (made[0])
		history_add(s->kept, dropped, s->lines[0].text.v, s->lines[0].text.n);
	if (server_wants_payload(s))
		made[1] = line_of(&s->lines[1], record, origin, true);
	for (struct connection *c = s->connections; c; c = c->next) {
		const struct nsg_line *l = &s->lines[c->payload];

		if (!c->trace || c->closing || (c->dropped_only && !dropped))
			continue;
		if (!made[c->payload] || is_full(c) || put_lost(c) < 0 ||
		    (c->policy && put_policy(c, record->image) < 0) ||
		    connection_append(c, l->text.v, l->text.n) < 0) {
			c->lost++;
			s->trace_lost++;
		}
	}
}

void server_trace_missed(struct server *s, uint64_t n)
{
	for (struct connection *c = s->connections; c; c = c->next)
		c->lost += c->trace ? n : 0;
}

void server_flush_trace(struct server *s)
{
	for (struct connection *c = s->connections; c; c = c->next)
		if (c->trace && !c->closing && put_lost(c) == 0)
			connection_flush(c);
}
