/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The naive evaluator: semantics.md read aloud, line by line, over the documents as they were
 * parsed. Linear, without an image; it shares nothing with the code under test but util.
 */
#ifndef NSG_TESTS_PROPERTY_NAIVE_H
#define NSG_TESTS_PROPERTY_NAIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/effective.h" /* struct nsg_options only */
#include "model/policy.h"
#include "packet/key.h"

/* Planted bugs: each one misreads one sentence. The test shows that every one is noticed. */
enum naive_bug {
	BUG_NONE,
	BUG_FIRST_IN_DOCUMENT,		 /* rules in document order, not by priority */
	BUG_PORTLESS_MATCH,		 /* packets without ports match */
	BUG_BGP_BEATS_PEERING,		 /* longest prefix without step a */
	BUG_UDR_BEATS_ENDPOINT,		 /* step b forgotten */
	BUG_NONE_ROWS_STAY,		 /* under a 0/0 UDR to an appliance */
	BUG_UDR_NOT_IN_TAG,		 /* VirtualNetwork without UDR prefixes */
	BUG_INTERNET_WITHOUT_PUBLIC_BGP, /* a public BGP prefix leaves the tag Internet */
	BUG_SHORTEST_PREFIX_ON_TIE,	 /* Default beats User on equal length */
	BUG_ROUTE_NONE_FIRST,		 /* route-none outranks nsg-deny */
	BUG_GLOBAL_REACHABLE,		 /* global peering in 2020-04 */
	BUG_LINUX_ROUTE_ALL,		 /* linux in 2020-04 obeys route-all */
	BUG_LATER_IN_TABLE,		 /* of UDRs of one kind the later wins */
	/* The gate, sentence by sentence: compiler, lints and explain share one. */
	BUG_DNS_ENTERS,		    /* 168.63.129.16 is not the platform's */
	BUG_IMDS_ENTERS,	    /* 169.254.169.254 is not */
	BUG_LOOPBACK_ENTERS,	    /* 127.0.0.0/8 enters with route-all on */
	BUG_LINK_LOCAL_ENTERS,	    /* 169.254.0.0/16 does */
	BUG_172_16_ONLY,	    /* RFC 1918 ends with 172.16.255.255 */
	BUG_192_168_BYPASSES,	    /* 192.168.0.0/16 is not RFC 1918 */
	BUG_ENDPOINTS_DO_NOT_ENTER, /* route-all off: service endpoints bypass */
	BUG_ENDPOINT_FIRST,	    /* gate service-endpoint where route-all is on */
	BUG_LINUX_ENDPOINTS,	    /* linux in 2020-04 has service endpoints */
	BUG_PROTOCOLS_CARRIED,	    /* every protocol is carried */
	BUG_ICMP_CARRIED,	    /* ICMP, ESP and AH are */
	BUG_MULTICAST_CARRIED,
	BUG_BROADCAST_CARRIED,
	BUG_RESERVED_PORT_CARRIED, /* UDP source port 65330 is carried */
	BUG_BYPASS_NOT_CARRIED,	   /* what does not enter is dropped like what does */
	BUG_MAX,
};

/* What decided, for the table of counts. */
enum naive_event {
	EVENT_PLATFORM_RULE, /* a platform tag's rule decided */
	EVENT_NSG_SKIPPED,   /* gate service-endpoint, 2020-04 */
	EVENT_NO_NSG,
	EVENT_DEFAULT_RULE,
	EVENT_ASG_MATCH,
	EVENT_TAG_MATCH,  /* a service tag's rule decided */
	EVENT_PORTLESS,	  /* all but the ports of a rule match a packet without ports */
	EVENT_BGP_STRUCK, /* step a took the longest row away */
	EVENT_UDR_STRUCK_BY_ENDPOINT,
	EVENT_ENDPOINT_ONLY_ROW,
	EVENT_PRIVATE_ENDPOINT_BEATS_UDR,
	EVENT_UDR_BEATS_PRIVATE_ENDPOINT,
	EVENT_LAB_UDR_OVER_ENDPOINT,
	EVENT_LAB_INTERNET_LOSES,
	EVENT_TIE_USER_GATEWAY,
	EVENT_TIE_USER_DEFAULT,
	EVENT_TIE_GATEWAY_DEFAULT,
	EVENT_TIE_EXPLICIT_TAG,
	EVENT_TIE_REGIONAL_TOP,
	EVENT_TIE_TOP_AZURECLOUD,
	EVENT_TIE_AZURECLOUD_REGION,
	EVENT_TIE_TABLE_ORDER,
	EVENT_TIE_NETWORK_ENDPOINT, /* Default: VNet or peering over service endpoint */
	EVENT_TIE_PEERING_NONE,	    /* Default: a peer's range that is a None row's */
	EVENT_NONE_ROW_KEPT,	    /* a default None row decided */
	EVENT_NONE_GONE_BY_VNET,    /* it would have decided, had a VNet range not taken it */
	EVENT_NONE_GONE_BY_PREFIX,
	EVENT_NONE_GONE_BY_UDR_DEFAULT,
	EVENT_NONE_GONE_BY_BGP_DEFAULT,
	EVENT_NONE_KEPT_UNDER_INTERNET, /* a 0/0 UDR to the Internet lets it decide */
	EVENT_NONE_UDR,			/* a UDR with next hop None decided */
	EVENT_ECMP,			/* several next hop addresses */
	EVENT_MAX,
};
extern const char *const naive_event_names[EVENT_MAX];

struct naive_answer {
	enum nsg_gate gate;
	bool has_nsg;
	enum nsg_access access;
	const char *rule; /* NULL: the subnet has no NSG */
	bool rule_is_default;
	unsigned int priority;
	bool has_route;
	struct nsg_prefix prefix;
	enum nsg_route_source source;
	enum nsg_hop_type hop_type;
	const char *route_name;
	uint32_t hops[64];
	size_t n_hops;
	enum nsg_verdict verdict;
	enum nsg_reason reason;
};

struct naive;

/* The integration subnet is the one named `subnet`; its VNet the one that holds it. */
struct naive *naive_new(const struct nsg_policy *policy, const struct nsg_options *options,
			const char *subnet, enum naive_bug bug);
struct naive_answer naive_decide(struct naive *n, const struct nsg_key *key,
				 uint64_t events[EVENT_MAX]);
void naive_free(struct naive *n);

#endif
