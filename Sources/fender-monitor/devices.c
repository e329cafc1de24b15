#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DEVPTS_MAGIC 0x1cd1
#define PROC_MAGIC 0x9fa0

/// Binds the host's device of the same numbers: a user namespace may not make device nodes.
static void bind_device(struct monitor *m)
{
	const char *path = text(m, 0);
	struct stat status;
	int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || fstat(tree, &status) || status.st_rdev != makedev(N(1), N(2))) {
		failed(m, "open device", path);
		close(tree);
		return;
	}
	int point = mount_point_in_root(m, path, false, 0);
	if (point < 0 || move_mount(tree, "", point, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		failed(m, "bind device", path);
	close(point);
	close(tree);
}

static void make_device(struct monitor *m)
{
	const char *path = text(m, 0), *name;
	if (N(5)) {
		bind_device(m);
		return;
	}
	int parent = open_parent_in_root(m, path, &name);
	if (parent < 0) {
		failed(m, "make device", path);
		return;
	}
	if (mknodat(parent, name, (mode_t)N(0), makedev(N(1), N(2))) && errno != EEXIST)
		failed(m, "make device", path);
	else if (fchownat(parent, name, (uid_t)N(3), (gid_t)N(4), AT_SYMLINK_NOFOLLOW))
		failed(m, "own device", path);
	close(parent);
}

static void make_link(struct monitor *m)
{
	const char *name;
	int parent = open_parent_in_root(m, text(m, 1), &name);
	if (parent < 0 || (symlinkat(text(m, 0), parent, name) && errno != EEXIST))
		failed(m, "make link", text(m, 1));
	close(parent);
}

static void make_directory(struct monitor *m)
{
	int directory = make_directory_in_root(m, text(m, 0), (mode_t)N(0));
	if (directory < 0)
		failed(m, "make directory", text(m, 0));
	close(directory);
}

/// The master of a new terminal of the container's own devpts, which must be one (CVE-2025-52565).
static int open_master(struct monitor *m)
{
	struct stat status;
	struct statfs system;
	int master = open_in_root(m, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, RESOLVE_NO_SYMLINKS);
	if (master < 0 || fstat(master, &status) || fstatfs(master, &system))
		fail(m, "open terminal", "/dev/pts/ptmx", errno);
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2) || system.f_type != DEVPTS_MAGIC)
		fail(m, "verify terminal", "/dev/pts/ptmx", ENOTTY);
	return master;
}

/// Puts the terminal at /dev/console, by descriptor and not by name.
static void bind_console(struct monitor *m, int terminal)
{
	int point = mount_point_in_root(m, "/dev/console", false, RESOLVE_NO_SYMLINKS);
	int tree = open_tree(terminal, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (point < 0 || tree < 0 ||
	    move_mount(tree, "", point, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		fail(m, "bind terminal", "/dev/console", errno);
	close(tree);
	close(point);
}

static void send_master(struct monitor *m, int master)
{
	static const char name[] = "/dev/ptmx";
	if (N(0) == FENDER_NO_CONSOLE && m->console < 0) {
		report_descriptor(m, FENDER_REPORT_TERMINAL, master, 0);
		return;
	}
	int socket = N(0) == FENDER_NO_CONSOLE ? m->console : (int)N(0);
	if (fender_send_descriptor(socket, name, sizeof name - 1, master))
		fail(m, "send terminal", "console socket", errno);
	close(socket);
}

/// Makes the terminal ours and gives its master to the console socket.
static void make_terminal(struct monitor *m)
{
	int master = open_master(m), unlock = 0;
	if (ioctl(master, TIOCSPTLCK, &unlock))
		fail(m, "unlock terminal", "", errno);
	int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0)
		fail(m, "open terminal", "", errno);
	if (N(1) || N(2)) {
		struct winsize size = {.ws_row = (unsigned short)N(1), .ws_col = (unsigned short)N(2)};
		ioctl(terminal, TIOCSWINSZ, &size);
	}
	if (fchown(terminal, (uid_t)N(3), (gid_t)-1))
		report(m, FENDER_REPORT_WARNING, "own terminal", "", errno, 0);
	if (N(4))
		bind_console(m, terminal);
	send_master(m, master);
	close(master);
	if (ioctl(terminal, TIOCSCTTY, 0))
		fail(m, "take terminal", "", errno);
	for (int i = 0; i < 3; i++)
		if (dup2(terminal, i) < 0)
			fail(m, "dup terminal", "", errno);
	close(terminal);
}

/// Opens a file of a real procfs: ours, which is mounted nowhere, or the one of the root, verified.
static int open_proc(const struct monitor *m, const char *path, int flags)
{
	struct statfs system;
	int proc = m->proc >= 0 ? m->proc : open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int file = openat(proc, path, flags | O_CLOEXEC | O_NOFOLLOW);
	if (proc != m->proc)
		close(proc);
	if (file >= 0 && (fstatfs(file, &system) || system.f_type != PROC_MAGIC)) {
		close(file);
		errno = EXDEV;
		return -1;
	}
	return file;
}

static void write_proc(struct monitor *m, const char *step, const char *path, const char *value)
{
	int file = open_proc(m, path, O_WRONLY);
	if (file < 0 || write(file, value, strlen(value)) < 0)
		failed(m, step, path);
	close(file);
}

static void write_label(struct monitor *m)
{
	char label[4096] = "exec ";
	strncat(label, text(m, 0), sizeof label - 8);
	if (N(0) == 1)
		write_proc(m, "set AppArmor profile", "thread-self/attr/apparmor/exec", label);
	else
		write_proc(m, "set SELinux label", "thread-self/attr/exec", text(m, 0));
}

static void open_own_proc(struct monitor *m)
{
	int context = fsopen("proc", FSOPEN_CLOEXEC);
	if (context >= 0 && !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		m->proc = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(context);
}

bool device_step(struct monitor *m)
{
	switch (m->step->code) {
	case FENDER_DEVICE:
		make_device(m);
		return true;
	case FENDER_SYMLINK:
		make_link(m);
		return true;
	case FENDER_DIRECTORY:
		make_directory(m);
		return true;
	case FENDER_TERMINAL:
		make_terminal(m);
		return true;
	case FENDER_PROC:
		open_own_proc(m);
		return true;
	case FENDER_SYSCTL:
		write_proc(m, "write sysctl", text(m, 0), text(m, 1));
		return true;
	case FENDER_LABEL:
		write_label(m);
		return true;
	default:
		return false;
	}
}
