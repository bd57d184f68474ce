#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The figures of live routes: bgp.sh OUTDIR BUILDDIR
# BIRD learns from two routers in namespaces, and what nsgd does is seen from outside: senders, and counters where
# packets arrive. Prints a table; OUTDIR gets bgp.json. CHANGES: how many changes are timed with each table.
# FLAP: the seconds of each flap. PREFIXES: a full table, one prefix a line, gzipped.
[ $# = 2 ] || {
	echo "usage: bgp.sh OUTDIR BUILDDIR" >&2
	exit 2
}
mkdir -p "$1" || exit 1
OUT=$(cd "$1" && pwd)
export BUILD
BUILD=$(cd "$2" && pwd)
HERE=$(cd "$(dirname "$0")" && pwd)
CHANGES=${CHANGES:-100}
FLAP=${FLAP:-60}
PREFIXES=${PREFIXES:-$HERE/../../../shared/data/routes/iprbench-prefixes.txt.gz}
. "$HERE/../netns/bird.sh"
lab_enter "$@"
export START_SECONDS=120
: >"$T/rows"

row() { # NAME TEXT VALUE UNIT [GOAL]
	jq -nc --arg name "$1" --arg text "$2" --argjson value "${3:-null}" --arg unit "$4" --argjson goal "${5:-null}" '
		{bench: "bgp", name: $name, text: $text, value: $value, unit: $unit, goal: $goal,
		 met: (if $goal == null or $value == null then null else $value <= $goal end)}' >>"$T/rows"
	printf '%-58s %12s %-6s %s\n' "$2" "${3:-failed}" "$4" "${5:+(goal: ${5})}"
}

die() {
	echo "bgp.sh: $*" >&2
	tail -n 20 "$T/nsgd.log" >&2
	exit 1
}

# ---- from a change to packets that follow it -----------------------------------------------------

# follow NAME TEXT: another route of the kernel's table, and the time until a first packet to it is answered.
follow() {
	local i us=
	for ((i = 0; i < CHANGES; i++)); do
		us+=$(in_ns app "$TRAFFIC" follow "10.67.$i.1:7" ip route add "10.67.$i.0/24" via 10.0.90.2 table 100 proto bird |
			sed -n 's/^followed_us=//p')$'\n'
		in_ns app ip route del "10.67.$i.0/24" table 100 proto bird
		eventually 60 routed "10.67.$i.1" None || die "a route was not withdrawn"
	done
	sort -n <<<"${us%?}" >"$T/us"
	row "$1-median" "update to decision, $2: median" "$(awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] / 1e3 }' "$T/us")" ms 100
	row "$1-p99" "update to decision, $2: 99 %" "$(awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR * 99 + 99) / 100)] / 1e3 }' "$T/us")" ms
}

# ---- what others wait while routes flap ----------------------------------------------------------

flapping() { # SECONDS: ten changes a second
	local i end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	for ((i = 0; ${EPOCHREALTIME/./} < end; i++)); do
		in_ns app ip route "$([ $((i % 2)) = 0 ] && echo add || echo del)" 10.66.0.0/16 via 10.0.90.2 table 100 proto bird 2>/dev/null
		sleep 0.1
	done
	in_ns app ip route flush 10.66.0.0/16 table 100
}

quiet() { # SECONDS
	sleep "$1"
}

waits() { # NAME TEXT COMMAND...
	local name=$1 text=$2
	shift 2
	spawn_ready verdict app "$TRAFFIC" latency 10.61.0.7:7 5 && spawn_ready loop app "$TRAFFIC" latency /run/nsgd/nsgd.sock 5 || die "no senders"
	pumped steady 1000 "$@"
	stop verdict && stop loop
	for what in verdict loop; do
		for figure in median p99 max; do
			row "$name-$what-$figure" "$text: $what, $figure" "$(sed -n "s/.* ${figure}_us=\([0-9.]*\).*/\1/p" "$T/$what.log")" us
		done
	done
	row "$name-unanswered" "$text: first packets without an answer" "$(sed -n 's/.* lost=\([0-9]*\).*/\1/p' "$T/verdict.log")" "" 0
	row "$name-lost" "$text: of ${SENT[steady]} packets to another route, lost" "$((SENT[steady] - ARRIVED[steady]))" "" 0
	row "$name-astray" "$text: misrouted" "${ASTRAY[steady]}" "" 0
}

