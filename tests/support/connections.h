/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of conntrack, made and read by ctnetlink, without a packet. */
#ifndef NSG_TESTS_SUPPORT_CONNECTIONS_H
#define NSG_TESTS_SUPPORT_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define CONNECTIONS_MAX 200000u

/* Entry i of n; UDP, or established TCP. -errno. */
int connections_add(uint32_t i, bool tcp, uint32_t mark);
/* Marks by i (source port and address tell i); entries that are not there have 0xdeadbeef. */
void connections_marks(uint32_t *ret, uint32_t n);
#define CONNECTIONS_NONE 0xdeadbeefu

#endif
