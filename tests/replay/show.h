/*
 * Records and messages as text for people: enough to see what differs, not zone-file text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_REPLAY_SHOW_H
#define BULKHEAD_TESTS_REPLAY_SHOW_H

#include "common/dns/message.h"

#include <stdio.h>

/* Text that is cut at the end of its buffer, with "..." then. */
struct text {
	char *buf;
	size_t size;
	size_t len;
};

#define TEXT_OF(array) ((struct text){ .buf = (array), .size = sizeof(array), .len = 0 })

BH_PRINTF(2, 3) void text_add(struct text *t, const char *format, ...);

/* "www.example. 300 A 192.0.2.1" */
void show_rr(struct text *t, const struct message_rr *rr, bool ttl);
/* "QR RD RA AD" */
void show_flags(struct text *t, uint16_t flags);
/* "www.example. A" */
void show_question(struct text *t, const uint8_t *qname, uint16_t qtype);
/* A whole message over several lines, each behind indent. */
void show_message(FILE *out, const char *indent, const struct message *msg);

#endif
