/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into nsgd: makes one allocation or system call fail, in one of the ways in which it can. The file
 * $FAULTS is a table of 32-bit numbers that a test sets and reads while nsgd runs: the number of the
 * fault that happens, counted down (0: none); how many were possible; the line here of the one that
 * happened; its error; its site. As long as none happens, the sites of all are written after these, if the
 * file has room for them. A site is the same for faults of one kind that are reached by the same calls.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <poll.h>
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
#include <unwind.h>

#include <linux/netlink.h>

static struct table {
	_Atomic uint32_t fails_at, faults, line, error, site, sites[];
} none, *table = &none;
static size_t n_sites;

/*
 * What does not survive a failed allocation, all of which nsgd calls before anything is in the kernel: libseccomp 2.5;
 * the loader of glibc, which ends the process when it has no memory for the thread-local data of a library; the look-up
 * of a group in glibc (getgrnam() below).
 */
#define MAX_SPARED 2
static struct spared {
	uintptr_t begin, end;
} spared[MAX_SPARED];
static size_t n_spared;
static _Thread_local bool in_group __attribute__((tls_model("initial-exec")));

static int spare(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	if (!strstr(info->dlpi_name, "libseccomp") && !strstr(info->dlpi_name, "/ld-"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum && n_spared < MAX_SPARED; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		const uintptr_t begin = info->dlpi_addr + h->p_vaddr;

		if (h->p_type == PT_LOAD && (h->p_flags & PF_X))
			spared[n_spared++] = (struct spared){begin, begin + h->p_memsz};
	}
	return 0;
}

static bool is_spared(uintptr_t caller)
{
	for (size_t i = 0; i < n_spared; i++)
		if (caller >= spared[i].begin && caller < spared[i].end)
			return true;
	return in_group;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTS");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	size_t size = sizeof(*table);
	struct stat st;
	void *p;

	if (fd < 0)
		return;
	(void)dl_iterate_phdr(spare, NULL);
	if (syscall(SYS_fstat, fd, &st) == 0 && (size_t)st.st_size > size)
		size = (size_t)st.st_size;
	p = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
	if (p != MAP_FAILED) {
		table = p;
		n_sites = (size - sizeof(*table)) / sizeof(table->sites[0]);
	}
	(void)syscall(SYS_close, fd);
}

/* FNV-1a */
static _Unwind_Reason_Code add_frame(struct _Unwind_Context *frame, void *hash)
{
	*(uint32_t *)hash = (*(uint32_t *)hash ^ (uint32_t)_Unwind_GetIP(frame)) * 0x01000193u;
	return _URC_NO_REASON;
}

static uint32_t site_of(int line)
{
	uint32_t hash = 0x811c9dc5u ^ (uint32_t)line;

	(void)_Unwind_Backtrace(add_frame, &hash);
	return hash;
}

/* Not errors: a part of the bytes; a dump that a change interrupted (NLM_F_DUMP_INTR). */
#define SHORT 1001
#define INTERRUPTED 1002

/* The fault of this call, or 0. Each way in which it can fail is a number. */
static int fault_of(uintptr_t caller, int line, const int *errors, uint32_t n)
{
	uint32_t at = atomic_load(&table->fails_at), first, site;
	int error;

	if (is_spared(caller))
		return 0;
	first = atomic_fetch_add(&table->faults, n);
	while (at && !atomic_compare_exchange_weak(&table->fails_at, &at, at > n ? at - n : 0))
		;
	if (at > n || (!at && first >= n_sites))
		return 0;
	site = n_sites ? site_of(line) : 0;
	for (uint32_t i = 0; !at && i < n && first + i < n_sites; i++)
		atomic_store(&table->sites[first + i], site + (uint32_t)errors[i]);
	if (!at)
		return 0;
	error = errors[at - 1];
	atomic_store(&table->site, site + (uint32_t)error);
	atomic_store(&table->line, (uint32_t)line);
	atomic_store(&table->error, (uint32_t)error);
	errno = error;
	return error;
}

#define COUNT(...) (sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define FAULT(...)                                                                                 \
	fault_of((uintptr_t)__builtin_return_address(0), __LINE__, (const int[]){__VA_ARGS__},     \
		 COUNT(__VA_ARGS__))

/* ---- memory: glibc's own names, since dlsym() allocates; those of AddressSanitizer if there is one -- */

#define WEAK extern __attribute__((weak))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
WEAK void *__interceptor_malloc(size_t size);
WEAK void *__interceptor_calloc(size_t n, size_t size);
WEAK void *__interceptor_realloc(void *p, size_t size);
WEAK void *__interceptor_aligned_alloc(size_t alignment, size_t size);

#define OWN(name) (__interceptor_##name ? __interceptor_##name : __libc_##name)
#define __libc_aligned_alloc __libc_memalign

void *malloc(size_t size)
{
	return FAULT(ENOMEM) ? NULL : OWN(malloc)(size);
}

void *calloc(size_t n, size_t size)
{
	return FAULT(ENOMEM) ? NULL : OWN(calloc)(n, size);
}

void *realloc(void *p, size_t size)
{
	return FAULT(ENOMEM) ? NULL : OWN(realloc)(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return FAULT(ENOMEM) ? NULL : OWN(aligned_alloc)(alignment, size);
}

/* ---- system calls --------------------------------------------------------------------------------- */

/* what read() is with FORTIFY_SOURCE */
extern ssize_t __read_chk(int fd, void *p, size_t n, size_t size);

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* FAIL(FUNCTION's type and name, PARAMETERS, ARGUMENTS, ERROR...): returns -1 or a number. */
#define FAIL(type, name, parameters, arguments, ...)                                               \
	type name parameters                                                                       \
	{                                                                                          \
		static __typeof__(&name) next;                                                     \
                                                                                                   \
		if (!next)                                                                         \
			next = NEXT(name);                                                         \
		return FAULT(__VA_ARGS__) ? -1 : next arguments;                                   \
	}

/* It happens, and fails nevertheless. */
#define FAIL_AFTER(type, name, parameters, arguments, ...)                                         \
	type name parameters                                                                       \
	{                                                                                          \
		static __typeof__(&name) next;                                                     \
		int error;                                                                         \
		type result;                                                                       \
                                                                                                   \
		if (!next)                                                                         \
			next = NEXT(name);                                                         \
		error = FAULT(__VA_ARGS__);                                                        \
		result = next arguments;                                                           \
		if (!error)                                                                        \
			return result;                                                             \
		errno = error;                                                                     \
		return -1;                                                                         \
	}

/* size is an argument: of a file, memory file or stream, a part of which is moved. */
#define FAIL_OR_SHORT(name, parameters, arguments, size, ...)                                      \
	ssize_t name parameters                                                                    \
	{                                                                                          \
		static __typeof__(&name) next;                                                     \
		int error;                                                                         \
                                                                                                   \
		if (!next)                                                                         \
			next = NEXT(name);                                                         \
		error = FAULT(__VA_ARGS__, SHORT);                                                 \
		if (error && error != SHORT)                                                       \
			return -1;                                                                 \
		if (error)                                                                         \
			(size) = ((size) + 1) / 2;                                                 \
		return next arguments;                                                             \
	}

FAIL(int, socket, (int domain, int kind, int protocol), (domain, kind, protocol), EMFILE, ENOBUFS)
FAIL(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), EADDRINUSE)
FAIL(int, listen, (int fd, int n), (fd, n), EADDRINUSE)
FAIL(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), EAGAIN, EINTR)
FAIL(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags), EMFILE,
     EINTR)
