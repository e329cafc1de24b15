#include "monitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool write_file(int directory, const char *name, const char *value)
{
	int file = openat(directory, name, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	bool done = write(file, value, strlen(value)) >= 0;
	close(file);
	return done;
}

/// Calls `visit` with each pid in a cgroup; returns how many there are.
static int visit_processes(int directory, void (*visit)(pid_t, void *), void *context)
{
	char buffer[4096];
	int file = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC), visited = 0;
	pid_t pid = 0;
	ssize_t count;
	while (file >= 0 && (count = read(file, buffer, sizeof buffer)) > 0) {
		for (ssize_t i = 0; i < count; i++) {
			if (buffer[i] >= '0' && buffer[i] <= '9') {
				pid = pid * 10 + (buffer[i] - '0');
				continue;
			}
			// 0 is a process that our pid namespace does not show.
			if (pid > 1) {
				visit(pid, context);
				visited++;
			}
			pid = 0;
		}
	}
	close(file);
	return visited;
}

static void kill_one(pid_t pid, void *context)
{
	(void)context;
	kill(pid, SIGKILL);
}

/// One round over a cgroup and those below; returns how many processes there were.
static int kill_round(int parent, const char *name, int depth)
{
	int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return 0;
	// v2 kills all at once; on v1 nothing forks or ends while it is frozen, so no pid is another's by then.
	if (!write_file(directory, "cgroup.kill", "1"))
		write_file(directory, "freezer.state", "FROZEN");
	int count = visit_processes(directory, kill_one, NULL);
	write_file(directory, "freezer.state", "THAWED");
	DIR *stream = depth < 64 ? fdopendir(directory) : NULL;
	if (!stream) {
		close(directory);
		return count;
	}
	for (struct dirent *entry; (entry = readdir(stream));)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			count += kill_round(directory, entry->d_name, depth + 1);
	closedir(stream);
	return count;
}

bool kill_cgroup(const char *directory, int milliseconds)
{
	// The kernel tells nobody when a v1 cgroup is empty.
	for (; kill_round(AT_FDCWD, directory, 0); milliseconds--) {
		if (milliseconds <= 0)
			return false;
		usleep(1000);
	}
	return true;
}

static void move_one(pid_t pid, void *context)
{
	char text[16];
	snprintf(text, sizeof text, "%d", pid);
	ssize_t ignored = write(*(int *)context, text, strlen(text));
	(void)ignored;
}

void dissolve_cgroup(const char *directory, const char *into)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/cgroup.procs", into);
	int target = -1;
	for (int tries = 0; tries < 100 && rmdir(directory) && errno == EBUSY; tries++) {
		int source = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (target < 0)
			target = open(path, O_WRONLY | O_CLOEXEC);
		if (!visit_processes(source, move_one, &target))
			usleep(1000);
		close(source);
	}
	if (target >= 0)
		close(target);
}

/// Processes that are found by their parents, or by the session that they are in.
struct family {
	pid_t members[512];
	int count;
	/// cgroup.procs to move them to.
	int into;
};

/// Whether a process is a child of a member, or in a member's session, as one is whose parent has gone.
static bool belongs(pid_t pid, const struct family *family)
{
	char path[64], line[512];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = file < 0 ? -1 : read(file, line, sizeof line - 1);
	close(file);
	if (count <= 0)
		return false;
	line[count] = 0;
	int parent, session;
	char *end = strrchr(line, ')');
	if (!end || sscanf(end, ") %*c %d %*d %d", &parent, &session) != 2)
		return false;
	for (int i = 0; i < family->count; i++)
		if (family->members[i] == parent || family->members[i] == session)
			return true;
	return false;
}

static void move_child(pid_t pid, void *context)
{
	struct family *family = context;
	if (!belongs(pid, family))
		return;
	move_one(pid, &family->into);
	if (family->count < (int)(sizeof family->members / sizeof *family->members))
		family->members[family->count++] = pid;
}

static void look_for(pid_t pid, void *context)
{
	pid_t *wanted = context;
	if (pid == *wanted)
		*wanted = 0;
}

/// Whether a process is in a cgroup.
static bool holds(const char *path, pid_t process)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	visit_processes(directory, look_for, &process);
	close(directory);
	return process == 0;
}

void gather_family(pid_t process, const char *from, const char *into)
{
	char path[4096];
	struct family family = {.members = {process}, .count = 1};
	if (holds(into, process))
		return;
	snprintf(path, sizeof path, "%s/cgroup.procs", into);
	family.into = open(path, O_WRONLY | O_CLOEXEC);
	int directory = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	move_one(process, &family.into);
	// What a process forks from now on is where it is; each round finds the children of those of the last one.
	for (int known = 0; known != family.count;) {
		known = family.count;
		visit_processes(directory, move_child, &family);
	}
	close(family.into);
	close(directory);
}

uint64_t count_oom_kills(const char *file)
{
	char buffer[1024];
	int events = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t count = events < 0 ? -1 : read(events, buffer, sizeof buffer - 1);
	close(events);
	if (count <= 0)
		return 0;
	buffer[count] = 0;
	// "oom_kill N", of memory.events and of v1's memory.oom_control alike.
	for (char *line = buffer; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "oom_kill ", 9))
			return strtoull(line + 9, NULL, 10);
	}
	return 0;
}
