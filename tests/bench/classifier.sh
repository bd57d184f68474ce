#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The classifier's figures: classifier.sh OUTDIR BUILDDIR [ROUNDS]
# Prints a table; OUTDIR gets classifier.json ({"rows": [...], "goals": [...]}), growth.dat, growth.svg.
# The data is DATA, by default shared/data beside the project.
set -euo pipefail

[ $# -ge 2 ] || {
	echo "usage: classifier.sh OUTDIR BUILDDIR [ROUNDS]" >&2
	exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
build=$2
rounds=${3:-7}
from=${DATA:-$here/../../../shared/data}

# unpack NAME FILE...: the last of the files, unpacked into the output folder.
unpack() {
	local name=$1 packed=${*: -1}
	if [ -e "$packed" ]; then
		zcat "$packed" >"$out/data/$name"
	else
		echo "classifier.sh: no $packed: what needs it is left out" >&2
	fi
}

rm -rf "$out/data"
mkdir -p "$out/data"
trap 'rm -rf "$out/data" "$out/policy" "$out/load.json"' EXIT
unpack service-tags.json "$from"/service-tags/ServiceTags_Public_*.json.gz
unpack routes.txt "$from"/routes/*.txt.gz
[ ! -d "$from/classbench" ] || cp -r "$from/classbench" "$out/data/classbench"
chmod -R u+w "$out/data"

[ ! -e "$out/data/service-tags.json" ] ||
	"$build/tests/bench/classifier_load" "$out/data/service-tags.json" "$out" "$rounds"
"$build/tests/bench/classifier" "$out/data" "$out" "$rounds"
if command -v gnuplot >/dev/null; then
	gnuplot -e "dat='$out/growth.dat'; svg='$out/growth.svg'" "$here/classifier.gnuplot"
else
	echo "classifier.sh: no gnuplot: growth.svg is left out" >&2
fi
