#define _GNU_SOURCE
#include "clinux_netns.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

int fender_enter_netns(int fd)
{
	return setns(fd, CLONE_NEWNET);
}

int fender_new_netns(void)
{
	return unshare(CLONE_NEWNET);
}

int fender_new_namespaces(int network, int ipc, int uts)
{
	return unshare((network ? CLONE_NEWNET : 0) | (ipc ? CLONE_NEWIPC : 0) | (uts ? CLONE_NEWUTS : 0));
}

int fender_is_namespace(int fd)
{
	return ioctl(fd, NS_GET_NSTYPE) > 0;
}

int fender_is_netns(int fd)
{
	return ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}
