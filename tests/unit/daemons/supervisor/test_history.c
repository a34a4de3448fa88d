/*
 * Histories of zones: what is kept, what is removed, and that a cut at any step of writing leaves the old state or the
 * new one. The linker leads the calls that change the disk through here (--wrap): each can be made to fail, or the
 * process to end in front of it, and what is forced to disk before what is seen. All this happens in the process that
 * the saver starts for it; what it counts lies in memory that both see.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "daemons/supervisor/anchor_file.h"
#include "daemons/supervisor/history.h"
#include "daemons/supervisor/saver.h"
#include "daemons/supervisor/supervisor.h"
#include "daemons/supervisor/sweep.h"
#include "daemons/supervisor/tracking.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Above FORCE_OCTETS of the saver, so that a piece is forced on the way. */
#define IMAGE_OCTETS ((5u << 18) + 64)

/* --- the disk ---------------------------------------------------------------------------------------- */

enum fault { FAULT_NONE, FAULT_FAIL, FAULT_END, FAULT_HANG };

static struct disk {
	enum fault fault;
	unsigned at;	/* the step that it happens at, from 1 */
	unsigned steps;
	/* order of things on disk */
	bool dirty;	 /* the temporary file was written to since its last fsync */
	bool renamed;	 /* and its folder not forced since */
	unsigned disorder;
} *disk;

static void disk_reset(void)
{
	if (disk == NULL) {
		disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		cr_assert_neq(disk, MAP_FAILED);
	}
	*disk = (struct disk){ .fault = FAULT_NONE };
}

/* In front of each step. True: it fails. */
static bool step(void)
{
	disk->steps++;
	if (disk->fault == FAULT_NONE || disk->steps != disk->at) {
		return false;
	}
	if (disk->fault != FAULT_FAIL) {
		raise(disk->fault == FAULT_END ? SIGKILL : SIGSTOP);
		return false;
	}
	errno = EIO;
	return true;
}

#define REAL(type, name, ...) type __real_##name(__VA_ARGS__); type __wrap_##name(__VA_ARGS__)

REAL(int, openat, int dir, const char *path, int flags, mode_t mode);
REAL(int, mkdir, const char *path, mode_t mode);
REAL(int, mkdirat, int dir, const char *path, mode_t mode);
REAL(ssize_t, pwrite, int fd, const void *bytes, size_t len, off_t at);
REAL(ssize_t, sendfile, int to, int from, off_t *at, size_t len);
REAL(int, fdatasync, int fd);
REAL(int, fsync, int fd);
REAL(int, linkat, int from_dir, const char *from, int to_dir, const char *to, int flags);
REAL(int, renameat, int from_dir, const char *from, int to_dir, const char *to);
REAL(int, unlinkat, int dir, const char *path, int flags);

int __wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
	return (flags & O_CREAT) != 0 && step() ? -1 : __real_openat(dir, path, flags, mode);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	return step() ? -1 : __real_mkdir(path, mode);
}

int __wrap_mkdirat(int dir, const char *path, mode_t mode)
{
	return step() ? -1 : __real_mkdirat(dir, path, mode);
}

/* A cut in the middle of it, too: half of what was to be written is. */
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	disk->dirty = true;
	if (disk->fault == FAULT_END && disk->steps + 1 == disk->at && __real_pwrite(fd, bytes, len / 2, at) < 0) {
		return -1;
	}
	return step() ? -1 : __real_pwrite(fd, bytes, len, at);
}

ssize_t __wrap_sendfile(int to, int from, off_t *at, size_t len)
{
	disk->dirty = true;
	if (disk->fault == FAULT_END && disk->steps + 1 == disk->at && __real_sendfile(to, from, at, len / 2) < 0) {
		return -1;
	}
	return step() ? -1 : __real_sendfile(to, from, at, len);
}

int __wrap_fdatasync(int fd)
{
	return step() ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
	struct stat st;
	if (step()) {
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		disk->renamed = false;
	} else {
		disk->dirty = false;
	}
	return __real_fsync(fd);
}

/* What is linked has its last name for a moment from the next rename on: nothing unforced may be before it. */
int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (step()) {
		return -1;
	}
	disk->renamed = true; /* the history's folder is not forced yet */
	return __real_linkat(from_dir, from, to_dir, to, flags);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	if (step()) {
		return -1;
	}
	disk->disorder += disk->dirty || disk->renamed;
	disk->renamed = true;
	return __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_unlinkat(int dir, const char *path, int flags)
{
	return step() ? -1 : __real_unlinkat(dir, path, flags);
}

/* --- a place with one zone -------------------------------------------------------------------------------- */

struct place {
	char dir[64];
	struct config config;
	struct config_view view;
	struct config_zone zone;
	struct zone_set *set;
	struct supervisor sup; /* as much of it as the saver looks at */
};

static void place_new(struct place *p)
{
	*p = (struct place){ .dir = "/tmp/history.XXXXXX" };
	disk_reset();
	cr_assert_not_null(mkdtemp(p->dir));
	cr_assert_gt(dname_from_text("example.", p->zone.name), 0);
	p->zone.text = "example.";
	p->zone.file = "example";
	snprintf(p->view.name, sizeof(p->view.name), "inside");
	p->view.zones = &p->zone;
	p->view.zone_count = 1;
	p->config = (struct config){ .state_dir = p->dir,
				     .views = &p->view,
				     .view_count = 1,
				     .history_count = 20,
				     .history_days = 90 };
	p->sup.base = event_base_new();
	p->set = zone_set_new(&p->config);
	cr_assert(p->sup.base != NULL && p->set != NULL);
	p->sup.saver = saver_new(&p->sup);
	cr_assert_not_null(p->sup.saver);
}

