/*
 * The side of the supervisor: what waits, the process that writes, what it tells. Nothing here waits for a disk.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/saver.h"

#include "common/dns/dname.h"
#include "common/ipc/link.h"
#include "common/util/checksum.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "daemons/supervisor/save_batch.h"
#include "daemons/supervisor/tracking.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Generations that wait and are in service no more: each holds its image in memory until it is written. What is above
 * either bound is not kept, the oldest first.
 */
#define UNFINISHED_MAX 1000
#define UNFINISHED_OCTETS_MAX (UINT64_C(1) << 30)
/* Zones with anchors of this configuration, and of the one before. */
#define ANCHORS_WAIT_MAX (2 * TRACKED_ZONES_MAX)
/* How often the writer is looked after. */
#define LOOK_SEC 1
/* After a writer that was killed the next one waits for so long, twice as long each time, up to the second number. */
#define RETRY_FIRST_SEC 5
#define RETRY_MAX_SEC 300
/* In uninterruptible sleep for so long is a disk that hangs; shorter ones are those of any disk. */
#define HANGS_SEC 2
/* Reports taken in one go. */
#define REPORTS_BURST 256
/* From SIGKILL to the end of a process that can end. */
#define KILL_MS 500

struct works {
	struct save_work *items;
	size_t count;
	size_t room;
};

struct saver {
	struct supervisor *sup;
	struct event *timer;
	/* what waits */
	struct works waiting;
	struct ipc_anchor_state *anchors[ANCHORS_WAIT_MAX];
	size_t anchor_count;
	char (*tidy)[IPC_VIEW_MAX];
	size_t tidy_count;
	bool sweep;
	bool keep_anchors;    /* states of zones without an anchor are to be removed */
	uint64_t kept_anchors; /* sum of the zones that this was done for; 0: of none */
	uint64_t not_before_ms;
	unsigned deaths; /* of writers, in a row */
	/* the writer and its batch */
	pid_t pid; /* 0: there is none */
	int fd;	   /* its reports; -1: it says no more */
	struct event *readable;
	char *state_dir;
	struct save_batch batch;
	uint64_t batch_anchors; /* sum of the zones of its set */
	bool *works_told;
	bool *anchors_told;
	bool tidied;
	bool swept;
	bool ended; /* has told all */
	unsigned written;
	unsigned failed;
	uint64_t begun_ms;
	uint64_t heard_ms;
	bool stuck; /* told */
};

static _Noreturn void no_memory(void)
{
	log_fatal("out of memory");
}

static void *must_have(void *p)
{
	if (p == NULL) {
		no_memory();
	}
	return p;
}

/* --- what waits ------------------------------------------------------------------------------------- */

static void work_drop(struct save_work *work)
{
	zone_image_release(work->image);
	work->image = NULL;
}

static void works_add(struct works *works, const struct save_work *work)
{
	if (works->count == works->room) {
		works->room = works->room == 0 ? 16 : works->room * 2;
		works->items = must_have(reallocarray(works->items, works->room, sizeof(*works->items)));
	}
	works->items[works->count++] = *work;
}

static void works_clear(struct works *works)
{
	for (size_t i = 0; i < works->count; i++) {
		work_drop(&works->items[i]);
	}
	free(works->items);
	*works = (struct works){ .items = NULL };
}

static const struct zone_state *zone_of(const struct saver *saver, const struct save_work *work)
{
	const struct zone_set *set = saver->sup->current.zones;
	struct config_zone zone = { .text = NULL };
	const struct zone_state like = { .view_name = work->view, .conf = &zone };
	memcpy(zone.name, work->zone, sizeof(zone.name));
	return set == NULL ? NULL : zone_set_find(set, &like);
}

/* Worth a file: taken by its authorities, and not there yet. Also when the text has a fault since: it is what is served. */
static bool wants_file(const struct zone_state *zone)
{
	const struct zone_image *image = zone->image;
	return image != NULL && !image->saved && image->refused == NULL;
}

/* Of a zone that still exists: what is in service, or missing in the history. */
static bool is_wanted(const struct saver *saver, const struct save_work *work)
{
	const struct zone_state *now = zone_of(saver, work);
	return now != NULL && (now->image == work->image ? wants_file(now) : work->image->refused == NULL);
}

static bool is_unfinished(const struct saver *saver, const struct save_work *work)
{
	const struct zone_state *now = zone_of(saver, work);
	return now != NULL && now->image != work->image;
}

