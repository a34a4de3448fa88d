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

static_assert(COMPOSE_TARGETS_MAX < COMPOSE_SLOTS && COMPOSE_SLOTS == 256, "a slot and a target fit into an octet");

/* --- suffixes that stand in the message --- */

static bool label_matches(const uint8_t *a, const uint8_t *b)
{
	return a[0] == b[0] && fold_equal(a + 1, b + 1, a[0]);
}

/* Where each label begins; *len: octets of all of them without the root. Returns how many. */
static unsigned find_labels(const uint8_t *name, uint8_t at[DNAME_LABELS_MAX], size_t *len)
{
	unsigned count = 0;
	size_t pos = 0;
	for (; name[pos] != 0; pos += (size_t)name[pos] + 1) {
		at[count++] = (uint8_t)pos;
	}
	*len = pos;
	return count;
}

/*
 * The longest suffix of a name that QNAME has too. *fresh is the number of its labels, and then of those
 * before that suffix. Returns where the suffix stands, 0 for the root.
 */
static uint16_t match_question(struct compose *c, const uint8_t *name, unsigned *fresh)
{
	const uint8_t *qname = c->buf + COMPOSE_QNAME;
	if (!c->has_name) {
		return 0;
	}
	if (c->question_labels == 0) {
		size_t len;
		c->question_labels = (uint8_t)find_labels(qname, c->question_at, &len);
	}
	unsigned left = c->question_labels;
	while (*fresh > 0 && left > 0 &&
	       label_matches(name + c->name_at[*fresh - 1], qname + c->question_at[left - 1])) {
		left--;
		(*fresh)--;
	}
	return left == c->question_labels ? 0 : (uint16_t)(COMPOSE_QNAME + c->question_at[left]);
}

static uint64_t label_key(const uint8_t *label)
{
	size_t n = (size_t)label[0] + 1;
	return fold_word(n >= 8 ? fold_load64(label) : fold_load_tail(label, n));
}

static unsigned home_slot(uint64_t key, uint16_t parent)
{
	return (unsigned)((key + parent * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93) >> 56);
}

