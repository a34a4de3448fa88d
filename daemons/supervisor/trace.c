/*
 * Traces: requests in, rows out. Pure.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/trace.h"

#include "common/dns/rr.h"
#include "daemons/supervisor/config.h"
#include "daemons/supervisor/rows.h"

#include <stdio.h>
#include <string.h>

enum place { PLACE_PUBLIC, PLACE_OVERLAY, PLACE_INTERNAL };

struct search {
	const uint8_t *name;
	uint16_t type;
	unsigned best; /* labels of the longest suffix so far, with the root */
	enum place place;
};

/* A zone that the resolver has servers for. A DS stands above the cut (RFC 4035 3.1.4.1): for it the apex is not within. */
static void look_at_stub(struct search *s, const uint8_t *zone)
{
	unsigned labels = dname_label_count(zone) + 1;
	bool within = dname_is_under(s->name, zone) && !(s->type == RR_DS && dname_equal(s->name, zone));
	if (within && labels >= s->best) {
		s->best = labels;
		s->place = PLACE_PUBLIC;
	}
}

/*
 * Whose name it is, as the split of the frontend has it: the longest of internal, stub and forward zones, the
 * internal one last among those of a name. That the root is forwarded makes nothing inside public.
 */
static enum place find_place(const struct config *config, const struct ipc_trace *what)
{
	const struct config_resolver *resolver = &config->resolver;
	struct search s = { .name = what->name, .type = what->type, .place = PLACE_PUBLIC };
	if (resolver->internal_view < 0) {
		return PLACE_PUBLIC;
	}
	const struct config_view *view = &config->views[resolver->internal_view];
	for (size_t i = 0; i < view->zone_count; i++) {
		unsigned labels = dname_label_count(view->zones[i].name) + 1;
		if (labels > s.best && dname_is_under(s.name, view->zones[i].name)) {
			s.best = labels;
			s.place = view->zones[i].overlay ? PLACE_OVERLAY : PLACE_INTERNAL;
		}
	}
	for (size_t i = 0; i < resolver->stub_count; i++) {
		look_at_stub(&s, resolver->stubs[i].servers.name);
	}
	for (size_t i = 0; i < resolver->forward_count; i++) {
		if (!dname_is_root(resolver->forwards[i].servers.name)) {
			look_at_stub(&s, resolver->forwards[i].servers.name);
		}
	}
	return s.place;
}

const char *trace_parse(const struct ctl_request *r, const struct config *config, struct ipc_trace *out)
{
	static const char usage[] = "usage: trace NAME TYPE [cached] [cd] [public]";
	bool outside = false;

	*out = (struct ipc_trace){ .flags = 0 };
	if (r->count < 3) {
		return usage;
	}
	if (dname_from_text(r->words[1], out->name) < 0) {
		return "trace: not a domain name";
	}
	if (rr_type_parse(r->words[2], &out->type) != BH_OK) {
		return "trace: not a type";
	}
	if (rr_type_is_meta(out->type) && out->type != RR_ANY) {
		return "trace: nobody can be asked for this type";
	}
	for (unsigned i = 3; i < r->count; i++) {
		if (strcmp(r->words[i], "cached") == 0) {
			out->flags |= IPC_TRACE_CACHED;
		} else if (strcmp(r->words[i], "cd") == 0) {
			out->flags |= IPC_TRACE_CD;
		} else if (strcmp(r->words[i], "public") == 0) {
			outside = true;
		} else {
			return usage;
		}
	}
	if (!config->resolver.present) {
		return "trace: there is no resolver";
	}
	switch (find_place(config, out)) {
	case PLACE_INTERNAL:
		return "trace: the internal view answers for this name, the resolver never hears of it";
	case PLACE_OVERLAY:
		return outside ? NULL
			       : "trace: the internal view answers for this name first; to ask for it outside all the same: "
				 "--public";
	case PLACE_PUBLIC:
		break;
	}
	return NULL;
}

