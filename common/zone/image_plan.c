/*
 * The plan of an image: names into canonical order, the tree with its empty non-terminals, records to
 * their nodes and RRsets, the hash slots.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/fold.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "common/zone/builder.h"
#include "common/zone/canonical.h"
#include "common/zone/name_sort.h"

#include <assert.h>
#include <stdlib.h>

/* Up to here records of a node are sorted by insertion; zones seldom have more. */
#define FEW_RECORDS 16

uint16_t builder_set_type(const struct image_builder *b, const struct builder_record *r)
{
	return r->type == RR_RRSIG ? get_u16(builder_rdata(b, r)) : r->type;
}

/* The RRset that begins at order[at]; all records of its owner end at `end`. Returns where the next one is. */
static uint32_t take_set(const struct image_builder *b, const uint32_t *order, uint32_t at, uint32_t end,
			 struct builder_set *out)
{
	*out = (struct builder_set){ .type = builder_set_type(b, &b->records[order[at]]) };
	out->records = order + at;
	while (at < end && b->records[order[at]].type == out->type && out->type != RR_RRSIG) {
		at++;
		out->record_count++;
	}
	out->sigs = order + at;
	while (at < end && b->records[order[at]].type == RR_RRSIG &&
	       builder_set_type(b, &b->records[order[at]]) == out->type) {
		at++;
		out->sig_count++;
	}
	return at;
}

bool builder_next_set(const struct image_builder *b, uint32_t node, uint32_t *pos, struct builder_set *out)
{
	uint32_t end = b->plan.first[node + 1];
	if (*pos == end) {
		return false;
	}
	*pos = take_set(b, b->plan.order, *pos, end, out);
	return true;
}

struct builder_set builder_nsec3_set(const struct image_builder *b, uint32_t rrset)
{
	const struct builder_plan *plan = &b->plan;
	struct builder_set set;
	(void)take_set(b, plan->nsec3_order, plan->nsec3_first[rrset], plan->nsec3_first[rrset + 1], &set);
	return set;
}

struct builder_set builder_find_set(const struct image_builder *b, uint32_t node, uint16_t type)
{
	struct builder_set set;
	uint32_t pos = b->plan.first[node];
	while (builder_next_set(b, node, &pos, &set)) {
		if (set.type == type && set.record_count > 0) {
			return set;
		}
	}
	return (struct builder_set){ .type = type };
}

int builder_compare(const struct image_builder *b, uint32_t x, uint32_t y)
{
	const struct builder_record *p = &b->records[x];
	const struct builder_record *q = &b->records[y];
	if (p->type != q->type) {
		uint16_t p_set = builder_set_type(b, p);
		uint16_t q_set = builder_set_type(b, q);
		return p_set != q_set ? (int)p_set - (int)q_set : (p->type == RR_RRSIG) - (q->type == RR_RRSIG);
	}
	/* RDATA of signatures begins with the covered type. */
	return canonical_compare(p->type, builder_rdata(b, p), p->rdata_len, builder_rdata(b, q), q->rdata_len);
}

static int compare_for_qsort(const void *x, const void *y, void *builder)
{
	uint32_t p;
	uint32_t q;
	memcpy(&p, x, sizeof(p));
	memcpy(&q, y, sizeof(q));
	int diff = builder_compare(builder, p, q);
	return diff != 0 ? diff : (p > q) - (p < q); /* of duplicates the first in the text stays */
}

static void sort_records(struct image_builder *b, uint32_t *order, size_t count)
{
	if (count > FEW_RECORDS) {
		qsort_r(order, count, sizeof(*order), compare_for_qsort, b);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		uint32_t record = order[i];
		size_t at = i;
		for (; at > 0 && builder_compare(b, order[at - 1], record) > 0; at--) {
			order[at] = order[at - 1];
		}
		order[at] = record;
	}
}

/* Of equal neighbours the one that stays has the lowest TTL. */
size_t builder_drop_duplicates(struct image_builder *b, const uint32_t *from, size_t count, uint32_t *to)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || builder_compare(b, to[kept - 1], from[i]) != 0) {
			to[kept++] = from[i];
			continue;
		}
		struct builder_record *first = &b->records[to[kept - 1]];
		const struct builder_record *again = &b->records[from[i]];
		if (first->ttl != again->ttl) {
			first->ttl = first->ttl < again->ttl ? first->ttl : again->ttl;
			first->ttl_differs = 1;
		}
	}
	return kept;
}

