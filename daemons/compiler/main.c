/*
 * The compiler: one process for some zones of one view, one after the other. Told by the supervisor which
 * one is next, it reads the text in its chroot, tells what is wrong and which files it read, writes the image
 * into the memfd that came with the job, and waits for the next. The supervisor decides when it was enough.
 *
 * Or, for the history of a zone, the other way round: it is given one image or two, verifies them and writes the text
 * of one or what is different in the second to a pipe. Such a process gets no text to compile, and ends after it.
 *
 * It trusts nothing in text and images; nobody trusts its image, which every authority verifies.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/conf.h"
#include "common/ipc/link.h"
#include "common/ipc/loop.h"
#include "common/util/log.h"
#include "daemons/compiler/anchors.h"
#include "common/zone/image.h"
#include "daemons/compiler/compile.h"
#include "daemons/compiler/show.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Findings of each severity that are sent; the rest is counted. A person does not read more. */
#define DIAGNOSTICS_MAX 500

/* All of them at their longest, the files of one zone, and root hints. */
#define QUEUE_MAX ((size_t)16 << 20)

/* How long the supervisor may take to read the last of it. */
#define DRAIN_MS 30000

/* Diagnostics and hints at their longest: see their rows in the message table. */
#define PAYLOAD_MAX 2048

struct compiler {
	struct event_base *base;
	struct link *link;
	uint32_t request;
	uint32_t errors;
	uint32_t warnings;
	struct image *images[2]; /* to be shown */
	unsigned image_count;
};

static void send_message(struct compiler *c, enum msg_type type, const struct sink *s)
{
	if (s->failed || link_send(c->link, type, c->request, s->base, s->pos, -1) != BH_OK) {
		log_fatal("cannot tell the supervisor what was found");
	}
}

static void send_diagnostic(struct compiler *c, bool warning, const char *file, uint32_t line, const char *text)
{
	struct ipc_diagnostic m = { .warning = warning, .line = line };
	snprintf(m.file, sizeof(m.file), "%s", file);
	snprintf(m.text, sizeof(m.text), "%s", text);
	uint8_t bytes[PAYLOAD_MAX];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_diagnostic_encode(&s, &m);
	send_message(c, MSG_DIAGNOSTIC, &s);
}

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	struct compiler *c = ctx;
	uint32_t *count = finding->severity == ZONE_ERROR ? &c->errors : &c->warnings;
	if (*count < DIAGNOSTICS_MAX) {
		send_diagnostic(c, finding->severity != ZONE_ERROR, finding->file, finding->line, finding->text);
	}
	if (*count < UINT32_MAX) {
		(*count)++;
	}
}

static void on_source(void *ctx, const char *path, const struct zone_file_id *id)
{
	struct compiler *c = ctx;
	struct ipc_source m = {
		.dev = id->dev,
		.ino = id->ino,
		.size = id->size,
		.mtime_ns = (uint64_t)id->mtime_ns,
		.ctime_ns = (uint64_t)id->ctime_ns,
	};
	snprintf(m.path, sizeof(m.path), "%s", path);
	uint8_t bytes[PAYLOAD_MAX];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_source_encode(&s, &m);
	send_message(c, MSG_SOURCE, &s);
}

static void tell_rest(struct compiler *c, bool warning, uint32_t count, const char *what)
{
	if (count > DIAGNOSTICS_MAX) {
		char text[64];
		snprintf(text, sizeof(text), "%" PRIu32 " more %s", count - DIAGNOSTICS_MAX, what);
		send_diagnostic(c, warning, "", 0, text);
	}
}

/* A failure of our own, told like an error of the zone: without it nobody would know. */
static void tell_failure(struct compiler *c, int err)
{
	char text[160];
	if (err == BH_ENOMEM) {
		snprintf(text, sizeof(text), "zone needs more than %" PRIu64 " MiB",
			 sandbox_compiler.memory_max >> 20);
	} else if (err == BH_ELIMIT) {
		snprintf(text, sizeof(text), "zone is too large for a zone image of 4 GiB");
	} else {
		snprintf(text, sizeof(text), "cannot write the zone image: %s", bh_strerror(err));
	}
	c->errors++;
	send_diagnostic(c, false, "", 0, text);
}

