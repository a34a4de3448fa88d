/*
 * The overview. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/overview.h"

#include "common/util/count.h"
#include "common/util/region.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/ask.h"
#include "daemons/ctl/command.h"
#include "daemons/ctl/grid.h"
#include "daemons/ctl/human.h"
#include "daemons/ctl/print.h"
#include "daemons/ctl/progress.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REGION_OCTETS_MAX (64u << 20)
#define CELL_MAX 600

struct view {
	FILE *out;
	struct region *region;
	const struct answer *answer;
	const struct answer *later;
	const struct print_style *style;
};

static void title(const struct view *view, const char *text)
{
	fputc('\n', view->out);
	tone_print(view->out, view->style->colour, TONE_TITLE, text);
	fputc('\n', view->out);
}

/* Text of a field, fit for a terminal. */
static const char *printable(const struct view *view, const struct answer_row *row, const char *name)
{
	const char *text = text_printable(view->region, answer_text(row, name));
	return text == NULL ? "" : text;
}

static void grid_show(const struct view *view, const struct grid *grid)
{
	grid_print(view->out, grid, &(struct grid_look){ .colour = view->style->colour,
							  .width = view->style->verbose ? 0 : view->style->width });
}

/* --- the first lines ------------------------------------------------------------------------------------- */

static void print_state(const struct view *view, const struct answer_row *appliance)
{
	static const struct {
		const char *word;
		enum tone tone;
	} words[] = {
		[CTL_FINE] = { "HEALTHY", TONE_GOOD },
		[CTL_WARNING] = { "DEGRADED", TONE_WARN },
		[CTL_CRITICAL] = { "CRITICAL", TONE_BAD },
		[CTL_UNKNOWN] = { "UNKNOWN", TONE_BAD },
	};
	char up[HUMAN_MAX];
	const char *text = text_printable(view->region, view->answer->text);
	const char *state = printable(view, appliance, "state");
	tone_print(view->out, view->style->colour, words[view->answer->status].tone, words[view->answer->status].word);
	fprintf(view->out, ": %s\n", text == NULL ? "" : text);
	fprintf(view->out, "Bulkhead %s%s%s, up %s, generation %" PRIu64 ", %" PRIu64 " worker%s, %s\n",
		printable(view, appliance, "version"), strcmp(state, "running") == 0 ? "" : " is ",
		strcmp(state, "running") == 0 ? "" : state, human_duration(answer_number(appliance, "uptime_sec"), up),
		answer_number(appliance, "generation"), answer_number(appliance, "workers"),
		answer_number(appliance, "workers") == 1 ? "" : "s", printable(view, appliance, "config"));
}

/* --- attention --------------------------------------------------------------------------------------------- */

struct attention {
	const struct view *view;
	unsigned count;
};

/* One line; false: enough were shown. */
static bool attention_line(struct attention *attention, enum tone tone, const char *text)
{
	const struct view *view = attention->view;
	if (attention->count == 0) {
		title(view, "Needs attention");
	}
	if (attention->count++ >= OVERVIEW_ATTENTION_MAX && !view->style->verbose) {
		return false;
	}
	tone_print(view->out, view->style->colour, tone, tone == TONE_BAD ? "! " : "- ");
	fprintf(view->out, "%s\n", text);
	return true;
}

static void appliance_attention(struct attention *attention, const struct answer_row *row)
{
	char since[HUMAN_MAX];
	char text[CELL_MAX];
	uint64_t stuck_sec = answer_number(row, "saving_stuck_sec");
	if (stuck_sec > 0) {
		snprintf(text, sizeof(text), "images and histories are not being written, for %s: is the disk of %s all right?",
			 human_duration(stuck_sec, since), printable(attention->view, row, "state_dir"));
		attention_line(attention, TONE_BAD, text);
	}
}

