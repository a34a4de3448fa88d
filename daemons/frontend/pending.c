/*
 * The tables of questions in work: by question, by token, by deadline; and who waits.
 *
 * A token is 40 random bits and 24 bits of a slot number, so finding a job costs one look. Slots are
 * used again, tokens are not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/pending.h"

#include "common/dns/dname.h"
#include "common/util/rand.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BITS 24
#define SLOT_NONE UINT32_MAX
#define JOB_BUCKETS 16384
/* Octets of an IPv6 address that make a client, and a site. */
#define CLIENT_OCTETS 8
#define SITE_OCTETS 7

struct slot {
	struct job *job; /* NULL: free */
	uint32_t next_free;
};

struct pending {
	struct job *buckets[JOB_BUCKETS];
	struct party_table clients;
	struct party_table sites;
	struct slot *slots;
	uint32_t slot_count;
	uint32_t free_slot;
	struct job *oldest;
	struct job *newest;
	uint32_t waiters;
	uint32_t refreshes;
	struct pending_bounds bounds;
};

struct pending *pending_new(void)
{
	struct pending *p = calloc(1, sizeof(*p));
	if (p != NULL) {
		party_init(&p->clients, CLIENT_OCTETS);
		party_init(&p->sites, SITE_OCTETS);
		p->free_slot = SLOT_NONE;
	}
	return p;
}

void pending_free(struct pending *p)
{
	if (p != NULL) {
		assert(p->oldest == NULL && p->waiters == 0);
		free(p->slots);
		free(p);
	}
}

void pending_limits(struct pending *p, const struct pending_bounds *bounds)
{
	p->bounds = *bounds;
}

enum pending_verdict pending_admit(struct pending *p, const struct origin *origin, struct waiter **victim)
{
	const struct party *client = party_find(&p->clients, &origin->client);
	const struct party *site = party_find(&p->sites, &origin->client);
	uint32_t most = origin->proven ? p->bounds.per_client : p->bounds.per_unproven;

	if ((client != NULL && client->waiting >= most) ||
	    (site != NULL && site->waiting / SITE_CLIENTS >= most)) {
		return PENDING_CLIENT_FULL;
	}
	if (p->waiters < p->bounds.waiters) {
		return PENDING_ADMITTED;
	}
	const struct party *heaviest = party_heaviest(&p->sites);
	if (heaviest == NULL || heaviest->waiting / 2 <= (site == NULL ? 0 : site->waiting)) {
		return PENDING_FULL;
	}
	*victim = TAILQ_FIRST(&heaviest->line);
	return PENDING_INSTEAD;
}

/* --- jobs ------------------------------------------------------------------------------------------ */

static struct job **bucket_of(const struct pending *p, uint64_t hash)
{
	return (struct job **)&p->buckets[hash % JOB_BUCKETS];
}

struct job *pending_find(const struct pending *p, const struct cache_key *key)
{
	struct job *job = *bucket_of(p, key->hash);
	while (job != NULL && (job->key.hash != key->hash || job->key.qtype != key->qtype ||
			       job->key.flags != key->flags || job->key.qname_len != key->qname_len ||
			       memcmp(job->qname, key->qname, key->qname_len) != 0)) {
		job = job->chain;
	}
	return job;
}

/* A free slot, or SLOT_NONE: memory or numbers are out. */
static uint32_t take_slot(struct pending *p)
{
	if (p->free_slot == SLOT_NONE) {
		uint32_t count = p->slot_count == 0 ? 256 : p->slot_count * 2;
		if (count > (uint32_t)1 << SLOT_BITS) {
			return SLOT_NONE;
		}
		struct slot *slots = reallocarray(p->slots, count, sizeof(*slots));
		if (slots == NULL) {
			return SLOT_NONE;
		}
		for (uint32_t i = count; i-- > p->slot_count;) {
			slots[i] = (struct slot){ .job = NULL, .next_free = p->free_slot };
			p->free_slot = i;
		}
		p->slots = slots;
		p->slot_count = count;
	}
	uint32_t slot = p->free_slot;
	p->free_slot = p->slots[slot].next_free;
	return slot;
}

void job_new_token(struct pending *p, struct job *job)
{
	(void)p;
	job->token = rand_u64() << SLOT_BITS | job->slot;
}

struct job *pending_by_token(const struct pending *p, uint64_t token)
{
	uint32_t slot = (uint32_t)(token & (((uint64_t)1 << SLOT_BITS) - 1));
	if (slot >= p->slot_count || p->slots[slot].job == NULL || p->slots[slot].job->token != token) {
		return NULL;
	}
	return p->slots[slot].job;
}

