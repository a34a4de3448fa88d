/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/dname.h"

#include "common/util/count.h"
#include "common/util/siphash.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* 127 labels of one octet: the most that 255 octets can hold. */
static struct name name_of_127_labels(void)
{
	struct name n = { .len = 0 };
	for (unsigned i = 0; i < DNAME_LABELS_MAX; i++) {
		n.wire[n.len++] = 1;
		n.wire[n.len++] = 'a';
	}
	n.wire[n.len++] = 0;
	return n;
}

Test(dname, check_takes_names_to_their_limits)
{
	for (size_t len = 1; len <= DNAME_MAX; len += len == 1 ? 2 : 1) {
		struct name n = name_of_len(len, 'x');
		cr_assert_eq(n.len, len);
		cr_assert_eq(dname_check(n.wire, n.len), (int)len);
		cr_assert_eq(dname_check(n.wire, sizeof(n.wire)), (int)len);
		cr_assert_eq(dname_len(n.wire), len);
		for (size_t cut = 0; cut < len; cut++) {
			cr_assert_eq(dname_check(n.wire, cut), BH_ETRUNC, "%zu of %zu octets", cut, len);
		}
	}
	struct name n = name_of_127_labels();
	cr_assert_eq(dname_check(n.wire, n.len), DNAME_MAX);
	cr_assert_eq(dname_label_count(n.wire), 127u);
}

Test(dname, check_refuses)
{
	uint8_t wire[512];
	/* 256 octets with the root: four labels of 62, 63, 63, 63. */
	memset(wire, 'x', sizeof(wire));
	wire[0] = 62;
	wire[63] = wire[127] = wire[191] = 63;
	wire[255] = 0;
	cr_assert_eq(dname_check(wire, 256), BH_EMALFORMED);
	/* 128 labels */
	for (unsigned i = 0; i < 128; i++) {
		wire[2 * i] = 1;
		wire[2 * i + 1] = 'a';
	}
	wire[256] = 0;
	cr_assert_eq(dname_check(wire, 257), BH_EMALFORMED);

	/* Label types 01, 10 (RFC 6891 5) and pointers, first and later. */
	for (unsigned type = 64; type < 256; type++) {
		const uint8_t first[4] = { (uint8_t)type, 0, 0, 0 };
		const uint8_t later[5] = { 1, 'a', (uint8_t)type, 0, 0 };
		cr_assert_eq(dname_check(first, sizeof(first)), BH_EMALFORMED, "%u", type);
		cr_assert_eq(dname_check(later, sizeof(later)), BH_EMALFORMED, "%u", type);
	}
}

struct read_case {
	const char *what;
	const char *hex;
	size_t pos;
	const char *want; /* name, or NULL */
	size_t end;	  /* position behind it */
	int err;
};

