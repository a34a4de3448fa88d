/*
 * DESIGN 2.2: a role's memory holds its own data only. Random markers are put into the internal zone, much
 * is asked through every listener, then the memory of every process is searched. Likewise the secret of a TSIG
 * key. That the search can fail is proved by deliberate leaks.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "common/dns/query.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/http.h"
#include "tests/integration/memory.h"
#include "tests/integration/standard.h"
#include "tests/unit/common/dns/tsig_wire.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER_LEN 20

/* In the owner name, in its TXT data, in the target of an alias; and one that is asked but not there. */
struct markers {
	char owner[MARKER_LEN + 1];
	char text[MARKER_LEN + 1];
	char target[MARKER_LEN + 1];
	char missing[MARKER_LEN + 1];
};

static struct appliance appliance;
static struct markers markers;

static void make_marker(char out[MARKER_LEN + 1])
{
	for (size_t i = 0; i < MARKER_LEN; i++) {
		out[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[rand_below(i == 0 ? 26 : 36)];
	}
	out[MARKER_LEN] = '\0';
}

/* The standard zone with the markers. zone: which file; prefix: what stands there without them. */
static void write_marked_zone(const char *file, const char *prefix)
{
	static char text[8192];
	snprintf(text, sizeof(text), "%s%s A 10.1.7.7\n%s TXT \"%s\"\nalias CNAME %s\n%s A 10.1.7.8\n", prefix,
		 markers.owner, markers.owner, markers.text, markers.target, markers.target);
	appliance_file(&appliance, file, text);
}

static void prepare(void)
{
	standard_prepare(&appliance, 110);
	standard_add_monitor(&appliance);
	make_marker(markers.owner);
	make_marker(markers.text);
	make_marker(markers.target);
	make_marker(markers.missing);
}

static void finish(void)
{
	appliance_clear(&appliance);
}

TestSuite(canary, .init = prepare, .fini = finish);

static void ask_all_ways(const char *server, const char *name, uint16_t type, const char *source)
{
	for (unsigned way = 0; way < 4; way++) {
		struct ask ask = { .server = server,
				   .source = source,
				   .name = name,
				   .type = type,
				   .flags = FLAG_RD,
				   .edns = (way & 1) != 0,
				   .do_bit = (way & 1) != 0,
				   .tcp = (way & 2) != 0,
				   .timeout_ms = 10000 };
		MUST(client_ask(&ask)->received, "%s: no reply from %s", name, server);
	}
}

/* Internal, external and missing names through every listener they may be asked at. */
static void mixed_traffic(void)
{
	char name[128];
	const char *const internal[] = { markers.owner, markers.target, markers.missing, "alias" };
	static const uint16_t types[] = { RR_A, RR_TXT, RR_AAAA, RR_ANY };
	for (size_t i = 0; i < COUNT(internal); i++) {
		for (size_t k = 0; k < COUNT(types); k++) {
			snprintf(name, sizeof(name), "%s.corp.example", internal[i]);
			ask_all_ways(INTERNAL, name, types[k], INSIDE);
			ask_all_ways(RESOLVER, name, types[k], INSIDE);
			/* a stranger's questions are refused, not answered */
			ask_all_ways(RESOLVER, name, types[k], OUTSIDE);
		}
	}
	static const char *const others[] = { "www.example.com", "shop.example.com", "nowhere.example.com" };
	for (size_t i = 0; i < COUNT(others); i++) {
		ask_all_ways(EXTERNAL, others[i], RR_A, OUTSIDE);
		ask_all_ways(RESOLVER, others[i], RR_A, INSIDE);
	}
	ask_all_ways(RESOLVER, "www.public.org", RR_A, INSIDE);
	ask_all_ways(RESOLVER, "missing.public.org", RR_A, INSIDE);
	ask_all_ways(RESOLVER, "out.corp.example", RR_A, INSIDE);
	/* and everything that the monitor tells, about the same zones */
	static const char *const pages[] = { "/", "/metrics", "/healthz", "/healthz/internal", "/healthz/resolver", "/status.json" };
	for (size_t i = 0; i < COUNT(pages); i++) {
		MUST(http_get(MONITOR, INSIDE, pages[i])->status != 0, "the monitor does not answer for %s", pages[i]);
	}
}

/* Enough of other questions that every buffer on the way was used again. */
static void overwrite_buffers(void)
{
	static const struct {
		const char *server;
		const char *suffix;
		unsigned rcode;
	} loads[] = { { RESOLVER, "load.corp.example", RCODE_NOERROR },
		      { RESOLVER, "load.many.example", RCODE_NOERROR },
		      { RESOLVER, "load.public.org", RCODE_NOERROR },
		      { INTERNAL, "load.corp.example", RCODE_NOERROR },
		      { EXTERNAL, "load.example.com", RCODE_NOERROR } };
	struct load *running[COUNT(loads)];
	for (size_t i = 0; i < COUNT(loads); i++) {
		running[i] = load_start(loads[i].server, loads[i].suffix, 1000, loads[i].rcode);
	}
	harness_sleep_ms(2500);
	for (size_t i = 0; i < COUNT(loads); i++) {
		struct load_result r = load_stop(running[i]);
		MUST(r.answered > 100, "%s at %s: only %llu answers", loads[i].suffix, loads[i].server,
		     (unsigned long long)r.answered);
	}
	for (int i = 0; i < 50; i++) { /* TCP buffers of the same sizes */
		ask_all_ways(RESOLVER, "abcdefghij0123456789.corp.example", RR_TXT, INSIDE);
		ask_all_ways(RESOLVER, "www.public.org", RR_A, INSIDE);
	}
}

struct holder {
	pid_t pid;
	char name[80];
	bool may_hold; /* the internal authority */
};

static unsigned list_processes(struct holder *out, unsigned max)
{
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	unsigned n = 0;
	out[n] = (struct holder){ .pid = appliance.pid, .name = "supervisor" };
	n++;
	for (unsigned i = 0; i < count && n < max; i++) {
		out[n].pid = roles[i].pid;
		out[n].may_hold = strcmp(roles[i].role, "authority") == 0 && strcmp(roles[i].view, "internal") == 0;
		snprintf(out[n].name, sizeof(out[n].name), "%s[%s] %u", roles[i].role, roles[i].view, roles[i].index);
		n++;
	}
	MUST(n >= 7, "only %u processes: supervisor, three authorities, frontend, resolver and monitor expected", n);
	return n;
}

/*
 * The frontend passes internal answers on and overwrites what they stood in. Built with sanitizers its
 * stack frames are wider and freed memory is kept aside on purpose, so remains there say nothing.
 */
static bool may_keep_remains(const struct holder *holder)
{
#ifdef BH_SANITIZERS
	return strncmp(holder->name, "frontend", 8) == 0;
#else
	(void)holder;
	return false;
#endif
}

/* The marker is in every process that may hold it and in no other. */
static void must_be_inside_only(const char *what, const char *marker, bool must_be_inside)
{
	struct holder list[APPLIANCE_ROLES_MAX + 1];
	unsigned count = list_processes(list, COUNT(list));
	for (unsigned i = 0; i < count; i++) {
		struct memory_scan scan = memory_scan(list[i].pid, marker);
		MUST(list[i].may_hold || scan.found == 0 || may_keep_remains(&list[i]),
		     "%s (%s) is %u times in the memory of %s, first in: %s", what,
		     marker, scan.found, list[i].name, scan.first);
		MUST(!list[i].may_hold || !must_be_inside || scan.found > 0,
		     "%s (%s) is not found in the memory of %s: the search is blind", what, marker, list[i].name);
	}
}

static bool found_in(const char *role, const char *view, const char *marker)
{
	struct role_process process = appliance_role(&appliance, role, view, 0);
	return memory_scan(process.pid, marker).found > 0;
}

Test(canary, internal_data_is_in_the_internal_authority_alone, .timeout = 120)
{
	write_marked_zone("internal/corp.example.zone", standard_corp_zone);
	appliance_start(&appliance);
	/* before traffic */
	must_be_inside_only("the owner name", markers.owner, true);
	must_be_inside_only("the text", markers.text, true);

	mixed_traffic();
	overwrite_buffers();
	must_be_inside_only("the owner name", markers.owner, true);
	must_be_inside_only("the text", markers.text, true);
	must_be_inside_only("the target of the alias", markers.target, true);
	must_be_inside_only("a name that is not there", markers.missing, false);

	/* and after a reload and a crash, whose successors get everything anew */
	appliance_reload(&appliance);
	static const char *const views[][2] = { { "frontend", "" }, { "resolver", "" }, { "authority", "external" },
						{ "monitor", "" } };
	for (size_t i = 0; i < COUNT(views); i++) {
		struct role_process old = appliance_role(&appliance, views[i][0], views[i][1], 0);
		kill(old.pid, SIGKILL);
		MUST(appliance_wait_restarted(&appliance, &old, 3000) >= 0, "%s does not come back", views[i][0]);
	}
	must_be_inside_only("the owner name", markers.owner, true);
	must_be_inside_only("the text", markers.text, true);
}

/*
 * Images are saved and loaded by the supervisor, which must not see what is in them: long after the files were written,
 * right after they were loaded, and when a bad one was compiled again.
 */
Test(canary, saved_images_pass_nobody_on_their_way, .timeout = 120)
{
	char path[512];
	write_marked_zone("internal/corp.example.zone", standard_corp_zone);
	harness_sleep_ms(2200); /* what was changed just now counts as changed at the next start too */
	appliance_start(&appliance);
	MUST(appliance_log_wait(&appliance, "zone images saved count=", 5000), "the images are not saved");
	must_be_inside_only("the owner name", markers.owner, true);
	must_be_inside_only("the text", markers.text, true);
	appliance_stop(&appliance);

	appliance_start(&appliance);
	MUST(appliance_logged(&appliance, "compiled=0 loaded="), "the images were not loaded");
	must_be_inside_only("the owner name", markers.owner, true);
	must_be_inside_only("the text", markers.text, true);
	mixed_traffic();
	overwrite_buffers();
	must_be_inside_only("the owner name", markers.owner, true);
	must_be_inside_only("the text", markers.text, true);
	appliance_stop(&appliance);

	snprintf(path, sizeof(path), "%s/state/internal/corp.example.image", appliance.dir);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	MUST(fd >= 0 && pwrite(fd, "damage", 6, 600) == 6, "%s cannot be damaged", path);
	close(fd);
	appliance_start(&appliance);
	MUST(appliance_log_wait(&appliance, "reloaded generation=2", 5000), "it was not compiled again");
	MUST(appliance_log_wait(&appliance, "zone images saved count=1", 5000), "it was not saved again");
	must_be_inside_only("the owner name", markers.owner, true);
	must_be_inside_only("the text", markers.text, true);
}

/* The frontend and the resolver do remember a name that is asked of the public: the search sees it there. */
Test(canary, the_search_finds_a_name_that_went_the_public_way)
{
	char name[128];
	appliance_start(&appliance);
	snprintf(name, sizeof(name), "%s.load.public.org", markers.owner);
	ask_all_ways(RESOLVER, name, RR_A, INSIDE);
	MUST(found_in("resolver", "", markers.owner), "the resolver's memory was searched, and its own data not found");
	MUST(found_in("frontend", "", markers.owner), "the frontend's memory was searched, and its own data not found");
	MUST(!found_in("authority", "internal", markers.owner), "the internal authority saw a public name");
	MUST(!found_in("authority", "external", markers.owner), "the external authority saw a foreign name");
}

/* The mistake that the test is there to find: the same data in both zones. */
Test(canary, the_search_finds_internal_data_put_into_the_external_zone)
{
	write_marked_zone("internal/corp.example.zone", standard_corp_zone);
	write_marked_zone("external/example.com.zone", standard_external_zone);
	appliance_start(&appliance);
	MUST(found_in("authority", "internal", markers.text), "not even found where it belongs");
	MUST(found_in("authority", "external", markers.text), "the leak was not found: the search is blind");
	MUST(found_in("authority", "external", markers.owner), "the leak was not found: the search is blind");
	MUST(!found_in("resolver", "", markers.text), "found where it cannot be: the search is wrong");
}

/* --- secrets ------------------------------------------------------------------------------------------ */

#define SECRET_LEN 32

static char secret[SECRET_LEN + 1];
static char secret_base64[48];

/* Random letters, as they are and in base64. */
static void make_secret(void)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < SECRET_LEN; i++) {
		secret[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[rand_below(36)];
	}
	char *out = secret_base64;
	for (size_t i = 0; i < SECRET_LEN; i += 3) {
		unsigned bits = (unsigned)(uint8_t)secret[i] << 16 |
				(i + 1 < SECRET_LEN ? (unsigned)(uint8_t)secret[i + 1] << 8 : 0) |
				(i + 2 < SECRET_LEN ? (uint8_t)secret[i + 2] : 0);
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = i + 1 < SECRET_LEN ? digits[bits >> 6 & 63] : '=';
		*out++ = i + 2 < SECRET_LEN ? digits[bits & 63] : '=';
	}
	*out = '\0';
}

