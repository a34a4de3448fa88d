/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemons/compiler/compile.h"

#include "common/zone/image.h"
#include "tests/unit/common/zone/zone_text.h"
#include "tests/unit/daemons/compiler/folder.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int memfd_new(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_geq(fd, 0);
	return fd;
}

static struct compile_result compile(const struct folder *f, const char *file, int fd, struct findings *found)
{
	struct name zone = name_of("example.");
	struct compile_request request = {
		.root_fd = f->fd,
		.file = file,
		.zone = zone.wire,
		.default_ttl = 3600,
		.report = findings_add,
		.ctx = found,
	};
	struct compile_result result;
	cr_assert_eq(compile_zone(&request, fd, &result), BH_OK);
	return result;
}

Test(compile, writes_an_image_that_opens)
{
	struct folder f = folder_new();
	struct findings found = { .len = 0 };
	folder_put(&f, "zone", ZONE_HEAD "$INCLUDE more\n");
	folder_put(&f, "more", "a MX 10 ns\n");
	int fd = memfd_new();
	struct compile_result result = compile(&f, "zone", fd, &found);
	cr_assert_eq(result.errors, 0);
	cr_assert_str_eq(found.text, "");
	cr_assert(result.serial == 7 && result.records == 4);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0,
		     "nothing holds it open for writing");
	struct image *image;
	char why[128] = "";
	cr_assert_eq(image_open(fd, &image, why, sizeof(why)), BH_OK, "%s", why);
	cr_assert_eq(image->header->size, result.size);
	cr_assert_eq(image->header->checksum, result.checksum);
	image_close(image);
	close(fd);
	folder_free(&f);
}

