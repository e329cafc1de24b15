#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int attach(int tree, int point)
{
	return move_mount(tree, "", point, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int change(int tree, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
	// The kernel wants the whole access-time field cleared when a part of it is set.
	if (set & MOUNT_ATTR__ATIME || clear & MOUNT_ATTR__ATIME)
		clear |= MOUNT_ATTR__ATIME;
	struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
	if (!set && !clear && !propagation)
		return 0;
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	return mount_setattr(tree, "", flags, &attributes, sizeof attributes);
}

/// Propagation with MS_REC in it, as mount(2) takes it.
static int propagate(int tree, uint64_t propagation)
{
	return change(tree, 0, 0, propagation & ~(uint64_t)MS_REC, propagation & MS_REC);
}

/// Gives one "key=value" or "key" to a file system being made.
static int configure(int context, const char *option)
{
	char key[256];
	const char *equals = strchr(option, '=');
	if (!equals)
		return fsconfig(context, FSCONFIG_SET_FLAG, option, NULL, 0);
	size_t length = (size_t)(equals - option);
	if (length >= sizeof key) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, option, length);
	key[length] = 0;
	return fsconfig(context, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

/// A new file system of the running step, attached nowhere.
static int make_filesystem(struct monitor *m)
{
	const char *type = text(m, 0), *source = text(m, 1);
	int context = fsopen(type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	int result = *source ? fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) : 0;
	for (uint32_t i = 3; !result && i < m->step->strings; i++)
		result = configure(context, text(m, i));
	if (!result)
		result = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	int tree = result ? -1 : fsmount(context, FSMOUNT_CLOEXEC, (unsigned)N(0));
	int code = errno;
	close(context);
	errno = code;
	return tree;
}

static void mount_filesystem(struct monitor *m)
{
	uint64_t resolve = N(2) & FENDER_MOUNT_NO_LINKS ? RESOLVE_NO_SYMLINKS : 0;
	const char *target = text(m, 2);
	int point = mount_point_in_root(m, target, true, resolve);
	if (point < 0) {
		failed(m, "make mount point", target);
		return;
	}
	int tree = make_filesystem(m);
	if (tree >= 0 && N(2) & FENDER_MOUNT_COPY_UP)
		copy_up(m, point, tree);
	if (tree < 0 || attach(tree, point) || propagate(tree, N(1)))
		failed(m, "mount", target);
	close(tree);
	close(point);
}

static void attach_tree(struct monitor *m)
{
	struct stat status;
	if (N(0) >= FENDER_PLAN_SLOTS || m->slots[N(0)] < 0)
		return;
	int tree = m->slots[N(0)];
	if (fstat(tree, &status))
		fail(m, "stat", text(m, 0), errno);
	int point = mount_point_in_root(m, text(m, 1), S_ISDIR(status.st_mode), 0);
	if (point < 0)
		failed(m, "make mount point", text(m, 1));
	// Unless it is to be shared, what the host mounts there comes here, but nothing of ours goes there.
	else if ((!(N(5) & MS_SHARED) && change(tree, 0, 0, MS_SLAVE, true)) || change(tree, N(3), N(4), 0, true) ||
		 change(tree, N(1), N(2), 0, false) || attach(tree, point) || propagate(tree, N(5)))
		failed(m, "mount", text(m, 1));
	close(point);
	close(tree);
	m->slots[N(0)] = -1;
}

static void set_attributes(struct monitor *m)
{
	int point = open_in_root(m, text(m, 0), O_PATH, 0);
	if (point < 0 || change(point, N(0), N(1), N(3), N(2)))
		failed(m, "change mount", text(m, 0));
	close(point);
}

/// The host's null device as our own mount namespace has it: the character device 1:3 and nothing that only looks like it.
static void open_null(struct monitor *m)
{
	struct stat status;
	m->null = open("/dev/null", O_PATH | O_CLOEXEC);
	if (m->null < 0 || fstat(m->null, &status))
		fail(m, "open", "/dev/null", errno);
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		fail(m, "verify", "/dev/null", ENODEV);
}

static void make_root(struct monitor *m)
{
	const char *path = text(m, 0);
	if (!m->step->strings) {
		m->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return;
	}
	unsigned tree = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
	m->root = open_tree(AT_FDCWD, path, tree);
	if (m->root < 0 && errno == EACCES) {
		// In a user namespace the host's root has its directories open to it; here they are the namespace's.
		become_root(m);
		m->root = open_tree(AT_FDCWD, path, tree);
	}
	if (m->root < 0)
		fail(m, "open root file system", path, errno);
	open_null(m);
	int point = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (point < 0)
		fail(m, "open root file system", path, errno);
	if (propagate(m->root, MS_SLAVE | MS_REC) || propagate(m->root, N(0)) || attach(m->root, point))
		fail(m, "mount root file system", path, errno);
	close(point);
}

/// Puts an empty read-only directory or the null device over a path.
static void mask(struct monitor *m)
{
	struct stat status;
	int point = open_in_root(m, text(m, 0), O_PATH, 0);
	if (point < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			failed(m, "mask", text(m, 0));
		return;
	}
	if (fstat(point, &status))
		fail(m, "mask", text(m, 0), errno);
	int tree = -1;
	if (S_ISDIR(status.st_mode)) {
		int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
		if (context >= 0 && !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
			tree = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
		close(context);
	} else {
		tree = open_tree(m->null, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	}
	if (tree < 0 || attach(tree, point))
		failed(m, "mask", text(m, 0));
	close(tree);
	close(point);
}

/// Binds a path over itself, read-only.
static void make_readonly(struct monitor *m)
{
	int point = open_in_root(m, text(m, 0), O_PATH, 0);
	if (point < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			failed(m, "make read-only", text(m, 0));
		return;
	}
	int tree = open_tree(point, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree < 0 || change(tree, MOUNT_ATTR_RDONLY, 0, 0, true) || attach(tree, point))
		failed(m, "make read-only", text(m, 0));
	close(tree);
	close(point);
}

static void pivot(struct monitor *m)
{
	if (fchdir(m->root))
		fail(m, "enter root file system", "", errno);
	if (N(0)) {
		if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
			fail(m, "move root file system", "", errno);
	} else {
		// The old root lands on top of the new one and is taken off at once; it is a slave, so the
		// host sees none of it.
		if (syscall(SYS_pivot_root, ".", "."))
			fail(m, "pivot_root", "", errno);
		if (umount2(".", MNT_DETACH))
			fail(m, "detach old root", "", errno);
	}
	if (chdir("/"))
		fail(m, "enter root file system", "", errno);
	// From here on the root is "/", whatever is mounted there.
	close(m->root);
	m->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool mount_step(struct monitor *m)
{
	switch (m->step->code) {
	case FENDER_PROPAGATION:
		if (mount(NULL, "/", NULL, N(0), NULL))
			failed(m, "set propagation", "/");
		return true;
	case FENDER_ROOT:
		make_root(m);
		return true;
	case FENDER_MOUNT:
		mount_filesystem(m);
		return true;
	case FENDER_ATTACH:
		attach_tree(m);
		return true;
	case FENDER_ATTRIBUTES:
		set_attributes(m);
		return true;
	case FENDER_MASK:
		mask(m);
		return true;
	case FENDER_READONLY:
		make_readonly(m);
		return true;
	case FENDER_PIVOT:
		pivot(m);
		return true;
	default:
		return false;
	}
}