/* The standard configuration with a key that the external view uses, or that nobody uses. */
static void configure_key(bool used)
{
	static char conf[8192];
	char path[256];
	snprintf(conf, sizeof(conf),
		 "%skey \"canary\" { algorithm = \"hmac-sha256\" secret-file = \"canary.secret\" }\n%s"
		 "view \"external\" {\n  listen = { \"" EXTERNAL "\" }\n  zones-dir = \"@DIR@/external\"\n"
		 "  zone \"example.com\" { file = \"example.com.zone\" %s }\n}\n%s%s%s",
		 CONF_HERE, standard_internal, used ? "allow-transfer = { \"key:canary\" }" : "", standard_world,
		 standard_resolver, standard_monitor);
	appliance_file(&appliance, "canary.secret", secret_base64);
	snprintf(path, sizeof(path), "%s/canary.secret", appliance.dir);
	MUST(chmod(path, 0600) == 0, "chmod %s", path);
	appliance_configure(&appliance, conf);
}

/* A transfer and a query, signed; with a key that is known or not. */
static void signed_traffic(bool known)
{
	static const uint16_t types[] = { RR_AXFR, RR_SOA };
	for (size_t i = 0; i < COUNT(types) * 5; i++) {
		static uint8_t wire[65535];
		struct tsig_wire tsig = { .name = "canary", .algorithm = "hmac-sha256", .secret = secret,
					  .time_sec = clock_wall_sec(), .fudge_sec = 300 };
		uint8_t frame[2 + ASK_WIRE_MAX + 1024];
		struct ask ask = { .name = "example.com", .type = types[i % COUNT(types)] };
		size_t len = tsig_wire_sign(&tsig, frame + 2, ask_compose(&ask, 77, frame + 2));
		put_u16(frame, (uint16_t)len);
		int fd = client_tcp(EXTERNAL, OUTSIDE);
		client_send(fd, frame, len + 2);
		ssize_t n = client_receive_tcp(fd, wire, sizeof(wire), 5000);
		MUST(n > 12 && (wire[3] & 15) == (known ? RCODE_NOERROR : RCODE_NOTAUTH), "%zd octets", n);
		MUST(tsig_wire_check(&tsig, wire, (size_t)n).good == known, "signature");
		close(fd);
	}
}

