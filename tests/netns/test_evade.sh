#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ways round the policy, one a row: what a hostile app or container sends, and what must not arrive anywhere.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_guest && lab_ipv6 || exit 1
policy_copy
route_all on
conf capture.hook=both capture.interfaces=guest0 log.decisions=none
PARTNER=198.51.100.10 # by the policy through the NVA

# The lab's own part in it: segments with a bad checksum, which no far end answers, are tracked like any other;
# the container may name the hosts on its packet's path; packets from some ports reach the far sniffer only.
sysctl_ns app netfilter/nf_conntrack_checksum 0
sysctl_ns app ipv4/conf/all/accept_source_route 1
sysctl_ns app ipv4/conf/guest0/accept_source_route 1
in_ns vnet nft -f - <<-END
	table inet deaf { chain input { type filter hook input priority 0; tcp sport 50000-50999 drop; }; }
END
for ns in vnet nva inet; do
	spawn_ready sniff.$ns $ns "$HOSTILE" sniff || exit 1
done
spawn_ready far vnet "$HOSTILE" serve -p 10.0.2.4:22 10.0.2.4:5432 10.1.0.4:22 '[2001:db8:2::4]:22' &&
	spawn_ready near app "$HOSTILE" serve 10.0.1.4:8080 '[2001:db8:1::4]:8080' &&
	spawn_ready inside guest "$HOSTILE" serve 172.31.0.2:8080 '[2001:db8:31::2]:8080' || exit 1
GATEWAY=$(in_ns app ip -j link show guest0 | jq -r '.[0].address')
# The container also has an address of the subnet: its own packets to that one are allowed.
in_ns guest ip address add 10.0.1.40/32 dev eth0 && in_ns app ip route add 10.0.1.40/32 dev guest0 || exit 1

h() { # the hostile app: fails only if it could not try
	in_ns "$NS" "$HOSTILE" "$@" >>"$T/hostile.log" 2>&1
}

# who HOOK FAMILY: sets NS, ME, and D, that the policy denies (but for tcp 5432, IPv4).
who() {
	case $1$2 in
	output4) NS=app ME=10.0.1.4 D=10.0.2.4 ;;
	prerouting4) NS=guest ME=172.31.0.2 D=10.0.2.4 ;;
	output6) NS=app ME='[2001:db8:1::4]' D='[2001:db8:2::4]' ;;
	prerouting6) NS=guest ME='[2001:db8:31::2]' D='[2001:db8:2::4]' ;;
	esac
}

# leaks CONDITION: packets that came to a far end since the row began. Variables of awk: at (the interface), proto, src,
# sport, dst, dport, flags, text; P: the row's port, bare: a SYN that begins a connection.
leaks() {
	local -
	set +x
	local ns
	for ns in vnet nva inet; do
		awk -v P="$SPORT" -v skip="${SEEN[$ns]}" -v ns=$ns 'NR > skip {
			at = $1; proto = $2; src = $3; sport = $4; dst = $5; dport = $6; flags = $7; text = $8
			bare = proto == 6 && flags ~ /^S[PUEC]*$/
			if ('"$1"') print ns, $0 }' "$T/sniff.$ns.log"
	done
}

mark() {
	local -
	set +x
	local ns
	for ns in vnet nva inet; do
		SEEN[$ns]=$(wc -l <"$T/sniff.$ns.log")
	done
}
declare -A SEEN

FROM='sport == P'
SYN='sport == P && bare'
SYNS='sport >= P && sport < P + 256 && bare'
TEXT='text ~ "row" P "$"'
STRAIGHT='sport == P && ns == "inet" && at == "app0"'

stays_out() { # CONDITION COMMAND...
	local condition=$1 out
	shift
	mark
	"$@" || return
	settle || return 1
	out=$(leaks "$condition" | head -n 5)
	is "$out" ""
}

# row HOOK FAMILY NAME CONDITION COMMAND...: nothing that meets the condition may arrive.
row() {
	local name="$3 ($1, IPv$2)"
	who "$1" "$2"
	SPORT=$((SPORT + 1))
	fact "$name" stays_out "${@:4}"
}

