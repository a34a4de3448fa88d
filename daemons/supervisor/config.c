/*
 * The configuration as a whole: section "appliance", which sections there may be, and what must hold
 * between them. What stands in a section is read by a file for each: config_key.c, config_view.c,
 * config_resolver.c, config_monitor.c; config_listen.c and config_read.c have what they share.
 *
 * Every fault is told with file, line, what is wrong and what is allowed; reading goes on after a
 * fault so that one run tells them all (up to CONFIG_ERRORS_MAX).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config.h"

#include "daemons/supervisor/config_read.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

unsigned config_cpus(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count < 1 ? 1 : count > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (unsigned)count;
}

static void read_appliance(struct config_reader *r, cfg_t *section)
{
	struct config *config = r->config;
	unsigned long workers;

	config_read_number(r, section, "workers", CONFIG_WORKERS_MAX, 0, &workers);
	config->workers = workers == 0 ? config_cpus() : (unsigned)workers;
	config->state_dir = config_read_path(section, "state-dir", BH_STATE_DIR);
	config->run_dir = config_read_path(section, "run-dir", BH_RUN_DIR);
	const struct config_value *level = config_text_value(section, "log-level");
	if (level != NULL && log_level_parse(level->text, &config->log_level) != BH_OK) {
		FAULT(r, level, "log-level: '%s' is none of error, warning, info, debug", level->text);
	}
	unsigned long number;
	config_read_number(r, section, "history-count", CONFIG_HISTORY_MAX, CONFIG_HISTORY_COUNT, &number);
	config->history_count = (unsigned)number;
	config_read_number(r, section, "history-days", CONFIG_HISTORY_DAYS_MAX, CONFIG_HISTORY_DAYS, &number);
	config->history_days = (unsigned)number;
	config_read_names(r, section, &(const struct config_names){ 0 }, &config->names);
}

static void read_all(struct config_reader *r, cfg_t *cfg)
{
	struct config *config = r->config;
	config->log_level = LOG_LEVEL_INFO;

	for (unsigned i = 1; i < cfg_size(cfg, "appliance"); i++) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "appliance", i), "section 'appliance' stands twice");
	}
	if (cfg_size(cfg, "appliance") > 0) {
		read_appliance(r, cfg_getnsec(cfg, "appliance", 0));
	} else {
		config->workers = config_cpus();
		config->state_dir = config_must(strdup(BH_STATE_DIR));
		config->run_dir = config_must(strdup(BH_RUN_DIR));
		config->history_count = CONFIG_HISTORY_COUNT;
		config->history_days = CONFIG_HISTORY_DAYS;
	}
	config_read_keys(r, cfg);
	unsigned views = cfg_size(cfg, "view");
	if (views > CONFIG_VIEWS_MAX) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "view", CONFIG_VIEWS_MAX), "more than %d views",
			      CONFIG_VIEWS_MAX);
		return;
	}
	config->views = config_must(calloc(views + 1u, sizeof(*config->views)));
	for (unsigned i = 0; i < views; i++) {
		cfg_t *section = cfg_getnsec(cfg, "view", i);
		config_read_view(r, section, &config->views[i]);
		config->view_count++;
	}
	for (unsigned i = 1; i < cfg_size(cfg, "resolver"); i++) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "resolver", i), "section 'resolver' stands twice");
	}
	if (cfg_size(cfg, "resolver") > 0) {
		config_read_resolver(r, cfg_getnsec(cfg, "resolver", 0), &config->resolver);
	}
	for (unsigned i = 1; i < cfg_size(cfg, "monitor"); i++) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "monitor", i), "section 'monitor' stands twice");
	}
	if (cfg_size(cfg, "monitor") > 0) {
		config_read_monitor(r, cfg_getnsec(cfg, "monitor", 0), &config->monitor);
	}
	if (config->view_count == 0 && !config->resolver.present) {
		FAULT_SECTION(r, cfg, "neither a view nor a resolver: nothing to serve");
	}
	if (r->errors == 0) {
		config_check_listens(r, cfg);
		config_check_local(r, cfg);
	}
}

struct config *config_load(const char *path, config_error_fn *error, void *ctx)
{
	struct config_reader r = { .error = error, .ctx = ctx };
	cfg_t *cfg = config_text_parse(path, error, ctx);
	if (cfg == NULL) {
		return NULL;
	}
	r.config = config_must(calloc(1, sizeof(*r.config)));
	r.config->refs = 1;
	read_all(&r, cfg);
	config_text_free(cfg);
	if (r.errors > CONFIG_ERRORS_MAX) {
		error(ctx, path, 0, "and more faults than are told");
	}
	if (r.errors > 0) {
		config_free(r.config);
		return NULL;
	}
	return r.config;
}

struct config *config_share(struct config *config)
{
	config->refs++;
	return config;
}

void config_free(struct config *config)
{
	if (config == NULL || --config->refs > 0) {
		return;
	}
	for (size_t i = 0; i < config->view_count; i++) {
		config_view_clear(&config->views[i]);
	}
	free(config->views);
	config_resolver_clear(&config->resolver);
	config_monitor_clear(&config->monitor);
	tsig_keys_free(config->keys, config->key_count);
	free(config->state_dir);
	free(config->run_dir);
	free(config);
}
