#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Does the bench itself work? A run with little zones and short measurements, of us and the echo only. Says nothing of
# speed, only that every case was asked, answered and accounted for.
set -u

build=$PWD
bench=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

resolving="hot cold-unsigned cold-insecure cold-ecdsa cold-rsa nxdomain-flood zipf"
BENCH_SERVERS=bulkhead BENCH_SECONDS=0.3 BENCH_REPEAT=1 BENCH_SCALE=500 BENCH_TSV=$dir/tsv \
	BENCH_CASES="a-hits nxdomain large tcp-single reloading load-many load-saved $resolving cache-memory" \
	bash "$bench/run" "$build" >"$dir/out" 2>"$dir/err"
status=$?
if [ "$status" -eq 77 ]; then
	echo "SKIPPED: $(cat "$dir/out")"
	exit 77
fi
cat "$dir/err" "$dir/out" "$dir/tsv"
failures=0

# expect WHAT CONDITION: one row at least, and the awk condition holds for all rows of that kind and case
expect() {
	awk -F '\t' "$2 { rows++; if (!($3)) bad++ } END { exit rows == 0 || bad > 0 }" "$dir/tsv" && return
	echo "FAIL: $1"
	failures=$((failures + 1))
}

[ "$status" -eq 0 ] || { echo "FAIL: status $status"; failures=1; }
for name in a-hits nxdomain large tcp-single reloading; do
	for server in echo bulkhead; do
		for mode in full fixed; do
			# A query takes some CPU and not a millisecond of it; a server is busy at times and on one processor.
			expect "$name $mode $server" "\$1 == \"serving\" && \$2 == \"$name\" && \$3 == \"$mode\" && \$4 == \"$server\"" \
				'$6 > 10 && $8 > 0.1 && $8 < 1000 && $9 > 0 && $9 < 110'
		done
	done
	lengths=$(awk -F '\t' "\$1 == \"serving\" && \$2 == \"$name\" { print \$10 }" "$dir/tsv" | sort -u | wc -l)
	[ "$lengths" -eq 1 ] || { echo "FAIL: $name: the echo's replies are not as long as ours"; failures=1; }
done
expect "nxdomain says NXDOMAIN" '$1 == "serving" && $2 == "nxdomain" && $4 == "bulkhead"' '$11 ~ /^NXDOMAIN \(100/'
expect "hits say NOERROR" '$1 == "serving" && $2 == "a-hits" && $4 == "bulkhead"' '$11 ~ /^NOERROR \(100/'
expect "large replies are large" '$1 == "serving" && $2 == "large"' '$10 > 1000'
for name in load-many load-saved reload-one; do
	expect "$name" "\$1 == \"loading\" && \$2 == \"$name\"" '$6 > 0 && $7 > 0'
done
if reason=$(awk -F '\t' '$1 == "skipped" && $2 == "resolvers" { print $3; found = 1 } END { exit !found }' "$dir/tsv"); then
	echo "skipped: resolvers: $reason"
else
	# That a resolver is measured at all says that its answers were right, and validated.
	for name in $resolving; do
		for server in echo bulkhead; do
			expect "$name $server" "\$1 == \"resolving\" && \$2 == \"$name\" && \$4 == \"$server\"" \
				'$6 > 10 && $8 > 0.1 && $8 < 10000 && $9 > 0 && $9 < 330'
		done
	done
	for name in cold-unsigned nxdomain-flood; do
		expect "$name relay" "\$1 == \"resolving\" && \$2 == \"$name\" && \$4 == \"relay\"" \
			'$6 > 10 && $8 > 0.1 && $8 < 10000 && $11 ~ /^(NOERROR|NXDOMAIN) \(100/'
	done
	expect "nxdomain-flood says NXDOMAIN" '$1 == "resolving" && $2 == "nxdomain-flood" && $4 == "bulkhead"' \
		'$11 ~ /^NXDOMAIN \(100/'
	expect "cached answers take memory" '$1 == "caching"' '$7 > $6 && $8 > 0 && $9 > 0'
fi
# A resolver that answers wrongly is not measured: the echo has no records, no AD and no error where one is due.
for line in "www.example. NOERROR ad" "www.example. NXDOMAIN -" "www.example. SERVFAIL -"; do
	echo "$line" >"$dir/expected"
	said=$(unshare -n sh -c "ip link set lo up; '$build/tests/bench/echo' 127.0.0.1 53 & sleep 0.2
		'$build/tests/bench/ask' -r -t 1 127.0.0.1 53 '$dir/expected' 2>&1; echo status \$?; kill \$!")
	case $said in
	*"NOERROR, without AD, 0 answers"*"status 1"*) ;;
	*) echo "FAIL: the echo passes for a resolver with \"$line\": $said"; failures=$((failures + 1)) ;;
	esac
done
expect "memory" '$1 == "memory"' '$5 > 1e6 && $6 > 1e6'
exit $((failures > 0))
