/*
 * Composing messages, and finding suffixes to point at.
 *
 * A name is matched from the right, one label at a time, first with QNAME, which most names of a message share
 * a suffix with, and from where that ends with the labels written since. These are a trie: each knows where in
 * the message the labels to its right stand, and a small hash table finds a label by that and its octets.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/compose.h"

#include "common/dns/dname.h"
#include "common/dns/fold.h"
#include "common/dns/query.h"

#include <assert.h>
#include <string.h>

#define POINTER_END 0x4000 /* a pointer has 14 bits, RFC 1035 4.1.4 */

static_assert(COMPOSE_TARGETS_MAX < COMPOSE_SLOTS && COMPOSE_SLOTS == 256, "both fit into an octet");

/* --- suffixes that stand in the message --- */

/* Mark where the labels of QNAME begin. */
static void look_at_question(struct compose *c)
{
	const uint8_t *qname = c->buf + COMPOSE_QNAME;
	memset(c->question_starts, 0, sizeof(c->question_starts));
	for (unsigned pos = 0; qname[pos] != 0; pos += qname[pos] + 1u) {
		c->question_starts[pos / 64] |= UINT64_C(1) << pos % 64;
	}
	c->question_known = true;
}

/*
 * Split a name of len octets where its longest suffix begins that QNAME has too. Returns how many labels are before
 * it, whose places are in name_at. *rest: what they take, and *known: where the suffix stands, 0 for the root.
 */
static unsigned match_question(struct compose *c, const uint8_t *name, size_t len, size_t *rest, uint16_t *known)
{
	size_t common = 1;
	if (c->question_len > 0 && !c->exact) { /* QNAME has the case that the client chose */
		if (!c->question_known) {
			look_at_question(c);
		}
		common = fold_common_suffix(name, len, c->buf + COMPOSE_QNAME, c->question_len);
	}
	unsigned count = 0;
	size_t pos = 0;
	for (; name[pos] != 0; pos += (size_t)name[pos] + 1) {
		size_t suffix = len - pos;
		size_t at = c->question_len - suffix; /* of QNAME, when it has so many octets in common */
		/* The same octets are a suffix only where a label begins: they may as well be inside of one. */
		if (suffix <= common && (c->question_starts[at / 64] >> at % 64 & 1) != 0) {
			*rest = pos;
			*known = (uint16_t)(COMPOSE_QNAME + at);
			return count;
		}
		c->name_at[count++] = (uint8_t)pos;
	}
	*rest = pos;
	*known = 0;
	return count;
}

static uint64_t label_key(const uint8_t *label)
{
	size_t n = (size_t)label[0] + 1;
	return fold_word(n >= 8 ? fold_load64(label) : fold_load_tail(label, n));
}

static unsigned home_slot(uint64_t key, uint16_t parent)
{
	/* Labels of one octet in a row, as in ip6.arpa, differ little in key and parent: mixed in two steps. */
	uint64_t x = (key ^ (uint64_t)parent << 40) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)((x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93) >> 56);
}

static bool is_taken(const struct compose *c, unsigned slot)
{
	return (c->slots_taken[slot / 64] >> slot % 64 & 1) != 0;
}

/* Where `label` in front of the name at `parent` stands, or 0. */
static uint16_t find_target(const struct compose *c, const uint8_t *label, uint16_t parent)
{
	uint64_t key = label_key(label);
	unsigned slot = home_slot(key, parent);
	for (unsigned i = 0; i < COMPOSE_PROBES_MAX; i++, slot = (slot + 1) % COMPOSE_SLOTS) {
		if (!is_taken(c, slot)) {
			return 0;
		}
		const struct compose_target *t = &c->targets[c->slots[slot]];
		if (t->key == key && t->parent == parent &&
		    (label[0] < 8 || fold_equal(label + 8, c->buf + t->offset + 8, label[0] - 7u)) &&
		    (!c->exact || memcmp(label, c->buf + t->offset, label[0] + 1u) == 0)) {
			return t->offset;
		}
	}
	return 0;
}

/* Remember a label that was just written. False: no room. */
static bool add_target(struct compose *c, size_t offset, uint16_t parent)
{
	if (offset >= POINTER_END || c->target_count == COMPOSE_TARGETS_MAX) {
		return false;
	}
	if (c->target_count == 0) {
		memset(c->slots_taken, 0, sizeof(c->slots_taken));
	}
	uint64_t key = label_key(c->buf + offset);
	unsigned slot = home_slot(key, parent);
	for (unsigned i = 0; i < COMPOSE_PROBES_MAX; i++, slot = (slot + 1) % COMPOSE_SLOTS) {
		if (!is_taken(c, slot)) {
			c->slots_taken[slot / 64] |= UINT64_C(1) << slot % 64;
			c->slots[slot] = (uint8_t)c->target_count;
			c->targets[c->target_count++] = (struct compose_target){
				.key = key, .offset = (uint16_t)offset, .parent = parent, .slot = (uint8_t)slot
			};
			return true;
		}
	}
	return false;
}

