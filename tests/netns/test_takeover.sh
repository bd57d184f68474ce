#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Crash and restart under a service manager that keeps descriptors (manager.c): what is lost, what leaks, who
# keeps and who takes everything back. TAKEOVERS=1000: that many of each instead of 20. STEPS=all: killed
# and stopped at every step of a takeover and of a reload, not at some.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
[ -z "${TAKEOVERS:-}${STEPS:-}" ] || export FACT_SECONDS=7200
lab_make || exit 1
MANAGER=${MANAGER:-$BUILD/tests/netns/manager}
TAKEOVERS=${TAKEOVERS:-20}
policy_copy
route_all on
conf log.decisions=none
# of everything in the kernel, each another one
NAMES="nsgd.instance=renamed route.mark-mask=0x00fff000 route.rule-priority=25001 route.table-base=24001"

# Counters at the far ends: exact, whatever the rate.
for ns in vnet nva inet; do
	in_ns $ns nft -f - <<-'END' || exit 1
		table ip seen {
			counter allowed {}; counter denied {}; counter straight {}; counter appliance {}
			chain c {
				type filter hook prerouting priority -300
				ip daddr 10.1.0.4 udp dport 9000-9999 counter name allowed
				ip daddr 10.0.2.4 udp dport 161 counter name denied
				iifname app0 ip daddr 198.51.100.10 counter name straight
				iifname nva0 ip daddr 198.51.100.10 counter name appliance
			}
		}
	END
done

count() { # NS COUNTER
	in_ns "$1" nft -j list counter ip seen "$2" | jq '[.nftables[].counter?.packets // empty] | add'
}

# managed [VARIABLE=VALUE...]: the daemon as a unit; returns when it is ready.
managed() {
	unmanaged
	# of a fact that failed
	stop many
	stop bad
	stop way
	rm -rf "$T/unit" "$T/manager.in"
	mkdir "$T/unit"
	mkfifo "$T/manager.in"
	spawn manager app env "RELOAD='$NSGCTL' reload" "$@" "$MANAGER" "$T/unit" "$NSGD" -c "${CONF:-$T/nsgd.conf}"
	eventually 20 matches "$T/manager.log" '^(idle 1|dead)' && matches "$T/manager.log" '^idle 1'
}

tell() {
	alive manager && send manager "$*"
}

said() { # REGEX [SECONDS]
	eventually "${2:-20}" matches "$T/manager.log" "$1"
}

unmanaged() {
	[ -n "${PIDS[manager]:-}" ] || return 0
	matches "$T/manager.log" '^dead' || { tell stop && said '^dead'; }
	tell quit
	ended manager 10
}

sent_by() { # NAME...: datagrams
	local name n=0
	for name; do
		n=$((n + $(sed -n 's/^sent=\([0-9]*\) .*/\1/p' "$T/$name.log")))
	done
	echo $n
}

# load: 5,000 datagrams a second: allowed ones of new and old flows, denied ones, and some for the appliance. In a
# long run fewer begin a flow: all of 240 seconds must fit into the connection table.
load() {
	local one_of=2
	[ "$TAKEOVERS" -le 100 ] || one_of=6
	ALLOWED=$(count vnet allowed) APPLIANCE=$(count inet appliance)
	DENIED=$(count vnet denied) STRAIGHT=$(count inet straight)
	spawn_ready many app "$TRAFFIC" pump 3500 10.0.1.4 10.1.0.4:9000 $one_of &&
		spawn_ready bad app "$TRAFFIC" pump 500 10.0.1.4 10.0.2.4:161 &&
		spawn_ready way app "$TRAFFIC" pump 1000 10.0.1.4 198.51.100.10:9000 $one_of &&
		eventually 5 eval '[ "$(count vnet allowed)" -gt $((ALLOWED + 500)) ]'
}

# unload: sets LOST, of LOAD that are allowed. Fails if one passed that is denied, or without the appliance.
unload() {
	stop many
	stop bad
	stop way
	# behind everything that waits
	probe udp 10.1.0.4:9999
	eventually 30 eval '[ "$(waiting)" = 0 ]' || return 1
	LOAD=$(sent_by many way)
	LOST=$((LOAD - $(count vnet allowed) + ALLOWED - $(count inet appliance) + APPLIANCE + 1))
	is "$(count vnet denied)" "$DENIED" && is "$(count inet straight)" "$STRAIGHT"
}

