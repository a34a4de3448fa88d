/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/saved.h"

#include "common/util/count.h"
#include "common/zone/image.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TTL 3600

/* --- names --- */

static const struct {
	const char *zone;
	const char *file;
} names[] = {
	{ ".", "@.image" },
	{ "example.com.", "example.com.image" },
	{ "EXAMPLE.Com.", "example.com.image" },
	{ "2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa.image" },
	{ "_sip._tcp.example.", "_sip._tcp.example.image" },
	{ "0/25.2.0.192.in-addr.arpa.", "0%2F25.2.0.192.in-addr.arpa.image" },
	{ "a\\.b.example.", "a%2Eb.example.image" },
	{ "\\000\\255.example.", "%00%FF.example.image" },
	{ "\\064.", "%40.image" },
	{ "*.%41.", "%2A.%2541.image" },
	{ "\\.\\..", "%2E%2E.image" },
};

Test(saved, file_names_are_plain_and_lead_back)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		uint8_t zone[DNAME_MAX];
		uint8_t back[DNAME_MAX];
		char file[SAVED_NAME_MAX + 1];
		cr_assert_gt(dname_from_text(names[i].zone, zone), 0, "%s", names[i].zone);
		cr_assert(saved_name(zone, file), "%s", names[i].zone);
		cr_assert_str_eq(file, names[i].file);
		cr_assert(saved_name_parse(file, back) && dname_equal(zone, back), "%s", file);
	}
}

Test(saved, other_peoples_file_names_are_no_zones)
{
	static const char *const others[] = { "",	      ".image",		".saving",	   "example.com",
					      "Example.image", "example.com.IMAGE", "a..b.image", ".a.image",
					      "a b.image",     "%61.image",	"%2f.image",	   "%2.image",
					      "a.image.bak",   "@@.image",	"notes.txt",	   "a/b.image",
					      "%.image",       "a%.image",	"x.",		   "@.image.image/" };
	uint8_t zone[DNAME_MAX];
	for (size_t i = 0; i < COUNT(others); i++) {
		cr_assert_not(saved_name_parse(others[i], zone), "%s", others[i]);
	}
}

Test(saved, a_name_too_long_for_a_file_is_not_saved)
{
	uint8_t zone[DNAME_MAX];
	char file[SAVED_NAME_MAX + 1];
	char text[DNAME_TEXT_MAX] = "";
	for (unsigned i = 0; i < 62; i++) { /* each octet takes three */
		strcat(text, "\\001\\002.");
	}
	cr_assert_gt(dname_from_text(text, zone), 0);
	cr_assert_not(saved_name(zone, file));
}

/* --- files --- */

struct place {
	char dir[64];
	char state[96];
	char zones[96];
	char image[192]; /* the saved file */
	struct config_zone zone;
};

static const char image_text[] = "what stands in an image is nobody's business here, it is only carried about";

static void put_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	cr_assert(fd >= 0 && fchmod(fd, mode) == 0 && write(fd, bytes, len) == (ssize_t)len, "%s", path);
	close(fd);
}

static void place_new(struct place *p)
{
	*p = (struct place){ .dir = "/tmp/saved.XXXXXX" };
	char path[256];
	cr_assert_not_null(mkdtemp(p->dir));
	snprintf(p->state, sizeof(p->state), "%s/state", p->dir);
	snprintf(p->zones, sizeof(p->zones), "%s/zones", p->dir);
	snprintf(path, sizeof(path), "%s/view", p->state);
	snprintf(p->image, sizeof(p->image), "%s/view/example.image", p->state);
	cr_assert(mkdir(p->state, 0755) == 0 && mkdir(p->zones, 0755) == 0 && mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/main", p->zones);
	put_file(path, "main\n", 5, 0644);
	snprintf(path, sizeof(path), "%s/included", p->zones);
	put_file(path, "included\n", 9, 0644);
	cr_assert_gt(dname_from_text("example.", p->zone.name), 0);
	p->zone.text = "example.";
	p->zone.file = "main";
}

static void place_free(struct place *p)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	cr_assert_eq(system(command), 0);
}

