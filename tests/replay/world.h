/*
 * A scripted Internet around the resolver's core: its packets go to the servers of a scenario, its clients are those
 * of the scenario's steps, and the clock jumps from event to event. The core is the one that the resolver role runs;
 * the messages that clients get are composed by the same code.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_REPLAY_WORLD_H
#define BULKHEAD_TESTS_REPLAY_WORLD_H

#include "daemons/resolver/iterate.h"
#include "tests/replay/scenario.h"
#include "tests/replay/show.h"

struct world;

/*
 * The core with what the head of the scenario says, at the beginning of its time. seed: of the random numbers. trace:
 * where packets are printed, or NULL. NULL: *why tells; *missing: because the core cannot do what the head asks for.
 */
struct world *world_new(struct scenario *scenario, uint64_t seed, FILE *trace, bool *missing, char *why,
			size_t why_size);
void world_free(struct world *world);

/* Servers answer from now on as they do in this step. */
void world_set_step(struct world *world, unsigned step);

/*
 * As many clients as the entry says ask it at once; runs until each has its answer. Without one (the message is
 * of the kind that is never answered) wire_len of the answer is 0.
 */
struct world_answer {
	uint8_t *wire; /* of the last one, valid until the next question */
	size_t len;
	uint64_t took_ms;
	bool differ; /* the clients got different answers */
};
bool world_ask(struct world *world, const struct scenario_entry *query, struct world_answer *out, char *why,
	       size_t why_size);

void world_pass(struct world *world, uint64_t seconds);

/* Packets since the last world_ask began: all, or those with this name and type. */
uint64_t world_packets(const struct world *world);
uint64_t world_asked(const struct world *world, const uint8_t *name, uint16_t type);
/* How much a counter of the role grew since then. */
uint64_t world_counter(const struct world *world, unsigned counter);
/* Was one like that sent since then? */
bool world_sent_like(struct world *world, const struct scenario_entry *entry);

/* The first query for which the scenario has no answer, or NULL. */
const char *world_fault(const struct world *world);
/* Milliseconds since the beginning. */
uint64_t world_now_ms(const struct world *world);

#endif
