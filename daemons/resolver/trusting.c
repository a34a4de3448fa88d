/*
 * Anchors of the configuration, and those set at run time. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/trusting.h"

#include "common/dns/anchor.h"
#include "common/dns/rr.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "daemons/resolver/iterate.h"
#include "daemons/resolver/validate/gather.h"
#include "daemons/resolver/validate/track.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* For one RRset: as a client's question has. */
#define TRACK_BUDGET 250
/* The clock of the machine may be set: what is due is looked at this often at least. */
#define TRACK_LOOK_SEC 3600
/* RFC 5011 2.3: never longer than 15 days; a time further off was reckoned with another clock. */
#define TRACK_WAIT_MAX_SEC (16 * 86400)

struct trusting {
	struct dnssec *dnssec;
	struct gather from;	      /* of the configuration in service, whose arrays role_link keeps */
	struct core *core;	      /* that has the set; NULL: none yet */
	const struct trusting_ops *ops;
	void *ops_ctx;
	bool tracks;		      /* this shard asks */
	struct ipc_anchor_state *states; /* of tracked zones, in the order of the anchors */
	size_t state_count;
	struct resolution *asking;    /* a zone's DNSKEY; NULL: none */
	struct event *track_timer;    /* when the next zone may be due */
	struct event *timer;	      /* the next end of one */
	struct timed_negative timed[NEGATIVE_ANCHORS_MAX];
	size_t timed_count;
};

static struct gather sources(const struct trusting *t, const struct role_conf *conf)
{
	return (struct gather){
		.anchors = conf->anchors, .anchor_count = conf->anchor_count,
		.insecure = conf->negative_anchors, .insecure_count = conf->negative_anchor_count,
		.stubs = conf->stubs, .stub_count = conf->stub_count,
		.timed = t->timed, .timed_count = t->timed_count,
		.dnssec = t->dnssec,
	};
}

int trusting_check(const struct trusting *t, const struct role_conf *conf, char *why, size_t why_size)
{
	struct gather from = sources(t, conf);
	struct anchors *anchors;
	int rc = gather_anchors(&from, &anchors);
	if (rc == BH_OK) {
		anchors_free(anchors);
	} else {
		snprintf(why, why_size, "%s", rc == BH_ENOMEM ? "out of memory"
							      : "more trust anchors, insecure domains and stub zones than "
								"there is room for");
	}
	return rc;
}

/* --- tracking ----------------------------------------------------------------------------------------- */

static struct ipc_anchor_state *find_state(struct ipc_anchor_state *states, size_t count, const uint8_t *zone)
{
	for (size_t i = 0; i < count; i++) {
		if (dname_equal(states[i].zone, zone)) {
			return &states[i];
		}
	}
	return NULL;
}

/* Has its set room for what tracking may add (ANCHOR_RECORDS_MAX), and is it validated at all? */
static bool is_tracked(const struct gather *from, const struct anchors *anchors, const uint8_t *zone)
{
	struct anchor anchor;
	char text[DNAME_TEXT_MAX];
	anchors_find(anchors, zone, 0, &anchor);
	if (anchor.kind != ANCHOR_TRUST || !dname_equal(anchor.zone, zone)) {
		return false;
	}
	size_t records = 0;
	for (size_t i = 0; i < from->anchor_count; i++) {
		records += dname_equal(from->anchors[i].zone, zone);
	}
	if (records > ANCHOR_RECORDS_MAX - IPC_ANCHOR_KEYS_MAX) {
		log_warn("too many trust anchors to track the keys zone=%s", dname_text(zone, text));
		return false;
	}
	return true;
}

/*
 * A state for each zone to be tracked: what this process knows, or the supervisor, or an empty one. A state that began
 * with other anchors is worth nothing.
 */
