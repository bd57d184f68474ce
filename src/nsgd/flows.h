/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb `flows`: the kernel's connections with the decisions on them. */
#ifndef NSG_NSGD_FLOWS_H
#define NSG_NSGD_FLOWS_H

#include "nsgd/instance.h"
#include "nsgd/server.h"

/* -errno with a diagnostic. The instance must outlive the stream. */
int flows_begin(const struct instance *in, struct nsg_diag *diag, struct server_stream **ret);

/*
 * Makes the kernel count the packets of connections and note when they began, until accounting_end():
 * what was on before stays on. Without permission nothing changes.
 */
void accounting_begin(struct accounting *a);
void accounting_end(struct accounting *a);

#endif
