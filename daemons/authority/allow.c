/*
 * Lists of who may transfer. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/allow.h"

#include "common/dns/dname.h"
#include "common/ipc/role_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	const struct tsig_key *key; /* NULL: needs none */
	bool any;		    /* from every address */
	struct prefix prefix;
};

struct allow {
	struct tsig_key *keys; /* ordered by name */
	size_t key_count;
	struct rule *rules;
	uint32_t *starts; /* rules of zone i: starts[i] .. starts[i + 1] */
	size_t zone_count;
};

static int compare_keys(const void *a, const void *b)
{
	return dname_compare(((const struct tsig_key *)a)->name, ((const struct tsig_key *)b)->name);
}

/* qsort moves secrets about in memory of its own, which nobody would overwrite: so an insertion, once a reload. */
static void insert_key(struct allow *allow, const struct tsig_key *key)
{
	size_t at = allow->key_count++;
	while (at > 0 && compare_keys(&allow->keys[at - 1], key) > 0) {
		allow->keys[at] = allow->keys[at - 1];
		at--;
	}
	allow->keys[at] = *key;
}

static int add_keys(struct allow *allow, const struct role_conf *conf, char *why, size_t why_size)
{
	for (size_t i = 0; i < conf->key_count; i++) {
		char text[DNAME_TEXT_MAX];
		if (allow_key(allow, conf->keys[i].name) != NULL) {
			snprintf(why, why_size, "key %s: %s", dname_text(conf->keys[i].name, text),
				 bh_strerror(BH_EEXIST));
			return BH_EEXIST;
		}
		insert_key(allow, &conf->keys[i]);
	}
	return BH_OK;
}

/* conf->transfers are in the order of their zones. */
static int add_rules(struct allow *allow, const struct role_conf *conf, char *why, size_t why_size)
{
	size_t zone = 0;
	for (size_t i = 0; i < conf->transfer_count; i++) {
		const struct ipc_transfer *transfer = &conf->transfers[i];
		struct rule *rule = &allow->rules[i];
		while (zone < transfer->zone) {
			allow->starts[++zone] = (uint32_t)i;
		}
		rule->any = (transfer->needs & IPC_TRANSFER_PREFIX) == 0;
		rule->prefix = transfer->prefix;
		if ((transfer->needs & IPC_TRANSFER_KEY) != 0) {
			rule->key = allow_key(allow, transfer->key);
			if (rule->key == NULL) {
				char text[DNAME_TEXT_MAX];
				snprintf(why, why_size, "allow-transfer: no key %s", dname_text(transfer->key, text));
				return BH_ENOENT;
			}
		}
	}
	while (zone < allow->zone_count) {
		allow->starts[++zone] = (uint32_t)conf->transfer_count;
	}
	return BH_OK;
}

int allow_new(const struct role_conf *conf, struct allow **out, char *why, size_t why_size)
{
	struct allow *allow = calloc(1, sizeof(*allow));
	int rc = BH_ENOMEM;
	snprintf(why, why_size, "%s", bh_strerror(rc));
	if (allow == NULL) {
		return rc;
	}
	allow->zone_count = conf->zone_count;
	allow->keys = calloc(conf->key_count + 1, sizeof(*allow->keys));
	allow->rules = calloc(conf->transfer_count + 1, sizeof(*allow->rules));
	allow->starts = calloc(conf->zone_count + 1, sizeof(*allow->starts));
	if (allow->keys != NULL && allow->rules != NULL && allow->starts != NULL) {
		rc = add_keys(allow, conf, why, why_size);
	}
	if (rc == BH_OK) {
		rc = add_rules(allow, conf, why, why_size);
	}
	if (rc != BH_OK) {
		allow_free(allow);
		return rc;
	}
	*out = allow;
	return BH_OK;
}

void allow_free(struct allow *allow)
{
	if (allow != NULL) {
		tsig_keys_free(allow->keys, allow->key_count);
		free(allow->rules);
		free(allow->starts);
		free(allow);
	}
}

const struct tsig_key *allow_key(const struct allow *allow, const uint8_t *name)
{
	size_t low = 0;
	size_t high = allow == NULL ? 0 : allow->key_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = dname_compare(allow->keys[middle].name, name);
		if (order == 0) {
			return &allow->keys[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

bool allow_transfer(const struct allow *allow, size_t zone, const struct addr *client, const struct tsig_key *key)
{
	if (allow == NULL || zone >= allow->zone_count) {
		return false;
	}
	for (uint32_t i = allow->starts[zone]; i < allow->starts[zone + 1]; i++) {
		const struct rule *rule = &allow->rules[i];
		if ((rule->key == NULL || rule->key == key) && (rule->any || prefix_match(&rule->prefix, client))) {
			return true;
		}
	}
	return false;
}
