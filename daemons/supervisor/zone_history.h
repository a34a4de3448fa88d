/*
 * The operator's commands on one zone: reload it; of its history (history.h) list, show, compare, go back.
 *
 *   zone reload ZONE               what its files say now, as a reload of everything does with it
 *   zone history ZONE              rows "generation"
 *   zone dump ZONE [N]             text of one generation, of the newest when none is named
 *   zone diff ZONE [FROM [TO]]     what is different; the newest and the one before it
 *   zone rollback ZONE [N]         serve that generation again, the one before what is served
 *   zone release ZONE              the end of a rollback
 *
 * ZONE is a name, or NAME@VIEW where several views have it. A generation is its number, or serial:N, the newest with this
 * serial.
 *
 * A rollback is a new generation that names the one whose image it serves. The text stays as it is, and as long as it
 * makes what it made when the zone was taken back, reloads and restarts serve the kept image; a changed text ends the
 * rollback by itself. The image is verified by a compiler before any authority gets it, and the change is one of that
 * zone alone, as a reload of one zone is: neither configuration nor other zones are read.
 *
 * The serial of a kept image is what it was. Secondaries that have a higher one (RFC 1982) do not take it; that is told. A
 * rollback that raises it is not offered: the SOA of a signed zone cannot be changed without its keys, and of an unsigned
 * one the text is where it is changed: zone dump gives the old text, with which an edit goes on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_ZONE_HISTORY_H
#define BULKHEAD_SUPERVISOR_ZONE_HISTORY_H

#include "daemons/supervisor/supervisor.h"

struct link;
struct zone_job;

/* The end of a command that takes time: as row_done. */
typedef void zone_job_done_fn(void *ctx, unsigned status, const char *text);

/* `zone history`: all of it at once. words: those of the request. */
int zone_history_send(const struct supervisor *sup, const struct ctl_request *r, struct link *link,
		      uint32_t request) BH_CHECKED;

/*
 * The other commands. NULL: refused, status and why are for the client. Else done is called from the event loop, once,
 * and until then the link may get a stream; uid is who asks.
 */
struct zone_job *zone_job_begin(struct supervisor *sup, const struct ctl_request *r, uid_t uid, struct link *link,
				uint32_t request, zone_job_done_fn *done, void *ctx, unsigned *status, char *why,
				size_t why_size);
/* The client is gone. What was begun to be changed is, nobody is told. Not after done. */
void zone_job_cancel(struct zone_job *job);

#endif
