/*
 * bulkheadd, the supervisor: arguments, places, signals, start and end. It opens sockets, starts roles
 * and hands descriptors out; it never parses DNS and never reads a zone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <config.h> /* of the build, not our own */

#include "common/ipc/link.h"
#include "common/ipc/loop.h"
#include "common/util/clock.h"
#include "daemons/supervisor/check.h"
#include "daemons/supervisor/control.h"
#include "daemons/supervisor/elder.h"
#include "daemons/supervisor/inspect.h"
#include "daemons/supervisor/instance.h"
#include "daemons/supervisor/local.h"
#include "daemons/supervisor/notify.h"
#include "daemons/supervisor/rehearsal.h"
#include "daemons/supervisor/saver.h"
#include "daemons/supervisor/signals.h"
#include "daemons/supervisor/sweep.h"
#include "daemons/supervisor/takeover.h"
#include "daemons/supervisor/tracking.h"
#include "daemons/supervisor/trust.h"
#include "daemons/supervisor/upgrade.h"
#include "daemons/supervisor/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	const char *conf_path;
	const char *role_dir;
	bool foreground;
	bool test;
	bool listen;
	bool journal;  /* standard error is the journal */
	int report_fd; /* -1: none */
	int record_fd; /* of the state of a program that this one takes over from; -1: none */
	bool rehearse; /* only say whether it could */
};

/* How often the end of roles is looked at while stopping. */
#define STOP_POLL_MS 20

static void usage(FILE *out)
{
	fprintf(out, "usage: bulkheadd [-c FILE] [-f] [-t | -l] [-L DIR] [-V] [-h]\n"
		     "  -c FILE  configuration (default " BH_CONF_FILE ")\n"
		     "  -f       stay in the foreground, log to standard error\n"
		     "  -t       test the configuration and all zones, then exit\n"
		     "  -l       test whether the listening addresses are free, then exit\n"
		     "  -L DIR   role programs are in DIR (default " BH_ROLE_DIR ")\n"
		     "  -V       print the version\n");
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	int opt;
	*o = (struct options){ .conf_path = BH_CONF_FILE, .role_dir = BH_ROLE_DIR, .report_fd = -1,
			       .record_fd = -1 };
	while ((opt = getopt(argc, argv, "c:ftlL:r:u:nVh")) != -1) {
		switch (opt) {
		case 'c':
			o->conf_path = optarg;
			break;
		case 'f':
			o->foreground = true;
			break;
		case 't':
			o->test = true;
			break;
		case 'l':
			o->listen = true;
			break;
		case 'L':
			o->role_dir = optarg;
			break;
		case 'r': /* for bulkheadctl check: findings go to this descriptor */
			o->report_fd = atoi(optarg);
			break;
		case 'u': /* from an earlier bulkheadd, see upgrade.h */
			o->record_fd = atoi(optarg);
			break;
		case 'n':
			o->rehearse = true;
			break;
		case 'V':
			printf("bulkheadd %s\n", PACKAGE_VERSION);
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			return false;
		}
	}
	if (optind != argc || (o->test && o->listen)) {
		usage(stderr);
		return false;
	}
	return true;
}

/*
 * Started with one of them closed, the next file opened takes its place: the log would be written into a
 * socket, and detaching would close it.
 */
static void take_standard_descriptors(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_RDWR); /* the lowest number that is free */
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0) {
		_exit(1); /* nowhere to say why */
	}
	close(fd);
}

/* --- places ------------------------------------------------------------------------------------------ */

static void make_dir(const char *path, mode_t mode)
{
	struct stat st;
	if (mkdir(path, mode) != 0 && errno != EEXIST) {
		log_fatal("cannot make directory %s: %m", path);
	}
	/* Somebody else's directory would let its owner swap what we trust in it. */
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0) {
		log_fatal("%s must be a directory that only root can write", path);
	}
}

/* The run directory and its lock, held until the process ends. */
static int take_run_dir(const char *run_dir)
{
	char path[PATH_MAX];

	make_dir(run_dir, 0755);
	if (snprintf(path, sizeof(path), "%s/lock", run_dir) >= (int)sizeof(path)) {
		log_fatal("run-dir is too long");
	}
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_fatal("cannot open %s: %m", path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		log_fatal("another bulkheadd uses %s", run_dir);
	}
	return fd;
}

static void look_at_programs(struct program *program, const char *role_dir)
{
	if (program_look(program, role_dir) != BH_OK) {
		log_fatal("the program cannot be found");
	}
}