/* Records of names that have nothing but signatures are left out: the names would be empty leaves. */
static int reject_lone_signatures(struct image_builder *b, const uint8_t *used)
{
	int err = BH_OK;
	for (size_t i = 0; i < b->record_count && err == BH_OK; i++) {
		const struct builder_record *r = &b->records[i];
		if (!builder_is_apart(r) && !used[r->name]) {
			struct builder_reject reject = {
				.owner = b->name_offsets[r->name], .line = r->line, .file = r->file,
				.type = builder_set_type(b, r), .reason = REJECT_LONE_SIGNATURE,
			};
			err = builder_reject(b, &reject);
		}
	}
	return err;
}

/* Ids of the names that become nodes, in canonical order. */
static int sorted_names(struct image_builder *b, uint32_t **out, size_t *out_count)
{
	uint8_t *used = calloc(b->name_count, 1);
	uint32_t *ids = malloc(b->name_count * sizeof(*ids));
	int err = BH_ENOMEM;
	if (used == NULL || ids == NULL) {
		goto out;
	}
	used[0] = 1; /* the apex is a node whatever it has */
	for (size_t i = 0; i < b->record_count; i++) {
		const struct builder_record *r = &b->records[i];
		if (r->type != RR_RRSIG && !builder_is_apart(r)) {
			used[r->name] = 1;
		}
	}
	size_t count = 0;
	for (size_t i = 0; i < b->name_count; i++) {
		if (used[i]) {
			ids[count++] = (uint32_t)i;
		}
	}
	if (count < b->name_count) {
		err = reject_lone_signatures(b, used);
		if (err != BH_OK) {
			goto out;
		}
	}
	err = name_sort(b->arena, b->name_offsets, b->apex_labels, ids, count);
	if (err == BH_OK) {
		*out = ids;
		*out_count = count;
		ids = NULL;
	}
out:
	free(ids);
	free(used);
	return err;
}

static int add_node(struct builder_plan *plan, size_t *cap, struct image_node node)
{
	if (plan->node_count == IMAGE_NODES_MAX) {
		return BH_ELIMIT;
	}
	if (plan->node_count == *cap) {
		size_t want = *cap + *cap / 4 + 64;
		struct image_node *nodes = realloc(plan->nodes, want * sizeof(*nodes));
		if (nodes == NULL) {
			return BH_ENOMEM;
		}
		plan->nodes = nodes;
		*cap = want;
	}
	plan->nodes[plan->node_count++] = node;
	return BH_OK;
}

/* The path from the apex to the node that was made last. */
struct path {
	unsigned depth;
	struct {
		uint32_t node;
		uint64_t hash;
	} levels[DNAME_LABELS_MAX + 1];
};

static int make_apex(struct image_builder *b, size_t *cap, struct path *path)
{
	uint64_t hash = IMAGE_HASH_ROOT;
	for (unsigned i = b->apex_labels; i-- > 0;) {
		hash = image_hash_label(hash, dname_skip_labels(b->apex, i));
	}
	path->depth = 0;
	path->levels[0].node = 0;
	path->levels[0].hash = hash;
	b->plan.view.apex_hash = hash;
	return add_node(&b->plan, cap,
			(struct image_node){ .name = b->name_offsets[0], .hash = (uint32_t)hash });
}

/* Add the node of a name that sorts behind all before, and those of the names between that are missing. */
static int make_node(struct image_builder *b, size_t *cap, struct path *path, const uint8_t *name)
{
	const uint8_t *labels[DNAME_LABELS_MAX];
	unsigned count = 0;
	for (; *name != 0; name = dname_parent(name)) {
		labels[count++] = name;
	}
	unsigned below = count - b->apex_labels;

	/* How much of the path to the node before is also on the way to this one. */
	unsigned depth = 0;
	while (depth < path->depth && depth < below) {
		const uint8_t *step = b->arena + b->plan.nodes[path->levels[depth + 1].node].name;
		if (fold_label_compare(step, labels[below - 1 - depth]) != 0) {
			break;
		}
		depth++;
	}
	while (depth < below) {
		const uint8_t *label = labels[below - 1 - depth];
		uint64_t hash = image_hash_label(path->levels[depth].hash, label);
		struct image_node node = {
			.name = (uint32_t)(label - b->arena),
			.parent = path->levels[depth].node,
			.hash = (uint32_t)hash,
			.flags = dname_is_wildcard(label) ? IMAGE_NODE_WILDCARD : 0,
		};
		depth++;
		path->levels[depth].node = b->plan.node_count;
		path->levels[depth].hash = hash;
		int err = add_node(&b->plan, cap, node);
		if (err != BH_OK) {
			return err;
		}
	}
	path->depth = below;
	return BH_OK;
}

/*
 * Make nodes of the sorted names and of the names between them and the apex. node_of[name] becomes the
 * node of each of them. Parents and hashes are set, flags as far as the name alone tells.
 */
