/*
 * Text of images. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/show.h"

#include "common/dns/canonical.h"
#include "common/dns/rdata_text.h"
#include "common/zone/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_OCTETS (64u * 1024)

struct show {
	int fd;
	size_t pos;
	int err; /* the first one; from then on nothing is written */
	struct show_count *count;
	char *rdata; /* RDATA_TEXT_MAX */
	char piece[PIECE_OCTETS];
};

/* --- writing ----------------------------------------------------------------------------------------- */

static void flush(struct show *s)
{
	for (size_t at = 0; at < s->pos && s->err == BH_OK;) {
		ssize_t n = write(s->fd, s->piece + at, s->pos - at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			s->err = BH_ESYS;
			break;
		}
		at += (size_t)n;
	}
	s->pos = 0;
}

static void put(struct show *s, const char *text, size_t len)
{
	while (len > 0 && s->err == BH_OK) {
		size_t room = PIECE_OCTETS - s->pos;
		size_t part = len < room ? len : room;
		memcpy(s->piece + s->pos, text, part);
		s->pos += part;
		text += part;
		len -= part;
		if (s->pos == PIECE_OCTETS) {
			flush(s);
		}
	}
}

/* How a line begins. */
enum sign { PLAIN, REMOVED, ADDED };

static void put_record(struct show *s, enum sign sign, const uint8_t *owner, uint32_t ttl, uint16_t type,
		       const uint8_t *rdata, size_t len)
{
	static const char *const signs[] = { [PLAIN] = "", [REMOVED] = "- ", [ADDED] = "+ " };
	char name[RECORD_NAME_MAX];
	char type_text[RR_TYPE_TEXT_MAX];
	char front[RECORD_NAME_MAX + 64];
	int n = snprintf(front, sizeof(front), "%s%s\t%" PRIu32 "\tIN\t%s\t", signs[sign], record_name_text(owner, name), ttl,
			 rr_type_text(type, type_text));
	put(s, front, (size_t)n);
	put(s, s->rdata, rdata_text(type, rdata, len, s->rdata));
	put(s, "\n", 1);
	s->count->records += sign == PLAIN;
	s->count->removed += sign == REMOVED;
	s->count->added += sign == ADDED;
}

/* --- RRsets -------------------------------------------------------------------------------------------- */

/* The records of an RRset, or its signatures: a list in canonical order. */
struct list {
	struct image_walk walk;
	uint32_t left;
	uint16_t type;
	uint32_t ttl;
	const uint8_t *rdata; /* of the one in front; NULL: none */
	uint16_t len;
};

static void next(struct list *list)
{
	list->rdata = list->left > 0 ? image_next_rdata(&list->walk, &list->len) : NULL;
	list->left -= list->left > 0;
}

/* NULL: an empty list. */
static struct list list_of(const struct image *image, const struct image_rrset *rrset, bool signatures)
{
	struct list list = { .left = 0 };
	if (rrset != NULL && signatures && rrset->sig_count > 0) {
		list = (struct list){ .walk = image_signatures(image, rrset), .left = rrset->sig_count, .type = RR_RRSIG };
	} else if (rrset != NULL && !signatures) {
		list = (struct list){ .walk = image_records(image, rrset), .left = rrset->rr_count, .type = rrset->type };
	}
	list.ttl = rrset == NULL ? 0 : rrset->ttl;
	next(&list);
	return list;
}

static void put_list(struct show *s, enum sign sign, const uint8_t *owner, struct list *list)
{
	for (; list->rdata != NULL && s->err == BH_OK; next(list)) {
		put_record(s, sign, owner, list->ttl, list->type, list->rdata, list->len);
	}
}

static void put_rrset(struct show *s, enum sign sign, const uint8_t *owner, const struct image *image,
		      const struct image_rrset *rrset)
{
	for (unsigned signatures = 0; signatures < 2; signatures++) {
		struct list list = list_of(image, rrset, signatures == 1);
		put_list(s, sign, owner, &list);
	}
}

