/*
 * The query link: format, batches, a full peer, a dead peer, a lying peer.
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/qlink.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int fds[2];
static struct qlink_batch *left;
static struct qlink_batch *right;

static void setup(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	left = qlink_batch_new();
	right = qlink_batch_new();
	cr_assert(left != NULL && right != NULL);
}

static void teardown(void)
{
	close(fds[0]);
	close(fds[1]);
	qlink_batch_free(left);
	qlink_batch_free(right);
}

TestSuite(qlink, .init = setup, .fini = teardown);

static struct qlink_message lost_messages[64];
static unsigned lost_count;

static void count_lost(void *ctx, const struct qlink_message *m)
{
	cr_assert_eq(ctx, &lost_count);
	lost_messages[lost_count++] = *m;
}

static struct qlink_message message(uint64_t token, const uint8_t *dns, size_t len)
{
	return (struct qlink_message){ .token = token, .kind = QLINK_QUERY, .budget = 500, .dns = dns,
				       .dns_len = len };
}

Test(qlink, carries_messages_whole_and_in_order)
{
	static uint8_t big[DNS_MESSAGE_MAX];
	uint8_t small[12] = { 0x12, 0x34 };
	unsigned count;

	for (size_t i = 0; i < sizeof(big); i++) {
		big[i] = (uint8_t)(i * 7);
	}
	struct qlink_message a = message(UINT64_C(0x1122334455667788), big, sizeof(big));
	struct qlink_message b = message(2, small, sizeof(small));
	struct qlink_message c = message(3, small, 0);
	b.kind = QLINK_REPLY;
	b.budget = UINT16_MAX;
	cr_assert_eq(qlink_push(left, fds[0], &a), BH_OK);
	cr_assert_eq(qlink_push(left, fds[0], &b), BH_OK);
	cr_assert_eq(qlink_push(left, fds[0], &c), BH_OK);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
	cr_assert_eq(count, 0, "nothing is sent before the flush");
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_OK);
	cr_assert_eq(lost_count, 0);

	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
	cr_assert_eq(count, 3);
	const struct qlink_message *m = qlink_get(right, 0);
	cr_assert_eq(m->token, a.token);
	cr_assert_eq(m->kind, QLINK_QUERY);
	cr_assert_eq(m->budget, 500);
	cr_assert_eq(m->dns_len, sizeof(big));
	cr_assert_eq(memcmp(m->dns, big, sizeof(big)), 0);
	m = qlink_get(right, 1);
	cr_assert_eq(m->token, 2);
	cr_assert_eq(m->kind, QLINK_REPLY);
	cr_assert_eq(m->budget, UINT16_MAX);
	cr_assert_eq(memcmp(m->dns, small, sizeof(small)), 0);
	cr_assert_eq(qlink_get(right, 2)->dns_len, 0);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
	cr_assert_eq(count, 0);
}

Test(qlink, header_octets_are_as_documented)
{
	static const uint8_t dns[3] = { 0xaa, 0xbb, 0xcc };
	static const uint8_t expected[] = {
		0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, /* token */
		0x01,						/* kind: query */
		0x00,						/* flags */
		0x01, 0xf4,					/* budget 500 */
		0x00, 0x00, 0x00, 0x00,				/* zero */
		0xaa, 0xbb, 0xcc,				/* message */
	};
	uint8_t got[64];
	struct qlink_message m = message(UINT64_C(0x0102030405060708), dns, sizeof(dns));

	cr_assert_eq(qlink_push(left, fds[0], &m), BH_OK);
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_OK);
	cr_assert_eq(recv(fds[1], got, sizeof(got), 0), (ssize_t)sizeof(expected));
	cr_assert_eq(memcmp(got, expected, sizeof(expected)), 0);
}

Test(qlink, more_than_a_batch_arrives_in_batches)
{
	uint8_t dns[12] = { 0 };
	unsigned count;
	for (uint64_t i = 0; i < 3 * QLINK_BATCH - 1; i++) {
		struct qlink_message m = message(i, dns, sizeof(dns));
		cr_assert_eq(qlink_push(left, fds[0], &m), BH_OK);
	}
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_OK);
	uint64_t next = 0;
	for (unsigned round = 0; round < 3; round++) {
		cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
		cr_assert_eq(count, round < 2 ? QLINK_BATCH : QLINK_BATCH - 1);
		for (unsigned i = 0; i < count; i++) {
			cr_assert_eq(qlink_get(right, i)->token, next++);
		}
	}
}

