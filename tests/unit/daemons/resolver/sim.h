/*
 * A made-up Internet for tests of the resolver's core: servers with zones by address, a clock that moves
 * only as far as the next packet, and a list of everything that was asked.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_RESOLVER_SIM_H
#define BULKHEAD_TESTS_RESOLVER_SIM_H

#include "common/dns/compose.h"
#include "common/dns/query.h"
#include "daemons/resolver/core.h"

#define SIM_SERVERS_MAX 64
#define SIM_RECORDS_MAX 4096
#define SIM_ASKED_MAX 1024
#define SIM_SIGNED_MAX 32
#define SIM_RDATA_MAX 800 /* an RRSIG with the longest signer and RSA of 4096 bit has 785 */

enum sim_flags {
	SIM_SILENT = 1,	       /* no reply at all */
	SIM_NO_AA = 2,	       /* forgets it */
	SIM_REFUSED = 4,
	SIM_SERVFAIL = 8,
	SIM_UPWARD = 16,       /* refers to the root */
	SIM_TRUNCATES = 32,    /* TC over UDP */
	SIM_NO_EDNS = 64,      /* FORMERR, header only, for queries with OPT */
	SIM_DROPS_EDNS = 128,  /* silence for queries with OPT */
	SIM_LOWER_CASE = 256,  /* question in lower case */
	SIM_NO_ENT = 512,      /* NXDOMAIN for empty non-terminals */
	SIM_NO_ROUTE = 1024,   /* sending fails */
	SIM_NO_TCP = 2048,
	SIM_CACHE = 8192,      /* no AA, but RA: somebody's cache */
	SIM_NO_MINIMISED = 4096, /* REFUSED for A questions for names without records */
};

struct sim;
struct sim_server;

/* Write another reply than the zones give: its octets, 0 for silence, or -1 for the usual reply. */
typedef int sim_hook_fn(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp,
			uint8_t *wire);

struct sim_server {
	struct addr addr;
	unsigned flags;
	unsigned rtt_ms;
	unsigned asked;
	sim_hook_fn *hook;
	const char *zones[8];
	unsigned zone_count;
};

struct sim_record {
	unsigned server;
	uint8_t zone[DNAME_MAX];
	uint8_t owner[DNAME_MAX];
	uint32_t ttl;
	uint16_t type;
	uint16_t rdata_len;
	uint8_t rdata[SIM_RDATA_MAX];
};

struct sim_asked {
	struct addr server;
	char name[DNAME_TEXT_MAX];
	uint16_t type;
	bool tcp;
	bool edns;
};

/* A zone that sim_sign has signed. */
struct sim_signed {
	unsigned server;
	uint8_t zone[DNAME_MAX];
	bool nsec3;
	uint8_t salt[16];
	uint8_t salt_len;
	uint16_t iterations;
	unsigned strip;
};

struct sim {
	struct core *core;
	struct dnssec *dnssec;
	struct nsec3_hasher *hasher;
	bool cd; /* of the questions */
	bool fresh; /* likewise */
	struct core_config config;
	struct ipc_servers root;
	uint64_t now_ms;
	uint64_t counters[STAT_RES_COUNT];
	struct sim_server servers[SIM_SERVERS_MAX];
	unsigned server_count;
	struct sim_record *records;
	unsigned record_count;
	struct sim_signed zones[SIM_SIGNED_MAX];
	unsigned signed_count;
	struct sim_asked *asked;
	unsigned asked_count;
	struct resolution *early; /* answered before its resolution was over */
	uint64_t early_ms;
};

/* Result of one question, with copies of all. */
struct sim_result {
	uint16_t rcode;
	int ede;
	uint32_t packets;
	uint32_t lookups; /* of servers' addresses */
	uint32_t budget;
	uint64_t took_ms;
	bool secure;
	uint32_t checks; /* of signatures */
	uint32_t hashes; /* of NSEC3, iterations counted */
	char answer[4096];    /* lines "owner TTL TYPE rdata" of the answer section */
	char authority[4096]; /* likewise */
};

/* Defaults: root hints a.root. at 192.0.2.1, 0x20 and minimisation on, priming off, IPv4 and IPv6. */
struct sim *sim_new(void);
/* Put sim->config (changed by the test) in service. */
void sim_configure(struct sim *sim);
void sim_free(struct sim *sim);

/* Server at an address, made at first use. */
struct sim_server *sim_server(struct sim *sim, const char *addr);
/*
 * A zone on a server: lines "owner TTL TYPE rdata" with absolute names. Owners with NS below the apex are
 * delegations. SOA is added by itself (TTL and minimum 300).
 */
void sim_zone(struct sim *sim, const char *addr, const char *zone, const char *text);

/* Ask and run until the answer is there. */
struct sim_result sim_ask(struct sim *sim, const char *name, uint16_t type);
struct sim_result sim_ask_budget(struct sim *sim, const char *name, uint16_t type, uint32_t budget);
/* As a refresh. */
struct sim_result sim_refresh(struct sim *sim, const char *name, uint16_t type);

/* Times that a name and type (0: any) were asked over any server since sim_forget. */
unsigned sim_asked(const struct sim *sim, const char *name, uint16_t type);
void sim_forget(struct sim *sim);

/* For hooks: the reply that the zones give; octets. */
int sim_usual(struct sim *sim, struct sim_server *server, const struct query *q, bool tcp, uint8_t *wire);

/* --- a reply that is being made: for those who make parts of it -------------------------------------- */

struct sim_serve {
	struct sim *sim;
	unsigned server;
	uint8_t zone[DNAME_MAX];
	const struct sim_signed *how;	   /* NULL: the zone is not signed, or nobody asked for its signatures */
	const struct sim_record *proofs[8]; /* of NSEC and NSEC3 that are in it, or left out on purpose */
	unsigned proof_count;
	struct compose c;
};

/* Records of a name and type of the zone, with signatures where they were asked for; how many. */
unsigned sim_put(struct sim_serve *s, enum section section, const uint8_t *owner, uint16_t type);
/* Is there such a name, or (ent) one below it? */
bool sim_exists(const struct sim_serve *s, const uint8_t *name, bool ent);

/* --- odds and ends ---------------------------------------------------------------------------------- */

/* Add a record to a zone; its RDATA is for the caller to fill in. */
struct sim_record *sim_add(struct sim *sim, unsigned server, const uint8_t *zone, const uint8_t *owner, uint32_t ttl,
			   uint16_t type);

/* Name in wire form. */
void sim_name(const char *text, uint8_t out[DNAME_MAX]);

/* Wire form of "TYPE rdata" texts; octets. */
uint16_t sim_rdata(uint16_t type, const char *text, uint8_t *out);

#endif
