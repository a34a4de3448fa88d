/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/health/probe.h"

#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/health/exchange.h"
#include "daemons/ctl/health/facts.h"
#include "daemons/ctl/health/report.h"
#include "daemons/ctl/human.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPLY_OCTETS_MAX (4u << 20) /* memory for one reply taken apart */
/* Serials that differ are asked for once more before it is said so. */
#define AGAIN_MAX 200
#define AGAIN_AFTER_MS 300

enum what { WHAT_SERIAL, WHAT_WORKER, WHAT_TCP, WHAT_PLAIN };

/* What a question is about; the exchange points here. */
struct subject {
	struct listener_facts *listener;
	struct zone_facts *zone;
	enum what what;
	uint32_t got; /* serial */
	bool differs;
};

struct plan {
	struct exchange_list questions;
	struct subject *subjects; /* of each question */
	size_t room;
};

/* --- judging ------------------------------------------------------------------------------------------- */

bool probe_soa_serial(const struct message *m, const uint8_t *name, uint32_t *serial)
{
	if (m->rcode != RCODE_NOERROR || (m->flags & FLAG_AA) == 0) {
		return false;
	}
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		if (rr->section == SECTION_ANSWER && rr->type == RR_SOA && dname_equal(rr->owner, name) &&
		    rr->rdata_len >= 20) {
			*serial = get_u32(rr->rdata + rr->rdata_len - 20); /* the first of the five numbers at the end */
			return true;
		}
	}
	return false;
}

/* Until the signature ends, seen from now: RFC 4034 3.1.5 wants serial number arithmetic. */
static int64_t seconds_until(uint32_t when, uint64_t now_sec)
{
	return (int32_t)(when - (uint32_t)now_sec);
}

static bool same_set(const struct message_rr *a, const struct message_rr *b)
{
	return a->section == b->section && get_u16(a->rdata) == get_u16(b->rdata) && dname_equal(a->owner, b->owner);
}

void probe_validity(const struct message *m, uint64_t now_sec, struct probe_validity *out)
{
	*out = (struct probe_validity){ .left_sec = INT64_MAX };
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *first = &m->rrs[i];
		bool seen = false;
		if (first->type != RR_RRSIG) {
			continue;
		}
		for (size_t j = 0; j < i && !seen; j++) {
			seen = m->rrs[j].type == RR_RRSIG && same_set(&m->rrs[j], first);
		}
		if (seen) {
			continue;
		}
		int64_t best = INT64_MIN;
		bool begun = false;
		for (size_t j = i; j < m->rr_count; j++) {
			const struct message_rr *rr = &m->rrs[j];
			struct rrsig sig;
			if (rr->type != RR_RRSIG || !same_set(rr, first) || rrsig_parse(rr->rdata, rr->rdata_len, &sig) != BH_OK) {
				continue;
			}
			int64_t left = seconds_until(sig.expiration, now_sec);
			best = left > best ? left : best;
			begun = begun || seconds_until(sig.inception, now_sec) <= 0;
		}
		out->any = true;
		out->early = out->early || !begun;
		if (best < out->left_sec) {
			out->left_sec = best;
			out->covered = get_u16(first->rdata);
		}
	}
}

void probe_judge_validity(const struct probe_validity *validity, const struct probe_limits *limits, const char *view,
			  const char *zone, struct report *report)
{
	char type[RR_TYPE_TEXT_MAX];
	char text[HUMAN_MAX];
	if (!validity->any) {
		return;
	}
	if (validity->early) {
		report_add(report, SEVERITY_CRITICAL, "signature", view, zone,
			   "begins in the future: is the clock of this machine right, or that of the signer?");
	}
	(void)rr_type_text(validity->covered, type);
	if (validity->left_sec < 0) {
		report_add(report, SEVERITY_CRITICAL, "signature", view, zone, "of %s ended %s ago", type,
			   human_duration((uint64_t)-validity->left_sec, text));
		return;
	}
	uint64_t left = (uint64_t)validity->left_sec;
	if (left < limits->critical_sec || left < limits->warning_sec) {
		report_add(report, left < limits->critical_sec ? SEVERITY_CRITICAL : SEVERITY_WARNING, "signature", view, zone,
			   "of %s ends in %s", type, human_duration(left, text));
	}
}

/* --- planning ------------------------------------------------------------------------------------------ */

