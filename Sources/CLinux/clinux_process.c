#define _GNU_SOURCE
#include "clinux_process.h"

#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int fender_pidfd_open(int pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int fender_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

void fender_background_thread(void)
{
	enum { WHO_THREAD = 1, CLASS_IDLE = 3, CLASS_SHIFT = 13 };
	// Both act on the calling thread alone. Refused, the thread is a little less polite.
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, WHO_THREAD, 0, CLASS_IDLE << CLASS_SHIFT);
}
