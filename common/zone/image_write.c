/*
 * Layout of a planned zone. In the data section each name is followed by what the node has, so that
 * an answer touches few pages and cache lines.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/image_write.h"

#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"
#include "common/zone/builder.h"
#include "common/zone/canonical.h"

#include <string.h>

/* Where the sections are, from the start of the block. */
struct layout {
	uint64_t rrsets;
	uint64_t slots;
	uint64_t denial;
	uint64_t nsec3;
	uint64_t data;
	uint64_t size;
};

struct writer {
	struct image_builder *b;
	struct image_node *nodes;
	struct image_rrset *rrsets;
	uint8_t *data;
	uint32_t pos; /* in data */
	uint32_t rr_count;
};

static uint64_t align(uint64_t offset, uint64_t to)
{
	return (offset + to - 1) & ~(to - 1);
}

/* Of the nodes and of NSEC3. */
static uint64_t all_rrsets(const struct builder_plan *plan)
{
	return (uint64_t)plan->rrset_count + plan->nsec3_count;
}

static struct layout layout_of(const struct image_builder *b)
{
	const struct builder_plan *plan = &b->plan;
	struct layout l;
	l.rrsets = sizeof(struct image_header) + (uint64_t)plan->node_count * sizeof(struct image_node);
	l.slots = align(l.rrsets + all_rrsets(plan) * sizeof(struct image_rrset), 8);
	l.denial = align(l.slots + (uint64_t)plan->slot_count * sizeof(uint32_t), 8);
	l.nsec3 = l.denial + (plan->denial != NULL ? plan->node_count * sizeof(union image_denial) : 0);
	l.data = align(l.nsec3 + (uint64_t)plan->nsec3_count * sizeof(struct image_nsec3), 8);
	l.size = l.data + b->data_size;
	return l;
}

static uint64_t records_size(const struct image_builder *b, const uint32_t *records, uint32_t count)
{
	uint64_t size = 0;
	for (uint32_t i = 0; i < count; i++) {
		size += sizeof(uint16_t) + b->records[records[i]].rdata_len;
	}
	return size;
}

/* An empty non-terminal needs no octets of its own: its name is the end of its first child's. */
static bool has_own_name(const struct image_node *node)
{
	return (node->flags & IMAGE_NODE_ENT) == 0;
}

/* Size so far and an RRset behind it; in step with write_rrset. */
static uint64_t add_set_size(const struct image_builder *b, uint64_t size, const struct builder_set *set)
{
	size += records_size(b, set->records, set->record_count);
	size += records_size(b, set->sigs, set->sig_count);
	if (canonical_has_target(set->type)) {
		size = align(size, sizeof(uint32_t)) + (uint64_t)set->record_count * sizeof(uint32_t);
	}
	return size;
}

/* In step with write_node and write_nsec3. */
uint64_t builder_data_size(const struct image_builder *b)
{
	const struct builder_plan *plan = &b->plan;
	uint64_t size = 0;
	for (uint32_t n = 0; n < plan->node_count; n++) {
		struct builder_set set;
		if (has_own_name(&plan->nodes[n])) {
			size += dname_len(b->arena + plan->nodes[n].name);
		}
		for (uint32_t pos = plan->first[n]; builder_next_set(b, n, &pos, &set);) {
			if (set.record_count > 0) {
				size = add_set_size(b, size, &set);
			}
		}
	}
	for (uint32_t i = 0; i < plan->nsec3_count; i++) {
		struct builder_set set = builder_nsec3_set(b, plan->nsec3[i].rrset);
		size = add_set_size(b, size, &set);
	}
	return size;
}

static uint32_t write_records(struct writer *w, const uint32_t *records, uint32_t count)
{
	uint32_t start = w->pos;
	for (uint32_t i = 0; i < count; i++) {
		const struct builder_record *r = &w->b->records[records[i]];
		memcpy(w->data + w->pos, &r->rdata_len, sizeof(r->rdata_len));
		w->pos += (uint32_t)sizeof(r->rdata_len);
		memcpy(w->data + w->pos, builder_rdata(w->b, r), r->rdata_len);
		w->pos += r->rdata_len;
	}
	return start;
}

static uint32_t write_targets(struct writer *w, const struct builder_set *set)
{
	w->pos = (uint32_t)align(w->pos, sizeof(uint32_t));
	uint32_t start = w->pos;
	for (uint32_t i = 0; i < set->record_count; i++) {
		memcpy(w->data + w->pos, &w->b->records[set->records[i]].target, sizeof(uint32_t));
		w->pos += (uint32_t)sizeof(uint32_t);
	}
	return start;
}

static uint32_t lowest_ttl(const struct writer *w, const uint32_t *records, uint32_t count, uint32_t ttl)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t other = w->b->records[records[i]].ttl;
		ttl = other < ttl ? other : ttl;
	}
	return ttl;
}

static void write_rrset(struct writer *w, struct image_rrset *out, const struct builder_set *set)
{
	out->type = set->type;
	out->rr_count = (uint16_t)set->record_count; /* both counts were checked */
	out->sig_count = (uint16_t)set->sig_count;
	out->ttl = lowest_ttl(w, set->records, set->record_count, TTL_MAX);
	out->ttl = lowest_ttl(w, set->sigs, set->sig_count, out->ttl);
	out->data = write_records(w, set->records, set->record_count);
	out->data_len = w->pos - out->data;
	out->sigs = write_records(w, set->sigs, set->sig_count);
	out->sigs_len = w->pos - out->sigs;
	out->targets = canonical_has_target(set->type) ? write_targets(w, set) : IMAGE_NONE;
	w->rr_count += set->record_count + set->sig_count;
}

