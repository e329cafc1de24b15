#include "supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/// The kernel holds what a client has not read yet: nothing of it is in our memory, and an end of ours loses none.
enum { CLIENT_BUFFER = 1 << 20 };

static void set_buffer(int file, int size)
{
	if (setsockopt(file, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
		setsockopt(file, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

void accept_client(struct supervisor *s)
{
	int file = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (file < 0)
		return;
	if (s->client_count == CLIENTS) {
		close(file);
		return;
	}
	set_buffer(file, CLIENT_BUFFER);
	s->clients[s->client_count++] = (struct client){.file = file};
}

static bool send_message(int file, unsigned char kind, const void *bytes, size_t count)
{
	struct iovec parts[] = {{&kind, 1}, {(void *)bytes, count}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t sent;
	do
		sent = sendmsg(file, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

static void answer(const struct client *client, int code)
{
	int32_t number = code;
	send_message(client->file, FENDER_ANSWER, &number, sizeof number);
}

void tell_loss(struct client *client)
{
	if (client->lost && send_message(client->file, FENDER_LOST, &client->lost, sizeof client->lost))
		client->lost = 0;
}

static void send_piece(struct client *client, unsigned char event, const char *bytes, size_t count)
{
	tell_loss(client);
	if (client->lost || !send_message(client->file, event, bytes, count))
		client->lost += count;
}

void send_output(struct supervisor *s, const struct stream *stream, const char *bytes, size_t count)
{
	for (int i = 0; i < s->client_count; i++) {
		if (!(s->clients[i].wants & stream->want))
			continue;
		for (size_t at = 0, piece; at < count; at += piece) {
			piece = count - at < FENDER_MESSAGE_LIMIT ? count - at : FENDER_MESSAGE_LIMIT;
			send_piece(&s->clients[i], stream->event, bytes + at, piece);
		}
	}
}

void tell_losses(struct supervisor *s)
{
	for (int i = 0; i < s->client_count; i++) {
		if (!s->clients[i].lost)
			continue;
		// There was no room; for a few bytes there is to be some.
		set_buffer(s->clients[i].file, CLIENT_BUFFER + (16 << 10));
		tell_loss(&s->clients[i]);
	}
}

/// The client has no more input; the process has more only from other clients.
static void end_client_input(struct supervisor *s, struct client *client)
{
	if (client->wants & FENDER_WANT_INPUT && s->input_is_once) {
		s->input_ends = true;
		feed_input(s);
	}
	client->wants &= (unsigned char)~FENDER_WANT_INPUT;
}

static void drop_client(struct supervisor *s, int index)
{
	end_client_input(s, &s->clients[index]);
	close(s->clients[index].file);
	s->clients[index] = s->clients[--s->client_count];
}

bool may_send(const struct supervisor *s, const struct client *client)
{
	return !(client->wants & FENDER_WANT_INPUT) || s->pending == s->written;
}

void feed_input(struct supervisor *s)
{
	while (s->input >= 0 && s->written < s->pending) {
		ssize_t count = write(s->input, s->pending_input + s->written, s->pending - s->written);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN)
			return;
		// Nobody reads it any more.
		if (count < 0)
			s->input_ends = true;
		s->written = count < 0 ? s->pending : s->written + (size_t)count;
	}
	s->pending = s->written = 0;
	if (!s->input_ends || s->input < 0)
		return;
	// A terminal has no end of input but the key that the client sends for it.
	if (s->input != s->terminal)
		close(s->input);
	s->input = -1;
}

static int resize(const struct supervisor *s, const char *bytes, size_t count)
{
	uint16_t size[2];
	if (count != sizeof size)
		return EINVAL;
	memcpy(size, bytes, sizeof size);
	struct winsize window = {.ws_row = size[0], .ws_col = size[1]};
	if (s->terminal < 0)
		return ENOTTY;
	return ioctl(s->terminal, TIOCSWINSZ, &window) ? errno : 0;
}

static int close_input(struct supervisor *s, struct client *client)
{
	if (client->wants) {
		end_client_input(s, client);
		return 0;
	}
	if (s->input < 0)
		return ENOTCONN;
	s->input_ends = true;
	feed_input(s);
	return 0;
}

static int stop_process(struct supervisor *s, const char *bytes, size_t count)
{
	uint32_t values[2];
	if (count != sizeof values)
		return EINVAL;
	memcpy(values, bytes, sizeof values);
	return stop(s, (int)values[0], values[1]);
}

static int reopen(struct supervisor *s)
{
	if (s->log.file < 0)
		return ENOENT;
	return open_log(&s->log) ? 0 : errno;
}

static void take_input(struct supervisor *s, const struct client *client, const char *bytes, size_t count)
{
	if (s->input < 0 || s->input_ends || !(client->wants & FENDER_WANT_INPUT))
		return;
	memcpy(s->pending_input, bytes, count);
	s->pending = count;
	s->written = 0;
	feed_input(s);
}

/// False for what is no command.
static bool obey(struct supervisor *s, struct client *client, const char *message, size_t count)
{
	const char *bytes = message + 1;
	count--;
	switch (message[0]) {
	case FENDER_INPUT:
		take_input(s, client, bytes, count);
		return true;
	case FENDER_JOIN:
		if (count != 1)
			return false;
		answer(client, 0);
		client->wants = (unsigned char)bytes[0] & (FENDER_WANT_INPUT | FENDER_WANT_OUTPUT | FENDER_WANT_ERRORS);
		return true;
	case FENDER_CLOSE_INPUT:
		answer(client, close_input(s, client));
		return true;
	case FENDER_RESIZE:
		answer(client, resize(s, bytes, count));
		return true;
	case FENDER_STOP:
		answer(client, stop_process(s, bytes, count));
		return true;
	case FENDER_REOPEN:
		answer(client, reopen(s));
		return true;
	default:
		return false;
	}
}

void serve_client(struct supervisor *s, int index)
{
	// One byte more than is allowed shows a message that is too long.
	static char message[1 + FENDER_MESSAGE_LIMIT + 1];
	ssize_t count = recv(s->clients[index].file, message, sizeof message, MSG_DONTWAIT);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0 || count == sizeof message || !obey(s, &s->clients[index], message, (size_t)count))
		drop_client(s, index);
}
