/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay: decides every packet of a capture as if the app's instance had sent the packets from the
 * integration subnet. The first packet of a flow is decided by a directory or a daemon; later
 * packets, replies and fragments follow it.
 *
 * Outcomes are JSON objects {gate, nsg, route, verdict, reason}. Equal ones are shared: there are
 * as many as pairs of rules and routes, not as flows.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/flow.h"
#include "explain/rows.h"
#include "flow/track.h"
#include "nsgctl/link.h"
#include "nsgctl/nsgctl.h"
#include "nsgctl/outfile.h"
#include "observe/pcapng.h"
#include "observe/record.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/json_object.h"
#include "util/json.h"
#include "util/macro.h"

#define MAX_SUBNET_PREFIXES 16
#define DEFAULT_TIMEOUT_MINUTES 4
#define ICMP6 58

struct replay {
	struct nsgctl *ctl;
	struct nsgctl_session session;
	struct nsg_prefix subnet[MAX_SUBNET_PREFIXES];
	size_t n_subnet;
	uint32_t timeout_minutes;
	bool has_admin_rules; /* decisions have the key admin */
	struct nsg_tracker *tracker;
	json_t *outcomes; /* by their text */
	json_t *answer;	  /* the last item received */

	pcap_t *capture;
	int data_link;
	uint64_t n_packets, n_other;
	struct nsg_rows rows;

	struct nsgctl_outfile file; /* -w */
};

/* One packet and its outcome. */
struct packet {
	uint64_t number, time_ns;
	const uint8_t *frame, *ip;
	uint32_t frame_captured, frame_length, captured, length;
	struct nsg_track_view view;
	struct nsg_flow flow;
	bool malformed;
	enum nsg_direction direction;
	json_t *outcome;    /* borrowed */
	const char *reason; /* instead of the outcome's; NULL: its own */
	bool no_route;
};

static void replay_done(struct replay *r)
{
	nsgctl_outfile_done(&r->file);
	if (r->capture)
		pcap_close(r->capture);
	nsg_tracker_free(r->tracker);
	json_decref(r->outcomes);
	json_decref(r->answer);
	nsgctl_session_close(&r->session);
}

/* ---- the policy ----------------------------------------------------------------------------- */

static int keep_answer(void *closure, json_t *item)
{
	struct replay *r = closure;

	json_decref(r->answer);
	r->answer = json_incref(item);
	return 0;
}

static void take_policy(struct replay *r, const json_t *policy)
{
	const json_t *prefix;
	size_t i;

	json_array_foreach(json_object_get(policy, "subnetPrefixes"), i, prefix)
	{
		const char *text = json_string_value(prefix);
		bool masked;

		if (text && r->n_subnet < MAX_SUBNET_PREFIXES &&
		    nsg_prefix_parse(text, &r->subnet[r->n_subnet], &masked) == NSG_PREFIX_IP4)
			r->n_subnet++;
	}
	r->timeout_minutes =
	    (uint32_t)json_integer_value(json_object_get(policy, "flowTimeoutInMinutes"));
	r->has_admin_rules = json_integer_value(json_object_get(policy, "adminRules")) > 0;
	if (!r->timeout_minutes)
		r->timeout_minutes = DEFAULT_TIMEOUT_MINUTES;
}

static int learn_policy(struct replay *r)
{
	cleanup_json json_t *args = json_object();
	json_t *policy;
	int status;

	if (r->session.live) {
		status = nsgctl_session_ask(&r->session, "status", args, keep_answer, r);
		if (status)
			return status;
		take_policy(r, json_object_get(r->answer, "policy"));
		return 0;
	}
	policy = nsg_explain_policy(r->session.snapshot->effective, r->session.snapshot->image);
	if (!policy)
		return nsgctl_out_of_memory();
	take_policy(r, policy);
	json_decref(policy);
	return 0;
}

static bool in_subnet(const struct replay *r, uint32_t addr_host)
{
	for (size_t i = 0; i < r->n_subnet; i++)
		if (nsg_prefix_contains(r->subnet[i], addr_host))
			return true;
	return false;
}

/* ---- outcomes ------------------------------------------------------------------------------- */

/* The shared object with this content; takes outcome, returns a borrowed one. NULL: no memory. */
static json_t *intern(struct replay *r, json_t *outcome)
{
	cleanup_json json_t *owned = outcome;
	cleanup_free char *text = owned ? nsg_json_line(owned) : NULL;
	json_t *known;

	if (!text)
		return NULL;
	known = json_object_get(r->outcomes, text);
	if (known)
		return known;
	return json_object_set(r->outcomes, text, owned) < 0 ? NULL : owned;
}

static json_t *undecided(struct replay *r, const char *gate, enum nsg_verdict verdict,
			 enum nsg_reason reason)
{
	json_t *outcome = json_pack("{ss?}", "gate", gate);
	int e = 0;

