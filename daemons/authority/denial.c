/*
 * Proofs that something is not there: NSEC (RFC 4035 3.1.3) and NSEC3 (RFC 5155 7.2) RRsets of the zone.
 *
 * The image says for every node what proves its absence, the absence of a type at it, and that of names
 * below it, so the only thing to hash is the next closer name of a name that does not exist: at most
 * once for each name of an alias chain.
 *
 * Proofs stand in the authority section, and those of an alias that came from a wildcard are known while the
 * answer section still grows. So they are only noted here, each RRset once (RFC 5155 7.2.2), and put into the
 * message by denial_put. Nothing is noted without DO, nor in a zone without a chain. A chain with gaps is
 * served as it was found.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/answer.h"

#include "common/dns/nsec3.h"

#include <assert.h>
#include <string.h>

static bool has_nsec3(const struct answer *a)
{
	return (a->image->header->flags & IMAGE_NSEC3) != 0;
}

static void note(struct answer *a, const struct image_rrset *rrset, uint32_t owner)
{
	for (unsigned i = 0; i < a->proof_count; i++) {
		if (a->proofs[i].rrset == rrset) {
			return;
		}
	}
	assert(a->proof_count < ANSWER_PROOFS_MAX); /* one for each alias, three for the end of the chain */
	a->proofs[a->proof_count++] = (struct answer_proof){ .image = a->image, .rrset = rrset, .owner = owner };
}

/* The NSEC at a node, which has one: image_open has proved that. */
static void note_nsec(struct answer *a, uint32_t node)
{
	note(a, image_rrset(a->image, node, RR_NSEC), node);
}

/* IMAGE_NONE: a lie in the image, as image_open takes it on trust which NSEC3 belongs to a node. */
static void note_nsec3(struct answer *a, uint32_t index)
{
	if (index != IMAGE_NONE) {
		note(a, &a->image->rrsets[a->image->nsec3[index].rrset], index);
	}
}

/* --- NSEC --- */

/* RFC 4035 3.1.3.2: no wildcard stands for sname, whose closest encloser is that of the match. */
static void note_wildcard_cover(struct answer *a)
{
	uint8_t wildcard[DNAME_MAX] = { 1, '*' };
	const struct image_match match = { .node = IMAGE_NONE, .encloser = a->match.encloser, .below = 1 };
	const uint8_t *encloser = image_name(a->image, match.encloser);

	memcpy(wildcard + 2, encloser, dname_len(encloser)); /* no longer than sname: that has a label more, too */
	note_nsec(a, image_nsec_cover(a->image, wildcard, &match));
}

/* --- NSEC3 --- */

/*
 * The closest provable encloser of a node: the node or the next above it with an NSEC3. Opt-out leaves insecure
 * delegations out, and empty non-terminals above nothing but those (RFC 5155 7.1). next_closer: the node
 * below the encloser on the way to this one; of such a node the image knows what covers its hash.
 */
static uint32_t find_provable(const struct image *image, uint32_t node, uint32_t *next_closer)
{
	*next_closer = IMAGE_NONE;
	while (image->denial[node].nsec3.match == IMAGE_NONE && node != 0) { /* DNAME_LABELS_MAX */
		*next_closer = node;
		node = image->nodes[node].parent;
	}
	return node;
}

/*
 * The NSEC3 that covers the next closer name of sname, which does not exist. One with this very hash would say
 * that it does: no proof can be made then (RFC 5155 7.2.9).
 */
static enum answer_state note_hashed(struct answer *a)
{
	const struct image *image = a->image;
	const struct image_header *h = image->header;
	const uint8_t *next_closer = dname_skip_labels(a->sname, a->match.below - 1);
	uint8_t hash[NSEC3_HASH_SIZE];

	if (a->view->hasher == NULL || nsec3_hash(a->view->hasher, next_closer, image->data + h->nsec3_salt,
						  h->nsec3_salt_len, h->nsec3_iterations, hash) != BH_OK) {
		return ANSWER_FAILED;
	}
	uint32_t cover = image_nsec3_find(image, hash);
	if (memcmp(image->nsec3[cover].hash, hash, sizeof(hash)) == 0) {
		return ANSWER_FAILED;
	}
	note_nsec3(a, cover);
	return ANSWER_DONE;
}

