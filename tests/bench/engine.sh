#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The packet engine's figures: engine.sh OUTDIR BUILDDIR [ROW...]
# Prints a table; OUTDIR gets engine.json ({"rows": [...], "goals": [...]}), engine-growth.dat and .svg.
# Every figure is a ratio of two runs side by side, the median of PAIRS pairs of SECONDS each. The sender
# has core CPU_SEND, the daemon core CPU_WORK; how far they are apart is measured with each pair.
[ $# -ge 2 ] || {
	echo "usage: engine.sh OUTDIR BUILDDIR [ROW...]" >&2
	exit 2
}
mkdir -p "$1" || exit 1
OUT=$(cd "$1" && pwd)
BUILD=$(cd "$2" && pwd)
ROWS=("${@:3}")
HERE=$(cd "$(dirname "$0")" && pwd)
SECONDS_EACH=${SECONDS_EACH:-1.5}
PAIRS=${PAIRS:-5}
CPU_SEND=${CPU_SEND:-0}
CPU_WORK=${CPU_WORK:-1}
DATA=${DATA:-$HERE/../../../shared/data}
. "$HERE/../netns/lib.sh"
lab_enter "$@"
FLOOD=$BUILD/tests/bench/flood
NULL=$BUILD/tests/bench/null_engine
TO=10.0.2.4 # allowed; .5 is denied
: >"$OUT/engine.rows"

# ---- the place -------------------------------------------------------------------------------

# `app` has nsgd, `far` counts and drops what comes to ports 9000 to 9019 before it costs anything. `bare`
# is the same without conntrack.
place() {
	lab_ns app far bare barefar &&
		lab_link app e0 10.0.1.4/26 far e0 10.0.1.1/26 &&
		lab_link bare e0 10.0.1.4/26 barefar e0 10.0.1.1/26 || return 1
	local ns
	for ns in far barefar; do
		in_ns $ns ip address add 10.0.2.4/32 dev lo
		in_ns $ns ip address add 10.0.2.5/32 dev lo
		in_ns $ns nft -f - <<-END
			table ip sink {
				counter got { }
				chain c { type filter hook prerouting priority -400; udp dport 9000-9019 counter name got drop; }
			}
		END
	done
	in_ns far ip route add local 10.230.0.0/15 dev lo
	for ns in app bare; do
		in_ns $ns ip route add 10.0.0.0/8 via 10.0.1.1
		in_ns $ns ip route add default via 10.0.1.1
		in_ns $ns "$TRAFFIC" send -w 2000 icmp 10.0.1.1 >/dev/null || return 1
	done
	spawn_ready echo far "$TRAFFIC" serve udp:7 && spawn iperf far taskset -c "$CPU_WORK" iperf3 -s --forceflush &&
		eventually 5 matches "$T/iperf.log" listening
}

# policy DIR RULES HOPS [ROUTES [TAGS]]: a subnet whose rules allow 10.0.2.4 and deny 10.0.2.5, both by
# the last of so many rules; so many appliances; with so many gateway routes all traffic enters.
policy() {
	local dir=$1 tags=${5:-}
	mkdir -p "$dir"
	jq -n --argjson hops "$3" '{type: "Microsoft.Network/virtualNetworks", name: "vnet", location: "westeurope",
		id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/vnet",
		addressSpace: {addressPrefixes: ["10.0.0.0/8"]},
		subnets: [{name: "apps", addressPrefix: "10.0.1.0/26",
			delegations: [{serviceName: "Microsoft.Web/serverFarms"}],
			networkSecurityGroup: {id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"},
			routeTable: {id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/routes"}}]}' \
		>"$dir/vnet.json"
	jq -n --argjson rules "$2" --argjson tags "${tags:-[]}" '
		def rule($i; $access; $destination): {name: "rule\($i)", priority: (100 + $i), direction: "Outbound",
			access: $access, protocol: "Udp", sourceAddressPrefix: "*", sourcePortRange: "*",
			destinationAddressPrefix: $destination, destinationPortRange: "\(1000 + $i % 7000)-\(9100 + $i % 5000)"};
		{type: "Microsoft.Network/networkSecurityGroups", name: "nsg", location: "westeurope",
		 id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg",
		 securityRules: ([range($rules - 2) as $i | rule($i; "Deny";
			if $i > 0 and $i <= ($tags | length) then $tags[$i - 1] else "10.\(128 + $i % 100).\($i / 100 | floor).0/24" end)] +
			[rule($rules - 2; "Deny"; "10.0.2.5/32"), rule($rules - 1; "Allow"; "10.0.2.4/32")])}' \
		>"$dir/nsg.json"
	jq -n --argjson hops "$3" '{type: "Microsoft.Network/routeTables", name: "routes", location: "westeurope",
		id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/routes",
		routes: [range($hops) | {name: "hop\(.)", addressPrefix: "10.\(64 + . / 200 | floor).\(. % 200).0/24",
			nextHopType: "VirtualAppliance", nextHopIpAddress: "10.0.1.\(5 + . % 50)"}]}' >"$dir/routes.json"
	[ "${4:-0}" = 0 ] || echo '[{"name": "WEBSITE_VNET_ROUTE_ALL", "value": "1"}]' >"$dir/settings.json"
	[ "${4:-0}" = 0 ] ||
		jq -n --argjson n "$4" '{value: [range($n) | {network: "11.\(. / 256 | floor).\(. % 256).0/24",
			nextHop: "10.0.1.62", origin: "EBgp", asPath: "65001", sourcePeer: "10.0.1.62", weight: 32768,
			localAddress: "10.0.1.61"}]}' >"$dir/bgp.json"
}

