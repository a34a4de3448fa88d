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

# --- denial: zone, name, labels, type; sets: kind, owner, next (NSEC3: hashes), types -----------------
apex3="01 00 00 00 02 00 02"       # NSEC3 of the apex
put denial nsec_name_error "01 01 01 01 00 00 01 00 00 01 00 00 01 00 02"
put denial nsec_nodata "01 01 00 02 01 00 01 00 01 01 01"
put denial nsec_nonterminal "01 01 01 02 00 00 01 00 02 02 01 01"
put denial nsec_wildcard "01 02 00 01 01 01 00 01 00 00 01 00 01 02 00 01"
put denial nsec_cut "01 02 00 01 01 00 00 01 01 00 03"
put denial nsec_dname "01 02 00 01 01 00 00 01 01 00 06"
put denial nsec_outside "01 01 01 01 00 00 01 00 c1 07 01 00 00 01 00 02"
put denial nsec_root "00 01 01 00 00 00 00 00 02"
put denial nsec_nxname "01 01 01 01 00 00 01 01 02 02 01 07"
put denial nsec3_name_error "01 02 00 01 01 00 $apex3 01 00 01 01 01 02 01 01 01 01 00 01 01 02 02 01 02 01"
put denial nsec3_opt_out "01 01 01 01 00 $apex3 09 00 01 01 01 02 01 01 01"
put denial nsec3_wildcard "01 02 00 01 01 01 $apex3 01 00 01 01 01 02 01 01 01 01 00 00 01 02 02 01 02 01"
put denial nsec3_only_one "01 03 00 00 01 01 00 01 00 00 00 00 00 02"
put denial nsec3_mixed "01 01 01 01 00 $apex3 03 00 01 01 01 02 01 01 01 05 00 05 01 01 01 02 01 01 01"
put denial nsec3_iterations "01 01 01 01 00 05 00 ff 00 00 02 00 02"
put denial nsec3_deep "01 07 00 00 00 00 00 00 00 01 00 $apex3 01 00 01 01 00 02 01 00 01 01 00 01 01 02 02 01 02 01"
put denial raw "01 01 01 01 00 8e 01 00 01 7a 00 00 06 40 00 00 00 00 03 8f 00 01 00 00 00 00 14"

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

# --- tsig -------------------------------------------------------------------------------------------
# What comes behind the first octet is a whole query, as fuzz_tsig has the key for it.
tsig_head='84d6 0120 0001 0000 0000 0001 03777777 076578616d706c65 00 0001 0001 016b00 00fa 00ff 00000000'
sha256='0b 686d61632d736861323536 00'
tsig_mac='0020 b9fac696d02b6ff64e72b6fb5531331a5e20c89c950f9cb5846150a15d9ce163'
put tsig good "00 $tsig_head 003d $sha256 00006b0188b2 012c $tsig_mac 84d6 0000 0000"
put tsig late "01 $tsig_head 003d $sha256 00006b0188b2 012c $tsig_mac 84d6 0000 0000"
put tsig bad "00 $tsig_head 003d $sha256 00006b0188b3 012c $tsig_mac 84d6 0000 0000"
put tsig cut "00 $tsig_head 0025 $sha256 00006b0188b2 012c 0008 b9fac696d02b6ff6 84d6 0000 0000"
put tsig other "00 $tsig_head 0023 $sha256 00006b0188b2 012c 0000 84d6 0012 0006 00006b0188b2"
put tsig algorithm "00 $tsig_head 002b 08 686d61632d6d6435 00 00006b0188b2 012c 0010 000102030405060708090a0b0c0d0e0f 84d6 0000 0000"

