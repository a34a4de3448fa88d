# shellcheck shell=bash
# The floor of a miss: each query is sent on to a server that has all zones of the bench's Internet.
missing() { :; }
configure() { :; }
command_line() {
	printf '%s\n' "$BUILD/tests/bench/relay" "$2" "$PORT" "$(internet_address 0)"
}
