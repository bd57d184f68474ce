/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nsgd.conf(5), with the line of every value. */
#ifndef NSG_CONF_CONF_H
#define NSG_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/diag.h"
#include "util/ip.h"
#include "util/names.h"

enum nsg_conf_log_decisions {
	NSG_LOG_NONE,
	NSG_LOG_DENIED,
	NSG_LOG_ALL,
};

/* What happens to IPv6 packets of captured sockets and interfaces. */
enum nsg_conf_ip6 {
	NSG_IP6_PROFILE, /* what the profile and the policy make of it */
	NSG_IP6_REFUSE,
	NSG_IP6_PASS,
};

/* [nexthop "TYPE" or "IP"] */
struct nsg_conf_nexthop {
	bool is_ip;
	uint32_t ip_host;	/* valid if is_ip */
	enum nsg_hop_type type; /* valid if not */
	bool has_via;
	uint32_t via_host;
	const char *dev; /* NULL: none */
	uint32_t line;	 /* of the section */
};

struct nsg_conf_strings {
	const char **v;
	size_t n;
};

struct nsg_conf_value {
	const char *raw; /* as written; NULL: not set */
	uint32_t line;
};

#define NSG_CONF_MAX_KEYS 40

struct nsg_conf {
	struct nsg_arena arena;
	const char *path;
	struct nsg_conf_value values[NSG_CONF_MAX_KEYS]; /* indexed like conf.c's table of keys */

	/* [nsgd] */
	const char *instance;
	bool audit;

	/* [subnet] */
	const char *policy, *subnet; /* subnet NULL: from the policy */
	const char *profile;	     /* "2020-04" or "current" */
	const char *platform;	     /* NULL, "windows", "linux" */
	bool endpoint_lab;
	bool watch;
	bool has_address;
	uint32_t address_host;

	/* [capture] */
	bool hook_output, hook_prerouting;
	struct nsg_conf_strings interfaces, users, cgroups; /* users: names or numbers as written */
	struct nsg_prefix *excludes;
	struct nsg_prefix6 *excludes6;
	size_t n_excludes, n_excludes6;
	enum nsg_conf_ip6 ip6;

	/* [queue] */
	uint16_t queue_first;
	uint32_t workers; /* 0: auto */
	uint32_t queue_length;
	bool overflow_accept, down_accept;

	/* [offload] */
	bool offload, answers;
	uint32_t answers_seconds, denied_seconds; /* denied: 0: never remembered */

	/* [route] */
	uint32_t mark_mask;
	uint32_t table_base, rule_priority;

	struct nsg_conf_nexthop *nexthops;
	size_t n_nexthops;

	/* [snat] */
	bool has_snat_vnet, has_snat_internet;
	uint32_t snat_vnet_host, snat_internet_host;

	/* [bgp] */
	uint32_t bgp_table;	 /* the kernel table of the gateway's routes; 0: none */
	bool bgp_any_protocol;	 /* no list: every protocol */
	bool bgp_protocols[256]; /* RTPROT_* that are listed */

	/* [log] */
	int log_level; /* syslog's numbers: LOG_ERR ... LOG_DEBUG */
	enum nsg_conf_log_decisions log_decisions;

	/* [flow-log] */
	const char *flow_log_directory; /* NULL: none */
	bool flow_log_nsg;		/* NSG flow log v2, else VNet flow log v4 */

	/* [metrics] */
	const char *metrics_textfile; /* NULL: none */
};

/*
 * Reads the file. A missing file is an error, or gives the defaults if `may_be_absent`. Every
 * problem is a diagnostic with its line: an unknown section or key, a duplicate, a line that is too
 * long, an invalid value, contradicting keys. -EINVAL, -ENOMEM, -errno. An indented line continues
 * the list of the previous line.
 */
int nsg_conf_load(const char *path, bool may_be_absent, struct nsg_diag *diag,
		  struct nsg_conf **ret);

/*
 * For removing what a crashed nsgd left in the kernel. Only [nsgd] and [route], which name it, have
 * to be valid: an error there, in an unknown section or before the first section is -EINVAL,
 * because a guessed number may belong to another instance. Other errors are only reported.
 */
int nsg_conf_load_names(const char *path, bool may_be_absent, struct nsg_diag *diag,
			struct nsg_conf **ret);

/* The line of a key, e.g. nsg_conf_line(c, "route", "mark-mask"); 0 if it is not set. */
uint32_t nsg_conf_line(const struct nsg_conf *c, const char *section, const char *key);

/* Writes "section.key" of every value that differs and needs a restart to take effect to out,
 * separated by commas; "" if there is none. */
void nsg_conf_restart_keys(const struct nsg_conf *before, const struct nsg_conf *after, char *out,
			   size_t size);

/* Whether [bgp] protocol takes the routes of a program with this rtnetlink protocol. */
static inline bool nsg_conf_takes_protocol(const struct nsg_conf *c, uint8_t protocol)
{
	return c->bgp_any_protocol || c->bgp_protocols[protocol];
}

/* NULL is fine; returns NULL. */
struct nsg_conf *nsg_conf_free(struct nsg_conf *c);

#endif
