/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/decision_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nsgd/log.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/ip.h"
#include "util/names.h"

/* Lines per second; more would hide the other messages in the journal. */
#define LINES_A_SECOND 1000
#define SUM_NS (60 * (uint64_t)NSG_NS_PER_SEC)
/* Rules and destinations at a time: the sum of the oldest is written when a set is full. */
#define SETS 256u
#define WAYS 4u

/* What flows of one line have in common. */
struct kind {
	uint32_t dst_host;
	uint16_t dport_host, rule, admin;
	uint8_t protocol, reason;
	uint32_t enforced;
};
_Static_assert(sizeof(struct kind) == 16, "no padding: it is compared as bytes");

struct denial {
	struct kind kind;
	uint64_t begin_ns;	  /* CLOCK_MONOTONIC; 0: not in use */
	uint64_t more;		  /* flows since the line */
	uint16_t last_sport_host; /* a packet of the same flow is not another flow */
	char *text, *fields;	  /* of the sum, without its number */
};

static struct {
	struct denial v[SETS][WAYS];
	const struct nsg_image *image; /* whose rules the kinds name */
	uint64_t nsg_hash, route_hash;
} denials;

static bool admit(void)
{
	static uint64_t second, n, cut;
	uint64_t now = nsg_clock_ns(CLOCK_MONOTONIC) / NSG_NS_PER_SEC;

	if (now != second) {
		second = now;
		if (cut)
			log_notice("%" PRIu64 " more decisions were not logged", cut);
		n = cut = 0;
	}
	if (n < LINES_A_SECOND) {
		n++;
		return true;
	}
	cut++;
	return false;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* A name from a document must not begin a line of its own, where standard error is not the journal. */
static void put_name(FILE *f, const char *name)
{
	for (; *name; name++)
		(void)fputc((unsigned char)*name < ' ' ? ' ' : *name, f);
}

static void put_named_rule(FILE *f, const char *kind, const struct nsg_image_rule *rule)
{
	(void)fprintf(f, ", %s ", kind);
	put_name(f, rule->name);
	(void)fprintf(f, " (%u)", rule->priority);
}

static void put_rule(FILE *f, const struct nsg_image *image, uint16_t index)
{
	struct nsg_image_rule rule;

	if (index == NSG_RULE_NONE || index == NSG_RULE_NO_NSG)
		return;
	rule = nsg_image_rule(image, index);
	put_named_rule(f, "rule", &rule);
}

static void put_admin_rule(FILE *f, const struct nsg_image *image, uint16_t number)
{
	struct nsg_image_rule rule;

	if (!number)
		return;
	rule = nsg_image_rule(nsg_image_admin(image), number - 1);
	put_named_rule(f, "admin rule", &rule);
}

static void put_route(FILE *f, const struct nsg_image *image, uint32_t index)
{
	char prefix[NSG_PREFIX_TEXT];
	struct nsg_image_route route;

	if (index == NSG_ROUTE_NONE)
		return;
	route = nsg_image_route(image, index);
	nsg_prefix_format(route.prefix, prefix);
	(void)fprintf(f, ", route %s %s", prefix, nsg_hop_type_name(route.hop_type));
	if (!route.name)
		return;
	(void)fputc(' ', f);
	put_name(f, route.name);
}

static void put_protocol(FILE *f, uint8_t protocol)
{
	const char *name = nsg_protocol_name(protocol);

	if (name)
		(void)fputs(name, f);
	else
		(void)fprintf(f, "%u", protocol);
}

static void put_end(FILE *f, uint8_t protocol, uint32_t addr_host, uint16_t port_host)
{
	char address[NSG_IP4_TEXT];

	nsg_ip4_format(addr_host, address);
	(void)fputs(address, f);
	if (nsg_protocol_has_ports(protocol))
		(void)fprintf(f, ":%u", port_host);
}

/* `flow`: with the source. */
static void put_text(FILE *f, const struct nsg_trace_record *r, bool flow)
{
	const struct nsg_key *key = &r->key;
	bool drop = r->decision.verdict == NSG_VERDICT_DROP;

	(void)fprintf(f, "%s: %s ", drop ? (r->enforced ? "drop" : "would drop") : "accept",
		      nsg_reason_name(r->decision.reason));
	put_protocol(f, key->protocol);
	(void)fputc(' ', f);
	if (flow) {
		put_end(f, key->protocol, key->src_host, key->sport_host);
		(void)fputc(' ', f);
	}
	(void)fputs("-> ", f);
	put_end(f, key->protocol, key->dst_host, key->dport_host);
	put_admin_rule(f, r->image, r->decision.admin);
	put_rule(f, r->image, r->decision.rule);
	put_route(f, r->image, r->decision.route);
}

/* ---- fields ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put_field(FILE *f, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	/* a name from a document must not begin a field of its own */
	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	if (text)
		(void)fprintf(f, "%s\n", text);
}

