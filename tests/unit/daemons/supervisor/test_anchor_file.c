/*
 * States of anchor zones on disk: back as they were, or not at all.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/supervisor/anchor_file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/bulkhead-anchors-XXXXXX";

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static void teardown(void)
{
	static const char *const names[] = { "anchors/@.state", "anchors/example.state", "anchors/@.state.new", "anchors", "." };
	char path[128];
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)remove(path);
	}
	(void)rmdir(dir);
}

TestSuite(anchor_file, .init = setup, .fini = teardown);

static const uint8_t root[1] = { 0 };

static struct ipc_anchor_state sample(void)
{
	struct ipc_anchor_state s = { .configured = 7, .checked_sec = 1000, .next_sec = 2000, .ttl = 3, .sig_left_sec = 4,
				      .count = IPC_ANCHOR_KEYS_MAX };
	for (unsigned i = 0; i < s.count; i++) {
		s.keys[i] = (struct ipc_anchor_key){ .state = IPC_KEY_VALID, .since_sec = i, .len = ANCHOR_RDATA_MAX };
		memset(s.keys[i].rdata, (int)i, ANCHOR_RDATA_MAX);
	}
	return s;
}

Test(anchor_file, comes_back_as_it_was)
{
	struct ipc_anchor_state in = sample();
	struct ipc_anchor_state out = { .count = 0 };
	char why[128] = "";
	cr_assert_eq(anchor_file_load(dir, root, &out, why, sizeof(why)), BH_ENOENT);
	for (unsigned turn = 0; turn < 2; turn++) { /* the second time one is there */
		in.next_sec++;
		cr_assert_eq(anchor_file_save(dir, &in, why, sizeof(why)), BH_OK, "%s", why);
		cr_assert_eq(anchor_file_load(dir, root, &out, why, sizeof(why)), BH_OK, "%s", why);
		cr_assert_eq(out.next_sec, in.next_sec);
		cr_assert_eq(out.count, in.count);
		cr_assert_eq(memcmp(out.keys, in.keys, sizeof(in.keys)), 0);
	}
	char path[128];
	struct stat st;
	snprintf(path, sizeof(path), "%s/anchors/@.state", dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600u);
	snprintf(path, sizeof(path), "%s/anchors/@.state.new", dir);
	cr_assert_neq(stat(path, &st), 0);
	cr_assert_eq(anchor_file_load(dir, (const uint8_t *)"\7example", &out, why, sizeof(why)), BH_ENOENT);
}

static bool there_is(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/anchors/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void on_removed(void *ctx, const char *name, int error)
{
	unsigned *count = ctx;
	cr_assert_eq(error, 0, "%s", name);
	(*count)++;
}

Test(anchor_file, those_of_former_anchors_are_removed)
{
	struct ipc_anchor_state state = sample();
	struct ipc_anchor anchors[2] = { { .zone = { 0 } }, { .zone = "\7example" } };
	char why[128];
	unsigned removed = 0;
	anchor_file_keep(dir, anchors, COUNT(anchors), on_removed, &removed); /* nothing was ever saved */
	cr_assert_eq(anchor_file_save(dir, &state, why, sizeof(why)), BH_OK);
	memcpy(state.zone, "\7example", 9);
	cr_assert_eq(anchor_file_save(dir, &state, why, sizeof(why)), BH_OK);
	char path[128];
	static const char *const others[] = { "anchors/@.state.new", "anchors/note", "anchors/.state" };
	for (size_t i = 0; i < COUNT(others); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, others[i]);
		int fd = open(path, O_WRONLY | O_CREAT, 0600);
		cr_assert_geq(fd, 0);
		close(fd);
	}
	anchor_file_keep(dir, anchors, COUNT(anchors), on_removed, &removed);
	cr_assert(there_is("@.state") && there_is("example.state") && there_is("note"));
	cr_assert_not(there_is("@.state.new"), "what a save left that did not end");
	anchor_file_keep(dir, anchors, 1, on_removed, &removed);
	cr_assert(there_is("@.state"));
	cr_assert_not(there_is("example.state"));
	anchor_file_keep(dir, anchors, 0, on_removed, &removed);
	cr_assert_eq(removed, 3);
	cr_assert_not(there_is("@.state"));
	cr_assert(there_is("note") && there_is(".state"), "none of ours");
	for (size_t i = 1; i < COUNT(others); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, others[i]);
		cr_assert_eq(unlink(path), 0);
	}
}

Test(anchor_file, damage_anywhere_is_noticed)
{
	struct ipc_anchor_state in = sample();
	struct ipc_anchor_state out;
	uint8_t bytes[ANCHOR_FILE_MAX];
	in.count = 2;
	struct sink s = sink_of(bytes, sizeof(bytes));
	anchor_file_encode(&s, &in);
	cr_assert_not(s.failed);
	cr_assert_eq(anchor_file_decode(bytes, s.pos, &out), BH_OK);
	for (size_t i = 0; i < s.pos; i++) {
		bytes[i] ^= 0x10;
		cr_assert_eq(anchor_file_decode(bytes, s.pos, &out), BH_EMALFORMED, "octet %zu", i);
		bytes[i] ^= 0x10;
		cr_assert_eq(anchor_file_decode(bytes, i, &out), BH_EMALFORMED, "cut at %zu", i);
	}
	cr_assert_eq(anchor_file_decode(bytes, s.pos + 1, &out), BH_EMALFORMED);
}

Test(anchor_file, files_that_are_not_ours_are_not_used)
{
	struct ipc_anchor_state in = sample();
	struct ipc_anchor_state out;
	char why[128] = "";
	char path[128];
	char other[128];
	cr_assert_eq(anchor_file_save(dir, &in, why, sizeof(why)), BH_OK, "%s", why);
	snprintf(path, sizeof(path), "%s/anchors/@.state", dir);
	snprintf(other, sizeof(other), "%s/anchors/example.state", dir);
	cr_assert_eq(rename(path, other), 0); /* of another zone */
	cr_assert_eq(anchor_file_load(dir, (const uint8_t *)"\7example", &out, why, sizeof(why)), BH_EMALFORMED);
	cr_assert_eq(symlink(other, path), 0);
	cr_assert_eq(anchor_file_load(dir, root, &out, why, sizeof(why)), BH_ESYS);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rename(other, path), 0);
	cr_assert_eq(chmod(path, 0620), 0);
	cr_assert_eq(anchor_file_load(dir, root, &out, why, sizeof(why)), BH_EPERM);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(truncate(path, ANCHOR_FILE_MAX + 1), 0);
	cr_assert_eq(anchor_file_load(dir, root, &out, why, sizeof(why)), BH_EMALFORMED);
}
