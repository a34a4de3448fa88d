/*
 * Findings and measures. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/health/report.h"

#include "daemons/ctl/grid.h"
#include "daemons/ctl/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const char *const words[SEVERITY_COUNT] = {
	[SEVERITY_FINE] = "ok",		[SEVERITY_SKIPPED] = "skipped",	  [SEVERITY_UNKNOWN] = "unknown",
	[SEVERITY_WARNING] = "warning", [SEVERITY_CRITICAL] = "critical",
};

void report_init(struct report *report)
{
	memset(report, 0, sizeof(*report));
	answer_init(&report->answer);
}

void report_clear(struct report *report)
{
	answer_clear(&report->answer);
}

static struct ctl_field *add_field(struct ctl_row *row, const char *name, enum ctl_value_type type)
{
	struct ctl_field *field = &row->fields[row->count++];
	snprintf(field->name, sizeof(field->name), "%s", name);
	field->type = (uint8_t)type;
	field->number = 0;
	field->text[0] = '\0';
	return field;
}

static void add_text(struct ctl_row *row, const char *name, const char *text)
{
	struct ctl_field *field = add_field(row, name, CTL_TEXT);
	size_t len = strnlen(text, sizeof(field->text) - 1);
	memcpy(field->text, text, len);
	field->text[len] = '\0';
}

static void begin(struct report *report, const char *table)
{
	report->row.count = 0;
	snprintf(report->row.table, sizeof(report->row.table), "%s", table);
}

static void keep(struct report *report)
{
	if (answer_add(&report->answer, &report->row) != BH_OK) {
		report->failed = true;
	}
}

void report_add(struct report *report, enum severity severity, const char *check, const char *view, const char *zone,
		const char *format, ...)
{
	char text[IPC_TEXT_MAX];
	va_list args;
	report->counts[severity]++;
	if (report->kept >= REPORT_FINDINGS_MAX) {
		return;
	}
	report->kept++;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0) {
		text[0] = '\0';
	}
	begin(report, "finding");
	add_text(&report->row, "severity", words[severity]);
	add_text(&report->row, "check", check);
	add_text(&report->row, "view", view);
	add_text(&report->row, "zone", zone);
	add_text(&report->row, "text", text);
	keep(report);
}

void report_measure(struct report *report, const char *name, uint64_t value, const char *unit, const char *warning,
		    const char *critical)
{
	begin(report, "measure");
	add_text(&report->row, "name", name);
	add_field(&report->row, "value", CTL_NUMBER)->number = value;
	add_text(&report->row, "unit", unit);
	add_text(&report->row, "warning", warning);
	add_text(&report->row, "critical", critical);
	keep(report);
}

static const struct answer_row *first_of(const struct report *report, enum severity severity)
{
	const struct answer_table *findings = answer_table(&report->answer, "finding");
	for (const struct answer_row *row = findings == NULL ? NULL : findings->first; row != NULL; row = row->next) {
		if (strcmp(answer_text(row, "severity"), words[severity]) == 0) {
			return row;
		}
	}
	return NULL;
}

/* "external example.com.: " in front of a text, as far as it is about a view or zone. */
static void put_subject(const struct answer_row *row, char *out, size_t size)
{
	const char *view = answer_text(row, "view");
	const char *zone = answer_text(row, "zone");
	snprintf(out, size, "%s%s%.80s%s%.260s%s", answer_text(row, "check"), view[0] != '\0' ? " " : "", view,
		 zone[0] != '\0' ? " " : "", zone, ": ");
}

void report_end(struct report *report, const char *fine)
{
	static const uint8_t statuses[SEVERITY_COUNT] = {
		[SEVERITY_FINE] = CTL_FINE,	  [SEVERITY_SKIPPED] = CTL_FINE,      [SEVERITY_UNKNOWN] = CTL_UNKNOWN,
		[SEVERITY_WARNING] = CTL_WARNING, [SEVERITY_CRITICAL] = CTL_CRITICAL,
	};
	char text[IPC_TEXT_MAX] = "";
	enum severity worst = SEVERITY_FINE;
	size_t used = 0;
	if (report->failed) {
		answer_end(&report->answer, CTL_UNKNOWN, "out of memory: not everything was looked at");
		return;
	}
	for (int s = SEVERITY_UNKNOWN; s < SEVERITY_COUNT; s++) {
		worst = report->counts[s] > 0 ? (enum severity)s : worst;
	}
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_UNKNOWN; s--) {
		if (report->counts[s] > 0) {
			int n = snprintf(text + used, sizeof(text) - used, "%s%u %s%s", used > 0 ? ", " : "", report->counts[s],
					 words[s], s == SEVERITY_WARNING && report->counts[s] > 1 ? "s" : "");
			used += n > 0 ? (size_t)n : 0;
		}
	}
	const struct answer_row *row = worst == SEVERITY_FINE ? NULL : first_of(report, worst);
	if (row != NULL) {
		char subject[400];
		put_subject(row, subject, sizeof(subject));
		size_t len = strlen(text);
		snprintf(text + len, sizeof(text) - len, ": %.200s%.250s", subject, answer_text(row, "text"));
	} else {
		snprintf(text, sizeof(text), "%s%s", fine, report->counts[SEVERITY_SKIPPED] > 0 ? ", some of it skipped" : "");
	}
	answer_end(&report->answer, statuses[worst], text);
}

