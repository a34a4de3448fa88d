/*
 * Questions on their way. No sockets, no clock. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/route.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"

#include <stdlib.h>
#include <string.h>

/* A parsed message: expanded octets, the records, and what alignment adds. */
#define SCRATCH_MAX (2 * 1024 * 1024)
#define SCRATCH_CHUNK (16 * 1024)

static void count(struct route *r, enum stats_frontend which)
{
	(*r->stats)->counters[which]++;
}

static void gauge(struct route *r, enum stats_frontend which, uint64_t value)
{
	(*r->stats)->counters[which] = value;
}

int route_init(struct route *r)
{
	region_init(&r->scratch, SCRATCH_CHUNK, SCRATCH_MAX);
	r->builder = calloc(1, sizeof(*r->builder));
	r->wire = malloc(DNS_MESSAGE_MAX);
	if (r->builder == NULL || r->wire == NULL) {
		route_clear(r);
		return BH_ENOMEM;
	}
	return BH_OK;
}

void route_clear(struct route *r)
{
	region_clear(&r->scratch);
	free(r->builder);
	free(r->wire);
	r->builder = NULL;
	r->wire = NULL;
}

/* region_alloc zeroes: take the first chunk as a whole, so that nothing internal stays in it. */
static void wipe_scratch(struct route *r)
{
	region_reset(&r->scratch);
	if (region_alloc(&r->scratch, SCRATCH_CHUNK) != NULL) {
		region_reset(&r->scratch);
	}
	answer_wipe(r->builder);
}

/* The deepest calls under route_reply take less: parsing, a walk, a question, a reply. */
#define STACK_OCTETS 16384

/* Its frame lies where those of the calls before it lay. */
static void __attribute__((noinline)) overwrite_stack(void)
{
	uint8_t frame[STACK_OCTETS];
	explicit_bzero(frame, sizeof(frame));
}

void route_wipe_stack(struct route *r)
{
	if (r->had_internal) {
		r->had_internal = false;
		overwrite_stack();
	}
}

/* --- ends -------------------------------------------------------------------------------------------- */

static void finish_job(struct route *r, struct job *job)
{
	if (job->internal_data) {
		r->had_internal = true;
		wipe_scratch(r);
	}
	job_free(r->pending, job);
	gauge(r, STAT_FRONT_PENDING, pending_count(r->pending));
}

static void count_wait(struct route *r, const struct waiter *w, uint64_t now_ms)
{
	uint64_t wait_ms = now_ms - w->since_ms;
	unsigned bucket = 0; /* below 1 ms, 4, 16, 64, 256, 1024, 4096, and more */
	while (bucket < STATS_WAITS - 1 && wait_ms >= (uint64_t)1 << 2 * bucket) {
		bucket++;
	}
	(*r->stats)->counters[STAT_FRONT_WAIT + bucket]++;
	(*r->stats)->counters[STAT_FRONT_WAIT_MS] += wait_ms;
}

/* Answer those who wait for the forms of this answer. */
static void answer_all(struct route *r, struct job *job, const struct answer *answer, uint64_t now_ms)
{
	for (struct waiter *w = LIST_FIRST(&job->waiters), *next; w != NULL; w = next) {
		next = LIST_NEXT(w, job_entry);
		if ((answer->forms & reply_form(&w->to)) == 0) {
			continue;
		}
		w->to.late = waiter_is_late(w, now_ms);
		if (w->to.late) {
			count(r, STAT_FRONT_LATE);
		}
		count_wait(r, w, now_ms);
		waiter_take(r->pending, w);
		r->ops->answer(r->ctx, &w->origin, &w->to, answer, 0, job->internal_data);
		waiter_free(w);
	}
}

static void refuse_waiter(struct route *r, struct waiter *w, const struct refusal *refusal)
{
	waiter_take(r->pending, w);
	r->ops->refuse(r->ctx, &w->origin, &w->to, refusal);
	waiter_free(w);
}

static void fail_with(struct route *r, struct job *job, const struct refusal *refusal)
{
	struct waiter *w;
	while ((w = LIST_FIRST(&job->waiters)) != NULL) {
		refuse_waiter(r, w, refusal);
	}
	finish_job(r, job);
}

void route_fail(struct route *r, struct job *job, int ede, const char *text)
{
	fail_with(r, job, &(struct refusal){ .rcode = RCODE_SERVFAIL, .ede = ede, .text = text });
}

