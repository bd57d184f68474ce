#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tsan: yes
# What nsgd tells: records, captures, counters, status, journal.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf offload.established=no subnet.watch=no "metrics.textfile=$T/nsgd.prom"

t_start() {
	nsgd_start && nsgd_trace
}

t_keys() { # the contract's keys in the contract's order
	probe tcp 10.0.2.4:22
	silent || return 1
	is "$(traced 'keys_unsorted | join(" ")')" \
		"packet time length direction protocol src srcPort dst dstPort gate nsg route verdict reason hostSrc mark enforced interface uid cgroup socket command"
}

t_egress() {
	is "$(traced .direction)" egress && is "$(traced .enforced)" true && is "$(traced .src)" 10.0.1.4
}

t_established() { # later packets of an accepted flow
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" yes || return 1
	eventually 2 eval "jq -e 'select(.srcPort == $SPORT and .reason == \"established\")' '$T/trace.log' >/dev/null"
}

t_filter() {
	spawn filtered app "$NSGCTL" trace -o jsonl --filter dst=10.0.2.4
	eventually 5 eval 'probe tcp 10.0.2.4:22; [ -s "$T/filtered.log" ]' || return 1
	probe tcp 203.0.113.10:443
	probe tcp 10.0.2.4:22
	eventually 2 eval "grep -q '\"srcPort\":$SPORT' '$T/filtered.log'" && ! grep -q 203.0.113.10 "$T/filtered.log"
	local status=$?
	stop filtered
	return $status
}

traces() { # ARGUMENT...: with output to $T/traced.log; probes until it shows one
	spawn traced app "$NSGCTL" trace -o jsonl "$@"
	eventually 5 eval 'probe tcp 10.0.2.4:22; [ -s "$T/traced.log" ] || ! alive traced' && alive traced
}

t_uid() { # of the socket that sent it
	setpriv --reuid 12345 --clear-groups true 2>/dev/null || skip "no other user here" || return
	spawn traced app "$NSGCTL" trace -o jsonl --filter uid=12345
	eventually 5 eval 'in_ns app setpriv --reuid 12345 --clear-groups "$TRAFFIC" send udp 10.0.2.4:161 >/dev/null; [ -s "$T/traced.log" ]' &&
		is "$(jq -r .uid "$T/traced.log" | sort -u)" 12345
	local status=$?
	stop traced
	[ $status = 0 ] && gives 2 trace --filter uid=root && COLUMNS=200 gives 0 trace --last 1 -o table && matches "$T/out" ' 12345 '
}

t_expression() { # of the packet: here its real source, and flags
	traces 'tcp[tcpflags] & tcp-syn != 0' and src host 10.0.1.4 and dst net 10.0.2.0/24 || return 1
	probe udp 10.0.2.4:161
	probe tcp 203.0.113.10:443
	probe tcp 10.0.2.4:22
	eventually 2 eval "grep -q '\"srcPort\":$SPORT' '$T/traced.log'" &&
		is "$(jq -r '[.protocol, .dst, has("payload")] | @csv' "$T/traced.log" | sort -u)" '"TCP","10.0.2.4",false'
	local status=$?
	stop traced INT
	[ $status = 0 ] && is "$STATUS" 0 && gives 2 trace tcp and && matches "$T/err" 'nsgctl: "tcp and": '
}

t_dropped_only() {
	traces --dropped-only || return 1
	probe tcp 203.0.113.10:443
	probe udp 10.0.2.4:161
	eventually 2 eval "grep -q '\"dstPort\":161' '$T/traced.log'" && is "$(jq -r .verdict "$T/traced.log" | sort -u)" drop
	local status=$?
	stop traced
	return $status
}

t_count() { # and the time: both end with status 0
	spawn counted app "$NSGCTL" trace -o table --count 2
	eventually 5 eval 'probe udp 10.0.2.4:161; ! alive counted' && ended counted 1 && is "$STATUS" 0 &&
		is "$(grep -c ' drop ' "$T/counted.log")" 2 || return 1
	gives 0 trace --for 1s && gives 2 trace --for 1w && gives 2 trace --count none
}

