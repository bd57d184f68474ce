#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The phrases of docs/STYLE.md that a script can find, in the string literals of src/ and in the man pages:
# "ok" or "not ok" for each, with the places. Before that it checks that each phrase is noticed at all.
cd "$(dirname "$0")/.." || exit 1

exec perl - "$@" <<'PERL'
use strict;
use warnings;

# what is found, a text that must be found, a text that must not
my @phrases = (
	[ 'is no X: write "is not a valid X"', qr/(?<!there )\b(?:is|are|was|were) no (?!longer\b|more than\b|less than\b)/,
		'%s is no address', 'there is no rule; it is no longer used' ],
	[ 'stands: write "is set twice", "is", "appears"', qr/\b(?:stands?|stood|standing)\b(?!-in)/,
		'a key stands twice', 'standard error, a stand-in' ],
	[ 'told, tells: write "report", "log", "print"', qr/\b(?:tells?|told|telling)\b(?! (?:\w+ ){1,2}apart)/,
		'what is told', 'the bit tells the two apart' ],
	[ 'a program as a person', qr/\b(?:some|no|any|every)body\b|\bwhoever\b|\bsomeone\b/,
		'somebody changed it', 'a body' ],
	[ 'wants, thinks, knows', qr/\b(?:wants|thinks|knows)\b/, 'the kernel wants it', 'wanted' ],
	[ 'counts: write "is used", "takes effect"', qr/(?<! no)(?<!\bthe)(?<=[\w,]) counts?(?= (?:here|twice|once|as|for|only|from)\b| *[;,.]|$)/,
		'the later one counts', 'prints the counts of each rule; the loop has no count' ],
	[ 'beside, in front, right behind: write "next to", "before", "after"',
		qr/\b(?:beside|in front|right behind)\b/, 'a route beside it', 'the network behind the gateway, besides' ],
	[ "another's, others'", qr/\b(?:another's|others'|somebody's)/, "another's table", 'another table' ],
	[ 'put right, mended, taken back: write "repaired", "restored", "removed"',
		qr/\b(?:put right\b|mend(?:ed|s)?\b|tak(?:en|es|e) (?:\w+ )?back\b)/, 'put right', 'take a backup' ],
	[ 'lest, but for, thereof', qr/\b(?:lest|but for|thereof|whereof|therein)\b/,
		'lest it fail', 'at least' ],
	[ 'so often, so long', qr/\bso (?:often|long)\b/, 'disturbed so often', 'not so large' ],
	[ 'goes on, lives on', qr/\b(?:goes?|lives?|going|gone) on\b/, 'it lives on', 'depends on' ],
	[ 'coined words: hush, dirt, limbo', qr/\b(?:hush\w*|dirt|limbo)\b/, 'hushed', 'dirty' ],
);

# The string literals of C, with line numbers; adjacent ones are one text. Text inside comments is not.
sub c_strings {
	my ($text) = @_;
	my (@found, $open);
	my $line = 1;
	while ($text =~ m{(\n)|(\s+)|(//[^\n]*|/\*.*?\*/)|'(?:\\.|[^'\\])*'|"((?:\\.|[^"\\])*)"|(\#\s*include[^\n]*)|[^\s"'/\#]+|.}gs) {
		my ($whole, $comment, $string) = ($&, $3, $4);
		if (defined $string) {
			if ($open) { $open->[1] .= $string }
			else { push @found, $open = [ $line, $string ] }
		} elsif (!defined $comment && $whole =~ /\S/) {
			$open = undef;
		}
		$line += ($whole =~ tr/\n//);
	}
	return @found;
}

# The text of an mdoc page: without comments; literal examples are text too.
sub man_lines {
	my ($text) = @_;
	my $line = 0;
	return map { $line++; /^\.\\"/ ? () : [ $line, s/^\.[A-Z][a-z]\b//r ] } split /\n/, $text;
}

sub texts {
	my ($name, $text) = @_;
	return $name =~ /\.[ch]$/ ? c_strings($text) : man_lines($text);
}

sub hits {
	my ($phrase, $name, $text) = @_;
	return map { "$name:$_->[0]: $_->[1]" } grep { $_->[1] =~ /$phrase->[1]/i } texts($name, $text);
}

my $failed = 0;
sub result {
	my ($good, $what, @lines) = @_;
	print $good ? "ok" : "not ok", " style: $what\n", map { "#   $_\n" } @lines;
	$failed ||= !$good;
}

for my $p (@phrases) {
	my ($what, undef, $bad, $good) = @$p;
	my $planted = hits($p, 'a.c', "\nf(\"$bad\",\n  \"x\");") && hits($p, 'a.1', ".Nm\n.It $bad\n") &&
		hits($p, 'a.c', 'f("' . join("\" /* text */\n\"", split /(?<= )/, $bad) . '")');
	my $clean = hits($p, 'a.c', "/* $bad */ f(\"$good\"); // $bad\n") || hits($p, 'a.1', ".\\\" $bad\n$good\n");
	result(0, "noticed where planted, and only there: $what") if !$planted || $clean;
}

my @files = sort(glob('src/*/*.[ch]'), glob('man/*.[158]'));
result(@files > 100, 'files to read: ' . @files);
my %text;
for my $name (@files) {
	open(my $in, '<', $name) or die "$name: $!\n";
	local $/;
	$text{$name} = <$in>;
}
for my $p (@phrases) {
	my @lines = map { hits($p, $_, $text{$_}) } @files;
	result(!@lines, $p->[0] . (@lines ? ' (' . @lines . ')' : ''), @lines);
}
exit $failed;
PERL
