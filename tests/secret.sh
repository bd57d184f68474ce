#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Secrets planted in every kind of document are in no output of nsgctl: values of settings, connection strings,
# publishing credentials, keys of VPN connections, tags, descriptions, and unknown members, in good documents, in
# broken ones, and cut at any place.
#
#   secret.sh NSGCTL
set -u

nsgctl=$(realpath -e "$1") || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
failed=0

SECRET='SECRET-xyz'
N=/subscriptions/s/resourceGroups/g/providers/Microsoft.Network
W=/subscriptions/s/resourceGroups/g/providers/Microsoft.Web

# Any resource with tags, a description, and members that nsgd does not read.
more=', "tags": {"owner": "SECRET-xyz", "SECRET-xyz": "x"}, "description": "SECRET-xyz", "etag": "SECRET-xyz",
	"sharedKey": "SECRET-xyz", "unread": {"password": ["SECRET-xyz"]}'

# One document of each kind, a file each: NAME, a tab, the document on one line.
documents()
{
	tr -d '\n\t' <<-END | sed 's/;;/\n/g' | sed 's/=/\t/'
		vnet={"id": "$N/virtualNetworks/own", "name": "own", "location": "westeurope",
		"addressSpace": {"addressPrefixes": ["10.200.0.0/16"]}, "subnets": [{"id": "$N/virtualNetworks/own/subnets/app",
		"name": "app", "addressPrefix": "10.200.1.0/24", "delegations": [{"serviceName": "Microsoft.Web/serverFarms"}],
		"networkSecurityGroup": {"id": "$N/networkSecurityGroups/own"}, "routeTable": {"id": "$N/routeTables/own"}$more}],
		"virtualNetworkPeerings": [{"name": "p", "peeringState": "Connected",
		"remoteVirtualNetwork": {"id": "$N/virtualNetworks/far"}, "remoteAddressSpace": {"addressPrefixes": ["10.50.0.0/16"]}$more}]$more};;
		nsg={"id": "$N/networkSecurityGroups/own", "name": "own", "location": "westeurope", "securityRules": [
		{"name": "no", "priority": 100, "access": "Deny", "direction": "Outbound", "protocol": "Tcp",
		"sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "20.1.0.0/16",
		"destinationPortRange": "443"$more}]$more};;
		routes={"id": "$N/routeTables/own", "name": "own", "location": "westeurope", "routes": [{"name": "d",
		"addressPrefix": "20.2.0.0/16", "nextHopType": "None"$more}]$more};;
		appsettings=[{"name": "SECRET-xyz", "slotSetting": false, "value": "x"},
		{"name": "KEY", "slotSetting": false, "value": "SECRET-xyz"},
		{"name": "WEBSITE_DNS_SERVER", "slotSetting": false, "value": "10.200.2.4"},
		{"name": "WEBSITE_DNS_ALT_SERVER", "slotSetting": false, "value": "SECRET-xyz"},
		{"name": "WEBSITE_VNET_ROUTE_ALL", "slotSetting": false, "value": "1"}];;
		connectionstrings={"id": "$W/sites/a/config/connectionstrings", "name": "a/connectionstrings",
		"type": "Microsoft.Web/sites/config", "properties": {"db": {"type": "SQLAzure", "value": "Server=x;Password=SECRET-xyz"}}};;
		settings={"id": "$W/sites/a/config/appsettings", "name": "a/appsettings", "type": "Microsoft.Web/sites/config",
		"properties": {"KEY": "SECRET-xyz", "SECRET-xyz": "x"}};;
		credentials={"id": "$W/sites/a/publishingcredentials/\$a", "name": "a", "type": "Microsoft.Web/sites/publishingcredentials",
		"properties": {"publishingUserName": "SECRET-xyz", "publishingPassword": "SECRET-xyz",
		"scmUri": "https://\$a:SECRET-xyz@a.scm.azurewebsites.net"}};;
		site={"id": "$W/sites/a", "name": "a", "type": "Microsoft.Web/sites", "location": "westeurope", "kind": "app",
		"virtualNetworkSubnetId": "$N/virtualNetworks/own/subnets/app", "vnetRouteAllEnabled": true, "siteConfig":
		{"appSettings": [{"name": "KEY", "value": "SECRET-xyz"}], "connectionStrings": [{"name": "db",
		"connectionString": "SECRET-xyz"}], "publishingPassword": "SECRET-xyz", "azureStorageAccounts":
		{"m": {"accessKey": "SECRET-xyz"}}}$more};;
		plan={"id": "$W/serverfarms/p", "name": "p", "type": "Microsoft.Web/serverfarms", "location": "westeurope",
		"sku": {"name": "S1", "tier": "Standard", "capacity": 1}$more};;
		connection={"id": "$N/connections/c", "name": "c", "type": "Microsoft.Network/connections", "location": "westeurope",
		"properties": {"connectionType": "IPsec", "authorizationKey": "SECRET-xyz"$more}};;
		localgateway={"id": "$N/localNetworkGateways/l", "name": "l", "type": "Microsoft.Network/localNetworkGateways",
		"location": "westeurope", "localNetworkAddressSpace": {"addressPrefixes": ["172.20.0.0/16"]},
		"gatewayIpAddress": "192.0.2.1", "bgpSettings": {"asn": 65001, "bgpPeeringAddress": "SECRET-xyz"}$more};;
		gateway={"id": "$N/virtualNetworkGateways/g", "name": "g", "type": "Microsoft.Network/virtualNetworkGateways",
		"location": "westeurope", "vpnClientConfiguration": {"vpnClientAddressPool": {"addressPrefixes": ["172.21.0.0/16"]},
		"radiusServerSecret": "SECRET-xyz", "vpnClientRootCertificates": [{"publicCertData": "SECRET-xyz"}]}$more};;
		learned={"value": [{"network": "172.22.0.0/16", "localAddress": "10.200.0.4", "nextHop": "192.168.0.1",
		"sourcePeer": "192.168.0.1", "origin": "EBgp", "asPath": "65001", "weight": 32768$more}]};;
		effective={"value": [{"addressPrefix": ["172.23.0.0/16"], "nextHopIpAddress": ["10.200.0.4"],
		"nextHopType": "VirtualNetworkGateway", "source": "VirtualNetworkGateway", "state": "Active"$more}]};;
		endpoint={"id": "$N/privateEndpoints/e", "name": "e", "type": "Microsoft.Network/privateEndpoints",
		"location": "westeurope", "subnet": {"id": "$N/virtualNetworks/own/subnets/pe"}, "customDnsConfigs":
		[{"fqdn": "x.example", "ipAddresses": ["10.200.2.4"]}], "privateLinkServiceConnections": [{"name": "c",
		"requestMessage": "SECRET-xyz"}]$more};;
		nic={"id": "$N/networkInterfaces/n", "name": "n", "type": "Microsoft.Network/networkInterfaces", "location": "westeurope",
		"macAddress": "SECRET-xyz", "ipConfigurations": [{"name": "i", "privateIpAddress": "10.200.3.4"$more}]$more};;
		admin={"value": [{"id": "$N/networkManagers/m/securityAdminConfigurations/c/ruleCollections/r/rules/no", "kind": "Custom",
		"configurationDescription": "SECRET-xyz", "ruleCollectionDescription": "SECRET-xyz", "properties": {"access": "Deny",
		"direction": "Outbound", "priority": 10, "protocol": "Any", "sources": [], "destinations": [{"addressPrefix":
		"20.3.0.0/16", "addressPrefixType": "IPPrefix"}], "sourcePortRanges": ["0-65535"],
		"destinationPortRanges": ["0-65535"]$more}}]};;
		tags={"name": "Public", "id": "Public", "cloud": "Public", "changeNumber": 1, "values": [{"name": "Storage",
		"id": "Storage", "properties": {"addressPrefixes": ["20.60.0.0/16"]$more}}]$more};;
		natgateway={"id": "$N/natGateways/t", "name": "t", "type": "Microsoft.Network/natGateways", "location": "westeurope"$more};;
		zone={"id": "$N/privateDnsZones/z", "name": "z", "type": "Microsoft.Network/privateDnsZones", "location": "global"$more};;
		storage={"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x", "name": "x",
		"type": "Microsoft.Storage/storageAccounts", "keys": [{"value": "SECRET-xyz"}]$more};;
		unknown={"SECRET-xyz": "SECRET-xyz", "connectionString": "SECRET-xyz"};;
		template={"\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
		"contentVersion": "1.0.0.0", "parameters": {"key": {"type": "secureString", "defaultValue": "SECRET-xyz"}},
		"variables": {"key": "SECRET-xyz"}, "resources": [{"type": "Microsoft.Web/sites/config", "apiVersion": "2023-01-01",
		"name": "a/appsettings", "properties": {"KEY": "[parameters('key')]", "WEBSITE_DNS_SERVER": "10.200.2.4", "OTHER": "[variables('key')]", "SECRET-xyz": "x"}},
		{"type": "Microsoft.Network/connections", "apiVersion": "2023-01-01", "name": "c", "location": "westeurope",
		"properties": {"sharedKey": "[parameters('key')]"}}]};;
		parameters={"\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
		"contentVersion": "1.0.0.0", "parameters": {"key": {"value": "SECRET-xyz"}, "SECRET-xyz": {"value": 1}}};;
	END
}

