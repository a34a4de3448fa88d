/*
 * Composing messages, and the table of compression targets.
 *
 * The table is a trie in an array: each entry is one label in the message and knows the entry of
 * the labels to its right. A name is matched from the right, one label at a time.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/compose.h"

#include "common/dns/dname.h"
#include "common/dns/query.h"

#include <assert.h>
#include <string.h>

static bool label_matches(const uint8_t *a, const uint8_t *b)
{
	if (a[0] != b[0]) {
		return false;
	}
	for (unsigned i = 1; i <= a[0]; i++) {
		if (dname_fold(a[i]) != dname_fold(b[i])) {
			return false;
		}
	}
	return true;
}

/*
 * Target of `label` in front of target `parent`, or COMPOSE_ROOT. Targets stand behind their parents, so
 * all look-ups for one name together go over the table once, however long the name.
 */
static uint16_t find_target(const struct compose *c, const uint8_t *label, uint16_t parent)
{
	for (uint16_t i = parent == COMPOSE_ROOT ? 0 : (uint16_t)(parent + 1); i < c->target_count; i++) {
		if (c->targets[i].parent == parent && label_matches(c->buf + c->targets[i].offset, label)) {
			return i;
		}
	}
	return COMPOSE_ROOT;
}

/*
 * Remember the first `count` labels of a name that was just written at offset, right to left. at[]: where
 * each label begins in the name.
 */
static void add_targets(struct compose *c, const uint8_t *at, unsigned count, size_t offset, uint16_t parent)
{
	while (count-- > 0) {
		size_t target = offset + at[count];
		if (target >= 0x4000 || c->target_count == COMPOSE_TARGETS_MAX) {
			return; /* a pointer has 14 bits, RFC 1035 4.1.4 */
		}
		c->targets[c->target_count] = (struct compose_target){ (uint16_t)target, parent };
		parent = c->target_count++;
	}
}

/* Write a name at s, ending in a pointer where an equal suffix stands already. */
static void write_name(struct compose *c, struct sink *s, const uint8_t *name)
{
	uint8_t at[DNAME_LABELS_MAX]; /* octets, not pointers: compilers may clear it for every name */
	unsigned count = 0;
	size_t end = 0; /* of the labels, where the root stands */
	for (; name[end] != 0; end += (size_t)name[end] + 1) {
		at[count++] = (uint8_t)end;
	}

	uint16_t known = COMPOSE_ROOT; /* target of the labels from `fresh` on */
	unsigned fresh = count;
	while (fresh > 0) {
		uint16_t target = find_target(c, name + at[fresh - 1], known);
		if (target == COMPOSE_ROOT) {
			break;
		}
		known = target;
		fresh--;
	}

	size_t start = s->pos;
	sink_bytes(s, name, fresh < count ? at[fresh] : end);
	if (known == COMPOSE_ROOT) {
		sink_u8(s, 0);
	} else {
		sink_u16(s, (uint16_t)(0xc000 | c->targets[known].offset));
	}
	if (!s->failed) {
		add_targets(c, at, fresh, start, known);
	}
}

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
	put_u16(buf, id);
	put_u16(buf + 2, flags);

	if (qname != NULL) { /* at most 12 + 255 + 4 octets: fits, see above */
		struct sink s = sink_of(buf, limit);
		s.pos = c->pos;
		write_name(c, &s, qname);
		sink_u16(&s, qtype);
		sink_u16(&s, qclass);
		c->pos = s.pos;
		c->counts[SECTION_QUESTION] = 1;
	}
}

/* RDATA with its names written through the compression table. */
static void write_rdata(struct compose *c, struct sink *s, uint16_t type, const uint8_t *rdata, size_t len)
{
	size_t pos = 0;
	for (const uint8_t *field = rdata_fields(type); *field != RDATA_END; field++) {
		size_t size;
		switch (*field) {
		case RDATA_NAME_COMPRESS:
			size = dname_len(rdata + pos);
			write_name(c, s, rdata + pos);
			break;
		case RDATA_NAME: /* in full; and nobody may point into it (RFC 3597 4) */
			size = dname_len(rdata + pos);
			sink_bytes(s, rdata + pos, size);
			break;
		case RDATA_STRING:
			size = (size_t)rdata[pos] + 1;
			sink_bytes(s, rdata + pos, size);
			break;
		default:
			size = *field;
			sink_bytes(s, rdata + pos, size);
			break;
		}
		pos += size;
	}
	sink_bytes(s, rdata + pos, len - pos);
}

int compose_rr(struct compose *c, enum section section, const uint8_t *owner, uint16_t type,
	       uint16_t rr_class, uint32_t ttl, const uint8_t *rdata, size_t rdata_len)
{
	struct compose_mark mark = compose_mark(c);
	struct sink s = sink_of(c->buf, c->limit);
	s.pos = c->pos;

	write_name(c, &s, owner);
	sink_u16(&s, type);
	sink_u16(&s, rr_class);
	sink_u32(&s, ttl);
	size_t len_at = s.pos;
	sink_u16(&s, 0);
	write_rdata(c, &s, type, rdata, rdata_len);
	if (s.failed) {
		compose_rollback(c, &mark);
		return BH_ENOSPC;
	}
	put_u16(c->buf + len_at, (uint16_t)(s.pos - len_at - 2));
	c->pos = s.pos;
	c->counts[section]++;
	return BH_OK;
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
	c->target_count = mark->target_count;
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
