// What Swift cannot reach of the kernel: macros, variadics, missing wrappers, and code that runs
// after fork.
//
// These headers include none of the C library's that Glibc has for Swift: its types would seem to come from
// here, and every file that uses one would have to import CLinux.
#pragma once

#include "clinux_netns.h"
#include "clinux_spawn.h"

#include <stdint.h>

#include "clinux_attributes.h"
#include "clinux_epoll.h"
#include "clinux_mount.h"
#include "clinux_process.h"
#include "clinux_userns.h"

/// openat2(2); glibc 2.36 has no wrapper. `resolve` takes RESOLVE_* bits. Returns a descriptor or -1.
int fender_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// open(2) and openat(2) are variadic in C, which Swift does not import.
int fender_openat(int dirfd, const char *path, int flags, unsigned mode);

/// Names the calling thread (15 bytes at most show); pthread_setname_np is a GNU extension, not imported.
void fender_thread_name(const char *name);

/// accept4(2) without the peer's address, close-on-exec and non-blocking; a GNU extension. Returns a descriptor or -1.
int fender_accept(int listener);

/// eventfd(2) from 0, close-on-exec and non-blocking; not in Swift's Glibc module. Returns a descriptor or -1.
int fender_eventfd(void);

enum {
	FENDER_RESOLVE_NO_MAGICLINKS = 0x02,
	FENDER_RESOLVE_NO_SYMLINKS = 0x04,
	FENDER_RESOLVE_BENEATH = 0x08,
	FENDER_RESOLVE_IN_ROOT = 0x10,
};

/// environ(7); Swift refuses the mutable global.
char **fender_environment(void);
