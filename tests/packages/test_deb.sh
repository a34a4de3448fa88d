#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The Debian package, on a system that is really booted: the packages are built twice, the second time as a higher version; a
# Debian 12 is bootstrapped and booted with its own systemd (systemd-nspawn) in a network of its own; the package is
# installed, configured, asked from inside and outside, reloaded, upgraded under load, rebooted and purged. What it left, who
# runs, and the walls around each process are looked at from outside of the machine.
#
#   PACKAGES_BASE=FILE   a tar of a machine that was made before, instead of bootstrapping one
#   PACKAGES_DEBS=DIR    packages that were built before: DIR/1 and DIR/2
#   PACKAGES_KEEP=1      leave the folder with logs and packages
set -u -o pipefail

BUILD=$PWD
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
name=deb
. "$HERE/cases.sh"
. "$HERE/lib.sh"

# --- outside: what is needed, and cleaning up ---------------------------------------------------------------

# Mount points of the hierarchies of control groups in which systemd keeps processes.
hierarchies() {
	awk '$3 == "cgroup2" || ($3 == "cgroup" && $4 ~ /name=systemd/) { print $2 }' /proc/mounts
}

# Control groups cannot be removed before the last process is gone.
remove_groups() {
	local mount
	for mount in $(hierarchies); do
		[ ! -d "$mount/$GROUP" ] || find "$mount/$GROUP" -depth -type d -exec rmdir {} + 2>/dev/null
		[ ! -d "$mount/$GROUP" ] || return 1
	done
}

# Of tests that were killed.
remove_abandoned_groups() {
	local group
	for group in "$1"/bulkhead-packages.*; do
		if [ -d "$group" ] && [ ! -d "/proc/${group##*.}" ]; then
			find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || echo "control group $group stays"
		fi
	done
}

outside() {
	local tool mount status=0 inner
	[ "$(id -u)" -eq 0 ] || skip_all "needs root: it boots a machine"
	. /etc/os-release
	[ "${ID:-}-${VERSION_ID:-}" = debian-12 ] || skip_all "packages are built for the system they are built on, Debian 12"
	for tool in systemd-nspawn debootstrap dpkg-buildpackage dh unshare nsenter ip dig dnsperf; do
		command -v $tool >/dev/null || skip_all "$tool is not installed"
	done
	unshare -m -n -p --fork true 2>/dev/null || skip_all "no namespaces here"
	GROUP=bulkhead-packages.$$
	[ -n "$(hierarchies)" ] || skip_all "no hierarchy of control groups is mounted"
	for mount in $(hierarchies); do
		remove_abandoned_groups "$mount"
		mkdir "$mount/$GROUP" 2>/dev/null || { remove_groups; skip_all "cannot make control groups in $mount"; }
	done
	chmod 755 "$work" && mkdir "$work/machine" || exit 1
	BEGAN=$(date +%s)
	export work BEGAN
	inner=
	trap '[ -z "$inner" ] || kill -KILL "$inner" 2>/dev/null; exit 143' INT TERM HUP
	trap 'within 10 remove_groups || echo "control groups are left: $GROUP"; [ -n "${PACKAGES_KEEP:-}" ] || rm -rf "$work"' EXIT
	# The whole run is bounded; every wait inside is, too.
	(
		for mount in $(hierarchies); do
			echo "$BASHPID" >"$mount/$GROUP/cgroup.procs" || exit 1
		done
		PACKAGES_INSIDE=1 exec unshare -m -p --fork --kill-child --mount-proc --propagation private \
			timeout -s KILL 3600 bash "$HERE/test_deb.sh"
	) &
	inner=$!
	wait "$inner" || status=$?
	inner=
	if [ "$status" -eq 137 ]; then
		echo "FAIL: the run took more than an hour"
	fi
	within 10 remove_groups || { echo "FAIL: processes are left in control group $GROUP"; status=1; }
	return "$status"
}

[ -n "${PACKAGES_INSIDE:-}" ] || { outside; exit; }
. "$HERE/machine.sh"
. "$HERE/walls.sh"

# --- parts -----------------------------------------------------------------------------------------------------

# Both versions, one after the other; the machine is made meanwhile.
build_packages() {
	local version
	if [ -n "${PACKAGES_DEBS:-}" ]; then
		cp -R "$PACKAGES_DEBS"/1 "$PACKAGES_DEBS"/2 "$work/"
		return
	fi
	mkdir -p "$work/1" "$work/2"
	version=$(sed -n 's/^AC_INIT(\[bulkhead\], \[\(.*\)\])/\1/p' "$TOP/configure.ac")
	export DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)"
	unset MAKEFLAGS MAKELEVEL MFLAGS # of the make that runs the tests
	timeout 1500 sh "$TOP/packaging/deb/build" -o "$work/1" &&
		timeout 1500 sh "$TOP/packaging/deb/build" -b -v "$version+later" -o "$work/2"
}

