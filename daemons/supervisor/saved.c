/*
 * Saved images: names, heads, loading. Trusts nothing in a head but what it has compared, and never sees an image:
 * the kernel copies it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/saved.h"

#include "common/ipc/link.h"
#include "common/util/checksum.h"
#include "common/zone/image.h" /* for IMAGE_VERSION alone */
#include "daemons/supervisor/history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".image"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)

static const uint8_t magic[8] = { 'B', 'H', 'S', 'A', 'V', 'E', 'D', '3' };


/* --- names ------------------------------------------------------------------------------------------ */

static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool saved_name(const uint8_t *zone, char out[SAVED_NAME_MAX + 1])
{
	static const char hex[] = "0123456789ABCDEF";
	char text[3 * DNAME_MAX + SUFFIX_LEN + 1];
	size_t len = 0;

	if (dname_is_root(zone)) {
		text[len++] = '@';
	}
	for (const uint8_t *label = zone; label[0] != 0; label += label[0] + 1) {
		if (label != zone) {
			text[len++] = '.';
		}
		for (unsigned i = 1; i <= label[0]; i++) {
			uint8_t c = dname_fold(label[i]);
			if (is_plain(c)) {
				text[len++] = (char)c;
			} else {
				text[len++] = '%';
				text[len++] = hex[c >> 4];
				text[len++] = hex[c & 15];
			}
		}
	}
	memcpy(text + len, SUFFIX, SUFFIX_LEN + 1);
	if (len + SUFFIX_LEN > SAVED_NAME_MAX) {
		return false;
	}
	memcpy(out, text, len + SUFFIX_LEN + 1);
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Labels of text[0..len) in wire form. What is no name is found by dname_check afterwards. */
static bool read_labels(const char *text, size_t len, uint8_t zone[DNAME_MAX], size_t *zone_len)
{
	size_t label = 0; /* where its length octet stands */
	size_t pos = 1;
	for (size_t i = 0; i < len; i++) {
		int octet = (uint8_t)text[i];
		if (pos >= DNAME_MAX - 1) {
			return false;
		}
		if (octet == '.') {
			if (pos - label - 1 == 0 || pos - label - 1 > LABEL_MAX) {
				return false;
			}
			zone[label] = (uint8_t)(pos - label - 1);
			label = pos++;
			continue;
		}
		if (octet == '%') {
			if (len - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) {
				return false;
			}
			octet = hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]);
			i += 2;
		}
		zone[pos++] = (uint8_t)octet;
	}
	if (pos - label - 1 == 0 || pos - label - 1 > LABEL_MAX) {
		return false;
	}
	zone[label] = (uint8_t)(pos - label - 1);
	zone[pos++] = 0;
	*zone_len = pos;
	return true;
}

bool saved_name_parse(const char *name, uint8_t zone[DNAME_MAX])
{
	char again[SAVED_NAME_MAX + 1];
	size_t len = strlen(name);
	size_t zone_len = 1;

	if (len <= SUFFIX_LEN || len > SAVED_NAME_MAX || strcmp(name + len - SUFFIX_LEN, SUFFIX) != 0) {
		return false;
	}
	len -= SUFFIX_LEN;
	if (len == 1 && name[0] == '@') {
		zone[0] = 0;
	} else if (!read_labels(name, len, zone, &zone_len) || dname_check(zone, zone_len) < 0) {
		return false;
	}
	return saved_name(zone, again) && strcmp(again, name) == 0;
}

/* --- heads ------------------------------------------------------------------------------------------ */

void saved_head_encode(struct sink *out, const struct saved_head *head)
{
	sink_string(out, head->build);
	sink_u32(out, head->image_version);
	sink_bytes(out, head->zone, dname_len(head->zone));
	sink_u64(out, head->number);
	sink_u8(out, head->cause.kind);
	sink_u32(out, head->cause.uid);
	sink_u64(out, head->since_sec);
	sink_u64(out, head->image_of);
	sink_u32(out, head->text_serial);
	sink_u64(out, head->text_size);
	sink_u64(out, head->text_checksum);
	sink_u32(out, head->info.warnings);
	sink_u32(out, head->info.serial);
	sink_u32(out, head->info.records);
	sink_u64(out, head->info.size);
	sink_u64(out, head->info.checksum);
	sink_u64(out, head->made_sec);
	sources_encode(out, &head->sources);
}

