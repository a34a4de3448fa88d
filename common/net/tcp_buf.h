/*
 * Octets of one TCP connection that wait: a growing buffer with a reading end, and the framing of
 * RFC 1035 4.2.2 (two octets of length before each message).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_NET_TCP_BUF_H
#define BULKHEAD_COMMON_NET_TCP_BUF_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_PREFIX 2u
#define TCP_FRAME_MAX (TCP_PREFIX + 65535u)

/* Zeroed: empty, without memory. data[pos..len) waits. */
struct tcp_buf {
	uint8_t *data;
	size_t pos;
	size_t len;
	size_t room;
};

static inline size_t tcp_buf_waiting(const struct tcp_buf *buf)
{
	return buf->len - buf->pos;
}

/* Make room for `more` octets behind len; waiting octets may move to the front. */
int tcp_buf_reserve(struct tcp_buf *buf, size_t more) BH_CHECKED;
int tcp_buf_append(struct tcp_buf *buf, const void *bytes, size_t len) BH_CHECKED;
/* Forget `count` waiting octets from the front; an empty buffer gives its memory back. */
void tcp_buf_consume(struct tcp_buf *buf, size_t count);
void tcp_buf_clear(struct tcp_buf *buf);

/*
 * Octets of the frame (prefix and message) at the start of bytes[0..len), or 0 when it is not there
 * as a whole.
 */
static inline size_t tcp_frame_size(const uint8_t *bytes, size_t len)
{
	if (len < TCP_PREFIX) {
		return 0;
	}
	size_t size = TCP_PREFIX + ((size_t)bytes[0] << 8 | bytes[1]);
	return size <= len ? size : 0;
}

#endif
