/*
 * Listeners and query links of the configuration: what is new is begun, what is gone is ended, what
 * stays is left alone, so that a reload costs no query.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/server.h"

#include "common/ipc/role_link.h"
#include "common/util/log.h"

#include <event2/event.h>
#include <stdlib.h>

void server_wall_clock(struct server *server)
{
	struct timeval tv;
	(void)event_base_gettimeofday_cached(server->base, &tv); /* fails for a NULL base only */
	server->work.now.sec = (uint32_t)tv.tv_sec;
}

static struct source *find_source(struct source_list *list, uint32_t id)
{
	struct source *source;
	LIST_FOREACH(source, list, entry)
	{
		if (source->id == id) {
			return source;
		}
	}
	return NULL;
}

static void source_free(struct source *source)
{
	if (source->readable != NULL) {
		event_free(source->readable);
	}
	if (source->writable != NULL) {
		event_free(source->writable);
	}
	free(source);
}

static int prepare_one(struct server *server, enum source_kind kind, uint32_t id, int fd)
{
	if (find_source(&server->sources, id) != NULL) {
		return BH_OK;
	}
	struct source *source = calloc(1, sizeof(*source));
	if (source == NULL) {
		return BH_ENOMEM;
	}
	*source = (struct source){ .server = server, .kind = kind, .id = id, .fd = fd };
	TAILQ_INIT(&source->held);
	int rc = kind == SOURCE_UDP  ? serve_udp_prepare(source)
		 : kind == SOURCE_LINK ? serve_link_prepare(source)
				       : BH_OK;
	if (rc != BH_OK) {
		source_free(source);
		return rc;
	}
	LIST_INSERT_HEAD(&server->prepared, source, entry);
	return BH_OK;
}

int sources_prepare(struct server *server, const struct role_conf *conf)
{
	int rc = BH_OK;
	for (size_t i = 0; i < conf->listener_count && rc == BH_OK; i++) {
		const struct role_listener *l = &conf->listeners[i];
		rc = prepare_one(server, l->info.proto == IPC_UDP ? SOURCE_UDP : SOURCE_TCP, l->info.id, l->fd);
	}
	for (size_t i = 0; i < conf->link_count && rc == BH_OK; i++) {
		rc = prepare_one(server, SOURCE_LINK, conf->links[i].info.id, conf->links[i].fd);
	}
	if (rc != BH_OK) {
		sources_abort(server);
	}
	return rc;
}

void sources_abort(struct server *server)
{
	while (!LIST_EMPTY(&server->prepared)) {
		struct source *source = LIST_FIRST(&server->prepared);
		LIST_REMOVE(source, entry);
		source_free(source);
	}
}

static void source_stop(struct source *source)
{
	switch (source->kind) {
	case SOURCE_UDP:
		serve_udp_stop(source);
		break;
	case SOURCE_TCP:
		serve_tcp_stop(source);
		break;
	case SOURCE_LINK:
		serve_link_stop(source);
		break;
	}
	LIST_REMOVE(source, entry);
	source_free(source);
}

static void source_start(struct server *server, struct source *source)
{
	int rc = source->kind == SOURCE_UDP  ? serve_udp_start(source)
		 : source->kind == SOURCE_TCP ? serve_tcp_start(source)
					      : serve_link_start(source);
	if (rc != BH_OK) { /* a commit cannot fail; a new process can */
		log_fatal("cannot serve a socket: %s", bh_strerror(rc));
	}
	LIST_INSERT_HEAD(&server->sources, source, entry);
}

static void mark_wanted(struct server *server, uint32_t id)
{
	struct source *source = find_source(&server->sources, id);
	if (source != NULL) {
		source->wanted = true;
	}
}

void sources_commit(struct server *server, const struct role_conf *conf)
{
	while (!LIST_EMPTY(&server->prepared)) {
		struct source *source = LIST_FIRST(&server->prepared);
		LIST_REMOVE(source, entry);
		source_start(server, source);
	}
	for (size_t i = 0; i < conf->listener_count; i++) {
		mark_wanted(server, conf->listeners[i].info.id);
	}
	for (size_t i = 0; i < conf->link_count; i++) {
		mark_wanted(server, conf->links[i].info.id);
	}
	struct source *next;
	for (struct source *source = LIST_FIRST(&server->sources); source != NULL; source = next) {
		next = LIST_NEXT(source, entry);
		if (!source->wanted) {
			source_stop(source);
		} else {
			source->wanted = false;
		}
	}
}

void sources_peer_restarted(struct server *server, uint32_t link_id)
{
	struct source *source = find_source(&server->sources, link_id);
	if (source != NULL && source->kind == SOURCE_LINK) {
		serve_link_peer_restarted(source);
	}
}

void sources_stop(struct server *server)
{
	while (!LIST_EMPTY(&server->sources)) {
		source_stop(LIST_FIRST(&server->sources));
	}
}
