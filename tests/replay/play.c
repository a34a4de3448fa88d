/*
 * Playing scenarios. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/play.h"

#include "tests/replay/match.h"
#include "tests/replay/scenario.h"
#include "tests/replay/world.h"

#include <stdarg.h>
#include <string.h>

struct play {
	struct world *world;
	FILE *trace;
	struct world_answer answer; /* of the last question */
	struct region scratch;
	char *why;
	size_t why_size;
};

BH_PRINTF(3, 4) static bool fault(struct play *p, const struct scenario_step *step, const char *format, ...)
{
	va_list args;
	int n = snprintf(p->why, p->why_size, "step %u (line %u): ", step->id, step->line);
	va_start(args, format);
	if (n > 0 && (size_t)n < p->why_size) {
		vsnprintf(p->why + n, p->why_size - (size_t)n, format, args);
	}
	va_end(args);
	return false;
}

static bool query(struct play *p, const struct scenario_step *step)
{
	char why[256];
	char buf[512];
	struct text t = TEXT_OF(buf);
	if (p->trace != NULL) {
		show_question(&t, step->entry->qname, step->entry->qtype);
		fprintf(p->trace, "  step %u: %u client(s) ask %s\n", step->id, step->entry->clients, buf);
	}
	if (!world_ask(p->world, step->entry, &p->answer, why, sizeof(why))) {
		return fault(p, step, "%s", why);
	}
	return !p->answer.differ || fault(p, step, "clients got different answers to the same question");
}

static bool check_answer(struct play *p, const struct scenario_step *step)
{
	char buf[2048];
	struct text t = TEXT_OF(buf);
	struct message msg;
	if (p->answer.len == 0) {
		return fault(p, step, "an answer expected, got none");
	}
	region_reset(&p->scratch);
	if (message_parse(p->answer.wire, p->answer.len, &p->scratch, &msg) != BH_OK) {
		return fault(p, step, "an answer expected, got what is no message");
	}
	if (p->trace != NULL) {
		fprintf(p->trace, "  step %u: the answer is\n", step->id);
		show_message(p->trace, "    ", &msg);
	}
	return match_message(step->entry, &msg, false, &t) || fault(p, step, "%s", buf);
}

static bool check_number(struct play *p, const struct scenario_step *step, const char *what, uint64_t got)
{
	static const char *const signs[] = { [COMPARE_EQUAL] = "", [COMPARE_AT_MOST] = "at most ",
					     [COMPARE_AT_LEAST] = "at least " };
	bool fine = step->compare == COMPARE_EQUAL ? got == step->number
						   : step->compare == COMPARE_AT_MOST ? got <= step->number
										      : got >= step->number;
	return fine || fault(p, step, "%s: %s%llu expected, got %llu", what, signs[step->compare],
			     (unsigned long long)step->number, (unsigned long long)got);
}

static bool play_step(struct play *p, const struct scenario_step *step)
{
	world_set_step(p->world, step->id);
	switch (step->kind) {
	case STEP_QUERY:
		return query(p, step);
	case STEP_CHECK_ANSWER:
		return check_answer(p, step);
	case STEP_TIME_PASSES:
		world_pass(p->world, step->seconds);
		return true;
	case STEP_CHECK_OUT_QUERY:
		return world_sent_like(p->world, step->entry) || fault(p, step, "no such query was sent");
	case STEP_CHECK_PACKETS:
		return check_number(p, step, "packets", world_packets(p->world));
	case STEP_CHECK_TIME:
		return check_number(p, step, "milliseconds", p->answer.took_ms);
	case STEP_CHECK_ASKED:
		return check_number(p, step, "packets with that question",
				    world_asked(p->world, step->name, step->type));
	case STEP_CHECK_COUNTER:
		return check_number(p, step, "counter", world_counter(p->world, step->counter));
	case STEP_REPLY: /* found when it is wanted */
		return true;
	}
	return false;
}

static enum outcome play(struct play *p, struct scenario *scenario, uint64_t seed)
{
	bool missing;
	enum outcome outcome = OUTCOME_PASS;
	p->world = world_new(scenario, seed, p->trace, &missing, p->why, p->why_size);
	if (p->world == NULL) {
		return missing ? OUTCOME_SKIP : OUTCOME_FAIL;
	}
	for (const struct scenario_step *s = scenario->steps; s != NULL && outcome == OUTCOME_PASS; s = s->next) {
		outcome = play_step(p, s) ? OUTCOME_PASS : OUTCOME_FAIL;
	}
	const char *unanswered = world_fault(p->world);
	if (unanswered != NULL) { /* mostly the cause of what failed later */
		size_t len = outcome == OUTCOME_FAIL ? strlen(p->why) : 0;
		snprintf(p->why + len, p->why_size - len, "%s%s", len > 0 ? "; before that, " : "", unanswered);
		outcome = OUTCOME_FAIL;
	}
	world_free(p->world);
	return outcome;
}

enum outcome play_file(const char *file, const struct play_options *options, char *why, size_t why_size)
{
	struct play p = { .trace = options->trace, .why = why, .why_size = why_size };
	struct scenario *scenario = scenario_read(file, options->extra, options->extra_count, why, why_size);
	if (scenario == NULL) {
		return OUTCOME_FAIL;
	}
	region_init(&p.scratch, 256 * 1024, 16 * 1024 * 1024);
	enum outcome outcome = play(&p, scenario, options->seed);
	region_clear(&p.scratch);
	scenario_free(scenario);
	return outcome;
}
