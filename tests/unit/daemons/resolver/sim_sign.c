/*
 * Signing of zones of the made-up Internet. What is signed is written down here once more, apart from the
 * verifier (RFC 4034 3.1.8.1), and ldns and Knot DNS have the last word on it, see test_sim.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/daemons/resolver/sim_sign.h"

#include "common/dns/base32hex.h"
#include "common/dns/canonical.h"
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/nsec3.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"
#include "tests/unit/daemons/resolver/sim_key.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_TTL 3600
#define DENIAL_TTL 300 /* RFC 9077 3: of the SOA */
#define UNKNOWN_ALGORITHM 200
#define SET_MAX 512

/* Keys of a zone, the same on all its servers. They live as long as the process. */
struct zone_keys {
	uint8_t zone[DNAME_MAX];
	uint8_t algorithm;
	unsigned bits;
	struct sim_key *ksk;
	struct sim_key *zsk; /* the same with one key */
	/* What the parent and anchors get. */
	uint16_t ksk_len;
	uint8_t ksk_rdata[SIM_DNSKEY_MAX];
	uint8_t digest;
	unsigned faults;
	unsigned junk_ds;
};

static struct zone_keys all_keys[SIM_SIGNED_MAX];
static unsigned all_keys_count;

/* One zone that is being signed. */
struct job {
	struct sim *sim;
	unsigned server;
	uint8_t zone[DNAME_MAX];
	const struct sim_signing *how;
	struct zone_keys *keys;
	uint8_t number; /* algorithm as written */
	uint16_t ksk_tag;
	uint16_t zsk_tag;
};

static uint16_t tag_of(const uint8_t *rdata, size_t len)
{
	struct dnskey dnskey;
	cr_assert_eq(dnskey_parse(rdata, len, &dnskey), BH_OK);
	return dnskey.tag;
}

static bool is_of(const struct job *job, const struct sim_record *rr)
{
	return rr->server == job->server && dname_equal(rr->zone, job->zone);
}

static bool has(const struct job *job, const uint8_t *owner, uint16_t type)
{
	for (unsigned i = 0; i < job->sim->record_count; i++) {
		const struct sim_record *rr = &job->sim->records[i];
		if (rr->type == type && is_of(job, rr) && dname_equal(rr->owner, owner)) {
			return true;
		}
	}
	return false;
}

/* A delegation: NS, but not at the apex. */
static bool is_cut(const struct job *job, const uint8_t *owner)
{
	return !dname_equal(owner, job->zone) && has(job, owner, RR_NS);
}

/* Glue and other things that the child has to say. */
static bool is_below_cut(const struct job *job, const uint8_t *owner)
{
	while (!dname_equal(owner, job->zone)) {
		owner = dname_parent(owner);
		if (is_cut(job, owner)) {
			return true;
		}
	}
	return false;
}

static void add(struct job *job, const uint8_t *owner, uint32_t ttl, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct sim_record *rr = sim_add(job->sim, job->server, job->zone, owner, ttl, type);
	cr_assert_leq(len, sizeof(rr->rdata));
	memcpy(rr->rdata, rdata, len);
	rr->rdata_len = (uint16_t)len;
}

/* --- keys and DS ------------------------------------------------------------------------------------ */

static struct zone_keys *find_keys(const uint8_t *zone)
{
	for (unsigned i = 0; i < all_keys_count; i++) {
		if (dname_equal(all_keys[i].zone, zone)) {
			return &all_keys[i];
		}
	}
	return NULL;
}

