#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tsan: yes
# Live routes: BIRD on the app's host learns from two routers over eBGP, and packets follow. The configuration of
# BIRD is the one in README. With NSG_BGP_LONG, the name of a file of prefixes: a full table, and flapping for a minute.
. "$(dirname "$0")/bird.sh"
lab_enter "$@"
[ -z "${NSG_BGP_LONG:-}" ] || export FACT_SECONDS=7200
bird_lab || exit 1
conf bgp.table=100 bgp.protocol=bird subnet.watch=no capture.exclude=10.0.90.0/29

# ---- facts -------------------------------------------------------------------------------------

t_start() { # with an empty table, and before any router speaks
	nsgd_start && nsgd_trace && bird_start_all && is "$(table)" "" && reload && count_arrivals
}

goes_to() { # NS IP:PORT: the packet arrives there and is answered, by a gateway route
	probe udp "$2"
	arrived "$1" && is "$ANSWERED" yes && says accept allowed AllowVnetOutBound VirtualNetworkGateway
}

t_none_before() { # a None row holds 10.0.0.0/8
	probe udp 10.50.0.7:7
	silent && says drop nsg-deny DenyAllOutBound None # the tag VirtualNetwork does not have it
}

# appliances N: as many routes to different ones, beside those of the policy.
appliances() {
	policy_edit rt-integration.json ".routes |= map(select(.name | startswith(\"hop\") | not)) |
		.routes += [range($1) as \$i | .routes[0] | .name = \"hop\(\$i)\" |
		.id |= sub(\"partner-through-firewall\"; \"hop\(\$i)\") | .addressPrefix = \"198.18.\(\$i / 2 | floor).\(\$i % 2 * 128)/25\" |
		.nextHopIpAddress = \"10.0.\(101 + (\$i / 250 | floor)).\(1 + \$i % 250)\"]"
}

# With documents that need as many next hops as there can be, the first route to the gateway is refused. It is used
# after a reload of documents that leave room, without another announcement.
t_refused() {
	local free
	in_ns app ip address add 10.0.101.254/22 dev nva0
	free=$((511 - $(ctl status -o json | jq .policy.image.nextHops))) # one of them is no next hop
	appliances $free && reload && announce one 10.50.0.0/16 &&
		eventually 5 eval 'ctl status -o json | jq -e ".bgp.alarm != null and .bgp.routes == 1 and .bgp.inForce == 0" >/dev/null' &&
		ctl status | grep -q 'current routes of table 100 are not used' && routed 10.50.0.7 None || return 1
	reload && routed 10.50.0.7 None || return 1 # the same documents: neither blocked nor helped
	appliances 0 && reload && eventually 5 routed 10.50.0.7 VirtualNetworkGateway &&
		ctl status -o json | jq -e '.bgp.alarm == null' >/dev/null && announce one && eventually 5 routed 10.50.0.7 None
	in_ns app ip address del 10.0.101.254/22 dev nva0
}

t_announced() {
	announce one 10.50.0.0/16
	eventually 5 routed 10.50.0.7 VirtualNetworkGateway && goes_to one 10.50.0.7:7 &&
		eventually 5 matches "$T/nsgd.log" 'route 10.50.0.0/16 via 10.0.90.2 was announced'
}

t_listed() {
	ctl effective-routes -o json >"$T/rows" && jq -e '[.value[] | select(.source == "VirtualNetworkGateway")] ==
		[{"source": "VirtualNetworkGateway", "state": "Active", "addressPrefix": ["10.50.0.0/16"],
		"nextHopType": "VirtualNetworkGateway", "nextHopIpAddress": ["10.0.90.2"]}] or
		([.value[] | select(.source == "VirtualNetworkGateway")] | length == 1 and (.[0].nextHopIpAddress == ["10.0.90.2"]))' "$T/rows" &&
		is "$(traced '.route.prefix')" 10.50.0.0/16
}

t_status() {
	ctl status -o json | jq -e '.bgp | .table == 100 and .routes == 1 and .announced == 2 and .withdrawn == 1 and
		.lastChangeToDecisionNs > 0 and .lastChangeTimeNs > 0 and .alarm == null'
}

t_withdrawn() { # an open connection follows at its next packet, and is not lost to the host's own routes
	hold 10.50.0.7:443 && still before echo || return 1
	announce one
	eventually 5 routed 10.50.0.7 None && still after lost || return 1
	probe udp 10.50.0.7:7
	silent && says drop nsg-deny && eventually 5 matches "$T/nsgd.log" 'route 10.50.0.0/16 was withdrawn'
}

t_returns() {
	announce one 10.50.0.0/16
	eventually 5 routed 10.50.0.7 VirtualNetworkGateway && goes_to one 10.50.0.7:7 &&
		eventually 5 matches "$T/nsgd.log" 'accept: established TCP 10.0.1.4:[0-9]+ -> 10.50.0.7:443,.*VirtualNetworkGateway'
}

t_forced_tunnel() {
	probe udp 203.0.113.99:7
	arrived inet || return 1
	announce one 0.0.0.0/0
	eventually 5 routed 203.0.113.99 VirtualNetworkGateway && goes_to one 203.0.113.99:7 || return 1
	announce one
	eventually 5 routed 203.0.113.99 Internet || return 1
	probe udp 203.0.113.99:7
	arrived inet && [ -z "$(seen one)" ]
}

t_inside_network() { # a longer prefix inside the network's own range is not used
	announce one 10.0.77.0/24 10.50.0.0/16
	eventually 5 routed 10.50.0.7 VirtualNetworkGateway && eventually 5 eval 'table | grep -q 10.0.77.0' &&
		routed 10.0.77.7 VnetLocal && ! ctl effective-routes -o json | grep -q 10.0.77.0/24
}

t_ecmp() {
	announce one 10.61.0.0/16
	announce two 10.61.0.0/16
	eventually 5 eval 'ctl show-next-hop --source-ip 10.0.1.4 --dest-ip 10.61.0.7 -o json | grep -q 10.0.90.6 &&
		ctl effective-routes -o json | tr -d " \n" | grep -q "\"10.0.90.2\",\"10.0.90.6\""' || return 1
	probe udp 10.61.0.7:7
	is "$ANSWERED" yes && says accept allowed AllowVnetOutBound VirtualNetworkGateway || return 1
	announce two # the other remains
	eventually 5 eval '! ctl effective-routes -o json | grep -q 10.0.90.6' && goes_to one 10.61.0.7:7
}

t_since() {
	ctl explain --protocol udp --src 10.0.1.4:1000 --dst 10.61.0.7:7 >"$T/explain.out" &&
		matches "$T/explain.out" 'announced since 20[0-9-]+T[0-9:]+Z'
}

t_other_types() { # of the same protocol; and routes of another program
	local type
	for type in unreachable blackhole prohibit throw; do
		in_ns app ip route add $type 10.62.0.0/16 table 100 proto bird && eventually 5 not_used 1 && routed 10.62.0.7 None || return 1
		in_ns app ip route del $type 10.62.0.0/16 table 100
	done
	in_ns app ip route add 10.63.0.0/16 via 10.0.90.2 table 100 proto static
	in_ns app ip route add 10.64.0.0/16 encap ip dst 10.0.90.2 via 10.0.90.2 table 100 proto bird metric 7 2>/dev/null ||
		in_ns app ip route add 10.64.0.0/16 via 10.0.90.2 table 100 proto bird metric 7
	eventually 5 routed 10.64.0.7 VirtualNetworkGateway && routed 10.63.0.7 None &&
		ctl status -o json | jq -e '.bgp.notUsed.otherProtocols >= 1' >/dev/null
}

not_used() { # N routes because of their type; counted since the last reading
	ctl status -o json | jq -e ".bgp.notUsed.otherTypes >= $1" >/dev/null
}

t_next_hop_object() { # as FRR uses them
	in_ns one ip address add 10.68.0.7/32 dev lo
	in_ns app ip nexthop add id 7 via 10.0.90.2 dev one0 && in_ns app ip route add 10.68.0.0/16 nhid 7 table 100 proto bird || return 77
	eventually 5 routed 10.68.0.7 VirtualNetworkGateway && goes_to one 10.68.0.7:7 || return 1
	in_ns app ip nexthop del id 7 # and its routes
	eventually 5 routed 10.68.0.7 None
}

t_other_link() { # a route without addresses of next hops leads elsewhere
	in_ns two ip address add 10.65.0.7/32 dev lo
	in_ns caller ip address add 10.65.0.7/32 dev lo
	in_ns app ip route add 10.65.0.0/16 dev two0 table 100 proto bird
	eventually 5 routed 10.65.0.7 VirtualNetworkGateway && goes_to two 10.65.0.7:7 || return 1
	in_ns app ip route replace 10.65.0.0/16 dev call0 table 100 proto bird
	eventually 2 eval 'probe udp 10.65.0.7:7; [ "$ANSWERED" = yes ]' && goes_to caller 10.65.0.7:7 &&
		in_ns app ip route del 10.65.0.0/16 table 100
}

t_link_down() { # the kernel does not report the routes that go with their link
	in_ns app ip route add 10.65.0.0/16 via 192.0.2.10 table 100 proto bird
	eventually 5 routed 10.65.0.7 VirtualNetworkGateway || return 1
	in_ns app ip link set call0 down
	eventually 5 routed 10.65.0.7 None && reload || return 1
	in_ns app ip link set call0 up
}

t_stolen_rule() { # a marked packet is not routed by the host when another program removes our rules
	local p
	for p in $(in_ns app ip rule show | sed -n 's/^\(2[1-9][0-9]*\):.*/\1/p'); do
		in_ns app ip rule del pref "$p"
	done
	eventually 3 eval 'in_ns app ip rule show | grep -q "lookup 100"' && goes_to one 10.61.0.7:7
}

t_ten_thousand() {
	in_ns app ip route flush table 100 proto bird metric 7
	eventually 5 routes_are 1 || return 1
	many one 10000
	eventually 20 routes_are 10001 && routed 45.3.7.9 VirtualNetworkGateway && goes_to one 10.61.0.7:7 || return 1
	ctl status -o json | jq -r '"# 10,000 routes: last change to decision \(.bgp.lastChangeToDecisionNs / 1e6 | floor) ms"'
	reload && announce one 10.61.0.0/16 && eventually 20 routes_are 1 && eventually 15 matches "$T/nsgd.log" 'routes: [0-9]+ announced, [0-9]+ withdrawn'
}

lists_all() { # in pages, which all together are the table
	ctl effective-routes -o json | jq -e '[.value[] | select(.source == "VirtualNetworkGateway") | .addressPrefix[]] |
		length == 10001 and (unique | length) == 10001' >/dev/null &&
		[ "$(ctl effective-routes -o jsonl | wc -l)" -gt 10 ] && [ "$(ctl effective-routes | wc -l)" -gt 10001 ]
}

t_list() { # clients that do not read keep no more than four policies in memory
	local i fd fds=()
	many one 10000
	eventually 20 routes_are 10001 && lists_all || return 1
	for i in 1 2 3 4; do
		mkfifo "$T/unread$i" && exec {fd}<>"$T/unread$i" || return 1
		fds+=("$fd")
		spawn "list$i" app sh -c 'exec "$0" effective-routes -o jsonl >"$1"' "$NSGCTL" "$T/unread$i"
		read -rN1 -t 20 -u "$fd" || return 1
	done
	! ctl effective-routes >/dev/null 2>"$T/err" && matches "$T/err" '4 clients already list' || return 1
	for i in 1 2 3 4; do
		stop "list$i"
	done
	for fd in "${fds[@]}"; do
		exec {fd}<&-
	done
	eventually 5 lists_all && announce one 10.61.0.0/16 && eventually 20 routes_are 1
}

# Another program changes the table as fast as it can: routes that are not used, and 500 that are, which change each
# time. Meanwhile open connections go on, repairs and reloads are made, and in the end the last change is in force.
t_flood() {
	local i hop
	hold 10.61.0.7:443 && still before echo || return 1
	for ((i = 0; i < 10000; i++)); do
		hop=$((i / 500 % 2 * 4 + 2))
		echo "route replace 46.$((i / 256)).$((i % 256)).0/24 via 10.0.90.2 table 100 proto static"
		echo "route replace 47.$((i % 500 / 256)).$((i % 500 % 256)).0/24 via 10.0.90.$hop table 100 proto bird"
	done >"$T/flood"
	spawn flood app sh -c 'while ip -batch "$0"; do :; done' "$T/flood"
	eventually 10 routed 47.1.3.9 VirtualNetworkGateway && unharmed eval 'still during echo && reload' && t_stolen_rule && still after echo ||
		return 1
	stop flood
	eventually 20 eval '! in_ns app pgrep -f "ip -batch $T/flood" >/dev/null' &&
		in_ns app ip -batch "$T/flood" && eventually 20 next_hop_is 47.1.3.9 10.0.90.6 && eventually 20 next_hop_is 47.0.9.9 10.0.90.6 &&
		in_ns app ip route flush table 100 proto static && in_ns app ip route flush root 47.0.0.0/8 table 100 &&
		eventually 20 routes_are 1 && goes_to one 10.61.0.7:7
}

t_bird_killed() { # the routes stay in the kernel, and in force
	bird_stop app KILL
	goes_to one 10.61.0.7:7 || return 1
	bird_start app && eventually 30 eval '[ "$(established app)" = 2 ] && [ -n "$(table)" ]' &&
		eventually 10 routed 10.61.0.7 VirtualNetworkGateway && goes_to one 10.61.0.7:7
}

t_graceful_restart() { # no packet is lost
	bird_stop app KILL
	bird_start app -R
	local n=0
	until [ "$(established app 2>/dev/null)" = 2 ] || [ $n = 60 ]; do
		goes_to one 10.61.0.7:7 || return 1
		n=$((n + 1))
	done
	eventually 20 eval '! birdc app show status | grep -q "Graceful restart"' && [ -n "$(table)" ] && goes_to one 10.61.0.7:7
}

t_bird_stopped() { # a clean end removes the routes
	bird_stop app TERM
	eventually 5 routed 10.61.0.7 None && reload && bird_start app && eventually 30 routed 10.61.0.7 VirtualNetworkGateway
}

flap() { # SECONDS: ten changes a second; a packet to another route all the time, and one after each change
	local i end=$((SECONDS + $1))
	announce one 10.50.0.0/16 10.61.0.0/16
	eventually 5 routed 10.61.0.7 VirtualNetworkGateway || return 1
	hold 10.61.0.7:443 && still begin echo || return 1
	for ((i = 0; SECONDS < end || i < 10; i++)); do
		in_ns app ip route "$([ $((i % 2)) = 0 ] && echo add || echo del)" 10.66.0.0/16 via 10.0.90.2 table 100 proto bird
		sleep 0.08
		still "f$i" echo || return 1
	done
	in_ns app ip route flush 10.66.0.0/16 table 100
	goes_to one 10.50.0.7:7
}

t_flap() {
	flap 2 && ctl status -o json |
		jq -r '"# flap: longest change to decision \(.bgp.longestChangeToDecisionNs / 1e6 | floor) ms"'
}

# A full table of the Internet, as it was collected: NSG_BGP_LONG names the file of prefixes.
t_full_table() {
	local n start
	{
		echo 'protocol static announced { ipv4; route 10.50.0.0/16 blackhole; route 10.61.0.0/16 blackhole;'
		zcat "$NSG_BGP_LONG" | sed -n '/:/!s/^\([0-9./]*\).*/route \1 blackhole;/p'
		echo '}'
	} >"$T/one.routes"
	n=$(($(grep -c '^route' "$T/one.routes") + 2))
	start=$SECONDS
	birdc one configure >/dev/null
	eventually 300 routes_are "$n" && routed 1.0.4.9 VirtualNetworkGateway && goes_to one 10.61.0.7:7 || return 1
	echo "# full table: $n routes after $((SECONDS - start)) s, $(sed -n 's/^VmHWM:[[:space:]]*//p' "/proc/$(pgrep -P "${PIDS[nsgd]}" nsgd || echo "${PIDS[nsgd]}")/status")"
	one_among "$n"
}

# one_among N: from the change of one route in the kernel to its decision, 20 times.
one_among() {
	local i ns=
	for ((i = 0; i < 20; i++)); do
		in_ns app ip route add 10.67.$i.0/24 via 10.0.90.2 table 100 proto bird
		eventually 20 routed 10.67.$i.1 VirtualNetworkGateway || return 1
		ns+=$(ctl status -o json | jq .bgp.lastChangeToDecisionNs)$'\n'
		in_ns app ip route del 10.67.$i.0/24 table 100 proto bird
		eventually 20 routed 10.67.$i.1 None || return 1
	done
	sort -n <<<"${ns%?}" | awk -v n="$1" '{ v[NR] = $1 / 1e6 }
		END { printf "# one among %d: change to decision %.0f ms in the median, %.0f at most\n", n, v[int((NR + 1) / 2)], v[NR] }'
}

# With one more than a million the last routes stay in force, and an alarm is raised; without it all are used.
t_one_too_many() {
	local i
	announce one 10.61.0.0/16
	eventually 120 routes_are 1 || return 1
	for ((i = 0; i < 1000000; i++)); do
		echo "route add 46.$((i / 65536)).$((i / 256 % 256)).$((i % 256)) via 10.0.90.2 table 100 proto bird"
	done >"$T/million"
	in_ns app ip -batch "$T/million" && eventually 120 eval 'ctl status 2>/dev/null | grep -q "there are more than 1000000"' &&
		! routed 46.15.66.63 VirtualNetworkGateway && goes_to one 10.61.0.7:7 || return 1
	in_ns app ip route del 46.15.66.63 table 100
	eventually 120 routes_are 1000000 && routed 46.15.66.62 VirtualNetworkGateway && ctl status -o json | jq -e '.bgp.alarm == null' &&
		eventually 300 in_ns app ip route flush root 46.0.0.0/8 table 100 && eventually 300 routes_are 1 # ip gives up after 30 s
}

t_one_minute() {
	flap 60
}

# unharmed COMMAND...: while it runs, no packet to a route that stays is lost or goes elsewhere.
unharmed() {
	pumped steady 300 "$@" && is "${ARRIVED[steady]} ${ASTRAY[steady]}" "${SENT[steady]} 0"
}

next_hop_is() { # IP ADDRESS...
	ctl show-next-hop --source-ip 10.0.1.4 --dest-ip "$1" -o json | jq -e --arg a "${*:2}" '.nextHopIpAddress == $a' >/dev/null
}

come_and_go() { # a route, and one that takes forced tunnelling into effect
	announce one 10.50.0.0/16 10.61.0.0/16
	eventually 5 routed 10.50.0.7 VirtualNetworkGateway || return 1
	announce one 10.61.0.0/16
	eventually 5 routed 10.50.0.7 None || return 1
	announce one 10.61.0.0/16 0.0.0.0/0
	eventually 5 routed 203.0.113.99 VirtualNetworkGateway || return 1
	announce one 10.61.0.0/16
	eventually 5 routed 203.0.113.99 Internet
}

t_packets() { # counted where they arrive, not by nsgd
	announce one 10.61.0.0/16
	announce two
	eventually 5 next_hop_is 10.61.0.7 10.0.90.2 && eventually 5 routed 10.50.0.7 None || return 1
	pumped "steady changing default" 200 come_and_go &&
		is "${ARRIVED[steady]} ${ASTRAY[*]}" "${SENT[steady]} 0 0 0" && [ "${ARRIVED[changing]}" -gt 0 ]
}

# The second router is learned before the first one goes. Packets may use its interface, which had routes before.
other_router() {
	announce two 10.61.0.0/16
	eventually 5 next_hop_is 10.61.0.7 10.0.90.2 10.0.90.6 || return 1
	announce one
	eventually 5 next_hop_is 10.61.0.7 10.0.90.6 || return 1
	announce one 10.61.0.0/16
	eventually 5 next_hop_is 10.61.0.7 10.0.90.2 10.0.90.6 || return 1
	announce two
	eventually 5 next_hop_is 10.61.0.7 10.0.90.2
}

t_two_instances() { # on two tables
	conf bgp.table=101 bgp.protocol=bird,static subnet.watch=no nsgd.instance=second queue.first=100 \
		route.table-base=22000 route.rule-priority=23000 route.mark-mask=0x0000fff0 capture.hook=prerouting capture.interfaces=call0
	CONF=$T/nsgd.conf
	NOTIFY_SOCKET='' spawn second app "$NSGD" -c "$T/nsgd.conf"
	eventually 20 matches "$T/second.log" 'second: deciding' || return 1
	in_ns app ip route add 10.70.0.0/16 via 10.0.90.6 table 101 proto static
	eventually 5 eval 'in_ns app "$NSGCTL" -i second show-next-hop --source-ip 10.0.1.4 --dest-ip 10.70.0.7 -o json | grep -q VirtualNetworkGateway' &&
		routed 10.70.0.7 None && stop second
}

t_stop() {
	stop trace
	nsgd_stop && nothing_left && [ -n "$(table)" ]
}

fact start t_start
[ "$FAILED" = 0 ] || exit 1
fact none_before t_none_before
fact refused t_refused
fact announced t_announced
fact listed t_listed
fact status t_status
fact withdrawn t_withdrawn
fact returns t_returns
fact forced_tunnel t_forced_tunnel
fact inside_network t_inside_network
fact ecmp t_ecmp
fact since t_since
fact other_types t_other_types
fact next_hop_object t_next_hop_object
fact other_link t_other_link
fact link_down t_link_down
fact stolen_rule t_stolen_rule
fact ten_thousand unharmed t_ten_thousand
fact list t_list
fact flood t_flood
fact bird_killed t_bird_killed
fact graceful_restart unharmed t_graceful_restart
fact bird_stopped t_bird_stopped
fact flap unharmed t_flap
fact packets t_packets
fact other_router unharmed other_router
if [ -n "${NSG_BGP_LONG:-}" ]; then
	fact full_table unharmed t_full_table
	fact one_too_many unharmed t_one_too_many
	fact one_minute unharmed t_one_minute
fi
fact two_instances t_two_instances
fact stop t_stop
lab_done
