/*
 * What a role says is looked at as if somebody else had taken it over: each answer was asked for, once, and each number
 * it names is one that it was told. Whatever else it says ends it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/hear.h"

#include "common/ipc/link.h"
#include "common/util/count.h"
#include "daemons/supervisor/blame.h"
#include "daemons/supervisor/control.h"
#include "daemons/supervisor/elder.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/send.h"
#include "daemons/supervisor/tracking.h"
#include "daemons/supervisor/trust.h"
#include "daemons/supervisor/watch.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static int check_hello(const struct instance *inst, const struct ipc_hello *hello)
{
	uint32_t missing = instance_required_walls(inst) & ~hello->walls;

	if (strcmp(hello->build, ipc_build_id()) != 0 || hello->protocol != IPC_PROTOCOL) {
		log_err("%s: is of another build: %s, expected %s", inst->name, hello->build, ipc_build_id());
		return BH_EVERSION;
	}
	if (hello->role != inst->role || hello->uid != inst->ids.uid || hello->gid != inst->ids.gid) {
		log_err("%s: is not what was started role=%s uid=%u gid=%u", inst->name, role_text(hello->role),
			(unsigned)hello->uid, (unsigned)hello->gid);
		return BH_EPERM;
	}
	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		if ((missing & bit) != 0) {
			const char *wall = sandbox_wall_text(bit);
			log_err("%s: wall is missing: %s", inst->name, wall == NULL ? "unknown" : wall);
		}
	}
	return missing == 0 ? BH_OK : BH_EPERM;
}

/* The generation that a process that is just starting must be told. */
static const struct generation *generation_to_tell(const struct instance *inst)
{
	const struct generation *next = change_preparing(inst->sup);
	if (next != NULL && inst->wanted) {
		return next;
	}
	return inst->sup->current.number != 0 && !inst->fresh ? &inst->sup->current : NULL;
}

static int on_hello(struct instance *inst, const struct link_message *m)
{
	if (inst->state != INSTANCE_STARTING) {
		return BH_OK; /* it was told to stop before it said its first word */
	}
	int rc = ipc_hello_decode(m->payload, m->len, &inst->hello);
	if (rc == BH_OK) {
		rc = check_hello(inst, &inst->hello);
	}
	if (rc == BH_OK) {
		rc = send_identity(inst);
	}
	const struct generation *g = generation_to_tell(inst);
	if (rc == BH_OK && g == NULL) {
		rc = BH_ENOENT; /* its change was given up meanwhile: it is being stopped */
	}
	if (rc == BH_OK) {
		link_set_phase(inst->link, PHASE_CONFIG);
		inst->state = INSTANCE_CONFIGURING;
		rc = instance_tell(inst, g);
	}
	return rc;
}

/*
 * An answer to PREPARE: there is exactly one for each, in their order. One that was given up meanwhile is
 * still answered (*late). A role that says more than it was asked could keep us busy for ever.
 */
static int take_answer(struct instance *inst, uint32_t generation, bool *late)
{
	if (inst->owed == 0) {
		return BH_EPERM;
	}
	inst->owed--;
	inst->refusals = inst->owed > 0 ? inst->refusals : 0;
	*late = inst->owed > 0;
	if (!*late && generation != inst->told) {
		return BH_EPERM;
	}
	if (!*late && inst->state != INSTANCE_STOPPING) {
		event_del(inst->timer);
	}
	return BH_OK;
}

static int on_prepared(struct instance *inst, const struct link_message *m)
{
	struct ipc_generation g;
	bool late = false;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc == BH_OK) {
		rc = take_answer(inst, g.generation, &late);
	}
	if (rc != BH_OK || late || inst->state == INSTANCE_STOPPING) {
		return rc;
	}
	inst->prepared = g.generation;
	if (g.generation == inst->sup->current.number) {
		instance_commit(inst, g.generation); /* it is in service everywhere else */
		return BH_OK;
	}
	change_poke(inst->sup);
	return BH_OK;
}

static int on_refused(struct instance *inst, const struct link_message *m)
{
	struct ipc_refused refused;
	bool late = false;
	int rc = ipc_refused_decode(m->payload, m->len, &refused);
	if (rc == BH_OK) {
		rc = take_answer(inst, refused.generation, &late);
	}
	if (rc != BH_OK || late || inst->state == INSTANCE_STOPPING) {
		return rc;
	}
	log_err("%s: refuses generation %u: %s", inst->name, (unsigned)refused.generation, refused.why);
	const struct generation *next = change_preparing(inst->sup);
	if (next != NULL && next->number == refused.generation) {
		char why[IPC_TEXT_MAX];
		snprintf(why, sizeof(why), "%s refuses: %.400s", inst->name, refused.why);
		change_fail(inst->sup, why);
		return BH_OK;
	}
	return inst->state == INSTANCE_CONFIGURING ? BH_EPERM : BH_OK; /* cannot serve what all others do */
}

/* The zone of this instance whose image has this id, in a generation that it may have been told. */
static struct zone_state *zone_of_image(const struct instance *inst, uint32_t id)
{
	const struct generation *next = change_preparing(inst->sup);
	const struct generation *const places[] = { next, &inst->sup->current };
	for (size_t p = 0; p < COUNT(places); p++) {
		const struct zone_set *set = places[p] == NULL ? NULL : places[p]->zones;
		for (size_t i = 0; set != NULL && i < set->count; i++) {
			struct zone_state *zone = &set->items[i];
			if (zone->image != NULL && zone->image->id == id && strcmp(zone->view_name, inst->view) == 0) {
				return zone;
			}
		}
	}
	return NULL;
}

/*
 * It serves the zone from the image it had before, or answers SERVFAIL; the other zones go on. An image from the
 * state directory is not tried twice: the text is compiled at once.
 */
