/*
 * Proofs of absence: NSEC3 RRsets, kept apart from the tree, the chain that is used of them, and what proves
 * absence at and below each node (union image_denial).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/nsec3.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "common/zone/builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* RFC 5155 11: the only one. */
#define NSEC3_SHA1 1

static_assert(IMAGE_NSEC3_HASH == NSEC3_HASH_SIZE, "hashes of the image are those that are computed");

int image_builder_warm(void)
{
	struct nsec3_hasher *hasher = nsec3_hasher_new();
	nsec3_hasher_free(hasher);
	return hasher == NULL ? BH_ESYS : builder_warm_zonemd();
}

struct nsec3_params builder_nsec3_params(const struct image_builder *b, const struct builder_record *r)
{
	const uint8_t *rdata = builder_rdata(b, r);
	return (struct nsec3_params){
		.algorithm = rdata[0],
		.flags = rdata[1],
		.iterations = get_u16(rdata + 2),
		.salt_len = rdata[4],
		.salt = rdata + 5,
	};
}

static bool same_chain(const struct nsec3_params *x, const struct nsec3_params *y)
{
	return x->algorithm == y->algorithm && x->iterations == y->iterations && x->salt_len == y->salt_len &&
	       memcmp(x->salt, y->salt, x->salt_len) == 0;
}

static const uint8_t *hash_of_record(const struct image_builder *b, uint32_t record)
{
	return b->nsec3_owners[b->records[record].name & ~BUILDER_APART].hash;
}

/* A record apart, and the first octets of its owner's hash: they nearly always tell two apart. */
struct item {
	uint64_t word;
	uint32_t record;
};

static int compare_items(const void *x, const void *y, void *builder)
{
	const struct image_builder *b = builder;
	const struct item *p = x;
	const struct item *q = y;
	if (p->word != q->word) {
		return p->word < q->word ? -1 : 1;
	}
	int diff = memcmp(hash_of_record(b, p->record), hash_of_record(b, q->record), IMAGE_NSEC3_HASH);
	if (diff == 0) {
		diff = builder_compare(b, p->record, q->record);
	}
	return diff != 0 ? diff : (p->record > q->record) - (p->record < q->record);
}

/* Records apart into out: by hash of the owner, then like those of a node. */
static int order_apart(struct image_builder *b, uint32_t *out)
{
	struct item *items = malloc(b->nsec3_record_count * sizeof(*items));
	if (items == NULL) {
		return BH_ENOMEM;
	}
	size_t count = 0;
	bool in_order = true; /* as signers and servers write them */
	for (size_t i = 0; i < b->record_count; i++) {
		if (builder_is_apart(&b->records[i])) {
			const uint8_t *hash = hash_of_record(b, (uint32_t)i);
			items[count] = (struct item){
				.word = get_u64(hash),
				.record = (uint32_t)i,
			};
			in_order = in_order && (count == 0 || compare_items(&items[count - 1], &items[count], b) < 0);
			count++;
		}
	}
	if (!in_order) {
		qsort_r(items, count, sizeof(*items), compare_items, b);
	}
	for (size_t i = 0; i < count; i++) {
		out[i] = items[i].record;
	}
	free(items);
	return BH_OK;
}

/* An owner without NSEC3 has but signatures: they are left out. */
static int reject_signatures(struct image_builder *b, const uint32_t *records, size_t count)
{
	struct nsec3_owner hash;
	memcpy(hash.hash, hash_of_record(b, records[0]), sizeof(hash.hash));
	int err = BH_OK;
	for (size_t i = 0; i < count && err == BH_OK; i++) {
		err = builder_reject_nsec3(b, &hash, &b->records[records[i]]);
	}
	return err;
}

