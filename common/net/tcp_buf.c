/*
 * Waiting octets of a connection. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/tcp_buf.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 512

int tcp_buf_reserve(struct tcp_buf *buf, size_t more)
{
	if (more <= buf->room - buf->len) {
		return BH_OK;
	}
	size_t waiting = tcp_buf_waiting(buf);
	if (buf->pos > 0) {
		memmove(buf->data, buf->data + buf->pos, waiting);
		buf->pos = 0;
		buf->len = waiting;
		if (more <= buf->room - buf->len) {
			return BH_OK;
		}
	}
	size_t room = buf->room == 0 ? FIRST_ROOM : buf->room;
	while (room - waiting < more) {
		if (room > SIZE_MAX / 2) {
			return BH_ENOMEM;
		}
		room *= 2;
	}
	uint8_t *data = realloc(buf->data, room);
	if (data == NULL) {
		return BH_ENOMEM;
	}
	buf->data = data;
	buf->room = room;
	return BH_OK;
}

int tcp_buf_append(struct tcp_buf *buf, const void *bytes, size_t len)
{
	int rc = tcp_buf_reserve(buf, len);
	if (rc == BH_OK && len > 0) {
		memcpy(buf->data + buf->len, bytes, len);
		buf->len += len;
	}
	return rc;
}

void tcp_buf_consume(struct tcp_buf *buf, size_t count)
{
	buf->pos += count;
	if (buf->pos == buf->len) {
		tcp_buf_clear(buf);
	}
}

void tcp_buf_clear(struct tcp_buf *buf)
{
	free(buf->data);
	*buf = (struct tcp_buf){ 0 };
}