# under_load COMMAND MS: N kills or restarts, MS after each start.
under_load() {
	local n=$TAKEOVERS status
	managed && load || return 1
	tell "$1 $n $2"
	said "^idle $((n + 1))\$" $((n * 2 + 30)) && unload
	status=$?
	echo "# $n x $1, $2 ms apart: $LOST of $LOAD datagrams lost; away for" \
		"$(sed -n 's/.* after \([1-9][0-9]*\) ms, \([0-9]*\) without.*/\1 \2/p' "$T/manager.log" | sort -n |
			awk '{ t[NR] = $1; w = $2 } END { print t[int((NR + 1) / 2)] " ms, at most " t[NR] " ms, " w " of them without a processor" }')"
	return $status
}

waiting() { # in the queues
	in_ns app awk '{ n += $3 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue
}

t_crash() { # [CONF...]: each may cost the batch that was being decided
	conf log.decisions=none "$@"
	under_load kill 20 && [ "$LOST" -le $((TAKEOVERS * 64)) ] && unmanaged && nothing_left
}

t_restart() { # [CONF...]
	conf log.decisions=none "$@"
	under_load restart 20 && is "$LOST" 0 && unmanaged && nothing_left
}

lives() {
	sed -n 's/^idle //p' "$T/manager.log" | tail -n 1
}

# A step is a message of the daemon to the kernel or to the manager, or a write of the record. Step N is the N-th of
# each: it may stop three times.
CALLS=sendto,sendmsg,pwrite64

# Something happens to the next daemons at their N-th step, to one for each line of $T/at: "signal=SIGNAL N" or
# "error=ERROR N [CALL]". Not to --cleanup, which does nothing if there is $T/no-cleanup.
at_step() {
	rm -f "$T/at" "$T/no-cleanup"
	cat >"$T/stepped" <<-END
		#!/bin/sh
		case "\$*" in *--cleanup)
			[ ! -e $T/no-cleanup ] || exit 0
			exec "$NSGD" "\$@"
			;;
		esac
		[ -s $T/at ] || exec "$NSGD" "\$@"
		read -r action n calls <$T/at
		sed -i 1d $T/at
		# the leak sanitizer needs ptrace itself
		export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
		exec strace -D -o $T/strace -e trace=\${calls:=$CALLS} -e inject=\$calls:\$action:when=\$n "$NSGD" "\$@"
	END
	chmod +x "$T/stepped"
}

main_pid() {
	sed -n 's/^life .* process //p' "$T/manager.log" | tail -n 1
}

stopped_or() { # COMMAND...: waits until the traced daemon has stopped, or the command succeeds
	eventually 20 eval "matches '$T/strace' 'stopped by SIGSTOP' || $*"
	matches "$T/strace" 'stopped by SIGSTOP'
}

untrace() { # the steps that follow are not those of a start
	local tracer
	tracer=$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$(main_pid)/status")
	[ "${tracer:-0}" = 0 ] || kill -KILL "$tracer"
}

# One takeover with a signal there. 77: it has no such step.
take_over_at() { # SIGNAL N
	local life
	life=$(lives)
	echo "signal=$1 $2" >"$T/at"
	rm -f "$T/strace"
	tell kill
	if [ "$1" = STOP ]; then
		stopped_or "matches '$T/manager.log' '^idle $((life + 1))\$'" || {
			untrace
			kill -CONT "$(main_pid)" # of a later call
			return 77
		}
		# packets wait
		eventually 5 eval '[ "$(waiting)" -gt 50 ]' || return 1
		eventually 20 eval "kill -CONT $(main_pid); matches '$T/manager.log' '^idle $((life + 1))\$'" && untrace &&
			kill -CONT "$(main_pid)"
		return
	fi
	said "^idle ($((life + 1))|$((life + 2)))\$" && [ "$(lives)" = $((life + 2)) ] || {
		untrace
		return 77
	}
}

reloads() {
	grep -c '^reloaded' "$T/manager.log"
}

