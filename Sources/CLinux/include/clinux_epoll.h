// epoll(7) and eventfd(2): Swift's Glibc module has neither.
#pragma once

#include <stdint.h>

enum {
	FENDER_EPOLL_IN = 1,
	FENDER_EPOLL_OUT = 4,
};

/// What epoll_wait(2) tells of one descriptor.
struct fender_epoll_event {
	uint64_t token;
	uint32_t events;
};

/// epoll_create1(EPOLL_CLOEXEC).
int fender_epoll_create(void);

/// A nonblocking eventfd(2) that wakes a waiter; closed on exec.
int fender_epoll_waker(void);

/// epoll_ctl(2): watches `descriptor` for `events`, changes what it is watched for, or with no events forgets it.
/// `watched` says whether it is watched already.
int fender_epoll_watch(int epoll, int descriptor, int watched, uint32_t events, uint64_t token);

/// epoll_wait(2) for at most `capacity` (up to 64) events; `milliseconds` -1 waits for ever.
int fender_epoll_wait(int epoll, struct fender_epoll_event *events, int capacity, int milliseconds);
