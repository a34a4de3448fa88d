/*
 * Records of who waits. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/party.h"

#include "common/util/rand.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void party_init(struct party_table *table, unsigned ipv6_octets)
{
	rand_bytes(&table->key, sizeof(table->key));
	table->ipv6_octets = ipv6_octets;
	for (unsigned i = 0; i < PARTY_BUCKETS; i++) {
		LIST_INIT(&table->buckets[i]);
	}
	for (unsigned i = 0; i < PARTY_WEIGHTS; i++) {
		TAILQ_INIT(&table->weights[i]);
	}
}

static size_t octets_of(const struct party_table *table, const struct addr *addr)
{
	return addr->family == ADDR_V6 ? table->ipv6_octets : addr_size(addr);
}

static struct party_list *bucket_of(struct party_table *table, const struct addr *addr)
{
	return &table->buckets[siphash(&table->key, addr->bytes, octets_of(table, addr)) % PARTY_BUCKETS];
}

static unsigned weight_of(const struct party *party)
{
	return 31 - (unsigned)__builtin_clz(party->waiting);
}

struct party *party_find(struct party_table *table, const struct addr *addr)
{
	struct party *party;
	LIST_FOREACH(party, bucket_of(table, addr), entry) {
		/* Link-local networks of two links are two. */
		if (party->addr.family == addr->family && party->addr.scope_id == addr->scope_id &&
		    memcmp(party->addr.bytes, addr->bytes, octets_of(table, addr)) == 0) {
			break;
		}
	}
	return party;
}

struct party *party_join(struct party_table *table, const struct addr *addr)
{
	struct party *party = party_find(table, addr);
	if (party == NULL) {
		party = calloc(1, sizeof(*party));
		if (party == NULL) {
			return NULL;
		}
		party->addr = *addr;
		TAILQ_INIT(&party->line);
		LIST_INSERT_HEAD(bucket_of(table, addr), party, entry);
	} else {
		TAILQ_REMOVE(&table->weights[weight_of(party)], party, weight_entry);
	}
	party->waiting++;
	TAILQ_INSERT_TAIL(&table->weights[weight_of(party)], party, weight_entry);
	return party;
}

void party_leave(struct party_table *table, struct party *party)
{
	assert(party->waiting > 0);
	TAILQ_REMOVE(&table->weights[weight_of(party)], party, weight_entry);
	if (--party->waiting > 0) {
		TAILQ_INSERT_TAIL(&table->weights[weight_of(party)], party, weight_entry);
		return;
	}
	LIST_REMOVE(party, entry);
	free(party);
}

struct party *party_heaviest(const struct party_table *table)
{
	for (unsigned i = PARTY_WEIGHTS; i-- > 0;) {
		if (!TAILQ_EMPTY(&table->weights[i])) {
			return TAILQ_FIRST(&table->weights[i]);
		}
	}
	return NULL;
}