# The world outside: roots, registries and hosting of the demo, at addresses that are not the machine's, served by what
# was built here.
start_internet() {
	local role
	mkdir -p "$work/internet/run" "$work/internet/state" "$work/internet/roles"
	for role in "$BUILD"/authority "$BUILD"/frontend "$BUILD"/resolver "$BUILD"/compiler "$BUILD"/monitor; do
		[ ! -x "$role" ] || cp "$role" "$work/internet/roles/"
	done
	cp "$TOP"/etc/demo/internet/* "$work/internet/"
	sed -i 's/127\.53\.0\./198.51.100./g' "$work/internet"/*.zone "$work/internet"/*.conf "$work/internet"/*.hints
	printf 'appliance { workers = 1  run-dir = "%s"  state-dir = "%s" }\n' "$work/internet/run" "$work/internet/state" \
		>>"$work/internet/internet.conf"
	for address in 1 2 10 20; do
		ip address add "198.51.100.$address/32" dev lo || return 1
	done
	"$BUILD/bulkheadd" -f -L "$work/internet/roles" -c "$work/internet/internet.conf" >"$work/internet/log" 2>&1 &
	within 30 answer 198.51.100.20 www.example.org
}

# answer ADDRESS NAME [OPTIONS]: what dig says, in short; fails when nobody answers
answer() {
	local address=$1
	shift
	dig +time=2 +tries=2 +short "@$address" "$@" 2>&1
}

# rcode ADDRESS NAME [OPTIONS]
rcode() {
	local address=$1
	shift
	dig +time=2 +tries=2 "@$address" "$@" 2>&1 | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'
}

# The demo's gateway at the machine's addresses.
write_configuration() {
	local etc=$MACHINE/etc/bulkhead
	cp "$TOP"/etc/demo/internal/*.zone "$etc/internal/"
	cp "$TOP"/etc/demo/external/*.zone "$etc/external/"
	cp "$work/internet/root.hints" "$etc/"
	cat >"$etc/bulkhead.conf" <<'EOF'
appliance { workers = 1 }
view "internal" {
	listen      = { "10.53.0.53", "fd53::53" }
	allow-query = { "10.53.0.0/24", "fd53::/64" }
	zones-dir   = "internal"
	zone "example.com"     { file = "example.com.zone" }
	zone "corp.example"    { file = "corp.example.zone" }
}
view "external" {
	listen     = { "203.0.113.53" }
	zones-dir  = "external"
	rate-limit { mode = "off" }
	zone "example.com" { file = "example.com.zone" }
}
resolver {
	listen          = { "10.53.0.54" }
	allow-query     = { "10.53.0.0/24" }
	internal-view   = "internal"
	cache-size      = "16M"
	root-hints      = "root.hints"
	domain-insecure = { "." }
	ipv6            = false
}
EOF
}

# ask_all WHEN: every side is asked once
ask_all() {
	same "$1: an inside name at the internal view" 10.0.0.81 "$(answer 10.53.0.53 portal.corp.example)"
	same "$1: the same over IPv6 and TCP" 10.0.0.81 "$(answer fd53::53 portal.corp.example +tcp)"
	same "$1: an outside name at the external view" 192.0.2.80 "$(answer 203.0.113.53 www.example.com)"
	same "$1: an inside name is refused at the external view" REFUSED "$(rcode 203.0.113.53 portal.corp.example)"
	same "$1: an inside name at the resolver" 10.0.0.80 "$(answer 10.53.0.54 www.example.com)"
	same "$1: a name of the Internet at the resolver" 198.51.100.80 "$(answer 10.53.0.54 www.example.org)"
}

# Load on every side, over UDP and TCP, at a pace that leaves processors for what is tested.
LOADS="internal external resolver tcp"
load_start() {
	local name
	printf 'portal.corp.example A\nwww.example.com A\n' >"$work/internal.queries"
	printf 'www.example.com A\nmail.example.com A\n' >"$work/external.queries"
	printf 'portal.corp.example A\nwww.example.org A\nwww.example.com A\n' >"$work/resolver.queries"
	cp "$work/external.queries" "$work/tcp.queries"
	LOAD_PIDS=
	for name in $LOADS; do
		local server=203.0.113.53 mode=udp
		case $name in
		internal) server=10.53.0.53 ;;
		resolver) server=10.53.0.54 ;;
		tcp) mode=tcp ;;
		esac
		# No more than 250 each second, and so many without an answer that none is held back meanwhile.
		dnsperf -s $server -m $mode -d "$work/$name.queries" -l 300 -Q 250 -q 20000 -c 4 -t 3 >"$work/$name.load" 2>&1 &
		LOAD_PIDS="$LOAD_PIDS $!"
	done
	sleep 1
}

load_end() {
	sleep 4 # what is lost is lost after three seconds
	# shellcheck disable=SC2086 # a list
	kill -INT $LOAD_PIDS
	# shellcheck disable=SC2086
	wait $LOAD_PIDS
}

# load_stop WHEN: nothing may have been lost, and nothing answered by another status. What was sent a moment before the end
# is still on its way then, and dnsperf counts it apart: no more than is sent in a second, on a busy machine.
load_stop() {
	local name sent lost flying codes
	load_end
	for name in $LOADS; do
		sent=$(awk '/Queries sent:/ { print $3 }' "$work/$name.load")
		lost=$(awk '/Queries lost:/ { print $3 }' "$work/$name.load")
		flying=$(awk '/Queries interrupted:/ { print $3 }' "$work/$name.load")
		codes=$(sed -n 's/.*Response codes: *//p' "$work/$name.load")
		echo "load $name: sent ${sent:-none}, lost ${lost:-unknown}, on their way at the end ${flying:-0}, $codes"
		if [ "${sent:-0}" -lt 250 ]; then
			fail "$1: load $name: too little was sent to say anything"
			grep -v Timeout "$work/$name.load"
		elif [ "$lost" != 0 ] || [ "${flying:-0}" -gt 250 ]; then
			fail "$1: load $name: $lost of $sent queries lost, and $flying not answered at the end"
		elif [ "${codes#NOERROR }" = "$codes" ] || [ "${codes#*, }" != "$codes" ]; then
			fail "$1: load $name: $codes"
		else
			pass
		fi
	done
}

