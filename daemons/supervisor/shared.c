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

static const struct config_view *find_view(const struct config *config, const char *name)
{
	for (size_t i = 0; config != NULL && i < config->view_count; i++) {
		if (strcmp(config->views[i].name, name) == 0) {
			return &config->views[i];
		}
	}
	return NULL;
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

int shared_want(struct shared_set *set, const struct config *config, uint32_t *next_id)
{
	for (size_t i = 0; i < config->view_count; i++) {
		const struct config_view *view = &config->views[i];
		const struct shared *known = shared_find(set, view->name);
		struct shared *s = known == NULL ? add(set, view->name) : &set->items[known - set->items];
		if (s == NULL) {
			return BH_ENOMEM;
		}
		if (view->rate.mode != 0 && s->fd < 0) {
			s->fd = make_table();
			if (s->fd < 0) {
				return BH_ESYS;
			}
			s->id = (*next_id)++;
			rand_bytes(s->rate_key, sizeof(s->rate_key));
		}
	}
	return BH_OK;
}

void shared_settle(struct shared_set *set, const struct config *config)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++) {
		struct shared *s = &set->items[i];
		const struct config_view *view = find_view(config, s->view);
		if (s->fd >= 0 && (view == NULL || view->rate.mode == 0)) {
			close(s->fd); /* roles that had it let go of it, too: the next one has another id */
			s->fd = -1;
		}
		if (view != NULL) {
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
