/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"
#include "nsgctl/nsgctl.h"

int main(int argc, char **argv)
{
	struct nsgctl ctl;
	int status;

	status = nsgctl_parse(argc, argv, &ctl, stderr);
	if (status)
		return status;
	if (ctl.help) {
		nsgctl_help(ctl.verb, stdout);
		return nsgctl_finish(NSG_EXIT_DONE);
	}
	if (ctl.version) {
		puts("nsgctl (" PACKAGE_NAME ") " PACKAGE_VERSION);
		return nsgctl_finish(NSG_EXIT_DONE);
	}
	return nsgctl_finish(ctl.verb->run(&ctl));
}