arrives() { # the same packet is seen where nothing keeps it out
	local status
	SPORT=$((SPORT + 1))
	mark
	h packet udp "$ME:$SPORT" "$1:161" && h packet -f S tcp "$ME:$SPORT" "$1:22" || return 1
	eventually 2 eval '[ "$(leaks "sport == P && (proto == 17 || bare)" | wc -l)" = 2 ]'
}

# ---- attempts ----------------------------------------------------------------------------------

plain() { # PROTOCOL [OPTION...]
	local protocol=$1 port=161
	shift
	[ "$protocol" != tcp ] || port=22
	h open "$@" "$protocol" "$ME:$SPORT" "$D:$port"
}

# A packet from the far end, made here: what the app sends after it looks like a reply.
forged() { # PROTOCOL [OPTION of packet...]
	local protocol=$1 port=161
	shift
	[ "$protocol" != tcp ] || port=22
	h packet -b -f S "$@" "$protocol" "$D:$port" "$ME:$SPORT" && plain "$protocol"
}

forged_to_other_address() {
	ME=192.0.2.2
	forged udp
}

forged_by_socket() { # bound to the far end's address
	h open -T -w 50 udp "$D:161" "$ME:$SPORT" && plain udp
}

forged_by_container() { # PROTOCOL
	[ "$ME" != 172.31.0.2 ] || ME=10.0.1.40
	forged "$1" -l "eth0,$GATEWAY"
}

forged_by_guest() { # PROTOCOL: for the host's app
	NS=guest ME=172.31.0.1
	local port=161
	[ "$1" != tcp ] || port=22
	h packet -b -f S -l "eth0,$GATEWAY" "$1" "$D:$port" "$ME:$SPORT" || return
	NS=app
	plain "$1"
}

forged_ack() { # the far end's SYN|ACK, and the app's SYN after it
	h packet -b -f SA tcp "$D:22" "$ME:$SPORT" && h packet -f S tcp "$ME:$SPORT" "$D:22"
}

every_first() { # a packet with any flags, then a SYN
	h packet -b -f all tcp "$ME:$SPORT" "$D:22" && h packet -n 256 -f S tcp "$ME:$SPORT" "$D:22"
	SPORT_END=$((SPORT + 256))
}

every_syn() { # an ACK, then a SYN with any other flags
	h packet -b -n 256 -f A tcp "$ME:$SPORT" "$D:22" && h packet -f all tcp "$ME:$SPORT" "$D:22"
	SPORT_END=$((SPORT + 256))
}

then_connects() {
	h packet -b -f A tcp "$ME:$SPORT" "$D:22" && plain tcp
}

then_in_pieces() {
	h packet -b -f A tcp "$ME:$SPORT" "$D:22" && h packet -F -f S -t "row$SPORT" tcp "$ME:$SPORT" "$D:22"
}

# before NAME HOOK FAMILY HOW PORT: a connection that is open until `again NAME`.
before() {
	who "$2" "$3"
	SPORT=$((SPORT + 1))
	stop "$1" KILL
	rm -f "$T/$1.in"
	mkfifo "$T/$1.in"
	spawn_ready "$1" $NS "$HOSTILE" again "$4" "$ME:$SPORT" "$D:$5"
	OLD[$1]=$SPORT
}
declare -A OLD

again() { # NAME PORT: it ends; the app connects again from its port, and sends a SYN of its own making
	echo 1<>"$T/$1.in"
	eventually 4 matches "$T/$1.log" '^again' && h packet -f S tcp "$ME:$SPORT" "$D:$2"
}

old_row() { # HOOK FAMILY NAME SPAWNED PORT
	who "$1" "$2"
	local next=$SPORT
	SPORT=${OLD[$4]:-0}
	fact "$3 ($1, IPv$2)" stays_out "$SYN" again "$4" "$5"
	stop "$4"
	SPORT=$next
}

beside() { # NAME PORT: while that connection is open
	SPORT=${OLD[$1]}
	h packet -f S tcp "$ME:$SPORT" "$D:$2"
}

