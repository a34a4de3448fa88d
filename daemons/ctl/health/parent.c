/*
 * Finding the parents, asking both sides, and asking every server of the delegation. In steps: each asks for all zones at once.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/health/parent.h"

#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/util/count.h"
#include "daemons/ctl/health/exchange.h"
#include "daemons/ctl/health/facts.h"
#include "daemons/ctl/health/probe.h"
#include "daemons/ctl/health/report.h"

#include <string.h>

#define OCTETS_MAX (64u << 20) /* of all replies, taken apart */
#define DNS_PORT 53

struct delegation {
	const struct zone_facts *zone;
	const struct listener_facts *own;
	const uint8_t *parent; /* the name that is tried, and then the zone that delegates */
	unsigned steps;
	bool found;	/* parent is a zone */
	bool given_up;	/* told why */
	unsigned parent_ns_count;
	const uint8_t *parent_ns[PARENT_SERVERS_MAX];
	unsigned server_count;
	struct addr servers[PARENT_SERVERS_MAX];
	unsigned server; /* the one that was asked last */
	bool answered;	 /* by it */
	struct parent_side theirs, ours;
};

struct work {
	struct probe *probe;
	const struct listener_facts *resolver;
	struct region region; /* everything that was read */
	struct delegation *list;
	unsigned count;
	struct exchange_list questions; /* of the step that is being done; tag: index into list */
};

/* One question of this step. */
static int ask(struct work *work, unsigned index, const struct addr *to, const uint8_t *name, uint16_t type, uint16_t flags)
{
	struct exchange *x = exchange_add(&work->questions, to, name, type);
	if (x == NULL) {
		return BH_ENOMEM;
	}
	x->tag = index;
	x->flags = flags;
	x->long_patience = true;
	return BH_OK;
}

static int ask_resolver(struct work *work, unsigned index, const uint8_t *name, uint16_t type)
{
	return ask(work, index, &work->resolver->addr, name, type, FLAG_RD);
}

/* What came of a question. m NULL: no reply, or none that can be read; exchange_trouble tells. */
typedef int take_fn(struct work *work, struct delegation *d, const struct exchange *x, const struct message *m);

/* The end of a step: send all its questions, and take what came of each. */
static int each_reply(struct work *work, take_fn *take)
{
	int rc = exchange_run(&work->questions, work->probe->until_ms);
	for (size_t q = 0; q < work->questions.count && rc == BH_OK; q++) {
		const struct exchange *x = &work->questions.items[q];
		struct message m;
		bool read = exchange_read(x, &work->region, &m);
		rc = take(work, &work->list[x->tag], x, read ? &m : NULL);
	}
	exchange_clear(&work->questions);
	return rc;
}

static void give_up(struct work *work, struct delegation *d, enum severity severity, const char *why, const char *more)
{
	if (!d->given_up) {
		d->given_up = true;
		report_add(work->probe->report, severity, "parent", d->zone->view, d->zone->text, "%s%s", why, more);
	}
}

/* --- who delegates ---------------------------------------------------------------------------------------- */

/* The closest zone of the same view above it is the parent, and we serve it ourselves. */
static void find_own_parent(const struct facts *facts, struct delegation *d)
{
	const struct zone_facts *best = NULL;
	for (size_t i = 0; i < facts->zone_count; i++) {
		const struct zone_facts *zone = &facts->zones[i];
		if (zone != d->zone && zone->served && strcmp(zone->view, d->zone->view) == 0 &&
		    dname_is_under(d->zone->name, zone->name) && !dname_equal(d->zone->name, zone->name) &&
		    (best == NULL || dname_is_under(zone->name, best->name))) {
			best = zone;
		}
	}
	if (best != NULL) {
		d->parent = best->name;
		d->found = true;
		d->servers[0] = d->own->addr;
		d->server_count = 1;
	}
}

