/*
 * Driving libzscanner over one zone's files. Owns the texts while they are parsed, and the names of
 * the files as long as the scan lives.
 *
 * The scanner gets records only: between two of them we look for directives and deal with them. It stops
 * for good at what it takes as fatal (a parenthesis too many, say); to tell all errors at once we put it
 * back into its first state behind that line. Its fields are public for such use.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/scan.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "daemons/compiler/directive.h"
#include "daemons/compiler/zone_file.h"

#include <libzscanner/scanner.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
	const char *from; /* where the scanner goes on */
	uint64_t from_line;
	const char *start; /* of the record or directive that comes next */
	uint64_t start_line;
	bool start_has_owner; /* it stands at the start of its line */
	struct zone_file *file; /* NULL: text of the caller */
	unsigned depth;
};

static int scan_input(struct scan *scan, struct input *in, const uint8_t *origin, uint32_t ttl);

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

/* The end of the line that p is in. */
static const char *line_end(const char *p, const char *end)
{
	const char *newline = p >= end ? NULL : memchr(p, '\n', (size_t)(end - p));
	return newline == NULL ? end : newline;
}

/*
 * Skip blank lines and comments, and parentheses that an error left over; *line is counted on. Whether what
 * follows is at the start of its line is in *line_start.
 */
static const char *skip_to_item(const char *p, const char *end, uint64_t *line, bool *line_start)
{
	*line_start = p < end && *p != '\n'; /* the scanner stops before the end of a line */
	while (p < end) {
		if (*p == '\n') {
			(*line)++;
			*line_start = true;
			p++;
		} else if (*p == ';') {
			p = line_end(p, end);
		} else if (*p == ' ' || *p == '\t' || *p == ')') {
			*line_start = false;
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

/* RFC 2181 8: a TTL has 31 bits, larger ones count as 0. */
static uint32_t usable_ttl(struct input *in, uint32_t ttl, uint64_t line)
{
	if (ttl <= INT32_MAX) {
		return ttl;
	}
	tell_once(in, &in->scan->told_large_ttl, line, "a TTL above 2147483647 counts as 0 (RFC 2181 8)");
	return 0;
}

/* Is this word of the text the number that stands for no TTL? */
static bool is_ttl_none(const char *word, size_t len)
{
	uint64_t number = 0;
	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9' || number > TTL_NONE) {
			return false;
		}
		number = number * 10 + (uint64_t)(word[i] - '0');
	}
	return number == TTL_NONE;
}

/*
 * Does the record that was just read name the TTL 4294967295 itself? Then that is one, though far too large, and
 * not the mark for none: [owner] [TTL] [class] type, TTL and class in any order (RFC 1035 5.1).
 */
static bool names_ttl_none(const struct input *in)
{
	static const char blanks[] = " \t()\r\n";
	const char *end = scanner_is_inside(in) ? in->zs->input.current : in->end;
	const char *p = in->start;
	for (unsigned word = in->start_has_owner ? 0 : 1; word < 3; word++) {
		while (p < end && memchr(blanks, *p, sizeof(blanks) - 1) != NULL) {
			p++;
		}
		const char *begin = p;
		while (p < end && memchr(blanks, *p, sizeof(blanks) - 1) == NULL) {
			p += *p == '\\' && end - p > 1 ? 2 : 1;
		}
		size_t len = (size_t)(p - begin);
		if (word > 0 && is_ttl_none(begin, len)) {
			return true;
		}
		if (word > 0 && !(len == 2 && strncasecmp(begin, "IN", 2) == 0)) {
			return false; /* the type: what follows is RDATA */
		}
	}
	return false;
}

static uint32_t record_ttl(struct input *in, uint64_t line)
{
	struct scan *scan = in->scan;
	const zs_scanner_t *zs = in->zs;
	if (zs->r_ttl != TTL_NONE || names_ttl_none(in)) {
		scan->last_ttl = usable_ttl(in, zs->r_ttl, line);
		scan->have_last_ttl = true;
		return scan->last_ttl;
	}
	if (scan->options.ttl_unused) {
		return 0;
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
	uint64_t line = in->start_line;
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

/* Folder of the including file, and the name as it was written. False: too long. */
static bool join_path(const struct input *in, const char *path, char out[PATH_MAX_OCTETS])
{
	const char *slash = strrchr(in->name, '/');
	int folder = slash == NULL ? 0 : (int)(slash - in->name) + 1;
	int len = snprintf(out, PATH_MAX_OCTETS, "%.*s%s", folder, in->name, path);
	return len >= 0 && len < PATH_MAX_OCTETS;
}

static void tell_source(const struct scan *scan, const char *path, const struct zone_file *file)
{
	if (scan->options.source != NULL) {
		scan->options.source(scan->options.ctx, path, &file->id);
	}
}

static int include_file(struct input *in, const char *path, const uint8_t *origin, uint64_t line)
{
	struct scan *scan = in->scan;
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
	tell_source(scan, joined, &file);
	struct input inner = {
		.name = keep_name(scan, joined), .text = file.text, .end = file.text + file.len, .file = &file,
		.depth = in->depth + 1,
	};
	err = inner.name == NULL ? BH_ENOMEM : scan_input(scan, &inner, origin, in->zs->default_ttl);
	zone_file_clear(&file);
	return err;
}

/* Go on at `at`, which is the end of the line before or of this line. */
static void move_scanner(struct input *in, const char *at, uint64_t line)
{
	in->zs->input.current = at;
	in->zs->line_counter = line;
}

static int take_directive(struct input *in)
{
	zs_scanner_t *zs = in->zs;
	uint64_t line = in->start_line;
	const char *end = line_end(in->start, in->end);
	struct directive d;
	char why[256];
	move_scanner(in, end, line);
	if (directive_read(in->start, (size_t)(end - in->start), zs->zone_origin, &d, why, sizeof(why)) != BH_OK) {
		tell(in->scan, ZONE_ERROR, in->name, line, "%s", why);
		return BH_OK;
	}
	switch (d.kind) {
	case DIRECTIVE_ORIGIN:
		zs->zone_origin_length = (uint32_t)dname_len(d.name);
		memcpy(zs->zone_origin, d.name, zs->zone_origin_length);
		break;
	case DIRECTIVE_TTL:
		zs->default_ttl = usable_ttl(in, d.ttl, line);
		break;
	case DIRECTIVE_INCLUDE:
		return include_file(in, d.path, d.name, line);
	}
	return BH_OK;
}

/* --- errors ----------------------------------------------------------------------------------------- */

/* Put the scanner into its first state at the end of the line of `at`. False: that is the end of all. */
static bool restart_behind(struct input *in, const char *at)
{
	const char *end = line_end(at, in->end);
	if (end == in->end) {
		return false;
	}
	uint64_t line = in->from_line;
	for (const char *p = in->from; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
		line++;
	}
	zs_scanner_t *zs = in->zs;
	zs->cs = in->first_state;
	zs->top = 0;
	zs->multiline = false;
	zs->state = ZS_STATE_NONE;
	zs->error.fatal = false;
	move_scanner(in, end, line);
	return true;
}

static const char *error_text(int code)
{
	switch (code) {
	case ZS_UNCLOSED_MULTILINE:
		return "a parenthesis that is opened here is not closed";
	case ZS_UNCOVERED_STATE:
		return "syntax error";
	case ZS_UNSUPPORTED_TYPE: /* or a class: the scanner knows IN alone */
		return "unknown type, or a class that is not IN";
	default:
		return zs_strerror(code);
	}
}

/* *more: the scanner can go on. */
static int take_error(struct input *in, bool *more)
{
	const zs_scanner_t *zs = in->zs;
	int code = zs->error.code;
	if (code == ZS_ENOMEM) {
		return BH_ENOMEM;
	}
	bool at_start = code == ZS_UNCLOSED_MULTILINE || code == ZS_UNCOVERED_STATE;
	tell(in->scan, ZONE_ERROR, in->name, at_start ? in->start_line : zs->line_counter, "%s", error_text(code));
	if (zs->error.fatal) {
		bool ahead = scanner_is_inside(in) && zs->input.current > in->from;
		*more = code != ZS_UNCLOSED_MULTILINE && restart_behind(in, ahead ? zs->input.current : in->start);
	}
	return BH_OK;
}

/* --- the whole -------------------------------------------------------------------------------------- */

static int scan_item(struct input *in, bool *more)
{
	zs_scanner_t *zs = in->zs;
	bool line_start;
	in->from = zs->input.current;
	in->from_line = zs->line_counter;
	in->start_line = in->from_line;
	in->start = skip_to_item(in->from, in->end, &in->start_line, &line_start);
	in->start_has_owner = line_start;
	if (in->file != NULL) {
		zone_file_release(in->file, in->from);
	}
	if (in->start == in->end) {
		*more = zs->multiline; /* then the scanner has an error to tell */
	} else if (*in->start == '$' && line_start && !zs->multiline) {
		return take_directive(in);
	}
	if (!*more) {
		return BH_OK;
	}
	if (zs_parse_record(zs) != 0) {
		return take_error(in, more);
	}
	switch (zs->state) {
	case ZS_STATE_DATA:
		return take_record(in);
	case ZS_STATE_ERROR:
		return take_error(in, more);
	case ZS_STATE_INCLUDE: /* directives are not for the scanner: this one stands where none may be */
		tell(in->scan, ZONE_ERROR, in->name, zs->line_counter, "$INCLUDE must begin its line");
		return BH_OK;
	default:
		*more = false;
		return BH_OK;
	}
}

static int scan_items(struct input *in)
{
	int err = BH_OK;
	for (bool more = true; more && err == BH_OK && scanner_is_inside(in);) {
		err = scan_item(in, &more);
	}
	return err;
}

/*
 * A name as the scanner reads it everywhere: it knows fewer plain octets than RFC 1035 5.1 has, not "[" or "%", and
 * all of them as numbers.
 */
static const char *scanner_name(const uint8_t *name, char out[DNAME_TEXT_MAX])
{
	size_t pos = 0;
	for (; *name != 0; name = dname_parent(name)) {
		for (unsigned i = 1; i <= name[0]; i++) {
			unsigned c = name[i];
			bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
			if (plain || c == '-' || c == '_') {
				out[pos++] = (char)c;
			} else {
				pos += (size_t)snprintf(out + pos, 5, "\\%03u", c);
			}
		}
		out[pos++] = '.';
	}
	memcpy(out + pos, pos == 0 ? "." : "", pos == 0 ? 2 : 1);
	return out;
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
	if (zs_init(in->zs, scanner_name(origin, origin_text), CLASS_IN, ttl) == 0) {
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
	tell_source(scan, path, &file);
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