static void role_attention(struct attention *attention, const struct answer_row *row)
{
	const struct view *view = attention->view;
	char up[HUMAN_MAX];
	char text[CELL_MAX * 2];
	const char *state = printable(view, row, "state");
	const char *name = printable(view, row, "role");
	const char *of = printable(view, row, "view");
	const char *last = printable(view, row, "last_end");
	uint64_t restarts = answer_number(row, "restarts");
	unsigned index = (unsigned)answer_number(row, "index");
	bool up_now = strcmp(state, "running") == 0;
	if (!up_now && strcmp(state, "stopping") != 0) {
		snprintf(text, sizeof(text), "%s %s%s%u is %s%s%s, restarts: %" PRIu64, name, of, of[0] == '\0' ? "" : " ", index,
			 state, last[0] == '\0' ? "" : ": ", last, restarts);
		attention_line(attention, TONE_BAD, text);
	} else if (restarts > 0) {
		snprintf(text, sizeof(text), "%s %s%s%u was restarted %" PRIu64 " time%s, last %s ago: %s", name, of,
			 of[0] == '\0' ? "" : " ", index, restarts, restarts == 1 ? "" : "s",
			 human_duration(answer_number(row, "uptime_sec"), up), last);
		attention_line(attention, TONE_WARN, text);
	}
	const char *capabilities = printable(view, row, "capabilities");
	const char *seccomp = printable(view, row, "seccomp");
	const char *missing = printable(view, row, "missing");
	bool bare = up_now && (strcmp(capabilities, "none") != 0 || strcmp(seccomp, "filter") != 0 || missing[0] != '\0');
	if (bare) {
		snprintf(text, sizeof(text), "%s %s%s%u lacks walls: capabilities %s, seccomp %s%s%s", name, of,
			 of[0] == '\0' ? "" : " ", index, capabilities, seccomp, missing[0] == '\0' ? "" : ", missing ", missing);
		attention_line(attention, TONE_BAD, text);
	}
}

static void zone_attention(struct attention *attention, const struct answer_row *row)
{
	const struct view *view = attention->view;
	char text[CELL_MAX * 2];
	const char *state = printable(view, row, "state");
	bool old = strcmp(state, "old") == 0;
	if (strcmp(state, "serving") == 0) {
		return;
	}
	snprintf(text, sizeof(text), "zone %s (%s) %s: %s", printable(view, row, "zone"), printable(view, row, "view"),
		 old ? "is served from old data" : "is not served", printable(view, row, "detail"));
	attention_line(attention, old ? TONE_WARN : TONE_BAD, text);
}

static void print_attention(const struct view *view)
{
	static const struct {
		const char *table;
		void (*look)(struct attention *attention, const struct answer_row *row);
	} looks[] = { { "appliance", appliance_attention }, { "role", role_attention }, { "zone", zone_attention } };
	struct attention attention = { .view = view };
	for (size_t i = 0; i < COUNT(looks); i++) {
		const struct answer_table *table = answer_table(view->answer, looks[i].table);
		for (const struct answer_row *row = table == NULL ? NULL : table->first; row != NULL; row = row->next) {
			looks[i].look(&attention, row);
		}
	}
	if (attention.count > OVERVIEW_ATTENTION_MAX && !view->style->verbose) {
		fprintf(view->out, "(%u more; -v shows them)\n", attention.count - OVERVIEW_ATTENTION_MAX);
	}
}

/* --- roles ---------------------------------------------------------------------------------------------------- */

/* The workers of one role and view. */
struct group {
	const char *role, *view, *user;
	unsigned running, all;
	uint64_t up_sec; /* of the youngest */
	uint64_t restarts, queries;
};

static bool is_of(const struct answer_row *row, const char *role, const char *view)
{
	return strcmp(answer_text(row, "role"), role) == 0 && strcmp(answer_text(row, "view"), view) == 0;
}

static uint64_t queries_of(const struct answer *answer, const struct group *group)
{
	const struct answer_table *roles = answer == NULL ? NULL : answer_table(answer, "role");
	uint64_t sum = 0;
	for (const struct answer_row *row = roles == NULL ? NULL : roles->first; row != NULL; row = row->next) {
		sum += is_of(row, group->role, group->view) ? answer_number(row, "queries") : 0;
	}
	return sum;
}

