#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The manual pages: rendered without a warning, complete, and installed where man finds them.
set -u

build=$PWD
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
name=manuals
. "$source_dir/tests/packages/cases.sh"

pages=$(cd "$source_dir" && find daemons etc packaging -name '*.[1-8]' | LC_ALL=C sort)
expect "there are pages" test -n "$pages"

# --- rendering ------------------------------------------------------------------------------------------------

# quiet COMMAND...: it ends well and says nothing on standard error.
quiet() {
	"$@" >/dev/null 2>"$work/said" || { cat "$work/said"; return 1; }
	cat "$work/said"
	[ ! -s "$work/said" ]
}

for page in $pages; do
	if command -v groff >/dev/null 2>&1 && command -v man >/dev/null 2>&1; then
		expect "man renders $page" quiet env MANROFFSEQ= LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$source_dir/$page"
	else
		skip "no man or groff: $page was not rendered"
	fi
	if command -v mandoc >/dev/null 2>&1; then
		expect "mandoc has no complaint about $page" mandoc -Tlint -W warning "$source_dir/$page"
	else
		skip "no mandoc: $page was not looked at"
	fi
done

# --- completeness ---------------------------------------------------------------------------------------------

# Words of a page that are marked as commands, options or names of settings, one for each line.
marked() {
	sed -n -e 's/\\(dq//g' -e 's/^\.\(It \)\{0,1\}\(Cm\|Op\|Fl\|Ic\) //p' "$1" | tr ' ,|' '\n\n\n' | sed -e 's/^\\-/-/' -e 's/^-//' | LC_ALL=C sort -u
}

# mentions PAGE WORD
mentions() {
	marked "$source_dir/$1" | grep -qxF -e "$2"
}

# What the configuration's reader knows.
settings=$(sed -n '/cfg_opt_t/,/CFG_END/p' "$source_dir/daemons/supervisor/config_text.c" |
	grep -o '\(VALUES\{0,1\}\|CFG_SEC\|NAMED\)("[a-z0-9-]*"' | sed 's/.*("//; s/"//' | LC_ALL=C sort -u)
expect "settings were found" test "$(echo "$settings" | wc -l)" -gt 40
for setting in $settings; do
	expect "bulkhead.conf.5 tells of $setting" mentions etc/bulkhead.conf.5 "$setting"
done

# What the programs say of themselves.
for option in $("$build/bulkheadd" -h | grep -o '^  -[a-zA-Z]' | tr -d ' -'); do
	expect "bulkheadd.8 tells of -$option" mentions daemons/supervisor/bulkheadd.8 "$option"
done
commands=$("$build/bulkheadctl" -h | sed -n '/^Options:/q; s/^  \([a-z][a-z]*\).*/\1/p' | LC_ALL=C sort -u)
expect "commands were found" test "$(echo "$commands" | wc -l)" -gt 8
for command in $commands; do
	expect "bulkheadctl.8 tells of $command" mentions daemons/ctl/bulkheadctl.8 "$command"
done
for option in $("$build/bulkheadctl" -h | sed -n 's/^  -\([a-zA-Z]\),.*/\1/p'); do
	expect "bulkheadctl.8 tells of -$option" mentions daemons/ctl/bulkheadctl.8 "$option"
done

# --- installation ----------------------------------------------------------------------------------------------

stage=$work/stage
expect "make install" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$build" install DESTDIR="$stage"
mandir=$(find "$stage" -type d -name man)
for page in $pages; do
	file=$(basename "$page")
	expect "$file is installed" cmp "$source_dir/$page" "$mandir/man${file##*.}/$file"
	# References to pages of ours lead somewhere.
	for other in $(sed -n 's/^\.Xr \(bulkhead[a-z.]*\) \([1-8]\).*/\1.\2/p' "$source_dir/$page" | LC_ALL=C sort -u); do
		expect "$file refers to $other" test -e "$mandir/man${other##*.}/$other"
	done
done
for page in $(grep -ho 'man:bulkhead[a-z.]*([1-8])' "$build"/packaging/systemd/* | sed 's/man://; s/(/./; s/)//' | LC_ALL=C sort -u); do
	expect "the units' documentation: $page" test -e "$mandir/man${page##*.}/$page"
done
expect "make uninstall" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$build" uninstall DESTDIR="$stage"
same "and nothing stays" "" "$(find "$stage" ! -type d)"
finish
