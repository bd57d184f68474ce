#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The template, the plain documents that `nsgctl flatten` makes of it, and both together lead to the same
# decisions. The loader itself compares duplicates, which must be equal. Both compilations of one Bicep
# file are one policy.
set -eu

nsgctl=$PWD/src/nsgctl/nsgctl
samples=$(realpath "${srcdir:-.}/tests/unit/template/samples")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077

fail()
{
	echo "$1"
	exit 1
}

# The decisions of a policy directory, without places.
story()
{
	"$nsgctl" effective-nsg -p "$1" -o json 2>/dev/null
	"$nsgctl" effective-routes -p "$1" -o json 2>/dev/null
	for dst in 10.20.0.9:443 10.20.2.4:22 10.10.1.1:80 192.168.3.3:23 172.16.0.1:80 1.1.1.1:3389; do
		"$nsgctl" explain -p "$1" --protocol TCP --src 10.20.0.4:5000 --dst $dst -o jsonl \
			2>/dev/null || echo "status $?"
	done
}

for sample in shop shop.symbolicnames; do
	dir=$work/$sample
	mkdir -p "$dir/template" "$dir/both"
	cp "$samples/$sample.json" "$dir/template/"
	"$nsgctl" flatten "$samples/$sample.json" -o "$dir/plain" >"$dir/files"
	cp "$dir/template/"* "$dir/plain/"* "$dir/both/"
	for form in template plain both; do
		"$nsgctl" check "$dir/$form" >"$dir/$form.check" ||
			{ cat "$dir/$form.check"; fail "$sample: $form is not valid"; }
		story "$dir/$form" >"$dir/$form.story"
		cmp "$dir/template.story" "$dir/$form.story" || fail "$sample: $form differs"
	done
	grep -q close-3389 "$dir/plain.story" || fail "$sample: the story is empty"
	! grep -rqi -e storage -e listKeys "$dir/plain" || fail "$sample: a setting was written"
done
cmp "$work/shop/template.story" "$work/shop.symbolicnames/template.story" ||
	fail "the two compilations differ"

# The comparison can fail: one port is changed.
sed -i 's/"3389"/"3390"/' "$work"/shop/both/*networkSecurityGroups*
! "$nsgctl" check "$work/shop/both" >"$work/changed" || fail "a changed rule was not seen"
grep -q "with different content" "$work/changed" || { cat "$work/changed"; fail "not the right error"; }
