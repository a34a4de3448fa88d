#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What tests/totals makes of logs: it must never turn a failure into a success.
set -eu

totals=${srcdir:-.}/tests/totals
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

# program NAME RESULT LOG: what automake's driver leaves for one test program
program() {
	mkdir -p "$dir/tests/$(dirname "$1")"
	printf ':test-result: %s\n:recheck: yes\n' "$2" >"$dir/tests/$1.trs"
	printf '%b' "$3" >"$dir/tests/$1.log"
}

# expect WHAT STATUS LINE [MAKE-STATUS]: then forget all programs
expect() {
	status=0
	line=$(sh "$totals" "$dir" "${4:-0}" | tail -n 1) || :
	sh "$totals" "$dir" "${4:-0}" >/dev/null || status=$?
	if [ "$line" != "$3" ] || [ "$status" -ne "$2" ]; then
		echo "$1: got '$line', status $status; expected '$3', status $2"
		failures=$((failures + 1))
	fi
	rm -rf "$dir/tests"
}

passing='[====] Synthesis: Tested: 7 | Passing: 7 | Failing: 0 | Crashing: 0 \n'
coloured='[\033[0;34m====\033[0m] \033[0;1mSynthesis: Tested: \033[0;34m5\033[0;1m | Passing: \033[0;32m5\033[0;1m | Failing: \033[0;31m0\033[0;1m | Crashing: \033[0;31m0\033[0;1m \033[0m\n'
failing='[FAIL] a::b\n[====] Synthesis: Tested: 9 | Passing: 6 | Failing: 3 | Crashing: 1 \n'

expect "nothing has run" 1 "0 passed, 1 failed, 0 skipped"

program a PASS "$passing"
program deep/b PASS "$coloured"
program c PASS "just a program\n"
expect "passes are added up" 0 "13 passed, 0 failed, 0 skipped"

program a PASS "$passing"
program b FAIL "$failing"
expect "failures; crashing tests are among the failing ones" 1 "13 passed, 3 failed, 0 skipped" 2

program a FAIL "$passing"
expect "failed after all its tests passed" 1 "7 passed, 1 failed, 0 skipped" 2

program a PASS "$passing"
program b FAIL "[----] then it died\n"
expect "died without a synthesis" 1 "7 passed, 1 failed, 0 skipped" 2

program a PASS "$passing"
program b ERROR ""
expect "could not start" 1 "7 passed, 1 failed, 0 skipped" 2

program a PASS "SKIPPED: lab: no nsd here\nSKIPPED: lab: no knot here\n$passing"
program b SKIP "no network namespaces\n"
program c SKIP "SKIPPED: c: not root\n"
expect "skipped parts and programs" 0 "7 passed, 0 failed, 4 skipped"

program a PASS "$passing"
expect "make failed elsewhere, as when a program did not compile" 1 "7 passed, 1 failed, 0 skipped" 2

program a PASS "[====] Synthesis: Tested: 0 | Passing: 0 | Failing: 0 | Crashing: 0 \n"
expect "nothing was tested" 1 "0 passed, 1 failed, 0 skipped"

program a PASS "pass one\nskip two: why\n3 passed, 0 failed, 1 skipped\n"
program b PASS "$passing"
expect "a line of totals" 0 "10 passed, 0 failed, 1 skipped"

program a FAIL "fail one: why\n3 passed, 2 failed, 0 skipped\n"
expect "failures in a line of totals" 1 "3 passed, 2 failed, 0 skipped" 2

program a XPASS ""
expect "passed though it should not" 1 "0 passed, 1 failed, 0 skipped" 2

program a PASS "$passing"
rm "$dir/tests/a.log"
expect "a log is gone" 0 "1 passed, 0 failed, 0 skipped"

[ "$failures" -eq 0 ]
