#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which packets are captured: users, cgroups, excluded prefixes, forwarded traffic.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
DENIED=10.0.2.4:22
install -m 755 "$TRAFFIC" /run/traffic
TRAFFIC=/run/traffic

answered() { # yes|no PROTOCOL TO
	probe "$2" "$3"
	is "$ANSWERED" "$1"
}

t_exclude() {
	conf capture.exclude=10.0.2.0/28,203.0.113.22/32
	nsgd_start && answered yes tcp $DENIED && answered no tcp 203.0.113.10:80 && nsgd_stop && nothing_left
}

t_many_excludes() {
	local i list=10.0.2.4/32
	for ((i = 0; i < 100; i++)); do # a list goes on in indented lines
		list+=$'\n\t'172.20.$i.0/24
	done
	conf "capture.exclude=$list"
	nsgd_start && answered yes tcp $DENIED && answered no tcp 203.0.113.10:80 && nsgd_stop && nothing_left
}

t_users() { # one user's sockets only
	setpriv --reuid 65534 --clear-groups true 2>/dev/null || { skip "needs a second user"; return; }
	conf capture.users=nobody
	nsgd_start && answered yes tcp $DENIED || return 1
	PROBE_AS=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	answered no tcp $DENIED && answered yes tcp 10.0.2.4:5432 || return 1
	PROBE_AS=()
	nsgd_stop && nothing_left
}

t_unknown_user() {
	conf capture.users=no-such-user
	nsgd_fails && is "$STATUS" 78 && matches "$T/nsgd.log" 'no-such-user' && nothing_left
}


cgroup_is() { # ID|null PACKETS: what status shows of the one path; at least PACKETS
	ctl status -o json | jq -e --argjson id "$1" --argjson n "$2" --arg path "nsgdtest$$/app" \
		'.kernel.cgroups | length == 1 and .[0].path == $path and .[0].id == $id and .[0].packets >= $n'
}

t_cgroups() {
	local at
	at=$(findmnt -nt cgroup2 -o TARGET | head -n1)
	[ -n "$at" ] && at+=/nsgdtest$$ && mkdir "$at" 2>/dev/null || { skip "no writable cgroup v2 here"; return; }
	conf "capture.cgroups=nsgdtest$$/app"
	nsgd_start && answered yes tcp $DENIED || return 1
	# The path appears now, and again when its service is restarted.
	local round status=0 id
	cgroup_is null 0 || return 1
	for round in 1 2; do
		mkdir $at/app
		id=$(stat -c %i $at/app)
		PROBE_AS=(sh -c "echo \$\$ >$at/app/cgroup.procs && exec \"\$@\"" sh)
		eventually 2 answered no tcp $DENIED && answered yes tcp 10.0.2.4:5432 || status=$round
		PROBE_AS=()
		answered yes tcp $DENIED || status=3
		cgroup_is "$id" 1 || status=4
		eventually 2 rmdir $at/app
		eventually 2 cgroup_is null 0 || status=5
	done
	rmdir $at
	nsgd_stop && nothing_left && return $status
}

t_forward() {
	lab_guest || return 1
	conf capture.hook=prerouting capture.interfaces=guest0
	PROBE_NS=guest
	nsgd_start && nsgd_trace || return 1
	answered yes tcp 10.0.2.4:5432 && says accept allowed AllowDatabase &&
		is "$(traced .src)" 10.0.1.4 && is "$(traced .hostSrc)" 172.31.0.2 || return 1
	probe tcp $DENIED
	silent && says drop nsg-deny DenyRestOfData || return 1
	probe tcp 198.51.100.10:443
	only_at nva inet && is "$ANSWERED" yes || return 1
	probe udp 192.168.7.7:514
	silent && says drop route-none
}

t_forward_bulk() { # segments of 64 KiB, and datagrams in fragments
	PROBE_NS=guest
	probe tcp 10.0.2.4:5432 -l 20000000 -w 20000
	is "$ANSWERED" yes || return 1
	probe udp 203.0.113.10:443 -l 60000
	is "$ANSWERED" yes || return 1
	probe udp 203.0.113.10:53 -l 60000
	is "$ANSWERED" no
}

# An open flow of the guest: reloads change its route, remove it, and add it again.
t_forward_reload() {
	local hop from=172.31.0.2:31000 to=198.51.100.10:7 before expected route='(.routes[] | select(.name == "partner-through-firewall"))'
	for hop in VirtualAppliance Internet None Internet VirtualAppliance; do
		if [ $hop = VirtualAppliance ]; then
			policy_edit rt-integration.json "$route |= (.nextHopType = \"$hop\" | .nextHopIpAddress = \"10.0.100.4\")"
		else
			policy_edit rt-integration.json "$route |= (.nextHopType = \"$hop\" | del(.nextHopIpAddress))"
		fi
		reload || return 1
		before=$(grep -c ' in 17 172.31.0.2 31000 ' "$T/sniff.nva.log")
		in_ns guest "$TRAFFIC" send -s $from -n 3 -w 500 udp $to >"$T/forward.log"
		: "$hop $(cat "$T/forward.log")"
		settle_guest || return 1
		case $hop in
		None) matches "$T/forward.log" 'sent=3 errors=0 replies=0' ;;
		*) matches "$T/forward.log" 'sent=3 errors=0 replies=3' ;;
		esac || return 1
		expected=0
		[ $hop != VirtualAppliance ] || expected=3
		is $(($(grep -c ' in 17 172.31.0.2 31000 ' "$T/sniff.nva.log") - before)) $expected || return 1
	done
}

