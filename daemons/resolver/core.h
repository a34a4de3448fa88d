/*
 * Inside of the core: what iterate.c, start.c, end.c, choose.c, upstream.c, prime.c and core.c share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_CORE_H
#define BULKHEAD_DAEMONS_RESOLVER_CORE_H

#include "common/dns/dnssec.h"
#include "common/dns/nsec3.h"
#include "common/util/log.h"
#include "common/ipc/stats.h"
#include "daemons/resolver/cache.h"
#include "daemons/resolver/cookies.h"
#include "daemons/resolver/delegation.h"
#include "daemons/resolver/iterate.h"
#include "daemons/resolver/reply.h"
#include "daemons/resolver/servers.h"
#include "daemons/resolver/validate/anchors.h"
#include "daemons/resolver/validate/memo.h"
#include "daemons/resolver/validate/trust.h"

#define UPSTREAM_BUCKETS 4096 /* a power of two */

/* A configured zone: stub, forward or root. */
struct core_zone {
	uint8_t zone[DNAME_MAX];
	unsigned labels;
	bool forward; /* its servers are resolvers */
	uint8_t *packed; /* delegation_pack */
	size_t packed_len;
};

struct core {
	struct core_options options;
	uint64_t cache_bytes;
	uint64_t cache_room; /* of these: what the facts about servers leave to the cache */
	struct cache *cache;
	struct servers *servers;
	struct anchors *anchors;
	struct trust_store *trust;
	struct memo *memo;
	struct dnssec *dnssec;	      /* the shell's */
	struct nsec3_hasher *hasher;  /* the shell's */
	bool validating;	      /* there is an anchor */
	uint64_t wall_base_ms;	      /* on the core's clock, when ... */
	uint64_t wall_base_sec;	      /* ... this was the time of day */
	struct siphash_key key;
	struct siphash_key cookie_key;
	core_rand_fn *rand_fn;
	void *rand_ctx;
	uint64_t *counters;
	bool allow_loopback;
	struct log_limit complaints; /* about forwarders */
	struct core_zone hints; /* as configured or built in */
	struct core_zone root;	/* in use: hints, or what priming found */
	struct core_zone *stubs; /* and forward zones */
	size_t stub_count;
	struct ipc_name *rebind_allow;
	size_t rebind_allow_count;
	uint64_t config_hash;	/* of roots and stubs */
	uint64_t prime_at_ms;	/* when the root's servers are to be asked for */
	bool priming;
	core_trace_fn *trace_fn; /* for traced resolutions */
	void *trace_ctx;
	size_t reply_octets;	/* of the reply that is being worked on */
	uint32_t flushes;	/* how often core_flush was called */
	bool keeps;		/* the resolution that is worked on began after the last of them: store_ may keep */
	uint64_t family_down_until_ms[2]; /* IPv4, IPv6: no route, or nobody there answers */
	unsigned family_silences[2];	  /* in a row, of whatever servers */
	struct region scratch;	/* one parsed reply */
	struct region_account pending; /* memory of the questions in work */
	struct upstream *buckets[UPSTREAM_BUCKETS];
	struct upstream *send_first;
	struct upstream **send_last;
	struct resolution *watch_first; /* stale.h */
	struct resolution *watch_last;
	unsigned detached;
	struct resolution *done_first;
	struct resolution **done_last;
};

enum frame_purpose {
	FRAME_CLIENT,
	FRAME_SERVER, /* address of a name server */
	FRAME_PRIME,
	FRAME_TRUST, /* DS or DNSKEY for the validation of the frame below */
};
enum frame_state { FRAME_START, FRAME_ASK, FRAME_WAIT, FRAME_VALIDATE };

/* How far data was validated. */
enum security { SECURITY_UNCHECKED, SECURITY_INSECURE, SECURITY_SECURE, SECURITY_BOGUS };

struct validation;
struct verify_reason;

struct frame {
	struct frame *below;
	const uint8_t *name; /* changes at each alias */
	uint16_t type;
	uint8_t purpose;
	uint8_t state;
	uint8_t ns;	      /* FRAME_SERVER: index of the server in the cut of the frame below */
	uint8_t aliases;
	uint8_t referrals;
	uint8_t sends;	      /* questions at this cut */
	uint8_t heard;	      /* enum heard, of all of them */
	uint8_t lame_tries;   /* of those, at servers known to be lame */
	uint8_t known_labels; /* of name, from the right: shown to exist or a cut */
	uint8_t minimised;    /* minimised questions so far */
	bool minimise_off;
	bool ask_minimised;   /* the question at hand is not the whole one */
	bool answered;	      /* the records are from the server that was chosen, just now */
	uint8_t bogus_retries;
	int bogus_ede;	      /* of the last try */
	const char *bogus_why;
	uint8_t choice;	      /* index of the server that is asked */
	uint16_t ask_type;
	const uint8_t *ask_name;
	struct delegation *cut;
	struct rrset *records;
};

