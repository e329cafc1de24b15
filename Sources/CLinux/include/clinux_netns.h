// Network namespaces and route netlink: calls under _GNU_SOURCE and the kernel's constants.
#pragma once

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

/// setns(2) with CLONE_NEWNET, for the calling thread.
int fender_enter_netns(int fd);

/// unshare(2) with CLONE_NEWNET, for the calling thread.
int fender_new_netns(void);

/// unshare(2) with the flags of what is not 0, for the calling thread.
int fender_new_namespaces(int network, int ipc, int uts);

/// Whether the descriptor is of a namespace of any kind.
int fender_is_namespace(int fd);

/// Whether the descriptor is of a network namespace.
int fender_is_netns(int fd);

enum {
	/// IFF_UP; <net/if.h> and <linux/if.h> do not go together.
	FENDER_IFF_UP = 1,
};
