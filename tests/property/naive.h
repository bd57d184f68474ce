/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The naive evaluator: the documented semantics, step by step, over the documents as they were
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
	/* The app. */
	BUG_PERIMETER_IGNORED,	   /* SecuredByPerimeter does not turn route-all on */
	BUG_PERIMETER_2020,	   /* in 2020-04 too */
	BUG_PERIMETER_OVER_OPTION, /* it wins over the option */
	BUG_FLEX_IGNORED,	   /* nor does Flex Consumption */
	BUG_MANAGED_IGNORED,	   /* a plan does not name its sites' subnet */
	BUG_MANAGED_2020,	   /* in 2020-04 too */
	/* Security admin rules. */
	BUG_ADMIN_IGNORED,
	BUG_ADMIN_2020,			/* 2020-04 has them */
	BUG_ADMIN_IN_DOCUMENT_ORDER,	/* not by priority */
	BUG_ADMIN_LATER_OF_EQUALS,	/* of one priority the later is first */
	BUG_ADMIN_INBOUND,		/* inbound ones are tried too */
	BUG_ADMIN_ALWAYS_ALLOW_GOES_ON, /* AlwaysAllow goes on to the NSG */
	BUG_ADMIN_ALLOW_IS_FINAL,	/* Allow does not */
	BUG_ADMIN_DENY_AFTER_ROUTE,	/* route-none outranks admin-deny */
	BUG_ADMIN_KEEPS_NSG,		/* the NSG's rule is reported under a Deny */
	BUG_ADMIN_EMPTY_IS_NOTHING,	/* an empty list matches nothing */
	BUG_ADMIN_TAGS_IGNORED,		/* of prefixes and tags mixed only prefixes match */
	BUG_ADMIN_NEEDS_NSG,		/* a subnet without NSG has no admin rules */
	BUG_ADMIN_ON_PLATFORM,		/* they apply to the platform's addresses */
	/* Routes. */
	BUG_NONE_ROWS_2020,		  /* current has the None rows of 2020-04 */
	BUG_HOLES_2020,			  /* current's Internet has the holes of 2020-04 */
	BUG_NONE_UNDER_NONE,		  /* a 0/0 UDR to None takes the None rows away */
	BUG_DISPLACED_BEFOREHAND,	  /* the system row of a struck UDR's prefix is not there */
	BUG_POLICIES_FOR_EXACT_UDR,	  /* current: a /32 UDR needs policies too */
	BUG_NO_ACCESS_NO_PEER,		  /* allowVirtualNetworkAccess false: not connected */
	BUG_NO_ACCESS_IN_TAG,		  /* its ranges stay in VirtualNetwork */
	BUG_NO_ACCESS_IN_INTERNET,	  /* its ranges become Internet */
	BUG_SUBNET_PEERING_IGNORED,	  /* current: all of both networks */
	BUG_SUBNET_PEERING_2020,	  /* 2020-04 honours it */
	BUG_REMOTE_SUBNETS_ALL,		  /* the remote list is not looked at */
	BUG_LOCAL_SUBNET_REACHES,	  /* nor the local one */
	BUG_ONLY_IP6_ROWS,		  /* IPv6 peering has IPv4 rows */
	BUG_ENDPOINT_OF_ANY_SUBNET,	  /* private endpoints of any remote subnet have rows */
	BUG_PEERING_ROUTES_STAY,	  /* disablePeeringRoute is not looked at */
	BUG_PEERING_ROUTES_2020,	  /* 2020-04 honours it */
	BUG_PEERING_ROUTES_TAKE_TAG,	  /* it takes the ranges out of VirtualNetwork */
	BUG_MESH_IGNORED,		  /* a mesh has no rows */
	BUG_MESH_NOT_IN_TAG,		  /* its ranges are not in VirtualNetwork */
	BUG_MESH_IS_PEERING,		  /* it takes the gateway like a peering */
	BUG_GATEWAY_ALWAYS,		  /* routes are learned without a gateway */
	BUG_STATIC_ALWAYS,		  /* static ones are */
	BUG_EFFECTIVE_NEEDS_GATEWAY,	  /* rows of an effective route table are not */
	BUG_VPN_NEXT_HOP,		  /* a VPN gateway's route goes to its nextHop */
	BUG_SERVER_LOCAL,		  /* a route server's to the server */
	BUG_IBGP_ALWAYS,		  /* IBgp is used besides other origins */
	BUG_NETWORK_ALWAYS,		  /* origin Network is used inside known ranges */
	BUG_NETWORK_NEVER,		  /* never */
	BUG_LONGER_PATHS,		  /* paths are not ranked */
	BUG_PROPAGATION_LEAVES_STATIC,	  /* propagation off: static rows stay */
	BUG_PROPAGATION_LEAVES_EFFECTIVE, /* those of an effective route table */
	/* The list of effective routes. */
	BUG_LIST_DISPLACED_ACTIVE, /* a row that another of its prefix displaces is Active */
	BUG_LIST_ALL_BGP,	   /* gateway rows inside networks are listed */
	BUG_LIST_INTERNET,	   /* the Internet row is listed under BGP's 0.0.0.0/0 */
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
	EVENT_LINK_LOCAL,
	EVENT_HOLE_OF_CURRENT,
	EVENT_NONE_OF_CURRENT,
	EVENT_NONE_KEPT_UNDER_NONE,
	EVENT_SYSTEM_ROW_OF_STRUCK_UDR,
	EVENT_EXACT_UDR_BEATS_ENDPOINT,
	EVENT_TIE_VNET_PEERING,
	EVENT_PEER_WITHOUT_ACCESS,
	EVENT_PEERING_ROWS_REMOVED,
	EVENT_SUBNET_PEERING,
	EVENT_LOCAL_SUBNET_NOT_NAMED,
	EVENT_REMOTE_SUBNET_NOT_NAMED,
	EVENT_ONLY_IP6_PEERING,
	EVENT_ENDPOINT_OUTSIDE_SUBNET_PEERING,
	EVENT_MESH,
	EVENT_GATEWAY_VPN,
	EVENT_GATEWAY_IBGP,
	EVENT_GATEWAY_SERVER,
	EVENT_GATEWAY_NETWORK,
	EVENT_GATEWAY_EFFECTIVE,
	EVENT_GATEWAY_STATIC,
	EVENT_GATEWAY_SEVERAL_HOPS,
	EVENT_GATEWAY_NONE,
	EVENT_GATEWAY_IBGP_UNUSED,
	EVENT_GATEWAY_NETWORK_KNOWN,
	EVENT_GATEWAY_NETWORK_UNKNOWN,
	EVENT_GATEWAY_LONGER_PATH,
	EVENT_GATEWAY_PROPAGATION_OFF,
	EVENT_FINAL_ROUTE_ALL,
	EVENT_ADMIN_DENY,
	EVENT_ADMIN_DENY_OVER_ROUTE,
	EVENT_ADMIN_ALWAYS_ALLOW,
	EVENT_ADMIN_ALLOW,
	EVENT_ADMIN_NO_MATCH,
	EVENT_ADMIN_WITHOUT_NSG,
	EVENT_ADMIN_2020,
	EVENT_MAX,
};
extern const char *const naive_event_names[EVENT_MAX];

struct naive_answer {
	enum nsg_gate gate;
	const char *admin; /* the admin rule that matched; NULL: none */
	enum nsg_access admin_access;
	unsigned int admin_priority;
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

/* One of the effective routes. */
struct naive_listed {
	struct nsg_prefix prefix;
	enum nsg_route_source source;
	enum nsg_hop_type hop_type;
	const char *name, *tag; /* NULL: none */
	bool active;
};

/* Returns their number; the caller frees the list. */
size_t naive_list(const struct naive *n, struct naive_listed **ret);
void naive_free(struct naive *n);

#endif
