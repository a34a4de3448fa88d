/*
 * Zone text files. In service the root directory is the zone directory, so the kernel itself keeps every
 * look-up inside; what is refused here is refused with a better reason, and also without that wall.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Consumed text is given back in steps of this many octets. */
#define RELEASE_STEP ((size_t)4 << 20)

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

const char *zone_file_path_fault(const char *path)
{
	if (path[0] == '\0') {
		return "is empty";
	}
	if (path[0] == '/') {
		return "is absolute; name it relative to the zone directory";
	}
	for (const char *p = path; *p != '\0';) {
		size_t len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			return "has '..' in it; only files below the zone directory can be read";
		}
		p += len;
		p += strspn(p, "/");
	}
	return NULL;
}

/* Is root_fd the root directory of this process? Then no look-up can leave it. */
static bool is_own_root(int root_fd)
{
	struct stat given;
	struct stat own;
	int fd = open("/", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	bool same = fstat(root_fd, &given) == 0 && fstat(fd, &own) == 0 && given.st_dev == own.st_dev &&
		    given.st_ino == own.st_ino;
	close(fd);
	return same;
}

/*
 * A file below root_fd. In service that is our root: a plain look-up cannot leave it, and the system-call
 * filter need not let openat2 pass, whose flags it cannot see. Elsewhere openat2 keeps us below.
 */
static int open_below(int root_fd, const char *path)
{
	if (!is_own_root(root_fd)) {
		struct open_how how = {
			.flags = OPEN_FLAGS,
			.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
		};
		int fd;
		do { /* EAGAIN: something was renamed on the way, and the kernel could not be sure */
			fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
		return fd;
	}
	int fd = openat(root_fd, path, OPEN_FLAGS);
	if (fd < 0 && errno == ENOENT) { /* a link whose end is outside finds nothing there: say so */
		fd = openat(root_fd, path, OPEN_FLAGS | O_NOFOLLOW);
		if (fd < 0 && errno == ELOOP) {
			errno = EXDEV;
		}
	}
	return fd;
}

static int fault(char *why, size_t why_size, const char *text)
{
	snprintf(why, why_size, "%s", text);
	return BH_EMALFORMED;
}

static int open_fault(char *why, size_t why_size)
{
	if (errno == EXDEV) {
		return fault(why, why_size, "is a link to a file that is not below the zone directory");
	}
	if (errno == ENXIO) {
		return fault(why, why_size, "is not a regular file"); /* a socket */
	}
	return fault(why, why_size, strerror(errno));
}

/* Read size octets and see that there are no more. */
static int read_all(int fd, char *text, size_t size, char *why, size_t why_size)
{
	size_t pos = 0;
	while (pos <= size) { /* there is room for one octet more than the size */
		ssize_t n = read(fd, text + pos, size + 1 - pos);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return fault(why, why_size, strerror(errno));
		}
		if (n == 0) {
			break;
		}
		pos += (size_t)n;
	}
	return pos == size ? BH_OK : fault(why, why_size, "was changed while it was read");
}

/* Editors of other systems end lines with CR LF, which the parser does not take. */
static size_t drop_cr(char *text, size_t len)
{
	char *from = memchr(text, '\r', len);
	if (from == NULL) {
		return len;
	}
	char *to = from;
	for (const char *end = text + len; from < end; from++) {
		if (*from != '\r' || from + 1 == end || from[1] != '\n') {
			*to++ = *from;
		}
	}
	return (size_t)(to - text);
}

static int64_t in_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static struct zone_file_id id_of(const struct stat *st)
{
	return (struct zone_file_id){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = in_ns(&st->st_mtim),
		.ctime_ns = in_ns(&st->st_ctim),
	};
}

static int read_regular(int fd, struct zone_file *out, char *why, size_t why_size)
{
	struct stat before;
	struct stat after;
	if (fstat(fd, &before) != 0) {
		return fault(why, why_size, strerror(errno));
	}
	if (!S_ISREG(before.st_mode)) {
		return fault(why, why_size, S_ISDIR(before.st_mode) ? "is a directory" : "is not a regular file");
	}
	if (before.st_size < 0 || (uint64_t)before.st_size > ZONE_FILE_MAX) {
		return fault(why, why_size, "is larger than 2 GiB");
	}

	size_t size = (size_t)before.st_size;
	void *text = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED) {
		snprintf(why, why_size, "out of memory");
		return BH_ENOMEM;
	}
	*out = (struct zone_file){ .text = text, .len = size, .mapped = size + 1, .id = id_of(&before) };
	int err = read_all(fd, text, size, why, why_size);
	if (err == BH_OK && fstat(fd, &after) != 0) {
		err = fault(why, why_size, strerror(errno));
	}
	if (err == BH_OK && (after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
			     after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)) {
		err = fault(why, why_size, "was changed while it was read");
	}
	if (err != BH_OK) {
		zone_file_clear(out);
		return err;
	}
	out->len = drop_cr(text, size);
	return BH_OK;
}

int zone_file_read(int root_fd, const char *path, struct zone_file *out, char *why, size_t why_size)
{
	const char *wrong = zone_file_path_fault(path);
	if (wrong != NULL) {
		return fault(why, why_size, wrong);
	}
	int fd = open_below(root_fd, path);
	if (fd < 0) {
		return open_fault(why, why_size);
	}
	int err = read_regular(fd, out, why, why_size);
	close(fd);
	return err;
}

void zone_file_release(struct zone_file *file, const char *upto)
{
	size_t len = (size_t)(upto - file->text) & ~(RELEASE_STEP - 1);
	if (len > file->released) {
		/* Only frees memory early: a failure changes nothing. */
		(void)madvise(file->text + file->released, len - file->released, MADV_DONTNEED);
		file->released = len;
	}
}

void zone_file_clear(struct zone_file *file)
{
	if (file->text != NULL) {
		munmap(file->text, file->mapped);
	}
	*file = (struct zone_file){ .text = NULL };
}
