/*
 * What each role may do, word for word. A profile that is widened, or pinned less, fails here: the change
 * belongs into both places, in a commit of its own that says why.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/sandbox/confined.h"

#include <criterion/criterion.h>
int x;
