/*
 * The role's end of the control link, in a process of its own because it ends that process on a supervisor
 * that makes no sense. Scripts say what the supervisor sends and what must come back.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/role_link.h"

#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNLUCKY 13 /* the role refuses this generation */
#define PATIENCE_MS 10000

/* --- the role --- */

static int on_prepare(void *ctx, const struct role_conf *conf, char *why, size_t why_size)
{
	(void)ctx;
	if (conf->generation == UNLUCKY) {
		snprintf(why, why_size, "unlucky");
		return BH_EMALFORMED;
	}
	for (size_t i = 0; i < conf->listener_count; i++) {
		if (fcntl(conf->listeners[i].fd, F_GETFD) < 0) {
			_exit(7);
		}
	}
	return BH_OK;
}

/* The configuration in service, which a role may look at until the next one is. */
static const struct role_conf *in_service;

static void on_commit(void *ctx, const struct role_conf *conf)
{
	struct stats_page **stats = ctx;
	in_service = conf;
	(*stats)->counters[0] = conf->generation;
	(*stats)->counters[4] = 0;
	for (size_t i = 0; i < conf->zone_count; i++) { /* a digit for each zone: its image, which must be here */
		const struct role_zone *zone = &conf->zones[i];
		if (zone->info.image != 0 && fcntl(zone->image_fd, F_GETFD) < 0) {
			_exit(11);
		}
		(*stats)->counters[4] = 10 * (*stats)->counters[4] + zone->info.image;
	}
	(*stats)->counters[1] = conf->listener_count + 10 * conf->zone_count + 100 * conf->acl.count +
				 1000 * conf->key_count + 10000 * conf->transfer_count;
}

static void on_abort(void *ctx)
{
	struct stats_page **stats = ctx;
	(*stats)->counters[2]++;
}

static uint64_t on_flush(void *ctx, const struct ipc_flush *what)
{
	const struct stats_page *const *stats = ctx;
	if (in_service->generation != (*stats)->counters[0]) {
		return 0;
	}
	return 1000u + what->kind;
}

static struct event_base *role_base;

static void on_retire(void *ctx)
{
	struct stats_page **stats = ctx;
	(*stats)->counters[3]++;
	event_base_loopbreak(role_base);
}

static void be_role(enum role role, int fd)
{
	static const struct role_ops ops = { .prepare = on_prepare, .commit = on_commit, .abort = on_abort,
					     .flush = on_flush, .retire = on_retire };
	static struct stats_page *stats;
	struct ipc_hello hello = { .walls = 5, .uid = 1, .gid = 2, .syscalls = 3 };

	log_set_fd(open("/dev/null", O_WRONLY), 1);
	if (fd != IPC_LINK_FD) {
		if (dup2(fd, IPC_LINK_FD) < 0) {
			_exit(8);
		}
		close(fd);
	}
	struct event_base *base = role_base = event_base_new();
	struct role_link *rl = role_link_new(base, role, &hello, &stats, &ops, &stats);
	if (rl == NULL || stats == NULL) {
		_exit(9);
	}
	event_base_dispatch(base);
	role_link_free(rl);
	event_base_free(base);
	_exit(stats == NULL ? 0 : 10);
}

/* --- the supervisor --- */

struct fixture {
	pid_t pid;
	int fd;
	enum role role;
	struct stats_page *stats;
	int stats_fd;
};

