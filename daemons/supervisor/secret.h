/*
 * Secrets of TSIG keys and DNS cookies: files of their own, so that the configuration itself can be shown to anybody.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_SECRET_H
#define BULKHEAD_SUPERVISOR_SECRET_H

#include "common/dns/cookie.h"
#include "common/dns/tsig_key.h"

/* Fewest octets of a secret, 128 bit. RFC 8945 8 wants as many as the digest has; fewer are worth a warning. */
#define SECRET_MIN 16

/*
 * Read the secret of key->algorithm to key. The file has it in base64 (RFC 4648 4), bare or as tsig-keygen and
 * keymgr print it. It must be a regular file that others can neither read nor write. On failure a negative
 * error, and why says what is wrong; never anything of what the file holds. Nothing of it is left in
 * memory but in key.
 */
int secret_read(const char *path, struct tsig_key *key, char *why, size_t why_size) BH_CHECKED;

/* The same for a text, which is overwritten. */
int secret_parse(char *text, struct tsig_key *key, char *why, size_t why_size) BH_CHECKED;

/*
 * Read secrets of cookies: one or two of 32 hexadecimal digits each, divided by blanks or lines, the one that
 * signs first. The file is judged as above, and comments are allowed.
 */
int secret_read_cookies(const char *path, struct cookie_secrets *out, char *why, size_t why_size) BH_CHECKED;

#endif
