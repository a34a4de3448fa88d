# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The Internet of the resolver part: a root, four TLDs and thousands of small delegated zones, all served by one NSD at
# many addresses of this namespace. TEST-NET addresses (RFC 5737), for everything: nothing of what a resolver may refuse to
# ask or to tell.
#
#   plain.      unsigned, and so are its zones: the root proves once that there is no DS
#   insecure.   signed, NSEC3 with opt-out and no iterations; its zones are unsigned
#   ecdsa.      signed, ECDSA P-256 (13), NSEC; its zones too
#   rsa.        signed, RSA/SHA-256 of 2048 bits (8), NSEC; its zones too
#
# Zones z0, z1, ... have two name servers with glue, www and hosts h0, h1, ...; those of unsigned zones are wildcards, which
# no resolver can tell from hosts. All zones of a TLD have the same key, as making many takes long; a resolver cannot
# gain from that, because nothing is cached by key but by zone. victim.plain has no host but www. bogus.ecdsa has a DS
# of another key and proves that a resolver validates.

PLAIN_ZONES=2000
INSECURE_ZONES=2000
ECDSA_ZONES=500
ECDSA_HOSTS=40
RSA_ZONES=200
RSA_HOSTS=50
ZIPF_QUERIES=60000
INTERNET_ADDRESSES=32 # 203.0.113.1 and so on

internet_address() {
	echo "203.0.113.$((1 + $1 % INTERNET_ADDRESSES))"
}

# internet_make: sets NET, the folder of all this below $ZONES, and makes what is not there.
internet_make() {
	local tool
	NET=$ZONES/internet-$SCALE
	[ ! -e "$NET/complete" ] || return 0
	for tool in dnssec-keygen dnssec-signzone; do
		command -v $tool >/dev/null || { echo "$tool is not installed"; return 1; }
	done
	say "making the zones of the lab ..."
	rm -rf "$NET"
	mkdir -p "$NET/keys" "$NET/ds" && : >"$NET/list" || return 1
	internet_zones >"$NET/log" 2>&1 || { echo "the zones of the lab: $(tail -n 1 "$NET/log")"; return 1; }
	internet_queries && touch "$NET/complete"
}

internet_zones() {
	internet_unsigned plain "$(scaled $PLAIN_ZONES)" &&
		internet_unsigned insecure "$(scaled $INSECURE_ZONES)" &&
		internet_signed ecdsa "$(scaled $ECDSA_ZONES)" $ECDSA_HOSTS -a ECDSAP256SHA256 &&
		internet_signed rsa "$(scaled $RSA_ZONES)" $RSA_HOSTS -a RSASHA256 -b 2048 &&
		internet_special &&
		internet_tlds &&
		internet_root
}

# internet_text NUMBER HOSTS: the text of zone NUMBER, without origin; HOSTS "*": a wildcard
internet_text() {
	local number=$1 hosts=$2
	echo "\$TTL 3600"
	echo "@ SOA ns1 hostmaster 1 3600 900 604800 3600"
	echo "@ NS ns1"
	echo "@ NS ns2"
	echo "ns1 A $(internet_address "$number")"
	echo "ns2 A $(internet_address $((number + 1)))"
	echo "www A 198.51.100.1"
	if [ "$hosts" = '*' ]; then
		echo "* A 198.51.100.2"
	else
		awk -v n="$hosts" 'BEGIN { for (i = 0; i < n; i++) print "h" i " A 198.51.100." 1 + i % 254 }'
	fi
}

# internet_delegation LABEL NUMBER: what its parent has
internet_delegation() {
	local label=$1 number=$2
	printf '%s NS ns1.%s\n%s NS ns2.%s\n' "$label" "$label" "$label" "$label"
	printf 'ns1.%s A %s\nns2.%s A %s\n' "$label" "$(internet_address "$number")" "$label" \
		"$(internet_address $((number + 1)))"
}

# internet_unsigned TLD COUNT: zones with the same addresses share a text
internet_unsigned() {
	local tld=$1 count=$2 i
	for ((i = 0; i < INTERNET_ADDRESSES; i++)); do
		internet_text "$i" '*' >"$NET/unsigned$i.zone" || return 1
	done
	for ((i = 0; i < count; i++)); do
		echo "z$i.$tld ${NET##*/}/unsigned$((i % INTERNET_ADDRESSES)).zone" >>"$NET/list"
		internet_delegation "z$i" "$i"
	done >"$NET/$tld.delegations"
}

# internet_key ZONE OPTIONS OF dnssec-keygen ...: a key, whose file is named in keys/of.ZONE
internet_key() {
	local zone=$1
	shift
	dnssec-keygen -q -K "$NET/keys" -f KSK "$@" "${zone%.}." >"$NET/keys/of.${zone%.}"
}

