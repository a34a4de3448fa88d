/*
 * Jobs and who waits for them: what goes first when a link is full.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/pending.h"

#include "common/dns/dname.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { FLOOD = 2000 };

static struct pending *pending;

static void setup(void)
{
	pending = pending_new();
	cr_assert_not_null(pending);
	pending_limits(pending, &(struct pending_bounds){ .waiters = 3 * FLOOD, .per_client = FLOOD, .per_unproven = FLOOD });
}

static struct job *make_job(unsigned number)
{
	char text[32];
	uint8_t name[DNAME_MAX];
	struct cache_key key = { .qname = name, .hash = number };
	snprintf(text, sizeof(text), "j%u.example", number);
	key.qname_len = (uint8_t)dname_from_text(text, name);
	struct job *job = job_new(pending, &key, number);
	cr_assert_not_null(job);
	return job;
}

static void wait_for(struct job *job, const char *client)
{
	struct origin origin = { .listener = (struct listener *)&pending };
	struct reply_to to = { .id = 1 };
	cr_assert_eq(addr_parse(client, 0, &origin.client), BH_OK);
	cr_assert_eq(waiter_new(pending, job, &origin, &to, 1), BH_OK);
}

static void end(struct job *job)
{
	struct waiter *w;
	while ((w = LIST_FIRST(&job->waiters)) != NULL) {
		waiter_take(pending, w);
		waiter_free(w);
	}
	job_free(pending, job);
}

Test(pending, first_answers_of_a_site_are_light, .init = setup)
{
	struct job *jobs[LIGHT_ANSWERS + 2];
	for (unsigned i = 0; i < LIGHT_ANSWERS + 2; i++) {
		jobs[i] = make_job(i);
		cr_assert_not(job_is_light(jobs[i]), "nobody waits");
		wait_for(jobs[i], "192.0.2.1");
		cr_assert_eq(job_is_light(jobs[i]), i < LIGHT_ANSWERS, "%u", i);
	}
	/* Somebody else wants the same, and does not wait for much. */
	wait_for(jobs[LIGHT_ANSWERS + 1], "198.51.100.1");
	cr_assert(job_is_light(jobs[LIGHT_ANSWERS + 1]));
	cr_assert_not(job_is_light(jobs[LIGHT_ANSWERS]));
	for (unsigned i = 0; i < LIGHT_ANSWERS + 2; i++) {
		end(jobs[i]);
	}
	pending_free(pending);
}

Test(pending, flood_on_a_light_job_does_not_make_it_heavy, .init = setup)
{
	struct job *job = make_job(1);
	struct job *other = make_job(2);
	wait_for(job, "198.51.100.1");
	for (unsigned i = 0; i < FLOOD / 2; i++) {
		wait_for(job, "192.0.2.1");
	}
	cr_assert(job_is_light(job));
	wait_for(other, "192.0.2.1");
	cr_assert_not(job_is_light(other));
	/* Who got his answers waits for little again. */
	end(job);
	struct job *third = make_job(3);
	wait_for(third, "192.0.2.1");
	cr_assert(job_is_light(third));
	end(other);
	end(third);
	pending_free(pending);
}
