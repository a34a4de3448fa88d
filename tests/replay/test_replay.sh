#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The runner itself: it must fail what is to fail, and say why. Each file in faults/ begins with "; expect: " and the
# line that is to come for it.
set -eu

replay=tests/replay/replay
dir=${srcdir:-.}/tests/replay/faults
failed=0
passed=0

for file in "$dir"/*.rpl; do
	expected=$(sed -n '1s/^; expect: //p' "$file")
	out=$("$replay" "$file") && status=0 || status=$?
	line=$(echo "$out" | head -n 1)
	case $expected in
	fail*) wanted=1 ;;
	*) wanted=0 ;;
	esac
	if [ -z "$expected" ] || [ "$line" != "$expected" ] || [ "$status" -ne "$wanted" ]; then
		echo "$file: got '$line', status $status; expected '$expected', status $wanted"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
done

# No file, an unknown option, a file that is not there.
for arguments in "" "-x" "-o"; do
	# shellcheck disable=SC2086 # words
	"$replay" $arguments >/dev/null 2>&1 && status=0 || status=$?
	if [ "$status" -ne 2 ]; then
		echo "replay $arguments: status $status, expected 2"
		failed=$((failed + 1))
	fi
done
if "$replay" "$dir/there is no such file" >/dev/null; then
	echo "a file that is not there: status 0"
	failed=$((failed + 1))
fi

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
