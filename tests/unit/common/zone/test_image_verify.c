/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "tests/unit/common/zone/signed_zone.h"

#include <criterion/criterion.h>

/*
 * A lying compiler: images with one thing wrong and the checksum right. Each must be refused for the right
 * reason; and whatever change of an octet is let through must leave an image that can be walked safely.
 */

static const char zone_text[] = ZONE_HEAD "@ MX 10 mail\n"
					  "@ MX 20 mail.example.net.\n"
					  "mail A 192.0.2.10\n"
					  "mail A 192.0.2.11\n"
					  "mail RRSIG A 8 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
					  "mail AAAA 2001:db8::1\n"
					  "deep.er A 192.0.2.11\n"
					  "*.w TXT any\n"
					  "alias CNAME mail\n"
					  "d DNAME example.net.\n"
					  "sub NS ns.sub\n"
					  "ns.sub A 192.0.2.12\n"
					  "alone NS ns.example.net.\n"
					  /* what lies can be made of */
					  "two PTR a\ntwo PTR b\n"
					  "both PTR a\nboth TXT x\n"
					  "soa TYPE65280 \\# 22 00 00 00000001 00000002 00000003 00000004 00000005\n"
					  "big TXT 0123456789012345678901234567890123456789012345678901234567890123\n"
					  "small TXT x\n"
					  "x.zz TXT x\n";

static const char nsec_text[] = SIGNED_HEAD "@ NSEC x.a SOA\n"
					    "x.a NSEC sub A\nx.a A 192.0.2.1\n"
					    "sub NSEC z.w NS\nsub NS ns.sub\nns.sub A 192.0.2.2\nns.sub NSEC @ A\n"
					    "z.w A 192.0.2.2\nz.w NSEC @ A\n";

static const char *const chained[] = { "example.", "ns.example.", "sub.example.", "w.example.", "z.w.example.", NULL };
static const char *const other_chain[] = { "example.", "ns.example.", NULL };

/* A chain with salt, a part of another one behind it, and two records at one owner. */
static char *nsec3_text(void)
{
	static char text[8192];
	const struct chain_options options = { .iterations = 2, .salt = "aabb", .flags = 1 };
	const struct chain_options other = { .iterations = 0, .salt = "-" };
	strcpy(text, SIGNED_HEAD "@ NSEC3PARAM 1 0 2 aabb\n"
				 "sub NS ns.sub\nns.sub A 192.0.2.2\nz.w A 192.0.2.2\nout NS ns.sub\n"
				 "00000000000000000000000000000000 NSEC3 1 0 2 aabb 00000000000000000000000000000000 A\n"
				 "00000000000000000000000000000000 NSEC3 1 0 2 aabb 00000000000000000000000000000001 A\n");
	add_chain(text, sizeof(text), chained, &options);
	add_chain(text, sizeof(text), other_chain, &other);
	return text;
}

enum kind { PLAIN, NSEC, NSEC3, KINDS };

struct patient {
	struct zone *z;
	struct image_header *h;
	struct image_node *nodes;
	struct image_rrset *rrsets;
	uint32_t *sigs;
	uint32_t *slots;
	union image_denial *denial;
	uint64_t *child_keys;
	struct image_child *children;
	struct image_nsec3 *nsec3;
	uint8_t *data;
};

static struct patient patient_new(enum kind kind)
{
	const char *text = kind == PLAIN ? zone_text : kind == NSEC ? nsec_text : nsec3_text();
	struct patient p = { .z = zone_of("example.", text) };
	cr_assert_eq(p.z->errors, 0);
	p.h = (void *)p.z->block;
	p.nodes = (void *)(p.z->block + sizeof(*p.h));
	p.rrsets = (void *)(p.z->block + ((const uint8_t *)p.z->image.rrsets - p.z->block));
	p.sigs = (void *)(p.z->block + p.h->sigs);
	p.slots = (void *)(p.z->block + p.h->slots);
	p.denial = (void *)(p.z->block + p.h->denial);
	p.child_keys = (void *)(p.z->block + p.h->children);
	p.children = (void *)(p.child_keys + p.h->node_count - 1);
	p.nsec3 = (void *)(p.z->block + p.h->nsec3);
	p.data = p.z->block + p.h->data;
	return p;
}

static void patient_free(struct patient *p)
{
	zone_free(p->z);
}

static void sign(uint8_t *block, size_t size)
{
	struct image_header *h = (void *)block;
	h->checksum = image_checksum(block, size);
}

static struct image_node *node_of(struct patient *p, const char *name)
{
	return &p->nodes[zone_node(p->z, name)];
}

static struct image_rrset *rrset_of(struct patient *p, const char *name, uint16_t type)
{
	const struct image_rrset *r = image_rrset(&p->z->image, zone_node(p->z, name), type);
	return &p->rrsets[r - p->z->image.rrsets];
}

static uint8_t *records_of(struct patient *p, const char *name, uint16_t type)
{
	return p->data + rrset_of(p, name, type)->data;
}

/* Of its first record. */
static void set_target(struct patient *p, const char *name, uint16_t type, uint32_t node)
{
	struct image_walk walk = image_records(&p->z->image, rrset_of(p, name, type));
	uint16_t len;
	(void)image_next_rdata(&walk, &len);
	memcpy(p->z->block + (walk.at - p->z->block) - IMAGE_TARGET, &node, sizeof(node));
}

static struct image_rrset *nsec3_rrset(struct patient *p, uint32_t nsec3)
{
	return &p->rrsets[p->nsec3[nsec3].rrset];
}

