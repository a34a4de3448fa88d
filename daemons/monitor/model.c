/*
 * Owns the mappings of counter pages. Numbers in them may be anything; those that are used as an index are bounded
 * where they are used.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/monitor/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int compare_roles(const void *a, const void *b)
{
	const struct watched_role *x = a;
	const struct watched_role *y = b;
	if (x->info.role != y->info.role) {
		return x->info.role < y->info.role ? -1 : 1;
	}
	int views = strcmp(x->info.view, y->info.view);
	if (views != 0) {
		return views;
	}
	return x->info.index < y->info.index ? -1 : x->info.index > y->info.index;
}

static struct watched_role *find_role(const struct model *model, uint32_t id)
{
	for (size_t i = 0; model != NULL && i < model->role_count; i++) {
		if (model->roles[i].info.id == id) {
			return &model->roles[i];
		}
	}
	return NULL;
}

struct model *model_new(const struct role_conf *conf, const struct model *old)
{
	struct model *model = calloc(1, sizeof(*model));
	if (model == NULL) {
		return NULL;
	}
	model->zones = conf->watched;
	model->zone_count = conf->watched_count;
	model->zones_told = conf->options.monitor.zones != 0;
	if (old != NULL) {
		model->appliance_told = old->appliance_told;
		model->appliance = old->appliance;
		model->told_ms = old->told_ms;
	}
	model->roles = calloc(conf->page_count + 1, sizeof(*model->roles));
	if (model->roles == NULL) {
		model_free(model, old);
		return NULL;
	}
	for (size_t i = 0; i < conf->page_count; i++) {
		const struct role_page *page = &conf->pages[i];
		struct watched_role *role = &model->roles[model->role_count];
		const struct watched_role *known = find_role(old, page->info.id);
		if (known != NULL) {
			*role = *known;
		} else {
			void *memory = mmap(NULL, stats_size((enum role)page->info.role), PROT_READ, MAP_SHARED, page->fd, 0);
			if (memory == MAP_FAILED) {
				model_free(model, old);
				return NULL;
			}
			*role = (struct watched_role){ .info = page->info, .page = memory };
		}
		model->role_count++;
	}
	qsort(model->roles, model->role_count, sizeof(*model->roles), compare_roles);
	return model;
}

void model_free(struct model *model, const struct model *next)
{
	if (model == NULL) {
		return;
	}
	for (size_t i = 0; i < model->role_count; i++) {
		const struct watched_role *role = &model->roles[i];
		if (find_role(next, role->info.id) == NULL) {
			munmap((void *)(uintptr_t)role->page, stats_size((enum role)role->info.role));
		}
	}
	free(model->roles);
	free(model);
}

void model_role_facts(struct model *model, const struct ipc_role_facts *facts, uint64_t now_ms)
{
	struct watched_role *role = find_role(model, facts->page);
	if (role == NULL) {
		return; /* of an instance that is on its way out, or not yet in */
	}
	bool same = role->told && role->facts.pid == facts->pid && facts->cpu_ms >= role->facts.cpu_ms;
	role->cpu_before_ms = same ? role->facts.cpu_ms : facts->cpu_ms;
	role->told_before_ms = same ? role->told_ms : now_ms;
	role->facts = *facts;
	role->told_ms = now_ms;
	role->told = true;
}

void model_appliance_facts(struct model *model, const struct ipc_appliance_facts *facts, uint64_t now_ms)
{
	model->appliance = *facts;
	model->appliance_told = true;
	model->told_ms = now_ms;
}

size_t model_next_group(const struct model *model, size_t *from)
{
	size_t begin = *from;
	size_t end = begin;
	while (end < model->role_count && model->roles[end].info.role == model->roles[begin].info.role &&
	       strcmp(model->roles[end].info.view, model->roles[begin].info.view) == 0) {
		end++;
	}
	*from = end;
	return end - begin;
}

uint64_t model_sum(const struct watched_role *roles, size_t count, unsigned counter)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		sum += stats_read(&roles[i].page->counters[counter]);
	}
	return sum;
}

const char *model_role_name(const struct watched_role *role, char out[MODEL_NAME_MAX])
{
	const char *name = role_text((enum role)role->info.role);
	if (role->info.view[0] != '\0') {
		snprintf(out, MODEL_NAME_MAX, "%s[%s]/%u", name, role->info.view, role->info.index);
	} else {
		snprintf(out, MODEL_NAME_MAX, "%s/%u", name, role->info.index);
	}
	return out;
}

bool model_zone_failed(const struct model *model, const struct ipc_watched *zone, uint64_t *queries)
{
	bool failed = false;
	uint64_t sum = 0;
	for (size_t i = 0; i < model->role_count; i++) {
		const struct watched_role *role = &model->roles[i];
		if (role->info.role != ROLE_AUTHORITY || strcmp(role->info.view, zone->view) != 0) {
			continue;
		}
		/* the accessors are for those who write, too */
		struct stats_page *page = (struct stats_page *)(uintptr_t)role->page;
		uint64_t word = stats_read(&stats_failed(page)[zone->counter / 64]);
		failed = failed || (word >> zone->counter % 64 & 1) != 0;
		sum += stats_read(&stats_zones(page)[zone->counter]);
	}
	if (queries != NULL) {
		*queries = sum;
	}
	return failed;
}

bool model_is_confined(const struct watched_role *role)
{
	return role->told && role->facts.confined && role->facts.missing == 0;
}

uint64_t model_cpu_permille(const struct watched_role *role)
{
	uint64_t took_ms = role->told_ms - role->told_before_ms;
	return !role->told || took_ms == 0 ? 0 : (role->facts.cpu_ms - role->cpu_before_ms) * 1000 / took_ms;
}
