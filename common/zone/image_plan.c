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
#include "common/dns/canonical.h"
#include "common/zone/name_sort.h"

#include <assert.h>
#include <stdlib.h>

/* Up to here records of a node are sorted by insertion; zones seldom have more. */
#define FEW_RECORDS 16

/* The type of the RRset that a record belongs to: for signatures the covered one. */
static uint16_t set_type_of(const struct image_builder *b, const struct builder_record *r)
{
	return r->type == RR_RRSIG ? get_u16(builder_rdata(b, r)) : r->type;
}

struct builder_set builder_set_at(const struct image_builder *b, uint32_t rrset)
{
	const struct builder_plan *plan = &b->plan;
	const struct builder_place *place = &plan->places[rrset];
	return (struct builder_set){
		.type = plan->rrsets[rrset].type,
		.rrset = &plan->rrsets[rrset],
		.records = plan->order + place->first,
		.record_count = place->record_count,
		.sigs = plan->order + place->first + place->record_count,
		.sig_count = place->sig_count,
	};
}

bool builder_next_set(const struct image_builder *b, uint32_t node, uint32_t *pos, struct builder_set *out)
{
	const struct image_node *n = &b->plan.nodes[node];
	if (*pos == n->rrset_count) {
		return false;
	}
	*out = builder_set_at(b, n->rrset + (*pos)++);
	return true;
}

struct builder_set builder_find_set(const struct image_builder *b, uint32_t node, uint16_t type)
{
	const struct image_rrset *rrset = image_rrset(&b->plan.view, node, type);
	return rrset != NULL ? builder_set_at(b, (uint32_t)(rrset - b->plan.rrsets))
			     : (struct builder_set){ .type = type };
}

int builder_compare(const struct image_builder *b, uint32_t x, uint32_t y)
{
	const struct builder_record *p = &b->records[x];
	const struct builder_record *q = &b->records[y];
	if (p->type != q->type) {
		uint16_t p_set = set_type_of(b, p);
		uint16_t q_set = set_type_of(b, q);
		return p_set != q_set ? (int)p_set - (int)q_set : (p->type == RR_RRSIG) - (q->type == RR_RRSIG);
	}
	/* RDATA of signatures begins with the covered type. */
	return canonical_compare(p->type, builder_rdata(b, p), builder_rdata_len(b, p), builder_rdata(b, q),
				 builder_rdata_len(b, q));
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
			first->ttl = again->ttl < first->ttl ? again->ttl : first->ttl;
			first->ttl_differs = 1;
		}
	}
	return kept;
}

/* A signature over what is not there is left out. */
static int reject_signature(struct image_builder *b, const struct builder_record *r, uint32_t owner)
{
	struct builder_reject reject = {
		.owner = owner, .line = r->line, .file = r->file,
		.type = set_type_of(b, r), .reason = REJECT_LONE_SIGNATURE,
	};
	return builder_reject(b, &reject);
}

/* Ids of all names in canonical order; equal ones stand together, as in the text. */
static int sort_names(struct image_builder *b, uint32_t **out)
{
	uint32_t *ids = malloc(b->name_count * sizeof(*ids));
	if (ids == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < b->name_count; i++) {
		ids[i] = (uint32_t)i;
	}
	int err = name_sort(b->arena, b->names, b->apex_labels, ids, b->name_count);
	if (err != BH_OK) {
		free(ids);
		return err;
	}
	*out = ids;
	return BH_OK;
}

/* Which names have more than signatures; the apex is a node whatever it has. */
static uint8_t *find_used(const struct image_builder *b)
{
	uint8_t *used = calloc(b->name_count, 1);
	if (used != NULL) {
		used[0] = 1;
		for (size_t i = 0; i < b->record_count; i++) {
			const struct builder_record *r = &b->records[i];
			if (r->type != RR_RRSIG && !builder_is_apart(r)) {
				used[r->name] = 1;
			}
		}
	}
	return used;
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
	return add_node(&b->plan, cap, (struct image_node){ .name = b->names[0] });
}