/* RDATA of its first record: algorithm, flags, u16 iterations, salt, next hash. */
static uint8_t *nsec3_rdata(struct patient *p, uint32_t nsec3)
{
	return p->data + nsec3_rrset(p, nsec3)->data + sizeof(uint16_t);
}

static union image_denial *denial_of(struct patient *p, const char *name)
{
	return &p->denial[zone_node(p->z, name)];
}

static struct image_child *child_of(struct patient *p, const char *name)
{
	uint32_t node = zone_node(p->z, name);
	uint32_t place = 0;
	while (p->children[place].node != node) {
		place++;
	}
	return &p->children[place];
}

static uint32_t *used_slot(struct patient *p)
{
	uint32_t i = 0;
	while (p->slots[i] == 0) {
		i++;
	}
	return &p->slots[i];
}

static uint32_t *empty_slot(struct patient *p)
{
	uint32_t i = 0;
	while (p->slots[i] != 0) {
		i++;
	}
	return &p->slots[i];
}

/* An empty non-terminal gets the only RRset of its only child. */
static void move_up(struct patient *p, const char *name, const char *child)
{
	struct image_node *up = node_of(p, name);
	struct image_node *leaf = node_of(p, child);
	up->flags = 0;
	up->rrset_count = 1;
	leaf->flags = IMAGE_NODE_ENT;
	leaf->rrset_count = 0;
	leaf->rrset++;
}

#define LIE(name, statement)                         \
	static void lie_##name(struct patient *p)    \
	{                                            \
		statement;                           \
	}

/* header */
LIE(magic, p->h->magic[0] = 'b')
LIE(version, p->h->version++)
LIE(byte_order, p->h->byte_order = 0x04030201)
LIE(size, p->h->size++)
LIE(reserved, p->h->reserved = 1)
LIE(serial, p->h->serial++)
LIE(flags, p->h->flags = IMAGE_SIGNED | IMAGE_SIGS)
LIE(flag_sigs_missing, p->h->flags &= ~(uint32_t)IMAGE_SIGS)
LIE(no_nodes, p->h->node_count = 0)
LIE(many_nodes, p->h->node_count = UINT32_MAX)
LIE(other_nodes, p->h->node_count -= 8)
LIE(rrset_count, p->h->rrset_count--)
LIE(rr_count, p->h->rr_count++)
LIE(slot_count, p->h->slot_count--)
LIE(few_slots, p->h->slot_count /= 2)
LIE(no_slots, p->h->slot_count = 0)
LIE(sigs_at, p->h->sigs -= 8)
LIE(slots_at, p->h->slots = UINT64_MAX - 7)
LIE(data_at, p->h->data = 0)
LIE(data_size, p->h->data_size -= IMAGE_ALIGN)
/* nodes */
LIE(apex_name, p->nodes[0].name = (uint32_t)p->h->data_size)
LIE(apex_name_far, p->nodes[0].name = UINT32_MAX)
LIE(apex_parent, p->nodes[0].parent = 1)
LIE(apex_cut, p->nodes[0].flags = IMAGE_NODE_OCCLUDED)
LIE(apex_flags, p->nodes[0].flags = IMAGE_NODE_CUT)
LIE(apex_no_ns, rrset_of(p, "example.", RR_NS)->type = RR_MD)
LIE(apex_without_ns, rrset_of(p, "example.", RR_NS)->behind = 0;
    rrset_of(p, "example.", RR_NS)->type = RR_MD)
