/*
 * Every payload with its encoder and decoder, in one table, for the tests and for fuzzing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_UNIT_COMMON_IPC_CODECS_H
#define BULKHEAD_TESTS_UNIT_COMMON_IPC_CODECS_H

#include "common/ipc/conf.h"
#include "common/ipc/watch.h"

#define CODEC_FUNCTIONS(name)                                                        \
	static void name##_put(struct sink *s, const void *m)                        \
	{                                                                            \
		name##_encode(s, m);                                                 \
	}                                                                            \
	static int name##_get(const uint8_t *p, size_t len, void *m)                 \
	{                                                                            \
		return name##_decode(p, len, m);                                     \
	}

CODEC_FUNCTIONS(ipc_hello)
CODEC_FUNCTIONS(ipc_identity)
CODEC_FUNCTIONS(ipc_listener)
CODEC_FUNCTIONS(ipc_link)
CODEC_FUNCTIONS(ipc_image)
CODEC_FUNCTIONS(ipc_generation)
CODEC_FUNCTIONS(ipc_refused)
CODEC_FUNCTIONS(ipc_id)
CODEC_FUNCTIONS(ipc_conf_authority)
CODEC_FUNCTIONS(ipc_conf_frontend)
CODEC_FUNCTIONS(ipc_conf_resolver)
CODEC_FUNCTIONS(ipc_acl)
CODEC_FUNCTIONS(ipc_image_refused)
CODEC_FUNCTIONS(ipc_zone)
CODEC_FUNCTIONS(ipc_same_zones)
CODEC_FUNCTIONS(ipc_zone_image)
CODEC_FUNCTIONS(ipc_cookie_secrets)
CODEC_FUNCTIONS(ipc_rate_limit)
CODEC_FUNCTIONS(ipc_rate_table)
CODEC_FUNCTIONS(ipc_key)
CODEC_FUNCTIONS(ipc_transfer)
CODEC_FUNCTIONS(ipc_name)
CODEC_FUNCTIONS(ipc_servers)
CODEC_FUNCTIONS(ipc_outgoing)
CODEC_FUNCTIONS(ipc_anchor)
CODEC_FUNCTIONS(ipc_anchor_state)
CODEC_FUNCTIONS(ipc_negative_anchor)
CODEC_FUNCTIONS(ipc_flush)
CODEC_FUNCTIONS(ipc_flushed)
CODEC_FUNCTIONS(ipc_trace)
CODEC_FUNCTIONS(ipc_trace_step)
CODEC_FUNCTIONS(ipc_compile)
CODEC_FUNCTIONS(ipc_diagnostic)
CODEC_FUNCTIONS(ipc_source)
CODEC_FUNCTIONS(ipc_compiled)
CODEC_FUNCTIONS(ipc_page)
CODEC_FUNCTIONS(ipc_conf_monitor)
CODEC_FUNCTIONS(ipc_host)
CODEC_FUNCTIONS(ipc_watched)
CODEC_FUNCTIONS(ipc_role_facts)
CODEC_FUNCTIONS(ipc_appliance_facts)
CODEC_FUNCTIONS(ipc_inspect)
CODEC_FUNCTIONS(ipc_inspected)
CODEC_FUNCTIONS(ipc_shown)
CODEC_FUNCTIONS(ctl_request)
CODEC_FUNCTIONS(ctl_row)
CODEC_FUNCTIONS(ctl_done)

struct codec {
	void (*put)(struct sink *s, const void *m);
	int (*get)(const uint8_t *p, size_t len, void *m);
	size_t size; /* of the struct; 0: the message has no payload */
};

#define CODEC(name) { name##_put, name##_get, sizeof(struct name) }

