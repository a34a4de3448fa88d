/*
 * Writing OPT. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/edns.h"

#include <string.h>

static size_t ede_text_len(const struct edns_reply *edns)
{
	return edns->ede_text == NULL ? 0 : strnlen(edns->ede_text, EDE_TEXT_MAX);
}

size_t edns_size(const struct edns_reply *edns)
{
	/* RFC 8914 2: option code, length, INFO-CODE, EXTRA-TEXT */
	return EDNS_SIZE_MIN + edns->options_len + (edns->ede == EDE_NONE ? 0 : 6 + ede_text_len(edns));
}

void edns_write(struct sink *s, const struct edns_reply *edns)
{
	sink_u8(s, 0);
	sink_u16(s, RR_OPT);
	sink_u16(s, edns->udp_size);
	sink_u32(s, (uint32_t)(edns->rcode >> 4) << 24 | (edns->do_bit ? EDNS_DO : 0u));
	sink_u16(s, (uint16_t)(edns_size(edns) - EDNS_SIZE_MIN));
	if (edns->options_len > 0) {
		sink_bytes(s, edns->options, edns->options_len);
	}
	if (edns->ede != EDE_NONE) {
		size_t text_len = ede_text_len(edns);
		sink_u16(s, EDNS_OPTION_EDE);
		sink_u16(s, (uint16_t)(2 + text_len));
		sink_u16(s, (uint16_t)edns->ede);
		sink_bytes(s, edns->ede_text, text_len);
	}
}
