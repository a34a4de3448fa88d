/*
 * States of tracked keys that are believed. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/tracked.h"

#include "common/dns/anchor.h"
#include "common/dns/rr.h"
#include "common/util/count.h"

#include <stdlib.h>
#include <string.h>

/* From the clock call of the resolver to ours. */
#define TRACKED_LATE_SEC 60

struct tracked *tracked_find(const struct tracked_list *list, const uint8_t *zone, uint64_t configured)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i]->state.configured == configured && dname_equal(list->items[i]->state.zone, zone)) {
			return list->items[i];
		}
	}
	return NULL;
}

int tracked_put(struct tracked_list *list, const struct ipc_anchor_state *state, bool news)
{
	struct tracked *t = tracked_find(list, state->zone, state->configured);
	if (t == NULL) {
		if (list->count == COUNT(list->items)) {
			return BH_ELIMIT;
		}
		t = calloc(1, sizeof(*t));
		if (t == NULL) {
			return BH_ENOMEM;
		}
		list->items[list->count++] = t;
	}
	t->state = *state;
	t->news = t->news || news;
	return BH_OK;
}

void tracked_keep(struct tracked_list *list, const struct ipc_anchor *anchors, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct tracked *t = list->items[i];
		if (ipc_anchor_sum(anchors, count, t->state.zone) == t->state.configured) {
			list->items[kept++] = t;
		} else {
			free(t);
		}
	}
	list->count = kept;
}

void tracked_clear(struct tracked_list *list)
{
	tracked_keep(list, NULL, 0);
}

static bool is_trusted(const struct ipc_anchor_key *key)
{
	return key->state == IPC_KEY_VALID || key->state == IPC_KEY_MISSING;
}

/* Could an anchor of the operator speak of this key? */
static bool is_named(const uint8_t *zone, const struct ipc_anchor_key *key, const struct ipc_anchor *anchors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ipc_anchor *a = &anchors[i];
		bool same = a->type == RR_DNSKEY
				    ? a->len == key->len && memcmp(a->rdata, key->rdata, key->len) == 0
				    : anchor_tag(RR_DS, a->rdata, a->len) == anchor_tag(RR_DNSKEY, key->rdata, key->len) &&
					      anchor_algorithm(RR_DS, a->rdata, a->len) ==
						      anchor_algorithm(RR_DNSKEY, key->rdata, key->len);
		if (same && dname_equal(a->zone, zone)) {
			return true;
		}
	}
	return false;
}

static const struct ipc_anchor_key *find_key(const struct ipc_anchor_state *state, const struct ipc_anchor_key *key)
{
	for (unsigned i = 0; state != NULL && i < state->count; i++) {
		if (state->keys[i].len == key->len && memcmp(state->keys[i].rdata, key->rdata, key->len) == 0) {
			return &state->keys[i];
		}
	}
	return NULL;
}

/* Has a key that was pending waited for long enough (RFC 5011 2.4.1)? */
static bool has_waited(const struct ipc_anchor_key *key, uint64_t now_sec)
{
	return key->hold_sec >= IPC_KEY_HOLD_SEC && now_sec >= key->since_sec &&
	       now_sec - key->since_sec >= key->hold_sec;
}

static const char *key_fault(const struct ipc_anchor_key *was, const struct ipc_anchor_key *key, bool named, uint64_t now_sec)
{
	if (is_trusted(key)) {
		if (was == NULL) {
			return named ? NULL : "a key is trusted that nobody named";
		}
		if (was->state == IPC_KEY_REVOKED || was->state == IPC_KEY_REMOVED) {
			return "a revoked key is trusted again";
		}
		return is_trusted(was) || has_waited(was, now_sec) ? NULL : "a new key is trusted too soon";
	}
	if (key->state == IPC_KEY_PENDING) {
		if (was != NULL && was->state == IPC_KEY_PENDING && was->since_sec == key->since_sec) {
			return was->hold_sec == key->hold_sec ? NULL : "the time that a new key waits was changed";
		}
		return key->hold_sec >= IPC_KEY_HOLD_SEC && key->since_sec + TRACKED_LATE_SEC >= now_sec
			       ? NULL
			       : "a new key waits for longer than it is known";
	}
	return NULL; /* revoked, removed: who may say so may also refuse all service */
}

const char *tracked_fault(const struct ipc_anchor_state *before, const struct ipc_anchor_state *next,
			  const struct ipc_anchor *anchors, size_t count, uint64_t now_sec)
{
	for (unsigned i = 0; i < next->count; i++) {
		const struct ipc_anchor_key *key = &next->keys[i];
		const char *fault = key_fault(find_key(before, key), key, is_named(next->zone, key, anchors, count), now_sec);
		if (fault != NULL) {
			return fault;
		}
	}
	return NULL;
}
