# SPDX-License-Identifier: BSD-2-Clause
#
# Read by `.`: a Debian in a folder, booted by systemd-nspawn, with a network of its own.
#
# Everything here runs in a mount and a PID namespace that the test made for itself, and in control groups of its own: what
# is left over at the end, however it ends, ends with them. Once the machine runs, the test's network namespace is the world
# outside; the machine's is held by a process that sleeps, so that it outlives a reboot.
#
#   MACHINE   folder of its files
#   NETNS     process that holds its network namespace
#   NSPAWN    process of systemd-nspawn
#   INIT      process 1 of the machine, as seen from here

MACHINE=$work/machine
PACKAGES="systemd,systemd-sysv,dbus"
LIBRARIES="libcap-ng0,libconfuse2,libevent-core-2.1-7,libevent-extra-2.1-7,libexpat1,libseccomp2,libssl3,libzscanner4"

# The mirror that this system uses, so that nothing else need be reachable.
machine_mirror() {
	apt-get indextargets --format '$(SITE)' "Created-By: Packages" "Codename: bookworm" "Component: main" |
		head -n 1
}

# Debian 12, with what the package depends on. In memory: dpkg waits for the disk after each file otherwise.
machine_make() {
	mount -t tmpfs -o mode=755,size=2g packages "$MACHINE" || return 1
	# Where systemd-nspawn keeps locks: not those of the system around.
	mkdir -p /run/systemd/nspawn && mount -t tmpfs -o mode=755 packages /run/systemd/nspawn || return 1
	if [ -n "${PACKAGES_BASE:-}" ]; then
		tar -x -f "$PACKAGES_BASE" -C "$MACHINE" || return 1
	else
		timeout 400 debootstrap --variant=minbase --include="$PACKAGES,$LIBRARIES" bookworm "$MACHINE" \
			"$(machine_mirror)" || return 1
		rm -f "$MACHINE"/var/cache/apt/archives/*.deb
	fi
	echo machine >"$MACHINE/etc/hostname"
}

# Two links between the machine and the world: lan and wan. Addresses are the test's own.
machine_network() {
	unshare -n sleep infinity &
	NETNS=$!
	within 5 own_network "$NETNS" || return 1
	ip link set lo up &&
		ip link add lan type veth peer name lan netns "$NETNS" &&
		ip link add wan type veth peer name wan netns "$NETNS" &&
		ip address add 10.53.0.1/24 dev lan && ip address add fd53::1/64 dev lan nodad &&
		ip address add 203.0.113.1/24 dev wan &&
		ip link set lan up && ip link set wan up &&
		in_network ip link set lo up &&
		in_network ip address add 10.53.0.53/24 dev lan && in_network ip address add 10.53.0.54/24 dev lan &&
		in_network ip address add fd53::53/64 dev lan nodad &&
		in_network ip address add 203.0.113.53/24 dev wan &&
		in_network ip link set lan up && in_network ip link set wan up &&
		in_network ip route add default via 203.0.113.1
}

own_network() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# A program of this system in the machine's network.
in_network() {
	nsenter -t "$NETNS" -n -- "$@"
}

machine_start() {
	# One hierarchy of control groups, as every Debian 12 has it, also where the system around has several. More than
	# the usual system calls: a booted machine that is no container has no such filter.
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q --register=no --keep-unit --directory="$MACHINE" \
		--machine=bulkhead-packages --boot --network-namespace-path="/proc/$NETNS/ns/net" --resolv-conf=off \
		--timezone=off --link-journal=no --console=pipe --system-call-filter=bpf \
		--system-call-filter=@sandbox </dev/null >>"$work/console" 2>&1 &
	NSPAWN=$!
}

# Process 1 of the machine is the only child of systemd-nspawn that is in another PID namespace.
machine_find_init() {
	local pid
	INIT=
	for pid in $(children "$NSPAWN"); do
		if [ "$(readlink "/proc/$pid/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]; then
			INIT=$pid
		fi
	done
	[ -n "$INIT" ] && [ "$(cat "/proc/$INIT/comm")" = systemd ]
}

# A program of the machine, in the machine.
inside() {
	nsenter -t "$INIT" -m -u -i -n -p -C -- /usr/bin/env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive timeout 120 "$@"
}

machine_is_up() {
	machine_find_init && inside systemctl is-system-running --quiet
}

# Until every unit has started.
machine_boot() {
	machine_start
	within 60 machine_is_up
}

# A reboot, asked for inside: systemd-nspawn either does it itself or ends and says so.
machine_reboot() {
	local before=$INIT status=0
	inside systemctl reboot
	within 60 ended "$before" || return 1
	sleep 0.5
	if [ ! -d "/proc/$NSPAWN" ] || [ -z "$(children "$NSPAWN")" ]; then
		wait "$NSPAWN" || status=$?
		[ "$status" -eq 133 ] || return 1
		machine_start
	fi
	within 60 machine_is_up
}

ended() {
	[ ! -d "/proc/$1" ]
}

machine_stop() {
	inside systemctl poweroff
	within 30 ended "$NSPAWN"
}

# Every file of the machine with its mode and owner, but for what belongs to the running system, to dpkg's own
# database, and what any installation of users or units renews.
machine_files() {
	inside find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/lib/dpkg \
		-o -path /run -o -path /var/cache/ldconfig -o -path /var/lib/systemd/random-seed \
		-o -path /root/bulkhead \) -prune -o -printf '%p %y %m %U:%G\n' | LC_ALL=C sort
}