static void fail_overloaded(struct route *r, struct job *job)
{
	count(r, STAT_FRONT_OVERLOADED);
	route_fail(r, job, EDE_OTHER, "overloaded");
}

static void fail_unreachable(struct route *r, struct job *job)
{
	route_fail(r, job, EDE_NETWORK_ERROR, "the part that answers is not there");
}

/* A reply that breaks a rule says that the role that sent it is broken: worth a line, not a flood. */
static void fail_broken(struct route *r, struct job *job, const char *what, uint64_t now_ms)
{
	uint32_t suppressed = 0;
	if (log_limit_pass(&r->broken_log, now_ms, 10000, 5, &suppressed)) {
		log_warn("bad reply from=%s what=\"%s\" suppressed=%u",
			 job->from_authority ? "authority" : "resolver", what, suppressed);
	}
	route_fail(r, job, EDE_INVALID_DATA, NULL);
}

/* --- asking -------------------------------------------------------------------------------------------- */

static int send_question(struct route *r, struct job *job)
{
	uint8_t wire[UDP_SIZE_PLAIN];
	struct compose c;
	struct edns_reply edns = { .udp_size = DNS_MESSAGE_MAX, .do_bit = true, .ede = EDE_NONE };
	uint16_t flags = (uint16_t)((job->from_authority ? 0 : FLAG_RD) |
				    (job->key.flags & KEY_CD ? FLAG_CD : 0));

	job_new_token(r->pending, job);
	job->ask_id = (uint16_t)(job->token >> 24);
	compose_begin(&c, wire, sizeof(wire), EDNS_SIZE_MIN, job->ask_id, flags, job->name, job->key.qtype,
		      CLASS_IN);
	struct route_ask ask = {
		.job = job,
		.authority = job->from_authority,
		.name = job->name,
		.message = { .token = job->token,
			     .kind = job->key.flags & KEY_REFRESH ? QLINK_REFRESH : QLINK_QUERY,
			     .budget = job->budget, .dns = wire, .dns_len = compose_finish(&c, &edns) },
	};
	job->asked_flushes = r->flushes;
	return r->ops->ask(r->ctx, &ask);
}

/* Ask, or answer that nobody can be asked. */
void route_send(struct route *r, struct job *job)
{
	int rc = send_question(r, job);
	if (rc == BH_EAGAIN) {
		fail_overloaded(r, job);
	} else if (rc != BH_OK) {
		fail_unreachable(r, job);
	}
}

/* True: the job goes on with another turn. */
static bool take_reply(struct route *r, struct job *job, const struct message *msg, bool cached,
		       uint64_t now_ms);

static void refresh(struct route *r, const struct cache_key *key, uint8_t forms, uint64_t now_ms);

/* For the longer form: the shorter one is no use as a piece of an answer. */
static struct cache_key public_key(const struct job *job)
{
	struct cache_key key = { .qname = job->name, .qname_len = (uint8_t)dname_len(job->name),
				 .flags = (uint8_t)(KEY_DO | (job->key.flags & KEY_CD)),
				 .qtype = job->key.qtype };
	cache_hash(&key);
	return key;
}

/*
 * A cached answer as a message of the scratch region, TTLs fallen. BH_ENOMEM: what was composed can be parsed,
 * else.
 */
static int unpack(struct route *r, const struct answer *a, uint32_t age, struct message *msg)
{
	memcpy(r->wire, a->wire, a->len);
	for (unsigned i = 0; i < a->ttl_count; i++) {
		uint8_t *ttl = r->wire + a->ttl_at[i];
		uint32_t left = get_u32(ttl);
		put_u32(ttl, left > age ? left - age : 0);
	}
	region_reset(&r->scratch);
	if (message_parse(r->wire, a->len, &r->scratch, msg) != BH_OK) {
		return BH_ENOMEM;
	}
	msg->rcode = a->rcode;
	msg->flags |= a->ad ? FLAG_AD : 0;
	msg->ede = a->ede;
	msg->ede_text_len = a->ede_text_len;
	msg->ede_text = region_copy(&r->scratch, a->ede_text, a->ede_text_len + 1u); /* the entry may go */
	return msg->ede_text == NULL ? BH_ENOMEM : BH_OK;
}

