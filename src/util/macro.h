/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_UTIL_MACRO_H
#define NSG_UTIL_MACRO_H

#define NSG_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Three-way comparison for qsort() and friends: -1, 0 or 1. By several keys:
 * `r = NSG_CMP(x->len, y->len); return r ? r : NSG_CMP(x->order, y->order);` */
#define NSG_CMP(a, b)                                                                              \
	({                                                                                         \
		__typeof__(a) nsg_cmp_a = (a);                                                     \
		__typeof__(b) nsg_cmp_b = (b);                                                     \
		(nsg_cmp_a > nsg_cmp_b) - (nsg_cmp_a < nsg_cmp_b);                                 \
	})

#endif
