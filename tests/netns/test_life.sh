#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netns: long
# tsan: yes
# Start, stop, kill: what nsgd has in the kernel when, and that nothing of other programs changes.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf

# Objects of other programs, with mark bits on both sides of ours: rules, a routing table, an nft table with
# chains and sets, and marks of connections.
foreign() {
	in_ns app ip rule add pref 20000 fwmark 0x1/0xf lookup 77
	in_ns app ip rule add pref 22000 to 10.55.0.0/16 lookup 78
	in_ns app ip route add 10.55.0.0/16 dev vnet0 table 78
	in_ns app ip route add default via 10.0.1.1 table 77
	in_ns app nft -f - <<-END
		table inet foreign {
			set s { type ipv4_addr; elements = { 203.0.113.77 } }
			chain before {
				type route hook output priority mangle - 5;
				udp dport 5000 meta mark set meta mark or 0x30000000
				tcp dport 443 ct mark set ct mark or 0x40000000
			}
			chain after {
				type route hook output priority mangle + 5;
				udp dport 5000 meta mark and 0x30000000 == 0x30000000 counter
				ip daddr @s drop
			}
		}
		table ip nsgd-other {
			chain c { type filter hook output priority 0; counter; }
		}
	END
}

# A call from 10.0.2.4, which the app may not call, to a server of the app's host. PORT SOURCE-PORT.
called() {
	rm -f "$T/server.in" "$T/caller.in"
	mkfifo "$T/server.in" "$T/caller.in"
	spawn server app socat -ddd STDIO "TCP-LISTEN:$1,reuseaddr"
	eventually 5 matches "$T/server.log" 'listening on' || return 1
	spawn caller vnet socat STDIO "TCP:10.0.1.4:$1,bind=10.0.2.4:$2"
	send caller "called $1"
	eventually 5 matches "$T/server.log" "called $1"
}

says_server() { # WORD: sent by the server, returned by its caller
	send server "$1"
	eventually 3 matches "$T/caller.log" "$1" || return 1
	send caller "heard $1"
	eventually 3 matches "$T/server.log" "heard $1"
}

decides() { # a denied packet is dropped, an allowed one arrives
	probe tcp 10.0.2.4:22
	silent || return 1
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" yes
}

flows() { # as if nsgd were not there
	probe tcp 10.0.2.4:22
	is "$ANSWERED" yes
}

# unchanged: rules, routes and nft objects are as before; no connection has a bit of ours, and those that
# were there before have the marks they had.
unchanged() {
	local marks
	kernel_state >"$T/state.after"
	cmp "$T/state.before" "$T/state.after" || {
		diff "$T/state.before" "$T/state.after" >&9
		return 1
	}
	marks=$(connection_marks)
	awk '{ m = $NF; while (m >= 4096 * 65536) m -= 4096 * 65536; if (m >= 16) exit 1 }' \
		<<<"$marks" || {
		echo "$marks" >&9
		return 1
	}
	join -j1 "$T/marks.before" <(keyed <<<"$marks") | awk '$2 != $3 { print; bad = 1 } END { exit bad }' >&9
}

# The tuple of a connection as one word, and its mark.
keyed() {
	sed 's/ /|/g; s/|\([0-9]*\)$/ \1/' | sort
}

t_older() { # preexisting connections in both directions, unknown to conntrack
	[ -z "$(in_ns app conntrack -L 2>/dev/null)" ] || return 1
	hold 10.0.2.4:22 && still older && called 8090 39100 || return 1
	nsgd_start && decides && still survives && says_server lives && reload && still again && says_server again
	local status=$?
	[ "$(in_ns app nft -j list counter ip nsgd preexisting | jq '[.. | .packets? // empty] | add')" -ge 1 ] || status=1
	stop server
	stop caller
	return $status
}

# The same when they are known to conntrack because of rules of another program.
t_older_known() {
	nsgd_stop
	in_ns app nft add table ip asks
	in_ns app nft 'add chain ip asks c { type filter hook output priority 0; }; add rule ip asks c ct state established counter'
	hold 10.0.2.4:22 && still older && called 8091 39101 || return 1
	nsgd_start && decides && still survives && says_server lives && reload && still again && says_server again
	local status=$?
	stop server
	stop caller
	nsgd_stop || status=1
	in_ns app nft delete table ip asks
	return $status
}

t_notify() {
	matches "$T/notify.log" '^READY=1' && matches "$T/notify.log" '^STATUS='
}

