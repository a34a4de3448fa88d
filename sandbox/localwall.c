/*
 * The wall's memory and its life; localwall_program.c is what runs in the kernel, localwall_group.c the control group.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/localwall.h"

#include "sandbox/localwall_group.h"
#include "sandbox/localwall_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct localwall {
	struct localwall_group group;
	int map_fd;
	struct localwall_table *table; /* shared with the program; NULL: not mapped */
};

/* --- rules ------------------------------------------------------------------------------------------- */

static struct localwall_place place_of(const struct addr *to)
{
	struct localwall_place place = { .port = (uint32_t)htons(to->port) | LOCALWALL_USED };

	if (to->family == ADDR_V4) {
		place.addr[2] = htonl(0xffff);
		memcpy(&place.addr[3], to->bytes, 4);
	} else {
		memcpy(place.addr, to->bytes, 16);
	}
	return place;
}

static uint32_t bits_of(const struct localwall_rule *rule)
{
	switch (rule->verdict) {
	case LOCALWALL_REFUSE:
		break;
	case LOCALWALL_ALLOW:
		return LOCALWALL_BIT_LOOPBACK | LOCALWALL_BIT_OTHERS;
	case LOCALWALL_LOOPBACK:
		return LOCALWALL_BIT_LOOPBACK;
	}
	return LOCALWALL_BIT_REFUSE;
}

static int put(struct localwall_bank *bank, const struct localwall_rule *rule, size_t *used)
{
	struct localwall_place place = place_of(&rule->to);
	uint32_t hash = localwall_hash(&place);

	for (uint32_t i = 0; i < LOCALWALL_PROBES; i++) {
		struct localwall_slot *slot = &bank->slots[(hash + i) & bank->mask];
		if (slot->place.port == 0) {
			slot->place = place;
			slot->bits = bits_of(rule);
			return ++*used <= LOCALWALL_RULES_MAX ? BH_OK : BH_ENOSPC;
		}
		if (memcmp(&slot->place, &place, sizeof(place)) == 0) {
			return BH_OK;
		}
	}
	return BH_ENOSPC;
}

static int fill(struct localwall_bank *bank, uint32_t slots, const struct localwall_rule *rules, size_t count)
{
	size_t used = 0;
	int rc = BH_OK;

	memset(bank, 0, sizeof(*bank));
	bank->mask = slots - 1;
	for (size_t i = 0; i < count && rc == BH_OK; i++) {
		rc = put(bank, &rules[i], &used);
	}
	return rc;
}

/* The bank that no packet looks at. */
static uint32_t other_bank(const struct localwall *wall)
{
	return (wall->table->bank & 1) ^ 1;
}

int localwall_prepare(struct localwall *wall, const struct localwall_rule *rules, size_t count)
{
	uint32_t slots = LOCALWALL_PROBES;
	int rc = BH_ENOSPC;

	while (slots < count * 4 && slots < LOCALWALL_SLOTS) {
		slots *= 2;
	}
	for (; slots <= LOCALWALL_SLOTS && rc == BH_ENOSPC; slots *= 2) { /* many near one hash need more room */
		rc = fill(&wall->table->banks[other_bank(wall)], slots, rules, count);
	}
	return rc;
}

void localwall_commit(struct localwall *wall)
{
	__atomic_store_n(&wall->table->bank, other_bank(wall), __ATOMIC_SEQ_CST);
}

uint64_t localwall_refused(const struct localwall *wall)
{
	return __atomic_load_n(&wall->table->refused, __ATOMIC_RELAXED);
}

/* --- going behind it ---------------------------------------------------------------------------------- */

int localwall_join(const struct localwall *wall, char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };

	return localwall_group_join(&wall->group, &why);
}

/* --- raising ----------------------------------------------------------------------------------------- */

/* The words of the child that tries the wall out. */
#define WORDS_MAX 256

static _Noreturn void be_tried(const struct localwall *wall, int fd)
{
	char text[WORDS_MAX] = "";
	const struct why why = { text, sizeof(text) };
	bool good = localwall_group_join(&wall->group, &why) == BH_OK && localwall_stands(&why);

	if (write(fd, text, strlen(text)) < 0) {
		_exit(2);
	}
	_exit(good ? 0 : 1);
}