static int plan_add(struct plan *plan, const struct addr *to, const uint8_t *name, uint16_t type,
		    const struct subject *subject, struct exchange **out)
{
	if (plan->questions.count == plan->room) {
		size_t room = plan->room == 0 ? 64 : plan->room * 2;
		struct subject *subjects = realloc(plan->subjects, room * sizeof(*subjects));
		if (subjects == NULL) {
			return BH_ENOMEM;
		}
		plan->subjects = subjects;
		plan->room = room;
	}
	*out = exchange_add(&plan->questions, to, name, type);
	if (*out == NULL) {
		return BH_ENOMEM;
	}
	plan->subjects[plan->questions.count - 1] = *subject;
	return BH_OK;
}

static void plan_clear(struct plan *plan)
{
	exchange_clear(&plan->questions);
	free(plan->subjects);
	*plan = (struct plan){ .subjects = NULL };
}

/* A listener that cannot be asked from here; says so. */
static bool is_askable(const struct listener_facts *listener, struct report *report)
{
	if (listener->device[0] != '\0') {
		report_add(report, SEVERITY_SKIPPED, "listener", listener->view, "",
			   "%s takes questions of device %s only, not of this machine", listener->text, listener->device);
		return false;
	}
	if (!exchange_is_here(&listener->addr)) {
		report_add(report, SEVERITY_SKIPPED, "listener", listener->view, "",
			   "%s is no address of this machine at present", listener->text);
		return false;
	}
	return true;
}

/*
 * Which zones of the view: all, or when they are many one in `step`, beginning with another one each time.
 */
static size_t zones_of_view(const struct facts *facts, const char *view)
{
	size_t count = 0;
	for (size_t i = 0; i < facts->zone_count; i++) {
		count += facts->zones[i].served && strcmp(facts->zones[i].view, view) == 0;
	}
	return count;
}

static int plan_serials(struct plan *plan, struct probe *probe, struct listener_facts *listener, size_t most)
{
	struct facts *facts = probe->facts;
	size_t count = zones_of_view(facts, listener->view);
	size_t step = count > most ? (count + most - 1) / most : 1;
	size_t n = 0;
	struct exchange *x;
	for (size_t i = 0; i < facts->zone_count; i++) {
		struct zone_facts *zone = &facts->zones[i];
		if (!zone->served || strcmp(zone->view, listener->view) != 0 || n++ % step != probe->turn % step) {
			continue;
		}
		const struct subject subject = { .listener = listener, .zone = zone, .what = WHAT_SERIAL };
		int rc = plan_add(plan, &listener->addr, zone->name, RR_SOA, &subject, &x);
		if (rc != BH_OK) {
			return rc;
		}
	}
	if (step > 1) {
		report_add(probe->report, SEVERITY_FINE, "listener", listener->view, "",
			   "%s: one zone in %zu of %zu is asked for, other ones each time", listener->text, step, count);
	}
	return BH_OK;
}

/* Every worker over UDP and TCP, and once without EDNS. */
static int plan_workers(struct plan *plan, struct listener_facts *listener, struct zone_facts *zone)
{
	unsigned ports = listener->workers * PROBE_PORTS_PER_WORKER;
	struct exchange *x;
	int rc = BH_OK;
	ports = ports > PROBE_PORTS_MAX ? PROBE_PORTS_MAX : ports < 1 ? 1 : ports;
	for (unsigned i = 0; i < ports && rc == BH_OK; i++) {
		const struct subject udp = { .listener = listener, .zone = zone, .what = WHAT_WORKER };
		const struct subject tcp = { .listener = listener, .zone = zone, .what = WHAT_TCP };
		rc = plan_add(plan, &listener->addr, zone->name, RR_SOA, &udp, &x);
		if (rc == BH_OK) {
			rc = plan_add(plan, &listener->addr, zone->name, RR_SOA, &tcp, &x);
			x->tcp = rc == BH_OK;
		}
	}
	if (rc == BH_OK) {
		const struct subject plain = { .listener = listener, .zone = zone, .what = WHAT_PLAIN };
		rc = plan_add(plan, &listener->addr, zone->name, RR_SOA, &plain, &x);
		if (rc == BH_OK) {
			x->udp_size = 0;
			x->do_bit = false;
		}
	}
	return rc;
}

static struct zone_facts *first_zone(struct facts *facts, const char *view)
{
	for (size_t i = 0; i < facts->zone_count; i++) {
		if (facts->zones[i].served && strcmp(facts->zones[i].view, view) == 0) {
			return &facts->zones[i];
		}
	}
	return NULL;
}