struct job *job_new(struct pending *p, const struct cache_key *key, uint64_t deadline_ms)
{
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return NULL;
	}
	job->slot = take_slot(p);
	if (job->slot == SLOT_NONE) {
		free(job);
		return NULL;
	}
	p->slots[job->slot].job = job;
	job_new_token(p, job);
	job->key = *key;
	memcpy(job->qname, key->qname, key->qname_len);
	job->key.qname = job->qname;
	struct job **bucket = bucket_of(p, key->hash);
	job->chain = *bucket;
	*bucket = job;

	job->deadline_ms = deadline_ms;
	job->older = p->newest;
	if (p->newest != NULL) {
		p->newest->newer = job;
	} else {
		p->oldest = job;
	}
	p->newest = job;
	region_init(&job->region, 4096, JOB_REGION_MAX);
	p->refreshes += (key->flags & KEY_REFRESH) != 0;
	return job;
}

void job_free(struct pending *p, struct job *job)
{
	assert(LIST_EMPTY(&job->waiters));
	p->refreshes -= (job->key.flags & KEY_REFRESH) != 0;
	job_unlink(job);
	struct job **at = bucket_of(p, job->key.hash);
	while (*at != job) {
		at = &(*at)->chain;
	}
	*at = job->chain;
	if (job->older != NULL) {
		job->older->newer = job->newer;
	} else {
		p->oldest = job->newer;
	}
	if (job->newer != NULL) {
		job->newer->older = job->older;
	} else {
		p->newest = job->older;
	}
	p->slots[job->slot] = (struct slot){ .job = NULL, .next_free = p->free_slot };
	p->free_slot = job->slot;
	/*
	 * DESIGN 2.2: an internal question or answer does not stay in freed memory, which the next job of this
	 * size may take long to come by.
	 */
	region_wipe(&job->region);
	explicit_bzero(job, sizeof(*job));
	free(job);
}

void waiter_free(struct waiter *waiter)
{
	explicit_bzero(waiter, sizeof(*waiter)); /* it holds the question in the client's spelling */
	free(waiter);
}

void job_link(struct job *job, struct job **head)
{
	job_unlink(job);
	job->link_prev = NULL;
	job->link_next = *head;
	if (*head != NULL) {
		(*head)->link_prev = job;
	}
	*head = job;
	job->link_head = head;
}

void job_unlink(struct job *job)
{
	if (job->link_head == NULL) {
		return;
	}
	if (job->link_prev != NULL) {
		job->link_prev->link_next = job->link_next;
	} else {
		*job->link_head = job->link_next;
	}
	if (job->link_next != NULL) {
		job->link_next->link_prev = job->link_prev;
	}
	job->link_head = NULL;
}

struct job *pending_oldest(const struct pending *p)
{
	return p->oldest;
}

/* --- waiters ----------------------------------------------------------------------------------------- */

int waiter_new(struct pending *p, struct job *job, const struct origin *origin, const struct reply_to *to,
	       uint64_t now_ms)
{
	struct waiter *w = malloc(sizeof(*w));
	struct party *client = w == NULL ? NULL : party_join(&p->clients, &origin->client);
	struct party *site = client == NULL ? NULL : party_join(&p->sites, &origin->client);
	if (site == NULL) {
		if (client != NULL) {
			party_leave(&p->clients, client);
		}
		free(w);
		return BH_ENOMEM;
	}
	w->client = client;
	w->site = site;
	w->since_ms = now_ms;
	w->origin = *origin;
	w->to = *to;
	w->job = job;
	LIST_INSERT_HEAD(&job->waiters, w, job_entry);
	TAILQ_INSERT_TAIL(&site->line, w, site_entry);
	job->light = job->light || site->waiting <= LIGHT_ANSWERS;
	p->waiters++;
	return BH_OK;
}

void waiter_take(struct pending *p, struct waiter *w)
{
	LIST_REMOVE(w, job_entry);
	TAILQ_REMOVE(&w->site->line, w, site_entry);
	party_leave(&p->clients, w->client);
	party_leave(&p->sites, w->site);
	w->job = NULL;
	p->waiters--;
}

bool waiter_is_late(const struct waiter *w, uint64_t now_ms)
{
	return !w->origin.proven && now_ms - w->since_ms >= LATE_MS && w->client->waiting > LATE_ANSWERS;
}

bool job_is_light(const struct job *job)
{
	return job->light;
}

uint8_t job_forms(const struct job *job)
{
	const struct waiter *w;
	uint8_t forms = job->refresh_forms;
	LIST_FOREACH(w, &job->waiters, job_entry) {
		forms |= (uint8_t)reply_form(&w->to);
	}
	return forms;
}

void pending_take_listener(struct pending *p, const struct listener *listener, struct waiter_list *taken)
{
	LIST_INIT(taken);
	for (struct job *job = p->oldest; job != NULL; job = job->newer) {
		for (struct waiter *w = LIST_FIRST(&job->waiters), *next; w != NULL; w = next) {
			next = LIST_NEXT(w, job_entry);
			if (w->origin.listener == listener) {
				waiter_take(p, w);
				LIST_INSERT_HEAD(taken, w, job_entry);
			}
		}
	}
}

bool pending_may_refresh(const struct pending *p)
{
	return p->refreshes < p->bounds.waiters / REFRESH_SHARE;
}

uint32_t pending_count(const struct pending *p)
{
	return p->waiters;
}
