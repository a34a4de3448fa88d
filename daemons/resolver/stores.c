/*
 * What the resolver remembers, and how the configured memory (cache-size) is shared out among it: facts about servers,
 * verified zones, notes of good signatures; the rest, nine tenths of it, is the cache's.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

/* One server is remembered for so many octets: small caches see few servers. */
#define BYTES_PER_SERVER 4096
/* Verified zones have one part in so many: 4 KiB with keys, 400 octets without, so of usual sizes enough for thousands. */
#define TRUST_SHARE 16
/* One note of a good signature, of 16 octets, for so many. */
#define BYTES_PER_NOTE 2048

bool stores_make(uint64_t bytes, struct stores *out)
{
	struct siphash_key server_key = siphash_key_new();
	struct siphash_key trust_key = siphash_key_new();
	struct siphash_key cache_key = siphash_key_new();
	*out = (struct stores){ .servers = servers_new(bytes / BYTES_PER_SERVER, &server_key),
				.trust = trust_store_new(bytes / TRUST_SHARE, &trust_key),
				.memo = memo_new(bytes / BYTES_PER_NOTE) };
	if (out->servers != NULL && out->trust != NULL && out->memo != NULL) {
		uint64_t taken = servers_bytes(out->servers) + bytes / TRUST_SHARE + memo_bytes(out->memo);
		out->cache_room = taken < bytes / 2 ? bytes - taken : bytes / 2; /* tiny ones, of tests, keep half */
		out->cache = cache_new(out->cache_room, &cache_key);
	}
	if (out->cache == NULL) {
		stores_free(out);
		return false;
	}
	return true;
}

void stores_free(struct stores *stores)
{
	cache_free(stores->cache);
	servers_free(stores->servers);
	trust_store_free(stores->trust);
	memo_free(stores->memo);
	*stores = (struct stores){ .cache = NULL };
}

void stores_take(struct core *core, struct stores *stores)
{
	struct stores old = { .cache = core->cache, .servers = core->servers, .trust = core->trust, .memo = core->memo };
	core->cache = stores->cache;
	core->servers = stores->servers;
	core->trust = stores->trust;
	core->memo = stores->memo;
	core->cache_room = stores->cache_room;
	stores_free(&old);
}
