#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon that decides for a long time: new, decided and denied flows, some through an appliance, while the policy is
# reloaded, routes change and tracers come and go. What is sent is what goes out and what is denied, and memory does not
# grow after the first million packets.
#
#     soak.sh [PACKETS [RESULT.json]]          $PROGRESS: seconds between two lines
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
export FACT_SECONDS=14400
lab_make || exit 1
PACKETS=${1:-100000000}
RESULT=${2:-/dev/null}
FIRST=$((PACKETS < 4000000 ? PACKETS / 4 : 1000000)) # memory is compared with that after so many
[ "$(cat /proc/sys/net/netfilter/nf_conntrack_max)" -ge 250000 ] || {
	echo "soak: net.netfilter.nf_conntrack_max must be at least 250000" >&2
	exit 1
}
policy_copy
route_all on
conf subnet.watch=no log.decisions=none

# Exact counters in front of what nsgd does and behind it.
in_ns app nft -f - <<-'END' || exit 1
	table ip account {
		counter allowed_sent {}; counter denied_sent {}; counter appliance_sent {}
		counter allowed_out {}; counter denied_out {}; counter appliance_out {}; counter straight_out {}
		chain before {
			type filter hook output priority -300
			ip daddr 10.1.0.4 udp dport 9000-9999 counter name allowed_sent
			ip daddr 10.0.2.4 udp dport 9000-9999 counter name denied_sent
			ip daddr 198.51.100.10 udp dport 9000-9999 counter name appliance_sent
		}
		chain after {
			type filter hook postrouting priority 300
			ip daddr 10.1.0.4 udp dport 9000-9999 counter name allowed_out
			ip daddr 10.0.2.4 udp dport 9000-9999 counter name denied_out
			oif nva0 ip daddr 198.51.100.10 udp dport 9000-9999 counter name appliance_out
			oif inet0 ip daddr 198.51.100.10 udp dport 9000-9999 counter name straight_out
		}
	}
END

# What arrives is not answered.
for ns in vnet inet nva; do
	in_ns $ns nft 'add table ip quiet; add chain ip quiet c { type filter hook prerouting priority -400; }
		add rule ip quiet c udp dport 9000-9999 drop'
done

account() { # sets N[NAME]
	local name packets
	while read -r name packets; do
		N[$name]=$packets
	done < <(in_ns app nft list counters table ip account |
		awk '$1 == "counter" { name = $2 } $1 == "packets" { print name, $2 }')
	SENT=$((N[allowed_sent] + N[denied_sent] + N[appliance_sent]))
}

dropped() { # by the queue
	in_ns app awk '$1 == 0 { print $6 + $7 }' /proc/net/netfilter/nfnetlink_queue
}

resident() { # kB, of private memory
	awk '/^Private_/ { n += $2 } END { print n }' "/proc/${PIDS[nsgd]}/smaps_rollup"
}

at_rest() { # kB: the least of some samples, since reloads and traces need memory for a moment
	local i
	for ((i = 0; i < 20; i++)); do
		resident
		sleep 0.1
	done | sort -n | head -n 1
}

fds() {
	find "/proc/${PIDS[nsgd]}/fd" -mindepth 1 | wc -l
}

senders() { # N: one of so many packets begins a flow
	spawn_ready allowed app "$TRAFFIC" pump 1000000 10.0.1.4 10.1.0.4:9000 "$1" &&
		spawn_ready denied app "$TRAFFIC" pump 20000 10.0.1.4 10.0.2.4:9000 "$1" &&
		spawn_ready appliance app "$TRAFFIC" pump 20000 10.0.1.4 198.51.100.10:9000 "$1"
}

senders_stop() { # adds what they sent to TOLD
	local name
	for name in allowed denied appliance; do
		stop $name
		TOLD=$((TOLD + $(sed -n 's/^sent=\([0-9]*\) .*/\1/p' "$T/$name.log")))
	done
}

tracer() { # while it is there, nsgd decides every flow
	spawn trace app sh -c 'exec "$0" trace -o jsonl >/dev/null' "$NSGCTL"
	TRACED=$((TRACED + 1))
}

# What happens on such a host, one thing after another.
RELOADED=0 CHANGED=0 TRACED=0
happens() { # N
	case $(($1 % 6)) in
	0 | 3)
		policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowBranches")).destinationPortRange |=
			(if . == "*" then "514" else "*" end)'
		reload || return 1
		RELOADED=$((RELOADED + 1))
		;;
	1)
		[ -n "${PIDS[trace]:-}" ] || tracer
		;;
	2)
		in_ns app ip route add 10.77.0.0/16 via 10.0.1.1 && in_ns app ip route del 10.77.0.0/16 || return 1
		CHANGED=$((CHANGED + 1))
		;;
	4)
		[ -z "${MEMORY_FIRST:-}" ] || [ -z "${PIDS[trace]:-}" ] || stop trace
		ctl status >/dev/null && ctl stats >/dev/null || return 1
		;;
	5)
		policy_edit rt-integration.json '(.routes[] | select(.name == "old-warehouse")).addressPrefix |=
			(if . == "10.0.200.0/24" then "10.0.201.0/24" else "10.0.200.0/24" end)'
		reload || return 1
		RELOADED=$((RELOADED + 1))
		;;
	esac
}

