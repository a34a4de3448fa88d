/*
 * What a look shows. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/watch.h"

#include "common/util/count.h"
#include "common/util/region.h"
#include "daemons/ctl/grid.h"
#include "daemons/ctl/human.h"
#include "daemons/ctl/json.h"
#include "daemons/ctl/rates.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIME_MAX 32
#define TOP_MAX 200

/* Columns of the table of roles: sums of counters, under the names that the roles have for them. */
static const struct {
	const char *title;
	const char *names[3]; /* summed up */
} columns[] = {
	{ "queries", { "udp_queries", "tcp_queries", "link_queries" } },
	{ "noerror", { "noerror", NULL, NULL } },
	{ "nxdomain", { "nxdomain", NULL, NULL } },
	{ "servfail", { "servfail", NULL, NULL } },
	{ "refused", { "refused", NULL, NULL } },
	{ "truncated", { "truncated", NULL, NULL } },
	{ "cached", { "cache_hits", "cache_answers", NULL } },
};
#define COLUMNS COUNT(columns)
#define COLUMN_QUERIES 0

static const char *time_text(uint64_t sec, char out[TIME_MAX])
{
	time_t time = (time_t)sec;
	struct tm tm;
	if (gmtime_r(&time, &tm) == NULL || strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		snprintf(out, TIME_MAX, "%" PRIu64, sec);
	}
	return out;
}

static bool is_before(const struct rates *rates, size_t until, bool workers)
{
	const struct rate *wanted = &rates->list[until];
	for (size_t i = 0; i < until; i++) {
		const struct rate *rate = &rates->list[i];
		if (strcmp(rate->role, wanted->role) == 0 && strcmp(rate->view, wanted->view) == 0 &&
		    (!workers || rate->index == wanted->index)) {
			return true;
		}
	}
	return false;
}

static bool is_zone(const struct rate *rate)
{
	return strcmp(rate->role, "zone") == 0;
}

/* Of a role and view (like->index is not looked at), or of one worker. */
static uint64_t column_of(const struct rates *rates, const struct rate *like, bool worker, size_t column)
{
	uint64_t sum = 0;
	for (size_t n = 0; n < 3 && columns[column].names[n] != NULL; n++) {
		const char *name = columns[column].names[n];
		sum += worker ? rates_of(rates, like, name) : rates_sum(rates, like->role, like->view, name);
	}
	if (column == COLUMN_QUERIES && strcmp(like->role, "resolver") == 0) {
		sum = worker ? rates_of(rates, like, "queries") : rates_sum(rates, like->role, like->view, "queries");
	}
	return sum;
}

static int add_role(struct grid *grid, const struct rates *rates, const struct rate *like, bool worker, uint64_t ms)
{
	char text[HUMAN_MAX];
	int rc = grid_row(grid, false);
	rc = rc == BH_OK ? grid_set(grid, 0, worker ? "" : like->role, TONE_PLAIN) : rc;
	rc = rc == BH_OK ? grid_set(grid, 1, worker ? "" : like->view, TONE_PLAIN) : rc;
	if (worker) {
		snprintf(text, sizeof(text), "%u", like->index);
		rc = rc == BH_OK ? grid_set(grid, 2, text, TONE_FAINT) : rc;
	}
	for (size_t c = 0; c < COLUMNS && rc == BH_OK; c++) {
		uint64_t more = column_of(rates, like, worker, c);
		enum tone tone = more > 0 && strcmp(columns[c].title, "servfail") == 0 ? TONE_WARN
				 : worker						? TONE_FAINT
											: TONE_PLAIN;
		rc = more == 0 && c != COLUMN_QUERIES ? BH_OK : grid_set(grid, (unsigned)c + 3, human_rate(more, ms, text), tone);
	}
	return rc;
}

static unsigned count_groups(const struct rates *rates, bool workers)
{
	unsigned count = 0;
	for (size_t i = 0; i < rates->count; i++) {
		count += !is_zone(&rates->list[i]) && !is_before(rates, i, workers);
	}
	return count;
}

