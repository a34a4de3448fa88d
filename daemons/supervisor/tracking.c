/*
 * States of tracked keys: from resolvers, to resolvers, on disk.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/tracking.h"

#include "common/dns/anchor.h"
#include "common/dns/rr.h"
#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "daemons/supervisor/anchor_file.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/saver.h"

#include <event2/event.h>
#include <stdio.h>
#include <time.h>

/* Between two states that are written, with what waits for the disk, and told. */
#define TRACKING_PAUSE_SEC 1

/* With a date that stands still nothing is tracked: thirty days never pass. */
bool tracking_is_on(const struct generation *g)
{
	return g->config != NULL && g->zones != NULL && g->config->resolver.present &&
	       g->config->resolver.validation_date == 0;
}

static bool is_first_of_zone(const struct zone_set *set, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (dname_equal(set->anchors[k].zone, set->anchors[i].zone)) {
			return false;
		}
	}
	return true;
}

void tracking_load(struct supervisor *sup, const struct generation *g)
{
	const struct zone_set *set = g->zones;
	unsigned zones = 0;
	bool readable = saver_disk_hangs_sec(sup->saver) == 0;
	for (size_t i = 0; tracking_is_on(g) && i < set->anchor_count && zones < TRACKED_ZONES_MAX; i++) {
		struct ipc_anchor_state state;
		const uint8_t *zone = set->anchors[i].zone;
		char text[DNAME_TEXT_MAX];
		char why[IPC_TEXT_MAX];
		uint64_t sum = ipc_anchor_sum(set->anchors, set->anchor_count, zone);
		if (!is_first_of_zone(set, i)) {
			continue;
		}
		zones++;
		if (tracked_find(&sup->tracked, zone, sum) != NULL) {
			continue;
		}
		int rc = BH_ESYS;
		snprintf(why, sizeof(why), "the disk hangs");
		if (readable) {
			rc = anchor_file_load(g->config->state_dir, zone, &state, why, sizeof(why));
		}
		if (rc == BH_OK && state.configured != sum) {
			log_info("saved state of trust anchor keys is not used: it began with other anchors zone=%s",
				 dname_text(zone, text));
			continue;
		}
		if (rc == BH_OK && (rc = tracked_put(&sup->tracked, &state, false)) != BH_OK) {
			snprintf(why, sizeof(why), "%s", bh_strerror(rc));
		}
		if (rc != BH_OK && rc != BH_ENOENT) {
			log_warn("saved state of trust anchor keys cannot be used, tracking begins anew zone=%s: %s",
				 dname_text(zone, text), why);
		}
	}
}

void tracking_settle(struct supervisor *sup)
{
	const struct zone_set *set = sup->current.zones;
	if (tracking_is_on(&sup->current)) {
		tracked_keep(&sup->tracked, set->anchors, set->anchor_count);
	} else {
		tracked_clear(&sup->tracked);
	}
}

const struct ipc_anchor_state *tracking_state(const struct supervisor *sup, const struct generation *g, const uint8_t *zone)
{
	const struct tracked *t = NULL;
	if (tracking_is_on(g)) {
		t = tracked_find(&sup->tracked, zone, ipc_anchor_sum(g->zones->anchors, g->zones->anchor_count, zone));
	}
	return t == NULL ? NULL : &t->state;
}

static void send_state(struct instance *inst, const struct ipc_anchor_state *state)
{
	uint8_t bytes[sizeof(*state)];
	struct sink s = sink_of(bytes, sizeof(bytes));
	/* The first shard said it. Those that are not ready are told when they are. */
	if (inst->role != ROLE_RESOLVER || inst->index == 0 || inst->state != INSTANCE_READY || inst->link == NULL) {
		return;
	}
	ipc_anchor_state_encode(&s, state);
	if (s.failed || link_send(inst->link, MSG_ANCHOR_STATE, 0, bytes, s.pos, -1) != BH_OK) {
		log_warn("%s: cannot be told of the keys of a trust anchor's zone", inst->name);
	}
}