Test(qlink, largest_messages_outgrow_the_queue_and_are_sent)
{
	static uint8_t big[DNS_MESSAGE_MAX];
	int size = 16 << 20;
	unsigned count;
	unsigned got = 0;
	if (setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
		cr_skip_test("needs root for a large socket buffer");
	}
	for (uint64_t i = 0; i < QLINK_BATCH; i++) {
		struct qlink_message m = message(i, big, sizeof(big));
		cr_assert_eq(qlink_push(left, fds[0], &m), BH_OK);
	}
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_OK);
	do {
		cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
		for (unsigned i = 0; i < count; i++) {
			cr_assert_eq(qlink_get(right, i)->token, got++);
			cr_assert_eq(qlink_get(right, i)->dns_len, sizeof(big));
		}
	} while (count > 0);
	cr_assert_eq(got, QLINK_BATCH);
}

/* Each message is delivered, handed to lost(), or refused by push; never two of these, never none. */
Test(qlink, full_peer_loses_nothing_unseen)
{
	uint8_t dns[500] = { 0 };
	static uint8_t fate[4096];
	uint64_t token = 0;
	unsigned count;
	int rc = BH_OK;

	while (rc == BH_OK && token < sizeof(fate)) {
		struct qlink_message m = message(token, dns, sizeof(dns));
		rc = qlink_push(left, fds[0], &m);
		fate[token] = (uint8_t)(rc == BH_OK ? 0 : 1);
		token++;
	}
	cr_assert_eq(rc, BH_EAGAIN);
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_EAGAIN);
	cr_assert_eq(lost_count, QLINK_BATCH);
	for (unsigned i = 0; i < lost_count; i++) {
		cr_assert_eq(lost_messages[i].dns_len, sizeof(dns));
		fate[lost_messages[i].token]++;
	}
	do {
		cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
		for (unsigned i = 0; i < count; i++) {
			fate[qlink_get(right, i)->token]++;
		}
	} while (count > 0);
	for (uint64_t i = 0; i < token; i++) {
		cr_assert_eq(fate[i], 1, "message %u has %u fates", (unsigned)i, fate[i]);
	}
	/* and the link works again */
	struct qlink_message m = message(77, dns, sizeof(dns));
	cr_assert_eq(qlink_push(left, fds[0], &m), BH_OK);
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_OK);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(qlink_get(right, 0)->token, 77);
}

Test(qlink, dead_peer_is_told)
{
	uint8_t dns[12] = { 0 };
	unsigned count;
	struct qlink_message m = message(1, dns, sizeof(dns));

	cr_assert_eq(qlink_push(left, fds[0], &m), BH_OK);
	close(fds[1]);
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_ECLOSED);
	cr_assert_eq(lost_count, 1);
	cr_assert_eq(qlink_receive(left, fds[0], &count), BH_ECLOSED);
	cr_assert_eq(count, 0);
	fds[1] = dup(fds[0]);
}

Test(qlink, messages_before_the_end_are_read)
{
	uint8_t dns[12] = { 0 };
	unsigned count;
	struct qlink_message m = message(9, dns, sizeof(dns));

	cr_assert_eq(qlink_push(left, fds[0], &m), BH_OK);
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_OK);
	close(fds[0]);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_ECLOSED);
	cr_assert_eq(count, 1);
	cr_assert_eq(qlink_get(right, 0)->token, 9);
	fds[0] = dup(fds[1]);
}

Test(qlink, no_socket_is_an_error)
{
	unsigned count;
	int null = open("/dev/null", O_RDWR);
	cr_assert_eq(qlink_receive(right, null, &count), BH_ESYS);
	close(null);
}

