// A plan is a flat message of this machine's byte order: a header, then steps one after the other.
//
// Everything is decided when it is written; who carries it out decides nothing but how far a step went.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	/// "FNDP" as little-endian number.
	FENDER_PLAN_MAGIC = 0x50444e46,
	FENDER_PLAN_VERSION = 1,
	/// The longest plan, in bytes.
	FENDER_PLAN_LIMIT = 16 << 20,
	FENDER_PLAN_NUMBERS = 6,
	/// How many descriptors a plan may hold open at once.
	FENDER_PLAN_SLOTS = 1024,
};

/// What stands first in a plan.
struct fender_plan_header {
	uint32_t magic;
	uint32_t version;
	/// Length of the whole plan in bytes.
	uint32_t length;
	uint32_t steps;
};

/// One step: numbers, then `strings` times a 32-bit length and that many bytes, a NUL and padding to 4 bytes.
struct fender_step {
	/// Length of the step with its strings, a multiple of 8.
	uint32_t length;
	uint16_t code;
	uint16_t flags;
	uint32_t strings;
	uint32_t reserved;
	uint64_t number[FENDER_PLAN_NUMBERS];
};

enum fender_step_flags {
	/// A failure is a warning; the plan goes on.
	FENDER_STEP_OPTIONAL = 1,
	/// Nothing there to do it to is fine, and not worth a word.
	FENDER_STEP_IF_PRESENT = 2,
};

/// What a step does; N are its numbers, S its strings. Paths marked "in root" are resolved beneath the root
/// file system's descriptor and never leave it.
enum fender_step_code {
	// Before the clone, in the caller's namespaces.
	FENDER_OPEN_NAMESPACE = 1, // N0 slot; S0 path
	FENDER_ENTER = 2,	   // N0 slot, N1 CLONE_NEW* type: of a namespace, or of a pidfd several at once; also
				   // in the child
	FENDER_OPEN_TREE = 3,	   // N0 slot, N1 recursive; S0 path: a detached copy of a mount
	FENDER_IDMAP = 4,	   // N0 slot, N1 recursive; S0 uid map, S1 gid map
	FENDER_OPEN_CGROUP = 5,	   // N0 1 for a directory that clone3 joins; S0 path of the file or directory
	FENDER_TIME_OFFSETS = 6,   // S0 text for timens_offsets
	FENDER_OPEN_PIDFD = 7,	   // N0 slot, N1 pid, N2 its start time
	FENDER_OPEN_FILE = 8,	   // N0 slot, N1 open flags; S0 path
	FENDER_OOM_SCORE = 9,	   // N0 score as two's complement
	FENDER_CLONE = 10,	   // N0 CLONE_NEW* flags; S0 uid map, S1 gid map; what follows runs in the child

	// First in a plan whose process somebody stays with.
	FENDER_SUPERVISE = 11,	   // N0 bits FENDER_SUPERVISOR_*, N1 uid of the user of stdio; S0 socket, S1 exit record, S2 log or none, S3 file that
				   // counts OOM kills, S4 cgroup whose processes end with the first, S5... files of
				   // cgroups to join
	FENDER_ATTEND = 12,	   // S0 cgroup of the process alone or none, S1 the container's

	// In the place of all that makes the process.
	FENDER_RUNTIME = 14,	   // S0 file that gets the pid, S1 path for a console socket or none, S2 cgroup to move it to or
				   // none, S3 the cgroup it is in, S4... arguments of an OCI runtime

	// Before the clone, like those above it.
	FENDER_FIRST_AFFINITY = 13, // S0 cpu mask (blob): until the process is in its cgroups