/* What to do with a frame whose packet is over. */
enum upstream_event {
	EVENT_REPLY, /* a message: judge it */
	EVENT_TCP,   /* ask the same server over TCP, perhaps again: then it was noted what to do better */
	EVENT_AGAIN, /* the same over UDP */
	EVENT_NEXT,  /* nothing came: ask another one */
	EVENT_UNREACHED, /* the network says that it cannot be reached: likewise */
};

/* What was heard of the servers of a cut, for the extended error when it was of no use (RFC 8914 4.23, 4.24). */
enum heard {
	HEARD_REPLY = 1,
	HEARD_SILENCE = 2,
	HEARD_NETWORK = 4, /* no route, or nobody listens: told by the network, not by a server */
};

static inline uint32_t core_rand(struct core *core, uint32_t bound)
{
	return core->rand_fn(core->rand_ctx, bound);
}

static inline void core_count(struct core *core, enum stats_resolver counter)
{
	core->counters[counter]++;
}

static inline unsigned addr_family_index(const struct addr *addr)
{
	return addr->family == ADDR_V6 ? 1 : 0;
}

/* --- iterate.c --- */
/* Go on with a resolution whose packet is over. msg only for EVENT_REPLY. */
void iterate_event(struct core *core, struct resolution *r, enum upstream_event event,
		   const struct message *msg, uint64_t now_ms);
/* Run until it waits or is finished. */
void iterate_run(struct core *core, struct resolution *r, uint64_t now_ms);
/* A frame on top that fetches DS or DNSKEY records for a validation. name must live as long as r. False: r is over. */
bool iterate_push_trust(struct core *core, struct resolution *r, const uint8_t *name, uint16_t type, uint64_t now_ms);
/* The verdict about the top frame's reply; SECURITY_UNCHECKED: none can be had. reason for that and for bogus ones. */
void iterate_validated(struct core *core, struct resolution *r, struct validation *v, enum security security,
		       const struct verify_reason *reason, uint64_t now_ms);

/* --- start.c --- */
/* FRAME_START of the top frame. */
void frame_start(struct core *core, struct resolution *r, uint64_t now_ms);
/* What is known for the top frame is settled, as secure as it is: follow it or finish with it. */
void frame_use(struct core *core, struct resolution *r, struct reply *reply, enum security security, uint64_t now_ms);
/* The frame is at a new cut now. */
void frame_enter_cut(struct frame *f, struct delegation *cut);
/* Must what is found for the top frame be validated? */
bool frame_must_validate(const struct resolution *r);

/* --- end.c --- */
/* r is over. text: static storage, or NULL. */
void end_resolution(struct core *core, struct resolution *r, uint16_t rcode, int ede, const char *text, uint64_t now_ms);
/* r as a whole failed, which is remembered for its question. */
void end_failed(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms);
/* The top frame cannot be resolved. Below it others may be tried. */
void frame_fail(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms);
/* The top frame has its result: rcode, and the records collected on the way. */
void frame_finish(struct core *core, struct resolution *r, uint16_t rcode, uint64_t now_ms);
/* Records of an alias were found for the top frame; go on with its target. */
void frame_follow(struct core *core, struct resolution *r, struct rrset *records, const uint8_t *target,
		  uint64_t now_ms);
/* Pay; false: the budget is spent and the resolution ended. */
bool iterate_pay(struct core *core, struct resolution *r, uint32_t units, uint64_t now_ms);
void iterate_no_memory(struct core *core, struct resolution *r, uint64_t now_ms);
/* End r with a stale answer. False: there is none, and nothing happened. */
bool iterate_answer_stale(struct core *core, struct resolution *r, uint64_t now_ms);

/* --- trace.c: each does nothing unless r is traced --- */
void trace_ask(const struct core *core, struct resolution *r, bool tcp, bool joins, uint64_t now_ms);
void trace_reply(const struct core *core, const struct resolution *r, const struct message *msg,
		 const struct reply *reply, uint64_t now_ms);
void trace_no_reply(const struct core *core, const struct resolution *r, enum upstream_event event, uint64_t now_ms);
void trace_hit(const struct core *core, const struct resolution *r, const struct reply *reply, enum security security,
	       uint64_t now_ms);
void trace_local(const struct core *core, const struct resolution *r, bool exists, uint64_t now_ms);
void trace_failed(const struct core *core, const struct resolution *r, int ede, const char *why, uint64_t now_ms);
void trace_verdict(const struct core *core, const struct resolution *r, const struct validation *v,
		   enum security security, const struct verify_reason *reason, uint64_t now_ms);
/* A zone between the anchor and the data. */
void trace_zone(const struct core *core, const struct resolution *r, const struct trust *trust, uint64_t now_ms);
void trace_finished(const struct core *core, const struct resolution *r, uint64_t now_ms);

