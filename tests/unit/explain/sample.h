/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small policy: vnet-app 10.0.0.0/16 with snet-int 10.0.1.0/26, a peer 10.8.0.0/16,
 * endpoint Microsoft.Sql, NSG nsg-int (deny-dns, sql-ok), route table rt-int (to-nva: 10.1.0.0/16
 * to two appliances; storage: the tag Storage to the Internet), a site with two outbound addresses.
 */
#ifndef NSG_TESTS_EXPLAIN_SAMPLE_H
#define NSG_TESTS_EXPLAIN_SAMPLE_H

#include "classify/classify.h"
#include "model/effective.h"

struct sample {
	struct nsg_effective *effective;
	struct nsg_image *image;
};

/* Aborts the test program on failure. */
struct sample sample_new(bool route_all);
/* With profile current, route-all and two admin rules, TCP to the ports of sql-ok: force, always
 * allowed to the servers that deny-dns denies, and block, denied to the peer and to Storage. */
struct sample sample_new_with_admin_rules(void);
void sample_free(struct sample *s);
/* TCP and UDP with source port 50000. */
struct nsg_key sample_key(uint8_t protocol, uint32_t dst_host, uint16_t dport);

#endif
