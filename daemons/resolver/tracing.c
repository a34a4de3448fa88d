/*
 * One traced question at a time. Owns the core and the sockets of a question with an empty cache.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/tracing.h"

#include "common/dns/dname.h"
#include "common/ipc/stats.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "daemons/resolver/outquery.h"
#include "daemons/resolver/validate/anchors.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	/* As frontends give to a client's question. */
	TRACE_BUDGET = 250,
	/* More than one question can fill. */
	TRACE_CACHE_BYTES = 1024 * 1024,
};

struct tracing {
	struct event_base *base;
	struct dnssec *dnssec;
	struct nsec3_hasher *hasher;
	core_rand_fn *rand_fn;
	tracing_tell_fn *tell;
	void *ctx;
	bool running;
	uint32_t request;
	uint64_t begin_ms;
	unsigned told;
	uint32_t left_out;
	struct core *core; /* its own; NULL: there is none */
	struct outquery *oq;
	struct event *pump; /* active: there may be something to carry between them */
	uint64_t counters[STAT_RES_COUNT]; /* nobody looks at them */
};

static uint32_t limit_u32(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void on_step(void *ctx, const struct trace_step *step, uint64_t now_ms)
{
	struct tracing *t = ctx;
	struct ipc_trace_step out = {
		.event = (uint8_t)step->event,
		.depth = (uint8_t)(step->depth < UINT8_MAX ? step->depth : UINT8_MAX),
		.kind = (uint8_t)step->kind,
		.security = (uint8_t)step->security,
		.tcp = step->tcp,
		.type = step->type,
		.rcode = step->rcode,
		.ede = step->ede == EDE_NONE ? UINT16_MAX : (uint16_t)step->ede,
		.at_ms = limit_u32(now_ms - t->begin_ms),
		.took_ms = limit_u32(step->took_ms),
		.octets = limit_u32(step->octets),
	};
	if (!ipc_trace_is_last(&out) && t->told == IPC_TRACE_STEPS_MAX) {
		t->left_out++;
		return;
	}
	if (step->event == IPC_TRACE_FINISHED) {
		out.took_ms = out.at_ms;
		out.left_out = t->left_out;
		t->running = false; /* whoever is told the end may begin another one at once */
	}
	if (step->server != NULL) {
		out.has_server = 1;
		out.server = *step->server;
	}
	memcpy(out.name, step->name, dname_len(step->name));
	if (step->other != NULL) {
		out.has_other = 1;
		memcpy(out.other, step->other, dname_len(step->other));
	}
	if (step->why != NULL) {
		snprintf(out.why, sizeof(out.why), "%s", step->why);
	}
	t->told++;
	t->tell(t->ctx, t->request, &out);
}

static void refuse(const struct tracing *t, uint32_t request, const struct ipc_trace *what, const char *why)
{
	struct ipc_trace_step step = { .event = IPC_TRACE_REFUSED, .depth = 1, .type = what->type, .ede = UINT16_MAX };
	memcpy(step.name, what->name, dname_len(what->name));
	snprintf(step.why, sizeof(step.why), "%s", why);
	t->tell(t->ctx, request, &step);
}

static void drop_core(struct tracing *t)
{
	outquery_free(t->oq);
	core_free(t->core);
	t->oq = NULL;
	t->core = NULL;
}

/* Not from within the sockets' callbacks: at the end these go. */
static void on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct tracing *t = arg;
	struct upstream *u;
	(void)fd;
	(void)what;

	if (t->core == NULL) {
		return;
	}
	while ((u = core_next_send(t->core)) != NULL) {
		outquery_send(t->oq, u);
	}
	struct resolution *r = core_next_done(t->core);
	if (r != NULL) {
		tracing_over(t, r);
		drop_core(t);
	}
}

static void on_progress(void *ctx)
{
	struct tracing *t = ctx;
	event_active(t->pump, 0, 0);
}

struct tracing *tracing_new(struct event_base *base, struct dnssec *dnssec, struct nsec3_hasher *hasher,
			    core_rand_fn *rand_fn, tracing_tell_fn *tell, void *ctx)
{
	struct tracing *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	*t = (struct tracing){ .base = base, .dnssec = dnssec, .hasher = hasher, .rand_fn = rand_fn, .tell = tell,
			       .ctx = ctx };
	t->pump = event_new(base, -1, 0, on_pump, t);
	if (t->pump == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void tracing_free(struct tracing *t)
{
	if (t != NULL) {
		drop_core(t);
		event_free(t->pump);
		free(t);
	}
}

void tracing_over(struct tracing *t, struct resolution *r)
{
	(void)t;
	core_release(r);
}

static int make_core(struct tracing *t, struct tracing_place *place)
{
	struct core_tools tools = { .rand_fn = t->rand_fn, .dnssec = t->dnssec, .hasher = t->hasher,
				    .counters = t->counters };
	place->config.cache_bytes = TRACE_CACHE_BYTES;
	place->config.options.prime_root = false; /* it begins at the servers that are configured, or built in */
	t->core = core_new(TRACE_CACHE_BYTES, &tools);
	t->oq = outquery_new(t->base, on_progress, t);
	if (t->core == NULL || t->oq == NULL ||
	    outquery_set_sources(t->oq, place->outgoing, place->outgoing_count) != BH_OK) {
		return BH_ENOMEM;
	}
	outquery_set_core(t->oq, t->core);
	int rc = core_configure(t->core, &place->config);
	if (rc == BH_OK) {
		place->config.anchors = NULL; /* taken over */
		core_set_wall(t->core, (uint64_t)time(NULL), clock_now_ms());
	}
	return rc;
}

bool tracing_begin(struct tracing *t, uint32_t request, const struct ipc_trace *what, struct tracing_place *place)
{
	bool cached = (what->flags & IPC_TRACE_CACHED) != 0;
	struct core_question question = { .name = what->name, .type = what->type, .trace = true, .budget = TRACE_BUDGET,
					  .cd = (what->flags & IPC_TRACE_CD) != 0 };
	const char *why = t->running ? "another trace is running"
			  : rr_type_is_meta(what->type) && what->type != RR_ANY ? "nobody can be asked for this type"
										 : NULL;
	if (why == NULL) {
		drop_core(t); /* of the one before, when that has just told its end */
	}
	if (why == NULL && !cached && make_core(t, place) != BH_OK) {
		why = "out of memory";
		drop_core(t);
	}
	anchors_free(place->config.anchors);
	place->config.anchors = NULL;
	if (why != NULL) {
		refuse(t, request, what, why);
		return false;
	}
	struct core *core = cached ? place->core : t->core;
	t->running = true;
	t->request = request;
	t->begin_ms = clock_now_ms();
	t->told = 0;
	t->left_out = 0;
	core_set_trace(core, on_step, t);
	if (core_start(core, &question, t, t->begin_ms) == NULL) {
		refuse(t, request, what, "out of memory");
		t->running = false;
		drop_core(t);
		return false;
	}
	if (!cached) {
		on_progress(t);
	}
	return cached;
}