static uint64_t at_ms(const struct answer *answer)
{
	const struct answer_table *table = answer == NULL ? NULL : answer_table(answer, "appliance");
	return table == NULL ? 0 : answer_number(table->first, "at_ms");
}

static void make_group(const struct answer_row *first, struct group *group)
{
	*group = (struct group){ .role = answer_text(first, "role"),
				 .view = answer_text(first, "view"),
				 .user = answer_text(first, "user"),
				 .up_sec = UINT64_MAX };
	for (const struct answer_row *row = first; row != NULL; row = row->next) {
		if (!is_of(row, group->role, group->view)) {
			continue;
		}
		uint64_t up = answer_number(row, "uptime_sec");
		group->all++;
		group->running += strcmp(answer_text(row, "state"), "running") == 0;
		group->up_sec = up < group->up_sec ? up : group->up_sec;
		group->restarts += answer_number(row, "restarts");
		group->queries += answer_number(row, "queries");
	}
}

/* Was a row of the same role and view before this one? */
static bool came_before(const struct answer_table *roles, const struct answer_row *until)
{
	for (const struct answer_row *row = roles->first; row != until; row = row->next) {
		if (is_of(row, answer_text(until, "role"), answer_text(until, "view"))) {
			return true;
		}
	}
	return false;
}

static int set_number(struct grid *grid, unsigned column, uint64_t value, enum tone tone)
{
	char text[HUMAN_MAX];
	return value == 0 ? BH_OK : grid_set(grid, column, human_count(value, text), tone);
}

static int add_group(const struct view *view, struct grid *grid, const struct group *group)
{
	char text[64];
	char number[HUMAN_MAX];
	uint64_t ms = at_ms(view->later) - at_ms(view->answer);
	uint64_t later = queries_of(view->later, group);
	bool down = group->running < group->all;
	int rc = grid_row(grid, down);
	rc = rc == BH_OK ? grid_set(grid, 0, group->role, TONE_PLAIN) : rc;
	rc = rc == BH_OK ? grid_set(grid, 1, group->view, TONE_PLAIN) : rc;
	snprintf(text, sizeof(text), "%u of %u", group->running, group->all);
	rc = rc == BH_OK ? grid_set(grid, 2, text, down ? TONE_BAD : TONE_GOOD) : rc;
	rc = rc == BH_OK ? grid_set(grid, 3, human_duration(group->up_sec, number), TONE_PLAIN) : rc;
	rc = rc == BH_OK ? set_number(grid, 4, group->restarts, TONE_WARN) : rc;
	rc = rc == BH_OK ? grid_set(grid, 5, human_count(group->queries, number), TONE_PLAIN) : rc;
	if (rc == BH_OK && view->later != NULL && later >= group->queries) {
		rc = grid_set(grid, 6, human_rate(later - group->queries, ms, number), TONE_PLAIN);
	}
	return rc == BH_OK ? grid_set(grid, 7, group->user, TONE_FAINT) : rc;
}

static int print_roles(const struct view *view)
{
	static const struct {
		const char *title;
		bool right;
	} columns[] = { { "role", false },    { "view", false }, { "running", false }, { "up", true },
			{ "restarts", true }, { "queries", true }, { "per second", true }, { "user", false } };
	const struct answer_table *roles = answer_table(view->answer, "role");
	struct grid *grid = grid_new(view->region);
	int rc = grid == NULL ? BH_ENOMEM : BH_OK;
	if (roles == NULL) {
		return rc;
	}
	for (size_t i = 0; i < COUNT(columns) && rc >= 0; i++) {
		rc = grid_column(grid, columns[i].title, columns[i].right);
	}
	rc = rc > 0 ? BH_OK : rc;
	for (const struct answer_row *row = roles->first; row != NULL && rc == BH_OK; row = row->next) {
		struct group group;
		if (!came_before(roles, row)) {
			make_group(row, &group);
			rc = add_group(view, grid, &group);
		}
	}
	if (rc == BH_OK) {
		title(view, "Roles");
		grid_show(view, grid);
	}
	return rc;
}

