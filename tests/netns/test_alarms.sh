#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each alarm happens: it is among the first lines of status and in the journal, and what is lost is counted.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_guest && lab_ipv6 && lab_far_ends || exit 1
policy_copy
route_all on
conf capture.hook=both capture.interfaces=guest0 log.decisions=none queue.length=64
PARTNER=198.51.100.10 # by the policy through the NVA
sysctl_ns app ipv4/conf/all/accept_source_route 1
sysctl_ns app ipv4/conf/guest0/accept_source_route 1

# Every few seconds nsgd looks.
journal() { # REGEX
	eventually 8 matches "$T/nsgd.log" "^warning: .*$1"
}

# The first lines of status: the sentences of its heading, and one for each alarm.
first_lines() { # REGEX
	ctl status >"$T/status" 2>&1
	head -n "${FIRST:-8}" "$T/status" >"$T/first"
	matches "$T/first" "warning: .*$1"
}

counted() { # JQ
	[ "$(ctl status -o json 2>/dev/null | jq "$1")" -gt 0 ]
}

t_quiet() {
	nsgd_start && ! first_lines '' && ! matches "$T/nsgd.log" '^warning: .*(drop|full|before)'
}

t_vanished() { # another program clears the marks after us
	in_ns app nft 'table ip wiper { chain c { type filter hook output priority mangle + 5; meta mark set 0; }; }'
	probe udp $PARTNER:9000
	in_ns app nft delete table ip wiper
	first_lines 'lost the mark of their next hop' && counted .kernel.packets.vanished
}

t_rules_before() { # within a second; and what strays by them
	in_ns app ip rule add pref 300 to $PARTNER lookup main
	in_time 1 matches "$T/nsgd.log" 'ip rules of other programs' || return 1
	probe udp $PARTNER:9000
	first_lines '1 ip rules of other programs .* priority 300' && first_lines 'routed past their next hop' &&
		counted .kernel.packets.strayed && counted .kernel.rulesBefore
}

t_forged() {
	in_ns app "$HOSTILE" packet udp 10.0.2.4:7 10.0.1.4:7 >/dev/null
	in_ns app "$HOSTILE" packet udp '[2001:db8:2::4]:7' '[2001:db8:1::4]:7' >/dev/null
	first_lines 'forged packets' && first_lines 'forged IPv6 packets' && counted .kernel.packets.forged &&
		counted .kernel.ipv6.packets.forged
}

t_forged_interface() {
	in_ns guest ip address add 10.0.2.9/32 dev eth0 && in_ns guest ip -6 address add 2001:db8:2::9/128 dev eth0 nodad
	in_ns guest "$HOSTILE" packet udp 10.0.2.9:7 10.0.1.4:7 >/dev/null
	in_ns guest "$HOSTILE" packet udp '[2001:db8:2::9]:7' '[2001:db8:1::4]:7' >/dev/null
	FIRST=12 first_lines 'not the route back to their source' && counted '.kernel.packets["forged interface"]' &&
		counted '.kernel.ipv6.packets["forged interface"]'
}

t_source_routed() {
	in_ns guest "$HOSTILE" packet -o 8307040a00020401 udp 172.31.0.2:7 172.31.0.1:7 >/dev/null
	FIRST=14 first_lines 'packets with a source route' && counted '.kernel.packets["source routed"]'
}

t_hop_down() {
	in_ns nva ip link set app0 down
	eventually 2 eval 'FIRST=16 first_lines "next hop .*10.0.100.4.* is down"'
}

# The worker is held in the kernel while packets wait; the daemon's main thread is not.
t_queue() {
	command -v strace >/dev/null || { skip "no strace"; return; }
	local worker main=${PIDS[nsgd]}
	worker=$(grep -l '^nsgd-q0' "/proc/$main/task/"*/comm)
	worker=${worker%/comm}
	spawn hold app strace -p "${worker##*/}" -e trace=ppoll,recvmmsg,recvmsg,sendto,sendmsg -e inject=ppoll,recvmmsg,recvmsg:delay_exit=12000000
	eventually 3 matches "$T/hold.log" attached || { skip "strace is not permitted here"; return; }
	in_ns app "$TRAFFIC" send -f 62 -s 0.0.0.0:21000 udp 203.0.113.99:9 >/dev/null
	eventually 3 eval 'FIRST=16 first_lines "packets wait in a queue of length 64"'
}

t_connections() { # calls from one far end after another
	local max i left calls=()
	max=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
	[ "$max" -le 300000 ] || { skip "nf_conntrack_max is $max"; return; }
	in_ns app nft 'table ip hush { chain c { type filter hook output priority 0; meta l4proto icmp drop; }; }'
	left=$((max * 82 / 100))
	for ((i = 1; left > 0; i++, left -= 60000)); do
		in_ns vnet "$HOSTILE" packet -n $((left < 60000 ? left : 60000)) udp 10.1.9.$i:2000 10.0.1.4:7 >/dev/null &
		calls+=($!)
	done
	wait "${calls[@]}"
	FIRST=16 first_lines "the connection table holds .* of $max entries; set net.netfilter.nf_conntrack_max to $((2 * max))"
}

t_journal() { # all of it
	local text
	for text in 'lost the mark' 'routed past' 'forged packets' 'forged IPv6 packets' \
		'packets from captured interfaces' 'IPv6 packets from captured interfaces' 'packets with a source route' \
		'next hop .*10.0.100.4.* is down'; do
		journal "$text" || return 1
	done
	[ -z "${PIDS[hold]:-}" ] || journal 'packets wait in a queue' || return 1
	! in_ns app nft list tables | grep -q hush || journal 'the connection table holds'
}

fact "nothing to report after a start" t_quiet
fact "vanished marks" t_vanished
fact "rules before ours, and packets that strayed by them" t_rules_before
fact "forged packets" t_forged
fact "forged packets from a captured interface" t_forged_interface
fact "source-routed packets" t_source_routed
fact "a next hop is down" t_hop_down
fact "a queue is 80 % full" t_queue
fact "the connection table is 80 % full" t_connections
fact "the journal has each" t_journal
stop hold INT
in_ns app conntrack -F 2>/dev/null
fact "nsgd stops" nsgd_stop
lab_done
