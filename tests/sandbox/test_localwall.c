/*
 * The local wall in the kernel that the tests run on: what a process behind it reaches, and what the same process
 * reached before it went there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/localwall.h"

#include "common/util/count.h"
#include "sandbox/localwall_group.h"
#include "sandbox/localwall_table.h"
#include "tests/sandbox/confined.h"
#include "tests/sandbox/reach.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct addr addr_of(const char *text)
{
	struct addr a;
	cr_assert_eq(addr_parse(text, 53, &a), BH_OK, "%s", text);
	return a;
}

/* --- where our control group is found ------------------------------------------------------------------ */

static const struct path_case {
	const char *mounts;
	const char *groups;
	const char *path; /* NULL: nowhere */
} path_cases[] = {
	/* unified, as on a distribution of today */
	{ "24 30 0:22 / /proc rw - proc proc rw\n30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
	  "0::/system.slice/bulkhead.service\n", "/sys/fs/cgroup/system.slice/bulkhead.service" },
	/* hybrid */
	{ "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n",
	  "9:name=systemd:/a\n4:memory:/b\n0::/c\n", "/sys/fs/cgroup/unified/c" },
	/* our namespace begins at our own group */
	{ "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/\n", "/sys/fs/cgroup" },
	/* a part of the hierarchy is mounted, as in containers without a namespace */
	{ "31 24 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/docker/abc\n", "/sys/fs/cgroup" },
	{ "31 24 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/docker/abc/x/y\n", "/sys/fs/cgroup/x/y" },
	{ "31 24 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/docker/abcd\n", NULL },
	{ "31 24 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/\n", NULL },
	/* outside of what our namespace shows */
	{ "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/../other\n", NULL },
	/* names with blanks are written in octal */
	{ "31 24 0:27 / /a\\040b\\134c rw - cgroup2 none rw\n", "0::/x\n", "/a b\\c/x" },
	/* the first version only, or no line of the second */
	{ "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", "4:memory:/b\n0::/\n", NULL },
	{ "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 none rw\n", "4:memory:/b\n", NULL },
	/* a mount point with the word in it is none */
	{ "31 24 0:27 / /cgroup2 rw - tmpfs cgroup2 rw\n", "0::/\n", NULL },
	{ "", "", NULL },
	{ "31 24", "0::", NULL },
	{ "31 24 0:27 / /x rw - cgroup2", "0::/y", "/x/y" },
	{ " - cgroup2", "0::/y", NULL },
};

Test(localwall, finds_its_control_group)
{
	for (size_t i = 0; i < COUNT(path_cases); i++) {
		const struct path_case *c = &path_cases[i];
		char path[256] = "";
		int rc = localwall_group_path(c->mounts, c->groups, path, sizeof(path));
		cr_expect_eq(rc == BH_OK, c->path != NULL, "case %zu: %d %s", i, rc, path);
		if (c->path != NULL) {
			cr_expect_str_eq(path, c->path, "case %zu: %s", i, path);
		}
	}
	char tiny[8];
	cr_expect_eq(localwall_group_path(path_cases[0].mounts, path_cases[0].groups, tiny, sizeof(tiny)), BH_ENOSPC);
}

/* --- what it does ---------------------------------------------------------------------------------------- */

static void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