# A name server that somebody else runs: it shares its port with anybody of the same user, as Unbound's do.
start_other_server() {
	nsenter -t "$NETNS" -n -- perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0) and
		setsockopt(S, SOL_SOCKET, SO_REUSEPORT, 1) and bind(S, sockaddr_in(53, INADDR_LOOPBACK)) or die $!; sleep 600' &
	OTHER=$!
	within 10 bound
}

bound() {
	in_network cat /proc/net/udp | grep -q ' 0100007F:0035 '
}

unit() {
	inside systemctl show -p "$1" --value bulkhead
}

# Does the appliance serve?
serves() {
	[ "$(answer 203.0.113.53 www.example.com)" = 192.0.2.80 ]
}

give_up() {
	fail "$*"
	tail -n 20 "$work/console"
	finish
}

# --- the run ----------------------------------------------------------------------------------------------------

if [ "$PACKAGES_INSIDE" = 1 ]; then
	step "building the packages, and a Debian 12"
	build_packages >"$work/build.log" 2>&1 &
	building=$!
	machine=no
	machine_make >"$work/debootstrap.log" 2>&1 && machine=yes
	echo "a machine: $machine, after $(($(date +%s) - BEGAN)) s"
	if ! wait "$building"; then
		fail "the packages cannot be built"
		tail -n 60 "$work/build.log"
		finish
	fi
	pass

	step "lintian"
	if command -v lintian >/dev/null; then
		expect "lintian finds no error, no warning and nothing of interest" timeout 600 lintian --allow-root --no-cfg \
			--fail-on error,warning,info -I -i "$work"/1/*.changes
	else
		skip "lintian is not installed"
	fi
	if [ $machine = no ]; then
		skip "everything else: no Debian 12 can be bootstrapped: $(tail -n 1 "$work/debootstrap.log")"
		finish
	fi
	# All that follows is in a network namespace of its own.
	PACKAGES_INSIDE="$passed $failed $skipped" exec unshare -n -- bash "$HERE/test_deb.sh"
fi
read -r passed failed skipped <<<"$PACKAGES_INSIDE"

mkdir -p "$MACHINE/root/bulkhead"
old=$(basename "$(ls "$work"/1/bulkhead_*.deb)")
new=$(basename "$(ls "$work"/2/bulkhead_*.deb)")
cp "$work/1/$old" "$work/2/$new" "$TOP/packaging/deb/debian/tests/serves" "$MACHINE/root/bulkhead/"
expect "the second is the higher version" dpkg --compare-versions "$(dpkg-deb -f "$work/2/$new" Version)" gt \
	"$(dpkg-deb -f "$work/1/$old" Version)"

step "booting"
machine_network || give_up "the network cannot be made"
machine_boot || give_up "the machine does not boot"
pass
start_internet || give_up "the made-up Internet does not answer: $(tail -n 3 "$work/internet/log")"
machine_files >"$work/files.before"

step "installing beside another name server"
start_other_server || give_up "the other name server cannot be started"
output=$(inside dpkg -i "/root/bulkhead/$old" 2>&1)
same "the installation succeeds" 0 $?
has "it says what is taken" "$output" "bulkhead: not started: cannot listen on udp 127.0.0.1"
same "the unit is enabled" enabled "$(inside systemctl is-enabled bulkhead)"
same "the unit was not started" inactive/success/0 "$(unit ActiveState)/$(unit Result)/$(unit NRestarts)"
kill "$OTHER"
wait "$OTHER" 2>/dev/null
expect "purge of what has never run" inside dpkg --purge bulkhead

step "installing"
expect "the installation succeeds" inside dpkg -i "/root/bulkhead/$old"
[ "$(inside dpkg-query -W -f '${db:Status-Status}' bulkhead)" = installed ] || give_up "there is no more to see"
same "the unit is enabled" enabled "$(inside systemctl is-enabled bulkhead)"
same "the unit is active" active "$(unit ActiveState)"
within 10 in_network dig +time=1 +tries=1 @127.0.0.1 localhost
same "it answers the machine itself" 127.0.0.1 "$(in_network dig +time=2 +short @127.0.0.1 localhost)"
same "and over IPv6" 127.0.0.1 "$(in_network dig +time=2 +short @::1 localhost)"
refuse "and nobody else" dig +time=1 +tries=1 @203.0.113.53 localhost
for user in $(awk '$1 == "u" { print $2 }' "$TOP/packaging/sysusers/bulkhead.conf"); do
	same "user $user can not log in" /usr/sbin/nologin "$(inside getent passwd "$user" | cut -d : -f 7)"
done
expect "the package's own test (autopkgtest)" inside sh /root/bulkhead/serves
same "nobody is in the group that may use the control socket" "" "$(inside getent group bulkhead | cut -d : -f 4)"
expect "it has its files" [ "$(inside dpkg -L bulkhead | wc -l)" -gt 40 ]
same "every file is root's, and nobody else may write" "" "$(inside dpkg -L bulkhead | while read -r path; do
	[ -L "$MACHINE$path" ] || stat -c '%U:%G %A %n' "$MACHINE$path"; done | grep -v '^root:root [-dl][-r][-w][-x][-r]-[-x][-r]-[-x] ')"
same "libzscanner is linked into the compiler alone" libexec/bulkhead/compiler \
	"$(cd "$MACHINE/usr" && for file in sbin/bulkhead* libexec/bulkhead/*; do
	[ -z "$(inside ldd "/usr/$file" | grep zscanner)" ] || echo "$file"; done)"

step "views and a resolver, by a reload"
write_configuration
expect "bulkheadctl check" inside bulkheadctl check /etc/bulkhead/bulkhead.conf
expect "systemctl reload" inside systemctl reload bulkhead
ask_all "after a reload"
expect "bulkheadctl status" inside bulkheadctl status

step "walls and files, from outside"
walls_all
same "mode of /etc/bulkhead/bulkhead.conf" "root:root 644" "$(stat -c '%U:%G %a' "$MACHINE/etc/bulkhead/bulkhead.conf")"
same "mode of /run/bulkhead" "root:root 755" "$(inside stat -c '%U:%G %a' /run/bulkhead)"
same "mode of the control socket" "root:bulkhead 660 socket" "$(inside stat -c '%U:%G %a %F' /run/bulkhead/control.sock)"
same "state is written by root alone" "" "$(inside find /var/lib/bulkhead \( ! -user root -o -perm /022 \) -printf '%p %u %m\n')"
same "compiled zones are read by root alone" "" "$(inside find /var/lib/bulkhead -type f -perm /044 -printf '%p %m\n')"
has "zones were saved" "$(inside find /var/lib/bulkhead -type f)" /var/lib/bulkhead/

step "reload under load, and reloads that must change nothing"
load_start
sed -i 's/^portal\tA\t.*/portal\tA\t10.0.0.82/; s/2026110100/2026110101/' "$MACHINE/etc/bulkhead/internal/corp.example.zone"
expect "systemctl reload with a changed zone" inside systemctl reload bulkhead
same "the changed zone is served" 10.0.0.82 "$(answer 10.53.0.53 portal.corp.example)"
sed -i 's/^portal\tA\t.*/portal\tA\t10.0.0.81/; s/2026110101/2026110102/' "$MACHINE/etc/bulkhead/internal/corp.example.zone"
expect "systemctl reload with the zone as it was" inside systemctl reload bulkhead
cp "$MACHINE/etc/bulkhead/bulkhead.conf" "$work/good.conf"
echo 'nonsense = 1' >>"$MACHINE/etc/bulkhead/bulkhead.conf"
refuse "systemctl reload fails with a wrong configuration" inside systemctl reload bulkhead
same "the unit stays active" active "$(unit ActiveState)"
load_stop "reloads"
ask_all "after a failed reload"