# --- dnssec -----------------------------------------------------------------------------------------
# The examples of the RFCs: DNSKEY, RRSIG, DS, type, owner, records. See fuzz_dnssec.c and test_dnssec.c.
put dnssec algorithm5_38519 "0086 010003050103b2d5b655be93ea860e23ec426833dac8dd99b2131d8ecc3055ad9cbf96f23909078fc571d94b88bc740347e035f7
	b5b1e897ad5e93c10531cb065f129c889147ca197de02f8dc082d0773b14952168bc166cca5fcd5fac846edc3fc4df5935cadb62
	f8238d9fd454f648c9214db20118be1d33db9e3697330a4780e1f2e65f7d
	009b 000f050200000e10409e7a234076ed239677076578616d706c650038c2bcac06657a97f32d65bbe43c5deb78f2db0b30112cf10c
	a1b67fd00c3750b2b42775d1c608480c5f01dbd7499ef1ba3280b4f6dcb6f390da87ceec0649f9dd3511e7904d504fab8ffa2825
	a1a9ed974e39e454b36fbe19dcd2edbc6a84ac1b4fb8227be490e1e49cac70e245f5f0c311df88bc942dfa491e710678bcbc72
	0006 000000000000
	000f 0161017a0177076578616d706c6500 000e 0001026169076578616d706c6500"
put dnssec algorithm8_9033 "0048 0100030803010001c15c1ac6b1c5d822bae1a60a45489b2e21f7d0aa4fb8f0637a5ec4f19c9d416d476161dfa069a27730b64678
	70082dbdde10b3c3e4c54769ea9fc395498e6dd9
	005f 0001080300000e1070dbd880386d43802349076578616d706c65036e65740091108e1fabbb974406cbdaa90bd975b0b9dc25c38a
	14b27b1a18943a26eee2d798a79544f519dcae24a164dcfce66c2532034469c1582bf94fb4f89560fe1bc2
	0006 000000000000
	0001 03777777076578616d706c65036e657400 0004 c000025b"
put dnssec algorithm10_3740 "0088 0100030a03010001d1e8353396f9eb7ce8ab89396443a75a6776fc1be98f379d25575f22c0dc32eba1139490de97d0eea99d69e3
	250ba35ff03286a143c63d77b4e9c3f6eff591383b715eab92532b643b49090e4f0a5fc3ed034fb2056c32ed49d90f20a4ca73b4
	d14ba4f073d5b5978c3b5a47b6500656773c5635d994d29dca2b7df7069a138b
	009f 00010a0300000e1070dbd880386d43800e9c076578616d706c65036e657400b6c6f8c278d15039c1d41522fade933135d3863567
	1be782916aa3bef8e1cd02f5774611a0e7b409bc6b54361dd310edb2e25169e530d5ea7de0fcc45b3af48866206415a6ff3a6afb
	d7ceb9a8182517c3a9f45e281cccc1e38b0e235af223f983dbcc869bafe8e3e5be95f09bd49af595c86cd9753011a4d1fb613e0c
	5d0cbc
	0006 000000000000
	0001 03777777076578616d706c65036e657400 0004 c000025b"
put dnssec algorithm13_55648 "0044 0101030d1a88c88615d437fbb8bf9e1942a1929f28562706ae6c2bd399e7b1bfb6d1e9e75b92b4aa42917ae1c61b701ef035c3fe
	7be3009cbafe5a2f71316c902dcf0d00
	005f 00010d0300000e104c88b1374c63c737d960076578616d706c65036e657400ab1eb02d8aa687e97da0229337aa8873e6f0eb26be
	289f28333d183f5d3b7a95c0c869adfb748daee3c5286eed6682c12e5533186baced9c26c167a9ebae950b
	0024 d9600d02b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17
	0001 03777777076578616d706c65036e657400 0004 c0000201"
put dnssec algorithm14_10771 "0064 0101030ec4a61a36159d18e7c9fa73eb2fcfdaae4c1fd8463730327e484aca8af0554ae9b5c3f7a0b17bd2003b4d261c9e9b9442
	3a9810e8af17d43452124adb610f8e07ebfcfee5f8e4d07063cae9eb917a1a5babf08fe695536017a5bfa93237ee6e34
	007f 00010e0300000e104c88b4e94c63cae92a13076578616d706c65036e657400fcbe610ca22f183c88d5f700457df3eb9aab98fb15
	cfbdd00f532be4212a3a22cff79871428baeae81827993afcc56b1b13f0696bef885b6af44a6b224dbb2742bb35934923ddcfbc2
	7a972f96dd709ceeb1d9c8d1148c44ec71c068a959c266
	0034 2a130e0472d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6
	0001 03777777076578616d706c65036e657400 0004 c0000201"
