/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a kind of their own: ids, prefixes, addresses, the fields of a rule. */
#ifndef NSG_AZURE_VALUE_PRIV_H
#define NSG_AZURE_VALUE_PRIV_H

#include "azure/fields_priv.h"

/* ---- value.c ---- */

/* One prefix. False when absent or wrong; masked host bits are a warning. IPv6: *ret untouched. */
bool nsg_read_prefix(struct nsg_sink *s, const struct nsg_node *n, struct nsg_prefix *ret,
		     bool *ret_is_ip6);
/* An array of prefixes. */
struct nsg_prefixes nsg_read_prefixes(struct nsg_sink *s, const struct nsg_node *n);
/* Singular and plural member of one kind; both filled must be one set. */
struct nsg_prefixes nsg_read_prefix_members(struct nsg_sink *s, const struct nsg_node *n,
					    const char *singular, const char *plural);
/* The warning about masked host bits. */
void nsg_report_masked(struct nsg_sink *s, const struct nsg_node *n, const char *text,
		       struct nsg_prefix p);
/* An IPv4 address. False when absent, wrong (an error) or IPv6. */
bool nsg_read_address(struct nsg_sink *s, const struct nsg_node *n, uint32_t *ret_host);
/* Whether two lists of prefixes are one set of addresses; sets no_memory. */
bool nsg_same_addresses(struct nsg_sink *s, const struct nsg_prefixes *a,
			const struct nsg_prefixes *b);
/* Whether it has the form of a service tag's name. */
bool nsg_is_tag_name(const char *text);

/* ---- nsg.c, rule_address.c, rule_ports.c: readers of a field of struct nsg_rule ---- */

/* False when it is neither; then there is an error. */
bool nsg_read_rule_direction(struct nsg_sink *s, const struct nsg_node *rule, const char *name,
			     bool *ret_inbound);
bool nsg_read_rule_access(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			  void *to);
bool nsg_read_rule_protocol(struct nsg_reader *r, const struct nsg_field *f,
			    const struct nsg_node *n, void *to);
bool nsg_read_rule_priority(struct nsg_reader *r, const struct nsg_field *f,
			    const struct nsg_node *n, void *to);
/* A list of {addressPrefix, addressPrefixType}, prefixes and tags mixed; empty: everything. */
bool nsg_read_admin_address(struct nsg_reader *r, const struct nsg_field *f,
			    const struct nsg_node *n, void *to);

bool nsg_read_rule_address(struct nsg_reader *r, const struct nsg_field *f,
			   const struct nsg_node *n, void *to);
bool nsg_read_rule_ports(struct nsg_reader *r, const struct nsg_field *f, const struct nsg_node *n,
			 void *to);

#endif
