/*
 * Rendering the metrics. The two formats differ in the content type, in where the type of a counter stands (by the
 * name of the family in OpenMetrics, of the sample in 0.0.4), and in what 0.0.4 has not: units, infos, an end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <config.h> /* of the build, not our own */

#include "daemons/monitor/metrics.h"

#include "common/util/count.h"
#include "daemons/monitor/families.h"
#include "daemons/monitor/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct metrics {
	struct text *out;
	const struct model *model;
	const struct model_now *now;
	bool open; /* OpenMetrics */
};

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				      : "text/plain; version=0.0.4; charset=utf-8";
}

/* What follows the name of the family in its samples, and in 0.0.4 in its metadata too. */
static const char *suffix_of(enum family_type type)
{
	return type == FAMILY_COUNTER ? "_total" : type == FAMILY_INFO ? "_info" : "";
}

static void begin_family(const struct metrics *m, const struct family *f)
{
	static const char *const types[] = { [FAMILY_COUNTER] = "counter",
					     [FAMILY_GAUGE] = "gauge",
					     [FAMILY_HISTOGRAM] = "histogram",
					     [FAMILY_INFO] = "info" };
	const char *suffix = m->open ? "" : suffix_of(f->type);
	const char *type = f->type == FAMILY_INFO && !m->open ? "gauge" : types[f->type];

	text_format(m->out, "# TYPE %s%s %s\n", f->name, suffix, type);
	if (m->open && f->unit != NULL) {
		text_format(m->out, "# UNIT %s %s\n", f->name, f->unit);
	}
	text_format(m->out, "# HELP %s%s %s\n", f->name, suffix, f->help);
}

/* --- labels: "{a="x",b="y"}", or nothing --- */

struct labels {
	struct text *out;
	bool any;
};

static struct labels begin_sample(const struct metrics *m, const struct family *f, const char *suffix)
{
	text_add(m->out, f->name);
	text_add(m->out, suffix);
	return (struct labels){ .out = m->out };
}

static void add_label(struct labels *l, const char *name, const char *value)
{
	text_add(l->out, l->any ? "," : "{");
	text_add(l->out, name);
	text_add(l->out, "=\"");
	text_label(l->out, value);
	text_add(l->out, "\"");
	l->any = true;
}

static void add_worker(struct labels *l, unsigned index)
{
	char text[12];
	snprintf(text, sizeof(text), "%u", index);
	add_label(l, "worker", text);
}

static void end_number(const struct labels *l, uint64_t value)
{
	text_format(l->out, "%s %" PRIu64 "\n", l->any ? "}" : "", value);
}

static void end_thousandths(const struct labels *l, uint64_t value)
{
	text_add(l->out, l->any ? "} " : " ");
	text_thousandths(l->out, value);
	text_add(l->out, "\n");
}

/* A family of one number. */
static void put_number(const struct metrics *m, const struct family *f, uint64_t value)
{
	begin_family(m, f);
	struct labels l = begin_sample(m, f, suffix_of(f->type));
	end_number(&l, value);
}

/* --- counters of pages --- */

static void put_value(const struct metrics *m, const struct counter_family *cf, const struct family_sample *sample,
		      unsigned i, const struct watched_role *roles, size_t count)
{
	char value[FAMILY_VALUE_MAX];
	uint64_t sum = model_sum(roles, count, sample->counter + i);
	if (sample->value_of != NULL && i >= sample->always && sum == 0) {
		return;
	}
	struct labels l = begin_sample(m, &cf->family, suffix_of(cf->family.type));
	if (roles->info.view[0] != '\0') {
		add_label(&l, "view", roles->info.view);
	}
	if (sample->label != NULL) {
		add_label(&l, sample->label, sample->value != NULL ? sample->value : sample->value_of(i, value));
	}
	if (cf->by_worker) {
		add_worker(&l, roles->info.index);
	}
	end_number(&l, sum);
}

static void put_bucket(const struct metrics *m, const struct counter_family *cf, const char *view, uint64_t bound_ms,
		       uint64_t below)
{
	struct labels l = begin_sample(m, &cf->family, "_bucket");
	if (view[0] != '\0') {
		add_label(&l, "view", view);
	}
	text_add(l.out, l.any ? ",le=\"" : "{le=\"");
	if (bound_ms == 0) {
		text_add(l.out, "+Inf");
	} else {
		text_thousandths(l.out, bound_ms);
	}
	text_format(l.out, "\"} %" PRIu64 "\n", below);
}

