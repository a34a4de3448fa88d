/*
 * Reading text files below one directory and nowhere else.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_COMPILER_ZONE_FILE_H
#define BULKHEAD_DAEMONS_COMPILER_ZONE_FILE_H

#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

/* Largest text file: its lines and columns are counted in 32 bits, and memory has an end. */
#define ZONE_FILE_MAX ((size_t)1 << 31)

/* By what a later look at the file tells whether it is still the same. Times in ns since 1970. */
struct zone_file_id {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

/* Told of every file that was read for a zone, with its path below the zone directory. */
typedef void zone_source_fn(void *ctx, const char *path, const struct zone_file_id *id);

/* The whole text of one file, in memory of its own: nobody can change it while it is parsed. */
struct zone_file {
	char *text;
	size_t len;
	size_t mapped;	 /* octets of the mapping */
	size_t released; /* octets at its start that were given back */
	struct zone_file_id id; /* of the open descriptor, before the first octet was read */
};

/*
 * Is a path fit to be looked up below a directory: relative, not empty, no ".." in it? Returns NULL, or
 * what is wrong with it.
 */
const char *zone_file_path_fault(const char *path);

/*
 * Read a regular file below the directory root_fd. Symbolic links are followed as long as they stay
 * below it. FIFOs, devices and the like are neither waited for nor read. CR before LF is dropped. On failure
 * an error with the reason in why; BH_ENOMEM when memory is short.
 */
int zone_file_read(int root_fd, const char *path, struct zone_file *out, char *why, size_t why_size) BH_CHECKED;

/* Give the pages before `upto` back: they will not be looked at again. */
void zone_file_release(struct zone_file *file, const char *upto);

void zone_file_clear(struct zone_file *file);

#endif
