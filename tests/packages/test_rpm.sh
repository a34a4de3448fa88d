#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The rpm packages: built from this tree, looked at, and installed, upgraded and erased below another root, with their
# scriptlets run there by real tools of systemd. That root knows no other packages, so dependencies are not resolved.
set -u

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
name=rpm
. "$source_dir/tests/packages/cases.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root, to install below another root"
for tool in rpmbuild rpm autoreconf; do
	command -v "$tool" >/dev/null 2>&1 || skip_all "no $tool"
done

chmod 755 "$work"
top=$work/top
out=$work/out
mkdir "$top" "$out"

# --- building -------------------------------------------------------------------------------------------------

# The tests of %check run elsewhere.
if ! env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS sh "$source_dir/packaging/rpm/build" -t "$top" -o "$out" -- --without check \
	>"$work/build.log" 2>&1; then
	tail -n 40 "$work/build.log"
	echo "FAIL: the packages cannot be built"
	failed=1
	finish
fi
version=$(sed -n 's/^AC_INIT(\[bulkhead\], \[\(.*\)\])/\1/p' "$source_dir/configure.ac")
arch=$(rpm --eval '%{_arch}')
first=$out/bulkhead-$version-1.$arch.rpm
expect "a package of this version" test -s "$first"
expect "and its sources" test -s "$out/bulkhead-$version-1.src.rpm"
same "what was built is what is declared: nothing unpackaged" "" "$(grep -A5 'unpackaged file.* found' "$work/build.log")"

