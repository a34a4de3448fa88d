/*
 * What the monitor is told: payloads with their encoders and decoders, as in conf.h.
 *
 * The monitor may be asked by many, and so it is told little: numbers, states, and names of zones (or not even
 * those). Nothing here is data of a zone, a client's address or a secret.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_IPC_WATCH_H
#define BULKHEAD_COMMON_IPC_WATCH_H

#include "common/ipc/conf.h"

#define IPC_HOST_MAX 256 /* a name with terminator: RFC 1035 2.3.4 */
#define IPC_END_MAX 160	 /* how a process ended */

struct ipc_page { /* + descriptor: the counter page of an instance, opened read-only */
	uint32_t id;
	uint8_t role; /* enum role: a serving one, or the monitor */
	uint16_t index;
	char view[IPC_VIEW_MAX]; /* "" but for authorities */
};

struct ipc_conf_monitor {
	uint8_t zones; /* zones are told; else only how many do not answer is known, from the pages */
};

struct ipc_host { /* CONF_HOST: lower case, without final dot */
	char name[IPC_HOST_MAX];
};

enum ipc_watched_flags {
	IPC_WATCHED_FAILED = 1, /* there is nothing to serve it from */
	IPC_WATCHED_OLD = 2,	/* its text does not compile: it is served as it was */
};

struct ipc_watched { /* CONF_WATCHED */
	char view[IPC_VIEW_MAX];
	uint8_t name[DNAME_MAX];
	uint32_t counter; /* of its queries, in the pages of its view: 0..STATS_ZONES_MAX-1 */
	uint32_t serial;
	uint32_t records;
	uint64_t size;	   /* octets of its image */
	uint64_t made_sec; /* since 1970: when that was compiled; 0: never */
	uint8_t flags;	   /* enum ipc_watched_flags */
};

enum ipc_role_state { IPC_ROLE_DOWN, IPC_ROLE_STARTING, IPC_ROLE_RUNNING, IPC_ROLE_STOPPING, IPC_ROLE_STATES };

struct ipc_role_facts { /* ROLE_FACTS */
	uint32_t page; /* id of its PAGE: which instance this is about */
	uint8_t state; /* enum ipc_role_state */
	uint32_t pid;
	uint32_t restarts;
	uint64_t started_sec; /* since 1970; 0: it does not run, and so for the rest */
	uint32_t generation;
	uint64_t resident; /* octets */
	uint64_t cpu_ms;
	uint32_t walls;	  /* wall_bits that it found around itself */
	uint32_t missing; /* of those that it must have */
	uint16_t syscalls;
	uint8_t confined; /* the kernel shows from outside: a filter, no capability, no new privileges */
	char last_end[IPC_END_MAX]; /* of the process before, "" at first */
};

enum ipc_appliance_state {
	IPC_APPLIANCE_STARTING,
	IPC_APPLIANCE_RUNNING,
	IPC_APPLIANCE_RELOADING,
	IPC_APPLIANCE_STOPPING,
	IPC_APPLIANCE_STATES
};

struct ipc_appliance_facts { /* APPLIANCE_FACTS */
	uint8_t state; /* enum ipc_appliance_state */
	uint64_t started_sec;
	uint32_t generation;
	uint32_t pid;
	uint64_t resident; /* of the supervisor, octets */
	uint64_t cpu_ms;
	uint8_t change_ok;   /* the last change came into service */
	uint64_t change_sec; /* when it ended, since 1970 */
};

void ipc_page_encode(struct sink *s, const struct ipc_page *m);
int ipc_page_decode(const uint8_t *p, size_t len, struct ipc_page *m) BH_CHECKED;
void ipc_conf_monitor_encode(struct sink *s, const struct ipc_conf_monitor *m);
int ipc_conf_monitor_decode(const uint8_t *p, size_t len, struct ipc_conf_monitor *m) BH_CHECKED;
void ipc_host_encode(struct sink *s, const struct ipc_host *m);
int ipc_host_decode(const uint8_t *p, size_t len, struct ipc_host *m) BH_CHECKED;
void ipc_watched_encode(struct sink *s, const struct ipc_watched *m);
int ipc_watched_decode(const uint8_t *p, size_t len, struct ipc_watched *m) BH_CHECKED;
void ipc_role_facts_encode(struct sink *s, const struct ipc_role_facts *m);
int ipc_role_facts_decode(const uint8_t *p, size_t len, struct ipc_role_facts *m) BH_CHECKED;
void ipc_appliance_facts_encode(struct sink *s, const struct ipc_appliance_facts *m);
int ipc_appliance_facts_decode(const uint8_t *p, size_t len, struct ipc_appliance_facts *m) BH_CHECKED;

#endif
