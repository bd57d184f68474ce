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
 * what was on before stays on. The end may be that of a later process. Without permission nothing
 * changes.
 */
void accounting_begin(const char *instance);
void accounting_end(const char *instance);
/* After an instance was renamed: accounting_end() of the new name restores the settings. */
void accounting_rename(const char *former, const char *instance);

#endif