# The far end calls; the app sends a SYN from the port called.
called() { # HOW
	stop call KILL
	rm -f "$T/call.in"
	mkfifo "$T/call.in"
	spawn_ready call vnet "$HOSTILE" again "${1:-own-reset}" "$D:$SPORT" "$ME:8080" || return
	if [ -n "${1:-}" ]; then
		in_ns vnet nft add table ip hush '{ chain out { type filter hook output priority 0; tcp flags & (syn|ack) == syn drop; }; }'
		echo 1<>"$T/call.in"
		eventually 4 matches "$T/call.log" '^again'
		in_ns vnet nft delete table ip hush
	fi
	h packet -f S tcp "$ME:8080" "$D:$SPORT"
	local status=$?
	stop call KILL
	return $status
}
CALLED='dport == P && bare'

called_in_vain() { # the call is never answered: its checksum is wrong
	in_ns vnet "$HOSTILE" packet -b -f S tcp "$D:$SPORT" "$ME:50000" >>"$T/hostile.log" &&
		h packet -f S tcp "$ME:50000" "$D:$SPORT"
}

crossing() { # a SYN that is denied meets the far end's; the answer rides on what was decided before
	h packet -f S tcp "$ME:$SPORT" "$D:5432" && settle && mark || return
	access Deny && h packet -f S tcp "$ME:$SPORT" "$D:5432" || return
	in_ns vnet "$HOSTILE" packet -f S tcp "$D:5432" "$ME:$SPORT" >>"$T/hostile.log" &&
		h packet -f SA tcp "$ME:$SPORT" "$D:5432"
}

access() { # Allow|Deny: what the policy says of the database
	policy_edit nsg-integration.json \
		"(.securityRules[] | select(.name == \"AllowDatabase\")).access = \"$1\"" && reload
}

dhcp() { # TO [SPORT DPORT]
	SPORT=${2:-68}
	h packet -t hostile udp "$ME:$SPORT" "$1:${3:-67}"
}

error() { # TYPE/CODE: about a connection that is open, with what the app likes to send
	h open -w 300 tcp "$ME:$SPORT" "$D:5432" &&
		h packet -e "$1,tcp,$D:5432,$ME:$SPORT" -t "row$SPORT" icmp "$ME" "$D"
}

error_for_partner() {
	h open udp "$ME:$SPORT" $PARTNER:7 &&
		h packet -e "3/3,udp,$PARTNER:7,$ME:$SPORT" -t "row$SPORT" icmp "$ME" $PARTNER
}

error_of_nothing() {
	h packet -e "3/3,tcp,$D:5432,$ME:$SPORT" -t "row$SPORT" icmp "$ME" "$D"
}

error_about_call() { # PROTOCOL TYPE/CODE: about a call that was taken
	stop call KILL
	rm -f "$T/call.in"
	mkfifo "$T/call.in"
	spawn_ready call vnet "$HOSTILE" again own-fin "$D:$SPORT" "$ME:8080" || return
	h packet -e "$2,tcp,$D:$SPORT,$ME:8080" -t "row$SPORT" "$1" "$ME" "$D"
	local status=$?
	stop call KILL
	return $status
}

# A conntrack helper reads in the server's answer where the client will connect next.
expected() {
	in_ns app nft -f - <<-END || { skip "no FTP helper in this kernel"; return; }
		table ip helpers {
			ct helper ftp { type "ftp" protocol tcp; }
			chain out { type filter hook output priority 0; tcp dport 5432 ct helper set "ftp"; }
		}
	END
	h open -w 500 -n 2 -t $'227 Entering Passive Mode (10,0,2,4,0,22).\r\n' tcp "$ME:$((SPORT + 20000))" "$D:5432" && plain tcp
	local status=$?
	in_ns app nft delete table ip helpers
	return $status
}

in_cgroup() { # COMMAND...: in a control group, as every service is
	local at group status
	at=$(findmnt -nt cgroup2 -o TARGET | head -n1)
	group=$at/nsgdevade$$
	[ -n "$at" ] && mkdir "$group" 2>/dev/null || { skip "no writable cgroup v2 here"; return; }
	(echo $BASHPID >"$group/cgroup.procs" && "$@")
	status=$?
	eventually 2 rmdir "$group"
	return $status
}

