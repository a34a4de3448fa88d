# shellcheck shell=bash
# BIND: one thread, authority only, zone text (no raw files), no logging but errors.

missing() {
	command -v named >/dev/null || echo "named is not installed"
}

configure() {
	local dir=$1 address=$2 list=$3
	{
		cat <<-END
			options {
			    directory "$dir";
			    pid-file none;
			    session-keyfile none;
			    listen-on port $PORT { $address; };
			    listen-on-v6 { none; };
			    recursion no;
			    allow-transfer { none; };
			    notify no;
			    dnssec-validation no;
			    empty-zones-enable no;
			    tcp-clients 1000;
			};
			logging {
			    channel errors { stderr; severity error; };
			    category default { errors; };
			    category queries { null; };
			    category query-errors { null; };
			};
			key "control" { algorithm hmac-sha256; secret "YmVuY2ggb25seSwgb24gbG9vcGJhY2s="; };
			controls { inet $address port $CONTROL_PORT allow { any; } keys { "control"; }; };
		END
		awk -v zones="$ZONES" '{ printf "zone \"%s\" { type primary; file \"%s/%s\"; };\n", $1, zones, $2 }' \
			"$list"
	} >"$dir/named.conf"
	cat >"$dir/rndc.conf" <<-END
		key "control" { algorithm hmac-sha256; secret "YmVuY2ggb25seSwgb24gbG9vcGJhY2s="; };
		options { default-key "control"; default-server $address; default-port $CONTROL_PORT; };
	END
}

command_line() {
	printf '%s\n' named -f -n 1 -U 1 -c "$1/named.conf"
}

reload() {
	rndc -c "$1/rndc.conf" reload "$2" >/dev/null
}
