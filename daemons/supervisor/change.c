/*
 * A change of generation, in the order: read the configuration - open what it listens on - compile zones -
 * start roles that are new - PREPARE everywhere - COMMIT everywhere. Up to the last step, any fault
 * puts everything back; from then on there is no way back, and a role that dies is restarted with the
 * new generation. Starting the appliance is the same change, from nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "common/util/log.h"
#include "daemons/supervisor/counters.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/local.h"
#include "daemons/supervisor/saver.h"
#include "daemons/supervisor/takeover.h"
#include "daemons/supervisor/tracking.h"
#include "daemons/supervisor/trust.h"
#include "daemons/supervisor/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum change_step { CHANGE_COMPILE, CHANGE_PREPARE, CHANGE_COMMIT };

/* Roles have their own patience (instance.c); this bounds a role that dies and comes back for ever. With time
 * for images that one role after the other verifies. */
#define CHANGE_PATIENCE_SEC 120
#define IMAGE_OCTETS_PER_SEC (16u << 20)

struct change {
	struct supervisor *sup;
	enum change_step step;
	struct generation next;
	struct generation old; /* kept until nobody refers to it */
	struct zone_override only; /* view "": a change of everything */
	struct compile_run *compile;
	struct event *advance;
	struct event *timer;
	const struct change_ops *ops;
	void *ctx;
	bool failed;
	char why[IPC_TEXT_MAX];
};

static void generation_clear(struct generation *g)
{
	zone_set_free(g->zones);
	config_free(g->config);
	*g = (struct generation){ 0 };
}

const struct generation *change_preparing(const struct supervisor *sup)
{
	return sup->change != NULL && sup->change->step == CHANGE_PREPARE ? &sup->change->next : NULL;
}

void change_poke(struct supervisor *sup)
{
	if (sup->change != NULL) {
		event_active(sup->change->advance, EV_TIMEOUT, 0);
	}
}

void change_fail(struct supervisor *sup, const char *why)
{
	struct change *change = sup->change;
	if (change == NULL || change->failed || change->step == CHANGE_COMMIT) {
		return;
	}
	change->failed = true;
	snprintf(change->why, sizeof(change->why), "%s", why);
	change_poke(sup);
}

static void fail(struct change *change, const char *fmt, ...) BH_PRINTF(2, 3);

static void fail(struct change *change, const char *fmt, ...)
{
	char why[IPC_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	change_fail(change->sup, why);
}

static unsigned failed_zones(const struct zone_set *set)
{
	unsigned count = set->hints_failed + set->anchors_failed;
	for (size_t i = 0; i < set->count; i++) {
		const struct zone_state *zone = &set->items[i];
		count += zone->image == NULL || zone->stale || zone->image->refused != NULL;
	}
	return count;
}

static void end(struct change *change, bool ok, unsigned failures)
{
	struct supervisor *sup = change->sup;
	const struct change_ops *ops = change->ops;
	void *ctx = change->ctx;
	char why[IPC_TEXT_MAX];

	snprintf(why, sizeof(why), "%s", change->why);
	sup->change = NULL;
	compile_free(change->compile);
	event_free(change->advance);
	event_free(change->timer);
	if (ok) {
		saver_save(sup->saver, change->old.config);
		trust_settle(sup, &change->old);
	}
	if (ok || !takeover_running(sup)) { /* else nothing is in service yet that it could go by */
		tracking_settle(sup);
	}
	generation_clear(&change->next);
	generation_clear(&change->old);
	zone_image_release(change->only.image);
	free(change);
	sup->change_ok = ok;
	sup->change_sec = clock_wall_sec();
	watch_tell(sup);
	ops->done(ctx, ok, failures, why);
	if ((sup->reload_wanted || sup->upgrade_wanted) && !sup->stopping) { /* meanwhile, whatever this change was about */
		supervisor_reload_later(sup);
	}
}

/* Put everything back. */
static void abandon(struct change *change)
{
	struct supervisor *sup = change->sup;
	uint32_t number = change->next.number;
	bool told = change->step == CHANGE_PREPARE;

	change->step = CHANGE_COMPILE; /* nobody is to be told the new one from here on */
	listener_abort(&sup->listeners);
	query_link_abort(&sup->links);
	shared_settle(&sup->shared, sup->current.config);
	for (struct instance *inst = sup->instances; inst != NULL && told; inst = inst->next) {
		if (inst->pid != 0 && inst->wanted && !inst->fresh &&
		    (inst->state == INSTANCE_READY || inst->state == INSTANCE_CONFIGURING)) {
			instance_abort(inst, number);
		}
	}
	instance_settle(sup, false);
	end(change, false, 0);
}

/* --- listeners and links of the new configuration -------------------------------------------------- */

static int want_listeners(struct change *change)
{
	char why[IPC_TEXT_MAX] = "";
	struct supervisor *sup = change->sup;
	const struct config *config = change->next.config;
	int rc = listener_want_all(&sup->listeners, config, config->workers, &sup->next_id, why, sizeof(why));
	if (rc != BH_OK) {
		fail(change, "%s", why);
	}
	return rc;
}

static int want_links(struct change *change)
{
	struct supervisor *sup = change->sup;
	const struct config *config = change->next.config;
	int rc = BH_OK;

	query_link_unwant_all(&sup->links);
	if (!config->resolver.present) {
		return BH_OK;
	}
	for (unsigned f = 0; f < config->workers && rc == BH_OK; f++) {
		for (unsigned shard = 0; shard < config->workers && rc == BH_OK; shard++) {
			rc = query_link_want(&sup->links, f, ROLE_RESOLVER, "", shard, &sup->next_id);
		}
		if (config->resolver.internal_view >= 0 && rc == BH_OK) {
			rc = query_link_want(&sup->links, f, ROLE_AUTHORITY,
					     config->views[config->resolver.internal_view].name, f, &sup->next_id);
		}
	}
	if (rc != BH_OK) {
		fail(change, "cannot make query links: %s", bh_strerror(rc));
	}
	return rc;
}

/* --- steps ------------------------------------------------------------------------------------------ */

static void begin_prepare(struct change *change)
{
	struct supervisor *sup = change->sup;

	if (want_listeners(change) != BH_OK || want_links(change) != BH_OK) {
		return;
	}
	int rc = shared_want(&sup->shared, change->next.config, &sup->next_id);
	if (rc != BH_OK) {
		fail(change, "cannot make tables of response rates: %s", bh_strerror(rc));
		return;
	}
	char why[IPC_TEXT_MAX];
	if (local_prepare(sup, &change->next, why, sizeof(why)) != BH_OK) {
		fail(change, "%s", why);
		return;
	}
	rc = instance_want(sup, &change->next);
	if (rc != BH_OK) {
		fail(change, "cannot make role instances: %s", bh_strerror(rc));
		return;
	}
	change->step = CHANGE_PREPARE;
	for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->wanted && inst->state == INSTANCE_READY) {
			instance_prepare(inst, &change->next);
		}
	}
	instance_start_fresh(sup);
}

