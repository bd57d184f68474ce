# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A lab of network namespaces, for the tests and the demo. Sourced; needs bash 5.
#
#                      10.0.1.0/26                lo: 10.0.2.4 10.1.0.4 10.0.200.4 192.168.7.7
#          +-- vnet0 .4 ------------- app0 .1 -- vnet
#          |            10.0.100.0/24
#    app --+-- nva0  .1 ------------- app0 .4 -- nva -- inet0 --+
#          |            192.0.2.0/30                            | 192.0.2.12/30
#          +-- inet0 .2 ------------- app0 .1 -- inet -- nva0 --+
#          |            192.0.2.8/30               lo: 203.0.113.10 .99  198.51.100.10
#          +-- call0 .9 ------------- app0 .10 - caller
#                                                  lo: 198.51.100.200
#
# Everything is in a separate mount namespace with an empty /run, so that names cannot collide with those of
# the host and nothing is left when the last process exits, for whatever reason. Every process started
# here is killed when this shell exits.

LAB_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(cd "${BUILD:-$LAB_TOP/.dev/plain}" && pwd) || exit 2
NSGD=${NSGD:-$BUILD/src/nsgd/nsgd}
NSGCTL=${NSGCTL:-$BUILD/src/nsgctl/nsgctl}
TRAFFIC=${TRAFFIC:-$BUILD/tests/netns/traffic}
HOSTILE=${HOSTILE:-$BUILD/tests/netns/hostile}

# A sanitizer's finding ends the daemon with a status that it does not otherwise use.
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99:detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1:exitcode=99}
export TSAN_OPTIONS=${TSAN_OPTIONS:-exitcode=99:second_deadlock_stack=1}
export LC_ALL=C

# Runs the script again where it may create namespaces: without root, in a user namespace.
lab_enter() {
	if [ -z "${NSG_LAB:-}" ]; then
		local flags=-m
		[ "$(id -u)" = 0 ] || flags=-Urnm
		export NSG_LAB=$$
		if ! unshare $flags --propagation private true 2>/dev/null; then
			echo "1..0 # skip: network namespaces need root or user namespaces" >&2
			exit 77
		fi
		exec unshare $flags --propagation private bash "$0" "$@"
	fi
	mount -t tmpfs -o mode=755 tmpfs /run || exit 1
	mkdir -p /run/netns /run/nsgd /run/lock
	LAB=nsg$NSG_LAB
	unset NSG_LAB
	T=$(mktemp -d /run/lab.XXXXXX) # the script's files
	mkfifo "$T/limit" # nothing is ever written to it
	FACT_SECONDS=$((${FACT_SECONDS:-300} * ${LAB_SLOW:-1}))
	PASSED=0 FAILED=0 SKIPPED=0
	declare -gA PIDS=()
	SPORT=20000
	# of a reply; a silent probe takes all of it
	WAIT_MS=$((300 * (${LAB_SLOW:-1} < 4 ? ${LAB_SLOW:-1} : 4)))
	trap lab_leave EXIT
	trap 'exit 130' INT
	trap 'set +x; fact_failed "${FACT:-$0}, which was terminated"; exit 143' TERM
}

lab_leave() {
	local status=$? pid
	trap - EXIT INT TERM
	set +x
	exec 2>/dev/null # bash reports each killed process
	# What a failed fact left behind may never end by itself.
	for pid in $(pgrep -P $$); do
		lab_kill "$pid"
	done
	wait
	lab_remove
	[ -z "${LAB_KEEP:-}" ] || cp -r "$T" "$LAB_KEEP" 2>/dev/null
	umount -l /run 2>/dev/null
	exit "$status"
}

# ---- facts -----------------------------------------------------------------------------------

# fact NAME FUNCTION [ARGUMENT...]: passes if the function returns 0; 77: cannot be tested here. What the function waits
# for is killed after FACT_SECONDS.
fact() {
	local name=$1 status limit
	shift
	FACT=$name SKIP_WHY=
	rm -f "$T/stuck"
	fact_limit 2>"$T/stuck" &
	limit=$!
	exec 9>"$T/xtrace"
	BASH_XTRACEFD=9
	set -x
	"$@"
	status=$?
	{ set +x; } 2>/dev/null
	unset BASH_XTRACEFD
	exec 9>&-
	kill -TERM $limit
	wait $limit 2>/dev/null
	[ ! -s "$T/stuck" ] || status=1
	if [ $status = 77 ]; then
		SKIPPED=$((SKIPPED + 1))
		echo "skip $name${SKIP_WHY:+ # $SKIP_WHY}"
	elif [ $status = 0 ]; then
		PASSED=$((PASSED + 1))
		echo "ok $name"
	else
		FAILED=$((FAILED + 1))
		fact_failed "$name"
	fi
}