/* A host of its own: loopback, and a way to elsewhere with addresses. */
static void make_host(void)
{
	if (!confined_possible()) {
		cr_skip_test("needs root");
	}
	if (system("ip -V >/dev/null 2>&1") != 0) {
		cr_skip_test("needs ip(8)");
	}
	cr_assert_eq(unshare(CLONE_NEWNET), 0);
	run("ip link set lo up && ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	run("ip address add 203.0.113.1/24 dev v0 && ip address add 2001:db8::1/64 dev v0 nodad");
	run("ip route add default dev v0 && ip -6 route add default dev v0");
	run("ip -6 route add multicast ff0e::/16 dev v0 table local");
}

static struct localwall *raise_wall(void)
{
	struct localwall *wall = NULL;
	char why[512] = "";
	if (localwall_raise(&wall, why, sizeof(why)) != BH_OK) {
		cr_skip_test("no local wall on this machine: %s", why);
	}
	return wall;
}

static void set_rules(struct localwall *wall, const struct localwall_rule *rules, size_t count)
{
	cr_assert_eq(localwall_prepare(wall, rules, count), BH_OK);
	localwall_commit(wall);
}

/* What a process behind the wall (NULL: in front of it) finds. */
static const char *reach(const struct localwall *wall, const char *how, const char *to)
{
	static char text[64];
	struct addr a = addr_of(to);
	int said[2];
	int status;
	cr_assert_eq(pipe(said), 0);
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		char why[256] = "";
		if (wall != NULL && localwall_join(wall, why, sizeof(why)) != BH_OK) {
			dprintf(said[1], "%s", why);
			_exit(1);
		}
		const char *found = reach_try(how, &a, epoll_create1(EPOLL_CLOEXEC));
		_exit(write(said[1], found, strlen(found)) < 0);
	}
	close(said[1]);
	ssize_t n = read(said[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(said[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return text;
}

/* TCP listeners, so that silence is a wall's. */
static void listen_at(const char *at)
{
	struct addr a = addr_of(at);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int)) <= 0 &&
			  bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 5) == 0,
		  "%s: %s", at, strerror(errno));
}

static const struct reach_case {
	const char *how;
	const char *to;
	const char *before; /* without the wall */
	const char *behind;
	const char *ruled; /* with the rules below */
} reach_cases[] = {
	/* this host, addressed in every way */
	{ "udp", "127.0.0.1@5353", "sent", "refused", "refused" },
	{ "send", "127.0.0.1@5353", "sent", "refused", "refused" },
	{ "mapped", "127.0.0.1@5353", "sent", "refused", "refused" },
	{ "udp", "127.200.3.4@5353", "sent", "refused", "refused" },
	{ "udp", "0.0.0.0@5353", "sent", "refused", "refused" },
	{ "mapped", "0.0.0.0@5353", "sent", "refused", "refused" },
	{ "udp", "203.0.113.1@5353", "sent", "refused", "refused" },
	{ "send", "203.0.113.1@5353", "sent", "refused", "refused" },
	{ "mapped", "203.0.113.1@5353", "sent", "refused", "refused" },
	{ "bound", "203.0.113.1@5353", "sent", "refused", "refused" },
	{ "udp", "::1@5353", "sent", "refused", "refused" },
	{ "udp", "::@5353", "sent", "refused", "refused" },
	{ "udp", "2001:db8::1@5353", "sent", "refused", "refused" },
	{ "send", "2001:db8::1@5353", "sent", "refused", "refused" },
	{ "tcp", "127.0.0.1@5353", "connected", "silence", "silence" },
	{ "tcp", "203.0.113.1@5353", "connected", "silence", "silence" },
	{ "tcp", "203.0.113.1@5354", "answered", "silence", "silence" },
	{ "tfo", "203.0.113.1@5353", "connected", "silence", "silence" },
	{ "tcpmapped", "203.0.113.1@5353", "connected", "silence", "silence" },
	{ "tcp", "0.0.0.0@5353", "connected", "silence", "silence" },
	{ "tcp", "2001:db8::1@5353", "connected", "silence", "silence" },
	{ "tcp", "::1@5353", "connected", "silence", "silence" },
	/* copies of multicast come back to wildcard listeners */
	{ "udp", "224.0.0.1@5353", "sent", "refused", "refused" },
	{ "send", "239.1.2.3@53", "sent", "refused", "refused" },
	{ "udp", "ff0e::1@5353", "sent", "refused", "refused" },
	/* elsewhere */
	{ "udp", "192.0.2.1", "sent", "sent", "sent" },
	{ "send", "192.0.2.1", "sent", "sent", "sent" },
	{ "mapped", "192.0.2.1", "sent", "sent", "sent" },
	{ "udp", "203.0.113.2", "sent", "sent", "sent" },
	{ "udp", "2001:db8::2", "sent", "sent", "sent" },
	{ "udp", "2001:db8:1::1", "sent", "sent", "sent" },
	{ "udp", "223.255.255.254", "sent", "sent", "sent" },
	/* a rule for one place */
	{ "udp", "127.0.0.1@8600", "sent", "refused", "sent" },
	{ "mapped", "127.0.0.1@8600", "sent", "refused", "sent" },
	{ "udp", "0.0.0.0@8600", "sent", "refused", "sent" }, /* goes to 127.0.0.1 */
	{ "udp", "127.0.0.2@8600", "sent", "refused", "refused" },
	{ "tcp", "127.0.0.1@8600", "connected", "silence", "connected" },
	{ "udp", "::1@8600", "sent", "refused", "sent" },
	{ "tcp", "::1@8600", "connected", "silence", "connected" },
	/* the same of what is not here: a listener whose address is on another machine at the moment */
	{ "udp", "198.51.100.7", "sent", "sent", "refused" },
	{ "udp", "198.51.100.7@54", "sent", "sent", "sent" },
	{ "mapped", "198.51.100.7", "sent", "sent", "refused" },
	{ "udp", "2001:db8:7::7", "sent", "sent", "refused" },
	/* a port of all loopback addresses, of all addresses; a rule for one of them goes before */
	{ "udp", "127.9.9.9", "sent", "refused", "sent" },
	{ "udp", "203.0.113.1", "sent", "refused", "refused" },
	{ "udp", "::1", "sent", "refused", "refused" },
	{ "udp", "127.0.0.3@54", "sent", "refused", "refused" },
	{ "udp", "127.0.0.1@54", "sent", "refused", "sent" },
	{ "udp", "203.0.113.1@54", "sent", "refused", "sent" },
	{ "udp", "::1@54", "sent", "refused", "refused" },
	{ "udp", "2001:db8::1@55", "sent", "refused", "sent" },
	{ "udp", "::1@55", "sent", "refused", "sent" },
	{ "udp", "127.0.0.1@55", "sent", "refused", "refused" },
	/* of two rules for a place the first */
	{ "udp", "127.0.0.1@56", "sent", "refused", "sent" },
	{ "udp", "127.0.0.1@57", "sent", "refused", "refused" },
};