static int choose(struct work *work)
{
	struct facts *facts = work->probe->facts;
	size_t count = 0;
	for (size_t i = 0; i < facts->zone_count; i++) {
		count += facts->zones[i].public_view && facts->zones[i].served;
	}
	size_t step = count > PARENT_ZONES_MAX ? (count + PARENT_ZONES_MAX - 1) / PARENT_ZONES_MAX : 1;
	size_t n = 0;
	size_t left_out = 0;
	work->list = region_alloc(&work->region, PARENT_ZONES_MAX * sizeof(work->list[0]));
	if (work->list == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < facts->zone_count && work->count < PARENT_ZONES_MAX; i++) {
		const struct zone_facts *zone = &facts->zones[i];
		if (!zone->public_view || !zone->served || n++ % step != work->probe->turn % step || dname_is_root(zone->name)) {
			continue;
		}
		const struct listener_facts *own = facts_listener(facts, zone->view);
		if (own == NULL) {
			continue; /* was told */
		}
		struct delegation *d = &work->list[work->count];
		*d = (struct delegation){ .zone = zone, .own = own, .parent = dname_parent(zone->name) };
		find_own_parent(facts, d);
		if (!d->found && work->resolver == NULL) {
			left_out++;
			continue;
		}
		work->count++;
	}
	if (left_out > 0) {
		report_add(work->probe->report, SEVERITY_SKIPPED, "parent", "", "",
			   "zones that are not compared with theirs: %zu, no resolver answers that would find it", left_out);
	}
	if (step > 1) {
		report_add(work->probe->report, SEVERITY_FINE, "parent", "", "",
			   "one in %zu of %zu public zones is compared, other ones each time", step, count);
	}
	return BH_OK;
}

/* A reply about the name that was tried: it is a zone, or the SOA says which zone it is in (RFC 2308 2). */
static int take_parent(struct work *work, struct delegation *d, const struct exchange *x, const struct message *m)
{
	if (m == NULL) {
		give_up(work, d, SEVERITY_UNKNOWN, "cannot be found: the resolver ", exchange_trouble(x));
		return BH_OK;
	}
	if (m->rcode != RCODE_NOERROR && m->rcode != RCODE_NXDOMAIN) {
		give_up(work, d, SEVERITY_UNKNOWN, "cannot be found: the resolver says ", rcode_text(m->rcode));
		return BH_OK;
	}
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		if (rr->section == SECTION_ANSWER && rr->type == RR_NS && dname_equal(rr->owner, d->parent)) {
			d->found = true;
			if (d->parent_ns_count < PARENT_SERVERS_MAX) {
				d->parent_ns[d->parent_ns_count++] = rr->rdata;
			}
		}
	}
	for (size_t i = 0; i < m->rr_count && !d->found; i++) {
		const struct message_rr *rr = &m->rrs[i];
		if (rr->section == SECTION_AUTHORITY && rr->type == RR_SOA && dname_is_under(d->parent, rr->owner) &&
		    !dname_equal(d->parent, rr->owner)) {
			d->parent = rr->owner;
			return BH_OK;
		}
	}
	if (!d->found && !dname_is_root(d->parent)) {
		d->parent = dname_parent(d->parent);
	}
	return BH_OK;
}

static int find_parents(struct work *work)
{
	int rc = BH_OK;
	for (unsigned step = 0; step < PARENT_STEPS_MAX && rc == BH_OK; step++) {
		for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
			if (!work->list[i].found && !work->list[i].given_up) {
				rc = ask_resolver(work, i, work->list[i].parent, RR_NS);
			}
		}
		if (rc != BH_OK || work->questions.count == 0) {
			break;
		}
		rc = each_reply(work, take_parent);
	}
	for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
		if (!work->list[i].found) {
			give_up(work, &work->list[i], SEVERITY_UNKNOWN, "cannot be found", "");
		}
	}
	return rc;
}

static bool take_address(const struct message_rr *rr, struct addr *out)
{
	if ((rr->type != RR_A && rr->type != RR_AAAA) || rr->rr_class != CLASS_IN) {
		return false;
	}
	*out = (struct addr){ .family = rr->type == RR_A ? ADDR_V4 : ADDR_V6, .port = DNS_PORT };
	memcpy(out->bytes, rr->rdata, rr->rdata_len); /* 4 or 16: message_parse looked */
	return true;
}

