# shellcheck shell=bash
# PowerDNS: the bind backend, one receiver and one distributor thread; its packet and query caches as they are by default.

missing() {
	local module
	command -v pdns_server >/dev/null || { echo "pdns_server is not installed" && return; }
	for module in /usr/lib*/pdns/libbindbackend.so /usr/lib/*/pdns/libbindbackend.so; do
		[ -e "$module" ] && return
	done
	echo "PowerDNS has no bind backend here"
}

configure() {
	local dir=$1 address=$2 list=$3
	awk -v zones="$ZONES" '{ printf "zone \"%s\" { type master; file \"%s/%s\"; };\n", $1, zones, $2 }' \
		"$list" >"$dir/named.conf"
	cat >"$dir/pdns.conf" <<-END
		launch=bind
		bind-config=$dir/named.conf
		local-address=$address
		local-port=$PORT
		socket-dir=$dir
		receiver-threads=1
		distributor-threads=1
		signing-threads=1
		max-tcp-connections=1000
		daemon=no
		guardian=no
		disable-syslog=yes
		loglevel=0
		log-dns-queries=no
		security-poll-suffix=
		zone-cache-refresh-interval=0
	END
	grep -q ' nsec' "$list" || return 0
	# That a zone is signed already is not seen in its text.
	echo "bind-dnssec-db=$dir/dnssec.sqlite" >>"$dir/pdns.conf"
	pdnsutil --config-dir="$dir" create-bind-db "$dir/dnssec.sqlite" || return 1
	awk '$3 ~ /nsec/ { print $1, $3 }' "$list" | while read -r zone denial; do
		pdnsutil --config-dir="$dir" set-presigned "$zone" || return 1
		[ "$denial" = nsec ] || pdnsutil --config-dir="$dir" set-nsec3 "$zone" '1 0 0 -' || return 1
	done
}

command_line() {
	printf '%s\n' pdns_server --config-dir="$1"
}

reload() {
	pdns_control --socket-dir="$1" bind-reload-now "$2" >/dev/null
}
