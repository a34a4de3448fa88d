/*
 * Where images come from: compiled, kept by a reload, or saved below the state directory and loaded by the next
 * start. What is odd about a saved image costs a compilation, never an answer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONES 3
/* Files that were changed so shortly before they are read count as changed: longer than that. */
#define SETTLE_MS 2200
#define HEAD(name) "$ORIGIN " name ".\n$TTL 300\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n"

static struct appliance appliance;

static const char three_zones[] = "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n"
				  "  zones-dir = \"@DIR@/internal\"\n"
				  "  rate-limit { mode = \"off\" }\n"
				  "  zone \"a.example\" { file = \"a\" }\n"
				  "  zone \"b.example\" { file = \"b\" }\n"
				  "  zone \"big.example\" { file = \"big\" }\n}\n";

static void configure(const char *view)
{
	static char conf[4096];
	snprintf(conf, sizeof(conf), "%s%s", CONF_HERE, view);
	appliance_configure(&appliance, conf);
}

/* Some 100 KiB of image. */
static void write_big_zone(void)
{
	static char text[65536];
	size_t pos = (size_t)snprintf(text, sizeof(text), "%s", HEAD("big.example"));
	for (unsigned i = 0; i < 1200; i++) {
		pos += (size_t)snprintf(text + pos, sizeof(text) - pos, "host%u A 10.9.%u.%u\n", i, i / 256, i % 256);
	}
	appliance_file(&appliance, "internal/big", text);
}

static void prepare(void)
{
	standard_prepare(&appliance, 150);
	configure(three_zones);
	appliance_file(&appliance, "internal/a", HEAD("a.example") "$INCLUDE parts/included\n");
	appliance_file(&appliance, "internal/parts/included", "www A 10.1.2.1\n");
	appliance_file(&appliance, "internal/b", HEAD("b.example") "www A 10.1.2.2\n");
	write_big_zone();
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(loading, .init = prepare, .fini = stop, .timeout = 160);

static void must_answer(const char *name, const char *address)
{
	char text[256];
	struct ask ask = { .server = INTERNAL, .name = name };
	snprintf(text, sizeof(text), "%s. A %s", name, address);
	client_expect_ask(&ask, "NOERROR aa", text, EDE_NONE);
}

static void must_serve(void)
{
	must_answer("www.a.example", "10.1.2.1");
	must_answer("www.b.example", "10.1.2.2");
	must_answer("host799.big.example", "10.9.3.31");
}

/* Where the image of a zone comes from, as `zone status` tells. */
static const char *origin_of(const char *zone)
{
	static char origin[32];
	char words[64];
	unsigned from = 0;
	snprintf(words, sizeof(words), "zone status %s", zone);
	const struct ctl_answer *answer = appliance_control(&appliance, words);
	const struct ctl_row *row = answer_next(answer, "zone", &from);
	MUST(row != NULL, "zone status does not know %s", zone);
	snprintf(origin, sizeof(origin), "%s", row_text(row, "origin"));
	return origin;
}

static void must_come_from(const char *a, const char *b, const char *big)
{
	const char *const names[] = { "a.example", "b.example", "big.example" };
	const char *const wanted[] = { a, b, big };
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *origin = origin_of(names[i]);
		MUST(strcmp(origin, wanted[i]) == 0, "the image of %s is %s, %s was expected", names[i], origin,
		     wanted[i]);
	}
}

static void saved_path(const char *name, char out[256])
{
	snprintf(out, 256, "%s/state/internal/%s", appliance.dir, name);
}

static bool is_there(const char *name)
{
	char path[256];
	struct stat st;
	saved_path(name, path);
	return lstat(path, &st) == 0;
}

static void forget_log(void)
{
	MUST(truncate(appliance.log, 0) == 0 || errno == ENOENT, "truncate: %s", strerror(errno));
}

/* Start with files that have settled, so that all is saved, and stop. */
static void save_all(void)
{
	harness_sleep_ms(SETTLE_MS);
	appliance_start(&appliance);
	must_serve();
	MUST(appliance_log_wait(&appliance, "zone images saved count=3 failed=0", 5000), "the images are not saved");
	appliance_stop(&appliance);
	forget_log();
}

