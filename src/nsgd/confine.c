/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "nsgd/confine.h"

#if HAVE_SECCOMP

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "util/cleanup.h"
#include "util/macro.h"

#define CALL(name) SCMP_SYS(name)

/* Without condition; a call that this architecture does not have is skipped. */
static const int allowed[] = {
    /* memory and threads */
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(futex),
    CALL(futex_time64),
    CALL(set_robust_list),
    CALL(rseq),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(membarrier),
    CALL(gettid),
    CALL(getpid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(getrandom),
    CALL(exit),
    CALL(exit_group),
    CALL(restart_syscall),
    CALL(prlimit64),
    CALL(sysinfo),
    CALL(uname),
    CALL(getcpu),
    CALL(memfd_create),
    /* signals */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(sigaltstack),
    CALL(signalfd4),
    CALL(tgkill),
    /* time */
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(clock_nanosleep),
    CALL(nanosleep),
    CALL(gettimeofday),
    CALL(timerfd_create),
    CALL(timerfd_settime),
    CALL(timerfd_gettime),
    /* files; which ones is for the unit and the kernel */
    CALL(read),
    CALL(readv),
    CALL(pread64),
    CALL(write),
    CALL(writev),
    CALL(pwrite64),
    CALL(openat),
    CALL(open),
    CALL(close),
    CALL(lseek),
    CALL(fstat),
    CALL(stat),
    CALL(lstat),
    CALL(newfstatat),
    CALL(statx),
    CALL(statfs),
    CALL(fstatfs),
    CALL(access),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlink),
    CALL(readlinkat),
    CALL(getcwd),
    CALL(getdents64),
    CALL(fcntl),
    CALL(dup),
    CALL(dup3),
    CALL(mkdir),
    CALL(mkdirat),
    CALL(rename),
    CALL(renameat),
    CALL(renameat2),
    CALL(unlink),
    CALL(unlinkat),
    CALL(fsync),
    CALL(fdatasync),
    CALL(ftruncate),
    CALL(fallocate),
    CALL(fchmod),
    CALL(flock),
    CALL(umask),
    CALL(inotify_init1),
    CALL(inotify_add_watch),
    CALL(inotify_rm_watch),
    /* waiting */
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_pwait2),
    CALL(poll),
    CALL(ppoll),
    CALL(eventfd2),
    CALL(pipe2),
    /* sockets */
    CALL(bind),
    CALL(connect),
    CALL(accept4),
    CALL(shutdown),
    CALL(getsockname),
    CALL(getpeername),
    CALL(getsockopt),
    CALL(setsockopt),
    CALL(sendto),
    CALL(sendmsg),
    CALL(sendmmsg),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(recvmmsg),
    CALL(socketpair),
    /* those of 32-bit processors, and of POWER */
    CALL(send),
    CALL(recv),
    CALL(fcntl64),
    CALL(_llseek),
    CALL(fstat64),
    CALL(stat64),
    CALL(lstat64),
    CALL(fstatat64),
    CALL(statfs64),
    CALL(fstatfs64),
    CALL(ftruncate64),
    CALL(getuid32),
    CALL(geteuid32),
    CALL(getgid32),
    CALL(getegid32),
    CALL(sigreturn),
    CALL(clock_gettime64),
    CALL(clock_getres_time64),
    CALL(clock_nanosleep_time64),
    CALL(timerfd_settime64),
    CALL(timerfd_gettime64),
    CALL(ppoll_time64),
    CALL(recvmmsg_time64),
};

static const int killed[] = {
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(mount),
    CALL(umount2),
    CALL(move_mount),
    CALL(open_tree),
    CALL(fsopen),
    CALL(pivot_root),
    CALL(chroot),
    CALL(unshare),
    CALL(setns),
    CALL(bpf),
    CALL(perf_event_open),
    CALL(userfaultfd),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
    CALL(kexec_file_load),
    CALL(keyctl),
    CALL(add_key),
    CALL(request_key),
    CALL(open_by_handle_at),
    CALL(io_uring_setup),
    CALL(reboot),
    CALL(swapon),
    CALL(setuid),
    CALL(setreuid),
    CALL(setresuid),
    CALL(setgid),
    CALL(setregid),
    CALL(setresgid),
    CALL(setgroups),
    CALL(capset),
    CALL(memfd_secret),
    CALL(pkey_mprotect),
};

static int add(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = calls[i] < 0 ? 0 : seccomp_rule_add(ctx, action, calls[i], 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/* clone(2): on S/390 the stack comes first. */
#ifdef __s390__
#define CLONE_FLAGS SCMP_A1
#else
#define CLONE_FLAGS SCMP_A0
#endif

#define WHEN(name, action, condition)                                                              \
	do {                                                                                       \
		r = SCMP_SYS(name) < 0                                                             \
			? 0                                                                        \
			: seccomp_rule_add(ctx, action, SCMP_SYS(name), 1, condition);             \
		if (r < 0)                                                                         \
			return r;                                                                  \
	} while (0)

static int add_conditions(scmp_filter_ctx ctx)
{
	int r;

	WHEN(mmap, SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	WHEN(mmap, SCMP_ACT_KILL_PROCESS, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	WHEN(mmap2, SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	WHEN(mmap2, SCMP_ACT_KILL_PROCESS, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	WHEN(mprotect, SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	WHEN(mprotect, SCMP_ACT_KILL_PROCESS, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	/* A thread, not a process. The flags of clone3() are in memory, which no filter reads: glibc uses
	 * clone() when it fails so. */
	r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r < 0)
		return r;
	WHEN(clone, SCMP_ACT_ALLOW, CLONE_FLAGS(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	WHEN(clone, SCMP_ACT_KILL_PROCESS, CLONE_FLAGS(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	WHEN(socket, SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	WHEN(socket, SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
	/* the name of a thread */
	WHEN(prctl, SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	return 0;
}

static int fill(scmp_filter_ctx ctx)
{
	int r;

	/* never a single thread: without its main thread the process would go on deciding */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r < 0)
		return r;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r < 0)
		return r;
	r = add(ctx, SCMP_ACT_ALLOW, allowed, NSG_ARRAY_SIZE(allowed));
	if (r < 0)
		return r;
	r = add(ctx, SCMP_ACT_KILL_PROCESS, killed, NSG_ARRAY_SIZE(killed));
	if (r < 0)
		return r;
	return add_conditions(ctx);
}

int confine_start(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

	if (r >= 0)
		r = add(ctx, SCMP_ACT_KILL_PROCESS, killed, NSG_ARRAY_SIZE(killed));
	if (r >= 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

int confine_prepare(int *ret_fd)
{
	cleanup_close int fd = memfd_create("filter", MFD_CLOEXEC);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = fd < 0 ? -errno : ctx ? fill(ctx) : -ENOMEM;

	if (r >= 0)
		r = seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (r >= 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int confine(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct sock_fprog program;
	void *p;
	long r;

	if (size < 0)
		return -errno;
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	program = (struct sock_fprog){
	    .len = (unsigned short)((size_t)size / sizeof(struct sock_filter)),
	    .filter = p,
	};
	r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (r == 0)
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			    &program);
	/* a positive number is a thread that could not be confined */
	r = r < 0 ? -errno : r > 0 ? -EBUSY : 0;
	(void)munmap(p, (size_t)size);
	return (int)r;
}

#else

int confine_start(void)
{
	return 0;
}

int confine_prepare(int *ret_fd)
{
	*ret_fd = -1;
	return 0;
}

int confine(int fd)
{
	(void)fd;
	return 0;
}

#endif