t_foreign_marks() {
	probe udp 10.1.0.4:5000
	is "$ANSWERED" yes || return 1
	[ "$(in_ns app nft -j list chain inet foreign after | jq '[.. | .counter? // empty | .packets] | add')" -ge 1 ] ||
		return 1
	probe tcp 203.0.113.10:443
	is "$ANSWERED" yes || return 1
	# The connection mark has the bit of the other program and ours.
	in_ns app conntrack -L -p tcp --sport $SPORT 2>/dev/null | sed -n 's/.*mark=\([0-9]*\).*/\1/p' |
		{ read -r m && [ $((m & 0x40000000)) = $((0x40000000)) ] && [ $((m & 0x08000000)) != 0 ]; }
}

t_stop() {
	nsgd_stop && matches "$T/notify.log" '^STOPPING=1' && unchanged && flows
}

t_kill_cleanup() {
	nsgd_start && decides && nsgd_kill || return 1
	[ -n "$(leftovers)" ] || return 1
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup && unchanged && flows
}

t_kill_start() {
	nsgd_start && decides && nsgd_kill && nsgd_start && decides && nsgd_stop && unchanged
}

sent() { # UDP datagrams that left the app's sockets
	in_ns app awk '/^Udp: [0-9]/ { print $5 }' /proc/net/snmp
}

t_kill_start_leak() { # denied before, denied after, and denied in between
	nsgd_start && decides && nsgd_kill || return 1
	local before
	before=$(sent)
	# new flows, from before the start to after it
	spawn load app "$TRAFFIC" send -f 12000 -n 1 -r 4000 -s 0.0.0.0:40000 udp 10.0.2.4:161
	eventually 5 eval '[ "$(sent)" -gt $((before + 400)) ]' || return 1
	nsgd_start && alive load && ended load 20 && settle || return 1
	matches "$T/load.log" 'sent=12000 errors=0' &&
		is "$(grep -c ' in 17 [^ ]* [^ ]* 10.0.2.4 161 ' "$T/sniff.vnet.log")" 0 && nsgd_stop && unchanged
}

# A start that fails also removes what a killed nsgd left, at whatever step it fails.
t_kill_failed_start() { # STATUS REGEX SPOIL MEND
	conf
	nsgd_start && decides && nsgd_kill || return 1
	[ -n "$(leftovers)" ] && eval "$3" || return 1
	nsgd_fails
	local status=$STATUS
	eval "$4" || return 1
	is "$status" "$1" && matches "$T/nsgd.log" "$2" && unchanged && flows
}

take_queue() { # by an nsgd with another instance name
	CONF=$T/holder.conf conf nsgd.instance=holder route.table-base=23000 route.rule-priority=23000 \
		route.mark-mask=0x0000fff0
	NOTIFY_SOCKET='' spawn holder app "$NSGD" -c "$T/holder.conf"
	eventually 10 eval 'in_ns app nft list tables | grep -qw holder'
}

t_kill_second() { # a second nsgd that fails leaves the first one alone
	nsgd_start || return 1
	mv "$T/policy/vnet-shop.json" "$T/kept.json"
	NOTIFY_SOCKET='' spawn second app "$NSGD" -c "$T/nsgd.conf"
	ended second 10
	mv "$T/kept.json" "$T/policy/vnet-shop.json"
	is "$STATUS" 78 && decides && is "$(ctl status -o json | jq .kernel.repairs)" 0 && nsgd_stop && unchanged
}

t_cleanup_spoilt_conf() { # cleanup only needs the keys that name its objects
	conf
	nsgd_start && nsgd_kill || return 1
	printf '[log]\nlevel = loud\n' >>"$T/nsgd.conf"
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup >"$T/nsgd.log" 2>&1
	local status=$?
	conf
	is $status 0 && matches "$T/nsgd.log" 'loud' && unchanged && flows || return 1
	conf
	nsgd_start && nsgd_kill && conf capture.users=no-such-user || return 1
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup
	status=$?
	conf
	is $status 0 && unchanged || return 1
	# but those must be valid
	conf nsgd.colour=blue
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup >"$T/nsgd.log" 2>&1
	status=$?
	conf
	is $status 3
}