put dnssec algorithm15_3613 "0024 0101030f974d96a22d224bc01adb915091477d44ccd91c9a41a11430010117d52c59240e
	005f 000f0f0200000e1055d4fc6055b94ce00e1d076578616d706c6503636f6d00a0bf64ac9ba7ef17c138859c1878bb99a839fe1759
	aca5b0d798cf1ab1e98d079102f4ddb3368f0fe40bb377f1f00e0cddedb799167d56b6e932783072ba8d02
	0024 0e1d0f023aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b
	000f 076578616d706c6503636f6d00 0014 000a046d61696c076578616d706c6503636f6d00"
put dnssec algorithm15_35217 "0024 0101030fccf9d9fd0c047bb4bc0b948fcf639f4b9451e34013936feb62713dc472048a3b
	005f 000f0f0200000e1055d4fc6055b94ce08991076578616d706c6503636f6d00cd74346e4620413105c9f2f28bd428898e83f19758
	a38c32521562a1865715d4f8d7440f4484d04aa2529f34284a6e69a09ee00fb0104743bb2ae239936a5c06
	0006 000000000000
	000f 076578616d706c6503636f6d00 0014 000a046d61696c076578616d706c6503636f6d00"
put dnssec algorithm16_9713 "003d 01010310de481139a0e3ae1d07da2ba2c5606b73c8361290412c2746cc79a7f86d8ca533e1a63fce8815471d27cfa1dc75158614
	7092a6d4c0e926d200
	0091 000f100200000e1055d4fc6055b94ce025f1076578616d706c6503636f6d00ddc3c01e49a59f17031ccca0eef142df89746e5061
	b86d6aa702e68c89c8f30d42301dbd164100209500d1a9b15a77649a7059e922a2c19480c4620b9ff341b4e5dfb74f868fb152bc
	e2b113fd3bfb8450bc4e7cd4ddc08ff26d2326a261576762dc8c59b48dc86118db6d7758ab09970100
	0006 000000000000
	000f 076578616d706c6503636f6d00 0014 000a046d61696c076578616d706c6503636f6d00"
put dnssec algorithm16_38353 "003d 01010310924ade196a1c7120e65011807bbfb3b1b1ba640150a7eb323e6614bab05141cded0e378c0897153110e681c34ba791e5
	1c0332d76568212b00
	0091 000f100200000e1055d4fc6055b94ce095d1076578616d706c6503636f6d00135fe82e348621b98b9f2ff87dc80cd73e282fa6aa
	a3e8b34f7bab0b21f2bc4a784a9f12ca0d5e23e949e7b0929d9aa324fe353bff65e26d00b10e1feea2358159cc2fcbd65a2c96d8
	a5e14fd92e0080944b1bf93966dff3546aed8bbad27a5a6ce0c1d1014f6ffae45b7914666434610500
	0006 000000000000
	000f 076578616d706c6503636f6d00 0014 000a046d61696c076578616d706c6503636f6d00"
put dnssec records "0004 01000308 0013 0002 0f 01 00000e10 00000002 00000001 1234 00 0006 000100010000
	0002 02 6578 00 0003 014200 0003 016100 0003 016200"

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
put compose rrset "00 05 61 62 63 00 00 0000 04 00 01 00 07 04 01 02 00 00 07 01 04 03 3c 00 00 06 02 04 00 01 00 03 04 02 05 00 00 00 01"

