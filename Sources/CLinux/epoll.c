#define _GNU_SOURCE
#include "clinux_epoll.h"

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

_Static_assert(FENDER_EPOLL_IN == EPOLLIN && FENDER_EPOLL_OUT == EPOLLOUT, "events");

int fender_epoll_create(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

int fender_epoll_waker(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int fender_epoll_watch(int epoll, int descriptor, int watched, uint32_t events, uint64_t token)
{
	struct epoll_event event = {.events = events, .data = {.u64 = token}};
	if (events == 0)
		return watched ? epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL) : 0;
	return epoll_ctl(epoll, watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event);
}

int fender_epoll_wait(int epoll, struct fender_epoll_event *events, int capacity, int milliseconds)
{
	struct epoll_event raw[64];
	if (capacity > 64)
		capacity = 64;
	int count = epoll_wait(epoll, raw, capacity, milliseconds);
	for (int i = 0; i < count; i++)
		events[i] = (struct fender_epoll_event){.token = raw[i].data.u64, .events = raw[i].events};
	return count;
}
