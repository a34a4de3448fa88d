/*
 * The builder takes records in. Trusts nothing of them but that the owner is a checked name.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/base32hex.h"
#include "common/dns/fold.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "common/zone/builder.h"

#include <assert.h>
#include <stdlib.h>

/* Room for `more` elements of `size` octets behind `count`; grows by half, so copies stay few. */
static int reserve(void *array, size_t *cap, size_t count, size_t more, size_t size)
{
	if (more <= *cap - count) {
		return BH_OK;
	}
	size_t want = *cap + *cap / 2 + 64;
	if (want < count + more) {
		want = count + more;
	}
	void *old;
	memcpy(&old, array, sizeof(old));
	void *grown = realloc(old, want * size);
	if (grown == NULL) {
		return BH_ENOMEM;
	}
	memcpy(array, &grown, sizeof(grown));
	*cap = want;
	return BH_OK;
}

/* Append octets to the arena; *offset is where they are. */
static int arena_add(struct image_builder *b, const uint8_t *bytes, size_t len, uint32_t *offset)
{
	if (len > UINT32_MAX - b->arena_len) {
		return BH_ELIMIT; /* offsets in an image have 32 bits */
	}
	int err = reserve(&b->arena, &b->arena_cap, b->arena_len, len, 1);
	if (err != BH_OK) {
		return err;
	}
	if (len > 0) {
		memcpy(b->arena + b->arena_len, bytes, len);
	}
	*offset = (uint32_t)b->arena_len;
	b->arena_len += len;
	return BH_OK;
}

static size_t name_slot(const struct image_builder *b, uint32_t hash, const uint8_t *name, size_t len)
{
	size_t mask = b->name_slot_count - 1;
	for (size_t at = hash & mask;; at = (at + 1) & mask) {
		uint32_t slot = b->name_slots[at];
		if (slot == 0) {
			return at;
		}
		const uint8_t *have = b->arena + b->name_offsets[slot - 1];
		if (b->name_hashes[slot - 1] == hash && dname_len(have) == len && fold_equal(have, name, len)) {
			return at;
		}
	}
}

static int grow_name_slots(struct image_builder *b)
{
	size_t count = b->name_slot_count * 2;
	uint32_t *slots = calloc(count, sizeof(*slots));
	if (slots == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < b->name_count; i++) {
		size_t at = b->name_hashes[i] & (count - 1);
		while (slots[at] != 0) {
			at = (at + 1) & (count - 1);
		}
		slots[at] = (uint32_t)i + 1;
	}
	free(b->name_slots);
	b->name_slots = slots;
	b->name_slot_count = count;
	return BH_OK;
}

/* Two arrays grow together: the second is grown to what the first became. */
static int reserve_name(struct image_builder *b)
{
	size_t cap = b->name_cap;
	int err = reserve(&b->name_offsets, &cap, b->name_count, 1, sizeof(*b->name_offsets));
	if (err == BH_OK && cap != b->name_cap) {
		uint32_t *hashes = realloc(b->name_hashes, cap * sizeof(*hashes));
		if (hashes == NULL) {
			return BH_ENOMEM; /* name_cap stays: the longer array does no harm */
		}
		b->name_hashes = hashes;
		b->name_cap = cap;
	}
	return err;
}

static int intern(struct image_builder *b, const uint8_t *name, uint32_t *out)
{
	size_t len = dname_len(name);
	if (b->name_count > 0) {
		const uint8_t *last = b->arena + b->name_offsets[b->last_name];
		if (dname_len(last) == len && memcmp(last, name, len) == 0) {
			*out = b->last_name;
			return BH_OK;
		}
	}

	uint32_t hash = (uint32_t)fold_hash(IMAGE_HASH_ROOT, name, len);
	size_t at = name_slot(b, hash, name, len);
	if (b->name_slots[at] == 0) {
		if (b->name_count == IMAGE_NODES_MAX) {
			return BH_ELIMIT;
		}
		int err = reserve_name(b);
		if (err == BH_OK && (b->name_count + 1) * 3 > b->name_slot_count * 2) {
			err = grow_name_slots(b);
			at = name_slot(b, hash, name, len);
		}
		if (err == BH_OK) {
			err = arena_add(b, name, len, &b->name_offsets[b->name_count]);
		}
		if (err != BH_OK) {
			return err;
		}
		b->name_hashes[b->name_count] = hash;
		b->name_slots[at] = (uint32_t)++b->name_count;
	}
	*out = b->name_slots[at] - 1;
	b->last_name = *out;
	return BH_OK;
}

struct image_builder *image_builder_new(const uint8_t *apex)
{
	struct image_builder *b = calloc(1, sizeof(*b));
	if (b == NULL) {
		return NULL;
	}
	b->apex_len = dname_len(apex);
	memcpy(b->apex, apex, b->apex_len);
	b->apex_labels = dname_label_count(apex);
	b->name_slot_count = 64;
	b->name_slots = calloc(b->name_slot_count, sizeof(*b->name_slots));
	uint32_t name;
	if (b->name_slots == NULL || intern(b, apex, &name) != BH_OK) {
		image_builder_free(b);
		return NULL;
	}
	return b;
}

void image_builder_free(struct image_builder *b)
{
	if (b == NULL) {
		return;
	}
	builder_plan_clear(&b->plan);
	free(b->arena);
	free(b->records);
	free(b->rejects);
	free(b->name_offsets);
	free(b->name_hashes);
	free(b->name_slots);
	free(b->nsec3_owners);
	free(b->files);
	free(b);
}

