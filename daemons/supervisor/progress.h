/*
 * How far long work has come, as one row of the control protocol.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_PROGRESS_H
#define BULKHEAD_SUPERVISOR_PROGRESS_H

#include "common/ipc/conf.h"
#include "common/util/err.h"
#include "daemons/supervisor/compile.h"

/*
 * Who waits is told this often: fast enough for an eye, and a sign of life long before a client gives up. It also bounds
 * what progress costs: two rows a second for each client that waits.
 */
#define PROGRESS_INTERVAL_MS 500

/* A row "progress": step, done, total, records, octets, zone (one that is in work). */
void progress_row(const char *step, const struct compile_progress *progress, struct ctl_row *row);

#endif