# A rule of the policy and a route change their minds; nothing that is sent is concerned, CHANGED is.
CHANGED=(--protocol udp --src 10.0.1.4:1024 --dst 10.128.0.1:5000)
policy_touch() {
	ln -f "$T/variant$(($1 % 2))"/*.json "$T/policy"
}

# Made before anything is measured: the tools that write JSON would take processors which the reloads are
# measured on. The rest of what a reload needs besides nsgd is one ln, two nsgctl.
policy_variants() {
	local n
	for n in 0 1; do
		mkdir -p "$T/variant$n"
		jq --arg access "$(changed_access $n)" '.securityRules[0].access = $access' \
			"$T/policy/nsg.json" >"$T/variant$n/nsg.json"
		jq --argjson n $n '.routes[0].addressPrefix = "10.60.\($n).0/24"' \
			"$T/policy/routes.json" >"$T/variant$n/routes.json"
	done
}

changed_access() {
	[ $(($1 % 2)) = 0 ] && echo Deny || echo Allow
}

policy_touch_all() {
	policy_touch "$1"
	local f
	for f in "$T"/policy/*.json; do
		{ cat "$f"; echo; } >"$T/policy/.n" && mv "$T/policy/.n" "$f"
	done
}

# pin NAME: those of its threads that see packets on the daemon's core; nsgd's main thread runs where it can.
pin() {
	local task
	for task in /proc/"${PIDS[$1]}"/task/*; do
		case $(cat "$task/comm") in
		nsgd) ;;
		*) taskset -pc "$CPU_WORK" "${task##*/}" >/dev/null ;;
		esac
	done
}

# ---- the sides -------------------------------------------------------------------------------

side_nsgd() { # CONF...
	conf "subnet.watch=no" "log.decisions=none" "$@"
	nsgd_start && pin nsgd
	WORKER=nsgd
}

# nsgd's own table with another program at the queue: the best that any daemon could do.
side_null() { # VERDICT [one] -- CONF...
	local how=()
	while [ "$1" != -- ]; do
		how+=("$1")
		shift
	done
	shift
	conf "subnet.watch=no" "log.decisions=none" "$@"
	nsgd_start && nsgd_kill 2>/dev/null && spawn_ready null app "$NULL" 0 "${how[@]}" && pin null
	WORKER=null
}

# The rules and routes that nsgd made, and one rule instead of its table.
side_bare() { # CONF...
	conf "subnet.watch=no" "log.decisions=none" "$@"
	nsgd_start && nsgd_kill 2>/dev/null && in_ns app nft -f - <<-END
		delete table ip nsgd
		table ip bare {
			chain output {
				type filter hook output priority mangle;
				ct mark and 0x0fff0000 == 0x08000000 ct direction original accept
				ct mark set ct mark or 0x08000000
			}
		}
	END
	WORKER=
}

