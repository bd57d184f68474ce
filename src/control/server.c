/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "control/control.h"
#include "util/cleanup.h"

#define BACKLOG 16
/* NGROUPS_MAX of Linux. */
#define MAX_GROUPS 65536

static int fail(struct nsg_diag *diag, int error, const char *path, const char *what)
{
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "control socket %s: %s: %s", path, what,
			   strerror(error));
	return -error;
}

/* Locks the directory, so that two daemons starting at once do not remove each other's socket. */
static int lock_directory(const char *path, struct nsg_diag *diag, int *ret_fd)
{
	cleanup_free char *copy = strdup(path);
	cleanup_close int fd = -1;
	const char *directory;

	if (!copy)
		return -ENOMEM;
	directory = dirname(copy);
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return fail(diag, errno, path, "cannot create its directory");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return fail(diag, errno, path, "cannot lock its directory");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Removes a socket that no process listens on. */
static int remove_dead(const char *path, struct nsg_diag *diag)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(diag, errno, path, "cannot examine it");
	if (!S_ISSOCK(st.st_mode))
		return fail(diag, EEXIST, path, "exists and is not a socket");
	fd = nsg_control_connect(path);
	if (fd != -ECONNREFUSED)
		return fail(diag, EADDRINUSE, path, "another nsgd of this instance is running");
	if (unlink(path) < 0)
		return fail(diag, errno, path, "cannot remove the stale socket");
	return 0;
}

static int give_to_group(const char *path, const char *name, struct nsg_diag *diag)
{
	const struct group *group = name ? getgrnam(name) : NULL;

	if (name && !group)
		(void)nsg_diag_add(
		    diag, NSG_NOTICE, NULL, NULL,
		    "group %s does not exist: only root and the user of nsgd can use "
		    "the control socket",
		    name);
	/* The unit has a filter without lchown(), and this group already. */
	if (group && group->gr_gid != getegid() && lchown(path, (uid_t)-1, group->gr_gid) < 0)
		return fail(diag, errno, path, "cannot change its group");
	if (chmod(path, 0660) < 0)
		return fail(diag, errno, path, "cannot set its mode");
	return 0;
}

int nsg_control_listen(const char *path, const char *group, struct nsg_diag *diag)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int lock = -1;
	cleanup_close int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(diag, ENAMETOOLONG, path, "the path is too long");
	memcpy(address.sun_path, path, strlen(path) + 1);

	r = lock_directory(path, diag, &lock);
	if (r < 0)
		return r;
	r = remove_dead(path, diag);
	if (r < 0)
		return r;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Linux gives the bound file the socket inode's mode (unix(7), Pathname socket ownership
	 * and permissions), so others never have access to it. */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return fail(diag, errno, path, "cannot create it");
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(diag, errno, path, "cannot bind it");
	r = give_to_group(path, group, diag);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = fail(diag, errno, path, "cannot listen on it");
	if (r < 0) {
		(void)unlink(path);
		return r;
	}
	return TAKE_FD(fd);
}

/* Whether it is a supplementary group of the peer. 1, 0, -errno. */
static int peer_in_group(int fd, gid_t group)
{
	cleanup_free gid_t *groups = NULL;
	socklen_t size = 64 * sizeof(*groups);

	for (;;) {
		gid_t *larger = realloc(groups, size);

		if (!larger)
			return -ENOMEM;
		groups = larger;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
			break;
		/* size is now the size needed */
		if (errno != ERANGE || size > MAX_GROUPS * sizeof(*groups))
			return -errno;
	}
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		if (groups[i] == group)
			return 1;
	return 0;
}

int nsg_control_check_peer(int fd, gid_t group, uid_t *ret_user)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	if (peer.uid != 0 && peer.uid != geteuid() && peer.gid != group) {
		r = group == (gid_t)-1 ? 0 : peer_in_group(fd, group);
		if (r < 0)
			return r;
		if (!r)
			return -EPERM;
	}
	*ret_user = peer.uid;
	return 0;
}
