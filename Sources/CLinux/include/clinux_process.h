// Process descriptors; glibc before 2.36 has no wrappers.
#pragma once

/// pidfd_open(2). Returns a close-on-exec descriptor or -1.
int fender_pidfd_open(int pid);

/// pidfd_send_signal(2) without siginfo. Signal 0 asks whether the process is still there.
int fender_pidfd_send_signal(int pidfd, int signal);

/// Gives the calling thread the lowest priority, for the processors (nice 19) and for disks (ioprio class idle).
void fender_background_thread(void);
