#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Documents of the largest size that must load: a generated policy for each, one decision of it, a time limit.
#
#   large.sh NSGCTL
set -u

LIMIT_SECONDS=30

nsgctl=$(realpath -e "$1") || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

NETWORK=/subscriptions/s/resourceGroups/g/providers/Microsoft.Network

vnet()
{
	jq -n --arg n $NETWORK '{id: "\($n)/virtualNetworks/own", name: "own", location: "westeurope",
		addressSpace: {addressPrefixes: ["10.0.0.0/16"]}, subnets: [{name: "app", id: "\($n)/virtualNetworks/own/subnets/app",
		addressPrefix: "10.0.1.0/24", delegations: [{serviceName: "Microsoft.Web/serverFarms"}]}]}'
}

# One rule that denies 20.0.0.0/24, 20.0.2.0/24, ...: neighbours that do not merge.
admin_rules()
{
	jq -n --arg n $NETWORK '{value: [{id: "\($n)/networkManagers/m/securityAdminConfigurations/c/ruleCollections/r/rules/no",
		kind: "Custom", properties: {access: "Deny", direction: "Outbound", priority: 10, protocol: "Any", sources: [],
		sourcePortRanges: ["0-65535"], destinationPortRanges: ["0-65535"], destinations: [range(10000) |
		{addressPrefix: "20.\(. * 2 / 256 | floor).\(. * 2 % 256).0/24", addressPrefixType: "IPPrefix"}]}}]}'
}

# The rows of an effective route table.
mesh()
{
	jq -n '{value: [range(1000) | {addressPrefix: ["172.\(16 + (. / 128 | floor)).\(. * 2 % 256).0/24"],
		nextHopIpAddress: [], nextHopType: "ConnectedGroup", source: "Default", state: "Active", name: null}]}'
}

learned()
{
	jq -n '{value: [range(100000) | {network: "\(20 + (. / 32768 | floor)).\(. * 2 / 256 % 256 | floor).\(. * 2 % 256).0/24",
		localAddress: "10.0.0.4", nextHop: "192.168.1.\(1 + . % 4)", sourcePeer: "192.168.1.\(1 + . % 4)", origin: "EBgp",
		asPath: "6500\(. % 7)", weight: 32768}]}'
}

# GENERATOR DESTINATION JQ: the decision of a packet to DESTINATION must satisfy the jq expression.
check()
{
	local start=$SECONDS status

	rm -rf "$work/policy"
	mkdir "$work/policy"
	vnet >"$work/policy/vnet.json"
	"$1" >"$work/policy/large.json"
	timeout $LIMIT_SECONDS "$nsgctl" -p "$work/policy" --profile current --route-all on explain --protocol tcp \
		--src 10.0.1.4 --dst "$2:443" -o json >"$work/out" 2>"$work/err"
	status=$?
	if [ $status = 124 ]; then
		echo "more than $LIMIT_SECONDS s"
	elif [ $status -gt 125 ] || grep -qe 'Sanitizer:' -e 'runtime error:' "$work/err"; then
		echo "crash, exit status $status"
	elif [ $status != 0 ]; then
		echo "exit status $status: $(head -n 1 "$work/err" | cut -c 1-200)"
	else
		jq -e "$3" "$work/out" >/dev/null || jq -c '{gate, admin, nsg, route, verdict, reason}' "$work/out"
	fi
	echo "# part $((SECONDS - start)).0 $1" >&3
}

fact()
{
	local name=$1 problem

	shift
	problem=$(check "$@")
	if [ -z "$problem" ]; then
		echo "ok $name"
	else
		echo "not ok $name: $problem"
		failed=1
	fi
}

exec 3>&1
fact admin-rules-10000-prefixes admin_rules 20.78.28.9 '.reason == "admin-deny" and .admin.rule == "no"'
fact mesh-1000-networks mesh 172.20.0.9 \
	'.verdict == "accept" and .route.prefix == "172.20.0.0/24" and .nsg.access == "Allow"'
fact learned-100000-routes learned 22.200.16.9 \
	'.route.prefix == "22.200.16.0/24" and .route.nextHopType == "VirtualNetworkGateway"'
exit $failed