fact_failed() { # NAME
	echo "not ok $1"
	[ ! -s "$T/stuck" ] || sed 's/^/#   /' "$T/stuck"
	[ ! -s "$T/xtrace" ] || tail -n 25 "$T/xtrace" | sed 's/^/#   /'
	[ ! -s "$T/nsgd.log" ] || tail -n 15 "$T/nsgd.log" | sed 's/^/#   nsgd: /'
}

# Once a second after the limit, for a function may wait for one thing after the other.
fact_limit() {
	local -
	set +x
	local pid n end=$((EPOCHSECONDS + FACT_SECONDS))
	while read -rt 1 || [ $EPOCHSECONDS -lt $end ]; do :; done <>"$T/limit"
	echo "not finished after $FACT_SECONDS s; waited for:" >&2
	for ((n = 0; n < 60; n++)); do
		for pid in $(pgrep -P $$); do
			[ "$pid" = "$BASHPID" ] || grep -qsz '^LAB_SPAWNED=' "/proc/$pid/environ" || lab_kill "$pid"
		done
		read -rt 1 <>"$T/limit"
	done
	kill -TERM $$
}

# A process and those that it started, with what each of them does.
lab_kill() {
	local child
	for child in $(pgrep -P "$1"); do
		lab_kill "$child"
	done
	echo "$(ps -o pid=,stat=,wchan:20=,args= -p "$1") in $(grep -hs . "/proc/$1/stack" | head -n 1)" >&2
	kill -KILL "$1"
}

skip() {
	SKIP_WHY=$*
	return 77
}

lab_done() {
	echo "# $(basename "$0"): $PASSED passed, $FAILED failed, $SKIPPED skipped"
	[ "$FAILED" = 0 ]
}

# eventually SECONDS COMMAND...: until it succeeds. The limit is not what is tested: it is at least 30 seconds, since a
# busy machine may stand still for several. LAB_SLOW: a machine that is that many times slower.
eventually() {
	local -
	set +x
	local seconds=${1%%.*}
	local end=$((${EPOCHREALTIME/./} + (seconds < 30 ? 30 : seconds) * 1000000 * ${LAB_SLOW:-1}))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# in_time SECONDS COMMAND...: the same for a time that nsgd promises. It is counted in turns, which take longer on a busy
# machine, as what nsgd does.
in_time() {
	local -
	set +x
	local turns=$(($1 * 20 * ${LAB_SLOW:-1}))
	shift
	until "$@"; do
		[ $((turns--)) -gt 0 ] || return 1
		sleep 0.05
	done
}

# is A B: equal; the trace of a failed fact shows both.
is() {
	[ "$1" = "$2" ]
}

matches() { # FILE REGEX
	grep -Eq -- "$2" "$1" 2>/dev/null
}

# ---- processes and namespaces ----------------------------------------------------------------

in_ns() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$LAB-$ns" -- "$@"
}

# spawn NAME NS COMMAND...: in the background, output to $T/NAME.log, input from the fifo $T/NAME.in if that
# exists.
spawn() {
	local name=$1 ns=$2 input=/dev/null
	shift 2
	[ -z "${PIDS[$name]:-}" ] || stop "$name" KILL # a failed fact may have left it
	[ ! -p "$T/$name.in" ] || input=$T/$name.in
	: >"$T/$name.log"
	exec 8<>"$input" # here: what is sent to it at once is not lost
	LAB_SPAWNED=$name setpriv --pdeathsig KILL nsenter --net="/run/netns/$LAB-$ns" -- "$@" \
		<&8 8>&- >>"$T/$name.log" 2>&1 9>&- &
	PIDS[$name]=$!
	exec 8>&-
}

spawn_ready() {
	spawn "$@"
	eventually 5 matches "$T/$1.log" '^ready'
}

alive() { # as a child of this shell: numbers of processes come again
	local parent
	read -r _ _ _ parent _ 2>/dev/null <"/proc/${PIDS[$1]:-none}/stat" && [ "$parent" = $$ ]
}

