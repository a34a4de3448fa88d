/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/rr.h"
#include "common/ipc/role_link.h"
#include "common/util/count.h"
#include "common/zone/image_write.h"
#include "daemons/authority/view.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct name {
	uint8_t wire[DNAME_MAX];
};

static struct name name_of(const char *text)
{
	struct name n;
	cr_assert_gt(dname_from_text(text, n.wire), 0);
	return n;
}

Test(view, longest_zone_wins)
{
	static const char *const zones[] = { "example.com.", "sub.example.com.", "com.", "a.b.c.d.example.com.",
					     "10.in-addr.arpa." };
	static const struct {
		const char *name;
		const char *want;  /* NULL: none */
		const char *above; /* strictly above */
	} table[] = {
		{ "example.com.", "example.com.", "com." },
		{ "EXAMPLE.com.", "example.com.", "com." },
		{ "www.example.com.", "example.com.", "example.com." },
		{ "sub.example.com.", "sub.example.com.", "example.com." },
		{ "a.b.SUB.example.com.", "sub.example.com.", "sub.example.com." },
		{ "subexample.com.", "com.", "com." },
		{ "com.", "com.", NULL },
		{ ".", NULL, NULL },
		{ "org.", NULL, NULL },
		{ "example.org.", NULL, NULL },
		{ "b.c.d.example.com.", "example.com.", "example.com." },
		{ "a.b.c.d.example.com.", "a.b.c.d.example.com.", "example.com." },
		{ "x.a.b.c.d.example.com.", "a.b.c.d.example.com.", "a.b.c.d.example.com." },
		{ "1.10.in-addr.arpa.", "10.in-addr.arpa.", "10.in-addr.arpa." },
		{ "11.in-addr.arpa.", NULL, NULL },
	};
	struct name names[COUNT(zones)];
	struct view *view = view_new(COUNT(zones));
	for (size_t i = 0; i < COUNT(zones); i++) {
		names[i] = name_of(zones[i]);
		cr_assert_eq(view_add(view, names[i].wire, NULL), BH_OK);
	}
	for (size_t i = 0; i < COUNT(table); i++) {
		struct name n = name_of(table[i].name);
		const char *const want[] = { table[i].want, table[i].above };
		for (int above = 0; above < 2; above++) {
			const struct view_zone *zone = view_find(view, n.wire, above == 1);
			cr_assert_eq(zone == NULL, want[above] == NULL, "%s %d", table[i].name, above);
			if (zone != NULL) {
				struct name w = name_of(want[above]);
				cr_assert(dname_equal(zone->name, w.wire), "%s %d", table[i].name, above);
			}
		}
	}
	view_free(view);
}

Test(view, root_zone_takes_what_no_other_does)
{
	struct view *view = view_new(2);
	struct name root = name_of(".");
	struct name com = name_of("com.");
	cr_assert_eq(view_add(view, root.wire, NULL), BH_OK);
	cr_assert_eq(view_add(view, com.wire, NULL), BH_OK);
	cr_assert_eq(view_find(view, name_of("a.b.org.").wire, false)->labels, 0);
	cr_assert_eq(view_find(view, root.wire, false)->labels, 0);
	cr_assert_null(view_find(view, root.wire, true));
	cr_assert_eq(view_find(view, com.wire, true)->labels, 0);
	cr_assert_eq(view_find(view, com.wire, false)->labels, 1);
	view_free(view);
}

Test(view, longest_possible_names)
{
	uint8_t name[DNAME_MAX];
	for (unsigned i = 0; i < 127; i++) {
		name[2 * i] = 1;
		name[2 * i + 1] = (uint8_t)('a' + i % 26);
	}
	name[254] = 0;
	struct view *view = view_new(2);
	cr_assert_eq(view_add(view, name, NULL), BH_OK);
	cr_assert_eq(view_add(view, name + 2 * 63, NULL), BH_OK);
	cr_assert_eq(view_find(view, name, false)->labels, 127);
	cr_assert_eq(view_find(view, name, true)->labels, 64);
	cr_assert_eq(view_find(view, name + 2, false)->labels, 64);
	view_free(view);
}

