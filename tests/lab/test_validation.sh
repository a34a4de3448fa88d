#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Validation against other validators: a signed Internet with every kind of fault (validation/zones.sh), the same questions
# to us, Unbound, Knot Resolver, BIND and PowerDNS Recursor, and what they say compared (differ.c). At least two of the
# others are needed to judge. validation/known names the differences that an RFC decides for us.
#
#   LAB_QUESTIONS=REGEX   only these "NAME TYPE"
#   LAB_TURNS=5           how many of the combinations of flags each is asked with; 1, which is some 2400 questions
#   LAB_VERBOSE=1         show all our answers
#   LAB_KEEP=1            leave the folder with zones, logs and configurations
set -u -o pipefail

BUILD=$PWD
LAB=$(cd "$(dirname "$0")" && pwd)
BENCH=$LAB/../bench
meter=$BUILD/tests/bench/meter
PORT=53
export BUILD PORT

skip() {
	echo "SKIPPED: lab/validation: $*"
	exit 77
}

if [ -z "${LAB_INSIDE:-}" ]; then
	[ "$(id -u)" -eq 0 ] || skip "needs root: network namespace, and starting the appliance"
	for tool in unshare ip nsd dnssec-keygen dnssec-signzone dnssec-dsfromkey ldns-signzone; do
		command -v $tool >/dev/null || skip "$tool is not installed"
	done
	unshare -n true 2>/dev/null || skip "no network namespaces here"
	LAB_INSIDE=1 exec unshare -n -- bash "$0"
fi
ip link set lo up || exit 1

. "$LAB/validation/zones.sh"

WORK=$(mktemp -d /tmp/bulkhead-validation.XXXXXX) && chmod 755 "$WORK" || exit 1
NET=$WORK/net
ZONES=$NET
export ZONES
started=()
clean_up() {
	[ ${#started[@]} -eq 0 ] || { kill "${started[@]}"; wait "${started[@]}"; } 2>/dev/null
	[ -n "${LAB_KEEP:-}" ] || rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# run FOLDER NAME ADDRESS ARGUMENT: a server with the configuration that the bench has for it
run() {
	local folder=$1 name=$2 address=$3 argument=$4 dir=$WORK/$1-$3 arguments
	mkdir -p "$dir" && chmod 755 "$dir"
	. "$BENCH/$folder/$name.sh"
	configure "$dir" "$address" "$argument" >"$dir/configure.log" 2>&1 || return 1
	mapfile -t arguments < <(command_line "$dir" "$address")
	"$meter" run "$dir" "${arguments[@]}" &
	started+=($!)
}

zones_make || { echo "the zones cannot be made: $(tail -n 1 "$NET/log")"; exit 1; }
zones_questions | grep -E -- "${LAB_QUESTIONS:-.}" >"$WORK/questions"
for server in "root $ROOT_AT" "lab $LAB_AT" "zone $ZONE_AT" "below $BELOW_AT"; do
	read -r server at <<<"$server"
	ip address add "$at/32" dev lo && run servers nsd "$at" "$NET/$server.list" || exit 1
done

printf 'www.alg13.lab. NOERROR ad\nwww.badsig.lab. SERVFAIL -\nwww.unsigned.lab. NOERROR -\n' >"$WORK/expected"
i=1
resolvers=()
for name in bulkhead unbound knot bind powerdns; do
	. "$BENCH/resolvers/$name.sh"
	why=$(missing)
	if [ -n "$why" ]; then
		[ $name != bulkhead ] || skip "$why"
		echo "skipped: $name: $why"
		continue
	fi
	ip address add "127.0.1.$i/8" dev lo && run resolvers $name "127.0.1.$i" "$NET" || exit 1
	if ! why=$("$BUILD/tests/bench/ask" -r -t 60 "127.0.1.$i" $PORT "$WORK/expected" 2>&1); then
		echo "$name does not validate: $why; it said: $(tail -n 2 "$WORK/resolvers-127.0.1.$i/log")"
		[ $name != bulkhead ] || exit 1
	else
		resolvers+=("$name=127.0.1.$i@$PORT")
	fi
	i=$((i + 1))
done
[ ${#resolvers[@]} -ge 3 ] || skip "fewer than two other resolvers that validate"
"$BUILD/tests/lab/differ" ${LAB_VERBOSE:+-v} -n "${LAB_TURNS:-1}" -k "$LAB/validation/known" "${resolvers[@]}" <"$WORK/questions"