# ended NAME SECONDS: waits for the end; sets STATUS to the exit status.
ended() {
	eventually "$2" eval "! alive $1" || return 1
	wait "${PIDS[$1]}"
	STATUS=$?
	unset "PIDS[$1]"
}

stop() { # NAME [SIGNAL]
	[ -n "${PIDS[$1]:-}" ] || return 0
	if alive "$1"; then
		# Left so by a failed fact. To others a SIGCONT does harm: it takes away the SIGSTOP that the leak sanitizer waits
		# for at the end of a program.
		! grep -q '^State:.*stopped' "/proc/${PIDS[$1]}/status" || kill -CONT "${PIDS[$1]}"
		kill "-${2:-TERM}" "${PIDS[$1]}"
	fi
	ended "$1" 10 2>/dev/null
}

# send NAME TEXT: to its input. Does not wait for a process that has ended to read it.
send() {
	echo "$2" 1<>"$T/$1.in"
}

sysctl_ns() { # NS PATH VALUE
	in_ns "$1" sh -c "echo $3 >/proc/sys/net/$2"
}

lab_ns() {
	local ns
	for ns; do
		ip netns add "$LAB-$ns" || return 1
		LAB_NS+=("$ns")
		sysctl_ns "$ns" ipv4/conf/all/rp_filter 2
		sysctl_ns "$ns" ipv4/conf/default/rp_filter 2
		sysctl_ns "$ns" ipv6/conf/all/disable_ipv6 1 2>/dev/null
		sysctl_ns "$ns" ipv6/conf/default/disable_ipv6 1 2>/dev/null
		sysctl_ns "$ns" ipv4/conf/all/send_redirects 0
		sysctl_ns "$ns" ipv4/conf/default/send_redirects 0
		# Every probe must be answered.
		sysctl_ns "$ns" ipv4/icmp_ratelimit 0
		in_ns "$ns" ip link set lo up
	done
}

# lab_link NS DEV ADDRESS NS DEV ADDRESS. Run inside the namespace: older kernels check the name in the one
# where `ip` runs, and the host may have a vnet0.
lab_link() {
	in_ns "$1" ip link add "$2" type veth peer name "$5" netns "$LAB-$4" || return 1
	in_ns "$1" ip address add "$3" dev "$2" && in_ns "$1" ip link set "$2" up &&
		in_ns "$4" ip address add "$6" dev "$5" && in_ns "$4" ip link set "$5" up
}

lab_make() {
	LAB_NS=()
	lab_ns app vnet nva inet caller &&
		lab_link app vnet0 10.0.1.4/26 vnet app0 10.0.1.1/26 &&
		lab_link app nva0 10.0.100.1/24 nva app0 10.0.100.4/24 &&
		lab_link app inet0 192.0.2.2/30 inet app0 192.0.2.1/30 &&
		lab_link nva inet0 192.0.2.13/30 inet nva0 192.0.2.14/30 &&
		lab_link app call0 192.0.2.9/30 caller app0 192.0.2.10/30 || return 1
	local a
	for a in 10.0.2.4 10.1.0.4 10.0.200.4 192.168.7.7; do
		in_ns vnet ip address add $a/32 dev lo
	done
	for a in 203.0.113.10 203.0.113.99 198.51.100.10; do
		in_ns inet ip address add $a/32 dev lo
	done
	in_ns caller ip address add 198.51.100.200/32 dev lo
	for a in 10.0.0.0/16 10.1.0.0/16 192.168.0.0/16; do
		in_ns app ip route add $a via 10.0.1.1
	done
	in_ns app ip route add default via 192.0.2.1
	in_ns app ip route add 198.51.100.200/32 via 192.0.2.10
	in_ns vnet ip route add default via 10.0.1.4
	in_ns inet ip route add 10.0.0.0/8 via 192.0.2.2
	in_ns nva ip route add default via 192.0.2.14
	in_ns nva ip route add 10.0.1.0/26 via 10.0.100.1
	in_ns nva ip route add 192.0.2.0/30 via 10.0.100.1
	in_ns caller ip route add default via 192.0.2.9 src 198.51.100.200
	sysctl_ns nva ipv4/ip_forward 1
	# Resolve neighbours now, not during a measurement.
	for a in app:10.0.1.1 app:10.0.100.4 app:192.0.2.1 caller:192.0.2.9 nva:192.0.2.14; do
		in_ns "${a%%:*}" "$TRAFFIC" send -w 20000 icmp "${a#*:}" >/dev/null || return 1
	done
}

