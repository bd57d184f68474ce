/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of parameters: given or default, checked against the declaration. */
#ifndef NSG_TEMPLATE_PARAMETER_PRIV_H
#define NSG_TEMPLATE_PARAMETER_PRIV_H

#include "template/scope_priv.h"

/* Whether its type is securestring or secureobject. */
bool nsg_parameter_is_secure(const struct nsg_binding *b);
/* Evaluated in the frame of the parameter's own scope. */
int nsg_parameter_value(struct nsg_eval *ev, struct nsg_binding *b, json_t **ret);

#endif