/* Sockets, images and pipes of large configurations; the kernel's default soft limit is 1024. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		log_fatal("cannot read the limit of descriptors: %m");
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		log_fatal("cannot raise the limit of descriptors: %m");
	}
}

/* --- background ---------------------------------------------------------------------------------------- */

/*
 * Go to the background; the parent waits until the appliance is ready and exits with what the child writes.
 * Returns the pipe to write to.
 */
static int detach(void)
{
	int fds[2];
	char status = 1;

	if (pipe2(fds, O_CLOEXEC) != 0) {
		log_fatal("pipe: %m");
	}
	pid_t pid = fork();
	if (pid < 0) {
		log_fatal("fork: %m");
	}
	if (pid > 0) {
		close(fds[1]);
		ssize_t n = read(fds[0], &status, 1); /* end of file: the child died, status stays 1 */
		_exit(n == 1 ? status : 1);
	}
	close(fds[0]);
	if (setsid() < 0 || chdir("/") != 0) {
		log_fatal("cannot detach: %m");
	}
	return fds[1];
}

static void tell_parent(int fd)
{
	char status = 0;
	log_set_syslog("bulkheadd"); /* up to here standard error had its reader */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) {
		log_fatal("cannot let go of the terminal: %m");
	}
	close(null);
	if (write(fd, &status, 1) != 1) {
		log_warn("nobody waits for the start: %m");
	}
	close(fd);
}

/* --- changes: what their end means ------------------------------------------------------------------ */

struct daemon {
	struct supervisor sup;
	int ready_fd; /* -1: foreground, or told already */
	bool journal;		/* standard error is the journal: every line has its level in front */
	struct event *watchdog; /* NULL: nobody watches */
	struct signals *signals;
};

static void on_finding(void *ctx, const struct zone_finding_info *f)
{
	struct daemon *d = ctx;
	if (f->file[0] == '\0') {
		(f->warning ? log_warn : log_err)("zone %s view=%s: %s", f->zone, f->view, f->text);
	} else {
		(f->warning ? log_warn : log_err)("%s:%u: zone %s view=%s: %s", f->file, f->line, f->zone, f->view,
						  f->text);
	}
	control_finding(&d->sup, f);
}

static void on_config_error(void *ctx, const char *file, unsigned line, const char *text)
{
	struct daemon *d = ctx;
	if (d->sup.current.number == 0 && !d->journal) { /* start: the bare line, as a compiler would print it */
		if (line > 0) {
			fprintf(stderr, "%s:%u: %s\n", file, line, text);
		} else {
			fprintf(stderr, "%s: %s\n", file, text);
		}
		return;
	}
	if (line > 0) {
		log_err("%s:%u: %s", file, line, text);
	} else {
		log_err("%s: %s", file, text);
	}
	control_finding(&d->sup, &(struct zone_finding_info){
					 .view = "", .zone = "", .file = file, .line = line, .text = text });
}

static void on_started(void *ctx, bool ok, unsigned failed_zones, const char *text)
{
	struct daemon *d = ctx;
	if (!ok) {
		log_err("not started: %s", text);
		supervisor_stop(&d->sup, 1);
		return;
	}
	if (failed_zones > 0) {
		log_err("started, but zones are not served count=%u", failed_zones);
	} else {
		const struct zone_set *zones = d->sup.current.zones;
		log_info("started version=%s views=%zu zones=%zu compiled=%u loaded=%u workers=%u", PACKAGE_VERSION,
			 d->sup.current.config->view_count, zones->count, zones->compiled, zones->loaded,
			 d->sup.current.config->workers);
	}
	notify("READY=1\nSTATUS=generation %u, %u zones not served\nMAINPID=%d", (unsigned)d->sup.current.number,
	       failed_zones, (int)getpid());
	if (d->ready_fd >= 0) {
		tell_parent(d->ready_fd);
		d->ready_fd = -1;
	}
}

static void on_reloaded(void *ctx, bool ok, unsigned failed_zones, const char *text)
{
	struct daemon *d = ctx;
	char answer[IPC_TEXT_MAX];
	unsigned number = d->sup.current.number;
	const struct zone_set *zones = d->sup.current.zones;

	if (!ok) {
		log_err("reload failed, generation %u stays in service: %s", number, text);
		snprintf(answer, sizeof(answer), "reload failed, generation %u stays in service: %.400s", number, text);
	} else if (failed_zones > 0) {
		log_err("reloaded generation=%u, zones that do not compile count=%u", number, failed_zones);
		snprintf(answer, sizeof(answer),
			 "generation %u is in service, but %u zones do not compile; %u compiled, %u kept, %u loaded", number,
			 failed_zones, zones->compiled, zones->kept, zones->loaded);
	} else {
		log_info("reloaded generation=%u zones=%zu compiled=%u kept=%u loaded=%u", number, zones->count,
			 zones->compiled, zones->kept, zones->loaded);
		snprintf(answer, sizeof(answer), "generation %u is in service: %u zones compiled, %u kept, %u loaded",
			 number, zones->compiled, zones->kept, zones->loaded);
	}
	control_reloaded(&d->sup, ok && failed_zones == 0 ? 0 : 2, answer);
	if (takeover_running(&d->sup)) {
		takeover_changed(&d->sup, ok, text);
	}
	notify("READY=1\nSTATUS=%s", answer);
}

