#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netns: long
# tsan: yes
# A reload is a transaction: the new policy decides new flows, open ones live by Azure's rules, a bad
# one changes nothing.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf subnet.watch=no
RULES='.securityRules[] | select(.name == "AllowDatabase")'

t_start() {
	nsgd_start && nsgd_trace
}

HELD=0
held() { # echo|lost
	HELD=$((HELD + 1))
	still "line$HELD" "$1"
}

t_rule_change() {
	hold 10.0.2.4:5432 && held echo || return 1
	policy_edit nsg-integration.json "($RULES).access = \"Deny\""
	reload && held echo || return 1
	probe tcp 10.0.2.4:5432
	silent && says drop nsg-deny AllowDatabase
}

t_flush_connection() {
	policy_edit nsg-integration.json '.flushConnection = true'
	reload && held lost
}

# A datagram of the flow from that port; whether the other side answered.
talks() { # yes|no PORT
	local got=no
	in_ns app "$TRAFFIC" send -s 0.0.0.0:"$2" -w 400 udp 10.1.0.4:7 | grep -q replies=1 && got=yes
	is $got "$1"
}

t_udp_rule_change() { # a UDP flow is its addresses and ports: open ones go on, until the flush
	talks yes 30200 || return 1
	policy_edit nsg-integration.json '.securityRules += [.securityRules[1] | .name = "DenyPeer" |
		.id |= sub("AllowDatabase"; "DenyPeer") | .priority = 151 | .access = "Deny" | .sourceAddressPrefix = "*" |
		.destinationAddressPrefix = "10.1.0.0/16" | .destinationPortRange = "*" | .protocol = "*"]'
	reload && talks yes 30200 && talks no 30201 || return 1
	policy_edit nsg-integration.json '.flushConnection = true'
	reload && talks no 30200 || return 1
	policy_edit nsg-integration.json 'del(.securityRules[] | select(.name == "DenyPeer")) | .flushConnection = false'
	reload && talks yes 30202
}

t_back() {
	policy_edit nsg-integration.json "($RULES).access = \"Allow\" | .flushConnection = false"
	reload || return 1
	probe tcp 10.0.2.4:5432
	only_at vnet && is "$ANSWERED" yes
}

t_bad_policy() {
	local status
	cp "$T/policy/nsg-integration.json" "$T/good.json"
	policy_edit nsg-integration.json "($RULES).priority = 99"
	ctl reload >"$T/reload.out" 2>&1
	status=$?
	mv "$T/good.json" "$T/policy/nsg-integration.json"
	is $status 3 && matches "$T/reload.out" 'nsg-integration.json:[0-9]+:[0-9]+: error: .*SecurityRuleInvalidPriority' ||
		return 1
	probe tcp 10.0.2.4:5432
	only_at vnet && is "$ANSWERED" yes
}

t_truncated_policy() {
	local status
	cp "$T/policy/rt-integration.json" "$T/good.json"
	head -c 300 "$T/good.json" >"$T/policy/rt-integration.json"
	ctl reload >"$T/reload.out" 2>&1
	status=$?
	mv "$T/good.json" "$T/policy/rt-integration.json"
	is $status 3 || return 1
	probe tcp 198.51.100.10:443
	only_at nva inet
}

t_sighup() {
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPlainHttp")).access = "Allow"'
	kill -HUP "${PIDS[nsgd]}"
	eventually 5 matches "$T/notify.log" '^RELOADING=1' || return 1
	eventually 5 eval 'probe tcp 203.0.113.10:80; [ $ANSWERED = yes ]'
}

t_route_change() { # an open flow's next packet takes the new route, its NSG verdict stays
	hold 198.51.100.10:443 && held echo || return 1
	local port
	port=$(sed -n 's/.* in 6 192.0.2.2 \([0-9]*\) 198.51.100.10 443 .*/\1/p' "$T/sniff.nva.log" | tail -n1)
	[ -n "$port" ] || return 1
	policy_edit nsg-integration.json '.securityRules += [.securityRules[1] | .name = "DenyPartner" |
		.id |= sub("AllowDatabase"; "DenyPartner") | .priority = 150 | .access = "Deny" | .sourceAddressPrefix = "*" |
		.destinationAddressPrefix = "198.51.100.0/24" | .destinationPortRange = "*" | .protocol = "*"]'
	policy_edit rt-integration.json '(.routes[] | select(.name == "partner-through-firewall")) |=
		(.nextHopType = "Internet" | del(.nextHopIpAddress))'
	reload || return 1
	local before
	before=$(grep -c " in 6 192.0.2.2 $port " "$T/sniff.nva.log")
	held echo || return 1
	settle
	is "$(grep -c " in 6 192.0.2.2 $port " "$T/sniff.nva.log")" "$before" || return 1
	probe tcp 198.51.100.10:443
	silent && says drop nsg-deny DenyPartner
}

