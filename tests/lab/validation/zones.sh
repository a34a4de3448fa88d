# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A signed Internet with faults, for resolvers that validate. Root, TLD lab., zones below it, and zones below those are on
# four NSD, so that every cut is a referral; only same.lab. and c.same.lab. share a server.
#
# zones_make fills $NET: a folder of zones for each server, a list for each, root.hints, root.anchor, and questions.

ROOT_AT=203.0.113.1
LAB_AT=203.0.113.2
ZONE_AT=203.0.113.3
BELOW_AT=203.0.113.4

# text ZONE-SERVER: what zones below lab. have
text() {
	cat <<-END
		\$TTL 3600
		@ SOA ns hostmaster 1 3600 900 604800 300
		@ NS ns
		@ TXT "apex"
		ns A $1
		www A 198.51.100.80
		www AAAA 2001:db8::80
		alias CNAME www
		out CNAME www.alg13.lab.
		tounsigned CNAME www.unsigned.lab.
		tobogus CNAME www.badsig.lab.
		tonothing CNAME nothing
		dn DNAME alg13.lab.
		*.wild A 198.51.100.81
		*.walias CNAME www
		real.wild AAAA 2001:db8::81
		x.ent A 198.51.100.82
		*.wout CNAME www.unsigned.lab.
		*.wdn DNAME alg13.lab.
		a.*.wlit A 198.51.100.83
		tobogusdn CNAME www.dn.badsig.lab.
		toexpired CNAME www.expired.lab.
		towild CNAME a.wild.n3.lab.
		tonx CNAME nx.alg13.lab.
		chain CNAME alias.alg13.lab.
		chain2 CNAME chain.unsigned.lab.
		loop CNAME loop2
		loop2 CNAME loop
		dnub DNAME unsigned.lab.
		long TXT "0123456789012345678901234567890123456789" "0123456789012345678901234567890123456789"
		usub NS ns.usub
		ns.usub A $BELOW_AT
	END
}

below_text() {
	printf '%s\n' "\$TTL 3600" "@ SOA ns hostmaster 1 3600 900 604800 300" "@ NS ns" "ns A $BELOW_AT" \
		"www A 198.51.100.90" "back CNAME www.alg13.lab."
}

# key ZONE ALGORITHM [flags]: prints the name of its files in keys/
key() {
	local options=(-a "$2")
	case $2 in RSA* | NSEC3RSA*) options+=(-b 2048) ;; esac
	[ "${3:-}" = zsk ] || options+=(-f KSK)
	dnssec-keygen -q -K "$NET/keys" "${options[@]}" "${1%.}."
}

# ds ZONE KEY [DIGEST]: DS for the parent
ds() {
	dnssec-dsfromkey -a "${3:-SHA-256}" "$NET/keys/$2.key" 2>>"$NET/log"
}

# sign SERVER ZONE FILE KEYS OPTIONS...: sign FILE, whose keys these are (names, with blanks between), into its place
sign() {
	local server=$1 zone=${2%.}. file=$3 keys=$4 each paths=()
	shift 4
	for each in $keys; do
		cat "$NET/keys/$each.key" >>"$file"
		paths+=("$NET/keys/$each")
	done
	dnssec-signzone -q -z -P -n 1 -O full -o "$zone" -d "$NET/keys" -f "$NET/$server/${zone}zone" "$@" "$file" "${paths[@]}" \
		>/dev/null 2>"$NET/log" || return 1
	sed -i '/^;/d' "$NET/$server/${zone}zone"
	echo "$zone $server/${zone}zone" >>"$NET/$server.list"
}

# zone NAME KEYS OPTIONS...: a signed zone NAME.lab. with a delegation in lab.; its DS is what is read from standard input
zone() {
	local name=$1 keys=$2
	shift 2
	text $ZONE_AT >"$NET/text"
	printf '%s NS ns.%s\nns.%s A %s\n' "$name" "$name" "$name" "$ZONE_AT" >>"$NET/lab.text"
	cat >>"$NET/lab.text"
	case " $WITH_SIGNED_CHILD " in
	*" $name "*)
		local child
		child=$(key "ssub.$name.lab" ECDSAP256SHA256)
		printf 'ssub NS ns.ssub\nns.ssub A %s\n' $BELOW_AT >>"$NET/text"
		ds "ssub.$name.lab" "$child" >>"$NET/text"
		below_text >"$NET/text.below"
		sign below "ssub.$name.lab" "$NET/text.below" "$child" -e +2592000
		;;
	esac
	sign zone "$name.lab" "$NET/text" "$keys" "$@" || { echo "$name.lab: $(tail -n 1 "$NET/log")" >&2; return 1; }
	below_text >"$NET/below/usub.$name.lab.zone"
	echo "usub.$name.lab. below/usub.$name.lab.zone" >>"$NET/below.list"
	ZONES_MADE+=("$name")
}

