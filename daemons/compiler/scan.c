/*
 * Driving libzscanner over one zone's files. Owns the texts while they are parsed, and the names of
 * the files as long as the scan lives.
 *
 * The scanner stops for good at what it takes as fatal (an unknown directive, say). To tell all errors
 * at once we put it back into its first state behind that line; its fields are public for such use.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/scan.h"

#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "daemons/compiler/zone_file.h"

#include <libzscanner/scanner.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The scanner's default TTL as long as there is no $TTL. No valid TTL: those have 31 bits. */
#define TTL_NONE UINT32_MAX

/* Longest path of a file, as in the message that names it. */
#define PATH_MAX_OCTETS 1024

struct scan {
	struct scan_options options;
	uint8_t origin[DNAME_MAX];
	char *files[SCAN_FILES_MAX];
	size_t file_count;
	int errors;

	/* What a record without TTL gets while there is no $TTL. */
	uint32_t last_ttl;
	bool have_last_ttl;
	uint32_t soa_ttl;
	bool have_soa_ttl;
	bool told_soa_ttl;
	bool told_last_ttl;
	bool told_default_ttl;
	bool told_large_ttl;
};

/* One file or text in work. */
struct input {
	struct scan *scan;
	zs_scanner_t *zs;
	int first_state; /* of the scanner */
	const char *name;
	const char *text;
	const char *end;
	const char *item; /* where the scanner began with the item of the moment */
	uint64_t item_line;
	struct zone_file *file; /* NULL: text of the caller */
	unsigned depth;
};

static int scan_input(struct scan *scan, struct input *in, const uint8_t *origin, uint32_t ttl);
static int include_file(struct input *in, const char *path, const uint8_t *origin);

BH_PRINTF(5, 6) static void tell(struct scan *scan, enum zone_severity severity, const char *file, uint64_t line,
				 const char *fmt, ...)
{
	char text[DNAME_TEXT_MAX + PATH_MAX_OCTETS + 256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	struct zone_finding finding = {
		.severity = severity,
		.file = file,
		.line = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line,
		.text = text,
	};
	scan->options.report(scan->options.ctx, &finding);
	if (severity == ZONE_ERROR && scan->errors < INT32_MAX) {
		scan->errors++;
	}
}

struct scan *scan_new(const struct scan_options *options)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	if (scan == NULL) {
		return NULL;
	}
	scan->options = *options;
	memcpy(scan->origin, options->origin, dname_len(options->origin));
	scan->options.origin = scan->origin;
	return scan;
}

void scan_free(struct scan *scan)
{
	if (scan == NULL) {
		return;
	}
	for (size_t i = 0; i < scan->file_count; i++) {
		free(scan->files[i]);
	}
	free(scan);
}

/* Keep a name for as long as the scan lives. NULL: out of memory. The caller looked at the limit. */
static const char *keep_name(struct scan *scan, const char *name)
{
	char *copy = strdup(name);
	if (copy != NULL) {
		scan->files[scan->file_count++] = copy;
	}
	return copy;
}

/* --- where things stand ----------------------------------------------------------------------------- */

/* Skip blank lines, comments and directives; *line is counted on. At most end. */
static const char *skip_to_item(const char *p, const char *end, bool over_directives, uint64_t *line)
{
	bool line_start = p < end && *p != '\n'; /* the scanner stops before the end of a line */
	while (p < end) {
		if (*p == '\n') {
			(*line)++;
			line_start = true;
			p++;
		} else if (*p == ';' || (*p == '$' && line_start && over_directives)) {
			const char *newline = memchr(p, '\n', (size_t)(end - p));
			p = newline == NULL ? end : newline;
		} else if (*p == ' ' || *p == '\t') {
			line_start = false;
			p++;
		} else {
			break;
		}
	}
	return p;
}

/* The scanner swaps in a text of its own for the end of the input. */
static bool scanner_is_inside(const struct input *in)
{
	const char *p = in->zs->input.current;
	return in->zs->input.start == in->text && p >= in->text && p < in->end;
}

/* --- records ---------------------------------------------------------------------------------------- */

static uint32_t soa_minimum(const zs_scanner_t *zs)
{
	return get_u32(zs->r_data + zs->r_data_length - 4);
}

static void tell_once(struct input *in, bool *told, uint64_t line, const char *text)
{
	if (!*told) {
		tell(in->scan, ZONE_WARNING, in->name, line, "%s", text);
		*told = true;
	}
}

