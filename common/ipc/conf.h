/*
 * What the supervisor tells roles, and what they tell back: payloads with their encoders and decoders.
 *
 * Encoders write to a sink that has failed when it did not fit, or when a count is above its array.
 * Decoders return 0 or BH_EMALFORMED, require the payload to be consumed whole, and check every value:
 * numbers in their range, names well formed, addresses of a known family.
 *
 * Names are wire-form domain names. Strings are C strings in fixed arrays, always terminated.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_CONF_H
#define BULKHEAD_COMMON_IPC_CONF_H

#include "common/dns/cookie.h"
#include "common/dns/dname.h"
#include "common/dns/tsig_key.h"
#include "common/ipc/msg.h"
#include "common/util/addr.h"
#include "common/util/cursor.h"
#include "common/util/log.h"

#define IPC_VIEW_MAX 32	   /* octets of a view's name with terminator */
#define IPC_TEXT_MAX 512   /* reasons and diagnostics */
#define IPC_PATH_MAX 1024  /* a zone file below its directory */
#define IPC_ADDRS_MAX 16   /* servers of one stub zone or root server */
#define IPC_BUILD_MAX 64
#define IPC_IDENTITY_MAX 256 /* text of a TXT record with terminator: RFC 1035 3.3 */
/* Octets of the table of response rates that the workers of a view share: 524,288 accounts of 8 octets. */
#define IPC_RATE_TABLE_SIZE (4u * 1024 * 1024)

/* The walls a role found around itself, read back from the kernel inside its sandbox. */
enum wall_bits {
	WALL_NO_CAPS = 1,	   /* effective, permitted, inheritable, ambient, bounding all empty */
	WALL_NO_NEW_PRIVS = 2,
	WALL_SECCOMP = 4,	   /* filter mode */
	WALL_NOT_DUMPABLE = 8,
	WALL_NO_CORE = 16,
	WALL_EMPTY_ROOT = 32,	   /* chroot; the compiler's is its zone directory, read only */
	WALL_EMPTY_NET = 64,	   /* a network namespace without usable interfaces */
	WALL_OWN_MOUNTS = 128,
	WALL_OWN_IPC = 256,
	WALL_OWN_PID = 512,
	WALL_LANDLOCK = 1024,
	WALL_RLIMITS = 2048,
	WALL_FDS = 4096, /* no descriptors but those it was given */
	WALL_LOCAL = 8192, /* in the host's network, but what it sends to this host is refused */
};

struct ipc_hello {
	uint32_t protocol;
	enum role role;
	char build[IPC_BUILD_MAX];
	uint32_t walls; /* wall_bits */
	uint32_t uid;
	uint32_t gid;
	uint16_t syscalls; /* allowed by the filter */
};

struct ipc_identity {
	char view[IPC_VIEW_MAX]; /* "" for frontend and resolver */
	uint16_t index;		 /* worker or shard: 0 .. count-1 */
	uint16_t count;
	uint8_t log_level; /* enum log_level */
};

enum ipc_proto { IPC_UDP = 1, IPC_TCP = 2 };

struct ipc_listener { /* + descriptor: bound, for TCP listening, non-blocking */
	uint32_t id;
	uint8_t proto; /* enum ipc_proto */
	struct addr addr;
};

struct ipc_link { /* + descriptor: one end of a query link, non-blocking */
	uint32_t id;
	uint8_t peer; /* enum role */
	uint16_t peer_index;
};

struct ipc_image { /* + descriptor: the sealed memfd */
	uint32_t id;
	uint8_t zone[DNAME_MAX];
};

struct ipc_generation { /* CONF_BEGIN, PREPARE, PREPARED, COMMIT, COMMITTED, ABORT */
	uint32_t generation;
};

struct ipc_refused {
	uint32_t generation;
	char why[IPC_TEXT_MAX];
};

struct ipc_image_refused {
	uint32_t id;
	char why[IPC_TEXT_MAX];
};

struct ipc_id { /* CONF_LISTENER, CONF_LINK, PEER_RESTARTED, PEER_BROKEN */
	uint32_t id;
};

