/*
 * A control link: messages of msg.h over a SOCK_SEQPACKET socket, driven by libevent.
 *
 * All checks that do not need the content are made here, in one place, before a handler runs. Output
 * is queued and bounded; nothing here ever blocks.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_LINK_H
#define BULKHEAD_COMMON_IPC_LINK_H

#include "common/ipc/msg.h"
#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct link;

struct link_message {
	uint16_t type; /* enum msg_type, allowed by its row */
	uint32_t request;
	const uint8_t *payload;
	size_t len;
	int fd; /* received descriptor or -1; link.c closes it after the handler unless it was taken */
};

struct link_ops {
	/* One message. Returning an error closes the link as if the peer had broken the protocol. */
	int (*message)(void *ctx, struct link *link, struct link_message *message);
	/*
	 * The link is over: err BH_ECLOSED (peer gone), BH_EPERM (a message its row forbids), BH_EMALFORMED,
	 * BH_ELIMIT (output queue full), or what message() returned; why is a short text. What the peer sent
	 * before it went comes first. Called once; the handler may free the link.
	 */
	void (*closed)(void *ctx, struct link *link, int err, const char *why);
};

/*
 * fd: connected SOCK_SEQPACKET, made non-blocking, owned by the link from now on. self and peer are the
 * roles at the two ends. queue_max: octets of unsent payloads before the link is closed with BH_ELIMIT.
 * NULL: out of memory (fd is then still the caller's).
 */
struct link *link_new(struct event_base *base, int fd, enum role self, enum role peer, size_t queue_max,
		      const struct link_ops *ops, void *ctx);
/* Close it at once, without a call of closed(); what is queued is lost. NULL is fine. */
void link_free(struct link *link);

/* Which rows are allowed to arrive now (enum msg_phase); PHASE_START at first. */
void link_set_phase(struct link *link, enum msg_phase phase);

/*
 * Queue a message. fd (or -1) is duplicated, so the caller keeps its own. An error means that the link
 * is being closed (closed() will follow from the event loop) or the message breaks its own row.
 */
int link_send(struct link *link, enum msg_type type, uint32_t request, const uint8_t *payload, size_t len,
	      int fd) BH_CHECKED;

/*
 * A descriptor with several users, for link_send_shared; closed with the last of them. new: fd is owned from now
 * on; NULL: out of memory, and fd is still the caller's. release: NULL is fine.
 */
struct shared_fd {
	unsigned users;
	int fd;
};
struct shared_fd *shared_fd_new(int fd);
void shared_fd_release(struct shared_fd *shared);

/*
 * link_send for many large things: the queue becomes one more user of the descriptor instead of duplicating
 * it, so that ten thousand waiting images need no descriptors of their own.
 */
int link_send_shared(struct link *link, enum msg_type type, uint32_t request, const uint8_t *payload, size_t len,
		     struct shared_fd *shared) BH_CHECKED;

/* Send what is queued, waiting at most timeout_ms: for a role's last words only. */
int link_drain(struct link *link, unsigned timeout_ms) BH_CHECKED;

/* Its socket, which stays the link's. */
int link_descriptor(const struct link *link);

/* Octets queued and not yet sent. */
size_t link_queued(const struct link *link);

#endif
