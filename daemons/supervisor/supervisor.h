/*
 * The supervisor's state, and how its parts call each other.
 *
 *   main.c      arguments, signals, start and end
 *   change.c    a change of generation: read, compile, prepare everywhere, commit everywhere, or forget
 *   instance.c  the life of one role process: start, stop, crash, back-off
 *   hear.c      what a role says: hello, prepared, committed, refused
 *   send.c      what a role is told of a generation
 *   saver.c     what is written below the state directory, by a process of its own
 *   tracking.c  keys of anchor zones (RFC 5011), between resolvers and disk
 *   local.c     what resolvers may ask on this host
 *   control.c   the control socket; status.c, places.c, trust.c, zone_history.c and inspect.c its answers
 *   sweep.c     removing histories that are kept no longer
 *   program.c   the programs that roles are started from, held open
 *   upgrade.c   asking another version of this program, and handing over to it by exec
 *   takeover.c  the other side of that; elder.c  roles that the version before started
 *   watch.c     what the monitor is told
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SUPERVISOR_H
#define BULKHEAD_SUPERVISOR_SUPERVISOR_H

#include "common/util/log.h"
#include "daemons/supervisor/compile.h"
#include "daemons/supervisor/config.h"
#include "daemons/supervisor/ids.h"
#include "daemons/supervisor/links.h"
#include "daemons/supervisor/listen.h"
#include "daemons/supervisor/nta.h"
#include "daemons/supervisor/program.h"
#include "daemons/supervisor/shared.h"
#include "daemons/supervisor/tracked.h"
#include "daemons/supervisor/zones.h"

#include <limits.h>

struct event;
struct event_base;
struct instance;
struct change;
struct control;
struct elder;
struct inspect;
struct localwall;
struct saver;
struct upgrade;
struct sweeper;

/* One complete set of what roles are told. In service, or in preparation by a change. */
struct generation {
	uint32_t number;
	struct config *config;
	struct zone_set *zones;
	struct ids_table ids;
};

/* After an exec from another program (takeover.c); all zeros otherwise. */
struct takeover {
	char from[IPC_BUILD_MAX]; /* version of that program */
	uint64_t begun_ms;
	uint64_t upgraded_sec; /* when the last elder went, since 1970; 0: not yet, or there was no upgrade */
	bool running;	       /* there are elders */
	bool done;	       /* their successors serve */
	unsigned killed;       /* elders that did not end in time */
	unsigned failures;     /* of changes that should have replaced them, in a row */
	struct event *retry;
};

struct supervisor {
	struct event_base *base;
	const char *conf_path;
	bool foreground;
	int lock_fd; /* of the run directory */
	struct program program;
	struct upgrade *upgrade; /* NULL: no other program is being asked */
	struct takeover takeover;
	struct elder *elders;
	uint64_t started_ms;
	uint32_t next_id;	   /* resources: listeners, query links, images, tables */
	uint32_t next_generation;
	struct generation current; /* number 0: none yet */
	struct listener_set listeners;
	struct query_link_set links;
	struct shared_set shared;
	struct localwall *localwall; /* around resolvers; NULL: it could not be raised */
	char localwall_why[IPC_TEXT_MAX];
	struct instance *instances;
	struct change *change; /* NULL: none under way */
	struct saver *saver;   /* writes below the state directory */
	struct sweeper *sweeper;
	struct inspect *inspections; /* images that are being shown */
	struct nta_list ntas;	   /* set by the operator */
	struct tracked_list tracked; /* keys of anchor zones, as found */
	struct event *tracking_timer; /* to save and tell them; NULL: nothing was ever found */
	struct log_limit tracking_complaints;
	bool change_ok;	     /* the last change came into service, */
	uint64_t change_sec; /* and when it ended, since 1970 */
	struct event *watch_timer; /* tells the monitor how all fare; NULL: there never was one */
	struct event *nta_timer;   /* the next end of one; NULL: none was ever set */
	struct control *control;
	struct zone_cause cause; /* of the next change */
	bool upgrade_wanted; /* likewise */
	bool reload_wanted; /* when the change that is under way has ended */
	struct event *reload_timer;
	bool stopping;
	int exit_status;
	struct event *stop_timer;
	uint64_t stop_save_ms; /* while stopping: since when only writing is waited for; 0: not yet */
};

/* --- change.c --- */

/* What became of a change; findings were told one by one before. ok: the new generation is in service. */
struct change_ops {
	void (*finding)(void *ctx, const struct zone_finding_info *finding);
	void (*config_error)(void *ctx, const char *file, unsigned line, const char *text);
	void (*done)(void *ctx, bool ok, unsigned failed_zones, const char *text);
};

/*
 * Begin: read the configuration and bring it into service. BH_EEXIST: one is under way already. done()
 * is called from the event loop, once.
 */
int change_begin(struct supervisor *sup, const struct change_ops *ops, void *ctx) BH_CHECKED;

/*
 * Bring one zone to another image, or to what its text says; configuration and all other zones are not looked at. It
 * fails as a whole when the text is no good, or the authorities refuse the image. As above; only is copied.
 */
int change_begin_zone(struct supervisor *sup, const struct zone_override *only, const struct change_ops *ops,
		      void *ctx) BH_CHECKED;
/* The zone of such a change that is under way, or NULL. */
const struct zone_override *change_of_zone(const struct supervisor *sup);

/* Something happened to an instance that a change may wait for. */
void change_poke(struct supervisor *sup);
/* An instance refused the generation in preparation, or died while it was prepared. */
void change_fail(struct supervisor *sup, const char *why);
bool change_child_ended(struct supervisor *sup, pid_t pid, int status);
void change_cancel(struct supervisor *sup);

/* How far the change is; the name of its step, NULL when there is none. */
const char *change_progress(const struct supervisor *sup, struct compile_progress *out);

/* The generation that instances are to prepare now, or NULL; and whether it is being committed. */
const struct generation *change_preparing(const struct supervisor *sup);
bool change_committing(const struct supervisor *sup);

/* --- stop, main.c --- */

void supervisor_stop(struct supervisor *sup, int exit_status);

/*
 * Begin a reload; while another change is under way it is remembered, once, and begins when that has ended. False:
 * the appliance stops.
 */
bool supervisor_reload(struct supervisor *sup);
/*
 * Begin an upgrade (upgrade.h); while a reload is under way it is remembered, once, and begins when that has ended. False:
 * it cannot begin, and why says so. What becomes of it is told by control_upgraded.
 */
bool supervisor_upgrade(struct supervisor *sup, char *why, size_t why_size) BH_CHECKED;
/* A reload, but from the event loop, not from within; before it an upgrade that is remembered. */
void supervisor_reload_later(struct supervisor *sup);

#endif
