# SPDX-License-Identifier: BSD-2-Clause
#
# The tables for people from the measurements of a run (rows of fields separated by tabs, written by serving, resolving,
# loading and alone). Each figure is the median of its repetitions; ratios are ratios of medians.
BEGIN { FS = "\t" }

# Keep a value of a repetition; order of first appearance is the order of the tables.
function keep(what, value) { values[what, ++count[what]] = value + 0 }
function seen(list, what) {
	if (!((list, what) in known)) {
		known[list, what] = 1
		items[list, ++size[list]] = what
	}
}
function median(what,   n, i, j, t, a) {
	n = count[what]
	if (n == 0) {
		return ""
	}
	for (i = 1; i <= n; i++) {
		a[i] = values[what, i]
	}
	for (i = 2; i <= n; i++) {
		for (j = i; j > 1 && a[j - 1] > a[j]; j--) {
			t = a[j]; a[j] = a[j - 1]; a[j - 1] = t
		}
	}
	return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}
function ratio(a, b) { return a == "" || b == "" || b == 0 ? "-" : sprintf("%.2f", a / b) }
function number(format, n) { return n == "" ? "-" : sprintf(format, n) }

$1 == "skipped" { skipped[++skips] = $2 ": " $3 }
$1 == "failed" { failed[++fails] = $2 (($3 == "-") ? "" : ", " $3) ": " $4 ": " $5 }
$1 == "serving" || $1 == "resolving" {
	seen($1 "case", $2); seen($1 "mode", $3); seen($1 "server", $4)
	k = $2 SUBSEP $3 SUBSEP $4
	keep(k SUBSEP "qps", $6); keep(k SUBSEP "lost", $7); keep(k SUBSEP "us", $8)
	keep(k SUBSEP "busy", $9); keep(k SUBSEP "size", $10)
	codes[k] = $11
}
$1 == "caching" { seen("cacher", $4); keep("cache" SUBSEP $4, $9) }
$1 == "loading" {
	seen("load", $2); seen("loader", $4)
	keep($2 SUBSEP $4 SUBSEP "wall", $6 / 1e9); keep($2 SUBSEP $4 SUBSEP "cpu", $7 / 1e9)
}
$1 == "memory" {
	seen("load", $2); seen("loader", $4)
	keep($2 SUBSEP $4 SUBSEP "peak", $5 / 1048576); keep($2 SUBSEP $4 SUBSEP "steady", $6 / 1048576)
}
$1 == "instructions" { seen("alone", $2); keep($2 SUBSEP "instructions", $5) }

# part: "serving", of authorities, or "resolving".
function serving_tables(part,   c, m, s, k, name, mode, server, echo) {
	for (c = 1; c <= size[part "case"]; c++) {
		name = items[part "case", c]
		for (m = 1; m <= size[part "mode"]; m++) {
			mode = items[part "mode", m]
			printf "\n%s, %s\n", name, mode == "full" ? "full speed" : "fixed rate"
			printf "  %-13s %10s %7s %13s %7s %7s %7s  %s\n", "server", "queries/s", "lost", "CPU us/query",
				"x echo", "busy %", "octets", "replies"
			echo = median(name SUBSEP mode SUBSEP "echo" SUBSEP "us")
			for (s = 1; s <= size[part "server"]; s++) {
				server = items[part "server", s]
				k = name SUBSEP mode SUBSEP server
				if (count[k SUBSEP "us"] > 0) {
					printf "  %-13s %10.0f %7.0f %13.2f %7s %7.0f %7.0f  %s\n", server,
						median(k SUBSEP "qps"), median(k SUBSEP "lost"), median(k SUBSEP "us"),
						ratio(median(k SUBSEP "us"), echo), median(k SUBSEP "busy"),
						median(k SUBSEP "size"), server == "echo" ? "" : codes[k]
				}
			}
		}
	}
}

# The headline: one line for each case, one column for each server.
function headline(part, mode,   c, s) {
	printf "\nCPU for each query, as a multiple of the echo's, %s\n  %-15s", mode == "full" ? "full speed" : "fixed rate",
		"case"
	for (s = 1; s <= size[part "server"]; s++) {
		printf " %12s", items[part "server", s]
	}
	print ""
	for (c = 1; c <= size[part "case"]; c++) {
		printf "  %-15s", items[part "case", c]
		for (s = 1; s <= size[part "server"]; s++) {
			printf " %12s", ratio(median(items[part "case", c] SUBSEP mode SUBSEP items[part "server", s] SUBSEP "us"),
				median(items[part "case", c] SUBSEP mode SUBSEP "echo" SUBSEP "us"))
		}
		print ""
	}
}

# The least of a figure among the others; "" when there is none.
function best(name, figure,   s, v, least) {
	least = ""
	for (s = 1; s <= size["loader"]; s++) {
		v = median(name SUBSEP items["loader", s] SUBSEP figure)
		if (items["loader", s] != "bulkhead" && v != "" && (least == "" || v < least)) {
			least = v
		}
	}
	return least
}

function loading_tables(   c, s, f, name, server, k, figures, n) {
	n = split("wall cpu peak steady", figures, " ")
	for (c = 1; c <= size["load"]; c++) {
		name = items["load", c]
		printf "\n%s\n  %-13s %10s %10s %10s %10s\n", name, "server", "time s", "CPU s", "peak MB", "steady MB"
		for (s = 1; s <= size["loader"]; s++) {
			server = items["loader", s]
			k = name SUBSEP server SUBSEP
			if (count[k "wall"] + count[k "peak"] > 0) {
				printf "  %-13s %10s %10s %10s %10s\n", server, number("%.3f", median(k "wall")),
					number("%.3f", median(k "cpu")), number("%.1f", median(k "peak")),
					number("%.1f", median(k "steady"))
			}
		}
		printf "  %-13s", "ours / best"
		for (f = 1; f <= n; f++) {
			printf " %10s", ratio(median(name SUBSEP "bulkhead" SUBSEP figures[f]), best(name, figures[f]))
		}
		print ""
	}
}

function caching_table(   s, server, v, least, ours) {
	print "\ncache-memory\n  server        octets/answer"
	least = ""
	for (s = 1; s <= size["cacher"]; s++) {
		server = items["cacher", s]
		v = median("cache" SUBSEP server)
		printf "  %-13s %13.0f\n", server, v
		if (server == "bulkhead") {
			ours = v
		} else if (least == "" || v < least) {
			least = v
		}
	}
	printf "  %-13s %13s\n", "ours / best", ratio(ours, least)
}

END {
	if (size["servingcase"] > 0) {
		serving_tables("serving")
		headline("serving", "full")
		headline("serving", "fixed")
		print "\nPowerDNS answers from its packet cache, which is on by default."
	}
	if (size["resolvingcase"] > 0) {
		serving_tables("resolving")
		headline("resolving", "full")
		print "\nPowerDNS answers from its packet cache, which is on by default."
	}
	if (size["cacher"] > 0) {
		caching_table()
	}
	if (size["load"] > 0) {
		loading_tables()
	}
	if (size["alone"] > 0) {
		print "\nbulkhead alone, without the kernel\n  case             instructions/query"
		for (c = 1; c <= size["alone"]; c++) {
			printf "  %-15s %19.0f\n", items["alone", c], median(items["alone", c] SUBSEP "instructions")
		}
	}
	print ""
	for (i = 1; i <= fails; i++) {
		print "FAILED: " failed[i]
	}
	for (i = 1; i <= skips; i++) {
		print "skipped: " skipped[i]
	}
	exit fails > 0
}
