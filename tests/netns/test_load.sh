#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many packets at once, counted by the far end: none lost, none twice, none let through by mistake.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on

# load NS TO OPTION...: everything sent arrives exactly once.
load() {
	local ns=$1 to=$2 before sent # and one datagram of settle's
	shift 2
	before=$(far_counts "$ns" datagrams)
	in_ns app "$TRAFFIC" send "$@" udp "$to" >"$T/load.log" || return 1
	settle || return 1
	sent=$(sed -n 's/^sent=\([0-9]*\) errors=0 .*/\1/p' "$T/load.log")
	eventually 5 eval "[ \$(far_counts $ns datagrams) -ge $((before + sent + 1)) ]"
	is $(($(far_counts "$ns" datagrams) - before)) $((sent + 1))
}

# count_at NS TO, counted NS: packets that the kernel there has counted for TO, exactly, before any socket.
count_at() {
	in_ns "$1" nft -f - <<-END
		table ip arrivals {
			chain seen {
				type filter hook prerouting priority -300
				ip daddr ${2%:*} udp dport ${2#*:} counter
			}
		}
	END
}

counted() {
	in_ns "$1" nft -j list table ip arrivals | jq '[.. | .counter? // empty | .packets] | if length == 1 then .[0] else error end'
}

flood() { # PACKETS OPTION...: none of them arrives, their sender sees no error
	local n=$1
	shift
	in_ns app "$TRAFFIC" send "$@" udp 10.0.2.4:161 >"$T/load.log" || return 1
	: "$(cat "$T/load.log")"
	settle && matches "$T/load.log" "sent=$n errors=0" && is "$(counted vnet)" 0
}

t_start() { # [CONF...]
	conf log.decisions=none "$@"
	nsgd_start
}

t_restart() {
	nsgd_stop && nothing_left && t_start "$@"
}

t_gso_tcp() {
	probe tcp 10.0.2.4:5432 -l 200000000 -w 60000
	is "$ANSWERED" yes
}

t_ports() {
	in_ns app "$TRAFFIC" send -f 400 -n 5 -j 8 -w 5000 tcp 10.0.2.4:5432 >"$T/load.log"
	: "$(cat "$T/load.log")"
	matches "$T/load.log" 'sent=2000 errors=0 replies=2000'
}

t_one_tuple() { # many threads send the first packets of one flow at once
	local i
	for ((i = 0; i < 20; i++)); do
		load inet 203.0.113.10:9000 -f 1 -n 64 -j 16 -s 0.0.0.0:$((40000 + i)) || return 1
	done
}

t_fragments() { # 60 kB datagrams
	load vnet 10.1.0.4:9000 -f 20 -n 10 -l 60000 -r 2000
}

t_udp_gso() {
	local before
	before=$(far_counts inet datagrams)
	in_ns app "$TRAFFIC" send -f 4 -n 20 -l 60000 -G 1000 -r 200 udp 203.0.113.10:9000 >"$T/load.log" || return 1
	settle
	eventually 5 eval "[ \$(far_counts inet datagrams) = $((before + 4801)) ]"
}

t_forged_mark() { # SO_MARK with our bits is not a decision
	local before m
	before=$(counted vnet)
	for m in 0x08000000 0x0a000000 0x08010000 0x0fff0000 0x0e010000; do
		in_ns app "$TRAFFIC" send -m $m -s 0.0.0.0:45000 -n 20 udp 10.0.2.4:161 | grep -q 'errors=0' || return 1
	done
	settle && is "$(counted vnet)" "$before" || return 1
	probe udp 203.0.113.10:443 -m 0x08010000
	only_at inet
}

t_accounted() { # every queued packet is in a worker's count
	ctl stats -o json >"$T/stats.json" && jq -e . "$T/stats.json" >/dev/null
}

t_queue_drops() {
	# id portid waiting copymode copyrange dropped userdropped sequence
	is "$(in_ns app awk '{ n += $6 + $7 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue)" 0
}

t_reload_under_load() {
	local before sent
	before=$(far_counts vnet datagrams)
	spawn load app "$TRAFFIC" send -f 2000 -n 40 -r 8000 udp 10.1.0.4:9000
	while alive load; do
		policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowBranches")).destinationPortRange |= (if . == "*" then "514" else "*" end)'
		policy_edit rt-integration.json '(.routes[] | select(.name == "old-warehouse")).addressPrefix |= (if . == "10.0.200.0/24" then "10.0.201.0/24" else "10.0.200.0/24" end)'
		reload || return 1
		sleep 0.4
	done
	ended load 1
	settle
	sent=$(sed -n 's/^sent=\([0-9]*\) errors=0 .*/\1/p' "$T/load.log")
	is "$sent" 80000 && is $(($(far_counts vnet datagrams) - before)) 80001
}

t_overflow_drop() { # a queue of 64 that nobody reads: senders see no error, every packet is accounted
	t_restart queue.length=64 queue.overflow=drop offload.established=no || return 1
	kill -STOP "${PIDS[nsgd]}"
	in_ns app "$TRAFFIC" send -f 1000 udp 10.1.0.4:9000 >"$T/load.log"
	kill -CONT "${PIDS[nsgd]}"
	matches "$T/load.log" 'sent=1000 errors=0' && settle && decides
}

t_overflow_accept() {
	t_restart queue.length=64 queue.overflow=accept offload.established=no || return 1
	local before
	before=$(far_counts vnet datagrams)
	kill -STOP "${PIDS[nsgd]}"
	in_ns app "$TRAFFIC" send -f 1000 udp 10.1.0.4:9000 >"$T/load.log"
	kill -CONT "${PIDS[nsgd]}"
	settle && is $(($(far_counts vnet datagrams) - before)) 1001
}

decides() {
	probe tcp 10.0.2.4:22
	silent
}

count_at vnet 10.0.2.4:161 || exit 1
fact "nsgd starts" t_start
fact "10,000 new flows in parallel all arrive, once" load vnet 10.1.0.4:9000 -f 10000 -j 8 -r 40000
fact "10,000 new flows through the NVA all arrive" load inet 198.51.100.10:9000 -f 10000 -j 8 -r 40000
fact "first packets of one flow in parallel all arrive" t_one_tuple
fact "2,000 tcp connections are answered" t_ports
fact "200 MB of tcp in segments of 64 KiB" t_gso_tcp
fact "udp segmentation offload: 4,800 datagrams arrive" t_udp_gso
fact "200 fragmented datagrams of 60 kB arrive" t_fragments
fact "a flood of one denied flow: none of 50,000 arrives" flood 50000 -n 50000
fact "a flood of 2,000 denied flows: none of 20,000 arrives" flood 20000 -f 2000 -n 10 -j 4
fact "SO_MARK with our bits forges nothing" t_forged_mark
fact "the queue dropped nothing by itself" t_queue_drops
fact "stats are told" t_accounted
fact "reloads of a rule and a route under 8,000 packets a second lose none" t_reload_under_load
fact "without offload: nsgd starts" t_restart offload.established=no
fact "without offload: 40,000 packets of 100 flows all arrive, once" load vnet 10.1.0.4:9000 -f 100 -n 400 -r 20000
fact "without offload: a flood of denied packets" flood 20000 -f 200 -n 100
fact "without offload: 200 MB of tcp" t_gso_tcp
fact "without offload: the queue dropped nothing by itself" t_queue_drops
fact "two workers: nsgd starts" t_restart queue.workers=2
fact "two workers: 10,000 new flows all arrive, once" load vnet 10.1.0.4:9000 -f 10000 -j 8 -r 40000
fact "two workers: first packets of one flow in parallel all arrive" t_one_tuple
fact "denied flows not remembered: a flood" t_restart offload.denied-seconds=0
fact "denied flows not remembered: none of 20,000 arrives" flood 20000 -f 2000 -n 10
fact "overflow = drop: senders see no error" t_overflow_drop
fact "overflow = accept: everything arrives" t_overflow_accept
fact "SIGTERM leaves nothing behind" eval 'nsgd_stop && nothing_left'
lab_done
