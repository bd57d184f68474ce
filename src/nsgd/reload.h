/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_NSGD_RELOAD_H
#define NSG_NSGD_RELOAD_H

#include <stdbool.h>

#include "control/control.h"
#include "nsgd/instance.h"

/* Loads nsgd.conf (unless `policy_only`) and the policy, as a transaction: both are in force
 * afterwards, or nothing has changed and the diagnostics have the reason. They are logged too. */
enum nsg_exit reload(struct instance *in, bool policy_only, struct nsg_diag *diag);

#endif
