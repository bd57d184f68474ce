/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for systemd in a namespace: a service manager for one unit that keeps descriptors.
 *
 *     manager DIRECTORY PROGRAM [ARGUMENT...]
 *
 * Runs the program, with `--cleanup` after it has ended, as the unit does. $NOTIFY_SOCKET and the
 * message bus that answers for the unit's job are in DIRECTORY. As in systemd, the job of a start is
 * there until READY, also after a crash. A line of standard input is a command:
 *
 *     kill [N MS]       SIGKILL; a new process starts (Restart=on-failure). N times, MS after each READY
 *     watchdog          SIGABRT, as to a process that does not report in time
 *     term              SIGTERM without a job, e.g. systemctl kill
 *     stop, restart     SIGTERM with that job. `restart` takes N and MS too
 *     reload            runs the shell command $RELOAD, with that job
 *     hold, release     SIGSTOP, SIGCONT
 *     quit              when the unit is dead
 *
 * $JUNK=yes: the second process is also given descriptors that are not its own.
 * $BY_WORKER=FIRST: it gets the queues from FIRST on with the names that earlier versions gave them, by worker.
 * $KEEP=no: it keeps no descriptors (FileDescriptorStoreMax=0). $MUTE=yes: the bus does not answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define MAX_STORE 80

static struct {
	char *directory, **argv;
	sd_event *event;
	sd_bus *bus;
	pid_t main, post, reload;
	const char *job, *result;
	struct {
		char name[32];
		int fd;
	} store[MAX_STORE];
	size_t n_stored;
	const char *again; /* the command to repeat */
	unsigned int times, pause_ms, lives;
	struct timespec died;
	uint64_t waited_ns; /* for a processor since then, by whom READY had to wait for */
	bool overdue;	    /* the watchdog ends the process */
	bool quit;
} m;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static const char *path_of(const char *name)
{
	static char path[108];

	(void)snprintf(path, sizeof(path), "%s/%s", m.directory, name);
	return path;
}

static int listen_at(const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of(name));
	(void)unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 8) < 0))
		fail(name);
	return fd;
}

/* ---- processes ------------------------------------------------------------------------------- */

static int on_child(sd_event_source *source, const siginfo_t *info, void *closure);

