/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a policy (model/policy.h) about private endpoints, NICs and application security
 * groups. */
#ifndef NSG_MODEL_ENDPOINT_H
#define NSG_MODEL_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/value.h"
#include "util/source.h"

struct nsg_private_endpoint {
	const char *id, *name, *subnet_id;
	struct nsg_strings nic_ids;
	struct nsg_strings service_ids; /* of the resources behind it */
	uint32_t *addrs_host;		/* customDnsConfigs and its own ipConfigurations */
	size_t n_addrs;
	struct nsg_place place;
};

struct nsg_ip_configuration {
	bool has_addr;
	uint32_t addr_host;
	const char *subnet_id;
	struct nsg_strings asgs;
};

struct nsg_nic {
	const char *id, *name, *private_endpoint_id; /* "" none */
	struct nsg_ip_configuration *configurations;
	size_t n_configurations;
	struct nsg_place place;
};

struct nsg_asg {
	const char *id, *name;
	struct nsg_place place;
};

#endif
