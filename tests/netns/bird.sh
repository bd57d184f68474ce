# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# BIRD in the lab, for the test of live routes and their bench: sourced. On the app's host it learns from two
# routers over eBGP, with the configuration that README has.
#
#             10.0.90.0/30              lo: 10.50.0.7 10.0.77.7 10.61.0.7
#    app --+-- one0 .1 --------- app0 .2 -- one   (AS 65010)
#          +-- two0 .5 --------- app0 .6 -- two   (AS 65010)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
BIRD=$(PATH=$PATH:/usr/sbin type -p bird) || { echo "1..0 # skip: bird is not installed" >&2; exit 77; }

bird_lab() {
	local ns a
	lab_make && lab_ns one two && lab_link app one0 10.0.90.1/30 one app0 10.0.90.2/30 &&
		lab_link app two0 10.0.90.5/30 two app0 10.0.90.6/30 && lab_far_ends || return 1
	for ns in one two; do
		for a in 10.50.0.7 10.0.77.7 10.61.0.7 203.0.113.99; do
			in_ns $ns ip address add "$a/32" dev lo
		done
		in_ns $ns ip route add default via "$([ $ns = one ] && echo 10.0.90.1 || echo 10.0.90.5)"
		spawn_ready "sniff.$ns" $ns "$TRAFFIC" sniff && spawn_ready "serve.$ns" $ns "$TRAFFIC" serve tcp:22 tcp:443 udp:7 || return 1
	done
	policy_copy
	# learned routes are used where the network has a gateway
	policy_edit vnet-shop.json '.subnets += [{"name": "GatewaySubnet", "addressPrefix": "10.0.255.0/27"}]'
	policy_edit nsg-integration.json 'del(.securityRules[] | select(.name == "DenyPublicDns" or .name == "DenyPlainHttp"))'
	route_all on
}

bird_start() { # NS
	spawn "bird.$1" "$1" "$BIRD" -f -c "$T/bird.$1.conf" -s "$T/bird.$1.ctl" -P "$T/bird.$1.pid" "${@:2}"
	eventually 5 test -S "$T/bird.$1.ctl"
}

bird_stop() { # NS SIGNAL
	kill "-$2" "${PIDS[bird.$1]}" && ended "bird.$1" 5
	rm -f "$T/bird.$1.ctl"
}

birdc() { # NS COMMAND...
	"${BIRD}c" -s "$T/bird.$1.ctl" "${@:2}"
}

# The lines of README, for this host.
host_conf() {
	sed -n '/^    router id /,/^$/s/^    //p' "$LAB_TOP/README" |
		sed -e 's/10\.255\.0\./10.0.90./' >"$T/bird.app.conf"
	sed -n '/^protocol bgp/,/^}/p' "$T/bird.app.conf" | sed -e 's/router1/router2/' \
		-e 's/10\.0\.90\.2 /10.0.90.6 /' >"$T/second"
	cat "$T/second" >>"$T/bird.app.conf"
}

# announce NS [PREFIX...]: instead of what it announced before.
announce() {
	local ns=$1 p
	shift
	{
		echo 'protocol static announced { ipv4;'
		for p; do echo "route $p blackhole;"; done
		echo '}'
	} >"$T/$ns.routes"
	[ ! -S "$T/bird.$ns.ctl" ] || birdc "$ns" configure >/dev/null
}

router_conf() { # NS ADDRESS NEIGHBOUR
	cat >"$T/bird.$1.conf" <<-END
		router id $2;
		protocol device {}
		protocol bgp host {
			local $2 as 65010;
			neighbor $3 as 64512;
			connect delay time 1;
			connect retry time 1;
			error wait time 1, 2;
			graceful restart;
			ipv4 { import none; export where proto = "announced"; next hop self; };
		}
		include "$T/$1.routes";
	END
	announce "$1"
}

established() {
	birdc "$1" show protocols | grep -c Established
}

table() { # the kernel's
	in_ns app ip route show table 100 proto bird
}

routed() { # IP TYPE
	ctl show-next-hop --source-ip 10.0.1.4 --dest-ip "$1" -o json | jq -e --arg t "$2" '.nextHopType == $t' >/dev/null
}

