/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_AZURE_JOIN_PRIV_H
#define NSG_AZURE_JOIN_PRIV_H

#include "azure/reader_priv.h"
#include "azure/same_priv.h"

/* children.c: gives rules, routes, subnets and peerings that stand alone to their parents. */
void nsg_reader_join_children(struct nsg_reader *r);

/* The error that one resource stands in two places with different content. */
void nsg_say_twice(struct nsg_sink *s, const char *word, const char *name,
		   const struct nsg_place *second, const struct nsg_place *first);

#endif