static void put_histogram(const struct metrics *m, const struct counter_family *cf, const struct watched_role *roles,
			  size_t count)
{
	const char *view = roles->info.view;
	uint64_t below = 0;
	for (unsigned i = 0; i < cf->buckets; i++) {
		below += model_sum(roles, count, cf->samples[0].counter + i);
		put_bucket(m, cf, view, i + 1 < cf->buckets ? cf->bound_ms(i) : 0, below);
	}
	struct labels l = begin_sample(m, &cf->family, "_sum");
	if (view[0] != '\0') {
		add_label(&l, "view", view);
	}
	end_thousandths(&l, model_sum(roles, count, cf->sum_ms));
	l = begin_sample(m, &cf->family, "_count");
	if (view[0] != '\0') {
		add_label(&l, "view", view);
	}
	end_number(&l, below);
}

static void put_group(const struct metrics *m, const struct counter_family *cf, const struct watched_role *roles,
		      size_t count)
{
	if (cf->buckets > 0) {
		put_histogram(m, cf, roles, count);
		return;
	}
	for (size_t s = 0; s < cf->sample_count; s++) {
		for (unsigned i = 0; i < cf->samples[s].count; i++) {
			put_value(m, cf, &cf->samples[s], i, roles, count);
		}
	}
}

static void put_counters(const struct metrics *m)
{
	for (size_t f = 0; f < counter_family_count; f++) {
		const struct counter_family *cf = &counter_families[f];
		bool begun = false;
		for (size_t at = 0, begin = 0; at < m->model->role_count; begin = at) {
			size_t count = model_next_group(m->model, &at);
			const struct watched_role *roles = &m->model->roles[begin];
			if (roles->info.role != cf->role) {
				continue;
			}
			if (!begun) {
				begin_family(m, &cf->family);
				begun = true;
			}
			for (size_t i = 0; i < count; i += cf->by_worker ? 1 : count) {
				put_group(m, cf, &roles[i], cf->by_worker ? 1 : count);
			}
		}
	}
}

/* --- processes --- */

static struct labels begin_role(const struct metrics *m, const struct family *f, const struct watched_role *role)
{
	struct labels l = begin_sample(m, f, suffix_of(f->type));
	add_label(&l, "role", role_text((enum role)role->info.role));
	if (role->info.view[0] != '\0') {
		add_label(&l, "view", role->info.view);
	}
	add_worker(&l, role->info.index);
	return l;
}

static uint64_t role_up(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return role->told && role->facts.state == IPC_ROLE_RUNNING;
}

static uint64_t role_healthy(const struct metrics *m, const struct watched_role *role)
{
	return health_role_is_fine(role, m->now);
}

static uint64_t role_restarts(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return role->facts.restarts;
}

static uint64_t role_generation(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return role->facts.generation;
}

static uint64_t role_started(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return role->facts.started_sec;
}

static uint64_t role_memory(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return role->facts.resident;
}

static uint64_t role_cpu(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return role->facts.cpu_ms;
}

static uint64_t role_confined(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return model_is_confined(role);
}

static uint64_t role_missing(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return (uint64_t)__builtin_popcount(role->facts.missing);
}

static uint64_t role_syscalls(const struct metrics *m, const struct watched_role *role)
{
	(void)m;
	return role->facts.syscalls;
}

static uint64_t supervisor_memory(const struct ipc_appliance_facts *facts)
{
	return facts->resident;
}

static uint64_t supervisor_cpu(const struct ipc_appliance_facts *facts)
{
	return facts->cpu_ms;
}

static uint64_t supervisor_started(const struct ipc_appliance_facts *facts)
{
	return facts->started_sec;
}

