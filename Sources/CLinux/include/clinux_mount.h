// Mounts: calls that glibc before 2.36 has no wrappers for, and constants that are macros or that
// Swift would see under differing types.
#pragma once

enum {
	/// O_PATH, which glibc shows under _GNU_SOURCE only.
	FENDER_O_PATH = 010000000,

	FENDER_FSCONFIG_SET_FLAG = 0,
	FENDER_FSCONFIG_SET_STRING = 1,
	FENDER_FSCONFIG_CMD_CREATE = 6,

	FENDER_MOUNT_ATTR_RDONLY = 0x01,
	FENDER_MOUNT_ATTR_NOSUID = 0x02,
	FENDER_MOUNT_ATTR_NODEV = 0x04,

	FENDER_MS_RDONLY = 0x0001,
	FENDER_MS_NOSUID = 0x0002,
	FENDER_MS_NODEV = 0x0004,
	FENDER_MS_NOEXEC = 0x0008,
	FENDER_MS_REMOUNT = 0x0020,
	FENDER_MS_BIND = 0x1000,
};

/// fsopen(2) with FSOPEN_CLOEXEC.
int fender_fsopen(const char *type);

/// fsconfig(2) for the commands that take text or nothing.
int fender_fsconfig(int fd, unsigned command, const char *key, const char *value);

/// fsmount(2) with FSMOUNT_CLOEXEC: a mount attached nowhere, held by the descriptor returned.
int fender_fsmount(int fd, unsigned attributes);

/// move_mount(2): attaches the mount that `fd` holds at the directory that `target` refers to.
int fender_attach_mount(int fd, int target);

/// open_tree(2) with OPEN_TREE_CLONE: a copy of the mount at `path`, attached nowhere. Returns a descriptor or -1.
int fender_copy_mount(const char *path);

/// mount_setattr(2): shows the ids of a mount that is attached nowhere as `user_namespace` maps them (Linux 5.12).
int fender_map_mount(int fd, int user_namespace);

/// mount_setattr(2): sets FENDER_MOUNT_ATTR_* of a mount.
int fender_restrict_mount(int fd, unsigned attributes);

/// mount(2); `flags` takes FENDER_MS_*.
int fender_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);

/// umount2(2) with MNT_DETACH and UMOUNT_NOFOLLOW.
int fender_detach_mount(const char *path);

/// Gives the calling thread a mount namespace of its own, cut off from the propagation of the old one.
int fender_unshare_mounts(void);

/// Gives the calling thread a working directory of its own.
int fender_unshare_directory(void);
