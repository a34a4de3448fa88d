# SPDX-License-Identifier: BSD-2-Clause
#
# Sourced by the tests of packages: counting of cases, the time of steps, waiting with a bound.

passed=0
failed=0
skipped=0

# step WHAT: what begins now; the time since BEGAN says where a slow run was slow.
step() {
	printf '\n# %3d s: %s\n' $(($(date +%s) - BEGAN)) "$*"
}

pass() {
	printf 'pass %s\n' "$*"
	passed=$((passed + 1))
}

fail() {
	printf 'FAIL %s\n' "$*"
	failed=$((failed + 1))
}

skip() {
	printf 'skip %s\n' "$*"
	skipped=$((skipped + 1))
}

# The line that tests/totals reads; the status of the test program.
totals() {
	printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ]
}

# is CASE GOT EXPECTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1: got '$2', expected '$3'"
	fi
}

# has CASE TEXT PART
has() {
	case $2 in
	*"$3"*) pass "$1" ;;
	*) fail "$1: '$3' is not in: $2" ;;
	esac
}

# good CASE COMMAND...: status 0. What it says is shown when it fails.
good() {
	local case=$1 output status
	shift
	output=$("$@" 2>&1)
	status=$?
	if [ "$status" -eq 0 ]; then
		pass "$case"
	else
		fail "$case: status $status of: $*"
		printf '%s\n' "$output" | tail -n 30
	fi
	return "$status"
}

# bad CASE COMMAND...: any status but 0, in time
bad() {
	local case=$1 output status
	shift
	output=$("$@" 2>&1)
	status=$?
	if [ "$status" -ne 0 ] && [ "$status" -ne 124 ]; then
		pass "$case"
	else
		fail "$case: status $status of: $*"
		printf '%s\n' "$output" | tail -n 30
	fi
}

# within SECONDS COMMAND...: until it has succeeded
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# Children of a process.
children() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}