LIE(apex_no_soa, rrset_of(p, "example.", RR_SOA)->type = RR_CNAME)
LIE(name_outside, node_of(p, "mail.example.")->name = (uint32_t)p->h->data_size)
LIE(name_long_label, p->data[node_of(p, "small.example.")->name] = 64)
LIE(name_pointer, p->data[node_of(p, "small.example.")->name] = 0xc0)
LIE(name_is_apex, node_of(p, "mail.example.")->name = p->nodes[0].name)
LIE(alias_outside, node_of(p, "alias.example.")->name = (uint32_t)p->h->data_size)
LIE(alias_is_apex, node_of(p, "alias.example.")->name = p->nodes[0].name)
LIE(alias_order, p->data[node_of(p, "alias.example.")->name + 1] = 'z')
LIE(order, p->data[node_of(p, "d.example.")->name + 1] = 'a')
LIE(deep_not_below, p->data[node_of(p, "deep.er.example.")->name + 6] = 'x')
LIE(name_of_other, node_of(p, "mail.example.")->name = node_of(p, "w.example.")->name)
LIE(name_not_below, p->data[node_of(p, "mail.example.")->name + 6] = 'x')
LIE(name_order, p->data[node_of(p, "mail.example.")->name + 1] = 'a')
LIE(name_later, p->data[node_of(p, "mail.example.")->name + 1] = 'z')
LIE(name_hash, p->data[node_of(p, "small.example.")->name + 3] = 'b')
LIE(parent, node_of(p, "deep.er.example.")->parent = 0)
LIE(parent_self, node_of(p, "deep.er.example.")->parent = zone_node(p->z, "deep.er.example."))
LIE(parent_none, node_of(p, "mail.example.")->parent = IMAGE_NONE)
LIE(wildcard_missing, node_of(p, "w.example.")->flags &= (uint16_t)~IMAGE_NODE_SOURCE)
LIE(wildcard_invented, node_of(p, "mail.example.")->flags |= IMAGE_NODE_SOURCE)
LIE(cut_missing, node_of(p, "ns.sub.example.")->flags = IMAGE_NODE_CUT)
LIE(cut_invented, node_of(p, "mail.example.")->flags = IMAGE_NODE_CUT)
LIE(dname_invented, node_of(p, "mail.example.")->flags = IMAGE_NODE_DNAME)
LIE(flag_cut, node_of(p, "sub.example.")->flags = 0)
LIE(flag_occluded, node_of(p, "ns.sub.example.")->flags = 0)
LIE(flag_ent, node_of(p, "er.example.")->flags = 0)
LIE(flag_cname, node_of(p, "alias.example.")->flags = 0)
LIE(flag_dname, node_of(p, "d.example.")->flags = 0)
LIE(flag_wildcard, node_of(p, "*.w.example.")->flags = 0)
LIE(flag_unknown, node_of(p, "mail.example.")->flags |= 0x4000)
LIE(rrset_first, node_of(p, "mail.example.")->rrset = 0)
LIE(rrset_far, node_of(p, "mail.example.")->rrset = UINT32_MAX)
LIE(rrset_more, node_of(p, "mail.example.")->rrset_count++)
LIE(rrset_many, node_of(p, "mail.example.")->rrset_count = UINT16_MAX)
LIE(rrset_fewer, node_of(p, "mail.example.")->rrset_count--)
/* RRsets */
LIE(type_meta, rrset_of(p, "mail.example.", RR_AAAA)->type = RR_ANY)
LIE(type_rrsig, rrset_of(p, "mail.example.", RR_AAAA)->type = RR_RRSIG)
LIE(type_order, rrset_of(p, "mail.example.", RR_AAAA)->type = 1)
LIE(type_other, rrset_of(p, "mail.example.", RR_AAAA)->type = RR_SRV)
LIE(cname_and_data, rrset_of(p, "mail.example.", RR_AAAA)->type = RR_CNAME)
LIE(no_records, rrset_of(p, "mail.example.", RR_AAAA)->rr_count = 0)
LIE(more_records, rrset_of(p, "mail.example.", RR_AAAA)->rr_count++)
LIE(fewer_records, rrset_of(p, "mail.example.", RR_A)->rr_count--)
LIE(ttl, rrset_of(p, "mail.example.", RR_A)->ttl = 0x80000000)
LIE(data_outside, rrset_of(p, "mail.example.", RR_A)->data = (uint32_t)p->h->data_size + 1)
LIE(record_longer, records_of(p, "mail.example.", RR_A)[0]++)
LIE(record_shorter, records_of(p, "mail.example.", RR_A)[0]--)
LIE(record_order, records_of(p, "mail.example.", RR_A)[5] = 99)
LIE(record_twice, records_of(p, "mail.example.", RR_A)[5] = 11)
LIE(rdata_name, records_of(p, "alias.example.", RR_CNAME)[2] = 0xc0)
LIE(rdata_text, records_of(p, "*.w.example.", RR_TXT)[2]++)
LIE(sigs_outside, p->sigs[rrset_of(p, "mail.example.", RR_A) - p->rrsets] = UINT32_MAX)
LIE(sig_count, rrset_of(p, "mail.example.", RR_A)->sig_count++)
LIE(sig_covers, p->data[p->sigs[rrset_of(p, "mail.example.", RR_A) - p->rrsets] + 3] = RR_NS)
LIE(sig_invented, rrset_of(p, "mail.example.", RR_AAAA)->sig_count = 1)
LIE(sigs_at_end, p->sigs[rrset_of(p, "mail.example.", RR_A) - p->rrsets] = (uint32_t)p->h->data_size - 1)
LIE(sigs_none, p->sigs[rrset_of(p, "mail.example.", RR_AAAA) - p->rrsets] = 1)
LIE(targets_invented, rrset_of(p, "mail.example.", RR_A)->behind = IMAGE_TARGET)
LIE(targets_none, rrset_of(p, "example.", RR_MX)->behind = 0)
LIE(targets_many, rrset_of(p, "example.", RR_MX)->behind = 8)
LIE(target_far, set_target(p, "example.", RR_MX, UINT32_MAX - 1))
LIE(target_other, set_target(p, "example.", RR_MX, 0))
LIE(target_outside, set_target(p, "alone.example.", RR_NS, 0))
LIE(cname_twice, rrset_of(p, "two.example.", RR_PTR)->type = RR_CNAME)
LIE(cname_beside, rrset_of(p, "both.example.", RR_PTR)->type = RR_CNAME)
LIE(soa_below, rrset_of(p, "soa.example.", 65280)->type = RR_SOA)
LIE(empty_leaf, move_up(p, "er.example.", "deep.er.example."))
LIE(empty_last, move_up(p, "zz.example.", "x.zz.example."))
/* slots */
LIE(slot_cleared, *used_slot(p) = 0)
LIE(slot_twice, *empty_slot(p) = *used_slot(p))
static void lie_slots_full(struct patient *p)
{
	for (uint32_t i = 0; i < p->h->slot_count; i++) {
		p->slots[i] = p->slots[i] == 0 ? *used_slot(p) : p->slots[i];
	}
}
LIE(slot_far, *used_slot(p) |= p->z->image.index_mask)
LIE(slot_tag, *used_slot(p) ^= 0x80000000)
LIE(slot_index_zero, *empty_slot(p) = 0x80000000)
LIE(slot_moved, uint32_t *used = used_slot(p); uint32_t slot = *used; *empty_slot(p) = slot; *used = 0)

