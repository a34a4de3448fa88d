/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/compiler/scan.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "tests/unit/common/dns/wire.h"
#include "tests/unit/daemons/compiler/folder.h"

#include <criterion/criterion.h>
#include <stdarg.h>

/* What a scan gave, as text: records "line owner ttl type hex", findings "!file:line error: text". */
struct log {
	char text[65536];
	size_t len;
	unsigned records;
	int refuse_after; /* records, then BH_ENOMEM; 0: never */
};

static void put(struct log *log, const char *fmt, ...) BH_PRINTF(2, 3);
static void put(struct log *log, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(log->text + log->len, sizeof(log->text) - log->len, fmt, args);
	va_end(args);
	cr_assert(n >= 0 && (size_t)n < sizeof(log->text) - log->len);
	log->len += (size_t)n;
}

static int on_record(void *ctx, const struct scan_record *r)
{
	struct log *log = ctx;
	char owner[DNAME_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];
	if (log->refuse_after > 0 && (int)log->records == log->refuse_after) {
		return BH_ENOMEM;
	}
	log->records++;
	if (log->records > 1000) {
		return BH_OK;
	}
	put(log, "%u %s %u %s ", r->line, dname_text(r->owner, owner), r->ttl, rr_type_text(r->type, type));
	for (size_t i = 0; i < r->rdata_len && i < 16; i++) {
		put(log, "%02x", r->rdata[i]);
	}
	put(log, "\n");
	return BH_OK;
}

static void on_finding(void *ctx, const struct zone_finding *f)
{
	put(ctx, "!%s:%u %s: %s\n", f->file, f->line, f->severity == ZONE_ERROR ? "error" : "warning", f->text);
}

static struct scan *scan_with(struct log *log, int root_fd, const uint8_t *origin)
{
	struct scan_options options = {
		.root_fd = root_fd,
		.origin = origin,
		.default_ttl = 1800,
		.record = on_record,
		.report = on_finding,
		.ctx = log,
	};
	struct scan *scan = scan_new(&options);
	cr_assert_not_null(scan);
	return scan;
}

static struct scan *scan_of(struct log *log, int root_fd)
{
	static struct name origin;
	origin = name_of("e.");
	return scan_with(log, root_fd, origin.wire);
}

/* The errors counted must be those told. */
static unsigned errors_in(const char *text)
{
	unsigned count = 0;
	while ((text = strstr(text, " error: ")) != NULL) {
		text++;
		count++;
	}
	return count;
}

