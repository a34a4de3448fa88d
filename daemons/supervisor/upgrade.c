/*
 * Asking the new program, and exec. Trusts the file only root can write, and of what it says one line of text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/upgrade.h"

#include <config.h> /* of the build, not our own */

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "common/zone/image.h"
#include "daemons/supervisor/control.h"
#include "daemons/supervisor/elder.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/notify.h"
#include "daemons/supervisor/program.h"
#include "daemons/supervisor/rolelog.h"
#include "daemons/supervisor/saver.h"
#include "daemons/supervisor/signals.h"
#include "daemons/supervisor/state.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program asked starts four roles, of which each has ten seconds. */
#define ANSWER_SEC 60
/* Times that it is asked because roles came and went meanwhile. */
#define ASKED_MAX 5
#define ANSWER_MAX 512
/* How often the end of writing is looked at. */
#define SAVE_POLL_MS 20
/* Where copies of descriptors wait in the child, above the fixed numbers. */
#define FD_PARKING 64
/* First size of the record; it is made again with more until it fits. */
#define RECORD_FIRST (64u * 1024)

struct record {
	uint8_t *bytes;
	size_t len;
	size_t fixed; /* octets before what goes on by itself: clients that wait, images that are saved */
};

struct upgrade {
	struct supervisor *sup;
	int program_fd;
	struct record record; /* that the program was asked about */
	unsigned asked;
	pid_t pid; /* 0: it has ended */
	int answer_fd;
	struct event *readable;
	struct event *timer;
	bool late;
	uint64_t agreed_ms; /* since when it only waits for the saver; 0: it does not yet */
	size_t used;
	char answer[ANSWER_MAX];
};

/* --- the record -------------------------------------------------------------------------------------- */

static enum state_stage stage_of(const struct instance *inst)
{
	return inst->state == INSTANCE_READY	  ? STATE_SERVING
	       : inst->state == INSTANCE_STOPPING ? STATE_LEAVING
						  : STATE_STARTING;
}

static int collect_roles(const struct supervisor *sup, struct state *s)
{
	size_t count = 0;
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		count += inst->pid != 0;
	}
	s->roles = calloc(count + 1, sizeof(*s->roles));
	if (s->roles == NULL) {
		return BH_ENOMEM;
	}
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (inst->pid == 0) {
			continue;
		}
		struct state_role *r = &s->roles[s->role_count++];
		*r = (struct state_role){ .role = (uint8_t)inst->role, .stage = (uint8_t)stage_of(inst),
					  .index = inst->index, .pid = inst->pid };
		r->link_fd = inst->link == NULL ? -1 : link_descriptor(inst->link);
		r->log_fd = inst->log == NULL ? -1 : rolelog_descriptor(inst->log);
		memcpy(r->view, inst->view, sizeof(r->view));
		memcpy(r->name, inst->name, sizeof(r->name));
	}
	return BH_OK;
}

static int collect_zones(const struct supervisor *sup, struct state *s)
{
	const struct zone_set *set = sup->current.zones;
	s->zones = calloc(set->count + 1, sizeof(*s->zones));
	if (s->zones == NULL) {
		return BH_ENOMEM;
	}
	/* Of a set that is ordered by the names of views, in the order of the configuration. */
	for (unsigned v = 0; v < s->view_count; v++) {
		for (size_t i = 0; i < set->count; i++) {
			const struct zone_state *zone = &set->items[i];
			const struct zone_image *image = zone->image;
			if (zone->view != v || image == NULL || image->refused != NULL) {
				continue;
			}
			struct state_zone *z = &s->zones[s->zone_count++];
			*z = (struct state_zone){ .view = v, .fd = image->fd->fd, .id = image->id, .info = image->info,
						  .made_sec = image->made_sec, .cause = image->cause,
						  .rollback = image->rollback, .number = image->number, .saved = image->saved,
						  .sources = image->sources }; /* borrowed */
			memcpy(z->name, zone->conf->name, sizeof(z->name));
		}
	}
	return BH_OK;
}

static int collect_trust(const struct supervisor *sup, struct state *s)
{
	s->tracked = calloc(sup->tracked.count + 1, sizeof(*s->tracked));
	s->ntas = calloc(sup->ntas.count + 1, sizeof(*s->ntas));
	if (s->tracked == NULL || s->ntas == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < sup->tracked.count; i++) {
		struct tracked *t = &s->tracked[s->tracked_count++];
		*t = *sup->tracked.items[i];
		t->news = t->news || saver_has_anchor(sup->saver, t->state.zone);
	}
	memcpy(s->ntas, sup->ntas.items, sup->ntas.count * sizeof(*s->ntas));
	s->nta_count = sup->ntas.count;
	return BH_OK;
}