struct ipc_tcp { /* part of CONF_AUTHORITY and CONF_FRONTEND: limits of one worker */
	uint32_t connections;
	uint32_t connections_client;
	uint32_t idle_ms;
	uint32_t reply_ms; /* for a client to take a reply */
};

/* What COOKIE options of queries are worth (RFC 7873). */
enum ipc_cookies {
	IPC_COOKIES_OFF,
	IPC_COOKIES_ANSWER,  /* answered with a server cookie */
	IPC_COOKIES_REQUIRE, /* and over UDP BADCOOKIE for clients that send one without a valid server cookie */
};

struct ipc_conf_authority {
	uint8_t anyone;	 /* no allow-query was set: everybody may ask */
	struct ipc_tcp tcp;
	uint8_t rotate;	 /* records of an RRset take turns in being first */
	uint8_t cookies; /* enum ipc_cookies */
	uint8_t nsid_len;
	uint8_t nsid[NSID_MAX];		 /* RFC 5001 */
	char identity[IPC_IDENTITY_MAX]; /* id.server, hostname.bind; "": refused */
	char version[IPC_IDENTITY_MAX];	 /* version.server, version.bind; "": refused */
};

/* CONF_COOKIE_SECRETS: of all workers of the view, or all frontends; needed unless cookies are off. Never logged. */
struct ipc_cookie_secrets {
	struct cookie_secrets secrets;
};

enum ipc_rate_mode { IPC_RATE_LOG = 1, IPC_RATE_ON = 2 };

/* CONF_RATE_LIMIT; without it no rate is limited. */
struct ipc_rate_limit {
	uint8_t mode; /* enum ipc_rate_mode */
	uint32_t table; /* id of a RATE_TABLE */
	uint32_t per_second; /* 1..IPC_RATE_MAX */
	uint8_t ipv4_bits; /* 1..32 */
	uint8_t ipv6_bits; /* 1..64 */
};

#define IPC_RATE_MAX 100000

/* RATE_TABLE, + descriptor: memfd of IPC_RATE_TABLE_SIZE, the same for all workers of a view. */
struct ipc_rate_table {
	uint32_t id;
	uint8_t key[16]; /* of the hash that places clients in the table */
};

struct ipc_conf_frontend {
	uint64_t cache_bytes; /* for this worker */
	uint32_t pending_max; /* client queries in work */
	uint32_t client_pending_max;   /* of a client that is proven by TCP or a cookie */
	uint32_t unproven_pending_max; /* of others */
	struct ipc_tcp tcp;
	uint16_t budget; /* work per client query */
	uint8_t cookies; /* enum ipc_cookies */
	uint8_t prefetch; /* popular answers are asked for anew before they end (QLINK_REFRESH) */
};

/* Servers that the Internet says are on loopback: asked only where configured ones are too, never, always. */
enum ipc_localhost { IPC_LOCALHOST_AUTO, IPC_LOCALHOST_NEVER, IPC_LOCALHOST_ALWAYS };

struct ipc_conf_resolver {
	uint64_t cache_bytes; /* for this shard */
	uint32_t pending_max;
	uint32_t min_ttl_sec; /* what is kept for a shorter or longer time */
	uint32_t max_ttl_sec;
	uint32_t max_negative_ttl_sec;
	uint32_t stale_sec; /* how long after its end an answer is better than none; 0: not at all */
	uint8_t rebind_protection;
	uint8_t ipv4; /* may ask servers by this family */
	uint8_t ipv6;
	uint8_t use_0x20;
	uint8_t qname_minimisation;
	uint8_t prime_root;
	uint8_t use_cookies;
	uint8_t localhost; /* enum ipc_localhost */
	uint8_t validate_sha1; /* signatures of algorithms 5 and 7; else who has no others is insecure */
	uint64_t validation_date; /* for signatures, seconds since 1970; 0: the time it is */
};

struct ipc_acl {
	struct prefix prefix;
};

