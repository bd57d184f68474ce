/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter of a trace of all packets, as clients send it. */
#ifndef NSG_NSGD_PACKET_FILTER_H
#define NSG_NSGD_PACKET_FILTER_H

#include <jansson.h>

#include "kernel/kernel.h"

/* NULL: every packet matches. -EINVAL: not up to NSG_MAX_FILTER_PROGRAM instructions [code, jt, jf, k]. */
int packet_filter_read(const json_t *program, struct nsg_packet_filter *ret);

#endif
