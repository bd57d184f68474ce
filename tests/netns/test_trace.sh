#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nsgctl trace of decided flows, whose packets the kernel handles by itself, and over restarts and reloads.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_guest && lab_far_ends || exit 1
policy_copy
conf subnet.watch=no

t_start() {
	nsgd_start && hold 10.0.2.4:5432 && still one && rules >"$T/rules"
}

rules() { # without sets, whose elements come and go
	in_ns app nft -s list table ip nsgd 2>/dev/null | sed -n '/^\tchain/,/^\t}/p'
}

queued() { # N: so many filters are in the table
	is "$(rules | sed -n '/chain output {/,/}/p' | grep -c ' bypass')" "$1"
}

# all_packets ARGUMENT...: a trace with --all-packets, started when its rules are in the table.
all_packets() {
	spawn all app "$NSGCTL" trace -o jsonl --all-packets "$@"
	eventually 5 queued 1
}

not_queued() { # the kernel has what it had before the trace
	eventually 5 eval 'rules | cmp -s - "$T/rules"'
}

t_allowed() { # of the flow that is asked for, and no other; the connection and its mark stay
	local marks
	marks=$(connection_marks | grep sport=5432) && all_packets tcp and dst host 10.0.2.4 || return 1
	still two && still three &&
		eventually 3 eval '[ "$(grep -c "\"reason\":\"established\"" "$T/all.log")" -ge 2 ]' || return 1
	in_ns app "$TRAFFIC" send -n 10 udp 10.1.0.4:9000 >/dev/null
	still four && is "$(connection_marks | grep sport=5432)" "$marks" || return 1
	stop all
	is "$(jq -r '[.dst, .dstPort, .verdict, .direction] | @csv' "$T/all.log" | sort -u)" '"10.0.2.4",5432,"accept","egress"' &&
		not_queued && still five
}

t_denied() { # each packet, not only the first
	probe udp 10.0.2.4:161 -n 5
	all_packets --filter dst=10.0.2.4,dstPort=161,reason=nsg-deny || return 1
	probe udp 10.0.2.4:161 -n 5
	silent && eventually 3 eval '[ "$(grep -c "\"srcPort\":$SPORT," "$T/all.log")" = 5 ]'
	local status=$?
	stop all
	[ $status = 0 ] && is "$(jq -r .reason "$T/all.log" | sort -u)" nsg-deny && not_queued
}

t_everything() { # without a filter no program is needed
	all_packets && still six && eventually 3 matches "$T/all.log" '"reason":"established"'
	local status=$?
	stop all KILL
	[ $status = 0 ] && not_queued && still seven
}

t_sender() { # of the packet: its interface, and the socket's user, cgroup and process
	local sender='[.interface, .uid, .cgroup, .command] | map(tostring) | join(" ")'
	all_packets --filter dstPort=5432,command=traffic && still sixteen &&
		eventually 3 matches "$T/all.log" '"reason":"established"'
	local status=$?
	stop all
	[ $status = 0 ] && is "$(jq -r "$sender" "$T/all.log" | sort -u)" \
		"vnet0 0 $(sed -n 's/^0:://p' "/proc/${PIDS[hold]}/cgroup") traffic" || return 1
	ctl trace --last 1 -o jsonl --filter dstPort=161 >"$T/out" && jq -e '.interface == "vnet0" and has("uid")' "$T/out"
}

# Each of two programs, in turn, as ss finds them.
t_senders() {
	local i program programs=(first second)
	cp "$TRAFFIC" "$T/first" && cp "$TRAFFIC" "$T/second" && all_packets port 5432 || return 1
	for i in 1 2 3 4 5 6; do
		program=${programs[i % 2]}
		mkfifo "$T/hold$i.in"
		spawn_ready "hold$i" app "$T/$program" hold 10.0.2.4:5432 || return 1
		echo word >"$T/hold$i.in"
	done
	in_ns app ss -Htnp dst 10.0.2.4:5432 | sed -n 's/.*:\([0-9]*\)  *10.0.2.4:5432 .*"\(first\|second\)".*/\1 \2/p' | sort >"$T/ss"
	is "$(wc -l <"$T/ss")" 6 && eventually 5 eval 'jq -r "select(.command) | \"\(.srcPort) \(.command)\"" "$T/all.log" |
		sort -u | cmp -s - "$T/ss"'
	local status=$?
	stop all
	for i in 1 2 3 4 5 6; do
		stop "hold$i"
	done
	return $status
}

t_several() { # each has its own, up to a limit
	local i status=0
	for ((i = 0; i < 8; i++)); do
		spawn all$i app "$NSGCTL" trace -o jsonl --all-packets udp port $((1000 + i))
	done
	eventually 5 queued 8 || status=1
	ctl trace --all-packets --for 5s >"$T/out" 2>"$T/err"
	is $? 1 && matches "$T/err" 'already 8 traces' || status=1
	for ((i = 0; i < 8; i++)); do
		stop all$i
	done
	[ $status = 0 ] && not_queued
}

