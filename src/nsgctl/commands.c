/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All verbs and options: read by the parser, the help, and the tests of the man page and the
 * completion. */
#include "nsgctl/nsgctl.h"

#define FIELD(name) .offset = offsetof(struct nsgctl, name)

const struct nsgctl_option nsgctl_options[] = {
    {.letter = 'p',
     .name = "policy",
     .argument = "DIR",
     FIELD(policy),
     .help = "read this policy directory instead of querying a running nsgd"},
    {.name = "subnet",
     .argument = "NAME",
     FIELD(subnet),
     .shapes_policy = true,
     .help = "the integration subnet: NAME, VNET/NAME or a resource id"},
    {.name = "profile",
     .argument = "NAME",
     FIELD(profile),
     .shapes_policy = true,
     .values = "2020-04|current",
     .help = "2020-04 (default): as documented then; current: as documented today"},
    {.name = "platform",
     .argument = "NAME",
     FIELD(platform),
     .shapes_policy = true,
     .values = "windows|linux",
     .help = "windows or linux; default: from the site document"},
    {.name = "route-all",
     .argument = "on|off",
     FIELD(route_all),
     .shapes_policy = true,
     .values = "on|off",
     .help = "override the route-all setting of the documents"},
    {.name = "endpoint-precedence",
     .argument = "doc|lab",
     FIELD(endpoint_precedence),
     .shapes_policy = true,
     .values = "doc|lab",
     .help = "service endpoints before all user routes, or by prefix length"},
    {.name = "parameters",
     .argument = "FILE",
     FIELD(parameters),
     .shapes_policy = true,
     .help = "parameters for ARM templates"},
    {.name = "strict",
     FIELD(strict),
     .shapes_policy = true,
     .help = "treat warnings as errors; in check, remarks too"},
    {.letter = 'o',
     .name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "table|json|jsonl",
     .help = "table (default on a terminal), json (default otherwise) or jsonl"},
    {.letter = 'i',
     .name = "instance",
     .argument = "NAME",
     FIELD(instance),
     .help = "the instance of nsgd to query; default: nsgd"},
    {.letter = 's',
     .name = "socket",
     .argument = "PATH",
     FIELD(socket),
     .help = "the control socket of the nsgd to query"},
    {.letter = 'v', .name = "verbose", FIELD(verbose), .help = "print more"},
    {.letter = 'h', .name = "help", FIELD(help), .help = "print this help, or that of a verb"},
    {.letter = 'V', .name = "version", FIELD(version), .help = "print the version"},
    {0},
};

static const struct nsgctl_option explain_options[] = {
    {.name = "protocol",
     .argument = "P",
     FIELD(protocol),
     .help = "TCP, UDP, ICMP, ESP, AH or a number from 0 to 255"},
    {.name = "src",
     .argument = "IP[:PORT]",
     FIELD(src),
     .help = "the app instance's address and port"},
    {.name = "dst", .argument = "IP[:PORT]", FIELD(dst), .help = "the destination"},
    {.name = "batch",
     .argument = "FILE|-",
     FIELD(batch),
     .help = "decide the flows of a file, one JSON object per line"},
    {.name = "expect",
     .argument = "accept|drop",
     FIELD(expect),
     .values = "accept|drop",
     .help = "exit with status 1 unless this is the verdict"},
    {.letter = 'o',
     .name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "table|json|jsonl|azure",
     .help = "as below, or azure: like Network Watcher's NSG diagnostics"},
    {0},
};

static const struct nsgctl_option test_ip_flow_options[] = {
    {.name = "direction", .argument = "Outbound", FIELD(direction), .help = "must be Outbound"},
    {.name = "protocol", .argument = "TCP|UDP", FIELD(protocol), .help = "TCP or UDP"},
    {.name = "local",
     .argument = "IP:PORT",
     FIELD(local),
     .help = "the app instance's address and port"},
    {.name = "remote", .argument = "IP:PORT", FIELD(remote), .help = "the destination"},
    {0},
};

static const struct nsgctl_option show_next_hop_options[] = {
    {.name = "source-ip", .argument = "IP", FIELD(source_ip), .help = "the app instance's address"},
    {.name = "dest-ip", .argument = "IP", FIELD(dest_ip), .help = "the destination address"},
    {0},
};

static const struct nsgctl_option flatten_options[] = {
    {.letter = 'o',
     .argument = "DIR",
     FIELD(directory),
     .help = "the directory to write to; must be empty or not exist"},
    {.name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "table|json|jsonl",
     .help = "how to list the written files"},
    {0},
};

