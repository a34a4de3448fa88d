/*
 * What a role is told of a generation, counted by messages: a reload costs what has changed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/send.h"

#include "common/ipc/link.h"
#include "common/util/count.h"
#include "daemons/supervisor/counters.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ZONES 1000
#define VIEW "internal"

/* One generation as the test says: the number of zones, and what is special about the one in the middle. */
struct plan {
	unsigned zones;
	enum { PLAIN, NEW_IMAGE, NO_IMAGE, TRANSFER, OTHER_KEY, OVERLAY, CASE } middle;
	const char *view; /* NULL: VIEW */
};

struct world {
	struct supervisor sup;
	struct instance inst;
	int peer;
	struct zone_image *images[ZONES + 1]; /* that zones keep as long as the plan says nothing else */
	unsigned heard[MSG_TYPE_COUNT];
};

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	(void)ctx;
	(void)link;
	(void)m;
	return BH_EPERM;
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	(void)ctx;
	(void)link;
	(void)err;
	cr_assert_fail("%s", why);
}

static void world_init(struct world *w, enum role role)
{
	static const struct link_ops ops = { .message = on_message, .closed = on_closed };
	int fds[2];
	memset(w, 0, sizeof(*w));
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	w->peer = fds[1];
	w->sup.base = event_base_new();
	w->sup.next_id = 1;
	w->inst = (struct instance){ .sup = &w->sup, .role = role, .count = 1, .stats_fd = -1, .page_fd = -1 };
	snprintf(w->inst.view, sizeof(w->inst.view), "%s", role == ROLE_AUTHORITY ? VIEW : "");
	w->inst.link = link_new(w->sup.base, fds[0], ROLE_SUPERVISOR, role, 1u << 20, &ops, w);
	cr_assert_not_null(w->inst.link);
	link_set_phase(w->inst.link, PHASE_RUN);
}

static struct zone_image *new_image(struct world *w)
{
	struct zone_image *image = calloc(1, sizeof(*image));
	image->refs = 1;
	image->id = w->sup.next_id++;
	image->fd = shared_fd_new(memfd_create("image", MFD_CLOEXEC));
	return image;
}

static void fill_zone(struct config_zone *zone, unsigned i, const struct plan *plan)
{
	bool middle = i == ZONES / 2;
	char label[16];
	snprintf(label, sizeof(label), "z%04u", i);
	zone->name[0] = 5;
	memcpy(zone->name + 1, label, 6);
	if (middle && plan->middle == CASE) {
		zone->name[1] = 'Z';
	}
	zone->overlay = middle && plan->middle == OVERLAY;
	zone->transfer_count = middle && (plan->middle == TRANSFER || plan->middle == OTHER_KEY);
	zone->transfers = calloc(1, sizeof(*zone->transfers));
	zone->transfers[0] = (struct config_transfer){ .any = true, .key = plan->middle == OTHER_KEY };
}

static struct config *new_config(const struct plan *plan)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_view *view = calloc(1, sizeof(*view));
	config->workers = 1;
	config->views = view;
	config->view_count = 1;
	config->resolver.present = true;
	config->keys = calloc(2, sizeof(*config->keys));
	config->key_count = 2;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(config->keys[i].name, i == 0 ? "\1a" : "\1b", 3);
		config->keys[i].algorithm = TSIG_HMAC_SHA256;
		config->keys[i].secret_len = 16;
	}
	snprintf(view->name, sizeof(view->name), "%s", plan->view == NULL ? VIEW : plan->view);
	view->cookies.mode = IPC_COOKIES_OFF;
	view->zones = calloc(plan->zones + 1u, sizeof(*view->zones));
	for (; view->zone_count < plan->zones; view->zone_count++) {
		fill_zone(&view->zones[view->zone_count], (unsigned)view->zone_count, plan);
	}
	return config;
}

