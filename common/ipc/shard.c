/*
 * Shards by name. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/shard.h"

#include "common/dns/dname.h"
#include "common/util/siphash.h"

uint32_t shard_of_name(const uint8_t *name, uint32_t count)
{
	/*
	 * No secret: all workers must choose alike, or a shard's cache would be held twice. Someone who
	 * aims all his names at one shard gets what one shard can do.
	 */
	static const struct siphash_key key = { UINT64_C(0x62756c6b68656164), UINT64_C(0x7368617264732121) };
	unsigned labels = dname_label_count(name);
	return (uint32_t)(dname_hash(&key, dname_skip_labels(name, labels > 2 ? labels - 2 : 0)) % count);
}
