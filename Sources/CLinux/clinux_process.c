#define _GNU_SOURCE
#include "clinux_process.h"

#include <stddef.h>
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
