#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/ARCHITECTURE.md's table, checked: which layer may include which. "ok" or "not ok" a layer.
cd "$(dirname "$0")/.." || exit 1

may() {
	case $1 in
	util) echo "<jansson>" ;;
	conf) echo "util/ <ini>" ;;
	template | packet) echo "util/ <jansson>" ;;
	model) echo "packet/key.h util/ <jansson>" ;;
	azure | lint) echo "model/ util/ <jansson>" ;;
	compile) echo "model/ classify/image.h classify/image_layout.h util/" ;;
	classify) echo "packet/ util/" ;;
	snapshot) echo "azure/ model/ compile/compile.h classify/image.h util/" ;;
	explain) echo "model/ classify/ packet/ observe/record.h util/ <jansson>" ;;
	flow) echo "packet/ util/" ;;
	kernel) echo "conf/ classify/image.h util/ <jansson> <libmnl> <libnftnl> <libnetfilter_conntrack>" ;;
	engine) echo "packet/ classify/ observe/ conf/ util/ <libnetfilter_queue> <libmnl>" ;;
	observe) echo "packet/ classify/classify.h classify/image.h util/ <jansson>" ;;
	control) echo "util/ <jansson>" ;;
	nsgctl) echo "util/ conf/ model/ lint/ azure/ template/ packet/ classify/ snapshot/ explain/ flow/ observe/ control/ <jansson> <pcap>" ;;
	nsgd) echo "util/ conf/ model/ packet/ classify/ snapshot/ explain/ observe/ kernel/ engine/ control/ <jansson> <systemd>" ;;
	esac
}

status=0
for dir in src/*/; do
	layer=$(basename "$dir")
	allowed=$(may "$layer")
	if [ -z "$allowed" ]; then
		echo "not ok layer $layer is in the table"
		status=1
		continue
	fi
	bad=
	while IFS=: read -r file line text; do
		case $text in
		*'"config.h"'*) continue ;;
		*'"'*) want=$(sed 's/.*"\(.*\)".*/\1/' <<<"$text") ;;
		*) want=$(sed 's/.*\(<[^/.>]*\).*/\1>/' <<<"$text") ;;
		esac
		case $want in
		"$layer"/*) continue ;;
		*/*)
			# A header of one's own folder may be named without the folder; a private header stays at home.
			found=
			for a in $allowed; do
				case $a in
				*.h) [ "$want" != "$a" ] || found=1 ;;
				*/) [[ $want != "$a"* ]] || found=1 ;;
				esac
			done
			[[ $want != *_priv.h ]] || found=
			;;
		'<jansson>' | '<ini>' | '<libmnl>' | '<libnftnl>' | '<libnetfilter_'* | '<systemd>' | '<pcap>')
			found=
			[[ " $allowed " != *" $want "* ]] || found=1
			;;
		*) continue ;;
		esac
		[ -n "$found" ] || bad+="#   $file:$line includes $want"$'\n'
	done < <(grep -rnE --include="*.[ch]" "^[[:space:]]*#[[:space:]]*include" "$dir")
	if [ -n "$bad" ]; then
		echo "not ok $layer includes only what it may ($allowed)"
		printf '%s' "$bad"
		status=1
	else
		echo "ok $layer includes only what it may"
	fi
done
exit $status
