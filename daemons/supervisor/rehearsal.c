/*
 * Asking oneself. Each role program is really started, under the user and behind the walls it will have, up to its
 * first message: by then the loader, the libraries, the kernel and the filters of system calls have all agreed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/rehearsal.h"

#include <config.h> /* of the build, not our own */

#include "common/util/clock.h"
#include "common/zone/image.h" /* for IMAGE_VERSION alone */
#include "daemons/supervisor/ids.h"
#include "daemons/supervisor/program.h"
#include "daemons/supervisor/spawn.h"
#include "daemons/supervisor/takeover.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* From fork to HELLO. */
#define HELLO_MS 10000

struct rehearsal {
	struct state state;
	struct config *config;
	struct ids_table ids;
	struct program program;
	bool refused;
	char why[IPC_TEXT_MAX];
};

/* The first reason is told. Returns false. */
static bool refuse(struct rehearsal *r, const char *fmt, ...) BH_PRINTF(2, 3);

static bool refuse(struct rehearsal *r, const char *fmt, ...)
{
	if (!r->refused) {
		va_list args;
		va_start(args, fmt);
		vsnprintf(r->why, sizeof(r->why), fmt, args);
		va_end(args);
		r->refused = true;
	}
	return false;
}

static void on_config_error(void *ctx, const char *file, unsigned line, const char *text)
{
	struct rehearsal *r = ctx;
	if (line > 0) {
		(void)refuse(r, "%.200s:%u: %.200s", file, line, text);
	} else {
		(void)refuse(r, "%.200s: %.200s", file, text);
	}
}

static bool check_config(struct rehearsal *r)
{
	char why[IPC_TEXT_MAX];
	struct config before = { .view_count = 0 };
	struct ids_table ids = { .block = (uid_t)r->state.id_block };

	r->config = config_load(r->state.conf_path, on_config_error, r);
	if (r->config == NULL) {
		return refuse(r, "the configuration has errors");
	}
	if (strcmp(r->config->run_dir, r->state.run_dir) != 0) {
		return refuse(r, "run-dir cannot be changed by an upgrade, restart instead");
	}
	before.views = calloc(r->state.view_count + 1, sizeof(*before.views));
	if (before.views == NULL) {
		return refuse(r, "out of memory");
	}
	for (size_t i = 0; i < r->state.view_count; i++) {
		memcpy(before.views[i].name, r->state.views[i].name, sizeof(before.views[i].name));
		ids.slots[i] = r->state.views[i].slot;
	}
	before.view_count = r->state.view_count;
	int rc = ids_resolve(r->config, &before, &ids, &r->ids, why, sizeof(why));
	free(before.views);
	return rc == BH_OK || refuse(r, "%s", why);
}

/* That the text is served again is for the operator to decide, not for an upgrade. */
static bool check_rollbacks(struct rehearsal *r)
{
	char name[DNAME_TEXT_MAX];
	const struct state_zone *zone = state_lost_rollback(&r->state, IMAGE_VERSION);
	return zone == NULL ||
	       refuse(r, "zone %.200s of view %s is rolled back to an image that version %s cannot serve: release it first "
			 "(zone rollback --release), or restart",
		      dname_text(zone->name, name), r->state.views[zone->view].name, PACKAGE_VERSION);
}

/* --- role programs ----------------------------------------------------------------------------------- */

/* What ended the wait: HELLO, or NULL and the reason. */
static bool read_hello(int fd, struct ipc_hello *out, char *why, size_t why_size)
{
	uint8_t bytes[MSG_HEADER + 256];
	uint64_t end = clock_now_ms() + HELLO_MS;
	for (;;) {
		uint64_t now = clock_now_ms();
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int ready = now < end ? poll(&pfd, 1, (int)(end - now)) : 0;
		if (ready < 0 && errno == EINTR) {
			continue;
		}
		if (ready <= 0) {
			snprintf(why, why_size, "says nothing");
			return false;
		}
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
			continue;
		}
		if (n <= 0) {
			snprintf(why, why_size, "ends at once");
		} else if (n < MSG_HEADER || get_u16(bytes) != MSG_HELLO ||
			   ipc_hello_decode(bytes + MSG_HEADER, (size_t)n - MSG_HEADER, out) != BH_OK) {
			snprintf(why, why_size, "speaks another language");
		} else {
			return true;
		}
		return false;
	}
}

