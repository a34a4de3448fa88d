/*
 * The meaning of the configuration: types, ranges, references between sections.
 *
 * Every fault is told with file, line, what is wrong and what is allowed; reading goes on after a
 * fault so that one run tells them all (up to CONFIG_ERRORS_MAX).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config.h"

#include "daemons/supervisor/config_text.h"
#include "daemons/supervisor/secret.h"

#include <confuse.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct reader {
	config_error_fn *error;
	void *ctx;
	unsigned errors;
	struct config *config;
};

static void fault_at(struct reader *r, const char *file, unsigned line, const char *fmt, ...) BH_PRINTF(4, 5);

static void fault_at(struct reader *r, const char *file, unsigned line, const char *fmt, ...)
{
	char text[IPC_TEXT_MAX];
	va_list args;
	if (r->errors++ >= CONFIG_ERRORS_MAX) {
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->error(r->ctx, file, line, text);
}

#define FAULT(r, value, ...) fault_at((r), (value)->file, (value)->line, __VA_ARGS__)

/* A fault of a section as a whole; libconfuse remembers the line where it ends. */
#define FAULT_SECTION(r, section, ...) \
	fault_at((r), config_text_file(section), (unsigned)(section)->line, __VA_ARGS__)

static void *must(void *p)
{
	if (p == NULL) {
		log_fatal("out of memory reading the configuration");
	}
	return p;
}

static void read_bool(struct reader *r, cfg_t *section, const char *name, bool fallback, bool *out)
{
	const struct config_value *v = config_text_value(section, name);
	*out = fallback;
	if (v == NULL) {
		return;
	}
	int parsed = cfg_parse_boolean(v->text);
	if (parsed < 0) {
		FAULT(r, v, "%s: '%s' is neither true nor false", name, v->text);
		return;
	}
	*out = parsed != 0;
}

static void read_between(struct reader *r, cfg_t *section, const char *name, unsigned long min,
			 unsigned long max, unsigned long fallback, unsigned long *out)
{
	const struct config_value *v = config_text_value(section, name);
	*out = fallback;
	if (v == NULL) {
		return;
	}
	char *end;
	errno = 0;
	unsigned long number = strtoul(v->text, &end, 10);
	if (v->text[0] < '0' || v->text[0] > '9' || *end != '\0' || errno != 0 || number < min || number > max) {
		FAULT(r, v, "%s: '%s' is not a number from %lu to %lu", name, v->text, min, max);
		return;
	}
	*out = number;
}

static void read_number(struct reader *r, cfg_t *section, const char *name, unsigned long max,
			unsigned long fallback, unsigned long *out)
{
	read_between(r, section, name, 0, max, fallback, out);
}

/* "256M": octets with an optional K, M or G (powers of 1024). */
static void read_size(struct reader *r, cfg_t *section, const char *name, uint64_t min, uint64_t fallback,
		      uint64_t *out)
{
	const uint64_t max = UINT64_C(1) << 40;
	const struct config_value *v = config_text_value(section, name);
	*out = fallback;
	if (v == NULL) {
		return;
	}
	char *end;
	errno = 0;
	unsigned long long number = strtoull(v->text, &end, 10);
	unsigned shift = 0;
	if (*end == 'K' || *end == 'k') {
		shift = 10;
	} else if (*end == 'M' || *end == 'm') {
		shift = 20;
	} else if (*end == 'G' || *end == 'g') {
		shift = 30;
	}
	if (shift > 0) {
		end++;
	}
	if (v->text[0] < '0' || v->text[0] > '9' || *end != '\0' || errno != 0 || number > max >> shift ||
	    number << shift < min) {
		FAULT(r, v, "%s: '%s' is not a size of at least %llu octets, as \"256M\"", name, v->text,
		      (unsigned long long)min);
		return;
	}
	*out = number << shift;
}

/* Absolute path of a value; relative ones start at the folder of the file they stand in. */
static char *absolute_path(const struct config_value *v)
{
	if (v->text[0] == '/') {
		return must(strdup(v->text));
	}
	char *file = must(strdup(v->file));
	char *path = NULL;
	if (asprintf(&path, "%s/%s", dirname(file), v->text) < 0) {
		path = NULL;
	}
	free(file);
	return must(path);
}

static char *read_path(cfg_t *section, const char *name, const char *fallback)
{
	const struct config_value *v = config_text_value(section, name);
	return v == NULL ? must(strdup(fallback)) : absolute_path(v);
}