/* Roles and, where there is room, their workers. *lines: how many it took. */
static int draw_roles(FILE *out, struct region *region, const struct rates *rates, const struct watch_screen *screen,
		      bool workers, unsigned *lines)
{
	struct grid *grid = grid_new(region);
	if (grid == NULL) {
		return BH_ENOMEM;
	}
	int rc = grid_column(grid, "role", false);
	rc = rc >= 0 ? grid_column(grid, "view", false) : rc;
	rc = rc >= 0 ? grid_column(grid, "worker", false) : rc;
	for (size_t c = 0; c < COLUMNS && rc >= 0; c++) {
		rc = grid_column(grid, columns[c].title, true);
	}
	rc = rc > 0 ? BH_OK : rc;
	*lines = 1;
	for (size_t i = 0; i < rates->count && rc == BH_OK; i++) {
		const struct rate *rate = &rates->list[i];
		if (is_zone(rate) || is_before(rates, i, false)) {
			continue;
		}
		rc = add_role(grid, rates, rate, false, screen->ms);
		++*lines;
		for (size_t w = i; w < rates->count && workers && rc == BH_OK; w++) {
			const struct rate *worker = &rates->list[w];
			if (strcmp(worker->role, rate->role) == 0 && strcmp(worker->view, rate->view) == 0 &&
			    !is_before(rates, w, true)) {
				rc = add_role(grid, rates, worker, true, screen->ms);
				++*lines;
			}
		}
	}
	if (rc == BH_OK) {
		grid_print(out, grid, &(struct grid_look){ .colour = screen->colour, .width = screen->width });
	}
	return rc;
}

static void quantile_text(const struct rates *rates, const char *role, unsigned permille, char *out, size_t size)
{
	uint64_t ms;
	if (!rates_quantile(rates, role, permille, &ms)) {
		snprintf(out, size, "-");
	} else if (ms == UINT64_MAX) {
		snprintf(out, size, "long");
	} else {
		snprintf(out, size, "<%" PRIu64 "ms", ms);
	}
}

/* Answers that had to be waited for. Returns lines. */
static unsigned draw_latency(FILE *out, const struct rates *rates)
{
	static const char *const roles[] = { "frontend", "resolver" };
	static const unsigned permilles[] = { 500, 900, 990 };
	unsigned lines = 0;
	for (size_t r = 0; r < COUNT(roles); r++) {
		bool any = false;
		for (size_t i = 0; i < rates->count && !any; i++) {
			any = strcmp(rates->list[i].role, roles[r]) == 0;
		}
		if (!any) {
			continue;
		}
		fprintf(out, "%s%s waits:", lines > 0 ? "" : "\n", roles[r]);
		for (size_t p = 0; p < COUNT(permilles); p++) {
			char text[32];
			quantile_text(rates, roles[r], permilles[p], text, sizeof(text));
			fprintf(out, "  %u%% %s", permilles[p] / 10, text);
		}
		fputc('\n', out);
		lines += lines == 0 ? 2 : 1;
	}
	return lines;
}

static bool is_in_columns(const char *name)
{
	for (size_t c = 0; c < COLUMNS; c++) {
		for (size_t n = 0; n < 3 && columns[c].names[n] != NULL; n++) {
			if (strcmp(columns[c].names[n], name) == 0) {
				return true;
			}
		}
	}
	return strcmp(name, "queries") == 0 || strcmp(name, "opcode_query") == 0;
}

/* A counter of all workers of a role and view. */
struct top {
	const struct rate *like;
	uint64_t more, value;
};

static int by_more(const void *a, const void *b)
{
	const struct top *x = a;
	const struct top *y = b;
	if (x->more != y->more) {
		return x->more < y->more ? 1 : -1;
	}
	return strcmp(x->like->name, y->like->name);
}

/* Worker 0 comes first, and rows of it stand for all; a counter that only others have is told with the first that has it. */
static size_t collect_top(const struct rates *rates, struct top *top)
{
	size_t count = 0;
	for (size_t i = 0; i < rates->count; i++) {
		const struct rate *rate = &rates->list[i];
		size_t t = 0;
		if (rate->gauge || rate->more == 0 || is_in_columns(rate->name) || rates_is_bucket(rate->name)) {
			continue;
		}
		while (t < count && (strcmp(top[t].like->name, rate->name) != 0 || strcmp(top[t].like->view, rate->view) != 0 ||
				     strcmp(top[t].like->role, rate->role) != 0)) {
			t++;
		}
		if (t == TOP_MAX) {
			continue;
		}
		if (t == count) {
			top[count++] = (struct top){ .like = rate };
		}
		top[t].more += rate->more;
		top[t].value += rate->value;
	}
	qsort(top, count, sizeof(*top), by_more);
	return count;
}

