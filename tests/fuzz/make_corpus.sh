#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Writes the hand-made seeds of the fuzz targets in common/ into the folder given (tests/fuzz/corpus).
# The files are checked in; this script is where they can be read and changed.
set -eu

out=${1:?usage: make_corpus.sh FOLDER}

# put TARGET NAME HEX... : one seed, hex digits with any spaces
put() {
	file="$out/$1/$2"
	mkdir -p "$out/$1"
	shift 2
	octal=
	digits=$(printf '%s' "$*" | tr -d ' \n\t')
	while [ -n "$digits" ]; do
		rest=${digits#??}
		octal="$octal\\$(printf '%03o' "0x${digits%"$rest"}")"
		digits=$rest
	done
	printf "$octal" >"$file"
}

# text TARGET NAME TEXT : a seed as it stands
text() {
	mkdir -p "$out/$1"
	printf '%s' "$3" >"$out/$1/$2"
}

# repeat COUNT HEX
repeat() {
	i=0
	while [ "$i" -lt "$1" ]; do
		printf '%s' "$2"
		i=$((i + 1))
	done
}

example='07 6578616d706c65 00'          # example.
www='03 777777'
label63="3f $(repeat 63 61)"

# --- dname ------------------------------------------------------------------------------------------
put dname root 00
put dname example "$example"
put dname pointer "$example $www c000 03 667470 c009"
put dname ladder "00 c000 c001 c003 c005 c007 c009 c00b c00d c00f c011 c013 c015 c017 c019 c01b c01d c01f c021"
put dname self "c000"
put dname forward "c002 00"
put dname longest "$label63 $label63 $label63 3d $(repeat 61 62) 00"
put dname too_long "$label63 $label63 $label63 3e $(repeat 62 62) 00"
put dname labels127 "$(repeat 127 0161) 00"
put dname octets "08 002e5c2040ff22 3b 04 41 5a 5b 60 00"
text dname text 'WWW.Example.COM.'
text dname text_escapes '\000\255\.a\\.b\"\@.c'
text dname text_bad 'a..b'

# --- query ------------------------------------------------------------------------------------------
header='1234 0100 0001 0000 0000'       # id, RD, one question
opt='00 0029 04d0 0000 0000'
put query a "$header 0000 $www $example 0001 0001"
put query edns "$header 0001 $example 0001 0001 $opt 0000"
put query do "$header 0001 $example 0030 0001 00 0029 1000 0000 8000 0000"
put query options "$header 0001 $example 0001 0001 $opt 001c
	0003 0000 000b 0000 000a 0008 0102030405060708 fde9 0004 00000000"
put query cookie24 "$header 0001 $example 0001 0001 $opt 001c 000a 0018 $(repeat 24 5a)"
put query badvers "$header 0001 $example 0001 0001 00 0029 04d0 00 01 0000 0003 010203"
put query tsig "$header 0001 $example 0001 0001 03 6b6579 00 00fa 00ff 00000000 0003 010203"
put query ixfr "1234 0000 0001 0000 0001 0000 $example 00fb 0001
	c00c 0006 0001 00000000 0016 00 00 00000001 00000002 00000003 00000004 00000005"
put query notify "1234 2400 0001 0001 0000 0000 $example 0006 0001
	c00c 0006 0001 00000000 0016 00 00 00000001 00000002 00000003 00000004 00000005"
put query response "1234 8100 0001 0000 0000 0000 $example 0001 0001"
put query update "1234 2800 0001 0000 0000 0000 $example 0006 0001"
put query qname_pointer "$header 0000 c004 0001 0001"
put query two_opts "$header 0002 $example 0001 0001 $opt 0000 $opt 0000"
put query longest "$header 0001 $label63 $label63 $label63 3d $(repeat 61 62) 00 0001 0001 $opt 0000"

# --- message ----------------------------------------------------------------------------------------
soa='c00c 0006 0001 00000e10 0026 02 6e73 c00c 0a 686f73746d6173746572 c00c
	00000001 00000002 00000003 00000004 00000005'
put message answer "1234 8180 0001 0001 0000 0001 $www $example 0001 0001
	c00c 0001 0001 0000003c 0004 c0000201 $opt 0000"
put message nxdomain "1234 8183 0001 0000 0001 0000 $example 0001 0001 $soa"
put message referral "1234 8000 0001 0000 0002 0002 $www $example 0001 0001
	c010 0002 0001 00015180 0006 03 6e7331 c010
	c010 0002 0001 00015180 0006 03 6e7332 c010
	c029 0001 0001 00015180 0004 c0000235
	c03b 001c 0001 00015180 0010 20010db8000000000000000000000035"
put message cname "1234 8180 0001 0002 0000 0000 $www $example 0001 0001
	c00c 0005 0001 0000003c 0004 01 61 c010
	c029 0001 0001 0000003c 0004 c0000201"
put message mx_srv_txt "1234 8180 0001 0004 0000 0000 $example 00ff 0001
	c00c 000f 0001 0000003c 0009 000a 04 6d61696c c00c
	c00c 0021 0001 0000003c 000f 0001 0002 0035 07 6578616d706c65 00
	c00c 0010 0001 0000003c 0006 02 6869 02 796f
	c00c ff00 0001 80000000 0000"
put message dnssec "1234 8180 0001 0003 0000 0001 $example 0001 0001
	c00c 002e 0001 0000003c 0020 0001 0d 01 0000003c 65000000 64000000 3039 $example 01020304 05
	c00c 002f 0001 0000003c 000e 03 777777 c00c 0006 400000000003
	c00c 0032 0001 0000003c 000a 01 00 0000 00 04 01020304
	00 0029 04d0 0000 8000 0000"
put message ede "1234 8182 0001 0000 0000 0001 $example 0001 0001 $opt 000a 000f 0006 0016 74657374"
put message badvers "1234 8180 0000 0000 0000 0001 00 0029 04d0 01 00 0000 0000"
put message tsig "1234 8180 0000 0000 0000 0001 00 00fa 00ff 00000000 0000"
put message ladder "1234 8180 0001 0003 0000 0000 $example 0001 0001
	c00c 0005 0001 00000000 0002 c00c
	c021 0005 0001 00000000 0002 c021
	c02f 0005 0001 00000000 0002 c02f"
put message trailing "1234 8180 0001 0000 0000 0000 $example 0001 0001 00"

# --- compose: choices, see fuzz_compose.c -----------------------------------------------------------
put compose small "00 05 61 62 63 00 00 0000 04 00 01 00 05 01 02 00 00 06 02 03 00 00 00"
put compose rollback "00 03 61 62 00 00 0100 01 05 01 3c 00 00 05 02 3c 00 00 00 02 05 01 3c 00 00"
put compose sections "00 08 61 62 63 01 01 ffff 00 01 04 64 65 02 04 02 01 02 01 02
	03 05 03 01 02 01 02 03 06 05 02 02 01 00 02 04 06 01 01 02 01 02 02 02"
put compose many "00 3e 41 42 43 44 00 00 4000 $(repeat 24 "00 01 3e 61 62 63 01 04 01 01 01 01")"
