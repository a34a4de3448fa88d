/*
 * A closed Internet for the resolver: hosts in network namespaces on one bridge, with a root, two top
 * level domains and zones below them on NSD and Knot DNS, a responder that misbehaves on purpose, and a
 * recorder of every packet on the bridge. Nothing of it can reach, or be reached from, the machine's
 * own network; it all ends with the process that made it.
 *
 *      198.18.0.1 root (NSD)   198.18.0.2 root (Knot)   198.18.1.1 com, org (NSD)   198.18.1.2 (Knot)
 *           |                       |                        |                           |
 *   --------+-----------------------+--- the bridge ---------+---------------------------+----------
 *           |                       |                        |                           |
 *      203.0.113.10, .11       203.0.113.20, .21       203.0.113.101..           192.0.2.10 outside
 *      zones (NSD)             zones (Knot)            the odd one; .140.. the hostile one
 *                                   |
 *                        203.0.113.53, .54 box 10.1.0.53, .54 ------- 10.1.0.100, .200.. inside
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_LAB_LAB_H
#define BULKHEAD_TESTS_LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum lab_host {
	LAB_NET, /* the bridge */
	LAB_ROOT_A,
	LAB_ROOT_B,
	LAB_TLD_A,
	LAB_TLD_B,
	LAB_AUTH_A,
	LAB_AUTH_B,
	LAB_ODD,
	LAB_BOX, /* where the appliance runs */
	LAB_INSIDE,
	LAB_OUTSIDE,
	LAB_HOSTS
};

/* Addresses of the inside from 10.1.0.200 on. */
#define LAB_CLIENTS 40

/* Build it all; 0, or the exit status of a skipped program. Before the tests, for harness_main_around. */
int lab_up(void);
void lab_down(void);

/* In a test: a process that lives in the network of this host. */
pid_t lab_network(enum lab_host host);
/* Folder with the lab's files: hints, logs of its servers, the record of packets. */
const char *lab_directory(void);

/* --- what the bridge saw ----------------------------------------------------------------------------- */

/* One DNS query that the box sent to the Internet. */
struct lab_query {
	uint8_t name[256]; /* wire form, as sent */
	uint16_t type;
	char server[64]; /* "198.18.0.1", "203.0.113.130@8600" */
	char source[64];
	uint16_t id;
	uint16_t port; /* source port */
	bool tcp;
	bool edns;
};

/* A position in the record; only what comes later is looked at. */
uint64_t lab_mark(void);
/* Queries since mark, oldest first; fails the test when there are more than max. */
unsigned lab_queries(uint64_t mark, struct lab_query *out, unsigned max);
/* How many queries since mark went to this server (NULL: any) for names at or below `under` (NULL: any). */
unsigned lab_count(uint64_t mark, const char *server, const char *under);
/* Do these octets (letters folded) occur in any packet since mark? */
bool lab_saw(uint64_t mark, const void *octets, size_t len);

/* --- pieces, used by lab_up -------------------------------------------------------------------------- */

/* Zones and server configurations below dir. */
void lab_write_zones(const char *dir);
/* The recorder: never returns. Writes u32 length, packet; runs in the network of the bridge. */
void lab_record(const char *path) __attribute__((noreturn));
/* The responder that misbehaves: never returns. */
void lab_be_odd(void) __attribute__((noreturn));
/* An address that must not occur in any answer: what forged replies carry. */
#define LAB_POISON "198.51.100.66"

#endif