static const struct {
	const char *to;
	enum localwall_verdict verdict;
} rule_cases[] = {
	{ "127.0.0.1@8600", LOCALWALL_ALLOW }, { "::1@8600", LOCALWALL_ALLOW },	 { "198.51.100.7", LOCALWALL_REFUSE },
	{ "2001:db8:7::7", LOCALWALL_REFUSE }, { "0.0.0.0", LOCALWALL_LOOPBACK }, { "127.0.0.3@54", LOCALWALL_REFUSE },
	{ "0.0.0.0@54", LOCALWALL_ALLOW },     { "::@55", LOCALWALL_ALLOW },	 { "127.0.0.1@56", LOCALWALL_ALLOW },
	{ "127.0.0.1@56", LOCALWALL_REFUSE },  { "127.0.0.1@57", LOCALWALL_REFUSE }, { "127.0.0.1@57", LOCALWALL_ALLOW },
};

Test(localwall, keeps_what_is_behind_it_from_this_host, .timeout = 120)
{
	static const char *const listeners[] = { "0.0.0.0@5353", "::@5353", "127.0.0.1@8600", "::1@8600" };
	struct localwall_rule rules[COUNT(rule_cases)];
	unsigned wrong = 0;
	make_host();
	struct localwall *wall = raise_wall();
	for (size_t i = 0; i < COUNT(listeners); i++) {
		listen_at(listeners[i]);
	}
	for (size_t i = 0; i < COUNT(rule_cases); i++) {
		rules[i] = (struct localwall_rule){ addr_of(rule_cases[i].to), rule_cases[i].verdict };
	}
	for (int step = 0; step < 3; step++) {
		static const char *const steps[] = { "in front", "behind", "with rules" };
		if (step == 2) {
			set_rules(wall, rules, COUNT(rules));
		}
		for (size_t i = 0; i < COUNT(reach_cases); i++) {
			const struct reach_case *c = &reach_cases[i];
			const char *wanted = step == 0 ? c->before : step == 1 ? c->behind : c->ruled;
			const char *found = reach(step == 0 ? NULL : wall, c->how, c->to);
			if (strcmp(found, wanted) != 0) {
				fprintf(stderr, "%s: %s %s: %s, expected: %s\n", steps[step], c->how, c->to, found, wanted);
				wrong++;
			}
		}
	}
	uint64_t refused = localwall_refused(wall);
	cr_expect_gt(refused, 40u);
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@5353"), "refused");
	cr_expect_eq(localwall_refused(wall), refused + 1);
	cr_expect_eq(localwall_remove(wall), BH_OK);
	cr_assert_eq(wrong, 0u, "%u attempts ended otherwise than expected", wrong);
}

