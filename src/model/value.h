/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of values that the structs of a policy have in common. */
#ifndef NSG_MODEL_VALUE_H
#define NSG_MODEL_VALUE_H

#include <stddef.h>

#include "util/ip.h"

enum nsg_tristate {
	NSG_UNSET = -1,
	NSG_FALSE = 0,
	NSG_TRUE = 1,
};

struct nsg_strings {
	const char **v;
	size_t n;
};

/* IPv4 prefixes in document order. n_ip6 counts the IPv6 ones, which are read and left out. */
struct nsg_prefixes {
	struct nsg_prefix *v;
	size_t n, n_ip6;
};

#endif