/* The RRset of the owner of records[0..count), which go to plan.order. */
static int add_nsec3(struct image_builder *b, const uint32_t *records, size_t count)
{
	struct builder_plan *plan = &b->plan;
	if (b->records[records[0]].type == RR_RRSIG) { /* they sort behind NSEC3 */
		return reject_signatures(b, records, count);
	}
	uint32_t first = plan->order_count;
	uint32_t all = (uint32_t)builder_drop_duplicates(b, records, count, plan->order + first);
	uint32_t nsec3s = 0;
	while (nsec3s < all && b->records[plan->order[first + nsec3s]].type == RR_NSEC3) {
		nsec3s++;
	}
	struct image_nsec3 *nsec3 = &plan->nsec3[plan->nsec3_count++];
	memcpy(nsec3->hash, hash_of_record(b, records[0]), sizeof(nsec3->hash));
	nsec3->rrset = plan->rrset_count;
	plan->order_count += all;
	return builder_add_rrset(b, first, nsec3s, all - nsec3s);
}

int builder_plan_nsec3(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	size_t all = b->nsec3_record_count;
	if (all == 0) {
		return BH_OK;
	}
	uint32_t *order = malloc(all * sizeof(*order));
	plan->nsec3 = malloc(all * sizeof(*plan->nsec3));
	int err = order == NULL || plan->nsec3 == NULL ? BH_ENOMEM : order_apart(b, order);

	size_t end;
	for (size_t begin = 0; begin < all && err == BH_OK; begin = end) {
		const uint8_t *hash = hash_of_record(b, order[begin]);
		end = begin + 1;
		while (end < all && memcmp(hash_of_record(b, order[end]), hash, IMAGE_NSEC3_HASH) == 0) {
			end++;
		}
		err = add_nsec3(b, order + begin, end - begin);
	}
	free(order);
	return err;
}

/* Is an NSEC3 RRset one of the chain, such as the image promises? */
static bool belongs(const struct image_builder *b, uint32_t rrset, const struct nsec3_params *chain)
{
	struct builder_set set = builder_set_at(b, rrset);
	const struct builder_record *r = &b->records[set.records[0]];
	struct nsec3_params params = builder_nsec3_params(b, r);
	return set.record_count == 1 && same_chain(&params, chain) &&
	       params.salt[params.salt_len] == IMAGE_NSEC3_HASH; /* octets of the next hash */
}

/*
 * Put the RRsets of a chain before the others, in the same order; their RRsets follow the order of nsec3[].
 * *out: how many they are.
 */
static int gather_chain(struct image_builder *b, const struct nsec3_params *chain, uint32_t *out)
{
	struct builder_plan *plan = &b->plan;
	uint32_t count = 0;
	for (uint32_t i = 0; i < plan->nsec3_count; i++) {
		count += belongs(b, plan->nsec3[i].rrset, chain);
	}
	*out = count;
	if (count == plan->nsec3_count) {
		return BH_OK;
	}
	uint32_t base = plan->rrset_count - plan->nsec3_count;
	struct image_nsec3 *nsec3 = malloc(plan->nsec3_count * sizeof(*nsec3));
	struct image_rrset *rrsets = malloc(plan->nsec3_count * sizeof(*rrsets));
	uint32_t *sigs = malloc(plan->nsec3_count * sizeof(*sigs));
	struct builder_place *places = malloc(plan->nsec3_count * sizeof(*places));
	if (nsec3 == NULL || rrsets == NULL || sigs == NULL || places == NULL) {
		free(nsec3);
		free(rrsets);
		free(sigs);
		free(places);
		return BH_ENOMEM;
	}
	uint32_t in_chain = 0;
	uint32_t other = count;
	for (uint32_t i = 0; i < plan->nsec3_count; i++) {
		uint32_t to = belongs(b, plan->nsec3[i].rrset, chain) ? in_chain++ : other++;
		nsec3[to] = plan->nsec3[i];
		nsec3[to].rrset = base + to;
		rrsets[to] = plan->rrsets[base + i];
		sigs[to] = plan->sigs[base + i];
		places[to] = plan->places[base + i];
	}
	free(plan->nsec3);
	plan->nsec3 = nsec3;
	plan->view.nsec3 = nsec3;
	memcpy(plan->rrsets + base, rrsets, plan->nsec3_count * sizeof(*rrsets));
	memcpy(plan->sigs + base, sigs, plan->nsec3_count * sizeof(*sigs));
	memcpy(plan->places + base, places, plan->nsec3_count * sizeof(*places));
	free(rrsets);
	free(sigs);
	free(places);
	return BH_OK;
}

