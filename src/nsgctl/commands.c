/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every verb and option there is: the parser, the help, the man page's and completion's tests read
 * it. */
#include "nsgctl/nsgctl.h"

#define FIELD(name) .offset = offsetof(struct nsgctl, name)

const struct nsgctl_option nsgctl_options[] = {
    {.letter = 'p',
     .name = "policy",
     .argument = "DIR",
     FIELD(policy),
     .help = "ask this policy directory instead of a running nsgd"},
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
     .help = "the feature as of 2020-04 (default) or current"},
    {.name = "platform",
     .argument = "NAME",
     FIELD(platform),
     .shapes_policy = true,
     .values = "windows|linux",
     .help = "windows or linux; default: what the site says"},
    {.name = "route-all",
     .argument = "on|off",
     FIELD(route_all),
     .shapes_policy = true,
     .values = "on|off",
     .help = "whatever the documents say of it"},
    {.name = "endpoint-precedence",
     .argument = "doc|lab",
     FIELD(endpoint_precedence),
     .shapes_policy = true,
     .values = "doc|lab",
     .help = "service endpoints against user routes: as documented, or as reported"},
    {.name = "parameters",
     .argument = "FILE",
     FIELD(parameters),
     .shapes_policy = true,
     .help = "parameters for ARM templates"},
    {.name = "strict",
     FIELD(strict),
     .shapes_policy = true,
     .help = "warnings of loading count as errors; in check, lints too"},
    {.letter = 'o',
     .name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "table|json|jsonl",
     .help = "table (default on a terminal), json (default elsewhere) or jsonl"},
    {.letter = 'i',
     .name = "instance",
     .argument = "NAME",
     FIELD(instance),
     .help = "the nsgd to ask; default nsgd"},
    {.letter = 's',
     .name = "socket",
     .argument = "PATH",
     FIELD(socket),
     .help = "the nsgd to ask, by its control socket"},
    {.letter = 'v', .name = "verbose", FIELD(verbose), .help = "tell more"},
    {.letter = 'h', .name = "help", FIELD(help), .help = "this help, or a verb's"},
    {.letter = 'V', .name = "version", FIELD(version), .help = "the version"},
    {0},
};

static const struct nsgctl_option explain_options[] = {
    {.name = "protocol",
     .argument = "P",
     FIELD(protocol),
     .help = "TCP, UDP, ICMP, ESP, AH or a number from 0 to 255"},
    {.name = "src", .argument = "IP[:PORT]", FIELD(src), .help = "the instance's end"},
    {.name = "dst", .argument = "IP[:PORT]", FIELD(dst), .help = "the far end"},
    {.name = "batch",
     .argument = "FILE|-",
     FIELD(batch),
     .help = "decide a flow an input line, as JSON Lines"},
    {.name = "expect",
     .argument = "accept|drop",
     FIELD(expect),
     .values = "accept|drop",
     .help = "exit 1 when the verdict is another"},
    {.letter = 'o',
     .name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "table|json|jsonl|azure",
     .help = "as below, or azure: Network Watcher's NSG diagnostics"},
    {0},
};

static const struct nsgctl_option test_ip_flow_options[] = {
    {.name = "direction", .argument = "Outbound", FIELD(direction), .help = "Outbound"},
    {.name = "protocol", .argument = "TCP|UDP", FIELD(protocol), .help = "TCP or UDP"},
    {.name = "local", .argument = "IP:PORT", FIELD(local), .help = "the instance's end"},
    {.name = "remote", .argument = "IP:PORT", FIELD(remote), .help = "the far end"},
    {0},
};

static const struct nsgctl_option show_next_hop_options[] = {
    {.name = "source-ip", .argument = "IP", FIELD(source_ip), .help = "the instance's address"},
    {.name = "dest-ip", .argument = "IP", FIELD(dest_ip), .help = "the far end's address"},
    {0},
};

static const struct nsgctl_option flatten_options[] = {
    {.letter = 'o',
     .argument = "DIR",
     FIELD(directory),
     .help = "the directory to write to: made, or empty"},
    {.name = "output",
     .argument = "FORM",
     FIELD(output),
     .values = "table|json|jsonl",
     .help = "how the written files are listed"},
    {0},
};

static const struct nsgctl_option replay_options[] = {
    {.letter = 'w',
     .name = "write",
     .argument = "OUT.pcapng",
     FIELD(write),
     .help = "write the packets, each with its verdict and a comment"},
    {0},
};

