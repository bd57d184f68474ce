/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start and end of a process whose table and queues live longer than it: what it records for the next
 * one, and how that one continues. */
#ifndef NSG_NSGD_HANDOVER_H
#define NSG_NSGD_HANDOVER_H

#include "nsgd/instance.h"

/* Records the policy in force for the next process and, during a reload, the one being published.
 * Without a service manager it does nothing. */
void handover_save(struct instance *in, const struct policy *next);

/* Passes the names that the previous process used to the kernel layer, which is open. -ENOMEM. */
int handover_set_former(struct instance *in);
/* Renames the files of an instance that was renamed. Only for the process that has the control socket. -errno. */
int handover_rename_files(struct instance *in, struct nsg_diag *diag);

/* Replaces the names in conf_start by those in the record. -EBADMSG: there is none. */
int handover_use_names(struct instance *in);

/* Two steps continue with the kernel state of the process before, in place of nsg_kernel_start; in->policy
 * is placed in between. */

/* -ESTALE: it cannot be continued, and nsg_kernel_start follows (nsg_kernel_take_over). -errno. */
int handover_restore(struct instance *in, uint32_t n_queues, struct nsg_diag *diag);
/* Publishes in->policy like the policy of a reload, and starts the engine, which has bound the queues, when the
 * next hops are there. -errno. */
int handover_continue(struct instance *in, struct nsg_diag *diag);

/* Gives the manager the sockets that it does not hold yet, and closes those that are not used, except those of
 * queues. */
void handover_keep(struct instance *in);

#endif
