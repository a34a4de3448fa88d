/*
 * The core of the resolver: iteration, with no socket and no clock in it.
 *
 * It *produces* packets to send and *consumes* replies, time-outs and failures; the current time is
 * a parameter of every call and random numbers come through one function. The role puts sockets around
 * it (outquery.c); tests put scripted servers and a clock of their own around it.
 *
 *	core_start ----> resolution ----> core_next_send: packets for the shell to send
 *	core_reply, core_timeout, core_failed: what became of a packet
 *	core_next_done: finished resolutions, to be released with core_release
 *
 * After each call that takes a time, ask core_next_send and core_next_done until they give NULL.
 *
 *
 * One question, from its arrival to its answer
 * --------------------------------------------
 * A client's question makes one `struct resolution`: a budget, a deadline, a region for its memory
 * and a stack of frames. A frame resolves one name and type; the lowest is the client's question, those
 * above it find addresses of name servers that came without glue, and keys for validation. Only the top frame works. A
 * resolution waits for at most one packet at a time.
 *
 * Let www.example.com A be asked, with nothing in the cache.
 *
 * FRAME_START looks for an answer that needs nobody: is the name in a stub zone (then its servers are the
 * only truth)? Is it a special-use name (answered here)? Does the cache hold the RRset, a CNAME, its
 * absence, or a recent failure? If not, it looks for the closest zone cut above the name whose servers are
 * known: the stub's, one in the cache, or the root. So: the root.
 *
 * FRAME_ASK decides what to ask and whom. What: with minimisation "com A", not the whole name. Whom: the
 * servers of the cut with addresses, those known lame for the zone last, silent ones left out, the fastest
 * preferred, others tried now and then. When none is left, the name of a server without address
 * becomes a new frame on top; when there is none of these either, the frame has failed. The budget
 * pays for the packet; the question goes to `struct upstream`, where an equal question that is on its way
 * already is joined instead of sent twice (birthday attacks need many equal ones). State: FRAME_WAIT.
 *
 * A reply is matched (id, question, case), parsed, and judged by reply.c for the top frame:
 *   referral   "com NS ..." becomes the new cut, remembered with its deadline; FRAME_ASK again, now
 *              with "example.com A" at the servers of com, and so down to those of example.com;
 *   answer     to the whole question: kept in the cache, the frame is done. To a minimised one (and
 *              likewise its absence): the next label is added;
 *   alias      CNAME or DNAME: kept, and the frame starts anew with the target's name;
 *   NXDOMAIN   the frame is done. To a minimised question below the root it is not believed
 *              (RFC 9156 2.3 relaxed): the whole name is asked;
 *   truncated  the same server is asked over TCP; without cookie or EDNS if it does not understand that;
 *   lame, error, silence: remembered about the server; FRAME_ASK chooses the next one.
 *
 * The reply to a client's frame is validated before it is used (FRAME_VALIDATE, validate/validate.h): keys and DS
 * that this needs are fetched by frames on top. What turns out bogus is asked of another server, then SERVFAIL.
 *
 * In a forward zone there is one cut, the zone itself, and its servers are resolvers: they are asked for the whole
 * name with RD and CD, and for DS and keys as well. What they answer is taken apart by the same rules: the RRset or
 * the alias at the asked name, inside the zone; the target of an alias is asked anew, wherever it belongs; no
 * referral is followed and no address beside an answer kept. So what a forwarder says of names outside of its zone is
 * seen by nobody (MaginotDNS, CVE-2021-25220). When its servers fail, the question has failed: nobody else is asked.
 *
 * A frame that is done on top hands its addresses to the frame below, which is in FRAME_ASK again. The
 * lowest frame that is done ends the resolution. Also the budget or the deadline can end it, with SERVFAIL.
 * Never is a resolution silently dropped.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_ITERATE_H
#define BULKHEAD_DAEMONS_RESOLVER_ITERATE_H

#include "common/dns/dnssec.h"
#include "common/dns/nsec3.h"
#include "common/ipc/conf.h"
#include "common/util/region.h"
#include "daemons/resolver/rrset.h"
#include "daemons/resolver/trace.h"

struct anchors;
struct core;
struct frame;
struct validation;

/* Uniform in 0 .. bound-1, unpredictable in service; tests may make it repeatable. */
typedef uint32_t core_rand_fn(void *ctx, uint32_t bound);