/* proofs of absence */
LIE(denial_at, p->h->denial += 8)
LIE(nsec3_at, p->h->nsec3 += 8)
LIE(nsec3_count, p->h->nsec3_count++)
LIE(chain_too_long, p->h->nsec3_chain = p->h->nsec3_count + 1)
LIE(chain_longer, p->h->nsec3_chain++)
LIE(chain_none, p->h->nsec3_chain = 0)
LIE(chain_invented, p->h->nsec3_chain = 1)
LIE(salt_far, p->h->nsec3_salt = UINT32_MAX)
LIE(salt_end, p->h->nsec3_salt = (uint32_t)p->h->data_size - 1)
LIE(salt_other, p->h->nsec3_salt++)
LIE(salt_long, p->h->nsec3_salt_len++)
LIE(salt_invented, p->h->nsec3_salt_len = 1)
LIE(salt_offset_invented, p->h->nsec3_salt = 1)
LIE(iterations, p->h->nsec3_iterations++)
LIE(iterations_invented, p->h->nsec3_iterations = 1)
LIE(iterations_many, p->h->nsec3_iterations = 2501;
    records_of(p, "example.", RR_NSEC3PARAM)[4] = 2501 >> 8;
    records_of(p, "example.", RR_NSEC3PARAM)[5] = 2501 & 0xff)
LIE(param_flags, records_of(p, "example.", RR_NSEC3PARAM)[3] = 1)
LIE(param_algorithm, records_of(p, "example.", RR_NSEC3PARAM)[2] = 2)
LIE(flag_nsec3_missing, p->h->flags &= ~(uint32_t)IMAGE_NSEC3)
LIE(flag_both, p->h->flags |= IMAGE_NSEC)
LIE(flag_nsec_missing, p->h->flags &= ~(uint32_t)IMAGE_NSEC)
LIE(flag_nsec3_invented, p->h->flags = IMAGE_SIGNED | IMAGE_NSEC3 | IMAGE_SIGS)
LIE(flag_unsigned, p->h->flags &= ~(uint32_t)IMAGE_SIGNED)
LIE(owner_later, denial_of(p, "a.example.")->nsec.owner = zone_node(p->z, "x.a.example."))
LIE(owner_far, denial_of(p, "a.example.")->nsec.owner = UINT32_MAX)
LIE(owner_occluded, denial_of(p, "ns.sub.example.")->nsec.owner = zone_node(p->z, "ns.sub.example."))
LIE(owner_none, denial_of(p, "sub.example.")->nsec.owner = IMAGE_NONE)
LIE(children_at, p->h->children += 8)
LIE(first_child_low, denial_of(p, "a.example.")->nsec.first_child--)
LIE(first_child_high, denial_of(p, "x.a.example.")->nsec.first_child++)
LIE(first_child_far, denial_of(p, "sub.example.")->nsec.first_child = UINT32_MAX)
LIE(first_child_of_apex, p->denial[0].nsec.first_child++)
LIE(first_child_of_last, denial_of(p, "z.w.example.")->nsec.first_child++)
LIE(first_child_near_last, denial_of(p, "w.example.")->nsec.first_child--)
LIE(child_node, p->children[0].node++)
LIE(child_key, p->child_keys[0]++)
LIE(child_owner, child_of(p, "a.example.")->owner = zone_node(p->z, "a.example."))
LIE(child_owner_far, child_of(p, "w.example.")->owner = UINT32_MAX)
LIE(child_owner_later, child_of(p, "x.a.example.")->owner = zone_node(p->z, "sub.example."))
static void lie_children_swapped(struct patient *p)
{
	struct image_child child = p->children[0];
	uint64_t key = p->child_keys[0];
	p->children[0] = p->children[1];
	p->child_keys[0] = p->child_keys[1];
	p->children[1] = child;
	p->child_keys[1] = key;
}
LIE(match_far, denial_of(p, "w.example.")->nsec3.match = p->h->nsec3_chain)
LIE(match_of_apex, p->denial[0].nsec3.match = IMAGE_NONE)
LIE(cover_far, denial_of(p, "w.example.")->nsec3.cover = p->h->nsec3_chain)
LIE(nsec3_rrset_other, p->nsec3[1].rrset--)
LIE(nsec3_rrset_far, p->nsec3[1].rrset = UINT32_MAX)
LIE(nsec3_type, nsec3_rrset(p, 6)->type = RR_TXT)
LIE(nsec3_type_in_chain, nsec3_rrset(p, 1)->type = 65280)
LIE(nsec3_at_node, rrset_of(p, "example.", RR_NSEC3PARAM)->type = RR_NSEC3)
LIE(nsec3_order, p->nsec3[1].hash[0] = 0; p->nsec3[1].hash[1] = 0)
LIE(nsec3_twice, memcpy(p->nsec3[1].hash, p->nsec3[0].hash, IMAGE_NSEC3_HASH))
LIE(nsec3_algorithm, nsec3_rdata(p, 1)[0] = 2)
LIE(nsec3_iterations, nsec3_rdata(p, 1)[3]++)
LIE(nsec3_salt, nsec3_rdata(p, 1)[5]++)
LIE(nsec3_salt_len, nsec3_rdata(p, 1)[4]++)
LIE(nsec3_next_len, nsec3_rdata(p, 1)[7]--)
static void lie_nsec3_two_records(struct patient *p)
{
	uint32_t several = p->h->nsec3_chain;
	while (nsec3_rrset(p, several)->rr_count == 1) {
		several++;
	}
	struct image_rrset saved = *nsec3_rrset(p, several);
	*nsec3_rrset(p, several) = *nsec3_rrset(p, 0);
	*nsec3_rrset(p, 0) = saved;
	uint32_t *sigs = &p->sigs[p->nsec3[several].rrset];
	uint32_t *first = &p->sigs[p->nsec3[0].rrset];
	uint32_t place = *sigs;
	*sigs = *first;
	*first = place;
}

