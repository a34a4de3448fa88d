/*
 * Images as text: it makes the same image again, and a difference of two images is that of their texts.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/show.h"

#include "common/dns/rdata_text.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "tests/unit/common/zone/zone_text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

/* What was written to a memory file, as text to be freed. */
static char *text_of(int fd)
{
	off_t len = lseek(fd, 0, SEEK_CUR);
	char *text = calloc(1, (size_t)len + 1);
	cr_assert(text != NULL && pread(fd, text, (size_t)len, 0) == len);
	close(fd);
	return text;
}

static char *show(const struct zone *z, struct show_count *count)
{
	int fd = memfd_create("text", 0);
	cr_assert_eq(show_zone(&z->image, fd, count), BH_OK);
	return text_of(fd);
}

static char *difference(const char *from, const char *to, struct show_count *count)
{
	struct zone *old = zone_of("example.", from);
	struct zone *new = zone_of("example.", to);
	int fd = memfd_create("text", 0);
	cr_assert(old->errors == 0 && new->errors == 0, "%s%s", old->found.text, new->found.text);
	cr_assert_eq(show_difference(&old->image, &new->image, fd, count), BH_OK);
	zone_free(old);
	zone_free(new);
	return text_of(fd);
}

/*
 * The text of an image makes the same zone, and the same text. Its octets may stand in another order: in an image they
 * stand as in the text it was made from. From then on it is the same image.
 */
static void check_round(const char *apex, const char *text)
{
	struct show_count count;
	struct zone *z = zone_of(apex, text);
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	char *shown = show(z, &count);
	cr_assert_eq(count.records, z->image.header->rr_count);

	struct zone *again = zone_of(apex, shown);
	cr_assert_eq(again->errors, 0, "%s\n%s", again->found.text, shown);
	int fd = memfd_create("text", 0);
	cr_assert_eq(show_difference(&z->image, &again->image, fd, &count), BH_OK);
	char *changed = text_of(fd);
	cr_assert_str_eq(changed, "", "%s", changed);
	char *shown_again = show(again, &count);
	cr_assert_str_eq(shown, shown_again);

	struct zone *third = zone_of(apex, shown_again);
	cr_assert(third->size == again->size && memcmp(third->block, again->block, third->size) == 0);
	zone_free(third);
	zone_free(again);
	zone_free(z);
	free(shown_again);
	free(changed);
	free(shown);
}

/* --- records --- */

/* As they are written and as they are shown; NULL: the same. */
static const struct {
	const char *written;
	const char *shown;
} records[] = {
	{ "A\t192.0.2.255", NULL },
	{ "AAAA\t2001:db8::1", NULL },
	{ "CNAME\tns.example.", NULL },
	{ "DNAME\telse.where.", NULL },
	{ "MX\t65535 mail.example.", NULL },
	{ "TXT\t\"a\" \"\" \"b c\" \"\\\"\\\\\\000\\255;@\"", NULL },
	{ "SPF\t\"v=spf1 -all\"", NULL },
	{ "HINFO\t\"a b\" \"c\"", NULL },
	{ "RP\ta.example. b.example.", NULL },
	{ "SRV\t1 2 53 ns.example.", NULL },
	{ "NAPTR\t1 2 \"S\" \"SIP+D2U\" \"!^.*$!sip:x@example.!\" .", NULL },
	{ "AFSDB\t1 ns.example.", NULL },
	{ "KX\t1 ns.example.", NULL },
	{ "CERT\t1 2 3 AQIDBA==", NULL },
	{ "DS\t60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118", NULL },
	{ "CDS\t0 0 0 00", NULL },
	{ "CDNSKEY\t0 3 0 AA==", NULL },
	{ "SSHFP\t1 1 2bb183af5f22588179a53b0a98631fad1a292118", NULL },
	{ "TLSA\t3 1 1 0123456789abcdef", NULL },
	{ "SMIMEA\t3 1 1 0123456789abcdef", NULL },
	{ "OPENPGPKEY\tAQID", NULL },
	{ "DHCID\tAAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", NULL },
	{ "CSYNC\t66 3 A NS AAAA TYPE65280", NULL },
	{ "CAA\t128 issue \"ca.example; policy=ev\"", NULL },
	{ "CAA\t0 issue \"\"", NULL },
	{ "URI\t10 1 \"https://www.example/x\\\"y\"", NULL },
	{ "NID\t10 0014:4fff:ff20:ee64", NULL },
	{ "L32\t10 10.1.2.0", NULL },
	{ "L64\t10 2001:0db8:1140:1000", NULL },
	{ "LP\t10 l64.example.", NULL },
	{ "EUI48\t00-00-5e-00-53-2a", NULL },
	{ "EUI64\t00-00-5e-ef-10-00-00-2a", NULL },
	{ "SVCB\t0 target.example.", NULL },
	{ "HTTPS\t1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1 no-default-alpn mandatory=port",
	  "HTTPS\t1 . key0=\"\\000\\003\" key1=\"\\002h2\\002h3\" key2 key3=\" \\251\" key4=\"\\192\\000\\002\\001\" "
	  "key6=\" \\001\\013\\184\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\001\"" },
	{ "LOC\t52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", "LOC\t\\# 16 00001613" },
	{ "TYPE65280\t\\# 3 010203", NULL },
	{ "TYPE65280\t\\# 0", NULL },
	{ "A\t\\# 4 C0000207", "A\t192.0.2.7" },
};

