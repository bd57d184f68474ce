#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tsan: yes
# One fact a row: a real packet, where it arrived, what its sender saw, what nsgd reports.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all off
conf

t_start() {
	nsgd_start && nsgd_trace
}

# arrives "NS..." PROTOCOL TO VERDICT REASON [RULE [NEXTHOP]]
t_arrives() {
	local at=$1
	probe "$2" "$3"
	shift 3
	# shellcheck disable=SC2086
	is "$ANSWERED" yes && only_at $at && says "$@"
}

t_silent() { # PROTOCOL TO VERDICT REASON [RULE [NEXTHOP]]
	probe "$1" "$2"
	shift 2
	# no error of the kernel: a connect is never answered
	case $PROBE in *errors=0* | *errno=ETIMEDOUT*) ;; *) return 1 ;; esac
	silent && says "$@"
}

t_sender_sees_success() {
	probe udp 10.0.2.4:161 -n 50
	case $PROBE in *"sent=50 errors=0 "*) ;; *) return 1 ;; esac
	silent
}

# A datagram of more than one packet: the later fragments have no ports and follow the first.
t_fragments() { # TO WHERE
	local before after
	before=$(far_counts inet bytes)
	probe udp "$1" -l 20000
	is "$ANSWERED" "$2" || return 1
	settle
	after=$(far_counts inet bytes)
	[ "$2" = no ] || [ $((after - before)) -ge 20000 ] || return 1
	[ "$2" = yes ] || ! grep -E " $((20000 % 1480)) " "$T/sniff.inet.log"
}

# A protocol without ports: what the sniffer at the far end saw of it.
t_protocol() { # NUMBER TO NS|-
	local before
	before=$(grep -c " in $1 .* $2 " "$T/sniff.vnet.log")
	in_ns app "$TRAFFIC" send -l 40 "$1" "$2" | grep -q 'sent=1 errors=0' || return 1
	settle
	is $(($(grep -c " in $1 .* $2 " "$T/sniff.vnet.log") - before)) "$3"
}

t_icmp() {
	in_ns app "$TRAFFIC" send -w 200 icmp 10.1.0.4 | grep -q 'sent=1 errors=0 replies=0'
}

t_icmp_denied() {
	in_ns app "$TRAFFIC" send -w 200 icmp 10.0.2.4 | grep -q 'sent=1 errors=0 replies=0'
}

t_source_port_65330() {
	local before
	before=$(grep -c ' 65330 ' "$T/sniff.vnet.log")
	in_ns app "$TRAFFIC" send -s 0.0.0.0:65330 udp 10.1.0.4:7 | grep -q 'errors=0' || return 1
	settle
	is "$(grep -c ' 65330 ' "$T/sniff.vnet.log")" "$before"
}

t_multicast() { # EXPECTED
	local before
	before=$(grep -c ' 239.1.2.3 ' "$T/sniff.inet.log")
	in_ns app "$TRAFFIC" send -n 3 udp 239.1.2.3:5000 | grep -q 'sent=3 errors=0' || return 1
	settle
	is $(($(grep -c ' in .* 239.1.2.3 ' "$T/sniff.inet.log") - before)) "$1"
}

t_inbound() { # none of it is queued
	local before
	before=$(ctl status -o json | jq .kernel.packets.queued)
	in_ns caller "$TRAFFIC" send -s 198.51.100.200:$1 -w 1000 tcp 192.0.2.9:8080 | grep -q replies=1 &&
		is "$(ctl status -o json | jq .kernel.packets.queued)" "$before" &&
		settle && ! grep -q " 198.51.100.200 $1 " "$T/sniff.nva.log"
}

t_inbound_udp() {
	local before
	before=$(ctl status -o json | jq .kernel.packets.queued)
	in_ns caller "$TRAFFIC" send -s 198.51.100.200:$1 -n 5 -w 1000 udp 192.0.2.9:8081 |
		grep -q replies=5 && is "$(ctl status -o json | jq .kernel.packets.queued)" "$before" &&
		settle && ! grep -q " 198.51.100.200 $1 " "$T/sniff.nva.log"
}

t_caller_from_vnet() {
	in_ns vnet "$TRAFFIC" send -s 10.0.2.4 -w 1000 tcp 10.0.1.4:8080 | grep -q replies=1
}

t_local() {
	in_ns app "$TRAFFIC" send -w 1000 tcp 192.0.2.2:8080 | grep -q replies=1 &&
		in_ns app "$TRAFFIC" send -w 1000 tcp 127.0.0.1:8080 | grep -q replies=1
}

t_conversation() { # a stream in both directions: later packets follow the first
	probe tcp 10.0.2.4:5432 -l 300000
	is "$ANSWERED" yes
}

t_stream_through_nva() { # every packet of it
	probe tcp 198.51.100.10:443 -l 300000
	is "$ANSWERED" yes && only_at nva inet && [ "$(seen nva | wc -l)" -gt 5 ]
}

# Later packets of an allowed flow are not queued: one queued packet for each flow, its bits in the ct mark.
t_offloaded() {
	probe tcp 10.0.2.4:5432 -l 300000
	is "$ANSWERED" yes || return 1
	local port=$SPORT
	probe udp 203.0.113.99:9
	# its record follows all of the flow's
	traced && is "$(jq -c "select(.srcPort == $port)" "$T/trace.log" | wc -l)" 1 &&
		[ "$(in_ns app nft -j list counter ip nsgd preexisting | jq '[.. | .packets? // empty] | add')" = 0 ]
}

t_route_all_on() {
	route_all on && reload
}