static void compare_lists(struct show *s, const uint8_t *old_owner, struct list *old, const uint8_t *new_owner,
			  struct list *new)
{
	if (old->ttl != new->ttl) {
		put_list(s, REMOVED, old_owner, old);
		put_list(s, ADDED, new_owner, new);
	}
	while (old->rdata != NULL && new->rdata != NULL && s->err == BH_OK) {
		int order = canonical_compare(old->type, old->rdata, old->len, new->rdata, new->len);
		bool same = order == 0 && old->len == new->len && memcmp(old->rdata, new->rdata, old->len) == 0;
		if (order <= 0 && !same) {
			put_record(s, REMOVED, old_owner, old->ttl, old->type, old->rdata, old->len);
		}
		if (order >= 0 && !same) { /* the same record with other letters is another text */
			put_record(s, ADDED, new_owner, new->ttl, new->type, new->rdata, new->len);
		}
		if (order <= 0) {
			next(old);
		}
		if (order >= 0) {
			next(new);
		}
	}
	put_list(s, REMOVED, old_owner, old);
	put_list(s, ADDED, new_owner, new);
}

/* --- names ------------------------------------------------------------------------------------------------ */

/* Everything at one name, or one NSEC3. */
struct place {
	const struct image *image;
	const uint8_t *owner;
	const struct image_rrset *rrsets;
	unsigned count;
};

static struct place place_of_node(const struct image *image, uint32_t node)
{
	const struct image_node *n = &image->nodes[node];
	return (struct place){ image, image_name(image, node), image->rrsets + n->rrset, n->rrset_count };
}

/* NULL in place of an RRset: there is none. soa: of the apex it was told already. */
static void compare_rrsets(struct show *s, const struct place *old, const struct image_rrset *a, const struct place *new,
			   const struct image_rrset *b)
{
	const uint8_t *old_owner = old->owner != NULL ? old->owner : new->owner;
	const uint8_t *new_owner = new->owner != NULL ? new->owner : old->owner;
	for (unsigned signatures = 0; signatures < 2; signatures++) {
		struct list x = list_of(old->image, a, signatures == 1);
		struct list y = list_of(new->image, b, signatures == 1);
		compare_lists(s, old_owner, &x, new_owner, &y);
	}
}

/* Names that are equal, or one of the two places is empty. */
static void compare_places(struct show *s, const struct place *old, const struct place *new)
{
	unsigned i = 0;
	unsigned j = 0;
	while ((i < old->count || j < new->count) && s->err == BH_OK) {
		const struct image_rrset *a = i < old->count ? &old->rrsets[i] : NULL;
		const struct image_rrset *b = j < new->count ? &new->rrsets[j] : NULL;
		if (a != NULL && b != NULL && a->type != b->type) {
			*(a->type < b->type ? &b : &a) = NULL;
		}
		i += a != NULL;
		j += b != NULL;
		if ((a != NULL ? a : b)->type != RR_SOA) { /* only at the apex; it came first */
			compare_rrsets(s, old, a, new, b);
		}
	}
}

/* --- NSEC3, which are no nodes ----------------------------------------------------------------------------- */

/* Indexes of all of them by hash; heap memory. NULL: out of memory. */
struct nsec3_order {
	uint32_t *index;
	uint32_t count;
};

static int compare_nsec3(const void *a, const void *b, void *ctx)
{
	const struct image *image = ctx;
	const struct image_nsec3 *x = &image->nsec3[*(const uint32_t *)a];
	const struct image_nsec3 *y = &image->nsec3[*(const uint32_t *)b];
	int order = memcmp(x->hash, y->hash, sizeof(x->hash));
	return order != 0 ? order : x < y ? -1 : x > y;
}

static int order_nsec3(const struct image *image, struct nsec3_order *out)
{
	out->count = image->header->nsec3_count;
	out->index = malloc(((size_t)out->count + 1) * sizeof(*out->index));
	if (out->index == NULL) {
		return BH_ENOMEM;
	}
	for (uint32_t i = 0; i < out->count; i++) {
		out->index[i] = i;
	}
	qsort_r(out->index, out->count, sizeof(*out->index), compare_nsec3, (void *)(uintptr_t)image);
	return BH_OK;
}

