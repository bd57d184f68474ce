/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an evaluated template consists of: src/template makes these, src/azure reads them. */
#ifndef NSG_UTIL_FLAT_RESOURCE_H
#define NSG_UTIL_FLAT_RESOURCE_H

#include <jansson.h>

/* A plain resource, and the JSON pointer in the template's value to its declaration. The receiver
 * frees both: json_decref, free. */
struct nsg_flat_resource {
	json_t *resource;
	char *pointer;
};

#endif
