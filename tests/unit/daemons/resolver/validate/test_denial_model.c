/*
 * Small random zones, their NSEC and NSEC3 chains made by the book, and every question about every name asked with
 * every choice of up to three records: what is proved is true, and what is true is proved by the whole chain.
 *
 * The zone is a list of names with types; what exists in it is found by looking through that list, without orders,
 * hashes or intervals. So nothing here is shared with what is tested but the names' wire form and the hash itself.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/validate/chains.h"

#include "common/dns/base32hex.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/validate/denial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH = 3, NAMES = 1 + 3 + 9 + 27, RECORDS_MAX = 12, ZONES = 24 };

enum { A = 1, MX = 2, CNAME = 4, NS = 8, DS = 16, DNAME = 32, SOA = 64, NO_NAME = -1 };

struct name {
	unsigned depth;
	char labels[DEPTH]; /* from the apex downwards */
};

struct zone {
	bool root; /* the zone is "." and not "z." */
	int types[NAMES];	/* of what was put into it; NO_NAME */
	struct name names[NAMES]; /* all there could be, the apex first */
};

static uint32_t state;

static uint32_t pick(uint32_t bound)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % bound;
}

static bool is_under(const struct name *name, const struct name *above)
{
	return name->depth >= above->depth && memcmp(name->labels, above->labels, above->depth) == 0;
}

static void list_names(struct name names[NAMES])
{
	static const char labels[] = { 'a', 'b', '*' };
	unsigned count = 1;
	names[0] = (struct name){ 0 };
	for (unsigned from = 0; names[from].depth < DEPTH; from++) {
		for (unsigned i = 0; i < 3; i++) {
			names[count] = names[from];
			names[count].labels[names[count].depth++] = labels[i];
			count++;
		}
	}
	cr_assert_eq(count, (unsigned)NAMES);
}

/* --- truth ------------------------------------------------------------------------------------------ */

/* Types of a name: 0 for an empty non-terminal, NO_NAME. */
static int types_of(const struct zone *zone, const struct name *name)
{
	int found = NO_NAME;
	for (unsigned i = 0; i < NAMES; i++) {
		if (zone->types[i] != NO_NAME && is_under(&zone->names[i], name)) {
			if (zone->names[i].depth == name->depth) {
				return zone->types[i];
			}
			found = 0;
		}
	}
	return found;
}

static bool ends_zone(int types)
{
	return types > 0 && (((types & NS) && !(types & SOA)) || (types & DNAME));
}

struct truth {
	bool below_the_end; /* of the zone: it says nothing */
	int types;
	int wildcard; /* types of that at the closest encloser */
};

static struct truth look_up(const struct zone *zone, const struct name *name)
{
	struct truth t = { .types = NO_NAME, .wildcard = NO_NAME };
	struct name at = *name;
	for (at.depth = 0; at.depth <= name->depth; at.depth++) {
		int types = types_of(zone, &at);
		if (types == NO_NAME) {
			struct name wildcard = at;
			wildcard.labels[at.depth - 1] = '*';
			t.wildcard = types_of(zone, &wildcard);
			return t;
		}
		if (at.depth == name->depth) {
			t.types = types;
		} else if (ends_zone(types)) {
			t.below_the_end = true;
			return t;
		}
	}
	return t;
}

/* opt_out: names that the chain does not have may be unsigned delegations. */
static enum denial_verdict true_name_error(const struct truth *t, bool opt_out)
{
	if (t->below_the_end || t->types != NO_NAME || t->wildcard != NO_NAME) {
		return DENIAL_NOT_PROVEN;
	}
	return opt_out ? DENIAL_INSECURE : DENIAL_PROVEN;
}

static const struct {
	uint16_t type;
	int bit;
} asked[] = { { RR_A, A }, { RR_MX, MX }, { RR_DS, DS }, { RR_ANY, A | MX | CNAME | NS | DS | DNAME | SOA } };

