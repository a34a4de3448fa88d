/*
 * Readers of single values, used by every section of the configuration. What is no such value is told
 * with file, line and what is allowed; the caller goes on with the fallback.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include "common/util/count.h"
#include "common/util/err.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_fault_at(struct config_reader *r, const char *file, unsigned line, const char *fmt, ...)
{
	char text[IPC_TEXT_MAX];
	va_list args;
	if (r->errors++ >= CONFIG_ERRORS_MAX) {
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->error(r->ctx, file, line, text);
}

void *config_must(void *p)
{
	if (p == NULL) {
		log_fatal("out of memory reading the configuration");
	}
	return p;
}

void config_read_bool(struct config_reader *r, cfg_t *section, const char *name, bool fallback, bool *out)
{
	const struct config_value *v = config_text_value(section, name);
	*out = fallback;
	if (v == NULL) {
		return;
	}
	int parsed = cfg_parse_boolean(v->text);
	if (parsed < 0) {
		FAULT(r, v, "%s: '%s' is neither true nor false", name, v->text);
		return;
	}
	*out = parsed != 0;
}

void config_read_between(struct config_reader *r, cfg_t *section, const char *name, unsigned long min,
			 unsigned long max, unsigned long fallback, unsigned long *out)
{
	const struct config_value *v = config_text_value(section, name);
	*out = fallback;
	if (v == NULL) {
		return;
	}
	char *end;
	errno = 0;
	unsigned long number = strtoul(v->text, &end, 10);
	if (v->text[0] < '0' || v->text[0] > '9' || *end != '\0' || errno != 0 || number < min ||
	    number > max) {
		FAULT(r, v, "%s: '%s' is not a number from %lu to %lu", name, v->text, min, max);
		return;
	}
	*out = number;
}

void config_read_number(struct config_reader *r, cfg_t *section, const char *name, unsigned long max,
			unsigned long fallback, unsigned long *out)
{
	config_read_between(r, section, name, 0, max, fallback, out);
}

void config_read_size(struct config_reader *r, cfg_t *section, const char *name, uint64_t min,
		      uint64_t fallback, uint64_t *out)
{
	const uint64_t max = UINT64_C(1) << 40;
	const struct config_value *v = config_text_value(section, name);
	*out = fallback;
	if (v == NULL) {
		return;
	}
	char *end;
	errno = 0;
	unsigned long long number = strtoull(v->text, &end, 10);
	unsigned shift = 0;
	if (*end == 'K' || *end == 'k') {
		shift = 10;
	} else if (*end == 'M' || *end == 'm') {
		shift = 20;
	} else if (*end == 'G' || *end == 'g') {
		shift = 30;
	}
	if (shift > 0) {
		end++;
	}
	if (v->text[0] < '0' || v->text[0] > '9' || *end != '\0' || errno != 0 || number > max >> shift ||
	    number << shift < min) {
		FAULT(r, v, "%s: '%s' is not a size of at least %llu octets, as \"256M\"", name, v->text,
		      (unsigned long long)min);
		return;
	}
	*out = number << shift;
}

unsigned config_read_word(struct config_reader *r, cfg_t *section, const char *name, const char *const *words,
			  unsigned count, const char *allowed, unsigned fallback)
{
	const struct config_value *v = config_text_value(section, name);
	for (unsigned i = 0; i < count && v != NULL; i++) {
		if (strcmp(v->text, words[i]) == 0) {
			return i;
		}
	}
	if (v != NULL) {
		FAULT(r, v, "%s: '%s' is none of %s", name, v->text, allowed);
	}
	return fallback;
}

void config_read_text(struct config_reader *r, cfg_t *section, const char *name, const char *fallback,
		      char out[IPC_IDENTITY_MAX])
{
	const struct config_value *v = config_text_value(section, name);
	if (v != NULL && strlen(v->text) >= IPC_IDENTITY_MAX) {
		FAULT(r, v, "%s: longer than %d octets", name, IPC_IDENTITY_MAX - 1);
		return;
	}
	snprintf(out, IPC_IDENTITY_MAX, "%s", v == NULL ? fallback : v->text);
}

char *config_absolute_path(const struct config_value *v)
{
	if (v->text[0] == '/') {
		return config_must(strdup(v->text));
	}
	char *file = config_must(strdup(v->file));
	char *path = NULL;
	if (asprintf(&path, "%s/%s", dirname(file), v->text) < 0) {
		path = NULL;
	}
	free(file);
	return config_must(path);
}

char *config_read_path(cfg_t *section, const char *name, const char *fallback)
{
	const struct config_value *v = config_text_value(section, name);
	return v == NULL ? config_must(strdup(fallback)) : config_absolute_path(v);
}

void config_read_acl(struct config_reader *r, cfg_t *section, const char *name, struct acl *out)
{
	for (unsigned i = 0; i < config_text_count(section, name); i++) {
		const struct config_value *v = config_text_item(section, name, i);
		struct prefix prefix;
		if (prefix_parse(v->text, &prefix) != BH_OK) {
			FAULT(r, v,
			      "%s: '%s' is not a prefix, allowed: \"address/bits\" without host bits, \"address\", "
			      "\"any4\", \"any6\"",
			      name, v->text);
		} else if (acl_add(out, &prefix) != BH_OK) {
			FAULT(r, v, "%s: more than %d prefixes", name, ACL_MAX);
			return;
		}
	}
}

void config_add_loopback(struct acl *out)
{
	static const struct prefix loopback[] = { { ADDR_V4, 8, { 127 } }, { ADDR_V6, 128, { [15] = 1 } } };
	for (size_t i = 0; i < COUNT(loopback); i++) {
		if (acl_add(out, &loopback[i]) != BH_OK) {
			log_fatal("out of memory reading the configuration");
		}
	}
}

bool config_read_name(struct config_reader *r, const char *file, unsigned line, const char *text,
		      uint8_t out[DNAME_MAX])
{
	if (dname_from_text(text, out) < 0) {
		config_fault_at(r, file, line, "'%s' is not a domain name", text);
		return false;
	}
	return true;
}
