/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's connections: requests in, replies out, nobody waited for. */
#ifndef NSG_NSGD_SERVE_H
#define NSG_NSGD_SERVE_H

#include <stdbool.h>

#include "nsgd/daemon.h"

struct server;

/* Makes the socket, which nobody answers yet: whoever holds it is the instance. -EADDRINUSE when
 * another nsgd does, -errno, each with a diagnostic. */
int server_new(struct daemon *d, const char *path, struct nsg_diag *diag, struct server **ret);
/* Begins to accept. -errno. */
int server_start(struct server *s);

/* A decision for those who trace, sent with the next flush. NULL server: nobody. */
void server_trace(struct server *s, const struct nsg_trace_record *record);
void server_flush_trace(struct server *s);
bool server_wants_trace(const struct server *s);
bool server_wants_payload(const struct server *s);

/* Closes all connections and removes the socket. NULL is fine; returns NULL. */
struct server *server_free(struct server *s);

/* verbs.c: one request's data items and exit status. */
enum nsg_exit verb_answer(struct daemon *d, const char *verb, const json_t *args,
			  int (*data)(void *closure, json_t *item), void *closure,
			  struct nsg_diag *diag);

#endif
