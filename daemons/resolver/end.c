/*
 * How frames and resolutions end: with records, with an alias to go on with, or with a failure.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"
#include "common/dns/dname.h"
#include "daemons/resolver/stale.h"
#include "daemons/resolver/validate/validate.h"

void end_resolution(struct core *core, struct resolution *r, uint16_t rcode, int ede, const char *text,
		uint64_t now_ms)
{
	struct frame *f = r->top;
	while (f->below != NULL) {
		f = f->below;
	}
	validate_end(r);
	r->finished = true;
	r->rcode = rcode;
	r->ede = ede;
	r->ede_text = text;
	r->records = rcode == RCODE_SERVFAIL ? NULL : f->records;
	if (rcode != RCODE_SERVFAIL && r->notice != EDE_NONE) {
		r->ede = r->notice;
		r->ede_text = r->notice_text;
	}
	r->secure = r->secure && rcode != RCODE_SERVFAIL;
	trace_finished(core, r, now_ms);
	if (f->purpose == FRAME_PRIME) {
		prime_over(core, rcode == RCODE_NOERROR, now_ms);
	}
}

bool iterate_answer_stale(struct core *core, struct resolution *r, uint64_t now_ms)
{
	struct rrset *records;
	int rcode = stale_find(core, r, now_ms, &records);
	if (rcode < 0) {
		return false;
	}
	core_count(core, STAT_RES_STALE_ANSWERS);
	r->secure = false;
	r->notice = rcode == RCODE_NXDOMAIN ? EDE_STALE_NXDOMAIN : EDE_STALE_ANSWER;
	r->notice_text = NULL;
	end_resolution(core, r, (uint16_t)rcode, EDE_NONE, NULL, now_ms);
	r->records = records;
	return true;
}

/*
 * The resolution as a whole failed. Remembered for the question as it was asked only: what an alias or a
 * glueless server led to may be fine when reached another way, and must not be harmed by it (RFC 9520).
 */
void end_failed(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms)
{
	bool unchecked = r->unchecked || r->validation != NULL;
	bool stale = stale_may_replace(core, r, ede) && iterate_answer_stale(core, r, now_ms);
	if (!r->internal && ede != EDE_CACHED_ERROR) {
		store_failure(core, r->name, r->type, ede, stale || r->detached, unchecked, now_ms);
	}
	if (stale) {
		return;
	}
	end_resolution(core, r, RCODE_SERVFAIL, ede, text, now_ms);
}

static void pop(struct resolution *r)
{
	r->top = r->top->below;
	r->depth--;
	r->top->state = FRAME_ASK;
}

void iterate_no_memory(struct core *core, struct resolution *r, uint64_t now_ms)
{
	end_failed(core, r, EDE_OTHER, "memory for one question used up", now_ms);
}

/* The frame on top, fetched for a validation, is over. */
static void deliver(struct resolution *r, const struct delivery *delivery)
{
	pop(r);
	validate_deliver(r, delivery);
}

/* The top frame cannot be resolved. Below it others may be tried. */
void frame_fail(struct core *core, struct resolution *r, int ede, const char *text, uint64_t now_ms)
{
	const struct frame *f = r->top;
	trace_failed(core, r, ede, text, now_ms);
	if (f->purpose == FRAME_TRUST) {
		deliver(r, &(struct delivery){ .failed = true, .ede = ede, .why = text });
	} else if (f->below != NULL) {
		pop(r);
	} else if (f->bogus_why != NULL) { /* of those who answered at all, all gave what is bogus */
		end_failed(core, r, f->bogus_ede, f->bogus_why, now_ms);
	} else {
		end_failed(core, r, ede, text, now_ms);
	}
}

/* The records that a validation waits for. */
static void deliver_records(struct resolution *r)
{
	const struct frame *f = r->top;
	struct delivery delivery = { .records = f->records, .asked = f->answered };
	if (f->answered) {
		delivery.server = f->cut->addrs[f->choice].addr;
		delivery.server_zone = f->cut->zone;
	}
	deliver(r, &delivery);
}

/* The top frame has its result: rcode, and the records collected on the way. */
void frame_finish(struct core *core, struct resolution *r, uint16_t rcode, uint64_t now_ms)
{
	struct frame *f = r->top;
	if (f->below == NULL) {
		end_resolution(core, r, rcode, EDE_NONE, NULL, now_ms);
		return;
	}
	if (f->purpose == FRAME_TRUST) {
		deliver_records(r);
		return;
	}
	struct delegation *cut = f->below->cut;
	for (const struct rrset *set = f->records; set != NULL && rcode == RCODE_NOERROR; set = set->next) {
		for (unsigned i = 0; set->type == f->type && i < set->count && i < ADDRS_PER_NS_MAX; i++) {
			struct addr addr;
			uint16_t len;
			const uint8_t *rdata = rrset_rdata(set, i, &len);
			if (delegation_addr_of_rdata(set->type, rdata, len, &addr) &&
			    !delegation_addr_is_harmful(&addr, core->allow_loopback)) {
				(void)delegation_add_addr(cut, f->ns, &addr);
			}
		}
	}
	pop(r);
}

bool iterate_pay(struct core *core, struct resolution *r, uint32_t units, uint64_t now_ms)
{
	if (units > r->budget) {
		r->budget = 0;
		core_count(core, STAT_RES_BUDGET_STOPS);
		end_failed(core, r, EDE_OTHER, "work limit for one question reached", now_ms);
		return false;
	}
	r->budget -= units;
	return true;
}

/* --- aliases ----------------------------------------------------------------------------------------- */

/* Records of an alias were found for the top frame; go on with its target. */
void frame_follow(struct core *core, struct resolution *r, struct rrset *records, const uint8_t *target,
		   uint64_t now_ms)
{
	struct frame *f = r->top;
	if (f->purpose == FRAME_TRUST) { /* the alias itself is what there is to know */
		rrset_append(&f->records, records);
		deliver_records(r);
		return;
	}
	if (f->purpose != FRAME_CLIENT) {
		/* RFC 2181 10.3: the name of a server is no alias. Followed, these would multiply (CAMP). */
		frame_fail(core, r, EDE_INVALID_DATA, "name server is an alias", now_ms);
		return;
	}
	rrset_append(&f->records, records);
	for (const struct rrset *set = f->records; set != NULL; set = set->next) {
		if (set->type == RR_CNAME && dname_equal(set->owner, target)) {
			frame_fail(core, r, EDE_OTHER, "aliases run in a circle", now_ms);
			return;
		}
	}
	if (++f->aliases > ALIAS_STEPS_MAX) {
		core_count(core, STAT_RES_CHAIN_STOPS);
		frame_fail(core, r, EDE_OTHER, "too many aliases", now_ms);
		return;
	}
	if (!iterate_pay(core, r, COST_ALIAS, now_ms)) {
		return;
	}
	f->name = region_copy(&r->region, target, dname_len(target));
	if (f->name == NULL) {
		end_failed(core, r, EDE_OTHER, "memory for one question used up", now_ms);
		return;
	}
	f->state = FRAME_START;
	f->answered = false;
	f->bogus_retries = 0; /* of other servers now */
	f->bogus_why = NULL;
	r->unchecked = false;
	f->referrals = 0;
	f->minimised = 0;
	f->minimise_off = false;
}
