/*
 * The resolver's service. Trusts the frontend to keep the format of the query link, not the content of
 * what it passes on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/serve.h"

#include "common/dns/dname.h"
#include "common/ipc/qlink.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/rand.h"
#include "common/util/siphash.h"
#include "daemons/resolver/answer.h"
#include "daemons/resolver/backlog.h"
#include "daemons/resolver/bounds.h"
#include "daemons/resolver/outquery.h"
#include "daemons/resolver/probing.h"
#include "daemons/resolver/trusting.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define JOB_BUCKETS 4096 /* a power of two */
/* Batches read from one link before the others have their turn. */
#define BATCHES_PER_TURN 4
/* Clients that wait for one question; those above it are told to come again. */
#define WAITERS_MAX 4096
/* Time for what is in work when the role is told to stop. */
#define STOP_MS 3000

struct waiter {
	struct waiter *next;
	uint32_t link_id;
	uint64_t token;
	uint16_t budget;
	bool refresh; /* QLINK_REFRESH */
	struct query query;
};

/* One question in work. */
struct job {
	struct job *chain;
	TAILQ_ENTRY(job) age_entry;
	struct resolution *resolution;
	struct waiter *waiters;
	unsigned waiter_count;
	uint64_t hash;
	uint64_t begin_ms;
	uint16_t budget; /* it began with */
	uint16_t qtype;
	bool cd;
	bool refresh;
	uint8_t qname[DNAME_MAX];
};

TAILQ_HEAD(job_line, job);

struct query_link {
	uint32_t id;
	int fd;
	struct event *event;
	struct event *writable; /* added while replies wait */
	struct backlog backlog;
	struct serve *serve;
	unsigned leftovers; /* broken messages of a dead peer that are passed over */
};

struct link_set {
	struct query_link *links;
	size_t count;
};

struct serve {
	struct event_base *base;
	struct stats_page **stats;
	struct core *core;
	struct outquery *oq;
	struct dnssec *dnssec;
	struct nsec3_hasher *hasher;
	struct trusting *trusting;
	struct probing *probing;
	struct tracing *tracing; /* NULL: nobody to tell */
	serve_broken_fn *broken; /* NULL: nobody to tell */
	void *broken_ctx;
	serve_found_fn *found;	 /* NULL: nobody to tell */
	void *found_ctx;
	const struct role_conf *conf; /* in service; NULL: none yet */
	struct qlink_batch *batch;
	struct siphash_key key;
	struct link_set links;
	struct link_set next; /* prepared */
	struct event *stop_timer;
	struct event *wake_timer; /* for core_wake */
	uint64_t wake_ms;	  /* when it is due; 0: it is not set */
	struct event *pump; /* active: there may be something to carry */
	bool stopping;
	unsigned pending;
	unsigned waiting; /* waiters of all jobs */
	unsigned pending_max;
	struct query_link *out; /* with replies in the batch, or NULL */
	struct log_limit complaints;
	struct job *jobs[JOB_BUCKETS];
	struct job_line line; /* oldest first */
	uint8_t reply[DNS_MESSAGE_MAX];
};

static uint64_t *counter(struct serve *serve, enum stats_resolver which)
{
	return &(*serve->stats)->counters[which];
}

/* --- replies ------------------------------------------------------------------------------------------ */

/* The frontend takes no more now. */
static void on_lost(void *ctx, const struct qlink_message *message)
{
	struct query_link *link = ctx;
	if (backlog_keep(&link->backlog, message) != BH_OK) {
		(*counter(link->serve, STAT_RES_SEND_FAILED))++; /* the frontend's own time-out answers its client */
	} else if (!event_pending(link->writable, EV_WRITE, NULL) && event_add(link->writable, NULL) != 0) {
		log_fatal("cannot watch a query link");
	}
}

/* Its end of the link is gone: what waits for it waits for nobody. */
static void give_up_replies(struct query_link *link, int rc)
{
	struct serve *serve = link->serve;
	*counter(serve, STAT_RES_SEND_FAILED) += backlog_clear(&link->backlog);
	(void)event_del(link->writable);
	if (log_limit_pass(&serve->complaints, clock_now_ms(), 60000, 1, NULL)) {
		log_warn("replies to the frontend: %s", bh_strerror(rc));
	}
}

