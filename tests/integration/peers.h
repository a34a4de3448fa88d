/*
 * The same zones on four servers: ours, NSD, Knot and BIND, each at its own address of the test's network,
 * and what they answer compared as sets of records.
 *
 * Where our answer is that of none of the others, we are wrong until an RFC says otherwise. Differences to some of
 * them are counted by kind. In two things servers differ as they like: the NS of the zone itself beside an
 * answer, and additional records that nobody is owed (there, none may be ours alone).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_PEERS_H
#define BULKHEAD_TESTS_INTEGRATION_PEERS_H

#include "tests/integration/appliance.h"
#include "tests/integration/client.h"

enum peer { PEER_OURS, PEER_NSD, PEER_KNOT, PEER_BIND, PEERS };

struct peer_zone {
	const char *name; /* "." is the root; no dot at the end of others */
	const char *text; /* NULL: it is the file tests/data/signed/NAME.zone ("root.zone") */
};

#define PEER_NAMES_MAX 4096

/* Names to ask for. */
struct peer_names {
	char names[PEER_NAMES_MAX][DNAME_TEXT_MAX];
	size_t count;
};

extern const char *const peer_addresses[PEERS];

/* 0, or why the others cannot be started: a whole sentence in why. */
int peers_missing(char why[64]);

/*
 * Start them all in a network of our own. zones is kept. Returns when each answers for the last zone. The test ends with
 * peers_report and appliance_clear.
 */
void peers_start(struct appliance *a, const struct peer_zone *zones, size_t count);

/* Ask all. 1 when our answer is nobody's; it is printed then. */
unsigned peers_compare(const struct ask *ask);
/*
 * Send all these octets by UDP; compare the RCODE (of the header) and flags that come, or that nothing comes. what: said when
 * our reply is nobody's, and 1 is returned.
 */
unsigned peers_compare_octets(const char *what, const uint8_t *wire, size_t len);
/* How many questions, and how many differences of which kind to each. */
void peers_report(void);

/* A name, unless it is there already or is none (too long). */
void names_add(struct peer_names *names, const char *prefix, const char *name);
/* Owners of a zone: the first word of every line that is no directive. */
void names_add_owners(struct peer_names *names, const struct peer_zone *zone);
/* What stands for a wildcard, below and beside the i-th name. */
void names_add_derived(struct peer_names *names, size_t i);

/* A file of tests/data as a string. Free it. */
char *data_read(const char *name);

#endif