static uint32_t record_ttl(struct input *in, uint64_t line)
{
	struct scan *scan = in->scan;
	const zs_scanner_t *zs = in->zs;
	uint32_t ttl = zs->r_ttl;
	if (ttl != TTL_NONE) {
		if (ttl > INT32_MAX) {
			tell_once(in, &scan->told_large_ttl, line,
				  "a TTL above 2147483647 counts as 0 (RFC 2181 8)");
			ttl = 0;
		}
		scan->last_ttl = ttl;
		scan->have_last_ttl = true;
		return ttl;
	}
	if (zs->r_type == RR_SOA && !scan->have_soa_ttl && zs->r_data_length >= 22) {
		tell_once(in, &scan->told_soa_ttl, line,
			  "the SOA has no TTL and there is no $TTL: the minimum field of the SOA is used");
		scan->soa_ttl = soa_minimum(zs) > INT32_MAX ? 0 : soa_minimum(zs);
		scan->have_soa_ttl = true;
	}
	if (scan->have_soa_ttl) {
		return scan->soa_ttl;
	}
	if (scan->have_last_ttl) {
		tell_once(in, &scan->told_last_ttl, line,
			  "a record has no TTL and there is no $TTL: that of the record before is used (RFC 1035 5.1)");
		return scan->last_ttl;
	}
	tell_once(in, &scan->told_default_ttl, line, "a record has no TTL and there is no $TTL: the default is used");
	return scan->options.default_ttl;
}

static int take_record(struct input *in)
{
	const zs_scanner_t *zs = in->zs;
	uint64_t line = in->item_line;
	skip_to_item(in->item, in->end, true, &line);
	if (zs->r_class != CLASS_IN) {
		tell(in->scan, ZONE_ERROR, in->name, line, "class of a record is not IN");
		return BH_OK;
	}
	if (zs->r_owner_length == 0 || dname_check(zs->r_owner, zs->r_owner_length) < 0) {
		tell(in->scan, ZONE_ERROR, in->name, line, "owner is invalid");
		return BH_OK;
	}
	struct scan_record record = {
		.owner = zs->r_owner,
		.type = zs->r_type,
		.ttl = record_ttl(in, line),
		.rdata = zs->r_data,
		.rdata_len = zs->r_data_length,
		.file = in->name,
		.line = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line,
	};
	return in->scan->options.record(in->scan->options.ctx, &record);
}

/* --- directives ------------------------------------------------------------------------------------- */

/* Words of a directive's line, comment cut off; false when it is none or is too long to be one. */
struct directive {
	char line[PATH_MAX_OCTETS + DNAME_TEXT_MAX];
	char *words[4];
	unsigned count;
};

/* Quotes and escapes stay as they are: names are read by dname_from_text, file names seldom have any. */
static bool read_directive(const char *p, const char *end, struct directive *d)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));
	size_t len = (size_t)((newline == NULL ? end : newline) - p);
	d->count = 0;
	if (len == 0 || len >= sizeof(d->line) || p[0] != '$' || memchr(p, '\0', len) != NULL) {
		return false;
	}
	memcpy(d->line, p, len);
	d->line[len] = '\0';
	d->line[strcspn(d->line, ";")] = '\0';
	char *rest = d->line;
	for (char *word; d->count < 4 && (word = strsep(&rest, " \t")) != NULL;) {
		if (*word != '\0') {
			d->words[d->count++] = word;
		}
	}
	return d->count > 0;
}

/* A name that may be relative to the origin of the moment. */
static bool read_name(const struct input *in, const char *text, uint8_t out[DNAME_MAX])
{
	size_t text_len = strlen(text);
	int len = dname_from_text(text, out);
	if (len < 0) {
		return false;
	}
	if (text_len > 0 && text[text_len - 1] == '.' && (text_len < 2 || text[text_len - 2] != '\\')) {
		return true;
	}
	size_t origin_len = in->zs->zone_origin_length;
	if (origin_len > DNAME_MAX || (size_t)len - 1 + origin_len > DNAME_MAX) {
		return false;
	}
	memcpy(out + len - 1, in->zs->zone_origin, origin_len);
	return true;
}

/*
 * The scanner takes absolute names only in $ORIGIN and $INCLUDE; RFC 1035 5.1 lets them be relative.
 * *done: the directive was one of these and is dealt with.
 */
static int relative_directive(struct input *in, const char *at, bool *done)
{
	struct directive d;
	uint8_t name[DNAME_MAX];
	*done = false;
	if (!read_directive(at, in->end, &d)) {
		return BH_OK;
	}
	if (strcasecmp(d.words[0], "$ORIGIN") == 0 && d.count == 2 && read_name(in, d.words[1], name)) {
		in->zs->zone_origin_length = (uint32_t)dname_len(name);
		memcpy(in->zs->zone_origin, name, dname_len(name));
		*done = true;
		return BH_OK;
	}
	if (strcasecmp(d.words[0], "$INCLUDE") == 0 && d.count == 3 && strpbrk(d.words[1], "\"\\") == NULL &&
	    read_name(in, d.words[2], name)) {
		*done = true;
		return include_file(in, d.words[1], name);
	}
	return BH_OK;
}

