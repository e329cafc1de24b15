#include "monitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy_directory(struct monitor *m, int from, int to, int depth);

static void copy_file(struct monitor *m, int from, int to, const char *name, const struct stat *status)
{
	int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, status->st_mode & 07777);
	ssize_t count = source < 0 || target < 0 ? -1 : 1;
	while (count > 0)
		count = sendfile(target, source, NULL, 1 << 20);
	if (count < 0 || fchown(target, status->st_uid, status->st_gid) || fchmod(target, status->st_mode & 07777))
		fail(m, "copy up", name, errno);
	close(source);
	close(target);
}

static void copy_link(struct monitor *m, int from, int to, const char *name, const struct stat *status)
{
	char target[4096];
	ssize_t length = readlinkat(from, name, target, sizeof target - 1);
	target[length < 0 ? 0 : length] = 0;
	if (length < 0 || symlinkat(target, to, name) ||
	    fchownat(to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW))
		fail(m, "copy up", name, errno);
}

static void copy_entry(struct monitor *m, int from, int to, const char *name, int depth)
{
	struct stat status;
	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		fail(m, "copy up", name, errno);
	if (S_ISREG(status.st_mode)) {
		copy_file(m, from, to, name, &status);
	} else if (S_ISLNK(status.st_mode)) {
		copy_link(m, from, to, name, &status);
	} else if (S_ISDIR(status.st_mode)) {
		int inner = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner < 0 || mkdirat(to, name, 0700))
			fail(m, "copy up", name, errno);
		int made = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (made < 0 || fchown(made, status.st_uid, status.st_gid) || fchmod(made, status.st_mode & 07777))
			fail(m, "copy up", name, errno);
		copy_directory(m, inner, made, depth + 1);
		close(made);
	} else if (mknodat(to, name, status.st_mode, status.st_rdev)) {
		fail(m, "copy up", name, errno);
	}
}

/// Copies what `from` holds; takes `from`.
static void copy_directory(struct monitor *m, int from, int to, int depth)
{
	struct dirent *entry;
	DIR *stream = depth < 64 ? fdopendir(from) : NULL;
	if (!stream)
		fail(m, "copy up", "", depth < 64 ? errno : ELOOP);
	while ((entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			copy_entry(m, from, to, entry->d_name, depth);
	closedir(stream);
}

void copy_up(struct monitor *m, int from, int to)
{
	struct stat status;
	int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source < 0 || target < 0 || fstat(source, &status) || fchown(target, status.st_uid, status.st_gid) ||
	    fchmod(target, status.st_mode & 07777))
		fail(m, "copy up", text(m, 2), errno);
	copy_directory(m, source, target, 0);
	close(target);
}
