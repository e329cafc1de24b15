#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const void *map_plan(struct monitor *m, int file)
{
	struct stat status;
	if (fstat(file, &status))
		fail(m, "read plan", "", errno);
	void *plan = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (plan == MAP_FAILED)
		fail(m, "read plan", "", errno);
	if (!fender_plan_is_valid(plan, (size_t)status.st_size))
		fail(m, "read plan", "", EBADMSG);
	close(file);
	return plan;
}

/// posix_spawn(3) leaves the C library's own two signals ignored, and what we make would inherit that.
static void restore_signals(void)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} action = {.handler = SIG_DFL};
	for (int number = 32; number < 34; number++)
		syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
}

/// A process that does nothing until the other end of a pipe is closed.
_Noreturn static void hold(int lifeline)
{
	char byte;
	while (read(lifeline, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

int main(int count, char **arguments)
{
	static struct monitor state;
	struct monitor *m = &state;
	if (count == 2)
		hold(atoi(arguments[1]));
	if (count != 3)
		return 2;
	m->socket = atoi(arguments[2]);
	m->null = m->result = m->root = m->proc = m->cgroup_directory = m->birth = m->console = -1;
	m->life[0] = m->life[1] = m->stdio[0] = m->stdio[1] = m->stdio[2] = -1;
	for (int i = 0; i < FENDER_PLAN_SLOTS; i++)
		m->slots[i] = -1;
	fcntl(m->socket, F_SETFD, FD_CLOEXEC);
	// Nobody in the namespaces we join may trace us or read our descriptors.
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	umask(0);
	restore_signals();
	const void *plan = map_plan(m, atoi(arguments[1]));
	for (m->step = fender_plan_next(plan, NULL); m->step; m->step = fender_plan_next(plan, m->step)) {
		if (m->step->code == FENDER_SUPERVISE)
			supervise(m);
		else if (m->step->code == FENDER_ATTEND)
			attend(m);
		else if (m->step->code == FENDER_RUNTIME)
			run_runtime(m);
		else if (m->step->code < FENDER_CLONE || m->step->code == FENDER_FIRST_AFFINITY)
			before_clone(m);
		else if (m->step->code == FENDER_CLONE)
			do_clone(m);
		else if (!mount_step(m) && !device_step(m) && !process_step(m) && !final_step(m))
			fail(m, "read plan", "unknown step", EBADMSG);
	}
	fail(m, "read plan", "no exec", EBADMSG);
}