static const struct read_case read_cases[] = {
	{ "root", "00", 0, ".", 1, 0 },
	{ "plain", "0161 00", 0, "a.", 3, 0 },
	{ "in the middle", "ff ff 0161 00 ff", 2, "a.", 5, 0 },
	{ "case is kept", "03 614262 00", 0, "aBb.", 5, 0 },
	{ "pointer", "0161 00 c000", 3, "a.", 5, 0 },
	{ "labels and a pointer", "0161 00 0162 c000 ff", 3, "b.a.", 7, 0 },
	{ "pointer to a pointer", "0161 00 0162 c000 0163 c003", 7, "c.b.a.", 11, 0 },
	{ "pointer to the root", "00 c000", 1, ".", 3, 0 },
	{ "pointer into the middle of a name", "0161 0162 00 c002", 5, "b.", 7, 0 },
	{ "pointer at the last octets", "0161 00 0162 c000", 3, "b.a.", 7, 0 },
	{ "half a pointer", "0161 00 c0", 3, NULL, 0, BH_ETRUNC },
	{ "labels, half a pointer", "0161 00 0162 c0", 3, NULL, 0, BH_ETRUNC },
	{ "pointer to itself", "c000", 0, NULL, 0, BH_EMALFORMED },
	{ "pointer to itself, later", "0161 00 c003", 3, NULL, 0, BH_EMALFORMED },
	{ "pointer to the name's own beginning", "0161 c000", 0, NULL, 0, BH_EMALFORMED },
	{ "pointer to the name's own second label", "0161 0162 c002", 0, NULL, 0, BH_EMALFORMED },
	{ "pointer to the octet after it", "c002 00", 0, NULL, 0, BH_EMALFORMED },
	{ "forward pointer", "c003 00 0161 00", 0, NULL, 0, BH_EMALFORMED },
	{ "pointer past the end", "0161 00 c0ff", 3, NULL, 0, BH_EMALFORMED },
	{ "two pointers at each other", "c002 c000", 2, NULL, 0, BH_EMALFORMED },
	{ "backwards, then forwards again", "c003 00 c000 00", 3, NULL, 0, BH_EMALFORMED },
	{ "backwards, then forwards to what is before the name", "c004 ffff 00 ffffff c000", 8, NULL, 0, BH_EMALFORMED },
	{ "backwards into a run that comes back", "0161 c004 c000", 4, NULL, 0, BH_EMALFORMED },
	{ "label type 01", "40 00", 0, NULL, 0, BH_EMALFORMED },
	{ "label type 10", "80 00", 0, NULL, 0, BH_EMALFORMED },
	{ "label type 01 behind a pointer", "41 c000", 1, NULL, 0, BH_EMALFORMED },
	{ "label cut", "0361 62", 0, NULL, 0, BH_ETRUNC },
	{ "no root", "0161", 0, NULL, 0, BH_ETRUNC },
	{ "nothing", "00", 1, NULL, 0, BH_ETRUNC },
	{ "far behind the end", "00", 1000, NULL, 0, BH_ETRUNC },
};

Test(dname, reads)
{
	for (size_t i = 0; i < COUNT(read_cases); i++) {
		const struct read_case *rc = &read_cases[i];
		struct wire w = wire_of(rc->hex);
		uint8_t out[DNAME_MAX];
		size_t pos = rc->pos;
		int len = dname_read(w.bytes, w.len, &pos, out);
		if (rc->want == NULL) {
			cr_assert_eq(len, rc->err, "%s: %d", rc->what, len);
			cr_assert_eq(pos, rc->pos, "%s", rc->what);
			continue;
		}
		struct name want = name_of(rc->want);
		cr_assert_eq(len, (int)want.len, "%s: %d", rc->what, len);
		cr_assert_arr_eq(out, want.wire, want.len);
		cr_assert_eq(pos, rc->end, "%s: %zu", rc->what, pos);

		size_t skipped = rc->pos;
		cr_assert_eq(dname_skip(w.bytes, w.len, &skipped), BH_OK, "%s", rc->what);
		cr_assert_eq(skipped, rc->end, "%s", rc->what);
		for (size_t cut = 0; cut < rc->end; cut++) {
			pos = skipped = rc->pos;
			cr_assert_lt(dname_read(w.bytes, cut, &pos, out), 0, "%s cut at %zu", rc->what, cut);
			cr_assert_eq(pos, rc->pos);
			cr_assert_eq(dname_skip(w.bytes, cut, &skipped), BH_ETRUNC, "%s cut at %zu", rc->what, cut);
			cr_assert_eq(skipped, rc->pos);
		}
	}
}

Test(dname, read_bounds_the_pointers_of_one_name)
{
	/* 00, then pointers each at the one before: the n-th takes n jumps. */
	struct wire w = wire_of("00");
	for (unsigned i = 0; i < DNAME_JUMPS_MAX + 2; i++) {
		const uint8_t pointer[2] = { 0xc0, (uint8_t)(i == 0 ? 0 : 2 * i - 1) };
		wire_add(&w, pointer, 2);
	}
	for (unsigned jumps = 1; jumps <= DNAME_JUMPS_MAX + 2; jumps++) {
		uint8_t out[DNAME_MAX];
		size_t pos = 2 * jumps - 1;
		int len = dname_read(w.bytes, w.len, &pos, out);
		cr_assert_eq(len, jumps <= DNAME_JUMPS_MAX ? 1 : BH_EMALFORMED, "%u jumps: %d", jumps, len);
	}
}