static enum denial_verdict true_nodata(const struct zone *zone, const struct truth *t, const struct name *name,
				       unsigned what, bool opt_out)
{
	const int no_data = asked[what].bit | CNAME;
	if (t->below_the_end || (asked[what].bit == DS && name->depth == 0 && !zone->root)) {
		return DENIAL_NOT_PROVEN;
	}
	if (t->types != NO_NAME) {
		bool other_side = asked[what].bit != DS && (t->types & NS) && !(t->types & SOA);
		return (t->types & no_data) == 0 && !other_side ? DENIAL_PROVEN : DENIAL_NOT_PROVEN;
	}
	if (opt_out) {
		return DENIAL_INSECURE;
	}
	return t->wildcard != NO_NAME && (t->wildcard & (no_data | NS)) == 0 ? DENIAL_PROVEN : DENIAL_NOT_PROVEN;
}

static enum denial_ds true_ds(const struct truth *t, bool opt_out)
{
	if (t->below_the_end || (t->types != NO_NAME && (t->types & (DS | SOA)))) {
		return DENIAL_DS_NOT_PROVEN;
	}
	if (t->types != NO_NAME) {
		return t->types & NS ? DENIAL_DS_INSECURE : DENIAL_DS_NO_CUT;
	}
	if (opt_out) {
		return DENIAL_DS_INSECURE;
	}
	if (t->wildcard == NO_NAME) {
		return DENIAL_DS_NO_NAME;
	}
	return t->wildcard & NS ? DENIAL_DS_NOT_PROVEN : DENIAL_DS_NO_CUT;
}

/* --- zones and chains ------------------------------------------------------------------------------- */

static void make_zone(struct zone *zone)
{
	static const int kinds[] = { A, A, MX, A | MX, CNAME, NS, NS, NS | DS, DNAME, A | DNAME };
	list_names(zone->names);
	zone->root = pick(4) == 0;
	for (unsigned i = 0; i < NAMES; i++) {
		zone->types[i] = NO_NAME;
	}
	zone->types[0] = NS | SOA | (pick(16) == 0 ? DNAME : 0);
	for (unsigned left = pick(6); left > 0; left--) {
		zone->types[1 + pick(NAMES - 1)] = kinds[pick(COUNT(kinds))];
	}
	for (unsigned i = 0; i < NAMES; i++) { /* what a delegation or a DNAME hides is not the zone's */
		for (unsigned j = 0; j < NAMES; j++) {
			if (i != j && is_under(&zone->names[i], &zone->names[j]) && ends_zone(zone->types[j])) {
				zone->types[i] = NO_NAME;
			}
		}
	}
}

static void to_wire(const struct zone *zone, const struct name *name, uint8_t out[DNAME_MAX])
{
	size_t len = 0;
	for (unsigned i = name->depth; i-- > 0;) {
		out[len++] = 1;
		out[len++] = (uint8_t)(name->labels[i] == '*' || pick(2) ? name->labels[i] : name->labels[i] - 32);
	}
	if (!zone->root) {
		out[len++] = 1;
		out[len++] = pick(2) ? 'z' : 'Z';
	}
	out[len] = 0;
}

static const char *type_words(int types, bool nsec)
{
	static char text[64];
	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s%s%s", types & A ? "A " : "", types & MX ? "MX " : "",
		 types & CNAME ? "CNAME " : "", types & NS ? "NS " : "", types & DS ? "DS " : "",
		 types & DNAME ? "DNAME " : "", types & SOA ? "SOA " : "",
		 nsec || (types & ~NS) != 0 ? "RRSIG " : "", nsec ? "NSEC" : "");
	return text;
}

struct link {
	struct name name;
	int types;
	uint8_t hash[NSEC3_HASH_SIZE];
};

/* RFC 4034 6.1: label by label from the root; what has no more labels comes first. */
static int by_name(const void *a, const void *b)
{
	const struct name *x = &((const struct link *)a)->name;
	const struct name *y = &((const struct link *)b)->name;
	for (unsigned i = 0; i < x->depth && i < y->depth; i++) {
		if (x->labels[i] != y->labels[i]) {
			return x->labels[i] - y->labels[i];
		}
	}
	return (int)x->depth - (int)y->depth;
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(((const struct link *)a)->hash, ((const struct link *)b)->hash, NSEC3_HASH_SIZE);
}