static void flush_replies(struct serve *serve)
{
	struct query_link *link = serve->out;
	if (link != NULL) {
		int rc = qlink_flush(serve->batch, link->fd, on_lost, link);
		if (rc != BH_OK && rc != BH_EAGAIN) {
			give_up_replies(link, rc);
		}
		serve->out = NULL;
	}
}

/* Replies that wait go out as far as they are taken. */
static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct query_link *link = arg;
	struct serve *serve = link->serve;
	struct qlink_message m;
	(void)what;
	flush_replies(serve);
	serve->out = link;
	while (backlog_first(&link->backlog, &m) && qlink_push(serve->batch, fd, &m) == BH_OK) {
		backlog_drop_first(&link->backlog);
	}
	flush_replies(serve); /* what did not go comes back, or the link is given up */
	if (backlog_first(&link->backlog, &m) && event_add(link->writable, NULL) != 0) {
		log_fatal("cannot watch a query link");
	}
	event_active(serve->pump, 0, 0); /* this may have been the last thing to do */
}

static struct query_link *find_link(const struct serve *serve, uint32_t id)
{
	for (size_t i = 0; i < serve->links.count; i++) {
		if (serve->links.links[i].id == id) {
			return &serve->links.links[i];
		}
	}
	return NULL;
}

static void send_reply(struct serve *serve, uint32_t link_id, uint64_t token, uint16_t budget, size_t len)
{
	struct query_link *link = find_link(serve, link_id);
	if (link == NULL) {
		(*counter(serve, STAT_RES_SEND_FAILED))++; /* a reload took the link away */
		return;
	}
	if (serve->out != link) {
		flush_replies(serve);
		serve->out = link;
	}
	struct qlink_message m = { .token = token, .kind = QLINK_REPLY, .budget = budget,
				   .dns = serve->reply, .dns_len = len };
	if (qlink_push(serve->batch, link->fd, &m) != BH_OK) {
		on_lost(link, &m);
	}
}

static void refuse(struct serve *serve, const struct waiter *w, uint16_t rcode, int ede, const char *text)
{
	if (rcode == RCODE_SERVFAIL) {
		(*counter(serve, STAT_RES_SERVFAIL))++;
	}
	send_reply(serve, w->link_id, w->token, w->budget,
		   answer_error(&w->query, rcode, ede, text, serve->reply));
}

/* --- jobs --------------------------------------------------------------------------------------------- */

static uint64_t job_hash(const struct serve *serve, const struct waiter *w)
{
	uint64_t rest = (uint64_t)w->query.qtype << 2 | (w->refresh ? 2 : 0) | ((w->query.flags & FLAG_CD) != 0);
	/* After a flush nobody joins a question from before it. */
	return (dname_hash(&serve->key, w->query.qname) ^ rest) + core_flushes(serve->core);
}

/* A query does not join a refresh: what is in the cache is good enough for it, now. */
static struct job **find_job(struct serve *serve, uint64_t hash, const struct waiter *w)
{
	const struct query *q = &w->query;
	struct job **link = &serve->jobs[hash & (JOB_BUCKETS - 1)];
	while (*link != NULL && ((*link)->hash != hash || (*link)->qtype != q->qtype ||
				 (*link)->refresh != w->refresh || (*link)->cd != ((q->flags & FLAG_CD) != 0) ||
				 !dname_equal((*link)->qname, q->qname))) {
		link = &(*link)->chain;
	}
	return link;
}

static void add_waiter(struct serve *serve, struct job *job, struct waiter *w)
{
	w->next = job->waiters;
	job->waiters = w;
	job->waiter_count++;
	serve->waiting++;
}

static void end_job(struct serve *serve, struct resolution *r);

/* False: nothing was. */
static bool take_done(struct serve *serve)
{
	struct resolution *r;
	bool any = false;
	while ((r = core_next_done(serve->core)) != NULL) {
		if (probing_take(serve->probing, r) || trusting_take(serve->trusting, r)) {
			; /* a question of our own */
		} else if (r->traced) {
			tracing_over(serve->tracing, r);
		} else {
			end_job(serve, r);
		}
		any = true;
	}
	return any;
}

