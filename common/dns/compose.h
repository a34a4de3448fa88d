/*
 * Composing a message: header, question, records with name compression, OPT.
 *
 * The buffer is the caller's. Room for the OPT record is set aside at the beginning, so it always
 * fits. A record that does not fit changes nothing and reports BH_ENOSPC; compose_mark and
 * compose_rollback take back a whole RRset. What to do then (TC, or leave it out) is the caller's.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_COMPOSE_H
#define BULKHEAD_COMMON_DNS_COMPOSE_H

#include "common/dns/edns.h"
#include "common/dns/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum section { SECTION_QUESTION, SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

/* One label that stands in the message behind the question and can be pointed at. */
struct compose_target {
	uint64_t key;	 /* its length octet and first seven octets, letters folded */
	uint16_t offset;
	uint16_t parent; /* offset of the rest of the name, 0 for the root */
	uint8_t slot;	 /* where the table has it */
};

/* Twice the targets, and the numbers of a slot are one octet. */
#define COMPOSE_SLOTS 256

struct compose {
	uint8_t *buf;
	size_t pos;
	size_t limit;	   /* records must end before here */
	size_t reserved;   /* octets behind limit kept for OPT */
	uint16_t counts[4];
	uint16_t target_count;
	uint8_t question_len;		   /* octets of QNAME; 0: no question */
	bool exact; /* names differ by their case, too; for the caller to set behind compose_begin */
	bool question_known;		   /* question_starts is filled in: when it is needed first */
	uint64_t question_starts[4];	   /* bit n: a label of QNAME begins n octets behind its beginning */
	uint8_t name_at[DNAME_LABELS_MAX]; /* where the labels begin of the name that is being written */
	uint64_t slots_taken[COMPOSE_SLOTS / 64]; /* bit n: slot n has a target; means nothing without targets */
	uint8_t slots[COMPOSE_SLOTS];
	struct compose_target targets[COMPOSE_TARGETS_MAX];
};

struct compose_mark {
	size_t pos;
	uint16_t counts[4];
	uint16_t target_count;
};

/* Header and the longest question. */
#define COMPOSE_QUESTION_MAX (DNS_HEADER_SIZE + DNAME_MAX + 4)

/*
 * Begin a message in buf. limit: largest size of the whole message, at most DNS_MESSAGE_MAX; reserved: octets of
 * it kept for OPT (edns_size), 0 for none. At least COMPOSE_QUESTION_MAX must be left. qname NULL: no
 * question section. flags is the whole second header word with the low four bits of the RCODE.
 */
void compose_begin(struct compose *c, uint8_t *buf, size_t limit, size_t reserved, uint16_t id,
		   uint16_t flags, const uint8_t *qname, uint16_t qtype, uint16_t qclass);

/*
 * Append one record. Sections must not go backwards. rdata is uncompressed and valid for its type
 * (rdata_is_valid); names in it are compressed where RFC 3597 4 allows it. BH_ENOSPC: nothing done.
 */
int compose_rr(struct compose *c, enum section section, const uint8_t *owner, uint16_t type,
	       uint16_t rr_class, uint32_t ttl, const uint8_t *rdata, size_t rdata_len) BH_CHECKED;

/*
 * What the caller knows of the names in RDATA: their first fresh[i] octets are followed by a name that stands at
 * `at` (0: it does not). COMPOSE_UNKNOWN: of this one nothing is known.
 */
#define COMPOSE_UNKNOWN UINT8_MAX
struct compose_known {
	uint16_t at;
	uint8_t fresh[2];
};

/* An RRset that is being appended. */
struct compose_rrset {
	const uint8_t *owner;
	const uint8_t *fields; /* of RDATA with names to compress, else NULL */
	enum section section;
	uint8_t owner_fresh; /* octets of the owner in front of what stands at owner_at; 0: all of it stands there */
	const struct compose_known *names; /* of names in RDATA, or NULL */
	uint16_t owner_at;
	uint16_t name_at; /* where the name in RDATA of the last record can be pointed at, or 0 */
	uint8_t head[10]; /* pointer to the owner, type, class, TTL */
};

/*
 * Begin an RRset, whose records compose_rrset_add appends one by one; other records wait until it is done.
 * owner_at: where in the message this very name stands (COMPOSE_QNAME: it is QNAME), or 0 when nobody knows.
 */
#define COMPOSE_QNAME DNS_HEADER_SIZE
void compose_rrset_begin(struct compose_rrset *set, enum section section, const uint8_t *owner, uint16_t owner_at,
			 uint16_t type, uint16_t rr_class, uint32_t ttl);

/*
 * At once behind it: owner_at, which is not 0, is where the rest of the owner stands behind its first `fresh` octets,
 * whole labels (0: all of it stands there). They are not looked for, and later names do not find them.
 */
static inline void compose_rrset_below(struct compose_rrset *set, uint8_t fresh)
{
	set->owner_fresh = fresh;
}

/* At once behind it: names in RDATA of the records of this RRset, of a type with two at most. */
static inline void compose_rrset_names(struct compose_rrset *set, const struct compose_known *names)
{
	set->names = names;
}

/* As compose_rr. BH_ENOSPC: nothing of this record was done. */
int compose_rrset_add(struct compose *c, struct compose_rrset *set, const uint8_t *rdata, size_t rdata_len) BH_CHECKED;

/*
 * Forget all labels that could be pointed at but the first `count`, and QNAME: room for those of the names
 * that come next.
 */
void compose_forget(struct compose *c, unsigned count);

/* Where the message is now, and back to there: what was written since is gone, and no pointer leads into it. */
static inline struct compose_mark compose_mark(const struct compose *c)
{
	struct compose_mark mark = { .pos = c->pos, .target_count = c->target_count };
	__builtin_memcpy(mark.counts, c->counts, sizeof(mark.counts));
	return mark;
}

void compose_rollback(struct compose *c, const struct compose_mark *mark);

/* Change bits of the second header word: out with `clear`, in with `set`. */
static inline void compose_flags(struct compose *c, uint16_t clear, uint16_t set)
{
	put_u16(c->buf + 2, (uint16_t)((get_u16(c->buf + 2) & ~clear) | set));
}

/*
 * Write OPT (NULL: none; edns_size must not exceed what was reserved) and the counts. The RCODE of
 * edns, or else the one already there, is in the header. Returns the octets of the message.
 */
size_t compose_finish(struct compose *c, const struct edns_reply *edns);

#endif