static const struct {
	void (*lie)(struct patient *p);
	const char *why; /* part of it */
	enum kind kind;
} lies[] = {
	{ lie_magic, "not a zone image", PLAIN },
	{ lie_version, "version", PLAIN },
	{ lie_byte_order, "version", PLAIN },
	{ lie_size, "size", PLAIN },
	{ lie_reserved, "reserved", PLAIN },
	{ lie_serial, "serial", PLAIN },
	{ lie_flags, "serial or flags", PLAIN },
	{ lie_flag_sigs_missing, "sections", PLAIN },
	{ lie_no_nodes, "number of nodes", PLAIN },
	{ lie_many_nodes, "number of nodes", PLAIN },
	{ lie_other_nodes, "sections", PLAIN },
	{ lie_rrset_count, "RRsets are not its own", PLAIN },
	{ lie_rr_count, "number of records", PLAIN },
	{ lie_slot_count, "hash slots", PLAIN },
	{ lie_few_slots, "hash slots", PLAIN },
	{ lie_no_slots, "hash slots", PLAIN },
	{ lie_sigs_at, "sections", PLAIN },
	{ lie_slots_at, "sections", PLAIN },
	{ lie_data_at, "sections", PLAIN },
	{ lie_data_size, "sections", PLAIN },
	{ lie_apex_name, "node 0: bad name", PLAIN },
	{ lie_apex_name_far, "node 0: bad name", PLAIN },
	{ lie_apex_parent, "flags or parent", PLAIN },
	{ lie_apex_cut, "flags or parent", PLAIN },
	{ lie_apex_flags, "flags or parent", PLAIN },
	{ lie_apex_no_ns, "targets do not belong", PLAIN },
	{ lie_apex_without_ns, "no SOA or no NS", PLAIN },
	{ lie_apex_no_soa, "RDATA is not valid", PLAIN },
	{ lie_name_outside, "another name", PLAIN }, /* mail is the target of an MX, seen first */
	{ lie_name_long_label, "name", PLAIN },
	{ lie_name_pointer, "name", PLAIN },
	{ lie_name_is_apex, "another name", PLAIN },
	{ lie_alias_outside, "bad name", PLAIN },
	{ lie_alias_is_apex, "not below its parent", PLAIN },
	{ lie_alias_order, "not in canonical order", PLAIN },
	{ lie_order, "not in canonical order", PLAIN },
	{ lie_deep_not_below, "not in canonical order", PLAIN },
	{ lie_name_of_other, "", PLAIN },
	{ lie_name_not_below, "", PLAIN }, /* the target of the MX is another name now */
	{ lie_name_order, "", PLAIN },
	{ lie_name_later, "", PLAIN },
	{ lie_name_hash, "is not found there", PLAIN },
	{ lie_parent, "not below its parent", PLAIN },
	{ lie_parent_self, "not on the way", PLAIN },
	{ lie_parent_none, "not on the way", PLAIN },
	{ lie_wildcard_missing, "does not know this wildcard", PLAIN },
	{ lie_wildcard_invented, "wildcard child that does not exist", PLAIN },
	{ lie_cut_missing, "flags are wrong", PLAIN },
	{ lie_cut_invented, "flags are wrong", PLAIN },
	{ lie_dname_invented, "flags are wrong", PLAIN },
	{ lie_flag_cut, "flags are wrong", PLAIN },
	{ lie_flag_occluded, "flags are wrong", PLAIN },
	{ lie_flag_ent, "flags are wrong", PLAIN },
	{ lie_flag_cname, "flags are wrong", PLAIN },
	{ lie_flag_dname, "flags are wrong", PLAIN },
	{ lie_flag_wildcard, "flags are wrong", PLAIN },
	{ lie_flag_unknown, "flags are wrong", PLAIN },
	{ lie_rrset_first, "not its own", PLAIN },
	{ lie_rrset_far, "not its own", PLAIN },
	{ lie_rrset_more, "", PLAIN },
	{ lie_rrset_many, "not its own", PLAIN },
	{ lie_rrset_fewer, "not its own", PLAIN },
	{ lie_type_meta, "has none here", PLAIN },
	{ lie_type_rrsig, "has none here", PLAIN },
	{ lie_type_order, "types are not in order", PLAIN },
	{ lie_type_other, "targets do not belong", PLAIN },
	{ lie_cname_and_data, "", PLAIN },
	{ lie_no_records, "empty", PLAIN },
	{ lie_more_records, "outside of the data", PLAIN },
	{ lie_fewer_records, "number of records", PLAIN },
	{ lie_ttl, "bad TTL", PLAIN },
	{ lie_data_outside, "outside of the data", PLAIN },
	{ lie_record_longer, "RDATA is not valid", PLAIN },
	{ lie_record_shorter, "RDATA is not valid", PLAIN },
	{ lie_record_order, "not in order", PLAIN },
	{ lie_record_twice, "not in order", PLAIN },
	{ lie_rdata_name, "RDATA is not valid", PLAIN },
	{ lie_rdata_text, "RDATA is not valid", PLAIN },
	{ lie_sigs_outside, "outside of the data", PLAIN },
	{ lie_sig_count, "RDATA is not valid", PLAIN },
	{ lie_sig_covers, "covers another type", PLAIN },
	{ lie_sig_invented, "outside of the data", PLAIN },
	{ lie_sigs_at_end, "outside of the data", PLAIN },
	{ lie_sigs_none, "a place of signatures", PLAIN },
	{ lie_targets_invented, "targets do not belong", PLAIN },
	{ lie_targets_none, "targets do not belong", PLAIN },
	{ lie_targets_many, "targets do not belong", PLAIN },
	{ lie_target_far, "target is no node", PLAIN },
	{ lie_target_other, "target has another name", PLAIN },
	{ lie_target_outside, "target has another name", PLAIN },
	{ lie_cname_twice, "several records of type 5", PLAIN },
	{ lie_cname_beside, "CNAME and other data", PLAIN },
	{ lie_soa_below, "SOA below the apex", PLAIN },
	{ lie_empty_leaf, "empty, and nothing is below it", PLAIN },
	{ lie_empty_last, "the last node is empty", PLAIN },
	{ lie_slots_full, "no hash slot is empty", PLAIN },
	{ lie_slot_cleared, "slot", PLAIN },
	{ lie_slot_twice, "slot", PLAIN },
	{ lie_slot_far, "slot", PLAIN },
	{ lie_slot_tag, "slot", PLAIN },
	{ lie_slot_index_zero, "slot", PLAIN },
	{ lie_slot_moved, "slot", PLAIN },
	{ lie_denial_at, "sections", PLAIN },
	{ lie_denial_at, "sections", NSEC },
	{ lie_nsec3_at, "sections", NSEC3 },
	{ lie_nsec3_count, "sections", NSEC3 },
	{ lie_chain_too_long, "length of the NSEC3 chain", NSEC3 },
	{ lie_chain_longer, "is not of the chain", NSEC3 },
	{ lie_chain_none, "is no NSEC3 of the chain", NSEC3 },
	{ lie_chain_invented, "length of the NSEC3 chain", NSEC },
	{ lie_chain_invented, "length of the NSEC3 chain", PLAIN },
	{ lie_salt_far, "salt is outside", NSEC3 },
	{ lie_salt_end, "salt is outside", NSEC3 },
	{ lie_salt_other, "not those of an NSEC3PARAM", NSEC3 },
	{ lie_salt_long, "not those of an NSEC3PARAM", NSEC3 },
	{ lie_salt_invented, "without a chain", NSEC },
	{ lie_salt_offset_invented, "without a chain", PLAIN },
	{ lie_iterations, "not those of an NSEC3PARAM", NSEC3 },
	{ lie_iterations_invented, "without a chain", PLAIN },
	{ lie_iterations_many, "not those of an NSEC3PARAM", NSEC3 },
	{ lie_param_flags, "not those of an NSEC3PARAM", NSEC3 },
	{ lie_param_algorithm, "not those of an NSEC3PARAM", NSEC3 },
	{ lie_flag_nsec3_missing, "sections", NSEC3 },
	{ lie_flag_both, "sections", NSEC3 },
	{ lie_flag_nsec_missing, "sections", NSEC },
	{ lie_flag_nsec3_invented, "", NSEC },
	{ lie_flag_unsigned, "flags in the header", NSEC },
	{ lie_owner_later, "denied by another NSEC", NSEC },
	{ lie_owner_far, "denied by another NSEC", NSEC },
	{ lie_owner_occluded, "denied by another NSEC", NSEC },
	{ lie_owner_none, "denied by another NSEC", NSEC },
	{ lie_children_at, "sections", NSEC },
	{ lie_first_child_low, "not found among the children", NSEC },
	{ lie_first_child_high, "other children", NSEC },
	{ lie_first_child_far, "other children", NSEC },
	{ lie_first_child_of_apex, "not the first", NSEC },
	{ lie_first_child_of_last, "at the end has other children", NSEC },
	{ lie_first_child_near_last, "other children", NSEC },
	{ lie_child_node, "not found among the children", NSEC },
	{ lie_child_key, "not found among the children", NSEC },
	{ lie_child_owner, "another NSEC behind it", NSEC },
	{ lie_child_owner_far, "another NSEC behind it", NSEC },
	{ lie_child_owner_later, "another NSEC behind it", NSEC },
	{ lie_children_swapped, "not found among the children", NSEC },
	{ lie_match_far, "is no NSEC3 of the chain", NSEC3 },
	{ lie_match_of_apex, "is no NSEC3 of the chain", NSEC3 },
	{ lie_cover_far, "is no NSEC3 of the chain", NSEC3 },
	{ lie_nsec3_rrset_other, "its RRset is not its own", NSEC3 },
	{ lie_nsec3_rrset_far, "its RRset is not its own", NSEC3 },
	{ lie_nsec3_type, "its RRset is not its own", NSEC3 },
	{ lie_nsec3_type_in_chain, "its RRset is not its own", NSEC3 },
	{ lie_nsec3_at_node, "belongs to no node", NSEC3 },
	{ lie_nsec3_order, "not in order", NSEC3 },
	{ lie_nsec3_twice, "not in order", NSEC3 },
	{ lie_nsec3_algorithm, "is not of the chain", NSEC3 },
	{ lie_nsec3_iterations, "is not of the chain", NSEC3 },
	{ lie_nsec3_salt, "is not of the chain", NSEC3 },
	{ lie_nsec3_salt_len, "RDATA is not valid", NSEC3 },
	{ lie_nsec3_next_len, "is not of the chain", NSEC3 },
	{ lie_nsec3_two_records, "is not of the chain", NSEC3 },
};

