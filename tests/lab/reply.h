/*
 * What the lab's own servers share: sockets, and records of replies that are made up on the spot. What does not fit
 * into a reply is left out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_LAB_REPLY_H
#define BULKHEAD_TESTS_LAB_REPLY_H

#include "common/dns/compose.h"

#include <stddef.h>
#include <stdint.h>

#define REPLY_TTL 3600

/* A socket of this type at "address" or "address@port"; TCP is listening. Ends the program when there is none. */
int reply_bind(const char *address, uint16_t port, int type);

void reply_add(struct compose *c, enum section section, const uint8_t *owner, uint16_t type, const void *rdata,
	       size_t len);
void reply_add_address(struct compose *c, enum section section, const uint8_t *owner, const char *text);
/* A record whose RDATA is a name. */
void reply_add_name(struct compose *c, enum section section, const uint8_t *owner, uint16_t type, const char *text);
/* MNAME and RNAME the apex; TTL and MINIMUM are different. */
void reply_add_soa(struct compose *c, enum section section, const uint8_t *apex);
/* "label.apex" */
void reply_name_below(const uint8_t *apex, const char *label, uint8_t out[DNAME_MAX]);

#endif
