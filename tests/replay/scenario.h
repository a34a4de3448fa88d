/*
 * A scenario: what scripted servers answer, what a client asks, and what it must get. As read from a file; README.md
 * in this folder describes the format. Everything lives in the scenario's own region.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_REPLAY_SCENARIO_H
#define BULKHEAD_TESTS_REPLAY_SCENARIO_H

#include "common/dns/message.h"
#include "common/util/addr.h"
#include "common/util/region.h"

enum scenario_bounds {
	/* Octets of a file; the largest one that is known has 43 KiB. */
	SCENARIO_FILE_MAX = 4 * 1024 * 1024,
	/* Octets of everything that is made of it. */
	SCENARIO_MEMORY_MAX = 64 * 1024 * 1024,
	/* Octets of a line with keywords; lines with records have no bound of their own. */
	SCENARIO_LINE_MAX = 4096,
	SCENARIO_WORDS_MAX = 32,
	SCENARIO_ADDRS_MAX = 32, /* of one range, or of one line of the head */
	/* Clients that ask the same at the same time. */
	SCENARIO_CLIENTS_MAX = 256,
	/* 2026-01-01, when no date is given: seconds since 1970. */
	SCENARIO_DATE_USUAL = 1767225600,
};

/* A key that signs; sign.c makes them. */
struct scenario_key {
	struct scenario_key *next;
	const char *name;
	const uint8_t *zone;
	uint8_t algorithm;
	uint16_t tag;
	uint16_t dnskey_len;
	const uint8_t *dnskey; /* RDATA */
	struct evp_pkey_st *pkey;
};

/* What of a message is compared with an entry. */
enum match_part {
	MATCH_OPCODE = 1 << 0,
	MATCH_QTYPE = 1 << 1,
	MATCH_QNAME = 1 << 2,
	MATCH_QCASE = 1 << 3,
	MATCH_SUBDOMAIN = 1 << 4, /* the name is that of the entry or below it */
	MATCH_FLAGS = 1 << 5,
	MATCH_RCODE = 1 << 6,
	MATCH_QUESTION = 1 << 7,
	MATCH_ANSWER = 1 << 8,
	MATCH_AUTHORITY = 1 << 9,
	MATCH_ADDITIONAL = 1 << 10,
	MATCH_EDNS = 1 << 11, /* there is OPT in both or in none, with the same DO */
	MATCH_NSID = 1 << 12,
	/* Ours. */
	MATCH_TTL = 1 << 13, /* the sections that are compared, with TTLs */
	MATCH_EDE = 1 << 14,
	MATCH_UDP = 1 << 15,
	MATCH_TCP = 1 << 16,
	MATCH_PLAIN = 1 << 17, /* there is no OPT */
	MATCH_ALL = MATCH_OPCODE | MATCH_QTYPE | MATCH_QNAME | MATCH_FLAGS | MATCH_RCODE | MATCH_ANSWER |
		    MATCH_AUTHORITY | MATCH_ADDITIONAL,
};

/* How a reply is made from an entry. */
enum adjust {
	ADJUST_COPY_ID = 1 << 0, /* the id and the spelling of the name are those of the query */
	ADJUST_COPY_QUERY = 1 << 1,
	ADJUST_RAW_ID = 1 << 2,
	ADJUST_DO_NOT_ANSWER = 1 << 3,
	/* Ours. */
	ADJUST_LOWER_CASE = 1 << 4,
	ADJUST_NO_EDNS = 1 << 5,
	ADJUST_MORE = 1 << 6, /* the next entry that matches is sent too, behind this one */
	ADJUST_NO_ROUTE = 1 << 7,
	ADJUST_REFUSE = 1 << 8, /* nobody listens; over TCP: closed */
	ADJUST_COOKIE = 1 << 9, /* RFC 7873: the client's cookie and one of the server */
	ADJUST_WRONG_COOKIE = 1 << 10,
};

