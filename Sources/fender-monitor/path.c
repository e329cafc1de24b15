#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

int open_in_root(const struct monitor *m, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve};
	// EAGAIN: a rename raced with a ".."; the kernel could not be sure.
	for (int tries = 0;; tries++) {
		int file = (int)syscall(SYS_openat2, m->root, relative(path), &how, sizeof how);
		if (file >= 0 || errno != EAGAIN || tries == 64)
			return file;
	}
}

/// Makes what is missing of the first `length` bytes of `path`, one name after the other.
static int make_directories(const struct monitor *m, const char *path, size_t length, mode_t mode)
{
	char prefix[4096];
	if (length >= sizeof prefix) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(prefix, path, length);
	prefix[length] = 0;
	int directory = open_in_root(m, prefix, O_PATH | O_DIRECTORY, 0);
	if (directory >= 0 || errno != ENOENT)
		return directory;
	while (length && prefix[length - 1] == '/')
		prefix[--length] = 0;
	size_t name = length;
	while (name && prefix[name - 1] != '/')
		name--;
	if (!length)
		return -1;
	int parent = make_directories(m, prefix, name, 0755);
	if (parent < 0)
		return -1;
	int made = mkdirat(parent, prefix + name, mode);
	int code = errno;
	close(parent);
	if (made && code != EEXIST) {
		errno = code;
		return -1;
	}
	return open_in_root(m, prefix, O_PATH | O_DIRECTORY, 0);
}

int make_directory_in_root(const struct monitor *m, const char *path, mode_t mode)
{
	path = relative(path);
	return make_directories(m, path, strlen(path), mode);
}

int open_parent_in_root(const struct monitor *m, const char *path, const char **name)
{
	path = relative(path);
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	return make_directories(m, path, (size_t)(*name - path), 0755);
}

int mount_point_in_root(const struct monitor *m, const char *path, bool directory, uint64_t resolve)
{
	int point = open_in_root(m, path, O_PATH, resolve);
	if (point >= 0 || errno != ENOENT)
		return point;
	if (directory) {
		point = make_directory_in_root(m, path, 0755);
		if (point < 0 || !resolve)
			return point;
		close(point);
		return open_in_root(m, path, O_PATH, resolve);
	}
	const char *name;
	int parent = open_parent_in_root(m, path, &name);
	if (parent < 0)
		return -1;
	int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
	int code = errno;
	close(parent);
	if (file < 0) {
		errno = code;
		return -1;
	}
	close(file);
	return open_in_root(m, path, O_PATH, resolve);
}
