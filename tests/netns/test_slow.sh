#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tsan: yes
# What another program removes is repaired while something else is slow. The facts are about order, since times
# depend on the machine; these are printed.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make || exit 1
policy_copy
route_all on
conf subnet.watch=no

our_rules() {
	in_ns app ip rule show | sed -n 's/^\(2[1-9][0-9]*\):.*/\1/p'
}

# repaired WHAT: our ip rules, removed by another program, are there again. Prints how long it took, at most.
repaired() {
	local -
	set +x
	local p want start
	want=$(our_rules)
	start=${EPOCHREALTIME/./}
	for p in $want; do
		in_ns app ip rule del pref "$p" || return 1
	done
	eventually 10 eval '[ "$(our_rules)" = "$want" ]' || return 1
	echo "# $1: repaired within $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
}

t_start() {
	nsgd_start && [ -n "$(our_rules)" ] && repaired "nothing else to do"
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
	ctl status -o json | jq -e .reloads.running >/dev/null
}

t_load() {
	service_tags 60
	spawn reload app "$NSGCTL" reload
	eventually 5 is_loading && repaired "a document of 60 MB is loaded" && is_loading && alive reload || return 1
	# the others share the next one
	spawn second app "$NSGCTL" reload
	spawn third app "$NSGCTL" reload
	ended reload 60 && is "$STATUS" 0 && ended second 60 && is "$STATUS" 0 && ended third 60 && is "$STATUS" 0 &&
		is "$(ctl status -o json | jq -c '[.reloads.running, .reloads.done]')" '[false,2]'
}

t_stop_while_loading() {
	rm "$T/policy/ServiceTags_Public.json"
	service_tags 61
	spawn reload app "$NSGCTL" reload
	eventually 5 is_loading && nsgd_stop && nothing_left || return 1
	ended reload 5 && is "$STATUS" 4
}

fact "nsgd starts" t_start
fact "repairs come first while a document of 60 MB is loaded" t_load
fact "a stop does not wait for a load" t_stop_while_loading
lab_done
