/*
 * QNAME minimisation. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/minimise.h"

#include "daemons/resolver/bounds.h"

#include <assert.h>

unsigned minimise_labels(unsigned known, unsigned total, unsigned asked)
{
	assert(known < total);
	if (asked >= MINIMISE_COUNT_MAX) {
		return total;
	}
	if (asked < MINIMISE_ONE_LABEL) {
		return known + 1;
	}
	unsigned questions = MINIMISE_COUNT_MAX - asked; /* that remain, at least one */
	unsigned step = (total - known + questions - 1) / questions;
	return known + step;
}
