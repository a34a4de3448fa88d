/*
 * The status page, and what its script draws from. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_PAGE_H
#define BULKHEAD_MONITOR_PAGE_H

#include "daemons/monitor/model.h"
#include "daemons/monitor/rates.h"
#include "daemons/monitor/text.h"

/* Zones shown by name, those that do not answer first; the others are counted. */
#define PAGE_ZONES_MAX 500

/* The page, complete without its script but for the plots. */
void page_render(struct text *t, const struct model *model, const struct rates *rates, const struct model_now *now);

/* /status.json: verdict and rates. */
void page_render_json(struct text *t, const struct model *model, const struct rates *rates,
		      const struct model_now *now);

#endif