/* RFC 5155 7.2.3, 7.2.4, 7.2.7: the types at a node; or, where it was left out, that there may be such a node. */
static void note_types(struct answer *a, uint32_t node)
{
	uint32_t next_closer;
	uint32_t encloser = find_provable(a->image, node, &next_closer);

	note_nsec3(a, a->image->denial[encloser].nsec3.match);
	if (next_closer != IMAGE_NONE) {
		note_nsec3(a, a->image->denial[next_closer].nsec3.cover);
	}
}

/* RFC 5155 7.2.2, 7.2.5: the closest encloser, and what there is of the wildcard below it: types or nothing. */
static void note_encloser_and_wildcard(struct answer *a)
{
	uint32_t next_closer;
	uint32_t encloser = find_provable(a->image, a->match.encloser, &next_closer);

	note_nsec3(a, a->image->denial[encloser].nsec3.match);
	note_nsec3(a, a->image->denial[encloser].nsec3.cover);
}

/* --- what answers need --- */

static bool is_provable(const struct answer *a)
{
	return a->dnssec && a->image->denial != NULL;
}

void denial_type(struct answer *a, uint32_t node)
{
	if (!is_provable(a)) {
		return;
	}
	if (has_nsec3(a)) {
		note_types(a, node);
	} else { /* RFC 4035 3.1.3.1; an empty non-terminal is covered by the NSEC before it */
		note_nsec(a, a->image->denial[node].nsec.owner);
	}
}

enum answer_state denial_sname(struct answer *a)
{
	uint32_t next_closer;

	if (!is_provable(a)) {
		return ANSWER_DONE;
	}
	if (!has_nsec3(a)) { /* RFC 4035 3.1.3.3 */
		note_nsec(a, image_nsec_cover(a->image, a->sname, &a->match));
		return ANSWER_DONE;
	}
	/* RFC 5155 7.2.6: the label count of the signature tells the encloser. */
	find_provable(a->image, a->match.encloser, &next_closer);
	if (next_closer == IMAGE_NONE) {
		return note_hashed(a);
	}
	note_nsec3(a, a->image->denial[next_closer].nsec3.cover);
	return ANSWER_DONE;
}

void denial_no_wildcard(struct answer *a)
{
	if (!is_provable(a)) {
		return;
	}
	if (has_nsec3(a)) {
		note_encloser_and_wildcard(a);
	} else {
		note_wildcard_cover(a);
	}
}

void denial_wildcard_type(struct answer *a, uint32_t wildcard)
{
	if (!is_provable(a)) {
		return;
	}
	if (has_nsec3(a)) {
		note_encloser_and_wildcard(a);
	} else { /* RFC 4035 3.1.3.4 */
		note_nsec(a, a->image->denial[wildcard].nsec.owner);
	}
}

/* An owner that is a label in front of another name, which mostly stands in QNAME. */
static struct answer_owner below(const struct answer *a, const uint8_t *name, const uint8_t *parent)
{
	struct answer_owner owner = answer_owner(a, parent);
	owner.name = name;
	if (dname_is_root(parent)) { /* shorter than a pointer to it */
		owner.at = 0;
	}
	owner.fresh = owner.at == 0 ? 0 : (uint8_t)(name[0] + 1);
	return owner;
}

static struct answer_owner owner_of_nsec(const struct answer *a, uint32_t node)
{
	const uint8_t *name = image_name(a->image, node);
	struct answer_owner owner = answer_owner(a, name);
	return owner.at != 0 ? owner : below(a, name, image_name(a->image, a->image->nodes[node].parent));
}

enum answer_state denial_put(struct answer *a)
{
	const struct image *image = a->image; /* of the last round */
	enum answer_state state = ANSWER_DONE;

	for (unsigned i = 0; i < a->proof_count && state == ANSWER_DONE; i++) {
		const struct answer_proof *proof = &a->proofs[i];
		uint8_t made[DNAME_MAX];
		struct answer_owner owner;

		a->image = proof->image; /* those of an alias may be of another zone */
		if (has_nsec3(a)) {
			image_nsec3_owner(a->image, proof->owner, made);
			owner = below(a, made, a->image->apex);
		} else {
			owner = owner_of_nsec(a, proof->owner);
		}
		if (answer_put_at(a, SECTION_AUTHORITY, &owner, proof->rrset,
				  answer_denial_ttl(a->image, proof->rrset)) != BH_OK) {
			state = ANSWER_TRUNCATED; /* RFC 4035 3.1.3: the proof belongs to the answer */
		}
	}
	a->image = image;
	return state;
}
