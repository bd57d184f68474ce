/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay: decides every packet of a capture as if the app's instance had sent the packets from the
 * integration subnet. The first packet of a flow is decided by a directory or a daemon; later
 * packets, replies and fragments follow it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsgctl/replay_priv.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/limits.h"

void replay_done(struct replay *r)
{
	nsgctl_outfile_done(&r->file);
	nsg_capture_free(r->capture);
	nsg_tracker_free(r->tracker);
	nsgctl_outcomes_done(&r->outcomes);
	nsgctl_session_close(&r->session);
	nsg_line_done(&r->line);
	nsg_line_done(&r->comment);
	replay_report_done(r);
	free(r->interfaces);
}

/* ---- the capture ---------------------------------------------------------------------------- */

static int fail_capture(const struct replay *r, const char *path, int e)
{
	const char *error = r->capture ? nsg_capture_error(r->capture) : "";

	replay_progress_end(r);
	return nsgctl_fail((int)nsg_exit_from(e), "%s: %s", path, *error ? error : strerror(-e));
}

int replay_open(struct replay *r, int fd)
{
	struct stat st;
	int status;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		r->size = (uint64_t)st.st_size;
	status = nsg_capture_open(fd, &r->capture);
	if (status < 0)
		return fail_capture(r, r->ctl->operands[0], status);
	status = replay_open_policy(r);
	if (status)
		return status;
	r->tracker =
	    nsg_tracker_new(r->timeout_minutes, NSG_MAX_TRACKED_FLOWS, replay_flow_ended, r);
	if (!r->tracker)
		return nsgctl_out_of_memory();
	return r->ctl->write ? replay_write_begin(r, fd) : 0;
}

static void find_ip(struct replay_packet *p)
{
	size_t offset;

	p->link_direction = p->frame.direction;
	if (!nsg_link_ip(p->frame.link_type, p->frame.data, p->frame.captured, &offset,
			 &p->link_direction))
		return;
	p->ip = p->frame.data + offset;
	p->captured = p->frame.captured - (uint32_t)offset;
	p->length = p->frame.length - (uint32_t)offset;
}

static void read_packet(struct replay *r, struct replay_packet *p)
{
	memset(p, 0, offsetof(struct replay_packet, key));
	p->view.place.hash = 0;
	find_ip(p);
	if (!p->ip)
		return;
	p->key_status = nsg_track_view(p->ip, p->captured, p->length, &p->view);
	if (p->key_status != NSG_KEY_MALFORMED)
		nsg_tracker_prefetch(r->tracker, &p->view);
}

/* As many packets as are in the buffer, one at least. 1, 0 at the end, or an error. */
static int read_batch(struct replay *r)
{
	int got = nsg_capture_next(r->capture, &r->batch[0].frame);

	r->batch_n = r->batch_at = 0;
	if (got <= 0)
		return got;
	while (got == 1) {
		read_packet(r, &r->batch[r->batch_n++]);
		if (r->batch_n == REPLAY_BATCH)
			break;
		got = nsg_capture_next_buffered(r->capture, &r->batch[r->batch_n].frame);
	}
	r->batch_end = got == -EAGAIN || got == 1 ? 0 : got;
	for (size_t i = 0; i < r->batch_n; i++)
		if (r->batch[i].view.place.hash)
			nsg_tracker_prefetch_entry(r->tracker, &r->batch[i].view);
	return 1;
}

static void count_other(struct replay *r, const struct replay_packet *p)
{
	if (nsg_link_is_supported(p->frame.link_type)) {
		r->n_other++;
		return;
	}
	r->unsupported_link = p->frame.link_type;
	r->n_unsupported++;
}

int replay_next(struct replay *r, struct replay_packet **ret)
{
	for (;;) {
		struct replay_packet *p = &r->batch[r->batch_at];
		int got = 1, status;

		if (r->batch_at == r->batch_n) {
			got = r->batch_end < 0 ? r->batch_end : read_batch(r);
			p = &r->batch[0];
		}
		if (got < 0)
			return -fail_capture(r, r->ctl->operands[0], got);
		if (got == 0)
			return 0;
		r->batch_at++;
		r->n_packets++;
		if (!p->ip) {
			count_other(r, p);
			continue;
		}
		status = replay_judge(r, p);
		*ret = p;
		return status ? -status : 1;
	}
}