# The kernel itself opens the second subflow, to the address that the server announces.
multipath() {
	[ -e /proc/sys/net/mptcp/enabled ] || { skip "no MPTCP in this kernel"; return; }
	in_ns vnet ip mptcp limits set subflow 4 add_addr_accepted 4
	in_ns app ip mptcp limits set subflow 4 add_addr_accepted 4
	in_ns vnet ip mptcp endpoint add 10.0.2.4 port 2222 signal || return 1
	in_cgroup h open -M -w 500 tcp "$ME:$SPORT" "$D:5432"
	local status=$?
	in_ns vnet ip mptcp endpoint flush
	return $status
}

# A process without privileges opens it; the kernel loads the module, and a socket of its own sends the SYN.
smc() {
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	"${as[@]}" true 2>/dev/null || { skip "needs a second user"; return; }
	in_cgroup in_ns $NS "${as[@]}" "$HOSTILE" open -s -w 500 tcp "$ME:0" "$D:22" >"$T/smc" 2>&1 ||
		{ matches "$T/smc" 'family not supported' && skip "no SMC in this kernel"; return; }
	cat "$T/smc" >>"$T/hostile.log"
}

nibbles() {
	local v
	for v in 0 1 5 6 7 15; do
		h packet -v $v -t "row$SPORT" udp "$ME:$SPORT" "$D:161" || return
	done
}

nibbles_six() {
	local v
	for v in 1 4 5 15; do
		h packet -v $v -t "row$SPORT" udp "$ME:$SPORT" "$D:161" || return
	done
}

# By an allowed host to a denied one, 10.0.2.4. A socket's option names the former, a raw packet's the latter.
by_source_route() { # PROTOCOL loose|strict
	local option=8307040a01000401 port=161 # by 10.1.0.4
	[ "$2" = loose ] || option=8907040a00010101 # by 10.0.1.1, which is on the link
	[ "$1" = udp ] || port=22
	h open -o $option "$1" "$ME:$SPORT" 10.0.2.4:$port
}

by_raw_source_route() {
	h packet -o 8307040a00020401 udp "$ME:$SPORT" 10.1.0.4:161
}

by_host_source_route() { # OPTIONS
	h packet -o "$1" udp "$ME:$SPORT" 172.31.0.1:161
}

on_allowed() { # OPTION...: a packet of a connection that is allowed
	h packet udp "$ME:$SPORT" 10.1.0.4:161 && h packet -t "row$SPORT" "$@" udp "$ME:$SPORT" 10.1.0.4:161
}

by_segments() { # DST [OPTION...]: a segment routing header, to the denied host
	local header=0002040100000000 denied=20010db8000200000000000000000004 to=$1
	shift
	h packet -o "$header$denied" -t "row$SPORT" "$@" udp "$ME:$SPORT" "$to:161"
}

# The host itself is a segment; the container's datagrams to it are answered.
by_host_segments() {
	h packet udp "$ME:$SPORT" '[2001:db8:31::1]:161' &&
		in_ns app "$HOSTILE" packet udp "[2001:db8:31::1]:161" "$ME:$SPORT" >>"$T/hostile.log" &&
		by_segments '[2001:db8:31::1]'
}

by_loopback() {
	local on
	for on in 1 0; do
		sysctl_ns app ipv4/conf/lo/accept_source_route $on
		sysctl_ns app ipv4/conf/lo/accept_local $on
		[ $on = 0 ] || h packet -o 8307040a00020401 udp "$ME:$SPORT" 127.0.0.1:161 &&
			h packet -o 8307040a00020401 udp "$ME:$SPORT" "$ME:161" || return
	done
}

stolen() { # QUEUE: another program takes it over
	spawn_ready steal app "$HOSTILE" steal "$1" && plain udp && plain tcp
	local status=$?
	stop steal
	return $status
}

tables() {
	in_ns app ip route show table all | sed -n 's/.* table \(2[1-9][0-9]*\).*/\1/p' | sort -u
}

straight() { # to what must go by the NVA
	h packet -t hostile udp "$ME:$SPORT" $PARTNER:7 && h open udp "$ME:$SPORT" $PARTNER:7
}

foreign_route() {
	local t
	for t in $(tables); do
		in_ns app ip route add $PARTNER/32 via 192.0.2.1 table "$t" || return 1
	done
	straight
}

