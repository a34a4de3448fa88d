/*
 * libconfuse: options, sections, includes, and its errors as "file, line, what, what is allowed".
 *
 * libconfuse keeps no line numbers for values, so every option is a pointer option whose parse
 * callback, which runs while the line is known, stores the text with its place.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_text.h"

#include <confuse.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfuse gives its callbacks no context of ours; one configuration is read at a time. */
static struct {
	config_error_fn *error;
	void *ctx;
	unsigned count;
	unsigned include_depth;
} reading;

#define INCLUDE_DEPTH_MAX 8

/* A bit of cfg_opt_t.flags that libconfuse does not use: the option has been assigned to. */
#define FLAG_ASSIGNED (1 << 30)

static void complain(const char *file, unsigned line, const char *text)
{
	reading.count++;
	reading.error(reading.ctx, file == NULL ? "" : file, line, text);
}

static bool is_syntax_word(const cfg_opt_t *opt)
{
	return opt->type == CFGT_FUNC;
}

/* " (allowed here: a, b, c)" for the section at fault. */
static void append_allowed(const cfg_t *cfg, char *text, size_t size)
{
	size_t pos = strlen(text);
	const char *glue = ", allowed here: ";
	for (const cfg_opt_t *opt = cfg->opts; opt != NULL && opt->name != NULL && pos < size; opt++) {
		if (is_syntax_word(opt) || opt->name[0] == '_') { /* __unknown is libconfuse's own */
			continue;
		}
		int n = snprintf(text + pos, size - pos, "%s%s", glue, opt->name);
		pos += n < 0 ? 0 : (size_t)n;
		glue = ", ";
	}
}

static void on_error(cfg_t *cfg, const char *fmt, va_list args)
{
	char text[IPC_TEXT_MAX];
	vsnprintf(text, sizeof(text), fmt, args);
	if (strncmp(text, "no such option", 14) == 0) {
		append_allowed(cfg, text, sizeof(text));
	}
	complain(cfg->filename, (unsigned)cfg->line, text);
}

static void free_value(void *p)
{
	struct config_value *value = p;
	if (value != NULL) {
		free(value->file);
		free(value->text);
		free(value);
	}
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	/* A plain assignment empties the option before its first value; "+=" goes on with nvalues > 1. */
	if (opt->nvalues <= 1 && (opt->flags & FLAG_ASSIGNED) != 0) {
		cfg_error(cfg, "'%s' is given twice", opt->name);
		return -1;
	}
	opt->flags |= FLAG_ASSIGNED;
	struct config_value *value = calloc(1, sizeof(*value));
	if (value == NULL) {
		return -1;
	}
	value->file = strdup(cfg->filename == NULL ? "" : cfg->filename);
	value->line = (unsigned)cfg->line;
	value->text = strdup(text);
	if (value->file == NULL || value->text == NULL) {
		free_value(value);
		return -1;
	}
	*(void **)result = value;
	return 0;
}

/* include("file"): relative to the folder of the file that includes it. */
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	char path[PATH_MAX];

	if (argc != 1) {
		cfg_error(cfg, "include() takes one file name");
		return 1;
	}
	if (reading.include_depth >= INCLUDE_DEPTH_MAX) {
		cfg_error(cfg, "includes are nested more than %d deep", INCLUDE_DEPTH_MAX);
		return 1;
	}
	if (argv[0][0] == '/') {
		snprintf(path, sizeof(path), "%s", argv[0]);
	} else {
		char here[PATH_MAX];
		snprintf(here, sizeof(here), "%s", cfg->filename);
		int n = snprintf(path, sizeof(path), "%s/%s", dirname(here), argv[0]);
		if (n < 0 || (size_t)n >= sizeof(path)) {
			cfg_error(cfg, "include: path is too long");
			return 1;
		}
	}
	FILE *probe = fopen(path, "re");
	if (probe == NULL) {
		cfg_error(cfg, "include: cannot read '%s': %s", path, strerror(errno));
		return 1;
	}
	fclose(probe);
	reading.include_depth++;
	const char *args[1] = { path };
	int rc = cfg_include(cfg, opt, 1, args);
	return rc;
}