/*
 * A later turn finds its answer in the cache: read it as a reply, TTLs fallen. False: not cached, or
 * the job is over; *over tells.
 */
static bool take_cached(struct route *r, struct job *job, uint64_t now_ms, bool *over)
{
	struct cache_key key = public_key(job);
	uint32_t age;
	struct message msg;
	const struct answer *a = cache_find(r->cache, &key, now_ms, &age);

	*over = false;
	if (a == NULL) {
		return false;
	}
	uint8_t forms = a->forms;
	if (unpack(r, a, age, &msg) != BH_OK) {
		return false;
	}
	count(r, STAT_FRONT_CACHE_HITS);
	refresh(r, &key, forms, now_ms);
	if (take_reply(r, job, &msg, true, now_ms)) {
		return true;
	}
	*over = true;
	return false;
}

/* Turns until there is somebody to wait for, or the job is over. */
static void run(struct route *r, struct job *job, uint64_t now_ms)
{
	for (;;) {
		struct split_match match = split_find(r->split, job->name, job->key.qtype);
		job->from_authority = match.internal && !job->public_turn;
		if (!job->from_authority && !match.inside && job->first_done) {
			bool over;
			if (take_cached(r, job, now_ms, &over)) {
				continue;
			}
			if (over) {
				return;
			}
		}
		if (job->budget == 0) {
			route_fail(r, job, EDE_OTHER, "work budget is spent");
			return;
		}
		job->budget--;
		count(r, job->from_authority ? STAT_FRONT_TO_AUTHORITY : STAT_FRONT_TO_RESOLVER);
		route_send(r, job);
		return;
	}
}

void route_ask_again(struct route *r, struct job **head, uint64_t now_ms)
{
	/* A job that is asked again enters the front of the list, where this walk does not come by. */
	for (struct job *job = *head, *next; job != NULL; job = next) {
		next = job->link_next;
		job_unlink(job);
		if (job->asked_again) {
			fail_unreachable(r, job);
			continue;
		}
		job->asked_again = true;
		run(r, job, now_ms);
	}
}

void route_flushed(struct route *r)
{
	r->flushes++;
}

/* --- queries ------------------------------------------------------------------------------------------- */

static void refuse_overloaded(struct route *r, const struct origin *origin, const struct reply_to *to)
{
	count(r, STAT_FRONT_OVERLOADED);
	r->ops->refuse(r->ctx, origin, to,
		       &(struct refusal){ .rcode = RCODE_SERVFAIL, .ede = EDE_OTHER, .text = "overloaded" });
}

/* The answer that was found with this key is given once more: ask for it anew when it ends soon. */
static void refresh(struct route *r, const struct cache_key *key, uint8_t forms, uint64_t now_ms)
{
	struct cache_key job_key = *key;
	if (!r->prefetch || !cache_is_ending(r->cache, key, now_ms)) {
		return;
	}
	job_key.flags = (uint8_t)((key->flags & ~KEY_DO) | KEY_REFRESH);
	cache_hash(&job_key);
	if (!pending_may_refresh(r->pending) || pending_find(r->pending, &job_key) != NULL) {
		return;
	}
	struct job *job = job_new(r->pending, &job_key, now_ms + r->patience_ms);
	if (job == NULL) {
		return; /* it dies in its time, and is asked for then */
	}
	count(r, STAT_FRONT_REFRESHES);
	memcpy(job->name, key->qname, key->qname_len);
	job->budget = r->budget;
	job->ede = EDE_NONE;
	job->refresh_forms = forms;
	run(r, job, now_ms);
}

/* May it wait? False: it was refused. */
static bool make_room(struct route *r, const struct origin *origin, const struct reply_to *to)
{
	struct waiter *victim;
	switch (pending_admit(r->pending, origin, &victim)) {
	case PENDING_ADMITTED:
		return true;
	case PENDING_CLIENT_FULL:
		count(r, STAT_FRONT_CLIENT_LIMITED);
		r->ops->refuse(r->ctx, origin, to,
			       &(struct refusal){ .rcode = RCODE_SERVFAIL, .ede = EDE_OTHER,
						  .text = "too many questions of this client in work" });
		return false;
	case PENDING_FULL:
		break;
	case PENDING_INSTEAD:
		count(r, STAT_FRONT_DISPLACED);
		struct job *job = victim->job;
		refuse_waiter(r, victim,
			      &(struct refusal){ .rcode = RCODE_SERVFAIL, .ede = EDE_OTHER,
						 .text = "overloaded, and most of it by this client" });
		if (LIST_EMPTY(&job->waiters)) {
			finish_job(r, job); /* else questions would be more than those who wait */
		}
		return true;
	}
	refuse_overloaded(r, origin, to);
	return false;
}

