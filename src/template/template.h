/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns an ARM template and its parameters into plain documents. Linked by nsgctl only. */
#ifndef NSG_TEMPLATE_TEMPLATE_H
#define NSG_TEMPLATE_TEMPLATE_H

#include <stddef.h>

#include <jansson.h>

#include "util/diag.h"
#include "util/flat_resource.h"
#include "util/json.h"

/*
 * Evaluates `template`. `parameters` is the value of a parameters document
 * ({"parameters":{"x":{"value":…}}}) or NULL; neither value is changed. An expression that cannot
 * be evaluated is an error, with its place, when it affects filtering or routing. Otherwise it is
 * left out: `location`, tags and names decide nothing, and types that nsgd does not use are skipped
 * with a notice each. The resources have their full type and name and no expressions; children, and
 * resources of nested deployments, are resources of their own. *ret is malloc'ed. -EINVAL, -ENOMEM.
 *
 * A template does not define where it is deployed. Stable stand-ins are used: subscription and
 * tenant 00000000-0000-0000-0000-000000000000, group `resource-group`, the name of the file as that
 * of the deployment, and a location that is left out of the result (an error where it would
 * decide). uniqueString() and guid() return stand-ins too: Azure's algorithm is not public. An id
 * with stand-ins is written as type and name, unless only the complete id distinguishes two
 * resources. A name that cannot be evaluated becomes `unknown-…`, the same for the same expression.
 *
 * reference() returns the outputs of nested deployments and declared properties; other properties
 * are known only after deployment. Only those members of web apps are written that nsgd reads, and
 * of app settings only those of NSG_APP_SETTINGS; no message quotes a setting.
 */
int nsg_template_evaluate(json_t *template, json_t *parameters, const struct nsg_place *where,
			  struct nsg_diag *diag, struct nsg_flat_resource **ret, size_t *ret_n);

#endif
