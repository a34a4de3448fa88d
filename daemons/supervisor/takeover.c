/*
 * Taking over from the program before. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/takeover.h"

#include <config.h> /* of the build, not our own */

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "common/zone/image.h"
#include "daemons/supervisor/control.h"
#include "daemons/supervisor/counters.h"
#include "daemons/supervisor/elder.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/tracking.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A change that failed is tried again after so long; twice as long each time, up to the second number. */
#define RETRY_FIRST_SEC 5
#define RETRY_MAX_SEC 300

/* --- the record -------------------------------------------------------------------------------------- */

int takeover_read(int fd, struct state *s, char *why, size_t why_size)
{
	const int wanted = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	struct stat st;
	memset(s, 0, sizeof(*s));
	if (fstat(fd, &st) != 0 || st.st_uid != 0 || (fcntl(fd, F_GET_SEALS) & wanted) != wanted) {
		snprintf(why, why_size, "descriptor %d is no sealed record", fd);
		return BH_EPERM;
	}
	if (st.st_size <= 0 || st.st_size > (off_t)STATE_OCTETS_MAX) {
		snprintf(why, why_size, "the record of the state has an impossible size");
		return BH_EMALFORMED;
	}
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		snprintf(why, why_size, "the record of the state cannot be read: %s", strerror(errno));
		return BH_ESYS;
	}
	int rc = state_decode(map, (size_t)st.st_size, s);
	munmap(map, (size_t)st.st_size);
	if (rc == BH_EVERSION) {
		snprintf(why, why_size, "the record of the state is not of format %d, a restart is needed", STATE_VERSION);
	} else if (rc != BH_OK) {
		snprintf(why, why_size, "the record of the state: %s", bh_strerror(rc));
	}
	return rc;
}

static void close_between(unsigned first, unsigned last)
{
	if (first <= last && syscall(SYS_close_range, first, last, 0) != 0) {
		log_fatal("takeover: cannot close descriptors: %m");
	}
}

void takeover_keep_descriptors(const struct state *s)
{
	int *fds = NULL;
	int count = state_descriptors(s, &fds);
	unsigned next = STDERR_FILENO + 1;
	if (count < 0) {
		log_fatal("takeover: %s", bh_strerror(count));
	}
	for (int i = 0; i < count; i++) {
		unsigned fd = (unsigned)fds[i];
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) != 0) {
			log_fatal("takeover: descriptor %u: %m", fd);
		}
		close_between(next, fd - 1);
		next = fd + 1;
	}
	close_between(next, ~0u);
	free(fds);
}

/* --- adopting ---------------------------------------------------------------------------------------- */

static _Noreturn void no_memory(void)
{
	log_fatal("takeover: out of memory");
}

