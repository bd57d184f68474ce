/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/flow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

#define HEAD "{\"records\":["
#define TAIL "]}\n"
#define COPY_BYTES 65536

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t written = write(fd, data, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -ENOSPC;
		data += written;
		n -= (size_t)written;
	}
	return 0;
}

/* Copies the first n bytes. */
static int copy(int from, int to, off_t n)
{
	char buffer[COPY_BYTES];

	while (n) {
		size_t most = n < (off_t)sizeof(buffer) ? (size_t)n : sizeof(buffer);
		ssize_t got = read(from, buffer, most);
		int r;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		r = write_all(to, buffer, (size_t)got);
		if (r < 0)
			return r;
		n -= got;
	}
	return 0;
}

/* The folders of a path below the directory. */
static int make_folders(char *path, size_t below)
{
	for (char *slash = path + below; (slash = strchr(slash, '/')); slash++) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0750) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

/* The records before the new one; *ret is whether there are any. */
static int copy_records(const char *path, int to, bool *ret)
{
	cleanup_close int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char tail[sizeof(TAIL) - 1];
	struct stat st;
	int r;

	*ret = false;
	if (from < 0)
		return errno == ENOENT ? write_all(to, HEAD, strlen(HEAD)) : -errno;
	if (fstat(from, &st) < 0)
		return -errno;
	/* all that a power failure leaves of it on some file systems */
	if (!st.st_size)
		return write_all(to, HEAD, strlen(HEAD));
	if (st.st_size < (off_t)(strlen(HEAD) + sizeof(tail)) ||
	    pread(from, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail)) !=
		(ssize_t)sizeof(tail) ||
	    memcmp(tail, TAIL, sizeof(tail)) != 0)
		return -EBADMSG;
	r = copy(from, to, st.st_size - (off_t)sizeof(tail));
	*ret = !r && st.st_size > (off_t)(strlen(HEAD) + sizeof(tail));
	return r;
}

static int write_copy(const char *path, const char *temporary, const char *record)
{
	cleanup_close int to = -1;
	bool more = false;
	int r;

	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	to = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (to < 0)
		return -errno;
	r = copy_records(path, to, &more);
	if (!r && more)
		r = write_all(to, ",\n", 2);
	if (!r)
		r = write_all(to, record, strlen(record));
	if (!r)
		r = write_all(to, TAIL, strlen(TAIL));
	/* some file systems report a full disk only here */
	if (close(TAKE_FD(to)) < 0 && !r)
		r = -errno;
	return r;
}

int nsg_flow_file_append(const char *directory, const char *path, const char *record)
{
	cleanup_free char *whole = NULL;
	cleanup_free char *temporary = NULL;
	int r;

	if (asprintf(&whole, "%s/%s", directory, path) < 0) {
		whole = NULL;
		return -ENOMEM;
	}
	if (asprintf(&temporary, "%s.tmp", whole) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	r = make_folders(whole, strlen(directory) + 1);
	if (!r)
		r = write_copy(whole, temporary, record);
	if (!r && rename(temporary, whole) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	return r;
}
