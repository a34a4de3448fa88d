/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/rates.h"

#include "common/util/count.h"
#include "daemons/ctl/answer.h"

#include <stdlib.h>
#include <string.h>

/* A histogram of ours has 16 buckets; roles may have more one day. */
#define BUCKETS_MAX 64

static bool is_gauge(const char *name)
{
	static const char *const gauges[] = { "cache_entries", "cache_bytes", "cache_infra_bytes", "cache_limit", "pending" };
	for (size_t i = 0; i < COUNT(gauges); i++) {
		if (strcmp(gauges[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static void read_row(const struct answer_row *row, bool zone, struct rate *out)
{
	*out = (struct rate){
		.role = zone ? "zone" : answer_text(row, "role"),
		.view = answer_text(row, "view"),
		.index = (unsigned)answer_number(row, "index"),
		.name = answer_text(row, zone ? "zone" : "name"),
		.value = answer_number(row, zone ? "queries" : "value"),
	};
	out->gauge = !zone && is_gauge(out->name);
}

static bool same(const struct rate *a, const struct rate *b)
{
	return a->index == b->index && strcmp(a->name, b->name) == 0 && strcmp(a->view, b->view) == 0 &&
	       strcmp(a->role, b->role) == 0;
}

/*
 * The row of before that this one continues: *at is where the search begins and is moved behind it. Rows nearly always come
 * in the same order, so it is the next one.
 */
static bool find_before(const struct answer_table *table, bool zone, const struct answer_row **at,
			const struct rate *wanted, uint64_t *value)
{
	const struct answer_row *row = *at;
	for (unsigned i = 0; table != NULL && i < table->rows; i++) {
		struct rate rate;
		row = row == NULL ? table->first : row;
		read_row(row, zone, &rate);
		const struct answer_row *next = row->next;
		if (same(&rate, wanted)) {
			*value = rate.value;
			*at = next;
			return true;
		}
		row = next;
	}
	return false;
}

static void read_table(const struct answer *before, const struct answer *now, bool zone, struct rates *out)
{
	const char *name = zone ? "zone_counter" : "counter";
	const struct answer_table *old = before == NULL ? NULL : answer_table(before, name);
	const struct answer_table *table = answer_table(now, name);
	const struct answer_row *at = NULL;
	for (const struct answer_row *row = table == NULL ? NULL : table->first; row != NULL; row = row->next) {
		struct rate *rate = &out->list[out->count++];
		uint64_t value = 0;
		read_row(row, zone, rate);
		if (before == NULL || rate->gauge) {
			continue;
		}
		/* Counters of many at zero are left out of an answer: one that is new was 0. */
		(void)find_before(old, zone, &at, rate, &value);
		rate->more = rate->value >= value ? rate->value - value : rate->value;
	}
}

int rates_between(const struct answer *before, const struct answer *now, struct region *region, struct rates *out)
{
	const struct answer_table *counters = answer_table(now, "counter");
	const struct answer_table *zones = answer_table(now, "zone_counter");
	size_t room = (counters == NULL ? 0 : counters->rows) + (zones == NULL ? 0 : zones->rows);
	*out = (struct rates){ .list = region_alloc(region, (room + 1) * sizeof(struct rate)) };
	if (out->list == NULL) {
		return BH_ENOMEM;
	}
	read_table(before, now, false, out);
	read_table(before, now, true, out);
	return BH_OK;
}

uint64_t rates_sum(const struct rates *rates, const char *role, const char *view, const char *name)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < rates->count; i++) {
		const struct rate *rate = &rates->list[i];
		if (strcmp(rate->role, role) == 0 && (view == NULL || strcmp(rate->view, view) == 0) &&
		    strcmp(rate->name, name) == 0) {
			sum += rate->gauge ? rate->value : rate->more;
		}
	}
	return sum;
}

uint64_t rates_of(const struct rates *rates, const struct rate *like, const char *name)
{
	for (size_t i = 0; i < rates->count; i++) {
		const struct rate *rate = &rates->list[i];
		if (rate->index == like->index && strcmp(rate->role, like->role) == 0 &&
		    strcmp(rate->view, like->view) == 0 && strcmp(rate->name, name) == 0) {
			return rate->gauge ? rate->value : rate->more;
		}
	}
	return 0;
}

/* The upper end of a bucket by its name; UINT64_MAX for the last. False: it is none. */
static bool bucket_end(const char *name, uint64_t *end)
{
	static const char *const begins[] = { "wait_below_", "latency_under_" };
	for (size_t i = 0; i < COUNT(begins); i++) {
		size_t len = strlen(begins[i]);
		char *unit;
		if (strncmp(name, begins[i], len) == 0) {
			*end = strtoull(name + len, &unit, 10);
			return strcmp(unit, "ms") == 0;
		}
	}
	*end = UINT64_MAX;
	return strcmp(name, "wait_longer") == 0 || strcmp(name, "latency_longer") == 0;
}

bool rates_is_bucket(const char *name)
{
	uint64_t end;
	return bucket_end(name, &end);
}

bool rates_quantile(const struct rates *rates, const char *role, unsigned permille, uint64_t *ms)
{
	struct {
		uint64_t end, count;
	} buckets[BUCKETS_MAX];
	size_t count = 0;
	uint64_t all = 0;
	for (size_t i = 0; i < rates->count; i++) {
		const struct rate *rate = &rates->list[i];
		uint64_t end;
		size_t b = 0;
		if (strcmp(rate->role, role) != 0 || !bucket_end(rate->name, &end)) {
			continue;
		}
		while (b < count && buckets[b].end != end) {
			b++;
		}
		if (b == BUCKETS_MAX) {
			continue;
		}
		if (b == count) {
			buckets[b].end = end;
			buckets[b].count = 0;
			count++;
		}
		buckets[b].count += rate->more;
		all += rate->more;
	}
	/* Buckets at zero are left out of an answer, and workers differ in that: their order is not given. */
	uint64_t below = 0;
	uint64_t last = 0;
	bool any = false;
	uint64_t wanted = all / 1000 * permille + (all % 1000 * permille + 999) / 1000;
	while (all > 0 && (!any || below < wanted)) {
		uint64_t next = UINT64_MAX;
		size_t at = count;
		for (size_t b = 0; b < count; b++) {
			if ((!any || buckets[b].end > last) && buckets[b].end <= next) {
				next = buckets[b].end;
				at = b;
			}
		}
		if (at == count) {
			break;
		}
		any = true;
		last = next;
		below += buckets[at].count;
	}
	*ms = last;
	return any;
}
