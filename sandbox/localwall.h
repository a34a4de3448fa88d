/*
 * The wall around a role that must reach the Internet and nothing on this host. It stays in the host's network
 * namespace, because there the way out is; but every packet that it sends passes a small program in the kernel
 * (BPF, on a control group of its own), which refuses what does not leave the host: EPERM for the sender.
 *
 * "Does not leave the host" needs no list of addresses: what goes to any address of this host leaves through the
 * loopback device, whichever way it was addressed (0.0.0.0, IPv4 in IPv6, TCP Fast Open, an address that came up a moment
 * ago). Multicast is refused, as copies of it come back to wildcard listeners, and so are IP options and extension
 * headers, which could hide where a packet goes. On top of that a table of rules, changed as a whole and at once:
 *
 *   LOCALWALL_REFUSE   this address and port, even if it is not on this host now
 *   LOCALWALL_ALLOW    this address and port, although it is on this host; with an unspecified address: this port
 *                      of every address of that family
 *   LOCALWALL_LOOPBACK this port of every loopback address (the address is unspecified)
 *
 * A rule for an address goes before those for all. What devices of a VRF deliver to this host is not seen as such: only
 * LOCALWALL_REFUSE holds there.
 *
 * The program is on the group, so it outlasts crashes of the role; the role has neither capabilities nor files, so it
 * cannot leave. The supervisor raises the wall while it still has CAP_NET_ADMIN, and needs no privilege to change
 * the rules later: they are in memory it shares with the program.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SANDBOX_LOCALWALL_H
#define BULKHEAD_SANDBOX_LOCALWALL_H

#include "common/util/addr.h"
#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

/* Rules of one table. More is no use: they name this host's listeners, and servers that an administrator wrote down. */
#define LOCALWALL_RULES_MAX 8192

enum localwall_verdict { LOCALWALL_REFUSE = 1, LOCALWALL_ALLOW, LOCALWALL_LOOPBACK };

struct localwall_rule {
	struct addr to;
	enum localwall_verdict verdict;
};

struct localwall;

/*
 * Make a control group below our own and put the program on it; everything on this host is refused from then on.
 * Tried out with a child: what stands here has been seen to refuse. Needs root, CAP_SYS_ADMIN and CAP_NET_ADMIN. The
 * caller owns *out. On failure nothing is left behind, and why_text says which step and why.
 */
int localwall_raise(struct localwall **out, char *why_text, size_t why_size) BH_CHECKED;

/*
 * Get rules ready that localwall_commit puts in the place of all others, at once. Of two for the same address and port the
 * first counts. BH_ENOSPC: more than LOCALWALL_RULES_MAX different ones. Can be given up at any time, by doing nothing.
 */
int localwall_prepare(struct localwall *wall, const struct localwall_rule *rules, size_t count) BH_CHECKED;
void localwall_commit(struct localwall *wall);

/* Packets refused since it was raised, but for those that proved it. */
uint64_t localwall_refused(const struct localwall *wall);

/* In the child that becomes the role, while it is root: go behind it. Uses no heap. */
int localwall_join(const struct localwall *wall, char *why_text, size_t why_size) BH_CHECKED;

/*
 * The wall of a supervisor that is replaced by another program with exec: its descriptors, which must then lose their
 * close-on-exec flag, and a number of what both must agree on. The program that takes it over has no rights left to raise one.
 * BH_EVERSION: it belongs to a version that this one cannot go on with. The descriptors are the new wall's, in
 * any case.
 */
#define LOCALWALL_VERSION 1
#define LOCALWALL_FDS 4

struct localwall_handover {
	uint32_t version;
	int fds[LOCALWALL_FDS];
};

void localwall_hand_over(const struct localwall *wall, struct localwall_handover *out);
int localwall_take_over(const struct localwall_handover *in, struct localwall **out, char *why_text,
			size_t why_size) BH_CHECKED;

/*
 * Remove the group and free all. Nobody may be left behind the wall: then, and when there are no more rights to
 * remove it, BH_ESYS, and the empty group is found and removed by the next localwall_raise beside it.
 */
int localwall_remove(struct localwall *wall) BH_CHECKED;

#endif
