/*
 * Files with secrets: every form they come in, and what is refused without telling what they hold.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/supervisor/secret.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "0123456789abcdef0123456789abcdef", 32 octets. */
#define GOOD "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define GOOD_LEN 32

static const struct {
	const char *text;
	int rc;
	unsigned len;
	const char *why; /* a part of what is said */
} cases[] = {
	{ GOOD, BH_OK, GOOD_LEN, NULL },
	{ GOOD "\n", BH_OK, GOOD_LEN, NULL },
	{ "  MDEyMzQ1Njc4OWFiY2Rl\n  ZjAxMjM0NTY3ODlhYmNkZWY=\n", BH_OK, GOOD_LEN, NULL },
	{ "# made on Monday\n" GOOD, BH_OK, GOOD_LEN, NULL },
	{ "MDEyMzQ1Njc4OWFiY2RlZg==", BH_OK, 16, NULL },
	{ "////////////////////////", BH_OK, 18, NULL }, /* no comment */
	{ "// made on Monday\n" GOOD " // at noon", BH_OK, GOOD_LEN, NULL },
	{ "key \"partner\" {\n\talgorithm hmac-sha256;\n\tsecret \"" GOOD "\";\n};\n", BH_OK, GOOD_LEN, NULL },
	{ "key partner { algorithm \"HMAC-SHA256\"; secret " GOOD "; };", BH_OK, GOOD_LEN, NULL },
	{ "# hmac-sha256:partner:" GOOD "\nkey:\n- id: partner\n  algorithm: hmac-sha256\n  secret: " GOOD "\n", BH_OK,
	  GOOD_LEN, NULL },
	{ "key \"secret\" { algorithm hmac-sha256; secret \"" GOOD "\"; };", BH_OK, GOOD_LEN, NULL },
	{ "key \"my-secret\" { algorithm hmac-sha256; secret \"" GOOD "\"; };", BH_OK, GOOD_LEN, NULL },
	{ "key \"partner\" {\n\talgorithm hmac-sha512;\n\tsecret \"" GOOD "\";\n};\n", BH_EMALFORMED, 0,
	  "another algorithm than hmac-sha256" },
	{ "key \"partner\" {\n\talgorithm hmac-md5;\n\tsecret \"" GOOD "\";\n};\n", BH_EMALFORMED, 0,
	  "another algorithm" },
	{ "", BH_EMALFORMED, 0, "at least 16 octets, this has 0" },
	{ "MDEyMzQ1Njc4OWFiY2Rl", BH_EMALFORMED, 0, "at least 16 octets, this has 15" },
	{ "MDEyMzQ1Njc4OWFiY2RlZg=", BH_EMALFORMED, 0, "base64" },
	{ "MDEyMzQ1Njc4OWFiY2RlZg", BH_EMALFORMED, 0, "base64" },
	{ "MDEyMzQ1Njc4OWFiY2RlZ===", BH_EMALFORMED, 0, "base64" },
	{ "MDEyMzQ1Njc4OWFiY2RlZh==", BH_EMALFORMED, 0, "base64" }, /* stray bits */
	{ "MDEyMzQ1Njc4OWFiY2RlZg==MDEy", BH_EMALFORMED, 0, "base64" },
	{ "MDEyMzQ1Njc4OWFiY2RlZg==?", BH_EMALFORMED, 0, "base64" },
	{ "correct horse battery staple!!!!", BH_EMALFORMED, 0, "base64" },
};

static struct tsig_key make_key(void)
{
	return (struct tsig_key){ .algorithm = TSIG_HMAC_SHA256 };
}

Test(secret, texts)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		char why[256] = "";
		struct tsig_key key = make_key();
		int len = snprintf(text, sizeof(text), "%s", cases[i].text);
		int rc = secret_parse(text, &key, why, sizeof(why));
		cr_assert_eq(rc, cases[i].rc, "%s: %d %s", cases[i].text, rc, why);
		for (int k = 0; k < len; k++) {
			cr_assert_eq(text[k], 0, "%s: the text is still there", cases[i].text);
		}
		if (rc != BH_OK) {
			cr_assert_not_null(strstr(why, cases[i].why), "%s: %s", cases[i].text, why);
			cr_assert_null(strstr(why, "MDEy"), "%s", why);
			cr_assert_eq(memcmp(key.secret, (uint8_t[TSIG_SECRET_MAX]){ 0 }, TSIG_SECRET_MAX), 0);
			continue;
		}
		cr_assert_eq(key.secret_len, cases[i].len, "%s: %u", cases[i].text, key.secret_len);
		cr_assert(text[0] == '/' || cases[i].len == 18 ||
				  memcmp(key.secret, "0123456789abcdef0123456789abcdef", key.secret_len) == 0,
			  "%s", cases[i].text);
	}
}

