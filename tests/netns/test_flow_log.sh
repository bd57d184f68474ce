#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flow logs in Azure's layout: begin, end with counters both ways, denied; both formats; a full disk.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
policy_copy
route_all on
LOGS=$T/logs
mkdir "$LOGS"

# A line a tuple, its rule after it, when everything has the form that Azure documents.
tuples() { # FILE
	/usr/bin/python3 - "$1" <<-'END'
		import json, re, sys

		def check(value, form):
		    if not isinstance(value, str) or not re.fullmatch(form, value):
		        sys.exit(f'{value} is not {form}')

		VNET = 'time flowLogVersion flowLogGUID macAddress category flowLogResourceID targetResourceID operationName flowRecords'
		NSG = 'time systemId macAddress category resourceId operationName properties'
		LOG = '/SUBSCRIPTIONS/[^/]+/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/NETWORKWATCHER_[^/]+/FLOWLOGS/[^/]+-FLOWLOG'
		GUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
		FLOW = '([0-9]{1,3}[.]){3}[0-9]{1,3},([0-9]{1,3}[.]){3}[0-9]{1,3},[0-9]{1,5},[0-9]{1,5}'

		document = json.load(open(sys.argv[1]))
		if list(document) != ['records']:
		    sys.exit('not a flow log')
		for record in document['records']:
		    check(record['time'], '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{7}Z')
		    check(record['macAddress'], '[0-9A-F]{12}')
		    groups = []
		    if record['category'] == 'FlowLogFlowEvent':
		        check(' '.join(record), VNET)
		        check(record['flowLogResourceID'], LOG)
		        check(record['flowLogGUID'], GUID)
		        check(record['operationName'], 'FlowLogFlowEvent')
		        if record['flowLogVersion'] != 4:
		            sys.exit('not version 4')
		        form = f'[0-9]{{13}},{FLOW},[0-9]{{1,3}},O,([CE],NX(,[0-9]+){{4}}|[BD],NX,0,0,0,0)'
		        for flow in record['flowRecords']['flows']:
		            check(' '.join(flow), 'aclID flowGroups')
		            groups += flow['flowGroups']
		    else:
		        check(' '.join(record), NSG)
		        check(record['systemId'], GUID)
		        check(record['category'], 'NetworkSecurityGroupFlowEvent')
		        check(record['operationName'], 'NetworkSecurityGroupFlowEvents')
		        if record['properties']['Version'] != 2:
		            sys.exit('not version 2')
		        form = f'[0-9]{{10}},{FLOW},[TU],O,(A,B,,,,|D,B,,,,|A,[CE](,[0-9]+){{4}})'
		        for rule in record['properties']['flows']:
		            for flow in rule['flows']:
		                check(flow['mac'], record['macAddress'])
		                groups.append({'rule': rule['rule'], 'flowTuples': flow['flowTuples']})
		    for group in groups:
		        check(' '.join(group), 'rule flowTuples')
		        for tuple in group['flowTuples']:
		            check(tuple, form)
		            print(tuple, group['rule'])
	END
}

file() { # the only file, at the place of this hour
	find "$LOGS" -type f
}

t_start() {
	conf "flow-log.directory=$LOGS" log.decisions=denied
	nsgd_start && is "$(ctl status -o json | jq -r .flowLog.directory)" "$LOGS"
}

t_traffic() {
	probe tcp 10.0.2.4:5432 && is "$ANSWERED" yes && ALLOWED=$SPORT
	probe tcp 10.0.2.4:22 && is "$ANSWERED" no && DENIED=$SPORT
	probe tcp 10.0.2.4:22 && DENIED_AGAIN=$SPORT # would be the kernel's answer
	eventually 5 eval '[ "$(ctl status -o json | jq .flowLog.flows)" -ge 1 ]' &&
		in_ns app conntrack -D -p tcp --orig-port-src "$ALLOWED" >/dev/null 2>&1 &&
		probe udp 203.0.113.10:443 && LEFT=$SPORT &&
		eventually 5 eval '[ "$(ctl status -o json | jq .flowLog.flows)" -ge 1 ]'
}

t_vnet() {
	local before after
	before=$(date -u +y=%Y/m=%m/d=%d/h=%H)
	nsgd_stop || return 1
	after=$(date -u +y=%Y/m=%m/d=%d/h=%H)
	file >"$T/files"
	matches "$T/files" "^$LOGS/flowLogResourceID=/[0-9A-F-]+_NETWORKWATCHERRG/NETWORKWATCHER_[A-Z]+_VNET-SHOP-[A-Z0-9-]+-FLOWLOG/($before|$after)/m=00/macAddress=02000A000104/PT1H.json$" &&
		is "$(wc -l <"$T/files")" 1 && tuples "$(file)" >"$T/tuples" || return 1
	# both ways counted, the headers too
	matches "$T/tuples" "^[0-9]+,10.0.1.4,10.0.2.4,$ALLOWED,5432,6,O,B,NX,0,0,0,0 UserRule_AllowDatabase$" &&
		matches "$T/tuples" "^[0-9]+,10.0.1.4,10.0.2.4,$ALLOWED,5432,6,O,E,NX,[1-9][0-9]*,[1-9][0-9]{2,},[1-9][0-9]*,[1-9][0-9]{2,} UserRule_AllowDatabase$" &&
		matches "$T/tuples" "^[0-9]+,10.0.1.4,203.0.113.10,$LEFT,443,17,O,B,NX,0,0,0,0 DefaultRule_AllowInternetOutBound$" || return 1
	for port in $DENIED $DENIED_AGAIN; do
		is "$(grep -Ec "^[0-9]+,10.0.1.4,10.0.2.4,$port,22,6,O,D,NX,0,0,0,0 UserRule_DenyRestOfData$" "$T/tuples")" 1 || return 1
	done
}

