/* Broken query links. SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/blame.h"

#include "common/ipc/link.h"
#include "common/util/clock.h"
#include "daemons/supervisor/instance.h"

static struct instance *other_end(const struct query_link *link, const struct instance *one)
{
	struct ipc_link info;
	int fd;
	for (struct instance *inst = one->sup->instances; inst != NULL; inst = inst->next) {
		if (inst != one && inst->state == INSTANCE_READY && inst->link != NULL &&
		    query_link_end(link, inst->role, inst->view, inst->index, &fd, &info)) {
			return inst;
		}
	}
	return NULL;
}

int blame_peer(struct instance *accuser, const struct link_message *m)
{
	struct ipc_id id;
	struct ipc_link info;
	struct query_link_set *links = &accuser->sup->links;
	int fd;
	int rc = ipc_id_decode(m->payload, m->len, &id);
	if (rc != BH_OK) {
		return rc;
	}
	for (size_t i = 0; i < links->count; i++) {
		struct query_link *l = &links->items[i];
		if (l->id != id.id) {
			continue;
		}
		if (!query_link_end(l, accuser->role, accuser->view, accuser->index, &fd, &info)) {
			return BH_EPERM; /* a link of others: it cannot know of it */
		}
		struct instance *accused = other_end(l, accuser);
		if (accused == NULL || accuser->state != INSTANCE_READY) {
			return BH_OK; /* it is being started anew already */
		}
		if (query_link_blame(&l->blame, clock_now_ms())) {
			instance_end(accuser, "said again that %s breaks their query link", accused->name);
		} else {
			instance_end(accused, "broke its query link with %s", accuser->name);
		}
		return BH_OK;
	}
	return BH_OK; /* of a generation before */
}
