#include "monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/// A still single-threaded process that writes 0 for itself does not wait for the kernel's grace period,
/// as one that writes another's pid does.
static void join_cgroups(struct monitor *m)
{
	for (int i = 0; i < m->cgroup_count; i++) {
		if (write(m->cgroups[i], "0", 1) < 0)
			failed(m, "join cgroup", "");
		close(m->cgroups[i]);
	}
	m->cgroup_count = 0;
}

static void loopback_up(struct monitor *m)
{
	struct ifreq request = {.ifr_name = "lo"};
	int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_ < 0 || ioctl(socket_, SIOCGIFFLAGS, &request))
		failed(m, "bring up", "lo");
	request.ifr_flags |= IFF_UP;
	if (socket_ >= 0 && ioctl(socket_, SIOCSIFFLAGS, &request))
		failed(m, "bring up", "lo");
	close(socket_);
}

void become_root(struct monitor *m)
{
	if (setgroups(0, NULL) && errno != EPERM)
		fail(m, "setgroups", "", errno);
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		fail(m, "become root of the user namespace", "", errno);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void limit(struct monitor *m)
{
	struct rlimit wanted = {N(1), N(2)}, now;
	if (!setrlimit((int)N(0), &wanted))
		return;
	int code = errno;
	// As far as it goes: the hard limit that is.
	if (code == EPERM && !getrlimit((int)N(0), &now)) {
		report(m, FENDER_REPORT_WARNING, "set resource limit", "", code, (int64_t)N(0));
		wanted.rlim_max = wanted.rlim_max < now.rlim_max ? wanted.rlim_max : now.rlim_max;
		wanted.rlim_cur = wanted.rlim_cur < wanted.rlim_max ? wanted.rlim_cur : wanted.rlim_max;
		if (!setrlimit((int)N(0), &wanted))
			return;
		code = errno;
	}
	fail(m, "set resource limit", "", code);
}

/// Gives our stdio to the user who will use it, unless it is a null device or a file of somebody's.
static void own_stdio(struct monitor *m)
{
	struct stat status;
	for (int i = 0; i < 3; i++) {
		if (fstat(i, &status) || status.st_uid == N(0) || S_ISREG(status.st_mode) ||
		    (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)))
			continue;
		int ignored = fchown(i, (uid_t)N(0), (gid_t)-1);
		(void)ignored;
	}
}

static void become_user(struct monitor *m)
{
	uint32_t length = 0;
	const char *gids = fender_step_string(m->step, 0, &length);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		fail(m, "keep capabilities", "", errno);
	if (!N(3) && setgroups(length / sizeof(gid_t), (const gid_t *)gids))
		fail(m, "set groups", "", errno);
	if (setresgid((gid_t)N(1), (gid_t)N(1), (gid_t)N(1)))
		fail(m, "set group", "", errno);
	if (setresuid((uid_t)N(0), (uid_t)N(0), (uid_t)N(0)))
		fail(m, "set user", "", errno);
	// Changing ids made us dumpable as fs.suid_dumpable says.
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	umask((mode_t)N(2));
}

static void bound_capabilities(struct monitor *m)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (!(N(0) >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
			fail(m, "drop bounding capability", "", errno);
}

static void set_capabilities(struct monitor *m)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2], now[2];
	if (syscall(SYS_capget, &header, now))
		fail(m, "capget", "", errno);
	for (int i = 0; i < 2; i++) {
		// What we do not have nobody can be given; Executor warned of it.
		sets[i].permitted = (uint32_t)(N(1) >> 32 * i) & now[i].permitted;
		sets[i].effective = (uint32_t)(N(0) >> 32 * i) & sets[i].permitted;
		sets[i].inheritable = (uint32_t)(N(2) >> 32 * i) & now[i].permitted;
	}
	header.pid = 0;
	if (syscall(SYS_capset, &header, sets))
		fail(m, "set capabilities", "", errno);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int capability = 0; capability < 64; capability++)
		if (N(3) >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))
			report(m, FENDER_REPORT_WARNING, "raise ambient capability", "", errno, capability);
}

static void schedule(struct monitor *m)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t times[3];
	} attributes = {sizeof attributes, (uint32_t)N(0), N(1), (int32_t)N(2), (uint32_t)N(3), {0}};
	uint32_t length = 0;
	const char *times = fender_step_string(m->step, 0, &length);
	if (times && length == sizeof attributes.times)
		memcpy(attributes.times, times, length);
	if (syscall(SYS_sched_setattr, 0, &attributes, 0))
		failed(m, "set scheduler", "");
}

void set_affinity(struct monitor *m)
{
	uint32_t length = 0;
	const char *mask = fender_step_string(m->step, 0, &length);
	if (syscall(SYS_sched_setaffinity, 0, (size_t)length, mask) < 0)
		failed(m, "set CPU affinity", "");
}

/// The process ends with who stays with it. Changing ids takes this back, so it comes after.
static void die_with_parent(struct monitor *m)
{
	char byte;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		fail(m, "set parent death signal", "", errno);
	// It may have died before: then the pipe is at its end, and otherwise it would have to wait.
	if (read(m->life[0], &byte, 1) == 0)
		_exit(1);
	close(m->life[0]);
}

bool process_step(struct monitor *m)
{
	switch (m->step->code) {
	case FENDER_JOIN_CGROUPS:
		join_cgroups(m);
		return true;
	case FENDER_ENTER:
		enter(m);
		return true;
	case FENDER_UNSHARE:
		if (unshare((int)N(0)))
			failed(m, "unshare", "");
		return true;
	case FENDER_BECOME_ROOT:
		become_root(m);
		return true;
	case FENDER_NEW_SESSION:
		if (setsid() < 0 && errno != EPERM)
			fail(m, "setsid", "", errno);
		return true;
	case FENDER_KEYRING:
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, text(m, 0)) < 0)
			failed(m, "join session keyring", text(m, 0));
		return true;
	case FENDER_HOSTNAME:
		if (sethostname(text(m, 0), strlen(text(m, 0))))
			failed(m, "set hostname", text(m, 0));
		return true;
	case FENDER_DOMAINNAME:
		if (setdomainname(text(m, 0), strlen(text(m, 0))))
			failed(m, "set domainname", text(m, 0));
		return true;
	case FENDER_LOOPBACK_UP:
		loopback_up(m);
		return true;
	case FENDER_RLIMIT:
		limit(m);
		return true;
	case FENDER_SCHEDULER:
		schedule(m);
		return true;
	case FENDER_IO_PRIORITY:
		if (syscall(SYS_ioprio_set, 1, 0, (int)N(0)))
			failed(m, "set I/O priority", "");
		return true;
	case FENDER_PERSONALITY:
		if (personality(N(0)) < 0)
			failed(m, "set personality", "");
		return true;
	case FENDER_AFFINITY:
		set_affinity(m);
		return true;
	case FENDER_STDIO_OWNER:
		own_stdio(m);
		return true;
	case FENDER_USER:
		become_user(m);
		return true;
	case FENDER_BOUNDING:
		bound_capabilities(m);
		return true;
	case FENDER_PARENT_DEATH:
		die_with_parent(m);
		return true;
	case FENDER_CAPABILITIES:
		set_capabilities(m);
		return true;
	default:
		return false;
	}
}
