#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Security admin rules of a virtual network manager, live: before the NSG, after a reload, counted.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
conf subnet.profile=current

admin_rule() { # NAME PRIORITY ACCESS PORT
	jq -n --arg name "$1" --argjson priority "$2" --arg access "$3" --arg port "$4" '{
		id: ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkManagers/m" +
			"/securityAdminConfigurations/c/ruleCollections/k/rules/" + $name),
		properties: {access: $access, direction: "Outbound", priority: $priority, protocol: "Tcp", sources: [],
			destinations: [{addressPrefix: "10.0.2.4", addressPrefixType: "IPPrefix"}],
			destinationPortRanges: [$port]}}'
}

t_row() { # TO VERDICT REASON RULE ADMIN
	probe tcp "$1"
	says "$2" "$3" "$4" && is "$(traced 'if has("admin") then .admin.rule else "-" end')" "$5" &&
		is "$ANSWERED" "$([ "$2" = accept ] && echo yes || echo no)"
}

t_without() { # no key of its own
	nsgd_start && nsgd_trace && t_row 10.0.2.4:5432 accept allowed AllowDatabase - &&
		t_row 10.0.2.4:22 drop nsg-deny DenyRestOfData -
}

t_reload() {
	{
		admin_rule no-database 1 Deny 5432
		admin_rule force-ssh 2 AlwaysAllow 22
	} | jq -s '{value: ., skipToken: ""}' >"$T/policy/admin.json"
	reload
}

t_counted() {
	ctl stats -o json | jq -e '(.adminRules[] | select(.rule == "no-database").packets) >= 1 and
		(.reasons[] | select(.reason == "admin-deny").packets) >= 1'
}

t_logged() {
	eventually 2 matches "$T/nsgd.log" 'drop: admin-deny .*admin rule no-database \(1\)'
}

fact "without any: the NSG decides" t_without
fact "admin rules are loaded" t_reload
fact "denied, though the NSG allows it" t_row 10.0.2.4:5432 drop admin-deny - no-database
fact "always allowed, though the NSG denies it" t_row 10.0.2.4:22 accept allowed - force-ssh
fact "none matches: the NSG decides" t_row 10.0.2.4:25 drop nsg-deny DenyRestOfData null
fact "stats count the rule and the reason" t_counted
fact "the journal names the rule" t_logged
fact "stops and leaves nothing" eval 'stop trace; nsgd_stop && nothing_left'
lab_done