static void read_listen(struct reader *r, cfg_t *section, struct config_listen *out)
{
	unsigned count = config_text_count(section, "listen");
	if (count == 0) {
		FAULT_SECTION(r, section, "'%s' has no 'listen' address", cfg_name(section));
		return;
	}
	if (count > CONFIG_LISTEN_MAX) {
		FAULT(r, config_text_item(section, "listen", 0), "listen: more than %d addresses",
		      CONFIG_LISTEN_MAX);
		return;
	}
	out->addrs = must(calloc(count, sizeof(*out->addrs)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "listen", i);
		struct addr *addr = &out->addrs[out->count];
		if (addr_parse(v->text, 53, addr) != BH_OK) {
			FAULT(r, v, "listen: '%s' is not an address, allowed: \"address\" or \"address@port\"",
			      v->text);
			continue;
		}
		out->count++;
	}
	unsigned interfaces = config_text_count(section, "interfaces");
	out->interfaces = must(calloc(interfaces + 1u, sizeof(*out->interfaces)));
	for (unsigned i = 0; i < interfaces; i++) {
		const struct config_value *v = config_text_item(section, "interfaces", i);
		if (v->text[0] == '\0' || strlen(v->text) >= IFNAMSIZ || if_nametoindex(v->text) == 0) {
			FAULT(r, v, "interfaces: there is no network interface '%s'", v->text);
			continue;
		}
		out->interfaces[out->interface_count++] = must(strdup(v->text));
	}
}

/* Limits of TCP service, for each worker. */
static void read_tcp(struct reader *r, cfg_t *parent, struct ipc_tcp *out)
{
	unsigned long connections = 1000; /* idle, each costs a descriptor and a few KiB of kernel memory */
	unsigned long client = 128;
	unsigned long idle_sec = 10; /* RFC 7766 6.2.3: a few seconds */
	unsigned long reply_sec = 10;

	for (unsigned i = 1; i < cfg_size(parent, "tcp"); i++) {
		FAULT_SECTION(r, cfg_getnsec(parent, "tcp", i), "section 'tcp' stands twice");
	}
	if (cfg_size(parent, "tcp") > 0) {
		cfg_t *section = cfg_getnsec(parent, "tcp", 0);
		read_between(r, section, "connections", 1, CONFIG_TCP_MAX, connections, &connections);
		read_between(r, section, "connections-per-client", 1, CONFIG_TCP_MAX, client, &client);
		read_between(r, section, "idle-timeout", 1, CONFIG_TCP_SEC_MAX, idle_sec, &idle_sec);
		read_between(r, section, "reply-timeout", 1, CONFIG_TCP_SEC_MAX, reply_sec, &reply_sec);
	}
	*out = (struct ipc_tcp){ .connections = (uint32_t)connections,
				 .connections_client = (uint32_t)client,
				 .idle_ms = (uint32_t)idle_sec * 1000,
				 .reply_ms = (uint32_t)reply_sec * 1000 };
}

static void read_acl(struct reader *r, cfg_t *section, const char *name, struct acl *out)
{
	for (unsigned i = 0; i < config_text_count(section, name); i++) {
		const struct config_value *v = config_text_item(section, name, i);
		struct prefix prefix;
		if (prefix_parse(v->text, &prefix) != BH_OK) {
			FAULT(r, v,
			      "%s: '%s' is not a prefix, allowed: \"address/bits\" without host bits, \"address\", "
			      "\"any4\", \"any6\"",
			      name, v->text);
		} else if (acl_add(out, &prefix) != BH_OK) {
			FAULT(r, v, "%s: more than %d prefixes", name, ACL_MAX);
			return;
		}
	}
}

/* A domain name from text; false after a fault. */
static bool read_name(struct reader *r, const char *file, unsigned line, const char *text,
		      uint8_t out[DNAME_MAX])
{
	if (dname_from_text(text, out) < 0) {
		fault_at(r, file, line, "'%s' is not a domain name", text);
		return false;
	}
	return true;
}

/* --- keys, and who may transfer a zone --- */

/* Index of a key by name, or -1. */
static int find_key(const struct config *config, const uint8_t *name)
{
	for (size_t i = 0; i < config->key_count; i++) {
		if (dname_equal(config->keys[i].name, name)) {
			return (int)i;
		}
	}
	return -1;
}