# The daemon and the offline tool decide alike: a sample of flows, compared.
t_explain_agrees() {
	local f="$T/flows.jsonl" p s=41000
	for p in TCP:10.0.2.4:5432 TCP:10.0.2.4:22 UDP:192.168.7.7:514 TCP:203.0.113.10:80 \
		TCP:198.51.100.10:443 UDP:10.0.200.4:514 UDP:8.8.8.8:53 TCP:172.16.1.1:443; do
		IFS=: read -r proto dst port <<<"$p"
		s=$((s + 1))
		echo "{\"id\":\"$p\",\"protocol\":\"$proto\",\"src\":\"10.0.1.4\",\"srcPort\":$s,\"dst\":\"$dst\",\"dstPort\":$port}"
	done >"$f"
	ctl explain --batch "$f" -o jsonl >"$T/live" && "$NSGCTL" -p "$T/policy" explain --batch "$f" -o jsonl >"$T/offline" &&
		[ "$(wc -l <"$T/live")" = 8 ] && diff "$T/live" "$T/offline"
}

# The other verbs too, to the byte.
t_verbs_agree() {
	local verb format
	for verb in effective-nsg effective-routes "show-next-hop --source-ip 10.0.1.4 --dest-ip 198.51.100.10" \
		"test-ip-flow --direction Outbound --protocol TCP --local 10.0.1.4:5 --remote 10.0.2.4:22" \
		"explain --protocol udp --src 10.0.1.4:5 --dst 203.0.113.10:53" \
		"explain --protocol icmp --src 10.0.1.4 --dst 10.1.0.4 -o azure"; do
		for format in json table; do
			case $verb in
			*azure) format=azure ;;
			esac
			# shellcheck disable=SC2086 # words
			ctl $verb -o $format >"$T/live" && "$NSGCTL" -p "$T/policy" $verb -o $format >"$T/offline" 2>/dev/null &&
				[ -s "$T/live" ] && diff "$T/live" "$T/offline" || return 1
		done
	done
}

t_stop() {
	stop trace
	nsgd_stop && nothing_left
}

spawn_ready serve.app app "$TRAFFIC" serve tcp:8080 udp:8081
fact "nsgd starts and notifies its service manager" t_start
fact "private allowed by a rule: tcp arrives" t_arrives vnet tcp 10.0.2.4:5432 accept allowed AllowDatabase VnetLocal
fact "a stream of 300 kB goes through" t_conversation
fact "peered VNet allowed by AllowVnetOutBound: tcp" t_arrives vnet tcp 10.1.0.4:443 accept allowed AllowVnetOutBound VNetPeering
fact "peered VNet allowed by AllowVnetOutBound: udp" t_arrives vnet udp 10.1.0.4:7 accept allowed AllowVnetOutBound VNetPeering
fact "private denied by a rule: tcp vanishes" t_silent tcp 10.0.2.4:22 drop nsg-deny DenyRestOfData VnetLocal
fact "private denied by a rule: udp vanishes" t_silent udp 10.0.2.4:161 drop nsg-deny DenyRestOfData VnetLocal
fact "a denied sender sees no error, 50 times" t_sender_sees_success
fact "the default None route drops what the NSG allows" t_silent udp 192.168.7.7:514 drop route-none AllowBranches None
fact "a UDR None inside the VNet drops" t_silent udp 10.0.200.4:514 drop route-none AllowVnetOutBound None
fact "public with route-all off is not decided: tcp 80" t_arrives inet tcp 203.0.113.10:80 accept bypass
fact "public with route-all off is not decided: udp 53" t_arrives inet udp 203.0.113.10:53 accept bypass
fact "a UDR for a public prefix does nothing with route-all off" t_arrives inet tcp 198.51.100.10:443 accept bypass
fact "icmp to a peer is not carried" t_icmp
fact "icmp to the denied data tier vanishes, its sender sees no error" t_icmp_denied
fact "ESP is not carried" t_protocol 50 10.1.0.4 0
fact "GRE is not carried" t_protocol 47 10.1.0.4 0
fact "udp from source port 65330 is not carried" t_source_port_65330
fact "multicast passes while route-all is off" t_multicast 3
fact "traffic to the host itself and its loopback is not the app's" t_local
fact "fragments of an undecided public datagram arrive" t_fragments 203.0.113.10:443 yes

fact "route-all on, by a reload" t_route_all_on
fact "public denied by a rule: tcp 80" t_silent tcp 203.0.113.10:80 drop nsg-deny DenyPlainHttp Internet
fact "public denied by a rule: udp 53" t_silent udp 203.0.113.10:53 drop nsg-deny DenyPublicDns Internet
fact "public allowed goes straight out" t_arrives inet tcp 203.0.113.10:443 accept allowed AllowInternetOutBound Internet
fact "public through the NVA: tcp" t_arrives "nva inet" tcp 198.51.100.10:443 accept allowed AllowVnetOutBound VirtualAppliance
fact "every packet of a stream goes through the NVA" t_stream_through_nva
fact "a flow comes to the worker once" t_offloaded
fact "public through the NVA: udp" t_arrives "nva inet" udp 198.51.100.10:7 accept allowed AllowVnetOutBound VirtualAppliance
fact "fragments of an allowed datagram arrive" t_fragments 203.0.113.10:443 yes
fact "fragments of a denied datagram vanish" t_fragments 203.0.113.10:53 no
fact "multicast is not carried while route-all is on" t_multicast 0
fact "a reply to an outside tcp caller is not re-routed" t_inbound 39001
fact "a reply to an outside udp caller is not re-routed" t_inbound_udp 39002
fact "a caller from the VNet is answered although the app may not call it" t_caller_from_vnet
fact "explain decides the same on the daemon and offline" t_explain_agrees
fact "every verb prints the same on the daemon and offline" t_verbs_agree
fact "SIGTERM leaves nothing behind" t_stop
lab_done
