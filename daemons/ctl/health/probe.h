/*
 * Asking the appliance's own listeners: does each answer over UDP and TCP, every worker of it, with the serials that were
 * loaded, within the sizes it should keep, and with signatures that last.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_HEALTH_PROBE_H
#define BULKHEAD_DAEMONS_CTL_HEALTH_PROBE_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;
struct facts;
struct message;
struct report;

/*
 * Questions to one listener. Of more zones than this some are asked for, other ones each time; together the questions of a
 * whole check stay within PROBE_QUESTIONS_MAX.
 */
#define PROBE_ZONES_MAX 2000
#define PROBE_QUESTIONS_MAX 20000
/*
 * From so many ports for each worker, as the kernel chooses among workers by a hash of the ports: one in W is missed by all of
 * 8 W questions once in 3000 checks.
 */
#define PROBE_PORTS_PER_WORKER 8
#define PROBE_PORTS_MAX 256
/* Zones whose signatures and sizes are looked at. */
#define PROBE_SIGNED_MAX 2000

struct probe_limits {
	uint64_t warning_sec;  /* a signature that ends sooner is worth a warning, */
	uint64_t critical_sec; /* or critical */
};

/* Asks for the state as it is now: a reload may have come between. 0, or an error: then the state before counts. */
struct answer;
typedef int probe_refresh_fn(void *ctx, struct answer *answer);

struct probe {
	struct facts *facts;
	struct report *report;
	const struct probe_limits *limits;
	uint64_t now_sec;  /* for signatures */
	uint64_t until_ms; /* for everything */
	uint32_t turn;	   /* another one each time: which zones of many are asked for */
	probe_refresh_fn *refresh;
	void *ctx;
};

/* Listeners, workers, serials; marks listeners as usable and zones as signed. Returns 0 or BH_ENOMEM. */
int probe_listeners(struct probe *probe) BH_CHECKED;

/* Signatures of signed zones, sizes of replies. */
int probe_signatures(struct probe *probe) BH_CHECKED;

/* The resolver, through each listener of the frontend. *listener is set to one that answers us, or NULL. */
struct listener_facts;
int probe_resolver(struct probe *probe, const struct listener_facts **listener) BH_CHECKED;

/* --- judging, without sockets ------------------------------------------------------------------------ */

/*
 * The serial in the SOA of name in the answer section of a reply that is authoritative. False: there is none.
 */
bool probe_soa_serial(const struct message *m, const uint8_t *name, uint32_t *serial);

struct probe_validity {
	bool any;	       /* there was an RRSIG at all */
	bool early;	       /* one RRset has signatures that begin in the future only */
	int64_t left_sec;      /* until the first RRset has no valid signature any more; below 0: it ended */
	uint16_t covered;      /* type of that RRset */
};

/*
 * How long the RRsets of a reply stay signed: an RRset is as good as the signature that ends last, a reply as its first RRset.
 * Times are compared as serial numbers (RFC 4034 3.1.5).
 */
void probe_validity(const struct message *m, uint64_t now_sec, struct probe_validity *out);

/* A finding when it is below the limits. */
void probe_judge_validity(const struct probe_validity *validity, const struct probe_limits *limits, const char *view,
			  const char *zone, struct report *report);

#endif