t_last() { # what was decided before anybody traced, over a reload
	probe udp 10.0.2.4:161
	local port=$SPORT
	gives 0 reload && settle
	eventually 2 eval 'ctl trace --last 5 -o jsonl --dropped-only >"$T/out"; grep -q "\"srcPort\":$port," "$T/out"' &&
		is "$(wc -l <"$T/out")" 5 && is "$(jq -r .verdict "$T/out" | sort -u)" drop || return 1
	gives 0 trace --last 1 -o jsonl "udp and src port $port" && is "$(jq .srcPort "$T/out")" "$port" &&
		gives 0 trace --last 3 -o table && is "$(grep -c ' drop \| accept ' "$T/out")" 3 || return 1
	gives 2 trace --last 1 --count 1
}

t_pcapng() { # written live; replay over the same policy decides every packet the same
	spawn writer app "$NSGCTL" trace -w "$T/live.pcapng"
	eventually 5 eval 'in_ns app "$TRAFFIC" send udp 203.0.113.99:9 >/dev/null; [ "$(stat -c %s "$T/live.pcapng" 2>/dev/null || echo 0)" -gt 300 ]' || return 1
	local to
	for to in tcp:10.0.2.4:22 udp:10.0.2.4:161 udp:192.168.7.7:514 udp:203.0.113.10:443 udp:203.0.113.10:53 udp:10.1.0.4:7; do
		probe "${to%%:*}" "${to#*:}"
	done
	settle
	stop writer INT
	tcpdump -nr "$T/live.pcapng" 2>/dev/null | grep -q 192.168.7.7 || return 1
	"$NSGCTL" -p "$T/policy" replay "$T/live.pcapng" -o jsonl >"$T/replayed" || return 1
	local key want got
	for key in '10.0.2.4 161' '192.168.7.7 514' '203.0.113.10 443' '203.0.113.10 53' '10.1.0.4 7'; do
		want=$(jq -r "select(.dst == \"${key% *}\" and .dstPort == ${key#* } and .direction == \"egress\") | .verdict" "$T/trace.log" | tail -n1)
		got=$(jq -r "select(.dst == \"${key% *}\" and .dstPort == ${key#* } and .direction == \"egress\") | .verdict" "$T/replayed" | tail -n1)
		[ -n "$want" ] && is "$got" "$want" || return 1
	done
}

t_stats() { # counters of a rule and of a route move by what was sent
	local before after
	before=$(rule_count DenyPublicDns)
	in_ns app "$TRAFFIC" send -f 25 udp 203.0.113.10:53 >/dev/null
	settle
	after=$(rule_count DenyPublicDns)
	is $((after - before)) 25
}

rule_count() {
	ctl stats -o json | jq "[.. | objects | select((.rule? // .name? // \"\") | tostring | endswith(\"$1\")) | (.packets? // .decisions? // .flows?)] | add // 0"
}

t_status() {
	ctl status -o json >"$T/status" && jq -e . "$T/status" >/dev/null && grep -q vnet-shop "$T/status"
}

t_status_warns_ipv6() {
	ctl status 2>&1 | grep -qi ipv6
}

t_journal() {
	probe udp 10.0.2.4:161
	eventually 2 eval "grep -q '10.0.2.4' '$T/nsgd.log'"
}

gives() { # STATUS ARGUMENT...: the exit status of a live verb; its outputs in $T/out and $T/err
	local want=$1
	shift
	ctl "$@" >"$T/out" 2>"$T/err"
	is $? "$want"
}

