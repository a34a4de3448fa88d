# SPDX-License-Identifier: BSD-2-Clause
#
# Read by `.`: the walls of the installed appliance, as the kernel shows them to somebody outside of the
# machine. Nothing that the appliance says of itself is asked.

# Processes of the service: "PID PROGRAM".
walls_processes() {
	local status pid name
	for status in /proc/[0-9]*/status; do
		pid=${status#/proc/}
		pid=${pid%/status}
		if grep -q '/bulkhead\.service\(/\|$\)' "/proc/$pid/cgroup" 2>/dev/null; then
			name=$(cat "/proc/$pid/comm") && echo "$pid $name"
		fi
	done
}

# field PID NAME: of /proc/PID/status, with single blanks
field() {
	awk -v name="$2:" '$1 == name { $1 = ""; sub(/^ /, ""); print }' "/proc/$1/status"
}

# The line of a user or group in the machine: its number.
number_of() {
	awk -F : -v name="$2" '$1 == name { print $3 }' "$MACHINE/etc/$1"
}

# no_capability WHAT PID SET NAME...: none of these in the set. Numbers of capabilities as in linux/capability.h.
no_capability() {
	local what=$1 set name bit found=
	set=$((0x$(field "$2" "$3")))
	shift 3
	for name in "$@"; do
		bit=${name#*=}
		if [ $((set >> bit & 1)) -eq 1 ]; then
			found="$found ${name%=*}"
		fi
	done
	same "$what" "" "$found"
}

# walls_role PID PROGRAM USER: everything around one role
walls_role() {
	local pid=$1 role=$2 user=$3 uid gid set ns here wrong= link
	uid=$(number_of passwd "$user")
	gid=$(number_of group "$user")
	same "$role of $user: user" "$uid $uid $uid $uid" "$(field "$pid" Uid)"
	same "$role of $user: group, and no others" "$gid $gid $gid $gid/" "$(field "$pid" Gid)/$(field "$pid" Groups)"
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		same "$role of $user: $set is empty" 0000000000000000 "$(field "$pid" "$set")"
	done
	same "$role of $user: no new privileges" 1 "$(field "$pid" NoNewPrivs)"
	same "$role of $user: filter of system calls" 2 "$(field "$pid" Seccomp)"
	for ns in mnt pid ipc uts net; do
		here=$(readlink "/proc/$pid/ns/$ns")
		if [ "$role/$ns" = resolver/net ]; then
			same "$role of $user: is in the machine's network" "$(readlink "/proc/$INIT/ns/net")" "$here"
		elif [ -z "$here" ] || [ "$here" = "$(readlink "/proc/$SUPERVISOR/ns/$ns")" ] ||
			[ "$here" = "$(readlink "/proc/$INIT/ns/$ns")" ]; then
			fail "$role of $user: namespace $ns is not its own: $here"
		else
			pass
		fi
		[ "$role/$ns" = resolver/net ] || printf '%s\n' "$here" >>"$work/namespaces"
	done
	same "$role of $user: its root directory is empty" "" "$(ls -A "/proc/$pid/root/")"
	for link in "/proc/$pid/fd"/*; do
		case $(readlink "$link") in
		socket:* | pipe:* | anon_inode:* | /memfd:* | /dev/null) ;;
		*) wrong="$wrong $(readlink "$link")" ;;
		esac
	done
	same "$role of $user: no file or folder is open" "" "$wrong"
}

# Every process of the appliance; which there are is told by the configuration of the test.
walls_all() {
	local pid name user roles=
	SUPERVISOR=
	: >"$work/namespaces"
	walls_processes >"$work/processes"
	while read -r pid name; do
		[ "$name" != bulkheadd ] || SUPERVISOR=$pid
	done <"$work/processes"
	if [ -z "$SUPERVISOR" ]; then
		fail "there is no supervisor"
		return
	fi
	same "supervisor: it is the unit's main process" \
		"$(awk '$1 == "NSpid:" { print $NF }' "/proc/$SUPERVISOR/status")" \
		"$(inside systemctl show -p MainPID --value bulkhead)"
	same "supervisor: no new privileges" 1 "$(field "$SUPERVISOR" NoNewPrivs)"
	same "supervisor: filter of system calls" 2 "$(field "$SUPERVISOR" Seccomp)"
	no_capability "supervisor: capabilities that it can never have" "$SUPERVISOR" CapBnd \
		DAC_OVERRIDE=1 DAC_READ_SEARCH=2 FOWNER=3 NET_RAW=13 SYS_MODULE=16 SYS_RAWIO=17 SYS_PTRACE=19 SYS_BOOT=22 \
		SYS_TIME=25 MKNOD=27 SETFCAP=31 MAC_ADMIN=33 SYSLOG=34 PERFMON=38 BPF=39
	no_capability "supervisor: capabilities that it gave up after the start" "$SUPERVISOR" CapEff CHOWN=0 NET_ADMIN=12
	while read -r pid name; do
		case $name in
		bulkheadd) continue ;;
		authority)
			user=bulkhead-int
			[ "$(field "$pid" Uid | cut -d ' ' -f 1)" != "$(number_of passwd bulkhead-ext)" ] || user=bulkhead-ext
			;;
		frontend) user=bulkhead-front ;;
		resolver) user=bulkhead-res ;;
		*)
			fail "an unexpected process of the service: $name"
			continue
			;;
		esac
		roles="$roles $name/$user"
		walls_role "$pid" "$name" "$user"
	done <"$work/processes"
	same "one process for each view, a frontend and a resolver" \
		"authority/bulkhead-ext authority/bulkhead-int frontend/bulkhead-front resolver/bulkhead-res" \
		"$(tr ' ' '\n' <<<"$roles" | sort | xargs)"
	same "no two roles share a namespace" "" "$(sort "$work/namespaces" | uniq -d)"
}
