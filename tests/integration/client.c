/*
 * Asking one question and showing the reply as text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/client.h"

#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/rand.h"
#include "tests/integration/harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t ask_compose(const struct ask *ask, uint16_t id, uint8_t out[ASK_WIRE_MAX])
{
	uint8_t name[DNAME_MAX];
	MUST(dname_from_text(ask->name == NULL ? "." : ask->name, name) > 0, "bad name in test: %s", ask->name);
	struct edns_reply edns = { .udp_size = ask->udp_size == 0 ? 1232 : ask->udp_size,
				   .do_bit = ask->do_bit,
				   .ede = EDE_NONE };
	struct compose c;
	compose_begin(&c, out, ASK_WIRE_MAX, ask->edns ? edns_size(&edns) : 0, id, ask->flags, name,
		      ask->type == 0 ? RR_A : ask->type, ask->qclass == 0 ? CLASS_IN : ask->qclass);
	size_t len = compose_finish(&c, ask->edns ? &edns : NULL);
	if (ask->edns) {
		out[len - 5] = ask->edns_version; /* OPT: ... ext-rcode, version, flags (2), rdlen (2) */
	}
	return len;
}

static int open_socket(const char *server, const char *source, int type, struct sockaddr_storage *to, socklen_t *to_len)
{
	struct addr addr;
	MUST(addr_parse(server, 53, &addr) == BH_OK, "bad address in test: %s", server);
	*to_len = addr_to_sockaddr(&addr, to);
	int fd = socket(to->ss_family, type | SOCK_CLOEXEC, 0);
	MUST(fd >= 0, "socket: %s", strerror(errno));
	if (source != NULL) {
		struct sockaddr_storage from;
		MUST(addr_parse(source, 0, &addr) == BH_OK, "bad address in test: %s", source);
		socklen_t from_len = addr_to_sockaddr(&addr, &from);
		MUST(bind(fd, (struct sockaddr *)&from, from_len) == 0, "bind %s: %s", source, strerror(errno));
	}
	return fd;
}

int client_udp(const char *server, const char *source)
{
	struct sockaddr_storage to;
	socklen_t to_len;
	int fd = open_socket(server, source, SOCK_DGRAM, &to, &to_len);
	MUST(connect(fd, (struct sockaddr *)&to, to_len) == 0, "connect %s: %s", server, strerror(errno));
	return fd;
}

int client_tcp_try(const char *server, const char *source, unsigned limit_ms)
{
	struct sockaddr_storage to;
	socklen_t to_len;
	int fd = open_socket(server, source, SOCK_STREAM | SOCK_NONBLOCK, &to, &to_len);
	int one = 1;
	MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY: %s",
	     strerror(errno));
	int error = connect(fd, (struct sockaddr *)&to, to_len) == 0 ? 0 : errno;
	if (error == EINPROGRESS) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		socklen_t len = sizeof(error);
		if (poll(&p, 1, (int)(limit_ms * harness_slow())) <= 0 ||
		    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
			error = ETIMEDOUT;
		}
	}
	if (error != 0) {
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int client_tcp(const char *server, const char *source)
{
	int fd = client_tcp_try(server, source, 5000);
	MUST(fd >= 0, "connect by TCP to %s: %s", server, strerror(errno));
	return fd;
}

void client_send(int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };
			MUST(poll(&p, 1, 5000) == 1, "the server does not take what is sent");
			continue;
		}
		if (n < 0 && errno == ECONNREFUSED) {
			continue; /* an ICMP answer to an earlier datagram */
		}
		MUST(n >= 0, "send: %s", strerror(errno));
		at += n;
		len -= (size_t)n;
	}
}

/* Wait for input until `end`; false: none. */
static bool wait_input(int fd, uint64_t end)
{
	for (;;) {
		uint64_t now = clock_now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int rc = poll(&p, 1, now < end ? (int)(end - now) : 0);
		if (rc > 0) {
			return true;
		}
		if (rc == 0 && clock_now_ms() >= end) {
			return false;
		}
	}
}