/* ---- the verb ------------------------------------------------------------------------------- */

static int print_row(struct replay *r)
{
	cleanup_json json_t *item = nsg_json_load(r->line.text.v, r->line.text.n, 0, NULL);

	nsg_line_begin(&r->line);
	if (!item)
		return nsgctl_out_of_memory();
	nsg_rows_put(&r->rows, item);
	return 0;
}

static int print_packet(struct replay *r, const struct replay_packet *p)
{
	bool table = r->ctl->form == NSGCTL_TABLE;

	if (r->file.out) {
		int status = replay_write(r, p);

		if (status || r->file.out == stdout)
			return status;
	}
	if (table && !r->ctl->each_packet)
		return 0;
	if (replay_line(r, p) < 0)
		return nsgctl_out_of_memory();
	if (table)
		return print_row(r);
	return r->line.text.n >= NSGCTL_OUTPUT_BYTES ? replay_print_lines(r) : 0;
}

/* What is known of a pipe is printed before more of it is waited for. */
static int print_before_waiting(struct replay *r)
{
	int status;

	if (r->size || r->batch_at < r->batch_n || r->batch_n == REPLAY_BATCH)
		return 0;
	status = replay_print_lines(r);
	(void)fflush(stdout);
	if (r->file.out)
		(void)fflush(r->file.out);
	return status;
}

static int replay_all(struct replay *r)
{
	struct replay_packet *p = NULL;
	int got, printed, status = 0;

	replay_progress_begin(r);
	while (!status && (got = replay_next(r, &p)) != 0) {
		status = got < 0 ? -got : print_packet(r, p);
		if (!status)
			status = print_before_waiting(r);
		replay_progress(r, "packets");
	}
	replay_progress_end(r);
	printed = replay_print_lines(r);
	return status ? status : printed;
}

/* What was not decided, and why. */
static int report_rest(const struct replay *r)
{
	uint64_t evicted = nsg_tracker_evicted(r->tracker);

	if (r->n_other)
		fprintf(stderr,
			"nsgctl: %" PRIu64 " of %" PRIu64
			" frames were skipped: they contain no IP packet\n",
			r->n_other, r->n_packets);
	if (evicted)
		fprintf(stderr,
			"nsgctl: more than %u flows at a time: %" PRIu64
			" of them were forgotten, and their later packets were decided again\n",
			NSG_MAX_TRACKED_FLOWS, evicted);
	if (!r->n_unsupported)
		return 0;
	(void)nsgctl_fail(0,
			  "%" PRIu64 " of %" PRIu64 " frames were skipped: unsupported link type "
			  "%u: must be Ethernet, raw IP, Linux cooked or BSD loopback",
			  r->n_unsupported, r->n_packets, r->unsupported_link);
	return r->n_unsupported == r->n_packets ? NSG_EXIT_FAILED : 0;
}

int nsgctl_replay(struct nsgctl *ctl)
{
	__attribute__((cleanup(replay_done))) struct replay r = {.ctl = ctl, .session = {.fd = -1}};
	int fd = -1, rest, status;

	if (fileno(stdout) >= 0)
		(void)setvbuf(stdout, NULL, _IOFBF, NSGCTL_OUTPUT_BYTES);
	status = replay_open_input(ctl->operands[0], &fd);
	if (status)
		return status;
	if (replay_is_log(fd))
		return replay_log(&r, fd);
	status = replay_open(&r, fd);
	if (status)
		return status;
	if (ctl->form == NSGCTL_TABLE && ctl->each_packet)
		nsg_rows_begin(&r.rows, NSG_ROWS_REPLAY, &ctl->term, stdout);
	status = replay_all(&r);
	if (ctl->form == NSGCTL_TABLE && r.file.out != stdout) {
		int reported = replay_report(&r);

		status = status ? status : reported;
	}
	rest = report_rest(&r);
	status = status ? status : rest;
	return !status && r.file.out ? replay_write_end(&r) : status;
}
