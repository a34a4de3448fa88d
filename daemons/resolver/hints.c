/*
 * Built-in root hints. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/hints.h"

#include "common/dns/dname.h"
#include "common/util/count.h"

#include <assert.h>

static const struct {
	char letter;
	const char *v4;
	const char *v6;
} roots[] = {
	{ 'a', "198.41.0.4", "2001:503:ba3e::2:30" }, { 'b', "170.247.170.2", "2801:1b8:10::b" },
	{ 'c', "192.33.4.12", "2001:500:2::c" },      { 'd', "199.7.91.13", "2001:500:2d::d" },
	{ 'e', "192.203.230.10", "2001:500:a8::e" },  { 'f', "192.5.5.241", "2001:500:2f::f" },
	{ 'g', "192.112.36.4", "2001:500:12::d0d" },  { 'h', "198.97.190.53", "2001:500:1::53" },
	{ 'i', "192.36.148.17", "2001:7fe::53" },     { 'j', "192.58.128.30", "2001:503:c27::2:30" },
	{ 'k', "193.0.14.129", "2001:7fd::1" },	      { 'l', "199.7.83.42", "2001:500:9f::42" },
	{ 'm', "202.12.27.33", "2001:dc3::35" },
};
#define ROOT_COUNT COUNT(roots)

static_assert(ROOT_COUNT <= NS_PER_ZONE_MAX && 2 * ROOT_COUNT <= ADDRS_PER_ZONE_MAX, "all roots fit");

void hints_builtin(struct delegation *d)
{
	static const uint8_t root[1] = { 0 };
	static uint8_t names[ROOT_COUNT][DNAME_MAX];

	*d = (struct delegation){ .zone = root, .deadline_ms = UINT64_MAX, .configured = true };
	for (size_t i = 0; i < ROOT_COUNT; i++) {
		char text[] = "x.root-servers.net.";
		struct addr v4;
		struct addr v6;
		text[0] = roots[i].letter;
		bool fine = dname_from_text(text, names[i]) > 0 && addr_parse(roots[i].v4, 53, &v4) == BH_OK &&
			    addr_parse(roots[i].v6, 53, &v6) == BH_OK;
		assert(fine);
		int ns = delegation_add_ns(d, names[i]);
		assert(ns >= 0);
		bool added = delegation_add_addr(d, (uint8_t)ns, &v4) && delegation_add_addr(d, (uint8_t)ns, &v6);
		assert(added);
		(void)fine;
		(void)added;
	}
}