	// In the child.
	FENDER_JOIN_CGROUPS = 20,
	FENDER_UNSHARE = 21,	   // N0 CLONE_NEW* flags
	FENDER_BECOME_ROOT = 22,   // uid, gid 0 of the user namespace
	FENDER_NEW_SESSION = 23,
	FENDER_KEYRING = 24,	   // S0 name
	FENDER_HOSTNAME = 25,	   // S0 name
	FENDER_DOMAINNAME = 26,	   // S0 name
	FENDER_LOOPBACK_UP = 27,
	FENDER_PROC = 28,	   // opens a procfs of our own for later steps
	FENDER_PROPAGATION = 30,   // N0 MS_* for the whole tree
	FENDER_ROOT = 31,	   // N0 MS_* for the root's own mount; S0 path, none for the root we have
	FENDER_MOUNT = 32,	   // N0 attributes, N1 propagation, N2 bits FENDER_MOUNT_*; S0 type, S1 source,
				   // S2 target in root, S3... key or key=value
	FENDER_ATTACH = 33,	   // N0 slot, N1 set, N2 clear, N3 set recursively, N4 clear recursively,
				   // N5 propagation; S0 source for errors, S1 target in root
	FENDER_ATTRIBUTES = 34,	   // N0 set, N1 clear, N2 recursive, N3 propagation; S0 in root
	FENDER_DEVICE = 35,	   // N0 file type and mode, N1 major, N2 minor, N3 uid, N4 gid, N5 bind it; S0 in root
	FENDER_SYMLINK = 36,	   // S0 target, S1 in root
	FENDER_DIRECTORY = 37,	   // N0 mode; S0 in root
	FENDER_TERMINAL = 38,	   // N0 console socket's descriptor or FENDER_NO_CONSOLE, N1 rows, N2 columns, N3 uid, N4 bind /dev/console
	FENDER_MASK = 39,	   // S0 in root
	FENDER_READONLY = 40,	   // S0 in root
	FENDER_SYSCTL = 41,	   // S0 path below sys, S1 value
	FENDER_HOOK = 42,	   // N0 timeout in seconds or 0, N1 count of arguments; S0 path, S1 state before the
				   // pid, S2 state after it, S3... arguments, environment
	FENDER_SYNC = 43,	   // tells the parent and waits for its word
	FENDER_PIVOT = 44,	   // N0 1 for MS_MOVE instead of pivot_root
	FENDER_RLIMIT = 50,	   // N0 resource, N1 soft, N2 hard
	FENDER_SCHEDULER = 52,	   // N0 policy, N1 flags, N2 nice, N3 priority; S0 runtime, deadline, period (blob)
	FENDER_IO_PRIORITY = 53,   // N0 ioprio value
	FENDER_PERSONALITY = 54,   // N0 persona
	FENDER_AFFINITY = 55,	   // S0 cpu mask (blob)
	FENDER_STDIO_OWNER = 56,   // N0 uid
	FENDER_DIRECTORY_OF_WORK = 57, // S0 path
	FENDER_USER = 58,	   // N0 uid, N1 gid, N2 umask, N3 leave groups alone; S0 gids (blob of 32-bit)
	FENDER_BOUNDING = 59,	   // N0 capability bits to keep
	FENDER_CAPABILITIES = 60,  // N0 effective, N1 permitted, N2 inheritable, N3 ambient
	FENDER_NO_NEW_PRIVILEGES = 61,
	FENDER_SECCOMP = 62,	   // N0 flags, N1 tell the listener to the parent; S0 filter (blob)
	FENDER_LABEL = 63,	   // N0 1 AppArmor, 2 SELinux; S0 label
	FENDER_FIND = 64,	   // S0 name, S1 PATH
	FENDER_CREATED = 65,	   // tells the parent and waits for its word
	FENDER_WAIT_START = 66,	   // N0 slot of the start FIFO, N1 slot of the result FIFO
	FENDER_PRESERVE = 67,	   // N0 how many descriptors after 2 stay open
	FENDER_PARENT_DEATH = 69,  // dies with who stays with it
	FENDER_EXEC = 68,	   // N0 count of arguments; S0... arguments, environment
};

enum {
	/// No console socket: the terminal's master goes to the supervisor, or with a report.
	FENDER_NO_CONSOLE = 0xffff,
};

enum fender_mount_bits {
	/// The target's links are not followed (proc and sysfs, CVE-2019-19921).
	FENDER_MOUNT_NO_LINKS = 1,
	/// What the target holds is copied into the new file system.
	FENDER_MOUNT_COPY_UP = 2,
};

/// What the child and the monitor tell on their seqpacket socket; a header, then step and path, each NUL-ended.
enum fender_report_kind {
	FENDER_REPORT_FAILURE = 1,
	FENDER_REPORT_WARNING = 2,
	/// `value` is the child's pid as the monitor sees it.
	FENDER_REPORT_PID = 3,
	/// Waits for an answer of one byte.
	FENDER_REPORT_SYNC = 4,
	FENDER_REPORT_CREATED = 5,
	/// Carries a descriptor.
	FENDER_REPORT_LISTENER = 6,
	/// Carries the master of the terminal.
	FENDER_REPORT_TERMINAL = 7,
	/// `value` is the pid of who stays with the process; of an attendant with the socket to it.
	FENDER_REPORT_SUPERVISOR = 8,
};

struct fender_report {
	uint32_t kind;
	/// errno, or 0.
	int32_t code;
	int64_t value;
};

/// Whether the `length` bytes at `plan` are a plan whose every step lies within it and is well formed.
int fender_plan_is_valid(const void *plan, size_t length);

/// The step after `step`, or the first one of `plan` when `step` is null; null at the end. Only for valid plans.
const struct fender_step *fender_plan_next(const void *plan, const struct fender_step *step);

/// String `index` of a step, NUL-ended, and its length when `length` is not null; null when there is none.
const char *fender_step_string(const struct fender_step *step, uint32_t index, uint32_t *length);
