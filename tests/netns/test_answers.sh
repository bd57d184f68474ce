#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# New flows to destinations that were decided before, answered by the kernel: exactly as without. FLOWS sets how
# many random flows are compared (10,000); SEED repeats a run.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make || exit 1
RAW=${RAW:-$BUILD/tests/netns/raw}
FLOWS=${FLOWS:-10000} SEED=${SEED:-$RANDOM}
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
	done | sort >"$file"
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
	for ((i = 0; i < 15; i++)); do
		access Deny && ! arrived_once && ! arrived_once && access Allow && arrived_once && arrived_once || return 1
	done
	[ "$(answers hits)" -ge 30 ]
}

t_emptied() { # by a reload that changes the policy
	[ "$(answers size)" -gt 0 ] && access Deny && access Allow && [ "$(answers size)" -lt 5 ]
}

t_denied_silently() { # and the sender sees no error
	local hits
	hits=$(answers hits)
	in_ns app "$TRAFFIC" send -f 20 -n 1 -w 50 udp 10.0.2.4:161 | grep -q 'sent=20 errors=0 replies=0' &&
		[ $(($(answers hits) - hits)) -ge 18 ]
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
	hits=$(answers hits)
	arrivals "$T/marked" in_ns app "$TRAFFIC" send -f 20 udp 198.51.100.10:7
	is "$(in_ns app nft -j list counters table ip others | jq -c '[.. | .packets? // empty]')" '[20,0]' &&
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

t_expired() {
	nsgd_stop && starts offload.answers-seconds=1 && arrived_once && eventually 4 eval '[ "$(answers size)" = 0 ]' && arrived_once
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
fact "an answer expires" t_expired
fact "audit has no answers" t_audit
fact "a policy with source ports has no answers" t_source_ports
fact "answers = no" t_off
lab_done
