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

/* Where in a name the last len octets are a name by themselves; NULL: nowhere. */
static const uint8_t *suffix_of(const uint8_t *name, size_t len)
{
	size_t left = dname_len(name);
	while (left > len) {
		left -= name[0] + 1u;
		name += name[0] + 1;
	}
	return left == len ? name : NULL;
}

bool builder_is_ours(const struct image_builder *b, const uint8_t *name)
{
	const uint8_t *suffix = suffix_of(name, b->apex_len);
	return suffix != NULL && (memcmp(suffix, b->apex, b->apex_len) == 0 || fold_equal(suffix, b->apex, b->apex_len));
}

static bool stands_at(const struct image_builder *b, uint32_t offset, const uint8_t *name, size_t len)
{
	return len <= b->arena_len - offset && memcmp(b->arena + offset, name, len) == 0;
}

/* Is the name in the arena, where it was looked for last? Most records have the owner of the one before. */
static bool find_name(struct image_builder *b, const uint8_t *name, size_t len, uint32_t *offset)
{
	size_t lenders = b->lender_count < BUILDER_LENDERS ? b->lender_count : BUILDER_LENDERS;
	for (size_t i = 0; i < lenders; i++) {
		if (stands_at(b, b->lenders[i].name, name, len)) {
			b->records[b->lenders[i].record].lends = 1;
			*offset = b->lenders[i].name;
			return true;
		}
	}
	return false;
}

/* The name in RDATA of a type whose names are owners of this zone as often as not. */
static const uint8_t *lent_name(uint16_t type, const uint8_t *rdata)
{
	return canonical_has_target(type) ? canonical_target(type, rdata) : type == RR_NSEC ? rdata : NULL;
}

/*
 * The name of a new record whose RDATA will be at offset `at` of the arena; *lends: it stands there. A run of records
 * with one owner has one name.
 */
static int take_name(struct image_builder *b, const uint8_t *name, const uint8_t *lent, size_t at, uint32_t *out,
		     bool *lends)
{
	size_t len = dname_len(name);
	*lends = false;
	if (b->name_count > 0 && stands_at(b, b->names[b->name_count - 1], name, len)) {
		*out = (uint32_t)b->name_count - 1;
		return BH_OK;
	}
	if (b->name_count == BUILDER_NAMES_MAX) {
		return BH_ELIMIT;
	}
	int err = reserve(&b->names, &b->name_cap, b->name_count, 1, sizeof(*b->names));
	if (err != BH_OK) {
		return err;
	}
	uint32_t *offset = &b->names[b->name_count];
	const uint8_t *suffix = lent == NULL ? NULL : suffix_of(lent, len);
	if (suffix != NULL && memcmp(suffix, name, len) == 0 && at + (size_t)(suffix - lent) <= UINT32_MAX) {
		*offset = (uint32_t)(at + (size_t)(suffix - lent));
		*lends = true;
	} else if (!find_name(b, name, len, offset)) {
		err = builder_store(b, name, len, offset);
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
	bool lends;
	if (take_name(b, b->apex, NULL, 0, &name, &lends) != BH_OK) {
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

/* The owner of a record that is stored next. */
static int take_owner(struct image_builder *b, const uint8_t *owner, const uint8_t *rdata, struct builder_record *r)
{
	const uint8_t *lent = lent_name(r->type, rdata);
	size_t at = lent == NULL ? 0 : b->arena_len + sizeof(uint16_t) + (size_t)(lent - rdata);
	bool lends;
	int err = take_name(b, owner, lent, at, &r->name, &lends);
	r->lends = lends;
	return err;
}

/* Length, RDATA and room for a target; then it may lend its name. */
static int store_record(struct image_builder *b, const uint8_t *rdata, uint16_t len, struct builder_record *r)
{
	static const uint32_t none = IMAGE_NONE; /* until the plan finds it */
	const uint8_t *lent = lent_name(r->type, rdata);
	uint32_t at = 0;
	uint32_t ignored;
	int err = builder_store(b, &len, sizeof(len), &r->data);
	if (err == BH_OK) {
		err = builder_store(b, rdata, len, &at);
	}
	if (err == BH_OK) {
		err = builder_store(b, &none, builder_behind(r->type), &ignored);
	}
	if (err == BH_OK && lent != NULL) {
		b->lenders[b->lender_count++ % BUILDER_LENDERS] = (struct builder_lender){
			.name = at + (uint32_t)(lent - rdata), .record = (uint32_t)b->record_count,
		};
	}
	return err;
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
	if (!builder_is_ours(b, owner)) {
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
	if (b->record_count == UINT32_MAX) {
		return BH_ELIMIT;
	}

	struct builder_record r = {
		.ttl = (ttl < TTL_MAX ? ttl : TTL_MAX) & TTL_MAX, .line = line & INT32_MAX, .type = type,
		.file = file_number,
	};
	err = reserve(&b->records, &b->record_cap, b->record_count, 1, sizeof(*b->records));
	if (err == BH_OK) {
		err = apart ? take_nsec3(b, &nsec3, &r.name) : take_owner(b, owner, rdata, &r);
	}
	if (err == BH_OK) {
		err = store_record(b, rdata, (uint16_t)rdata_len, &r);
	}
	if (err == BH_OK) {
		b->records[b->record_count++] = r;
		b->nsec3_record_count += apart;
	}
	return err;
}
