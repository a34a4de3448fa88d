/*
 * Who may transfer which zone. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/allow.h"

#include "common/ipc/role_link.h"
#include "common/util/count.h"

#include <criterion/criterion.h>
#include <string.h>

static struct prefix prefix_of(const char *text)
{
	struct prefix p = { 0 };
	cr_assert(text == NULL || prefix_parse(text, &p) == BH_OK, "%s", text);
	return p;
}

static void set_name(uint8_t out[DNAME_MAX], const char *text)
{
	cr_assert_gt(dname_from_text(text, out), 0);
}

/* Ways of three zones; the second has none. */
static const struct {
	uint32_t zone;
	const char *prefix; /* NULL: any address */
	const char *key;    /* NULL: none needed */
} ways[] = {
	{ 0, "192.0.2.1", NULL }, { 0, NULL, "alpha" }, { 2, "10.0.0.0/8", "BETA" }, { 2, "2001:db8::/32", NULL },
};

static struct allow *build(void)
{
	/* Not in their order. */
	static const char *const names[] = { "Gamma.", "alpha.", "beta." };
	struct tsig_key keys[COUNT(names)] = { { .algorithm = TSIG_HMAC_SHA256, .secret_len = 1 } };
	struct ipc_transfer transfers[COUNT(ways)];
	struct role_conf conf = { .keys = keys, .key_count = COUNT(keys), .transfers = transfers,
				  .transfer_count = COUNT(ways), .zone_count = 3 };
	struct allow *allow = NULL;
	char why[128];
	for (size_t i = 0; i < COUNT(names); i++) {
		set_name(keys[i].name, names[i]);
	}
	memset(transfers, 0, sizeof(transfers));
	for (size_t i = 0; i < COUNT(ways); i++) {
		transfers[i].zone = ways[i].zone;
		transfers[i].needs = (uint8_t)((ways[i].prefix != NULL ? IPC_TRANSFER_PREFIX : 0) |
					       (ways[i].key != NULL ? IPC_TRANSFER_KEY : 0));
		transfers[i].prefix = prefix_of(ways[i].prefix);
		if (ways[i].key != NULL) {
			set_name(transfers[i].key, ways[i].key);
		}
	}
	cr_assert_eq(allow_new(&conf, &allow, why, sizeof(why)), BH_OK, "%s", why);
	return allow;
}

Test(allow, ways_to_a_zone)
{
	static const struct {
		size_t zone;
		const char *client;
		const char *key;
		bool may;
	} cases[] = {
		{ 0, "192.0.2.1", NULL, true },	     { 0, "192.0.2.2", NULL, false },
		{ 0, "192.0.2.2", "alpha", true },   { 0, "192.0.2.1", "beta", true },
		{ 0, "192.0.2.2", "beta", false },   { 1, "192.0.2.1", NULL, false },
		{ 1, "192.0.2.1", "alpha", false },  { 2, "10.1.2.3", NULL, false },
		{ 2, "10.1.2.3", "beta", true },     { 2, "10.1.2.3", "alpha", false },
		{ 2, "11.1.2.3", "beta", false },    { 2, "2001:db8::7", NULL, true },
		{ 2, "2001:db8::7", "gamma", true }, { 2, "2001:db9::7", NULL, false },
		{ 3, "192.0.2.1", "alpha", false },
	};
	struct allow *allow = build();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr client;
		uint8_t name[DNAME_MAX];
		const struct tsig_key *key = NULL;
		cr_assert_eq(addr_parse(cases[i].client, 0, &client), BH_OK);
		if (cases[i].key != NULL) {
			set_name(name, cases[i].key);
			key = allow_key(allow, name);
			cr_assert_not_null(key, "%s", cases[i].key);
		}
		cr_assert_eq(allow_transfer(allow, cases[i].zone, &client, key), cases[i].may, "case %zu", i);
		cr_assert_not(allow_transfer(NULL, cases[i].zone, &client, key), "nobody by default");
	}
	uint8_t name[DNAME_MAX];
	set_name(name, "delta.");
	cr_assert_null(allow_key(allow, name));
	cr_assert_null(allow_key(NULL, name));
	allow_free(allow);
}

Test(allow, what_does_not_fit_together)
{
	struct tsig_key keys[2] = { { .algorithm = TSIG_HMAC_SHA256, .secret_len = 1 } };
	struct ipc_transfer transfer = { .needs = IPC_TRANSFER_KEY };
	struct role_conf conf = { .keys = keys, .key_count = 2, .transfers = &transfer, .transfer_count = 1,
				  .zone_count = 1 };
	struct allow *allow = NULL;
	char why[128] = "";
	set_name(keys[0].name, "a.");
	set_name(keys[1].name, "A.");
	set_name(transfer.key, "b.");
	cr_assert_eq(allow_new(&conf, &allow, why, sizeof(why)), BH_EEXIST);
	cr_assert_not_null(strstr(why, "key A."), "%s", why);
	conf.key_count = 1;
	cr_assert_eq(allow_new(&conf, &allow, why, sizeof(why)), BH_ENOENT);
	cr_assert_not_null(strstr(why, "no key b."), "%s", why);
	cr_assert_null(allow);
}
