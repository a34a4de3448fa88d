/*
 * Of the section "resolver", what is believed: trust anchors, where validation ends, and at which date.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static_assert(CONFIG_INSECURE_MAX + CONFIG_STUBS_MAX + ANCHORS_MAX + NEGATIVE_ANCHORS_MAX <= ANCHOR_ZONES_MAX,
	      "every configuration fits, with what is set at run time");

/* "YYYYMMDDHHMMSS", UTC, as signatures have it (RFC 4034 3.2); 0: it is none. */
static uint64_t parse_date(const char *text)
{
	unsigned field[6]; /* year, month, day, hour, minute, second */
	static const unsigned digits[6] = { 4, 2, 2, 2, 2, 2 };
	if (strlen(text) != 14 || strspn(text, "0123456789") != 14) {
		return 0;
	}
	for (unsigned i = 0; i < 6; i++) {
		field[i] = 0;
		for (unsigned k = 0; k < digits[i]; k++) {
			field[i] = field[i] * 10 + (unsigned)(*text++ - '0');
		}
	}
	struct tm tm = { .tm_year = (int)field[0] - 1900, .tm_mon = (int)field[1] - 1, .tm_mday = (int)field[2],
			 .tm_hour = (int)field[3], .tm_min = (int)field[4], .tm_sec = (int)field[5] };
	time_t sec = timegm(&tm);
	/* What is no date comes back as another one. */
	bool same = tm.tm_year == (int)field[0] - 1900 && tm.tm_mon == (int)field[1] - 1 &&
		    tm.tm_mday == (int)field[2] && tm.tm_hour == (int)field[3] && tm.tm_min == (int)field[4];
	return same && sec > 0 ? (uint64_t)sec : 0;
}

static void read_insecure(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	unsigned count = config_text_count(section, "domain-insecure");
	if (count > CONFIG_INSECURE_MAX) {
		FAULT(r, config_text_item(section, "domain-insecure", 0), "domain-insecure: more than %d names",
		      CONFIG_INSECURE_MAX);
		return;
	}
	resolver->insecure = config_must(calloc(count + 1u, sizeof(*resolver->insecure)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "domain-insecure", i);
		if (config_read_name(r, v->file, v->line, v->text, resolver->insecure[resolver->insecure_count].name)) {
			resolver->insecure_count++;
		}
	}
}

void config_read_trust(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	const struct config_value *file = config_text_value(section, "trust-anchors");
	struct stat st;
	if (file != NULL && file->text[0] != '\0') {
		resolver->trust_anchors = config_absolute_path(file);
		if (stat(resolver->trust_anchors, &st) != 0) {
			FAULT(r, file, "trust-anchors: '%s': %s", resolver->trust_anchors, strerror(errno));
		}
	}
	read_insecure(r, section, resolver);
	const struct config_value *date = config_text_value(section, "validation-date");
	if (date == NULL) {
		return;
	}
	resolver->validation_date = parse_date(date->text);
	if (resolver->validation_date == 0) {
		FAULT(r, date, "validation-date: '%s' is not a date as \"YYYYMMDDHHMMSS\"", date->text);
	} else {
		log_warn("%s:%u: validation-date: signatures are checked as if it were %s, for tests only", date->file,
			 date->line, date->text);
	}
}

void config_trust_clear(struct config_resolver *resolver)
{
	free(resolver->trust_anchors);
	free(resolver->insecure);
}
