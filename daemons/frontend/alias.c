/*
 * Walking aliases. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/alias.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"

static bool is_answer_at(const struct message_rr *rr, const uint8_t *name)
{
	return rr->section == SECTION_ANSWER && rr->rr_class == CLASS_IN && dname_equal(rr->owner, name);
}

static const struct message_rr *find_answer(const struct message *msg, const uint8_t *name, uint16_t type)
{
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if ((type == RR_ANY || rr->type == type) && is_answer_at(rr, name)) {
			return rr;
		}
	}
	return NULL;
}

static const struct message_rr *find_authority(const struct message *msg, uint16_t type, const uint8_t *below)
{
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section == SECTION_AUTHORITY && rr->type == type && dname_is_under(below, rr->owner)) {
			return rr;
		}
	}
	return NULL;
}

enum alias_step {
	STEP_ON,     /* the message goes on with the target */
	STEP_AWAY,   /* the target is asked elsewhere */
	STEP_FENCED, /* a stranger may not lead there */
};

static enum alias_step judge_step(struct alias_walk *walk, const uint8_t *owner, const uint8_t *target,
				  uint16_t qtype)
{
	struct split_match to = split_find(walk->split, target, qtype);
	struct split_match from = split_find(walk->split, owner, RR_CNAME);
	walk->trusted = walk->trusted && from.own;
	if (walk->from_authority) {
		return to.internal ? STEP_ON : STEP_AWAY;
	}
	if (to.stub && !from.stub && !walk->trusted) {
		return STEP_FENCED;
	}
	return to.internal && walk->trusted ? STEP_AWAY : STEP_ON;
}

static bool was_here(const struct alias_walk *walk, const uint8_t *name)
{
	for (unsigned i = 0; i <= walk->steps; i++) {
		if (dname_equal(walk->names[i], name)) {
			return true;
		}
	}
	return false;
}

/* The walk ends at its last name without an answer there: what does the message say instead? */
static enum alias_end without_answer(const struct alias_walk *walk, const struct message *msg)
{
	const uint8_t *last = walk->names[walk->steps];
	if (msg->rcode != RCODE_NOERROR || !walk->from_authority ||
	    find_authority(msg, RR_SOA, last) != NULL) {
		return ALIAS_NONE;
	}
	if (find_authority(msg, RR_NS, last) != NULL) {
		return ALIAS_REFERRAL;
	}
	/* An authority that stopped before the end of its own chain is asked for the rest. */
	return walk->steps > 0 && walk->follow ? ALIAS_LEAVES : ALIAS_NONE;
}

enum alias_end alias_walk(struct alias_walk *walk, const struct message *msg, const uint8_t *name,
			  uint16_t qtype)
{
	walk->trusted = true; /* what led here was: else it would not have been followed */
	walk->fenced = false;
	walk->steps = 0;
	walk->names[0] = name;
	for (;;) {
		name = walk->names[walk->steps];
		if (find_answer(msg, name, qtype) != NULL) {
			return ALIAS_FOUND;
		}
		const struct message_rr *alias = find_answer(msg, name, RR_CNAME);
		if (alias == NULL) {
			return without_answer(walk, msg);
		}
		enum alias_step step = judge_step(walk, name, alias->rdata, qtype);
		if (walk->steps == CNAME_STEPS_MAX || (step == STEP_ON && was_here(walk, alias->rdata))) {
			return ALIAS_LOOP;
		}
		walk->names[++walk->steps] = alias->rdata;
		walk->fenced = step == STEP_FENCED;
		if (step != STEP_ON) {
			return step == STEP_AWAY && walk->follow ? ALIAS_LEAVES : ALIAS_NONE;
		}
	}
}

bool alias_takes(const struct alias_walk *walk, enum alias_end end, const struct message_rr *rr,
		 uint16_t qtype)
{
	if (rr->section != SECTION_ANSWER || rr->rr_class != CLASS_IN) {
		return false;
	}
	/* RFC 4034 3.1.1: the type covered stands first in a signature. */
	uint16_t type = rr->type == RR_RRSIG ? get_u16(rr->rdata) : rr->type;
	for (unsigned i = 0; i <= walk->steps; i++) {
		bool last = i == walk->steps;
		bool aliased = !last || (end == ALIAS_FOUND && (qtype == RR_CNAME || qtype == RR_ANY));
		if (type == RR_DNAME && aliased && !dname_equal(walk->names[i], rr->owner) &&
		    dname_is_under(walk->names[i], rr->owner)) {
			return true; /* RFC 6672 3.1: made the alias at this name */
		}
		if (!dname_equal(rr->owner, walk->names[i])) {
			continue;
		}
		if (!last && type == RR_CNAME) {
			return true;
		}
		if (last && end == ALIAS_FOUND &&
		    (type == qtype || rr->type == qtype || qtype == RR_ANY)) {
			return true;
		}
	}
	return false;
}