Test(qlink, broken_datagrams_are_malformed)
{
	static const struct {
		const char *what;
		size_t len;
		uint8_t at, value;
	} cases[] = {
		{ "kind 0", 28, 8, 0 },	      { "kind 5", 28, 8, 5 },	     { "flags", 28, 9, 1 },
		{ "zero field", 28, 12, 1 },  { "zero field", 28, 15, 0x80 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t bytes[28] = { [8] = QLINK_QUERY };
		unsigned count;
		cr_assert_eq(send(fds[0], bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
		bytes[cases[i].at] = cases[i].value;
		cr_assert_eq(send(fds[0], bytes, cases[i].len, 0), (ssize_t)cases[i].len);
		cr_assert_eq(qlink_receive(right, fds[1], &count), BH_EMALFORMED, "%s", cases[i].what);
		cr_assert_eq(count, 1, "%s: the good one before it is there", cases[i].what);
	}
}

/* One turn takes a whole batch from the socket: what stands behind a broken message is not lost with it. */
Test(qlink, good_messages_around_broken_ones_are_kept)
{
	static const char pattern[] = "g.gg..g"; /* g: good, .: broken */
	unsigned count;
	for (size_t i = 0; pattern[i] != 0; i++) {
		uint8_t bytes[QLINK_HEADER + 12] = { [7] = (uint8_t)i, [8] = pattern[i] == 'g' ? QLINK_QUERY : 0 };
		memset(bytes + QLINK_HEADER, 's', 12);
		cr_assert_eq(send(fds[0], bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	}
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_EMALFORMED);
	cr_assert_eq(count, 4);
	for (unsigned i = 0, at = 0; i < count; i++, at++) {
		while (pattern[at] != 'g') {
			at++;
		}
		cr_assert_eq(qlink_get(right, i)->token, at);
	}
	/* The right one is wiped. */
	qlink_wipe(right, 2);
	cr_assert_eq(qlink_get(right, 2)->dns[0], 0);
	cr_assert_eq(qlink_get(right, 1)->dns[11], 's');
	cr_assert_eq(qlink_get(right, 3)->dns[0], 's');

	/* Each one that is passed over counts, and too many are not. */
	unsigned leftovers = 2;
	cr_assert_eq(qlink_pardon(right, BH_EMALFORMED, &leftovers), BH_EMALFORMED);
	cr_assert_eq(leftovers, 2);
	leftovers = 4;
	cr_assert_eq(qlink_pardon(right, BH_EMALFORMED, &leftovers), BH_OK);
	cr_assert_eq(leftovers, 1);
	cr_assert_eq(qlink_pardon(right, BH_ECLOSED, &leftovers), BH_ECLOSED);

	/* Broken ones are told before the end is. */
	uint8_t broken[QLINK_HEADER] = { 0 };
	cr_assert_eq(send(fds[0], broken, sizeof(broken), 0), (ssize_t)sizeof(broken));
	close(fds[0]);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_EMALFORMED);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_ECLOSED);
	fds[0] = dup(fds[1]);
}

Test(qlink, cut_at_every_length)
{
	uint8_t bytes[QLINK_HEADER + 4] = { [8] = QLINK_REPLY };
	struct qlink_message m;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		cr_assert_eq(qlink_decode(bytes, len, &m), len < QLINK_HEADER ? BH_EMALFORMED : BH_OK, "%zu",
			     len);
	}
	for (size_t len = 1; len < QLINK_HEADER; len++) {
		unsigned count;
		cr_assert_eq(send(fds[0], bytes, len, 0), (ssize_t)len);
		cr_assert_eq(qlink_receive(right, fds[1], &count), BH_EMALFORMED, "%zu", len);
	}
}

Test(qlink, longer_than_a_message_is_malformed)
{
	static uint8_t bytes[QLINK_HEADER + DNS_MESSAGE_MAX + 2] = { [8] = QLINK_REPLY };
	for (size_t extra = 1; extra <= 2; extra++) {
		unsigned count;
		cr_assert_gt(send(fds[0], bytes, QLINK_HEADER + DNS_MESSAGE_MAX + extra, 0), 0);
		cr_assert_eq(qlink_receive(right, fds[1], &count), BH_EMALFORMED);
	}
	struct qlink_message m = message(1, bytes, DNS_MESSAGE_MAX + 1);
	cr_assert_eq(qlink_push(left, fds[0], &m), BH_ELIMIT);
}

Test(qlink, attached_descriptor_is_malformed_and_not_kept)
{
	uint8_t bytes[28] = { [8] = QLINK_QUERY };
	struct iovec iov = { bytes, sizeof(bytes) };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
				 .msg_controllen = sizeof(control.space) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
	unsigned count;

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fds[0], sizeof(int));
	cr_assert_gt(sendmsg(fds[0], &header, 0), 0);
	int next = dup(0); /* the lowest free number */
	close(next);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_EMALFORMED);
	int after = dup(0);
	cr_assert_eq(after, next, "no descriptor was installed");
	close(after);
}

Test(qlink, wiped_messages_are_gone)
{
	static const uint8_t dns[] = "a secret of the inside";
	unsigned count;
	struct qlink_message m = message(1, dns, sizeof(dns));
	cr_assert_eq(qlink_push(left, fds[0], &m), BH_OK);
	cr_assert_eq(qlink_flush(left, fds[0], count_lost, &lost_count), BH_OK);
	cr_assert_eq(qlink_receive(right, fds[1], &count), BH_OK);
	const uint8_t *there = qlink_get(right, 0)->dns;
	cr_assert_eq(memcmp(there, dns, sizeof(dns)), 0);
	qlink_wipe(right, 0);
	for (size_t i = 0; i < sizeof(dns); i++) {
		cr_assert_eq(there[i], 0);
	}
}