t_cleanup_after_daemon() { # the unit's ExecStopPost= does not log again what the daemon has logged
	local status
	conf
	nsgd_start && nsgd_kill || return 1
	printf '[log]\nlevel = loud\n' >>"$T/nsgd.conf"
	in_ns app env EXIT_STATUS=78 "$NSGD" -c "$T/nsgd.conf" --cleanup >"$T/nsgd.log" 2>&1
	status=$?
	conf
	is $status 0 && [ ! -s "$T/nsgd.log" ] && unchanged || return 1
	in_ns app env EXIT_STATUS=78 "$NSGD" -c "$T/absent.conf" --cleanup >"$T/nsgd.log" 2>&1
	is $? 78 && [ ! -s "$T/nsgd.log" ] || return 1
	in_ns app env EXIT_STATUS=0 "$NSGD" -c "$T/absent.conf" --cleanup >"$T/nsgd.log" 2>&1
	is $? 3 && matches "$T/nsgd.log" 'does not exist'
}

t_daemon_down_drop() {
	conf queue.daemon-down=drop
	nsgd_start && nsgd_kill || return 1
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" no || return 1
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup && unchanged && flows
}

t_daemon_down_accept() {
	conf queue.daemon-down=accept
	nsgd_start && decides && nsgd_kill || return 1
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" yes || return 1
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup
	conf
	unchanged
}

t_cleanup_of_nothing() {
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup && unchanged
}

fails() { # STATUS REGEX [CONF...]: a start that exits with STATUS, prints REGEX and leaves nothing
	local want=$1 regex=$2
	shift 2
	conf "$@"
	nsgd_fails
	conf
	is "$STATUS" "$want" && matches "$T/nsgd.log" "$regex" && unchanged && flows
}

t_bad_policy() {
	mv "$T/policy/vnet-shop.json" "$T/kept.json"
	fails 78 'az network vnet show'
	local status=$?
	mv "$T/kept.json" "$T/policy/vnet-shop.json"
	return $status
}

t_no_conf() { # says what to do, as the unit starts it
	CONF=$T/none.conf nsgd_fails
	is "$STATUS" 78 && matches "$T/nsgd.log" 'none.conf: error: does not exist; create it' && unchanged || return 1
	fails 78 'none: error: the directory cannot be read: No such file or directory; create it and run: az network' \
		"subnet.policy=$T/none"
}

t_second_instance() {
	nsgd_start || return 1
	local first=${PIDS[nsgd]} log=$T/nsgd.log
	NOTIFY_SOCKET='' spawn second app "$NSGD" -c "$T/nsgd.conf"
	ended second 10 && [ "$STATUS" != 0 ] && [ -s "$T/second.log" ] || return 1
	decides && kill -0 "$first" && nsgd_stop && unchanged && : "$log"
}

t_queue_taken() {
	# Queue 0 is bound by an nsgd with another instance name.
	conf nsgd.instance=holder
	nsgd_start || return 1
	CONF=$T/other.conf conf nsgd.instance=late route.table-base=23000 route.rule-priority=23000 route.mark-mask=0x0000fff0
	NOTIFY_SOCKET='' spawn second app "$NSGD" -c "$T/other.conf"
	ended second 10 && [ "$STATUS" != 0 ] && matches "$T/second.log" '[Qq]ueue.* 0' &&
		! in_ns app nft list tables | grep -qw late && nsgd_stop || return 1
	conf
	unchanged
}

t_two_instances() { # one namespace, two of everything, each for its own user
	[ "$(id -u nobody)" = 65534 ] && setpriv --reuid 65534 --clear-groups true 2>/dev/null ||
		{ skip "needs a second user"; return; }
	conf nsgd.instance=one capture.users=root
	CONF=$T/two.conf conf nsgd.instance=two capture.users=nobody queue.first=100 route.table-base=23000 \
		route.rule-priority=23000 route.mark-mask=0x0000fff0 "subnet.policy=$T/policy2"
	cp -r "$T/policy" "$T/policy2"
	POLICY=$T/policy2 policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyRestOfData")).access = "Allow"'
	nsgd_start || return 1
	rm -f "$T/notify2"
	spawn_ready notify2 app "$TRAFFIC" notify "$T/notify2"
	NOTIFY_SOCKET=$T/notify2 spawn two app "$NSGD" -c "$T/two.conf"
	eventually 20 matches "$T/notify2.log" '^READY=1' || return 1
	decides || return 1
	# The user nobody must be able to read what it runs.
	install -m 755 "$TRAFFIC" /run/traffic
	TRAFFIC=/run/traffic PROBE_AS=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	probe tcp 10.0.2.4:22
	PROBE_AS=()
	is "$ANSWERED" yes || return 1
	stop two TERM
	[ "$STATUS" = 0 ] && decides && nsgd_stop || return 1
	stop notify2
	conf
	unchanged
}