/* Measures as plug-ins write them: name=value[unit];warning;critical */
static void print_measures(FILE *out, const struct report *report)
{
	const struct answer_table *measures = answer_table(&report->answer, "measure");
	const char *before = " | ";
	for (const struct answer_row *row = measures == NULL ? NULL : measures->first; row != NULL; row = row->next) {
		const struct answer_field *value = answer_field(row, "value");
		const char *warning = answer_text(row, "warning");
		const char *critical = answer_text(row, "critical");
		fprintf(out, "%s%s=%" PRIu64 "%s", before, answer_text(row, "name"), value->number, answer_text(row, "unit"));
		if (warning[0] != '\0' || critical[0] != '\0') {
			fprintf(out, ";%s;%s", warning, critical);
		}
		before = " ";
	}
}

static int print_findings(FILE *out, struct region *region, const struct report *report,
			  const struct print_style *style, enum severity severity, unsigned *shown)
{
	static const enum tone tones[SEVERITY_COUNT] = {
		[SEVERITY_FINE] = TONE_GOOD,	[SEVERITY_SKIPPED] = TONE_FAINT, [SEVERITY_UNKNOWN] = TONE_WARN,
		[SEVERITY_WARNING] = TONE_WARN, [SEVERITY_CRITICAL] = TONE_BAD,
	};
	const struct answer_table *findings = answer_table(&report->answer, "finding");
	for (const struct answer_row *row = findings == NULL ? NULL : findings->first; row != NULL; row = row->next) {
		char subject[400];
		if (strcmp(answer_text(row, "severity"), words[severity]) != 0) {
			continue;
		}
		if (++*shown > REPORT_SHOWN_MAX && !style->verbose) {
			continue;
		}
		put_subject(row, subject, sizeof(subject));
		const char *about = text_printable(region, subject);
		const char *text = text_printable(region, answer_text(row, "text"));
		if (about == NULL || text == NULL) {
			return BH_ENOMEM;
		}
		tone_print(out, style->colour, tones[severity], words[severity]);
		fprintf(out, ": %s%s\n", about, text);
		region_reset(region);
	}
	return BH_OK;
}

int report_print(FILE *out, const struct report *report, const struct print_style *style)
{
	static const char *const states[] = { [CTL_FINE] = "OK", [CTL_WARNING] = "WARNING", [CTL_CRITICAL] = "CRITICAL",
					      [CTL_UNKNOWN] = "UNKNOWN" };
	static const enum tone tones[] = { [CTL_FINE] = TONE_GOOD, [CTL_WARNING] = TONE_WARN, [CTL_CRITICAL] = TONE_BAD,
					   [CTL_UNKNOWN] = TONE_WARN };
	struct region region;
	char text[IPC_TEXT_MAX];
	unsigned shown = 0;
	int rc = BH_OK;
	region_init(&region, 8u << 10, 1u << 20);
	snprintf(text, sizeof(text), "%s", report->answer.text);
	for (char *p = text; *p != '\0'; p++) {
		*p = *p == '|' ? '/' : *p; /* begins the measures */
	}
	const char *printable = text_printable(&region, text);
	fputs("BULKHEAD ", out);
	tone_print(out, style->colour, tones[report->answer.status], states[report->answer.status]);
	fprintf(out, " - %s", printable == NULL ? "" : printable);
	print_measures(out, report);
	fputc('\n', out);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_FINE && rc == BH_OK; s--) {
		rc = print_findings(out, &region, report, style, (enum severity)s, &shown);
	}
	unsigned hidden = report->counts[0];
	for (int s = 1; s < SEVERITY_COUNT; s++) {
		hidden += report->counts[s];
	}
	unsigned limit = style->verbose ? REPORT_FINDINGS_MAX : REPORT_SHOWN_MAX;
	if (hidden > limit) {
		fprintf(out, "(%u more%s)\n", hidden - limit, style->verbose ? "" : "; -v shows them");
	}
	region_clear(&region);
	return rc;
}
