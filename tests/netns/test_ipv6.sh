#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# IPv6: refused at once where the profile or [capture] ipv6 says so, by the same selectors as IPv4.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_guest && lab_ipv6 || exit 1
policy_copy
route_all on
BOTH=(capture.hook=both capture.interfaces=guest0)
HOST='[2001:db8:1::4]' CONTAINER='[2001:db8:31::2]' FAR='[2001:db8:2::4]'

# opens NS RESULT PROTOCOL FROM TO: how connecting (or sending) ended: ok or an errno. Sets US.
opens() {
	local out
	out=$(in_ns "$1" "${AS[@]}" "$HOSTILE" open -w 500 "$3" "$4" "$5")
	: "$out"
	US=${out##*us=}
	[[ ${out%% *} =~ ^($2)$ ]] && { [ "$2" != ok ] || [ "${out#*answer=yes}" != "$out" ]; }
}
AS=()

passes() { # NS FROM
	opens "$1" ok tcp "$2" "$FAR:22"
}

refused() { # NS FROM
	opens "$1" ECONNREFUSED tcp "$2" "$FAR:22"
}

starts() { # [SECTION.KEY=VALUE...]
	conf "$@" && nsgd_start
}

restarts() {
	nsgd_stop && nothing_left && starts "$@"
}

packets() { # COUNTER
	in_ns app nft -j list counter ip6 nsgd "$1" | jq '[.. | .packets? // empty] | add'
}

# What a client does with a name that has both families.
falls_back() { # NS FROM6 FROM4
	local six
	refused "$1" "$2" || return 1
	six=$US
	opens "$1" ok tcp "$3" 10.0.2.4:5432 || return 1
	TOOK+="# fallback ($1): refused after $six us, connected after $US us more"$'\n'
}

t_datagrams() { # a sender gets its error with the call, a container later
	local out
	opens app 'EPERM|ECONNREFUSED' udp $HOST $FAR:161 || return 1
	out=$(in_ns guest "$HOSTILE" open -w 2000 udp $CONTAINER $FAR:161)
	TOOK_DATAGRAM="# a datagram: refused after $US us (app), $(sed 's/.*after=\([0-9]*\).*/\1/' <<<"$out") us after it was sent (guest)"
	[ "${out#*answer=ECONNREFUSED}" != "$out" ]
}

t_counted() {
	local tcp other
	tcp=$(packets refused_tcp) other=$(packets refused)
	refused app $HOST && refused guest $CONTAINER
	t_datagrams || return 1
	is $(($(packets refused_tcp) - tcp)) 2 && is $(($(packets refused) - other)) 2
}

t_warned() {
	matches "$T/nsgd.log" '^warning: .*IPv6'
}

t_replies() { # FROM-NS NS ADDRESS
	in_ns "$1" "$HOSTILE" open -w 500 tcp "$2" "$3:8080" | grep -q 'answer=yes'
}

t_link_local() {
	in_ns vnet ip address add fe80::1/64 dev app0 nodad
	in_ns app ip address add fe80::4/64 dev vnet0 nodad
	spawn_ready link vnet "$HOSTILE" serve '[::]:8443'
	in_ns app "$HOSTILE" open -d vnet0 tcp '[::]' '[fe80::1]:8443' | grep -q 'answer=yes'
	local status=$?
	stop link
	return $status
}

t_neighbours() { # they are found again
	in_ns app ip -6 neighbour flush dev vnet0
	in_ns vnet ip -6 neighbour flush dev app0
	t_replies vnet "$FAR" "$HOST"
}

# talks NS: opens a connection that is kept; says NS TEXT: whether it still carries something.
talks() {
	rm -f "$T/talk.$1.in"
	mkfifo "$T/talk.$1.in"
	spawn "talk.$1" "$1" socat - "TCP6:$FAR:8083"
	eventually 3 eval "in_ns $1 ss -tn state established | grep -q :8083" || return 1
	says "$1" first
}

says() {
	echo "$2" 1<>"$T/talk.$1.in"
	eventually 3 matches "$T/talk.$1.log" "$2"
}

t_by_route_all() {
	local status=0 before
	spawn echo vnet socat "TCP6-LISTEN:8083,bind=$FAR,fork" EXEC:cat
	eventually 3 eval 'in_ns vnet ss -tln | grep -q :8083' || return 1
	route_all off && restarts "${BOTH[@]}" subnet.profile=current && before=$(packets passed) &&
		passes app $HOST && passes guest $CONTAINER && [ "$(packets passed)" -ge $((before + 6)) ] || return 1
	talks app && talks guest || return 1
	route_all on && reload && refused app $HOST && refused guest $CONTAINER && says app second && says guest second || status=1
	route_all off && reload && passes app $HOST && passes guest $CONTAINER && says app third && says guest third || status=1
	stop talk.app
	stop talk.guest
	stop echo
	return $status
}

t_not_warned() { # a unique local address
	local status
	in_ns app ip address del 2001:db8:1::4/64 dev vnet0
	in_ns app ip address del 2001:db8:31::1/64 dev guest0
	in_ns app ip address add fd00:db8::4/64 dev vnet0 nodad
	restarts "${BOTH[@]}" && ! t_warned
	status=$?
	in_ns app ip address del fd00:db8::4/64 dev vnet0
	in_ns app ip address add 2001:db8:1::4/64 dev vnet0 nodad
	in_ns app ip address add 2001:db8:31::1/64 dev guest0 nodad
	in_ns app ip route replace default via 2001:db8:1::1
	return $status
}

t_key_refuse() {
	restarts "${BOTH[@]}" subnet.profile=current capture.ipv6=refuse && refused app $HOST && refused guest $CONTAINER
}

t_key_pass() {
	route_all on
	restarts "${BOTH[@]}" capture.ipv6=pass && passes app $HOST && passes guest $CONTAINER
}

t_output_only() {
	restarts && refused app $HOST && passes guest $CONTAINER
}

t_prerouting_only() {
	restarts capture.hook=prerouting capture.interfaces=guest0 && passes app $HOST && refused guest $CONTAINER
}

t_excluded() {
	restarts "${BOTH[@]}" capture.exclude=2001:db8:2::/64,10.55.0.0/16 && passes app $HOST && passes guest $CONTAINER &&
		opens app ECONNREFUSED tcp $HOST '[2001:db8:1::1]:22'
}

t_users() {
	setpriv --reuid 65534 --clear-groups true 2>/dev/null || { skip "needs a second user"; return; }
	restarts capture.users=nobody && passes app $HOST || return 1
	AS=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	refused app $HOST
	local status=$?
	AS=()
	return $status
}

t_cgroups() {
	local at
	at=$(findmnt -nt cgroup2 -o TARGET | head -n1)
	[ -n "$at" ] && at+=/nsgdsix$$ && mkdir "$at" 2>/dev/null || { skip "no writable cgroup v2 here"; return; }
	restarts "capture.cgroups=nsgdsix$$" && passes app $HOST || return 1
	AS=(sh -c "echo \$\$ >$at/cgroup.procs && exec \"\$@\"" sh)
	refused app $HOST
	local status=$?
	AS=()
	eventually 2 rmdir "$at"
	return $status
}

t_audit() {
	restarts "${BOTH[@]}" nsgd.mode=audit && passes app $HOST && passes guest $CONTAINER && [ "$(packets refused_tcp)" -ge 2 ]
}

t_repaired() {
	restarts "${BOTH[@]}" && refused app $HOST || return 1
	in_ns app nft flush ruleset
	in_time 1 refused app $HOST
}

t_older() { # open when nsgd first starts: it lives on
	nsgd_stop && nothing_left || return 1
	in_ns app nft add table ip6 tracked '{ chain c { type filter hook output priority 0; ct state new accept; }; }'
	rm -f /run/nsgd/*.started "$T/old.in"
	mkfifo "$T/old.in"
	spawn_ready old app "$HOSTILE" again peer-fin $HOST:27001 $FAR:22 && starts "${BOTH[@]}" || return 1
	echo 1<>"$T/old.in"
	eventually 3 matches "$T/old.log" '^again ECONNREFUSED' # its next connection
	local status=$?
	in_ns app nft delete table ip6 tracked
	stop old
	return $status
}

# Before any rule the kernel does not track IPv6: it sees this one in the middle.
t_untracked() {
	mkfifo "$T/call.in"
	spawn echo vnet socat "TCP6-LISTEN:8082,bind=$FAR" EXEC:cat
	eventually 3 eval 'in_ns vnet ss -tln | grep -q :8082' || return 1
	spawn call app socat - "TCP6:$FAR:8082"
	eventually 3 eval 'in_ns vnet ss -tn state established | grep -q :8082' || return 1
	echo first 1<>"$T/call.in"
	eventually 3 matches "$T/call.log" first || return 1
	starts "${BOTH[@]}" || return 1
	echo later 1<>"$T/call.in"
	eventually 3 matches "$T/call.log" later && [ "$(packets preexisting)" -gt 0 ] && refused app $HOST
	local status=$?
	stop call
	stop echo
	nsgd_stop && return $status
}

t_stop() {
	nsgd_stop && nothing_left && ! in_ns app nft list tables | grep -q ip6 && passes app $HOST && passes guest $CONTAINER
}

spawn_ready far vnet "$HOSTILE" serve "$FAR:22" 10.0.2.4:5432 &&
	spawn_ready near app "$HOSTILE" serve "$HOST:8080" '[::1]:8080' &&
	spawn_ready inside guest "$HOSTILE" serve "$CONTAINER:8080" || exit 1
fact "without nsgd IPv6 passes, from the host" passes app $HOST
fact "without nsgd IPv6 passes, from the container" passes guest $CONTAINER
fact "a connection that the kernel did not track before the start lives on" t_untracked
fact "nsgd starts" starts "${BOTH[@]}"
fact "2020-04: refused at once, then IPv4, from the host" falls_back app $HOST 10.0.1.4
fact "2020-04: refused at once, then IPv4, from the container" falls_back guest $CONTAINER 172.31.0.2
fact "datagrams are refused with an error" t_datagrams
fact "each refusal is counted, by its cause" t_counted
fact "a start warns of the host's IPv6" t_warned
fact "::1 passes" opens app ok tcp '[::1]' '[::1]:8080'
fact "own addresses pass" opens app ok tcp $HOST "$HOST:8080"
fact "link-local addresses pass" t_link_local
fact "neighbour discovery passes, by unicast too" t_neighbours
fact "replies to callers pass, from the host" t_replies vnet "$FAR" "$HOST"
fact "replies to callers pass, from the container" t_replies vnet "$FAR" "$CONTAINER"
fact "the container calls the host" t_replies guest "$CONTAINER" "$HOST"
fact "current: refused while route-all is on, also by a reload; open connections live on; what passes is counted" t_by_route_all
fact "ipv6 = refuse" t_key_refuse
fact "ipv6 = pass" t_key_pass
fact "hook = output: the host's sockets only" t_output_only
fact "hook = prerouting: the container only" t_prerouting_only
fact "excluded prefixes pass" t_excluded
fact "only a user's sockets" t_users
fact "only a cgroup's sockets" t_cgroups
fact "audit: passes, and is counted" t_audit
fact "another program's flush is repaired within a second" t_repaired
fact "a connection that is older than nsgd, and its next" t_older
fact "no warning of a unique local address" t_not_warned
fact "a stop leaves nothing" t_stop
printf '%s%s\n' "$TOOK" "$TOOK_DATAGRAM"
lab_done
