/*
 * Saved images: STATE-DIR/VIEW/ZONE.image, so that a start with unchanged zone files needs no compiler. It is the
 * newest generation of the zone's history (history.h); those before it are files of the same form.
 *
 * A file is a head (which generation this is and why it came, what the image was made from, by which build, how large
 * it is, a sum of the head) and the image. A generation that serves an earlier image again (a rollback) has none of
 * its own: its head says of which generation it is.
 * The head is the only part that is looked at here: the image goes from memfd to file and from file to memfd inside
 * the kernel, so that no data of a zone is ever in this process. A file that is not of root, cut, too long, with a
 * damaged head, of another build, of another zone, or older than its sources is not used, and the zone is compiled.
 * Damage of the image itself is found where every image is verified, in the authorities; they refuse it, and a
 * reload that begins by itself compiles the zone (instance.c) and removes the file (save_batch.c).
 *
 * Written beside the old one, forced to disk and renamed (save_batch.c), by a process of its own (saver.h): after a power
 * cut there is the old file or the new one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SAVED_H
#define BULKHEAD_SUPERVISOR_SAVED_H

#include "daemons/supervisor/sources.h"
#include "daemons/supervisor/zones.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets before the body of the head: magic, length of the body, sum of the body. */
#define SAVED_PREFIX 24
/* Body of the head: all sources at their longest, names, numbers. */
#define SAVED_BODY_MAX (1u << 20)
/* As in file systems. */
#define SAVED_NAME_MAX 255
/* No zone changes so often; one more must fit. */
#define SAVED_NUMBER_MAX UINT64_C(999999999999)
/* Octets that one call of the kernel copies; what a call may take at most is near 2 GiB. */
#define SAVED_COPY_MAX (64u << 20)

/* Nobody asked by name. */
#define SAVED_NOBODY UINT32_MAX

struct saved_head {
	char build[IPC_BUILD_MAX];
	uint32_t image_version; /* IMAGE_VERSION of that build */
	uint8_t zone[DNAME_MAX];
	uint64_t number;    /* of the generation, 1 and up, never given twice in a zone's history */
	struct zone_cause cause;
	uint64_t since_sec; /* it was saved first, since 1970 */
	uint64_t image_of;  /* a rollback: the generation that has the image; 0: this one has */
	uint32_t text_serial; /* of a rollback: what the zone's text made then */
	uint64_t text_size;
	uint64_t text_checksum;
	struct ipc_compiled info; /* of the image */
	uint64_t made_sec; /* since 1970 */
	struct sources sources;
};

/* Octets of image that stand behind this head. */
static inline uint64_t saved_image_size(const struct saved_head *head)
{
	return head->image_of == 0 ? head->info.size : 0;
}

void saved_head_encode(struct sink *out, const struct saved_head *head);
/* What stands before a body. */
void saved_prefix(uint8_t out[SAVED_PREFIX], const uint8_t *body, size_t len);
/* The body. 0, BH_EMALFORMED or BH_ENOMEM; sources are to be cleared in any case. */
int saved_head_decode(const uint8_t *p, size_t len, struct saved_head *head) BH_CHECKED;

/*
 * Name of a zone's file: letters folded, what is not a letter, digit, "-", "_" or a dot between labels as %XX, and
 * ".image"; "@" for the root. False: too long for a file system, such a zone is not saved.
 */
bool saved_name(const uint8_t *zone, char out[SAVED_NAME_MAX + 1]);
/* The zone of a file name; false when saved_name would never give it. */
bool saved_name_parse(const char *name, uint8_t zone[DNAME_MAX]);

/*
 * The head of an open file, which must be a regular one of root that nobody else can write. *image_at: where the image
 * begins; that it is as long as the head says is checked. Sources are the caller's on success. An error: why says in
 * a few words what is wrong.
 */
int saved_read(int fd, struct saved_head *head, uint64_t *image_at, char *why, size_t why_size) BH_CHECKED;

/* The image behind it into a sealed memfd of its own: the descriptor, or an error with why. */
int saved_copy_image(int fd, uint64_t at, const struct saved_head *head, char *why, size_t why_size) BH_CHECKED;

/*
 * Octets [at, at + size) of `from` to where `to` stands, none of them through our memory. BH_ETRUNC: there are not so
 * many; BH_ESYS: errno says why. Part of it may have been written then.
 */
int saved_copy(int to, int from, uint64_t at, uint64_t size) BH_CHECKED;

/* Which saved image will do. */
enum saved_age {
	SAVED_CURRENT, /* made from the files as they are now */
	SAVED_ANY,     /* or from what they were */
	SAVED_ROLLBACK, /* one that goes back to an earlier generation, whatever the files are */
};

/*
 * The image of a zone: a sealed memfd, and its head. BH_ENOENT: there is none. Any other error: why says in a few words
 * why the file is not used. On success *fd and head->sources are the caller's.
 */
int saved_load(const char *state_dir, const char *view, const char *zones_dir, const struct config_zone *zone,
	       uint32_t default_ttl, enum saved_age age, struct saved_head *head, int *fd, char *why,
	       size_t why_size) BH_CHECKED;

#endif
