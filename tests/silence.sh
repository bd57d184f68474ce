#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever a policy directory holds is read, skipped or refused, and nsgctl check counts it.
#
#   silence.sh NSGCTL DIRECTORY...
#
# Each directory called `policy` below the directories is checked as it is, and each other *.json alone in a
# directory. What is in the documents, as jq counts it here, must be what the last line of `nsgctl check` (text, on
# standard output, with and without errors) counts:
#
#   read 3 NSGs, 1 route table, 14 private endpoints; 6 resources of no use skipped; 2 refused
#   read nothing; 1 resource of no use skipped
#
# `read` is followed by the kinds in a fixed order, each with its number, singular after 1, or by `nothing`; the
# second and the third part are left out when they are 0. -o json and jsonl print the records alone, as before.
#
# The unit is the resource at the top of a document: an element of a list or of {"value": []} that has a
# resource id or a type of Microsoft's; a document that is not a list; a resource of a template, children in its
# `resources` included. Elements of a list without id and type (rules, routes, settings, learned routes) are one
# unit together, as is a route server's document. A value that is not read as any of them (unknown, a stub, a
# syntax error, a template that cannot be evaluated) is one refused unit; one that is read and has an error inside
# is counted as read. A copy of a resource is a unit of its own. Parts of a resource are not counted.
#
# A unit refused makes the exit status 3; one skipped has a notice or a warning.
set -u

nsgctl=$(realpath -e "$1") || exit 2
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

utf8()
{
	case $(head -c 2 "$1" | od -An -tx1) in
	' ff fe' | ' fe ff') iconv -f UTF-16 -t UTF-8 "$1" ;;
	*) cat "$1" ;;
	esac
}

# Units of a file; "?" for a template whose resources depend on its evaluation; "N or 1" for another template,
# which may be one refused unit; 1 for a syntax error.
units()
{
	utf8 "$1" | jq -sr '
		def resource: type == "object" and
			(((.type | strings | test("^Microsoft\\.[^/]*/"; "i")) // false) or
			 ((.id | strings | test("/providers/"; "i")) // false));
		def template: type == "object" and (.contentVersion != null) and (.resources | type | IN("array", "object"));
		def known: all(.. | objects; (has("copy") or has("condition") or
			((.type | strings | test("^Microsoft.Resources/deployments$"; "i")) // false)) | not);
		def flat: .[] | ., (.resources | arrays, objects | flat);
		def units:
			if type == "array" then
				(map(select(resource)) | length) + (if all(resource) then 0 else 1 end)
			elif type != "object" then 1
			elif template then if known then "\([.resources | flat] | length) or 1" else "?" end
			elif (has("type") | not) and has("value") and (.value | type == "array" or . == null) and
				(keys | any(startswith("RouteServiceRole_IN_")) | not) then .value // [] | units
			elif .responses | type == "object" then
				.responses | (.["200"] // .["201"] // {}).body // {} | units
			else 1 end;
		map(units) | if length == 1 then .[0] elif any(strings) then "?" else add // 0 end' 2>/dev/null || echo 1
}

# What the line counts: read, skipped, refused.
counted()
{
	tail -n 1 "$1" | awk '
		!/^read (nothing|[0-9]+ [A-Za-z -]+(, [0-9]+ [A-Za-z -]+)*)(; [0-9]+ resources? of no use skipped)?(; [0-9]+ refused)?$/ {
			exit 1
		}
		{
			sub(/^read /, "")
			n = split($0, parts, "; ")
			m = split(parts[1], kinds, ", ")
			for (i = 1; i <= m; i++)
				read += kinds[i] + 0
			for (i = 2; i <= n; i++)
				if (parts[i] ~ /skipped$/) skipped = parts[i] + 0
				else refused = parts[i] + 0
			print read + 0, skipped + 0, refused + 0
		}'
}

problem()
{
	echo "not ok $1: $2"
	failed=$((failed + 1))
}

# A directory, what it holds, its name.
compare()
{
	local status read skipped refused

	"$nsgctl" check "$1" >"$work/out" 2>&1
	status=$?
	if ! counted "$work/out" >"$work/counted"; then
		problem "$3" "the last line counts nothing: $(tail -n 1 "$work/out")"
		return
	fi
	read -r read skipped refused <"$work/counted"
	if [ "$2" != '?' ] && [ $((read + skipped + refused)) != "${2% or 1}" ] &&
		{ [ "${2% or 1}" = "$2" ] || [ "$read $skipped $refused" != '0 0 1' ]; }; then
		problem "$3" "$2 units, but: $(tail -n 1 "$work/out")"
	elif [ "$2" = '?' ] && [ $((read + skipped + refused)) = 0 ]; then
		problem "$3" "a template, but: $(tail -n 1 "$work/out")"
	elif [ "$refused" != 0 ] && [ $status != 3 ]; then
		problem "$3" "$refused refused, but exit status $status"
	elif [ "$skipped" != 0 ] && ! grep -qE ': (notice|warning): ' "$work/out"; then
		problem "$3" "$skipped skipped without a notice"
	else
		echo "ok $3"
		passed=$((passed + 1))
	fi
}

sum_units()
{
	local file sum=0 n

	for file in "$1"/*.json; do
		n=$(units "$file")
		[ "$n" = '?' ] && sum='?'
		[ "$sum" = '?' ] || sum=$((sum + ${n% or 1}))
	done
	echo "$sum"
}

walk()
{
	local path

	while IFS= read -r path; do
		compare "$path" "$(sum_units "$path")" "${path#"$top"/}"
	done < <(find "$1" -name policy -type d | sort)
	while IFS= read -r path; do
		rm -rf "$work/one"
		mkdir "$work/one"
		cp "$path" "$work/one/$(basename "$path" | tr -c 'A-Za-z0-9._\n-' _)"
		compare "$work/one" "$(units "$path")" "${path#"$top"/}"
	done < <(find "$1" -name '*.json' -not -path '*/policy/*' -not -name '*.expected.json' -not -name given.json | sort)
}

for top; do
	top=$(realpath -e "$top") || exit 2
	walk "$top"
done >"$work/log"
# The counters of the loop: its output is redirected, not its shell.
cat "$work/log"
echo "silence: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
