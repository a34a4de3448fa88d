/*
 * Gathering anchors. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/gather.h"

#include "common/dns/anchor.h"
#include "common/dns/rr.h"
#include "common/util/log.h"
#include "daemons/resolver/validate/track.h"

static bool is_stub(const struct gather *from, const uint8_t *zone)
{
	for (size_t i = 0; i < from->stub_count; i++) {
		if (!dname_is_root(from->stubs[i].name) && dname_is_under(zone, from->stubs[i].name)) {
			return true;
		}
	}
	return false;
}

/* Does the chain of trust reach this stub zone by the operator's word? */
static bool is_given_trust(const struct gather *from, const struct anchors *anchors, const uint8_t *stub)
{
	struct anchor anchor;
	anchors_find_trust(anchors, stub, &anchor);
	return anchor.kind == ANCHOR_TRUST && (is_stub(from, anchor.zone) || dname_is_root(stub));
}

/* Is what the operator said of a key undone by the key itself? */
static bool is_revoked(const struct gather *from, const struct ipc_anchor *a)
{
	for (size_t i = 0; i < from->state_count; i++) {
		const struct ipc_anchor_state *state = &from->states[i];
		for (unsigned k = 0; k < state->count && dname_equal(state->zone, a->zone); k++) {
			const struct ipc_anchor_key *key = &state->keys[k];
			if ((key->state == IPC_KEY_REVOKED || key->state == IPC_KEY_REMOVED) &&
			    track_speaks_of(from->dnssec, a, key->rdata, key->len)) {
				return true;
			}
		}
	}
	return false;
}

int gather_anchors(const struct gather *from, struct anchors **out)
{
	struct anchors *anchors = anchors_new();
	int rc = anchors == NULL ? BH_ENOMEM : BH_OK;
	for (size_t i = 0; i < from->anchor_count && rc == BH_OK; i++) {
		const struct ipc_anchor *a = &from->anchors[i];
		rc = is_revoked(from, a) ? anchors_add_unusable(anchors, a->zone)
					 : anchors_add(anchors, a->zone, a->type, a->rdata, a->len);
	}
	for (size_t i = 0; i < from->state_count && rc == BH_OK; i++) {
		const struct ipc_anchor_state *state = &from->states[i];
		for (unsigned k = 0; k < state->count && rc == BH_OK; k++) {
			const struct ipc_anchor_key *key = &state->keys[k];
			if (rfc5011_is_trusted(key)) {
				rc = anchors_add(anchors, state->zone, RR_DNSKEY, key->rdata, key->len);
			}
		}
	}
	for (size_t i = 0; i < from->stub_count && rc == BH_OK; i++) {
		if (!is_given_trust(from, anchors, from->stubs[i].name)) {
			rc = anchors_add_negative(anchors, from->stubs[i].name, UINT64_MAX);
		}
	}
	/* What is for a time first: what is for ever at the same name outlasts it. */
	for (size_t i = 0; i < from->timed_count && rc == BH_OK; i++) {
		rc = anchors_add_negative(anchors, from->timed[i].zone, from->timed[i].until_ms);
	}
	for (size_t i = 0; i < from->insecure_count && rc == BH_OK; i++) {
		rc = anchors_add_negative(anchors, from->insecure[i].zone, UINT64_MAX);
	}
	if (rc != BH_OK) {
		anchors_free(anchors);
		return rc;
	}
	*out = anchors;
	return BH_OK;
}

/* NULL: it is of use here. */
static const char *why_unusable(const struct ipc_anchor *a, const struct dnssec *dnssec)
{
	const char *fault = anchor_fault(a->type, a->rdata, a->len);
	if (fault != NULL) {
		return fault;
	}
	uint8_t algorithm = a->type == RR_DS ? a->rdata[2] : a->rdata[3];
	if (!dnssec_has_algorithm(dnssec, algorithm)) {
		return "its algorithm is not known here, or not wanted";
	}
	if (a->type == RR_DS && !dnssec_has_digest(dnssec, a->rdata[3])) {
		return "its digest type is not known here";
	}
	return NULL;
}

static bool has_usable(const struct gather *from, const uint8_t *zone, const struct dnssec *dnssec)
{
	for (size_t i = 0; i < from->anchor_count; i++) {
		if (dname_equal(from->anchors[i].zone, zone) && why_unusable(&from->anchors[i], dnssec) == NULL) {
			return true;
		}
	}
	return false;
}

unsigned gather_complain(const struct gather *from, const struct dnssec *dnssec)
{
	unsigned bogus = 0;
	for (size_t i = 0; i < from->anchor_count; i++) {
		const struct ipc_anchor *a = &from->anchors[i];
		const char *why = why_unusable(a, dnssec);
		char zone[DNAME_TEXT_MAX];
		char type[RR_TYPE_TEXT_MAX];
		if (why == NULL) {
			continue;
		}
		bool other = has_usable(from, a->zone, dnssec);
		bool first = true; /* of its zone, so that the zone is counted once */
		for (size_t k = 0; k < i; k++) {
			first = first && !dname_equal(from->anchors[k].zone, a->zone);
		}
		log_warn("trust anchor cannot be used zone=%s type=%s: %s%s", dname_text(a->zone, zone),
			 rr_type_text(a->type, type), why, other ? "" : "; without another one the zone is bogus");
		bogus += !other && first;
	}
	return bogus;
}
