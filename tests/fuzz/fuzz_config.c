/*
 * Configuration text. A text is either told to be wrong, or gives a configuration whose every part keeps
 * its promises; and whatever it was, the next, good one is read as if nothing had been.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* libconfuse 3.3 forgets a buffer and some words when it gives up; that is not for us to find here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfuse";
}

static char directory[] = "/tmp/bulkhead-fuzz-XXXXXX";
static char tried_path[PATH_MAX];
static char good_path[PATH_MAX];

static const char good[] = "appliance { workers = 1 }\n"
			   "view \"a\" { # comment\n"
			   "  listen = { \"127.0.0.1@5353\" }\n"
			   "  zones-dir = \".\"\n"
			   "}\n";

static void write_file(const char *path, const void *bytes, size_t len)
{
	(void)unlink(path); /* some file systems wait for the disk when a file is written anew in place */
	FILE *file = fopen(path, "wb");
	FUZZ_CHECK(file != NULL);
	FUZZ_CHECK(fwrite(bytes, 1, len, file) == len);
	FUZZ_CHECK(fclose(file) == 0);
}

static void remove_files(void)
{
	(void)unlink(tried_path);
	(void)unlink(good_path);
	(void)rmdir(directory);
}

/* Files stand in a folder of their own, so that zones-dir = "." and include("good.conf") are there. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	FUZZ_CHECK(mkdtemp(directory) != NULL);
	FUZZ_CHECK(atexit(remove_files) == 0);
	FUZZ_CHECK(snprintf(tried_path, sizeof(tried_path), "%s/tried.conf", directory) > 0);
	FUZZ_CHECK(snprintf(good_path, sizeof(good_path), "%s/good.conf", directory) > 0);
	write_file(good_path, good, sizeof(good) - 1);
	return 0;
}

/* The lowest free descriptor: the same before and after when none is left open. */
static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FUZZ_CHECK(fd >= 0 && close(fd) == 0);
	return fd;
}

static void on_error(void *ctx, const char *file, unsigned line, const char *text)
{
	unsigned *errors = ctx;
	(void)line;
	FUZZ_CHECK(file != NULL && text != NULL && text[0] != '\0');
	(*errors)++;
}

static void check_listen(const struct config_listen *listen)
{
	FUZZ_CHECK(listen->count > 0 && listen->count <= CONFIG_LISTEN_MAX);
	for (size_t i = 0; i < listen->count; i++) {
		FUZZ_CHECK(addr_size(&listen->addrs[i]) > 0 && listen->addrs[i].port > 0);
	}
}

static void check_view(const struct config_view *view)
{
	FUZZ_CHECK(view->name[0] != '\0' && memchr(view->name, '\0', sizeof(view->name)) != NULL);
	FUZZ_CHECK(view->zones_dir != NULL && view->zones_dir[0] == '/');
	FUZZ_CHECK(view->anyone == (view->allow_query.count == 0));
	check_listen(&view->listen);
	for (size_t i = 0; i < view->zone_count; i++) {
		const struct config_zone *zone = &view->zones[i];
		FUZZ_CHECK(dname_check(zone->name, sizeof(zone->name)) > 0);
		FUZZ_CHECK(zone->file[0] != '/' && zone->file[0] != '\0' && strlen(zone->file) < IPC_PATH_MAX);
		FUZZ_CHECK(i == 0 || dname_compare(view->zones[i - 1].name, zone->name) < 0);
	}
}

static void check_config(const struct config *config)
{
	FUZZ_CHECK(config->workers >= 1 && config->workers <= CONFIG_WORKERS_MAX);
	FUZZ_CHECK(config->state_dir != NULL && config->run_dir != NULL);
	FUZZ_CHECK(config->view_count > 0 || config->resolver.present);
	FUZZ_CHECK(config->view_count <= CONFIG_VIEWS_MAX);
	for (size_t i = 0; i < config->view_count; i++) {
		check_view(&config->views[i]);
	}
	if (config->resolver.present) {
		check_listen(&config->resolver.listen);
		FUZZ_CHECK(config->resolver.allow_query.count > 0);
		FUZZ_CHECK(config->resolver.internal_view < (int)config->view_count);
		FUZZ_CHECK(config->resolver.ipv4 || config->resolver.ipv6);
		for (size_t i = 0; i < config->resolver.stub_count; i++) {
			const struct ipc_servers *servers = &config->resolver.stubs[i].servers;
			FUZZ_CHECK(servers->count > 0 && servers->count <= IPC_ADDRS_MAX);
		}
		for (size_t i = 0; i < config->resolver.forward_count; i++) {
			const struct ipc_servers *servers = &config->resolver.forwards[i].servers;
			FUZZ_CHECK(servers->count > 0 && servers->count <= IPC_ADDRS_MAX);
		}
	}
	if (config->monitor.present) {
		check_listen(&config->monitor.listen);
		FUZZ_CHECK(config->monitor.allow.count > 0 && config->monitor.host_count <= CONFIG_HOSTS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned errors = 0;
	int before = lowest_free();
	write_file(tried_path, data, size);
	struct config *config = config_load(tried_path, on_error, &errors);
	FUZZ_CHECK((config == NULL) == (errors > 0));
	if (config != NULL) {
		check_config(config);
		config_free(config);
	}
	errors = 0;
	config = config_load(good_path, on_error, &errors);
	FUZZ_CHECK(config != NULL && errors == 0 && config->view_count == 1);
	config_free(config);
	FUZZ_CHECK(lowest_free() == before);
	return 0;
}