/* Add the node of a name that sorts behind all before, and those of the names between that are missing. */
static int make_node(struct image_builder *b, size_t *cap, struct path *path, const uint8_t *name)
{
	uint8_t at[DNAME_LABELS_MAX]; /* octets, not pointers: compilers may clear it for every name */
	unsigned count = 0;
	for (unsigned pos = 0; name[pos] != 0; pos += name[pos] + 1u) {
		at[count++] = (uint8_t)pos;
	}
	unsigned below = count - b->apex_labels;

	/* How much of the path to the node before is also on the way to this one. */
	unsigned depth = 0;
	while (depth < path->depth && depth < below) {
		const uint8_t *step = b->arena + b->plan.nodes[path->levels[depth + 1].node].name;
		if (fold_label_compare(step, name + at[below - 1 - depth]) != 0) {
			break;
		}
		depth++;
	}
	while (depth < below) {
		const uint8_t *label = name + at[below - 1 - depth];
		uint64_t hash = image_hash_label(path->levels[depth].hash, label);
		struct image_node node = {
			.name = (uint32_t)(label - b->arena),
			.parent = path->levels[depth].node,
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

/* How many of the sorted names from this one on are the same? used: has any of them more than signatures? */
static size_t count_equal(const struct image_builder *b, const uint32_t *names, size_t left, const uint8_t *used,
			  bool *any_used)
{
	const uint8_t *name = b->arena + b->names[names[0]];
	size_t len = dname_len(name);
	size_t count = 1;
	*any_used = used[names[0]] != 0;
	for (; count < left; count++) {
		uint32_t other = b->names[names[count]];
		/* An equal name has its end in the same place, and there is one in the arena. */
		if (len > b->arena_len - other || !fold_equal(b->arena + other, name, len)) {
			break;
		}
		*any_used = *any_used || used[names[count]] != 0;
	}
	return count;
}

/*
 * Make nodes of the sorted names and of the names between them and the apex. node_of[name] becomes the
 * node of each of them, IMAGE_NONE where there are only signatures: such names would be empty leaves.
 * Parents and hashes are set, flags as far as the name alone tells.
 */
static int make_nodes(struct image_builder *b, const uint32_t *names, const uint8_t *used, uint32_t *node_of)
{
	struct path path;
	size_t cap = b->name_count + b->name_count / 8; /* some more for empty non-terminals */
	b->plan.nodes = malloc(cap * sizeof(*b->plan.nodes));
	if (b->plan.nodes == NULL) {
		return BH_ENOMEM;
	}
	assert(names[0] == 0); /* the apex sorts first, and came first */
	int err = make_apex(b, &cap, &path);
	for (size_t i = 0; i < b->name_count && err == BH_OK;) {
		bool any_used;
		size_t count = count_equal(b, names + i, b->name_count - i, used, &any_used);
		if (any_used && i > 0) {
			err = make_node(b, &cap, &path, b->arena + b->names[names[i]]);
		}
		for (; count > 0; count--, i++) {
			node_of[names[i]] = any_used ? path.levels[path.depth].node : IMAGE_NONE;
		}
	}
	return err;
}

/* Hand the records to their nodes: a counting sort, then each node by itself. first[n]: where those of n begin. */
static int order_records(struct image_builder *b, const uint32_t *node_of, uint32_t *first)
{
	struct builder_plan *plan = &b->plan;
	plan->order = malloc(b->record_count * sizeof(*plan->order) + 1);
	if (plan->order == NULL) {
		return BH_ENOMEM;
	}
	/* first[n] counts the records of n, then is where they begin, then where the next one goes. */
	for (size_t i = 0; i < b->record_count; i++) {
		struct builder_record *r = &b->records[i];
		if (builder_is_apart(r)) {
			continue;
		}
		uint32_t node = node_of[r->name];
		if (node == IMAGE_NONE) {
			int err = reject_signature(b, r, b->names[r->name]);
			if (err != BH_OK) {
				return err;
			}
			continue;
		}
		first[node]++;
	}
	uint32_t sum = 0;
	for (uint32_t n = 0; n <= plan->node_count; n++) {
		uint32_t count = first[n];
		first[n] = sum;
		sum += count;
	}
	for (size_t i = 0; i < b->record_count; i++) {
		const struct builder_record *r = &b->records[i];
		if (!builder_is_apart(r) && node_of[r->name] != IMAGE_NONE) {
			plan->order[first[node_of[r->name]]++] = (uint32_t)i;
		}
	}
	uint32_t begin = 0; /* of the records as they stand; first[n] is now their end */
	uint32_t kept = 0;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		uint32_t count = first[n] - begin;
		sort_records(b, plan->order + begin, count);
		first[n] = kept;
		kept += (uint32_t)builder_drop_duplicates(b, plan->order + begin, count, plan->order + kept);
		begin += count;
	}
	first[plan->node_count] = kept;
	return BH_OK;
}

/* --- RRsets ------------------------------------------------------------------------------------------ */

/* Octets of records as they are in the arena. */
static uint64_t records_size(const struct image_builder *b, const uint32_t *records, uint32_t count)
{
	uint64_t size = 0;
	for (uint32_t i = 0; i < count; i++) {
		size += builder_record_size(b, &b->records[records[i]]);
	}
	return size;
}

/* Copy records to out, one behind the other. */
static void gather(const struct image_builder *b, const uint32_t *records, uint32_t count, uint8_t *out)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct builder_record *r = &b->records[records[i]];
		size_t len = builder_record_size(b, r);
		memcpy(out, b->arena + r->data, len);
		out += len;
	}
}

