/*
 * Saved images: STATE-DIR/VIEW/ZONE.image, so that a start with unchanged zone files needs no compiler.
 *
 * A file is a head (what the image was made from, by which build, how large it is, a sum of the head) and the image.
 * The head is the only part that is looked at here: the image goes from memfd to file and from file to memfd inside
 * the kernel, so that no data of a zone is ever in this process. A file that is not of root, cut, too long, with a
 * damaged head, of another build, of another zone, or older than its sources is not used, and the zone is compiled.
 * Damage of the image itself is found where every image is verified, in the authorities; they refuse it, and a
 * reload that begins by itself compiles the zone (instance.c) and removes the file (saver.c).
 *
 * Written beside the old one and renamed. There is no fsync: for a large image it would hold up everything else
 * for seconds, and what it would save is a compilation. After a power cut there is the old file, the new one,
 * or one whose sums are wrong, here or in the authority.
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

struct event_base;
struct config;

/* Octets before the body of the head: magic, length of the body, sum of the body. */
#define SAVED_PREFIX 24
/* Body of the head: all sources at their longest, names, numbers. */
#define SAVED_BODY_MAX (1u << 20)
/* As in file systems. */
#define SAVED_NAME_MAX 255
/* Octets that one call of the kernel copies; what a call may take at most is near 2 GiB. */
#define SAVED_COPY_MAX (64u << 20)

struct saved_head {
	char build[IPC_BUILD_MAX];
	uint8_t zone[DNAME_MAX];
	struct ipc_compiled info;
	uint64_t made_sec; /* since 1970 */
	struct sources sources;
};

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
 * Octets [at, at + size) of `from` to where `to` stands, none of them through our memory. BH_ETRUNC: there are not so
 * many; BH_ESYS: errno says why. Part of it may have been written then.
 */
int saved_copy(int to, int from, uint64_t at, uint64_t size) BH_CHECKED;

/*
 * The current image of a zone: a sealed memfd, and its head. BH_ENOENT: there is
 * none. Any other error: why says in a few words why the file is not used. On success *fd and head->sources are
 * the caller's.
 */
int saved_load(const char *state_dir, const char *view, const char *zones_dir, const struct config_zone *zone,
	       uint32_t default_ttl, struct saved_head *head, int *fd, char *why, size_t why_size) BH_CHECKED;

struct saver;

/*
 * Write what is new in `set`, little by little from the event loop, and remove files of zones that no longer exist:
 * those of the configuration before (NULL: there was none) and of other runs, but of no view that neither names.
 * set and configurations may go away meanwhile. NULL: out of memory.
 */
struct saver *saver_start(struct event_base *base, const struct config *config, const struct config *before,
			  const struct zone_set *set);
/* Stop where it stands: a file that is not complete is removed. NULL is fine. */
void saver_free(struct saver *saver);

#endif
