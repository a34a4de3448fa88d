/*
 * The record of a supervisor's state that one program hands to the next by exec (upgrade.h, takeover.h): what is open,
 * what is served, who runs. Descriptors are named by their numbers, which exec keeps.
 *
 * It lies in a sealed memfd and comes from a process like ours, but of another version: it is decoded as if a
 * stranger had written it. A number of the format that is not STATE_VERSION is refused as a whole; then the appliance
 * needs a restart.
 *
 * What is not in it: query links, which a new set of roles gets anew; counters, which begin anew as after a restart;
 * control clients but those that wait for the outcome.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_STATE_H
#define BULKHEAD_SUPERVISOR_STATE_H

#include "daemons/supervisor/nta.h"
#include "daemons/supervisor/shared.h"
#include "daemons/supervisor/listen.h"
#include "daemons/supervisor/sources.h"
#include "daemons/supervisor/tracked.h"
#include "daemons/supervisor/zones.h"
#include "sandbox/localwall.h"
#include "sandbox/sandbox.h"

#include <limits.h>
#include <sys/types.h>

#define STATE_VERSION 1
/* Octets of the largest record: a hundred thousand zones with some files each are 100 MB. */
#define STATE_OCTETS_MAX (1u << 30)
#define STATE_LISTENERS_MAX (CONFIG_LISTEN_MAX * CONFIG_WORKERS_MAX * 2u * (CONFIG_VIEWS_MAX + 1u))
/* Of each view and of the resolver; and as many again that are on their way out. */
#define STATE_ROLES_MAX (2u * CONFIG_WORKERS_MAX * (CONFIG_VIEWS_MAX + 2u))
#define STATE_CLIENTS_MAX 64
#define STATE_ZONES_MAX CONFIG_ZONES_MAX

struct state_view {
	char name[IPC_VIEW_MAX];
	uint32_t slot; /* its place in the block of users */
};

struct state_zone {
	uint32_t view; /* index into views */
	uint8_t name[DNAME_MAX];
	int fd; /* the image */
	uint32_t id;
	struct ipc_compiled info;
	uint64_t made_sec;
	struct zone_cause cause;
	struct zone_rollback rollback;
	struct sources sources;
	uint64_t number; /* in the history */
	bool saved;
};

enum state_stage {
	STATE_STARTING, /* serves nothing yet */
	STATE_SERVING,
	STATE_LEAVING, /* was told to end */
};

/* A role process. */
struct state_role {
	uint8_t role; /* number of its kind; names are for people */
	uint8_t stage; /* enum state_stage */
	char view[IPC_VIEW_MAX];
	uint32_t index;
	char name[64];
	pid_t pid;
	int link_fd;
	int log_fd; /* -1: none */
};

enum state_wait { STATE_WAITS_UPGRADE, STATE_WAITS_RELOAD };

/* A control client that waits. */
struct state_client {
	int fd;
	uint32_t request;
	uint32_t uid; /* of its user */
	uint8_t wait; /* enum state_wait */
};

struct state {
	char build[IPC_BUILD_MAX]; /* of the program that wrote it */
	char conf_path[PATH_MAX];
	char role_dir[PATH_MAX];
	char program[PATH_MAX];
	char run_dir[PATH_MAX];
	char state_dir[PATH_MAX];
	bool foreground;
	uint8_t log_level;
	uint64_t started_ms;
	uint32_t next_id;
	uint32_t generation;
	uint32_t next_generation;
	uint32_t image_format; /* of all images */
	int lock_fd;
	int control_fd;
	struct sandbox_handover walls;
	bool localwall; /* there is one */
	struct localwall_handover local;
	char local_why[IPC_TEXT_MAX]; /* why not */
	struct listener *listeners;
	size_t listener_count;
	uint32_t id_block;
	bool resolver;
	struct state_view *views;
	size_t view_count;
	struct shared *shared;
	size_t shared_count;
	struct state_zone *zones;
	size_t zone_count;
	struct tracked *tracked;
	size_t tracked_count;
	struct nta *ntas;
	size_t nta_count;
	struct state_role *roles;
	size_t role_count;
	struct state_client *clients;
	size_t client_count;
};

/*
 * state_encode returns the octets before what goes on by itself while a program is asked about the record: which images
 * are saved, and who waits. state_decode needs the record whole. 0; BH_EVERSION: a format of another number, or no record at all;
 * BH_EMALFORMED, BH_ENOMEM. *s is the caller's to clear in any case.
 */
size_t state_encode(struct sink *out, const struct state *s);
int state_decode(const uint8_t *bytes, size_t len, struct state *s) BH_CHECKED;
/*
 * A zone that is rolled back to an image which a program with this form of images cannot serve; NULL: there is none. Its
 * text is what the operator has taken out of service.
 */
const struct state_zone *state_lost_rollback(const struct state *s, uint32_t image_format);
/* Frees the arrays, and the sources of zones unless they are borrowed; overwrites secrets. Descriptors stay. */
void state_clear(struct state *s, bool sources_borrowed);

/*
 * All descriptors that the record names, in ascending order, without doubles and the standard ones. Returns how many,
 * or an error: BH_ENOMEM; BH_EMALFORMED: two things would share one. *out is the caller's to free.
 */
int state_descriptors(const struct state *s, int **out) BH_CHECKED;

#endif
