/*
 * Steps as iterate.c and validate/ tell them, made into what the trace function gets. Only reads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/core.h"

#include "daemons/resolver/validate/validate.h"

static void tell(const struct core *core, const struct trace_step *step, uint64_t now_ms)
{
	core->trace_fn(core->trace_ctx, step, now_ms);
}

/* A step of the top frame. */
static struct trace_step step_of(const struct resolution *r, enum ipc_trace_event event)
{
	const struct frame *f = r->top;
	return (struct trace_step){ .event = event, .depth = r->depth, .name = f->name, .type = f->type,
				    .ede = EDE_NONE };
}

/* ... about the question at hand and the server that was chosen for it. */
static struct trace_step step_with_server(const struct resolution *r, enum ipc_trace_event event, uint64_t now_ms)
{
	const struct frame *f = r->top;
	struct trace_step step = step_of(r, event);
	step.name = f->ask_name;
	step.type = f->ask_type;
	step.server = &f->cut->addrs[f->choice].addr;
	step.tcp = r->asked_tcp;
	step.took_ms = now_ms > r->asked_ms ? now_ms - r->asked_ms : 0;
	return step;
}

static enum ipc_trace_security told_security(enum security security)
{
	static const enum ipc_trace_security told[] = {
		[SECURITY_UNCHECKED] = IPC_TRACE_UNCHECKED, [SECURITY_INSECURE] = IPC_TRACE_INSECURE,
		[SECURITY_SECURE] = IPC_TRACE_SECURE,	    [SECURITY_BOGUS] = IPC_TRACE_BOGUS,
	};
	return told[security];
}

static enum ipc_trace_kind told_kind(enum reply_kind kind)
{
	static const enum ipc_trace_kind told[] = {
		[REPLY_ANSWER] = IPC_TRACE_ANSWER,     [REPLY_ALIAS] = IPC_TRACE_ALIAS,
		[REPLY_OVERFLOW] = IPC_TRACE_OVERFLOW, [REPLY_NODATA] = IPC_TRACE_NODATA,
		[REPLY_NXDOMAIN] = IPC_TRACE_NXDOMAIN, [REPLY_REFERRAL] = IPC_TRACE_REFERRAL,
		[REPLY_LAME] = IPC_TRACE_LAME,	       [REPLY_ERROR] = IPC_TRACE_ERROR,
	};
	return told[kind];
}

void trace_ask(const struct core *core, struct resolution *r, bool tcp, bool joins, uint64_t now_ms)
{
	r->asked_ms = now_ms;
	r->asked_tcp = tcp;
	if (r->traced) {
		struct trace_step step = step_with_server(r, IPC_TRACE_ASK, now_ms);
		step.other = r->top->cut->zone;
		step.why = joins ? "joins an equal question" : NULL;
		tell(core, &step, now_ms);
	}
}

void trace_reply(const struct core *core, const struct resolution *r, const struct message *msg,
		 const struct reply *reply, uint64_t now_ms)
{
	if (r->traced) {
		struct trace_step step = step_with_server(r, IPC_TRACE_REPLY, now_ms);
		step.kind = told_kind(reply->kind);
		step.rcode = msg->rcode;
		step.octets = core->reply_octets;
		step.other = reply->kind == REPLY_REFERRAL ? reply->cut->zone
			     : reply->kind == REPLY_ALIAS  ? reply->target
							   : NULL;
		tell(core, &step, now_ms);
	}
}

void trace_no_reply(const struct core *core, const struct resolution *r, enum upstream_event event, uint64_t now_ms)
{
	if (r->traced) {
		struct trace_step step = step_with_server(r, IPC_TRACE_NO_REPLY, now_ms);
		step.why = event == EVENT_TCP	  ? "is asked over TCP"
			   : event == EVENT_AGAIN ? "is asked again, with other EDNS"
			   : event == EVENT_UNREACHED ? "the network does not lead there"
						      : "no usable reply";
		tell(core, &step, now_ms);
	}
}

void trace_hit(const struct core *core, const struct resolution *r, const struct reply *reply, enum security security,
	       uint64_t now_ms)
{
	if (r->traced) {
		struct trace_step step = step_of(r, IPC_TRACE_HIT);
		step.kind = told_kind(reply->kind);
		step.security = told_security(security);
		step.other = reply->kind == REPLY_ALIAS ? reply->target : NULL;
		tell(core, &step, now_ms);
	}
}

void trace_local(const struct core *core, const struct resolution *r, bool exists, uint64_t now_ms)
{
	if (r->traced) {
		struct trace_step step = step_of(r, IPC_TRACE_LOCAL);
		step.kind = exists ? IPC_TRACE_ANSWER : IPC_TRACE_NXDOMAIN;
		tell(core, &step, now_ms);
	}
}

void trace_failed(const struct core *core, const struct resolution *r, int ede, const char *why, uint64_t now_ms)
{
	if (r->traced) {
		struct trace_step step = step_of(r, IPC_TRACE_FAILED);
		step.ede = ede;
		step.why = why;
		tell(core, &step, now_ms);
	}
}

void trace_verdict(const struct core *core, const struct resolution *r, const struct validation *v,
		   enum security security, const struct verify_reason *reason, uint64_t now_ms)
{
	if (r->traced) {
		bool told = security == SECURITY_UNCHECKED || security == SECURITY_BOGUS;
		struct trace_step step = step_of(r, IPC_TRACE_VERDICT);
		step.name = v->name;
		step.type = v->type;
		step.security = told_security(security);
		step.ede = told ? reason->ede : EDE_NONE;
		step.why = told ? reason->why : NULL;
		tell(core, &step, now_ms);
	}
}

void trace_zone(const struct core *core, const struct resolution *r, const struct trust *trust, uint64_t now_ms)
{
	if (r->traced) {
		struct trace_step step = step_of(r, IPC_TRACE_ZONE);
		step.other = trust->zone;
		step.security = trust->state == TRUST_SECURE	 ? IPC_TRACE_SECURE
				: trust->state == TRUST_INSECURE ? IPC_TRACE_INSECURE
								 : IPC_TRACE_BOGUS;
		step.ede = trust->state == TRUST_BOGUS ? trust->ede : EDE_NONE;
		step.why = trust->state == TRUST_BOGUS ? trust->why : NULL;
		tell(core, &step, now_ms);
	}
}

void trace_finished(const struct core *core, const struct resolution *r, uint64_t now_ms)
{
	if (r->traced) {
		struct trace_step step = { .event = IPC_TRACE_FINISHED, .depth = 1, .name = r->name, .type = r->type,
					   .rcode = r->rcode, .ede = r->ede, .why = r->ede_text,
					   .octets = r->packets,
					   .security = r->secure ? IPC_TRACE_SECURE : IPC_TRACE_UNCHECKED };
		tell(core, &step, now_ms);
	}
}
