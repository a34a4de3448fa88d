/*
 * Directives of zone files: $ORIGIN, $INCLUDE (RFC 1035 5.1) and $TTL (RFC 2308 4). One line in, its
 * meaning out; nothing is done about it here.
 *
 * libzscanner knows them too, but takes absolute names only and stops for good at what it does not know.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_COMPILER_DIRECTIVE_H
#define BULKHEAD_DAEMONS_COMPILER_DIRECTIVE_H

#include "common/dns/dname.h"

#include <stddef.h>
#include <stdint.h>

/* Longest word of a directive: a file name, or a name with every octet escaped. */
#define DIRECTIVE_WORD_MAX 1024

enum directive_kind { DIRECTIVE_ORIGIN, DIRECTIVE_TTL, DIRECTIVE_INCLUDE };

struct directive {
	enum directive_kind kind;
	uint8_t name[DNAME_MAX];       /* ORIGIN: the new one; INCLUDE: that of the file */
	uint32_t ttl;		       /* TTL */
	char path[DIRECTIVE_WORD_MAX]; /* INCLUDE, as written */
};

/*
 * Read the line that starts with '$' at line[0..len), without its end. Names are relative to origin; an
 * $INCLUDE without name keeps it. Returns 0, or BH_EMALFORMED with what is wrong in why.
 */
int directive_read(const char *line, size_t len, const uint8_t *origin, struct directive *out, char *why,
		   size_t why_size) BH_CHECKED;

#endif
