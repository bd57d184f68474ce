#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The honest neighbours of the rules that keep a hostile app in: what looks like one of its ways and must pass.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_guest && lab_ipv6 && lab_far_ends || exit 1
policy_copy
route_all on
conf capture.hook=both capture.interfaces=guest0
sysctl_ns app netfilter/nf_conntrack_checksum 0 # a SYN with a bad checksum is tracked
H=("$HOSTILE" open -w 500)

answers() { # NS PROTOCOL FROM TO [OPTION...]
	local ns=$1 protocol=$2 from=$3 to=$4
	shift 4
	in_ns "$ns" "${H[@]}" "$@" "$protocol" "$from" "$to" | tee -a "$T/out" | grep -q 'answer=yes'
}

t_loopback() { # FROM TO: both protocols, and a call from the other side
	answers app tcp "$1" "$2:8080" && answers app udp "$1" "$2:8081"
}

t_echo() { # IP
	in_ns app "$TRAFFIC" send -w 300 icmp "$1" | grep -q "replies=[1-9]" # the request too
}

t_broadcast_on_lo() {
	in_ns app "$HOSTILE" open -w 50 udp 127.0.0.1 127.255.255.255:8081 | grep -q '^ok'
}

# A local transparent proxy: what the app sends is routed to lo, taken there by TPROXY, and answered with the
# far end's address.
t_tproxy() {
	in_ns app ip route add local 203.0.113.77/32 dev lo table 99
	in_ns app ip rule add pref 99 to 203.0.113.77 lookup 99
	in_ns app nft -f - <<-END || { skip "no TPROXY in this kernel"; return; }
		table ip proxy {
			chain pre {
				type filter hook prerouting priority mangle
				iif lo ip daddr 203.0.113.77 tcp dport 443 tproxy to 127.0.0.1:8090 meta mark set 0x1 accept
			}
		}
	END
	spawn_ready proxy app "$HOSTILE" serve -t 127.0.0.1:8090
	answers app tcp 10.0.1.4 203.0.113.77:443
	local status=$?
	in_ns app nft delete table ip proxy
	in_ns app ip rule del pref 99
	stop proxy
	return $status
}

t_dhcp() { # NS DEVICE: a client without an address asks everybody
	in_ns app "$HOSTILE" packet -t discover -l vnet0,ff:ff:ff:ff:ff:ff udp 0.0.0.0:68 255.255.255.255:67 >>"$T/out" &&
		in_ns app "$HOSTILE" open -d vnet0 -t rebind -w 10 udp 10.0.1.4:68 255.255.255.255:67 >>"$T/out" &&
		eventually 2 matches "$T/sniff.vnet.log" ' 17 0.0.0.0 68 255.255.255.255 67 .* discover' &&
		eventually 2 matches "$T/sniff.vnet.log" ' 17 10.0.1.4 68 255.255.255.255 67 .* rebind'
}

t_dhcp_renewal() { # to a gateway of the main table
	in_ns app "$HOSTILE" open -t renew -w 10 udp 10.0.1.4:68 10.0.1.1:67 >>"$T/out" &&
		eventually 2 matches "$T/sniff.vnet.log" ' 17 10.0.1.4 68 10.0.1.1 67 .* renew'
}

t_ecn() {
	sysctl_ns app ipv4/tcp_ecn 1
	sysctl_ns vnet ipv4/tcp_ecn 1
	answers app tcp 10.0.1.4 10.0.2.4:5432 && answers guest tcp 172.31.0.2 10.0.2.4:5432
	local status=$?
	sysctl_ns app ipv4/tcp_ecn 2
	return $status
}

t_options() { # OPTIONS: on every packet, from the host, from the container, and to the host
	answers app tcp 10.0.1.4 10.0.2.4:5432 -o "$1" -n 3 && answers app udp 10.0.1.4 10.1.0.4:7 -o "$1" &&
		answers guest tcp 172.31.0.2 10.0.2.4:5432 -o "$1" -n 3 &&
		answers guest tcp 172.31.0.2 172.31.0.1:8080 -o "$1" && ! answers app tcp 10.0.1.4 10.0.2.4:22 -o "$1"
}

t_fast_open() { # the second connection's SYN has the request in it
	sysctl_ns app ipv4/tcp_fastopen 1
	sysctl_ns vnet ipv4/tcp_fastopen 2
	spawn_ready fast vnet "$HOSTILE" serve 10.1.0.4:8443
	answers app tcp 10.0.1.4 10.1.0.4:8443 -f && answers app tcp 10.0.1.4 10.1.0.4:8443 -f
	local status=$?
	stop fast
	return $status
}

t_silent_peer() { # the SYN is sent again, each is decided, and the peer answers the second
	in_ns vnet nft add table ip deaf '{ chain in { type filter hook input priority 0; tcp dport 5432 drop; }; }'
	in_ns app "$HOSTILE" open -w 20000 tcp 10.0.1.4:25001 10.0.2.4:5432 >"$T/late" &
	eventually 3 eval '[ "$(grep -c " in 6 10.0.1.4 25001 10.0.2.4 5432 " "$T/sniff.vnet.log")" -ge 2 ]'
	in_ns vnet nft delete table ip deaf
	eventually 6 matches "$T/late" 'answer=yes'
}

