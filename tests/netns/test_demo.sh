#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo; captures at its far ends, read by other decoders, must agree with its table.
TOP=$(cd "$(dirname "$0")" && pwd)
PCAP=$(mktemp -d)
trap 'rm -rf "$PCAP"' EXIT
FAILED=0

fact() {
	local name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		FAILED=1
	fi
}

# count NAMESPACE PROTOCOL SPORT DST DPORT, by an independent decoder
by_tcpdump() {
	tcpdump -nr "$PCAP/$1.pcap" "$2 and src port $3 and dst host $4 and dst port $5" 2>/dev/null | wc -l
}

by_tshark() {
	tshark -nr "$PCAP/$1.pcap" -Y "$2.srcport == $3 and ip.dst == $4 and $2.dstport == $5" 2>/dev/null | wc -l
}

agree() { # DECODER
	local protocol sport dst dport where ns name rows=0
	while read -r protocol sport dst dport where; do
		rows=$((rows + 1))
		for ns in vnet:"VNet host" nva:NVA inet:Internet; do
			name=${ns#*:} ns=${ns%%:*}
			if [[ $where == *"$name"* ]]; then
				[ "$($1 $ns "$protocol" "$sport" "$dst" "$dport")" -gt 0 ] || return 1
			else
				[ "$($1 $ns "$protocol" "$sport" "$dst" "$dport")" = 0 ] || return 1
			fi
		done
	done <"$PCAP/rows"
	[ $rows -gt 20 ]
}

interrupted() { # nothing is left after an interrupted demo
	local before pid out=$PCAP/interrupted
	before=$(ip netns list; ls /run; ip link show; ip rule show; nft list tables 2>/dev/null)
	setsid bash "$TOP/demo.sh" >"$out" 2>&1 &
	pid=$!
	for _ in $(seq 1500); do
		! grep -q '^ok .*5432' "$out" || break
		sleep 0.02
	done
	grep -q '^ok .*5432' "$out" || { kill -TERM "$pid"; return 1; }
	kill -INT "$pid" 2>/dev/null || kill -TERM "$pid"
	kill -TERM "$pid" 2>/dev/null
	wait "$pid"
	[ $? != 0 ] && [ "$(ip netns list; ls /run; ip link show; ip rule show; nft list tables 2>/dev/null)" = "$before" ] &&
		! pgrep -s "$pid" >/dev/null
}

unprivileged() { # without root, where the machine allows it
	unshare -Urnm bash "$TOP/demo.sh" >"$PCAP/unprivileged" 2>&1 || {
		grep '^not ok' "$PCAP/unprivileged"
		return 1
	}
}

bash "$TOP/demo.sh" -w "$PCAP"
fact "the rows of the demo match Azure" [ $? = 0 ]
fact "captures at the far ends agree with the table (tcpdump)" agree by_tcpdump
if command -v tshark >/dev/null; then
	fact "captures at the far ends agree with the table (tshark)" agree by_tshark
fi
fact "an interrupted demo leaves nothing behind" interrupted
if unshare -Urnm true 2>/dev/null; then
	fact "the demo without root, in a user namespace" unprivileged
else
	echo "skip the demo without root # user namespaces are not allowed here"
fi
exit $FAILED
