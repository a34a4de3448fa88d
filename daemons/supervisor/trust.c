/*
 * Anchors and negative anchors, as the operator sees and changes them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/trust.h"

#include "common/dns/anchor.h"
#include "common/dns/rr.h"
#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "daemons/supervisor/control.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/rows.h"
#include "daemons/supervisor/tracking.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static int send_negative(struct instance *inst, const struct ipc_negative_anchor *m)
{
	uint8_t bytes[DNAME_MAX + 8];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_negative_anchor_encode(&s, m);
	return s.failed ? BH_ENOSPC : link_send(inst->link, MSG_NEGATIVE_ANCHOR, 0, bytes, s.pos, -1);
}

static bool is_ready_resolver(const struct instance *inst)
{
	return inst->role == ROLE_RESOLVER && inst->state == INSTANCE_READY && inst->link != NULL;
}

/* Every shard: those that are not ready are told when they are. A link that fails ends by itself, and its role with it. */
static void tell_all(struct supervisor *sup, const struct ipc_negative_anchor *m)
{
	for (struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (is_ready_resolver(inst) && send_negative(inst, m) != BH_OK) {
			log_warn("%s: cannot be told of a negative trust anchor", inst->name);
		}
	}
}

void trust_tell(struct instance *inst)
{
	struct nta_list *ntas = &inst->sup->ntas;
	uint64_t now_ms = clock_now_ms();
	for (size_t i = 0; i < ntas->count; i++) {
		if (ntas->items[i].until_ms <= now_ms) {
			continue;
		}
		struct ipc_negative_anchor m = nta_message(&ntas->items[i], now_ms);
		if (send_negative(inst, &m) != BH_OK) {
			log_warn("%s: cannot be told of a negative trust anchor", inst->name);
			return;
		}
	}
}

static bool same_names(const struct ipc_name *a, size_t a_count, const struct ipc_name *b, size_t b_count)
{
	bool same = a_count == b_count;
	for (size_t i = 0; i < a_count && same; i++) {
		same = dname_equal(a[i].name, b[i].name);
	}
	return same;
}

static bool same_servers(const struct ipc_servers *a, const struct ipc_servers *b)
{
	bool same = a->count == b->count && dname_equal(a->name, b->name);
	for (unsigned i = 0; i < a->count && same; i++) {
		same = addr_equal(&a->addrs[i], &b->addrs[i]);
	}
	return same;
}

static bool same_stubs(const struct config_stub *a, size_t a_count, const struct config_stub *b, size_t b_count)
{
	bool same = a_count == b_count;
	for (size_t i = 0; i < a_count && same; i++) {
		same = same_servers(&a[i].servers, &b[i].servers);
	}
	return same;
}

static bool same_roots(const struct zone_set *a, const struct zone_set *b)
{
	bool same = a->anchor_count == b->anchor_count && a->hint_count == b->hint_count;
	for (size_t i = 0; i < a->anchor_count && same; i++) {
		const struct ipc_anchor *x = &a->anchors[i];
		const struct ipc_anchor *y = &b->anchors[i];
		same = dname_equal(x->zone, y->zone) && x->type == y->type && x->len == y->len &&
		       memcmp(x->rdata, y->rdata, x->len) == 0;
	}
	for (size_t i = 0; i < a->hint_count && same; i++) {
		same = same_servers(&a->hints[i], &b->hints[i]);
	}
	return same;
}

/* Who is asked, and what of it is believed. */
static bool same_answers(const struct generation *a, const struct generation *b)
{
	const struct config_resolver *x = &a->config->resolver;
	const struct config_resolver *y = &b->config->resolver;
	return x->validate_sha1 == y->validate_sha1 && x->validation_date == y->validation_date &&
	       x->rebind_protection == y->rebind_protection && same_roots(a->zones, b->zones) &&
	       same_names(x->insecure, x->insecure_count, y->insecure, y->insecure_count) &&
	       same_names(x->rebind_allow, x->rebind_allow_count, y->rebind_allow, y->rebind_allow_count) &&
	       same_stubs(x->stubs, x->stub_count, y->stubs, y->stub_count) &&
	       same_stubs(x->forwards, x->forward_count, y->forwards, y->forward_count);
}