/* Only what is wanted stays, and of what is not in service no more than the bounds allow. */
static void settle_waiting(struct saver *saver)
{
	struct works *works = &saver->waiting;
	unsigned count = 0;
	unsigned lost = 0;
	uint64_t octets = 0;
	for (size_t i = works->count; i > 0; i--) { /* from the newest on */
		struct save_work *work = &works->items[i - 1];
		bool wanted = is_wanted(saver, work);
		if (wanted && is_unfinished(saver, work)) {
			count++;
			octets += work->image->info.size;
			wanted = count <= UNFINISHED_MAX && octets <= UNFINISHED_OCTETS_MAX;
			lost += !wanted;
		}
		if (!wanted) {
			work->image->save_waits = false;
			work_drop(work);
		}
	}
	size_t kept = 0;
	for (size_t i = 0; i < works->count; i++) {
		if (works->items[i].image != NULL) {
			works->items[kept++] = works->items[i];
		}
	}
	works->count = kept;
	if (lost > 0) {
		log_warn("generations of zones are not kept, the disk is too slow for them count=%u", lost);
	}
}

static void add_zone(struct saver *saver, const struct zone_state *zone)
{
	struct save_work work = { .image = zone->image };
	/* It waits already, or is being written from these very sources. */
	if (work.image->save_waits || (work.image->save_ns != 0 && work.image->save_ns == work.image->sources.read_ns)) {
		return;
	}
	work.image->refs++;
	work.image->save_waits = true;
	snprintf(work.view, sizeof(work.view), "%s", zone->view_name);
	memcpy(work.zone, zone->conf->name, sizeof(work.zone));
	works_add(&saver->waiting, &work);
}

static void add_tidy(struct saver *saver, const char *view)
{
	for (size_t i = 0; i < saver->tidy_count; i++) {
		if (strcmp(saver->tidy[i], view) == 0) {
			return;
		}
	}
	saver->tidy = must_have(reallocarray(saver->tidy, saver->tidy_count + 1, sizeof(*saver->tidy)));
	snprintf(saver->tidy[saver->tidy_count++], sizeof(*saver->tidy), "%s", view);
}

static size_t find_anchor(const struct saver *saver, const uint8_t *zone)
{
	size_t i = 0;
	while (i < saver->anchor_count && !dname_equal(saver->anchors[i]->zone, zone)) {
		i++;
	}
	return i;
}

static void add_anchor(struct saver *saver, const struct ipc_anchor_state *state, bool newer)
{
	size_t i = find_anchor(saver, state->zone);
	if (i < saver->anchor_count && !newer) {
		return;
	}
	if (i == ANCHORS_WAIT_MAX) {
		log_err("states of trust anchor keys are not saved, too many wait");
		return;
	}
	if (i == saver->anchor_count) {
		saver->anchors[saver->anchor_count++] = must_have(malloc(sizeof(*state)));
	}
	*saver->anchors[i] = *state;
}

/* Of the zones that have any. */
static uint64_t sum_of_anchors(const struct zone_set *set)
{
	struct checksum sum;
	checksum_begin(&sum);
	for (size_t i = 0; i < set->anchor_count; i++) {
		checksum_add(&sum, set->anchors[i].zone, dname_len(set->anchors[i].zone));
	}
	return checksum_end(&sum) | 1;
}

static bool anything_waits(const struct saver *saver)
{
	return saver->waiting.count > 0 || saver->anchor_count > 0 || saver->tidy_count > 0 || saver->sweep ||
	       saver->keep_anchors;
}

/* During a change images may be loaded of zones that the current generation does not have: nothing is put away then. */
static bool may_tidy(const struct saver *saver)
{
	return saver->tidy_count > 0 && saver->sup->change == NULL && saver->sup->current.zones != NULL;
}

static bool may_start(const struct saver *saver)
{
	return saver->pid == 0 && saver->sup->current.config != NULL && clock_now_ms() >= saver->not_before_ms &&
	       (saver->waiting.count > 0 || saver->anchor_count > 0 || saver->sweep || saver->keep_anchors ||
		may_tidy(saver));
}

/* --- the writer's own side --------------------------------------------------------------------------- */

struct telling {
	int fd;
};

/* Nobody may listen any more (an upgrade): what is to be written is written all the same. */
static void tell(void *ctx, const struct save_report *report)
{
	const struct telling *t = ctx;
	uint8_t bytes[SAVE_REPORT_MAX];
	struct sink s = sink_of(bytes, sizeof(bytes));
	save_report_encode(&s, report);
	while (send(t->fd, bytes, s.pos, MSG_NOSIGNAL) < 0 && errno == EINTR) {
	}
}