# --- conf: one octet of type (enum msg_type), then the payload --------------------------------------
put conf hello "01 00000001 01 0007 302e312e302f31 00001fff 000003e8 000003e8 0029"
put conf identity "02 0008 696e7465726e616c 0000 0002 06"
put conf listener4 "03 00000001 01 04 0035 00000000 0a000035"
put conf listener6 "03 00000002 02 06 0035 00000002 fe800000000000000000000000000001"
put conf link "04 00000003 03 0001"
put conf image "05 00000004 $example"
put conf begin "06 00000001"
put conf authority "07 01 00000040 00000008 00002710 00002710 01 01 0003 626f78 0003 626f78 0000"
put conf frontend "08 0000000010000000 00002000 00000040 00000040 00000008 00002710 00002710 0100"
put conf resolver "09 0000000010000000 00002000 01 01 01 01 00 01 02 0000000000000000"
put conf acl4 "0c 04 08 0a000000"
put conf acl6 "0c 06 08 fd000000000000000000000000000000"
put conf zone "0d $example 00000004 00000007 01"
put conf rebind "0e $example"
put conf forward "2f 00 01 04 0035 00000000 c0000201"
put conf stub "0f $example 02 04 0035 00000000 c0000201 06 0035 00000000 20010db8000000000000000000000001"
put conf outgoing "11 04 0000 00000000 c0000201"
put conf refused "14 00000001 0003 776879"
put conf flush "1a 02 $example"
put conf flushed "1b 0000000000000007"
put conf compile "1d 00 $example 0004 7a6f6e65 00000e10 06"
put conf diagnostic "1e 01 0000002a 0004 7a6f6e65 0003 776879"
put conf compiled "21 01 00000000 00000001 00000007 00000064 0000000000001000 0123456789abcdef"
put conf request "22 02 0005 666c757368 0003 616c6c"
put conf row "23 0004 726f6c65 03 0004 6e616d65 01 0001 61 0003 706964 02 0000000000000001 0002 7570 03 0000000000000001"
put conf done "24 00 0002 6f6b"
put conf key "25 016b00 01 0010 30313233343536373839616263646566"
put conf transfer "26 00000000 03 04 08 0a000000 016b00"
put conf transfer_any "26 00000001 02 016b00"
put conf rate_table "27 00000005 000102030405060708090a0b0c0d0e0f"
put conf cookie_secrets "28 02 000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f"
put conf rate_limit "29 02 00000005 00000014 18 38"
put conf rate_exempt "2a 04 08 0a000000"
put conf same_zones "43 00000001 00000003"
put conf zone_image "44 00000002 00000005 00"

# --- link: self, peer, phase, what handlers do; datagrams: how, length, octets -----------------------
begin='0c 0006 0000 00000004 00000001'       # CONF_BEGIN, request 4
listener='18 0003 0000 00000004 00000001 01 04 0035 00000000 0a000035'
put link begin "01 00 01 00 80 $begin"
put link burst "01 00 01 00 $(repeat 12 "00 $begin") 80 $begin"
put link listener "01 00 01 00 81 $listener 81 $listener"
put link no_fd "01 00 01 00 80 $listener"
put link fds8 "01 00 01 00 88 $listener"
put link wrong_role "02 03 01 00 80 $begin"
put link hello "00 03 00 02 80 1d 0001 0000 00000001 00000001 03 0000 00001fff 000003e8 000003e8 0029"
put link answer "00 03 01 02 00 0c 0013 0000 00000002 00000001 00 0c 0013 0000 00000003 00000001"
put link empty "00 03 01 02 81 00"
put link short "00 03 01 02 81 03 000600"
put link freed "01 00 01 03 01 $listener 01 $listener"

# --- answer -----------------------------------------------------------------------------------------
# transport (0 UDP, 1 TCP, 2 link), then the query; or with 4 added: EDNS, zone and DO, labels, 00, type
for type in 0001 0002 0005 0006 0027 002b 002e 00ff 00fc; do
	put answer "raw_$type" "00 1234 0000 0001 0000 0000 0000 0161 00 $type 0001"
