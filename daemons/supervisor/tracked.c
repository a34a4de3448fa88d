/*
 * States of tracked keys that are believed. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/tracked.h"

#include "common/dns/anchor.h"
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/rr.h"
#include "common/util/count.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
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

/* RFC 4034 5.1.4: the digest is of owner and key. One of a type that no resolver here knows names nothing. */
static bool digest_names(const struct ipc_anchor *a, const struct ipc_anchor_key *key)
{
	struct ds ds;
	uint8_t covered[DNAME_MAX + sizeof(key->rdata)];
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_len = 0;
	if (ds_parse(a->rdata, a->len, &ds) != BH_OK || ds.tag != anchor_tag(RR_DNSKEY, key->rdata, key->len) ||
	    ds.algorithm != anchor_algorithm(RR_DNSKEY, key->rdata, key->len)) {
		return false;
	}
	const char *md = ds.digest_type == DNSSEC_SHA1	   ? "SHA1"
			 : ds.digest_type == DNSSEC_SHA256 ? "SHA256"
			 : ds.digest_type == DNSSEC_SHA384 ? "SHA384"
							   : NULL;
	size_t len = dname_copy_lower(covered, a->zone);
	memcpy(covered + len, key->rdata, key->len);
	/* Without a configuration of its own, libcrypto opens no file and loads nothing into this process. */
	return md != NULL && OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) == 1 &&
	       EVP_Q_digest(NULL, md, NULL, covered, len + key->len, digest, &digest_len) == 1 &&
	       digest_len == ds.digest_len && memcmp(digest, ds.digest, digest_len) == 0;
}

/* Does an anchor of the operator speak of this key? */
static bool is_named(const uint8_t *zone, const struct ipc_anchor_key *key, const struct ipc_anchor *anchors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ipc_anchor *a = &anchors[i];
		if (!dname_equal(a->zone, zone)) {
			continue;
		}
		if (a->type == RR_DNSKEY ? a->len == key->len && memcmp(a->rdata, key->rdata, key->len) == 0
					 : digest_names(a, key)) {
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
