/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/edns.h"

#include "common/util/count.h"
#include "tests/unit/common/dns/wire.h"

#include <criterion/criterion.h>

static const char text64[] = "0123456789012345678901234567890123456789012345678901234567890123";

Test(edns, writes_opt)
{
	static const struct {
		struct edns_reply edns;
		const char *hex;
	} cases[] = {
		{ { .udp_size = 1232, .ede = EDE_NONE }, "00 0029 04d0 00000000 0000" },
		{ { .udp_size = 512, .do_bit = true, .ede = EDE_NONE }, "00 0029 0200 00008000 0000" },
		/* the low four bits of the RCODE are in the header, RFC 6891 6.1.3 */
		{ { .udp_size = 1232, .rcode = RCODE_REFUSED, .ede = EDE_NONE }, "00 0029 04d0 00000000 0000" },
		{ { .udp_size = 1232, .rcode = RCODE_BADVERS, .ede = EDE_NONE }, "00 0029 04d0 01000000 0000" },
		{ { .udp_size = 1232, .rcode = 0xfff, .do_bit = true, .ede = EDE_NONE }, "00 0029 04d0 ff008000 0000" },
		{ { .udp_size = 1232, .ede = EDE_OTHER }, "00 0029 04d0 00000000 0006 000f 0002 0000" },
		{ { .udp_size = 1232, .ede = EDE_PROHIBITED, .ede_text = "no" },
		  "00 0029 04d0 00000000 0008 000f 0004 0012 6e6f" },
		{ { .udp_size = 1232, .ede = EDE_NOT_READY, .ede_text = "" },
		  "00 0029 04d0 00000000 0006 000f 0002 000e" },
		{ { .udp_size = 1232, .ede = EDE_NONE, .ede_text = "unused" }, "00 0029 04d0 00000000 0000" },
		{ { .udp_size = 1232, .ede = EDE_NONE, .options = (const uint8_t *)"\0\3\0\1x", .options_len = 5 },
		  "00 0029 04d0 00000000 0005 0003 0001 78" },
		{ { .udp_size = 1232, .ede = EDE_OTHER, .options = (const uint8_t *)"\0\3\0\0", .options_len = 4 },
		  "00 0029 04d0 00000000 000a 0003 0000 000f 0002 0000" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wire want = wire_of(cases[i].hex);
		uint8_t out[256];
		struct sink s = sink_of(out, sizeof(out));
		edns_write(&s, &cases[i].edns);
		cr_assert_not(s.failed);
		cr_assert_eq(s.pos, want.len, "case %zu: %zu", i, s.pos);
		cr_assert_arr_eq(out, want.bytes, want.len);
		cr_assert_eq(edns_size(&cases[i].edns), want.len, "case %zu", i);
		for (size_t cap = 0; cap < want.len; cap++) {
			s = sink_of(out, cap);
			edns_write(&s, &cases[i].edns);
			cr_assert(s.failed);
			cr_assert_leq(s.pos, cap);
		}
	}
}

Test(edns, extra_text_is_cut)
{
	char text[128];
	struct edns_reply edns = { .udp_size = 1232, .ede = EDE_OTHER, .ede_text = text };
	for (size_t len = 60; len < sizeof(text); len++) {
		uint8_t out[256];
		struct sink s = sink_of(out, sizeof(out));
		memset(text, 'x', len);
		text[len] = '\0';
		edns_write(&s, &edns);
		size_t kept = len < EDE_TEXT_MAX ? len : EDE_TEXT_MAX;
		cr_assert_eq(s.pos, EDNS_SIZE_MIN + 6 + kept);
		cr_assert_eq(edns_size(&edns), s.pos);
		cr_assert_eq(get_u16(out + 9), 6 + kept);
		cr_assert_eq(get_u16(out + 13), 2 + kept);
	}
}

Test(edns, largest_opt_fits_what_is_reserved_at_most)
{
	struct edns_reply edns = { .udp_size = 1232, .ede = EDE_OTHER, .ede_text = text64,
				   .options_len = EDNS_OPTIONS_OUT_MAX };
	cr_assert_eq(edns_size(&edns), (size_t)EDNS_RESERVE_MAX);
	cr_assert_eq(EDNS_OPTIONS_OUT_MAX, 3 * EDNS_OPTION_HEADER + COOKIE_REPLY_SIZE + NSID_MAX + 2);
}
