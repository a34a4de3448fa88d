/*
 * What an operator is shown. Walls are told twice: as the role found them in its sandbox, and as the
 * kernel shows them from outside in /proc/PID/status, which no role can forge.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/status.h"

#include "common/util/clock.h"
#include <config.h> /* of the build, not our own */
#include "common/util/count.h"
#include "daemons/supervisor/elder.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/local.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/saver.h"
#include "daemons/supervisor/takeover.h"
#include "daemons/supervisor/trust.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum severity { FINE, WARNING, CRITICAL, UNKNOWN };

struct outside {
	bool read;
	char capabilities[80]; /* "none", or the sets that are not empty */
	unsigned seccomp;      /* 2: filter */
	bool no_new_privs;
};

/* The lines of /proc/PID/status that tell about walls. */
static void look_from_outside(pid_t pid, struct outside *out)
{
	static const char *const sets[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:" };
	char path[32];
	char line[256];
	size_t used = 0;

	*out = (struct outside){ .read = false };
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		uint64_t bits;
		unsigned number;
		for (size_t i = 0; i < COUNT(sets); i++) {
			if (strncmp(line, sets[i], 7) == 0 && sscanf(line + 7, "%" SCNx64, &bits) == 1 && bits != 0 &&
			    used < sizeof(out->capabilities) - 1) {
				int n = snprintf(out->capabilities + used, sizeof(out->capabilities) - used, "%s%.6s%" PRIx64,
						 used > 0 ? " " : "", sets[i], bits);
				used += n > 0 ? (size_t)n : 0;
			}
		}
		if (sscanf(line, "Seccomp: %u", &number) == 1) {
			out->seccomp = number;
			out->read = true;
		} else if (sscanf(line, "NoNewPrivs: %u", &number) == 1) {
			out->no_new_privs = number == 1;
		}
	}
	fclose(file);
	if (used == 0) {
		snprintf(out->capabilities, sizeof(out->capabilities), "none");
	}
}

bool status_confined(pid_t pid)
{
	struct outside outside;
	look_from_outside(pid, &outside);
	return outside.read && outside.seccomp == 2 && outside.no_new_privs && strcmp(outside.capabilities, "none") == 0;
}

static void wall_words(uint32_t walls, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (uint32_t bit = 1; bit != 0 && used < size; bit <<= 1) {
		const char *word = (walls & bit) != 0 ? sandbox_wall_text(bit) : NULL;
		if (word != NULL) {
			int n = snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", word);
			used += n > 0 ? (size_t)n : 0;
		}
	}
}

static int send_role(const struct instance *inst, struct link *link, uint32_t request, enum severity *worst)
{
	struct ctl_row row;
	struct outside outside = { .read = false };
	char words[IPC_TEXT_MAX];
	const struct passwd *pw = getpwuid(inst->ids.uid);
	bool up = inst->state == INSTANCE_READY;

	if (inst->pid != 0) {
		look_from_outside(inst->pid, &outside);
	}
	row_begin(&row, "role");
	row_text(&row, "role", role_text(inst->role));
	row_text(&row, "view", inst->view);
	row_number(&row, "index", inst->index);
	row_text(&row, "state", instance_state_text(inst->state));
	row_number(&row, "pid", (uint64_t)inst->pid);
	row_number(&row, "uptime_sec", inst->pid == 0 ? 0 : (clock_now_ms() - inst->started_ms) / 1000);
	row_number(&row, "restarts", inst->restarts);
	row_text(&row, "last_end", inst->last_end);
	row_number(&row, "generation", inst->committed);
	row_text(&row, "user", pw == NULL ? "" : pw->pw_name);
	row_number(&row, "uid", inst->ids.uid);
	row_number(&row, "gid", inst->ids.gid);
	row_text(&row, "capabilities", outside.read ? outside.capabilities : "");
	row_text(&row, "seccomp", !outside.read ? "" : outside.seccomp == 2 ? "filter" : "off");
	row_bool(&row, "no_new_privs", outside.no_new_privs);
	row_number(&row, "syscalls", inst->hello.syscalls);
	wall_words(inst->hello.walls, words, sizeof(words));
	row_text(&row, "walls", words);
	wall_words(up ? instance_required_walls(inst) & ~inst->hello.walls : 0, words, sizeof(words));
	row_text(&row, "missing", words);
	row_number(&row, "queries", places_queries(inst));
	if (!up && inst->state != INSTANCE_STOPPING) {
		/* An elder serves in its place. */
		*worst = !takeover_running(inst->sup) ? CRITICAL : *worst < WARNING ? WARNING : *worst;
	}
	return row_send(link, request, &row);
}

/* all: with where its image comes from. */
static bool is_failed(const struct zone_state *zone)
{
	return zone->image == NULL || zone->image->refused != NULL;
}