# One reload with a signal there.
reload_at() { # SIGNAL N
	local life pid n status
	life=$(lives) pid=$(main_pid) n=$(reloads)
	rm -f "$T/strace"
	policy_edit rt-integration.json '(.routes[] | select(.name == "old-warehouse")) |= (.nextHopType = "VirtualAppliance" |
		.nextHopIpAddress |= (if . == "10.0.100.4" then "10.0.1.1" else "10.0.100.4" end))'
	spawn tracer app strace -p "$pid" -o "$T/strace" -e trace=$CALLS -e inject=$CALLS:signal="$1":when="$2"
	eventually 10 matches "$T/tracer.log" 'attached' || return 1
	tell reload
	if [ "$1" = STOP ]; then
		status=77
		if stopped_or "[ \$(reloads) -gt $n ]"; then
			eventually 5 eval '[ "$(waiting)" -gt 50 ]' || return 1
			eventually 20 eval "kill -CONT $pid; [ \$(reloads) -gt $n ]"
			is "$(sed -n 's/^reloaded //p' "$T/manager.log" | tail -n 1)" 0
			status=$?
		fi
		stop tracer INT
		kill -CONT "$pid" # of a call after the reload
		return $status
	fi
	eventually 20 eval "matches '$T/strace' 'killed by SIGKILL' || [ \$(reloads) -gt $n ]"
	stop tracer INT
	matches "$T/strace" 'killed by SIGKILL' || return 77
	said "^idle $((life + 1))\$"
}

t_steps() { # SIGNAL COMMAND FEWEST: the command with the signal at each of its steps, at least FEWEST
	local n stride=10 status=0 most=0
	[ "${STEPS:-}" != all ] || stride=1
	# a reload that nobody asked for would leave none of the steps to the one that is traced
	conf log.decisions=none offload.answers=no subnet.watch=no
	at_step
	NSGD=$T/stepped managed && load || return 1
	# a daemon that asks the kernel who sent a packet has always another step
	for ((n = 1; n < 45; n += stride)); do
		"$2" "$1" $n
		status=$?
		: "step $n: $status"
		[ $status = 0 ] || break
	done
	# each death may cost a batch
	[ "$1 $2" = "STOP reload_at" ] || most=$((n * 2 * 64))
	[ $status = 0 ] || [ $status = 77 ] && [ $n -gt "$3" ] && unload && [ "$LOST" -ge 0 ] && [ "$LOST" -le $most ] && decides || return 1
	echo "# SIG$1 at $(((n - 1) / stride)) steps of ${2%_at}: $LOST of $LOAD datagrams lost"
	unmanaged && nothing_left
	status=$?
	policy_copy
	route_all on
	return $status
}

# Two processes in a row end before they are READY, the second after more steps.
t_dies_again() {
	conf log.decisions=none offload.answers=no subnet.watch=no
	at_step
	NSGD=$T/stepped managed && load || return 1
	printf 'signal=KILL %s\n' 5 15 >"$T/at"
	tell kill
	said '^idle 4$' && unload && [ "$LOST" -ge 0 ] && [ "$LOST" -le $((3 * 64)) ] && decides && unmanaged && nothing_left
}

decides() { # a denied packet is dropped, an allowed one arrives
	local denied allowed
	denied=$(count vnet denied) allowed=$(count vnet allowed)
	probe udp 10.0.2.4:161
	probe udp 10.1.0.4:9998
	eventually 5 eval "[ \$(count vnet allowed) = $((allowed + 1)) ]" && is "$(count vnet denied)" "$denied"
}

flows() { # as if nsgd were not there
	local denied
	denied=$(count vnet denied)
	probe udp 10.0.2.4:161
	eventually 5 eval "[ \$(count vnet denied) = $((denied + 1)) ]"
}

held() { # NUMBER: the lives so far; the manager holds both queues, the table and the record
	said "^READY life $1 after .*, 4 held" && said "^idle $1\$"
}

tell_all() { # COMMANDS
	local command
	for command in $1; do
		tell "$command" || return 1
	done
}

table() { # the same one has the same handle
	in_ns app nft -a list table ip nsgd | sed -n '1s/.*handle //p'
}