/* A compiler that does nothing but fail: who starts one is found out. */
static void take_compiler_away(void)
{
	static const char *const programs[] = { "authority", "frontend", "resolver", "monitor" };
	char from[512];
	char to[256];
	snprintf(appliance.programs, sizeof(appliance.programs), "%s/programs", appliance.dir);
	MUST(mkdir(appliance.programs, 0755) == 0, "mkdir: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(programs); i++) {
		snprintf(from, sizeof(from), "%s/%s", roles_directory(), programs[i]);
		snprintf(to, sizeof(to), "%s/%s", appliance.programs, programs[i]);
		MUST(symlink(from, to) == 0, "symlink: %s", strerror(errno));
	}
	snprintf(to, sizeof(to), "%s/compiler", appliance.programs);
	MUST(symlink("/bin/false", to) == 0, "symlink: %s", strerror(errno));
}

Test(loading, a_second_start_needs_no_compiler)
{
	char path[256];
	struct stat st;
	save_all();
	saved_path("", path);
	MUST(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700 && st.st_uid == 0, "mode of the directory");
	saved_path("a.example.image", path);
	MUST(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_uid == 0, "mode of the file");
	MUST(!is_there(".saving"), "a temporary file is left");

	take_compiler_away();
	appliance_start(&appliance);
	must_serve();
	must_come_from("saved", "saved", "saved");
	MUST(appliance_logged(&appliance, "compiled=0 loaded=3"), "the log does not say so");
	/* kept by a reload, which needs no compiler either */
	appliance_reload(&appliance);
	must_come_from("kept", "kept", "kept");
	must_serve();
}

Test(loading, a_reload_compiles_what_changed)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	harness_sleep_ms(SETTLE_MS);
	appliance_start(&appliance);
	MUST(appliance_bulkheadctl(&appliance, "reload", output) == 0 &&
		     strstr(output, "0 zones compiled, 3 kept, 0 loaded") != NULL,
	     "nothing changed: %s", output);
	must_come_from("kept", "kept", "kept");
	appliance_file(&appliance, "internal/parts/included", "www A 10.1.2.111\n");
	MUST(appliance_bulkheadctl(&appliance, "reload", output) == 0 &&
		     strstr(output, "1 zones compiled, 2 kept, 0 loaded") != NULL,
	     "an include changed: %s", output);
	must_come_from("compiled", "kept", "kept");
	must_answer("www.a.example", "10.1.2.111");
	/* another file for a zone, and the file of another zone */
	configure("view \"internal\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/internal\"\n"
		  "  zone \"b.example\" { file = \"b2\" }\n  zone \"big.example\" { file = \"big\" }\n}\n");
	appliance_file(&appliance, "internal/b2", HEAD("b.example") "www A 10.1.2.22\n");
	MUST(appliance_bulkheadctl(&appliance, "reload", output) == 0 &&
		     strstr(output, "1 zones compiled, 1 kept, 0 loaded") != NULL,
	     "another file: %s", output);
	must_answer("www.b.example", "10.1.2.22");
	must_answer("host799.big.example", "10.9.3.31");
}

Test(loading, what_changed_while_it_was_stopped_is_compiled)
{
	save_all();
	appliance_file(&appliance, "internal/b", HEAD("b.example") "www A 10.1.2.222\n");
	appliance_start(&appliance);
	must_answer("www.a.example", "10.1.2.1");
	must_answer("www.b.example", "10.1.2.222");
	must_come_from("saved", "compiled", "saved");
	MUST(appliance_logged(&appliance, "b.example. view=internal: saved image is not used, it is older"),
	     "the log does not say why");
}

/* A restart serves no less than a reload would have: the last good image, marked as old. */
Test(loading, a_zone_broken_before_a_start_is_served_from_what_was_saved)
{
	save_all();
	appliance_file(&appliance, "internal/b", HEAD("b.example") "www A not-an-address\n");
	appliance_start(&appliance);
	must_serve();
	must_come_from("saved", "saved", "saved");
	unsigned from = 0;
	const struct ctl_row *row = answer_next(appliance_control(&appliance, "zone status b.example"), "zone", &from);
	MUST(row != NULL && strcmp(row_text(row, "state"), "old") == 0, "its state is not old");
	MUST(appliance_logged(&appliance, "zone b.example. view=internal: does not compile, the image that was saved is"),
	     "the log does not say so");
	/* once more, and then it is mended */
	MUST(appliance_control(&appliance, "reload")->done.status != 0, "a reload with the broken zone is told as good");
	must_serve();
	MUST(is_there("b.example.image"), "the saved image was removed");
	appliance_file(&appliance, "internal/b", HEAD("b.example") "www A 10.1.2.22\n");
	appliance_reload(&appliance);
	must_answer("www.b.example", "10.1.2.22");
	must_come_from("kept", "compiled", "kept");
}

/* --- damage ------------------------------------------------------------------------------------------- */

#define SAVED_FILE_MAX (1 << 20)
/* A zone whose saved image turns out to be bad is compiled at once: this long it may be without an answer. */
#define HEALED_MS 2000

