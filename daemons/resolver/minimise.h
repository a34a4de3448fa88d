/*
 * QNAME minimisation (RFC 9156): how much of a name the next question shows.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_MINIMISE_H
#define BULKHEAD_DAEMONS_RESOLVER_MINIMISE_H

/*
 * Labels to ask for next. known: labels that are known to exist or to be a zone cut; total: labels of
 * the whole name; asked: minimised questions sent for this name so far. Returns known < n <= total.
 *
 * RFC 9156 2.3: the first MINIMISE_ONE_LABEL questions add one label each; the labels that are left
 * are spread over what remains of MINIMISE_COUNT_MAX, so long names cost no more than that.
 */
unsigned minimise_labels(unsigned known, unsigned total, unsigned asked);

#endif
