/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selects the decisions of a trace that are shown, e.g. "verdict=drop,dst=10.0.0.0/8". */
#ifndef NSG_NSGCTL_FILTER_H
#define NSG_NSGCTL_FILTER_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "util/ip.h"

#define NSGCTL_MAX_CONDITIONS 16
#define NSGCTL_FILTER_ERROR 512

struct nsgctl_condition {
	const char *key, *path; /* path: of the decision object */
	bool is_not, is_prefix;
	struct nsg_prefix prefix;
	char value[128];
};

struct nsgctl_filter {
	struct nsgctl_condition v[NSGCTL_MAX_CONDITIONS];
	size_t n;
};

/* 0, or -EINVAL with the reason in `error`: a key, a value or two conditions that no decision
 * can meet. */
int nsgctl_filter_parse(const char *text, struct nsgctl_filter *ret,
			char error[static NSGCTL_FILTER_ERROR]);
/* Appends to `words` the conditions that are about a packet's headers, in the syntax of pcap-filter(7),
 * each with " and " before it. */
void nsgctl_filter_put_expression(const struct nsgctl_filter *f, FILE *words);
/* The first key in it that packets have and flows do not. NULL: none. */
const char *nsgctl_filter_packet_key(const struct nsgctl_filter *f);
bool nsgctl_filter_passes(const struct nsgctl_filter *f, const json_t *decision);

#endif
