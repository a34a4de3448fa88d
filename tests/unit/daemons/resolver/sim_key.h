/*
 * Keys that sign, for tests: made fresh, private part and all.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_RESOLVER_SIM_KEY_H
#define BULKHEAD_TESTS_RESOLVER_SIM_KEY_H

#include <stddef.h>
#include <stdint.h>

#define SIM_SIGNATURE_MAX 512
#define SIM_DNSKEY_MAX 530

struct sim_key;

/* Of any algorithm of enum dnssec_algorithm; bits are for RSA only. */
struct sim_key *sim_key_new(uint8_t algorithm, unsigned bits);
void sim_key_free(struct sim_key *key);

/* RDATA of its DNSKEY; octets. `number` is written as the algorithm. */
uint16_t sim_key_dnskey(const struct sim_key *key, uint16_t flags, uint8_t number, uint8_t out[SIM_DNSKEY_MAX]);

/* Signature as in RRSIG; octets. */
size_t sim_key_sign(const struct sim_key *key, const uint8_t *message, size_t len, uint8_t out[SIM_SIGNATURE_MAX]);

/*
 * RDATA of a DNSKEY that looks like one of that algorithm and has the tag asked for, but nobody can sign with it.
 * The reserved flags, which a validator ignores (RFC 4034 2.1.1), make the tag what it should be.
 */
uint16_t sim_key_colliding(uint8_t algorithm, unsigned bits, uint16_t tag, uint8_t out[SIM_DNSKEY_MAX]);

#endif
