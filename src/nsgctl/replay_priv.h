/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of replay share. */
#ifndef NSG_NSGCTL_REPLAY_PRIV_H
#define NSG_NSGCTL_REPLAY_PRIV_H

#include "explain/rows.h"
#include "explain/table.h"
#include "flow/capture.h"
#include "flow/track.h"
#include "nsgctl/nsgctl.h"
#include "nsgctl/outcome.h"
#include "nsgctl/outfile.h"
#include "observe/line.h"
#include "util/ip.h"

#define REPLAY_MAX_PREFIXES 64
#define REPLAY_TOP 20
#define REPLAY_BATCH 32

/* One of the largest flows, or of the destinations that are denied most. */
struct replay_top {
	struct nsg_track_flow flow;
	struct nsg_track_data data; /* flow.data is not used */
	uint64_t flows;		    /* to a destination */
	uint64_t weight;
};

/* Sums by destination of what is denied; open addressing. */
struct replay_denied {
	NSG_VEC(struct replay_top) v;
	uint32_t *slots; /* index plus 1 */
	uint32_t n_slots;
	uint64_t other_packets; /* of destinations that did not fit */
};

enum replay_kind {
	REPLAY_OUT, /* decided */
	REPLAY_IN,
	REPLAY_PREEXISTING,
};

/* One packet and what became of it. */
struct replay_packet {
	const uint8_t *ip; /* NULL: the frame contains none */
	bool malformed;

	bool outbound; /* sent by the app */
	bool no_route; /* the outcome's route was not looked up for this packet */
	bool of_denied_flow;
	bool has_flow, back; /* for replay_flow(); back: the packet is in its other direction */
	uint8_t direction;   /* enum nsg_direction */
	uint8_t role;	     /* enum nsg_track_role */
	enum nsg_key_status key_status;
	enum nsg_link_direction link_direction;
	enum nsg_verdict verdict;
	uint32_t captured, length; /* from the IP header on */
	uint32_t outcome;
	const char *reason;
	uint64_t first_packet; /* that the decision was made for; 0: none */

	/* not cleared for each packet */
	struct nsg_key key; /* as judged: view.key with another source */
	struct nsg_frame frame;
	struct nsg_track_view view; /* unless it is malformed */
	uint32_t flow_src_host;	    /* if has_flow */
};

struct replay {
	struct nsgctl *ctl;
	struct nsgctl_session session;
	struct nsgctl_outcomes outcomes;
	struct nsg_tracker *tracker;
	struct nsg_capture *capture;

	struct nsg_prefix subnet[REPLAY_MAX_PREFIXES];
	size_t n_subnet;
	/* --local */
	struct nsg_prefix local[REPLAY_MAX_PREFIXES];
	size_t n_local;
	struct nsg_prefix6 local6[REPLAY_MAX_PREFIXES];
	size_t n_local6;
	uint32_t src_host; /* --src; 0: none */
	uint32_t timeout_minutes;
	char section[256]; /* comment of the section that is written */

	/* Packets read in advance, so that their flows' entries are near when they are judged. */
	struct replay_packet batch[REPLAY_BATCH];
	size_t batch_n, batch_at;
	int batch_end; /* what ended it: an error, or 0 */

	uint64_t n_packets, n_other, n_unsupported, n_bytes;
	uint64_t size;	      /* of the capture; 0: unknown */
	uint64_t progress_ns; /* when progress is reported next; 0: never */
	uint32_t unsupported_link;
	struct nsg_line line;	 /* JSON that is not yet printed */
	struct nsg_line comment; /* of the packet that is written */
	struct nsg_rows rows;

	struct nsgctl_outfile file; /* -w */
	uint32_t *interfaces;	    /* of the input; in the output, plus 1; 0: not yet written */
	size_t n_interfaces, n_written;

	struct replay_top largest[REPLAY_TOP];
	size_t n_largest;
	struct replay_denied denied;
};

/* ---- the input (replay_input.c) ------------------------------------------------------------- */

/* "-": standard input. 0 or an exit status after a message. */
int replay_open_input(const char *path, int *ret_fd);
/* Reports n_packets of `what` from time to time, and removes the report. */
void replay_progress_begin(struct replay *r);
void replay_progress(struct replay *r, const char *what);
void replay_progress_end(const struct replay *r);

/* ---- reading a capture (replay.c) ----------------------------------------------------------- */

/* Takes the descriptor of a capture. 0 or an exit status. *r is zero except for session.fd and
 * ctl. */
int replay_open(struct replay *r, int fd);
void replay_done(struct replay *r);
/* 1 with the next packet decided (valid until the next call), 0 at the end, or a negative exit status
 * after a message. Frames without an IP packet are counted. */
int replay_next(struct replay *r, struct replay_packet **ret);

/* ---- the policy (replay_policy.c) ----------------------------------------------------------- */

/* The options --src and --local, and what is needed to decide. 0 or an exit status. */
int replay_open_policy(struct replay *r);

/* ---- judging (replay_judge.c) --------------------------------------------------------------- */

/* 0 or an exit status. */
int replay_judge(struct replay *r, struct replay_packet *p);
/* Whether a flow of a flow log, which states that its source began it, is the app's: by --src and --local,
 * else by the subnet. */
bool replay_is_app(const struct replay *r, const struct nsg_flow *flow);
/* The flow as its first packet had it, or would have had it, for explain. Requires p->has_flow. */
struct nsg_flow replay_flow(const struct replay_packet *p);

/* ---- writing (replay_write.c) --------------------------------------------------------------- */

/* Appends the packet as a line of JSON to r->line. -ENOMEM. */
int replay_line(struct replay *r, const struct replay_packet *p);
/* Prints r->line. 0 or an exit status. */
int replay_print_lines(struct replay *r);
/* -w. 0 or an exit status. */
int replay_write_begin(struct replay *r, int input_fd);
int replay_write(struct replay *r, const struct replay_packet *p);
int replay_write_end(struct replay *r);

/* ---- closing tables (replay_report.c) ------------------------------------------------------- */

void replay_count(struct replay *r, const struct replay_packet *p, struct nsg_track_data *flow);
/* For nsg_tracker_new(). */
void replay_flow_ended(void *closure, const struct nsg_track_flow *flow);
int replay_report(struct replay *r);
void replay_report_done(struct replay *r);
/* "10.0.2.7:22" */
void replay_format_end(const struct nsg_track_flow *flow, bool dst, char out[static 64]);
int replay_put_table(const struct replay *r, const char *title, json_t *rows,
		     const struct nsg_column *columns, size_t n);

/* ---- flow logs (replay_log.c) --------------------------------------------------------------- */

/* Whether it is a directory, or a file or pipe that begins like JSON. Waits for the first data of a pipe. */
bool replay_is_log(int fd);
/* The verb. Takes the descriptor. 0 or an exit status. */
int replay_log(struct replay *r, int fd);

#endif
