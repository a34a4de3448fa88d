#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The settings of packaging/examples as they are: they load without a warning, and appliances started from them answer
# what their comments promise, in networks with their interfaces and addresses.
#
#   world    the 13 root servers, two registries, and somebody who hosts zones: an appliance too
#   office   small-office, and a client in its network
#   gateway  dmz-gateway: wan0 towards the world, lan0 towards the inside
#   branch   branch-office, with a line of its own to the world; and a client of the head office, behind lan0
#
# Changed is only what cannot be had in a closed network: places of state, and the trust in the signed root.
set -u

build=$PWD
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
name=examples
. "$source_dir/tests/packages/cases.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root: network namespaces, and starting appliances"
for tool in unshare nsenter ip dig; do
	command -v $tool >/dev/null 2>&1 || skip_all "no $tool"
done
unshare -n true 2>/dev/null || skip_all "no network namespaces here"

examples=$source_dir/packaging/examples
chmod 755 "$work"
declare -A network # name of a network: process that holds it
declare -A daemon  # the same: process id of its bulkheadd

end() {
	for process in "${daemon[@]}" "${network[@]}"; do
		kill "$process" 2>/dev/null
		wait "$process" 2>/dev/null
	done
	rm -rf "$work"
}
trap end EXIT

# --- networks ---------------------------------------------------------------------------------------------------

# inside NETWORK COMMAND...
inside() {
	nsenter -t "${network[$1]}" -n -- "${@:2}"
}

make_network() {
	# It has its namespace when it says so.
	mkfifo "$work/fifo"
	unshare -n sh -c "echo >'$work/fifo'; exec sleep 1200" &
	network[$1]=$!
	read -r _ <"$work/fifo"
	rm "$work/fifo"
	inside "$1" ip link set lo up
}

# address NETWORK DEVICE ADDRESS...
address() {
	for one in "${@:3}"; do
		case $one in
		*:*) inside "$1" ip address add "$one" dev "$2" nodad ;;
		*) inside "$1" ip address add "$one" dev "$2" ;;
		esac || return 1
	done
}

# connect NETWORK DEVICE NETWORK DEVICE
connect() {
	inside "$1" ip link add "$2" type veth peer name "$4" netns "${network[$3]}" &&
		inside "$1" ip link set "$2" up && inside "$3" ip link set "$4" up
}

make_networks() {
	for one in world office gateway branch; do
		make_network $one
	done
	connect office line world office && connect gateway wan0 world gateway && connect branch line world branch &&
		connect gateway lan0 branch tunnel || return 1
	address world office 192.0.2.1/24 && address office line 192.0.2.2/24 || return 1
	address world branch 198.51.100.1/24 && address branch line 198.51.100.2/24 || return 1
	address world gateway 203.0.113.1/24 2001:db8:113::1/64 || return 1
	address gateway wan0 203.0.113.10/24 203.0.113.53/24 2001:db8:113::53/64 || return 1
	address gateway lan0 10.20.0.53/16 10.20.0.54/16 fd20:20::53/48 fd20:20::54/48 || return 1
	address branch tunnel 10.20.0.100/16 fd20:20::100/48 || return 1
	address branch lo 10.30.7.53/32 10.30.7.100/32 fd20:30:7::53/128 fd20:30:7::100/128 || return 1
	address office lo 192.168.10.2/32 192.168.10.3/32 192.168.10.100/32 || return 1
	address office lo fd10:5::2/128 fd10:5::3/128 fd10:5::100/128 || return 1
	# Not the world's addresses of root servers alone: clients that are nobody's.
	address world lo 198.18.0.1/32 198.18.0.2/32 2001:db8:ffff::1/128 || return 1
	for root in $roots; do
		address world lo "$root/32" || return 1
	done
	inside world sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' || return 1
	inside office ip route add default via 192.0.2.1 && inside branch ip route add default via 198.51.100.1 &&
		inside gateway ip route add default via 203.0.113.1 &&
		inside gateway ip -6 route add default via 2001:db8:113::1 &&
		inside gateway ip route add 10.30.0.0/16 dev lan0 &&
		inside gateway ip -6 route add fd20:30::/48 dev lan0
}

# As they are built in, from the root's hints (root-servers.net).
roots='198.41.0.4 170.247.170.2 192.33.4.12 199.7.91.13 192.203.230.10 192.5.5.241 192.112.36.4 198.97.190.53
192.36.148.17 192.58.128.30 193.0.14.129 199.7.83.42 202.12.27.33'

# --- appliances --------------------------------------------------------------------------------------------------

soa='@ 300 SOA a.root-servers.net. hostmaster.invalid. 1 1800 900 604800 300'

