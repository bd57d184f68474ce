#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tree: plain
# nsgd as it is installed, with its filter of system calls, as root and as another user with one capability. Under
# the sanitizers there is no filter, so this runs with the plain build.
BUILD=$(cd "$(dirname "$0")/../.." && pwd)/.dev/plain
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on

confined() {
	is "$(sed -n 's/^Seccomp:\s*//p' "/proc/${PIDS[nsgd]}/status")" 2
}

is_built_with_filter() {
	ldd "$BUILD/src/nsgd/nsgd" | grep -q libseccomp
}

t_start() {
	is_built_with_filter || { skip "built without libseccomp"; return; }
	nsgd_start && confined
}

# everything that a running nsgd does, once
t_works() {
	local rules
	nsgd_trace && probe tcp 10.0.2.4:22 && silent && probe tcp 10.0.2.4:5432 && is "$ANSWERED" yes || return 1
	policy_edit nsg-integration.json '(.securityRules[] | select(.name == "DenyPublicDns")).access = "Allow"'
	chown -R --reference /run/nsgd/nsgd.sock "$T/policy"
	eventually 5 eval '[ "$(ctl status -o json 2>/dev/null | jq .reloads.done)" -ge 1 ]' && reload || return 1
	kill -HUP "${PIDS[nsgd]}"
	eventually 5 eval '[ "$(ctl status -o json 2>/dev/null | jq .reloads.done)" -ge 3 ]' || return 1
	for v in status stats effective-nsg effective-routes metrics flows; do
		ctl $v >"$T/out" 2>&1 || return 1
	done
	rules=$(in_ns app ip rule show)
	in_ns app ip rule show | sed -n 's/^\(2[1-9][0-9]*\):.*/\1/p' | while read -r p; do
		in_ns app ip rule del pref "$p"
	done
	eventually 5 eval "[ '$rules' = \"\$(in_ns app ip rule show)\" ]" || return 1
	in_ns app nft flush ruleset
	eventually 5 eval 'probe tcp 10.0.2.4:22; [ "$ANSWERED" = no ]' && probe tcp 10.0.2.4:5432 &&
		is "$ANSWERED" yes && ! matches "$T/nsgd.log" 'Operation not permitted|cannot filter'
}

t_stop() {
	stop trace
	nsgd_stop && nothing_left
}

# As with User= and AmbientCapabilities= in the unit.
t_start_as_user() {
	setpriv --reuid 65534 --clear-groups true 2>/dev/null || { skip "needs another user"; return; }
	install -m 755 "$NSGD" /run/nsgd-program
	chmod 755 "$T" && chown -R 64500:64500 "$T/policy" /run/nsgd
	cat >/run/as-user <<-END
		#!/bin/sh
		chmod 666 "\$NOTIFY_SOCKET"
		exec setpriv --reuid 64500 --regid 64500 --clear-groups --inh-caps -all,+net_admin \
			--ambient-caps -all,+net_admin --bounding-set -all,+net_admin --no-new-privs /run/nsgd-program "\$@"
	END
	chmod 755 /run/as-user
	NSGD=/run/as-user
	nsgd_start && is "$(stat -c %u "/proc/${PIDS[nsgd]}")" 64500 && is "$(stat -c %u /run/nsgd/nsgd.sock)" 64500
}

conf
fact "nsgd starts, and is confined" t_start
fact "all its work goes on" t_works
fact "it stops as usual" t_stop
fact "another user with CAP_NET_ADMIN starts it" t_start_as_user
fact "all its work goes on as that user" t_works
fact "it stops as usual as that user" t_stop
lab_done
