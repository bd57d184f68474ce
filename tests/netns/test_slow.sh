#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What another program removes is repaired while something else is slow. The facts are about order, since times
# depend on the machine; those of the repairs are printed, as the kernel's notifications have them.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make || exit 1
policy_copy
route_all on
conf subnet.watch=no

our_rules() {
	in_ns app ip rule show | sed -n 's/^\(2[1-9][0-9]*\):.*/\1/p'
}

# repaired WHAT [COMMAND...]: our ip rules, removed by another program one by one, are there again: eight times, and
# then as long as COMMAND succeeds. At most eight in a second, since nsgd pauses between repairs that are reverted more
# often.
repaired() {
	local -
	set +x
	local what=$1 i want rules first
	shift
	want=$(our_rules)
	mapfile -t rules <<<"$want"
	first=$(wc -l <"$T/monitor.log")
	for ((i = 0; i < 8 || ($# > 0 && i < 100); i++)); do
		[ $# = 0 ] || "$@" || break
		in_ns app ip rule del pref "${rules[i % ${#rules[@]}]}" || return 1
		eventually 10 eval '[ "$(our_rules)" = "$want" ]' || return 1
		sleep 0.1
	done
	eventually 5 repair_times "$what" "$i" "$first"
}

repair_times() { # WHAT N AFTER-LINE
	local ms
	mapfile -t ms < <(sed "1,$3d" "$T/monitor.log" | tr -d '[]' | awk '
		{ split($1, at, /[T:]/); now = (at[2] * 60 + at[3]) * 60 + at[4] }
		$2 == "Deleted" { gone[$3] = now; next }
		$2 in gone { printf "%.1f\n", (now - gone[$2]) * 1000; delete gone[$2] }' | sort -n)
	[ ${#ms[@]} -ge "$2" ] && echo "# $1: ${#ms[@]} repairs, median ${ms[${#ms[@]} / 2]} ms, longest ${ms[-1]} ms"
}

t_start() {
	spawn monitor app stdbuf -oL ip -ts monitor rule
	nsgd_start && eventually 5 [ -s "$T/monitor.log" ] && [ -n "$(our_rules)" ] && repaired "nothing else to do"
}

# service_tags MEGABYTES: a document of that size.
service_tags() {
	awk -v most=$(($1 * 1000000)) 'BEGIN {
		printf "{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":["
		for (tag = 0; bytes < most; tag++) {
			printf "%s{\"name\":\"T%d\",\"id\":\"T%d\",\"properties\":{\"changeNumber\":1,\"region\":\"\"," \
				"\"platform\":\"Azure\",\"systemService\":\"\",\"addressPrefixes\":[", tag ? "," : "", tag, tag
			for (i = 0; i < 4000; i++) {
				p = sprintf("%s\"%d.%d.%d.0/24\"", i ? "," : "", 20 + i % 60, int(i / 60), tag % 256)
				printf "%s", p
				bytes += length(p)
			}
			printf "]}}"
		}
		printf "]}\n"
	}' >"$T/policy/ServiceTags_Public.json"
	chmod 600 "$T/policy/ServiceTags_Public.json"
}

is_loading() {
	ctl status -o json 2>/dev/null | jq -e .reloads.running >/dev/null
}

t_load() {
	MB_AT_START=$(resident_mb)
	service_tags 60
	spawn reload app "$NSGCTL" reload
	eventually 5 is_loading || return 1
	# these two share the next one
	spawn second app "$NSGCTL" reload
	spawn third app "$NSGCTL" reload
	repaired "a document of 60 MB is loaded twice" is_loading || return 1
	ended reload 60 && is "$STATUS" 0 && ended second 60 && is "$STATUS" 0 && ended third 60 && is "$STATUS" 0 &&
		is "$(ctl status -o json | jq -c '[.reloads.running, .reloads.done]')" '[false,2]'
}

resident_mb() {
	sed -n 's/^VmRSS:\s*\([0-9]*\)[0-9]\{3\} kB/\1/p' "/proc/${PIDS[nsgd]}/status"
}

t_memory() { # without the document, what it took is given back
	local loaded
	loaded=$(resident_mb)
	rm "$T/policy/ServiceTags_Public.json"
	reload || return 1
	# sanitizers keep what is freed
	case ${BUILD##*/} in asan | tsan) return 0 ;; esac
	eventually 5 eval '[ "$(resident_mb)" -le $((MB_AT_START + 8)) ]' || return 1
	echo "# resident: $MB_AT_START MB after the start, $loaded MB with a document of 60 MB, $(resident_mb) MB without it"
}

t_stop_while_loading() {
	service_tags 60
	spawn reload app "$NSGCTL" reload
	eventually 5 is_loading && nsgd_stop && nothing_left || return 1
	rm "$T/policy/ServiceTags_Public.json"
	ended reload 5 && is "$STATUS" 4
}

# Through a script that connects its standard error to something else.
start_logging_to() { # COMMAND...
	printf '#!/bin/sh\n%s\nexec "%s" "$@"\n' "$1" "$NSGD" >"$T/logging"
	chmod +x "$T/logging"
	NSGD=$T/logging nsgd_start
}

# A rule set with 800 errors, a line of the log each: two reloads of it fill a pipe, six the queue.
many_errors() {
	jq '.securityRules = [range(800) | {name: "r\(.)", access: "Allow", direction: "Outbound", protocol: "*",
		priority: 1, sourceAddressPrefix: "*", destinationAddressPrefix: "*", sourcePortRange: "*",
		destinationPortRange: "*"}]' "$T/policy/nsg-integration.json" >"$T/policy/.new"
	cp "$T/policy/nsg-integration.json" "$T/good.json"
	mv "$T/policy/.new" "$T/policy/nsg-integration.json"
}

# The reader of the log is stopped: eight reloads fail in time, nothing waits, and what was lost is counted.
t_reader() { # WHAT
	local i written lost
	many_errors
	kill -STOP "${PIDS[reader]}"
	for ((i = 0; i < 8; i++)); do
		ctl reload >"$T/reload.out" 2>&1
		[ $? = 3 ] || return 1
	done
	mv "$T/good.json" "$T/policy/nsg-integration.json"
	repaired "$1" && reload || return 1
	kill -CONT "${PIDS[reader]}"
	eventually 5 grep -aq 'log messages were lost' "$T/reader.log" || return 1
	reload && eventually 5 grep -aq 'policy .* loaded' "$T/reader.log" || return 1
	# 800 errors and the failure each time, and some more
	lost=$(sed -n 's/.*[^0-9]\([0-9]*\) log messages were lost.*/\1/p' "$T/reader.log" | head -n 1)
	written=$(grep -ac 'nsg-integration.json:\|reload failed' "$T/reader.log")
	echo "# $1: of 6408 messages $written were written, $lost were lost"
	[ "$lost" -ge 500 ] && [ $((written + lost)) -ge 6408 ] && [ $((written + lost)) -le 6460 ] && nsgd_stop && stop reader
}

t_pipe() {
	mkfifo "$T/log.pipe"
	spawn reader app cat "$T/log.pipe"
	start_logging_to "exec 2>'$T/log.pipe'" && t_reader "the reader of standard error is stopped"
}

t_journal() {
	mkdir -p /run/systemd/journal
	spawn reader app socat -u -b 262144 UNIX-RECV:/run/systemd/journal/socket -
	eventually 5 test -S /run/systemd/journal/socket || return 1
	start_logging_to "exec 2>'$T/not-the-journal'
		export JOURNAL_STREAM=\$(stat -L -c %d:%i /dev/stderr)" && t_reader "the journal is stopped"
}

# A worker that does not run acknowledges nothing: only the reload waits, for five seconds.
t_worker() {
	local tid
	nsgd_start || return 1
	tid=$(grep -lx nsgd-q0 /proc/"${PIDS[nsgd]}"/task/*/comm | sed 's#.*/task/\([0-9]*\)/comm#\1#')
	spawn freeze app "$TRAFFIC" freeze "$tid"
	eventually 5 eval "matches '$T/freeze.log' '^ready' || ! alive freeze"
	alive freeze || { skip "a thread cannot be stopped here"; return; }
	spawn reload app "$NSGCTL" reload
	eventually 5 is_loading && repaired "a worker is stuck" is_loading || return 1
	ended reload 10 && is "$STATUS" 1 && matches "$T/reload.log" 'a worker did not acknowledge the new policy' || return 1
	stop freeze
	reload && is "$(ctl status -o json | jq -c '[.reloads.running, .reloads.done, .reloads.failed]')" '[false,1,1]' &&
		nsgd_stop
}

waits_for_disk() { # THREAD
	local comm
	comm=$(grep -lx "$1" /proc/"${PIDS[nsgd]}"/task/*/comm) && matches "${comm%comm}stat" '\) D '
}

# A file system whose server never answers.
t_disk() { # CONF
	local CONF=$1
	mkdir "$T/disk"
	cp -r "$T/policy" "$T/disk/policy"
	conf "subnet.policy=$T/disk/policy" "metrics.textfile=$T/disk/nsgd.prom"
	nsgd_start || return 1
	spawn disk app sh -c 'exec 8<>/dev/fuse
		mount -i -t fuse -o fd=8,rootmode=40000,user_id=0,group_id=0 stuck "$0" && echo ready && exec sleep 1000' "$T/disk"
	eventually 5 eval "matches '$T/disk.log' '^ready' || ! alive disk"
	alive disk || { skip "no FUSE"; return; }
	spawn reload app "$NSGCTL" reload
	eventually 5 waits_for_disk nsgd-load && eventually 10 waits_for_disk nsgd-metrics || return 1
	repaired "a disk does not answer" && is_loading && ctl status >/dev/null && nsgd_stop && nothing_left || return 1
	stop disk
	umount "$T/disk" && rm -r "$T/disk"
}

# Clients that ask without a pause for what takes longest, one that asks and does not read, one with half a request.
t_clients() {
	local i request flow='{"protocol":"TCP","src":"10.0.1.4","srcPort":1,"dst":"8.8.8.8","dstPort":53}'
	conf subnet.watch=no
	nsgd_start || return 1
	request="{\"version\":1,\"verb\":\"explain\",\"args\":{\"flows\":[$flow$(printf ",$flow%.0s" {2..1024})]}}"
	for ((i = 0; i < 4; i++)); do
		spawn "ask$i" app sh -c 'yes "$0" | socat - UNIX-CONNECT:/run/nsgd/nsgd.sock | wc -c' "$request"
	done
	spawn unread app sh -c 'yes "$0" | socat -u - UNIX-CONNECT:/run/nsgd/nsgd.sock' "$request"
	spawn half app sh -c '{ printf %s "$0"; sleep 60; } | socat -u - UNIX-CONNECT:/run/nsgd/nsgd.sock' '{"version":1,'
	connected 6 && repaired "clients ask without a pause" || return 1
	for ((i = 0; i < 4; i++)); do
		alive "ask$i" || return 1
	done
	nsgd_stop
}

fact "nsgd starts" t_start
fact "repairs come first while a document of 60 MB is loaded" t_load
fact "the memory of a load is given back" t_memory
fact "a stop does not wait for a load" t_stop_while_loading
fact "repairs and reloads go on while the reader of standard error is stopped; lost messages are counted" t_pipe
fact "and while the journal is stopped" t_journal
fact "only the reload waits while a worker is stuck" t_worker
fact "nothing but the reload waits for a disk that does not answer" t_disk "$T/nsgd.conf"
fact "nor when nsgd.conf is on it" t_disk "$T/disk/nsgd.conf"
fact "repairs come first while clients ask without a pause" t_clients
lab_done