static int make_states(const struct trusting *t, const struct role_conf *conf, const struct anchors *anchors,
		       struct ipc_anchor_state **out, size_t *out_count)
{
	const struct gather *from = &t->from;
	struct ipc_anchor_state *states = calloc(TRACKED_ZONES_MAX, sizeof(*states));
	size_t count = 0;
	if (states == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < from->anchor_count; i++) {
		const uint8_t *zone = from->anchors[i].zone;
		char text[DNAME_TEXT_MAX];
		if (find_state(states, count, zone) != NULL || !is_tracked(from, anchors, zone)) {
			continue;
		}
		if (count == TRACKED_ZONES_MAX) {
			log_warn("too many zones with trust anchors, keys are not tracked zone=%s", dname_text(zone, text));
			break;
		}
		uint64_t sum = ipc_anchor_sum(from->anchors, from->anchor_count, zone);
		const struct ipc_anchor_state *known = find_state(t->states, t->state_count, zone);
		const struct ipc_anchor_state *given = find_state(conf->anchor_states, conf->anchor_state_count, zone);
		struct ipc_anchor_state *state = &states[count++];
		if (known != NULL && known->configured == sum) {
			*state = *known;
		} else if (given != NULL && given->configured == sum) {
			*state = *given;
			state->next_sec = 0; /* this process has just begun: much may have happened meanwhile */
		} else {
			(void)dname_copy_lower(state->zone, zone);
			state->configured = sum;
		}
	}
	*out = states;
	*out_count = count;
	return BH_OK;
}

/* The next zone that may be due. Not while one is asked. */
static void set_track_timer(struct trusting *t)
{
	uint64_t now_sec = (uint64_t)time(NULL);
	uint64_t wait_sec = TRACK_LOOK_SEC;
	(void)event_del(t->track_timer);
	if (!t->tracks || t->state_count == 0 || t->asking != NULL) {
		return;
	}
	for (size_t i = 0; i < t->state_count; i++) {
		uint64_t next_sec = t->states[i].next_sec;
		uint64_t left_sec = next_sec > now_sec && next_sec - now_sec <= TRACK_WAIT_MAX_SEC ? next_sec - now_sec : 0;
		wait_sec = left_sec < wait_sec ? left_sec : wait_sec;
	}
	struct timeval tv = { .tv_sec = (time_t)wait_sec };
	if (event_add(t->track_timer, &tv) != 0) {
		log_fatal("cannot set a timer");
	}
}

/* Ask for the keys of the first zone that is due. With CD: they are judged here, by rules of their own. */
static void on_track_timer(evutil_socket_t fd, short what, void *arg)
{
	struct trusting *t = arg;
	uint64_t now_sec = (uint64_t)time(NULL);
	uint64_t now_ms = clock_now_ms();
	(void)fd;
	(void)what;
	for (size_t i = 0; i < t->state_count && t->asking == NULL; i++) {
		struct ipc_anchor_state *state = &t->states[i];
		if (state->next_sec > now_sec && state->next_sec - now_sec <= TRACK_WAIT_MAX_SEC) {
			continue;
		}
		struct core_question question = { .name = state->zone, .type = RR_DNSKEY, .cd = true, .fresh = true,
						  .budget = TRACK_BUDGET };
		core_set_wall(t->core, now_sec, now_ms);
		t->asking = core_start(t->core, &question, t, now_ms);
		if (t->asking == NULL) {
			rfc5011_failed(state, now_sec);
		}
	}
	if (t->asking != NULL) {
		t->ops->progress(t->ops_ctx);
	}
	set_track_timer(t);
}

