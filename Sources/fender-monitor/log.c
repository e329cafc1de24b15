#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool open_log(struct log *log)
{
	int file = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0640);
	if (file < 0)
		return false;
	if (log->file >= 0)
		close(log->file);
	log->file = file;
	return true;
}

static char *put_number(char *at, unsigned value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + digits;
}

/// A date of the proleptic Gregorian calendar by days since 1970, which lie after it.
static char *put_date(char *at, unsigned days)
{
	// Years begin in March here, so that the leap day is the last.
	unsigned shifted = days + 719468, era = shifted / 146097, day = shifted % 146097;
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	unsigned month = (5 * day + 2) / 153;
	at = put_number(at, year + era * 400 + (month >= 10), 4);
	*at++ = '-';
	at = put_number(at, month < 10 ? month + 3 : month - 9, 2);
	*at++ = '-';
	return put_number(at, day - (153 * month + 2) / 5 + 1, 2);
}

/// What stands before the content of a whole line: LOG_HEADER bytes.
static void put_header(char *at, const char *stream)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	unsigned second = (unsigned)(now.tv_sec % 86400);
	at = put_date(at, (unsigned)(now.tv_sec / 86400));
	const unsigned parts[] = {second / 3600, second / 60 % 60, second % 60};
	for (int i = 0; i < 3; i++) {
		*at++ = "T::"[i];
		at = put_number(at, parts[i], 2);
	}
	*at++ = '.';
	at = put_number(at, (unsigned)now.tv_nsec, 9);
	memcpy(at, "Z stdxxx F ", 11);
	memcpy(at + 5, stream + 3, 3);
}

/// Gives up what does not fit on the disk, and takes back the line that was cut by it.
static void drop(struct log *log, size_t written)
{
	size_t torn = 0;
	while (torn < written && log->buffer[written - 1 - torn] != '\n')
		torn++;
	off_t end = lseek(log->file, 0, SEEK_END);
	if (torn && end >= (off_t)torn) {
		int ignored = ftruncate(log->file, end - (off_t)torn);
		(void)ignored;
	}
	for (size_t i = written - torn; i < log->used; i++)
		log->dropped_lines += log->buffer[i] == '\n';
	log->dropped_bytes += log->used - written + torn;
}

void flush_log(struct log *log)
{
	size_t written = 0;
	while (log->file >= 0 && written < log->used) {
		ssize_t count = write(log->file, log->buffer + written, log->used - written);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			drop(log, written);
			break;
		}
		written += (size_t)count;
	}
	log->used = 0;
}

/// Adds a line: what is held of it, and `count` bytes more.
static void add_line(struct log *log, struct stream *stream, const char *header, char tag, const char *bytes,
		     size_t count)
{
	if (log->used + LOG_HEADER + stream->held + count + 1 > sizeof log->buffer)
		flush_log(log);
	char *at = log->buffer + log->used;
	memcpy(at, header, LOG_HEADER);
	at[LOG_HEADER - 2] = tag;
	at += LOG_HEADER;
	memcpy(at, stream->line, stream->held);
	at += stream->held;
	memcpy(at, bytes, count);
	at[count] = '\n';
	log->used += LOG_HEADER + stream->held + count + 1;
	stream->held = 0;
}

void log_bytes(struct log *log, struct stream *stream, const char *bytes, size_t count)
{
	char header[LOG_HEADER + 1];
	if (log->file < 0)
		return;
	put_header(header, stream->name);
	while (count) {
		// One byte more than a line may have: it could be the end of the line.
		size_t room = FENDER_LINE_LIMIT - stream->held, window = count <= room ? count : room + 1;
		const char *end = memchr(bytes, '\n', window);
		size_t taken = end ? (size_t)(end - bytes) : window <= room ? window : room;
		if (end) {
			add_line(log, stream, header, 'F', bytes, taken);
			taken++;
		} else if (window > room) {
			add_line(log, stream, header, 'P', bytes, taken);
		} else {
			memcpy(stream->line + stream->held, bytes, taken);
			stream->held += taken;
		}
		bytes += taken;
		count -= taken;
	}
}

void log_end(struct log *log, struct stream *stream)
{
	char header[LOG_HEADER + 1];
	if (log->file < 0 || !stream->held)
		return;
	put_header(header, stream->name);
	// As containerd: it had no end, so more would have to follow.
	add_line(log, stream, header, 'P', "", 0);
}