static const struct {
	const char *text;
	const char *log;
} texts[] = {
	{ "", "" },
	{ "\n\n; comment\n  ; another\n", "" },
	{ "$TTL 5\na A 192.0.2.1\n", "2 a.e. 5 A c0000201\n" },
	{ "$TTL 5\na A 192.0.2.1", "2 a.e. 5 A c0000201\n" }, /* no newline at the end */
	{ "a 7 A 192.0.2.1\n 8 A 192.0.2.2\n", "1 a.e. 7 A c0000201\n2 a.e. 8 A c0000202\n" },
	{ "@ 7 A 192.0.2.1\nE. 7 A 192.0.2.2\n", "1 e. 7 A c0000201\n2 E. 7 A c0000202\n" },
	{ "a IN 7 A 192.0.2.1\nb 7 IN A 192.0.2.1\n", "1 a.e. 7 A c0000201\n2 b.e. 7 A c0000201\n" },
	{ "a 1h30m A 192.0.2.1\n", "1 a.e. 5400 A c0000201\n" },
	/* a record has the line where it begins */
	{ "; c\n\n@ 9 SOA a b ( ; x\n 1\n 2 3 4 5 )\n\n; y\na 9 A 192.0.2.1\n",
	  "3 e. 9 SOA 01610165000162016500000000010000\n8 a.e. 9 A c0000201\n" },
	/* directives */
	{ "$ORIGIN x.\na 7 A 192.0.2.1\n$ORIGIN y\nb 7 A 192.0.2.1\n$ORIGIN .\nc 7 A 192.0.2.1\n",
	  "2 a.x. 7 A c0000201\n4 b.y.x. 7 A c0000201\n6 c. 7 A c0000201\n" },
	{ "$ORIGIN sub ; comment\na 7 A 192.0.2.1\n", "2 a.sub.e. 7 A c0000201\n" },
	{ "$ORIGIN a..b.\na 7 A 192.0.2.1\n", "!t:1 error: not a name: a..b.\n2 a.e. 7 A c0000201\n" },
	{ "$TTL x\na 7 A 192.0.2.1\n", "!t:1 error: not a TTL: x\n2 a.e. 7 A c0000201\n" },
	{ "a 7 A 192.0.2.1\n$GENERATE 1-5 h$ A 192.0.2.$\n\nb 7 A 192.0.2.1\n",
	  "1 a.e. 7 A c0000201\n!t:2 error: unknown directive '$GENERATE'; $ORIGIN, $TTL and $INCLUDE are known\n"
	  "4 b.e. 7 A c0000201\n" },
	{ "$ORIGIN x.\n; c\n$TTL 3\n$FOO\n$TTL 4\na A 192.0.2.1\n",
	  "!t:4 error: unknown directive '$FOO'; $ORIGIN, $TTL and $INCLUDE are known\n6 a.x. 4 A c0000201\n" },
	{ "$INCLUDE f\n", "!t:1 error: $INCLUDE: 'f' cannot be read here\n" },
	{ "$INCLUDE\na 7 A 192.0.2.1\n", "!t:1 error: $INCLUDE without a file\n2 a.e. 7 A c0000201\n" },
	/* errors, and on it goes */
	{ "a 7 A 192.0.2.256\nb 7 A 192.0.2.1\n", "!t:1 error: invalid IPv4 address\n2 b.e. 7 A c0000201\n" },
	{ "a 7 A (\n192.0.2.256\n)\nb 7 A 192.0.2.1\n",
	  "!t:2 error: invalid IPv4 address\n4 b.e. 7 A c0000201\n" },
	{ "a 7 FOO x\nb 7 CH TXT x\nc 7 A 192.0.2.1\n",
	  "!t:1 error: unknown type, or a class that is not IN\n!t:2 error: unknown type, or a class that is not "
	  "IN\n3 c.e. 7 A c0000201\n" },
	{ "a 7 A 192.0.2.2 )\na 7 A 192.0.2.1\n", "!t:1 error: too many right parentheses\n2 a.e. 7 A c0000201\n" },
	{ "a 7 A 192.0.2.1\n\nb 7 SOA ( a b\n 1 2 3\n", "1 a.e. 7 A c0000201\n!t:3 error: a parenthesis that is "
							  "opened here is not closed\n" },
	{ " 7 A 192.0.2.1\n", "!t:1 error: previous owner is invalid\n" },
	{ "a.. 7 A 192.0.2.1\n", "!t:1 error: invalid domain name character\n" },
	{ "a 7 A\nb 7 A 192.0.2.1\n", "!t:1 error: invalid address character\n2 b.e. 7 A c0000201\n" },
	{ "a 7 MX 10\nb 7 A 192.0.2.1\n", "!t:1 error: invalid number\n2 b.e. 7 A c0000201\n" },
	/* TTLs that are not there */
	{ "@ SOA a b 1 2 3 4 55\na A 192.0.2.1\nb 9 A 192.0.2.1\nc A 192.0.2.1\n",
	  "!t:1 warning: the SOA has no TTL and there is no $TTL: the minimum field of the SOA is used\n"
	  "1 e. 55 SOA 01610165000162016500000000010000\n2 a.e. 55 A c0000201\n3 b.e. 9 A c0000201\n"
	  "4 c.e. 55 A c0000201\n" },
	{ "a 9 A 192.0.2.1\nb A 192.0.2.1\nc A 192.0.2.1\n",
	  "1 a.e. 9 A c0000201\n!t:2 warning: a record has no TTL and there is no $TTL: that of the record before "
	  "is used (RFC 1035 5.1)\n2 b.e. 9 A c0000201\n3 c.e. 9 A c0000201\n" },
	{ "a A 192.0.2.1\n$TTL 4\nb A 192.0.2.1\n",
	  "!t:1 warning: a record has no TTL and there is no $TTL: the default is used\n1 a.e. 1800 A c0000201\n"
	  "3 b.e. 4 A c0000201\n" },
	/* the number that stands for no TTL inside */
	{ "a 9 A 192.0.2.1\nb 4294967295 A 192.0.2.1\n IN 4294967295 A 192.0.2.2\nc (\n 04294967295 A 192.0.2.3 )\n",
	  "1 a.e. 9 A c0000201\n!t:2 warning: a TTL above 2147483647 counts as 0 (RFC 2181 8)\n"
	  "2 b.e. 0 A c0000201\n3 b.e. 0 A c0000202\n4 c.e. 0 A c0000203\n" },
	{ "a 9 A 192.0.2.1\n4294967295 TXT 4294967295\n",
	  "1 a.e. 9 A c0000201\n!t:2 warning: a record has no TTL and there is no $TTL: that of the record before "
	  "is used (RFC 1035 5.1)\n2 4294967295.e. 9 TXT 0a34323934393637323935\n" },
	{ "a 2147483647 A 192.0.2.1\nb 2147483648 A 192.0.2.1\n",
	  "1 a.e. 2147483647 A c0000201\n!t:2 warning: a TTL above 2147483647 counts as 0 (RFC 2181 8)\n"
	  "2 b.e. 0 A c0000201\n" },
	/* types and generic RDATA (RFC 3597) */
	{ "a 7 TYPE65280 \\# 3 010203\n", "1 a.e. 7 TYPE65280 010203\n" },
	{ "a 7 A \\# 4 c0000201\n", "1 a.e. 7 A c0000201\n" },
	{ "a 7 TYPE1 192.0.2.1\n", "1 a.e. 7 A c0000201\n" },
	{ "a 7 TYPE10 \\# 1 00\n", "1 a.e. 7 NULL 00\n" },
	{ "a 7 A \\# 3 010203\n", "1 a.e. 7 A 010203\n" }, /* the builder refuses it */
	{ "a 7 TYPE65280 \\# 2 010203\n", "!t:1 error: the rdata length statement is incorrect\n" },
	{ "a\\.b\\032c 7 TXT \"a\\\"b\" c\n", "1 a\\.b\\032c.e. 7 TXT 036122620163\n" },
	{ "MiXed 7 NS TarGet\n", "1 MiXed.e. 7 NS 06546172476574016500\n" },
	{ "a 7 SVCB 1 . alpn=h2\n", "1 a.e. 7 SVCB 0001000001000302683 2\n" },
};