	if (r->has_admin_rules)
		e = NSG_JSON_ADD(outcome, PAIR_N("admin"));
	if (e < 0 || NSG_JSON_ADD(outcome, PAIR_N("nsg"), PAIR_N("route"),
				  PAIR_S("verdict", nsg_verdict_name(verdict)),
				  PAIR_S("reason", nsg_reason_name(reason))) < 0) {
		json_decref(outcome);
		return NULL;
	}
	return intern(r, outcome);
}

static json_t *not_judged(struct replay *r)
{
	return undecided(r, nsg_gate_name(NSG_GATE_BYPASS), NSG_VERDICT_ACCEPT, NSG_REASON_BYPASS);
}

/* Decides the packet as the first of a flow. Returns an exit status. */
static int decide(struct replay *r, const struct packet *p, json_t **ret)
{
	static const char *const members[] = {"gate", "admin", "nsg", "route", "verdict", "reason"};
	cleanup_json json_t *flow = json_object();
	cleanup_json json_t *args = NULL;
	json_t *outcome;
	int status;

	if (!flow || nsg_flow_put(flow, &p->flow) < 0)
		return nsgctl_out_of_memory();
	args = json_pack("{s[O]}", "flows", flow);
	if (!args)
		return nsgctl_out_of_memory();
	status = nsgctl_session_ask(&r->session, "explain", args, keep_answer, r);
	if (status)
		return status;
	outcome = json_object();
	for (size_t i = 0; i < NSG_ARRAY_SIZE(members); i++) {
		/* a policy without security admin rules has no key admin */
		if (!r->has_admin_rules && strcmp(members[i], "admin") == 0)
			continue;
		if (json_object_set(outcome, members[i], json_object_get(r->answer, members[i])) <
		    0) {
			json_decref(outcome);
			return nsgctl_fail(NSG_EXIT_FAILED, "a flow was not decided");
		}
	}
	*ret = intern(r, outcome);
	return *ret ? 0 : nsgctl_out_of_memory();
}

static bool is_accepted(const json_t *outcome)
{
	const char *verdict = json_string_value(json_object_get(outcome, "verdict"));

	return verdict && strcmp(verdict, nsg_verdict_name(NSG_VERDICT_ACCEPT)) == 0;
}

/* ---- roles ---------------------------------------------------------------------------------- */

/* Only flows into the subnet from outside it are inbound. */
static bool comes_in(const struct replay *r, const struct packet *p)
{
	return !in_subnet(r, p->flow.key.src_host) && in_subnet(r, p->flow.key.dst_host);
}

static int see_first(struct replay *r, struct packet *p, void **data)
{
	int status = 0;

	if (comes_in(r, p)) {
		p->direction = NSG_DIRECTION_INBOUND;
		p->outcome = not_judged(r);
	} else {
		status = decide(r, p, &p->outcome);
	}
	if (status)
		return status;
	if (!p->outcome)
		return nsgctl_out_of_memory();
	/* NULL marks an inbound flow */
	*data = p->direction == NSG_DIRECTION_INBOUND ? NULL : p->outcome;
	if (p->view.first_fragment &&
	    nsg_tracker_remember_fragment(r->tracker, &p->view, p->time_ns, p->outcome) < 0)
		return nsgctl_out_of_memory();
	if (!is_accepted(p->outcome))
		nsg_tracker_forget(r->tracker, &p->view);
	return 0;
}

static int follow(struct replay *r, struct packet *p, enum nsg_track_role role, json_t *outcome)
{
	p->outcome = outcome ? outcome : not_judged(r);
	if (role == NSG_TRACK_REPLY) {
		p->direction = NSG_DIRECTION_REPLY;
		p->reason = nsg_reason_name(NSG_REASON_REPLY);
		p->no_route = true;
	} else if (outcome) {
		p->reason = nsg_reason_name(NSG_REASON_ESTABLISHED);
	} else {
		p->direction = NSG_DIRECTION_INBOUND;
	}
	if (p->outcome && p->view.first_fragment &&
	    nsg_tracker_remember_fragment(r->tracker, &p->view, p->time_ns, p->outcome) < 0)
		return nsgctl_out_of_memory();
	return p->outcome ? 0 : nsgctl_out_of_memory();
}

/* A packet of no known flow has a gate, but neither the NSG nor a route was evaluated. */
static int see_stray(struct replay *r, struct packet *p, enum nsg_verdict verdict,
		     enum nsg_reason reason)
{
	json_t *as_first = NULL;
	int status;

