/*
 * Building and ending the lab: namespaces, links, servers.
 *
 * A namespace lives as long as its holder, a child that only sleeps; names below /run/netns are not
 * used, so nothing stays behind whatever happens.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/lab.h"

#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/lab/hostile.h"

#include "common/dns/query.h"
#include "common/util/count.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 16

static struct {
	char dir[64];
	pid_t holders[LAB_HOSTS];
	pid_t processes[PROCESSES_MAX];
	unsigned process_count;
} lab;

/* Commands of ip(8) in each host's network; "eth0" is its end of the link to the bridge. */
static const char *const host_setup[LAB_HOSTS] = {
	[LAB_ROOT_A] = "address add 198.18.0.1/32 dev eth0\n",
	[LAB_ROOT_B] = "address add 198.18.0.2/32 dev eth0\n",
	[LAB_TLD_A] = "address add 198.18.1.1/32 dev eth0\n",
	[LAB_TLD_B] = "address add 198.18.1.2/32 dev eth0\n",
	[LAB_AUTH_A] = "address add 203.0.113.10/32 dev eth0\naddress add 203.0.113.11/32 dev eth0\n"
		       "address add 2001:db8:10::53/128 dev eth0 nodad\n",
	[LAB_AUTH_B] = "address add 203.0.113.20/32 dev eth0\naddress add 203.0.113.21/32 dev eth0\n",
	[LAB_ODD] = "address add 203.0.113.101/32 dev eth0\n", /* others are added by the loop below */
	[LAB_BOX] = "address add 203.0.113.53/32 dev eth0\naddress add 203.0.113.54/32 dev eth0\n"
		    "address add 2001:db8:53::53/128 dev eth0 nodad\n",
	[LAB_OUTSIDE] = "address add 192.0.2.10/32 dev eth0\n",
};

static pid_t make_holder(void)
{
	int ready[2];
	MUST(pipe2(ready, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
	pid_t parent = getpid();
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "lab-host");
		if (getppid() != parent || unshare(CLONE_NEWNET) != 0 || write(ready[1], "", 1) != 1) {
			_exit(1);
		}
		close_range(3, ~0u, 0);
		for (;;) {
			pause();
		}
	}
	close(ready[1]);
	char byte;
	MUST(read(ready[0], &byte, 1) == 1, "a namespace for the lab could not be made");
	close(ready[0]);
	return pid;
}

/* Run `ip -batch` with these commands in the network of a host. */
static void ip_batch(enum lab_host host, const char *commands)
{
	char name[32];
	char path[PATH_MAX];
	char log[PATH_MAX];
	snprintf(name, sizeof(name), "ip-%d", (int)host);
	snprintf(path, sizeof(path), "%s/%s", lab.dir, name);
	snprintf(log, sizeof(log), "%s/%s.log", lab.dir, name);
	harness_write(lab.dir, name, commands);
	harness_show(log);
	char *argv[] = { "ip", "-batch", path, NULL };
	pid_t pid = harness_spawn_in(lab.holders[host], argv, log, NULL);
	MUST(harness_wait(pid, 10000) == 0, "ip -batch for host %d failed", (int)host);
}

static void wire_up(void)
{
	static char text[8192];
	size_t at = (size_t)snprintf(text, sizeof(text),
				     "link set lo up\nlink add br0 type bridge stp_state 0\nlink set br0 up\n");
	for (int host = LAB_NET + 1; host < LAB_HOSTS; host++) {
		if (host == LAB_INSIDE) {
			continue;
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "link add v%d type veth peer name eth0 netns %d\n"
				       "link set v%d master br0 up\n",
				       host, (int)lab.holders[host], host);
	}
	ip_batch(LAB_NET, text);

	for (int host = LAB_NET + 1; host < LAB_HOSTS; host++) {
		if (host == LAB_INSIDE) {
			continue;
		}
		at = (size_t)snprintf(text, sizeof(text), "link set lo up\nlink set eth0 up\n%s", host_setup[host]);
		for (unsigned i = 102; host == LAB_ODD && i < 170; i++) {
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "address add 203.0.113.%u/32 dev eth0\n", i);
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "route add default dev eth0\nroute add ::/0 dev eth0\n");
		if (host == LAB_BOX) {
			snprintf(text + at, sizeof(text) - at,
				 "link add lan0 type veth peer name eth0 netns %d\n"
				 "link set lan0 up\naddress add 10.1.0.53/24 dev lan0\n"
				 "address add 10.1.0.54/24 dev lan0\naddress add 10.1.0.1/24 dev lan0\n",
				 (int)lab.holders[LAB_INSIDE]);
		}
		ip_batch((enum lab_host)host, text);
	}
	at = (size_t)snprintf(text, sizeof(text), "link set lo up\nlink set eth0 up\naddress add 10.1.0.100/24 dev eth0\n");
	for (unsigned i = 200; i < 200 + LAB_CLIENTS; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "address add 10.1.0.%u/24 dev eth0\n", i);
	}
	snprintf(text + at, sizeof(text) - at, "route add default via 10.1.0.1\n");
	ip_batch(LAB_INSIDE, text);
}

static void keep(pid_t pid)
{
	MUST(lab.process_count < PROCESSES_MAX, "too many processes");
	lab.processes[lab.process_count++] = pid;
}

static void start_server(enum lab_host host, const char *name, bool knot)
{
	char conf[PATH_MAX];
	char log[PATH_MAX];
	snprintf(conf, sizeof(conf), "%s/%s/server.conf", lab.dir, name);
	snprintf(log, sizeof(log), "%s/%s/log", lab.dir, name);
	harness_show(log);
	char *nsd[] = { "/usr/sbin/nsd", "-d", "-c", conf, NULL };
	char *knotd[] = { "/usr/sbin/knotd", "-c", conf, NULL };
	keep(harness_spawn_in(lab.holders[host], knot ? knotd : nsd, log, NULL));
}

