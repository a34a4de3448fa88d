/*
 * Telling the service manager (sd_notify(3), a documented and stable protocol of one datagram).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_NOTIFY_H
#define BULKHEAD_SUPERVISOR_NOTIFY_H

#include "common/util/err.h"

/*
 * Send "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=..." lines to $NOTIFY_SOCKET. Does nothing when the variable
 * is not set. Failures are logged, they are no reason not to serve.
 */
void notify(const char *fmt, ...) BH_PRINTF(1, 2);

#endif