/* Where `label` in front of the name at `parent` stands, or 0. */
static uint16_t find_target(const struct compose *c, const uint8_t *label, uint16_t parent)
{
	uint64_t key = label_key(label);
	unsigned slot = home_slot(key, parent);
	for (unsigned i = 0; i < COMPOSE_PROBES_MAX; i++, slot = (slot + 1) % COMPOSE_SLOTS) {
		if (c->slots[slot] == 0) {
			return 0;
		}
		const struct compose_target *t = &c->targets[c->slots[slot] - 1];
		if (t->key == key && t->parent == parent &&
		    (label[0] < 8 || fold_equal(label + 8, c->buf + t->offset + 8, label[0] - 7u))) {
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
		memset(c->slots, 0, sizeof(c->slots));
	}
	uint64_t key = label_key(c->buf + offset);
	unsigned slot = home_slot(key, parent);
	for (unsigned i = 0; i < COMPOSE_PROBES_MAX; i++, slot = (slot + 1) % COMPOSE_SLOTS) {
		if (c->slots[slot] == 0) {
			c->targets[c->target_count++] = (struct compose_target){
				.key = key, .offset = (uint16_t)offset, .parent = parent, .slot = (uint8_t)slot
			};
			c->slots[slot] = (uint8_t)c->target_count;
			return true;
		}
	}
	return false;
}

/* Back to `count` targets. The last come out first, so none is left behind a slot that became empty. */
static void forget_targets(struct compose *c, uint16_t count)
{
	while (c->target_count > count) {
		c->slots[c->targets[--c->target_count].slot] = 0;
	}
}

/* --- fields --- */

/*
 * Write a name, ending in a pointer where an equal suffix stands already. False: no room. *at: where the whole
 * name can be pointed at now, or 0.
 */
static bool put_name(struct compose *c, const uint8_t *name, uint16_t *at)
{
	size_t prefix;
	unsigned count = find_labels(name, c->name_at, &prefix);
	unsigned fresh = count; /* labels that do not stand in the message */
	uint16_t known = match_question(c, name, &fresh); /* where those behind them stand */
	while (fresh > 0 && c->target_count > 0) {
		uint16_t target = find_target(c, name + c->name_at[fresh - 1], known);
		if (target == 0) {
			break;
		}
		known = target;
		fresh--;
	}

	if (fresh < count) {
		prefix = c->name_at[fresh];
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

	bool reachable = true;
	for (unsigned i = fresh; i > 0 && reachable; i--) {
		size_t offset = start + c->name_at[i - 1];
		reachable = add_target(c, offset, known);
		known = (uint16_t)offset;
	}
	*at = reachable ? known : 0;
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

/* RDATA whose names may be compressed, with its length before it. False: no room. */
static bool put_compressed(struct compose *c, const uint8_t *fields, const uint8_t *rdata, size_t len)
{
	size_t pos = 0;
	size_t len_at = c->pos;
	bool fits = put_octets(c, (const uint8_t[2]){ 0, 0 }, 2);

	for (; fits && *fields != RDATA_END; fields++) {
		if (*fields != RDATA_NAME_COMPRESS) { /* these types have nothing else but fixed octets */
			fits = put_octets(c, rdata + pos, *fields);
			pos += *fields;
			continue;
		}
		uint16_t at;
		fits = put_name(c, rdata + pos, &at);
		pos += dname_len(rdata + pos);
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
	assert(limit >= UDP_SIZE_PLAIN && limit <= DNS_MESSAGE_MAX);
	assert(reserved <= EDNS_RESERVE_MAX); /* question always fits: 12 + 255 + 4 + 219 < 512 */
	c->buf = buf;
	c->pos = DNS_HEADER_SIZE;
	c->limit = limit - reserved;
	c->reserved = reserved;
	memset(c->counts, 0, sizeof(c->counts));
	c->target_count = 0;
	c->question_labels = 0;
	c->has_name = qname != NULL && !dname_is_root(qname);
	put_u16(buf, id);
	put_u16(buf + 2, flags);

	if (qname != NULL) { /* at most 12 + 255 + 4 octets: fits, see above */
		size_t len = dname_len(qname);
		uint8_t *p = buf + COMPOSE_QNAME;
		memcpy(p, qname, len);
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
	set->owner_at = dname_is_root(owner) ? 0 : owner_at; /* the root is shorter than a pointer to it */
	put_u16(set->head, (uint16_t)(0xc000 | owner_at));
	put_u16(set->head + 2, type);
	put_u16(set->head + 4, rr_class);
	put_u32(set->head + 6, ttl);
}

/* What stands before the length of RDATA. *owner_at: where the owner can be pointed at by the next record. */
static bool put_head(struct compose *c, const struct compose_rrset *set, uint16_t *owner_at)
{
	if (set->owner_at != 0) {
		*owner_at = set->owner_at;
		return put_octets(c, set->head, sizeof(set->head));
	}
	return put_name(c, set->owner, owner_at) && put_octets(c, set->head + 2, sizeof(set->head) - 2);
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
	    !(set->fields == NULL ? put_plain(c, rdata, rdata_len) : put_compressed(c, set->fields, rdata, rdata_len))) {
		c->pos = pos;
		forget_targets(c, target_count);
		return BH_ENOSPC;
	}
	if (owner_at != set->owner_at) {
		set->owner_at = owner_at;
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

struct compose_mark compose_mark(const struct compose *c)
{
	struct compose_mark mark = { .pos = c->pos, .target_count = c->target_count };
	memcpy(mark.counts, c->counts, sizeof(mark.counts));
	return mark;
}

void compose_rollback(struct compose *c, const struct compose_mark *mark)
{
	c->pos = mark->pos;
	forget_targets(c, mark->target_count);
	memcpy(c->counts, mark->counts, sizeof(c->counts));
}

void compose_flags(struct compose *c, uint16_t clear, uint16_t set)
{
	put_u16(c->buf + 2, (uint16_t)((get_u16(c->buf + 2) & ~clear) | set));
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
