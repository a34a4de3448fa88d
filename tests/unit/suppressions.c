/*
 * Leaks that are not ours: Criterion forgets a list of its own in some programs. Only the leak sanitizer asks.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libcriterion\n";
}
