/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members of web apps that are kept. App settings and connection strings are secrets, so only
 * the members that nsgd reads are kept, and only the app settings of NSG_APP_SETTINGS; the rest is
 * not even evaluated.
 */
#ifndef NSG_TEMPLATE_KEEP_PRIV_H
#define NSG_TEMPLATE_KEEP_PRIV_H

#include "template/eval_priv.h"

struct nsg_keep;

/* NULL: all members of the type (and, of sites/config, the name) are kept. */
const struct nsg_keep *nsg_keep_find(const char *type, const char *name);
/* A configuration of an app, all of which may be settings. */
bool nsg_keep_is_config(const char *type);
/* Whether the resource is a configuration of an app that nsgd does not use. */
bool nsg_keep_nothing(const char *type, const char *name);
/* Copies the members to keep. Called before evaluation, and after it for what expressions made. */
int nsg_keep_apply(struct nsg_eval *ev, const struct nsg_keep *keep, json_t *value, json_t **ret);

#endif