t_exit_codes() {
	gives 0 status && gives 0 stats && gives 0 reload &&
		gives 1 explain --protocol tcp --src 10.0.1.4 --dst 10.0.2.4:22 --expect accept &&
		gives 2 status extra && gives 2 trace --filter foo=1 && gives 2 --profile current status &&
		gives 4 -i nobody status && [ ! -s "$T/out" ] || return 1
	echo '{' >"$T/policy/bad.json"
	gives 3 reload
	local status=$?
	rm "$T/policy/bad.json"
	[ $status = 0 ] && [ ! -s "$T/out" ] && matches "$T/err" 'bad.json:[0-9]+:[0-9]+: error: ' || return 1
	gives 0 status && matches "$T/err" 'warning: the last reload failed' && gives 0 reload && gives 0 status &&
		! grep -q 'reload failed' "$T/err"
}

t_forms() { # table, json, jsonl: what each of them is
	local verb
	for verb in status stats; do
		# -v: a table has everything
		gives 0 $verb -o json && jq -e 'type == "object"' "$T/out" >/dev/null && [ "$(wc -l <"$T/out")" -gt 10 ] &&
			[ ! -s "$T/err" ] && jq -S . "$T/out" | jq -r 'keys | join(" ")' >"$T/keys" || return 1
		gives 0 $verb -o jsonl && is "$(wc -l <"$T/out")" 1 &&
			is "$(jq -S . "$T/out" | jq -r 'keys | join(" ")')" "$(cat "$T/keys")" || return 1
		gives 0 $verb && jq -e . "$T/out" >/dev/null || return 1 # no terminal: JSON
		gives 0 $verb -v -o table && ! jq -e . "$T/out" >/dev/null 2>&1 && ! grep -q $'\033' "$T/out" || return 1
	done
	matches "$T/out" '^ +DenyRestOfData +200 +Deny +[0-9]+$' && matches "$T/out" '^ +nsg-deny +[0-9]+$' &&
		matches "$T/out" '^ +198.51.100.0/24 +User +partner-through-firewall +VirtualAppliance +[1-9]'
}

t_sentence() {
	gives 0 status -o table && is "$(wc -l <"$T/out")" 1 &&
		matches "$T/out" '^enforcing for [0-9]+ s: policy of [0-9]+:[0-9]+ \([0-9]+ rules, [0-9]+ routes\), route-all on; [0-9]+ flows decided, [0-9]+ dropped, the last [0-9]+ s ago$' ||
		return 1
	local before after
	before=$(ctl status -o json | jq .flows.dropped)
	in_ns app "$TRAFFIC" send -f 3 udp 203.0.113.10:53 >/dev/null
	settle
	after=$(ctl status -o json | jq .flows.dropped)
	is $((after - before)) 3 && COLUMNS=60 gives 0 status -v -o table && matches "$T/out" '^policyDirectory' &&
		! grep -q ' $' "$T/out" && is "$(awk 'length > 60' "$T/out")" ''
}

t_digest() {
	gives 0 stats -o table && matches "$T/out" '^flows +[0-9]+ decided, [0-9]+ dropped, with [0-9]+ packets$' &&
		matches "$T/out" '^latency +p50 below [0-9]+ (us|ms), p99 below [0-9]+ (us|ms)$' &&
		! grep -Eq '(^| )0$' "$T/out" || return 1
	gives 0 stats --top 1 -o table && is "$(grep -c ' Deny \| Allow ' "$T/out")" 1 && gives 2 stats --top 0 || return 1
	spawn watch app "$NSGCTL" stats --watch -o jsonl
	eventually 5 eval '[ "$(wc -l <"$T/watch.log")" -ge 2 ]' && kill -INT "${PIDS[watch]}" && ended watch 5 && is $STATUS 0
}

t_reload() {
	policy_edit nsg-integration.json '.securityRules[0].priority += 1'
	gives 0 reload -o table && matches "$T/out" '^policy .* loaded in [0-9.]+ ms: [0-9]+ rules, [0-9]+ routes, route-all on; decisions unchanged$' || return 1
	policy_edit nsg-integration.json '.securityRules[0].priority -= 1'
	route_all off
	gives 0 reload -o table && matches "$T/out" ', route-all off \(before: on\); changed: gate$' || return 1
	route_all on
	gives 0 reload -o json && jq -e '.gate.routeAll and .gate.changed and (.routes.changed | not)' "$T/out" >/dev/null
}

