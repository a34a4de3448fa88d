/*
 * The built-in anchors against the root's keys as IANA publishes them in the same file (PublicKey, RFC 9718 2.1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/anchor.h"
#include "common/dns/rr.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <string.h>

/* 257 3 8 */
#define DNSKEY_FIXED "\001\001\003\010"

static const char *const keys[ROOT_ANCHORS] = {
	"AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kv"
	"ArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+e"
	"oZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwN"
	"R1AkUTV74bU=",
	"AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHb"
	"GiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqp"
	"dVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUe"
	"ayffKC73PYc=",
};

Test(anchor, built_in_ones_are_the_digests_of_the_published_keys)
{
	for (unsigned i = 0; i < ROOT_ANCHORS; i++) {
		uint8_t buf[1 + 4 + 512] = { 0 }; /* owner ".", RDATA */
		size_t text_len = strlen(keys[i]);
		memcpy(buf + 1, DNSKEY_FIXED, 4);
		int key_len = EVP_DecodeBlock(buf + 5, (const uint8_t *)keys[i], (int)text_len);
		cr_assert_gt(key_len, 0);
		size_t rdata_len = 4 + (size_t)key_len - (keys[i][text_len - 1] == '=');

		static const uint16_t tags[ROOT_ANCHORS] = { 20326, 38696 };
		cr_assert_eq(anchor_tag(RR_DNSKEY, buf + 1, rdata_len), tags[i]);
		cr_assert_eq(anchor_tag(RR_DS, root_anchors[i], ROOT_ANCHOR_SIZE), tags[i]);
		cr_assert_eq(anchor_algorithm(RR_DNSKEY, buf + 1, rdata_len), 8);
		cr_assert_eq(anchor_algorithm(RR_DS, root_anchors[i], ROOT_ANCHOR_SIZE), 8);
		cr_assert(anchor_is_built_in(buf, RR_DS, root_anchors[i], ROOT_ANCHOR_SIZE)); /* buf: "." */
		cr_assert_not(anchor_is_built_in((const uint8_t *)"\1a", RR_DS, root_anchors[i], ROOT_ANCHOR_SIZE));
		cr_assert_not(anchor_is_built_in(buf, RR_DS, root_anchors[i], ROOT_ANCHOR_SIZE - 1));
		cr_assert_eq(root_anchors[i][2], 8);
		cr_assert_eq(root_anchors[i][3], 2);

		uint8_t digest[EVP_MAX_MD_SIZE];
		unsigned digest_len;
		cr_assert_eq(EVP_Digest(buf, 1 + rdata_len, digest, &digest_len, EVP_sha256(), NULL), 1);
		cr_assert_eq(digest_len + 4, ROOT_ANCHOR_SIZE);
		cr_assert_arr_eq(root_anchors[i] + 4, digest, digest_len);
	}
}