bool supervisor_reload(struct supervisor *sup)
{
	static const struct change_ops ops = { .finding = on_finding,
					       .config_error = on_config_error,
					       .done = on_reloaded };
	struct daemon *d = (struct daemon *)sup;
	if (sup->stopping) {
		return false;
	}
	if (sup->change != NULL || sup->upgrade != NULL) {
		sup->reload_wanted = true;
		return true;
	}
	sup->reload_wanted = false;
	control_reload_begins(sup);
	notify_reloading();
	if (change_begin(sup, &ops, d) != BH_OK) {
		log_err("no reload: out of memory");
		control_reloaded(sup, 2, "out of memory");
		notify("READY=1");
	}
	return true;
}

bool supervisor_upgrade(struct supervisor *sup, char *why, size_t why_size)
{
	bool waits = sup->change != NULL && sup->current.number != 0 && sup->elders == NULL && !sup->stopping;
	if (waits) {
		sup->upgrade_wanted = true;
	}
	return waits || upgrade_begin(sup, why, why_size);
}

static void on_reload_timer(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *sup = arg;
	char why[IPC_TEXT_MAX];
	(void)fd;
	(void)what;
	if (sup->upgrade_wanted && sup->change == NULL) {
		sup->upgrade_wanted = false;
		if (upgrade_begin(sup, why, sizeof(why))) {
			return; /* a reload that is wanted follows it */
		}
		control_upgraded(sup, 2, why);
		if (!sup->reload_wanted) {
			return;
		}
	}
	(void)supervisor_reload(sup); /* false: it stops, and nobody waits any more */
}

void supervisor_reload_later(struct supervisor *sup)
{
	event_active(sup->reload_timer, EV_TIMEOUT, 0);
}

/* --- the end ---------------------------------------------------------------------------------------------- */

/* Has all been written, or did it take too long? Asked when roles are gone, since they may have news until then. */
static bool all_saved(struct supervisor *sup)
{
	if (sup->stop_save_ms == 0) {
		sup->stop_save_ms = clock_now_ms();
		tracking_flush(sup);
		saver_hurry(sup->saver);
	}
	return saver_is_done(sup->saver) || clock_now_ms() - sup->stop_save_ms >= SAVER_PATIENCE_SEC * 1000;
}

/* Clients' side first, so that what they wait for can still be answered from behind. */
static void on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *sup = arg;
	const struct timeval again = { .tv_usec = STOP_POLL_MS * 1000 };
	(void)fd;
	(void)what;

	if (instance_any_running(sup, ROLE_BIT(ROLE_FRONTEND)) || elder_any(sup, ROLE_BIT(ROLE_FRONTEND))) {
		event_add(sup->stop_timer, &again);
		return;
	}
	instance_stop_all(sup, ROLES_LASTING, false);
	if (!elder_stopping(sup)) {
		elder_stop_all(sup, ~0u);
	}
	if (instance_any_running(sup, ROLES_LASTING) || elder_any(sup, ~0u) || !all_saved(sup)) {
		event_add(sup->stop_timer, &again);
		return;
	}
	event_base_loopbreak(sup->base);
}

void supervisor_stop(struct supervisor *sup, int exit_status)
{
	if (sup->stopping) {
		return;
	}
	sup->stopping = true;
	sup->exit_status = exit_status;
	notify("STOPPING=1");
	change_cancel(sup);
	upgrade_cancel(sup);
	instance_stop_all(sup, ROLE_BIT(ROLE_FRONTEND), false);
	elder_stop_all(sup, ROLE_BIT(ROLE_FRONTEND));
	event_active(sup->stop_timer, EV_TIMEOUT, 0);
}

/* --- signals ------------------------------------------------------------------------------------------------ */