static void write_node(struct writer *w, uint32_t n)
{
	struct image_node *node = &w->nodes[n];
	*node = w->b->plan.nodes[n];
	node->flags &= (uint16_t)~PLAN_NODE_NS_TARGET;
	if (has_own_name(node)) {
		const uint8_t *name = w->b->arena + node->name;
		size_t len = dname_len(name);
		node->name = w->pos;
		memcpy(w->data + w->pos, name, len);
		w->pos += (uint32_t)len;
	}
	struct builder_set set;
	struct image_rrset *rrset = w->rrsets + node->rrset;
	for (uint32_t pos = w->b->plan.first[n]; builder_next_set(w->b, n, &pos, &set);) {
		if (set.record_count > 0) {
			write_rrset(w, rrset++, &set);
		}
	}
}

static void write_nsec3(struct writer *w, struct image_nsec3 *nsec3)
{
	const struct builder_plan *plan = &w->b->plan;
	for (uint32_t i = 0; i < plan->nsec3_count; i++) {
		struct builder_set set = builder_nsec3_set(w->b, plan->nsec3[i].rrset);
		nsec3[i] = plan->nsec3[i];
		nsec3[i].rrset = plan->rrset_count + i;
		write_rrset(w, &w->rrsets[nsec3[i].rrset], &set);
	}
}

/* Names of empty non-terminals: their first child is the next node, and its name is known by then. */
static void name_empty_nodes(struct writer *w)
{
	for (uint32_t n = w->b->plan.node_count; n-- > 0;) {
		if (!has_own_name(&w->nodes[n])) {
			uint32_t child = w->nodes[n + 1].name;
			w->nodes[n].name = child + 1 + w->data[child];
		}
	}
}

/* What the header says of the chain. The salt is in the data already: in the RDATA of its NSEC3PARAM. */
static void describe_chain(const struct writer *w, struct image_header *header)
{
	const struct image_builder *b = w->b;
	const struct builder_plan *plan = &b->plan;
	header->nsec3_count = plan->nsec3_count;
	header->nsec3_chain = plan->header.nsec3_chain;
	if ((plan->flags & IMAGE_NSEC3) == 0) {
		return;
	}
	struct nsec3_params params = builder_nsec3_params(b, &b->records[plan->nsec3param]);
	header->nsec3_iterations = params.iterations;
	header->nsec3_salt_len = params.salt_len;
	const struct image_rrset *rrset = w->rrsets + w->nodes[0].rrset;
	while (rrset->type != RR_NSEC3PARAM) {
		rrset++;
	}
	struct builder_set set = builder_find_set(b, 0, RR_NSEC3PARAM);
	uint32_t offset = rrset->data;
	for (uint32_t i = 0; set.records[i] != plan->nsec3param; i++) {
		offset += (uint32_t)sizeof(uint16_t) + b->records[set.records[i]].rdata_len;
	}
	offset += (uint32_t)sizeof(uint16_t);
	header->nsec3_salt = offset + (uint32_t)(params.salt - builder_rdata(b, &b->records[plan->nsec3param]));
}

/* The serial stands behind the two names of the SOA. */
static uint32_t soa_serial(const struct image_builder *b)
{
	struct builder_set soa = builder_find_set(b, 0, RR_SOA);
	const uint8_t *p = builder_rdata(b, &b->records[soa.records[0]]);
	p += dname_len(p);
	p += dname_len(p);
	return get_u32(p);
}

size_t image_builder_size(const struct image_builder *b)
{
	return (size_t)layout_of(b).size;
}

int image_builder_write(struct image_builder *b, uint8_t *block, size_t size)
{
	if (!b->writable) {
		return BH_EMALFORMED;
	}
	struct layout l = layout_of(b);
	if (size != l.size) {
		return BH_ENOSPC;
	}
	const struct builder_plan *plan = &b->plan;
	struct writer w = {
		.b = b,
		.nodes = (void *)(block + sizeof(struct image_header)),
		.rrsets = (void *)(block + l.rrsets),
		.data = block + l.data,
	};
	for (uint32_t n = 0; n < plan->node_count; n++) {
		write_node(&w, n);
	}
	name_empty_nodes(&w);
	write_nsec3(&w, (void *)(block + l.nsec3));
	if (plan->denial != NULL) {
		memcpy(block + l.denial, plan->denial, (size_t)plan->node_count * sizeof(*plan->denial));
	}
	memcpy(block + l.slots, plan->slots, (size_t)plan->slot_count * sizeof(uint32_t));

	struct image_header header = {
		.version = IMAGE_VERSION,
		.byte_order = IMAGE_BYTE_ORDER,
		.size = l.size,
		.serial = soa_serial(b),
		.flags = plan->flags,
		.node_count = plan->node_count,
		.rrset_count = (uint32_t)all_rrsets(plan),
		.slot_count = plan->slot_count,
		.rr_count = w.rr_count,
		.nodes = sizeof(struct image_header),
		.rrsets = l.rrsets,
		.slots = l.slots,
		.data = l.data,
		.data_size = b->data_size,
		.denial = l.denial,
		.nsec3 = l.nsec3,
	};
	describe_chain(&w, &header);
	memcpy(header.magic, IMAGE_MAGIC, sizeof(header.magic));
	const struct siphash_key zero = { 0, 0 };
	header.checksum = siphash(&zero, block + sizeof(header), (size_t)l.size - sizeof(header));
	memcpy(block, &header, sizeof(header));
	return BH_OK;
}