ssize_t client_receive(int fd, uint8_t *out, size_t size, unsigned timeout_ms)
{
	uint64_t end = clock_now_ms() + timeout_ms;
	while (wait_input(fd, end)) {
		ssize_t n = recv(fd, out, size, MSG_DONTWAIT);
		if (n >= 0 || (errno != EAGAIN && errno != ECONNREFUSED)) {
			return n < 0 ? 0 : n;
		}
	}
	return -1;
}

ssize_t client_receive_tcp(int fd, uint8_t *out, size_t size, unsigned timeout_ms)
{
	uint64_t end = clock_now_ms() + timeout_ms;
	uint8_t prefix[2];
	size_t have = 0;
	size_t want = 0;
	while (have < 2 || have < 2 + want) {
		if (!wait_input(fd, end)) {
			return -1;
		}
		ssize_t n = have < 2 ? recv(fd, prefix + have, 2 - have, MSG_DONTWAIT)
				     : recv(fd, out + have - 2, want - (have - 2), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			continue;
		}
		if (n <= 0) {
			return 0; /* closed or reset */
		}
		have += (size_t)n;
		if (have == 2) {
			want = (size_t)prefix[0] << 8 | prefix[1];
			MUST(want > 0 && want <= size, "a TCP message of %zu octets", want);
		}
	}
	return (ssize_t)want;
}

const struct reply *client_ask(const struct ask *ask)
{
	static struct reply reply;
	static bool used;
	if (!used) {
		region_init(&reply.region, 65536, 16u << 20);
		used = true;
	}
	region_reset(&reply.region);
	reply.received = false;
	reply.error = BH_ETRUNC;
	reply.len = 0;

	uint8_t query[2 + ASK_WIRE_MAX];
	uint16_t id = rand_u16();
	size_t len = ask_compose(ask, id, query + 2);
	unsigned timeout_ms = (ask->timeout_ms == 0 ? 5000 : ask->timeout_ms) * harness_slow();
	put_u16(query, (uint16_t)len);

	int fd = ask->tcp ? client_tcp_try(ask->server, ask->source, timeout_ms) : client_udp(ask->server, ask->source);
	if (fd < 0) {
		return &reply;
	}
	client_send(fd, query + (ask->tcp ? 0 : 2), len + (ask->tcp ? 2 : 0));
	ssize_t n = ask->tcp ? client_receive_tcp(fd, reply.wire, sizeof(reply.wire), timeout_ms)
			     : client_receive(fd, reply.wire, sizeof(reply.wire), timeout_ms);
	close(fd);
	if (n <= 0) {
		return &reply;
	}
	reply.received = true;
	reply.len = (size_t)n;
	reply.error = message_parse(reply.wire, reply.len, &reply.region, &reply.message);
	MUST(reply.error == BH_OK, "reply to %s from %s cannot be parsed: %s", ask->name, ask->server,
	     bh_strerror(reply.error));
	MUST(reply.message.id == id && (reply.message.flags & FLAG_QR) != 0,
	     "reply to %s from %s has another id or no QR", ask->name, ask->server);
	/* RFC 5452 9.1 rests on it, and 0x20 (case kept) too: the question comes back octet for octet. */
	size_t question = dname_len(query + 2 + DNS_HEADER_SIZE) + 4;
	MUST(reply.message.qname == NULL ||
		     (reply.len >= DNS_HEADER_SIZE + question &&
		      memcmp(reply.wire + DNS_HEADER_SIZE, query + 2 + DNS_HEADER_SIZE, question) == 0),
	     "reply to %s from %s repeats another question", ask->name, ask->server);
	return &reply;
}

/* --- replies as text --------------------------------------------------------------------------------- */

