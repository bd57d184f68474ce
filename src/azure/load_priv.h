/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_AZURE_LOAD_PRIV_H
#define NSG_AZURE_LOAD_PRIV_H

#include "azure/load.h"

/* nsg_policy_load of one document that is already in memory; for fuzzing. The document may be
 * empty. */
int nsg_policy_load_bytes(const char *path, const void *data, size_t size_bytes,
			  const struct nsg_load_options *options, struct nsg_diag *diag,
			  struct nsg_policy **ret);

#endif