foreign_gone() { # within a second; the rows after this do without them
	local t status=0
	in_time 1 eval '! in_ns app ip route show table all | grep -q "^$PARTNER via 192.0.2.1 dev inet0 table 2"' || status=1
	for t in $(tables); do
		in_ns app ip route del $PARTNER/32 via 192.0.2.1 table "$t" 2>/dev/null
	done
	return $status
}

foreign_rule() { # SELECTOR...
	in_ns app ip rule add pref 5 "$@" lookup main && straight
	local status=$?
	in_ns app ip rule del pref 5
	return $status
}

replaced_route() { # the table's own route, by another
	local t
	for t in $(tables); do
		in_ns app ip route replace default via 192.0.2.1 table "$t" || return 1
	done
	straight
}

# Another program's rules write whole marks.
wiped() { # "TYPE HOOK PRIORITY" STATEMENT COMMAND...
	local chain=$1 statement=$2 status
	shift 2
	in_ns app nft -f - <<-END || return 1
		table ip wiper { chain c { type $chain; policy accept; ip daddr { $D, $PARTNER } $statement; }; }
	END
	"$@"
	status=$?
	in_ns app nft delete table ip wiper
	return $status
}

by_mark() { # every decision and generation that a socket's mark could claim
	local mark
	for mark in 0x06000000 0x08000000 0x0a000000 0x0c000000 0x0e000000 0x0fff0000 0x08010000 0x0a010000 0xffffffff; do
		h packet -m $mark udp "$ME:$SPORT" "$D:161" || return
	done
	plain tcp -m 0x0a000000
}

in_gap() { # HOOK FAMILY: nsgd is stopped and its tables are gone when the connection is opened
	kill -STOP "${PIDS[nsgd]}"
	in_ns app nft flush ruleset
	before gap "$1" "$2" own-fin 22
	local status=$?
	kill -CONT "${PIDS[nsgd]}"
	eventually 3 eval 'in_ns app nft list tables | grep -q nsgd' || return 1
	eventually 3 eval '! h_answers' # it decides again; the row fails if it does not
	return $status
}

h_answers() { # a plain connection
	in_ns $NS "$HOSTILE" open -w 100 tcp "$ME:0" "$D:22" | grep -q answer=yes
}

gap_row() { # HOOK FAMILY NAME
	who "$1" "$2"
	in_gap "$1" "$2" || { fact "$3 ($1, IPv$2)" false; return; }
	SPORT=${OLD[gap]}
	fact "$3 ($1, IPv$2)" stays_out 'sport == P && flags !~ /[FR]/' eval 'echo 1<>"$T/gap.in"; eventually 4 matches "$T/gap.log" "^again"'
	stop gap
}

t_chain_removed() { # each of a hook's two
	local chain
	for chain in remember output remember_pre prerouting; do
		in_ns app nft flush chain ip nsgd $chain && in_ns app nft delete chain ip nsgd $chain || return 1
		eventually 2 eval "in_ns app nft list chain ip nsgd $chain 2>/dev/null | grep -qE 'goto|mark'" || return 1
	done
}

# ---- rows --------------------------------------------------------------------------------------

for where in "output 4" "output 6" "prerouting 4" "prerouting 6"; do
	who $where
	fact "without nsgd these packets arrive (${where/ /, IPv})" arrives "$D"
done
for how in peer-reset peer-fin own-reset own-fin; do
	before old-$how output 4 $how 22
done
for how in peer-reset own-reset; do
	before forwarded-$how prerouting 4 $how 22
	before six-$how output 6 $how 22
done
before forwarded-six prerouting 6 peer-reset 22
fact "nsgd starts" nsgd_start
for where in "output 4" "prerouting 4"; do
	who $where
	fact "what is allowed arrives (${where/ /, IPv})" arrives 10.1.0.4
done
for where in "output 4" "output 6" "prerouting 4" "prerouting 6"; do
	row $where "nothing special: tcp" "$FROM" plain tcp
	row $where "nothing special: udp" "$FROM" plain udp
