# SPDX-License-Identifier: BSD-2-Clause
#
# Read by `.` after cases.sh: more kinds of cases, the time of steps, waiting with a bound.

# step WHAT: what begins now; the time since BEGAN says where a slow run was slow.
step() {
	printf '\n# %3d s: %s\n' $(($(date +%s) - BEGAN)) "$*"
}

# pass CASE and fail CASE: judged already
pass() {
	passed=$((passed + 1))
}

fail() {
	failed=$((failed + 1))
	printf 'FAIL: %s\n' "$*"
}

# has WHAT TEXT PART
has() {
	case $2 in
	*"$3"*) pass "$1" ;;
	*) fail "$1: '$3' is not in: $2" ;;
	esac
}

# refuse WHAT COMMAND...: any status but 0, in time
refuse() {
	local what=$1 status
	shift
	"$@" >"$cases_log" 2>&1
	status=$?
	if [ "$status" -ne 0 ] && [ "$status" -ne 124 ]; then
		pass
	else
		fail "$what: status $status: $*"
		sed 's/^/    /' "$cases_log"
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