static void read_secret(struct reader *r, const struct config_value *file, struct tsig_key *key)
{
	char why[IPC_TEXT_MAX];
	char *path = absolute_path(file);
	enum tsig_algorithm algorithm = (enum tsig_algorithm)key->algorithm;
	if (secret_read(path, key, why, sizeof(why)) != BH_OK) {
		FAULT(r, file, "secret-file: '%s': %s", path, why);
	} else if (key->secret_len < tsig_algorithm_size(algorithm)) { /* RFC 8945 8 */
		log_warn("%s:%u: secret-file: '%s': a secret for %s should have %zu octets, this has %u", file->file,
			 file->line, path, tsig_algorithm_text(algorithm), tsig_algorithm_size(algorithm),
			 key->secret_len);
	}
	free(path);
}

static void read_key(struct reader *r, cfg_t *section)
{
	struct config *config = r->config;
	struct tsig_key *key = &config->keys[config->key_count];
	const struct config_value *algorithm = config_text_value(section, "algorithm");
	const struct config_value *file = config_text_value(section, "secret-file");
	enum tsig_algorithm found = TSIG_HMAC_SHA256;

	if (!read_name(r, config_text_file(section), (unsigned)section->line, cfg_title(section), key->name)) {
		return;
	}
	dname_copy_lower(key->name, key->name);
	if (find_key(config, key->name) >= 0) {
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

static void read_keys(struct reader *r, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "key");
	if (count > TSIG_KEYS_MAX) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "key", TSIG_KEYS_MAX), "more than %d keys", TSIG_KEYS_MAX);
		return;
	}
	r->config->keys = must(calloc(count + 1u, sizeof(*r->config->keys)));
	for (unsigned i = 0; i < count; i++) {
		read_key(r, cfg_getnsec(cfg, "key", i));
	}
}

#define KEY_WORD "key:"

/* A prefix or "key:name", or both with blanks between: then both are needed. False: told. */
static bool read_transfer(struct reader *r, const struct config_value *v, struct config_transfer *out)
{
	char *text = must(strdup(v->text));
	char *rest = text;
	bool prefix = false;
	bool good = true;
	char *word;

	*out = (struct config_transfer){ .key = -1 };
	while (good && (word = strsep(&rest, " \t")) != NULL) {
		uint8_t name[DNAME_MAX];
		if (word[0] == '\0') {
			continue;
		}
		if (strncmp(word, KEY_WORD, strlen(KEY_WORD)) == 0 && out->key < 0) {
			good = read_name(r, v->file, v->line, word + strlen(KEY_WORD), name);
			out->key = good ? find_key(r->config, name) : -1;
			if (good && out->key < 0) {
				FAULT(r, v, "allow-transfer: there is no key '%s'", word + strlen(KEY_WORD));
				good = false;
			}
		} else if (!prefix && prefix_parse(word, &out->prefix) == BH_OK) {
			prefix = true;
		} else {
			FAULT(r, v,
			      "allow-transfer: '%s' is not a prefix, allowed: \"address/bits\" without host bits, "
			      "\"address\", \"any4\", \"any6\", \"key:name\", or a prefix and a key with a blank between, "
			      "which then are both needed",
			      v->text);
			good = false;
		}
	}
	if (good && !prefix && out->key < 0) {
		FAULT(r, v, "allow-transfer: '%s' is neither a prefix nor a key", v->text);
		good = false;
	}
	out->any = !prefix;
	free(text);
	return good;
}

static void read_transfers(struct reader *r, cfg_t *section, struct config_zone *zone)
{
	unsigned count = config_text_count(section, "allow-transfer");
	if (count > CONFIG_TRANSFERS_MAX) {
		FAULT(r, config_text_item(section, "allow-transfer", 0), "allow-transfer: more than %d entries",
		      CONFIG_TRANSFERS_MAX);
		return;
	}
	if (count == 0) {
		return;
	}
	zone->transfers = must(calloc(count, sizeof(*zone->transfers)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "allow-transfer", i);
		zone->transfer_count += read_transfer(r, v, &zone->transfers[zone->transfer_count]);
	}
}

/* --- how answers are given --- */

static void read_text(struct reader *r, cfg_t *section, const char *name, const char *fallback,
		      char out[IPC_IDENTITY_MAX])
{
	const struct config_value *v = config_text_value(section, name);
	if (v != NULL && strlen(v->text) >= IPC_IDENTITY_MAX) {
		FAULT(r, v, "%s: longer than %d octets", name, IPC_IDENTITY_MAX - 1);
		return;
	}
	snprintf(out, IPC_IDENTITY_MAX, "%s", v == NULL ? fallback : v->text);
}