flow_of() { # JQ-FILTER: of the flow of the last probe
	ctl flows -o jsonl | jq -c "select(.srcPort == $SPORT) | $1"
}

t_flows() { # counters, whether an answer came, the rule; nothing of what is denied
	probe udp 10.1.0.4:7
	is "$(flow_of '[.answered, .packetsOut, .packetsIn, .nsg.rule, .verdict, .ageSeconds < 9]')" \
		'[true,1,1,"defaultSecurityRules/AllowVnetOutBound","accept",true]' || return 1
	probe tcp 10.0.2.4:5432
	is "$(flow_of '[.answered, .packetsOut > 2, .bytesIn > 100, .nsg.rule]')" '[true,true,true,"securityRules/AllowDatabase"]' || return 1
	probe udp 10.0.2.4:161
	is "$(flow_of .answered)" '' || return 1
	probe udp 10.1.0.4:4321 # nobody serves it
	is "$(flow_of '[.answered, .packetsIn]')" '[false,0]' || return 1
	gives 0 flows --no-answer "udp and src port $SPORT" -o jsonl && is "$(jq .dstPort "$T/out")" 4321 &&
		gives 0 flows --no-answer --filter dstPort=5432 -o jsonl && is "$(wc -l <"$T/out")" 0 || return 1
	COLUMNS=80 gives 0 flows -o table && is "$(awk 'length > 80' "$T/out")" '' && matches "$T/out" ' no answer yet( |$)' &&
		gives 2 flows --filter foo=1
}

t_many_flows() { # more than the socket takes at once; a reader that stops in the middle
	in_ns app "$TRAFFIC" send -f 3000 udp 10.1.0.4:9000 >/dev/null
	settle
	gives 0 flows -o jsonl && [ "$(wc -l <"$T/out")" -ge 3000 ] || return 1
	in_ns app "$NSGCTL" flows -o jsonl | head -n 1 >/dev/null
	gives 0 status
}

t_stats_route() { # counters of a route
	probe udp 198.51.100.10:443
	gives 0 stats -o json &&
		jq -e '.routes[] | select(.name == "partner-through-firewall") | .packets >= 1' "$T/out" >/dev/null
}

t_versions() { # a request of another version, in two pieces, and one that never ends
	printf '{"version":2,"verb":"status"}\n' | in_ns app socat -t20 - UNIX-CONNECT:/run/nsgd/nsgd.sock >"$T/out"
	jq -e '.exit == 2 and (.diagnostics[0].text | test("unsupported version.*has 1"))' "$T/out" || return 1
	{
		printf '{"version":1,'
		eventually 5 eval 'gives 0 status' # somebody else is answered meanwhile
		printf '"verb":"status"}\n{"version":1,"verb":"stats"'
	} | in_ns app socat -t20 - UNIX-CONNECT:/run/nsgd/nsgd.sock >"$T/out2"
	is "$(jq -s 'length' "$T/out2")" 2 && is "$(jq -s '.[1].exit' "$T/out2")" 0 || return 1
	# four million bytes that are no line yet: refused at the cap, not gathered
	head -c 4194400 /dev/zero | tr '\0' x | in_ns app socat -t20 - UNIX-CONNECT:/run/nsgd/nsgd.sock >"$T/out"
	jq -e '.exit == 2 and (.diagnostics[0].text | test("too large"))' "$T/out"
}

t_clients() { # sixty-four at once, the next is told so; when they leave all is well
	local i status=0
	for ((i = 0; i < 64; i++)); do
		spawn client$i app socat -u UNIX-CONNECT:/run/nsgd/nsgd.sock STDOUT
	done
	connected 64 && gives 1 status && matches "$T/err" 'too many clients' || status=1
	for ((i = 0; i < 64; i++)); do
		stop client$i
	done
	eventually 5 gives 0 status && return $status
}

