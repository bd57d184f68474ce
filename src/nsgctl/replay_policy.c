/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy that replay decides by, and whose packets it decides. */
#include <string.h>

#include "explain/explain.h"
#include "nsgctl/replay_priv.h"
#include "util/cleanup.h"

#define DEFAULT_TIMEOUT_MINUTES 4

/* ---- options -------------------------------------------------------------------------------- */

static int add_local(struct replay *r, const char *text)
{
	struct nsg_prefix prefix;
	struct nsg_prefix6 prefix6;
	bool masked;

	switch (nsg_prefix_parse(text, &prefix, &masked)) {
	case NSG_PREFIX_IP4:
		if (r->n_local == REPLAY_MAX_PREFIXES)
			break;
		r->local[r->n_local++] = prefix;
		return 0;
	case NSG_PREFIX_IP6:
		if (r->n_local6 == REPLAY_MAX_PREFIXES ||
		    nsg_prefix6_parse(text, &prefix6, &masked) < 0)
			break;
		r->local6[r->n_local6++] = prefix6;
		return 0;
	default:
		return nsgctl_fail(NSG_EXIT_USAGE, "--local: \"%s\" is not a valid prefix", text);
	}
	return nsgctl_fail(NSG_EXIT_USAGE, "--local: more than %d prefixes", REPLAY_MAX_PREFIXES);
}

static int read_local(struct replay *r, const char *list)
{
	while (*list) {
		size_t n = strcspn(list, ", ");
		char text[64];
		int status;

		(void)snprintf(text, sizeof(text), "%.*s", (int)(n < 64 ? n : 63), list);
		list += n + (list[n] != '\0');
		if (!n)
			continue;
		status = add_local(r, text);
		if (status)
			return status;
	}
	if (!r->n_local && !r->n_local6)
		return nsgctl_fail(NSG_EXIT_USAGE, "--local requires a prefix");
	return 0;
}

static int read_options(struct replay *r)
{
	const struct nsgctl *ctl = r->ctl;

	if (ctl->src && (nsg_ip4_parse(ctl->src, &r->src_host) < 0 || !r->src_host))
		return nsgctl_fail(NSG_EXIT_USAGE, "--src: \"%s\" is not a valid IPv4 address",
				   ctl->src);
	return ctl->local ? read_local(r, ctl->local) : 0;
}

/* ---- the policy ----------------------------------------------------------------------------- */

static int keep_item(void *closure, json_t *item)
{
	json_t **kept = closure;

	json_decref(*kept);
	*kept = json_incref(item);
	return 0;
}

static void take_policy(struct replay *r, const json_t *policy)
{
	const json_t *prefix;
	size_t i;

	json_array_foreach(json_object_get(policy, "subnetPrefixes"), i, prefix)
	{
		const char *text = json_string_value(prefix);
		bool masked;

		if (text && r->n_subnet < REPLAY_MAX_PREFIXES &&
		    nsg_prefix_parse(text, &r->subnet[r->n_subnet], &masked) == NSG_PREFIX_IP4)
			r->n_subnet++;
	}
	r->timeout_minutes =
	    (uint32_t)json_integer_value(json_object_get(policy, "flowTimeoutInMinutes"));
	if (!r->timeout_minutes)
		r->timeout_minutes = DEFAULT_TIMEOUT_MINUTES;
	nsgctl_section_comment(policy, r->section, sizeof(r->section));
}

static int learn_policy(struct replay *r)
{
	cleanup_json json_t *args = json_object();
	cleanup_json json_t *answer = NULL;
	const json_t *policy;
	int status;

	if (r->session.live) {
		status = nsgctl_session_ask(&r->session, "status", args, keep_item, &answer);
		if (status)
			return status;
		policy = json_object_get(answer, "policy");
	} else {
		policy = answer =
		    nsg_explain_policy(r->session.snapshot->effective, r->session.snapshot->image);
		if (!policy)
			return nsgctl_out_of_memory();
	}
	take_policy(r, policy);
	return nsgctl_outcomes_init(&r->outcomes, &r->session, policy);
}

int replay_open_policy(struct replay *r)
{
	int status = read_options(r);

	if (!status)
		status = nsgctl_session_open(r->ctl, &r->session);
	return status ? status : learn_policy(r);
}
