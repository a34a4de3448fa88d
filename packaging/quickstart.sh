#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# From a bare system to a running demo, or to the results of all tests. Run as root.
#
#   sh packaging/quickstart.sh run [--open | --closed]
#   sh packaging/quickstart.sh check
#
# Several may run at once. Packages are installed under one lock for the machine. `run` builds in build/ of the
# tree, under a lock, and re-uses what is there; each running demo has addresses of its own (127.0.0.1 and
# 127.53.0.0/24 for the first, 127.0.0.2 and 127.53.2.0/24 for the second, ...). `check` works on a copy of
# the tree in a temporary directory, of which the logs stay when a test fails, and touches nothing else.
set -eu
umask 022

top=$(cd "$(dirname "$0")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 2)
work=	# temporary directory, removed at the end
daemon=	# process id of bulkheadd
keep=	# set: the temporary directory stays
totals=	# "due": the totals line is still to come

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() {
	printf '%s\n' "$*"
}

die() {
	printf 'quickstart: %s\n' "$*" >&2
	exit 1
}

usage() {
	cat <<'EOF'
usage: sh packaging/quickstart.sh run [--open | --closed]
       sh packaging/quickstart.sh check

  run    install what is needed, build, start the demo in the foreground; Ctrl-C ends it
         --open    recursion asks the Internet, whether or not it can be reached
         --closed  recursion asks a made-up Internet on 127.53.0.0/24
         Without either a short probe decides.
  check  install what is needed, build, run every test; the last line is the totals
EOF
}

# --- packages ---------------------------------------------------------------------------------------------

# Column of packaging/dependencies.
dependencies() {
	sed -e 's/#.*//' "$top/packaging/dependencies" | awk -v column="$1" 'NF && $column != "-" { print $column }'
}

missing_debian() {
	for package in $(dependencies 1); do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
		[ "$state" = installed ] || printf '%s ' "$package"
	done
}

missing_fedora() {
	for package in $(dependencies 2); do
		rpm -q --whatprovides "$package" >/dev/null 2>&1 || printf '%s ' "$package"
	done
}

# Name servers among the packages are tools of the tests here: they must not start, now or at the next boot.
install_debian() {
	policy=/usr/sbin/policy-rc.d
	guard=
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		guard=yes
	fi
	status=0
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update </dev/null || say "quickstart: cannot renew the package lists, going on with the present ones"
	# shellcheck disable=SC2086 # a list of words
	apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends $1 </dev/null || status=$?
	[ -z "$guard" ] || rm -f "$policy"
	for server in nsd knot unbound; do
		case " $1 " in
		*" $server "*)
			# The helper of maintainer scripts works without a running systemd too.
			DPKG_MAINTSCRIPT_PACKAGE=$server deb-systemd-helper disable "$server.service" \
				>/dev/null 2>&1 || :
			;;
		esac
	done
	return "$status"
}

install_fedora() {
	# shellcheck disable=SC2086 # a list of words
	dnf -q -y install $1 </dev/null
}

install_missing() {
	if command -v apt-get >/dev/null 2>&1; then
		system=debian
	elif command -v dnf >/dev/null 2>&1; then
		system=fedora
	else
		say "quickstart: neither apt-get nor dnf here; needed are what packaging/dependencies lists"
		return 0
	fi
	missing=$("missing_$system")
	[ -n "$missing" ] || return 0
	mkdir -p /run/lock
	exec 7>/run/lock/bulkhead-quickstart
	flock 7
	missing=$("missing_$system") # another one may have been faster
	if [ -n "$missing" ]; then
		say "quickstart: installing $missing"
		work_log=$(mktemp)
		if ! "install_$system" "$missing" >"$work_log" 2>&1; then
			cat "$work_log" >&2
			rm -f "$work_log"
			die "the packages cannot be installed: $missing"
		fi
		rm -f "$work_log"
	fi
	exec 7>&-
}

# --- building ---------------------------------------------------------------------------------------------

# A command whose output is only of interest when it fails.
quietly() {
	log=$1
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 60 "$log" >&2
		die "failed: $* (all of its output: $log)"
	fi
}

build_for_run() {
	mkdir -p "$top/build"
	exec 9>"$top/build/.lock"
	flock 9
	[ ! -e "$top/config.status" ] || die "the tree was configured in place: make distclean first"
	if [ ! -x "$top/configure" ] || [ ! -e "$top/Makefile.in" ]; then
		cd "$top"
		quietly build/autoreconf.log autoreconf -fi
	fi
	cd "$top/build"
	[ -e Makefile ] || quietly configure.log ../configure -q
	say "quickstart: building in $top/build"
	quietly make.log make -j "$jobs"
	cd "$top"
	exec 9>&-
}

# --- the demo ---------------------------------------------------------------------------------------------

