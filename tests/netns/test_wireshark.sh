#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nsgd-extcap as a capture interface of tshark, and the profile in contrib.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
EXTCAP=$BUILD/src/nsgctl/nsgd-extcap
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf offload.established=no
export HOME=$T

t_alone() { # without a daemon: what Wireshark asks at its start, and while a filter is typed
	"$EXTCAP" --extcap-interfaces --extcap-version=4.0 >"$T/out" && matches "$T/out" '^interface \{value=nsgd\}' &&
		"$EXTCAP" --extcap-interface nsgd --extcap-dlts >"$T/out" && matches "$T/out" '^dlt \{number=228\}' &&
		"$EXTCAP" --extcap-interface nsgd --extcap-config >"$T/out" && matches "$T/out" '^value \{arg=0\}\{value=drop\}' || return 1
	"$EXTCAP" --extcap-interface nsgd --extcap-capture-filter 'tcp port 443' >"$T/out" && [ ! -s "$T/out" ] || return 1
	"$EXTCAP" --extcap-interface nsgd --extcap-capture-filter 'tcp and' >"$T/out" && return 1
	matches "$T/out" '"tcp and": ' || return 1
	in_ns app "$EXTCAP" --extcap-interface nsgd --capture --fifo /dev/null 2>"$T/err"
	is $? 4 && matches "$T/err" 'no nsgd is running' || return 1
	"$EXTCAP" --extcap-interface other --extcap-dlts 2>/dev/null
	is $? 2
}

t_quick() { # ten times in two seconds of a processor, also while sanitizers slow it down
	local seconds i TIMEFORMAT='%U %S'
	seconds=$({ time for ((i = 0; i < 10; i++)); do "$EXTCAP" --extcap-interfaces >/dev/null; done; } 2>&1)
	awk '{ exit NF != 2 || $1 + $2 >= 2 }' <<<"$seconds"
}

t_capture() { # into a pipe, by verdict and expression
	nsgd_start || return 1
	mkfifo "$T/fifo" || return 1
	spawn extcap app "$EXTCAP" --extcap-interface nsgd --capture --fifo "$T/fifo" --verdict drop --extcap-capture-filter 'udp'
	spawn reader app sh -c "exec cat '$T/fifo' >'$T/piped.pcapng'"
	eventually 10 eval 'probe tcp 10.0.2.4:22; probe udp 203.0.113.10:443; probe udp 10.0.2.4:161; ! alive extcap || [ "$(stat -c %s "$T/piped.pcapng")" -gt 700 ]' &&
		alive extcap && stop extcap && is "$STATUS" 0 && ended reader 5 || return 1
	tcpdump -nr "$T/piped.pcapng" >"$T/out" 2>/dev/null
	matches "$T/out" '10.0.2.4.161' && ! matches "$T/out" '\.22:|\.443:'
}

# tshark looks for its interfaces in one directory; here it is ours.
t_tshark() {
	command -v tshark >/dev/null || skip "tshark is not installed" || return
	local directory
	directory=$(tshark -G folders 2>/dev/null | sed -n 's/^Extcap path:[[:space:]]*//p')
	[ -d "$directory" ] && mount -t tmpfs tmpfs "$directory" && ln -s "$EXTCAP" "$directory/nsgd-extcap" || return 1
	mkdir -p "$T/.config/wireshark/profiles" && cp -r "$LAB_TOP/contrib/wireshark/nsgd" "$T/.config/wireshark/profiles" &&
		tshark -D 2>/dev/null | grep -q 'nsgd: packets with their verdicts' || return 1
	spawn tshark app tshark -l -i nsgd -c 2 -o extcap.nsgd.verdict:drop -f 'udp port 161' -T fields \
		-e ip.dst -e udp.dstport -e frame.verdict.ebpf_tc -e frame.comment
	eventually 20 eval 'probe udp 203.0.113.10:53; probe udp 10.0.2.4:161; ! alive tshark' && ended tshark 5 && is "$STATUS" 0 &&
		is "$(grep -c $'^10.0.2.4\t161\t2\tdrop, nsg-deny; gate rfc1918; rule securityRules/DenyRestOfData (200)' "$T/tshark.log")" 2
}

t_profile() { # its columns and colours are known to Wireshark
	command -v tshark >/dev/null || skip "tshark is not installed" || return
	spawn writer app "$NSGCTL" trace -w "$T/live.pcapng" --count 1 --dropped-only
	eventually 10 eval 'probe udp 10.0.2.4:161; ! alive writer' || return 1
	tshark -C nsgd -r "$T/live.pcapng" >"$T/out" 2>"$T/err" && ! grep -vi 'running as user' "$T/err" &&
		matches "$T/out" 'drop, nsg-deny' &&
		tshark -C nsgd --color -r "$T/live.pcapng" -T fields -e frame.coloring_rule.name >"$T/out" 2>/dev/null &&
		is "$(cat "$T/out")" 'Dropped by nsgd'
}

t_stop() {
	nsgd_stop && nothing_left
}

fact "nsgd-extcap answers Wireshark without a daemon" t_alone
fact "nsgd-extcap answers at once" t_quick
fact "nsgd-extcap captures by verdict and expression" t_capture
fact "tshark -i nsgd" t_tshark
fact "the Wireshark profile" t_profile
fact "SIGTERM leaves nothing behind" t_stop
lab_done
