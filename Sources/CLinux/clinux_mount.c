#define _GNU_SOURCE
#include "clinux_mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// <sys/mount.h> and <linux/mount.h> cannot both be included before glibc 2.37.
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

_Static_assert(FENDER_O_PATH == O_PATH, "O_PATH");

enum { DETACH = 2, NO_FOLLOW = 8 };

int fender_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

int fender_fsconfig(int fd, unsigned command, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, 0);
}

int fender_fsmount(int fd, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes);
}

int fender_attach_mount(int fd, int target)
{
	return (int)syscall(SYS_move_mount, fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int fender_copy_mount(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int change_mount(int fd, const struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, attributes, sizeof *attributes);
}

int fender_map_mount(int fd, int user_namespace)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (__u64)user_namespace};
	return change_mount(fd, &attributes);
}

int fender_restrict_mount(int fd, unsigned attributes_set)
{
	struct mount_attr attributes = {.attr_set = attributes_set};
	return change_mount(fd, &attributes);
}

int fender_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	return mount(source, target, type, flags, data);
}

int fender_detach_mount(const char *path)
{
	return umount2(path, DETACH | NO_FOLLOW);
}

int fender_unshare_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		return -1;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int fender_unshare_directory(void)
{
	return unshare(CLONE_FS);
}
