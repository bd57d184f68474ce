#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netns: alone
# More packets than can be decided, and reloads without end: every packet is accounted for, by counters that know
# nothing of nsgd. OVERLOAD=60: seconds of overload instead of 3; RELOADS=10000: that many instead of 40.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
[ -z "${OVERLOAD:-}${RELOADS:-}" ] || export FACT_SECONDS=7200
lab_make || exit 1
SECONDS_OVER=${OVERLOAD:-3}
RELOADS=${RELOADS:-40}
policy_copy
route_all on

# Exact counters, before and after what nsgd does, and at the far ends.
in_ns app nft -f - <<-'END' || exit 1
	table ip account {
		counter allowed_sent {}; counter denied_sent {}; counter allowed_out {}; counter denied_out {}
		chain before {
			type filter hook output priority -300
			ip daddr 10.1.0.4 udp dport 9000-9999 counter name allowed_sent
			ip daddr 10.0.2.4 udp dport 9000-9999 counter name denied_sent
		}
		chain after {
			type filter hook postrouting priority 300
			ip daddr 10.1.0.4 udp dport 9000-9999 counter name allowed_out
			ip daddr 10.0.2.4 udp dport 9000-9999 counter name denied_out
		}
	}
END
in_ns inet nft -f - <<-'END' || exit 1
	table ip seen {
		counter dns {}
		chain c {
			type filter hook prerouting priority -300
			ip daddr 203.0.113.10 udp dport 53 counter name dns drop
		}
	}
END
# What arrives there is not answered.
in_ns vnet nft 'add table ip quiet; add chain ip quiet c { type filter hook prerouting priority -400; }
	add rule ip quiet c udp dport 9000-9999 drop'

counters() { # NS TABLE COUNTER...: their packets, in this order
	in_ns "$1" nft list counters table ip "$2" | awk -v names="${*:3}" '
		$1 == "counter" { name = $2 }
		$1 == "packets" { n[name] = $2 }
		END { count = split(names, v); for (i = 1; i <= count; i++) printf "%d%s", n[v[i]], i < count ? " " : "\n" }'
}

queue() { # COLUMN of queue 0: 3 waiting, 6 dropped since it is full, 7 for another reason, 8 packets that it took
	in_ns app awk -v c="$1" '$1 == 0 { print $c }' /proc/net/netfilter/nfnetlink_queue
}

waits() { # N
	is "$(queue 3)" "$1"
}

# ---- overload --------------------------------------------------------------------------------

sent_by_now() {
	local allowed denied
	read -r allowed denied < <(counters app account allowed_sent denied_sent)
	echo $((allowed + denied))
}

# Twelve times of what the queue has taken was sent.
is_overloaded() {
	[ "$(sent_by_now)" -ge $((12 * ($(queue 8) - TOOK))) ]
}

# The daemon moves only until its queue of 64 is not full, then it stands still until there was too much.
overload() { # drop|accept
	local end status
	conf queue.length=64 queue.overflow="$1" offload.established=no offload.answers=no \
		offload.denied-seconds=0 log.decisions=none
	nsgd_start || return 1
	in_ns app nft reset counters table ip account >/dev/null
	TOOK=$(queue 8)
	spawn_ready many app "$TRAFFIC" pump 20000 10.0.1.4 10.1.0.4:9000
	spawn_ready bad app "$TRAFFIC" pump 5000 10.0.1.4 10.0.2.4:9000
	end=$((EPOCHSECONDS + SECONDS_OVER))
	{ set +x; } 2>/dev/null
	kill -STOP "${PIDS[nsgd]}"
	while eventually 20 is_overloaded && [ $EPOCHSECONDS -lt $end ]; do
		kill -CONT "${PIDS[nsgd]}"
		eventually 10 eval '[ "$(queue 3)" -lt 64 ]'
		kill -STOP "${PIDS[nsgd]}"
	done
	set -x
	stop many
	stop bad
	kill -CONT "${PIDS[nsgd]}"
	eventually 10 waits 0 || return 1
	TOOK=$(($(queue 8) - TOOK)) FULL=$(($(queue 6))) OTHER=$(($(queue 7)))
	read -r ALLOWED DENIED ALLOWED_OUT DENIED_OUT < <(counters app account allowed_sent denied_sent allowed_out denied_out)
	SENT=$(sed -n 's/^sent=\([0-9]*\) .*/\1/p' "$T/many.log" "$T/bad.log" | paste -sd+ | bc)
	STATS=$(ctl stats -o json)
	DECIDED=$(jq .packets <<<"$STATS")
	echo "# overflow = $1: $SENT packets in $SECONDS_OVER s = $DECIDED decided + $FULL dropped + $((SENT - DECIDED - FULL)) let by;" \
		"$((SENT / DECIDED)) times what was decided"
	# the senders' count, the rules', the queue's and the workers'
	is "$SENT" $((ALLOWED + DENIED)) && is "$OTHER" 0 && is "$TOOK" "$DECIDED" &&
		is "$(jq .kernel.queued <<<"$STATS")" "$SENT" && [ $((SENT / DECIDED)) -ge 10 ]
	status=$?
	is "$(jq '.queue.droppedFull + .queue.droppedBuffer' <<<"$STATS")" "$FULL" && nsgd_stop && nothing_left && return $status
}

