#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# [snat]: the source that a far end sees, as in Azure: the subnet's address inside the VNet, the app's
# outbound address on the Internet.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
# The host's own address is not the subnet's, as on a real test host.
in_ns app ip address add 10.0.1.9/26 dev vnet0
in_ns app ip address add 192.0.2.20/32 dev inet0
in_ns inet ip route add 192.0.2.20/32 via 192.0.2.2
in_ns nva ip route add 192.0.2.20/32 via 10.0.100.1

t_start() {
	conf subnet.address=10.0.1.9 snat.vnet=10.0.1.9 snat.internet=192.0.2.20
	nsgd_start && nsgd_trace
}

# from NS SOURCE PROTOCOL TO: the far end sees this source, and its reply comes back.
from() {
	local ns=$1 source=$2 port
	probe "$3" "$4"
	port=${4#*:}
	is "$ANSWERED" yes && settle || return 1
	eventually 2 matches "$T/sniff.$ns.log" " in [0-9]+ $source [0-9]+ ${4%:*} $port "  || return 1
	seen "$ns" | awk '{ print $4 }' | sort -u | { read -r s && is "$s" "$source"; }
}

t_judged() {
	probe tcp 10.0.2.4:22
	silent && is "$(traced .src)" 10.0.1.9
}

t_stop() {
	stop trace
	nsgd_stop && nothing_left && ! in_ns app nft list ruleset | grep -q snat
}

t_without() {
	conf subnet.address=10.0.1.9
	nsgd_start && from inet 192.0.2.2 tcp 203.0.113.10:443 && nsgd_stop
}

fact "nsgd starts" t_start
fact "into the VNet: the subnet's address" from vnet 10.0.1.9 tcp 10.0.2.4:5432
fact "into a peered VNet: the subnet's address" from vnet 10.0.1.9 udp 10.1.0.4:7
fact "through the NVA: the subnet's address" from nva 10.0.1.9 tcp 198.51.100.10:443
fact "out to the Internet: the app's outbound address" from inet 192.0.2.20 tcp 203.0.113.10:443
fact "denied is denied, decided with the subnet's address" t_judged
fact "SIGTERM leaves nothing behind" t_stop
fact "without [snat] the host's own source stays" t_without
lab_done