void tracking_tell(struct instance *inst)
{
	for (size_t i = 0; i < inst->sup->tracked.count; i++) {
		send_state(inst, &inst->sup->tracked.items[i]->state);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg);

static void set_timer(struct supervisor *sup)
{
	struct timeval tv = { .tv_sec = TRACKING_PAUSE_SEC };
	if (sup->tracking_timer == NULL) {
		sup->tracking_timer = event_new(sup->base, -1, 0, on_timer, sup);
	}
	if (sup->tracking_timer == NULL ||
	    (!event_pending(sup->tracking_timer, EV_TIMEOUT, NULL) && event_add(sup->tracking_timer, &tv) != 0)) {
		log_fatal("out of memory");
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *sup = arg;
	bool done = false;
	(void)fd;
	(void)what;
	for (size_t i = 0; i < sup->tracked.count; i++) {
		struct tracked *t = sup->tracked.items[i];
		/* Of a generation that is given up or not in service yet: what its resolvers say is not taken at all. */
		if (!t->news) {
			continue;
		}
		if (done) {
			set_timer(sup);
			return;
		}
		t->news = false;
		saver_put_anchor(sup->saver, &t->state);
		for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
			send_state(inst, &t->state);
		}
		done = true;
	}
}

void tracking_resume(struct supervisor *sup)
{
	set_timer(sup);
}

int tracking_found(struct instance *inst, const struct link_message *m)
{
	struct supervisor *sup = inst->sup;
	const struct generation *g = &sup->current;
	struct ipc_anchor_state state;
	char text[DNAME_TEXT_MAX];
	int rc = ipc_anchor_state_decode(m->payload, m->len, &state);
	if (rc != BH_OK || inst->role != ROLE_RESOLVER || inst->index != 0) {
		return rc != BH_OK ? rc : BH_EPERM;
	}
	/* During a reload it may speak of the anchors before. No anchors: no sum but 0. */
	uint64_t sum = tracking_is_on(g) ? ipc_anchor_sum(g->zones->anchors, g->zones->anchor_count, state.zone) : 0;
	if (sum == 0 || sum != state.configured) {
		return BH_OK;
	}
	const struct tracked *before = tracked_find(&sup->tracked, state.zone, sum);
	const char *fault = tracked_fault(before == NULL ? NULL : &before->state, &state, g->zones->anchors,
					  g->zones->anchor_count, (uint64_t)time(NULL));
	if (fault == NULL && tracked_put(&sup->tracked, &state, true) != BH_OK) {
		fault = "there are too many";
	}
	if (fault == NULL) {
		set_timer(sup);
	} else if (log_limit_pass(&sup->tracking_complaints, clock_now_ms(), 60000, 1, NULL)) {
		log_err("%s: what it says of the keys of a trust anchor's zone is not taken zone=%s: %s", inst->name,
			dname_text(state.zone, text), fault);
	}
	return BH_OK;
}

static const char *state_text(unsigned state)
{
	static const char *const texts[] = { "unknown", "pending", "valid", "missing", "revoked", "removed" };
	return state < COUNT(texts) ? texts[state] : texts[0];
}

static int send_key(const struct ipc_anchor_state *state, const struct ipc_anchor_key *key, struct link *link,
		    uint32_t request)
{
	struct ctl_row row;
	char text[DNAME_TEXT_MAX];
	uint64_t now_sec = (uint64_t)time(NULL);
	uint64_t age_sec = now_sec > key->since_sec ? now_sec - key->since_sec : 0;
	row_begin(&row, "anchor_key");
	row_text(&row, "zone", dname_text(state->zone, text));
	row_number(&row, "tag", anchor_tag(RR_DNSKEY, key->rdata, key->len));
	row_number(&row, "algorithm", anchor_algorithm(RR_DNSKEY, key->rdata, key->len));
	row_text(&row, "state", state_text(key->state));
	row_number(&row, "for_sec", age_sec);
	return row_send(link, request, &row);
}

int tracking_rows(struct supervisor *sup, struct link *link, uint32_t request)
{
	int rc = BH_OK;
	for (size_t i = 0; i < sup->tracked.count && rc == BH_OK; i++) {
		const struct ipc_anchor_state *state = &sup->tracked.items[i]->state;
		for (unsigned k = 0; k < state->count && rc == BH_OK; k++) {
			rc = send_key(state, &state->keys[k], link, request);
		}
	}
	return rc;
}

void tracking_flush(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->tracked.count; i++) {
		struct tracked *t = sup->tracked.items[i];
		if (t->news) {
			t->news = false;
			saver_put_anchor(sup->saver, &t->state);
		}
	}
}

void tracking_end(struct supervisor *sup)
{
	tracked_clear(&sup->tracked);
	if (sup->tracking_timer != NULL) {
		event_free(sup->tracking_timer);
		sup->tracking_timer = NULL;
	}
}
