/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into nsgd: makes one allocation or system call fail. The file $FAULTS is a table of three
 * 32-bit numbers that a test sets and reads while nsgd runs: the number of the call that fails, counted
 * down (0: none); how many calls there were; the line here of the one that failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static struct table {
	_Atomic uint32_t fails_at, calls, line;
} none, *table = &none;

/* libseccomp 2.5 does not survive a failed allocation: nsgd calls it before anything is in the kernel. */
static uintptr_t spared, spared_end;

static int spare(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	if (!strstr(info->dlpi_name, "libseccomp"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type != PT_LOAD || !(h->p_flags & PF_X))
			continue;
		spared = info->dlpi_addr + h->p_vaddr;
		spared_end = spared + h->p_memsz;
	}
	return 1;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTS");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	(void)dl_iterate_phdr(spare, NULL);
	p = (void *)syscall(SYS_mmap, NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0L);
	if (p != MAP_FAILED)
		table = p;
	(void)syscall(SYS_close, fd);
}

static bool fails_for(uintptr_t caller, int line, int error)
{
	uint32_t n = atomic_load(&table->fails_at);

	if (caller >= spared && caller < spared_end)
		return false;
	atomic_fetch_add(&table->calls, 1);
	while (n && !atomic_compare_exchange_weak(&table->fails_at, &n, n - 1))
		;
	if (n != 1)
		return false;
	atomic_store(&table->line, (uint32_t)line);
	errno = error;
	return true;
}

#define fails(line, error) fails_for((uintptr_t)__builtin_return_address(0), line, error)

/* ---- memory: glibc's own names, since dlsym() allocates ------------------------------------------- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
	return fails(__LINE__, ENOMEM) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails(__LINE__, ENOMEM) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails(__LINE__, ENOMEM) ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails(__LINE__, ENOMEM) ? NULL : __libc_memalign(alignment, size);
}

/* ---- system calls --------------------------------------------------------------------------------- */

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* FAIL(ERROR, FUNCTION, PARAMETERS, ARGUMENTS): a function that returns -1 or a number. */
#define FAIL(error, type, name, parameters, arguments)                                             \
	type name parameters                                                                       \
	{                                                                                          \
		static __typeof__(&name) next;                                                     \
                                                                                                   \
		if (!next)                                                                         \
			next = NEXT(name);                                                         \
		return fails(__LINE__, error) ? -1 : next arguments;                               \
	}

FAIL(EMFILE, int, socket, (int domain, int kind, int protocol), (domain, kind, protocol))
FAIL(EADDRINUSE, int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
FAIL(EADDRINUSE, int, listen, (int fd, int n), (fd, n))
FAIL(ENOBUFS, ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
FAIL(ENOBUFS, ssize_t, sendto,
     (int fd, const void *p, size_t n, int flags, const struct sockaddr *a, socklen_t size),
     (fd, p, n, flags, a, size))
FAIL(ENOBUFS, ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
FAIL(ENOBUFS, ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
FAIL(ENOBUFS, ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
FAIL(ENOBUFS, ssize_t, recvfrom,
     (int fd, void *p, size_t n, int flags, struct sockaddr *a, socklen_t *size),
     (fd, p, n, flags, a, size))
FAIL(EINVAL, int, setsockopt, (int fd, int level, int name, const void *p, socklen_t n),
     (fd, level, name, p, n))
FAIL(EINVAL, int, getsockopt, (int fd, int level, int name, void *p, socklen_t *n),
     (fd, level, name, p, n))
FAIL(ENOBUFS, int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
FAIL(EMFILE, int, epoll_create1, (int flags), (flags))
FAIL(ENOMEM, int, epoll_ctl, (int fd, int op, int other, struct epoll_event *e), (fd, op, other, e))
FAIL(EMFILE, int, eventfd, (unsigned int n, int flags), (n, flags))
FAIL(EMFILE, int, timerfd_create, (int clock, int flags), (clock, flags))
FAIL(EMFILE, int, signalfd, (int fd, const sigset_t *s, int flags), (fd, s, flags))
FAIL(EMFILE, int, inotify_init1, (int flags), (flags))
FAIL(ENOSPC, int, inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask))
FAIL(EIO, ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
FAIL(EIO, int, fstat, (int fd, struct stat *st), (fd, st))
FAIL(EIO, int, lstat, (const char *path, struct stat *st), (path, st))
FAIL(EROFS, int, mkdir, (const char *path, mode_t mode), (path, mode))
FAIL(EROFS, int, fchmod, (int fd, mode_t mode), (fd, mode))
FAIL(EROFS, int, chmod, (const char *path, mode_t mode), (path, mode))
FAIL(EINTR, int, flock, (int fd, int op), (fd, op))

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails(__LINE__, EMFILE) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	static __typeof__(&fopen) next;

	if (!next)
		next = NEXT(fopen);
	return fails(__LINE__, EMFILE) ? NULL : next(path, mode);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *data)
{
	static __typeof__(&pthread_create) next;

	if (!next)
		next = NEXT(pthread_create);
	return fails(__LINE__, EAGAIN) ? EAGAIN : next(thread, attr, run, data);
}
