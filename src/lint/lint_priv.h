/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The remarks of `check` on a valid policy, one kind per file. Each returns 0 or -ENOMEM and bounds
 * its own time, because a policy may be hostile.
 */
#ifndef NSG_LINT_PRIV_H
#define NSG_LINT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/effective.h"
#include "util/diag.h"

/* admin_rules.c: rules of the NSG that security admin rules make useless. */
int nsg_lint_admin_rules(const struct nsg_effective *e, struct nsg_diag *diag);
/* dns_servers.c: which DNS servers the app settings name, and those that the app cannot reach. */
int nsg_lint_dns_servers(const struct nsg_effective *e, struct nsg_diag *diag);
/* shadowed_rules.c: rules that never match, rules that earlier rules cover, rules for destinations
 * that do not enter the network. */
int nsg_lint_rules(const struct nsg_effective *e, struct nsg_diag *diag);
/* unused_routes.c: routes that no packet takes; contested facts that change some packet's route. */
int nsg_lint_routes(const struct nsg_effective *e, struct nsg_diag *diag);
/* contested.c: facts on which the sources differ and that matter for this policy. */
int nsg_lint_contested(const struct nsg_effective *e, struct nsg_diag *diag);

#endif
