/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every bound on input: its name, its number, its reason. */
#ifndef NSG_UTIL_LIMITS_H
#define NSG_UTIL_LIMITS_H

/* The policy directory. The service tag file has 3 MB, the export of a large resource group tens of
 * MB; more is a mistake or an attack. */
#define NSG_MAX_FILE_BYTES (64u << 20)
#define NSG_MAX_FILES 10000u
/* All documents of a directory: four of the largest size. A JSON value or key takes some 100 bytes
 * once parsed: 64 MiB may hold 32 million, an export of that size has a tenth. */
#define NSG_MAX_DIRECTORY_BYTES (256u << 20)
#define NSG_MAX_JSON_VALUES 8000000u
/* A load: sixty times what 60 MB take. Longer, and the file system hardly answers. */
#define NSG_MAX_LOAD_SECONDS 120u
/* Azure's own JSON has some twenty levels; recursion over the tree must be bounded. */
#define NSG_MAX_JSON_DEPTH 512u

/* Azure's limits (azure-subscription-service-limits); exceeding one is an error. */
#define NSG_MAX_RULES 1000u	     /* user rules per NSG and direction */
#define NSG_MAX_ADMIN_RULES 1000u    /* outbound; Azure: 100 a level of network managers */
#define NSG_MAX_DEFAULT_RULES 3u     /* outbound */
#define NSG_MAX_FIELD_PREFIXES 4000u /* addresses and ranges per rule field */
#define NSG_MAX_UDRS 1000u	     /* per route table; a profile warns below it */
#define NSG_MAX_ECMP_NEXT_HOPS 64u   /* VirtualApplianceEcmp: 2 to 64 */
#define NSG_MAX_PEERINGS 500u	     /* per virtual network */
#define NSG_MAX_SUBNETS 3000u	     /* per virtual network */
#define NSG_MAX_RESOURCES                                                                          \
	65536u			   /* of one kind in a directory: Azure's limit of network         \
				    * interfaces a subscription and region, the largest */
#define NSG_MAX_LISTS 1000u	   /* bare lists of rules (routes) in a directory */
#define NSG_MAX_INTEGRATIONS 1000u /* in a directory; a plan has at most two */
#define NSG_MAX_ENDPOINT_ADDRESSES                                                                 \
	1024u /* per private endpoint; Cosmos DB has one per region and name */

/* The image: 1,024-bit rows hold 1,003 rules; 32-bit offsets and nine bits of next hop. */
#define NSG_MAX_IMAGE_RULES 1024u
#define NSG_MAX_IMAGE_SEGMENTS                                                                     \
	4000000u /* scattered prefixes make two each; this is twice the gateway routes' */
#define NSG_MAX_BGP_ROUTES                                                                         \
	1000000u	  /* gateway routes, after merging: a full table has 900,000 or more */
#define NSG_MAX_HOPS 510u /* 0 is the host's own routing, 511 a denial */

/* Diagnostics kept; the rest is counted. A person reads tens, a machine hundreds. */
#define NSG_MAX_DIAGNOSTICS 1000u

/* One flow of `explain --batch`; one frame of the control socket, and its clients. */
#define NSG_MAX_FLOW_LINE_BYTES (1u << 20)
#define NSG_MAX_CONTROL_FRAME_BYTES (4u << 20)
#define NSG_MAX_CONTROL_CLIENTS 64u
/* Traces of decided flows: each adds a rule that every packet passes. The kernel's own limit of a
 * program (XT_BPF_MAX_NUM_INSTR). */
#define NSG_MAX_PACKET_FILTERS 8u
#define NSG_MAX_FILTER_PROGRAM 64u
/* Sockets looked up for traces: some 10 microseconds each. Paths of cgroups that are remembered, their
 * length, and directories that are read to find one, or in a second: some 50 milliseconds. */
