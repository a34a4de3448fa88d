# SPDX-License-Identifier: BSD-2-Clause
#
# Cases of the shell tests of this folder, counted for tests/totals. Read by `.`, with `name` set to the program's name.

passed=0
failed=0
skipped=0

# expect WHAT COMMAND...: a case that passes when the command does; what it printed is shown otherwise.
expect() {
	what=$1
	status=0
	shift
	"$@" >"$cases_log" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $what: status $status: $*"
		sed 's/^/    /' "$cases_log"
	fi
}

# same WHAT EXPECTED GOT
same() {
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL: %s\n    expected: %s\n    got:      %s\n' "$1" "$2" "$3"
	fi
}

# One case that cannot run here. tests/totals counts the line.
skip() {
	skipped=$((skipped + 1))
	echo "SKIPPED: packages/$name: $*"
}

# The whole program cannot.
skip_all() {
	echo "SKIPPED: packages/$name: $*"
	exit 77
}

finish() {
	[ $((passed + failed)) -gt 0 ] || failed=1 # a test that tested nothing
	echo "$passed passed, $failed failed, 0 skipped" # skipped ones have lines of their own
	[ "$failed" -eq 0 ] || exit 1
	exit 0
}

# A program that runs in several stages hands its folder on, and the first one removes it.
# It is locked by descriptor 9 of all its processes; one that nobody locks was left by a test that was killed.
if [ -z "${work:-}" ]; then
	for abandoned in "${TMPDIR:-/tmp}/bulkhead-test-$name".??????; do
		if [ -d "$abandoned" ] && [ -n "$(find "$abandoned" -maxdepth 0 -user root -mmin +1)" ] &&
			flock -n "$abandoned" true; then
			rm -rf --one-file-system "$abandoned"
		fi
	done
	work=$(mktemp -d "${TMPDIR:-/tmp}/bulkhead-test-$name.XXXXXX") || exit 1
	trap 'rm -rf "$work"' EXIT
	exec 9<"$work" && flock 9
fi
cases_log=$work/last.log