done
put answer raw_tcp "01 1234 0100 0001 0000 0000 0000 0162 0161 00 0001 0001"
put answer raw_link "02 1234 0100 0001 0000 0000 0000 0162 0161 00 0001 0001"
put answer raw_failed "00 1234 0100 0001 0000 0000 0001 0177 017a 00 0001 0001 $opt"
put answer raw_outside "00 1234 0100 0001 0000 0000 0001 0162 0163 00 0001 0001 $opt"
put answer raw_notify "00 1234 2000 0001 0000 0000 0000 0161 00 0006 0001"
put answer alias "06 01 15 00 00 10"
put answer delegation "06 09 14 12 00 00 10"
put answer wildcard "06 09 10 13 00 03 10"
put answer dname "06 09 10 17 00 00 10"
put answer dname_loop "06 01 10 18 00 00 10"
put answer cname_loop "06 01 1a 00 00 10"
put answer too_long "06 01 f1 f1 f1 f1 17 00 00 10"
put answer truncated "04 04 11 00 00 00"
put answer glue "04 05 10 12 00 00 20"
put answer other_zone "04 02 17 00 00 00"
put answer root "04 06 00 01 00"

# --- config -----------------------------------------------------------------------------------------
text config view 'view "internal" {
	listen = { "127.0.0.1@5353", "::1@5353" } # here
	allow-query = { "127.0.0.0/8", "::1" }
	zones-dir = "."
	zone "example.com" { file = "good.conf" overlay = true }
	zone "corp.example" { file = "good.conf" }
}
'
text config resolver '// all of it
appliance { workers = 2 state-dir = "state" run-dir = "/run/x" log-level = "debug" }
view "in" { listen = { "127.0.0.2@53" } zones-dir = "." user = "nobody" }
/* and the rest */
resolver {
	listen = { "127.0.0.1@53" }
	interfaces = { "lo" }
	allow-query = { "any4" }
	open = true
	internal-view = "in"
	outgoing = { "127.0.0.1" }
	root-hints = ""
	cache-size = "1M"
	rebind-allow = { "example.net" }
	stub "consul" { to = { "127.0.0.9@8600" } }
	forward "." { to = { "127.0.0.9@8601", "192.0.2.1" } tls = false }
	ipv6 = no
	use-0x20 = off
	qname-minimisation = true
	prime-root = false
}
'
text config include 'include("good.conf")
'
text config include_itself 'include("tried.conf")
'
text config include_nothing 'include("no-such-file")
'
text config open_string 'view "a" { listen = { "127.0.0.1
'
text config open_quote "view 'a { listen"
text config open_comment '/* view "a" { }
'
text config open_section 'view "a" {
'
text config environment 'view "${HOME}" { listen = { "${X}", "${X:-127.0.0.1}" } }
'
text config escapes 'view "a\x41\101\n" { listen = "\
" += "b" }
'
text config odd_comment '/*/ x */ view a{}#
'
text config answers 'appliance { nsid = "box" identity = "b" }
view "a" { listen = { "127.0.0.1" } zones-dir = "." cookies = "require" cookie-secret-file = "good.conf"
  nsid = "0x00ff" version = "1" answer-rotation = no
  rate-limit { mode = "log" responses-per-second = 5 slip = 1 ipv4-prefix = 32 ipv6-prefix = 64
    exempt = { "::/0", "10.0.0.0/8" } } }
'
text config slip 'view "a" { rate-limit { slip = 2 responses-per-second = 0 mode = "x" } rate-limit { } }
'
text config keys 'key "p" { algorithm = "hmac-sha256" secret-file = "good.conf" }
view "a" { listen = { "127.0.0.1" } zones-dir = "."
  zone "z" { file = "good.conf" allow-transfer = { "key:p", "192.0.2.0/24 key:p", "any6" } } }
'
text config unknown 'view "a" { lisen = 1 }
'
text config twice 'view "a" { zones-dir = "." zones-dir = "." listen = {} listen += {"::1"} }
'

