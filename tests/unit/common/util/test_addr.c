/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/addr.h"

#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>

static struct addr parsed(const char *text)
{
	struct addr a;
	cr_assert_eq(addr_parse(text, 0, &a), BH_OK, "%s", text);
	return a;
}

Test(addr, parses_and_prints)
{
	static const struct {
		const char *in;
		uint16_t default_port;
		const char *out;
	} cases[] = {
		{ "10.0.0.53", 0, "10.0.0.53" },
		{ "10.0.0.53", 53, "10.0.0.53@53" },
		{ "10.0.0.53@5353", 53, "10.0.0.53@5353" },
		{ "0.0.0.0@1", 53, "0.0.0.0@1" },
		{ "255.255.255.255@65535", 53, "255.255.255.255@65535" },
		{ "::", 53, "::@53" },
		{ "FD00::53@5353", 0, "fd00::53@5353" },
		{ "fe80::1%7", 53, "fe80::1%7@53" },
		{ "fe80::1%lo", 53, "fe80::1%1@53" },
		{ "febf::1%4294967295@65535", 0, "febf::1%4294967295@65535" },
		{ "::ffff:192.0.2.1", 53, "192.0.2.1@53" }, /* one address, one form */
		{ "::ffff:c000:201", 53, "192.0.2.1@53" },
		{ "::192.0.2.1", 53, "::192.0.2.1@53" }, /* compatible is not mapped */
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff@65535", 0,
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff@65535" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a;
		char text[ADDR_TEXT_MAX];
		cr_assert_eq(addr_parse(cases[i].in, cases[i].default_port, &a), BH_OK, "%s", cases[i].in);
		cr_assert_str_eq(addr_text(&a, text), cases[i].out);
	}
}

Test(addr, refuses_what_is_no_address)
{
	static const char *const cases[] = {
		"", "@", "@53", "10.0.0", "10.0.0.0.1", "10.0.0.256", "010.0.0.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4@",
		"1.2.3.4@0", "1.2.3.4@65536", "1.2.3.4@-1", "1.2.3.4@+1", "1.2.3.4@53x", "1.2.3.4@ 53", "1.2.3.4@53@53",
		"1.2.3.4@18446744073709551617", "1.2.3.4%1", "localhost", "[::1]", "[::1]@53", ":::", "1::2::3", "fe80::1%",
		"fe80::1%0", "fe80::1%4294967296", "fe80::1%no-such-link", "2001:db8::1%1", "::1%1", "::ffff:192.0.2.1%1",
		"fec0::1%1", "1.2.3.4/8", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"fe80::1%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = { .port = 4711 };
		cr_assert_eq(addr_parse(cases[i], 53, &a), BH_EMALFORMED, "%s", cases[i]);
		cr_assert_eq(a.port, 4711, "%s touched its result", cases[i]);
	}
}

Test(addr, text_of_no_address)
{
	char text[ADDR_TEXT_MAX];
	struct addr none = { .port = 53 };
	cr_assert_str_eq(addr_text(&none, text), "none");
}

Test(addr, socket_addresses_round_trip)
{
	static const char *const cases[] = { "192.0.2.1@53", "2001:db8::1@5353", "fe80::1%3@1", "::", "0.0.0.0" };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = parsed(cases[i]);
		struct addr back;
		struct sockaddr_storage ss;
		socklen_t len = addr_to_sockaddr(&a, &ss);
		cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&ss, len, &back), BH_OK);
		cr_assert(addr_equal(&a, &back), "%s", cases[i]);
		for (socklen_t cut = 0; cut < len; cut++) {
			cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&ss, cut, &back), BH_EMALFORMED);
		}
	}
}

Test(addr, socket_address_of_mapped_ipv4_is_folded)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_scope_id = 2 };
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1 };
	memcpy(&in6.sin6_addr, mapped, 16);
	struct addr a;
	struct addr want = parsed("192.0.2.1@53");
	cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&in6, sizeof(in6), &a), BH_OK);
	cr_assert(addr_equal(&a, &want));
}

Test(addr, no_family_makes_no_socket_address)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	struct addr a;
	cr_assert_eq(addr_from_sockaddr((struct sockaddr *)&ss, sizeof(ss), &a), BH_EMALFORMED);
	a = (struct addr){ .port = 53 };
	cr_assert_eq(addr_to_sockaddr(&a, &ss), 0u); /* and not "::" */
	cr_assert_eq(ss.ss_family, AF_UNSPEC);
}