static int take_servers(struct work *work, struct delegation *d, const struct exchange *x, const struct message *m)
{
	(void)work;
	(void)x;
	for (size_t r = 0; m != NULL && r < m->rr_count && d->server_count < PARENT_SERVERS_MAX; r++) {
		if (m->rrs[r].section == SECTION_ANSWER && take_address(&m->rrs[r], &d->servers[d->server_count])) {
			d->server_count++;
		}
	}
	return BH_OK;
}

/* IPv4 first: more machines have it. */
static int find_servers(struct work *work)
{
	static const uint16_t types[] = { RR_A, RR_AAAA };
	int rc = BH_OK;
	for (unsigned t = 0; t < 2 && rc == BH_OK; t++) {
		for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
			const struct delegation *d = &work->list[i];
			for (unsigned n = 0; n < d->parent_ns_count && !d->given_up && rc == BH_OK; n++) {
				rc = ask_resolver(work, i, d->parent_ns[n], types[t]);
			}
		}
	}
	rc = rc == BH_OK ? each_reply(work, take_servers) : rc;
	for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
		if (!work->list[i].given_up && work->list[i].server_count == 0) {
			give_up(work, &work->list[i], SEVERITY_UNKNOWN, "has no name server with an address", "");
		}
	}
	return rc;
}

/* --- what both sides say ------------------------------------------------------------------------------------ */

static void add_ns(struct parent_side *side, const uint8_t *name)
{
	if (side->ns_count == PARENT_NS_MAX) {
		side->full = true;
		return;
	}
	side->ns[side->ns_count++] = name;
}

static void add_addr(struct parent_side *side, const uint8_t *name, const struct addr *addr)
{
	struct addr host = *addr;
	host.port = 0;
	for (unsigned i = 0; i < side->addr_count; i++) {
		if (addr_equal(&side->addrs[i].addr, &host) && dname_equal(side->addrs[i].name, name)) {
			return;
		}
	}
	if (side->addr_count == PARENT_ADDRS_MAX) {
		side->full = true;
		return;
	}
	side->addrs[side->addr_count++] = (struct parent_addr){ name, host };
}

static void add_key(struct parent_side *side, const struct message_rr *rr)
{
	if (side->key_count == PARENT_KEYS_MAX) {
		side->full = true;
		return;
	}
	side->keys[side->key_count++] = (struct parent_rdata){ rr->rdata, rr->rdata_len };
}

/* A referral (RFC 1034 4.3.2 3b), or the answer of a server that has both zones. */
static int take_delegation(struct work *work, struct delegation *d, const struct exchange *x, const struct message *m)
{
	struct addr addr;
	(void)work;
	(void)x;
	if (m == NULL || (m->rcode != RCODE_NOERROR && m->rcode != RCODE_NXDOMAIN)) {
		return BH_OK;
	}
	bool referral = (m->flags & FLAG_AA) == 0;
	bool any = false;
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		if (rr->type == RR_NS && dname_equal(rr->owner, d->zone->name)) {
			add_ns(&d->theirs, rr->rdata);
			any = true;
		}
	}
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		if (rr->section == SECTION_ADDITIONAL && take_address(rr, &addr)) {
			add_addr(&d->theirs, rr->owner, &addr);
		}
	}
	/* Neither here nor below: a server that does not serve the parent at all. */
	d->answered = any || !referral;
	return BH_OK;
}

static void take_keys(const struct delegation *d, struct parent_side *side, const struct message *m, uint16_t type)
{
	for (size_t i = 0; i < m->rr_count; i++) {
		const struct message_rr *rr = &m->rrs[i];
		if (rr->section == SECTION_ANSWER && rr->type == type && dname_equal(rr->owner, d->zone->name)) {
			add_key(side, rr);
		}
	}
}