struct core_options {
	bool ipv4;
	bool ipv6;
	bool rebind_protection;
	bool no_sha1; /* who uses the shell's dnssec has told it so as well */
	uint32_t min_ttl_sec; /* of answers; never over max_ttl_sec, and negative ones never over theirs */
	uint32_t max_ttl_sec;
	uint32_t max_negative_ttl_sec;
	uint32_t stale_sec; /* how long after its end an answer is better than none; 0: not at all */
	bool use_0x20;
	bool use_cookies; /* RFC 7873 */
	bool minimise;
	bool prime_root;
	/*
	 * enum ipc_localhost: servers that the Internet says are on loopback. AUTO: only where the root servers or those
	 * of a stub zone are, in a closed lab. Configured ones are asked wherever they are.
	 */
	uint8_t localhost;
	bool special_names; /* answer special-use names here; only tests have reason to switch it off */
	bool dnssec;	    /* ask with DO: validation needs it, and who wants signatures and proofs */
	uint32_t validation_date; /* signatures are judged as if it were then, seconds since 1970; 0: now */
};

/* One client question. */
struct resolution {
	/* The result; valid from core_next_done until core_release. */
	void *ctx;		/* of core_start */
	const uint8_t *name;	/* as asked */
	uint16_t type;
	uint16_t rcode;
	int ede;		/* enum ede */
	const char *ede_text;	/* static storage, or NULL */
	struct rrset *records;	/* answer and authority, in order */
	uint32_t budget;	/* what is left */
	uint32_t packets;	/* sent for it */
	bool from_cache;	/* no packet was needed */
	bool secure;		/* all of it was validated and found secure: AD (RFC 6840 5.7) */

	/* The core's own. */
	uint32_t flushes; /* of the core when it began: what it learns is not kept after another one */
	int notice;		/* EDE that goes with an answer; EDE_NONE: none */
	const char *notice_text;
	bool traced; /* its steps are told to the core's trace function */
	bool asked_tcp;	   /* of the question that it waits for */
	uint64_t asked_ms;
	bool internal;
	bool detached; /* its client got a stale answer; only the cache waits for it */
	bool watched;
	uint64_t stale_at_ms; /* when it is watched: its client gets a stale answer then */
	struct resolution *watch_next;
	struct resolution *watch_prev;
	bool refresh; /* nothing from the cache that is in the last part of its life */
	bool fresh; /* nothing from the cache at all */
	bool finished;
	bool validates;		/* not with CD, nor without trust anchors */
	bool unchecked;		/* there was data for the name at hand, but it was not found good */
	struct validation *validation; /* of the top frame, or of the one below frames that fetch for it */
	uint32_t checks;	/* of signatures that may still be made */
	uint32_t hashes;	/* of NSEC3 */
	uint32_t steps;
	uint64_t deadline_ms;
	struct region region;
	struct frame *top;
	unsigned depth;
	unsigned lookups; /* of servers' addresses, LOOKUPS_MAX */
	unsigned glue_searches; /* GLUE_SEARCHES_MAX */
	struct upstream *waiting;
	struct resolution *wait_next;
	struct resolution *done_next;
};

/* One packet to one server. */
struct upstream {
	/* For the shell. */
	struct addr server;
	bool tcp;
	uint32_t timeout_ms;
	uint16_t wire_len;
	uint8_t wire[DNS_HEADER_SIZE + DNAME_MAX + 4 + 11 + 44]; /* header, question, OPT with a cookie */
	void *shell; /* its own, NULL at first */

	/* The core's own. */
	bool forward; /* to a resolver */
	bool edns;
	bool cookie;	     /* sent with one */
	bool expects_cookie; /* the server has shown that it knows them */
	bool bad_cookie;     /* ... and did not like the one before */
	bool plain_probe;    /* without EDNS, to see whether that is why it is silent */
	bool malformed; /* something came that could not be read */
	uint8_t mismatches;
	uint8_t name_len;
	uint16_t type;
	uint64_t hash;
	uint64_t sent_ms;
	uint8_t name[DNAME_MAX]; /* in the case it was asked for, before 0x20 */
	struct upstream *chain;
	struct upstream *send_next;
	struct resolution *waiters;
};

enum upstream_failure {
	UPSTREAM_NO_ROUTE,  /* network or host unreachable */
	UPSTREAM_REFUSED,   /* nobody listens there */
	UPSTREAM_CLOSED,    /* TCP ended before the reply */
	UPSTREAM_RESOURCES, /* we have no socket left: not the server's fault */
};

