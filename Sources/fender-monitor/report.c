#include "monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

const char *text(const struct monitor *m, uint32_t index)
{
	const char *string = fender_step_string(m->step, index, NULL);
	return string ? string : "";
}

static size_t compose(char *buffer, size_t capacity, const struct fender_report *head, const char *step,
		      const char *path)
{
	memcpy(buffer, head, sizeof *head);
	size_t at = sizeof *head;
	const char *parts[] = {step, path};
	for (int i = 0; i < 2; i++) {
		size_t length = strnlen(parts[i], (capacity - at) / (2 - i) - 1);
		memcpy(buffer + at, parts[i], length);
		buffer[at + length] = 0;
		at += length + 1;
	}
	return at;
}

void report(const struct monitor *m, uint32_t kind, const char *step, const char *path, int code, int64_t value)
{
	char buffer[8192];
	struct fender_report head = {.kind = kind, .code = code, .value = value};
	size_t length = compose(buffer, sizeof buffer, &head, step, path);
	if (m->result >= 0) {
		ssize_t ignored = write(m->result, buffer, length);
		(void)ignored;
	} else {
		send(m->socket, buffer, length, MSG_NOSIGNAL);
	}
}

_Noreturn void fail(const struct monitor *m, const char *step, const char *path, int code)
{
	report(m, FENDER_REPORT_FAILURE, step, path, code, 0);
	_exit(1);
}

void failed(const struct monitor *m, const char *step, const char *path)
{
	int code = errno;
	if (m->step->flags & FENDER_STEP_OPTIONAL)
		report(m, FENDER_REPORT_WARNING, step, path, code, 0);
	else
		fail(m, step, path, code);
}

void report_and_wait(const struct monitor *m, uint32_t kind)
{
	report(m, kind, "", "", 0, m->pid);
	char word;
	ssize_t count;
	do
		count = recv(m->socket, &word, 1, 0);
	while (count < 0 && errno == EINTR);
	if (count != 1)
		_exit(1);
}

void report_descriptor(const struct monitor *m, uint32_t kind, int descriptor, int64_t value)
{
	struct fender_report head = {.kind = kind, .value = value};
	char buffer[sizeof head + 2];
	if (fender_send_descriptor(m->socket, buffer, compose(buffer, sizeof buffer, &head, "", ""), descriptor))
		fail(m, "send descriptor", "", errno);
}
