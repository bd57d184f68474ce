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
    {.name = "color",
     .argument = "WHEN",
     FIELD(color),
     .values = "auto|always|never",
     .help = "auto (default): on a terminal, unless NO_COLOR is set or TERM is dumb"},
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
    {.letter = 'h', .name = "help", FIELD(help), .help = "print this help text, or that of a verb"},
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
    {.name = "packet",
     .argument = "N",
     FIELD(packet),
     .help = "explain packet N of the capture FILE, and its flow"},
    {.name = "local",
     .argument = "PREFIX,...",
     FIELD(local),
     .help = "with --packet: the app's addresses in the capture"},
    {.letter = 'o',
     .name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "table|json|jsonl|azure",
     .help = "table, json, jsonl, or azure: like Network Watcher's NSG diagnostics"},
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
     .help = "write the packets to a file, with their verdicts as comments"},
    {.name = "each-packet",
     FIELD(each_packet),
     .help = "also print a row for each packet, before the tables"},
    {.name = "src",
     .argument = "IP",
     FIELD(src),
     .help = "the source address with which the app's packets are decided"},
    {.name = "local",
     .argument = "PREFIX,...",
     FIELD(local),
     .help = "the app's addresses in the capture; only packets from them are decided"},
    {0},
};

static const struct nsgctl_option trace_options[] = {
    {.letter = 'w',
     .name = "write",
     .argument = "OUT.pcapng|-",
     FIELD(write),
     .help = "write the first bytes of the packets to a file, with their verdicts"},
    {.name = "filter",
     .argument = "CONDITIONS",
     FIELD(filter),
     .help = "e.g. verdict=drop,dst=10.0.0.0/8: all must match; != negates"},
    {.name = "dropped-only", FIELD(dropped_only), .help = "print only decisions that drop"},
    {.name = "all-packets",
     FIELD(all_packets),
     .help = "also print packets of flows that the kernel handles by itself"},
    {.name = "count", .argument = "N", FIELD(count), .help = "end after N decisions"},
    {.name = "for",
     .argument = "TIME",
     FIELD(duration),
     .help = "end after a time, e.g. 30s, 5m, 2h"},
    {.name = "last",
     .argument = "N",
     FIELD(last),
     .help = "print the last N decisions that nsgd remembers, and end"},
    {0},
};

static const struct nsgctl_option flows_options[] = {
    {.name = "filter",
     .argument = "CONDITIONS",
     FIELD(filter),
     .help = "as for trace, e.g. dst=10.0.0.0/8,rule=AllowDatabase"},
    {.name = "no-answer", FIELD(no_answer), .help = "print only flows without an answer"},
    {.name = "watch", FIELD(watch), .help = "print again every second until interrupted"},
    {0},
};

static const struct nsgctl_option stats_options[] = {
    {.name = "top",
     .argument = "N",
     FIELD(top),
     .help = "print only the N rows of each table with the most packets"},
    {.name = "watch", FIELD(watch), .help = "print again every second until interrupted"},
    {0},
};