/* Has every living instance of the new generation prepared it? One that waits for its restart does not
 * hold up the others; it will be told when it is back. But it does when roles of another version serve in the meantime:
 * then none goes before all can. One that closed its link is dying: its end fails
 * the change, or brings a successor to wait for. */
static bool all_prepared(const struct change *change)
{
	bool wait_for_all = takeover_running(change->sup);
	for (const struct instance *inst = change->sup->instances; inst != NULL; inst = inst->next) {
		if (inst->wanted && (wait_for_all || inst->state != INSTANCE_DOWN) &&
		    (inst->prepared != change->next.number || inst->link == NULL)) {
			return false;
		}
	}
	return true;
}

/*
 * Does everybody serve the new generation, and nobody the old one any more? An address may have gone from one
 * view to another: who is told that the change is done must not meet the one before there.
 */
static bool all_committed(const struct supervisor *sup)
{
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->state == INSTANCE_STOPPING) {
			return false;
		}
		if (inst->wanted && inst->state != INSTANCE_DOWN && inst->committed != sup->current.number) {
			return false;
		}
	}
	return true;
}

/*
 * Behind elders these go last: a frontend that is in service reads clients' queries, and its resolvers and authorities
 * must be there; a monitor that is in service says that what is still missing is missing.
 */
static bool goes_last(const struct instance *inst)
{
	return inst->role == ROLE_FRONTEND || inst->role == ROLE_MONITOR;
}

/* all: those that go last, too. */
static void commit_prepared(struct supervisor *sup, bool all)
{
	for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		inst->fresh = false;
		if (inst->prepared == sup->current.number && (all || !goes_last(inst))) {
			instance_commit(inst, sup->current.number);
		}
	}
}

/* Do all serve that do not go last? */
static bool others_committed(const struct supervisor *sup)
{
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->wanted && !goes_last(inst) && inst->committed != sup->current.number) {
			return false;
		}
	}
	return true;
}

static void begin_commit(struct change *change)
{
	struct supervisor *sup = change->sup;

	change->step = CHANGE_COMMIT;
	change->old = sup->current;
	sup->current = change->next;
	change->next = (struct generation){ 0 };
	local_commit(sup);
	listener_commit(&sup->listeners);
	query_link_commit(&sup->links);
	shared_settle(&sup->shared, sup->current.config);
	log_set_level(sup->current.config->log_level);
	commit_prepared(sup, !takeover_running(sup));
	/* Instances of the generation before end while the others take over their sockets' addresses. */
	instance_settle(sup, true);
}

