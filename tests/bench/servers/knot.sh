# shellcheck shell=bash
# Knot DNS: one worker for UDP and one for TCP, zone text without journal; rate limiting is a module that is not loaded.

missing() {
	command -v knotd >/dev/null || echo "knotd is not installed"
}

configure() {
	local dir=$1 address=$2 list=$3
	{
		cat <<-END
			server:
			    listen: "$address@$PORT"
			    udp-workers: 1
			    tcp-workers: 1
			    background-workers: 1
			    tcp-max-clients: 1000
			    rundir: "$dir"
			    pidfile: "$dir/knot.pid"
			database:
			    storage: "$dir"
			control:
			    listen: "$dir/control.sock"
			log:
			  - target: stderr
			    any: error
			template:
			  - id: default
			    storage: "$ZONES"
			    zonefile-load: whole
			    journal-content: none
			    zonefile-sync: -1
			zone:
		END
		awk '{ printf "  - domain: \"%s\"\n    file: \"%s\"\n", $1, $2 }' "$list"
	} >"$dir/knot.conf"
}

command_line() {
	printf '%s\n' knotd -c "$1/knot.conf"
}

reload() {
	knotc -b -s "$1/control.sock" zone-reload "$2" >/dev/null
}