t_replay() { # what nsgd decided, its policy decides again
	"$NSGCTL" -p "$T/policy" replay -o jsonl "$LOGS" >"$T/replayed" 2>"$T/replay.log" &&
		is "$(jq -r .agrees "$T/replayed" | sort | uniq -c | xargs)" "$(tuples "$(file)" | wc -l) true"
}

t_accounting() { # switched on for the log, and off again
	is "$(in_ns app sysctl -n net.netfilter.nf_conntrack_acct)" 0
}

t_again() { # the next run appends to the file of the hour
	local hour old
	hour=$(date -u +%H) old=$(file)
	cp "$old" "$T/before"
	nsgd_start && probe tcp 10.0.2.4:22 && settle && nsgd_stop || return 1
	[ "$hour" = "$(date -u +%H)" ] || { skip "the hour has ended"; return; }
	is "$(file)" "$old" && is "$(jq '.records | length' "$old")" $(($(jq '.records | length' "$T/before") + 1)) &&
		is "$(jq -c '.records[0]' "$old")" "$(jq -c '.records[0]' "$T/before")" && tuples "$old" >/dev/null
}

t_full_disk() { # is reported, and leaves what there is as it was
	local before
	mount -t tmpfs -o size=64k tmpfs "$LOGS" || return 1
	nsgd_start && probe tcp 10.0.2.4:22 && settle && nsgd_stop || return 1
	before=$(md5sum <"$(file)")
	head -c 200k /dev/zero >"$LOGS/full" 2>/dev/null
	nsgd_start && probe tcp 10.0.2.4:22 && settle && nsgd_stop || return 1
	grep -q 'flow log.*cannot be written.*No space left' "$T/nsgd.log" && grep -q 'last minutes of the flow log .* are lost' "$T/nsgd.log" || return 1
	rm "$LOGS/full"
	is "$(md5sum <"$(file)")" "$before" && tuples "$(file)" >/dev/null
	local status=$?
	umount "$LOGS"
	return $status
}

t_no_answer() { # a disk that does not answer, here a pipe that no process writes: the stop goes on
	local name
	name=$(file)
	rm "$name" && mkfifo "$name" || return 1
	nsgd_start && probe tcp 10.0.2.4:22 && settle && kill -TERM "${PIDS[nsgd]}" && ended nsgd 8 || return 1
	stop notify
	nothing_left && matches "$T/nsgd.log" 'last minutes of the flow log .* are lost: the disk does not answer'
}

t_nsg() {
	rm -r "${LOGS:?}"/*
	conf "flow-log.directory=$LOGS" flow-log.format=nsg
	nsgd_start && probe tcp 10.0.2.4:22 && DENIED=$SPORT && probe tcp 10.0.2.4:5432 && ALLOWED=$SPORT && settle && nsgd_stop || return 1
	file >"$T/files"
	matches "$T/files" "^$LOGS/resourceId=/SUBSCRIPTIONS/[0-9A-F-]+/RESOURCEGROUPS/[^/]+/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/[^/]+/y=[0-9]{4}/m=[0-9]{2}/d=[0-9]{2}/h=[0-9]{2}/m=00/macAddress=02000A000104/PT1H.json$" &&
		tuples "$(file)" >"$T/tuples" &&
		matches "$T/tuples" "^[0-9]+,10.0.1.4,10.0.2.4,$DENIED,22,T,O,D,B,,,, UserRule_DenyRestOfData$" &&
		matches "$T/tuples" "^[0-9]+,10.0.1.4,10.0.2.4,$ALLOWED,5432,T,O,A,B,,,, UserRule_AllowDatabase$"
}

fact "nsgd starts with a flow log" t_start
fact "flows begin, end, are denied, go on" t_traffic
fact "the VNet flow log has each in its state, at Azure's place" t_vnet
fact "replay decides each tuple as it is logged" t_replay
fact "the kernel's counters are as they were" t_accounting
fact "another run appends to the hour's file" t_again
fact "a full disk is reported and leaves the file whole" t_full_disk
fact "a disk that does not answer delays a stop by two seconds" t_no_answer
fact "the NSG flow log" t_nsg
fact "replay decides each tuple of that too as it is logged" t_replay
lab_done
