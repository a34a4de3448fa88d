/*
 * The control socket. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_CONTROL_H
#define BULKHEAD_SUPERVISOR_CONTROL_H

#include "daemons/supervisor/supervisor.h"

/*
 * Make run_dir/control.sock (SOCK_SEQPACKET, mode 0660, group "bulkhead" where it exists) without serving it yet.
 * Called before the supervisor gives capabilities away. Returns the descriptor or an error, with why filled.
 */
int control_socket(const char *run_dir, char *why, size_t why_size) BH_CHECKED;

/* Serve it. fd is owned from now on. NULL: out of memory. */
struct control *control_new(struct supervisor *sup, int fd);

/* Refuse new requests, send what is queued for at most a second, close, remove the socket. */
void control_free(struct control *control, const char *run_dir);

/* To all clients that wait for a reload: its beginning, a finding, and its end. */
void control_finding(struct supervisor *sup, const struct zone_finding_info *finding);
/* Let the frontends forget what is at or below zone; nobody waits for it. */
void control_flush_frontends(struct supervisor *sup, const uint8_t *zone);

void control_reload_begins(struct supervisor *sup);
void control_reloaded(struct supervisor *sup, unsigned status, const char *text);

/* The end of an upgrade, to all clients that wait for it. */
void control_upgraded(struct supervisor *sup, unsigned status, const char *text);

/*
 * Across an upgrade: the listening socket, which stays the control's; the clients that wait for its outcome or for a
 * reload, into s->clients (BH_ENOMEM); what is queued for them, sent; and on the other side, one of them.
 */
struct state;
struct state_client;
int control_descriptor(const struct control *control);
int control_collect(const struct control *control, struct state *s) BH_CHECKED;
void control_drain(struct control *control);
void control_adopt(struct control *control, const struct state_client *from);

/* A process died: nobody waits for a reply to MSG_FLUSH that it still owed. */
void control_role_gone(struct supervisor *sup, const struct instance *inst);

/* The answer to `stop` goes out when everything has stopped. */
void control_tell_stopped(struct control *control);

#endif