static void without_blanks(char *text)
{
	char *to = text;
	for (; *text != '\0'; text++) {
		if (*text != ' ') {
			*to++ = *text;
		}
	}
	*to = '\0';
}

Test(scan, reads_texts)
{
	struct log *log = malloc(sizeof(*log));
	for (size_t i = 0; i < COUNT(texts); i++) {
		char want[2048];
		*log = (struct log){ .len = 0 };
		struct scan *scan = scan_of(log, -1);
		int rc = scan_text(scan, "t", texts[i].text, strlen(texts[i].text));
		cr_expect_eq(rc, (int)errors_in(log->text), "%s", texts[i].text);
		snprintf(want, sizeof(want), "%s", texts[i].log);
		without_blanks(want);
		without_blanks(log->text);
		cr_expect(strncmp(log->text, want, sizeof(want)) == 0, "text:\n%s\ngave:\n%s\nnot:\n%s", texts[i].text,
			  log->text, want);
		scan_free(scan);
	}
	free(log);
}

/* RFC 2181 11: any octet may stand in a name, in that of a zone too. */
Test(scan, origins_of_all_octets)
{
	static const char text[] = "a 7 A 192.0.2.1\n";
	struct log *log = malloc(sizeof(*log));
	for (unsigned octet = 0; octet <= 255; octet++) {
		const uint8_t origin[] = { 3, 'x', (uint8_t)octet, 'Y', 1, 'e', 0 };
		const uint8_t owner[] = { 1, 'a', 3, 'x', (uint8_t)octet, 'Y', 1, 'e', 0 };
		char name[DNAME_TEXT_MAX];
		char want[DNAME_TEXT_MAX + 32];
		*log = (struct log){ .len = 0 };
		struct scan *scan = scan_with(log, -1, origin);
		cr_expect_eq(scan_text(scan, "t", text, strlen(text)), 0, "octet %u", octet);
		snprintf(want, sizeof(want), "1 %s 7 A c0000201\n", dname_text(owner, name));
		cr_expect_str_eq(log->text, want, "octet %u", octet);
		scan_free(scan);
	}
	/* the longest that there is, all of it as numbers */
	uint8_t longest[DNAME_MAX];
	memset(longest, 0xff, sizeof(longest));
	longest[0] = longest[64] = longest[128] = 63;
	longest[192] = 61;
	longest[254] = 0;
	*log = (struct log){ .len = 0 };
	struct scan *scan = scan_with(log, -1, longest);
	cr_expect_eq(scan_text(scan, "t", "@ 7 A 192.0.2.1\n", 16), 0);
	cr_expect_eq(log->records, 1);
	scan_free(scan);
	free(log);
}

