#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# New flows to destinations that were decided before, answered by the kernel: exactly as without. LONG=1 compares a
# million random flows under a hundred random policies, and makes a thousand reloads; SEED repeats a run.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_guest || exit 1
RAW=${RAW:-$BUILD/tests/netns/raw}
LONG=${LONG:-} SEED=${SEED:-$RANDOM}
FLOWS=${FLOWS:-${LONG:+1000000}} FLIPS=${FLIPS:-${LONG:+1000}}
FLOWS=${FLOWS:-10000} FLIPS=${FLIPS:-5} ROUND=${LONG:+10000}
ROUND=${ROUND:-5000}
policy_copy
route_all on
for ns in vnet nva inet; do
	spawn_ready sniff.$ns $ns "$HOSTILE" sniff || exit 1
done
# One packet a flow: nothing far away answers.
for ns in vnet inet; do
	in_ns $ns nft add table ip deaf '{ chain in { type filter hook input priority 0; drop; }; }'
done

answers() { # size|hits|misses
	ctl status -o json | jq -e ".kernel.answers.$1"
}

queue_empty() {
	in_ns app awk '$3 { n++ } END { exit n > 0 }' /proc/net/netfilter/nfnetlink_queue
}

# As in lib.sh, but whatever the policy is: by destinations that are excluded, and so not in the queue.
MARKERS="vnet:10.0.1.1 nva:10.0.100.4 inet:192.0.2.1"
settle() {
	local to
	SETTLE=$((${SETTLE:-0} + 1))
	eventually 20 queue_empty || return 1
	for to in $MARKERS; do
		in_ns app "$TRAFFIC" send -t "settle$SETTLE" udp "${to#*:}:9" >/dev/null
		eventually 20 matches "$T/sniff.${to%%:*}.log" " settle$SETTLE\$" || return 1
	done
}

starts() { # [SECTION.KEY=VALUE...]
	conf log.decisions=none subnet.watch=no capture.hook=both capture.interfaces=guest0 \
		capture.exclude=10.0.1.1/32,10.0.100.4/32,192.0.2.1/32 "$@" && nsgd_start
}

HOSTS="10.0.2.4 10.1.0.4 10.0.200.4 192.168.7.7 203.0.113.10 203.0.113.99 198.51.100.10 8.8.8.8 168.63.129.16"
PORTS="7 22 53 80 161 443 514 5432"

# flows FIRST COUNT SOURCE: random flows to few destinations, as JSON Lines; each from a port of its own.
flows() {
	awk -v seed="$SEED" -v first="$1" -v count="$2" -v src="$3" -v hosts="$HOSTS" -v ports="$PORTS" 'BEGIN {
		srand(seed + first)
		hosts = split(hosts, host, " ")
		ports = split(ports, port, " ")
		protocols = split("TCP TCP UDP UDP UDP ICMP 47 50", protocol, " ")
		for (i = 0; i < count; i++)
			printf "{\"id\":\"%d\",\"protocol\":\"%s\",\"src\":\"%s\",\"srcPort\":%d,\"dst\":\"%s\",\"dstPort\":%d}\n", i,
				protocol[1 + int(rand() * protocols)], src, rand() < 0.01 ? 65330 : 1024 + i, host[1 + int(rand() * hosts)],
				port[1 + int(rand() * ports)]
	}'
}

# policy_random N: rules, routes and route-all that N decides.
policy_random() {
	policy_copy
	awk -v seed="$((SEED * 1000 + $1))" 'BEGIN {
		srand(seed); rand()
		n = split("* 10.0.0.0/16 10.1.0.4/32 10.0.2.4/32 203.0.113.0/24 203.0.113.99/32 198.51.100.0/24 192.168.0.0/16 " \
			"168.63.129.16/32 Internet VirtualNetwork 8.8.0.0/16", prefix, " ")
		m = split("* * 80 443 22 100-600 5000-6000 0-52", port, " ")
		split("* Tcp Udp Icmp", protocol, " ")
		printf "{\"rules\":["
		for (i = 0; i < 1 + int(rand() * 9); i++)
			printf "%s{\"name\":\"r%d\",\"priority\":%d,\"direction\":\"Outbound\",\"access\":\"%s\",\"protocol\":\"%s\"," \
				"\"sourceAddressPrefix\":\"*\",\"sourcePortRange\":\"*\",\"destinationAddressPrefix\":\"%s\"," \
				"\"destinationPortRange\":\"%s\"}", i ? "," : "", i, 100 + i, rand() < 0.5 ? "Allow" : "Deny",
				protocol[1 + int(rand() * 4)], prefix[1 + int(rand() * n)], port[1 + int(rand() * m)]
		k = split("203.0.113.0/24 203.0.113.99/32 198.51.100.0/24 10.1.0.0/16 10.0.200.0/24 8.8.8.0/24 0.0.0.0/0", route, " ")
		split("VirtualAppliance None Internet VnetLocal", type, " ")
		printf "],\"routes\":["
		for (i = 1; i <= k; i++)
			if (rand() < 0.4) {
				t = type[1 + int(rand() * 4)]
				printf "%s{\"name\":\"u%d\",\"addressPrefix\":\"%s\",\"nextHopType\":\"%s\"%s}", comma, i, route[i], t,
					t == "VirtualAppliance" ? ",\"nextHopIpAddress\":\"10.0.100.4\"" : ""
				comma = ","
			}
		print "]}"
		print rand() < 0.7 ? "on" : "off" >"/dev/stderr"
	}' >"$T/random.json" 2>"$T/random.route-all"
	policy_edit nsg-integration.json ".securityRules = $(jq -c .rules "$T/random.json")" &&
		policy_edit rt-integration.json ".routes = $(jq -c .routes "$T/random.json")" &&
		route_all "$(cat "$T/random.route-all")"
}

