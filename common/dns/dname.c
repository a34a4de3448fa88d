/*
 * Domain names: check, read, compare, order, text. Trusts nothing but names that it checked.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"

#include "common/dns/fold.h"
#include "common/util/siphash.h"

#include <endian.h>
#include <string.h>

size_t dname_len(const uint8_t *name)
{
	size_t pos = 0;
	while (name[pos] != 0) {
		pos += (size_t)name[pos] + 1;
	}
	return pos + 1;
}

unsigned dname_label_count(const uint8_t *name)
{
	unsigned count = 0;
	for (; *name != 0; name += *name + 1) {
		count++;
	}
	return count;
}

int dname_check(const uint8_t *bytes, size_t len)
{
	size_t end = len < DNAME_MAX ? len : DNAME_MAX;
	size_t pos = 0;
	while (pos < end) {
		size_t label = bytes[pos];
		if (label == 0) {
			return (int)pos + 1;
		}
		if (label > LABEL_MAX) {
			return BH_EMALFORMED; /* pointers and the label types of RFC 6891 5 */
		}
		pos += label + 1;
	}
	return pos >= DNAME_MAX ? BH_EMALFORMED : BH_ETRUNC;
}

int dname_read(const uint8_t *msg, size_t msg_len, size_t *pos, uint8_t out[DNAME_MAX])
{
	size_t at = *pos;
	size_t lowest = at;	/* a pointer must go below where the current run began */
	size_t end = 0;		/* behind the name where it stood, once known */
	size_t out_len = 0;
	unsigned jumps = 0;

	for (;;) {
		if (at >= msg_len) {
			return BH_ETRUNC;
		}
		uint8_t label = msg[at];
		if (label >= 0xc0) {
			if (msg_len - at < 2) {
				return BH_ETRUNC;
			}
			size_t target = (size_t)(label & 0x3f) << 8 | msg[at + 1];
			if (end == 0) {
				end = at + 2;
			}
			/* RFC 1035 4.1.4: "a prior occurrence". Strictly backwards cannot loop. */
			if (target >= lowest || ++jumps > DNAME_JUMPS_MAX) {
				return BH_EMALFORMED;
			}
			at = target;
			lowest = target;
			continue;
		}
		if (label > LABEL_MAX) {
			return BH_EMALFORMED;
		}
		size_t step = (size_t)label + 1;
		if (step > DNAME_MAX - out_len) {
			return BH_EMALFORMED;
		}
		if (step > msg_len - at) {
			return BH_ETRUNC;
		}
		memcpy(out + out_len, msg + at, step);
		out_len += step;
		at += step;
		if (label == 0) {
			*pos = end == 0 ? at : end;
			return (int)out_len;
		}
		if (out_len >= DNAME_MAX) {
			return BH_EMALFORMED;
		}
	}
}

int dname_skip(const uint8_t *msg, size_t msg_len, size_t *pos)
{
	size_t at = *pos;
	for (;;) {
		if (at >= msg_len) {
			return BH_ETRUNC;
		}
		uint8_t label = msg[at];
		bool last = label == 0 || label >= 0xc0;
		size_t step = label >= 0xc0 ? 2 : (size_t)label + 1;
		if (label > LABEL_MAX && label < 0xc0) {
			return BH_EMALFORMED;
		}
		/* Behind every other label follows at least the root, in full or pointed at. */
		if (!last && at - *pos + step >= DNAME_MAX) {
			return BH_EMALFORMED;
		}
		if (step > msg_len - at) {
			return BH_ETRUNC;
		}
		at += step;
		if (last) {
			*pos = at;
			return BH_OK;
		}
	}
}

size_t dname_copy_lower(uint8_t *out, const uint8_t *name)
{
	size_t len = dname_len(name);
	size_t at = 0;
	for (; len - at >= 8; at += 8) {
		uint64_t word = fold_word(fold_load64(name + at));
		memcpy(out + at, &word, sizeof(word));
	}
	for (; at < len; at++) {
		out[at] = dname_fold(name[at]);
	}
	return len;
}

bool dname_equal(const uint8_t *a, const uint8_t *b)
{
	size_t len = dname_len(a);
	return len == dname_len(b) && fold_equal(a, b, len);
}

bool dname_is_under(const uint8_t *name, const uint8_t *ancestor)
{
	unsigned have = dname_label_count(name);
	unsigned want = dname_label_count(ancestor);
	return have >= want && dname_equal(dname_skip_labels(name, have - want), ancestor);
}

