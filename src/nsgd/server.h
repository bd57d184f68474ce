/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's clients: requests in, replies out, without waiting for any of them. */
#ifndef NSG_NSGD_SERVER_H
#define NSG_NSGD_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "control/control.h"
#include "kernel/kernel.h"
#include "observe/line.h"
#include "util/diag.h"

struct server;

typedef int server_data_fn(void *closure, json_t *item);

/* An answer that is made in pieces, when the client has taken those before. */
struct server_stream {
	/* Gives some items to `data`. 0: there are more; 1: that was all; -errno, or what `data`
	 * returned. */
	int (*next)(struct server_stream *stream, server_data_fn *data, void *closure);
	void (*free)(struct server_stream *stream);
};

/* What a server needs from its owner. */
struct server_ops {
	uint64_t idle_usec; /* after which a client that does nothing is disconnected */
	/* Answers a request: gives each data item to `data` and returns the exit status. `trace`,
	 * `history`, `reload` and the verbs of `stream` are not among the verbs. */
	enum nsg_exit (*answer)(void *closure, const char *verb, const json_t *args,
				server_data_fn *data, void *data_closure, struct nsg_diag *diag);
	/* Begins the answer of the verb `flows` or `effective-routes`; -errno with a diagnostic. */
	int (*stream)(void *closure, const char *verb, struct nsg_diag *diag,
		      struct server_stream **ret);
	/* Asks for a reload; returns its number, for server_reloaded(). */
	uint64_t (*reload)(void *closure);
	/* The policy of that image, as `status` has it. NULL: it is not in effect, or no memory. */
	json_t *(*policy)(void *closure, const struct nsg_image *image);
	/* What server_wants_trace() and server_wants_payload() return may have changed. */
	void (*trace_changed)(void *closure);
	/* So may what server_packet_filters() returns. -errno with a diagnostic; diag
	 * NULL: it is logged. */
	int (*filters_changed)(void *closure, struct nsg_diag *diag);
};

/* Creates the socket, without accepting connections yet: the process that has it is the instance.
 * -EADDRINUSE when another nsgd has it, -errno, each with a diagnostic. */
int server_new(sd_event *event, const char *path, const struct server_ops *ops, void *closure,
	       struct nsg_diag *diag, struct server **ret);
/* Begins to accept. -errno. */
int server_start(struct server *s);

/* Answers the clients that wait for the reload of that number: `done` (NULL: none), then the status. */
void server_reloaded(struct server *s, uint64_t number, enum nsg_exit status, json_t *done,
		     const struct nsg_diag *diag);

/* Remembers a decision, and queues it for the clients that trace; server_flush_trace() sends what is
 * queued. */
void server_trace(struct server *s, const struct nsg_trace_record *record,
		  const struct nsg_line_origin *origin);
void server_flush_trace(struct server *s);
/* Decisions that no tracer got. They are told how many. */
void server_trace_missed(struct server *s, uint64_t n);
bool server_wants_trace(const struct server *s);
bool server_wants_payload(const struct server *s);
/* Which packets of decided flows clients want to see. */
void server_packet_filters(const struct server *s, struct nsg_packet_filters *ret);
/* Decisions that clients missed because they read too slowly. */
uint64_t server_trace_lost(const struct server *s);

/* Closes all connections and removes the socket. NULL is fine; returns NULL. */
struct server *server_free(struct server *s);

#endif
