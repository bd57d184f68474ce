/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "explain/table.h"
#include "nsgctl/nsgctl.h"

/* E.g. "drop, nsg-deny; gate rfc1918; rule securityRules/no (100); route 10.0.0.0/8 None". */
void nsgctl_comment(const json_t *decision, char *out, size_t size)
{
	const char *rule = nsg_string_at(decision, "nsg.rule");
	const char *prefix = nsg_string_at(decision, "route.prefix");
	const char *name = nsg_string_at(decision, "route.name");
	const char *gate = nsg_string_at(decision, "gate");
	const char *admin = nsg_string_at(decision, "admin.rule");
	char admin_part[256] = "", rule_part[256] = "", route_part[256] = "", gate_part[64] = "";

	if (*gate)
		(void)snprintf(gate_part, sizeof(gate_part), "; gate %s", gate);
	if (*admin)
		(void)snprintf(admin_part, sizeof(admin_part), "; admin rule %s (%d)", admin,
			       (int)json_integer_value(nsg_at(decision, "admin.priority")));
	if (*rule)
		(void)snprintf(rule_part, sizeof(rule_part), "; rule %s (%d)", rule,
			       (int)json_integer_value(nsg_at(decision, "nsg.priority")));
	if (*prefix)
		(void)snprintf(route_part, sizeof(route_part), "; route %s%s%s %s", prefix,
			       *name ? " " : "", name,
			       nsg_string_at(decision, "route.nextHopType"));
	(void)snprintf(out, size, "%s, %s%s%s%s%s", nsg_string_at(decision, "verdict"),
		       nsg_string_at(decision, "reason"), gate_part, admin_part, rule_part,
		       route_part);
}