static void place_free(struct place *p)
{
	char command[128];
	saver_free(p->sup.saver);
	zone_set_free(p->set);
	event_base_free(p->sup.base);
	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	cr_assert_eq(system(command), 0);
}

/* The zone has another image: octets that tell which one, from front to end. */
static void make_image(struct place *p, uint32_t serial)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	cr_assert(fd >= 0 && ftruncate(fd, IMAGE_OCTETS) == 0);
	uint32_t *octets = mmap(NULL, IMAGE_OCTETS, PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(octets, MAP_FAILED);
	for (size_t i = 0; i < IMAGE_OCTETS / sizeof(*octets); i++) {
		octets[i] = serial;
	}
	munmap(octets, IMAGE_OCTETS);
	struct zone_image *image = calloc(1, sizeof(*image));
	cr_assert_not_null(image);
	image->refs = 1;
	image->fd = shared_fd_new(fd);
	image->cause = (struct zone_cause){ .kind = ZONE_CAUSE_RELOAD, .uid = 7 };
	image->info = (struct ipc_compiled){
		.ok = 1, .serial = serial, .records = 3, .size = IMAGE_OCTETS, .checksum = UINT64_C(1000) + serial
	};
	zone_image_release(p->set->items[0].image);
	p->set->items[0].image = image;
}

static bool is_saved(const struct place *p)
{
	return p->set->items[0].image->saved;
}

/* The generation that is in service is to be saved. */
static void begin_saving(struct place *p)
{
	p->sup.current = (struct generation){ .number = 1, .config = &p->config, .zones = p->set };
	saver_save(p->sup.saver, NULL);
}

/* A turn of the event loop, and the end of a writer as the supervisor hears of it. */
static void turn(struct place *p)
{
	int status;
	event_base_loop(p->sup.base, EVLOOP_NONBLOCK);
	pid_t pid = waitpid(-1, &status, WNOHANG);
	if (pid > 0) {
		cr_assert(saver_child_ended(p->sup.saver, pid, status));
	}
	usleep(500);
}

static void finish_saving(struct place *p)
{
	for (unsigned i = 0; i < 20000 && !saver_is_done(p->sup.saver); i++) {
		turn(p);
	}
	cr_assert(saver_is_done(p->sup.saver));
}

static void save(struct place *p)
{
	begin_saving(p);
	finish_saving(p);
}

/* Until the writer stands in front of this step and hangs there: its process. */
static pid_t hang_at(struct place *p, unsigned at)
{
	siginfo_t info;
	disk_reset();
	disk->fault = FAULT_HANG;
	disk->at = at;
	begin_saving(p);
	cr_assert_eq(waitid(P_ALL, 0, &info, WSTOPPED), 0);
	disk->fault = FAULT_NONE;
	return info.si_pid;
}

static void save_new(struct place *p, uint32_t serial)
{
	make_image(p, serial);
	save(p);
	cr_assert(is_saved(p), "serial %u", serial);
}

/* Is this the image of that serial, all of it? */
static bool is_image_of(int fd, uint32_t serial)
{
	struct stat st;
	bool same = fstat(fd, &st) == 0 && st.st_size == IMAGE_OCTETS;
	const uint32_t *octets = mmap(NULL, IMAGE_OCTETS, PROT_READ, MAP_SHARED, fd, 0);
	for (size_t i = 0; same && i < IMAGE_OCTETS / sizeof(*octets); i++) {
		same = octets[i] == serial;
	}
	munmap((void *)(uintptr_t)octets, IMAGE_OCTETS);
	return same;
}

/* Whole, and what its head says? Returns the serial. */
static uint32_t check_generation(const struct place *p, uint64_t number)
{
	struct saved_head head;
	char why[HISTORY_WHY_MAX] = "";
	int fd = -1;
	int rc = history_open(p->dir, "inside", p->zone.name, number, &head, &fd, why, sizeof(why));
	cr_assert_eq(rc, BH_OK, "generation %u: %s", (unsigned)number, why);
	cr_assert(is_image_of(fd, head.info.serial), "generation %u", (unsigned)number);
	close(fd);
	sources_clear(&head.sources);
	return head.info.serial;
}

static struct history read_history(const struct place *p)
{
	struct history h;
	char why[IPC_TEXT_MAX] = "";
	cr_assert_eq(history_read(p->dir, "inside", p->zone.name, &h, why, sizeof(why)), BH_OK, "%s", why);
	return h;
}

/* Serials from the newest on, as text. */
static const char *serials(const struct place *p)
{
	static char text[512];
	struct history h = read_history(p);
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < h.count; i++) {
		const struct history_item *item = &h.items[i];
		cr_assert(i == 0 || item->number < h.items[i - 1].number, "the newest first, each once");
		uint32_t serial = item->fault[0] == '\0' ? check_generation(p, item->number) : 0;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", used > 0 ? " " : "", (unsigned)serial);
	}
	history_clear(&h);
	return text;
}

static bool has_file(const struct place *p, const char *name)
{
	char path[512];
	struct stat st;
	snprintf(path, sizeof(path), "%s/inside/%s", p->dir, name);
	return lstat(path, &st) == 0;
}

static bool has_state(const struct place *p, const char *zone)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/anchors/%s.state", p->dir, zone);
	return access(path, F_OK) == 0;
}

/* --- keeping ---------------------------------------------------------------------------------------------- */

