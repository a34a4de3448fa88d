/*
 * The query link in batches: recvmmsg and sendmmsg over SOCK_SEQPACKET, format checks, a bounded
 * queue of what goes out. Owns its buffers, no descriptors. Trusts nothing that it receives.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/qlink.h"

#include "common/util/cursor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DATAGRAM_MAX (QLINK_HEADER + DNS_MESSAGE_MAX)
/* Octets queued for sending: most messages are small, and any four of the largest fit. */
#define QUEUE_OCTETS (4 * DATAGRAM_MAX)

struct qlink_batch {
	/* received, valid until the next receive */
	unsigned count;
	unsigned broken; /* that came with them and are left out */
	struct qlink_message messages[QLINK_BATCH];
	uint8_t slots[QLINK_BATCH]; /* of `received`, for each of them */
	/* queued, all for one descriptor, back to back in `queue` */
	int queue_fd;
	unsigned queued;
	size_t queue_used;
	size_t lengths[QLINK_BATCH];
	uint8_t queue[QUEUE_OCTETS];
	/* one octet more than may arrive, so that nothing is cut unseen */
	uint8_t received[QLINK_BATCH][DATAGRAM_MAX + 1];
};

struct qlink_batch *qlink_batch_new(void)
{
	struct qlink_batch *batch = malloc(sizeof(*batch)); /* 1.3 MiB, touched only as far as used */
	if (batch != NULL) {
		batch->count = 0;
		batch->broken = 0;
		batch->queue_fd = -1;
		batch->queued = 0;
		batch->queue_used = 0;
	}
	return batch;
}

void qlink_batch_free(struct qlink_batch *batch)
{
	free(batch);
}

static bool kind_is_known(uint8_t kind)
{
	return kind >= QLINK_QUERY && kind <= QLINK_PROBE;
}

int qlink_decode(const uint8_t *bytes, size_t len, struct qlink_message *out)
{
	struct cursor c = cursor_of(bytes, len);
	struct qlink_message m = { 0 };

	m.token = cursor_u64(&c);
	m.kind = cursor_u8(&c);
	m.flags = cursor_u8(&c);
	m.budget = cursor_u16(&c);
	uint32_t zero = cursor_u32(&c);
	if (c.failed || !kind_is_known(m.kind) || m.flags != 0 || zero != 0 || len > DATAGRAM_MAX) {
		return BH_EMALFORMED;
	}
	m.dns = bytes + QLINK_HEADER;
	m.dns_len = len - QLINK_HEADER;
	*out = m;
	return BH_OK;
}

static void encode(struct sink *s, const struct qlink_message *m)
{
	sink_u64(s, m->token);
	sink_u8(s, m->kind);
	sink_u8(s, m->flags);
	sink_u16(s, m->budget);
	sink_u32(s, 0);
	sink_bytes(s, m->dns, m->dns_len);
}

/* What a failed call on the socket means. */
static int socket_error(void)
{
	switch (errno) {
	case EAGAIN:
#if EWOULDBLOCK != EAGAIN
	case EWOULDBLOCK:
#endif
	case ENOBUFS:
	case ENOMEM:
		return BH_EAGAIN;
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return BH_ECLOSED;
	default:
		return BH_ESYS;
	}
}