static void put_rule_fields(FILE *f, const struct nsg_trace_record *r)
{
	struct nsg_image_rule rule;

	if (r->decision.rule != NSG_RULE_NONE && r->decision.rule != NSG_RULE_NO_NSG) {
		rule = nsg_image_rule(r->image, r->decision.rule);
		put_field(f, "NSGD_RULE=%s", rule.name);
		put_field(f, "NSGD_PRIORITY=%u", rule.priority);
	}
	if (r->decision.admin) {
		rule = nsg_image_rule(nsg_image_admin(r->image), r->decision.admin - 1);
		put_field(f, "NSGD_ADMIN_RULE=%s", rule.name);
	}
}

static void put_route_fields(FILE *f, const struct nsg_trace_record *r)
{
	char prefix[NSG_PREFIX_TEXT], address[NSG_IP4_TEXT];
	struct nsg_image_route route;

	if (r->decision.route == NSG_ROUTE_NONE)
		return;
	route = nsg_image_route(r->image, r->decision.route);
	nsg_prefix_format(route.prefix, prefix);
	put_field(f, "NSGD_ROUTE=%s", prefix);
	(void)fprintf(f, "NSGD_NEXT_HOP=%s", nsg_hop_type_name(route.hop_type));
	for (uint32_t i = 0; i < route.n_hops; i++) {
		nsg_ip4_format(route.hops_host[i], address);
		(void)fprintf(f, " %s", address);
	}
	(void)fputc('\n', f);
}

static void put_fields(FILE *f, const struct nsg_trace_record *r, bool flow)
{
	const char *gate = nsg_gate_name((enum nsg_gate)r->decision.gate);
	const struct nsg_key *key = &r->key;
	char address[NSG_IP4_TEXT];

	put_field(f, "NSGD_VERDICT=%s", nsg_verdict_name((enum nsg_verdict)r->decision.verdict));
	put_field(f, "NSGD_REASON=%s", nsg_reason_name((enum nsg_reason)r->decision.reason));
	put_field(f, "NSGD_ENFORCED=%s", r->enforced ? "yes" : "no");
	if (gate)
		put_field(f, "NSGD_GATE=%s", gate);
	put_rule_fields(f, r);
	put_route_fields(f, r);
	(void)fputs("NSGD_PROTOCOL=", f);
	put_protocol(f, key->protocol);
	nsg_ip4_format(key->dst_host, address);
	(void)fprintf(f, "\nNSGD_DST=%s\n", address);
	if (nsg_protocol_has_ports(key->protocol))
		(void)fprintf(f, "NSGD_DST_PORT=%u\n", key->dport_host);
	if (!flow)
		return;
	nsg_ip4_format(key->src_host, address);
	(void)fprintf(f, "NSGD_SRC=%s\n", address);
	if (nsg_protocol_has_ports(key->protocol))
		(void)fprintf(f, "NSGD_SRC_PORT=%u\n", key->sport_host);
	nsg_ip4_format(r->host_src, address);
	(void)fprintf(f, "NSGD_HOST_SRC=%s\n", address);
	if (r->has_uid)
		(void)fprintf(f, "NSGD_UID=%u\n", r->uid);
}

/* What put_text() or put_fields() writes; NULL when out of memory. */
static char *written(void (*put)(FILE *f, const struct nsg_trace_record *r, bool flow),
		     const struct nsg_trace_record *r, bool flow)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	put(f, r, flow);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void write_line(const char *text, const char *fields, const char *id, uint64_t count)
{
	cleanup_free char *all = NULL;

	if (text && fields &&
	    asprintf(&all, "%sMESSAGE_ID=%s\nNSGD_COUNT=%" PRIu64 "\n", fields, id, count) >= 0)
		log_with_fields(LOG_INFO, text, all);
}

