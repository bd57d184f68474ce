#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A secret in an app settings document is found in no output, log, socket answer or memory of nsgd's.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
conf log.level=debug
SECRET=Sw0rdfish-7b1e4c
NAME=SHOP_PAYMENT_KEY_9F3A

plant() { # JQ of the document
	(umask 077 && jq -n "$1" >"$T/policy/appsettings.json")
}

# Everything anybody can ask for.
ask() {
	local v
	for v in status stats effective-nsg effective-routes reload "explain --protocol tcp --src 10.0.1.4:1 --dst 10.0.2.4:22" \
		"check" "test-ip-flow --direction Outbound --protocol TCP --local 10.0.1.4:1 --remote 8.8.8.8:53"; do
		for o in table json jsonl; do
			# shellcheck disable=SC2086
			ctl $v -o $o
			# shellcheck disable=SC2086
			"$NSGCTL" -p "$T/policy" $v -o $o
		done
	done >>"$T/asked" 2>&1
	"$NSGCTL" check "$T/policy" >>"$T/asked" 2>&1
	"$NSGCTL" check -o json "$T/policy" >>"$T/asked" 2>&1
}

clean() {
	! grep -rlaF -e "$SECRET" -e "$NAME" "$T/asked" "$T/nsgd.log" "$T/notify.log" "$T/trace.log" 2>/dev/null
}

t_start() {
	plant "[{name:\"$NAME\",slotSetting:false,value:\"$SECRET\"},{name:\"WEBSITE_VNET_ROUTE_ALL\",slotSetting:false,value:\"1\"}]"
	nsgd_start && nsgd_trace && ask || return 1
	probe tcp 10.0.2.4:22
	silent && [ -s "$T/asked" ]
}

t_memory() { # the daemon's own, read through /proc
	local pid=${PIDS[nsgd]} range from to
	while read -r range _; do
		from=$((16#${range%-*})) to=$((16#${range#*-}))
		[ $((to - from)) -lt $((64 << 20)) ] || continue
		dd if="/proc/$pid/mem" bs=4096 skip=$((from / 4096)) count=$(((to - from) / 4096)) 2>/dev/null
	done < <(grep -E ' rw' "/proc/$pid/maps") >"$T/memory"
	[ -s "$T/memory" ] || { skip "its memory cannot be read here"; return; }
	! grep -qaF "$SECRET" "$T/memory"
}

t_bad_document() { # its errors quote nothing of it
	plant "[{name:\"$NAME\",value:{\"$SECRET\":1}},{name:\"WEBSITE_VNET_ROUTE_ALL\",value:\"1\"},{name:17,value:\"$SECRET\"}]"
	ask
	printf '[{"name":"%s","value":"%s"},{"name":"%s","name":"%s"' $NAME $SECRET $NAME $SECRET >"$T/policy/appsettings.json"
	ask
	printf '[{"name":"%s","value":"%s\x01"}]' $NAME $SECRET >"$T/policy/appsettings.json"
	ask
	printf '{"type":"Microsoft.Web/sites/config","name":"x/appsettings","properties":{"%s":["%s"],"%s":"%s"}}' \
		$NAME $SECRET $NAME $SECRET >"$T/policy/appsettings.json"
	ask
	printf '{"%s":"%s"}' $NAME $SECRET >"$T/policy/appsettings.json"
	ask
	[ -s "$T/asked" ] && clean
}

t_world_readable() {
	plant "[{name:\"$NAME\",value:\"$SECRET\"},{name:\"WEBSITE_VNET_ROUTE_ALL\",value:\"1\"}]"
	"$NSGCTL" check "$T/policy" >"$T/private" 2>&1
	chmod 644 "$T/policy/appsettings.json"
	"$NSGCTL" check "$T/policy" >"$T/public" 2>&1
	! grep -E 'appsettings.json.*warning.*read' "$T/private" &&
		grep -E 'appsettings.json.*warning.*read' "$T/public" && clean
}

t_link() { # another file, which the author of the policy could not read
	printf 'root:%s:19000:0:99999:7:::\n%s\n' $SECRET $NAME >"$T/shadow"
	printf '{"%s": {"password": "%s"}, "list": ["%s", 1]}' $NAME $SECRET $SECRET >"$T/other.json"
	chmod 600 "$T/shadow" "$T/other.json"
	ln -s "$T/shadow" "$T/policy/shadow.json"
	ln -s "$T/other.json" "$T/policy/other.json"
	ask
	rm "$T/policy/shadow.json" "$T/policy/other.json"
	matches "$T/asked" 'shadow.json:1:1: error: not JSON' && matches "$T/asked" 'other.json:1:1: error: unknown document' && clean
}

fact "nsgd runs with a secret planted, and everything is asked" t_start
fact "the secret is in no output, log, record or answer" clean
fact "the secret is not in the daemon's memory" t_memory
fact "no error about the document quotes it" t_bad_document
fact "nor does one about another file, through a link" t_link
fact "a world-readable app settings document gets a warning" t_world_readable
fact "the daemon stops well" nsgd_stop
lab_done
