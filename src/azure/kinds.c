/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "azure/kinds.h"

#include <strings.h>

#include "azure/reader_priv.h"

#define ENTRY(name, ...) {&nsg_kind_##name, {__VA_ARGS__}},
const struct nsg_registered nsg_kinds[] = {NSG_DOCUMENT_KINDS(ENTRY) NSG_KINDS(ENTRY)};
#undef ENTRY
const size_t nsg_n_kinds = NSG_ARRAY_SIZE(nsg_kinds);

const struct nsg_kind *nsg_kind_of(const char *type)
{
	for (size_t i = 0; *type && i < NSG_ARRAY_SIZE(nsg_kinds); i++) {
		for (const char *const *t = nsg_kinds[i].types; *t; t++) {
			if (!strcasecmp(*t, type))
				return nsg_kinds[i].kind;
		}
	}
	return NULL;
}

const char *nsg_kind_type(const struct nsg_kind *kind)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(nsg_kinds); i++) {
		if (nsg_kinds[i].kind == kind && nsg_kinds[i].types[0])
			return nsg_kinds[i].types[0];
	}
	return "";
}
