# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Zones and queries. A zone is ZONES/NAME.zone for the origin NAME.test, its queries are ZONES/KIND.queries.
# What is there already is not made again.

QUERIES=200000

scaled() {
	local n=$(($1 / SCALE))
	echo $((n > 0 ? n : 1))
}

# Make the zone unless it is there; prints its line for a list of zones.
zone() {
	local name=$1 file=$ZONES/$1.zone how=
	case $name in
	hosts) zone_text "$file" -n "$(scaled 100000)" zone hosts hosts.test ;;
	delegations) zone_text "$file" -n "$(scaled 500000)" zone delegations delegations.test ;;
	sets) zone_text "$file" -n "$(scaled 1000)" -r 40 zone sets sets.test ;;
	nsec | nsec3)
		# With a name's A, its NSEC or NSEC3 and two signatures: 300,000 records.
		how=$name
		zone_text "$file.unsigned" -n "$(scaled 75000)" zone hosts "$name.test" && sign "$name" "$file" ;;
	*) die "zone $name: not known" ;;
	esac || return 1
	echo "$name.test $name.zone $how"
}

zone_text() {
	local file=$1
	shift
	[ -s "$file" ] || { "$zonegen" "$@" >"$file.new" && mv "$file.new" "$file"; }
}

sign() {
	local name=$1 file=$2 key denial=()
	[ -s "$file" ] && return
	[ "$name" = nsec3 ] && denial=(-3 - -H 0)
	command -v dnssec-signzone >/dev/null || { say "skipped: zone $name: dnssec-signzone is not installed"; return 1; }
	say "signing zone $name ..."
	key=$(cd "$ZONES" && dnssec-keygen -q -a ECDSAP256SHA256 -f KSK "$name.test") || return 1
	cat "$ZONES/$key.key" >>"$file.unsigned"
	dnssec-signzone -q -z -P -e +315360000 -O full "${denial[@]}" -o "$name.test" -f "$file.new" -K "$ZONES" \
		"$file.unsigned" "$ZONES/$key" >"$ZONES/$name.log" 2>&1 || {
		say "zone $name: $(tail -n 1 "$ZONES/$name.log")"
		return 1
	}
	mv "$file.new" "$file"
}

# queries KIND ZONE COUNT-OF-NAMES: prints the file of queries
queries() {
	local file=$ZONES/$2.$1.queries
	zone_text "$file" -n "$(scaled "$3")" -q "$QUERIES" queries "$1" "$2.test" && echo "$file"
}

# Many small zones; prints the list.
many_zones() {
	local count text i
	count=$(scaled 10000)
	mkdir -p "$ZONES/many"
	# Nothing in the text depends on the origin.
	text=$("$zonegen" -n 5 zone hosts x | grep -v '^\$ORIGIN')
	for ((i = 0; i < count; i++)); do
		printf '%s\n' "$text" >"$ZONES/many/z$i.zone"
		echo "z$i.test many/z$i.zone"
	done
}