Test(show, each_type_as_zone_files_have_it)
{
	for (size_t i = 0; i < COUNT(records); i++) {
		char text[512];
		char expected[512];
		struct show_count count;
		const char *shown = records[i].shown != NULL ? records[i].shown : records[i].written;
		snprintf(text, sizeof(text), ZONE_HEAD "x %s\n", records[i].written);
		snprintf(expected, sizeof(expected), "\nx.example.\t3600\tIN\t%s", shown);
		struct zone *z = zone_of("example.", text);
		cr_assert_eq(z->errors, 0, "%s: %s", records[i].written, z->found.text);
		char *out = show(z, &count);
		cr_assert_not_null(strstr(out, expected), "%s:\n%s", expected, out);
		zone_free(z);
		free(out);
		check_round("example.", text);
	}
}

Test(show, the_soa_is_first_and_names_are_in_order)
{
	struct show_count count;
	struct zone *z = zone_of("example.", "$TTL 60\nz A 192.0.2.1\n*.A TXT x\nA.b.c 5 A 192.0.2.2\n@ NS z\n@ SOA z h 1 2 3 4 5\n");
	char *out = show(z, &count);
	cr_assert_str_eq(out, "example.\t60\tIN\tSOA\tz.example. h.example. 1 2 3 4 5\n"
			      "example.\t60\tIN\tNS\tz.example.\n"
			      "*.A.example.\t60\tIN\tTXT\t\"x\"\n"
			      "A.b.c.example.\t5\tIN\tA\t192.0.2.2\n"
			      "z.example.\t60\tIN\tA\t192.0.2.1\n");
	zone_free(z);
	free(out);
}

/* What a name may be made of, and the parts of an image that are not in the order of names. */
Test(show, odd_zones_come_back)
{
	check_round("example.", ZONE_HEAD "a\\.b\\\"\\;\\(\\)\\@\\$\\\\\\000\\255\\032 A 192.0.2.1\n\\@ A 192.0.2.3\n\\# A 192.0.2.4\n");
	check_round("example.", ZONE_HEAD "sub NS ns.sub\nns.sub A 192.0.2.2\nd DNAME other.\n*.w A 192.0.2.9\nWWW CNAME nS\n");
	check_round(".", "$TTL 1\n. SOA a. b. 1 2 3 4 5\n. NS a.\na. A 192.0.2.1\n");
}

/* Whatever is in a record, its text is plain and reads as the same record. */
Test(show, text_of_any_rdata_is_plain)
{
	static char out[RDATA_TEXT_MAX];
	uint32_t chance = 1;
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t rdata[300];
		for (size_t j = 0; j < sizeof(rdata); j++) {
			chance = chance * 1664525 + 1013904223;
			rdata[j] = (chance >> 24) > 100 ? (uint8_t)(chance >> 16) : (uint8_t)(chance >> 29);
		}
		uint16_t type = (uint16_t)(i % 300);
		size_t len = rdata_text(type, rdata, i % sizeof(rdata), out);
		cr_assert(len > 0 && strlen(out) == len);
		for (size_t j = 0; j < len; j++) {
			cr_assert(out[j] >= ' ' && out[j] <= '~', "type %u", type);
		}
	}
}

