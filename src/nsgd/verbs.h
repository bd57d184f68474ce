/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's verbs (control/control.h has the table). */
#ifndef NSG_NSGD_VERBS_H
#define NSG_NSGD_VERBS_H

#include "nsgd/instance.h"
#include "nsgd/server.h"

/* One request: its data items go to `data`. Returns the exit status. */
enum nsg_exit verb_answer(struct instance *in, const char *verb, const json_t *args,
			  server_data_fn *data, void *closure, struct nsg_diag *diag);

#endif
