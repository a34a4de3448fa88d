/*
 * Batches of UDP packets. Owns the buffers and the control messages that carry our own address on
 * sockets bound to "any"; leaves the content to its caller. Trusts nothing that arrives.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/net/udp.h"

#include "common/dns/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Attempts of one receive or of one packet's send that end in an error left on the socket by an ICMP
 * message. Each attempt takes one such error away, so a few are enough; a flood of them waits for
 * the next round.
 */
#define UDP_ERRORS_MAX 8

/* Room for IP_PKTINFO or IPV6_PKTINFO; nothing else is asked of the kernel. */
union udp_control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/*
 * From one buffer to the next. Only the beginnings of most are used, and those must not all fall into the same
 * few sets of the cache, as they would with a power of two.
 */
#define UDP_STRIDE (UDP_RECV_MAX + 64)

struct udp_batch {
	unsigned received;
	unsigned queued;
	unsigned failed; /* packets lost since the last flush returned */
	struct mmsghdr in[UDP_BATCH];
	struct mmsghdr out[UDP_BATCH];
	struct iovec in_iov[UDP_BATCH];
	struct iovec out_iov[UDP_BATCH];
	struct udp_peer in_peer[UDP_BATCH];
	struct udp_peer out_peer[UDP_BATCH];
	union udp_control in_control[UDP_BATCH];
	union udp_control out_control[UDP_BATCH];
	uint8_t in_data[UDP_BATCH][UDP_STRIDE];
	uint8_t out_data[UDP_BATCH][UDP_STRIDE];
};

/* Give the first `count` headers room again: the kernel writes lengths over those of the packets it had. */
static void reset_room(struct udp_batch *batch, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		batch->in[i].msg_hdr.msg_namelen = sizeof(batch->in_peer[i].remote);
		batch->in[i].msg_hdr.msg_controllen = sizeof(batch->in_control[i]);
	}
}

struct udp_batch *udp_batch_new(void)
{
	struct udp_batch *b = calloc(1, sizeof(*b));
	if (b == NULL) {
		return NULL;
	}
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		b->in_iov[i] = (struct iovec){ .iov_base = b->in_data[i], .iov_len = UDP_RECV_MAX };
		b->out_iov[i] = (struct iovec){ .iov_base = b->out_data[i], .iov_len = 0 };
		b->in[i].msg_hdr.msg_iov = &b->in_iov[i];
		b->in[i].msg_hdr.msg_iovlen = 1;
		b->in[i].msg_hdr.msg_name = &b->in_peer[i].remote;
		b->in[i].msg_hdr.msg_control = &b->in_control[i];
		b->out[i].msg_hdr.msg_iov = &b->out_iov[i];
		b->out[i].msg_hdr.msg_iovlen = 1;
		b->out[i].msg_hdr.msg_name = &b->out_peer[i].remote;
	}
	reset_room(b, UDP_BATCH);
	return b;
}

void udp_batch_free(struct udp_batch *batch)
{
	free(batch);
}

/* Errors that belong to a packet sent earlier, not to this call (RFC 1122 4.1.3.3). */
static bool is_left_over_error(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
	       error == EHOSTDOWN || error == ENETDOWN || error == EPROTO || error == ENOPROTOOPT ||
	       error == EOPNOTSUPP || error == EMSGSIZE;
}

/* The address of ours that a packet was sent to, when the kernel tells it. */
static void read_local(struct msghdr *hdr, struct addr *local)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(struct in_pktinfo))) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local->family = ADDR_V4;
			memcpy(local->bytes, &info.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
			   c->cmsg_len >= CMSG_LEN(sizeof(struct in6_pktinfo))) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local->family = ADDR_V6;
			memcpy(local->bytes, &info.ipi6_addr, 16);
			/* A link-local address means nothing without its interface (RFC 4007 6). */
			local->scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
		}
	}
}