Test(secret, longest)
{
	/* 4 digits for 3 octets: 126 octets, and 2 or 3 more. */
	for (unsigned extra = 0; extra < 2; extra++) {
		char text[256] = "";
		char why[256] = "";
		struct tsig_key key = make_key();
		for (unsigned i = 0; i < 42; i++) {
			strcat(text, "QUJD");
		}
		strcat(text, extra == 0 ? "QUI=" : "QUJD");
		int rc = secret_parse(text, &key, why, sizeof(why));
		cr_assert_eq(rc, extra == 0 ? BH_OK : BH_ENOSPC);
		cr_assert(extra == 0 ? key.secret_len == 128 : strstr(why, "at most 128 octets") != NULL, "%s", why);
	}
}

Test(secret, files)
{
	static const struct {
		mode_t mode;
		const char *why; /* NULL: taken */
	} modes[] = { { 0600, NULL },		 { 0640, NULL },	   { 0660, NULL },
		      { 0604, "others can read" }, { 0602, "others can write" }, { 0666, "others can read" } };
	char path[] = "/tmp/bulkhead-secret-XXXXXX";
	char why[512];
	struct tsig_key key = make_key();
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, GOOD, strlen(GOOD)), (ssize_t)strlen(GOOD));
	for (size_t i = 0; i < COUNT(modes); i++) {
		cr_assert_eq(fchmod(fd, modes[i].mode), 0);
		int rc = secret_read(path, &key, why, sizeof(why));
		cr_assert_eq(rc, modes[i].why == NULL ? BH_OK : BH_EPERM, "%o", modes[i].mode);
		cr_assert(modes[i].why == NULL || strstr(why, modes[i].why) != NULL, "%o: %s", modes[i].mode, why);
	}
	cr_assert_eq(fchmod(fd, 0600), 0);
	cr_assert_eq(write(fd, "", 1), 1); /* a NUL */
	cr_assert_eq(secret_read(path, &key, why, sizeof(why)), BH_EMALFORMED);
	static char much[8192];
	memset(much, ' ', sizeof(much));
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	cr_assert_eq(write(fd, much, sizeof(much)), (ssize_t)sizeof(much));
	cr_assert_eq(secret_read(path, &key, why, sizeof(why)), BH_EMALFORMED);
	close(fd);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(secret_read(path, &key, why, sizeof(why)), BH_ESYS);
	cr_assert_str_eq(why, "No such file or directory");
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(secret_read(path, &key, why, sizeof(why)), BH_EMALFORMED, "and does not wait");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(secret_read("/tmp", &key, why, sizeof(why)), BH_EMALFORMED);
}

Test(secret, cookies)
{
#define ONE "000102030405060708090a0b0c0d0e0f"
	static const struct {
		const char *text;
		unsigned count; /* 0: refused */
	} table[] = {
		{ ONE, 1 },
		{ "\n" ONE "\n", 1 },
		{ ONE "\r\n" ONE "\r\n", 2 },
		{ "# old\n" ONE " # signs\n" ONE, 2 },
		{ ONE ONE, 0 },
		{ ONE " " ONE " " ONE, 0 },
		{ "", 0 },
		{ "# none", 0 },
		{ "00010203", 0 },
		{ "000102030405060708090a0b0c0d0e0", 0 },
		{ "000102030405060708090a0b0c0d0e0g", 0 },
		{ "0x0102030405060708090a0b0c0d0e0f", 0 },
		{ ONE " 00", 0 },
	};
	char path[] = "/tmp/bulkhead-secret-XXXXXX";
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	for (size_t i = 0; i < COUNT(table); i++) {
		struct cookie_secrets got = { 0 };
		char why[256] = "";
		size_t len = strlen(table[i].text);
		cr_assert_eq(ftruncate(fd, 0), 0);
		cr_assert_eq(pwrite(fd, table[i].text, len, 0), (ssize_t)len);
		int rc = secret_read_cookies(path, &got, why, sizeof(why));
		cr_expect_eq(rc, table[i].count > 0 ? BH_OK : BH_EMALFORMED, "case %zu: %s", i, why);
		cr_expect_eq(got.count, table[i].count, "case %zu", i);
		cr_expect(table[i].count == 0 || got.bytes[got.count - 1][15] == 15);
		cr_expect_null(strstr(why, "0102"), "%s", why); /* never what is in it */
	}
	cr_assert_eq(fchmod(fd, 0604), 0);
	struct cookie_secrets got = { 0 };
	char why[256] = "";
	cr_expect_eq(secret_read_cookies(path, &got, why, sizeof(why)), BH_EPERM);
	close(fd);
	remove(path);
}