/* --- choose.c --- */
/* Index of the server to ask next, or -1. */
int choose_server(struct core *core, const struct frame *f, uint64_t now_ms);
/* Index of the server name to look up next and the type of address, or -1. */
int choose_lookup(struct core *core, const struct resolution *r, const struct frame *f, uint16_t *type);
/* Add what the cache knows of addresses of servers that have none. */
void choose_fill(struct core *core, struct delegation *cut, uint64_t now_ms);
/*
 * The last resort: glue that the cache has of the zones in which the servers' names are. What a zone says of its
 * server counts for more, but where parent and child differ it may be the parent that is right. False: nothing new.
 */
bool choose_glue(struct core *core, struct delegation *cut, uint64_t now_ms);

/* --- core.c --- */
/* The closest known cut at or above name, in region: a stub's, a cached one, or the root. NULL: no memory. */
struct delegation *core_find_cut(struct core *core, const uint8_t *name, struct region *region,
				 uint64_t now_ms);
/* The innermost stub or forward zone that holds name, or NULL. */
const struct core_zone *core_find_stub(const struct core *core, const uint8_t *name);
/* Seconds since 1970, or the configured date. */
uint32_t core_wall_sec(const struct core *core, uint64_t now_ms);
int core_zone_set(struct core_zone *zone, const struct delegation *d) BH_CHECKED;
void core_done(struct core *core, struct resolution *r);

/* --- store.c: between cache and frames --- */
enum store_flags { STORE_CUT = 1 /* NXDOMAIN holds for everything below, too */ };
/*
 * Keep a reply to name and type with how it was validated. part: enum cache_part; flags: enum store_flags; ede: why it is
 * bogus, else EDE_NONE.
 */
void store_reply(struct core *core, const uint8_t *name, uint16_t type, const struct reply *reply, uint8_t part,
		 uint8_t flags, enum security security, int ede, uint64_t now_ms);
/* DS of a referral, or the proof that there is none. */
void store_referral(struct core *core, const struct reply *reply, uint64_t now_ms);
enum security store_security(const struct cache_hit *hit);
int store_ede(const struct cache_hit *hit);
void store_delegation(struct core *core, const struct delegation *cut, uint64_t now_ms);
/*
 * A question could not be answered, with this extended error. stale: there is a stale answer to it; then it is left
 * alone for longer. unchecked: there was an answer, only validation failed.
 */
void store_failure(struct core *core, const uint8_t *name, uint16_t type, int ede, bool stale, bool unchecked,
		   uint64_t now_ms);
/* Is the remembered failure one of validation? */
bool store_is_unchecked(const struct cache_hit *hit);
/* Text for a client that gets a remembered failure. */
const char *store_failure_text(const struct cache_hit *hit);
/* Is so little left of its life that one who refreshes asks anew? */
bool store_is_ending(const struct cache_hit *hit, uint64_t now_ms);
/* Records of a hit, with what is left of their TTL; at most TTL_STALE when nothing is left. */
int store_unpack(const struct cache_hit *hit, uint64_t now_ms, struct region *region,
		 struct rrset **out) BH_CHECKED;

/* --- stores.c --- */
struct stores {
	struct cache *cache;
	struct servers *servers;
	struct trust_store *trust;
	struct memo *memo;
	uint64_t cache_room; /* octets of the cache */
};
/* Empty ones that together take so many octets. False: no memory. */
bool stores_make(uint64_t bytes, struct stores *out);
void stores_free(struct stores *stores);
/* Put them in place of the core's, which are freed. */
void stores_take(struct core *core, struct stores *stores);

/* --- upstream.c --- */
struct upstream_question {
	struct addr server;
	const uint8_t *name;
	uint16_t type;
	bool tcp;
	bool forward;  /* the server is a resolver */
	uint64_t hash; /* by upstream_exists */
};
/* Would an equal question be joined? To be asked before upstream_ask. */
bool upstream_exists(const struct core *core, struct upstream_question *q);
/* Ask a server for r, or join an equal question. False: no memory. */
bool upstream_ask(struct core *core, struct resolution *r, const struct upstream_question *q, uint64_t now_ms);
void upstream_free_all(struct core *core);

/* --- prime.c --- */
/* Begin priming when it is due. */
void prime_if_due(struct core *core, uint64_t now_ms);
/* The reply to the priming question. False: of no use. */
bool prime_accept(struct core *core, const struct message *msg, const struct rrset *ns, uint64_t now_ms);
/* None of the root's servers gave a usable answer: ask for them anew, soon but not often. */
void prime_doubt(struct core *core, uint64_t now_ms);
/* The priming resolution is over. */
void prime_over(struct core *core, bool fine, uint64_t now_ms);

/* --- for core_start and priming --- */
struct resolution *resolution_new(struct core *core, const uint8_t *name, uint16_t type, uint32_t budget,
				  enum frame_purpose purpose, uint64_t now_ms);

#endif