static int compare_fds(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;
	return x < y ? -1 : x > y;
}

/* The log, the images, and where to report to. */
static bool keep_descriptors(const struct save_batch *batch, int report_fd)
{
	size_t count = 0;
	int *fds = malloc((batch->work_count + 1) * sizeof(*fds));
	if (fds == NULL) {
		return false;
	}
	fds[count++] = report_fd;
	for (size_t i = 0; i < batch->work_count; i++) {
		fds[count++] = batch->works[i].image->fd->fd;
	}
	qsort(fds, count, sizeof(*fds), compare_fds);
	unsigned next = STDERR_FILENO + 1;
	bool ok = true;
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)fds[i];
		ok = ok && (next >= fd || syscall(SYS_close_range, next, fd - 1, 0) == 0);
		next = fd + 1 > next ? fd + 1 : next;
	}
	ok = ok && syscall(SYS_close_range, next, ~0u, 0) == 0;
	free(fds);
	return ok;
}

/*
 * Signals stay blocked as they are in the supervisor (signals.h): a stop of the appliance is its decision, and one that a
 * terminal sends to all is not for us. Nothing of its event base is touched.
 */
static _Noreturn void write_as_child(const struct save_batch *batch, int report_fd, pid_t parent)
{
	struct telling telling = { .fd = report_fd };
	char why[256] = "";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent) {
		_exit(1);
	}
	(void)prctl(PR_SET_NAME, "bulkheadd-saver", 0, 0, 0); /* for people */
	if (!keep_descriptors(batch, report_fd)) {
		snprintf(why, sizeof(why), "descriptors: %s", strerror(errno));
	} else if (setsid() < 0) {
		snprintf(why, sizeof(why), "session: %s", strerror(errno));
	} else if (sandbox_enter_writer(why, sizeof(why)) == BH_OK) {
		save_batch_write(batch, tell, &telling);
		_exit(0);
	}
	struct save_report report = { .kind = SAVE_SAYS, .level = LOG_LEVEL_ERR };
	snprintf(report.text, sizeof(report.text), "the process that writes zone images does not start: %.200s", why);
	tell(&telling, &report);
	_exit(1);
}

/* --- life of the writer -------------------------------------------------------------------------------- */

static void set_timer(struct saver *saver)
{
	const struct timeval tv = { .tv_sec = LOOK_SEC };
	if (event_add(saver->timer, &tv) != 0) {
		no_memory();
	}
}

/* What waits becomes the batch. */
static void make_batch(struct saver *saver)
{
	const struct generation *g = &saver->sup->current;
	struct save_batch *batch = &saver->batch;
	settle_waiting(saver);
	saver->state_dir = must_have(strdup(g->config->state_dir));
	*batch = (struct save_batch){ .state_dir = saver->state_dir,
				      .policy = { .count = g->config->history_count,
						  .age_sec = (uint64_t)g->config->history_days * 86400 },
				      .set = g->zones,
				      .works = saver->waiting.items,
				      .work_count = saver->waiting.count };
	saver->waiting = (struct works){ .items = NULL };
	for (size_t i = 0; i < batch->work_count; i++) {
		struct save_work *work = &batch->works[i];
		work->read_ns = work->image->sources.read_ns;
		work->image->save_waits = false;
		work->image->save_ns = work->read_ns;
	}
	batch->anchors = must_have(calloc(saver->anchor_count + 1, sizeof(*batch->anchors)));
	for (size_t i = 0; i < saver->anchor_count; i++) {
		batch->anchors[batch->anchor_count++] = *saver->anchors[i];
		free(saver->anchors[i]);
	}
	saver->anchor_count = 0;
	batch->keep_anchors = saver->keep_anchors;
	saver->keep_anchors = false;
	saver->batch_anchors = sum_of_anchors(g->zones);
	if (may_tidy(saver)) {
		batch->tidy = saver->tidy;
		batch->tidy_count = saver->tidy_count;
		saver->tidy = NULL;
		saver->tidy_count = 0;
	}
	if (saver->sweep) {
		batch->sweep = g->config;
		saver->sweep = false;
	}
	saver->works_told = must_have(calloc(batch->work_count + 1, sizeof(bool)));
	saver->anchors_told = must_have(calloc(batch->anchor_count + 1, sizeof(bool)));
	saver->tidied = batch->tidy_count == 0;
	saver->swept = batch->sweep == NULL;
	saver->ended = false;
	saver->written = 0;
	saver->failed = 0;
}

