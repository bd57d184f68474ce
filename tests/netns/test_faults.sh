#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netns: long
# Allocations and system calls that fail, one in each load, start, reload, takeover, restart, stop and --cleanup, in
# every way in which it can: nsgd reports it or does without, leaves nothing of its own in the kernel after a failed
# start or stop, decides as before after a failed reload, and never keeps rules without the sockets of their queues.
#
#     test_faults.sh [load|start|reload|takeover|restart|crash|stop|cleanup]...
#
# By default some happen, spread over all. FAULTS=sites: one for each kind of failure at each place, which is the whole
# chain of calls. FAULTS=all: every one, which takes an hour. FIRST and LAST bound the numbers. Libraries that do
# not survive it are spared (faults.c), and with the sanitizers what allocates inside them.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
[ -z "${FAULTS:-}" ] || export FACT_SECONDS=7200
lab_make || exit 1
MANAGER=$BUILD/tests/netns/manager
policy_copy
route_all on
conf subnet.watch=yes log.decisions=none
TABLE=$T/faults
SAMPLES=${FAULTS:-6}

# Exact counters at the far ends; nothing answers.
for ns in vnet inet; do
	in_ns $ns nft -f - <<-'END' || exit 1
		table ip seen {
			counter allowed {}; counter denied {}; counter dns {}
			chain c {
				type filter hook prerouting priority -300
				udp dport 9000 counter name allowed drop
				ip daddr 10.0.2.4 udp dport 161 counter name denied drop
				ip daddr 203.0.113.10 udp dport 53 counter name dns drop
			}
		}
	END
done

count() { # NS COUNTER
	in_ns "$1" nft list counter ip seen "$2" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

# ---- faults ----------------------------------------------------------------------------------

number() { # INDEX: 0 the fault to come, 1 how many were possible, 2 its line in faults.c, 3 its error, 4 its site
	od -An -tu4 -j$(($1 * 4)) -N4 "$TABLE" | tr -d ' '
}

set_fault() { # N: the Nth from now on happens; 0 none
	printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) \
		$(($1 >> 24 & 255)))\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0" | dd of="$TABLE" conv=notrunc status=none
}

no_fault() { # from now on; what happened stays
	printf '\0\0\0\0' | dd of="$TABLE" conv=notrunc status=none
}

where() { # what happened
	local error
	error=$(number 3)
	case $error in
	1001) error="a part" ;;
	1002) error="an interrupted dump" ;;
	esac
	echo "$(sed -n "$(number 2)p" "$LAB_TOP/tests/netns/faults.c" | grep -o '[a-z_0-9]*' |
		grep -vxE 'return|int|ssize_t|if|flags|void' | head -n 2 | tail -n 1), error $error"
}

# The daemon begins with the fault in $T/at, if there is one, and --cleanup with that in $T/at-cleanup; $T/before is
# what the table held until then. A daemon that finds rules without sockets leaves $T/orphan.
set_fault 0
[ "$SAMPLES" != sites ] || truncate -s $((20 + 4 * 65536)) "$TABLE"
cat >"$T/preloaded" <<-END
	#!/bin/sh
	at=$T/at
	case "\$*" in
	*--cleanup)
		at=$T/at-cleanup
		[ -e "\$at" ] || exec "$NSGD" "\$@"
		;;
	*) [ -n "\$LISTEN_FDS" ] || ! nft list table ip nsgd >/dev/null 2>&1 || : >"$T/orphan" ;;
	esac
	[ ! -e "\$at" ] || {
		cp "$TABLE" "$T/before"
		dd if="\$at" of="$TABLE" conv=notrunc status=none
		rm "\$at"
	}
	# the same addresses, and so the same sites, in each process
	exec setarch -R env FAULTS="$TABLE" LD_PRELOAD="$BUILD/tests/netns/faults.so" \\
		ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0:fast_unwind_on_malloc=0" "$NSGD" "\$@"
	END
chmod +x "$T/preloaded"
REAL=$NSGD
NSGD=$T/preloaded

fault_at_start() { # N
	TABLE=$T/at set_fault "$1"
}

fault_at_cleanup() { # N
	TABLE=$T/at-cleanup set_fault "$1"
}

places() { # where a fault happened in this phase
	[ "$SAMPLES" != sites ] || echo " at $(sort -u "$T/hit" | wc -l) of $(sort -u "$T/sites" | wc -l) places"
	rm "$T/hit"
}

