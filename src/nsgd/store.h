/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service manager keeps for the next process (sd_notify(3), FDSTORE=1): the sockets of the
 * queues ("queue0" ..., by their numbers), of the silent queue ("silent") and of the table ("table"), and a file with
 * the record ("record"). A queue belongs to its socket: while the manager holds it, packets wait.
 * Main thread only.
 */
#ifndef NSG_NSGD_STORE_H
#define NSG_NSGD_STORE_H

#include <stdbool.h>

#include <jansson.h>

#include "conf/conf.h"
#include "engine/engine.h"
#include "util/diag.h"
#include "util/limits.h"

struct store {
	bool on; /* there is a service manager */
	/* Sockets of the process before, until they are used; -1: none. */
	struct nsg_engine_socket queues[NSG_MAX_WORKERS];
	uint32_t n_queues;
	int silent, table;
	json_t *record; /* of the process before; NULL: none */
	int file;	/* of the record */
	uint64_t sequence;
	/* Names of what the manager should hold. */
	char held[2 * NSG_MAX_WORKERS + 3][16];
	uint32_t n_held;
	bool incomplete; /* one could not be given to it */
};

/* Before store_open. */
void store_init(struct store *s);
/* Takes what the service manager passed on (sd_listen_fds(3)). A descriptor with an unknown name, of
 * another protocol, network namespace or queue is closed, with a warning. */
void store_open(struct store *s, const struct nsg_conf *conf, struct nsg_diag *diag);

/* Closes the socket of that name here and in the manager, if it is still *fd. */
void store_drop(struct store *s, const char *name, int *fd);
/* The same of a queue. Its fd may be -1 if it is already closed here. */
void store_drop_queue(struct store *s, struct nsg_engine_socket *queue);
/* Gives a socket to the manager, unless it holds one of that name. */
void store_keep(struct store *s, const char *name, int fd);
/* Replaces the record. When the process dies in between, one of the two is valid. -errno, -ENOMEM for
 * NULL: then there is none. */
int store_write(struct store *s, const json_t *record);
/* The manager closes everything. */
void store_forget(struct store *s);
void store_done(struct store *s);

#endif