enum ipc_zone_flags {
	IPC_ZONE_OVERLAY = 1, /* what it has not is looked up in public (frontend only) */
	IPC_ZONE_FAILED = 2,  /* its text did not compile: SERVFAIL with EDE 14 */
};

struct ipc_zone {
	uint8_t name[DNAME_MAX];
	uint32_t image; /* id of an IMAGE for authorities; 0 for the frontend and failed zones */
	uint32_t counter; /* of its queries in the counters of an authority: 0..STATS_ZONES_MAX-1 */
	uint8_t flags;
};

/* CONF_SAME_ZONES: zones, and who may transfer them, are those of the configuration in service. */
struct ipc_same_zones {
	uint32_t generation; /* of that */
	uint32_t count;	     /* and its zones */
};

/* CONF_ZONE_IMAGE: one of them has another image, or none any more. */
struct ipc_zone_image {
	uint32_t zone;	/* which of them, the first is 0 */
	uint32_t image; /* as in ipc_zone */
	uint8_t flags;	/* likewise */
};

struct ipc_key { /* a secret: whoever holds it overwrites it when it is no longer needed */
	struct tsig_key key;
};

enum ipc_transfer_needs { IPC_TRANSFER_PREFIX = 1, IPC_TRANSFER_KEY = 2 };

/* One way in which a zone may be transferred: everything that it needs must be there. */
struct ipc_transfer {
	uint32_t zone; /* which of the CONF_ZONEs before this message, the first is 0 */
	uint8_t needs; /* enum ipc_transfer_needs, at least one */
	struct prefix prefix;
	uint8_t key[DNAME_MAX]; /* name of a CONF_KEY */
};

struct ipc_name { /* CONF_REBIND_ALLOW */
	uint8_t name[DNAME_MAX];
};

struct ipc_servers { /* CONF_STUB, CONF_FORWARD: zone and its servers; CONF_ROOT, ROOT_HINT: a root server's addresses */
	uint8_t name[DNAME_MAX];
	uint8_t count;
	struct addr addrs[IPC_ADDRS_MAX];
};

/* CONF_ANCHOR, TRUST_ANCHOR: a record of a trust anchor; whether it is of any use is seen by who uses it. */
struct ipc_anchor {
	uint8_t zone[DNAME_MAX];
	uint16_t type; /* RR_DS or RR_DNSKEY */
	uint16_t len;  /* at least 1 */
	uint8_t rdata[ANCHOR_RDATA_MAX];
};

/* Keys of one anchor zone that are remembered: RFC 5011 6 rolls them one at a time, those removed stay for a while. */
#define IPC_ANCHOR_KEYS_MAX 16

/* RFC 5011 2.4.1, 2.4.2: both hold-down times. */
#define IPC_KEY_HOLD_SEC (30 * 86400)

enum ipc_key_state { IPC_KEY_PENDING = 1, IPC_KEY_VALID, IPC_KEY_MISSING, IPC_KEY_REVOKED, IPC_KEY_REMOVED };

struct ipc_anchor_key {
	uint8_t state;	    /* enum ipc_key_state */
	uint8_t seen;	    /* times, of a pending one */
	uint64_t since_sec; /* it is in this state, since 1970 */
	uint32_t hold_sec;  /* until it may leave it: pending, revoked */
	uint16_t len;
	uint8_t rdata[ANCHOR_RDATA_MAX]; /* of its DNSKEY, the REVOKE bit left out */
};

/* ANCHOR_FOUND, ANCHOR_STATE, CONF_ANCHOR_STATE: what tracking the keys of an anchor zone (RFC 5011) has found so far. */
struct ipc_anchor_state {
	uint8_t zone[DNAME_MAX];
	uint64_t configured;   /* checksum of the anchors that it began with: with others it is worth nothing */
	uint64_t checked_sec;  /* when the zone's keys were last verified, since 1970; 0: never */
	uint64_t next_sec;     /* when they are to be asked for again */
	uint32_t ttl;	       /* of then, for the time of a retry */
	uint32_t sig_left_sec;
	uint8_t count;
	struct ipc_anchor_key keys[IPC_ANCHOR_KEYS_MAX];
};