/* supervisor: the same of the process that started them all, where it is known. */
static const struct role_family {
	struct family family;
	uint64_t (*value)(const struct metrics *m, const struct watched_role *role);
	bool thousandths;
	uint64_t (*supervisor)(const struct ipc_appliance_facts *facts);
} role_families[] = {
	{ { "bulkhead_role_up", NULL, FAMILY_GAUGE, "Does the process run and serve." }, role_up, false, NULL },
	{ { "bulkhead_role_healthy", NULL, FAMILY_GAUGE, "Does it answer its own probe, in time." }, role_healthy, false, NULL },
	{ { "bulkhead_role_restarts", NULL, FAMILY_COUNTER, "Processes that were started in the place of one that ended." },
	  role_restarts, false, NULL },
	{ { "bulkhead_role_generation", NULL, FAMILY_GAUGE, "Generation of the configuration that it serves." },
	  role_generation, false, NULL },
	{ { "bulkhead_role_start_time_seconds", "seconds", FAMILY_GAUGE, "When the process was started, since 1970; 0: it does not run." },
	  role_started, false, supervisor_started },
	{ { "bulkhead_role_resident_memory_bytes", "bytes", FAMILY_GAUGE, "Resident set of the process; images of zones are shared by the workers of a view." },
	  role_memory, false, supervisor_memory },
	{ { "bulkhead_role_cpu_seconds", "seconds", FAMILY_COUNTER, "Processor time of the process." }, role_cpu, true,
	  supervisor_cpu },
	{ { "bulkhead_role_confined", NULL, FAMILY_GAUGE,
	    "Do all walls of its sandbox stand, as it found itself and as the kernel shows from outside." },
	  role_confined, false, NULL },
	{ { "bulkhead_role_missing_walls", NULL, FAMILY_GAUGE, "Walls that it should have and has not." }, role_missing, false,
	  NULL },
	{ { "bulkhead_role_system_calls", NULL, FAMILY_GAUGE, "Different system calls that its filter allows." }, role_syscalls,
	  false, NULL },
};

static void put_roles(const struct metrics *m)
{
	for (size_t f = 0; f < COUNT(role_families); f++) {
		const struct role_family *rf = &role_families[f];
		begin_family(m, &rf->family);
		if (rf->supervisor != NULL && m->model->appliance_told) {
			struct labels l = begin_sample(m, &rf->family, suffix_of(rf->family.type));
			uint64_t value = rf->supervisor(&m->model->appliance);
			add_label(&l, "role", "supervisor");
			add_worker(&l, 0);
			(rf->thousandths ? end_thousandths : end_number)(&l, value);
		}
		for (size_t i = 0; i < m->model->role_count; i++) {
			const struct watched_role *role = &m->model->roles[i];
			if (!role->told && rf->value != role_healthy) {
				continue;
			}
			struct labels l = begin_role(m, &rf->family, role);
			(rf->thousandths ? end_thousandths : end_number)(&l, rf->value(m, role));
		}
	}
}

/* --- zones --- */

static uint64_t zone_up(const struct metrics *m, const struct ipc_watched *zone)
{
	return !model_zone_failed(m->model, zone, NULL);
}

static uint64_t zone_queries(const struct metrics *m, const struct ipc_watched *zone)
{
	uint64_t queries;
	(void)model_zone_failed(m->model, zone, &queries);
	return queries;
}

static uint64_t zone_serial(const struct metrics *m, const struct ipc_watched *zone)
{
	(void)m;
	return zone->serial;
}

static uint64_t zone_records(const struct metrics *m, const struct ipc_watched *zone)
{
	(void)m;
	return zone->records;
}

static uint64_t zone_size(const struct metrics *m, const struct ipc_watched *zone)
{
	(void)m;
	return zone->size;
}

static uint64_t zone_made(const struct metrics *m, const struct ipc_watched *zone)
{
	(void)m;
	return zone->made_sec;
}

static uint64_t zone_old(const struct metrics *m, const struct ipc_watched *zone)
{
	(void)m;
	return (zone->flags & IPC_WATCHED_OLD) != 0;
}

static const struct zone_family {
	struct family family;
	uint64_t (*value)(const struct metrics *m, const struct ipc_watched *zone);
} zone_families[] = {
	{ { "bulkhead_zone_up", NULL, FAMILY_GAUGE, "Does the zone answer for its SOA, on every worker that was asked." }, zone_up },
	{ { "bulkhead_zone_queries", NULL, FAMILY_COUNTER, "Queries for names of the zone." }, zone_queries },
	{ { "bulkhead_zone_serial", NULL, FAMILY_GAUGE, "Serial of the zone's SOA." }, zone_serial },
	{ { "bulkhead_zone_records", NULL, FAMILY_GAUGE, "Records of the zone." }, zone_records },
	{ { "bulkhead_zone_image_bytes", "bytes", FAMILY_GAUGE, "Memory of the zone, shared by all workers of its view." }, zone_size },
	{ { "bulkhead_zone_compiled_timestamp_seconds", "seconds", FAMILY_GAUGE,
	    "When the data that is served was compiled, since 1970; its age is the time less this." },
	  zone_made },
	{ { "bulkhead_zone_old", NULL, FAMILY_GAUGE, "The zone's text does not compile: it is served as it was before." }, zone_old },
};

