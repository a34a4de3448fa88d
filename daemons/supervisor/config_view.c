/*
 * Sections "view": their zones, who may ask and transfer, how answers are given.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include "daemons/supervisor/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- who may transfer a zone --- */

#define KEY_WORD "key:"

/* A prefix or "key:name", or both with blanks between: then both are needed. False: told. */
static bool read_transfer(struct config_reader *r, const struct config_value *v, struct config_transfer *out)
{
	char *text = config_must(strdup(v->text));
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
			good = config_read_name(r, v->file, v->line, word + strlen(KEY_WORD), name);
			out->key = good ? config_find_key(r->config, name) : -1;
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

static void read_transfers(struct config_reader *r, cfg_t *section, struct config_zone *zone)
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
	zone->transfers = config_must(calloc(count, sizeof(*zone->transfers)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "allow-transfer", i);
		zone->transfer_count += read_transfer(r, v, &zone->transfers[zone->transfer_count]);
	}
}

/* --- how answers are given --- */

/* Text, or octets as "0x" and hexadecimal digits. */
static void read_nsid(struct config_reader *r, cfg_t *section, const struct config_names *fallback,
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

void config_read_names(struct config_reader *r, cfg_t *section, const struct config_names *fallback,
		       struct config_names *out)
{
	read_nsid(r, section, fallback, out);
	config_read_text(r, section, "identity", fallback->identity, out->identity);
	config_read_text(r, section, "version", fallback->version, out->version);
}

void config_read_cookies(struct config_reader *r, cfg_t *section, struct config_cookies *cookies)
{
	static const char *const words[] = {
		[IPC_COOKIES_OFF] = "off", [IPC_COOKIES_ANSWER] = "answer", [IPC_COOKIES_REQUIRE] = "require"
	};
	cookies->mode = (uint8_t)config_read_word(r, section, "cookies", words, 3,
						  "\"answer\", \"require\", \"off\"", IPC_COOKIES_ANSWER);
	const struct config_value *file = config_text_value(section, "cookie-secret-file");
	if (file != NULL) {
		char why[IPC_TEXT_MAX];
		char *path = config_absolute_path(file);
		if (secret_read_cookies(path, &cookies->secrets, why, sizeof(why)) != BH_OK) {
			FAULT(r, file, "cookie-secret-file: '%s': %s", path, why);
		}
		free(path);
	}
}

/* On by default where everybody may ask: only there do forged addresses get more than REFUSED. */
static void read_rate_limit(struct config_reader *r, cfg_t *section, struct config_view *view)
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
	rate->mode =
		(uint8_t)config_read_word(r, own, "mode", words, 3, "\"on\", \"log\", \"off\"", IPC_RATE_ON);
	config_read_between(r, own, "responses-per-second", 1, IPC_RATE_MAX, rate->per_second, &per_second);
	config_read_between(r, own, "ipv4-prefix", 1, 32, rate->ipv4_bits, &ipv4);
	config_read_between(r, own, "ipv6-prefix", 1, 64, rate->ipv6_bits, &ipv6);
	rate->per_second = (uint32_t)per_second;
	rate->ipv4_bits = (uint8_t)ipv4;
	rate->ipv6_bits = (uint8_t)ipv6;
	config_read_acl(r, own, "exempt", &rate->exempt);

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

static void read_zone(struct config_reader *r, cfg_t *section, struct config_view *view)
{
	struct config_zone *zone = &view->zones[view->zone_count];
	char text[DNAME_TEXT_MAX];

	if (!config_read_name(r, config_text_file(section), (unsigned)section->line, cfg_title(section),
			      zone->name)) {
		return;
	}
	dname_text(zone->name, text);
	config_read_bool(r, section, "overlay", false, &zone->overlay);

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
		/* Whether it is readable and below the directory is for the compiler, inside its walls, to see.
		 */
		if (lstat(config_must(path), &st) != 0) {
			FAULT(r, file, "file: '%s': %s", path, strerror(errno));
		}
		free(path);
	}
	read_transfers(r, section, zone);
	zone->text = config_must(strdup(text));
	zone->file = config_must(strdup(file->text));
	view->zone_count++;
}

static int compare_zones(const void *a, const void *b)
{
	return dname_compare(((const struct config_zone *)a)->name, ((const struct config_zone *)b)->name);
}

void config_read_view(struct config_reader *r, cfg_t *section, struct config_view *view)
{
	const char *name = cfg_title(section);

	if (strlen(name) == 0 || strlen(name) >= IPC_VIEW_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(name)) {
		FAULT_SECTION(r, section, "view name '%s': allowed are 1 to %d of a-z, 0-9, '-' and '_'", name,
			      IPC_VIEW_MAX - 1);
		return;
	}
	snprintf(view->name, sizeof(view->name), "%s", name);
	config_read_listen(r, section, 53, &view->listen);
	config_read_tcp(r, section, &view->tcp);
	view->anyone = config_text_count(section, "allow-query") == 0;
	config_read_acl(r, section, "allow-query", &view->allow_query);

	config_read_bool(r, section, "answer-rotation", true, &view->rotate);
	config_read_cookies(r, section, &view->cookies);
	config_read_names(r, section, &r->config->names, &view->names);
	read_rate_limit(r, section, view);

	const struct config_value *user = config_text_value(section, "user");
	if (user != NULL) {
		view->user = config_must(strdup(user->text));
	}
	const struct config_value *dir = config_text_value(section, "zones-dir");
	struct stat st;
	if (dir == NULL) {
		FAULT_SECTION(r, section, "view '%s' has no 'zones-dir'", name);
	} else {
		view->zones_dir = config_absolute_path(dir);
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
	view->zones = config_must(calloc(zones + 1u, sizeof(*view->zones)));
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
			FAULT_SECTION(r, cfg_getnsec(section, "zone", later),
				      "zone '%s' stands twice in view '%s'", b->text, name);
		}
	}
}

void config_view_clear(struct config_view *view)
{
	config_listen_clear(&view->listen);
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
