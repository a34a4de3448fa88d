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

int builder_store(struct image_builder *b, const void *bytes, size_t len, uint32_t *offset)
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

/* The name of a record: most have that of the one before. */
static int take_name(struct image_builder *b, const uint8_t *name, uint32_t *out)
{
	size_t len = dname_len(name);
	if (b->name_count > 0) {
		uint32_t last = b->names[b->name_count - 1];
		if (len <= b->arena_len - last && memcmp(b->arena + last, name, len) == 0) {
			*out = (uint32_t)b->name_count - 1;
			return BH_OK;
		}
	}
	if (b->name_count == BUILDER_NAMES_MAX) {
		return BH_ELIMIT;
	}
	int err = reserve(&b->names, &b->name_cap, b->name_count, 1, sizeof(*b->names));
	if (err == BH_OK) {
		err = builder_store(b, name, len, &b->names[b->name_count]);
	}
	if (err == BH_OK) {
		*out = (uint32_t)b->name_count++;
	}
	return err;
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
	uint32_t name;
	if (take_name(b, b->apex, &name) != BH_OK) {
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
	free(b->names);
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
	int err = builder_store(b, owner, dname_len(owner), &reject.owner);
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
static int take_nsec3(struct image_builder *b, const struct nsec3_owner *owner, uint32_t *out)
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
		.ttl = (ttl < TTL_MAX ? ttl : TTL_MAX) & TTL_MAX, .line = line, .type = type, .file = file_number,
	};
	uint16_t len = (uint16_t)rdata_len;
	if (b->record_count == UINT32_MAX) {
		return BH_ELIMIT;
	}
	err = reserve(&b->records, &b->record_cap, b->record_count, 1, sizeof(*b->records));
	if (err == BH_OK) {
		err = apart ? take_nsec3(b, &nsec3, &r.name) : take_name(b, owner, &r.name);
	}
	if (err == BH_OK) {
		err = builder_store(b, &len, sizeof(len), &r.data);
	}
	uint32_t behind;
	if (err == BH_OK) {
		err = builder_store(b, rdata, rdata_len, &behind);
	}
	if (err == BH_OK) {
		b->records[b->record_count++] = r;
		b->nsec3_record_count += apart;
	}
	return err;
}