static int collect_places(const struct supervisor *sup, struct state *s)
{
	const struct config *config = sup->current.config;
	s->listeners = calloc(sup->listeners.count + 1, sizeof(*s->listeners));
	s->views = calloc(config->view_count + 1, sizeof(*s->views));
	s->shared = calloc(sup->shared.count + 1, sizeof(*s->shared));
	if (s->listeners == NULL || s->views == NULL || s->shared == NULL) {
		return BH_ENOMEM;
	}
	memcpy(s->listeners, sup->listeners.items, sup->listeners.count * sizeof(*s->listeners));
	s->listener_count = sup->listeners.count;
	for (size_t i = 0; i < config->view_count; i++) {
		struct state_view *v = &s->views[s->view_count++];
		memcpy(v->name, config->views[i].name, sizeof(v->name));
		v->slot = sup->current.ids.slots[i];
	}
	if (sup->shared.count > 0) {
		memcpy(s->shared, sup->shared.items, sup->shared.count * sizeof(*s->shared));
	}
	s->shared_count = sup->shared.count;
	return BH_OK;
}

/* Everything but arrays; sources of zones are borrowed. */
static int collect(const struct supervisor *sup, struct state *s)
{
	const struct config *config = sup->current.config;
	*s = (struct state){
		.foreground = sup->foreground,
		.log_level = (uint8_t)log_get_level(),
		.started_ms = sup->started_ms,
		.next_id = sup->next_id,
		.generation = sup->current.number,
		.next_generation = sup->next_generation,
		.image_format = IMAGE_VERSION,
		.lock_fd = sup->lock_fd,
		.control_fd = control_descriptor(sup->control),
		.id_block = (uint32_t)sup->current.ids.block,
		.resolver = config->resolver.present,
	};
	snprintf(s->build, sizeof(s->build), "%s", ipc_build_id());
	snprintf(s->conf_path, sizeof(s->conf_path), "%s", sup->conf_path);
	snprintf(s->role_dir, sizeof(s->role_dir), "%s", sup->program.role_dir);
	snprintf(s->program, sizeof(s->program), "%s", sup->program.path);
	snprintf(s->run_dir, sizeof(s->run_dir), "%s", config->run_dir);
	snprintf(s->state_dir, sizeof(s->state_dir), "%s", config->state_dir);
	sandbox_handover_take(&s->walls);
	s->localwall = sup->localwall != NULL;
	if (s->localwall) {
		localwall_hand_over(sup->localwall, &s->local);
	} else {
		snprintf(s->local_why, sizeof(s->local_why), "%s", sup->localwall_why);
	}
	int rc = collect_places(sup, s);
	if (rc == BH_OK) {
		rc = collect_zones(sup, s);
	}
	if (rc == BH_OK) {
		rc = collect_trust(sup, s);
	}
	return rc == BH_OK ? collect_roles(sup, s) : rc;
}

static void record_clear(struct record *r)
{
	if (r->bytes != NULL) {
		explicit_bzero(r->bytes, r->len); /* cookie secrets */
	}
	free(r->bytes);
	*r = (struct record){ .bytes = NULL };
}

static int encode(const struct state *s, struct record *out)
{
	for (size_t room = RECORD_FIRST; room <= STATE_OCTETS_MAX; room *= 2) {
		uint8_t *bytes = malloc(room);
		if (bytes == NULL) {
			return BH_ENOMEM;
		}
		struct sink sink = sink_of(bytes, room);
		size_t fixed = state_encode(&sink, s);
		if (!sink.failed) {
			*out = (struct record){ .bytes = bytes, .len = sink.pos, .fixed = fixed };
			return BH_OK;
		}
		explicit_bzero(bytes, sink.pos);
		free(bytes);
	}
	return BH_ELIMIT;
}

