/*
 * Every bound of the resolver on work, time and memory, with its reason; and the prices in the budget.
 *
 * The budget is one integer per client question. The frontend sends it with the question; everything
 * that is done for the question is paid from it, aliases, sub-resolutions and retries among it. Nothing
 * refills it. What these prices buy with the usual 250 units: at most 83 packets, where an honest cold
 * resolution needs 3 to 30.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_BOUNDS_H
#define BULKHEAD_DAEMONS_RESOLVER_BOUNDS_H

enum resolver_prices {
	/* A packet is what an attack multiplies (NXNSAttack, CAMP): the dearest thing we do. */
	COST_UDP = 3,
	/* A handshake and at least four packets more than UDP. */
	COST_TCP = 6,
	/* Waiting for a packet that another resolution has sent already. */
	COST_JOIN = 1,
	/* Each alias step starts a resolution anew (CVE-2020-8616 kin: CNAME x NS products). */
	COST_ALIAS = 2,
	/* Resolving the address of a name server, besides its packets. */
	COST_SUBRESOLUTION = 2,
	/* One unit per started KiB of reply: parsing a full TCP message costs 64. */
	PARSED_OCTETS_PER_UNIT = 1024,
	/* For questions of our own: priming. */
	BUDGET_INTERNAL = 120,
};

enum resolver_bounds {
	/* CNAME and DNAME steps for one question; popular content networks use up to 6. */
	ALIAS_STEPS_MAX = 12,
	/* Zone cuts crossed by one name between two restarts; ip6.arpa trees have about 12. */
	REFERRALS_MAX = 24,
	/* Name servers without address, inside the resolution of one without address, ... */
	FRAME_DEPTH_MAX = 5,
	/* NXNSAttack (CVE-2020-12662): names of servers looked up for one delegation. */
	NS_LOOKUPS_MAX = 5,
	/*
	 * ... and for one question, whatever delegations it meets. Servers in a circle or a tree without addresses multiply
	 * NS_LOOKUPS_MAX by itself down to FRAME_DEPTH_MAX, with hardly a packet when the delegations are known: that cost
	 * 50 times the CPU of an honest miss. Two lookups, A and AAAA, for each of ALIAS_STEPS_MAX.
	 */
	LOOKUPS_MAX = 24,
	/*
	 * Cuts of one question, without a server that is left to ask, for which glue of other delegations is looked for. It
	 * is the last resort, and takes a walk through the cache for each of NS_PER_ZONE_MAX names.
	 */
	GLUE_SEARCHES_MAX = 4,
	/* The root and many TLDs have 13; more names than that are not kept. */
	NS_PER_ZONE_MAX = 13,
	/* Addresses kept for one server name. */
	ADDRS_PER_NS_MAX = 6,
	/* Addresses kept for one delegation: 13 names with both families and some to spare. */
	ADDRS_PER_ZONE_MAX = 40,
	/* The same question to the same address: the first and one retry. */
	TRIES_PER_SERVER_MAX = 2,
	/* Servers of a cut that were silent and are tried a third time, without EDNS (servers_probe_plain). */
	PLAIN_PROBES_MAX = 2,
	/*
	 * All that is sent to one address for one question, whatever it answers: with cookie, without, without EDNS,
	 * each over UDP and TCP. Nobody keeps us going by always finding another fault (BIND: CVE-2026-5950).
	 */
	ASKS_PER_SERVER_MAX = 6,
	/*
	 * Servers known to be lame for the zone that one question may still try when there is nobody better: enough
	 * for a zone that is fine but for some types, too few to send a stranger's refusals many times over.
	 */
	LAME_TRIES_MAX = 2,
	/* Questions at one zone cut: MINIMISE_COUNT_MAX, the whole name, and as many retries. */
	SENDS_PER_ZONE_MAX = 22,
	/* RFC 9156 2.3: MAX_MINIMISE_COUNT and MINIMISE_ONE_LAB. */
	MINIMISE_COUNT_MAX = 10,
	MINIMISE_ONE_LABEL = 4,
	/* Turns of the state machine for one question; each costs something, this only stops a bug. */
	STEPS_MAX = 4096,
	/* Records of one RRset; the largest honest ones have about a hundred. */
	RRSET_RECORDS_MAX = 512,
	/* RRsets of proof (SOA, NSEC, NSEC3) kept with one answer: RFC 5155 needs at most 4; aliases on the way add theirs. */
	PROOF_RRSETS_MAX = 8,