done
row output 6 "nothing special: an echo request" "$TEXT" eval 'h packet -t "row$SPORT" icmpv6 "$ME" "$D"'
for type in 133 134 135 136; do
	for where in "output 6" "prerouting 6"; do
		row $where "a neighbour's message to another network: type $type" "$TEXT" eval 'h packet -i $type -t "row$SPORT" icmpv6 "$ME" "$D"'
	done
done
row prerouting 6 "nothing special: an echo request" "$TEXT" eval 'h packet -t "row$SPORT" icmpv6 "$ME" "$D"'

for how in peer-reset peer-fin own-reset own-fin; do
	old_row output 4 "older than nsgd, then a SYN: after $how" old-$how 22
done
for how in peer-reset own-reset; do
	old_row prerouting 4 "older than nsgd, then a SYN: after $how" forwarded-$how 22
	old_row output 6 "older than nsgd, then a SYN: after $how" six-$how 22
done
old_row prerouting 6 "older than nsgd, then a SYN: after peer-reset" forwarded-six 22

for protocol in udp tcp; do
	row output 4 "a forged call, raw: $protocol" "$FROM" forged $protocol
	row output 4 "a forged call, raw and bound to a device: $protocol" "$FROM" forged $protocol -d vnet0
	row output 4 "a forged call, AF_PACKET on lo: $protocol" "$FROM" forged $protocol -l lo
	row output 4 "a forged call, by a container for the host's app: $protocol" "$FROM" forged_by_guest $protocol
	row prerouting 4 "a forged call, by the container: $protocol" "$FROM" forged_by_container $protocol
	row output 6 "a forged call, raw: $protocol" "$FROM" forged $protocol
	row output 6 "a forged call, raw and bound to a device: $protocol" "$FROM" forged $protocol -d vnet0
	row output 6 "a forged call, AF_PACKET on lo: $protocol" "$FROM" forged $protocol -l lo
	row prerouting 6 "a forged call, by the container: $protocol" "$FROM" forged_by_container $protocol
done
row output 4 "a forged call to another own address" "$FROM" forged_to_other_address
row output 4 "a forged call by a socket with the far end's address" "$FROM" forged_by_socket
row output 6 "a forged call by a socket with the far end's address" "$FROM" forged_by_socket
row output 4 "a forged SYN|ACK" "$FROM" forged_ack
row output 6 "a forged SYN|ACK" "$FROM" forged_ack

for where in "output 4" "output 6" "prerouting 4" "prerouting 6"; do
	row $where "any flags, then a SYN" "$SYNS" every_first
	SPORT=${SPORT_END:-$SPORT}
	row $where "an ACK, then a SYN with any other flags" "$SYNS" every_syn
	SPORT=${SPORT_END:-$SPORT}
	row $where "an ACK, then a connection" "$SYN" then_connects
done
row output 4 "an ACK, then a SYN in two pieces" "$TEXT || flags == \"frag\"" then_in_pieces
for where in "output 4" "output 6" "prerouting 4" "prerouting 6"; do
	row $where "called, then a SYN back" "$CALLED" called
	row $where "called, then a SYN back after the caller's reset" "$CALLED" called own-reset
	row $where "called, then a SYN back after a reset" "$CALLED" called peer-reset
	row $where "called, then a SYN back after the caller's FIN" "$CALLED" called own-fin
	row $where "called, then a SYN back after a FIN" "$CALLED" called peer-fin
	row $where "called in vain, then a SYN back" "$CALLED" called_in_vain
done

who output 4
row output 4 "DHCP to a denied host" "$FROM" dhcp "$D"
row output 4 "DHCP to what must go by the NVA" "$STRAIGHT" dhcp $PARTNER
row output 4 "DHCP to a multicast group" "$FROM" dhcp 224.0.0.99
row output 4 "DHCP's other direction" "$FROM" dhcp "$D" 67 68
row prerouting 4 "DHCP to a denied host" "$FROM" dhcp 10.0.2.4
row output 6 "DHCPv6 to a host" "$FROM" dhcp '[2001:db8:2::4]' 546 547
row prerouting 6 "DHCPv6 to a host" "$FROM" dhcp '[2001:db8:2::4]' 546 547
SPORT=26000