void trust_settle(struct supervisor *sup, const struct generation *before)
{
	static const uint8_t root[1] = { 0 };
	if (before->config != NULL && before->zones != NULL && sup->control != NULL &&
	    !same_answers(before, &sup->current)) {
		control_flush_frontends(sup, root);
	}
}

/* Ends are counted down here and in each resolver; frontends follow a little later, when those have ended. */
#define NTA_MARGIN_MS 1500

static void on_nta_end(evutil_socket_t fd, short what, void *arg);

static void set_timer(struct supervisor *sup, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < sup->ntas.count; i++) {
		next = sup->ntas.items[i].until_ms < next ? sup->ntas.items[i].until_ms : next;
	}
	if (sup->nta_timer == NULL) {
		sup->nta_timer = event_new(sup->base, -1, 0, on_nta_end, sup);
	}
	if (sup->nta_timer != NULL) {
		(void)event_del(sup->nta_timer);
	}
	if (next == UINT64_MAX) {
		return;
	}
	uint64_t wait_ms = (next > now_ms ? next - now_ms : 0) + NTA_MARGIN_MS;
	struct timeval tv = { .tv_sec = (time_t)(wait_ms / 1000), .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };
	if (sup->nta_timer == NULL || event_add(sup->nta_timer, &tv) != 0) {
		log_fatal("out of memory");
	}
}

/* What frontends hold below was made without validation. */
static void on_nta_end(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *sup = arg;
	uint64_t now_ms = clock_now_ms();
	(void)fd;
	(void)what;
	for (size_t i = 0; i < sup->ntas.count; i++) {
		if (sup->ntas.items[i].until_ms <= now_ms) {
			char name[DNAME_TEXT_MAX];
			log_info("negative trust anchor has ended zone=%s", dname_text(sup->ntas.items[i].zone, name));
			control_flush_frontends(sup, sup->ntas.items[i].zone);
		}
	}
	nta_expire(&sup->ntas, now_ms);
	set_timer(sup, now_ms);
}

void trust_end(struct supervisor *sup)
{
	if (sup->nta_timer != NULL) {
		event_free(sup->nta_timer);
	}
}

static int send_row(const uint8_t *zone, const char *source, uint64_t left_sec, struct link *link, uint32_t request)
{
	struct ctl_row row;
	char text[DNAME_TEXT_MAX];
	row_begin(&row, "negative_anchor");
	row_text(&row, "zone", dname_text(zone, text));
	row_text(&row, "source", source);
	if (left_sec > 0) {
		row_number(&row, "left_sec", left_sec);
	}
	return row_send(link, request, &row);
}

int trust_nta_rows(struct supervisor *sup, struct link *link, uint32_t request)
{
	uint64_t now_ms = clock_now_ms();
	int rc = BH_OK;
	for (size_t i = 0; i < sup->ntas.count && rc == BH_OK; i++) {
		if (sup->ntas.items[i].until_ms <= now_ms) {
			continue; /* the timer will take it away */
		}
		struct ipc_negative_anchor m = nta_message(&sup->ntas.items[i], now_ms);
		rc = send_row(m.zone, "operator", m.left_sec, link, request);
	}
	return rc;
}

static int add(struct supervisor *sup, const struct ctl_request *r, struct link *link, uint32_t request)
{
	struct ipc_negative_anchor m = { .left_sec = NTA_DEFAULT_SEC };
	char name[DNAME_TEXT_MAX];
	char text[IPC_TEXT_MAX];
	if (dname_from_text(r->words[2], m.zone) < 0) {
		return row_done(link, request, 3, "nta: not a domain name");
	}
	if (r->count == 4 && !nta_parse_time(r->words[3], &m.left_sec)) {
		return row_done(link, request, 3, "nta: the time is 1 second to 7 days, as 90, 30m, 12h or 2d");
	}
	if (nta_add(&sup->ntas, m.zone, m.left_sec, clock_now_ms()) != BH_OK) {
		return row_done(link, request, 2, "nta: there are too many");
	}
	tell_all(sup, &m);
	control_flush_frontends(sup, m.zone);
	set_timer(sup, clock_now_ms());
	log_warn("control: negative trust anchor set zone=%s seconds=%u", dname_text(m.zone, name), (unsigned)m.left_sec);
	snprintf(text, sizeof(text), "not validated for %u %s: %.300s", (unsigned)m.left_sec,
		 m.left_sec == 1 ? "second" : "seconds", name);
	return row_done(link, request, 0, text);
}

