/*
 * Reading secrets. Buffers that held one are overwritten before they are left.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key with its decoration has some hundred octets. */
#define FILE_MAX 4096

#define WORD_END " \t\r\n;\"'{}"

/* Comments of the programs that make such files: to the end of the line. keymgr repeats the key in one. */
static void blank_comments(char *text)
{
	for (char *p = text; *p != '\0'; p++) {
		/* "//" is base64, too: a comment only with a blank behind it. */
		if (*p == '#' || (p[0] == '/' && p[1] == '/' && p[2] == ' ')) {
			size_t len = strcspn(p, "\n");
			memset(p, ' ', len);
			p += len - 1;
		}
	}
}

/*
 * The word behind `name`, as in "secret "x";" and "secret: x": NULL when there is no such word. *len: its
 * octets.
 */
static char *find_value(char *text, const char *name, size_t *len)
{
	size_t name_len = strlen(name);
	for (char *p = text; (p = strstr(p, name)) != NULL; p += name_len) {
		bool begins = p == text || strchr(" \t\r\n;{", p[-1]) != NULL; /* not quoted, as a name may be */
		if (begins && p[name_len] != '\0' && strchr(" \t:\"", p[name_len]) != NULL) {
			p += name_len;
			p += strspn(p, " \t:\"'");
			*len = strcspn(p, WORD_END);
			return p;
		}
	}
	return NULL;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c == '\0' ? NULL : strchr(digits, c);
	return found == NULL ? -1 : (int)(found - digits);
}

/* RFC 4648 4, blanks between digits allowed. Returns the octets, or BH_EMALFORMED or BH_ENOSPC. */
static int base64_decode(const char *text, size_t len, uint8_t *out, size_t size)
{
	unsigned digits = 0;
	unsigned padding = 0;
	uint32_t bits = 0;
	size_t count = 0;
	for (size_t i = 0; i < len; i++) {
		if (isspace((unsigned char)text[i])) {
			continue;
		}
		padding += text[i] == '=';
		int digit = text[i] == '=' ? 0 : base64_digit(text[i]);
		if (digit < 0 || (padding > 0 && text[i] != '=') || padding > 2) {
			return BH_EMALFORMED;
		}
		bits = bits << 6 | (uint32_t)digit;
		if (++digits % 4 != 0) {
			continue;
		}
		for (unsigned k = 0; k < 3 - padding; k++) {
			if (count == size) {
				return BH_ENOSPC;
			}
			out[count++] = (uint8_t)(bits >> (16 - 8 * k));
		}
		if (padding > 0 && (bits & ((1u << (8 * padding)) - 1)) != 0) {
			return BH_EMALFORMED; /* RFC 4648 3.5: bits that stand for nothing are zero */
		}
		bits = 0;
	}
	return digits % 4 == 0 ? (int)count : BH_EMALFORMED;
}

/* A file that says for what it was made must have been made for this. */
static int check_algorithm(char *text, const struct tsig_key *key, char *why, size_t why_size)
{
	size_t len;
	enum tsig_algorithm algorithm;
	char name[64];
	const char *value = find_value(text, "algorithm", &len);
	if (value == NULL) {
		return BH_OK;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), value);
	if (tsig_algorithm_parse(name, &algorithm) != BH_OK || algorithm != key->algorithm) {
		snprintf(why, why_size, "it was made for another algorithm than %s",
			 tsig_algorithm_text((enum tsig_algorithm)key->algorithm));
		return BH_EMALFORMED;
	}
	return BH_OK;
}