int trusting_configure(struct trusting *t, struct core *core, const struct role_conf *conf, struct anchors **out)
{
	struct ipc_anchor_state *states;
	size_t count;
	struct anchors *anchors;
	t->core = core;
	t->from = sources(t, conf);
	(void)gather_complain(&t->from, t->dnssec);
	int rc = gather_anchors(&t->from, &anchors);
	if (rc == BH_OK) {
		rc = make_states(t, conf, anchors, &states, &count);
		anchors_free(anchors);
	}
	if (rc != BH_OK) {
		return rc;
	}
	/* At a date that stands still thirty days never pass. */
	count = conf->options.resolver.validation_date != 0 ? 0 : count;
	free(t->states);
	t->states = states;
	t->state_count = count;
	t->tracks = conf->index == 0;
	t->from.states = states;
	t->from.state_count = count;
	set_track_timer(t);
	return gather_anchors(&t->from, out);
}

int trusting_copy(const struct trusting *t, struct anchors **out)
{
	struct gather from = t->from;
	from.timed_count = t->timed_count;
	return gather_anchors(&from, out);
}

/* The set has changed at zone. */
static void renew(struct trusting *t, const uint8_t *zone)
{
	struct anchors *anchors;
	t->from.timed_count = t->timed_count;
	if (gather_anchors(&t->from, &anchors) != BH_OK) { /* NEGATIVE_ANCHORS_MAX fit beside any configuration */
		log_fatal("out of memory for the trust anchors");
	}
	core_set_anchors(t->core, anchors, zone);
}

/* Wake up when the next one ends. */
static void set_timer(struct trusting *t, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;
	(void)event_del(t->timer);
	for (size_t i = 0; i < t->timed_count; i++) {
		next = t->timed[i].until_ms < next ? t->timed[i].until_ms : next;
	}
	if (next == UINT64_MAX) {
		return;
	}
	uint64_t wait_ms = next > now_ms ? next - now_ms : 0;
	struct timeval tv = { .tv_sec = (time_t)(wait_ms / 1000), .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };
	if (event_add(t->timer, &tv) != 0) {
		log_fatal("cannot set a timer");
	}
}

static void take_away(struct trusting *t, size_t i, const char *why)
{
	char text[DNAME_TEXT_MAX];
	struct timed_negative gone = t->timed[i];
	t->timed[i] = t->timed[--t->timed_count];
	log_info("negative trust anchor %s zone=%s", why, dname_text(gone.zone, text));
	renew(t, gone.zone); /* what was insecure there is validated from now on (RFC 7646 2) */
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct trusting *t = arg;
	uint64_t now_ms = clock_now_ms();
	(void)fd;
	(void)what;
	for (size_t i = t->timed_count; i > 0; i--) {
		if (t->timed[i - 1].until_ms <= now_ms) {
			take_away(t, i - 1, "has ended");
		}
	}
	set_timer(t, now_ms);
}

struct trusting *trusting_new(struct event_base *base, struct dnssec *dnssec, const struct trusting_ops *ops, void *ctx)
{
	struct trusting *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	t->dnssec = dnssec;
	t->ops = ops;
	t->ops_ctx = ctx;
	t->timer = event_new(base, -1, 0, on_timer, t);
	t->track_timer = event_new(base, -1, 0, on_track_timer, t);
	if (t->timer == NULL || t->track_timer == NULL) {
		trusting_free(t);
		return NULL;
	}
	return t;
}

void trusting_free(struct trusting *t)
{
	if (t == NULL) {
		return;
	}
	if (t->timer != NULL) {
		event_free(t->timer);
	}
	if (t->track_timer != NULL) {
		event_free(t->track_timer);
	}
	free(t->states);
	free(t);
}

void trusting_negative(struct trusting *t, const struct ipc_negative_anchor *anchor)
{
	uint64_t now_ms = clock_now_ms();
	char text[DNAME_TEXT_MAX];
	size_t i = 0;
	while (i < t->timed_count && !dname_equal(t->timed[i].zone, anchor->zone)) {
		i++;
	}
	if (anchor->left_sec == 0) {
		if (i < t->timed_count) {
			take_away(t, i, "taken away");
		}
		set_timer(t, now_ms);
		return;
	}
	if (i == NEGATIVE_ANCHORS_MAX) { /* the supervisor counts them, too */
		log_err("too many negative trust anchors, not set zone=%s", dname_text(anchor->zone, text));
		return;
	}
	if (i == t->timed_count) {
		t->timed_count++;
		(void)dname_copy_lower(t->timed[i].zone, anchor->zone);
	}
	t->timed[i].until_ms = now_ms + anchor->left_sec * UINT64_C(1000);
	log_info("negative trust anchor set zone=%s seconds=%u", dname_text(anchor->zone, text),
		 (unsigned)anchor->left_sec);
	renew(t, t->timed[i].zone);
	set_timer(t, now_ms);
}