static const struct codec codecs[MSG_TYPE_COUNT] = {
	[MSG_HELLO] = CODEC(ipc_hello),
	[MSG_IDENTITY] = CODEC(ipc_identity),
	[MSG_LISTENER] = CODEC(ipc_listener),
	[MSG_LINK] = CODEC(ipc_link),
	[MSG_IMAGE] = CODEC(ipc_image),
	[MSG_RATE_TABLE] = CODEC(ipc_rate_table),
	[MSG_CONF_BEGIN] = CODEC(ipc_generation),
	[MSG_CONF_AUTHORITY] = CODEC(ipc_conf_authority),
	[MSG_CONF_FRONTEND] = CODEC(ipc_conf_frontend),
	[MSG_CONF_RESOLVER] = CODEC(ipc_conf_resolver),
	[MSG_CONF_LISTENER] = CODEC(ipc_id),
	[MSG_CONF_LINK] = CODEC(ipc_id),
	[MSG_CONF_ACL] = CODEC(ipc_acl),
	[MSG_CONF_ZONE] = CODEC(ipc_zone),
	[MSG_CONF_SAME_ZONES] = CODEC(ipc_same_zones),
	[MSG_CONF_ZONE_IMAGE] = CODEC(ipc_zone_image),
	[MSG_CONF_COOKIE_SECRETS] = CODEC(ipc_cookie_secrets),
	[MSG_CONF_RATE_LIMIT] = CODEC(ipc_rate_limit),
	[MSG_CONF_RATE_EXEMPT] = CODEC(ipc_acl),
	[MSG_CONF_KEY] = CODEC(ipc_key),
	[MSG_CONF_TRANSFER] = CODEC(ipc_transfer),
	[MSG_CONF_REBIND_ALLOW] = CODEC(ipc_name),
	[MSG_CONF_STUB] = CODEC(ipc_servers),
	[MSG_CONF_FORWARD] = CODEC(ipc_servers),
	[MSG_CONF_ROOT] = CODEC(ipc_servers),
	[MSG_CONF_OUTGOING] = CODEC(ipc_outgoing),
	[MSG_PREPARE] = CODEC(ipc_generation),
	[MSG_PREPARED] = CODEC(ipc_generation),
	[MSG_REFUSED] = CODEC(ipc_refused),
	[MSG_IMAGE_REFUSED] = CODEC(ipc_image_refused),
	[MSG_COMMIT] = CODEC(ipc_generation),
	[MSG_COMMITTED] = CODEC(ipc_generation),
	[MSG_ABORT] = CODEC(ipc_generation),
	[MSG_PEER_RESTARTED] = CODEC(ipc_id),
	[MSG_PEER_BROKEN] = CODEC(ipc_id),
	[MSG_FLUSH] = CODEC(ipc_flush),
	[MSG_FLUSHED] = CODEC(ipc_flushed),
	[MSG_TRACE] = CODEC(ipc_trace),
	[MSG_TRACE_STEP] = CODEC(ipc_trace_step),
	[MSG_COMPILE] = CODEC(ipc_compile),
	[MSG_DIAGNOSTIC] = CODEC(ipc_diagnostic),
	[MSG_SOURCE] = CODEC(ipc_source),
	[MSG_ROOT_HINT] = CODEC(ipc_servers),
	[MSG_TRUST_ANCHOR] = CODEC(ipc_anchor),
	[MSG_CONF_ANCHOR] = CODEC(ipc_anchor),
	[MSG_CONF_NEGATIVE_ANCHOR] = CODEC(ipc_negative_anchor),
	[MSG_ANCHOR_FOUND] = CODEC(ipc_anchor_state),
	[MSG_ANCHOR_STATE] = CODEC(ipc_anchor_state),
	[MSG_CONF_ANCHOR_STATE] = CODEC(ipc_anchor_state),
	[MSG_NEGATIVE_ANCHOR] = CODEC(ipc_negative_anchor),
	[MSG_COMPILED] = CODEC(ipc_compiled),
	[MSG_CONF_PROBE] = CODEC(ipc_name),
	[MSG_PAGE] = CODEC(ipc_page),
	[MSG_CONF_MONITOR] = CODEC(ipc_conf_monitor),
	[MSG_CONF_PAGE] = CODEC(ipc_id),
	[MSG_CONF_HOST] = CODEC(ipc_host),
	[MSG_CONF_WATCHED] = CODEC(ipc_watched),
	[MSG_ROLE_FACTS] = CODEC(ipc_role_facts),
	[MSG_APPLIANCE_FACTS] = CODEC(ipc_appliance_facts),
	[MSG_INSPECT] = CODEC(ipc_inspect),
	[MSG_INSPECTED] = CODEC(ipc_inspected),
	[MSG_SHOWN] = CODEC(ipc_shown),
	[MSG_CTL_REQUEST] = CODEC(ctl_request),
	[MSG_CTL_ROW] = CODEC(ctl_row),
	[MSG_CTL_DONE] = CODEC(ctl_done),
};

#endif