/* The parent's servers, one after the other until one answers. */
static int ask_parents(struct work *work)
{
	int rc = BH_OK;
	for (unsigned turn = 0; turn < PARENT_SERVERS_MAX && rc == BH_OK; turn++) {
		for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
			struct delegation *d = &work->list[i];
			if (d->given_up || d->answered || turn >= d->server_count) {
				continue;
			}
			d->server = turn;
			rc = ask(work, i, &d->servers[turn], d->zone->name, RR_NS, 0);
		}
		if (rc != BH_OK || work->questions.count == 0) {
			break;
		}
		rc = each_reply(work, take_delegation);
	}
	for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
		struct delegation *d = &work->list[i];
		char text[DNAME_TEXT_MAX];
		if (!d->given_up && !d->answered) {
			give_up(work, d, SEVERITY_UNKNOWN, "is not compared: no server answers for ", dname_text(d->parent, text));
		} else if (!d->given_up && d->theirs.ns_count == 0) {
			give_up(work, d, SEVERITY_CRITICAL, "does not delegate it: ", dname_text(d->parent, text));
		}
	}
	return rc;
}

static int take_side(struct work *work, struct delegation *d, const struct exchange *x, const struct message *m)
{
	if (m == NULL) {
		give_up(work, d, SEVERITY_UNKNOWN, "is not compared: one side ", exchange_trouble(x));
		return BH_OK;
	}
	if (x->qtype != RR_NS) {
		take_keys(d, x->qtype == RR_DS ? &d->theirs : &d->ours, m, x->qtype);
		return BH_OK;
	}
	for (size_t r = 0; r < m->rr_count; r++) {
		if (m->rrs[r].section == SECTION_ANSWER && m->rrs[r].type == RR_NS) {
			add_ns(&d->ours, m->rrs[r].rdata);
		}
	}
	return BH_OK;
}

/* Our NS and keys, their DS. */
static int ask_sides(struct work *work)
{
	int rc = BH_OK;
	for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
		struct delegation *d = &work->list[i];
		if (d->given_up) {
			continue;
		}
		rc = ask(work, i, &d->own->addr, d->zone->name, RR_NS, 0);
		rc = rc == BH_OK ? ask(work, i, &d->own->addr, d->zone->name, RR_DNSKEY, 0) : rc;
		rc = rc == BH_OK ? ask(work, i, &d->servers[d->server], d->zone->name, RR_DS, 0) : rc;
	}
	return rc == BH_OK ? each_reply(work, take_side) : rc;
}

/* By the name of the server, wherever an alias led. */
static int take_addresses(struct work *work, struct delegation *d, const struct exchange *x, const struct message *m)
{
	struct addr addr;
	for (size_t r = 0; m != NULL && r < m->rr_count; r++) {
		if (m->rrs[r].section == SECTION_ANSWER && take_address(&m->rrs[r], &addr)) {
			const uint8_t *name = region_copy(&work->region, x->qname, dname_len(x->qname));
			if (name == NULL) {
				return BH_ENOMEM;
			}
			add_addr(&d->ours, name, &addr);
		}
	}
	return BH_OK;
}

/* Addresses of the name servers: those below the zone from ourselves, the others from the resolver. */
static int ask_addresses(struct work *work)
{
	static const uint16_t types[] = { RR_A, RR_AAAA };
	int rc = BH_OK;
	for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
		const struct delegation *d = &work->list[i];
		for (unsigned n = 0; n < 2 * d->theirs.ns_count && !d->given_up && rc == BH_OK; n++) {
			const uint8_t *name = d->theirs.ns[n / 2];
			if (dname_is_under(name, d->zone->name)) {
				rc = ask(work, i, &d->own->addr, name, types[n % 2], 0);
			} else if (work->resolver != NULL) {
				rc = ask_resolver(work, i, name, types[n % 2]);
			}
		}
	}
	return rc == BH_OK ? each_reply(work, take_addresses) : rc;
}

/* --- does each of them answer ---------------------------------------------------------------------------------- */

