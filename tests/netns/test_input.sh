#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input, each kind: a message that names its place, an exit status of the contract's, nothing left in
# the kernel, nsgctl and nsgd alike.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make || exit 1

# bad REGEX COMMAND...: the command spoils the sample policy; check and a start must both refuse.
bad() {
	local regex=$1 status
	shift
	policy_copy
	conf
	"$@" || return 1
	"$NSGCTL" check "$T/policy" >"$T/check.out" 2>&1
	status=$?
	is $status 3 && grep -Eq -- "$regex" "$T/check.out" || {
		: "check ended with $status: $(head -c 2000 "$T/check.out")"
		return 1
	}
	nsgd_fails
	is "$STATUS" 78 && grep -Eq -- "$regex" "$T/nsgd.log" && nothing_left
}

edit() {
	policy_edit "$@"
}

rule() { # JQ on the rule AllowDatabase
	edit nsg-integration.json "(.securityRules[] | select(.name == \"AllowDatabase\")) |= ($1)"
}

route() { # JQ on the first route
	edit rt-integration.json ".routes[0] |= ($1)"
}

empty_directory() { rm -f "$T"/policy/*.json; }
no_directory() { rm -rf "$T/policy"; }
no_vnet() { rm "$T"/policy/vnet-*.json; }
not_json() { echo 'virtual network' >"$T/policy/extra.json"; }
truncated() { head -c 500 "$T/policy/vnet-shop.json" >"$T/x" && mv "$T/x" "$T/policy/vnet-shop.json"; }
empty_file() { : >"$T/policy/nsg-integration.json"; }
duplicate_key() { sed -i 's/"access": "Allow"/"access": "Allow", "access": "Deny"/' "$T/policy/nsg-integration.json"; }
deep() { { head -c 100000 /dev/zero | tr '\0' '['; head -c 100000 /dev/zero | tr '\0' ']'; } >"$T/policy/deep.json"; }
oversized() { truncate -s 65M "$T/policy/huge.json"; }
unreadable() { mkdir "$T/policy/directory.json"; }
unknown_document() { echo '{"kind":"weather","rain":true}' >"$T/policy/weather.json"; }
not_utf8() { printf '{"name":"\xff\xfe"}' >"$T/policy/latin.json"; }
two_subnets() { edit vnet-shop.json '(.subnets[] | select(.name == "snet-data")).delegations = .subnets[0].delegations' && edit site.json 'del(.virtualNetworkSubnetId)'; }
many_files() { local i; for ((i = 0; i < 10001; i++)); do echo '[]' >"$T/policy/f$i.json"; done; }

fact "no policy directory" bad 'No such file' no_directory
fact "an empty directory: the az commands that fill it" bad 'az network vnet show' empty_directory
fact "no VNet: the az command" bad 'az network vnet show' no_vnet
fact "not JSON: file, line, column" bad 'extra.json:1:[0-9]+: error' not_json
fact "truncated: file, line" bad 'vnet-shop.json:[0-9]+:[0-9]+: error' truncated
fact "an empty file" bad 'nsg-integration.json' empty_file
fact "a duplicate key" bad 'nsg-integration.json:[0-9]+:[0-9]+: error: .*(duplicate|twice)' duplicate_key
fact "100,000 levels" bad 'deep.json.*(512|levels|deep)' deep
fact "65 MiB" bad 'huge.json.*(64|large|big)' oversized
fact "a directory named like a document" bad 'directory.json' unreadable
fact "an unknown document is told, with an az command" bad 'weather.json.*az ' unknown_document
fact "not UTF-8" bad 'latin.json.*(UTF-8|utf-8)' not_utf8
fact "10,001 files" bad '10,?000' many_files
fact "two candidates for the subnet: both named" bad 'snet-data' two_subnets
fact "a priority of 99" bad 'nsg-integration.json:[0-9]+:[0-9]+: error: .*SecurityRuleInvalidPriority' rule '.priority = 99'
fact "a priority of 4097" bad 'SecurityRuleInvalidPriority' rule '.priority = 4097'
fact "one priority twice in a direction" bad 'SecurityRuleConflict' rule '.priority = 200'
fact "a port of 65536" bad 'SecurityRuleInvalidPortRange' rule '.destinationPortRange = "65536"'
fact "a reversed port range" bad 'SecurityRuleInvalidPortRange' rule '.destinationPortRange = "90-80"'
fact "an unknown tag" bad 'SecurityRuleInvalidAddressPrefix' rule '.destinationAddressPrefix = "Inernet"'
fact "a prefix of /33" bad 'SecurityRuleInvalidAddressPrefix' rule '.destinationAddressPrefix = "10.0.0.0/33"'
fact "no protocol" bad 'SecurityRuleParametersMissing' rule 'del(.protocol)'
fact "a priority of a wrong type" bad 'nsg-integration.json:[0-9]+:[0-9]+: error' rule '.priority = {}'
fact "an access of a wrong type" bad 'nsg-integration.json:[0-9]+:[0-9]+: error' rule '.access = [1]'
fact "an appliance without an address" bad 'MissingNextHopIpAddress' route 'del(.nextHopIpAddress)'
fact "a route of /33" bad 'rt-integration.json:[0-9]+:[0-9]+: error' route '.addressPrefix = "10.0.0.0/33"'
fact "two routes with one prefix" bad 'RouteConflict' edit rt-integration.json '.routes[1].addressPrefix = .routes[0].addressPrefix'
fact "an unknown next hop type" bad 'rt-integration.json:[0-9]+:[0-9]+: error' route '.nextHopType = "Teleport"'

# bad_conf REGEX LINE...: nsgd.conf with these lines is refused with its line.
bad_conf() {
	local regex=$1
	shift
	policy_copy
	conf
	printf '%s\n' "$@" >>"$T/nsgd.conf"
	nsgd_fails
	[ "$STATUS" = 78 ] || [ "$STATUS" = 1 ] || [ "$STATUS" = 2 ] || return 1
	grep -Eq -- "$regex" "$T/nsgd.log" && nothing_left
}
LONG=$(head -c 5000 /dev/zero | tr '\0' x)
fact "conf: a line of 5,000 characters" bad_conf 'nsgd.conf:[0-9]+' '[nsgd]' "mode = $LONG"
fact "conf: an unknown section" bad_conf 'nsgd.conf:[0-9]+.*weather' '[weather]' 'rain = yes'
fact "conf: an unknown key" bad_conf 'nsgd.conf:[0-9]+.*colour' '[nsgd]' 'colour = blue'
fact "conf: a duplicate key" bad_conf 'nsgd.conf:[0-9]+' '[queue]' 'workers = 2' 'workers = 3'
fact "conf: a number that is none" bad_conf 'nsgd.conf:[0-9]+' '[queue]' 'first = many'
fact "conf: a mask that is not one run" bad_conf 'nsgd.conf:[0-9]+' '[route]' 'mark-mask = 0x0f0f0000'
fact "conf: prerouting without interfaces" bad_conf 'interfaces' '[capture]' 'hook = prerouting'
fact "conf: an address that is none" bad_conf 'nsgd.conf:[0-9]+' '[subnet]' 'address = 10.0.1.400'

t_no_conf() {
	in_ns app "$NSGD" -c "$T/no-such.conf" >"$T/nsgd.log" 2>&1
	[ $? != 0 ] && matches "$T/nsgd.log" 'no-such.conf' && nothing_left
}

t_usage() {
	in_ns app "$NSGD" --frobnicate >"$T/nsgd.log" 2>&1
	is $? 2
}

t_no_daemon() {
	ctl status >"$T/out" 2>&1
	is $? 4
}

t_no_address() { # neither a host address in the subnet nor address =
	policy_copy
	conf
	in_ns app ip address del 10.0.1.4/26 dev vnet0
	nsgd_fails
	local status=$?
	in_ns app ip address add 10.0.1.4/26 dev vnet0
	is $status 0 && matches "$T/nsgd.log" 'address' && nothing_left
}

fact "conf: no such file" t_no_conf
fact "an unknown option: exit 2" t_usage
fact "nsgctl without a daemon: exit 4" t_no_daemon
fact "no address in the subnet: start fails and names the key" t_no_address
lab_done