#define IPC_FOR_EVER UINT32_MAX

/*
 * CONF_NEGATIVE_ANCHOR: domain-insecure. NEGATIVE_ANCHOR: set by the operator for a time; they live beside the
 * configuration and outlast its changes.
 */
struct ipc_negative_anchor {
	uint8_t zone[DNAME_MAX];
	uint32_t left_sec; /* from now on; IPC_FOR_EVER; 0: it is taken away */
};

struct ipc_outgoing {
	struct addr addr; /* source address, port 0 */
};

enum ipc_flush_kind { IPC_FLUSH_ALL, IPC_FLUSH_NAME /* one name */, IPC_FLUSH_ZONE /* and below */ };

struct ipc_flush {
	uint8_t kind;
	uint8_t name[DNAME_MAX];
};

struct ipc_flushed {
	uint64_t entries;
};

enum ipc_trace_flags {
	IPC_TRACE_CACHED = 1, /* begin with what the cache holds; else with an empty one */
	IPC_TRACE_CD = 2,     /* without validation */
};

struct ipc_trace {
	uint8_t flags;
	uint16_t type;
	uint8_t name[DNAME_MAX];
};

/* Steps told of one trace; what comes behind them is counted. A question ends after fewer, as a rule. */
#define IPC_TRACE_STEPS_MAX 400
#define IPC_TRACE_WHY_MAX 96

enum ipc_trace_event {
	IPC_TRACE_ASK,	    /* name, type asked of server */
	IPC_TRACE_REPLY,    /* kind, rcode, took, octets; other: referral's zone, alias's target */
	IPC_TRACE_NO_REPLY, /* nothing of use came; why */
	IPC_TRACE_HIT,	    /* the cache knew name, type: kind, security; other: an alias's target */
	IPC_TRACE_LOCAL,    /* a special-use name, answered without asking (RFC 6761) */
	IPC_TRACE_ZONE,	    /* other: a zone whose keys or absence of them were found out: security, why */
	IPC_TRACE_VERDICT,  /* the reply about name, type: security, why */
	IPC_TRACE_FAILED,   /* name, type cannot be resolved: why */
	IPC_TRACE_FINISHED, /* rcode, security, ede, why; octets: packets sent; took; steps that were not told */
	IPC_TRACE_REFUSED,  /* why; the end, too */
	IPC_TRACE_EVENTS,
};

/* What a reply was found to be. */
enum ipc_trace_kind {
	IPC_TRACE_KIND_NONE,
	IPC_TRACE_ANSWER,
	IPC_TRACE_ALIAS,
	IPC_TRACE_OVERFLOW, /* a DNAME makes the name too long */
	IPC_TRACE_NODATA,
	IPC_TRACE_NXDOMAIN,
	IPC_TRACE_REFERRAL,
	IPC_TRACE_LAME,
	IPC_TRACE_ERROR,
	IPC_TRACE_KINDS,
};

enum ipc_trace_security {
	IPC_TRACE_UNCHECKED,
	IPC_TRACE_INSECURE,
	IPC_TRACE_SECURE,
	IPC_TRACE_BOGUS,
	IPC_TRACE_SECURITIES,
};

/* TRACE_STEP. Comes from a role that strangers talk to: nothing of it is shown but through tables and escapes. */
struct ipc_trace_step {
	uint8_t event; /* enum ipc_trace_event */
	uint8_t depth; /* 1: the question itself; above: what is needed for it */
	uint8_t kind;
	uint8_t security;
	uint8_t tcp;
	uint16_t type;
	uint16_t rcode;
	uint16_t ede; /* UINT16_MAX: none */
	uint32_t at_ms; /* since the beginning */
	uint32_t took_ms;
	uint32_t octets;
	uint32_t left_out; /* of IPC_TRACE_FINISHED */
	uint8_t has_server;
	struct addr server;
	uint8_t name[DNAME_MAX];
	uint8_t has_other;
	uint8_t other[DNAME_MAX];
	char why[IPC_TRACE_WHY_MAX];
};