# Numbers from 1 to N: all, the first of each site, or SAMPLES of them.
numbers() { # N
	local n=$1 step=1
	case $SAMPLES in
	sites)
		od -An -v -tu4 -w4 -j20 -N$((n * 4)) "$TABLE" >"$T/sites"
		awk -v first="${FIRST:-1}" -v last="${LAST:-$n}" '!seen[$1]++ && NR >= first && NR <= last { print NR }' "$T/sites"
		return
		;;
	all) ;;
	*) step=$(((n + SAMPLES - 1) / SAMPLES)) ;;
	esac
	seq "${FIRST:-1}" "$step" "${LAST:-$n}"
}

# inject N COMMAND...: the fault is injected once; a failure is of the fact.
inject() {
	local n=$1 status
	shift
	"$@" "$n"
	status=$?
	number 4 >>"$T/hit"
	[ $status != 0 ] || return 0
	{ set +x; } 2>/dev/null
	local what
	what=$(where)
	[ -z "${KEEP_GOING:-}" ] || {
		echo "# FAILED $* $n: $what: status $STATUS"
		tail -qn 5 "$T/nsgd.log" "$T/manager.log" "$T/reload.out" 2>/dev/null | sed 's/^/#   /'
		tail -n 30 "$T/xtrace" | sed 's/^/#   /'
		no_fault
		unmanaged
		nsgd_stop || nsgd_kill
		NSGD=$REAL begin
		nsgd_stop || nsgd_kill
		[ "$1" != reload_with ] || { conf subnet.watch=no log.decisions=none; begin; reload_to no; NOW=no FDS=$(fds); }
		set -x
		return 0
	}
	set -x
	: "fault $n: $what: status $STATUS"
	return 1
}

# ---- what must be true after it -----------------------------------------------------------------

# One denied datagram, one that the policy allows or not, one that is allowed, in this order through the queue.
decides() { # yes|no: the second
	local -
	set +x
	local before after dns
	before="$(count vnet denied) $(count vnet allowed)"
	dns=$(count inet dns)
	SPORT=$((SPORT + 1))
	for to in 10.0.2.4:161 203.0.113.10:53 10.1.0.4:9000; do
		in_ns app "$TRAFFIC" send -s 0.0.0.0:$SPORT udp $to | grep -q errors=0 || return 1
	done
	eventually 5 eval "[ \$(count vnet allowed) -gt ${before#* } ]" || return 1
	after="$(count vnet denied) $(($(count inet dns) - dns))"
	is "$after" "${before% *} $([ "$1" = yes ] && echo 1 || echo 0)"
}

ends_well() { # a status of nsgd's own, not a signal or a sanitizer's finding
	[ "$STATUS" -lt 80 ]
}

gone() {
	nothing_left && is "$(in_ns app cat /proc/net/netfilter/nfnetlink_queue)" ""
}

# ---- load ------------------------------------------------------------------------------------

explain() { # COMMAND...: about a packet whose decision depends on the first document that is read
	"$@" "$NSGCTL" -p "$T/policy" explain --protocol udp --src 10.0.1.4 --dst 203.0.113.10:53 -o json
}

# The same decision, or an error: the short form, too, has every fault in the first document.
t_load() {
	local n faults status want got injected=0
	local preload="env FAULTS=$TABLE LD_PRELOAD=$BUILD/tests/netns/faults.so
		ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0:verify_asan_link_order=0"
	set_fault 0
	# shellcheck disable=SC2086
	want=$(explain $preload 2>/dev/null)
	status=$?
	faults=$(number 1)
	matches <(echo "$want") DenyPublicDns && [ "$faults" -gt 1000 ] || return 1
	FAILURES=0
	{ set +x; } 2>/dev/null
	for n in $(case $SAMPLES in all | sites) numbers "$faults" ;; *) seq 1 200 ;; esac); do
		set_fault "$n"
		# shellcheck disable=SC2086
		got=$(explain $preload 2>/dev/null)
		STATUS=$?
		injected=$((injected + 1))
		[ $STATUS != $status ] || [ "$got" = "$want" ] || [ -z "$got" ] || break
		[ $STATUS -lt 64 ] || break
		[ "$got" = "$want" ] || FAILURES=$((FAILURES + 1))
		got=$want
	done
	set -x
	is "$got" "$want" && [ $STATUS -lt 64 ] || { : "fault $n: $(where): status $STATUS"; return 1; }
	echo "# load: $injected of $faults faults: $FAILURES loads failed, the others decide the same"
}

# ---- start -----------------------------------------------------------------------------------

