/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/compiler/zone_file.h"

#include "common/util/count.h"
#include "tests/unit/daemons/compiler/folder.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

Test(zone_file, path_must_be_relative_and_stay_below)
{
	static const struct {
		const char *path;
		bool fine;
	} paths[] = {
		{ "a", true },	     { "a/b", true },	   { "./a", true },	{ "..data/a", true },
		{ "a..b", true },    { "...", true },	   { ".", true },	{ "", false },
		{ "/a", false },     { "/", false },	   { "..", false },	{ "../a", false },
		{ "a/..", false },   { "a/../b", false },  { "a//../b", false }, { "./..", false },
	};
	for (size_t i = 0; i < COUNT(paths); i++) {
		cr_expect_eq(zone_file_path_fault(paths[i].path) == NULL, paths[i].fine, "'%s'", paths[i].path);
	}
}

static void expect_text(const struct folder *f, const char *path, const char *text)
{
	struct zone_file file;
	char why[128] = "";
	cr_assert_eq(zone_file_read(f->fd, path, &file, why, sizeof(why)), BH_OK, "%s: %s", path, why);
	cr_assert_eq(file.len, strlen(text), "%s: %zu octets", path, file.len);
	cr_assert_eq(memcmp(file.text, text, file.len), 0);
	zone_file_clear(&file);
}

static void expect_fault(const struct folder *f, const char *path, const char *fault)
{
	struct zone_file file;
	char why[128] = "";
	cr_assert_lt(zone_file_read(f->fd, path, &file, why, sizeof(why)), 0, "%s", path);
	cr_assert_str_eq(why, fault, "%s: '%s'", path, why);
}

Test(zone_file, reads_regular_files_below)
{
	struct folder f = folder_new();
	folder_put(&f, "a", "text\n");
	folder_put(&f, "empty", "");
	cr_assert_eq(mkdirat(f.fd, "sub", 0755), 0);
	folder_put(&f, "sub/b", "below");
	cr_assert_eq(symlinkat("sub/b", f.fd, "link"), 0);
	cr_assert_eq(symlinkat("../a", f.fd, "sub/up"), 0); /* up, and yet inside */
	expect_text(&f, "a", "text\n");
	expect_text(&f, "./a", "text\n");
	expect_text(&f, "empty", "");
	expect_text(&f, "sub/b", "below");
	expect_text(&f, "link", "below");
	expect_text(&f, "sub/up", "text\n");
	folder_free(&f);
}

Test(zone_file, drops_cr_before_lf)
{
	struct folder f = folder_new();
	folder_put(&f, "dos", "\r\na\r\n\r\nb\rc\r\r\nd\r");
	expect_text(&f, "dos", "\na\n\nb\rc\r\nd\r");
	folder_free(&f);
}

Test(zone_file, refuses_what_leads_outside)
{
	static const char outside[] = "is a link to a file that is not below the zone directory";
	struct folder f = folder_new();
	cr_assert_eq(symlinkat("/etc/passwd", f.fd, "absolute"), 0);
	cr_assert_eq(symlinkat("../../etc/passwd", f.fd, "climbing"), 0);
	cr_assert_eq(symlinkat("/etc", f.fd, "folder"), 0);
	cr_assert_eq(symlinkat("/proc/self/root/etc/passwd", f.fd, "magic"), 0);
	expect_fault(&f, "absolute", outside);
	expect_fault(&f, "climbing", outside);
	expect_fault(&f, "folder/passwd", outside);
	expect_fault(&f, "magic", outside);
	expect_fault(&f, "../etc/passwd", "has '..' in it; only files below the zone directory can be read");
	expect_fault(&f, "/etc/passwd", "is absolute; name it relative to the zone directory");
	expect_fault(&f, "", "is empty");
	folder_free(&f);
}