# ---- events --------------------------------------------------------------------------------------

# event NAME TEXT "NAMES WITH A ROUTE THROUGHOUT" COMMAND...
event() {
	local name=$1 text=$2 routed=$3 to
	shift 3
	pumped "steady changing default" 500 "$@" || die "$text"
	for to in steady changing default; do
		row "$name-$to-astray" "$text: ${SENT[$to]} to ${PUMPED[$to]}, misrouted" "${ASTRAY[$to]}" "" 0
		case " $routed " in
		*" $to "*) row "$name-$to-lost" "$text: ${SENT[$to]} to ${PUMPED[$to]}, lost" "$((SENT[$to] - ARRIVED[$to]))" "" 0 ;;
		*) row "$name-$to-dropped" "$text: ${SENT[$to]} to ${PUMPED[$to]}, dropped" "$((SENT[$to] - ARRIVED[$to]))" "" ;;
		esac
	done
}

e_announce() {
	sleep 0.3
	announce one 10.61.0.0/16 10.50.0.0/16
	eventually 10 routed 10.50.0.7 VirtualNetworkGateway && sleep 0.3
}

e_withdraw() {
	sleep 0.3
	announce one 10.61.0.0/16
	eventually 10 routed 10.50.0.7 None && sleep 0.3
}

e_default() {
	announce one 10.61.0.0/16 10.50.0.0/16 0.0.0.0/0
	eventually 10 routed 203.0.113.99 VirtualNetworkGateway && sleep 0.3
}

e_no_default() {
	announce one 10.61.0.0/16 10.50.0.0/16
	eventually 10 routed 203.0.113.99 Internet && sleep 0.3
}

next_hop_is() { # IP ADDRESS...
	ctl show-next-hop --source-ip 10.0.1.4 --dest-ip "$1" -o json | jq -e --arg a "${*:2}" '.nextHopIpAddress == $a' >/dev/null
}

e_other_router() { # makes before it breaks, as BGP with two sessions can
	announce two 10.61.0.0/16 10.50.0.0/16
	eventually 10 next_hop_is 10.50.0.7 10.0.90.2 10.0.90.6 || return 1
	announce one 10.61.0.0/16
	eventually 10 next_hop_is 10.50.0.7 10.0.90.6 || return 1
	announce one 10.61.0.0/16 10.50.0.0/16
	eventually 10 next_hop_is 10.50.0.7 10.0.90.2 10.0.90.6 || return 1
	announce two 10.61.0.0/16
	eventually 10 next_hop_is 10.50.0.7 10.0.90.2
}

e_flap() {
	local i
	for i in {1..10}; do
		announce one 10.61.0.0/16
		sleep 0.1
		announce one 10.61.0.0/16 10.50.0.0/16
		sleep 0.1
	done
	eventually 10 routed 10.50.0.7 VirtualNetworkGateway
}

e_killed() {
	bird_stop app KILL
	sleep 0.5
	bird_start app "$@" && eventually 60 eval '[ "$(established app 2>/dev/null)" = 2 ] && ! birdc app show status | grep -q "Graceful restart"' &&
		eventually 20 routed 10.61.0.7 VirtualNetworkGateway && eventually 20 routed 10.50.0.7 VirtualNetworkGateway && sleep 0.3
}