/*
 * The form for clients without DO, made from the other one when that is there, and kept. NULL: it is not. The
 * answer lives in the builder.
 */
static const struct answer *shorten_cached(struct route *r, const struct cache_key *key, uint64_t now_ms,
					   uint32_t *age)
{
	struct answer_builder *b = r->builder;
	struct cache_key longer = *key;
	struct message msg;
	bool full = false;

	longer.flags |= KEY_DO;
	const struct answer *a = cache_find(r->cache, &longer, now_ms, age);
	if (a == NULL || unpack(r, a, *age, &msg) != BH_OK) {
		return NULL;
	}
	uint16_t flags = (uint16_t)((a->aa ? FLAG_AA : 0) | (a->ad ? FLAG_AD : 0));
	bool found = a->found;
	answer_begin(b, key->qname, key->qtype, FORM_PLAIN);
	for (size_t i = 0; !full && i < msg.rr_count; i++) {
		full = answer_add(b, (enum section)msg.rrs[i].section, &msg.rrs[i]) != BH_OK;
	}
	if (full) {
		return NULL; /* of a part of what did fit; not reached */
	}
	answer_set_ede(b, msg.ede, msg.ede_text, msg.ede_text_len);
	const struct answer *shorter = answer_finish(b, msg.rcode, flags, found);
	cache_insert(r->cache, key, shorter, now_ms);
	*age = 0;
	return shorter;
}

void route_query(struct route *r, const struct query *q, const struct origin *origin, const struct reply_to *to,
		 uint64_t now_ms)
{
	struct split_match match = split_find(r->split, q->qname, q->qtype);
	struct refusal refusal;
	uint8_t lower[DNAME_MAX];
	uint32_t age;

	if (!match.internal && !client_query_public(q, &refusal)) {
		r->ops->refuse(r->ctx, origin, to, &refusal);
		return;
	}
	dname_copy_lower(lower, q->qname);
	struct cache_key key = { .qname = lower, .qname_len = q->qname_len, .qtype = q->qtype };
	key.flags = (uint8_t)((q->edns.do_bit ? KEY_DO : 0) | (q->flags & FLAG_CD ? KEY_CD : 0) |
			      (q->flags & FLAG_RD ? 0 : KEY_NO_RD));
	cache_hash(&key);
	if (!match.inside) {
		const struct answer *a = cache_find(r->cache, &key, now_ms, &age);
		if (a == NULL && !q->edns.do_bit) {
			a = shorten_cached(r, &key, now_ms, &age);
		}
		if (a != NULL) {
			count(r, STAT_FRONT_CACHE_HITS);
			uint8_t forms = a->forms;
			r->ops->answer(r->ctx, origin, to, a, age, false);
			refresh(r, &key, forms, now_ms);
			return;
		}
		count(r, STAT_FRONT_CACHE_MISSES);
	}
	key.flags &= (uint8_t)~KEY_DO;
	if (!make_room(r, origin, to)) {
		return;
	}
	struct job *job = pending_find(r->pending, &key);
	bool fresh = job == NULL;
	if (fresh && (job = job_new(r->pending, &key, now_ms + r->patience_ms)) == NULL) {
		refuse_overloaded(r, origin, to);
		return;
	}
	if (waiter_new(r->pending, job, origin, to, now_ms) != BH_OK) {
		refuse_overloaded(r, origin, to);
		if (fresh) {
			job_free(r->pending, job);
		}
		return;
	}
	gauge(r, STAT_FRONT_PENDING, pending_count(r->pending));
	if (!fresh) {
		count(r, STAT_FRONT_COALESCED);
		return;
	}
	memcpy(job->name, lower, key.qname_len);
	job->budget = r->budget;
	job->ede = EDE_NONE;
	run(r, job, now_ms);
}

/* --- replies ------------------------------------------------------------------------------------------- */