/* No list has to be kept: an address that comes up is this host's from that moment. */
Test(localwall, knows_addresses_that_come_up_later)
{
	make_host();
	struct localwall *wall = raise_wall();
	cr_expect_str_eq(reach(wall, "udp", "203.0.113.77@53"), "sent");
	run("ip address add 203.0.113.77/32 dev v0");
	cr_expect_str_eq(reach(wall, "udp", "203.0.113.77@53"), "refused");
	run("ip address delete 203.0.113.77/32 dev v0");
	cr_expect_str_eq(reach(wall, "udp", "203.0.113.77@53"), "sent");
	cr_expect_eq(localwall_remove(wall), BH_OK);
}

/* The source and the way out are the sender's choice, and so are options: none of them helps. */
Test(localwall, is_not_passed_by_options_of_the_packet)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	int results[3];
	int said[2];
	make_host();
	struct localwall *wall = raise_wall();
	cr_assert_eq(pipe(said), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char why[256];
		/* loose source route over our own address; an empty header of options; a way out by name */
		static const uint8_t route[8] = { 131, 7, 4, 203, 0, 113, 1, 0 };
		static const uint8_t padding[8] = { IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0 };
		int v4 = socket(AF_INET, SOCK_DGRAM, 0);
		int v6 = socket(AF_INET6, SOCK_DGRAM, 0);
		int device = socket(AF_INET, SOCK_DGRAM, 0);
		if (setsockopt(device, SOL_SOCKET, SO_BINDTODEVICE, "v0", 3) != 0) {
			_exit(1);
		}
		close(v4);
		close(v6);
		if (localwall_join(wall, why, sizeof(why)) != BH_OK) {
			_exit(1);
		}
		v4 = socket(AF_INET, SOCK_DGRAM, 0); /* a socket belongs to where it was made */
		v6 = socket(AF_INET6, SOCK_DGRAM, 0);
		device = socket(AF_INET, SOCK_DGRAM, 0);
		if (setsockopt(v4, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)) != 0 ||
		    setsockopt(v6, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof(padding)) != 0 ||
		    setsockopt(device, SOL_SOCKET, SO_BINDTODEVICE, "v0", 3) != 0) {
			_exit(1);
		}
		struct addr a = { 0 };
		if (addr_parse("192.0.2.1", 53, &a) != BH_OK) {
			_exit(1);
		}
		memcpy(&to.sin_addr, a.bytes, 4);
		results[0] = sendto(v4, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
		if (addr_parse("2001:db8::2", 53, &a) != BH_OK) {
			_exit(1);
		}
		memcpy(&to6.sin6_addr, a.bytes, 16);
		results[1] = sendto(v6, "x", 1, 0, (struct sockaddr *)&to6, sizeof(to6)) < 0 ? errno : 0;
		if (addr_parse("203.0.113.1", 53, &a) != BH_OK) {
			_exit(1);
		}
		memcpy(&to.sin_addr, a.bytes, 4);
		results[2] = sendto(device, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
		_exit(write(said[1], results, sizeof(results)) != sizeof(results));
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert_eq(read(said[0], results, sizeof(results)), (ssize_t)sizeof(results));
	for (size_t i = 0; i < COUNT(results); i++) {
		cr_expect_eq(results[i], EPERM, "%zu: %s", i, strerror(results[i]));
	}
	cr_expect_eq(localwall_remove(wall), BH_OK);
}

/* The group belongs to sockets as they are made, and to children. */
Test(localwall, holds_for_children_and_other_users)
{
	make_host();
	struct localwall *wall = raise_wall();
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		char why[256];
		struct addr to;
		if (localwall_join(wall, why, sizeof(why)) != BH_OK || addr_parse("127.0.0.1", 5353, &to) != BH_OK) {
			_exit(1);
		}
		pid_t child = fork();
		if (child == 0) {
			bool good = setgid(TEST_GID) == 0 && setuid(TEST_UID) == 0 &&
				    strcmp(reach_try("udp", &to, -1), "refused") == 0;
			_exit(!good);
		}
		_exit(waitpid(child, &status, 0) != child || status != 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(localwall_remove(wall), BH_OK);
}

/* --- rules ----------------------------------------------------------------------------------------------- */

Test(localwall, changes_its_rules_as_a_whole)
{
	make_host();
	struct localwall *wall = raise_wall();
	const struct localwall_rule one = { addr_of("127.0.0.1@1001"), LOCALWALL_ALLOW };
	const struct localwall_rule two = { addr_of("127.0.0.1@1002"), LOCALWALL_ALLOW };
	set_rules(wall, &one, 1);
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@1001"), "sent");
	cr_assert_eq(localwall_prepare(wall, &two, 1), BH_OK);
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@1001"), "sent");
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@1002"), "refused");
	localwall_commit(wall);
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@1001"), "refused");
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@1002"), "sent");
	set_rules(wall, NULL, 0);
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@1002"), "refused");
	cr_expect_eq(localwall_remove(wall), BH_OK);
}

/* As many as fit, all found, and nothing else; one more is refused and leaves what was. */
Test(localwall, holds_many_rules, .timeout = 60)
{
	static struct localwall_rule rules[2 * LOCALWALL_RULES_MAX + 1];
	make_host();
	struct localwall *wall = raise_wall();
	for (unsigned i = 0; i < LOCALWALL_RULES_MAX; i++) { /* neighbours, as real ones are */
		rules[i].to = addr_of(i % 2 == 0 ? "127.0.0.1" : "::1");
		rules[i].to.port = (uint16_t)(1000 + i);
		rules[i].verdict = LOCALWALL_ALLOW;
		rules[LOCALWALL_RULES_MAX + i] = rules[i]; /* twice is once */
	}
	set_rules(wall, rules, 2 * LOCALWALL_RULES_MAX);
	for (unsigned port = 990; port < 1000 + LOCALWALL_RULES_MAX + 10; port += port % 7 == 0 ? 301 : 1) {
		char to[64];
		bool listed = port >= 1000 && port < 1000 + LOCALWALL_RULES_MAX;
		for (unsigned six = 0; six < 2; six++) {
			snprintf(to, sizeof(to), "%s@%u", six ? "::1" : "127.0.0.1", port);
			cr_expect_str_eq(reach(wall, "udp", to), listed && port % 2 == six ? "sent" : "refused", "%s", to);
		}
	}
	rules[2 * LOCALWALL_RULES_MAX] = (struct localwall_rule){ addr_of("127.0.0.2"), LOCALWALL_ALLOW };
	cr_expect_eq(localwall_prepare(wall, rules, 2 * LOCALWALL_RULES_MAX + 1), BH_ENOSPC);
	cr_expect_str_eq(reach(wall, "udp", "127.0.0.1@1000"), "sent");
	cr_expect_eq(localwall_remove(wall), BH_OK);
}

/* --- coming and going ------------------------------------------------------------------------------------- */

/* Groups of ours below the group that we are in. */
static unsigned groups(void)
{
	char path[4096];
	char mounts[65536];
	char own[4096];
	unsigned count = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	mounts[fread(mounts, 1, sizeof(mounts) - 1, f)] = '\0';
	fclose(f);
	f = fopen("/proc/self/cgroup", "re");
	own[fread(own, 1, sizeof(own) - 1, f)] = '\0';
	fclose(f);
	cr_assert_eq(localwall_group_path(mounts, own, path, sizeof(path)), BH_OK);
	DIR *dir = opendir(path);
	cr_assert_not_null(dir);
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		char name[64];
		snprintf(name, sizeof(name), "bulkhead-local-%d", (int)getpid());
		count += strncmp(e->d_name, name, strlen(name)) == 0;
	}
	closedir(dir);
	return count;
}

Test(localwall, several_stand_side_by_side)
{
	make_host();
	struct localwall *one = raise_wall();
	cr_expect_eq(localwall_refused(one), 0u); /* that it was tried out is no attempt */
	struct localwall *two = raise_wall();
	const struct localwall_rule rule = { addr_of("127.0.0.1@1001"), LOCALWALL_ALLOW };
	cr_expect_eq(groups(), 2u);
	set_rules(one, &rule, 1);
	cr_expect_str_eq(reach(one, "udp", "127.0.0.1@1001"), "sent");
	cr_expect_str_eq(reach(two, "udp", "127.0.0.1@1001"), "refused");
	cr_expect_eq(localwall_remove(one), BH_OK);
	cr_expect_str_eq(reach(two, "udp", "127.0.0.1@1001"), "refused");
	cr_expect_eq(localwall_remove(two), BH_OK);
	cr_expect_eq(groups(), 0u);
}

/* A group that somebody is in cannot be removed; when it is left alone the next wall takes it away. */
Test(localwall, cleans_up_after_one_that_was_killed)
{
	int ready[2];
	char byte;
	char why[256];
	make_host();
	struct localwall *wall = raise_wall();
	cr_assert_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (localwall_join(wall, why, sizeof(why)) == BH_OK && write(ready[1], "", 1) == 1) {
			pause();
		}
		_exit(1);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_expect_eq(localwall_remove(wall), BH_ESYS);
	cr_expect_eq(groups(), 1u);
	struct localwall *next = raise_wall(); /* not this one: somebody is in the other */
	cr_expect_eq(groups(), 2u);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	struct localwall *last = raise_wall();
	cr_expect_eq(groups(), 2u);
	cr_expect_eq(localwall_remove(next), BH_OK);
	cr_expect_eq(localwall_remove(last), BH_OK);
	cr_expect_eq(groups(), 0u);
}

/* The program after the one that raised it changes its rules, starts roles behind it, and removes it. */
Test(localwall, goes_on_with_another_program)
{
	struct localwall_handover over;
	struct localwall_handover copy;
	struct localwall *next = NULL;
	char why[256] = "";
	make_host();
	struct localwall *wall = raise_wall();
	const struct localwall_rule one = { addr_of("127.0.0.1@1001"), LOCALWALL_ALLOW };
	const struct localwall_rule two = { addr_of("127.0.0.1@1002"), LOCALWALL_ALLOW };
	set_rules(wall, &one, 1);
	localwall_hand_over(wall, &over);
	copy = over;
	for (int i = 0; i < LOCALWALL_FDS; i++) {
		copy.fds[i] = dup(over.fds[i]);
		cr_assert_geq(copy.fds[i], 0);
	}
	cr_assert_eq(localwall_take_over(&copy, &next, why, sizeof(why)), BH_OK, "%s", why);
	for (int i = 0; i < LOCALWALL_FDS; i++) {
		cr_expect_eq(fcntl(copy.fds[i], F_GETFD), FD_CLOEXEC);
	}
	cr_expect_str_eq(reach(next, "udp", "127.0.0.1@1001"), "sent");
	set_rules(next, &two, 1);
	cr_expect_str_eq(reach(next, "udp", "127.0.0.1@1001"), "refused");
	cr_expect_str_eq(reach(next, "udp", "127.0.0.1@1002"), "sent");
	cr_expect_eq(localwall_remove(next), BH_OK);
	cr_expect_eq(groups(), 0u);
	cr_expect_eq(localwall_remove(wall), BH_ESYS); /* it is gone already */
}

Test(localwall, is_not_taken_for_something_else)
{
	struct localwall_handover over;
	struct localwall *next = NULL;
	char why[256] = "";
	make_host();
	struct localwall *wall = raise_wall();
	for (int wrong = 0; wrong <= LOCALWALL_FDS; wrong++) {
		localwall_hand_over(wall, &over);
		for (int i = 0; i < LOCALWALL_FDS; i++) {
			over.fds[i] = i == wrong ? open("/dev/null", O_RDWR) : dup(over.fds[i]);
		}
		over.version += wrong == LOCALWALL_FDS;
		int rc = localwall_take_over(&over, &next, why, sizeof(why));
		cr_expect_neq(rc, BH_OK, "%d", wrong);
		cr_expect_eq(rc == BH_EVERSION, wrong == LOCALWALL_FDS, "%d: %s", wrong, why);
		cr_expect_neq(why[0], '\0');
		for (int i = 0; i < LOCALWALL_FDS; i++) {
			cr_expect_eq(fcntl(over.fds[i], F_GETFD), -1, "%d: %d is left open", wrong, i);
		}
	}
	cr_expect_eq(localwall_remove(wall), BH_OK);
}

/* --- where it cannot be had ------------------------------------------------------------------------------- */

/* Linux 6.9 takes CAP_SYS_ADMIN for CAP_NET_ADMIN. */
static void drop_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &header, data) != 0) {
		_exit(3);
	}
	data[0].effective &= ~(1u << CAP_NET_ADMIN | 1u << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &header, data) != 0) {
		_exit(3);
	}
}