static void make_generation(struct world *w, const struct plan *plan, struct generation *g)
{
	*g = (struct generation){ .number = w->sup.current.number + 1, .config = new_config(plan) };
	g->zones = zone_set_new(g->config);
	cr_assert_not_null(g->zones);
	cr_assert_eq(counters_assign(g->zones, w->sup.current.zones), BH_OK);
	for (unsigned i = 0; i < plan->zones; i++) {
		bool middle = i == ZONES / 2;
		if (w->images[i] == NULL || (middle && plan->middle == NEW_IMAGE)) {
			zone_image_release(w->images[i]);
			w->images[i] = new_image(w);
		}
		if (!middle || plan->middle != NO_IMAGE) {
			w->images[i]->refs++;
			g->zones->items[i].image = w->images[i];
		}
	}
	cr_assert_eq(shared_want(&w->sup.shared, g->config, &w->sup.next_id), BH_OK);
}

static void free_generation(struct generation *g)
{
	struct config_view *view = &g->config->views[0];
	zone_set_free(g->zones);
	for (size_t i = 0; i < view->zone_count; i++) {
		free(view->zones[i].transfers);
	}
	free(view->zones);
	free(view);
	free(g->config->keys);
	free(g->config);
}

/* Count what has come, until the link has nothing more to say. */
static void hear(struct world *w)
{
	uint8_t bytes[MSG_HEADER + MSG_PAYLOAD_MAX];
	memset(w->heard, 0, sizeof(w->heard));
	for (;;) {
		ssize_t n = recv(w->peer, bytes, sizeof(bytes), MSG_DONTWAIT); /* descriptors are closed on the way */
		if (n >= MSG_HEADER) {
			w->heard[get_u16(bytes)]++;
		} else if (link_queued(w->inst.link) > 0) {
			cr_assert_geq(event_base_loop(w->sup.base, EVLOOP_ONCE), 0);
		} else {
			return;
		}
	}
}

/* Tell it the generation, and let it serve that. */
static void tell(struct world *w, const struct plan *plan)
{
	struct generation next;
	make_generation(w, plan, &next);
	cr_assert_eq(send_generation(&w->inst, &next), BH_OK);
	hear(w);
	if (w->sup.current.number != 0) {
		free_generation(&w->sup.current);
	}
	w->sup.current = next;
	w->inst.committed = next.number;
}

static void world_clear(struct world *w)
{
	free_generation(&w->sup.current);
	for (size_t i = 0; i < COUNT(w->images); i++) {
		zone_image_release(w->images[i]);
	}
	shared_settle(&w->sup.shared, NULL);
	link_free(w->inst.link);
	close(w->peer);
	event_base_free(w->sup.base);
}

/* Messages: images, zones, transfers, "as before", "but this one". */
struct heard {
	unsigned images, zones, transfers, same, other;
};

static void expect(const struct world *w, const char *what, const struct heard *want)
{
	const unsigned *heard = w->heard;
	cr_expect_eq(heard[MSG_IMAGE], want->images, "%s: %u images", what, heard[MSG_IMAGE]);
	cr_expect_eq(heard[MSG_CONF_ZONE], want->zones, "%s: %u zones", what, heard[MSG_CONF_ZONE]);
	cr_expect_eq(heard[MSG_CONF_TRANSFER], want->transfers, "%s: %u transfers", what, heard[MSG_CONF_TRANSFER]);
	cr_expect_eq(heard[MSG_CONF_SAME_ZONES], want->same, "%s: %u as before", what, heard[MSG_CONF_SAME_ZONES]);
	cr_expect_eq(heard[MSG_CONF_ZONE_IMAGE], want->other, "%s: %u others", what, heard[MSG_CONF_ZONE_IMAGE]);
	cr_expect_eq(heard[MSG_CONF_BEGIN], 1u);
	cr_expect_eq(heard[MSG_PREPARE], 1u);
	unsigned all = 0;
	for (size_t i = 0; i < MSG_TYPE_COUNT; i++) {
		all += heard[i];
	}
	unsigned zones = want->images + want->zones + want->transfers + want->same + want->other;
	cr_expect_lt(all - zones, 10u, "%s: %u more messages", what, all - zones);
}