Test(dname, read_bounds_the_octets_that_pointers_make)
{
	/* A name at 0, and behind it labels that point at it: together 255 octets are the most. */
	for (size_t first = 1; first <= DNAME_MAX; first += first == 1 ? 2 : 1) {
		for (size_t more = 3; more < 70; more++) {
			struct name n = name_of_len(first, 'x');
			struct wire w = { .len = 0 };
			wire_add(&w, n.wire, n.len);
			struct name front = name_of_len(more, 'y');
			wire_add(&w, front.wire, front.len - 1);
			wire_add_hex(&w, "c000");
			uint8_t out[DNAME_MAX + 8];
			memset(out, 0xee, sizeof(out));
			size_t pos = first;
			int len = dname_read(w.bytes, w.len, &pos, out);
			size_t sum = first + more - 1;
			cr_assert_eq(len, sum <= DNAME_MAX ? (int)sum : BH_EMALFORMED, "%zu + %zu: %d", first, more,
				     len);
			cr_assert_eq(out[DNAME_MAX], 0xee);
		}
	}
}

Test(dname, highest_pointer_target)
{
	static uint8_t msg[0x4000 + 8];
	size_t pos = 0x4001;
	uint8_t out[DNAME_MAX];
	msg[0x3fff] = 0;
	msg[0x4001] = 0xff;
	msg[0x4002] = 0xff;
	cr_assert_eq(dname_read(msg, sizeof(msg), &pos, out), 1);
	cr_assert_eq(pos, 0x4003u);
}

Test(dname, skip_bounds_names_like_read_does)
{
	for (size_t len = 250; len <= 260; len++) {
		/* len octets of labels in front of the root, or of a pointer to the root at 0. */
		struct wire w = wire_of("00");
		size_t left = len;
		while (left > 0) {
			size_t label = left > 64 ? (left == 65 ? 62 : 63) : left - 1;
			uint8_t bytes[64] = { (uint8_t)label };
			wire_add(&w, bytes, label + 1);
			left -= label + 1;
		}
		size_t at = w.len;
		for (unsigned pointer = 0; pointer < 2; pointer++) {
			uint8_t out[DNAME_MAX];
			size_t read_pos = 1;
			size_t skip_pos = 1;
			w.len = at;
			wire_add_hex(&w, pointer ? "c000" : "00");
			int read = dname_read(w.bytes, w.len, &read_pos, out);
			int skip = dname_skip(w.bytes, w.len, &skip_pos);
			cr_assert_eq(read, len < DNAME_MAX ? (int)len + 1 : BH_EMALFORMED, "%zu", len);
			cr_assert_eq(skip, len < DNAME_MAX ? BH_OK : BH_EMALFORMED, "%zu, pointer %u", len, pointer);
			cr_assert_eq(read_pos, skip_pos);
		}
	}
	static const char *const bad[] = { "40 00", "80 00", "0161 bf 00" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct wire w = wire_of(bad[i]);
		size_t pos = 0;
		cr_assert_eq(dname_skip(w.bytes, w.len, &pos), BH_EMALFORMED, "%s", bad[i]);
		cr_assert_eq(pos, 0u);
	}
}