const uint8_t *dname_skip_labels(const uint8_t *name, unsigned count)
{
	while (count-- > 0) {
		name = dname_parent(name);
	}
	return name;
}

/* Positions of all labels, leftmost first; returns how many. */
static unsigned label_positions(const uint8_t *name, const uint8_t *labels[DNAME_LABELS_MAX])
{
	unsigned count = 0;
	for (; *name != 0 && count < DNAME_LABELS_MAX; name += *name + 1) {
		labels[count++] = name;
	}
	return count;
}

unsigned dname_shared_labels(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *la[DNAME_LABELS_MAX];
	const uint8_t *lb[DNAME_LABELS_MAX];
	unsigned na = label_positions(a, la);
	unsigned nb = label_positions(b, lb);
	unsigned shared = 0;

	while (shared < na && shared < nb &&
	       fold_label_compare(la[na - 1 - shared], lb[nb - 1 - shared]) == 0) {
		shared++;
	}
	return shared;
}

int dname_compare(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *la[DNAME_LABELS_MAX];
	const uint8_t *lb[DNAME_LABELS_MAX];
	unsigned na = label_positions(a, la);
	unsigned nb = label_positions(b, lb);

	while (na > 0 && nb > 0) {
		int diff = fold_label_compare(la[--na], lb[--nb]);
		if (diff != 0) {
			return diff;
		}
	}
	return (int)na - (int)nb;
}

uint64_t dname_hash(const struct siphash_key *key, const uint8_t *name)
{
	size_t len = dname_len(name);
	struct siphash_state s = siphash_begin(key);
	size_t at = 0;
	for (; len - at >= 8; at += 8) {
		siphash_word(&s, fold_word(le64toh(fold_load64(name + at))), 1);
	}
	siphash_word(&s, (uint64_t)len << 56 | fold_word(le64toh(fold_load_tail(name + at, len - at))), 1);
	return siphash_end(&s, 3);
}

/* One character of master-file text at *text, escapes resolved: 0..255, or -1. */
static int read_char(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	if (p[0] != '\\') {
		*text += 1;
		return p[0] > 0x20 && p[0] < 0x7f ? p[0] : -1;
	}
	if (p[1] >= '0' && p[1] <= '9') {
		if (p[2] < '0' || p[2] > '9' || p[3] < '0' || p[3] > '9') {
			return -1;
		}
		int v = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
		*text += 4;
		return v <= 255 ? v : -1;
	}
	if (p[1] == '\0') {
		return -1;
	}
	*text += 2;
	return p[1];
}

int dname_from_text(const char *text, uint8_t out[DNAME_MAX])
{
	size_t label_at = 0; /* where the length octet of the current label goes */
	size_t pos = 1;

	if (text[0] == '\0') {
		return BH_EMALFORMED;
	}
	if (text[0] == '.' && text[1] == '\0') {
		out[0] = 0;
		return 1;
	}
	while (*text != '\0') {
		if (*text == '.') {
			size_t label = pos - label_at - 1;
			if (label == 0 || pos >= DNAME_MAX) {
				return BH_EMALFORMED;
			}
			out[label_at] = (uint8_t)label;
			label_at = pos++;
			text++;
			continue;
		}
		int c = read_char(&text);
		if (c < 0 || pos - label_at > LABEL_MAX || pos >= DNAME_MAX) {
			return BH_EMALFORMED;
		}
		out[pos++] = (uint8_t)c;
	}
	if (pos - label_at > 1) { /* no final dot */
		if (pos >= DNAME_MAX) {
			return BH_EMALFORMED;
		}
		out[label_at] = (uint8_t)(pos - label_at - 1);
		label_at = pos++;
	}
	out[label_at] = 0;
	return (int)label_at + 1;
}

const char *dname_text(const uint8_t *name, char out[DNAME_TEXT_MAX])
{
	size_t pos = 0;

	if (dname_is_root(name)) {
		memcpy(out, ".", 2);
		return out;
	}
	for (; *name != 0; name = dname_parent(name)) {
		for (unsigned i = 1; i <= name[0]; i++) {
			uint8_t c = name[i];
			if (c <= 0x20 || c >= 0x7f) {
				out[pos++] = '\\';
				out[pos++] = (char)('0' + c / 100);
				out[pos++] = (char)('0' + c / 10 % 10);
				out[pos++] = (char)('0' + c % 10);
				continue;
			}
			if (strchr(".\\\"();@$", c) != NULL) {
				out[pos++] = '\\';
			}
			out[pos++] = (char)c;
		}
		out[pos++] = '.';
	}
	out[pos] = '\0';
	return out;
}