	/*
	 * Validation. Signatures of one RRset that are checked: zones in the change of an algorithm have two, three with a
	 * key in exchange; and keys with the tag of one signature: honest ones collide once in 65,536 pairs. Many of both
	 * are KeyTrap (CVE-2023-50387).
	 */
	SIGNATURES_MAX = 8,
	KEY_COLLISIONS_MAX = 4,
	/* Checks for one RRset, whatever signatures and keys it comes with. */
	SET_CHECKS_MAX = 8,
	/*
	 * Checks for one question, whatever it leads to, in units of one with P-256 (a quarter of a millisecond): some
	 * tens of milliseconds at most. A chain of six zones and an answer by alias needs about 25; P-384 costs 8 each.
	 */
	SIGNATURE_CHECKS_MAX = 128,
	/* Keys of one zone that are kept: the largest honest sets in the change of keys have about ten. */
	ZONE_KEYS_MAX = 32,
	/* DS records or anchors of one zone that are looked at. */
	VOUCHERS_MAX = 16,
	/* Keys that DS records speak of whose signature over the DNSKEY RRset is tried. */
	ENTRY_KEYS_MAX = 4,
	/* Wrong clocks (validators of others grant as much): at least an hour, at most a day. */
	SKEW_MIN_SEC = 3600,
	SKEW_MAX_SEC = 86400,
	/*
	 * Servers that are asked again for what was bogus from another one, for each alias on the way: one of them may be
	 * attacked or stale. All of them together are bounded by the budget and SIGNATURE_CHECKS_MAX.
	 */
	BOGUS_RETRIES_MAX = 2,
	/* RFC 4035 4.7: bogus data is remembered, so that broken zones cost little, but not for long. */
	TTL_BOGUS = 60,
	TTL_TRUST_MAX = 86400,
	/*
	 * RFC 9276 3.2: NSEC3 with more additional iterations are not computed, what they deny is insecure. As BIND and
	 * Knot Resolver have it; zones were told to use none in 2022, and hardly any is above 20 today.
	 */
	ITERATIONS_MAX = 50,
	/*
	 * Hashes of NSEC3 for one client question, iterations counted (CVE-2023-50868). A whole ip6.arpa name under a
	 * zone with ITERATIONS_MAX costs 36 x 51; some zones above it two names each.
	 */
	NSEC3_HASHES_MAX = 4096,
	/* NSEC and NSEC3 RRsets looked at for one proof, of each chain; others are passed over. It needs at most 4. */
	DENIAL_SETS_MAX = 16,
	/* Kinds of NSEC3 parameters in one reply: a chain and its successor, while a zone changes them (RFC 5155 7.3). */
	DENIAL_CHAINS_MAX = 2,

	/* Replies with a wrong id, name or case before a question moves to TCP (RFC 5452 9.2). */
	MISMATCHES_MAX = 3,

	/* A question that is not answered by then is answered SERVFAIL. Clients give up at 5 to 15 s. */
	RESOLUTION_MS = 10000,
	/* Waiting for a server of which nothing is known. */
	RTO_UNKNOWN_MS = 1000,
	RTO_MIN_MS = 150,
	RTO_MAX_MS = 3000,
	/* A forwarder has to resolve, and be asked by us again only when that has had its time. */
	RTO_FORWARD_MIN_MS = 2000,
	/* Added for the handshake of TCP. */
	RTO_TCP_EXTRA_MS = 1500,

