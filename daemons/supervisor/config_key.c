/*
 * Sections "key": names, algorithms and secrets of TSIG.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include "daemons/supervisor/secret.h"

#include <stdlib.h>

int config_find_key(const struct config *config, const uint8_t *name)
{
	for (size_t i = 0; i < config->key_count; i++) {
		if (dname_equal(config->keys[i].name, name)) {
			return (int)i;
		}
	}
	return -1;
}

static void read_secret(struct config_reader *r, const struct config_value *file, struct tsig_key *key)
{
	char why[IPC_TEXT_MAX];
	char *path = config_absolute_path(file);
	enum tsig_algorithm algorithm = (enum tsig_algorithm)key->algorithm;
	if (secret_read(path, key, why, sizeof(why)) != BH_OK) {
		FAULT(r, file, "secret-file: '%s': %s", path, why);
	} else if (key->secret_len < tsig_algorithm_size(algorithm)) { /* RFC 8945 8 */
		log_warn("%s:%u: secret-file: '%s': a secret for %s should have %zu octets, this has %u",
			 file->file, file->line, path, tsig_algorithm_text(algorithm),
			 tsig_algorithm_size(algorithm), key->secret_len);
	}
	free(path);
}

static void read_key(struct config_reader *r, cfg_t *section)
{
	struct config *config = r->config;
	struct tsig_key *key = &config->keys[config->key_count];
	const struct config_value *algorithm = config_text_value(section, "algorithm");
	const struct config_value *file = config_text_value(section, "secret-file");
	enum tsig_algorithm found = TSIG_HMAC_SHA256;

	if (!config_read_name(r, config_text_file(section), (unsigned)section->line, cfg_title(section),
			      key->name)) {
		return;
	}
	dname_copy_lower(key->name, key->name);
	if (config_find_key(config, key->name) >= 0) {
		FAULT_SECTION(r, section, "key '%s' stands twice", cfg_title(section));
		return;
	}
	if (algorithm == NULL || file == NULL) {
		FAULT_SECTION(r, section, "key '%s' has no '%s'", cfg_title(section),
			      algorithm == NULL ? "algorithm" : "secret-file");
		return;
	}
	if (tsig_algorithm_parse(algorithm->text, &found) != BH_OK) {
		FAULT(r, algorithm, "algorithm: '%s' is none of hmac-sha256, hmac-sha384, hmac-sha512",
		      algorithm->text);
		return;
	}
	key->algorithm = (uint8_t)found;
	config->key_count++;
	read_secret(r, file, key);
}

void config_read_keys(struct config_reader *r, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "key");
	if (count > TSIG_KEYS_MAX) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "key", TSIG_KEYS_MAX), "more than %d keys", TSIG_KEYS_MAX);
		return;
	}
	r->config->keys = config_must(calloc(count + 1u, sizeof(*r->config->keys)));
	for (unsigned i = 0; i < count; i++) {
		read_key(r, cfg_getnsec(cfg, "key", i));
	}
}