Test(addr, equality_looks_at_everything)
{
	struct addr a = parsed("fe80::1%1@53");
	static const char *const others[] = { "fe80::1%2@53", "fe80::2%1@53", "fe80::1@53", "10.0.0.1@53" };
	for (size_t i = 0; i < COUNT(others); i++) {
		struct addr b = parsed(others[i]);
		cr_assert_not(addr_same_host(&a, &b), "%s", others[i]);
		cr_assert_not(addr_equal(&a, &b), "%s", others[i]);
	}
	struct addr b = parsed("fe80::1%1@54");
	cr_assert(addr_same_host(&a, &b));
	cr_assert_not(addr_equal(&a, &b));
	b.port = 53;
	cr_assert(addr_equal(&a, &b));
}

Test(addr, classes)
{
	static const struct {
		const char *text;
		bool any, loopback, global;
	} cases[] = {
		{ "0.0.0.0", true, false, true }, /* may be bound to a global one */
		{ "::", true, false, true },
		{ "127.0.0.1", false, true, false },
		{ "127.255.255.255", false, true, false },
		{ "128.0.0.0", false, false, true },
		{ "126.255.255.255", false, false, true },
		{ "::1", false, true, false },
		{ "::2", false, false, true },
		{ "::ffff:127.0.0.1", false, true, false },
		{ "9.255.255.255", false, false, true },
		{ "10.0.0.0", false, false, false },
		{ "10.255.255.255", false, false, false },
		{ "11.0.0.0", false, false, true },
		{ "0.0.0.1", false, false, false },
		{ "100.63.255.255", false, false, true },
		{ "100.64.0.0", false, false, false },
		{ "100.127.255.255", false, false, false },
		{ "100.128.0.0", false, false, true },
		{ "169.254.1.1", false, false, false },
		{ "172.15.255.255", false, false, true },
		{ "172.16.0.0", false, false, false },
		{ "172.31.255.255", false, false, false },
		{ "172.32.0.0", false, false, true },
		{ "192.168.255.255", false, false, false },
		{ "192.169.0.0", false, false, true },
		{ "198.17.255.255", false, false, true },
		{ "198.19.255.255", false, false, false },
		{ "198.51.100.7", false, false, false },
		{ "203.0.113.53", false, false, false },
		{ "255.255.255.255", false, false, false },
		{ "::ffff:8.8.8.8", false, false, true },
		{ "fbff::1", false, false, true },
		{ "fc00::", false, false, false },
		{ "fdff::1", false, false, false },
		{ "fe80::1", false, false, false },
		{ "fec0::1", false, false, true }, /* no longer special; err on the careful side */
		{ "2001:db8:ffff::1", false, false, false },
		{ "2001:db9::1", false, false, true },
		{ "2001:4860:4860::8888", false, false, true },
		{ "100::1", false, false, false },
		{ "3fff:fff::1", false, false, false },
		{ "3fff:1000::1", false, false, true },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = parsed(cases[i].text);
		cr_assert_eq(addr_is_any(&a), cases[i].any, "%s", cases[i].text);
		cr_assert_eq(addr_is_loopback(&a), cases[i].loopback, "%s", cases[i].text);
		cr_assert_eq(addr_is_global(&a), cases[i].global, "%s", cases[i].text);
	}
	struct addr none = { 0 };
	cr_assert_not(addr_is_any(&none));
	cr_assert_not(addr_is_loopback(&none));
	cr_assert_not(addr_is_global(&none));
}

Test(addr, encoding_round_trips_and_is_cut_at_every_length)
{
	static const char *const cases[] = { "192.0.2.1@53", "2001:db8::1@65535", "fe80::1%4294967295@1", "::" };
	static const size_t sizes[] = { 11, 23, 23, 23 };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = parsed(cases[i]);
		struct addr back = { 0 };
		uint8_t wire[64];
		struct sink s = sink_of(wire, sizeof(wire));
		addr_encode(&s, &a);
		cr_assert_eq(s.pos, sizes[i]);
		struct cursor c = cursor_of(wire, s.pos);
		addr_decode(&c, &back);
		cr_assert(cursor_done(&c));
		cr_assert(addr_equal(&a, &back));
		for (size_t cut = 0; cut < s.pos; cut++) {
			struct addr untouched = { .port = 4711 };
			c = cursor_of(wire, cut);
			addr_decode(&c, &untouched);
			cr_assert(c.failed, "%s cut at %zu", cases[i], cut);
			cr_assert_eq(untouched.port, 4711);
		}
	}
}

