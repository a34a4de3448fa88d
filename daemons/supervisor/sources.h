/*
 * What a zone image was made from: the files its compiler read, as they were, and the settings that matter.
 * A reload or a start compares; it never reads them.
 *
 * The list comes from a compiler, which may lie about its own view: then an image is kept that should not be, or
 * compiled in vain. Nothing but stat(2) is done with a path, and only below the zone directory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SOURCES_H
#define BULKHEAD_SUPERVISOR_SOURCES_H

#include "common/ipc/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many as the compiler reads for one zone (SCAN_FILES_MAX there). */
#define SOURCES_MAX 4096
/* All paths of one zone in a saved image: thousands of files with long names. */
#define SOURCES_OCTETS_MAX (512u * 1024)
/*
 * Time stamps are no finer than a tick of the kernel, on some file systems two seconds. A file that was changed so
 * shortly before it was read may have been changed again without a new time: it counts as changed next time, the
 * rule that version control systems have for the same reason.
 */
#define SOURCES_RACY_NS INT64_C(2000000000)

struct source {
	char *path;
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

struct sources {
	struct source *items; /* the first is the zone's main file */
	size_t count;
	size_t octets;	      /* of all paths */
	bool incomplete;      /* too many to remember: never current */
	int64_t read_ns;      /* they were read at this time or later */
	uint32_t default_ttl; /* setting that the text was read with */
};

/* One more. BH_ELIMIT: more files than any compiler reads; BH_ENOMEM. Too long paths make the list incomplete. */
int sources_add(struct sources *s, const struct ipc_source *source) BH_CHECKED;

/*
 * Would reading `file` and all that it includes below zones_dir give the same text? False when in doubt.
 */
bool sources_current(const struct sources *s, const char *zones_dir, const char *file, uint32_t default_ttl);

/* A copy of its own. BH_ENOMEM: *to is empty. */
int sources_copy(struct sources *to, const struct sources *from) BH_CHECKED;

/* Move: *to is cleared before, *from is empty after. */
void sources_move(struct sources *to, struct sources *from);
void sources_clear(struct sources *s);

/* For saved images. decode: 0 or BH_EMALFORMED or BH_ENOMEM, *s is to be cleared in any case. */
void sources_encode(struct sink *out, const struct sources *s);
int sources_decode(struct cursor *in, struct sources *s) BH_CHECKED;

#endif
