/*
 * States of anchor zones on disk. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/anchor_file.h"

#include "common/util/checksum.h"
#include "daemons/supervisor/saved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t magic[8] = { 'B', 'H', 'a', 'n', 'c', 'h', 'r', 1 };

static uint64_t sum_of(const uint8_t *body, size_t len)
{
	struct checksum sum;
	checksum_begin(&sum);
	checksum_add(&sum, body, len);
	return checksum_end(&sum);
}

void anchor_file_encode(struct sink *out, const struct ipc_anchor_state *state)
{
	uint8_t body[ANCHOR_FILE_MAX];
	struct sink s = sink_of(body, sizeof(body));
	ipc_anchor_state_encode(&s, state);
	out->failed = out->failed || s.failed;
	sink_bytes(out, magic, sizeof(magic));
	sink_u32(out, (uint32_t)s.pos);
	sink_u64(out, sum_of(body, s.pos));
	sink_bytes(out, body, s.pos);
}

int anchor_file_decode(const uint8_t *p, size_t len, struct ipc_anchor_state *state)
{
	struct cursor c = cursor_of(p, len);
	const uint8_t *head = cursor_bytes(&c, sizeof(magic));
	uint32_t body_len = cursor_u32(&c);
	uint64_t sum = cursor_u64(&c);
	const uint8_t *body = cursor_bytes(&c, body_len);
	if (head == NULL || body == NULL || !cursor_done(&c) || memcmp(head, magic, sizeof(magic)) != 0 ||
	    sum_of(body, body_len) != sum) {
		return BH_EMALFORMED;
	}
	return ipc_anchor_state_decode(body, body_len, state);
}

/* "example.state" from the name that a saved image would have. */
static bool name_of(const uint8_t *zone, char out[SAVED_NAME_MAX + 1])
{
	if (!saved_name(zone, out)) {
		return false;
	}
	char *end = strrchr(out, '.');
	snprintf(end, SAVED_NAME_MAX + 1 - (size_t)(end - out), ".state");
	return true;
}

static int fault(char *why, size_t why_size, const char *what)
{
	snprintf(why, why_size, "%s: %s", what, strerror(errno));
	return BH_ESYS;
}

/* A directory of ours that nobody else can write; -1 with errno. at: where its name is looked up. */
static int open_own_dir(int at, const char *name, mode_t mode, bool make)
{
	struct stat st;
	if (make && mkdirat(at, name, mode) != 0 && errno != EEXIST) {
		return -1;
	}
	int dir = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0 && (fstat(dir, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 022) != 0)) {
		close(dir);
		errno = EPERM;
		return -1;
	}
	return dir;
}

/* Descriptor of the directory of states, made when it is not there, as is that above it; -1 with errno. */
static int open_dir(const char *state_dir, bool make)
{
	int above = open_own_dir(AT_FDCWD, state_dir, 0755, make);
	if (above < 0) {
		return -1;
	}
	int dir = open_own_dir(above, "anchors", 0700, make);
	int saved = errno;
	close(above);
	errno = saved;
	return dir;
}

/* A writer that was left behind may still come back for one more system call (save_batch.c). */
static void lock_dir(int dir)
{
	while (flock(dir, LOCK_EX) != 0 && errno == EINTR) {
	}
}

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno != EINTR) {
			return false;
		}
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

int anchor_file_save(const char *state_dir, const struct ipc_anchor_state *state, char *why, size_t why_size)
{
	uint8_t bytes[ANCHOR_FILE_MAX];
	struct sink s = sink_of(bytes, sizeof(bytes));
	char name[SAVED_NAME_MAX + 1];
	char beside[SAVED_NAME_MAX + 8];
	anchor_file_encode(&s, state);
	if (s.failed || !name_of(state->zone, name)) {
		snprintf(why, why_size, "the state or the name of the zone is too long");
		return BH_ENOSPC;
	}
	snprintf(beside, sizeof(beside), "%s.new", name);
	int dir = open_dir(state_dir, true);
	if (dir < 0) {
		return fault(why, why_size, "anchors");
	}
	lock_dir(dir);
	int rc = BH_OK;
	int fd = openat(dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !write_all(fd, bytes, s.pos) || fsync(fd) != 0 || renameat(dir, beside, dir, name) != 0 ||
	    fsync(dir) != 0) {
		rc = fault(why, why_size, name);
	}
	if (fd >= 0) {
		close(fd);
	}
	close(dir);
	return rc;
}

/* All of a regular file of ours; octets, or an error. */
static int read_file(int fd, uint8_t out[ANCHOR_FILE_MAX], char *why, size_t why_size)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		return fault(why, why_size, "fstat");
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		snprintf(why, why_size, "it is no file of root that only root can write");
		return BH_EPERM;
	}
	if (st.st_size > ANCHOR_FILE_MAX) {
		snprintf(why, why_size, "it is too long");
		return BH_EMALFORMED;
	}
	size_t used = 0;
	while (used < ANCHOR_FILE_MAX) {
		ssize_t n = read(fd, out + used, ANCHOR_FILE_MAX - used);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return fault(why, why_size, "read");
		}
		if (n == 0) {
			break;
		}
		used += (size_t)n;
	}
	return (int)used;
}

int anchor_file_load(const char *state_dir, const uint8_t *zone, struct ipc_anchor_state *state, char *why,
		     size_t why_size)
{
	uint8_t bytes[ANCHOR_FILE_MAX];
	char name[SAVED_NAME_MAX + 1];
	int dir = name_of(zone, name) ? open_dir(state_dir, false) : -1;
	int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int rc = BH_OK;
	if (fd < 0) {
		rc = errno == ENOENT ? BH_ENOENT : fault(why, why_size, name);
	} else {
		rc = read_file(fd, bytes, why, why_size);
		close(fd);
	}
	if (dir >= 0) {
		close(dir);
	}
	if (rc < 0) {
		return rc;
	}
	if (anchor_file_decode(bytes, (size_t)rc, state) != BH_OK || !dname_equal(state->zone, zone)) {
		snprintf(why, why_size, "it is damaged");
		return BH_EMALFORMED;
	}
	return BH_OK;
}

/* Is it one that was written, in whole or in part? Whatever else lies here is not ours to remove. */
static bool is_state_name(const char *name)
{
	static const char end[] = ".state";
	static const char part[] = ".new";
	size_t len = strlen(name);
	if (len >= sizeof(part) && strcmp(name + len - (sizeof(part) - 1), part) == 0) {
		len -= sizeof(part) - 1;
	}
	return len >= sizeof(end) && memcmp(name + len - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

static bool is_wanted(const char *name, const struct ipc_anchor *anchors, size_t count)
{
	char own[SAVED_NAME_MAX + 1];
	for (size_t i = 0; i < count; i++) {
		if (name_of(anchors[i].zone, own) && strcmp(name, own) == 0) {
			return true;
		}
	}
	return false;
}

void anchor_file_keep(const char *state_dir, const struct ipc_anchor *anchors, size_t count, anchor_file_removed_fn *removed,
		      void *ctx)
{
	int fd = open_dir(state_dir, false);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return; /* nothing was saved, or what is there is not ours: saving tells why */
	}
	lock_dir(fd);
	const struct dirent *entry;
	for (unsigned looked = 0; looked < ANCHOR_FILES_LOOKED_AT && (entry = readdir(dir)) != NULL; looked++) {
		if (!is_state_name(entry->d_name) || is_wanted(entry->d_name, anchors, count)) {
			continue;
		}
		removed(ctx, entry->d_name, unlinkat(dirfd(dir), entry->d_name, 0) == 0 ? 0 : errno);
	}
	closedir(dir);
}
