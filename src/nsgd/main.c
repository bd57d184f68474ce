/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <getopt.h>
#include <stdio.h>

#include "nsgd/daemon.h"

#define DEFAULT_CONF NSG_SYSCONFDIR "/nsgd.conf"

enum mode {
	MODE_RUN,
	MODE_CHECK,
	MODE_CLEANUP,
};

static void usage(FILE *out)
{
	(void)fprintf(
	    out,
	    "usage: nsgd [-c FILE] [--check | --cleanup]\n"
	    "\n"
	    "Acts as an Azure App Service integration subnet on this host: applies the network\n"
	    "security group and the route table in Azure's own JSON to outbound packets, which\n"
	    "are accepted, dropped or re-routed. Runs in the foreground until SIGTERM; SIGHUP\n"
	    "reloads configuration and policy.\n"
	    "\n"
	    "  -c, --config FILE  configuration file (default: " DEFAULT_CONF ")\n"
	    "      --check        load everything, check the next hops, change nothing\n"
	    "      --cleanup      remove what a crashed nsgd of this instance left in the kernel\n"
	    "  -h, --help         print this help\n"
	    "  -V, --version      print the version\n"
	    "\n"
	    "Exit status: 0 success, 1 failure, 2 usage error, 5 permission denied, 78 errors in\n"
	    "the configuration or the policy (3 with --check and --cleanup). See nsgd(8),\n"
	    "nsgd.conf(5) and nsgctl(1).\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
	    {"cleanup", no_argument, NULL, 'u'},      {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},      {0},
	};
	const char *conf_path = DEFAULT_CONF;
	bool conf_may_be_absent = true;
	enum mode mode = MODE_RUN;
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			conf_path = optarg;
			conf_may_be_absent = false;
			break;
		case 'k':
		case 'u':
			if (mode != MODE_RUN) {
				usage(stderr);
				return NSG_EXIT_USAGE;
			}
			mode = option == 'k' ? MODE_CHECK : MODE_CLEANUP;
			break;
		case 'h':
			usage(stdout);
			return NSG_EXIT_DONE;
		case 'V':
			(void)printf("nsgd %s\n", PACKAGE_VERSION);
			return NSG_EXIT_DONE;
		default:
			usage(stderr);
			return NSG_EXIT_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "nsgd: unexpected argument: %s\n", argv[optind]);
		usage(stderr);
		return NSG_EXIT_USAGE;
	}

	switch (mode) {
	case MODE_CHECK:
		return (int)daemon_check(conf_path, conf_may_be_absent);
	case MODE_CLEANUP:
		return daemon_cleanup(conf_path, conf_may_be_absent);
	default:
		return daemon_run(conf_path, conf_may_be_absent);
	}
}