/* What was not told of waits again, in front of what came meanwhile. */
static void put_back(struct saver *saver)
{
	struct save_batch *batch = &saver->batch;
	struct works all = { .items = NULL };
	for (size_t i = 0; i < batch->work_count; i++) {
		struct save_work *work = &batch->works[i];
		work->image->save_ns = 0;
		if (saver->works_told[i] || work->image->save_waits) {
			work_drop(work);
		} else {
			work->image->save_waits = true;
			works_add(&all, work);
		}
	}
	for (size_t i = 0; i < saver->waiting.count; i++) {
		works_add(&all, &saver->waiting.items[i]);
	}
	free(saver->waiting.items);
	saver->waiting = all;
	for (size_t i = 0; i < batch->anchor_count; i++) {
		if (!saver->anchors_told[i]) {
			add_anchor(saver, &batch->anchors[i], false);
		}
	}
	for (size_t i = 0; i < batch->tidy_count && !saver->tidied; i++) {
		add_tidy(saver, batch->tidy[i]);
	}
	saver->sweep = saver->sweep || !saver->swept;
	free(batch->works);
	free(batch->anchors);
	free(batch->tidy);
	free(saver->works_told);
	free(saver->anchors_told);
	free(saver->state_dir);
	saver->state_dir = NULL;
	*batch = (struct save_batch){ .works = NULL };
}

static void stop_listening(struct saver *saver)
{
	if (saver->readable != NULL) {
		event_free(saver->readable);
		saver->readable = NULL;
	}
	if (saver->fd >= 0) {
		close(saver->fd);
		saver->fd = -1;
	}
}

static void on_work(struct saver *saver, const struct save_report *r)
{
	struct save_work *work = &saver->batch.works[r->index];
	struct zone_image *image = work->image;
	saver->works_told[r->index] = true;
	image->save_ns = 0;
	if (!r->ok) {
		return; /* the next change of generation finds that it is not saved */
	}
	saver->written++;
	image->number = r->number;
	image->cause = r->cause;
	image->saved = image->sources.read_ns == work->read_ns; /* else it was compiled again meanwhile, to the same */
}

static void on_report(struct saver *saver, const struct save_report *r)
{
	switch ((enum save_report_kind)r->kind) {
	case SAVE_GOES_ON:
		break;
	case SAVE_SAYS:
		(r->level <= LOG_LEVEL_ERR    ? log_err
		 : r->level == LOG_LEVEL_WARN ? log_warn
		 : r->level == LOG_LEVEL_INFO ? log_info
					      : log_debug)("%s", r->text);
		break;
	case SAVE_TIDIED:
		saver->tidied = true;
		saver->kept_anchors = saver->batch.keep_anchors ? saver->batch_anchors : saver->kept_anchors;
		break;
	case SAVE_ANCHOR:
		if (r->index < saver->batch.anchor_count) {
			saver->anchors_told[r->index] = true;
		}
		break;
	case SAVE_WORK:
		if (r->index < saver->batch.work_count && !saver->works_told[r->index]) {
			on_work(saver, r);
		}
		break;
	case SAVE_SWEPT:
		saver->swept = true;
		if (r->count > 0) {
			log_info("old generations of zones removed count=%u", (unsigned)r->count);
		}
		break;
	case SAVE_END:
		saver->ended = true;
		saver->failed = r->count;
		break;
	}
}

/* What has come. False: there will be no more. */
static bool take_reports(struct saver *saver)
{
	for (unsigned i = 0; i < REPORTS_BURST; i++) {
		uint8_t bytes[SAVE_REPORT_MAX];
		struct save_report report;
		ssize_t n = recv(saver->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			return true;
		}
		if (n <= 0) {
			return false;
		}
		if (save_report_decode(bytes, (size_t)n, &report) != BH_OK) {
			log_err("the process that writes zone images reports what makes no sense, killed pid=%d",
				(int)saver->pid);
			kill(saver->pid, SIGKILL);
			return false;
		}
		saver->heard_ms = clock_now_ms();
		if (saver->stuck) {
			saver->stuck = false;
			log_info("zone images are written again");
		}
		on_report(saver, &report);
	}
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct saver *saver = arg;
	(void)fd;
	(void)what;
	if (!take_reports(saver)) {
		stop_listening(saver); /* its end comes as a signal */
	}
}

