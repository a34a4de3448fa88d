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
		if (len <= image->data_size - node->name &&
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
	const struct image_rrset *rrset = &image->rrsets[n->rrset];
	/* The next ones, too: behind a delegation point stands its glue. */
	__builtin_prefetch(n + 1);
	__builtin_prefetch(rrset);
	__builtin_prefetch(image->data + n->name);
	if (image->sigs != NULL) {
		__builtin_prefetch(&image->sigs[n->rrset]);
	}
}

void image_fetch_data(const struct image *image, uint32_t node)
{
	const struct image_node *n = &image->nodes[node];
	if (n->rrset_count == 0) {
		return;
	}
	const struct image_rrset *rrset = &image->rrsets[n->rrset]; /* A and NS come first, and are asked for most */
	const uint8_t *data = image->data + rrset->data;
	__builtin_prefetch(data);
	__builtin_prefetch(data + 64);
}

/* The first of the children [low, high) of one node whose key is not lower; high: there is none. */
static uint32_t first_child_from(const struct image *image, uint32_t low, uint32_t high, uint64_t key)
{
	const uint64_t *at = image->child_keys + low;
	uint32_t left = high - low;
	while (left > 1) { /* no branch depends on the keys */
		uint32_t half = left / 2;
		at += at[half - 1] < key ? half : 0;
		left -= half;
	}
	at += left == 1 && *at < key;
	return (uint32_t)(at - image->child_keys);
}

/* The same by the whole label, for children whose keys are the same. */
static uint32_t first_label_from(const struct image *image, uint32_t low, uint32_t high, const uint8_t *label)
{
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (fold_label_compare(image_name(image, image->children[middle].node), label) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

uint32_t image_nsec_cover(const struct image *image, const uint8_t *name, const struct image_match *match)
{
	const uint8_t *label = dname_skip_labels(name, match->below - 1);
	uint32_t encloser = match->encloser;
	uint64_t key = image_label_key(label);
	uint32_t all = image->header->node_count - 1;
	uint32_t first = image->denial[encloser].nsec.first_child;
	uint32_t end = encloser < all ? image->denial[encloser + 1].nsec.first_child : all;

	/* Nearly every name comes behind "*", which is asked for most: then the first one settles it. */
	if (first == end || image->child_keys[first] > key) {
		return image->denial[encloser].nsec.owner;
	}
	uint32_t behind = first_child_from(image, first, end, key);
	if (behind < end && image->child_keys[behind] == key) {
		uint32_t others = key < UINT64_MAX ? first_child_from(image, behind, end, key + 1) : end;
		behind = first_label_from(image, behind, others, label);
	}
	return behind == first ? image->denial[encloser].nsec.owner : image->children[behind - 1].owner;
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

uint32_t image_hider(const struct image *image, uint32_t node)
{
	while ((image->nodes[node].flags & IMAGE_NODE_OCCLUDED) != 0) { /* at most DNAME_LABELS_MAX steps */
		node = image->nodes[node].parent;
	}
	return node;
}

uint32_t image_wildcard(const struct image *image, uint32_t node, uint64_t hash)
{
	if ((image->nodes[node].flags & IMAGE_NODE_SOURCE) == 0) {
		return IMAGE_NONE;
	}
	hash = image_hash_label(hash, (const uint8_t *)"\001*");
	/* It is there: ends within IMAGE_PROBES_MAX. */
	for (uint32_t at = home_slot(image, hash); image->slots[at] != 0; at = (at + 1) & image->slot_mask) {
		uint32_t found = (image->slots[at] & image->index_mask) - 1;
		if (((image->slots[at] ^ (uint32_t)hash) & ~image->index_mask) == 0 &&
		    image->nodes[found].parent == node && (image->nodes[found].flags & IMAGE_NODE_WILDCARD) != 0) {
			return found;
		}
	}
	return IMAGE_NONE;
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
