/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket below kernel/netlink.h: what is asked of a descriptor. Functions return 0 or -errno. */
#ifndef NSG_KERNEL_NETLINK_SOCKET_H
#define NSG_KERNEL_NETLINK_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A bound socket with its buffers, and its port id. */
int nsg_nl_socket_make(int protocol, int *ret_fd, uint32_t *ret_portid);
/* The same for one that another process has made. */
int nsg_nl_socket_configure(int fd, uint32_t *ret_portid);

/* The transport of struct nl_transport; ctx points at the descriptor. */
ssize_t nsg_nl_socket_send(void *ctx, const void *data, size_t size);
ssize_t nsg_nl_socket_recv(void *ctx, void *data, size_t size, int flags);

void nsg_nl_socket_set_receive_buffer(int fd, int bytes);
/* See nsg_nl_filter_routes(). */
void nsg_nl_socket_filter_routes(int fd, uint32_t table, bool only);

#endif