row output 4 "a made-up ICMP error: port unreachable" "$TEXT" error 3/3
row output 4 "a made-up ICMP error: fragmentation needed" "$TEXT" error 3/4
row output 4 "a made-up ICMP error: time exceeded" "$TEXT" error 11/0
row output 4 "a made-up ICMP error: parameter problem" "$TEXT" error 12/0
row output 4 "a made-up ICMP error to what must go by the NVA" "$TEXT && ns == \"inet\" && at == \"app0\"" error_for_partner
row output 4 "a made-up ICMP error about nothing" "$TEXT" error_of_nothing
row output 4 "a made-up ICMP error about a call" "$TEXT" error_about_call icmp 3/3
for error in 1/4 2/0 3/0 4/1; do
	row output 6 "a made-up ICMP error about a call: $error" "$TEXT" error_about_call icmpv6 $error
done
row output 4 "a connection that a conntrack helper expects" "$FROM" expected

row output 4 "MPTCP: the second subflow" 'dport == 2222' multipath
row output 4 "a socket of SMC" "dport == 22 && bare" smc
row output 6 "a socket of SMC" "dport == 22 && bare" smc

row output 4 "another IP version in the packet" "$FROM || $TEXT" nibbles
row output 6 "another IP version in the packet" "$FROM || $TEXT" nibbles_six
for protocol in udp tcp; do
	row output 4 "loose source route: $protocol" "$FROM" by_source_route $protocol loose
	row output 4 "strict source route: $protocol" "$FROM" by_source_route $protocol strict
done
row output 4 "loose source route, raw" "$FROM" by_raw_source_route
row prerouting 4 "loose source route" "$FROM" by_raw_source_route
row prerouting 4 "loose source route by the host itself" "$FROM" by_host_source_route 8307040a00020401
row prerouting 4 "loose source route by the host itself, after other options" "$FROM" by_host_source_route 010101018307040a00020401
row prerouting 4 "loose source route by the host itself, half used up" "$FROM" by_host_source_route 830b080a0001010a00020401
row output 4 "loose source route by loopback" "$FROM" by_loopback
for ns in app vnet; do
	sysctl_ns $ns ipv6/conf/all/seg6_enabled 1
	for dev in lo vnet0 guest0 app0; do
		sysctl_ns $ns ipv6/conf/$dev/seg6_enabled 1 2>/dev/null
	done
done
in_ns vnet ip address add fe80::1/64 dev app0 nodad
in_ns app ip address add fe80::4/64 dev vnet0 nodad
row output 6 "a routing header by the router's link-local address" "$TEXT" by_segments '[fe80::1]' -d vnet0
row output 6 "a routing header by loopback" "$TEXT" by_segments '[::1]'
row prerouting 6 "a routing header by the host itself" "$TEXT" by_host_segments
for where in "output 4" "prerouting 4"; do
	row $where "loose source route on an allowed connection" "$TEXT" on_allowed -o 8307040a00020401
	row $where "loose source route on an allowed connection, half used up" "$TEXT" on_allowed -o 830b080a0001010a00020401
	row $where "another IP version on an allowed connection" "$TEXT" on_allowed -v 5
done

row output 4 "the silent queue, bound by another program" "$FROM" stolen 65535
who prerouting 4
row prerouting 4 "the silent queue, bound by another program" "$FROM" stolen 65535
row output 4 "the queue itself, bound by another program" "$FROM" stolen 0

h open udp 10.0.1.4:$SPORT $PARTNER:7 # the next hop is in use
row output 4 "another program's route in our tables" "$STRAIGHT" foreign_route
fact "another program's route is removed within a second" foreign_gone
row output 4 "our route, replaced by another program" "$STRAIGHT" replaced_route
row output 4 "another program's rule before ours, by address" "$STRAIGHT" foreign_rule to $PARTNER
row output 4 "another program's rule before ours, by mark" "$STRAIGHT" foreign_rule fwmark 0x0/0x10000000
row prerouting 4 "another program's route in our tables" "$STRAIGHT" foreign_route
fact "and again within a second" foreign_gone
row prerouting 4 "another program's rule before ours, by address" "$STRAIGHT" foreign_rule to $PARTNER