int saved_head_decode(const uint8_t *p, size_t len, struct saved_head *head)
{
	struct cursor c = cursor_of(p, len);
	*head = (struct saved_head){ .info = { .ok = 1 } };
	cursor_string(&c, head->build, sizeof(head->build));
	head->image_version = cursor_u32(&c);
	int name_len = c.failed ? BH_ETRUNC : dname_check(c.base + c.pos, c.len - c.pos);
	const uint8_t *name = name_len < 0 ? NULL : cursor_bytes(&c, (size_t)name_len);
	if (name == NULL) {
		return BH_EMALFORMED;
	}
	memcpy(head->zone, name, (size_t)name_len);
	head->number = cursor_u64(&c);
	head->cause.kind = cursor_u8(&c);
	head->cause.uid = cursor_u32(&c);
	head->since_sec = cursor_u64(&c);
	head->image_of = cursor_u64(&c);
	head->text_serial = cursor_u32(&c);
	head->text_size = cursor_u64(&c);
	head->text_checksum = cursor_u64(&c);
	if (head->number == 0 || head->number > SAVED_NUMBER_MAX || head->image_of >= head->number ||
	    head->cause.kind < ZONE_CAUSE_START || head->cause.kind > ZONE_CAUSE_LAST) {
		return BH_EMALFORMED;
	}
	head->info.warnings = cursor_u32(&c);
	head->info.serial = cursor_u32(&c);
	head->info.records = cursor_u32(&c);
	head->info.size = cursor_u64(&c);
	head->info.checksum = cursor_u64(&c);
	head->made_sec = cursor_u64(&c);
	int rc = sources_decode(&c, &head->sources);
	return rc == BH_OK && !cursor_done(&c) ? BH_EMALFORMED : rc;
}

void saved_prefix(uint8_t out[SAVED_PREFIX], const uint8_t *body, size_t len)
{
	struct checksum sum;
	struct sink s = sink_of(out, SAVED_PREFIX);
	checksum_begin(&sum);
	checksum_add(&sum, body, len);
	sink_bytes(&s, magic, sizeof(magic));
	sink_u64(&s, len);
	sink_u64(&s, checksum_end(&sum));
}

/* --- loading ---------------------------------------------------------------------------------------- */

static int refuse(char *why, size_t why_size, const char *text)
{
	snprintf(why, why_size, "%s", text);
	return BH_EMALFORMED;
}

/* Up to size octets at this offset; returns how many there were, or -1. */
static ssize_t read_at(int fd, uint8_t *out, size_t size, uint64_t offset)
{
	size_t pos = 0;
	while (pos < size) {
		ssize_t n = pread(fd, out + pos, size - pos, (off_t)(offset + pos));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -1 : (ssize_t)pos;
		}
		pos += (size_t)n;
	}
	return (ssize_t)pos;
}

int saved_copy(int to, int from, uint64_t at, uint64_t size)
{
	off_t pos = (off_t)at;
	for (uint64_t left = size; left > 0;) {
		size_t want = left < SAVED_COPY_MAX ? (size_t)left : SAVED_COPY_MAX;
		ssize_t n = sendfile(to, from, &pos, want);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? BH_ESYS : BH_ETRUNC;
		}
		left -= (uint64_t)n;
	}
	return BH_OK;
}

static int read_head(int fd, uint64_t file_size, struct saved_head *head, uint64_t *image_at, char *why,
		     size_t why_size)
{
	uint8_t prefix[SAVED_PREFIX];
	uint8_t expected[SAVED_PREFIX];

	if (file_size < SAVED_PREFIX || read_at(fd, prefix, sizeof(prefix), 0) != SAVED_PREFIX ||
	    memcmp(prefix, magic, sizeof(magic)) != 0) {
		return refuse(why, why_size, "is not a saved image, or is not complete");
	}
	struct cursor c = cursor_of(prefix + sizeof(magic), SAVED_PREFIX - sizeof(magic));
	uint64_t len = cursor_u64(&c);
	if (len > SAVED_BODY_MAX || len > file_size - SAVED_PREFIX) {
		return refuse(why, why_size, "is cut");
	}
	uint8_t *body = malloc(len + 1);
	if (body == NULL) {
		snprintf(why, why_size, "out of memory");
		return BH_ENOMEM;
	}
	int rc = BH_OK;
	if (read_at(fd, body, len, SAVED_PREFIX) != (ssize_t)len) {
		rc = refuse(why, why_size, "cannot be read");
	}
	if (rc == BH_OK) {
		saved_prefix(expected, body, len);
		if (memcmp(prefix, expected, SAVED_PREFIX) != 0) {
			rc = refuse(why, why_size, "is damaged: sum of its head");
		}
	}
	if (rc == BH_OK && saved_head_decode(body, len, head) != BH_OK) {
		rc = refuse(why, why_size, "has a malformed head");
	}
	free(body);
	*image_at = SAVED_PREFIX + len;
	return rc;
}

