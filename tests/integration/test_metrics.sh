#!/bin/bash
# What the monitor serves, as Prometheus, Grafana and a browser see it: promtool finds no fault in the metrics and the
# rules, every metric that rules and dashboard name is really there, and Chromium shows the status page with and without
# its script. SPDX-License-Identifier: BSD-2-Clause
#
# Runs from the build directory, as root; starts a little appliance in a network namespace of its own. What is not
# installed is skipped, and named. KEEP=DIR: screenshots are left there.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
build=${BULKHEAD_BUILD_DIR:-$PWD}

skip() { echo "SKIPPED: metrics: $1"; exit 77; }
fail() { echo "FAILED: metrics: $1"; [ -f "$dir/log" ] && tail -20 "$dir/log"; exit 1; }

[ "$(id -u)" = 0 ] || skip "needs root"
if [ -z "${BULKHEAD_METRICS_INSIDE:-}" ]; then
	unshare --net true 2>/dev/null || skip "no network namespaces here"
	BULKHEAD_METRICS_INSIDE=1 exec unshare --net bash "$0" "$@"
fi
command -v curl >/dev/null || skip "curl is not installed"
ip link set lo up || skip "no loopback"

dir=$(mktemp -d /tmp/bulkhead-metrics-XXXXXX)
chmod 755 "$dir"
pid=
finish() {
	[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT

mkdir -p "$dir/programs" "$dir/zones"
for role in authority frontend resolver compiler monitor; do
	cp "$build/$role" "$dir/programs/" || fail "no program $role in $build"
done
cat >"$dir/zones/root.zone" <<'END'
$ORIGIN .
$TTL 300
@ SOA ns.example. hostmaster.example. 1 1800 900 604800 300
@ NS ns.example.
ns.example. A 127.0.0.1
END
cat >"$dir/zones/example.zone" <<'END'
$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 2026112101 1800 900 604800 300
@ NS ns
ns A 127.0.0.1
END
cat >"$dir/bulkhead.conf" <<END
appliance { workers = 1 run-dir = "$dir/run" state-dir = "$dir/state" }
view "external" {
	listen = { "127.0.0.1@5300" }
	zones-dir = "zones"
	zone "." { file = "root.zone" }
	zone "example" { file = "example.zone" }
}
resolver {
	listen = { "127.0.0.1@5301" }
	forward "." { to = { "127.0.0.1@5300" } }
	domain-insecure = { "." }
}
monitor { }
END
"$build/bulkheadd" -f -L "$dir/programs" -c "$dir/bulkhead.conf" >"$dir/log" 2>&1 &
pid=$!
url=http://127.0.0.1:9953
for _ in $(seq 150); do
	[ "$(curl -s -o "$dir/health" -w '%{http_code}' $url/healthz)" = 200 ] && break
	sleep 0.1
done
[ "$(cat "$dir/health")" = ok ] || fail "not healthy: $(cat "$dir/health")"

curl -sf $url/metrics >"$dir/metrics" || fail "no metrics"
# Names of samples, and of those that come to be only when there is something to count.
sed -n 's/^\([a-z_]*\)[{ ].*/\1/p' "$dir/metrics" | sort -u >"$dir/names"
[ "$(wc -l <"$dir/names")" -gt 70 ] || fail "only $(wc -l <"$dir/names") metrics"
for file in packaging/prometheus/bulkhead.yml packaging/grafana/bulkhead.json; do
	grep -o 'bulkhead_[a-z_]*' "$source/$file" | sort -u >"$dir/named"
	[ "$(wc -l <"$dir/named")" -gt 10 ] || fail "$file names hardly a metric"
	missing=$(comm -23 "$dir/named" "$dir/names")
	[ -z "$missing" ] || fail "$file: there is no $(echo $missing)"
done

partly=
if command -v promtool >/dev/null; then
	promtool check metrics <"$dir/metrics" >"$dir/promtool" 2>&1 && [ ! -s "$dir/promtool" ] ||
		fail "promtool check metrics: $(cat "$dir/promtool")"
	promtool check rules "$source/packaging/prometheus/bulkhead.yml" >"$dir/promtool" 2>&1 || fail "$(cat "$dir/promtool")"
	(cd "$source/packaging/prometheus" && promtool test rules bulkhead.test.yml) >"$dir/promtool" 2>&1 ||
		fail "$(cat "$dir/promtool")"
	# Each rule has a test.
	for alert in $(sed -n 's/.*alert: //p' "$source/packaging/prometheus/bulkhead.yml"); do
		grep -q "alertname: $alert\$" "$source/packaging/prometheus/bulkhead.test.yml" || fail "no test of $alert"
	done
else
	partly="$partly promtool"
fi
if command -v python3 >/dev/null; then
	python3 - "$source/packaging/grafana/bulkhead.json" <<'END' || fail "the dashboard"
import json, sys
panels = json.load(open(sys.argv[1]))["panels"]
assert len(panels) > 20 and len({p["id"] for p in panels}) == len(panels)
place = set()
for p in panels:
    g = p["gridPos"]
    assert g["x"] + g["w"] <= 24 and p["targets"]
    cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
    assert not place & cells, p["title"]
    place |= cells
END
else
	partly="$partly python3"
fi

# --- a browser ---
chromium=$(command -v chromium || command -v chromium-browser)
if [ -n "$chromium" ]; then
	# The first points of the plots.
	for _ in $(seq 7); do
		curl -s -o /dev/null $url/
		sleep 1
	done
	browse() {
		HOME=$dir timeout 90 "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
			--user-data-dir="$dir/browser" --enable-logging=stderr --v=0 "$@" 2>"$dir/browser.log"
	}
	browse --virtual-time-budget=4000 --dump-dom $url/ >"$dir/dom"
	grep -q '<h1 id="verdict">All is well' "$dir/dom" || fail "the page does not say that all is well: $(tail -5 "$dir/browser.log")"
	[ "$(grep -o '<polyline class="queries"' "$dir/dom" | wc -l)" = 3 ] || fail "not three plots in the page"
	! grep -iE 'Content Security Policy|Uncaught|Refused to|CONSOLE.*error' "$dir/browser.log" ||
		fail "the browser complains"
	# A profile in which scripts are blocked, as by a careful visitor.
	rm -rf "$dir/browser"
	mkdir -p "$dir/browser/Default"
	echo '{"profile":{"default_content_setting_values":{"javascript":2}}}' >"$dir/browser/Default/Preferences"
	browse --dump-dom $url/ >"$dir/plain"
	grep -q '<h1 id="verdict">All is well' "$dir/plain" && grep -q 'authority\[external\]/0' "$dir/plain" ||
		fail "without its script the page is empty"
	! grep -q '<polyline' "$dir/plain" || fail "the script ran though scripts are off: this says nothing"
	rm -rf "$dir/browser"
	browse --window-size=1180,1000 --virtual-time-budget=4000 --screenshot="$dir/page.png" $url/ >/dev/null
	[ "$(stat -c %s "$dir/page.png" 2>/dev/null || echo 0)" -gt 20000 ] || fail "no picture of the page"
	[ -z "${KEEP:-}" ] || cp "$dir/page.png" "$KEEP/"
else
	partly="$partly chromium"
fi
if [ -n "$partly" ]; then
	echo "SKIPPED: metrics: parts that need$partly"
fi
echo "metrics: $(wc -l <"$dir/names") names"
