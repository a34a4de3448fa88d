/*
 * Reading a zone image that was verified: opening, the hash, finding names.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/zone/image.h"

#include "common/dns/base32hex.h"
#include "common/dns/fold.h"
#include "common/util/cursor.h"

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

/* The child of encloser at or above node, which is below it. */
static uint32_t child_above(const struct image *image, uint32_t encloser, uint32_t node)
{
	while (image->nodes[node].parent != encloser) { /* at most DNAME_LABELS_MAX steps */
		node = image->nodes[node].parent;
	}
	return node;
}

uint32_t image_nsec_cover(const struct image *image, const uint8_t *name, const struct image_match *match)
{
	const uint8_t *label = dname_skip_labels(name, match->below - 1);
	uint32_t encloser = match->encloser;
	/* Everything in the subtree before `low` sorts before the name, all from `high` on behind it. */
	uint32_t low = encloser + 1;
	uint32_t high = image->denial[encloser].nsec.end;
	while (low < high) {
		uint32_t child = child_above(image, encloser, low + (high - low) / 2);
		if (fold_label_compare(image_name(image, child), label) < 0) {
			low = image->denial[child].nsec.end;
		} else {
			high = child;
		}
	}
	return image->denial[low - 1].nsec.owner;
}

/* The first octets of a hash as a number. */
static uint64_t hash_word(const uint8_t *hash)
{
	return (uint64_t)get_u32(hash) << 32 | get_u32(hash + 4);
}

/* How many hashes one expects in a range of that width, of count evenly spread ones. */
static uint32_t expected(uint64_t width, uint32_t count)
{
	return (uint32_t)((unsigned __int128)width * count >> 64);
}

uint32_t image_nsec3_find(const struct image *image, const uint8_t hash[IMAGE_NSEC3_HASH])
{
	const struct image_nsec3 *chain = image->nsec3;
	uint32_t count = image->header->nsec3_chain;

	/*
	 * Hashes are evenly spread: two guesses come close, steps that double find the range, and that is
	 * bisected. A zone with chosen hashes makes it a bisection of the whole.
	 */
	uint64_t word = hash_word(hash);
	uint32_t guess = expected(word, count);
	uint64_t have = hash_word(chain[guess].hash);
	if (word > have) {
		uint32_t more = expected(word - have, count);
		guess = more < count - guess ? guess + more : count - 1;
	} else {
		uint32_t less = expected(have - word, count);
		guess = less < guess ? guess - less : 0;
	}
	uint32_t low = 0;      /* all before it are not greater than hash */
	uint32_t high = count; /* it and all behind are greater */
	uint32_t step = 1;
	if (memcmp(chain[guess].hash, hash, IMAGE_NSEC3_HASH) <= 0) {
		for (low = guess + 1; low < high; step *= 2) {
			uint32_t at = step < high - low ? low + step : high - 1;
			if (memcmp(chain[at].hash, hash, IMAGE_NSEC3_HASH) > 0) {
				high = at;
				break;
			}
			low = at + 1;
		}
	} else {
		for (high = guess; low < high; step *= 2) {
			uint32_t at = step < high - low ? high - step : low;
			if (memcmp(chain[at].hash, hash, IMAGE_NSEC3_HASH) <= 0) {
				low = at + 1;
				break;
			}
			high = at;
		}
	}
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (memcmp(chain[middle].hash, hash, IMAGE_NSEC3_HASH) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low > 0 ? low - 1 : count - 1; /* the last one's interval begins again at the first */
}

void image_nsec3_owner(const struct image *image, uint32_t nsec3, uint8_t out[DNAME_MAX])
{
	out[0] = IMAGE_NSEC3_LABEL;
	base32hex_encode(image->nsec3[nsec3].hash, IMAGE_NSEC3_HASH, out + 1);
	memcpy(out + 1 + IMAGE_NSEC3_LABEL, image->apex, dname_len(image->apex));
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