/* Text, or octets as "0x" and hexadecimal digits. */
static void read_nsid(struct reader *r, cfg_t *section, const struct config_names *fallback,
		      struct config_names *out)
{
	const struct config_value *v = config_text_value(section, "nsid");
	if (v == NULL) {
		memcpy(out->nsid, fallback->nsid, sizeof(out->nsid));
		out->nsid_len = fallback->nsid_len;
		return;
	}
	bool hex = strncmp(v->text, "0x", 2) == 0;
	const char *text = hex ? v->text + 2 : v->text;
	size_t len = strlen(text);
	if (hex && (len % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != len || len == 0)) {
		FAULT(r, v, "nsid: '%s' is not 0x and pairs of hexadecimal digits", v->text);
		return;
	}
	if ((hex ? len / 2 : len) > NSID_MAX) {
		FAULT(r, v, "nsid: longer than %d octets", NSID_MAX);
		return;
	}
	out->nsid_len = (uint8_t)(hex ? len / 2 : len);
	for (size_t i = 0; i < out->nsid_len; i++) {
		char pair[3] = { hex ? text[2 * i] : '\0', hex ? text[2 * i + 1] : '\0', '\0' };
		out->nsid[i] = hex ? (uint8_t)strtoul(pair, NULL, 16) : (uint8_t)text[i];
	}
}

/* What the section does not say is as in fallback. */
static void read_names(struct reader *r, cfg_t *section, const struct config_names *fallback,
		       struct config_names *out)
{
	read_nsid(r, section, fallback, out);
	read_text(r, section, "identity", fallback->identity, out->identity);
	read_text(r, section, "version", fallback->version, out->version);
}

/* One of some words: its index; fallback when it is not set or, after a fault, is none of them. */
static unsigned read_word(struct reader *r, cfg_t *section, const char *name, const char *const *words,
			  unsigned count, const char *allowed, unsigned fallback)
{
	const struct config_value *v = config_text_value(section, name);
	for (unsigned i = 0; i < count && v != NULL; i++) {
		if (strcmp(v->text, words[i]) == 0) {
			return i;
		}
	}
	if (v != NULL) {
		FAULT(r, v, "%s: '%s' is none of %s", name, v->text, allowed);
	}
	return fallback;
}

static void read_cookies(struct reader *r, cfg_t *section, struct config_cookies *cookies)
{
	static const char *const words[] = { [IPC_COOKIES_OFF] = "off",
					     [IPC_COOKIES_ANSWER] = "answer",
					     [IPC_COOKIES_REQUIRE] = "require" };
	cookies->mode = (uint8_t)read_word(r, section, "cookies", words, 3, "\"answer\", \"require\", \"off\"",
					   IPC_COOKIES_ANSWER);
	const struct config_value *file = config_text_value(section, "cookie-secret-file");
	if (file != NULL) {
		char why[IPC_TEXT_MAX];
		char *path = absolute_path(file);
		if (secret_read_cookies(path, &cookies->secrets, why, sizeof(why)) != BH_OK) {
			FAULT(r, file, "cookie-secret-file: '%s': %s", path, why);
		}
		free(path);
	}
}

/* On by default where everybody may ask: only there do forged addresses get more than REFUSED. */
static void read_rate_limit(struct reader *r, cfg_t *section, struct config_view *view)
{
	static const char *const words[] = { [0] = "off", [IPC_RATE_LOG] = "log", [IPC_RATE_ON] = "on" };
	struct config_rate *rate = &view->rate;
	unsigned long per_second;
	unsigned long ipv4;
	unsigned long ipv6;
	unsigned count = cfg_size(section, "rate-limit");

	*rate = (struct config_rate){
		.mode = view->anyone ? IPC_RATE_ON : 0, .per_second = 20, .ipv4_bits = 24, .ipv6_bits = 56
	};
	if (count == 0) {
		return;
	}
	cfg_t *own = cfg_getnsec(section, "rate-limit", count - 1);
	if (count > 1) {
		FAULT_SECTION(r, own, "section 'rate-limit' stands twice in view '%s'", view->name);
		return;
	}
	rate->mode = (uint8_t)read_word(r, own, "mode", words, 3, "\"on\", \"log\", \"off\"", IPC_RATE_ON);
	read_between(r, own, "responses-per-second", 1, IPC_RATE_MAX, rate->per_second, &per_second);
	read_between(r, own, "ipv4-prefix", 1, 32, rate->ipv4_bits, &ipv4);
	read_between(r, own, "ipv6-prefix", 1, 64, rate->ipv6_bits, &ipv6);
	rate->per_second = (uint32_t)per_second;
	rate->ipv4_bits = (uint8_t)ipv4;
	rate->ipv6_bits = (uint8_t)ipv6;
	read_acl(r, own, "exempt", &rate->exempt);

	const struct config_value *slip = config_text_value(own, "slip");
	if (slip != NULL && strcmp(slip->text, "1") != 0) {
		FAULT(r, slip,
		      "slip: '%s' would leave queries without an answer, allowed: 1, every limited response is sent "
		      "truncated",
		      slip->text);
	}
}