# Addresses of two root servers: an authoritative answer to a question for the root's servers means that
# the Internet answers itself, and not something in between.
internet_is_reachable() {
	for server in 198.41.0.4 199.9.14.201; do
		if dig +time=2 +tries=1 +norecurse +noall +comments @"$server" . NS 2>/dev/null |
			grep -q '^;; flags:.* aa[ ;]'; then
			return 0
		fi
	done
	return 1
}

# The first free set of addresses; it stays ours as long as descriptor 8 is open.
take_slot() {
	slot=1
	mkdir -p /run/lock
	while [ "$slot" -le 99 ]; do
		exec 8>"/run/lock/bulkhead-demo.$slot"
		if flock -n 8; then
			return 0
		fi
		exec 8>&-
		slot=$((slot + 1))
	done
	die "99 demos are running already"
}

# Copies of the demo's files with the addresses of this slot, in $demo, and of the programs.
prepare_demo() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/bulkhead-demo.XXXXXX")
	chmod 755 "$work"
	address=127.0.0.$slot
	network=127.53.0
	if [ "$slot" -gt 1 ]; then
		network=127.53.$slot
	fi
	demo=$work/demo
	mkdir "$work/run" "$work/state" "$work/roles"
	# Roles run under users of their own, which may not get into the folder this tree is in.
	for role in authority frontend resolver compiler monitor; do
		cp "$top/build/$role" "$work/roles/$role"
	done
	chmod 755 "$work/roles"/*
	cp -R "$top/etc/demo" "$demo"
	find "$demo" -type f | while read -r file; do
		sed -e "s,127\\.0\\.0\\.1@,$address@,g" -e "s,127\\.53\\.0\\.,$network.,g" \
			-e "s,/run/bulkhead-demo,$work/run,g" \
			-e "s,/var/lib/bulkhead-demo,$work/state,g" "$file" >"$file.new"
		mv "$file.new" "$file"
	done
	chmod -R a+rX "$demo"
	config=$demo/$1
	socket=$work/run/control.sock
}

stop_daemon() {
	if [ -n "$daemon" ]; then
		kill -TERM "$daemon" 2>/dev/null || :
		wait "$daemon" 2>/dev/null || :
		daemon=
	fi
}

# The end, however it comes. Ctrl-C is the normal one.
at_exit() {
	status=$?
	trap '' INT TERM HUP
	stop_daemon
	if [ -n "$work" ] && [ -z "$keep" ]; then
		rm -rf "$work"
	fi
	if [ "$totals" = due ] && [ "$status" -ne 0 ]; then
		say "0 passed, 1 failed, 0 skipped" # it did not come as far as the tests
	fi
	exit "$status"
}

wait_until_ready() {
	tries=0
	until "$top/build/bulkheadctl" -s "$socket" status >"$work/status" 2>&1; do
		if ! kill -0 "$daemon" 2>/dev/null; then
			wait "$daemon" || :
			daemon=
			die "bulkheadd ended; its last lines above say why"
		fi
		tries=$((tries + 1))
		if [ "$tries" -ge 300 ]; then
			cat "$work/status" >&2
			die "not ready after 60 seconds"
		fi
		sleep 0.2
	done
}

# The answer to one question in a few words: its data, or its status.
short_answer() {
	dig +time=3 +tries=2 +noall +comments +answer @"$address" -p "$1" "$2" "$3" 2>/dev/null | awk '
		/status:/ { status = $0; sub(/.*status: /, "", status); sub(/,.*/, "", status) }
		/^[^;]/ && NF >= 5 {
			data = $5
			for (i = 6; i <= NF; i++) { data = data " " $i }
			text = text (text == "" ? "" : ", ") data
		}
		END {
			if (status == "") { print "no answer" }
			else if (status != "NOERROR") { print status }
			else if (text == "") { print "no data" }
			else { print text }
		}'
}

# show PORT WHO NAME TYPE REMARK [EXPECTED]: a line of the table; a wrong answer is marked.
show() {
	answer=$(short_answer "$1" "$3" "$4")
	case $answer in
	"${6-$answer}") mark=' ' ;;
	*) mark='!' wrong=yes ;;
	esac
	printf '%s %-9s %-24s %-5s %-34s %s\n' "$mark" "$2" "$3" "$4" "$answer" "$5"
}