/* Is it the last one? */
static inline bool ipc_trace_is_last(const struct ipc_trace_step *step)
{
	return step->event == IPC_TRACE_FINISHED || step->event == IPC_TRACE_REFUSED;
}

enum ipc_compile_kind {
	IPC_COMPILE_ZONE,  /* an image */
	IPC_COMPILE_HINTS, /* root hints: one ROOT_HINT for each server with addresses, no image */
	IPC_COMPILE_ANCHORS, /* trust anchors: one TRUST_ANCHOR for each record, no image */
};

struct ipc_compile { /* + descriptor: an empty memfd; left empty for hints and anchors */
	uint8_t kind; /* enum ipc_compile_kind */
	uint8_t zone[DNAME_MAX];
	char file[IPC_PATH_MAX]; /* relative to the zone directory */
	uint32_t default_ttl;
	uint8_t log_level;
	uint64_t now_sec; /* since 1970: which anchors are valid */
};

struct ipc_diagnostic {
	uint8_t warning; /* 0: error */
	uint32_t line;	 /* 0: none */
	char file[IPC_PATH_MAX];
	char text[IPC_TEXT_MAX];
};

struct ipc_source { /* a zone file as it was when it was read */
	char path[IPC_PATH_MAX]; /* below the zone directory */
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	uint64_t mtime_ns; /* since 1970; below zero in two's complement */
	uint64_t ctime_ns;
};

struct ipc_compiled {
	uint8_t ok; /* the image is complete in the memfd */
	uint32_t errors;
	uint32_t warnings;
	uint32_t serial;
	uint32_t records;
	uint64_t size;
	uint64_t checksum; /* of the image header: equal images need not be sent again */
};

struct ipc_inspect { /* + descriptor: a sealed image, to be verified and kept for SHOW */
	uint8_t log_level;
	uint8_t zone[DNAME_MAX]; /* whose it must be */
};

struct ipc_inspected {
	uint8_t ok;
	uint8_t is_signed; /* with keys of its own, RFC 4035 2 */
	uint32_t serial;
	uint32_t records;
	uint64_t checksum;
	char why[IPC_TEXT_MAX]; /* when not ok */
};

/*
 * SHOW, + descriptor: of one image its text, of two the difference from the first to the second. SHOWN: it was written,
 * or why not.
 */
struct ipc_shown {
	uint8_t ok;
	uint64_t records;
	uint64_t removed;
	uint64_t added;
	char why[IPC_TEXT_MAX];
};

/* Control: request of words; rows of named values; one end with an exit status and a text. */
#define CTL_WORDS_MAX 8
#define CTL_WORD_MAX 1024
#define CTL_FIELDS_MAX 24

struct ctl_request {
	unsigned count;
	char words[CTL_WORDS_MAX][CTL_WORD_MAX];
};

enum ctl_value_type { CTL_TEXT = 1, CTL_NUMBER = 2, CTL_BOOL = 3 };

struct ctl_field {
	char name[32];
	uint8_t type;
	uint64_t number;   /* CTL_NUMBER, CTL_BOOL */
	char text[IPC_TEXT_MAX];
};

struct ctl_row {
	char table[32]; /* "role", "zone", "counter", "finding" ... */
	unsigned count;
	struct ctl_field fields[CTL_FIELDS_MAX];
};

struct ctl_done {
	uint8_t status; /* exit status for bulkheadctl: 0 fine, 1 warning, 2 critical, 3 unknown */
	char text[IPC_TEXT_MAX];
};