Test(history, each_generation_is_kept_with_its_head)
{
	struct place p;
	place_new(&p);
	cr_assert_str_eq(serials(&p), "");
	for (uint32_t serial = 1; serial <= 4; serial++) {
		save_new(&p, serial);
	}
	cr_assert_str_eq(serials(&p), "4 3 2 1");
	struct history h = read_history(&p);
	cr_assert(h.items[0].newest && !h.items[1].newest);
	for (size_t i = 0; i < h.count; i++) {
		const struct saved_head *head = &h.items[i].head;
		cr_assert_eq(h.items[i].number, 4 - i);
		cr_assert(head->cause.kind == ZONE_CAUSE_RELOAD && head->cause.uid == 7);
		cr_assert(head->since_sec <= clock_wall_sec() && head->since_sec + 600 > clock_wall_sec());
	}
	history_clear(&h);
	place_free(&p);
}

Test(history, folders_and_files_are_for_root_alone)
{
	static const char *const paths[] = { "inside", "inside/example.image", "inside/example.history",
					     "inside/example.history/1" };
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	save_new(&p, 2);
	for (size_t i = 0; i < COUNT(paths); i++) {
		char path[256];
		struct stat st;
		snprintf(path, sizeof(path), "%s/%s", p.dir, paths[i]);
		cr_assert_eq(stat(path, &st), 0, "%s", path);
		cr_assert_eq(st.st_mode & 077, 0, "%s", path);
	}
	place_free(&p);
}

Test(history, the_same_image_is_no_new_generation)
{
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	save_new(&p, 2);
	save_new(&p, 2); /* compiled anew, as after a start */
	cr_assert_str_eq(serials(&p), "2 1");
	place_free(&p);
}

Test(history, numbers_are_never_given_twice)
{
	struct place p;
	char path[256];
	place_new(&p);
	for (uint32_t serial = 1; serial <= 3; serial++) {
		save_new(&p, serial);
	}
	snprintf(path, sizeof(path), "%s/inside/example.image", p.dir);
	cr_assert_eq(truncate(path, 100), 0); /* the newest is damaged */
	save_new(&p, 9);
	cr_assert_str_eq(serials(&p), "9 2 1");
	struct history h = read_history(&p);
	cr_assert_eq(h.items[0].number, 3, "what cannot be read has no number that could be taken");
	history_clear(&h);
	save_new(&p, 10);
	cr_assert_str_eq(serials(&p), "10 9 2 1");
	place_free(&p);
}

Test(history, a_rollback_names_the_image_and_has_none)
{
	struct place p;
	struct stat st;
	char path[256];
	char why[128];
	int fd;
	place_new(&p);
	save_new(&p, 1);
	save_new(&p, 2);
	make_image(&p, 1);
	p.set->items[0].image->cause.kind = ZONE_CAUSE_ROLLBACK;
	p.set->items[0].image->rollback =
		(struct zone_rollback){ .image_of = 1, .text_serial = 2, .text_size = 5, .text_checksum = 1002 };
	save(&p);
	cr_assert(is_saved(&p));
	snprintf(path, sizeof(path), "%s/inside/example.image", p.dir);
	cr_assert(stat(path, &st) == 0 && st.st_size < 4096);
	cr_assert_str_eq(serials(&p), "1 2 1");

	struct saved_head head;
	cr_assert_eq(saved_load(p.dir, "inside", "/nowhere", &p.zone, 0, SAVED_ANY, &head, &fd, why, sizeof(why)), BH_OK,
		     "%s", why);
	cr_assert(head.number == 3 && head.image_of == 1 && head.text_checksum == 1002);
	cr_assert(is_image_of(fd, 1));
	close(fd);
	sources_clear(&head.sources);

	p.config.history_count = 1; /* the generation that is served stays whatever the policy says */
	p.config.history_days = 0;
	save_new(&p, 5);
	cr_assert_str_eq(serials(&p), "5 0", "the rollback is kept, its image is not: %s", serials(&p));
	struct history h = read_history(&p);
	cr_assert_str_eq(h.items[1].fault, "serves a generation that is not kept any more");
	history_clear(&h);
	place_free(&p);
}

/* It was chosen while a generation was being written that takes the last place: the image is written again. */
Test(history, what_is_served_comes_back_when_it_was_removed_meanwhile)
{
	struct place p;
	place_new(&p);
	p.config.history_count = 1;
	save_new(&p, 1);
	save_new(&p, 2);
	make_image(&p, 3);
	pid_t writer = hang_at(&p, 1);
	cr_assert_str_eq(serials(&p), "2 1");
	make_image(&p, 1);
	p.set->items[0].image->rollback = (struct zone_rollback){ .image_of = 1, .text_serial = 3 };
	begin_saving(&p);
	cr_assert_eq(kill(writer, SIGCONT), 0);
	finish_saving(&p);
	cr_assert(is_saved(&p));
	cr_assert_str_eq(serials(&p), "1 3 1", "%s", serials(&p));
	struct history h = read_history(&p);
	cr_assert(h.items[0].head.image_of == 1 && h.items[2].number == 1 && h.items[2].head.image_of == 0);
	history_clear(&h);
	cr_assert_not(has_file(&p, ".saving"));
	cr_assert_eq(disk->disorder, 0, "steps are not in order");
	place_free(&p);
}

Test(history, what_is_served_is_never_removed)
{
	struct place p;
	place_new(&p);
	for (uint32_t serial = 1; serial <= 4; serial++) {
		save_new(&p, serial);
	}
	p.config.history_count = 1;
	make_image(&p, 1);
	p.set->items[0].image->rollback = (struct zone_rollback){ .image_of = 1 };
	save(&p);
	cr_assert_str_eq(serials(&p), "1 4 1");
	place_free(&p);
}