static void note_source(void *ctx, const char *path, const struct zone_file_id *id)
{
	struct folder *f = ((void **)ctx)[0];
	char *text = ((void **)ctx)[1];
	struct stat st;
	cr_assert_eq(fstatat(f->fd, path, &st, 0), 0, "%s", path);
	cr_assert(id->dev == st.st_dev && id->ino == st.st_ino && id->size == (uint64_t)st.st_size);
	cr_assert_eq(id->mtime_ns, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	cr_assert_eq(id->ctime_ns, (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec);
	strcat(strcat(text, path), " ");
}

static void ignore_finding(void *ctx, const struct zone_finding *finding)
{
	(void)ctx;
	(void)finding;
}

/* Every file that was read is told, the main one first, as it was when it was read. */
Test(compile, tells_its_sources)
{
	struct folder f = folder_new();
	char text[256] = "";
	void *ctx[] = { &f, text };
	struct name zone = name_of("example.");
	folder_put(&f, "zone", ZONE_HEAD "$INCLUDE more\n$INCLUDE more\n");
	folder_put(&f, "more", "$INCLUDE last\n");
	folder_put(&f, "last", "a MX 10 ns\n");
	int fd = memfd_new();
	struct compile_request request = { .root_fd = f.fd, .file = "zone", .zone = zone.wire, .default_ttl = 3600,
					   .report = ignore_finding, .source = note_source, .ctx = ctx };
	struct compile_result result;
	cr_assert_eq(compile_zone(&request, fd, &result), BH_OK);
	cr_assert_str_eq(text, "zone more last more last ");
	close(fd);
	folder_free(&f);
}

/*
 * The same text but for comments and layout gives the same image, so that a reload need
 * not pass it on. (Another order gives another image: data stands where the text had it.)
 */
Test(compile, is_reproducible)
{
	struct folder f = folder_new();
	struct findings found = { .len = 0 };
	folder_put(&f, "a", ZONE_HEAD "a A 192.0.2.2\nb A 192.0.2.3\n");
	folder_put(&f, "b", ZONE_HEAD "; the same\na 3600 IN A 192.0.2.2\n\nb.example. A 192.0.2.3\n");
	folder_put(&f, "c", ZONE_HEAD "a A 192.0.2.2\nb A 192.0.2.4\n");
	int fd = memfd_new();
	struct compile_result a = compile(&f, "a", fd, &found);
	struct compile_result b = compile(&f, "b", fd, &found);
	struct compile_result c = compile(&f, "c", fd, &found);
	cr_assert_eq(a.checksum, b.checksum);
	cr_assert_neq(a.checksum, c.checksum);
	close(fd);
	folder_free(&f);
}

static void expect_errors(const struct folder *f, const char *text, const char *want)
{
	struct findings found = { .len = 0 };
	struct stat st;
	folder_put(f, "zone", text);
	int fd = memfd_new();
	struct compile_result result = compile(f, "zone", fd, &found);
	cr_expect_gt(result.errors, 0);
	cr_expect_str_eq(found.text, want, "gave:\n%s", found.text);
	cr_expect(fstat(fd, &st) == 0 && st.st_size == 0, "an image was begun");
	close(fd);
}

Test(compile, zones_with_errors_give_no_image)
{
	struct folder f = folder_new();
	expect_errors(&f, "", "0 error: no SOA record at the apex example.\n0 error: no NS record at the apex example.\n");
	expect_errors(&f, ZONE_HEAD "a CNAME b\na A 192.0.2.1\n",
		      "5 error: CNAME at a.example., which has other data too (A)\n");
	/* With syntax errors the rest is not looked at: the SOA here is not missing, only wrong. */
	expect_errors(&f, "$TTL 1\n@ SOA ns admin 1 2 3 4\n@ NS ns\nns A 192.0.2.x\n",
		      "2 error: invalid time unit\n4 error: invalid address character\n");
	expect_errors(&f, ZONE_HEAD "$INCLUDE nothing\n",
		      "5 error: $INCLUDE: 'nothing': No such file or directory\n");
	folder_free(&f);
}

#ifndef BH_SANITIZERS /* they reserve terabytes and cannot be limited */
/* Under a memory limit a large zone fails cleanly. */
Test(compile, out_of_memory_is_an_error)
{
	struct folder f = folder_new();
	struct findings found = { .len = 0 };
	enum { LINES = 200000 };
	char *text = malloc(LINES * 40);
	size_t len = (size_t)sprintf(text, "%s", ZONE_HEAD);
	for (unsigned i = 0; i < LINES; i++) {
		len += (size_t)sprintf(text + len, "host-%u A 10.0.0.1\n", i);
	}
	folder_put_bytes(&f, "zone", text, len);
	free(text);
	int fd = memfd_new();
	pid_t pid = fork();
	if (pid == 0) {
		/* From too little for anything up to enough: each limit ends in success or a clean error. */
		struct name zone = name_of("example.");
		struct compile_request request = {
			.root_fd = f.fd, .file = "zone", .zone = zone.wire, .report = findings_add, .ctx = &found,
		};
		int seen_failure = 0;
		for (rlim_t mib = 16; mib < 256; mib += 4) {
			struct rlimit limit = { .rlim_cur = mib << 20, .rlim_max = RLIM_INFINITY };
			struct compile_result result;
			setrlimit(RLIMIT_AS, &limit);
			int rc = compile_zone(&request, fd, &result);
			if (rc != BH_OK && rc != BH_ENOMEM) {
				_exit(2);
			}
			seen_failure |= rc == BH_ENOMEM;
			if (rc == BH_OK) {
				_exit(seen_failure && result.records == LINES + 3 ? 0 : 3);
			}
		}
		_exit(4);
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
	close(fd);
	folder_free(&f);
}
#endif

static int read_hints(const struct folder *f, const char *text, struct hints *hints, struct findings *found)
{
	static const uint8_t root[] = { 0 };
	struct compile_request request = {
		.root_fd = f->fd, .file = "root.hints", .zone = root, .report = findings_add, .ctx = found,
	};
	int errors = -1;
	*found = (struct findings){ .len = 0 };
	folder_put(f, "root.hints", text);
	cr_assert_eq(compile_hints(&request, hints, &errors), BH_OK);
	return errors;
}

Test(hints, servers_with_addresses)
{
	struct folder f = folder_new();
	struct hints *hints = calloc(1, sizeof(*hints));
	struct findings found;
	char text[ADDR_TEXT_MAX];
	cr_assert_eq(read_hints(&f,
				"a.root. 1 A 192.0.2.1\n. 1 NS A.ROOT.\n. 1 NS b.root.\n. 1 NS a.root.\n"
				"b.root. 1 AAAA 2001:db8::1\nb.root. 1 A 192.0.2.2\nb.root. 1 A 192.0.2.2\n"
				"c.root. 1 A 192.0.2.3\nx. 1 NS c.root.\n. 1 TXT ignored\n",
				hints, &found),
		     0);
	cr_assert_str_eq(found.text, "");
	cr_assert_eq(hints->count, 2u);
	cr_assert(dname_equal(hints->servers[0].name, name_of("a.root.").wire));
	cr_assert_eq(hints->servers[0].addr_count, 1u);
	cr_assert_str_eq(addr_text(&hints->servers[0].addrs[0], text), "192.0.2.1@53");
	cr_assert_eq(hints->servers[1].addr_count, 2u);
	cr_assert_str_eq(addr_text(&hints->servers[1].addrs[0], text), "2001:db8::1@53");
	cr_assert_str_eq(addr_text(&hints->servers[1].addrs[1], text), "192.0.2.2@53");
	free(hints);
	folder_free(&f);
}

Test(hints, faults)
{
	struct folder f = folder_new();
	struct hints *hints = calloc(1, sizeof(*hints));
	struct findings found;
	cr_assert_eq(read_hints(&f, "", hints, &found), 1);
	cr_assert_str_eq(found.text, "0 error: no root server with an address\n");
	cr_assert_eq(read_hints(&f, ". 1 NS a.root.\n. 1 NS b.\nb. 1 A 192.0.2.1\n", hints, &found), 0);
	cr_assert_str_eq(found.text, "0 warning: root server a.root. has no address\n");
	cr_assert_eq(hints->count, 1u);
	cr_assert_eq(read_hints(&f, ". 1 NS a.\na. 1 A x\n", hints, &found), 1);
	cr_assert_str_eq(found.text, "2 error: invalid address character\n");

	char text[16384] = ". 1 NS a.\n";
	size_t len = strlen(text);
	for (unsigned i = 0; i <= HINTS_ADDRS_MAX; i++) {
		len += (size_t)sprintf(text + len, "a. 1 A 192.0.2.%u\n", i);
	}
	cr_assert_eq(read_hints(&f, text, hints, &found), 1);
	cr_assert_str_eq(found.text, "18 error: too many addresses\n");
	len = 0;
	for (unsigned i = 0; i <= HINTS_SERVERS_MAX; i++) {
		len += (size_t)sprintf(text + len, ". 1 NS s%u.\n", i);
	}
	cr_assert_eq(read_hints(&f, text, hints, &found), 1);
	cr_assert_str_eq(found.text, "65 error: more than 64 root servers\n");
	free(hints);
	folder_free(&f);
}
