/*
 * Systems that cannot or may not verify: no memory, and RSA with SHA-1 forbidden by policy.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dnssec.h"

#include "common/dns/dnssec_known.h"
#include "common/util/count.h"
#include "tests/unit/common/dns/wire.h"

#include <dlfcn.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

/* --- policy ----------------------------------------------------------------------------------------- */

static const char *forbidden; /* hash that no signature may be verified with; NULL: none */

/*
 * In the place of libcrypto's own: refuses a hash as systems do whose policy forbids it for signatures (RHEL 9),
 * while it stays there for digests.
 */
int EVP_PKEY_verify_init_ex(EVP_PKEY_CTX *ctx, const OSSL_PARAM params[])
{
	static int (*real)(EVP_PKEY_CTX *, const OSSL_PARAM[]);
	const OSSL_PARAM *digest = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "EVP_PKEY_verify_init_ex");
	}
	if (forbidden != NULL && digest != NULL && strcasecmp(digest->data, forbidden) == 0) {
		return 0;
	}
	return real(ctx, params);
}

Test(dnssec_poor, without_sha1_signatures_everything_else_works)
{
	forbidden = "SHA1";
	struct dnssec *dnssec = dnssec_new();
	cr_assert_not_null(dnssec);
	for (unsigned number = 0; number < 256; number++) {
		bool want = number == 8 || number == 10 || (number >= 13 && number <= 16);
		cr_expect_eq(dnssec_has_algorithm(dnssec, (uint8_t)number), want, "%u", number);
	}
	cr_expect(dnssec_has_digest(dnssec, DNSSEC_SHA1)); /* DS of others */
	const struct dnskey dnskey = { .algorithm = DNSSEC_RSASHA1, .key = rsa_key, .key_len = sizeof(rsa_key) };
	cr_expect_null(dnssec_key_new(dnssec, &dnskey));
	dnssec_free(dnssec);
}

Test(dnssec_poor, without_what_all_systems_have_there_is_nothing)
{
	forbidden = "SHA256";
	cr_expect_null(dnssec_new());
}

/* --- memory ----------------------------------------------------------------------------------------- */

#define ALL ULONG_MAX

static unsigned long left = ALL; /* allocations of libcrypto that still work */
static bool is_ours;		 /* libcrypto asks us */

static bool may_allocate(void)
{
	if (left == 0) {
		return false;
	}
	left -= left != ALL;
	return true;
}

static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return may_allocate() ? malloc(size) : NULL;
}

static void *reallocate(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return may_allocate() ? realloc(p, size) : NULL;
}

static void release(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Only before libcrypto has taken any memory. */
__attribute__((constructor)) static void give_memory(void)
{
	is_ours = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

Test(dnssec_poor, survives_that_memory_ends_anywhere)
{
	static const uint8_t owner[] = { 2, 'e', 'x', 0 };
	static const uint8_t rdata[] = { 0, 4, 192, 0, 2, 1 };
	const struct dnssec_rrset set = { .owner = owner, .type = 1, .count = 1, .rdata = rdata,
					  .rdata_len = sizeof(rdata) };
	cr_assert(is_ours);
	struct dnssec *dnssec = dnssec_new();
	cr_assert_not_null(dnssec);
	for (size_t i = 0; i < COUNT(known_answers); i++) {
		const struct known_answer *known = &known_answers[i];
		const struct dnskey dnskey = { .algorithm = known->algorithm, .key = known->key,
					       .key_len = known->key_len };
		const struct rrsig sig = { .algorithm = known->algorithm, .labels = 1, .signer = owner,
					   .signature = known->signature, .signature_len = known->signature_len };
		unsigned made = 0;
		unsigned failed = 0;
		for (unsigned long n = 0; n < 2000 && made < 3; n++) {
			left = n;
			struct dnssec_key *key = dnssec_key_new(dnssec, &dnskey);
			made += key != NULL;
			left = ALL;
			dnssec_key_free(key);
		}
		cr_expect_eq(made, 3u, "algorithm %u", known->algorithm);
		struct dnssec_key *key = dnssec_key_new(dnssec, &dnskey);
		cr_assert_not_null(key);
		/*
		 * The signature is bad, but only who has come to its end may say so. libcrypto 3.0 does not tell of
		 * one shortage each with P-384 and Ed448.
		 */
		unsigned bad = 0;
		unsigned early = 0;
		for (unsigned long n = 0; n < 2000 && bad < 100; n++) {
			left = n;
			enum dnssec_verdict verdict = dnssec_verify(dnssec, key, &sig, &set);
			cr_expect_neq(verdict, DNSSEC_GOOD, "algorithm %u, after %lu", known->algorithm, n);
			failed += verdict == DNSSEC_FAILED;
			early += verdict == DNSSEC_FAILED ? bad : 0;
			bad = verdict == DNSSEC_BAD ? bad + 1 : 0;
		}
		cr_expect_gt(failed, 0u, "algorithm %u", known->algorithm);
		cr_expect_leq(early, 1u, "algorithm %u", known->algorithm);
		left = ALL;
		cr_expect_eq(dnssec_verify(dnssec, key, &sig, &set), DNSSEC_BAD);
		dnssec_key_free(key);
	}
	dnssec_free(dnssec);
}
