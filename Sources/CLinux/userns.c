#define _GNU_SOURCE
#include "clinux_userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// The child: it keeps nothing of ours, and ends when we do.
_Noreturn static void hold(int lifeline)
{
	char byte;
	if (lifeline > 0)
		syscall(SYS_close_range, 0U, (unsigned)lifeline - 1, 0U);
	syscall(SYS_close_range, (unsigned)lifeline + 1, ~0U, 0U);
	while (syscall(SYS_read, lifeline, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

int fender_hold_namespaces(int network, int ipc, int uts, int lifeline[2])
{
	if (pipe2(lifeline, O_CLOEXEC))
		return -1;
	// Without an exit signal nobody who collects our children comes across it.
	struct clone_args arguments = {
		.flags = CLONE_NEWUSER | (network ? CLONE_NEWNET : 0) | (ipc ? CLONE_NEWIPC : 0) |
			 (uts ? CLONE_NEWUTS : 0),
	};
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
	if (child == 0)
		hold(lifeline[0]);
	if (child < 0) {
		int code = errno;
		close(lifeline[0]);
		close(lifeline[1]);
		errno = code;
	}
	return child;
}

void fender_release_namespaces(int child, const int lifeline[2])
{
	close(lifeline[1]);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, __WALL) < 0 && errno == EINTR)
		;
	close(lifeline[0]);
}

int fender_enter_namespace(int fd)
{
	return setns(fd, 0);
}

int fender_act_as(unsigned user, unsigned group)
{
	// The C library's own wrappers change every thread.
	gid_t own_group = getegid();
	if (syscall(SYS_setresgid, -1, group, -1))
		return -1;
	if (syscall(SYS_setresuid, -1, user, -1) == 0)
		return 0;
	int code = errno;
	syscall(SYS_setresgid, -1, own_group, -1);
	errno = code;
	return -1;
}

int fender_resume(unsigned user, unsigned group)
{
	if (syscall(SYS_setresuid, -1, user, -1))
		return -1;
	return (int)syscall(SYS_setresgid, -1, group, -1);
}