begin() {
	NOTIFY_SOCKET='' spawn nsgd app "$NSGD" -c "$T/nsgd.conf"
	eventually 10 eval "matches '$T/nsgd.log' ': deciding, ' || ! alive nsgd"
}

start_with() { # N
	fault_at_start "$1"
	begin
	if alive nsgd; then
		decides no || return 1
		no_fault # it may not have come yet
		nsgd_stop && gone
	else
		ended nsgd 1
		FAILURES=$((FAILURES + 1))
		[ "$STATUS" != 0 ] && ends_well && [ -s "$T/nsgd.log" ] && gone
	fi
}

t_start() {
	local n faults injected=0
	FAILURES=0
	fault_at_start 0
	begin && decides no || return 1
	faults=$(number 1)
	nsgd_stop && gone && [ "$faults" -gt 1000 ] || return 1
	for n in $(numbers "$faults"); do
		inject "$n" start_with || return 1
		injected=$((injected + 1))
	done
	echo "# start: $injected of $faults faults$(places): $FAILURES starts failed and left nothing, the others did without"
}

# ---- reload ----------------------------------------------------------------------------------

fds() {
	find "/proc/${PIDS[nsgd]}/fd" -mindepth 1 | wc -l
}

# The policies that reloads alternate between.
policies() {
	cp -p "$T/policy/nsg-integration.json" "$T/no.json"
	cp -p "$T/no.json" "$T/yes.json"
	jq '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"' "$T/no.json" >"$T/yes.json"
}

other() {
	[ $NOW = yes ] && echo no || echo yes
}

reload_to() { # yes|no
	cp -p "$T/$1.json" "$T/new.json" && mv "$T/new.json" "$T/policy/nsg-integration.json"
	ctl reload >"$T/reload.out" 2>&1
}

reload_with() { # N
	set_fault "$1"
	reload_to "$(other)"
	STATUS=$?
	no_fault
	alive nsgd || return 1
	if [ $STATUS = 0 ]; then
		NOW=$(other)
	else
		FAILURES=$((FAILURES + 1))
		# with the answer lost, it may have been done
		[ $STATUS != 4 ] || reload_to "$NOW" || return 1
	fi
	# nsgd closes its end of a connection after nsgctl has
	decides $NOW && reload_to $NOW && decides $NOW && eventually 5 eval "[ \$(fds) = $FDS ]"
}

t_reload() {
	local n faults injected=0
	FAILURES=0
	conf subnet.watch=no log.decisions=none
	policies
	begin && reload_to yes && decides yes || return 1
	NOW=yes FDS=$(fds)
	set_fault 0
	reload_to no || return 1
	NOW=no
	faults=$(number 1)
	[ "$faults" -gt 100 ] || return 1
	for n in $(numbers "$faults"); do
		inject "$n" reload_with || return 1
		injected=$((injected + 1))
	done
	reload_to no
	conf subnet.watch=yes log.decisions=none
	echo "# reload: $injected of $faults faults$(places): $FAILURES reloads failed, the policy in force went on deciding"
	nsgd_stop && gone
}

# ---- takeover --------------------------------------------------------------------------------

tell() {
	alive manager && send manager "$*"
}

managed() {
	rm -rf "$T/unit" "$T/manager.in"
	mkdir "$T/unit"
	mkfifo "$T/manager.in"
	spawn manager app "$MANAGER" "$T/unit" "$NSGD" -c "$T/nsgd.conf"
	eventually 20 matches "$T/manager.log" '^(idle 1|dead)' && matches "$T/manager.log" '^idle 1'
}

unmanaged() {
	[ -n "${PIDS[manager]:-}" ] || return 0
	matches "$T/manager.log" '^dead' || { tell stop && eventually 20 matches "$T/manager.log" '^dead'; }
	tell quit
	ended manager 10
}

anew() { # how often the next process started anew, since it could not continue
	grep -c 'nsgd starts anew' "$T/manager.log"
}

# Denied datagrams are sent all the while: none passes when the next process takes over.
takeover_with() { # N
	local life denied anew
	[ -n "${PIDS[manager]:-}" ] || managed || return 1
	life=$(sed -n 's/^idle //p' "$T/manager.log" | tail -n 1)
	denied=$(count vnet denied) anew=$(anew)
	fault_at_start "$1"
	tell kill
	eventually 20 matches "$T/manager.log" "^(idle $((life + 1))\$|dead)" || return 1
	no_fault
	if matches "$T/manager.log" '^dead'; then
		FAILURES=$((FAILURES + 1))
		matches "$T/manager.log" '^dead exit-code' && gone && tell quit && ended manager 10
	else
		[ "$(anew)" = "$anew" ] || ANEW=$((ANEW + 1))
		decides no && is "$(count vnet denied)" "$denied"
	fi
}