static int make_nodes(struct image_builder *b, const uint32_t *names, size_t count, uint32_t *node_of)
{
	struct path path;
	size_t cap = count + count / 8; /* some more for empty non-terminals */
	b->plan.nodes = malloc(cap * sizeof(*b->plan.nodes));
	if (b->plan.nodes == NULL) {
		return BH_ENOMEM;
	}
	assert(count > 0 && names[0] == 0); /* the apex sorts first, and was interned first */
	int err = make_apex(b, &cap, &path);
	node_of[0] = 0;
	for (size_t i = 1; i < count && err == BH_OK; i++) {
		err = make_node(b, &cap, &path, b->arena + b->name_offsets[names[i]]);
		node_of[names[i]] = path.levels[path.depth].node;
	}
	return err;
}

/* The node that a record belongs to, or IMAGE_NONE. */
static uint32_t node_of_record(const struct builder_record *r, const uint32_t *node_of)
{
	return builder_is_apart(r) ? IMAGE_NONE : node_of[r->name];
}

/* Hand the records to their nodes: a counting sort, then each node by itself. */
static int order_records(struct image_builder *b, const uint32_t *node_of)
{
	struct builder_plan *plan = &b->plan;
	plan->first = calloc((size_t)plan->node_count + 1, sizeof(*plan->first));
	plan->order = malloc(b->record_count * sizeof(*plan->order) + 1);
	if (plan->first == NULL || plan->order == NULL) {
		return BH_ENOMEM;
	}
	/* first[n] counts the records of n, then is where they begin, then where the next one goes. */
	for (size_t i = 0; i < b->record_count; i++) {
		uint32_t node = node_of_record(&b->records[i], node_of);
		if (node != IMAGE_NONE) {
			plan->first[node]++;
		}
	}
	uint32_t sum = 0;
	for (uint32_t n = 0; n <= plan->node_count; n++) {
		uint32_t count = plan->first[n];
		plan->first[n] = sum;
		sum += count;
	}
	for (size_t i = 0; i < b->record_count; i++) {
		uint32_t node = node_of_record(&b->records[i], node_of);
		if (node != IMAGE_NONE) {
			plan->order[plan->first[node]++] = (uint32_t)i;
		}
	}
	uint32_t begin = 0; /* of the records as they stand; first[n] is now their end */
	uint32_t kept = 0;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		uint32_t count = plan->first[n] - begin;
		sort_records(b, plan->order + begin, count);
		plan->first[n] = kept;
		kept += (uint32_t)builder_drop_duplicates(b, plan->order + begin, count, plan->order + kept);
		begin += count;
	}
	plan->first[plan->node_count] = kept;
	return BH_OK;
}

/* Flags, RRset numbers, cuts, wildcards: parents come before their children. */
static int describe_nodes(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	uint64_t rrsets = 0;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		struct image_node *node = &plan->nodes[n];
		struct builder_set set;
		bool ns = false;
		uint32_t count = 0;
		for (uint32_t pos = plan->first[n]; builder_next_set(b, n, &pos, &set);) {
			if (set.record_count == 0) {
				continue;
			}
			count++;
			ns |= set.type == RR_NS;
			node->flags |= set.type == RR_CNAME ? IMAGE_NODE_CNAME : 0;
			node->flags |= set.type == RR_DNAME ? IMAGE_NODE_DNAME : 0;
		}
		node->rrset = (uint32_t)rrsets;
		node->rrset_count = (uint16_t)count; /* types without meta types and RRSIG: fits */
		node->flags |= count == 0 ? IMAGE_NODE_ENT : 0;
		rrsets += count;

		node->wildcard = IMAGE_NONE;
		node->cut = IMAGE_NONE;
		node->dname = IMAGE_NONE;
		if (n == 0) {
			continue;
		}
		struct image_node *parent = &plan->nodes[node->parent];
		bool hiding = (parent->flags & IMAGE_NODE_DNAME) != 0 && parent->cut == IMAGE_NONE &&
			      parent->dname == IMAGE_NONE;
		node->dname = hiding ? node->parent : parent->dname;
		node->cut = parent->cut;
		if (node->dname != IMAGE_NONE || node->cut != IMAGE_NONE) {
			node->flags |= IMAGE_NODE_OCCLUDED;
		} else if (ns) {
			node->flags |= IMAGE_NODE_CUT;
			node->cut = n;
		}
		if ((node->flags & IMAGE_NODE_WILDCARD) != 0) {
			parent->wildcard = n;
		}
	}
	if (rrsets > UINT32_MAX) {
		return BH_ELIMIT;
	}
	plan->rrset_count = (uint32_t)rrsets;
	return BH_OK;
}