/* The oldest question in work gives way, if it has had its time. False: it has not. */
static bool displace(struct serve *serve)
{
	uint64_t now_ms = clock_now_ms();
	(void)take_done(serve); /* what is over is in nobody's way */
	const struct job *oldest = TAILQ_FIRST(&serve->line);
	if (oldest == NULL || now_ms - oldest->begin_ms < QUESTION_FAIR_MS) {
		return false;
	}
	(*counter(serve, STAT_RES_DISPLACED))++;
	struct upstream *u = core_give_up(serve->core, oldest->resolution, "overloaded, and it took long", now_ms);
	if (u != NULL) {
		outquery_cancel(serve->oq, u);
	}
	(void)take_done(serve);
	return true;
}

/* A well-formed question of a kind that we resolve. w is on the heap, and taken. */
static void begin_job(struct serve *serve, struct waiter *w)
{
	uint64_t hash = job_hash(serve, w);
	struct job *job = *find_job(serve, hash, w);
	/* Somebody waits for the answer to a query, nobody for a refresh. */
	unsigned pending_max = w->refresh ? serve->pending_max / 2 : serve->pending_max;

	if (job != NULL && job->waiter_count < WAITERS_MAX && serve->waiting < 8 * serve->pending_max) {
		(*counter(serve, STAT_RES_COALESCED))++;
		add_waiter(serve, job, w);
		return;
	}
	bool full = job != NULL || serve->pending >= pending_max;
	if (full && job == NULL && !w->refresh) {
		full = !displace(serve);
	}
	job = full ? NULL : calloc(1, sizeof(*job));
	if (job == NULL) {
		refuse(serve, w, RCODE_SERVFAIL, EDE_OTHER, "too many questions in work");
		free(w);
		return;
	}
	job->hash = hash;
	job->budget = w->budget;
	job->qtype = w->query.qtype;
	job->cd = (w->query.flags & FLAG_CD) != 0;
	job->refresh = w->refresh;
	memcpy(job->qname, w->query.qname, w->query.qname_len);
	struct job **link = find_job(serve, hash, w); /* the end of its chain */
	*link = job;
	serve->pending++;
	add_waiter(serve, job, w);
	job->begin_ms = clock_now_ms();
	struct core_question question = { .name = job->qname, .type = job->qtype, .cd = job->cd,
					  .refresh = job->refresh, .budget = job->budget };
	job->resolution = core_start(serve->core, &question, job, job->begin_ms);
	if (job->resolution == NULL && displace(serve)) {
		job->resolution = core_start(serve->core, &question, job, job->begin_ms);
	}
	if (job->resolution != NULL) {
		TAILQ_INSERT_TAIL(&serve->line, job, age_entry);
	} else {
		*find_job(serve, hash, w) = job->chain;
		serve->pending--;
		serve->waiting--;
		free(job);
		refuse(serve, w, RCODE_SERVFAIL, EDE_OTHER, "out of memory");
		free(w);
	}
}

static void end_job(struct serve *serve, struct resolution *r)
{
	struct job *job = r->ctx;
	struct job **link = &serve->jobs[job->hash & (JOB_BUCKETS - 1)];
	while (*link != job) {
		link = &(*link)->chain;
	}
	*link = job->chain;
	TAILQ_REMOVE(&serve->line, job, age_entry);
	serve->pending--;
	if (r->from_cache) {
		*counter(serve, STAT_RES_CACHE_ANSWERS) += r->rcode != RCODE_SERVFAIL;
	} else {
		uint64_t took_ms = clock_now_ms() - job->begin_ms;
		(*counter(serve, STAT_RES_CACHE_MISSES))++;
		(*serve->stats)->counters[STAT_RES_LATENCY + stats_latency(took_ms)]++;
		(*serve->stats)->counters[STAT_RES_LATENCY_MS] += took_ms;
	}

	uint32_t spent = job->budget - r->budget;
	while (job->waiters != NULL) {
		struct waiter *w = job->waiters;
		job->waiters = w->next;
		serve->waiting--;
		*counter(serve, STAT_RES_SERVFAIL) += r->rcode == RCODE_SERVFAIL;
		*counter(serve, STAT_RES_NXDOMAIN) += r->rcode == RCODE_NXDOMAIN;
		uint16_t left = (uint16_t)(w->budget > spent ? w->budget - spent : 0);
		send_reply(serve, w->link_id, w->token, left, answer_write(&w->query, r, serve->reply));
		free(w);
	}
	free(job);
	core_release(r);
}

