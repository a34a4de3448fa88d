/*
 * The table of messages. SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/ipc/msg.h"

#define SUP ROLE_BIT(ROLE_SUPERVISOR)
#define COMP ROLE_BIT(ROLE_COMPILER)
#define CTL ROLE_BIT(ROLE_CONTROL)
#define AUTH ROLE_BIT(ROLE_AUTHORITY)
#define FRONT ROLE_BIT(ROLE_FRONTEND)
#define RES ROLE_BIT(ROLE_RESOLVER)
#define MON ROLE_BIT(ROLE_MONITOR)
#define LATER (PHASE_CONFIG | PHASE_RUN)
#define DNAME_OCTETS 255 /* RFC 1035 3.1; this file needs nothing else of DNS */
#define TRACE_WHY_OCTETS 95 /* IPC_TRACE_WHY_MAX */
#define NSID_OCTETS 100	 /* NSID_MAX */
#define SECRET_OCTETS 128 /* TSIG_SECRET_MAX */
#define ANCHOR_OCTETS 1024 /* ANCHOR_RDATA_MAX */

static const struct msg_rule rules[MSG_TYPE_COUNT] = {
	[MSG_HELLO] = { .name = "hello", .from = ROLES_LASTING | COMP, .to = SUP, .min_len = 21,
			.max_len = 128, .fds = 0, .phases = PHASE_START },
	[MSG_IDENTITY] = { .name = "identity", .from = SUP, .to = ROLES_LASTING, .min_len = 7,
			   .max_len = 64, .fds = 1, .phases = PHASE_START },
	[MSG_LISTENER] = { .name = "listener", .from = SUP, .to = AUTH | FRONT | MON, .min_len = 16,
			   .max_len = 28, .fds = 1, .phases = LATER },
	[MSG_LINK] = { .name = "link", .from = SUP, .to = ROLES_SERVING, .min_len = 7, .max_len = 7,
		       .fds = 1, .phases = LATER },
	[MSG_IMAGE] = { .name = "image", .from = SUP, .to = AUTH, .min_len = 5, .max_len = 4 + DNAME_OCTETS,
			.fds = 1, .phases = LATER },
	[MSG_RATE_TABLE] = { .name = "rate_table", .from = SUP, .to = AUTH, .min_len = 20, .max_len = 20,
			     .fds = 1, .phases = LATER, .secret = true },
	[MSG_CONF_BEGIN] = { .name = "conf_begin", .from = SUP, .to = ROLES_LASTING, .min_len = 4,
			     .max_len = 4, .fds = 0, .phases = LATER },
	[MSG_CONF_AUTHORITY] = { .name = "conf_authority", .from = SUP, .to = AUTH, .min_len = 25,
				 .max_len = 25 + NSID_OCTETS + 2 * 255, .fds = 0, .phases = LATER },
	[MSG_CONF_FRONTEND] = { .name = "conf_frontend", .from = SUP, .to = FRONT, .min_len = 40,
				.max_len = 40, .fds = 0, .phases = LATER },
	[MSG_CONF_RESOLVER] = { .name = "conf_resolver", .from = SUP, .to = RES, .min_len = 45,
				.max_len = 45, .fds = 0, .phases = LATER },
	[MSG_CONF_LISTENER] = { .name = "conf_listener", .from = SUP, .to = AUTH | FRONT | MON, .min_len = 4,
				.max_len = 4, .fds = 0, .phases = LATER },
	[MSG_CONF_LINK] = { .name = "conf_link", .from = SUP, .to = ROLES_SERVING, .min_len = 4,
			    .max_len = 4, .fds = 0, .phases = LATER },
	[MSG_CONF_ACL] = { .name = "conf_acl", .from = SUP, .to = AUTH | FRONT | MON, .min_len = 6,
			   .max_len = 18, .fds = 0, .phases = LATER },
	[MSG_CONF_ZONE] = { .name = "conf_zone", .from = SUP, .to = AUTH | FRONT, .min_len = 10,
			    .max_len = 9 + DNAME_OCTETS, .fds = 0, .phases = LATER },
	[MSG_CONF_COOKIE_SECRETS] = { .name = "conf_cookie_secrets", .from = SUP, .to = AUTH | FRONT,
				      .min_len = 17, .max_len = 33, .fds = 0, .phases = LATER, .secret = true },
	[MSG_CONF_RATE_LIMIT] = { .name = "conf_rate_limit", .from = SUP, .to = AUTH, .min_len = 11,
				  .max_len = 11, .fds = 0, .phases = LATER },
	[MSG_CONF_RATE_EXEMPT] = { .name = "conf_rate_exempt", .from = SUP, .to = AUTH, .min_len = 6,
				   .max_len = 18, .fds = 0, .phases = LATER },
	/* Secrets go to authorities only, and to those only whose view uses them. */
	[MSG_CONF_KEY] = { .name = "conf_key", .from = SUP, .to = AUTH, .min_len = 5,
			   .max_len = DNAME_OCTETS + 1 + 2 + SECRET_OCTETS, .fds = 0, .phases = LATER,
			   .secret = true },
	[MSG_CONF_TRANSFER] = { .name = "conf_transfer", .from = SUP, .to = AUTH, .min_len = 6,
				.max_len = 4 + 1 + 18 + DNAME_OCTETS, .fds = 0, .phases = LATER },
	[MSG_CONF_REBIND_ALLOW] = { .name = "conf_rebind_allow", .from = SUP, .to = FRONT | RES, .min_len = 1,
				    .max_len = DNAME_OCTETS, .fds = 0, .phases = LATER },
	[MSG_CONF_STUB] = { .name = "conf_stub", .from = SUP, .to = FRONT | RES, .min_len = 2,
			    .max_len = DNAME_OCTETS + 1 + 16 * 23, .fds = 0, .phases = LATER },
	[MSG_CONF_FORWARD] = { .name = "conf_forward", .from = SUP, .to = FRONT | RES, .min_len = 2,
			       .max_len = DNAME_OCTETS + 1 + 16 * 23, .fds = 0, .phases = LATER },
	[MSG_CONF_ROOT] = { .name = "conf_root", .from = SUP, .to = RES, .min_len = 2,
			    .max_len = DNAME_OCTETS + 1 + 16 * 23, .fds = 0, .phases = LATER },
	[MSG_CONF_OUTGOING] = { .name = "conf_outgoing", .from = SUP, .to = RES, .min_len = 11,
				.max_len = 23, .fds = 0, .phases = LATER },
	[MSG_PREPARE] = { .name = "prepare", .from = SUP, .to = ROLES_LASTING, .min_len = 4, .max_len = 4,
			  .fds = 0, .phases = LATER },
	[MSG_PREPARED] = { .name = "prepared", .from = ROLES_LASTING, .to = SUP, .min_len = 4, .max_len = 4,
			   .fds = 0, .phases = LATER },
	[MSG_REFUSED] = { .name = "refused", .from = ROLES_LASTING, .to = SUP, .min_len = 6, .max_len = 600,
			  .fds = 0, .phases = LATER },
	[MSG_IMAGE_REFUSED] = { .name = "image_refused", .from = AUTH, .to = SUP, .min_len = 6, .max_len = 600,
				.fds = 0, .phases = LATER },
	[MSG_COMMIT] = { .name = "commit", .from = SUP, .to = ROLES_LASTING, .min_len = 4, .max_len = 4,
			 .fds = 0, .phases = LATER },
	[MSG_COMMITTED] = { .name = "committed", .from = ROLES_LASTING, .to = SUP, .min_len = 4,
			    .max_len = 4, .fds = 0, .phases = LATER },
	[MSG_ABORT] = { .name = "abort", .from = SUP, .to = ROLES_LASTING, .min_len = 4, .max_len = 4,
			.fds = 0, .phases = LATER },
	[MSG_PEER_RESTARTED] = { .name = "peer_restarted", .from = SUP, .to = ROLES_SERVING, .min_len = 4,
				 .max_len = 4, .fds = 0, .phases = PHASE_RUN },
	[MSG_PEER_BROKEN] = { .name = "peer_broken", .from = ROLES_SERVING, .to = SUP, .min_len = 4, .max_len = 4,
			      .fds = 0, .phases = PHASE_RUN },
	[MSG_FLUSH] = { .name = "flush", .from = SUP, .to = FRONT | RES, .min_len = 2,
			.max_len = 1 + DNAME_OCTETS, .fds = 0, .phases = PHASE_RUN },
	[MSG_FLUSHED] = { .name = "flushed", .from = FRONT | RES, .to = SUP, .min_len = 8, .max_len = 8,
			  .fds = 0, .phases = PHASE_RUN },
	[MSG_TRACE] = { .name = "trace", .from = SUP, .to = RES, .min_len = 4, .max_len = 3 + DNAME_OCTETS,
			.fds = 0, .phases = PHASE_RUN },
	[MSG_TRACE_STEP] = { .name = "trace_step", .from = RES, .to = SUP, .min_len = 32,
			     .max_len = 54 + 2 * DNAME_OCTETS + TRACE_WHY_OCTETS, .fds = 0, .phases = PHASE_RUN },
	[MSG_STOP] = { .name = "stop", .from = SUP, .to = ROLES_LASTING | COMP, .min_len = 0, .max_len = 0,
		       .fds = 0, .phases = PHASE_START | LATER },
	[MSG_COMPILE] = { .name = "compile", .from = SUP, .to = COMP, .min_len = 17, .max_len = 2048,
			  .fds = 1, .phases = PHASE_START | PHASE_RUN },
	[MSG_DIAGNOSTIC] = { .name = "diagnostic", .from = COMP, .to = SUP, .min_len = 9, .max_len = 2048,
			     .fds = 0, .phases = PHASE_RUN },
	[MSG_SOURCE] = { .name = "source", .from = COMP, .to = SUP, .min_len = 42, .max_len = 2048,
			 .fds = 0, .phases = PHASE_RUN },
	[MSG_ROOT_HINT] = { .name = "root_hint", .from = COMP, .to = SUP, .min_len = 2,
			    .max_len = DNAME_OCTETS + 1 + 16 * 23, .fds = 0, .phases = PHASE_RUN },
	[MSG_TRUST_ANCHOR] = { .name = "trust_anchor", .from = COMP, .to = SUP, .min_len = 6,
			       .max_len = DNAME_OCTETS + 4 + ANCHOR_OCTETS, .fds = 0, .phases = PHASE_RUN },
	[MSG_CONF_ANCHOR] = { .name = "conf_anchor", .from = SUP, .to = RES, .min_len = 6,
			      .max_len = DNAME_OCTETS + 4 + ANCHOR_OCTETS, .fds = 0, .phases = LATER },
	[MSG_ANCHOR_FOUND] = { .name = "anchor_found", .from = RES, .to = SUP, .min_len = 34,
			       .max_len = DNAME_OCTETS + 33 + 16 * (16 + ANCHOR_OCTETS), .fds = 0,
			       .phases = PHASE_RUN },
	[MSG_ANCHOR_STATE] = { .name = "anchor_state", .from = SUP, .to = RES, .min_len = 34,
			       .max_len = DNAME_OCTETS + 33 + 16 * (16 + ANCHOR_OCTETS), .fds = 0,
			       .phases = PHASE_RUN },
	[MSG_CONF_ANCHOR_STATE] = { .name = "conf_anchor_state", .from = SUP, .to = RES, .min_len = 34,
				    .max_len = DNAME_OCTETS + 33 + 16 * (16 + ANCHOR_OCTETS), .fds = 0,
				    .phases = LATER },
	[MSG_CONF_NEGATIVE_ANCHOR] = { .name = "conf_negative_anchor", .from = SUP, .to = RES, .min_len = 5,
				       .max_len = DNAME_OCTETS + 4, .fds = 0, .phases = LATER },
	[MSG_NEGATIVE_ANCHOR] = { .name = "negative_anchor", .from = SUP, .to = RES, .min_len = 5,
				  .max_len = DNAME_OCTETS + 4, .fds = 0, .phases = PHASE_RUN },
	[MSG_COMPILED] = { .name = "compiled", .from = COMP, .to = SUP, .min_len = 33, .max_len = 33,
			   .fds = 0, .phases = PHASE_RUN },
	/* The monitor gets counters, names and states: no link to anybody, no data of a zone. */
	[MSG_CONF_PROBE] = { .name = "conf_probe", .from = SUP, .to = ROLES_SERVING, .min_len = 1,
			     .max_len = DNAME_OCTETS, .fds = 0, .phases = LATER },
	[MSG_PAGE] = { .name = "page", .from = SUP, .to = MON, .min_len = 9, .max_len = 40, .fds = 1,
		       .phases = LATER },
	[MSG_CONF_MONITOR] = { .name = "conf_monitor", .from = SUP, .to = MON, .min_len = 1, .max_len = 1,
			       .fds = 0, .phases = LATER },
	[MSG_CONF_PAGE] = { .name = "conf_page", .from = SUP, .to = MON, .min_len = 4, .max_len = 4, .fds = 0,
			    .phases = LATER },
	[MSG_CONF_HOST] = { .name = "conf_host", .from = SUP, .to = MON, .min_len = 3, .max_len = 257, .fds = 0,
			    .phases = LATER },
	[MSG_CONF_WATCHED] = { .name = "conf_watched", .from = SUP, .to = MON, .min_len = 32,
			       .max_len = 62 + DNAME_OCTETS, .fds = 0, .phases = LATER },
	[MSG_ROLE_FACTS] = { .name = "role_facts", .from = SUP, .to = MON, .min_len = 54, .max_len = 213,
			     .fds = 0, .phases = PHASE_RUN },
	[MSG_APPLIANCE_FACTS] = { .name = "appliance_facts", .from = SUP, .to = MON, .min_len = 42,
				  .max_len = 42, .fds = 0, .phases = PHASE_RUN },
	[MSG_INSPECT] = { .name = "inspect", .from = SUP, .to = COMP, .min_len = 2, .max_len = 1 + DNAME_OCTETS,
			  .fds = 1, .phases = PHASE_START | PHASE_RUN },
	[MSG_INSPECTED] = { .name = "inspected", .from = COMP, .to = SUP, .min_len = 20, .max_len = 600, .fds = 0,
			    .phases = PHASE_RUN },
	[MSG_SHOW] = { .name = "show", .from = SUP, .to = COMP, .min_len = 0, .max_len = 0, .fds = 1,
		       .phases = PHASE_RUN },
	[MSG_SHOWN] = { .name = "shown", .from = COMP, .to = SUP, .min_len = 27, .max_len = 600, .fds = 0,
			.phases = PHASE_RUN },
	[MSG_CTL_STREAM] = { .name = "ctl_stream", .from = SUP, .to = CTL, .min_len = 0, .max_len = 0, .fds = 1,
			     .phases = PHASE_RUN },
	/* Only one that serves has zones to go by. */
	[MSG_CONF_SAME_ZONES] = { .name = "conf_same_zones", .from = SUP, .to = AUTH | FRONT, .min_len = 8,
				  .max_len = 8, .fds = 0, .phases = PHASE_RUN },
	[MSG_CONF_ZONE_IMAGE] = { .name = "conf_zone_image", .from = SUP, .to = AUTH, .min_len = 9,
				  .max_len = 9, .fds = 0, .phases = PHASE_RUN },
	[MSG_CTL_REQUEST] = { .name = "ctl_request", .from = CTL, .to = SUP, .min_len = 3,
			      .max_len = 8 * 1026 + 1, .fds = 0, .phases = PHASE_RUN },
	[MSG_CTL_ROW] = { .name = "ctl_row", .from = SUP, .to = CTL, .min_len = 3,
			  .max_len = MSG_PAYLOAD_MAX, .fds = 0, .phases = PHASE_RUN },
	[MSG_CTL_DONE] = { .name = "ctl_done", .from = SUP, .to = CTL, .min_len = 3, .max_len = 600,
			   .fds = 0, .phases = PHASE_RUN },
};

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_SUPERVISOR] = "supervisor", [ROLE_AUTHORITY] = "authority", [ROLE_FRONTEND] = "frontend",
	[ROLE_RESOLVER] = "resolver",	  [ROLE_COMPILER] = "compiler",	  [ROLE_CONTROL] = "control",
	[ROLE_MONITOR] = "monitor",
};

const char *role_text(enum role role)
{
	return (unsigned)role < ROLE_COUNT ? role_names[role] : "unknown";
}

const struct msg_rule *msg_rule(uint16_t type)
{
	return type < MSG_TYPE_COUNT && rules[type].name != NULL ? &rules[type] : NULL;
}

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *ipc_build_id(void)
{
	return PACKAGE_VERSION "/" TEXT(IPC_PROTOCOL);
}