/* The last come out first, so none is left behind a slot that became empty. */
void compose_forget(struct compose *c, unsigned count)
{
	while (c->target_count > count) {
		unsigned slot = c->targets[--c->target_count].slot;
		c->slots_taken[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	}
}

/* --- fields --- */

/*
 * Write a name of len octets, ending in a pointer where an equal suffix stands already. False: no room. *at: where
 * the whole name can be pointed at now, or 0.
 */
static bool put_name(struct compose *c, const uint8_t *name, size_t len, uint16_t *at)
{
	size_t prefix;	/* octets in front of what stands in the message */
	uint16_t known; /* where that stands */
	unsigned fresh = match_question(c, name, len, &prefix, &known); /* labels in front of it */
	unsigned jumps = 1; /* to there, and from there on */
	while (fresh > 0 && c->target_count > 0) {
		const uint8_t *label = name + c->name_at[fresh - 1];
		uint16_t target = find_target(c, label, known);
		if (target == 0) {
			break;
		}
		jumps += known != 0 && known != target + label[0] + 1; /* a pointer stands between the two */
		if (jumps > COMPOSE_JUMPS_MAX) {
			break;
		}
		known = target;
		prefix = c->name_at[--fresh];
	}

	size_t start = c->pos;
	size_t size = prefix + (known == 0 ? 1 : 2);
	if (size > c->limit - start) {
		return false;
	}
	memcpy(c->buf + start, name, prefix);
	if (known == 0) {
		c->buf[start + prefix] = 0;
	} else {
		put_u16(c->buf + start + prefix, (uint16_t)(0xc000 | known));
	}
	c->pos += size;

	if (fresh == 0) {
		*at = known;
		return true;
	}
	bool reachable = true;
	for (unsigned i = fresh; i > 0 && reachable; i--) {
		size_t offset = start + c->name_at[i - 1];
		reachable = add_target(c, offset, known);
		known = (uint16_t)offset;
	}
	*at = start < POINTER_END ? (uint16_t)start : 0; /* also when the table does not know it */
	return true;
}

static bool put_octets(struct compose *c, const uint8_t *octets, size_t len)
{
	if (len > c->limit - c->pos) {
		return false;
	}
	memcpy(c->buf + c->pos, octets, len);
	c->pos += len;
	return true;
}

/* The first `fresh` octets of a name and a pointer to the rest of it. False: no room. */
static bool put_below(struct compose *c, const uint8_t *name, size_t fresh, uint16_t suffix_at)
{
	if (fresh + 2 > c->limit - c->pos) {
		return false;
	}
	memcpy(c->buf + c->pos, name, fresh);
	put_u16(c->buf + c->pos + fresh, (uint16_t)(0xc000 | suffix_at));
	c->pos += fresh + 2;
	return true;
}

/* A name in RDATA, the index-th. False: no room. */
static bool put_rdata_name(struct compose *c, struct compose_rrset *set, unsigned index, const uint8_t *name,
			   size_t len)
{
	if (set->names != NULL && set->names->at != 0 && set->names->fresh[index] != COMPOSE_UNKNOWN) {
		return put_below(c, name, set->names->fresh[index], set->names->at);
	}
	return put_name(c, name, len, &set->name_at);
}

/* RDATA whose names may be compressed, with its length before it. False: no room. */
static bool put_compressed(struct compose *c, struct compose_rrset *set, const uint8_t *rdata, size_t len)
{
	const uint8_t *fields = set->fields;
	unsigned names = 0;
	size_t pos = 0;
	size_t len_at = c->pos;
	bool fits = put_octets(c, (const uint8_t[2]){ 0, 0 }, 2);

	for (; fits && *fields != RDATA_END; fields++) {
		if (*fields != RDATA_NAME_COMPRESS) { /* these types have nothing else but fixed octets */
			fits = put_octets(c, rdata + pos, *fields);
			pos += *fields;
			continue;
		}
		size_t name_len = dname_len(rdata + pos);
		fits = put_rdata_name(c, set, names++, rdata + pos, name_len);
		pos += name_len;
	}
	if (!fits || !put_octets(c, rdata + pos, len - pos)) {
		return false;
	}
	put_u16(c->buf + len_at, (uint16_t)(c->pos - len_at - 2));
	return true;
}

/* --- records --- */

void compose_begin(struct compose *c, uint8_t *buf, size_t limit, size_t reserved, uint16_t id,
		   uint16_t flags, const uint8_t *qname, uint16_t qtype, uint16_t qclass)
{
	assert(limit <= DNS_MESSAGE_MAX && reserved <= limit);
	assert(limit - reserved >= COMPOSE_QUESTION_MAX); /* a question always fits */
	c->buf = buf;
	c->pos = DNS_HEADER_SIZE;
	c->limit = limit - reserved;
	c->reserved = reserved;
	memset(c->counts, 0, sizeof(c->counts));
	c->target_count = 0;
	c->exact = false;
	c->question_len = 0;
	c->question_known = false;
	put_u16(buf, id);
	put_u16(buf + 2, flags);

	if (qname != NULL) { /* fits, see above */
		size_t len = dname_len(qname);
		uint8_t *p = buf + COMPOSE_QNAME;
		memcpy(p, qname, len);
		c->question_len = (uint8_t)len;
		put_u16(p + len, qtype);
		put_u16(p + len + 2, qclass);
		c->pos += len + 4;
		c->counts[SECTION_QUESTION] = 1;
	}
}

void compose_rrset_begin(struct compose_rrset *set, enum section section, const uint8_t *owner, uint16_t owner_at,
			 uint16_t type, uint16_t rr_class, uint32_t ttl)
{
	set->owner = owner;
	set->fields = rdata_is_compressed(type) ? rdata_fields(type) : NULL;
	set->section = section;
	set->name_at = 0;
	set->names = NULL;
	set->owner_fresh = 0;
	set->owner_at = dname_is_root(owner) ? 0 : owner_at; /* the root is shorter than a pointer to it */
	put_u16(set->head, (uint16_t)(0xc000 | owner_at));
	put_u16(set->head + 2, type);
	put_u16(set->head + 4, rr_class);
	put_u32(set->head + 6, ttl);
}

/* What stands before the length of RDATA. *owner_at: where the owner can be pointed at by the next record. */
static bool put_head(struct compose *c, const struct compose_rrset *set, uint16_t *owner_at)
{
	if (set->owner_fresh > 0) {
		*owner_at = c->pos < POINTER_END ? (uint16_t)c->pos : 0;
		return put_below(c, set->owner, set->owner_fresh, set->owner_at) &&
		       put_octets(c, set->head + 2, sizeof(set->head) - 2);
	}
	if (set->owner_at != 0) {
		*owner_at = set->owner_at;
		return put_octets(c, set->head, sizeof(set->head));
	}
	return put_name(c, set->owner, dname_len(set->owner), owner_at) && put_octets(c, set->head + 2, sizeof(set->head) - 2);
}

/* RDATA without names to compress, with its length before it. */
static bool put_plain(struct compose *c, const uint8_t *rdata, size_t len)
{
	if (len + 2 > c->limit - c->pos) {
		return false;
	}
	put_u16(c->buf + c->pos, (uint16_t)len);
	memcpy(c->buf + c->pos + 2, rdata, len);
	c->pos += len + 2;
	return true;
}

int compose_rrset_add(struct compose *c, struct compose_rrset *set, const uint8_t *rdata, size_t rdata_len)
{
	size_t pos = c->pos;
	uint16_t target_count = c->target_count;
	uint16_t owner_at;

	if (!put_head(c, set, &owner_at) ||
	    !(set->fields == NULL ? put_plain(c, rdata, rdata_len)
				  : put_compressed(c, set, rdata, rdata_len))) {
		c->pos = pos;
		compose_forget(c, target_count);
		return BH_ENOSPC;
	}
	if (owner_at != set->owner_at) {
		set->owner_at = owner_at;
		set->owner_fresh = 0;
		put_u16(set->head, (uint16_t)(0xc000 | owner_at));
	}
	c->counts[set->section]++;
	return BH_OK;
}

int compose_rr(struct compose *c, enum section section, const uint8_t *owner, uint16_t type,
	       uint16_t rr_class, uint32_t ttl, const uint8_t *rdata, size_t rdata_len)
{
	struct compose_rrset set;
	compose_rrset_begin(&set, section, owner, 0, type, rr_class, ttl);
	return compose_rrset_add(c, &set, rdata, rdata_len);
}

void compose_rollback(struct compose *c, const struct compose_mark *mark)
{
	c->pos = mark->pos;
	compose_forget(c, mark->target_count);
	memcpy(c->counts, mark->counts, sizeof(c->counts));
}

size_t compose_finish(struct compose *c, const struct edns_reply *edns)
{
	if (edns != NULL) {
		struct sink s = sink_of(c->buf, c->limit + c->reserved);
		s.pos = c->pos;
		edns_write(&s, edns);
		assert(!s.failed); /* edns_size was reserved */
		c->pos = s.pos;
		c->counts[SECTION_ADDITIONAL]++;
		compose_flags(c, FLAG_RCODE, edns->rcode & FLAG_RCODE);
	}
	for (unsigned i = 0; i < 4; i++) {
		put_u16(c->buf + 4 + 2 * i, c->counts[i]);
	}
	return c->pos;
}