	if (comes_in(r, p)) {
		p->direction = NSG_DIRECTION_INBOUND;
		p->outcome = not_judged(r);
		return p->outcome ? 0 : nsgctl_out_of_memory();
	}
	status = decide(r, p, &as_first);
	if (status)
		return status;
	p->outcome =
	    undecided(r, json_string_value(json_object_get(as_first, "gate")), verdict, reason);
	return p->outcome ? 0 : nsgctl_out_of_memory();
}

static int judge(struct replay *r, struct packet *p)
{
	void **data = NULL;
	int role = nsg_tracker_see(r->tracker, &p->view, p->time_ns, &data);

	switch (role) {
	case NSG_TRACK_FIRST:
		return see_first(r, p, data);
	case NSG_TRACK_LATER:
	case NSG_TRACK_REPLY:
		return follow(r, p, (enum nsg_track_role)role, *data);
	case NSG_TRACK_FRAGMENT:
		p->outcome = *data;
		p->direction = comes_in(r, p) ? NSG_DIRECTION_INBOUND : NSG_DIRECTION_EGRESS;
		return 0;
	case NSG_TRACK_ORPHAN:
		return see_stray(r, p, NSG_VERDICT_DROP, NSG_REASON_FRAGMENT);
	case NSG_TRACK_MIDSTREAM:
		return see_stray(r, p, NSG_VERDICT_ACCEPT, NSG_REASON_PREEXISTING);
	default:
		return nsgctl_out_of_memory();
	}
}

/* ---- packets -------------------------------------------------------------------------------- */

static bool has_port_fields(const struct packet *p, uint8_t protocol)
{
	return nsg_protocol_has_ports(protocol) && p->captured >= 44;
}

/* Addresses decide; ports, without extension headers, are for display only. */
static void read_ip6(struct packet *p)
{
	struct nsg_flow *flow = &p->flow;

	flow->is_ip6 = true;
	flow->key.protocol = p->ip[6];
	memcpy(flow->src6, p->ip + 8, 16);
	memcpy(flow->dst6, p->ip + 24, 16);
	if (has_port_fields(p, flow->key.protocol)) {
		flow->key.sport_host = (uint16_t)(p->ip[40] << 8 | p->ip[41]);
		flow->key.dport_host = (uint16_t)(p->ip[42] << 8 | p->ip[43]);
	}
}

/* Errors and neighbour discovery, which the kernel sends, not the app (RFC 4443, 4861). */
static bool is_ip6_control(const struct packet *p)
{
	uint8_t type = p->captured > 40 ? p->ip[40] : 0;

	return p->flow.key.protocol == ICMP6 &&
	       ((type >= 1 && type <= 4) || (type >= 133 && type <= 137));
}

static int judge_packet(struct replay *r, struct packet *p)
{
	enum nsg_key_status status = nsg_track_view(p->ip, p->captured, p->length, &p->view);

	if (status == NSG_KEY_IP6 && p->captured >= 40) {
		read_ip6(p);
		if (!is_ip6_control(p))
			return decide(r, p, &p->outcome);
		p->outcome = not_judged(r);
		return p->outcome ? 0 : nsgctl_out_of_memory();
	}
	if (status == NSG_KEY_MALFORMED || status == NSG_KEY_IP6) {
		p->malformed = true;
		p->outcome = undecided(r, NULL, NSG_VERDICT_DROP, NSG_REASON_MALFORMED);
		return p->outcome ? 0 : nsgctl_out_of_memory();
	}
	p->flow.key = p->view.key;
	return judge(r, p);
}

static int put_unknown_flow(json_t *object)
{
	json_t *unknown = json_pack("{snsnsnsnsn}", "protocol", "src", "srcPort", "dst", "dstPort");
	int r = json_object_update(object, unknown);

	json_decref(unknown);
	return r < 0 ? -ENOMEM : 0;
}

static json_t *packet_json(const struct packet *p)
{
	cleanup_json json_t *object = json_object();

	if (nsg_record_put_packet(object, p->number, p->time_ns, p->length, p->direction) < 0 ||
	    (p->malformed ? put_unknown_flow(object) : nsg_flow_put(object, &p->flow)) < 0 ||
	    json_object_update(object, p->outcome) < 0 ||
	    (p->no_route && json_object_set_new(object, "route", json_null()) < 0) ||
	    (p->reason && json_object_set_new(object, "reason", json_string(p->reason)) < 0))
		return NULL;
	return TAKE_PTR(object);
}

static int write_packet(struct replay *r, const struct packet *p, const json_t *decision)
{
	char comment[896];
	const struct nsg_pcapng_packet out = {
	    .time_ns = p->time_ns,
	    .data = p->frame,
	    .captured = p->frame_captured,
	    .length = p->frame_length,
	    .outbound = p->malformed || p->flow.is_ip6 || in_subnet(r, p->flow.key.src_host),
	    .verdict = is_accepted(p->outcome) ? NSG_VERDICT_ACCEPT : NSG_VERDICT_DROP,
	    .comment = comment,
	};
	int e;

	nsgctl_comment(decision, comment, sizeof(comment));
	e = nsg_pcapng_write(r->file.out, &out);
	return e < 0 ? nsgctl_outfile_fail(&r->file, e) : 0;
}