Test(dname, folds_ascii_letters_and_nothing_else)
{
	for (unsigned c = 0; c < 256; c++) {
		unsigned want = c >= 'A' && c <= 'Z' ? c + 32 : c;
		cr_assert_eq(dname_fold((uint8_t)c), want, "%u", c);
	}
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "WWW.Example.", "www.eXAMPLE.", true },
		{ "a.", "b.", false },
		{ "a.", "a.a.", false },
		{ ".", ".", true },
		{ ".", "a.", false },
		{ "\\@.", "`.", false }, /* 40 and 60: one bit apart, as letters are */
		{ "[.", "{.", false },	  /* 5b and 7b */
		{ "\\\\.", "|.", false },
		{ "].", "}.", false },
		{ "^.", "~.", false },
		{ "_.", "\\127.", false },
		{ "\\192.", "\\224.", false }, /* no Latin-1 */
		{ "\\193.", "\\225.", false },
		{ "ab.c.", "a.bc.", false },
		{ "a\\.b.", "a.b.", false },
		{ "a\\001b.", "a.b.", false },
	};
	static const struct siphash_key key = { 1, 2 };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct name a = name_of(cases[i].a);
		struct name b = name_of(cases[i].b);
		cr_assert_eq(dname_equal(a.wire, b.wire), cases[i].same, "%s %s", cases[i].a, cases[i].b);
		cr_assert_eq(dname_equal(b.wire, a.wire), cases[i].same, "%s %s", cases[i].a, cases[i].b);
		cr_assert_eq(dname_compare(a.wire, b.wire) == 0, cases[i].same, "%s %s", cases[i].a, cases[i].b);
		cr_assert_eq(dname_hash(&key, a.wire) == dname_hash(&key, b.wire), cases[i].same, "%s %s", cases[i].a,
			     cases[i].b);
	}
	/* Length octets 'A'..'Z' do not exist, but labels of 1..63 octets keep theirs. */
	for (size_t len = 3; len <= 65; len++) {
		struct name n = name_of_len(len, 'Q');
		uint8_t lower[DNAME_MAX];
		cr_assert_eq(dname_copy_lower(lower, n.wire), n.len);
		cr_assert_eq(lower[0], n.wire[0]);
		cr_assert_eq(lower[1], 'q');
		cr_assert_eq(dname_copy_lower(n.wire, n.wire), n.len);
		cr_assert_arr_eq(n.wire, lower, n.len);
	}
}

/* Names are read eight octets at a time: every octet, at every place of a word and of what is left behind words. */
Test(dname, folds_every_octet_at_every_place)
{
	static const struct siphash_key key = { 1, 2 };
	for (size_t len = 3; len <= 20; len++) {
		for (size_t at = 1; at + 1 < len; at++) {
			for (unsigned octet = 0; octet < 256; octet++) {
				struct name a = name_of_len(len, 'x');
				struct name b = a;
				a.wire[at] = (uint8_t)octet;
				b.wire[at] = octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 32) : (uint8_t)octet;
				uint8_t lower[DNAME_MAX];
				(void)dname_copy_lower(lower, a.wire);
				cr_assert_arr_eq(lower, b.wire, len);
				cr_assert(dname_equal(a.wire, b.wire), "%zu %zu %u", len, at, octet);
				cr_assert_eq(dname_hash(&key, a.wire), dname_hash(&key, b.wire), "%zu %zu %u", len, at,
					     octet);
				b.wire[at] ^= 1;
				cr_assert_not(dname_equal(a.wire, b.wire), "%zu %zu %u", len, at, octet);
				cr_assert_neq(dname_hash(&key, a.wire), dname_hash(&key, b.wire), "%zu %zu %u", len, at,
					      octet);
			}
		}
	}
}

Test(dname, hash_depends_on_the_key)
{
	struct name n = name_of("www.example.");
	const struct siphash_key a = { 1, 2 };
	const struct siphash_key b = { 1, 3 };
	cr_assert_neq(dname_hash(&a, n.wire), dname_hash(&b, n.wire));
}

Test(dname, canonical_order_of_rfc_4034_6_1)
{
	static const char *const ordered[] = {
		".",		      "example.",	   "a.example.",	"yljkjljk.a.example.", "Z.a.example.",
		"zABC.a.EXAMPLE.",    "z.example.",	   "\\001.z.example.",	"*.z.example.",	       "\\200.z.example.",
		"zz.example.",	      "\\000.zz.example.", "-.zz.example.",	"0.zz.example.",       "A.zz.example.",
		"aa.zz.example.",     "b.zz.example.",	   "\\{.zz.example.", "\\255.zz.example.", "example2.",
	};
	for (size_t i = 0; i < COUNT(ordered); i++) {
		for (size_t j = 0; j < COUNT(ordered); j++) {
			struct name a = name_of(ordered[i]);
			struct name b = name_of(ordered[j]);
			int order = dname_compare(a.wire, b.wire);
			cr_assert_eq(order < 0, i < j, "%s %s: %d", ordered[i], ordered[j], order);
			cr_assert_eq(order > 0, i > j, "%s %s: %d", ordered[i], ordered[j], order);
		}
	}
}

