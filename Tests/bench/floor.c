// What a container costs at least: the namespaces, mounts and cgroups of the benchmark's bundle, made by calls alone.
// Nothing is read, checked, remembered or limited. Arguments: root file system, then the cgroup directories to make.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(long result, const char *step)
{
	if (result < 0) {
		perror(step);
		_exit(1);
	}
}

static void make_devices(void)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8},
		     {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
	for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++)
		check(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
	check(symlink("/proc/self/fd", "dev/fd"), "dev/fd");
	check(symlink("/proc/self/fd/0", "dev/stdin"), "dev/stdin");
	check(symlink("/proc/self/fd/1", "dev/stdout"), "dev/stdout");
	check(symlink("/proc/self/fd/2", "dev/stderr"), "dev/stderr");
	check(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
}

static void hide(void)
{
	static const char *const masked[] = {"proc/kcore", "proc/keys", "proc/timer_list", "sys/firmware"};
	static const char *const fixed[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
	struct stat status;
	for (unsigned i = 0; i < sizeof masked / sizeof *masked; i++) {
		if (stat(masked[i], &status))
			continue;
		if (S_ISDIR(status.st_mode))
			check(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "nr_blocks=1"), masked[i]);
		else
			check(mount("dev/null", masked[i], NULL, MS_BIND, NULL), masked[i]);
	}
	for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		if (stat(fixed[i], &status))
			continue;
		check(mount(fixed[i], fixed[i], NULL, MS_BIND | MS_REC, NULL), fixed[i]);
		check(mount(NULL, fixed[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), fixed[i]);
	}
}

static void bring_up_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(ioctl(file, SIOCSIFFLAGS, &request), "lo");
}

static void child(const char *root, char **cgroups)
{
	char path[4096];
	for (; *cgroups; cgroups++) {
		snprintf(path, sizeof path, "%s/tasks", *cgroups);
		int file = open(path, O_WRONLY | O_CLOEXEC);
		if (file >= 0)
			check(write(file, "0", 1), path);
	}
	check(unshare(CLONE_NEWCGROUP), "cgroup namespace");
	check(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL), "slave");
	check(mount(root, root, NULL, MS_BIND | MS_REC, NULL), "root");
	check(chdir(root), "chdir");
	check(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k"), "dev");
	check(mkdir("dev/pts", 0755) | mkdir("dev/shm", 0755) | mkdir("dev/mqueue", 0755), "mkdir");
	check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"), "pts");
	check(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k"), "shm");
	check(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL), "mqueue");
	check(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL), "sys");
	make_devices();
	hide();
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "chdir");
	check(sethostname("bench", 5), "hostname");
	bring_up_loopback();
	char *arguments[] = {"true", NULL}, *none[] = {NULL};
	check(execve("/bin/true", arguments, none), "exec");
}

int main(int count, char **arguments)
{
	if (count < 2)
		return 2;
	char **cgroups = arguments + 2;
	struct clone_args clone = {
		.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, .exit_signal = SIGCHLD};
	for (char **each = cgroups; *each; each++)
		check(mkdir(*each, 0755), *each);
	int group = -1;
	char path[4096];
	if (*cgroups) {
		snprintf(path, sizeof path, "%s/tasks", *cgroups);
		// v2 has none.
		if (access(path, F_OK)) {
			group = open(*cgroups, O_PATH | O_DIRECTORY | O_CLOEXEC);
			clone.flags |= CLONE_INTO_CGROUP;
			clone.cgroup = (unsigned long long)group;
		}
	}
	long pid = syscall(SYS_clone3, &clone, sizeof clone);
	check(pid, "clone3");
	if (!pid)
		child(arguments[1], cgroups);
	int status;
	check(waitpid((pid_t)pid, &status, 0), "wait");
	for (char **each = cgroups; *each; each++)
		while (rmdir(*each) && errno == EBUSY)
			usleep(200);
	return status != 0;
}
