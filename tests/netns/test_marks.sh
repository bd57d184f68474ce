#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tsan: yes
# Marks: any mask, bits of other programs outside it, whole marks that other programs write before us, and
# ICMP errors that have the mark of their flow.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf
PARTNER=198.51.100.10 # by the policy through the NVA

queued() {
	ctl status -o json | jq .kernel.packets.queued
}

ct_mark() { # PROTOCOL SOURCE-PORT
	in_ns app conntrack -L -p "$1" --sport "$2" 2>/dev/null | sed -n 's/.*mark=\([0-9]*\).*/\1/p'
}

# next_hop NAME ADDRESS|-: a route's appliance, or straight to the Internet; as a reload.
next_hop() {
	if [ "$2" = - ]; then
		policy_edit rt-integration.json "(.routes[] | select(.name == \"$1\")) |=
			(.nextHopType = \"Internet\" | del(.nextHopIpAddress))"
	else
		policy_edit rt-integration.json "(.routes[] | select(.name == \"$1\")) |=
			(.nextHopType = \"VirtualAppliance\" | .nextHopIpAddress = \"$2\")"
	fi
	reload
}

# Everything about a mark: allowed, denied, re-routed from the first packet on, an open flow's route
# changed, and only hop bits leaving, with all other bits set by a rule before ours.
t_mask() { # MASK
	local mask=$1 others ours mark status=0
	others=$((~mask & 0xffffffff))
	conf "route.mark-mask=$mask"
	in_ns app nft -f - <<-END
		table ip others {
			chain before {
				type route hook output priority mangle - 10
				meta mark set meta mark or $others ct mark set ct mark or $others
			}
			chain leaves {
				type filter hook postrouting priority 300
				meta mark and $others != $others counter name lost
				ip daddr $PARTNER udp dport 7 meta mark and $mask == 0 counter name unmarked
			}
			counter lost { }
			counter unmarked { }
		}
	END
	nsgd_start && nsgd_trace || return 1
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" yes && only_at vnet || status=1
	probe udp 10.0.2.4:161 -n 5
	silent && case $PROBE in *"sent=5 errors=0"*) ;; *) false ;; esac || status=1
	probe udp $PARTNER:7 -n 5
	is "$ANSWERED" yes && only_at nva inet && is "$(seen nva | wc -l)" 5 || status=1
	mark=$(ct_mark udp $SPORT)
	ours=$((mark & mask))
	[ $((mark & others)) = $others ] && [ $((ours & (mask & ~(mask >> 1)))) != 0 ] || status=1
	next_hop partner-through-firewall - || status=1
	SPORT=$((SPORT - 1))
	probe udp $PARTNER:7 -n 3
	is "$ANSWERED" yes && settle && is "$(past_nva | wc -l)" 3 && is "$(seen nva | wc -l)" 5 || status=1
	next_hop partner-through-firewall 10.0.100.4 || status=1
	SPORT=$((SPORT - 1))
	probe udp $PARTNER:7 -n 2
	is "$ANSWERED" yes && settle && is "$(past_nva | wc -l)" 3 && is "$(seen nva | wc -l)" 7 || status=1
	is "$(in_ns app nft -j list counters table ip others | jq -c '[.. | .packets? // empty]')" "[0,3]" || status=1
	stop trace
	nsgd_stop || status=1
	# the bits of other programs are unchanged, and none of ours is there
	mark=$(in_ns app conntrack -L 2>/dev/null | sed -n 's/.*mark=\([0-9]*\).*/\1/p' | sort -u)
	: "$mark"
	in_ns app conntrack -L 2>/dev/null | sed -n 's/.*mark=\([0-9]*\).*/\1/p' |
		awk -v m=$((others)) '$1 != m && $1 != 0 { exit 1 }' || status=1
	in_ns app nft delete table ip others
	in_ns app conntrack -F 2>/dev/null
	conf
	return $status
}

