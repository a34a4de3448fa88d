# shellcheck shell=bash
# Knot Resolver: one process. Its cache is a file in memory, as the distribution does it too. Everything as by default (QNAME
# minimisation, 0x20, validation), without the modules that talk about trust anchors and keys with the real root.

missing() {
	command -v kresd >/dev/null || echo "kresd is not installed"
}

configure() {
	local dir=$1 address=$2 net=$3
	{
		cat <<-END
			net.ipv6 = false
			net.listen('$address', $PORT, { kind = 'dns' })
			log_level('crit')
			cache.open(256 * MB, 'lmdb://$dir/cache')
			modules.load('hints')
			hints.root_file('$net/root.hints')
			modules.unload('ta_update')
			modules.unload('ta_signal_query')
			modules.unload('detect_time_skew')
		END
		# A file for each owner.
		awk -v dir="$dir" '
			!($1 in file) {
				file[$1] = dir "/anchor." NR
				printf "trust_anchors.add_file(\047%s\047, true)\n", file[$1]
			}
			{ print > file[$1] }' "$net/root.anchor"
	} >"$dir/kresd.conf"
}

command_line() {
	printf '%s\n' kresd -n -q -c "$1/kresd.conf" "$1"
}