static struct place place_of_nsec3(const struct image *image, uint32_t nsec3, uint8_t owner[DNAME_MAX])
{
	image_nsec3_owner(image, nsec3, owner);
	return (struct place){ image, owner, &image->rrsets[image->nsec3[nsec3].rrset], 1 };
}

static void compare_all_nsec3(struct show *s, const struct image *from, const struct nsec3_order *x,
			      const struct image *to, const struct nsec3_order *y)
{
	uint8_t old_owner[DNAME_MAX];
	uint8_t new_owner[DNAME_MAX];
	uint32_t i = 0;
	uint32_t j = 0;
	while ((i < x->count || j < y->count) && s->err == BH_OK) {
		struct place old = { .image = from };
		struct place new = { .image = to };
		int order = i == x->count ? 1
			    : j == y->count
				    ? -1
				    : memcmp(from->nsec3[x->index[i]].hash, to->nsec3[y->index[j]].hash, IMAGE_NSEC3_HASH);
		if (order <= 0) {
			old = place_of_nsec3(from, x->index[i++], old_owner);
		}
		if (order >= 0) {
			new = place_of_nsec3(to, y->index[j++], new_owner);
		}
		compare_places(s, &old, &new);
	}
}

/* --- whole zones -------------------------------------------------------------------------------------------- */

static struct show *show_new(int fd, struct show_count *count)
{
	struct show *s = calloc(1, sizeof(*s));
	if (s == NULL || (s->rdata = malloc(RDATA_TEXT_MAX)) == NULL) {
		free(s);
		return NULL;
	}
	*count = (struct show_count){ 0 };
	s->fd = fd;
	s->count = count;
	return s;
}

static int show_end(struct show *s)
{
	flush(s);
	int err = s->err;
	int error = errno;
	free(s->rdata);
	free(s);
	errno = error;
	return err;
}

int show_zone(const struct image *image, int fd, struct show_count *count)
{
	struct nsec3_order order;
	struct show *s = show_new(fd, count);
	if (s == NULL) {
		return BH_ENOMEM;
	}
	s->err = order_nsec3(image, &order);
	put_rrset(s, PLAIN, image->apex, image, image->soa);
	for (uint32_t node = 0; node < image->header->node_count && s->err == BH_OK; node++) {
		struct place place = place_of_node(image, node);
		for (unsigned i = 0; i < place.count; i++) {
			if (&place.rrsets[i] != image->soa) {
				put_rrset(s, PLAIN, place.owner, image, &place.rrsets[i]);
			}
		}
	}
	for (uint32_t i = 0; i < order.count && s->err == BH_OK; i++) {
		uint8_t owner[DNAME_MAX];
		struct place place = place_of_nsec3(image, order.index[i], owner);
		put_rrset(s, PLAIN, owner, image, place.rrsets);
	}
	free(order.index);
	return show_end(s);
}

int show_difference(const struct image *from, const struct image *to, int fd, struct show_count *count)
{
	struct nsec3_order x = { .index = NULL };
	struct nsec3_order y = { .index = NULL };
	uint32_t i = 0;
	uint32_t j = 0;
	struct show *s = show_new(fd, count);
	if (s == NULL) {
		return BH_ENOMEM;
	}
	s->err = order_nsec3(from, &x);
	s->err = s->err == BH_OK ? order_nsec3(to, &y) : s->err;
	struct place old = { .image = from, .owner = from->apex };
	struct place new = { .image = to, .owner = to->apex };
	compare_rrsets(s, &old, from->soa, &new, to->soa);
	while ((i < from->header->node_count || j < to->header->node_count) && s->err == BH_OK) {
		int order = i == from->header->node_count ? 1
			    : j == to->header->node_count
				    ? -1
				    : dname_compare(image_name(from, i), image_name(to, j));
		old = (struct place){ .image = from };
		new = (struct place){ .image = to };
		if (order <= 0) {
			old = place_of_node(from, i++);
		}
		if (order >= 0) {
			new = place_of_node(to, j++);
		}
		compare_places(s, &old, &new);
	}
	compare_all_nsec3(s, from, &x, to, &y);
	free(x.index);
	free(y.index);
	return show_end(s);
}