e_flush() {
	in_ns app ip route flush table 100
	eventually 10 routed 10.61.0.7 None && birdc app restart kernel1 >/dev/null &&
		eventually 20 routed 10.61.0.7 VirtualNetworkGateway && eventually 20 routed 10.50.0.7 VirtualNetworkGateway && sleep 0.3
}

e_ten_thousand() {
	many one 10000
	eventually 60 routes_are 10001
}

# ---- the full table ------------------------------------------------------------------------------

memory() { # FIELD: MiB
	sed -n "s/^$1:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/${PIDS[nsgd]}/status" | awk '{ printf "%.0f", $1 / 1024 }'
}

full_table() {
	local n start
	{
		echo 'protocol static announced { ipv4; route 10.61.0.0/16 blackhole; route 10.50.0.0/16 blackhole;'
		zcat "$PREFIXES" | sed -n '/:/!s/^\([0-9./]*\).*/route \1 blackhole;/p'
		echo '}'
	} >"$T/one.routes"
	n=$(grep -o 'route [0-9]' "$T/one.routes" | wc -l)
	start=${EPOCHREALTIME/./}
	birdc one configure >/dev/null
	eventually 600 routes_are "$n" || die "$n routes are not in force"
	row full-bird "$n routes by BGP: announcement to in force" "$(((${EPOCHREALTIME/./} - start) / 1000))" ms
	# and read whole: nsgd starts
	nsgd_stop
	start=${EPOCHREALTIME/./}
	nsgd_start || die "no start with a full table"
	row full-start "$n routes: start until ready" "$(((${EPOCHREALTIME/./} - start) / 1000))" ms
	row full-cpu "$n routes: processor time of the start" "$(awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/${PIDS[nsgd]}/stat")" ms
	row full-memory "$n routes: memory" "$(memory VmRSS)" MiB
	row full-peak "$n routes: memory at most" "$(memory VmHWM)" MiB
	FULL="one among $n"
}

# ---- all of it -----------------------------------------------------------------------------------

bird_lab && count_arrivals || exit 1
in_ns one ip route add local 10.67.0.0/16 dev lo
conf bgp.table=100 bgp.protocol=bird subnet.watch=no capture.exclude=10.0.90.0/29 log.decisions=none
nsgd_start && bird_start_all || die "no start"
announce one 10.61.0.0/16
announce two 10.61.0.0/16
eventually 10 next_hop_is 10.61.0.7 10.0.90.2 10.0.90.6 || die "no routes"

follow one "one route"
event announce "a route is announced" "steady default" e_announce
event withdraw "it is withdrawn" "steady default" e_withdraw
e_announce
event default "0.0.0.0/0 is announced" "steady changing default" e_default
event no-default "it is withdrawn" "steady changing" e_no_default
event router "another router, and back" "steady changing default" e_other_router
event flap "a route flaps" "steady default" e_flap
event graceful "BIRD is killed, restarts gracefully" "steady changing default" e_killed -R
event killed "BIRD is killed, and started" "default" e_killed
event flush "the table is emptied, and filled" "default" e_flush
waits none "no changes" quiet "$FLAP"
waits flap "10 changes a second" flapping "$FLAP"
event ten-thousand "10,000 routes are announced" "steady default" e_ten_thousand
follow ten-thousand "one among 10,000"
announce one 10.61.0.0/16 10.50.0.0/16
if [ -r "$PREFIXES" ]; then
	full_table
	follow full "$FULL"
	waits full-none "full table, no changes" quiet "$FLAP"
	waits full-flap "full table, 10 changes a second" flapping "$FLAP"
fi
jq -s '{rows: ., goals: [.[] | select(.met != null) | {bench, name, ratio: .value, goal, met}]}' "$T/rows" >"$OUT/bgp.json"
nsgd_stop || exit 1
jq -e 'all(.goals[]; .met)' "$OUT/bgp.json" >/dev/null || echo "bgp.sh: goals that were not met: $(jq -r '[.goals[] | select(.met | not).name] | join(" ")' "$OUT/bgp.json")"