t_keeps() { # COMMANDS: the next process continues
	local before
	conf
	managed && decides || return 1
	before=$(table)
	tell_all "$1" && held 2 && decides && tell_all "$1" && held 3 && decides && ! matches "$T/manager.log" '^dead' &&
		is "$(table)" "$before" && unmanaged && nothing_left && flows
}

t_holds() { # CONF...: from the first process on
	conf "$@"
	managed && held 1 && tell kill && held 2 && unmanaged && nothing_left
}

# A takeover in which a call fails that it needs ends with status 1, and leaves nothing even without --cleanup.
t_fails() { # REGEX ERROR CALL N...: a message, of one of the N; $CHANGES in the configuration, if there are any
	local n found=no conf="log.decisions=none offload.answers=no subnet.watch=no"
	at_step
	touch "$T/no-cleanup"
	for n in "${@:4}"; do
		# shellcheck disable=SC2086
		conf $conf
		NSGD=$T/stepped managed && probe udp 10.1.0.4:9001 || return 1
		# shellcheck disable=SC2086
		conf $conf ${CHANGES:-}
		echo "error=$2 $n $3" >"$T/at"
		tell kill
		said '^(dead|idle 2$)' || return 1
		if matches "$T/manager.log" '^dead'; then
			matches "$T/manager.log" '^ended exit-code 1$'
		else # on this kernel, nothing depends on that call
			decides && unmanaged
		fi && nothing_left || return 1
		! matches "$T/manager.log" "$1" || found=yes
	done
	is $found yes && unmanaged
}

t_takes_back() { # COMMANDS [VARIABLE=VALUE]
	conf
	managed "${@:2}" && decides && tell_all "$1" && said '^dead' && nothing_left && flows && unmanaged
}

t_junk() { # descriptors that are not its own are closed, and those of the same name are given again
	conf
	managed JUNK=yes && tell kill && said '^idle 2' && decides || return 1
	matches "$T/manager.log" '"queue0" .* not a netlink socket' &&
		matches "$T/manager.log" '"silent" .* not a netfilter socket' &&
		matches "$T/manager.log" '"queue0" .* not bound to a queue' &&
		matches "$T/manager.log" '"weather" .* unknown name' &&
		matches "$T/manager.log" '"record" .* not a memory file' &&
		matches "$T/manager.log" '"table" .* another network namespace' &&
		tell restart && held 3 && decides && unmanaged && nothing_left
}

t_no_keeping() { # of a manager that keeps nothing: a stop and a start
	conf
	managed KEEP=no && tell restart && said '^READY life 2 after .*, 0 held' && said '^idle 2' && decides &&
		matches "$T/manager.log" 'Terminated: stopping' && unmanaged && nothing_left
}

alarms() { # REGEX N: that often in the log, when nsgd has looked again
	in_ns app ip rule add pref 300 to 203.0.113.77 lookup main
	eventually 10 eval "[ \"\$(grep -c 'ip rules of other programs' '$T/manager.log')\" = $2 ]"
	local status=$?
	in_ns app ip rule del pref 300
	[ $status = 0 ] && is "$(grep -c "$1" "$T/manager.log")" 1
}

status() { # JQ
	ctl status -o json 2>/dev/null | jq "$1"
}

accounting() {
	in_ns app cat /proc/sys/net/netfilter/nf_conntrack_acct
}

t_baselines() { # counters of the kernel go on, and no alarm of what an earlier process has logged
	local queued command n=1
	conf
	sysctl_ns app netfilter/nf_conntrack_acct 0
	managed && is "$(accounting)" 1 || return 1
	in_ns app "$HOSTILE" packet udp 10.0.2.4:7 10.0.1.4:7 >/dev/null
	probe udp 10.1.0.4:9001
	alarms 'forged packets' $n || return 1
	for command in kill restart; do
		queued=$(status .kernel.packets.queued)
		[ "$queued" -ge 1 ] || return 1
		tell $command
		n=$((n + 1))
		said "^idle $n\$" && is "$(status .kernel.packets.queued)" "$queued" &&
			is "$(status .kernel.packets.forged)" 1 && alarms 'forged packets' $n || return 1
	done
	is "$(accounting)" 1 && unmanaged && is "$(accounting)" 0 && nothing_left
}

