#define _GNU_SOURCE
#include "CExecutor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

int fender_sealed_copy(int file)
{
	struct stat status;
	if (fstat(file, &status))
		return -1;
	// Kernels before 6.3 do not know MFD_EXEC and need none.
	int copy = memfd_create("fender-monitor", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy < 0 && errno == EINVAL)
		copy = memfd_create("fender-monitor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0)
		return -1;
	off_t done = 0;
	while (done < status.st_size) {
		ssize_t count = sendfile(copy, file, &done, status.st_size - done);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			close(copy);
			return -1;
		}
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)) {
		close(copy);
		return -1;
	}
	return copy;
}

int fender_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int fender_report_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

long fender_report_receive(int socket, void *buffer, size_t capacity, int *descriptor)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {buffer, capacity};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	*descriptor = -1;
	ssize_t count;
	do
		count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (count < 0 && errno == EINTR);
	struct cmsghdr *header = count < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
	return count;
}

int fender_send_descriptor(int socket, const void *bytes, size_t length, int descriptor)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	memset(&control, 0, sizeof control);
	struct iovec part = {(void *)bytes, length};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
	ssize_t count;
	do
		count = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -1 : 0;
}

int fender_read_only(const char *path)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
	int mount = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0)
		return -1;
	if (!mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes))
		return mount;
	int code = errno;
	close(mount);
	errno = code;
	return -1;
}

uint64_t fender_bounding_set(void)
{
	uint64_t bits = 0;
	for (int capability = 0, has; (has = prctl(PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0; capability++)
		bits |= (uint64_t)has << capability;
	return bits;
}

int fender_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

static int bpf(int command, union bpf_attr *attribute)
{
	return (int)syscall(SYS_bpf, command, attribute, sizeof *attribute);
}

int fender_device_program(const void *instructions, uint32_t count, char *log, uint32_t log_length)
{
	union bpf_attr attribute;
	memset(&attribute, 0, sizeof attribute);
	attribute.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attribute.insns = (uintptr_t)instructions;
	attribute.insn_cnt = count;
	attribute.license = (uintptr_t) "Apache-2.0";
	attribute.log_buf = (uintptr_t)log;
	attribute.log_size = log_length;
	attribute.log_level = log_length ? 1 : 0;
	return bpf(BPF_PROG_LOAD, &attribute);
}

int fender_attach_device_program(int cgroup, int program)
{
	union bpf_attr attribute;
	memset(&attribute, 0, sizeof attribute);
	attribute.target_fd = cgroup;
	attribute.attach_bpf_fd = program;
	attribute.attach_type = BPF_CGROUP_DEVICE;
	attribute.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf(BPF_PROG_ATTACH, &attribute);
}

static uint32_t program_id(int program)
{
	struct bpf_prog_info info;
	memset(&info, 0, sizeof info);
	union bpf_attr attribute;
	memset(&attribute, 0, sizeof attribute);
	attribute.info.bpf_fd = program;
	attribute.info.info_len = sizeof info;
	attribute.info.info = (uintptr_t)&info;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attribute) ? 0 : info.id;
}

int fender_detach_device_programs(int cgroup, int keep)
{
	uint32_t ids[64];
	union bpf_attr attribute;
	memset(&attribute, 0, sizeof attribute);
	attribute.query.target_fd = cgroup;
	attribute.query.attach_type = BPF_CGROUP_DEVICE;
	attribute.query.prog_ids = (uintptr_t)ids;
	attribute.query.prog_cnt = sizeof ids / sizeof *ids;
	if (bpf(BPF_PROG_QUERY, &attribute))
		return -1;
	uint32_t kept = program_id(keep);
	for (uint32_t i = 0, count = attribute.query.prog_cnt; i < count; i++) {
		if (ids[i] == kept)
			continue;
		union bpf_attr open;
		memset(&open, 0, sizeof open);
		open.prog_id = ids[i];
		int program = bpf(BPF_PROG_GET_FD_BY_ID, &open);
		if (program < 0)
			return -1;
		memset(&open, 0, sizeof open);
		open.target_fd = cgroup;
		open.attach_bpf_fd = program;
		open.attach_type = BPF_CGROUP_DEVICE;
		int result = bpf(BPF_PROG_DETACH, &open);
		close(program);
		if (result)
			return -1;
	}
	return 0;
}

int fender_take_signals(void)
{
	sigset_t all;
	sigfillset(&all);
	// What the kernel raises for faults of our own must kill us.
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGABRT);
	if (sigprocmask(SIG_BLOCK, &all, NULL))
		return -1;
	return signalfd(-1, &all, SFD_CLOEXEC);
}

int fender_next_signal(int signals)
{
	struct signalfd_siginfo information;
	ssize_t count = read(signals, &information, sizeof information);
	return count == sizeof information ? (int)information.ssi_signo : -1;
}

int fender_resize(int terminal, uint16_t rows, uint16_t columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	return ioctl(terminal, TIOCSWINSZ, &size);
}