Test(show, the_longest_rdata_has_room)
{
	static char out[RDATA_TEXT_MAX];
	static uint8_t rdata[UINT16_MAX];
	size_t pos = 0;
	rdata[pos++] = 0; /* the next name is the root */
	for (unsigned window = 0; window < 256; window++) {
		rdata[pos++] = (uint8_t)window;
		rdata[pos++] = 32;
		memset(rdata + pos, 0xff, 32);
		pos += 32;
	}
	size_t len = rdata_text(RR_NSEC, rdata, pos, out);
	cr_assert(strncmp(out, ". TYPE0 A NS", 12) == 0 && len < RDATA_TEXT_MAX, "%.20s %zu", out, len);
	cr_assert_str_eq(out + len - 9, "TYPE65535");
	memset(rdata, 0xff, sizeof(rdata));
	for (size_t at = 0; at < sizeof(rdata); at += 256) {
		rdata[at] = 255;
	}
	len = rdata_text(RR_TXT, rdata, sizeof(rdata) / 256 * 256, out);
	cr_assert_gt(len, 255 * 255 * 4);
}

Test(show, times_are_of_the_calendar)
{
	static const struct {
		uint32_t sec;
		const char *text;
	} times[] = {
		{ 0, "19700101000000" },	  { 951782399, "20000228235959" },  { 951868799, "20000229235959" },
		{ 951868800, "20000301000000" }, { 1709164800, "20240229000000" }, { 1735689599, "20241231235959" },
		{ 4107542399, "21000228235959" }, { 4107542400, "21000301000000" }, { UINT32_MAX, "21060207062815" },
	};
	for (size_t i = 0; i < COUNT(times); i++) {
		char out[RDATA_TEXT_MAX];
		uint8_t rdata[] = { 0, 1, 8, 1, 0, 0, 0, 5, times[i].sec >> 24, times[i].sec >> 16, times[i].sec >> 8,
				    times[i].sec, 0, 0, 0, 0, 0, 9, 0, 1 };
		char expected[64];
		snprintf(expected, sizeof(expected), "A 8 1 5 %s 19700101000000 9 . AQ==", times[i].text);
		(void)rdata_text(RR_RRSIG, rdata, sizeof(rdata), out);
		cr_assert_str_eq(out, expected);
	}
}

/* --- differences --- */

#define SOA(serial) "$TTL 300\n@ SOA ns h " #serial " 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
#define SOAS                                                                                                             \
	"- example.\t300\tIN\tSOA\tns.example. h.example. 1 2 3 4 5\n+ example.\t300\tIN\tSOA\tns.example. h.example. 2 2 3 " \
	"4 5\n"

static const struct {
	const char *what;
	const char *from;
	const char *to;
	const char *shown;
} differences[] = {
	{ "nothing", SOA(1), SOA(1), "" },
	{ "the serial", SOA(1), SOA(2), SOAS },
	{ "a record more", SOA(1), SOA(2) "x A 192.0.2.2\n", SOAS "+ x.example.\t300\tIN\tA\t192.0.2.2\n" },
	{ "a record less", SOA(1) "a A 192.0.2.2\nb A 192.0.2.3\n", SOA(2) "b A 192.0.2.3\n",
	  SOAS "- a.example.\t300\tIN\tA\t192.0.2.2\n" },
	{ "one of several", SOA(1) "a A 192.0.2.2\na A 192.0.2.3\na A 192.0.2.5\n",
	  SOA(2) "a A 192.0.2.5\na A 192.0.2.4\na A 192.0.2.2\n",
	  SOAS "- a.example.\t300\tIN\tA\t192.0.2.3\n+ a.example.\t300\tIN\tA\t192.0.2.4\n" },
	{ "a TTL", SOA(1) "a 60 A 192.0.2.2\na 60 A 192.0.2.3\n", SOA(2) "a 61 A 192.0.2.2\na 61 A 192.0.2.3\n",
	  SOAS "- a.example.\t60\tIN\tA\t192.0.2.2\n- a.example.\t60\tIN\tA\t192.0.2.3\n"
	       "+ a.example.\t61\tIN\tA\t192.0.2.2\n+ a.example.\t61\tIN\tA\t192.0.2.3\n" },
	{ "a type for another", SOA(1) "a TXT x\n", SOA(2) "a A 192.0.2.2\n",
	  SOAS "+ a.example.\t300\tIN\tA\t192.0.2.2\n- a.example.\t300\tIN\tTXT\t\"x\"\n" },
	{ "the first and the last name", SOA(1) "*.0 A 192.0.2.2\n", SOA(2) "z A 192.0.2.2\n",
	  SOAS "- *.0.example.\t300\tIN\tA\t192.0.2.2\n+ z.example.\t300\tIN\tA\t192.0.2.2\n" },
	{ "letters of a target", SOA(1) "a CNAME ns\n", SOA(2) "a CNAME NS\n",
	  SOAS "- a.example.\t300\tIN\tCNAME\tns.example.\n+ a.example.\t300\tIN\tCNAME\tNS.example.\n" },
	{ "letters of an owner", SOA(1) "a A 192.0.2.2\n", SOA(1) "A A 192.0.2.2\n", "" },
	{ "glue", SOA(1) "s NS ns.s\nns.s A 192.0.2.2\n", SOA(2) "s NS ns.s\nns.s A 192.0.2.3\n",
	  SOAS "- ns.s.example.\t300\tIN\tA\t192.0.2.2\n+ ns.s.example.\t300\tIN\tA\t192.0.2.3\n" },
};