static void on_key_change(void *ctx, const struct ipc_anchor_key *key, unsigned from, unsigned to)
{
	char zone[DNAME_TEXT_MAX];
	log_info("trust anchor key zone=%s tag=%u algorithm=%u state=%s was=%s", dname_text(ctx, zone),
		 (unsigned)anchor_tag(RR_DNSKEY, key->rdata, key->len),
		 (unsigned)anchor_algorithm(RR_DNSKEY, key->rdata, key->len), to == 0 ? "forgotten" : rfc5011_state_text(to),
		 from == 0 ? "unknown" : rfc5011_state_text(from));
}

/* The zone's own keys in an answer; an alias or an absence has none. */
static struct rrset *keys_of(const struct resolution *r)
{
	struct rrset *set = r->rcode == RCODE_NOERROR ? r->records : NULL;
	while (set != NULL && (set->section != SECTION_ANSWER || set->type != RR_DNSKEY || !dname_equal(set->owner, r->name))) {
		set = set->next;
	}
	return set;
}

static void judge(struct trusting *t, struct ipc_anchor_state *state, struct rrset *keys)
{
	struct anchors *anchors;
	struct anchor trusted;
	uint64_t now_sec = (uint64_t)time(NULL);
	char zone[DNAME_TEXT_MAX];
	if (keys == NULL) {
		log_warn("keys of a trust anchor's zone could not be had, tried again later zone=%s",
			 dname_text(state->zone, zone));
	}
	if (trusting_copy(t, &anchors) != BH_OK) {
		log_fatal("out of memory for the trust anchors");
	}
	anchors_find_trust(anchors, state->zone, &trusted);
	bool changed = track_judge(&t->from, state, &trusted, keys, now_sec, on_key_change, state->zone);
	bool verified = state->checked_sec == now_sec;
	anchors_free(anchors);
	if (changed) {
		renew(t, state->zone);
	}
	if (changed || verified) {
		t->ops->found(t->ops_ctx, state);
	}
}

bool trusting_take(struct trusting *t, struct resolution *r)
{
	if (r != t->asking) {
		return false;
	}
	/* A reload may have taken the zone away meanwhile. */
	struct ipc_anchor_state *state = find_state(t->states, t->state_count, r->name);
	t->asking = NULL;
	if (state != NULL) {
		judge(t, state, keys_of(r));
	}
	core_release(r);
	set_track_timer(t);
	return true;
}

void trusting_state(struct trusting *t, const struct ipc_anchor_state *news)
{
	struct ipc_anchor_state *state = find_state(t->states, t->state_count, news->zone);
	if (state == NULL || state->configured != news->configured) {
		return; /* of the configuration before, or the one to come */
	}
	bool changed = state->count != news->count;
	char zone[DNAME_TEXT_MAX];
	for (unsigned i = 0; i < news->count && !changed; i++) {
		const struct ipc_anchor_key *a = &state->keys[i];
		const struct ipc_anchor_key *b = &news->keys[i];
		changed = a->state != b->state || a->len != b->len || memcmp(a->rdata, b->rdata, a->len) != 0;
	}
	*state = *news;
	log_debug("trust anchor keys taken over zone=%s keys=%u", dname_text(state->zone, zone), (unsigned)state->count);
	if (changed) {
		renew(t, state->zone);
	}
}