step "upgrading while the configuration is wrong"
before=$(unit MainPID)
output=$(inside dpkg -i "/root/bulkhead/$old" 2>&1)
same "the installation succeeds" 0 $?
has "it says that the old one stays" "$output" "the old version stays in service"
same "the old one stays" "$before" "$(unit MainPID)"
ask_all "with the old version"
cp "$work/good.conf" "$MACHINE/etc/bulkhead/bulkhead.conf"

step "upgrading under load"
before=$(unit MainPID)
load_start
output=$(inside dpkg -i "/root/bulkhead/$new" 2>&1)
same "the upgrade succeeds" 0 $?
within 20 serves
load_stop "upgrade"
same "it is the same process, with new programs" "$before 0" "$(unit MainPID) $(unit NRestarts)"
printf '%s\n' "$output"
same "the configuration was kept" same "$(cmp "$work/good.conf" "$MACHINE/etc/bulkhead/bulkhead.conf" && echo same)"
same "the unit is active" active "$(unit ActiveState)"
has "the new version runs" "$(inside bulkheadd -V)" "+later"
same "no process runs a program that was replaced" "" "$(walls_processes | while read -r pid name; do
	readlink "/proc/$pid/exe" | grep deleted; done)"
ask_all "after the upgrade"
walls_all