t_route_none() { # an open flow whose route becomes None is lost
	policy_edit rt-integration.json '(.routes[] | select(.name == "partner-through-firewall")).nextHopType = "None"'
	reload && held lost || return 1
	policy_edit rt-integration.json '(.routes[] | select(.name == "partner-through-firewall")).nextHopType = "Internet"'
	reload
}

queued() { # packets that ever went to the workers
	ctl status -o json | jq .kernel.packets.queued
}

# A flow that was allowed and has no route now is denied as any: the kernel knows it, no flood of it comes
# to the worker.
t_route_none_flood() {
	local before from=0.0.0.0:31000
	policy_edit nsg-integration.json 'del(.securityRules[] | select(.name == "DenyPartner"))'
	reload || return 1
	in_ns app "$TRAFFIC" send -s $from -w 2000 udp 198.51.100.10:7 | grep -q replies=1 || return 1
	policy_edit rt-integration.json '(.routes[] | select(.name == "partner-through-firewall")).nextHopType = "None"'
	reload || return 1
	before=$(queued)
	in_ns app "$TRAFFIC" send -s $from -n 2000 -w 1 udp 198.51.100.10:7 | grep -q 'sent=2000 errors=0 replies=0' || return 1
	[ $(($(queued) - before)) -lt 1000 ] || return 1
	policy_edit rt-integration.json '(.routes[] | select(.name == "partner-through-firewall")).nextHopType = "Internet"'
	reload || return 1
	in_ns app "$TRAFFIC" send -s $from -w 2000 udp 198.51.100.10:7 | grep -q replies=1
}

# Idle over so many reloads: the mark has four generations, and a number comes again after every fourth.
t_generations() {
	local n i to=10.0.100.4 before route='(.routes[] | select(.name == "partner-through-firewall"))'
	hold 198.51.100.10:443 || return 1
	for n in 1 3 4 5 8 9 12; do
		held echo || return 1
		if [ $to = 10.0.100.4 ]; then
			policy_edit rt-integration.json "$route |= (.nextHopType = \"VirtualAppliance\" | .nextHopIpAddress = \"$to\")"
		else
			policy_edit rt-integration.json "$route |= (.nextHopType = \"Internet\" | del(.nextHopIpAddress))"
		fi
		for ((i = 0; i < n; i++)); do
			reload || return 1
		done
		before=$(grep -c ' in 6 .* 198.51.100.10 443 ' "$T/sniff.nva.log")
		held echo && settle || return 1
		: "after $n reloads"
		if [ $to = 10.0.100.4 ]; then
			[ "$(grep -c ' in 6 .* 198.51.100.10 443 ' "$T/sniff.nva.log")" -gt "$before" ] || return 1
			to=-
		else
			is "$(grep -c ' in 6 .* 198.51.100.10 443 ' "$T/sniff.nva.log")" "$before" || return 1
			to=10.0.100.4
		fi
	done
}

t_route_all_off() { # forgets every decision: the flow is judged anew, and now bypasses
	local before
	route_all off
	reload && held echo && settle || return 1
	before=$(grep -c ' in 6 .* 198.51.100.10 443 ' "$T/sniff.nva.log")
	held echo && settle && is "$(grep -c ' in 6 .* 198.51.100.10 443 ' "$T/sniff.nva.log")" "$before"
}

# A flow that was allowed, then denied by a rule: it lives on, until something changes that in Azure restarts
# the app or closes its connections.
forgets() { # COMMAND...: makes such a change
	policy_edit nsg-integration.json "($RULES).access = \"Allow\""
	reload && hold 10.0.2.4:5432 && held echo || return 1
	policy_edit nsg-integration.json "($RULES).access = \"Deny\""
	reload && held echo || return 1
	"$@"
	reload && held lost || return 1
	policy_edit nsg-integration.json "($RULES).access = \"Allow\""
}

t_profile_forgets() { # and back
	forgets conf subnet.watch=no subnet.profile=current && forgets conf subnet.watch=no
}

