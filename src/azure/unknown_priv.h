/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a document of no known kind looks like. */
#ifndef NSG_AZURE_UNKNOWN_PRIV_H
#define NSG_AZURE_UNKNOWN_PRIV_H

#include "azure/node_priv.h"

/* The error: what it looks like, and the az command that prints a useful document instead. Quotes
 * nothing of the document, since it may contain secrets. */
void nsg_report_unknown(struct nsg_sink *s, const struct nsg_node *n);

/* "Microsoft.X/y", and nothing that could be a secret. NULL is none. */
bool nsg_is_azure_type(const char *type);

#endif