make_world() {
	mkdir "$work/world"
	printf '%s\n' '$TTL 300' '$ORIGIN .' "$soa" '@ NS a.root-servers.net.' 'a.root-servers.net. A 198.41.0.4' \
		'com NS tld.servers.' 'net NS tld.servers.' 'example NS tld.servers.' 'arpa NS tld.servers.' \
		'tld.servers. A 198.18.0.1' 'host.servers. A 198.18.0.2' >"$work/world/root.zone"
	printf '%s\n' '$TTL 300' '$ORIGIN com.' "$soa" '@ NS tld.servers.' 'example NS ns1.example' \
		'ns1.example A 203.0.113.53' >"$work/world/com.zone"
	printf '%s\n' '$TTL 300' '$ORIGIN net.' "$soa" '@ NS tld.servers.' 'example NS host.servers.' \
		>"$work/world/net.zone"
	printf '%s\n' '$TTL 300' '$ORIGIN example.' "$soa" '@ NS tld.servers.' 'office NS host.servers.' \
		>"$work/world/example.zone"
	printf '%s\n' '$TTL 300' '$ORIGIN arpa.' "$soa" '@ NS tld.servers.' >"$work/world/arpa.zone"
	printf '%s\n' '$TTL 300' '$ORIGIN example.net.' "$soa" '@ NS host.servers.' 'www A 198.18.0.80' \
		'status A 198.18.0.81' 'rebind A 10.20.1.80' >"$work/world/example.net.zone"
	printf '%s\n' '$TTL 300' '$ORIGIN office.example.' "$soa" '@ NS host.servers.' '@ MX 10 mail' \
		'www A 198.18.0.82' 'mail A 198.18.0.83' >"$work/world/office.example.zone"
	listen=
	for root in $roots; do
		listen="$listen${listen:+, }\"$root\""
	done
	cat >"$work/world/bulkhead.conf" <<-EOF
		appliance {
			workers = 1
		}
		view "root" { listen = { $listen } zones-dir = "."
			zone "." { file = "root.zone" } }
		view "tld" { listen = { "198.18.0.1" } zones-dir = "." zone "com" { file = "com.zone" }
			zone "net" { file = "net.zone" } zone "example" { file = "example.zone" } zone "arpa" { file = "arpa.zone" } }
		view "hosting" { listen = { "198.18.0.2" } zones-dir = "."
			zone "example.net" { file = "example.net.zone" } zone "office.example" { file = "office.example.zone" } }
	EOF
}

# take NETWORK FOLDER: the setting, with places below the work folder and no trust in a root that is not the real one.
take() {
	mkdir -p "$work/run"
	[ "$2" = "$work/$1" ] || cp -R "$2" "$work/$1"
	chmod -R u+w,a+rX "$work/$1"
	sed -i -e "s,^appliance {,&\n\trun-dir = \"$work/run/$1\"\n\tstate-dir = \"$work/run/$1.state\"," \
		-e 's,^resolver {,&\n\tdomain-insecure = { "." },' "$work/$1/bulkhead.conf"
}

test_setting() {
	inside "$1" "$build/bulkheadd" -t -L "$work/roles" -c "$work/$1/bulkhead.conf" >"$work/tested" 2>&1
	status=$?
	cat "$work/tested"
	[ $status -eq 0 ] && grep -q ': 0 errors, 0 warnings$' "$work/tested"
}

# Ready: every role runs.
start() {
	nsenter -t "${network[$1]}" -n -- "$build/bulkheadd" -f -L "$work/roles" -c "$work/$1/bulkhead.conf" \
		>"$work/$1.log" 2>&1 & # not `inside`, whose process would be a shell
	daemon[$1]=$!
	for _ in $(seq 300); do
		"$build/bulkheadctl" -s "$work/run/$1/control.sock" status >"$work/status" 2>&1 && return 0
		kill -0 "${daemon[$1]}" 2>/dev/null || break
		sleep 0.2
	done
	cat "$work/$1.log" "$work/status"
	return 1
}

# answer NETWORK SOURCE SERVER NAME TYPE: data of the answer sorted and on one line, or its status. The UDP reply, and the
# TCP reply must say the same.
answer() {
	for transport in +notcp +tcp; do
		inside "$1" dig $transport +time=5 +tries=2 +noall +comments +answer -b "$2" @"$3" "$4" "$5" 2>&1 |
			awk '/status:/ { status = $0; sub(/.*status: /, "", status); sub(/,.*/, "", status) }
				/^[^;]/ && NF >= 5 { data = $5; for (i = 6; i <= NF; i++) { data = data " " $i } print data; any = 1 }
				END { if (!any) { print status == "" ? "no reply" : status == "NOERROR" ? "no data" : status } }' |
			LC_ALL=C sort | paste -s -d ' ' >"$work/answer.$transport"
	done
	if cmp -s "$work/answer.+notcp" "$work/answer.+tcp"; then
		cat "$work/answer.+tcp"
	else
		echo "UDP: $(cat "$work/answer.+notcp"), TCP: $(cat "$work/answer.+tcp")"
	fi
}

# ask NETWORK SOURCE SERVER NAME TYPE EXPECTED
ask() {
	same "$1: $4 $5 at $3 from $2" "$6" "$(answer "$1" "$2" "$3" "$4" "$5")"
}