	/*
	 * TTLs in seconds. Whatever the operator wants, nothing is kept for longer than a week (RFC 8767 4), nor is
	 * an absence for longer than a day (RFC 2308 5). Usual are one day and three hours.
	 */
	TTL_ANSWER_MAX = 604800,
	TTL_ANSWER_USUAL = 86400,
	TTL_NEGATIVE_MAX = 86400,
	TTL_NEGATIVE_USUAL = 10800,
	TTL_ANY = 86400, /* of the answer to ANY, RFC 8482 4.2 */
	TTL_DELEGATION_MAX = 86400,
	/*
	 * RFC 9520 3.2: failures are remembered for 1 s to 5 min, each next one for twice as long. Not longer than a
	 * minute, so that the end of an outage is seen soon.
	 */
	TTL_FAILURE = 5,
	TTL_FAILURE_MAX = 60,
	/* RFC 8767 5: TTL of stale answers, failure recheck timer, client response timer. */
	TTL_STALE = 30,
	TTL_FAILURE_STALE = 30,
	STALE_CLIENT_MS = 1800,
	/* Resolutions that go on after their client got a stale answer: more of them do not get one early. */
	STALE_DETACHED_MAX = 1024,
	/* RFC 8109 3.3: the root's NS set is asked for again before it expires. */
	PRIME_RETRY_SEC = 60,
	PRIME_MIN_SEC = 3600,

	/* How long what was learned about a server holds. */
	LAME_SEC = 300,	      /* does not serve the zone */
	SERVER_ERROR_SEC = 30, /* SERVFAIL, REFUSED and the like: RFC 9520 3.2 */
	EDNS_NONE_SEC = 900,
	COOKIE_NONE_SEC = 900,
	CASE_NONE_SEC = 900,
	FAMILY_DOWN_SEC = 30, /* no route, or silence: the other family is preferred */
	/* So many packets in a row unanswered by a family, whoever they went to: it leads nowhere. */
	FAMILY_SILENCES_MAX = 8,
	BACKOFF_FIRST_MS = 2000,
	BACKOFF_MAX_MS = 120000,
	/* A zone whose servers are all silent is still probed this often per server. */
	PROBE_EVERY_MS = 1000,

	/* Region of one resolution: what one question can hold in memory. */
	RESOLUTION_CHUNK = 8192,
	RESOLUTION_MEMORY_MAX = 256 * 1024,
	/*
	 * All questions in work together: eight thousand honest ones, which need a chunk or two. When half of it is
	 * taken, one question gets RESOLUTION_MEMORY_TIGHT only: enough for all but the longest chains.
	 */
	PENDING_MEMORY_MAX = 128 * 1024 * 1024,
	RESOLUTION_MEMORY_TIGHT = 48 * 1024,
	/* Scratch for one parsed reply: MESSAGE_EXPANDED_MAX and its record table. */
	PARSE_MEMORY_MAX = 2 * 1024 * 1024,

	/* Octets of replies that one frontend does not take at once, with what keeping them costs: 50,000 usual ones. */
	BACKLOG_MAX = 16 * 1024 * 1024,

	/* TCP connections to servers at the same time. */
	UPSTREAM_TCP_MAX = 256,
	/* Of these to one server: eight slow ones can take all, one cannot. */
	UPSTREAM_TCP_SERVER_MAX = 32,
	/* When all are taken, one that waits for so long makes room for the next. */
	UPSTREAM_TCP_FAIR_MS = 1000,
	/*
	 * Sockets to servers at the same time; each waiting question holds one at most. More than questions that may be in
	 * work (RESOLVER_PENDING of the supervisor), so that these are what is shared out, by QUESTION_FAIR_MS.
	 */
	UPSTREAM_MAX = 12288,
	/*
	 * When as many questions are in work as may be, or their memory is used up, the oldest one that has had this much
	 * makes room for the next: servers that are slow on purpose cannot fill the table for RESOLUTION_MS. Honest
	 * ones are answered in a tenth of it.
	 */
	QUESTION_FAIR_MS = 1000,
	/* Sockets that rest between two queries: what is usually in flight, not the peak of a flood. */
	UPSTREAM_IDLE_MAX = 512,
	/* Packets thrown away when a socket is laid to rest; one with more is closed. */
	UPSTREAM_DRAIN_MAX = 16,
};

#endif
