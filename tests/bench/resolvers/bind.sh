# shellcheck shell=bash
# BIND: one thread, recursion and validation. QNAME minimisation "relaxed", cookies and all else as by default; without the
# empty zones that are built in and without signals about trust anchors (RFC 8145).

missing() {
	command -v named >/dev/null || echo "named is not installed"
}

configure() {
	local dir=$1 address=$2 net=$3
	{
		cat <<-END
			options {
			    directory "$dir";
			    pid-file none;
			    session-keyfile none;
			    listen-on port $PORT { $address; };
			    listen-on-v6 { none; };
			    allow-query { 127.0.0.0/8; };
			    recursion yes;
			    dnssec-validation yes;
			    trust-anchor-telemetry no;
			    empty-zones-enable no;
			    max-cache-size 256M;
			};
			logging {
			    channel errors { stderr; severity error; };
			    category default { errors; };
			    category queries { null; };
			    category query-errors { null; };
			    category lame-servers { null; };
			    category dnssec { null; };
			};
			controls { };
			zone "." { type hint; file "$net/root.hints"; };
			trust-anchors {
		END
		awk '{ printf "    %s static-ds %s %s %s \"%s%s\";\n", $1, $4, $5, $6, $7, $8 }' "$net/root.anchor"
		echo "};"
	} >"$dir/named.conf"
}

command_line() {
	printf '%s\n' named -4 -f -n 1 -U 1 -c "$1/named.conf"
}
