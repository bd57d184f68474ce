#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# By which path and with which source address packets leave the host: tunnels, several paths of one next hop,
# [snat], and no packet on a path that is not one of its next hop.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf
PARTNER=198.51.100.10:443

appliance() { # ADDRESS
	policy_edit rt-integration.json \
		"(.routes[] | select(.nextHopType == \"VirtualAppliance\")).nextHopIpAddress = \"$1\""
}

kernel_status() { # JQ
	ctl status -o json | jq -r ".kernel | $1"
}

# tunnel KIND-AND-OPTIONS...: vx0 between the host and the NVA, over nva0.
tunnel() {
	in_ns app ip link del vx0 2>/dev/null
	in_ns nva ip link del vx0 2>/dev/null
	# Geneve takes no local address
	local ours=(local 10.0.100.1) theirs=(local 10.0.100.4)
	[ "$1" != geneve ] || ours=() theirs=()
	in_ns app ip link add vx0 type "$@" remote 10.0.100.4 "${ours[@]}" &&
		in_ns nva ip link add vx0 type "$@" remote 10.0.100.1 "${theirs[@]}" || return 1
	in_ns app ip address add 10.77.0.1/24 dev vx0
	in_ns nva ip address add 10.77.0.4/24 dev vx0
	in_ns nva sh -c 'echo 2 >/proc/sys/net/ipv4/conf/vx0/rp_filter'
	in_ns app ip link set vx0 up && in_ns nva ip link set vx0 up
}

t_tunnel() {
	tunnel "$@" || { skip "no $1 in this kernel"; return; }
	appliance 10.77.0.4
	nsgd_start && nsgd_trace || return 1
	local before after protocol status=0
	before=$(kernel_status .packets.queued)
	for protocol in udp tcp; do
		probe $protocol $PARTNER
		is "$ANSWERED" yes && only_at nva inet || status=1
	done
	# Each flow once; an outer packet would be queued too.
	after=$(kernel_status .packets.queued)
	# `only_at` itself sends three undecided datagrams for each probe.
	is $((after - before)) 8 || status=1
	seen nva | grep -q '^vx0 in' || status=1
	in_ns app ip -s -j link show vx0 | jq -e '.[0].stats64.tx.packets >= 5' >/dev/null || status=1
	is "$(kernel_status .packets.strayed)" 0 || status=1
	nsgd_stop && nothing_left && return $status
}

t_tunnel_below() { # TYPE: the next hop's link is a VLAN on the tunnel, or a bridge with it as a port
	tunnel vxlan id 7 dstport 4789 || { skip "no vxlan in this kernel"; return; }
	local ns
	for ns in app nva; do
		in_ns $ns ip address flush dev vx0
		if [ "$1" = vlan ]; then
			in_ns $ns ip link add link vx0 name up0 type vlan id 5
		else
			in_ns $ns ip link add up0 type bridge && in_ns $ns ip link set vx0 master up0
		fi || { skip "no $1 in this kernel"; return; }
		in_ns $ns ip link set up0 up
		in_ns $ns sh -c 'echo 2 >/proc/sys/net/ipv4/conf/up0/rp_filter'
	done
	in_ns app ip address add 10.77.0.1/24 dev up0
	in_ns nva ip address add 10.77.0.4/24 dev up0
	appliance 10.77.0.4
	nsgd_start && nsgd_trace || return 1
	local before after protocol status=0
	before=$(kernel_status .packets.queued)
	for protocol in udp tcp; do
		probe $protocol $PARTNER
		is "$ANSWERED" yes && only_at nva inet || status=1
	done
	after=$(kernel_status .packets.queued)
	is $((after - before)) 8 && is "$(kernel_status .packets.strayed)" 0 || status=1
	in_ns app ip link del up0
	in_ns nva ip link del up0
	nsgd_stop && nothing_left && return $status
}

t_tunnel_gone() { # and back: no packet takes another path meanwhile
	tunnel vxlan id 7 dstport 4789 || { skip "no vxlan in this kernel"; return; }
	nsgd_start && nsgd_trace || return 1
	in_ns app ip link del vx0
	SETTLE_WITHOUT=
	probe udp $PARTNER
	silent || return 1
	tunnel vxlan id 7 dstport 4789 || return 1
	eventually 3 eval 'probe udp $PARTNER; [ "$ANSWERED" = yes ]' && nsgd_stop && nothing_left
}

t_snat() {
	appliance 10.0.100.4
	# addresses that the host does not use by itself
	in_ns app ip address add 10.0.1.40/32 dev lo
	in_ns app ip address add 192.0.2.200/32 dev lo
	in_ns inet ip route add 192.0.2.200/32 via 192.0.2.2
	conf snat.vnet=10.0.1.40 snat.internet=192.0.2.200 subnet.address=10.0.1.4
	nsgd_start && nsgd_trace || return 1
	local status=0
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" yes && source_at vnet 10.0.1.40 || status=1
	probe udp 203.0.113.99:443
	is "$ANSWERED" yes && source_at inet 192.0.2.200 || status=1
	in_ns nva ip route add 10.0.1.40/32 via 10.0.100.1
	in_ns inet ip route add 10.0.1.40/32 via 192.0.2.13
	probe tcp $PARTNER
	is "$ANSWERED" yes && only_at nva inet && source_at nva 10.0.1.40 || status=1
	# route-all off: it goes out past the VNet, from the app's outbound address too
	route_all off && reload || status=1
	probe udp 203.0.113.10:53
	is "$ANSWERED" yes && source_at inet 192.0.2.200 || status=1
	route_all on
	conf
	nsgd_stop && nothing_left && return $status
}