FAIL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), ENOBUFS, EINTR,
     EAGAIN)
FAIL(ssize_t, sendto,
     (int fd, const void *p, size_t n, int flags, const struct sockaddr *a, socklen_t size),
     (fd, p, n, flags, a, size), ENOBUFS, EINTR, EAGAIN)
FAIL(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags), ENOBUFS, EINTR,
     EAGAIN)
FAIL(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), ENOBUFS, EINTR,
     EAGAIN)
FAIL(int, recvmmsg, (int fd, struct mmsghdr *m, unsigned int n, int flags, struct timespec *t),
     (fd, m, n, flags, t), ENOBUFS, EINTR)
FAIL(int, setsockopt, (int fd, int level, int name, const void *p, socklen_t n),
     (fd, level, name, p, n), EINVAL)
FAIL(int, getsockopt, (int fd, int level, int name, void *p, socklen_t *n), (fd, level, name, p, n),
     EINVAL)
FAIL(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), ENOBUFS)
FAIL(int, epoll_create1, (int flags), (flags), EMFILE)
FAIL(int, epoll_ctl, (int fd, int op, int other, struct epoll_event *e), (fd, op, other, e), ENOMEM)
FAIL(int, poll, (struct pollfd * v, nfds_t n, int ms), (v, n, ms), EINTR, ENOMEM)
FAIL(int, ppoll, (struct pollfd * v, nfds_t n, const struct timespec *t, const sigset_t *s),
     (v, n, t, s), EINTR, ENOMEM)
FAIL(int, eventfd, (unsigned int n, int flags), (n, flags), EMFILE)
FAIL(int, timerfd_create, (int clock, int flags), (clock, flags), EMFILE)
FAIL(int, signalfd, (int fd, const sigset_t *s, int flags), (fd, s, flags), EMFILE)
FAIL(int, inotify_init1, (int flags), (flags), EMFILE)
FAIL(int, inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask), ENOSPC)
FAIL(int, memfd_create, (const char *name, unsigned int flags), (name, flags), EMFILE)
FAIL_OR_SHORT(pread, (int fd, void *p, size_t n, off_t offset), (fd, p, n, offset), n, EIO, EINTR)
FAIL_OR_SHORT(write, (int fd, const void *p, size_t n), (fd, p, n), n, ENOSPC, EIO, EINTR)
FAIL_OR_SHORT(pwrite, (int fd, const void *p, size_t n, off_t offset), (fd, p, n, offset), n,
	      ENOSPC, EIO, EINTR)
