#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The sample policy (conf/policy) on real packets: one row per flow, each compared with what Azure does.
# Flows that were dropped are sent again with nsgd stopped and must arrive then.
#
#   demo.sh [-w DIR]     also writes a capture of every far end to DIR, and the file rows
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
[ "${1:-}" != -w ] || CAPTURE=$2

DIFFERENT=0
SILENT_ROWS=()

say() {
	printf '\n%s\n' "$*"
}

head_line() {
	printf '\n        %-24s %-46s %-26s %s\n' "sent" "Azure" "arrived at" "decision of nsgd"
}

# row OK SENT AZURE SEEN SAYS
row() {
	local mark=ok
	if ! $1; then
		mark="not ok"
		DIFFERENT=$((DIFFERENT + 1))
	fi
	printf '%-7s %-24s %-46s %-26s %s\n' "$mark" "$2" "$3" "$4" "$5"
}

# Where the last probe was seen.
where() {
	local ns out=
	for ns in vnet nva inet; do
		[ -z "$(seen $ns)" ] || out+="${out:+, }${NAME[$ns]}"
	done
	[[ $out != *NVA* ]] || [ -z "$(past_nva)" ] || out+=" (also bypassing the NVA)"
	[ "$ANSWERED" = no ] || out+=", answered"
	echo "${out:-nowhere}"
}
declare -A NAME=([vnet]="VNet host" [nva]="NVA" [inet]="Internet")

# For a reader of the captures: PROTOCOL SPORT DST DPORT WHERE.
note() {
	[ -z "${CAPTURE:-}" ] ||
		echo "$PROBE_PROTOCOL $SPORT ${PROBE_TO/:/ } $(where)" >>"$CAPTURE/rows"
}

# The decision about the first packet of the last probe, from nsgctl trace.
reason() {
	traced '(if .enforced == false and .verdict == "drop" then "would drop" else .verdict end) + ": " +
		.reason +
		(if .nsg and .nsg.rule then ", " + (.nsg.rule | sub("^.*/"; "")) else "" end) +
		(if .route and .reason != "nsg-deny" then ", " + .route.nextHopType +
			(if (.route.nextHopIpAddress | length) > 0 then " " + .route.nextHopIpAddress[0]
			 else "" end) else "" end)' || echo "(no record)"
}

# flow PROTOCOL TO WHERE DECISION AZURE: sends, waits, compares. WHERE: the namespaces it must reach, "-" for
# none; DECISION: how the reported decision must start.
flow() {
	local good=false says
	probe "$1" "$2"
	if [ "$3" = - ]; then
		silent && good=true
		SILENT_ROWS+=("$1 $2")
	else
		# shellcheck disable=SC2086
		only_at $3 && [ "$ANSWERED" = yes ] && good=true
	fi
	note
	says=$(reason)
	[[ $says == "$4"* ]] || good=false
	row $good "$1 $2" "$5" "$(where)" "$says"
}

start() {
	nsgd_start || {
		cat "$T/nsgd.log"
		echo "demo: nsgd did not start" >&2
		exit 1
	}
	nsgd_trace || {
		cat "$T/trace.log"
		echo "demo: no output from nsgctl trace" >&2
		exit 1
	}
}

finish() {
	stop trace
	nsgd_stop || {
		cat "$T/nsgd.log"
		echo "demo: nsgd did not stop cleanly" >&2
		exit 1
	}
}

# The dropped flows once more, without nsgd: they arrive, so it was nsgd that dropped them.
again() {
	local item good
	say "nsgd is stopped; the flows that were dropped are sent again:"
	for item in "${SILENT_ROWS[@]}"; do
		good=false
		probe "${item% *}" "${item#* }"
		settle && [ "$ANSWERED" = yes ] && good=true
		note
		row $good "$item" "(nsgd is not running)" "$(where)" ""
	done
	SILENT_ROWS=()
}

inbound_reply() {
	local good=false out seen_at
	out=$(in_ns caller "$TRAFFIC" send -s 198.51.100.200:39000 -w 1000 tcp 192.0.2.9:8080)
	seen_at="caller answered"
	settle
	case $out in
	*replies=1*) grep -q ' 192.0.2.9 8080 198.51.100.200 39000 ' "$T/sniff.nva.log" || good=true ;;
	*) seen_at="caller not answered" ;;
	esac
	grep -q ' 198.51.100.200 39000 ' "$T/sniff.nva.log" && seen_at+=", by the NVA"
	row $good "reply to 198.51.100.200" "allow: replies do not use the route table" "$seen_at" \
		"(not queued: a reply)"
}