Test(show, differences_are_told_record_by_record)
{
	for (size_t i = 0; i < COUNT(differences); i++) {
		struct show_count count;
		char *out = difference(differences[i].from, differences[i].to, &count);
		unsigned removed = 0;
		unsigned added = 0;
		cr_assert_str_eq(out, differences[i].shown, "%s:\n%s", differences[i].what, out);
		for (const char *line = out; *line != '\0'; line = strchr(line, '\n') + 1) {
			removed += line[0] == '-';
			added += line[0] == '+';
		}
		cr_assert(count.removed == removed && count.added == added, "%s", differences[i].what);
		free(out);
	}
}

/* --- zones with signatures --- */

static const char hashed[] =
	ZONE_HEAD "@ NSEC3PARAM 1 0 0 -\n"
		  "a A 192.0.2.5\n"
		  "a RRSIG A 13 2 3600 20300101000000 20200101000000 1 example. AQID\n"
		  "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 1 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG\n"
		  "2t7b4g4vsa5smi47k61mv5bv1a22bojr NSEC3 1 1 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS SOA NSEC3PARAM\n";

Test(show, signatures_and_hashed_names_come_back)
{
	check_round("example.", hashed);
	struct show_count count;
	struct zone *z = zone_of("example.", hashed);
	char *out = show(z, &count);
	cr_assert_not_null(strstr(out, "\na.example.\t3600\tIN\tRRSIG\tA 13 2 3600 20300101000000 20200101000000 1 example. AQID\n"),
			   "%s", out);
	cr_assert_not_null(strstr(out, "\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.\t3600\tIN\tNSEC3\t1 1 0 - "
				       "2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG\n"),
			   "%s", out);
	zone_free(z);
	free(out);
}

Test(show, differences_of_signatures_and_hashed_names)
{
	char other[sizeof(hashed)];
	struct show_count count;
	memcpy(other, hashed, sizeof(hashed));
	memcpy(strstr(other, "AQID"), "AQIE", 4);
	memcpy(strstr(other, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3"), "1", 1);
	char *out = difference(hashed, other, &count);
	cr_assert_str_eq(out,
			 "- a.example.\t3600\tIN\tRRSIG\tA 13 2 3600 20300101000000 20200101000000 1 example. AQID\n"
			 "+ a.example.\t3600\tIN\tRRSIG\tA 13 2 3600 20300101000000 20200101000000 1 example. AQIE\n"
			 "- 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.\t3600\tIN\tNSEC3\t1 1 0 - "
			 "2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG\n"
			 "+ 1p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.\t3600\tIN\tNSEC3\t1 1 0 - "
			 "2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG\n",
			 "%s", out);
	free(out);
}

/* Zones that a signer made. */
Test(show, signed_zones_come_back)
{
	static const char *const zones[] = { "nsec", "nsec3", "optout" };
	for (size_t i = 0; i < COUNT(zones); i++) {
		char path[512];
		static char text[1 << 20];
		snprintf(path, sizeof(path), BH_SOURCE_DIR "/tests/data/signed/%s.zone", zones[i]);
		FILE *file = fopen(path, "re");
		cr_assert_not_null(file, "%s", path);
		size_t len = fread(text, 1, sizeof(text) - 1, file);
		cr_assert(len > 10000 && len < sizeof(text) - 1);
		text[len] = '\0';
		fclose(file);
		check_round(zones[i], text);
	}
}

Test(show, a_reader_that_went_away_is_an_error)
{
	int fds[2];
	struct show_count count;
	struct zone *z = zone_of("example.", ZONE_HEAD);
	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(fds), 0);
	close(fds[0]);
	cr_assert(show_zone(&z->image, fds[1], &count) == BH_ESYS && errno == EPIPE);
	close(fds[1]);
	zone_free(z);
}
