/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon in three files: setup.c has the steps of a start, loop.c the event loop, daemon.c their order,
 * and the stop. Each step logs its errors. */
#ifndef NSG_NSGD_DAEMON_PRIV_H
#define NSG_NSGD_DAEMON_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "nsgd/instance.h"
#include "nsgd/server.h"

struct daemon {
	struct instance in;
	char *socket_path;
	struct server *server;
	sd_event *event;
	sd_event_source *kernel_source, *watchdog_timer, *health_timer;
	uint64_t watchdog_usec; /* 0: no service manager waits for it */
	bool restarting;	/* everything stays for the next process */
	uint32_t n_workers;
	bool stuck; /* a worker does not end, and uses what would be freed */
};

typedef int conf_load_fn(const char *path, bool may_be_absent, struct nsg_diag *diag,
			 struct nsg_conf **ret);

/* Logs the diagnostics of a step, and its error when no diagnostic does. Returns r. */
int daemon_report(int r, const char *what, struct nsg_diag *diag);
/* The same of the kernel's errors, of which -EPERM has a reason. */
int daemon_report_kernel(int r, struct nsg_diag *diag);

enum nsg_exit daemon_load_conf(struct daemon *d, conf_load_fn *load);
/* The routes of [bgp], if any. */
enum nsg_exit daemon_read_live(struct daemon *d);
enum nsg_exit daemon_load_policy(struct daemon *d);
enum nsg_exit daemon_open_kernel(struct daemon *d);
/* Gives the next hops their paths; strict: one without is an error. */
enum nsg_exit daemon_place(struct daemon *d, bool strict);
/* The descriptors that the service manager has kept. */
void daemon_open_store(struct daemon *d);
/* From the control socket to the rules that send packets to the queues. */
enum nsg_exit daemon_bring_up(struct daemon *d);

void daemon_stop_engine(struct daemon *d);

/* For removal only [nsgd] and [route] matter; captured users and cgroups may not exist any more.
 * -errno. */
int daemon_open_to_remove(struct daemon *d, struct nsg_diag *diag);
/* For a start that failed before it had the control socket: removes what a crashed nsgd left,
 * unless another nsgd of this instance is running. */
void daemon_sweep(struct daemon *d);
/* The same if the configuration has errors: removes what the record of the previous process names. */
void daemon_sweep_recorded(struct daemon *d);

/* Before anything that a signal must not interrupt. -errno. */
int daemon_prepare_loop(struct daemon *d);
/* What the loop of a daemon that decides waits for. -errno. */
int daemon_add_sources(struct daemon *d);
/* Returns the exit status when the loop ends. */
enum nsg_exit daemon_loop(struct daemon *d);

#endif
