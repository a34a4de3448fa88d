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
#include <sys/mman.h>
#include <sys/stat.h>

uint64_t image_hash_label(uint64_t hash, const uint8_t *label)
{
	return fold_hash(hash, label + 1, label[0]);
}

/* The node of a name of len octets with this hash, or IMAGE_NONE. */
static uint32_t find_node(const struct image *image, uint64_t hash, const uint8_t *name, size_t len)
{
	uint32_t tag = (uint32_t)hash & ~image->index_mask;
	uint32_t at = (uint32_t)(hash >> 32) & image->slot_mask;

	for (;; at = (at + 1) & image->slot_mask) { /* ends: an empty slot within IMAGE_PROBES_MAX */
		uint32_t slot = image->slots[at];
		if (slot == 0) {
			return IMAGE_NONE;
		}
		if ((slot & ~image->index_mask) != tag) {
			continue;
		}
		uint32_t node = (slot & image->index_mask) - 1;
		if (image->nodes[node].hash != (uint32_t)hash) {
			continue;
		}
		const uint8_t *have = image->data + image->nodes[node].name;
		if (dname_len(have) == len && fold_equal(have, name, len)) {
			return node;
		}
	}
}

void image_find(const struct image *image, const uint8_t *name, struct image_match *out)
{
	const uint8_t *labels[DNAME_LABELS_MAX];
	uint64_t hashes[DNAME_LABELS_MAX];
	unsigned count = 0;
	const uint8_t *end = name;
	for (; *end != 0; end = dname_parent(end)) {
		labels[count++] = end;
	}
	end++;

	/* labels[0..below) are those below the apex; hashes[i] is that of the name from label i on. */
	unsigned below = count - image->apex_labels;
	uint64_t hash = image->apex_hash;
	for (unsigned i = below; i-- > 0;) {
		hash = image_hash_label(hash, labels[i]);
		hashes[i] = hash;
	}

	*out = (struct image_match){ .node = 0, .encloser = 0, .below = 0 };
	if (below == 0) {
		return;
	}
	uint32_t node = find_node(image, hashes[0], name, (size_t)(end - name));
	if (node != IMAGE_NONE) {
		out->node = node;
		out->encloser = node;
		return;
	}

	/* Every ancestor of a node is a node, so the closest encloser can be bisected. */
	unsigned missing = 0;	 /* the name from this label on is not there */
	unsigned found = below;	 /* from this one on it is: the apex at first */
	while (found - missing > 1) {
		unsigned middle = missing + (found - missing) / 2;
		node = find_node(image, hashes[middle], labels[middle], (size_t)(end - labels[middle]));
		if (node == IMAGE_NONE) {
			missing = middle;
		} else {
			found = middle;
			out->encloser = node;
		}
	}
	out->node = IMAGE_NONE;
	out->below = found;
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