# Rules before and after ours, at priority mangle and at the extremes: each adds bits of its own to both
# marks, on the first packet of a flow and on later ones.
t_foreign_rules() {
	local status=0 i n
	in_ns app nft -f - <<-END
		table ip others {
			chain before {
				type route hook output priority mangle
				udp dport 7 meta mark set meta mark or 0x40000000 ct mark set ct mark or 0x1
			}
			chain after {
				type route hook output priority mangle + 9
				udp dport 7 meta mark and 0x40000000 != 0 meta mark set meta mark or 0x80000000 \
					ct mark set ct mark or 0x2 counter name after
			}
			chain leaves {
				type filter hook postrouting priority 300
				ip daddr $PARTNER udp dport 7 meta mark and 0xfe00ffff == 0xc0000000 \
					meta mark and 0x01ff0000 != 0 counter name whole
			}
			counter after { }
			counter whole { }
		}
	END
	nsgd_start && nsgd_trace || return 1
	for ((i = 1; i <= 4; i++)); do
		[ $i = 1 ] || SPORT=$((SPORT - 1))
		probe udp $PARTNER:7
		is "$ANSWERED" yes && only_at nva inet || status=1
		n=$(in_ns app nft -j list counters table ip others | jq -c '[.. | .packets? // empty]')
		is "$n" "[$i,$i]" || status=1
		[ $(($(ct_mark udp $SPORT) & 0x0800ffff)) = $((0x08000003)) ] || status=1
	done
	stop trace
	nsgd_stop || status=1
	[ "$(ct_mark udp $SPORT)" = 3 ] || status=1
	in_ns app nft delete table ip others
	in_ns app conntrack -F 2>/dev/null
	return $status
}

# `meta mark set ct mark`, whole, at priority mangle: iptables' CONNMARK --restore-mark, and wg-quick's
# chain premangle. It was there before nsgd.
restores() { # HOOK TYPE
	in_ns app nft "add table ip others
		add chain ip others restore { type $2 hook $1 priority mangle; }
		add rule ip others restore meta mark set ct mark"
}

t_restored_output() {
	local status=0
	restores output route
	nsgd_start && nsgd_trace || return 1
	probe udp 10.0.2.4:161 -n 3
	silent || status=1
	probe tcp 10.0.2.4:22
	silent || status=1
	probe udp $PARTNER:7 -n 5
	is "$ANSWERED" yes && only_at nva inet && is "$(seen nva | wc -l)" 5 || status=1
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" yes || status=1
	stop trace
	nsgd_stop && nothing_left || status=1
	in_ns app nft delete table ip others
	return $status
}

guest() {
	lab_ns guest && lab_link app guest0 172.31.0.1/24 guest eth0 172.31.0.2/24 || return 1
	in_ns guest ip route add default via 172.31.0.1
	sysctl_ns app ipv4/ip_forward 1
	local ns
	for ns in vnet:10.0.1.4 inet:192.0.2.2 nva:10.0.100.1; do
		in_ns ${ns%%:*} ip route add 172.31.0.0/24 via ${ns#*:}
	done
}

t_restored_prerouting() { # also of replies, which have the mark of the flow but not its path
	local status=0
	guest || return 1
	restores prerouting filter
	conf capture.hook=prerouting capture.interfaces=guest0
	# shellcheck disable=SC2034 # probe's
	local PROBE_NS=guest
	nsgd_start && nsgd_trace || return 1
	probe udp 10.0.2.4:161 -n 3
	silent || status=1
	probe udp $PARTNER:7 -n 5
	is "$ANSWERED" yes && only_at nva inet && is "$(seen nva | wc -l)" 5 || status=1
	case $PROBE in *replies=5*) ;; *) status=1 ;; esac
	# no reply took the path of the flow, back to the NVA
	seen_back "$PARTNER" && status=1
	probe tcp $PARTNER:443
	is "$ANSWERED" yes && ! seen_back "$PARTNER" || status=1
	stop trace
	nsgd_stop && nothing_left || status=1
	in_ns app nft delete table ip others
	conf
	return $status
}

