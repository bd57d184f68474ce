/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers of nsgd.conf's values, one for each kind. Each reads `value` into the field at `offset`
 * of the conf and returns NULL, or a static error text that continues the quoted value. Readers of
 * one particular field ignore `offset`.
 */
#ifndef NSG_CONF_VALUE_PRIV_H
#define NSG_CONF_VALUE_PRIV_H

#include <stddef.h>

#include "conf/conf.h"

const char *nsg_conf_set_string(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_instance(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_path(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_directory(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_flow_format(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_textfile(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_bool(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_mode(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_fate(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_precedence(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_profile(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_platform(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_hook(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_queue(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_workers(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_length(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_answers_seconds(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_denied_seconds(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_mask(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_table_base(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_rule_priority(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_address(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_instance_address(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_snat_vnet(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_snat_internet(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_interfaces(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_cgroups(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_strings(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_prefixes(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_ip6(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_bgp_table(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_bgp_protocols(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_level(struct nsg_conf *c, const char *value, size_t offset);
const char *nsg_conf_set_decisions(struct nsg_conf *c, const char *value, size_t offset);

/* Whether the kernel accepts it as the name of an interface. */
bool nsg_conf_is_interface(const char *name);

#endif