/* --- views and their zones ---------------------------------------------------------------------------------------- */

/* "10.0.0.53, fd00::53@5353": ports that are not 53 are told. */
static void addresses_of(const struct view *view, const char *name, char out[CELL_MAX])
{
	const struct answer_table *listeners = answer_table(view->answer, "listener");
	size_t used = 0;
	out[0] = '\0';
	for (const struct answer_row *row = listeners == NULL ? NULL : listeners->first; row != NULL; row = row->next) {
		char port[16] = "";
		const char *device = answer_text(row, "device");
		if (strcmp(answer_text(row, "view"), name) != 0 || used >= CELL_MAX - 1) {
			continue;
		}
		if (answer_number(row, "port") != 53) {
			snprintf(port, sizeof(port), "@%u", (unsigned)answer_number(row, "port"));
		}
		int n = snprintf(out + used, CELL_MAX - used, "%s%.80s%s%s%.20s", used > 0 ? ", " : "",
				 answer_text(row, "address"), port, device[0] == '\0' ? "" : "%", device);
		used += n > 0 ? (size_t)n : 0;
	}
}

static int add_view(const struct view *view, struct grid *grid, const struct answer_row *row)
{
	char addresses[CELL_MAX];
	char number[HUMAN_MAX];
	uint64_t failed = answer_number(row, "failed");
	uint64_t old = answer_number(row, "old");
	int rc = grid_row(grid, failed > 0);
	addresses_of(view, answer_text(row, "view"), addresses);
	rc = rc == BH_OK ? grid_set(grid, 0, answer_text(row, "view"), TONE_PLAIN) : rc;
	rc = rc == BH_OK ? grid_set(grid, 1, human_count(answer_number(row, "zones"), number), TONE_PLAIN) : rc;
	rc = rc == BH_OK ? set_number(grid, 2, failed, TONE_BAD) : rc;
	rc = rc == BH_OK ? set_number(grid, 3, old, TONE_WARN) : rc;
	rc = rc == BH_OK ? grid_set(grid, 4, human_count(answer_number(row, "records"), number), TONE_PLAIN) : rc;
	rc = rc == BH_OK ? grid_set(grid, 5, human_size(answer_number(row, "bytes"), number), TONE_PLAIN) : rc;
	rc = rc == BH_OK ? grid_set(grid, 6, answer_number(row, "public") != 0 ? "anyone" : "", TONE_PLAIN) : rc;
	return rc == BH_OK ? grid_set(grid, 7, addresses, TONE_PLAIN) : rc;
}

/* The resolver has no zones, and addresses all the same. */
static int add_frontend(const struct view *view, struct grid *grid)
{
	char addresses[CELL_MAX];
	addresses_of(view, "", addresses);
	if (addresses[0] == '\0') {
		return BH_OK;
	}
	int rc = grid_row(grid, false);
	rc = rc == BH_OK ? grid_set(grid, 0, "(resolver)", TONE_PLAIN) : rc;
	return rc == BH_OK ? grid_set(grid, 7, addresses, TONE_PLAIN) : rc;
}

static int print_views(const struct view *view)
{
	static const struct {
		const char *title;
		bool right;
	} columns[] = { { "view", false }, { "zones", true }, { "failed", true },	 { "old", true },
			{ "records", true }, { "size", true }, { "for", false }, { "addresses", false } };
	const struct answer_table *views = answer_table(view->answer, "view");
	struct grid *grid = grid_new(view->region);
	int rc = grid == NULL ? BH_ENOMEM : BH_OK;
	if (views == NULL && answer_table(view->answer, "listener") == NULL) {
		return rc; /* it is starting */
	}
	for (size_t i = 0; i < COUNT(columns) && rc >= 0; i++) {
		rc = grid_column(grid, columns[i].title, columns[i].right);
	}
	rc = rc > 0 ? BH_OK : rc;
	for (const struct answer_row *row = views == NULL ? NULL : views->first; row != NULL && rc == BH_OK; row = row->next) {
		rc = add_view(view, grid, row);
	}
	rc = rc == BH_OK ? add_frontend(view, grid) : rc;
	if (rc == BH_OK) {
		title(view, "Views");
		grid_show(view, grid);
	}
	return rc;
}

