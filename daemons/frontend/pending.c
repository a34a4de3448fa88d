/*
 * The tables of questions in work: by question, by token, by deadline; and the counts per client.
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
#define CLIENT_BUCKETS 4096

/* How many answers one client address waits for. */
struct client {
	struct client *next;
	struct addr addr; /* port 0 */
	uint32_t waiting;
};

struct slot {
	struct job *job; /* NULL: free */
	uint32_t next_free;
};

struct pending {
	struct job *buckets[JOB_BUCKETS];
	struct client *clients[CLIENT_BUCKETS];
	struct siphash_key client_key;
	struct slot *slots;
	uint32_t slot_count;
	uint32_t free_slot;
	struct job *oldest;
	struct job *newest;
	uint32_t waiters;
	uint32_t waiters_max;
	uint32_t per_client_max;
};

struct pending *pending_new(void)
{
	struct pending *p = calloc(1, sizeof(*p));
	if (p != NULL) {
		rand_bytes(&p->client_key, sizeof(p->client_key));
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

void pending_limits(struct pending *p, uint32_t waiters, uint32_t per_client)
{
	p->waiters_max = waiters;
	p->per_client_max = per_client;
}

/* --- counts per client ---------------------------------------------------------------------------- */

static struct client **client_bucket(struct pending *p, const struct addr *addr)
{
	return &p->clients[siphash(&p->client_key, addr->bytes, addr_size(addr)) % CLIENT_BUCKETS];
}

static struct client **find_client(struct pending *p, const struct addr *addr)
{
	struct client **at = client_bucket(p, addr);
	while (*at != NULL && !addr_same_host(&(*at)->addr, addr)) {
		at = &(*at)->next;
	}
	return at;
}

static int count_client(struct pending *p, const struct addr *addr)
{
	struct client **at = find_client(p, addr);
	if (*at == NULL) {
		*at = calloc(1, sizeof(**at));
		if (*at == NULL) {
			return BH_ENOMEM;
		}
		(*at)->addr = *addr;
	}
	(*at)->waiting++;
	return BH_OK;
}

static void discount_client(struct pending *p, const struct addr *addr)
{
	struct client **at = find_client(p, addr);
	assert(*at != NULL && (*at)->waiting > 0);
	if (--(*at)->waiting == 0) {
		struct client *gone = *at;
		*at = gone->next;
		free(gone);
	}
}

int pending_admit(const struct pending *p, const struct addr *addr)
{
	if (p->waiters >= p->waiters_max) {
		return BH_ELIMIT;
	}
	const struct client *c = *find_client((struct pending *)p, addr);
	return (c == NULL ? 0 : c->waiting) >= p->per_client_max ? BH_ELIMIT : BH_OK;
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
	return job;
}

void job_free(struct pending *p, struct job *job)
{
	assert(job->waiters == NULL);
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

int waiter_new(struct pending *p, struct job *job, const struct origin *origin, const struct reply_to *to)
{
	struct waiter *w = malloc(sizeof(*w));
	if (w == NULL) {
		return BH_ENOMEM;
	}
	if (count_client(p, &origin->client) != BH_OK) {
		free(w);
		return BH_ENOMEM;
	}
	w->origin = *origin;
	w->to = *to;
	w->job = job;
	w->next = job->waiters;
	job->waiters = w;
	p->waiters++;
	return BH_OK;
}

/* Take out the waiter at *at. */
static struct waiter *take(struct pending *p, struct waiter **at)
{
	struct waiter *w = *at;
	*at = w->next;
	w->next = NULL;
	w->job = NULL;
	discount_client(p, &w->origin.client);
	p->waiters--;
	return w;
}

struct waiter *job_take_waiter(struct pending *p, struct job *job)
{
	return job->waiters == NULL ? NULL : take(p, &job->waiters);
}

struct waiter *pending_take_listener(struct pending *p, const struct listener *listener)
{
	struct waiter *taken = NULL;
	for (struct job *job = p->oldest; job != NULL; job = job->newer) {
		for (struct waiter **at = &job->waiters; *at != NULL;) {
			if ((*at)->origin.listener != listener) {
				at = &(*at)->next;
				continue;
			}
			struct waiter *w = take(p, at);
			w->next = taken;
			taken = w;
		}
	}
	return taken;
}

uint32_t pending_count(const struct pending *p)
{
	return p->waiters;
}