# Another build, put in place under load and used by the next process: it decides by marks of its own generation, and
# connections of the one before go on.
t_upgrade() {
	local id n generation before
	conf log.decisions=none offload.answers=no
	id=$(readelf -n "$NSGD" | sed -n 's/.*Build ID: //p')
	[ -n "$id" ] || { skip "the linker gives programs no build id"; return; }
	cp "$NSGD" "$T/build0"
	ID=$id perl -0777 -pe 'BEGIN { $id = pack "H*", $ENV{ID} } s/\Q$id\E/~$id/e' "$NSGD" >"$T/build1"
	chmod +x "$T/build1"
	cmp -s "$T/build0" "$T/build1" && return 1
	cp "$T/build0" "$T/nsgd-now"
	NSGD=$T/nsgd-now managed && load || return 1
	before=$(status .generation)
	for ((n = 1; n <= 6; n++)); do
		cp "$T/build$((n % 2))" "$T/nsgd-new" && mv "$T/nsgd-new" "$T/nsgd-now" || return 1
		tell restart
		said "^idle $((n + 1))\$" || return 1
		generation=$(status .generation)
		[ "$generation" != "$before" ] || return 1
		before=$generation
	done
	unload && echo "# $LOST of $LOAD datagrams lost in 6 upgrades" && is "$LOST" 0 || return 1
	tell restart
	said '^idle 8$' && is "$(status .generation)" "$before" && decides && unmanaged && nothing_left
}

# Stopped where it is, the queue fills, and nothing is lost when it is killed; also if the next process uses another
# queue, and one less.
t_held() { # [CONF...]; $BY_WORKER: the first queue of an earlier version
	local allowed first=${BY_WORKER:+queue.first=$BY_WORKER}
	conf queue.workers=2 $first
	managed || return 1
	tell hold
	allowed=$(count vnet allowed)
	spawn load app "$TRAFFIC" send -f 500 -n 1 -r 5000 -s 0.0.0.0:30000 udp 10.1.0.4:9000
	conf queue.workers=2 $first "$@"
	ended load 20 && is "$(waiting)" 500 && tell kill && said '^idle 2$' && decides || return 1
	eventually 5 eval "[ \$(count vnet allowed) = $((allowed + 501)) ]" && unmanaged && nothing_left
}

t_edited() { # the policy was edited between two processes: as a reload, what was allowed goes on
	conf
	managed && probe udp 10.1.0.4:9001 || return 1
	local port=$SPORT allowed
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyRestOfData")) |= (.destinationAddressPrefix = "10.1.0.0/16" | .priority = 150)'
	tell kill
	said '^idle 2' || return 1
	allowed=$(count vnet allowed)
	in_ns app "$TRAFFIC" send -s 0.0.0.0:$port udp 10.1.0.4:9001 >/dev/null
	eventually 5 eval "[ \$(count vnet allowed) = $((allowed + 1)) ]" || return 1
	probe udp 10.1.0.4:9002
	is "$(count vnet allowed)" $((allowed + 1)) || return 1
	policy_copy
	route_all on
	unmanaged && nothing_left
}

# Restarts under load, each with one more key changed; lines of KEY=VALUE and what is logged then. In the last one the
# process is killed without a record.
restarts() {
	local key regex status=0
	while read -r key regex; do
		CHANGED+=" $key"
		# shellcheck disable=SC2086
		conf $CHANGED
		[ "$key" = log.level=info ] && { lose_record && tell kill; } || tell restart
		LIFE=$((LIFE + 1))
		said "^idle $LIFE\$" && is "$(count vnet denied)" "$DENIED" && is "$(count inet straight)" "$STRAIGHT" &&
			sed -n "/^idle $((LIFE - 1))\$/,\$p" "$T/manager.log" | grep -Eq "$regex" ||
			{ status=1; : "after $key"; }
	done
	return $status
}