int secret_parse(char *text, struct tsig_key *key, char *why, size_t why_size)
{
	size_t text_len = strlen(text);
	size_t len = 0;

	blank_comments(text);
	int rc = check_algorithm(text, key, why, why_size);
	const char *value = find_value(text, "secret", &len);
	if (value == NULL) { /* bare */
		value = text;
		len = text_len;
	}
	if (rc == BH_OK) {
		rc = base64_decode(value, len, key->secret, sizeof(key->secret));
		if (rc == BH_ENOSPC) {
			snprintf(why, why_size, "a secret has at most %d octets", TSIG_SECRET_MAX);
		} else if (rc < 0) {
			snprintf(why, why_size, "it is not base64, bare or behind the word secret");
		} else if (rc < SECRET_MIN) {
			snprintf(why, why_size, "a secret has at least %d octets, this has %d", SECRET_MIN, rc);
			rc = BH_EMALFORMED;
		}
	}
	explicit_bzero(text, text_len);
	if (rc < 0) {
		explicit_bzero(key->secret, sizeof(key->secret));
		return rc;
	}
	key->secret_len = (uint16_t)rc;
	return BH_OK;
}

/* Whole file to text, ended by '\0'. */
static int read_file(int fd, char text[FILE_MAX + 1], char *why, size_t why_size)
{
	size_t len = 0;
	ssize_t n;
	while ((n = read(fd, text + len, FILE_MAX - len)) != 0) {
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			snprintf(why, why_size, "%s", strerror(errno));
			return BH_ESYS;
		}
		len += (size_t)n;
		if (len == FILE_MAX) {
			break;
		}
	}
	text[len] = '\0';
	if (len == FILE_MAX || strlen(text) != len) {
		snprintf(why, why_size, "it is no file with a secret");
		return BH_EMALFORMED;
	}
	return BH_OK;
}

/* Text of a file that only those who may can read. */
static int read_checked(const char *path, char text[FILE_MAX + 1], char *why, size_t why_size)
{
	struct stat st;
	int rc;
	/* Not blocking: what is no file, as a pipe, is refused and not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(why, why_size, "%s", strerror(errno));
		rc = BH_ESYS;
	} else if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "it is no file");
		rc = BH_EMALFORMED;
	} else if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		snprintf(why, why_size, "others can %s it: make a new one, and chmod o-rw",
			 (st.st_mode & S_IROTH) != 0 ? "read" : "write");
		rc = BH_EPERM;
	} else {
		rc = read_file(fd, text, why, why_size);
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

int secret_read(const char *path, struct tsig_key *key, char *why, size_t why_size)
{
	char text[FILE_MAX + 1];
	int rc = read_checked(path, text, why, why_size);
	if (rc == BH_OK) {
		rc = secret_parse(text, key, why, why_size);
	}
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* Two digits of a word. -1: they are none. */
static int hex_octet(const char *text)
{
	int value = 0;
	for (unsigned i = 0; i < 2; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *found = strchr(digits, tolower((unsigned char)text[i]));
		if (text[i] == '\0' || found == NULL) {
			return -1;
		}
		value = value << 4 | (int)(found - digits);
	}
	return value;
}

static int parse_cookies(char *text, struct cookie_secrets *out)
{
	static const char blanks[] = " \t\r\n";
	const char *p = text;

	blank_comments(text);
	for (p += strspn(p, blanks); *p != '\0'; p += strspn(p, blanks)) {
		if (strcspn(p, blanks) != 2 * COOKIE_SECRET_SIZE || out->count == COOKIE_SECRETS_MAX) {
			return BH_EMALFORMED;
		}
		for (unsigned i = 0; i < COOKIE_SECRET_SIZE; i++, p += 2) {
			int octet = hex_octet(p);
			if (octet < 0) {
				return BH_EMALFORMED;
			}
			out->bytes[out->count][i] = (uint8_t)octet;
		}
		out->count++;
	}
	return out->count == 0 ? BH_EMALFORMED : BH_OK;
}

int secret_read_cookies(const char *path, struct cookie_secrets *out, char *why, size_t why_size)
{
	char text[FILE_MAX + 1];
	struct cookie_secrets found = { 0 };
	int rc = read_checked(path, text, why, why_size);
	if (rc == BH_OK) {
		rc = parse_cookies(text, &found);
		if (rc == BH_OK) {
			*out = found;
		} else {
			snprintf(why, why_size, "it does not hold one or two secrets of %d hexadecimal digits",
				 2 * COOKIE_SECRET_SIZE);
		}
	}
	explicit_bzero(&found, sizeof(found));
	explicit_bzero(text, sizeof(text));
	return rc;
}
