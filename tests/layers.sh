#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The table of docs/ARCHITECTURE.md, checked: which layer may include which. "ok" or "not ok" for each layer.
# Files that the documentation names must exist.
cd "$(dirname "$0")/.." || exit 1

# may LAYER: the last column of its row: "model/" for a layer, "classify/image.h" for a header, "<jansson>" for
# a library. Nothing for a layer without a row.
may() {
	local word
	sed -n "s/^| \`$1\` |.*| \(.*\) |\$/\1/p" docs/ARCHITECTURE.md | tr -d ' `' | tr ',' '\n' |
		while read -r word; do
			case $word in
			*.h) echo "$word" ;;
			inih) echo "<ini>" ;;
			*) if [ -d "src/$word" ]; then echo "$word/"; else echo "<$word>"; fi ;;
			esac
		done | xargs
}

status=0
for layer in $(sed -n 's/^| `\([a-z]*\)` |.*|.*|.*|$/\1/p' docs/ARCHITECTURE.md); do
	if [ ! -d "src/$layer" ]; then
		echo "not ok the table has $layer, which is not in src"
		status=1
	fi
done
for file in $(grep -ohE '`[a-z_/-]+/[a-z_.-]+\.(c|h|sh|md|nft)`' docs/*.md | tr -d '`' | sort -u); do
	if [ ! -e "$file" ] && [ ! -e "src/$file" ]; then
		echo "not ok the documentation names $file, which does not exist"
		status=1
	fi
done
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
			# Private headers do not cross folders.
			found=
			for a in $allowed; do
				case $a in
				*.h) [ "$want" != "$a" ] || found=1 ;;
				*/) [[ $want != "$a"* ]] || found=1 ;;
				esac
			done
			[[ $want != *_priv.h ]] || found=
			;;
		'<jansson>' | '<ini>' | '<libmnl>' | '<libnftnl>' | '<libnetfilter_'* | '<systemd>' | '<seccomp>' | '<pcap>')
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
