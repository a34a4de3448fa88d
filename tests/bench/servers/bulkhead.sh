# shellcheck shell=bash
# This appliance, from the build directory: one view with one worker. Rate limiting is off unless $RATE_LIMIT says on.

RATE_LIMIT=${RATE_LIMIT:-off}

missing() {
	[ "$(id -u)" -eq 0 ] || echo "the appliance is started as root"
	[ "$RATE_LIMIT" = off ] || knows_rate_limit || echo "this build has no rate-limit"
}

# Does this build have the section? Else it needs not be switched off.
knows_rate_limit() {
	local dir
	dir=$(mktemp -d "$WORK/probe.XXXXXX") && chmod 755 "$dir" || return 1
	mkdir "$dir/zones"
	printf 'view "bench" {\nlisten = { "127.0.0.9@%s" }\nzones-dir = "zones"\nrate-limit { mode = "on" }\n}\n' \
		"$PORT" >"$dir/bulkhead.conf"
	"$BUILD/bulkheadd" -t -L "$BUILD" -c "$dir/bulkhead.conf" >"$dir/log" 2>&1
}

configure() {
	local dir=$1 address=$2 list=$3
	mkdir -p "$dir/run" "$dir/state"
	{
		printf 'appliance {\nworkers = 1\nlog-level = "error"\nrun-dir = "%s/run"\nstate-dir = "%s/state"\n}\n' \
			"$dir" "$dir"
		printf 'view "bench" {\nlisten = { "%s@%s" }\nzones-dir = "%s"\n' "$address" "$PORT" "$ZONES"
		if knows_rate_limit; then
			printf 'rate-limit { mode = "%s" }\n' "$RATE_LIMIT"
		fi
		awk '{ printf "zone \"%s\" { file = \"%s\" }\n", $1, $2 }' "$list"
		echo "}"
	} >"$dir/bulkhead.conf"
}

command_line() {
	printf '%s\n' "$BUILD/bulkheadd" -f -L "$BUILD" -c "$1/bulkhead.conf"
}

reload() {
	"$BUILD/bulkheadctl" -s "$1/run/control.sock" zone reload "$2" >/dev/null
}