static void move_records(struct image_builder *b, const uint32_t *records, uint32_t count, uint32_t offset)
{
	for (uint32_t i = 0; i < count; i++) {
		struct builder_record *r = &b->records[records[i]];
		r->data = offset;
		offset += (uint32_t)builder_record_size(b, r);
	}
}

/*
 * See that records stand one behind the other in the arena, at *offset. Most do from the beginning; those of
 * one piece in another order are put in order there; only those that are scattered over the text, or out of order and
 * with names of others in them, move to the end, and leave their octets behind: an image of such a text is at most
 * twice as large as it could be.
 */
static int join_records(struct image_builder *b, const uint32_t *records, uint32_t count, uint32_t *offset)
{
	uint32_t low = UINT32_MAX;
	uint64_t high = 0;
	uint64_t next = 0;
	bool in_order = true;
	bool lends = false;
	for (uint32_t i = 0; i < count; i++) {
		const struct builder_record *r = &b->records[records[i]];
		lends = lends || r->lends;
		in_order = in_order && (i == 0 || r->data == next);
		next = (uint64_t)r->data + builder_record_size(b, r);
		low = r->data < low ? r->data : low;
		high = next > high ? next : high;
	}
	uint64_t size = in_order ? high - low : records_size(b, records, count);
	if (size > UINT32_MAX) {
		return BH_ELIMIT;
	}
	if (in_order) {
		*offset = low;
		return BH_OK;
	}
	uint8_t *joined = malloc(size);
	if (joined == NULL) {
		return BH_ENOMEM;
	}
	gather(b, records, count, joined);
	int err = BH_OK;
	if (high - low == size && !lends) {
		memcpy(b->arena + low, joined, size);
		*offset = low;
	} else {
		err = builder_store(b, joined, size, offset);
	}
	free(joined);
	if (err == BH_OK) {
		move_records(b, records, count, *offset);
	}
	return err;
}

static uint32_t lowest_ttl(const struct image_builder *b, const uint32_t *records, uint32_t count)
{
	uint32_t ttl = TTL_MAX;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t other = b->records[records[i]].ttl;
		ttl = other < ttl ? other : ttl;
	}
	return ttl;
}

int builder_add_rrset(struct image_builder *b, uint32_t first, uint32_t record_count, uint32_t sig_count)
{
	struct builder_plan *plan = &b->plan;
	const uint32_t *records = plan->order + first;
	struct image_rrset rrset = {
		.type = b->records[records[0]].type,
		.rr_count = (uint16_t)record_count,
		.ttl = lowest_ttl(b, records, record_count + sig_count), /* RFC 2181 5.2 */
		.sig_count = (uint16_t)sig_count,
		.behind = (uint16_t)builder_behind(b->records[records[0]].type),
	};
	int err = join_records(b, records, record_count, &rrset.data);
	if (err == BH_OK && sig_count > 0) {
		err = join_records(b, records + record_count, sig_count, &plan->sigs[plan->rrset_count]);
	}
	if (err != BH_OK) {
		return err;
	}
	plan->signatures = plan->signatures || sig_count > 0;
	plan->places[plan->rrset_count] = (struct builder_place){
		.first = first, .record_count = record_count, .sig_count = sig_count,
	};
	plan->rrsets[plan->rrset_count++] = rrset;
	plan->rr_count += record_count + sig_count;
	return BH_OK;
}

