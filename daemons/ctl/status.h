/*
 * Exit statuses, those of monitoring plug-ins. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_STATUS_H
#define BULKHEAD_DAEMONS_CTL_STATUS_H

enum ctl_status {
	CTL_FINE = 0,
	CTL_WARNING = 1,
	CTL_CRITICAL = 2,
	CTL_UNKNOWN = 3, /* not reached, not understood, or wrong usage */
};

#endif
