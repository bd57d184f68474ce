#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netns: long
# Starts and stops that fail at one step: each system call to the kernel fails in turn, in an empty
# namespace and in one where a killed nsgd left its state. A failed start is undone; a stop that cannot remove
# everything reports it.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make || exit 1
policy_copy
route_all on
conf log.decisions=none
REAL=$NSGD

# refuse CALL ERROR N: the N-th such call of the daemon fails with ERROR, in every thread.
refuse() {
	cat >"$T/nsgd" <<-END
		#!/bin/sh
		# the leak sanitizer needs ptrace itself
		export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
		exec strace -D -f -o "$T/strace" -e trace=$1 -e inject=$1:error=$2:when=$3 "$REAL" "\$@"
	END
	chmod +x "$T/nsgd"
	NSGD=$T/nsgd
}

# One start with that failure: 0 when the call was not reached, 1 when the test failed.
step() { # CALL ERROR N
	local started=no
	refuse "$@"
	rm -f "$T/strace"
	nsgd_start && started=yes
	NSGD=$REAL
	[ $started = yes ] || stop notify
	if [ $started = yes ]; then
		if ! nsgd_stop; then
			is "$STATUS" 1 && grep -q '^error: ' "$T/nsgd.log" &&
				in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup || return 1
		fi
	elif [ -n "${PIDS[nsgd]:-}" ]; then
		ended nsgd 10 && [ "$STATUS" != 99 ] && [ "$STATUS" -lt 128 ] && [ -s "$T/nsgd.log" ] || return 1
	fi
	kernel_state >"$T/state.after"
	cmp "$T/state.before" "$T/state.after" && is "$(leftovers)" "" || return 1
	grep -q INJECTED "$T/strace" && return 2
	return 0
}

steps() { # empty|left CALL ERROR
	local n status failed=0
	for ((n = 1; n <= 300; n++)); do
		if [ "$1" = left ]; then
			nsgd_start && nsgd_kill || return 1
		fi
		step "$2" "$3" $n
		status=$?
		: "$2 $n: $status, $(tail -n1 "$T/nsgd.log")"
		[ $status != 1 ] || return 1
		# every call of a start has failed once
		[ $status != 0 ] || break
		! grep -q '^error' "$T/nsgd.log" || failed=$((failed + 1))
	done
	[ $n -lt 300 ] && [ $failed -ge 1 ]
}

command -v strace >/dev/null && strace -D -o /dev/null true 2>/dev/null || {
	echo "1..0 # skip: strace is not permitted here" >&2
	exit 77
}
kernel_state >"$T/state.before"
fact "each message to the kernel refused in turn: nothing is left" steps empty sendto EIO
fact "the same after a SIGKILL: nothing is left of either" steps left sendto EIO
fact "each answer of the kernel lost in turn" steps empty recvfrom EIO
fact "each bind refused in turn: queues, sockets" steps empty bind EADDRINUSE
fact "each eventfd refused in turn" steps empty eventfd2 EMFILE
fact "each registration with the event loop refused in turn" steps left epoll_ctl ENOMEM
fact "threads refused" steps left clone3 EAGAIN
lab_done
