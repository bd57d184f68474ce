#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The sample policy (conf/policy) on real packets: a row a flow, each compared with what Azure would
# do. A row of silence is sent again with nsgd stopped and must arrive then.
#
#   demo.sh [-w DIR]     also a capture of every far end in DIR, and what the rows saw (rows)
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
[ "${1:-}" != -w ] || CAPTURE=$2

DIFFERENT=0
SILENT_ROWS=()

say() {
	printf '\n%s\n' "$*"
}

head_line() {
	printf '\n        %-24s %-46s %-26s %s\n' "sent" "Azure would" "seen at the far end" "nsgd says"
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

# Where the last probe was seen, in words.
where() {
	local ns out=
	for ns in vnet nva inet; do
		[ -z "$(seen $ns)" ] || out+="${out:+, }${NAME[$ns]}"
	done
	[[ $out != *NVA* ]] || [ -z "$(past_nva)" ] || out+=" (past the NVA too)"
	[ "$ANSWERED" = no ] || out+=", answered"
	echo "${out:-nothing}"
}
declare -A NAME=([vnet]="VNet host" [nva]="NVA" [inet]="Internet")

# For who reads the captures: PROTOCOL SPORT DST DPORT WHERE.
note() {
	[ -z "${CAPTURE:-}" ] ||
		echo "$PROBE_PROTOCOL $SPORT ${PROBE_TO/:/ } $(where)" >>"$CAPTURE/rows"
}

# What nsgd's trace tells about the last probe's first packet.
reason() {
	traced '(if .enforced == false and .verdict == "drop" then "would drop" else .verdict end) + ": " +
		.reason +
		(if .nsg and .nsg.rule then ", " + (.nsg.rule | sub("^.*/"; "")) else "" end) +
		(if .route and .reason != "nsg-deny" then ", " + .route.nextHopType +
			(if (.route.nextHopIpAddress | length) > 0 then " " + .route.nextHopIpAddress[0]
			 else "" end) else "" end)' || echo "(no record)"
}

# flow PROTOCOL TO WHERE SAYS AZURE: sends, watches, compares. WHERE: namespaces it must reach, "-" for
# silence; SAYS: the beginning of nsgd's reason.
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
		echo "demo: nsgctl trace tells nothing" >&2
		exit 1
	}
}

finish() {
	stop trace
	nsgd_stop || {
		cat "$T/nsgd.log"
		echo "demo: nsgd did not stop well" >&2
		exit 1
	}
}

# The rows of silence once more, without nsgd: the links work, so the silence was a decision.
again() {
	local item good
	say "nsgd stopped: what was silent is sent again."
	for item in "${SILENT_ROWS[@]}"; do
		good=false
		probe "${item% *}" "${item#* }"
		settle && [ "$ANSWERED" = yes ] && good=true
		note
		row $good "$item" "(no nsgd: nothing is decided)" "$(where)" ""
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
	row $good "reply to 198.51.100.200" "let replies out, never by the route table" "$seen_at" \
		"(not asked: a reply)"
}

held() { # WORD AZURE
	local good=false
	echo "$1" >"$T/hold.in"
	eventually 2 matches "$T/hold.log" "^(echo|lost) $1\$"
	matches "$T/hold.log" "^echo $1\$" && good=true
	row $good "held tcp 10.0.2.4:5432" "$2" "$(tail -n1 "$T/hold.log")" "(kernel: decided before)"
}

reloaded() {
	reload || {
		cat "$T/reload.out"
		echo "demo: the policy was not loaded" >&2
		exit 1
	}
	say "$*"
	head_line
}

lab_make && lab_far_ends || {
	echo "demo: no lab" >&2
	exit 1
}
spawn_ready serve.app app "$TRAFFIC" serve tcp:8080
policy_copy
route_all off
conf

