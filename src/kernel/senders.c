/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/senders.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "kernel/attr.h"
#include "kernel/cgroups.h"
#include "kernel/netlink.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"
#include "util/macro.h"

#define TCP_LISTENS 10 /* of enum in net/tcp_states.h */

/* The id of a cgroup is not reused, and its path does not change. */
struct known {
	uint64_t id; /* 0: none */
	char *path;  /* NULL: not in the hierarchy that is visible to this process */
};

struct nsg_senders {
	struct nsg_nl nl;
	char *root; /* of the hierarchy; NULL: none is mounted */
	struct known known[NSG_MAX_KNOWN_CGROUPS];
	uint64_t second_ns; /* start of the second that these two are for: */
	uint32_t n;	    /* sockets that were looked up */
	uint32_t n_read;    /* directories that were read to find cgroups */
};

struct nsg_senders *nsg_senders_new(const char *mounts)
{
	struct nsg_senders *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (nsg_nl_open(NETLINK_SOCK_DIAG, &s->nl) < 0) {
		free(s);
		return NULL;
	}
	(void)nsg_cgroups_find_root(mounts, &s->root);
	return s;
}

struct nsg_senders *nsg_senders_free(struct nsg_senders *s)
{
	if (!s)
		return NULL;
	nsg_nl_close(&s->nl);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(s->known); i++)
		free(s->known[i].path);
	free(s->root);
	free(s);
	return NULL;
}

/* ---- cgroups --------------------------------------------------------------------------------- */

struct search {
	uint64_t id;
	uint32_t n; /* directories that may still be read */
	char path[NSG_MAX_CGROUP_PATH];
};

/* Searches below the directory whose path has `length` bytes. True if found: it is in `path`. Closes fd. */
static bool search_below(struct search *s, int fd, size_t length)
{
	DIR *directory = fdopendir(fd);
	const struct dirent *e;
	bool found = false;

	if (!directory) {
		(void)close(fd);
		return false;
	}
	while (!found && s->n && (e = readdir(directory))) {
		int n, child;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		n = snprintf(s->path + length, sizeof(s->path) - length, "/%s", e->d_name);
		if (n < 0 || (size_t)n >= sizeof(s->path) - length)
			continue;
		/* a cgroup's id is its directory's inode number on a 64-bit kernel */
		found = e->d_ino == s->id;
		s->n--;
		if (found)
			break;
		child = openat(dirfd(directory), e->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			found = search_below(s, child, length + (size_t)n);
	}
	(void)closedir(directory);
	return found;
}

static char *find_path(struct nsg_senders *s, uint64_t id)
{
	struct search search = {.id = id, .n = NSG_MAX_CGROUPS_SEARCHED};
	int fd = s->root ? open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct stat st;
	bool found;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_ino == id) {
		(void)close(fd);
		return strdup("/");
	}
	found = search_below(&search, fd, 0);
	s->n_read += NSG_MAX_CGROUPS_SEARCHED - search.n;
	return found ? strdup(search.path) : NULL;
}

static void begin_second(struct nsg_senders *s)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	if (now_ns - s->second_ns < NSG_NS_PER_SEC)
		return;
	s->second_ns = now_ns;
	s->n = s->n_read = 0;
}

/* A user with many cgroups could otherwise keep the caller busy with searches. */
const char *nsg_senders_cgroup(struct nsg_senders *s, uint64_t id)
{
	struct known *k = &s->known[id % NSG_ARRAY_SIZE(s->known)];

	begin_second(s);
	if (!id)
		return NULL;
	if (k->id != id) {
		if (s->n_read >= NSG_MAX_CGROUPS_SEARCHED)
			return NULL;
		free(k->path);
		*k = (struct known){.id = id, .path = find_path(s, id)};
	}
	return k->path;
}

/* ---- sockets --------------------------------------------------------------------------------- */

struct socket_attrs {
	uint64_t cgroup;
};

struct found {
	uint32_t uid, inode;
	struct socket_attrs attrs;
};

static int take_socket(const struct nlmsghdr *nlh, void *arg)
{
	static const struct nsg_attr policy[] = {
	    NSG_ATTR(INET_DIAG_CGROUP_ID, U64, struct socket_attrs, cgroup),
	};
	struct inet_diag_msg m;
	struct found *f = arg;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nsg_attr_parse(nlh, sizeof(m), policy, NSG_ARRAY_SIZE(policy), &f->attrs) < 0)
		return 0;
	memcpy(&m, mnl_nlmsg_get_payload(nlh), sizeof(m));
	if (m.idiag_state == TCP_LISTENS)
		return 0;
	f->uid = m.idiag_uid;
	f->inode = m.idiag_inode;
	return 0;
}

static void ask(struct nsg_senders *s, const struct nsg_sender_key *key, struct found *ret)
{
	char buffer[MNL_NLMSG_HDRLEN + sizeof(struct inet_diag_req_v2)];
	struct inet_diag_req_v2 request = {
	    .sdiag_family = AF_INET,
	    .sdiag_protocol = key->protocol,
	    .idiag_states = UINT32_MAX,
	    .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
	};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	/* udp_dump_one() swaps source and destination, "for historical reasons" */
	bool swapped = key->protocol == IPPROTO_UDP;

	request.id.idiag_src[0] = htonl(swapped ? key->dst_host : key->src_host);
	request.id.idiag_dst[0] = htonl(swapped ? key->src_host : key->dst_host);
	request.id.idiag_sport = htons(swapped ? key->dport_host : key->sport_host);
	request.id.idiag_dport = htons(swapped ? key->sport_host : key->dport_host);
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(request)), &request, sizeof(request));
	if (nsg_nl_request(&s->nl, nlh, take_socket, ret) < 0)
		*ret = (struct found){0};
}

static bool is_too_many(struct nsg_senders *s)
{
	begin_second(s);
	return s->n++ >= NSG_MAX_SENDERS_A_SECOND;
}

void nsg_senders_find(struct nsg_senders *s, const struct nsg_sender_key *key,
		      struct nsg_sender *ret)
{
	struct found found = {0};

	*ret = (struct nsg_sender){0};
	if ((key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP) || is_too_many(s))
		return;
	ask(s, key, &found);
	if (!found.inode || found.uid != key->uid)
		return;
	ret->inode = found.inode;
	ret->cgroup = nsg_senders_cgroup(s, found.attrs.cgroup);
}