progress() {
	printf '# %4d s: %11d packets, %7d a second, %6d kB, %d reloads, %d tracers, %d route changes\n' \
		$((EPOCHSECONDS - START)) $SENT $((SENT / (EPOCHSECONDS - START + 1))) "$(resident)" $RELOADED $TRACED $CHANGED
}

run_until() { # PACKETS
	local shown=$EPOCHSECONDS
	while [ "$SENT" -lt "$1" ]; do
		happens $((EVENTS++)) || { echo "# event $((EVENTS - 1)) failed: $(cat "$T/reload.out")"; return 1; }
		account
		if [ $((EPOCHSECONDS - shown)) -ge ${PROGRESS:-10} ]; then
			shown=$EPOCHSECONDS
			progress
		fi
		sleep 0.2
	done
}

# 10,240 decisions of each kind are kept (NSG_MAX_HISTORY).
run_until_kept() {
	until ctl stats -o json | jq -e '[.verdicts[].packets] | length == 2 and min > 11000' >/dev/null; do
		run_until $((SENT + 10000)) || return 1
	done
}

soak() {
	declare -gA N=()
	START=$EPOCHSECONDS SENT=0 TOLD=0 EVENTS=0
	{ set +x; } 2>/dev/null
	# many flows, until nsgd has as many decisions of each kind as it keeps
	nsgd_start && tracer && senders 10 && run_until "$FIRST" && run_until_kept || return 1
	senders_stop
	stop trace
	MEMORY_FIRST=$(at_rest) FDS_FIRST=$(fds)
	progress
	senders 1000 && run_until "$PACKETS" || return 1
	progress
	[ -z "${PIDS[trace]:-}" ] || stop trace
	senders_stop
	MEMORY_LAST=$(at_rest)
	eventually 30 eval '[ "$(in_ns app awk "\$1 == 0 { print \$3 }" /proc/net/netfilter/nfnetlink_queue)" = 0 ]' || return 1
	eventually 10 eval "[ \$(fds) -le $FDS_FIRST ]" || return 1
	account
	COUNTERS=$(in_ns app nft -j list counters table ip account |
		jq -c '[.nftables[].counter? | select(.) | {key: .name, value: .packets}] | from_entries')
	DROPPED=$(dropped)
	SECONDS_ALL=$((EPOCHSECONDS - START))
	STATS=$(ctl stats -o json)
	nsgd_stop && nothing_left
}

t_balance() { # nothing denied and nothing straight out; what is missing, the queue has dropped
	is "$TOLD" "$SENT" && is "${N[denied_out]}" 0 && is "${N[straight_out]}" 0 &&
		[ $((N[allowed_sent] + N[appliance_sent] - N[allowed_out] - N[appliance_out])) -le "$DROPPED" ] &&
		is "$DROPPED" "$(jq '.queue.droppedFull + .queue.droppedBuffer' <<<"$STATS")"
}

t_memory() {
	[ $((MEMORY_LAST * 100)) -le $((MEMORY_FIRST * 105)) ]
}

table() {
	local form='%-44s %14s\n'
	echo
	printf "$form" "packets sent" $SENT "allowed, sent" "${N[allowed_sent]}" "allowed, out" "${N[allowed_out]}" \
		"through the appliance, sent" "${N[appliance_sent]}" "through the appliance, out" "${N[appliance_out]}" \
		"denied, sent" "${N[denied_sent]}" "denied, out" "${N[denied_out]}" "dropped by a full queue" "$DROPPED" \
		"decided by nsgd" "$(jq .packets <<<"$STATS")" "reloads" $RELOADED "tracers" $TRACED "route changes" $CHANGED \
		"memory after $FIRST packets, kB" "$MEMORY_FIRST" "memory at the end, kB" "$MEMORY_LAST" \
		"seconds" $SECONDS_ALL "packets a second" $((SENT / (SECONDS_ALL + 1)))
	jq -n --argjson sent $SENT --argjson first "$FIRST" --argjson seconds $SECONDS_ALL --argjson dropped "$DROPPED" \
		--argjson before "$MEMORY_FIRST" --argjson after "$MEMORY_LAST" --argjson reloads $RELOADED --argjson tracers $TRACED \
		--argjson routes $CHANGED --argjson stats "$STATS" --argjson counters "$COUNTERS" '{
			packets: ({sent: $sent, decided: $stats.packets, droppedByQueue: $dropped} + $counters),
			memoryKiB: {afterPackets: $first, first: $before, last: $after, ratio: ($after / $before)},
			reloads: $reloads, tracers: $tracers, routeChanges: $routes, seconds: $seconds}' >"$RESULT"
}

fact "$PACKETS packets" soak
[ "$FAILED" = 0 ] || { lab_done; exit 1; }
fact "the counts balance, nothing denied and nothing without the appliance goes out" t_balance
fact "memory at the end is at most 1.05 of that after $FIRST packets" t_memory
table
lab_done
