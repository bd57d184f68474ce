/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_UTIL_SORT_H
#define NSG_UTIL_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts by the upper 32 bits; stable, in linear time. `scratch` has room for n as well. */
void nsg_sort_upper(uint64_t *v, uint64_t *scratch, size_t n);

#endif
