# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The cases. Of queries: name, zone, kind of queries, names in the zone, rate of "fixed" in queries/s, options of dnsperf.
# UDP has 200 queries outstanding from 8 sockets. "reloading" reloads the zone each second meanwhile. "tcp-single" makes a
# connection for each query, 50 at a time; its load is oneshot.c and not dnsperf.
serving_cases() {
	cat <<-'END'
		a-hits          hosts        hosts        100000   50000  -c 8 -q 200
		nxdomain        hosts        missing      100000   50000  -c 8 -q 200
		referrals       delegations  delegations  500000   50000  -c 8 -q 200
		dnssec-hits     nsec3        hosts        75000    40000  -c 8 -q 200 -D
		nsec-nxdomain   nsec         missing      75000    40000  -c 8 -q 200 -D
		nsec3-nxdomain  nsec3        missing      75000    40000  -c 8 -q 200 -D
		large           sets         sets         1000     40000  -c 8 -q 200 -e
		tcp-pipelined   hosts        hosts        100000   30000  -c 4 -q 200 -m tcp
		tcp-single      hosts        hosts        100000   3000   oneshot -c 50
		reloading       hosts        hosts        100000   20000  -c 8 -q 200
	END
}

# Of loading: from text until every zone is answered for. "saved" is our second start, which the others do not have;
# "reload-one" is one zone out of those of "many" and is measured together with it.
loading_cases() {
	printf '%s\n' load-delegations load-nsec3 load-many load-saved
}

wanted() {
	[ -z "${BENCH_CASES:-}" ] || [[ " $BENCH_CASES " == *" $1 "* ]]
}