t_simultaneous_open() { # both call each other, from the port that the other calls
	local i
	for ((i = 0; i < 10; i++)); do
		in_ns vnet "$HOSTILE" packet -b -f S tcp 10.0.2.4:5432 10.0.1.4:$((25100 + i)) >>"$T/out"
		answers app tcp 10.0.1.4:$((25100 + i)) 10.0.2.4:5432 || return 1
	done
}

t_port_unreachable() { # the app's host says so to a caller
	in_ns vnet "$HOSTILE" open -w 500 udp 10.0.2.4 10.0.1.4:9999 | grep -q 'answer=ECONNREFUSED'
}

t_refused() { # and resets a call to a port without a listener
	in_ns vnet "$HOSTILE" open -w 500 tcp 10.0.2.4 10.0.1.4:9999 | grep -q '^ECONNREFUSED'
}

t_path_mtu() { # the host tells the container that a packet is too long
	in_ns app ip link set vnet0 mtu 1300
	in_ns guest "$TRAFFIC" send -l 1400 -w 300 udp 10.1.0.4:7 >>"$T/out"
	in_ns guest "$TRAFFIC" send -l 100000 -w 5000 tcp 10.0.2.4:5432 | grep -q replies=1
	local status=$?
	in_ns app ip link set vnet0 mtu 1500
	return $status
}

t_inbound() { # NS FROM TO
	answers "$1" tcp "$2" "$3:8080" && answers "$1" udp "$2" "$3:8081"
}

t_many_inbound() { # from one port, again and again: each SYN meets an old entry
	local i
	for ((i = 0; i < 20; i++)); do
		answers vnet tcp 10.0.2.4:25200 10.0.1.4:8080 -R || return 1
	done
}

t_outbound_again() { # an allowed peer, again and again from one port
	local i
	for ((i = 0; i < 20; i++)); do
		answers app tcp 10.0.1.4:25300 10.0.2.4:5432 -R || return 1
	done
}

t_nothing_forged() {
	ctl status -o json | jq -e '.kernel.packets | (.forged // 0) == 0 and (.["forged interface"] // 0) == 0'
}

spawn_ready serve.app app "$TRAFFIC" serve tcp:8080 udp:8081 &&
	spawn_ready serve.guest guest "$TRAFFIC" serve tcp:8080 udp:8081 &&
	spawn_ready serve.six app "$HOSTILE" serve '[::1]:8082' '[2001:db8:1::4]:8082' || exit 1
fact "nsgd starts" nsgd_start
fact "127.0.0.1 to itself" t_loopback 127.0.0.1 127.0.0.1
fact "127.0.0.1 to another address of 127/8" t_loopback 127.0.0.1 127.1.2.3
fact "an own address to itself" t_loopback 10.0.1.4 10.0.1.4
fact "an own address to another" t_loopback 10.0.1.4 192.0.2.2
fact "an own address to 127.0.0.1" t_loopback 10.0.1.4 127.0.0.1
fact "a broadcast on lo" t_broadcast_on_lo
fact "an echo request to 127.0.0.1" t_echo 127.0.0.1
fact "an echo request to an own address" t_echo 10.0.1.4
fact "::1 to itself" answers app tcp '[::1]' '[::1]:8082'
fact "an own IPv6 address to itself" answers app tcp '[2001:db8:1::4]' '[2001:db8:1::4]:8082'
fact "a local transparent proxy" t_tproxy
fact "DHCP: discover and rebind by broadcast" t_dhcp
fact "DHCP: a renewal to the gateway" t_dhcp_renewal
fact "ECN" t_ecn
fact "TCP Fast Open" t_fast_open
fact "a record of the route" t_options 070b0400000000000000000000
fact "a time stamp of each host" t_options 440c05000000000000000000
fact "a SYN sent again to a silent peer" t_silent_peer
fact "a call that crosses the far end's" t_simultaneous_open
fact "port unreachable, to a caller" t_port_unreachable
fact "a reset, to a caller" t_refused
fact "packet too long, to the container" t_path_mtu
fact "called from the VNet" t_inbound vnet 10.0.2.4 10.0.1.4
fact "called from the Internet" t_inbound caller 198.51.100.200 192.0.2.9
fact "the container is called from the VNet" t_inbound vnet 10.0.2.4 172.31.0.2
fact "the host is called by the container" t_inbound guest 172.31.0.2 172.31.0.1
fact "called from one port, reset, twenty times" t_many_inbound
fact "an allowed peer called from one port, reset, twenty times" t_outbound_again
fact "none of this looked forged" t_nothing_forged
fact "nsgd stops" nsgd_stop
lab_done