static void put_zones(const struct metrics *m)
{
	for (size_t f = 0; f < COUNT(zone_families) && m->model->zone_count > 0; f++) {
		const struct zone_family *zf = &zone_families[f];
		begin_family(m, &zf->family);
		for (size_t i = 0; i < m->model->zone_count; i++) {
			const struct ipc_watched *zone = &m->model->zones[i];
			char name[DNAME_TEXT_MAX];
			struct labels l = begin_sample(m, &zf->family, suffix_of(zf->family.type));
			add_label(&l, "view", zone->view);
			add_label(&l, "zone", dname_text(zone->name, name));
			end_number(&l, zf->value(m, zone));
		}
	}
}

/* Known even where zones are not told by name: from what the workers asked themselves. */
static void put_views(const struct metrics *m)
{
	static const struct family families[] = {
		{ "bulkhead_view_zones", NULL, FAMILY_GAUGE, "Zones of the view." },
		{ "bulkhead_view_failed_zones", NULL, FAMILY_GAUGE, "Zones that do not answer, on the worker that has most of them." },
	};
	for (size_t f = 0; f < COUNT(families); f++) {
		bool begun = false;
		for (size_t at = 0, begin = 0; at < m->model->role_count; begin = at) {
			size_t count = model_next_group(m->model, &at);
			const struct watched_role *roles = &m->model->roles[begin];
			uint64_t most = 0;
			for (size_t i = 0; i < count && roles->info.role == ROLE_AUTHORITY; i++) {
				const struct stats_probe *probe = &roles[i].page->probes[STATS_PROBE_OWN];
				uint64_t value = stats_read(f == 0 ? &probe->parts : &probe->failed);
				most = value > most ? value : most;
			}
			if (roles->info.role != ROLE_AUTHORITY) {
				continue;
			}
			if (!begun) {
				begin_family(m, &families[f]);
				begun = true;
			}
			struct labels l = begin_sample(m, &families[f], "");
			add_label(&l, "view", roles->info.view);
			end_number(&l, most);
		}
	}
}

/* --- the appliance --- */

static void put_appliance(const struct metrics *m)
{
	static const struct family build = { "bulkhead_build", NULL, FAMILY_INFO, "Version of the appliance." };
	static const struct family generation = { "bulkhead_generation", NULL, FAMILY_GAUGE,
						  "Generation of the configuration in service." };
	static const struct family changed = { "bulkhead_config_last_reload_successful", NULL, FAMILY_GAUGE,
					       "Did the last change of configuration or zones come into service." };
	static const struct family changed_at = { "bulkhead_config_last_reload_timestamp_seconds", "seconds", FAMILY_GAUGE,
						  "When that was, since 1970." };
	static const struct family told = { "bulkhead_supervisor_silence_seconds", "seconds", FAMILY_GAUGE,
					    "How long ago the supervisor told how all fare: about 1." };
	static const struct family healthy = { "bulkhead_healthy", NULL, FAMILY_GAUGE,
					       "Does every view, every zone and the resolver answer its own probe: as /healthz." };
	const struct ipc_appliance_facts *facts = &m->model->appliance;

	begin_family(m, &build);
	struct labels l = begin_sample(m, &build, "_info");
	add_label(&l, "version", PACKAGE_VERSION);
	end_number(&l, 1);
	put_number(m, &healthy, health_judge(m->model, m->now, &(struct health_scope){ .all = true }, NULL) == 0);
	if (!m->model->appliance_told) {
		return;
	}
	put_number(m, &generation, facts->generation);
	put_number(m, &changed, facts->change_ok);
	put_number(m, &changed_at, facts->change_sec);
	begin_family(m, &told);
	l = begin_sample(m, &told, "");
	end_thousandths(&l, m->now->ms > m->model->told_ms ? m->now->ms - m->model->told_ms : 0);
}

void metrics_render(struct text *t, const struct model *model, const struct model_now *now,
		    enum metrics_format format)
{
	const struct metrics m = { .out = t, .model = model, .now = now, .open = format == METRICS_OPEN };
	put_appliance(&m);
	put_roles(&m);
	put_views(&m);
	put_zones(&m);
	put_counters(&m);
	if (m.open) {
		text_add(t, "# EOF\n");
	}
}
