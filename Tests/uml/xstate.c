// Preloaded into User-Mode Linux: lets it set floating point registers on processors that have more of them than it
// knows. Debian's kernel 6.1 hands ptrace(2) 2696 bytes; where the processor's state is larger, as with AMX, the host
// refuses less than all of it with EFAULT, and the machine's first process dies.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long call(long request, long pid, void *address, void *data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

long ptrace(enum __ptrace_request request, ...)
{
	static __thread char state[64 << 10];
	struct iovec all = { state, sizeof(state) };
	va_list arguments;
	long pid, value = 0, result;
	void *address, *data;

	va_start(arguments, request);
	pid = va_arg(arguments, int);
	address = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);
	// As the C library: what is peeked comes back as the result.
	if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER) {
		result = call(request, pid, address, &value);
		if (result < 0)
			return -1;
		errno = 0;
		return value;
	}
	if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE) {
		const struct iovec *part = data;

		if (call(PTRACE_GETREGSET, pid, address, &all) == 0 && part->iov_len < all.iov_len) {
			memcpy(state, part->iov_base, part->iov_len);
			data = &all;
		}
	}
	return call(request, pid, address, data);
}
