/*
 * Anchors of the configuration, and those set at run time. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/trusting.h"

#include "common/util/clock.h"
#include "common/util/log.h"
#include "daemons/resolver/iterate.h"
#include "daemons/resolver/validate/gather.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trusting {
	const struct dnssec *dnssec;
	struct gather from;	      /* of the configuration in service, whose arrays role_link keeps */
	struct core *core;	      /* that has the set; NULL as long as nothing is set at run time */
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

int trusting_configure(struct trusting *t, const struct role_conf *conf, struct anchors **out)
{
	t->from = sources(t, conf);
	(void)gather_complain(&t->from, t->dnssec);
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

struct trusting *trusting_new(struct event_base *base, const struct dnssec *dnssec)
{
	struct trusting *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	t->dnssec = dnssec;
	t->timer = event_new(base, -1, 0, on_timer, t);
	if (t->timer == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void trusting_free(struct trusting *t)
{
	if (t != NULL) {
		event_free(t->timer);
		free(t);
	}
}

void trusting_negative(struct trusting *t, struct core *core, const struct ipc_negative_anchor *anchor)
{
	uint64_t now_ms = clock_now_ms();
	char text[DNAME_TEXT_MAX];
	size_t i = 0;
	t->core = core;
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