/* What a core is made with; all of it is the shell's and must outlive the core. */
struct core_tools {
	core_rand_fn *rand_fn;
	void *rand_ctx;
	struct dnssec *dnssec;
	struct nsec3_hasher *hasher;
	uint64_t *counters; /* an array of STAT_RES_COUNT */
};

/* NULL: no memory. */
struct core *core_new(uint64_t cache_max_bytes, const struct core_tools *tools);
/* Everything in work is dropped: resolutions, and upstreams, whose sockets the shell closed before. */
void core_free(struct core *core);
/*
 * At now_ms it is wall_sec (seconds since 1970): what the dates of signatures are compared with. To be called at the
 * beginning, and from time to time since clocks are set.
 */
void core_set_wall(struct core *core, uint64_t wall_sec, uint64_t now_ms);
/* Write counters to another array from now on. */
void core_set_counters(struct core *core, uint64_t *counters);

/*
 * Put a configuration in service. roots: none for the built-in hints. Cache and facts are forgotten when
 * roots, stubs, trust anchors or the cache's size changed. BH_ENOMEM: nothing changed.
 */
struct core_config {
	struct core_options options;
	uint64_t cache_bytes;
	const struct ipc_servers *roots;
	size_t root_count;
	const struct ipc_servers *stubs;
	size_t stub_count;
	const struct ipc_name *rebind_allow; /* names below these may have private addresses */
	size_t rebind_allow_count;
	const struct ipc_servers *forwards; /* no zone is both */
	size_t forward_count;
	struct anchors *anchors; /* taken over on success; NULL: none, nothing is validated */
};
int core_configure(struct core *core, const struct core_config *config) BH_CHECKED;
/* Other anchors, taken over. What was validated at zone and below, where they differ, is forgotten; NULL: nowhere. */
void core_set_anchors(struct core *core, struct anchors *anchors, const uint8_t *zone);

struct core_question {
	const uint8_t *name;
	uint16_t type; /* no meta type other than ANY */
	bool cd;       /* the client validates itself (RFC 6840 5.9): it gets what there is */
	bool trace;    /* tell the steps, see core_set_trace */
	bool refresh;  /* what the cache has in the last part of its life (QLINK_REFRESH_SHARE) is asked for anew */
	bool quiet;    /* our own: counted as nobody's */
	bool fresh;    /* our own: what the cache has of the name, a failure too, is no answer; counted as nobody's */
	uint32_t budget;
};

/* Tell the steps of traced resolutions to this function. */
void core_set_trace(struct core *core, core_trace_fn *fn, void *ctx);

/* Begin to resolve. NULL: no memory. */
struct resolution *core_start(struct core *core, const struct core_question *question, void *ctx, uint64_t now_ms);
/* When core_wake is to be called, if nothing happens before; UINT64_MAX: never. It changes with every other call. */
uint64_t core_next_wake(const struct core *core);
void core_wake(struct core *core, uint64_t now_ms);
struct upstream *core_next_send(struct core *core);
struct resolution *core_next_done(struct core *core);
void core_release(struct resolution *r);

/*
 * A packet for u arrived from its server; wire is changed. True: u is over and freed. False: it was not
 * the reply, u waits on.
 */
bool core_reply(struct core *core, struct upstream *u, uint8_t *wire, size_t len, uint64_t now_ms);
/* u->timeout_ms have passed. u is freed. */
void core_timeout(struct core *core, struct upstream *u, uint64_t now_ms);
/* It could not be sent, or no reply can come. u is freed. */
void core_failed(struct core *core, struct upstream *u, enum upstream_failure why, uint64_t now_ms);

/*
 * End a client's question that is not finished, now: with what is stale where that is served, or SERVFAIL. Nothing is
 * remembered of it. core_next_done will give it out. Returns what was sent for it alone, and that nobody waits for any more, or NULL: the shell may end that, too
 * (core_forget), or let it come to its own end.
 */
struct upstream *core_give_up(struct core *core, struct resolution *r, const char *text, uint64_t now_ms);
/* u, for which nobody waits, and which core_next_send has given out: it is freed. */
void core_forget(struct core *core, struct upstream *u);

/*
 * Forget cached data; the number of entries. What was begun before goes on, and nothing of it is kept; what begins
 * later joins nothing of it (the shell must see to this for whole questions: core_flushes).
 */
uint64_t core_flush(struct core *core, const struct ipc_flush *what);
/* How often that was done. */
uint32_t core_flushes(const struct core *core);

/* Copy the cache's sizes into the counters. */
void core_count_cache(struct core *core);

#endif