static struct zone_keys *keys_of(const uint8_t *zone, const struct sim_signing *how)
{
	bool is_default = how->algorithm == 0 || (how->faults & SIM_UNKNOWN_ALGORITHM) != 0;
	uint8_t algorithm = is_default ? DNSSEC_ECDSAP256 : how->algorithm;
	unsigned bits = how->rsa_bits == 0 ? 1024 : how->rsa_bits;
	struct zone_keys *keys = find_keys(zone);
	if (keys == NULL) {
		cr_assert_lt(all_keys_count, SIM_SIGNED_MAX);
		keys = &all_keys[all_keys_count++];
		memcpy(keys->zone, zone, dname_len(zone));
	}
	if (keys->ksk == NULL || keys->algorithm != algorithm || keys->bits != bits ||
	    (keys->ksk == keys->zsk) != how->one_key) {
		if (keys->zsk != keys->ksk) {
			sim_key_free(keys->zsk);
		}
		sim_key_free(keys->ksk);
		keys->algorithm = algorithm;
		keys->bits = bits;
		keys->ksk = sim_key_new(algorithm, bits);
		keys->zsk = how->one_key ? keys->ksk : sim_key_new(algorithm, bits);
	}
	keys->digest = how->digest == 0 ? DNSSEC_SHA256 : how->digest;
	keys->faults = how->faults;
	keys->junk_ds = how->junk_ds;
	return keys;
}

static void add_keys(struct job *job)
{
	const struct sim_signing *how = job->how;
	struct zone_keys *keys = job->keys;
	uint8_t zsk[SIM_DNSKEY_MAX];
	uint16_t zone_flag = (how->faults & SIM_NO_ZONE_FLAG) != 0 ? 0 : DNSKEY_ZONE;
	uint16_t ksk_flags = zone_flag | DNSKEY_SEP | ((how->faults & SIM_REVOKED) != 0 ? DNSKEY_REVOKE : 0);
	keys->ksk_len = sim_key_dnskey(keys->ksk, ksk_flags, job->number, keys->ksk_rdata);
	job->ksk_tag = tag_of(keys->ksk_rdata, keys->ksk_len);
	uint16_t zsk_len = keys->ksk_len;
	memcpy(zsk, keys->ksk_rdata, zsk_len);
	if (keys->zsk != keys->ksk) {
		zsk_len = sim_key_dnskey(keys->zsk, zone_flag, job->number, zsk);
	}
	job->zsk_tag = tag_of(zsk, zsk_len);
	if ((how->faults & SIM_NO_DNSKEY) != 0) {
		return;
	}
	for (unsigned i = 0; i < how->colliding_keys; i++) {
		uint8_t rdata[SIM_DNSKEY_MAX];
		uint16_t len = sim_key_colliding(keys->algorithm, keys->bits, job->zsk_tag, rdata);
		add(job, job->zone, KEYS_TTL, RR_DNSKEY, rdata, len);
	}
	add(job, job->zone, KEYS_TTL, RR_DNSKEY, keys->ksk_rdata, keys->ksk_len);
	if (keys->zsk != keys->ksk && (how->faults & SIM_NO_ZSK) == 0) {
		add(job, job->zone, KEYS_TTL, RR_DNSKEY, zsk, zsk_len);
	}
}

/* RFC 4034 5.1.4 */
static uint16_t make_ds(const struct zone_keys *keys, uint8_t *out)
{
	static const char *const names[] = { [DNSSEC_SHA1] = "SHA1", [DNSSEC_SHA256] = "SHA256",
					     [DNSSEC_SHA384] = "SHA384" };
	uint8_t covered[DNAME_MAX + SIM_DNSKEY_MAX];
	size_t len = dname_copy_lower(covered, keys->zone);
	size_t digest_len = 32;
	memcpy(covered + len, keys->ksk_rdata, keys->ksk_len);
	put_u16(out, tag_of(keys->ksk_rdata, keys->ksk_len));
	out[2] = keys->ksk_rdata[3];
	out[3] = keys->digest;
	if (keys->digest < COUNT(names) && names[keys->digest] != NULL) {
		cr_assert_eq(EVP_Q_digest(NULL, names[keys->digest], NULL, covered, len + keys->ksk_len, out + 4,
					  &digest_len), 1);
	} else {
		memset(out + 4, 0xab, digest_len);
	}
	if ((keys->faults & SIM_WRONG_DIGEST) != 0) {
		out[4] ^= 1;
	}
	return (uint16_t)(4 + digest_len);
}

static struct zone_keys *signed_keys(const char *zone)
{
	uint8_t name[DNAME_MAX];
	sim_name(zone, name);
	struct zone_keys *keys = find_keys(name);
	cr_assert_not_null(keys, "%s is not signed", zone);
	return keys;
}