Test(view, ten_thousand_zones)
{
	enum { ZONES = 10000 };
	struct name *names = calloc(ZONES, sizeof(*names));
	struct view *view = view_new(ZONES);
	for (unsigned i = 0; i < ZONES; i++) {
		char text[64];
		snprintf(text, sizeof(text), "zone%u.%s.", i, i % 3 == 0 ? "test" : "co.test");
		names[i] = name_of(text);
		cr_assert_eq(view_add(view, names[i].wire, NULL), BH_OK);
	}
	cr_assert_eq(view_add(view, names[77].wire, NULL), BH_EEXIST);
	cr_assert_eq(view_add(view, name_of("one.more.").wire, NULL), BH_ELIMIT);
	for (unsigned i = 0; i < ZONES; i++) {
		uint8_t below[DNAME_MAX] = { 3, 'w', 'w', 'w' };
		memcpy(below + 4, names[i].wire, dname_len(names[i].wire));
		const struct view_zone *zone = view_find(view, below, false);
		cr_assert_not_null(zone);
		cr_assert_eq(zone->name, names[i].wire);
	}
	cr_assert_null(view_find(view, name_of("zone10001.test.").wire, false));
	view_free(view);
	free(names);
}

/* --- building from a configuration --- */

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	(void)ctx;
	cr_log_info("%s", finding->text);
}

static int make_image(const char *apex, bool sealed)
{
	static const uint8_t soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5 };
	static const uint8_t ns[] = { 2, 'n', 's', 0 };
	struct name n = name_of(apex);
	struct image_builder *b = image_builder_new(n.wire);
	cr_assert_eq(image_builder_add(b, n.wire, RR_SOA, 1, soa, sizeof(soa), "t", 1), BH_OK);
	cr_assert_eq(image_builder_add(b, n.wire, RR_NS, 1, ns, sizeof(ns), "t", 2), BH_OK);
	cr_assert_eq(image_builder_check(b, on_finding, NULL), 0);
	size_t size = image_builder_size(b);
	int fd = memfd_create("t", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	uint8_t *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(block, MAP_FAILED);
	cr_assert_eq(image_builder_write(b, block, size), BH_OK);
	munmap(block, size);
	image_builder_free(b);
	if (sealed) {
		cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	}
	return fd;
}

static struct role_zone zone_of(const char *name, uint32_t id, int fd)
{
	struct role_zone z = { .info = { .image = id, .flags = fd < 0 ? IPC_ZONE_FAILED : 0 }, .image_fd = fd };
	struct name n = name_of(name);
	memcpy(z.info.name, n.wire, sizeof(z.info.name));
	return z;
}

/* What was refused last, and how often. */
static struct refusal {
	unsigned count;
	uint32_t image;
	char why[128];
} refusals;

static void on_refused(void *ctx, uint32_t image, const char *why)
{
	struct refusal *refusal = ctx;
	refusal->count++;
	refusal->image = image;
	snprintf(refusal->why, sizeof(refusal->why), "%s", why);
}

Test(view, reload_keeps_what_did_not_change)
{
	char why[256];
	struct role_zone zones[] = { zone_of("a.test.", 1, make_image("a.test.", true)),
				     zone_of("b.test.", 2, make_image("b.test.", true)), zone_of("c.test.", 0, -1) };
	struct role_conf conf = { .zones = zones, .zone_count = 3 };
	struct view *first = NULL;
	cr_assert_eq(view_build(&conf, NULL, on_refused, &refusals, &first, why, sizeof(why)), BH_OK, "%s", why);
	const struct image *a = view_find(first, zones[0].info.name, false)->image;
	const struct image *b = view_find(first, zones[1].info.name, false)->image;
	cr_assert_null(view_find(first, zones[2].info.name, false)->image);

	struct role_zone later[] = { zones[0], zone_of("b.test.", 3, make_image("b.test.", true)) };
	close(later[0].image_fd); /* the mapping is all that is needed */
	conf.zones = later;
	conf.zone_count = 2;
	struct view *second = NULL;
	cr_assert_eq(view_build(&conf, first, on_refused, &refusals, &second, why, sizeof(why)), BH_OK, "%s", why);
	memset(zones, 0, sizeof(zones)); /* a view does not lean on its configuration */
	cr_assert_eq(view_find(second, later[0].info.name, false)->image, a);
	cr_assert_neq(view_find(second, later[1].info.name, false)->image, b);
	cr_assert_null(view_find(second, name_of("c.test.").wire, false));
	cr_assert_not_null(view_find(first, name_of("c.test.").wire, false));
	view_free(first);
	cr_assert_eq(view_find(second, later[0].info.name, false)->image->header->serial, 1);
	view_free(second);
}

