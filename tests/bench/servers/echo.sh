# shellcheck shell=bash
# The floor: replies of the real length and nothing else. $BENCH_ECHO holds the options of the case.
missing() { :; }
configure() { :; }
command_line() {
	# shellcheck disable=SC2086
	printf '%s\n' "$BUILD/tests/bench/echo" $BENCH_ECHO "$2" "$PORT"
}