static int on_image_refused(struct instance *inst, const struct link_message *m)
{
	struct ipc_image_refused refused;
	int rc = ipc_image_refused_decode(m->payload, m->len, &refused);
	if (rc != BH_OK) {
		return rc;
	}
	if (inst->refusals == 0 || refused.id > inst->sent_id) {
		return BH_EPERM; /* more of them than it was sent */
	}
	inst->refusals--;
	struct zone_state *zone = zone_of_image(inst, refused.id);
	if (zone == NULL) {
		return BH_OK; /* of a change that was given up meanwhile */
	}
	log_err("%s: zone %s: its image is refused: %s", inst->name, zone->conf->text, refused.why);
	if (zone->image->refused == NULL) {
		char text[IPC_TEXT_MAX];
		snprintf(text, sizeof(text), "%s refuses its image: %.400s", inst->name, refused.why);
		zone->image->refused = strdup(text);
		if (zone->image->refused == NULL) {
			return BH_ENOMEM;
		}
		const struct zone_override *only = change_of_zone(inst->sup);
		if (only != NULL && only->image == zone->image) {
			change_fail(inst->sup, text); /* the image before stays in service everywhere */
		} else if (zone->origin == ZONE_LOADED) {
			log_warn("zone %s view=%s: its saved image is of no use, it is compiled anew", zone->conf->text,
				 zone->view_name);
			supervisor_reload_later(inst->sup);
		}
	}
	return BH_OK;
}

/* Those at the other ends of this instance's query links ask again what the dead process had read. */
static void tell_peers(struct instance *inst)
{
	struct supervisor *sup = inst->sup;
	for (size_t i = 0; i < sup->links.count; i++) {
		const struct query_link *l = &sup->links.items[i];
		struct ipc_link info;
		int fd;
		if (!l->in_use || !query_link_end(l, inst->role, inst->view, inst->index, &fd, &info)) {
			continue;
		}
		for (struct instance *other = sup->instances; other != NULL; other = other->next) {
			if (other != inst && other->state == INSTANCE_READY &&
			    query_link_end(l, other->role, other->view, other->index, &fd, &info) &&
			    send_number(other, MSG_PEER_RESTARTED, l->id) != BH_OK) {
				log_warn("%s: cannot be told of the restart of %s", other->name, inst->name);
			}
		}
	}
}

static int on_committed(struct instance *inst, const struct link_message *m)
{
	struct ipc_generation g;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc != BH_OK) {
		return rc;
	}
	if (inst->commit_told == 0 || g.generation != inst->commit_told || g.generation == inst->committed) {
		return BH_EPERM; /* nobody asked */
	}
	inst->committed = g.generation;
	if (inst->state == INSTANCE_STOPPING) {
		return BH_OK;
	}
	event_del(inst->timer);
	if (inst->state == INSTANCE_CONFIGURING) {
		inst->state = INSTANCE_READY;
		inst->fresh = false;
		link_set_phase(inst->link, PHASE_RUN);
		log_info("%s: running pid=%d uid=%u generation=%u", inst->name, (int)inst->pid,
			 (unsigned)inst->ids.uid, (unsigned)g.generation);
		if (inst->restarts > 0) {
			tell_peers(inst);
		}
		if (inst->role == ROLE_RESOLVER) {
			trust_tell(inst);
			tracking_tell(inst);
		}
		if (inst->role == ROLE_MONITOR) {
			watch_begin(inst->sup);
		}
	}
	/* A change began while it was told the generation that is in service: now it can be told the next. */
	const struct generation *next = change_preparing(inst->sup);
	if (next != NULL && inst->wanted && inst->told != next->number) {
		instance_prepare(inst, next);
	}
	elder_advance(inst->sup);
	change_poke(inst->sup);
	return BH_OK;
}

static int on_trace_step(struct instance *inst, const struct link_message *m)
{
	struct ipc_trace_step step;
	int rc = ipc_trace_step_decode(m->payload, m->len, &step);
	if (rc != BH_OK) {
		return rc;
	}
	if (inst->traces == 0 || inst->trace_steps == 0) {
		return BH_EPERM; /* nobody asked, or it has no end */
	}
	inst->trace_steps--;
	inst->traces -= ipc_trace_is_last(&step);
	inst->trace_steps = inst->traces == 0 ? 0 : inst->trace_steps;
	control_trace_step(inst->sup, inst, m->request, &step);
	return BH_OK;
}

int hear_message(struct instance *inst, const struct link_message *m)
{
	struct ipc_flushed flushed;
	int rc;

	switch ((enum msg_type)m->type) {
	case MSG_HELLO:
		return on_hello(inst, m);
	case MSG_PREPARED:
		return on_prepared(inst, m);
	case MSG_REFUSED:
		return on_refused(inst, m);
	case MSG_IMAGE_REFUSED:
		return on_image_refused(inst, m);
	case MSG_COMMITTED:
		return on_committed(inst, m);
	case MSG_ANCHOR_FOUND:
		return tracking_found(inst, m);
	case MSG_TRACE_STEP:
		return on_trace_step(inst, m);
	case MSG_PEER_BROKEN:
		return blame_peer(inst, m);
	case MSG_FLUSHED:
		rc = ipc_flushed_decode(m->payload, m->len, &flushed);
		if (rc == BH_OK && (m->request <= inst->flush_answered || m->request > inst->flush_sent)) {
			rc = BH_EPERM; /* answered before, or never asked */
		}
		if (rc == BH_OK) {
			inst->flush_answered = m->request;
			control_flushed(inst->sup, inst, m->request, &flushed);
		}
		return rc;
	default:
		return BH_EPERM;
	}
}
