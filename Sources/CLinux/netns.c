#define _GNU_SOURCE
#include "clinux_netns.h"

#include <sched.h>

int fender_enter_netns(int fd)
{
	return setns(fd, CLONE_NEWNET);
}

int fender_new_netns(void)
{
	return unshare(CLONE_NEWNET);
}