/* RFC 1912 2.8: a server that is named and does not answer with authority is lame. */
static int ask_servers(struct work *work)
{
	int rc = BH_OK;
	for (unsigned i = 0; i < work->count && rc == BH_OK; i++) {
		const struct delegation *d = &work->list[i];
		const struct parent_side *sides[] = { &d->theirs, &d->ours };
		for (unsigned s = 0; s < 2 && !d->given_up; s++) {
			for (unsigned a = 0; a < sides[s]->addr_count && rc == BH_OK; a++) {
				struct addr to = sides[s]->addrs[a].addr;
				bool twice = false;
				to.port = DNS_PORT;
				for (size_t q = work->questions.count; q > 0 && !twice; q--) {
					const struct exchange *x = &work->questions.items[q - 1];
					twice = x->tag == i && addr_equal(&x->to, &to);
				}
				rc = twice ? BH_OK : ask(work, i, &to, d->zone->name, RR_SOA, 0);
			}
		}
	}
	rc = rc == BH_OK ? exchange_run(&work->questions, work->probe->until_ms) : rc;
	for (size_t q = 0; q < work->questions.count && rc == BH_OK;) {
		struct delegation *d = &work->list[work->questions.items[q].tag];
		unsigned good = 0;
		unsigned bad = 0;
		for (; q < work->questions.count && &work->list[work->questions.items[q].tag] == d; q++) {
			const struct exchange *x = &work->questions.items[q];
			struct message m;
			uint32_t serial;
			char text[ADDR_TEXT_MAX];
			struct addr host = x->to;
			host.port = 0;
			if (x->state == EXCHANGE_NO_ROUTE || x->state == EXCHANGE_NEW) {
				report_add(work->probe->report, SEVERITY_SKIPPED, "parent", d->zone->view, d->zone->text,
					   "name server %s %s", addr_text(&host, text), exchange_trouble(x));
				continue;
			}
			bool read = exchange_read(x, &work->region, &m);
			if (read && probe_soa_serial(&m, d->zone->name, &serial)) {
				good++;
				continue;
			}
			bad++;
			report_add(work->probe->report, SEVERITY_WARNING, "parent", d->zone->view, d->zone->text, "name server %s %s%s",
				   addr_text(&host, text), read ? "is lame: " : exchange_trouble(x),
				   !read ? "" : m.rcode == RCODE_NOERROR ? "no authority" : rcode_text(m.rcode));
		}
		if (good == 0 && bad > 0) {
			report_add(work->probe->report, SEVERITY_CRITICAL, "parent", d->zone->view, d->zone->text,
				   "delegates to servers of which none answers for the zone");
		}
	}
	exchange_clear(&work->questions);
	return rc;
}

int parent_check(struct probe *probe, const struct listener_facts *resolver)
{
	static int (*const steps[])(struct work * work) = { find_parents, find_servers,	 ask_parents,
							    ask_sides,	  ask_addresses, ask_servers };
	struct work work = { .probe = probe, .resolver = resolver };
	struct dnssec *dnssec = NULL;
	unsigned compared = 0;
	region_init(&work.region, 256u << 10, OCTETS_MAX);
	int rc = choose(&work);
	for (size_t s = 0; s < COUNT(steps) && rc == BH_OK && work.count > 0; s++) {
		rc = steps[s](&work);
	}
	if (rc == BH_OK && work.count > 0) {
		dnssec = dnssec_new();
		if (dnssec == NULL) {
			report_add(probe->report, SEVERITY_UNKNOWN, "parent", "", "", "DS are not compared: libcrypto does not do what it must");
		}
	}
	for (unsigned i = 0; i < work.count && rc == BH_OK; i++) {
		const struct delegation *d = &work.list[i];
		if (!d->given_up) {
			compared++;
			parent_compare(d->zone->view, d->zone->text, d->zone->name, &d->theirs, &d->ours, dnssec, probe->report);
		}
	}
	report_measure(probe->report, "delegations", compared, "", "", "");
	exchange_clear(&work.questions);
	if (dnssec != NULL) {
		dnssec_free(dnssec);
	}
	region_clear(&work.region);
	return rc;
}
