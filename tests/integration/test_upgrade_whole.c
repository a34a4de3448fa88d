/*
 * Upgrades of an appliance with all that it may have: a monitor that somebody scrapes, a zone that was rolled back, the
 * wall between the resolver and this host.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/groups.h"
#include "tests/integration/harness.h"
#include "tests/integration/http.h"
#include "tests/integration/loads.h"
#include "tests/integration/standard.h"
#include "tests/integration/versions.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct appliance appliance;

static void start(void)
{
	versions_prepare(&appliance);
	appliance_start(&appliance);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(upgrade_whole, .init = start, .fini = stop);

#define WHOLE_UPGRADES 10

/* Somebody who scrapes all the time. A verdict that something does not answer is no lost answer, but has its time. */
struct scrapes {
	uint64_t asked;
	uint64_t lost; /* no metrics */
	uint64_t unwell;
	uint64_t unwell_ms; /* the longest */
	uint64_t generation; /* the highest one that was told */
	uint64_t back; /* times that a lower one was told after it */
	char why[512];
	char instead[256]; /* what came when metrics were lost: the first time */
	volatile sig_atomic_t stop;
	pid_t pid;
};

/* The status of the answer, 0: there is none. */
static int scrape(const char *path, char *body, size_t size)
{
	char request[256];
	size_t len = 0;
	int status = 0;
	int fd = client_tcp_try(MONITOR, INSIDE, 5000);
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 10.1.0.55\r\n\r\n", path);
	body[0] = '\0';
	if (fd < 0 || send(fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
		return 0;
	}
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got = poll(&p, 1, 5000 * (int)harness_slow()) > 0 ? recv(fd, body + len, size - 1 - len, 0) : -1;
		if (got <= 0) {
			len = got < 0 ? 0 : len; /* reset on the way: not an answer */
			break;
		}
		len += (size_t)got;
	}
	body[len] = '\0';
	close(fd);
	return sscanf(body, "HTTP/1.%*d %d", &status) == 1 ? status : 0;
}

static void scrapes_run(void *arg)
{
	struct scrapes *s = arg;
	static char body[1 << 18];
	uint64_t since_ms = 0;
	while (!s->stop) {
		s->asked++;
		bool answered = scrape("/metrics", body, sizeof(body)) == 200;
		const char *at = strstr(body, "\nbulkhead_generation ");
		uint64_t generation = at == NULL ? 0 : strtoull(at + strlen("\nbulkhead_generation "), NULL, 10);
		s->lost += !answered || generation == 0;
		if (s->lost == 1 && s->instead[0] == '\0') {
			snprintf(s->instead, sizeof(s->instead), "scrape %llu: %s%.200s", (unsigned long long)s->asked,
				 answered ? "without generation: " : "", body);
		}
		s->back += answered && generation < s->generation;
		s->generation = generation > s->generation ? generation : s->generation;
		int status = scrape("/healthz", body, sizeof(body));
		s->lost += status != 200 && status != 503;
		if (status == 503) {
			since_ms = since_ms == 0 ? clock_now_ms() : since_ms;
			uint64_t took_ms = clock_now_ms() - since_ms;
			s->unwell++;
			if (took_ms >= s->unwell_ms) {
				s->unwell_ms = took_ms;
				snprintf(s->why, sizeof(s->why), "%.500s", strstr(body, "\r\n\r\n"));
			}
		} else {
			since_ms = 0;
		}
		harness_sleep_ms(20);
	}
}

static struct scrapes *scrapes_start(void)
{
	struct scrapes *s = harness_share(sizeof(*s));
	s->pid = harness_beside(scrapes_run, s);
	return s;
}

static void judge_scrapes(struct scrapes *s)
{
	s->stop = 1;
	MUST(harness_wait(s->pid, 15000) == 0, "who scrapes did not end");
	fprintf(stderr, "scraped %llu times, lost %llu, not well %llu times, at most for %llu ms: %s\n",
		(unsigned long long)s->asked, (unsigned long long)s->lost, (unsigned long long)s->unwell,
		(unsigned long long)s->unwell_ms, s->why);
	MUST(s->asked > 50, "too few to prove anything");
	MUST(s->lost == 0, "metrics were lost: %s", s->instead);
	/* New roles have asked themselves and each other before those that are asked for it are there, or right after. */
	MUST(s->unwell_ms < 800 * harness_slow(), "not well for %llu ms", (unsigned long long)s->unwell_ms);
	munmap(s, sizeof(*s));
}