static int64_t ns_of(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static void add_source(struct sources *sources, const char *zones, const char *name)
{
	char path[256];
	struct stat st;
	struct ipc_source m = { .path = "" };
	snprintf(path, sizeof(path), "%s/%s", zones, name);
	cr_assert_eq(stat(path, &st), 0);
	snprintf(m.path, sizeof(m.path), "%s", name);
	m.dev = st.st_dev;
	m.ino = st.st_ino;
	m.size = (uint64_t)st.st_size;
	m.mtime_ns = (uint64_t)ns_of(&st.st_mtim);
	m.ctime_ns = (uint64_t)ns_of(&st.st_ctim);
	cr_assert_eq(sources_add(sources, &m), BH_OK);
}

/* Read `later` seconds after the files were written. */
static struct sources sources_of(const struct place *p, int later)
{
	struct timespec now;
	struct sources sources = { .default_ttl = TTL };
	clock_gettime(CLOCK_REALTIME, &now);
	sources.read_ns = ns_of(&now) + later * INT64_C(1000000000);
	add_source(&sources, p->zones, "main");
	add_source(&sources, p->zones, "included");
	return sources;
}

struct bytes {
	uint8_t at[4096];
	size_t len;
	size_t image_at;
};

static void make_file_of(const struct place *p, const char *build, uint32_t image_version, struct bytes *out)
{
	struct saved_head head = { .image_version = image_version,
				   .info = { .ok = 1, .serial = 7, .records = 3, .size = sizeof(image_text),
					     .checksum = 99 },
				   .number = 1,
				   .cause = { .kind = ZONE_CAUSE_START, .uid = SAVED_NOBODY },
				   .made_sec = 1000,
				   .sources = sources_of(p, 10) };
	struct sink s = sink_of(out->at + SAVED_PREFIX, sizeof(out->at) - SAVED_PREFIX);
	snprintf(head.build, sizeof(head.build), "%s", build);
	memcpy(head.zone, p->zone.name, sizeof(head.zone));
	saved_head_encode(&s, &head);
	cr_assert_not(s.failed);
	saved_prefix(out->at, out->at + SAVED_PREFIX, s.pos);
	out->image_at = SAVED_PREFIX + s.pos;
	memcpy(out->at + out->image_at, image_text, sizeof(image_text));
	out->len = out->image_at + sizeof(image_text);
	sources_clear(&head.sources);
}

static void make_file(const struct place *p, struct bytes *out)
{
	make_file_of(p, ipc_build_id(), IMAGE_VERSION, out);
}

/* Load; on success the image is compared and everything closed again. */
static int load(const struct place *p, char why[128])
{
	struct saved_head head;
	char text[sizeof(image_text)];
	int fd = -1;
	why[0] = '\0';
	int rc = saved_load(p->state, "view", p->zones, &p->zone, TTL, SAVED_CURRENT, &head, &fd, why, 128);
	if (rc == BH_OK) {
		cr_assert_eq(pread(fd, text, sizeof(text), 0), (ssize_t)sizeof(text));
		cr_assert_eq(memcmp(text, image_text, sizeof(text)), 0);
		cr_assert_eq(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
		cr_assert(head.info.serial == 7 && head.info.records == 3 && head.info.ok);
		cr_assert_eq(head.sources.count, 2);
		close(fd);
		sources_clear(&head.sources);
	} else {
		cr_assert(rc == BH_ENOENT || why[0] != '\0', "no reason was given");
	}
	return rc;
}

static int load_bytes(const struct place *p, const struct bytes *b, char why[128])
{
	put_file(p->image, b->at, b->len, 0600);
	return load(p, why);
}

Test(saved, a_current_file_is_loaded_and_sealed)
{
	struct place p;
	struct bytes b;
	char why[128];
	place_new(&p);
	cr_assert_eq(load(&p, why), BH_ENOENT);
	make_file(&p, &b);
	cr_assert_eq(load_bytes(&p, &b, why), BH_OK, "%s", why);
	place_free(&p);
}

/* After an upgrade zones are compiled; one that is not fit to be is better served from what was saved than not at all. */
Test(saved, a_file_of_another_build_is_not_current_but_of_use)
{
	struct place p;
	struct bytes b;
	struct saved_head head;
	char why[128];
	int fd;
	place_new(&p);
	make_file_of(&p, "9.9.9/other", IMAGE_VERSION, &b);
	cr_assert_neq(load_bytes(&p, &b, why), BH_OK);
	cr_assert_str_eq(why, "is of another version");
	cr_assert_eq(saved_load(p.state, "view", p.zones, &p.zone, TTL, SAVED_ANY, &head, &fd, why, sizeof(why)), BH_OK, "%s", why);
	close(fd);
	sources_clear(&head.sources);

	make_file_of(&p, ipc_build_id(), IMAGE_VERSION + 1, &b);
	cr_assert_neq(load_bytes(&p, &b, why), BH_OK);
	cr_assert_neq(saved_load(p.state, "view", p.zones, &p.zone, TTL, SAVED_ANY, &head, &fd, why, sizeof(why)), BH_OK,
		      "an image of another form");
	place_free(&p);
}

Test(saved, every_cut_and_every_damaged_octet_of_the_head_is_found)
{
	struct place p;
	struct bytes whole;
	char why[128];
	place_new(&p);
	make_file(&p, &whole);
	for (size_t i = 0; i < whole.len; i++) {
		struct bytes b = whole;
		b.len = i;
		cr_assert_neq(load_bytes(&p, &b, why), BH_OK, "cut at %zu", i);
		if (i >= whole.image_at) {
			continue; /* damage there is for those to find who may look at it */
		}
		b = whole;
		b.at[i] ^= 0x10;
		cr_assert_neq(load_bytes(&p, &b, why), BH_OK, "octet %zu", i);
		b.at[i] = 0;
		cr_assert(whole.at[i] == 0 || load_bytes(&p, &b, why) != BH_OK, "octet %zu is lost", i);
	}
	whole.at[whole.len++] = 0;
	cr_assert_neq(load_bytes(&p, &whole, why), BH_OK, "an octet too many");
	place_free(&p);
}

Test(saved, a_changed_source_or_setting_makes_it_old)
{
	struct place p;
	struct bytes b;
	char why[128];
	char path[256];
	place_new(&p);
	make_file(&p, &b);

	p.zone.file = "included";
	cr_assert_neq(load_bytes(&p, &b, why), BH_OK, "another main file");
	p.zone.file = "main";
	p.zone.name[1] = 'E';
	cr_assert_neq(load_bytes(&p, &b, why), BH_OK, "case of the name is in the image");
	p.zone.name[1] = 'e';
	cr_assert_eq(load_bytes(&p, &b, why), BH_OK, "%s", why);

	struct saved_head head;
	int fd;
	cr_assert_neq(saved_load(p.state, "view", p.zones, &p.zone, TTL + 1, SAVED_CURRENT, &head, &fd, why, sizeof(why)), BH_OK,
		      "another default TTL");

	snprintf(path, sizeof(path), "%s/included", p.zones);
	put_file(path, "INCLUDED\n", 9, 0644); /* same size, perhaps the same time: another inode or time of change */
	cr_assert_neq(load_bytes(&p, &b, why), BH_OK, "a changed include");
	make_file(&p, &b);
	cr_assert_eq(load_bytes(&p, &b, why), BH_OK, "%s", why);
	unlink(path);
	cr_assert_neq(load_bytes(&p, &b, why), BH_OK, "a missing include");
	cr_assert_eq(saved_load(p.state, "view", p.zones, &p.zone, TTL, SAVED_ANY, &head, &fd, why, sizeof(why)), BH_OK,
		     "old, but complete: %s", why);
	close(fd);
	sources_clear(&head.sources);
	b.at[SAVED_PREFIX + 3] ^= 1;
	put_file(p.image, b.at, b.len, 0600);
	cr_assert_neq(saved_load(p.state, "view", p.zones, &p.zone, TTL, SAVED_ANY, &head, &fd, why, sizeof(why)), BH_OK,
		      "damaged is not old");
	place_free(&p);
}

Test(saved, what_others_could_have_written_is_not_read)
{
	struct place p;
	struct bytes b;
	char why[128];
	char elsewhere[256];
	place_new(&p);
	make_file(&p, &b);
	put_file(p.image, b.at, b.len, 0622);
	cr_assert_neq(load(&p, why), BH_OK, "writable by others");
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", p.dir);
	put_file(elsewhere, b.at, b.len, 0600);
	unlink(p.image);
	cr_assert_eq(symlink(elsewhere, p.image), 0);
	cr_assert_neq(load(&p, why), BH_OK, "a symbolic link");
	unlink(p.image);
	cr_assert_eq(mkfifo(p.image, 0600), 0);
	cr_assert_neq(load(&p, why), BH_OK, "a FIFO");
	unlink(p.image);
	cr_assert_eq(mkdir(p.image, 0700), 0);
	cr_assert_neq(load(&p, why), BH_OK, "a directory");
	place_free(&p);
}

/* --- sources --- */

Test(sources, read_too_soon_after_a_change_counts_as_changed)
{
	struct place p;
	place_new(&p);
	static const struct {
		int later;
		bool current;
	} cases[] = { { -10, false }, { 0, false }, { 1, false }, { 5, true }, { 1000, true } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sources s = sources_of(&p, cases[i].later);
		cr_assert_eq(sources_current(&s, p.zones, "main", TTL), cases[i].current, "read %d s later",
			     cases[i].later);
		sources_clear(&s);
	}
	place_free(&p);
}

Test(sources, every_property_of_a_file_counts)
{
	struct place p;
	place_new(&p);
	for (unsigned field = 0; field < 5; field++) {
		struct sources s = sources_of(&p, 10);
		cr_assert(sources_current(&s, p.zones, "main", TTL));
		struct source *item = &s.items[1];
		uint64_t *numbers[] = { &item->dev, &item->ino, &item->size };
		int64_t *times[] = { &item->mtime_ns, &item->ctime_ns };
		if (field < 3) {
			++*numbers[field];
		} else {
			--*times[field - 3];
		}
		cr_assert_not(sources_current(&s, p.zones, "main", TTL), "field %u", field);
		sources_clear(&s);
	}
	place_free(&p);
}

/* A compiler that lies gets nothing looked at outside of its directory, and not too much remembered. */
Test(sources, lies_are_bounded)
{
	struct place p;
	static const char *const paths[] = { "", "/etc/passwd", "..", "../zones/included", "x/../included", "included/.." };
	place_new(&p);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct sources s = sources_of(&p, 10);
		free(s.items[1].path);
		s.items[1].path = strdup(paths[i]);
		cr_assert_not(sources_current(&s, p.zones, "main", TTL), "%s", paths[i]);
		sources_clear(&s);
	}
	struct sources s = { .count = 0 };
	struct ipc_source m = { .path = "x" };
	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		cr_assert_eq(sources_add(&s, &m), BH_OK);
	}
	cr_assert_eq(sources_add(&s, &m), BH_ELIMIT);
	sources_clear(&s);
	memset(m.path, 'x', sizeof(m.path) - 1);
	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		cr_assert_eq(sources_add(&s, &m), BH_OK);
	}
	cr_assert(s.incomplete && s.octets <= SOURCES_OCTETS_MAX);
	cr_assert_not(sources_current(&s, p.zones, m.path, 0));
	sources_clear(&s);
	place_free(&p);
}