/* Number of a file; the caller mostly stays with the one it gave last. */
static int intern_file(struct image_builder *b, const char *file, uint16_t *out)
{
	if (b->file_count > 0 && b->files[b->last_file] == file) {
		*out = b->last_file;
		return BH_OK;
	}
	for (size_t i = b->file_count; i-- > 0;) {
		if (b->files[i] == file) {
			b->last_file = (uint16_t)i;
			*out = b->last_file;
			return BH_OK;
		}
	}
	if (b->file_count == BUILDER_FILES_MAX) {
		return BH_ELIMIT;
	}
	int err = reserve(&b->files, &b->file_cap, b->file_count, 1, sizeof(*b->files));
	if (err == BH_OK) {
		b->last_file = (uint16_t)b->file_count;
		b->files[b->file_count++] = file;
		*out = b->last_file;
	}
	return err;
}

int builder_reject(struct image_builder *b, const struct builder_reject *reject)
{
	int err = reserve(&b->rejects, &b->reject_cap, b->reject_count, 1, sizeof(*b->rejects));
	if (err == BH_OK) {
		b->rejects[b->reject_count++] = *reject;
	}
	return err;
}

static int reject_new(struct image_builder *b, const uint8_t *owner, struct builder_reject reject,
		      enum reject_reason reason)
{
	reject.reason = (uint8_t)reason;
	int err = arena_add(b, owner, dname_len(owner), &reject.owner);
	return err == BH_OK ? builder_reject(b, &reject) : err;
}

int builder_reject_nsec3(struct image_builder *b, const struct nsec3_owner *owner,
			 const struct builder_record *signature)
{
	uint8_t name[1 + IMAGE_NSEC3_LABEL + DNAME_MAX]; /* it was an owner name, so it is no longer than one */
	name[0] = IMAGE_NSEC3_LABEL;
	base32hex_encode(owner->hash, sizeof(owner->hash), name + 1);
	memcpy(name + 1 + IMAGE_NSEC3_LABEL, b->apex, b->apex_len);
	struct builder_reject reject = { .line = signature->line, .file = signature->file, .type = RR_NSEC3 };
	return reject_new(b, name, reject, REJECT_LONE_SIGNATURE);
}

/* The hash that an owner name of NSEC3 is (RFC 5155 3), right below the apex; false: it is none. */
static bool nsec3_hash_of(const struct image_builder *b, const uint8_t *owner, uint8_t hash[IMAGE_NSEC3_HASH])
{
	return owner[0] == IMAGE_NSEC3_LABEL && dname_label_count(owner) == b->apex_labels + 1 &&
	       base32hex_decode(owner + 1, IMAGE_NSEC3_LABEL, hash) == BH_OK;
}

/* Owners come in once for the NSEC3 and again for its signatures, mostly right behind it. */
static int intern_nsec3(struct image_builder *b, const struct nsec3_owner *owner, uint32_t *out)
{
	size_t count = b->nsec3_owner_count;
	if (count == 0 || memcmp(&b->nsec3_owners[count - 1], owner, sizeof(*owner)) != 0) {
		if (count == IMAGE_NODES_MAX) {
			return BH_ELIMIT;
		}
		int err = reserve(&b->nsec3_owners, &b->nsec3_owner_cap, count, 1, sizeof(*owner));
		if (err != BH_OK) {
			return err;
		}
		b->nsec3_owners[count++] = *owner;
		b->nsec3_owner_count = count;
	}
	*out = (uint32_t)(count - 1) | BUILDER_APART;
	return BH_OK;
}

int image_builder_add(struct image_builder *b, const uint8_t *owner, uint16_t type, uint32_t ttl,
		      const uint8_t *rdata, size_t rdata_len, const char *file, uint32_t line)
{
	assert(!b->planned);
	uint16_t file_number;
	int err = intern_file(b, file, &file_number);
	if (err != BH_OK) {
		return err;
	}
	struct builder_reject maybe = { .line = line, .file = file_number, .type = type };
	if (!dname_is_under(owner, b->apex)) {
		return reject_new(b, owner, maybe, REJECT_OUTSIDE);
	}
	if (rr_type_is_meta(type)) {
		return reject_new(b, owner, maybe, REJECT_META);
	}
	if (rdata_len > UINT16_MAX || !rdata_is_valid(type, rdata, rdata_len)) {
		return reject_new(b, owner, maybe, REJECT_RDATA);
	}
	bool apart = type == RR_NSEC3 || (type == RR_RRSIG && get_u16(rdata) == RR_NSEC3);
	struct nsec3_owner nsec3;
	if (apart && !nsec3_hash_of(b, owner, nsec3.hash)) {
		return reject_new(b, owner, maybe, REJECT_NSEC3_OWNER);
	}

	struct builder_record r = {
		.ttl = ttl, .line = line, .type = type, .rdata_len = (uint16_t)rdata_len, .file = file_number,
	};
	if (b->record_count == UINT32_MAX) {
		return BH_ELIMIT;
	}
	err = reserve(&b->records, &b->record_cap, b->record_count, 1, sizeof(*b->records));
	if (err == BH_OK) {
		err = apart ? intern_nsec3(b, &nsec3, &r.name) : intern(b, owner, &r.name);
	}
	if (err == BH_OK) {
		err = arena_add(b, rdata, rdata_len, &r.rdata);
	}
	if (err == BH_OK) {
		b->records[b->record_count++] = r;
		b->nsec3_record_count += apart;
	}
	return err;
}