static int take_away(struct supervisor *sup, const char *name, struct link *link, uint32_t request)
{
	struct ipc_negative_anchor m = { .left_sec = 0 };
	char text[DNAME_TEXT_MAX];
	if (dname_from_text(name, m.zone) < 0) {
		return row_done(link, request, 3, "nta: not a domain name");
	}
	if (!nta_remove(&sup->ntas, m.zone)) {
		return row_done(link, request, 2, "nta: there is none for this name");
	}
	tell_all(sup, &m);
	control_flush_frontends(sup, m.zone);
	set_timer(sup, clock_now_ms());
	log_info("control: negative trust anchor taken away zone=%s", dname_text(m.zone, text));
	return row_done(link, request, 0, "validated again");
}

int trust_nta(struct supervisor *sup, const struct ctl_request *r, struct link *link, uint32_t request)
{
	const char *what = r->count > 1 ? r->words[1] : "";
	if (sup->current.config == NULL || !sup->current.config->resolver.present) {
		return row_done(link, request, 3, "nta: there is no resolver");
	}
	if (strcmp(what, "add") == 0 && (r->count == 3 || r->count == 4)) {
		return add(sup, r, link, request);
	}
	if (strcmp(what, "remove") == 0 && r->count == 3) {
		return take_away(sup, r->words[2], link, request);
	}
	if (strcmp(what, "list") == 0 && r->count == 2) {
		char text[64];
		int rc = trust_nta_rows(sup, link, request);
		snprintf(text, sizeof(text), "%zu set at run time", sup->ntas.count);
		return rc == BH_OK ? row_done(link, request, 0, text) : rc;
	}
	return row_done(link, request, 3, "usage: nta add NAME [TIME] | nta remove NAME | nta list");
}

static int send_anchor(const struct supervisor *sup, const struct ipc_anchor *a, struct link *link, uint32_t request)
{
	struct ctl_row row;
	char text[DNAME_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];
	const char *fault = anchor_fault(a->type, a->rdata, a->len);
	row_begin(&row, "anchor");
	row_text(&row, "zone", dname_text(a->zone, text));
	row_text(&row, "type", rr_type_text(a->type, type));
	row_number(&row, "tag", anchor_tag(a->type, a->rdata, a->len));
	row_number(&row, "algorithm", anchor_algorithm(a->type, a->rdata, a->len));
	row_text(&row, "source", anchor_is_built_in(a->zone, a->type, a->rdata, a->len) ? "built in" : "file");
	row_text(&row, "state", fault == NULL ? "configured" : "unusable");
	row_text(&row, "detail", fault == NULL ? "" : fault);
	(void)sup;
	return row_send(link, request, &row);
}

int trust_anchors_send(struct supervisor *sup, struct link *link, uint32_t request)
{
	const struct config *config = sup->current.config;
	const struct zone_set *set = sup->current.zones;
	int rc = BH_OK;
	if (config == NULL || set == NULL || !config->resolver.present) {
		return row_done(link, request, 3, "anchors: there is no resolver");
	}
	for (size_t i = 0; i < set->anchor_count && rc == BH_OK; i++) {
		rc = send_anchor(sup, &set->anchors[i], link, request);
	}
	if (rc == BH_OK) {
		rc = tracking_rows(sup, link, request);
	}
	bool off = false;
	for (size_t i = 0; i < config->resolver.insecure_count && rc == BH_OK; i++) {
		off = off || dname_is_root(config->resolver.insecure[i].name);
		rc = send_row(config->resolver.insecure[i].name, "domain-insecure", 0, link, request);
	}
	for (size_t i = 0; i < config->resolver.stub_count && rc == BH_OK; i++) {
		rc = send_row(config->resolver.stubs[i].servers.name, "stub zone", 0, link, request);
	}
	if (rc == BH_OK) {
		rc = trust_nta_rows(sup, link, request);
	}
	return rc == BH_OK ? row_done(link, request, 0, off ? "nothing below the root's anchor is validated"
							    : "where validation begins and ends")
			   : rc;
}