int saved_read(int fd, struct saved_head *head, uint64_t *image_at, char *why, size_t why_size)
{
	struct stat st;
	*head = (struct saved_head){ .made_sec = 0 };
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0) {
		return refuse(why, why_size, "is not a file that only root can write");
	}
	int rc = read_head(fd, (uint64_t)st.st_size, head, image_at, why, why_size);
	if (rc == BH_OK && (head->info.size == 0 || saved_image_size(head) != (uint64_t)st.st_size - *image_at)) {
		rc = refuse(why, why_size, "is cut, or too long");
	}
	if (rc != BH_OK) {
		sources_clear(&head->sources);
	}
	return rc;
}

/* Does the head describe what a compiler would make now? NULL, or why not. */
static const char *head_fault(const struct saved_head *head, const char *zones_dir, const struct config_zone *zone,
			      uint32_t default_ttl, enum saved_age age)
{
	if (head->image_version != IMAGE_VERSION) {
		return "is of another image version, made by another release";
	}
	/* Another build may make more of the same text. But it does not end a rollback, and is better than nothing. */
	if (age == SAVED_CURRENT && head->image_of == 0 && strcmp(head->build, ipc_build_id()) != 0) {
		return "is of another version";
	}
	size_t len = dname_len(zone->name);
	if (dname_len(head->zone) != len || memcmp(head->zone, zone->name, len) != 0) { /* case is part of it */
		return "is of another zone";
	}
	if (age == SAVED_ROLLBACK && head->image_of == 0) {
		return "is no rollback";
	}
	if (age == SAVED_CURRENT && !sources_current(&head->sources, zones_dir, zone->file, default_ttl)) {
		return "is older than the zone's files";
	}
	return NULL;
}

int saved_copy_image(int fd, uint64_t at, const struct saved_head *head, char *why, size_t why_size)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int memfd = memfd_create("zone-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc = memfd < 0 ? BH_ESYS : saved_copy(memfd, fd, at, head->info.size);
	if (rc == BH_OK && fcntl(memfd, F_ADD_SEALS, seals) != 0) {
		rc = BH_ESYS;
	}
	if (rc == BH_OK) {
		return memfd;
	}
	snprintf(why, why_size, "cannot be loaded: %s", rc == BH_ETRUNC ? "it shrinks" : strerror(errno));
	if (memfd >= 0) {
		close(memfd);
	}
	return rc;
}

/* An image that stands in an earlier generation. */
static int load_earlier(const char *state_dir, const char *view, const struct saved_head *head, int *memfd, char *why,
			size_t why_size)
{
	struct saved_head of;
	char fault[96];
	int rc = history_open(state_dir, view, head->zone, head->image_of, &of, memfd, fault, sizeof(fault));
	if (rc != BH_OK) {
		snprintf(why, why_size, "serves generation %llu again, which %s", (unsigned long long)head->image_of, fault);
		return BH_EMALFORMED;
	}
	sources_clear(&of.sources);
	if (of.info.size != head->info.size || of.info.checksum != head->info.checksum) {
		close(*memfd);
		snprintf(why, why_size, "serves generation %llu again, which has another image now",
			 (unsigned long long)head->image_of);
		return BH_EMALFORMED;
	}
	return BH_OK;
}

int saved_load(const char *state_dir, const char *view, const char *zones_dir, const struct config_zone *zone,
	       uint32_t default_ttl, enum saved_age age, struct saved_head *head, int *memfd, char *why,
	       size_t why_size)
{
	char name[SAVED_NAME_MAX + 1];
	char path[PATH_MAX];

	*head = (struct saved_head){ .made_sec = 0 };
	if (!saved_name(zone->name, name) ||
	    snprintf(path, sizeof(path), "%s/%s/%s", state_dir, view, name) >= (int)sizeof(path)) {
		return BH_ENOENT;
	}
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		return BH_ENOENT;
	}
	if (fd < 0) {
		snprintf(why, why_size, "cannot be opened: %s", strerror(errno));
		return BH_ESYS;
	}
	uint64_t at = 0;
	int rc = saved_read(fd, head, &at, why, why_size);
	if (rc == BH_OK) {
		const char *fault = head_fault(head, zones_dir, zone, default_ttl, age);
		rc = fault != NULL ? refuse(why, why_size, fault) : BH_OK;
		if (rc == BH_OK && head->image_of != 0) {
			rc = load_earlier(state_dir, view, head, memfd, why, why_size);
		} else if (rc == BH_OK && (rc = saved_copy_image(fd, at, head, why, why_size)) >= 0) {
			*memfd = rc;
			rc = BH_OK;
		}
		if (rc != BH_OK) {
			sources_clear(&head->sources);
		}
	}
	close(fd);
	return rc;
}
