#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab by itself: without nsgd every flow of the other tests arrives, so that no broken link is
# ever taken for a denial.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1

t_arrives() { # NS PROTOCOL TO
	probe "$2" "$3"
	is "$ANSWERED" yes && only_at "$1"
}

t_inbound() {
	in_ns caller "$TRAFFIC" send -w 1000 tcp 192.0.2.9:8080 | grep -q replies=1
}

for to in tcp:10.0.2.4:5432 tcp:10.0.2.4:22 udp:10.0.2.4:161 tcp:10.1.0.4:443 udp:192.168.7.7:514 \
	udp:10.0.200.4:514; do
	fact "without nsgd $to arrives in the VNet" t_arrives vnet "${to%%:*}" "${to#*:}"
done
for to in tcp:203.0.113.10:80 tcp:203.0.113.10:443 udp:203.0.113.10:53 tcp:198.51.100.10:443; do
	fact "without nsgd $to arrives on the Internet directly" t_arrives inet "${to%%:*}" "${to#*:}"
done
spawn_ready serve.app app "$TRAFFIC" serve tcp:8080
fact "without nsgd the outside caller is answered" t_inbound
fact "an empty namespace has nothing of nsgd's" nothing_left
lab_done