/* Have the core woken when it wants. The timer that is set already is left alone while it is not too late. */
static void set_wake(struct serve *serve)
{
	uint64_t wake_ms = core_next_wake(serve->core);
	if (wake_ms == UINT64_MAX || (serve->wake_ms != 0 && serve->wake_ms <= wake_ms)) {
		return;
	}
	uint64_t now_ms = clock_now_ms();
	uint64_t delay_ms = wake_ms > now_ms ? wake_ms - now_ms : 0;
	struct timeval tv = { .tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000) };
	if (event_add(serve->wake_timer, &tv) == 0) {
		serve->wake_ms = wake_ms;
	}
}

/* No question is in work, and every reply is sent. */
static bool is_done(const struct serve *serve)
{
	struct qlink_message m;
	bool waits = false;
	for (size_t i = 0; i < serve->links.count; i++) {
		waits = waits || backlog_first(&serve->links.links[i].backlog, &m);
	}
	return serve->pending == 0 && !waits;
}

/* Carry everything between core, sockets and links until nothing is left to do now. */
static void pump(struct serve *serve)
{
	bool more = true;
	while (more) {
		struct upstream *u;
		more = false;
		while ((u = core_next_send(serve->core)) != NULL) {
			outquery_send(serve->oq, u);
			more = true;
		}
		more = take_done(serve) || more;
	}
	flush_replies(serve);
	set_wake(serve);
	*counter(serve, STAT_RES_PENDING) = serve->pending;
	core_count_cache(serve->core);
	if (serve->stopping && is_done(serve)) {
		(void)event_base_loopbreak(serve->base);
	}
}

/*
 * Once for all sockets and links of one turn of the loop, after them: replies go to the frontend in batches, which
 * saves calls here and awakenings there.
 */
static void pump_later(struct serve *serve)
{
	event_active(serve->pump, 0, 0);
}

static void on_pump(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

static void on_progress(void *ctx)
{
	pump_later(ctx);
}

/* --- questions ---------------------------------------------------------------------------------------- */

static void on_question(struct serve *serve, uint32_t link_id, const struct qlink_message *m)
{
	struct waiter *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		(*counter(serve, STAT_RES_SEND_FAILED))++;
		return;
	}
	w->link_id = link_id;
	w->token = m->token;
	w->budget = m->budget;
	w->refresh = m->kind == QLINK_REFRESH;
	enum query_verdict verdict = query_parse(m->dns, m->dns_len, &w->query);
	if (verdict == QUERY_IGNORE) {
		free(w); /* the frontend never sends such a thing; it has no header to answer with */
		return;
	}
	uint16_t rcode = answer_judge_query(verdict, &w->query);
	if (m->kind == QLINK_PROBE) { /* the loop runs and the link works: no more is asked */
		send_reply(serve, link_id, w->token, w->budget, answer_error(&w->query, rcode, EDE_NONE, NULL, serve->reply));
		free(w);
		return;
	}
	if (rcode == RCODE_NOERROR) {
		begin_job(serve, w);
		return;
	}
	refuse(serve, w, rcode, EDE_NONE, NULL);
	free(w);
}

