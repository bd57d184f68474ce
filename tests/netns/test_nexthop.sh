#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Next hops that disappear, come back, or are removed by other programs: no marked packet is routed by the
# host meanwhile.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf
PARTNER=198.51.100.10:443

t_start() {
	nsgd_start && nsgd_trace
}

t_through() {
	probe "$1" $PARTNER
	only_at nva inet && is "$ANSWERED" yes
}

leaked() { # packets to the partner that reached the Internet past the NVA
	grep -c '^app0 in .* 198.51.100.10 ' "$T/sniff.inet.log"
}

t_link_down() {
	hold $PARTNER && still up echo || return 1
	in_ns app ip link set nva0 down
	SETTLE_WITHOUT=nva
	probe tcp $PARTNER
	silent && still down lost && is "$(leaked)" 0
}

t_status_down() {
	eventually 2 eval 'ctl status -o json | jq -e "[.. | objects | select(.up? == false)] | length == 1" >/dev/null'
}

t_link_up() {
	in_ns app ip link set nva0 up
	SETTLE_WITHOUT=
	eventually 3 eval 'probe tcp $PARTNER; [ "$ANSWERED" = yes ]' && t_through tcp && is "$(leaked)" 0
}

t_address_removed() {
	in_ns app ip address del 10.0.100.1/24 dev nva0
	SETTLE_WITHOUT=nva
	probe udp $PARTNER
	silent && is "$(leaked)" 0 || return 1
	in_ns app ip address add 10.0.100.1/24 dev nva0
	SETTLE_WITHOUT=
	eventually 3 eval 'probe tcp $PARTNER; [ "$ANSWERED" = yes ]'
}

repaired() {
	in_time 1 eval 'probe tcp $PARTNER; [ "$ANSWERED" = yes ]' && t_through tcp
}

t_rules_deleted() {
	in_ns app ip rule show | sed -n 's/^\(2[1-9][0-9]*\):.*/\1/p' | while read -r p; do
		in_ns app ip rule del pref "$p"
	done
	repaired
}

t_routes_deleted() {
	local t
	for t in $(in_ns app ip route show table all | sed -n 's/.*table \(2[1-9][0-9]*\).*/\1/p' | sort -u); do
		in_ns app ip route flush table "$t"
	done
	repaired
}

t_table_deleted() {
	in_ns app nft delete table ip nsgd || { skip "the table is owned: nobody can"; return; }
	in_time 1 eval 'probe tcp 10.0.2.4:22; [ "$ANSWERED" = no ]' && repaired
}

t_flush_ruleset() {
	in_ns app nft flush ruleset
	in_time 1 eval 'probe tcp 10.0.2.4:22; [ "$ANSWERED" = no ]' && repaired
}

t_table_dormant() { # a dormant table has no effect
	in_ns app nft add table ip nsgd '{ flags dormant; }' || return 1
	in_time 1 eval 'probe tcp 10.0.2.4:22; [ "$ANSWERED" = no ]' && repaired
}

t_repairs_logged() {
	matches "$T/nsgd.log" "[0-9]+ of nsgd's ip rules were modified by another program" &&
		matches "$T/nsgd.log" 'routing table 2100[0-9] was modified by another program' &&
		matches "$T/nsgd.log" 'table ip nsgd was modified by another program'
}

t_reverse_path() { # reported at start for the link of a next hop, and for no other
	nsgd_stop
	sysctl_ns app ipv4/conf/all/rp_filter 1
	sysctl_ns app ipv4/conf/nva0/rp_filter 1
	sysctl_ns app ipv4/conf/call0/rp_filter 1
	nsgd_start || return 1
	local status=0
	matches "$T/nsgd.log" '^warning: .* nva0 .*net.ipv4.conf.nva0.rp_filter=2' && ! matches "$T/nsgd.log" call0 || status=1
	# what the warning says to set helps
	sysctl_ns app ipv4/conf/nva0/rp_filter 2
	nsgd_stop && nsgd_start && ! matches "$T/nsgd.log" rp_filter || status=1
	sysctl_ns app ipv4/conf/all/rp_filter 2
	t_through tcp && return $status
}

t_repairs_counted() {
	ctl status -o json | jq -e '[.. | objects | .repairs? // empty | numbers] | max >= 3'
}