static void on_advance(evutil_socket_t fd, short what, void *arg)
{
	struct change *change = arg;
	(void)fd;
	(void)what;

	if (change->failed) {
		abandon(change);
		return;
	}
	if (change->step == CHANGE_PREPARE && all_prepared(change)) {
		if (!instance_any_wanted_up(change->sup)) {
			fail(change, "no role could be started");
			return;
		}
		begin_commit(change);
	}
	if (change->step == CHANGE_COMMIT && takeover_running(change->sup) && others_committed(change->sup)) {
		commit_prepared(change->sup, true);
	}
	if (change->step == CHANGE_COMMIT && all_committed(change->sup)) {
		end(change, true, failed_zones(change->sup->current.zones));
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct change *change = arg;
	(void)fd;
	(void)what;
	if (change->step == CHANGE_COMMIT) {
		commit_prepared(change->sup, true);
		end(change, true, failed_zones(change->sup->current.zones));
		return;
	}
	fail(change, "roles did not get ready in time");
}

static void on_finding(void *ctx, const struct zone_finding_info *finding)
{
	struct change *change = ctx;
	change->ops->finding(change->ctx, finding);
}

/* A change of one zone is about that zone: without it there is nothing to do. */
static bool has_its_zone(struct change *change)
{
	const struct zone_set *set = change->next.zones;
	for (size_t i = 0; i < set->count; i++) {
		const struct zone_state *zone = &set->items[i];
		if (strcmp(zone->view_name, change->only.view) == 0 && dname_equal(zone->conf->name, change->only.zone)) {
			if (zone->stale || zone->image == NULL) {
				fail(change, "%.400s", zone->detail);
				return false;
			}
			return true;
		}
	}
	fail(change, "the zone is not configured any more");
	return false;
}

/*
 * Roles of another version still serve, and where images have another form than theirs none was taken over: what does
 * not compile then would be served by nobody when they go.
 */
static bool loses_zone(struct change *change)
{
	const struct zone_set *set = change->next.zones;
	for (size_t i = 0; takeover_running(change->sup) && i < set->count; i++) {
		const struct zone_state *zone = &set->items[i];
		if (zone->image == NULL && zone_set_find(change->sup->current.zones, zone) != NULL) {
			fail(change, "zone %.200s of view %s, which the version before serves, does not compile: %.150s",
			     zone->conf->text, zone->view_name, zone->detail);
			return true;
		}
	}
	return false;
}

static void on_compiled(void *ctx)
{
	struct change *change = ctx;
	struct timeval patience = { .tv_sec = CHANGE_PATIENCE_SEC };

	if (change->next.zones->hints_failed && change->next.config->resolver.present) {
		/* Without roots the resolver would ask the built-in ones: not what was configured. */
		fail(change, "root-hints: %.400s", change->next.zones->hints_detail);
		return;
	}
	if (change->next.zones->anchors_failed && change->next.config->resolver.present) {
		/* Without its anchors a zone would be taken for one that needs no validation. */
		fail(change, "trust-anchors: %.400s", change->next.zones->anchors_detail);
		return;
	}
	if ((change->only.view[0] != '\0' && !has_its_zone(change)) || loses_zone(change)) {
		return;
	}
	if (zone_set_add_root_anchors(change->next.zones) != BH_OK) {
		fail(change, "trust-anchors: no room for the root's");
		return;
	}
	tracking_load(change->sup, &change->next);
	for (size_t i = 0; i < change->next.zones->count; i++) {
		const struct zone_image *image = change->next.zones->items[i].image;
		patience.tv_sec += image == NULL ? 0 : (time_t)(image->info.size / IMAGE_OCTETS_PER_SEC);
	}
	begin_prepare(change);
	if (event_add(change->timer, &patience) != 0) {
		fail(change, "out of memory");
	}
	change_poke(change->sup);
}

/* Descriptors besides one for each image: sockets, links and logs of roles, counters, compilers. */
#define DESCRIPTORS_BESIDES 1024

/*
 * Each zone's image is a descriptor. Told here, in words that help; running out of them on the way would fail zone
 * after zone. A reload that compiles many zones needs theirs twice: where that fails the old images stay.
 */
static bool have_descriptors(struct change *change)
{
	struct rlimit limit;
	size_t needed = change->next.zones->count + DESCRIPTORS_BESIDES;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed) {
		fail(change, "%zu zones need %zu file descriptors, the limit is %llu (LimitNOFILE=, ulimit -n)",
		     change->next.zones->count, needed, (unsigned long long)limit.rlim_cur);
		return false;
	}
	return true;
}