struct file {
	uint8_t bytes[SAVED_FILE_MAX];
	size_t len;
};

static void read_saved(const char *name, struct file *out)
{
	char path[256];
	saved_path(name, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, out->bytes, sizeof(out->bytes));
	MUST(size > 0 && size < SAVED_FILE_MAX, "%s has %zd octets", path, size);
	out->len = (size_t)size;
	close(fd);
}

/* len octets of the file, the last ones zero where it is shorter, with one octet changed; at == len: none. */
static void write_damaged(const char *name, const struct file *file, size_t at, uint8_t change, size_t len)
{
	static struct file damaged;
	char path[256];
	memset(&damaged, 0, sizeof(damaged));
	memcpy(damaged.bytes, file->bytes, len < file->len ? len : file->len);
	if (at < len) {
		damaged.bytes[at] ^= change;
	}
	saved_path(name, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, damaged.bytes, len) == (ssize_t)len, "write: %s", strerror(errno));
	close(fd);
}

static bool answers(const char *name)
{
	char status[64];
	const struct ask ask = { .server = INTERNAL, .name = name, .timeout_ms = 500 };
	const struct reply *reply = client_ask(&ask);
	if (!reply->received) {
		return false;
	}
	reply_status(reply, status);
	MUST(strcmp(status, "NOERROR aa") == 0 || strcmp(status, "SERVFAIL") == 0, "%s: %s", name, status);
	return strcmp(status, "NOERROR aa") == 0;
}

static void must_heal(const char *what)
{
	uint64_t began = clock_now_ms();
	while (!answers("host799.big.example")) {
		MUST(clock_now_ms() - began < HEALED_MS, "%s: no answer after %d ms", what, HEALED_MS);
		harness_sleep_ms(5);
	}
}

static unsigned count_in_log(const char *text)
{
	static char log[1 << 18];
	unsigned count = 0;
	int fd = open(appliance.log, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, log, sizeof(log) - 1);
	MUST(len >= 0, "read %s: %s", appliance.log, strerror(errno));
	close(fd);
	log[len] = '\0';
	for (const char *p = log; (p = strstr(p, text)) != NULL; p++) {
		count++;
	}
	return count;
}

/* Start with what stands there: the zone is served soon, the log says why, and a good file takes its place. */
static void must_survive(const char *what)
{
	forget_log();
	appliance_start(&appliance);
	must_answer("www.a.example", "10.1.2.1");
	must_answer("www.b.example", "10.1.2.2");
	must_heal(what);
	must_serve();
	MUST(appliance_log_wait(&appliance, "zone images saved count=1 failed=0", 5000), "%s: it is not saved again", what);
	bool refused = appliance_logged(&appliance, "zone big.example.: its image is refused: ");
	MUST(refused || appliance_logged(&appliance, "big.example. view=internal: saved image is not used, it "),
	     "%s: nothing in the log", what);
	MUST(!refused || appliance_logged(&appliance, "zone big.example. view=internal: its saved image is of no use, it is "
						      "compiled anew"),
	     "%s: nothing in the log of what is done", what);
	MUST(!refused || appliance_logged(&appliance, "saved image removed, it was refused: "), "%s: not removed", what);
	must_come_from(refused ? "kept" : "saved", refused ? "kept" : "saved", "compiled");
	appliance_stop(&appliance);
}

/* One octet in every few pages, of the head, of the image's header; files that are cut, and too long. */
Test(loading, every_damage_costs_a_compilation_and_no_wrong_answer)
{
	static struct file whole;
	char what[64];
	save_all();
	read_saved("big.example.image", &whole);
	MUST(whole.len > 65536, "the saved image has %zu octets", whole.len);
	const size_t places[] = { 0, 30, 100, 300, 340, 400, 4096, whole.len / 2, whole.len - 9, whole.len - 1 };
	for (size_t i = 0; i < COUNT(places); i++) {
		snprintf(what, sizeof(what), "octet %zu", places[i]);
		write_damaged("big.example.image", &whole, places[i], 1, whole.len);
		must_survive(what);
	}
	const size_t lengths[] = { 0, 10, 100, 4096, whole.len - 1, whole.len + 1, whole.len + 8192 };
	for (size_t i = 0; i < COUNT(lengths); i++) {
		snprintf(what, sizeof(what), "%zu octets instead of %zu", lengths[i], whole.len);
		write_damaged("big.example.image", &whole, lengths[i], 0, lengths[i]);
		must_survive(what);
	}
	/* what took its place is good */
	take_compiler_away();
	appliance_start(&appliance);
	must_serve();
	must_come_from("saved", "saved", "saved");
}

