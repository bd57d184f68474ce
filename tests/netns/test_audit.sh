#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mode = audit: everything arrives as if nsgd were not there, and it says what it would have done.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf nsgd.mode=audit

t_start() {
	nsgd_start && nsgd_trace
}

t_row() { # WHERE PROTOCOL TO VERDICT REASON
	probe "$2" "$3"
	is "$ANSWERED" yes && only_at "$1" && says "$4" "$5" && is "$(traced .enforced)" false
}

t_logged() {
	probe tcp 10.0.2.4:22
	eventually 2 eval 'grep -q "would drop.*10.0.2.4" "$T/nsgd.log"'
}

t_counted() {
	ctl stats -o json | jq -e '[.. | objects | .reason? // empty] | length > 0' &&
		ctl status -o table | grep -E '; [1-9][0-9]* packets decided, [1-9][0-9]* would be dropped, the last '
}

t_reload() { # what it would do changes with the policy, what it does not
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"'
	policy_edit rt-integration.json '(.routes[] | select(.name == "partner-through-firewall")).nextHopIpAddress = "10.0.100.99"'
	reload && t_row inet udp 203.0.113.10:53 accept allowed && t_row inet tcp 198.51.100.10:443 accept allowed &&
		t_row vnet tcp 10.0.2.4:22 drop nsg-deny
}

t_way() { # no rule, no route, no mark of ours
	is "$(in_ns app ip rule show | wc -l)" 3 && ! in_ns app ip route show table all | grep -E 'table 2[1-9][0-9]{3}'
}

t_bulk() {
	probe tcp 10.0.2.4:22 -l 20000000 -w 20000
	is "$ANSWERED" yes
}

t_marks() {
	in_ns app conntrack -L 2>/dev/null | grep -E 'mark=[1-9]' && return 1
	return 0
}

t_overflow() { # a queue that nobody empties is full at once; nothing is lost all the same
	stop trace
	nsgd_stop
	conf nsgd.mode=audit queue.length=64
	nsgd_start || return 1
	local before
	before=$(far_counts vnet datagrams)
	kill -STOP "${PIDS[nsgd]}"
	in_ns app "$TRAFFIC" send -f 200 -n 1 -s 0.0.0.0:30000 udp 10.1.0.4:9000 | grep -q 'sent=200 errors=0'
	kill -CONT "${PIDS[nsgd]}"
	eventually 5 eval 'is $(($(far_counts vnet datagrams) - '"$before"')) 200'
}

t_dead() { # daemon-down = drop, and still
	nsgd_kill
	probe tcp 10.0.2.4:22
	is "$ANSWERED" yes && in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup && nothing_left || return 1
	conf nsgd.mode=audit
	nsgd_start
}

t_enforce() { # the same policy enforced, by a restart
	stop trace
	nsgd_stop && nothing_left || return 1
	conf
	nsgd_start || return 1
	probe tcp 10.0.2.4:22
	silent && nsgd_stop && nothing_left
}

fact "nsgd starts" t_start
fact "denied by a rule: arrives, would drop" t_row vnet tcp 10.0.2.4:22 drop nsg-deny
fact "no route: arrives, would drop" t_row vnet udp 192.168.7.7:514 drop route-none
fact "public denied: arrives, would drop" t_row inet udp 203.0.113.10:53 drop nsg-deny
fact "through the NVA: goes straight, is not re-routed" t_row inet tcp 198.51.100.10:443 accept allowed
fact "allowed: arrives" t_row vnet tcp 10.0.2.4:5432 accept allowed
fact "the log says would drop" t_logged
fact "stats count reasons" t_counted
fact "a reload changes what it would do" t_reload
fact "20 MB of a denied connection" t_bulk
fact "no connection is marked" t_marks
fact "no ip rule, no route" t_way
fact "a full queue: everything arrives" t_overflow
fact "a dead nsgd: everything arrives" t_dead
fact "enforced after a restart" t_enforce
lab_done