/* What the kernel promised may not be so: before Linux 5.15 sockets forget their group where net_cls is in use. */
static int try_out(const struct localwall *wall, const struct why *why)
{
	char text[WORDS_MAX] = "";
	int said[2];
	int status = -1;

	if (pipe(said) != 0) {
		return why_errno(why, "local wall: pipe");
	}
	pid_t pid = fork();
	if (pid == 0) {
		be_tried(wall, said[1]);
	}
	int saved = errno;
	close(said[1]);
	ssize_t n = pid < 0 ? 0 : read(said[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(said[0]);
	if (pid < 0) {
		errno = saved;
		return why_errno(why, "local wall: fork");
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (status != 0) {
		(void)why_not(why, "%s", text[0] != '\0' ? text : "local wall: the process that tried it out died");
		return BH_EPERM;
	}
	return BH_OK;
}

/* The memory of wall->map_fd. */
static int map_table(struct localwall *wall, const struct why *why)
{
	void *table = mmap(NULL, sizeof(struct localwall_table), PROT_READ | PROT_WRITE, MAP_SHARED, wall->map_fd, 0);

	if (table == MAP_FAILED) {
		return why_errno(why, "local wall: map its memory");
	}
	wall->table = table;
	return BH_OK;
}

static int make_map(struct localwall *wall, const struct why *why)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = sizeof(struct localwall_table);
	attr.max_entries = 1;
	attr.map_flags = BPF_F_MMAPABLE;
	memcpy(attr.map_name, "bulkhead_local", sizeof("bulkhead_local"));
	wall->map_fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (wall->map_fd < 0) {
		return why_errno(why, "local wall: BPF map");
	}
	return map_table(wall, why);
}

/* From here on it refuses. The attachment holds the program; nobody else needs its descriptor. */
static int attach(struct localwall *wall, const struct why *why)
{
	union bpf_attr attr;
	int program = localwall_program(wall->map_fd);

	if (program < 0) {
		return why_errno(why, "local wall: load the BPF program");
	}
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)wall->group.dir_fd;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_INET_EGRESS;
	attr.attach_flags = BPF_F_ALLOW_MULTI; /* besides those of a service manager, above us */
	long rc = syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr));
	int saved = errno;
	close(program);
	errno = saved;
	return rc == 0 ? BH_OK : why_errno(why, "local wall: attach the BPF program, which needs CAP_NET_ADMIN");
}

static void let_go(struct localwall *wall)
{
	localwall_group_close(&wall->group);
	if (wall->table != NULL) {
		munmap(wall->table, sizeof(*wall->table));
	}
	if (wall->map_fd >= 0) {
		close(wall->map_fd);
	}
	free(wall);
}

int localwall_raise(struct localwall **out, char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	struct localwall *wall = calloc(1, sizeof(*wall));

	if (wall == NULL) {
		return why_errno(&why, "local wall");
	}
	wall->map_fd = -1;
	int rc = localwall_group_make(&wall->group, &why);
	if (rc != BH_OK) {
		let_go(wall);
		return rc;
	}
	rc = make_map(wall, &why);
	if (rc == BH_OK) {
		rc = attach(wall, &why);
	}
	if (rc == BH_OK) {
		rc = try_out(wall, &why);
	}
	if (rc != BH_OK) {
		/* The reason to tell is the first one: a group that stays is empty and found by the next. */
		return localwall_remove(wall) == BH_OK ? rc : BH_ESYS;
	}
	*out = wall;
	return BH_OK;
}

void localwall_hand_over(const struct localwall *wall, struct localwall_handover *out)
{
	*out = (struct localwall_handover){
		.version = LOCALWALL_VERSION,
		.fds = { wall->group.parent_fd, wall->group.dir_fd, wall->group.join_fd, wall->map_fd },
	};
}

int localwall_take_over(const struct localwall_handover *in, struct localwall **out, char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	struct localwall *wall = in->version == LOCALWALL_VERSION ? calloc(1, sizeof(*wall)) : NULL;

	if (wall == NULL) {
		for (int i = 0; i < LOCALWALL_FDS; i++) {
			close(in->fds[i]);
		}
		(void)why_not(&why, "local wall: %s", in->version == LOCALWALL_VERSION
							      ? "out of memory"
							      : "of another version, a restart is needed");
		return in->version == LOCALWALL_VERSION ? BH_ENOMEM : BH_EVERSION;
	}
	wall->map_fd = in->fds[3];
	int rc = localwall_group_take(&wall->group, in->fds, &why);
	if (rc == BH_OK && fcntl(wall->map_fd, F_SETFD, FD_CLOEXEC) != 0) {
		rc = why_errno(&why, "local wall: descriptor %d", wall->map_fd);
	}
	if (rc == BH_OK) {
		rc = map_table(wall, &why);
	}
	if (rc != BH_OK) {
		let_go(wall); /* the group stays as it is: roles may be in it */
		return rc;
	}
	*out = wall;
	return BH_OK;
}

int localwall_remove(struct localwall *wall)
{
	int rc = localwall_group_remove(&wall->group);
	int saved = errno;

	let_go(wall);
	errno = saved;
	return rc;
}
