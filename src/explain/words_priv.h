/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy's parts as JSON and words, for the stories and the Network Watcher forms. */
#ifndef NSG_EXPLAIN_WORDS_PRIV_H
#define NSG_EXPLAIN_WORDS_PRIV_H

#include <jansson.h>

#include "model/effective.h"

json_t *nsg_address_json(uint32_t addr_host);
json_t *nsg_addresses_json(const uint32_t *addrs_host, size_t n);
json_t *nsg_prefix_json(struct nsg_prefix prefix);

/* "securityRules/NAME" or "defaultSecurityRules/NAME". */
json_t *nsg_rule_name_json(bool is_default, const char *name);
/* As "10.0.0.0/8, 192.168.0.0/16", "Sql", "*"; long lists are cut with a count. */
json_t *nsg_address_words(const struct nsg_address *address);
/* As "443, 8000-8100", "*". */
json_t *nsg_ports_words(const struct nsg_port_range *v, size_t n);
/* As "TCP", "*", "47". */
json_t *nsg_protocol_words(unsigned int protocol);
/* The member of the computed tag VirtualNetwork that this prefix is; NULL none. */
const struct nsg_tag_member *nsg_virtual_network_member(const struct nsg_effective *e,
							struct nsg_prefix prefix);
/* As "user route to-nva", "peering to-hub", "the virtual network". */
json_t *nsg_origin_words(const struct nsg_effective *e, const struct nsg_tag_member *member);

#endif
