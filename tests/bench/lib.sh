# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What all parts of the bench use: the work directory, starting and stopping servers, reading their cost.

PORT=53
CONTROL_PORT=953
START_SECONDS=${BENCH_START_SECONDS:-300} # a large zone, a slow server, a busy machine

SECONDS_EACH=${BENCH_SECONDS:-3}
REPEAT=${BENCH_REPEAT:-3}
SCALE=${BENCH_SCALE:-1}
TSV=${BENCH_TSV:-$BUILD/bench.tsv}

meter=$BUILD/tests/bench/meter
ask=$BUILD/tests/bench/ask
zonegen=$BUILD/tests/bench/zonegen

say() { printf '%s\n' "$*" >&2; }
die() {
	say "bench: $*"
	exit 1
}

# --- the whole run ---

prepare() {
	WORK=$(mktemp -d /tmp/bulkhead-bench.XXXXXX) || exit 1
	ZONES=${BENCH_DIR:-$WORK}/zones
	chmod 755 "$WORK" && mkdir -p "$ZONES" || exit 1
	export WORK ZONES PORT CONTROL_PORT
	: >"$TSV" || die "cannot write $TSV"
	choose_processors
	# Connections of one query each leave their ports behind for a minute.
	echo "1024 65535" >/proc/sys/net/ipv4/ip_local_port_range || die "cannot set the range of ports"
	echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse || die "cannot set the reuse of ports"
}

choose_processors() {
	local all
	all=$(taskset -cp $$ | sed 's/.*: //' | awk -F, '{ for (i = 1; i <= NF; i++) { n = split($i, r, "-");
		for (c = r[1]; c <= r[n]; c++) printf "%s ", c } }')
	read -r SERVER_CPU LOAD_CPU <<<"${BENCH_CPUS:-${all%% *} $(awk '{ print $NF }' <<<"$all")}"
	if [ "$SERVER_CPU" = "$LOAD_CPU" ]; then
		say "note: one processor for servers and load generator: figures mean little"
	fi
	taskset -cp "$LOAD_CPU" $$ >/dev/null || die "processor $LOAD_CPU cannot be used"
}

# choose_servers FOLDER NAME ...: the part of the bench that now follows has the servers of that folder; which of them
# take part, and why others do not.
choose_servers() {
	local folder=$1 name why
	shift
	SERVERS=$BENCH/$folder
	PEERS=()
	for name in ${BENCH_SERVERS:-$*}; do
		[ -e "$SERVERS/$name.sh" ] || [ -e "$BENCH/servers/$name.sh" ] || [ -e "$BENCH/resolvers/$name.sh" ] ||
			die "BENCH_SERVERS: $name: no such server"
		[ -e "$SERVERS/$name.sh" ] || continue
		why=$(server_do "$name" missing)
		if [ -n "$why" ]; then
			row skipped "$name" "$why"
			say "skipped: $name: $why"
		else
			PEERS+=("$name")
		fi
	done
}

clean_up() {
	local dir
	trap - EXIT
	for dir in "$WORK"/servers/*/; do
		[ -e "$dir/pid" ] && server_stop "$dir"
	done
	! mountpoint -q "$WORK/servers" || umount "$WORK/servers"
	rm -rf "${WORK:?}"
}

# One line of the result: fields separated by tabs.
row() {
	local IFS=$'\t'
	printf '%s\n' "$*" >>"$TSV"
}

report() {
	awk -f "$BENCH/report.awk" "$TSV"
	say "every measurement: $TSV"
}

# --- servers ---

# server_do NAME FUNCTION ARGUMENT ...: one of the functions that NAME.sh defines, in the folder of this part or in servers:
#   missing                          why it cannot take part here, or nothing
#   configure DIR ADDRESS LIST       write its configuration; LIST has lines "ZONE FILE [signed|nsec3]", FILE below $ZONES;
#                                    for a resolver, LIST is the folder of root.hints and root.anchor
#   command_line DIR ADDRESS         program and arguments, one on each line, to run in the foreground
#   reload DIR ZONE                  take up the changed text of that zone
server_do() (
	if [ -e "$SERVERS/$1.sh" ]; then
		. "$SERVERS/$1.sh"
	else
		. "$BENCH/servers/$1.sh"
	fi
	shift
	"$@"
)

# server_start NAME DIR ADDRESS LIST; returns at once
server_start() {
	local name=$1 dir=$2 address=$3 list=$4 arguments
	mkdir -p "$dir" && chmod 755 "$dir" && rm -f "$dir/pid"
	server_do "$name" configure "$dir" "$address" "$list" >"$dir/configure.log" 2>&1 || {
		say "$name: cannot be configured: $(tail -n 1 "$dir/configure.log")"
		return 1
	}
	mapfile -t arguments < <(server_do "$name" command_line "$dir" "$address")
	"$meter" run -c "$SERVER_CPU" "$dir" "${arguments[@]}" &
	while [ ! -s "$dir/pid" ]; do
		kill -0 $! 2>/dev/null || return 1
		sleep 0.001
	done
}

# server_ready NAME DIR ADDRESS LIST: when it answered for all zones, in nanoseconds since its start
server_ready() {
	local name=$1 dir=$2 address=$3 list=$4 at
	at=$("$ask" -t "$START_SECONDS" -f "$list" "$address" "$PORT") || {
		say "$name: does not answer; it said: $(tail -n 1 "$dir/log")"
		return 1
	}
	echo $((at - $(cat "$dir/started")))
}

server_stop() {
	local dir=$1 pid
	pid=$(cat "$dir/pid")
	rm -f "$dir/pid"
	kill -TERM "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# The servers of this repetition, in its order.
rotated() {
	local by=$1 i
	shift
	for ((i = 0; i < $#; i++)); do
		local at=$(((i + by) % $# + 1))
		printf '%s\n' "${!at}"
	done
}