# A container behind the app's host.
lab_guest() {
	lab_ns guest && lab_link app guest0 172.31.0.1/24 guest eth0 172.31.0.2/24 || return 1
	in_ns guest ip route add default via 172.31.0.1
	sysctl_ns app ipv4/ip_forward 1
	local ns
	for ns in vnet:10.0.1.4 inet:192.0.2.2 nva:10.0.100.1; do
		in_ns ${ns%%:*} ip route add 172.31.0.0/24 via ${ns#*:}
	done
}

# IPv6 for the app's host, the container and the VNet, where 2001:db8:2::4 has both tiers' place.
lab_ipv6() {
	local ns
	for ns in app vnet guest; do
		sysctl_ns $ns ipv6/conf/all/accept_dad 0
		sysctl_ns $ns ipv6/conf/default/accept_dad 0
		sysctl_ns $ns ipv6/conf/all/disable_ipv6 0 || return 1
		sysctl_ns $ns ipv6/icmp/ratelimit 0
	done
	sysctl_ns app ipv6/conf/all/forwarding 1
	in_ns app ip address add 2001:db8:1::4/64 dev vnet0 nodad
	in_ns vnet ip address add 2001:db8:1::1/64 dev app0 nodad
	in_ns vnet ip address add 2001:db8:2::4/128 dev lo nodad
	in_ns app ip address add 2001:db8:31::1/64 dev guest0 nodad
	in_ns guest ip address add 2001:db8:31::2/64 dev eth0 nodad
	in_ns app ip route add default via 2001:db8:1::1
	in_ns vnet ip route add default via 2001:db8:1::4
	in_ns guest ip route add default via 2001:db8:31::1
}

lab_remove() {
	local ns
	for ns in "${LAB_NS[@]}"; do
		ip netns del "$LAB-$ns" 2>/dev/null
	done
	LAB_NS=()
}

# Echo servers and a sniffer in every far namespace.
lab_far_ends() {
	local ns
	for ns in vnet nva inet caller; do
		if [ -n "${CAPTURE:-}" ]; then
			spawn "capture.$ns" $ns tcpdump -Z root -U --immediate-mode -i any -w "$CAPTURE/$ns.pcap" \
				'inbound and ip' && eventually 5 matches "$T/capture.$ns.log" 'listening on' || return 1
		fi
		spawn_ready "sniff.$ns" $ns "$TRAFFIC" sniff || return 1
		spawn_ready "serve.$ns" $ns "$TRAFFIC" serve tcp:22 tcp:25 tcp:80 tcp:443 tcp:5432 \
			udp:7 udp:53 udp:161 udp:443 udp:514 udp:5000 sink:9 sink:9000 || return 1
	done
}

# far_counts NS KEY: datagrams, bytes, streams or stream_bytes that the server received.
far_counts() {
	local -
	set +x
	local n
	n=$(grep -c ^counts "$T/serve.$1.log")
	kill -USR1 "${PIDS[serve.$1]}"
	eventually 2 eval "[ \$(grep -c ^counts '$T/serve.$1.log') -gt $n ]" || return 1
	tail -n1 "$T/serve.$1.log" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# ---- nsgd ------------------------------------------------------------------------------------

# conf [SECTION.KEY=VALUE...]: writes $T/nsgd.conf. A value may be empty.
conf() {
	local -
	set +x
	local file=${CONF:-$T/nsgd.conf} item section key last=
	local -A value=([subnet.policy]=${POLICY:-$T/policy} [queue.workers]=1 [log.decisions]=all)
	for item; do
		value[${item%%=*}]=${item#*=}
	done
	for item in $(printf '%s\n' "${!value[@]}" | sort); do
		section=${item%.*} key=${item##*.}
		if [ "$section" != "$last" ]; then
			# nexthop:ADDRESS.via is via in [nexthop "ADDRESS"]
			case $section in
			nexthop:*) printf '\n[nexthop "%s"]\n' "${section#nexthop:}" ;;
			*) printf '\n[%s]\n' "$section" ;;
			esac
			last=$section
		fi
		printf '%s = %s\n' "$key" "${value[$item]}"
	done >"$file"
}

# policy_copy [DIR]: a copy of the sample policy to edit.
policy_copy() {
	rm -rf "${1:-$T/policy}"
	(umask 077 && mkdir -p "${1:-$T/policy}" && cp "$LAB_TOP"/conf/policy/*.json "${1:-$T/policy}"/)
}

# policy_edit FILE JQ-PROGRAM: atomically, as an editor or a deployment does.
policy_edit() {
	local dir=${POLICY:-$T/policy}
	(umask 077 && jq "$2" "$dir/$1" >"$dir/.new") && mv "$dir/.new" "$dir/$1"
}

route_all() { # on|off
	local v=0
	[ "$1" = off ] || v=1
	policy_edit appsettings.json "map(if .name == \"WEBSITE_VNET_ROUTE_ALL\" then .value = \"$v\" else . end)"
}

# nsgd_start [OPTION...]: returns when nsgd is ready. Its log is $T/nsgd.log, its notifications
# $T/notify.log.
nsgd_start() {
	nsgd_stop || [ -z "${PIDS[nsgd]:-}" ] || nsgd_kill # a failed fact may have left one running
	rm -f "$T/notify.socket"
	spawn_ready notify app "$TRAFFIC" notify "$T/notify.socket" || return 1
	NOTIFY_SOCKET=$T/notify.socket spawn nsgd app "$NSGD" -c "${CONF:-$T/nsgd.conf}" "$@"
	eventually "${START_SECONDS:-20}" eval "matches '$T/notify.log' '^READY=1' || ! alive nsgd" &&
		alive nsgd
}

# Fails if the exit status is not 0, for example because of a sanitizer.
nsgd_stop() {
	local status
	[ -n "${PIDS[nsgd]:-}" ] || return 0
	stop nsgd && status=$STATUS || return 1
	stop notify
	stop trace # which waits for the next nsgd
	STATUS=$status
	[ "$status" = 0 ]
}

nsgd_kill() {
	kill -KILL "${PIDS[nsgd]}"
	ended nsgd 5
	stop notify
	stop trace
	return 0
}

# nsgd_fails [OPTION...]: succeeds if nsgd does not start; sets STATUS.
nsgd_fails() {
	NOTIFY_SOCKET='' spawn nsgd app "$NSGD" -c "${CONF:-$T/nsgd.conf}" "$@"
	ended nsgd 20 && [ "$STATUS" != 0 ] && [ "$STATUS" != 99 ]
}

# nsgd_trace [OPTION...]: writes every decision from now on to $T/trace.log, one JSON object per line. Returns
# when a packet was reported.
nsgd_trace() {
	spawn trace app "$NSGCTL" trace -o jsonl "$@"
	eventually 5 eval 'in_ns "${PROBE_NS:-app}" "$TRAFFIC" send udp 203.0.113.99:9 >/dev/null; test -s "$T/trace.log"'
}

# traced [JQ]: the record of the first packet of the last probe, or JQ applied to it.
traced() {
	eventually 2 eval 'traced_line >/dev/null' || return 1
	traced_line | jq -r "${1:-.}"
}

traced_line() {
	jq -ce "select(.srcPort == $SPORT and .dst == \"${PROBE_TO%:*}\")" "$T/trace.log" 2>/dev/null |
		head -n 1 | grep .
}

# says VERDICT REASON [RULE|- [NEXTHOPTYPE]]: compares the decision about the last probe.
says() {
	local got want="$1 $2"
	got=$(traced '[.verdict, .reason, (if .nsg then .nsg.rule // "null" else "-" end | sub("^.*/"; "")),
		(if .route then .route.nextHopType else "-" end)] | join(" ")')
	[ $# -lt 3 ] || want+=" $3"
	[ $# -lt 4 ] || want+=" $4"
	case "$got " in
	"$want "*) ;;
	*)
		: "decision: $got"
		return 1
		;;
	esac
}

ctl() {
	in_ns app "$NSGCTL" "$@"
}

# connected N: this many clients hold the control socket.
connected() {
	eventually 20 eval "[ \"\$(in_ns app grep -c ' 03 .* /run/nsgd/nsgd.sock\$' /proc/net/unix)\" = $1 ]"
}

reload() {
	ctl reload >"$T/reload.out" 2>&1
}

# kernel_state: rules, routes and nft objects of the app's namespace, without counters.
kernel_state() {
	in_ns app ip rule show
	in_ns app ip route show table all | sort
	in_ns app nft -s list ruleset 2>/dev/null
}

# connection_marks: tuple and mark of each connection there, one per line.
connection_marks() {
	in_ns app conntrack -L 2>/dev/null |
		sed -n 's/^\([a-z]*\) .*\(src=[^ ]* dst=[^ ]* sport=[^ ]* dport=[^ ]*\).*mark=\([0-9]*\).*/\1 \2 \3/p' | sort
}

# Objects of nsgd in the app's namespace.
leftovers() {
	in_ns app ip rule show | grep -v -e '^0:.*local' -e '^32766:.*main' -e '^32767:.*default'
	in_ns app nft list tables | grep -w nsgd
	in_ns app ip route show table all | grep -E 'table 2[1-9][0-9]{3}'
	in_ns app conntrack -L 2>/dev/null | grep -E 'mark=[1-9]'
	return 0
}

nothing_left() {
	is "$(leftovers)" ""
}

# ---- probes ----------------------------------------------------------------------------------

# hold TO: opens a connection of the app that stays, as "hold".
hold() {
	stop hold
	rm -f "$T/hold.in"
	mkfifo "$T/hold.in"
	spawn_ready hold app "$TRAFFIC" hold "$1"
}

# still WORD [lost]: what is written to it comes back, or does not.
still() {
	send hold "$1"
	eventually 3 matches "$T/hold.log" "^(echo|lost) $1\$" && matches "$T/hold.log" "^${2:-echo} $1\$"
}

# probe PROTOCOL IP[:PORT] [OPTION of traffic send...]: sends from the app with a source port that no other
# probe has. Sets PROBE to the sender's output, ANSWERED to yes if the far end answered.
probe() {
	PROBE_PROTOCOL=$1 PROBE_TO=$2
	shift 2
	SPORT=$((SPORT + 1))
	PROBE=$(in_ns "${PROBE_NS:-app}" "${PROBE_AS[@]}" "$TRAFFIC" send -s "0.0.0.0:$SPORT" \
		-w "${PROBE_MS:-$WAIT_MS}" -t "row$SPORT" "$@" "$PROBE_PROTOCOL" "$PROBE_TO" 2>&1)
	ANSWERED=no
	case $PROBE in *replies=0*) ;; *replies=*) ANSWERED=yes ;; esac
}
PROBE_AS=() # a command that runs the sender: setpriv, systemd-run

