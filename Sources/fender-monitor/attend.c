// The process that stays with one that was started in a running container: it tells of its end, and ends it with all
// that it left when asked, or when who asked for it is gone.
#include "monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/// How long to wait for processes that the kernel does not let go.
	PATIENCE = 10 * 1000,
};

/// Waits for the end of a process, or for a reason to end it.
static int stay_with(const struct monitor *m, pid_t process, int signals, int control)
{
	struct pollfd entries[] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
	int status = 0;
	while (!reap(signals, process, &status)) {
		if (poll(entries, 2, -1) < 0 || !entries[1].revents)
			continue;
		// Whatever it is, the word to kill or the end of who would say it.
		kill(process, SIGKILL);
		kill_cgroup(text(m, 0), PATIENCE);
		entries[1].fd = -1;
	}
	return status;
}

void attend(struct monitor *m)
{
	int control[2], signals;
	leave_descriptors(m);
	leave_parent(m);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control))
		fail(m, "socketpair", "", errno);
	report_descriptor(m, FENDER_REPORT_SUPERVISOR, control[1], getpid());
	close(control[1]);
	// Orphans of a container in our pid namespace would be nobody's otherwise.
	// Who removes it makes it, so that there is always somebody who does.
	if (*text(m, 0) && mkdir(text(m, 0), 0755))
		fail(m, "make cgroup", text(m, 0), errno);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t process = fork_plan(m, &signals);
	if (process == 0) {
		close(control[0]);
		return;
	}
	leave_stdio(m);
	if (process < 0) {
		dissolve_cgroup(text(m, 0), text(m, 1));
		_exit(1);
	}
	int status = stay_with(m, process, signals, control[0]);
	dissolve_cgroup(text(m, 0), text(m, 1));
	send(control[0], &status, sizeof status, MSG_NOSIGNAL);
	_exit(0);
}