source_at() { # NS ADDRESS: whose the last probe's first packet was there
	: "$(seen "$1")"
	seen "$1" in | head -n1 | grep -q " $2 "
}

t_stray() { # rules and routes deleted under a stream: no packet takes another path
	nsgd_start && nsgd_trace || return 1
	probe udp $PARTNER
	is "$ANSWERED" yes || return 1
	local i p
	spawn load app "$TRAFFIC" send -s 0.0.0.0:30100 -n 6000 -r 3000 udp 198.51.100.10:9000
	for ((i = 0; i < 10; i++)); do
		in_ns app ip rule show | sed -n 's/^\(2[1-9][0-9]*\):.*/\1/p' | while read -r p; do
			in_ns app ip rule del pref "$p" 2>/dev/null
		done
		in_ns app ip route flush table 21001
	done
	ended load 20 && settle || return 1
	# the sniffer at the far end sees which link a packet came by
	is "$(grep -c '^app0 in 17 [^ ]* 30100 ' "$T/sniff.inet.log")" 0 &&
		[ "$(grep -c '^nva0 in 17 [^ ]* 30100 ' "$T/sniff.inet.log")" -gt 1000 ] || return 1
	nsgd_stop && nothing_left
}

t_list() { # nft lists the table: every kind of rule there is
	conf capture.hook=both capture.interfaces=vnet0 capture.users=root capture.exclude=10.55.0.0/16,10.56.0.0/16 \
		snat.vnet=10.0.1.40 snat.internet=192.0.2.200
	nsgd_start && in_ns app nft list ruleset >"$T/list" 2>"$T/list.err" && in_ns app nft -j list ruleset >/dev/null || return 1
	local chain status=0
	for chain in output prerouting capture queue remember remember_pre save source_nat guard; do
		matches "$T/list" "chain $chain \\{" || status=1
	done
	conf
	nsgd_stop && nothing_left && return $status
}

left() { # PROTOCOL --sport|--dport PORT: seconds until conntrack forgets the flow
	in_ns app conntrack -L -p "$1" "$2" "$3" 2>/dev/null | awk '!/WAIT|CLOSE/ { print $3; exit }'
}

within() { # SECONDS MINUTES: at most as many minutes, and not a minute less
	[ -n "$1" ] && [ "$1" -gt $((($2 - 1) * 60)) ] && [ "$1" -le $(($2 * 60)) ]
}

t_flow_timeout() { # an idle flow is forgotten after flowTimeoutInMinutes; absent: 4
	policy_edit vnet-shop.json 'del(.flowTimeoutInMinutes)'
	rm -f "$T/hold.in"
	mkfifo "$T/hold.in"
	nsgd_start && probe udp 10.1.0.4:5000 && is "$ANSWERED" yes && within "$(left udp --sport $SPORT)" 4 || return 1
	spawn_ready hold app "$TRAFFIC" hold 10.0.2.4:5432
	send hold line
	eventually 3 matches "$T/hold.log" '^echo line$' && within "$(left tcp --dport 5432)" 4 || return 1
	policy_edit vnet-shop.json '.flowTimeoutInMinutes = 10'
	reload && probe udp 10.1.0.4:5000 && within "$(left udp --sport $SPORT)" 10 || return 1
	stop hold
	policy_edit vnet-shop.json '.flowTimeoutInMinutes = 5'
	reload && spawn_ready hold app "$TRAFFIC" hold 10.0.2.4:5432 || return 1
	send hold line
	eventually 3 matches "$T/hold.log" '^echo line$' || return 1
	within "$(left tcp --dport 5432)" 5 || return 1
	stop hold
	nsgd_stop && nothing_left
}

t_accept_owned() { # daemon-down = accept: the table dies with the daemon, and no other process can change it
	conf queue.daemon-down=accept
	nsgd_start || return 1
	local status=0
	in_ns app nft flush ruleset
	in_ns app nft delete table ip nsgd 2>/dev/null && status=1
	probe tcp 10.0.2.4:22
	silent || status=1
	nsgd_kill
	in_ns app nft list tables | grep -qw nsgd && status=1
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup && nothing_left || status=1
	conf
	return $status
}

fact "a VXLAN tunnel to the NVA; its outer packets are not captured" t_tunnel vxlan id 7 dstport 4789
fact "a Geneve tunnel" t_tunnel geneve id 7 dstport 6081
fact "a GRE tunnel" t_tunnel gre
fact "an IPIP tunnel" t_tunnel ipip
fact "a VLAN on a VXLAN tunnel to the NVA" t_tunnel_below vlan
fact "a bridge with a VXLAN tunnel to the NVA" t_tunnel_below bridge
fact "the tunnel vanishes and comes back" t_tunnel_gone
fact "[snat]: into the VNet, through the NVA and to the Internet, each with its source" t_snat
fact "rules and routes deleted under a stream: nothing goes astray" t_stray
fact "nft lists the table" t_list
fact "a flow is known for flowTimeoutInMinutes" t_flow_timeout
fact "daemon-down = accept: an owned table" t_accept_owned
lab_done