static int draw_top(FILE *out, struct region *region, const struct rates *rates, const struct watch_screen *screen,
		    unsigned lines)
{
	struct top top[TOP_MAX];
	char text[HUMAN_MAX];
	size_t count = collect_top(rates, top);
	if (lines < 3 || count == 0) {
		return BH_OK;
	}
	struct grid *grid = grid_new(region);
	if (grid == NULL) {
		return BH_ENOMEM;
	}
	int rc = grid_column(grid, "role", false);
	rc = rc >= 0 ? grid_column(grid, "view", false) : rc;
	rc = rc >= 0 ? grid_column(grid, "most frequent", false) : rc;
	rc = rc >= 0 ? grid_column(grid, "per second", true) : rc;
	rc = rc >= 0 ? grid_column(grid, "so far", true) : rc;
	rc = rc > 0 ? BH_OK : rc;
	for (size_t t = 0; t < count && t < lines - 2 && rc == BH_OK; t++) {
		rc = grid_row(grid, false);
		rc = rc == BH_OK ? grid_set(grid, 0, top[t].like->role, TONE_PLAIN) : rc;
		rc = rc == BH_OK ? grid_set(grid, 1, top[t].like->view, TONE_PLAIN) : rc;
		rc = rc == BH_OK ? grid_set(grid, 2, top[t].like->name, TONE_PLAIN) : rc;
		rc = rc == BH_OK ? grid_set(grid, 3, human_rate(top[t].more, screen->ms, text), TONE_PLAIN) : rc;
		rc = rc == BH_OK ? grid_set(grid, 4, human_count(top[t].value, text), TONE_FAINT) : rc;
	}
	if (rc == BH_OK) {
		fputc('\n', out);
		grid_print(out, grid, &(struct grid_look){ .colour = screen->colour, .width = screen->width });
	}
	return rc;
}

int watch_draw(FILE *out, struct region *region, const struct rates *rates, const struct watch_screen *wanted)
{
	struct watch_screen screen = *wanted;
	char time[TIME_MAX];
	char total[HUMAN_MAX];
	char interval[HUMAN_MAX];
	unsigned lines = 0;
	uint64_t queries = 0;
	screen.width = screen.width < WATCH_WIDTH_MIN ? WATCH_WIDTH_MIN : screen.width;
	for (size_t i = 0; i < rates->count; i++) {
		const struct rate *rate = &rates->list[i];
		/* What clients asked; what roles ask each other was counted there already. */
		bool asked = strcmp(rate->name, "udp_queries") == 0 || strcmp(rate->name, "tcp_queries") == 0;
		queries += asked ? rate->more : 0;
	}
	tone_print(out, screen.colour, TONE_TITLE, human_rate(queries, screen.ms, total));
	fprintf(out, " queries per second  %s  every %s\n\n", time_text(screen.now_sec, time),
		human_duration((screen.ms + 500) / 1000, interval));
	unsigned used = 2;
	const unsigned latency = 3; /* at most */
	unsigned whole = used + 1 + count_groups(rates, false) + count_groups(rates, true) + latency;
	bool workers = screen.verbose || screen.height == 0 || whole <= screen.height;
	int rc = draw_roles(out, region, rates, &screen, workers, &lines);
	used += lines;
	if (rc == BH_OK && (screen.height == 0 || used + latency <= screen.height)) {
		used += draw_latency(out, rates);
	}
	if (rc == BH_OK) {
		unsigned left = screen.height == 0 ? TOP_MAX + 2 : screen.height > used ? screen.height - used : 0;
		rc = draw_top(out, region, rates, &screen, left);
	}
	return rc;
}

void watch_line(FILE *out, const struct rates *rates, uint64_t ms, uint64_t now_sec)
{
	char time[TIME_MAX];
	fputs(time_text(now_sec, time), out);
	for (size_t i = 0; i < rates->count; i++) {
		const struct rate *rate = &rates->list[i];
		char number[HUMAN_MAX];
		struct region region;
		if (is_zone(rate) || is_before(rates, i, false)) {
			continue;
		}
		region_init(&region, 4096, 64u << 10);
		const char *view = text_printable(&region, rate->view);
		const char *role = text_printable(&region, rate->role);
		fprintf(out, " %s%s%s=%s", role == NULL ? "" : role, rate->view[0] == '\0' ? "" : ".", view == NULL ? "" : view,
			human_rate(column_of(rates, rate, false, COLUMN_QUERIES), ms, number));
		region_clear(&region);
	}
	fputc('\n', out);
}

void watch_json(FILE *out, const struct rates *rates, uint64_t ms, uint64_t now_sec)
{
	char time[TIME_MAX];
	const char *before = "";
	fprintf(out, "{\"time\":\"%s\",\"interval_ms\":%" PRIu64 ",\"counter\":[", time_text(now_sec, time), ms);
	for (size_t i = 0; i < rates->count; i++) {
		const struct rate *rate = &rates->list[i];
		if (rate->value == 0) {
			continue;
		}
		fprintf(out, "%s{\"role\":", before);
		json_string(out, rate->role);
		fputs(",\"view\":", out);
		json_string(out, rate->view);
		fprintf(out, ",\"index\":%u,\"name\":", rate->index);
		json_string(out, rate->name);
		fprintf(out, ",\"value\":%" PRIu64, rate->value);
		if (!rate->gauge && ms > 0) {
			fprintf(out, ",\"per_second\":%.3f", (double)rate->more * 1000 / (double)ms);
		}
		fputc('}', out);
		before = ",";
	}
	fputs("]}\n", out);
}