row output 4 "a mark set by the socket" "$FROM" by_mark
row output 4 "the mark wiped before the packet leaves" "$STRAIGHT" wiped "route hook output priority mangle + 5" "meta mark set 0" straight
row prerouting 4 "the mark wiped before the packet is routed" "$STRAIGHT" wiped "filter hook prerouting priority mangle + 5" "meta mark set 0" straight
for hook in output prerouting; do
	for at in 1 2; do
		row $hook 4 "a denial's mark wiped at mangle + $at" "$FROM" wiped "filter hook $hook priority mangle + $at" "meta mark set 0" plain udp
		row $hook 4 "the mark wiped at mangle + $at" "$STRAIGHT" wiped "filter hook $hook priority mangle + $at" "meta mark set 0" straight
	done
done
row output 4 "the connection's mark wiped" "$STRAIGHT" wiped "filter hook output priority mangle + 5" "ct mark set 0" straight
row output 4 "the denied, untracked" "$FROM" wiped "filter hook output priority raw" "notrack" plain udp

row output 4 "a socket bound to another link" "$STRAIGHT" eval 'h open -d inet0 udp "$ME:$SPORT" $PARTNER:7'
row output 4 "a datagram with another link in IP_PKTINFO" "$STRAIGHT" eval 'h open -i inet0 udp "$ME:$SPORT" $PARTNER:7'
row output 4 "a socket with another link in IP_UNICAST_IF" "$STRAIGHT" eval 'h open -u inet0 udp "$ME:$SPORT" $PARTNER:7'

# Allowed, then denied by a reload.
for how in peer-reset peer-fin own-reset own-fin; do
	before new-$how output 4 $how 5432
done
for how in peer-reset own-reset; do
	before forwarded-$how prerouting 4 $how 5432
done
fact "the policy denies what was allowed" access Deny
row output 4 "a SYN beside the open connection" "$SYN" beside new-own-fin 5432
row prerouting 4 "a SYN beside the open connection" "$SYN" beside forwarded-own-reset 5432
for how in peer-reset peer-fin own-reset own-fin; do
	old_row output 4 "allowed and denied by a reload: after $how" new-$how 5432
done
for how in peer-reset own-reset; do
	old_row prerouting 4 "allowed and denied by a reload: after $how" forwarded-$how 5432
done
fact "the policy allows it again" access Allow
SPORT=50000
row output 4 "a SYN|ACK that crosses a denied SYN" 'sport == P && flags ~ /^SA/' crossing
fact "the policy allows it once more" access Allow
SPORT=30000

gap_row output 4 "opened while the table was gone"
gap_row output 6 "opened while the table was gone"
gap_row prerouting 4 "opened while the table was gone"

t_restart_after_kill() {
	nsgd_kill
	nsgd_start
}
fact "nsgd is killed and starts again" t_restart_after_kill
row output 4 "after a crash: any flags, without a connection" 'sport >= P && sport < P + 256 && proto == 6' eval 'h packet -f all -t x tcp "$ME:$SPORT" "$D:22"'
SPORT=$((SPORT + 256))
row prerouting 4 "after a crash: any flags, without a connection" 'sport >= P && sport < P + 256 && proto == 6' eval 'h packet -f all -t x tcp "$ME:$SPORT" "$D:22"'
SPORT=$((SPORT + 256))
row output 4 "after a crash: an ACK, then a connection" "$FROM" then_connects
t_restart_after_others() { # chains of the same priority are there first
	nsgd_stop && in_ns app nft -f - <<-END && nsgd_start
		table ip first {
			chain o { type route hook output priority mangle + 1; ip daddr $D meta mark set 0; }
			chain p { type filter hook prerouting priority mangle + 1; ip daddr $D meta mark set 0; }
		}
	END
}
fact "nsgd stops and starts again, after another program" t_restart_after_others
for where in "output 4" "prerouting 4"; do
	row $where "a denial's mark wiped by a program that was there first" "$FROM" plain udp
done
fact "another program removes a chain: it is restored in its place" t_chain_removed
for where in "output 4" "prerouting 4"; do
	row $where "after a removed chain" "$FROM" plain udp
done
fact "nsgd stops" nsgd_stop
lab_done
