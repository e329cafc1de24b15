#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/// How long to wait for what a dead first process left in its cgroup.
	PATIENCE = 2000,
	/// How many chunks are read of one output before the others have their turn.
	TURN = 8,
	/// How many turns an output gets after the end; far more than a pipe holds.
	DRAIN = 128,
	/// When a terminal that nobody has open is looked at again.
	TERMINAL_PAUSE = 500,
};

static struct supervisor the_supervisor;

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

static void join_cgroups(const struct monitor *m)
{
	for (uint32_t i = 5; i < m->step->strings; i++) {
		int file = open(text(m, i), O_WRONLY | O_CLOEXEC);
		if (file < 0 || write(file, "0", 1) < 0)
			fail(m, "join cgroup", text(m, i), errno);
		close(file);
	}
}

static void set_up(struct monitor *m, struct supervisor *s)
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

/// The master of the terminal, which the process makes in its own namespaces.
static void take_terminal(struct supervisor *s, bool has_input)
{
	char name[16];
	long count = fender_report_receive(s->console, name, sizeof name, &s->terminal);
	close(s->console);
	s->console = -1;
	if (count <= 0 || s->terminal < 0)
		return;
	fcntl(s->terminal, F_SETFL, O_RDWR | O_NONBLOCK);
	s->output.file = s->terminal;
	s->input = has_input ? s->terminal : -1;
}

/// Reads an output until nothing is there or others must have their turn; false once nothing is there.
static bool read_turn(struct supervisor *s, struct stream *stream)
{
	for (int i = 0; stream->file >= 0 && i < TURN; i++) {
		ssize_t count = read(stream->file, s->chunk, sizeof s->chunk);
		if (count < 0 && errno == EINTR)
			continue;
		// A terminal fails while nobody has it open; somebody may open it again.
		if (count < 0)
			return false;
		if (count == 0) {
			log_end(&s->log, stream);
			close(stream->file);
			stream->file = -1;
			return false;
		}
		send_output(s, stream, s->chunk, (size_t)count);
		log_bytes(&s->log, stream, s->chunk, (size_t)count);
	}
	return stream->file >= 0;
}

static bool read_output(struct supervisor *s, struct stream *stream)
{
	bool has_more = read_turn(s, stream);
	flush_log(&s->log);
	return has_more;
}

static void handle(struct supervisor *s, const struct pollfd *entries, int clients, bool has_input)
{
	if (entries[1].revents)
		take_terminal(s, has_input);
	if (entries[2].revents)
		read_output(s, &s->output);
	if (entries[3].revents)
		read_output(s, &s->errors);
	if (entries[4].revents)
		feed_input(s);
	// From the end: one that is dropped is replaced by the last.
	for (int i = clients - 1; i >= 0; i--)
		if (entries[6 + i].revents)
			serve_client(s, i);
	if (entries[5].revents)
		accept_client(s);
}

/// Serves all until the process ends.
static void stay(struct supervisor *s, bool has_input)
{
	while (!reap(s->signals, s->process, &s->status)) {
		bool is_waiting = s->pending > s->written;
		struct pollfd entries[6 + CLIENTS] = {
			{.fd = s->signals, .events = POLLIN}, {.fd = s->console, .events = POLLIN},
			{.fd = s->output.file, .events = POLLIN}, {.fd = s->errors.file, .events = POLLIN},
			{.fd = is_waiting ? s->input : -1, .events = POLLOUT}, {.fd = s->listener, .events = POLLIN},
		};
		int clients = s->client_count;
		for (int i = 0; i < clients; i++)
			entries[6 + i] = (struct pollfd){
				.fd = may_send(s, &s->clients[i]) ? s->clients[i].file : -1, .events = POLLIN};
		if (poll(entries, 6 + (nfds_t)clients, -1) < 0)
			continue;
		handle(s, entries, clients, has_input);
		// Nobody has the terminal open, and the kernel would say so at once again.
		if (s->terminal >= 0 && entries[2].revents & POLLHUP)
			poll(entries, 1, TERMINAL_PAUSE);
	}
}

/// The record of the end, which is there as a whole or not at all.
static void leave_record(const struct monitor *m, const struct supervisor *s, const struct timespec *end)
{
	char temporary[4096], record[512];
	int signal_number = WIFSIGNALED(s->status) ? WTERMSIG(s->status) : 0;
	int code = signal_number ? 128 + signal_number : WEXITSTATUS(s->status);
	int length = snprintf(record, sizeof record,
			      "{\"code\":%d,\"signal\":%d,\"finishedAt\":%lld,\"oomKills\":%llu,"
			      "\"droppedLines\":%llu,\"droppedBytes\":%llu}\n",
			      code, signal_number, end->tv_sec * 1000000000LL + end->tv_nsec,
			      (unsigned long long)count_oom_kills(text(m, 3)),
			      (unsigned long long)s->log.dropped_lines, (unsigned long long)s->log.dropped_bytes);
	snprintf(temporary, sizeof temporary, "%s.new", text(m, 1));
	int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0 || write(file, record, (size_t)length) != length || rename(temporary, text(m, 1)))
		unlink(temporary);
	close(file);
}

static void finish(const struct monitor *m, struct supervisor *s)
{
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	// Where the container has no pid namespace of its own, others may live on, and hold its outputs.
	if (*text(m, 4))
		kill_cgroup(text(m, 4), PATIENCE);
	// Not for ever: somebody may hold an output and go on writing.
	for (int i = 0; i < DRAIN && (read_output(s, &s->output) | read_output(s, &s->errors)); i++)
		;
	log_end(&s->log, &s->output);
	log_end(&s->log, &s->errors);
	flush_log(&s->log);
	tell_losses(s);
	leave_record(m, s, &end);
	unlink(text(m, 0));
	_exit(0);
}

_Noreturn static void run(const struct monitor *m, struct supervisor *s, pid_t process)
{
	s->process = process;
	stay(s, N(0) & FENDER_SUPERVISOR_INPUT);
	finish(m, s);
	_exit(0);
}

void supervise(struct monitor *m)
{
	struct supervisor *s = &the_supervisor;
	leave_descriptors(m);
	leave_stdio(m);
	set_up(m, s);
	leave_parent(m);
	join_cgroups(m);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	report(m, FENDER_REPORT_SUPERVISOR, "", "", 0, getpid());
	pid_t process = fork_plan(m, &s->signals);
	if (process == 0)
		return;
	if (process < 0)
		_exit(1);
	run(m, s, process);
}
