/*
 * The lab itself, proved with a resolver of others: when Unbound finds the answers of the table, a
 * resolver that does not is wrong, not the lab.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/lab/cases.h"
#include "tests/lab/lab.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Questions about faults that each resolver meets in its own way, or with more patience. */
static const char *const own_way[] = { "www.alldead.com",   "www.silent.com",  "www.tcnotcp.com",
				       "www.wrongname.com", "www.garbage.com", "www.cutreply.com",
				       "www.dead.com",	    NULL };

Test(peer, unbound_finds_the_answers_of_the_table)
{
	if (!harness_has_program("unbound")) {
		harness_skip("lab/peer", "unbound is not installed");
		return;
	}
	char dir[64];
	char conf[PATH_MAX];
	char log[PATH_MAX];
	char text[2048];
	harness_limit(120);
	harness_make_directory(dir);
	snprintf(conf, sizeof(conf), "%s/unbound.conf", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	snprintf(text, sizeof(text),
		 "server:\n  directory: \"%s\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n"
		 "  do-daemonize: no\n  interface: 10.1.0.54\n  access-control: 10.1.0.0/24 allow\n"
		 "  root-hints: \"%s/hints\"\n  module-config: \"iterator\"\n  verbosity: 1\n"
		 "  do-not-query-localhost: no\n  qname-minimisation: yes\n  use-caps-for-id: no\n"
		 "  outgoing-interface: 203.0.113.53\n  outgoing-interface: 2001:db8:53::53\n"
		 "remote-control:\n  control-enable: no\n",
		 dir, lab_directory());
	harness_write(dir, "unbound.conf", text);
	harness_show(log);
	char *argv[] = { "/usr/sbin/unbound", "-d", "-c", conf, NULL };
	pid_t pid = harness_spawn_in(lab_network(LAB_BOX), argv, log, NULL);

	harness_enter_network(lab_network(LAB_INSIDE));
	harness_sleep_ms(300);
	lab_ask_cases("10.1.0.54", own_way);
	kill(pid, SIGTERM);
	MUST(harness_wait(pid, 5000) == 0, "unbound did not stop");
	harness_remove_directory(dir);
}
