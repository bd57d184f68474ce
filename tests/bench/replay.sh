#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The figures of replay: replay.sh OUTDIR BUILDDIR. Prints a table; OUTDIR gets replay.json.
# Every figure is the packets a second of nsgctl over those of tcpdump -r FILE -w /dev/null, both run in
# turn: the median of PAIRS pairs.
set -u
OUT=$(cd "$1" && pwd) && BUILD=$(cd "$2" && pwd) || exit 2
HERE=$(cd "$(dirname "$0")" && pwd)
PAIRS=${PAIRS:-5}
PACKETS=${PACKETS:-1500000}
NSGCTL=("$BUILD/src/nsgctl/nsgctl" -p "$HERE/../../conf/policy")
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
: >"$T/rows"

seconds() { # COMMAND...
	local start=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1 || return 1
	echo $((${EPOCHREALTIME/./} - start))
}

# row NAME TEXT GOAL FILE ARGUMENT...
row() {
	local name=$1 text=$2 goal=$3 file=$4 i a b
	shift 4
	for ((i = 0; i < PAIRS; i++)); do
		if ! a=$(seconds tcpdump -r "$file" -w /dev/null) ||
			! b=$(seconds "${NSGCTL[@]}" replay "$@" "$file"); then
			echo "replay.sh: $name failed" >&2
			return 1
		fi
		echo "$a $b"
	done | awk -v OFMT=%.3f '{ print $1 / $2, $1, $2 }' | sort -n >"$T/pairs"
	jq -nRc --arg name "$name" --arg text "$text" --argjson goal "$goal" --argjson packets "$PACKETS" '
		[inputs | split(" ") | map(tonumber)] | .[length / 2 | floor] as $m |
		{bench: "replay", name: $name, text: $text, ratio: $m[0], min: .[0][0], max: .[-1][0],
		 a: ($packets / $m[2] * 1e6 | round), b: ($packets / $m[1] * 1e6 | round),
		 goal: $goal, met: ($m[0] >= $goal)}' "$T/pairs" >>"$T/rows"
	tail -n 1 "$T/rows" | jq -r '"\(.name) \(.ratio) \(.min)-\(.max) \(.a) \(.b) \(.goal)"' |
		xargs printf '%-28s %7s  %-13s %12s %12s  %5s\n'
}

# memory NAME FILE GOAL: MiB at most, the flow table included
memory() {
	local kib mib
	kib=$(/usr/bin/time -f %M "${NSGCTL[@]}" replay -o jsonl "$2" 2>&1 >/dev/null | tail -n 1)
	mib=$((kib / 1024))
	jq -nc --arg name "$1" --argjson value "$mib" --argjson goal "$3" '
		{bench: "replay", name: $name, text: "MiB at most", value: $value, goal: $goal, met: ($value <= $goal)}' >>"$T/rows"
	printf '%-28s %7s  %-13s %12s %12s  %5s\n' "$1" "$mib" MiB "" "" "$3"
}

for flows in 10 100000; do
	"$BUILD/tests/bench/capture" $flows "$PACKETS" >"$T/$flows.pcap" || exit 1
done
printf '%-28s %7s  %-13s %12s %12s  %5s\n' row ratio min-max 'packets/s' tcpdump goal
for flows in 10 100000; do
	row replay-jsonl-$flows "replay -o jsonl, $flows flows" 0.5 "$T/$flows.pcap" -o jsonl
	row replay-summary-$flows "replay's closing tables, $flows flows" 0.7 "$T/$flows.pcap" -o table
	row replay-write-$flows "replay -w, $flows flows" 0.4 "$T/$flows.pcap" -o table -w /dev/null
done
memory replay-memory-10 "$T/10.pcap" 32
memory replay-memory-100000 "$T/100000.pcap" 48 # with 104 bytes a flow, doubled as the table grows
jq -s '{rows: ., goals: [.[] | {bench, name, ratio: (.ratio // .value), goal, met}]}' "$T/rows" >"$OUT/replay.json"