/* Folder of the including file, and the name as it was written. False: too long. */
static bool join_path(const struct input *in, const char *path, char out[PATH_MAX_OCTETS])
{
	const char *slash = strrchr(in->name, '/');
	int folder = slash == NULL ? 0 : (int)(slash - in->name) + 1;
	int len = snprintf(out, PATH_MAX_OCTETS, "%.*s%s", folder, in->name, path);
	return len >= 0 && len < PATH_MAX_OCTETS;
}

static int include_file(struct input *in, const char *path, const uint8_t *origin)
{
	struct scan *scan = in->scan;
	uint64_t line = in->zs->line_counter;
	char joined[PATH_MAX_OCTETS];
	char why[128];
	const char *wrong = zone_file_path_fault(path); /* as written: the folder before it is fine already */
	if (wrong == NULL && !join_path(in, path, joined)) {
		wrong = "is too long";
	}
	if (wrong == NULL && scan->options.root_fd < 0) {
		wrong = "cannot be read here";
	}
	if (wrong == NULL && in->depth + 1 >= SCAN_DEPTH_MAX) {
		wrong = "is included too deeply; does a file include itself?";
	}
	if (wrong == NULL && scan->file_count >= SCAN_FILES_MAX) {
		wrong = "is one file too many; does a file include itself?";
	}
	if (wrong != NULL) {
		tell(scan, ZONE_ERROR, in->name, line, "$INCLUDE: '%s' %s", path, wrong);
		return BH_OK;
	}

	struct zone_file file;
	int err = zone_file_read(scan->options.root_fd, joined, &file, why, sizeof(why));
	if (err == BH_ENOMEM) {
		return err;
	}
	if (err != BH_OK) {
		tell(scan, ZONE_ERROR, in->name, line, "$INCLUDE: '%s': %s", path, why);
		return BH_OK;
	}
	struct input inner = {
		.name = keep_name(scan, joined), .text = file.text, .end = file.text + file.len, .file = &file,
		.depth = in->depth + 1,
	};
	err = inner.name == NULL ? BH_ENOMEM : scan_input(scan, &inner, origin, in->zs->default_ttl);
	zone_file_clear(&file);
	return err;
}

/* The scanner hands us the file name behind "./", and the origin as text. */
static int take_include(struct input *in)
{
	const char *path = in->zs->include_filename;
	uint8_t origin[DNAME_MAX];
	if (strncmp(path, "./", 2) == 0) {
		path += 2;
	}
	if (dname_from_text((const char *)in->zs->buffer, origin) < 0) {
		tell(in->scan, ZONE_ERROR, in->name, in->zs->line_counter, "$INCLUDE: the origin is not a name");
		return BH_OK;
	}
	return include_file(in, path, origin);
}

/* --- errors ----------------------------------------------------------------------------------------- */

/* Put the scanner into its first state at the end of the line of `at`. False: that is the end of all. */
static bool restart_behind(struct input *in, const char *at)
{
	const char *newline = at >= in->end ? NULL : memchr(at, '\n', (size_t)(in->end - at));
	if (newline == NULL) {
		return false;
	}
	uint64_t line = in->item_line;
	for (const char *p = in->item; (p = memchr(p, '\n', (size_t)(newline - p))) != NULL; p++) {
		line++;
	}
	zs_scanner_t *zs = in->zs;
	zs->cs = in->first_state;
	zs->top = 0;
	zs->multiline = false;
	zs->state = ZS_STATE_NONE;
	zs->error.fatal = false;
	zs->line_counter = line;
	zs->input.current = newline;
	return true;
}

static void tell_scan_error(struct input *in, const char *at, uint64_t at_line)
{
	struct scan *scan = in->scan;
	const zs_scanner_t *zs = in->zs;
	struct directive d;
	switch (zs->error.code) {
	case ZS_BAD_DIRECTIVE:
		if (read_directive(at, in->end, &d)) {
			tell(scan, ZONE_ERROR, in->name, at_line,
			     "unknown directive '%.64s'; $ORIGIN, $TTL and $INCLUDE are known", d.words[0]);
			return;
		}
		break;
	case ZS_UNCLOSED_MULTILINE:
		tell(scan, ZONE_ERROR, in->name, at_line, "a parenthesis that is opened here is not closed");
		return;
	case ZS_UNSUPPORTED_TYPE: /* or a class: the scanner knows IN alone */
		tell(scan, ZONE_ERROR, in->name, zs->line_counter, "unknown type, or a class that is not IN");
		return;
	case ZS_UNCOVERED_STATE:
		tell(scan, ZONE_ERROR, in->name, at_line, "syntax error");
		return;
	default:
		break;
	}
	tell(scan, ZONE_ERROR, in->name, zs->line_counter, "%s", zs_strerror(zs->error.code));
}

