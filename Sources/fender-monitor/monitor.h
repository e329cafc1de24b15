// fender-monitor carries out a plan of Executor: it makes a container's init process or a process in a
// container. It is single-threaded, and sealed in memory when it runs (CVE-2019-5736).
#pragma once

#define _GNU_SOURCE
#include "CExecutor.h"

#include <stdbool.h>
#include <sys/types.h>

/// What one run of a plan holds.
struct monitor {
	/// The socket to who asked.
	int socket;
	/// Where failures go once `start` came; -1 before.
	int result;
	/// The root file system's mount; -1 once it is our root.
	int root;
	/// A procfs of our own, which no mount of the container can hide (CVE-2025-52881); -1 when there is none.
	int proc;
	/// Host's null device, opened and verified before the container's tree is touched (CVE-2025-31133).
	int null;
	/// Our pid as the host sees it.
	pid_t pid;
	/// How many descriptors after 2 the container gets.
	int preserved;
	int cgroup_directory;
	int cgroups[64];
	int cgroup_count;
	int slots[FENDER_PLAN_SLOTS];
	/// Who stays with the process reads its pid here; -1 when nobody does.
	int birth;
	/// A pipe that hangs up when who stays has died.
	int life[2];
	/// Becomes the process's stdio; -1 leaves what is there.
	int stdio[3];
	/// Where a supervisor takes the terminal's master; -1 when there is none.
	int console;
	/// The file that the last FENDER_FIND found.
	char program[4096];
	const struct fender_step *step;
};

/// Numbers and strings of the running step.
#define N(i) (m->step->number[i])
const char *text(const struct monitor *m, uint32_t index);

// report.c
/// Tells of a failure as "step: path: errno text" and ends the process.
_Noreturn void fail(const struct monitor *m, const char *step, const char *path, int code);
/// As `fail` with errno, unless the step is optional: then it is a warning.
void failed(const struct monitor *m, const char *step, const char *path);
void report(const struct monitor *m, uint32_t kind, const char *step, const char *path, int code, int64_t value);
/// Reports and waits for the word to go on; ends the process when nobody is there any more.
void report_and_wait(const struct monitor *m, uint32_t kind);
/// Sends a descriptor with the report.
void report_descriptor(const struct monitor *m, uint32_t kind, int descriptor, int64_t value);

// path.c
/// Opens a path beneath the root; -1 and errno.
int open_in_root(const struct monitor *m, const char *path, int flags, uint64_t resolve);
/// The directory `path` in root, made when missing; -1 and errno.
int make_directory_in_root(const struct monitor *m, const char *path, mode_t mode);
/// The parent directory of `path` in root, made when missing, and the last name of the path.
int open_parent_in_root(const struct monitor *m, const char *path, const char **name);
/// A file or directory to mount at, like `like` in kind, made when missing.
int mount_point_in_root(const struct monitor *m, const char *path, bool directory, uint64_t resolve);

// stay.c
/// A pipe, closed on exec.
void make_pipe(const struct monitor *m, int ends[2]);
/// Closes everything but stdio and the socket: nothing of who started us is ours to hold.
void leave_descriptors(struct monitor *m);
/// Makes stdio the null device.
void leave_stdio(const struct monitor *m);
/// Goes on as a process that is nobody's child, in a session of its own.
void leave_parent(const struct monitor *m);
/// Forks the process that goes on with the plan: returns 0 in it, and in the one that stays the pid of what the plan
/// made, or -1 when it came to nothing. `signals` becomes a signalfd of all signals, which are blocked.
pid_t fork_plan(struct monitor *m, int *signals);
/// Collects children that have ended; true once `process` has, with its status.
bool reap(int signals, pid_t process, int *status);

// cgroup.c
/// Kills all processes of a cgroup and below; false when some are left after `milliseconds`.
bool kill_cgroup(const char *directory, int milliseconds);
/// Moves the processes of a cgroup to another one and removes it, as far as that goes.
void dissolve_cgroup(const char *directory, const char *into);
/// Moves a process from one cgroup to another, unless it is there, with what it has started by then.
void gather_family(pid_t process, const char *from, const char *into);
/// How often the kernel killed for want of memory.
uint64_t count_oom_kills(const char *file);

// The steps, each with the running step's numbers and strings.
void before_clone(struct monitor *m);
void do_clone(struct monitor *m);
/// FENDER_ENTER, before the clone or in the child.
void enter(struct monitor *m);
bool mount_step(struct monitor *m);
bool device_step(struct monitor *m);
bool process_step(struct monitor *m);
void set_affinity(struct monitor *m);
/// Becomes uid and gid 0 of the user namespace.
void become_root(struct monitor *m);
bool final_step(struct monitor *m);
void supervise(struct monitor *m);
void attend(struct monitor *m);
_Noreturn void run_runtime(struct monitor *m);
void copy_up(struct monitor *m, int from, int to);