static int plan_listeners(struct plan *plan, struct probe *probe)
{
	struct facts *facts = probe->facts;
	size_t askable = 0;
	for (size_t i = 0; i < facts->listener_count; i++) {
		struct listener_facts *listener = &facts->listeners[i];
		listener->usable = listener->view[0] != '\0' && is_askable(listener, probe->report);
		askable += listener->usable;
	}
	size_t most = askable == 0 ? 0 : PROBE_QUESTIONS_MAX / askable;
	most = most > PROBE_ZONES_MAX ? PROBE_ZONES_MAX : most < 1 ? 1 : most;
	for (size_t i = 0; i < facts->listener_count; i++) {
		struct listener_facts *listener = &facts->listeners[i];
		struct zone_facts *zone = first_zone(facts, listener->view);
		if (!listener->usable) {
			continue;
		}
		if (zone == NULL) {
			listener->usable = false;
			report_add(probe->report, SEVERITY_SKIPPED, "listener", listener->view, "",
				   "%s has no zone to be asked for", listener->text);
			continue;
		}
		int rc = plan_serials(plan, probe, listener, most);
		if (rc == BH_OK) {
			rc = plan_workers(plan, listener, zone);
		}
		if (rc != BH_OK) {
			return rc;
		}
	}
	return BH_OK;
}

/* --- listeners ------------------------------------------------------------------------------------------ */

/* How the questions of one listener ended. */
struct tally {
	unsigned asked, refused, answered, not_asked;
	unsigned udp, udp_lost, tcp, tcp_lost;
	const struct exchange *udp_trouble, *tcp_trouble;
};

static bool over_tcp(const struct plan *plan, size_t i)
{
	return plan->subjects[i].what == WHAT_TCP || plan->questions.items[i].truncated;
}

static void count(struct tally *tally, const struct plan *plan, size_t i, struct region *region)
{
	const struct exchange *x = &plan->questions.items[i];
	struct message m;
	bool tcp = over_tcp(plan, i);
	region_reset(region);
	tally->asked++;
	if (x->state == EXCHANGE_NEW) {
		tally->not_asked++;
		return;
	}
	tally->udp += !tcp;
	tally->tcp += tcp;
	if (!exchange_read(x, region, &m)) {
		if (tcp) {
			tally->tcp_lost++;
			tally->tcp_trouble = x;
		} else {
			tally->udp_lost++;
			tally->udp_trouble = x;
		}
		return;
	}
	tally->answered++;
	tally->refused += m.rcode == RCODE_REFUSED;
}

/* True: it answers us at all. */
static bool judge_listener(struct listener_facts *listener, const struct tally *tally, struct report *report)
{
	if (tally->not_asked > 0) {
		report_add(report, SEVERITY_UNKNOWN, "listener", listener->view, "", "%s: %u of %u questions were not asked: the time was up",
			   listener->text, tally->not_asked, tally->asked);
	}
	if (tally->udp_lost > 0) {
		report_add(report, SEVERITY_CRITICAL, "listener", listener->view, "", "%s over UDP %s (%u of %u questions)%s",
			   listener->text, exchange_trouble(tally->udp_trouble), tally->udp_lost, tally->udp,
			   tally->udp_lost < tally->udp && listener->workers > 1 ? ": a worker hangs" : "");
	}
	if (tally->tcp_lost > 0) {
		report_add(report, SEVERITY_CRITICAL, "listener", listener->view, "", "%s over TCP %s (%u of %u questions)%s",
			   listener->text, exchange_trouble(tally->tcp_trouble), tally->tcp_lost, tally->tcp,
			   tally->tcp_lost < tally->tcp && listener->workers > 1 ? ": a worker hangs" : "");
	}
	if (tally->answered > 0 && tally->refused == tally->answered) {
		report_add(report, SEVERITY_SKIPPED, "listener", listener->view, "",
			   "%s refuses this machine (allow-query): serials and signatures are not looked at there", listener->text);
		return false;
	}
	return tally->answered > 0;
}

/* Sizes: a reply is never larger than what was offered, and than what fits everywhere (RFC 6891 6.2.5, DNS flag day 2020). */
static void judge_size(const struct exchange *x, const char *view, const char *zone, struct report *report)
{
	unsigned most = x->udp_size == 0 ? UDP_SIZE_PLAIN : x->udp_size < UDP_SIZE_MAX ? x->udp_size : UDP_SIZE_MAX;
	if (x->udp_octets > most) {
		report_add(report, SEVERITY_CRITICAL, "size", view, zone, "a reply over UDP has %u octets where %u are the most",
			   x->udp_octets, most);
	}
}