static bool is_well(void *ctx)
{
	(void)ctx;
	return http_get(MONITOR, INSIDE, "/healthz")->status == 200;
}

/* What this monitor tells is what these roles have counted, and of itself. */
static void must_be_of_these_roles(void)
{
	static const char sample[] = "bulkhead_authority_queries_total{view=\"external\",transport=\"udp\",worker=\"0\"}";
	MUST(harness_until(is_well, NULL, 15000 * harness_slow()), "not well: %s", http_get(MONITOR, INSIDE, "/healthz")->body);
	harness_sleep_ms(1200); /* the page of metrics is made anew each second, and so are the facts */
	double before = http_metric(http_get(MONITOR, INSIDE, "/metrics"), sample);
	for (int i = 0; i < 5; i++) {
		struct ask ask = { .server = EXTERNAL, .source = OUTSIDE, .name = "www.example.com" };
		MUST(client_ask(&ask)->received, "no reply");
	}
	harness_sleep_ms(1200);
	const struct http_reply *r = http_get(MONITOR, INSIDE, "/metrics");
	MUST(before >= 0 && http_metric(r, sample) == before + 5, "queries: %f, they were %f", http_metric(r, sample), before);
	MUST(http_metric(r, "bulkhead_generation") == (double)appliance_generation(&appliance), "generation");
	MUST(http_metric(r, "bulkhead_healthy") == 1, "it does not say that all is well");
	MUST(http_metric(r, "bulkhead_role_confined{role=\"resolver\",worker=\"0\"}") == 1, "confined");
	MUST(http_metric(r, "bulkhead_role_restarts_total{role=\"resolver\",worker=\"0\"}") == 0, "restarts");
}