seen_back() { # FROM: answers to the last probe that came to the NVA from the app's host
	local number=17
	[ "$PROBE_PROTOCOL" = udp ] || number=6
	grep -E "^app0 in $number $1 ${PROBE_TO#*:} 172.31.0.2 $SPORT " "$T/sniff.nva.log"
}

# Packets without conntrack: no decision is remembered, each packet is decided.
t_untracked() {
	local status=0
	in_ns app nft 'add table ip others; add chain ip others raw { type filter hook output priority raw; }
		add rule ip others raw udp dport { 7, 161 } notrack'
	nsgd_start && nsgd_trace || return 1
	probe udp $PARTNER:7 -n 5
	is "$ANSWERED" yes && only_at nva inet && is "$(seen nva | wc -l)" 5 || status=1
	probe udp 10.0.2.4:161 -n 5
	silent && case $PROBE in *"sent=5 errors=0"*) ;; *) false ;; esac || status=1
	stop trace
	nsgd_stop && nothing_left || status=1
	in_ns app nft delete table ip others
	return $status
}

# An error about a flow's packet reaches its socket, straight and through the NVA.
t_icmp_error() {
	nsgd_start && nsgd_trace || return 1
	local to
	for to in 10.1.0.4:4444 $PARTNER:4444; do
		probe udp $to -w 2000
		case $PROBE in *errno=ECONNREFUSED*) ;; *) return 1 ;; esac
	done
}

# The host's own error about a reply to a closed socket is `related` and has the direction of the flow: it
# passes without a decision, and the mark of the flow stays. Also after a reload.
t_icmp_error_of_ours() {
	local mark before round
	for round in first reloaded; do
		[ $round = first ] || reload || return 1
		probe udp 10.1.0.4:4445
		settle
		mark=$(ct_mark udp $SPORT)
		before=$(queued)
		[ -n "$mark" ] || return 1
		# without the generation: reloads rewrite those of older policies
		mark=$((mark & ~0x06000000))
		[ $round = first ] || { reload && before=$(queued); } || return 1
		in_ns vnet "$TRAFFIC" send -s 10.1.0.4:4445 -w 2000 udp 10.0.1.4:$SPORT | grep -q errno=ECONNREFUSED || return 1
		is "$(queued)" "$before" && is $(($(ct_mark udp $SPORT) & ~0x06000000)) "$mark" || return 1
	done
}

t_path_mtu() { # the path through the NVA has a smaller MTU than its first link
	in_ns nva ip link set inet0 mtu 1200 && in_ns inet ip link set nva0 mtu 1200 || return 1
	probe tcp $PARTNER:443 -l 300000 -w 3000
	is "$ANSWERED" yes && only_at nva inet || return 1
	in_ns nva ip link set inet0 mtu 1500 && in_ns inet ip link set nva0 mtu 1500
}

t_stop() {
	stop trace
	nsgd_stop && nothing_left
}

fact "mark-mask 0x00000fff: decided, denied, re-routed, changed; other bits stay" t_mask 0x00000fff
fact "mark-mask 0xfff00000" t_mask 0xfff00000
fact "mark-mask 0x0001f800, six bits" t_mask 0x0001f800
fact "mark-mask 0x7ffff000, nineteen bits" t_mask 0x7ffff000
fact "marking rules before and after ours, on first and later packets" t_foreign_rules
fact "whole marks restored in output since before nsgd started: nothing leaks" t_restored_output
fact "whole marks restored in prerouting: nothing leaks, replies take their own path" t_restored_prerouting
fact "untracked packets are decided one by one" t_untracked
fact "an ICMP error about a flow reaches its socket" t_icmp_error
fact "the host's ICMP error about a reply is not decided and keeps the mark of the flow" t_icmp_error_of_ours
fact "path MTU is found through the NVA" t_path_mtu
fact "SIGTERM leaves nothing behind" t_stop
lab_done