# What a user would write by hand, in full: decided flows pass; a destination's mark from a map, which becomes the
# connection's. KNOWN other destinations are in the map. It does not route by the mark, and so costs less than it would.
side_hand_map() {
	side_bare subnet.watch=no && in_ns app nft -f - <<-END
		delete table ip bare
		table ip bare {
			map known {
				type inet_proto . ipv4_addr . inet_service : mark
				elements = { $(for ((p = 9000; p < 9020; p++)); do echo "udp . $TO . $p : 0x08000000,"; done)
					udp . $TO . 7 : 0x08000000 }
			}
			chain output {
				type filter hook output priority mangle
				ct mark and 0x08000000 != 0 accept
				meta mark set ip protocol . ip daddr . th dport map @known
				ct mark set meta mark
			}
		}
		$(known_elements)
	END
}

known_elements() {
	[ "${KNOWN:-1}" -gt 1 ] || return 0
	awk -v n="$KNOWN" 'BEGIN {
		printf "add element ip bare known { "
		for (i = 1; i < n; i++)
			printf "udp . 10.230.%d.%d . 9000 : 0x08000000%s", i / 256, i % 256, i < n - 1 ? ", " : " }\n"
	}'
}

# The rules of the policy as rules of nft, one each.
side_hand_rules() {
	side_bare subnet.watch=no && in_ns app nft -f - <<-END
		delete table ip bare
		table ip bare {
			chain output {
				type filter hook output priority mangle
				ct mark and 0x08000000 != 0 accept
				$(jq -r '.securityRules[] | "udp dport \(.destinationPortRange) ip daddr \(.destinationAddressPrefix) " +
					(if .access == "Deny" then "drop" else "ct mark set ct mark or 0x08000000 accept" end)' "$T/policy/nsg.json")
			}
		}
	END
}

# nsgd with answers for KNOWN destinations, ours among them.
side_answers() {
	local size i
	side_nsgd subnet.watch=no || return 1
	for i in {9000..9019}; do
		in_ns app "$TRAFFIC" send udp "$TO:$i" >/dev/null
		in_ns app "$TRAFFIC" send udp "10.0.2.5:$i" >/dev/null
	done
	in_ns app "$TRAFFIC" send udp "$TO:7" >/dev/null
	eventually 5 queue_empty || return 1
	[ "${KNOWN:-1}" -gt 1 ] || return 0
	# a burst may outrun the growth of the kernel's hash table
	for ((i = 0; i < 5; i++)); do
		in_ns app "$FLOOD" "$CPU_SEND" 10 0 "$TO:9000" 64 100 "$KNOWN" >/dev/null
		eventually 10 queue_empty || return 1
		in_ns app conntrack -F >/dev/null 2>&1
		size=$(ctl status -o json | jq .kernel.answers.size)
		[ "$size" -lt $((KNOWN * 98 / 100)) ] || return 0
	done
}

side_off() {
	stop null
	if [ -n "${PIDS[nsgd]:-}" ]; then
		nsgd_stop
	elif [ -s "$T/nsgd.conf" ]; then
		in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup
	fi
	in_ns app nft delete table ip bare 2>/dev/null
	in_ns app conntrack -F >/dev/null 2>&1
	WORKER=
}

# ---- measuring -------------------------------------------------------------------------------

got() { # NS
	in_ns "$1" nft -j list counter ip sink got | jq '[.. | .packets? // empty][0]'
}

cpu_ns() {
	cat /proc/"${PIDS[$WORKER]}"/task/*/schedstat 2>/dev/null | awk '{ n += $1 } END { printf "%.0f", n }'
}

distance() {
	"$FLOOD" "$CPU_SEND" 0.1 distance "$CPU_WORK"
}

# What the kernel's queue 0 in the app's namespace dropped, for lack of room in it or in the socket.
queue_dropped() {
	in_ns app awk '$1 == 0 { n = $6 + $7 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue
}

queue_empty() {
	in_ns app awk '$1 == 0 && $3 { exit 1 }' /proc/net/netfilter/nfnetlink_queue
}

# New flows are not more than the connection table holds.
MOST=$(($(cat /proc/sys/net/netfilter/nf_conntrack_max) * 3 / 4))

# run_flood FLOWS [ADDRESS [SIZE [OTHERS]]]: RATE of packets at the far end a second, SENT of those sent, COST in
# microseconds of the daemon's processor a packet sent, LOST those sent that neither arrived nor were
# dropped by a full queue. Figures are read by name, in pairs.
# shellcheck disable=SC2034
run_flood() {
	local flows=$1 to=${2:-$TO} size=${3:-64} ns=${FLOOD_NS:-app} far=far before cpu=0 dropped most=
	[ "$flows" != 0 ] || most=$MOST
	[ "$ns" = app ] || far=barefar
	before=$(got "$far") dropped=$(queue_dropped)
	[ -z "$WORKER" ] || cpu=$(cpu_ns)
	in_ns "$ns" "$FLOOD" "$CPU_SEND" "$SECONDS_EACH" "$flows" "$to:9000" "$size" "${4:-0}" $most >"$T/flood.out" || return 1
	eventually 5 queue_empty
	[ -z "$WORKER" ] || cpu=$(($(cpu_ns) - cpu))
	read -r RATE SENT COST LOST < <(sed 's/[a-z_]*=//g' "$T/flood.out" | awk -v got=$(($(got "$far") - before)) \
		-v cpu="$cpu" -v dropped=$(($(queue_dropped) - dropped)) \
		'{ printf "%.0f %.0f %.3f %d\n", got / $3, $1 / $3, $1 ? cpu / 1000 / $1 : 0, $1 - got - dropped }')
}

run_tcp() { # RATE in bits a second
	RATE=$(in_ns app taskset -c "$CPU_SEND" iperf3 -J -c "$TO" -t "$SECONDS_EACH" 2>/dev/null |
		jq '.end.sum_received.bits_per_second | floor')
	COST=0
}

# shellcheck disable=SC2034
run_ping() { # RATE in nanoseconds
	RATE=$(in_ns app "$FLOOD" "$CPU_SEND" "$SECONDS_EACH" ping "$TO:7" | sed 's/.*median_ns=//')
	COST=0
}

median() {
	sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# pairs ROW WHAT GOAL at-least|at-most FIGURE(RATE|SENT|COST) A B RUN...: A and B alternate, each a
# function that makes its side; the ratio is A's figure by B's.
pairs() {
	local row=$1 what=$2 goal=$3 sense=$4 figure=$5 a=$6 b=$7 i=0 tries=0 far first=
	shift 7
	wanted "$row" || return 0
	: >"$T/ratios" && : >"$T/as" && : >"$T/bs" && : >"$T/costs" && : >"$T/far"
	while [ $i -lt "$PAIRS" ] && [ $tries -lt $((3 * PAIRS)) ]; do
		tries=$((tries + 1))
		far=$(distance)
		first=${first:-$far}
		# another machine's pair, in effect: once more
		awk -v a="$far" -v b="$first" 'BEGIN { exit !(a > 1.3 * b || b > 1.3 * a) }' && {
			first=$far
			continue
		}
		local -A value=() cost=()
		local side
		for side in $([ $((i % 2)) = 0 ] && echo a b || echo b a); do
			"${!side}" || { side_off; echo "engine.sh: $row: cannot make ${!side}" >&2; tail -n 3 "$T/nsgd.log" >&2; return 1; }
			"$@" || { side_off; return 1; }
			value[$side]=${!figure} cost[$side]=$COST
			side_off
		done
		awk -v a="${value[a]}" -v b="${value[b]}" 'BEGIN { if (a <= 0 || b <= 0) exit 1; printf "%.4f\n", a / b }' \
			>>"$T/ratios" || continue
		echo "${value[a]}" >>"$T/as"
		echo "${value[b]}" >>"$T/bs"
		echo "${cost[a]} ${cost[b]}" >>"$T/costs"
		echo "$far" >>"$T/far"
		i=$((i + 1))
	done
	[ -s "$T/ratios" ] || { echo "engine.sh: $row: no pair" >&2; return 1; }
	report "$row" "$what" "$goal" "$sense"
}

report() {
	jq -cn --arg row "$1" --arg what "$2" --argjson goal "$3" --arg sense "$4" \
		--argjson ratio "$(median <"$T/ratios")" --argjson min "$(sort -g "$T/ratios" | head -n 1)" \
		--argjson max "$(sort -g "$T/ratios" | tail -n 1)" --argjson a "$(median <"$T/as")" \
		--argjson b "$(median <"$T/bs")" --argjson far "$(median <"$T/far")" --argjson pairs "$(wc -l <"$T/ratios")" \
		--argjson cost_a "$(cut -d' ' -f1 "$T/costs" | median)" --argjson cost_b "$(cut -d' ' -f2 "$T/costs" | median)" \
		'{bench: "engine", name: $row, what: $what, ratio: $ratio, min: $min, max: $max, pairs: $pairs, a: $a, b: $b,
		  cpu_us_a: $cost_a, cpu_us_b: $cost_b, core_distance_ns: $far, goal: (if $goal == 0 then null else $goal end),
		  met: (if $goal == 0 then null elif $sense == "at-least" then $ratio >= $goal else $ratio <= $goal end)}' |
		tee -a "$OUT/engine.rows" |
		jq -r '[.name, .ratio, .min, .max, .a, .b, .cpu_us_a, .cpu_us_b, (.goal // "-"),
			(if .met == null then "" elif .met then "met" else "NOT MET" end)] | @tsv' |
		awk -F'\t' '{ printf "%-28s %7.3f  %6.3f-%-6.3f %12.0f %12.0f  %6.2f %6.2f  %5s %s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }'
}

wanted() {
	local row
	[ ${#ROWS[@]} -gt 0 ] || return 0
	for row in "${ROWS[@]}"; do
		[[ $1 != $row* ]] || return 0
	done
	return 1
}

# ---- the rows --------------------------------------------------------------------------------

EVERY="offload.established=no"

nsgd_every() { side_nsgd "$EVERY"; }
nsgd_offload() { side_nsgd "subnet.watch=no" "offload.answers=no"; }
# Under this table the best daemon's verdict is "allowed" with the mark that the kernel remembers.
null_every() { side_null 0x08000000 -- "$EVERY"; }
null_one() { side_null 0x08000000 one -- "$EVERY"; }
null_save() { side_null 0x08000000 -- subnet.watch=no offload.answers=no; }
null_answers() { side_null 0x08000000 -- subnet.watch=no; }
null_drop() { side_null drop -- "$EVERY"; }
bare_ct() { side_bare subnet.watch=no; }
nothing() { WORKER=; }

nsgd_trace_on() {
	side_nsgd "$EVERY" && spawn trace app "$NSGCTL" trace -o jsonl && sleep 0.3 && : >"$T/trace.log"
}

nsgd_excluding() { side_nsgd "capture.exclude=$EXCLUDES"; }

# Packets queued by a rule of their own, without connection tracking.
plain_null() {
	in_ns bare iptables -t mangle -A OUTPUT -p udp --dport 9000 -j NFQUEUE --queue-num 0 || return 1
	spawn_ready null bare "$NULL" 0 accept && pin null
	WORKER=null
}

run_plain() {
	FLOOD_NS=bare run_flood "$@"
	local status=$?
	in_ns bare iptables -t mangle -F OUTPUT 2>/dev/null
	return $status
}

rows_queued() {
	rm -rf "$T/policy"
	policy "$T/policy" 1000 1
	pairs void-check "null engine without conntrack / unfiltered (void below 0.40 far, 0.70 near)" 0 at-least RATE \
		plain_null nothing run_plain 64
	pairs queued-pps "every packet queued, 1,000 rules / null engine" 0.90 at-least RATE nsgd_every null_every run_flood 64
	pairs queued-cpu "the same, CPU a packet" 1.20 at-most COST nsgd_every null_every run_flood 64
	pairs queued-one-by-one "the same / libnetfilter_queue one by one" 2.2 at-least RATE nsgd_every null_one run_flood 64
	pairs queued-tcp "TCP bulk, every packet / null engine" 0.95 at-least RATE nsgd_every null_every run_tcp
	pairs queued-rtt "round trip / null engine's" 1.1 at-most RATE nsgd_every null_every run_ping
	pairs queued-trace "trace of every decision on / off" 0.85 at-least RATE nsgd_trace_on nsgd_every run_flood 64
}

rows_offload() {
	local n
	for n in 0 1 100; do
		rm -rf "$T/policy"
		policy "$T/policy" 1000 1
		EXCLUDES=$(for ((i = 0; i < n; i++)); do printf '%s172.20.%d.0/24' "$([ $i = 0 ] || printf '\n  ')" "$i"; done)
		pairs "offload-excluded-$n" "UDP of a decided flow, $n excluded prefixes / ct-mark rule" 0.90 at-least RATE \
			nsgd_excluding bare_ct run_flood 64
	done
	for n in 1 40 400; do
		rm -rf "$T/policy"
		policy "$T/policy" 1000 "$n"
		pairs "offload-hops-$n" "UDP of a decided flow, $n next hops / ct-mark rule" 0.90 at-least RATE \
			nsgd_offload bare_ct run_flood 64
	done
	rm -rf "$T/policy"
	policy "$T/policy" 1000 1
	pairs offload-tcp "TCP bulk of a decided flow / nft accept" 0.95 at-least RATE nsgd_offload bare_ct run_tcp
	pairs offload-new-flows "new flows a second / null engine + ct mark" 0.90 at-least RATE nsgd_offload null_save run_flood 0
	pairs denied-again "flood of 1,024 denied flows / null engine dropping" 1.5 at-least SENT nsgd_offload null_drop \
		run_flood 1024 10.0.2.5
	pairs denied-new "flood of new denied flows / null engine dropping" 0.90 at-least SENT nsgd_offload null_drop \
		run_flood 0 10.0.2.5
}

# Both processors busy with other programs of equal priority while the command runs.
loaded() {
	local cpu status
	for cpu in $CPU_SEND $CPU_WORK; do
		spawn busy$cpu app taskset -c "$cpu" sh -c 'while :; do :; done'
	done
	"$@"
	status=$?
	for cpu in $CPU_SEND $CPU_WORK; do
		stop busy$cpu KILL
	done
	return $status
}

# shellcheck disable=SC2034
run_first() { # [first-other]: RATE in nanoseconds, of a new flow each
	RATE=$(in_ns app "$FLOOD" "$CPU_SEND" "$SECONDS_EACH" "${1:-first}" "$TO:7" | sed 's/.*median_ns=//')
	COST=0
}

# Against what a user would write by hand.
rows_answers() {
	local how run before
	rm -rf "$T/policy"
	policy "$T/policy" 1000 1
	for how in quiet loaded; do
		run=
		[ $how = quiet ] || run=loaded
		pairs "answers-new-flows-$how" "new flows a second to a known destination, $how / look-up in a map by hand" 0.78 \
			at-least RATE side_answers side_hand_map $run run_flood 0
		pairs "answers-rules-$how" "the same / the 1,000 rules as nft rules" 1.8 at-least RATE \
			side_answers side_hand_rules $run run_flood 0
		pairs "answers-first-$how" "first round trip, known destination, $how / ct-mark rule" \
			"$([ $how = quiet ] && echo 1.05 || echo 1.2)" at-most RATE side_answers bare_ct $run run_first
		pairs "answers-unknown-$how" "first round trip, unknown destination, $how / null engine" 1.05 at-most RATE \
			side_answers null_answers $run run_first first-other
		pairs "answers-unknown-bare-$how" "the same / ct-mark rule" "$([ $how = quiet ] && echo 1.1 || echo 3)" at-most RATE \
			side_answers bare_ct $run run_first first-other
	done
	pairs answers-decided "UDP of a decided flow / ct-mark rule" 0.95 at-least RATE side_answers bare_ct run_flood 64
	pairs answers-denied "flood of denied flows, one known destination / null engine dropping" 1.2 at-least SENT \
		side_answers null_drop run_flood 0 10.0.2.5
	wanted answers-idle || return 0
	side_answers || return 1
	run_flood 0 10.0.2.5 && figure answers-denied-cpu "daemon's CPU ns a packet of that flood" \
		"$(awk -v us="$COST" 'BEGIN { printf "%d", us * 1000 }')" 0
	before=$(ticks)
	sleep 20
	figure answers-idle "ticks of an idle daemon in 20 s" $(($(ticks) - before)) 0
	side_off
}

ticks() {
	awk '{ print $14 + $15 }' "/proc/${PIDS[nsgd]}/stat"
}

rows_reload() {
	local tags='[]'
	wanted reload || return 0
	RELOADS=0 RELOADS_SEEN=0 RELOADS_LOST=0
	rm -rf "$T/policy"
	if ls "$DATA"/service-tags/*.json.gz >/dev/null 2>&1; then
		zcat "$DATA"/service-tags/*.json.gz >"$T/tags.json"
		tags=$(jq -c '[.values[] | select(.properties.addressPrefixes | any(contains(".")))
			| .name | select(startswith("AzurePlatform") | not)][:900]' "$T/tags.json")
	fi
	policy "$T/policy" 1000 40 10000 "$tags"
	[ ! -s "$T/tags.json" ] || mv "$T/tags.json" "$T/policy/tags.json"
	policy_variants
	SECONDS_EACH=4 PAIRS=${PAIRS_RELOAD:-3} pairs reload-one "one rule and one route differ, once a second / no reloads" \
		0.97 at-least RATE reloading_one still run_reloading
	SECONDS_EACH=4 PAIRS=${PAIRS_RELOAD:-3} pairs reload-all "all files differ, once a second / no reloads" \
		0.80 at-least RATE reloading_all still run_reloading
	figure reload-lost "packets lost by them" "$RELOADS_LOST" 0
	figure reload-seen "reloads whose change decided at once, of $RELOADS" "$RELOADS_SEEN" "$RELOADS"
}

GATEWAY=(nexthop:VirtualNetworkGateway.via=10.0.1.1 nexthop:VirtualNetworkGateway.dev=e0)
reloading_one() { side_nsgd "$EVERY" "${GATEWAY[@]}" && TOUCH=policy_touch; }
reloading_all() { side_nsgd "$EVERY" "${GATEWAY[@]}" && TOUCH=policy_touch_all; }
still() { side_nsgd "$EVERY" "${GATEWAY[@]}" && TOUCH=; }

# Reloads until it is killed. Each one's change is asked for: what the daemon decides now is in $T/reloads,
# "yes" when it is what the files say.
reloader() {
	local n=0 access answer
	while "$TOUCH" $((n += 1)); do
		ctl reload >"$T/reload.out" 2>&1 || cat "$T/reload.out" >&2
		answer=$(ctl explain "${CHANGED[@]}" -o jsonl)
		[ $((n % 2)) = 0 ] && access=Deny || access=Allow
		[[ $answer == *"\"access\":\"$access\""* ]] && echo yes >>"$T/reloads" || echo no >>"$T/reloads"
		sleep 1
	done
}

run_reloading() {
	local pid=
	: >"$T/reloads"
	if [ -n "$TOUCH" ]; then
		reloader &
		pid=$!
	fi
	run_flood 64 || return 1
	[ -n "$pid" ] || return 0
	kill $pid
	wait $pid 2>/dev/null
	RELOADS=$((RELOADS + $(wc -l <"$T/reloads")))
	RELOADS_SEEN=$((RELOADS_SEEN + $(grep -c yes "$T/reloads")))
	RELOADS_LOST=$((RELOADS_LOST + LOST))
}

# ---- figures that are no ratio ---------------------------------------------------------------

# figure NAME WHAT VALUE [WANTED]: equal to what is wanted, or without a goal.
figure() {
	jq -cn --arg name "$1" --arg what "$2" --argjson value "$3" --argjson goal "${4:-null}" \
		'{bench: "engine", name: $name, what: $what, value: $value, goal: $goal,
		  met: (if $goal == null then null else $value == $goal end)}' >>"$OUT/engine.rows"
	printf '%-28s %7s  %s%s\n' "$1" "$3" "$2" "$([ -z "${4:-}" ] || { [ "$3" = "$4" ] && echo ', met' || echo ", NOT MET ($4)"; })"
}

milliseconds() { # COMMAND...: in MS
	local start=${EPOCHREALTIME/./}
	"$@" || return 1
	MS=$(((${EPOCHREALTIME/./} - start) / 1000))
}

# The table, the rules, a next hop's routes: another program takes them away, and they are back.
rows_repair() {
	local what
	wanted repair || return 0
	rm -rf "$T/policy"
	policy "$T/policy" 1000 40
	for what in table rules routes; do
		nsgd_offload || return 1
		lasting_state >"$T/whole"
		take_away_$what
		milliseconds eventually 5 repaired && figure "repair-$what" "ms until foreign deletion is undone" "$MS"
		side_off
	done
}

take_away_table() { in_ns app nft flush ruleset; }
take_away_rules() {
	in_ns app ip rule flush && in_ns app ip rule add pref 32766 lookup main &&
		in_ns app ip rule add pref 32767 lookup default
}
take_away_routes() { in_ns app ip route flush table 21001; }
repaired() { cmp -s "$T/whole" <(lasting_state); }
# An element of the table goes away by itself: how long it still is there differs.
lasting_state() { kernel_state | sed 's/timeout [0-9].*//'; }

# Decided connections whose marks are all rewritten: by a reload that forgets decisions, and by a stop.
rows_marks() {
	wanted marks || return 0
	rm -rf "$T/policy"
	policy "$T/policy" 1000 1
	nsgd_offload && SECONDS_EACH=3 run_flood 200000 || return 1
	figure marks-connections "decided connections in the kernel" \
		"$(in_ns app conntrack -L -m 0x08000000/0x08000000 2>/dev/null | wc -l)"
	jq '.flushConnection = true' "$T/policy/nsg.json" >"$T/policy/.n" && mv "$T/policy/.n" "$T/policy/nsg.json"
	milliseconds ctl reload && figure marks-reload "ms of a reload that forgets their decisions" "$MS"
	milliseconds nsgd_stop && figure marks-stop "ms of a stop" "$MS"
	figure marks-left "connections with a mark of ours after it" \
		"$(in_ns app conntrack -L 2>/dev/null | grep -c 'mark=[1-9]')" 0
	side_off
}

# ---- growth ----------------------------------------------------------------------------------

# growth KIND N A B RUN...: a row without a goal, and a point of the plot.
growth() {
	local kind=$1 n=$2
	shift 2
	wanted "growth-$kind-$n" || return 0
	PAIRS=${PAIRS_GROWTH:-3} pairs "growth-$kind-$n" "$n: $1 / $2" 0 at-least RATE "$@" &&
		tail -n 1 "$OUT/engine.rows" | jq -r --arg kind "$kind" --arg n "$n" \
			'"\($kind) \($n) \(1e9 / .a | round) \(1e9 / .b | round)"' >>"$T/growth.dat"
}

rows_growth() {
	local n
	: >"$T/growth.dat"
	rm -rf "$T/policy"
	policy "$T/policy" 1000 1
	for n in 1 100 10000 200000; do
		SECONDS_EACH=3 growth queued-flows $n nsgd_every null_every run_flood $n
		SECONDS_EACH=3 growth offload-flows $n nsgd_offload bare_ct run_flood $n
	done
	# the largest: with its frame's header it is still one GSO packet, which no link cuts
	for n in 64 512 1500 16384 65500; do
		growth bytes $n nsgd_every null_every run_flood 64 "$TO" $n
	done
	for n in 1 100 10000 65535; do
		KNOWN=$n growth known $n side_answers side_hand_map run_flood 0
	done
	for n in 0 25 50 75 90 100; do
		growth share $n side_answers nsgd_offload run_flood 0 "$TO" 64 $((100 - n))
	done
	for n in 10 100 1000; do
		rm -rf "$T/policy"
		policy "$T/policy" $n 1
		growth rules $n nsgd_every null_every run_flood 64
	done
	wanted growth || return 0 # a part of it makes no plot
	cp "$T/growth.dat" "$OUT/engine-growth.dat"
	gnuplot -e "dat='$OUT/engine-growth.dat'; svg='$OUT/engine-growth.svg'" "$HERE/engine.gnuplot"
}

place || exit 1
printf '%-28s %7s  %-13s %12s %12s  %6s %6s  %5s\n' row ratio min-max a b 'us a' 'us b' goal
rows_queued
rows_offload
rows_answers
rows_reload
rows_repair
rows_marks
rows_growth
jq -s '{rows: ., goals: [.[] | select(.goal != null) | {bench, name, ratio: (.ratio // .value), goal, met}]}' "$OUT/engine.rows" >"$OUT/engine.json" &&
	rm "$OUT/engine.rows"