Test(image_verify, refuses_each_lie)
{
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct patient p = patient_new(lies[i].kind);
		struct image image;
		char why[128] = "";
		lies[i].lie(&p);
		sign(p.z->block, p.z->size);
		cr_expect_lt(image_verify(p.z->block, p.z->size, &image, why, sizeof(why)), 0, "lie %zu (%s)", i,
			     lies[i].why);
		cr_expect(strstr(why, lies[i].why) != NULL && why[0] != '\0', "lie %zu: '%s', not '%s'", i, why,
			  lies[i].why);
		patient_free(&p);
	}
}

Test(image_verify, refuses_every_cut)
{
	struct patient p = patient_new(PLAIN);
	for (size_t cut = 0; cut < p.z->size; cut++) {
		uint8_t *block = malloc(cut + 1); /* so that reading on is seen by a sanitizer */
		struct image image;
		char why[128] = "";
		memcpy(block, p.z->block, cut);
		if (cut >= sizeof(struct image_header)) {
			((struct image_header *)(void *)block)->size = cut;
			sign(block, cut);
		}
		cr_assert_lt(image_verify(block, cut, &image, why, sizeof(why)), 0, "%zu octets", cut);
		cr_assert_eq(strcmp(why, "shorter than a header") == 0, cut < sizeof(struct image_header));
		free(block);
	}
	patient_free(&p);
}

