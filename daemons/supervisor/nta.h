/*
 * Negative trust anchors that the operator sets at run time (RFC 7646): zones that are not validated for a time,
 * because their own operators broke them. Kept here over restarts of roles and changes of the configuration; they do
 * not outlast the appliance. No limit is without end: an hour unless said otherwise, a week at most (RFC 7646 2).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_NTA_H
#define BULKHEAD_SUPERVISOR_NTA_H

#include "common/ipc/conf.h"

#include <stdbool.h>

#define NTA_DEFAULT_SEC 3600
#define NTA_MAX_SEC (7 * 24 * 3600)

struct nta {
	uint8_t zone[DNAME_MAX]; /* in lower case */
	uint64_t until_ms;
};

struct nta_list {
	struct nta items[NEGATIVE_ANCHORS_MAX];
	size_t count;
};

/* Set one, or set its end anew. BH_ELIMIT: no room for more. */
int nta_add(struct nta_list *list, const uint8_t *zone, uint32_t sec, uint64_t now_ms) BH_CHECKED;
/* False: there is none. */
bool nta_remove(struct nta_list *list, const uint8_t *zone);
/* Forget those that have ended. */
void nta_expire(struct nta_list *list, uint64_t now_ms);

/* What a role is told of one; it has not ended. */
struct ipc_negative_anchor nta_message(const struct nta *nta, uint64_t now_ms);

/* "90", or with s, m, h, d: seconds from 1 to NTA_MAX_SEC. */
bool nta_parse_time(const char *text, uint32_t *out);

#endif
