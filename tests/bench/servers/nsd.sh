# shellcheck shell=bash
# NSD: one server process, zone text read at the start (no database), response rate limiting off.

missing() {
	command -v nsd >/dev/null || echo "nsd is not installed"
}

configure() {
	local dir=$1 address=$2 list=$3
	{
		cat <<-END
			server:
			    server-count: 1
			    username: ""
			    chroot: ""
			    pidfile: "$dir/nsd.pid"
			    database: ""
			    zonelistfile: "$dir/zone.list"
			    xfrdfile: "$dir/xfrd.state"
			    xfrdir: "$dir"
			    zonesdir: "$ZONES"
			    logfile: "$dir/nsd.log"
			    verbosity: 0
			    rrl-ratelimit: 0
			    tcp-count: 1000
		END
		# shellcheck disable=SC2086
		printf "    ip-address: %s@$PORT\n" $address # one, or several with blanks between
		cat <<-END
			remote-control:
			    control-enable: yes
			    control-interface: "$dir/control.sock"
		END
		awk '{ printf "zone:\n    name: \"%s\"\n    zonefile: \"%s\"\n", $1, $2 }' "$list"
	} >"$dir/nsd.conf"
}

command_line() {
	printf '%s\n' nsd -d -c "$1/nsd.conf"
}

reload() {
	nsd-control -c "$1/nsd.conf" reload "$2" >/dev/null
}