FAIL(int, ftruncate, (int fd, off_t n), (fd, n), ENOSPC, EIO)
FAIL(int, fstat, (int fd, struct stat *st), (fd, st), EIO)
FAIL(int, stat, (const char *path, struct stat *st), (path, st), EIO)
FAIL(int, lstat, (const char *path, struct stat *st), (path, st), EIO)
FAIL(ssize_t, readlink, (const char *path, char *p, size_t n), (path, p, n), EIO)
FAIL(int, mkdir, (const char *path, mode_t mode), (path, mode), EROFS, ENOSPC)
FAIL(int, fchmod, (int fd, mode_t mode), (fd, mode), EROFS)
FAIL(int, chmod, (const char *path, mode_t mode), (path, mode), EROFS)
FAIL(int, rename, (const char *from, const char *to), (from, to), EROFS, ENOSPC, EIO)
FAIL(int, unlink, (const char *path), (path), EROFS, EIO)
FAIL(int, flock, (int fd, int op), (fd, op), EINTR)
FAIL_AFTER(int, close, (int fd), (fd), EIO, EINTR)
FAIL_AFTER(int, fclose, (FILE * f), (f), ENOSPC, EIO)

/* A datagram is sent as a whole. */
ssize_t send(int fd, const void *p, size_t n, int flags)
{
	static const int errors[] = {ENOBUFS, EINTR, EAGAIN, SHORT};
	socklen_t size = sizeof(int);
	int type = 0, error;

	(void)syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size);
	error = fault_of((uintptr_t)__builtin_return_address(0), __LINE__, errors,
			 type == SOCK_STREAM ? 4 : 3);
	if (error && error != SHORT)
		return -1;
	return syscall(SYS_sendto, fd, p, error ? (n + 1) / 2 : n, flags, NULL, 0);
}

/* Counters of events and timers, signals and notifications of files come as a whole. */
static bool is_whole(int fd)
{
	struct stat st;

	return syscall(SYS_fstat, fd, &st) == 0 && (st.st_mode & S_IFMT) == 0;
}

static int fault_of_read(uintptr_t caller, int line, int fd)
{
	static const int errors[] = {EINTR, EAGAIN, EIO, SHORT};

	return fault_of(caller, line, errors, is_whole(fd) ? 2 : 4);
}

ssize_t read(int fd, void *p, size_t n)
{
	int error = fault_of_read((uintptr_t)__builtin_return_address(0), __LINE__, fd);

	if (error && error != SHORT)
		return -1;
	return syscall(SYS_read, fd, p, error ? (n + 1) / 2 : n);
}

ssize_t __read_chk(int fd, void *p, size_t n, size_t size)
{
	int error = fault_of_read((uintptr_t)__builtin_return_address(0), __LINE__, fd);

	if (n > size)
		abort();
	if (error && error != SHORT)
		return -1;
	return syscall(SYS_read, fd, p, error ? (n + 1) / 2 : n);
}

/* Also a dump of the kernel that something has changed meanwhile. */
ssize_t recvfrom(int fd, void *p, size_t n, int flags, struct sockaddr *a, socklen_t *size)
{
	static __typeof__(&recvfrom) next;
	struct nlmsghdr *nlh = p;
	ssize_t got;

	if (!next)
		next = NEXT(recvfrom);
	if (FAULT(ENOBUFS, EINTR, EAGAIN))
		return -1;
	got = next(fd, p, n, flags, a, size);
	if (got >= (ssize_t)sizeof(*nlh) && a && a->sa_family == AF_NETLINK &&
	    (nlh->nlmsg_flags & NLM_F_MULTI) && FAULT(INTERRUPTED))
		nlh->nlmsg_flags |= NLM_F_DUMP_INTR;
	return got;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (flags & O_CREAT ? FAULT(EMFILE, EROFS, ENOSPC) : FAULT(EMFILE, EIO))
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	static __typeof__(&fopen) next;

	if (!next)
		next = NEXT(fopen);
	return FAULT(EMFILE, EROFS, EIO) ? NULL : next(path, mode);
}

DIR *opendir(const char *path)
{
	static __typeof__(&opendir) next;

	if (!next)
		next = NEXT(opendir);
	return FAULT(EMFILE, EIO) ? NULL : next(path);
}

struct dirent *readdir(DIR *d)
{
	static __typeof__(&readdir) next;

	if (!next)
		next = NEXT(readdir);
	return FAULT(EIO) ? NULL : next(d);
}

/* What libnss_systemd keeps for getgrnam() is not always found when a fault came at the end. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libnss_systemd\n";
}

struct group *getgrnam(const char *name)
{
	static __typeof__(&getgrnam) next;
	struct group *group;

	if (!next)
		next = NEXT(getgrnam);
	in_group = true;
	group = next(name);
	in_group = false;
	return group;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *data)
{
	static __typeof__(&pthread_create) next;

	if (!next)
		next = NEXT(pthread_create);
	return FAULT(EAGAIN) ? EAGAIN : next(thread, attr, run, data);
}
