#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
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
	/// When what should be dead is killed again.
	STOP_PAUSE = 100,
};

static struct supervisor the_supervisor;

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
	for (int i = clients - 1; i >= 0; i--) {
		if (entries[6 + i].revents & POLLOUT)
			tell_loss(&s->clients[i]);
		if (entries[6 + i].revents & ~POLLOUT)
			serve_client(s, i);
	}
	if (entries[5].revents)
		accept_client(s);
}

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

int stop(struct supervisor *s, int signal_number, uint32_t grace)
{
	if (kill(s->process, signal_number))
		return errno;
	int64_t deadline = now() + grace;
	if (!s->deadline || deadline < s->deadline)
		s->deadline = deadline;
	return 0;
}

/// Kills what does not end in time; answers how long to wait, -1 for ever.
static int keep_deadline(const struct monitor *m, struct supervisor *s)
{
	if (!s->deadline)
		return -1;
	int64_t left = s->deadline - now();
	if (left > 0)
		return left < INT32_MAX ? (int)left : INT32_MAX;
	kill(s->process, SIGKILL);
	// A process that is about to join its cgroup, or a cgroup that is frozen: once is not enough.
	kill_cgroup(text(m, 4), 0);
	return STOP_PAUSE;
}

/// Serves all until the process ends.
static void stay(const struct monitor *m, struct supervisor *s)
{
	bool has_input = N(0) & FENDER_SUPERVISOR_INPUT;
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
				.fd = may_send(s, &s->clients[i]) ? s->clients[i].file : -1,
				.events = s->clients[i].lost ? POLLIN | POLLOUT : POLLIN};
		if (poll(entries, 6 + (nfds_t)clients, keep_deadline(m, s)) < 0)
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

static void join_cgroups(const struct monitor *m)
{
	for (uint32_t i = 5; i < m->step->strings; i++) {
		int file = open(text(m, i), O_WRONLY | O_CLOEXEC);
		if (file < 0 || write(file, "0", 1) < 0)
			fail(m, "join cgroup", text(m, i), errno);
		close(file);
	}
}

_Noreturn static void run(const struct monitor *m, struct supervisor *s, pid_t process)
{
	s->process = process;
	stay(m, s);
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
