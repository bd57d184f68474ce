/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain --packet N FILE: the capture is replayed up to the packet, and its flow explained. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explain/render.h"
#include "explain/table.h"
#include "nsgctl/replay_priv.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_object.h"

static int keep_item(void *closure, json_t *item)
{
	json_t **kept = closure;

	json_decref(*kept);
	*kept = json_incref(item);
	return 0;
}

static const char *role_words(const struct replay_packet *p)
{
	if (p->malformed)
		return "it is malformed: the integration drops it";
	if (p->role == NSG_TRACK_ORPHAN)
		return "it is a later fragment whose first fragment was not seen: it is dropped";
	if (p->role == NSG_TRACK_FRAGMENT)
		return "it is a later fragment, decided like the first";
	if (p->of_denied_flow)
		return p->direction == NSG_DIRECTION_REPLY
			   ? "it answers a flow that is denied: in Azure there would be no answer"
			   : "it belongs to a flow that is denied";
	if (p->direction == NSG_DIRECTION_REPLY)
		return p->has_flow ? "it is a reply: replies follow the decision on their flow"
				   : "the app answers a connection that was opened to it: such "
				     "packets are not decided";
	if (p->direction == NSG_DIRECTION_INBOUND)
		return "it is not from the app: inbound packets are not decided";
	if (p->reason == nsg_reason_name(NSG_REASON_PREEXISTING))
		return "its connection began before the capture: it passes; a new connection is "
		       "decided as below";
	if (p->role == NSG_TRACK_FIRST)
		return "it begins a flow, which is decided as below";
	return "it belongs to a flow that was decided as below";
}

/* The packet as replay prints it, with words, the flow's first packet and its explanation. */
static int make_item(struct replay *r, const struct replay_packet *p, json_t **ret)
{
	cleanup_json json_t *item = NULL, *explained = NULL, *flow = json_object();
	cleanup_json json_t *args = NULL;
	int status;

	if (replay_line(r, p) < 0 || !flow)
		return nsgctl_out_of_memory();
	item = nsg_json_load(r->line.text.v, r->line.text.n, 0, NULL);
	if (p->has_flow) {
		struct nsg_flow decided = replay_flow(p);

		if (nsg_flow_put(flow, &decided) < 0)
			return nsgctl_out_of_memory();
		args = NSG_JSON_OBJECT(PAIR_J("flow", json_incref(flow)));
		status = nsgctl_session_ask(&r->session, "explain", args, keep_item, &explained);
		if (status)
			return status;
	}
	if (NSG_JSON_ADD(item, PAIR_S("role", role_words(p)),
			 PAIR_J("firstPacket", p->first_packet
						   ? json_integer((json_int_t)p->first_packet)
						   : json_null()),
			 PAIR_J("flow", explained ? json_incref(explained) : json_null())) < 0)
		return nsgctl_out_of_memory();
	*ret = TAKE_PTR(item);
	return 0;
}

/* "10.0.2.7:22" */
static void format_end(const json_t *item, const char *addr, const char *port, char out[static 64])
{
	const char *text = nsg_string_at(item, addr);
	json_int_t number = json_integer_value(json_object_get(item, port));

	if (!number)
		(void)snprintf(out, 64, "%s", *text ? text : "-");
	else
		(void)snprintf(out, 64, strchr(text, ':') ? "[%s]:%d" : "%s:%d", text, (int)number);
}

static void put_text(const json_t *item, const struct nsg_term *term)
{
	const json_t *flow = json_object_get(item, "flow");
	json_int_t first = json_integer_value(json_object_get(item, "firstPacket"));
	json_int_t packet = json_integer_value(json_object_get(item, "packet"));
	cleanup_free char *protocol = nsg_cell(json_object_get(item, "protocol"));
	const char *time = nsg_string_at(item, "time");
	char src[64], dst[64];

	format_end(item, "src", "srcPort", src);
	format_end(item, "dst", "dstPort", dst);
	printf("packet    %" JSON_INTEGER_FORMAT "%s%s, %" JSON_INTEGER_FORMAT
	       " bytes, %s, %s from %s to %s\n",
	       packet, *time ? " at " : "", time,
	       json_integer_value(json_object_get(item, "length")),
	       nsg_string_at(item, "direction"), protocol ? protocol : "-", src, dst);
	printf("          %s\n", nsg_string_at(item, "role"));
	if (first && first != packet)
		printf("          the flow's first packet is %" JSON_INTEGER_FORMAT "\n", first);
	printf("          %s, %s\n", nsg_string_at(item, "verdict"), nsg_string_at(item, "reason"));
	if (!json_is_object(flow))
		return;
	putchar('\n');
	nsg_render("explain", flow, term, stdout);
}

static int print_packet(struct replay *r, const struct replay_packet *p)
{
	const struct nsgctl *ctl = r->ctl;
	cleanup_json json_t *item = NULL;
	int status = make_item(r, p, &item);

	if (status)
		return status;
	if (ctl->form == NSGCTL_TABLE)
		put_text(item, &ctl->term);
	else
		status = nsgctl_print(ctl, "explain", item);
	if (status || !ctl->expect || strcmp(nsg_verdict_name(p->verdict), ctl->expect) == 0)
		return status;
	return nsgctl_fail(NSG_EXIT_FAILED, "expected %s, got %s", ctl->expect,
			   nsg_verdict_name(p->verdict));
}

int nsgctl_explain_packet(struct nsgctl *ctl)
{
	__attribute__((cleanup(replay_done))) struct replay r = {.ctl = ctl, .session = {.fd = -1}};
	struct replay_packet *p;
	char *end;
	unsigned long long number = strtoull(ctl->packet, &end, 10);
	int fd = -1, got, status;

	if (ctl->packet[0] < '0' || ctl->packet[0] > '9' || *end || !number)
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "--packet must be the number of a packet, from 1, not \"%s\"",
				   ctl->packet);
	status = replay_open_input(ctl->operands[0], &fd);
	if (!status)
		status = replay_open(&r, fd);
	if (status)
		return status;
	while ((got = replay_next(&r, &p)) > 0 && p->frame.number < number)
		;
	if (got < 0)
		return -got;
	if (got && p->frame.number == number)
		return print_packet(&r, p);
	if (got || r.n_packets >= number)
		return nsgctl_fail(NSG_EXIT_FAILED, "packet %llu contains no IP packet", number);
	return nsgctl_fail(NSG_EXIT_FAILED, "%s has only %" PRIu64 " packets", ctl->operands[0],
			   r.n_packets);
}
