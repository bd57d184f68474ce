/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/capture_priv.h"

int nsg_capture_fail(struct nsg_capture *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
	return -EBADMSG;
}

/* Moves what is unread to the front, and makes the buffer hold n bytes. */
static int make_room(struct nsg_capture *c, size_t n)
{
	uint8_t *larger;
	size_t room = c->room;

	memmove(c->buffer, c->buffer + c->begin, c->end - c->begin);
	c->end -= c->begin;
	c->begin = 0;
	while (room < n)
		room *= 2;
	if (room == c->room)
		return 0;
	larger = realloc(c->buffer, room);
	if (!larger)
		return -ENOMEM;
	c->buffer = larger;
	c->room = room;
	return 0;
}

/* A length that lies costs no more memory than the file has bytes: the buffer is doubled only when
 * it is full. */
static int fill(struct nsg_capture *c, size_t n)
{
	ssize_t got;
	int r;

	if (c->keeps_buffer)
		return -EAGAIN;
	while (c->end - c->begin < n && !c->at_end) {
		if (c->begin || c->end == c->room) {
			r = make_room(c, c->end - c->begin + 1);
			if (r < 0)
				return r;
		}
		got = read(c->fd, c->buffer + c->end, c->room - c->end);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		c->at_end = got == 0;
		c->end += (size_t)got;
		c->position += (size_t)got;
	}
	return c->end - c->begin >= n;
}

int nsg_capture_need(struct nsg_capture *c, size_t n)
{
	return c->end - c->begin >= n ? 1 : fill(c, n);
}