static const struct nsgctl_option replay_options[] = {
    {.letter = 'w',
     .name = "write",
     .argument = "OUT.pcapng|-",
     FIELD(write),
     .help = "write the packets with their verdicts as comments"},
    {0},
};

static const struct nsgctl_option trace_options[] = {
    {.letter = 'w',
     .name = "write",
     .argument = "OUT.pcapng|-",
     FIELD(write),
     .help = "write the first bytes of the packets with their verdicts"},
    {.name = "filter",
     .argument = "CONDITIONS",
     FIELD(filter),
     .help = "e.g. verdict=drop,dst=10.0.0.0/8: all must match; != negates"},
    {0},
};

const struct nsgctl_verb nsgctl_verbs[] = {
    {.name = "check",
     .operands = "[DIR]",
     .max_operands = 1,
     .works = NSGCTL_OFFLINE,
     .help = "Load a policy directory and print errors, warnings and remarks",
     .more = "DIR is " NSG_SYSCONFDIR "/policy if neither it nor -p is given. The exit\n"
	     "status is 3 if the policy has errors. -v also prints the resources that were\n"
	     "selected and the size of the compiled policy.\n",
     .run = nsgctl_check},
    {.name = "explain",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Explain the decision about a flow's first packet",
     .more = "Prints the gate into the virtual network, the tags that contain the destination,\n"
	     "the rules that were evaluated, the routes that were compared, the verdict, and\n"
	     "the source address that the destination sees.\n\n"
	     "  nsgctl -p policy explain --protocol TCP --src 10.0.1.4:50000 --dst 8.8.8.8:53\n"
	     "  nsgctl -p policy explain --batch flows.jsonl\n\n"
	     "With --batch each input line is a flow, e.g.\n"
	     "  {\"id\":\"f1\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":50000,\n"
	     "   \"dst\":\"8.8.8.8\",\"dstPort\":53}\n"
	     "and each output line its decision. An invalid line gives an error in its place\n"
	     "and exit status 1 at the end. The source port of TCP and UDP flows on the command\n"
	     "line is 50000 if none is given.\n",
     .options = explain_options,
     .run = nsgctl_explain},
    {.name = "test-ip-flow",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Like az network watcher test-ip-flow, plus the gate",
     .options = test_ip_flow_options,
     .run = nsgctl_test_ip_flow},
    {.name = "show-next-hop",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Like az network watcher show-next-hop",
     .options = show_next_hop_options,
     .run = nsgctl_show_next_hop},
    {.name = "effective-nsg",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Like az network nic list-effective-nsg",
     .run = nsgctl_effective},
    {.name = "effective-routes",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Like az network nic show-effective-route-table",
     .run = nsgctl_effective},
    {.name = "replay",
     .operands = "FILE.pcap[ng]",
     .min_operands = 1,
     .max_operands = 1,
     .works = NSGCTL_BOTH,
     .help = "Decide every packet of a capture",
     .more =
	 "Flows from elsewhere into the integration subnet are inbound and are not decided;\n"
	 "all others are decided with the source address they have. Later packets of an\n"
	 "accepted flow are \"established\", packets in the other direction \"reply\", and TCP\n"
	 "packets of a connection older than the capture \"preexisting\".\n",
     .options = replay_options,
     .run = nsgctl_replay},
    {.name = "trace",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show decisions as they happen, until interrupted",
     .more = "Packets that the kernel passes or drops by an earlier decision are not shown.\n\n"
	     "Keys of --filter: verdict, reason, gate, direction, protocol, src, srcPort, dst,\n"
	     "dstPort, hostSrc, rule, route, nextHopType. Addresses may be prefixes.\n",
     .options = trace_options,
     .run = nsgctl_trace},
    {.name = "status",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show the loaded policy, the capture, the queue and the next hops",
     .run = nsgctl_live},
    {.name = "stats",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show counters by rule, route and reason",
     .run = nsgctl_live},
    {.name = "reload",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Reload configuration and policy, and wait until they are in force",
     .more = "If there are errors, nothing changes: they are printed and the exit status is 3.\n",
     .run = nsgctl_live},
    {.name = "flatten",
     .operands = "TEMPLATE",
     .min_operands = 1,
     .max_operands = 1,
     .works = NSGCTL_OFFLINE,
     .help = "Evaluate an ARM template to documents that nsgd can read",
     .more = "Parameters are taken from --parameters FILE, then from X.parameters.json next to\n"
	     "X.json, then from their defaults. Of app settings only WEBSITE_VNET_ROUTE_ALL,\n"
	     "WEBSITE_DNS_SERVER and WEBSITE_DNS_ALT_SERVER are written.\n",
     .options = flatten_options,
     .run = nsgctl_flatten},
    {0},
};
