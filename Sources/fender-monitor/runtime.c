// Another OCI runtime makes the process: its command line is run here, so that who stays is the nearest subreaper, and
// gets the process when the runtime's own processes have ended.
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID_FILE, CONSOLE, CGROUP, HOME, ARGUMENTS };

/// A Unix socket that the runtime takes the master of a terminal to. It asks for a path, of at most 107 bytes.
static int listen_for_terminal(const struct monitor *m, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		fail(m, "listen", path, ENAMETOOLONG);
	strcpy(address.sun_path, path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
		fail(m, "listen", path, errno);
	return listener;
}

_Noreturn static void execute_runtime(const struct monitor *m)
{
	static char *environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	uint32_t count = m->step->strings - ARGUMENTS;
	const char **argv = calloc(count + 1, sizeof *argv);
	for (uint32_t i = 0; argv && i < count; i++)
		argv[i] = text(m, ARGUMENTS + i);
	for (int i = 0; i < 3; i++)
		if (m->stdio[i] >= 0 && dup2(m->stdio[i], i) < 0)
			_exit(126);
	umask(022);
	syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
	// Half of a container must not go on without who stays with it.
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (argv)
		execve(argv[0], (char **)argv, environment);
	_exit(127);
}

static pid_t read_pid(const struct monitor *m)
{
	char buffer[32];
	int file = open(text(m, PID_FILE), O_RDONLY | O_CLOEXEC);
	ssize_t count = file < 0 ? -1 : read(file, buffer, sizeof buffer - 1);
	if (count < 0)
		fail(m, "read pid", text(m, PID_FILE), errno);
	close(file);
	buffer[count] = 0;
	pid_t pid = (pid_t)strtol(buffer, NULL, 10);
	if (pid <= 1)
		fail(m, "read pid", text(m, PID_FILE), EBADMSG);
	return pid;
}

/// What the runtime sent is there when it has ended.
static void pass_terminal(const struct monitor *m, int listener)
{
	static const char name[] = "/dev/ptmx";
	char buffer[4096];
	int master = -1, connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection >= 0)
		fender_report_receive(connection, buffer, sizeof buffer, &master);
	if (master < 0)
		fail(m, "receive terminal", text(m, CONSOLE), errno ? errno : EBADMSG);
	if (m->console < 0)
		report_descriptor(m, FENDER_REPORT_TERMINAL, master, 0);
	else if (fender_send_descriptor(m->console, name, sizeof name - 1, master))
		fail(m, "send terminal", "", errno);
	close(master);
	close(connection);
	close(listener);
}

_Noreturn void run_runtime(struct monitor *m)
{
	int status = 0, listener = -1;
	if (m->step->strings <= ARGUMENTS)
		fail(m, "read plan", "runtime", EBADMSG);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (*text(m, CONSOLE))
		listener = listen_for_terminal(m, text(m, CONSOLE));
	pid_t runtime = fork();
	if (runtime < 0)
		fail(m, "fork", "", errno);
	if (runtime == 0)
		execute_runtime(m);
	while (waitpid(runtime, &status, 0) < 0 && errno == EINTR)
		;
	// Why is in its log, which the caller reads.
	if (status)
		fail(m, "run", text(m, ARGUMENTS), ECANCELED);
	m->pid = read_pid(m);
	if (listener >= 0)
		pass_terminal(m, listener);
	if (*text(m, CGROUP))
		gather_family(m->pid, text(m, HOME), text(m, CGROUP));
	// The process may have ended, and who stays with it will then have, too, before the caller has heard of it.
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	if (m->birth >= 0 && write(m->birth, &m->pid, sizeof m->pid) != sizeof m->pid)
		fail(m, "tell pid", "", errno);
	report(m, FENDER_REPORT_PID, "", "", 0, m->pid);
	report_and_wait(m, FENDER_REPORT_CREATED);
	_exit(0);
}
