/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/daemons/monitor/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct ipc_page infos[WORLD_ROLES] = {
	[AUTH_0] = { .id = 1, .role = ROLE_AUTHORITY, .view = "external" },
	[AUTH_1] = { .id = 2, .role = ROLE_AUTHORITY, .index = 1, .view = "external" },
	[FRONT] = { .id = 3, .role = ROLE_FRONTEND },
	[RES] = { .id = 4, .role = ROLE_RESOLVER },
	[MON] = { .id = 5, .role = ROLE_MONITOR },
};

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct role_page pages[WORLD_ROLES];
	int fds[WORLD_ROLES];
	cr_assert_not_null(w);
	w->now = (struct model_now){ .ms = WORLD_MS, .sec = WORLD_SEC };
	for (unsigned i = 0; i < WORLD_ROLES; i++) {
		size_t size = stats_size((enum role)infos[i].role);
		fds[i] = memfd_create("page", MFD_CLOEXEC);
		cr_assert(fds[i] >= 0 && ftruncate(fds[i], (off_t)size) == 0);
		w->pages[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
		cr_assert_neq(w->pages[i], MAP_FAILED);
		w->pages[i]->beat_ms = WORLD_MS - 500;
		for (unsigned k = 0; k < STATS_PROBES && (k == 0 || i == FRONT); k++) {
			w->pages[i]->probes[k] = (struct stats_probe){ .ended_ms = WORLD_MS - 500, .parts = i <= AUTH_1 ? 2 : 1 };
		}
		pages[WORLD_ROLES - 1 - i] = (struct role_page){ infos[i], fds[i] }; /* in no order */
	}
	w->zones[0] = (struct ipc_watched){ .view = "external", .name = "\7example\3com", .counter = 3, .serial = 2026112101,
					    .records = 1234567, .size = 5000, .made_sec = WORLD_SEC - 3600 };
	w->zones[1] = (struct ipc_watched){ .view = "external", .name = "\6<\"\\&'>", .counter = 64 };
	struct role_conf conf = { .pages = pages, .page_count = WORLD_ROLES, .watched = w->zones, .watched_count = 2,
				  .options.monitor.zones = 1 };
	w->model = model_new(&conf, NULL);
	cr_assert_not_null(w->model);
	for (unsigned i = 0; i < WORLD_ROLES; i++) {
		close(fds[i]);
		struct ipc_role_facts facts = { .page = infos[i].id, .state = IPC_ROLE_RUNNING, .pid = 100 + i,
						.started_sec = WORLD_SEC - 90061, .generation = 7, .resident = 5 << 20,
						.cpu_ms = 1234, .walls = 8191, .syscalls = 29, .confined = 1 };
		model_role_facts(w->model, &facts, WORLD_MS - 900);
	}
	model_appliance_facts(w->model,
			      &(struct ipc_appliance_facts){ .state = IPC_APPLIANCE_RUNNING, .started_sec = WORLD_SEC - 90061,
							     .generation = 7, .pid = 99, .resident = 4 << 20, .cpu_ms = 2500,
							     .change_ok = 1, .change_sec = WORLD_SEC - 60 },
			      WORLD_MS - 900);
	return w;
}

void world_free(struct world *w)
{
	model_free(w->model, NULL);
	for (unsigned i = 0; i < WORLD_ROLES; i++) {
		munmap(w->pages[i], stats_size((enum role)infos[i].role));
	}
	free(w);
}

const char *world_text(struct text *t)
{
	static char text[1 << 20];
	cr_assert_not(t->failed);
	cr_assert_lt(t->len, sizeof(text));
	memcpy(text, t->bytes == NULL ? "" : t->bytes, t->len);
	text[t->len] = '\0';
	text_clear(t);
	return text;
}