t_socket() { # mode, and that nobody else may ask
	is "$(stat -c %a /run/nsgd/nsgd.sock)" 660 || return 1
	setpriv --reuid 65534 --clear-groups true 2>/dev/null || return 0
	in_ns app setpriv --reuid 65534 --regid 65534 --clear-groups "$NSGCTL" status >"$T/out" 2>&1
	is $? 5
}

t_garbage() { # a peer that speaks no JSON, one that never ends its line, one that leaves at once
	echo garbage | in_ns app socat -t20 - UNIX-CONNECT:/run/nsgd/nsgd.sock >"$T/out" 2>&1
	head -c 20000000 /dev/zero | tr '\0' x | in_ns app socat -t20 - UNIX-CONNECT:/run/nsgd/nsgd.sock >"$T/out" 2>&1
	local i
	for ((i = 0; i < 50; i++)); do
		in_ns app socat -u /dev/null UNIX-CONNECT:/run/nsgd/nsgd.sock
	done
	alive nsgd && ctl status >/dev/null
}

t_many_traces() { # readers that stop reading; one that goes on is told what it missed
	local i status=0
	for ((i = 0; i < 8; i++)); do
		spawn reader$i app "$NSGCTL" trace -o jsonl
	done
	eventually 5 eval 'probe udp 10.0.2.4:161; [ -s "$T/reader7.log" ]' || return 1
	for ((i = 0; i < 8; i++)); do
		kill -STOP "${PIDS[reader$i]}"
	done
	in_ns app "$TRAFFIC" send -f 500 -n 40 udp 10.1.0.4:9000 | grep -q 'sent=20000 errors=0' || return 1
	kill -CONT "${PIDS[reader7]}"
	eventually 30 eval 'probe udp 10.0.2.4:161; grep -Eq "nsgctl: [0-9]+ decisions? w(as|ere) missed" "$T/reader7.log"' || status=1
	for ((i = 0; i < 8; i++)); do
		stop reader$i KILL
	done
	ctl status >/dev/null && settle && return $status
}

# parsed FORM FILE: what a parser that is not ours reads, a line a sample: NAME{LABEL=VALUE,...} VALUE. A family
# without a sample, and a sample that occurs twice, are errors.
parsed() {
	/usr/bin/python3 - "$1" "$2" <<-'END'
		import importlib, sys
		form, file = sys.argv[1:]
		package = 'prometheus_client.openmetrics.parser' if form == 'openmetrics' else 'prometheus_client.parser'
		text = open(file).read()
		seen = set()
		for family in importlib.import_module(package).text_string_to_metric_families(text):
		    # the policy has no security admin rules, and no cgroups are captured
		    if not family.samples and family.name not in ('nsgd_admin_rule_packets', 'nsgd_cgroup_packets'):
		        sys.exit(f'{family.name} has no sample')
		    if family.type == 'unknown' or not family.documentation:
		        sys.exit(f'{family.name} has no type or no help')
		    for s in family.samples:
		        line = s.name + '{' + ','.join(f'{k}={v}' for k, v in sorted(s.labels.items())) + '}'
		        if line in seen:
		            sys.exit(f'{line} occurs twice')
		        seen.add(line)
		        print(line, float(s.value))
	END
}

has_parser() {
	/usr/bin/python3 -c 'import prometheus_client' || skip "without python3-prometheus-client"
}

t_metrics() { # both forms have the same samples, and those of stats
	local form count
	has_parser || return
	probe udp 203.0.113.10:53
	settle
	count=$(rule_count DenyPublicDns)
	for form in openmetrics prometheus; do
		ctl metrics -o $form >"$T/$form" && parsed $form "$T/$form" >"$T/$form.read" || return 1
		matches "$T/$form.read" "^nsgd_rule_packets_total\\{access=Deny,priority=[0-9]+,rule=[^}]*DenyPublicDns\\} $count.0$" &&
			matches "$T/$form.read" '^nsgd_info\{instance=nsgd,mode=enforce,version=' &&
			matches "$T/$form.read" '^nsgd_alarm\{code=Strayed\} 0.0$' || return 1
	done
	is "$(tail -n1 "$T/openmetrics")" '# EOF' && is "$(sed 's/[{ ].*//' "$T/openmetrics.read")" "$(sed 's/[{ ].*//' "$T/prometheus.read")" &&
		ctl metrics | cmp -s -n 12 - "$T/openmetrics"
}

