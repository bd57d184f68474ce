/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decisions in the log. Of denied flows the first of a rule and a destination has a line, and those
 * that follow within a minute are a sum at its end. In the journal a line has fields:
 *
 *	MESSAGE_ID		DECISION_LOG_FLOW, or DECISION_LOG_SUM
 *	NSGD_VERDICT, _REASON, _GATE
 *	NSGD_ENFORCED		"no" in audit mode
 *	NSGD_RULE, _PRIORITY	of the NSG, if one was evaluated
 *	NSGD_ADMIN_RULE		if one matched
 *	NSGD_ROUTE, _NEXT_HOP	prefix; type and addresses
 *	NSGD_PROTOCOL, _DST, _DST_PORT, and of a single flow _SRC, _SRC_PORT, _HOST_SRC, _UID
 *	NSGD_COUNT		flows; packets where the kernel answered
 *
 * Main thread only.
 */
#ifndef NSG_NSGD_DECISION_LOG_H
#define NSG_NSGD_DECISION_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "observe/ring.h"

/* nsgd.catalog explains them. */
#define DECISION_LOG_FLOW "adb14dac24274e6c9172e68e27987106"
#define DECISION_LOG_SUM "c3a65517b0e74b2399cbf668f264c4c1"

/* One decision. Above a rate limit decisions are counted instead. */
void decision_log(const struct nsg_trace_record *record);
/* A denied one: its line, or a part of the sum. */
void decision_log_denied(const struct nsg_trace_record *record);
/* A denied destination whose next n packets the kernel dropped by itself: the record has its key,
 * without a source port, and the decision. */
void decision_log_repeats(const struct nsg_trace_record *record, uint64_t n);
/* Writes the sums whose minute is over; call it every few seconds. With `all`, every sum. */
void decision_log_watch(bool all);

#endif
