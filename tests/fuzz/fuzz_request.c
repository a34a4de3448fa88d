/*
 * What the monitor makes of a request that evhttp has parsed: path, Host and Accept, a line each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/monitor/request.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct role_listener listener;
	static struct ipc_host hosts[] = { { "gw.example.net" } };
	struct role_conf conf = { .listeners = &listener, .listener_count = 1, .hosts = hosts, .host_count = 1 };
	char *text = malloc(size + 1);
	if (text == NULL || addr_parse("127.0.0.1", 9953, &listener.info.addr) != BH_OK) {
		abort();
	}
	memcpy(text, data, size);
	text[size] = '\0';
	char *rest = text;
	struct request r = { .reads = true, .version = 11 };
	r.uri = strsep(&rest, "\n");
	r.host = rest == NULL ? NULL : strsep(&rest, "\n");
	r.accept = rest == NULL ? NULL : strsep(&rest, "\n");
	r.hosts = r.host != NULL;
	struct request_answer a = request_judge(&r, &conf);
	FUZZ_CHECK(a.status == 200 || a.status == 400 || a.status == 404 || a.status == 421);
	FUZZ_CHECK((a.status == 200) == (a.target != TARGET_NONE));
	FUZZ_CHECK(strspn(a.part, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(a.part));
	FUZZ_CHECK(a.part[0] == '\0' || a.target == TARGET_HEALTH);
	/* nobody who is called otherwise gets anything */
	if (a.status == 200 && strncasecmp(r.uri, "http://", 7) != 0) {
		FUZZ_CHECK(strcasestr(r.host, "127.0.0.1") != NULL || strcasestr(r.host, "localhost") != NULL ||
			   strcasestr(r.host, "gw.example.net") != NULL || strchr(r.host, ':') != NULL);
	}
	r.reads = false;
	FUZZ_CHECK(request_judge(&r, &conf).status != 200);
	free(text);
	return 0;
}
