/*
 * The addresses of the root servers that are built in, as published by IANA (named.root, 2023-11-27:
 * B in its new prefixes).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_HINTS_H
#define BULKHEAD_DAEMONS_RESOLVER_HINTS_H

#include "daemons/resolver/delegation.h"

/* Fill *d with the root zone and its built-in servers. Names have static storage. */
void hints_builtin(struct delegation *d);

#endif
