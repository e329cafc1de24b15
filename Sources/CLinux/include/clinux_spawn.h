// Starting a program: glibc's posix_spawn with its GNU extensions, which Swift does not see without
// _GNU_SOURCE. glibc runs nothing but async-signal-safe code between its vfork and exec.
#pragma once



/// Starts `path` in a process group of its own, every signal at its default and none blocked.
///
/// The child has `in`, `out` and `err` as 0 to 2, `heir` as 3 unless it is negative, and nothing else open.
/// Stores the pid and a close-on-exec pidfd; returns 0 or an errno value.
int fender_spawn(const char *path, char *const argv[], char *const envp[], int in, int out, int err, int heir,
		 int *pid, int *pidfd);

/// pipe2(2) with O_CLOEXEC.
int fender_pipe(int ends[2]);