# arrivals FILE COMMAND...: what the command makes arrive, and where, sorted.
arrivals() {
	local -
	set +x
	local ns file=$1
	shift
	for ns in vnet nva inet; do
		: >"$T/sniff.$ns.log"
	done
	"$@" && settle || return 1
	for ns in vnet nva inet; do
		awk -v ns=$ns '$8 !~ /^settle/ { print ns, $1, $2, $3, $4, $5, $6 }' "$T/sniff.$ns.log"
	done | sort -u >"$file"
}

send_flows() { # FIRST COUNT: half of them forwarded
	flows "$1" $(($2 / 2)) 10.0.1.4 | in_ns app "$RAW" >/dev/null &&
		flows "$1" $(($2 / 2)) 172.31.0.2 | in_ns guest "$RAW" >/dev/null
}

# same_arrivals AT: of ROUND flows, under a policy of their own.
same_arrivals() {
	policy_random "$1" && starts offload.answers=no && arrivals "$T/off" send_flows $1 $ROUND && nsgd_stop || return 1
	in_ns app conntrack -F 2>/dev/null
	starts && arrivals "$T/on" send_flows $1 $ROUND || return 1
	USED=$((USED + $(answers hits))) ARRIVED=$((ARRIVED + $(wc -l <"$T/on")))
	nsgd_stop || return 1
	in_ns app conntrack -F 2>/dev/null
	diff "$T/off" "$T/on" >"$T/diff" || { : "seed $SEED, policy $1: $(head "$T/diff")"; return 1; }
}

t_exact() {
	local at
	USED=0 ARRIVED=0
	for ((at = 0; at < FLOWS; at += ROUND)); do
		same_arrivals $at || return 1
	done
	echo "# $FLOWS flows, $((FLOWS / ROUND)) policies: $USED answered, $ARRIVED arrived, no difference (seed $SEED)"
	[ $((USED * 2)) -gt "$FLOWS" ] && [ $ARRIVED -gt 0 ]
}

access() { # Allow|Deny: what the policy says of the database
	policy_edit nsg-integration.json \
		"(.securityRules[] | select(.name == \"AllowDatabase\")).access = \"$1\"" && reload
}

packet() { # PORT FLAGS: a TCP packet to the database; without flags a datagram
	if [ -n "${2:-}" ]; then
		in_ns app "$HOSTILE" packet -f $2 tcp 10.0.1.4:$1 10.0.2.4:5432
	else
		in_ns app "$HOSTILE" packet udp 10.0.1.4:$1 10.0.2.4:5432
	fi >/dev/null
}

arrived_once() { # a new flow to the database; nothing else for it arrives either when it does not
	SPORT=$((SPORT + 1))
	arrivals "$T/one" packet $SPORT S
	matches "$T/one" ' 5432$'
}

starts_sample() {
	policy_copy
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowDatabase")).protocol = "*"'
	route_all on
	starts
}

# load_begin PROGRAM: what the awk program prints goes out as raw packets, 2,000 a second, until load_end.
load_begin() {
	cat >"$T/load.sh" <<-END
		awk 'BEGIN { for (;;) { for (i = 0; i < 20; i++) { n++; $1 } fflush(); system("sleep 0.01") } }' | "$RAW"
	END
	spawn load app setsid bash "$T/load.sh"
}

load_end() {
	kill -KILL -- "-${PIDS[load]}"
	ended load 5 2>/dev/null
	return 0
}

