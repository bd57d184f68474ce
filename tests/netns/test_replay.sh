#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo's traffic, captured by tcpdump on the app's host and replayed offline, gets the decisions that
# nsgd made live, flow by flow. In audit mode, in which denied packets reach the interface too.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
spawn_ready serve.app app "$TRAFFIC" serve tcp:8080
policy_copy
route_all on
conf nsgd.mode=audit
ADDRESSES=10.0.1.4,10.0.100.1,192.0.2.2,192.0.2.9

t_traffic() {
	nsgd_start && nsgd_trace && spawn writer app "$NSGCTL" trace -w "$T/own.pcapng" -o jsonl &&
		eventually 5 eval '[ -s "$T/own.pcapng" ]' &&
		spawn tcpdump app tcpdump -Z root -U --immediate-mode -i any -w "$T/app.pcap" ip &&
		eventually 5 matches "$T/tcpdump.log" 'listening on' || return 1
	local to
	for to in tcp:10.0.2.4:5432 tcp:10.1.0.4:443 tcp:10.0.2.4:22 udp:10.0.2.4:161 udp:192.168.7.7:514 \
		udp:10.0.200.4:514 tcp:203.0.113.10:80 udp:203.0.113.10:53 tcp:203.0.113.10:443 tcp:198.51.100.10:443; do
		probe "${to%%:*}" "${to#*:}"
	done
	in_ns caller "$TRAFFIC" send -s 198.51.100.200:39000 -w 1000 tcp 192.0.2.9:8080 | grep -q replies=1 &&
		settle && traced && stop trace && stop writer INT && stop tcpdump INT
}

# decisions FILE: of the first packet of each flow that the app began.
decisions() {
	jq -nSc '[inputs | select(.direction == "egress" and .dst != "203.0.113.99" and .protocol != "ICMP")] |
		group_by([.protocol, .srcPort, .dst, .dstPort])[] | min_by(.packet) |
		{protocol, src, srcPort, dst, dstPort, gate, nsg, route, verdict, reason, hostSrc: (.hostSrc // .src)}' "$1"
}

t_same() {
	"$NSGCTL" -p "$T/policy" replay -o jsonl --src 10.0.1.4 --local "$ADDRESSES" "$T/app.pcap" >"$T/replayed" &&
		decisions "$T/trace.log" >"$T/live" && decisions "$T/replayed" >"$T/offline" || return 1
	[ "$(wc -l <"$T/live")" -ge 12 ] && diff "$T/live" "$T/offline"
}

t_own() { # nsgd's own capture has the host's sources; those that were judged are in its comments
	"$NSGCTL" -p "$T/policy" replay -o jsonl "$T/own.pcapng" >"$T/own" && decisions "$T/own" >"$T/own.flows" &&
		[ "$(wc -l <"$T/own.flows")" -ge 12 ] && ! grep -vxFf "$T/live" "$T/own.flows" &&
		tcpdump -nr "$T/own.pcapng" 2>/dev/null | grep -q '192.0.2.2.*203.0.113.10'
}

t_inbound() { # the flow that the caller began, and its answers
	local seen
	seen=$(jq -r 'select(.srcPort == 39000 or .dstPort == 39000) | .direction + " " + .verdict' "$T/replayed" | sort -u)
	is "$seen" "$(printf 'inbound accept\nreply accept')"
}

t_denied() { # what the far end answered to a flow that Azure would have denied
	local seen
	seen=$(jq -r 'select(.dst == "10.0.2.4" and .dstPort == 22 or .src == "10.0.2.4" and .srcPort == 22) |
		.verdict + " " + .reason' "$T/replayed" | sort -u)
	is "$seen" "drop nsg-deny"
}

t_annotated() { # written with the judged sources, it needs no options
	"$NSGCTL" -p "$T/policy" replay -w "$T/annotated.pcapng" -o table --src 10.0.1.4 --local "$ADDRESSES" \
		"$T/app.pcap" >"$T/tables" && matches "$T/tables" 'DenyRestOfData \(200\) +drop' || return 1
	"$NSGCTL" -p "$T/policy" replay -o jsonl --local "$ADDRESSES" "$T/annotated.pcapng" >"$T/again" &&
		cmp "$T/replayed" "$T/again"
}

fact "the demo's flows, live and captured" t_traffic
fact "replay decides every flow as nsgd did" t_same
fact "replay decides a capture of trace -w as nsgd did" t_own
fact "the connection to the app is inbound" t_inbound
fact "no packet of a denied flow is accepted" t_denied
fact "a capture that replay wrote is decided the same" t_annotated
lab_done