static void hide_groups(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    umount2("/sys/fs/cgroup", MNT_DETACH) != 0) {
		_exit(3);
	}
}

/* As in a container. */
static void lock_groups(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("/sys/fs/cgroup", "/sys/fs/cgroup", NULL, MS_BIND | MS_REC, NULL) != 0 ||
	    syscall(SYS_mount_setattr, AT_FDCWD, "/sys/fs/cgroup", AT_RECURSIVE, (uint64_t[4]){ 1 /* read-only */ }, 32) != 0) {
		_exit(3);
	}
}

static void nothing(void)
{
}

static const struct {
	void (*prepare)(void);
	struct fault fault;
	const char *says;
} missing_cases[] = {
	{ drop_admin, { 0 }, "local wall: attach the BPF program, which needs CAP_NET_ADMIN" },
	{ hide_groups, { 0 }, "control group: there is no cgroup2 file system in sight" },
	{ lock_groups, { 0 }, "Read-only file system" },
	{ nothing, { SYS_bpf, -1, false }, "local wall: BPF map: Operation not permitted" },
	{ nothing, { SYS_bpf, 5 /* BPF_PROG_LOAD */, false }, "local wall: load the BPF program" },
	{ nothing, { SYS_bpf, 8 /* BPF_PROG_ATTACH */, false }, "local wall: attach the BPF program, which" },
	{ nothing, { SYS_bpf, 8, true }, "local wall: what is sent to this host arrives" },
	{ nothing, { SYS_mkdirat, -1, false }, "control group: make one in " },
	{ nothing, { SYS_mkdirat, -1, true }, "control group: make one in " },
	{ nothing, { SYS_flock, -1, false }, "control group: make one in " },
};