uint16_t sim_sign_ds(const char *zone, uint8_t out[SIM_RDATA_MAX])
{
	return make_ds(signed_keys(zone), out);
}

uint16_t sim_sign_dnskey(const char *zone, uint8_t out[SIM_RDATA_MAX])
{
	const struct zone_keys *keys = signed_keys(zone);
	memcpy(out, keys->ksk_rdata, keys->ksk_len);
	return keys->ksk_len;
}

/* DS for the delegations to zones that were signed before; where the zone has some already, they are left alone. */
static void add_ds(struct job *job)
{
	for (unsigned i = 0; i < job->sim->signed_count; i++) {
		const struct zone_keys *child = find_keys(job->sim->zones[i].zone);
		if ((child->faults & SIM_NO_DS) != 0 || !is_cut(job, child->zone) || has(job, child->zone, RR_DS)) {
			continue;
		}
		uint8_t rdata[SIM_RDATA_MAX];
		uint16_t len = make_ds(child, rdata);
		for (unsigned n = 0; n < child->junk_ds; n++) {
			uint8_t junk[SIM_RDATA_MAX];
			memcpy(junk, rdata, 4);
			rand_bytes(junk + 4, len - 4u);
			add(job, child->zone, KEYS_TTL, RR_DS, junk, len);
		}
		add(job, child->zone, KEYS_TTL, RR_DS, rdata, len);
	}
}

/* --- signatures ------------------------------------------------------------------------------------- */

static int compare_rdata(const void *a, const void *b)
{
	const struct sim_record *const *x = a;
	const struct sim_record *const *y = b;
	return canonical_compare((*x)->type, (*x)->rdata, (*x)->rdata_len, (*y)->rdata, (*y)->rdata_len);
}

static bool is_chosen(const struct sim_signing *how, const uint8_t *owner, uint16_t type)
{
	uint8_t name[DNAME_MAX];
	if (how->fault_name != NULL) {
		sim_name(how->fault_name, name);
	}
	return (how->fault_type == 0 || how->fault_type == type) &&
	       (how->fault_name == NULL || dname_equal(name, owner));
}

/* RFC 4034 3.1: everything before the signature. */
static void sink_head(struct sink *s, const struct job *job, const struct sim_record *first, unsigned faults,
		      uint16_t tag)
{
	static const uint8_t wrong[] = { 5, 'w', 'r', 'o', 'n', 'g', 0 };
	uint32_t expiration = SIM_SIGN_TIME + SIM_SIGN_AFTER;
	uint32_t inception = SIM_SIGN_TIME - SIM_SIGN_BEFORE;
	unsigned labels = dname_label_count(first->owner) - dname_is_wildcard(first->owner);
	if ((faults & SIM_EXPIRED) != 0) {
		expiration = SIM_SIGN_TIME - SIM_SIGN_WRONG;
		inception = expiration - SIM_SIGN_AFTER;
	}
	if ((faults & SIM_NOT_YET) != 0) {
		inception = SIM_SIGN_TIME + SIM_SIGN_WRONG;
	}
	uint8_t signer[DNAME_MAX];
	size_t signer_len = dname_copy_lower(signer, (faults & SIM_WRONG_SIGNER) != 0 ? wrong : job->zone);
	sink_u16(s, first->type);
	sink_u8(s, job->number);
	sink_u8(s, (uint8_t)(labels + ((faults & SIM_WRONG_LABELS) != 0)));
	sink_u32(s, first->ttl);
	sink_u32(s, expiration);
	sink_u32(s, inception);
	sink_u16(s, (faults & SIM_WRONG_TAG) != 0 ? tag ^ 0x5555 : tag);
	sink_bytes(s, signer, signer_len);
}