Test(send, an_authority_is_told_what_has_changed)
{
	static const struct {
		const char *what;
		struct plan plan;
		struct heard heard;
	} steps[] = {
		{ "the first", { ZONES, PLAIN, NULL }, { ZONES, ZONES, 0, 0, 0 } },
		{ "nothing new", { ZONES, PLAIN, NULL }, { 0, 0, 0, 1, 0 } },
		{ "one of many", { ZONES, NEW_IMAGE, NULL }, { 1, 0, 0, 1, 1 } },
		{ "one fails", { ZONES, NO_IMAGE, NULL }, { 0, 0, 0, 1, 1 } },
		{ "it is back", { ZONES, NEW_IMAGE, NULL }, { 1, 0, 0, 1, 1 } },
		{ "one may be transferred", { ZONES, TRANSFER, NULL }, { 0, ZONES, 1, 0, 0 } },
		{ "as before", { ZONES, TRANSFER, NULL }, { 0, 0, 0, 1, 0 } },
		{ "with another key", { ZONES, OTHER_KEY, NULL }, { 0, ZONES, 1, 0, 0 } },
		{ "no longer", { ZONES, PLAIN, NULL }, { 0, ZONES, 0, 0, 0 } },
		{ "spelled otherwise", { ZONES, CASE, NULL }, { 0, ZONES, 0, 0, 0 } },
		{ "one more", { ZONES + 1, CASE, NULL }, { 1, ZONES + 1, 0, 0, 0 } },
		{ "fewer", { ZONES - 1, CASE, NULL }, { 0, ZONES - 1, 0, 0, 0 } },
	};
	static struct world w;
	world_init(&w, ROLE_AUTHORITY);
	for (size_t i = 0; i < COUNT(steps); i++) {
		tell(&w, &steps[i].plan);
		expect(&w, steps[i].what, &steps[i].heard);
	}
	world_clear(&w);
}

/* Whoever does not serve the generation before, for whatever reason, gets everything that he has not. */
Test(send, a_process_without_the_generation_before_is_told_everything)
{
	static const struct plan plain = { ZONES, PLAIN, NULL };
	static const struct plan other = { ZONES, NEW_IMAGE, NULL };
	static struct world w;
	world_init(&w, ROLE_AUTHORITY);
	tell(&w, &plain);

	w.inst.committed = 0; /* a new process */
	w.inst.sent_id = 0;
	tell(&w, &other);
	expect(&w, "it was restarted", &(struct heard){ ZONES, ZONES, 0, 0, 0 });

	w.inst.committed--; /* it has not said yet that it serves the last one */
	tell(&w, &other);
	expect(&w, "it is behind", &(struct heard){ 1, ZONES, 0, 0, 0 });

	w.inst.sent_id = 0;
	w.inst.committed = 0;
	cr_assert_eq(send_generation(&w.inst, &w.sup.current), BH_OK);
	hear(&w);
	expect(&w, "what is in service", &(struct heard){ ZONES, ZONES, 0, 0, 0 });
	world_clear(&w);
}

Test(send, a_frontend_is_told_names_when_they_change)
{
	static const struct {
		const char *what;
		struct plan plan;
		struct heard heard;
	} steps[] = {
		{ "the first", { ZONES, PLAIN, NULL }, { 0, ZONES, 0, 0, 0 } },
		{ "new data is not its business", { ZONES, NEW_IMAGE, NULL }, { 0, 0, 0, 1, 0 } },
		{ "an overlay is", { ZONES, OVERLAY, NULL }, { 0, ZONES, 0, 0, 0 } },
		{ "as before", { ZONES, OVERLAY, NULL }, { 0, 0, 0, 1, 0 } },
		{ "the same zones in another view", { ZONES, OVERLAY, "other" }, { 0, ZONES, 0, 0, 0 } },
		{ "fewer", { 1, PLAIN, "other" }, { 0, 1, 0, 0, 0 } },
	};
	static struct world w;
	world_init(&w, ROLE_FRONTEND);
	for (size_t i = 0; i < COUNT(steps); i++) {
		tell(&w, &steps[i].plan);
		expect(&w, steps[i].what, &steps[i].heard);
	}
	world_clear(&w);
}
