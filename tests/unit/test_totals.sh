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

# shows WHAT PATTERN COUNT: so many lines of what is printed for the present programs match
shows() {
	found=$(sh "$totals" "$dir" 2 | grep -c -e "$2") || :
	if [ "$found" -ne "$3" ]; then
		echo "$1: $found lines with '$2', expected $3:"
		sh "$totals" "$dir" 2 || :
		failures=$((failures + 1))
	fi
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

# --- what failed, and why ---

program quiet PASS "FAIL: not a failure of a program that passed\nleft behind: nothing\n$passing"
program a FAIL "chatter of a test\na.c:1: it is wrong\n---- /tmp/log ----\nlong log\n[----] ../tests/integration/harness.c:101: Assertion Failed\n\
[----]   \n[----]   a.c:1: it is wrong\n[----]   \n[\033[0;31mFAIL\033[0m] a::b: (0.1s)\nleft behind: process 7 (sleep)\n$failing"
program b FAIL "# 10 s: a step\nFAIL: two are three\n    expected: 2\n    got:      3\nother chatter\n1 passed, 1 failed, 0 skipped\nFAIL b (exit status: 1)\n"
program c FAIL "first\nlast words\nFAIL c (exit status: 139)\n"
program d ERROR ""
shows "failed programs are named" "^failed: " 4
shows "with where to read more" "^failed: tests/a (3), its log: $dir/tests/a.log\$" 1
shows "and the message of a test" "^  a.c:1: it is wrong\$" 1
shows "and its name, without colours" "^  \[FAIL\] a::b: (0.1s)\$" 1
shows "and what was left behind" "^  left behind: process 7 (sleep)\$" 1
shows "cases of the shell with what they show" "^  FAIL: two are three\$" 1
shows "up to the next line that is not indented" "^      got:      3\$" 1
shows "the last words of what says nothing else" "^  last words\$" 1
shows "and its status" "^  FAIL c (exit status: 139)\$" 1
shows "or that it has none" "^  it said nothing\$" 1
shows "nothing of what passed" "not a failure\|left behind: nothing" 0
shows "no chatter" "chatter\|a step\|long log\|harness.c" 0
expect "the totals are the same" 1 "14 passed, 6 failed, 0 skipped" 2

long=$(printf '%0300d' 0)
many=
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
	many="${many}FAIL: case $number $long\n"
done
for number in 1 2 3 4 5 6 7 8; do
	program "many$number" FAIL "$many"
done
shows "at most 20 lines of each" "many1\|FAIL: case 20" 1
shows "at most 200 octets of a line" "^.\{201\}" 0
shows "and about 90 of all" "^  FAIL: case" 81
shows "but the names of all" "^failed: " 8
shows "and how much is left out" "^\.\.\. [0-9]* lines more" 1
expect "many fail" 1 "0 passed, 8 failed, 0 skipped" 2

# --- how long it took ---

for number in 01 02 03 04 05 06 07 08 09 10 11 12; do
	program "p$number" PASS "$passing"
	echo "took $number.5 0.2" >>"$dir/tests/p$number.trs"
done
shows "the longest" "^   12.5 (0.2) tests/p12\$" 1
shows "but ten of them only" "tests/p02\|tests/p03" 1
shows "and all together" "^   84.0 in all\$" 1
expect "times change no totals" 0 "84 passed, 0 failed, 0 skipped"

[ "$failures" -eq 0 ]