static void sign_set(struct job *job, const struct sim_record **set, unsigned count)
{
	static uint8_t message[SET_MAX * 256];
	const struct sim_record *first = set[0];
	bool is_keys = first->type == RR_DNSKEY;
	unsigned faults = is_chosen(job->how, first->owner, first->type) ? job->how->faults : 0;
	unsigned junk = is_chosen(job->how, first->owner, first->type) ? job->how->junk_signatures : 0;
	if ((faults & SIM_NO_RRSIG) != 0) {
		return;
	}
	struct sink s = sink_of(message, sizeof(message));
	sink_head(&s, job, first, faults, is_keys ? job->ksk_tag : job->zsk_tag);
	size_t head = s.pos;
	qsort(set, count, sizeof(*set), compare_rdata);
	for (unsigned i = 0; i < count; i++) {
		uint8_t owner[DNAME_MAX];
		uint8_t rdata[SIM_RDATA_MAX];
		if (i > 0 && compare_rdata(&set[i - 1], &set[i]) == 0) {
			continue; /* RFC 4034 6.3: twice the same record is one */
		}
		sink_bytes(&s, owner, dname_copy_lower(owner, first->owner));
		sink_u16(&s, first->type);
		sink_u16(&s, CLASS_IN);
		sink_u32(&s, first->ttl);
		memcpy(rdata, set[i]->rdata, set[i]->rdata_len);
		canonical_fold(first->type, rdata);
		sink_blob(&s, rdata, set[i]->rdata_len);
	}
	cr_assert_not(s.failed);
	uint8_t rdata[18 + DNAME_MAX + SIM_SIGNATURE_MAX];
	memcpy(rdata, message, head);
	size_t len = sim_key_sign(is_keys ? job->keys->ksk : job->keys->zsk, message, s.pos, rdata + head);
	for (unsigned i = 0; i < junk; i++) {
		uint8_t other[sizeof(rdata)];
		memcpy(other, rdata, head);
		rand_bytes(other + head, len);
		other[head] &= 0x7f; /* below the modulus, so that all of the work is done */
		add(job, first->owner, first->ttl, RR_RRSIG, other, head + len);
	}
	if ((faults & SIM_FLIPPED) != 0) {
		rdata[head + len / 2] ^= 0x10;
	}
	add(job, first->owner, first->ttl, RR_RRSIG, rdata, head + len);
}

/* RFC 4035 2.2: all but delegations and what is below them. */
static bool is_signed(const struct job *job, const struct sim_record *rr)
{
	return rr->type != RR_RRSIG && !is_below_cut(job, rr->owner) &&
	       (!is_cut(job, rr->owner) || rr->type == RR_DS || rr->type == RR_NSEC);
}

static void sign_all(struct job *job)
{
	unsigned end = job->sim->record_count; /* RRSIGs come behind it */
	bool *done = calloc(end, sizeof(*done));
	cr_assert_not_null(done);
	for (unsigned i = 0; i < end; i++) {
		const struct sim_record *first = &job->sim->records[i];
		const struct sim_record *set[SET_MAX];
		unsigned count = 0;
		if (done[i] || !is_of(job, first) || !is_signed(job, first)) {
			continue;
		}
		for (unsigned j = i; j < end; j++) {
			const struct sim_record *rr = &job->sim->records[j];
			if (rr->type == first->type && is_of(job, rr) && dname_equal(rr->owner, first->owner)) {
				cr_assert_lt(count, SET_MAX);
				set[count++] = rr;
				done[j] = true;
			}
		}
		sign_set(job, set, count);
	}
	free(done);
}

/* --- NSEC and NSEC3 --------------------------------------------------------------------------------- */

struct node {
	uint8_t name[DNAME_MAX];
	uint8_t hash[NSEC3_HASH_SIZE];
};

struct nodes {
	struct node *list;
	unsigned count;
	unsigned cap;
};

static void add_node(struct nodes *nodes, const uint8_t *name)
{
	for (unsigned i = 0; i < nodes->count; i++) {
		if (dname_equal(nodes->list[i].name, name)) {
			return;
		}
	}
	cr_assert_lt(nodes->count, nodes->cap);
	memcpy(nodes->list[nodes->count++].name, name, dname_len(name));
}