#define NSG_MAX_SENDERS_A_SECOND 100u
#define NSG_MAX_KNOWN_CGROUPS 256u
#define NSG_MAX_CGROUP_PATH 4096u
#define NSG_MAX_CGROUPS_SEARCHED 4096u
/* Decisions that the daemon remembers, of each verdict: some 5 MB. */
#define NSG_MAX_HISTORY 10240u
/* A user has a few monitors and shells; the last places are for root and the user of nsgd. */
#define NSG_MAX_CONTROL_CLIENTS_OF_USER 8u
#define NSG_CONTROL_CLIENTS_OF_ROOT 8u
/* Without a whole request or a part of a reply taken, the connection ends. */
#define NSG_CONTROL_IDLE_SECONDS 60u
/* Clients that are sent the effective routes at a time: each keeps its policy in memory, some 500 MB with
 * a full table. */
#define NSG_MAX_ROUTE_LISTS 4u
/* Of a request: they are decided in one turn of the event loop, 12 microseconds each. nsgctl sends
 * 256. */
#define NSG_MAX_CONTROL_FLOWS 1024u

/* nsgd.conf */
#define NSG_MAX_CONF_LINE_BYTES 198u /* what inih accepts; lists continue on indented lines */
#define NSG_MAX_CONF_LIST 1024u	     /* interfaces, users, cgroups, excluded prefixes, each */
#define NSG_MAX_INSTANCE_LENGTH 15u  /* names a table, a socket and log lines */

/* Replay: flows and first fragments remembered. A flow takes 104 bytes; a busy host has tens of
 * thousands at a time. */
#define NSG_MAX_TRACKED_FLOWS (1u << 20)
#define NSG_MAX_TRACKED_FRAGMENTS (1u << 16)
#define NSG_MAX_REPLAY_DESTINATIONS 16384u /* summed up one by one; a power of two */
/* Captures: libpcap's own limits of a packet and of a pcapng block. */
#define NSG_MAX_FRAME_BYTES 262144u
#define NSG_MAX_CAPTURE_BLOCK_BYTES (16u << 20)
#define NSG_MAX_CAPTURE_INTERFACES 65536u
/* Flow logs that are replayed: a minute's flows of one network interface, 150 bytes each. */
#define NSG_MAX_LOG_RECORD_BYTES (64u << 20)
#define NSG_MAX_LOG_RECORD_VALUES 1000000u

/* Engine */
#define NSG_MAX_WORKERS 64u
#define NSG_BATCH 64u /* packets per recvmmsg; more was not faster when measured */
/* The record of next hops and their numbers for the next process: 510 hops with 100 addresses each. */
#define NSG_MAX_RECORD_BYTES (1u << 20)
#define NSG_COPY_BYTES 256u /* 60 of IPv4, and extension headers before the ports */

/* A flow log: flows begun and not ended, some 150 bytes each; the tuples of a minute; and blocks that
 * wait for a disk that is full. */
#define NSG_MAX_LOGGED_FLOWS (1u << 20)
#define NSG_MAX_FLOW_BLOCK_BYTES (16u << 20)
#define NSG_MAX_FLOW_WAITING_BYTES (64u << 20)

/* ARM templates: Azure's own limits (template best practices). A template has at most 4 MB. */
#define NSG_MAX_TEMPLATE_EXPRESSION 24576u
#define NSG_MAX_TEMPLATE_COPIES 800u
#define NSG_MAX_TEMPLATE_RANGE 10000u
/* Nested expressions, variables, parameters and deployments; real templates have fewer than 50
 * levels. With a stack frame of 1 KiB each (sanitizers), this is far from the end of a thread's
 * stack. */
#define NSG_MAX_TEMPLATE_DEPTH 400u
/* Values read or made, and bytes of strings made, in total: twice Azure's largest template. Bounds
 * time and memory where small templates grow exponentially. */
#define NSG_MAX_TEMPLATE_WORK (8u << 20)

#endif