settle_guest() { # what the guest sent to the NVA before this is there
	in_ns guest "$TRAFFIC" send -t "guest$SPORT$RANDOM" -s 172.31.0.2:32000 -w 1000 udp 10.0.100.4:7 | grep -q replies=1
}

t_forward_off() { # captured but not forwarded: reported at start, with what to set
	stop trace
	nsgd_stop
	sysctl_ns app ipv4/conf/guest0/forwarding 0
	nsgd_start && matches "$T/nsgd.log" '^warning: .* guest0 .*net.ipv4.conf.guest0.forwarding=1' || return 1
	sysctl_ns app ipv4/conf/guest0/forwarding 1
	nsgd_stop && nsgd_start && ! matches "$T/nsgd.log" 'forwarding='
}

t_forward_only() { # this host's own sockets are not captured
	PROBE_NS=app
	answered yes tcp $DENIED
}

t_forward_replies() { # a call to the guest is answered
	spawn_ready serve.guest guest "$TRAFFIC" serve tcp:8080
	in_ns vnet "$TRAFFIC" send -s 10.0.2.4 -w 1000 tcp 172.31.0.2:8080 | grep -q replies=1
}

t_forward_nat() { # behind masquerading, as containers are
	in_ns app nft -f - <<-END
		table ip masq {
			chain post { type nat hook postrouting priority srcnat; ip saddr 172.31.0.0/24 masquerade; }
		}
	END
	PROBE_NS=guest
	answered yes tcp 203.0.113.10:443 && answered no tcp 203.0.113.10:80 || return 1
	probe tcp 198.51.100.10:443
	only_at nva inet && is "$ANSWERED" yes || return 1
	PROBE_NS=app
	in_ns app nft delete table ip masq
}

t_both() {
	stop trace
	nsgd_stop && nothing_left || return 1
	conf capture.hook=both capture.interfaces=guest0
	nsgd_start && answered no tcp $DENIED && answered yes tcp 10.0.2.4:5432 || return 1
	spawn_ready serve.app app "$TRAFFIC" serve tcp:8080
	PROBE_NS=guest
	answered no tcp $DENIED && answered yes tcp 10.0.2.4:5432 || return 1
	PROBE_NS=app
	# packets to the host itself are not captured
	in_ns guest "$TRAFFIC" send -w 1000 tcp 172.31.0.1:8080 | grep -q replies=1 || return 1
	nsgd_stop && nothing_left
}

t_both_queued() { # the same without offload
	conf capture.hook=both capture.interfaces=guest0 offload.established=no
	nsgd_start || return 1
	for PROBE_NS in app guest; do
		answered no tcp $DENIED && answered yes tcp 10.0.2.4:5432 || return 1
		probe tcp 10.0.2.4:5432 -l 20000000 -w 20000
		is "$ANSWERED" yes || return 1
		probe udp 198.51.100.10:7 -n 5
		only_at nva inet && is "$(seen nva | wc -l)" 5 && is "$ANSWERED" yes || return 1
	done
	PROBE_NS=app
	nsgd_stop && nothing_left
}

t_ipv6() { # excluded by its prefix, or all of it
	sysctl_ns app ipv6/conf/vnet0/disable_ipv6 0
	sysctl_ns vnet ipv6/conf/app0/disable_ipv6 0
	sysctl_ns app ipv6/conf/vnet0/accept_dad 0
	sysctl_ns vnet ipv6/conf/app0/accept_dad 0
	in_ns app ip -6 address replace fd00::4/64 dev vnet0 nodad && in_ns vnet ip -6 address replace fd00::1/64 dev app0 nodad || return 1
	conf "$@"
	nsgd_start || return 1
	spawn sixth vnet socat -u UDP6-RECV:5353 STDOUT
	eventually 3 eval 'echo hello | in_ns app socat -u STDIN UDP6-SENDTO:[fd00::1]:5353; matches "$T/sixth.log" hello' &&
		ctl status | grep -qi ipv6 && nsgd_stop && stop sixth
}

fact "excluded prefixes are never captured" t_exclude
fact "a hundred excluded prefixes" t_many_excludes
fact "only a user's sockets" t_users
fact "an unknown user: start fails, names it" t_unknown_user
fact "only a cgroup's sockets, also when it appears later and again" t_cgroups
fact "forwarded traffic is decided with the subnet's address" t_forward
fact "forwarded bulk and fragments" t_forward_bulk
fact "a forwarded flow follows its route over reloads" t_forward_reload
fact "an interface that does not forward is reported at start, with what to set" t_forward_off
fact "prerouting alone leaves this host's sockets alone" t_forward_only
fact "replies of a forwarded guest are let through" t_forward_replies
fact "forwarded traffic behind masquerading" t_forward_nat
fact "both hooks" t_both
fact "both hooks without offload" t_both_queued
fact "IPv6 passes with ipv6 = pass, status reports it" t_ipv6 capture.ipv6=pass
fact "IPv6 passes to an excluded prefix" t_ipv6 capture.exclude=fd00::/64
lab_done