/* A child of ours, in the network of a host, that runs `run` for good. */
struct own {
	enum lab_host host;
	const char *name;
	void (*run)(void);
};

static void be_own(void *arg)
{
	const struct own *own = arg;
	prctl(PR_SET_NAME, own->name);
	harness_enter_network(lab.holders[own->host]);
	own->run();
	_exit(1);
}

static void start_own(enum lab_host host, const char *name, void (*run)(void))
{
	struct own own = { host, name, run };
	keep(harness_beside(be_own, &own));
}

static void run_recorder(void)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/packets", lab.dir);
	lab_record(path);
}

static void run_odd(void)
{
	lab_be_odd();
}

static void run_hostile(void)
{
	lab_be_hostile(false);
}

static void run_harmless(void)
{
	lab_be_hostile(true);
}

/* Every server answers for the apex of a zone it has, asked from outside the box. */
static void wait_servers(void)
{
	static const struct {
		const char *server;
		const char *zone;
	} servers[] = { { "198.18.0.1", "." },		{ "198.18.0.2", "." },
			{ "198.18.1.1", "com." },	{ "198.18.1.2", "org." },
			{ "203.0.113.10", "alpha.com." }, { "203.0.113.20", "beta.org." },
			{ "203.0.113.101", "odd.com." },  { "203.0.113.140", "calm.com." },
			{ "203.0.113.160", "signed.com." } };
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		harness_enter_network(lab.holders[LAB_OUTSIDE]);
		for (size_t i = 0; i < COUNT(servers); i++) {
			bool ok = false;
			for (int tries = 0; tries < 50 && !ok; tries++) {
				struct ask ask = { .server = servers[i].server,
						   .name = servers[i].zone,
						   .type = RR_SOA,
						   .timeout_ms = 200 };
				const struct reply *reply = client_ask(&ask);
				ok = reply->received && reply->message.rcode == RCODE_NOERROR &&
				     (reply->message.flags & FLAG_AA) != 0;
				if (!ok) {
					harness_sleep_ms(100);
				}
			}
			if (!ok) {
				fprintf(stderr, "no answer from %s for %s\n", servers[i].server, servers[i].zone);
				_exit(1);
			}
		}
		_exit(0);
	}
	MUST(harness_wait(pid, 60000) == 0, "the lab's servers do not all answer");
}

int lab_up(void)
{
	static const char *const programs[] = { "nsd", "knotd", "ip" };
	for (size_t i = 0; i < COUNT(programs); i++) {
		if (!harness_has_program(programs[i])) {
			char why[64];
			snprintf(why, sizeof(why), "%s is not installed", programs[i]);
			return harness_skip("lab", why);
		}
	}
	harness_make_directory(lab.dir);
	for (int host = 0; host < LAB_HOSTS; host++) {
		lab.holders[host] = make_holder();
	}
	wire_up();
	lab_write_zones(lab.dir);

	/* Tests run in processes of their own and find the lab through the environment. */
	char holders[512];
	size_t at = 0;
	for (int host = 0; host < LAB_HOSTS; host++) {
		at += (size_t)snprintf(holders + at, sizeof(holders) - at, "%d ", (int)lab.holders[host]);
	}
	setenv("BULKHEAD_LAB_HOLDERS", holders, 1);
	setenv("BULKHEAD_LAB_DIR", lab.dir, 1);

	start_own(LAB_NET, "lab-recorder", run_recorder);
	start_server(LAB_ROOT_A, "root-a", false);
	start_server(LAB_ROOT_B, "root-b", true);
	start_server(LAB_TLD_A, "tld-a", false);
	start_server(LAB_TLD_B, "tld-b", true);
	start_server(LAB_AUTH_A, "auth-a", false);
	start_server(LAB_AUTH_B, "auth-b", true);
	start_own(LAB_ODD, "lab-odd", run_odd);
	start_own(LAB_ODD, "lab-hostile", run_hostile);
	start_own(LAB_ODD, "lab-harmless", run_harmless);
	wait_servers();
	return 0;
}

void lab_down(void)
{
	for (unsigned i = lab.process_count; i-- > 0;) {
		kill(lab.processes[i], SIGTERM);
	}
	for (unsigned i = lab.process_count; i-- > 0;) {
		char parent[64]; /* it may have ended before and been reaped: its number is not ours any more */
		if (harness_wait(lab.processes[i], 5000) < 0 &&
		    harness_proc_status(lab.processes[i], "PPid", parent, sizeof(parent)) &&
		    strtol(parent, NULL, 10) == getpid()) {
			kill(lab.processes[i], SIGKILL);
			waitpid(lab.processes[i], NULL, 0);
		}
	}
	for (int host = 0; host < LAB_HOSTS; host++) {
		if (lab.holders[host] > 0) {
			kill(lab.holders[host], SIGKILL);
			waitpid(lab.holders[host], NULL, 0);
		}
	}
	if (lab.dir[0] != '\0') {
		harness_remove_directory(lab.dir);
	}
}

pid_t lab_network(enum lab_host host)
{
	const char *text = getenv("BULKHEAD_LAB_HOLDERS");
	MUST(text != NULL, "the lab is not up");
	char *end = (char *)text;
	long pid = 0;
	for (int i = 0; i <= (int)host; i++) {
		pid = strtol(end, &end, 10);
	}
	MUST(pid > 0, "no holder of host %d", (int)host);
	return (pid_t)pid;
}

const char *lab_directory(void)
{
	const char *dir = getenv("BULKHEAD_LAB_DIR");
	MUST(dir != NULL, "the lab is not up");
	return dir;
}