/*
 * Make the RRsets of a node of order[from..to); those of nothing but signatures are left out and the rest
 * moves up to *kept, where the next node goes on.
 */
static int add_rrsets(struct image_builder *b, uint32_t node, uint32_t from, uint32_t to, uint32_t *kept)
{
	uint32_t *order = b->plan.order;
	while (from < to) {
		uint16_t type = set_type_of(b, &b->records[order[from]]);
		uint32_t first = *kept;
		uint32_t records = 0;
		uint32_t sigs = 0;
		for (; from < to && b->records[order[from]].type == type && type != RR_RRSIG; from++, records++) {
			order[(*kept)++] = order[from];
		}
		for (; from < to && b->records[order[from]].type == RR_RRSIG &&
		       set_type_of(b, &b->records[order[from]]) == type;
		     from++) {
			int err = BH_OK;
			if (records > 0) {
				order[(*kept)++] = order[from];
				sigs++;
			} else {
				err = reject_signature(b, &b->records[order[from]], b->plan.nodes[node].name);
			}
			if (err != BH_OK) {
				return err;
			}
		}
		int err = records == 0 ? BH_OK : builder_add_rrset(b, first, records, sigs);
		if (err != BH_OK) {
			return err;
		}
	}
	return BH_OK;
}

/* Flags of a node whose RRsets are there; its parent is done. */
static void describe_node(struct builder_plan *plan, uint32_t n)
{
	struct image_node *node = &plan->nodes[n];
	bool ns = false;
	for (unsigned i = 0; i < node->rrset_count; i++) {
		uint16_t type = plan->rrsets[node->rrset + i].type;
		ns = ns || type == RR_NS;
		node->flags |= type == RR_CNAME ? IMAGE_NODE_CNAME : 0;
		node->flags |= type == RR_DNAME ? IMAGE_NODE_DNAME : 0;
	}
	node->flags |= node->rrset_count == 0 ? IMAGE_NODE_ENT : 0;
	if (n == 0) {
		return;
	}
	struct image_node *parent = &plan->nodes[node->parent];
	if ((parent->flags & (IMAGE_NODE_CUT | IMAGE_NODE_DNAME | IMAGE_NODE_OCCLUDED)) != 0) {
		node->flags |= IMAGE_NODE_OCCLUDED;
	} else if (ns) {
		node->flags |= IMAGE_NODE_CUT;
	}
	parent->flags |= (node->flags & IMAGE_NODE_WILDCARD) != 0 ? IMAGE_NODE_SOURCE : 0;
}

/* RRsets and flags: parents come before their children. */
static int make_rrsets(struct image_builder *b, const uint32_t *first)
{
	struct builder_plan *plan = &b->plan;
	size_t room = b->record_count + 1; /* never more RRsets, but never none; what is not touched costs nothing */
	plan->rrsets = malloc(room * sizeof(*plan->rrsets));
	plan->sigs = calloc(room, sizeof(*plan->sigs));
	plan->places = malloc(room * sizeof(*plan->places));
	if (plan->rrsets == NULL || plan->sigs == NULL || plan->places == NULL) {
		return BH_ENOMEM;
	}
	uint32_t kept = 0;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		plan->nodes[n].rrset = plan->rrset_count;
		int err = add_rrsets(b, n, first[n], first[n + 1], &kept);
		if (err != BH_OK) {
			return err;
		}
		/* Types without meta types and RRSIG: the count fits. */
		plan->nodes[n].rrset_count = (uint16_t)(plan->rrset_count - plan->nodes[n].rrset);
		describe_node(plan, n);
	}
	plan->order_count = kept;
	return BH_OK;
}

/* Nodes or records whose memory is asked for before it is needed: more than cover one access to memory. */
#define PREFETCH_AHEAD 16

