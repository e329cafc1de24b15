#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(struct monitor *m, const char *step, int file)
{
	if (file < 0) {
		failed(m, step, text(m, 0));
		return;
	}
	if (N(0) >= FENDER_PLAN_SLOTS)
		fail(m, "read plan", "slot", EBADMSG);
	m->slots[N(0)] = file;
}

static int slot(const struct monitor *m)
{
	if (N(0) >= FENDER_PLAN_SLOTS || m->slots[N(0)] < 0)
		fail(m, "read plan", "slot", EBADMSG);
	return m->slots[N(0)];
}

static int write_text(int directory, const char *path, const char *value)
{
	int file = openat(directory, path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	ssize_t count = write(file, value, strlen(value));
	int code = errno;
	close(file);
	errno = code;
	return count < 0 ? -1 : 0;
}

/// Writes uid_map and gid_map of a process.
static void write_maps(const struct monitor *m, pid_t pid, const char *users, const char *groups)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
	if (*users && write_text(AT_FDCWD, path, users))
		fail(m, "write uid_map", users, errno);
	snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
	if (*groups && write_text(AT_FDCWD, path, groups))
		fail(m, "write gid_map", groups, errno);
}

/// A user namespace with the maps wanted, held by a child that waits to be killed.
static int make_user_namespace(const struct monitor *m, const char *users, const char *groups)
{
	int gate[2];
	if (pipe2(gate, O_CLOEXEC))
		fail(m, "pipe", "", errno);
	struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
	if (child < 0)
		fail(m, "clone user namespace", "", errno);
	if (child == 0) {
		char byte;
		close(gate[1]);
		ssize_t ignored = read(gate[0], &byte, 1);
		(void)ignored;
		_exit(0);
	}
	write_maps(m, child, users, groups);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/user", child);
	int space = open(path, O_RDONLY | O_CLOEXEC);
	int code = errno;
	close(gate[0]);
	close(gate[1]);
	waitpid(child, NULL, 0);
	if (space < 0)
		fail(m, "open", path, code);
	return space;
}

static void idmap(struct monitor *m)
{
	int space = make_user_namespace(m, text(m, 0), text(m, 1));
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)space};
	unsigned flags = AT_EMPTY_PATH | (N(1) ? AT_RECURSIVE : 0);
	if (mount_setattr(slot(m), "", flags, &attributes, sizeof attributes))
		failed(m, "map ids of mount", text(m, 2));
	close(space);
}

/// Field 22 of /proc/PID/stat: when the process started, in clock ticks.
static unsigned long long start_time(pid_t pid)
{
	char path[64], line[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	ssize_t count = read(file, line, sizeof line - 1);
	close(file);
	if (count <= 0)
		return 0;
	line[count] = 0;
	char *field = strrchr(line, ')');
	for (int i = 0; field && i < 20; i++)
		field = strchr(field + 1, ' ');
	return field ? strtoull(field, NULL, 10) : 0;
}

/// A pidfd of the process that was meant, not of one that got its pid later.
static int open_process(const struct monitor *m)
{
	pid_t pid = (pid_t)N(1);
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process >= 0 && start_time(pid) != N(2)) {
		close(process);
		errno = ESRCH;
		return -1;
	}
	return process;
}

static void open_cgroup(struct monitor *m)
{
	int file = open(text(m, 0), (N(0) ? O_PATH | O_DIRECTORY : O_WRONLY) | O_CLOEXEC);
	if (file < 0)
		failed(m, "open cgroup", text(m, 0));
	else if (N(0))
		m->cgroup_directory = file;
	else if (m->cgroup_count < (int)(sizeof m->cgroups / sizeof *m->cgroups))
		m->cgroups[m->cgroup_count++] = file;
	else
		fail(m, "read plan", "cgroups", EBADMSG);
}

void enter(struct monitor *m)
{
	if (setns(slot(m), (int)N(1)))
		failed(m, "join namespace", text(m, 0));
}

void before_clone(struct monitor *m)
{
	unsigned tree = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (N(1) ? AT_RECURSIVE : 0);
	char score[16];
	switch (m->step->code) {
	case FENDER_OPEN_NAMESPACE:
		put(m, "open namespace", open(text(m, 0), O_RDONLY | O_CLOEXEC));
		break;
	case FENDER_OPEN_FILE:
		put(m, "open", open(text(m, 0), (int)N(1) | O_CLOEXEC));
		break;
	case FENDER_ENTER:
		enter(m);
		break;
	case FENDER_OPEN_TREE:
		put(m, "open mount source", open_tree(AT_FDCWD, text(m, 0), tree));
		break;
	case FENDER_IDMAP:
		idmap(m);
		break;
	case FENDER_OPEN_CGROUP:
		open_cgroup(m);
		break;
	case FENDER_TIME_OFFSETS:
		if (unshare(CLONE_NEWTIME))
			failed(m, "unshare time namespace", "");
		else if (*text(m, 0) && write_text(AT_FDCWD, "/proc/self/timens_offsets", text(m, 0)))
			failed(m, "write timens_offsets", text(m, 0));
		break;
	case FENDER_OOM_SCORE:
		snprintf(score, sizeof score, "%d", (int)(int64_t)N(0));
		if (write_text(AT_FDCWD, "/proc/self/oom_score_adj", score))
			failed(m, "write oom_score_adj", score);
		break;
	case FENDER_FIRST_AFFINITY:
		set_affinity(m);
		break;
	case FENDER_OPEN_PIDFD:
		put(m, "open process", open_process(m));
		break;
	default:
		fail(m, "read plan", "unknown step", EBADMSG);
	}
}

/// Waits in the child until the parent wrote the maps, and takes its own pid from it.
static void await_parent(struct monitor *m, const int gate[2])
{
	close(gate[1]);
	ssize_t count;
	do
		count = read(gate[0], &m->pid, sizeof m->pid);
	while (count < 0 && errno == EINTR);
	close(gate[0]);
	if (count != sizeof m->pid)
		_exit(1);
}

/// Takes the stdio that a supervisor made, and lets go of its end of the pipe that tells of its death.
static void take_stdio(struct monitor *m)
{
	for (int i = 0; i < 3; i++)
		if (m->stdio[i] >= 0 && dup2(m->stdio[i], i) < 0)
			fail(m, "dup", "stdio", errno);
	if (m->life[1] >= 0)
		close(m->life[1]);
}

void do_clone(struct monitor *m)
{
	int gate[2];
	if (pipe2(gate, O_CLOEXEC))
		fail(m, "pipe", "", errno);
	struct clone_args arguments = {.flags = N(0), .exit_signal = SIGCHLD};
	if (m->birth >= 0) {
		// The child of who stays; it inherits our exit signal, which is SIGCHLD.
		arguments.flags |= CLONE_PARENT;
		arguments.exit_signal = 0;
	}
	if (m->cgroup_directory >= 0) {
		arguments.flags |= CLONE_INTO_CGROUP;
		arguments.cgroup = (uint64_t)m->cgroup_directory;
	}
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
	if (child < 0)
		fail(m, "clone", "", errno);
	if (child == 0) {
		await_parent(m, gate);
		take_stdio(m);
		return;
	}
	if (m->birth >= 0 && write(m->birth, &child, sizeof child) != sizeof child)
		fail(m, "tell pid", "", errno);
	write_maps(m, child, text(m, 0), text(m, 1));
	report(m, FENDER_REPORT_PID, "", "", 0, child);
	close(gate[0]);
	ssize_t count = write(gate[1], &child, sizeof child);
	_exit(count == sizeof child ? 0 : 1);
}