t_takeover() {
	local n faults injected=0
	FAILURES=0 ANEW=0
	managed || return 1
	spawn_ready bad app "$TRAFFIC" pump 200 10.0.1.4 10.0.2.4:161
	fault_at_start 0
	tell kill
	eventually 20 matches "$T/manager.log" '^idle 2$' || return 1
	faults=$(number 1)
	[ "$faults" -gt 1000 ] || return 1
	for n in $(numbers "$faults"); do
		inject "$n" takeover_with || return 1
		injected=$((injected + 1))
	done
	stop bad
	echo "# takeover: $injected of $faults faults$(places): $FAILURES failed and left nothing, $ANEW started anew, the others took over"
	unmanaged && gone
}

# ---- restart, and the --cleanup after a crash ---------------------------------------------------

# next_with N SET-FAULT COMMAND: the command of the manager ends the process; the fault is in what it then does, or in what
# is run after it, not in the next process.
next_with() {
	local life denied
	[ -n "${PIDS[manager]:-}" ] || managed || return 1
	life=$(sed -n 's/^idle //p' "$T/manager.log" | tail -n 1)
	denied=$(count vnet denied)
	rm -f "$T/orphan"
	fault_at_start 0
	"$2" "$1"
	tell "$3"
	eventually 20 matches "$T/manager.log" "^(idle $((life + 1))\$|dead)" || return 1
	matches "$T/manager.log" "^idle $((life + 1))\$" && [ ! -e "$T/orphan" ] && decides no || return 1
	is "$(count vnet denied)" "$denied"
}

restart_with() { # N: it asks again, and the next process takes over
	next_with "$1" set_fault restart
}

crash_with() { # N
	next_with "$1" fault_at_cleanup kill
}

t_next() { # NAME WITH
	local n faults injected=0
	managed || return 1
	spawn_ready bad app "$TRAFFIC" pump 200 10.0.1.4 10.0.2.4:161
	"$2" 0 || return 1
	faults=$(TABLE=$T/before number 1)
	[ "$faults" -gt 100 ] || return 1
	for n in $(TABLE=$T/before numbers "$faults"); do
		inject "$n" "$2" || return 1
		injected=$((injected + 1))
	done
	stop bad
	echo "# $1: $injected of $faults faults$(places): the next process took over"
	unmanaged && gone
}

t_restart() { t_next restart restart_with; }
t_crash() { t_next crash crash_with; }

# ---- stop and --cleanup ------------------------------------------------------------------------

stop_with() { # N
	set_fault 0
	begin
	set_fault "$1"
	kill -TERM "${PIDS[nsgd]}" && ended nsgd 20 || return 1
	no_fault
	if [ "$STATUS" != 0 ]; then
		FAILURES=$((FAILURES + 1))
		ends_well && in_ns app "$REAL" -c "$T/nsgd.conf" --cleanup
	fi && gone
}

cleanup_with() { # N
	set_fault 0
	begin
	nsgd_kill
	fault_at_cleanup "$1"
	in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup >>"$T/nsgd.log" 2>&1
	STATUS=$?
	no_fault
	if [ "$STATUS" != 0 ]; then
		FAILURES=$((FAILURES + 1))
		ends_well && in_ns app "$REAL" -c "$T/nsgd.conf" --cleanup
	fi && gone
}

t_end() { # NAME WITH TEXT: what those did that failed
	local n faults injected=0
	FAILURES=0
	"$2" 0 || return 1
	faults=$(number 1)
	[ "$faults" -gt 100 ] || return 1
	for n in $(numbers "$faults"); do
		inject "$n" "$2" || return 1
		injected=$((injected + 1))
	done
	echo "# $1: $injected of $faults faults$(places): $FAILURES $3, the others left nothing"
}

t_stop() { t_end stop stop_with "stops asked for --cleanup"; }
t_cleanup() { t_end cleanup cleanup_with "failed and were repeated"; }

[ $# != 0 ] || set -- load start reload takeover restart crash stop cleanup
declare -A PHASES=([crash]="the --cleanup after a crash" [cleanup]="--cleanup")
for phase; do
	fact "a fault in ${PHASES[$phase]:-a $phase}" "t_$phase"
done
lab_done
