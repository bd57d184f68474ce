#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# "My app cannot reach its SQL private endpoint", with four endings: each cause is named by one command. The
# commands are the example of nsgctl(1).
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
RESOURCES=/subscriptions/5f1c9a1e-0d1c-4b39-9f0a-3c6e5f1b7a20/resourceGroups/rg-shop/providers
jq -n --arg resources "$RESOURCES" '{type: "Microsoft.Network/privateEndpoints", name: "pe-sql", location: "westeurope",
	id: "\($resources)/Microsoft.Network/privateEndpoints/pe-sql", properties: {
		subnet: {id: "\($resources)/Microsoft.Network/virtualNetworks/vnet-shop/subnets/snet-data"},
		privateLinkServiceConnections: [{name: "sql", properties: {groupIds: ["sqlServer"],
			privateLinkServiceId: "\($resources)/Microsoft.Sql/servers/shop"}}],
		customDnsConfigs: [{fqdn: "shop.database.windows.net", ipAddresses: ["10.0.2.4"]}]}}' >"$T/policy/pe-sql.json"
jq -n '{changeNumber: 1, cloud: "Public", values: [{name: "Sql", id: "Sql",
	properties: {region: "", addressPrefixes: ["203.0.113.0/24"]}}]}' >"$T/policy/tags.json"
chmod 600 "$T"/policy/*.json
conf
SQL=10.0.2.4:1433

t_start() {
	nsgd_start && nsgd_trace
}

command() { # ARGUMENT...: what nsgctl says, on one line
	ctl "$@" -o table >"$T/out" 2>&1 && tr -s ' \n' '  ' <"$T/out" >"$T/said"
}

t_denied() {
	probe tcp $SQL
	silent && command explain --protocol tcp --src 10.0.1.4 --dst $SQL &&
		matches "$T/said" 'DenyRestOfData.*verdict drop, nsg-deny' &&
		command trace --last 1 --dropped-only dst host 10.0.2.4 && matches "$T/said" 'nsg-deny .*DenyRestOfData'
}

t_no_answer() { # the rule allows it, the server is silent
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowDatabase")) |=
		(.destinationPortRange = "1433" | del(.destinationPortRanges))'
	in_ns vnet nft -f - <<-'END' && reload || return 1
		table ip dead {
			chain c { type filter hook input priority 0; tcp dport 1433 drop; }
		}
	END
	probe tcp $SQL
	command flows --no-answer dst host 10.0.2.4 && matches "$T/said" 'no answer yet' && matches "$T/said" 'AllowDatabase'
}

t_public_address() { # the app resolved the public name
	command explain --protocol tcp --src 10.0.1.4 --dst 203.0.113.10:1433 &&
		matches "$T/said" '203.0.113.10 is a public address of Sql, although the private endpoint pe-sql \(10.0.2.4\)'
}

t_dead_appliance() { # a route sends it to an appliance whose link is down
	policy_edit rt-integration.json '.routes += [{name: "sql-through-firewall", addressPrefix: "10.0.2.4/32",
		nextHopType: "VirtualAppliance", nextHopIpAddress: "10.0.100.4"}]'
	reload && in_ns app ip link set nva0 down || return 1
	probe tcp $SQL
	eventually 3 eval 'command status && matches "$T/said" "next hop VirtualAppliance 10.0.100.4 is down, its packets are dropped"' &&
		command explain --protocol tcp --src 10.0.1.4 --dst $SQL &&
		matches "$T/said" 'sql-through-firewall.*10.0.100.4'
}

fact "nsgd starts" t_start
fact "denied by a rule: explain names it" t_denied
fact "no answer: flows says so" t_no_answer
fact "the public address although the private endpoint is in reach: explain names it" t_public_address
fact "a route through a dead appliance: status names it" t_dead_appliance
lab_done