/* Is this the socket that it is said to be? */
static void check_listener(const struct listener *l)
{
	struct sockaddr_storage sa;
	struct addr addr;
	socklen_t len = sizeof(sa);
	int type = 0;
	socklen_t type_len = sizeof(type);
	char text[ADDR_TEXT_MAX];
	bool same = getsockopt(l->fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 &&
		    type == (l->proto == IPC_UDP ? SOCK_DGRAM : SOCK_STREAM) &&
		    getsockname(l->fd, (struct sockaddr *)&sa, &len) == 0 &&
		    addr_from_sockaddr((const struct sockaddr *)&sa, len, &addr) == BH_OK && addr_equal(&addr, &l->addr);
	if (!same) {
		log_fatal("takeover: descriptor %d is not the listener of %s", l->fd, addr_text(&l->addr, text));
	}
}

static void adopt_listeners(struct supervisor *sup, struct state *s)
{
	for (size_t i = 0; i < s->listener_count; i++) {
		check_listener(&s->listeners[i]);
	}
	sup->listeners = (struct listener_set){ .items = s->listeners, .count = s->listener_count,
						.room = s->listener_count };
	s->listeners = NULL;
	s->listener_count = 0;
}

static bool is_limited(const struct state *s, const char *view)
{
	for (size_t i = 0; i < s->shared_count; i++) {
		if (strcmp(s->shared[i].view, view) == 0) {
			return s->shared[i].fd >= 0;
		}
	}
	return false;
}

static void fill_view(struct config_view *view, const struct state *s, unsigned index)
{
	memcpy(view->name, s->views[index].name, sizeof(view->name));
	view->rate.mode = is_limited(s, view->name) ? IPC_RATE_ON : 0; /* so that its table is kept */
	size_t count = 0;
	for (size_t i = 0; i < s->zone_count; i++) {
		count += s->zones[i].view == index;
	}
	view->zones = calloc(count + 1, sizeof(*view->zones));
	if (view->zones == NULL) {
		no_memory();
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		if (s->zones[i].view == index) {
			char text[DNAME_TEXT_MAX];
			struct config_zone *zone = &view->zones[view->zone_count++];
			memcpy(zone->name, s->zones[i].name, sizeof(zone->name));
			zone->text = strdup(dname_text(zone->name, text));
			if (zone->text == NULL) {
				no_memory();
			}
		}
	}
}

/*
 * What stands for the configuration that is in service until the first change: names of views and zones, and what
 * must not be forgotten when that change fails. No role is ever told of it.
 */
static struct config *make_config(const struct state *s)
{
	struct config *config = calloc(1, sizeof(*config));
	if (config == NULL || (config->views = calloc(s->view_count + 1, sizeof(*config->views))) == NULL) {
		no_memory();
	}
	config->refs = 1;
	config->workers = 1;
	config->run_dir = strdup(s->run_dir);
	config->state_dir = strdup(s->state_dir);
	config->log_level = (enum log_level)s->log_level;
	config->resolver.present = s->resolver;
	config->resolver.internal_view = -1;
	if (config->run_dir == NULL || config->state_dir == NULL) {
		no_memory();
	}
	for (size_t i = 0; i < s->view_count; i++) {
		fill_view(&config->views[config->view_count++], s, (unsigned)i);
	}
	return config;
}

static struct zone_image *make_image(struct state_zone *z, bool other_build)
{
	struct zone_image *image = calloc(1, sizeof(*image));
	struct stat st;
	if (image == NULL || (image->fd = shared_fd_new(z->fd)) == NULL) {
		no_memory();
	}
	/* Authorities look at what is in it; that nobody can change it any more is looked at here. */
	if (fstat(z->fd, &st) != 0 || (uint64_t)st.st_size != z->info.size ||
	    (fcntl(z->fd, F_GET_SEALS) & F_SEAL_WRITE) == 0) {
		log_fatal("takeover: descriptor %d is not the image of a zone", z->fd);
	}
	image->refs = 1;
	image->id = z->id;
	image->info = z->info;
	image->made_sec = z->made_sec;
	image->cause = z->cause;
	image->rollback = z->rollback;
	image->number = z->number;
	image->saved = z->saved;
	image->other_build = other_build;
	sources_move(&image->sources, &z->sources);
	return image;
}

static void adopt_zones(struct supervisor *sup, struct state *s)
{
	struct zone_set *set = zone_set_new(sup->current.config);
	if (set == NULL || counters_assign(set, NULL) != BH_OK) {
		no_memory();
	}
	sup->current.zones = set;
	for (size_t i = 0; i < s->zone_count; i++) {
		struct state_zone *z = &s->zones[i];
		struct config_zone conf;
		memcpy(conf.name, z->name, sizeof(conf.name));
		const struct zone_state like = { .view_name = s->views[z->view].name, .conf = &conf };
		struct zone_state *zone = (struct zone_state *)(uintptr_t)zone_set_find(set, &like);
		if (zone == NULL || zone->image != NULL) {
			log_fatal("takeover: two images of one zone");
		}
		if (s->image_format != IMAGE_VERSION) {
			if (z->rollback.image_of != 0) {
				log_warn("zone %s view=%s: no longer rolled back, no image of the version before can be served: "
					 "its text is",
					 zone->conf->text, zone->view_name);
			}
			close(z->fd); /* compiled anew before its elder goes */
			snprintf(zone->detail, sizeof(zone->detail), "roles of version %s serve it on", sup->takeover.from);
			continue;
		}
		zone->image = make_image(z, strcmp(s->build, ipc_build_id()) != 0);
		zone->origin = ZONE_KEPT;
	}
	if (s->image_format != IMAGE_VERSION) {
		log_info("images of zones have another format, all are compiled anew");
	}
}

static void adopt_trust(struct supervisor *sup, const struct state *s)
{
	for (size_t i = 0; i < s->tracked_count; i++) {
		if (tracked_put(&sup->tracked, &s->tracked[i].state, s->tracked[i].news) != BH_OK) {
			no_memory();
		}
	}
	tracking_resume(sup);
	for (size_t i = 0; i < s->nta_count; i++) {
		sup->ntas.items[i] = s->ntas[i];
	}
	sup->ntas.count = s->nta_count;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *sup = arg;
	(void)fd;
	(void)what;
	if (sup->change == NULL) {
		(void)supervisor_reload(sup); /* false: it stops, and the elders with it */
	}
}

void takeover_adopt(struct supervisor *sup, struct state *s)
{
	sup->started_ms = s->started_ms;
	sup->next_id = s->next_id;
	sup->next_generation = s->next_generation;
	sup->takeover.running = true;
	sup->takeover.begun_ms = clock_now_ms();
	memcpy(sup->takeover.from, s->build, sizeof(sup->takeover.from));
	sup->takeover.from[strcspn(sup->takeover.from, "/")] = '\0'; /* the version of the package alone */
	sup->takeover.retry = event_new(sup->base, -1, 0, on_retry, sup);
	if (sup->takeover.retry == NULL) {
		no_memory();
	}
	if (s->localwall && localwall_take_over(&s->local, &sup->localwall, sup->localwall_why,
						sizeof(sup->localwall_why)) != BH_OK) {
		log_fatal("takeover: %s", sup->localwall_why);
	}
	if (!s->localwall) {
		snprintf(sup->localwall_why, sizeof(sup->localwall_why), "%s", s->local_why);
	}
	adopt_listeners(sup, s);
	sup->shared.items = calloc(s->shared_count + 1, sizeof(*sup->shared.items));
	if (sup->shared.items == NULL) {
		no_memory();
	}
	memcpy(sup->shared.items, s->shared, s->shared_count * sizeof(*s->shared));
	sup->shared.count = s->shared_count;
	sup->current.number = s->generation;
	sup->current.config = make_config(s);
	sup->current.ids.block = (uid_t)s->id_block;
	for (size_t i = 0; i < s->view_count; i++) {
		sup->current.ids.slots[i] = s->views[i].slot;
	}
	adopt_zones(sup, s);
	adopt_trust(sup, s);
	for (size_t i = 0; i < s->role_count; i++) {
		elder_add(sup, &s->roles[i]);
	}
	for (size_t i = 0; i < s->client_count; i++) {
		control_adopt(sup->control, &s->clients[i]);
	}
}

/* --- life -------------------------------------------------------------------------------------------- */

void takeover_changed(struct supervisor *sup, bool ok, const char *why)
{
	struct takeover *t = &sup->takeover;
	char text[IPC_TEXT_MAX];
	if (ok) {
		t->done = true;
		(void)event_del(t->retry);
		log_info("upgrade: roles of version=%s serve, those of version=%s finish their work count=%u",
			 PACKAGE_VERSION, t->from, elder_count(sup));
		elder_advance(sup);
		return;
	}
	if (sup->stopping) {
		return;
	}
	unsigned shift = t->failures < 6 ? t->failures : 6;
	unsigned delay_sec = (unsigned)RETRY_FIRST_SEC << shift;
	delay_sec = delay_sec < RETRY_MAX_SEC ? delay_sec : RETRY_MAX_SEC;
	t->failures++;
	snprintf(text, sizeof(text),
		 "upgrade is not complete: supervisor version %s runs, roles of %s serve on (tried again in %u s, or by "
		 "reload): %.300s",
		 PACKAGE_VERSION, t->from, delay_sec, why);
	log_err("%s", text);
	control_upgraded(sup, 2, text);
	const struct timeval tv = { .tv_sec = delay_sec };
	if (event_add(t->retry, &tv) != 0) {
		no_memory();
	}
}

void takeover_retry_now(struct supervisor *sup)
{
	if (takeover_running(sup) && sup->change == NULL) {
		event_active(sup->takeover.retry, EV_TIMEOUT, 0);
	}
}

void takeover_finished(struct supervisor *sup)
{
	struct takeover *t = &sup->takeover;
	char text[IPC_TEXT_MAX];
	if (!t->running) {
		return;
	}
	t->running = false;
	t->done = false;
	t->failures = 0;
	t->upgraded_sec = clock_wall_sec();
	unsigned long long took_ms = clock_now_ms() - t->begun_ms;
	snprintf(text, sizeof(text), "upgraded from version %s to %s in %llu.%03llu s, generation %u is in service", t->from,
		 PACKAGE_VERSION, took_ms / 1000, took_ms % 1000, (unsigned)sup->current.number);
	log_info("%s%s", text, t->killed == 0 ? "" : ", but roles of the version before had to be killed");
	control_upgraded(sup, 0, text);
	t->killed = 0;
	event_free(t->retry);
	t->retry = NULL;
}

void takeover_fields(const struct supervisor *sup, struct ctl_row *row)
{
	if (sup->takeover.upgraded_sec == 0) {
		return;
	}
	char text[32];
	time_t time = (time_t)sup->takeover.upgraded_sec;
	struct tm tm;
	if (gmtime_r(&time, &tm) != NULL && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) != 0) {
		row_text(row, "upgraded", text);
	}
	row_text(row, "upgraded_from", sup->takeover.from);
}

void takeover_end(struct supervisor *sup)
{
	elder_free_all(sup);
	if (sup->takeover.retry != NULL) {
		event_free(sup->takeover.retry);
		sup->takeover.retry = NULL;
	}
}
