/*
 * Transaction signatures (TSIG, RFC 8945), the server's side: verify a request, sign its replies.
 *
 * No I/O and no clock: the time is a parameter. Programs that link this link $(CRYPTO_LIBS).
 *
 * What RFC 8945 5.2.3 proposes besides the fudge, to remember the latest time of each key and refuse
 * older ones, is not done: a key may have many users and a view many workers, whose order means nothing.
 * A request that is sent again within the fudge changes nothing here; it is answered again, to the same
 * lists of who may ask.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_TSIG_H
#define BULKHEAD_COMMON_DNS_TSIG_H

#include "common/dns/tsig_key.h"

enum {
	TSIG_MAC_MAX = 64,
	/* RFC 8945 5.2.2.1: shorter MACs are malformed, as are those below half of the whole one. */
	TSIG_MAC_MIN = 10,
	/* Seconds by which clocks may differ, RFC 8945 10. */
	TSIG_FUDGE = 300,
};

/* Error field of a TSIG record, RFC 8945 3. */
enum tsig_error {
	TSIG_OK = 0,
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
	TSIG_BADTRUNC = 22,
};

/* Opened HMACs: made once per process before the sandbox is entered, as libcrypto reads its own files then. */
struct tsig_engine;

/* NULL: out of memory, or libcrypto lacks an algorithm. */
struct tsig_engine *tsig_engine_new(void);
void tsig_engine_free(struct tsig_engine *engine);
/* Forget the keys used last: after a reload some may be no longer wanted. */
void tsig_engine_forget(struct tsig_engine *engine);

/* A TSIG record of a message, RFC 8945 4.2. Pointers lead into the message. */
struct tsig_record {
	size_t at;		     /* where the record begins */
	uint8_t name[DNAME_MAX];     /* of the key; lower case */
	uint8_t algorithm[DNAME_MAX]; /* lower case */
	uint64_t time_sec;	     /* 48 bits */
	uint16_t fudge_sec;
	uint16_t original_id;
	uint16_t error;
	const uint8_t *mac;
	size_t mac_len;
	const uint8_t *other;
	size_t other_len;
};

/*
 * What replies to one request need. It knows the request's names and MAC, and points to the key, which must
 * stay as long as replies are signed.
 */
struct tsig {
	const struct tsig_key *key; /* NULL: replies are not signed */
	uint16_t error;		    /* enum tsig_error */
	bool begun;		    /* a reply was signed: the next one goes on from it */
	uint64_t request_sec;	    /* time signed of the request */
	uint8_t name[DNAME_MAX];
	uint8_t algorithm[DNAME_MAX];
	uint8_t mac_len;	    /* of the message before: request, then each reply */
	uint8_t mac[TSIG_MAC_MAX];
};

/*
 * Read the record at wire[at], where a TSIG record closes the message (query_parse says so).
 * BH_EMALFORMED: FORMERR (class not ANY, TTL not 0, RDATA cut or with something behind it).
 */
int tsig_read(const uint8_t *wire, size_t len, size_t at, struct tsig_record *record) BH_CHECKED;

/*
 * Check the request at wire with its record (RFC 8945 5.2: key, MAC, time, truncation). key: the one
 * of that name, or NULL when there is none. now_sec: since 1970.
 *
 * 0: *tsig is what the replies need, and tsig->error says whether the request is good. BH_EMALFORMED: a MAC
 * of impossible length, FORMERR (RFC 8945 5.2.2.1). BH_ESYS: libcrypto failed; nothing is known, SERVFAIL.
 */
int tsig_verify(struct tsig_engine *engine, const struct tsig_key *key, const uint8_t *wire,
		const struct tsig_record *record, uint64_t now_sec, struct tsig *tsig) BH_CHECKED;

/* Octets that the record of a reply takes. */
size_t tsig_size(const struct tsig *tsig);

/*
 * Append the record to the reply msg[0..*len), which has room for cap octets, and count it. Called for each
 * message of a stream in its order (RFC 8945 5.3.1): every one is signed. BH_ENOSPC: it does not fit;
 * BH_ESYS: libcrypto failed. Then nothing is changed.
 */
int tsig_sign(struct tsig_engine *engine, struct tsig *tsig, uint64_t now_sec, uint8_t *msg, size_t *len,
	      size_t cap) BH_CHECKED;

#endif
