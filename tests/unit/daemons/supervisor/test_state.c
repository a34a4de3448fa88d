/*
 * The record of a supervisor's state: what goes in comes out, and whatever is cut, changed or of another format is
 * refused whole.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/supervisor/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint8_t bytes[256 * 1024];

static struct listener listeners[] = {
	{ .id = 1, .proto = IPC_UDP, .worker = 0, .owner = "internal", .fd = 10, .in_use = true },
	{ .id = 2, .proto = IPC_TCP, .worker = 1, .owner = "", .device = "lan0", .fd = 11, .in_use = true },
};
static struct state_view views[] = { { .name = "internal", .slot = 3 }, { .name = "external", .slot = 0 } };
static struct shared tables[] = { { .view = "internal", .id = 3, .fd = 12, .cookie_secret = { 1, 2 } },
				  { .view = "", .id = 4, .fd = -1 } };
static struct source files[] = { { .path = (char *)"a.zone", .dev = 1, .ino = 2, .size = 3, .mtime_ns = -4, .ctime_ns = 5 } };
static struct state_zone zones[] = {
	{ .view = 0, .name = "\1a\0", .fd = 13, .id = 5, .info = { .ok = 1, .serial = 7, .size = 100, .checksum = 8 },
	  .cause = { .kind = ZONE_CAUSE_ROLLBACK, .uid = 7 }, .rollback = { .image_of = 3 }, .number = 9, .saved = true,
	  .sources = { .items = files, .count = 1, .octets = 6, .default_ttl = 3600 } },
	{ .view = 1, .name = "\1a\0", .fd = 14, .id = 6, .info = { .ok = 1 }, .cause = { .kind = ZONE_CAUSE_START } },
};
static struct nta ntas[] = { { .zone = "\3org\0", .until_ms = 1234567 } };
static struct state_role roles[] = {
	{ .role = ROLE_AUTHORITY, .stage = STATE_SERVING, .view = "internal", .index = 0, .name = "authority[internal]/0",
	  .pid = 100, .link_fd = 15, .log_fd = 16 },
	{ .role = 77, .stage = STATE_STARTING, .name = "of the future/0", .pid = 101, .link_fd = -1, .log_fd = -1 },
};
static struct state_client clients[] = { { .fd = 17, .request = 9, .wait = STATE_WAITS_RELOAD } };

static void fill(struct state *s)
{
	memset(s, 0, sizeof(*s));
	*s = (struct state){ .build = "1.2/3", .conf_path = "/etc/b.conf", .role_dir = "/lib/b", .program = "/sbin/b",
			     .run_dir = "/run/b", .state_dir = "/var/b", .foreground = true, .log_level = LOG_LEVEL_INFO,
			     .started_ms = 5, .next_id = 7, .generation = 4, .next_generation = 6, .image_format = 4,
			     .lock_fd = 8, .control_fd = 9, .id_block = 60600, .resolver = true };
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(addr_parse(i == 0 ? "10.0.0.1@53" : "2001:db8::1@5300", 53, &listeners[i].addr), BH_OK);
	}
	sandbox_handover_take(&s->walls);
	s->localwall = true;
	s->local = (struct localwall_handover){ .version = 1, .fds = { 20, 21, 22, 23 } };
	s->listeners = listeners;
	s->listener_count = 2;
	s->views = views;
	s->view_count = 2;
	s->shared = tables;
	s->shared_count = 2;
	s->zones = zones;
	s->zone_count = 2;
	s->ntas = ntas;
	s->nta_count = 1;
	s->roles = roles;
	s->role_count = 2;
	s->clients = clients;
	s->client_count = 1;
}

static size_t encode(const struct state *s)
{
	struct sink sink = sink_of(bytes, sizeof(bytes));
	state_encode(&sink, s);
	cr_assert(!sink.failed);
	return sink.pos;
}

static int decode(size_t len)
{
	struct state s;
	int rc = state_decode(bytes, len, &s);
	state_clear(&s, false);
	return rc;
}

Test(state, comes_out_as_it_went_in)
{
	static uint8_t before[sizeof(bytes)];
	struct state in, out;
	fill(&in);
	size_t len = encode(&in);
	memcpy(before, bytes, len);
	cr_assert_eq(state_decode(bytes, len, &out), BH_OK);
	cr_assert_str_eq(out.build, "1.2/3");
	cr_assert_str_eq(out.program, "/sbin/b");
	cr_assert_eq(out.listener_count, 2u);
	cr_assert(addr_equal(&out.listeners[1].addr, &listeners[1].addr) && out.listeners[1].in_use);
	cr_assert_str_eq(out.listeners[1].device, "lan0");
	cr_assert_eq(out.shared[1].fd, -1);
	cr_assert_eq(out.shared[0].cookie_secret[1], 2);
	cr_assert_str_eq(out.zones[0].sources.items[0].path, "a.zone");
	cr_assert_eq(out.zones[0].sources.items[0].mtime_ns, -4);
	cr_assert_eq(out.roles[1].role, 77);
	cr_assert_eq(out.clients[0].request, 9u);
	cr_assert(out.zones[0].number == 9 && out.zones[0].saved && !out.zones[1].saved);
	cr_assert(out.zones[0].rollback.image_of == 3 && out.zones[0].cause.kind == ZONE_CAUSE_ROLLBACK);
	cr_assert(sandbox_handover_equal(&in.walls, &out.walls) && in.walls.count > 50);
	cr_assert(out.localwall && out.local.version == 1 && out.local.fds[3] == 23);
	cr_assert_eq(encode(&out), len);
	cr_assert_arr_eq(bytes, before, len);
	state_clear(&out, false);
}

/* Images of another form are compiled anew: a rollback would end with that. */
Test(state, a_rollback_that_another_form_of_images_would_end_is_found)
{
	struct state s;
	fill(&s);
	cr_assert_null(state_lost_rollback(&s, s.image_format));
	cr_assert_eq(state_lost_rollback(&s, s.image_format + 1), &s.zones[0]);
	s.zones[0].rollback.image_of = 0;
	cr_assert_null(state_lost_rollback(&s, s.image_format + 1));
	s.zones[0].rollback.image_of = 3;
}

