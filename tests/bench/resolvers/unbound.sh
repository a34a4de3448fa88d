# shellcheck shell=bash
# Unbound: one thread. Validation and QNAME minimisation as by default, and the hardening that the sample configuration
# recommends and is on by default; 0x20 (use-caps-for-id) off, as it comes. Signals about trust anchors (RFC 8145) off.

missing() {
	command -v unbound >/dev/null || echo "unbound is not installed"
}

configure() {
	local dir=$1 address=$2 net=$3
	cat >"$dir/unbound.conf" <<-END
		server:
		    num-threads: 1
		    interface: $address@$PORT
		    access-control: 127.0.0.0/8 allow
		    do-ip6: no
		    do-daemonize: no
		    username: ""
		    chroot: ""
		    directory: "$dir"
		    pidfile: ""
		    use-syslog: no
		    logfile: ""
		    verbosity: 0
		    module-config: "validator iterator"
		    root-hints: "$net/root.hints"
		    trust-anchor-file: "$net/root.anchor"
		    trust-anchor-signaling: no
		    qname-minimisation: yes
		    harden-glue: yes
		    harden-dnssec-stripped: yes
		    harden-below-nxdomain: yes
		    rrset-cache-size: 170M
		    msg-cache-size: 85M
		    rrset-cache-slabs: 1
		    msg-cache-slabs: 1
		    infra-cache-slabs: 1
		    key-cache-slabs: 1
		remote-control:
		    control-enable: no
	END
}

command_line() {
	printf '%s\n' unbound -d -p -c "$1/unbound.conf"
}
