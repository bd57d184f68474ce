/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decided packets as lines of JSON and as pcapng. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "nsgctl/replay_priv.h"
#include "observe/pcapng.h"

#define PUT(l, literal) nsg_line_put(l, literal, sizeof(literal) - 1)

static void put_text(struct nsg_line *l, const char *text)
{
	nsg_line_put(l, text, strlen(text));
}

static void put_outcome_text(struct nsg_line *l, const struct replay *r, struct nsgctl_text text)
{
	nsg_line_put(l, nsgctl_outcome_text(&r->outcomes, text), text.n);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void put_flow6(struct nsg_line *l, const struct nsg_track_view *v)
{
	const char *name = nsg_protocol_name(v->key.protocol);
	char src[INET6_ADDRSTRLEN] = "", dst[INET6_ADDRSTRLEN] = "", text[192];
	char protocol[8];

	(void)inet_ntop(AF_INET6, v->src6, src, sizeof(src));
	(void)inet_ntop(AF_INET6, v->dst6, dst, sizeof(dst));
	(void)snprintf(protocol, sizeof(protocol), name ? "\"%s\"" : "%s%u", name ? name : "",
		       v->key.protocol);
	(void)snprintf(text, sizeof(text),
		       "\"protocol\":%s,\"src\":\"%s\",\"srcPort\":%u,\"dst\":\"%s\","
		       "\"dstPort\":%u",
		       protocol, src, v->key.sport_host, dst, v->key.dport_host);
	put_text(l, text);
}

static void put_flow(struct nsg_line *l, const struct replay_packet *p)
{
	if (p->malformed)
		PUT(l, "\"protocol\":null,\"src\":null,\"srcPort\":null,\"dst\":null,"
		       "\"dstPort\":null");
	else if (p->view.is_ip6)
		put_flow6(l, &p->view);
	else
		nsg_line_put_flow(l, &p->key);
}

static bool has_other_source(const struct replay_packet *p)
{
	return !p->malformed && !p->view.is_ip6 && p->key.src_host != p->view.key.src_host;
}

/* The record from the gate to the reason. */
static void put_decision(struct replay *r, const struct replay_packet *p)
{
	const struct nsgctl_outcome *o = &r->outcomes.v.v[p->outcome];
	struct nsg_line *l = &r->line;

	PUT(l, ",");
	put_outcome_text(l, r, o->gate);
	PUT(l, ",");
	if (p->no_route)
		PUT(l, "\"route\":null");
	else
		put_outcome_text(l, r, o->route);
	if (p->verdict == NSG_VERDICT_ACCEPT)
		PUT(l, ",\"verdict\":\"accept\",\"reason\":\"");
	else
		PUT(l, ",\"verdict\":\"drop\",\"reason\":\"");
	put_text(l, p->reason);
	PUT(l, "\"");
}

static unsigned int variant_of(const struct replay *r, const struct replay_packet *p)
{
	bool follows = p->reason != r->outcomes.v.v[p->outcome].reason;

	return (p->no_route ? NSGCTL_VARIANT_NO_ROUTE : 0) |
	       (follows ? NSGCTL_VARIANT_FOLLOWS : 0) |
	       (p->of_denied_flow ? NSGCTL_VARIANT_OF_DENIED : 0) |
	       (p->outbound ? NSGCTL_VARIANT_OUTBOUND : 0);
}

/* A text that is made once for the outcome. */
static int put_tail(struct replay *r, const struct replay_packet *p)
{
	unsigned int variant =
	    variant_of(r, p) & (NSGCTL_VARIANT_NO_ROUTE | NSGCTL_VARIANT_FOLLOWS);
	struct nsgctl_text *tail = &r->outcomes.v.v[p->outcome].tails[variant];
	size_t at = r->line.text.n;

	if (tail->n) {
		put_outcome_text(&r->line, r, *tail);
		return 0;
	}
	put_decision(r, p);
	return nsgctl_outcome_keep(&r->outcomes, r->line.text.v + at, r->line.text.n - at, tail);
}

int replay_line(struct replay *r, const struct replay_packet *p)
{
	struct nsg_line *l = &r->line;

	PUT(l, "{");
	nsg_line_put_packet(l, p->frame.number, p->frame.time_ns, p->length,
			    (enum nsg_direction)p->direction);
	PUT(l, ",");
	put_flow(l, p);
	if (put_tail(r, p) < 0)
		return -ENOMEM;
	if (has_other_source(p)) {
		PUT(l, ",\"hostSrc\":\"");
		nsg_line_put_address(l, p->view.key.src_host);
		PUT(l, "\"");
	}
	if (p->of_denied_flow)
		PUT(l, ",\"ofDeniedFlow\":true");
	PUT(l, "}\n");
	return l->error;
}

/* nsgctl_finish() reports an error. */
int replay_print_lines(struct replay *r)
{
	size_t n = r->line.text.n;

	nsg_line_begin(&r->line);
	return !n || fwrite_unlocked(r->line.text.v, n, 1, stdout) == 1 ? 0 : NSG_EXIT_FAILED;
}

/* ---- pcapng --------------------------------------------------------------------------------- */

int replay_write_begin(struct replay *r, int input_fd)
{
	int status = nsgctl_outfile_open(&r->file, r->ctl, input_fd);
	int e;

	if (status)
		return status;
	e = nsg_pcapng_section(r->file.out, nsgctl_application, r->section);
	return e < 0 ? nsgctl_outfile_fail(&r->file, e) : 0;
}

/* The input's interface, described in the output before its first packet. */
static int write_interface(struct replay *r, const struct nsg_frame *frame, uint32_t *ret)
{
	const struct nsg_capture_interface *i = nsg_capture_interface(r->capture, frame->interface);
	int e;

	if (frame->interface >= r->n_interfaces) {
		size_t n = (size_t)frame->interface + 16;
		uint32_t *larger = realloc(r->interfaces, n * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		memset(larger + r->n_interfaces, 0, (n - r->n_interfaces) * sizeof(*larger));
		r->interfaces = larger;
		r->n_interfaces = n;
	}
	if (!r->interfaces[frame->interface]) {
		e = nsg_pcapng_interface(r->file.out, (uint16_t)i->link_type, i->name);
		if (e < 0)
			return e;
		r->interfaces[frame->interface] = (uint32_t)++r->n_written;
	}
	*ret = r->interfaces[frame->interface] - 1;
	return 0;
}

/* The parts of nsgctl_comment(), which were made once for the outcome. */
static void make_comment(struct replay *r, const struct replay_packet *p)
{
	const struct nsgctl_outcome *o = &r->outcomes.v.v[p->outcome];
	struct nsg_line *l = &r->comment;

	nsg_line_begin(l);
	put_text(l, nsg_verdict_name(p->verdict));
	PUT(l, ", ");
	put_text(l, p->reason);
	if (p->of_denied_flow)
		PUT(l, ", of a denied flow");
	if (has_other_source(p)) {
		PUT(l, "; source ");
		nsg_line_put_address(l, p->key.src_host);
	}
	put_outcome_text(l, r, o->comment);
	if (!p->no_route)
		put_outcome_text(l, r, o->comment_route);
}

/* Those of a packet with the source that it was judged with are made once for the outcome. */
static int write_packet(struct replay *r, const struct replay_packet *p,
			struct nsg_pcapng_packet *out)
{
	struct nsgctl_text *known = &r->outcomes.v.v[p->outcome].options[variant_of(r, p)];
	uint8_t options[NSG_PCAPNG_MAX_OPTIONS];
	size_t n;

	if (known->n && !has_other_source(p))
		return nsg_pcapng_write_with(r->file.out, out,
					     nsgctl_outcome_text(&r->outcomes, *known), known->n);
	make_comment(r, p);
	if (r->comment.error < 0)
		return r->comment.error;
	out->comment = r->comment.text.v;
	out->comment_n = r->comment.text.n;
	n = nsg_pcapng_options(out, options);
	if (!has_other_source(p) &&
	    nsgctl_outcome_keep(&r->outcomes, (const char *)options, n, known) < 0)
		return -ENOMEM;
	return nsg_pcapng_write_with(r->file.out, out, options, n);
}

int replay_write(struct replay *r, const struct replay_packet *p)
{
	struct nsg_pcapng_packet out = {
	    .time_ns = p->frame.time_ns == NSG_FRAME_NO_TIME ? 0 : p->frame.time_ns,
	    .data = p->frame.data,
	    .captured = p->frame.captured,
	    .length = p->frame.length,
	    .outbound = p->outbound,
	    .verdict = p->verdict,
	};
	int e = write_interface(r, &p->frame, &out.interface);

	if (!e)
		e = write_packet(r, p, &out);
	return e < 0 ? nsgctl_outfile_fail(&r->file, e) : 0;
}

int replay_write_end(struct replay *r)
{
	int e = 0;

	/* a capture without an interface is not one to libpcap */
	if (!r->n_written)
		e = nsg_pcapng_interface(r->file.out, NSG_PCAPNG_LINK_IPV4, "");
	return e < 0 ? nsgctl_outfile_fail(&r->file, e) : nsgctl_outfile_commit(&r->file);
}
