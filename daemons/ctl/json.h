/*
 * An answer as one JSON object (RFC 8259).
 *
 *   {"status":0,"text":"...","role":[{"role":"authority","pid":12,...}],"zone":[...]}
 *
 * One member for each table, in the order of their first rows. A table that is itself called "status"
 * or "text" is written as "status_rows" or "text_rows".
 *
 * Output is ASCII: what is not printable, and every character past 7 bits, is escaped; octets that are not
 * UTF-8 become U+FFFD. So it is safe on a terminal as well.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_JSON_H
#define BULKHEAD_DAEMONS_CTL_JSON_H

#include <stdio.h>

struct answer;

/* The object and a newline. Errors stay in the stream (ferror). */
void json_print(FILE *out, const struct answer *answer);

/* A quoted string. */
void json_string(FILE *out, const char *text);

#endif