/* A process of ours in the control group of the resolver meets what the resolver would. */
static int ask_from_group_of(pid_t pid, const char *server)
{
	char path[64];
	char procs[1200] = "";
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	char *text = harness_read(path);
	char *group = text == NULL ? NULL : strstr(text, "0::");
	MUST(group != NULL, "%s", path);
	group[strcspn(group, "\n")] = '\0';
	static const char *const places[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	for (size_t i = 0; i < COUNT(places) && (procs[0] == '\0' || access(procs, W_OK) != 0); i++) {
		snprintf(procs, sizeof(procs), "%s%.1000s/cgroup.procs", places[i], group + 3);
	}
	free(text);
	fflush(NULL);
	pid_t child = fork();
	MUST(child >= 0, "fork: %s", strerror(errno));
	if (child == 0) {
		struct sockaddr_storage sa;
		struct addr addr;
		int fd = open(procs, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1 || addr_parse(server, 53, &addr) != BH_OK) {
			_exit(99);
		}
		int s = socket(AF_INET, SOCK_DGRAM, 0);
		socklen_t len = addr_to_sockaddr(&addr, &sa);
		_exit(sendto(s, "x", 1, 0, (struct sockaddr *)&sa, len) == 1 ? 0 : errno);
	}
	return harness_wait(child, 5000);
}

static void must_be_walled(void)
{
	if (groups_no_local_wall() != NULL) {
		return;
	}
	pid_t pid = appliance_role(&appliance, "resolver", "", 0).pid;
	MUST(strcmp(row_text(version_status(&appliance), "local_wall"), "on") == 0, "status: local wall is %s",
	     row_text(version_status(&appliance), "local_wall"));
	int status = ask_from_group_of(pid, INTERNAL);
	MUST(status == EPERM, "the resolver's group may ask the internal view: %s", strerror(status));
	status = ask_from_group_of(pid, EXTERNAL);
	MUST(status == 0, "the resolver's group may not ask the external view: %s", strerror(status));
}

static const char *history_text(void)
{
	static char text[2][1024];
	static unsigned turn;
	char *out = text[turn++ % 2];
	const struct ctl_answer *answer = appliance_control(&appliance, "zone history example.com@external");
	const struct ctl_row *row;
	unsigned from = 0;
	size_t used = 0;
	while ((row = answer_next(answer, "generation", &from)) != NULL && used < 900) {
		used += (size_t)snprintf(out + used, 1024 - used, "%llu %llu %s %s %s; ",
					 (unsigned long long)row_number(row, "number"),
					 (unsigned long long)row_number(row, "serial"), row_text(row, "cause"),
					 row_text(row, "state"), row_text(row, "detail"));
	}
	return out;
}

static bool is_saved(void *ctx)
{
	(void)ctx;
	return strstr(appliance_control(&appliance, "zone history example.com@external")->done.text, "not written yet") == NULL;
}

static const char *version_served(void)
{
	static char text[64];
	struct ask ask = { .server = EXTERNAL, .source = OUTSIDE, .name = "version.example.com", .type = RR_TXT };
	const struct reply *reply = client_ask(&ask);
	MUST(reply->received, "no reply");
	snprintf(text, sizeof(text), "%s", reply_has_octets(reply, "\3two", 4) ? "two" : reply_has_octets(reply, "\3one", 4) ? "one" : "none");
	return text;
}

/* The external zone goes back from version two to version one. */
static void roll_back(void)
{
	static char zone[4096];
	snprintf(zone, sizeof(zone), "%s", standard_external_zone);
	char *at = strstr(zone, "\"one\"");
	memcpy(at, "\"two\"", 5);
	at = strstr(zone, "hostmaster 1 ");
	memcpy(at, "hostmaster 2 ", 13);
	MUST(harness_until(is_saved, NULL, 5000), "not saved");
	appliance_file(&appliance, "external/example.com.zone", zone);
	appliance_reload(&appliance);
	MUST(harness_until(is_saved, NULL, 5000), "not saved");
	const struct ctl_answer *answer = appliance_control(&appliance, "zone rollback example.com@external");
	MUST(answer->done.status == 1, "rollback: %u %s", answer->done.status, answer->done.text);
	MUST(harness_until(is_saved, NULL, 5000), "not saved");
}

static void add_monitor(void)
{
	standard_add_monitor(&appliance);
	appliance_reload(&appliance);
	MUST(harness_until(is_well, NULL, 15000 * harness_slow()), "not well: %s", http_get(MONITOR, INSIDE, "/healthz")->body);
}

Test(upgrade_whole, monitor_rollback_and_local_wall_go_on)
{
	struct footprint first = { 0 }, last = { 0 };
	int monitor_first = 0, monitor_last = 0;
	add_monitor();
	must_be_walled();
	roll_back();
	char history[1024];
	snprintf(history, sizeof(history), "%s", history_text());
	MUST(strcmp(version_served(), "one") == 0, "not rolled back");
	struct loads *loads = loads_start(false);
	struct scrapes *scrapes = scrapes_start();
	for (unsigned i = 0; i < WHOLE_UPGRADES; i++) {
			struct processes before = processes_of(&appliance);
		version_install(&appliance, i % 2 == 0 ? 2 : 1);
		version_upgrade(&appliance);
		version_must_be(&appliance, i % 2 == 0 ? 2 : 1);
		processes_must_be_others(&appliance, &before);
		MUST(strcmp(version_served(), "one") == 0, "the rollback is gone");
		last = footprint_of(&appliance);
		first = i == 1 ? last : first;
		monitor_last = harness_fd_count(appliance_role(&appliance, "monitor", "", 0).pid);
		monitor_first = i == 1 ? monitor_last : monitor_first;
	}
	harness_sleep_ms(1500);
	judge_scrapes(scrapes);
	loads_judge(loads, "upgrades with a monitor");
	must_be_of_these_roles();
	must_be_walled();
	MUST(strcmp(history_text(), history) == 0, "the history was: %s, it is: %s", history, history_text());
	footprint_must_fall_to(&appliance, first.descriptors);
	/* who scrapes has a connection now and then */
	MUST(monitor_last <= monitor_first + 4, "descriptors of the monitor: %d, then %d", monitor_first, monitor_last);
	MUST(first.children == last.children, "processes leak");
	/* Also over a start: its file on disk is of the version that rolled back. */
	version_install(&appliance, 2);
	version_upgrade(&appliance);
	appliance_stop(&appliance);
	appliance_start(&appliance);
	MUST(strcmp(version_served(), "one") == 0, "a start after an upgrade ends the rollback");
	const struct ctl_answer *answer = appliance_control(&appliance, "zone release example.com@external");
	MUST(answer->done.status == 0, "release: %u %s", answer->done.status, answer->done.text);
	MUST(strcmp(version_served(), "two") == 0, "not released");
}

/* Clients that keep their connections keep the frontend before for seconds: its monitor is not to speak meanwhile. */
Test(upgrade_whole, the_monitor_before_does_not_take_turns_with_its_successor)
{
	add_monitor();
	struct loads *loads = loads_start(true);
	int fd = client_tcp(RESOLVER, INSIDE);
	MUST(loads_tcp_ask(fd, "www.public.org", 7), "no answer");
	struct scrapes *scrapes = scrapes_start();
	harness_sleep_ms(500);
	uint64_t before = scrapes->generation;
	uint64_t begin_ms = clock_now_ms();
	version_install(&appliance, 2);
	version_upgrade(&appliance);
	unsigned took = (unsigned)(clock_now_ms() - begin_ms);
	harness_sleep_ms(500);
	uint64_t back = scrapes->back;
	MUST(scrapes->generation == before + 1, "the new monitor does not tell");
	close(fd);
	judge_scrapes(scrapes);
	loads_judge(loads, "upgrade with kept connections");
	fprintf(stderr, "%llu answers of the monitor before, behind those of the new one, in %u ms\n", (unsigned long long)back,
		took);
	MUST(back <= 3, "%llu answers of the monitor before, behind those of the new one", (unsigned long long)back);
}

/* One begins when the other has ended, whichever came first. */
Test(upgrade_whole, upgrades_and_changes_of_one_zone_wait_for_each_other)
{
	static const char *const words[][2] = { { "zone rollback --release example.com@external", "upgrade" },
						{ "zone rollback --release example.com@external", "reload" },
						{ "upgrade", "zone rollback --release example.com@external" } };
	for (size_t i = 0; i < COUNT(words); i++) {
		pid_t ctl[2];
		char logs[2][128];
		char *text[2];
		int status[2];
		roll_back();
		MUST(kill(appliance.pid, SIGSTOP) == 0, "kill: %s", strerror(errno)); /* so that both are there at once */
		for (unsigned k = 0; k < 2; k++) {
			snprintf(logs[k], sizeof(logs[k]), "%s/ctl%u.log", appliance.dir, k);
			ctl[k] = appliance_spawn_bulkheadctl(&appliance, words[i][k], logs[k]);
			harness_sleep_ms(200 * harness_slow());
		}
		MUST(kill(appliance.pid, SIGCONT) == 0, "kill: %s", strerror(errno));
		for (unsigned k = 0; k < 2; k++) {
			status[k] = harness_wait(ctl[k], 20000);
			text[k] = harness_read(logs[k]);
		}
		MUST(status[0] == 0, "%s: %d %s", words[i][0], status[0], text[0]);
		if (i < 2) {
			MUST(status[1] == 0, "%s after %s: %d %s", words[i][1], words[i][0], status[1], text[1]);
			MUST(strcmp(version_served(), "two") == 0, "not released");
		} else {
			MUST(status[1] == 2 && strstr(text[1], "an upgrade is under way") != NULL, "%d %s", status[1], text[1]);
			MUST(strcmp(version_served(), "one") == 0, "released");
		}
		free(text[0]);
		free(text[1]);
		appliance_file(&appliance, "external/example.com.zone", standard_external_zone);
		appliance_reload(&appliance);
	}
}
