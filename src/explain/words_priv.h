/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of a policy as JSON and text, for the stories and the Network Watcher forms. */
#ifndef NSG_EXPLAIN_WORDS_PRIV_H
#define NSG_EXPLAIN_WORDS_PRIV_H

#include <jansson.h>

#include "model/effective.h"

json_t *nsg_address_json(uint32_t addr_host);
json_t *nsg_addresses_json(const uint32_t *addrs_host, size_t n);
json_t *nsg_prefix_json(struct nsg_prefix prefix);

/* "securityRules/NAME" or "defaultSecurityRules/NAME". */
json_t *nsg_rule_name_json(bool is_default, const char *name);
/* The same of any rule; an admin rule has its name alone. */
json_t *nsg_rule_words(const struct nsg_rule *rule);
/* E.g. "10.0.0.0/8, 192.168.0.0/16", "Sql", "*"; long lists are cut and end in a count. */
json_t *nsg_address_words(const struct nsg_address *address);
/* E.g. "443, 8000-8100", "*". */
json_t *nsg_ports_words(const struct nsg_port_range *v, size_t n);
/* E.g. "TCP", "*", "47". */
json_t *nsg_protocol_words(unsigned int protocol);
/* The member of the computed tag VirtualNetwork with this prefix, or NULL. */
const struct nsg_tag_member *nsg_virtual_network_member(const struct nsg_effective *e,
							struct nsg_prefix prefix);
/* E.g. "user route to-nva", "peering to-hub", "virtual network vnet-app". */
json_t *nsg_origin_words(const struct nsg_effective *e, const struct nsg_tag_member *member);

#endif