/* Copy a record into the job: it is needed after the message that it came in is gone. */
static bool keep_rr(struct job *job, const struct message_rr *rr, struct message_rr *out)
{
	*out = *rr;
	out->owner = region_copy(&job->region, rr->owner, dname_len(rr->owner));
	out->rdata = region_copy(&job->region, rr->rdata, rr->rdata_len);
	return out->owner != NULL && out->rdata != NULL;
}

/* Keep what led to the last name of the walk. */
static int keep_answers(struct job *job, const struct message *msg, const struct alias_walk *walk,
			enum alias_end end, bool secure)
{
	size_t more = 0;
	for (size_t i = 0; i < msg->rr_count; i++) {
		more += alias_takes(walk, end, &msg->rrs[i], job->key.qtype);
	}
	if (more == 0) {
		return BH_OK;
	}
	struct message_rr *kept = region_alloc(&job->region, (job->kept_count + more) * sizeof(*kept));
	if (kept == NULL) {
		return BH_ELIMIT;
	}
	if (job->kept_count > 0) {
		memcpy(kept, job->kept, job->kept_count * sizeof(*kept));
	}
	size_t n = job->kept_count;
	for (size_t i = 0; i < msg->rr_count; i++) {
		if (alias_takes(walk, end, &msg->rrs[i], job->key.qtype) &&
		    !keep_rr(job, &msg->rrs[i], &kept[n++])) {
			return BH_ELIMIT;
		}
	}
	job->kept = kept;
	job->kept_count = n;
	job->insecure = job->insecure || !secure;
	return BH_OK;
}

/* The internal zone has the name but not the type: remember how it says so. */
static int keep_fallback(struct job *job, const struct message *msg)
{
	struct job_fallback *f = &job->fallback;
	f->rr_count = 0;
	f->rrs = region_alloc(&job->region, msg->rr_count * sizeof(*f->rrs));
	if (f->rrs == NULL) {
		return BH_ELIMIT;
	}
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section == SECTION_AUTHORITY && rr->rr_class == CLASS_IN) {
			if (!keep_rr(job, rr, &f->rrs[f->rr_count])) {
				return BH_ELIMIT;
			}
			f->rr_count++;
		}
	}
	f->present = true;
	return BH_OK;
}

/* The next turn is about another name. */
static void move_to(struct job *job, const uint8_t *name)
{
	uint8_t lower[DNAME_MAX];
	size_t len = dname_copy_lower(lower, name);
	memcpy(job->name, lower, len);
	job->public_turn = false;
	job->fallback.present = false;
}

/* Everything of a message that is no answer: one section, class IN. */
static int add_section(struct answer_builder *b, const struct message *msg, enum section section)
{
	for (size_t i = 0; i < msg->rr_count; i++) {
		const struct message_rr *rr = &msg->rrs[i];
		if (rr->section == section && rr->rr_class == CLASS_IN) {
			int rc = answer_add(b, section, rr);
			if (rc != BH_OK) {
				return rc;
			}
		}
	}
	return BH_OK;
}

/* May the client be told that this reply, as far as it is taken over, is secure? */
static bool is_secure(const struct job *job, const struct message *msg, const struct alias_walk *walk)
{
	return !job->from_authority && (msg->flags & FLAG_AD) != 0 && !walk->fenced;
}

/*
 * Build the answer to qname from what was kept (with_kept) and this message. NULL: it is too large
 * for a message.
 */
static const struct answer *build(struct route *r, const struct job *job, const struct message *msg,
				  const struct alias_walk *walk, enum alias_end end, bool with_kept,
				  enum answer_form form)
{
	struct answer_builder *b = r->builder;
	/* The public side says that the name is not there at all; inside it is. */
	bool use_fallback = with_kept && job->fallback.present && walk->steps == 0 && end == ALIAS_NONE &&
			    msg->rcode == RCODE_NXDOMAIN;
	uint16_t rcode = end == ALIAS_FOUND || use_fallback ? RCODE_NOERROR : msg->rcode;
	bool secure = is_secure(job, msg, walk) && !(with_kept && (job->insecure || use_fallback));
	uint16_t flags = (uint16_t)((job->aa && with_kept ? FLAG_AA : 0) | (secure ? FLAG_AD : 0));
	bool full = false;