/* The configuration of a change, and whom its roles run as. False: the change has failed. */
static bool read_configuration(struct change *change)
{
	struct supervisor *sup = change->sup;
	char why[IPC_TEXT_MAX];
	change->next.config = config_load(sup->conf_path, change->ops->config_error, change->ctx);
	if (change->next.config == NULL) {
		fail(change, "the configuration has errors");
		return false;
	}
	if (sup->current.number != 0 && (strcmp(sup->current.config->run_dir, change->next.config->run_dir) != 0)) {
		fail(change, "run-dir cannot be changed by a reload, restart instead");
		return false;
	}
	if (ids_resolve(change->next.config, sup->current.config, &sup->current.ids, &change->next.ids, why,
			sizeof(why)) != BH_OK) {
		fail(change, "%s", why);
		return false;
	}
	return true;
}

static void start_compiling(struct change *change, const struct zone_override *only)
{
	static const struct compile_ops compile_ops = { .finding = on_finding, .done = on_compiled };
	struct supervisor *sup = change->sup;

	change->next.zones = zone_set_new(change->next.config);
	if (change->next.zones == NULL || counters_assign(change->next.zones, sup->current.zones) != BH_OK ||
	    (only != NULL && zone_set_copy_roots(change->next.zones, sup->current.zones) != BH_OK)) {
		fail(change, "out of memory");
		return;
	}
	if (!have_descriptors(change)) {
		return;
	}
	struct compile_env env = { .base = sup->base,
				   .program = &sup->program,
				   .config = change->next.config,
				   .ids = &change->next.ids,
				   .next_id = &sup->next_id,
				   /* Images are not loaded from a disk that hangs, and their zones are compiled. */
				   .state_dir = saver_disk_hangs_sec(sup->saver) > 0 ? NULL : change->next.config->state_dir,
				   .cause = sup->cause,
				   .only = only };
	sup->cause = (struct zone_cause){ .kind = ZONE_CAUSE_REPAIR, .uid = UINT32_MAX };
	change->compile = compile_start(&env, change->next.zones, sup->current.zones, &compile_ops, change);
	if (change->compile == NULL) {
		fail(change, "out of memory");
	}
}

static struct change *change_new(struct supervisor *sup, const struct change_ops *ops, void *ctx)
{
	struct change *change = calloc(1, sizeof(*change));
	if (change == NULL) {
		return NULL;
	}
	change->sup = sup;
	change->ops = ops;
	change->ctx = ctx;
	change->step = CHANGE_COMPILE;
	change->advance = event_new(sup->base, -1, 0, on_advance, change);
	change->timer = event_new(sup->base, -1, 0, on_timer, change);
	if (change->advance == NULL || change->timer == NULL) {
		log_fatal("out of memory");
	}
	sup->change = change;
	change->next.number = sup->next_generation++;
	return change;
}

int change_begin(struct supervisor *sup, const struct change_ops *ops, void *ctx)
{
	if (sup->change != NULL || sup->stopping) {
		return BH_EEXIST;
	}
	struct change *change = change_new(sup, ops, ctx);
	if (change == NULL) {
		return BH_ENOMEM;
	}
	if (read_configuration(change)) {
		start_compiling(change, NULL);
	}
	return BH_OK;
}

int change_begin_zone(struct supervisor *sup, const struct zone_override *only, const struct change_ops *ops, void *ctx)
{
	if (sup->change != NULL || sup->stopping || sup->current.number == 0 || takeover_running(sup)) {
		return BH_EEXIST;
	}
	struct change *change = change_new(sup, ops, ctx);
	if (change == NULL) {
		return BH_ENOMEM;
	}
	change->only = *only;
	if (only->image != NULL) {
		only->image->refs++; /* until the change ends */
	}
	change->next.config = config_share(sup->current.config);
	change->next.ids = sup->current.ids;
	start_compiling(change, &change->only);
	return BH_OK;
}

const struct zone_override *change_of_zone(const struct supervisor *sup)
{
	return sup->change != NULL && sup->change->only.view[0] != '\0' ? &sup->change->only : NULL;
}

const char *change_progress(const struct supervisor *sup, struct compile_progress *out)
{
	static const char *const steps[] = { [CHANGE_COMPILE] = "compiling", [CHANGE_PREPARE] = "roles prepare",
					     [CHANGE_COMMIT] = "roles take over" };
	*out = (struct compile_progress){ .zone = "" };
	if (sup->change == NULL) {
		return NULL;
	}
	if (sup->change->compile != NULL) {
		compile_progress(sup->change->compile, out);
	}
	return steps[sup->change->step];
}

bool change_child_ended(struct supervisor *sup, pid_t pid, int status)
{
	return sup->change != NULL && sup->change->compile != NULL &&
	       compile_child_ended(sup->change->compile, pid, status);
}

void change_cancel(struct supervisor *sup)
{
	if (sup->change != NULL) {
		fail(sup->change, "the appliance is stopping");
	}
}