Test(history, retention_by_count)
{
	static const struct {
		unsigned count;
		const char *left;
	} cases[] = { { 0, "6 5 4 3 2 1" }, { 1, "6 5" }, { 3, "6 5 4 3" }, { 5, "6 5 4 3 2 1" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place p;
		place_new(&p);
		for (uint32_t serial = 1; serial <= 6; serial++) {
			p.config.history_count = serial < 6 ? 100 : cases[i].count;
			save_new(&p, serial);
		}
		/* None to be kept: the one before is not, what was kept goes with the next look at all folders. */
		cr_assert_str_eq(serials(&p), cases[i].count == 0 ? "6 4 3 2 1" : cases[i].left, "%u: %s", cases[i].count,
				 serials(&p));
		place_free(&p);
	}
}

Test(history, retention_by_age)
{
	static const struct {
		uint64_t age_sec;
		uint64_t later_sec;
		unsigned removed;
	} cases[] = { { 100, 0, 0 }, { 100, 50, 0 }, { 100, 1000, 2 }, { 0, 1000000, 0 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place p;
		char path[128];
		place_new(&p);
		for (uint32_t serial = 1; serial <= 3; serial++) {
			save_new(&p, serial);
		}
		snprintf(path, sizeof(path), "%s/inside", p.dir);
		int dir = open(path, O_RDONLY | O_DIRECTORY);
		const struct history_policy policy = { .count = 20, .age_sec = cases[i].age_sec };
		cr_assert_eq(history_prune(dir, "example.history", 0, &policy, clock_wall_sec() + cases[i].later_sec),
			     cases[i].removed);
		close(dir);
		cr_assert_eq(has_file(&p, "example.history"), cases[i].removed == 0, "an empty folder goes");
		place_free(&p);
	}
}

Test(history, a_zone_that_is_configured_no_more_keeps_its_history)
{
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	save_new(&p, 2);
	p.view.zone_count = 0;
	zone_set_free(p.set);
	p.set = zone_set_new(&p.config);
	save(&p);
	cr_assert_not(has_file(&p, "example.image"));
	cr_assert_str_eq(serials(&p), "2 1");
	p.view.zone_count = 1;
	zone_set_free(p.set);
	p.set = zone_set_new(&p.config);
	save_new(&p, 3); /* it is back */
	cr_assert_str_eq(serials(&p), "3 2 1");
	place_free(&p);
}

/* What comes while the writer hangs waits for it, and each generation has its place in the history. */
Test(history, what_comes_while_the_disk_hangs_is_written_later)
{
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	make_image(&p, 2);
	pid_t writer = hang_at(&p, 4);
	cr_assert(has_file(&p, ".saving"));
	for (uint32_t serial = 3; serial <= 6; serial++) {
		make_image(&p, serial);
		begin_saving(&p);
		begin_saving(&p); /* the same once more */
	}
	for (unsigned i = 0; i < 50; i++) {
		turn(&p);
	}
	cr_assert_not(saver_is_done(p.sup.saver));
	cr_assert_eq(saver_unfinished(p.sup.saver), 3);
	cr_assert_str_eq(serials(&p), "1");
	cr_assert_eq(kill(writer, SIGCONT), 0);
	finish_saving(&p);
	cr_assert(is_saved(&p));
	cr_assert_str_eq(serials(&p), "6 5 4 3 2 1");
	place_free(&p);
}

/* A text that does not compile changes nothing: the generation before it is served, and is to be found by the next start. */
Test(history, what_waits_is_written_when_the_next_text_has_a_fault)
{
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	make_image(&p, 2);
	pid_t writer = hang_at(&p, 4);
	make_image(&p, 3);
	begin_saving(&p);
	p.set->items[0].stale = true;
	begin_saving(&p);
	cr_assert_eq(kill(writer, SIGCONT), 0);
	finish_saving(&p);
	cr_assert(is_saved(&p));
	cr_assert_str_eq(serials(&p), "3 2 1");
	place_free(&p);
}

/* More of them than memory may be used for: the oldest are not kept, what is in service is. */
Test(history, what_waits_for_a_disk_that_hangs_is_bounded)
{
	struct place p;
	place_new(&p);
	p.config.history_count = 2000;
	make_image(&p, 1);
	pid_t writer = hang_at(&p, 1);
	for (uint32_t serial = 2; serial <= 1200; serial++) {
		make_image(&p, serial);
		p.set->items[0].image->info.size = UINT64_C(1) << 20; /* as far as the count of octets goes */
		begin_saving(&p);
	}
	cr_assert_eq(saver_unfinished(p.sup.saver), 1000);
	for (uint32_t serial = 1201; serial <= 1210; serial++) {
		make_image(&p, serial);
		p.set->items[0].image->info.size = UINT64_C(100) << 20;
		begin_saving(&p);
	}
	cr_assert_lt(saver_unfinished(p.sup.saver), 200);
	saver_free(p.sup.saver); /* the writer is killed where it stands */
	p.sup.saver = NULL;
	cr_assert_eq(kill(writer, 0), -1);
	place_free(&p);
}

/* The writer removes them, as a disk that hangs must not hold up the supervisor. */
Test(history, states_of_former_anchors_go_when_the_disk_lets_them)
{
	struct place p;
	struct ipc_anchor_state state = { .next_sec = 1 };
	char why[IPC_TEXT_MAX];
	place_new(&p);
	p.config.resolver.present = true;
	cr_assert_eq(zone_set_add_root_anchors(p.set), BH_OK);
	cr_assert_eq(anchor_file_save(p.dir, &state, why, sizeof(why)), BH_OK, "%s", why);
	memcpy(state.zone, p.zone.name, sizeof(state.zone));
	cr_assert_eq(anchor_file_save(p.dir, &state, why, sizeof(why)), BH_OK, "%s", why);
	pid_t writer = hang_at(&p, 1);
	cr_assert(has_state(&p, "@") && has_state(&p, "example"));
	cr_assert_eq(kill(writer, SIGCONT), 0);
	finish_saving(&p);
	cr_assert(has_state(&p, "@") && !has_state(&p, "example"));

	saver_save(p.sup.saver, &p.config);
	cr_assert(saver_is_done(p.sup.saver), "all is as it was: nothing to look for");
	struct ipc_anchor more = { .zone = "\7example" };
	cr_assert_eq(zone_set_add_anchor(p.set, &more), BH_OK);
	saver_save(p.sup.saver, &p.config);
	cr_assert_not(saver_is_done(p.sup.saver));
	finish_saving(&p);
	place_free(&p);
}

/* Compiled again to the same image from other files, while it is being written: it is written with those, too. */
Test(history, sources_that_change_while_it_is_written_are_written_later)
{
	struct place p;
	struct saved_head head;
	char why[128] = "";
	int fd;
	place_new(&p);
	make_image(&p, 1);
	p.set->items[0].image->sources.read_ns = 7;
	pid_t writer = hang_at(&p, 4);
	p.set->items[0].image->sources.read_ns = 8;
	begin_saving(&p);
	cr_assert_eq(kill(writer, SIGCONT), 0);
	finish_saving(&p);
	cr_assert(is_saved(&p));
	cr_assert_eq(saved_load(p.dir, "inside", "/nowhere", &p.zone, 0, SAVED_ANY, &head, &fd, why, sizeof(why)), BH_OK,
		     "%s", why);
	cr_assert_eq(head.sources.read_ns, 8);
	cr_assert_eq(head.number, 1);
	close(fd);
	sources_clear(&head.sources);
	place_free(&p);
}

/* While a change is under way nothing is put away: it may be about to load what is there. */
Test(history, nothing_is_put_away_during_a_change)
{
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	p.view.zone_count = 0;
	zone_set_free(p.set);
	p.set = zone_set_new(&p.config);
	p.sup.change = (struct change *)(uintptr_t)&p; /* nobody looks into it */
	begin_saving(&p);
	for (unsigned i = 0; i < 50; i++) {
		turn(&p);
	}
	cr_assert(has_file(&p, "example.image"));
	p.sup.change = NULL;
	save(&p);
	cr_assert_not(has_file(&p, "example.image"));
	place_free(&p);
}

static bool has_no_capability(pid_t pid)
{
	static const char *const sets[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:" };
	char path[64];
	char line[256];
	unsigned none = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		for (size_t i = 0; i < COUNT(sets); i++) {
			none += strncmp(line, sets[i], 7) == 0 && strtoull(line + 7, NULL, 16) == 0;
		}
	}
	fclose(file);
	return none == COUNT(sets);
}

static unsigned count_descriptors(pid_t pid)
{
	char command[128];
	unsigned count = 0;
	snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", (int)pid);
	FILE *out = popen(command, "r");
	cr_assert(out != NULL && fscanf(out, "%u", &count) == 1);
	pclose(out);
	return count;
}

/* 0, 1 and 2, the image, the socket, the folder of the view and the temporary file. */
Test(history, the_writer_holds_nothing_that_it_does_not_need)
{
	struct place p;
	place_new(&p);
	make_image(&p, 1);
	int more = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t writer = hang_at(&p, 4);
	cr_assert(has_file(&p, ".saving"));
	cr_assert(has_no_capability(writer));
	cr_assert_eq(count_descriptors(writer), 7, "%u", count_descriptors(writer));
	cr_assert_eq(getsid(writer), writer);
	cr_assert_eq(kill(writer, SIGCONT), 0);
	finish_saving(&p);
	close(more);
	place_free(&p);
}

/* A writer of another supervisor, that has ended or become another program: it holds the folder of the view. */
static pid_t hold_folder(const struct place *p)
{
	int fds[2];
	char path[256];
	char octet;
	cr_assert_eq(pipe(fds), 0);
	snprintf(path, sizeof(path), "%s/inside", p->dir);
	pid_t other = fork();
	if (other == 0) {
		int dir = open(path, O_RDONLY | O_DIRECTORY);
		alarm(60); /* it goes with a test that fails */
		bool locked = flock(dir, LOCK_EX) == 0 && write(fds[1], "x", 1) == 1;
		pause();
		_exit(locked ? 0 : 1);
	}
	cr_assert_eq(read(fds[0], &octet, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return other;
}

static void let_go(pid_t other)
{
	cr_assert(kill(other, SIGKILL) == 0 && waitpid(other, NULL, 0) == other);
}

/* Who comes after it waits for its end. */
Test(history, a_writer_that_was_left_behind_is_waited_for)
{
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	pid_t other = hold_folder(&p);
	make_image(&p, 2);
	begin_saving(&p);
	for (unsigned i = 0; i < 100; i++) {
		event_base_loop(p.sup.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	cr_assert(!is_saved(&p) && !has_file(&p, ".saving"));
	let_go(other);
	finish_saving(&p);
	cr_assert(is_saved(&p));
	cr_assert_str_eq(serials(&p), "2 1");
	place_free(&p);
}

Test(history, nothing_is_swept_away_beside_a_writer_that_was_left_behind)
{
	struct place p;
	place_new(&p);
	for (uint32_t serial = 1; serial <= 4; serial++) {
		save_new(&p, serial);
	}
	p.config.history_count = 1;
	pid_t other = hold_folder(&p);
	saver_sweep(p.sup.saver);
	for (unsigned i = 0; i < 100; i++) {
		turn(&p);
	}
	cr_assert_str_eq(serials(&p), "4 3 2 1");
	let_go(other);
	finish_saving(&p);
	cr_assert_str_eq(serials(&p), "4 3");
	place_free(&p);
}

/* --- damage ---------------------------------------------------------------------------------------------------- */

Test(history, damage_is_told_and_costs_that_generation_alone)
{
	static const struct {
		const char *what;
		int64_t cut; /* -1: not cut */
		int64_t flip;
		const char *fault;
	} cases[] = {
		{ "an empty file", 0, -1, "is not a saved image, or is not complete" },
		{ "cut in the head", 60, -1, "is cut" },
		{ "cut in the image", 1 << 18, -1, "is cut, or too long" },
		{ "another magic", -1, 2, "is not a saved image, or is not complete" },
		{ "a bit of the head", -1, 40, "is damaged: sum of its head" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place p;
		char path[256];
		uint8_t octet;
		place_new(&p);
		for (uint32_t serial = 1; serial <= 3; serial++) {
			save_new(&p, serial);
		}
		snprintf(path, sizeof(path), "%s/inside/example.history/2", p.dir);
		int fd = open(path, O_RDWR);
		cr_assert(fd >= 0);
		if (cases[i].cut >= 0) {
			cr_assert_eq(ftruncate(fd, cases[i].cut), 0);
		} else {
			cr_assert_eq(pread(fd, &octet, 1, cases[i].flip), 1);
			octet ^= 4;
			cr_assert_eq(pwrite(fd, &octet, 1, cases[i].flip), 1);
		}
		close(fd);
		struct history h = read_history(&p);
		cr_assert_eq(h.count, 3, "%s", cases[i].what);
		cr_assert_str_eq(h.items[1].fault, cases[i].fault, "%s: %s", cases[i].what, h.items[1].fault);
		history_clear(&h);
		cr_assert_str_eq(serials(&p), "3 0 1", "%s", cases[i].what);
		place_free(&p);
	}
}

static void make_version(struct saved_head *head)
{
	head->image_version += 1;
}

static void make_zone(struct saved_head *head)
{
	cr_assert_gt(dname_from_text("another.", head->zone), 0);
}

static void make_number(struct saved_head *head)
{
	head->number = 7;
}

/* Whole, but not what it should be: by another release, or moved here. */
Test(history, what_belongs_elsewhere_is_told_as_such_and_not_opened)
{
	static const struct {
		void (*make)(struct saved_head *head);
		const char *fault;
	} cases[] = {
		{ make_version, "is of another image version, made by another release" },
		{ make_zone, "is of another zone" },
		{ make_number, "is of another generation" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place p;
		char path[256];
		char why[HISTORY_WHY_MAX];
		uint8_t bytes[4096];
		uint64_t at;
		struct saved_head head;
		place_new(&p);
		save_new(&p, 1);
		save_new(&p, 2);
		snprintf(path, sizeof(path), "%s/inside/example.history/1", p.dir);
		int fd = open(path, O_RDWR);
		cr_assert_eq(saved_read(fd, &head, &at, why, sizeof(why)), BH_OK);
		cases[i].make(&head);
		struct sink s = sink_of(bytes + SAVED_PREFIX, sizeof(bytes) - SAVED_PREFIX);
		saved_head_encode(&s, &head);
		cr_assert_eq(s.pos + SAVED_PREFIX, at);
		saved_prefix(bytes, bytes + SAVED_PREFIX, s.pos);
		cr_assert_eq(pwrite(fd, bytes, at, 0), (ssize_t)at);
		close(fd);
		sources_clear(&head.sources);
		struct history h = read_history(&p);
		cr_assert_str_eq(h.items[1].fault, cases[i].fault, "%s", h.items[1].fault);
		history_clear(&h);
		cr_assert_neq(history_open(p.dir, "inside", p.zone.name, 1, &head, &fd, why, sizeof(why)), BH_OK, "%s",
			      cases[i].fault);
		cr_assert_str_eq(why, cases[i].fault, "%s", why);
		place_free(&p);
	}
}

Test(history, what_is_no_generation_is_no_trouble)
{
	static const char *const names[] = { "0", "01", "x", "1.bak", "-1", "99999999999999999999999", "+3", ".saving" };
	struct place p;
	place_new(&p);
	save_new(&p, 1);
	save_new(&p, 2);
	for (size_t i = 0; i < COUNT(names); i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/inside/example.history/%s", p.dir, names[i]);
		int fd = open(path, O_WRONLY | O_CREAT, 0600);
		cr_assert(fd >= 0);
		close(fd);
	}
	save_new(&p, 3);
	cr_assert_str_eq(serials(&p), "3 2 1");
	place_free(&p);
}

Test(history, names_of_folders_lead_back)
{
	static const char *const zones[] = { ".", "example.com.", "a\\.b.example.", "image.", "x.history." };
	for (size_t i = 0; i < COUNT(zones); i++) {
		uint8_t zone[DNAME_MAX];
		uint8_t back[DNAME_MAX];
		char name[SAVED_NAME_MAX + 1];
		cr_assert_gt(dname_from_text(zones[i], zone), 0);
		cr_assert(history_name(zone, name) && history_name_parse(name, back) && dname_equal(zone, back), "%s", name);
		cr_assert_not(saved_name_parse(name, back), "%s is no image", name);
	}
	uint8_t zone[DNAME_MAX];
	cr_assert_not(history_name_parse("example.image", zone));
	cr_assert_not(history_name_parse(".history", zone));
	cr_assert_not(history_name_parse("EXAMPLE.history", zone));
}

/* --- cuts ------------------------------------------------------------------------------------------------------ */

/* Two generations on disk; a third is written with this fault. Returns the number of steps there were. */
static unsigned save_with(struct place *p, enum fault fault, unsigned at)
{
	int status;
	place_new(p);
	save_new(p, 1);
	save_new(p, 2);
	p->config.history_count = 2;
	make_image(p, 3);
	disk_reset();
	disk->fault = fault;
	disk->at = at;
	begin_saving(p);
	for (pid_t pid = 0; pid == 0; usleep(200)) {
		event_base_loop(p->sup.base, EVLOOP_NONBLOCK);
		pid = waitpid(-1, &status, WNOHANG);
		cr_assert(pid == 0 || saver_child_ended(p->sup.saver, pid, status));
	}
	/* Killed like this a process ends as with the machine, as far as what follows can see. */
	cr_assert_eq(WIFSIGNALED(status), fault == FAULT_END, "step %u", at);
	cr_assert_eq(disk->disorder, 0, "steps are not in order");
	cr_assert_eq(saver_is_done(p->sup.saver), fault != FAULT_END, "step %u: what was not written is forgotten", at);
	disk->fault = FAULT_NONE;
	return disk->steps;
}

/* After a cut at any step, and after any step that fails, what is read is the old state or the new one, whole. */
static void try_all(enum fault fault)
{
	struct place p;
	unsigned steps = save_with(&p, FAULT_NONE, 0);
	unsigned old = 0;
	unsigned new = 0;
	cr_assert_str_eq(serials(&p), "3 2 1");
	place_free(&p);
	cr_assert_gt(steps, 10);
	for (unsigned at = 1; at <= steps; at++) {
		(void)save_with(&p, fault, at);
		bool is_new = strcmp(serials(&p), "3 2 1") == 0;
		cr_assert(is_new || strcmp(serials(&p), "2 1") == 0, "step %u: %s", at, serials(&p));
		cr_assert(is_new || new == 0, "step %u: old again", at);
		old += !is_new;
		new += is_new;
		/* The next start finds its way, and leaves nothing half-written. */
		saver_hurry(p.sup.saver); /* the next writer, as after the pause */
		finish_saving(&p);
		if (fault == FAULT_FAIL && is_new) {
			make_image(&p, 3);
		}
		save(&p);
		cr_assert(is_saved(&p), "step %u", at);
		cr_assert_str_eq(serials(&p), "3 2 1", "step %u: %s", at, serials(&p));
		cr_assert_not(has_file(&p, ".saving"), "step %u", at);
		place_free(&p);
	}
	cr_assert(old > 0 && new > 0, "old %u new %u", old, new);
}

Test(history, a_cut_at_any_step_leaves_the_old_or_the_new_state, .timeout = 300)
{
	try_all(FAULT_END);
}

Test(history, a_step_that_fails_leaves_the_old_or_the_new_state, .timeout = 300)
{
	try_all(FAULT_FAIL);
}

Test(history, half_written_files_go_at_the_next_start)
{
	struct place p;
	char path[256];
	place_new(&p);
	save_new(&p, 1);
	snprintf(path, sizeof(path), "%s/inside/.saving", p.dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	cr_assert(fd >= 0);
	close(fd);
	save(&p); /* nothing to write */
	cr_assert_not(has_file(&p, ".saving"));
	place_free(&p);
}

/* What the version before had compiled and not saved, at an upgrade. */
Test(history, an_image_of_another_build_is_not_current)
{
	static const char *const faults[] = { "is older than the zone's files", "is of another version" };
	for (unsigned other = 0; other < 2; other++) {
		struct place p;
		struct saved_head head;
		char why[128] = "";
		int fd;
		place_new(&p);
		make_image(&p, 1);
		p.set->items[0].image->other_build = other != 0;
		save(&p);
		cr_assert_neq(saved_load(p.dir, "inside", "/nowhere", &p.zone, 0, SAVED_CURRENT, &head, &fd, why, sizeof(why)), BH_OK);
		cr_assert_str_eq(why, faults[other]);
		place_free(&p);
	}
}

/* A rollback is the operator's decision, which no upgrade of the package takes back. */
Test(history, a_rollback_of_another_build_goes_on)
{
	struct place p;
	struct saved_head head;
	struct stat st;
	char path[256];
	char why[128] = "";
	static uint8_t bytes[8192];
	place_new(&p);
	save_new(&p, 1);
	save_new(&p, 2);
	make_image(&p, 1);
	p.set->items[0].image->rollback = (struct zone_rollback){ .image_of = 1, .text_serial = 2 };
	save(&p);
	snprintf(path, sizeof(path), "%s/inside/example.image", p.dir);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(fd >= 0 && fstat(fd, &st) == 0 && st.st_size < (off_t)sizeof(bytes));
	cr_assert_eq(read(fd, bytes, sizeof(bytes)), st.st_size);
	uint8_t *build = memmem(bytes, (size_t)st.st_size, ipc_build_id(), strlen(ipc_build_id()));
	cr_assert_not_null(build);
	build[0] ^= 1;
	saved_prefix(bytes, bytes + SAVED_PREFIX, (size_t)st.st_size - SAVED_PREFIX); /* a rollback is all head */
	cr_assert_eq(__real_pwrite(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	cr_assert_eq(saved_load(p.dir, "inside", "/nowhere", &p.zone, 0, SAVED_ROLLBACK, &head, &fd, why, sizeof(why)), BH_OK,
		     "%s", why);
	cr_assert(head.image_of == 1 && is_image_of(fd, 1) && strcmp(head.build, ipc_build_id()) != 0);
	close(fd);
	sources_clear(&head.sources);
	place_free(&p);
}

/* 248 octets: with ".image" it is a file's name, with ".history" none. */
Test(history, a_name_just_too_long_for_a_history_is_saved_without)
{
	struct place p;
	char text[256];
	char name[SAVED_NAME_MAX + 1];
	place_new(&p);
	memset(text, 'a', 248);
	text[248] = '\0';
	text[63] = text[127] = text[191] = '.';
	cr_assert_gt(dname_from_text(text, p.zone.name), 0);
	cr_assert(saved_name(p.zone.name, name) && !history_name(p.zone.name, name));
	save_new(&p, 1);
	save_new(&p, 2);
	cr_assert_str_eq(serials(&p), "2");
	place_free(&p);
}

static int wake(const struct event_base *base, const struct event *event, void *ctx)
{
	(void)base;
	(void)ctx;
	event_active((struct event *)(uintptr_t)event, EV_TIMEOUT, 0);
	return 0;
}

/* All timers at once: that of the sweeper among them. */
static void sweep_now(struct place *p)
{
	for (unsigned i = 0; i < 10; i++) {
		event_base_foreach_event(p->sup.base, wake, NULL);
		turn(p);
	}
	finish_saving(p);
}

/* With 10,000 zones a look through the folder is most of what the change of one of them costs. */
Test(history, a_folder_is_looked_through_when_its_zones_have_changed)
{
	struct place p;
	char command[256];
	place_new(&p);
	save_new(&p, 1);
	snprintf(command, sizeof(command), "touch %s/inside/old.image", p.dir);

	/* the configuration of before: the same, none, one with another zone, one with no zone, another folder */
	struct config_zone zone = p.zone;
	struct config_view views[] = { p.view, p.view };
	struct config others[] = { p.config, p.config, p.config };
	cr_assert_gt(dname_from_text("other.", zone.name), 0);
	views[0].zones = &zone;
	views[1].zone_count = 0;
	others[0].views = &views[0];
	others[1].views = &views[1];
	others[2].state_dir = "/tmp";
	const struct config *const before[] = { &p.config, NULL, &others[0], &others[1], &others[2] };
	for (size_t i = 0; i < COUNT(before); i++) {
		cr_assert_eq(system(command), 0);
		make_image(&p, 2 + (uint32_t)i);
		saver_save(p.sup.saver, before[i]);
		finish_saving(&p);
		cr_assert(is_saved(&p) && has_file(&p, "old.image") == (before[i] == &p.config), "case %zu", i);
	}
	cr_assert_eq(system(command), 0);
	p.set->items[0].image->refused = strdup("a test");
	saver_save(p.sup.saver, &p.config);
	finish_saving(&p);
	cr_assert(!has_file(&p, "old.image") && !has_file(&p, "example.image"), "an image that was refused is removed");
	place_free(&p);
}

/* Where the folder of a view is a link, or somebody else's, nothing is written, and nothing of what is there is removed. */
Test(history, files_in_a_folder_that_is_not_ours_are_left_alone)
{
	static const char *const commands[] = {
		"mkdir -p other/old.history && touch other/old.image other/old.history/1 && ln -s other inside",
		"mkdir -p inside/old.history && touch inside/old.image inside/old.history/1 && chmod 777 inside",
	};
	for (size_t i = 0; i < COUNT(commands); i++) {
		struct place p;
		char command[256];
		place_new(&p);
		snprintf(command, sizeof(command), "cd %s && %s", p.dir, commands[i]);
		cr_assert_eq(system(command), 0);
		p.config.history_count = 0;
		make_image(&p, 1);
		save(&p);
		cr_assert(!is_saved(&p) && has_file(&p, "old.image"), "case %zu", i);
		struct sweeper *sweeper = sweep_start(&p.sup);
		cr_assert_not_null(sweeper);
		sweep_now(&p);
		cr_assert(has_file(&p, "old.history/1"), "case %zu", i);
		sweep_end(sweeper);
		place_free(&p);
	}
}

/* What waited for the disk at an upgrade comes along in its record. */
Test(history, a_state_of_keys_that_another_program_found_is_saved)
{
	struct place p;
	const struct ipc_anchor_state state = { .next_sec = 1 };
	place_new(&p);
	p.sup.current = (struct generation){ .number = 1, .config = &p.config, .zones = p.set };
	cr_assert_eq(tracked_put(&p.sup.tracked, &state, true), BH_OK);
	tracking_resume(&p.sup);
	sweep_now(&p);
	cr_assert(has_state(&p, "@"));
	tracking_end(&p.sup);
	place_free(&p);
}

/* What stands for the configuration while roles of another version serve says nothing of histories. */
Test(history, nothing_is_swept_away_in_the_middle_of_an_upgrade)
{
	struct place p;
	place_new(&p);
	for (uint32_t serial = 1; serial <= 4; serial++) {
		save_new(&p, serial);
	}
	p.config.history_count = 1;
	p.sup.takeover.running = true;
	struct sweeper *sweeper = sweep_start(&p.sup);
	cr_assert_not_null(sweeper);
	sweep_now(&p);
	cr_assert_str_eq(serials(&p), "4 3 2 1");
	p.sup.takeover.running = false;
	sweep_now(&p);
	cr_assert_str_eq(serials(&p), "4 3", "retention is not looked after: %s", serials(&p));
	sweep_end(sweeper);
	place_free(&p);
}