# edit NAME EXTENDED-REGULAR-EXPRESSION: delete these lines of the signed zone
edit() {
	grep -Evq "$2" "$NET/zone/$1.lab.zone" && sed -Ei "/$2/d" "$NET/zone/$1.lab.zone"
}

WITH_SIGNED_CHILD="alg13 n3 optout island"

zones_make() {
	shopt -s lastpipe # zone reads the DS from a pipe and adds to ZONES_MADE
	local k z other name text algorithm
	ZONES_MADE=()
	mkdir -p "$NET"/{keys,root,lab,zone,below} && rm -f "$NET"/*.list && : >"$NET/lab.text" || return 1
	# Each algorithm, with the digest that goes with it or another one.
	for algorithm in RSASHA1:alg5:SHA-256 NSEC3RSASHA1:alg7:SHA-256 RSASHA256:alg8:SHA-256 RSASHA512:alg10:SHA-384 ECDSAP256SHA256:alg13:SHA-256 \
		ECDSAP384SHA384:alg14:SHA-384 ED25519:alg15:SHA-256 ED448:alg16:SHA-1; do
		IFS=: read -r algorithm name other <<<"$algorithm"
		k=$(key "$name.lab" "$algorithm") || { echo "no $algorithm here" >&2; continue; }
		case $name in
		alg7) ds $name "$k" "$other" | zone $name "$k" -e +2592000 -3 - -H 0 ;;
		*) ds $name "$k" "$other" | zone $name "$k" -e +2592000 ;;
		esac
	done
	# Proofs.
	for name in n3 n3salt optout ksk; do
		k=$(key $name.lab ECDSAP256SHA256)
		case $name in
		n3) ds $name "$k" | zone $name "$k" -e +2592000 -3 - -H 0 ;;
		n3salt) ds $name "$k" | zone $name "$k" -e +2592000 -3 BA11AD -H 5 ;;
		optout) ds $name "$k" | zone $name "$k" -e +2592000 -3 - -H 0 -A ;;
		ksk)
			z=$(key $name.lab ECDSAP256SHA256 zsk)
			text $ZONE_AT >"$NET/text"
			cat "$NET/keys/$z.key" "$NET/keys/$k.key" >>"$NET/text"
			printf '%s NS ns.%s\nns.%s A %s\n' $name $name $name $ZONE_AT >>"$NET/lab.text"
			ds $name "$k" >>"$NET/lab.text"
			dnssec-signzone -q -x -P -n 1 -O full -o $name.lab. -d "$NET/keys" -e +2592000 -k "$NET/keys/$k" \
				-f "$NET/zone/$name.lab.zone" "$NET/text" "$NET/keys/$z" >/dev/null
			echo "$name.lab. zone/$name.lab.zone" >>"$NET/zone.list"
			below_text >"$NET/below/usub.$name.lab.zone"
			echo "usub.$name.lab. below/usub.$name.lab.zone" >>"$NET/below.list"
			ZONES_MADE+=($name)
			;;
		esac
	done
	# Too many iterations: insecure or bogus as the validator likes (RFC 9276 3.2); dnssec-signzone would not make it.
	for name in n3many; do
		k=$(key $name.lab ECDSAP256SHA256)
		ds $name "$k" | zone $name "$k" -e +2592000
		text $ZONE_AT >"$NET/text"
		cat "$NET/keys/$k.key" >>"$NET/text"
		ldns-signzone -b -n -t 400 -o $name.lab -f "$NET/zone/$name.lab.zone" "$NET/text" "$NET/keys/$k" || return 1
		sed -i 's/^@\./\\@./; /^;/d' "$NET/zone/$name.lab.zone"
	done
	# Dates (RFC 4035 5.3.1).
	k=$(key expired.lab ECDSAP256SHA256) && ds expired "$k" | zone expired "$k" -s now-2592000 -e now-86400
	k=$(key future.lab ECDSAP256SHA256) && ds future "$k" | zone future "$k" -s now+864000 -e now+2592000
	# What is missing or wrong.
	for name in nosig badsig nokey nokeysig nonsec nosoasig; do
		k=$(key $name.lab ECDSAP256SHA256) && ds $name "$k" | zone $name "$k" -e +2592000
	done
	edit nosig '^www\.nosig.*RRSIG[[:space:]]+A '
	sed -Ei '/^www\.badsig.*RRSIG[[:space:]]+A /s/[^ ]+==$/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==/' \
		"$NET/zone/badsig.lab.zone"
	edit nokey '[[:space:]](DNSKEY|RRSIG[[:space:]]+DNSKEY)[[:space:]]'
	edit nokeysig 'RRSIG[[:space:]]+DNSKEY '
	edit nonsec '[[:space:]](NSEC|RRSIG[[:space:]]+NSEC)[[:space:]]'
	edit nosoasig 'RRSIG[[:space:]]+SOA '
	# A signature moved to another owner, and one that says it was made by another zone (RFC 4035 5.3.1).
	for name in stolen foreign; do
		k=$(key $name.lab ECDSAP256SHA256) && ds $name "$k" | zone $name "$k" -e +2592000
	done
	sed -Ei '/^www\.stolen.*RRSIG[[:space:]]+A /d; /^ns\.stolen.*RRSIG[[:space:]]+A /{p; s/^ns/www/}' "$NET/zone/stolen.lab.zone"
	sed -Ei '/^www\.foreign.*RRSIG[[:space:]]+A /s/ foreign\.lab\. / alg13.lab. /' "$NET/zone/foreign.lab.zone"
	# The address of a wildcard at a name that is there: its signature fits, but there is no proof that the name is not
	# there (RFC 4035 5.3.4).
	k=$(key replay.lab ECDSAP256SHA256) && ds replay "$k" | zone replay "$k" -e +2592000
	sed -En 's/^\*\.wild\.replay(.*[[:space:]](A|RRSIG[[:space:]]+A)[[:space:]])/real.wild.replay\1/p' \
		"$NET/zone/replay.lab.zone" >"$NET/more" && cat "$NET/more" >>"$NET/zone/replay.lab.zone"
	# The only key that the parent vouches for is revoked (RFC 5011 2.1); dnssec-dsfromkey makes no DS of such.
	k=$(key revoked.lab ECDSAP256SHA256)
	k=$(basename "$(dnssec-revoke -K "$NET/keys" "$NET/keys/$k" 2>>"$NET/log")")
	other=$(key revoked.lab ECDSAP256SHA256)
	ldns-key2ds -n -2 -f "$NET/keys/$k.key" | zone revoked "$k $other" -e +2592000
	# Delegations: what the DS say.
	for name in wrongds unkalg unkdigest mixds sha1wrong sha256wrong; do
		k=$(key $name.lab ECDSAP256SHA256)
		other=$(key $name.lab ECDSAP256SHA256)
		case $name in
		wrongds) ds $name "$other" ;;
		unkalg) ds $name "$k" | awk '{ $5 = 200; print }' ;;
		unkdigest) ds $name "$k" | awk '{ $6 = 99; print }' ;;
		mixds) ds $name "$k" && ds $name "$k" | awk '{ $5 = 200; print }' && ds $name "$k" | awk '{ $6 = 99; print }' ;;
		# RFC 4509 3: the weaker digest does not count beside the stronger.
		sha1wrong) ds $name "$k" && ds $name "$k" SHA-1 | sed 's/ [0-9A-F]*$/ 0000000000000000000000000000000000000000/' ;;
		sha256wrong)
			ds $name "$k" SHA-1
			ds $name "$k" | sed 's/ [0-9A-F]*$/ 0000000000000000000000000000000000000000000000000000000000000000/'
			;;
		esac | zone $name "$k" -e +2592000
	done
	# RFC 6840 5.11: one way that is good is enough, also where DS promise another algorithm.
	k=$(key twoalg.lab ECDSAP256SHA256)
	other=$(key twoalg.lab RSASHA256)
	{ ds twoalg "$k"; ds twoalg "$other"; } | zone twoalg "$k" -e +2592000
	k=$(key both.lab ECDSAP256SHA256)
	other=$(key both.lab RSASHA256)
	{ ds both "$k"; ds both "$other"; } | zone both "$k $other" -e +2592000
	# Islands: signed, without DS; one with an anchor of its own.
	ISLAND=$(key island.lab ECDSAP256SHA256) && zone island "$ISLAND" -e +2592000 </dev/null
	k=$(key nods.lab ECDSAP256SHA256) && zone nods "$k" -e +2592000 </dev/null
	unsigned_zones
	same_server
	top
}

unsigned_zones() {
	text $ZONE_AT >"$NET/zone/unsigned.lab.zone"
	echo "unsigned.lab. zone/unsigned.lab.zone" >>"$NET/zone.list"
	printf 'unsigned NS ns.unsigned\nns.unsigned A %s\n' $ZONE_AT >>"$NET/lab.text"
	below_text >"$NET/below/usub.unsigned.lab.zone"
	echo "usub.unsigned.lab. below/usub.unsigned.lab.zone" >>"$NET/below.list"
	ZONES_MADE+=(unsigned)
}

# Parent and child on one server: it answers for the child and never refers.
same_server() {
	local k child
	child=$(key c.same.lab ECDSAP256SHA256)
	below_text | sed "s/$BELOW_AT/$ZONE_AT/" >"$NET/text.below"
	sign zone c.same.lab "$NET/text.below" "$child" -e +2592000
	k=$(key same.lab ECDSAP256SHA256)
	text $ZONE_AT >"$NET/text"
	{ printf 'c NS ns.c\nns.c A %s\n' $ZONE_AT && ds c.same "$child"; } >>"$NET/text"
	printf 'same NS ns.same\nns.same A %s\n' $ZONE_AT >>"$NET/lab.text"
	ds same "$k" >>"$NET/lab.text"
	sign zone same.lab "$NET/text" "$k" -e +2592000
	below_text >"$NET/below/usub.same.lab.zone"
	echo "usub.same.lab. below/usub.same.lab.zone" >>"$NET/below.list"
	ZONES_MADE+=(same)
}

top() {
	local k
	k=$(key lab ECDSAP256SHA256)
	{
		printf '%s\n' "\$TTL 3600" "@ SOA ns hostmaster 1 3600 900 604800 300" "@ NS ns" "ns A $LAB_AT"
		cat "$NET/lab.text"
	} >"$NET/text"
	sign lab lab "$NET/text" "$k" -e +2592000 || return 1
	{
		printf '%s\n' "\$TTL 3600" "@ SOA ns.root. hostmaster.root. 1 3600 900 604800 300" "@ NS ns.root." \
			"ns.root. A $ROOT_AT" "lab. NS ns.lab." "ns.lab. A $LAB_AT"
		ds lab "$k"
	} >"$NET/text"
	k=$(key . ECDSAP256SHA256)
	sign root . "$NET/text" "$k" -e +2592000 || return 1
	printf '. 3600 IN NS ns.root.\nns.root. 3600 IN A %s\n' $ROOT_AT >"$NET/root.hints"
	{ ds . "$k"; ds island "$ISLAND"; } >"$NET/root.anchor"
}

# Names and types for each zone, one per line.
zones_questions() {
	local name
	for name in "${ZONES_MADE[@]}"; do
		printf "%s.$name.lab. A\n" www alias out tounsigned tobogus tonothing dn www.dn nx.dn nx a.nx wild a.wild b.a.wild real.wild \
			a.walias ent x.ent usub www.usub nx.usub a.wout tobogusdn toexpired towild tonx chain chain2 www.dnub \
			nx.dnub a.b.wlit \*.wild \*.wlit x.\*.wlit alias.dn wild.dn a.wild.dn long
		printf "%s.$name.lab. AAAA\n" www nx a.wild alias
		printf "%s.$name.lab. MX\n" www a.wild ent dn tonothing
		printf "%s.$name.lab. DS\n" www usub nx a.wild ent www.usub
		printf "$name.lab. %s\n" A SOA NS TXT DNSKEY DS NSEC3PARAM CDS
		printf "dn.$name.lab. DNAME\nwww.$name.lab. NSEC\nalias.$name.lab. CNAME\nwww.usub.$name.lab. TXT\n"
		case " $WITH_SIGNED_CHILD " in
		*" $name "*) printf "%s.ssub.$name.lab. A\n" www back nx && printf "ssub.$name.lab. %s\n" DS DNSKEY SOA ;;
		esac
	done
	printf '%s\n' "www.c.same.lab. A" "back.c.same.lab. A" "c.same.lab. DS" "c.same.lab. DNSKEY" "nx.c.same.lab. A" ". NS" ". DNSKEY" \
		". SOA" ". DS" "lab. DS" "lab. DNSKEY" "lab. NS" "nx. A" "nx.lab. A" "nx.lab. DS" "lab. A" "ns.lab. A"
}
