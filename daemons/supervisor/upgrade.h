/*
 * The old side of an upgrade: bulkheadd replaces itself by the program that lies in its place on the disk, in the same
 * process, so that its children stay its children and the service manager sees no end (takeover.h is the new side).
 *
 * There is no way back from exec, so the new program is asked first: it is started as a child with the record that it
 * would take over (bulkheadd -u 3 -n), and says whether it could: the format of the record, the walls it stands
 * behind for good, the configuration, its role programs, which it really starts. Only what it has agreed to is handed
 * over, octet for octet but for the clients that wait and what is saved: when anything changed meanwhile it is asked again. Until then nothing
 * has changed, whatever fails.
 *
 * It is told by two arguments and two descriptors, which is all that versions must agree on to refuse each other:
 * 3 is the record; standard output takes one line, why not, or the version when the exit status is 0.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_UPGRADE_H
#define BULKHEAD_SUPERVISOR_UPGRADE_H

#include "daemons/supervisor/supervisor.h"

/* Where the program asked finds the record. */
#define UPGRADE_FD 3

/* Begin. False: it cannot begin now, and why says so. Its end is told by control_upgraded, or is exec. */
bool upgrade_begin(struct supervisor *sup, char *why, size_t why_size) BH_CHECKED;

/* A child ended. True: it was the program asked. */
bool upgrade_child_ended(struct supervisor *sup, pid_t pid, int status);

/* The appliance stops. */
void upgrade_cancel(struct supervisor *sup);

#endif