Test(state, cut_anywhere_it_is_refused)
{
	struct state s;
	fill(&s);
	size_t len = encode(&s);
	for (size_t i = 0; i < len; i++) {
		cr_assert_neq(decode(i), BH_OK, "cut to %zu of %zu octets", i, len);
	}
	cr_assert_eq(decode(len), BH_OK);
	bytes[len] = 0;
	cr_assert_eq(decode(len + 1), BH_EMALFORMED, "an octet more");
}

Test(state, another_format_is_told_apart)
{
	struct state s;
	fill(&s);
	size_t len = encode(&s);
	bytes[11]++; /* the number of the format */
	cr_assert_eq(decode(len), BH_EVERSION);
	bytes[11]--;
	bytes[0] ^= 1;
	cr_assert_eq(decode(len), BH_EVERSION);
	cr_assert_eq(decode(0), BH_EVERSION);
}

/* One thing wrong in a record that is right otherwise. */
static void spoil_fd(struct state *s) { s->lock_fd = 2; }
static void spoil_twice(struct state *s) { s->control_fd = s->listeners[0].fd; }
static void spoil_path(struct state *s) { s->conf_path[0] = '.'; }
static void spoil_generation(struct state *s) { s->next_generation = s->generation; }
static void spoil_id(struct state *s) { s->next_id = 6; }
static void spoil_view(struct state *s) { s->view_count = 1; }
static void spoil_order(struct state *s) { s->zones[0].view = 1, s->zones[1].view = 0; }
static void spoil_name(struct state *s) { memcpy(s->views[1].name, "internal", 9); }
static void spoil_slot(struct state *s) { s->views[1].slot = 3; }
static void spoil_worker(struct state *s) { s->listeners[0].worker = CONFIG_WORKERS_MAX; }
static void spoil_pid(struct state *s) { s->roles[0].pid = 1; }
static void spoil_stage(struct state *s) { s->roles[0].stage = 3; }
static void spoil_wait(struct state *s) { s->clients[0].wait = 2; }
static void spoil_group(struct state *s) { s->local.fds[3] = 20; }
static void spoil_cause(struct state *s) { s->zones[1].cause.kind = 0; }
static void spoil_level(struct state *s) { s->log_level = 8; }
static void spoil_action(struct state *s) { s->walls.rules[0].action = SANDBOX_KILL + 1; }

Test(state, what_makes_no_sense_is_refused)
{
	static void (*const spoil[])(struct state *s) = {
		spoil_fd,   spoil_twice, spoil_path,   spoil_generation, spoil_id,    spoil_view, spoil_order, spoil_name,
		spoil_slot, spoil_worker, spoil_pid, spoil_stage,	  spoil_wait, spoil_group, spoil_cause, spoil_level, spoil_action,
	};
	for (size_t i = 0; i < COUNT(spoil); i++) {
		pid_t pid = fork(); /* what one spoils is not there for the next */
		cr_assert_geq(pid, 0);
		if (pid == 0) {
			struct state s;
			fill(&s);
			spoil[i](&s);
			_exit(decode(encode(&s)) == BH_EMALFORMED ? 0 : 1);
		}
		int status;
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0, "case %zu was taken", i);
	}
}

/* Counts that promise more than there is cost nothing. */
Test(state, long_lists_that_are_not_there_are_refused)
{
	struct state s;
	fill(&s);
	s.client_count = 0;
	s.zone_count = 0;
	size_t len = encode(&s); /* ends in the number of clients */
	memset(bytes + len - 4, 0xff, 4);
	cr_assert_eq(decode(len), BH_EMALFORMED);
	memset(bytes + len - 4, 0, 4);
	bytes[len - 1] = STATE_CLIENTS_MAX;
	cr_assert_eq(decode(len), BH_EMALFORMED);
}
