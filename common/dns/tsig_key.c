/*
 * Names and sizes of TSIG algorithms; the end of secrets. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/tsig_key.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *text;
	const uint8_t *name;
	uint8_t size;
} algorithms[TSIG_ALGORITHM_END] = {
	[TSIG_HMAC_SHA256] = { "hmac-sha256", (const uint8_t *)"\013hmac-sha256", 32 },
	[TSIG_HMAC_SHA384] = { "hmac-sha384", (const uint8_t *)"\013hmac-sha384", 48 },
	[TSIG_HMAC_SHA512] = { "hmac-sha512", (const uint8_t *)"\013hmac-sha512", 64 },
};

int tsig_algorithm_parse(const char *text, enum tsig_algorithm *out)
{
	size_t len = strlen(text);
	len -= len > 0 && text[len - 1] == '.';
	for (unsigned i = 1; i < TSIG_ALGORITHM_END; i++) {
		if (strlen(algorithms[i].text) == len && strncasecmp(algorithms[i].text, text, len) == 0) {
			*out = (enum tsig_algorithm)i;
			return BH_OK;
		}
	}
	return BH_ENOENT;
}

const char *tsig_algorithm_text(enum tsig_algorithm algorithm)
{
	return algorithms[algorithm].text;
}

const uint8_t *tsig_algorithm_name(enum tsig_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

size_t tsig_algorithm_size(enum tsig_algorithm algorithm)
{
	return algorithms[algorithm].size;
}

void tsig_key_clear(struct tsig_key *key)
{
	explicit_bzero(key, sizeof(*key));
}

void tsig_keys_free(struct tsig_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tsig_key_clear(&keys[i]);
	}
	free(keys);
}