/* Several workers refuse the same images: one reload compiles them all. */
Test(loading, what_several_workers_refuse_is_compiled_once)
{
	static const char *const names[] = { "a.example.image", "b.example.image", "big.example.image" };
	static struct file whole;
	static char conf[4096];
	snprintf(conf, sizeof(conf),
		 "appliance { workers = 3 run-dir = \"@DIR@/run\" state-dir = \"@DIR@/state\" log-level = \"debug\" }\n%s",
		 three_zones);
	appliance_configure(&appliance, conf);
	save_all();
	for (size_t i = 0; i < COUNT(names); i++) {
		read_saved(names[i], &whole);
		write_damaged(names[i], &whole, whole.len - 5, 0x80, whole.len);
	}
	appliance_start(&appliance);
	must_heal("three workers");
	MUST(appliance_log_wait(&appliance, "zone images saved count=3 failed=0", 5000), "they are not saved again");
	for (unsigned i = 0; i < 4; i++) { /* any worker; a rate limit counts */
		must_serve();
	}
	MUST(count_in_log("its image is refused") == 9, "three workers, three images");
	MUST(count_in_log("saved image removed, it was refused") == 3, "three files");
	MUST(count_in_log("reloaded generation=") == 1 && count_in_log("compiled=3 kept=0") == 1,
	     "one reload compiles all of them, once");
	appliance_stop(&appliance);
	forget_log();
	appliance_start(&appliance);
	must_serve();
	must_come_from("saved", "saved", "saved");
}

Test(loading, images_of_zones_that_are_gone_are_removed_and_nothing_else)
{
	pid_t children[APPLIANCE_ROLES_MAX];
	save_all();
	appliance_file(&appliance, "state/internal/notes.txt", "not ours\n");
	appliance_file(&appliance, "state/internal/B.example.image", "not a name of ours\n");
	configure("view \"internal\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/internal\"\n"
		  "  zone \"a.example\" { file = \"a\" }\n}\n");
	appliance_start(&appliance);
	must_answer("www.a.example", "10.1.2.1");
	MUST(appliance_log_wait(&appliance, "big.example.image", 5000), "nothing in the log");
	(void)appliance_children(&appliance, children); /* all is written */
	MUST(is_there("a.example.image") && !is_there("b.example.image") && !is_there("big.example.image"),
	     "the wrong ones are there");
	MUST(is_there("notes.txt") && is_there("B.example.image"), "a file that is not ours was removed");
	/* the view goes by a reload */
	configure("view \"other\" {\n  listen = { \"10.1.0.53\" }\n  zones-dir = \"@DIR@/internal\"\n"
		  "  zone \"b.example\" { file = \"b\" }\n}\n");
	appliance_reload(&appliance);
	must_answer("www.b.example", "10.1.2.2");
	(void)appliance_children(&appliance, children);
	MUST(!is_there("a.example.image") && is_there("notes.txt"), "the image of a view that is gone is there");
}

static void must_go_on_without_saving(const char *what)
{
	forget_log();
	appliance_start(&appliance);
	must_serve();
	MUST(appliance_log_wait(&appliance, "zone images are not saved: ", 5000), "%s: no warning", what);
	MUST(appliance_log_wait(&appliance, "zone images saved count=0 failed=3", 5000), "%s: no end", what);
	appliance_reload(&appliance);
	must_serve();
	appliance_stop(&appliance);
}

Test(loading, without_a_state_directory_service_goes_on)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/state", appliance.dir);
	MUST(mkdir(path, 0500) == 0, "mkdir: %s", strerror(errno));
	must_go_on_without_saving("not writable");
	MUST(rmdir(path) == 0 && mkdir(path, 0700) == 0 && chown(path, 12345, 12345) == 0, "%s", strerror(errno));
	must_go_on_without_saving("of somebody else");
	MUST(rmdir(path) == 0, "%s", strerror(errno));
	appliance_file(&appliance, "state", "a file\n");
	must_go_on_without_saving("a file");
}

/* What was asked for in the middle of a change is not forgotten. */
Test(loading, a_reload_during_a_reload_comes_after_it)
{
	appliance_start(&appliance);
	MUST(kill(appliance.pid, SIGHUP) == 0, "kill: %s", strerror(errno));
	appliance_file(&appliance, "internal/b", HEAD("b.example") "www A 10.1.2.33\n");
	appliance_reload(&appliance);
	must_answer("www.b.example", "10.1.2.33");
	MUST(appliance_log_wait(&appliance, "reloaded generation=3", 10000), "one of the two was forgotten");
}
