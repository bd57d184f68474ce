#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Circles between the files of one folder of src/: a .c file depends on another when it includes its header
# or uses its functions. Data does not matter: a table of functions is how a circle is cut. Prints "ok" or
# "not ok" for each folder, with the files of each circle. BUILD is a built tree.
#
# One circle is inherent: template's evaluator calls functions, whose arguments it evaluates.
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-.dev/plain}
EVALUATOR=template/eval

# pairs DIR: "USER USED", one per line. A file is known by its name without .c or .h.
pairs() {
	local dir=$1
	grep -oE "^#[[:space:]]*include \"$(basename "$dir")/[^\"]+\.h\"" "$dir"/*.c |
		sed -E 's#^.*/([^/]+)\.[ch]:.*/([^/]+)\.h"$#\1 \2#'
	nm -A --format=posix "$BUILD/$dir"/*.o | awk '
		{
			sub(/^.*\//, "", $1); sub(/\.o:$/, "", $1)
			if ($3 == "U") uses[$1 " " $2] = 1
			else if ($3 ~ /^[TWi]$/) home[$2] = $1
		}
		END {
			for (u in uses) {
				split(u, part, " ")
				if (part[2] in home) print part[1], home[part[2]]
			}
		}'
}

# circles: the strongly connected components of the pairs, one per line; whatever reaches itself.
circles() {
	sort -u | awk '
		$1 != $2 { edge[$1] = edge[$1] " " $2; file[$1]; file[$2] }
		function reach(from, to,    part, n, i) {
			n = split(edge[to], part, " ")
			for (i = 1; i <= n; i++)
				if (!((from, part[i]) in reached)) {
					reached[from, part[i]]
					reach(from, part[i])
				}
		}
		END {
			for (f in file) reach(f, f)
			for (f in file) {
				if (f in done || !((f, f) in reached)) continue
				members = ""
				for (g in file)
					if ((f, g) in reached && (g, f) in reached) {
						done[g]
						members = members " " g
					}
				print substr(members, 2)
			}
		}'
}

if [ "$(printf 'a b\nb c\nc a\nc d\nd e\nx x\n' | circles | tr ' ' '\n' | sort | xargs)" != "a b c" ]; then
	echo "not ok circles: a planted circle is found"
	exit 1
fi
status=0
for dir in src/*/; do
	dir=${dir%/}
	layer=$(basename "$dir")
	if ! ls "$BUILD/$dir"/*.o >/dev/null 2>&1; then
		echo "not ok circles: $layer has objects in $BUILD"
		status=1
		continue
	fi
	found=
	while read -r circle; do
		[ "$layer" = "${EVALUATOR%/*}" ] && [[ " $circle " == *" ${EVALUATOR#*/} "* ]] && continue
		found+="#   ${circle// / <-> }"$'\n'
	done < <(pairs "$dir" | circles)
	if [ -n "$found" ]; then
		echo "not ok circles: $layer"
		printf '%s' "$found"
		status=1
	else
		echo "ok circles: $layer"
	fi
done
exit $status
