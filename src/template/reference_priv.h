/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference() to resources of the same templates: the outputs of a nested deployment, and declared
 * properties. Other properties are known only after deployment.
 *
 * reference('x').outputs.y.value evaluates only y: other outputs may be unknown.
 */
#ifndef NSG_TEMPLATE_REFERENCE_PRIV_H
#define NSG_TEMPLATE_REFERENCE_PRIV_H

#include "template/eval_priv.h"

/* Whether a chain of accessors starts at reference(). */
bool nsg_reference_is(const struct nsg_expr *e);
int nsg_reference_node(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret);

#endif