/* The state as it is now, with its descriptors (NULL: not wanted), which are the caller's to free. */
static int record_make(const struct supervisor *sup, struct record *out, int **fds, int *fd_count)
{
	struct state s;
	int rc = collect(sup, &s);
	if (rc == BH_OK) {
		rc = control_collect(sup->control, &s);
	}
	if (rc == BH_OK) {
		rc = encode(&s, out);
	}
	if (rc == BH_OK && fds != NULL) {
		*fd_count = state_descriptors(&s, fds);
		rc = *fd_count < 0 ? *fd_count : BH_OK;
	}
	if (rc != BH_OK) {
		record_clear(out);
	}
	state_clear(&s, true);
	return rc;
}

/* In a sealed memfd that stands at its beginning. -1 and errno. */
static int record_fd(const struct record *r)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t pos = 0;
	while (fd >= 0 && pos < r->len) {
		ssize_t n = pwrite(fd, r->bytes + pos, r->len - pos, (off_t)pos);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break;
		}
		pos += (size_t)n;
	}
	if (fd >= 0 && (pos < r->len || fcntl(fd, F_ADD_SEALS, seals) != 0)) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* --- asking ------------------------------------------------------------------------------------------ */

static void stop_asking(struct upgrade *u)
{
	if (u->readable != NULL) {
		event_free(u->readable);
		u->readable = NULL;
	}
	if (u->answer_fd >= 0) {
		close(u->answer_fd);
		u->answer_fd = -1;
	}
}

static void upgrade_free(struct upgrade *u)
{
	u->sup->upgrade = NULL;
	stop_asking(u);
	if (u->pid != 0) {
		kill(u->pid, SIGKILL); /* its end is nobody's any more */
	}
	if (u->timer != NULL) {
		event_free(u->timer);
	}
	close(u->program_fd);
	record_clear(&u->record);
	free(u);
}

/* It is not to be; nothing has changed. */
static void refuse(struct upgrade *u, const char *why)
{
	struct supervisor *sup = u->sup;
	char text[IPC_TEXT_MAX];
	snprintf(text, sizeof(text), "upgrade refused, nothing has changed: %.400s", why);
	log_err("%s", text);
	upgrade_free(u);
	control_upgraded(sup, 2, text);
	if (sup->stopping) {
		return;
	}
	notify("READY=1\nSTATUS=%s", text);
	if (sup->reload_wanted) {
		supervisor_reload_later(sup);
	}
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct upgrade *u = arg;
	char rest[ANSWER_MAX];
	(void)what;
	bool full = u->used == sizeof(u->answer) - 1;
	ssize_t n = full ? read(fd, rest, sizeof(rest))
			 : read(fd, u->answer + u->used, sizeof(u->answer) - 1 - u->used);
	if (n > 0 && !full) {
		u->used += (size_t)n;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		event_del(u->readable);
	}
}

static void agreed(struct upgrade *u);

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct upgrade *u = arg;
	(void)fd;
	(void)what;
	if (u->agreed_ms != 0 && u->pid == 0) {
		agreed(u);
		return;
	}
	u->late = true;
	if (u->pid != 0) {
		kill(u->pid, SIGKILL); /* its end brings the answer */
	}
}

static void child_fail(const char *what)
{
	char line[ANSWER_MAX];
	int n = snprintf(line, sizeof(line), "cannot be started: %s: %s", what, strerror(errno));
	ssize_t written = write(STDOUT_FILENO, line, n < 0 ? 0 : (size_t)n);
	_exit(written < 0 ? 2 : 1);
}

/* Between fork and exec; the parent's heap may be in any state. */
static void ask_as_child(const struct upgrade *u, int record, int answer)
{
	static char name[] = "bulkheadd";
	static char option_record[] = "-u";
	static char option_ask[] = "-n";
	static char number[] = "3";
	char *argv[] = { name, option_record, number, option_ask, NULL };
	char why[256] = "";

	int program = fcntl(u->program_fd, F_DUPFD_CLOEXEC, FD_PARKING);
	int from = fcntl(record, F_DUPFD_CLOEXEC, FD_PARKING);
	if (dup2(answer, STDOUT_FILENO) < 0 || program < 0 || from < 0 || dup2(from, UPGRADE_FD) < 0) {
		child_fail("descriptors");
	}
	if (signals_reset() != BH_OK || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
		child_fail("signals");
	}
	if (sandbox_carry(why, sizeof(why)) != BH_OK) {
		child_fail(why);
	}
	/* Everything else is close-on-exec already; this says so once more. */
	if (syscall(SYS_close_range, UPGRADE_FD + 1, (unsigned)program - 1, 0) != 0) {
		child_fail("close_range");
	}
	syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
	child_fail("exec");
}