step "upgrading when it cannot be done in place"
mkdir -p "$MACHINE/etc/systemd/system/bulkhead.service.d"
printf '[Service]\nExecReload=\nExecReload=/bin/false\n' >"$MACHINE/etc/systemd/system/bulkhead.service.d/never.conf"
expect "the upgrade succeeds" inside dpkg -i "/root/bulkhead/$new"
rm -r "$MACHINE/etc/systemd/system/bulkhead.service.d"
inside systemctl daemon-reload
within 20 serves
refuse "it was restarted" [ "$(unit MainPID)" = "$before" ]
ask_all "after the restart"
walls_all

step "the supervisor is killed"
kill -KILL "$SUPERVISOR"
within 20 ended "$SUPERVISOR"
within 20 serves
same "systemd has started it again" 1 "$(unit NRestarts)"
ask_all "after a restart"

step "rebooting"
machine_reboot || give_up "the machine does not come back"
within 20 serves
same "the service came back" active "$(unit ActiveState)"
ask_all "after a reboot"
same "no unit has failed" "" "$(inside systemctl --failed --no-legend --plain)"

step "removing and purging"
expect "remove" inside dpkg --remove bulkhead
same "nothing of it runs" "" "$(walls_processes)"
refuse "nobody answers" dig +time=1 +tries=1 @203.0.113.53 www.example.com
has "the configuration is still there" "$(ls "$MACHINE/etc/bulkhead")" bulkhead.conf
has "the state is still there" "$(inside find /var/lib/bulkhead -type f)" /var/lib/bulkhead/
expect "purge" inside dpkg --purge bulkhead
machine_files >"$work/files.after"
same "only what the administrator wrote is left, and the users" \
	"$(cd "$MACHINE" && find etc/bulkhead -printf '> /%p\n' | LC_ALL=C sort | xargs)" \
	"$(diff <(sed 's/ .*//' "$work/files.before") <(sed 's/ .*//' "$work/files.after") | grep '^[<>]' | xargs)"
same "state is gone" "" "$(inside ls -d /var/lib/bulkhead /run/bulkhead 2>/dev/null)"
same "the configuration of the package is gone" "external internal root.hints" "$(ls "$MACHINE/etc/bulkhead" | xargs)"
has "the users stay" "$(cat "$MACHINE/etc/passwd")" bulkhead-int
machine_stop || fail "the machine does not stop"

step "the end"
finish
