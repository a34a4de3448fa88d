/*
 * The query link: DNS messages between the frontend and those who answer for it.
 *
 * A SOCK_SEQPACKET pair; one datagram is a header of QLINK_HEADER octets and a plain DNS message.
 * Header, network order: u64 token, u8 kind, u8 flags, u16 budget, u32 zero. A reply carries the
 * token of its query; the one who asked drops what it did not ask. Tokens are random, so a successor
 * of a crashed role does not mistake a reply to its predecessor.
 *
 * Kinds:
 *   QLINK_QUERY    answer this.
 *   QLINK_REFRESH  to the resolver only: answer this as a query, but not from what is in the last tenth of its
 *                  life. The frontend sends it, when prefetch is on, once for an answer in its cache that is
 *                  still asked for when it is in the last tenth of its own life; clients are answered from the
 *                  old one meanwhile, so nobody waits for the reply. The resolver asks the servers anew where
 *                  that is due and keeps what they say in the place of the old. The reply is an ordinary one:
 *                  NOERROR and NXDOMAIN replace what the frontend has; anything else, SERVFAIL above all, is no
 *                  reason to forget an answer that still holds. When the resolver is busy, a refresh is the
 *                  first thing that it refuses (SERVFAIL).
 *   QLINK_PROBE    are you there, and do you answer? An authority answers as it does a query, a resolver without
 *                  resolving: what it can resolve it asks itself. Counted by nobody.
 *   QLINK_REPLY    the answer to any of them, with the token of the query.
 *
 * Both ends stay open in the supervisor: when one role dies, queued queries wait for its successor.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_QLINK_H
#define BULKHEAD_COMMON_IPC_QLINK_H

#include "common/dns/limits.h"
#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

#define QLINK_HEADER 16
#define QLINK_BATCH 16
/*
 * When the peer is a new process (MSG_PEER_RESTARTED), what its predecessor left in the socket is still to be
 * read, and broken messages among it are not the new one's fault: so many of them are passed over.
 * More small messages do not fit into a socket's buffer.
 */
#define QLINK_LEFTOVERS_MAX 8192

enum qlink_kind { QLINK_QUERY = 1, QLINK_REPLY = 2, QLINK_REFRESH = 3, QLINK_PROBE = 4 };

/* The last part of a life in which an answer that is in use is asked for anew: one in so many. */
#define QLINK_REFRESH_SHARE 10

struct qlink_message {
	uint64_t token;
	uint8_t kind;	 /* enum qlink_kind */
	uint8_t flags;	 /* none defined yet, must be 0 */
	uint16_t budget; /* query or refresh: work that may be spent; reply: what is left of it */
	const uint8_t *dns;
	size_t dns_len; /* at most DNS_MESSAGE_MAX */
};

/*
 * One datagram as it came: *out points into bytes. BH_EMALFORMED: short, longer than a message can be,
 * unknown kind, flags or zero field not 0. For qlink_receive, and for tests.
 */
int qlink_decode(const uint8_t *bytes, size_t len, struct qlink_message *out) BH_CHECKED;

struct qlink_batch;

/* NULL: out of memory. One per process; used for one link after the other. */
struct qlink_batch *qlink_batch_new(void);
void qlink_batch_free(struct qlink_batch *batch);

/*
 * Receive up to QLINK_BATCH messages without blocking; *count of them are in the batch until the next
 * receive. BH_ECLOSED: the other end is gone. BH_EMALFORMED: the peer broke the format (short, unknown kind,
 * flags or zero field not 0, or a descriptor was attached - it is closed): drop the link and tell
 * the supervisor, unless qlink_pardon passes it over. BH_ESYS: the descriptor is no socket or the like. Messages
 * around broken ones are in the batch: what a dead process left behind costs none of its successor's. An empty datagram
 * is taken for the end; where broken ones stand before it they are told first.
 */
int qlink_receive(struct qlink_batch *batch, int fd, unsigned *count) BH_CHECKED;
/*
 * What is left of such a result while broken messages of a dead peer are passed over: BH_OK if *leftovers, which is
 * counted down, covers all that came broken with the last receive; else the result itself.
 */
int qlink_pardon(const struct qlink_batch *batch, int received, unsigned *leftovers) BH_CHECKED;
const struct qlink_message *qlink_get(const struct qlink_batch *batch, unsigned i);
/* Overwrite message i in the batch's memory: it held what must not stay here. */
void qlink_wipe(struct qlink_batch *batch, unsigned i);

/*
 * Queue a message for fd (copied); sends the queue when it is full. BH_EAGAIN: the peer's buffer is
 * full and this message was not taken: the caller answers for it (SERVFAIL) or keeps it. BH_ECLOSED,
 * BH_ESYS: the link is dead; not taken either. BH_ELIMIT: dns_len above DNS_MESSAGE_MAX. The queue is for one
 * link at a time: flush before pushing for another. kind and flags must be valid.
 */
int qlink_push(struct qlink_batch *batch, int fd, const struct qlink_message *message) BH_CHECKED;

/*
 * Send what is queued. Messages the peer does not take are handed to lost() one by one, valid during
 * the call, and the queue is empty afterwards. lost() must not use this batch. Returns BH_OK when
 * all was taken, BH_EAGAIN when the peer's buffer is full, BH_ECLOSED or BH_ESYS when the link is dead.
 */
typedef void qlink_lost_fn(void *ctx, const struct qlink_message *message);
int qlink_flush(struct qlink_batch *batch, int fd, qlink_lost_fn *lost, void *ctx) BH_CHECKED;

#endif