# Connections to the database and to others, each new.
NEW_FLOWS='printf "{\"id\":\"x\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":%d,\"dst\":\"%s\",\"dstPort\":%d}\n",
	30000 + n % 20000, n % 2 ? "10.0.2.4" : "10.1.0.4", n % 2 ? 5432 : 1 + n % 5000'

t_flips() { # a destination whose fate changes with each reload: what is sent after it is decided by the new policy
	local i status=0 before
	starts_sample && arrived_once || return 1
	load_begin "$NEW_FLOWS"
	for ((i = 0; i < FLIPS && !status; i++)); do
		before=$(answers hits)
		access Deny && settle && ! arrived_once && ! arrived_once && [ "$(answers hits)" -gt "$before" ] &&
			access Allow && arrived_once && arrived_once || status=1
	done
	load_end
	echo "# $i of $FLIPS rounds of two reloads, $(answers hits) flows answered, none by an older policy"
	return $status
}

t_emptied() { # by a reload
	[ "$(answers size)" -gt 0 ] && settle && access Deny && access Allow && [ "$(answers size)" -lt 5 ]
}

# nothing_taught: no answer allows the database.
nothing_taught() {
	! in_ns app nft list map ip nsgd answers | grep -qE '10.0.2.4 . 5432 .*: 0x0[89a-f]'
}

t_old_flow() { # allowed before, its route alone is looked up
	local i
	access Allow && arrivals "$T/one" packet 40001 && [ -s "$T/one" ] && access Deny || return 1
	for ((i = 0; i < 3; i++)); do
		arrivals "$T/one" packet 40001 && [ -s "$T/one" ] && nothing_taught || return 1
		arrivals "$T/one" packet $((40002 + i)) && ! [ -s "$T/one" ] || return 1
	done
}

t_overtaken() { # from a port that no other flow here has: its packet waits in the queue, and a SYN of its tuple clears the mark of its entry
	access Allow || return 1
	# a gap: a connection that is not known is judged, not taken for a preexisting one
	in_ns app nft add chain ip nsgd foreign
	eventually 5 matches "$T/nsgd.log" 'table ip nsgd was modified by another program' || return 1
	arrivals "$T/one" packet 51001 A && [ -s "$T/one" ] && access Deny || return 1
	arrivals "$T/one" packet 51001 A && [ -s "$T/one" ] || return 1 # the old one lives on
	access Deny || return 1
	kill -STOP "${PIDS[nsgd]}"
	packet 51001 A
	packet 51001 S
	packet 51001 A
	kill -CONT "${PIDS[nsgd]}"
	settle && nothing_taught && ! arrived_once && ! arrived_once
}

learns() {
	in_ns app nft list set ip nsgd learning 2>/dev/null | grep -q 'elements = { 0x00000000 }'
}

# What flushConnection and a changed gate mean for flows that are decided before them.
t_forgotten() { # KEY
	local i status=0
	access Allow && arrivals "$T/one" packet 40001 && [ -s "$T/one" ] || return 1
	load_begin 'print "{\"id\":\"x\",\"protocol\":\"UDP\",\"src\":\"10.0.1.4\",\"srcPort\":40001,\"dst\":\"10.0.2.4\",\"dstPort\":5432}"'
	for ((i = 0; i < 3 && !status; i++)); do
		"$1" $i && access Deny && settle && nothing_taught && ! arrived_once && nothing_taught &&
			eventually 5 learns && access Allow && arrived_once || status=1
	done
	load_end
	route_all on && reload && return $status
}

flushed() {
	policy_edit nsg-integration.json '.flushConnection = true'
}

gate_changed() {
	policy_edit nsg-integration.json '.flushConnection = false' && route_all "$([ $(($1 % 2)) = 0 ] && echo off || echo on)"
}

t_forged() { # an answer that another program adds
	local mark n
	access Deny
	n=$(grep -c 'was modified by another program' "$T/nsgd.log")
	mark=$(in_ns app nft list set ip nsgd gen | sed -n 's/.*elements = { \(.*\) }/\1/p')
	in_ns app nft add element ip nsgd answers "{ udp . 10.0.2.4 . 161 timeout 5m : $mark }" || return 1
	eventually 5 eval '[ "$(grep -c "was modified by another program" "$T/nsgd.log")" -gt "$n" ]' || return 1
	arrivals "$T/one" in_ns app "$HOSTILE" packet udp 10.0.1.4:42000 10.0.2.4:161 >/dev/null && ! [ -s "$T/one" ]
}

