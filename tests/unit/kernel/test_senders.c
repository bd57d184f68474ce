/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "kernel/senders.h"
#include "support/netns.h"
#include "util/limits.h"

#define MOUNTS "/proc/self/mountinfo"

/* qemu-user has no such sockets. */
static void require_sock_diag(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0 && (errno == EPFNOSUPPORT || errno == EPROTONOSUPPORT))
		skip();
	(void)close(fd);
}

/* A connected socket of this process, and how it is asked for. */
static int connected(int type, int *ret_peer, struct nsg_sender_key *ret)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in from;
	socklen_t size = sizeof(to);

	assert_int_equal(bind(listener, (struct sockaddr *)&to, size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &size), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&from, &size), 0);
	*ret_peer = listener;
	*ret = (struct nsg_sender_key){
	    .protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP,
	    .src_host = INADDR_LOOPBACK,
	    .dst_host = INADDR_LOOPBACK,
	    .sport_host = ntohs(from.sin_port),
	    .dport_host = ntohs(to.sin_port),
	    .uid = getuid(),
	};
	return fd;
}

static void a_socket_is_found_with_its_cgroup(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	char *cgroup;
	struct nsg_senders *s;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(netns_run("ip link set lo up"), 0);
	s = nsg_senders_new(MOUNTS);
	assert_non_null(s);
	cgroup = netns_output("sed -n 's/^0:://p' /proc/self/cgroup | tr -d '\\n'");
	for (size_t i = 0; i < 2; i++) {
		struct nsg_sender_key key;
		struct nsg_sender sender;
		struct stat st;
		int peer, fd = connected(types[i], &peer, &key);

		assert_int_equal(fstat(fd, &st), 0);
		nsg_senders_find(s, &key, &sender);
		assert_int_equal(sender.inode, st.st_ino);
		if (sender.cgroup) /* a version 2 hierarchy is mounted */
			assert_string_equal(sender.cgroup, cgroup);
		key.uid++;
		nsg_senders_find(s, &key, &sender);
		assert_int_equal(sender.inode, 0);
		assert_null(sender.cgroup);
		key.uid--;
		(void)close(fd);
		(void)close(peer);
		nsg_senders_find(s, &key, &sender);
		assert_int_equal(sender.inode, 0);
	}
	free(cgroup);
	nsg_senders_free(s);
}

static void what_has_no_ports_has_no_sender_and_there_is_a_limit(void **state)
{
	struct nsg_senders *s;
	struct nsg_sender_key key;
	struct nsg_sender sender;
	bool reached = false;
	int fd, peer;

	(void)state;
	require_sock_diag();
	s = nsg_senders_new(MOUNTS);
	assert_non_null(s);
	fd = connected(SOCK_DGRAM, &peer, &key);
	key.protocol = IPPROTO_ICMP;
	nsg_senders_find(s, &key, &sender);
	assert_int_equal(sender.inode, 0);
	key.protocol = IPPROTO_UDP;
	/* some may be of the next second */
	for (uint32_t i = 0; !reached && i < 100 * NSG_MAX_SENDERS_A_SECOND; i++) {
		nsg_senders_find(s, &key, &sender);
		reached = !sender.inode;
	}
	assert_true(reached);
	(void)close(fd);
	(void)close(peer);
	nsg_senders_free(s);
}

/* What no directory has as its inode number is looked for everywhere. */
static void searches_for_cgroups_are_limited(void **state)
{
	char root[] = "/tmp/nsg-senders-XXXXXX", mounts[64], path[96];
	const unsigned int n = 100;
	struct nsg_senders *s;
	bool reached = false;
	struct stat st;
	FILE *f;

	(void)state;
	require_sock_diag();
	assert_non_null(mkdtemp(root));
	(void)snprintf(mounts, sizeof(mounts), "%s/mounts", root);
	f = fopen(mounts, "we");
	assert_non_null(f);
	fprintf(f, "30 1 0:26 / %s rw - cgroup2 cgroup2 rw\n", root);
	(void)fclose(f);
	for (unsigned int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%u", root, i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	s = nsg_senders_new(mounts);
	assert_non_null(s);
	for (unsigned int i = 0; !reached && i < n; i++) {
		for (uint64_t j = 0; j < 60; j++)
			assert_null(nsg_senders_cgroup(s, UINT64_MAX - 60 * i - j));
		/* some may be of the next second */
		(void)snprintf(path, sizeof(path), "%s/%u", root, i);
		assert_int_equal(stat(path, &st), 0);
		reached = !nsg_senders_cgroup(s, st.st_ino);
	}
	assert_true(reached);
	(void)sleep(1);
	assert_string_equal(nsg_senders_cgroup(s, st.st_ino), path + strlen(root));
	nsg_senders_free(s);
	for (unsigned int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%u", root, i);
		(void)rmdir(path);
	}
	(void)unlink(mounts);
	(void)rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_socket_is_found_with_its_cgroup),
	    cmocka_unit_test(what_has_no_ports_has_no_sender_and_there_is_a_limit),
	    cmocka_unit_test(searches_for_cgroups_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