cat <<-END
	A web app lives at 10.0.1.4 in snet-integration of vnet-shop (10.0.0.0/16), peered with vnet-hub
	(10.1.0.0/16). Policy: conf/policy, as az prints it. Five namespaces: the app's host with nsgd, a
	VNet host, an NVA (10.0.100.4), the Internet, a caller from outside.
END

say "Route-all is off: only private addresses enter the VNet."
start
head_line
flow tcp 10.0.2.4:5432 vnet "accept: allowed, AllowDatabase" "allow: rule AllowDatabase"
flow tcp 10.1.0.4:443 vnet "accept: allowed, AllowVnetOutBound" "allow: peered VNet, default rule"
flow tcp 10.0.2.4:22 - "drop: nsg-deny, DenyRestOfData" "deny: rule DenyRestOfData"
flow udp 10.0.2.4:161 - "drop: nsg-deny, DenyRestOfData" "deny: rule DenyRestOfData"
flow udp 192.168.7.7:514 - "drop: route-none, AllowBranches" "allow, then drop: Azure's own None route"
flow udp 10.0.200.4:514 - "drop: route-none" "drop: UDR old-warehouse is None"
flow tcp 203.0.113.10:80 inet "accept: bypass" "not ask: public, it does not enter"
flow tcp 198.51.100.10:443 inet "accept: bypass" "not ask: public, no UDR applies"

mkfifo "$T/hold.in"
spawn_ready hold app "$TRAFFIC" hold 10.0.2.4:5432
route_all on
reloaded "WEBSITE_VNET_ROUTE_ALL=1, reloaded while a connection to 10.0.2.4:5432 stays up: everything enters."
held one "restart the app; here: decided anew, and kept"
flow tcp 203.0.113.10:80 - "drop: nsg-deny, DenyPlainHttp" "deny: rule DenyPlainHttp"
flow udp 203.0.113.10:53 - "drop: nsg-deny, DenyPublicDns" "deny: rule DenyPublicDns"
flow tcp 203.0.113.10:443 inet "accept: allowed, AllowInternetOutBound, Internet" "allow: default rule, straight out"
flow tcp 198.51.100.10:443 "nva inet" "accept: allowed, AllowVnetOutBound, VirtualAppliance 10.0.100.4" \
	"allow, through the NVA: UDR"
inbound_reply

policy_edit nsg-integration.json '(.securityRules[] | select(.name == "AllowDatabase")).access = "Deny"'
reloaded "AllowDatabase becomes a deny, reloaded: a rule change touches new connections only."
held two "keep the open connection"
flow tcp 10.0.2.4:5432 - "drop: nsg-deny, AllowDatabase" "deny: the rule as it is now"
stop hold

say "The NVA's link goes down: nothing may leak to the Internet instead."
head_line
in_ns app ip link set nva0 down
SETTLE_WITHOUT=nva
flow tcp 198.51.100.10:443 - "accept: allowed, AllowVnetOutBound, VirtualAppliance" "lose it: the next hop is gone"
finish
again
in_ns app ip link set nva0 up
SETTLE_WITHOUT=

say "Audit mode, the same policy: everything arrives, and nsgd says what it would have dropped."
conf nsgd.mode=audit
start
head_line
flow tcp 10.0.2.4:22 vnet "would drop: nsg-deny, DenyRestOfData" "deny: rule DenyRestOfData"
flow udp 192.168.7.7:514 vnet "would drop: route-none" "drop: Azure's own None route"
flow tcp 203.0.113.10:80 inet "would drop: nsg-deny, DenyPlainHttp" "deny: rule DenyPlainHttp"
flow tcp 203.0.113.10:443 inet "accept: allowed" "allow"
finish

say "$([ "$DIFFERENT" = 0 ] && echo "Every row is as Azure would have it." ||
	echo "$DIFFERENT rows differ.")"
nothing_left || {
	echo "not ok  left behind in the kernel: $(leftovers)"
	exit 1
}
[ "$DIFFERENT" = 0 ]
