#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# New flows to destinations that were decided before, answered by the kernel: exactly as without. FLOWS sets how
# many random flows are compared (10,000); SEED repeats a run.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make || exit 1
RAW=${RAW:-$BUILD/tests/netns/raw}
LONG=${LONG:-}
FLOWS=${FLOWS:-${LONG:+1000000}}
FLOWS=${FLOWS:-10000} FLIPS=${FLIPS:-${LONG:+1000}}
FLIPS=${FLIPS:-15} SEED=${SEED:-$RANDOM}
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

# flows FIRST COUNT: random flows to few destinations, as JSON Lines; each from a port of its own.
flows() {
	awk -v seed="$SEED" -v first="$1" -v count="$2" 'BEGIN {
		srand(seed + first)
		hosts = split("10.0.2.4 10.1.0.4 10.0.200.4 192.168.7.7 203.0.113.10 203.0.113.99 198.51.100.10 8.8.8.8 168.63.129.16", host)
		ports = split("7 22 53 80 161 443 514 5432", port)
		protocols = split("TCP TCP UDP UDP UDP ICMP 47 50", protocol)
		for (i = 0; i < count; i++)
			printf "{\"id\":\"%d\",\"protocol\":\"%s\",\"src\":\"10.0.1.4\",\"srcPort\":%d,\"dst\":\"%s\",\"dstPort\":%d}\n", i,
				protocol[1 + int(rand() * protocols)], 1024 + (first + i) % 60000, host[1 + int(rand() * hosts)],
				port[1 + int(rand() * ports)]
	}'
}

# arrivals FILE COMMAND...: what the command makes arrive, and where, sorted.
arrivals() {
	local -
	set +x
	local ns file=$1
	local -A skip
	shift
	for ns in vnet nva inet; do
		skip[$ns]=$(wc -l <"$T/sniff.$ns.log")
	done
	"$@" && settle || return 1
	for ns in vnet nva inet; do
		tail -n +$((skip[$ns] + 1)) "$T/sniff.$ns.log" | awk -v ns=$ns '$8 !~ /^settle/ { print ns, $1, $2, $4, $5, $6 }'
	done | sort -u >"$file"
}

send_flows() { # FIRST COUNT
	flows "$1" "$2" | in_ns app "$RAW" >/dev/null
}

starts() { # [SECTION.KEY=VALUE...]
	conf log.decisions=none "$@" && nsgd_start
}

t_exact() {
	local at round=20000 used=0
	for ((at = 0; at < FLOWS; at += round)); do
		[ $((FLOWS - at)) -ge $round ] || round=$((FLOWS - at))
		starts offload.answers=no && arrivals "$T/off" send_flows $at $round && nsgd_stop || return 1
		in_ns app conntrack -F 2>/dev/null
		starts && arrivals "$T/on" send_flows $at $round || return 1
		used=$((used + $(answers hits)))
		nsgd_stop
		in_ns app conntrack -F 2>/dev/null
		[ -s "$T/on" ] && diff "$T/off" "$T/on" >"$T/diff" || { : "seed $SEED: $(head "$T/diff")"; return 1; }
	done
	echo "# $FLOWS flows, $used answered"
	[ $((used * 2)) -gt "$FLOWS" ]
}

access() { # Allow|Deny: what the policy says of the database
	policy_edit nsg-integration.json \
		"(.securityRules[] | select(.name == \"AllowDatabase\")).access = \"$1\"" && reload
}

arrived_once() { # a new flow to the database
	SPORT=$((SPORT + 1))
	arrivals "$T/one" in_ns app "$HOSTILE" packet -f S tcp 10.0.1.4:$SPORT 10.0.2.4:5432 >/dev/null
	[ -s "$T/one" ]
}

t_flips() { # a destination whose fate changes with each reload: the next flow is decided by the new policy
	local i
	starts || return 1
	for ((i = 0; i < FLIPS; i++)); do
		access Deny && ! arrived_once && ! arrived_once && access Allow && arrived_once && arrived_once || return 1
	done
	[ "$(answers hits)" -ge $((2 * FLIPS)) ]
}

t_emptied() { # by a reload that changes the policy
	[ "$(answers size)" -gt 0 ] && access Deny && access Allow && [ "$(answers size)" -lt 5 ]
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
	local n
	in_ns app "$TRAFFIC" send udp 10.0.2.4:161 >/dev/null && settle && stat .packets >/dev/null || return 1
	n=$(stat '[.reasons[] | select(.reason == "answered by the kernel").packets] | add // 0')
	in_ns app "$TRAFFIC" send -f 40 -n 1 udp 10.0.2.4:161 >/dev/null
	eventually 5 eval '[ -z "$(in_ns app nft list map ip nsgd answers | grep 161)" ]' || return 1
	is "$(stat '[.reasons[] | select(.reason == "answered by the kernel").packets] | add // 0')" $((n + 40)) &&
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
	local hits
	arrived_once && hits=$(answers hits) && nsgd_trace && arrived_once && arrived_once && settle || return 1
	is "$(answers hits)" "$hits" && is "$(ctl status -o json | jq -r .kernel.answers.used)" none &&
		eventually 2 eval '[ "$(jq -c "select(.dstPort == 5432)" "$T/trace.log" | wc -l)" = 2 ]' || return 1
	stop trace
	eventually 2 eval '[ "$(ctl status -o json | jq -r .kernel.answers.used)" = all ]' &&
		arrived_once && arrived_once && [ "$(answers hits)" -gt "$hits" ]
}

t_logged() { # decisions = all, from a reload on
	local hits
	hits=$(answers hits)
	conf log.decisions=all && reload && arrived_once && arrived_once && is "$(answers hits)" "$hits" || return 1
	conf log.decisions=none && reload && arrived_once && arrived_once && [ "$(answers hits)" -gt "$hits" ]
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

t_scan() { # of every port of two hosts: the map is full, and everything is decided as before
	local host first
	for host in 10.1.0.4 10.0.2.4; do
		for ((first = 1; first < 65536; first += 16384)); do # as many as the queue and conntrack hold
			awk -v host=$host -v first=$first 'BEGIN { for (p = first; p < first + 16384 && p < 65536; p++)
				printf "{\"id\":\"x\",\"protocol\":\"UDP\",\"src\":\"10.0.1.4\",\"srcPort\":%d,\"dst\":\"%s\",\"dstPort\":%d}\n", p, host, p }' |
				in_ns app "$RAW" >/dev/null
			settle || return 1
			in_ns app conntrack -F 2>/dev/null
		done
	done
	[ "$(answers size)" -le 65535 ] && arrived_once && access Deny && ! arrived_once && access Allow && arrived_once
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