static bool ask(struct upgrade *u, char *why, size_t why_size)
{
	struct timeval patience = { .tv_sec = ANSWER_SEC };
	int answer[2] = { -1, -1 };

	record_clear(&u->record);
	int rc = record_make(u->sup, &u->record, NULL, NULL);
	int record = rc == BH_OK ? record_fd(&u->record) : -1;
	if (record < 0 || pipe2(answer, O_CLOEXEC) != 0 || fcntl(answer[0], F_SETFL, O_NONBLOCK) != 0) {
		snprintf(why, why_size, "the record of the state cannot be made: %s",
			 rc != BH_OK ? bh_strerror(rc) : strerror(errno));
		goto fail;
	}
	u->asked++;
	u->used = 0;
	u->answer_fd = answer[0];
	u->readable = event_new(u->sup->base, answer[0], EV_READ | EV_PERSIST, on_answer, u);
	if (u->readable == NULL || event_add(u->readable, NULL) != 0 || event_add(u->timer, &patience) != 0) {
		snprintf(why, why_size, "out of memory");
		close(answer[1]);
		close(record);
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		ask_as_child(u, record, answer[1]);
	}
	int fork_errno = errno;
	close(answer[1]);
	close(record);
	if (pid < 0) {
		snprintf(why, why_size, "cannot fork: %s", strerror(fork_errno));
		return false;
	}
	u->pid = pid;
	return true;
fail:
	if (record >= 0) {
		close(record);
	}
	for (int i = 0; i < 2; i++) {
		if (answer[i] >= 0) {
			close(answer[i]);
		}
	}
	return false;
}

bool upgrade_begin(struct supervisor *sup, char *why, size_t why_size)
{
	const char *not_now = sup->stopping		      ? "the appliance stops"
			      : sup->current.number == 0   ? "the appliance is starting"
			      : sup->upgrade != NULL	   ? "another upgrade is under way"
			      : sup->elders != NULL	   ? "roles of the version before are still being replaced"
			      : sup->change != NULL	   ? "a reload is under way"
							   : NULL;
	if (not_now != NULL) {
		snprintf(why, why_size, "no upgrade: %s", not_now);
		return false;
	}
	struct upgrade *u = calloc(1, sizeof(*u));
	if (u == NULL) {
		snprintf(why, why_size, "no upgrade: out of memory");
		return false;
	}
	char reason[IPC_TEXT_MAX];
	*u = (struct upgrade){ .sup = sup, .answer_fd = -1 };
	u->program_fd = program_open(sup->program.path, reason, sizeof(reason));
	if (u->program_fd < 0) {
		snprintf(why, why_size, "upgrade refused, nothing has changed: %.400s", reason);
		log_err("%s", why);
		free(u);
		return false;
	}
	sup->upgrade = u;
	u->timer = event_new(sup->base, -1, 0, on_timer, u);
	if (u->timer == NULL) {
		snprintf(reason, sizeof(reason), "out of memory");
	}
	if (u->timer == NULL || !ask(u, reason, sizeof(reason))) {
		snprintf(why, why_size, "upgrade refused, nothing has changed: %.400s", reason);
		log_err("%s", why);
		upgrade_free(u);
		return false;
	}
	log_info("upgrade: asking %s whether it can take over from version=%s", sup->program.path, PACKAGE_VERSION);
	notify_reloading();
	return true;
}

void upgrade_cancel(struct supervisor *sup)
{
	if (sup->upgrade != NULL) {
		refuse(sup->upgrade, "the appliance stops");
	}
}

/* --- exec -------------------------------------------------------------------------------------------- */

static bool set_cloexec(const int *fds, int count, bool on)
{
	bool ok = true;
	for (int i = 0; i < count; i++) {
		ok = fcntl(fds[i], F_SETFD, on ? FD_CLOEXEC : 0) == 0 && ok;
	}
	return ok;
}

