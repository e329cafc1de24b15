#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void make_pipe(const struct monitor *m, int ends[2])
{
	if (pipe2(ends, O_CLOEXEC))
		fail(m, "pipe", "", errno);
}

void leave_descriptors(struct monitor *m)
{
	enum { FIRST = 3 };
	if (m->socket != FIRST && dup3(m->socket, FIRST, O_CLOEXEC) < 0)
		fail(m, "dup", "socket", errno);
	m->socket = FIRST;
	syscall(SYS_close_range, FIRST + 1U, ~0U, 0U);
}

void leave_stdio(const struct monitor *m)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		fail(m, "open", "/dev/null", errno);
	for (int i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			fail(m, "dup", "/dev/null", errno);
	if (null > 2)
		close(null);
}

void leave_parent(const struct monitor *m)
{
	pid_t child = fork();
	if (child < 0)
		fail(m, "fork", "", errno);
	if (child)
		_exit(0);
	setsid();
}

static int take_signals(const struct monitor *m)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		fail(m, "signalfd", "", errno);
	return signals;
}

static void go_on(struct monitor *m, int birth)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	m->birth = birth;
}

pid_t fork_plan(struct monitor *m, int *signals)
{
	int birth[2];
	make_pipe(m, birth);
	make_pipe(m, m->life);
	fcntl(m->life[0], F_SETFL, O_NONBLOCK);
	*signals = take_signals(m);
	pid_t child = fork(), made;
	if (child < 0)
		fail(m, "fork", "", errno);
	if (child == 0) {
		close(birth[0]);
		go_on(m, birth[1]);
		return 0;
	}
	// What only the other has is known by its end.
	int theirs[] = {birth[1], m->life[0], m->stdio[0], m->stdio[1], m->stdio[2], m->console, m->socket};
	for (unsigned i = 0; i < sizeof theirs / sizeof *theirs; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	ssize_t count;
	do
		count = read(birth[0], &made, sizeof made);
	while (count < 0 && errno == EINTR);
	close(birth[0]);
	return count == sizeof made ? made : -1;
}

bool reap(int signals, pid_t process, int *status)
{
	struct signalfd_siginfo information;
	while (read(signals, &information, sizeof information) > 0)
		;
	bool ended = false;
	int code;
	for (pid_t child; (child = waitpid(-1, &code, WNOHANG)) > 0;) {
		if (child != process)
			continue;
		ended = true;
		*status = code;
	}
	return ended;
}