/* The serial in each reply; those that differ are marked. */
static void judge_serials(struct plan *plan, struct probe *probe, struct region *region)
{
	for (size_t i = 0; i < plan->questions.count; i++) {
		struct subject *subject = &plan->subjects[i];
		struct message m;
		region_reset(region);
		if (!subject->listener->usable || !exchange_read(&plan->questions.items[i], region, &m)) {
			continue;
		}
		judge_size(&plan->questions.items[i], subject->zone->view, subject->zone->text, probe->report);
		if (!probe_soa_serial(&m, subject->zone->name, &subject->got)) {
			report_add(probe->report, SEVERITY_CRITICAL, "zone", subject->zone->view, subject->zone->text,
				   "%s does not answer for it: %s", subject->listener->text, rcode_text(m.rcode));
			continue;
		}
		subject->differs = subject->got != subject->zone->serial;
		subject->zone->answered = true;
		for (size_t r = 0; r < m.rr_count; r++) {
			subject->zone->is_signed = subject->zone->is_signed || m.rrs[r].type == RR_RRSIG;
		}
	}
}

/* A reload may have come between: look again, and only what differs still is told, once for each zone and listener. */
static int judge_differences(struct plan *plan, struct probe *probe, struct region *region)
{
	struct plan again = { .subjects = NULL };
	struct answer answer;
	int rc = BH_OK;
	for (size_t i = 0; i < plan->questions.count && again.questions.count < AGAIN_MAX && rc == BH_OK; i++) {
		struct exchange *x;
		if (plan->subjects[i].differs) {
			rc = plan_add(&again, &plan->questions.items[i].to, plan->subjects[i].zone->name, RR_SOA, &plan->subjects[i], &x);
			if (rc == BH_OK) {
				x->tcp = plan->questions.items[i].tcp;
			}
		}
	}
	if (rc != BH_OK || again.questions.count == 0) {
		plan_clear(&again);
		return rc;
	}
	const struct timespec pause = { .tv_nsec = AGAIN_AFTER_MS * 1000000L };
	nanosleep(&pause, NULL);
	answer_init(&answer);
	bool fresh = probe->refresh != NULL && probe->refresh(probe->ctx, &answer) == BH_OK;
	for (size_t i = 0; i < again.questions.count; i++) {
		struct subject *subject = &again.subjects[i];
		uint32_t serial = subject->zone->serial;
		/* The same answer, and the appliance says another serial still? Then it was no reload. */
		if (fresh && facts_serial(&answer, subject->zone->view, subject->zone->text, &serial) && serial == subject->got) {
			subject->differs = false;
		}
		subject->zone->serial = serial;
	}
	rc = exchange_run(&again.questions, probe->until_ms);
	for (size_t i = 0; i < again.questions.count && rc == BH_OK; i++) {
		const struct subject *subject = &again.subjects[i];
		struct message m;
		uint32_t serial = 0;
		bool told = false;
		region_reset(region);
		/* The kernel may have given it to another worker this time: what differed before counts as well. */
		bool now_differs = exchange_read(&again.questions.items[i], region, &m) &&
				   probe_soa_serial(&m, subject->zone->name, &serial) && serial != subject->zone->serial;
		for (size_t j = 0; j < i && !told; j++) {
			told = again.subjects[j].zone == subject->zone && again.subjects[j].listener == subject->listener;
		}
		if ((subject->differs || now_differs) && !told) {
			report_add(probe->report, SEVERITY_CRITICAL, "zone", subject->zone->view, subject->zone->text,
				   "%s serves serial %u, loaded is %u", subject->listener->text,
				   now_differs ? (unsigned)serial : (unsigned)subject->got, (unsigned)subject->zone->serial);
		}
	}
	answer_clear(&answer);
	plan_clear(&again);
	return rc;
}