/* The last line that it wrote to its log, if any, without its priority. */
static void last_words(int fd, char *out, size_t size)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	out[0] = '\0';
	if (n <= 0) {
		return;
	}
	buf[n] = '\0';
	char *end = strrchr(buf, '\n');
	if (end != NULL) {
		*end = '\0';
	}
	char *line = strrchr(buf, '\n');
	line = line == NULL ? buf : line + 1;
	line += line[0] == '<' && line[1] != '\0' && line[2] == '>' ? 3 : 0;
	snprintf(out, size, ": %.200s", line);
}

static bool check_hello(struct rehearsal *r, const struct spawn_request *request, enum role role,
			const struct ipc_hello *hello)
{
	if (hello->role != role || strcmp(hello->build, ipc_build_id()) != 0 || hello->protocol != IPC_PROTOCOL) {
		return refuse(r, "role program %s is of another build: %s, expected %s", request->program, hello->build,
			      ipc_build_id());
	}
	if ((sandbox_required_walls(request->profile) & ~hello->walls) != 0) {
		return refuse(r, "role program %s does not get all of its walls", request->program);
	}
	return true;
}

static bool check_program(struct rehearsal *r, enum role role, const struct sandbox_profile *profile,
			  struct sandbox_ids ids, const char *root)
{
	char path[PATH_MAX + 32];
	char why[IPC_TEXT_MAX];
	char words[256];
	struct ipc_hello hello;
	struct spawned child;
	int status;
	snprintf(path, sizeof(path), "%s/%s", r->state.role_dir, role_text(role));
	struct spawn_request request = { .program_fd = program_of_role(&r->program, role, why, sizeof(why)),
					 .program = path, .title = role_text(role), .profile = profile, .ids = ids,
					 .root = root };
	if (request.program_fd < 0) {
		return refuse(r, "role program %.300s", why);
	}
	if (spawn_role(&request, &child) != BH_OK) {
		return refuse(r, "role program %s: cannot fork: %s", path, strerror(errno));
	}
	bool heard = read_hello(child.link_fd, &hello, why, sizeof(why));
	kill(child.pid, SIGKILL);
	while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (!heard) {
		last_words(child.log_fd, words, sizeof(words));
		(void)refuse(r, "role program %s %.64s%s", path, why, words);
	}
	close(child.link_fd);
	close(child.log_fd);
	return heard && check_hello(r, &request, role, &hello);
}

static bool check_programs(struct rehearsal *r)
{
	const struct config *config = r->config;
	const char *root = config->view_count > 0 ? config->views[0].zones_dir : "/";
	if (program_look(&r->program, r->state.role_dir) != BH_OK) {
		return refuse(r, "it cannot find itself");
	}
	return (config->view_count == 0 ||
		check_program(r, ROLE_AUTHORITY, &sandbox_authority, r->ids.authority[0], NULL)) &&
	       check_program(r, ROLE_FRONTEND, &sandbox_frontend, r->ids.frontend, NULL) &&
	       check_program(r, ROLE_RESOLVER, &sandbox_resolver, r->ids.resolver, NULL) &&
	       check_program(r, ROLE_MONITOR, &sandbox_monitor, r->ids.monitor, NULL) &&
	       check_program(r, ROLE_COMPILER, &sandbox_compiler, r->ids.hints, root);
}

int rehearsal_run(int record_fd)
{
	static struct rehearsal r;
	char why[IPC_TEXT_MAX];
	bool fine;
	if (takeover_read(record_fd, &r.state, why, sizeof(why)) != BH_OK) {
		fine = refuse(&r, "%s", why);
	} else if (!sandbox_handover_suffices(&r.state.walls, why, sizeof(why))) {
		fine = refuse(&r, "%s; it needs a restart", why);
	} else if (r.state.localwall && r.state.local.version != LOCALWALL_VERSION) {
		fine = refuse(&r, "the local wall was raised by a version with another one; it needs a restart");
	} else {
		fine = check_rollbacks(&r) && check_config(&r) && check_programs(&r);
	}
	printf("%s\n", fine ? PACKAGE_VERSION : r.why);
	fine = fflush(stdout) == 0 && fine;
	config_free(r.config);
	state_clear(&r.state, false);
	return fine ? 0 : 1;
}