t_two_namespaces() {
	in_ns vnet ip address add 10.0.1.5/32 dev lo
	conf
	CONF=$T/vnet.conf conf subnet.address=10.0.1.5 nsgd.instance=invnet
	nsgd_start || return 1
	rm -f "$T/notify2"
	spawn_ready notify2 vnet "$TRAFFIC" notify "$T/notify2"
	NOTIFY_SOCKET=$T/notify2 spawn two vnet "$NSGD" -c "$T/vnet.conf"
	eventually 20 matches "$T/notify2.log" '^READY=1' && decides || return 1
	in_ns vnet nft list tables | grep -qw invnet && ! in_ns app nft list tables | grep -qw invnet || return 1
	# Each decides its own: the other's app may call 10.1.0.0/16 and not 203.0.113.10:80.
	in_ns vnet "$TRAFFIC" send -s 10.0.1.5:31001 -w 300 udp 203.0.113.10:53 | grep -q 'errors=0 replies=0' || return 1
	is "$(ctl -i invnet stats -o json | jq '[.reasons[] | select(.reason == "nsg-deny")] | .[0].packets')" 1 || return 1
	stop two TERM
	is "$STATUS" 0 && in_ns vnet ip address del 10.0.1.5/32 dev lo || return 1
	stop notify2
	nsgd_stop && unchanged
}

t_no_permission() { # [OPTION]
	local status
	in_ns app setpriv --bounding-set -net_admin --inh-caps -net_admin "$NSGD" -c "$T/nsgd.conf" "$@" \
		>"$T/nsgd.log" 2>&1
	status=$?
	is $status 5 && matches "$T/nsgd.log" CAP_NET_ADMIN && unchanged
}

t_cleanup_running() { # nor with a running daemon
	nsgd_start || return 1
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup >"$T/out" 2>&1
	is $? 1 && matches "$T/out" 'is running: stop it first' || return 1
	in_ns app "$NSGD" -c "$T/nsgd.conf" --check && decides &&
		is "$(ctl status -o json | jq .kernel.repairs)" 0 && nsgd_stop && unchanged
}

t_watchdog_fed() { # notified while the workers run
	conf
	WATCHDOG_USEC=300000 nsgd_start && eventually 5 eval '[ "$(grep -c "^WATCHDOG=1" "$T/notify.log")" -ge 3 ]' &&
		nsgd_stop
}

t_restart_keys() { # SIGHUP applies the other keys of a new conf, and names those that need a restart
	conf
	nsgd_start || return 1
	conf queue.length=1024 capture.exclude=10.0.2.4/32 log.decisions=none
	kill -HUP "${PIDS[nsgd]}"
	eventually 5 matches "$T/nsgd.log" 'nsgd.conf.* warning: .*only after a restart: capture.exclude, queue.length$' &&
		eventually 5 matches "$T/nsgd.log" 'policy .* loaded' || return 1
	is "$(ctl status -o json | jq .queue.length)" 32768 && decides && ! matches "$T/nsgd.log" 'nsg-deny' || return 1
	# a conf with an error changes nothing
	conf queue.lenght=1 log.decisions=all
	kill -HUP "${PIDS[nsgd]}"
	eventually 5 matches "$T/nsgd.log" 'reload failed' && decides && ! matches "$T/nsgd.log" 'nsg-deny' || return 1
	conf
	nsgd_stop && unchanged
}

t_check() { # changes nothing
	in_ns app "$NSGD" -c "$T/nsgd.conf" --check && unchanged
}

# All of 20,480 packets from 128 sockets, 20,000 a second, while nsgd is stopped: nothing is lost. No more than the queue
# holds.
t_stall() {
	local before
	conf offload.established=no
	nsgd_start || return 1
	conf
	[ "$(ctl status -o json | jq .queue.receiveBufferBytes)" -ge 67108864 ] ||
		{ skip "the kernel grants no large buffer here"; return; }
	before=$(far_counts vnet datagrams)
	kill -STOP "${PIDS[nsgd]}"
	in_ns app "$TRAFFIC" send -f 128 -n 160 -r 20000 -s 0.0.0.0:30000 udp 10.1.0.4:9000 >"$T/load.log"
	is "$(in_ns app awk '{ n += $3 } END { print n }' /proc/net/netfilter/nfnetlink_queue)" 20480 || return 1
	kill -CONT "${PIDS[nsgd]}"
	settle || return 1
	matches "$T/load.log" 'sent=20480 errors=0' && is $(($(far_counts vnet datagrams) - before)) 20480 && nsgd_stop
}

