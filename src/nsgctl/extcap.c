/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nsgd-extcap: a capture interface of Wireshark (extcap(4)) whose packets are those that nsgd
 * decides, each with its verdict. Everything but the capture is answered without the daemon.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pcap/pcap.h>
#include <string.h>
#include <unistd.h>

#include "nsgctl/nsgctl.h"
#include "nsgctl/packets.h"
#include "observe/pcapng.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define INTERFACE "nsgd"

enum {
	OPTION_INTERFACES = 256,
	OPTION_INTERFACE,
	OPTION_DLTS,
	OPTION_CONFIG,
	OPTION_CAPTURE,
	OPTION_FIFO,
	OPTION_CAPTURE_FILTER,
	OPTION_VERSION,
	OPTION_VERDICT,
	OPTION_CONDITIONS,
	OPTION_INSTANCE,
	OPTION_SOCKET,
};

struct extcap {
	bool interfaces, dlts, config, capture;
	const char *interface, *fifo, *capture_filter, *verdict, *conditions, *instance, *socket;
};

static int print_interfaces(void)
{
	static const char *const pages[] = {NSG_MANDIR "/man1/nsgctl.1.gz",
					    NSG_MANDIR "/man1/nsgctl.1"};
	const char *page = NULL;

	/* packages compress it */
	for (size_t i = 0; !page && i < NSG_ARRAY_SIZE(pages); i++)
		page = access(pages[i], R_OK) == 0 ? pages[i] : NULL;
	printf("extcap {version=" PACKAGE_VERSION "}%s%s%s{display=nsgd}\n",
	       page ? "{help=file://" : "", page ? page : "", page ? "}" : "");
	puts("interface {value=" INTERFACE "}{display=nsgd: packets with their verdicts}");
	return NSG_EXIT_DONE;
}

static int print_dlts(void)
{
	printf("dlt {number=%d}{name=IPV4}{display=Raw IPv4}\n", NSG_PCAPNG_LINK_IPV4);
	return NSG_EXIT_DONE;
}

static int print_config(void)
{
	puts("arg {number=0}{call=--verdict}{display=Verdict}{type=selector}"
	     "{tooltip=Packets with this verdict}");
	puts("value {arg=0}{value=all}{display=all}{default=true}");
	puts("value {arg=0}{value=drop}{display=drop}{default=false}");
	puts("value {arg=0}{value=accept}{display=accept}{default=false}");
	puts("arg {number=1}{call=--conditions}{display=Conditions}{type=string}"
	     "{tooltip=As for nsgctl trace --filter, for example reason=nsg-deny}");
	puts("arg {number=2}{call=--instance}{display=Instance}{type=string}{default=nsgd}"
	     "{tooltip=The instance of nsgd}");
	return NSG_EXIT_DONE;
}

/* Wireshark asks while the user types: it shows what is printed. */
static int check_filter(const struct extcap *e)
{
	struct nsgctl_packets packets = {0};
	int status;

	if (!*e->capture_filter)
		return NSG_EXIT_DONE;
	(void)dup2(STDOUT_FILENO, STDERR_FILENO);
	status = nsgctl_packets_compile(&packets, &e->capture_filter, 1);
	nsgctl_packets_done(&packets);
	return status;
}

/* As `nsgctl trace -w -` with the pipe as standard output. */
static int capture(const struct extcap *e)
{
	cleanup_free char *filter = NULL;
	struct nsgctl ctl = {
	    .verb = nsgctl_verb_find("trace", stderr),
	    .write = "-",
	    .form = NSGCTL_JSONL,
	    .instance = e->instance && *e->instance ? e->instance : NULL,
	    .socket = e->socket,
	};
	cleanup_close int fifo = e->fifo ? open(e->fifo, O_WRONLY | O_CLOEXEC) : -1;

	if (fifo < 0 || dup2(fifo, STDOUT_FILENO) < 0)
		return nsgctl_fail(NSG_EXIT_FAILED, "--fifo %s: %s", e->fifo ? e->fifo : "",
				   strerror(e->fifo ? errno : EINVAL));
	if (e->capture_filter && *e->capture_filter)
		ctl.operands[ctl.n_operands++] = e->capture_filter;
	if (e->verdict && strcmp(e->verdict, "all") != 0) {
		if (asprintf(&filter, "verdict=%s,%s", e->verdict,
			     e->conditions ? e->conditions : "") < 0)
			return nsgctl_out_of_memory();
		ctl.dropped_only = strcmp(e->verdict, "drop") == 0;
	}
	ctl.filter = filter ? filter : e->conditions;
	return nsgctl_finish(ctl.verb->run(&ctl));
}

static int usage(void)
{
	fputs("nsgd-extcap is run by Wireshark: tshark -i " INTERFACE "\n"
	      "See nsgctl(1), WIRESHARK.\n",
	      stderr);
	return NSG_EXIT_USAGE;
}

static int run(const struct extcap *e)
{
	if (e->interfaces)
		return print_interfaces();
	if (!e->interface || strcmp(e->interface, INTERFACE) != 0)
		return usage();
	if (e->dlts)
		return print_dlts();
	if (e->config)
		return print_config();
	if (e->capture)
		return capture(e);
	return e->capture_filter ? check_filter(e) : usage();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"extcap-interfaces", no_argument, NULL, OPTION_INTERFACES},
	    {"extcap-interface", required_argument, NULL, OPTION_INTERFACE},
	    {"extcap-dlts", no_argument, NULL, OPTION_DLTS},
	    {"extcap-config", no_argument, NULL, OPTION_CONFIG},
	    {"capture", no_argument, NULL, OPTION_CAPTURE},
	    {"fifo", required_argument, NULL, OPTION_FIFO},
	    {"extcap-capture-filter", required_argument, NULL, OPTION_CAPTURE_FILTER},
	    {"extcap-version", optional_argument, NULL, OPTION_VERSION},
	    {"verdict", required_argument, NULL, OPTION_VERDICT},
	    {"conditions", required_argument, NULL, OPTION_CONDITIONS},
	    {"instance", required_argument, NULL, OPTION_INSTANCE},
	    {"socket", required_argument, NULL, OPTION_SOCKET},
	    {0},
	};
	struct extcap e = {0};
	const char **strings[OPTION_SOCKET + 1] = {
	    [OPTION_INTERFACE] = &e.interface,
	    [OPTION_FIFO] = &e.fifo,
	    [OPTION_CAPTURE_FILTER] = &e.capture_filter,
	    [OPTION_VERDICT] = &e.verdict,
	    [OPTION_CONDITIONS] = &e.conditions,
	    [OPTION_INSTANCE] = &e.instance,
	    [OPTION_SOCKET] = &e.socket,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		e.interfaces |= option == OPTION_INTERFACES;
		e.dlts |= option == OPTION_DLTS;
		e.config |= option == OPTION_CONFIG;
		e.capture |= option == OPTION_CAPTURE;
		if (option == '?')
			return usage();
		if (option <= OPTION_SOCKET && strings[option])
			*strings[option] = optarg;
	}
	return nsgctl_finish(run(&e));
}
