/*
 * Pieces of replies. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/reply.h"

#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int reply_bind(const char *address, uint16_t port, int type)
{
	struct addr addr;
	struct sockaddr_storage to;
	if (addr_parse(address, port, &addr) != BH_OK) {
		exit(1);
	}
	socklen_t len = addr_to_sockaddr(&addr, &to);
	int fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);
	int one = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&to, len) != 0 || (type == SOCK_STREAM && listen(fd, 16) != 0)) {
		fprintf(stderr, "lab server: %s: %s\n", address, strerror(errno));
		exit(1);
	}
	return fd;
}

void reply_add(struct compose *c, enum section section, const uint8_t *owner, uint16_t type, const void *rdata,
		size_t len)
{
	int rc = compose_rr(c, section, owner, type, CLASS_IN, REPLY_TTL, rdata, len);
	(void)rc; /* what does not fit is left out */
}

void reply_add_address(struct compose *c, enum section section, const uint8_t *owner, const char *text)
{
	struct addr addr;
	if (addr_parse(text, 0, &addr) == BH_OK) {
		reply_add(c, section, owner, RR_A, addr.bytes, 4);
	}
}

void reply_add_name(struct compose *c, enum section section, const uint8_t *owner, uint16_t type, const char *text)
{
	uint8_t target[DNAME_MAX];
	int len = dname_from_text(text, target);
	if (len > 0) {
		reply_add(c, section, owner, type, target, (size_t)len);
	}
}

void reply_add_soa(struct compose *c, enum section section, const uint8_t *apex)
{
	/* MNAME and RNAME the apex; serial, refresh, retry, expire, minimum */
	static const uint8_t numbers[20] = { 0, 0, 0, 1, 0, 0, 7, 8, 0, 0, 3, 132, 0, 9, 58, 128, 0, 0, 1, 44 };
	uint8_t rdata[2 * DNAME_MAX + 20];
	size_t len = dname_len(apex);
	memcpy(rdata, apex, len);
	memcpy(rdata + len, apex, len);
	memcpy(rdata + 2 * len, numbers, 20);
	reply_add(c, section, apex, RR_SOA, rdata, 2 * len + 20);
}

void reply_name_below(const uint8_t *apex, const char *label, uint8_t out[DNAME_MAX])
{
	size_t len = strlen(label);
	out[0] = (uint8_t)len;
	memcpy(out + 1, label, len);
	memcpy(out + 1 + len, apex, dname_len(apex));
}
