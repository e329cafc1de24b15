// The program that holds a pod's namespaces open: it waits, reaps orphans and leaves when told to.
//
// It runs with no C library, as PID 1 of a pod or below the host's or another pod's init. Every
// signal is blocked before anything else: the kernel drops an unblocked signal whose action is the
// default one on its way to PID 1, and queues a blocked one for rt_sigtimedwait.

typedef unsigned long word;

#if defined(__x86_64__)

enum { SYS_rt_sigprocmask = 14, SYS_wait4 = 61, SYS_rt_sigtimedwait = 128, SYS_exit_group = 231 };

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tcall pause_main\n\thlt\n");

static long call(long number, word a, word b, word c, word d)
{
	register word r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

enum { SYS_exit_group = 94, SYS_rt_sigprocmask = 135, SYS_rt_sigtimedwait = 137, SYS_wait4 = 260 };

__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tbl pause_main\n\tbrk #0\n");

static long call(long number, word a, word b, word c, word d)
{
	register long x8 __asm__("x8") = number;
	register word x0 __asm__("x0") = a;
	register word x1 __asm__("x1") = b;
	register word x2 __asm__("x2") = c;
	register word x3 __asm__("x3") = d;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return (long)x0;
}

#else
#error "no system call numbers for this architecture"
#endif

enum { SIGNAL_INT = 2, SIGNAL_TERM = 15, SIG_SETMASK = 2, WNOHANG = 1, SIGSET_BYTES = 8 };

__attribute__((noreturn, used)) void pause_main(void)
{
	const word every_signal = ~0UL;
	call(SYS_rt_sigprocmask, SIG_SETMASK, (word)&every_signal, 0, SIGSET_BYTES);
	for (;;) {
		// Also before the first wait: children may have died before the mask was set. One SIGCHLD
		// stands for any number of them.
		while (call(SYS_wait4, -1UL, 0, WNOHANG, 0) > 0)
			;
		long signal = call(SYS_rt_sigtimedwait, (word)&every_signal, 0, 0, SIGSET_BYTES);
		if (signal == SIGNAL_INT || signal == SIGNAL_TERM)
			for (;;)
				call(SYS_exit_group, 0, 0, 0, 0);
	}
}