/* RDATA claimed by many RRsets would make a small image cost as much as a large one. */
Test(image_verify, refuses_data_claimed_again_and_again)
{
	char text[4096] = ZONE_HEAD "0 TXT 012345678901234567890123456789012345678901234567890123456789\n";
	size_t len = strlen(text);
	for (unsigned i = 1; i < 60; i++) {
		len += (size_t)sprintf(text + len, "%u TXT x\n", i);
	}
	struct zone *z = zone_of("example.", text);
	struct image_rrset *rrsets = (void *)(z->block + ((const uint8_t *)z->image.rrsets - z->block));
	const struct image_rrset *big = image_rrset(&z->image, zone_node(z, "0.example."), RR_TXT);
	for (uint32_t i = 0; i < z->image.header->rrset_count; i++) {
		if (rrsets[i].type == RR_TXT) {
			rrsets[i] = *big;
		}
	}
	struct image image;
	char why[128] = "";
	sign(z->block, z->size);
	cr_assert_lt(image_verify(z->block, z->size, &image, why, sizeof(why)), 0);
	cr_assert_not_null(strstr(why, "records overlap"), "%s", why);
	zone_free(z);
}

Test(image_verify, refuses_a_wrong_checksum)
{
	struct patient p = patient_new(NSEC3);
	struct image image;
	char why[128] = "";
	/* In the header every octet: numbers there choose how answers are made, and some stand nowhere else. */
	for (size_t at = 0; at < sizeof(struct image_header); at++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			p.z->block[at] ^= (uint8_t)bit;
			cr_assert_lt(image_verify(p.z->block, p.z->size, &image, why, sizeof(why)), 0, "octet %zu", at);
			p.z->block[at] ^= (uint8_t)bit;
		}
	}
	for (size_t at = sizeof(struct image_header); at < p.z->size; at += 7) {
		p.z->block[at] ^= 0x10;
		cr_assert_lt(image_verify(p.z->block, p.z->size, &image, why, sizeof(why)), 0);
		cr_assert_str_eq(why, "checksum differs");
		p.z->block[at] ^= 0x10;
	}
	patient_free(&p);
}