Test(dname, order_and_suffixes_of_the_largest_names)
{
	struct name a = name_of_127_labels();
	struct name b = a;
	cr_assert_eq(dname_compare(a.wire, b.wire), 0);
	cr_assert_eq(dname_shared_labels(a.wire, b.wire), 127u);
	b.wire[1] = 'b'; /* leftmost */
	cr_assert_lt(dname_compare(a.wire, b.wire), 0);
	cr_assert_eq(dname_shared_labels(a.wire, b.wire), 126u);
	b = a;
	b.wire[253] = 'b'; /* rightmost */
	cr_assert_lt(dname_compare(a.wire, b.wire), 0);
	cr_assert_eq(dname_shared_labels(a.wire, b.wire), 0u);
	cr_assert(dname_is_root(dname_skip_labels(a.wire, 127)));
	cr_assert_eq(dname_skip_labels(a.wire, 0), a.wire);
	cr_assert_eq(dname_skip_labels(a.wire, 126), a.wire + 252);
}

Test(dname, is_under_and_shared_labels)
{
	static const struct {
		const char *name, *ancestor;
		bool under;
		unsigned shared;
	} cases[] = {
		{ ".", ".", true, 0 },
		{ "a.", ".", true, 0 },
		{ ".", "a.", false, 0 },
		{ "example.", "example.", true, 1 },
		{ "www.example.", "EXAMPLE.", true, 1 },
		{ "wwwexample.", "example.", false, 0 },
		{ "a.b.example.", "b.example.", true, 2 },
		{ "a.b.example.", "a.example.", false, 1 },
		{ "b.example.", "a.b.example.", false, 2 },
		{ "example.com.", "example.org.", false, 0 },
		{ "www\\.example.", "example.", false, 0 }, /* one label */
		{ "\\007example.", "example.", false, 0 },  /* looks like a length octet */
		{ "\\007example\\000.", "example.", false, 0 },
		{ "x\\007example.", "example.", false, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct name name = name_of(cases[i].name);
		struct name ancestor = name_of(cases[i].ancestor);
		cr_assert_eq(dname_is_under(name.wire, ancestor.wire), cases[i].under, "%s %s", cases[i].name,
			     cases[i].ancestor);
		cr_assert_eq(dname_shared_labels(name.wire, ancestor.wire), cases[i].shared, "%s %s", cases[i].name,
			     cases[i].ancestor);
		cr_assert_eq(dname_shared_labels(ancestor.wire, name.wire), cases[i].shared);
	}
}

Test(dname, counts_labels_and_knows_wildcards)
{
	static const struct {
		const char *text;
		unsigned labels;
		bool wildcard;
	} cases[] = {
		{ ".", 0, false },	    { "*.", 1, true },	    { "*.example.", 2, true },
		{ "a.*.example.", 3, false }, { "**.", 1, false },    { "\\*.a.", 2, true },
		{ "*a.", 1, false },	    { "a.b.c.d.", 4, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct name n = name_of(cases[i].text);
		cr_assert_eq(dname_label_count(n.wire), cases[i].labels, "%s", cases[i].text);
		cr_assert_eq(dname_is_wildcard(n.wire), cases[i].wildcard, "%s", cases[i].text);
		cr_assert_eq(dname_is_root(n.wire), cases[i].labels == 0, "%s", cases[i].text);
	}
}

Test(dname, text_to_wire)
{
	static const struct {
		const char *text;
		const char *hex;
	} cases[] = {
		{ ".", "00" },
		{ "a", "0161 00" },
		{ "a.", "0161 00" },
		{ "www.Example", "03777777 074578616d706c65 00" },
		{ "\\000.", "0100 00" },
		{ "\\255", "01ff 00" },
		{ "\\.", "012e 00" },
		{ "a\\.b.c", "03612e62 0163 00" },
		{ "\\\\\\\"\\;\\@\\$\\(\\)", "075c223b40242829 00" },
		{ "\\032x", "022078 00" },
		{ "\\a\\z", "02617a 00" }, /* \X is X */
		{ "*._tcp", "012a 045f746370 00" },
		{ "1234", "0431323334 00" },
		{ "\\0494", "023134 00" }, /* three digits, then a character */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire want = wire_of(cases[i].hex);
		uint8_t out[DNAME_MAX];
		int len = dname_from_text(cases[i].text, out);
		cr_assert_eq(len, (int)want.len, "%s: %d", cases[i].text, len);
		cr_assert_arr_eq(out, want.bytes, want.len);
	}
}

Test(dname, text_that_is_no_name)
{
	static const char *const cases[] = {
		"",	"..",	"a..",	   "a..b",   ".a",     ".a.",	    "\\",     "a\\",	 "\\1",
		"\\12", "\\1x", "\\12x",   "\\256",  "\\999",  "\\25",	    "a b",    " a",	 "a ",
		"a\t",	"a\n",	"a.\n",	   "\x7f",   "m\xc3\xbcnchen.example", "\\000.\\",	 "a.\\3",
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t out[DNAME_MAX];
		cr_assert_eq(dname_from_text(cases[i], out), BH_EMALFORMED, "'%s'", cases[i]);
	}
}

Test(dname, text_at_the_limits)
{
	for (unsigned dot = 0; dot < 2; dot++) {
		for (unsigned label = 1; label <= 70; label++) {
			char text[80];
			uint8_t out[DNAME_MAX];
			memset(text, 'a', label);
			strcpy(text + label, dot ? "." : "");
			int len = dname_from_text(text, out);
			cr_assert_eq(len, label <= 63 ? (int)label + 2 : BH_EMALFORMED, "%u: %d", label, len);
		}
		/* Escapes count as one octet each. */
		char text[64 * 4 + 2] = "";
		for (unsigned i = 0; i < 63; i++) {
			strcat(text, "\\200");
		}
		strcat(text, dot ? "." : "");
		uint8_t out[DNAME_MAX];
		cr_assert_eq(dname_from_text(text, out), 65);

		/* Every length around 255; three labels of 63 and one of the rest. */
		for (unsigned rest = 1; rest <= 63; rest++) {
			char long_text[300];
			uint8_t bounded[DNAME_MAX + 8];
			memset(bounded, 0xee, sizeof(bounded));
			memset(long_text, 'x', sizeof(long_text));
			long_text[63] = long_text[127] = long_text[191] = '.';
			strcpy(long_text + 192 + rest, dot ? "." : "");
			int len = dname_from_text(long_text, bounded);
			int want = 3 * 64 + (int)rest + 2;
			cr_assert_eq(len, want <= DNAME_MAX ? want : BH_EMALFORMED, "%u: %d", rest, len);
			cr_assert_eq(bounded[DNAME_MAX], 0xee);
		}
	}
	/* 127 labels fit, 128 do not. */
	char text[300] = "";
	uint8_t out[DNAME_MAX];
	for (unsigned i = 0; i < 127; i++) {
		strcat(text, "a.");
	}
	cr_assert_eq(dname_from_text(text, out), 255);
	strcat(text, "a");
	cr_assert_eq(dname_from_text(text, out), BH_EMALFORMED);
	strcat(text, ".");
	cr_assert_eq(dname_from_text(text, out), BH_EMALFORMED);
}

Test(dname, wire_to_text_escapes)
{
	static const struct {
		const char *hex;
		const char *text;
	} cases[] = {
		{ "00", "." },
		{ "0161 00", "a." },
		{ "03612e62 00", "a\\.b." },
		{ "085c22402428293b2e 00", "\\\\\\\"\\@\\$\\(\\)\\;\\.." },
		{ "0400207fff 00", "\\000\\032\\127\\255." },
		{ "0a 0d0a1b5b324a2d5f2a21 00", "\\013\\010\\027[2J-_*!." },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire w = wire_of(cases[i].hex);
		char text[DNAME_TEXT_MAX];
		cr_assert_str_eq(dname_text(w.bytes, text), cases[i].text);
	}
}

Test(dname, every_octet_survives_the_way_to_text_and_back)
{
	for (unsigned c = 0; c < 256; c++) {
		struct name n = name_of_len(DNAME_MAX, (uint8_t)c);
		char text[DNAME_TEXT_MAX];
		uint8_t back[DNAME_MAX];
		dname_text(n.wire, text);
		cr_assert_lt(strlen(text), (size_t)DNAME_TEXT_MAX);
		cr_assert_eq(dname_from_text(text, back), DNAME_MAX, "octet %u", c);
		cr_assert_arr_eq(back, n.wire, DNAME_MAX);
	}
}