static void start(struct saver *saver)
{
	int fds[2];
	make_batch(saver);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
		log_warn("zone images are not saved: %m");
		saver->not_before_ms = clock_now_ms() + RETRY_MAX_SEC * 1000;
		put_back(saver);
		return;
	}
	pid_t parent = getpid();
	/* fork(2) of the C library, which leaves the child a heap to work with; nothing of the heap is in work here. */
	pid_t pid = fork();
	if (pid == 0) {
		write_as_child(&saver->batch, fds[1], parent);
	}
	int fork_errno = errno;
	close(fds[1]);
	saver->fd = fds[0];
	if (pid < 0) {
		log_warn("zone images are not saved: cannot fork: %s", strerror(fork_errno));
		saver->not_before_ms = clock_now_ms() + RETRY_MAX_SEC * 1000;
		stop_listening(saver);
		put_back(saver);
		return;
	}
	saver->pid = pid;
	saver->begun_ms = saver->heard_ms = clock_now_ms();
	saver->stuck = false;
	saver->readable = must_have(event_new(saver->sup->base, saver->fd, EV_READ | EV_PERSIST, on_readable, saver));
	if (event_add(saver->readable, NULL) != 0) {
		no_memory();
	}
	set_timer(saver);
}

/* Now or, when it cannot be, a little later. */
static void go_on(struct saver *saver)
{
	if (may_start(saver)) {
		start(saver);
	}
	if (saver->pid == 0 && anything_waits(saver)) {
		set_timer(saver);
	}
}

bool saver_child_ended(struct saver *saver, pid_t pid, int status)
{
	if (saver == NULL || saver->pid == 0 || saver->pid != pid) {
		return false;
	}
	while (saver->fd >= 0 && take_reports(saver)) {
		/* it has ended, so this does */
	}
	stop_listening(saver);
	saver->pid = 0;
	saver->stuck = false;
	unsigned long long ms = clock_now_ms() - saver->begun_ms;
	bool well = saver->ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (well) {
		if (saver->written > 0 || saver->failed > 0) {
			log_info("zone images saved count=%u failed=%u", saver->written, saver->failed);
		}
		saver->deaths = 0;
	} else {
		unsigned shift = saver->deaths < 6 ? saver->deaths : 6;
		unsigned delay_sec = (unsigned)RETRY_FIRST_SEC << shift;
		delay_sec = delay_sec < RETRY_MAX_SEC ? delay_sec : RETRY_MAX_SEC;
		saver->deaths++;
		saver->not_before_ms = clock_now_ms() + delay_sec * UINT64_C(1000);
		log_err("the process that writes zone images ended by %s %d after %llu.%03llu s written=%u of=%zu, the rest is "
			"written in %u s",
			WIFSIGNALED(status) ? "signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), ms / 1000, ms % 1000, saver->written,
			saver->batch.work_count, delay_sec);
	}
	put_back(saver);
	go_on(saver);
	return true;
}

/* The letter of proc(5): 'D' is uninterruptible sleep. */
static char process_state(pid_t pid)
{
	char path[32];
	char text[256];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0) {
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	const char *end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' ? end[2] : '?';
}

/* Without a sign of life; 0: less than `least`. */
static unsigned quiet_sec(const struct saver *saver, unsigned least)
{
	if (saver == NULL || saver->pid == 0) {
		return 0;
	}
	uint64_t sec = (clock_now_ms() - saver->heard_ms) / 1000;
	return sec < least ? 0 : (unsigned)sec;
}

unsigned saver_stuck_sec(const struct saver *saver)
{
	return quiet_sec(saver, SAVER_STUCK_SEC);
}

unsigned saver_disk_hangs_sec(const struct saver *saver)
{
	unsigned sec = quiet_sec(saver, HANGS_SEC);
	return sec > 0 && process_state(saver->pid) == 'D' ? sec : 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct saver *saver = arg;
	(void)fd;
	(void)what;
	if (saver->pid == 0) {
		go_on(saver);
		return;
	}
	unsigned sec = saver_stuck_sec(saver);
	if (sec > 0 && !saver->stuck) {
		saver->stuck = true;
		log_err("zone images and histories are not being written: nothing for %u s from the process that does it pid=%d "
			"state=%c; service goes on",
			sec, (int)saver->pid, process_state(saver->pid));
	}
	set_timer(saver);
}

/* --- the whole -------------------------------------------------------------------------------------- */

