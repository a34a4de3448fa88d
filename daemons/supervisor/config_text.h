/*
 * The grammar of bulkhead.conf as libconfuse reads it. Every value is kept as text together with the
 * file and line where it stands; what it means is the business of config.c and the files of the sections.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_CONFIG_TEXT_H
#define BULKHEAD_SUPERVISOR_CONFIG_TEXT_H

#include "daemons/supervisor/config.h"

typedef struct cfg_t cfg_t;

struct config_value {
	char *file; /* absolute */
	unsigned line;
	char *text;
};

/* NULL: unreadable or not in the grammar; `error` was called. Free with config_text_free. */
cfg_t *config_text_parse(const char *path, config_error_fn *error, void *ctx);
void config_text_free(cfg_t *cfg);

/* File in which a section stands; valid until config_text_free. */
const char *config_text_file(cfg_t *section);

/* Value of an option, or NULL when it is not set. Value i of a list; NULL past its end. */
const struct config_value *config_text_value(cfg_t *section, const char *name);
const struct config_value *config_text_item(cfg_t *section, const char *name, unsigned i);
unsigned config_text_count(cfg_t *section, const char *name);

#endif