static void judge_zone(const struct zone_state *zone, enum severity *worst)
{
	if (is_failed(zone)) {
		*worst = CRITICAL;
	} else if ((zone->stale || zone->image->rollback.image_of != 0) && *worst < WARNING) {
		*worst = WARNING;
	}
}

static int send_zone(const struct zone_state *zone, bool all, struct link *link, uint32_t request,
		     enum severity *worst)
{
	static const char *const origins[] = {
		[ZONE_COMPILED] = "compiled", [ZONE_LOADED] = "saved", [ZONE_KEPT] = "kept"
	};
	struct ctl_row row;
	const struct ipc_compiled *info = zone->image == NULL ? NULL : &zone->image->info;

	char text[TIME_TEXT_MAX];
	bool failed = is_failed(zone);
	const char *detail = info != NULL && failed ? zone->image->refused : zone->detail;
	bool rolled_back = !failed && zone->image->rollback.image_of != 0;
	char rollback[IPC_TEXT_MAX];
	if (rolled_back) {
		snprintf(rollback, sizeof(rollback), "rolled back to %" PRIu32 " at %s until the text changes%s%.380s",
			 info->serial, time_text(zone->image->rollback.since_sec, text), zone->stale ? "; " : "", detail);
		detail = rollback;
	}

	row_begin(&row, "zone");
	row_text(&row, "view", zone->view_name);
	row_text(&row, "zone", zone->conf->text);
	row_text(&row, "state", failed ? "failed" : zone->stale || rolled_back ? "old" : "serving");
	row_number(&row, "serial", info == NULL ? 0 : info->serial);
	row_number(&row, "records", info == NULL ? 0 : info->records);
	row_number(&row, "bytes", info == NULL ? 0 : info->size);
	row_bool(&row, "overlay", zone->conf->overlay);
	if (all) {
		row_text(&row, "compiled", info == NULL ? "" : time_text(zone->image->made_sec, text));
		row_text(&row, "origin", info == NULL ? "" : origins[zone->origin]);
	}
	row_text(&row, "detail", detail);
	judge_zone(zone, worst);
	return row_send(link, request, &row);
}

int status_send(struct supervisor *sup, bool zones, struct link *link, uint32_t request)
{
	static const char *const words[] = { "all roles run, all zones are served", "some zones serve old data",
					     "a role is down or a zone is not served" };
	enum severity worst = FINE;
	struct ctl_row row;

	row_begin(&row, "appliance");
	row_text(&row, "version", PACKAGE_VERSION);
	row_text(&row, "state", sup->stopping		     ? "stopping"
				: sup->current.number == 0 ? "starting"
				: sup->takeover.running	     ? "upgrading"
				: sup->upgrade != NULL	     ? "preparing"
				: sup->change != NULL	     ? "reloading"
							     : "running");
	row_number(&row, "generation", sup->current.number);
	row_number(&row, "uptime_sec", (clock_now_ms() - sup->started_ms) / 1000);
	row_number(&row, "pid", (uint64_t)getpid());
	row_text(&row, "config", sup->conf_path);
	takeover_fields(sup, &row);
	row_number(&row, "at_ms", clock_now_ms()); /* of the queries that roles count: for rates */
	const struct config *config = sup->current.config;
	if (config != NULL) {
		row_number(&row, "workers", config->workers);
		row_text(&row, "state_dir", config->state_dir);
	}
	row_number(&row, "zones", sup->current.zones == NULL ? 0 : sup->current.zones->count);
	uint64_t refused;
	const char *local = local_state(sup, &refused);
	if (local != NULL) {
		row_text(&row, "local_wall", local);
		row_number(&row, "local_refused", refused);
	}
	uint64_t date = config != NULL ? config->resolver.validation_date : 0;
	if (date != 0) {
		char text[TIME_TEXT_MAX];
		row_text(&row, "validation_date", time_text(date, text));
	}
	unsigned stuck_sec = saver_stuck_sec(sup->saver);
	if (stuck_sec > 0) {
		row_number(&row, "saving_stuck_sec", stuck_sec);
	}
	int rc = row_send(link, request, &row);
	for (const struct instance *inst = sup->instances; inst != NULL && rc == BH_OK; inst = inst->next) {
		rc = send_role(inst, link, request, &worst);
	}
	if (rc == BH_OK) {
		rc = elder_rows(sup, link, request);
	}
	if (rc == BH_OK) {
		rc = places_send(sup, link, request);
	}
	for (size_t i = 0; sup->current.zones != NULL && i < sup->current.zones->count && rc == BH_OK; i++) {
		const struct zone_state *zone = &sup->current.zones->items[i];
		judge_zone(zone, &worst);
		rc = zones ? send_zone(zone, false, link, request, &worst) : BH_OK;
	}
	if (rc == BH_OK) {
		rc = trust_nta_rows(sup, link, request);
	}
	if (sup->current.number == 0) {
		worst = CRITICAL;
	}
	const char *text = words[worst];
	if (takeover_running(sup) && worst <= WARNING) {
		worst = WARNING;
		text = "roles of the version before serve until those of this one can";
	}
	if (date != 0 && worst <= WARNING) {
		worst = WARNING;
		text = "signatures are checked as if it were validation-date, not now";
	}
	if (stuck_sec > 0 && worst <= WARNING) {
		worst = WARNING;
		text = "images and histories of zones are not being written, the disk or the process that does it is stuck";
	}
	return rc == BH_OK ? row_done(link, request, (unsigned)worst, text) : rc;
}

