#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Makes the signed zones here, which are kept so that tests need no signer:
#
#   sh tests/data/signed/sign.sh     (dnssec-keygen, dnssec-signzone of BIND; ldns-signzone)
#
# A root and three zones with what body.include has, proved by NSEC, by NSEC3, and by NSEC3 with opt-out, salt
# and iterations; each with a signed and an unsigned child. Keys are thrown away; signatures are good until 2084.
# root.anchor is the key of the root for validators.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
begin=20200101000000
end=20840101000000

# Key of a zone in the file key.ZONE, its DS in ds.ZONE (with "." as "root").
make_key() { # zone file
	key=$(dnssec-keygen -q -a ECDSAP256SHA256 -f KSK -P $begin -A $begin "$1")
	echo "$key" >"key.$2"
	dnssec-dsfromkey -2 "$key.key" >"ds.$2"
}

sign_with_bind() { # zone file options...
	zone=$1
	file=$2
	shift 2
	dnssec-signzone -q -z -x -P -O full -s $begin -e $end -o "$zone" -f "$here/$file.zone" "$@" "$file.text" \
		"$(cat "key.$file").key" >/dev/null
}

sign_with_ldns() { # zone file options...
	zone=$1
	file=$2
	shift 2
	ldns-signzone -b -i $begin -e $end -o "$zone" -f "$here/$file.zone" "$@" "$file.text" "$(cat "key.$file")"
	# ldns writes the label "@" without the backslash that it needs
	sed -i 's/^@\./\\@./' "$here/$file.zone"
}

# The text to sign: origin, included text, the key, and more from standard input.
make_text() { # zone file include
	{
		echo "\$ORIGIN $1"
		cat "$here/$3"
		cat "$(cat "key.$2").key"
		cat
	} >"$2.text"
}

for top in nsec nsec3 optout; do
	make_key "$top." $top
	make_key "child.$top." child.$top
	make_text "child.$top." child.$top child.include </dev/null
	sign_with_bind "child.$top." child.$top
	{
		echo "\$ORIGIN uchild.$top."
		cat "$here/child.include"
	} >"$here/uchild.$top.zone"
	{
		cat ds.child.$top
		# CDS and CDNSKEY say what is there already
		sed -n "s/^$top\. .* DS /$top. 3600 IN CDS /p; s/^$top\. IN DS /$top. 3600 IN CDS /p" ds.$top
		sed -n "s/ DNSKEY / CDNSKEY /p" "$(cat key.$top).key"
	} | make_text "$top." $top body.include
done
sign_with_bind nsec. nsec
sign_with_ldns nsec3. nsec3 -n -t 0
sign_with_bind optout. optout -3 BA11AD -H 3 -A

make_key . root
cat ds.nsec ds.nsec3 ds.optout | make_text . root root.include
sign_with_bind . root
grep DNSKEY "$(cat key.root).key" >"$here/root.anchor"