pings() {
	grep -c '^WATCHDOG=1' "$T/notify.log"
}

worried() { # N: this many reports of a stuck worker
	[ "$(grep -c 'a worker is stuck' "$T/nsgd.log")" -ge "$1" ]
}

t_watchdog() { # no notification is sent while a worker is stuck
	local tid n
	WATCHDOG_USEC=600000 nsgd_start && eventually 5 eval '[ "$(pings)" -ge 2 ]' || return 1
	tid=$(grep -lx nsgd-q0 /proc/"${PIDS[nsgd]}"/task/*/comm | sed 's#.*/task/\([0-9]*\)/comm#\1#')
	spawn freeze app "$TRAFFIC" freeze "$tid"
	eventually 5 eval "matches '$T/freeze.log' '^ready' || ! alive freeze"
	alive freeze || { skip "a thread cannot be stopped here"; return; }
	eventually 5 worried 2 || return 1
	n=$(pings)
	eventually 5 worried 4 && is "$(pings)" "$n" || return 1
	stop freeze
	eventually 5 eval "[ \$(pings) -gt $n ]" && decides && nsgd_stop && unchanged
}

t_stuck() { # a stop ends without a worker that does not move
	local tid
	nsgd_start && decides || return 1
	tid=$(grep -lx nsgd-q0 /proc/"${PIDS[nsgd]}"/task/*/comm | sed 's#.*/task/\([0-9]*\)/comm#\1#')
	spawn freeze app "$TRAFFIC" freeze "$tid"
	eventually 5 eval "matches '$T/freeze.log' '^ready' || ! alive freeze"
	alive freeze || { skip "a thread cannot be stopped here"; return; }
	kill -TERM "${PIDS[nsgd]}"
	# the process that has stopped the thread must let go of it
	eventually 15 matches "/proc/${PIDS[nsgd]}/status" '^State:[[:space:]]Z' || return 1
	stop freeze
	ended nsgd 5 && is "$STATUS" 0 && stop notify && matches "$T/nsgd.log" 'a worker does not end' && unchanged
}

t_drain() { # [CONF...]: a stop in the middle of new flows loses none
	conf "$@"
	nsgd_start || return 1
	conf
	local before
	before=$(far_counts vnet datagrams)
	spawn load app "$TRAFFIC" send -f 4000 -n 2 -r 8000 -s 0.0.0.0:30000 udp 10.1.0.4:9000
	eventually 2 eval "[ \$(far_counts vnet datagrams) -gt $((before + 1000)) ]"
	nsgd_stop && ended load 20 && settle || return 1
	matches "$T/load.log" 'sent=8000 errors=0' && is $(($(far_counts vnet datagrams) - before)) 8000 && unchanged
}

t_start_under_load() { # nor does a start: the queue is bound before a rule leads to it
	local before
	conf "$@"
	before=$(far_counts vnet datagrams)
	spawn load app "$TRAFFIC" send -f 4000 -n 4 -r 8000 -s 0.0.0.0:30000 udp 10.1.0.4:9000
	eventually 2 eval "[ \$(far_counts vnet datagrams) -gt $before ]"
	nsgd_start || return 1
	conf
	alive load && ended load 20 && settle || return 1
	matches "$T/load.log" 'sent=16000 errors=0' && is $(($(far_counts vnet datagrams) - before)) 16000 &&
		[ "$(ctl stats -o json | jq .packets)" -gt 100 ] && nsgd_stop && unchanged
}

t_open_flow_over_restart() { # a flow that nsgd allowed is decided again after a stop, an edit and a start
	nsgd_start && hold 10.0.2.4:5432 && still one && nsgd_stop || return 1
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowDatabase")).access = "Deny"'
	nsgd_start && still two lost || return 1
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowDatabase")).access = "Allow"'
	nsgd_stop && unchanged || return 1
	# If it is still allowed it goes on.
	nsgd_start && hold 10.0.2.4:5432 && still three && nsgd_stop && nsgd_start && still four && nsgd_stop && unchanged
}

fact "preexisting connections go on" t_older
fact "READY and STATUS are notified" t_notify
fact "preexisting connections known to conntrack go on" t_older_known
in_ns app conntrack -F 2>/dev/null
nsgd_stop
foreign
probe tcp 203.0.113.10:443 # a connection with a foreign mark, before anything
kernel_state >"$T/state.before"
connection_marks | keyed >"$T/marks.before"
fact "nsgd starts next to tables, rules and marks of other programs" eval 'nsgd_start && decides'
fact "foreign mark bits stay, on packets and on connections" t_foreign_marks
fact "SIGTERM: STOPPING is notified, all is as before, traffic flows" t_stop
fact "the watchdog is fed" t_watchdog_fed
fact "SIGHUP names the keys that need a restart; a bad conf changes nothing" t_restart_keys
fact "--check changes nothing" t_check
fact "--cleanup with nothing to clean changes nothing" t_cleanup_of_nothing
fact "SIGKILL, then --cleanup: all is as before" t_kill_cleanup
fact "SIGKILL, then a start and a stop: all is as before" t_kill_start
fact "SIGKILL, then a start under denied datagrams: none arrives" t_kill_start_leak
fact "SIGKILL, then a start without a VNet: all is as before" t_kill_failed_start 78 'az network vnet show' \
	'mv "$T/policy/vnet-shop.json" "$T/kept.json"' 'mv "$T/kept.json" "$T/policy/vnet-shop.json"'
fact "SIGKILL, then a start without a path to a next hop: all is as before" t_kill_failed_start 78 VirtualNetworkGateway \
	'cp "$T/policy/rt-integration.json" "$T/kept.json"; policy_edit rt-integration.json "(.routes[0] | .nextHopType) = \"VirtualNetworkGateway\" | del(.routes[0].nextHopIpAddress)"' \
	'mv "$T/kept.json" "$T/policy/rt-integration.json"'
fact "SIGKILL, then a start for a user who is gone: all is as before" t_kill_failed_start 78 no-such-user \
	'conf capture.users=no-such-user' 'conf'
fact "SIGKILL, then a start with a queue that is taken: all is as before" t_kill_failed_start 1 '[Qq]ueue.* 0' \
	take_queue 'stop holder'
fact "SIGKILL, then a start with ip rules of another program in its range: all is as before" t_kill_failed_start 78 21050 \
	'in_ns app ip rule add pref 21050 fwmark 0x1/0xf lookup 77' 'in_ns app ip rule del pref 21050'
fact "a second nsgd that fails leaves the first one's state alone" t_kill_second
fact "--cleanup works with errors in the rest of nsgd.conf" t_cleanup_spoilt_conf
fact "--cleanup after a daemon that ended with 78 does not repeat its errors" t_cleanup_after_daemon
fact "daemon-down = drop: nothing leaves a dead nsgd" t_daemon_down_drop
fact "daemon-down = accept: all leaves a dead nsgd" t_daemon_down_accept
fact "a start without a VNet: exit 3, names the az command, leaves nothing" t_bad_policy
fact "a start without a configuration or a policy directory says what to do" t_no_conf
fact "a start with an unknown key: leaves nothing" fails 78 'nsgd.conf:[0-9]+' subnet.colour=blue
fact "a start with a bad value: leaves nothing" fails 78 "nsgd.conf:[0-9]+" subnet.platform=beos
fact "no permission: exit 5, names CAP_NET_ADMIN, leaves nothing" t_no_permission
fact "no permission to clean up, none to check: exit 5 too" eval 't_no_permission --cleanup && t_no_permission --check'
fact "--cleanup and --check with a running nsgd change nothing" t_cleanup_running
fact "a second instance of the same name does not start, the first goes on" t_second_instance
fact "a queue that is taken: does not start, leaves nothing" t_queue_taken
fact "two instances in one namespace, each its own users, queues, tables, marks" t_two_instances
fact "two instances in two namespaces" t_two_namespaces
fact "a stop in the middle of 4,000 new flows loses no datagram" t_drain
fact "nor of packets all queued, with two workers" t_drain offload.established=no queue.workers=2
fact "a start in the middle of 4,000 new flows loses no datagram" t_start_under_load
fact "nor in the middle of packets all queued" t_start_under_load offload.established=no
fact "stopped while 20,480 packets come from 128 sockets: none lost" t_stall
fact "the watchdog is not fed while a worker is stuck" t_watchdog
fact "a stop does not wait for a worker that is stuck, and removes everything" t_stuck
fact "a flow over stop, edit, start is decided again" t_open_flow_over_restart
lab_done