/* An image that is not right costs its own zone: without an older one it fails, with one that stays. */
Test(view, a_refused_image_costs_its_own_zone)
{
	char why[256] = "";
	struct view *first = NULL;
	struct role_zone zones[] = { zone_of("a.test.", 1, make_image("a.test.", true)),
				     zone_of("b.test.", 2, make_image("b.test.", false)),
				     zone_of("c.test.", 3, make_image("a.test.", true)) };
	struct role_conf conf = { .zones = zones, .zone_count = 2 };
	cr_assert_eq(view_build(&conf, NULL, on_refused, &refusals, &first, why, sizeof(why)), BH_OK, "%s", why);
	cr_assert(refusals.count == 1 && refusals.image == 2 && refusals.why[0] != '\0');
	const struct image *a = view_find(first, zones[0].info.name, false)->image;
	cr_assert_not_null(a);
	cr_assert_null(view_find(first, zones[1].info.name, false)->image, "the zone is there and fails");

	struct role_zone later[] = { zone_of("a.test.", 4, make_image("b.test.", true)), zones[1], zones[2] };
	struct view *second = NULL;
	conf.zones = later;
	conf.zone_count = 3;
	refusals.count = 0;
	cr_assert_eq(view_build(&conf, first, on_refused, &refusals, &second, why, sizeof(why)), BH_OK, "%s", why);
	cr_assert_eq(refusals.count, 3);
	cr_assert(refusals.image == 3 && strcmp(refusals.why, "its image holds another zone") == 0, "%s", refusals.why);
	view_free(first);
	cr_assert_eq(view_find(second, later[0].info.name, false)->image, a, "the old image stays");
	cr_assert_eq(a->header->serial, 1);
	cr_assert_null(view_find(second, later[1].info.name, false)->image);
	cr_assert_null(view_find(second, later[2].info.name, false)->image);

	/* a good one takes its place */
	later[0] = zone_of("a.test.", 5, make_image("a.test.", true));
	struct view *third = NULL;
	conf.zone_count = 1;
	refusals.count = 0;
	cr_assert_eq(view_build(&conf, second, on_refused, &refusals, &third, why, sizeof(why)), BH_OK, "%s", why);
	cr_assert_eq(refusals.count, 0);
	cr_assert_neq(view_find(third, later[0].info.name, false)->image, a);
	view_free(second);
	view_free(third);
}

Test(view, a_zone_that_stands_twice_is_refused_with_a_reason)
{
	char why[256] = "";
	struct view *view = NULL;
	struct role_zone twice[] = { zone_of("a.test.", 1, make_image("a.test.", true)), zone_of("A.test.", 0, -1) };
	struct role_conf conf = { .zones = twice, .zone_count = 2 };
	cr_assert_eq(view_build(&conf, NULL, on_refused, &refusals, &view, why, sizeof(why)), BH_EEXIST);
	cr_assert_str_eq(why, "zone A.test.: already there");
	cr_assert_null(view);
}

Test(view, who_may_ask)
{
	char why[256];
	struct view *view;
	struct prefix p;
	struct addr in;
	struct addr out;
	struct role_conf conf = { .zone_count = 0 };
	cr_assert_eq(prefix_parse("192.0.2.0/24", &p), BH_OK);
	cr_assert_eq(acl_add(&conf.acl, &p), BH_OK);
	cr_assert_eq(addr_parse("192.0.2.9", 0, &in), BH_OK);
	cr_assert_eq(addr_parse("192.0.3.9", 0, &out), BH_OK);
	cr_assert_eq(view_build(&conf, NULL, on_refused, &refusals, &view, why, sizeof(why)), BH_OK);
	acl_clear(&conf.acl);
	cr_assert(view_allows(view, &in));
	cr_assert_not(view_allows(view, &out));
	view_free(view);
	conf.options.authority.anyone = 1;
	cr_assert_eq(view_build(&conf, NULL, on_refused, &refusals, &view, why, sizeof(why)), BH_OK);
	cr_assert(view_allows(view, &out));
	view_free(view);
}
