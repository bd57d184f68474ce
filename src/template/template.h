/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ARM template and its parameters become plain documents. Linked by nsgctl only. */
#ifndef NSG_TEMPLATE_TEMPLATE_H
#define NSG_TEMPLATE_TEMPLATE_H

#include <stddef.h>

#include <jansson.h>

#include "util/diag.h"
#include "util/json.h"

/*
 * `parameters` is a parameters document's value ({"parameters":{"x":{"value":…}}}) or NULL.
 * What cannot be evaluated is an error naming the expression and its place when it decides
 * filtering or routing, and left out otherwise. The resources have their full type and name, nested
 * children as they stand, no expressions. *ret is malloc'ed. -EINVAL, -ENOMEM.
 */
int nsg_template_evaluate(json_t *template, json_t *parameters, const struct nsg_place *where,
			  struct nsg_diag *diag, struct nsg_flat_resource **ret, size_t *ret_n);

#endif
