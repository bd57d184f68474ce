/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a web app leaves the template. App settings and connection strings are secrets, so of a
 * site and its slots only the members that nsgd reads are kept, and of app settings only
 * WEBSITE_VNET_ROUTE_ALL: the rest is not even evaluated.
 */
#ifndef NSG_TEMPLATE_KEEP_PRIV_H
#define NSG_TEMPLATE_KEEP_PRIV_H

#include "template/eval_priv.h"

struct nsg_keep;

/* NULL: all members of the type (and, of sites/config, the name) are kept. */
const struct nsg_keep *nsg_keep_find(const char *type, const char *name);
/* A configuration of an app, all of which may be settings. */
bool nsg_keep_is_config(const char *type);
/* Whether it is a configuration of an app that nsgd has no use for. */
bool nsg_keep_nothing(const char *type, const char *name);
/* A copy of the members to keep; before evaluation and, for what expressions made, after. */
int nsg_keep_apply(struct nsg_eval *ev, const struct nsg_keep *keep, json_t *value, json_t **ret);

#endif