static void on_signal(void *ctx, int signo)
{
	struct daemon *d = ctx;
	int status;
	pid_t pid;

	switch (signo) {
	case SIGCHLD:
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (!instance_child_ended(&d->sup, pid, status) && !elder_child_ended(&d->sup, pid, status) &&
			    !upgrade_child_ended(&d->sup, pid, status) && !change_child_ended(&d->sup, pid, status) &&
			    !inspect_child_ended(&d->sup, pid, status) && !saver_child_ended(d->sup.saver, pid, status)) {
				log_debug("child of a change that was given up ended pid=%d", (int)pid);
			}
		}
		break;
	case SIGHUP:
		log_info("reload by signal");
		d->sup.cause = (struct zone_cause){ .kind = ZONE_CAUSE_SIGNAL, .uid = UINT32_MAX };
		if (d->sup.change != NULL) {
			log_info("a change is under way, the reload begins after it");
		}
		if (!supervisor_reload(&d->sup)) {
			log_warn("no reload, the appliance stops");
		}
		break;
	default:
		log_info("stopping by signal %d", signo);
		supervisor_stop(&d->sup, 0);
		break;
	}
}

static void close_up(struct daemon *d, const char *run_dir)
{
	struct supervisor *sup = &d->sup;
	instance_free_all(sup);
	takeover_end(sup);
	local_remove(sup);
	if (sup->control != NULL) {
		control_tell_stopped(sup->control);
	}
	control_free(sup->control, run_dir);
	listener_clear(&sup->listeners);
	query_link_clear(&sup->links);
	shared_settle(&sup->shared, NULL);
	saver_free(sup->saver);
	sweep_end(sup->sweeper);
	inspect_end(sup);
	tracking_end(sup);
	zone_set_free(sup->current.zones);
	config_free(sup->current.config);
	signals_free(d->signals);
	if (d->watchdog != NULL) {
		event_free(d->watchdog);
	}
	event_free(sup->stop_timer);
	event_free(sup->reload_timer);
	trust_end(sup);
	watch_end(sup);
	program_release(&sup->program);
	event_base_free(sup->base);
}

/* What a start and a takeover have in common. */
static void begin(struct daemon *d, int control_fd)
{
	struct supervisor *sup = &d->sup;
	sup->base = loop_new();
	sup->stop_timer = sup->base == NULL ? NULL : event_new(sup->base, -1, 0, on_stop_timer, sup);
	sup->reload_timer = sup->base == NULL ? NULL : event_new(sup->base, -1, 0, on_reload_timer, sup);
	if (sup->stop_timer == NULL || sup->reload_timer == NULL) {
		log_fatal("out of memory");
	}
	if (signals_watch(sup->base, on_signal, d, &d->signals) != BH_OK) {
		log_fatal("cannot watch signals: %m");
	}
	sup->saver = saver_new(sup);
	sup->sweeper = sup->saver == NULL ? NULL : sweep_start(sup);
	if (sup->sweeper == NULL) {
		log_fatal("out of memory");
	}
	int rc = notify_watchdog_start(sup->base, &d->watchdog);
	if (rc == BH_ENOMEM) {
		log_fatal("out of memory");
	}
	if (rc != BH_OK) {
		log_warn("WATCHDOG_USEC or WATCHDOG_PID is no number: no signs of life to the service manager");
	}
	sup->control = control_new(sup, control_fd);
	if (sup->control == NULL) {
		log_fatal("out of memory");
	}
}

static int serve(struct daemon *d, const char *run_dir)
{
	if (event_base_dispatch(d->sup.base) < 0) {
		log_fatal("event loop: %m");
	}
	close_up(d, run_dir);
	log_info("stopped");
	return d->sup.exit_status;
}

static int run(const struct options *o, const struct program *program)
{
	static struct daemon d = { .ready_fd = -1 };
	static const struct change_ops ops = { .finding = on_finding,
					       .config_error = on_config_error,
					       .done = on_started };
	char why[IPC_TEXT_MAX];
	char conf_path[PATH_MAX];

	d.journal = o->journal;
	/* Read once for the places that must be taken before privileges go; the change reads it again. */
	struct config *config = config_load(o->conf_path, on_config_error, &d);
	if (config == NULL) {
		return 1;
	}
	char *run_dir = config->run_dir;
	config->run_dir = NULL;
	log_set_level(config->log_level);
	config_free(config);
	if (realpath(o->conf_path, conf_path) == NULL) {
		log_fatal("%s: %m", o->conf_path);
	}
	if (!o->foreground) {
		d.ready_fd = detach();
	}
	raise_file_limit();
	d.sup.lock_fd = take_run_dir(run_dir);
	int control_fd = control_socket(run_dir, why, sizeof(why));
	if (control_fd < 0) {
		log_fatal("control socket: %s", why);
	}
	local_raise(&d.sup); /* tries it out with a child: before children are waited for */

	d.sup.conf_path = conf_path;
	d.sup.foreground = o->foreground;
	d.sup.started_ms = clock_now_ms();
	d.sup.next_id = 1;
	d.sup.next_generation = 1;
	d.sup.cause = (struct zone_cause){ .kind = ZONE_CAUSE_START, .uid = UINT32_MAX };
	d.sup.program = *program;
	begin(&d, control_fd);
	if (sandbox_enter_supervisor(why, sizeof(why)) != BH_OK) {
		log_fatal("wall: %s", why);
	}
	if (change_begin(&d.sup, &ops, &d) != BH_OK) {
		log_fatal("cannot begin");
	}
	int status = serve(&d, run_dir);
	free(run_dir);
	return status;
}

