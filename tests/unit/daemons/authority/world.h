/*
 * A view for tests: zones from text, questions as text, answers as text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_DAEMONS_AUTHORITY_WORLD_H
#define BULKHEAD_TESTS_UNIT_DAEMONS_AUTHORITY_WORLD_H

#include "daemons/authority/query.h"

#define WORLD_ZONES_MAX 16
#define WORLD_NOW_SEC UINT64_C(2000000000) /* of signatures */
#define WORLD_TEXT_MAX (1024 * 1024)

struct world {
	struct view *view;
	struct image images[WORLD_ZONES_MAX];
	uint8_t *blocks[WORLD_ZONES_MAX];
	uint8_t names[WORLD_ZONES_MAX][DNAME_MAX];
	unsigned count;
	struct query_work work;
	uint8_t reply[QUERY_REPLY_MAX];
	size_t reply_len;
	char text[WORLD_TEXT_MAX];
};

/* Heap memory. Everybody may ask. */
struct world *world_new(void);
void world_free(struct world *w);

/* A zone from master file text; must have no errors. */
void world_add(struct world *w, const char *apex, const char *text);
/* A zone that did not compile. */
void world_add_failed(struct world *w, const char *apex);

struct question {
	const char *name;
	const char *type;   /* NULL: A */
	uint16_t qclass;    /* 0: IN */
	uint16_t flags;	    /* second header word, with opcode */
	bool edns;
	bool dnssec;	    /* DO; implies edns */
	uint16_t udp_size;  /* 0: 1232 */
	uint8_t version;    /* of EDNS */
	enum transport transport;
	const struct addr *client;
	bool tsig;
	const char *options; /* of OPT, in hex; implies edns */
};

/* The octets of a question. Returns how many. */
size_t question_wire(const struct question *q, uint8_t out[UDP_RECV_MAX]);

/*
 * Ask; the reply is in w->reply, "" when there is none, and returned as text:
 *   RCODE flags...            as "NOERROR aa tc rd ra ad cd", with "edns", "do" and "ede=N"
 *   an|au|ad owner TTL TYPE rdata    one line for each record but OPT
 */
const char *world_ask(struct world *w, const struct question *q);

/* Each question of a table has this answer, as world_ask writes it. */
struct world_case {
	struct question q;
	const char *want;
};
void world_check(struct world *w, const struct world_case *table, size_t count);
/* The same for any octets. */
const char *world_send(struct world *w, const uint8_t *wire, size_t len, enum transport transport,
		       const struct addr *client);

#endif
