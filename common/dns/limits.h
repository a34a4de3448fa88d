/*
 * Every bound on work that input can cause, with its reason. A loop over input names one of these.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_LIMITS_H
#define BULKHEAD_COMMON_DNS_LIMITS_H

enum {
	/* RFC 1035 3.1, 2.3.4: octets of a name with its length octets and the root label. */
	DNAME_MAX = 255,
	/* RFC 1035 2.3.4. */
	LABEL_MAX = 63,
	/* 127 one-octet labels fill 255 octets; the root label is not counted. */
	DNAME_LABELS_MAX = 127,
	/*
	 * Compression pointers followed for one name. Pointers must go strictly backwards, so honest
	 * packers need a few; ladders of pointers are the work amplification of CVE-2024-8508.
	 */
	DNAME_JUMPS_MAX = 16,
	/* Text form: each octet as \DDD, a dot per label, the terminator. */
	DNAME_TEXT_MAX = 1024,

	DNS_HEADER_SIZE = 12,
	/* RFC 1035 4.2.2: two octets of length before a message over TCP. */
	DNS_MESSAGE_MAX = 65535,
	/* RFC 1035 4.2.1: UDP without EDNS. */
	UDP_SIZE_PLAIN = 512,
	/*
	 * Largest UDP response we send and the size we offer: DNS flag day 2020, fits into an IPv6
	 * minimum MTU of 1280 with IP and UDP headers, so nothing is fragmented.
	 */
	UDP_SIZE_MAX = 1232,
	/* Receive buffer for UDP: more than any sane query or response, so nothing is cut unseen. */
	UDP_RECV_MAX = 4096,

	/* EDNS options looked at in one OPT; more is FORMERR (option floods, CVE-2026-41292). */
	EDNS_OPTIONS_MAX = 32,
	/* Octets of NSID (RFC 5001 leaves it open): a host name fits, and a reply stays small. */
	NSID_MAX = 100,
	/* RFC 7873 4, RFC 9018 4: octets of a client cookie, of a COOKIE option that we send, and of a secret. */
	COOKIE_CLIENT_SIZE = 8,
	COOKIE_REPLY_SIZE = 24,
	/* RFC 7873 4: what another server's part may be. */
	COOKIE_SERVER_MIN = 8,
	COOKIE_SERVER_MAX = 32,
	COOKIE_SECRET_SIZE = 16,
	/* One that signs, and the one before or after it (RFC 9018 5). */
	COOKIE_SECRETS_MAX = 2,
	/* Options of a reply but EDE: COOKIE 4+24, NSID 4+NSID_MAX, keepalive 4+2. */
	EDNS_OPTIONS_OUT_MAX = 138,
	/* Most that an OPT of ours takes: fixed part 11, EDE 6+64, other options. */
	EDNS_RESERVE_MAX = 219,

	/*
	 * Octets of a TSIG secret. HMAC hashes what is longer than a block of its digest (RFC 2104 2), 128 octets at
	 * most, so nothing is gained above.
	 */
	TSIG_SECRET_MAX = 128,
	/* TSIG keys of a configuration: found in halves for every signed query. */
	TSIG_KEYS_MAX = 1024,

	/* CNAME and DNAME steps in one answer of an authority, as BIND and NSD bound it. */
	CNAME_STEPS_MAX = 16,

	/*
	 * Additional iterations of NSEC3 hashes in a zone that is served: RFC 5155 10.3 allows no more with the
	 * longest keys, and each costs a hash in every answer of absence. RFC 9276 3.1 wants 0.
	 */
	NSEC3_ITERATIONS_MAX = 2500,

	/*
	 * Zones with a trust anchor or a negative one: islands of trust and internal zones of an operator; more are a
	 * mistake. And DS and DNSKEY of one of them: the root has two or three during a roll-over, in each form.
	 */
	ANCHOR_ZONES_MAX = 32768,
	ANCHOR_RECORDS_MAX = 32,
	/* Octets of RDATA of a trust anchor: a key of RSA with 4096 bit takes about 530. */
	ANCHOR_RDATA_MAX = 1024,
	/* Flags, protocol, algorithm, and at least an octet of key (RFC 4034 2.1). */
	ANCHOR_KEY_MIN = 5,
	/* Negative trust anchors set by hand at run time (RFC 7646 2: for failures of others, few and short). */
	NEGATIVE_ANCHORS_MAX = 256,
	/*
	 * Anchor zones whose keys are tracked (RFC 5011): each is asked now and then, and its state takes 17 KiB here and
	 * in each resolver. The root and some islands of trust.
	 */
	TRACKED_ZONES_MAX = 64,
	/* Records of trust anchors of all zones together. */
	ANCHORS_MAX = 4096,

	/* Records parsed from one message of another server. 64 KiB of smallest records is 5957. */
	MESSAGE_RR_MAX = 4096,
	/*
	 * Bytes of uncompressed names and RDATA from one message. A 64 KiB message of two-octet
	 * pointers could claim millions; honest ones expand a few times.
	 */
	MESSAGE_EXPANDED_MAX = 512 * 1024,
	/*
	 * Records, and octets of RDATA with two of length each, of one RRset whose signature is checked. The largest
	 * honest sets have about a hundred records; no message that is read at all brings more octets.
	 */
	SIGNED_RECORDS_MAX = 512,
	SIGNED_RDATA_MAX = MESSAGE_EXPANDED_MAX,
	/*
	 * Pointers in a row that a name of ours leads through: names that each are below the one before would need as many as
	 * there are, and nobody could read them (DNAME_JUMPS_MAX). Half of that, as callers of the composer that know where
	 * a name stands add one or two.
	 */
	COMPOSE_JUMPS_MAX = 8,
	/* Labels that the composer remembers as compression targets; later names go out in full. */
	COMPOSE_TARGETS_MAX = 128,
	/*
	 * Places of its table looked at for one label. Labels that were made to fall together go out in full
	 * instead of making a long message dear.
	 */
	COMPOSE_PROBES_MAX = 8,
};

#endif
