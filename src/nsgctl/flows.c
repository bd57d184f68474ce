/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "explain/rows.h"
#include "nsgctl/filter.h"
#include "nsgctl/nsgctl.h"
#include "nsgctl/packets.h"
#include "util/cleanup.h"

struct flows {
	const struct nsgctl *ctl;
	struct nsgctl_filter filter;
	struct nsgctl_packets packets;
	struct nsg_rows rows;
	bool uncounted;
};

static void flows_done(struct flows *f)
{
	nsgctl_packets_done(&f->packets);
}

static bool passes(const struct flows *f, const json_t *item)
{
	if (f->ctl->no_answer && json_is_true(json_object_get(item, "answered")))
		return false;
	return nsgctl_filter_passes(&f->filter, item) &&
	       (!f->ctl->n_operands || nsgctl_packets_match(&f->packets, item, NULL, 0));
}

static int print_flow(void *closure, json_t *item)
{
	struct flows *f = closure;

	if (!passes(f, item))
		return 0;
	f->uncounted |= json_is_null(json_object_get(item, "packetsOut"));
	if (f->ctl->form == NSGCTL_TABLE)
		nsg_rows_put(&f->rows, item);
	else if (nsgctl_print_line(item) < 0)
		return NSG_EXIT_FAILED;
	return 0;
}

static int print_all(struct flows *f, struct nsgctl_session *session)
{
	cleanup_json json_t *args = json_object();

	if (f->ctl->form == NSGCTL_TABLE)
		nsg_rows_begin(&f->rows, NSG_ROWS_FLOWS, &f->ctl->term, stdout);
	return nsgctl_session_ask(session, "flows", args, print_flow, f);
}

static int read_options(struct flows *f)
{
	const struct nsgctl *ctl = f->ctl;
	char error[NSGCTL_FILTER_ERROR];
	int status = 0;

	if (ctl->filter && nsgctl_filter_parse(ctl->filter, &f->filter, error) < 0)
		return nsgctl_fail(NSG_EXIT_USAGE, "--filter: %s", error);
	if (nsgctl_filter_packet_key(&f->filter))
		return nsgctl_fail(NSG_EXIT_USAGE, "--filter: flows have no %s",
				   nsgctl_filter_packet_key(&f->filter));
	if (ctl->n_operands)
		status = nsgctl_packets_compile(&f->packets, ctl->operands, ctl->n_operands);
	if (!status &&
	    (nsgctl_packets_need_payload(&f->packets) || nsgctl_packets_need_length(&f->packets)))
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "EXPRESSION can only use addresses, protocol and ports");
	return status;
}

int nsgctl_flows(struct nsgctl *ctl)
{
	__attribute__((cleanup(nsgctl_session_close))) struct nsgctl_session session = {.fd = -1};
	__attribute__((cleanup(flows_done))) struct flows flows = {.ctl = ctl};
	int status = read_options(&flows);

	if (!status)
		status = nsgctl_session_open(ctl, &session);
	if (status)
		return status;
	nsgctl_watch_begin(ctl, &session);
	do {
		if (nsgctl_watch_clear(ctl))
			status = print_all(&flows, &session);
	} while (!status && nsgctl_watch_wait(ctl));
	if (flows.uncounted && ctl->form == NSGCTL_TABLE)
		fputs("nsgctl: the packets of some flows were not counted: the flows began before "
		      "nsgd, or nsgd is not\npermitted to set net.netfilter.nf_conntrack_acct\n",
		      stderr);
	return status;
}
