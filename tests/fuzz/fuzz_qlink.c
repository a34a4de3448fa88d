/*
 * Datagrams of the query link, as a hostile peer may send them: two octets of length before each;
 * each goes through the decoder and through a real socket pair.
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/qlink.h"
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct qlink_batch *batch;
	int fds[2];
	unsigned count;

	if (batch == NULL && (batch = qlink_batch_new()) == NULL) {
		abort();
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) != 0) {
		abort();
	}
	for (unsigned i = 0; i < QLINK_BATCH && size >= 2; i++) {
		size_t len = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		len = len > size ? size : len;
		struct qlink_message m;
		if (qlink_decode(data, len, &m) == BH_OK) {
			FUZZ_CHECK(m.dns == data + QLINK_HEADER && m.dns_len == len - QLINK_HEADER);
			FUZZ_CHECK(m.flags == 0 && m.kind >= QLINK_QUERY && m.kind <= QLINK_PROBE);
		}
		if (send(fds[0], data, len, MSG_DONTWAIT) < 0) {
			break;
		}
		data += len;
		size -= len;
	}
	close(fds[0]);
	while (qlink_receive(batch, fds[1], &count) == BH_OK) {
		for (unsigned i = 0; i < count; i++) {
			const struct qlink_message *m = qlink_get(batch, i);
			FUZZ_CHECK(m->dns_len <= DNS_MESSAGE_MAX);
		}
		if (count == 0) {
			break;
		}
	}
	close(fds[1]);
	return 0;
}