/* Returns only when it failed, with everything as it was. */
static void replace(struct upgrade *u, char *why, size_t why_size)
{
	static char name[] = "bulkheadd";
	static char option_record[] = "-u";
	struct supervisor *sup = u->sup;
	char number[16];
	char *argv[] = { name, option_record, number, NULL };
	char detail[256];
	int *fds = NULL;
	int count = 0;
	int record = -1;

	/* Last words on their way to the clients that wait: bounded, and no reason not to go on. */
	control_drain(sup->control);
	struct record now = { .bytes = NULL };
	int rc = record_make(sup, &now, &fds, &count);
	if (rc == BH_OK) {
		record = record_fd(&now);
	}
	record_clear(&now);
	if (record < 0) {
		snprintf(why, why_size, "the record of the state cannot be made: %s",
			 rc != BH_OK ? bh_strerror(rc) : strerror(errno));
		free(fds);
		return;
	}
	if (sandbox_carry(detail, sizeof(detail)) != BH_OK) {
		snprintf(why, why_size, "%s", detail);
	} else if (!set_cloexec(fds, count, false) || fcntl(record, F_SETFD, 0) != 0) {
		snprintf(why, why_size, "descriptors: %s", strerror(errno));
	} else {
		snprintf(number, sizeof(number), "%d", record);
		syscall(SYS_execveat, u->program_fd, "", argv, environ, AT_EMPTY_PATH);
		snprintf(why, why_size, "exec: %s", strerror(errno));
	}
	/* Not gone: back to where we were. A capability that would go through an exec of a role is not tolerated. */
	if (!set_cloexec(fds, count, true) || sandbox_carry_not(detail, sizeof(detail)) != BH_OK) {
		log_fatal("upgrade failed, and walls cannot be restored");
	}
	close(record);
	free(fds);
}

/*
 * What waits for the disk goes with our memory, so it has some seconds; what is being written by then is written to its
 * end by the process that does it. False: asked again soon.
 */
static bool all_saved(struct upgrade *u)
{
	const struct timeval soon = { .tv_usec = SAVE_POLL_MS * 1000 };
	struct saver *saver = u->sup->saver;
	if (u->agreed_ms == 0) {
		u->agreed_ms = clock_now_ms();
		saver_hurry(saver);
	}
	if (saver_is_done(saver)) {
		return true;
	}
	if (clock_now_ms() - u->agreed_ms < SAVER_PATIENCE_SEC * 1000) {
		if (event_add(u->timer, &soon) != 0) {
			log_fatal("out of memory");
		}
		return false;
	}
	log_warn("upgrade: goes on although not all is written below the state directory, generations lost for histories "
		 "count=%zu",
		 saver_unfinished(saver));
	return true;
}

/* It can. Nothing but the clients that wait may be other than what it has seen. */
static void agreed(struct upgrade *u)
{
	struct supervisor *sup = u->sup;
	if (!all_saved(u)) {
		return;
	}
	struct record now = { .bytes = NULL };
	char why[IPC_TEXT_MAX];
	int rc = record_make(sup, &now, NULL, NULL);
	bool same = rc == BH_OK && now.fixed == u->record.fixed && memcmp(now.bytes, u->record.bytes, now.fixed) == 0;
	record_clear(&now);
	if (rc != BH_OK) {
		refuse(u, bh_strerror(rc));
		return;
	}
	if (!same) {
		if (u->asked >= ASKED_MAX) {
			refuse(u, "roles come and go; see their log lines");
		} else if (!ask(u, why, sizeof(why))) {
			refuse(u, why);
		}
		return;
	}
	log_info("upgrade: from version=%s to %s, roles serve on", PACKAGE_VERSION, u->answer);
	replace(u, why, sizeof(why));
	refuse(u, why);
}

bool upgrade_child_ended(struct supervisor *sup, pid_t pid, int status)
{
	struct upgrade *u = sup->upgrade;
	char why[ANSWER_MAX + 64];
	if (u == NULL || u->pid != pid) {
		return false;
	}
	u->pid = 0;
	event_del(u->timer);
	on_answer(u->answer_fd, EV_READ, u); /* what is left; more than one read is not worth saying */
	stop_asking(u);
	u->answer[u->used] = '\0';
	u->answer[strcspn(u->answer, "\n")] = '\0';
	if (u->late) {
		snprintf(why, sizeof(why), "the new program does not answer");
	} else if (WIFSIGNALED(status)) {
		snprintf(why, sizeof(why), "the new program ended by signal %d", WTERMSIG(status));
	} else if (WEXITSTATUS(status) != 0) {
		snprintf(why, sizeof(why), "%s", u->answer[0] != '\0' ? u->answer : "the new program knows no upgrade");
	} else {
		agreed(u);
		return true;
	}
	refuse(u, why);
	return true;
}
