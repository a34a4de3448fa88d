/*
 * Who may transfer which zone of a view, and the view's TSIG keys. A key opens nothing but this list: which data
 * there are to be had is decided by the socket (the view), and keys of other views are not known here.
 *
 * Read-only once built; it goes with the generation of its view.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_ALLOW_H
#define BULKHEAD_DAEMONS_AUTHORITY_ALLOW_H

#include "common/dns/tsig_key.h"
#include "common/util/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allow;
struct role_conf;

/*
 * Build it for the zones of a configuration, named by their indexes. On failure a negative error; why says
 * what is wrong.
 */
int allow_new(const struct role_conf *conf, struct allow **out, char *why, size_t why_size) BH_CHECKED;
/* Overwrites the secrets. NULL is fine. */
void allow_free(struct allow *allow);

/* The key of this name; NULL: there is none (or no allow). Found in halves. */
const struct tsig_key *allow_key(const struct allow *allow, const uint8_t *name);

/*
 * May this client have this zone? key: the one that its request is signed with, a pointer from allow_key, or
 * NULL. allow NULL: nobody may.
 */
bool allow_transfer(const struct allow *allow, size_t zone, const struct addr *client,
		    const struct tsig_key *key);

#endif