static void pass_store(void)
{
	char names[MAX_STORE * 33] = "", number[16];
	int high[MAX_STORE];

	for (size_t i = 0; i < m.n_stored; i++)
		high[i] = fcntl(m.store[i].fd, F_DUPFD, FIRST_FD + MAX_STORE + 100);
	for (size_t i = 0; i < m.n_stored; i++) {
		(void)dup2(high[i], FIRST_FD + (int)i);
		(void)strcat(strcat(names, i ? ":" : ""), m.store[i].name);
	}
	(void)close_range(FIRST_FD + (unsigned int)m.n_stored, ~0u, 0);
	(void)snprintf(number, sizeof(number), "%zu", m.n_stored);
	(void)setenv("LISTEN_FDS", number, 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	(void)snprintf(number, sizeof(number), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", number, 1);
}

/* 0: in the new process. */
static pid_t begin(void)
{
	sigset_t none;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid) {
		if (sd_event_add_child(m.event, NULL, pid, WEXITED, on_child, NULL) < 0)
			fail("child");
		return pid;
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

static pid_t run(bool cleanup)
{
	char *argv[64] = {0};
	size_t n = 0;
	pid_t pid = begin();

	if (pid)
		return pid;
	for (; m.argv[n] && n < 62; n++)
		argv[n] = m.argv[n];
	if (cleanup) {
		argv[n] = strdup("--cleanup");
		(void)setenv("SERVICE_RESULT", m.result, 1);
	} else {
		(void)setenv("NOTIFY_SOCKET", path_of("notify"), 1);
		if (m.n_stored)
			pass_store();
	}
	execv(argv[0], argv);
	_exit(127);
}

static pid_t run_reload(void)
{
	pid_t pid = begin();

	if (pid)
		return pid;
	(void)execl("/bin/sh", "sh", "-c", getenv("RELOAD"), NULL);
	_exit(127);
}

static void forget(size_t i)
{
	(void)close(m.store[i].fd);
	m.store[i] = m.store[--m.n_stored];
}

static void add(const char *name, int fd)
{
	(void)snprintf(m.store[m.n_stored].name, sizeof(m.store[0].name), "%s", name);
	m.store[m.n_stored++].fd = fd;
}

/* In front of those of the same name that are right. */
static void add_junk(void)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	size_t n = m.n_stored;

	add("queue0", socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	add("silent", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	add("queue0", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
	add("weather", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
	add("record", open("/dev/null", O_RDWR | O_CLOEXEC));
	if (unshare(CLONE_NEWNET) < 0)
		fail("unshare");
	add("table", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
	if (setns(here, CLONE_NEWNET) < 0)
		fail("setns");
	(void)close(here);
	for (size_t i = 0; i < n; i++) {
		const typeof(m.store[0]) entry = m.store[0];

		memmove(m.store, m.store + 1, (m.n_stored - 1) * sizeof(entry));
		m.store[m.n_stored - 1] = entry;
	}
}

/* How long this process was ready to run, and did not. 0: a kernel that does not say. */
static uint64_t waited_ns(pid_t pid)
{
	unsigned long long ran, waited = 0;
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	(void)fclose(f);
	return waited;
}

static void name_by_worker(unsigned int first)
{
	unsigned int number;

	for (size_t i = 0; i < m.n_stored; i++)
		if (sscanf(m.store[i].name, "queue%u", &number) == 1)
			(void)snprintf(m.store[i].name, sizeof(m.store[i].name), "queue%u",
				       number - first);
}

static void start(void)
{
	const char *junk = getenv("JUNK"), *first = getenv("BY_WORKER");

	m.lives++;
	m.job = "start";
	if (m.lives == 2 && junk && !strcmp(junk, "yes"))
		add_junk();
	if (m.lives == 2 && first)
		name_by_worker((unsigned int)atoi(first));
	m.main = run(false);
	printf("life %u process %d\n", m.lives, (int)m.main);
}

static void main_ended(const siginfo_t *info)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &m.died);
	m.waited_ns = -waited_ns(getpid());
	m.main = 0;
	m.result = m.overdue			 ? "watchdog"
		   : info->si_code != CLD_EXITED ? "signal"
		   : info->si_status		 ? "exit-code"
						 : "success";
	m.overdue = false;
	printf("ended %s %d\n", m.result, info->si_status);
	if (!m.reload)
		m.post = run(true);
}

static bool has_job(const char *type)
{
	return m.job && !strcmp(m.job, type);
}

/* If both have ended, systemd looks at the main process first. */
static void reload_ended(const siginfo_t *info)
{
	siginfo_t ended = {0};

	m.reload = 0;
	printf("reloaded %d\n", info->si_status);
	if (!m.main)
		m.post = run(true);
	else if (has_job("reload") &&
		 waitid(P_PID, (id_t)m.main, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		 !ended.si_pid)
		m.job = NULL;
}

static void post_ended(const siginfo_t *info)
{
	m.waited_ns += waited_ns(m.post);
	m.post = 0;
	if (info->si_code != CLD_EXITED || info->si_status)
		printf("cleanup failed %d\n", info->si_status);
	if (has_job("restart") ||
	    (!has_job("stop") && (!strcmp(m.result, "signal") || !strcmp(m.result, "watchdog")))) {
		start();
		return;
	}
	while (m.n_stored)
		forget(0);
	m.job = NULL;
	printf("dead %s\n", m.result);
	if (m.quit)
		(void)sd_event_exit(m.event, 0);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *closure)
{
	(void)closure;
	/* it is freed: the number of the process may come again */
	(void)sd_event_source_set_floating(source, 0);
	if (info->si_pid == m.main)
		main_ended(info);
	else if (info->si_pid == m.post)
		post_ended(info);
	else if (info->si_pid == m.reload)
		reload_ended(info);
	return 0;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void act(const char *command)
{
	if (!m.main)
		return;
	if (!strcmp(command, "kill")) {
		(void)kill(m.main, SIGKILL);
	} else if (!strcmp(command, "restart") || !strcmp(command, "stop")) {
		m.job = *command == 'r' ? "restart" : "stop";
		(void)kill(m.main, SIGTERM);
	} else if (!strcmp(command, "reload") && !m.reload) {
		m.job = "reload";
		m.reload = run_reload();
	} else if (!strcmp(command, "watchdog")) {
		m.overdue = true;
		(void)kill(m.main, SIGABRT);
	} else if (!strcmp(command, "term")) {
		(void)kill(m.main, SIGTERM);
	} else if (!strcmp(command, "hold") || !strcmp(command, "release")) {
		(void)kill(m.main, *command == 'h' ? SIGSTOP : SIGCONT);
	}
}

static int on_pause(sd_event_source *source, uint64_t usec, void *closure)
{
	(void)usec;
	(void)closure;
	sd_event_source_unref(source);
	if (m.times && m.times--)
		act(m.again);
	return 0;
}

static int on_command(sd_event_source *source, int fd, uint32_t revents, void *closure)
{
	static char line[256];
	static const char *const repeated[] = {"kill", "restart"};
	char word[32] = "";
	unsigned int n = 1, ms = 0;

	(void)source;
	(void)fd;
	(void)revents;
	(void)closure;
	if (!fgets(line, sizeof(line), stdin))
		return sd_event_exit(m.event, 0);
	if (sscanf(line, "%31s %u %u", word, &n, &ms) < 1)
		return 0;
	if (!strcmp(word, "quit")) {
		m.quit = true;
		return m.main || m.post || m.reload ? 0 : sd_event_exit(m.event, 0);
	}
	if (!strcmp(word, "start") && !m.main)
		start();
	m.times = n - 1;
	m.pause_ms = ms;
	for (size_t i = 0; i < 2; i++)
		if (!strcmp(word, repeated[i]))
			m.again = repeated[i];
	act(word);
	return 0;
}

/* ---- notifications --------------------------------------------------------------------------- */

static void ready(void)
{
	struct timespec now;
	sd_event_source *timer = NULL;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	m.waited_ns += waited_ns(m.main) + waited_ns(getpid());
	if (m.lives == 1) {
		m.died = now;
		m.waited_ns = 0;
	}
	printf("READY life %u after %lld ms, %llu without a processor, %zu held\n", m.lives,
	       (long long)(now.tv_sec - m.died.tv_sec) * 1000 +
		   (now.tv_nsec - m.died.tv_nsec) / 1000000,
	       (unsigned long long)m.waited_ns / 1000000, m.n_stored);
	m.job = NULL;
	if (m.times)
		(void)sd_event_add_time_relative(m.event, &timer, CLOCK_MONOTONIC,
						 m.pause_ms * 1000u, 1000, on_pause, NULL);
	else
		printf("idle %u\n", m.lives);
}

static void keep(const char *name, const int *fds, size_t n)
{
	const char *no = getenv("KEEP");

	for (size_t i = 0; i < n; i++) {
		if (m.n_stored == MAX_STORE || (no && !strcmp(no, "no"))) {
			(void)close(fds[i]);
			continue;
		}
		add(name, fds[i]);
	}
}

static void take_notice(char *text, const int *fds, size_t n_fds)
{
	bool store = false, unstore = false, is_ready = false;
	char *name = NULL, *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		store |= !strcmp(line, "FDSTORE=1");
		unstore |= !strcmp(line, "FDSTOREREMOVE=1");
		is_ready |= !strcmp(line, "READY=1");
		if (!strncmp(line, "FDNAME=", 7))
			name = line + 7;
		if (!strncmp(line, "STATUS=", 7) || !strncmp(line, "STOPPING=", 9))
			printf("%s\n", line);
	}
	if (store)
		keep(name ? name : "stored", fds, n_fds);
	for (size_t i = m.n_stored; unstore && name && i-- > 0;)
		if (!strcmp(m.store[i].name, name))
			forget(i);
	if (is_ready)
		ready();
}

static int on_notice(sd_event_source *source, int fd, uint32_t revents, void *closure)
{
	char text[4096], control[CMSG_SPACE(64 * sizeof(int))];
	struct iovec iov = {text, sizeof(text) - 1};
	struct msghdr message = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int fds[64];
	size_t n_fds = 0;
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	(void)source;
	(void)revents;
	(void)closure;
	if (n < 0)
		return 0;
	text[n] = '\0';
	c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
	}
	take_notice(text, fds, n_fds);
	return 0;
}

/* ---- the bus --------------------------------------------------------------------------------- */

#define UNIT "/org/freedesktop/systemd1/unit/nsgd_2eservice"
#define JOB "/org/freedesktop/systemd1/job/1"

static int hello(sd_bus_message *message, void *closure, sd_bus_error *error)
{
	(void)closure;
	(void)error;
	return sd_bus_reply_method_return(message, "s", ":1.1");
}

static int unit_of(sd_bus_message *message, void *closure, sd_bus_error *error)
{
	uint32_t pid = 0;

	(void)closure;
	if (sd_bus_message_read(message, "u", &pid) < 0 ||
	    ((pid_t)pid != m.main && (pid_t)pid != m.post))
		return sd_bus_error_set(error, "org.freedesktop.systemd1.NoUnitForPID", "none");
	return sd_bus_reply_method_return(message, "o", UNIT);
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *closure, sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)closure;
	(void)error;
	if (!strcmp(property, "Job"))
		return sd_bus_message_append(reply, "(uo)", m.job ? 1u : 0u, m.job ? JOB : "/");
	if (!strcmp(property, "JobType"))
		return sd_bus_message_append(reply, "s", m.job ? m.job : "none");
	return sd_bus_message_append(reply, "u", (uint32_t)m.n_stored);
}

static const sd_bus_vtable bus_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Hello", "", "s", hello, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
static const sd_bus_vtable manager_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetUnitByPID", "u", "o", unit_of, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
static const sd_bus_vtable unit_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Job", "(uo)", get_property, 0, 0),
    SD_BUS_VTABLE_END,
};
static const sd_bus_vtable service_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("NFileDescriptorStore", "u", get_property, 0, 0),
    SD_BUS_VTABLE_END,
};
static const sd_bus_vtable job_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("JobType", "s", get_property, 0, 0),
    SD_BUS_VTABLE_END,
};

static const struct {
	const char *path, *interface;
	const sd_bus_vtable *table;
} objects[] = {
    {"/org/freedesktop/DBus", "org.freedesktop.DBus", bus_table},
    {"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", manager_table},
    {UNIT, "org.freedesktop.systemd1.Unit", unit_table},
    {UNIT, "org.freedesktop.systemd1.Service", service_table},
    {JOB, "org.freedesktop.systemd1.Job", job_table},
};

/* One client at a time: nsgd, then its cleanup. */
static int on_client(sd_event_source *source, int fd, uint32_t revents, void *closure)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	const char *mute = getenv("MUTE");
	sd_id128_t id = {0};

	(void)source;
	(void)revents;
	(void)closure;
	if (client < 0 || (mute && !strcmp(mute, "yes")))
		return 0;
	m.bus = sd_bus_close_unref(m.bus);
	id.bytes[0] = 1;
	if (sd_bus_new(&m.bus) < 0 || sd_bus_set_fd(m.bus, client, client) < 0 ||
	    sd_bus_set_server(m.bus, 1, id) < 0)
		fail("bus");
	(void)sd_bus_set_close_on_exit(m.bus, 0);
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (sd_bus_add_object_vtable(m.bus, NULL, objects[i].path, objects[i].interface,
					     objects[i].table, NULL) < 0)
			fail(objects[i].path);
	/* the client may be gone already */
	if (sd_bus_start(m.bus) < 0 || sd_bus_attach_event(m.bus, m.event, 0) < 0)
		m.bus = sd_bus_close_unref(m.bus);
	return 0;
}

int main(int argc, char **argv)
{
	char address[128];
	sigset_t child;
	int notify, bus;

	if (argc < 3) {
		fprintf(stderr, "usage: manager DIRECTORY PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	m.directory = argv[1];
	m.argv = argv + 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	notify = listen_at("notify", SOCK_DGRAM);
	bus = listen_at("bus", SOCK_STREAM);
	(void)snprintf(address, sizeof(address), "unix:path=%s/bus", m.directory);
	(void)setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	/* The descriptor of a process is readable before its tracer has let it go (strace). */
	(void)setenv("SYSTEMD_PIDFD", "0", 1);
	if (sd_event_new(&m.event) < 0 ||
	    sd_event_add_io(m.event, NULL, notify, EPOLLIN, on_notice, NULL) < 0 ||
	    sd_event_add_io(m.event, NULL, bus, EPOLLIN, on_client, NULL) < 0 ||
	    sd_event_add_io(m.event, NULL, STDIN_FILENO, EPOLLIN, on_command, NULL) < 0)
		fail("event loop");
	start();
	return sd_event_loop(m.event) < 0;
}
