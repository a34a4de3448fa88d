/*
 * Files of the status page, made part of the program. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_ASSETS_H
#define BULKHEAD_MONITOR_ASSETS_H

/* Their text; made by the build from daemons/monitor/assets/. */
extern const char asset_status_css[];
extern const char asset_status_js[];
extern const char asset_icon_svg[];

#endif