void ipc_hello_encode(struct sink *s, const struct ipc_hello *m);
int ipc_hello_decode(const uint8_t *p, size_t len, struct ipc_hello *m) BH_CHECKED;
void ipc_identity_encode(struct sink *s, const struct ipc_identity *m);
int ipc_identity_decode(const uint8_t *p, size_t len, struct ipc_identity *m) BH_CHECKED;
void ipc_listener_encode(struct sink *s, const struct ipc_listener *m);
int ipc_listener_decode(const uint8_t *p, size_t len, struct ipc_listener *m) BH_CHECKED;
void ipc_link_encode(struct sink *s, const struct ipc_link *m);
int ipc_link_decode(const uint8_t *p, size_t len, struct ipc_link *m) BH_CHECKED;
void ipc_image_encode(struct sink *s, const struct ipc_image *m);
int ipc_image_decode(const uint8_t *p, size_t len, struct ipc_image *m) BH_CHECKED;
void ipc_generation_encode(struct sink *s, const struct ipc_generation *m);
int ipc_generation_decode(const uint8_t *p, size_t len, struct ipc_generation *m) BH_CHECKED;
void ipc_refused_encode(struct sink *s, const struct ipc_refused *m);
int ipc_refused_decode(const uint8_t *p, size_t len, struct ipc_refused *m) BH_CHECKED;
void ipc_image_refused_encode(struct sink *s, const struct ipc_image_refused *m);
int ipc_image_refused_decode(const uint8_t *p, size_t len, struct ipc_image_refused *m) BH_CHECKED;
void ipc_id_encode(struct sink *s, const struct ipc_id *m);
int ipc_id_decode(const uint8_t *p, size_t len, struct ipc_id *m) BH_CHECKED;
void ipc_conf_authority_encode(struct sink *s, const struct ipc_conf_authority *m);
int ipc_conf_authority_decode(const uint8_t *p, size_t len, struct ipc_conf_authority *m) BH_CHECKED;
void ipc_conf_frontend_encode(struct sink *s, const struct ipc_conf_frontend *m);
int ipc_conf_frontend_decode(const uint8_t *p, size_t len, struct ipc_conf_frontend *m) BH_CHECKED;
void ipc_conf_resolver_encode(struct sink *s, const struct ipc_conf_resolver *m);
int ipc_conf_resolver_decode(const uint8_t *p, size_t len, struct ipc_conf_resolver *m) BH_CHECKED;
void ipc_cookie_secrets_encode(struct sink *s, const struct ipc_cookie_secrets *m);
int ipc_cookie_secrets_decode(const uint8_t *p, size_t len, struct ipc_cookie_secrets *m) BH_CHECKED;
void ipc_rate_limit_encode(struct sink *s, const struct ipc_rate_limit *m);
int ipc_rate_limit_decode(const uint8_t *p, size_t len, struct ipc_rate_limit *m) BH_CHECKED;
void ipc_rate_table_encode(struct sink *s, const struct ipc_rate_table *m);
int ipc_rate_table_decode(const uint8_t *p, size_t len, struct ipc_rate_table *m) BH_CHECKED;
void ipc_acl_encode(struct sink *s, const struct ipc_acl *m);
int ipc_acl_decode(const uint8_t *p, size_t len, struct ipc_acl *m) BH_CHECKED;
void ipc_zone_encode(struct sink *s, const struct ipc_zone *m);
int ipc_zone_decode(const uint8_t *p, size_t len, struct ipc_zone *m) BH_CHECKED;
void ipc_same_zones_encode(struct sink *s, const struct ipc_same_zones *m);
int ipc_same_zones_decode(const uint8_t *p, size_t len, struct ipc_same_zones *m) BH_CHECKED;
void ipc_zone_image_encode(struct sink *s, const struct ipc_zone_image *m);
int ipc_zone_image_decode(const uint8_t *p, size_t len, struct ipc_zone_image *m) BH_CHECKED;
void ipc_key_encode(struct sink *s, const struct ipc_key *m);
int ipc_key_decode(const uint8_t *p, size_t len, struct ipc_key *m) BH_CHECKED;
void ipc_transfer_encode(struct sink *s, const struct ipc_transfer *m);
int ipc_transfer_decode(const uint8_t *p, size_t len, struct ipc_transfer *m) BH_CHECKED;
void ipc_name_encode(struct sink *s, const struct ipc_name *m);
int ipc_name_decode(const uint8_t *p, size_t len, struct ipc_name *m) BH_CHECKED;
void ipc_servers_encode(struct sink *s, const struct ipc_servers *m);
int ipc_servers_decode(const uint8_t *p, size_t len, struct ipc_servers *m) BH_CHECKED;
void ipc_anchor_encode(struct sink *s, const struct ipc_anchor *m);
int ipc_anchor_decode(const uint8_t *p, size_t len, struct ipc_anchor *m) BH_CHECKED;
void ipc_anchor_state_encode(struct sink *s, const struct ipc_anchor_state *m);
int ipc_anchor_state_decode(const uint8_t *p, size_t len, struct ipc_anchor_state *m) BH_CHECKED;
/* Checksum of the anchors of zone, in the order given: a state that began with others is worth nothing. */
uint64_t ipc_anchor_sum(const struct ipc_anchor *anchors, size_t count, const uint8_t *zone);
void ipc_negative_anchor_encode(struct sink *s, const struct ipc_negative_anchor *m);
int ipc_negative_anchor_decode(const uint8_t *p, size_t len, struct ipc_negative_anchor *m) BH_CHECKED;
void ipc_outgoing_encode(struct sink *s, const struct ipc_outgoing *m);
int ipc_outgoing_decode(const uint8_t *p, size_t len, struct ipc_outgoing *m) BH_CHECKED;
void ipc_flush_encode(struct sink *s, const struct ipc_flush *m);
int ipc_flush_decode(const uint8_t *p, size_t len, struct ipc_flush *m) BH_CHECKED;
void ipc_flushed_encode(struct sink *s, const struct ipc_flushed *m);
int ipc_flushed_decode(const uint8_t *p, size_t len, struct ipc_flushed *m) BH_CHECKED;
void ipc_trace_encode(struct sink *s, const struct ipc_trace *m);
int ipc_trace_decode(const uint8_t *p, size_t len, struct ipc_trace *m) BH_CHECKED;
void ipc_trace_step_encode(struct sink *s, const struct ipc_trace_step *m);
int ipc_trace_step_decode(const uint8_t *p, size_t len, struct ipc_trace_step *m) BH_CHECKED;
void ipc_compile_encode(struct sink *s, const struct ipc_compile *m);
int ipc_compile_decode(const uint8_t *p, size_t len, struct ipc_compile *m) BH_CHECKED;
void ipc_diagnostic_encode(struct sink *s, const struct ipc_diagnostic *m);
int ipc_diagnostic_decode(const uint8_t *p, size_t len, struct ipc_diagnostic *m) BH_CHECKED;
void ipc_source_encode(struct sink *s, const struct ipc_source *m);
int ipc_source_decode(const uint8_t *p, size_t len, struct ipc_source *m) BH_CHECKED;
void ipc_compiled_encode(struct sink *s, const struct ipc_compiled *m);
int ipc_compiled_decode(const uint8_t *p, size_t len, struct ipc_compiled *m) BH_CHECKED;
void ipc_inspect_encode(struct sink *s, const struct ipc_inspect *m);
int ipc_inspect_decode(const uint8_t *p, size_t len, struct ipc_inspect *m) BH_CHECKED;
void ipc_inspected_encode(struct sink *s, const struct ipc_inspected *m);
int ipc_inspected_decode(const uint8_t *p, size_t len, struct ipc_inspected *m) BH_CHECKED;
void ipc_shown_encode(struct sink *s, const struct ipc_shown *m);
int ipc_shown_decode(const uint8_t *p, size_t len, struct ipc_shown *m) BH_CHECKED;
void ctl_request_encode(struct sink *s, const struct ctl_request *m);
int ctl_request_decode(const uint8_t *p, size_t len, struct ctl_request *m) BH_CHECKED;
void ctl_row_encode(struct sink *s, const struct ctl_row *m);
int ctl_row_decode(const uint8_t *p, size_t len, struct ctl_row *m) BH_CHECKED;
void ctl_done_encode(struct sink *s, const struct ctl_done *m);
int ctl_done_decode(const uint8_t *p, size_t len, struct ctl_done *m) BH_CHECKED;

#endif
