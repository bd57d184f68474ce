#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netns: alone
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
	eventually 5 eval "[ \$(far_counts $ns datagrams) -ge $((before + sent)) ]"
	is $(($(far_counts "$ns" datagrams) - before)) $sent
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
	conf log.decisions=none offload.answers=no "$@"
	nsgd_start
}

t_restart() {
	nsgd_stop && nothing_left && t_start "$@"
}

t_gso_tcp() { # [queued]: 200 MB, each packet of which went to the worker in pieces of up to 64 KiB
	local before after
	before=$(stat '[.packets, .bytes]')
	probe tcp 10.0.2.4:5432 -l 200000000 -w 60000
	is "$ANSWERED" yes && [ $# = 0 ] && return
	after=$(stat '[.packets, .bytes]')
	jq -n -e --argjson a "$after" --argjson b "$before" \
		'($a[1] - $b[1]) as $bytes | $bytes >= 200000000 and $bytes / ($a[0] - $b[0]) > 3000'
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
	eventually 5 eval "[ \$(far_counts inet datagrams) = $((before + 4800)) ]"
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

stat() { # JQ, of stats
	ctl stats -o json | jq "$1"
}

# Every packet that a worker decided has one verdict, one reason, one gate, one latency and one rule.
t_stats() {
	ctl stats -o json >"$T/stats.json"
	local whole part
	whole=$(jq .packets "$T/stats.json")
	[ "$whole" -gt 10000 ] || return 1
	for part in verdicts reasons gates latencyNs; do
		is "$(jq "[.${part}[].packets] | add" "$T/stats.json")" "$whole" || return 1
	done
	[ "$(jq '[.rules[].packets] | add' "$T/stats.json")" -le "$whole" ] &&
		is "$(jq '.queue | .malformedMessages + .verdictErrors + .overruns' "$T/stats.json")" 0 &&
		is "$(jq .kernel.queued "$T/stats.json")" "$whole"
}

# What the kernel passes and drops by itself are rows of their own, and exact. No earlier flow has the
# source port: it is above those that the system chooses.
t_kernel_rows() {
	local before after
	before=$(ctl stats -o json)
	in_ns app "$TRAFFIC" send -s 0.0.0.0:61500 -n 1 udp 10.1.0.4:9000 | grep -q errors=0 || return 1
	eventually 2 eval "in_ns app conntrack -L -p udp --sport 61500 2>/dev/null | grep -q mark=[1-9]" || return 1
	in_ns app "$TRAFFIC" send -s 0.0.0.0:61500 -n 700 udp 10.1.0.4:9000 | grep -q errors=0 || return 1
	after=$(ctl stats -o json)
	# and perhaps a packet that an earlier connection still had to say
	jq -n -e --argjson a "$after" --argjson b "$before" \
		'($a.kernel.offloaded - $b.kernel.offloaded) as $n | $n >= 700 and $n < 720 and $a.packets - $b.packets == 1'
}

# The denied set is full: what does not fit is denied by the workers, each time.
t_denied_full() {
	local i before
	t_restart offload.denied-seconds=600 || return 1
	for i in 161 162 163 164; do
		in_ns app "$TRAFFIC" send -f 17000 -j 4 -s 0.0.0.0:20000 udp 10.0.2.4:$i >"$T/load.log" || return 1
		matches "$T/load.log" 'sent=17000 errors=0' || return 1
		eventually 30 eval '[ "$(stat .queue.queued)" = 0 ]' || return 1
	done
	is "$(in_ns app nft -j list set ip nsgd denied | jq '[.nftables[] | .set? // empty | .elem | length] | add')" 65535 || return 1
	before=$(stat '[.packets, .kernel["denied again"]]')
	in_ns app "$TRAFFIC" send -f 17000 -j 4 -s 0.0.0.0:20000 udp 10.0.2.4:161 | grep -q 'sent=17000 errors=0' || return 1
	in_ns app "$TRAFFIC" send -f 17000 -j 4 -s 0.0.0.0:20000 udp 10.0.2.4:164 | grep -q 'sent=17000 errors=0' || return 1
	eventually 30 eval '[ "$(stat .queue.queued)" = 0 ]' || return 1
	# 65,535 of the 68,000 fit.
	is "$(jq -c -n "[$(stat '[.packets, .kernel["denied again"]]'), $before] | transpose | map(.[0] - .[1])")" "[2465,31535]" || return 1
	settle
	! grep -E ' in 17 .* 10.0.2.4 16[1-4] ' "$T/sniff.vnet.log"
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
	is "$sent" 80000 && is $(($(far_counts vnet datagrams) - before)) 80000
}

# 204,000 decided connections, whose marks are rewritten after the second reload from then on, and cleared
# after one with flushConnection. No reload waits for that, and packets of others flow on meanwhile.
t_many_connections() {
	local i before load_before
	[ "$(cat /proc/sys/net/netfilter/nf_conntrack_max)" -ge 250000 ] ||
		{ skip "net.netfilter.nf_conntrack_max is below 250,000"; return; }
	# of a flow without answers: none may be gone before the last one has come
	t_restart && in_ns app conntrack -F 2>/dev/null && sysctl_ns app netfilter/nf_conntrack_udp_timeout 600
	in_ns vnet nft 'add table ip quiet; add chain ip quiet c { type filter hook prerouting priority -400; }
		add rule ip quiet c udp dport 6000-6011 drop'
	for ((i = 6000; i < 6012; i++)); do
		in_ns app "$TRAFFIC" send -f 17000 -s 0.0.0.0:20000 -j 2 udp 10.1.0.4:$i | grep -q 'sent=17000 errors=0' || return 1
		eventually 30 eval '[ "$(stat .queue.queued)" = 0 ]' || return 1
	done
	[ "$(in_ns app conntrack -C)" -ge 204000 ] || return 1
	load_before=$(far_counts inet datagrams)
	spawn load app "$TRAFFIC" send -f 100 -n 600 -r 6000 -s 0.0.0.0:50000 udp 203.0.113.10:9000
	for i in 1 2 3 4; do
		reload || return 1
	done
	echo "# 204,000 connections: $(sed -n 's/.*loaded in/a reload took/p' "$T/nsgd.log" | tail -n4 | tr '\n' ';')"
	policy_edit nsg-integration.json '.flushConnection = true'
	reload || return 1
	echo "# 204,000 connections: $(sed -n 's/.*loaded in/one that forgets them/p' "$T/nsgd.log" | tail -n1)"
	policy_edit nsg-integration.json '.flushConnection = false'
	ended load 60 && settle || return 1
	eventually 5 eval "[ \$(far_counts inet datagrams) -ge $((load_before + 60000)) ]"
	matches "$T/load.log" 'sent=60000 errors=0' && is $(($(far_counts inet datagrams) - load_before)) 60000 || return 1
	# All but those of the load and of settle, which were decided since.
	eventually 20 eval '[ "$(in_ns app conntrack -L -m 0 2>/dev/null | wc -l)" -ge 204000 ]' || return 1
	in_ns vnet nft delete table ip quiet
	in_ns app conntrack -F 2>/dev/null
	sysctl_ns app netfilter/nf_conntrack_udp_timeout 30
	is "$(stat '.queue.droppedFull + .queue.droppedBuffer')" 0
}

# Four sources, that know nothing of each other: the sender, a counter of nft's before and one behind us,
# the kernel's own of the queue, the workers'. 1,000 packets to a queue of 64 that nobody reads.
four_sources() { # overflow = drop or accept; ACCOUNT: seen, dropped by the queue, decided, gone out
	t_restart queue.length=64 queue.overflow=$1 offload.established=no || return 1
	in_ns app nft -f - <<-END
		table ip account {
			chain before { type filter hook output priority -300; udp dport 9000 counter name seen; }
			chain behind { type filter hook postrouting priority 300; udp dport 9000 counter name out; }
			counter seen { }
			counter out { }
		}
	END
	kill -STOP "${PIDS[nsgd]}"
	in_ns app "$TRAFFIC" send -f 1000 udp 10.1.0.4:9000 >"$T/load.log"
	kill -CONT "${PIDS[nsgd]}"
	eventually 5 eval '[ "$(stat .queue.queued)" = 0 ]' || return 1
	ACCOUNT="$(nft_counter seen) $(in_ns app awk '$1 == 0 { print $6 + $7 }' /proc/net/netfilter/nfnetlink_queue) $(stat .packets) $(nft_counter out)"
	in_ns app nft delete table ip account
	# What the daemon tells of the queue is what the kernel does, and every packet came to its rule.
	is "$(stat '.queue.droppedFull + .queue.droppedBuffer')" "$(echo "$ACCOUNT" | cut -d' ' -f2)" &&
		is "$(stat .kernel.queued)" 1000 && matches "$T/load.log" 'sent=1000 errors=0'
}

nft_counter() {
	in_ns app nft -j list counter ip account "$1" | jq '[.. | .packets? // empty] | add'
}

t_overflow_drop() { # senders see no error, every packet is accounted
	four_sources drop && is "$ACCOUNT" "1000 936 64 64" && decides
}

t_overflow_accept() { # what does not fit goes out undecided
	local before
	before=$(far_counts vnet datagrams)
	four_sources accept && is "$ACCOUNT" "1000 0 64 1000" || return 1
	settle && is $(($(far_counts vnet datagrams) - before)) 1000 && decides
}

# What overflows of a flow that was decided goes as its earlier packets went: through the NVA.
t_overflow_way() {
	t_restart queue.length=64 queue.overflow=accept offload.established=no || return 1
	probe udp 198.51.100.10:7
	is "$ANSWERED" yes || return 1
	kill -STOP "${PIDS[nsgd]}"
	in_ns app "$TRAFFIC" send -s 0.0.0.0:$SPORT -n 500 udp 198.51.100.10:7 >"$T/load.log"
	kill -CONT "${PIDS[nsgd]}"
	settle && matches "$T/load.log" 'sent=500 errors=0' &&
		is "$(seen nva | wc -l)" 501 && is "$(seen inet | wc -l)" 501 && is "$(past_nva)" ""
}

# Flows spread over the queues by their addresses, and each worker decides its own.
t_spread() {
	local i
	for i in 10.1.0.4 10.0.2.4 192.168.7.7 203.0.113.10 203.0.113.99 198.51.100.10 10.0.200.4 10.0.100.4 8.8.8.8 9.9.9.9; do
		in_ns app "$TRAFFIC" send -f 200 udp $i:9 | grep -q 'sent=200 errors=0' || return 1
	done
	eventually 5 eval '[ "$(stat .queue.queued)" = 0 ]' || return 1
	# queue, ..., packets that it ever gave a number
	: "$(in_ns app cat /proc/net/netfilter/nfnetlink_queue)"
	is "$(in_ns app awk '$8 > 100 { n++ } END { print n }' /proc/net/netfilter/nfnetlink_queue)" "$1" &&
		is "$(in_ns app awk '{ n += $8 } END { print n }' /proc/net/netfilter/nfnetlink_queue)" "$(stat .packets)"
}

t_auto() { # one worker on up to two processors, else one is left to the others
	local n
	n=$(nproc)
	t_restart queue.workers=auto && is "$(ctl status -o json | jq .queue.workers)" $((n <= 2 ? 1 : n > 65 ? 64 : n - 1)) || return 1
	# As many as it may run on, not as many as there are.
	n=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
	printf '#!/bin/sh\nexec taskset -c %s %s "$@"\n' "$n" "$NSGD" >/run/one && chmod +x /run/one
	local NSGD=/run/one
	t_restart queue.workers=auto && is "$(ctl status -o json | jq .queue.workers)" 1
}

# Where large buffers cannot be forced (a user namespace of its own): a notice, the real size in status.
t_small_buffers() {
	local most status=0
	nsgd_stop
	most=$(cat /proc/sys/net/core/rmem_max)
	unshare -Urn true 2>/dev/null || { skip "no user namespaces here"; return; }
	conf subnet.address=10.0.1.4 nsgd.instance=small
	rm -f "$T/notify2"
	spawn_ready notify2 app "$TRAFFIC" notify "$T/notify2"
	NOTIFY_SOCKET=$T/notify2 spawn small app unshare -Urn "$NSGD" -c "$T/nsgd.conf"
	eventually 20 eval "matches '$T/notify2.log' '^READY=1' || ! alive small"
	alive small || { skip "nsgd cannot start in a user namespace here"; return; }
	matches "$T/small.log" 'notice: queue 0: the kernel grants a receive buffer of' || status=1
	is "$(ctl -i small status -o json | jq .queue.receiveBufferBytes)" $((most * 2)) || status=1
	stop small
	stop notify2
	return $status
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
fact "stats: each packet has one verdict, reason, gate and latency" t_stats
fact "stats: what the kernel passes by itself is a row of its own" t_kernel_rows
fact "reloads of a rule and a route under 8,000 packets a second lose none" t_reload_under_load
fact "without offload: nsgd starts" t_restart offload.established=no
fact "without offload: 40,000 packets of 100 flows all arrive, once" load vnet 10.1.0.4:9000 -f 100 -n 400 -r 20000
fact "without offload: a flood of denied packets" flood 20000 -f 200 -n 100
fact "without offload: 200 MB of tcp, queued in large pieces" t_gso_tcp queued
fact "without offload: the queue dropped nothing by itself" t_queue_drops
fact "two workers: nsgd starts" t_restart queue.workers=2
fact "two workers: 10,000 new flows all arrive, once" load vnet 10.1.0.4:9000 -f 10000 -j 8 -r 40000
fact "two workers: both decide" t_spread 2
fact "two workers: first packets of one flow in parallel all arrive" t_one_tuple
fact "denied flows not remembered: a flood" t_restart offload.denied-seconds=0
fact "denied flows not remembered: none of 20,000 arrives" flood 20000 -f 2000 -n 10
fact "the denied set full: 68,000 denied flows, none arrives" t_denied_full
fact "204,000 connections are rewritten and forgotten while packets flow" t_many_connections
fact "overflow = drop: senders see no error, four sources account for every packet" t_overflow_drop
fact "overflow = accept: everything arrives, four sources account for every packet" t_overflow_accept
fact "overflow = accept: a decided flow's packets keep its way" t_overflow_way
fact "workers = auto" t_auto
fact "no large buffer: a notice, and status tells the real size" t_small_buffers
fact "SIGTERM leaves nothing behind" eval 'nsgd_stop && nothing_left'
lab_done