# --- rdata ------------------------------------------------------------------------------------------
# A type, then RDATA as it would stand in an image.
put rdata a "00 01 c0 00 02 01"
put rdata a_short "00 01 c0 00 02"
put rdata mx "00 0f 00 0a 04 6d 61 69 6c 00"
put rdata name_odd "00 02 03 2e 22 5c 01 00 02 ff 20 00"
put rdata txt "00 10 00 03 61 22 5c 02 00 ff"
put rdata txt_cut "00 10 05 61"
put rdata naptr "00 23 00 01 00 02 01 53 00 03 21 5c 31 00"
put rdata rrsig "00 2e 00 01 0d 02 00 00 0e 10 ff ff ff ff 00 00 00 00 12 34 01 78 00 01 02 03"
put rdata nsec "00 2f 00 00 06 40 01 00 00 00 03 01 01 80"
put rdata nsec_empty "00 2f 00"
put rdata nsec3 "00 32 01 01 00 0a 02 ab cd 14 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 00 01 40"
put rdata nsec3_odd_hash "00 32 01 01 00 0a 00 03 01 02 03"
put rdata nsec3param "00 33 01 00 00 00 00"
put rdata caa "01 01 80 05 69 73 73 75 65 63 61 2e 22"
put rdata caa_tag "01 01 80 05 69 20 73 75 65 63 61 2e 22"
put rdata svcb "00 40 00 01 00 00 01 00 03 02 68 32 00 03 00 02 01 bb ff 00 00 00"
put rdata svcb_cut "00 40 00 01 00 00 01 00 05 02 68 32"
put rdata loc "00 1d 00 12 16 13 8b 2b d1 18 80 08 36 a8 00 98 96 80"
put rdata unknown "ff 00 01 02 03"
put rdata unknown_empty "ff 00"
put rdata eui48 "00 6c 00 11 22 33 44 55"
put rdata uri "01 00 00 0a 00 01 68 22"
put rdata ds "00 2b ec 45 05 01 2b b1 83 af"
put rdata ds_empty "00 2b ec 45 05 01"
put rdata zonemd "00 3f 00 00 00 07 01 01 aa bb cc"

# --- saved ------------------------------------------------------------------------------------------
# Heads of saved images: build, version of the image, zone, generation (number, cause, user, time, whose image, what the
# text makes), 12 octets of numbers, 24 more, then sources: 8, 4, their number, each a path and 40 octets. And names of
# files.
generation="00 00 00 00 00 00 00 05 02 00 00 00 07 00 00 00 00 65 00 00 00 00 00 00 00 00 00 00 00 \
	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
rollback="00 00 00 00 00 00 00 05 05 00 00 00 00 00 00 00 00 65 00 00 00 00 00 00 00 00 00 00 03 \
	00 00 00 09 00 00 00 00 00 00 10 00 01 02 03 04 05 06 07 08"
itself="00 00 00 00 00 00 00 05 05 00 00 00 00 00 00 00 00 65 00 00 00 00 00 00 00 00 00 00 05 \
	00 00 00 09 00 00 00 00 00 00 10 00 01 02 03 04 05 06 07 08"
zeroes12="00 00 00 00 00 00 00 00 00 00 00 01"
zeroes32="00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 04"
zeroes40="$zeroes32 00 00 00 00 00 00 00 05"
put saved no_source "00 01 78 00 00 00 04 00 $generation $zeroes12 $zeroes32 00 00 0e 10 00 00 00 00"
put saved one_source "00 01 78 00 00 00 04 03 6e 65 74 00 $generation $zeroes12 $zeroes32 00 00 0e 10 00 00 00 01 00 01 61 $zeroes40"
put saved two_sources "00 01 78 00 00 00 04 03 6e 65 74 00 $generation $zeroes12 $zeroes32 00 00 0e 10 00 00 00 02 00 01 61 $zeroes40 \
	00 03 62 2f 63 $zeroes40"
put saved many_sources "00 01 78 00 00 00 04 00 $generation $zeroes12 $zeroes32 00 00 0e 10 ff ff ff ff 00 01 61 $zeroes40"
put saved rollback "00 01 78 00 00 00 04 03 6e 65 74 00 $rollback $zeroes12 $zeroes32 00 00 0e 10 00 00 00 00"
put saved rollback_to_itself "00 01 78 00 00 00 04 03 6e 65 74 00 $itself $zeroes12 $zeroes32 00 00 0e 10 00 00 00 00"
text saved name "example.com.image"
text saved root "@.image"
text saved escaped "a%2Eb.%00%FF.image"
