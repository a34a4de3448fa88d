#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The units, users and directories that an installation brings: systemd takes them, they are complete, and the outer
# wall is no weaker than what distributions build around other name servers. Needs systemd's tools, not a running
# systemd, and no root but for users and directories.
set -u

build=$PWD
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
name=systemd
. "$source_dir/tests/packages/cases.sh"

units=$build/packaging/systemd
packaging=$source_dir/packaging

# Exposure as systemd-analyze counts it, in tenths; a weaker unit is a change to be agreed on here.
exposure_max=36

# --- the units -------------------------------------------------------------------------------------------

# Without a warning, with programs that are there.
verify() {
	mkdir -p "$work/units"
	for unit in bulkhead.service bulkhead-check@.service; do
		sed -e "s,^ExecStart=[^ ]*/,ExecStart=$build/," -e "s,^ExecReload=[^ ]*/,ExecReload=$build/," \
			"$units/$unit" >"$work/units/$unit"
	done
	cp "$packaging/systemd/bulkhead-check@.timer" "$work/units"
	systemd-analyze --man=no verify "$work/units/$1" >"$work/verified" 2>&1 || { cat "$work/verified"; return 1; }
	cat "$work/verified"
	[ ! -s "$work/verified" ]
}

# Tenths of the exposure level of a unit file.
exposure() {
	systemd-analyze security --offline=yes "$1" | sed -n 's/.*Overall exposure level for .*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p'
}

check_exposure() {
	ours=$(exposure "$units/bulkhead.service")
	echo "exposure of bulkhead.service: ${ours:-?} tenths"
	expect "the outer wall is as strong as it was" test "${ours:-100}" -le "$exposure_max"
	expect "health checks need nothing" test "$(exposure "$units/bulkhead-check@.service")" -le 20
	for peer in named nsd knot unbound; do
		file=
		for dir in /usr/lib/systemd/system /lib/systemd/system; do
			[ ! -e "$dir/$peer.service" ] || file=$dir/$peer.service
		done
		if [ -z "$file" ]; then
			skip "no unit of $peer here to compare with"
			continue
		fi
		theirs=$(exposure "$file")
		echo "exposure of $peer.service: ${theirs:-?} tenths"
		expect "less exposed than $peer" test "${ours:-100}" -lt "${theirs:-0}"
	done
}

# With and without notify-reload: one type, and what goes with it.
check_types() {
	for wanted in yes no; do
		mkdir -p "$work/type-$wanted"
		# The rule of the makefile itself, for the other answer of configure.
		type='Type=notify'
		[ "$wanted" = no ] || type='Type=notify-reload\nReloadSignal=SIGCONT'
		sed -e "s,@notify_type@,$type," -e 's,@sbindir@,/usr/sbin,' "$packaging/systemd/bulkhead.service.in" \
			>"$work/type-$wanted/bulkhead.service"
		same "one type, notify-reload=$wanted" 1 "$(grep -c '^Type=' "$work/type-$wanted/bulkhead.service")"
	done
	expect "the unit is one of the two" sh -c \
		"for type in yes no; do sed 's,^\(Exec[A-Za-z]*=\)[^ ]*/,\1/usr/sbin/,' '$units/bulkhead.service' |
			cmp -s - '$work'/type-\$type/bulkhead.service && exit 0; done; exit 1"
	same "no place is left open" "" "$(grep -h '@[a-z_]*@' "$units/bulkhead.service" "$units/bulkhead-check@.service")"
	version=$(systemd-analyze --version | awk 'NR == 1 { print $2 }')
	if [ "${version%%[!0-9]*}" -lt 253 ]; then
		skip "systemd $version does not know Type=notify-reload"
		return
	fi
	sed -i "s,^\(Exec[A-Za-z]*=\)[^ ]*/,\1$build/," "$work/type-yes/bulkhead.service"
	expect "systemd takes notify-reload" systemd-analyze --man=no verify "$work/type-yes/bulkhead.service"
}

if command -v systemd-analyze >/dev/null 2>&1; then
	expect "systemd takes bulkhead.service" verify bulkhead.service
	expect "systemd takes the timer" verify bulkhead-check@5min.timer
	expect "systemd takes its service" verify bulkhead-check@5min.service
	same "the timer turns at the interval in its name" "OnActiveSec=%i OnUnitActiveSec=%i" \
		"$(grep '^On' "$packaging/systemd/bulkhead-check@.timer" | tr '\n' ' ' | sed 's/ $//')"
	check_exposure
	check_types
else
	skip "no systemd-analyze: the units were not looked at"
fi

# --- users and directories ----------------------------------------------------------------------------------

root=$work/root

check_users() {
	expect "users are made" systemd-sysusers --root="$root" "$packaging/sysusers/bulkhead.conf"
	# Every name that the supervisor knows.
	for user in $(sed -n 's/.*"\(bulkhead-[a-z]*\)".*/\1/p' "$source_dir/daemons/supervisor/ids.c" | sort -u); do
		same "$user: no login, no home" "/:nologin" \
			"$(awk -F : -v user="$user" '$1 == user { sub(/.*\//, "", $7); print $6 ":" $7 }' "$root/etc/passwd")"
		same "$user: a group of its own" "$user" "$(awk -F : -v user="$user" -v passwd="$root/etc/passwd" '
			BEGIN { while ((getline line < passwd) > 0) { split(line, p, ":"); if (p[1] == user) { gid = p[4] } } }
			$3 == gid { print $1 }' "$root/etc/group")"
		same "$user: locked" "!*" "$(awk -F : -v user="$user" '$1 == user { print $2 }' "$root/etc/shadow")"
	done
	same "nobody is in the group of the control socket" "" \
		"$(awk -F : '$1 == "bulkhead" { print $4 }' "$root/etc/group")"
	same "users have different numbers" "" "$(cut -d : -f 3 "$root/etc/passwd" | sort | uniq -d)"
	cp "$root/etc/passwd" "$work/passwd"
	expect "and once more, for an upgrade" systemd-sysusers --root="$root" "$packaging/sysusers/bulkhead.conf"
	expect "changes nothing" cmp "$work/passwd" "$root/etc/passwd"
}

check_directories() {
	expect "directories are made" systemd-tmpfiles --root="$root" --create "$packaging/tmpfiles/bulkhead.conf"
	for dir in /var/lib/bulkhead /run/bulkhead; do
		same "$dir" "755 0:0 directory" "$(stat -c '%a %u:%g %F' "$root$dir" 2>&1)"
	done
	touch "$root/var/lib/bulkhead/kept"
	expect "and once more" systemd-tmpfiles --root="$root" --create --remove "$packaging/tmpfiles/bulkhead.conf"
	expect "state stays" test -e "$root/var/lib/bulkhead/kept"
}

mkdir -p "$root/etc"
if ! command -v systemd-sysusers >/dev/null 2>&1 || ! command -v systemd-tmpfiles >/dev/null 2>&1; then
	skip "no systemd-sysusers or systemd-tmpfiles: users and directories were not looked at"
elif [ "$(id -u)" -ne 0 ]; then
	skip "needs root: users and directories below another root"
else
	check_users
	check_directories
fi
finish