check_lint() {
	if ! command -v rpmlint >/dev/null 2>&1; then
		skip "no rpmlint"
		return
	fi
	rpmlint -c "$source_dir/packaging/rpm/rpmlint.toml" "$out"/*.rpm "$source_dir/packaging/rpm/bulkhead.spec" >"$work/lint" 2>&1
	cat "$work/lint"
	same "rpmlint finds no error" "" "$(grep ' E: ' "$work/lint")"
	expect "and has looked" grep -q "[1-9][0-9]* packages and 1 specfiles checked" "$work/lint"
}
check_lint

# --- what is in it -----------------------------------------------------------------------------------------------

# Every file has one rule: mode, flags (c: configuration, n: noreplace, d: documentation, l: licence, a: made by rpmbuild, -: none), path.
rules='drwxr-xr-x -  /etc/bulkhead(/external|/internal)?
-rw-r--r-- cn /etc/bulkhead/bulkhead\.conf
-rwxr-xr-x -  /usr/sbin/bulkhead(d|ctl)
drwxr-xr-x -  /usr/libexec/bulkhead
-rwxr-xr-x -  /usr/libexec/bulkhead/(authority|compiler|frontend|resolver|monitor)
-rw-r--r-- -  /usr/lib/systemd/system/bulkhead(-[a-z]+)?@?\.(service|timer)
-rw-r--r-- -  /usr/lib/(sysusers|tmpfiles)\.d/bulkhead\.conf
-rw-r--r-- d  /usr/share/man/man[58]/bulkhead[a-z.-]*\.[58](\.gz)?
drwxr-xr-x d? /usr/share/doc/bulkhead(/.*)?
-rw-r--r-- d? /usr/share/doc/bulkhead/.*
drwxr-xr-x -  /usr/share/licenses/bulkhead(-[0-9.]+)?
-rw-r--r-- l  /usr/share/licenses/bulkhead(-[0-9.]+)?/LICENSE
-rw-r--r-- -  /usr/share/(bash-completion/completions|zsh/site-functions)/_?bulkhead(ctl|d)
drwxr-xr-x -  /var/lib/bulkhead
drwxr-xr-x a  /usr/lib/\.build-id(/[0-9a-f][0-9a-f])?
lrwxrwxrwx a  /usr/lib/\.build-id/[0-9a-f][0-9a-f]/[0-9a-f]+'

# Files without a rule, and files that do not obey theirs.
check_files() {
	rpm -qp --queryformat '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags}- %{FILENAMES}\n]' "$1" |
		RULES=$rules awk '
		BEGIN {
			count = split(ENVIRON["RULES"], rule, "\n")
			for (i = 1; i <= count; i++) { split(rule[i], part, " +"); mode[i] = part[1]; flags[i] = part[2]; path[i] = part[3] }
		}
		{
			flag = $3
			if (flag != "-") { sub(/-$/, "", flag) }
			found = 0
			for (i = 1; i <= count; i++) {
				wanted = flags[i] == "d?" ? "^(d|-)$" : "^" flags[i] "$"
				if ($4 ~ "^" path[i] "$" && $1 == mode[i] && flag ~ wanted && $2 == "root:root") { found = 1 }
			}
			if (!found) { print }
		}'
}
rpm -qpl "$first" >"$work/list"
same "every file has the mode, owner and flags that it should" "" "$(check_files "$first")"
for path in /etc/bulkhead/bulkhead.conf /usr/sbin/bulkheadd /usr/sbin/bulkheadctl /usr/libexec/bulkhead/authority \
	/usr/libexec/bulkhead/compiler /usr/libexec/bulkhead/frontend /usr/libexec/bulkhead/resolver \
	/usr/lib/systemd/system/bulkhead.service /usr/lib/systemd/system/bulkhead-check@.timer /usr/lib/sysusers.d/bulkhead.conf \
	/usr/lib/tmpfiles.d/bulkhead.conf /var/lib/bulkhead /usr/share/doc/bulkhead/README.md; do
	expect "there is $path" grep -qx "$path" "$work/list"
done
same "the sample is among the examples only" "/usr/share/doc/bulkhead/examples/etc/bulkhead.conf.sample" \
	"$(grep 'conf\.sample' "$work/list")"
if command -v find-debuginfo >/dev/null 2>&1 && command -v eu-strip >/dev/null 2>&1; then
	debuginfo=$out/bulkhead-debuginfo-$version-1.$arch.rpm
	expect "debug information has a package of its own" sh -c \
		"rpm -qpl '$debuginfo' | grep -q '/usr/lib/debug/usr/sbin/bulkheadd.*\.debug$'"
else
	skip "no find-debuginfo or eu-strip: debug information stays in the programs"
fi

# --- another root ------------------------------------------------------------------------------------------------

# make_root DIRECTORY: a shell and the tools that scriptlets call, with their libraries; nobody but root.
make_root() {
	mkdir -p "$1/etc" "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib" "$1/usr/lib64" "$1/var/lib" "$1/run" "$1/tmp" "$1/proc" "$1/dev"
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$1/$dir"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
	echo 'root:x:0:' >"$1/etc/group"
	for program in sh cat systemctl systemd-sysusers systemd-tmpfiles; do
		file=$(command -v "$program") || return 1
		cp -L "$file" "$1/usr/bin/$program"
		ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
			mkdir -p "$1$(dirname "$library")"
			cp -L "$library" "$1$library"
		done
	done
	rpm --root "$1" --dbpath /var/lib/rpm --initdb
}

in_root() {
	root=$1
	shift
	rpm --root "$root" --dbpath /var/lib/rpm "$@"
}

# Everything below a root, but what was there before and the database.
left_behind() {
	(cd "$1" && find . -path ./var/lib/rpm -prune -o ! -type d -print | LC_ALL=C sort) | LC_ALL=C comm -13 "$2" -
}

for program in systemctl systemd-sysusers systemd-tmpfiles ldd; do
	if ! command -v "$program" >/dev/null 2>&1; then
		skip "no $program: scriptlets cannot run, nothing was installed"
		finish
	fi
done
root=$work/root
expect "another root" make_root "$root"
(cd "$root" && find . -path ./var/lib/rpm -prune -o ! -type d -print | LC_ALL=C sort) >"$work/before"
enabled=$root/etc/systemd/system/multi-user.target.wants/bulkhead.service

# A later release of the same build with another configuration file.
make_second() {
	cp -a "$top/BUILDROOT/bulkhead-$version-1.$arch" "$top/BUILDROOT/bulkhead-$version-2.$arch" &&
		echo '# of release 2' >>"$top/BUILDROOT/bulkhead-$version-2.$arch/etc/bulkhead/bulkhead.conf" &&
		sed -i 's/^\(Release: *\)1/\12/' "$top/bulkhead.spec" &&
		rpmbuild -bb --short-circuit --noclean --nodeps --without check --define "_topdir $top" "$top/bulkhead.spec"
}
expect "a later release" make_second
second=$top/RPMS/$arch/bulkhead-$version-2.$arch.rpm

expect "install" in_root "$root" --nodeps -i "$first"
for user in bulkhead-int bulkhead-ext bulkhead-front bulkhead-res bulkhead-zone; do
	expect "user $user" grep -q "^$user:" "$root/etc/passwd"
done
expect "group of the control socket" grep -q '^bulkhead:' "$root/etc/group"
expect "the service is enabled as the distribution's presets say" test -L "$enabled"
expect "what is installed is what was packaged" in_root "$root" --nodeps -V bulkhead
mkdir -p "$root/var/lib/bulkhead/internal"
echo state >"$root/var/lib/bulkhead/internal/zone.image"
echo zone >"$root/etc/bulkhead/internal/corp.example.zone"
echo '# mine' >>"$root/etc/bulkhead/bulkhead.conf"
rm -f "$enabled" # by the administrator

users=$(cat "$root/etc/passwd")
expect "upgrade" in_root "$root" --nodeps -U "$second"
same "of the release" "2" "$(in_root "$root" -q --queryformat '%{RELEASE}' bulkhead)"
expect "the administrator's configuration stays" grep -q '^# mine' "$root/etc/bulkhead/bulkhead.conf"
expect "the new one lies beside it" grep -q '^# of release 2' "$root/etc/bulkhead/bulkhead.conf.rpmnew"
expect "his zones stay" test -e "$root/etc/bulkhead/internal/corp.example.zone"
expect "state stays" test -e "$root/var/lib/bulkhead/internal/zone.image"
same "users stay" "$users" "$(cat "$root/etc/passwd")"
expect "a service that was disabled stays so" test ! -e "$enabled"

ln -s /usr/lib/systemd/system/bulkhead.service "$enabled"
rm -f "$root/etc/bulkhead/bulkhead.conf.rpmnew"
expect "erase" in_root "$root" -e bulkhead
expect "the service is disabled" test ! -L "$enabled"
same "what stays is the administrator's, the users', and state" "./etc/bulkhead/bulkhead.conf.rpmsave
./etc/bulkhead/internal/corp.example.zone
./var/lib/bulkhead/internal/zone.image" "$(left_behind "$root" "$work/before" | grep -v '^\./etc/\(g\?shadow-\?\|passwd-\|group-\|\.pwd\.lock\)$')"

# And where nobody changed anything.
other=$work/other
expect "a root once more" make_root "$other"
(cd "$other" && find . -path ./var/lib/rpm -prune -o ! -type d -print | LC_ALL=C sort) >"$work/before"
expect "install" in_root "$other" --nodeps -i "$first"
expect "upgrade" in_root "$other" --nodeps -U "$second"
expect "a configuration that nobody changed is replaced" grep -q '^# of release 2' "$other/etc/bulkhead/bulkhead.conf"
expect "and nothing lies beside it" test ! -e "$other/etc/bulkhead/bulkhead.conf.rpmnew"
expect "the service stays enabled" test -L "$other/etc/systemd/system/multi-user.target.wants/bulkhead.service"
expect "erase" in_root "$other" -e bulkhead
same "nothing is left but the users" "" \
	"$(left_behind "$other" "$work/before" | grep -v '^\./etc/\(g\?shadow-\?\|passwd-\|group-\|\.pwd\.lock\)$')"
finish