static int print_packet(struct replay *r, const struct packet *p)
{
	cleanup_json json_t *decision = packet_json(p);

	if (!decision)
		return nsgctl_out_of_memory();
	if (r->file.out) {
		int status = write_packet(r, p, decision);

		if (status || r->file.out == stdout)
			return status;
	}
	if (r->ctl->form == NSGCTL_TABLE)
		nsg_rows_put(&r->rows, decision);
	else if (nsgctl_print_line(decision) < 0)
		return nsgctl_out_of_memory();
	return 0;
}

static int replay_frame(struct replay *r, const struct pcap_pkthdr *header, const uint8_t *frame)
{
	struct packet p = {
	    .number = ++r->n_packets,
	    /* tv_usec is nanoseconds: see open_capture() */
	    .time_ns = (uint64_t)header->ts.tv_sec * NSG_NS_PER_SEC + (uint64_t)header->ts.tv_usec,
	    .frame = frame,
	    .frame_captured = header->caplen,
	    .frame_length = header->len,
	};
	size_t offset;
	int status;

	if (!nsgctl_link_ip(r->data_link, frame, header->caplen, &offset) || header->len < offset) {
		r->n_other++;
		return 0;
	}
	p.ip = frame + offset;
	p.captured = header->caplen - (uint32_t)offset;
	p.length = header->len - (uint32_t)offset;
	status = judge_packet(r, &p);
	return status ? status : print_packet(r, &p);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int open_capture(struct replay *r, uint16_t *ret_link_type)
{
	const char *path = r->ctl->operands[0];
	char error[PCAP_ERRBUF_SIZE] = "";
	FILE *in = fopen(path, "re");

	if (!in)
		return nsgctl_fail((int)nsg_exit_from(-errno), "%s: %s", path, strerror(errno));
	r->capture =
	    pcap_fopen_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!r->capture) {
		(void)fclose(in);
		return nsgctl_fail(NSG_EXIT_FAILED, "%s: %s", path, error);
	}
	r->data_link = pcap_datalink(r->capture);
	if (nsgctl_link_known(r->data_link, ret_link_type))
		return 0;
	return nsgctl_fail(NSG_EXIT_FAILED,
			   "%s: unsupported link type %d: must be Ethernet, raw IP, Linux "
			   "cooked or BSD loopback",
			   path, r->data_link);
}

static int open_output(struct replay *r, uint16_t link_type)
{
	int status, e;

	if (!r->ctl->write)
		return 0;
	status = nsgctl_outfile_open(&r->file, r->ctl, fileno(pcap_file(r->capture)));
	if (status)
		return status;
	e = nsg_pcapng_begin(r->file.out, link_type);
	return e < 0 ? nsgctl_outfile_fail(&r->file, e) : 0;
}

static int replay_all(struct replay *r)
{
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	int status = 0;
	int got = 0;

	while (!status && (got = pcap_next_ex(r->capture, &header, &frame)) == 1)
		status = replay_frame(r, header, frame);
	if (!status && got == PCAP_ERROR)
		status = nsgctl_fail(NSG_EXIT_FAILED, "%s: %s", r->ctl->operands[0],
				     pcap_geterr(r->capture));
	if (!status && r->n_other)
		fprintf(stderr, "nsgctl: %llu of %llu frames without an IP packet were skipped\n",
			(unsigned long long)r->n_other, (unsigned long long)r->n_packets);
	return status;
}

int nsgctl_replay(struct nsgctl *ctl)
{
	__attribute__((cleanup(replay_done))) struct replay r = {
	    .ctl = ctl,
	    .session = {.fd = -1},
	    .outcomes = json_object(),
	};
	uint16_t link_type = 0;
	int status;

	status = open_capture(&r, &link_type);
	if (status)
		return status;
	status = nsgctl_session_open(ctl, &r.session);
	if (status)
		return status;
	status = learn_policy(&r);
	if (status)
		return status;
	status = open_output(&r, link_type);
	if (status)
		return status;
	r.tracker = nsg_tracker_new(r.timeout_minutes);
	if (!r.tracker || !r.outcomes)
		return nsgctl_out_of_memory();
	if (ctl->form == NSGCTL_TABLE && r.file.out != stdout)
		nsg_rows_begin(&r.rows, NSG_ROWS_REPLAY, &ctl->term, stdout);
	status = replay_all(&r);
	if (!status && r.file.out)
		status = nsgctl_outfile_commit(&r.file);
	return status;
}
