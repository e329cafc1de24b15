// Made-up output, cut anywhere, becomes a log that holds it to the byte; and made-up messages of a client harm nobody.
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT = 1 << 20, LONGEST_RUN = 128 * 257 };

static struct supervisor the_supervisor;

int stop(struct supervisor *s, int signal_number, uint32_t grace)
{
	(void)s;
	return signal_number || grace ? 0 : EINVAL;
}

static char output[LIMIT], found[LIMIT], logged[4 * LIMIT];

/// A few bytes stand for much output: above 127 for a run of one letter, 0 for a cut.
static size_t write_output(struct supervisor *s, const uint8_t *bytes, size_t count)
{
	size_t written = 0, length = 0;
	for (size_t i = 0; i <= count && length < LIMIT - LONGEST_RUN; i++) {
		if (i < count && bytes[i] >= 128) {
			size_t run = (size_t)(bytes[i] - 127) * 257;
			memset(output + length, 'x', run);
			length += run;
		} else if (i < count && bytes[i]) {
			output[length++] = bytes[i] & 1 ? '\n' : (char)bytes[i];
			continue;
		}
		// A copy, so that a sanitizer sees what is read beyond it.
		char *piece = malloc(length - written + 1);
		memcpy(piece, output + written, length - written);
		log_bytes(&s->log, &s->output, piece, length - written);
		free(piece);
		written = length;
		if (i < count && bytes[i] & 2)
			flush_log(&s->log);
	}
	log_bytes(&s->log, &s->output, output + written, length - written);
	log_end(&s->log, &s->output);
	flush_log(&s->log);
	return length;
}

/// Puts the log together again, as a kubelet does.
static size_t read_log(int file)
{
	ssize_t count = pread(file, logged, sizeof logged, 0);
	size_t length = 0;
	for (char *line = logged, *end; line < logged + count; line = end + 1) {
		end = memchr(line, '\n', (size_t)(logged + count - line));
		if (!end || end - line < LOG_HEADER || end - line > LOG_HEADER + FENDER_LINE_LIMIT ||
		    memcmp(line + 30, " stdout ", 8) || (line[38] != 'F' && line[38] != 'P'))
			abort();
		size_t content = (size_t)(end - line) - LOG_HEADER;
		memcpy(found + length, line + LOG_HEADER, content);
		length += content;
		if (line[38] == 'F')
			found[length++] = '\n';
	}
	return length;
}

static void check_log(struct supervisor *s, const uint8_t *bytes, size_t count)
{
	s->log = (struct log){.file = memfd_create("log", MFD_CLOEXEC), .path = "/dev/null"};
	s->output = (struct stream){.file = -1, .name = "stdout", .event = FENDER_OUTPUT, .want = FENDER_WANT_OUTPUT};
	size_t length = write_output(s, bytes, count);
	if (read_log(s->log.file) != length || memcmp(found, output, length))
		abort();
	close(s->log.file);
	s->log.file = -1;
}

/// Each message is a byte of length, then its bytes; every other one begins with a command.
static void talk(struct supervisor *s, const uint8_t *bytes, size_t count)
{
	int pair[2], input[2];
	static const char commands[] = {FENDER_JOIN, FENDER_INPUT, FENDER_CLOSE_INPUT, FENDER_RESIZE, FENDER_REOPEN, FENDER_STOP};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) || pipe2(input, O_NONBLOCK))
		abort();
	s->terminal = s->console = s->listener = -1;
	s->input = input[1];
	s->input_is_once = count && bytes[0] & 1;
	s->input_ends = false;
	s->clients[s->client_count++] = (struct client){.file = pair[0]};
	for (size_t i = 0; i + 1 < count && s->client_count; i++) {
		char message[32];
		size_t length = bytes[i] % 24 < count - i - 1 ? bytes[i] % 24 : count - i - 1;
		memcpy(message, bytes + i + 1, length);
		if (bytes[i] & 64)
			message[0] = commands[(uint8_t)message[0] % sizeof commands];
		send(pair[1], message, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (may_send(s, s->clients))
			serve_client(s, 0);
		send_output(s, &s->output, output, 70000);
		feed_input(s);
		i += length;
	}
	tell_losses(s);
	if (s->client_count)
		close(s->clients[--s->client_count].file);
	if (s->input >= 0)
		close(s->input);
	close(input[0]);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	check_log(&the_supervisor, bytes, count);
	talk(&the_supervisor, bytes, count);
	return 0;
}
