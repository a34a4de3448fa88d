/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/resolver/probing.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "daemons/resolver/core.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* As frontends give to a client's question. */
#define PROBING_BUDGET 250

struct probing {
	struct stats_page **stats;
	struct core *core;
	probing_progress_fn *progress;
	void *ctx;
	struct event *timer;
	struct resolution *asked; /* NULL: nothing is in work */
	uint64_t next_ms;
	uint8_t name[DNAME_MAX];
};

static void note(struct probing *p, bool fine, uint64_t now_ms)
{
	struct stats_probe *page = &(*p->stats)->probes[STATS_PROBE_OWN];
	stats_write(&page->parts, 1);
	stats_write(&page->failed, !fine);
	stats_write(&page->ended_ms, now_ms);
	p->next_ms = now_ms + PROBING_PAUSE_MS;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct probing *p = arg;
	uint64_t now_ms = clock_now_ms();
	(void)fd;
	(void)what;

	stats_beat(*p->stats, now_ms);
	if (p->asked != NULL || now_ms < p->next_ms) {
		return;
	}
	struct core_question question = { .name = p->name, .type = RR_NS, .quiet = true, .budget = PROBING_BUDGET };
	core_set_wall(p->core, (uint64_t)time(NULL), now_ms);
	p->asked = core_start(p->core, &question, p, now_ms);
	if (p->asked == NULL) {
		note(p, false, now_ms); /* out of memory: clients fare no better */
		return;
	}
	p->progress(p->ctx);
}

struct probing *probing_new(struct event_base *base, struct stats_page **stats, probing_progress_fn *progress, void *ctx)
{
	struct probing *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return NULL;
	}
	*p = (struct probing){ .stats = stats, .progress = progress, .ctx = ctx };
	p->timer = event_new(base, -1, EV_PERSIST, on_timer, p);
	if (p->timer == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void probing_free(struct probing *p)
{
	if (p != NULL) {
		event_free(p->timer);
		free(p);
	}
}

void probing_configure(struct probing *p, struct core *core, const struct role_conf *conf)
{
	static const struct timeval period = { .tv_sec = STATS_BEAT_MS / 1000 };
	p->core = core;
	if (!conf->probe) {
		(void)event_del(p->timer);
		stats_probes_clear(*p->stats);
		return;
	}
	memcpy(p->name, conf->probe_name.name, dname_len(conf->probe_name.name));
	if (!event_pending(p->timer, EV_TIMEOUT, NULL)) {
		if (event_add(p->timer, &period) != 0) {
			log_fatal("cannot set a timer");
		}
		event_active(p->timer, EV_TIMEOUT, 0); /* and now */
	}
}

bool probing_take(struct probing *p, struct resolution *r)
{
	if (r != p->asked) {
		return false;
	}
	p->asked = NULL;
	note(p, r->rcode == RCODE_NOERROR || r->rcode == RCODE_NXDOMAIN, clock_now_ms());
	core_release(r);
	return true;
}
