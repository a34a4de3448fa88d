/*
 * The messages between processes: one enum value and one row in one table for each.
 *
 * Every message on a control link is one SOCK_SEQPACKET datagram: u16 type, u16 zero, u32 request
 * id, payload; network order. link.c checks sender, receiver, length, number of descriptors and
 * phase against the row before a handler runs. Payloads are described in conf.h and at their use.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_MSG_H
#define BULKHEAD_COMMON_IPC_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raised when a payload changes; with PACKAGE_VERSION it makes the build id of the hello. */
#define IPC_PROTOCOL 6

enum role {
	ROLE_SUPERVISOR = 0,
	ROLE_AUTHORITY = 1,
	ROLE_FRONTEND = 2,
	ROLE_RESOLVER = 3,
	ROLE_COMPILER = 4,
	ROLE_CONTROL = 5, /* a bulkheadctl on the control socket */
	ROLE_MONITOR = 6,
	ROLE_COUNT
};

/* "authority"; for logs, status and the names of programs. */
const char *role_text(enum role role);

enum msg_type {
	MSG_NONE = 0,
	/* start of a role */
	MSG_HELLO,    /* role -> supervisor: who I am, what walls I found around me */
	MSG_IDENTITY, /* supervisor -> role: instance, log level; descriptor: counter page */
	/* resources: sent once to a process, named by id in later configurations */
	MSG_LISTENER,
	MSG_LINK,
	MSG_IMAGE,
	/* one configuration: BEGIN, parts in any order, PREPARE; then COMMIT or ABORT */
	MSG_CONF_BEGIN,
	MSG_CONF_AUTHORITY,
	MSG_CONF_FRONTEND,
	MSG_CONF_RESOLVER,
	MSG_CONF_LISTENER,
	MSG_CONF_LINK,
	MSG_CONF_ACL,
	MSG_CONF_ZONE,
	MSG_CONF_REBIND_ALLOW,
	MSG_CONF_STUB,
	MSG_CONF_ROOT,
	MSG_CONF_OUTGOING,
	MSG_PREPARE,
	MSG_PREPARED,
	MSG_REFUSED,
	MSG_IMAGE_REFUSED, /* one zone of the generation stays as it was; before PREPARED */
	MSG_COMMIT,
	MSG_COMMITTED,
	MSG_ABORT,
	/* run */
	MSG_PEER_RESTARTED, /* the other end of a query link is a new process */
	MSG_FLUSH,
	MSG_FLUSHED,
	MSG_STOP,
	/* compiler */
	MSG_COMPILE, /* descriptor: memfd for the image */
	MSG_DIAGNOSTIC,
	MSG_SOURCE, /* a file that was read */
	MSG_ROOT_HINT,
	MSG_COMPILED,
	/* control socket */
	MSG_CTL_REQUEST,
	MSG_CTL_ROW,
	MSG_CTL_DONE,
	/* more parts of a configuration: who may transfer zones */
	MSG_CONF_KEY,
	MSG_CONF_TRANSFER,
	/* limits of an authority's answers */
	MSG_RATE_TABLE,
	MSG_CONF_COOKIE_SECRETS,
	MSG_CONF_RATE_LIMIT,
	MSG_CONF_RATE_EXEMPT,
	/* where validation begins and ends */
	MSG_TRUST_ANCHOR,
	MSG_CONF_ANCHOR,
	MSG_CONF_NEGATIVE_ANCHOR,
	MSG_NEGATIVE_ANCHOR,
	MSG_ANCHOR_FOUND, /* the first shard tracks keys: the supervisor keeps what it found, */
	MSG_ANCHOR_STATE, /* and tells the others, */
	MSG_CONF_ANCHOR_STATE, /* and those that start */
	/* zones that the resolver forwards */
	MSG_CONF_FORWARD,
	/* how a resolver finds an answer */
	MSG_TRACE,	/* supervisor -> resolver: resolve this and tell each step */
	MSG_TRACE_STEP, /* resolver -> supervisor; the last one says so */
	/* what is watched, and by whom */
	MSG_CONF_PROBE,	   /* roles ask themselves, and write down how it went (stats.h) */
	MSG_PAGE,	   /* supervisor -> monitor, a resource; descriptor: a counter page, read only */
	MSG_CONF_MONITOR,
	MSG_CONF_PAGE,	   /* this page is of the configuration */
	MSG_CONF_HOST,	   /* a name that clients know us by */
	MSG_CONF_WATCHED,  /* a zone, what it is called and how it stands; nothing of its data */
	MSG_ROLE_FACTS,	   /* how a process fares, again and again */
	MSG_APPLIANCE_FACTS, /* the appliance as a whole, behind those of its roles */
	/* a role -> supervisor: the other end of this query link breaks its format */
	MSG_PEER_BROKEN,
	/* kept generations of a zone, shown by a compiler: images come one by one, then what is to be shown of them */
	MSG_INSPECT,   /* descriptor: an image */
	MSG_INSPECTED, /* what it is, or why it is of no use */
	MSG_SHOW,      /* descriptor: where the text goes */
	MSG_SHOWN,
	MSG_CTL_STREAM, /* supervisor -> control: text of a zone comes through this pipe; before MSG_CTL_DONE */
	/* instead of CONF_ZONE and CONF_TRANSFER, when only images have changed */
	MSG_CONF_SAME_ZONES, /* all of them are those of the generation in service, */
	MSG_CONF_ZONE_IMAGE, /* but this one has another image */
	MSG_TYPE_COUNT
};

enum msg_phase {
	PHASE_START = 1,  /* before HELLO (role) or IDENTITY (supervisor) went over the link */
	PHASE_CONFIG = 2, /* until the first COMMITTED */
	PHASE_RUN = 4,
};

#define ROLE_BIT(role) (1u << (role))
#define ROLES_SERVING (ROLE_BIT(ROLE_AUTHORITY) | ROLE_BIT(ROLE_FRONTEND) | ROLE_BIT(ROLE_RESOLVER))
/* Those that live as long as the appliance, and are told generations. */
#define ROLES_LASTING (ROLES_SERVING | ROLE_BIT(ROLE_MONITOR))

struct msg_rule {
	const char *name;
	uint16_t from; /* ROLE_BITs */
	uint16_t to;
	uint16_t min_len; /* payload octets */
	uint16_t max_len;
	uint8_t fds; /* exact number of descriptors */
	uint8_t phases;
	bool secret; /* both ends overwrite their copies when it was sent and when it was handled */
};

/* A role finds its control link at this descriptor when its main begins. */
#define IPC_LINK_FD 3

#define MSG_HEADER 8
#define MSG_PAYLOAD_MAX 32768

/* What must be equal at both ends of a link: version of the package and of the protocol. */
const char *ipc_build_id(void);

/* Row of a type, or NULL when the number is no message. */
const struct msg_rule *msg_rule(uint16_t type);

#endif