static const struct nsgctl_option metrics_options[] = {
    {.letter = 'o',
     .name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "openmetrics|prometheus",
     .help = "openmetrics (default) or prometheus, the older text format"},
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
     .operands = "[FILE.pcap[ng]]",
     .max_operands = 1,
     .works = NSGCTL_BOTH,
     .help = "Explain the decision about a flow's first packet",
     .more = "Prints the gate into the virtual network, the tags that contain the destination,\n"
	     "the rules that were evaluated, the routes that were compared, the verdict, and\n"
	     "the source address that the destination sees.\n\n"
	     "  nsgctl -p policy explain --protocol TCP --src 10.0.1.4:50000 --dst 8.8.8.8:53\n"
	     "  nsgctl -p policy explain --batch flows.jsonl\n"
	     "  nsgctl -p policy explain --packet 17 app.pcap\n\n"
	     "With --batch each input line is a flow, e.g.\n"
	     "  {\"id\":\"f1\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":50000,\n"
	     "   \"dst\":\"8.8.8.8\",\"dstPort\":53}\n"
	     "and each output line its decision. An invalid line gives an error in its place\n"
	     "and exit status 1 at the end. The source port of TCP and UDP flows on the command\n"
	     "line is 50000 if none is given.\n\n"
	     "With --packet, prints what replay decides about that packet of FILE, and explains\n"
	     "its flow.\n",
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
     .run = nsgctl_effective_nsg},
    {.name = "effective-routes",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Like az network nic show-effective-route-table",
     .run = nsgctl_effective_routes},
    {.name = "replay",
     .operands = "FILE",
     .min_operands = 1,
     .max_operands = 1,
     .works = NSGCTL_BOTH,
     .help = "Decide every packet of a capture, or every tuple of a flow log",
     .more = "Prints the largest flows, the packets that each rule or route decided, and the\n"
	     "destinations that are denied most often; with -o json or jsonl, a line for each\n"
	     "packet. FILE may be -, standard input.\n\n"
	     "Flows that were opened from outside to an address in the integration subnet are\n"
	     "inbound and are not decided. All others are decided with the source address of\n"
	     "the packet, or with the one that nsgd recorded in the capture. Later packets of\n"
	     "an accepted flow are \"established\", those of a denied flow stay denied, packets\n"
	     "in the other direction are \"reply\", and TCP packets of a connection that is\n"
	     "older than the capture are \"preexisting\".\n\n"
	     "FILE may also be a flow log of Azure or nsgd, or a directory of them. Outbound\n"
	     "flows from the integration subnet are decided, and compared with the log.\n",
     .options = replay_options,
     .run = nsgctl_replay},
    {.name = "trace",
     .operands = "[EXPRESSION]",
     .max_operands = NSGCTL_MAX_OPERANDS,
     .works = NSGCTL_LIVE,
     .help = "Print decisions as they are made, until interrupted",
     .more = "EXPRESSION selects packets, in the syntax of pcap-filter(7).\n"
	     "Packets that the kernel accepts or drops by an earlier decision are printed only\n"
	     "with --all-packets. While such a trace runs, the packets that match EXPRESSION\n"
	     "and the conditions on hostSrc, srcPort, dst, dstPort and protocol are queued to\n"
	     "nsgd.\n\n"
	     "Keys of --filter: verdict, reason, gate, direction, protocol, src, srcPort, dst,\n"
	     "dstPort, hostSrc, interface, uid, cgroup, command, rule, admin, route,\n"
	     "nextHopType. Addresses may be prefixes.\n\n"
	     "  nsgctl trace --dropped-only tcp and dst net 10.0.0.0/8\n"
	     "  nsgctl trace --last 20 --filter reason=nsg-deny\n"
	     "  nsgctl trace --all-packets --for 10s tcp and dst host 10.0.2.4\n",
     .options = trace_options,
     .run = nsgctl_trace},
    {.name = "flows",
     .operands = "[EXPRESSION]",
     .max_operands = NSGCTL_MAX_OPERANDS,
     .works = NSGCTL_LIVE,
     .help = "List the flows that are let through, and whether they were answered",
     .more = "EXPRESSION selects flows by the addresses, the protocol and the ports of their\n"
	     "first packet, in the syntax of pcap-filter(7). Denied flows are not listed: see\n"
	     "trace --last.\n\n"
	     "  nsgctl flows --no-answer --watch\n",
     .options = flows_options,
     .run = nsgctl_flows},
    {.name = "status",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show what nsgd is doing and whether anything is wrong",
     .more = "Prints one sentence, then warnings if there are any. -v also prints details of the\n"
	     "policy, the capture, the queue and the next hops.\n",
     .run = nsgctl_status},
    {.name = "stats",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show counters by rule, route and reason",
     .more = "Counters that are 0 are omitted. -v prints them too, and all buckets of the\n"
	     "latency.\n",
     .options = stats_options,
     .run = nsgctl_stats},
    {.name = "metrics",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Print all counters and alarms for a monitoring system",
     .more = "nsgd can also write them to a file for node_exporter: [metrics] textfile in\n"
	     "nsgd.conf.\n",
     .options = metrics_options,
     .run = nsgctl_metrics},
    {.name = "reload",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Reload configuration and policy, and print what changed",
     .more = "Waits until the new policy is in effect. If there are errors, nothing changes:\n"
	     "they are printed and the exit status is 3.\n",
     .run = nsgctl_reload},
    {.name = "flatten",
     .operands = "TEMPLATE",
     .min_operands = 1,
     .max_operands = 1,
     .works = NSGCTL_OFFLINE,
     .help = "Evaluate an ARM template and write documents that nsgd can read",
     .more = "Parameters are taken from --parameters FILE, then from X.parameters.json next to\n"
	     "X.json, then from their defaults. Of the app settings, only\n"
	     "WEBSITE_VNET_ROUTE_ALL, WEBSITE_DNS_SERVER and WEBSITE_DNS_ALT_SERVER are\n"
	     "written.\n",
     .options = flatten_options,
     .run = nsgctl_flatten},
    {.name = "help",
     .operands = "[VERB]",
     .max_operands = 1,
     .works = NSGCTL_OFFLINE,
     .help = "Print this help text, or that of a verb",
     .run = nsgctl_help_verb},
    {.name = "completion",
     .operands = "bash|zsh|fish",
     .min_operands = 1,
     .max_operands = 1,
     .works = NSGCTL_OFFLINE,
     .help = "Print the completion script for a shell",
     .more = "For example, in ~/.bashrc: source <(nsgctl completion bash)\n",
     .run = nsgctl_completion},
    {0},
};
