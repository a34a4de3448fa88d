/*
 * A small DNS client for tests: one question, one reply, everything about it chosen by the test; and
 * a load that asks unique names at a steady pace and keeps count.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_CLIENT_H
#define BULKHEAD_TESTS_INTEGRATION_CLIENT_H

#include "common/dns/message.h"
#include "common/util/addr.h"
#include "common/util/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CLIENT_TEXT_MAX 16384

/* What to ask. Fields left zero have the usual meaning given here. */
struct ask {
	const char *server; /* "127.0.0.1@5300" */
	const char *source; /* our address, NULL: the kernel's choice */
	const char *name;   /* NULL: the root */
	uint16_t type;	    /* 0: A */
	uint16_t qclass;    /* 0: IN */
	uint16_t flags;	    /* FLAG_RD and others, opcode included */
	bool tcp;
	bool edns;
	bool do_bit;
	uint8_t edns_version;
	uint16_t udp_size;   /* 0: 1232 */
	unsigned timeout_ms; /* 0: 5000, multiplied by harness_slow() */
};

struct reply {
	bool received; /* false: nothing came in time */
	int error;     /* BH_OK, or why it could not be parsed */
	size_t len;
	uint8_t wire[65535];
	struct message message; /* valid when received and error is BH_OK */
	struct region region;
};

/* Room for one question and its OPT record. */
#define ASK_WIRE_MAX 512

/* Octets of the query, with this id. */
size_t ask_compose(const struct ask *ask, uint16_t id, uint8_t out[ASK_WIRE_MAX]);

/*
 * Ask and wait. A reply with another id, question or from elsewhere is a failed test, as nobody else
 * speaks on this network. The reply is valid until the next ask of this process.
 */
const struct reply *client_ask(const struct ask *ask);

/* Connected sockets for tests that send bytes of their own. source may be NULL. */
int client_udp(const char *server, const char *source);
int client_tcp(const char *server, const char *source);
/* -1: could not connect in time. */
int client_tcp_try(const char *server, const char *source, unsigned limit_ms);
/* Write all or fail the test. */
void client_send(int fd, const void *bytes, size_t len);
/* One datagram, or one length-prefixed message; -1: nothing in time, 0: end of the connection. */
ssize_t client_receive(int fd, uint8_t *out, size_t size, unsigned timeout_ms);
ssize_t client_receive_tcp(int fd, uint8_t *out, size_t size, unsigned timeout_ms);

/* "NOERROR aa rd ra" - the RCODE and the flags that are set, in this order: aa tc rd ra ad cd. */
const char *reply_status(const struct reply *reply, char out[64]);
/*
 * Records of a section, "owner TYPE rdata" sorted and joined with "; ", without TTLs; "" when empty.
 * Names in lower case. RDATA of types not known here is \# and hex.
 */
const char *reply_section(const struct reply *reply, enum section section, char out[CLIENT_TEXT_MAX]);
/* The same of those records that `wanted` likes. */
const char *reply_section_if(const struct reply *reply, enum section section,
			     bool (*wanted)(void *ctx, const struct message_rr *rr), void *ctx,
			     char out[CLIENT_TEXT_MAX]);
/* TTL of the first record of this type in the section, or UINT32_MAX. */
uint32_t reply_ttl(const struct reply *reply, enum section section, uint16_t type);
/* Do these octets, or this name in wire form with letters folded, occur anywhere in the reply? */
bool reply_has_octets(const struct reply *reply, const void *octets, size_t len);
bool octets_contain_folded(const uint8_t *hay, size_t hay_len, const void *needle, size_t len);

/*
 * One line of a table of expectations. server and name as in struct ask, "status" as reply_status
 * writes it, NULL: any; answer as reply_section, NULL: any. ede -2: any, -1: none.
 */
struct expectation {
	const char *server;
	const char *name;
	uint16_t type;
	const char *status;
	const char *answer;
	int ede;
};
#define EDE_ANY (-2)
/* Ask over UDP and TCP with RD and EDNS; fail the test when the reply is not as expected. */
void client_expect(const struct expectation *e);
/* Ask once as told; the same check. what is shown in the failure. */
void client_expect_ask(const struct ask *ask, const char *status, const char *answer, int ede);

/* --- load ------------------------------------------------------------------------------------------- */

struct load_result {
	uint64_t sent;
	uint64_t answered;
	uint64_t lost;	       /* no answer within three seconds */
	uint64_t other;	       /* answered with another RCODE than wanted */
	uint64_t late;	       /* answered after more than one second */
	uint64_t longest_ms;
	uint64_t other_rcode;  /* the last of these */
	uint64_t first_lost_at_ms, last_lost_at_ms; /* since the start, when lost > 0 */
};

struct load;

/*
 * A process that asks `server` for "<pid>-<number>.<suffix>" A, per_second times a second from several
 * sockets, wanting this RCODE. Never asks for a name twice, unless the suffix is "=" and a name: then always for that.
 */
struct load *load_start(const char *server, const char *suffix, unsigned per_second, unsigned wanted_rcode);
/* Numbers so far. */
struct load_result load_now(const struct load *load);
/* End the load, waiting for answers that are due, and free it. */
struct load_result load_stop(struct load *load);

#endif
