// What is said to a process of fender-monitor that stays: to a container's supervisor over its Unix socket, and to
// an exec's attendant over the socket that came with its report. Both keep the bounds of messages (SOCK_SEQPACKET).
#pragma once

enum fender_supervisor_bits {
	/// The process has an input that clients may write to.
	FENDER_SUPERVISOR_INPUT = 1,
	/// It is closed when the first client with input goes.
	FENDER_SUPERVISOR_INPUT_ONCE = 2,
	/// The process has a terminal.
	FENDER_SUPERVISOR_TERMINAL = 4,
};

enum {
	/// The most bytes of input or output in one message, beside the byte of its kind.
	FENDER_MESSAGE_LIMIT = 32 << 10,
	/// The most content of a line of the log, as containerd's; longer lines go on in further ones.
	FENDER_LINE_LIMIT = 16 << 10,
};

/// The first byte of a message to a supervisor. All but FENDER_INPUT are answered with FENDER_ANSWER.
enum fender_command {
	/// One byte of FENDER_WANT_* bits follows; from here on output is sent and input taken.
	FENDER_JOIN = 'A',
	/// Bytes for the process, at most FENDER_MESSAGE_LIMIT; only from who is attached with input.
	FENDER_INPUT = 'I',
	/// Closes the process's input; of an attached client only when it is one for the first client alone.
	FENDER_CLOSE_INPUT = 'C',
	/// Two 16-bit numbers follow: rows and columns of the terminal.
	FENDER_RESIZE = 'W',
	/// Opens the log anew by its name.
	FENDER_REOPEN = 'R',
	/// Two 32-bit numbers follow: a signal for the process, and after how many milliseconds all are killed.
	FENDER_STOP = 'T',
};

enum fender_want {
	FENDER_WANT_INPUT = 1,
	FENDER_WANT_OUTPUT = 2,
	FENDER_WANT_ERRORS = 4,
};

/// The first byte of a message from a supervisor.
enum fender_event {
	/// Bytes of stdout or the terminal.
	FENDER_OUTPUT = 'o',
	/// Bytes of stderr.
	FENDER_ERRORS = 'e',
	/// A 64-bit number follows: so many bytes were not sent, since the client did not take what came before.
	FENDER_LOST = 'l',
	/// A 32-bit number follows: 0 or errno.
	FENDER_ANSWER = 's',
};

/// The only message to an attendant: kills the process and all that it left. Hanging up does the same.
enum { FENDER_KILL = 'k' };
// The only message from an attendant is 32 bits: the status of wait(2).