int probe_listeners(struct probe *probe)
{
	struct plan plan = { .subjects = NULL };
	struct region region;
	unsigned usable = 0;
	region_init(&region, 64u << 10, REPLY_OCTETS_MAX);
	int rc = plan_listeners(&plan, probe);
	if (rc == BH_OK) {
		rc = exchange_run(&plan.questions, probe->until_ms);
	}
	size_t at = 0;
	for (size_t l = 0; l < probe->facts->listener_count && rc == BH_OK; l++) {
		struct listener_facts *listener = &probe->facts->listeners[l];
		struct tally tally = { 0 };
		if (!listener->usable) {
			continue;
		}
		for (; at < plan.questions.count && plan.subjects[at].listener == listener; at++) {
			count(&tally, &plan, at, &region);
		}
		listener->usable = judge_listener(listener, &tally, probe->report);
		usable += listener->usable;
	}
	if (rc == BH_OK) {
		judge_serials(&plan, probe, &region);
		rc = judge_differences(&plan, probe, &region);
	}
	report_measure(probe->report, "listeners", probe->facts->listener_count, "", "", "");
	report_measure(probe->report, "listeners_answering", usable, "", "", "");
	report_measure(probe->report, "questions", plan.questions.count, "", "", "");
	region_clear(&region);
	plan_clear(&plan);
	return rc;
}

/* --- signatures ----------------------------------------------------------------------------------------- */

/*
 * Keys, name servers, a denial: with the SOA the sets that fail first and hurt most. TXT of the apex is what grows too large for
 * UDP in zones of mail, so it is asked of unsigned zones too.
 */
static int plan_zone(struct plan *plan, const struct listener_facts *listener, struct zone_facts *zone)
{
	static const uint16_t types[] = { RR_TXT, RR_SOA, RR_DNSKEY, RR_NS };
	static const uint8_t absent[] = "\x18"
					"bulkhead-check-of-denial";
	const struct subject subject = { .zone = zone };
	struct exchange *x;
	int rc = BH_OK;
	size_t count = zone->is_signed ? COUNT(types) : 1;
	for (size_t i = 0; i < count && rc == BH_OK; i++) {
		rc = plan_add(plan, &listener->addr, zone->name, types[i], &subject, &x);
		if (rc == BH_OK) {
			x->udp_size = UDP_RECV_MAX; /* what it would get from a resolver that takes much; the reply must stay small */
		}
	}
	size_t len = dname_len(zone->name);
	if (zone->is_signed && rc == BH_OK && sizeof(absent) - 1 + len <= DNAME_MAX) {
		uint8_t name[DNAME_MAX];
		memcpy(name, absent, sizeof(absent) - 1);
		memcpy(name + sizeof(absent) - 1, zone->name, len);
		rc = plan_add(plan, &listener->addr, name, RR_A, &subject, &x);
		if (rc == BH_OK) {
			x->udp_size = UDP_RECV_MAX;
		}
	}
	return rc;
}

static void judge_signatures(const struct plan *plan, struct probe *probe, struct region *region)
{
	struct probe_validity least = { .left_sec = INT64_MAX };
	char warning[32];
	char critical[32];
	uint64_t truncated = 0;
	for (size_t i = 0; i < plan->questions.count;) {
		const struct zone_facts *zone = plan->subjects[i].zone;
		struct probe_validity of_zone = { .left_sec = INT64_MAX };
		for (; i < plan->questions.count && plan->subjects[i].zone == zone; i++) {
			const struct exchange *x = &plan->questions.items[i];
			struct probe_validity v;
			struct message m;
			region_reset(region);
			truncated += x->truncated;
			if (!exchange_read(x, region, &m)) {
				char type[RR_TYPE_TEXT_MAX];
				report_add(probe->report, x->state == EXCHANGE_NEW ? SEVERITY_UNKNOWN : SEVERITY_CRITICAL, "size",
					   zone->view, zone->text, "%s%s: the server %s", rr_type_text(x->qtype, type),
					   x->truncated ? " over TCP, after TC=1 over UDP" : "", exchange_trouble(x));
				continue;
			}
			judge_size(x, zone->view, zone->text, probe->report);
			if (x->truncated && (m.flags & FLAG_TC) != 0) {
				report_add(probe->report, SEVERITY_CRITICAL, "size", zone->view, zone->text,
					   "a reply over TCP says that it is truncated");
			}
			if (!zone->is_signed) {
				continue;
			}
			probe_validity(&m, probe->now_sec, &v);
			if (!v.any) {
				char type[RR_TYPE_TEXT_MAX];
				report_add(probe->report, SEVERITY_CRITICAL, "signature", zone->view, zone->text,
					   "the zone is signed, and the answer for %s is not", rr_type_text(x->qtype, type));
				continue;
			}
			of_zone.any = true;
			of_zone.early = of_zone.early || v.early;
			if (v.left_sec < of_zone.left_sec) {
				of_zone.left_sec = v.left_sec;
				of_zone.covered = v.covered;
			}
		}
		probe_judge_validity(&of_zone, probe->limits, zone->view, zone->text, probe->report);
		if (of_zone.any && of_zone.left_sec < least.left_sec) {
			least = of_zone;
		}
	}
	if (least.any) {
		snprintf(warning, sizeof(warning), "%llu:", (unsigned long long)probe->limits->warning_sec);
		snprintf(critical, sizeof(critical), "%llu:", (unsigned long long)probe->limits->critical_sec);
		report_measure(probe->report, "signature_left", least.left_sec < 0 ? 0 : (uint64_t)least.left_sec, "s", warning,
			       critical);
	}
	report_measure(probe->report, "truncated", truncated, "", "", "");
}