/* None of these may block; the test would time out. */
Test(zone_file, refuses_what_is_no_regular_file, .timeout = 10)
{
	struct folder f = folder_new();
	cr_assert_eq(mkfifoat(f.fd, "fifo", 0644), 0);
	cr_assert_eq(mkdirat(f.fd, "dir", 0755), 0);
	cr_assert_eq(symlinkat("loop", f.fd, "loop"), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", f.path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	expect_fault(&f, "fifo", "is not a regular file");
	expect_fault(&f, "socket", "is not a regular file");
	expect_fault(&f, "dir", "is a directory");
	expect_fault(&f, ".", "is a directory");
	expect_fault(&f, "loop", "Too many levels of symbolic links");
	expect_fault(&f, "missing", "No such file or directory");
	expect_fault(&f, "dir/missing", "No such file or directory");
	if (mknodat(f.fd, "device", S_IFCHR | 0644, (dev_t)0x0108 /* random */) == 0) {
		expect_fault(&f, "device", "is not a regular file");
	}
	folder_free(&f);
}

/* What the compiler sees in service: the folder is its root, and plain look-ups cannot leave it. */
static int read_in_chroot(const struct folder *f)
{
	struct zone_file file;
	char why[128] = "";
	if (chroot(f->path) != 0) {
		return 77;
	}
	int root = open("/", O_RDONLY | O_CLOEXEC);
	if (root < 0 || zone_file_read(root, "inside", &file, why, sizeof(why)) != 0 || file.len != 5) {
		return 1;
	}
	if (zone_file_read(root, "out", &file, why, sizeof(why)) == 0 ||
	    strcmp(why, "is a link to a file that is not below the zone directory") != 0) {
		return 2;
	}
	if (zone_file_read(root, "missing", &file, why, sizeof(why)) == 0 ||
	    strcmp(why, "No such file or directory") != 0) {
		return 3;
	}
	return 0;
}

Test(zone_file, works_where_its_root_is_the_folder)
{
	struct folder f = folder_new();
	folder_put(&f, "a", "text\n");
	cr_assert_eq(symlinkat("/a", f.fd, "inside"), 0);
	cr_assert_eq(symlinkat("/etc/passwd", f.fd, "out"), 0);
	pid_t pid = fork();
	if (pid == 0) {
		_exit(read_in_chroot(&f));
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	folder_free(&f);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		cr_skip("only root may change its root");
	}
	cr_assert_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
}

static int read_as_nobody(const struct folder *f)
{
	struct zone_file file;
	char why[128] = "";
	if (setgid(65534) != 0 || setuid(65534) != 0) {
		return 77;
	}
	return zone_file_read(f->fd, "secret", &file, why, sizeof(why)) < 0 && strcmp(why, "Permission denied") == 0
		       ? 0
		       : 1;
}

Test(zone_file, says_when_it_may_not_read)
{
	struct folder f = folder_new();
	folder_put(&f, "secret", "x");
	cr_assert_eq(fchmodat(f.fd, "secret", 0600, 0), 0);
	cr_assert_eq(chmod(f.path, 0755), 0);
	pid_t pid = fork();
	if (pid == 0) {
		_exit(read_as_nobody(&f));
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	folder_free(&f);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		cr_skip("only root can become another user");
	}
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(zone_file, refuses_what_is_too_large)
{
	struct folder f = folder_new();
	folder_put(&f, "huge", "");
	int fd = openat(f.fd, "huge", O_WRONLY | O_CLOEXEC);
	cr_assert_eq(ftruncate(fd, (off_t)ZONE_FILE_MAX + 1), 0); /* sparse */
	close(fd);
	expect_fault(&f, "huge", "is larger than 2 GiB");
	folder_free(&f);
}

Test(zone_file, gives_consumed_pages_back_and_keeps_the_rest)
{
	enum { SIZE = 10 << 20 };
	struct folder f = folder_new();
	char *text = malloc(SIZE);
	memset(text, 'x', SIZE);
	folder_put_bytes(&f, "big", text, SIZE);
	struct zone_file file;
	char why[128];
	cr_assert_eq(zone_file_read(f.fd, "big", &file, why, sizeof(why)), BH_OK);
	zone_file_release(&file, file.text + (9 << 20));
	cr_assert_eq(file.released, (size_t)8 << 20);
	cr_assert_eq(file.text[(8 << 20) - 1], '\0');
	cr_assert_eq(file.text[8 << 20], 'x');
	zone_file_release(&file, file.text);
	cr_assert_eq(file.text[SIZE - 1], 'x');
	zone_file_clear(&file);
	free(text);
	folder_free(&f);
}