/* The supervisor reads secrets and keeps them; their text it does not. */
static void must_be_in_the_external_authority_only(bool in_use)
{
	struct holder list[APPLIANCE_ROLES_MAX + 1];
	unsigned count = list_processes(list, COUNT(list));
	for (unsigned i = 0; i < count; i++) {
		bool external = strcmp(list[i].name, "authority[external] 0") == 0;
		bool supervisor = i == 0;
		struct memory_scan scan = memory_scan(list[i].pid, secret);
		MUST(supervisor || (external && in_use) || scan.found == 0, "the secret is %u times in the memory of %s, first in: %s",
		     scan.found, list[i].name, scan.first);
		MUST(!(external && in_use) || scan.found > 0, "the secret is not found in %s: the search is blind", list[i].name);
		scan = memory_scan(list[i].pid, secret_base64);
		MUST(scan.found == 0, "the text of the secret is %u times in the memory of %s, first in: %s", scan.found,
		     list[i].name, scan.first);
	}
}

Test(canary, a_tsig_secret_is_in_the_authority_of_its_view_alone, .timeout = 120)
{
	make_secret();
	configure_key(true);
	appliance_start(&appliance);
	must_be_in_the_external_authority_only(true);
	signed_traffic(true);
	mixed_traffic();
	must_be_in_the_external_authority_only(true);

	struct role_process old = appliance_role(&appliance, "authority", "external", 0);
	kill(old.pid, SIGKILL);
	MUST(appliance_wait_restarted(&appliance, &old, 3000) >= 0, "the authority does not come back");
	must_be_in_the_external_authority_only(true);

	/* A view that no longer uses the key forgets it. */
	signed_traffic(true);
	configure_key(false);
	appliance_reload(&appliance);
	signed_traffic(false);
	must_be_in_the_external_authority_only(false);
}