static const struct nsgctl_option trace_options[] = {
    {.letter = 'w',
     .name = "write",
     .argument = "OUT.pcapng",
     FIELD(write),
     .help = "write the packets' beginnings, each with its verdict and a comment"},
    {.name = "filter",
     .argument = "CONDITIONS",
     FIELD(filter),
     .help = "as verdict=drop,dst=10.0.0.0/8: all must hold; != negates"},
    {0},
};

const struct nsgctl_verb nsgctl_verbs[] = {
    {.name = "check",
     .operands = "[DIR]",
     .max_operands = 1,
     .works = NSGCTL_OFFLINE,
     .help = "Load a policy directory and say all that is wrong or odd with it",
     .more = "DIR is " NSG_SYSCONFDIR "/policy when neither it nor -p is given. Exits 3 when\n"
	     "the policy has errors. With -v, what was chosen and how large it became.\n",
     .run = nsgctl_check},
    {.name = "explain",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Tell what becomes of a flow's first packet, step by step",
     .more = "The gate into the VNet, the tags the destination is in, the rules tried, the\n"
	     "routes compared, the verdict, and the source the far end sees.\n\n"
	     "  nsgctl -p policy explain --protocol TCP --src 10.0.1.4:50000 --dst 8.8.8.8:53\n"
	     "  nsgctl -p policy explain --batch flows.jsonl\n\n"
	     "A flow of --batch is a line\n"
	     "  {\"id\":\"f1\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":50000,\n"
	     "   \"dst\":\"8.8.8.8\",\"dstPort\":53}\n"
	     "and its decision one line of output; a bad line gives an error in its place and\n"
	     "exit status 1 at the end. Without a source port TCP and UDP flows of the command\n"
	     "line have 50000.\n",
     .options = explain_options,
     .run = nsgctl_explain},
    {.name = "test-ip-flow",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Answer as az network watcher test-ip-flow does, and name the gate",
     .options = test_ip_flow_options,
     .run = nsgctl_test_ip_flow},
    {.name = "show-next-hop",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Answer as az network watcher show-next-hop does",
     .options = show_next_hop_options,
     .run = nsgctl_show_next_hop},
    {.name = "effective-nsg",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Answer as az network nic list-effective-nsg does",
     .run = nsgctl_effective},
    {.name = "effective-routes",
     .operands = "",
     .works = NSGCTL_BOTH,
     .help = "Answer as az network nic show-effective-route-table does",
     .run = nsgctl_effective},
    {.name = "replay",
     .operands = "FILE.pcap[ng]",
     .min_operands = 1,
     .max_operands = 1,
     .works = NSGCTL_BOTH,
     .help = "Decide every packet of a capture",
     .more =
	 "Flows that end in the integration subnet and began elsewhere are inbound and not\n"
	 "judged; everything else is judged with the source it has. Later packets of an\n"
	 "accepted flow are \"established\", the other direction is \"reply\", and a TCP packet\n"
	 "of a flow that began before the capture is \"preexisting\".\n",
     .options = replay_options,
     .run = nsgctl_replay},
    {.name = "trace",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show decisions as they happen, until interrupted",
     .more = "Packets of flows that the kernel remembers are not decided again and not shown.\n\n"
	     "Keys of --filter: verdict, reason, gate, direction, protocol, src, srcPort, dst,\n"
	     "dstPort, hostSrc, rule, route, nextHopType. Addresses may be prefixes.\n",
     .options = trace_options,
     .run = nsgctl_trace},
    {.name = "status",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show what nsgd has loaded, captures and has sent where",
     .run = nsgctl_live},
    {.name = "stats",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Show counters by rule, route and reason",
     .run = nsgctl_live},
    {.name = "reload",
     .operands = "",
     .works = NSGCTL_LIVE,
     .help = "Load the policy again; return when the new one decides",
     .more = "A policy with errors changes nothing: its diagnostics are shown and the exit\n"
	     "status is 3.\n",
     .run = nsgctl_live},
    {.name = "flatten",
     .operands = "TEMPLATE",
     .min_operands = 1,
     .max_operands = 1,
     .works = NSGCTL_OFFLINE,
     .help = "Evaluate an ARM template to plain documents, which nsgd reads",
     .more = "Parameters come from their defaults, over them X.parameters.json beside X.json,\n"
	     "over them --parameters FILE. Of app settings only WEBSITE_VNET_ROUTE_ALL is\n"
	     "written.\n",
     .options = flatten_options,
     .run = nsgctl_flatten},
    {0},
};