t_platform_forgets() {
	forgets conf subnet.watch=no subnet.platform=linux && forgets conf subnet.watch=no
}

endpoint() { # on|off, for 203.0.113.99
	if [ "$1" = on ]; then
		(umask 077 && echo '{"changeNumber": 1, "cloud": "Public", "values": [{"name": "Storage", "id": "Storage", "properties":
			{"changeNumber": 1, "region": "", "platform": "Azure", "systemService": "AzureStorage",
			"addressPrefixes": ["203.0.113.99/32"], "networkFeatures": ["NSG"]}}]}' >"$T/policy/tags.json")
		policy_edit vnet-shop.json '(.subnets[] | select(.name == "snet-integration")).serviceEndpoints =
			[{"service": "Microsoft.Storage", "locations": ["*"], "provisioningState": "Succeeded"}]'
	else
		rm "$T/policy/tags.json"
		policy_edit vnet-shop.json '(.subnets[] | select(.name == "snet-integration")).serviceEndpoints = []'
	fi
}

t_endpoint_forgets() {
	forgets endpoint on && forgets endpoint off
}

t_denied_is_forgotten() { # the kernel's memory of denied flows ends with the policy that made it
	route_all on && reload || return 1
	probe udp 203.0.113.10:53
	silent || return 1
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"'
	reload || return 1
	SPORT=$((SPORT - 1))
	probe udp 203.0.113.10:53
	is "$ANSWERED" yes
}

t_removed_vnet() {
	local status
	mv "$T/policy/vnet-shop.json" "$T/vnet-shop.kept"
	ctl reload >"$T/reload.out" 2>&1
	status=$?
	mv "$T/vnet-shop.kept" "$T/policy/vnet-shop.json"
	is $status 3
}

t_many() { # twenty reloads while a flow talks: not one datagram lost
	local i before
	before=$(far_counts vnet datagrams)
	spawn load app "$TRAFFIC" send -s 0.0.0.0:30000 -n 6000 -r 3000 udp 10.1.0.4:9000
	for ((i = 0; i < 20; i++)); do
		reload || return 1
	done
	ended load 20 && settle || return 1
	matches "$T/load.log" 'sent=6000 errors=0' && is $(($(far_counts vnet datagrams) - before)) 6000
}

# Once a second, by the far end's own clock: what has arrived says how far the sender is.
t_each_second() { # SECONDS PPS
	local i before flows=500 each=$(($1 * $2 / 500))
	before=$(far_counts vnet datagrams)
	spawn load app "$TRAFFIC" send -f $flows -n $each -r "$2" udp 10.1.0.4:9000
	for ((i = 1; i <= $1; i++)); do
		eventually 20 eval "[ \$(far_counts vnet datagrams) -ge $((before + i * $2 - $2 / 2)) ]" || return 1
		policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowBranches")).destinationPortRange |= (if . == "*" then "514" else "*" end)'
		policy_edit rt-integration.json '(.routes[] | select(.name == "old-warehouse")).addressPrefix |= (if . == "10.0.200.0/24" then "10.0.201.0/24" else "10.0.200.0/24" end)'
		reload || return 1
	done
	ended load 60 && settle || return 1
	eventually 5 eval "[ \$(far_counts vnet datagrams) -ge $((before + flows * each)) ]"
	matches "$T/load.log" "sent=$((flows * each)) errors=0" && is $(($(far_counts vnet datagrams) - before)) $((flows * each))
}

# Next hops come and go with each reload, under 200 flows that use them: their tables, rules and ways are
# there before a packet is marked so, and go when none is any more.
t_hops_under_load() {
	local before n=0 route='(.routes[] | select(.name == "partner-through-firewall"))'
	before=$(far_counts inet datagrams)
	spawn load app "$TRAFFIC" send -f 200 -n 300 -r 15000 -j 2 udp 198.51.100.10:9000
	while alive load; do
		if [ $((n % 2)) = 0 ]; then
			policy_edit rt-integration.json "$route |= (.nextHopType = \"VirtualAppliance\" | .nextHopIpAddress = \"10.0.100.4\")"
		else
			policy_edit rt-integration.json "$route |= (.nextHopType = \"Internet\" | del(.nextHopIpAddress))"
		fi
		reload || return 1
		n=$((n + 1))
	done
	ended load 1 && settle && [ $n -ge 2 ] || return 1
	eventually 5 eval "[ \$(far_counts inet datagrams) -ge $((before + 60000)) ]"
	matches "$T/load.log" 'sent=60000 errors=0' && is $(($(far_counts inet datagrams) - before)) 60000 &&
		is "$(ctl status -o json | jq .kernel.packets.strayed)" 0
}

