/*
 * Does a packet get there? Tried by every way a role has, with no call that the resolver's filter forbids.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_SANDBOX_REACH_H
#define BULKHEAD_TESTS_SANDBOX_REACH_H

#include "common/util/addr.h"

/*
 * how: "udp" (connected), "send" (not connected), "mapped" (IPv4 by an IPv6 socket), "bound" (from the very address it goes to),
 * "tcp", "tfo" (TCP Fast Open: data with the first packet), "tcpmapped".
 *
 * Returns "refused" (EPERM), "sent" (UDP), "connected", "answered" (a TCP peer refuses), "silence" (TCP: nothing for a while), or
 * the name of an error. poll_fd: an epoll descriptor with nothing in it, which roles cannot make.
 */
const char *reach_try(const char *how, const struct addr *to, int poll_fd);

#endif
