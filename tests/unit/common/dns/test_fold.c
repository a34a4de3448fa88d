/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/fold.h"

#include "common/util/rand.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4034 6.1, octet by octet. */
static int plain_compare(const uint8_t *a, const uint8_t *b)
{
	for (unsigned i = 1; i <= a[0] && i <= b[0]; i++) {
		if (dname_fold(a[i]) != dname_fold(b[i])) {
			return (int)dname_fold(a[i]) - (int)dname_fold(b[i]);
		}
	}
	return (int)a[0] - (int)b[0];
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* All pairs of lengths, the first difference at every place or nowhere; case, binary octets, 0x40 and 0x5b beside letters. */
Test(fold, labels_compare_as_octet_by_octet)
{
	static const uint8_t octets[] = { 0, '*', '@', 'A', 'a', 'Z', 'z', '[', '{', 0x7f, 0x80, 0xc1, 0xff };
	/* Memory of the very size, so that a sanitizer sees a look behind a label. */
	for (unsigned n = 0; n < 200000; n++) {
		uint8_t same = octets[rand_below(sizeof(octets))];
		uint8_t a_len = (uint8_t)(1 + rand_below(20));
		uint8_t b_len = (uint8_t)(1 + rand_below(20));
		uint8_t *a = malloc(a_len + 1u);
		uint8_t *b = malloc(b_len + 1u);
		memset(a, same, a_len + 1u);
		memset(b, rand_below(2) == 0 ? same : dname_fold(same), b_len + 1u);
		a[0] = a_len;
		b[0] = b_len;
		if (rand_below(4) != 0) {
			a[1 + rand_below(a_len)] = octets[rand_below(sizeof(octets))];
		}
		cr_assert_eq(sign(fold_label_compare(a, b)), sign(plain_compare(a, b)), "lengths %u and %u", a_len, b_len);
		cr_assert_eq(sign(fold_label_compare(b, a)), sign(plain_compare(b, a)));
		free(a);
		free(b);
	}
}
