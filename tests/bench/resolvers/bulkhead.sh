# shellcheck shell=bash
# This appliance, from the build directory: a resolver with one worker of each kind, nothing else. As it comes: QNAME
# minimisation, 0x20, cookies towards servers, rebinding protection, validation. All the Internet of the bench is this host:
# its port 53 is opened in the local wall.

missing() {
	[ "$(id -u)" -eq 0 ] || echo "the appliance is started as root"
}

configure() {
	local dir=$1 address=$2 net=$3
	mkdir -p "$dir/run" "$dir/state"
	cat >"$dir/bulkhead.conf" <<-END
		appliance {
		    workers = 1
		    log-level = "error"
		    run-dir = "$dir/run"
		    state-dir = "$dir/state"
		}
		resolver {
		    listen = { "$address@$PORT" }
		    root-hints = "$net/root.hints"
		    trust-anchors = "$net/root.anchor"
		    cache-size = "256M"
		    ipv6 = false
		    do-not-query-localhost = false
		}
	END
}

command_line() {
	printf '%s\n' "$BUILD/bulkheadd" -f -L "$BUILD" -c "$1/bulkhead.conf"
}