many() { # NS N: announces N prefixes of 100.64.0.0/10 and 172.16.0.0/12's neighbours
	local i
	{
		echo 'protocol static announced { ipv4; route 10.61.0.0/16 blackhole;'
		for ((i = 0; i < $2; i++)); do
			echo "route 45.$((i / 256 % 256)).$((i % 256)).0/24 blackhole;"
		done
		echo '}'
	} >"$T/$1.routes"
	birdc "$1" configure >/dev/null
}

routes_are() { # N
	ctl status -o json 2>/dev/null | jq -e --argjson n "$1" '.bgp.inForce == $n' >/dev/null
}

# bird_start_all: with the lines of README. Returns when both sessions are established.
bird_start_all() {
	host_conf
	router_conf one 10.0.90.2 10.0.90.1
	router_conf two 10.0.90.6 10.0.90.5
	bird_start app && bird_start one && bird_start two && eventually 20 eval '[ "$(established app)" = 2 ]'
}

# ---- packets of steady senders, counted where they arrive ----------------------------------------

declare -A PUMPED=([steady]=10.61.0.7 [changing]=10.50.0.7 [default]=203.0.113.99)

# Counts what the pumps send in every far namespace, before anything else there can lose it.
count_arrivals() {
	local ns name
	for ns in one two inet vnet nva caller; do
		{
			echo 'table ip arrivals {'
			for name in "${!PUMPED[@]}"; do echo "counter $name { }"; done
			echo 'chain c { type filter hook prerouting priority -400;'
			for name in "${!PUMPED[@]}"; do
				echo "ip daddr ${PUMPED[$name]} udp dport 9000-9999 counter name $name drop"
			done
			echo '}'
			echo '}'
		} | in_ns "$ns" nft -f - || return 1
	done
}

arrivals() { # NAME NS...
	local ns name=$1
	shift
	for ns; do
		in_ns "$ns" nft list counter ip arrivals "$name" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
	done | awk '{ n += $1 } END { print n }'
}

# right NAME: where its packets may arrive. wrong NAME: where not.
right() {
	[ "$1" = default ] && echo one two inet || echo one two
}

wrong() {
	[ "$1" = default ] && echo vnet nva caller || echo inet vnet nva caller
}

count_arrived() { # NAME: since it began; fails until all have arrived
	# shellcheck disable=SC2046
	ARRIVED[$1]=$(($(arrivals "$1" $(right "$1")) - RIGHT_BEFORE[$1]))
	[ "${ARRIVED[$1]}" = "${SENT[$1]}" ]
}

# pumped "NAME..." PPS COMMAND...: runs the command while a sender for each name sends so many datagrams a second, of
# which every second one begins a flow. Sets SENT, ARRIVED (where they may) and ASTRAY (elsewhere) for each name.
# shellcheck disable=SC2034 # those who source this read them
declare -A SENT ARRIVED ASTRAY RIGHT_BEFORE WRONG_BEFORE
# shellcheck disable=SC2034,SC2046
pumped() {
	local name names=$1 pps=$2 status
	shift 2
	for name in $names; do
		RIGHT_BEFORE[$name]=$(arrivals "$name" $(right "$name"))
		WRONG_BEFORE[$name]=$(arrivals "$name" $(wrong "$name"))
		spawn_ready "pump.$name" app "$TRAFFIC" pump "$pps" 10.0.1.4 "${PUMPED[$name]}:9000" || return 1
	done
	"$@"
	status=$?
	for name in $names; do
		stop "pump.$name"
		# errors: a route that is gone, and not yet decided anew
		SENT[$name]=$(sed -n 's/^sent=\([0-9]*\) errors=\([0-9]*\)$/\1 + \2/p' "$T/pump.$name.log")
		SENT[$name]=$((SENT[$name]))
		in_time 1 count_arrived "$name" # some are lost when a route is not there
		ASTRAY[$name]=$(($(arrivals "$name" $(wrong "$name")) - WRONG_BEFORE[$name]))
	done
	return $status
}