static int print_zones(const struct view *view)
{
	const struct answer_table *zones = answer_table(view->answer, "zone");
	unsigned count = zones == NULL ? 0 : zones->rows;
	struct print_style style = *view->style;
	char number[HUMAN_MAX];
	if (count == 0) {
		return BH_OK;
	}
	if (count > OVERVIEW_ZONES_MAX && !style.verbose) {
		fprintf(view->out, "\n%s zones; `bulkheadctl zone status' lists them with their serials\n", human_count(count, number));
		return BH_OK;
	}
	title(view, "Zones");
	return print_table(view->out, view->region, zones, &style);
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

/* With -v everything that came: each process, each listener. */
static int print_more(const struct view *view)
{
	static const struct {
		const char *table, *title;
		bool always;
	} tables[] = { { "negative_anchor", "Not validated", true },
		       { "role", "Processes", false },
		       { "listener", "Listeners", false },
		       { "appliance", "Appliance", false } };
	int rc = BH_OK;
	for (size_t i = 0; i < COUNT(tables) && rc == BH_OK; i++) {
		const struct answer_table *table = answer_table(view->answer, tables[i].table);
		if (table != NULL && (tables[i].always || view->style->verbose)) {
			title(view, tables[i].title);
			rc = print_table(view->out, view->region, table, view->style);
		}
	}
	return rc;
}

int overview_print(FILE *out, const struct answer *answer, const struct answer *later, const struct print_style *style)
{
	const struct answer_table *appliance = answer_table(answer, "appliance");
	struct region region;
	struct view view = { .out = out, .region = &region, .answer = answer, .later = later, .style = style };
	if (appliance == NULL) {
		return print_answer(out, answer, style);
	}
	region_init(&region, 64u << 10, REGION_OCTETS_MAX);
	print_state(&view, appliance->first);
	print_attention(&view);
	int rc = print_roles(&view);
	rc = rc == BH_OK ? print_views(&view) : rc;
	rc = rc == BH_OK ? print_zones(&view) : rc;
	rc = rc == BH_OK ? print_more(&view) : rc;
	region_clear(&region);
	return rc;
}

int command_status(const struct call *call)
{
	const struct options *options = call->options;
	const struct timespec pause = { .tv_nsec = OVERVIEW_RATE_MS * 1000000L };
	struct ctl_request request = { .count = 1, .words = { "status" } };
	struct progress progress;
	const struct session_options session = ask_session(options, &progress);
	struct answer answer;
	struct answer later;
	char why[IPC_TEXT_MAX];
	answer_init(&answer);
	answer_init(&later);
	int status;
	if (ask_collect(&request, options, &session, &answer, why, sizeof(why)) != BH_OK) {
		status = ask_failed(&answer, why, options);
		goto out;
	}
	if (options->given[OPTION_JSON] != NULL) {
		status = ask_print(&answer, options);
		goto out;
	}
	/* Rates are a nicety: without the second answer there are none. */
	bool again = false;
	if (answer_table(&answer, "appliance") != NULL) {
		nanosleep(&pause, NULL);
		snprintf(request.words[request.count++], CTL_WORD_MAX, "summary");
		again = ask_collect(&request, options, &session, &later, why, sizeof(why)) == BH_OK;
	}
	const struct print_style style = { .colour = ask_colour(STDOUT_FILENO),
					   .verbose = options->given[OPTION_VERBOSE] != NULL,
					   .width = ask_width(STDOUT_FILENO) };
	int rc = overview_print(stdout, &answer, again ? &later : NULL, &style);
	if (rc != BH_OK) {
		fprintf(stderr, "bulkheadctl: cannot show the answer: %s\n", bh_strerror(rc));
		status = CTL_UNKNOWN;
		goto out;
	}
	status = ask_finish(answer.status);
out:
	answer_clear(&later);
	answer_clear(&answer);
	return status;
}