# --- all together ------------------------------------------------------------------------------------------------

mkdir "$work/roles"
for role in "$build"/{authority,frontend,resolver,compiler,monitor}; do
	[ ! -x "$role" ] || cp "$role" "$work/roles"
done
chmod 755 "$work/roles"/*
expect "networks" make_networks
make_world
take world "$work/world"
take office "$examples/small-office"
take gateway "$examples/dmz-gateway"
take branch "$examples/branch-office"
for one in world office gateway branch; do
	expect "$one loads without a warning" test_setting $one
done
for one in world gateway office branch; do
	expect "$one starts" start $one
done
if [ "$failed" -gt 0 ]; then
	finish
fi

client=192.168.10.100
ask office $client 192.168.10.2 nas.lan.office.example A 192.168.10.20
ask office fd10:5::100 fd10:5::2 nas.lan.office.example AAAA fd10:5::20
ask office 127.0.0.1 127.0.0.1 files.lan.office.example A "192.168.10.20 nas.lan.office.example."
ask office $client 192.168.10.2 nowhere.lan.office.example A NXDOMAIN
ask office $client 192.168.10.2 20.10.168.192.in-addr.arpa PTR nas.lan.office.example.
ask office $client 192.168.10.2 www.office.example A 192.168.10.20
ask office $client 192.168.10.2 mail.office.example A 198.18.0.83
ask office $client 192.168.10.2 office.example MX "10 mail.office.example."
ask office $client 192.168.10.2 www.example.net A 198.18.0.80
ask office $client 192.168.10.2 www.example.com A 203.0.113.80
ask office $client 192.168.10.2 rebind.example.net A "no data"
ask office $client 192.168.10.3 nas.lan.office.example A 192.168.10.20
ask office $client 192.168.10.3 www.example.net A REFUSED
ask office 192.0.2.2 192.168.10.2 www.example.net A REFUSED

client=10.20.0.100
ask branch $client 10.20.0.54 portal.corp.example A 10.20.1.80
ask branch fd20:20::100 fd20:20::54 portal.corp.example AAAA fd20:20:0:1::80
ask branch $client 10.20.0.54 80.1.20.10.in-addr.arpa PTR portal.corp.example.
ask branch $client 10.20.0.54 mail.example.com A 10.20.1.25
ask branch $client 10.20.0.54 www.example.com A 203.0.113.80
ask branch $client 10.20.0.54 status.corp.example A "198.18.0.81 status.example.net."
ask branch $client 10.20.0.54 www.example.net A 198.18.0.80
ask branch $client 10.20.0.54 rebind.example.net A "no data"
ask branch $client 10.20.0.53 mail.example.com A 10.20.1.25
ask branch $client 10.20.0.53 www.example.net A REFUSED
# What the world sees, at wan0 only.
ask world 198.18.0.1 203.0.113.53 mail.example.com A 203.0.113.25
ask world 2001:db8:ffff::1 2001:db8:113::53 www.example.com AAAA 2001:db8:113::80
ask world 198.18.0.1 203.0.113.53 80.113.0.203.in-addr.arpa PTR www.example.com.
ask world 198.18.0.1 203.0.113.53 portal.corp.example A REFUSED
ask world 198.18.0.1 203.0.113.53 www.example.net A REFUSED
inside world ip route add 10.20.0.53/32 via 203.0.113.53 # a stranger who knows the way
same "world: nothing of the inside at the other interface" "no reply" \
	"$(inside world dig +time=1 +tries=1 +notcp -b 203.0.113.1 @10.20.0.53 portal.corp.example A 2>&1 |
		grep -q 'status:' && echo reply || echo "no reply")"

client=10.30.7.100
ask branch $client 10.30.7.53 portal.corp.example A 10.20.1.80
ask branch fd20:30:7::100 fd20:30:7::53 wiki.corp.example A "10.20.1.80 portal.corp.example."
ask branch $client 10.30.7.53 80.1.20.10.in-addr.arpa PTR portal.corp.example.
ask branch $client 10.30.7.53 nowhere.corp.example A NXDOMAIN
ask branch $client 10.30.7.53 www.example.net A 198.18.0.80
ask branch $client 10.30.7.53 www.example.com A 203.0.113.80
ask branch 198.51.100.2 10.30.7.53 www.example.net A REFUSED
# The tunnel is down: the Internet goes on.
inside branch ip link set tunnel down
ask branch $client 10.30.7.53 status.example.net A 198.18.0.81
ask branch $client 10.30.7.53 print.b07.corp.example A SERVFAIL

if [ "$failed" -gt 0 ]; then
	for one in world office gateway branch; do
		echo "--- $one"
		grep -v Landlock "$work/$one.log"
	done
fi
for one in branch office gateway world; do
	kill "${daemon[$one]}"
	wait "${daemon[$one]}"
	same "$one stops" 0 $?
done
daemon=()
finish