/* Clocks are set now and then; and a process may wait for long before it is asked something. */
static void set_wall(struct serve *serve)
{
	core_set_wall(serve->core, (uint64_t)time(NULL), clock_now_ms());
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct query_link *link = arg;
	struct serve *serve = link->serve;
	int rc = BH_OK;
	unsigned count = QLINK_BATCH;
	(void)what;
	set_wall(serve);
	for (unsigned turn = 0; turn < BATCHES_PER_TURN && rc == BH_OK && count == QLINK_BATCH; turn++) {
		rc = qlink_pardon(serve->batch, qlink_receive(serve->batch, fd, &count), &link->leftovers);
		for (unsigned i = 0; i < count; i++) {
			const struct qlink_message *m = qlink_get(serve->batch, i);
			if (m->kind == QLINK_REPLY && link->leftovers > 0) {
				link->leftovers--;
				continue;
			}
			if (m->kind == QLINK_REPLY) { /* we ask nothing here */
				rc = BH_EMALFORMED;
				break;
			}
			on_question(serve, link->id, m);
		}
	}
	if (rc != BH_OK) {
		/*
		 * Both ends stay open in the supervisor, so this is a broken peer: no more of it. But its end: a new
		 * version takes over, and the frontends of the old one go first.
		 */
		(rc == BH_ECLOSED ? log_debug : log_err)("query link %u: %s, not reading it any more",
							 (unsigned)link->id, bh_strerror(rc));
		(void)event_del(link->event);
		if (rc == BH_EMALFORMED && serve->broken != NULL) {
			serve->broken(serve->broken_ctx, link->id);
		}
	}
	pump_later(serve);
}

/* --- life --------------------------------------------------------------------------------------------- */

static void links_free(struct link_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->links[i].event != NULL) {
			event_free(set->links[i].event);
		}
		if (set->links[i].writable != NULL) {
			event_free(set->links[i].writable);
		}
		unsigned lost = backlog_clear(&set->links[i].backlog);
		*counter(set->links[i].serve, STAT_RES_SEND_FAILED) += lost;
	}
	free(set->links);
	*set = (struct link_set){ .links = NULL };
}

static uint32_t random_below(void *ctx, uint32_t bound)
{
	(void)ctx;
	return rand_below(bound);
}

static void on_wake_timer(evutil_socket_t fd, short what, void *arg)
{
	struct serve *serve = arg;
	(void)fd;
	(void)what;
	serve->wake_ms = 0;
	core_wake(serve->core, clock_now_ms());
	pump(serve);
}

static void on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	struct serve *serve = arg;
	(void)fd;
	(void)what;
	(void)event_base_loopbreak(serve->base);
}

static void on_found(void *ctx, const struct ipc_anchor_state *state)
{
	struct serve *serve = ctx;
	if (serve->found != NULL) {
		serve->found(serve->found_ctx, state);
	}
}

static const struct trusting_ops trusting_ops = { .found = on_found, .progress = on_progress };

struct serve *serve_new(struct event_base *base, struct stats_page **stats)
{
	struct serve *serve = calloc(1, sizeof(*serve));
	if (serve == NULL) {
		return NULL;
	}
	serve->base = base;
	serve->stats = stats;
	TAILQ_INIT(&serve->line);
	rand_bytes(&serve->key, sizeof(serve->key));
	serve->batch = qlink_batch_new();
	serve->oq = outquery_new(base, on_progress, serve);
	serve->stop_timer = evtimer_new(base, on_stop_timer, serve);
	serve->wake_timer = evtimer_new(base, on_wake_timer, serve);
	serve->pump = event_new(base, -1, 0, on_pump, serve);
	serve->dnssec = dnssec_new();
	serve->hasher = nsec3_hasher_new();
	serve->probing = probing_new(base, stats, on_progress, serve);
	serve->trusting = serve->dnssec == NULL ? NULL : trusting_new(base, serve->dnssec, &trusting_ops, serve);
	if (serve->batch == NULL || serve->oq == NULL || serve->stop_timer == NULL || serve->wake_timer == NULL || serve->pump == NULL ||
	    serve->probing == NULL || serve->dnssec == NULL || serve->hasher == NULL || serve->trusting == NULL) {
		serve_free(serve);
		return NULL;
	}
	return serve;
}

static void jobs_free(struct serve *serve)
{
	for (unsigned i = 0; i < JOB_BUCKETS; i++) {
		while (serve->jobs[i] != NULL) {
			struct job *job = serve->jobs[i];
			serve->jobs[i] = job->chain;
			while (job->waiters != NULL) {
				struct waiter *w = job->waiters;
				job->waiters = w->next;
				free(w);
			}
			free(job);
		}
	}
}