/* --- zones and views --- */

static bool has_dotdot(const char *path)
{
	for (const char *p = path; p != NULL; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0')) {
			return true;
		}
	}
	return false;
}

static void read_zone(struct reader *r, cfg_t *section, struct config_view *view)
{
	struct config_zone *zone = &view->zones[view->zone_count];
	char text[DNAME_TEXT_MAX];

	if (!read_name(r, config_text_file(section), (unsigned)section->line, cfg_title(section), zone->name)) {
		return;
	}
	dname_text(zone->name, text);
	read_bool(r, section, "overlay", false, &zone->overlay);

	const struct config_value *file = config_text_value(section, "file");
	if (file == NULL) {
		FAULT_SECTION(r, section, "zone '%s' has no 'file'", text);
		return;
	}
	if (file->text[0] == '/' || file->text[0] == '\0' || has_dotdot(file->text) ||
	    strlen(file->text) >= IPC_PATH_MAX) {
		FAULT(r, file, "file: '%s' must be a path below the view's zones-dir", file->text);
		return;
	}
	if (view->zones_dir != NULL) {
		char *path = NULL;
		struct stat st;
		if (asprintf(&path, "%s/%s", view->zones_dir, file->text) < 0) {
			path = NULL;
		}
		/* Whether it is readable and below the directory is for the compiler, inside its walls, to see. */
		if (lstat(must(path), &st) != 0) {
			FAULT(r, file, "file: '%s': %s", path, strerror(errno));
		}
		free(path);
	}
	read_transfers(r, section, zone);
	zone->text = must(strdup(text));
	zone->file = must(strdup(file->text));
	view->zone_count++;
}

static int compare_zones(const void *a, const void *b)
{
	return dname_compare(((const struct config_zone *)a)->name, ((const struct config_zone *)b)->name);
}

static void read_view(struct reader *r, cfg_t *section, struct config_view *view)
{
	const char *name = cfg_title(section);

	if (strlen(name) == 0 || strlen(name) >= IPC_VIEW_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(name)) {
		FAULT_SECTION(r, section, "view name '%s': allowed are 1 to %d of a-z, 0-9, '-' and '_'", name,
			      IPC_VIEW_MAX - 1);
		return;
	}
	snprintf(view->name, sizeof(view->name), "%s", name);
	read_listen(r, section, &view->listen);
	read_tcp(r, section, &view->tcp);
	view->anyone = config_text_count(section, "allow-query") == 0;
	read_acl(r, section, "allow-query", &view->allow_query);

	read_bool(r, section, "answer-rotation", true, &view->rotate);
	read_cookies(r, section, &view->cookies);
	read_names(r, section, &r->config->names, &view->names);
	read_rate_limit(r, section, view);

	const struct config_value *user = config_text_value(section, "user");
	if (user != NULL) {
		view->user = must(strdup(user->text));
	}
	const struct config_value *dir = config_text_value(section, "zones-dir");
	struct stat st;
	if (dir == NULL) {
		FAULT_SECTION(r, section, "view '%s' has no 'zones-dir'", name);
	} else {
		view->zones_dir = absolute_path(dir);
		if (stat(view->zones_dir, &st) != 0) {
			FAULT(r, dir, "zones-dir: '%s': %s", view->zones_dir, strerror(errno));
		} else if (!S_ISDIR(st.st_mode)) {
			FAULT(r, dir, "zones-dir: '%s' is not a directory", view->zones_dir);
		}
	}
	unsigned zones = cfg_size(section, "zone");
	if (zones > CONFIG_ZONES_MAX) {
		FAULT_SECTION(r, section, "view '%s' has more than %d zones", name, CONFIG_ZONES_MAX);
		return;
	}
	view->zones = must(calloc(zones + 1u, sizeof(*view->zones)));
	for (unsigned i = 0; i < zones; i++) {
		view->zones[view->zone_count].place = i;
		read_zone(r, cfg_getnsec(section, "zone", i), view);
	}
	qsort(view->zones, view->zone_count, sizeof(*view->zones), compare_zones);
	for (size_t i = 1; i < view->zone_count; i++) {
		const struct config_zone *a = &view->zones[i - 1];
		const struct config_zone *b = &view->zones[i];
		if (dname_equal(a->name, b->name)) {
			unsigned later = a->place > b->place ? a->place : b->place;
			FAULT_SECTION(r, cfg_getnsec(section, "zone", later), "zone '%s' stands twice in view '%s'", b->text,
				      name);
		}
	}
}