struct chain {
	const struct rrset *sets[RECORDS_MAX];
	unsigned count;
};

static bool make_nsec(const struct zone *zone, struct region *region, struct chain *chain)
{
	struct link links[NAMES];
	unsigned count = 0;
	for (unsigned i = 0; i < NAMES; i++) {
		if (zone->types[i] != NO_NAME) {
			links[count++] = (struct link){ .name = zone->names[i], .types = zone->types[i] };
		}
	}
	if (count > RECORDS_MAX) {
		return false;
	}
	qsort(links, count, sizeof(links[0]), by_name);
	for (unsigned i = 0; i < count; i++) {
		uint8_t owner[DNAME_MAX];
		uint8_t rdata[DNAME_MAX + 512];
		to_wire(zone, &links[i].name, owner);
		to_wire(zone, &links[(i + 1) % count].name, rdata);
		size_t len = dname_len(rdata);
		len += chains_types(type_words(links[i].types, true), rdata + len);
		chain->sets[i] = chains_set(region, owner, RR_NSEC, rdata, len,
					    dname_label_count(owner) - dname_is_wildcard(owner));
	}
	chain->count = count;
	return true;
}

static bool make_nsec3(const struct zone *zone, struct region *region, struct nsec3_hasher *hasher,
		       const struct chains_parameters *p, struct chain *chain)
{
	struct link links[NAMES];
	unsigned count = 0;
	for (unsigned i = 0; i < NAMES; i++) {
		int types = types_of(zone, &zone->names[i]); /* empty non-terminals have records (RFC 5155 7.1) */
		if (types != NO_NAME) {
			uint8_t wire[DNAME_MAX];
			links[count] = (struct link){ .name = zone->names[i], .types = types };
			to_wire(zone, &zone->names[i], wire);
			cr_assert_eq(nsec3_hash(hasher, wire, p->salt, p->salt_len, p->iterations, links[count].hash), BH_OK);
			count++;
		}
	}
	if (count > RECORDS_MAX) {
		return false;
	}
	qsort(links, count, sizeof(links[0]), by_hash);
	for (unsigned i = 0; i < count; i++) {
		char owner[33] = { 0 };
		char next[33] = { 0 };
		base32hex_encode(links[i].hash, NSEC3_HASH_SIZE, (uint8_t *)owner);
		base32hex_encode(links[(i + 1) % count].hash, NSEC3_HASH_SIZE, (uint8_t *)next);
		chain->sets[i] = chains_nsec3(region, owner, zone->root ? "." : "z.", p, next,
					      type_words(links[i].types, false));
	}
	chain->count = count;
	return true;
}

/* --- every question with every choice of records ----------------------------------------------------- */

static unsigned long proved;

/* found is what some records say, expected is the truth; all of them have to find it out. */
static bool fits(int found, int expected, bool all)
{
	proved += found != 0;
	return found == expected || (!all && found == 0 /* not proven */);
}