/*
 * In the process of the program before. Signals have been waiting since (signals.h); roles of its version serve. There is no way
 * back: what fails here ends the appliance, its roles die with it, and the service manager starts it anew.
 */
static int take_over(const struct options *o)
{
	static struct daemon d = { .ready_fd = -1 };
	static struct state state;
	char why[IPC_TEXT_MAX];
	char conf_path[PATH_MAX];
	char run_dir[PATH_MAX];

	d.journal = o->journal;
	if (takeover_read(o->record_fd, &state, why, sizeof(why)) != BH_OK) {
		log_fatal("takeover: %s", why);
	}
	(void)prctl(PR_SET_NAME, "bulkheadd", 0, 0, 0); /* exec by descriptor has made it a number */
	if (!state.foreground) {
		log_set_syslog("bulkheadd");
	}
	log_set_level((enum log_level)state.log_level);
	takeover_keep_descriptors(&state);
	raise_file_limit();
	snprintf(conf_path, sizeof(conf_path), "%s", state.conf_path);
	snprintf(run_dir, sizeof(run_dir), "%s", state.run_dir);
	d.sup.conf_path = conf_path;
	d.sup.foreground = state.foreground;
	d.sup.lock_fd = state.lock_fd;
	d.sup.cause = (struct zone_cause){ .kind = ZONE_CAUSE_START, .uid = UINT32_MAX };
	look_at_programs(&d.sup.program, state.role_dir);
	if (program_hold(&d.sup.program, why, sizeof(why)) != BH_OK) {
		/* They were all there when this program was asked. Those before serve on, and it is looked for again. */
		log_err("role program %s", why);
	}
	begin(&d, state.control_fd);
	if (sandbox_resume_supervisor(&state.walls, why, sizeof(why)) != BH_OK) {
		log_fatal("wall: %s", why);
	}
	takeover_adopt(&d.sup, &state);
	log_info("took over version=%s from=%s generation=%u roles=%u", PACKAGE_VERSION, d.sup.takeover.from,
		 (unsigned)state.generation, elder_count(&d.sup));
	state_clear(&state, false);
	if (!supervisor_reload(&d.sup)) {
		log_fatal("cannot begin");
	}
	return serve(&d, run_dir);
}

int main(int argc, char **argv)
{
	static struct program program;
	struct options o;
	char role_dir[PATH_MAX];
	char why[IPC_TEXT_MAX];

	take_standard_descriptors();
	if (!parse_options(argc, argv, &o)) {
		return 1;
	}
	/* The journal reads the "<N>" prefix (sd-daemon(3)). */
	o.journal = notify_is_journal(STDERR_FILENO, getenv("JOURNAL_STREAM"));
	log_set_fd(STDERR_FILENO, o.journal);
	umask(022);
	if (geteuid() != 0) {
		log_fatal("must be started as root: it builds the walls between its roles");
	}
	if (o.record_fd >= 0) {
		return o.rehearse ? rehearsal_run(o.record_fd) : take_over(&o);
	}
	if (o.listen) {
		return check_listen(o.conf_path);
	}
	if (realpath(o.role_dir, role_dir) == NULL) {
		log_fatal("role programs: %s: %m", o.role_dir);
	}
	look_at_programs(&program, role_dir);
	if (program_hold(&program, why, sizeof(why)) != BH_OK) {
		log_fatal("role program %s", why);
	}
	if (!o.test) {
		return run(&o, &program);
	}
	if (o.report_fd >= 0 && fcntl(o.report_fd, F_SETFD, FD_CLOEXEC) != 0) {
		log_fatal("descriptor %d: %m", o.report_fd);
	}
	if (sandbox_enter_supervisor(why, sizeof(why)) != BH_OK) {
		log_fatal("wall: %s", why);
	}
	return check_run(o.conf_path, &program, o.report_fd);
}