t_gap() { # the table is gone, and is there again
	arrived_once && return 1
	in_ns app nft delete table ip nsgd
	eventually 5 learns && ! arrived_once && ! arrived_once && access Allow && arrived_once && arrived_once
}

t_denied_silently() { # and the sender sees no error
	local hits
	in_ns app "$TRAFFIC" send udp 10.0.2.4:161 >/dev/null && settle || return 1
	hits=$(answers hits)
	in_ns app "$TRAFFIC" send -f 20 -n 1 -w 50 udp 10.0.2.4:161 | grep -q 'sent=20 errors=0 replies=0' &&
		[ $(($(answers hits) - hits)) -ge 18 ]
}

# stat JQ: of stats.
stat() {
	ctl stats -o json | jq -c "$1"
}

t_counted() { # every packet once, whoever decided it; those that were in the queue together too
	local before after
	before=$(stat '[.packets, (.rules[] | select(.rule == "DenyRestOfData").packets), (.reasons[] | select(.reason == "nsg-deny").packets)]')
	in_ns app "$TRAFFIC" send -f 300 -n 1 udp 10.0.2.4:514 >/dev/null
	in_ns app "$TRAFFIC" send -f 200 -n 1 udp 10.0.2.4:514 >/dev/null
	eventually 2 eval '[ "$(in_ns app awk "\$1 == 0 { print \$3 }" /proc/net/netfilter/nfnetlink_queue)" = 0 ]'
	after=$(stat '[.packets, (.rules[] | select(.rule == "DenyRestOfData").packets), (.reasons[] | select(.reason == "nsg-deny").packets)]')
	is "$(jq -nc "[$after, $before] | transpose | map(.[0] - .[1])")" '[500,500,500]'
}

t_expired_unread() { # answers that are gone before their counters were read: in the row of the kernel
	local n hits
	in_ns app "$TRAFFIC" send udp 10.0.2.4:161 >/dev/null && settle && hits=$(answers hits) || return 1
	n=$(stat '[.reasons[] | select(.reason == "answered by the kernel").packets] | add // 0')
	in_ns app "$TRAFFIC" send -f 40 -n 1 udp 10.0.2.4:161 >/dev/null
	eventually 5 eval '[ -z "$(in_ns app nft list map ip nsgd answers | grep 161)" ]' || return 1
	hits=$(($(answers hits) - hits)) # none, if the first answer had expired before: the rest were in the queue together
	is "$(stat '[.reasons[] | select(.reason == "answered by the kernel").packets] | add // 0')" $((n + hits)) &&
		is "$(stat '.packets - ([.reasons[].packets] | add)')" 0
}

t_journal() { # a denial at once, its repeats as a sum
	nsgd_stop && starts log.decisions=denied || return 1
	in_ns app "$TRAFFIC" send -s 0.0.0.0:33333 udp 10.0.2.4:161 >/dev/null
	eventually 2 matches "$T/nsgd.log" 'drop: nsg-deny UDP 10.0.1.4:33333 -> 10.0.2.4:161, rule DenyRestOfData' || return 1
	in_ns app "$TRAFFIC" send -f 40 -n 1 udp 10.0.2.4:161 >/dev/null
	if [ -n "$LONG" ]; then # within a minute
		eventually 60 matches "$T/nsgd.log" '10.0.2.4:161, rule DenyRestOfData .*: 40 more packets were answered by the kernel'
	else
		reload && matches "$T/nsgd.log" '10.0.2.4:161, rule DenyRestOfData .*: 40 more packets were answered by the kernel'
	fi
}

t_traced() { # every new flow is, and is not answered meanwhile
	local hits status
	# what nsgd_trace sends may be answered until nsgd knows of the trace
	arrived_once && nsgd_trace && hits=$(answers hits) && arrived_once && arrived_once && settle &&
		is "$(answers hits)" "$hits" && is "$(ctl status -o json | jq -r .kernel.answers.used)" none &&
		eventually 2 eval '[ "$(jq -c "select(.dstPort == 5432)" "$T/trace.log" | wc -l)" = 2 ]'
	status=$?
	stop trace
	[ $status = 0 ] && eventually 2 eval '[ "$(ctl status -o json | jq -r .kernel.answers.used)" = all ]' &&
		arrived_once && arrived_once && [ "$(answers hits)" -gt "$hits" ]
}

t_logged() { # decisions = all, from a reload on
	local hits
	hits=$(answers hits)
	sed -i 's/^decisions = .*/decisions = all/' "$T/nsgd.conf" && reload && arrived_once && arrived_once && is "$(answers hits)" "$hits" || return 1
	sed -i 's/^decisions = .*/decisions = none/' "$T/nsgd.conf" && reload && arrived_once && arrived_once && [ "$(answers hits)" -gt "$hits" ]
}

