/*
 * Writing a planned zone: its sections are all there, one after the other they go out, and the header that
 * knows them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/image_write.h"

#include "common/dns/rr.h"
#include "common/util/cursor.h"
#include "common/zone/builder.h"
#include "common/util/checksum.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SECTION_NODES,
	SECTION_RRSETS,
	SECTION_SIGS,
	SECTION_SLOTS,
	SECTION_DENIAL,
	SECTION_CHILDREN,
	SECTION_NSEC3,
	SECTION_DATA,
	SECTION_COUNT
};

/* Sections as they follow the header. Each begins at a multiple of IMAGE_ALIGN. */
struct layout {
	uint64_t size;
	struct {
		const void *bytes;
		uint64_t len;
		uint64_t offset;
	} sections[SECTION_COUNT];
};

static struct layout layout_of(const struct image_builder *b)
{
	const struct builder_plan *plan = &b->plan;
	struct layout l = { .sections = {
		[SECTION_NODES] = { .bytes = plan->nodes, .len = plan->node_count * sizeof(*plan->nodes) },
		[SECTION_RRSETS] = { .bytes = plan->rrsets, .len = plan->rrset_count * sizeof(*plan->rrsets) },
		[SECTION_SIGS] = { .bytes = plan->sigs,
				   .len = plan->signatures ? plan->rrset_count * sizeof(*plan->sigs) : 0 },
		[SECTION_SLOTS] = { .bytes = plan->slots, .len = plan->slot_count * sizeof(*plan->slots) },
		[SECTION_DENIAL] = { .bytes = plan->denial,
				     .len = plan->denial == NULL ? 0 : plan->node_count * sizeof(*plan->denial) },
		[SECTION_CHILDREN] = { .bytes = plan->child_keys,
				       .len = plan->child_keys == NULL ? 0 : builder_children_size(plan) },
		[SECTION_NSEC3] = { .bytes = plan->nsec3, .len = plan->nsec3_count * sizeof(*plan->nsec3) },
		[SECTION_DATA] = { .bytes = b->arena, .len = b->arena_len },
	} };
	uint64_t offset = sizeof(struct image_header);
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		l.sections[i].offset = offset;
		offset = image_align(offset + l.sections[i].len);
	}
	l.size = offset;
	return l;
}

/* It stands behind the two names of the SOA. */
uint32_t builder_serial(const struct image_builder *b)
{
	struct builder_set soa = builder_find_set(b, 0, RR_SOA);
	const uint8_t *p = builder_rdata(b, &b->records[soa.records[0]]);
	p += dname_len(p);
	p += dname_len(p);
	return get_u32(p);
}

static struct image_header header_of(const struct image_builder *b, const struct layout *l)
{
	const struct builder_plan *plan = &b->plan;
	struct image_header header = {
		.version = IMAGE_VERSION,
		.byte_order = IMAGE_BYTE_ORDER,
		.size = l->size,
		.serial = builder_serial(b),
		.flags = plan->flags | (plan->signatures ? (uint32_t)IMAGE_SIGS : 0),
		.node_count = plan->node_count,
		.rrset_count = plan->rrset_count,
		.slot_count = plan->slot_count,
		.rr_count = plan->rr_count,
		.sigs = l->sections[SECTION_SIGS].offset,
		.slots = l->sections[SECTION_SLOTS].offset,
		.denial = l->sections[SECTION_DENIAL].offset,
		.children = l->sections[SECTION_CHILDREN].offset,
		.nsec3 = l->sections[SECTION_NSEC3].offset,
		.nsec3_count = plan->nsec3_count,
		.data = l->sections[SECTION_DATA].offset,
		.data_size = l->sections[SECTION_DATA].len,
	};
	memcpy(header.magic, IMAGE_MAGIC, sizeof(header.magic));
	if ((plan->flags & IMAGE_NSEC3) != 0) {
		/* The salt is in the data already: in the RDATA of the NSEC3PARAM. */
		struct nsec3_params params = builder_nsec3_params(b, &b->records[plan->nsec3param]);
		header.nsec3_chain = plan->header.nsec3_chain;
		header.nsec3_iterations = params.iterations;
		header.nsec3_salt_len = params.salt_len;
		header.nsec3_salt = (uint32_t)(params.salt - b->arena);
	}

	struct checksum sum;
	checksum_begin(&sum);
	checksum_add(&sum, (const uint8_t *)&header, sizeof(header));
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		checksum_add(&sum, l->sections[i].bytes, l->sections[i].len);
	}
	/* The octets between the sections are zero, as checksum_add takes them. */
	sum.octets = l->size;
	header.checksum = checksum_end(&sum);
	return header;
}

/* What is not part of an image any more: flags that only the check needs. */
static void finish_nodes(struct builder_plan *plan)
{
	for (uint32_t n = 0; n < plan->node_count; n++) {
		plan->nodes[n].flags &= (uint16_t)~PLAN_NODE_FLAGS;
	}
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
	finish_nodes(&b->plan);
	struct image_header header = header_of(b, &l);
	memcpy(block, &header, sizeof(header));
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		if (l.sections[i].len > 0) { /* bytes is NULL otherwise */
			memcpy(block + l.sections[i].offset, l.sections[i].bytes, l.sections[i].len);
		}
	}
	return BH_OK;
}

static int write_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno != EINTR) {
			return BH_ESYS;
		}
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return BH_OK;
}

/* What was written is not needed any more, and the image takes as much again. */
static void drop_section(struct image_builder *b, unsigned section)
{
	switch (section) {
	case SECTION_NODES:
		free(b->plan.nodes);
		b->plan.nodes = NULL;
		break;
	case SECTION_RRSETS:
		free(b->plan.rrsets);
		b->plan.rrsets = NULL;
		break;
	case SECTION_SIGS:
		free(b->plan.sigs);
		b->plan.sigs = NULL;
		break;
	case SECTION_SLOTS:
		free(b->plan.slots);
		b->plan.slots = NULL;
		break;
	case SECTION_DENIAL:
		free(b->plan.denial);
		b->plan.denial = NULL;
		break;
	case SECTION_CHILDREN:
		free(b->plan.child_keys);
		b->plan.child_keys = NULL;
		break;
	case SECTION_NSEC3:
		free(b->plan.nsec3);
		b->plan.nsec3 = NULL;
		break;
	default:
		break;
	}
}

int image_builder_save(struct image_builder *b, int fd, struct image_header *out)
{
	static const uint8_t zeros[IMAGE_ALIGN];

	if (!b->writable) {
		return BH_EMALFORMED;
	}
	b->writable = false;
	struct layout l = layout_of(b);
	finish_nodes(&b->plan);
	struct image_header header = header_of(b, &l);
	free(b->records);
	b->records = NULL;
	free(b->plan.order);
	b->plan.order = NULL;

	int err = write_all(fd, &header, sizeof(header));
	for (unsigned i = 0; i < SECTION_COUNT && err == BH_OK; i++) {
		uint64_t next = i + 1 < SECTION_COUNT ? l.sections[i + 1].offset : l.size;
		err = write_all(fd, l.sections[i].bytes, l.sections[i].len);
		if (err == BH_OK) {
			err = write_all(fd, zeros, next - l.sections[i].offset - l.sections[i].len);
		}
		drop_section(b, i);
	}
	*out = header;
	return err;
}