struct saver *saver_new(struct supervisor *sup)
{
	struct saver *saver = calloc(1, sizeof(*saver));
	if (saver == NULL) {
		return NULL;
	}
	saver->sup = sup;
	saver->fd = -1;
	saver->timer = event_new(sup->base, -1, 0, on_timer, saver);
	if (saver->timer == NULL) {
		free(saver);
		return NULL;
	}
	return saver;
}

static const struct config_view *find_view(const struct config *config, const char *name)
{
	for (size_t v = 0; v < config->view_count; v++) {
		if (strcmp(config->views[v].name, name) == 0) {
			return &config->views[v];
		}
	}
	return NULL;
}

/* Are the files of this view's zones, by their names, those of before? */
static bool has_same_files(const struct config *config, const struct config *before, const char *view)
{
	const struct config_view *a = find_view(config, view);
	const struct config_view *b = find_view(before, view);
	bool same = a != NULL && b != NULL && a->zone_count == b->zone_count &&
		    strcmp(config->state_dir, before->state_dir) == 0;
	for (size_t i = 0; same && i < a->zone_count; i++) {
		same = dname_equal(a->zones[i].name, b->zones[i].name);
	}
	return same;
}

static bool has_refused(const struct zone_set *set, const char *view)
{
	struct zone_range range = zone_set_view(set, view);
	for (size_t i = 0; i < range.count; i++) {
		const struct zone_image *image = range.items[i].image;
		if (image != NULL && image->refused != NULL && image->saved) {
			return true;
		}
	}
	return false;
}

void saver_save(struct saver *saver, const struct config *before)
{
	const struct generation *g = &saver->sup->current;
	const struct config *const configs[] = { g->config, before };
	for (size_t i = 0; i < COUNT(configs); i++) {
		for (size_t v = 0; configs[i] != NULL && v < configs[i]->view_count; v++) {
			const char *view = configs[i]->views[v].name;
			/* Looking through a folder costs something for each zone of the view. */
			if (before == NULL || !has_same_files(g->config, before, view) || has_refused(g->zones, view)) {
				add_tidy(saver, view);
			}
		}
	}
	for (size_t i = 0; i < g->zones->count; i++) {
		if (wants_file(&g->zones->items[i])) {
			add_zone(saver, &g->zones->items[i]);
		}
	}
	/* One that is not told of is wanted again by the next generation. */
	saver->keep_anchors = tracking_is_on(g) && saver->kept_anchors != sum_of_anchors(g->zones);
	settle_waiting(saver);
	go_on(saver);
}

void saver_put_anchor(struct saver *saver, const struct ipc_anchor_state *state)
{
	add_anchor(saver, state, true);
	go_on(saver);
}

bool saver_has_anchor(const struct saver *saver, const uint8_t *zone)
{
	bool has = find_anchor(saver, zone) < saver->anchor_count;
	for (size_t i = 0; i < saver->batch.anchor_count; i++) {
		has = has || (!saver->anchors_told[i] && dname_equal(saver->batch.anchors[i].zone, zone));
	}
	return has;
}

void saver_sweep(struct saver *saver)
{
	saver->sweep = true;
	go_on(saver);
}

void saver_hurry(struct saver *saver)
{
	saver->not_before_ms = 0;
	go_on(saver);
}

bool saver_is_done(const struct saver *saver)
{
	return saver->pid == 0 && !anything_waits(saver);
}

size_t saver_unfinished(const struct saver *saver)
{
	size_t count = 0;
	for (size_t i = 0; i < saver->waiting.count; i++) {
		count += is_unfinished(saver, &saver->waiting.items[i]);
	}
	return count;
}

/* One in uninterruptible sleep ends when the disk comes back, with the one system call it is in. */
static void end_writer(struct saver *saver)
{
	kill(saver->pid, SIGKILL);
	for (unsigned ms = 0; ms < KILL_MS; ms++) {
		pid_t pid = waitpid(saver->pid, NULL, WNOHANG);
		if (pid == saver->pid || (pid < 0 && errno != EINTR)) {
			log_warn("zone images are not all written, the process that writes them was killed");
			return;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	log_err("zone images are not all written: the process that writes them hangs in the disk and is left behind pid=%d",
		(int)saver->pid);
}

void saver_free(struct saver *saver)
{
	if (saver == NULL) {
		return;
	}
	if (saver->pid != 0) {
		end_writer(saver);
		stop_listening(saver);
		put_back(saver);
	}
	event_free(saver->timer);
	works_clear(&saver->waiting);
	for (size_t i = 0; i < saver->anchor_count; i++) {
		free(saver->anchors[i]);
	}
	free(saver->tidy);
	free(saver);
}