struct scenario_entry {
	struct scenario_entry *next;
	unsigned line;
	unsigned match;	 /* enum match_part */
	unsigned adjust; /* enum adjust */
	uint16_t flags;	 /* of the header; RCODE is apart */
	uint16_t rcode;
	bool do_bit;
	bool has_question;
	bool used; /* a reply that is given once */
	uint16_t qtype;
	uint16_t qclass;
	const uint8_t *qname;
	const struct message_rr *rrs; /* by section */
	size_t rr_count;
	const uint8_t *raw; /* instead of all that: the octets of a message, or NULL */
	size_t raw_len;
	int ede; /* for MATCH_EDE: enum ede */
	unsigned delay_ms;
	unsigned clients; /* of a query */
};

/* What the server at some addresses answers during some steps. */
struct scenario_range {
	struct scenario_range *next;
	unsigned from;
	unsigned to;
	struct addr addrs[SCENARIO_ADDRS_MAX];
	unsigned addr_count;
	struct scenario_entry *entries;
};

enum step_kind {
	STEP_QUERY,
	STEP_CHECK_ANSWER,
	STEP_TIME_PASSES,
	STEP_REPLY,
	STEP_CHECK_OUT_QUERY, /* a query like that was sent since the last step QUERY */
	/* Ours. */
	STEP_CHECK_PACKETS, /* packets to servers since the last step QUERY */
	STEP_CHECK_TIME,    /* milliseconds from the last question to its answer */
	STEP_CHECK_ASKED,   /* packets since the last step QUERY with that name and type */
	STEP_CHECK_COUNTER, /* how much a counter of the role grew since the last step QUERY */
};

enum compare { COMPARE_EQUAL, COMPARE_AT_MOST, COMPARE_AT_LEAST };

struct scenario_step {
	struct scenario_step *next;
	unsigned id;
	unsigned line;
	enum step_kind kind;
	struct scenario_entry *entry;
	uint64_t seconds;     /* STEP_TIME_PASSES */
	enum compare compare; /* the CHECKs that count */
	uint64_t number;
	const uint8_t *name; /* STEP_CHECK_ASKED */
	uint16_t type;
	unsigned counter; /* STEP_CHECK_COUNTER: enum stats_resolver */
};

/* A zone of the configuration that is asked at certain servers: stub or forward. */
struct scenario_stub {
	struct scenario_stub *next;
	const uint8_t *zone;
	struct addr addrs[SCENARIO_ADDRS_MAX];
	unsigned addr_count;
};

struct scenario_name {
	struct scenario_name *next;
	const uint8_t *name;
};

/* The head. Numbers below 0: not said. */
struct scenario_config {
	struct addr roots[SCENARIO_ADDRS_MAX];
	unsigned root_count;
	struct scenario_stub *stubs;
	unsigned stub_count;
	struct scenario_stub *forwards;
	unsigned forward_count;
	const struct message_rr *anchors; /* DS and DNSKEY */
	size_t anchor_count;
	struct scenario_name *insecure;
	int64_t date_sec;
	int minimise;
	int ip4;
	int ip6;
	int ask_localhost;
	int harden_glue;
	int force_ip6;
	int use_0x20;
	int use_cookies;
	int prime_root;
	int special_names;
	int rebind_protection;
	int validate_sha1;
	int64_t min_ttl;
	int64_t max_ttl;
	int64_t max_negative_ttl;
	int64_t stale_ttl;
	int64_t budget;
};

struct scenario {
	struct region region;
	const char *file;
	const char *text; /* of SCENARIO_BEGIN */
	struct scenario_config config;
	struct scenario_key *keys;
	struct scenario_range *ranges;
	struct scenario_step *steps;
};

/*
 * Read a file. extra: further lines of the head, "key: value", which come behind its own. NULL: it cannot be read
 * or has an error, why tells which and in what line. For scenario_free.
 */
struct scenario *scenario_read(const char *file, const char *const *extra, unsigned extra_count, char *why,
			       size_t why_size);
void scenario_free(struct scenario *scenario);

/* records.c: records as zone-file text, with the line they begin in. Appended to a list of room records. */
struct record_list {
	struct message_rr *rrs;
	size_t count;
	size_t room;
	struct region *region;
};
bool records_read(const char *text, size_t len, unsigned line, uint8_t section, struct record_list *list, char *why,
		  size_t why_size);

#endif
