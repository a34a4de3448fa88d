/*
 * Reading a zone image that was verified: opening, the hash, finding names.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/image.h"

#include "common/dns/fold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

uint64_t image_hash_label(uint64_t hash, const uint8_t *label)
{
	return fold_hash(hash, label + 1, label[0]);
}

void image_look(struct image_look *look, const uint8_t *name)
{
	unsigned count = 0;
	unsigned pos = 0;
	for (; name[pos] != 0; pos += name[pos] + 1u) {
		look->at[count++] = (uint8_t)pos;
	}
	look->at[count] = (uint8_t)pos;
	look->labels = (uint8_t)count;
	look->len = (uint8_t)(pos + 1);

	memcpy(look->lower, name, look->len);
	for (unsigned i = 0; i < look->len; i += 8) { /* length octets stay as they are: fold.h */
		uint64_t word = fold_word(fold_load64(look->lower + i));
		memcpy(look->lower + i, &word, sizeof(word));
	}

	uint64_t hash = IMAGE_HASH_ROOT;
	look->hash[count] = hash;
	while (count-- > 0) {
		const uint8_t *label = look->lower + look->at[count];
		hash = fold_hash_padded(hash, label + 1, label[0]);
		look->hash[count] = hash;
	}
}

static uint32_t home_slot(const struct image *image, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & image->slot_mask;
}

/* The node of the name from label `from` on, or IMAGE_NONE. */
static uint32_t find_node(const struct image *image, const struct image_look *look, unsigned from)
{
	uint64_t hash = look->hash[from];
	const uint8_t *name = look->lower + look->at[from];
	size_t len = (size_t)look->len - look->at[from];
	uint32_t tag = (uint32_t)hash & ~image->index_mask;

	/* Ends: an empty slot within IMAGE_PROBES_MAX. */
	for (uint32_t at = home_slot(image, hash);; at = (at + 1) & image->slot_mask) {
		uint32_t slot = image->slots[at];
		if (slot == 0) {
			return IMAGE_NONE;
		}
		if ((slot & ~image->index_mask) != tag) {
			continue;
		}
		const struct image_node *node = &image->nodes[(slot & image->index_mask) - 1];
		/* As many equal octets, the root label among them, are the same name, whatever the other's length. */
		if (node->hash == (uint32_t)hash && len <= image->data_size - node->name &&
		    fold_equal_lower(name, image->data + node->name, len)) {
			return (slot & image->index_mask) - 1;
		}
	}
}

void image_find_look(const struct image *image, const struct image_look *look, struct image_match *out)
{
	unsigned below = look->labels - image->apex_labels; /* labels below the apex */

	*out = (struct image_match){ .node = 0, .encloser = 0, .below = 0 };
	if (below == 0) {
		return;
	}
	uint32_t node = find_node(image, look, 0);
	out->node = node;
	if (node != IMAGE_NONE) {
		out->encloser = node;
		return;
	}

	/* Every ancestor of a node is a node, so the closest encloser can be bisected. */
	unsigned missing = 0;	 /* the name from this label on is not there */
	unsigned found = below;	 /* from this one on it is: the apex at first */
	while (found - missing > 1) {
		unsigned middle = missing + (found - missing) / 2;
		node = find_node(image, look, middle);
		if (node == IMAGE_NONE) {
			missing = middle;
		} else {
			found = middle;
			out->encloser = node;
		}
	}
	out->below = found;
}

void image_find(const struct image *image, const uint8_t *name, struct image_match *out)
{
	struct image_look look;
	image_look(&look, name);
	image_find_look(image, &look, out);
}

/* Names looked for are mostly right below the apex, or not far below a cut there. */
#define FETCH_LABELS 3

static unsigned fetch_labels(const struct image *image, const struct image_look *look)
{
	unsigned below = look->labels - image->apex_labels;
	return below < FETCH_LABELS ? below : FETCH_LABELS;
}

void image_fetch_slots(const struct image *image, const struct image_look *look)
{
	unsigned count = fetch_labels(image, look);
	for (unsigned i = 0; i < count; i++) {
		__builtin_prefetch(&image->slots[home_slot(image, look->hash[i])]);
	}
}

uint32_t image_fetch_node(const struct image *image, const struct image_look *look)
{
	unsigned count = fetch_labels(image, look);
	for (unsigned i = 0; i < count; i++) {
		uint32_t at = home_slot(image, look->hash[i]);
		uint32_t tag = (uint32_t)look->hash[i] & ~image->index_mask;
		for (; image->slots[at] != 0; at = (at + 1) & image->slot_mask) {
			if ((image->slots[at] & ~image->index_mask) == tag) {
				uint32_t node = (image->slots[at] & image->index_mask) - 1;
				__builtin_prefetch(&image->nodes[node]);
				return node;
			}
		}
	}
	return 0;
}

void image_fetch_sets(const struct image *image, uint32_t node)
{
	const struct image_node *n = &image->nodes[node];
	const uint8_t *data = image->data + n->name; /* the name, and behind it RDATA as the compiler writes it */
	__builtin_prefetch(&image->rrsets[n->rrset]);
	__builtin_prefetch(data);
	__builtin_prefetch(data + 64);
}

const struct image_rrset *image_rrset(const struct image *image, uint32_t node, uint16_t type)
{
	const struct image_node *n = &image->nodes[node];
	const struct image_rrset *rrset = image->rrsets + n->rrset;
	unsigned count = n->rrset_count;
	while (count > 8) { /* few names have so many types; none may cost more than a few steps */
		unsigned half = count / 2;
		if (rrset[half].type <= type) {
			rrset += half;
			count -= half;
		} else {
			count = half;
		}
	}
	for (unsigned i = 0; i < count && rrset[i].type <= type; i++) {
		if (rrset[i].type == type) {
			return &rrset[i];
		}
	}
	return NULL;
}

/* What F_GET_SEALS must show: without these the bytes could change after they were verified. */
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

int image_open(int fd, struct image **out, char *why, size_t why_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS) {
		snprintf(why, why_size, "is not a memfd sealed against write, grow and shrink");
		return BH_EPERM;
	}
	struct stat st;
	if (fstat(fd, &st) != 0) {
		snprintf(why, why_size, "fstat: %s", bh_strerror(BH_ESYS));
		return BH_ESYS;
	}
	if (st.st_size < (off_t)sizeof(struct image_header)) {
		snprintf(why, why_size, "is shorter than an image header");
		return BH_ETRUNC;
	}

	size_t size = (size_t)st.st_size;
	void *block = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (block == MAP_FAILED) {
		int err = errno == ENOMEM ? BH_ENOMEM : BH_ESYS;
		snprintf(why, why_size, "mmap: %s", bh_strerror(BH_ESYS));
		return err;
	}
	struct image *image = malloc(sizeof(*image));
	int err = BH_ENOMEM;
	if (image == NULL) {
		snprintf(why, why_size, "out of memory");
		goto fail;
	}
	err = image_verify(block, size, image, why, why_size);
	if (err != BH_OK) {
		goto fail;
	}
	*out = image;
	return BH_OK;

fail:
	free(image);
	munmap(block, size);
	return err;
}

void image_close(struct image *image)
{
	if (image == NULL) {
		return;
	}
	/* The C library has no const in munmap; the pages are read-only. */
	munmap((void *)(uintptr_t)image->header, image->header->size);
	free(image);
}