static const char *const events[IPC_TRACE_EVENTS] = {
	[IPC_TRACE_ASK] = "ask",	 [IPC_TRACE_REPLY] = "reply",	    [IPC_TRACE_NO_REPLY] = "nothing",
	[IPC_TRACE_HIT] = "cached",	 [IPC_TRACE_LOCAL] = "special-use", [IPC_TRACE_ZONE] = "zone",
	[IPC_TRACE_VERDICT] = "verdict", [IPC_TRACE_FAILED] = "failed",	    [IPC_TRACE_FINISHED] = "finished",
	[IPC_TRACE_REFUSED] = "refused",
};

static const char *const kinds[IPC_TRACE_KINDS] = {
	[IPC_TRACE_KIND_NONE] = "",	 [IPC_TRACE_ANSWER] = "answer",	    [IPC_TRACE_ALIAS] = "alias",
	[IPC_TRACE_OVERFLOW] = "too long", [IPC_TRACE_NODATA] = "no data",  [IPC_TRACE_NXDOMAIN] = "no such name",
	[IPC_TRACE_REFERRAL] = "referral", [IPC_TRACE_LAME] = "lame",	    [IPC_TRACE_ERROR] = "error",
};

static const char *const securities[IPC_TRACE_SECURITIES] = {
	[IPC_TRACE_UNCHECKED] = "", [IPC_TRACE_INSECURE] = "insecure", [IPC_TRACE_SECURE] = "secure",
	[IPC_TRACE_BOGUS] = "bogus",
};

/* The reason with its extended error, printable. */
static void why_text(const struct ipc_trace_step *step, char *out, size_t size)
{
	int n = step->ede == UINT16_MAX ? 0 : snprintf(out, size, "EDE %u%s", step->ede, step->why[0] == '\0' ? "" : ": ");
	size_t at = n < 0 ? 0 : (size_t)n;
	for (const char *p = step->why; *p != '\0' && at + 1 < size; p++) {
		out[at++] = *p >= 0x20 && *p < 0x7f ? *p : '?';
	}
	out[at] = '\0';
}

void trace_row(const struct ipc_trace_step *step, struct ctl_row *row)
{
	char text[DNAME_TEXT_MAX];
	char addr[ADDR_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];
	bool is_reply = step->event == IPC_TRACE_REPLY;
	bool has_result = is_reply || step->event == IPC_TRACE_FINISHED;

	row_begin(row, "step");
	row_number(row, "at_ms", step->at_ms);
	row_number(row, "depth", step->depth);
	row_text(row, "event", events[step->event]);
	row_text(row, "name", dname_text(step->name, text));
	row_text(row, "type", rr_type_text(step->type, type));
	row_text(row, "zone", step->has_other ? dname_text(step->other, text) : "");
	row_text(row, "server", step->has_server ? addr_text(&step->server, addr) : "");
	row_text(row, "proto", !step->has_server ? "" : step->tcp ? "tcp" : "udp");
	row_number(row, "took_ms", is_reply || step->event == IPC_TRACE_NO_REPLY ? step->took_ms : 0);
	row_number(row, "octets", is_reply ? step->octets : 0);
	row_text(row, "rcode", has_result ? rcode_text(step->rcode) : "");
	row_text(row, "result", kinds[step->kind]);
	row_text(row, "state", securities[step->security]);
	why_text(step, text, sizeof(text));
	row_text(row, "why", text);
}

unsigned trace_end(const struct ipc_trace_step *step, char *text, size_t size)
{
	char why[IPC_TRACE_WHY_MAX + 16];
	char left_out[48] = "";
	why_text(step, why, sizeof(why));
	if (step->event == IPC_TRACE_REFUSED) {
		snprintf(text, size, "trace: %s", why);
		return 3;
	}
	if (step->left_out > 0) {
		snprintf(left_out, sizeof(left_out), ", %u more steps not shown", (unsigned)step->left_out);
	}
	snprintf(text, size, "%s%s%s%s: %u questions to servers in %u ms%s", rcode_text(step->rcode),
		 step->security == IPC_TRACE_SECURE ? ", secure" : "", why[0] == '\0' ? "" : ", ", why,
		 (unsigned)step->octets, (unsigned)step->took_ms, left_out);
	return step->rcode == RCODE_SERVFAIL ? 2 : 0;
}