/* Cut a text of everything at every length: never a crash, and the records before the cut are there. */
Test(scan, takes_every_cut)
{
	static const char text[] = "$TTL 5\n$ORIGIN x.e.\n@ SOA a b ( 1 ; c\n 2 3 4 5 )\n\tA 192.0.2.1\n"
				   "b TXT \"q\\\"uote\" ( \"x\"\n\"y\" )\n$ORIGIN y\nc TYPE65280 \\# 2 0102\n"
				   "$INCLUDE f.inc sub\n$FOO\n)\nd\\.e MX 10 @\nf A 1.2.3\ng AAAA ::1\n";
	struct log *log = malloc(sizeof(*log));
	unsigned records = 0;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		char *copy = malloc(cut + 1); /* the very end, for sanitizers */
		memcpy(copy, text, cut);
		*log = (struct log){ .len = 0 };
		struct scan *scan = scan_of(log, -1);
		cr_assert_geq(scan_text(scan, "t", copy, cut), 0);
		cr_assert_geq(log->records + 1, records, "cut at %zu", cut);
		records = log->records;
		scan_free(scan);
		free(copy);
	}
	cr_assert_eq(records, 6u, "%s", log->text);
	free(log);
}

Test(scan, stops_when_a_record_cannot_be_taken)
{
	struct log *log = calloc(1, sizeof(*log));
	log->refuse_after = 1;
	struct scan *scan = scan_of(log, -1);
	static const char text[] = "a 1 A 192.0.2.1\nb 1 A 192.0.2.1\nc 1 A 192.0.2.1\n";
	cr_assert_eq(scan_text(scan, "t", text, strlen(text)), BH_ENOMEM);
	cr_assert_eq(log->records, 1u);
	scan_free(scan);
	free(log);
}

static void expect_file(const struct folder *f, const char *path, const char *want)
{
	struct log *log = calloc(1, sizeof(*log));
	struct scan *scan = scan_of(log, f->fd);
	cr_expect_eq(scan_file(scan, path), (int)errors_in(want));
	cr_expect_str_eq(log->text, want, "%s gave:\n%s\nnot:\n%s", path, log->text, want);
	scan_free(scan);
	free(log);
}

Test(scan, includes)
{
	struct folder f = folder_new();
	cr_assert_eq(mkdirat(f.fd, "sub", 0755), 0);
	folder_put(&f, "inc", "i 1 A 192.0.2.1\n");
	folder_put(&f, "sub/inc", "s 1 A 192.0.2.2\n$INCLUDE more\n");
	folder_put(&f, "sub/more", "$ORIGIN o.\n$TTL 6\nm A 192.0.2.3\nbad A x\n");

	folder_put(&f, "plain", "$INCLUDE inc\na 1 A 192.0.2.9\n");
	expect_file(&f, "plain", "1 i.e. 1 A c0000201\n2 a.e. 1 A c0000209\n");
	folder_put(&f, "quoted", "$INCLUDE \"inc\" x. ; comment\n");
	expect_file(&f, "quoted", "1 i.x. 1 A c0000201\n");
	folder_put(&f, "relative", "$ORIGIN y.\n$INCLUDE inc x\na 1 A 192.0.2.9\n");
	expect_file(&f, "relative", "1 i.x.y. 1 A c0000201\n3 a.y. 1 A c0000209\n");
	/* A file is looked up beside the one that includes it; its $ORIGIN and $TTL end with it. */
	folder_put(&f, "nested", "$TTL 5\nb A 192.0.2.8\n$INCLUDE sub/inc\n A 192.0.2.9\n");
	expect_file(&f, "nested", "2 b.e. 5 A c0000208\n1 s.e. 1 A c0000202\n3 m.o. 6 A c0000203\n"
				  "!sub/more:4 error: invalid address character\n4 b.e. 5 A c0000209\n");
	folder_free(&f);
}