/* Fill slots; false: a name is too far from its home. */
static bool fill_slots(struct builder_plan *plan, const uint64_t *hashes)
{
	uint32_t mask = plan->slot_count - 1;
	uint32_t index_mask = plan->view.index_mask;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		uint32_t at = (uint32_t)(hashes[n] >> 32) & mask;
		while (plan->slots[at] != 0) {
			at = (at + 1) & mask;
		}
		plan->slots[at] = ((uint32_t)hashes[n] & ~index_mask) | (n + 1);
	}
	/* The longest run of used slots bounds every search; two rounds, as a run can cross the end. */
	uint32_t run = 0;
	for (uint64_t i = 0; i < (uint64_t)plan->slot_count * 2 && run <= IMAGE_PROBES_MAX; i++) {
		run = plan->slots[(uint32_t)i & mask] != 0 ? run + 1 : 0;
	}
	return run <= IMAGE_PROBES_MAX;
}

static int make_slots(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	uint64_t *hashes = malloc(plan->node_count * sizeof(*hashes));
	if (hashes == NULL) {
		return BH_ENOMEM;
	}
	hashes[0] = plan->view.apex_hash;
	for (uint32_t n = 1; n < plan->node_count; n++) {
		const struct image_node *node = &plan->nodes[n];
		hashes[n] = image_hash_label(hashes[node->parent], b->arena + node->name);
	}
	plan->view.index_mask = UINT32_MAX >> __builtin_clz(plan->node_count);
	plan->slot_count = 4;
	while ((uint64_t)plan->slot_count * 2 < (uint64_t)plan->node_count * 3) {
		plan->slot_count *= 2;
	}
	int err = BH_ELIMIT;
	for (unsigned tries = 0; tries < 3; tries++) {
		free(plan->slots);
		plan->slots = calloc(plan->slot_count, sizeof(*plan->slots));
		if (plan->slots == NULL) {
			err = BH_ENOMEM;
			break;
		}
		if (fill_slots(plan, hashes)) {
			err = BH_OK;
			break;
		}
		if (plan->slot_count > UINT32_MAX / 4) {
			break;
		}
		plan->slot_count *= 2;
	}
	free(hashes);
	return err;
}

/* Find the nodes that records point to, and mark those that NS records name. */
static void resolve_targets(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		bool occluded = (plan->nodes[n].flags & IMAGE_NODE_OCCLUDED) != 0;
		for (uint32_t i = plan->first[n]; i < plan->first[n + 1]; i++) {
			struct builder_record *r = &b->records[plan->order[i]];
			if (!canonical_has_target(r->type)) {
				continue;
			}
			struct image_match match = { .node = IMAGE_NONE };
			const uint8_t *target = canonical_target(r->type, builder_rdata(b, r));
			if (dname_is_under(target, b->apex)) {
				image_find(&plan->view, target, &match);
			}
			r->target = match.node;
			if (r->type == RR_NS && match.node != IMAGE_NONE && !occluded) {
				plan->nodes[match.node].flags |= PLAN_NODE_NS_TARGET;
			}
		}
	}
}

static void make_view(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	plan->view.nodes = plan->nodes;
	plan->view.slots = plan->slots;
	plan->view.slot_mask = plan->slot_count - 1;
	plan->view.data = b->arena;
	plan->view.apex = b->apex;
	plan->view.apex_labels = b->apex_labels;
	plan->view.header = &plan->header;
}

int builder_plan(struct image_builder *b)
{
	assert(!b->planned);
	b->planned = true;
	free(b->name_slots); /* most memory is needed from here on */
	b->name_slots = NULL;

	uint32_t *names = NULL;
	size_t count = 0;
	uint32_t *node_of = NULL;
	int err = sorted_names(b, &names, &count);
	if (err != BH_OK) {
		goto out;
	}
	node_of = malloc(b->name_count * sizeof(*node_of));
	if (node_of == NULL) {
		err = BH_ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < b->name_count; i++) {
		node_of[i] = IMAGE_NONE;
	}
	err = make_nodes(b, names, count, node_of);
	if (err == BH_OK) {
		err = order_records(b, node_of);
	}
	if (err == BH_OK) {
		err = describe_nodes(b);
	}
	if (err == BH_OK) {
		err = builder_plan_nsec3(b);
	}
	if (err == BH_OK) {
		err = make_slots(b);
	}
	if (err == BH_OK) {
		make_view(b);
		resolve_targets(b);
		err = builder_plan_denial(b);
	}
out:
	free(names);
	free(node_of);
	return err;
}

void builder_plan_clear(struct builder_plan *plan)
{
	free(plan->nodes);
	free(plan->slots);
	free(plan->order);
	free(plan->first);
	free(plan->denial);
	free(plan->nsec3);
	free(plan->nsec3_order);
	free(plan->nsec3_first);
}