/* Fill slots; false: a name is too far from its home. */
static bool fill_slots(struct builder_plan *plan, const uint64_t *hashes)
{
	uint32_t mask = plan->slot_count - 1;
	uint32_t index_mask = plan->view.index_mask;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		uint32_t at = (uint32_t)(hashes[n] >> 32) & mask;
		if (n + PREFETCH_AHEAD < plan->node_count) {
			__builtin_prefetch(&plan->slots[(uint32_t)(hashes[n + PREFETCH_AHEAD] >> 32) & mask], 1);
		}
		/* Whoever writes the text can make names fall together: beyond the bound nothing is gained. */
		for (unsigned probes = 0; plan->slots[at] != 0; at = (at + 1) & mask) {
			if (++probes == IMAGE_PROBES_MAX) {
				return false;
			}
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

static void make_view(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	plan->view.nodes = plan->nodes;
	plan->view.slots = plan->slots;
	plan->view.rrsets = plan->rrsets;
	plan->view.sigs = plan->sigs;
	plan->view.slot_mask = plan->slot_count - 1;
	plan->view.data = b->arena;
	plan->view.data_size = b->arena_len;
	plan->view.apex = b->apex;
	plan->view.apex_labels = b->apex_labels;
	plan->view.header = &plan->header;
	plan->view.nsec3 = plan->nsec3;
}

/* --- targets ------------------------------------------------------------------------------------------ */

/* Records whose targets are looked up together, so that they wait for memory together. */
struct target_batch {
	unsigned count;
	struct {
		const struct builder_record *record;
		bool from_authoritative;
		bool here; /* at or below the apex */
		struct image_look look;
	} items[PREFETCH_AHEAD];
};

static const uint8_t *target_of(const struct image_builder *b, const struct builder_record *r)
{
	return canonical_target(r->type, builder_rdata(b, r));
}

/* Find the nodes that the records of a batch point to, and mark those that NS records name. */
static void resolve_batch(struct image_builder *b, struct target_batch *batch)
{
	struct builder_plan *plan = &b->plan;
	for (unsigned i = 0; i < batch->count; i++) {
		const uint8_t *target = target_of(b, batch->items[i].record);
		batch->items[i].here = builder_is_ours(b, target);
		if (batch->items[i].here) {
			image_look(&batch->items[i].look, target);
			image_fetch_slots(&plan->view, &batch->items[i].look);
		}
	}
	for (unsigned i = 0; i < batch->count; i++) {
		const struct builder_record *r = batch->items[i].record;
		struct image_match match;
		if (!batch->items[i].here) {
			continue;
		}
		image_find_look(&plan->view, &batch->items[i].look, &match);
		builder_set_target(b, r, match.node);
		if (r->type == RR_NS && match.node != IMAGE_NONE && batch->items[i].from_authoritative) {
			plan->nodes[match.node].flags |= PLAN_NODE_NS_TARGET;
		}
	}
	batch->count = 0;
}

static void resolve_targets(struct image_builder *b)
{
	struct builder_plan *plan = &b->plan;
	struct target_batch batch;
	batch.count = 0;
	struct builder_set set;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		bool occluded = (plan->nodes[n].flags & IMAGE_NODE_OCCLUDED) != 0;
		for (uint32_t pos = 0; builder_next_set(b, n, &pos, &set);) {
			for (uint32_t i = 0; i < set.record_count && canonical_has_target(set.type); i++) {
				batch.items[batch.count].record = &b->records[set.records[i]];
				batch.items[batch.count++].from_authoritative = !occluded;
				if (batch.count == PREFETCH_AHEAD) {
					resolve_batch(b, &batch);
				}
			}
		}
	}
	resolve_batch(b, &batch);
}

int builder_plan(struct image_builder *b)
{
	assert(!b->planned);
	b->planned = true;

	uint32_t *names = NULL;
	uint32_t *node_of = malloc(b->name_count * sizeof(*node_of));
	uint32_t *first = NULL;
	uint8_t *used = find_used(b);
	int err = node_of == NULL || used == NULL ? BH_ENOMEM : sort_names(b, &names);
	if (err == BH_OK) {
		err = make_nodes(b, names, used, node_of);
	}
	free(names); /* each step's scratch goes before the next one asks for its own */
	free(used);
	if (err == BH_OK) {
		first = calloc((size_t)b->plan.node_count + 1, sizeof(*first));
		err = first == NULL ? BH_ENOMEM : order_records(b, node_of, first);
	}
	free(node_of);
	free(b->names);
	b->names = NULL;
	if (err == BH_OK) {
		err = make_rrsets(b, first);
	}
	free(first);
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
	return err;
}

void builder_plan_clear(struct builder_plan *plan)
{
	free(plan->nodes);
	free(plan->rrsets);
	free(plan->sigs);
	free(plan->slots);
	free(plan->order);
	free(plan->places);
	free(plan->denial);
	free(plan->child_keys);
	free(plan->nsec3);
	*plan = (struct builder_plan){ 0 };
}