int qlink_receive(struct qlink_batch *batch, int fd, unsigned *count)
{
	struct iovec iov[QLINK_BATCH];
	struct mmsghdr headers[QLINK_BATCH];

	batch->count = 0;
	batch->broken = 0;
	*count = 0;
	for (unsigned i = 0; i < QLINK_BATCH; i++) {
		iov[i] = (struct iovec){ batch->received[i], sizeof(batch->received[i]) };
		/* No room for control data: the kernel closes attached descriptors and says MSG_CTRUNC. */
		headers[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	int n;
	do {
		n = recvmmsg(fd, headers, QLINK_BATCH, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		int rc = socket_error();
		return rc == BH_EAGAIN ? BH_OK : rc;
	}
	bool ended = false;
	for (unsigned i = 0; i < (unsigned)n && !ended; i++) {
		bool whole = (headers[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
		/* End of file. An empty datagram looks the same, and whoever sends one ends the link. */
		ended = whole && headers[i].msg_len == 0;
		if (ended) {
			continue;
		}
		if (whole &&
		    qlink_decode(batch->received[i], headers[i].msg_len, &batch->messages[batch->count]) == BH_OK) {
			batch->slots[batch->count++] = (uint8_t)i;
		} else {
			/* Those behind it were taken from the socket with it, and may be another process's. */
			batch->broken++;
			explicit_bzero(batch->received[i], sizeof(batch->received[i]) < headers[i].msg_len
								   ? sizeof(batch->received[i])
								   : headers[i].msg_len);
		}
	}
	*count = batch->count;
	return batch->broken > 0 ? BH_EMALFORMED : ended ? BH_ECLOSED : BH_OK;
}

int qlink_pardon(const struct qlink_batch *batch, int received, unsigned *leftovers)
{
	if (received != BH_EMALFORMED || batch->broken > *leftovers) {
		return received;
	}
	*leftovers -= batch->broken;
	return BH_OK;
}

const struct qlink_message *qlink_get(const struct qlink_batch *batch, unsigned i)
{
	assert(i < batch->count);
	return &batch->messages[i];
}

void qlink_wipe(struct qlink_batch *batch, unsigned i)
{
	assert(i < batch->count);
	explicit_bzero(batch->received[batch->slots[i]], QLINK_HEADER + batch->messages[i].dns_len);
}

/* Send from the head of the queue as far as the peer takes it. BH_OK: the queue is empty. */
static int send_queue(struct qlink_batch *batch)
{
	struct iovec iov[QLINK_BATCH];
	struct mmsghdr headers[QLINK_BATCH];
	size_t pos = 0;
	unsigned sent = 0;
	int rc = BH_OK;

	for (unsigned i = 0; i < batch->queued; i++) {
		iov[i] = (struct iovec){ batch->queue + pos, batch->lengths[i] };
		headers[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
		pos += batch->lengths[i];
	}
	while (sent < batch->queued) {
		int n = sendmmsg(batch->queue_fd, headers + sent, batch->queued - sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			rc = socket_error();
			break;
		}
		sent += (unsigned)n;
	}
	if (sent > 0) {
		size_t gone = 0;
		for (unsigned i = 0; i < sent; i++) {
			gone += batch->lengths[i];
		}
		batch->queued -= sent;
		batch->queue_used -= gone;
		memmove(batch->lengths, batch->lengths + sent, batch->queued * sizeof(batch->lengths[0]));
		memmove(batch->queue, batch->queue + gone, batch->queue_used);
	}
	return rc;
}

static bool has_room(const struct qlink_batch *batch, size_t len)
{
	return batch->queued < QLINK_BATCH && len <= sizeof(batch->queue) - batch->queue_used;
}

int qlink_push(struct qlink_batch *batch, int fd, const struct qlink_message *message)
{
	assert(batch->queued == 0 || batch->queue_fd == fd); /* flush before the next link */
	assert(message->flags == 0 && kind_is_known(message->kind));
	if (message->dns_len > DNS_MESSAGE_MAX) {
		return BH_ELIMIT;
	}
	size_t len = QLINK_HEADER + message->dns_len;
	batch->queue_fd = fd;
	if (!has_room(batch, len)) {
		int rc = send_queue(batch);
		if (!has_room(batch, len)) {
			return rc;
		}
	}
	struct sink s = sink_of(batch->queue + batch->queue_used, len);
	encode(&s, message);
	assert(!s.failed);
	batch->lengths[batch->queued++] = len;
	batch->queue_used += len;
	return BH_OK;
}

int qlink_flush(struct qlink_batch *batch, int fd, qlink_lost_fn *lost, void *ctx)
{
	if (batch->queued == 0) {
		return BH_OK;
	}
	assert(batch->queue_fd == fd);
	int rc = send_queue(batch);
	size_t pos = 0;
	for (unsigned i = 0; i < batch->queued; i++) {
		struct qlink_message message;
		int decoded = qlink_decode(batch->queue + pos, batch->lengths[i], &message);
		assert(decoded == BH_OK);
		lost(ctx, &message);
		pos += batch->lengths[i];
	}
	batch->queued = 0;
	batch->queue_used = 0;
	return rc;
}