show_answers() {
	wrong=
	printf '\n  %-9s %-24s %-5s %s\n' ASKED QUESTION '' ANSWER
	show 5301 external www.example.com A "what the world sees" 192.0.2.80
	show 5302 internal www.example.com A "what the inside sees" 10.0.0.80
	show 5300 resolver www.example.com A "a client inside" 10.0.0.80
	show 5301 external db.example.com A "outside it does not exist" NXDOMAIN
	show 5300 resolver db.example.com A "" 10.0.0.90
	show 5301 external portal.corp.example A "outside nobody knows the zone" REFUSED
	show 5300 resolver portal.corp.example A "" 10.0.0.81
	show 5300 resolver 81.0.0.10.in-addr.arpa PTR "" portal.corp.example.
	show 5300 resolver vpn.example.net A "overlay: the inside differs" 10.0.0.99
	if [ -n "$closed" ]; then
		show 5300 resolver www.example.net A "overlay: the rest is public" 203.0.113.80
		show 5300 resolver intranet.example.net A "a public alias to the inside" \
			"portal.corp.example., 10.0.0.81"
		show 5300 resolver docs.corp.example A "an alias to the outside" \
			"www.example.org., 198.51.100.80"
		show 5300 resolver www.example.org A "recursion, made-up Internet" 198.51.100.80
		show 5300 resolver partner.example.org A "a stranger's alias stays outside" \
			"www.example.com., 192.0.2.80"
	else
		show 5300 resolver www.example.net A "overlay: the rest is public"
		show 5300 resolver docs.corp.example A "an alias to the outside"
		show 5300 resolver www.example.org A "recursion, the Internet"
	fi
	[ -z "$wrong" ] || say "  (! is not the answer that it should be)"
}

show_hints() {
	if [ -n "$closed" ]; then
		say "The Internet cannot be reached or was not wanted: this one is made up, with servers on $network.0/24."
	fi
	cat <<EOF

Try in another terminal:
  dig @$address -p 5300 shop.example.com          # as a client inside
  dig @$address -p 5301 shop.example.com MX       # as the world
  dig @$address -p 5302 any.host.dev.corp.example # the internal view itself
  sudo $top/build/bulkheadctl -s $socket status
  sudo $top/build/bulkheadctl -s $socket stats
Change a zone below $demo and put it in service:
  sudo $top/build/bulkheadctl -s $socket reload

Ctrl-C ends the demo.
EOF
}

run_demo() {
	closed=
	case ${1-} in
	'' | --open | --closed) ;;
	*) usage >&2 && exit 1 ;;
	esac
	install_missing
	build_for_run
	case ${1-} in
	--closed) closed=yes ;;
	--open) ;;
	*) internet_is_reachable || closed=yes ;;
	esac
	trap at_exit EXIT
	trap 'exit 0' INT TERM HUP
	take_slot
	if [ -n "$closed" ]; then
		prepare_demo closed.conf
	else
		prepare_demo bulkhead.conf
	fi
	say "quickstart: build/bulkheadd -f -L $work/roles -c $config"
	"$top/build/bulkheadd" -f -L "$work/roles" -c "$config" </dev/null 8>&- &
	daemon=$!
	wait_until_ready
	show_answers
	show_hints
	status=0
	wait "$daemon" || status=$?
	daemon=
	[ "$status" -eq 0 ] || die "bulkheadd ended with status $status"
}

# --- tests ------------------------------------------------------------------------------------------------

run_checks() {
	totals=due
	trap at_exit EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	install_missing
	work=$(mktemp -d "${TMPDIR:-/tmp}/bulkhead-check.XXXXXX")
	# Roles run under users of their own, which must get to their programs.
	chmod 755 "$work"
	mkdir "$work/tree" "$work/build"
	(cd "$top" && tar -c -f - --exclude-vcs --exclude=./build --exclude=./build-* --exclude=./config.status \
		--exclude=./config.h --exclude=./Makefile --exclude='*.o' --exclude='*.a' --exclude='*.log' \
		--exclude='*.trs' --exclude=./autom4te.cache .) | tar -x -f - -C "$work/tree" --no-same-owner
	chmod -R u+w,a+rX "$work/tree"
	keep=yes # what follows tells of log files when it fails
	cd "$work/tree"
	quietly "$work/autoreconf.log" autoreconf -fi
	cd "$work/build"
	quietly "$work/configure.log" ../tree/configure -q --enable-werror
	say "quickstart: building in $work/build"
	quietly "$work/make.log" make -j "$jobs" all
	quietly "$work/make-tests.log" make -j "$jobs" check TESTS=
	status=0
	make -s -k -j3 check-lanes </dev/null || status=$?
	totals=
	sh "$work/tree/tests/totals" "$work/build" "$status" || status=$?
	if [ "$status" -eq 0 ]; then
		keep=
	else
		find "$work" -xdev -depth ! -type d ! -name '*.log' ! -name '*.trs' -delete
		find "$work" -depth -type d -empty -delete
	fi
	return "$status"
}

# ----------------------------------------------------------------------------------------------------------

case ${1-} in
run | check) ;;
help | -h | --help) usage && exit 0 ;;
*) usage >&2 && exit 1 ;;
esac
[ "$(id -u)" -eq 0 ] || die "needs root, to install packages and to make namespaces: sudo sh $0 $*"
if [ "$1" = run ]; then
	[ "$#" -le 2 ] || { usage >&2 && exit 1; }
	run_demo "${2-}"
else
	[ "$#" -eq 1 ] || { usage >&2 && exit 1; }
	run_checks
fi
