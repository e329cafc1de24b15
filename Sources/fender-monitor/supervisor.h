// The supervisor of a container: it stays with the first process, writes its log, serves clients, and leaves a record
// of how it ended. It is single-threaded, keeps nothing in memory but what is under way, and waits for nobody.
#pragma once

#include "monitor.h"

#include <poll.h>
#include <time.h>

enum {
	/// How many clients are served at once.
	CLIENTS = 64,
	/// As much as a pipe holds.
	CHUNK = 64 << 10,
	LOG_BUFFER = 64 << 10,
	/// "2006-01-02T15:04:05.000000000Z stdout F ".
	LOG_HEADER = 40,
};

/// The log, in lines of the CRI: "TIME STREAM TAG CONTENT".
struct log {
	/// -1 when there is none.
	int file;
	const char *path;
	/// What could not be written.
	uint64_t dropped_bytes, dropped_lines;
	/// Whole lines on their way.
	size_t used;
	char buffer[LOG_BUFFER];
};

/// An output of the process.
struct stream {
	/// -1 once it has ended.
	int file;
	const char *name;
	unsigned char event;
	unsigned char want;
	/// The beginning of a line whose end has not come.
	size_t held;
	char line[FENDER_LINE_LIMIT];
};

struct client {
	int file;
	unsigned char wants;
	/// Bytes it was not sent.
	uint64_t lost;
};

struct supervisor {
	pid_t process;
	int status;
	int signals;
	int listener;
	/// Where the terminal's master comes from; -1 once it has.
	int console;
	/// The terminal's master, which is also the output and the input; -1 without one.
	int terminal;
	/// The process's input; -1 without one.
	int input;
	bool input_is_once;
	/// Close the input once what is pending is written.
	bool input_ends;
	size_t pending, written;
	char pending_input[FENDER_MESSAGE_LIMIT];
	struct stream output, errors;
	struct log log;
	/// When the process is killed, in milliseconds of the monotonic clock; 0 for never.
	int64_t deadline;
	int client_count;
	struct client clients[CLIENTS];
	char chunk[CHUNK];
};

// setup.c
/// Makes all that a supervisor has before its process is there, as the running step says.
void set_up(struct monitor *m, struct supervisor *s);

// supervise.c
/// Sends a signal, and SIGKILL to all processes after so many milliseconds; 0 or errno.
int stop(struct supervisor *s, int signal_number, uint32_t grace);

// log.c
/// Opens the log, or opens it anew; false and errno when that fails, and then all stays as it was.
bool open_log(struct log *log);
/// Adds what a stream gave, in whole lines; the rest is kept until its end comes. `flush_log` must follow.
void log_bytes(struct log *log, struct stream *stream, const char *bytes, size_t count);
void flush_log(struct log *log);
/// Adds what is left of a stream that has ended.
void log_end(struct log *log, struct stream *stream);

// clients.c
/// Takes a new client.
void accept_client(struct supervisor *s);
/// Takes one message of a client.
void serve_client(struct supervisor *s, int index);
/// Sends output to the clients that want it; who does not keep up misses some and is told so.
void send_output(struct supervisor *s, const struct stream *stream, const char *bytes, size_t count);
/// Tells a client how much it missed, if there is room for it now.
void tell_loss(struct client *client);
/// Tells all clients before the end.
void tell_losses(struct supervisor *s);
/// Whether a client may send: not as long as the process does not take what came before.
bool may_send(const struct supervisor *s, const struct client *client);
/// Writes pending input as far as the process takes it.
void feed_input(struct supervisor *s);