# internet_sign ZONE FILE KEY-ZONE OPTIONS OF dnssec-signzone ...: with the key of that zone, in this one's name
internet_sign() {
	local as=${1%.}. file=$2 from=${3%.}. key own
	shift 3
	key=$(cat "$NET/keys/of.${from%.}")
	own=$NET/keys/K$as+${key#*+}
	if [ ! -e "$own.key" ]; then
		sed "s/^${from//./\\.} /$as /" "$NET/keys/$key.key" >"$own.key" && cp "$NET/keys/$key.private" "$own.private" ||
			return 1
	fi
	cat "$own.key" >>"$NET/$file"
	dnssec-signzone -q -z -P -n 1 -O full -e +315360000 -o "$as" -d "$NET/ds" -f "$NET/$file.signed" "$@" \
		"$NET/$file" "$own" || return 1
	mv "$NET/$file.signed" "$NET/$file"
	echo "$as ${NET##*/}/$file" >>"$NET/list"
}

# internet_signed TLD COUNT HOSTS OPTIONS OF dnssec-keygen ...
internet_signed() {
	local tld=$1 count=$2 hosts=$3 i
	shift 3
	internet_key "$tld" "$@" || return 1
	: >"$NET/$tld.delegations"
	for ((i = 0; i < count; i++)); do
		internet_text "$i" "$hosts" >"$NET/z$i.$tld.zone"
		internet_sign "z$i.$tld" "z$i.$tld.zone" "$tld" || return 1
		{ internet_delegation "z$i" "$i" && cat "$NET/ds/dsset-z$i.$tld."; } >>"$NET/$tld.delegations"
	done
}

internet_special() {
	internet_text 0 0 >"$NET/victim.zone"
	echo "victim.plain ${NET##*/}/victim.zone" >>"$NET/list"
	internet_delegation victim 0 >>"$NET/plain.delegations"
	internet_text 0 0 >"$NET/bogus.zone"
	internet_sign bogus.ecdsa bogus.zone ecdsa || return 1
	internet_delegation bogus 0 >>"$NET/ecdsa.delegations"
	sed 's/^z0\./bogus./' "$NET/ds/dsset-z0.ecdsa." >>"$NET/ecdsa.delegations" # not the digest of this name's key
}

internet_tlds() {
	local tld
	for tld in plain insecure ecdsa rsa; do
		{ internet_text 2 0 && cat "$NET/$tld.delegations"; } >"$NET/$tld.zone"
	done
	echo "plain ${NET##*/}/plain.zone" >>"$NET/list"
	internet_key insecure -a ECDSAP256SHA256 &&
		internet_sign insecure insecure.zone insecure -3 - -H 0 -A &&
		internet_sign ecdsa ecdsa.zone ecdsa &&
		internet_sign rsa rsa.zone rsa
}

internet_root() {
	{
		internet_text 0 0
		internet_delegation plain 2
		internet_delegation insecure 2
		internet_delegation ecdsa 2
		internet_delegation rsa 2
		cat "$NET/ds/dsset-insecure." "$NET/ds/dsset-ecdsa." "$NET/ds/dsset-rsa."
	} >"$NET/root.zone"
	printf '. 3600 IN NS ns1.\n. 3600 IN NS ns2.\nns1. 3600 IN A %s\nns2. 3600 IN A %s\n' \
		"$(internet_address 0)" "$(internet_address 1)" >"$NET/root.hints"
	internet_key . -a ECDSAP256SHA256 && internet_sign . root.zone . && cp "$NET/ds/dsset-." "$NET/root.anchor"
}

# Queries of each kind, and what a resolver must answer before it is measured.
internet_queries() {
	local plain ecdsa rsa
	plain=$(scaled $PLAIN_ZONES)
	ecdsa=$(scaled $ECDSA_ZONES)
	rsa=$(scaled $RSA_ZONES)
	"$zonegen" -n "$(scaled 10000)" -z "$plain" queries spread plain >"$NET/hot.queries" &&
		"$zonegen" -n "$(scaled 20000)" -z "$plain" queries spread plain >"$NET/unsigned.queries" &&
		"$zonegen" -n "$(scaled 20000)" -z "$(scaled $INSECURE_ZONES)" queries spread insecure >"$NET/insecure.queries" &&
		"$zonegen" -n $((ecdsa * ECDSA_HOSTS)) -z "$ecdsa" queries spread ecdsa >"$NET/ecdsa.queries" &&
		"$zonegen" -n $((rsa * RSA_HOSTS)) -z "$rsa" queries spread rsa >"$NET/rsa.queries" &&
		"$zonegen" -q "$(scaled 30000)" queries missing victim.plain >"$NET/flood.queries" &&
		"$zonegen" -n "$(scaled 50000)" -z "$plain" queries spread plain >"$NET/memory.queries" &&
		"$zonegen" -n "$plain" -z "$plain" queries spread plain >"$NET/memory.before" || return 1
	# Other names than those of memory.before, so that none is counted that was cached before.
	sed -i 's/^h/m/' "$NET/memory.queries"
	"$zonegen" -n "$(scaled 60000)" -z "$plain" -q "$(scaled $((ZIPF_QUERIES * 3 / 4)))" queries zipf plain >"$NET/zipf.3" &&
		"$zonegen" -n $((ecdsa * ECDSA_HOSTS)) -z "$ecdsa" -q "$(scaled $((ZIPF_QUERIES / 4)))" queries zipf ecdsa \
			>"$NET/zipf.1" || return 1
	awk -v other="$NET/zipf.1" '{ print } NR % 3 == 0 && (getline line < other) > 0 { print line }' "$NET/zipf.3" \
		>"$NET/zipf.queries"
	cat >"$NET/expected" <<-'END'
		www.z0.plain. NOERROR -
		www.z0.insecure. NOERROR -
		www.z0.ecdsa. NOERROR ad
		www.z0.rsa. NOERROR ad
		missing.z0.ecdsa. NXDOMAIN ad
		missing.z0.rsa. NXDOMAIN ad
		missing.victim.plain. NXDOMAIN -
		www.bogus.ecdsa. SERVFAIL -
	END
}

# Start it; the addresses belong to this namespace.
internet_start() {
	local addresses=() i
	for ((i = 0; i < INTERNET_ADDRESSES; i++)); do
		addresses+=("$(internet_address $i)")
		ip address add "${addresses[i]}/32" dev lo || return 1
	done
	SERVER_CPU=$LOAD_CPU server_start nsd "$WORK/servers/internet" "${addresses[*]}" "$NET/list" &&
		server_ready nsd "$WORK/servers/internet" "${addresses[0]}" "$NET/list" >/dev/null
}