/* Names of the chain: owners, for NSEC3 also empty non-terminals, but no delegations that opted out. */
static struct nodes collect(const struct job *job)
{
	struct nodes nodes = { .cap = 4 * SIM_RECORDS_MAX };
	nodes.list = calloc(nodes.cap, sizeof(*nodes.list));
	cr_assert_not_null(nodes.list);
	for (unsigned i = 0; i < job->sim->record_count; i++) {
		const struct sim_record *rr = &job->sim->records[i];
		bool opted_out = job->how->opt_out && is_cut(job, rr->owner) && !has(job, rr->owner, RR_DS);
		if (!is_of(job, rr) || is_below_cut(job, rr->owner) || opted_out) {
			continue;
		}
		add_node(&nodes, rr->owner);
		for (const uint8_t *up = rr->owner; job->how->nsec3 && !dname_equal(up, job->zone);) {
			up = dname_parent(up);
			add_node(&nodes, up);
		}
	}
	return nodes;
}

static int compare_names(const void *a, const void *b)
{
	return dname_compare(((const struct node *)a)->name, ((const struct node *)b)->name);
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(((const struct node *)a)->hash, ((const struct node *)b)->hash, NSEC3_HASH_SIZE);
}

/* RFC 4034 4.1.2. The types are those that the name will have when all is signed. */
static void sink_bitmap(struct sink *s, const struct job *job, const uint8_t *name, bool is_nsec)
{
	static bool types[65536];
	bool cut = is_cut(job, name);
	bool any_signed = is_nsec;
	memset(types, 0, sizeof(types));
	for (unsigned i = 0; i < job->sim->record_count; i++) {
		const struct sim_record *rr = &job->sim->records[i];
		if (is_of(job, rr) && dname_equal(rr->owner, name) && rr->type != RR_NSEC3 &&
		    (!cut || rr->type == RR_NS || rr->type == RR_DS)) {
			types[rr->type] = true;
			any_signed = any_signed || is_signed(job, rr);
		}
	}
	types[RR_NSEC] = is_nsec;
	types[RR_RRSIG] = any_signed;
	for (unsigned window = 0; window < 256; window++) {
		uint8_t bits[32] = { 0 };
		uint8_t len = 0;
		for (unsigned n = 0; n < 256; n++) {
			if (types[window << 8 | n]) {
				bits[n / 8] |= (uint8_t)(0x80 >> n % 8);
				len = (uint8_t)(n / 8 + 1);
			}
		}
		if (len > 0) {
			sink_u8(s, (uint8_t)window);
			sink_u8(s, len);
			sink_bytes(s, bits, len);
		}
	}
}

static void add_nsec(struct job *job)
{
	struct nodes nodes = collect(job);
	qsort(nodes.list, nodes.count, sizeof(*nodes.list), compare_names);
	for (unsigned i = 0; i < nodes.count; i++) {
		uint8_t rdata[SIM_RDATA_MAX];
		const uint8_t *next = nodes.list[(i + 1) % nodes.count].name;
		struct sink s = sink_of(rdata, sizeof(rdata));
		sink_bytes(&s, next, dname_len(next));
		sink_bitmap(&s, job, nodes.list[i].name, true);
		cr_assert_not(s.failed);
		add(job, nodes.list[i].name, DENIAL_TTL, RR_NSEC, rdata, s.pos);
	}
	free(nodes.list);
}

/* Hash, flags, iterations, salt (RFC 5155 3.1, 4.1). */
static void sink_nsec3_head(struct sink *s, const struct sim_signing *how, uint8_t flags)
{
	size_t salt_len = how->salt == NULL ? 0 : strlen(how->salt);
	sink_u8(s, 1);
	sink_u8(s, flags);
	sink_u16(s, how->iterations);
	sink_u8(s, (uint8_t)salt_len);
	sink_bytes(s, how->salt, salt_len);
}