Test(scan, include_faults)
{
	static const struct {
		const char *text;
		const char *log;
	} cases[] = {
		{ "$INCLUDE /etc/passwd\n",
		  "!z:1 error: $INCLUDE: '/etc/passwd' is absolute; name it relative to the zone directory\n" },
		{ "\n$INCLUDE ../x\n", "!z:2 error: $INCLUDE: '../x' has '..' in it; only files below the zone "
				       "directory can be read\n" },
		{ "$INCLUDE nothing\na 1 A 192.0.2.1\n",
		  "!z:1 error: $INCLUDE: 'nothing': No such file or directory\n2 a.e. 1 A c0000201\n" },
		{ "$INCLUDE fifo\n", "!z:1 error: $INCLUDE: 'fifo': is not a regular file\n" },
		{ "$INCLUDE .\n", "!z:1 error: $INCLUDE: '.': is a directory\n" },
		{ "$INCLUDE out\n", "!z:1 error: $INCLUDE: 'out': is a link to a file that is not below the zone "
				    "directory\n" },
		{ "$INCLUDE empty\na 1 A 192.0.2.1\n", "2 a.e. 1 A c0000201\n" },
	};
	struct folder f = folder_new();
	cr_assert_eq(mkfifoat(f.fd, "fifo", 0644), 0);
	cr_assert_eq(symlinkat("/etc/passwd", f.fd, "out"), 0);
	folder_put(&f, "empty", "");
	for (size_t i = 0; i < COUNT(cases); i++) {
		folder_put(&f, "z", cases[i].text);
		expect_file(&f, "z", cases[i].log);
	}
	expect_file(&f, "none", "!none:0 error: No such file or directory\n");
	folder_free(&f);
}

Test(scan, an_include_loop_ends)
{
	struct folder f = folder_new();
	folder_put(&f, "once", "a 1 A 192.0.2.1\n$INCLUDE once\n");
	struct log *log = calloc(1, sizeof(*log));
	struct scan *scan = scan_of(log, f.fd);
	cr_assert_eq(scan_file(scan, "once"), 1);
	cr_assert_eq(log->records, (unsigned)SCAN_DEPTH_MAX);
	cr_assert_not_null(strstr(log->text, "!once:2 error: $INCLUDE: 'once' is included too deeply"));
	scan_free(scan);
	free(log);
	folder_free(&f);
}

static void count_finding(void *ctx, const struct zone_finding *f)
{
	unsigned *count = ctx;
	cr_assert(strstr(f->text, "too deeply") != NULL || strstr(f->text, "one file too many") != NULL);
	(*count)++;
}

/* Twice in each file: 2^16 files, were their number not bounded too. */
Test(scan, an_include_tree_ends, .timeout = 60)
{
	struct folder f = folder_new();
	struct name origin = name_of("e.");
	unsigned count = 0;
	struct scan_options options = {
		.root_fd = f.fd, .origin = origin.wire, .record = on_record, .report = count_finding, .ctx = &count,
	};
	folder_put(&f, "twice", "$INCLUDE twice\n$INCLUDE twice\n");
	struct scan *scan = scan_new(&options);
	int errors = scan_file(scan, "twice");
	cr_assert_eq(errors, (int)count);
	/* Each file but the first was asked for by one of the two lines of each file; the others failed. */
	cr_assert_eq(count, 2u * SCAN_FILES_MAX - (SCAN_FILES_MAX - 1));
	scan_free(scan);
	folder_free(&f);
}