/* *more: the scanner can go on. */
static int take_error(struct input *in, bool *more)
{
	zs_scanner_t *zs = in->zs;
	*more = true;
	if (zs->error.code == ZS_ENOMEM) {
		return BH_ENOMEM;
	}
	uint64_t line = in->item_line;
	const char *at = skip_to_item(in->item, in->end, false, &line);
	if (!zs->error.fatal) {
		tell_scan_error(in, at, line);
		return BH_OK;
	}
	/* Directives before it were fine: the one at fault stands where the scanner stopped, or further. */
	while (at < in->end && *at == '$' && line < zs->line_counter) {
		const char *newline = memchr(at, '\n', (size_t)(in->end - at));
		at = skip_to_item(newline == NULL ? in->end : newline, in->end, false, &line);
	}
	const char *stop = scanner_is_inside(in) && zs->input.current > at ? zs->input.current : at;
	bool at_end = zs->error.code == ZS_UNCLOSED_MULTILINE;
	bool done = false;
	int err = BH_OK;
	if (zs->error.code == ZS_BAD_ORIGIN || zs->error.code == ZS_BAD_REST ||
	    zs->error.code == ZS_BAD_INCLUDE_ORIGIN) {
		err = relative_directive(in, at, &done);
	}
	if (!done) {
		tell_scan_error(in, at, line);
	}
	*more = !at_end && restart_behind(in, stop);
	return err;
}

/* --- the whole -------------------------------------------------------------------------------------- */

static int scan_items(struct input *in)
{
	zs_scanner_t *zs = in->zs;
	int err = BH_OK;
	for (bool more = true; more && err == BH_OK;) {
		if (!scanner_is_inside(in)) {
			break;
		}
		in->item = zs->input.current;
		in->item_line = zs->line_counter;
		if (in->file != NULL) {
			zone_file_release(in->file, in->item);
		}
		if (zs_parse_record(zs) != 0) {
			err = take_error(in, &more);
			continue;
		}
		switch (zs->state) {
		case ZS_STATE_DATA:
			err = take_record(in);
			break;
		case ZS_STATE_ERROR:
			err = take_error(in, &more);
			break;
		case ZS_STATE_INCLUDE:
			err = take_include(in);
			break;
		default:
			more = false;
			break;
		}
	}
	return err;
}

static int scan_input(struct scan *scan, struct input *in, const uint8_t *origin, uint32_t ttl)
{
	char origin_text[DNAME_TEXT_MAX];
	in->scan = scan;
	if (in->text == in->end) {
		return BH_OK;
	}
	in->zs = malloc(sizeof(*in->zs));
	if (in->zs == NULL) {
		return BH_ENOMEM;
	}
	int err = BH_ENOMEM;
	if (zs_init(in->zs, dname_text(origin, origin_text), CLASS_IN, ttl) == 0) {
		in->first_state = in->zs->cs;
		if (zs_set_input_string(in->zs, in->text, (size_t)(in->end - in->text)) == 0) {
			err = scan_items(in);
		}
		zs_deinit(in->zs);
	}
	free(in->zs);
	return err;
}

static int result_of(const struct scan *scan, int err)
{
	return err == BH_OK ? scan->errors : err;
}

int scan_file(struct scan *scan, const char *path)
{
	struct zone_file file;
	char why[128];
	int err = zone_file_read(scan->options.root_fd, path, &file, why, sizeof(why));
	if (err == BH_ENOMEM) {
		return err;
	}
	if (err != BH_OK) {
		tell(scan, ZONE_ERROR, path, 0, "%s", why);
		return scan->errors;
	}
	struct input in = { .text = file.text, .end = file.text + file.len, .file = &file };
	if (scan->file_count < SCAN_FILES_MAX) {
		in.name = keep_name(scan, path);
	}
	err = in.name == NULL ? BH_ENOMEM : scan_input(scan, &in, scan->origin, TTL_NONE);
	zone_file_clear(&file);
	return result_of(scan, err);
}

int scan_text(struct scan *scan, const char *name, const char *text, size_t len)
{
	struct input in = { .text = text, .end = text + len };
	if (scan->file_count < SCAN_FILES_MAX) {
		in.name = keep_name(scan, name);
	}
	return result_of(scan, in.name == NULL ? BH_ENOMEM : scan_input(scan, &in, scan->origin, TTL_NONE));
}