held() { # TEXT AZURE
	local good=false seen_at="no answer"
	send hold "$1"
	eventually 2 matches "$T/hold.log" "^(echo|lost) $1\$"
	matches "$T/hold.log" "^echo $1\$" && good=true seen_at="VNet host, answered"
	row $good "held tcp 10.0.2.4:5432" "$2" "$seen_at" "(an established connection)"
}

reloaded() {
	reload || {
		cat "$T/reload.out"
		echo "demo: the reload failed" >&2
		exit 1
	}
	say "$*"
	head_line
}

lab_make && lab_far_ends || {
	echo "demo: cannot create the network namespaces" >&2
	exit 1
}
spawn_ready serve.app app "$TRAFFIC" serve tcp:8080
policy_copy
route_all off
conf

cat <<-END
	A web app at 10.0.1.4 in the subnet snet-integration of vnet-shop (10.0.0.0/16), which is peered with
	vnet-hub (10.1.0.0/16). The policy is conf/policy, as az prints it. There are five network namespaces:
	the host of the app with nsgd, a host in the VNet, a network virtual appliance (NVA, 10.0.100.4), the
	Internet, and a client on the Internet.
END

say "Route-all is off: only packets to private addresses enter the VNet."
start
head_line
flow tcp 10.0.2.4:5432 vnet "accept: allowed, AllowDatabase" "allow: rule AllowDatabase"
flow tcp 10.1.0.4:443 vnet "accept: allowed, AllowVnetOutBound" "allow: peered VNet, default rule"
flow tcp 10.0.2.4:22 - "drop: nsg-deny, DenyRestOfData" "deny: rule DenyRestOfData"
flow udp 10.0.2.4:161 - "drop: nsg-deny, DenyRestOfData" "deny: rule DenyRestOfData"
flow udp 192.168.7.7:514 - "drop: route-none, AllowBranches" "drop: allowed, but default route None"
flow udp 10.0.200.4:514 - "drop: route-none" "drop: UDR old-warehouse is None"
flow tcp 203.0.113.10:80 inet "accept: bypass" "allow: public, does not enter the VNet"
flow tcp 198.51.100.10:443 inet "accept: bypass" "allow: public, no UDR applies"

mkfifo "$T/hold.in"
spawn_ready hold app "$TRAFFIC" hold 10.0.2.4:5432
route_all on
reloaded "WEBSITE_VNET_ROUTE_ALL=1 and reload, with an open connection to 10.0.2.4:5432: all packets enter the VNet."
held one "restart the app (nsgd: decide again)"
flow tcp 203.0.113.10:80 - "drop: nsg-deny, DenyPlainHttp" "deny: rule DenyPlainHttp"
flow udp 203.0.113.10:53 - "drop: nsg-deny, DenyPublicDns" "deny: rule DenyPublicDns"
flow tcp 203.0.113.10:443 inet "accept: allowed, AllowInternetOutBound, Internet" "allow: default rule, directly"
flow tcp 198.51.100.10:443 "nva inet" "accept: allowed, AllowVnetOutBound, VirtualAppliance 10.0.100.4" \
	"allow, through the NVA: UDR"
inbound_reply

policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowDatabase")).access = "Deny"'
reloaded "AllowDatabase is changed to Deny and reloaded: this affects only new connections."
held two "keep the established connection"
flow tcp 10.0.2.4:5432 - "drop: nsg-deny, AllowDatabase" "deny: rule AllowDatabase"
stop hold

say "The link to the NVA goes down: packets must not leave by another path."
head_line
in_ns app ip link set nva0 down
SETTLE_WITHOUT=nva
flow tcp 198.51.100.10:443 - "accept: allowed, AllowVnetOutBound, VirtualAppliance" "drop: the next hop is unreachable"
finish
again
in_ns app ip link set nva0 up
SETTLE_WITHOUT=

say "Audit mode, same policy: everything arrives, and nsgd reports what it would drop."
conf nsgd.mode=audit
start
head_line
flow tcp 10.0.2.4:22 vnet "would drop: nsg-deny, DenyRestOfData" "deny: rule DenyRestOfData"
flow udp 192.168.7.7:514 vnet "would drop: route-none" "drop: default route None"
flow tcp 203.0.113.10:80 inet "would drop: nsg-deny, DenyPlainHttp" "deny: rule DenyPlainHttp"
flow tcp 203.0.113.10:443 inet "accept: allowed" "allow"
finish

say "$([ "$DIFFERENT" = 0 ] && echo "All rows match Azure." ||
	echo "$DIFFERENT rows differ from Azure.")"
nothing_left || {
	echo "not ok  left in the kernel: $(leftovers)"
	exit 1
}
[ "$DIFFERENT" = 0 ]
