/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netlink_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* The kernel answers within send() and recv(); a limit for one that does not. */
#define RECEIVE_TIMEOUT_SEC 5
/* One transaction holds the whole table: a few hundred KiB with every next hop there can be. */
#define SEND_BUFFER_BYTES (4 << 20)
/* Loading a large ruleset of another program sends all its notifications at once. */
#define RECEIVE_BUFFER_BYTES (2 << 20)

ssize_t nsg_nl_socket_send(void *ctx, const void *data, size_t size)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	return sendto(*(int *)ctx, data, size, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
}

ssize_t nsg_nl_socket_recv(void *ctx, void *data, size_t size, int flags)
{
	struct sockaddr_nl from = {0};
	socklen_t from_size = sizeof(from);
	ssize_t n;

	/* Messages of other processes to our port id are ignored. */
	do {
		from_size = sizeof(from);
		n = recvfrom(*(int *)ctx, data, size, flags, (struct sockaddr *)&from, &from_size);
	} while (n >= 0 && from.nl_pid != 0);
	return n;
}

static void set_buffer(int fd, int forced, int plain, int bytes)
{
	/* Forcing requires CAP_NET_ADMIN in the initial user namespace; the other is capped. */
	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

int nsg_nl_socket_configure(int fd, uint32_t *ret_portid)
{
	const struct timeval limit = {.tv_sec = RECEIVE_TIMEOUT_SEC};
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
	socklen_t size = sizeof(addr);
	const int on = 1;

	if (getsockname(fd, (struct sockaddr *)&addr, &size) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER_BYTES);
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
	/* Optional: messages about errors, and dumps filtered by the kernel. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*ret_portid = addr.nl_pid;
	return 0;
}

int nsg_nl_socket_make(int protocol, int *ret_fd, uint32_t *ret_portid)
{
	const struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
	cleanup_close int fd = -1;
	int r;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	r = nsg_nl_socket_configure(fd, ret_portid);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void nsg_nl_socket_set_receive_buffer(int fd, int bytes)
{
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
}

void nsg_nl_socket_filter_routes(int fd, uint32_t table, bool only)
{
	/* fib_dump_info() puts RTA_TABLE first, also for tables below 256 */
	const uint32_t attr = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct rtmsg));
	/* loads convert from network order */
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 4),
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, attr + offsetof(struct nlattr, nla_type)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTA_TABLE), 0, 2),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, attr + NLA_HDRLEN),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(table), !only, only),
	    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {NSG_ARRAY_SIZE(code), code};

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}