/* Does the chain have the hash of the apex? All NSEC3 are still sorted by hash. */
static int has_apex(struct image_builder *b, struct nsec3_hasher *hasher, const struct nsec3_params *chain,
		    bool *out)
{
	uint8_t hash[NSEC3_HASH_SIZE];
	int err = nsec3_hash(hasher, b->apex, chain->salt, chain->salt_len, chain->iterations, hash);
	if (err != BH_OK) {
		return err;
	}
	struct builder_plan *plan = &b->plan;
	plan->header.nsec3_chain = plan->nsec3_count; /* for the search only */
	uint32_t at = image_nsec3_find(&plan->view, hash);
	plan->header.nsec3_chain = 0;
	*out = memcmp(plan->nsec3[at].hash, hash, sizeof(hash)) == 0 && belongs(b, plan->nsec3[at].rrset, chain);
	return BH_OK;
}

/* RFC 5155 4.1.2, 7.2: an NSEC3PARAM without flags says that its chain is complete. Sets flags and chain. */
static int choose_chain(struct image_builder *b, struct nsec3_hasher *hasher)
{
	struct builder_plan *plan = &b->plan;
	struct builder_set set = builder_find_set(b, 0, RR_NSEC3PARAM);
	int err = BH_OK;
	for (uint32_t i = 0; i < set.record_count && plan->nsec3_count > 0 && err == BH_OK; i++) {
		struct nsec3_params chain = builder_nsec3_params(b, &b->records[set.records[i]]);
		bool usable = chain.algorithm == NSEC3_SHA1 && chain.flags == 0 &&
			      chain.iterations <= NSEC3_ITERATIONS_MAX;
		if (usable) {
			err = has_apex(b, hasher, &chain, &usable);
		}
		if (err == BH_OK && usable) {
			plan->flags |= IMAGE_NSEC3;
			plan->nsec3param = set.records[i];
			return gather_chain(b, &chain, &plan->header.nsec3_chain);
		}
	}
	return err;
}

/* Hand nodes to their parents, by counting. Owners are there. last[n]: the last node at or below n. */
static void plan_children(struct image_builder *b, const uint32_t *last)
{
	struct builder_plan *plan = &b->plan;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		plan->denial[n].nsec.first_child = 0;
	}
	for (uint32_t n = 1; n < plan->node_count; n++) {
		plan->denial[plan->nodes[n].parent].nsec.first_child++;
	}
	uint32_t sum = 0;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		sum += plan->denial[n].nsec.first_child;
		plan->denial[n].nsec.first_child = sum; /* where they end */
	}
	for (uint32_t n = plan->node_count; n-- > 1;) { /* so the last one of a parent goes to its end */
		uint32_t place = --plan->denial[plan->nodes[n].parent].nsec.first_child;
		plan->child_keys[place] = image_label_key(b->arena + plan->nodes[n].name);
		plan->children[place] = (struct image_child){ .node = n, .owner = plan->denial[last[n]].nsec.owner };
	}
}

static int plan_nsec(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	uint32_t owner = 0;
	uint32_t *last = malloc(plan->node_count * sizeof(*last));
	plan->child_keys = malloc(builder_children_size(plan) + 1); /* there may be none */
	if (last == NULL || plan->child_keys == NULL) {
		free(last);
		return BH_ENOMEM;
	}
	plan->children = (void *)(plan->child_keys + plan->node_count - 1);
	for (uint32_t n = 0; n < plan->node_count; n++) {
		bool occluded = (plan->nodes[n].flags & IMAGE_NODE_OCCLUDED) != 0;
		if (!occluded && builder_find_set(b, n, RR_NSEC).record_count > 0) {
			owner = n;
		}
		plan->denial[n].nsec.owner = owner;
		last[n] = n;
	}
	/* Children come behind their parents, the last one last. */
	for (uint32_t n = plan->node_count; n-- > 1;) {
		uint32_t parent = plan->nodes[n].parent;
		last[parent] = last[parent] < last[n] ? last[n] : last[parent];
	}
	plan_children(b, last);
	free(last);
	return BH_OK;
}