/* The same back: send from that address. Routing picks the interface, but for link-local ones. */
static void write_local(struct msghdr *hdr, union udp_control *control, const struct addr *local)
{
	if (local->family == ADDR_NONE) {
		hdr->msg_control = NULL;
		hdr->msg_controllen = 0;
		return;
	}
	bool v4 = local->family == ADDR_V4;
	size_t size = v4 ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo);
	memset(control, 0, sizeof(*control));
	hdr->msg_control = control;
	hdr->msg_controllen = CMSG_SPACE(size);
	struct cmsghdr *c = CMSG_FIRSTHDR(hdr);
	c->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(size);
	if (v4) {
		struct in_pktinfo info = { .ipi_ifindex = 0 };
		memcpy(&info.ipi_spec_dst, local->bytes, 4);
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = local->scope_id };
		memcpy(&info.ipi6_addr, local->bytes, 16);
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}

unsigned udp_batch_receive(struct udp_batch *batch, int fd)
{
	reset_room(batch, batch->received);
	batch->received = 0;
	int n = -1;
	for (unsigned tries = 0; n < 0 && tries < UDP_ERRORS_MAX; tries++) {
		n = recvmmsg(fd, batch->in, UDP_BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno != EINTR && !is_left_over_error(errno)) {
			break;
		}
	}
	if (n <= 0) {
		return 0;
	}
	batch->received = (unsigned)n;
	for (unsigned i = 0; i < batch->received; i++) {
		struct msghdr *hdr = &batch->in[i].msg_hdr;
		batch->in_peer[i].remote_len = hdr->msg_namelen;
		batch->in_peer[i].local.family = ADDR_NONE;
		if (hdr->msg_controllen > 0) {
			batch->in_peer[i].local = (struct addr){ 0 };
			read_local(hdr, &batch->in_peer[i].local);
		}
	}
	return batch->received;
}

const uint8_t *udp_batch_data(const struct udp_batch *batch, unsigned i, size_t *len)
{
	assert(i < batch->received);
	*len = batch->in[i].msg_len;
	return batch->in_data[i];
}

const struct udp_peer *udp_batch_peer(const struct udp_batch *batch, unsigned i)
{
	assert(i < batch->received);
	return &batch->in_peer[i];
}

uint8_t *udp_batch_reply(struct udp_batch *batch)
{
	/* push sends when the last place is taken, so there is always a next one */
	return batch->out_data[batch->queued];
}

/* Send everything that is queued; counts what the kernel did not take. */
static void send_queue(struct udp_batch *batch, int fd)
{
	unsigned sent = 0;
	unsigned errors = 0; /* in a row, for the packet that is first now */

	while (sent < batch->queued) {
		int n = sendmmsg(fd, batch->out + sent, batch->queued - sent, MSG_DONTWAIT);
		if (n > 0) {
			sent += (unsigned)n;
			errors = 0;
			continue;
		}
		/*
		 * The first packet was refused. An error that an earlier packet left on the socket, or a
		 * signal, is no fault of this one: try it again. Anything else costs this packet only.
		 */
		if (n < 0 && (errno == EINTR || is_left_over_error(errno)) && ++errors < 2) {
			continue;
		}
		batch->failed++;
		sent++;
		errors = 0;
	}
	batch->queued = 0;
}

void udp_batch_push(struct udp_batch *batch, int fd, const struct udp_peer *peer, size_t len)
{
	assert(len <= UDP_RECV_MAX);
	unsigned i = batch->queued++;
	batch->out_peer[i] = *peer;
	batch->out_iov[i].iov_len = len;
	batch->out[i].msg_hdr.msg_namelen = peer->remote_len;
	write_local(&batch->out[i].msg_hdr, &batch->out_control[i], &peer->local);
	if (batch->queued == UDP_BATCH) {
		send_queue(batch, fd);
	}
}

unsigned udp_batch_flush(struct udp_batch *batch, int fd)
{
	send_queue(batch, fd);
	unsigned failed = batch->failed;
	batch->failed = 0;
	return failed;
}
