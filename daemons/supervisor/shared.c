/*
 * Tables and keys by view. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/shared.h"

#include "common/util/rand.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Does the configuration have this view, or "" for a resolver? *limited: it limits rates. */
static bool is_wanted(const struct config *config, const char *name, bool *limited)
{
	*limited = false;
	if (config != NULL && name[0] == '\0') {
		return config->resolver.present;
	}
	for (size_t i = 0; config != NULL && i < config->view_count; i++) {
		if (strcmp(config->views[i].name, name) == 0) {
			*limited = config->views[i].rate.mode != 0;
			return true;
		}
	}
	return false;
}

const struct shared *shared_find(const struct shared_set *set, const char *view)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->items[i].view, view) == 0) {
			return &set->items[i];
		}
	}
	return NULL;
}

/* Sparse: only what is counted in takes memory. Its size is fixed, so no worker can take it from the others. */
static int make_table(void)
{
	int fd = memfd_create("response-rates", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && (ftruncate(fd, IPC_RATE_TABLE_SIZE) != 0 ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static struct shared *add(struct shared_set *set, const char *view)
{
	struct shared *items = reallocarray(set->items, set->count + 1, sizeof(*items));
	if (items == NULL) {
		return NULL;
	}
	set->items = items;
	struct shared *s = &items[set->count++];
	*s = (struct shared){ .fd = -1 };
	snprintf(s->view, sizeof(s->view), "%s", view);
	rand_bytes(s->cookie_secret, sizeof(s->cookie_secret));
	return s;
}

static int want(struct shared_set *set, const char *name, bool limited, uint32_t *next_id)
{
	const struct shared *known = shared_find(set, name);
	struct shared *s = known == NULL ? add(set, name) : &set->items[known - set->items];
	if (s == NULL) {
		return BH_ENOMEM;
	}
	if (limited && s->fd < 0) {
		s->fd = make_table();
		if (s->fd < 0) {
			return BH_ESYS;
		}
		s->id = (*next_id)++;
		rand_bytes(s->rate_key, sizeof(s->rate_key));
	}
	return BH_OK;
}

int shared_want(struct shared_set *set, const struct config *config, uint32_t *next_id)
{
	int rc = config->resolver.present ? want(set, "", false, next_id) : BH_OK;
	for (size_t i = 0; i < config->view_count && rc == BH_OK; i++) {
		rc = want(set, config->views[i].name, config->views[i].rate.mode != 0, next_id);
	}
	return rc;
}

void shared_settle(struct shared_set *set, const struct config *config)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++) {
		struct shared *s = &set->items[i];
		bool limited;
		bool wanted = is_wanted(config, s->view, &limited);
		if (s->fd >= 0 && !limited) {
			close(s->fd); /* roles that had it let go of it, too: the next one has another id */
			s->fd = -1;
		}
		if (wanted) {
			set->items[kept++] = *s;
		}
	}
	if (kept < set->count) {
		explicit_bzero(&set->items[kept], (set->count - kept) * sizeof(*set->items));
	}
	set->count = kept;
	if (kept == 0) {
		free(set->items);
		set->items = NULL;
	}
}
