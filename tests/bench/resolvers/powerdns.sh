# shellcheck shell=bash
# PowerDNS Recursor: one thread that also receives. Validation for all; QNAME minimisation and its packet cache as by default.
# It would not ask servers in TEST-NET (dont-query). No polls about its own security.

missing() {
	command -v pdns_recursor >/dev/null || echo "pdns_recursor is not installed"
}

configure() {
	local dir=$1 address=$2 net=$3
	cat >"$dir/recursor.conf" <<-END
		local-address=$address
		local-port=$PORT
		allow-from=127.0.0.0/8
		query-local-address=0.0.0.0
		threads=1
		pdns-distributes-queries=no
		dnssec=validate
		hint-file=$net/root.hints
		lua-config-file=$dir/recursor.lua
		dont-query=
		max-cache-entries=1000000
		max-packetcache-entries=500000
		socket-dir=$dir
		security-poll-suffix=
		daemon=no
		disable-syslog=yes
		loglevel=1
		quiet=yes
		config-dir=$dir
	END
	{
		echo 'clearTA()'
		awk '{ printf "addTA(\"%s\", \"%s %s %s %s%s\")\n", $1, $4, $5, $6, $7, $8 }' "$net/root.anchor"
	} >"$dir/recursor.lua"
}

command_line() {
	printf '%s\n' pdns_recursor --config-dir="$1"
}