# Every verb on the directory, all output into one file.
ask()
{
	local form verb

	for form in table json jsonl; do
		for verb in effective-nsg effective-routes 'explain --protocol tcp --src 10.200.1.4 --dst 20.1.2.3:443' \
			'show-next-hop --source-ip 10.200.1.4 --dest-ip 172.22.0.1' check; do
			# shellcheck disable=SC2086
			"$nsgctl" -p "$1" --profile current $verb -o $form
		done
	done >>"$work/asked" 2>&1
	"$nsgctl" check -v "$1" >>"$work/asked" 2>&1
}

# NAME: what was asked since the last time holds no secret, and is something.
report()
{
	if [ ! -s "$work/asked" ]; then
		echo "not ok secret: $1: no output"
		failed=1
	elif grep -aqF -e "$SECRET" -e 'Sanitizer:' -e 'runtime error:' "$work/asked"; then
		echo "not ok secret: $1"
		grep -aF -m 3 -e "$SECRET" -e 'Sanitizer:' -e 'runtime error:' "$work/asked" | cut -c 1-300 | sed 's/^/    /'
		failed=1
	else
		echo "ok secret: $1"
	fi
	: >"$work/asked"
}

# What a valid policy needs in addition to the document.
base()
{
	local name

	rm -rf "$work/policy"
	mkdir "$work/policy"
	for name in vnet nsg routes; do
		[ "$1" = $name ] || cp "$work/all/$name.json" "$work/policy/z-$name.json"
	done
}

