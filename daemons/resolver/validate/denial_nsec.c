/*
 * What NSEC records say about a name (RFC 4034 4, RFC 4035 5.4, RFC 6840 4).
 *
 * Names are in canonical order (RFC 4034 6.1), in which a name comes before all that is below it. So between owner
 * and next name of a record nothing exists, but empty non-terminals above the next name.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/denial_chain.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"

struct nsec {
	const uint8_t *owner;
	const uint8_t *next;
	struct typemap types;
	bool last; /* next is the apex: nothing comes behind the owner (RFC 4034 4.1.1) */
};

struct chain {
	struct nsec records[DENIAL_SETS_MAX];
	unsigned count;
};

static bool nsec_parse(const struct denial *d, const struct rrset *set, struct nsec *out)
{
	if (!denial_set_is_plain(d, set, RR_NSEC)) {
		return false;
	}
	uint16_t len;
	const uint8_t *rdata = rrset_rdata(set, 0, &len);
	int next_len = dname_check(rdata, len);
	if (next_len < 0 || typemap_parse(rdata + next_len, len - (size_t)next_len, &out->types) < 0) {
		return false;
	}
	out->owner = set->owner;
	out->next = rdata;
	out->last = dname_equal(out->next, d->zone);
	/*
	 * A next name that is in another zone would deny what the zone does not own (CVE-2026-13321). One that is not
	 * behind the owner is the apex, or else nonsense that would cover everything. RFC 4034 4.1.2: at least one type.
	 */
	return out->types.len > 0 && dname_is_under(out->next, d->zone) &&
	       (out->last || dname_compare(out->owner, out->next) < 0);
}

static void collect(const struct denial *d, struct chain *chain)
{
	chain->count = 0;
	for (unsigned i = 0; i < d->count && chain->count < DENIAL_SETS_MAX; i++) {
		if (nsec_parse(d, d->sets[i], &chain->records[chain->count])) {
			chain->count++;
		}
	}
}

/* name stands between owner and next name, and the record may speak about it. */
static bool spans(const struct nsec *nsec, const uint8_t *name)
{
	if (dname_compare(nsec->owner, name) >= 0 || (!nsec->last && dname_compare(name, nsec->next) >= 0)) {
		return false;
	}
	/* RFC 6840 4.1: an ancestor's record says nothing about what it delegated or redirected. */
	return !dname_is_under(name, nsec->owner) || !denial_types_end_zone(&nsec->types);
}

/* Of records that contradict each other those count that have seen the name: they prove less. */
static enum presence presence(const struct chain *chain, const uint8_t *name, struct typemap *types)
{
	enum presence found = PRESENCE_UNKNOWN;
	for (unsigned i = 0; i < chain->count; i++) {
		const struct nsec *nsec = &chain->records[i];
		if (dname_equal(nsec->owner, name)) {
			*types = nsec->types;
			return PRESENCE_THERE;
		}
		if (spans(nsec, name)) {
			if (dname_is_under(nsec->next, name)) {
				*types = (struct typemap){ 0 }; /* an empty non-terminal: what is above a name exists */
				return PRESENCE_THERE;
			}
			found = PRESENCE_ABSENT;
		}
	}
	return found;
}

/*
 * The closest encloser of a name that nsec shows to be absent: both neighbours exist with all above them, and whatever else
 * exists is farther away in the order. So no other record may be asked for it.
 */
static const uint8_t *closest_encloser(const struct nsec *nsec, const uint8_t *name)
{
	unsigned with_owner = dname_shared_labels(nsec->owner, name);
	unsigned with_next = dname_shared_labels(nsec->next, name);
	unsigned labels = with_owner > with_next ? with_owner : with_next;
	return dname_skip_labels(name, dname_label_count(name) - labels);
}

void denial_nsec_find(const struct denial *d, const uint8_t *name, struct finding *out)
{
	struct chain chain;
	collect(d, &chain);
	out->name = presence(&chain, name, &out->types);
	if (out->name != PRESENCE_ABSENT) {
		return;
	}
	for (unsigned i = 0; i < chain.count && out->wildcard == PRESENCE_UNKNOWN; i++) {
		if (spans(&chain.records[i], name)) {
			uint8_t wildcard[DNAME_MAX];
			denial_wildcard_name(closest_encloser(&chain.records[i], name), wildcard);
			out->wildcard = presence(&chain, wildcard, &out->wildcard_types);
		}
	}
}