static void send_hints(struct compiler *c, const struct hints *hints)
{
	for (size_t i = 0; i < hints->count; i++) {
		const struct hint_server *server = &hints->servers[i];
		struct ipc_servers m = { .count = (uint8_t)server->addr_count };
		memcpy(m.name, server->name, sizeof(m.name));
		memcpy(m.addrs, server->addrs, server->addr_count * sizeof(m.addrs[0]));
		uint8_t bytes[PAYLOAD_MAX];
		struct sink s = sink_of(bytes, sizeof(bytes));
		ipc_servers_encode(&s, &m);
		send_message(c, MSG_ROOT_HINT, &s);
	}
}

static void send_anchors(struct compiler *c, const struct anchor_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct anchor_item *item = &list->items[i];
		struct ipc_anchor m = { .type = item->type, .len = item->len };
		memcpy(m.zone, item->zone, sizeof(m.zone));
		memcpy(m.rdata, item->rdata, item->len);
		uint8_t bytes[PAYLOAD_MAX];
		struct sink s = sink_of(bytes, sizeof(bytes));
		ipc_anchor_encode(&s, &m);
		send_message(c, MSG_TRUST_ANCHOR, &s);
	}
}

static void run(struct compiler *c, const struct ipc_compile *job, int image_fd)
{
	struct compile_result result = { 0 };
	struct compile_request request = {
		.root_fd = open("/", O_RDONLY | O_CLOEXEC),
		.file = job->file,
		.zone = job->zone,
		.default_ttl = job->default_ttl,
		.report = on_finding,
		.source = on_source,
		.ctx = c,
	};
	if (request.root_fd < 0) {
		log_fatal("cannot open the zone directory: %m");
	}
	int errors = 0;
	int err;
	if (job->kind == IPC_COMPILE_HINTS) {
		struct hints *hints = calloc(1, sizeof(*hints));
		err = hints == NULL ? BH_ENOMEM : compile_hints(&request, hints, &errors);
		if (err == BH_OK && errors == 0) {
			send_hints(c, hints);
		}
		free(hints);
	} else if (job->kind == IPC_COMPILE_ANCHORS) {
		struct anchor_list list = { .items = NULL };
		err = compile_anchors(&request, job->now_sec, &list, &errors);
		if (err == BH_OK && errors == 0) {
			send_anchors(c, &list);
		}
		anchor_list_clear(&list);
	} else {
		err = compile_zone(&request, image_fd, &result);
		errors = result.errors;
	}
	if (err != BH_OK) {
		tell_failure(c, err);
	}
	tell_rest(c, false, c->errors, "errors");
	tell_rest(c, true, c->warnings, "warnings");

	struct ipc_compiled m = {
		.ok = err == BH_OK && errors == 0,
		.errors = c->errors,
		.warnings = c->warnings,
		.serial = result.serial,
		.records = result.records,
		.size = result.size,
		.checksum = result.checksum,
	};
	uint8_t bytes[64];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_compiled_encode(&s, &m);
	send_message(c, MSG_COMPILED, &s);
	close(request.root_fd);
}

/* --- images as text ------------------------------------------------------------------------------------ */

static int inspect(struct compiler *c, const struct link_message *message)
{
	struct ipc_inspect job;
	int err = ipc_inspect_decode(message->payload, message->len, &job);
	if (err != BH_OK || c->image_count == 2) {
		return err != BH_OK ? err : BH_ELIMIT;
	}
	log_set_level((enum log_level)job.log_level);
	struct image *image = NULL;
	struct ipc_inspected m = { .ok = 0 };
	err = image_open(message->fd, &image, m.why, sizeof(m.why));
	if (err == BH_OK && !dname_equal(image->apex, job.zone)) {
		snprintf(m.why, sizeof(m.why), "it is of another zone");
		image_close(image);
		image = NULL;
	} else if (err != BH_OK && m.why[0] == '\0') {
		snprintf(m.why, sizeof(m.why), "%s", bh_strerror(err));
	}
	if (image != NULL) {
		c->images[c->image_count++] = image;
		m.ok = 1;
		m.is_signed = (image->header->flags & IMAGE_SIGNED) != 0;
		m.serial = image->header->serial;
		m.records = image->header->rr_count;
		m.checksum = image->header->checksum;
	}
	uint8_t bytes[PAYLOAD_MAX];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_inspected_encode(&s, &m);
	send_message(c, MSG_INSPECTED, &s);
	return BH_OK;
}

