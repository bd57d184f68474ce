/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference() to what the same templates declare: the outputs of a nested deployment, and
 * properties that a resource is declared with. The rest of a resource is known only when it is
 * deployed.
 *
 * Of reference('x').outputs.y.value no more is evaluated than y: another output may need what
 * nobody can know.
 */
#ifndef NSG_TEMPLATE_REFERENCE_PRIV_H
#define NSG_TEMPLATE_REFERENCE_PRIV_H

#include "template/eval_priv.h"

/* Whether a chain of accessors starts at reference(). */
bool nsg_reference_is(const struct nsg_expr *e);
int nsg_reference_node(struct nsg_eval *ev, const struct nsg_expr *e, json_t **ret);

#endif