int zone_status_send(const struct supervisor *sup, const char *name, struct link *link, uint32_t request)
{
	static const char *const words[] = { "served", "some zones serve old data", "a zone is not served" };
	const struct zone_set *set = sup->current.zones;
	enum severity worst = FINE;
	uint8_t wanted[DNAME_MAX];
	char text[64];
	unsigned count = 0;
	int rc = BH_OK;

	if (name != NULL && dname_from_text(name, wanted) < 0) {
		return row_done(link, request, 3, "not a domain name");
	}
	for (size_t i = 0; set != NULL && i < set->count && rc == BH_OK; i++) {
		const struct zone_state *zone = &set->items[i];
		if (name == NULL || dname_equal(zone->conf->name, wanted)) {
			rc = send_zone(zone, true, link, request, &worst);
			count++;
		}
	}
	if (rc != BH_OK) {
		return rc;
	}
	if (name != NULL && count == 0) {
		return row_done(link, request, 3, "no view has this zone");
	}
	snprintf(text, sizeof(text), "%u zone%s: %s", count, count == 1 ? "" : "s", words[worst]);
	return row_done(link, request, (unsigned)worst, text);
}

static int send_counters(const struct instance *inst, struct link *link, uint32_t request)
{
	int rc = BH_OK;
	for (unsigned i = 0; i < stats_count(inst->role) && rc == BH_OK; i++) {
		struct ctl_row row;
		char name[STATS_NAME_MAX];
		uint64_t value = __atomic_load_n(&inst->stats->counters[i], __ATOMIC_RELAXED);
		if (value == 0 && stats_is_detail(inst->role, i)) {
			continue;
		}
		row_begin(&row, "counter");
		row_text(&row, "role", role_text(inst->role));
		row_text(&row, "view", inst->view);
		row_number(&row, "index", inst->index);
		row_text(&row, "name", stats_name(inst->role, i, name));
		row_number(&row, "value", value);
		rc = row_send(link, request, &row);
	}
	return rc;
}

/* Queries for a zone, of all workers together. */
static int send_zone_counter(const struct supervisor *sup, const struct zone_state *zone, struct link *link,
			     uint32_t request)
{
	struct ctl_row row;
	uint64_t queries = 0;
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->role == ROLE_AUTHORITY && strcmp(inst->view, zone->view_name) == 0) {
			const uint64_t *zones = (const uint64_t *)(inst->stats + 1);
			queries += __atomic_load_n(&zones[zone->counter], __ATOMIC_RELAXED);
		}
	}
	row_begin(&row, "zone_counter");
	row_text(&row, "view", zone->view_name);
	row_text(&row, "zone", zone->conf->text);
	row_number(&row, "queries", queries);
	return row_send(link, request, &row);
}

int stats_send(const struct supervisor *sup, struct link *link, uint32_t request, const char *of)
{
	const struct config *config = sup->current.config;
	uint8_t name[DNAME_MAX];
	bool of_view = false;
	unsigned found = 0;
	int rc = BH_OK;

	for (size_t i = 0; of != NULL && config != NULL && i < config->view_count; i++) {
		of_view = of_view || strcmp(config->views[i].name, of) == 0;
	}
	bool of_zone = of != NULL && !of_view && dname_from_text(of, name) > 0;
	for (const struct instance *inst = sup->instances; inst != NULL && rc == BH_OK; inst = inst->next) {
		if (of == NULL || (of_view && strcmp(inst->view, of) == 0)) {
			rc = send_counters(inst, link, request);
		}
	}
	for (size_t i = 0; sup->current.zones != NULL && i < sup->current.zones->count && rc == BH_OK; i++) {
		const struct zone_state *zone = &sup->current.zones->items[i];
		if ((of_view && strcmp(zone->view_name, of) == 0) || (of_zone && dname_equal(zone->conf->name, name))) {
			found++;
			rc = send_zone_counter(sup, zone, link, request);
		}
	}
	if (rc != BH_OK) {
		return rc;
	}
	if (of != NULL && !of_view && found == 0) {
		return row_done(link, request, UNKNOWN, "stats: there is no such view or zone");
	}
	return row_done(link, request, FINE, "");
}