void decision_log(const struct nsg_trace_record *r)
{
	cleanup_free char *text = NULL, *fields = NULL;

	if (!log_wants(LOG_INFO) || !admit())
		return;
	text = written(put_text, r, true);
	fields = written(put_fields, r, true);
	write_line(text, fields, DECISION_LOG_FLOW, 1);
}

static void write_sum(const char *text, const char *fields, uint64_t n, const char *what)
{
	cleanup_free char *line = NULL;

	if (text && admit() && asprintf(&line, "%s: %" PRIu64 " more %s", text, n, what) >= 0)
		write_line(line, fields, DECISION_LOG_SUM, n);
}

void decision_log_repeats(const struct nsg_trace_record *r, uint64_t n)
{
	cleanup_free char *text = NULL, *fields = NULL;

	if (!log_wants(LOG_INFO))
		return;
	text = written(put_text, r, false);
	fields = written(put_fields, r, false);
	write_sum(text, fields, n,
		  n == 1 ? "packet was answered by the kernel"
			 : "packets were answered by the kernel");
}

/* ---- sums ------------------------------------------------------------------------------------ */

static struct kind kind_of(const struct nsg_trace_record *r)
{
	return (struct kind){
	    .dst_host = r->key.dst_host,
	    .dport_host = r->key.dport_host,
	    .rule = r->decision.rule,
	    .admin = r->decision.admin,
	    .protocol = r->key.protocol,
	    .reason = r->decision.reason,
	    .enforced = r->enforced,
	};
}

static uint32_t set_of(const struct kind *k)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*k); i++)
		h = (h ^ ((const uint8_t *)k)[i]) * 16777619u;
	return h % SETS;
}

static void end_denial(struct denial *d)
{
	if (d->begin_ns && d->more)
		write_sum(d->text, d->fields, d->more,
			  d->more == 1 ? "flow within a minute" : "flows within a minute");
	free(d->text);
	free(d->fields);
	*d = (struct denial){0};
}

void decision_log_watch(bool all)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	for (size_t i = 0; i < SETS * WAYS; i++) {
		struct denial *d = &denials.v[i / WAYS][i % WAYS];

		if (d->begin_ns && (all || now_ns - d->begin_ns >= SUM_NS))
			end_denial(d);
	}
}

/* Rules are numbered by the image. */
static void follow_image(const struct nsg_image *image)
{
	struct nsg_image_info info;

	if (image == denials.image)
		return;
	info = nsg_image_info(image);
	if (info.nsg_hash != denials.nsg_hash || info.route_hash != denials.route_hash)
		decision_log_watch(true);
	denials.image = image;
	denials.nsg_hash = info.nsg_hash;
	denials.route_hash = info.route_hash;
}

/* The one of that kind, or a place for it, where another one's sum was written. */
static struct denial *find(const struct kind *k)
{
	struct denial *set = denials.v[set_of(k)], *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].begin_ns && memcmp(&set[i].kind, k, sizeof(*k)) == 0)
			return &set[i];
		if (set[i].begin_ns < oldest->begin_ns)
			oldest = &set[i];
	}
	end_denial(oldest);
	return oldest;
}

void decision_log_denied(const struct nsg_trace_record *r)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	struct kind kind = kind_of(r);
	struct denial *d;

	if (!log_wants(LOG_INFO))
		return;
	follow_image(r->image);
	d = find(&kind);
	if (d->begin_ns && now_ns - d->begin_ns >= SUM_NS)
		end_denial(d);
	if (d->begin_ns) {
		d->more += r->key.sport_host != d->last_sport_host;
		d->last_sport_host = r->key.sport_host;
		return;
	}
	*d = (struct denial){
	    .kind = kind,
	    .begin_ns = now_ns,
	    .last_sport_host = r->key.sport_host,
	    .text = written(put_text, r, false),
	    .fields = written(put_fields, r, false),
	};
	decision_log(r);
}