	answer_begin(b, with_kept ? job->qname : job->name, job->key.qtype, form);
	for (size_t i = 0; with_kept && !full && i < job->kept_count; i++) {
		full = answer_add(b, SECTION_ANSWER, &job->kept[i]) != BH_OK;
	}
	for (size_t i = 0; !full && i < msg->rr_count; i++) {
		if (alias_takes(walk, end, &msg->rrs[i], job->key.qtype)) {
			full = answer_add(b, SECTION_ANSWER, &msg->rrs[i]) != BH_OK;
		}
	}
	if (use_fallback) {
		for (size_t i = 0; !full && i < job->fallback.rr_count; i++) {
			full = answer_add(b, SECTION_AUTHORITY, &job->fallback.rrs[i]) != BH_OK;
		}
	} else {
		full = full || add_section(b, msg, SECTION_AUTHORITY) != BH_OK ||
		       add_section(b, msg, SECTION_ADDITIONAL) != BH_OK;
	}
	if (full) {
		return NULL;
	}
	if (with_kept ? job->ede != EDE_NONE : msg->ede != EDE_NONE) {
		const uint8_t *text = with_kept ? (const uint8_t *)job->ede_text : msg->ede_text;
		size_t len = with_kept ? strlen(job->ede_text) : msg->ede_text_len;
		answer_set_ede(b, with_kept ? job->ede : msg->ede, text, len);
	}
	return answer_finish(b, rcode, flags, end == ALIAS_FOUND);
}

/* Make one form, keep it if it may be kept, answer those who wait for it. Returns the forms made; 0: job is over. */
static uint8_t give_form(struct route *r, struct job *job, const struct message *msg,
			 const struct alias_walk *walk, enum alias_end end, bool cacheable, enum answer_form form,
			 uint64_t now_ms)
{
	bool partial = job->internal_data || job->kept_count > 0;
	const struct answer *a;

	if (cacheable) { /* as a piece for later, the longer form */
		a = build(r, job, msg, walk, end, false, partial ? FORM_DO : form);
		if (a == NULL) {
			fail_broken(r, job, "reply is too large", now_ms);
			return 0;
		}
		struct cache_key key = public_key(job);
		cache_insert(r->cache, &key, a, now_ms);
		gauge(r, STAT_FRONT_CACHE_ENTRIES, cache_entries(r->cache));
		gauge(r, STAT_FRONT_CACHE_BYTES, cache_bytes(r->cache));
	}
	if (!cacheable || partial) {
		a = build(r, job, msg, walk, end, true, form);
		if (a == NULL) {
			fail_broken(r, job, "answer is too large", now_ms);
			return 0;
		}
	}
	answer_all(r, job, a, now_ms);
	return a->forms;
}

static void give_answer(struct route *r, struct job *job, const struct message *msg,
			const struct alias_walk *walk, enum alias_end end, bool cached, uint64_t now_ms)
{
	bool cacheable = !job->from_authority && !cached && job->asked_flushes == r->flushes &&
			 !split_find(r->split, job->name, job->key.qtype).inside;

	for (uint8_t wanted; (wanted = job_forms(job)) != 0;) {
		enum answer_form form = wanted & FORM_DO ? FORM_DO : FORM_PLAIN;
		uint8_t made = give_form(r, job, msg, walk, end, cacheable, form, now_ms);
		if (made == 0) {
			return;
		}
		job->refresh_forms &= (uint8_t)~made;
	}
	finish_job(r, job);
}

/* What another server says about its failure is passed on, once. */
static void remember_ede(struct job *job, const struct message *msg)
{
	if (job->ede != EDE_NONE || msg->ede == EDE_NONE) {
		return;
	}
	size_t len = msg->ede_text_len < EDE_TEXT_MAX ? msg->ede_text_len : EDE_TEXT_MAX;
	job->ede = msg->ede;
	for (size_t i = 0; i < len; i++) {
		job->ede_text[i] = (char)(msg->ede_text[i] >= 0x20 && msg->ede_text[i] < 0x7f
						  ? msg->ede_text[i]
						  : '?');
	}
	job->ede_text[len] = '\0';
}

/* RCODEs that are answers; RFC 6672 2.2 has YXDOMAIN for names that a DNAME makes too long. */
static bool is_answer_rcode(uint16_t rcode)
{
	return rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN || rcode == RCODE_YXDOMAIN ||
	       rcode == RCODE_NOTIMP;
}

