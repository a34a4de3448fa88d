# shellcheck shell=bash
# The same with response rate limiting on; all of dnsperf's queries come from one address, so most are limited.
RATE_LIMIT=on
. "$SERVERS/bulkhead.sh"