Test(addr, decoding_refuses_second_spellings)
{
	static const struct {
		const char *what;
		uint8_t wire[23];
		size_t len;
	} cases[] = {
		{ "family 0", { 0, 0, 53, 0, 0, 0, 0 }, 7 },
		{ "family 5", { 5, 0, 53, 0, 0, 0, 0, 1, 2, 3, 4 }, 11 },
		{ "IPv4 with scope", { 4, 0, 53, 0, 0, 0, 1, 1, 2, 3, 4 }, 11 },
		{ "global IPv6 with scope", { 6, 0, 53, 0, 0, 0, 1, 0x20, 0x01, [22] = 1 }, 23 },
		{ "mapped IPv4", { 6, 0, 53, 0, 0, 0, 0, [17] = 0xff, 0xff, 1, 2, 3, 4 }, 23 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = { .port = 4711 };
		struct cursor c = cursor_of(cases[i].wire, cases[i].len);
		addr_decode(&c, &a);
		cr_assert(c.failed, "%s", cases[i].what);
		cr_assert_eq(a.port, 4711, "%s", cases[i].what);
	}
}

Test(prefix, parses)
{
	static const struct {
		const char *text;
		uint8_t family, bits, first;
	} cases[] = {
		{ "10.0.0.0/8", ADDR_V4, 8, 10 },
		{ "0.0.0.0/0", ADDR_V4, 0, 0 },
		{ "any4", ADDR_V4, 0, 0 },
		{ "any6", ADDR_V6, 0, 0 },
		{ "::/0", ADDR_V6, 0, 0 },
		{ "192.0.2.1", ADDR_V4, 32, 192 },
		{ "192.0.2.1/32", ADDR_V4, 32, 192 },
		{ "128.0.0.0/1", ADDR_V4, 1, 128 },
		{ "fd00::/8", ADDR_V6, 8, 0xfd },
		{ "2001:db8::1", ADDR_V6, 128, 0x20 },
		{ "::ffff:10.0.0.0/104", ADDR_V4, 8, 10 }, /* 104 - 96 */
		{ "::ffff:0:0/96", ADDR_V4, 0, 0 },
		{ "::ffff:192.0.2.1", ADDR_V4, 32, 192 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix p;
		cr_assert_eq(prefix_parse(cases[i].text, &p), BH_OK, "%s", cases[i].text);
		cr_assert_eq(p.family, cases[i].family, "%s", cases[i].text);
		cr_assert_eq(p.bits, cases[i].bits, "%s", cases[i].text);
		cr_assert_eq(p.bytes[0], cases[i].first, "%s", cases[i].text);
	}
}

Test(prefix, refuses)
{
	static const char *const cases[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.1/8",
		"10.0.0.128/24", "192.0.2.1/31", "10/8", "10.0.0.0/255.0.0.0", "fd00::/129", "fd00::1/8", "fe80::%1/10",
		"fe80::1%1", "any", "any5", "any44", "10.0.0.0@53", "1.2.3.4@53/32", "::ffff:10.0.0.1/104", "0.0.0.1/0",
		"10.0.0.0/18446744073709551624", "localhost",
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix p;
		cr_assert_eq(prefix_parse(cases[i], &p), BH_EMALFORMED, "%s", cases[i]);
	}
}

Test(prefix, matches_at_every_bit_and_not_beyond)
{
	static const char *const texts[] = { "203.0.113.170", "2001:db8:aaaa:5555:aaaa:5555:aaaa:5555" };
	for (size_t t = 0; t < COUNT(texts); t++) {
		struct addr a = parsed(texts[t]);
		for (unsigned bits = 0; bits <= addr_size(&a) * 8; bits++) {
			struct prefix p = { .family = a.family, .bits = (uint8_t)bits };
			for (unsigned i = 0; i < bits; i++) {
				p.bytes[i / 8] |= (uint8_t)(a.bytes[i / 8] & (0x80u >> (i % 8)));
			}
			cr_assert(prefix_match(&p, &a), "%s/%u", texts[t], bits);
			for (unsigned i = 0; i < addr_size(&a) * 8; i++) {
				struct addr other = a;
				other.bytes[i / 8] ^= (uint8_t)(0x80u >> (i % 8));
				cr_assert_eq(prefix_match(&p, &other), i >= bits, "%s/%u bit %u", texts[t], bits, i);
			}
		}
	}
}

Test(prefix, families_do_not_mix)
{
	struct prefix any4;
	struct prefix any6;
	cr_assert_eq(prefix_parse("any4", &any4), BH_OK);
	cr_assert_eq(prefix_parse("any6", &any6), BH_OK);
	struct addr v4 = parsed("192.0.2.1");
	struct addr mapped = parsed("::ffff:192.0.2.1");
	struct addr v6 = parsed("2001:db8::1");
	struct addr none = { 0 };
	cr_assert(prefix_match(&any4, &v4) && prefix_match(&any4, &mapped) && prefix_match(&any6, &v6));
	cr_assert_not(prefix_match(&any4, &v6));
	cr_assert_not(prefix_match(&any6, &v4));
	cr_assert_not(prefix_match(&any6, &mapped));
	cr_assert_not(prefix_match(&any4, &none));
	cr_assert_not(prefix_match(&any6, &none));
}

Test(prefix, encoding_round_trips_and_is_cut_at_every_length)
{
	static const char *const cases[] = { "10.0.0.0/8", "any4", "any6", "2001:db8::/33", "2001:db8::1" };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix p;
		struct prefix back = { 0 };
		uint8_t wire[32];
		cr_assert_eq(prefix_parse(cases[i], &p), BH_OK);
		struct sink s = sink_of(wire, sizeof(wire));
		prefix_encode(&s, &p);
		struct cursor c = cursor_of(wire, s.pos);
		prefix_decode(&c, &back);
		cr_assert(cursor_done(&c), "%s", cases[i]);
		cr_assert_arr_eq(&p, &back, sizeof(p));
		for (size_t cut = 0; cut < s.pos; cut++) {
			c = cursor_of(wire, cut);
			prefix_decode(&c, &back);
			cr_assert(c.failed, "%s cut at %zu", cases[i], cut);
		}
	}
}

Test(prefix, decoding_refuses)
{
	static const uint8_t cases[][6] = {
		{ 0, 8, 10, 0, 0, 0 },	/* no family */
		{ 4, 33, 10, 0, 0, 0 }, /* too many bits */
		{ 4, 8, 10, 0, 0, 1 },	/* host bits */
		{ 4, 9, 10, 0x40, 0, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix p;
		struct cursor c = cursor_of(cases[i], sizeof(cases[i]));
		prefix_decode(&c, &p);
		cr_assert(c.failed, "case %zu", i);
	}
}

Test(acl, empty_list_is_nobody_and_lists_are_bounded)
{
	struct acl acl = { 0 };
	struct prefix p;
	struct addr inside = parsed("10.1.2.3");
	struct addr outside = parsed("192.0.2.1");

	cr_assert_not(acl_match(&acl, &inside));
	for (unsigned i = 0; i < ACL_MAX - 1; i++) {
		char text[32];
		snprintf(text, sizeof(text), "172.16.%u.%u", i / 256, i % 256);
		cr_assert_eq(prefix_parse(text, &p), BH_OK);
		cr_assert_eq(acl_add(&acl, &p), BH_OK);
	}
	cr_assert_not(acl_match(&acl, &inside));
	cr_assert_eq(prefix_parse("10.0.0.0/8", &p), BH_OK);
	cr_assert_eq(acl_add(&acl, &p), BH_OK);
	cr_assert(acl_match(&acl, &inside));
	cr_assert_not(acl_match(&acl, &outside));
	cr_assert_eq(acl_add(&acl, &p), BH_ELIMIT);
	cr_assert_eq(acl.count, (size_t)ACL_MAX);
	acl_clear(&acl);
	cr_assert_eq(acl.count, 0u);
	cr_assert_not(acl_match(&acl, &inside));
	acl_clear(&acl);
}