static void start(struct fixture *f, enum role role)
{
	int fds[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	f->role = role;
	f->stats_fd = memfd_create("stats", MFD_CLOEXEC);
	cr_assert_eq(ftruncate(f->stats_fd, STATS_PAGE_SIZE), 0);
	f->stats = mmap(NULL, STATS_PAGE_SIZE, PROT_READ, MAP_SHARED, f->stats_fd, 0);
	cr_assert_neq(f->stats, MAP_FAILED);
	f->pid = fork();
	cr_assert_geq(f->pid, 0);
	if (f->pid == 0) {
		close(fds[0]);
		be_role(role, fds[1]);
	}
	close(fds[1]);
	f->fd = fds[0];
}

static void finish(struct fixture *f)
{
	close(f->fd);
	munmap(f->stats, STATS_PAGE_SIZE);
	close(f->stats_fd);
}

static void say(const struct fixture *f, enum msg_type type, const struct sink *payload, int fd)
{
	uint8_t bytes[MSG_HEADER + 1024];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { bytes, MSG_HEADER + payload->pos };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	put_u16(bytes, (uint16_t)type);
	put_u16(bytes + 2, 0);
	put_u32(bytes + 4, 99);
	memcpy(bytes + MSG_HEADER, payload->base, payload->pos);
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	ssize_t n = sendmsg(f->fd, &msg, MSG_NOSIGNAL);
	(void)n; /* the role may have ended for what came before */
}

/* The next message of the role: its type, or MSG_NONE when it is gone. */
static enum msg_type hear(const struct fixture *f, uint8_t *payload, size_t *len)
{
	uint8_t bytes[MSG_HEADER + 1024];
	struct pollfd pfd = { .fd = f->fd, .events = POLLIN };
	cr_assert_eq(poll(&pfd, 1, PATIENCE_MS), 1, "the role says nothing");
	ssize_t n = recv(f->fd, bytes, sizeof(bytes), 0);
	if (n < MSG_HEADER) {
		return MSG_NONE;
	}
	*len = (size_t)n - MSG_HEADER;
	memcpy(payload, bytes + MSG_HEADER, *len);
	return (enum msg_type)get_u16(bytes);
}

static void say_options(const struct fixture *f, struct sink *s)
{
	if (f->role == ROLE_AUTHORITY) {
		ipc_conf_authority_encode(s, &(struct ipc_conf_authority){ .anyone = 1, .tcp = { 10, 5, 1000, 1000 } });
		say(f, MSG_CONF_AUTHORITY, s, -1);
	} else if (f->role == ROLE_MONITOR) {
		ipc_conf_monitor_encode(s, &(struct ipc_conf_monitor){ .zones = 1 });
		say(f, MSG_CONF_MONITOR, s, -1);
	} else {
		ipc_conf_resolver_encode(s, &(struct ipc_conf_resolver){ .cache_bytes = 1, .pending_max = 1 });
		say(f, MSG_CONF_RESOLVER, s, -1);
	}
}

static void say_zone(const struct fixture *f, struct sink *s, uint32_t image, uint8_t flags)
{
	struct ipc_zone zone = { .name = { 0 }, .image = image, .flags = flags };
	ipc_zone_encode(s, &zone);
	say(f, MSG_CONF_ZONE, s, -1);
}

static void say_number(const struct fixture *f, struct sink *s, enum msg_type type, uint32_t number)
{
	sink_u32(s, number);
	say(f, type, s, -1);
}

/*
 * One step: a letter and a number. I identity, B begin, O options, a an access list entry, P prepare, C commit,
 * A abort, S stop, X flush, N peer restarted; L listener, K query link, M image; l, k use them; Z zone with image,
 * z zone without, F failed zone; U same zones as in generation n / 10, which are n % 10; V image n % 10 for zone n / 10,
 * v none for it, it failed; Q that it is to ask itself. Of the monitor: G a page of counters, g uses it, H a host
 * name, W a watched zone, R facts of a role, D facts of the appliance.
 */
static void step(const struct fixture *f, char what, uint32_t n)
{
	uint8_t bytes[512];
	struct sink s = sink_of(bytes, sizeof(bytes));
	switch (what) {
	case 'I':
		ipc_identity_encode(&s, &(struct ipc_identity){ .view = "v", .count = 1, .log_level = LOG_LEVEL_ERR });
		say(f, MSG_IDENTITY, &s, f->stats_fd);
		break;
	case 'B':
		say_number(f, &s, MSG_CONF_BEGIN, n);
		break;
	case 'O':
		say_options(f, &s);
		break;
	case 'a':
		ipc_acl_encode(&s, &(struct ipc_acl){ .prefix = { .family = ADDR_V4 } });
		say(f, MSG_CONF_ACL, &s, -1);
		break;
	case 'P':
		say_number(f, &s, MSG_PREPARE, n);
		break;
	case 'C':
		say_number(f, &s, MSG_COMMIT, n);
		break;
	case 'A':
		say_number(f, &s, MSG_ABORT, n);
		break;
	case 'S':
		say(f, MSG_STOP, &s, -1);
		break;
	case 'X':
		ipc_flush_encode(&s, &(struct ipc_flush){ .kind = IPC_FLUSH_ZONE });
		say(f, MSG_FLUSH, &s, -1);
		break;
	case 'N':
		say_number(f, &s, MSG_PEER_RESTARTED, n);
		break;
	case 'L':
		ipc_listener_encode(&s, &(struct ipc_listener){ .id = n, .proto = IPC_UDP, .addr = { .family = ADDR_V4 } });
		say(f, MSG_LISTENER, &s, STDERR_FILENO);
		break;
	case 'K':
		ipc_link_encode(&s, &(struct ipc_link){ .id = n, .peer = ROLE_FRONTEND });
		say(f, MSG_LINK, &s, STDERR_FILENO);
		break;
	case 'M':
		ipc_image_encode(&s, &(struct ipc_image){ .id = n, .zone = { 0 } });
		say(f, MSG_IMAGE, &s, STDERR_FILENO);
		break;
	case 'l':
		say_number(f, &s, MSG_CONF_LISTENER, n);
		break;
	case 'k':
		say_number(f, &s, MSG_CONF_LINK, n);
		break;
	case 'Z':
		say_zone(f, &s, n, 0);
		break;
	case 'z':
		say_zone(f, &s, 0, 0);
		break;
	case 'Y':
		ipc_key_encode(&s, &(struct ipc_key){ .key = { .algorithm = TSIG_HMAC_SHA256, .secret_len = 9 } });
		say(f, MSG_CONF_KEY, &s, -1);
		break;
	case 'T':
		ipc_transfer_encode(&s, &(struct ipc_transfer){ .zone = n, .needs = IPC_TRANSFER_KEY });
		say(f, MSG_CONF_TRANSFER, &s, -1);
		break;
	case 'F':
		say_zone(f, &s, 0, IPC_ZONE_FAILED);
		break;
	case 'U':
		ipc_same_zones_encode(&s, &(struct ipc_same_zones){ .generation = n / 10, .count = n % 10 });
		say(f, MSG_CONF_SAME_ZONES, &s, -1);
		break;
	case 'V':
		ipc_zone_image_encode(&s, &(struct ipc_zone_image){ .zone = n / 10, .image = n % 10 });
		say(f, MSG_CONF_ZONE_IMAGE, &s, -1);
		break;
	case 'v':
		ipc_zone_image_encode(&s, &(struct ipc_zone_image){ .zone = n, .flags = IPC_ZONE_FAILED });
		say(f, MSG_CONF_ZONE_IMAGE, &s, -1);
		break;
	case 'Q':
		ipc_name_encode(&s, &(struct ipc_name){ .name = { 0 } });
		say(f, MSG_CONF_PROBE, &s, -1);
		break;
	case 'G':
		ipc_page_encode(&s, &(struct ipc_page){ .id = n, .role = ROLE_RESOLVER });
		say(f, MSG_PAGE, &s, STDERR_FILENO);
		break;
	case 'g':
		say_number(f, &s, MSG_CONF_PAGE, n);
		break;
	case 'H':
		ipc_host_encode(&s, &(struct ipc_host){ .name = "gw" });
		say(f, MSG_CONF_HOST, &s, -1);
		break;
	case 'W':
		ipc_watched_encode(&s, &(struct ipc_watched){ .view = "v", .counter = n });
		say(f, MSG_CONF_WATCHED, &s, -1);
		break;
	case 'R':
		ipc_role_facts_encode(&s, &(struct ipc_role_facts){ .page = n });
		say(f, MSG_ROLE_FACTS, &s, -1);
		break;
	case 'D':
		ipc_appliance_facts_encode(&s, &(struct ipc_appliance_facts){ .generation = n });
		say(f, MSG_APPLIANCE_FACTS, &s, -1);
		break;
	default:
		cr_assert_fail("unknown step %c", what);
	}
	cr_assert_not(s.failed);
}

/* What must come: p prepared, r refused, c committed, f flushed; each with its number. */
static void expect(const struct fixture *f, const char *script, char what, uint32_t n)
{
	uint8_t payload[1024] = { 0 };
	size_t len = 0;
	static const struct {
		char letter;
		enum msg_type type;
	} replies[] = { { 'p', MSG_PREPARED }, { 'r', MSG_REFUSED }, { 'c', MSG_COMMITTED }, { 'f', MSG_FLUSHED } };
	enum msg_type want = MSG_NONE;
	for (size_t i = 0; i < COUNT(replies); i++) {
		want = replies[i].letter == what ? replies[i].type : want;
	}
	enum msg_type got = hear(f, payload, &len);
	cr_assert_eq(got, want, "%s: %c%u: message %d", script, what, (unsigned)n, (int)got);
	if (got == MSG_FLUSHED) {
		struct ipc_flushed flushed;
		cr_assert_eq(ipc_flushed_decode(payload, len, &flushed), BH_OK);
		cr_assert_eq(flushed.entries, 1000u + IPC_FLUSH_ZONE);
	} else {
		cr_assert_eq(get_u32(payload), n, "%s", script);
	}
	if (got == MSG_REFUSED) {
		struct ipc_refused refused;
		cr_assert_eq(ipc_refused_decode(payload, len, &refused), BH_OK);
		cr_assert_str_eq(refused.why, "unlucky");
	}
}

static void expect_hello(const struct fixture *f)
{
	uint8_t payload[1024];
	size_t len;
	struct ipc_hello hello;
	cr_assert_eq(hear(f, payload, &len), MSG_HELLO);
	cr_assert_eq(ipc_hello_decode(payload, len, &hello), BH_OK);
	cr_assert_eq(hello.role, f->role);
	cr_assert_eq(hello.protocol, IPC_PROTOCOL);
	cr_assert_str_eq(hello.build, ipc_build_id());
	cr_assert(hello.walls == 5 && hello.uid == 1 && hello.gid == 2 && hello.syscalls == 3);
}

static void play(const struct fixture *f, const char *script)
{
	for (const char *p = script; *p != '\0';) {
		bool reply = *p == '>';
		p += reply;
		char what = *p++;
		char *end;
		uint32_t n = (uint32_t)strtoul(p, &end, 10);
		p = *end == ' ' ? end + 1 : end;
		if (reply) {
			expect(f, script, what, n);
		} else {
			step(f, what, n);
		}
	}
}

static int exit_status(const struct fixture *f)
{
	int status;
	cr_assert_eq(waitpid(f->pid, &status, 0), f->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static unsigned fds_of(pid_t pid)
{
	char path[64];
	unsigned count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	cr_assert_not_null(dir);
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

static const struct {
	enum role role;
	const char *script;
	int status; /* 0: the role stops when told; 1: it ends because this must not be */
} scripts[] = {
	{ ROLE_AUTHORITY, "S", 0 },
	{ ROLE_AUTHORITY, "I S", 0 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C1 >c1 S", 0 },
	{ ROLE_AUTHORITY, "I L1 K2 M3 B1 O l1 k2 Z3 F a P1 >p1 C1 >c1 S", 0 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C1 >c1 B2 O P2 >p2 C2 >c2 N7 S", 0 },
	/* refused, aborted, begun anew */
	{ ROLE_AUTHORITY, "I B13 O P13 >r13 A13 B2 O P2 >p2 C2 >c2 S", 0 },
	{ ROLE_AUTHORITY, "I B13 O P13 >r13 B2 O P2 >p2 C2 >c2 S", 0 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 A1 B2 O P2 >p2 C2 >c2 S", 0 },
	{ ROLE_AUTHORITY, "I B1 A1 B2 O P2 >p2 C2 >c2 S", 0 },
	{ ROLE_AUTHORITY, "I A9 S", 0 },
	/* resources of the running configuration outlive an abort, new ones do not, unused ones go */
	{ ROLE_AUTHORITY, "I L1 B1 O l1 P1 >p1 C1 >c1 L2 B2 O l2 P2 >p2 A2 B3 O l1 P3 >p3 C3 >c3 S", 0 },
	{ ROLE_AUTHORITY, "I L1 B1 O l1 P1 >p1 C1 >c1 L2 B2 O l2 P2 >p2 A2 B3 O l2", 1 },
	{ ROLE_AUTHORITY, "I L1 L2 B1 O l1 P1 >p1 C1 >c1 B2 O l2", 1 },
	{ ROLE_AUTHORITY, "I M1 M2 B1 O Z1 P1 >p1 C1 >c1 B2 O Z1 P2 >p2 C2 >c2 B3 O Z2", 1 },
	{ ROLE_AUTHORITY, "I L1 B1 O l1 P1 >p1 C1 >c1 B13 O l1 P13 >r13 B3 O l1 P3 >p3 C3 >c3 S", 0 },
	/* out of order */
	{ ROLE_AUTHORITY, "B1", 1 },
	{ ROLE_AUTHORITY, "I I", 1 },
	{ ROLE_AUTHORITY, "I O", 1 },
	{ ROLE_AUTHORITY, "I a", 1 },
	{ ROLE_AUTHORITY, "I P1", 1 },
	{ ROLE_AUTHORITY, "I C1", 1 },
	{ ROLE_AUTHORITY, "I N1", 1 },
	{ ROLE_AUTHORITY, "I B1 P1", 1 },
	{ ROLE_AUTHORITY, "I B1 O P2", 1 },
	{ ROLE_AUTHORITY, "I B1 B2", 1 },
	{ ROLE_AUTHORITY, "I B1 O C1", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 P1", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 O", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 B2", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C2", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 A1 C1", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C1 >c1 C1", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C1 >c1 I", 1 },
	{ ROLE_AUTHORITY, "I B13 O P13 >r13 C13", 1 },
	/* options of one configuration are not those of the next */
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C1 >c1 B2 P2", 1 },
	/* resources that are not there, or of another kind, or whose ids do not grow */
	{ ROLE_AUTHORITY, "I B1 l1", 1 },
	{ ROLE_AUTHORITY, "I B1 Z1", 1 },
	{ ROLE_AUTHORITY, "I B1 z", 1 },
	{ ROLE_AUTHORITY, "I L1 B1 k1", 1 },
	{ ROLE_AUTHORITY, "I L1 B1 Z1", 1 },
	{ ROLE_AUTHORITY, "I M1 B1 l1", 1 },
	{ ROLE_AUTHORITY, "I L2 L1", 1 },
	{ ROLE_AUTHORITY, "I L1 K1", 1 },
	{ ROLE_AUTHORITY, "X", 1 },
	/* transfers are of zones that came before, in their order */
	{ ROLE_AUTHORITY, "I B1 O Y F T0 T0 F F T2 P1 >p1 C1 >c1 S", 0 },
	{ ROLE_AUTHORITY, "I B1 O T0", 1 },
	{ ROLE_AUTHORITY, "I B1 O F F T2", 1 },
	{ ROLE_AUTHORITY, "I B1 O F F T1 T0", 1 },
	/* zones as before: of the generation in service and no other, complete, and with images that are here */
	{ ROLE_AUTHORITY, "I M1 B1 O F Z1 P1 >p1 C1 >c1 B2 O U12 P2 >p2 C2 >c2 S", 0 },
	{ ROLE_AUTHORITY, "I M1 B1 O F Z1 P1 >p1 C1 >c1 B2 O U12 P2 >p2 A2 B3 O U12 P3 >p3 C3 >c3 S", 0 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C1 >c1 B2 O U10 P2 >p2 C2 >c2 S", 0 },
	{ ROLE_AUTHORITY, "I B1 O U00", 1 },
	{ ROLE_AUTHORITY, "I B1 O U10", 1 },
	{ ROLE_AUTHORITY, "I B1 O P1 >p1 C1 >c1 U10", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O U21", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O P2 >p2 A2 B3 O U21", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O F P2 >p2 C2 >c2 B3 O U11", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O U10", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O U12", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O U11 U11", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O U11 F", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O F U11", 1 },
	{ ROLE_AUTHORITY, "I B1 O Y F T0 P1 >p1 C1 >c1 B2 O Y U11 T0", 1 },
	{ ROLE_AUTHORITY, "I B1 O F P1 >p1 C1 >c1 B2 O U11 P2 >p2 C2 >c2 B3 O v0", 1 },
	{ ROLE_AUTHORITY, "I M1 B1 O Z1 P1 >p1 C1 >c1 B2 O U11 V2", 1 },
	{ ROLE_AUTHORITY, "I M1 B1 O Z1 P1 >p1 C1 >c1 B2 O U11 V0", 1 },
	{ ROLE_AUTHORITY, "I M1 B1 O Z1 P1 >p1 C1 >c1 B2 O U11 V11", 1 },
	{ ROLE_AUTHORITY, "I M1 B1 O Z1 P1 >p1 C1 >c1 M2 B2 O U11 V2 P2 >p2 A2 B3 O U11 V2", 1 },
	{ ROLE_AUTHORITY, "I M1 B1 O Z1 P1 >p1 C1 >c1 M2 B2 O U11 V2 P2 >p2 C2 >c2 B3 O U21 V1", 1 },
	{ ROLE_FRONTEND, "I B1 O U10", 1 },
	{ ROLE_RESOLVER, "I B1 O P1 >p1 C1 >c1 B2 O U10", 1 },
	{ ROLE_MONITOR, "I B1 O P1 >p1 C1 >c1 B2 O U10", 1 },
	{ ROLE_AUTHORITY, "I Y", 1 },
	{ ROLE_RESOLVER, "I B1 Y", 1 },
	{ ROLE_FRONTEND, "I B1 Y", 1 },
	/* the resolver: flush in its phase, no listeners */
	{ ROLE_RESOLVER, "I B1 O P1 >p1 C1 >c1 X >f S", 0 },
	{ ROLE_RESOLVER, "I X", 1 },
	{ ROLE_RESOLVER, "I L1", 1 },
	{ ROLE_RESOLVER, "I B1 z", 1 },
	/* the monitor: pages that it uses stay, others go; facts in their phase; nothing that others get */
	{ ROLE_MONITOR, "I L1 G2 G3 B1 O a l1 g2 g3 H W5 W6 P1 >p1 C1 >c1 R2 D1 S", 0 },
	{ ROLE_MONITOR, "I G2 G3 B1 O g2 P1 >p1 C1 >c1 B2 O g2 P2 >p2 C2 >c2 S", 0 },
	{ ROLE_MONITOR, "I G2 G3 B1 O g2 P1 >p1 C1 >c1 B2 O g3", 1 },
	{ ROLE_MONITOR, "I B1 O g2", 1 },
	{ ROLE_MONITOR, "I L1 B1 O g1", 1 },
	{ ROLE_MONITOR, "I G1 B1 O l1", 1 },
	{ ROLE_MONITOR, "I R2", 1 },
	{ ROLE_MONITOR, "I B1 O P1 >p1 D1", 1 },
	{ ROLE_MONITOR, "I B1 P1", 1 },
	{ ROLE_MONITOR, "I K1", 1 },
	{ ROLE_MONITOR, "I M1", 1 },
	{ ROLE_MONITOR, "I B1 F", 1 },
	{ ROLE_MONITOR, "I B1 Y", 1 },
	{ ROLE_MONITOR, "I B1 Q", 1 },
	{ ROLE_MONITOR, "I B1 O P1 >p1 C1 >c1 X", 1 },
	{ ROLE_MONITOR, "I B1 O P1 >p1 C1 >c1 N1", 1 },
	/* and others get nothing of its */
	{ ROLE_AUTHORITY, "I B1 O Q P1 >p1 C1 >c1 S", 0 },
	{ ROLE_RESOLVER, "I B1 O Q P1 >p1 C1 >c1 S", 0 },
	{ ROLE_AUTHORITY, "I G1", 1 },
	{ ROLE_AUTHORITY, "I B1 H", 1 },
	{ ROLE_RESOLVER, "I B1 W1", 1 },
	{ ROLE_RESOLVER, "I B1 O P1 >p1 C1 >c1 R1", 1 },
};

Test(role_link, scripts, .timeout = 120)
{
	for (size_t i = 0; i < COUNT(scripts); i++) {
		struct fixture f;
		start(&f, scripts[i].role);
		expect_hello(&f);
		play(&f, scripts[i].script);
		int status = exit_status(&f);
		cr_assert_eq(status, scripts[i].status, "%s: status %d", scripts[i].script, status);
		finish(&f);
	}
}

/* A supervisor that ends its side has a successor for this role; one that serves nothing yet has nothing to finish. */
Test(role_link, end_of_the_link_retires_a_role_that_serves)
{
	static const struct {
		const char *script;
		int status;
		unsigned retired;
	} cases[] = { { "I B1 O P1 >p1 C1 >c1", 0, 1 }, { "I B1 O P1 >p1", 1, 0 }, { "I", 1, 0 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture f;
		start(&f, ROLE_AUTHORITY);
		expect_hello(&f);
		play(&f, cases[i].script);
		shutdown(f.fd, SHUT_WR);
		cr_assert_eq(exit_status(&f), cases[i].status, "%s", cases[i].script);
		cr_assert_eq(f.stats->counters[3], cases[i].retired, "%s", cases[i].script);
		finish(&f);
	}
}

Test(role_link, counters_and_configurations_arrive)
{
	struct fixture f;
	start(&f, ROLE_AUTHORITY);
	expect_hello(&f);
	play(&f, "I L1 L2 B5 O l1 l2 Y Y F T0 F F a P5 >p5 C5 >c5");
	cr_assert_eq(f.stats->counters[0], 5u);
	cr_assert_eq(f.stats->counters[1], 2u + 30u + 100u + 2000u + 10000u);
	play(&f, "B6 O P6 >p6 A6 B7 O P7 >p7 C7 >c7");
	cr_assert_eq(f.stats->counters[0], 7u);
	cr_assert_eq(f.stats->counters[1], 0u);
	cr_assert_eq(f.stats->counters[2], 1u); /* abort() of what was prepared, and only then */
	play(&f, "B13 O P13 >r13 A13 S");
	cr_assert_eq(exit_status(&f), 0);
	cr_assert_eq(f.stats->counters[2], 1u);
	finish(&f);
}

/* What did not change is taken over from what is in service, not from what was prepared and given up. */
Test(role_link, same_zones_with_another_image)
{
	struct fixture f;
	start(&f, ROLE_AUTHORITY);
	expect_hello(&f);
	play(&f, "I M1 M2 M3 B1 O Y Z1 Z2 T1 Z3 P1 >p1 C1 >c1");
	cr_assert_eq(f.stats->counters[4], 123u);
	play(&f, "M4 B2 O Y U13 V14 P2 >p2 C2 >c2");
	cr_assert_eq(f.stats->counters[4], 143u);
	cr_assert_eq(f.stats->counters[1], 30u + 1000u + 10000u); /* and who may transfer */
	play(&f, "M5 B3 O U23 V5 v1 P3 >p3 A3 B4 O U23 P4 >p4 C4 >c4");
	cr_assert_eq(f.stats->counters[4], 143u);
	play(&f, "B13 O U43 v0 v1 v2 P13 >r13 A13 B5 O U43 v2 P5 >p5 C5 >c5 M6 B6 O U53 V26 P6 >p6 C6 >c6 S");
	cr_assert_eq(exit_status(&f), 0);
	cr_assert_eq(f.stats->counters[4], 146u);
	finish(&f);
}

Test(role_link, reloads_leave_no_descriptors)
{
	struct fixture f;
	uint32_t id = 1;
	unsigned before = 0;
	start(&f, ROLE_AUTHORITY);
	expect_hello(&f);
	play(&f, "I");
	for (uint32_t generation = 1; generation <= 60; generation++) {
		char script[128];
		bool refused = generation % 3 == 0;
		uint32_t g = refused ? UNLUCKY : 100 + generation;
		snprintf(script, sizeof(script), "L%u K%u M%u B%u O l%u k%u Z%u P%u ", id, id + 1, id + 2, g, id, id + 1,
			 id + 2, g);
		play(&f, script);
		if (refused) {
			snprintf(script, sizeof(script), ">r%u A%u", g, g);
		} else {
			snprintf(script, sizeof(script), ">p%u C%u >c%u", g, g, g);
		}
		play(&f, script);
		id += 3;
		if (generation == 4) {
			before = fds_of(f.pid);
		}
	}
	/* An abort is not answered; when the next configuration is, it is done with. */
	play(&f, "B900 O P900 >p900 A900 B901 O P901 >p901");
	cr_assert_leq(fds_of(f.pid), before);
	play(&f, "A901 S");
	cr_assert_eq(exit_status(&f), 0);
	finish(&f);
}
