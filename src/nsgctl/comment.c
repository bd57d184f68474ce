/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The comment of a packet in a capture; nsgd-formats(5) documents it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "explain/table.h"
#include "nsgctl/nsgctl.h"
#include "util/ip.h"
#include "util/names.h"

#define SOURCE "; source "

const char nsgctl_application[] = "nsgctl (" PACKAGE_NAME ") " PACKAGE_VERSION;

void nsgctl_section_comment(const json_t *policy, char *out, size_t size)
{
	(void)snprintf(out, size, "nsgd policy %s, profile %s, subnet %s/%s",
		       nsg_string_at(policy, "hash"), nsg_string_at(policy, "profile"),
		       nsg_string_at(policy, "vnet"), nsg_string_at(policy, "subnet"));
}

void nsgctl_comment_parts(const json_t *decision, char gate[static NSGCTL_COMMENT],
			  char route[static NSGCTL_COMMENT])
{
	const char *rule = nsg_string_at(decision, "nsg.rule");
	const char *prefix = nsg_string_at(decision, "route.prefix");
	const char *name = nsg_string_at(decision, "route.name");
	const char *gate_name = nsg_string_at(decision, "gate");
	const char *admin = nsg_string_at(decision, "admin.rule");
	char admin_part[256] = "", rule_part[256] = "", gate_part[64] = "";

	if (*gate_name)
		(void)snprintf(gate_part, sizeof(gate_part), "; gate %s", gate_name);
	if (*admin)
		(void)snprintf(admin_part, sizeof(admin_part), "; admin rule %s (%d)", admin,
			       (int)json_integer_value(nsg_at(decision, "admin.priority")));
	if (*rule)
		(void)snprintf(rule_part, sizeof(rule_part), "; rule %s (%d)", rule,
			       (int)json_integer_value(nsg_at(decision, "nsg.priority")));
	(void)snprintf(gate, NSGCTL_COMMENT, "%s%s%s", gate_part, admin_part, rule_part);
	route[0] = '\0';
	if (*prefix)
		(void)snprintf(route, NSGCTL_COMMENT, "; route %s%s%s %s", prefix, *name ? " " : "",
			       name, nsg_string_at(decision, "route.nextHopType"));
}

void nsgctl_comment(const json_t *decision, char *out, size_t size)
{
	const char *src = nsg_string_at(decision, "src");
	const char *host_src = nsg_string_at(decision, "hostSrc");
	char gate[NSGCTL_COMMENT], route[NSGCTL_COMMENT];
	bool has_source = *host_src && strcmp(src, host_src) != 0;

	nsgctl_comment_parts(decision, gate, route);
	(void)snprintf(out, size, "%s, %s%s%s%s%s", nsg_string_at(decision, "verdict"),
		       nsg_string_at(decision, "reason"), has_source ? SOURCE : "",
		       has_source ? src : "", gate, route);
}

static bool begins_with_verdict(const char *comment, size_t n, enum nsg_verdict verdict)
{
	const char *name = nsg_verdict_name(verdict);
	size_t length = strlen(name);

	return n > length && memcmp(comment, name, length) == 0 && comment[length] == ',';
}

bool nsgctl_comment_source(const char *comment, size_t n, uint32_t *ret_host)
{
	const char *at = memchr(comment, ';', n);
	char text[NSG_IP4_TEXT];
	size_t left, length;

	if (!at || (!begins_with_verdict(comment, n, NSG_VERDICT_ACCEPT) &&
		    !begins_with_verdict(comment, n, NSG_VERDICT_DROP)))
		return false;
	left = n - (size_t)(at - comment);
	if (left < strlen(SOURCE) || memcmp(at, SOURCE, strlen(SOURCE)) != 0)
		return false;
	at += strlen(SOURCE);
	left -= strlen(SOURCE);
	for (length = 0; length < left && at[length] != ';'; length++)
		if (length + 1 == sizeof(text))
			return false;
	memcpy(text, at, length);
	text[length] = '\0';
	return nsg_ip4_parse(text, ret_host) == 0;
}