Test(localwall, fails_closed_and_leaves_nothing, .timeout = 60)
{
	make_host();
	cr_expect_eq(localwall_remove(raise_wall()), BH_OK); /* where it cannot be had at all, the reasons are others */
	for (size_t i = 0; i < COUNT(missing_cases); i++) {
		int said[2];
		char why[512] = "";
		cr_assert_eq(pipe(said), 0);
		pid_t pid = fork();
		if (pid == 0) {
			struct localwall *wall;
			missing_cases[i].prepare();
			if (missing_cases[i].fault.call != 0) {
				fault_inject(&missing_cases[i].fault);
			}
			int rc = localwall_raise(&wall, why, sizeof(why));
			_exit(rc == BH_OK || write(said[1], why, strlen(why)) < 0);
		}
		int status;
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		close(said[1]);
		ssize_t n = read(said[0], why, sizeof(why) - 1);
		why[n > 0 ? n : 0] = '\0';
		close(said[0]);
		cr_expect(status == 0, "%s: went on", missing_cases[i].says);
		cr_expect_not_null(strstr(why, missing_cases[i].says), "\"%s\", expected \"%s\"", why, missing_cases[i].says);
	}
	cr_expect_eq(localwall_remove(raise_wall()), BH_OK); /* takes away what a broken mkdir or rmdir left */
}