static void read_stub(struct reader *r, cfg_t *section, struct config_resolver *resolver)
{
	struct ipc_servers *servers = &resolver->stubs[resolver->stub_count].servers;
	unsigned count = config_text_count(section, "to");

	if (!read_name(r, config_text_file(section), (unsigned)section->line, cfg_title(section), servers->name)) {
		return;
	}
	if (count == 0 || count > IPC_ADDRS_MAX) {
		FAULT_SECTION(r, section, "stub '%s': 'to' takes 1 to %d addresses", cfg_title(section),
			      IPC_ADDRS_MAX);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "to", i);
		if (addr_parse(v->text, 53, &servers->addrs[servers->count]) != BH_OK) {
			FAULT(r, v, "to: '%s' is not an address, allowed: \"address\" or \"address@port\"", v->text);
			return;
		}
		servers->count++;
	}
	resolver->stub_count++;
}

/* An open resolver is refused unless it is asked for (RFC 5358): it serves attackers. */
static void check_open(struct reader *r, cfg_t *section, const struct config_resolver *resolver)
{
	bool open;
	read_bool(r, section, "open", false, &open);
	bool everybody = false;
	for (size_t i = 0; i < resolver->allow_query.count; i++) {
		everybody = everybody || resolver->allow_query.items[i].bits == 0;
	}
	for (size_t i = 0; i < resolver->listen.count && everybody && !open; i++) {
		if (addr_is_global(&resolver->listen.addrs[i])) {
			char text[ADDR_TEXT_MAX];
			FAULT(r, config_text_item(section, "listen", 0),
			      "listen: %s can be reached from the Internet and allow-query lets everybody ask: "
			      "narrow allow-query, or set open = true",
			      addr_text(&resolver->listen.addrs[i], text));
			return;
		}
	}
}

static void read_outgoing(struct reader *r, cfg_t *section, struct config_resolver *resolver)
{
	unsigned count = config_text_count(section, "outgoing");
	resolver->outgoing = must(calloc(count + 1u, sizeof(*resolver->outgoing)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "outgoing", i);
		struct addr addr;
		if (addr_parse(v->text, 0, &addr) != BH_OK || addr.port != 0) {
			FAULT(r, v, "outgoing: '%s' is not an address without port", v->text);
			continue;
		}
		resolver->outgoing[resolver->outgoing_count++] = addr;
	}
}

static void read_internal_view(struct reader *r, cfg_t *section, struct config_resolver *resolver)
{
	const struct config_value *v = config_text_value(section, "internal-view");
	resolver->internal_view = -1;
	if (v == NULL) {
		return;
	}
	for (size_t i = 0; i < r->config->view_count; i++) {
		if (strcmp(r->config->views[i].name, v->text) == 0) {
			resolver->internal_view = (int)i;
			return;
		}
	}
	FAULT(r, v, "internal-view: there is no view '%s'", v->text);
}