# What changes with flowTimeoutInMinutes: not even packets that are queued in that moment get lost.
t_timeout_under_load() {
	local before n=0
	t_again offload.established=no log.decisions=none || return 1
	before=$(far_counts inet datagrams)
	spawn load app "$TRAFFIC" send -f 200 -n 200 -r 15000 -j 2 udp 203.0.113.10:9000
	while alive load; do
		policy_edit vnet-shop.json ".flowTimeoutInMinutes = $((4 + n % 27))"
		reload || return 1
		n=$((n + 1))
	done
	ended load 1 && settle && [ $n -ge 2 ] || return 1
	eventually 5 eval "[ \$(far_counts inet datagrams) -ge $((before + 40000)) ]"
	matches "$T/load.log" 'sent=40000 errors=0' && is $(($(far_counts inet datagrams) - before)) 40000 || return 1
	t_again
}

t_again() { # [CONF...]
	stop trace
	nsgd_stop || return 1
	conf subnet.watch=no "$@"
	nsgd_start
}

# A worker that does not move for longer than a reload waits: the old policy stays, twice; then it moves
# again, and the next reload has it.
t_stuck_worker() {
	local tid status=0 n
	tid=$(grep -lx nsgd-q0 /proc/"${PIDS[nsgd]}"/task/*/comm | sed 's#.*/task/\([0-9]*\)/comm#\1#')
	spawn freeze app "$TRAFFIC" freeze "$tid"
	eventually 5 eval "matches '$T/freeze.log' '^ready' || ! alive freeze"
	alive freeze || { skip "a thread cannot be stopped here"; return; }
	policy_edit nsg-integration.json "($RULES).access = \"Deny\""
	for n in 1 2; do
		ctl reload >"$T/reload.out" 2>&1
		[ $? = 1 ] && matches "$T/reload.out" 'a worker did not acknowledge' || status=1
	done
	stop freeze
	probe tcp 10.0.2.4:5432
	is "$ANSWERED" yes || status=1
	reload && probe tcp 10.0.2.4:5432 && silent || status=1
	policy_edit nsg-integration.json "($RULES).access = \"Allow\""
	reload && probe tcp 10.0.2.4:5432 && is "$ANSWERED" yes && return $status
}

t_stop() {
	stop hold
	stop trace
	nsgd_stop && nothing_left
}

t_without_offload() { # every packet is queued; the flow's decision still stands
	conf subnet.watch=no offload.established=no
	nsgd_start && hold 10.0.2.4:5432 && held echo || return 1
	policy_edit nsg-integration.json "($RULES).access = \"Deny\""
	reload && held echo || return 1
	probe tcp 10.0.2.4:5432
	silent || return 1
	policy_edit nsg-integration.json '.flushConnection = true'
	reload && held lost || return 1
	policy_edit nsg-integration.json "($RULES).access = \"Allow\" | .flushConnection = false"
	reload || return 1
	t_generations || return 1
	stop hold
	nsgd_stop && nothing_left
}

t_watch() {
	conf subnet.watch=yes
	nsgd_start || return 1
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Deny"'
	eventually 5 eval 'probe udp 203.0.113.10:53; [ $ANSWERED = no ]'
}

t_watch_bad() { # half a file changes nothing
	head -c 200 "$T/policy/nsg-integration.json" >"$T/policy/.half" &&
		cp "$T/policy/nsg-integration.json" "$T/good.json" &&
		mv "$T/policy/.half" "$T/policy/nsg-integration.json"
	eventually 5 matches "$T/nsgd.log" 'nsg-integration.json:' || return 1
	probe udp 203.0.113.10:53
	silent || return 1
	probe tcp 203.0.113.10:443
	is "$ANSWERED" yes || return 1
	local before
	before=$(reloads)
	mv "$T/good.json" "$T/policy/nsg-integration.json"
	eventually 5 eval '[ "$(reloads)" -gt $before ]'
}

reloads() {
	ctl status -o json | jq .reloads.done
}

# Somebody who writes in place, and thinks for a second in the middle of it, while other documents change.
t_watch_writer() {
	local before writer
	before=$(reloads)
	: >"$T/nsgd.log"
	jq '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"' "$T/policy/nsg-integration.json" >"$T/new.json"
	exec {writer}>"$T/policy/nsg-integration.json"
	head -c 1000 "$T/new.json" >&"$writer"
	policy_edit rt-integration.json .
	probe udp 203.0.113.10:53 -w 1000
	silent && is "$(reloads)" "$before" && ! matches "$T/nsgd.log" error || return 1
	tail -c +1001 "$T/new.json" >&"$writer"
	exec {writer}>&-
	eventually 5 eval 'probe udp 203.0.113.10:53; [ $ANSWERED = yes ]' && ! matches "$T/nsgd.log" error || return 1
	before=$(reloads)
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Deny"'
	eventually 5 eval '[ "$(reloads)" -gt $before ]'
}

t_watch_many() { # a hundred changes are one, or two when they take long
	local i before
	before=$(reloads)
	for ((i = 0; i < 100; i++)); do
		cp "$T/policy/rt-integration.json" "$T/policy/.new" && mv "$T/policy/.new" "$T/policy/rt-integration.json" || return 1
	done
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"'
	eventually 5 eval 'probe udp 203.0.113.10:53; [ $ANSWERED = yes ]' || return 1
	[ $(($(reloads) - before)) -le 5 ] || return 1
	before=$(reloads)
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Deny"'
	eventually 5 eval '[ "$(reloads)" -gt $before ]'
}

t_watch_symlink() { # as a ConfigMap is swapped
	nsgd_stop || return 1
	mkdir "$T/map"
	mv "$T/policy" "$T/map/a" && cp -r "$T/map/a" "$T/map/b"
	POLICY=$T/map/b policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"'
	ln -s a "$T/map/..data" && ln -s map/..data "$T/policy"
	nsgd_start || return 1
	probe udp 203.0.113.10:53
	silent || return 1
	ln -s b "$T/map/..new" && mv -T "$T/map/..new" "$T/map/..data"
	eventually 5 eval 'probe udp 203.0.113.10:53; [ $ANSWERED = yes ]'
}

fact "nsgd starts" t_start
fact "a rule change touches new connections only" t_rule_change
fact "flushConnection ends open ones" t_flush_connection
fact "the rule back, new connections again" t_back
fact "udp: a rule change touches new flows only, flushConnection open ones" t_udp_rule_change
fact "a reload of a bad rule: exit 3, its place and Azure's code, the old policy decides" t_bad_policy
fact "a reload of half a file: exit 3, the old policy decides" t_truncated_policy
fact "SIGHUP reloads and says so" t_sighup
fact "a route change takes an open flow along, its NSG verdict stays" t_route_change
fact "a route that becomes None silences an open flow" t_route_none
fact "nor does a flood of it reach the worker, and its route comes back" t_route_none_flood
fact "idle over one to twelve reloads, a flow takes the newest route" t_generations
fact "route-all off forgets every decision" t_route_all_off
fact "a change of the profile forgets every decision" t_profile_forgets
fact "a change of the platform forgets every decision" t_platform_forgets
fact "a change of the service endpoints forgets every decision" t_endpoint_forgets
fact "what was denied may be allowed at once after a reload" t_denied_is_forgotten
fact "a reload without the VNet is refused" t_removed_vnet
fact "twenty reloads under 3,000 packets a second lose none" t_many
# Less of both on a machine that is slower.
fact "a reload a second for $((60 / ${LAB_SLOW:-1})) s under $((4000 / ${LAB_SLOW:-1})) packets a second loses none" \
	t_each_second $((60 / ${LAB_SLOW:-1})) $((4000 / ${LAB_SLOW:-1}))
fact "next hops that come and go under 15,000 packets a second lose none" t_hops_under_load
fact "flowTimeoutInMinutes changed under 15,000 queued packets a second loses none" t_timeout_under_load
fact "a worker that is stuck: reloads fail and say so, the next one after it has all" t_stuck_worker
fact "SIGTERM leaves nothing behind" t_stop
fact "without offload too a rule change touches new connections only" t_without_offload
fact "watch: an edit decides by itself" t_watch
fact "watch: half a file changes nothing and is told" t_watch_bad
fact "watch: a file is taken when its writer is done with it" t_watch_writer
fact "watch: a hundred changes at once are few reloads" t_watch_many
fact "watch: a symlink swap decides by itself" t_watch_symlink
fact "and leaves nothing behind" t_stop
lab_done