/* What matches or covers a name in the chain. */
static int find_in_chain(const struct image_builder *b, struct nsec3_hasher *hasher, const uint8_t *name,
			 uint32_t *out, bool *matches)
{
	const struct builder_plan *plan = &b->plan;
	struct nsec3_params chain = builder_nsec3_params(b, &b->records[plan->nsec3param]);
	uint8_t hash[NSEC3_HASH_SIZE];
	int err = nsec3_hash(hasher, name, chain.salt, chain.salt_len, chain.iterations, hash);
	if (err == BH_OK) {
		*out = image_nsec3_find(&plan->view, hash);
		*matches = memcmp(plan->nsec3[*out].hash, hash, sizeof(hash)) == 0;
	}
	return err;
}

static int plan_nsec3_of(struct image_builder *b, struct nsec3_hasher *hasher, uint32_t n)
{
	struct builder_plan *plan = &b->plan;
	union image_denial *denial = &plan->denial[n];
	const struct image_node *node = &plan->nodes[n];
	denial->nsec3.match = IMAGE_NONE;
	denial->nsec3.cover = IMAGE_NONE;
	if ((node->flags & IMAGE_NODE_OCCLUDED) != 0) {
		return BH_OK;
	}
	/* "*" and the name in one piece. */
	uint8_t name[2 + DNAME_MAX] = { 1, '*' };
	const uint8_t *own = b->arena + node->name;
	memcpy(name + 2, own, dname_len(own));
	uint32_t found;
	bool matches;
	int err = find_in_chain(b, hasher, name + 2, &found, &matches);
	if (err != BH_OK) {
		return err;
	}
	if (!matches) {
		denial->nsec3.cover = found;
		return BH_OK;
	}
	denial->nsec3.match = found;
	bool closed = (node->flags & (IMAGE_NODE_CUT | IMAGE_NODE_DNAME)) != 0;
	if (closed || dname_len(own) + 2 > DNAME_MAX) { /* no name is below it */
		return BH_OK;
	}
	return find_in_chain(b, hasher, name, &denial->nsec3.cover, &matches);
}

int builder_plan_denial(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	plan->view.nsec3 = plan->nsec3;
	if (builder_find_set(b, 0, RR_DNSKEY).record_count == 0 || builder_find_set(b, 0, RR_SOA).sig_count == 0) {
		return BH_OK;
	}
	plan->flags = IMAGE_SIGNED;
	struct nsec3_hasher *hasher = NULL;
	int err = BH_OK;
	if (plan->nsec3_count > 0) {
		hasher = nsec3_hasher_new();
		err = hasher == NULL ? BH_ENOMEM : choose_chain(b, hasher);
	}
	bool nsec = builder_find_set(b, 0, RR_NSEC).record_count > 0;
	if (err == BH_OK && ((plan->flags & IMAGE_NSEC3) != 0 || nsec)) {
		plan->denial = malloc(plan->node_count * sizeof(*plan->denial));
		err = plan->denial == NULL ? BH_ENOMEM : BH_OK;
	}
	if (err == BH_OK && (plan->flags & IMAGE_NSEC3) != 0) {
		for (uint32_t n = 0; n < plan->node_count && err == BH_OK; n++) {
			err = plan_nsec3_of(b, hasher, n);
		}
	} else if (err == BH_OK && nsec) {
		plan->flags |= IMAGE_NSEC;
		err = plan_nsec(b);
	}
	nsec3_hasher_free(hasher);
	return err;
}