static void read_resolver(struct reader *r, cfg_t *section, struct config_resolver *resolver)
{
	resolver->present = true;
	read_listen(r, section, &resolver->listen);
	read_tcp(r, section, &resolver->tcp);
	if (config_text_count(section, "allow-query") > 0) {
		read_acl(r, section, "allow-query", &resolver->allow_query);
	} else { /* loopback only */
		struct prefix v4, v6;
		if (prefix_parse("127.0.0.0/8", &v4) != BH_OK || prefix_parse("::1/128", &v6) != BH_OK ||
		    acl_add(&resolver->allow_query, &v4) != BH_OK ||
		    acl_add(&resolver->allow_query, &v6) != BH_OK) {
			log_fatal("out of memory reading the configuration");
		}
	}
	check_open(r, section, resolver);
	read_cookies(r, section, &resolver->cookies);
	read_internal_view(r, section, resolver);
	read_outgoing(r, section, resolver);

	const struct config_value *hints = config_text_value(section, "root-hints");
	if (hints != NULL && hints->text[0] != '\0') {
		struct stat st;
		resolver->root_hints = absolute_path(hints);
		if (stat(resolver->root_hints, &st) != 0) {
			FAULT(r, hints, "root-hints: '%s': %s", resolver->root_hints, strerror(errno));
		}
	}
	read_size(r, section, "cache-size", 1024 * 1024, 256 * 1024 * 1024, &resolver->cache_size);

	unsigned allow = config_text_count(section, "rebind-allow");
	resolver->rebind_allow = must(calloc(allow + 1u, sizeof(*resolver->rebind_allow)));
	for (unsigned i = 0; i < allow; i++) {
		const struct config_value *v = config_text_item(section, "rebind-allow", i);
		if (read_name(r, v->file, v->line, v->text,
			      resolver->rebind_allow[resolver->rebind_allow_count].name)) {
			resolver->rebind_allow_count++;
		}
	}
	unsigned stubs = cfg_size(section, "stub");
	resolver->stubs = must(calloc(stubs + 1u, sizeof(*resolver->stubs)));
	for (unsigned i = 0; i < stubs; i++) {
		read_stub(r, cfg_getnsec(section, "stub", i), resolver);
	}
	read_bool(r, section, "ipv4", true, &resolver->ipv4);
	read_bool(r, section, "ipv6", true, &resolver->ipv6);
	read_bool(r, section, "use-0x20", true, &resolver->use_0x20);
	read_bool(r, section, "qname-minimisation", true, &resolver->qname_minimisation);
	read_bool(r, section, "prime-root", true, &resolver->prime_root);
	if (!resolver->ipv4 && !resolver->ipv6) {
		FAULT_SECTION(r, section, "resolver: ipv4 and ipv6 are both off, nobody can be asked");
	}
}

unsigned config_cpus(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count < 1 ? 1 : count > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (unsigned)count;
}

static void read_appliance(struct reader *r, cfg_t *section)
{
	struct config *config = r->config;
	unsigned long workers;

	read_number(r, section, "workers", CONFIG_WORKERS_MAX, 0, &workers);
	config->workers = workers == 0 ? config_cpus() : (unsigned)workers;
	config->state_dir = read_path(section, "state-dir", BH_STATE_DIR);
	config->run_dir = read_path(section, "run-dir", BH_RUN_DIR);
	const struct config_value *level = config_text_value(section, "log-level");
	if (level != NULL && log_level_parse(level->text, &config->log_level) != BH_OK) {
		FAULT(r, level, "log-level: '%s' is none of error, warning, info, debug", level->text);
	}
	read_names(r, section, &(const struct config_names){ 0 }, &config->names);
}

/* One address and port belongs to one section: the socket chooses the view. */
static bool listens_clash(const struct config_listen *a, const struct config_listen *b, struct addr *out)
{
	for (size_t i = 0; i < a->count; i++) {
		for (size_t k = 0; k < b->count; k++) {
			const struct addr *x = &a->addrs[i];
			const struct addr *y = &b->addrs[k];
			bool same = addr_equal(x, y) ||
				    (x->family == y->family && x->port == y->port &&
				     (addr_is_any(x) || addr_is_any(y)));
			if (!same) {
				continue;
			}
			bool apart = a->interface_count > 0 && b->interface_count > 0;
			for (size_t m = 0; m < a->interface_count && apart; m++) {
				for (size_t n = 0; n < b->interface_count; n++) {
					apart = apart && strcmp(a->interfaces[m], b->interfaces[n]) != 0;
				}
			}
			if (!apart) {
				*out = *x;
				return true;
			}
		}
	}
	return false;
}

