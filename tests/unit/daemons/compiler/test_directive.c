/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/compiler/directive.h"

#include "common/util/count.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* Origin "o." everywhere. */
static const struct {
	const char *line;
	const char *name; /* ORIGIN and INCLUDE */
	const char *path; /* INCLUDE */
	uint32_t ttl;	  /* TTL */
} good[] = {
	{ "$ORIGIN a.", "a.", NULL, 0 },
	{ "$origin\ta.b", "a.b.o.", NULL, 0 },
	{ "$ORIGIN @", "o.", NULL, 0 },
	{ "$ORIGIN .", ".", NULL, 0 },
	{ "$ORIGIN a. ; comment", "a.", NULL, 0 },
	{ "$ORIGIN a.;comment", "a.", NULL, 0 },
	{ "$ORIGIN a\\.", "a\\..o.", NULL, 0 }, /* the dot is part of the label */
	{ "$ORIGIN a\\\\.", "a\\\\.", NULL, 0 },
	{ "$ORIGIN a\\;b.", "a\\;b.", NULL, 0 },
	{ "$ORIGIN a\\032b", "a\\032b.o.", NULL, 0 },
	{ "$TTL 0", NULL, NULL, 0 },
	{ "$TTL 3600", NULL, NULL, 3600 },
	{ "$ttl 1H30m5", NULL, NULL, 5405 },
	{ "$TTL 1w2d", NULL, NULL, 777600 },
	{ "$TTL 4294967295", NULL, NULL, UINT32_MAX },
	{ "$INCLUDE f", "o.", "f", 0 },
	{ "$INCLUDE f x.", "x.", "f", 0 },
	{ "$include \"a b;c\" x ; y", "x.o.", "a b;c", 0 },
	{ "$INCLUDE sub/f\t\tx\r", "x.o.", "sub/f", 0 },
};

Test(directive, reads)
{
	struct name origin = name_of("o.");
	for (size_t i = 0; i < COUNT(good); i++) {
		struct directive d = { .ttl = 0 };
		char why[128] = "";
		cr_assert_eq(directive_read(good[i].line, strlen(good[i].line), origin.wire, &d, why, sizeof(why)),
			     BH_OK, "%s: %s", good[i].line, why);
		enum directive_kind kind = good[i].path != NULL	  ? DIRECTIVE_INCLUDE
					   : good[i].name != NULL ? DIRECTIVE_ORIGIN
								  : DIRECTIVE_TTL;
		cr_assert_eq(d.kind, kind);
		cr_assert_eq(d.ttl, good[i].ttl, "%s: %u", good[i].line, d.ttl);
		if (good[i].name != NULL) {
			cr_assert(dname_equal(d.name, name_of(good[i].name).wire), "%s", good[i].line);
		}
		if (good[i].path != NULL) {
			cr_assert_str_eq(d.path, good[i].path);
		}
	}
}

static const struct {
	const char *line;
	const char *why;
} bad[] = {
	{ "$", "unknown directive '$'; $ORIGIN, $TTL and $INCLUDE are known" },
	{ "$GENERATE 1-2 a$ A 1.2.3.$", "unknown directive '$GENERATE'; $ORIGIN, $TTL and $INCLUDE are known" },
	{ "$ORIGINa.", "unknown directive '$ORIGINa.'; $ORIGIN, $TTL and $INCLUDE are known" },
	{ "$ORIGIN", "$ORIGIN without a value" },
	{ "$ORIGIN ; a.", "$ORIGIN without a value" },
	{ "$ORIGIN a..", "not a name: a.." },
	{ "$ORIGIN a\\", "not a name: a\\" },
	{ "$ORIGIN a\\999.", "not a name: a\\999." },
	{ "$ORIGIN a b", "$ORIGIN: too many words" },
	{ "$ORIGIN a. b.", "$ORIGIN: too many words" },
	{ "$ORIGIN \"a.", "a quote is not closed" },
	{ "$TTL", "$TTL without a value" },
	{ "$TTL x", "not a TTL: x" },
	{ "$TTL -1", "not a TTL: -1" },
	{ "$TTL 1x", "not a TTL: 1x" },
	{ "$TTL 1hh", "not a TTL: 1hh" },
	{ "$TTL 4294967296", "not a TTL: 4294967296" },
	{ "$TTL 4294967295s1", "not a TTL: 4294967295s1" },
	{ "$TTL 99999999999999999999999", "not a TTL: 99999999999999999999999" },
	{ "$TTL 1 2", "$TTL: too many words" },
	{ "$INCLUDE", "$INCLUDE without a file" },
	{ "$INCLUDE f a. b", "$INCLUDE: too many words" },
	{ "$INCLUDE f a..", "not a name: a.." },
};

Test(directive, refuses)
{
	struct name origin = name_of("o.");
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct directive d;
		char why[128] = "";
		cr_assert_eq(directive_read(bad[i].line, strlen(bad[i].line), origin.wire, &d, why, sizeof(why)),
			     BH_EMALFORMED, "%s", bad[i].line);
		cr_assert_str_eq(why, bad[i].why, "%s", why);
	}
	struct directive d;
	char why[128] = "";
	cr_assert_lt(directive_read("$ORIGIN a\0b.", 12, origin.wire, &d, why, sizeof(why)), 0);
}

Test(directive, refuses_what_is_too_long)
{
	struct name origin = name_of("o.");
	struct directive d;
	char why[128] = "";
	char line[DIRECTIVE_WORD_MAX * 2];
	memset(line, 'a', sizeof(line));
	memcpy(line, "$INCLUDE ", 9);
	cr_assert_lt(directive_read(line, sizeof(line), origin.wire, &d, why, sizeof(why)), 0);
	cr_assert_str_eq(why, "a word is too long, or no text");
	cr_assert_eq(directive_read(line, 9 + DIRECTIVE_WORD_MAX - 2, origin.wire, &d, why, sizeof(why)), BH_OK);

	/* 254 octets of name and 3 of origin less one root */
	size_t len = (size_t)sprintf(line, "$ORIGIN ");
	for (unsigned i = 0; i < 126; i++) {
		len += (size_t)sprintf(line + len, "a%s", i < 125 ? "." : "");
	}
	cr_assert_eq(directive_read(line, len, origin.wire, &d, why, sizeof(why)), BH_OK, "%s", why);
	cr_assert_eq(dname_len(d.name), 255u);
	len += (size_t)sprintf(line + len, ".a");
	cr_assert_lt(directive_read(line, len, origin.wire, &d, why, sizeof(why)), 0);
	cr_assert_eq(strncmp(why, "name is too long: ", 18), 0, "%s", why);
}

Test(directive, takes_every_cut)
{
	static const char line[] = "$INCLUDE \"a b\" \\120y\\.z.; c";
	struct name origin = name_of("o.");
	for (size_t cut = 0; cut < sizeof(line); cut++) {
		char *copy = malloc(cut + 1); /* the very end, for sanitizers */
		struct directive d;
		char why[128] = "";
		memcpy(copy, line, cut);
		int err = directive_read(copy, cut, origin.wire, &d, why, sizeof(why));
		cr_assert(err == BH_OK || why[0] != '\0', "cut at %zu", cut);
		free(copy);
	}
}
