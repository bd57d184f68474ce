/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"
#include "util/json_object.h"

static int print_text(void *closure, json_t *item)
{
	(void)closure;
	if (!json_is_string(item))
		return nsgctl_fail(NSG_EXIT_FAILED, "invalid reply: not the protocol of nsgd");
	return fputs(json_string_value(item), stdout) < 0 ? NSG_EXIT_FAILED : 0;
}

int nsgctl_metrics(struct nsgctl *ctl)
{
	cleanup_json json_t *args =
	    NSG_JSON_OBJECT(PAIR_S("format", ctl->output ? ctl->output : "openmetrics"));
	cleanup_session struct nsgctl_session session = {.fd = -1};
	int status;

	if (!args)
		return nsgctl_out_of_memory();
	status = nsgctl_session_open(ctl, &session);
	if (status)
		return status;
	return nsgctl_session_ask(&session, "metrics", args, print_text, NULL);
}
