#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// The working directory, made when missing, which must lie in the container (CVE-2024-21626).
static void enter_directory(struct monitor *m)
{
	char path[4096];
	const char *wanted = text(m, 0);
	if (m->root >= 0) {
		int made = make_directory_in_root(m, wanted, 0755);
		close(made);
	}
	if (chdir(wanted))
		fail(m, "enter working directory", wanted, errno);
	// The kernel says "(unreachable)" of a directory outside of our root; getcwd(3) makes an error of it.
	if (!getcwd(path, sizeof path) || path[0] != '/')
		fail(m, "enter working directory", wanted, ENOENT);
}

static void load_filter(struct monitor *m)
{
	uint32_t length = 0;
	const char *filter = fender_step_string(m->step, 0, &length);
	struct sock_fprog program = {(unsigned short)(length / sizeof(struct sock_filter)), (void *)filter};
	long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned)N(0), &program);
	if (listener < 0)
		fail(m, "load seccomp filter", "", errno);
	if (N(1)) {
		report_descriptor(m, FENDER_REPORT_LISTENER, (int)listener, 0);
		close((int)listener);
	}
}

/// Why a file can't be run as a program by us, or 0. Its directories may be closed to us.
static int trouble(const char *path)
{
	struct stat status;
	if (stat(path, &status))
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? errno : 0;
}

/// Looks a program up as execvp(3) does, so that a missing one is known before the container counts as made.
static void find(struct monitor *m)
{
	const char *name = text(m, 0), *path = text(m, 1);
	int worst = ENOENT;
	if (strchr(name, '/')) {
		int code = trouble(name);
		if (code || strlen(name) >= sizeof m->program)
			fail(m, "exec", name, code ? code : ENAMETOOLONG);
		strcpy(m->program, name);
		return;
	}
	while (*name) {
		size_t length = strcspn(path, ":");
		int count = snprintf(m->program, sizeof m->program, "%.*s/%s", length ? (int)length : 1,
				     length ? path : ".", name);
		int code = count < (int)sizeof m->program ? trouble(m->program) : ENAMETOOLONG;
		if (!code)
			return;
		if (code == EACCES)
			worst = code;
		if (!path[length])
			break;
		path += length + 1;
	}
	fail(m, worst == ENOENT ? "find executable in $PATH" : "exec", name, worst);
}

/// Waits for `start`, which opens the FIFO that we hold open, and writes a byte.
static void wait_start(struct monitor *m)
{
	char word;
	if (N(0) >= FENDER_PLAN_SLOTS || N(1) >= FENDER_PLAN_SLOTS)
		fail(m, "read plan", "slot", EBADMSG);
	close(m->socket);
	m->result = m->slots[N(1)];
	ssize_t count;
	do
		count = read(m->slots[N(0)], &word, 1);
	while (count < 0 && errno == EINTR);
	if (count != 1)
		_exit(1);
	close(m->slots[N(0)]);
}

/// Collects what hooks get and are; the lists end in null.
static void fill_vector(const struct monitor *m, uint32_t first, uint32_t count, const char **vector)
{
	for (uint32_t i = 0; i < count; i++)
		vector[i] = text(m, first + i);
	vector[count] = NULL;
}

static void feed_state(struct monitor *m, int pipe_end)
{
	char pid[16];
	snprintf(pid, sizeof pid, "%d", m->pid);
	const char *parts[] = {text(m, 1), pid, text(m, 2)};
	for (int i = 0; i < 3; i++) {
		ssize_t ignored = write(pipe_end, parts[i], strlen(parts[i]));
		(void)ignored;
	}
	close(pipe_end);
}

static void run_hook(struct monitor *m)
{
	int input[2];
	uint32_t arguments = (uint32_t)N(1), rest = m->step->strings - 3 - arguments;
	if (m->step->strings < 3 + arguments)
		fail(m, "read plan", "hook", EBADMSG);
	const char *argv[arguments + 1], *envp[rest + 1];
	fill_vector(m, 3, arguments, argv);
	fill_vector(m, 3 + arguments, rest, envp);
	if (pipe2(input, O_CLOEXEC))
		fail(m, "pipe", "", errno);
	pid_t child = fork();
	if (child == 0) {
		dup2(input[0], 0);
		syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
		execve(text(m, 0), (char **)argv, (char **)envp);
		_exit(127);
	}
	if (child < 0)
		fail(m, "run hook", text(m, 0), errno);
	close(input[0]);
	signal(SIGPIPE, SIG_IGN);
	feed_state(m, input[1]);
	signal(SIGPIPE, SIG_DFL);
	struct pollfd process = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
	int status = 0, ready = poll(&process, 1, N(0) ? (int)N(0) * 1000 : -1);
	if (ready == 0)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(process.fd);
	if (ready == 0 || status)
		fail(m, "run hook", text(m, 0), ready == 0 ? ETIMEDOUT : ECANCELED);
}

static void execute(struct monitor *m)
{
	uint32_t count = (uint32_t)N(0), all = m->step->strings;
	if (count > all)
		fail(m, "read plan", "exec", EBADMSG);
	const char **argv = calloc(all + 2, sizeof *argv);
	if (!argv)
		fail(m, "exec", m->program, ENOMEM);
	const char **envp = argv + count + 1;
	fill_vector(m, 0, count, argv);
	fill_vector(m, count, all - count, envp);
	syscall(SYS_close_range, 3U + (unsigned)m->preserved, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
	execve(m->program, (char **)argv, (char **)envp);
	fail(m, "exec", m->program, errno);
}

bool final_step(struct monitor *m)
{
	switch (m->step->code) {
	case FENDER_HOOK:
		run_hook(m);
		return true;
	case FENDER_SYNC:
		report_and_wait(m, FENDER_REPORT_SYNC);
		return true;
	case FENDER_CREATED:
		report_and_wait(m, FENDER_REPORT_CREATED);
		return true;
	case FENDER_DIRECTORY_OF_WORK:
		enter_directory(m);
		return true;
	case FENDER_NO_NEW_PRIVILEGES:
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			fail(m, "set no_new_privs", "", errno);
		return true;
	case FENDER_SECCOMP:
		load_filter(m);
		return true;
	case FENDER_FIND:
		find(m);
		return true;
	case FENDER_WAIT_START:
		wait_start(m);
		return true;
	case FENDER_PRESERVE:
		m->preserved = (int)N(0);
		return true;
	case FENDER_EXEC:
		execute(m);
		return true;
	default:
		return false;
	}
}
