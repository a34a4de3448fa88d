/*
 * The words for a wall that could not be raised or was not found standing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/walls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longest name of a step; the reason comes behind it. */
#define STEP_MAX 256

int why_errno(const struct why *why, const char *fmt, ...)
{
	int saved = errno;
	char step[STEP_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(step, sizeof(step), fmt, args);
	va_end(args);
	snprintf(why->text, why->size, "%s: %s", step, strerror(saved));
	errno = saved;
	return BH_ESYS;
}

bool why_not(const struct why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, why->size, fmt, args);
	va_end(args);
	return false;
}