/* A zone of nothing but the apex, whose name is made one of len octets: it is in the TXT record. */
static int verify_long_apex(size_t len, char *why, size_t why_size)
{
	static const char *const names[] = { "example.", NULL };
	static const struct chain_options options = { .iterations = 0, .salt = "-" };
	char text[8192] = "$TTL 3600\n@ SOA ns.a. a. 7 2 3 4 5\n@" SIGNATURE("SOA") "@ NS ns.a.\n"
			  "@ DNSKEY 256 3 13 AAAA\n@ NSEC3PARAM 1 0 0 -\n@ TXT \"";
	for (size_t left = len; left > 1;) {
		size_t label = left > 64 ? 63 : left - 2;
		left -= label + 1;
		sprintf(text + strlen(text), "\\%03zu%.*s", label, (int)label,
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	}
	strcat(text, "\\000\"\n");
	add_chain(text, sizeof(text), names, &options);

	struct zone *z = zone_of("example.", text);
	cr_assert_eq(z->errors, 0, "%s", z->found.text);
	const struct image_rrset *txt = image_rrset(&z->image, 0, RR_TXT);
	struct image_header *h = (void *)z->block;
	struct image_node *apex = (void *)(z->block + sizeof(*h));
	uint32_t *slots = (void *)(z->block + h->slots);
	apex->name = txt->data + 3; /* behind the lengths of RDATA and string */
	const uint8_t *name = z->block + h->data + apex->name;
	cr_assert_eq(dname_len(name), len);
	uint64_t hash = IMAGE_HASH_ROOT;
	for (unsigned i = dname_label_count(name); i-- > 0;) {
		hash = image_hash_label(hash, dname_skip_labels(name, i));
	}
	memset(slots, 0, h->slot_count * sizeof(*slots));
	slots[(uint32_t)(hash >> 32) & (h->slot_count - 1)] = ((uint32_t)hash & ~z->image.index_mask) | 1;
	sign(z->block, z->size);
	struct image image;
	int err = image_verify(z->block, z->size, &image, why, why_size);
	zone_free(z);
	return err;
}

/* An owner of NSEC3 is made of a hash and the apex, in room for one name: what does not fit may not come so far. */
Test(image_verify, refuses_nsec3_where_the_apex_leaves_no_room)
{
	char why[128] = "";
	cr_expect_eq(verify_long_apex(222, why, sizeof(why)), BH_OK, "%s", why);
	cr_expect_lt(verify_long_apex(223, why, sizeof(why)), 0);
	cr_expect_not_null(strstr(why, "too long for owners"), "%s", why);
	cr_expect_lt(verify_long_apex(255, why, sizeof(why)), 0);
}

/* What the answer of absence at or below a node looks at. */
static void walk_denial(const struct image *image, uint32_t n)
{
	const struct image_header *h = image->header;
	const union image_denial *denial = &image->denial[n];
	if ((h->flags & IMAGE_NSEC3) != 0) {
		cr_assert(denial->nsec3.match == IMAGE_NONE || denial->nsec3.match < h->nsec3_chain);
		cr_assert(denial->nsec3.cover == IMAGE_NONE || denial->nsec3.cover < h->nsec3_chain);
		return;
	}
	static const char *const labels[] = { "\0010", "\001b", "\002zz" };
	for (size_t i = 0; i < COUNT(labels); i++) {
		uint8_t name[DNAME_MAX];
		size_t len = strlen(labels[i] + 1) + 1;
		memcpy(name, labels[i], len);
		memcpy(name + len, image_name(image, n), dname_len(image_name(image, n)));
		struct image_match match;
		image_find(image, name, &match);
		if (match.node == IMAGE_NONE) {
			uint32_t owner = image_nsec_cover(image, name, &match);
			cr_assert_not_null(image_rrset(image, owner, RR_NSEC));
			cr_assert_lt(dname_compare(image_name(image, owner), name), 0);
		}
	}
}

static void walk_nsec3s(const struct image *image)
{
	const struct image_header *h = image->header;
	cr_assert_leq(h->nsec3_salt + h->nsec3_salt_len, h->data_size);
	for (uint32_t i = 0; i < h->nsec3_count; i++) {
		const struct image_rrset *r = &image->rrsets[image->nsec3[i].rrset];
		uint8_t owner[DNAME_MAX];
		struct image_walk records = image_records(image, r);
		uint16_t len;
		image_nsec3_owner(image, i, owner);
		cr_assert(dname_is_under(owner, image->apex));
		cr_assert_eq(r->type, RR_NSEC3);
		for (unsigned k = 0; k < r->rr_count; k++) {
			const uint8_t *rdata = image_next_rdata(&records, &len);
			cr_assert(rdata_is_valid(r->type, rdata, len));
		}
		if (i < h->nsec3_chain) {
			cr_assert_eq(image_nsec3_find(image, image->nsec3[i].hash), i);
		}
	}
}

/* Follow everything that the serving path follows. */
static void walk(const struct image *image)
{
	uint64_t sum = 0;
	for (uint32_t n = 0; n < image->header->node_count; n++) {
		const struct image_node *node = &image->nodes[n];
		struct image_match match;
		image_find(image, image->data + node->name, &match);
		cr_assert_eq(match.node, n);
		for (uint32_t up = n, steps = 0; up != 0; up = image->nodes[up].parent) {
			cr_assert_lt(++steps, 128u);
		}
		struct image_look look;
		image_look(&look, image->data + node->name);
		uint32_t wildcard = image_wildcard(image, n, look.hash[0]);
		cr_assert(wildcard == IMAGE_NONE || image->nodes[wildcard].parent == n);
		if (image->denial != NULL) {
			walk_denial(image, n);
		}
		uint32_t cut = image_cut(image, n);
		cr_assert(cut == IMAGE_NONE || image_rrset(image, cut, RR_NS) != NULL);
		uint32_t dname = image_dname(image, n);
		cr_assert(dname == IMAGE_NONE || image_rrset(image, dname, RR_DNAME) != NULL);
		for (unsigned i = 0; i < node->rrset_count; i++) {
			const struct image_rrset *r = &image->rrsets[node->rrset + i];
			struct image_walk records = image_records(image, r);
			for (unsigned k = 0; k < r->rr_count; k++) {
				uint16_t len;
				const uint8_t *rdata = image_next_rdata(&records, &len);
				cr_assert(rdata_is_valid(r->type, rdata, len));
				if (r->behind == IMAGE_TARGET) {
					uint32_t target = image_walk_target(&records);
					sum += target == IMAGE_NONE ? 0 : image->nodes[target].rrset;
				}
			}
		}
	}
	walk_nsec3s(image);
	cr_assert_neq(sum, 0u); /* so that nothing of it is optimised away */
}

/* Each octet changed in several ways: refused, or harmless. */
static void expect_refused_or_harmless(enum kind kind)
{
	struct patient p = patient_new(kind);
	static const uint8_t changes[] = { 1, 0x20, 0x80, 0xff };
	unsigned accepted = 0;
	for (size_t at = 0; at < p.z->size; at++) {
		for (size_t c = 0; c < COUNT(changes); c++) {
			struct image image;
			char why[128] = "";
			uint8_t saved = p.z->block[at];
			p.z->block[at] ^= changes[c];
			sign(p.z->block, p.z->size);
			if (image_verify(p.z->block, p.z->size, &image, why, sizeof(why)) == BH_OK) {
				walk(&image);
				accepted++;
			}
			p.z->block[at] = saved;
		}
	}
	/* Addresses, texts, TTLs, hashes, keys and signatures, of which a signed zone is mostly made: just another zone. */
	cr_assert(accepted > 50 && accepted < p.z->size * COUNT(changes) * 5 / 8, "%u changes were taken", accepted);
	patient_free(&p);
}

Test(image_verify, any_changed_octet_is_refused_or_harmless)
{
	for (unsigned kind = PLAIN; kind < KINDS; kind++) {
		expect_refused_or_harmless(kind);
	}
}