t_drop() { # what did not fit is lost, nothing denied passes
	overload drop && is "$SENT" $((DECIDED + FULL)) && is "$DENIED_OUT" 0 && [ "$ALLOWED_OUT" -le "$DECIDED" ]
}

t_accept() { # everything allowed passes; what is denied only where it was let by
	overload accept && is "$FULL" 0 && is "$ALLOWED_OUT" "$ALLOWED" && [ "$DENIED_OUT" -le $((SENT - DECIDED)) ] &&
		is $((DENIED - DENIED_OUT)) "$(jq '[.verdicts[] | select(.verdict == "drop") | .packets] | add' <<<"$STATS")"
}

# ---- reloads ---------------------------------------------------------------------------------

resident() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${PIDS[nsgd]}/status"
}

fds() {
	find "/proc/${PIDS[nsgd]}/fd" -mindepth 1 | wc -l
}

# One reload; a datagram from a new port is decided by what it changed.
reload_decides() { # N
	local want=$(($1 % 2)) before
	cp -p "$T/$want.json" "$T/new.json" && mv "$T/new.json" "$T/policy/nsg-integration.json" && reload || return 1
	before=$(counters inet seen dns)
	in_ns app "$TRAFFIC" send -s 0.0.0.0:$((20000 + $1 % 20000)) udp 203.0.113.10:53 >/dev/null
	if [ $want = 1 ]; then
		eventually 5 eval "[ \$(counters inet seen dns) -gt $before ]"
	else
		eventually 5 waits 0 && is "$(counters inet seen dns)" "$before"
	fi
}

# Until nsgd has as many decisions of each kind as it keeps (NSG_MAX_HISTORY), and every page of the ring of a worker has
# been used (TRACE_RECORDS in worker.c, denied packets).
fill_history() {
	spawn_ready many app "$TRAFFIC" pump 5000 10.0.1.4 10.1.0.4:9000 1
	spawn_ready bad app "$TRAFFIC" pump 5000 10.0.1.4 10.0.2.4:9000 1
	eventually 60 eval 'ctl stats -o json | jq -e "[.verdicts[].packets] | length == 2 and min > 17000" >/dev/null'
	local status=$?
	stop many
	stop bad
	return $status
}

t_reloads() {
	local n first last files status=0
	conf subnet.watch=no log.decisions=none offload.answers=no offload.denied-seconds=0
	cp -p "$T/policy/nsg-integration.json" "$T/0.json"
	cp -p "$T/0.json" "$T/1.json"
	jq '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"' "$T/0.json" >"$T/1.json"
	nsgd_start && fill_history && eventually 10 waits 0 || return 1
	in_ns app nft reset counters table ip account >/dev/null
	spawn_ready many app "$TRAFFIC" pump 1000 10.0.1.4 10.1.0.4:9000 100
	{ set +x; } 2>/dev/null
	for ((n = 1; n <= RELOADS; n++)); do
		reload_decides $n || { status=1; break; }
		[ $n != $((RELOADS < 1000 ? RELOADS / 2 : 500)) ] || { first=$(resident) files=$(fds); }
	done
	set -x
	stop many
	last=$(resident)
	is $status 0 || { : "reload $n"; return 1; }
	eventually 10 waits 0 || return 1
	read -r ALLOWED ALLOWED_OUT < <(counters app account allowed_sent allowed_out)
	echo "# $RELOADS reloads: each decided the next packet; $ALLOWED_OUT of $ALLOWED datagrams went out meanwhile;" \
		"memory $first kB in their midst, $last kB after them"
	is "$ALLOWED_OUT" "$ALLOWED" && is "$(fds)" "$files" && { [ -n "${ASAN_RUNS:-}" ] || [ $((last * 100)) -le $((first * 105)) ]; } &&
		nsgd_stop && nothing_left
}

# The sanitizer keeps freed memory for a while.
! grep -q libasan "/proc/self/maps" && ! ldd "$NSGD" | grep -q libasan || ASAN_RUNS=yes
fact "overload, overflow = drop: decided + dropped = sent" t_drop
fact "overload, overflow = accept: decided + let by = sent" t_accept
fact "reloads without end: each decides, no packet and no memory is lost" t_reloads
lab_done