t_foreign_bits() { # of an answered packet's mark
	in_ns app nft -f - <<-END
		table ip others {
			chain before { type route hook output priority mangle - 10; udp dport 7 meta mark set 0x40000005; }
			chain leaves {
				type filter hook postrouting priority 300
				udp dport 7 meta mark and 0xf000ffff == 0x40000005 counter name kept
				udp dport 7 meta mark and 0xf000ffff != 0x40000005 counter name lost
			}
			counter kept { }
			counter lost { }
		}
	END
	local hits
	arrivals "$T/first" in_ns app "$TRAFFIC" send udp 198.51.100.10:7 >/dev/null
	hits=$(answers hits)
	arrivals "$T/marked" in_ns app "$TRAFFIC" send -f 20 udp 198.51.100.10:7
	is "$(in_ns app nft -j list counters table ip others | jq -c '[.. | .packets? // empty]')" '[21,0]' &&
		! grep -q '^inet app0' "$T/marked" && [ $(($(answers hits) - hits)) -ge 18 ]
	local status=$?
	in_ns app nft delete table ip others
	return $status
}

# scan FIRST LAST: the ports of a host, at most as many as the queue holds.
scan() {
	awk -v first="$1" -v last="$2" 'BEGIN { for (p = first; p <= last; p++)
		printf "{\"id\":\"x\",\"protocol\":\"UDP\",\"src\":\"10.0.1.4\",\"srcPort\":%d,\"dst\":\"10.0.2.4\",\"dstPort\":%d}\n", p, p }' |
		in_ns app "$RAW" >/dev/null && settle
}

t_scan() { # a port scan changes no decision; LONG=1: it fills the map
	local i first rounds=${LONG:+5}
	scan 10000 18000 && [ "$(answers size)" -gt 4000 ] || return 1
	# a burst of new elements may outrun the growth of the kernel's hash table: what was not learned is queued again
	for ((i = 0; i < rounds && $(answers size) < 65535; i++)); do
		for ((first = 1; first < 65536; first += 16384)); do
			scan $first $((first + 16383 < 65535 ? first + 16383 : 65535)) || return 1
		done
	done
	if [ -n "$LONG" ]; then
		arrivals "$T/one" send_flows 1 2000
		is "$(answers size)" 65535 || return 1
		echo "# a reload with 65,535 answers: $(time_reload) ms"
	fi
	arrived_once && access Deny && ! arrived_once && access Allow && arrived_once
}

time_reload() {
	local start=${EPOCHREALTIME/./}
	reload
	echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

t_starts_short() {
	nsgd_stop && starts offload.answers-seconds=1
}

t_expired() {
	arrived_once && eventually 4 eval '[ "$(answers size)" = 0 ]' && arrived_once
}

t_audit() {
	nsgd_stop && starts nsgd.mode=audit && arrived_once && arrived_once && is "$(answers hits)" 0
}

t_source_ports() { # a policy that names them has no answers
	nsgd_stop
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowBranches")).sourcePortRange = "1-1000"'
	starts && arrived_once && arrived_once && is "$(answers hits)" 0 && is "$(answers size)" 0
}

t_off() {
	policy_copy
	route_all on
	nsgd_stop && starts offload.answers=no && arrived_once && arrived_once && is "$(answers hits)" 0 && nsgd_stop && nothing_left
}

fact "random flows arrive with answers where they arrive without, and most are answered" t_exact
fact "a destination that flips at each reload" t_flips
fact "a reload empties the map" t_emptied
fact "a flow that was allowed before teaches nothing" t_old_flow
fact "nor while a SYN on its tuple overtakes it" t_overtaken
fact "nor while flushConnection forgets it" t_forgotten flushed
fact "nor while a changed gate forgets it" t_forgotten gate_changed
fact "an answer that another program adds is removed" t_forged
fact "after a gap nothing is answered that was not decided since" t_gap
fact "a denial is answered, silently" t_denied_silently
fact "other programs' bits of the mark are kept" t_foreign_bits
fact "a scan fills the map, and changes no decision" t_scan
fact "stats count every packet once" t_counted
fact "a trace and a log of every decision see every new flow" t_traced
fact "decisions = all switches answers off" t_logged
fact "the log has a destination's first denial at once, and the sum of its repeats" t_journal
fact "answers are used for a second only" t_starts_short
fact "an answer expires" t_expired
fact "what expired unread has a row of its own" t_expired_unread
fact "audit has no answers" t_audit
fact "a policy with source ports has no answers" t_source_ports
fact "answers = no" t_off
lab_done