static int show(struct compiler *c, int fd)
{
	struct show_count count = { 0 };
	if (c->image_count == 0) {
		return BH_EPERM;
	}
	int err = c->image_count == 1 ? show_zone(c->images[0], fd, &count)
				      : show_difference(c->images[0], c->images[1], fd, &count);
	struct ipc_shown m = {
		.ok = err == BH_OK, .records = count.records, .removed = count.removed, .added = count.added
	};
	if (err != BH_OK) {
		snprintf(m.why, sizeof(m.why), "%s", err == BH_ESYS ? strerror(errno) : bh_strerror(err));
	}
	uint8_t bytes[PAYLOAD_MAX];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_shown_encode(&s, &m);
	send_message(c, MSG_SHOWN, &s);
	return BH_OK;
}

static int on_message(void *ctx, struct link *link, struct link_message *message)
{
	struct compiler *c = ctx;
	if (message->type == MSG_STOP) {
		if (link_drain(link, DRAIN_MS) != BH_OK) {
			log_fatal("the supervisor does not read what was found");
		}
		event_base_loopbreak(c->base);
		return BH_OK;
	}
	if (message->type == MSG_INSPECT || message->type == MSG_SHOW) {
		link_set_phase(link, PHASE_RUN);
		c->request = message->request;
		return message->type == MSG_INSPECT ? inspect(c, message) : show(c, message->fd);
	}
	struct ipc_compile job;
	if (c->image_count > 0) {
		return BH_EPERM; /* one or the other: what a zone's text may have done here stays away from its history */
	}
	int err = ipc_compile_decode(message->payload, message->len, &job);
	if (err != BH_OK) {
		return err;
	}
	log_set_level((enum log_level)job.log_level);
	link_set_phase(link, PHASE_RUN);
	c->request = message->request;
	c->errors = 0;
	c->warnings = 0;
	run(c, &job, message->fd); /* the link closes it afterwards: with it goes our last hold on the image */
	return BH_OK;
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	(void)ctx;
	(void)link;
	(void)err;
	log_fatal("control link: %s", why);
}

static void send_hello(struct compiler *c, const struct sandbox_state *state)
{
	struct ipc_hello m = {
		.protocol = IPC_PROTOCOL,
		.role = ROLE_COMPILER,
		.walls = state->walls,
		.uid = state->uid,
		.gid = state->gid,
		.syscalls = (uint16_t)state->syscalls,
	};
	snprintf(m.build, sizeof(m.build), "%s", ipc_build_id());
	uint8_t bytes[128];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_hello_encode(&s, &m);
	send_message(c, MSG_HELLO, &s);
}

int main(void)
{
	sandbox_begin(&sandbox_compiler);

	struct compiler c = { .base = loop_new() };
	if (c.base == NULL) {
		log_fatal("event loop: %m");
	}
	if (image_builder_warm() != BH_OK) {
		log_fatal("libcrypto has no digest that zones need");
	}
	struct sandbox_state state;
	sandbox_enter(&sandbox_compiler, &state);

	static const struct link_ops ops = { .message = on_message, .closed = on_closed };
	c.link = link_new(c.base, FD_LINK, ROLE_COMPILER, ROLE_SUPERVISOR, QUEUE_MAX, &ops, &c);
	if (c.link == NULL) {
		log_fatal("control link: out of memory");
	}
	send_hello(&c, &state);
	event_base_dispatch(c.base);
	link_free(c.link);
	event_base_free(c.base);
	return 0;
}