mkdir "$work/all"
documents | while IFS=$'\t' read -r name document; do
	printf '%s\n' "$document" >"$work/all/$name.json"
done
[ -e "$work/all/vnet.json" ] && jq -e . "$work"/all/*.json >/dev/null || { echo "not ok secret: the documents"; exit 1; }

for file in "$work"/all/*.json; do
	name=$(basename "$file" .json)
	base "$name"
	cp "$file" "$work/policy"
	ask "$work/policy"
	report "$name"
	mutations=('walk(if type == "string" then {a: .} else . end)'
		'walk(if type == "object" then with_entries(.key |= if . == "value" then "SECRET-xyz" else . end) else . end)')
	# Where no member decides, none may be quoted; elsewhere an error names the value that is wrong.
	case $name in
	appsettings | settings | connectionstrings | credentials | unknown | connection | storage | parameters)
		mutations+=('(.. | scalars) |= "SECRET-xyz"' '(.. | strings) |= ["SECRET-xyz"]'
			'walk(if type == "object" then with_entries(.key += "SECRET-xyz") else . end)')
		;;
	esac
	for broken in "${mutations[@]}"; do
		jq "$broken" "$file" >"$work/policy/$name.json" || { echo "not ok secret: $name: $broken"; failed=1; }
		"$nsgctl" check -v "$work/policy" >>"$work/asked" 2>&1
	done
	for part in 1 2 3 5 8 13; do
		head -c $(($(stat -c %s "$file") * part / 14)) "$file" >"$work/policy/$name.json"
		"$nsgctl" check "$work/policy" >>"$work/asked" 2>&1
	done
	report "$name, broken"
done
ask "$work/all"
report "all documents together"
mkdir "$work/good"
for name in vnet nsg routes appsettings site plan learned effective endpoint tags; do
	cp "$work/all/$name.json" "$work/good"
done
"$nsgctl" check "$work/good" >"$work/out" 2>&1 || { echo "not ok secret: the sample is not valid"; cat "$work/out"; exit 1; }
ask "$work/good"
report "a valid policy"
# flatten writes what decides, and app settings are its input: its files may hold no other setting.
"$nsgctl" flatten "$work/all/template.json" -o "$work/flat" >"$work/asked" 2>&1
report "flatten"
if [ -d "$work/flat" ] && grep -raqF "$SECRET" "$work/flat"; then
	echo "not ok secret: files of flatten"
	failed=1
else
	echo "ok secret: files of flatten"
fi
exit $failed