static void question(const struct zone *zone, const struct denial *d, const struct name *name, bool opt_out, bool all)
{
	uint8_t wire[DNAME_MAX];
	char text[DNAME_TEXT_MAX];
	const struct truth t = look_up(zone, name);
	const unsigned above = zone->root ? 0 : 1;
	to_wire(zone, name, wire);
	dname_text(wire, text);
	*d->hashes = 1000;

	int expected = (int)true_name_error(&t, opt_out);
	int found = (int)denial_name_error(d, wire);
	cr_assert(fits(found, expected, all), "name error %s: %d, not %d", text, found, expected);

	expected = name->depth == 0 ? (int)DENIAL_DS_NOT_PROVEN : (int)true_ds(&t, opt_out);
	found = (int)denial_ds(d, wire);
	cr_assert(fits(found, expected, all), "cut %s: %d, not %d", text, found, expected);

	for (unsigned i = 0; i < COUNT(asked); i++) {
		expected = (int)true_nodata(zone, &t, name, i, opt_out);
		found = (int)denial_nodata(d, wire, asked[i].type);
		cr_assert(fits(found, expected, all), "NODATA %s %u: %d, not %d", text, asked[i].type, found, expected);
	}
	for (unsigned labels = 0; labels < name->depth; labels++) {
		struct name wildcard = *name; /* an expansion is of a wildcard that the zone has, and signs */
		wildcard.labels[labels] = '*';
		wildcard.depth = labels + 1;
		struct truth at = look_up(zone, &wildcard);
		if (at.below_the_end || at.types <= 0 || (wildcard.depth == name->depth && is_under(name, &wildcard))) {
			continue;
		}
		struct name next_closer = *name;
		next_closer.depth = labels + 1;
		bool there = types_of(zone, &next_closer) != NO_NAME;
		expected = (int)(there ? DENIAL_NOT_PROVEN : opt_out ? DENIAL_INSECURE : DENIAL_PROVEN);
		found = (int)denial_wildcard(d, wire, labels + above);
		cr_assert(fits(found, expected, all), "wildcard %s %u: %d, not %d", text, labels, found, expected);
	}
}

static void question_all(const struct zone *zone, struct denial *d, const struct rrset *const *sets, unsigned count,
			 bool opt_out, bool all)
{
	d->sets = sets;
	d->count = count;
	for (unsigned i = 0; i < NAMES; i++) {
		question(zone, d, &zone->names[i], opt_out, all);
	}
}

static void question_chain(const struct zone *zone, struct nsec3_hasher *hasher, const struct chain *chain, bool opt_out)
{
	const struct rrset *some[3];
	uint32_t hashes;
	struct denial d = { .zone = (const uint8_t *)(zone->root ? "" : "\001z"), .hasher = hasher, .hashes = &hashes };
	question_all(zone, &d, chain->sets, chain->count, opt_out, true);
	for (unsigned i = 0; i < chain->count; i++) {
		some[0] = chain->sets[i];
		question_all(zone, &d, some, 1, opt_out, false);
		for (unsigned j = 0; j < i; j++) {
			some[1] = chain->sets[j];
			question_all(zone, &d, some, 2, opt_out, false);
			for (unsigned k = 0; k < j; k++) {
				some[2] = chain->sets[k];
				question_all(zone, &d, some, 3, opt_out, false);
			}
		}
	}
}

enum kind { NSEC, NSEC3, OPT_OUT };

static void run(enum kind kind, uint32_t seed)
{
	static const uint8_t salt[] = { 0xc0, 0xff, 0xee };
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	struct region region;
	unsigned zones = 0;
	cr_assert_not_null(hasher);
	region_init(&region, 65536, 16u << 20);
	state = seed;
	while (zones < ZONES) {
		struct zone zone;
		struct chain chain;
		struct chains_parameters p = { .flags = kind == OPT_OUT, .iterations = (uint16_t)pick(2),
					       .salt_len = (uint8_t)pick(sizeof(salt)), .salt = salt };
		make_zone(&zone);
		for (unsigned i = 0; kind == OPT_OUT && i < NAMES; i++) {
			if (zone.types[i] == NS) {
				zone.types[i] = NO_NAME; /* RFC 5155 6: what opt-out leaves out, the chain does not know */
			}
		}
		if (kind == NSEC ? make_nsec(&zone, &region, &chain) : make_nsec3(&zone, &region, hasher, &p, &chain)) {
			question_chain(&zone, hasher, &chain, kind == OPT_OUT);
			zones++;
		}
		region_reset(&region);
	}
	cr_assert_gt(proved, 1000ul); /* the questions had answers */
	region_clear(&region);
	nsec3_hasher_free(hasher);
}

Test(denial_model, nsec_proves_what_is_true_and_nothing_else)
{
	run(NSEC, 1);
}

Test(denial_model, nsec3_proves_what_is_true_and_nothing_else)
{
	run(NSEC3, 2);
}

Test(denial_model, opt_out_leaves_open_what_it_does_not_know)
{
	run(OPT_OUT, 3);
}