#define VALUE(name) CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, on_value, free_value)
#define VALUES(name) CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value, free_value)

cfg_t *config_text_parse(const char *path, config_error_fn *error, void *ctx)
{
	cfg_opt_t appliance[] = { VALUE("workers"), VALUE("state-dir"), VALUE("run-dir"), VALUE("log-level"),
				  CFG_END() };
	cfg_opt_t zone[] = { VALUE("file"), VALUE("overlay"), CFG_END() };
	cfg_opt_t view[] = { VALUES("listen"),
			     VALUES("interfaces"),
			     VALUES("allow-query"),
			     VALUE("zones-dir"),
			     VALUE("user"),
			     CFG_SEC("zone", zone, CFGF_MULTI | CFGF_TITLE),
			     CFG_END() };
	cfg_opt_t stub[] = { VALUES("to"), CFG_END() };
	cfg_opt_t resolver[] = { VALUES("listen"),
				 VALUES("interfaces"),
				 VALUES("allow-query"),
				 VALUE("open"),
				 VALUE("internal-view"),
				 VALUES("outgoing"),
				 VALUE("root-hints"),
				 VALUE("cache-size"),
				 VALUES("rebind-allow"),
				 VALUE("ipv4"),
				 VALUE("ipv6"),
				 VALUE("use-0x20"),
				 VALUE("qname-minimisation"),
				 VALUE("prime-root"),
				 CFG_SEC("stub", stub, CFGF_MULTI | CFGF_TITLE),
				 CFG_END() };
	/* Sections that may stand once are MULTI too, so that a second one is seen and refused. */
	cfg_opt_t root[] = { CFG_SEC("appliance", appliance, CFGF_MULTI),
			     CFG_SEC("view", view, CFGF_MULTI | CFGF_TITLE),
			     CFG_SEC("resolver", resolver, CFGF_MULTI), CFG_FUNC("include", on_include),
			     CFG_END() };

	reading.error = error;
	reading.ctx = ctx;
	reading.count = 0;
	reading.include_depth = 0;

	char full[PATH_MAX];
	if (realpath(path, full) == NULL) {
		char text[IPC_TEXT_MAX];
		snprintf(text, sizeof(text), "cannot read the configuration: %s", strerror(errno));
		complain(path, 0, text);
		return NULL;
	}
	cfg_t *cfg = cfg_init(root, CFGF_NONE);
	if (cfg == NULL) {
		complain(full, 0, "out of memory");
		return NULL;
	}
	cfg_set_error_function(cfg, on_error);
	int rc = cfg_parse(cfg, full);
	if (rc == CFG_FILE_ERROR) {
		char text[IPC_TEXT_MAX];
		snprintf(text, sizeof(text), "cannot read the configuration: %s", strerror(errno));
		complain(full, 0, text);
	} else if (rc != CFG_SUCCESS && reading.count == 0) {
		complain(full, (unsigned)cfg->line, "syntax error");
	}
	if (rc != CFG_SUCCESS || reading.count > 0) {
		cfg_free(cfg);
		return NULL;
	}
	return cfg;
}

void config_text_free(cfg_t *cfg)
{
	cfg_free(cfg);
}

const struct config_value *config_text_value(cfg_t *section, const char *name)
{
	return config_text_item(section, name, 0);
}

const struct config_value *config_text_item(cfg_t *section, const char *name, unsigned i)
{
	return i < cfg_size(section, name) ? cfg_getnptr(section, name, i) : NULL;
}

unsigned config_text_count(cfg_t *section, const char *name)
{
	unsigned count = cfg_size(section, name);
	return count > 0 && cfg_getnptr(section, name, 0) == NULL ? 0 : count;
}
