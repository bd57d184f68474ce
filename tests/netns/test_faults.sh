#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Allocations and system calls that fail, one in each start, reload and stop: nsgd reports it or does without, leaves
# nothing of its own in the kernel after a failed start or stop, and decides as before after a failed reload.
#
# FAULTS=all fails every call once, which takes an hour; by default some, spread over all. With the plain build: the
# sanitizers have allocators of their own.
BUILD=$(cd "$(dirname "$0")/../.." && pwd)/.dev/plain
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make || exit 1
policy_copy
route_all on
conf subnet.watch=yes
TABLE=$T/faults
SAMPLES=${FAULTS:-6}

number() { # INDEX: 0 the call that will fail, 1 calls, 2 the line of faults.c
	od -An -tu4 -j$(($1 * 4)) -N4 "$TABLE" | tr -d ' '
}

set_fault() { # N: the Nth call from now on fails; 0 none
	printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00' \
		$(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))" |
		dd of="$TABLE" conv=notrunc status=none
}

head -c 12 /dev/zero >"$TABLE"
printf '#!/bin/sh\nexport FAULTS=%s LD_PRELOAD=%s\nexec %s "$@"\n' "$TABLE" "$BUILD/tests/netns/faults.so" "$NSGD" >"$T/preloaded"
chmod +x "$T/preloaded"
NSGD=$T/preloaded

decides() {
	local -
	set +x
	in_ns app "$TRAFFIC" send -w 200 udp 203.0.113.10:53 | grep -q 'errors=0' &&
		ctl explain --protocol tcp --src 10.0.1.4 --dst 10.0.2.4:22 --expect drop >/dev/null 2>&1
}

# Numbers from 1 to N, all or SAMPLES of them.
numbers() { # N
	local n=$1 step=1
	[ "$SAMPLES" = all ] || step=$(((n + SAMPLES - 1) / SAMPLES))
	seq 1 "$step" "$n"
}

where() {
	sed -n "$(number 2)p" "$LAB_TOP/tests/netns/faults.c" | sed 's/^[^(]*(\(E[A-Z]*, [a-z_]*, [a-z_0-9]*\).*/\1/'
}

t_start() {
	local calls n failed=0 n_all=0
	set_fault 0
	nsgd_start && decides || return 1
	calls=$(number 1)
	nsgd_stop && nothing_left && [ "$calls" -gt 1000 ] || return 1
	for n in $(numbers "$calls"); do
		set_fault "$n"
		NOTIFY_SOCKET='' spawn nsgd app "$NSGD" -c "$T/nsgd.conf"
		eventually 20 eval "matches '$T/nsgd.log' ': deciding, ' || ! alive nsgd"
		n_all=$((n_all + 1))
		if alive nsgd; then
			set_fault 0 # it may not have come yet
			nsgd_stop
		else
			ended nsgd 1
			failed=$((failed + 1))
			[ "$STATUS" != 0 ] && [ "$STATUS" -lt 128 ] && [ -s "$T/nsgd.log" ]
		fi && nothing_left || {
			: "call $n: $(where): status $STATUS"
			return 1
		}
	done
	echo "# start: $n_all of $calls calls failed once: $failed starts failed and left nothing, the others did without"
}

fds() {
	find "/proc/${PIDS[nsgd]}/fd" -mindepth 1 | wc -l
}

t_reload() {
	local calls n status failed=0 n_all=0 before
	set_fault 0
	nsgd_start && reload && decides || return 1
	before=$(fds)
	set_fault 0
	reload || return 1
	calls=$(number 1)
	[ "$calls" -gt 100 ] || return 1
	for n in $(numbers "$calls"); do
		set_fault "$n"
		ctl reload >"$T/reload.out" 2>&1
		status=$?
		set_fault 0
		n_all=$((n_all + 1))
		[ $status = 0 ] || failed=$((failed + 1))
		alive nsgd && decides && reload && decides && is "$(fds)" "$before" || {
			: "call $n: $(where): status $status"
			return 1
		}
	done
	echo "# reload: $n_all of $calls calls failed once: $failed reloads failed, the policy in force went on deciding"
	nsgd_stop && nothing_left
}

t_stop() {
	local calls n failed=0 n_all=0
	set_fault 0
	nsgd_start && set_fault 0 && nsgd_stop || return 1
	calls=$(number 1)
	[ "$calls" -gt 100 ] || return 1
	for n in $(numbers "$calls"); do
		set_fault 0
		NOTIFY_SOCKET='' spawn nsgd app "$NSGD" -c "$T/nsgd.conf"
		eventually 20 matches "$T/nsgd.log" ': deciding, ' && set_fault "$n"
		kill -TERM "${PIDS[nsgd]}" && ended nsgd 20 || return 1
		n_all=$((n_all + 1))
		set_fault 0
		if [ "$STATUS" != 0 ]; then
			failed=$((failed + 1))
			[ "$STATUS" -lt 128 ] && in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup
		fi && nothing_left || {
			: "call $n: $(where): status $STATUS"
			return 1
		}
	done
	echo "# stop: $n_all of $calls calls failed once: $failed stops asked for --cleanup, the others left nothing"
}

fact "a call that fails in a start" t_start
fact "a call that fails in a reload" t_reload
fact "a call that fails in a stop" t_stop
lab_done
