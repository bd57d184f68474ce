#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netns: long
# Every IPv4 flow of every vector as a real packet through the real daemon; its decision, as `nsgctl
# trace` shows it, equals the vector's, field by field. At least 95 of 100 flows must be compared; the
# others are printed with a reason. Vectors that tests/vectors/pending names are skipped.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"

RAW=${RAW:-$BUILD/tests/netns/raw}
DIRS=("$LAB_TOP"/tests/vectors)
[ ! -d "$LAB_TOP/../shared/vectors" ] || DIRS+=("$LAB_TOP/../shared/vectors")
COMPARED=0 LEFT=0
: >"$T/left"

# Everything leaves by a link whose other end swallows it; any next hop is on that link.
one_host() {
	LAB_NS=()
	lab_ns app hole && lab_link app sink0 198.18.255.1/32 hole sink0 198.18.255.2/32 &&
		in_ns app ip link set sink0 arp off && in_ns app ip route add default dev sink0
}

# The options of a vector as keys of nsgd.conf; 1: one of them has none.
conf_of() { # ARGS...
	local keys=()
	while [ $# -gt 0 ]; do
		case $1 in
		--profile) keys+=("subnet.profile=$2") ;;
		--platform) keys+=("subnet.platform=$2") ;;
		--subnet) keys+=("subnet.subnet=$2") ;;
		--endpoint-precedence) keys+=("subnet.endpoint-precedence=$2") ;;
		--route-all) [ "$2" = on ] && add_route_all || return 1 ;;
		--strict) shift && continue ;; # the vector's policy has no warning
		--parameters) ;; # flattened with it
		*) return 1 ;;
		esac
		shift 2
	done
	POLICY=$PLAIN conf "${keys[@]}" "subnet.address=$ADDRESS" subnet.watch=no \
		offload.established=no nexthop:VirtualNetworkGateway.dev=sink0
}

# What nsgd reads: the vector's policy, where templates with expressions are flattened as nsgd's error
# says. Sets PLAIN.
plain_policy() { # ARGS...
	local file name parameters=()
	PLAIN=$VECTOR/policy
	grep -lqs deploymentTemplate "$PLAIN"/*.json || return 0
	while [ $# -gt 0 ]; do
		[ "$1" != --parameters ] || parameters=(--parameters "$VECTOR/$2")
		shift
	done
	PLAIN=$T/plain
	rm -rf "$PLAIN" && mkdir "$PLAIN" || return 1
	for file in "$VECTOR"/policy/*.json; do
		name=$(basename "$file" .json)
		if grep -qs deploymentParameters "$file"; then
			continue
		elif grep -qs deploymentTemplate "$file"; then
			rm -rf "$T/flat"
			"$NSGCTL" flatten "$file" "${parameters[@]}" -o "$T/flat" >/dev/null || return 1
			for flat in "$T"/flat/*; do
				mv "$flat" "$PLAIN/$name-${flat##*/}"
			done
		else
			cp "$file" "$PLAIN"
		fi
	done
}

# nsgd.conf has no such key: what an app's settings say counts.
add_route_all() {
	if [ "$PLAIN" != "$T/plain" ]; then
		rm -rf "$T/plain" && cp -r "$PLAIN" "$T/plain" && chmod -R u+w "$T/plain" || return 1
		PLAIN=$T/plain
	fi
	echo '[{"name": "WEBSITE_VNET_ROUTE_ALL", "value": "1"}]' >"$PLAIN/route-all.json"
}

left() { # WHY: all flows of this source
	local n
	n=$(wc -l <"$T/flows")
	LEFT=$((LEFT + n))
	echo "# left: $(basename "$VECTOR"): $n: $1" | tee -a "$T/left"
}

# The decision of each flow, by what tells packets apart.
key='"\(.protocol) \(.srcPort) \(.dst) \(.dstPort)"'
fields='{gate, nsg, route, verdict, reason}'

decisions() { # FILE
	jq -c "{key: $key, decision: $fields}" "$1" 2>/dev/null | sort -u
}

# What cannot be seen in the queue: the loopback's own, and what the kernel settles itself.
unseen='(.dst | startswith("127.")) or (.dst | test("^(22[4-9]|23[0-9])\\.")) or .dst == "255.255.255.255"'

t_vector() {
	if grep -qxFs -- "$(basename "$VECTOR")" "$LAB_TOP/tests/vectors/pending"; then
		skip pending
		return
	fi
	local args=() sources
	read -r -a args <"$VECTOR/args" || true
	jq -c 'select((has("error") or (.src | contains(":"))) | not)' "$VECTOR/expected.jsonl" >"$T/all"
	jq -r "select($unseen) | \"# left: $(basename "$VECTOR"): \(.id): never queued, \(.dst)\"" \
		"$T/all" | tee -a "$T/left"
	LEFT=$((LEFT + $(jq -r "select($unseen) | .id" "$T/all" | wc -l)))
	sources=$(jq -r "select($unseen | not) | .src" "$T/all" | sort -u)
	for ADDRESS in $sources; do
		jq -c "select(($unseen | not) and .src == \"$ADDRESS\")" "$T/all" >"$T/flows"
		t_source "${args[@]}" || return 1
	done
}

# The vector's flows of one source, by a daemon whose address in the subnet that is.
t_source() { # ARGS...
	local missing
	plain_policy "$@" || return 1
	conf_of "$@" || { left "no key for: $*"; return 0; }
	nsgd_start || return 1
	spawn trace app "$NSGCTL" trace -o jsonl
	eventually 5 eval 'in_ns app "$TRAFFIC" send udp 192.0.2.77:9 >/dev/null; test -s "$T/trace.log"' ||
		return 1
	in_ns app "$RAW" <"$T/flows" >"$T/sent" || return 1
	! grep ^failed "$T/sent" || return 1
	decisions "$T/flows" >"$T/want"
	eventually 2 eval 'decisions "$T/trace.log" >"$T/got"; comm -23 "$T/want" "$T/got" >"$T/missing"
		[ ! -s "$T/missing" ]'
	missing=$(cat "$T/missing")
	[ -z "$missing" ] || : "got: $(grep -F "$(head -n1 "$T/missing" | jq -r .key)" "$T/got")"
	stop trace
	nsgd_stop && is "$missing" "" || return 1
	COMPARED=$((COMPARED + $(wc -l <"$T/flows")))
}

t_enough() {
	is $((COMPARED * 100 / (COMPARED + LEFT) >= 95)) 1
}

one_host || exit 1
for dir in "${DIRS[@]}"; do
	for expected in "$dir"/*/expected.jsonl; do
		VECTOR=$(dirname "$expected")
		fact "live decisions equal the vector $(basename "$VECTOR")" t_vector
		stop trace
		nsgd_stop || nsgd_kill
	done
done
echo "# $COMPARED flows compared, $LEFT left"
fact "95 of 100 flows of the vectors were compared live" t_enough
lab_done