# seen NS [in|out]: packets of the last probe that the sniffer recorded there.
seen() {
	local number=17
	[ "$PROBE_PROTOCOL" = udp ] || number=6
	grep -E "^[^ ]+ ${2:-in} $number [^ ]+ $SPORT ${PROBE_TO%:*} ${PROBE_TO#*:} " "$T/sniff.$1.log"
}

arrived() { # NS
	eventually 2 eval "seen $1 >/dev/null"
}

# settle: waits until everything sent so far has arrived or is lost. A datagram is sent to every far end by the
# same path and queue: when it arrives, so has everything sent before. To a new port each time, which only the
# daemon can decide.
settle() {
	SETTLE=$((${SETTLE:-0} + 1))
	local to ns
	for to in vnet:10.1.0.4 nva:10.0.100.4 inet:203.0.113.99; do
		ns=${to%%:*}
		[ "$ns" != "${SETTLE_WITHOUT:-}" ] || continue
		in_ns app "$TRAFFIC" send -t "settle$SETTLE" udp "${to#*:}:$((10000 + SETTLE))" >/dev/null
		# the sniffer may lag
		eventually 20 matches "$T/sniff.$ns.log" " settle$SETTLE\$" || return 1
	done
}

# silent: the last probe arrived nowhere, and its sender got no error.
silent() {
	settle || return 1
	local ns
	for ns in vnet nva inet; do
		[ -z "$(seen $ns)" ] || return 1
	done
	is "$ANSWERED" no
}

# past_nva: packets of the last probe that reached the Internet directly from the app's host.
past_nva() {
	seen inet | grep '^app0 '
}

# only_at NS...: the last probe arrived at these and nowhere else; if the NVA is one of them, no packet
# reached the Internet by another path.
only_at() {
	local ns at=" $* "
	for ns; do
		arrived "$ns" || return 1
	done
	settle || return 1
	for ns in vnet nva inet; do
		case $at in *" $ns "*) continue ;; esac
		[ -z "$(seen $ns)" ] || return 1
	done
	case $at in *" nva "*) [ -z "$(past_nva)" ] ;; esac
}
