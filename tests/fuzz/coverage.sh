#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# coverage.sh: how many lines of each reader its samples run. Fails when a reader's samples run less
# than LEAST % of its lines, or less than EACH % of the lines of one of its files. BUILD names a tree
# configured with --enable-coverage, its tests built.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$PWD}
LEAST=80 EACH=0
export LC_ALL=C srcdir=$TOP

# "file lines lines-run" of the sources of one pattern, as the last run left them
lines_of() { # PATTERN...
	local pattern file
	cd "$BUILD" || return 1
	for pattern; do
		for file in "$TOP"/$pattern; do
			gcov -n -o "$(dirname "${file#"$TOP"/}")" "${file#"$TOP"/}" 2>/dev/null |
				awk -v want="$file" -v name="${file#"$TOP"/}" '
				/^File/ { found = substr($2, 2, length($2) - 2) }
				/^Lines executed/ && found == want {
					split($2, part, ":")
					print name, $4, part[2] * $4 / 100
					exit
				}'
		done
	done
}

# reader TARGETS SOURCE...: TARGETS are its fuzz targets, one after another
reader() {
	local targets=$1 target
	shift
	find "$BUILD" -name '*.gcda' -delete
	for target in $targets; do
		"$BUILD/tests/fuzz/fuzz_$target" >/dev/null 2>&1 || {
			echo "not ok coverage of $targets: fuzz_$target does not run"
			return 1
		}
	done
	lines_of "$@" | awk -v reader="$targets" -v least="$LEAST" -v each="$EACH" '
		{
			printf "#  %5.1f %% of %4d  %s\n", 100 * $3 / $2, $2, $1
			all += $2; run += $3
			few = few || 100 * $3 / $2 < each
		}
		END {
			percent = all ? 100 * run / all : 0
			short = few || percent < least
			printf "%s coverage of %s: %.1f %% of %d lines\n",
				short ? "not ok" : "ok", reader, percent, all
			exit short
		}'
}

status=0
# Left out: load.c and document_cache.c walk a directory and read its files; a target has one document.
azure=()
for file in src/azure/*.c; do
	case $file in
	src/azure/load.c | src/azure/document_cache.c) ;;
	*) azure+=("$file") ;;
	esac
done
LEAST=90
reader "json policy" src/util/json.c src/util/source.c || status=1
reader template 'src/template/*.c' || status=1
EACH=90 reader "policy template" "${azure[@]}" || status=1
LEAST=80
reader key src/packet/key.c src/flow/view.c || status=1
reader queue src/engine/message.c src/engine/judge.c || status=1
reader conf 'src/conf/*.c' || status=1
reader control src/control/frames.c src/explain/answer.c || status=1
reader flows src/explain/flow.c src/nsgctl/lines.c || status=1
reader "capture reader" src/nsgctl/replay_judge.c src/nsgctl/replay_write.c 'src/flow/[!l]*.c' src/flow/link.c || status=1
reader log src/flow/log_reader.c || status=1
reader "reply reader" src/control/client.c src/nsgctl/filter.c src/nsgctl/trace.c src/nsgctl/comment.c ||
	status=1
reader netlink src/kernel/netlink.c src/kernel/links.c src/kernel/rules.c src/kernel/routes.c \
	src/kernel/route_message.c src/kernel/live_routes.c src/kernel/conntrack.c src/kernel/watch.c src/kernel/status.c || status=1
exit $status