t_metrics_alarms() { # every alarm that status can report is a sample
	local code codes
	has_parser || return
	codes=$(grep -oh '"[A-Z][A-Za-z0-9]*"' "$LAB_TOP/src/nsgd/alarms.c" "$LAB_TOP/src/nsgd/alarms.h" | tr -d '"')
	[ -n "$codes" ] || return 1
	for code in $codes; do
		matches "$T/openmetrics.read" "^nsgd_alarm\\{code=$code\\} " || return 1
	done
}

t_metrics_file() { # what a scrape of the file reads is whole and present
	has_parser || return
	eventually 7 eval "[ -n \"\$(find '$T/nsgd.prom' -newer '$T/prometheus')\" ]" || return 1
	is "$(stat -c %a "$T/nsgd.prom")" 644 && parsed prometheus "$T/nsgd.prom" >"$T/file.read" &&
		is "$(sed 's/ .*//' "$T/file.read" | grep -c nsgd_rule_packets)" "$(grep -c nsgd_rule_packets "$T/prometheus.read")" &&
		[ ! -e "$T/nsgd.prom.tmp" ]
}

acct() {
	in_ns app cat /proc/sys/net/netfilter/nf_conntrack_acct
}

t_stop() {
	stop trace
	is "$(acct)" 1 && nsgd_stop && nothing_left && is "$(acct)" 0 && [ ! -e "$T/nsgd.prom" ]
}

t_accounting() { # by the next nsgd, and by --cleanup
	nsgd_start && is "$(acct)" 1 && nsgd_kill && is "$(acct)" 1 && nsgd_start && nsgd_stop && is "$(acct)" 0 || return 1
	nsgd_start && nsgd_kill && in_ns app "$NSGD" -c "$T/nsgd.conf" --cleanup 2>/dev/null && is "$(acct)" 0 &&
		nothing_left && [ ! -e /run/nsgd/nsgd.accounting ] || return 1
	sysctl_ns app netfilter/nf_conntrack_acct 1 && nsgd_start && nsgd_stop && is "$(acct)" 1
}

fact "nsgd starts" t_start
fact "a record has the contract's keys in order" t_keys
fact "a record tells direction, enforcement, the address judged" t_egress
fact "later packets are told as established" t_established
fact "trace --filter" t_filter
fact "trace tells the sender's uid" t_uid
fact "trace EXPRESSION" t_expression
fact "trace --dropped-only" t_dropped_only
fact "trace --count, --for" t_count
fact "trace --last" t_last
fact "trace -w is a capture; replay decides it the same" t_pcapng
fact "stats count a rule's decisions exactly" t_stats
fact "status is JSON and names the VNet" t_status
fact "status reports what happens to IPv6" t_status_warns_ipv6
fact "denied decisions go to the journal" t_journal
fact "stats count a route's decisions" t_stats_route
fact "table, json and jsonl of live verbs" t_forms
fact "metrics, as a parser that is not ours reads them" t_metrics
fact "every alarm is a metric" t_metrics_alarms
fact "the metrics file of node_exporter" t_metrics_file
fact "exit codes of live verbs" t_exit_codes
fact "flows: counters, rule, whether an answer came" t_flows
fact "flows: thousands of them" t_many_flows
fact "status is a sentence" t_sentence
fact "stats: what is not 0, latency, --top, --watch" t_digest
fact "reload reports what changed" t_reload
fact "control: versions, pieces, a line that does not end" t_versions
fact "control: more clients than there is room for" t_clients
fact "the control socket is mode 0660 and asks who is there" t_socket
fact "garbage on the control socket" t_garbage
fact "eight readers that never read hold nothing up" t_many_traces
fact "SIGTERM leaves nothing behind" t_stop
fact "the accounting of connections is reset after a crash too" t_accounting
lab_done
