#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Decisions in the journal: fields, one line for a rule and destination with a sum, flows instead of packets in audit.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
CATALOG=$LAB_TOP/systemd/nsgd.catalog

# A journal that writes the datagrams of sd_journal_send(3) to $T/journal.log: entries with a line per field.
journal_start() {
	mkdir -p /run/systemd/journal
	rm -f /run/systemd/journal/socket
	spawn journal app socat -u UNIX-RECV:/run/systemd/journal/socket STDOUT
	eventually 5 [ -S /run/systemd/journal/socket ] || return 1
	: >"$T/nsgd.log"
	JOURNAL_STREAM=$(stat -c %d:%i "$T/nsgd.log")
	export JOURNAL_STREAM
}

entries() { # FIELD=VALUE: how many have it
	grep -c "^$1\$" "$T/journal.log"
}

t_fields() {
	journal_start || return 1
	conf log.decisions=denied offload.answers=no
	nsgd_start && [ ! -s "$T/nsgd.log" ] || return 1
	probe udp 203.0.113.10:53
	eventually 2 matches "$T/journal.log" '^NSGD_COUNT=1$' || return 1
	local field
	for field in 'MESSAGE=drop: nsg-deny UDP 10.0.1.4:.* -> 203.0.113.10:53, rule DenyPublicDns \(410\), route 0.0.0.0/0 Internet' \
		PRIORITY=6 NSGD_INSTANCE=nsgd NSGD_VERDICT=drop NSGD_REASON=nsg-deny NSGD_ENFORCED=yes NSGD_GATE=route-all \
		NSGD_RULE=DenyPublicDns NSGD_PRIORITY=410 NSGD_ROUTE=0.0.0.0/0 NSGD_NEXT_HOP=Internet NSGD_PROTOCOL=UDP \
		NSGD_DST=203.0.113.10 NSGD_DST_PORT=53 NSGD_SRC=10.0.1.4 "NSGD_SRC_PORT=$SPORT" 'NSGD_HOST_SRC=.*' 'NSGD_UID=[0-9]+' 'MESSAGE_ID=[0-9a-f]{32}'; do
		matches "$T/journal.log" "^$field\$" || return 1
	done
}

t_one_line() { # of a rule and destination; another one has its own
	in_ns app "$TRAFFIC" send -f 20 udp 10.0.2.4:161 >/dev/null
	probe udp 10.0.2.4:514
	eventually 2 eval '[ "$(entries NSGD_DST=10.0.2.4)" = 2 ]' && is "$(entries NSGD_DST_PORT=161)" 1
}

t_sum() { # what followed, at the end of the minute or of nsgd
	nsgd_stop || return 1
	eventually 2 matches "$T/journal.log" '^NSGD_COUNT=19$' &&
		matches "$T/journal.log" '^MESSAGE=drop: nsg-deny UDP -> 10.0.2.4:161, rule DenyRestOfData .*: 19 more flows within a minute$' &&
		is "$(entries NSGD_DST_PORT=161)" 2 && is "$(entries NSGD_DST_PORT=514)" 1
}

t_catalog() { # each message has an entry, and each of its fields exists
	local id field
	for id in $(sed -n 's/^MESSAGE_ID=//p' "$T/journal.log" | sort -u); do
		grep -q "^-- $id\$" "$CATALOG" || return 1
	done
	is "$(sed -n 's/^MESSAGE_ID=//p' "$T/journal.log" | sort -u | wc -l)" "$(grep -c '^-- ' "$CATALOG")" || return 1
	for field in $(grep -o '@[A-Z_]*@' "$CATALOG" | tr -d @ | sort -u); do
		matches "$T/journal.log" "^$field=" || return 1
	done
}

t_audit() { # a connection's packets are one flow
	stop journal
	journal_start || return 1
	conf log.decisions=denied nsgd.mode=audit
	nsgd_start || return 1
	probe tcp 10.0.2.4:22
	is "$ANSWERED" yes || return 1
	probe udp 203.0.113.10:53
	eventually 2 matches "$T/journal.log" '^NSGD_DST_PORT=53$' && nsgd_stop &&
		is "$(entries NSGD_DST_PORT=22)" 1 && is "$(entries NSGD_ENFORCED=no)" 2
}

fact "a denied flow has fields" t_fields
fact "a rule and destination has one line" t_one_line
fact "the flows that followed are a sum" t_sum
fact "the catalogue has every message" t_catalog
fact "audit: a line per flow" t_audit
lab_done