t_refused() {
	local ports
	ports=$(seq -s ' or port ' 1 40)
	ctl trace --all-packets "port $ports" >"$T/out" 2>"$T/err"
	is $? 2 && matches "$T/err" '^nsgctl: --all-packets: .* the kernel.s limit is 64' || return 1
	ctl trace --all-packets --last 5 2>"$T/err"
	is $? 2 || return 1
	printf '%s\n' '{"version":1,"verb":"trace","args":{"allPackets":true,"program":[[0,0,0,0]]}}' |
		in_ns app socat -t20 - UNIX-CONNECT:/run/nsgd/nsgd.sock >"$T/out"
	jq -e '.exit != 0' "$T/out" && not_queued || return 1
	printf '%s\n' '{"version":1,"verb":"trace","args":{"allPackets":true,"program":[[6,0,0]]}}' |
		in_ns app socat -t20 - UNIX-CONNECT:/run/nsgd/nsgd.sock >"$T/out"
	jq -e '.exit == 2' "$T/out" && not_queued
}

t_reload() { # the rules are still there afterwards
	all_packets dst host 10.0.2.4 || return 1
	policy_edit nsg-integration.json '.securityRules[0].priority += 1' && reload && still eight &&
		queued 1 || return 1
	: >"$T/all.log"
	still nine && eventually 3 matches "$T/all.log" '"reason":"established"'
	local status=$?
	stop all
	return $status
}

t_killed() { # packets of allowed flows are not lost with the daemon
	all_packets dst host 10.0.2.4 && nsgd_kill && still ten && still eleven
}

# A restart, and its trace: the first daemon is stopped, the second has another policy.
t_restart() {
	local order='[.verdict, .dstPort] | @csv'
	nsgd_start || return 1
	spawn table app "$NSGCTL" trace -o table --count 3
	spawn follow app "$NSGCTL" trace -w "$T/follow.pcapng" -o jsonl --count 3 --filter dst=10.0.2.4
	eventually 5 eval 'probe udp 10.0.2.4:161; matches "$T/follow.log" 161 && matches "$T/table.log" 161' || return 1
	kill -TERM "${PIDS[nsgd]}" && ended nsgd 20 && stop notify &&
		eventually 5 matches "$T/follow.log" '^nsgctl: nsgd closed the connection: waiting for it to start again$' || return 1
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyRestOfData")).access = "Allow"'
	nsgd_start && eventually 5 matches "$T/follow.log" '^nsgctl: nsgd is running again' || return 1
	eventually 5 eval 'probe udp 10.0.2.4:162; ! alive follow' && ended follow 1 && is $STATUS 0 &&
		is "$(grep -v nsgctl: "$T/follow.log" | jq -r "$order" | sort -u | xargs)" 'accept,162 drop,161' || return 1
	stop table
	matches "$T/table.log" '^# nsgd policy [0-9a-f]{16}, profile 2020-04, subnet vnet-shop/'
}

t_sections() { # one for each policy, each with its packets
	/usr/bin/python3 - "$T/follow.pcapng" <<-'END' && tcpdump -nr "$T/follow.pcapng" 2>"$T/err" | grep -c . >"$T/n" && is "$(cat "$T/n")" 3
		import re, struct, sys
		data = open(sys.argv[1], 'rb').read()
		sections, names = [], set()
		while data:
		    kind, size = struct.unpack('=II', data[:8])
		    if kind == 0x0a0d0d0a:
		        sections.append([re.search(rb'policy ([0-9a-f]+)', data[:size])[1], 0])
		    if kind == 1: # option if_name comes first
		        code, n = struct.unpack('=HH', data[16:20])
		        names.add(data[20:20 + n] if code == 2 else None)
		    sections[-1][1] += kind == 6
		    data = data[size:]
		assert len(sections) == 2, sections
		assert names == {b'vnet0'}, names
		assert sections[0][0] != sections[1][0], sections
		assert all(n for _, n in sections), sections
	END
}

t_gone() { # a nsgd that does not come back; the option --for still holds
	spawn for app "$NSGCTL" trace -o jsonl --for 3s
	connected 1 && nsgd_stop && eventually 5 eval '! alive for' && ended for 1 && is $STATUS 0
}

t_forwarded() { # the packets of a container
	local marks
	# that of t_killed follows every nsgd
	stop all && stop hold && rm -f "$T/hold.in" && mkfifo "$T/hold.in" && conf subnet.watch=no capture.hook=prerouting capture.interfaces=guest0 &&
		nsgd_start && spawn_ready hold guest "$TRAFFIC" hold 10.0.2.4:5432 && still fourteen || return 1
	marks=$(connection_marks | grep sport=5432)
	spawn all app "$NSGCTL" trace -o jsonl --all-packets tcp and dst host 10.0.2.4
	eventually 5 eval 'is "$(rules | sed -n "/chain prerouting {/,/}/p" | grep -c " bypass")" 1' && still fifteen &&
		eventually 3 matches "$T/all.log" '"reason":"established"' && is "$(connection_marks | grep sport=5432)" "$marks"
	local status=$?
	stop all
	[ $status = 0 ] && is "$(jq -r '.hostSrc + " " + .interface' "$T/all.log" | sort -u)" "172.31.0.2 guest0"
}

fact "nsgd starts" t_start
fact "--all-packets: packets of an allowed flow, with the mark that it had" t_allowed
fact "--all-packets: packets of a denied flow" t_denied
fact "--all-packets without a filter" t_everything
fact "a record has the sender of the packet" t_sender
fact "a record has the program that sent the packet, of two with several connections each" t_senders
fact "--all-packets: several traces" t_several
fact "--all-packets: what cannot be matched is refused" t_refused
fact "--all-packets over a reload" t_reload
fact "--all-packets when nsgd is killed" t_killed
fact "a trace follows over a restart" t_restart
fact "a capture has a section for each policy" t_sections
fact "a trace ends in time while nsgd is stopped" t_gone
fact "--all-packets of forwarded traffic" t_forwarded
lab_done
