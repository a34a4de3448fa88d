/*
 * Both sides of a delegation compared. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/limits.h"
#include "daemons/ctl/health/parent.h"
#include "daemons/ctl/health/report.h"

static bool has_ns(const struct parent_side *side, const uint8_t *name)
{
	for (unsigned i = 0; i < side->ns_count; i++) {
		if (dname_equal(side->ns[i], name)) {
			return true;
		}
	}
	return false;
}

static bool has_addr(const struct parent_side *side, const struct parent_addr *wanted)
{
	for (unsigned i = 0; i < side->addr_count; i++) {
		if (dname_equal(side->addrs[i].name, wanted->name) && addr_same_host(&side->addrs[i].addr, &wanted->addr)) {
			return true;
		}
	}
	return false;
}

static bool has_addr_of(const struct parent_side *side, const uint8_t *name, uint8_t family)
{
	for (unsigned i = 0; i < side->addr_count; i++) {
		if (side->addrs[i].addr.family == family && dname_equal(side->addrs[i].name, name)) {
			return true;
		}
	}
	return false;
}

/* RFC 1034 4.2.2: both sets should be the same. */
static void compare_ns(const char *view, const char *zone, const struct parent_side *parent,
		       const struct parent_side *ours, struct report *report)
{
	char text[DNAME_TEXT_MAX];
	unsigned same = 0;
	for (unsigned i = 0; i < parent->ns_count; i++) {
		same += has_ns(ours, parent->ns[i]);
		if (!ours->full && !has_ns(ours, parent->ns[i])) {
			report_add(report, SEVERITY_WARNING, "parent", view, zone, "delegates to %s, which the zone does not name",
				   dname_text(parent->ns[i], text));
		}
	}
	for (unsigned i = 0; i < ours->ns_count && !parent->full; i++) {
		if (!has_ns(parent, ours->ns[i])) {
			report_add(report, SEVERITY_WARNING, "parent", view, zone, "does not delegate to %s, which the zone names",
				   dname_text(ours->ns[i], text));
		}
	}
	if (same == 0 && parent->ns_count > 0) {
		report_add(report, SEVERITY_CRITICAL, "parent", view, zone, "delegates to none of the name servers of the zone");
	}
}

/* RFC 1034 4.2.1: glue below the cut is a copy of what stands in the zone; an old one sends the world to an old address. */
static void compare_glue(const char *view, const char *zone, const uint8_t *name, const struct parent_side *parent,
			 const struct parent_side *ours, struct report *report)
{
	char text[DNAME_TEXT_MAX];
	char addr[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < parent->addr_count; i++) {
		const struct parent_addr *glue = &parent->addrs[i];
		if (dname_is_under(glue->name, name) && !ours->full && !has_addr(ours, glue)) {
			report_add(report, SEVERITY_WARNING, "parent", view, zone, "has glue %s %s, which the zone does not have",
				   dname_text(glue->name, text), addr_text(&glue->addr, addr));
		}
	}
	for (unsigned i = 0; i < ours->addr_count && !parent->full; i++) {
		const struct parent_addr *own = &ours->addrs[i];
		if (!dname_is_under(own->name, name) || !has_ns(parent, own->name) || has_addr(parent, own)) {
			continue;
		}
		/* One family may have been left out to save room; that one of two is wrong was told above. */
		bool none = !has_addr_of(parent, own->name, ADDR_V4) && !has_addr_of(parent, own->name, ADDR_V6);
		report_add(report, SEVERITY_WARNING, "parent", view, zone, "%s %s %s", none ? "has no glue for" : "lacks glue",
			   dname_text(own->name, text), addr_text(&own->addr, addr));
	}
}

/* RFC 4035 5: with DS at the parent and no key that one of them names, every validator takes the zone for bogus. */
static void compare_ds(const char *view, const char *zone, const uint8_t *name, const struct parent_side *parent,
		       const struct parent_side *ours, struct dnssec *dnssec, struct report *report)
{
	unsigned matching = 0;
	unsigned judged = 0;
	if (parent->key_count == 0) {
		if (ours->key_count > 0) {
			report_add(report, SEVERITY_WARNING, "parent", view, zone,
				   "has no DS, and the zone is signed: nobody can validate it from there");
		}
		return;
	}
	if (ours->key_count == 0) {
		report_add(report, SEVERITY_CRITICAL, "parent", view, zone, "has DS, and the zone has no keys: it is bogus");
		return;
	}
	for (unsigned d = 0; d < parent->key_count && dnssec != NULL; d++) {
		struct ds ds;
		bool found = false;
		if (ds_parse(parent->keys[d].octets, parent->keys[d].len, &ds) != BH_OK ||
		    !dnssec_has_digest(dnssec, ds.digest_type)) {
			continue; /* validators pass over it as well (RFC 4035 5.2) */
		}
		judged++;
		for (unsigned k = 0; k < ours->key_count && !found; k++) {
			struct dnskey key;
			found = dnskey_parse(ours->keys[k].octets, ours->keys[k].len, &key) == BH_OK &&
				(key.flags & DNSKEY_ZONE) != 0 && (key.flags & DNSKEY_REVOKE) == 0 &&
				dnssec_ds_matches(dnssec, &ds, name, ours->keys[k].octets, ours->keys[k].len);
		}
		matching += found;
		if (!found) {
			report_add(report, SEVERITY_WARNING, "parent", view, zone, "has a DS with tag %u that no key of the zone fits",
				   (unsigned)ds.tag);
		}
	}
	if (judged > 0 && matching == 0) {
		report_add(report, SEVERITY_CRITICAL, "parent", view, zone, "has no DS that fits a key of the zone: it is bogus");
	}
}

void parent_compare(const char *view, const char *zone, const uint8_t *name, const struct parent_side *parent,
		    const struct parent_side *ours, struct dnssec *dnssec, struct report *report)
{
	compare_ns(view, zone, parent, ours, report);
	compare_glue(view, zone, name, parent, ours, report);
	compare_ds(view, zone, name, parent, ours, dnssec, report);
}
