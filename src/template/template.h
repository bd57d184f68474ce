/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ARM template and its parameters become plain documents. Linked by nsgctl only. */
#ifndef NSG_TEMPLATE_TEMPLATE_H
#define NSG_TEMPLATE_TEMPLATE_H

#include <stddef.h>

#include <jansson.h>

#include "util/diag.h"
#include "util/flat_resource.h"
#include "util/json.h"

/*
 * `parameters` is a parameters document's value ({"parameters":{"x":{"value":…}}}) or NULL; neither
 * value is changed. What cannot be evaluated is an error naming the expression and its place when
 * it decides filtering or routing, and left out otherwise: `location`, tags and names decide
 * nothing, nor do resources of other types than nsgd reads (a notice each). The resources have
 * their full type and name and no expressions; children and what nested deployments deploy are
 * resources of their own. *ret is malloc'ed. -EINVAL, -ENOMEM.
 *
 * Where a template is deployed it does not say. Stand-ins, the same each time: subscription and
 * tenant 00000000-0000-0000-0000-000000000000, group `resource-group`, a location that never leaves
 * (it is left out; where it would decide it is an error), the deployment's name from the file's.
 * uniqueString() and guid() are Azure's in form, not in value: its algorithm is not public. An id
 * with such a part leaves as type and name, unless only the whole tells two resources apart. A name
 * that cannot be evaluated becomes `unknown-…`, the same for the same expression.
 *
 * reference() gives the outputs of nested deployments and what a resource of the template is
 * declared with; the rest of a resource is known only when it is deployed. Of web apps only what
 * nsgd reads leaves, of app settings only WEBSITE_VNET_ROUTE_ALL; no message quotes a setting.
 */
int nsg_template_evaluate(json_t *template, json_t *parameters, const struct nsg_place *where,
			  struct nsg_diag *diag, struct nsg_flat_resource **ret, size_t *ret_n);

#endif