void serve_free(struct serve *serve)
{
	if (serve == NULL) {
		return;
	}
	links_free(&serve->links);
	links_free(&serve->next);
	outquery_free(serve->oq);
	tracing_free(serve->tracing);
	probing_free(serve->probing);
	trusting_free(serve->trusting);
	core_free(serve->core);
	dnssec_free(serve->dnssec);
	nsec3_hasher_free(serve->hasher);
	jobs_free(serve);
	qlink_batch_free(serve->batch);
	if (serve->stop_timer != NULL) {
		event_free(serve->stop_timer);
	}
	if (serve->wake_timer != NULL) {
		event_free(serve->wake_timer);
	}
	if (serve->pump != NULL) {
		event_free(serve->pump);
	}
	free(serve);
}

static int build_links(struct serve *serve, const struct role_conf *conf, struct link_set *out)
{
	out->links = calloc(conf->link_count + 1, sizeof(*out->links));
	if (out->links == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < conf->link_count; i++) {
		struct query_link *link = &out->links[i];
		*link = (struct query_link){ .id = conf->links[i].info.id, .fd = conf->links[i].fd,
					     .serve = serve };
		backlog_init(&link->backlog);
		link->event = event_new(serve->base, link->fd, EV_READ | EV_PERSIST, on_readable, link);
		link->writable = event_new(serve->base, link->fd, EV_WRITE, on_writable, link);
		out->count++;
		if (link->event == NULL || link->writable == NULL) {
			return BH_ENOMEM;
		}
	}
	return BH_OK;
}

int serve_prepare(struct serve *serve, const struct role_conf *conf, char *why, size_t why_size)
{
	const struct ipc_conf_resolver *options = &conf->options.resolver;
	if (!options->ipv4 && !options->ipv6) {
		snprintf(why, why_size, "the resolver may use neither IPv4 nor IPv6");
		return BH_EPERM;
	}
	if (trusting_check(serve->trusting, conf, why, why_size) != BH_OK) {
		return BH_ENOMEM;
	}
	if (serve->core == NULL) {
		struct core_tools tools = { .rand_fn = random_below, .dnssec = serve->dnssec, .hasher = serve->hasher,
					    .counters = (*serve->stats)->counters };
		serve->core = core_new(options->cache_bytes, &tools);
		outquery_set_core(serve->oq, serve->core);
	}
	if (serve->core == NULL || build_links(serve, conf, &serve->next) != BH_OK) {
		links_free(&serve->next);
		snprintf(why, why_size, "out of memory");
		return BH_ENOMEM;
	}
	return BH_OK;
}

/* What the core is told of a configuration, but the anchors. */
static struct core_config core_config_of(const struct role_conf *conf)
{
	const struct ipc_conf_resolver *options = &conf->options.resolver;
	return (struct core_config){
		.options = { .ipv4 = options->ipv4, .ipv6 = options->ipv6, .use_0x20 = options->use_0x20,
			     .use_cookies = options->use_cookies, .localhost = options->localhost,
			     .minimise = options->qname_minimisation, .prime_root = options->prime_root,
			     .special_names = true, .dnssec = true,
			     .validation_date = (uint32_t)options->validation_date,
			     .min_ttl_sec = options->min_ttl_sec, .max_ttl_sec = options->max_ttl_sec,
			     .max_negative_ttl_sec = options->max_negative_ttl_sec, .stale_sec = options->stale_sec,
			     .rebind_protection = options->rebind_protection,
			     .no_sha1 = options->validate_sha1 == 0 },
		.cache_bytes = options->cache_bytes,
		.roots = conf->roots, .root_count = conf->root_count,
		.stubs = conf->stubs, .stub_count = conf->stub_count,
		.rebind_allow = conf->rebind_allow, .rebind_allow_count = conf->rebind_allow_count,
		.forwards = conf->forwards, .forward_count = conf->forward_count,
	};
}

/* What waits for a frontend that stays. */
static void keep_backlogs(struct serve *serve, struct link_set *old)
{
	for (size_t i = 0; i < old->count; i++) {
		struct query_link *link = find_link(serve, old->links[i].id);
		struct qlink_message m;
		if (link == NULL || !backlog_first(&old->links[i].backlog, &m)) {
			continue;
		}
		backlog_move(&link->backlog, &old->links[i].backlog);
		if (event_add(link->writable, NULL) != 0) {
			log_fatal("cannot watch a query link");
		}
	}
}

