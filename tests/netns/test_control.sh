#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a member of group nsgd can do, and what not: the sentences of docs/THREAT-MODEL.md about the control socket.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
setpriv --reuid 65534 --clear-groups true 2>/dev/null || {
	echo "skip what members of the group can do # needs other users"
	exit 0
}
GROUP=64321 MEMBER=64400
{ grep -v '^nsgd:' /etc/group; echo "nsgd:x:$GROUP:"; } >"$T/group" && mount --bind "$T/group" /etc/group || exit 1
lab_make || exit 1
policy_copy
conf subnet.watch=no
# where other users can run them
install -m 755 "$NSGCTL" /run/nsgctl
printf '#!/bin/sh\nexec /run/nsgctl "$@" >/dev/null\n' >/run/ctl
chmod 755 /run/ctl
SOCKET=/run/nsgd/nsgd.sock

as() { # USER COMMAND...: a member by its only group
	local user=$1
	shift
	in_ns app setpriv --reuid "$user" --regid $GROUP --clear-groups "$@"
}

member() {
	as $MEMBER "$@"
}

t_start() {
	nsgd_start && is "$(stat -c '%a %g' $SOCKET)" "660 $GROUP"
}

t_may() {
	local flow=(--protocol tcp --src 10.0.1.4 --dst 10.0.2.4:22)
	member /run/ctl status && member /run/ctl stats && member /run/ctl effective-nsg &&
		member /run/ctl effective-routes && member /run/ctl explain "${flow[@]}" &&
		member /run/ctl reload || return 1
	in_ns app setpriv --reuid $MEMBER --regid 65534 --groups 7,$GROUP /run/ctl status || return 1
	spawn trace app setpriv --reuid $MEMBER --regid $GROUP --clear-groups /run/nsgctl trace -o jsonl
	eventually 5 eval 'in_ns app "$TRAFFIC" send udp 203.0.113.99:9 >/dev/null; test -s "$T/trace.log"' && stop trace
}

t_others() {
	local other=(setpriv --reuid "$MEMBER" --regid 65534 --clear-groups)
	in_ns app "${other[@]}" /run/ctl status >"$T/out" 2>&1
	is $? 5 && ! in_ns app "${other[@]}" kill -TERM "${PIDS[nsgd]}" && ! in_ns app "${other[@]}" rm -f $SOCKET &&
		alive nsgd
}

# request JSON: the last line of the reply.
request() {
	echo "$1" | member socat -t20 - UNIX-CONNECT:$SOCKET | tail -n 1
}

t_may_not_choose() {
	local before after args='{"policy":"/tmp","policyDirectory":"/tmp","conf":"/dev/null","config":"/dev/null","path":"/tmp"}'
	before=$(ctl status -o json | jq -c '[.policyDirectory, .mode, .policy.subnet, .capture]')
	is "$(request "{\"version\":1,\"verb\":\"reload\",\"args\":$args}" | jq .exit)" 0 || return 1
	after=$(ctl status -o json | jq -c '[.policyDirectory, .mode, .policy.subnet, .capture]')
	is "$after" "$before" || return 1
	# neither file is the member's
	! member sh -c "echo x >>'$T/policy/site.json'" && ! member sh -c "echo x >>'$T/nsgd.conf'" &&
		! member rm -f $SOCKET
}

t_may_not_stop() {
	local verb
	for verb in stop quit exit shutdown cleanup set load conf publish neutralise; do
		is "$(request "{\"version\":1,\"verb\":\"$verb\"}" | jq .exit)" 2 || return 1
	done
	! member kill -TERM "${PIDS[nsgd]}" && ! member kill -HUP "${PIDS[nsgd]}" && alive nsgd
}

