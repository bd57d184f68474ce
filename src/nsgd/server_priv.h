/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the server, shared by its parts. */
#ifndef NSG_NSGD_SERVER_PRIV_H
#define NSG_NSGD_SERVER_PRIV_H

#include "nsgd/history.h"
#include "nsgd/server.h"
#include "observe/line.h"
#include "util/vec.h"

struct connection {
	struct server *server;
	struct connection *next;
	sd_event_source *io;
	int fd;
	uid_t user;
	uint64_t active_ns; /* when it last sent a whole request or took a part of a reply */
	struct nsg_frames frames;
	NSG_VEC(char) out;
	size_t sent;  /* of out */
	bool more;    /* whole requests may have arrived that are not answered yet */
	bool closing; /* when all is sent */
	bool trace, payload, dropped_only;
	bool policy; /* it is sent the policy before the first decision of each */
	struct nsg_image_info decided_by; /* the policy that it was sent last */
	struct nsg_packet_filter *filter; /* its packets of decided flows; NULL: none */
	uint64_t lost;			  /* decisions that it missed and was not told of */
	/* What is sent of the history: the next line, and the first that is not. Equal: nothing. */
	uint64_t history, history_end;
	struct server_stream *stream; /* being sent; NULL: none */
	uint64_t reload;	      /* the number of the one that it waits for; 0: none */
};

struct server {
	sd_event *event;
	const struct server_ops *ops;
	void *closure; /* of ops */
	char *path;
	int fd;
	gid_t group; /* (gid_t)-1: there is none */
	sd_event_source *io;
	sd_event_source *idle; /* on while there are connections */
	struct connection *connections;
	size_t n_connections;
	uint64_t trace_lost;
	struct nsg_line lines[2]; /* the current record, without and with payload */
	struct history *kept;
};

/* Adds to what is sent. -ENOMEM. */
int connection_append(struct connection *c, const char *data, size_t n);
/* Sends what can be sent now. For use outside of the connection's own event, which then frees it. */
void connection_flush(struct connection *c);

#endif