int probe_signatures(struct probe *probe)
{
	struct plan plan = { .subjects = NULL };
	struct region region;
	unsigned zones = 0;
	int rc = BH_OK;
	region_init(&region, 64u << 10, REPLY_OCTETS_MAX);
	for (size_t i = 0; i < probe->facts->zone_count && rc == BH_OK; i++) {
		struct zone_facts *zone = &probe->facts->zones[i];
		const struct listener_facts *listener = zone->answered ? facts_listener(probe->facts, zone->view) : NULL;
		if (listener != NULL && zones++ < PROBE_SIGNED_MAX) {
			rc = plan_zone(&plan, listener, zone);
		}
	}
	if (zones > PROBE_SIGNED_MAX) {
		report_add(probe->report, SEVERITY_FINE, "signature", "", "", "and sizes are looked at of %u of %u zones", PROBE_SIGNED_MAX,
			   zones);
	}
	if (rc == BH_OK) {
		rc = exchange_run(&plan.questions, probe->until_ms);
	}
	if (rc == BH_OK) {
		judge_signatures(&plan, probe, &region);
	}
	region_clear(&region);
	plan_clear(&plan);
	return rc;
}

/* --- the resolver ----------------------------------------------------------------------------------------- */

int probe_resolver(struct probe *probe, const struct listener_facts **listener)
{
	static const uint8_t root[] = { 0 };
	struct facts *facts = probe->facts;
	struct plan plan = { .subjects = NULL };
	struct region region;
	bool any = false;
	int rc = BH_OK;
	*listener = NULL;
	region_init(&region, 64u << 10, REPLY_OCTETS_MAX);
	for (size_t i = 0; i < facts->listener_count && rc == BH_OK; i++) {
		struct listener_facts *l = &facts->listeners[i];
		if (l->view[0] != '\0') {
			continue;
		}
		any = true;
		if (!is_askable(l, probe->report)) {
			continue;
		}
		unsigned ports = l->workers * PROBE_PORTS_PER_WORKER;
		ports = ports > PROBE_PORTS_MAX ? PROBE_PORTS_MAX : ports < 1 ? 1 : ports;
		for (unsigned p = 0; p < 2 * ports && rc == BH_OK; p++) {
			struct exchange *x;
			const struct subject subject = { .listener = l, .what = p % 2 == 0 ? WHAT_WORKER : WHAT_TCP };
			rc = plan_add(&plan, &l->addr, root, RR_NS, &subject, &x);
			if (rc == BH_OK) {
				x->flags = FLAG_RD;
				x->tcp = p % 2 != 0;
				x->long_patience = true;
			}
		}
	}
	if (rc == BH_OK) {
		rc = exchange_run(&plan.questions, probe->until_ms);
	}
	for (size_t i = 0; i < plan.questions.count && rc == BH_OK;) {
		struct listener_facts *l = plan.subjects[i].listener;
		struct tally tally = { 0 };
		unsigned failed = RCODE_NOERROR;
		struct message m;
		for (; i < plan.questions.count && plan.subjects[i].listener == l; i++) {
			count(&tally, &plan, i, &region);
			region_reset(&region);
			if (exchange_read(&plan.questions.items[i], &region, &m) && m.rcode != RCODE_NOERROR) {
				failed = m.rcode;
			}
		}
		if (!judge_listener(l, &tally, probe->report)) {
			continue;
		}
		if (failed != RCODE_NOERROR) {
			report_add(probe->report, SEVERITY_CRITICAL, "resolver", "", "", "%s: %s for the name servers of the root",
				   l->text, rcode_text(failed));
			continue;
		}
		l->usable = true;
		*listener = *listener == NULL ? l : *listener;
	}
	if (!any) {
		report_add(probe->report, SEVERITY_SKIPPED, "resolver", "", "", "none is configured");
	}
	region_clear(&region);
	plan_clear(&plan);
	return rc;
}
