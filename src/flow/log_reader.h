/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads flow logs of Azure: VNet flow logs (version 4) and NSG flow logs (versions 1 and 2), files of
 * {"records":[...]}. One record at a time is in memory. Files are not trusted: invalid content ends the
 * reading with an error that names the record, after the tuples before it have been returned.
 */
#ifndef NSG_FLOW_LOG_READER_H
#define NSG_FLOW_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/key.h"

/* One flow tuple. */
struct nsg_log_tuple {
	uint64_t time_ns;
	struct nsg_key key; /* addresses 0 when is_ip6 */
	bool is_ip6;
	uint8_t src6[16], dst6[16];
	bool inbound, denied;
	char state; /* B(egin), C(ontinue), E(nd) or D(enied) */
	/* since the previous tuple of the flow; "sent" is from source to destination */
	uint64_t packets_sent, bytes_sent, packets_received, bytes_received;
	const char *rule; /* UTF-8; valid until the next call */
};

struct nsg_log_reader;

/* Takes the descriptor. NULL when out of memory. */
struct nsg_log_reader *nsg_log_reader_new(int fd);
/* 1 with a tuple, 0 at the end, -EBADMSG with a text in nsg_log_reader_error(), -ENOMEM, or an error of
 * read(). */
int nsg_log_reader_next(struct nsg_log_reader *l, struct nsg_log_tuple *ret);
const char *nsg_log_reader_error(const struct nsg_log_reader *l);
/* Accepts NULL; returns NULL. */
struct nsg_log_reader *nsg_log_reader_free(struct nsg_log_reader *l);

#endif
