// Calls that Swift's Glibc module lacks.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// A sealed copy of a file in memory: nobody can ever write it (CVE-2019-5736). Returns a descriptor or -1.
int fender_sealed_copy(int file);

/// memfd_create(2), close-on-exec. Returns a descriptor or -1.
int fender_memory_file(const char *name);

/// socketpair(2) of seqpackets, close-on-exec.
int fender_report_pair(int ends[2]);

/// Receives one report of at most `capacity` bytes; a descriptor that came with it is stored, else -1.
/// Returns the length, 0 at the end.
long fender_report_receive(int socket, void *buffer, size_t capacity, int *descriptor);

/// Sends `length` bytes with one descriptor (SCM_RIGHTS).
int fender_send_descriptor(int socket, const void *bytes, size_t length, int descriptor);

/// A file behind a read-only mount that is nowhere in the tree: whoever gets at it cannot write to it. Returns a
/// descriptor or -1.
int fender_read_only(const char *path);

/// The capabilities in our bounding set, a bit each.
uint64_t fender_bounding_set(void);

/// prctl(PR_SET_CHILD_SUBREAPER, 1).
int fender_adopt_orphans(void);

/// bpf(2): loads a cgroup device program of `count` instructions of 8 bytes. Returns a descriptor or -1.
int fender_device_program(const void *instructions, uint32_t count, char *log, uint32_t log_length);

/// bpf(2): attaches a device program to a cgroup v2 directory.
int fender_attach_device_program(int cgroup, int program);

/// bpf(2): takes every device program off a cgroup v2 directory but `keep`.
int fender_detach_device_programs(int cgroup, int keep);

/// Blocks all signals and returns a close-on-exec descriptor that tells of them (signalfd(2)), or -1.
int fender_take_signals(void);

/// Waits for the next signal on that descriptor; -1 and errno.
int fender_next_signal(int signals);

/// ioctl(2) TIOCSWINSZ: the size of a terminal in characters.
int fender_resize(int terminal, uint16_t rows, uint16_t columns);