t_unreachable_checked() { # --check is strict about next hops
	policy_edit rt-integration.json '(.routes[] | select(.nextHopType == "VirtualAppliance")).nextHopIpAddress = "10.9.9.9"'
	in_ns app ip route add unreachable 10.9.9.9/32
	in_ns app "$NSGD" -c "$T/nsgd.conf" --check >"$T/check.out" 2>&1
	local status=$?
	in_ns app ip route del unreachable 10.9.9.9/32
	policy_edit rt-integration.json '(.routes[] | select(.nextHopType == "VirtualAppliance")).nextHopIpAddress = "10.0.100.4"'
	[ $status != 0 ] && matches "$T/check.out" '10\.9\.9\.9'
}

t_gateway_missing() {
	policy_edit rt-integration.json '.routes += [.routes[0] | .name = "onprem" | .id |= sub("partner-through-firewall"; "onprem") |
		.addressPrefix = "192.168.0.0/16" | .nextHopType = "VirtualNetworkGateway" | del(.nextHopIpAddress)]'
	nsgd_stop
	nsgd_fails && matches "$T/nsgd.log" 'VirtualNetworkGateway' && nothing_left
}

t_gateway_section() {
	in_ns nva ip address add 192.168.7.7/32 dev lo
	conf nexthop:VirtualNetworkGateway.via=10.0.100.4 nexthop:VirtualNetworkGateway.dev=nva0
	nsgd_start && nsgd_trace || return 1
	probe udp 192.168.7.7:514
	only_at nva && says accept allowed AllowBranches VirtualNetworkGateway
}

t_appliance_section() { # this host reaches the appliance by another gateway
	nsgd_stop || return 1
	stop trace
	conf nexthop:VirtualNetworkGateway.via=10.0.100.4 nexthop:10.0.100.4.via=10.0.1.1 nexthop:10.0.100.4.dev=vnet0
	in_ns vnet ip address add 198.51.100.10/32 dev lo
	nsgd_start || return 1
	probe tcp $PARTNER
	only_at vnet && is "$ANSWERED" yes || return 1
	in_ns vnet ip address del 198.51.100.10/32 dev lo
}

t_many_hops() { # past sixteen the rules are a tree
	nsgd_stop || return 1
	policy_edit rt-integration.json 'del(.routes[] | select(.name == "onprem")) |
		.routes += [range(1; 120) as $i | .routes[0] | .name = "hop\($i)" |
		.id |= sub("partner-through-firewall"; "hop\($i)") |
		.addressPrefix = "100.100.\($i).0/24" | .nextHopIpAddress = "10.0.100.\($i + 100)"]'
	conf
	local i
	for i in 1 2 17 60 119; do
		in_ns nva ip address add 10.0.100.$((i + 100))/32 dev lo
		in_ns inet ip address add 100.100.$i.1/32 dev lo
	done
	in_ns nva sh -c 'echo 1 >/proc/sys/net/ipv4/conf/app0/proxy_arp'
	nsgd_start || return 1
	for i in 1 2 17 60 119; do
		probe tcp 100.100.$i.1:443
		only_at nva inet && is "$ANSWERED" yes || return 1
	done
}

t_stop() {
	stop trace
	stop hold
	nsgd_stop && nothing_left
}

fact "nsgd starts" t_start
fact "through the NVA: tcp" t_through tcp
fact "the NVA's link down: nothing leaks to the Internet, open flows included" t_link_down
fact "status shows the next hop down" t_status_down
fact "the link up again: through the NVA again, by itself" t_link_up
fact "the link's address removed and back" t_address_removed
fact "foreign deletion of the ip rules is repaired within a second" t_rules_deleted
fact "foreign flush of the next hop's table is repaired within a second" t_routes_deleted
fact "foreign deletion of the nft table is repaired within a second" t_table_deleted
fact "nft flush ruleset is repaired within a second" t_flush_ruleset
fact "status counts the repairs" t_repairs_counted
fact "a table made dormant is woken within a second" t_table_dormant
fact "every kind of repair is logged" t_repairs_logged
fact "strict reverse path filtering on a next hop's link is reported at start, with what to set" t_reverse_path
fact "--check fails on a next hop that the kernel cannot reach" t_unreachable_checked
fact "a gateway route without its section: start fails, names it" t_gateway_missing
fact "a gateway route goes where its section says" t_gateway_section
fact "an appliance's own section wins over its address" t_appliance_section
fact "120 next hops, each by its own path" t_many_hops
fact "SIGTERM leaves nothing behind" t_stop
lab_done
