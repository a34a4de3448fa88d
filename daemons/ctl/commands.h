/*
 * Handlers of the rows in commands.c. SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_COMMANDS_H
#define BULKHEAD_DAEMONS_CTL_COMMANDS_H

#include "daemons/ctl/command.h"

/* The words of the command go to the supervisor as they were typed, and its answer is shown. */
command_fn command_send;

command_fn command_check;
command_fn command_flush;
command_fn command_trace;
command_fn command_stats;
command_fn command_upgrade;
command_fn command_version;
command_fn command_zone_rollback; /* zone_text.c */
command_fn command_zone_text;
command_fn command_print_help;

#endif