t_places() { # of one user, of all users, of root
	local user i n=0 status=0
	for ((user = MEMBER; user < MEMBER + 8; user++)); do
		for ((i = 0; i < 8; i++)); do
			spawn "idle$((n++))" app setpriv --reuid $user --regid $GROUP --clear-groups socat -u UNIX-CONNECT:$SOCKET STDOUT
		done
		connected $((n < 56 ? n : 56)) || status=1
		as $user /run/ctl status >"$T/out" 2>&1
		[ $? = 1 ] && matches "$T/out" 'too many clients' || status=1
		# others are not affected until 56 places are taken
		[ $user -ge $((MEMBER + 6)) ] || as $((user + 1)) /run/ctl status || status=1
	done
	ctl status >/dev/null && ctl reload >/dev/null || status=4
	for ((i = 0; i < n; i++)); do
		stop "idle$i"
	done
	eventually 5 member /run/ctl status && return $status
}

t_reloads() { # requests that come while a reload runs share the next one
	local before after i
	before=$(ctl status -o json | jq .reloads.done)
	for ((i = 0; i < 100; i++)); do
		echo '{"version":1,"verb":"reload"}'
	done >/run/requests
	for ((i = 0; i < 8; i++)); do
		spawn "reload$i" app setpriv --reuid $((MEMBER + i)) --regid $GROUP --clear-groups \
			sh -c "socat -t20 - UNIX-CONNECT:$SOCKET </run/requests"
	done
	for ((i = 0; i < 8; i++)); do
		ended "reload$i" 30 && is "$(grep -c '"exit":0' "$T/reload$i.log")" 100 || return 1
	done
	after=$(ctl status -o json | jq .reloads.done)
	echo "# 800 requests of eight members: $((after - before)) reloads"
	[ $((after - before)) -lt 600 ]
}

peak_kb() {
	sed -n 's/^VmHWM: *\([0-9]*\) kB/\1/p' "/proc/${PIDS[nsgd]}/status"
}

t_too_large() { # refused before the rest of the line is taken
	local before
	before=$(peak_kb)
	head -c 400000000 /dev/zero | tr '\0' x | member socat -u - UNIX-CONNECT:$SOCKET 2>/dev/null
	[ $(($(peak_kb) - before)) -lt 100000 ] && member /run/ctl status
}

# Replies that are not read, requests that do not end, descriptors that no request has. All are gone afterwards.
t_hostile() {
	local before
	cat >/run/hostile.py <<-'END'
		import array, socket, sys
		status = b'{"version":1,"verb":"status"}\n'
		def connect():
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1])
		    s.settimeout(10)
		    return s
		def answered(send): # again while those that were closed are still counted
		    while True:
		        s = connect()
		        send(s)
		        reply = s.makefile('rb').readlines()
		        s.close()
		        if b'too many clients' not in reply[-1]:
		            return reply[-1].startswith(b'{"exit":0')
		def half_closed(s):
		    s.send(status)
		    s.shutdown(socket.SHUT_WR)
		def descriptors(s):
		    s.sendmsg([status], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0] * 200))])
		    s.shutdown(socket.SHUT_WR)
		for i in range(200):
		    s = connect() # half a request, and an end
		    s.send(status[:i % len(status)])
		    s.close()
		    s = connect() # an end in the middle of a reply
		    s.send(status * 8)
		    s.recv(1)
		    s.close()
		    assert answered(half_closed) and answered(descriptors)
		for byte in range(256):
		    s = connect()
		    s.send(bytes([byte]) * 3 + b'\n\n')
		    s.close()
	END
	before=$(find "/proc/${PIDS[nsgd]}/fd" | wc -l)
	member /usr/bin/python3 /run/hostile.py $SOCKET >"$T/hostile.log" 2>&1 || return 1
	eventually 5 eval "[ \$(find '/proc/${PIDS[nsgd]}/fd' | wc -l) = $before ]" && member /run/ctl status
}

fact "the socket is the group's from the beginning" t_start
fact "a member queries, traces and reloads" t_may
fact "other users are refused, and do not stop nsgd" t_others
fact "a member chooses neither configuration nor policy" t_may_not_choose
fact "a member does not stop nsgd" t_may_not_stop
fact "members take eight places each and fifty-six in all, root has the rest" t_places
fact "members who ask for reloads share them" t_reloads
fact "what a hostile member sends costs nothing" t_hostile
fact "a request that is too large is refused" t_too_large
fact "and nsgd stops as usual" nsgd_stop
lab_done