t_changed_conf() {
	local LIFE=1 CHANGED=log.decisions=none
	conf $CHANGED
	managed && load || return 1
	restarts <<-END && unload || return 1
		queue.workers=3 queue.0,.3.workers
		queue.workers=2 queue.0,.2.workers
		queue.first=7 queue.7,.2.workers
		queue.first=8 queue.8,.2.workers
	END
	echo "# $LOST of $LOAD datagrams lost in $((LIFE - 1)) restarts with other queues"
	is "$LOST" 0 && load || return 1
	restarts <<-END && unload && decides || return 1
		queue.daemon-down=accept deciding
		queue.workers=1 queue.8,.1.workers
		queue.daemon-down=drop deciding
		route.mark-mask=0x00fff000 route.mark-mask.has.changed
		route.table-base=21001 route.table-base.has.changed
		route.rule-priority=21001 route.rule-priority.has.changed
		nsgd.instance=renamed nsgd.instance.has.changed
		log.level=info deciding
	END
	echo "# $LOST of $LOAD datagrams lost in $((LIFE - 5)) restarts with another configuration"
	unmanaged && nothing_left && is "$(in_ns app nft list tables)" ""
}

lose_record() {
	local fd
	for fd in /proc/"$(main_pid)"/fd/*; do
		case $(readlink "$fd") in *nsgd-record*) truncate -s 0 "$fd"; return ;; esac
	done
	return 1
}

still_older() { # WORD
	send older "$1"
	eventually 3 matches "$T/older.log" "^echo $1\$"
}

# Two connections of an instance that was renamed, and has other marks: one that is older than nsgd is not decided, and
# one that was allowed is decided again, also by the process after the next.
t_renamed() {
	local status
	conf
	sysctl_ns app netfilter/nf_conntrack_acct 0
	rm -f "$T/older.in"
	mkfifo "$T/older.in"
	spawn_ready serve.vnet vnet "$TRAFFIC" serve tcp:22 tcp:9100 && spawn_ready older app "$TRAFFIC" hold 10.0.2.4:22 &&
		managed && hold 10.1.0.4:9100 && still decided && still_older first || return 1
	# shellcheck disable=SC2086
	conf $NAMES
	tell restart
	said '^idle 2$' && still again && still_older again &&
		unmanaged && nothing_left && is "$(accounting)" 0 && is "$(in_ns app ls /run/nsgd)" renamed.flows || return 1
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyRestOfData")) |= (.destinationAddressPrefix = "10.1.0.0/16" | .priority = 150)'
	managed && still denied lost
	status=$?
	stop hold
	stop older
	stop serve.vnet
	policy_copy
	route_all on
	[ $status = 0 ] && unmanaged && nothing_left && rm -f /run/nsgd/renamed.flows
}

t_changed_mode() { # both ways
	conf
	managed && decides || return 1
	conf nsgd.mode=audit
	tell restart
	said '^idle 2' && matches "$T/manager.log" 'nsgd.mode has changed' && flows &&
		is "$(in_ns app ip rule show | wc -l)" 3 || return 1
	conf
	tell restart
	said '^idle 3' && decides && unmanaged && nothing_left
}

# While the rules are gone a connection begins that the policy denies, and that conntrack does not see. The rules
# are restored, and another process takes over, or it restores them itself.
YOUNG='elements = \{ (tcp|6)' # the number, on a host without /etc/protocols
t_gap() {
	conf
	spawn_ready serve.vnet vnet "$TRAFFIC" serve tcp:22 && managed && decides && tell restart && said '^idle 2$' || return 1
	in_ns app nft list set ip nsgd young | grep -Eq "$YOUNG" && in_ns app nft list set ip6 nsgd young | grep -Eq "$YOUNG" &&
		tell hold || return 1
	in_ns app nft flush ruleset
	hold 10.0.2.4:22 && still open && tell release || return 1
	eventually 3 eval 'in_ns app nft list tables | grep -q nsgd' && tell kill && said '^idle 3$' &&
		still taken-over lost && tell hold || return 1
	in_ns app nft flush ruleset
	hold 10.0.2.4:22 && still open && tell kill && said '^idle 4$' && still taken-over lost || return 1
	stop hold
	stop serve.vnet
	unmanaged && nothing_left
}

t_bad_policy() { # COMMAND [CONF...]: a start that fails after it, with that changed, leaves nothing
	conf
	sysctl_ns app netfilter/nf_conntrack_acct 0
	managed && decides || return 1
	mv "$T/policy/vnet-shop.json" "$T/kept.json"
	conf "${@:2}"
	tell "$1"
	said '^dead exit-code'
	local status=$?
	mv "$T/kept.json" "$T/policy/vnet-shop.json"
	is $status 0 && nothing_left && is "$(in_ns app nft list tables)" "" && is "$(accounting)" 0 && flows && unmanaged
}

fact "SIGKILL under 5,000 datagrams a second: at most a batch each, nothing denied passes" t_crash \
	offload.answers=no
fact "restart under 5,000 datagrams a second: none lost, nothing denied passes" t_restart offload.answers=no
fact "kill: the next process takes over" t_keeps kill
fact "watchdog: the next process takes over" t_keeps watchdog
fact "restart: the next process takes over" t_keeps restart
fact "SIGKILL during a reload: the next process takes over" t_keeps "hold reload kill"
fact "SIGKILL during a restart: the next process takes over" t_keeps "hold restart kill"
fact "SIGKILL during a stop: everything is removed" t_takes_back "hold stop kill"
fact "stop: everything is removed" t_takes_back stop
fact "SIGTERM without a job: everything is removed" t_takes_back term
fact "SIGTERM with a manager that does not answer: everything is removed" t_takes_back stop MUTE=yes
fact "daemon-down = accept: the first process gives all sockets to the manager" t_holds queue.daemon-down=accept
fact "mode = audit: the first process gives all sockets to the manager" t_holds nsgd.mode=audit
fact "restart by a manager that keeps no descriptors: stop and start" t_no_keeping
fact "descriptors that are not its own: each is reported and closed" t_junk
fact "SIGSTOP, then SIGKILL: what waited is decided" t_held
fact "the same with other queues" t_held queue.first=7 queue.workers=1
fact "the same after an earlier version" eval 'BY_WORKER=8 t_held && ! matches "$T/manager.log" "not used"'
fact "another build, put in place under 5,000 datagrams a second: none lost" t_upgrade
fact "counters go on, and no alarm comes again" t_baselines
fact "an edit between two processes is a reload" t_edited
fact "restarts with another configuration under 5,000 datagrams a second: nothing denied passes" t_changed_conf
fact "a restart with other names: preexisting connections stay so, others are decided again" t_renamed
fact "restarts with another mode" t_changed_mode
fact "a connection that began while the rules were gone is not accepted after a takeover" t_gap
fact "daemon-down = accept: a table that is owned" eval 'conf queue.daemon-down=accept log.decisions=none; TAKEOVERS=5 under_load restart 20 && is "$LOST" 0 && unmanaged && nothing_left'
if command -v strace >/dev/null && strace -D -o /dev/null true 2>/dev/null; then
	fact "two takeovers that end before READY: the next process takes over" t_dies_again
	fact "a takeover that cannot use the socket of the table: nothing is left" t_fails 'taking over the table' \
		EIO getsockname 8 9 10
	fact "a takeover with a request that the kernel refuses: nothing is left" t_fails 'previous nsgd: Invalid argument' \
		EINVAL sendto 15 17
	fact "a takeover with other names and a request that fails: nothing is left" \
		eval 'CHANGES=$NAMES t_fails "No buffer space" ENOBUFS sendto 4 11 14'
	fact "SIGKILL at a step of a takeover: the next process takes over" t_steps KILL take_over_at 20
	fact "SIGSTOP at a step of a takeover: packets wait, and none is lost" t_steps STOP take_over_at 20
	fact "SIGKILL at a step of a reload: the next process takes over" t_steps KILL reload_at 10
	fact "SIGSTOP at a step of a reload: packets wait, and none is lost" t_steps STOP reload_at 10
fi
fact "restart with a policy that has errors: everything is removed" t_bad_policy restart
fact "SIGKILL, then a policy that has errors: everything is removed" t_bad_policy kill
fact "restart with other names and a policy that has errors: everything is removed" t_bad_policy restart $NAMES
fact "restart with errors in the configuration, also in a name: everything is removed" t_bad_policy restart nsgd.instance=- \
	queue.daemon-down=drip
lab_done
