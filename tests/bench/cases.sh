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

# Of resolving: name, names asked for, expected RCODE, queries before that the cache shall have; in a fresh resolver each.
# "names" is a file of queries that internet.sh makes. "hot" is asked over and over for BENCH_SECONDS, all others once
# from the first to the last query, so that no name is asked for twice but in "zipf".
#
#   hot             10,000 cached names
#   cold-unsigned   20,000 names in 2,000 delegated zones below an unsigned TLD
#   cold-insecure   the same below a signed TLD: NSEC3 with opt-out proves that each zone is unsigned
#   cold-ecdsa      20,000 names in 500 signed zones, ECDSA P-256, in a TLD that is signed likewise: each is validated
#   cold-rsa        10,000 names in 200 signed zones, RSA/SHA-256 of 2048 bits
#   nxdomain-flood  30,000 random names in one zone
#   zipf            60,000 queries for 80,000 names of cold-unsigned and cold-ecdsa (3 to 1), rank r in proportion to 1/r
#   cache-memory    what each of 50,000 cached answers in 2,000 unsigned zones has taken
resolving_cases() {
	cat <<-'END'
		hot             hot       NOERROR   hot
		cold-unsigned   unsigned  NOERROR   -
		cold-insecure   insecure  NOERROR   -
		cold-ecdsa      ecdsa     NOERROR   -
		cold-rsa        rsa       NOERROR   -
		nxdomain-flood  flood     NXDOMAIN  -
		zipf            zipf      NOERROR   -
		cache-memory    memory    NOERROR   -
	END
}

wanted() {
	[ -z "${BENCH_CASES:-}" ] || [[ " $BENCH_CASES " == *" $1 "* ]]
}
