#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void listen_at(const struct monitor *m, struct supervisor *s, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[4096];
	const char *name = strrchr(path, '/');
	if (!name || (size_t)(name - path) >= sizeof directory)
		fail(m, "listen", path, ENAMETOOLONG);
	memcpy(directory, path, (size_t)(name - path));
	directory[name - path] = 0;
	// The path may be longer than an address.
	int parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int length = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d%s", parent, name);
	s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	if (parent < 0 || s->listener < 0 || length >= (int)sizeof address.sun_path ||
	    bind(s->listener, (struct sockaddr *)&address, sizeof address) || listen(s->listener, CLIENTS))
		fail(m, "listen", path, errno);
	umask(mask);
	close(parent);
}

static void make_terminal_pair(struct monitor *m, struct supervisor *s)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		fail(m, "socketpair", "", errno);
	s->console = ends[0];
	m->console = ends[1];
}

static int make_null(const struct monitor *m)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0)
		fail(m, "open", "/dev/null", errno);
	return null;
}

/// Pipes for the process, of which ours do not block.
static void make_stdio(struct monitor *m, struct supervisor *s)
{
	int ends[2];
	if (N(0) & FENDER_SUPERVISOR_INPUT) {
		make_pipe(m, ends);
		m->stdio[0] = ends[0];
		s->input = ends[1];
	} else {
		m->stdio[0] = make_null(m);
	}
	make_pipe(m, ends);
	m->stdio[1] = ends[1];
	s->output.file = ends[0];
	make_pipe(m, ends);
	m->stdio[2] = ends[1];
	s->errors.file = ends[0];
	int ours[] = {s->input, s->output.file, s->errors.file};
	for (int i = 0; i < 3; i++)
		if (ours[i] >= 0 && fcntl(ours[i], F_SETFL, O_NONBLOCK))
			fail(m, "fcntl", "stdio", errno);
	// So that /dev/stdout can be opened, which root of a user namespace could not see to itself.
	for (int i = s->input < 0; i < 3; i++)
		if (fchown(m->stdio[i], (uid_t)N(1), (gid_t)-1))
			fail(m, "own", "stdio", errno);
}

void set_up(struct monitor *m, struct supervisor *s)
{
	s->listener = s->console = s->terminal = s->input = s->log.file = -1;
	s->output = (struct stream){.file = -1, .name = "stdout", .event = FENDER_OUTPUT, .want = FENDER_WANT_OUTPUT};
	s->errors = (struct stream){.file = -1, .name = "stderr", .event = FENDER_ERRORS, .want = FENDER_WANT_ERRORS};
	s->input_is_once = N(0) & FENDER_SUPERVISOR_INPUT_ONCE;
	s->log.path = text(m, 2);
	if (*s->log.path && !open_log(&s->log))
		fail(m, "open log", s->log.path, errno);
	listen_at(m, s, text(m, 0));
	if (N(0) & FENDER_SUPERVISOR_TERMINAL)
		make_terminal_pair(m, s);
	else
		make_stdio(m, s);
}