const char *reply_status(const struct reply *reply, char out[64])
{
	static const struct {
		uint16_t flag;
		const char *text;
	} names[] = { { FLAG_AA, " aa" }, { FLAG_TC, " tc" }, { FLAG_RD, " rd" },
		      { FLAG_RA, " ra" }, { FLAG_AD, " ad" }, { FLAG_CD, " cd" } };
	if (!reply->received) {
		snprintf(out, 64, "no reply");
		return out;
	}
	size_t at = (size_t)snprintf(out, 64, "%s", rcode_text(reply->message.rcode));
	for (size_t i = 0; i < COUNT(names); i++) {
		if ((reply->message.flags & names[i].flag) != 0) {
			at += (size_t)snprintf(out + at, 64 - at, "%s", names[i].text);
		}
	}
	return out;
}

static const char *lower_text(const uint8_t *name, char out[DNAME_TEXT_MAX])
{
	uint8_t lower[DNAME_MAX];
	dname_copy_lower(lower, name);
	return dname_text(lower, out);
}

/* RDATA of one record, appended at out[*at..size). */
static void rdata_text(const struct message_rr *rr, char *out, size_t size, size_t *at)
{
	static const char digits[] = "0123456789abcdef";
	char name[DNAME_TEXT_MAX];
	struct addr addr = { .family = rr->type == RR_A ? ADDR_V4 : ADDR_V6 };
	char text[ADDR_TEXT_MAX];
	int n = 0;
	char *to = out + *at;
	size_t room = size - *at;

	switch (rr->type) {
	case RR_A:
	case RR_AAAA:
		memcpy(addr.bytes, rr->rdata, rr->rdata_len);
		n = snprintf(to, room, "%s", addr_text(&addr, text));
		break;
	case RR_NS:
	case RR_CNAME:
	case RR_DNAME:
	case RR_PTR:
		n = snprintf(to, room, "%s", lower_text(rr->rdata, name));
		break;
	case RR_MX:
		n = snprintf(to, room, "%u %s", get_u16(rr->rdata), lower_text(rr->rdata + 2, name));
		break;
	case RR_SRV:
		n = snprintf(to, room, "%u %u %u %s", get_u16(rr->rdata), get_u16(rr->rdata + 2),
			     get_u16(rr->rdata + 4), lower_text(rr->rdata + 6, name));
		break;
	case RR_SOA: {
		const uint8_t *mbox = rr->rdata + dname_len(rr->rdata);
		n = snprintf(to, room, "%s %u", lower_text(rr->rdata, name), get_u32(mbox + dname_len(mbox)));
		break;
	}
	case RR_TXT:
		for (size_t i = 0; i < rr->rdata_len; i += 1u + rr->rdata[i]) {
			n += snprintf(to + n, (size_t)n < room ? room - (size_t)n : 0, "%s\"%.*s\"",
				      i == 0 ? "" : " ", rr->rdata[i], (const char *)rr->rdata + i + 1);
		}
		break;
	default:
		n = snprintf(to, room, "\\# %u ", rr->rdata_len);
		for (size_t i = 0; i < rr->rdata_len && (size_t)n + 3 < room; i++) {
			to[n++] = digits[rr->rdata[i] >> 4];
			to[n++] = digits[rr->rdata[i] & 15];
			to[n] = '\0';
		}
		break;
	}
	*at += (size_t)n < room ? (size_t)n : room - 1;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *reply_section_if(const struct reply *reply, enum section section,
			     bool (*wanted)(void *ctx, const struct message_rr *rr), void *ctx,
			     char out[CLIENT_TEXT_MAX])
{
	static char text[4 * CLIENT_TEXT_MAX];
	char *lines[512];
	size_t count = 0;
	size_t at = 0;

	out[0] = '\0';
	if (!reply->received) {
		return out;
	}
	for (size_t i = 0; i < reply->message.rr_count && count < COUNT(lines); i++) {
		const struct message_rr *rr = &reply->message.rrs[i];
		if (rr->section != section || sizeof(text) - at < 4096 || (wanted != NULL && !wanted(ctx, rr))) {
			continue;
		}
		char owner[DNAME_TEXT_MAX];
		char type[RR_TYPE_TEXT_MAX];
		lines[count++] = text + at;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s ", lower_text(rr->owner, owner),
				       rr_type_text(rr->type, type));
		rdata_text(rr, text, sizeof(text), &at);
		at++; /* keep the terminator */
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	at = 0;
	for (size_t i = 0; i < count && at < CLIENT_TEXT_MAX; i++) {
		at += (size_t)snprintf(out + at, CLIENT_TEXT_MAX - at, "%s%s", i == 0 ? "" : "; ", lines[i]);
	}
	return out;
}

const char *reply_section(const struct reply *reply, enum section section, char out[CLIENT_TEXT_MAX])
{
	return reply_section_if(reply, section, NULL, NULL, out);
}

uint32_t reply_ttl(const struct reply *reply, enum section section, uint16_t type)
{
	for (size_t i = 0; reply->received && i < reply->message.rr_count; i++) {
		const struct message_rr *rr = &reply->message.rrs[i];
		if (rr->section == section && rr->type == type) {
			return rr->ttl;
		}
	}
	return UINT32_MAX;
}

bool octets_contain_folded(const uint8_t *hay, size_t hay_len, const void *needle, size_t len)
{
	const uint8_t *want = needle;
	for (size_t i = 0; len > 0 && len <= hay_len && i <= hay_len - len; i++) {
		size_t same = 0;
		while (same < len && dname_fold(hay[i + same]) == dname_fold(want[same])) {
			same++;
		}
		if (same == len) {
			return true;
		}
	}
	return false;
}

bool reply_has_octets(const struct reply *reply, const void *octets, size_t len)
{
	return reply->received && octets_contain_folded(reply->wire, reply->len, octets, len);
}

void client_expect_ask(const struct ask *ask, const char *status, const char *answer, int ede)
{
	static char text[CLIENT_TEXT_MAX];
	char got[64];
	char type[RR_TYPE_TEXT_MAX];
	const struct reply *reply = client_ask(ask);
	reply_status(reply, got);
	reply_section(reply, SECTION_ANSWER, text);
	rr_type_text(ask->type == 0 ? RR_A : ask->type, type);
	char how[192] = "";
	snprintf(how, sizeof(how), "%s", ask->tcp ? "TCP" : "UDP");
	if (reply->received && reply->message.ede >= 0) {
		snprintf(how, sizeof(how), "%s (extended error %d \"%.*s\")", ask->tcp ? "TCP" : "UDP",
			 reply->message.ede, (int)reply->message.ede_text_len,
			 reply->message.ede_text_len > 0 ? (const char *)reply->message.ede_text : "");
	}
	MUST(status == NULL || strcmp(status, got) == 0, "%s %s from %s by %s: status \"%s\" expected, got \"%s\" (%s)",
	     ask->name, type, ask->server, how, status, got, text);
	MUST(answer == NULL || strcmp(answer, text) == 0, "%s %s from %s by %s: answer \"%s\" expected, got \"%s\" (%s)",
	     ask->name, type, ask->server, how, answer, text, got);
	MUST(ede == EDE_ANY || (reply->received && reply->message.ede == ede),
	     "%s %s from %s by %s: extended error %d expected, got %d", ask->name, type, ask->server, how, ede,
	     reply->received ? reply->message.ede : -1);
}

void client_expect(const struct expectation *e)
{
	for (int tcp = 0; tcp < 2; tcp++) {
		struct ask ask = { .server = e->server,
				   .name = e->name,
				   .type = e->type,
				   .flags = FLAG_RD,
				   .edns = true,
				   .tcp = tcp != 0,
				   .timeout_ms = 10000 };
		client_expect_ask(&ask, e->status, e->answer, e->ede);
	}
}
