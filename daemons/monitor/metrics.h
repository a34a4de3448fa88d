/*
 * The metrics: what is known, as text. OpenMetrics 1.0, or the older text format of Prometheus (0.0.4).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_METRICS_H
#define BULKHEAD_MONITOR_METRICS_H

#include "daemons/monitor/model.h"
#include "daemons/monitor/text.h"

enum metrics_format { METRICS_PROMETHEUS, METRICS_OPEN };

/* Content-Type of the format. */
const char *metrics_content_type(enum metrics_format format);

/*
 * All metrics. Numbers of workers of a view are added up, but for those that tell workers apart. t fails when it is
 * full.
 */
void metrics_render(struct text *t, const struct model *model, const struct model_now *now,
		    enum metrics_format format);

#endif
