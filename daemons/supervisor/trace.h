/*
 * `bulkheadctl trace`: who is asked, and what is shown of what comes back. The resolver is never told an internal
 * name: the first test is that of the frontend's split.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_TRACE_H
#define BULKHEAD_SUPERVISOR_TRACE_H

#include "common/ipc/conf.h"

#include <stdbool.h>

struct config;

/*
 * Words of the request: trace NAME TYPE [cached] [cd] [public]. NULL: *out is filled; else what is wrong. config: in
 * service. public: a name of an overlay zone is asked outside; else names below internal zones are refused.
 */
const char *trace_parse(const struct ctl_request *r, const struct config *config, struct ipc_trace *out);

/* A step as a row. Words come from tables here, names and addresses from checked octets, the reason cut. */
void trace_row(const struct ipc_trace_step *step, struct ctl_row *row);

/* What the last step says, for the end of the answer. Returns the exit status. */
unsigned trace_end(const struct ipc_trace_step *step, char *text, size_t size);

#endif
