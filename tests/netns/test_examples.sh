#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The examples of nsgctl(1): there is one for every verb, and each does what it is there for.
. "$(dirname "$0")/lib.sh"
lab_enter "$@"
lab_make && lab_far_ends || exit 1
conf subnet.watch=no

t_start() { # what the examples expect in the current directory
	policy_copy && mkdir "$T/work" && cd "$T/work" && ln -s ../policy policy && nsgd_start && nsgd_trace || return 1
	echo '{"id":"f1","protocol":"TCP","src":"10.0.1.4","srcPort":50000,"dst":"8.8.8.8","dstPort":53}' >flows.jsonl
	cat >main.json <<-'END'
		{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
		 "parameters": {"name": {"type": "string"}}, "resources": [{"type": "Microsoft.Network/routeTables",
		 "apiVersion": "2023-09-01", "name": "[parameters('name')]", "location": "westeurope", "properties": {"routes": []}}]}
	END
	echo '{"parameters": {"name": {"value": "rt"}}}' >main.parameters.json
	mkdir insights-logs-flowlogflowevent && cp "$LAB_TOP/tests/fuzz/corpus/log/vnet" insights-logs-flowlogflowevent/PT1H.json
	spawn writer app "$NSGCTL" trace -w "$T/work/app.pcap" --count 20
	eventually 5 eval 'in_ns app "$TRAFFIC" send -f 20 udp 10.0.2.4:161 >/dev/null; ! alive writer'
}

# As a person types them: the lines that begin with nsgctl, also after a prompt, without the output.
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl \(\$ \)*\(nsgctl .*\)/\2/p' "$LAB_TOP/man/nsgctl.1" | sed 's/\\-/-/g; s/\\ / /g'
}

runs() { # COMMAND: as printed, for a short time
	local want=0 command=$1
	case $command in
	*--expect*) want=1 ;; # the sample policy denies it
	*' | wireshark '*) command=${command%% | wireshark *}' >/dev/null' ;;
	*' flatten '*) mkdir -p flat && cp main*.json flat && command="cd flat && $command" ;;
	esac
	# --foreground: else it sends SIGCONT too, which takes away the SIGSTOP that the leak sanitizer waits for when a program
	# ends, without a limit. SIGTERM, for SIGINT is ignored in a background job until a program handles it.
	timeout --foreground -k 20 1 nsenter --net="/run/netns/$LAB-app" -- bash -c "nsgctl() { exec '$NSGCTL' \"\$@\"; }; $command" \
		</dev/null >"$T/out" 2>"$T/err"
	local status=$?
	is $status $want || is $status 124
}

t_every_verb() {
	local verb
	for verb in $("$NSGCTL" help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'); do
		sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$LAB_TOP/man/nsgctl.1" |
			grep -Eq -- "nsgctl (.* )?$verb( |\$)" || { echo "# no example of $verb"; return 1; }
	done
}

fact "nsgd starts" t_start
fact "every verb has an example" t_every_verb
while read -r example; do
	fact "$example" runs "$example"
done < <(examples)
lab_done
