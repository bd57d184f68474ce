#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Published documents, if they are next to the project; otherwise the test is skipped. Each one, together
# with a small policy, either loads or is reported with line and column. samples/published lists the
# documents that do not load, with their first error.
set -eu
export LC_ALL=C

nsgctl=$PWD/src/nsgctl/nsgctl
top=$(realpath "${srcdir:-.}")
data=$top/../shared/data
[ -d "$data/azure-json" ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077

id=/subscriptions/s/resourceGroups/g/providers/Microsoft.Network
cat >"$work/own.json" <<END
{"id": "$id/virtualNetworks/own", "location": "westeurope", "addressSpace":
 {"addressPrefixes": ["10.200.0.0/16"]}, "subnets": [{"name": "app", "addressPrefix":
 "10.200.1.0/24", "delegations": [{"serviceName": "Microsoft.Web/serverFarms"}],
 "networkSecurityGroup": {"id": "$id/networkSecurityGroups/own"},
 "routeTable": {"id": "$id/routeTables/own"}}]}
{"id": "$id/networkSecurityGroups/own", "securityRules": []}
{"id": "$id/routeTables/own", "routes": []}
END
gzip -dc "$data"/service-tags/ServiceTags_Public_*.json.gz >"$work/tags.json"

n=0
for file in "$data"/azure-json/*/*.json; do
	rm -rf "$work/policy"
	mkdir "$work/policy"
	cp "$file" "$work/policy/it.json"
	ln "$work/own.json" "$work/policy/z-own.json"
	ln "$work/tags.json" "$work/policy/z-tags.json"
	n=$((n + 1))
	status=0
	"$nsgctl" check -o table --subnet own/app "$work/policy" >"$work/said" 2>&1 || status=$?
	[ $status != 0 ] || continue
	[ $status = 3 ] || {
		cat "$work/said" >&2
		echo "$file: exit status $status" >&2
		exit 1
	}
	sed -n "s|^$work/policy/||; /: error: /p" "$work/said" >"$work/errors"
	! grep -vE '^it\.json:[0-9]+:[0-9]+: error: ' "$work/errors" >&2 || {
		echo "$file: an error without its place" >&2
		exit 1
	}
	echo "$(basename "$(dirname "$file")")/$(basename "$file") $(head -n 1 "$work/errors" |
		sed 's/^it\.json://; s/: error: /: /' | cut -c 1-80)"
done >"$work/got"
[ $n != 0 ]
diff "$top/tests/unit/template/samples/published" "$work/got" || {
	echo "the list of documents that do not load has changed"
	exit 1
}