void serve_commit(struct serve *serve, const struct role_conf *conf)
{
	const struct ipc_conf_resolver *options = &conf->options.resolver;
	struct core_config config = core_config_of(conf);

	serve->conf = conf;
	flush_replies(serve);
	core_set_counters(serve->core, (*serve->stats)->counters);
	serve->pending_max = options->pending_max;
	struct link_set old = serve->links;
	serve->links = serve->next;
	serve->next = (struct link_set){ .links = NULL };
	keep_backlogs(serve, &old);
	links_free(&old);
	dnssec_use_sha1(serve->dnssec, options->validate_sha1);
	/* A commit cannot be refused: without memory for it the process ends and is started anew. */
	if (trusting_configure(serve->trusting, serve->core, conf, &config.anchors) != BH_OK ||
	    core_configure(serve->core, &config) != BH_OK ||
	    outquery_set_sources(serve->oq, conf->outgoing, conf->outgoing_count) != BH_OK) {
		log_fatal("out of memory for the configuration");
	}
	for (size_t i = 0; i < serve->links.count && !serve->stopping; i++) {
		if (event_add(serve->links.links[i].event, NULL) != 0) {
			log_fatal("cannot watch a query link");
		}
	}
	probing_configure(serve->probing, serve->core, conf);
}

void serve_abort(struct serve *serve)
{
	links_free(&serve->next);
}

void serve_peer_restarted(struct serve *serve, uint32_t link_id)
{
	for (size_t i = 0; i < serve->links.count && !serve->stopping; i++) {
		struct query_link *link = &serve->links.links[i];
		if (link->id == link_id) {
			link->leftovers = QLINK_LEFTOVERS_MAX;
			if (event_add(link->event, NULL) != 0) {
				log_fatal("cannot watch a query link");
			}
		}
	}
}

void serve_negative_anchor(struct serve *serve, const struct ipc_negative_anchor *anchor)
{
	trusting_negative(serve->trusting, anchor);
}

void serve_anchor_state(struct serve *serve, const struct ipc_anchor_state *state)
{
	trusting_state(serve->trusting, state);
}

void serve_set_broken(struct serve *serve, serve_broken_fn *broken, void *ctx)
{
	serve->broken = broken;
	serve->broken_ctx = ctx;
}

void serve_set_found(struct serve *serve, serve_found_fn *found, void *ctx)
{
	serve->found = found;
	serve->found_ctx = ctx;
}

void serve_set_teller(struct serve *serve, tracing_tell_fn *tell, void *ctx)
{
	serve->tracing = tracing_new(serve->base, serve->dnssec, serve->hasher, random_below, tell, ctx);
	if (serve->tracing == NULL) {
		log_fatal("out of memory");
	}
}

void serve_trace(struct serve *serve, uint32_t request, const struct ipc_trace *what)
{
	struct tracing_place place = { .core = serve->core };
	if (serve->tracing == NULL || serve->conf == NULL) {
		return; /* the supervisor asks when we are ready only */
	}
	set_wall(serve);
	place.config = core_config_of(serve->conf);
	place.outgoing = serve->conf->outgoing;
	place.outgoing_count = serve->conf->outgoing_count;
	if (trusting_copy(serve->trusting, &place.config.anchors) != BH_OK) {
		log_fatal("out of memory for the trust anchors");
	}
	if (tracing_begin(serve->tracing, request, what, &place)) {
		pump_later(serve);
	}
}

uint64_t serve_flush(struct serve *serve, const struct ipc_flush *what)
{
	return serve->core == NULL ? 0 : core_flush(serve->core, what);
}

void serve_stop(struct serve *serve)
{
	struct timeval tv = { .tv_sec = STOP_MS / 1000 };
	serve->stopping = true;
	for (size_t i = 0; i < serve->links.count; i++) {
		(void)event_del(serve->links.links[i].event);
	}
	flush_replies(serve);
	if (is_done(serve) || event_add(serve->stop_timer, &tv) != 0) {
		(void)event_base_loopbreak(serve->base);
	}
}