static bool take_reply(struct route *r, struct job *job, const struct message *msg, bool cached,
		       uint64_t now_ms)
{
	bool follow = (job->key.flags & KEY_NO_RD) == 0;
	struct alias_walk walk = { .split = r->split, .from_authority = job->from_authority,
				   .follow = follow };
	enum alias_end end = alias_walk(&walk, msg, job->name, job->key.qtype);
	const uint8_t *last = walk.names[walk.steps];

	remember_ede(job, msg);
	job->internal_data = job->internal_data || job->from_authority;
	r->had_internal = r->had_internal || job->internal_data;
	if (!job->first_done) {
		job->first_done = true;
		job->aa = job->from_authority && (msg->flags & FLAG_AA) != 0;
	}
	job->steps = (uint8_t)(job->steps + walk.steps);
	if (end == ALIAS_LOOP || job->steps > CNAME_STEPS_MAX) {
		route_fail(r, job, EDE_OTHER, "alias loop, or too many aliases");
		return false;
	}
	if (end == ALIAS_REFERRAL) {
		route_fail(r, job, EDE_NO_REACHABLE_AUTHORITY, "delegated inside, and no stub zone for it");
		return false;
	}
	if (end != ALIAS_LEAVES && !is_answer_rcode(msg->rcode)) {
		route_fail(r, job, job->ede, job->ede_text[0] == '\0' ? NULL : job->ede_text);
		return false;
	}
	if (end == ALIAS_LEAVES && job->refresh_forms != 0) {
		finish_job(r, job); /* it has come to be of several pieces: not for the cache */
		return false;
	}
	bool overlay = end == ALIAS_NONE && job->from_authority && follow && msg->rcode != RCODE_NOTIMP &&
		       split_find(r->split, last, job->key.qtype).overlay;
	if (end != ALIAS_LEAVES && !overlay) {
		give_answer(r, job, msg, &walk, end, cached, now_ms);
		return false;
	}
	if (keep_answers(job, msg, &walk, end, is_secure(job, msg, &walk)) != BH_OK) {
		route_fail(r, job, EDE_OTHER, "answer is too large");
		return false;
	}
	move_to(job, last);
	if (overlay) {
		count(r, STAT_FRONT_OVERLAY);
		job->public_turn = true;
		job->aa = job->aa && job->kept_count > 0;
		if (msg->rcode == RCODE_NOERROR && keep_fallback(job, msg) != BH_OK) {
			route_fail(r, job, EDE_OTHER, "answer is too large");
			return false;
		}
	}
	return true;
}

/* Is this the reply to what was asked? */
static const char *find_fault(const struct job *job, const struct message *msg)
{
	if ((msg->flags & FLAG_QR) == 0 || (msg->flags & FLAG_OPCODE) != 0) {
		return "not a response";
	}
	if (msg->id != job->ask_id || msg->qname == NULL || msg->qclass != CLASS_IN ||
	    msg->qtype != job->key.qtype || !dname_equal(msg->qname, job->name)) {
		return "another question";
	}
	if ((msg->flags & FLAG_TC) != 0) {
		return "truncated";
	}
	return NULL;
}

void route_reply(struct route *r, uint32_t link_id, const struct qlink_message *m, uint64_t now_ms)
{
	struct job *job = pending_by_token(r->pending, m->token);
	if (job == NULL || job->link_head == NULL || job->link_id != link_id) {
		return; /* not asked, answered already, or given up */
	}
	job_unlink(job);
	job->budget = m->budget < job->budget ? m->budget : job->budget;

	struct message msg;
	region_reset(&r->scratch);
	int rc = message_parse(m->dns, m->dns_len, &r->scratch, &msg);
	const char *fault = rc != BH_OK ? bh_strerror(rc) : find_fault(job, &msg);
	if (fault != NULL) {
		fail_broken(r, job, fault, now_ms);
		return;
	}
	if (take_reply(r, job, &msg, false, now_ms)) {
		run(r, job, now_ms);
	}
}

uint64_t route_expire(struct route *r, uint64_t now_ms)
{
	struct job *job;
	while ((job = pending_oldest(r->pending)) != NULL && job->deadline_ms <= now_ms) {
		count(r, STAT_FRONT_TIMEOUTS);
		route_fail(r, job, EDE_NO_REACHABLE_AUTHORITY, "no answer in time");
	}
	return job == NULL ? 0 : job->deadline_ms;
}