static void check_listens(struct reader *r, cfg_t *cfg)
{
	struct config *config = r->config;
	size_t count = config->view_count + (config->resolver.present ? 1 : 0);

	for (size_t i = 0; i < count; i++) {
		bool last = i == config->view_count;
		const struct config_listen *own = last ? &config->resolver.listen : &config->views[i].listen;
		cfg_t *section = cfg_getnsec(cfg, last ? "resolver" : "view", last ? 0 : (unsigned)i);
		char text[ADDR_TEXT_MAX];
		struct addr addr;
		for (size_t k = 0; k < own->count; k++) {
			for (size_t m = 0; m < k; m++) {
				if (addr_equal(&own->addrs[k], &own->addrs[m])) {
					FAULT(r, config_text_item(section, "listen", (unsigned)k),
					      "listen: %s stands twice", addr_text(&own->addrs[k], text));
				}
			}
		}
		for (size_t k = 0; k < i; k++) {
			if (listens_clash(own, &config->views[k].listen, &addr)) {
				FAULT(r, config_text_item(section, "listen", 0),
				      "listen: %s is also used by view '%s'", addr_text(&addr, text),
				      config->views[k].name);
			}
		}
	}
}

static void read_all(struct reader *r, cfg_t *cfg)
{
	struct config *config = r->config;
	config->log_level = LOG_LEVEL_INFO;

	for (unsigned i = 1; i < cfg_size(cfg, "appliance"); i++) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "appliance", i), "section 'appliance' stands twice");
	}
	if (cfg_size(cfg, "appliance") > 0) {
		read_appliance(r, cfg_getnsec(cfg, "appliance", 0));
	} else {
		config->workers = config_cpus();
		config->state_dir = must(strdup(BH_STATE_DIR));
		config->run_dir = must(strdup(BH_RUN_DIR));
	}
	read_keys(r, cfg);
	unsigned views = cfg_size(cfg, "view");
	if (views > CONFIG_VIEWS_MAX) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "view", CONFIG_VIEWS_MAX), "more than %d views",
			      CONFIG_VIEWS_MAX);
		return;
	}
	config->views = must(calloc(views + 1u, sizeof(*config->views)));
	for (unsigned i = 0; i < views; i++) {
		cfg_t *section = cfg_getnsec(cfg, "view", i);
		read_view(r, section, &config->views[i]);
		config->view_count++;
	}
	for (unsigned i = 1; i < cfg_size(cfg, "resolver"); i++) {
		FAULT_SECTION(r, cfg_getnsec(cfg, "resolver", i), "section 'resolver' stands twice");
	}
	if (cfg_size(cfg, "resolver") > 0) {
		read_resolver(r, cfg_getnsec(cfg, "resolver", 0), &config->resolver);
	}
	if (config->view_count == 0 && !config->resolver.present) {
		FAULT_SECTION(r, cfg, "neither a view nor a resolver: nothing to serve");
	}
	if (r->errors == 0) {
		check_listens(r, cfg);
	}
}

struct config *config_load(const char *path, config_error_fn *error, void *ctx)
{
	struct reader r = { .error = error, .ctx = ctx };
	cfg_t *cfg = config_text_parse(path, error, ctx);
	if (cfg == NULL) {
		return NULL;
	}
	r.config = must(calloc(1, sizeof(*r.config)));
	read_all(&r, cfg);
	config_text_free(cfg);
	if (r.errors > CONFIG_ERRORS_MAX) {
		error(ctx, path, 0, "and more faults than are told");
	}
	if (r.errors > 0) {
		config_free(r.config);
		return NULL;
	}
	return r.config;
}

static void listen_clear(struct config_listen *listen)
{
	free(listen->addrs);
	for (size_t i = 0; i < listen->interface_count; i++) {
		free(listen->interfaces[i]);
	}
	free(listen->interfaces);
}

static void view_clear(struct config_view *view)
{
	listen_clear(&view->listen);
	acl_clear(&view->allow_query);
	acl_clear(&view->rate.exempt);
	explicit_bzero(&view->cookies, sizeof(view->cookies));
	free(view->zones_dir);
	for (size_t i = 0; i < view->zone_count; i++) {
		free(view->zones[i].text);
		free(view->zones[i].file);
		free(view->zones[i].transfers);
	}
	free(view->zones);
	free(view->user);
}

void config_free(struct config *config)
{
	if (config == NULL) {
		return;
	}
	for (size_t i = 0; i < config->view_count; i++) {
		view_clear(&config->views[i]);
	}
	free(config->views);
	listen_clear(&config->resolver.listen);
	acl_clear(&config->resolver.allow_query);
	explicit_bzero(&config->resolver.cookies, sizeof(config->resolver.cookies));
	free(config->resolver.outgoing);
	free(config->resolver.root_hints);
	free(config->resolver.stubs);
	free(config->resolver.rebind_allow);
	tsig_keys_free(config->keys, config->key_count);
	free(config->state_dir);
	free(config->run_dir);
	free(config);
}