static void add_nsec3(struct job *job)
{
	const struct sim_signing *how = job->how;
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	uint8_t rdata[SIM_RDATA_MAX];
	struct sink s = sink_of(rdata, sizeof(rdata));
	cr_assert_not_null(hasher);
	sink_nsec3_head(&s, how, 0);
	add(job, job->zone, 0, RR_NSEC3PARAM, rdata, s.pos);

	struct nodes nodes = collect(job);
	for (unsigned i = 0; i < nodes.count; i++) {
		cr_assert_eq(nsec3_hash(hasher, nodes.list[i].name, (const uint8_t *)how->salt,
					how->salt == NULL ? 0 : strlen(how->salt), how->iterations,
					nodes.list[i].hash), BH_OK);
	}
	nsec3_hasher_free(hasher);
	qsort(nodes.list, nodes.count, sizeof(*nodes.list), compare_hashes);
	for (unsigned i = 0; i < nodes.count; i++) {
		uint8_t owner[33 + DNAME_MAX] = { 32 };
		base32hex_encode(nodes.list[i].hash, NSEC3_HASH_SIZE, owner + 1);
		memcpy(owner + 33, job->zone, dname_len(job->zone));
		cr_assert_leq(dname_len(owner), DNAME_MAX);
		s = sink_of(rdata, sizeof(rdata));
		sink_nsec3_head(&s, how, how->opt_out ? 1 : 0);
		sink_u8(&s, NSEC3_HASH_SIZE);
		sink_bytes(&s, nodes.list[(i + 1) % nodes.count].hash, NSEC3_HASH_SIZE);
		sink_bitmap(&s, job, nodes.list[i].name, false);
		cr_assert_not(s.failed);
		add(job, owner, DENIAL_TTL, RR_NSEC3, rdata, s.pos);
	}
	free(nodes.list);
}

/* --- all of it -------------------------------------------------------------------------------------- */

static void enlist(const struct job *job)
{
	const struct sim_signing *how = job->how;
	cr_assert_lt(job->sim->signed_count, SIM_SIGNED_MAX);
	struct sim_signed *z = &job->sim->zones[job->sim->signed_count++];
	z->server = job->server;
	memcpy(z->zone, job->zone, sizeof(z->zone));
	z->nsec3 = how->nsec3;
	z->iterations = how->iterations;
	z->salt_len = (uint8_t)(how->salt == NULL ? 0 : strlen(how->salt));
	cr_assert_leq(z->salt_len, sizeof(z->salt));
	memcpy(z->salt, how->salt == NULL ? "" : how->salt, z->salt_len);
	z->strip = how->strip;
}

static struct job job_of(struct sim *sim, const char *addr, const char *zone, const struct sim_signing *how)
{
	struct job job = { .sim = sim, .how = how };
	job.server = (unsigned)(sim_server(sim, addr) - sim->servers);
	sim_name(zone, job.zone);
	return job;
}

void sim_sign(struct sim *sim, const char *addr, const char *zone, const struct sim_signing *how)
{
	struct job job = job_of(sim, addr, zone, how);
	cr_assert(has(&job, job.zone, RR_SOA), "%s is not on %s", zone, addr);
	cr_assert_not(has(&job, job.zone, RR_RRSIG), "%s is signed already on %s", zone, addr);
	job.keys = keys_of(job.zone, how);
	job.number = (how->faults & SIM_UNKNOWN_ALGORITHM) != 0 ? UNKNOWN_ALGORITHM : job.keys->algorithm;
	add_keys(&job);
	add_ds(&job);
	if (how->nsec3) {
		add_nsec3(&job);
	} else {
		add_nsec(&job);
	}
	sign_all(&job);
	enlist(&job);
}

static void dump_record(const struct sim_record *rr, FILE *out)
{
	char owner[DNAME_TEXT_MAX];
	char type[RR_TYPE_TEXT_MAX];
	fprintf(out, "%s %u IN %s \\# %u ", dname_text(rr->owner, owner), (unsigned)rr->ttl,
		rr_type_text(rr->type, type), (unsigned)rr->rdata_len);
	for (unsigned i = 0; i < rr->rdata_len; i++) {
		fprintf(out, "%02x", rr->rdata[i]);
	}
	fputc('\n', out);
}

void sim_sign_dump(const struct sim *sim, const char *addr, const char *zone, FILE *out)
{
	struct job job = job_of((struct sim *)(uintptr_t)sim, addr, zone, NULL);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < sim->record_count; i++) {
			const struct sim_record *rr = &sim->records[i];
			if (is_of(&job, rr) && (rr->type == RR_SOA) == (turn == 0)) {
				dump_record(rr, out);
			}
		}
	}
}
