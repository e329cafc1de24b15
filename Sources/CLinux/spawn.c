#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The child's targets are 0 to 3: a source among them would be overwritten before its turn.
static int above_targets(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 4);
}

static int set_actions(posix_spawn_file_actions_t *actions, const int sources[4])
{
	int error = 0;
	for (int target = 0; target < 4 && error == 0; target++) {
		if (sources[target] >= 0)
			error = posix_spawn_file_actions_adddup2(actions, sources[target], target);
		else
			error = posix_spawn_file_actions_addclose(actions, target);
	}
	return error ? error : posix_spawn_file_actions_addclosefrom_np(actions, 4);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	int error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (error == 0)
		error = posix_spawnattr_setpgroup(attributes, 0);
	if (error == 0)
		error = posix_spawnattr_setflags(
			attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	return error;
}

static int spawn_with(const char *path, char *const argv[], char *const envp[], const int sources[4], int *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&actions);
	if (error)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		error = set_actions(&actions, sources);
		if (error == 0)
			error = set_attributes(&attributes);
		if (error == 0)
			error = posix_spawn(pid, path, &actions, &attributes, argv, envp);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int fender_spawn(const char *path, char *const argv[], char *const envp[], int in, int out, int err, int heir,
		 int *pid, int *pidfd)
{
	int sources[4] = {above_targets(in), above_targets(out), above_targets(err), above_targets(heir)};
	int error = 0;
	if (sources[0] < 0 || sources[1] < 0 || sources[2] < 0 || (heir >= 0 && sources[3] < 0))
		error = errno;
	else
		error = spawn_with(path, argv, envp, sources, pid);
	for (int i = 0; i < 4; i++)
		if (sources[i] >= 0)
			close(sources[i]);
	if (error)
		return error;
	*pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (*pidfd >= 0)
		return 0;
	error = errno;
	kill(-*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	return error;
}

int fender_pipe(int ends[2])
{
	return pipe2(ends, O_CLOEXEC);
}
